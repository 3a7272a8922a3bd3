"""Times, durations and zones of calendars (RFC 5545 §3.3.4 to §3.3.6, §3.8.3): values of lines as Python's, and as
seconds since 1970.

Times without a zone, and dates, count as UTC (DAV-8). Known names of zones count, not what a file says about them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

from moxlite.proto.cards.components import Component
from moxlite.proto.cards.contentline import Property
from moxlite.proto.cards.icalendar import iana_zone

DAY: Final = timedelta(days=1)
TIME: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:T([0-9]{2})([0-9]{2})([0-9]{2})(Z?))?")
OFFSET: Final = re.compile(r"([+-])([0-9]{2})([0-9]{2})(?:[0-9]{2})?")
DURATION: Final = re.compile(
    r"([+-]?)P(?:([0-9]{1,4})W|(?:([0-9]{1,5})D)?(?:T(?:([0-9]{1,5})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,7})S)?)?)"
)
MAX_ZONES: Final = 100

Zones = Mapping[str, tzinfo]
"""Zones of a file by name, for names that the IANA database has not."""


def zones_of(calendar: Component) -> Zones:
    """The zones that a file defines, each by its standard time."""
    found: dict[str, tzinfo] = {}
    for zone in calendar.components:
        if zone.name != "VTIMEZONE" or len(found) == MAX_ZONES:
            continue
        parts = sorted(zone.components, key=lambda one: one.name != "STANDARD")
        offset = _offset(parts[0].value("TZOFFSETTO")) if parts else None
        if offset is not None:
            found.setdefault(zone.value("TZID"), offset)
    return found


def value_of(text: str) -> datetime | None:
    """The date or time that a text means, without a zone but for UTC; None for another text. A date is its first
    second.
    """
    found = TIME.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(one or 0) for one in found.groups()[:6])
    try:
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC if found[7] else None)
    except ValueError:
        return None


def is_date(one: Property) -> bool:
    """Whether a property has dates, no times."""
    return "T" not in one.value


def moment_of(one: Property | None, zones: Zones) -> datetime | None:
    """The time of a property, in its zone, or without one where it is floating or a date."""
    if one is None:
        return None
    value = value_of(one.value.strip())
    if value is None or value.tzinfo is not None or is_date(one):
        return value
    name = one.parameter("TZID").strip()
    zone = (iana_zone(name) or zones.get(name)) if name else None
    return value.replace(tzinfo=zone)


def seconds_of(moment: datetime) -> int:
    """Seconds since 1970 of a moment; a floating one counts as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())


def duration_of(text: str) -> timedelta | None:
    """A duration (RFC 5545 §3.3.6)."""
    found = DURATION.fullmatch(text.strip())
    if found is None:
        return None
    weeks, days, hours, minutes, seconds = (int(one or 0) for one in found.groups()[1:])
    span = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -span if found[1] == "-" else span


def period_of(text: str) -> tuple[int, int] | None:
    """Seconds of the start and the end of a period (RFC 5545 §3.3.9)."""
    start_text, _, end_text = text.strip().partition("/")
    start = value_of(start_text)
    if start is None:
        return None
    try:
        span = duration_of(end_text)
        end = value_of(end_text) if span is None else start + span
    except OverflowError:
        return None
    return None if end is None else (seconds_of(start), seconds_of(end))


def utc_text(seconds: int) -> str:
    """A moment as calendars write it in UTC."""
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds):%Y%m%dT%H%M%SZ}"


def _offset(value: str) -> tzinfo | None:
    found = OFFSET.fullmatch(value)
    if found is None:
        return None
    minutes = int(found[2]) * 60 + int(found[3])
    return timezone((1 if found[1] == "+" else -1) * timedelta(minutes=minutes)) if minutes < 24 * 60 else None
