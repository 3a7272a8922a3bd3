"""Moments at which entries of calendars remind (DAV-50)."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from moxlite.proto.cards.alarms import MAX_REPEATED, TriggeredAlarm, has_alarms, triggered_alarms, zone_of
from moxlite.proto.cards.calendarobject import CalendarObject, read_object
from moxlite.proto.cards.components import Instance
from moxlite.proto.cards.repeating import joined, rules_of
from moxlite.proto.cards.rules import Steps, times_of

BERLIN = ZoneInfo("Europe/Berlin")
DAY = 86_400


def at(text: str) -> int:
    """Seconds of a moment of UTC, as 2026-01-05 10:00."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def alarm(trigger: str = "TRIGGER:-PT10M", *lines: str, action: str = "DISPLAY") -> tuple[str, ...]:
    return "BEGIN:VALARM", f"ACTION:{action}", trigger, *lines, "END:VALARM"


def entry(*lines: str, kind: str = "VEVENT", more: tuple[str, ...] = ()) -> CalendarObject:
    inner = (f"BEGIN:{kind}", "UID:1", *lines, f"END:{kind}")
    if more:
        inner += (f"BEGIN:{kind}", "UID:1", *more, f"END:{kind}")
    text = "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", *inner, "END:VCALENDAR", ""))
    return read_object(text.encode())


def instances(found: CalendarObject, until: int) -> list[Instance]:
    if not found.repeated:
        return []
    rules = rules_of(found.main, found.zones)
    times = [time for rule in rules for time in times_of(rule, 0, until, 2000, Steps())]
    return joined(found.parts, found.zones, times, (0, until))


def came(found: CalendarObject, since: str, until: str, zone: ZoneInfo = BERLIN) -> tuple[list[str], str]:
    """The moments of alarms after `since` up to `until`, and that of the next."""
    stretch = at(since), at(until)
    found_rings, following = triggered_alarms(found, instances(found, stretch[1] + 366 * DAY), zone, stretch)
    shown = "" if following is None else f"{datetime.fromtimestamp(following, UTC):%Y-%m-%d %H:%M}"
    return [f"{datetime.fromtimestamp(one.moment, UTC):%Y-%m-%d %H:%M}" for one in found_rings], shown


EVENT = ("DTSTART:20260105T100000Z", "DTEND:20260105T120000Z")


@pytest.mark.parametrize(
    ("trigger", "moment"),
    [
        ("TRIGGER:-PT10M", "2026-01-05 09:50"),
        ("TRIGGER:PT0S", "2026-01-05 10:00"),
        ("TRIGGER;RELATED=START:-P1D", "2026-01-04 10:00"),
        ("TRIGGER;RELATED=END:-PT5M", "2026-01-05 11:55"),
        ("TRIGGER;RELATED=END:PT1H", "2026-01-05 13:00"),
        ("TRIGGER;VALUE=DATE-TIME:20260103T080000Z", "2026-01-03 08:00"),
    ],
)
def test_triggers(trigger: str, moment: str) -> None:
    """DAV-50a: relative to start or end, and at a moment; once."""
    found = entry(*EVENT, *alarm(trigger))
    assert has_alarms(found)
    assert came(found, "2026-01-01 00:00", "2026-01-01 00:01") == ([], moment)
    assert came(found, "2026-01-01 00:00", moment) == ([moment], "")
    assert came(found, moment, "2026-02-01 00:00") == ([], "")


@pytest.mark.parametrize(
    "lines",
    [
        (*EVENT,),
        (*EVENT, *alarm(action="NONE")),
        (*EVENT, *alarm(action="X-LAMP")),
        (*EVENT, *alarm("TRIGGER:soon")),
        (*EVENT, *alarm("X-TRIGGER:-PT10M")),
        (*EVENT, "STATUS:CANCELLED", *alarm()),
        (*EVENT, *alarm("TRIGGER:-PT10M", "ACKNOWLEDGED:20260105T095000Z")),
        (*EVENT, "X-MOZ-LASTACK:20260105T100100Z", *alarm()),
    ],
)
def test_what_reminds_of_nothing(lines: tuple[str, ...]) -> None:
    """DAV-50, RFC 5545 §3.8.6.1, RFC 9074 §6: unknown actions, cancelled entries, what was acknowledged."""
    assert came(entry(*lines), "2026-01-01 00:00", "2026-01-06 00:00") == ([], "")


def test_an_alarm_that_is_put_off_comes_again() -> None:
    """DAV-50: by RFC 9074 another alarm is added, Thunderbird writes properties of its own."""
    again = alarm("TRIGGER;VALUE=DATE-TIME:20260105T100500Z", "RELATED-TO;RELTYPE=SNOOZE:a")
    found = entry(*EVENT, *alarm("TRIGGER:-PT10M", "ACKNOWLEDGED:20260105T095100Z"), *again)
    assert came(found, "2026-01-01 00:00", "2026-01-05 09:55") == ([], "2026-01-05 10:05")
    found = entry(*EVENT, "X-MOZ-LASTACK:20260105T095100Z", "X-MOZ-SNOOZE-TIME:20260105T100500Z", *alarm())
    assert came(found, "2026-01-01 00:00", "2026-01-05 09:55") == ([], "2026-01-05 10:05")
    assert came(found, "2026-01-05 09:55", "2026-01-05 10:05")[0] == ["2026-01-05 10:05"]


def test_repetitions_are_bounded() -> None:
    """DAV-50: at least a minute apart, twenty of them; several in the past are one."""
    found = entry(*EVENT, *alarm("TRIGGER:PT0S", "REPEAT:2", "DURATION:PT5M"))
    assert came(found, "2026-01-05 09:00", "2026-01-05 10:00") == (["2026-01-05 10:00"], "2026-01-05 10:05")
    assert came(found, "2026-01-05 10:00", "2026-01-05 10:12") == (["2026-01-05 10:10"], "")
    found = entry(*EVENT, *alarm("TRIGGER:PT0S", "REPEAT:1000000", "DURATION:PT1S"))
    number, since, moments = 0, "2026-01-05 09:00", []
    while (following := came(found, since, since)[1]) and number < 1000:
        number, since = number + 1, following
        moments.append(following)
    assert number == MAX_REPEATED + 1
    assert moments[:2] == ["2026-01-05 10:00", "2026-01-05 10:01"]
    for odd in ("-5", "x", "9" * 400):
        assert came(entry(*EVENT, *alarm("TRIGGER:PT0S", f"REPEAT:{odd}", "DURATION:PT5M")), "2026-01-05 09:00",
                    "2026-01-05 09:01")[1] == "2026-01-05 10:00"  # fmt: skip


def test_days_and_times_without_a_zone_are_in_the_owners() -> None:
    """DAV-50a: nine o'clock on the day before, in winter and in summer."""
    for start, moment in (("20260105", "2026-01-04 08:00"), ("20260705", "2026-07-04 07:00")):
        found = entry(f"DTSTART;VALUE=DATE:{start}", *alarm("TRIGGER:-PT15H"))
        assert came(found, "2026-01-01 00:00", "2026-01-01 00:00")[1] == moment
    found = entry("DTSTART:20260105T100000", *alarm())
    assert came(found, "2026-01-01 00:00", "2026-01-01 00:00")[1] == "2026-01-05 08:50"


def test_each_instance_has_its_alarm_and_exceptions_theirs() -> None:
    """DAV-50: RRULE, EXDATE, RECURRENCE-ID with another alarm, with none, and called off."""
    rule = ("DTSTART;TZID=Europe/Berlin:20260105T100000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=8")
    moved = ("RECURRENCE-ID;TZID=Europe/Berlin:20260107T100000", "DTSTART;TZID=Europe/Berlin:20260107T150000")
    found = entry(*rule, "EXDATE;TZID=Europe/Berlin:20260106T100000", *alarm(), more=(*moved, *alarm("TRIGGER:-PT1H")))
    since, moments = "2026-01-01 00:00", []
    while following := came(found, since, since)[1]:
        moments.append(following)
        since = following
    assert moments == ["2026-01-05 08:50", "2026-01-07 13:00", *(f"2026-01-{day:02} 08:50" for day in range(8, 13))]
    assert came(found, "2026-01-05 08:50", "2026-01-09 12:00")[0] == ["2026-01-09 08:50"], "the last one alone"
    quiet = entry(*rule, *alarm(), more=moved)
    assert came(quiet, "2026-01-07 00:00", "2026-01-07 23:00") == ([], "2026-01-08 08:50")
    off = entry(*rule, *alarm(), more=(*moved, "STATUS:CANCELLED", *alarm()))
    assert came(off, "2026-01-07 00:00", "2026-01-07 23:00") == ([], "2026-01-08 08:50")


def test_tasks() -> None:
    """DAV-50: relative to DTSTART, or to DUE; not when they are done."""
    due = ("DUE:20260105T100000Z", *alarm("TRIGGER;RELATED=END:-PT10M"))
    assert came(entry(*due, kind="VTODO"), "2026-01-01 00:00", "2026-01-01 00:00")[1] == "2026-01-05 09:50"
    assert came(entry("DUE:20260105T100000Z", *alarm(), kind="VTODO"), "2026-01-01 00:00", "2026-01-01 00:00")[1] == (
        "2026-01-05 09:50"
    )
    both = ("DTSTART:20260104T100000Z", *due)
    assert came(entry(*both, kind="VTODO"), "2026-01-01 00:00", "2026-01-01 00:00")[1] == "2026-01-05 09:50"
    at_moment = alarm("TRIGGER;VALUE=DATE-TIME:20260105T080000Z")
    assert came(entry(*at_moment, kind="VTODO"), "2026-01-01 00:00", "2026-01-05 08:00")[0] == ["2026-01-05 08:00"]
    for done in ("STATUS:COMPLETED", "STATUS:CANCELLED", "COMPLETED:20260101T000000Z"):
        assert came(entry(*due, done, kind="VTODO"), "2026-01-01 00:00", "2026-01-06 00:00") == ([], "")
    assert not has_alarms(entry("DTSTART:20260105T100000Z", *alarm(), kind="VJOURNAL"))


def test_what_the_owner_has_declined_reminds_of_nothing() -> None:
    """DAV-50"""
    guest = "ATTENDEE;PARTSTAT=DECLINED:mailto:Mia@example.org"
    found = entry(*EVENT, guest, *alarm())
    stretch = at("2026-01-01 00:00"), at("2026-01-06 00:00")
    assert triggered_alarms(found, [], BERLIN, stretch, {"mia@example.org"}) == ([], None)
    [one], _ = triggered_alarms(found, [], BERLIN, stretch, {"tom@example.org"})
    assert one == TriggeredAlarm(at("2026-01-05 09:50"), "notice", 0, at("2026-01-05 10:00"), at("2026-01-05 12:00"))


def test_notices_and_mails_are_told_apart() -> None:
    """DAV-50: of each action one."""
    found = entry(*EVENT, *alarm(action="AUDIO"), *alarm("TRIGGER:-PT20M"), *alarm("TRIGGER:-P1D", action="EMAIL"))
    told, _ = triggered_alarms(found, [], BERLIN, (at("2026-01-01 00:00"), at("2026-01-06 00:00")))
    assert sorted((one.action, one.moment) for one in told) == [
        ("mail", at("2026-01-04 10:00")),
        ("notice", at("2026-01-05 09:50")),
    ]


@pytest.mark.parametrize(
    ("start", "trigger"),
    [
        ("99991231T235959Z", "-PT10M"),
        ("99991231T235959Z", "P9999W"),
        ("00010101T000000Z", "-P99999D"),
        ("20260105T100000Z", "-P9999W"),
        ("00010101T000000", "-PT10M"),
        ("99991231T235959", "PT10M"),
    ],
)
def test_the_ends_of_all_years(start: str, trigger: str) -> None:
    """DAV-50: what no clock shows makes no error."""
    for line in (f"TRIGGER:{trigger}", "TRIGGER;VALUE=DATE-TIME:99991231T235959Z", "TRIGGER:00010101T000000"):
        for zone in (BERLIN, ZoneInfo("Pacific/Kiritimati"), ZoneInfo("America/Los_Angeles")):
            triggered_alarms(entry(f"DTSTART:{start}", *alarm(line)), [], zone, (0, at("2026-01-06 00:00")))


def test_ten_thousand_alarms_are_looked_at_soon() -> None:
    """DAV-50: the first 500 count; each may repeat."""
    many = [line for _ in range(10_000) for line in alarm("TRIGGER:PT0S", "REPEAT:1000000", "DURATION:PT1S")]
    found = entry("DTSTART:20260105T100000Z", "RRULE:FREQ=DAILY", *many)
    given = [Instance(at("2026-01-05 10:00") + day * DAY, at("2026-01-05 11:00") + day * DAY, str(day), 0)
             for day in range(2000)]  # fmt: skip
    begun = time.process_time()
    told, following = triggered_alarms(found, given, BERLIN, (at("2026-01-05 09:00"), at("2026-01-05 10:00")))
    assert time.process_time() - begun < 1.0, "0.02 s on the machine of 2026"
    assert ([one.moment for one in told], following) == ([at("2026-01-05 10:00")], at("2026-01-05 10:01"))


def test_zones_of_calendars() -> None:
    """DAV-50: by the zone's name, else by what the calendar says; then the owner's."""
    inner = "BEGIN:VTIMEZONE\r\nTZID:{}\r\nBEGIN:STANDARD\r\nTZOFFSETTO:+0530\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    zone = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{inner}END:VCALENDAR\r\n"
    assert str(zone_of(zone.format("Europe/Berlin"), "Asia/Tokyo")) == "Europe/Berlin"
    home = zone_of(zone.format("Home"), "Asia/Tokyo")
    assert home is not None
    assert home.utcoffset(datetime(2026, 7, 1)) == timedelta(hours=5, minutes=30)  # noqa: DTZ001 local
    assert str(zone_of("nonsense", "Asia/Tokyo")) == "Asia/Tokyo"
    assert zone_of("", "") is None
    assert zone_of("", "Mars/Olympus") is None
