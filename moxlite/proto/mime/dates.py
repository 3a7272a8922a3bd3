"""Dates of messages and of IMAP: RFC 5322 §3.3 (with §4.3 and what broken clients write), INTERNALDATE (RFC 9051 §9
date-time).

A moment is an int of microseconds since 1970 UTC; an offset is minutes east of UTC. Reading never fails on odd input:
no date is None.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

__all__ = ["format_date", "format_internaldate", "parse_date", "parse_internaldate"]

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTH_NUMBER: Final = {month.lower(): number for number, month in enumerate(_MONTHS, 1)}

# RFC 5322 §4.3. Single letters are of unknown meaning (as -0000), but Z, which is UTC everywhere.
_ZONES: Final = {"EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420}

_TIME: Final = r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,]\d{1,9})?)?"
_ZONE: Final = r"(?:\s{0,9}(?:(?:UTC|GMT)?(?P<offset>[+-]\d{1,2}:?\d{2})|(?P<zone>[A-Za-z]{1,5})))?"
_RFC5322: Final = re.compile(
    r"\s{0,9}(?:[A-Za-z]{2,9}\.?\s{0,9},?\s{0,9})?"
    r"(?P<day>\d{1,2})[\s-]{1,9}(?P<month>[A-Za-z]{3})[a-z]{0,6}\.?,?[\s-]{1,9}(?P<year>\d{2,6})"
    rf",?\s{{1,9}}{_TIME}{_ZONE}"
)
# What nearly all mail has, four times as fast.
_USUAL: Final = re.compile(
    r"(?:[A-Z][a-z]{2}, )?(?P<day>\d{1,2}) (?P<month>[A-Z][a-z]{2}) (?P<year>\d{4})"
    r" (?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2}) (?P<offset>[+-]\d{4})(?: \([A-Z]{3,4}\))?"
)
# ctime(3), as some programs write it.
_ASCTIME: Final = re.compile(
    r"\s{0,9}[A-Za-z]{3,9},?\s{1,9}(?P<month>[A-Za-z]{3})[a-z]{0,6}\s{1,9}(?P<day>\d{1,2}),?\s{1,9}"
    rf"{_TIME}{_ZONE}\s{{1,9}}(?P<year>\d{{4,6}})"
)
_INTERNALDATE: Final = re.compile(
    r"(?P<day>[ \d]\d)-(?P<month>[A-Za-z]{3})-(?P<year>\d{4})"
    r" (?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2}) (?P<offset>[+-]\d{4})"
)
_COMMENT: Final = re.compile(r"\([^()]{0,100}\)")
_LONGEST: Final = 200  # characters: a date is about 40, the rest comments

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse_date(text: bytes | str) -> tuple[int, int] | None:
    """(moment, offset) of a Date field's text; None if it is no date or past the year 9999 (STORE-56).

    An offset of a day or more counts as UTC. A leap second counts as the first of the next minute.
    """
    if not isinstance(text, str):
        text = text.decode("latin-1")
    usual = _USUAL.fullmatch(text)
    if usual is not None:
        return _moment(usual, int(usual["year"]))
    text = text[:_LONGEST]
    if "(" in text:
        text = _COMMENT.sub(" ", text)
    match = _RFC5322.match(text) or _ASCTIME.match(text)
    if match is None:
        return None
    year = match["year"]
    number = int(year)
    if len(year) == 2:  # RFC 5322 §4.3
        number += 2000 if number < 50 else 1900
    elif len(year) == 3:
        number += 1900
    return _moment(match, number)


def parse_internaldate(text: str) -> tuple[int, int] | None:
    """(moment, offset) of an IMAP date-time without its quotes, e.g. `17-Jul-1996 02:44:25 -0700`; None if
    malformed.
    """
    match = _INTERNALDATE.fullmatch(text)
    return None if match is None else _moment(match, int(match["year"]))


def _moment(match: re.Match[str], year: int) -> tuple[int, int] | None:
    month = _MONTH_NUMBER.get(match["month"].lower())
    day, hour, minute, second = int(match["day"]), int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    if month is None or not 1 <= year <= 9999 or hour > 23 or minute > 59 or second > 60:
        return None
    before, length = _month(year, month)
    if not 1 <= day <= length:
        return None
    offset = _offset(match)
    seconds = (before + day) * 86400 + hour * 3600 + minute * 60 + second - offset * 60
    return seconds * 1_000_000, offset


@lru_cache(maxsize=64)
def _month(year: int, month: int) -> tuple[int, int]:
    """Days from 1970 to the one before the month, and days in it."""
    return (datetime(year, month, 1, tzinfo=UTC) - _EPOCH).days - 1, monthrange(year, month)[1]


def _offset(match: re.Match[str]) -> int:
    digits = match["offset"]
    if digits:
        if digits[1:] == "0000":
            return 0
        sign = -1 if digits[0] == "-" else 1
        digits = digits[1:].replace(":", "").zfill(4)
        hours, minutes = int(digits[:-2]), int(digits[-2:])
        return sign * (hours * 60 + minutes) if hours < 24 and minutes < 60 else 0
    zone = match.groupdict().get("zone")
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
