"""Times, durations and zones of calendars (RFC 5545 §3.3.4 to §3.3.6, §3.8.3): values of lines as Python's, and as
seconds since 1970.

Times without a zone, and dates, count as UTC (DAV-8). Known names of zones count, not what a file says about them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.proto.cards.components import Component
from moxlite.proto.cards.contentline import Property

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DAY: Final = timedelta(days=1)
TIME: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:T([0-9]{2})([0-9]{2})([0-9]{2})(Z?))?")
OFFSET: Final = re.compile(r"([+-])([0-9]{2})([0-9]{2})(?:[0-9]{2})?")
DURATION: Final = re.compile(
    r"([+-]?)P(?:([0-9]{1,4})W|(?:([0-9]{1,5})D)?(?:T(?:([0-9]{1,5})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,7})S)?)?)"
)
MAX_ZONES: Final = 100
"""Zones that a file defines, the first; entries of people name one or two."""

WINDOWS: Final = {
    "AUS Eastern Standard Time": "Australia/Sydney",
    "Arabian Standard Time": "Asia/Dubai",
    "Argentina Standard Time": "America/Buenos_Aires",
    "Atlantic Standard Time": "America/Halifax",
    "Central America Standard Time": "America/Guatemala",
    "Central Europe Standard Time": "Europe/Budapest",
    "Central European Standard Time": "Europe/Warsaw",
    "Central Standard Time": "America/Chicago",
    "China Standard Time": "Asia/Shanghai",
    "E. South America Standard Time": "America/Sao_Paulo",
    "Eastern Standard Time": "America/New_York",
    "Egypt Standard Time": "Africa/Cairo",
    "FLE Standard Time": "Europe/Kiev",
    "GMT Standard Time": "Europe/London",
    "GTB Standard Time": "Europe/Bucharest",
    "Greenwich Standard Time": "Atlantic/Reykjavik",
    "Hawaiian Standard Time": "Pacific/Honolulu",
    "India Standard Time": "Asia/Calcutta",
    "Israel Standard Time": "Asia/Jerusalem",
    "Korea Standard Time": "Asia/Seoul",
    "Mountain Standard Time": "America/Denver",
    "New Zealand Standard Time": "Pacific/Auckland",
    "Pacific Standard Time": "America/Los_Angeles",
    "Romance Standard Time": "Europe/Paris",
    "Russian Standard Time": "Europe/Moscow",
    "SE Asia Standard Time": "Asia/Bangkok",
    "Singapore Standard Time": "Asia/Singapore",
    "South Africa Standard Time": "Africa/Johannesburg",
    "Tokyo Standard Time": "Asia/Tokyo",
    "Turkey Standard Time": "Europe/Istanbul",
    "US Eastern Standard Time": "America/Indianapolis",
    "US Mountain Standard Time": "America/Phoenix",
    "UTC": "UTC",
    "W. Australia Standard Time": "Australia/Perth",
    "W. Europe Standard Time": "Europe/Berlin",
    "W. Central Africa Standard Time": "Africa/Lagos",
    "West Asia Standard Time": "Asia/Tashkent",
}
"""Names of zones that Microsoft's programs write, and the same zones in the IANA database (Unicode CLDR)."""

MAX_ZONE: Final = 200
"""Characters of a zone's name."""

Zones = Mapping[str, tzinfo]
"""Zones of a file by name, for names that the IANA database has not."""


@lru_cache(maxsize=100)
def iana_zone(name: str) -> ZoneInfo | None:
    """A zone by its name in the IANA database, in Microsoft's programs, or at the end of a path of other programs."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # 1 MB that a server without calendars does not need

    name = name.strip('"')
    for one in (WINDOWS.get(name, name), "/".join(name.split("/")[-2:]), "/".join(name.split("/")[-3:])):
        try:
            return ZoneInfo(one)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return None


def zones_of(calendar: Component) -> Zones:
    """The zones that a file defines, each by its standard time."""
    found: dict[str, tzinfo] = {}
    for zone in calendar.components:
        if zone.name != "VTIMEZONE" or len(found) == MAX_ZONES:
            continue
        parts = sorted(zone.components, key=lambda component: component.name != "STANDARD")
        offset = _offset(parts[0].value("TZOFFSETTO")) if parts else None
        if offset is not None:
            found.setdefault(zone.value("TZID"), offset)
    return found


def value_of(text: str) -> datetime | None:
    """The date or time that a text means, without a zone but for UTC; None for another text. A date is its first
    second.
    """
    match = TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(group or 0) for group in match.groups()[:6])
    try:
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC if match[7] else None)
    except ValueError:
        return None


def is_date(prop: Property) -> bool:
    """Whether a property has dates, no times."""
    return "T" not in prop.value


def moment_of(prop: Property | None, zones: Zones) -> datetime | None:
    """The time of a property, in its zone, or without one where it is floating or a date."""
    if prop is None:
        return None
    value = value_of(prop.value.strip())
    if value is None or value.tzinfo is not None or is_date(prop):
        return value
    name = prop.parameter("TZID").strip()
    zone = (iana_zone(name) or zones.get(name)) if name else None
    return value.replace(tzinfo=zone)


def seconds_of(moment: datetime) -> int:
    """Seconds since 1970 of a moment; a floating one counts as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())


class Length(msgspec.Struct, frozen=True):
    """A duration (RFC 5545 §3.3.6): days of the calendar, which have 23 to 25 hours where the clocks change, and
    seconds.
    """

    days: int
    seconds: int

    def end(self, start: datetime) -> int:
        """Seconds UTC of the end of what starts then; no end is before its start."""
        if self.days and start.tzinfo is not None:
            with suppress(OverflowError):
                return max(seconds_of(start), seconds_of(start + timedelta(days=self.days)) + self.seconds)
        return seconds_of(start) + max(0, self.days * 86_400 + self.seconds)


def length_of(text: str) -> Length | None:
    """The duration that a text means."""
    match = DURATION.fullmatch(text.strip())
    if match is None:
        return None
    weeks, days, hours, minutes, seconds = (int(group or 0) for group in match.groups()[1:])
    sign = -1 if match[1] == "-" else 1
    return Length(sign * (weeks * 7 + days), sign * (hours * 3600 + minutes * 60 + seconds))


def duration_of(text: str) -> timedelta | None:
    """A duration, with days of 24 hours."""
    length = length_of(text)
    return None if length is None else timedelta(days=length.days, seconds=length.seconds)


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
    """A moment as calendars write it in UTC; one before or after all years, which zones and durations of mails can
    give, is their first or last second.
    """
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        moment = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) if seconds > 0 else datetime(1, 1, 1, tzinfo=UTC)
    return f"{moment:%Y%m%dT%H%M%SZ}".rjust(16, "0")  # strftime gives early years fewer digits


def _offset(value: str) -> tzinfo | None:
    match = OFFSET.fullmatch(value)
    if match is None:
        return None
    minutes = int(match[2]) * 60 + int(match[3])
    return timezone((1 if match[1] == "+" else -1) * timedelta(minutes=minutes)) if minutes < 24 * 60 else None
