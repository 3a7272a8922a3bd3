"""Zones that a file defines (VTIMEZONE, RFC 5545 §3.6.5), and the zone of the IANA database with the same clocks.

Each part of a zone is a series of onsets, by DTSTART, RRULE and RDATE, from which on its offset counts: the last onset
before a moment decides. Onsets are found for a year when a time in it is asked for, in steps that all zones of a file
share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import MAXYEAR, UTC, datetime, timedelta, timezone, tzinfo
from itertools import islice
from typing import Final

import msgspec

from moxlite.proto.cards.components import Component
from moxlite.proto.cards.moments import OFFSET, WINDOWS, Zones, iana_zone, value_of, zone_name
from moxlite.proto.cards.rules import EPOCH, BadRecurrence, Rule, Steps, TooMuchWork, local_seconds, read_rule, times_of

MAX_ZONES: Final = 100
"""Zones that a file defines, the first; entries of people name one or two."""

MAX_PARTS: Final = 500
"""Parts of a zone, the first: those with all changes since 1900 have about 200."""

MAX_DATES: Final = 500
"""RDATEs of a part."""

MAX_ONSETS: Final = 50
"""Onsets of a part in a year; clocks of people have two."""

STEPS: Final = 100_000
"""Steps of all zones of a file together: 50 ms. The year of a usual zone takes about 20."""

YEAR: Final = 366 * 86_400
FITTING_YEARS: Final = 5
"""Years in which a zone of the database has the same clocks as one of a file: rules change more often than that."""


class _Onsets(msgspec.Struct, frozen=True):
    """A part of a zone. `before`: its TZOFFSETFROM, seconds; `offset`: from its onsets on; `first`, `dates`: local
    seconds.
    """

    before: int
    offset: int
    first: int
    dates: tuple[int, ...]
    rules: tuple[Rule, ...]

    def between(self, since: int, until: int, steps: Steps) -> list[int]:
        """Onsets in a stretch of local seconds."""
        steps.take(1 + len(self.dates))
        onsets = {time for time in (self.first, *self.dates) if since <= time < until}
        for rule in self.rules:
            onsets.update(times_of(rule, since, until, MAX_ONSETS, steps))
        return sorted(onsets)

    def last(self, until: int, steps: Steps) -> int | None:
        """The last onset before a local second."""
        earliest = min((self.first, *self.dates))
        begin, length = until, 2 * YEAR
        while begin > earliest:
            begin = max(begin - length, earliest)
            onsets = self.between(begin, until, steps)
            if onsets:
                return onsets[-1]
            length *= 8
        return None


class _Change(msgspec.Struct, frozen=True):
    """A change of the clocks at a moment, seconds UTC, between offsets, seconds."""

    at: int
    before: int
    after: int


class FileZone(tzinfo):
    """A zone by the rules of its file. A time that clocks show twice is the first, one that they leave out means what
    it would without the change (RFC 5545 §3.3.5).
    """

    def __init__(self, parts: Sequence[_Onsets], steps: Steps) -> None:
        """`parts`: one at least."""
        self._parts = parts
        self._steps = steps
        self._years: dict[int, tuple[int, list[_Change]]] = {}
        self._names: dict[int, str | None] = {}

    def utcoffset(self, at: datetime | None) -> timedelta | None:
        """The offset of a local time."""
        if at is None:
            return None
        local = local_seconds(at)
        offset, changes = self._year(at.year)
        for change in changes:
            edge = min(change.before, change.after) if at.fold else max(change.before, change.after)
            if local < change.at + edge:
                break
            offset = change.after
        return timedelta(seconds=offset)

    def dst(self, at: datetime | None) -> None:
        """Parts say when they begin, and not why."""

    def tzname(self, at: datetime | None) -> None:
        """It has no name."""

    def fromutc(self, at: datetime) -> datetime:
        """The local time of a moment."""
        moment = local_seconds(at)
        offset, fold = self._year(at.year)[0], False
        for year in range(at.year, min(at.year + 1, MAXYEAR) + 1):  # the next one may have begun in the zone
            for change in self._year(year)[1]:
                if moment < change.at:
                    break
                offset = change.after
                fold = moment + change.after < change.at + change.before
        return (at + timedelta(seconds=offset)).replace(fold=fold)

    def _year(self, year: int) -> tuple[int, list[_Change]]:
        """The offset with which a year begins on the clocks, and its changes."""
        if year not in self._years:
            with suppress(TooMuchWork):
                self._years[year] = self._found(year)
        return self._years.get(year, (self._parts[0].offset, []))

    def _found(self, year: int) -> tuple[int, list[_Change]]:
        begin = (datetime(year, 1, 1) - EPOCH) // timedelta(seconds=1)  # noqa: DTZ001 local
        onsets = sorted(
            (time, part.offset, part.before)
            for part in self._parts
            for time in part.between(begin, begin + YEAR, self._steps)
        )
        last = [(time, part.offset) for part in self._parts if (time := part.last(begin, self._steps)) is not None]
        # before all onsets, the offset is the one that the first onset changes
        offset = max(last)[1] if last else min((part.first, part.before) for part in self._parts)[1]
        first, changes = offset, list[_Change]()
        for time, after, _ in onsets:
            changes.append(_Change(time - offset, offset, after))
            offset = after
        return first, changes

    def like(self, year: int) -> str | None:
        """The name of the zone of the IANA database with the same clocks in the years from one on."""
        year = min(max(year, 2), 9990)
        if year not in self._names:
            clocks = _clocks(self, year)
            zones = ((name, iana_zone(name)) for name in FITTING)
            self._names[year] = next(
                (
                    name
                    for name, zone in zones
                    if zone is not None
                    and all(moment.astimezone(zone).utcoffset() == offset for moment, offset in clocks)
                ),
                None,
            )
        return self._names[year]

    def changes(self, year: int) -> list[_Change]:
        """The changes of a year."""
        return self._year(year)[1]


def zones_of(calendar: Component) -> Zones:
    """The zones that a file defines, without zones of which no part can be read."""
    zones: dict[str, tzinfo] = {}
    steps = Steps(STEPS)
    for component in calendar.components:
        if component.name != "VTIMEZONE" or len(zones) == MAX_ZONES:
            continue
        parts = [*islice(_parts(component), MAX_PARTS)]
        if parts:
            zones.setdefault(zone_name(component.value("TZID")), FileZone(parts, steps))
    return zones


def _parts(zone: Component) -> Iterator[_Onsets]:
    """The parts of a zone that can be read."""
    for part in zone.components:
        start, offset = value_of(part.value("DTSTART")) or EPOCH, _offset(part.value("TZOFFSETTO"))
        if part.name not in ("STANDARD", "DAYLIGHT") or offset is None:
            continue
        before = _offset(part.value("TZOFFSETFROM"))
        before = offset if before is None else before
        local = _at(start, before)
        lines = islice((value for line in part.all("RDATE") for value in line.value.split(",")), MAX_DATES)
        dates = [value_of(value.strip().partition("/")[0]) for value in lines]
        rules: list[Rule] = []
        with suppress(BadRecurrence):
            rules = [read_rule(line.value, local, whole=False) for line in part.all("RRULE")[:4]]
        first = local_seconds(local)
        moments = tuple(sorted(local_seconds(_at(date, before)) for date in dates if date is not None))
        yield _Onsets(before, offset, first, moments, tuple(rules))


def _at(moment: datetime, before: int) -> datetime:
    """A time of a part by the clocks of before; some programs write UTC."""
    zone = timezone(timedelta(seconds=before))
    if moment.tzinfo is not None:
        with suppress(OverflowError):  # at either end of all years
            return moment.astimezone(zone)
    return moment.replace(tzinfo=zone)


def _offset(value: str) -> int | None:
    """Seconds."""
    match = OFFSET.fullmatch(value.strip())
    if match is None:
        return None
    seconds = int(match[2]) * 3600 + int(match[3]) * 60 + int(match[4] or 0)
    return (1 if match[1] == "+" else -1) * seconds if seconds < 86_400 else None


def name_of(zone: tzinfo, year: int) -> str | None:
    """The name of the zone of the IANA database that has the clocks of a zone in the years from one on; None
    where no zone has them.
    """
    if isinstance(zone, FileZone):
        return zone.like(year)
    key = getattr(zone, "key", None)
    return key if isinstance(key, str) else None


def _clocks(zone: FileZone, year: int) -> list[tuple[datetime, timedelta | None]]:
    """Times that distinguish zones, with a zone's offset at each, from a year on."""
    moments: list[datetime] = []
    for number in range(year, year + FITTING_YEARS):
        moments += [datetime(number, month, 15, tzinfo=UTC) for month in range(1, 13)]
        for change in zone.changes(number):
            moment = EPOCH.replace(tzinfo=UTC) + timedelta(seconds=change.at)
            moments += [moment - timedelta(seconds=1), moment]
    return [(moment, moment.astimezone(zone).utcoffset()) for moment in moments]


FITTING: Final = (
    *("Europe/Berlin", "Europe/London", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"),
    *("Europe/Helsinki", "Asia/Tokyo", "Asia/Shanghai", "Asia/Kolkata", "Australia/Sydney", "UTC"),
    *dict.fromkeys(WINDOWS.values()),
)
"""Zones of the database that are looked through, the most populous first."""
