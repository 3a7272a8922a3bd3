"""The blocks of a repository: 64 KiB of a file each, stored once under the name of their content (STORE-183).

REPO/blocks/ab/abcd…    one octet of form, then

- FULL: the block, compressed by zstd;
- DELTA: how many deltas are behind it, the name of another block, and the block compressed with that one as dictionary.
  A database changes a page of 4 KiB here and there, and each would bring 64 KiB: with the block that was in its place
  before as dictionary, little more than the page is stored;
- SEALED: a FULL block, encrypted (see `sealing`).

The name is the SHA-256 of the plain block, or a keyed hash of it where blocks are sealed. Blocks are synced together at
the end of a snapshot, before its manifest; what a crash may have left cut short by then is found by the mark DIRTY.
"""

from __future__ import annotations

import errno
import hashlib
import hmac
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import zstandard

from moxlite.store.backup.copying import sync_folder
from moxlite.store.backup.errors import RepositoryError
from moxlite.store.backup.sealing import Opener, Sealer

__all__ = ["BLOCK", "Blocks"]

BLOCK: Final = 64 << 10
"""Octets of a block: 16 pages. Smaller ones would make the manifests long, larger ones store more for each page."""

FULL, DELTA, SEALED = b"\x00", b"\x01", b"\x02"
NAME: Final = 32
MAX_DEPTH: Final = 8
"""Deltas that one block may need: reading it takes that many more files."""

DELTA_SHARE: Final = 2
"""A delta must be at most half of the full form: else the block is better off alone."""

LEVEL: Final = 3
"""Bodies are compressed already, the rest is small (design-facts §2)."""

DIRTY: Final = "DIRTY"


class Blocks:
    """The folder of blocks below `repo`. For one thread at a time.

    Args:
      sealer: encrypts what is put in, None for a plain repository.
      opener: decrypts, None when the identity is not at hand: then sealed blocks can only be looked for.
    """

    def __init__(self, repo: Path, sealer: Sealer | None = None, opener: Opener | None = None) -> None:
        self._repo = repo
        self._folder = repo / "blocks"
        self._sealer = sealer
        self._opener = opener
        self._compressor = zstandard.ZstdCompressor(level=LEVEL)
        self._decompressor = zstandard.ZstdDecompressor()
        self._new: list[str] = []
        self._folders: set[str] = set()
        self.stored = 0
        """Octets written since `begin`."""

    # Writing

    def begin(self) -> None:
        """Begin a snapshot: remove what an earlier one, ended by a crash, may have left cut short."""
        self._folder.mkdir(exist_ok=True)
        dirty = self._repo / DIRTY
        if dirty.exists():
            since = dirty.stat().st_mtime - 2  # whatever the grain of the file system's clock
            for path in self._paths():
                if path.stat().st_mtime >= since and not self._sound(path):
                    path.unlink()
        dirty.touch()
        os.utime(dirty)
        sync_folder(self._repo)
        self._new, self._folders = [], set()
        self.stored = 0

    def put(self, block: bytes, base: bytes | None = None) -> bytes:
        """Store a block if it is new; its name. `base` names the block which was in its place before."""
        name = self.name_of(block)
        # Thousands a second: a Path each would take as long as the hash.
        text = name.hex()
        folder = os.path.join(self._folder, text[:2])  # noqa: PTH118
        path = os.path.join(folder, text)  # noqa: PTH118
        if not os.path.exists(path):  # noqa: PTH110
            if folder not in self._folders:
                Path(folder).mkdir(exist_ok=True)
                self._folders.add(folder)
            data = self._encode(block, base)
            partial = os.path.join(folder, f".{text}.tmp")  # noqa: PTH118
            fd = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0), 0o640)
            with os.fdopen(fd, "wb", buffering=0) as file:
                if file.write(data) != len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
            os.replace(partial, path)  # noqa: PTH105
            self._new.append(path)
            self.stored += len(data)
        return name

    def finish(self) -> None:
        """Make all that was put durable. After the first, syncing is nearly free: one flush of the log of a file
        system takes all of them along.
        """
        for path in self._new:
            fd = os.open(path, os.O_RDONLY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
        for folder in self._folders:
            sync_folder(Path(folder))
        sync_folder(self._folder)
        self._new, self._folders = [], set()

    def clean(self) -> None:
        """The manifest of the snapshot is durable, too."""
        (self._repo / DIRTY).unlink(missing_ok=True)

    def name_of(self, block: bytes) -> bytes:
        """The name that a block has."""
        if self._sealer is not None:
            return hmac.digest(self._sealer.name_key, block, "sha256")
        return hashlib.sha256(block).digest()

    def _encode(self, block: bytes, base: bytes | None) -> bytes:
        full = self._compressor.compress(block)
        if self._sealer is not None:
            return SEALED + self._sealer.seal(full)
        if base is not None:
            try:
                depth, plain = self._load(base)
            except RepositoryError:
                return FULL + full
            if depth < MAX_DEPTH:
                delta = _with(plain).compress(block)
                if len(delta) * DELTA_SHARE <= len(full):
                    return DELTA + bytes([depth + 1]) + base + delta
        return FULL + full

    # Reading

    def get(self, name: bytes) -> bytes:
        """A block. Raises RepositoryError when it is missing or damaged, or cannot be decrypted."""
        block = self._load(name)[1]
        if self.name_of(block) != name:
            raise RepositoryError(f"block {name.hex()} has other octets than its name says")
        return block

    def has(self, name: bytes) -> bool:
        """Whether there is a block of that name."""
        return self._path(name).exists()

    def base_of(self, name: bytes) -> bytes | None:
        """The block that this one needs for being read."""
        try:
            with self._path(name).open("rb") as file:
                head = file.read(2 + NAME)
        except OSError:
            return None
        return head[2:] if head[:1] == DELTA else None

    def _load(self, name: bytes, above: int = 0) -> tuple[int, bytes]:
        """How many deltas are behind a block, and the block."""
        try:
            data = self._path(name).read_bytes()
        except OSError as error:
            raise RepositoryError(f"block {name.hex()}: {error.strerror}") from error
        try:
            match data[:1]:
                case b"\x00":
                    return 0, self._decompressor.decompress(data[1:], max_output_size=BLOCK)
                case b"\x01" if above < MAX_DEPTH:
                    _, base = self._load(data[2 : 2 + NAME], above + 1)
                    found = zstandard.ZstdDecompressor(dict_data=_dictionary(base))
                    return data[1], found.decompress(data[2 + NAME :], max_output_size=BLOCK)
                case b"\x02" if self._opener is not None:
                    full = self._opener.open(data[1:])
                    return 0, self._decompressor.decompress(full, max_output_size=BLOCK)
                case b"\x02":
                    raise RepositoryError("the repository is encrypted: an identity is needed")
                case _:
                    raise RepositoryError(f"block {name.hex()} is of no known form")
        except zstandard.ZstdError as error:
            raise RepositoryError(f"block {name.hex()} is damaged: {error}") from error

    def _sound(self, path: Path) -> bool:
        """Whether a block is whole. Of a sealed one, without its identity, nobody can tell: it is put in anew."""
        try:
            self.get(bytes.fromhex(path.name))
        except (RepositoryError, ValueError):
            return False
        return True

    # Removing

    def sweep(self, used: set[bytes]) -> tuple[int, int]:
        """Remove all blocks but those in `used` and what they need; how many, and their octets."""
        wanted = set(used)
        for name in used:
            base = self.base_of(name)
            while base is not None and base not in wanted:
                wanted.add(base)
                base = self.base_of(base)
        number = octets = 0
        for path in self._paths():
            if path.name.startswith(".") or bytes.fromhex(path.name) not in wanted:
                octets += path.stat().st_size
                path.unlink()
                number += 1
        return number, octets

    def _path(self, name: bytes) -> Path:
        text = name.hex()
        return self._folder / text[:2] / text

    def _paths(self) -> Iterator[Path]:
        for folder in sorted(self._folder.iterdir()):
            yield from sorted(folder.iterdir())


def _dictionary(base: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def _with(base: bytes) -> zstandard.ZstdCompressor:
    return zstandard.ZstdCompressor(level=LEVEL, dict_data=_dictionary(base))
