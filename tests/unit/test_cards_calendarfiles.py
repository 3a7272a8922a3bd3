"""Files of many events, as other programs have them, and as hostile ones are (DAV-40, DAV-49)."""

from collections.abc import Callable
from itertools import islice

import pytest
from hypothesis import assume, given, strategies as st

from moxlite.proto.cards.calendarfiles import (
    CALENDAR_END,
    HEAD,
    LARGEST,
    MAX_ZONES,
    About,
    WrittenZones,
    about_of,
    calendar_head,
    calendar_parts,
    calendars_by_uid,
    file_lines,
    file_text,
    split_calendars,
)
from moxlite.proto.cards.calendarobject import CalendarObject, read_object
from moxlite.proto.cards.components import Component, read_components
from moxlite.proto.cards.contentline import unfolded
from tests.memory import at_most

SIZE = 2 << 20


def event(uid: str, *lines: str) -> str:
    body = "".join(f"{line}\r\n" for line in (f"UID:{uid}", "DTSTART;TZID=Here:20260101T100000", *lines))
    return f"BEGIN:VEVENT\r\n{body}END:VEVENT\r\n"


def zone(name: str, rules: int) -> str:
    rule = "BEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\n"
    return f"BEGIN:VTIMEZONE\r\nTZID:{name}\r\n{rule * rules}END:VTIMEZONE\r\n"


def file(*parts: str) -> str:
    return "".join(("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n", *parts, "END:VCALENDAR\r\n"))


def test_an_entry_has_the_zones_that_it_names() -> None:
    """DAV-40: and all components of its UID, wherever they are in the file."""
    text = file(event("a"), zone("There", 1), event("b"), event("a", "RECURRENCE-ID:20260108T090000Z"), zone("Here", 2))
    found = dict(calendars_by_uid(text))
    assert list(found) == ["a", "b"]
    assert found["a"].count("BEGIN:VEVENT") == 2
    assert found["b"].count("BEGIN:STANDARD") == 2
    assert all("TZID:There" not in one for one in found.values())
    assert all(one.startswith("BEGIN:VCALENDAR\r\n") and one.endswith("END:VCALENDAR\r\n") for one in found.values())


def starts(entry: CalendarObject) -> int | None:
    return entry.bounds()[0]


def test_zones_of_one_name_stay_apart() -> None:
    """DAV-40, DAV-8: Outlook names different zones "Customized Time Zone"; each event keeps its time in a file of all,
    and in one of several calendars. A zone that all know is written once.
    """
    east = zone("Here", 1)
    west = east.replace("+0100", "-0500")
    berlin = zone("Europe/Berlin", 1)
    texts = [
        file(east, event("a")),
        file(west, event("b", "BEGIN:VALARM", "TRIGGER:-PT5M", "END:VALARM")),
        file(west, event("c")),
        file(berlin, event("d").replace("Here", "Europe/Berlin")),
        file(berlin.replace("+0100", "+0200"), event("e").replace("Here", "Europe/Berlin")),
    ]
    wanted = {one.uid: starts(one) for one in (read_object(text.encode()) for text in texts)}
    assert len(set(wanted.values())) == 2
    zones = WrittenZones()
    parts = [calendar_parts(read_object(text.encode()).calendar, zones) for text in texts]
    whole = calendar_head(About("All")) + "".join(parts) + CALENDAR_END
    assert whole.count("BEGIN:VTIMEZONE") == 3
    for text in (whole, "".join(texts)):
        entries = [read_object(one.encode()) for _, one in calendars_by_uid(text)]
        assert {one.uid: starts(one) for one in entries} == wanted


def test_a_calendar_keeps_its_title_colour_and_description() -> None:
    """DAV-49a: in its file; what a file says of an event is not the calendar's."""
    about = About("Kids, \\school; all", "#3a87ad", "Lessons\nand trips; bring\\buy")
    assert about_of(calendar_head(about) + CALENDAR_END) == about
    assert about_of(file("X-APPLE-CALENDAR-COLOR:javascript:x\r\n", event("a", "COLOR:red"))) == About()


LINES = st.builds(
    lambda uid, lines: [*uid, *lines],
    st.sampled_from([(), ("UID:",), ("UID;X=1:own",), ("uid:x",), ("UID:long" + "g" * 100,)]),
    st.lists(
        st.sampled_from(["SUMMARY:a", "SUMMARY:b", "DTSTAMP:20260101T000000Z", "RECURRENCE-ID:20260102T100000Z"]),
        max_size=3,
    ),
)
ALARM = "BEGIN:VALARM\r\nUID:alarm\r\nACTION:DISPLAY\r\nEND:VALARM\r\n"


@given(st.lists(st.tuples(LINES, st.sampled_from(["VEVENT", "VTODO"]), st.booleans()), max_size=6))
def test_each_component_is_in_one_entry_of_one_uid(drawn: list[tuple[list[str], str, bool]]) -> None:
    """DAV-40: whatever UIDs the file has, and the same at each reading; only equal ones are one."""
    parts = ["\r\n".join([f"BEGIN:{kind}", *lines, ALARM * alarm + f"END:{kind}", ""]) for lines, kind, alarm in drawn]
    entries = [*calendars_by_uid(file(*parts))]
    assert len({uid for uid, _ in entries}) == len(entries)
    assert [*calendars_by_uid(file(*(part.replace("0101T00", "0101T11") for part in parts)))] == [
        (uid, entry.replace("0101T00", "0101T11")) for uid, entry in entries
    ]
    found = set()
    for uid, entry in entries:
        components = read_components(entry, "VCALENDAR").components
        assert {component.value("UID") for component in components} == {uid}
        assert sum(not component.value("RECURRENCE-ID") for component in components) < 2
        found |= {_said(component) for component in components}
        assert all(alarm.value("UID") == "alarm" for component in components for alarm in component.components)
    assert found == {_said(component) for component in read_components(file(*parts), "VCALENDAR").components}


def _said(component: Component) -> str:
    """A component without its UID and stamp."""
    lines = [line.whole for line in component.properties if line.name not in ("UID", "DTSTAMP")]
    return "\n".join([component.name, *lines, str(len(component.components))])


def test_entries_of_each_kind_are_taken() -> None:
    """DAV-40, DAV-7: what a calendar keeps comes back from its file, hours of work and busy times, too."""
    kinds = ("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY")
    text = file(*(f"BEGIN:{kind}\r\nUID:{kind}\r\nEND:{kind}\r\n" for kind in kinds))
    assert tuple(uid for uid, _ in calendars_by_uid(text)) == kinds


def test_a_large_zone_is_not_written_into_each_of_many_entries() -> None:
    """STORE-199: else 10,000 events of one file would have 20 GB; a zone of a usual size stays."""
    events = [event(str(number)) for number in range(2_000)]
    assert all(len(zone("Here", 20_000)) > MAX_ZONES for _ in events[:1])
    found = list(split_calendars(file(zone("Here", 20_000), *events)))
    assert len(found) == len(events)
    assert sum(map(len, found)) < 1 << 20
    assert "VTIMEZONE" in next(iter(split_calendars(file(zone("Here", 200), *events))))


@pytest.mark.landing("a long event", "open components")
@pytest.mark.parametrize(
    ("make", "most"),
    [
        (lambda: "a\n" * (SIZE // 2), 8),
        (lambda: file(event("a", *["ab"] * (SIZE // 5))), 40),
        (lambda: file("BEGIN:VEVENT\r\n" * (SIZE // 14)), 40),
        (lambda: file(*(f"BEGIN:VEVENT\r\nUID:{number}\r\nEND:VEVENT\r\n" for number in range(SIZE // 60))), 40),
    ],
    ids=["lines", "a long event", "open components", "many events"],
)
@pytest.mark.slow
def test_memory_of_a_hostile_file_is_bounded(make: Callable[[], str], most: int) -> None:
    """STORE-199: MB beside the file."""
    text = make()
    with at_most(most * 1_000_000):
        list(islice(split_calendars(text), 25))


def test_a_component_is_cut_above_what_no_entry_has() -> None:
    """DAV-5: the rest of the file is read."""
    found = dict(
        calendars_by_uid(file(event("large", *["DESCRIPTION:" + "x" * 60] * (LARGEST // 100)), event("small")))
    )
    assert 1 << 20 < len(found["large"]) < 2 * LARGEST
    assert "END:VEVENT" not in found["large"]
    assert "END:VEVENT" in found["small"]


@pytest.mark.parametrize("text", ["", "\n", "a", "a\r\nb\rc\nd", "a\r\n b\r\n\tc\r\n", "\r\n\r\n", " a\nb"])
def test_lines_are_those_of_files_of_all_systems(text: str) -> None:
    """RFC 5545 §3.1: whatever ends them; a blank at the beginning continues the line before."""
    wanted: list[str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line[:1] in (" ", "\t") and wanted:
            wanted[-1] += line[1:]
        else:
            wanted.append(line)
    assert list(unfolded(text)) == wanted


PIECES = [b"\n", b"\r\n", b"\r", b" ", b"\t", b"=", b"a", b"\xc3", b"\xb6", b"\xff", b"N;ENCODING=QUOTED-PRINTABLE:"]


@given(st.lists(st.lists(st.sampled_from(PIECES), min_size=1).map(b"".join)))
def test_lines_of_a_file_are_those_of_its_text(pieces: list[bytes]) -> None:
    """DAV-40: in pieces of any size and in any charset. Text in Latin-1 is unfolded already, so lines that look folded
    aren't compared.
    """
    octets = b"".join(pieces)
    lines = [*filter(None, file_lines(pieces))]
    try:
        octets.decode()
    except UnicodeDecodeError:
        assume(b"=" not in octets.replace(b"ENCODING=", b"") and not any(line[0] in " \t" for line in lines))
    # a file may end within a value of several lines
    assert [line.rstrip("\n") for line in lines] == [
        line.rstrip("\n") for line in filter(None, unfolded(file_text(octets)))
    ]


PLAIN_FILE = file(event("a", "SUMMARY:Zoë und Jörg, \U0001f600", "DESCRIPTION:x\r\n y"), event("b"))


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\r\r\n"])
@pytest.mark.parametrize("before", ["", "    ", "\t"])
def test_files_of_all_systems_have_the_same_entries(codec: str, end: str, before: str) -> None:
    """DAV-40: in UTF-16, with blanks before BEGIN, and with lines that end with CR CR LF; however the file is read."""
    before = "" if codec[-2:] in ("le", "be") else before  # without a mark, the B says it
    data = (before + PLAIN_FILE.replace("\r\n", end)).encode(codec)
    for text in (file_text(data), "\n".join(file_lines([data])), "\n".join(file_lines([b"", *map(bytes, zip(data))]))):
        assert list(split_calendars(text)) == list(split_calendars(PLAIN_FILE))


@given(st.lists(st.integers(1, 40), max_size=40), st.sampled_from(["utf-8", "utf-16", "latin-1"]))
def test_the_pieces_of_a_file_do_not_matter(sizes: list[int], codec: str) -> None:
    """DAV-40"""
    data = PLAIN_FILE.replace("\r\n", "\r\r\n").encode(codec, "replace")
    pieces, at = [], 0
    for size in [*sizes, len(data)]:
        pieces.append(data[at : at + size])
        at += size
    assert list(file_lines(pieces)) == list(file_lines([data]))


def test_the_newest_version_of_an_event_counts() -> None:
    """DAV-40: with its exceptions; events that share one UID and a version stay apart."""
    exception = event("a", "RECURRENCE-ID:20260108T090000Z", "SEQUENCE:2")
    [newest] = split_calendars(file(event("a", "SUMMARY:Old"), exception, event("a", "SUMMARY:New", "SEQUENCE:2")))
    assert ("Old" in newest, "New" in newest, newest.count("BEGIN:VEVENT")) == (False, True, 2)
    older, other = exception.replace("SEQUENCE:2", "SEQUENCE:1"), exception.replace("T09", "T10")
    [entry] = split_calendars(file(event("a", "SUMMARY:New"), exception, other, older))
    assert (entry.count("RECURRENCE-ID"), "SEQUENCE:1" in entry) == (2, False)
    same = [event("a", f"SUMMARY:{name}", "SEQUENCE:2") for name in "xy"]
    assert len(list(split_calendars(file(*same)))) == 2
    assert len(list(split_calendars(file(*same, event("a", "SUMMARY:z"))))) == 3


def test_components_without_a_calendar_around_them_are_entries() -> None:
    """DAV-40: with their zones, as programs copy single events, before and behind calendars."""
    around = ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n", "END:VCALENDAR\r\n")
    zone = "BEGIN:VTIMEZONE\r\nTZID:Own\r\nBEGIN:STANDARD\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    lines = "BEGIN:VEVENT\r\nUID:{}\r\nDTSTART;TZID=Own:20261205T100000\r\nEND:VEVENT\r\n"
    alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nEND:VALARM\r\nEND:VEVENT\r\n"
    task = "BEGIN:VTODO\r\nUID:task\r\nEND:VTODO\r\n"
    first, second = lines.format("a").replace("END:VEVENT\r\n", alarm), lines.format("b")
    entries = dict(calendars_by_uid(f"{zone}{first}{around[0]}{task}{around[1]}{zone}{second}"))
    assert [*entries] == ["a", "task", "b"]
    assert entries["a"] == f"{''.join(HEAD)}{zone}{first}{around[1]}"
    assert zone in entries["b"]
    assert second in entries["b"]
