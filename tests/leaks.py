"""Plugin of pytest: waits without an end, tasks that outlive their test and processes that outlive the run are errors
with a name.
"""

import inspect
import os
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import pytest
import trio

__all__ = [
    "EndlessWait",
    "LeakedTask",
    "pytest_collection_modifyitems",
    "pytest_runtest_protocol",
    "pytest_runtest_teardown",
]

T = TypeVar("T")

HELPERS: Final = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
"""Processes of Python's library, which end with the process that they help."""


class LeakedTask(AssertionError):
    """A test has ended, and a task that was begun in it would go on."""


class EndlessWait(AssertionError):
    """An async test has taken its time, and its tasks wait."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have async tests run by `watched`."""
    for item in items:
        if inspect.iscoroutinefunction(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.trio(run=watched))


def watched(
    test: Callable[..., Awaitable[T]],
    *args: object,
    clock: trio.abc.Clock | None = None,
    instruments: Sequence[trio.abc.Instrument] = (),
    **options: bool,
) -> T | None:
    """Run a test as `trio.run` does; raise LeakedTask where tasks are left in the end. Tasks of nurseries cannot be:
    those are system tasks.
    """
    left: list[str] = []
    waiting: list[str] = []

    async def whole(*args: object) -> T | None:
        scope = trio.CancelScope()

        def end() -> None:
            waiting.extend(_waiting())
            scope.cancel()

        with scope, _after(_limit, end):
            try:
                return await test(*args)
            finally:
                left.extend(_system_tasks())
        return None

    try:
        found = trio.run(whole, *args, clock=clock, instruments=instruments, **options)
    finally:
        if waiting:
            raise EndlessWait(f"no end in {_limit:g} s: {'; '.join(waiting)}")
    if left:
        raise LeakedTask(f"left running: {', '.join(sorted(left))}")
    return found


@contextmanager
def _after(seconds: float, act: Callable[[], object]) -> Iterator[None]:
    """Act in Trio's thread after so much time of the machine, whatever the test's clock says.

    pytest-timeout raises in the middle of Trio's loop, which no later test of the process survives: it comes after
    this, for tests that wait in threads or compute.
    """
    token = trio.lowlevel.current_trio_token()
    timer = threading.Timer(seconds, lambda: token.run_sync_soon(act))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _waiting() -> Iterator[str]:
    """The places in our files where tasks wait, and how many there."""
    places = Counter[str]()
    tasks = [trio.lowlevel.current_root_task()]
    while tasks:
        task = tasks.pop()
        assert task is not None
        tasks += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
        frames = [frame for frame, _ in task.iter_await_frames() if "site-packages" not in frame.f_code.co_filename]
        if frames and Path(frames[-1].f_code.co_filename) != Path(__file__):
            code = frames[-1].f_code
            places[f"{code.co_qualname} at {Path(code.co_filename).name}:{frames[-1].f_lineno}"] += 1
    yield from (f"{place}, {count} tasks" if count > 1 else place for place, count in places.most_common(8))


def _system_tasks() -> Iterator[str]:
    """Names of tasks beside the test's, but for trio's own."""
    root = trio.lowlevel.current_root_task()
    assert root is not None
    own = Path(trio.__file__).parent / "_core"
    for nursery in root.child_nurseries:
        for task in nursery.child_tasks:
            code = getattr(task.coro, "cr_code", None)
            if task is not trio.lowlevel.current_task() and code and own not in Path(code.co_filename).parents:
                yield task.name


MARGIN: Final = 20.0
"""Seconds before the time-out of pytest-timeout."""

ENDING: Final = 10.0
"""Seconds in which processes end that were told to."""

ENDLESS: Final = 900.0
"""Seconds of a test where no time-out is configured."""

_limit: float = ENDLESS
"""Seconds of the present test."""

_began: dict[int, str] = {}
"""Children of this process, with the test in which each was seen first."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Note the children that a file of tests begins. An async test has most of the time that pytest-timeout gives."""
    global _limit
    mark = item.get_closest_marker("timeout")
    seconds = float(mark.args[0] if mark is not None and mark.args else item.config.getini("timeout") or ENDLESS)
    _limit = seconds - min(seconds / 2, MARGIN)
    try:
        return (yield)
    finally:
        if nextitem is not None and nextitem.path != item.path:
            for pid in _children():
                _began.setdefault(pid, item.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Fail after the last test for processes that are left: fixtures of all scopes have ended."""
    before = _children() if nextitem is None else {}
    result = yield
    if nextitem is None:
        left = _left()
        end = time.monotonic() + ENDING
        while left and time.monotonic() < end:  # what was told to end takes its time on a busy machine
            time.sleep(0.05)
            left = _left()
        began = {pid: _began.get(pid, item.nodeid if pid in before else "the end of the run") for pid in left}
        lines = [f"process {pid} is left over since {began[pid]}: {line}" for pid, line in left.items()]
        if lines:
            pytest.fail("\n".join(lines), pytrace=False)
    return result


def _left() -> dict[int, str]:
    return {pid: line for pid, line in _children().items() if not any(one in line for one in HELPERS)}


def _children() -> dict[int, str]:
    """Command lines of the living children of this process; nothing where there is no /proc."""
    own = os.getpid()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(parent) == own and state != "Z":
                found[int(folder.name)] = (
                    (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
        except OSError:
            continue  # it has just ended
    return found
