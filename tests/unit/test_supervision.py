"""Supervision of tasks: pauses, failure policies, what passes and what doesn't (docs/architecture.md §5, ADMIN-39a)."""

import errno
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from moxlite.supervision import CALM, LAST_PAUSE, FailurePolicy, Supervisor, failures_total, open_supervisor
from tests.logs import kv

NO_DESCRIPTORS = OSError(errno.EMFILE, "Too many open files")


class Failing:
    """A task that fails with the errors of a list, one after the other, then sleeps; it notes when it was started."""

    def __init__(self, *errors: BaseException, after: float = 0.0) -> None:
        self.errors = list(errors)
        self.after = after
        self.starts: list[float] = []

    async def __call__(self) -> None:
        self.starts.append(trio.current_time())
        await trio.sleep(self.after)
        if self.errors:
            raise self.errors.pop(0)
        await trio.sleep_forever()


@pytest.fixture
def clock(autojump_clock: MockClock) -> MockClock:
    return autojump_clock


async def test_a_failed_task_starts_again_after_a_pause_that_doubles(clock: MockClock) -> None:
    """ADMIN-39a: 1 s, 2 s, 4 s … up to five minutes."""
    task = Failing(*[RuntimeError("x")] * 11)
    async with open_supervisor("test") as tree:
        tree.start("store.task", task)
        await trio.sleep(3000)
    pauses = [later - earlier for earlier, later in zip(task.starts, task.starts[1:], strict=False)]
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, LAST_PAUSE, LAST_PAUSE]


async def test_calm_forgets_the_failures_before(clock: MockClock) -> None:
    """ADMIN-39a: who has run for ten minutes begins with the shortest pause again."""
    errors = [RuntimeError("x")] * 3
    task = Failing(*errors, after=CALM)
    async with open_supervisor("test") as tree:
        tree.start("store.task", task)
        await trio.sleep(3000)
    assert task.starts == [0, CALM + 1, 2 * CALM + 2, 3 * CALM + 3]


async def test_failures_are_counted_and_down_tells_since_when(clock: MockClock) -> None:
    """ADMIN-39a, ADMIN-57: `down` has a task in its pauses alone, with the time of the first failure."""
    before = failures_total.labels("store", "counted").value
    async with open_supervisor("test") as tree:
        tree.start("store.counted", Failing(NO_DESCRIPTORS, PermissionError("second\nline"), after=0.5))
        tree.start("store.well", trio.sleep_forever)
        assert tree.running == {"store.counted", "store.well"}
        await trio.sleep(0.7)
        first = tree.down["store.counted"]
        assert first.error == "OSError: [Errno 24] Too many open files"
        assert [finding.text for finding in tree.findings()] == [
            f"task store.counted is down since {_utc(first.since)}: OSError: [Errno 24] Too many open files"
        ]
        await trio.sleep(1)
        assert tree.down == {}
        await trio.sleep(0.5)
        assert tree.down["store.counted"].since == first.since
        assert tree.down["store.counted"].error == "PermissionError: second line"
        await trio.sleep(10)
        assert tree.down == {}
        assert tree.failures == {"store.counted": 2}
    assert failures_total.labels("store", "counted").value == before + 2


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


async def test_the_log_names_the_task_with_one_traceback_for_a_series(
    clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    """ADMIN-39a: the room's logger gets what failed, since when, and the pause."""
    caplog.set_level(logging.INFO, "moxlite.store")
    async with open_supervisor("account mia") as tree:
        tree.start("store.task", Failing(RuntimeError("x"), RuntimeError("y")))
        await trio.sleep(10)
    failed = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [(one.name, kv(one)["task"], kv(one)["of"], kv(one)["err"], kv(one)["pause"]) for one in failed] == [
        ("moxlite.store", "store.task", "account mia", "RuntimeError: x", 1),
        ("moxlite.store", "store.task", "account mia", "RuntimeError: y", 2),
    ]
    assert [bool(one.exc_info) for one in failed] == [True, False]
    assert kv(failed[0])["since"] == kv(failed[1])["since"]
    assert [one.message for one in caplog.records if one.levelno == logging.INFO] == ["restarting task"] * 2


async def test_an_error_whose_text_says_all_has_no_traceback(
    clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    """ADMIN-39a: else a damaged account would look like a fault of the program (campaign `damage_served`)."""
    group = ExceptionGroup("two", [NO_DESCRIPTORS, OSError(errno.EIO, "I/O error")])
    other = ExceptionGroup("two", [NO_DESCRIPTORS, ValueError("x")])
    async with open_supervisor("account mia", plain=(OSError,)) as tree:
        for number, error in enumerate((NO_DESCRIPTORS, group, other, ValueError("x"))):
            tree.start(f"store.task{number}", Failing(error))
        await trio.sleep(10)
    failed = {kv(record)["task"]: bool(record.exc_info) for record in caplog.records if record.levelno == logging.ERROR}
    assert failed == {"store.task0": False, "store.task1": False, "store.task2": True, "store.task3": True}


async def test_one_task_fails_and_the_others_go_on(clock: MockClock) -> None:
    """ADMIN-39a: also when it fails with a group, as every nursery does."""
    group = ExceptionGroup("outer", [ExceptionGroup("inner", [PermissionError("no")]), RuntimeError("x")])
    other, failing = Failing(), Failing(group)
    async with open_supervisor("test") as tree:
        tree.start("store.other", other)
        tree.start("store.failing", failing)
        await trio.sleep(0.5)
        assert tree.down["store.failing"].error == "PermissionError: no; RuntimeError: x"
        await trio.sleep(10)
    assert len(other.starts) == 1
    assert len(failing.starts) == 2


async def test_a_task_of_fate_once_is_not_started_again(clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    """ADMIN-39a: several may share a name; none is `running`."""
    first, second = Failing(RuntimeError("x")), Failing(ExceptionGroup("g", [ValueError("y")]))
    async with open_supervisor("test") as tree:
        tree.start("store.job", first, FailurePolicy.ONCE)
        tree.start("store.job", second, FailurePolicy.ONCE)
        await trio.sleep(1000)
        assert tree.running == frozenset()
        assert tree.failures == {"store.job": 2}
        assert tree.down == {}
    assert (len(first.starts), len(second.starts)) == (1, 1)
    assert [record.message for record in caplog.records] == ["task failed"] * 2


async def test_a_task_of_fate_end_ends_the_block(clock: MockClock) -> None:
    """Its error comes out of the block."""
    with pytest.raises(ExceptionGroup) as caught:
        await _alone(Failing(RuntimeError("x"), after=1), FailurePolicy.END)
    assert caught.group_contains(RuntimeError, match="x")


@pytest.mark.parametrize("on_failure", FailurePolicy)
@pytest.mark.parametrize("error", [MemoryError(), ExceptionGroup("g", [ValueError(), MemoryError()])])
async def test_a_memory_error_ends_the_block_under_any_policy(
    on_failure: FailurePolicy, error: Exception, clock: MockClock
) -> None:
    """ADMIN-39a: nothing goes on by itself without memory."""
    with pytest.raises(ExceptionGroup) as caught:
        await _alone(Failing(error), on_failure)
    assert caught.group_contains(MemoryError)


@pytest.mark.parametrize("on_failure", FailurePolicy)
async def test_what_is_no_exception_ends_the_block(on_failure: FailurePolicy, clock: MockClock) -> None:
    """A keyboard interrupt goes on, also out of a group with a crash in it; that is counted."""
    before = failures_total.labels("store", "alone").value
    with pytest.raises(BaseExceptionGroup) as caught:
        await _alone(Failing(BaseExceptionGroup("g", [KeyboardInterrupt(), ValueError()])), on_failure)
    assert caught.group_contains(KeyboardInterrupt)
    assert not caught.group_contains(ValueError)
    assert failures_total.labels("store", "alone").value == before + 1


async def _alone(task: Failing, on_failure: FailurePolicy) -> None:
    async with open_supervisor("test") as tree:
        tree.start("store.alone", task, on_failure)
        await trio.sleep_forever()


async def test_cancellation_passes_alone_and_in_groups(clock: MockClock) -> None:
    """A task that is cancelled while its children sleep, or while one of them fails, is not restarted."""
    starts = 0

    async def with_children() -> None:
        nonlocal starts
        starts += 1
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.start_soon(_fail_when_cancelled)
            await trio.sleep_forever()

    with trio.move_on_after(5) as scope:
        async with open_supervisor("test") as tree:
            tree.start("store.task", with_children)
            tree.start("store.plain", trio.sleep_forever)
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert starts == 1
    assert tree.running == frozenset()
    assert tree.down == {}
    assert tree.failures == {"store.task": 1}


async def _fail_when_cancelled() -> None:
    try:
        await trio.sleep_forever()
    finally:
        raise ValueError("in the cleaning up")


async def test_a_group_of_cancellations_alone_is_no_failure(clock: MockClock) -> None:
    """It only says that the block around ends."""

    async def two_children() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.start_soon(trio.sleep_forever)

    async with open_supervisor("test") as tree:
        tree.start("store.task", two_children)
        await trio.sleep(1)
    assert tree.failures == {}


async def test_start_ready_returns_when_the_task_is_ready(clock: MockClock) -> None:
    """Its later failures restart it."""
    ready: list[float] = []

    async def task(*, task_status: trio.TaskStatus[None]) -> None:
        await trio.sleep(3)
        ready.append(trio.current_time())
        task_status.started()
        await trio.sleep(1)
        if len(ready) < 3:
            raise RuntimeError("x")

    async with open_supervisor("test") as tree:
        await tree.start_ready("store.task", task)
        assert trio.current_time() == 3
        await trio.sleep(100)
        assert tree.running == frozenset()
        assert tree.failures == {"store.task": 2}
    assert ready == [3, 8, 14]  # 1 s of work, a pause of 1 s and of 2 s, 3 s of starting


async def test_start_ready_raises_what_the_first_start_raises(clock: MockClock) -> None:
    """A failure before ``ready`` is no matter of the supervisor."""

    async def task(*, task_status: trio.TaskStatus[None]) -> None:
        await trio.sleep(1)
        raise NO_DESCRIPTORS

    async with open_supervisor("test") as tree:
        with pytest.raises(OSError, match="Too many open files"):
            await tree.start_ready("store.task", task)
        assert tree.running == frozenset()


async def test_stop_ends_a_task_that_runs_or_pauses(clock: MockClock) -> None:
    """`stop` returns when it has ended, its cleaning up too."""
    cleaned = False

    async def task() -> None:
        nonlocal cleaned
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(2)
            cleaned = True

    async with open_supervisor("test") as tree:
        tree.start("store.task", task)
        tree.start("store.failing", Failing(*[RuntimeError("x")] * 5))
        await trio.sleep(2.5)
        assert set(tree.down) == {"store.failing"}
        await tree.stop("store.failing")
        await tree.stop("store.task")
        await tree.stop("store.none")
        assert cleaned
        assert tree.running == frozenset()
        assert tree.down == {}


async def test_a_task_that_returns_has_ended(clock: MockClock) -> None:
    """Some have one thing to do, and are restarted only until it is done."""
    async with open_supervisor("test") as tree:
        tree.start("store.task", trio.lowlevel.checkpoint)
        await wait_all_tasks_blocked()
        assert tree.running == frozenset()
        tree.start("store.task", trio.sleep_forever)  # the name is free again
        assert tree.running == {"store.task"}


async def test_an_account_in_a_supervisor_of_its_own(clock: MockClock) -> None:
    """The trial of the plan: tasks killed three times each, one of them a supervisor with tasks of its own."""
    errors: list[BaseException] = [NO_DESCRIPTORS, RuntimeError("x"), ExceptionGroup("g", [PermissionError("no")])]
    inner = [Failing(*errors) for _ in range(4)]
    outer = [Failing(*errors) for _ in range(4)]
    inside: list[Supervisor] = []

    async def account() -> None:
        async with open_supervisor("account mia") as tree:
            inside.append(tree)
            _start_all(tree, inner)
            await trio.sleep_forever()

    async with open_supervisor("server") as tree:
        tree.start("store.account", account, FailurePolicy.ONCE)
        _start_all(tree, outer)
        await trio.sleep(20)
        assert tree.running == {f"store.task{i}" for i in range(4)}
        assert inside[0].running == tree.running
        assert inside[0].failures == tree.failures == dict.fromkeys(tree.running, 3)
    assert all(len(task.starts) == 4 for task in (*inner, *outer))
    assert len(inside) == 1


def _start_all(tree: Supervisor, tasks: Sequence[Callable[[], Awaitable[None]]]) -> None:
    for number, task in enumerate(tasks):
        tree.start(f"store.task{number}", task)


async def test_an_error_of_any_length_is_one_short_line(clock: MockClock) -> None:
    """What a file or a peer wrote is in it."""
    async with open_supervisor("test") as tree:
        tree.start("store.task", Failing(RuntimeError("a\r\n\x1b[1m" + "b" * 10_000_000)))
        await trio.sleep(0.5)
        text = tree.down["store.task"].error
    assert len(text) == 200
    assert text.isprintable()
