"""Signals of the process: none is lost, and none ends it before a task handles them (ADMIN-39); and notices to systemd
that the server is up and alive (sd_notify(3), ADMIN-38, ADMIN-40).
"""

import faulthandler
import logging
import math
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final, Self

import trio

from moxlite.wakeup import Wakeup

EARLY: Final = ("SIGHUP", "SIGUSR1")
"""Signals that are noted from the beginning."""

ENDING: Final = ("SIGTERM", "SIGINT")
"""Signals that are noted while the server serves. Before that they end the process: nothing is acknowledged yet."""

LAST: Final = 10.0
"""Seconds for what comes after the last connection and attempt: files are closed, which takes a slow disk some."""

MAX_WAITING: Final = 16
"""Signals noted but not handled yet. Beyond that, the oldest are forgotten, as the kernel merges equal ones."""


class Signals:
    """Notes signals while the block lasts; in the main thread. Signals that the system does not have are left out."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque(maxlen=MAX_WAITING)
        self._wakeup = Wakeup()
        self._token: trio.lowlevel.TrioToken | None = None
        self._stack = ExitStack()
        self._ends = False
        self.patience = LAST
        """Seconds from a stop on after which the process is ended, whatever hangs."""

    def __enter__(self) -> Self:
        self._stack.enter_context(self._noting(EARLY))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()
        if self._ends:
            faulthandler.cancel_dump_traceback_later()

    def ending(self) -> AbstractContextManager[None]:
        """Note the signals that ask to stop, too, while this block lasts."""
        return self._noting(ENDING)

    @contextmanager
    def _noting(self, names: tuple[str, ...]) -> Iterator[None]:
        numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
        before = {number: signal.signal(number, self._arrived) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        self.note(signal.Signals(number).name)

    def note(self, name: str) -> None:
        """Note a signal; callable in any thread and between any two steps of another function."""
        self._waiting.append(name)
        if name in ENDING:
            self.stop_in_time()
        if self._token is not None:
            # Idempotent: a storm of signals makes one call, not a queue of them. Trio may have ended: then none waits.
            with suppress(trio.RunFinishedError):
                self._token.run_sync_soon(self._wakeup.set, idempotent=True)

    def stop_in_time(self) -> None:
        """End the process, with the steps of all threads on standard error, if it has not ended after `patience`; the
        first call counts. What was acknowledged is on disk.
        """
        # By a thread of its own without Python: a thread that does not end, a child that is not heard of, a writer in a
        # long unit, a step of the loop, and whatever keeps Python's lock would all stop a task that watches the clock.
        if not self._ends:
            self._ends = True
            faulthandler.dump_traceback_later(self.patience, exit=True, file=2)

    async def next(self) -> str:
        """The name of the next signal; one task at a time waits for it."""
        self._token = trio.lowlevel.current_trio_token()
        while True:
            self._wakeup.clear()  # before the look: a signal between the two sets it again
            if self._waiting:
                return self._waiting.popleft()
            await self._wakeup.wait()


# Notifying systemd that the server is up and alive (sd_notify(3), ADMIN-38, ADMIN-40).


logger = logging.getLogger("moxlite.process.systemd")

SHARE: Final = 2
"""Messages per watchdog interval; sd_watchdog_enabled(3) recommends two."""


EXTENSION: Final = 90
"""Seconds by which progress prolongs the start; systemd's own limit of a start (DefaultTimeoutStartSec)."""


def notify(state: str) -> None:
    """Send ``READY=1`` and the like if systemd has given us a socket. A message that cannot be sent is logged."""
    if not os.environ.get("NOTIFY_SOCKET") or not hasattr(socket, "AF_UNIX"):
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            _send(sock, state)
    except OSError as error:
        _not_told(state, error)


def unit() -> str:
    """The unit of systemd that this process belongs to, which starts it again; "" without one."""
    if not os.environ.get("NOTIFY_SOCKET"):
        return ""
    try:
        group = Path("/proc/self/cgroup").read_text().strip()
    except OSError:
        group = ""
    name = group.rpartition("/")[2]
    return name.removesuffix(".service") if name.endswith(".service") else "moxlite"


def more_time() -> Callable[[], None]:
    """A function that tells systemd that the start goes on: it waits for a further EXTENSION after each call."""
    last = -math.inf

    def tell() -> None:
        nonlocal last
        if (now := time.monotonic()) - last > EXTENSION / 10:
            last = now
            notify(f"EXTEND_TIMEOUT_USEC={EXTENSION}000000")

    return tell


def _send(sock: socket.socket, state: str) -> None:
    name = os.environ["NOTIFY_SOCKET"]
    sock.sendto(state.encode(), "\0" + name[1:] if name.startswith("@") else name)


def _not_told(state: str, error: OSError) -> None:
    logger.warning("failed to notify systemd", extra={"kv": {"state": state, "err": error.strerror or str(error)}})


async def keep_alive() -> None:
    """Send signs of life to systemd's watchdog until cancelled, if it asks for them. The socket stays open, so that
    systemd does not end the server when it has no free descriptor.

    Errors: OSError if no socket can be had. A message that cannot be sent is logged, and the next one is sent in its
    turn.
    """
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    if not microseconds.isdecimal() or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return
    if not os.environ.get("NOTIFY_SOCKET") or not hasattr(socket, "AF_UNIX"):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)  # its reader may be busy; the event loop must not wait
        while True:
            try:
                _send(sock, "WATCHDOG=1")
            except OSError as error:
                _not_told("WATCHDOG=1", error)
            await trio.sleep(int(microseconds) / 1_000_000 / SHARE)
