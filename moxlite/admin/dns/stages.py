"""Stages of a rotation: a task that takes the next step of each subject when its condition holds, and writes it down.

A step that a crash has broken off is taken again, since each does nothing where its work is done. The subjects are
domains (`rotation`) and hosts (`hostrotation`), which say what the steps are.
"""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import ClassVar, Final, Generic, TypeVar

import msgspec
import trio

from moxlite.admin.dns.publishing import Ensured, Publishing
from moxlite.admin.dns.update import NoAnswer, UpdateRefused
from moxlite.admin.dns.zones import Authorities
from moxlite.admin.dnsproviders.accounts import Busy
from moxlite.autotls.hostkeys import Rotating
from moxlite.config.holder import ConfigHolder
from moxlite.net.control.server import CommandFailed
from moxlite.wakeup import Wakeup

DAY: Final = 86_400.0
"""Seconds."""

LEAST_WAIT: Final = 3600.0
MOST_WAIT: Final = 7 * DAY
"""Seconds between the record at all servers and the first use of its key: twice what resolvers may remember, in these
bounds. No resolver should keep anything for longer than a week (RFC 8767 §4).
"""
LOOK: Final = 3600.0
"""Seconds between looks at all subjects; `SOON` while a step waits for servers."""
SOON: Final = 300.0
"""Seconds: secondary servers have a change within minutes, and a domain's keys are in no hurry."""


def waiting_time(longest: float) -> float:
    """Seconds until no resolver remembers what was before, which it keeps for `longest` seconds."""
    return min(max(2 * longest, LEAST_WAIT), MOST_WAIT)


T = TypeVar("T")


async def in_thread(work: Callable[..., T], *args: object) -> T:
    """Run work that asks servers and can't be ended."""
    return await trio.to_thread.run_sync(lambda: work(*args), abandon_on_cancel=True)


K = TypeVar("K")
S = TypeVar("S", bound=Rotating)

Step = Callable[[K, S], Awaitable[S]]
"""Takes a step of a subject; returns the state after it, or the same one if it cannot be taken."""


def _is_past(clock: Callable[[], float], steady: Callable[[], bool], moment: float) -> bool:
    """Whether a moment, seconds UTC, has passed for sure."""
    return clock() >= moment and steady()


class Stages(ABC, Generic[K, S]):
    """The task, and what its commands change.

    Args:
      clock: seconds UTC.
      steady: whether the clock can be trusted; after a jump no key is used or removed because time has passed.
      authorities: tests give their own.
    """

    logger: ClassVar[logging.Logger]
    subject: ClassVar[str]
    """Name of a subject in log lines."""
    first: ClassVar[float]
    """Seconds from the start of the server to the first look."""

    def __init__(
        self,
        config: ConfigHolder,
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], bool] = lambda: True,
        authorities: Authorities | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._is_past = partial(_is_past, clock, steady)
        self._authorities = authorities
        self._wakeup = Wakeup()
        self._lock = trio.Lock()
        self._soon = False

    @abstractmethod
    def _subjects(self) -> Iterable[K]: ...
    @abstractmethod
    def _read(self, subject: K) -> S:
        """The state on disk; a damaged one begins with a full period. Blocks. Raises OSError."""

    @abstractmethod
    def _write(self, subject: K, state: S) -> None:
        """Blocks. Raises OSError."""

    @abstractmethod
    def _ensure(self, subject: K, state: S) -> Ensured:
        """Publish the record of the next key. Blocks. Raises as `Publishing.ensure`."""

    @abstractmethod
    async def _rest(self, subject: K, state: S) -> S:
        """Begin when the present key is old, or a new one is asked for."""

    @abstractmethod
    async def _use(self, subject: K, state: S) -> S:
        """Use the next key, whose record is known to all."""

    @abstractmethod
    async def _retire(self, subject: K, state: S) -> S:
        """Remove the former key."""

    def _steps(self) -> dict[str, Step[K, S]]:
        """The steps by their stages."""
        return {"resting": self._rest, "publishing": self._publish, "waiting": self._wait, "retiring": self._retire}

    async def _publish(self, subject: K, state: S) -> S:
        found = await in_thread(self._ensure, subject, state)
        if not found.served:
            self._soon = not found.todo
            return msgspec.structs.replace(state, todo=found.todo, problem=found.problem)
        return self._entered(subject, state, "waiting", until=self._clock() + self._waiting(state, found))

    def _waiting(self, state: S, found: Ensured) -> float:
        """Seconds until the next key may be used."""
        return waiting_time(found.longest)

    async def _wait(self, subject: K, state: S) -> S:
        if not self._is_past(state.until):
            return state
        found = await in_thread(self._ensure, subject, state)
        if found.served:
            return await self._use(subject, state)
        # the record is gone: it has to be seen everywhere again
        back = self._entered(subject, state, "publishing")
        return msgspec.structs.replace(back, todo=found.todo, problem=found.problem)

    async def serve(self) -> None:
        """Take steps, for ever.

        Errors: a step that fails is written down, and taken again later. OSError comes out where that is not possible.
        """
        await trio.sleep(self.first)
        while True:
            self._wakeup.clear()
            self._soon = False
            for subject in self._subjects():
                await self.advance(subject)
            with trio.move_on_after(SOON if self._soon else LOOK):
                await self._wakeup.wait()

    async def advance(self, subject: K) -> None:
        """Take the steps of a subject that can be taken now. Raises OSError."""
        async with self._lock:
            before = None
            # Read from the file each time: what a kill would leave behind is what the next step begins with.
            while (state := await self.show(subject)) != before:
                before = state
                await self._keep(subject, state, await self._step(subject, state))

    async def show(self, subject: K) -> S:
        """The state of a subject. Raises OSError."""
        return await trio.to_thread.run_sync(self._read, subject)

    async def change(self, subject: K, **changes: bool) -> S:
        """Stop, start or hasten the rotation of a subject. Raises OSError."""
        async with self._lock:
            before = await self.show(subject)
            state = msgspec.structs.replace(before, **changes)
            await self._keep(subject, before, state)
        self._wakeup.set()
        return state

    async def _keep(self, subject: K, before: S, after: S) -> None:
        if after != before:
            await trio.to_thread.run_sync(self._write, subject, after)

    async def _step(self, subject: K, state: S) -> S:
        if state.stopped:
            return state
        try:
            return await self._steps()[state.stage](subject, state)
        except (NoAnswer, Busy) as error:
            self._soon = True
            return msgspec.structs.replace(state, problem=str(error))
        except (UpdateRefused, CommandFailed, OSError, msgspec.DecodeError) as error:
            text = f"{error.strerror or error}" if isinstance(error, OSError) else str(error)
            if text != state.problem:
                kv = {self.subject: str(subject), "stage": state.stage, "err": text}
                self.logger.error("key rotation failed", extra={"kv": kv})
            return msgspec.structs.replace(state, problem=text)

    def _entered(self, subject: K, state: S, stage: str, **changes: object) -> S:
        """The state at the beginning of a stage."""
        self.logger.info("key rotation advanced", extra={"kv": {self.subject: str(subject), "stage": stage}})
        fresh = {"since": self._clock(), "until": 0.0, "todo": (), "problem": "", **changes}
        return msgspec.structs.replace(state, stage=stage, **fresh)

    def _publishing(self) -> Publishing:
        return Publishing(self._config.current, self._config.path, authorities=self._authorities)
