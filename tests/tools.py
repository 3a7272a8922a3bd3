"""What tests share: looking for real programs, free ports, waiting for conditions."""

import ctypes
import io
import os
import random
import shutil
import socket
import stat
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

import pytest
import trio
import trio.testing

from moxlite.config.static import RateLimits
from moxlite.logins.guessing import FailedLogins
from moxlite.net.limits import RateLimiter, Window
from moxlite.process.ports import failure_limits

__all__ = [
    "RUNS",
    "SBIN",
    "Files",
    "bindable",
    "crowding",
    "eventually",
    "files_of",
    "free_port",
    "limits_stand_still",
    "mine",
    "moxlite_command",
    "need",
    "need_library",
    "outcome_of",
    "put_files",
    "settled",
    "slowness",
    "still",
    "still_failures",
    "top",
    "untar",
    "until",
]

RUNS: Final = os.environ.get("MOXLITE_RUNS", "")
"""A program that servers and commands of tests run in place of the package, such as a frozen one."""

PORTS: Final = 12_000
"""The first port that tests choose. The last one is below those that the kernel gives to outgoing connections."""

_chosen: Final = random.SystemRandom()
_given: set[int] = set()
"""Ports that were given, which need not be bound yet: of five at random, two would now and then be the same."""

SBIN = ("/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/lib/dovecot")


def moxlite_command(python: str = sys.executable, module: str = "moxlite") -> list[str]:
    """The words that start moxlite: the program that MOXLITE_RUNS names, else the package, or a module of a test's."""
    return [RUNS] if RUNS and module == "moxlite" else [python, "-m", module]


def need(program: str) -> str:
    """The path of a program that the test runs; without it the test is skipped, under CI=true it fails."""
    path = shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), *SBIN]))
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{program} is not installed, and CI=true allows no skip")
        pytest.skip(f"{program} is not installed")
    return path


def need_library(name: str, package: str) -> None:
    """Skip the test without a shared library, which a program that it runs wants; under CI=true it fails then.

    name: as the linker knows it. package: of Debian, which has it.
    """
    try:
        ctypes.CDLL(name)
    except OSError:
        words = f"{name} is not installed (Debian: {package})"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{words}, and CI=true allows no skip")
        pytest.skip(words)


def slowness() -> float:
    """How much longer this machine takes for a loop of Python than one on which that takes 40 ns a turn; at least 1.
    For bounds of processor time. With a tracer, which measures coverage of moxlite alone, four times as long.
    """
    before, turns = time.process_time(), 0
    while turns < 1_000_000:
        turns += 1
    return max(1.0, (time.process_time() - before) / 0.04) * (1 if sys.gettrace() is None else 4)


def crowding() -> float:
    """How much longer than its processor time a loop takes now, as others want the processors, too; at least 1."""
    began, used = time.perf_counter(), time.thread_time()
    while time.thread_time() - used < 0.2:
        pass
    return max(1.0, (time.perf_counter() - began) / 0.2)


def untar(data: bytes, folder: Path) -> None:
    """Unpack a tar file, nothing of it outside of `folder`."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # not before Python 3.11.4
        archive.extractall(folder)


Files: TypeAlias = Mapping[str, tuple[int, bytes | None]]
"""Mode and octets of each path below a folder, None of a folder, which comes before what it has."""


def files_of(folder: Path) -> Files:
    """What is below a folder."""
    return {
        str(path.relative_to(folder)): (
            stat.S_IMODE(path.stat().st_mode),
            None if path.is_dir() else path.read_bytes(),
        )
        for path in sorted(folder.rglob("*"))
    }


def put_files(folder: Path, files: Files) -> None:
    """Make them below a folder, which is there."""
    for name, (mode, octets) in files.items():
        path = folder / name
        if octets is None:
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.write_bytes(octets)
        path.chmod(mode)


def free_port(ip: str = "127.0.0.1") -> int:
    """A TCP port without a listener at this moment, that was not given before, and that no other process of this
    run will choose. The kernel gives it to no outgoing connection, so that a server can take it again after a kill.
    """
    while True:
        port = _chosen.randrange(PORTS, _first_ephemeral())
        if mine(port // 100) and port not in _given and bindable(port, ip):
            _given.add(port)
            return port


def bindable(port: int, ip: str = "127.0.0.1") -> bool:
    """Whether no program listens at a TCP port at this moment."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((ip, port))
        except OSError:
            return False
    return True


def _first_ephemeral() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        return 32768


def mine(number: int) -> bool:
    """Whether a number is for this process: those of a run in parallel (pytest-xdist) share numbers between them."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return number % int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) == worker


def still(windows: Iterable[Window]) -> RateLimiter:
    """A limiter whose windows never end, as they would in the middle of a slow test."""
    return RateLimiter(windows, clock=lambda: 0.0)


def still_failures() -> FailedLogins:
    """The same for failed log-ins, with the limits that a configuration has by itself."""
    return failure_limits(RateLimits(), clock=lambda: 0.0)


@contextmanager
def limits_stand_still() -> Iterator[None]:
    """Limiters that are made within the block have windows that never end, as `still` makes one."""
    with pytest.MonkeyPatch.context() as patch:
        for made in (RateLimiter.__init__, failure_limits):
            assert made.__kwdefaults__ is not None
            patch.setitem(made.__kwdefaults__, "clock", lambda: 0.0)
        yield


def until(
    condition: Callable[[], object], *, seconds: float = 60.0, what: str = "condition", pause: float = 0.02
) -> None:
    """Wait, with real time, for something that another process does. `pause` in seconds: 0.5 and more where each look
    opens a connection, as a server takes 300 of a network in a minute.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:.0f} s for: {what}")
        time.sleep(pause)


async def eventually(condition: Callable[[], object], *, seconds: float = 60.0, what: str = "condition") -> None:
    """Wait, by the test's clock, until `condition` holds."""
    with trio.move_on_after(seconds):
        while not condition():  # noqa: ASYNC110 - the condition may be any other task's or thread's state
            await trio.sleep(0.005)
        return
    pytest.fail(f"waited {seconds:.0f} s for: {what}")


WORKING: Final = frozenset(
    {("_threads.py", "to_thread_run_sync"), ("threads.py", "in_thread"), ("threads.py", "result"), ("writer.py", "run")}
)
"""Files and functions in which a task waits for a thread: of trio, and of `store.file`."""


async def settled(cushion: float = 0.0) -> None:
    """Wait until no task can go on by itself, those included for which a thread is at work, however long that takes:
    all wait for time to pass, or for others. `cushion` as `trio.testing.wait_all_tasks_blocked`.
    """
    while True:
        await trio.testing.wait_all_tasks_blocked(cushion)
        if not any(map(_in_thread, _tasks())):
            return
        cushion = max(cushion, 0.001)


def _tasks() -> Iterator[trio.lowlevel.Task]:
    root = trio.lowlevel.current_root_task()
    found = [root] if root is not None else []
    while found:
        task = found.pop()
        yield task
        found += [child for nursery in task.child_nurseries for child in nursery.child_tasks]


def _in_thread(task: trio.lowlevel.Task) -> bool:
    frames = (frame for frame, _ in task.iter_await_frames())
    return any((Path(frame.f_code.co_filename).name, frame.f_code.co_name) in WORKING for frame in frames)


def write_own(config: Path, text: str = 'user = "0"\n') -> None:
    """Write a machine's own values for a folder of the configuration that will be restored there (ADMIN-52c)."""
    config.parent.mkdir(parents=True, exist_ok=True)
    file = config.with_name(f"{config.name}-own.toml")
    file.write_text(text)
    file.chmod(0o600)


def top() -> Path:
    """The top folder of the project."""
    return Path(__file__).resolve().parent.parent


def outcome_of(program: str, *args: object, code: int = 0) -> str:
    """What a Python program of the test prints, in a process that must end with this exit code."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, args)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(top())},
    )
    assert done.returncode == code, (args, done.stderr)
    return done.stdout
