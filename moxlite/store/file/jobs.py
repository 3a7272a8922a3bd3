"""A unit on its way to the writer and back: state shared by the loop and the writer's thread."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeAlias, TypeVar

import apsw
import trio

from moxlite.processor import acting
from moxlite.store.file.transaction import Tx

X = TypeVar("X", bound=Tx)
T = TypeVar("T")


class Job(Generic[X, T]):
    """A unit to run, the task that waits for it, and its result. `done` makes the job one of a series: it is called on
    the loop once the unit is committed and published, or has failed, and no task is woken. It must not raise.
    """

    __slots__ = ("claim", "context", "done", "error", "make", "result", "seconds", "task", "tx", "unit", "weight")

    def __init__(
        self,
        unit: Callable[[X], T],
        make: Callable[[apsw.Connection], X],
        weight: int = 0,
        *,
        done: Callable[[Job[X, T]], None] | None = None,
    ) -> None:
        self.unit = unit
        self.make = make
        self.weight = weight
        self.done = done
        self.context = contextvars.copy_context()
        self.task = trio.lowlevel.current_task()
        self.claim = threading.Lock()
        self.tx: X | None = None
        self.seconds = 0.0  # processor time in the writer's thread
        self.result: T
        self.error: BaseException | None = None

    def run(self, db: apsw.Connection) -> None:
        """Run the unit in the open transaction."""
        began = time.thread_time()
        try:
            tx = self.make(db)
            self.result = self.context.run(self.unit, tx)
        finally:
            self.seconds += time.thread_time() - began
        self.tx = tx
        self.error = None

    def fail(self, error: BaseException) -> None:
        """Note the error that kept the unit out of the database."""
        self.error = error
        self.tx = None

    @property
    def of_series(self) -> bool:
        """Whether it belongs to a series, so that other jobs go first."""
        return self.done is not None

    def outcome(self) -> T:
        """Return the result of the unit, or raise its error."""
        error, self.error = self.error, None  # the traceback holds this frame: without the cycle, all is freed at once
        try:
            if error is not None:
                raise error
            return self.result
        finally:
            del error

    def wake(self) -> None:
        """Wake the waiting task, or call `done`; count what the unit used. Runs on the loop."""
        usage = self.context.get(acting)
        if usage is not None:
            usage.charge(self.seconds, "write")
        if self.done is None:
            trio.lowlevel.reschedule(self.task)
        else:
            self.done(self)


AnyJob: TypeAlias = Job[Any, Any]
