"""The calls for when people are busy (WEBMAIL-174)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Final

from msgspec import Meta

from moxlite.groupware.busy import Engagement, known_engagements
from moxlite.groupware.people import account_of
from moxlite.processor import give_way
from moxlite.proto.address import one_spelling
from moxlite.store.errors import AccountRemoved, AccountUnknown
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import UserError
from moxlite.web.webmail.calls.entries import EntryCalls, Seconds, stored
from moxlite.web.webmail.eventforms import BusyPerson, BusyTime
from moxlite.web.webmail.querytypes import AnyID

MAX_PEOPLE: Final = 50
"""People of a question about busy times; the account of each is opened."""

MAX_BUSY_RANGE: Final = 31 * 86_400
MAX_BUSY_TIMES: Final = 500
"""Busy times of one person in an answer."""


class BusyCalls(EntryCalls):
    """Calls about when people are busy."""

    @call()
    async def busy_times(
        self,
        caller: Caller,
        people: Annotated[list[Annotated[str, Meta(max_length=320)]], Meta(max_length=MAX_PEOPLE)],
        since: Seconds,
        until: Seconds,
        event_id: AnyID = 0,
    ) -> list[BusyPerson]:
        """When the user and these people are busy in a range of at most 31 days, seconds UTC: of people of the same
        domains as far as they allow. The event with this id is left out.
        """
        if not since < until <= since + MAX_BUSY_RANGE:
            raise UserError("you can check availability for up to 31 days at a time")
        uid = ""
        if event_id:
            async with self._entries(caller, event_id) as visit:
                uid = (await stored(visit, event_id))[0].uid
        snapshot = self._server.config.current
        session = caller.require()
        names = {one_spelling(session.address): session.account}
        names |= {person: account_of(snapshot, person) or "" for person in dict.fromkeys(map(one_spelling, people))}
        busy_persons: list[BusyPerson] = []
        for address, name in names.items():
            times: list[Engagement] | None = None
            if name:
                with suppress(AccountUnknown, AccountRemoved):
                    times = await known_engagements(self._accounts, snapshot, session.account, name, (since, until))
            settings = snapshot.account(name)
            shown = "" if times is None or settings is None else settings.full_name
            busy_persons.append(BusyPerson(address, shown, times is not None, _busy_times(times or (), uid)))
            await give_way()
        return busy_persons


def _busy_times(times: Sequence[Engagement], uid: str) -> list[BusyTime]:
    busy_times = [
        BusyTime(time.starts, time.ends, time.whole_days, time.kind == "BUSY-TENTATIVE", time.title)
        for time in times
        if not uid or time.uid != uid
    ]
    return sorted(busy_times, key=lambda busy_time: (busy_time.starts, busy_time.ends))[:MAX_BUSY_TIMES]
