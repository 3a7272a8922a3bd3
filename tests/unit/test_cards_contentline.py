"""Content lines of vCards and calendars (moxlite/proto/cards/contentline.py)."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, strategies as st

from moxlite.proto.cards.contentline import changed_line, folded, property_of, unfolded
from moxlite.proto.cards.invitation import read_calendar, write_reply
from moxlite.proto.cards.itip import with_parameters
from moxlite.proto.cards.jscalendarlines import line_of
from moxlite.proto.cards.privacy import _plain
from moxlite.proto.cards.vcard import _renewed

CHARACTERS = st.characters(codec="utf-8", categories=("L", "M", "N", "P", "S", "Zs"), include_characters="\n\t")
VALUE = st.text(CHARACTERS).map(str.strip)
NAME = VALUE.map(lambda text: text[:50].strip()).filter(bool)
ODD = 'Jim "Jimmie" ^n^^^\' Doe;,:'
MEETING = read_calendar(
    "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261201T100000Z\r\nORGANIZER:mailto:o@b.example\r\nEND:VEVENT\r\nEND:VCALENDAR"
)
PERSON = property_of("ATTENDEE:mailto:a@b.example")


@given(st.lists(NAME, min_size=1, max_size=4))
@example([ODD, "a,b", "^", '"'])
def test_any_text_comes_back_from_a_parameter(values: list[str]) -> None:
    """DAV-11a: quotes, line ends and carets, too (RFC 6868), in one line of the file."""
    line = changed_line("X-LINE", {"X-OWN": values}, "value")
    [whole] = unfolded(folded(line.whole))
    read = property_of(whole)
    assert read is not None
    assert (read.parameters, read.value) == ({"X-OWN": values}, "value")


def of_answer(name: str) -> str:
    text = write_reply(MEETING.event, "a@b.example", name, "yes", "", datetime(2026, 12, 1, tzinfo=UTC))
    return next(line for line in unfolded(text) if line.startswith("ATTENDEE"))


def of_old(name: str) -> str:
    line = changed_line("TEL", {"CN": [name]}, "1")
    return _renewed(line, line.value)


WRITERS: Sequence[Callable[[str], str]] = (
    of_answer,
    of_old,
    lambda name: with_parameters(PERSON, {"CN": name}).whole if PERSON else "",
    lambda name: line_of("ATTENDEE", "mailto:a@b.example", {"CN": name}).whole,
    lambda name: _plain(changed_line("DTSTART", {"TZID": [name], "X-A": [""]}, "20261201T100000")).whole,
)


@pytest.mark.parametrize("write", WRITERS)
def test_all_who_write_parameters_encode_them(write: Callable[[str], str]) -> None:
    """DAV-11a: none takes characters out of a name, nor breaks its line."""
    read = property_of(write(ODD))
    assert read is not None
    assert ODD in (read.parameter("CN"), read.parameter("TZID"))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("CN=Ann", ["Ann"]),
        ('CN="Lind, Ada"', ["Lind, Ada"]),
        ("CN=\"a ^'b^'\"", ['a "b"']),
        ("CN=^x^", ["^x^"]),
        ('CN="mailto:a@b.example","mailto:c@d.example"', ["mailto:a@b.example", "mailto:c@d.example"]),
        ("CN=", [""]),
    ],
)
def test_values_of_a_parameter(text: str, values: list[str]) -> None:
    """DAV-11a: RFC 5545 §3.1, RFC 6868 §3.1"""
    read = property_of(f"X;{text}:v")
    assert read is not None
    assert read.parameters["CN"] == values
