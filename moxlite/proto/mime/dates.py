"""Dates of messages and of IMAP: RFC 5322 §3.3 (with §4.3 and variants of broken clients), INTERNALDATE (RFC 9051 §9
date-time).

A moment is an int of microseconds since 1970 UTC; an offset is minutes east of UTC. Parsing never raises: a malformed
date is None.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTH_NUMBER: Final = {month.lower(): number for number, month in enumerate(_MONTHS, 1)}

# RFC 5322 §4.3. Single letters have an unknown meaning (as -0000), except Z, which always means UTC.
_ZONES: Final = {"EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420}

_TIME: Final = (
    r"(?P<hour>\d{1,2})\s{0,9}[:.]\s{0,9}(?P<minute>\d{2})(?:\s{0,9}[:.]\s{0,9}(?P<second>\d{2})(?:[.,]\d{1,9})?)?"
    r"(?:\s{0,9}(?P<half>[AaPp])\.?[Mm]\b\.?)?"
)
_ZONE: Final = r"(?:\s{0,9}(?:(?:UTC|GMT)?(?P<offset>[+-]\d{1,2}:?\d{2})|(?P<zone>[A-Za-z]{1,5})))?"
_RFC5322: Final = re.compile(
    r"\s{0,9}(?:[A-Za-z]{2,9}\.?\s{0,9},?\s{0,9})?"
    r"(?P<day>\d{1,3})[\s-]{1,9}(?P<month>[A-Za-z]{3})[a-z]{0,6}\.?,?[\s-]{1,9}(?P<year>\d{2,6})"
    rf",?\s{{1,9}}{_TIME}{_ZONE}"
)
# The format in nearly all mail, parsed four times as fast.
_USUAL: Final = re.compile(
    r"(?:[A-Z][a-z]{2}, )?(?P<day>\d{1,2}) (?P<month>[A-Z][a-z]{2}) (?P<year>\d{4})"
    r" (?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2}) (?P<offset>[+-]\d{4})(?: \([A-Z]{3,4}\))?",
    re.ASCII,
)
# ctime(3), as some programs write it.
_ASCTIME: Final = re.compile(
    r"\s{0,9}[A-Za-z]{3,9},?\s{1,9}(?P<month>[A-Za-z]{3})[a-z]{0,6}\s{1,9}(?P<day>\d{1,2}),?\s{1,9}"
    rf"{_TIME}{_ZONE}\s{{1,9}}(?P<year>\d{{4,6}})"
)
# Two more forms that no RFC for mail has: a month before its day, as Americans write it, and ISO 8601.
_AMERICAN: Final = re.compile(
    r"(?:[A-Za-z]{3,9},?\s)?(?P<month>[A-Za-z]{3})[a-z]{0,6}\.?\s(?P<day>\d{1,2}),?\s(?P<year>\d{4}),?\s"
    rf"{_TIME}{_ZONE}"
)
_ISO: Final = re.compile(rf"(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}})[Tt\s]{_TIME}{_ZONE}")
_INTERNALDATE: Final = re.compile(
    r"(?P<day>[ \d]\d)-(?P<month>[A-Za-z]{3})-(?P<year>\d{4})"
    r" (?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2}) (?P<offset>[+-]\d{4})"
)
_COMMENT: Final = re.compile(r"\((?:[^()\\]|\\.){0,200}\)")  # without a comment inside
_LONGEST: Final = 200  # characters: a date is about 40, the rest comments
_MOST_BLANKS: Final = 2_000  # characters with all blanks, of which any number may stand anywhere (RFC 5322 §4.2, A.5)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SPAN: Final = range(-62_135_596_800, 253_402_300_800)  # seconds of the years 1 to 9999, beyond which no program shows


def parse_date(text: bytes | str) -> tuple[int, int] | None:
    """Parse the text of a Date field to (moment, offset); None if it is malformed or, in UTC, beyond the years 1 to
    9999 (STORE-56).

    An offset of a day or more counts as UTC. A leap second counts as the first of the next minute.
    """
    if not isinstance(text, str):
        text = text.decode("latin-1")
    usual = _USUAL.fullmatch(text)
    if usual is not None:
        return _moment(*usual.groups())
    text = " ".join(text[:_MOST_BLANKS].split())[:_LONGEST]
    found = text.count("(")
    while found:  # a pass for each level of nested comments (RFC 5322 §3.2.2), at most 100 in so short a text
        text, found = _COMMENT.subn(" ", text)
    match = _RFC5322.match(text) or _ASCTIME.match(text) or _AMERICAN.match(text) or _ISO.match(text)
    if match is None:
        return None
    day, month, year, hour, minute, second, offset, zone, half = match.group(
        "day", "month", "year", "hour", "minute", "second", "offset", "zone", "half"
    )
    if half and 1 <= int(hour) <= 12:
        hour = str(int(hour) % 12 + 12 * (half in "Pp"))
    if len(year) == 2:  # RFC 5322 §4.3
        year = f"20{year}" if int(year) < 50 else f"19{year}"
    elif len(year) == 3:
        year = str(1900 + int(year))
    return _moment(day, month, year, hour, minute, second, offset, zone)


def parse_internaldate(text: str) -> tuple[int, int] | None:
    """(moment, offset) of an IMAP date-time without its quotes, e.g. `17-Jul-1996 02:44:25 -0700`; None if
    malformed.
    """
    match = _INTERNALDATE.fullmatch(text)
    return None if match is None else _moment(*match.groups())


def _moment(
    day: str,
    month: str,
    year: str,
    hour: str,
    minute: str,
    second: str | None,
    offset: str | None,
    zone: str | None = None,
) -> tuple[int, int] | None:
    """Convert the groups of `_USUAL` or `_INTERNALDATE`, in their order, to (moment, offset); None if out of range."""
    days = _day(day, month, year)
    hours, minutes, seconds = int(hour), int(minute), int(second or 0)
    if days is None or hours > 23 or minutes > 59 or seconds > 60:
        return None
    east = _offset(offset, zone)
    at = days * 86400 + hours * 3600 + (minutes - east) * 60 + seconds
    return (at * 1_000_000, east) if at in _SPAN else None


@lru_cache(maxsize=256)  # most new mail has today's date
def _day(day: str, month: str, year: str) -> int | None:
    """Days since 1970; None if the date does not exist."""
    number = int(month) if month.isdigit() else _MONTH_NUMBER.get(month.lower())
    if number is None or not (1 <= number <= 12 and 1 <= int(year) <= 9999):
        return None
    if not 1 <= int(day) <= monthrange(int(year), number)[1]:
        return None
    return (datetime(int(year), number, int(day), tzinfo=UTC) - _EPOCH).days


@lru_cache(maxsize=64)
def _offset(digits: str | None, zone: str | None) -> int:
    if digits:
        if digits[1:] == "0000":
            return 0
        sign = -1 if digits[0] == "-" else 1
        digits = digits[1:].replace(":", "").zfill(4)
        hours, minutes = int(digits[:-2]), int(digits[-2:])
        return sign * (hours * 60 + minutes) if hours < 24 and minutes < 60 else 0
    return _ZONES.get(zone.upper(), 0) if zone else 0


def _local(moment: int, offset: int) -> datetime:
    try:
        return _EPOCH + timedelta(seconds=moment // 1_000_000 + offset * 60)
    except OverflowError:  # the last hours of 9999 or the first of year 1, seen from another zone
        return _EPOCH + timedelta(seconds=moment // 1_000_000)


def format_date(moment: int, offset: int = 0) -> str:
    """`Fri, 20 Nov 2026 07:00:00 +0100` (RFC 5322 §3.3)."""
    at = _local(moment, offset)
    return f"{_DAYS[at.weekday()]}, {at.day} {_MONTHS[at.month - 1]} {at.year:04} {at:%H:%M:%S} {_zone(offset)}"


def format_internaldate(moment: int, offset: int = 0) -> str:
    """`20-Nov-2026 07:00:00 +0100`, the day with a leading blank if below 10 (RFC 9051 §9 date-day-fixed)."""
    at = _local(moment, offset)
    return f"{at.day:2}-{_MONTHS[at.month - 1]}-{at.year:04} {at:%H:%M:%S} {_zone(offset)}"


def _zone(offset: int) -> str:
    hours, minutes = divmod(abs(offset), 60)
    return f"{'-' if offset < 0 else '+'}{hours:02}{minutes:02}"
