"""Signals of the process, none of which is lost or ends it before there is a task that acts on them (ADMIN-39).

The default action of SIGHUP and SIGUSR1 ends a process. A log rotated in the first moment of a start sends SIGHUP, and
the task that acts on signals may be in the pause after a failure: so they are noted from the beginning to the end.
"""

import signal
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from types import FrameType, TracebackType
from typing import Final, Self

import trio

from moxlite.wakeup import Bell

__all__ = ["Signals"]

EARLY: Final = ("SIGHUP", "SIGUSR1")
"""Noted from the beginning on."""

ENDING: Final = ("SIGTERM", "SIGINT")
"""Noted while the server serves. Before that they end the process: nothing is acknowledged yet."""

MAX_WAITING: Final = 16
"""Signals noted and not acted on; of more the oldest are forgotten, as the kernel does with equal ones."""


class Signals:
    """Notes signals while the block lasts; in the main thread. Those that the system does not know are left out."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque(maxlen=MAX_WAITING)
        self._bell = Bell()
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
        """Note those that ask to stop, too, while this block lasts."""
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
        """A signal has come; callable in any thread and between any two steps of another function."""
        self._waiting.append(name)
        if self._token is not None:
            with suppress(trio.RunFinishedError):
                self._token.run_sync_soon(self._bell.ring, idempotent=True)

    async def next(self) -> str:
        """The name of the next signal; one task at a time waits for it."""
        self._token = trio.lowlevel.current_trio_token()
        while True:
            self._bell.quiet()
            if self._waiting:
                return self._waiting.popleft()
            await self._bell.wait()
