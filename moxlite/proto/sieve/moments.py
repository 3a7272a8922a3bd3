"""Parts of dates (RFC 5260 §4.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from moxlite.proto.mime.dates import format_date

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MJD_OF_EPOCH: Final = 40587
"""The modified Julian day of 1970-01-01."""
_ZONE: Final = re.compile(r"([+-])([0-9]{2})([0-5][0-9])")


def zone_minutes(text: str) -> int | None:
    """Minutes east of UTC of a zone such as ``+0100`` (RFC 5260 §4.1); None for other texts."""
    found = _ZONE.fullmatch(text)
    if found is None or int(found[2]) > 23:
        return None
    minutes = int(found[2]) * 60 + int(found[3])
    return -minutes if found[1] == "-" else minutes


def _zone(at: datetime) -> str:
    minutes = _offset(at)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


def _offset(at: datetime) -> int:
    return round((at.utcoffset() or timedelta()).total_seconds() / 60)


def _iso8601(at: datetime) -> str:
    zone = _zone(at)
    return f"{at:%Y-%m-%dT%H:%M:%S}{'Z' if zone == '+0000' else f'{zone[:3]}:{zone[3:]}'}"


def _std11(at: datetime) -> str:
    return format_date(round((at - _EPOCH).total_seconds()) * 1_000_000, _offset(at))


PARTS: Final[Mapping[str, Callable[[datetime], str]]] = {
    "year": lambda at: f"{at.year:04}",
    "month": lambda at: f"{at.month:02}",
    "day": lambda at: f"{at.day:02}",
    "date": lambda at: f"{at.year:04}-{at.month:02}-{at.day:02}",
    "julian": lambda at: str((at.replace(tzinfo=UTC) - _EPOCH).days + _MJD_OF_EPOCH),
    "hour": lambda at: f"{at.hour:02}",
    "minute": lambda at: f"{at.minute:02}",
    "second": lambda at: f"{at.second:02}",
    "time": lambda at: f"{at.hour:02}:{at.minute:02}:{at.second:02}",
    "iso8601": _iso8601,
    "std11": _std11,
    "zone": _zone,
    "weekday": lambda at: str(at.isoweekday() % 7),
}
"""Date parts by name."""


def date_part(moment: int, offset: int, part: str) -> str | None:
    """A part of a moment, in µs UTC, in a zone of `offset` minutes; None if that is not in the years 1 to 9999."""
    try:
        at = (_EPOCH + timedelta(microseconds=moment)).astimezone(timezone(timedelta(minutes=offset)))
    except OverflowError:
        return None
    return PARTS[part](at)
