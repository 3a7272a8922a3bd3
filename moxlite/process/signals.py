"""Signals of the process: none is lost, and none ends it before a task handles them (ADMIN-39).

By default, SIGHUP and SIGUSR1 end a process. Log rotation may send SIGHUP in the first moment of a start, and the task
that handles signals may be in its pause after a failure. So signals are noted for the whole life of the process.
"""

import signal
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from types import FrameType, TracebackType
from typing import Final, Self

import trio

from moxlite.wakeup import Wakeup

EARLY: Final = ("SIGHUP", "SIGUSR1")
"""Signals that are noted from the beginning."""

ENDING: Final = ("SIGTERM", "SIGINT")
"""Signals that are noted while the server serves. Before that they end the process: nothing is acknowledged yet."""

MAX_WAITING: Final = 16
"""Signals noted but not handled yet. Beyond that, the oldest are forgotten, as the kernel merges equal ones."""


class Signals:
    """Notes signals while the block lasts; in the main thread. Signals that the system does not have are left out."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque(maxlen=MAX_WAITING)
        self._wakeup = Wakeup()
        self._token: trio.lowlevel.TrioToken | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._noting(EARLY))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

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
        if self._token is not None:
            with suppress(trio.RunFinishedError):
                self._token.run_sync_soon(self._wakeup.set, idempotent=True)

    async def next(self) -> str:
        """The name of the next signal; one task at a time waits for it."""
        self._token = trio.lowlevel.current_trio_token()
        while True:
            self._wakeup.clear()
            if self._waiting:
                return self._waiting.popleft()
            await self._wakeup.wait()
