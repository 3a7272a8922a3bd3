"""Events found by words in their titles, places, guests and notes (WEBMAIL-175a), and the next events with a person
(WEBMAIL-128f). For words nothing is indexed: the facts of an entry mostly tell, else the lines of its octets that
people write; only entries with all words there are parsed. The addresses of guests are indexed.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.groupware.entries import EntryView, Expander
from moxlite.processor import give_way
from moxlite.proto.cards.calendarobject import BadObject, read_object
from moxlite.proto.cards.contentline import plain, unescaped
from moxlite.proto.cards.itip import attendees_of, organizer_of
from moxlite.proto.mime.text import fold
from moxlite.store.groupware.resources import NoSuchResource, events_with, resources_of, with_data

if TYPE_CHECKING:
    from moxlite.proto.cards.calendarobject import CalendarObject
    from moxlite.proto.cards.components import Component, Instance
    from moxlite.proto.cards.contentline import Property
    from moxlite.proto.cards.entryfacts import EntryFacts
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader

MAX_WORDS: Final = 20
"""Words of a search. Even a pasted sentence has fewer."""

MAX_SEARCHED: Final = 20_000
"""Entries of a calendar that are looked at: a second of a processor, in slices."""

AROUND: Final = 366 * 86_400
"""Seconds before and after now in which times of series are found: each year's is."""

MAX_COMING: Final = 50
"""Events with a person in a calendar that are looked at, those that began first."""

PAGE: Final = 100
"""Entries that are looked at at once, or fewer where they are large (`TOGETHER`)."""

EXCERPT: Final = 100
LEAD: Final = 24
"""Characters of an excerpt, and those before the word: a narrow row shows it, too."""

MAX_NOTES: Final = 20_000
"""Characters of notes that are searched: as many as the form of an event has."""

FOLD: Final = re.compile(rb"\r?\n[ \t]")
WRITTEN: Final = re.compile(
    rb"^(?:SUMMARY|LOCATION|DESCRIPTION|ATTENDEE|ORGANIZER)[;:].*", re.MULTILINE | re.IGNORECASE
)
"""The lines that people write; a zone or a UID has the words of no search."""


class FoundEntry(msgspec.Struct, frozen=True):
    """An entry with its times around now: of a series the last one that is past, and the next. `excerpts`: by the
    number of a component what guests or notes have of the words, "" where title and place have all.
    """

    viewed: EntryView
    excerpts: Mapping[int, str]


def words_in(text: str) -> list[str]:
    """The words of a search, all of which an event must have."""
    return fold(text).split()[:MAX_WORDS]


async def search(
    account: Account, expander: Expander, collection_id: int, words: Sequence[str], now: int
) -> AsyncGenerator[FoundEntry, None]:
    """The events of a calendar that have these words, without those that can't be read: of the first `MAX_SEARCHED`
    entries. `now`: seconds UTC. Errors: StoreError propagates.
    """
    after, more, left = 0, True, MAX_SEARCHED
    stretch = now - AROUND, now + AROUND

    def page(r: Reader) -> tuple[list[FoundEntry], int, int, bool]:
        resources = resources_of(r, collection_id, after, PAGE)
        entries: list[FoundEntry] = []
        looked = with_data(r, resources)
        for resource, data in looked:
            if resource.component != "VEVENT" or expander.shelf.keeps_back(r, resource):
                continue
            viewed = expander.view(r, resource, stretch)
            if viewed is not None and (excerpts := _excerpts(viewed.facts, data, words)):
                entries.append(FoundEntry(viewed, excerpts))
        last = looked[-1][0].id if looked else after
        return entries, last, len(looked), len(looked) < len(resources) or len(resources) == PAGE

    while more and left > 0:
        entries, after, count, more = await account.scan(page, op="event-search")
        left -= count
        for entry in entries:
            viewed = entry.viewed
            times = await _times(expander, viewed, stretch)
            times = [time for time in times if time.part in entry.excerpts]
            if viewed.facts.repeated:
                times = _nearest(times, now)
            yield FoundEntry(msgspec.structs.replace(viewed, instances=times), entry.excerpts)
        await give_way()


async def coming_with(
    account: Account, expander: Expander, collection_id: int, addresses: Sequence[str], now: int
) -> list[EntryView]:
    """The events of a calendar with one of these addresses among their people that are not over, each with its next
    time; of the first `MAX_COMING`. `now`: seconds UTC. Errors: StoreError propagates.
    """
    stretch = now, now + AROUND

    def read(r: Reader) -> list[EntryView]:
        resources = events_with(r, collection_id, addresses, now, MAX_COMING)
        seen = (resource for resource in resources if not expander.shelf.keeps_back(r, resource))
        return [viewed for resource in seen if (viewed := expander.view(r, resource, stretch)) is not None]

    coming: list[EntryView] = []
    for viewed in await account.read(read, op="events-with"):
        times = [time for time in await _times(expander, viewed, stretch) if time.ends > now]
        if times:
            next_time = min(times, key=lambda time: time.starts)
            coming.append(msgspec.structs.replace(viewed, instances=[next_time]))
    return coming


async def _times(expander: Expander, viewed: EntryView, stretch: tuple[int, int]) -> Sequence[Instance]:
    """Return an entry's instances in a time range, or none if it has been deleted since."""
    if viewed.instances is not None:
        return viewed.instances
    try:
        calendar_object = await expander.read(viewed.resource)
    except (NoSuchResource, BadObject):
        return []
    return await expander.instances(viewed.resource, calendar_object, stretch)


def _nearest(times: Sequence[Instance], now: int) -> list[Instance]:
    """The last time that is past and the next one; exceptions with words of their own are times like others."""
    ordered = sorted(times, key=lambda time: time.starts)
    past = [time for time in ordered if time.ends <= now]
    coming = [time for time in ordered if time.ends > now]
    return past[-1:] + coming[:1]


def _excerpts(facts: EntryFacts, data: bytes, words: Sequence[str]) -> dict[int, str]:
    """The components that have all words, by their numbers, as `FoundEntry` has them."""
    known = {number: "" for number, part in enumerate(facts.parts) if _has(fold(f"{part.title} {part.place}"), words)}
    if len(known) == len(facts.parts) or not _has(_raw(data), words):
        return known
    try:
        entry = read_object(data)
    except BadObject:
        return known
    return known | {
        number: excerpt
        for number, part in enumerate(entry.parts)
        if number not in known and (excerpt := _excerpt(entry, part, words)) is not None
    }


def _raw(data: bytes) -> str:
    lines = WRITTEN.findall(FOLD.sub(b"", data))
    return fold(unescaped(b" ".join(lines).decode("utf-8", "replace")))


def _excerpt(entry: CalendarObject, part: Component, words: Sequence[str]) -> str | None:
    """What guests or notes have of the words; None for a component that has not all."""
    head = fold(plain(part.value("SUMMARY"), 1000) + " " + plain(part.value("LOCATION"), 1000))
    lines = [*attendees_of(part).values()]
    if (organizer := organizer_of(entry)) is not None:
        lines.append(organizer)
    guests = [_named(line) for line in lines]
    notes = plain(part.value("DESCRIPTION"), MAX_NOTES)
    if not _has(" ".join([head, *map(fold, guests), fold(notes)]), words):
        return None
    missing = [word for word in words if word not in head]
    named = next((guest for guest in guests if any(word in fold(guest) for word in missing)), None)
    if named is not None:
        return named
    # Folding may change the length of a text: the place is near enough.
    at = min((place for word in missing if (place := fold(notes).find(word)) >= 0), default=0)
    start = max(0, at - LEAD)
    return (
        ("… " if start else "")
        + notes[start : start + EXCERPT].strip()
        + (" …" if start + EXCERPT < len(notes) else "")
    )


def _named(line: Property) -> str:
    name, address = plain(line.parameter("CN"), 200), plain(line.value.strip()[7:], 320)
    return address if name in ("", address) else f"{name} <{address}>"


def _has(text: str, words: Sequence[str]) -> bool:
    return all(word in text for word in words)
