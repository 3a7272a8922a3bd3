"""Header sections: look-up, unfolding, selection for IMAP."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moxlite.proto.mime.headers import Header, fields, select_content_fields, select_fields, unfold

HEADER = (
    b"Received: one\r\n\ttwo\r\nSubject : spaced\r\nTO: a\r\nX-Empty:\r\nto:b\r\n"
    b"Content-Type: text/plain;\r\n charset=utf-8\r\nMime-Version: 1.0\r\n\r\n"
)


def test_fields_come_with_name_folded_value_and_raw_octets() -> None:
    """STORE-50"""
    found = list(fields(HEADER))
    assert [field.name for field in found] == [
        b"Received",
        b"Subject",
        b"TO",
        b"X-Empty",
        b"to",
        b"Content-Type",
        b"Mime-Version",
    ]
    assert found[0].value == b"one\r\n\ttwo"
    assert unfold(found[0].value) == b"one\ttwo"
    assert b"".join(field.raw for field in found) + b"\r\n" == HEADER


def test_look_up_ignores_case_and_blanks_before_the_colon() -> None:
    """IMAP-98"""
    header = Header(HEADER)
    assert header.get(b"subject") == b"spaced"
    assert header.all(b"to") == [b"a", b"b"]
    assert header.get(b"x-empty") == b""
    assert header.get(b"received") == b"one\ttwo"
    assert header.get(b"missing") is None
    assert header


@given(st.lists(st.sampled_from(["a", "A ", "b\t", "c", ":", " d", "\te", "\r\n", "\n", "\r\n ", "\n\n"]), max_size=40))
def test_several_names_looked_up_at_once_give_what_each_gives(pieces: list[str]) -> None:
    """IMAP-98"""
    header = Header("".join(pieces).encode())
    names = (b"a", b"b", b"c")
    assert header.texts(names) == [header.get(name) for name in names]
    assert header.lists(names) == [header.all(name) for name in names]
    assert header.texts(names) == [values[0] if values else None for values in header.lists(names)]


def test_bare_line_feeds_and_junk_lines_are_tolerated() -> None:
    """STORE-53"""
    header = Header(b"A: b\n c\njunk\n more junk\nD: e\n\nF: g\n")
    assert (header.get(b"a"), header.get(b"d"), header.get(b"f")) == (b"b c", b"e", None)


def test_no_more_fields_than_the_limit_are_read() -> None:
    """STORE-55"""
    header = Header(b"A: b\r\nC: d\r\n e\r\nF: g\r\n", 2)
    assert not header.complete
    assert (header.get(b"c"), header.get(b"f")) == (b"d e", None)
    assert Header(b"A: b\r\nC: d\r\n\r\n", 2).complete


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


@given(st.binary(max_size=200) | st.text(alphabet="aB: \t\r\n", max_size=80).map(str.encode))
def test_any_octets_are_split_without_loss(data: bytes) -> None:
    """STORE-151"""
    raw = b"".join(field.raw for field in fields(data))
    assert data.startswith(raw)
    chosen, others = select_fields(data, {b"a"}), select_fields(data, {b"a"}, invert=True)
    assert chosen.endswith(b"\r\n")
    assert others.endswith(b"\r\n")
    Header(data)
