"""When a calendar user is busy (RFC 4791 §7.10, RFC 6638 §5.1), and what of it colleagues may know (DAV-48)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import aclosing, suppress
from datetime import tzinfo
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.groupware.entries import DAY, MANY, MAX_ANSWER, BadEntry, EntryView, Expander, read
from moxlite.groupware.people import colleague_access, user_of
from moxlite.processor import give_way, off_loop
from moxlite.proto.cards.alarms import zone_of
from moxlite.proto.cards.calendarobject import EARLIEST, LATEST, BadObject, CalendarObject
from moxlite.proto.cards.components import Component
from moxlite.proto.cards.entryfacts import EntryFacts, PartFacts
from moxlite.proto.cards.moments import utc_text
from moxlite.proto.cards.repeating import Span, span_of
from moxlite.store.groupware.collection import Collection, collections_of, inbox_of
from moxlite.store.groupware.resources import overlapping, resource_data
from moxlite.store.groupware.sharing import shared_collections

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader
    from moxlite.store.groupware.collection import Access

MAX_SHOWN: Final = 200
"""Characters of an event title shown to other users."""

MAX_BUSY: Final = 10_000
"""Periods of an answer."""

AVAILABILITY: Final = "VAVAILABILITY"

MAX_AVAILABILITIES: Final = 20
"""VAVAILABILITY of a user that count."""

MAX_AVAILABLE: Final = 50
"""Components inside of these that count: each with a rule may take all steps."""

Busy = tuple[int, int, str]
"""Seconds UTC of the start and the end of a period, and its kind, as FBTYPE has it."""


class Engagement(msgspec.Struct, frozen=True):
    """A time when a user is busy. `starts`, `ends`: seconds UTC, of whole days by `engagements`; `kind` as
    FBTYPE has it. `uid`: of its event. `title`: "" for one that its owner keeps private.
    """

    starts: int
    ends: int
    kind: str
    uid: str = ""
    title: str = ""
    whole_days: bool = False


OF_ANSWER: Final = {"DECLINED": "", "DELEGATED": "", "TENTATIVE": "BUSY-TENTATIVE", "NEEDS-ACTION": "BUSY-TENTATIVE"}
"""How an event makes busy by the answer to its invitation."""


async def busy_times(
    account: Account, expander: Expander, where: Collection, stretch: Span, own: frozenset[str]
) -> list[Busy]:
    """When the owner, with these addresses, is busy by a calendar."""
    return [
        (engagement.starts, engagement.ends, engagement.kind)
        for engagement in await engagements(account, expander, where, stretch, own, by_day=False)
    ]


async def engagements(
    account: Account, expander: Expander, where: Collection, stretch: Span, own: frozenset[str], *, by_day: bool
) -> list[Engagement]:
    """By what a calendar makes its owner, with these addresses, busy. `by_day`: whole days are told as if local times
    were UTC, for those who show days; else days, like times without a zone, are the calendar zone's.
    """
    busy: list[Engagement] = []
    zone = zone_of(where.time_zone, "")
    wide = (stretch[0] - DAY, stretch[1] + DAY)  # an entry of local times has moments up to a day from those in UTC
    if where.transparent:
        return busy
    async with aclosing(expander.views(where.id, ("VEVENT", "VFREEBUSY"), wide)) as views:
        async for viewed in views:
            await give_way()
            if viewed.resource.component == "VFREEBUSY":
                busy += _told(viewed.facts, stretch)
            else:
                busy += _engaged(viewed, stretch, own, zone, by_day=by_day)
            if len(busy) >= MAX_BUSY:  # of one entry alone there may be so many
                break
    return busy[:MAX_BUSY]


async def known_engagements(
    accounts: Accounts, snapshot: Snapshot, asker: str, name: str, stretch: Span, *, by_day: bool = True
) -> list[Engagement] | None:
    """When the user of an account is busy by all calendars, as far as the user of the account `asker` may know it;
    None where that is nothing.

    Raises StoreError.
    """
    usual = "details" if asker == name else colleague_access(snapshot, asker, name)
    if usual is None:
        return None
    own = user_of(snapshot, name).addresses
    found: list[Engagement] = []
    async with accounts.use(name) as account:
        expander = Expander(account)
        known = await account.read(lambda r: _known(r, asker, name, usual), op="busy")
        if known is None:
            return None
        for where, access in known:
            if len(found) >= MAX_BUSY:
                break
            busy = await engagements(account, expander, where, stretch, own, by_day=by_day)
            found += (
                busy if access == "details" else [msgspec.structs.replace(engagement, title="") for engagement in busy]
            )
        calendars = [*await account.read(inbox_of, op="busy"), *(where for where, _ in known)]
        found += [Engagement(*times) for times in await unavailable(account, expander, calendars, stretch)]
    return found


async def known_busy(accounts: Accounts, snapshot: Snapshot, asker: str, name: str, stretch: Span) -> list[Busy] | None:
    """As `known_engagements`, the times alone."""
    engagements = await known_engagements(accounts, snapshot, asker, name, stretch, by_day=False)
    return (
        None
        if engagements is None
        else [(engagement.starts, engagement.ends, engagement.kind) for engagement in engagements]
    )


async def unavailable(
    account: Account, expander: Expander, calendars: Sequence[Collection], stretch: Span
) -> list[Busy]:
    """Times when the owner is unavailable by VAVAILABILITY (RFC 7953 §5).

    It may be in these calendars, or in the schedule inbox's property if that is among them. Unsupported rules are
    ignored.
    """
    texts = await account.read(lambda r: _availabilities(r, calendars), op="dav-availability")
    pairs: list[tuple[CalendarObject, Component]] = []
    for data, time_zone in texts:
        with suppress(BadObject):
            calendar_object = (await read(data)).placed(zone_of(time_zone, ""))
            pairs += [(calendar_object, part) for part in calendar_object.parts if part.name == AVAILABILITY]
    room = MAX_AVAILABLE
    periods: list[Busy] = []
    # The greatest priority comes last, and covers the others. One entry may have thousands.
    for calendar_object, part in sorted(pairs, key=lambda pair: -_priority(pair[1]))[-MAX_AVAILABILITIES:]:
        begin, end = calendar_object.span(part)
        since, until = max(begin, stretch[0]), min(end, stretch[1])
        # Counted for all of them together, as each costs a job, whichever part has it.
        room -= len(part.components)
        if since >= until or room < 0:
            continue
        try:
            free, until = await _available(expander, calendar_object, part, (since, until))
        except BadEntry:
            continue
        kind = part.value("BUSYTYPE").upper()
        kind = kind if kind in ("BUSY", "BUSY-TENTATIVE") else "BUSY-UNAVAILABLE"
        work = partial(_covered, periods, (since, until), free, kind)
        periods = work() if len(periods) + len(free) <= MANY else await off_loop(work, kind="dav")
    return periods[:MAX_BUSY]


def _covered(periods: Sequence[Busy], stretch: Span, free: Sequence[Span], kind: str) -> list[Busy]:
    """Periods with a stretch in place of theirs, in which the owner is busy but for the free times."""
    before = [(*gap, old) for first, last, old in periods for gap in _gaps([stretch], (first, last))]
    return [*before, *((*gap, kind) for gap in _gaps(free, stretch))]


def _availabilities(r: Reader, calendars: Sequence[Collection]) -> list[tuple[bytes, str]]:
    """The calendars with VAVAILABILITY, at most `MAX_AVAILABILITIES`, each with the zone of its collection."""
    texts = [(text.encode(), where.time_zone) for where in calendars if where.inbox and (text := where.availability)]
    for where in calendars:
        if not where.inbox and not where.transparent:
            span, room = (EARLIEST, LATEST), MAX_AVAILABILITIES - len(texts)
            texts += [
                (resource_data(r, resource.id), where.time_zone)
                for resource in overlapping(r, where.id, (AVAILABILITY,), *span, 0, max(0, room))
            ]
    return texts


def _priority(part: Component) -> int:
    """1 is the greatest (RFC 7953 §3.1); 10 stands for none."""
    text = part.value("PRIORITY")
    return int(text) if text in {*"123456789"} else 10


async def _available(
    expander: Expander, calendar_object: CalendarObject, part: Component, stretch: Span
) -> tuple[list[Span], int]:
    """The times in a stretch for which VAVAILABILITY has AVAILABLE, and up to when they are known."""
    by_uid: dict[str, list[Component]] = {}
    for component in part.components:
        if component.name == "AVAILABLE":
            by_uid.setdefault(component.value("UID"), []).append(component)
    free: list[Span] = []
    until = stretch[1]
    for components in by_uid.values():
        times = CalendarObject(calendar_object.calendar, components, calendar_object.zones)
        if not times.repeated:
            free += [span for component in components if (span := span_of(component, times.zones)) is not None]
            continue
        instances = await expander.expand(times, stretch, MAX_ANSWER)
        free += [(instance.starts, instance.ends) for instance in instances]
        if len(instances) == MAX_ANSWER:
            until = min(until, instances[-1].starts)
    return free, max(stretch[0], until)


def _gaps(spans: Iterable[Span], stretch: Span) -> list[Span]:
    """Parts of a stretch that no span covers."""
    gaps: list[Span] = []
    since, until = stretch
    for start, end in sorted(spans):
        if since < min(start, until):
            gaps.append((since, min(start, until)))
        since = max(since, end)
    if since < until:
        gaps.append((since, until))
    return gaps


def _known(r: Reader, asker: str, name: str, usual: Access) -> list[tuple[Collection, Access]] | None:
    """Calendars of `name` that `asker` may see, each with its access; None if all that count are hidden."""
    shared = {shared_collection.collection.id for shared_collection in shared_collections(r, "calendar", asker)}
    counting = [calendar for calendar in collections_of(r, "calendar") if not calendar.transparent]
    found: list[tuple[Collection, Access]] = []
    for collection in counting:
        access = "details" if name == asker or collection.id in shared else collection.access or usual
        if access != "nothing":
            found.append((collection, access))
    # An empty answer means free. Of an owner who tells nothing it would be a lie, of one without calendars it is true.
    return found if found or (not counting and usual != "nothing") else None


def _told(facts: EntryFacts, stretch: Span) -> list[Engagement]:
    """The periods of VFREEBUSY in a stretch."""
    return [Engagement(*period) for period in facts.periods if period[0] < stretch[1] and period[1] > stretch[0]]


def _engaged(
    viewed: EntryView, stretch: Span, own: frozenset[str], zone: tzinfo | None, *, by_day: bool
) -> list[Engagement]:
    """The instances of an event in a stretch that make its owner busy."""
    facts, engagements = viewed.facts, list[Engagement]()
    for inst, placed in zip(viewed.instances or (), viewed.placed(zone), strict=True):
        part = facts.parts[inst.part]
        kind, whole_days = _kind(facts, part, own), part.clock == "date"
        title = part.title[:MAX_SHOWN] if facts.privacy == "public" else ""
        span = inst if by_day and whole_days else placed
        if kind and span.starts < stretch[1] and span.ends > stretch[0]:
            engagements.append(Engagement(span.starts, span.ends, kind, viewed.resource.uid, title, whole_days))
    return engagements


def _kind(facts: EntryFacts, part: PartFacts, own: frozenset[str]) -> str:
    """How an event makes its owner busy; "" for not."""
    if part.free or part.status == "CANCELLED":
        return ""
    # An organiser who is listed among the guests has no answer to give; the own event makes busy.
    answers = (part.people[address] for address in sorted(own) if address in part.people)
    answer = "" if facts.organizer in own else next(answers, "")
    kind = OF_ANSWER.get(answer, "BUSY")
    return "BUSY-TENTATIVE" if kind and part.status == "TENTATIVE" else kind


def merged(busy: Iterable[Busy], stretch: Span) -> list[Busy]:
    """Limit periods to a time range, and merge adjacent ones of the same kind."""
    found: list[Busy] = []
    for start, end, kind in sorted(busy, key=lambda period: (period[2], period[0])):
        start, end = max(start, stretch[0]), min(end, stretch[1])
        if start >= end:
            continue
        if found and found[-1][2] == kind and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]), kind)
        else:
            found.append((start, end, kind))
    return found


def busy_events(busy: Iterable[Busy], stamp: int) -> Iterator[str]:
    """Events that say only when their owner is busy, for programs that show no VFREEBUSY. `stamp`: seconds UTC."""
    for start, end, kind in busy:
        status = "TENTATIVE" if kind == "BUSY-TENTATIVE" else "CONFIRMED"
        lines = (
            "BEGIN:VEVENT",
            f"UID:busy-{start}-{end}",
            f"DTSTAMP:{utc_text(stamp)}",
            f"DTSTART:{utc_text(start)}",
            f"DTEND:{utc_text(end)}",
            "SUMMARY:Busy",
            f"STATUS:{status}",
            "END:VEVENT",
        )
        yield "".join(f"{line}\r\n" for line in lines)


def busy_calendar(stretch: Span, busy: Iterable[Busy], uid: str = "", people: Sequence[str] = ()) -> str:
    """The calendar that says so; an answer to a question has its UID, and the lines of its people."""
    answer = ("METHOD:REPLY",) if uid else ()
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//moxlite//EN",
        *answer,
        "BEGIN:VFREEBUSY",
        f"UID:{uid or f'busy-{stretch[0]}-{stretch[1]}'}",
        f"DTSTAMP:{utc_text(int(time.time()))}",
        f"DTSTART:{utc_text(stretch[0])}",
        f"DTEND:{utc_text(stretch[1])}",
        *people,
        *(f"FREEBUSY;FBTYPE={kind}:{utc_text(start)}/{utc_text(end)}" for start, end, kind in busy),
        "END:VFREEBUSY",
        "END:VCALENDAR",
    ]
    return "".join(f"{line}\r\n" for line in lines)
