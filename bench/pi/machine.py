"""The machine: one core at a fifth of its speed, a card that flushes slowly, and little memory.

- The core: a real-time task spins on it for the rest of the time, in short slices.
- The card: flushes come late (`flushes`). Reads are as fast as they are: what a server reads is in memory, mostly.
- Memory: a cgroup, with the page cache of what is in it.

What runs there has a higher priority than other programs, so that these disturb less on a busy machine.
"""

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from bench.pi.flushes import Card, filter_flushes

__all__ = ["Machine", "run"]

SLICE: Final = 0.002
"""Seconds of a turn of spinning and leaving the core alone."""

ABOVE_OTHERS: Final = -20
"""Nice value of what is measured."""


class Machine(NamedTuple):
    """`processor`: the core's number. `share`: of its time. `late`: seconds of a flush. `rate`: octets a second that
    the card writes. `memory`: octets.
    """

    processor: int
    share: float = 0.2
    late: float = 0.010
    rate: float = 20e6
    memory: int = 512 << 20


def run(machine: Machine, command: Sequence[str]) -> int:
    """Run a command on the machine until it and all that it has started are gone; its exit code.

    The terminal's signals and SIGTERM go to the command. Raises OSError.
    """
    ours, theirs = socket.socketpair()
    with _memory(machine.memory) as group:
        child = os.fork()
        if not child:
            _become(machine, group, theirs, command)
        theirs.close()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda got, _: os.kill(child, got))
        spinner = _spinner(machine)
        try:
            card = Card(_received(ours), machine.late, machine.rate)
            ours.close()
            os.nice(ABOVE_OTHERS)
            card.serve()
            card.close()
            _, status = os.waitpid(child, 0)
        finally:
            os.kill(spinner, signal.SIGKILL)
            os.waitpid(spinner, 0)
    print(f"# {card.flushes} flushes of {card.octets / 1e6:.1f} MB", file=sys.stderr)
    return os.waitstatus_to_exitcode(status)


def _become(machine: Machine, group: Sequence[Path], theirs: socket.socket, command: Sequence[str]) -> None:
    """In the child: go to the machine, and become the command."""
    try:
        os.setsid()
        for path in group:
            (path / "cgroup.procs").write_text(str(os.getpid()))
        os.sched_setaffinity(0, {machine.processor})
        os.nice(ABOVE_OTHERS)
        with contextlib.suppress(OSError):  # kernels without groups of sessions
            Path("/proc/self/autogroup").write_text(str(ABOVE_OTHERS))
        listener = filter_flushes()
        socket.send_fds(theirs, [b"l"], [listener])
        os.close(listener)
        os.execvp(command[0], [*command])
    except (OSError, KeyError) as error:
        print(f"bench.pi: {error}", file=sys.stderr)
    finally:
        os._exit(126)


def _received(ours: socket.socket) -> int:
    """The listener, out of the child. Raises OSError if it could not make one; it has said why."""
    _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
    if not descriptors:
        raise OSError("the command could not be put on the machine")
    return descriptors[0]


def _spinner(machine: Machine) -> int:
    """Start the task that takes the rest of the core's time, until its parent is gone; its process id."""
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        os.sched_setaffinity(0, {machine.processor})
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        began, spun = time.perf_counter(), 0.0
        while os.getppid() == parent:
            now = start = time.perf_counter()
            # By what was spun in all: the clock wakes it late, by a tenth of a slice.
            while spun + now - start < (1 - machine.share) * (now - began):
                now = time.perf_counter()
            spun += now - start
            time.sleep(SLICE * machine.share)
    except OSError as error:
        print(f"bench.pi: no real-time task: {error}", file=sys.stderr)
    finally:
        os._exit(1)


@contextmanager
def _memory(octets: int) -> Iterator[list[Path]]:
    """Cgroups with that limit of memory, for one run."""
    made: list[Path] = []
    unified = Path("/sys/fs/cgroup")
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, own = line.split(":", 2)
        for top, limit, wanted in (
            (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory" in controllers.split(",")),
            (unified, "memory.max", not controllers and (unified / "cgroup.controllers").exists()),
        ):
            path = top / own.lstrip("/") / f"moxlite-pi-{os.getpid()}"
            if not wanted or not path.parent.is_dir():
                continue
            with contextlib.suppress(OSError):
                path.mkdir()
                made.append(path)
                (path / limit).write_text(str(octets))
    if not any((path / name).exists() for path in made for name in ("memory.limit_in_bytes", "memory.max")):
        raise OSError("there is no cgroup that limits memory")
    try:
        yield made
    finally:
        for path in made:
            with contextlib.suppress(OSError):  # a process is still in it
                path.rmdir()
