"""Instances of repeated events, as programs are told them: what was found beside other libraries (campaign `rules`)."""

import re

import pytest

from tests.session.test_web_dav import HOME, SPACES, Program, event, found, mia, refused, text
from tests.web_rig import Rig

__all__ = ["mia"]

pytestmark = pytest.mark.served

DATA = "{urn:ietf:params:xml:ns:caldav}calendar-data"


async def instances(mia: Program, *lines: str, since: str = "2020", until: str = "2031") -> list[str]:
    """The instances of an event in a stretch of years: start, and end or duration, as the answer has them."""
    assert (await mia.put("r.ics", event("1", *lines))).status == 201
    expand = f'<C:calendar-data><C:expand start="{since}0101T000000Z" end="{until}0101T000000Z"/></C:calendar-data>'
    inner = f"<D:prop>{expand}</D:prop><D:href>{HOME}r.ics</D:href>"
    answer = await mia.ask("REPORT", HOME, f"<C:calendar-multiget {SPACES}>{inner}</C:calendar-multiget>")
    await mia.ask("DELETE", HOME + "r.ics")
    [props] = found(answer).values()
    parts = text(props[DATA]).split("BEGIN:VEVENT")[1:]
    return [" ".join(re.findall(r"^(?:DTSTART|DTEND|DURATION)[^:]*:(\S+)", part, re.MULTILINE)) for part in parts]


BERLIN = "DTSTART;TZID=Europe/Berlin:"


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        pytest.param(
            (BERLIN + "20261024T120000", "DURATION:P1D", "RRULE:FREQ=DAILY;COUNT=2"),
            ["20261024T100000Z PT90000S", "20261025T110000Z P1D"],
            id="a day in DURATION is one of the calendar",
        ),
        pytest.param(
            (BERLIN + "20261023T120000", "DTEND;TZID=Europe/Berlin:20261024T120000", "RRULE:FREQ=DAILY;COUNT=2"),
            ["20261023T100000Z 20261024T100000Z", "20261024T100000Z 20261025T100000Z"],
            id="the length by DTEND is one of seconds",
        ),
        pytest.param(
            ("DTSTART:20260107T100000Z", "RRULE:FREQ=YEARLY;BYWEEKNO=2,10;COUNT=3"),
            ["20260107T100000Z", "20260304T100000Z", "20270113T100000Z"],
            id="a week's day is that of the start",
        ),
        pytest.param(
            ("DTSTART:20260310T100000Z", "RRULE:FREQ=YEARLY;BYMONTHDAY=10,12;COUNT=3"),
            ["20260310T100000Z", "20260312T100000Z", "20270310T100000Z"],
            id="a day's month is that of the start",
        ),
        pytest.param(
            ("DTSTART:20261112T100000Z", "RRULE:FREQ=WEEKLY;BYDAY=MO,WE,TH,SA;BYSETPOS=3;COUNT=3"),
            ["20261112T100000Z", "20261119T100000Z", "20261126T100000Z"],
            id="BYSETPOS counts days before the start in its week",
        ),
        pytest.param(
            ("DTSTART;VALUE=DATE:20261102", "RRULE:FREQ=DAILY;BYHOUR=9,15;BYMINUTE=5;COUNT=2"),
            ["20261102", "20261103"],
            id="days have no hours",
        ),
        pytest.param(
            ("DTSTART:20261102T100000Z", "RRULE:RSCALE=GREGORIAN;SKIP=OMIT;FREQ=MONTHLY;BYDAY=1MO,WE;COUNT=4"),
            ["20261102T100000Z", "20261104T100000Z", "20261111T100000Z", "20261118T100000Z"],
            id="days with and without a place, and the default of RFC 7529",
        ),
        pytest.param(
            ("DTSTART:20261102T093000Z", "RRULE:FREQ=MINUTELY;INTERVAL=45;BYHOUR=9,10;COUNT=4"),
            ["20261102T093000Z", "20261102T101500Z", "20261103T093000Z", "20261103T101500Z"],
            id="minutes of several days, with COUNT",
        ),
        pytest.param(
            ("DTSTART:20261106T100000Z", "RRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=2"),
            ["20261106T100000Z", "20261113T100000Z"],
            id="a start beside its rule comes, too, as the first of COUNT",
        ),
        pytest.param(
            ("DTSTART:20201228T100000Z", "RRULE:FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO;COUNT=2"),
            ["20201228T100000Z", "20261228T100000Z"],
            id="a year of 52 weeks has no week 53",
        ),
        pytest.param(
            ("DTSTART:20270104T100000Z", "RRULE:FREQ=YEARLY;BYMONTH=1;BYDAY=1MO,WE;COUNT=6"),
            ["20270104T100000Z", *(f"202701{day:02}T100000Z" for day in (6, 13, 20, 27)), "20280103T100000Z"],
            id="days with and without a place in a month of years",
        ),
        pytest.param(
            ("DTSTART:20261101T100000Z", "RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20261101T100000Z"),
            ["20261102T100000Z", "20261103T100000Z"],
            id="what EXDATE takes out counts",
        ),
    ],
)
async def test_rules_mean_what_the_rfcs_say(mia: Program, lines: tuple[str, ...], shown: list[str]) -> None:
    """DAV-9a: RFC 5545 §3.3.6, §3.3.10, §3.8.5.3, RFC 8984 §4.3.3.1"""
    assert await instances(mia, *lines) == shown


async def test_this_and_future_moves_by_the_clocks(mia: Program) -> None:
    """DAV-9a: an exception a day later, over the end of summer time; those after it keep their hour, in winter too."""
    zone = "TZID=Europe/Berlin"
    later = (
        f"RECURRENCE-ID;RANGE=THISANDFUTURE;{zone}:20261024T120000",
        f"DTSTART;{zone}:20261025T120000",
        "DURATION:P1D",
    )
    inner = "\r\n".join(("END:VEVENT", "BEGIN:VEVENT", "UID:1", "DTSTAMP:20261101T000000Z", *later))
    body = event("1", f"DTSTART;{zone}:20261017T120000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=3", inner)
    lines = body.split("\r\n")
    shown = await instances(mia, *lines[lines.index("DTSTAMP:20261101T000000Z") + 1 : -3])
    assert shown == ["20261017T100000Z PT1H", "20261025T110000Z P1D", "20261101T110000Z P1D"]


@pytest.mark.parametrize(
    ("start", "named", "shown"),
    [
        (";VALUE=DATE:20260219", ";TZID=W. Europe Standard Time:20260226T000000", ["20260219", "20260305"]),
        (BERLIN[7:] + "20260219T090000", ":20260226T090000", ["20260219T080000Z", "20260305T080000Z"]),
        (":20260219T090000", ";TZID=Asia/Tokyo:20260226T090000", ["20260219T090000", "20260305T090000"]),
    ],
)
async def test_a_date_of_a_series_is_named_in_another_form(
    mia: Program, start: str, named: str, shown: list[str]
) -> None:
    """DAV-9c: as Exchange and others write EXDATE and RECURRENCE-ID."""
    series = (f"DTSTART{start}", "RRULE:FREQ=WEEKLY;COUNT=3")
    assert await instances(mia, *series, f"EXDATE{named}") == shown
    moved = f"DTSTART{start.replace('20260219', '20260227')}"
    exception = ("END:VEVENT", "BEGIN:VEVENT", "UID:1", f"RECURRENCE-ID{named}", moved)
    assert await instances(mia, *series, *exception) == [shown[0], shown[0].replace("0219", "0227"), shown[1]]


async def test_an_hour_that_is_left_out_moves_from_its_own_name(mia: Program) -> None:
    """DAV-9a: in Cairo the clocks go forward at midnight; three hours before it is 21:00 of the day before."""
    zone = "TZID=Africa/Cairo"
    later = (f"RECURRENCE-ID;RANGE=THISANDFUTURE;{zone}:20280421T000000", f"DTSTART;{zone}:20280420T210000")
    inner = "\r\n".join(("END:VEVENT", "BEGIN:VEVENT", "UID:1", "DTSTAMP:20261101T000000Z", *later))
    lines = (f"DTSTART;{zone}:20280414T000000", "RRULE:FREQ=WEEKLY;COUNT=3", inner)
    assert (await instances(mia, *lines))[1:] == ["20280420T190000Z", "20280427T190000Z"]


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=MINUTELY;COUNT=1",
        "FREQ=DAILY;BYHOUR=9,10;BYSETPOS=3",
        "FREQ=HOURLY;INTERVAL=12;BYHOUR=3",
        "FREQ=HOURLY;BYMONTH=6;BYYEARDAY=1",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    ],
)
async def test_rules_that_give_nothing_have_their_start(mia: Program, rule: str) -> None:
    """DAV-9, DAV-9a"""
    assert await instances(mia, "DTSTART:20261102T100000Z", f"RRULE:{rule}") == ["20261102T100000Z"]


async def test_days_have_no_rules_of_hours(rig: Rig, mia: Program) -> None:
    """DAV-9: a start without a time."""
    answer = await mia.put("a.ics", event("1", "DTSTART;VALUE=DATE:20261102", "RRULE:FREQ=HOURLY;COUNT=3"))
    assert refused(answer) == (403, "valid-calendar-data")


async def test_a_request_asks_for_some_properties(mia: Program) -> None:
    """DAV-17: of thousands each would be answered for each entry; so it is with the parts of entries."""
    names = "".join(f"<D:x{number}/>" for number in range(301))
    for inner in (f"<D:prop>{names}</D:prop>", f"<D:allprop/><D:include>{names}</D:include>"):
        asked = f"<D:propfind {SPACES}>{inner}</D:propfind>"
        assert refused(await mia.ask("PROPFIND", HOME, asked, depth="1")) == (403, "number-of-matches-within-limits")
    lines = "".join(f'<C:prop name="X{number}"/>' for number in range(300))
    data = f'<C:calendar-data><C:comp name="VCALENDAR">{lines}</C:comp></C:calendar-data>'
    report = f"<C:calendar-multiget {SPACES}><D:prop>{data}</D:prop></C:calendar-multiget>"
    assert refused(await mia.ask("REPORT", HOME, report)) == (403, "number-of-matches-within-limits")
