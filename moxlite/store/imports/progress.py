"""State and events of an import, for listeners that may join at any time (STORE-128).

There is no queue per listener: a `Progress` is the state of an import, and a listener reads the changes since its last
call. A listener that joins late, or again, gets all counts, problems and the end; a slow one skips older counts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final, TypeAlias

import msgspec
import trio

from moxlite.store.imports.items import Problems


class Count(msgspec.Struct, frozen=True, tag="count"):
    """Number of messages found for a mailbox so far."""

    mailbox: str
    count: int


class Trouble(msgspec.Struct, frozen=True, tag="problem"):
    """Something is left out of the import."""

    text: str


class Step(msgspec.Struct, frozen=True, tag="step"):
    """Beginning of a part of the work: ``reading``, ``finishing``."""

    title: str


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The import is complete: messages and problems in all. Nothing was stored if it was a dry run. The ids of the
    messages follow each other from `first_id`.
    """

    messages: int
    problems: int
    dry_run: bool
    first_id: int = 0


class Aborted(msgspec.Struct, frozen=True, tag="aborted"):
    """The import has ended and changed nothing; the text is for the user, who may have `stopped` it."""

    text: str
    stopped: bool = False


Event: TypeAlias = Count | Trouble | Step | Done | Aborted


class Progress:
    """The state of one import. For the event loop's thread only."""

    def __init__(self, token: bytes, account: str) -> None:
        self.token: Final = token
        self.account: Final = account
        self.counts: dict[str, int] = {}
        self._problems = Problems()
        self.step = ""
        self.end: Done | Aborted | None = None
        self.ended = 0.0
        """Time of the end, by the clock of Trio."""
        self._lot = trio.lowlevel.ParkingLot()
        self.version = 0
        """Rises with each change."""

    @property
    def messages(self) -> int:
        """Messages so far."""
        return sum(self.counts.values())

    @property
    def problems(self) -> list[str]:
        """The texts of problems, as far as they are kept."""
        return self._problems.texts

    @property
    def problem_count(self) -> int:
        """Problems in all."""
        return self._problems.count

    def count(self, counts: dict[str, int]) -> None:
        """Set the counts of some mailboxes."""
        self.counts.update(counts)
        self._tell()

    def problem(self, text: str) -> None:
        """Add a problem."""
        if self._problems.add(text):
            self._tell()

    def left_out(self, problems: Problems) -> None:
        """Add the problems of a part."""
        if problems.count:
            self._problems.take(problems)
            self._tell()

    def begin_step(self, title: str) -> None:
        """Announce another part of the work."""
        self.step = title
        self._tell()

    def finish(self, end: Done | Aborted) -> None:
        """Announce the end, the last event."""
        self.end = end
        self.ended = trio.current_time()
        self._tell()

    def listen(self) -> Listener:
        """Return a new listener, which gets all events from the beginning."""
        return Listener(self)

    async def subscribe(self) -> AsyncIterator[Event]:
        """Yield all events, past and future, to the end. Leaving early needs no cleanup."""
        listener = self.listen()
        while not listener.ended:
            for event in listener.take():
                yield event
            await listener.wait()

    async def wait(self, version: int) -> None:
        """Wait until something has changed since `version`."""
        while self.version == version:
            await self._lot.park()

    def _tell(self) -> None:
        self.version += 1
        self._lot.unpark_all()


class Running(msgspec.Struct):
    """An import with the scope that aborts it; `final` once it cannot be aborted any more."""

    progress: Progress
    scope: trio.CancelScope
    final: bool = False


class Listener:
    """Reader of an import's events; it may stop waiting at any time, and go on later."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._version = -1
        self._told: dict[str, int] = {}
        self._problems = 0
        self._step = ""
        self.ended = False
        """Whether the last event was taken."""

    def take(self) -> list[Event]:
        """Return the events since the last call; the end comes once, as the last one."""
        progress = self._progress
        if self.ended or self._version == progress.version:
            return []
        self._version = progress.version
        events: list[Event] = []
        if self._step != progress.step:
            self._step = progress.step
            events.append(Step(self._step))
        for mailbox, count in progress.counts.items():
            if self._told.get(mailbox) != count:
                self._told[mailbox] = count
                events.append(Count(mailbox, count))
        events += [Trouble(text) for text in progress.problems[self._problems :]]
        self._problems = len(progress.problems)
        if progress.end is not None:
            self.ended = True
            events.append(progress.end)
        return events

    async def wait(self) -> None:
        """Wait until there is something to take; returns at once at the end."""
        if not self.ended:
            await self._progress.wait(self._version)
