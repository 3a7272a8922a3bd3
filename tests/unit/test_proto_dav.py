"""XML of WebDAV: bounds, names, and what answers look like."""

from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.cards.cardobject import read_card, shown_card
from moxlite.proto.dav.filters import BadFilter, calendar_filter, time_range
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
        b"",
        b"<a/><b/>",
    ],
)
def test_bombs_are_refused(body: bytes) -> None:
    """DAV-16"""
    with pytest.raises(BadXML):
        read_xml(body)


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
