"""A Debian of a test's own, booted by systemd-nspawn, or only entered: commands are run in it as root
(systemd-nspawn(1)).
"""

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tests.tools import until

__all__ = ["ENVIRONMENT", "INCLUDE", "SUITE", "SUITES", "CommandFailed", "Machine", "booted", "entered"]

T = TypeVar("T")

SUITE = "bookworm"
SUITES = {"booted12": SUITE, "booted13": "trixie"}
"""Releases of Debian that the package is for, by the names of root file systems that may be there (MOXLITE_ROOTS)."""

INCLUDE = "systemd,systemd-sysv,dbus,adduser,ca-certificates,init-system-helpers,iproute2,procps,apt"
"""Packages of a root by mmdebstrap: a bare server."""

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
}
LANDLOCK = "landlock_create_ruleset landlock_add_rule landlock_restrict_self"
"""Calls that a machine has, but that the filter of systemd-nspawn 252 refuses."""

SECONDS = 300


class CommandFailed(Exception):
    """A command in the machine failed; the text has its output, and the end of the server's log."""


class Machine:
    """The booted one, by the process of systemd-nspawn."""

    def __init__(self, nspawn: int) -> None:
        self._nspawn = nspawn

    @property
    def _leader(self) -> str:
        """Its first process is another one at the beginning, which makes the namespaces."""
        found = Path(f"/proc/{self._nspawn}/task/{self._nspawn}/children").read_text().split()
        return found[0] if found else "0"

    @property
    def command(self) -> list[str]:
        """The words before a command that is to run there."""
        return ["nsenter", "--target", self._leader, "--all"]

    def enter(self) -> None:
        """Let the calling thread, and those that it starts, be in the machine's net: setns(2) is of a thread."""
        with Path(f"/proc/{self._leader}/ns/net").open() as net:
            assert ctypes.CDLL(None, use_errno=True).setns(net.fileno(), 0) == 0

    def inside(self, work: Callable[[], T]) -> T:
        """Do something in the machine's net, in a thread of its own."""

        def enter() -> T:
            self.enter()
            return work()

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(enter).result()

    def _sh(self, command: str, seconds: float) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, "sh", "-c", command],
            capture_output=True,
            text=True,
            timeout=seconds,
            env=ENVIRONMENT,
            check=False,
        )

    def run(self, command: str, *, check: bool = True, seconds: float = SECONDS) -> str:
        """The output of a shell there. Raises CommandFailed."""
        done = self._sh(command, seconds)
        if check and done.returncode:
            journal = self._sh("journalctl --no-pager -n 40 -u moxlite", 60)
            raise CommandFailed(f"{command}: {done.returncode}: {done.stdout}{done.stderr}{journal.stdout}")
        return done.stdout.strip()

    def shows(self, name: str) -> str:
        """A property of the unit."""
        return self.run(f"systemctl show --value --property={name} moxlite")

    def server(self) -> str:
        """The process that serves, a child of the one that systemd knows."""
        return self.run(f"pgrep --parent {self.shows('MainPID')}", check=False)

    def cut(self) -> None:
        """Cut its power: the kernel ends each of its processes with the first one (pid_namespaces(7))."""
        os.kill(int(self._leader), signal.SIGKILL)

    def active(self) -> bool:
        """Whether the server has told systemd that it is ready."""
        return self.shows("ActiveState") == "active" and bool(self.server())


@contextmanager
def _started(root: Path, *options: str) -> Iterator[tuple[Machine, subprocess.Popen[bytes]]]:
    always = ("--register=no", "--keep-unit", "--console=pipe", f"--system-call-filter={LANDLOCK}")
    with subprocess.Popen(
        ["systemd-nspawn", "--directory", str(root), *always, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as nspawn:
        try:
            yield Machine(nspawn.pid), nspawn
        finally:
            nspawn.terminate()
            try:
                nspawn.wait(timeout=120)
            except subprocess.TimeoutExpired:
                Machine(nspawn.pid).cut()


@contextmanager
def booted(root: Path, *options: str) -> Iterator[Machine]:
    """A machine, for the block; `options` are systemd-nspawn's, about its network say."""
    with _started(root, "--boot", *options) as (machine, nspawn):
        until(
            lambda: machine.run("systemctl is-system-running", check=False) in ("running", "degraded"),
            seconds=120,
            what="the boot",
        )
        yield machine
        if nspawn.poll() is None:
            machine.run("systemctl poweroff", check=False)
            nspawn.wait(timeout=60)


@contextmanager
def entered(root: Path, *options: str) -> Iterator[Machine]:
    """The same without systemd: all that runs in it was started by a command, and ends with the block."""
    with _started(root, "--as-pid2", *options, "sleep", "infinity") as (machine, _):
        until(lambda: machine.run("echo it", check=False) == "it", seconds=120, what="the machine")
        yield machine
