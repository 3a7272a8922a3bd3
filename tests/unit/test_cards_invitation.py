"""Calendars that come by mail, and hostile ones (WEBMAIL-129)."""

import time
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, strategies as st

from moxlite.proto.cards.invitation import (
    BadCalendar,
    Event,
    Moment,
    Person,
    Recurrence,
    Rule,
    placed,
    read_calendar,
    write_counter,
    write_declined,
    write_reply,
)


def calendar(*lines: str, method: str = "REQUEST", head: str = "") -> str:
    """A calendar with an event of these lines."""
    event = "\r\n".join(("BEGIN:VEVENT", "UID:1@example.org", "SUMMARY:Plan", *lines, "END:VEVENT"))
    return f"BEGIN:VCALENDAR\r\nMETHOD:{method}\r\n{head}{event}\r\nEND:VCALENDAR\r\n"


OUTLOOK = (
    "BEGIN:VTIMEZONE\r\nTZID:W. Europe Standard Time\r\nBEGIN:STANDARD\r\nDTSTART:16010101T030000\r\n"
    "TZOFFSETTO:+1100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
)


def test_an_invitation_is_read() -> None:
    """WEBMAIL-129: of a program of Microsoft, whose zone lies about its offset."""
    found = placed(
        read_calendar(
            calendar(
                "DTSTART;TZID=W. Europe Standard Time:20260701T100000",
                "DURATION:PT1H30M",
                'ORGANIZER;CN="Lind, Ada":mailto:ada@nordlicht.example',
                "ATTENDEE;CN=Bo;PARTSTAT=ACCEPTED:MAILTO:bo@b.example",
                "ATTENDEE;PARTSTAT=NEEDS-ACTION:urn:x",
                "LOCATION:Room\\, upstairs",
                "DESCRIPTION:one\\ntwo",
                "SEQUENCE:2",
                "RRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20261231T000000Z",
                "BEGIN:VALARM",
                "SUMMARY:no title",
                "END:VALARM",
                head=OUTLOOK,
            )
        )
    )
    event = found.event
    assert (found.method, found.others, event.title, event.sequence) == ("REQUEST", 0, "Plan", 2)
    utc = int(datetime(2026, 7, 1, 8, tzinfo=UTC).timestamp())
    assert event.start == Moment("2026-07-01T10:00:00", utc, "Europe/Berlin")
    assert event.end == Moment("2026-07-01T11:30:00", utc + 5400, "Europe/Berlin")
    assert event.organizer == Person("Lind, Ada", "ada@nordlicht.example")
    assert (event.attendees, event.more) == ((Person("Bo", "bo@b.example", "yes"),), 1)
    assert (event.place, event.description) == ("Room, upstairs", "one\ntwo")
    assert event.rule == Rule("weekly", until="2026-12-31", days=("MO", "WE"))


@pytest.mark.parametrize(
    ("line", "moment"),
    [
        ("DTSTART;VALUE=DATE:20260701", Moment("2026-07-01", None)),
        ("DTSTART:20260701T100000", Moment("2026-07-01T10:00:00", None)),
        ("DTSTART:20260701T100000Z", Moment("2026-07-01T10:00:00", 1782900000, "UTC")),
        (
            "DTSTART;TZID=/mozilla.org/20071231_1/Europe/Berlin:20260701T120000",
            Moment("2026-07-01T12:00:00", 1782900000, "Europe/Berlin"),
        ),
        ("DTSTART;TZID=Here:20260701T120000", Moment("2026-07-01T12:00:00", 1782900000)),
        ("DTSTART;TZID=Nowhere:20260701T100000", Moment("2026-07-01T10:00:00", None, "Nowhere")),
        ("DTSTART;TZID=../etc/passwd:20260701T100000", Moment("2026-07-01T10:00:00", None, "../etc/passwd")),
        ("DTSTART:20261399T100000", None),
        ("DTSTART:tomorrow", None),
    ],
)
def test_times_are_those_of_their_zones(line: str, moment: Moment | None) -> None:
    """WEBMAIL-129: dates, times on all clocks, UTC, names of several programs, zones that only the file knows; the name
    of one that is not known stays, for its time is not the same on all clocks.
    """
    head = "BEGIN:VTIMEZONE\r\nTZID:Here\r\nBEGIN:STANDARD\r\nTZOFFSETTO:+0200\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    assert placed(read_calendar(calendar(line, head=head))).event.start == moment


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("FREQ=DAILY", Rule("daily")),
        ("FREQ=MONTHLY;BYDAY=-1FR;INTERVAL=2;COUNT=6", Rule("monthly", 2, 6, days=("-1FR",))),
        ("FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=1", Rule("yearly", months=(5,), month_days=(1,))),
        ("FREQ=SECONDLY", Rule("")),
        ("FREQ=DAILY;BYSETPOS=3", Rule("")),
        ("FREQ=WEEKLY;BYDAY=XX", Rule("")),
        ("COUNT=99999999999999", Rule("")),
        ("FREQ=DAILY;COUNT=99999999999999;INTERVAL=0", Rule("daily")),
    ],
)
def test_rules_have_words_or_say_that_they_have_none(rule: str, found: Rule) -> None:
    """WEBMAIL-129: no rule is expanded, so that one without end costs nothing."""
    assert read_calendar(calendar(f"RRULE:{rule}")).event.rule == found


def test_of_many_events_the_repeated_one_is_shown() -> None:
    """WEBMAIL-129: others are counted."""
    one = "BEGIN:VEVENT\r\nUID:2\r\nSUMMARY:moved\r\nRECURRENCE-ID:20260701T100000Z\r\nEND:VEVENT\r\n"
    text = calendar(head=one * 10_000)
    assert len(text) < 1 << 20
    assert read_calendar(text).others == 10_000
    with pytest.raises(BadCalendar, match="lines"):
        read_calendar(calendar() + "\n" * 100_001)
    found = read_calendar(calendar(head=one * 100))
    assert (found.event.title, found.others, found.event.recurrence) == ("Plan", 100, None)
    alone = read_calendar(f"BEGIN:VCALENDAR\n{one}END:VCALENDAR")
    assert (alone.method, alone.event.recurrence) == ("", Recurrence("20260701T100000Z"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "contain any events"),
        ("BEGIN:VCALENDAR\nEND:VCALENDAR", "contain any events"),
        ("x" * (1 << 20 | 1), "1 MiB"),
        ("BEGIN:A\n" * 30, "deep"),
    ],
)
def test_what_is_no_calendar_says_so(text: str, words: str) -> None:
    """WEBMAIL-129: it stays a file."""
    with pytest.raises(BadCalendar, match=words):
        read_calendar(text)


def test_a_proposal_has_the_new_time_and_is_declined() -> None:
    """WEBMAIL-129a, RFC 5546 §3.2.7, §3.2.8: what is written is read again; days stay days, and no line is smuggled."""
    event = read_calendar(
        calendar(
            "ORGANIZER;CN=A:mailto:ada@nordlicht.example",
            "SEQUENCE:3",
            "RECURRENCE-ID;TZID=Europe/Berlin:20260701T100000",
            "DTSTART;TZID=Europe/Berlin:20260701T100000",
        )
    ).event
    now = datetime(2026, 6, 1, tzinfo=UTC)
    times = datetime(2026, 7, 2, 8, tzinfo=UTC), datetime(2026, 7, 2, 9, 30, tzinfo=UTC)
    text = write_counter(event, "me@example.org", "Me", times, "late\r\nX:1", now)
    found = read_calendar(text)
    assert (found.method, found.event.uid, found.event.sequence) == ("COUNTER", "1@example.org", 3)
    assert found.event.recurrence == event.recurrence
    assert found.event.start == Moment("2026-07-02T08:00:00", 1782979200, "UTC")
    assert found.event.end == Moment("2026-07-02T09:30:00", 1782984600, "UTC")
    assert found.event.attendees == (Person("Me", "me@example.org", "maybe"),)
    assert "COMMENT:late\\nX:1" in text.split("\r\n")
    days = write_counter(event, "me@example.org", "", (datetime(2026, 7, 2), datetime(2026, 7, 3)), "", now)  # noqa: DTZ001 days
    assert "DTSTART;VALUE=DATE:20260702" in days.split("\r\n")
    declined = read_calendar(write_declined(found.event, "no", now)) if found.event.organizer else None
    assert declined is not None
    assert (declined.method, declined.event.uid, declined.event.recurrence, declined.event.attendees) == (
        "DECLINECOUNTER",
        "1@example.org",
        event.recurrence,
        (),
    )


def test_an_answer_names_the_event_and_its_version() -> None:
    """WEBMAIL-129, RFC 5546 §3.2.3: and cannot smuggle lines."""
    event = read_calendar(
        calendar(
            "ORGANIZER;CN=A:mailto:ada@nordlicht.example",
            "SEQUENCE:3",
            "RECURRENCE-ID;TZID=Europe/Berlin:20260701T100000",
        )
    ).event
    text = write_reply(
        event, "me@example.org", 'Me "x"\r\nX:', "no", "not\ntoday; sorry", datetime(2026, 7, 1, tzinfo=UTC)
    )
    lines = text.replace("\r\n ", "").split("\r\n")
    for line in (
        "METHOD:REPLY",
        "UID:1@example.org",
        "SEQUENCE:3",
        "RECURRENCE-ID;TZID=Europe/Berlin:20260701T100000",
        "DTSTAMP:20260701T000000Z",
        "ORGANIZER:mailto:ada@nordlicht.example",
        "ATTENDEE;PARTSTAT=DECLINED;CN=\"Me ^'x^'X:\":mailto:me@example.org",
        "COMMENT:not\\ntoday\\; sorry",
    ):
        assert line in lines, text
    again = read_calendar(text)
    assert (again.method, again.event.attendees[0].answer) == ("REPLY", "no")


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("RECURRENCE-ID:20260701", "RECURRENCE-ID;VALUE=DATE:20260701"),
        ("RECURRENCE-ID;X=y;VALUE=DATE-TIME:20260701T100000Z", "RECURRENCE-ID:20260701T100000Z"),
        (
            'RECURRENCE-ID;RANGE=THISANDFUTURE;TZID="W. Europe Standard Time":20260701T100000',
            'RECURRENCE-ID;TZID="W. Europe Standard Time";RANGE=THISANDFUTURE:20260701T100000',
        ),
        ("RECURRENCE-ID;TZID=\u00c4\u2028;A=b:20260701T100000", 'RECURRENCE-ID;TZID="\u00c4":20260701T100000'),
    ],
)
def test_an_answer_writes_the_occurrence_anew(line: str, written: str) -> None:
    """WEBMAIL-129: from what was understood of it."""
    event = read_calendar(calendar("ORGANIZER:mailto:ada@nordlicht.example", line)).event
    text = write_reply(event, "me@example.org", "", "yes", "", datetime(2026, 7, 1, tzinfo=UTC))
    assert written in text.replace("\r\n ", "").split("\r\n")
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(event), type=Event) == event


@pytest.mark.parametrize("name", ["RECURRENCE-ID", "UID", "SUMMARY", "ORGANIZER", "SEQUENCE", "DTSTAMP", "ATTENDEE"])
@pytest.mark.parametrize(
    "rest",
    [
        ";ENCODING=QUOTED-PRINTABLE:20260701=\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:x@y.example=\r\nX-EVIL:1",
        ";X=QUOTED-PRINTABLE:20260701T100000Z=\r\nX-EVIL:1",
        ";ENCODING=QUOTED-PRINTABLE:mailto:a@b.example=0D=0AX-EVIL:1",
        ';TZID="a\u2028X-EVIL:1\x0b\x85":20260701T100000',
    ],
)
def test_an_answer_has_no_line_of_the_organiser(name: str, rest: str) -> None:
    """WEBMAIL-129: a value in quoted-printable of old versions holds ends of lines."""
    lines = [] if name == "ORGANIZER" else ["ORGANIZER:mailto:ada@nordlicht.example"]
    try:
        event = read_calendar(calendar(*lines, f"{name}{rest}")).event
    except BadCalendar:
        return
    if event.organizer is None:
        return
    text = write_reply(event, "me@example.org", "Me", "yes", "", datetime(2026, 7, 1, tzinfo=UTC))
    found = [line.partition(":")[0].partition(";")[0] for line in text.replace("\r\n ", "").splitlines()]
    whole = "BEGIN VERSION PRODID METHOD BEGIN UID RECURRENCE-ID SEQUENCE DTSTAMP ORGANIZER ATTENDEE SUMMARY END END"
    assert found == [one for one in whole.split() if one != "RECURRENCE-ID" or event.recurrence is not None]


@pytest.mark.parametrize("time", ["20260701\nX-EVIL:1", "2026", "20260701T100000Z:", ""])
def test_an_occurrence_of_a_hostile_process_is_no_answer(time: str) -> None:
    """WEBMAIL-109c: the process that reads calendars may be taken over."""
    event = read_calendar(calendar("RECURRENCE-ID:20260701")).event
    octets = msgspec.msgpack.encode(msgspec.structs.replace(event, recurrence=Recurrence(time)))
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(octets, type=Event)


@pytest.mark.parametrize(
    "piece",
    ["BEGIN:VEVENT\n", "ATTENDEE;" + "A=b;" * 50 + ":mailto:a@b\n", " x\n", "RRULE:" + "A=1;" * 99 + "\n", '"', "=\n"],
)
def test_hostile_calendars_take_linear_time(piece: str) -> None:
    """WEBMAIL-129."""

    def taken(size: int) -> float:
        text = calendar(piece * (size // len(piece)))
        began = time.process_time()
        try:
            read_calendar(text)
        except BadCalendar:
            pass
        return time.process_time() - began

    assert taken(1_000_000) < 40 * max(taken(100_000), 0.005)


LINES = st.sampled_from(
    ["DTSTART", "DTEND", "DURATION", "RRULE", "ATTENDEE", "ORGANIZER", "SEQUENCE", "RECURRENCE-ID", "BEGIN", "END"]
)


@given(
    st.lists(st.tuples(LINES, st.text(max_size=30)).map(":".join), max_size=20)
    | st.lists(st.text(max_size=40), max_size=5)
)
def test_nothing_but_an_event_or_the_error_comes_out(lines: list[str]) -> None:
    """WEBMAIL-129."""
    try:
        event = placed(read_calendar(calendar(*lines))).event
    except BadCalendar:
        return
    if event.organizer is not None:
        read_calendar(write_reply(event, "a@b", "x", "yes", "", datetime.now(UTC)))


@pytest.mark.parametrize(
    ("numbers", "days"),
    [("--1", ()), ("²", ()), ("-", ()), ("-1,--2,+3,٤,100", (-1, 3)), ("1" * 5000, ()), ("", ())],
)
def test_numbers_of_a_hostile_rule_are_left_out(numbers: str, days: tuple[int, ...]) -> None:
    """WEBMAIL-129: the invitation is shown all the same."""
    rule = f"RRULE:FREQ=MONTHLY;BYMONTHDAY={numbers};BYMONTH={numbers};INTERVAL={numbers};COUNT={numbers}"
    event = read_calendar(calendar("DTSTART:20260701T100000", rule)).event
    assert event.rule is not None
    assert event.rule.month_days == days


@given(st.text("0123456789-+²٤,;=FREQCOUNTDAILYBMH", max_size=40))
def test_any_rule_is_read(text: str) -> None:
    """WEBMAIL-129."""
    for line in (f"RRULE:{text}", f"RRULE:FREQ=DAILY;{text}", f"SEQUENCE:{text}", f"DURATION:P{text}"):
        assert read_calendar(calendar("DTSTART:20260701T100000", line)).event.title == "Plan"
