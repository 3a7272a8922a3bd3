"""The call that undoes a change of an event (WEBMAIL-174a): the entry is what it was, and messages about the change
that still wait are never sent.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from moxlite.groupware.entries import removal_outcome, with_outcome
from moxlite.store.changelog.unit import AccountTx, retried
from moxlite.store.errors import Overtaken
from moxlite.store.groupware.resources import Resource, resource_named
from moxlite.store.groupware.scheduling import EntryPut, delete_entry, is_waiting, put_entry, take_back
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, NotFound, UserError
from moxlite.web.webmail.calls.entries import EntryCalls, Visit
from moxlite.web.webmail.eventforms import UndoStep
from moxlite.web.webmail.holders import number_of

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader
    from moxlite.store.groupware.collection import Collection

MAX_STEPS: Final = 2
"""Entries that one change has: a series is divided in two, and an entry moves from one calendar to another."""


class UndoneEvent(msgspec.Struct, frozen=True):
    """An event as it was. ``id``: 0 for one that was added. ``told``: how many people hear of it, since they knew of
    the change already.
    """

    id: int
    told: int


class EventUndoCalls(EntryCalls):
    """The call that undoes a change of an event."""

    @call(once=True)
    async def event_undo(
        self, caller: Caller, steps: Annotated[list[UndoStep], Meta(min_length=1, max_length=MAX_STEPS)]
    ) -> UndoneEvent:
        """Undo a change of an event. A conflict if the event was changed since."""
        if len({number_of(step.calendar_id) for step in steps}) > 1:
            raise UserError("steps: must be of one account")
        async with self._entries(caller, steps[0].calendar_id) as visit:
            return await retried(partial(self._undo, caller, visit, steps))

    async def _undo(self, caller: Caller, visit: Visit, steps: list[UndoStep]) -> UndoneEvent:
        undone = [await self._step(caller, visit, step) for step in steps]
        results = await visit.account.write(lambda tx: [undo(tx) for undo in undone])
        number = next((result.id for result in results if result.id), 0)
        return UndoneEvent(number, max(result.told for result in results))

    async def _step(self, caller: Caller, visit: Visit, step: UndoStep) -> Callable[[AccountTx], UndoneEvent]:
        """A function that undoes the change of one entry. It raises Overtaken if the messages about it have left since
        this call.
        """
        local_id = visit.holder.local_id(step.calendar_id)

        def found(r: Reader) -> tuple[Collection, Resource | None]:
            where = visit.calendar(r, local_id, write=True)
            return where, resource_named(r, where.id, step.name)

        where, there = await visit.account.read(found, op="event")
        data = step.data.encode("utf-8", "replace")
        facts = await visit.expander.facts(where, data) if data else None
        uid = facts.uid if facts is not None else "" if there is None else there.uid
        waits = await visit.account.read(lambda r: is_waiting(r, visit.account.name, uid, step.owed), op="event")
        tell = not (waits or step.quiet)

        if facts is None:
            change = await self._removing(caller, visit, step, where.id, tell)
        else:
            user = self._user(caller, visit, facts.addresses)
            entry = EntryPut(step.name, data, facts, user, again=True, tell=tell)
            change = self._restoring(visit, step, await with_outcome(visit.account, where.id, entry))

        def undo(tx: AccountTx) -> UndoneEvent:
            if waits and not take_back(tx, uid, step.owed):
                raise Overtaken
            return change(tx)

        return undo

    async def _removing(
        self, caller: Caller, visit: Visit, step: UndoStep, calendar_id: int, tell: bool
    ) -> Callable[[AccountTx], UndoneEvent]:
        """A function that removes an entry that the change has added."""
        user = self._user(caller, visit)
        outcome = await removal_outcome(visit.account, calendar_id, step.name, user) if tell else None

        def change(tx: AccountTx) -> UndoneEvent:
            home = visit.calendar(tx, visit.holder.local_id(step.calendar_id), write=True)
            if resource_named(tx, home.id, step.name) is None:
                raise NotFound("this event was deleted")
            allowed = partial(_check_unchanged, step)
            return UndoneEvent(0, delete_entry(tx, home, step.name, allowed, user, tell=tell, outcome=outcome))

        return change

    def _restoring(self, visit: Visit, step: UndoStep, entry: EntryPut) -> Callable[[AccountTx], UndoneEvent]:
        """A function that makes an entry what it was before the change."""

        def change(tx: AccountTx) -> UndoneEvent:
            def allowed(present: Resource | None) -> None:
                _check_unchanged(step, present)
                visit.check_alone(tx, present)

            home = visit.calendar(tx, visit.holder.local_id(step.calendar_id), write=True)
            done = put_entry(tx, home, msgspec.structs.replace(entry, allowed=allowed))
            return UndoneEvent(visit.holder.shown_id(done.resource.id), done.told)

        return change


def _check_unchanged(step: UndoStep, present: Resource | None) -> None:
    """Raises Conflict if the entry isn't what the change has made."""
    if (0 if present is None else present.modseq) != step.changed:
        raise Conflict("this event was changed since you opened it")
