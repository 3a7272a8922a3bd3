"""XML of WebDAV: bounds, names, and what answers look like."""

from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.cards.calendarobject import read_object
from moxlite.proto.cards.cardobject import read_card, shown_card
from moxlite.proto.cards.components import Instance
from moxlite.proto.cards.repeating import Span
from moxlite.proto.dav.filters import BadFilter, calendar_filter, matches, time_range
from moxlite.proto.dav.xml import DAV, BadXML, document, element, kept, read_xml, text


@given(st.text())
def test_every_text_can_be_answered(value: str) -> None:
    """DAV-16: what XML cannot have is left out."""
    found = fromstring(document(DAV + "a", [element("{urn:x}b", text(value), key=value[:0])]).encode())
    plain = value.replace("\r\n", "\n").replace("\r", "\n")
    assert len(found[0].text or "") <= len(plain)


@given(st.binary(max_size=300))
def test_octets_are_xml_or_refused(data: bytes) -> None:
    """DAV-16"""
    try:
        read_xml(data)
    except BadXML:
        pass


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b"<a>" * 60 + b"</a>" * 60,
        b"<a>" + b"<b/>" * 10_001 + b"</a>",
        b'<a xmlns="' + b"u" * 300 + b'"><b/></a>',
        b'<a><b xmlns:p="' + b"u" * 300 + b'" p:c="d"/></a>',
        b"<a " + b" ".join(b'a%d=""' % number for number in range(4_000)) + b"/>",
        b"",
        b"<a/><b/>",
    ],
)
def test_bombs_are_refused(body: bytes) -> None:
    """DAV-16"""
    with pytest.raises(BadXML):
        read_xml(body)


def test_a_text_may_be_long() -> None:
    """DAV-16: the bound of tags is not one of texts."""
    words = "ab \n" * 200_000
    assert read_xml(f"<a>{words}</a>".encode()).text == words


def test_an_element_is_kept_with_its_names() -> None:
    """DAV-17"""
    one = read_xml(b'<x:a xmlns:x="urn:x" xmlns="urn:y" x:k="v">t<b/></x:a>')
    again = read_xml(kept(one).encode())
    assert (again.tag, again.attrib, again[0].tag) == ("{urn:x}a", {"{urn:x}k": "v"}, "{urn:y}b")


@pytest.mark.parametrize(
    "bounds", ['start="x"', 'start="20260101T000000"', 'start="20270101T000000Z" end="20260101T000000Z"', ""]
)
def test_wrong_time_ranges(bounds: str) -> None:
    """DAV-18"""
    with pytest.raises(BadFilter):
        time_range(read_xml(f"<a {bounds}/>".encode()))
    with pytest.raises(BadFilter):
        calendar_filter(None)


def test_a_card_survives_both_conversions() -> None:
    """DAV-11: 3.0 to 4.0 and back."""
    lines = ("VERSION:3.0", "UID:1", "FN:Ada", "TEL;TYPE=cell,pref:1", "PHOTO;ENCODING=b;TYPE=PNG:QUJD")
    card = read_card("\r\n".join(("BEGIN:VCARD", *lines, "END:VCARD", "")).encode())
    four = shown_card(card, "4.0", ())
    assert four.splitlines()[4:6] == ["TEL;TYPE=cell;PREF=1:1", "PHOTO:data:image/png;base64,QUJD"]
    assert shown_card(read_card(four.encode()), "3.0", ()).splitlines()[1:-1] == list(lines)


def test_the_instances_of_a_series_are_sorted_once() -> None:
    """DAV-18: not for each of its exceptions, of which a file has thousands."""
    event = "BEGIN:VEVENT\r\nUID:u\r\nDTSTAMP:20260101T000000Z\r\n%s\r\nEND:VEVENT"
    days = [f"202601{day:02}T090000Z" for day in range(1, 29)]
    parts = [event % "DTSTART:20260101T090000Z\r\nRRULE:FREQ=DAILY;COUNT=28"]
    parts += [event % f"RECURRENCE-ID:{day}\r\nDTSTART:{day}" for day in days]
    lines = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *parts, "END:VCALENDAR", "")
    calendar = read_object("\r\n".join(lines).encode())
    asked: list[Span] = []

    def instances(stretch: Span) -> list[Instance]:
        asked.append(stretch)
        return [Instance(0, 1, days[0], 28)]

    wanted = '<c:comp-filter name="VEVENT"><c:time-range start="%s" end="20270101T000000Z"/></c:comp-filter>'
    body = '<c:filter xmlns:c="urn:ietf:params:xml:ns:caldav"><c:comp-filter name="VCALENDAR">%s'
    body += "</c:comp-filter></c:filter>"
    found = calendar_filter(read_xml((body % (wanted % "20260101T000000Z")).encode()))
    assert not matches(found, calendar, instances)
    assert len(asked) == 1
    found = calendar_filter(read_xml((body % (wanted % "19700101T000000Z")).encode()))
    assert matches(found, calendar, instances)
