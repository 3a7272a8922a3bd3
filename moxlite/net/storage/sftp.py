"""Objects in a folder of another machine, through the system's program ``sftp`` in batch mode (sftp(1), STORE-184a).

Each call of a method is one batch of commands (`sftpbatch`). One whose connection fails is tried again, and goes on
where it was cut.

An object gets its name when it is whole: until then it is a `.tmp`, which the next writer removes. One writer at a time
holds the folder ``locked``, in which a file names its holder and its last sign of life.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import msgspec

from moxlite.net.storage.locking import LOCKED, LOOK, PAUSES, SIGN, STALE, again, go_on, in_use
from moxlite.ownprogram import exit_words
from moxlite.proto.sshurl import SSHURL

BATCH: Final = 256
"""Objects of one call: the ends of so many packs take some seconds."""

LARGE: Final = 64 << 20
"""Octets of an object that was not listed."""

SUFFIX: Final = ".tmp"
"""End of the name of an object that is not whole."""


NO_SFTP: Final = "backups to another machine require the program sftp: apt install openssh-client"

PATIENCE: Final = 120.0
"""Seconds for a call, beside the octets: connecting, logging in, and a slow disk there."""


VERSION_SECONDS: Final = 30.0
"""Seconds in which ssh tells its version."""


def try_ssh() -> None:
    """Start the system's ssh, by which sftp connects, without a connection. Blocks. Raises OSError."""
    program = shutil.which("ssh")
    if program is None or shutil.which("sftp") is None:
        raise FileNotFoundError(errno.ENOENT, NO_SFTP)
    try:
        done = subprocess.run(  # noqa: S603 - fixed
            [program, "-V"], stdin=subprocess.DEVNULL, capture_output=True, timeout=VERSION_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"ssh didn't report its version within {VERSION_SECONDS:.0f} s") from None
    if done.returncode:
        raise OSError(f"ssh exited ({exit_words(done.returncode)})")


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
                text = f"{self} doesn't allow deleting objects: {error.strerror}"
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
            # Others' names may be patterns to `rm`, and a folder cannot be removed so.
            own = (name for name, size in self.list(folder).items() if size is not None)
            found = [f"{folder}/{name}" for name in own if name.startswith(".") and name.endswith(SUFFIX)]
            if found:
                self.remove(found)

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
        self._signs: tuple[str, ...] = ()  # names that the file in the lock may have; more than one after a cut
        self._signed = 0.0

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock. Raises BlockingIOError: another one holds it."""
        self._batches.again(lambda _: self._take())
        try:
            yield
        finally:
            signs, self._signs = self._signs, ()
            # Left behind where the connection is gone: this owner takes it over, others after `STALE`.
            with contextlib.suppress(OSError), self._batches.hurried():  # also where the work was cancelled
                self._batches.run([*(f"-rm {LOCKED}/{sign}" for sign in signs), f"-rmdir {LOCKED}"])

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
                    self._signs, self._signed = (sign,), time.monotonic()
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

    def _new_sign(self, later: int = 0) -> str:
        return f"{int(time.time()) + later}.{self._owner}"

    def run(self, commands: Sequence[str], octets: int = 0, *, sends: bool = False) -> str:
        """The output of some commands of the holder, before which a sign of life is given if it is due."""
        if not self._signs or (len(self._signs) == 1 and time.monotonic() - self._signed <= SIGN):
            return self._batches.run(commands, octets, sends=sends)
        # A connection that is cut tells not how far it came. So each name that the file may have becomes one, and that
        # one must be there.
        middle, renewed = self._new_sign(), self._new_sign(later=1)
        moves = [f"-rename {LOCKED}/{sign} {LOCKED}/{middle}" for sign in self._signs if sign != middle]
        moves.append(f"rename {LOCKED}/{middle} {LOCKED}/{renewed}")
        self._signs = tuple({**dict.fromkeys(self._signs), middle: None, renewed: None})
        output = self._batches.run([*moves, *commands], octets, sends=sends)
        self._signs, self._signed = (renewed,), time.monotonic()
        return output


def _part(name: str) -> str:
    """Name of an object that is not whole."""
    folder, slash, base = name.rpartition("/")
    return f"{folder}{slash}.{base}{SUFFIX}"


def _word(text: str) -> str:
    """A text as part of a name."""
    return "".join(one if SAFE.issuperset(one) and one != "." else "_" for one in text)


# The system's program ``sftp`` in batch mode, for one machine (sftp(1)): commands in, their output or an error out.
#
# Each batch is one connection, which ends in time: `CONNECT` seconds to log in, a minute without a sign of life, and
# in all what the octets take at `SLOWEST`. Log-ins are by key alone, and a host that shows another key than expected
# is refused.


T = TypeVar("T")

CONNECT: Final = 20
"""Seconds for a connection and the answer of its server."""

ALIVE: Final = (15, 4)
"""Seconds between questions whether the server is there, and how many may stay without answer."""

SLOWEST: Final = 32 << 10
"""Octets a second: a pack of 64 MiB has 35 minutes."""

OUTPUT: Final = 256 << 20
"""Octets of a listing: two million objects."""

ERRORS: Final = 4 << 10
"""Octets of error messages."""

SAFE: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
"""Characters of names of objects: without a meaning in a batch of sftp."""

ALIAS: Final = "the-host"
"""Name of the host in the file of its keys."""

QUIET: Final = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "ConnectTimeout": str(CONNECT),
    "ConnectionAttempts": "1",
    "ServerAliveInterval": str(ALIVE[0]),
    "ServerAliveCountMax": str(ALIVE[1]),
    "ClearAllForwardings": "yes",
    "ForwardAgent": "no",
    "PermitLocalCommand": "no",
    "ControlPath": "none",
    "UpdateHostKeys": "no",
    "LogLevel": "ERROR",
}
"""Options of every connection (ssh_config(5))."""

OWN: Final = {
    "IdentityFile": "key",
    "IdentitiesOnly": "yes",
    "IdentityAgent": "none",
    "PreferredAuthentications": "publickey",
    "UserKnownHostsFile": "known_hosts",
    "GlobalKnownHostsFile": "/dev/null",
    "HostKeyAlias": ALIAS,
    "CheckHostIP": "no",
}
"""Options of a connection with a `Login`."""

LITESTREAM_ASKS: Final = {
    "ecdsa-sha2-nistp256": "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384": "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521": "ecdsa-sha2-nistp521",
    "rsa-sha2-256": "ssh-rsa",
    "rsa-sha2-512": "ssh-rsa",
    "ssh-ed25519": "ssh-ed25519",
}
"""Algorithms in the order in which Litestream asks for them (golang.org/x/crypto/ssh, `defaultHostKeyAlgos`), each with
the kind of its keys. A host shows its key for the first one that it has, and Litestream takes a single key.
"""

RELEASE: Final = 10.0
"""Seconds for a batch that gives a lock up: a server that ends waits for it."""


class Login(msgspec.Struct, frozen=True):
    """The octets of a private key file, and the keys that the host may show (``ssh-ed25519 AAAA…``). `standby`: the
    host is asked for the key that it shows to Litestream.
    """

    key: bytes
    host_keys: tuple[str, ...]
    standby: bool = False

    def __repr__(self) -> str:
        """Without the private key."""
        return "Login()"


def shown_key(host_keys: Sequence[str]) -> str:
    """The key that a host with all these keys shows to Litestream, without its comment."""
    kinds = [*LITESTREAM_ASKS.values()]
    key = min(host_keys, key=lambda host_key: kinds.index(host_key.split()[0]) if host_key.split()[0] in kinds else 99)
    return " ".join(key.split()[:2])


class CommandRefused(OSError):
    """The server refuses a command."""


class Batches:
    """Batches of commands for the folder of a URL. Methods block, for one thread at a time.

    Args: see `SFTP`.
    """

    def __init__(
        self,
        url: SSHURL,
        staging: Path,
        login: Login | None,
        check: Callable[[], None],
        pauses: Sequence[float],
        patience: float,
        upload_limit: int = 0,
    ) -> None:
        self.url = url
        self.staging = staging
        self._login = login
        self._check = check
        self._pauses = tuple(pauses)
        self._patience = patience
        self._upload_limit = upload_limit

    def run(self, commands: Sequence[str], octets: int = 0, *, at_top: bool = False, sends: bool = False) -> str:
        """The output of some commands of sftp, the rest of which are left out after one that fails. They are run in the
        folder of the URL, or `at_top`. `octets`: as many as the commands move; `sends`: to the other machine, so that
        the limit of uploads counts.
        """
        lines = [*commands] if at_top else [f"cd {quoted(self.url.path)}", *commands]
        limit = self._upload_limit if sends else 0
        seconds = self._patience + octets / (min(SLOWEST, limit / 2) if limit else SLOWEST)
        with tempfile.TemporaryDirectory(prefix="ssh-", dir=self.staging) as folder:
            code, output, errors = self._call(lines, Path(folder), seconds, limit)
        if code == 0:
            return output
        raise _fault(self.url.host, code, errors, self._login)

    def _call(self, lines: Sequence[str], folder: Path, seconds: float, limit: int) -> tuple[int, str, str]:
        options = dict(QUIET)
        environment = {**os.environ, "LC_ALL": "C"}
        files = os.path.relpath(folder, self.staging)
        arguments = ["sftp", "-b", "-", "-P", str(self.url.port)]
        if limit:
            arguments += ["-l", str(max(1, limit * 8 // 1000))]  # thousands of bits a second
        if self._login is not None:
            key = folder / "key"
            key.touch(0o600)
            key.write_bytes(self._login.key)
            (folder / "known_hosts").write_text("".join(f"{ALIAS} {host_key}\n" for host_key in self._login.host_keys))
            options |= OWN | {name: f"{files}/{OWN[name]}" for name in ("IdentityFile", "UserKnownHostsFile")}
            environment = {"PATH": os.defpath, "LC_ALL": "C"}
            arguments += ["-F", "none"]
            if self._login.standby:
                options["HostKeyAlgorithms"] = ",".join(LITESTREAM_ASKS)
        for name, value in options.items():
            arguments += ["-o", f"{name}={value}"]
        host = f"[{self.url.host}]" if ":" in self.url.host else self.url.host
        arguments.append(f"{self.url.user}@{host}" if self.url.user else host)
        with (folder / "out").open("w+b") as out, (folder / "errors").open("w+b") as errors:
            batch = folder / "batch"
            batch.write_text("".join(f"{line}\n" for line in lines))
            code = self._wait(arguments, batch, environment, (out, errors), seconds)
            out.seek(0)
            errors.seek(0)
            return code, out.read(OUTPUT).decode(errors="replace"), errors.read(ERRORS).decode(errors="replace")

    def _wait(
        self,
        arguments: Sequence[str],
        batch: Path,
        environment: Mapping[str, str],
        outputs: tuple[BinaryIO, BinaryIO],
        seconds: float,
    ) -> int:
        """The exit code of the program."""
        # ssh takes keys and settings of the real user, so a command of root that acts as another becomes that one.
        acting = os.geteuid() != os.getuid()
        end = time.monotonic() + seconds
        with batch.open("rb") as commands:
            try:
                program = subprocess.Popen(  # noqa: S603 - fixed but for user, host and port, which were checked
                    arguments,
                    stdin=commands,
                    stdout=outputs[0],
                    stderr=outputs[1],
                    cwd=self.staging,
                    env=environment,
                    start_new_session=True,
                    user=os.geteuid() if acting else None,
                    group=os.getegid() if acting else None,
                )
            except FileNotFoundError:
                raise OSError(errno.ENOENT, NO_SFTP) from None
        try:
            while program.poll() is None:
                self._check()
                if time.monotonic() > end:
                    raise ConnectionError(errno.ETIMEDOUT, f"timed out waiting for {self.url.host}")
                with contextlib.suppress(subprocess.TimeoutExpired):
                    program.wait(LOOK)
        finally:
            if program.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(program.pid, signal.SIGKILL)  # ssh, a child of it, too
                program.wait()
        return program.returncode

    @contextlib.contextmanager
    def local(self) -> Iterator[Path]:
        """The path of a new file in `staging`, which is removed at the end."""
        path = self.staging / f"part-{secrets.token_hex(8)}"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def again(self, call: Callable[[bool], T]) -> T:
        """Call until the connection holds. `call` is told whether it is the first time."""
        return again(call, self._pauses, lambda: self._check())

    @contextlib.contextmanager
    def hurried(self) -> Iterator[None]:
        """Within the block nothing ends a batch but the time, which is short."""
        before = self._check, self._patience
        self._check, self._patience = go_on, RELEASE
        try:
            yield
        finally:
            self._check, self._patience = before


def _fault(host: str, code: int, errors: str, login: Login | None) -> OSError:
    """The error of a call, in words. `login`: from the configuration; None for the keys of the user."""
    section = "standby" if login is not None and login.standby else "backup"
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    last = next((line for line in reversed(lines) if not line.startswith("Connection closed")), "") or "no reason"
    if "Host key verification failed" in errors or "REMOTE HOST IDENTIFICATION HAS CHANGED" in errors:
        which = "~/.ssh/known_hosts" if login is None else f"{section}.ssh_host_keys"
        what, cure = "backups", "Check the machine"
        if section == "standby":
            what, cure = "copies", "Check the machine, and list all its host keys (/etc/ssh/ssh_host_*_key.pub)"
        text = f"the host key of {host} doesn't match {which}, so {what} stopped. {cure}"
        return PermissionError(errno.EACCES, text)
    if "Permission denied (" in errors:
        which = "the keys of ~/.ssh" if login is None else f"the key of {section}.ssh_key_file"
        return PermissionError(errno.EACCES, f"{host} rejected {which}: {last}")
    if "error in libcrypto" in errors or "invalid format" in errors:
        return PermissionError(
            errno.EACCES, f"{section}.ssh_key_file must be a private key without a passphrase: {last}"
        )
    if code != 1 or any(text in errors for text in ("Connection lost", "Connection reset", "Broken pipe")):
        return ConnectionError(errno.ECONNABORTED, f"the connection to {host} failed: {last}")
    if f"/{LOCKED}/" in last and "rename" in last:
        return OSError(errno.ESTALE, f"{host}: another process took over the lock")
    if " not found" in last or "No such file" in last:
        return FileNotFoundError(errno.ENOENT, f"{host}: {last}")
    return CommandRefused(errno.EIO, f"{host}: {last}")


def listing(text: str) -> dict[str, int | None]:
    """Names and sizes in the output of ``ls -lna``; None for a folder, and for a name that no object has."""
    found: dict[str, int | None] = {}
    for line in text.splitlines():
        fields = line.split(None, 8)
        if len(fields) == 9 and fields[0][0] in "-d":  # others are the echo of commands
            name = fields[8].rpartition("/")[2]
            if name not in (".", ".."):
                ours = fields[0][0] == "-" and fields[4].isdecimal() and SAFE.issuperset(name)
                found[name] = int(fields[4]) if ours else None
    return found


def quoted(text: str) -> str:
    """A path as an argument in a batch."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
