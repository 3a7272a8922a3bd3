"""Objects in a folder of another machine, through the system's program ``sftp`` in batch mode (sftp(1), STORE-184a).

Each call of a method is one batch of commands (`sftpbatch`). One whose connection fails is tried again, and goes on
where it was cut.

An object gets its name when it is whole: until then it is a `.tmp`, which the next writer removes. One writer at a time
holds the folder ``locked``, in which a file names its holder and its last sign of life.
"""

from __future__ import annotations

import contextlib
import errno
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from moxlite.net.storage.locking import LOCKED, PAUSES, SIGN, STALE, go_on, in_use
from moxlite.net.storage.sftpbatch import PATIENCE, SAFE, Batches, CommandRefused, Login, listing, quoted
from moxlite.proto.sshurl import SSHURL

BATCH: Final = 256
"""Objects of one call: the ends of so many packs take some seconds."""

LARGE: Final = 64 << 20
"""Octets of an object that was not listed."""

SUFFIX: Final = ".tmp"
"""End of the name of an object that is not whole."""


class SFTP:
    """The folder of a URL. Methods block, for one thread at a time; names of objects are relative to the folder.

    Args:
      scratch: an existing folder of this machine, for what is sent and fetched; `close` leaves it empty.
      login: key and host keys; None: as the ssh program of this user is configured.
      owner: word for the holder of the lock; no two writers with one word are active at the same time.
      check: called some times a second; raises what ends a call.
      pauses: seconds until a connection that failed is tried again.
      upload_limit: octets a second of what is sent; 0: as many as the line takes.
      patience: seconds for a call, beside the octets.

    Raises OSError: ConnectionError for a connection that failed, PermissionError for a log-in that was refused or a
      host with another key, FileNotFoundError, BlockingIOError for a lock that another one holds. The text names the
      host.
    """

    folder: None = None

    def __init__(
        self,
        url: SSHURL,
        scratch: Path,
        *,
        login: Login | None = None,
        owner: str = "",
        check: Callable[[], None] = go_on,
        pauses: Sequence[float] = PAUSES,
        patience: float = PATIENCE,
        upload_limit: int = 0,
    ) -> None:
        self.url = url
        self.staging = scratch
        self._batches = Batches(url, scratch, login, check, pauses, patience, upload_limit)
        self._lock = _Lock(self._batches, _word(owner or f"{socket.gethostname()}-{secrets.token_hex(4)}"))
        self._fetched: dict[str, Path] = {}
        self._seen: dict[str, int] = {}  # sizes of objects that were listed; they never change

    def __str__(self) -> str:
        """The URL."""
        return str(self.url)

    def list(self, folder: str = "") -> dict[str, int | None]:
        """Names and sizes of all objects in a folder, unfinished ones too; None for a folder, and for a file with a
        name that no object has.
        """
        return self._batches.again(lambda _: self._list(folder))

    def read(self, name: str) -> bytes:
        """All octets of an object."""
        with self._batches.local() as local:
            self._batches.again(lambda _: self._lock.run([f"get {name} {local.name}"]))
            return local.read_bytes()

    def tails(self, wanted: Mapping[str, tuple[int, int]]) -> Iterator[tuple[str, bytes]]:
        """The ends of objects: name, and the octets from an offset on. `wanted` has the offset and the size."""
        rest = iter(wanted.items())
        while group := list(islice(rest, BATCH)):
            with contextlib.ExitStack() as stack:
                files = {name: stack.enter_context(self._batches.local()) for name, _ in group}
                octets = sum(size - start for _, (start, size) in group)
                self._batches.again(partial(self._ends, group, files, octets))
                for name, (start, _) in group:
                    with files[name].open("rb") as file:
                        file.seek(start)
                        yield name, file.read()

    def _ends(
        self, group: Sequence[tuple[str, tuple[int, int]]], files: Mapping[str, Path], octets: int, first: bool
    ) -> None:
        # `reget` goes on behind the octets that are there: a hole stands for them.
        for name, (start, _) in group:
            with files[name].open("wb") as file:
                file.truncate(start)
        self._lock.run([f"reget {name} {files[name].name}" for name, _ in group], octets)

    def fetch(self, name: str) -> Path:
        """A copy of an object on this machine, which stays until `release`."""
        if name not in self._fetched:
            local = self.staging / f"fetched-{secrets.token_hex(8)}"
            local.touch(0o600)
            try:
                octets = self._seen.get(name, LARGE)
                self._batches.again(lambda _: self._lock.run([f"reget {name} {local.name}"], octets))
            except BaseException:
                local.unlink()
                raise
            self._fetched[name] = local
        return self._fetched[name]

    def release(self, name: str) -> None:
        """Remove the copy of an object."""
        if (local := self._fetched.pop(name, None)) is not None:
            local.unlink()

    def add(self, name: str, file: Path) -> None:
        """Make an object of a file in `staging`, which is gone then. It has its name when it is whole and durable."""
        part = _part(name)
        size = file.stat().st_size

        def send(first: bool) -> None:
            put = "put"
            if not first:
                if self._size(name) == size:
                    return  # only the answer was lost
                put = "reput" if self._size(part) else "put"
            self._lock.run([f"{put} -f {file.name} {part}", f"rename {part} {name}"], size, sends=True)

        self._batches.again(send)
        file.unlink()

    def write(self, name: str, data: bytes) -> None:
        """Make an object of octets, as `add`."""
        with self._batches.local() as local:
            local.write_bytes(data)
            self.add(name, local)

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects; those that are missing are passed. Raises PermissionError: the other side forbids it."""
        wanted = list(names)
        for name in wanted:
            self.release(name)

        def send(first: bool) -> None:
            there = wanted if first else [name for name in wanted if self._size(name) is not None]
            for at in range(0, len(there), BATCH):
                self._lock.run([f"rm {name}" for name in there[at : at + BATCH]])

        try:
            self._batches.again(send)
        except CommandRefused as error:
            if any(self._size(name) is not None for name in wanted):
                text = f"{self} does not let objects be removed: {error.strerror}"
                raise PermissionError(errno.EACCES, text) from None
            raise

    def make(self, *folders: str) -> None:
        """Make the folder itself and those above it, and some in it; those that are there stay."""
        parts = self.url.path.strip("/").split("/")
        above = ["/" + "/".join(parts[: count + 1]) for count in range(len(parts))]
        self._batches.again(lambda _: self._batches.run([f"-mkdir {quoted(one)}" for one in above], at_top=True))
        if folders:
            self._batches.again(lambda _: self._lock.run([f"-mkdir {one}" for one in folders]))

    def clean(self, *folders: str) -> None:
        """Remove what writers that were cut off have left in some folders. The lock is held."""
        for folder in folders:
            found = [name for name in self.list(folder) if name.startswith(".") and name.endswith(SUFFIX)]
            if found:
                self.remove([f"{folder}/{name}" for name in found])

    def close(self) -> None:
        """Remove all copies."""
        for name in list(self._fetched):
            self.release(name)

    def lock(self) -> AbstractContextManager[None]:
        """Hold the lock. Raises BlockingIOError: another one holds it."""
        return self._lock.held()

    def _list(self, folder: str) -> dict[str, int | None]:
        found = listing(self._lock.run([f"ls -lna {folder or '.'}"]))
        self._seen.update((f"{folder}/{name}", size) for name, size in found.items() if size is not None)
        return found

    def _size(self, name: str) -> int | None:
        folder, _, base = name.rpartition("/")
        return self._list(folder).get(base)


class _Lock:
    """The folder ``locked`` of a repository."""

    def __init__(self, batches: Batches, owner: str) -> None:
        self._batches = batches
        self._owner = owner
        self._sign = ""  # the name of the file in the lock that this object holds
        self._signed = 0.0

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock. Raises BlockingIOError: another one holds it."""
        self._batches.again(lambda _: self._take())
        try:
            yield
        finally:
            sign, self._sign = self._sign, ""
            # Left behind where the connection is gone: this owner takes it over, others after `STALE`.
            with contextlib.suppress(OSError), self._batches.hurried():  # also where the work was cancelled
                self._batches.run([f"-rm {LOCKED}/{sign}", f"-rmdir {LOCKED}"])

    def _take(self) -> None:
        sign = self._new_sign()
        ours = f".lock-{self._owner}"
        with self._batches.local() as local:
            local.touch()
            # A folder with a file in it is not replaced by another: of two one wins (rename(2)).
            self._batches.run([f"-mkdir {ours}", f"-rm {ours}/*", f"put {local.name} {ours}/{sign}"])
            for _ in range(2):
                with contextlib.suppress(CommandRefused):
                    self._batches.run([f"rename {ours} {LOCKED}"])
                    self._sign, self._signed = sign, time.monotonic()
                    return
                with contextlib.suppress(FileNotFoundError):  # released meanwhile
                    self._break(listing(self._batches.run([f"ls -lna {LOCKED}"])), ours)
        raise BlockingIOError(errno.EBUSY, f"{self._batches.url} is in use by another process")

    def _break(self, found: Iterable[str], ours: str) -> None:
        """Remove a lock whose holder is gone. Raises BlockingIOError: it is not."""
        for name in found:
            stamp, _, owner = name.partition(".")
            since = int(stamp) if stamp.isascii() and stamp.isdecimal() else 0
            if owner != self._owner and time.time() - since < STALE:
                with contextlib.suppress(OSError):
                    self._batches.run([f"-rm {ours}/*", f"-rmdir {ours}"])
                raise in_use(self._batches.url, owner, since)
        stale = f".stale-{secrets.token_hex(8)}"
        with contextlib.suppress(CommandRefused):  # another one was first
            self._batches.run([f"rename {LOCKED} {stale}", f"-rm {stale}/*", f"-rmdir {stale}"])

    def _new_sign(self) -> str:
        return f"{int(time.time())}.{self._owner}"

    def run(self, commands: Sequence[str], octets: int = 0, *, sends: bool = False) -> str:
        """The output of some commands of the holder, before which a sign of life is given if it is due."""
        if not self._sign or time.monotonic() - self._signed <= SIGN:
            return self._batches.run(commands, octets, sends=sends)
        renewed = self._new_sign()
        commands = [f"rename {LOCKED}/{self._sign} {LOCKED}/{renewed}", *commands]
        output = self._batches.run(commands, octets, sends=sends)
        self._sign, self._signed = renewed, time.monotonic()
        return output


def _part(name: str) -> str:
    """Name of an object that is not whole."""
    folder, slash, base = name.rpartition("/")
    return f"{folder}{slash}.{base}{SUFFIX}"


def _word(text: str) -> str:
    """A text as part of a name."""
    return "".join(one if SAFE.issuperset(one) and one != "." else "_" for one in text)
