"""Zones of the IANA database as VTIMEZONE (RFC 5545 §3.6.5): the changes of a year, which repeat every year."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from moxlite.proto.cards.components import Component
from moxlite.proto.cards.contentline import Property
from moxlite.proto.cards.moments import DAYS, iana_zone, time_text


def zone_component(name: str, year: int) -> Component | None:
    """The definition of a zone, as it is from a year on; None for a name that the database has not."""
    zone = iana_zone(name)
    if zone is None:
        return None
    changes = _changes(zone, min(max(year, 1970), 2037))
    if not changes:
        offset = _offset(zone, datetime(max(year, 1970), 1, 1, tzinfo=UTC))
        parts = [_part("STANDARD", datetime(1970, 1, 1), offset, offset, "")]  # noqa: DTZ001 local
    else:
        parts = []
        for at in changes:
            before, after = _offset(zone, at - timedelta(seconds=1)), _offset(zone, at)
            local = (at + before).replace(tzinfo=None)
            kind = "DAYLIGHT" if at.astimezone(zone).dst() else "STANDARD"
            parts.append(_part(kind, local, before, after, _yearly(local) if len(changes) == 2 else ""))
    return Component("VTIMEZONE", [_line("TZID", name)], parts)


def _changes(zone: ZoneInfo, year: int) -> list[datetime]:
    """The moments of a year at which the offset changes, UTC."""
    found: list[datetime] = []
    day = datetime(year, 1, 1, tzinfo=UTC)
    while day.year == year:
        after = day + timedelta(days=1)
        if _offset(zone, day) != _offset(zone, after):
            low, high = day, after
            while high - low > timedelta(minutes=1):
                middle = low + timedelta(minutes=(high - low) // timedelta(minutes=2))
                low, high = (middle, high) if _offset(zone, middle) == _offset(zone, day) else (low, middle)
            found.append(high)
        day = after
    return found


def _yearly(local: datetime) -> str:
    last = local.day + 7 > monthrange(local.year, local.month)[1]
    week = -1 if last else (local.day - 1) // 7 + 1
    return f"FREQ=YEARLY;BYMONTH={local.month};BYDAY={week}{DAYS[local.weekday()]}"


def _part(kind: str, start: datetime, before: timedelta, after: timedelta, rule: str) -> Component:
    lines = [
        _line("DTSTART", time_text(start)),
        _line("TZOFFSETFROM", _text(before)),
        _line("TZOFFSETTO", _text(after)),
        *([_line("RRULE", rule)] if rule else []),
    ]
    return Component(kind, lines, [])


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


def _text(offset: timedelta) -> str:
    minutes = int(offset.total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


def _line(name: str, value: str) -> Property:
    return Property(name, {}, value, f"{name}:{value}")
