"""Configuration, keys and small files of the first machine, encrypted: an uncompressed tar within age (STORE-186a).

Names are as in a full backup: ``config/``, ``named/`` and ``data/``. All private keys of the host are in it, so it
is encrypted whatever the target.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from moxlite.encoding import to_json
from moxlite.safefile import Tree, plain_parts
from moxlite.store.backup.copying import KEY_MODE
from moxlite.store.backup.keys import FILES_SIGNED, Signer, opener_of, read_signature, sealer_of, speakers
from moxlite.store.backup.layout import (
    CONFIG,
    DATA,
    NAMED,
    TREES,
    Report,
    Source,
    config_files,
    other_files,
    restored_mode,
)
from moxlite.store.backup.storage import Storage
from moxlite.store.errors import BackupError, RepositoryError

MAX_FILES: Final = 64 << 20
"""Octets of all files together: certificates and keys have kilobytes; a folder with something else is refused."""

SIGNATURE: Final = "MOXLITE.signature"
"""Name of the global header (pax(1)) with the signature of `digest`; programs that do not know it pass it."""

SETTINGS: Final = frozenset({"moxlite.toml", "domains.toml"})
"""Names of the configuration's own files."""


class PackedFile(msgspec.Struct, frozen=True):
    """A file of the pack: its octets, and the permissions that it gets."""

    content: bytes
    mode: int

    def __repr__(self) -> str:
        """Without the content, which may be a key."""
        return f"PackedFile({len(self.content)} octets, {self.mode:04o})"


def collect(source: Source) -> tuple[dict[str, PackedFile], list[str]]:
    """All files of the pack by name, and a note for each file that is left out: only root can read it, and the
    configuration does not name it, so that no other machine needs it. Blocks.

    Raises BackupError: a key cannot be read, or there is too much.
    """
    report, found, left_out, size = Report(), dict[str, PackedFile](), list[str](), 0
    needed = {named.path for named in source.named if not named.private} | {source.config / name for name in SETTINGS}
    for config_file in config_files(source, keys=True, encrypted=True, report=report):
        try:
            found[config_file.name] = (
                _packed(config_file.path, size)
                if config_file.content is None
                else PackedFile(config_file.content, KEY_MODE)
            )
        except FileNotFoundError:
            continue  # removed meanwhile
        except PermissionError:
            if config_file.path in needed:
                report.errors.append(f"{config_file.path}: can't be read: Permission denied")
            else:
                left_out.append(
                    f"{config_file.path}: skipped, because only root can read it and the configuration doesn't use it"
                )
            continue
        except OSError as error:
            report.errors.append(f"{config_file.path}: can't be read: {error.strerror or error}")
            continue
        size += len(found[config_file.name].content)
        _check_size(size, found)
    for other in other_files(source.data):
        if not other.regular:
            continue
        try:
            found[f"{DATA}/{other.path}"] = packed = _packed(source.data / other.path, size)
        except FileNotFoundError:
            continue
        size += len(packed.content)
        _check_size(size, found)
    if report.errors:
        raise BackupError(report.errors[0])
    return found, left_out


def _packed(path: Path, size: int) -> PackedFile:
    """A file beside others of `size` octets. One that is too large is read in part, for `_check_size` to refuse."""
    with path.open("rb") as file:
        return PackedFile(file.read(MAX_FILES - size + 1), restored_mode(os.fstat(file.fileno()).st_mode))


def _check_size(size: int, found: Mapping[str, PackedFile]) -> None:
    if size > MAX_FILES:
        largest = max(found, key=lambda name: len(found[name].content))
        raise BackupError(
            f"configuration and data files are larger than {MAX_FILES >> 20} MiB in total; move "
            f"the largest file to another folder: {largest}"
        )


def digest(files: Mapping[str, PackedFile]) -> str:
    """A hash of all names, permissions and contents."""
    found = hashlib.sha256()
    for name, one in sorted(files.items()):
        found.update(f"{len(name)} {name} {one.mode:o} {len(one.content)} ".encode() + one.content)
    return found.hexdigest()


def seal(files: Mapping[str, PackedFile], recipients: tuple[str, ...], signer: Signer | None) -> bytes:
    """The pack. Raises BackupError."""
    packed = io.BytesIO()
    notes = {}
    if signer is not None:
        signature = signer.sign(FILES_SIGNED, "", digest(files).encode())
        notes[SIGNATURE] = to_json(signature).decode()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT, pax_headers=notes) as tar:
        # Sorted, and without times or owners: the same files give the same octets before they are sealed.
        for name, one in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(one.content), one.mode
            tar.addfile(entry, io.BytesIO(one.content))
    return sealer_of(recipients, b"").seal(packed.getvalue())


def open_pack(data: bytes, storage: Storage, identity: Path) -> tuple[dict[str, PackedFile], list[str]]:
    """The files of a pack by name; its signer, and those that it has succeeded, none for a pack that is not signed.
    Raises BackupError: the key is wrong or cannot be read, or damage.
    """
    try:
        opener = opener_of(storage, identity, None)
        assert opener is not None
        octets = opener.open(data)
    except OSError as error:
        raise BackupError(f"can't read the key {identity}: {error.strerror or error}") from None
    except RepositoryError as error:
        raise BackupError(
            f"{identity} can't decrypt the first machine's configuration and keys: wrong key for its "
            f"standby.encrypt_to, or damaged files ({error})"
        ) from None
    found: dict[str, PackedFile] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(octets), mode="r:") as tar:
            signature = tar.pax_headers.get(SIGNATURE)
            for entry in tar:
                file = tar.extractfile(entry) if entry.isreg() else None
                # By name, though the pack is signed: the first machine may have been taken over before it signed this.
                if file is None or not _is_of_backup(entry.name):
                    raise BackupError(f"unexpected file from the first machine: {entry.name[:80]!r}")
                found[entry.name] = PackedFile(file.read(), restored_mode(entry.mode))
    except tarfile.TarError as error:
        raise BackupError(f"the first machine's files are damaged: {error}") from None
    if signature is None:
        return found, []
    return found, speakers(read_signature(signature.encode()), FILES_SIGNED, "", digest(found).encode())


def _is_of_backup(name: str) -> bool:
    try:
        parts = plain_parts(name)
    except ValueError:
        return False
    return len(parts) > 1 and parts[0] in TREES


def unpack(files: Mapping[str, PackedFile], folder: Path) -> None:
    """Replace the files of an older pack in the folder of a full backup. Databases stay. Blocks. Raises OSError."""
    for part in (CONFIG, NAMED):
        shutil.rmtree(folder / part, ignore_errors=True)
    with Tree(folder) as tree:
        for name, one in files.items():
            with tree.new_file(plain_parts(name), one.mode, replace=True) as file:
                file.write(one.content)
