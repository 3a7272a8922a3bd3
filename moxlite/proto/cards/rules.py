"""Recurrence rules (RFC 5545 §3.3.10): read into numbers, and their local times, for a rule knows no zone.

Theory of operation
-------------------
A rule goes from period to period of its frequency. A period has days, of which each list of the rule allows some: the
days are those that all lists allow, whether the RFC's table calls a list expanding or limiting. Each day has the same
times, which the lists of hours, minutes and seconds multiply; no more of that product is made than is asked for.
Frequencies below a day look for the days that the lists allow first, and go through the hours of these alone.

Each period and each time counts as a step, and a call's steps are limited. So the limit doesn't depend on a clock: a
rule that's accepted once is accepted on slow machines, too. Without COUNT a rule begins right before the stretch that
is asked for. RFC 8984 §4.3.3.1 says what a rule takes from its start.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec

from moxlite.proto.cards.moments import DAYS, value_of

EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 local times of rules have no zone
EPOCH_DAY: Final = EPOCH.toordinal()
LAST_DAY: Final = date.max.toordinal()

MAX_STEPS: Final = 300_000
"""Steps of a call: about 0.2 s. Rules of people take some thousands for three years."""

NUMBER: Final = re.compile("0{0,3}[1-9][0-9]{0,5}")
"""INTERVAL and COUNT: 1 to 999,999."""

LISTS: Final = {
    "BYSECOND": (0, 60),
    "BYMINUTE": (0, 59),
    "BYHOUR": (0, 23),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYMONTH": (1, 12),
    "BYSETPOS": (-366, 366),
}
"""Least and greatest number of each list; those with negative numbers have no 0."""

UNITS: Final = {"SECONDLY": 1, "MINUTELY": 60, "HOURLY": 3600, "DAILY": 86_400, "WEEKLY": 7 * 86_400}
"""Seconds of the frequencies whose periods have all the same."""

FREQUENCIES: Final = frozenset({*UNITS, "MONTHLY", "YEARLY"})
NONE: Final = frozenset[int]()
WEEKDAY: Final = re.compile(r"([+-]?(?:[1-9]|[1-4][0-9]|5[0-3]))?(MO|TU|WE|TH|FR|SA|SU)")

OLD_KIND: Final = re.compile("(D|W|MP|MD|YM|YD)([1-9][0-9]{0,3})")
OLD_KINDS: Final = {
    "D": ("DAILY", ""),
    "W": ("WEEKLY", "BYDAY"),
    "MP": ("MONTHLY", "BYDAY"),
    "MD": ("MONTHLY", "BYMONTHDAY"),
    "YM": ("YEARLY", "BYMONTH"),
    "YD": ("YEARLY", "BYYEARDAY"),
}
OLD_PLACE: Final = re.compile("[1-5][+-]?")
OLD_NUMBER: Final = re.compile("LD|[1-9][0-9]{0,2}[+-]?")
OLD_TIME: Final = re.compile(r"[0-9]{4}\$?")
MAX_OLD_WORDS: Final = 100
"""Words of rules of vCalendar 1.0, and the frequencies and lists that they stand for."""

Weekdays = frozenset[tuple[int, int]]
"""Places in a month or year, 0 for all, and weekdays, 0 for Monday."""


class BadRecurrence(ValueError):
    """An invalid or unsupported rule. The message says why, for people."""


class TooMuchWork(Exception):
    """The times of a rule take more steps than are left."""


class Steps:
    """The steps that are left of a call."""

    def __init__(self, left: int = MAX_STEPS) -> None:
        self.left = left

    def take(self, number: int = 1) -> None:
        """Take steps. Raises TooMuchWork."""
        self.left -= number
        if self.left < 0:
            raise TooMuchWork


class Rule(msgspec.Struct, frozen=True):
    """A rule with what its start adds.

    Attributes:
      start, until: local seconds since 1970; `until`: of the last time that may be.
      week_start: 0 for Monday.
      hours, minutes, seconds: of each day; without those that the frequency has one of in a period.
    """

    frequency: str
    interval: int
    start: int
    count: int | None
    until: int | None
    week_start: int
    months: frozenset[int]
    weeks: frozenset[int]
    year_days: frozenset[int]
    month_days: frozenset[int]
    weekdays: Weekdays
    hours: tuple[int, ...]
    minutes: tuple[int, ...]
    seconds: tuple[int, ...]
    positions: frozenset[int]


# reading


def read_rule(text: str, start: datetime, *, whole: bool) -> Rule:
    """Read a rule. `start`: of its component, in the zone of that; `whole`: a date. Raises BadRecurrence."""
    parts = _parts(text)
    frequency = parts["FREQ"]
    if whole:  # lists of times have no meaning for dates
        if UNITS.get(frequency, 86_400) < 86_400:
            raise BadRecurrence("a rule that repeats hourly or more often needs a start time")
        for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
            parts.pop(name, None)
    lists = {name: _numbers(name, parts[name]) if name in parts else NONE for name in LISTS}
    weekdays = _weekdays(parts["BYDAY"]) if "BYDAY" in parts else frozenset()
    if lists["BYWEEKNO"] and frequency != "YEARLY":
        raise BadRecurrence("BYWEEKNO is only supported for yearly rules")
    own = not weekdays and not any(lists.values())
    interval, count, until = int(parts.get("INTERVAL", "1")), None, _until(parts, start)
    first = local_seconds(start)
    if "COUNT" in parts:
        count = int(parts["COUNT"])
        if own and frequency in UNITS:  # each period has one time, so the last one is known
            last = first + (count - 1) * interval * UNITS[frequency]
            until, count = last if until is None else min(until, last), None
    unit = UNITS.get(frequency, 86_400)
    return Rule(
        *(frequency, interval, first, count, until, DAYS.index(parts.get("WKST", "MO"))),
        *_days_of_start(frequency, lists, weekdays, start),
        hours=tuple(sorted(lists["BYHOUR"])) or ((start.hour,) if unit > 3600 else ()),
        minutes=tuple(sorted(lists["BYMINUTE"])) or ((start.minute,) if unit > 60 else ()),
        # a second that clocks without leap seconds do not show is the one before (RFC 5545 §3.3.12)
        seconds=tuple(sorted({min(second, 59) for second in lists["BYSECOND"]}))
        or ((start.second,) if unit > 1 else ()),
        positions=lists["BYSETPOS"],
    )


def modern_rule(text: str) -> str | None:
    """A rule of vCalendar 1.0 (``MP1 1+ MO #5``, versit 1996, Recurrence Rules) as RRULE has it; None for another text
    and for a rule within another one.

    Times of the day are left out: an event has the time of its start.
    """
    first, *words = text.upper().split()[:MAX_OLD_WORDS] or [""]
    kind = OLD_KIND.fullmatch(first)
    if kind is None:
        return None
    frequency, name = OLD_KINDS[kind[1]]
    values: list[str] = []
    end, place = "COUNT=2", ""  # the default
    for word in words:
        if word[:1] == "#" and word[1:].isdecimal():
            end = f"COUNT={int(word[1:9])}" if int(word[1:9]) else ""
        elif value_of(word) is not None:
            end = f"UNTIL={word}"
        elif word in DAYS and name == "BYDAY":
            values.append(place + word)
        elif OLD_PLACE.fullmatch(word) and name == "BYDAY":
            place = ("-" if word.endswith("-") else "") + word[0]
        elif OLD_NUMBER.fullmatch(word) and name in ("BYMONTHDAY", "BYYEARDAY", "BYMONTH"):
            values.append("-1" if word == "LD" else ("-" if word.endswith("-") else "") + word.rstrip("+-"))
        elif not OLD_TIME.fullmatch(word):
            return None
    lists = f"{name}={','.join(values)}" if values else ""
    return ";".join(filter(None, (f"FREQ={frequency}", f"INTERVAL={kind[2]}", lists, end)))


def _parts(text: str) -> dict[str, str]:
    """The parts of a rule by name."""
    parts: dict[str, str] = {}
    for part in text.strip().upper().rstrip(";").split(";"):
        name, mark, value = part.partition("=")
        if not mark or name in parts:
            raise BadRecurrence("invalid rule")
        parts[name] = value
    # RFC 7529: what a rule without them means may be said
    if parts.pop("RSCALE", "GREGORIAN") != "GREGORIAN" or parts.pop("SKIP", "OMIT") != "OMIT":
        raise BadRecurrence("only RSCALE=GREGORIAN and SKIP=OMIT are supported")
    if parts.get("FREQ") not in FREQUENCIES:
        raise BadRecurrence("a rule must include FREQ")
    for name in ("INTERVAL", "COUNT"):
        value = parts.get(name, "1")
        if NUMBER.fullmatch(value) is None:
            raise BadRecurrence(f"{name} must be a number between 1 and 999,999")
    if parts.get("WKST", "MO") not in DAYS:
        raise BadRecurrence("WKST must be a weekday")
    if not parts.keys() <= {*LISTS, "FREQ", "INTERVAL", "COUNT", "WKST", "UNTIL", "BYDAY"}:
        raise BadRecurrence("rule includes a part that RFC 5545 doesn't define")
    return parts


def _numbers(name: str, text: str) -> frozenset[int]:
    """The numbers of a list."""
    least, most = LISTS[name]
    numbers: set[int] = set()
    for word in text.split(","):
        digits = word.lstrip("+-")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 4 and len(word) - len(digits) < 2):
            raise BadRecurrence(f"{name} is invalid")
        if not least <= int(word) <= most or (least < 0 and int(word) == 0):
            raise BadRecurrence(f"{name} must be between {least} and {most}")
        numbers.add(int(word))
    return frozenset(numbers)


def _weekdays(text: str) -> Weekdays:
    weekdays: set[tuple[int, int]] = set()
    for word in text.split(","):
        match = WEEKDAY.fullmatch(word)
        if match is None:
            raise BadRecurrence("invalid BYDAY")
        weekdays.add((int(match[1] or 0), DAYS.index(match[2])))
    return frozenset(weekdays)


def _until(parts: dict[str, str], start: datetime) -> int | None:
    """UNTIL in the local time of the start; a date is all of its day."""
    if "UNTIL" not in parts:
        return None
    until = value_of(parts["UNTIL"])
    if until is None:
        raise BadRecurrence("invalid UNTIL")
    if "T" not in parts["UNTIL"]:
        return local_seconds(until) + 86_399
    try:
        return local_seconds(until if until.tzinfo is None else until.astimezone(start.tzinfo or UTC))
    except OverflowError:
        raise BadRecurrence("invalid UNTIL") from None


def _days_of_start(
    frequency: str, lists: dict[str, frozenset[int]], weekdays: Weekdays, start: datetime
) -> tuple[frozenset[int], frozenset[int], frozenset[int], frozenset[int], Weekdays]:
    """Months, weeks, days of the year and the month, and weekdays of a rule; where it has none, the start's."""
    names = ("BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY")
    months, weeks, year_days, month_days = (lists[name] for name in names)
    if frequency == "YEARLY" and not year_days:
        if not months and not weeks and (month_days or not weekdays):
            months = frozenset({start.month})
        if not month_days and not weekdays and weeks:
            weekdays = frozenset({(0, start.weekday())})
        elif not month_days and not weekdays:
            month_days = frozenset({start.day})
    elif frequency == "MONTHLY" and not month_days and not weekdays and not year_days:
        month_days = frozenset({start.day})
    elif frequency == "WEEKLY" and not weekdays:
        weekdays = frozenset({(0, start.weekday())})
    # places of days are in months or years; programs write them with weeks, too
    if frequency not in ("MONTHLY", "YEARLY") or weeks:
        weekdays = frozenset((0, weekday) for _, weekday in weekdays)
    return months, weeks, year_days, month_days, weekdays


def local_seconds(moment: datetime) -> int:
    """Seconds of a local time, as if it were UTC."""
    return int((moment.replace(tzinfo=None) - EPOCH) / timedelta(seconds=1))


# times


def times_of(rule: Rule, since: int, until: int, limit: int, steps: Steps) -> list[int]:
    """The times of a rule in a stretch of local seconds, its end excluded, the first `limit`. The start is one, also
    where the rule does not give it, and the first of COUNT. Raises TooMuchWork.
    """
    end = until if rule.until is None else min(until, rule.until + 1)
    times = [rule.start] if since <= rule.start < until else []
    left = -1 if rule.count is None else rule.count - 1
    begin = rule.start if rule.count is not None else max(since, rule.start)
    for time in _series(rule, begin, end, steps):
        if time >= end or len(times) >= limit or left == 0:
            break
        if time > rule.start:
            left -= 1
            if time >= since:
                times.append(time)
    return times[:limit]


def _series(rule: Rule, since: int, until: int, steps: Steps) -> Iterator[int]:
    """The times of the rule in all periods from the one before `since` to that of `until`, ascending."""
    first = EPOCH_DAY + since // 86_400
    last = min(EPOCH_DAY + until // 86_400, LAST_DAY)
    match rule.frequency:
        case "YEARLY":
            return _timed(rule, _years(rule, first, last, steps), steps)
        case "MONTHLY":
            return _timed(rule, _months(rule, first, last, steps), steps)
        case "WEEKLY":
            return _timed(rule, _weeks(rule, first, last, steps), steps)
        case "DAILY":
            return _timed(rule, _days(rule, first, last, steps), steps)
    return _clocked(rule, since, last, steps)


def _timed(rule: Rule, periods: Iterator[Sequence[int]], steps: Steps) -> Iterator[int]:
    """The times of periods of days."""
    for days in periods:
        yield from _placed(rule, [(day - EPOCH_DAY) * 86_400 for day in days], steps)


def _placed(rule: Rule, bases: Sequence[int], steps: Steps) -> Iterator[int]:
    """Yield a period's times, for each of these base seconds. BYSETPOS selects from all of them, in order."""
    unit = UNITS.get(rule.frequency, 86_400)
    hours = rule.hours if unit > 3600 else (0,)
    minutes = rule.minutes if unit > 60 else (0,)
    seconds = rule.seconds if unit > 1 else (0,)
    number = len(hours) * len(minutes) * len(seconds)
    if number == 1 and not rule.positions:  # most rules
        steps.take(len(bases))
        time = hours[0] * 3600 + minutes[0] * 60 + seconds[0]
        yield from [base + time for base in bases]
        return
    places: Sequence[int] = range(len(bases) * number)
    if rule.positions:
        steps.take(len(rule.positions))
        chosen = {place - 1 if place > 0 else len(places) + place for place in rule.positions}
        places = sorted(place for place in chosen if 0 <= place < len(places))
    for place in places:
        steps.take()
        day, time = divmod(place, number)
        hour, time = divmod(time, len(minutes) * len(seconds))
        minute, second = divmod(time, len(seconds))
        yield bases[day] + hours[hour] * 3600 + minutes[minute] * 60 + seconds[second]


def _years(rule: Rule, first: int, last: int, steps: Steps) -> Iterator[Sequence[int]]:
    own, since, until = (date.fromordinal(day).year for day in (EPOCH_DAY + rule.start // 86_400, first, last))
    if rule.weeks:  # which begin before their year, or end after it
        since, until = since - 1, min(until + 1, date.max.year - 1)
    begin = max(0, since - own) // rule.interval
    for year in range(own + begin * rule.interval, until + 1, rule.interval):
        if rule.weeks:
            days = _days_of_weeks(rule, year)
            steps.take(1 + len(days))
            yield [day for day in days if _is_allowed(rule, day)]
            continue
        lists = [*_lists_of_year(rule, year)]
        steps.take(1 + sum(map(len, lists)))
        days = sorted(set(lists[0]).intersection(*lists[1:]))
        yield [day for day in days if not rule.months or date.fromordinal(day).month in rule.months]


def _days_of_weeks(rule: Rule, year: int) -> list[int]:
    """The days of the weeks of a year that BYWEEKNO names."""
    first, after = (_first_week(rule, at) for at in (year, year + 1))
    number = (after - first) // 7
    weeks = {week - 1 if week > 0 else number + week for week in rule.weeks}
    return [first + 7 * week + day for week in sorted(weeks) if 0 <= week < number for day in range(7)]


def _first_week(rule: Rule, year: int) -> int:
    """The first day of the first week of a year: that with at least four days of it."""
    fourth = date(year, 1, 4)
    return fourth.toordinal() - (fourth.weekday() - rule.week_start) % 7


def _lists_of_year(rule: Rule, year: int) -> Iterator[Sequence[int]]:
    """The days of a year that each list allows."""
    begin, end = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1
    months = [_bounds(year, month) for month in rule.months or range(1, 13)]
    if rule.year_days:
        yield _numbered(rule.year_days, begin, end)
    if rule.month_days:
        yield [day for bounds in months for day in _numbered(rule.month_days, *bounds)]
    if rule.weekdays:
        yield [day for bounds in (months if rule.months else [(begin, end)]) for day in _named(rule.weekdays, *bounds)]


def _months(rule: Rule, first: int, last: int, steps: Steps) -> Iterator[Sequence[int]]:
    own, since, until = (
        at.year * 12 + at.month - 1 for at in map(date.fromordinal, (EPOCH_DAY + rule.start // 86_400, first, last))
    )
    begin = max(0, since - own) // rule.interval
    for month in range(own + begin * rule.interval, until + 1, rule.interval):
        steps.take()
        if rule.months and month % 12 + 1 not in rule.months:
            continue
        bounds = _bounds(month // 12, month % 12 + 1)
        lists: list[Sequence[int]] = []
        if rule.month_days:
            lists.append(_numbered(rule.month_days, *bounds))
        if rule.weekdays:
            lists.append(_named(rule.weekdays, *bounds))
        days = set(range(*bounds)).intersection(*lists)
        steps.take(len(days) + sum(map(len, lists)))
        yield sorted(day for day in days if not rule.year_days or _is_of_year(rule, day))


def _weeks(rule: Rule, first: int, last: int, steps: Steps) -> Iterator[Sequence[int]]:
    own = EPOCH_DAY + rule.start // 86_400
    own -= (date.fromordinal(own).weekday() - rule.week_start) % 7
    begin = max(0, first - own) // (7 * rule.interval)
    offsets = sorted((weekday - rule.week_start) % 7 for _, weekday in rule.weekdays)
    for monday in range(own + begin * 7 * rule.interval, last + 1, 7 * rule.interval):
        steps.take(1 + len(offsets))
        week = [monday + offset for offset in offsets if 0 < monday + offset <= LAST_DAY]
        yield [day for day in week if _is_allowed(rule, day)]


def _days(rule: Rule, first: int, last: int, steps: Steps) -> Iterator[Sequence[int]]:
    own = EPOCH_DAY + rule.start // 86_400
    begin = max(0, first - own) // rule.interval
    for day in range(own + begin * rule.interval, last + 1, rule.interval):
        steps.take()
        if _is_allowed(rule, day):
            yield (day,)


def _clocked(rule: Rule, since: int, last: int, steps: Steps) -> Iterator[int]:
    """The times of hours, minutes or seconds."""
    unit = UNITS[rule.frequency]
    stride, own = unit * rule.interval, rule.start - rule.start % unit
    base = own + max(0, since - own) // stride * stride
    end = (last + 1 - EPOCH_DAY) * 86_400
    while base < end:
        steps.take()
        again = _refused_until(rule, unit, base)
        if again is None:
            yield from _placed(rule, (base,), steps)
            again = base + 1
        base += max(1, -((base - again) // stride)) * stride


def _refused_until(rule: Rule, unit: int, base: int) -> int | None:
    """The second up to which the lists allow nothing; None where they allow the period."""
    time = base % 86_400
    if not _is_allowed(rule, EPOCH_DAY + base // 86_400):
        return base - time + 86_400
    if rule.hours and time // 3600 not in rule.hours:
        return base - time % 3600 + 3600
    if unit < 3600 and rule.minutes and time // 60 % 60 not in rule.minutes:
        return base - time % 60 + 60
    if unit == 1 and rule.seconds and time % 60 not in rule.seconds:
        return base + 1
    return None


def _is_allowed(rule: Rule, day: int) -> bool:
    """Whether the lists of months, days and weekdays without places allow a day."""
    if not (rule.months or rule.month_days or rule.year_days or rule.weekdays):
        return True
    at = date.fromordinal(day)
    if (rule.months and at.month not in rule.months) or (rule.weekdays and (0, at.weekday()) not in rule.weekdays):
        return False
    if rule.month_days:
        length = monthrange(at.year, at.month)[1]
        if at.day not in rule.month_days and at.day - length - 1 not in rule.month_days:
            return False
    return not rule.year_days or _is_of_year(rule, day)


def _is_of_year(rule: Rule, day: int) -> bool:
    year = date.fromordinal(day).year
    begin, end = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1
    return day - begin + 1 in rule.year_days or day - end in rule.year_days


def _bounds(year: int, month: int) -> tuple[int, int]:
    """The first day of a month, and that after its last."""
    first = date(year, month, 1).toordinal()
    return first, first + monthrange(year, month)[1]


def _numbered(numbers: Iterable[int], begin: int, end: int) -> list[int]:
    """The days with these numbers in a stretch of days."""
    days = (begin + number - 1 if number > 0 else end + number for number in numbers)
    return [day for day in days if begin <= day < end]


def day_of_month(year: int, month: int, place: int, weekday: int) -> date:
    """The first to fourth or (-1) last such weekday of a month, 0 for Monday."""
    [day] = _named(frozenset({(place, weekday)}), *_bounds(year, month))
    return date.fromordinal(day)


def _named(weekdays: Weekdays, begin: int, end: int) -> list[int]:
    """The weekdays of a stretch, or those at their places in it."""
    days: list[int] = []
    for place, weekday in weekdays:
        first = begin + (weekday - date.fromordinal(begin).weekday()) % 7
        every = range(first, end, 7)
        if not place:
            days += every
        elif -len(every) <= place <= len(every):
            days.append(every[place - 1 if place > 0 else place])
    return days
