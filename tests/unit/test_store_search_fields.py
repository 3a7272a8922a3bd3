"""Texts of header fields say what the test of a message says (`moxlite.store.search.texts`)."""

import apsw
import pytest
from hypothesis import example, given, strategies as st

from moxlite.imapd.search.searchkeys import Message
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.structure import scan
from moxlite.proto.mime.text import fold
from moxlite.proto.mime.types import encode_structure
from moxlite.store.search.texts import COLUMNS, MAX_STORED, MAX_VALUE, field_texts, in_field, lacks, some

PIECES = (
    "anna",
    "Anna Müller",
    "Отчёт",
    "@",
    "<a@example.org>",
    "(his office)",
    '"q \\" x"',
    "=?utf-8?q?M=C3=BCller?=",
    "=?utf-7?q?+2AA-?=",
    "team: a@b, c@d;",
    "<@route.example:joe@x.example>",
    ",",
    " ",
    "\r\n ",
    "\0",
    "ß",
    "İ",
    "joe",
    "x",
)
values = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
fields = st.lists(st.tuples(st.sampled_from(["Subject", "From", "To", "CC", "bcc", "X"]), values), max_size=6)


@given(
    fields,
    st.sampled_from(list(COLUMNS)),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=2).map("".join),
    st.sampled_from(["utf-8", "windows-1251"]),
)
@example([("Subject", "Отчёт")], "subject", "Отчёт", "windows-1251")
@example([("From", "Отчёт <a@b>")], "from", "Отчёт <a", "windows-1251")
def test_a_field_is_decided_as_the_message_is(
    header: list[tuple[str, str]], name: str, sought: str, charset: str
) -> None:
    """STORE-110a, STORE-56, IMAP-121: where a text is stored it decides as the test does, by SQL; negated, too. Raw
    text is in the charset of the message's texts.
    """
    octets = f"Content-Type: text/plain; charset={charset}\r\n".encode()
    octets += b"".join(f"{field}: {value}\r\n".encode(charset, "ignore") for field, value in header) + b"\r\n"
    structure = scan(octets)
    needle = fold(sought)
    query = in_field(name, needle)
    if query is None:
        assert "\n" in needle or "\0" in needle
        return
    message = Message(1, octets, encode_structure(structure), lambda start, end: b"")
    holds = message.field_holds if name == "subject" else message.address_holds
    stored = dict(zip(COLUMNS.values(), field_texts(HeaderSection(octets, hint=structure.root.hint)), strict=True))
    db = apsw.Connection(":memory:")
    columns = ", ".join(f"? AS {column}" for column in stored)
    for asked, expected in ((query, holds(name.encode(), needle)), (lacks(query), not holds(name.encode(), needle))):
        [(found,)] = db.execute(
            f"SELECT {asked.sql} FROM (SELECT {columns})",
            (*asked.args, *stored.values()),
        )
        if stored[COLUMNS[name]] is None:
            assert found is None
        else:
            assert bool(found) is expected


@pytest.mark.parametrize("value", [b"x" * (MAX_VALUE + 1), b"x y " * (MAX_STORED // 4 + 1)])
def test_what_cannot_be_stored_is_left_to_the_message(value: bytes) -> None:
    """STORE-110a: the value or its text is too long."""
    assert field_texts(HeaderSection(b"Subject: " + value + b"\r\nTo: a@b\r\n\r\n"))[:3] == (None, "", "a@b\n<a@b>")


def test_queries_have_bounds() -> None:
    """STORE-110a"""
    one = in_field("To", "x")
    assert one is not None
    assert some([one] * 200) is not None
    assert some([one] * 201) is None
    assert some([]) is None
    assert in_field("X-Other", "x") is None
    assert in_field("Subject", "") is None
    assert in_field("Subject", "\ud800") is None
