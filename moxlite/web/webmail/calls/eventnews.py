"""Calls for news about events (WEBMAIL-129b): invitations without an answer, and what other people changed. These are
the notices of JMAP (JMAP-79), one for each event.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from moxlite.groupware.entries import about, read
from moxlite.proto.cards.calendarobject import BadObject, CalendarObject, read_object
from moxlite.proto.cards.components import Component
from moxlite.proto.cards.contentline import plain
from moxlite.proto.cards.itip import TIMES, attendees_of, comparable, is_off, is_over, role_of
from moxlite.proto.cards.moments import is_date, moment_of, seconds_of
from moxlite.store.groupware.eventnotices import EventNotice, event_notice_data, event_notices, forget_event_notices
from moxlite.store.groupware.resources import Resource, resource_data, resource_of
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.webmail.calls.entries import EntryCalls
from moxlite.web.webmail.eventforms import Answered, answer_of, guest_of
from moxlite.web.webmail.querytypes import ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader

MOST: Final = 20
"""Events in an answer, those that changed last."""

MAX_TEXT: Final = 200
"""Characters of a title or place: a card has room for a line of each."""

Said = Literal["invited", "moved", "changed", "canceled", "answered"]


class EventTime(msgspec.Struct, frozen=True):
    """A time in seconds; `clock` as in `EventItem`."""

    starts: int
    clock: Literal["utc", "local", "date"]


class EventNews(msgspec.Struct, frozen=True, kw_only=True):
    """News about an event. ``who`` invites, changed it, or answered. ``before``: its time before a move. ``answer``: of
    a guest who answered. ``repeats``: ``at`` is the first time of a series.
    """

    event_id: int
    said: Said
    who: str
    title: str
    place: str
    at: EventTime | None
    before: EventTime | None = None
    answer: Answered = ""
    repeats: bool = False


class _Noted(msgspec.Struct, frozen=True):
    """The last notice of an event that someone else changed, and the event as it is."""

    resource: Resource
    notice: EventNotice
    before: bytes | None
    after: bytes
    now: bytes


class EventNewsCalls(EntryCalls):
    """Calls about news of events."""

    @call()
    async def event_news(self, caller: Caller) -> list[EventNews]:
        """Invitations without an answer, and changes and answers of other people in coming events, the newest first;
        each until `event_news_seen`.
        """
        now = int(time.time())
        async with self._entries(caller) as visit:
            own = self._own(visit)
            noted = await visit.account.scan(_noted, op="event_news")
        news: list[EventNews] = []
        for one in noted:
            try:
                entry = await read(one.now)
                found = await about(entry, partial(_news, one, entry, own, now))
            except BadObject:  # damaged
                continue
            if found is not None:
                news.append(found)
        return news

    @call()
    async def event_news_seen(self, caller: Caller, event_id: ID) -> None:
        """Forget the news about an event."""

        def unit(tx: AccountTx) -> None:
            forget_event_notices(tx, [one.id for one in event_notices(tx) if one.event_id == event_id])

        async with self._entries(caller) as visit:
            await visit.account.write(unit)


def _noted(r: Reader) -> list[_Noted]:
    found: dict[int, _Noted] = {}
    for notice in reversed(event_notices(r)):
        # What guests of a shared calendar change is seen in the calendar.
        if notice.account or notice.event_id in found:
            continue
        resource = resource_of(r, notice.event_id)
        before, after = event_notice_data(r, notice.id)
        if resource is None or after is None:
            continue
        data = resource_data(r, resource.id)
        found[notice.event_id] = _Noted(resource, notice, before, after, data)
        if len(found) == MOST:
            break
    return list(found.values())


def _news(noted: _Noted, entry: CalendarObject, own: frozenset[str], now: int) -> EventNews | None:
    """What happened to an event, None where it is over, or has nothing that matters to the user. Raises BadObject."""
    if is_over(entry, now):
        return None
    after = read_object(noted.after)
    before = None if noted.before is None else read_object(noted.before)

    def said(said: Said, part: Component, **more: object) -> EventNews:
        made = EventNews(
            event_id=noted.resource.id,
            said=said,
            who=noted.notice.name or noted.notice.address,
            title=plain(part.value("SUMMARY"), MAX_TEXT),
            place=plain(part.value("LOCATION"), MAX_TEXT),
            at=_time(entry, part),
            repeats=part.first("RRULE") is not None,
        )
        return msgspec.structs.replace(made, **more)

    match role_of(entry, own):
        case "organizer":
            return _answered(before, after, noted.notice.address, said)
        case "attendee" if answer_of(entry, entry.main, own) == "ask" and not is_off([entry.main]):
            return said("invited", entry.main)
        case "attendee" if before is not None:
            return _changed(before, after, said)
    return None


def _answered(
    before: CalendarObject | None, after: CalendarObject, guest: str, said: Callable[..., EventNews]
) -> EventNews | None:
    """The new answer of a guest."""
    earlier = _by_recurrence(before)
    for part in after.parts:
        line, was = attendees_of(part).get(guest), earlier.get(part.value("RECURRENCE-ID"))
        past = None if was is None else attendees_of(was).get(guest)
        if line is not None and (past is None or guest_of(past).answer != guest_of(line).answer):
            return said("answered", part, answer=guest_of(line).answer)
    return None


def _changed(before: CalendarObject, after: CalendarObject, said: Callable[..., EventNews]) -> EventNews | None:
    """The first change by the organizer: an event that is off, moved, or different in something else."""
    earlier = _by_recurrence(before)
    for part in after.parts:
        was = earlier.get(part.value("RECURRENCE-ID"))
        if is_off([part]) and (was is None or not is_off([was])):
            return said("canceled", part)
        # A new exception was at the time of the series that it replaces.
        then = _time(before, was) if was is not None else _time(after, part, "RECURRENCE-ID")
        if _times(was) != _times(part) if was is not None else then != _time(after, part):
            return said("moved", part, before=then)
        if was is None or comparable(was) != comparable(part):
            return said("changed", part)
    return None


def _by_recurrence(entry: CalendarObject | None) -> dict[str, Component]:
    return {} if entry is None else {part.value("RECURRENCE-ID"): part for part in entry.parts}


def _times(part: Component) -> list[str]:
    return [line.whole for name in TIMES for line in part.all(name)]


def _time(entry: CalendarObject, part: Component, name: str = "DTSTART") -> EventTime | None:
    line = part.first(name)
    moment = moment_of(line, entry.zones)
    if line is None or moment is None:
        return None
    return EventTime(seconds_of(moment), "date" if is_date(line) else "local" if moment.tzinfo is None else "utc")
