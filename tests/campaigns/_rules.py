"""Generated calendars with rules, for the campaign `rules`."""

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from moxlite.proto.cards.rules import EPOCH, Steps, TooMuchWork, local_seconds, read_rule, times_of

__all__ = ["Case", "generated"]

ZONES = (
    "Africa/Cairo",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/London",
    "Pacific/Auckland",
)
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
STRETCHES = {"YEARLY": 4400, "MONTHLY": 800, "WEEKLY": 300, "DAILY": 90, "HOURLY": 12, "MINUTELY": 2, "SECONDLY": 2}
"""Days of the stretch that is looked at, for interval 1."""

LONGEST = 15_000
"""Days of the longest stretch."""


@dataclass(frozen=True)
class Case:
    """A calendar with one entry, and the stretch whose instances are compared, in seconds; its first rule, and the
    local start of that, for libraries that know rules alone.
    """

    name: str
    text: str
    since: int
    until: int
    rule: str = ""
    start: datetime = EPOCH


class Start:
    """DTSTART, and how other times of the entry are written."""

    def __init__(self, chance: random.Random) -> None:
        year = chance.choice((chance.randint(1985, 2035), chance.randint(2025, 2027)))
        hour, minute = chance.choice((0, 1, 2, 3, chance.randint(0, 23))), chance.choice((0, 30, chance.randint(0, 59)))
        self.local = datetime(year, chance.randint(1, 12), chance.randint(1, 28), hour, minute)  # noqa: DTZ001
        kind = chance.choice(("date", "floating", "UTC", "zone", "zone", "zone"))
        self.whole = kind == "date"
        self.zone: tzinfo | None = None
        self.parameter = ""
        if self.whole:
            self.local, self.parameter = self.local.replace(hour=0, minute=0), ";VALUE=DATE"
        elif kind == "UTC":
            self.zone = UTC
        elif kind == "zone":
            name = chance.choice(ZONES)
            self.zone, self.parameter = ZoneInfo(name), f";TZID={name}"

    def written(self, moment: datetime) -> str:
        """A local time."""
        if self.whole:
            return f"{moment:%Y%m%d}"
        return f"{moment:%Y%m%dT%H%M%S}" + ("Z" if self.zone is UTC else "")

    def until(self, moment: datetime) -> str:
        """A local time as UNTIL has it: UTC for times with a zone (RFC 5545 §3.3.10)."""
        if self.zone is None or self.zone is UTC:
            return self.written(moment)
        return f"{moment.replace(tzinfo=self.zone).astimezone(UTC):%Y%m%dT%H%M%SZ}"


def numbers(chance: random.Random, own: int, least: int, most: int, *, negative: bool = False) -> str:
    """A list of a rule, mostly with the start's own number."""
    found = {chance.randint(least, most) for _ in range(chance.choice((0, 1, 1, 2, 4)))}
    if not found or chance.random() < 0.8:
        found.add(own)
    if negative and chance.random() < 0.4:
        found = {-number for number in found} if chance.random() < 0.5 else {*found, -1}
    return ",".join(map(str, sorted(found)))


def weekdays(chance: random.Random, start: datetime, ordinals: int, *, mixed: bool = False) -> str:
    """BYDAY. `ordinals`: the greatest number before a day, 0 for none; `mixed`: not before each."""
    days = {chance.choice(DAYS) for _ in range(chance.choice((0, 1, 2, 4)))}
    if not days or chance.random() < 0.8:
        days.add(DAYS[start.weekday()])
    words = sorted(days, key=DAYS.index)
    if ordinals and chance.random() < 0.6:
        numbered = (f"{chance.choice((1, 2, 3, -1, -2, chance.randint(1, ordinals)))}{day}" for day in words)
        words = [day if mixed and chance.random() < 0.2 else place for day, place in zip(words, numbered, strict=True)]
    return ",".join(words)


def lists(chance: random.Random, frequency: str, start: Start) -> dict[str, str]:
    """The lists that RFC 5545 allows with a frequency, some of them."""
    local, parts = start.local, dict[str, str]()
    day = chance.choice(("", "", "BYDAY", "BYDAY", "BYMONTHDAY", "both", "BYYEARDAY", "BYWEEKNO"))
    if frequency in ("YEARLY", "HOURLY", "MINUTELY") and day == "BYYEARDAY":
        parts["BYYEARDAY"] = numbers(chance, local.timetuple().tm_yday, 1, 366, negative=frequency == "YEARLY")
        return parts
    if frequency == "YEARLY" and day == "BYWEEKNO":
        parts |= {"BYWEEKNO": numbers(chance, local.isocalendar().week, 1, 53, negative=True)}
        parts["BYDAY"] = weekdays(chance, local, 0)
        return parts
    if chance.random() < 0.3 or (frequency == "YEARLY" and day in ("BYMONTHDAY", "both")):  # else of the start (DAV-9)
        parts["BYMONTH"] = numbers(chance, local.month, 1, 12)
    if day in ("BYDAY", "both"):
        most = {"YEARLY": 5 if "BYMONTH" in parts else 53, "MONTHLY": 5}.get(frequency, 0)
        parts["BYDAY"] = weekdays(
            chance,
            local,
            0 if day == "both" else most,
            mixed=frequency == "MONTHLY" or "BYMONTH" in parts,  # years of rrule-temporal have one kind of days
        )
    if day in ("BYMONTHDAY", "both") and frequency != "WEEKLY":
        parts["BYMONTHDAY"] = numbers(chance, local.day, 1, 31, negative=True)
    return parts


def times(chance: random.Random, frequency: str, local: datetime) -> dict[str, str]:
    """Lists of hours, minutes and seconds."""
    parts: dict[str, str] = {}
    if chance.random() < 0.25:
        parts["BYHOUR"] = numbers(chance, local.hour, 0, 23)
    if chance.random() < 0.15:
        parts["BYMINUTE"] = numbers(chance, local.minute, 0, 59)
    if frequency not in ("HOURLY", "MINUTELY", "SECONDLY") and chance.random() < 0.05:
        parts["BYSECOND"] = numbers(chance, local.second, 0, 59)
    return parts


def rule(chance: random.Random, start: Start) -> tuple[str, str, int]:
    """A rule without its end, its frequency and interval."""
    frequencies = ("YEARLY", "YEARLY", "MONTHLY", "MONTHLY", "MONTHLY", "WEEKLY", "WEEKLY", "DAILY", "DAILY")
    frequency = chance.choice(frequencies if start.whole else (*frequencies, "HOURLY", "MINUTELY", "SECONDLY"))
    interval = chance.choice((1, 1, 1, 2, 3, 4, 5, 12, 18))
    parts = {} if frequency in ("MINUTELY", "SECONDLY") else lists(chance, frequency, start)
    if not start.whole and frequency not in ("MINUTELY", "SECONDLY"):
        parts |= times(chance, frequency, start.local)
    if parts and chance.random() < 0.25:
        positions = ("1", "-1", "1,-1", "2", "3", "-2", "1,2,3", "-3,1")
        several = frequency != "HOURLY" and parts.keys() & {"BYDAY", "BYMONTHDAY", "BYYEARDAY"}
        parts["BYSETPOS"] = chance.choice(positions if several else positions[:3])
    if chance.random() < 0.3:
        parts["WKST"] = chance.choice(DAYS)
    if interval > 1 or chance.random() < 0.2:
        parts["INTERVAL"] = str(interval)
    words = [f"{name}={value}" for name, value in parts.items()]
    chance.shuffle(words)
    return ";".join((f"FREQ={frequency}", *words)), frequency, interval


def first_times(text: str, frequency: str, start: datetime) -> list[datetime]:
    """A few local times of a rule, looked for in the next years alone: hours are tried one by one."""
    first, years = local_seconds(start), 1 if frequency == "HOURLY" else 30
    try:
        times = times_of(read_rule(text, start, whole=False), first, first + years * 366 * 86_400, 40, Steps())
    except TooMuchWork:
        return []
    return [EPOCH + timedelta(seconds=time) for time in times]


def generated(number: int, chance: random.Random) -> Case:
    """An entry with one rule or two, an end, further dates, exceptions, and the stretch to look at."""
    start = Start(chance)
    text, frequency, interval = rule(chance, start)
    local = [time for time in first_times(text, frequency, start.local) if not start.whole or time.hour == 0]
    span = timedelta(days=min(LONGEST, STRETCHES[frequency] * interval))
    short = frequency in ("MINUTELY", "SECONDLY")
    end = "COUNT" if short else chance.choice(("", "COUNT", "UNTIL"))
    if end == "COUNT":
        text += f";COUNT={chance.choice((1, 2, 5, 10, 30))}"
    elif end == "UNTIL":
        text += f";UNTIL={start.until(chance.choice([*local, start.local + span * chance.random()]))}"
    lines = [f"DTSTART{start.parameter}:{start.written(start.local)}", length(chance, start), f"RRULE:{text}"]
    if chance.random() < 0.05:
        lines.append(f"RRULE:{rule_of_weeks(chance, start)}")
    named = nameable(start, local)
    gone = chance.sample(named, min(len(named), chance.randint(1, 4))) if chance.random() < 0.3 else []
    named = [moment for moment in named if moment not in gone]
    lines += dates(chance, start, gone)
    changed = [] if not named or chance.random() < 0.7 else exceptions(chance, start, named, lines[1])
    since = start.local.replace(tzinfo=UTC) - timedelta(days=40)
    if chance.random() < 0.2:
        since += span * chance.random() * 2
    case = Case(str(number), calendar(number, lines, changed), int(since.timestamp()), 0, text, start.local)
    return replace(case, until=case.since + int(span.total_seconds()) + 40 * 86_400)


def length(chance: random.Random, start: Start) -> str:
    """DTEND or DURATION."""
    if start.whole:
        days = chance.choice((1, 1, 2, 5))
        end = f"DTEND;VALUE=DATE:{start.written(start.local + timedelta(days=days))}"
        return chance.choice((end, f"DURATION:P{days}D"))
    minutes = chance.choice((0, 15, 60, 60, 90, 600, 1500))
    end = f"DTEND{start.parameter}:{start.written(start.local + timedelta(minutes=minutes))}"
    return chance.choice((end, f"DURATION:PT{minutes}M", "DURATION:P1D", "DURATION:P1W"))


def rule_of_weeks(chance: random.Random, start: Start) -> str:
    """A second rule, which gives the start: recurring-ical-events does not count one beside its rule."""
    return f"FREQ=WEEKLY;INTERVAL=2;BYDAY={DAYS[start.local.weekday()]};COUNT={chance.randint(2, 12)}"


def nameable(start: Start, local: list[datetime]) -> list[datetime]:
    """Times that EXDATE and RECURRENCE-ID may name: recurring-ical-events 3.8 takes for one of them an instance whose
    UTC is written as its local time, and the other way round.
    """
    if start.zone is None or start.zone is UTC:
        return local
    if len(local) > 1 and local[-1] - local[0] < timedelta(hours=len(local)):
        return []
    utc = {moment: moment.replace(tzinfo=start.zone).astimezone(UTC).replace(tzinfo=None) for moment in local}
    return [moment for moment in local if moment not in utc.values() and utc[moment] not in utc]


def dates(chance: random.Random, start: Start, gone: list[datetime]) -> list[str]:
    """RDATE and EXDATE."""
    lines: list[str] = []
    if chance.random() < 0.2:
        more = [start.local + timedelta(days=chance.randint(1, 300)) for _ in range(chance.randint(1, 4))]
        lines.append(f"RDATE{start.parameter}:{','.join(map(start.written, more))}")
    if gone:
        lines.append(f"EXDATE{start.parameter}:{','.join(map(start.written, gone))}")
    return lines


def exceptions(chance: random.Random, start: Start, local: list[datetime], own: str) -> list[list[str]]:
    """Components with RECURRENCE-ID: moved, longer, or this and all later ones, with DURATION as before."""
    parts: list[list[str]] = []
    future = ";RANGE=THISANDFUTURE" if chance.random() < 0.3 else ""
    for moment in sorted(chance.sample(local, 1 if future else min(len(local), chance.randint(1, 3)))):
        moved = moment + timedelta(hours=24 if start.whole else chance.choice((-3, 1, 24, 50)))
        end = f"DTEND{start.parameter}:{start.written(moved + timedelta(days=1 if start.whole else 0, hours=2))}"
        parts.append(
            [
                f"RECURRENCE-ID{start.parameter}{future}:{start.written(moment)}",
                f"DTSTART{start.parameter}:{start.written(moved)}",
                own if future and own.startswith("DURATION") else end,
            ]
        )
    return parts


def calendar(number: int, lines: list[str], changed: list[list[str]]) -> str:
    """The text."""
    parts = [
        ["BEGIN:VEVENT", f"UID:{number}", "DTSTAMP:20260101T000000Z", *inner, "SUMMARY:x", "END:VEVENT"]
        for inner in (lines, *changed)
    ]
    inner = [line for part in parts for line in part]
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//t//EN", *inner, "END:VCALENDAR", ""))
