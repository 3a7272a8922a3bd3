"""Rules of calendars: which are taken, and the instances that they give with further dates and exceptions."""

import random
import re
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.cards.calendarobject import BadObject, CalendarObject, object_of, read_object
from moxlite.proto.cards.contentline import Property, property_of
from moxlite.proto.cards.editing import one_removed
from moxlite.proto.cards.filezones import name_of
from moxlite.proto.cards.jscalendar import event_of
from moxlite.proto.cards.moments import (
    DAY,
    duration_of,
    iana_zone,
    in_series_form,
    is_date,
    period_of,
    time_text,
    utc_text,
)
from moxlite.proto.cards.repeating import joined, rules_of
from moxlite.proto.cards.rules import BadRecurrence, Steps, TooMuchWork, modern_rule, read_rule, times_of

FAR = 1 << 32
NUMBERS = ",".join(map(str, range(60)))


def entry(*lines: str, more: str = "") -> CalendarObject:
    text = "\r\n".join(
        ("BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", "UID:1", *lines, "END:VEVENT", *filter(None, (more,)))
    )
    return read_object(f"{text}\r\nEND:VCALENDAR\r\n".encode())


def starts(found: CalendarObject, stretch: tuple[int, int] = (0, FAR), limit: int = 10) -> list[str]:
    rules = rules_of(found.main, found.zones)
    times = [time for rule in rules for time in times_of(rule, *stretch, limit, Steps())]
    return [utc_text(one.starts) for one in joined(found.parts, found.zones, times, stretch)]


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_times_at_the_ends_of_all_years_break_no_series(zone: str) -> None:
    """DAV-9: of which there is no local time in the zone of the series."""
    lines = (f"DTSTART;TZID={zone}:20261018T090000", "RDATE:00010101T000000Z,99991231T235959Z")
    later = f"DTSTART;TZID={zone}:20261018T100000\r\nEND:VEVENT"
    more = "".join(
        f"\r\nBEGIN:VEVENT\r\nUID:1\r\nRECURRENCE-ID;RANGE=THISANDFUTURE:{date}\r\n{later}"
        for date in ("99991231T235959Z", "00010101T000000Z")
    )
    for found in (entry(*lines), entry(*lines, more=more.strip())):
        assert 1 <= len(joined(found.parts, found.zones, [], (-(1 << 40), 1 << 40))) <= 3


def test_local_time_stays_over_the_change_of_the_clocks() -> None:
    """DAV-9"""
    found = entry("DTSTART;TZID=Europe/Berlin:20261018T090000", "RRULE:FREQ=WEEKLY;COUNT=3")
    assert starts(found) == ["20261018T070000Z", "20261025T080000Z", "20261101T080000Z"]


def test_a_zone_that_nobody_knows_is_as_the_file_says() -> None:
    """DAV-8"""
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:Mars\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0300\r\n"
        "TZOFFSETTO:+0300\r\nEND:STANDARD\r\nEND:VTIMEZONE"
    )
    found = entry("DTSTART;TZID=Mars:20261018T090000", "RRULE:FREQ=DAILY;COUNT=2", more=zone)
    assert starts(found) == ["20261018T060000Z", "20261019T060000Z"]


def own_zone(north: bool = True) -> str:
    """A zone with the clocks of Berlin, or of Adelaide, and parts of before, as Outlook and others write it."""
    before = ("STANDARD", "18930401T000000", "+0530", "")
    parts = (
        (
            before,
            ("STANDARD", "16010101T030000", "+0100", "-1SU;BYMONTH=10"),
            ("DAYLIGHT", "16010101T020000", "+0200", "-1SU;BYMONTH=3"),
        )
        if north
        else (
            before,
            ("DAYLIGHT", "20081005T020000", "+1030", "1SU;BYMONTH=10"),
            ("STANDARD", "20080406T030000", "+0930", "1SU;BYMONTH=4"),
        )
    )
    inner = "".join(
        f"BEGIN:{kind}\r\nDTSTART:{start}\r\nTZOFFSETFROM:+0000\r\nTZOFFSETTO:{offset}\r\n"
        + (f"RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY={rule}\r\n" if rule else "")
        + f"END:{kind}\r\n"
        for kind, start, offset, rule in parts
    )
    return f"BEGIN:VTIMEZONE\r\nTZID:Customized Time Zone\r\n{inner}END:VTIMEZONE"


@pytest.mark.parametrize(("north", "like"), [(True, "Europe/Berlin"), (False, "Australia/Adelaide")])
def test_a_zone_of_a_file_has_its_summer(north: bool, like: str) -> None:
    """DAV-8: each hour of two years, there and back, is the one of the zone with the same clocks."""
    zone = entry("DTSTART:20261018T090000Z", more=own_zone(north)).zones["Customized Time Zone"]
    for hour in range(2 * 366 * 24):
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
        local, usual = moment.astimezone(zone), moment.astimezone(ZoneInfo(like))
        assert (local.replace(tzinfo=None), local.fold) == (usual.replace(tzinfo=None), usual.fold)
        assert local.astimezone(UTC) == moment
        named = (datetime(2026, 1, 1) + timedelta(hours=hour)).replace(tzinfo=zone)  # noqa: DTZ001 local
        assert named.utcoffset() == named.replace(tzinfo=ZoneInfo(like)).utcoffset()


def test_a_series_keeps_its_hour_by_the_clocks_of_a_file() -> None:
    """DAV-8: not an hour off in summer."""
    lines = ("DTSTART;TZID=Customized Time Zone:20261018T090000", "RRULE:FREQ=WEEKLY;COUNT=2")
    assert starts(entry(*lines, more=own_zone())) == ["20261018T070000Z", "20261025T080000Z"]


def part_of_zone(kind: str, start: str, offsets: str, *lines: str) -> str:
    """A part of a VTIMEZONE. `offsets`: before and after."""
    before, after = offsets.split()
    inner = (f"DTSTART:{start}", f"TZOFFSETFROM:{before}", f"TZOFFSETTO:{after}", *lines)
    return "\r\n".join((f"BEGIN:{kind}", *inner, f"END:{kind}"))


def rdates(year: int, until: int) -> tuple[str, str]:
    """The changes of Berlin in some years, by RDATE."""
    changes: dict[int, list[str]] = {3: [], 10: []}
    for one in range(year, until):
        for month, hour in ((3, "02"), (10, "03")):
            day = 31 - datetime(one, month, 31).isoweekday() % 7  # noqa: DTZ001 local
            changes[month].append(f"{one}{month:02}{day}T{hour}0000")
    return ",".join(changes[3]), ",".join(changes[10])


ZONES = {
    "Notes": (
        "Europe/Berlin",
        part_of_zone(
            "STANDARD",
            "19501029T020000",
            "+0200 +0100",
            "RRULE:FREQ=YEARLY;BYMINUTE=0;BYHOUR=3;BYDAY=-1SU;BYMONTH=10",
        ),
        part_of_zone(
            "DAYLIGHT",
            "19500326T020000",
            "+0100 +0200",
            "RRULE:FREQ=YEARLY;BYMINUTE=0;BYHOUR=2;BYDAY=-1SU;BYMONTH=3",
        ),
    ),
    "vzic": (
        "Europe/Berlin",
        part_of_zone(
            "STANDARD",
            "19961027T030000",
            "+0200 +0100",
            "RRULE:FREQ=YEARLY;BYMONTH=10;BYMONTHDAY=25,26,27,28,29,30,31;BYDAY=SU",
        ),
        part_of_zone(
            "DAYLIGHT",
            "19810329T020000",
            "+0100 +0200",
            "RRULE:FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=25,26,27,28,29,30,31;BYDAY=SU",
        ),
    ),
    "dates": (
        "Europe/Berlin",
        part_of_zone("DAYLIGHT", "19970330T020000", "+0100 +0200", f"RDATE:{rdates(1998, 2045)[0]}"),
        part_of_zone("STANDARD", "19971026T030000", "+0200 +0100", f"RDATE:{rdates(1998, 2045)[1]}"),
    ),
    "two rules, one with an end": (
        "America/New_York",
        part_of_zone(
            "DAYLIGHT",
            "19870405T020000",
            "-0500 -0400",
            "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20060402T070000Z",
        ),
        part_of_zone(
            "STANDARD",
            "19871025T020000",
            "-0400 -0500",
            "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20061029T060000Z",
        ),
        part_of_zone("DAYLIGHT", "20070311T020000", "-0500 -0400", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU"),
        part_of_zone("STANDARD", "20071104T020000", "-0400 -0500", "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU"),
    ),
    "the south": (
        "Australia/Lord_Howe",
        part_of_zone("DAYLIGHT", "20081005T020000", "+1030 +1100", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=1SU"),
        part_of_zone("STANDARD", "20080406T020000", "+1100 +1030", "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU"),
    ),
    "clocks that no longer change": (
        "America/Sao_Paulo",
        part_of_zone("DAYLIGHT", "20171015T000000", "-0300 -0200"),
        part_of_zone("STANDARD", "20180218T000000", "-0200 -0300"),
        part_of_zone("DAYLIGHT", "20181104T000000", "-0300 -0200"),
        part_of_zone("STANDARD", "20190217T000000", "-0200 -0300"),
    ),
}


@pytest.mark.parametrize("kind", ZONES)
def test_a_zone_by_its_rules_is_the_one_of_the_database_at_a_thousand_moments(kind: str) -> None:
    """DAV-8: RFC 5545 §3.6.5, of all programs' forms; near the changes of the clocks, too, there and back."""
    like, *parts = ZONES[kind]
    text = "\r\n".join(("BEGIN:VTIMEZONE", 'TZID:Own\\, of all; "places"', *parts, "END:VTIMEZONE"))
    [zone] = entry("DTSTART:20261018T090000Z", more=text).zones.values()
    usual, chance = ZoneInfo(like), random.Random(61)
    first, last = (datetime(year, 6, 1, tzinfo=UTC) for year in (2018 if "no longer" in kind else 2008, 2037))
    moments = [first + (last - first) * chance.random() for _ in range(1000)]
    for year in range(first.year + 1, last.year):
        days = (datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(365))
        for day in (
            day for day in days if day.astimezone(usual).utcoffset() != (day + DAY).astimezone(usual).utcoffset()
        ):
            moments += [day + timedelta(minutes=15 * quarter) for quarter in range(96)]
    for moment in moments:
        local, other = moment.astimezone(zone), moment.astimezone(usual)
        assert (local.replace(tzinfo=None), local.fold) == (other.replace(tzinfo=None), other.fold)
        assert local.astimezone(UTC) == moment
        named = moment.replace(tzinfo=zone)
        assert named.utcoffset() == moment.replace(tzinfo=usual).utcoffset()
    assert name_of(zone, 2026) == ("America/Buenos_Aires" if "no longer" in kind else like)


@pytest.mark.parametrize(
    ("defined", "named"),
    [
        (r"Oslo\, Bergen", '"Oslo, Bergen"'),
        (r"Oslo\, Bergen", r"Oslo\, Bergen"),
        ("Oslo, Bergen", r'"Oslo\, Bergen"'),
        (r"(UTC+01:00) Oslo\; Bergen", '"(UTC+01:00) Oslo; Bergen"'),
        ('"Oslo"', "Oslo"),
    ],
)
def test_names_of_zones_are_texts(defined: str, named: str) -> None:
    """DAV-8: RFC 5545 §3.8.3.1, §3.3.11: escaped here or there, and quoted."""
    zone = own_zone().replace("Customized Time Zone", defined)
    assert starts(entry(f"DTSTART;TZID={named}:20261018T090000", more=zone)) == ["20261018T070000Z"]


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "070000"),
        ("(UTC+07:00) Bangkok, Hanoi, Jakarta", "020000"),
        ("(GMT-05:00) Eastern Time (US & Canada)", "130000"),
        ("Pacific Time (US & Canada), Tijuana", "160000"),
        ("(UTC+02:00) Helsinki, Kyiv, Riga, Sofia, Tallinn, Vilnius", "060000"),
    ],
)
def test_a_zone_that_a_file_does_not_define_is_the_one_that_windows_describes(name: str, moment: str) -> None:
    """DAV-8"""
    assert starts(entry(f'DTSTART;TZID="{name}":20261018T090000')) == [f"20261018T{moment}Z"]


def test_an_abbreviation_means_the_zone_of_its_file() -> None:
    """DAV-8: EST of the database has no summer; a name of a place is the database's, whatever the file says."""
    for name, moment in (("EST", "070000"), ("America/New_York", "130000")):
        zone = own_zone().replace("Customized Time Zone", name)
        assert starts(entry(f"DTSTART;TZID={name}:20261018T090000", more=zone)) == [f"20261018T{moment}Z"]


def test_zones_of_hostile_files_take_bounded_work() -> None:
    """DAV-8: the steps of all zones of a file are limited, in whatever years its times are."""
    costly = (
        part_of_zone("STANDARD", "00010101T000000", "+0000 +0100", "RRULE:FREQ=DAILY;BYHOUR=1,2,3,4;COUNT=999999"),
        *(part_of_zone("DAYLIGHT", "16010101T000000", "+0100 +0200", "RRULE:FREQ=SECONDLY") for _ in range(20)),
    )
    zones = "\r\n".join(
        "\r\n".join(("BEGIN:VTIMEZONE", f"TZID:Z{number}", *costly, "END:VTIMEZONE")) for number in range(100)
    )
    found = entry("DTSTART:20261018T090000Z", more=zones)
    began = time.process_time()
    for zone in found.zones.values():
        for year in range(1, 9999, 100):
            datetime(year, 7, 1, tzinfo=UTC).astimezone(zone)
    assert len(found.zones) == 100
    assert time.process_time() - began < 3


@pytest.mark.parametrize(("name", "zone"), [("Alaskan", "America/Anchorage"), ("Cen. Australia", "Australia/Adelaide")])
def test_names_of_windows_are_known(name: str, zone: str) -> None:
    """DAV-8"""
    assert iana_zone(f"{name} Standard Time") is iana_zone(zone)


def test_an_end_in_utc_or_as_a_day_includes_its_last_event() -> None:
    """DAV-9"""
    start = "DTSTART;TZID=America/New_York:20261101T200000"
    for until in ("20261104T010000Z", "20261103"):
        assert len(starts(entry(start, f"RRULE:FREQ=DAILY;UNTIL={until}"))) == 3


def test_dates_are_added_and_taken_out() -> None:
    """DAV-9: RDATE, periods, EXDATE of times and of whole days."""
    found = entry(
        "DTSTART:20261101T100000Z",
        "RRULE:FREQ=DAILY;COUNT=4",
        "RDATE:20261120T100000Z",
        "RDATE;VALUE=PERIOD:20261121T100000Z/PT3H",
        "EXDATE:20261102T100000Z",
        "EXDATE;VALUE=DATE:20261103",
    )
    assert [one[6:8] for one in starts(found)] == ["01", "04", "20", "21"]


def test_days_have_no_zone() -> None:
    """DAV-8, DAV-9: leap days and all-day events."""
    found = entry("DTSTART;VALUE=DATE:20240229", "RRULE:FREQ=YEARLY;COUNT=3")
    assert starts(found) == ["20240229T000000Z", "20280229T000000Z", "20320229T000000Z"]


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=MONTHLY;BYWEEKNO=20",
        "RSCALE=CHINESE;FREQ=YEARLY",
        "RSCALE=GREGORIAN;SKIP=FORWARD;FREQ=YEARLY",
        "FREQ=DAILY;BYHOUR=24",
        "FREQ=DAILY;BYMONTHDAY=0",
        "FREQ=DAILY;BYDAY=XX",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;COUNT=9999999",
        "FREQ=DAILY;COUNT=0000000019999999999",
        "FREQ=DAILY;INTERVAL=0000000019999999999",
        f"FREQ=DAILY;COUNT=000000001{'9' * 5000}",
        f"FREQ=DAILY;COUNT={'0' * 5000}1",
        "FREQ=DAILY;COUNT=²",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY;BYEASTER=1",
        "FREQ=DAILY;UNTIL=x",
        "COUNT=1",
        "x",
    ],
)
def test_rules_that_are_not_taken(rule: str) -> None:
    """DAV-9: refused before anything is expanded."""
    found = entry("DTSTART:20261101T100000Z", f"RRULE:{rule}")
    began = time.perf_counter()
    with pytest.raises(BadRecurrence):
        rules_of(found.main, found.zones)
    assert time.perf_counter() - began < 0.1


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ("FREQ=MONTHLY;BYDAY=-1FR;COUNT=3", ["1127", "1225", "0129"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=3", ["1130", "1231", "0129"]),
        ("FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,TH;COUNT=3", ["1103", "1105", "1117"]),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=2", ["0517", "0515"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=2", ["1231", "0131"]),
        ("FREQ=HOURLY;INTERVAL=12;COUNT=2", ["1101", "1102"]),
        ("FREQ=MONTHLY;BYDAY=1MO,WE;COUNT=6", ["1102", "1104", "1111", "1118", "1125", "1202"]),
        ("FREQ=YEARLY;BYMONTH=1;BYDAY=1MO,WE;COUNT=3", ["0104", "0106", "0113"]),
        ("FREQ=YEARLY;BYWEEKNO=53;COUNT=2", ["0103", "0102"]),
        ("RSCALE=GREGORIAN;SKIP=OMIT;FREQ=MONTHLY;BYMONTHDAY=31;COUNT=1", ["1231"]),
        ("FREQ=YEARLY;BYMONTHDAY=31;BYMONTH=2,4", []),
        ("FREQ=DAILY;BYHOUR=9,10;BYSETPOS=3;UNTIL=20270101", []),
        ("FREQ=HOURLY;BYMONTH=6;BYYEARDAY=1;UNTIL=20270101", []),
    ],
)
def test_rules_of_people(rule: str, days: list[str]) -> None:
    """DAV-9, DAV-9a: the start itself is an instance, whatever the rule says, and the first of COUNT."""
    rule = re.sub("COUNT=([0-9])", lambda match: f"COUNT={int(match[1]) + 1}", rule)
    found = entry("DTSTART:20261101T100000Z", f"RRULE:{rule}")
    assert [one[4:8] for one in starts(found)] == ["1101", *days]


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY;INTERVAL=2;BYSECOND=1",
        "FREQ=HOURLY;BYDAY=MO,TU;COUNT=999999",
        f"FREQ=YEARLY;BYSECOND={NUMBERS};BYMINUTE={NUMBERS};BYHOUR=1,2,3;COUNT=999999",
        f"FREQ=YEARLY;BYYEARDAY={','.join(str(day) for day in range(-366, 367) if day)};BYSETPOS=366;BYHOUR=1,2,3",
        f"FREQ=SECONDLY;BYSETPOS={','.join(str(place) for place in range(2, 367))}",
    ],
)
def test_costly_rules_end_after_their_steps(rule: str) -> None:
    """DAV-9: whatever clock there is; those without COUNT have no cost before the stretch that is asked for."""
    found = entry("DTSTART:00010101T000000Z", f"RRULE:{rule}")
    [one] = rules_of(found.main, found.zones)
    began = time.process_time()
    with suppress(TooMuchWork):
        times_of(one, 1 << 36, 1 << 40, 1 << 30, Steps())
    assert time.process_time() - began < 3


@pytest.mark.parametrize("rule", ["SECONDLY;INTERVAL=7", "HOURLY", "DAILY", "WEEKLY;INTERVAL=2", "MONTHLY", "YEARLY"])
def test_a_late_stretch_costs_no_more_than_an_early_one(rule: str) -> None:
    """DAV-9: the first times in the year 2600 of what began in the year 1, also of one with COUNT that is plain."""
    count = ";COUNT=999999" if rule in ("DAILY", "WEEKLY;INTERVAL=2") else ""
    found = entry("DTSTART:00010101T000000Z", f"RRULE:FREQ={rule}{count}")
    [one] = rules_of(found.main, found.zones)
    late = int(datetime(2600, 1, 1, tzinfo=UTC).timestamp())
    steps = Steps(500)
    assert len(times_of(one, late, 1 << 40, 5, steps)) == 5


def test_durations_and_periods() -> None:
    """DAV-10: also the wrong ones."""
    for text, seconds in (("PT1H30M", 5400), ("-P1W", -604800), ("P1DT1S", 86401)):
        found = duration_of(text)
        assert found is not None
        assert found.total_seconds() == seconds
    assert duration_of("1H") is None
    assert period_of("20261101T000000Z/20261101T010000Z") == period_of("20261101T000000Z/PT1H")
    assert period_of("x/y") is None
    assert period_of("99991231T000000Z/P99999D") is None
    assert (utc_text(1 << 40), utc_text(-(1 << 40))) == ("99991231T235959Z", "00010101T000000Z")


def test_a_large_file_is_read_in_linear_time() -> None:
    """DAV-7: twice the lines take about twice the time, and too many are refused."""
    lines = [f"X-{number}:{'x' * 60}" for number in range(10_000)]
    began = time.process_time()
    entry("DTSTART:20261101T100000Z", *lines)
    assert time.process_time() - began < 5
    with pytest.raises(BadObject):
        entry("DTSTART:20261101T100000Z", *lines * 11)


@pytest.mark.parametrize("kind", ["left out", "moved"])
def test_dates_and_exceptions_take_time_in_their_number(kind: str) -> None:
    """DAV-9: days left out, and exceptions for all that follows, are not looked for among all instances."""

    def seconds(number: int) -> float:
        dates = ",".join(utc_text(946_684_800 + 36_000 * n) for n in range(5 * number))
        lines = [f"RDATE:{dates}"]
        more = ""
        if kind == "left out":
            lines.append(f"EXDATE;VALUE=DATE:{','.join(utc_text(86_400 * n)[:8] for n in range(number))}")
        else:
            for n in range(number):
                when = utc_text(946_684_800 + 36_000 * n)
                more += f"BEGIN:VEVENT\nUID:1\nRECURRENCE-ID;RANGE=THISANDFUTURE:{when}\nDTSTART:{when}\nEND:VEVENT\n"
        large = entry("DTSTART:20000101T000000Z", *lines, more=more)
        began = time.process_time()
        assert len(joined(large.parts, large.zones, [], (0, FAR))) == 5 * number
        return time.process_time() - began

    assert min(seconds(1600) for _ in range(2)) < 10 * min(seconds(400) for _ in range(2)) + 0.1


@pytest.mark.parametrize("start", ["00010101T000000Z", "99991231T235959Z", "00010101T000000", "99991231T235959"])
@pytest.mark.parametrize("offset", ["+2359", "-2359", "+0000"])
def test_zones_and_times_at_the_ends_of_all_years_are_read(start: str, offset: str) -> None:
    """DAV-9, WEBMAIL-129: strangers write them."""
    zone = f"BEGIN:STANDARD\r\nDTSTART:{start}\r\nTZOFFSETFROM:{offset}\r\nTZOFFSETTO:{offset}\r\nEND:STANDARD\r\n"
    text = (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VTIMEZONE\r\nTZID:Odd\r\n{zone}END:VTIMEZONE\r\n"
        f"BEGIN:VEVENT\r\nUID:1\r\nDTSTART;TZID=Odd:{start.rstrip('Z')}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    found = read_object(text.encode())
    assert found.zones.keys() == {"Odd"}
    assert found.main.value("DTSTART") == start.rstrip("Z")
    moment = datetime.max.replace(microsecond=0, tzinfo=UTC) - timedelta(days=2)
    assert moment.astimezone(found.zones["Odd"]).utcoffset() is not None


SERIES = {
    "days": "DTSTART;VALUE=DATE:20260219",
    "zoned": "DTSTART;TZID=Europe/Berlin:20260219T090000",
    "utc": "DTSTART:20260219T090000Z",
    "floating": "DTSTART:20260219T090000",
}
NAMED = {
    "days": (";VALUE=DATE:20260226", ":20260226T000000", ";TZID=Europe/Berlin:20260226T000000", ":20260226T000000Z"),
    "zoned": (";TZID=Europe/Berlin:20260226T090000", ":20260226T090000", ":20260226T080000Z"),
    "utc": (":20260226T090000Z", ":20260226T090000", ";TZID=Europe/Berlin:20260226T100000"),
    "floating": (":20260226T090000", ";TZID=Europe/Berlin:20260226T090000", ";TZID=Asia/Tokyo:20260226T090000"),
}


@pytest.mark.parametrize(("kind", "named"), [(kind, named) for kind, forms in NAMED.items() for named in forms])
def test_an_instance_is_known_in_each_form_that_programs_name_it_in(kind: str, named: str) -> None:
    """DAV-9c: taken out, and moved, for all readers of the series."""
    lines = (SERIES[kind], "RRULE:FREQ=WEEKLY;COUNT=3")
    days = [start[:8] for start in starts(entry(*lines, f"EXDATE{named}"))]
    assert days == ["20260219", "20260305"]
    moved = SERIES[kind].replace("20260219", "20260227")
    exception = entry(*lines, more=f"BEGIN:VEVENT\r\nUID:1\r\nRECURRENCE-ID{named}\r\n{moved}\r\nEND:VEVENT")
    assert [start[:8] for start in starts(exception)] == ["20260219", "20260227", "20260305"]
    for found in (entry(*lines, f"EXDATE{named}"), exception):
        overrides = event_of(found)["recurrenceOverrides"]
        assert [*overrides] == ["2026-02-26T00:00:00" if kind == "days" else "2026-02-26T09:00:00"]
    [instance] = [one for one in joined(exception.parts, exception.zones, [], (0, FAR)) if one.part]
    left = one_removed(exception, instance.recurrence)
    assert left is not None
    assert [start[:8] for start in starts(object_of(left))] == ["20260219", "20260305"]


NAMED_ZONES = st.sampled_from(["", ";TZID=Europe/Berlin", ";TZID=Asia/Tokyo"])


@given(NAMED_ZONES, NAMED_ZONES, st.datetimes(), st.sampled_from(["", "Z", "day"]))
def test_the_form_of_a_series_is_kept(zone: str, other: str, at: datetime, mark: str) -> None:
    """DAV-9c: a line in the form of its series stays, and another one needs one step."""

    def line(name: str, zone: str, mark: str) -> Property:
        text = time_text(at)[:8] if mark == "day" else f"{time_text(at)}{mark}"
        made = property_of(f"{name}{'' if mark else zone}:{text}")
        assert made is not None
        return made

    for first in (line("DTSTART", zone, mark), line("DTSTART", zone, "")):
        once = in_series_form(line("EXDATE", other, ""), first)
        assert in_series_form(once, first) == once
        assert is_date(once) == is_date(first)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("D1 #5", "FREQ=DAILY;INTERVAL=1;COUNT=5"),
        ("D2", "FREQ=DAILY;INTERVAL=2;COUNT=2"),
        ("W2 TU TH 0900 #0", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH"),
        ("MP1 1+ MO 2- SU 19991231T000000Z", "FREQ=MONTHLY;INTERVAL=1;BYDAY=1MO,-2SU;UNTIL=19991231T000000Z"),
        ("MD1 7 2- LD #3", "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=7,-2,-1;COUNT=3"),
        ("YM1 6 7 #3", "FREQ=YEARLY;INTERVAL=1;BYMONTH=6,7;COUNT=3"),
        ("YD1 1 100 #3", "FREQ=YEARLY;INTERVAL=1;BYYEARDAY=1,100;COUNT=3"),
        ("MP6 1+ MO #5 D2 0600 #5", None),
        ("FREQ=DAILY", None),
        ("", None),
    ],
)
def test_rules_of_vcalendar_are_read(old: str, new: str | None) -> None:
    """DAV-40: versit's vCalendar 1.0 has a grammar of its own."""
    assert modern_rule(old) == new


@given(st.text("DWMPY#1023+-LSUTH 9\u0661", max_size=30) | st.text(max_size=30))
def test_no_text_is_a_rule_that_cannot_be_read_again(text: str) -> None:
    """DAV-40: a rule of vCalendar becomes one that is taken, or that a calendar refuses."""
    rule = modern_rule(text)
    if rule is not None:
        assert modern_rule(rule) is None
        with suppress(BadRecurrence):
            read_rule(rule, datetime(2026, 2, 19, 9, tzinfo=UTC), whole=False)
