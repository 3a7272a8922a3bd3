"""Header sections: look-up, unfolding, selection for IMAP."""

import email
import time

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.mime.headers import MAX_HEADER, HeaderSection, select_content_fields, select_fields
from tests.memory import at_most
from tests.tools import slowness

HEADER = (
    b"Received: one\r\n\ttwo\r\nSubject : spaced\r\nTO: a\r\nX-Empty:\r\nto:b\r\n"
    b"Content-Type: text/plain;\r\n charset=utf-8\r\nMime-Version: 1.0\r\n\r\n"
)


def test_fields_come_with_offset_name_octets_and_text() -> None:
    """STORE-50"""
    section = HeaderSection(HEADER + b"text")
    found = list(section)
    assert [field.label for field in found] == [
        b"Received",
        b"Subject",
        b"TO",
        b"X-Empty",
        b"to",
        b"Content-Type",
        b"Mime-Version",
    ]
    assert [field.name for field in found[2:5]] == [b"to", b"x-empty", b"to"]
    assert found[0].raw == b"Received: one\r\n\ttwo\r\n"
    assert found[0].text == b"one\ttwo"
    assert all(HEADER[field.start : field.end] == field.raw for field in found)
    assert section.octets + b"\r\n" == HEADER
    assert section.body == len(HEADER)
    assert section.complete


def test_look_up_ignores_case_and_blanks_before_the_colon() -> None:
    """IMAP-98"""
    section = HeaderSection(HEADER)
    assert section.text(b"subject") == b"spaced"
    assert section.texts(b"to") == [b"a", b"b"]
    assert [field.raw for field in section.all(b"to", b"subject")] == [
        b"Subject : spaced\r\n",
        b"TO: a\r\n",
        b"to:b\r\n",
    ]
    assert section.text(b"x-empty") == b""
    first = section.first(b"to")
    assert first is not None
    assert first.text == b"a"
    assert (section.count(b"to"), section.count(b"missing")) == (2, 0)
    assert (section.text(b"missing"), section.first(b"missing"), section.texts(b"missing")) == (None, None, [])


@pytest.mark.parametrize(
    ("octets", "names", "body"),
    [
        (b"", [], None),
        (b"\r\nA: b\r\n", [], b"A: b\r\n"),
        (b"\nA: b\n", [], b"A: b\n"),
        (b"A: b", [b"a"], None),
        (b"A: b\n\nC: d\r\n\r\n", [b"a"], b"C: d\r\n\r\n"),
        (b"A: b\r\n\r\nC: d\n\n", [b"a"], b"C: d\n\n"),
        (b"A: b\r\n\r\n c\r\n", [b"a"], b" c\r\n"),
        (b"A: b\r\n \r\n\t\r\nC: d\r\n\r\n", [b"a", b"c"], b""),
        (b"A: b\rC: d\r\n\r\n", [b"a"], b""),
        (b"A: b\n c\njunk\n more: junk\nD: e\n\n", [b"a", b"", b"d"], b""),
        (b" lost: x\r\nA: b\r\n\r\n", [b"", b"a"], b""),
        (b"From me\r\nA : b\r\n\r\n", [b"", b"a"], b""),
        (b": b\r\nA\0: b\r\n\xc3\xa9: b\r\nA b: c\r\n\r\n", [b"", b"", b"", b""], b""),
        (b"A" * 998 + b":\r\n" + b"A" * 999 + b":\r\n\r\n", [b"a" * 998, b""], b""),
    ],
)
def test_odd_sections_have_one_reading(octets: bytes, names: list[bytes], body: bytes | None) -> None:
    """STORE-53, STORE-151"""
    section = HeaderSection(octets)
    assert [field.name for field in section] == names
    assert (None if section.body is None else octets[section.body :]) == body
    assert b"".join(field.raw for field in section) == section.octets
    assert octets.startswith(section.octets)


def test_no_more_fields_than_the_limit_are_read() -> None:
    """STORE-55"""
    section = HeaderSection(b"A: b\r\nC: d\r\n e\r\nF: g\r\n", 2)
    assert not section.complete
    assert (section.text(b"c"), section.text(b"f")) == (b"d e", None)
    assert [field.raw for field in section] == [b"A: b\r\n", b"C: d\r\n e\r\n"]
    assert section.without(section.all(b"c")) == b"A: b\r\nF: g\r\n"
    assert HeaderSection(b"A: b\r\nC: d\r\n\r\n", 2).complete


def test_no_more_octets_than_the_limit_are_read() -> None:
    """STORE-55"""
    most = b"A: " + b"x" * (MAX_HEADER - 5) + b"\r\n"
    assert HeaderSection(most + b"\r\n").complete
    section = HeaderSection(most + b"B: c\r\n\r\n")
    assert not section.complete
    assert (section.count(b"a"), section.count(b"b"), section.body) == (1, 0, MAX_HEADER + 8)


def test_fields_are_taken_out_and_all_other_octets_stay() -> None:
    """SMTP-80, SMTP-112"""
    section = HeaderSection(b"A: 1\r\nB: 2\r\n 3\r\njunk\r\nb : 4\r\nC: 5\r\n\r\nB: text\r\n")
    assert section.without(section.all(b"b")) == b"A: 1\r\njunk\r\nC: 5\r\n"
    assert section.without(section.all(b"c", b"a")) == b"B: 2\r\n 3\r\njunk\r\nb : 4\r\n"
    assert section.without([]) == section.octets
    assert section.without(section) == b""


PIECES = [b"a", b"A ", b"b\t", b"c", b":", b" d", b"\te", b"\r\n", b"\n", b"\r", b"\r\n ", b"\0", b"\xe9", b"a: b\r\n"]


@given(st.binary(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join))
def test_the_pieces_of_any_octets_are_the_section(octets: bytes) -> None:
    """STORE-151"""
    section = HeaderSection(octets)
    pieces = list(section)
    assert b"".join(piece.raw for piece in pieces) == section.octets
    assert all(octets[piece.start : piece.end] == piece.raw for piece in pieces)
    assert len(pieces) == len(section)
    rest = octets[len(section.octets) :]
    assert rest == b"" if section.body is None else rest.startswith((b"\r\n", b"\n"))
    for name in section.names:
        found = [piece for piece in pieces if piece.name == name]
        assert section.all(name) == found
        assert section.first(name) == found[0]
        assert section.count(name) == len(found)
        assert section.without(found) == b"".join(piece.raw for piece in pieces if piece.name != name)
        if name:
            assert section.texts(name) == [piece.text for piece in found]
    few = HeaderSection(octets, 2)
    assert list(few) == pieces[:2]
    assert few.complete == (len(pieces) <= 2)


WORDS = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=10)
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,10}", fullmatch=True)
TEXTS = st.lists(WORDS, max_size=6).map(" ".join) | st.lists(WORDS, min_size=1, max_size=6).map("\r\n\t".join)


@given(st.lists(st.tuples(NAMES, TEXTS), max_size=8))
def test_a_sane_section_is_read_as_the_standard_library_reads_it(fields: list[tuple[str, str]]) -> None:
    """STORE-50"""
    octets = "".join([f"{name}: {text}\r\n" for name, text in fields]).encode() + b"\r\ntext\r\n"
    message = email.message_from_bytes(octets)
    section = HeaderSection(octets)
    assert [(field.label.decode(), field.text.decode()) for field in section] == [
        (name, value.replace("\r\n", "").strip()) for name, value in message.items()
    ]
    for name in {name for name, _ in fields}:
        assert section.count(name.lower().encode()) == len(message.get_all(name, []))


@pytest.mark.parametrize(
    "unit", [b"a:\n", b"\n ", b"x", b"x\n", b" ", b"\r", b"\r\n ", b"a: b\r\n", b"\0", b"a ", b": ", b"\t\n"]
)
def test_the_cost_is_linear_and_small_whatever_the_octets(unit: bytes) -> None:
    """STORE-55"""
    octets = b"A: b" + unit * (MAX_HEADER // len(unit))
    began = time.process_time()
    section = HeaderSection(octets)
    section.without(section.all(b"a"))
    assert time.process_time() - began < 0.5 * slowness()  # 0.1 alone, 0.3 beside other work; quadratic: minutes
    with at_most(8 << 20):
        section = HeaderSection(octets)
        section.without(section.all(b"a"))


def test_chosen_fields_keep_order_folding_and_duplicates() -> None:
    """IMAP-98"""
    assert select_fields(HEADER, {b"to", b"received"}) == b"Received: one\r\n\ttwo\r\nTO: a\r\nto:b\r\n\r\n"
    assert select_fields(HEADER, {b"subject"}) == b"Subject : spaced\r\n\r\n"


def test_all_other_fields_can_be_chosen() -> None:
    """IMAP-98"""
    left = select_fields(HEADER, {b"received", b"to", b"content-type", b"mime-version"}, invert=True)
    assert left == b"Subject : spaced\r\nX-Empty:\r\n\r\n"


@pytest.mark.parametrize("header", [b"", b"\r\n", b"A: b", b"A: b\r\n"])
def test_a_selection_always_ends_with_the_blank_line(header: bytes) -> None:
    """IMAP-98"""
    assert select_fields(header, {b"x"}) == b"\r\n"
    assert select_fields(header, {b"a"}) in (b"\r\n", b"A: b\r\n\r\n")


def test_the_mime_header_of_an_only_part_is_its_content_fields() -> None:
    """IMAP-98"""
    assert select_content_fields(HEADER) == b"Content-Type: text/plain;\r\n charset=utf-8\r\nMime-Version: 1.0\r\n\r\n"


@given(st.binary(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join))
def test_a_selection_and_its_opposite_are_all_fields(data: bytes) -> None:
    """IMAP-98"""
    chosen, others = select_fields(data, {b"a"}), select_fields(data, {b"a"}, invert=True)
    assert chosen.endswith(b"\r\n")
    assert others.endswith(b"\r\n")
    section = HeaderSection(data)
    assert HeaderSection(chosen).count(b"a") == section.count(b"a")
    assert len(HeaderSection(chosen)) + len(HeaderSection(others)) == len(section)
