"""Keeping long-running tasks alive: a failure is logged, counted, and ends no other task (docs/architecture.md §5).

A supervisor is a nursery whose tasks have names and failure policies. The server has one, and so does each open
account: the faults of a broken account don't affect others::

    async with open_supervisor("server") as tree:
        await tree.start_ready("ctl.accept", serve_ctl)  # the first start must succeed
        tree.start("queue.scheduler", scheduler.serve)  # restarted after a failure
        tree.start("store.import", job, FailurePolicy.ONCE)  # its failure is logged, that is all

A `MemoryError`, and anything that isn't an `Exception` (a keyboard interrupt, an exit), ends everything, whatever the
policy.
`trio.Cancelled` always passes, also within a group.
"""

import enum
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, Protocol

import msgspec
import trio

from moxlite.findings import LOG, Finding
from moxlite.metrics import Counter
from moxlite.wording import fault_of

FIRST_PAUSE: Final = 1.0
"""Seconds between the first failure of a task and its next start: an error that passes by itself is hardly noticed."""

LAST_PAUSE: Final = 300.0
"""Seconds of the longest pause. Each pause is twice the one before: a broken disk is asked twelve times an hour."""

CALM: Final = 600.0
"""Seconds that a task runs without failure until its failures before are forgotten: twice the longest pause, so that a
task which fails at each start never counts as calm.
"""

MAX_ERROR: Final = 200
"""Characters of an error's text in `Down`: it is shown by ``/readyz`` and may quote what a file holds."""

failures_total: Final = Counter(
    "moxlite_task_failures",
    "Failures of long-running tasks. Failed tasks restart.",
    ["pkg", "task"],
)


class FailurePolicy(enum.Enum):
    """Consequence of a task's failure. A task that returns isn't restarted."""

    RESTART = "restart"
    """It starts again after a pause."""
    ONCE = "once"
    """Nothing: it did one thing, and that failed."""
    END = "end"
    """The block of the supervisor ends with the error."""


class Down(msgspec.Struct, frozen=True):
    """A task in the pause after a failure.

    since: seconds UTC of the first failure that no 600 s of calm have followed. error: its last one, one line.
    """

    since: float
    error: str


class ReadyTask(Protocol):
    """A task that calls ``task_status.started()`` when its start has succeeded."""

    def __call__(self, *, task_status: trio.TaskStatus[None]) -> Awaitable[None]: ...


class Supervisor:
    """Made by `open_supervisor`.

    A task is named ``pkg.task``, with the package that it belongs to. Both are labels of
    ``moxlite_task_failures_total``, so a name holds nothing that a peer has chosen, and no account's name.

    Attributes:
      failures: how often each task has failed, by name.
      down: tasks in the pause after a failure.
    """

    def __init__(self, name: str, nursery: trio.Nursery, plain: tuple[type[Exception], ...]) -> None:
        """For `open_supervisor`."""
        self.name: Final = name
        self._plain = plain
        self.failures: Final[dict[str, int]] = {}
        self.down: Final[dict[str, Down]] = {}
        self._nursery = nursery
        self._running: dict[str, _RunningTask] = {}

    @property
    def running(self) -> frozenset[str]:
        """Names of the tasks that run or pause, without tasks with policy ONCE."""
        return frozenset(self._running)

    def runs(self, name: str) -> bool:
        """Whether a task of this name runs or pauses."""
        return name in self._running

    def start(
        self, name: str, task: Callable[[], Awaitable[None]], on_failure: FailurePolicy = FailurePolicy.RESTART
    ) -> None:
        """Run `task()`. Tasks with policy ONCE may share a name."""
        if on_failure is FailurePolicy.ONCE:
            self._nursery.start_soon(self._once, name, task, name=self._title(name))
        else:
            self._nursery.start_soon(self._keep, name, self._enter(name), task, on_failure, name=self._title(name))

    async def start_ready(self, name: str, task: ReadyTask) -> None:
        """Run `task(task_status=…)`, and return once it has called ``started``; later failures restart it.

        Raises what the task raises before that.
        """
        await self._nursery.start(self._keep_ready, name, self._enter(name), task, name=self._title(name))

    async def stop(self, name: str) -> None:
        """Cancel a task, running or pausing, and return once it has ended. Without such a task: nothing."""
        running = self._running.get(name)
        if running is None:
            await trio.lowlevel.checkpoint()
        else:
            running.scope.cancel()
            await running.ended.wait()

    def findings(self) -> list[Finding]:
        """A finding for each task that is down: its name, since when, and the last error."""
        return [
            Finding(
                grade="error",
                code="task-down",
                about=name,
                text=f"task {name} is down since {_utc(down.since)}: {down.error}",
                commands=(LOG,),
            )
            for name, down in sorted(self.down.items())
        ]

    # Inside

    def _title(self, name: str) -> str:
        """The task's name for Trio: SIGUSR1's dump and the watchdog show it."""
        return f"{name} ({self.name})"

    def _enter(self, name: str) -> "_RunningTask":
        assert name not in self._running, f"two tasks are called {name}"
        pkg, _, task = name.partition(".")
        failures_total.labels(pkg, task)  # it shows 0 from now on: increase() of Prometheus needs a first value
        running = self._running[name] = _RunningTask()
        return running

    async def _keep_ready(
        self, name: str, running: "_RunningTask", task: ReadyTask, *, task_status: trio.TaskStatus[None]
    ) -> None:
        status = _Status(task_status)
        await self._keep(name, running, partial(task, task_status=status), FailurePolicy.RESTART, status)

    async def _keep(
        self,
        name: str,
        running: "_RunningTask",
        task: Callable[[], Awaitable[None]],
        on_failure: FailurePolicy,
        status: "_Status | None" = None,
    ) -> None:
        """Run a task until it returns or is cancelled."""
        pause = since = 0.0
        try:
            with running.scope:
                while True:
                    began = trio.current_time()
                    error = await self._attempt(name, task)
                    if error is None:
                        return
                    if on_failure is FailurePolicy.END or (status is not None and not status.called):
                        raise error
                    # By the run, not by the time since the last failure: the pauses would count as calm.
                    calm = trio.current_time() - began >= CALM
                    again = bool(pause) and not calm
                    pause = min(2 * pause, LAST_PAUSE) if again else FIRST_PAUSE
                    since = since if again else time.time()
                    await self._pause(name, Down(since, _line(error)), pause, None if again else error)
        finally:
            del self._running[name]
            running.ended.set()

    async def _pause(self, name: str, down: Down, seconds: float, error: Exception | None) -> None:
        """Be down for so long; `error` for its traceback, which the log needs once."""
        self.down[name] = down
        kv = {"task": name, "of": self.name, "err": down.error, "since": _utc(down.since), "pause": seconds}
        logger = _logger(name)
        traceback = None if error is None or self._is_plain(error) else error
        logger.error("task failed, restarting after backoff", exc_info=traceback, extra={"kv": kv})
        try:
            await trio.sleep(seconds)
        finally:
            del self.down[name]
        logger.info("restarting task", extra={"kv": {"task": name, "of": self.name, "since": _utc(down.since)}})

    def _is_plain(self, error: Exception) -> bool:
        if isinstance(error, ExceptionGroup):
            return error.split(self._plain)[1] is None
        return isinstance(error, self._plain)

    async def _once(self, name: str, task: Callable[[], Awaitable[None]]) -> None:
        error = await self._attempt(name, task)
        if error is not None:
            self._log_end(name, error)

    async def _attempt(self, name: str, task: Callable[[], Awaitable[None]]) -> Exception | None:
        """Run a task once; the error that it failed with, unless that ends everything."""
        try:
            await task()
        except Exception as error:
            self._count(name)
            if _fatal(error):
                raise
            return error
        except BaseExceptionGroup as group:  # with a cancellation, a keyboard interrupt or an exit in it
            # The cancellation must go on, for Trio waits for it; the crash beside it would be lost with it.
            crashes, rest = group.split(Exception)
            if crashes is not None:
                self._count(name)
                self._log_end(name, crashes)
            if crashes is None or rest is None or _fatal(crashes):
                raise
            raise rest from None
        return None

    def _log_end(self, name: str, error: BaseException) -> None:
        _logger(name).error("task failed", exc_info=error, extra={"kv": {"task": name, "of": self.name}})

    def _count(self, name: str) -> None:
        self.failures[name] = self.failures.get(name, 0) + 1
        pkg, _, task = name.partition(".")
        failures_total.labels(pkg, task).inc()


@asynccontextmanager
async def open_supervisor(name: str, *, plain: tuple[type[Exception], ...] = ()) -> AsyncIterator[Supervisor]:
    """A supervisor whose tasks run until the block ends, which cancels them.

    Args:
      plain: errors of a disk, a file or a peer, whose text says all: a task that fails with one starts again without a
        traceback in the log.

    Errors: what ends everything (see above) comes out of the block in an ExceptionGroup, as from any nursery.
    """
    async with trio.open_nursery() as nursery:
        yield Supervisor(name, nursery, plain)
        nursery.cancel_scope.cancel()


class _RunningTask:
    __slots__ = ("ended", "scope")

    def __init__(self) -> None:
        self.scope = trio.CancelScope()
        self.ended = trio.Event()


class _Status:
    """Passes ``started`` on the first time, and remembers it."""

    def __init__(self, status: trio.TaskStatus[None]) -> None:
        self._status = status
        self.called = False

    def started(self, value: None = None) -> None:
        if not self.called:
            self.called = True
            self._status.started(value)


def _fatal(error: BaseException) -> bool:
    """Whether to end everything: nothing goes on by itself without memory, and a new process has some again."""
    return isinstance(error, MemoryError) or (
        isinstance(error, BaseExceptionGroup) and error.subgroup(MemoryError) is not None
    )


def _line(error: BaseException) -> str:
    """An error in one line."""
    text = fault_of(error)[:MAX_ERROR]
    return "".join(char if char.isprintable() else " " for char in text)


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _logger(name: str) -> logging.Logger:
    return logging.getLogger(f"moxlite.{name.partition('.')[0]}")
