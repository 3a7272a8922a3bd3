"""The system's program ``sftp`` in batch mode, for one machine (sftp(1)): commands in, their output or an error out.

Each batch is one connection, which ends in time: `CONNECT` seconds to log in, a minute without a sign of life, and in
all what the octets take at `SLOWEST`. Log-ins are by key alone, and a host that shows another key than expected is
refused.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import msgspec

from moxlite.net.storage.locking import LOCKED, LOOK, again, go_on
from moxlite.proto.sshurl import SSHURL

T = TypeVar("T")

CONNECT: Final = 20
"""Seconds for a connection and the answer of its server."""

ALIVE: Final = (15, 4)
"""Seconds between questions whether the server is there, and how many may stay without answer."""

PATIENCE: Final = 120.0
"""Seconds for a call, beside the octets: connecting, logging in, and a slow disk there."""

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

RELEASE: Final = 10.0
"""Seconds for a batch that gives a lock up: a server that ends waits for it."""


class Login(msgspec.Struct, frozen=True):
    """The octets of a private key file, and the keys that the host may show (``ssh-ed25519 AAAA…``)."""

    key: bytes
    host_keys: tuple[str, ...]

    def __repr__(self) -> str:
        """Without the private key."""
        return "Login()"


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
        raise _fault(self.url.host, code, errors, own_key=self._login is not None)

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
            (folder / "known_hosts").write_text("".join(f"{ALIAS} {one}\n" for one in self._login.host_keys))
            options |= OWN | {name: f"{files}/{OWN[name]}" for name in ("IdentityFile", "UserKnownHostsFile")}
            environment = {"PATH": os.defpath, "LC_ALL": "C"}
            arguments += ["-F", "none"]
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
                text = "backups on another machine need the program sftp: apt install openssh-client"
                raise OSError(errno.ENOENT, text) from None
        try:
            while program.poll() is None:
                self._check()
                if time.monotonic() > end:
                    raise ConnectionError(errno.ETIMEDOUT, f"{self.url.host} does not answer in time")
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


def _fault(host: str, code: int, errors: str, *, own_key: bool) -> OSError:
    """The error of a call, in words. `own_key`: a key of the configuration was used, not the keys of the user."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    last = next((line for line in reversed(lines) if not line.startswith("Connection closed")), "") or "no reason"
    if "Host key verification failed" in errors or "REMOTE HOST IDENTIFICATION HAS CHANGED" in errors:
        which = "~/.ssh/known_hosts" if not own_key else "backup.ssh_host_keys"
        text = f"{host} shows another host key than {which} has: is it the right machine? Nothing was sent"
        return PermissionError(errno.EACCES, text)
    if "Permission denied (" in errors:
        which = "the keys of ~/.ssh" if not own_key else "the key of backup.ssh_key_file"
        return PermissionError(errno.EACCES, f"{host} refuses {which}: {last}")
    if "error in libcrypto" in errors or "invalid format" in errors:
        return PermissionError(errno.EACCES, f"backup.ssh_key_file has no private key without passphrase: {last}")
    if f"/{LOCKED}/" in last and "rename" in last:
        return OSError(errno.ESTALE, f"{host}: another process has taken the lock over")
    if code != 1:
        return ConnectionError(errno.ECONNABORTED, f"the connection with {host} failed: {last}")
    if " not found" in last or "No such file" in last:
        return FileNotFoundError(errno.ENOENT, f"{host}: {last}")
    if "Connection lost" in errors or "Connection reset" in errors or "Broken pipe" in errors:
        return ConnectionError(errno.ECONNABORTED, f"the connection with {host} failed: {last}")
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
