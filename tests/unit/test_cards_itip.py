"""What changes of events tell their guests, and what messages change (DAV-24..26, DAV-29)."""

import time

import pytest
from hypothesis import example, given, settings, strategies as st

from moxlite.proto.cards.calendarobject import CalendarObject, read_object
from moxlite.proto.cards.components import BadComponents, Component, write_component
from moxlite.proto.cards.contentline import property_of
from moxlite.proto.cards.invitation import read_calendar
from moxlite.proto.cards.itip import Message, NotAllowed, address_of, check_organizer, role_of, with_parameters
from moxlite.proto.cards.itipanswers import answered, check_attendee, refused
from moxlite.proto.cards.limits import AboveLimit, check_extent, extent_of
from moxlite.proto.cards.organizing import called_off, organized
from moxlite.proto.cards.received import (
    cleaned,
    kept_lines,
    read_message,
    with_answer,
    with_cancel,
    with_reply,
    with_request,
)

MIA, TOM, ADA = "mia@x.example", "tom@x.example", "ada@far.example"
OWN = frozenset({MIA})
LOCAL = frozenset({TOM})
NOW = 1_800_000_000


def guest(address: str, status: str = "NEEDS-ACTION", **more: str) -> str:
    parameters = "".join(f";{name.replace('_', '-')}={value}" for name, value in {"PARTSTAT": status, **more}.items())
    return f"ATTENDEE{parameters}:mailto:{address}"


def component(*lines: str, day: int = 24, organizer: str = MIA) -> str:
    times = (f"DTSTART;TZID=Europe/Berlin:209911{day}T100000", f"DTEND;TZID=Europe/Berlin:209911{day}T110000")
    given_times = () if any(one.startswith("DTSTART") for one in lines) else times
    head = ("BEGIN:VEVENT", "UID:1", "DTSTAMP:20260101T000000Z", *given_times, f"ORGANIZER:mailto:{organizer}")
    return "\r\n".join((*head, *lines, "END:VEVENT"))


def entry(*parts: str) -> CalendarObject:
    return read_object(
        "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *parts, "END:VCALENDAR", "")).encode()
    )


def change(before: CalendarObject | None, after: CalendarObject, *, keep: bool = False) -> tuple[str, list[Message]]:
    done = organized(before, after, OWN, LOCAL, NOW, keep_answers=keep)
    return write_component(done.calendar).replace("\r\n ", ""), list(done.messages)


def told(messages: list[Message]) -> dict[str, str]:
    return {address: one.method for one in messages for address in one.recipients}


def test_each_guest_is_told_what_the_guest_sees() -> None:
    """DAV-24: of the event, of exceptions with others, of one exception alone."""
    series = component("RRULE:FREQ=DAILY;COUNT=5", guest(MIA, "ACCEPTED"), guest(TOM), guest(ADA))
    without_ada = component("RECURRENCE-ID;TZID=Europe/Berlin:20991125T100000", guest(TOM), day=25)
    with_bo = component(
        "RECURRENCE-ID;TZID=Europe/Berlin:20991126T100000", guest(TOM), guest(ADA), guest("bo@b.example"), day=26
    )
    text, messages = change(None, entry(series, without_ada, with_bo))
    assert told(messages) == {TOM: "REQUEST", ADA: "REQUEST", "bo@b.example": "REQUEST"}
    by = {one.recipients[0]: one.text.replace("\r\n ", "") for one in messages}
    assert by[TOM].count("BEGIN:VEVENT") == 3
    assert "EXDATE;TZID=Europe/Berlin:20991125T100000" in by[ADA]
    assert by[ADA].count("BEGIN:VEVENT") == 2
    assert "RRULE" not in by["bo@b.example"]
    assert "SCHEDULE-STATUS=1.2" in text
    assert "SCHEDULE-STATUS" not in "".join(by.values())
    later = component("RRULE:FREQ=DAILY;COUNT=5", guest(MIA, "ACCEPTED"), guest(TOM))
    _, messages = change(entry(series, without_ada, with_bo), entry(later, without_ada, with_bo))
    assert told(messages) == {TOM: "REQUEST", ADA: "REQUEST"}


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("mailto:ann@x.example", "ann@x.example"),
        (" MAILTO:Ann@x.example ", "ann@x.example"),
        ("mailto:%22Ann%20B%22%20%3Cann@x.example%3E", "ann@x.example"),
        ("mailto:Ann <ann@x.example>", "ann@x.example"),
        ("mailto:ann%2Bclub@x.example?subject=x", "ann+club@x.example"),
        ("urn:uuid:1", ""),
    ],
)
def test_the_address_of_a_calendar_user_is_found_in_its_uri(value: str, address: str) -> None:
    """WEBMAIL-129, DAV-29"""
    prop = property_of(f"ATTENDEE:{value}")
    assert address_of(prop) == address
    assert entry(component(f"ATTENDEE:{value}")).addresses()[1:] == ((address,) if address else ())


@pytest.mark.parametrize(
    ("line", "tells"),
    [
        ("SUMMARY:New", True),
        ("LOCATION:Kiruna", True),
        ("TRANSP:TRANSPARENT", False),
        ("COLOR:crimson", False),
        ("X-OWN:1", False),
        ("LAST-MODIFIED:20260102T000000Z", False),
        ("BEGIN:VALARM\r\nTRIGGER:PT0S\r\nEND:VALARM", False),
    ],
)
def test_what_does_not_matter_to_guests_is_not_told(line: str, tells: bool) -> None:
    """DAV-24"""
    before = entry(component(guest(TOM)))
    _, messages = change(before, entry(component(guest(TOM), line)))
    assert bool(messages) == tells
    assert change(before, before) == (write_component(before.calendar), [])


def test_a_move_makes_answers_void_and_others_keep_them() -> None:
    """DAV-24, DAV-27: SEQUENCE rises unless the client has raised it."""
    before = entry(component(guest(TOM, "ACCEPTED"), "SEQUENCE:3"))
    moved, messages = change(before, entry(component(guest(TOM, "ACCEPTED"), "SEQUENCE:3", day=25)))
    assert "SEQUENCE:4" in moved
    assert "PARTSTAT=NEEDS-ACTION" in moved
    assert "PARTSTAT=NEEDS-ACTION" in messages[0].text
    raised, _ = change(before, entry(component(guest(TOM, "ACCEPTED"), "SEQUENCE:7", day=25)))
    assert "SEQUENCE:7" in raised
    stale, _ = change(before, entry(component(guest(TOM), "SEQUENCE:3", "SUMMARY:x")), keep=True)
    assert "PARTSTAT=ACCEPTED" in stale


def test_a_move_of_one_date_makes_its_answers_void() -> None:
    """DAV-24: the first exception for a date is compared with the series; another title alone is not a move."""
    series = component("RRULE:FREQ=DAILY;COUNT=5", guest(TOM, "ACCEPTED"), "SEQUENCE:3", "SUMMARY:Rowing")
    name = "RECURRENCE-ID;TZID=Europe/Berlin:20991126T100000"
    moved = component(
        name,
        "DTSTART;TZID=Europe/Berlin:20991126T150000",
        "DTEND;TZID=Europe/Berlin:20991126T160000",
        guest(TOM, "ACCEPTED"),
        "SEQUENCE:3",
    )
    stored, messages = change(entry(series), entry(series, moved))
    (date,) = (part for part in stored.split("BEGIN:VEVENT") if "RECURRENCE-ID" in part)
    assert "PARTSTAT=NEEDS-ACTION" in date
    assert "SEQUENCE:4" in date
    assert "PARTSTAT=NEEDS-ACTION" in messages[0].text
    titled = component(name, guest(TOM, "ACCEPTED"), "SEQUENCE:3", "SUMMARY:Sailing", day=26)
    stored, _ = change(entry(series), entry(series, titled))
    assert stored.count("PARTSTAT=ACCEPTED") == 2
    assert stored.count("SEQUENCE:3") == 2


def test_who_is_taken_off_or_called_off_is_told() -> None:
    """DAV-24: never who was not asked; a later invitation counts again."""
    both, one = entry(component(guest(TOM), guest(ADA))), entry(component(guest(TOM)))
    _, messages = change(both, one)
    assert told(messages) == {TOM: "REQUEST", ADA: "CANCEL"}
    [off_for_ada] = [one for one in messages if one.method == "CANCEL"]
    assert "SEQUENCE:1" in off_for_ada.text
    off = entry(component(guest(TOM), "STATUS:CANCELLED"))
    assert told(change(one, off)[1]) == {TOM: "CANCEL"}
    assert change(None, off)[1] == []
    assert change(off, off)[1] == []
    assert told(list(called_off(both, OWN, NOW))) == {TOM: "CANCEL", ADA: "CANCEL"}
    mine = entry(component(guest(ADA, "ACCEPTED")))
    _, message = read_message(off_for_ada.text)
    gone = with_cancel(mine, message, frozenset({ADA}), NOW)
    assert gone is not None
    assert "STATUS:CANCELLED" in write_component(gone)
    _, again = read_message(change(one, both)[1][0].text)
    assert with_request(read_object(write_component(gone).encode()), again, frozenset({ADA}), NOW) is not None


def test_agents_and_wishes_of_clients() -> None:
    """DAV-23, DAV-24: SCHEDULE-AGENT, SCHEDULE-FORCE-SEND; parts of the user."""
    for agent in ("CLIENT", "NONE"):
        assert change(None, entry(component(guest(ADA, SCHEDULE_AGENT=agent))))[1] == []
    same = entry(component(guest(ADA)))
    forced = entry(component(guest(ADA, SCHEDULE_FORCE_SEND="REQUEST")))
    text, messages = change(same, forced)
    assert told(messages) == {ADA: "REQUEST"}
    assert "FORCE" not in text
    assert role_of(same, OWN) == "organizer"
    assert role_of(same, frozenset({ADA})) == "attendee"
    assert role_of(same, LOCAL) == ""
    assert (
        role_of(
            entry(component(guest(MIA), organizer=f"{ADA}").replace("ORGANIZER:", "ORGANIZER;SCHEDULE-AGENT=NONE:")),
            OWN,
        )
        == ""
    )


def test_what_a_user_may_not_change() -> None:
    """DAV-23, DAV-26"""
    before = entry(component(guest(MIA), organizer=ADA))
    for wrong in (component(guest(MIA), organizer=ADA, day=25), component(guest(MIA), guest(TOM), organizer=ADA)):
        with pytest.raises(NotAllowed):
            check_attendee(before, entry(wrong), OWN)
    check_attendee(before, entry(component(guest(MIA, "DECLINED"), "SUMMARY:x", organizer=ADA)), OWN)
    with pytest.raises(NotAllowed, match="can't change"):
        check_organizer(entry(component(organizer=TOM)), before)
    two = entry(component(organizer=TOM), component("RECURRENCE-ID:20991124T100000Z", organizer=ADA))
    with pytest.raises(NotAllowed, match="the same organizer"):
        check_organizer(two, None)


def test_answers_of_a_guest() -> None:
    """DAV-26: to all, to one date by an exception or EXDATE, by removal; none without news."""
    asked = entry(component("RRULE:FREQ=DAILY;COUNT=5", guest(MIA), organizer=ADA))
    yes = entry(component("RRULE:FREQ=DAILY;COUNT=5", guest(MIA, "ACCEPTED"), "COMMENT:Late", organizer=ADA))
    reply = answered(asked, yes, OWN, LOCAL, NOW).message
    assert reply is not None
    assert (reply.method, reply.recipients) == ("REPLY", (ADA,))
    assert "COMMENT:Late" in reply.text
    assert "RRULE" not in reply.text
    assert answered(yes, yes, OWN, LOCAL, NOW).message is None
    assert answered(None, asked, OWN, LOCAL, NOW).message is None
    series = component("RRULE:FREQ=DAILY;COUNT=5", guest(MIA, "ACCEPTED"), organizer=ADA)
    date = component("RECURRENCE-ID;TZID=Europe/Berlin:20991125T100000", guest(MIA, "DECLINED"), organizer=ADA, day=25)
    one = answered(yes, entry(series, date), OWN, LOCAL, NOW)
    assert one.message is not None
    assert one.message.text.count("BEGIN:VEVENT") == 1
    out = series.replace("END:VEVENT", "EXDATE;TZID=Europe/Berlin:20991126T100000\r\nEND:VEVENT")
    left = answered(yes, entry(out), OWN, LOCAL, NOW).message
    assert left is not None
    assert "RECURRENCE-ID;TZID=Europe/Berlin:20991126T100000" in left.text
    assert "PARTSTAT=DECLINED" in left.text
    gone = refused(yes, OWN, NOW)
    assert gone is not None
    assert "PARTSTAT=DECLINED" in gone.text
    assert refused(entry(component(guest(MIA, "DECLINED"), organizer=ADA)), OWN, NOW) is None


def test_an_answer_changes_its_guest_only() -> None:
    """DAV-26: not of strangers, not to older versions; an exception is made for a date of a series."""
    mine = entry(component("RRULE:FREQ=DAILY;COUNT=5", "SEQUENCE:2", guest(TOM), guest(ADA)))

    def reply(*lines: str) -> CalendarObject:
        text = component("DTSTART:20991124T090000Z", *lines)
        return read_message("\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "METHOD:REPLY", text, "END:VCALENDAR", "")))[
            1
        ]

    assert with_reply(mine, reply(guest(ADA, "ACCEPTED"), "SEQUENCE:1"), ADA, NOW) is None
    assert with_reply(mine, reply(guest("eve@e.example", "ACCEPTED"), "SEQUENCE:2"), "eve@e.example", NOW) is None
    assert with_reply(mine, reply(guest(TOM, "ACCEPTED"), "SEQUENCE:2"), ADA, NOW) is None
    done = with_reply(mine, reply(guest(ADA, "ACCEPTED"), "SEQUENCE:2"), ADA, NOW)
    assert done is not None
    text = write_component(done).replace("\r\n ", "")
    assert (
        "ATTENDEE;PARTSTAT=ACCEPTED;SCHEDULE-STATUS=2.0;X-MOXLITE-DTSTAMP=20260101T000000Z:mailto:ada@far.example"
        in text
    )
    assert "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:tom@x.example" in text
    date = with_reply(
        mine, reply("RECURRENCE-ID;TZID=Europe/Berlin:20991126T100000", guest(ADA, "DECLINED"), "SEQUENCE:2"), ADA, NOW
    )
    assert date is not None
    assert "DTSTART;TZID=Europe/Berlin:20991126T100000" in write_component(date)


def test_the_last_of_two_answers_counts() -> None:
    """DAV-26: whichever comes first (RFC 5546 §2.1.5); one of a clock that is years ahead is as old as its arrival."""

    def reply(status: str, hour: str, year: int = 2026) -> CalendarObject:
        text = component("DTSTART:20991124T090000Z", guest(ADA, status)).replace("20260101T00", f"{year}0101T{hour}")
        return read_message("\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "METHOD:REPLY", text, "END:VCALENDAR", "")))[
            1
        ]

    there = entry(component(guest(TOM), guest(ADA)))

    def answer(now: int, *replies: CalendarObject) -> str:
        calendar = there
        for one in replies:
            if (done := with_reply(calendar, one, ADA, now)) is not None:
                calendar = read_object(write_component(done).encode())
        return next(line.parameter("PARTSTAT") for line in calendar.main.all("ATTENDEE") if ADA in line.value)

    yes, no, again = reply("ACCEPTED", "08"), reply("DECLINED", "09"), reply("ACCEPTED", "10")
    assert answer(NOW, yes, no) == answer(NOW, no, yes) == "DECLINED"
    assert answer(NOW, yes, again, no) == "ACCEPTED"
    assert answer(0, reply("ACCEPTED", "08", 2099), no) == "DECLINED"
    stamped = guest(ADA, X_MOXLITE_DTSTAMP="20260101T080000Z")
    _, (message,) = change(there, entry(component(guest(TOM), stamped, "SUMMARY:x")))
    assert "X-MOXLITE" not in message.text


def test_an_answer_does_not_bring_back_a_date() -> None:
    """DAV-26: that the organiser has taken out of the series before it came."""
    out = "EXDATE;TZID=Europe/Berlin:20991125T100000,20991126T100000"
    mine = entry(component("RRULE:FREQ=DAILY;COUNT=5", guest(ADA), out))
    text = component("RECURRENCE-ID:20991126T090000Z", "DTSTART:20991126T090000Z", guest(ADA, "ACCEPTED"))
    late = "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "METHOD:REPLY", text, "END:VCALENDAR", ""))
    assert with_reply(mine, read_message(late)[1], ADA, NOW) is None


@pytest.mark.parametrize(
    "ending", ["RRULE:FREQ=DAILY;UNTIL=20991125T090000Z", "RRULE:FREQ=DAILY;COUNT=5\r\nEXDATE:20991126T090000Z"]
)
def test_a_date_that_comes_back_is_as_the_organizer_has_it(ending: str) -> None:
    """DAV-24, DAV-26: also where its number is less than that by which it was taken away."""

    def series(rule: str) -> str:
        return component(rule, "SEQUENCE:4", guest(MIA, "ACCEPTED"), guest(TOM))

    moment = "RECURRENCE-ID;TZID=Europe/Berlin:20991126T100000"
    date = component(moment, "LOCATION:Pier", "SEQUENCE:1", guest(MIA, "ACCEPTED"), guest(TOM), day=26)
    whole = entry(series("RRULE:FREQ=DAILY;COUNT=5"), date)
    before, theirs = None, None
    for second, after in enumerate((whole, entry(series(ending)), whole)):
        text, messages = change(before, after)
        before = read_object(text.encode())
        for message in messages:
            method, part = read_message(message.text)
            take = with_request if method == "REQUEST" else with_cancel
            made = take(theirs, part, frozenset({TOM}), NOW + second)  # type: ignore[arg-type]  # none is ended first
            assert made is not None
            theirs = read_object(write_component(made).encode())
    assert theirs is not None
    assert [part.value("LOCATION") for part in theirs.parts if part.first("RECURRENCE-ID")] == ["Pier"]


def test_an_older_update_changes_nothing() -> None:
    """DAV-25: of one SEQUENCE, that with the later DTSTAMP counts, whichever comes first (RFC 5546 §2.1.5)."""

    def request(place: str, hour: str) -> CalendarObject:
        text = component(guest(MIA), f"LOCATION:{place}", organizer=ADA).replace("20260101T00", f"20260101T{hour}")
        return entry(text)

    first = with_request(None, request("Pier", "08"), OWN, NOW)
    assert first is not None
    newest = with_request(read_object(write_component(first).encode()), request("Quay", "10"), OWN, NOW)
    assert newest is not None
    there = read_object(write_component(newest).encode())
    assert with_request(there, request("Lock", "09"), OWN, NOW) is None
    assert with_request(there, request("Lock", "11"), OWN, NOW) is not None


def test_an_update_leaves_what_it_changed_as_it_was() -> None:
    """WEBMAIL-129: times, title and place; kept by the same version with an answer, and not sent to others."""

    def request(hour: int, *lines: str, day: int = 24) -> CalendarObject:
        text = component(guest(MIA), f"SEQUENCE:{hour}", *lines, organizer=ADA, day=day)
        return entry(text.replace("20260101T00", f"20260101T{hour:02}"))

    def taken(there: CalendarObject | None, message: CalendarObject, status: str = "") -> CalendarObject:
        made = with_answer(there, message, OWN, status, NOW) if status else with_request(there, message, OWN, NOW)
        assert made is not None
        return read_object(write_component(made).encode())

    def former(there: CalendarObject, at: int = 0) -> list[str]:
        organizer = there.parts[at].first("ORGANIZER")
        assert organizer is not None
        return [line.whole for line in kept_lines(organizer)]

    times = [f"{name};TZID=Europe/Berlin:20991124T{at}0000" for name, at in (("DTSTART", 10), ("DTEND", 11))]
    first = taken(None, request(1, 'SUMMARY:"Plan"; a^b, c', "RRULE:FREQ=DAILY"))
    assert former(first) == []
    update = request(2, "SUMMARY:Talk", "LOCATION:Pier", "RRULE:FREQ=DAILY", day=25)
    moved = taken(first, update)
    assert sorted(former(moved)) == sorted([*times, 'SUMMARY:"Plan"; a^b, c', "LOCATION:"])
    assert former(taken(moved, update, "ACCEPTED")) == former(moved)
    assert former(taken(moved, request(3, "SUMMARY:Talk", "LOCATION:Pier", "RRULE:FREQ=DAILY", day=25))) == []
    # a date without a component of its own was at its time by the rule
    date = "RECURRENCE-ID;TZID=Europe/Berlin:20991126T100000"
    one = taken(moved, request(4, "SUMMARY:Talk", "LOCATION:Pier", date, day=27))
    assert sorted(former(one, 1)) == [
        f"{name};TZID=Europe/Berlin:20991126T{at}0000" for name, at in (("DTEND", 11), ("DTSTART", 10))
    ]
    assert "X-MOXLITE" not in "".join(message.text for message in called_off(moved, frozenset({ADA}), NOW))


def test_parameters_of_a_line_are_changed_in_place() -> None:
    """DAV-1: all else of the line stays as it came."""
    one = property_of('ATTENDEE;CN="Lind; Ada:x";MEMBER="mailto:a@x","mailto:b@x";PARTSTAT=TENTATIVE:mailto:ada@x')
    assert one is not None
    changed = with_parameters(one, {"PARTSTAT": "ACCEPTED", "CN": ""})
    assert changed.whole == 'ATTENDEE;MEMBER="mailto:a@x","mailto:b@x";PARTSTAT=ACCEPTED:mailto:ada@x'
    assert changed.value == "mailto:ada@x"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "BEGIN:VCALENDAR\r\nEND:VCALENDAR",
        "BEGIN:VCALENDAR\r\nMETHOD:REFRESH\r\nBEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\nEND:VCALENDAR",
        "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:x\r\nEND:VEVENT\r\nEND:VCALENDAR",
    ],
)
def test_what_asks_nothing_is_refused(text: str) -> None:
    """DAV-29"""
    with pytest.raises(BadComponents):
        cleaned(text)


REPLIED = {
    *("BEGIN", "END", "VERSION", "PRODID", "METHOD", "UID", "RECURRENCE-ID", "DTSTART", "DTEND", "DURATION", "SUMMARY"),
    *("COMMENT", "ORGANIZER", "ATTENDEE", "SEQUENCE", "DTSTAMP", "REQUEST-STATUS"),
}


@pytest.mark.parametrize("name", ["COMMENT", "SUMMARY", "DURATION", "DTSTART", "DTEND", "RECURRENCE-ID"])
@pytest.mark.parametrize(
    "head",
    [
        ";ENCODING=QUOTED-PRINTABLE:20991124T100000Z=\r\n",
        ";X=QUOTED-PRINTABLE:20991124T100000Z=\r\n",
        ";ENCODING=QUOTED-PRINTABLE;CHARSET=utf-8:20991124T100000Z=0D=0A",
        ";ENCODING=QUOTED-PRINTABLE;X=a=\r\n",
    ],
)
def test_a_value_of_several_lines_is_no_line_of_a_calendar(name: str, head: str) -> None:
    """DAV-26, DAV-29: a value in quoted-printable of old versions holds ends of lines, and what a stranger writes after
    them would stand in the answer that the user's server signs, and in the entry that phones read.
    """
    lines = ["X-EVIL:1=", "ATTACH:file:///x=", f"{guest(TOM, 'ACCEPTED')}=", "END:VEVENT=", "BEGIN:VEVENT=", "UID:2"]
    for evil in ("\r\n".join(lines), "=0D=0A".join(lines).replace(" ", "")):
        event = component(guest(MIA), f"{name}{head}{evil}", organizer=ADA)
        text = "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "METHOD:REQUEST", event, "END:VCALENDAR", ""))
        try:
            text = cleaned(text)
            _, message = read_message(text)
        except ValueError:  # of times that are none
            continue
        made = with_answer(None, message, OWN, "ACCEPTED", NOW)
        assert made is not None
        stored = write_component(made)
        reply = refused(read_object(stored.encode()), OWN, NOW)
        assert reply is not None
        for one in (text, stored, reply.text):
            written = one.replace("\r\n ", "").splitlines()
            assert {line.partition(":")[0].partition(";")[0] for line in written} <= REPLIED
            assert (written.count("BEGIN:VEVENT"), written.count("UID:1"), "UID:2" in written) == (1, 1, False)
            assert [line for line in written if line.startswith("ATTENDEE") and TOM in line] == []


@pytest.mark.parametrize(
    ("lines", "link"),
    [
        (["CONFERENCE;VALUE=URI:tel:+1", "CONFERENCE;VALUE=URI;LABEL=x:https://a.example/1"], "https://a.example/1"),
        (["CONFERENCE:https://a.example/1", "CONFERENCE:https://b.example/2"], "https://a.example/1"),
        (
            ["X-GOOGLE-CONFERENCE:https://meet.google.com/a-b", "X-OTHER:https://c.example/"],
            "https://meet.google.com/a-b",
        ),
        (["X-MICROSOFT-SKYPETEAMSMEETINGURL:https://teams.example/l"], "https://teams.example/l"),
        (["CONFERENCE:http://a.example/1"], ""),
        (["CONFERENCE:javascript:alert(1)//https://a.example"], ""),
        (["CONFERENCE:https://a.example/<b>"], ""),
        ([f"CONFERENCE:https://a.example/{'x' * 2000}"], ""),
    ],
)
def test_of_conferences_in_a_mail_one_https_link_is_kept(lines: list[str], link: str) -> None:
    """DAV-29, WEBMAIL-175b: alone, and without what else a stranger wrote in the line; the card shows the same."""
    event = component(guest(MIA), "SUMMARY:Plan", *lines, organizer=ADA)
    text = "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "METHOD:REQUEST", event, "END:VCALENDAR", ""))
    written = cleaned(text).replace("\r\n ", "").splitlines()
    kept = [line for line in written if line.startswith(("CONFERENCE", "X-"))]
    assert kept == ([f"CONFERENCE;VALUE=URI:{link}"] if link else [])
    assert read_calendar(text).event.join == link


LINES = st.sampled_from(
    [
        "BEGIN:VCALENDAR",
        "END:VCALENDAR",
        "BEGIN:VEVENT",
        "END:VEVENT",
        "METHOD:REQUEST",
        "METHOD:REPLY",
        "UID:1",
        "UID:2",
        "ATTACH:x",
        "X-A:b",
        "DTSTART:20991124T100000Z",
        "RRULE:FREQ=DAILY",
        "RECURRENCE-ID:20991124T100000Z",
        "ORGANIZER:mailto:a@b.example",
        ";:",
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@b.example",
        "BEGIN:VALARM",
        "END:VALARM",
        "BEGIN:VTIMEZONE",
        "END:VTIMEZONE",
    ]
)


@settings(max_examples=300)
@given(st.lists(LINES, max_size=30))
@example(
    [
        "METHOD:REQUEST",
        "BEGIN:VTIMEZONE",
        "ATTACH:x",
        "BEGIN:VALARM",
        "END:VALARM",
        "END:VTIMEZONE",
        "BEGIN:VEVENT",
        "UID:1",
    ]
)
def test_what_is_written_anew_can_be_read(lines: list[str]) -> None:
    """DAV-29: whatever a stranger sends, the rest of the program reads what the sandbox wrote, or an error."""
    try:
        text = cleaned("\r\n".join(("BEGIN:VCALENDAR", *lines)))
    except BadComponents:
        return
    assert not {"ATTACH:x", "X-A:b", "BEGIN:VALARM"} & {*text.split("\r\n")}
    try:
        method, found = read_message(text)
    except ValueError:
        return
    assert method in ("REQUEST", "REPLY")
    assert found.uid in ("1", "2")


@pytest.mark.parametrize(
    "piece",
    ["ATTENDEE:mailto:a@b.example", "X-A:b", "EXDATE:20991124T100000Z", "BEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT"],
)
def test_hostile_messages_take_linear_time(piece: str) -> None:
    """DAV-29"""
    took = []
    for number in (4000, 32_000):
        text = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1\r\n" + f"{piece}\r\n" * number
        began = time.process_time()
        try:
            cleaned(text)
        except BadComponents:
            pass
        took.append(time.process_time() - began)
    assert took[1] < 60 * max(took[0], 0.001)


def test_dates_left_out_of_a_series_are_read_once_a_message() -> None:
    """DAV-24, DAV-26: a cancellation of many dates of a series that leaves out as many as an entry has room for."""
    left_out = [
        "EXDATE:"
        + ",".join(f"20990101T{hour:02}{minute:02}{second:02}Z" for minute in range(60) for second in range(60))
        for hour in range(10)
    ]
    there = entry(component("RRULE:FREQ=DAILY", *left_out, guest(TOM)))
    dates = [f"2100{month:02}{day:02}T090000Z" for month in range(2, 10) for day in range(1, 28)]
    parts = [component("SEQUENCE:1", f"RECURRENCE-ID:{date}") for date in dates]
    _, message = read_message("\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "METHOD:CANCEL", *parts, "END:VCALENDAR")))
    began = time.process_time()
    assert with_cancel(there, message, frozenset({TOM}), NOW) is not None
    assert time.process_time() - began < 3


@pytest.mark.parametrize("date", ["EXDATE;VALUE=DATE:20991125", "EXDATE:20991125T090000Z"])
def test_a_day_left_out_of_a_series_gets_no_exception(date: str) -> None:
    """DAV-24: programs leave out a day of a series of times by its date alone, too."""
    there = entry(component("RRULE:FREQ=DAILY", date, guest(TOM)))
    parts = [component("SEQUENCE:1", f"RECURRENCE-ID:209911{day}T090000Z") for day in (25, 26)]
    _, message = read_message("\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "METHOD:CANCEL", *parts, "END:VCALENDAR")))
    changed = with_cancel(there, message, frozenset({TOM}), NOW)
    assert changed is not None
    assert [line for line in write_component(changed).splitlines() if line.startswith("RECURRENCE-ID")] == [
        "RECURRENCE-ID:20991126T090000Z"
    ]


@pytest.mark.parametrize(
    ("date", "end"),
    [
        ("99991231T150000Z", "DTEND:99991231T235959Z"),
        ("00010102T000000Z", "DTEND;TZID=America/New_York:00010102T200358"),
        ("00010101T000000Z", ""),
    ],
)
@pytest.mark.parametrize("method", ["CANCEL", "REPLY"])
def test_a_message_may_be_about_a_time_at_the_ends_of_all_years(method: str, date: str, end: str) -> None:
    """DAV-24, DAV-26: an exception ends in the last year; a time that the zone of the series cannot say makes none."""
    times = ("DTSTART;TZID=America/New_York:20991124T100000", "DTEND;TZID=America/New_York:20991125T110000")
    there = entry(component(*times, "RRULE:FREQ=DAILY", guest(ADA)))
    text = component("SEQUENCE:1", f"RECURRENCE-ID:{date}", f"DTSTART:{date}", guest(ADA, "ACCEPTED"))
    lines = ("BEGIN:VCALENDAR", "VERSION:2.0", f"METHOD:{method}", text, "END:VCALENDAR", "")
    message = read_message("\r\n".join(lines))[1]
    made = (
        with_cancel(there, message, frozenset({TOM}), NOW)
        if method == "CANCEL"
        else with_reply(there, message, ADA, NOW)
    )
    text = "" if made is None else write_component(made)
    assert end in text if end else "RECURRENCE-ID" not in text


@pytest.mark.parametrize(
    ("zone", "date", "start", "end"),
    [
        (";TZID=Europe/Berlin", "20991130T090000Z", "DTSTART;TZID=Europe/Berlin:20991130T100000", "20991130T110000"),
        (";TZID=Europe/Berlin", "21000401T080000Z", "DTSTART;TZID=Europe/Berlin:21000401T100000", "21000401T110000"),
        ("", "20991130T100000", "DTSTART:20991130T100000\r", "DTEND:20991130T110000\r"),
    ],
)
def test_an_exception_is_in_the_zone_of_its_series(zone: str, date: str, start: str, end: str) -> None:
    """DAV-26: also where the series is at the same time on all clocks, as no time in UTC is."""
    times = (f"DTSTART{zone}:20991124T100000", f"DTEND{zone}:20991124T110000")
    there = entry(component(*times, "RRULE:FREQ=DAILY", guest(ADA)))
    text = component("SEQUENCE:0", f"RECURRENCE-ID:{date}", f"DTSTART:{date}", guest(ADA, "ACCEPTED"))
    lines = ("BEGIN:VCALENDAR", "VERSION:2.0", "METHOD:REPLY", text, "END:VCALENDAR", "")
    made = with_reply(there, read_message("\r\n".join(lines))[1], ADA, NOW)
    assert made is not None
    text = write_component(made)
    exception = text[text.index("RECURRENCE-ID") :]
    assert start in exception
    assert end in exception


def cancelling(days: int, *lines: str) -> CalendarObject:
    dates = [f"2100{1 + day // 28:02}{1 + day % 28:02}T090000Z" for day in range(days)]
    parts = [component("SEQUENCE:1", f"RECURRENCE-ID:{date}", *lines) for date in dates]
    return read_message("\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "METHOD:CANCEL", *parts, "END:VCALENDAR")))[1]


def test_dates_that_are_called_off_are_bare() -> None:
    """DAV-24, DAV-5a: each says when and what it is, and the receiver's answer; the series keeps its description."""
    alarm = ("BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT5M", "END:VALARM")
    comments = (f"COMMENT:{number}" for number in range(9_000))
    there = entry(component("RRULE:FREQ=DAILY", "SUMMARY:Talk", *comments, guest(TOM, "ACCEPTED"), guest(ADA), *alarm))
    made = with_cancel(there, cancelling(300), frozenset({TOM}), NOW)
    assert made is not None
    _, *off = (part for part in made.components if part.name == "VEVENT")
    assert len(off) == 300
    assert {part.value("STATUS") for part in off} == {"CANCELLED"}
    assert all(len(part.properties) < 12 and not part.components for part in off)
    assert [len(part.all("ATTENDEE")) for part in off] == [1] * 300
    assert {part.value("SUMMARY") for part in off} == {"Talk"}
    read_object(write_component(made).encode())


@pytest.mark.parametrize(
    ("days", "title", "reason"), [(1, 1, ""), (1200, 1, "1000 changed occurrences"), (500, 5_000, "1 MiB")]
)
def test_the_size_of_dates_called_off_is_asked_before_they_are_made(days: int, title: int, reason: str) -> None:
    """DAV-5a: a message of some KiB would make an entry of many MiB."""
    there = entry(component("RRULE:FREQ=DAILY", "SUMMARY:" + "x" * title, guest(TOM)))
    message = cancelling(min(days, 336))
    message.parts += [
        component_of(f"RECURRENCE-ID:2101{1 + day // 28 % 12:02}{1 + day % 28:02}T{9 + day // 336:02}0000Z")
        for day in range(days - 336)
    ]
    if not reason:
        assert with_cancel(there, message, frozenset({TOM}), NOW) is not None
        return
    with pytest.raises(AboveLimit, match=reason):
        with_cancel(there, message, frozenset({TOM}), NOW)


def component_of(*lines: str) -> Component:
    return entry(component("SEQUENCE:1", *lines)).parts[0]


def test_answers_to_dates_make_no_entry_of_many_mebibytes() -> None:
    """DAV-5a: those for whose exceptions there is no room are left out."""
    there = entry(component("RRULE:FREQ=DAILY", "DESCRIPTION:" + "x" * 200_000, guest(ADA)))
    replies = [component_of(f"RECURRENCE-ID:209912{day}T090000Z", guest(ADA, "ACCEPTED")) for day in range(10, 30)]
    made = with_reply(there, CalendarObject(there.calendar, replies, {}), ADA, NOW)
    assert made is not None
    assert sum(part.first("RECURRENCE-ID") is not None for part in made.components) == 4


@pytest.mark.parametrize(
    ("reason", "lines"),
    [
        ("10,000 lines", [f"X-A:{number}" for number in range(10_001)]),
        ("5000 components", ["BEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VALARM"] * 5_000),
        ("500 guests", [guest(f"a{number}@x.example") for number in range(501)]),
        ("4 recurrence rules", ["RRULE:FREQ=DAILY"] * 5),
        ("256 KiB", ["DESCRIPTION:" + "x" * (257 << 10)]),
    ],
)
def test_what_comes_in_has_limits_that_are_named(reason: str, lines: list[str]) -> None:
    """DAV-5a: what is stored already may be changed while it becomes no larger."""
    large = entry(component(*lines)).calendar
    with pytest.raises(AboveLimit, match=reason):
        check_extent(large)
    check_extent(large, extent_of(large))
    check_extent(entry(component(*lines[:-1])).calendar, extent_of(large))
    larger = entry(component(*lines, *lines[-1:], guest("b@x.example"), "X-B:" + "x" * (300 << 10))).calendar
    with pytest.raises(AboveLimit):
        check_extent(larger, extent_of(large))


def crowd(guests: int, exceptions: int, *lines: str) -> CalendarObject:
    """A series with as many guests in all of its exceptions."""
    people = [guest(f"g{number}@far.example") for number in range(guests)]
    dates = [f"RECURRENCE-ID:2100{1 + day // 28:02}{1 + day % 28:02}T090000Z" for day in range(exceptions)]
    return entry(component("RRULE:FREQ=DAILY", *lines, *people), *(component(date, *people) for date in dates))


def test_guests_cost_in_proportion_to_the_entry() -> None:
    """DAV-24: of entries of before there were limits, too: each line is compared once, not once for each guest."""

    def taken(guests: int, exceptions: int) -> float:
        before, after = crowd(guests, exceptions), crowd(guests, exceptions, "SUMMARY:Other")
        began = time.process_time()
        assert [len(message.recipients) for message in change(before, after)[1]] == [guests]
        assert [len(message.recipients) for message in called_off(after, OWN, NOW)] == [guests]
        return time.process_time() - began

    assert taken(500, 50) < 40 * max(taken(50, 25), 0.02)


def test_views_without_number_are_refused_and_called_off_in_short() -> None:
    """DAV-24: each of 500 guests sees other dates of a series with a long description."""
    long = "DESCRIPTION:" + "x" * 100_000
    people = [guest(f"g{number}@far.example") for number in range(300)]
    dates = [f"RECURRENCE-ID:2100{1 + day // 28:02}{1 + day % 28:02}T090000Z" for day in range(300)]
    parts = [component(date, one) for date, one in zip(dates, people, strict=True)]
    before = entry(component("RRULE:FREQ=DAILY", long, *people), *parts)
    after = entry(component("RRULE:FREQ=DAILY", "SUMMARY:Other", long, *people), *parts)
    with pytest.raises(NotAllowed, match="too many different versions"):
        change(before, after)
    [message] = called_off(before, OWN, NOW)
    assert len(message.recipients) == 300
    assert len(message.text) < 1000
    method, off = read_message(message.text)
    assert (method, off.parts[0].value("STATUS"), off.parts[0].value("SEQUENCE")) == ("CANCEL", "CANCELLED", "1")
    assert with_cancel(before, off, frozenset({TOM}), NOW) is not None


def test_dates_taken_out_are_looked_up_once() -> None:
    """DAV-26: an attendee whose program writes all dates anew, in lines of their own."""
    dates = [
        f"20{year}{month:02}{day:02}T090000Z"
        for year in range(30, 60)
        for month in range(1, 13)
        for day in range(1, 26)
    ]
    was = entry(component("RRULE:FREQ=DAILY", "EXDATE:" + ",".join(dates), guest(MIA), organizer=ADA))
    now = entry(component("RRULE:FREQ=DAILY", *(f"EXDATE:{date}" for date in dates), guest(MIA), organizer=ADA))
    began = time.process_time()
    assert answered(was, now, OWN, LOCAL, NOW).message is None
    assert time.process_time() - began < 4
