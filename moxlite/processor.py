"""Processor time, fair between accounts (STORE-198).

All sessions share one event loop and Python's lock, so each second that one account uses is taken from all others. A
task that logs a user in calls `act_for`: from then on, what it and the tasks and threads that it starts use is counted
for this account, and so is what they hold (`ledger`). Work passes one of four points, each at most a checkpoint while
the account has used little:

- `turn`: before a slice of at most a few milliseconds on the loop;
- `place`: around work in a thread;
- `give_way`: before commands and calls;
- `writing`: around units that the account's writer runs.

An account is heavy if it has used over `MUCH` seconds lately, and about as much as the one that has used most: so one
that works all day still goes before one that takes all it can get, and among equals each has its share. One task of a
heavy account at a time passes these points, one in each round of the loop, so that fifty busy sessions delay others no
more than one does; and it rests after each piece of work while others are at work, up to `TIMES` as long as the piece
took. Beside others it has one thread, its writer's included. On a server without other work it has all of the
processor, and nothing is ever refused.

Others are the accounts that are not heavy, and mail that arrives (`act_for_mail`). Work without a name (upkeep,
connections before the log-in) neither waits nor counts as others: a client's own handshakes would slow it down.

Seconds on the loop are counted by the clock, since a step holds up all others also while it waits for Python's lock;
those in threads are processor time. `process.watchdog` measures the steps.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from contextvars import ContextVar
from types import TracebackType
from typing import Final, TypeVar
from weakref import WeakValueDictionary

import trio

from moxlite.ledger import own
from moxlite.metrics import Counter, Gauge

T = TypeVar("T")

FADING: Final = 5.0
"""Seconds in which what an account has used counts less by a factor of e."""

MUCH: Final = 0.5
"""Seconds used lately above which an account is heavy: a tenth of a processor for a while. A page of the webmail uses
0.06, a screen of an IMAP client 0.02.
"""

NEARLY: Final = 0.8
"""Part of what the account has used that has used most, above which another one is heavy, too."""

PIECE: Final = 0.002
"""Seconds of work of a heavy account between two looks at the others: the longest delay that a command meets."""

LOOK: Final = 0.003
"""Seconds of rest between two looks."""

TIMES: Final = 3
"""How many times as long as it worked a heavy account rests at most: it keeps a quarter of the time beside any load."""

REST: Final = 0.3
"""Seconds of one rest at most."""

BUSY: Final = 0.02
"""Share of the loop's time that others use when they count as being at work."""

MAX_THREADS: Final = 16
"""Places in threads of all accounts: more would only share the same disk and the same lock of Python."""

KEPT_FREE: Final = 4
"""Places that heavy accounts leave to the others."""

EACH: Final = 4
"""Places of one account."""

RECENT: Final = 1000
"""Log-ins and requests for which the usage of an account is remembered, though no task acts for it."""

USED: Final = Counter(
    "moxlite_processor_seconds_total",
    "Processing time for accounts: on the event loop, in writers, and in threads by operation.",
    ["kind"],
)
WAITING: Final = Gauge(
    "moxlite_processor_waiting", "Accounts with tasks waiting for the event loop or a thread.", ["for"]
)
RESTED: Final = Counter(
    "moxlite_processor_rested_seconds_total", "Seconds that heavy accounts paused to let others run."
)
_ON_LOOP: Final = USED.labels("loop")

acting: Final[ContextVar[Usage | None]] = ContextVar("moxlite.acting", default=None)
"""Usage of the account that a task acts for."""


calling: Final[ContextVar[str]] = ContextVar("moxlite.calling", default="")
"""Service and name of the call that a task carries out, such as "imap sort": the log has it where a step is long."""


class Loop:
    """The event loop, as `process.watchdog` sees it.

    Attributes:
      round: number of the round, in each of which all tasks that can run make a step.
      step_began: begin of the present step, by `time.perf_counter`; long ago in a loop without a watchdog.
    """

    round = 0
    step_began = -math.inf


loop: Final = Loop()


class _Queue:
    """Tasks pass one after the other, one in each round of the loop."""

    __slots__ = ("_lot", "_passing", "_round", "_task")

    def __init__(self) -> None:
        self._lot = trio.lowlevel.ParkingLot()
        self._passing = False  # a task is between the head of the queue and its piece of work
        self._round = -1  # of the loop, in which a task passed last
        self._task: trio.lowlevel.Task | None = None  # that passed last

    def __len__(self) -> int:
        return len(self._lot)

    def skip(self) -> bool:
        """Whether the task may pass at once: no other one waits, or has passed in this round of the loop. A client
        alone would pay a fifth of its command for the checkpoint.
        """
        if self._passing:
            return False
        number, task = loop.round, trio.lowlevel.current_task()
        if self._round == number and self._task is not task:
            return False
        self._round, self._task = number, task
        return True

    async def enter(self) -> None:
        """Wait until the tasks that came before have passed; the task itself passes until it calls `leave`. A
        checkpoint.
        """
        if self._passing:
            await self._lot.park()  # the task before hands over, in the round of the loop in which it goes on
            return
        self._passing = True
        try:
            await trio.lowlevel.checkpoint()
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """Let the next task come."""
        self._round, self._task = loop.round, trio.lowlevel.current_task()
        self._passing = bool(self._lot.unpark())


class _OtherUse:
    """Use of the processor by others, as one account sees it.

    Attributes:
      seen: seconds of `processor.light` that are its own, or were there at the last look.
      at_work: whether others were at work at the last look.
    """

    __slots__ = ("_at", "_processor", "at_work", "seen")

    def __init__(self, processor: _Processor) -> None:
        self.seen = processor.light
        self.at_work = False
        self._processor = processor
        self._at = trio.current_time()

    def look(self, usage: Usage) -> bool:
        """Whether others than `usage` have used the processor since the last look."""
        now, light, threads = trio.current_time(), self._processor.light, self._processor.threads
        self.at_work = threads.has_light_but(usage) or light - self.seen > BUSY * (now - self._at)
        self.seen, self._at = light, now
        return self.at_work


class Usage:
    """What one account uses, and whether it must wait. Methods run on the loop.

    Attributes:
      spent: seconds used so far, on the loop and in threads.
      limited: whether it can become heavy, and has `EACH` places at most.
      heavy: whether the account had used much when it was last looked at.
      threads: places that it has.
      queue: its tasks that wait for their turn.
      others: what it knows of other accounts.
    """

    __slots__ = (
        "__weakref__",
        "_at",
        "_counted",
        "_level",
        "_looked",
        "_rested",
        "heavy",
        "limited",
        "others",
        "processor",
        "queue",
        "spent",
        "threads",
    )

    def __init__(self, processor: _Processor, *, limited: bool = True) -> None:
        self.spent = 0.0
        self.limited = limited
        self.heavy = False
        self.threads = 0
        self.queue = _Queue()
        self.others = _OtherUse(processor)
        self.processor = processor
        self._level = 0.0  # seconds used lately, of those counted
        self._counted = 0.0  # of `spent`
        self._at = trio.current_time()  # when they were counted
        self._looked = 0.0  # `spent` when it was last looked whether the account is heavy
        self._rested = 0.0  # `spent` when it last saw whether it must rest

    def step(self, seconds: float) -> None:
        """Count a step of a task on the loop. For `process.watchdog`."""
        self.spent += seconds
        if not self.heavy:
            # Both grow, so that an account never takes its own work for that of others.
            self.others.seen += seconds
            self.processor.light += seconds

    def charge(self, seconds: float, kind: str) -> None:
        """Count processor time of a thread."""
        self._count()
        USED.labels(kind).inc(seconds)
        self.spent += seconds
        self._level += seconds
        self._counted = self.spent

    def _count(self) -> None:
        """Count the seconds on the loop that were not counted yet."""
        now, more = trio.current_time(), self.spent - self._counted
        _ON_LOOP.inc(more)
        self._level = self._level * math.exp((self._at - now) / FADING) + more
        self._at, self._counted = now, self.spent

    @property
    def used(self) -> float:
        """Seconds used lately."""
        self._count()
        return self._level

    def is_heavy(self) -> bool:
        """Whether the account has used much lately; looked at after each piece of work."""
        if self.spent - self._looked >= PIECE:
            self._looked = self.spent
            used = self.used
            self.heavy = self.limited and used > MUCH and used > NEARLY * self.processor.most(self)
        return self.heavy

    def may_skip(self) -> bool:
        """Whether the task needs neither wait nor rest."""
        return not self.is_heavy() or (self.spent - self._rested < PIECE and self.queue.skip())

    async def pass_by(self) -> None:
        """Wait until the tasks that came before have passed, and rest. A checkpoint."""
        await self.queue.enter()
        try:
            work = self.spent - self._rested
            if work >= PIECE:
                self._rested = self.spent
                await self._rest(min(TIMES * work, REST))
        finally:
            self.queue.leave()

    async def _rest(self, seconds: float) -> None:
        """Rest for so long at most, while others are at work."""
        began = now = trio.current_time()
        while self.others.look(self) and now < began + seconds:
            await trio.sleep(min(LOOK, began + seconds - now))
            now = trio.current_time()
        RESTED.inc(now - began)


class _Threads:
    """Places in threads, of all accounts.

    Attributes:
      light: the accounts that took places before they were heavy, once for each place.
    """

    def __init__(self) -> None:
        self.light: list[Usage] = []
        self._taken = 0
        self._waiting: list[tuple[Usage, trio.lowlevel.Task]] = []

    @property
    def waiting(self) -> set[Usage]:
        """The accounts that wait."""
        return {usage for usage, _ in self._waiting}

    def has_light_but(self, usage: Usage) -> bool:
        """Whether others than `usage` took places before they were heavy."""
        return any(one is not usage for one in self.light)

    async def take(self, usage: Usage) -> None:
        """Take a place. A checkpoint only if it must wait."""
        self._call()  # what an account may have changes with its use
        if self._is_free(usage):
            self._give(usage)
            return
        mine = (usage, trio.lowlevel.current_task())
        self._waiting.append(mine)

        def abort(_: object) -> trio.lowlevel.Abort:
            self._waiting.remove(mine)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def leave(self, usage: Usage) -> None:
        """Give a place back."""
        usage.threads -= 1
        self._taken -= 1
        self._call()

    def _is_free(self, usage: Usage) -> bool:
        if not usage.limited:
            return self._taken < MAX_THREADS
        most, each = (
            (MAX_THREADS - KEPT_FREE, 1 if usage.others.at_work else EACH) if usage.heavy else (MAX_THREADS, EACH)
        )
        return self._taken < most and usage.threads < each

    def _give(self, usage: Usage) -> None:
        usage.threads += 1
        self._taken += 1

    def _call(self) -> None:
        """Give free places to those that wait, first to the account that has used least."""
        while fit := [one for one in self._waiting if self._is_free(one[0])]:
            chosen = min(fit, key=lambda one: one[0].used)  # of one account the first that came
            self._waiting.remove(chosen)
            self._give(chosen[0])
            trio.lowlevel.reschedule(chosen[1])


class _Processor:
    """Usages of all accounts of one run of Trio. `light`: seconds on the loop of all but heavy accounts."""

    def __init__(self) -> None:
        self.light = 0.0
        self.threads = _Threads()
        self.mail = Usage(self, limited=False)
        self.unnamed = Usage(self, limited=False)
        self._top: Usage | None = None
        self._usages: WeakValueDictionary[str, Usage] = WeakValueDictionary()
        self._recent: deque[Usage] = deque(maxlen=RECENT)
        WAITING.labels("turn").set_function(lambda: sum(len(usage.queue) > 0 for usage in list(self._usages.values())))
        WAITING.labels("thread").set_function(lambda: len(self.threads.waiting))

    def most(self, usage: Usage) -> float:
        """Seconds that the account has used lately that has used most; `usage` may be that one."""
        top, used = self._top, usage.used
        if top is None or top is usage or top.used <= used:
            self._top = usage
            return used
        return top.used

    def usage(self, name: str) -> Usage:
        """The usage of an account."""
        usage = self._usages.get(name)
        if usage is None:
            usage = self._usages[name] = Usage(self)
        self._recent.append(usage)
        return usage


_of_run: Final[trio.lowlevel.RunVar[_Processor]] = trio.lowlevel.RunVar("moxlite.processor")


def _processor() -> _Processor:
    try:
        return _of_run.get()
    except LookupError:
        made = _Processor()
        _of_run.set(made)
        return made


def act_for(account: str) -> None:
    """Count for this account what the calling task uses from now on, and what the tasks use that it starts."""
    acting.set(_processor().usage(account))
    own(account)


def act_for_mail() -> None:
    """The same for mail that arrives: it never waits, and heavy accounts give way to it."""
    acting.set(_processor().mail)


JUST: Final = 0.001
"""Seconds for which a step has just begun: with the slice that follows it stays below the 5 ms of a long one."""


async def turn() -> None:
    """Wait for the account's turn to hold the loop for a slice. A checkpoint, unless others have just had theirs."""
    usage = acting.get()
    if usage is not None and usage.is_heavy():
        await usage.pass_by()
    elif time.perf_counter() - loop.step_began > JUST:
        await trio.lowlevel.checkpoint()


async def give_way() -> None:
    """As `turn`, but a checkpoint only where it must wait."""
    usage = acting.get()
    if usage is not None and not usage.may_skip():
        await usage.pass_by()


STRETCH: Final = 0.002
"""Seconds of a stretch of work: long enough that what is short needs no checkpoint of its own."""


class Stretch:
    """Work on the loop in steps that are too short for a turn each, and may be many: commands that a client sends in
    one piece, or a search through all names. Other tasks have a turn after each `STRETCH` seconds of it.
    """

    __slots__ = ("_began",)

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def begin(self) -> None:
        """Note that others have had a turn: the task has waited."""
        self._began = time.perf_counter()

    async def step(self) -> None:
        """As `turn` once the stretch has taken its time; until then no checkpoint."""
        if time.perf_counter() - self._began > STRETCH:
            await turn()
            self.begin()


def writing() -> AbstractAsyncContextManager[object]:
    """Context of a unit that the account's writer runs: with a place for a heavy account, so that what its sessions
    queue does not keep the writer busy without a rest. Within it no other place may be waited for.
    """
    usage = acting.get()
    # A second place would be waited for in vain: beside others a heavy account has this one alone.
    return place("write") if usage is not None and usage.is_heavy() else nullcontext()


def is_pressed() -> bool:
    """Whether the account is heavy and others are at work: what is queued ahead is queued in their way."""
    usage = acting.get()
    return usage is not None and usage.heavy and usage.others.at_work


class Place:
    """Context of work in a thread, from `place`. Outside of the context `run` and `count` measure only."""

    __slots__ = ("_kind", "_light", "_seconds", "_usage")

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._usage = acting.get() or _processor().unnamed
        self._light = False
        self._seconds = 0.0

    def run(self, fn: Callable[[], T]) -> T:
        """Call `fn` and measure it. For the thread."""
        began = time.thread_time()
        try:
            return fn()
        finally:
            self._seconds += time.thread_time() - began

    def count(self) -> None:
        """Count what was measured. On the loop."""
        self._usage.charge(self._seconds, self._kind)
        self._seconds = 0.0

    async def __aenter__(self) -> Place:
        usage = self._usage
        threads = usage.processor.threads
        if not usage.may_skip():
            await usage.pass_by()  # first: a task that rests holds no place
        await threads.take(usage)
        self._light = not usage.heavy and usage is not usage.processor.unnamed
        if self._light:
            threads.light.append(usage)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        threads = self._usage.processor.threads
        if self._light:
            threads.light.remove(self._usage)
        self.count()  # before the place is free: the next one goes to the account that has used least
        threads.leave(self._usage)


def place(kind: str) -> Place:
    """Context with a place for work in a thread: `async with place("imap-sort") as work`, then `work.run(fn)` there.

    `kind`: label of the metric, one of a few constants.
    """
    return Place(kind)


async def off_loop(fn: Callable[[], T], *, kind: str) -> T:
    """Run `fn` in a thread at a place of the account, and return its result. Cancellation: waits for its end."""
    async with place(kind) as work:
        return await trio.to_thread.run_sync(work.run, fn)
