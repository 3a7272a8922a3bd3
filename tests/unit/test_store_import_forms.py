"""Files as other programs write them, by their content (STORE-126)."""

import io
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.localform import BYTE_ORDER_MARK, FromFile
from moxlite.proto.mbox import MAX_CLAIMED, End, Head, MboxReader
from moxlite.store.imports.items import Folder, Form, Mail, Order, Problem
from moxlite.store.imports.sources import Budget, read_source, recognise
from tests.store_imports import mbox, tar, zipped
from tests.store_mail import mail

ONE = mail(1).replace(b"\r\n", b"\n")


def read(data: bytes, form: Form) -> tuple[dict[str, list[bytes]], list[str], list[str]]:
    """Messages by mailbox, mailboxes without any, and problems."""
    found: dict[str, list[bytes]] = {}
    empty, problems = list[str](), list[str]()
    for item in read_source(io.BytesIO(data), Order(form=form), Budget(1 << 30)):
        match item:
            case Mail():
                found.setdefault(item.mailbox, []).append(b"".join(item.pieces))
            case Folder():
                empty.append(item.mailbox)
            case Problem():
                problems.append(item.text)
    return found, empty, problems


@pytest.mark.parametrize(
    ("name", "mailbox"),
    [
        ("Work.mbox/mbox", "Work"),  # Apple Mail's Export Mailbox
        ("A/Work.mbox/mbox", "A/Work"),
        ("FOLDER/mbox", "FOLDER"),  # readpst -r
        (".x.directory/Sub", "x/Sub"),  # KMail
        (".x.directory/.y.directory/Sub", "x/y/Sub"),
        ("A\\Work.mbox", "A/Work"),  # zip files of some programs for Windows
    ],
)
def test_an_mbox_has_the_name_that_its_program_shows(name: str, mailbox: str) -> None:
    """STORE-126"""
    files = {name: mbox([mail(1)]), "Work.mbox/table_of_contents": b"\0\1", "Work.mbox/.DS_Store": b""}
    assert read(zipped(files), Form.ARCHIVE) == ({mailbox: [mail(1)]}, [], [])


@pytest.mark.parametrize(
    ("name", "octets", "mailbox"),
    [
        ("inbox/12", ONE, "inbox"),  # MH
        ("lists/trio/3", ONE, "lists/trio"),
        ("Work.mbox/Data/Messages/7.emlx", b"%d\n%b<?xml version='1.0'?><plist/>" % (len(ONE), ONE), "Work.mbox"),
        ("a.eml", BYTE_ORDER_MARK + ONE, "Inbox"),
        ("A.mbox", BYTE_ORDER_MARK + mbox([mail(1)]), "A"),
        ("B", BYTE_ORDER_MARK + mbox([mail(1)]), "B"),
    ],
)
def test_a_message_is_read_as_its_program_wrote_it(name: str, octets: bytes, mailbox: str) -> None:
    """STORE-126: the first field isn't lost behind a byte order mark."""
    silent = {"inbox/.mh_sequences": b"cur: 1\n", "x.metadata.json": b"{}", "Takeout/archive_browser.html": b"<html>"}
    assert read(tar({name: octets, **silent}), Form.TAR) == ({mailbox: [mail(1)]}, [], [])


def test_a_number_that_isnt_a_message_is_named() -> None:
    """STORE-126"""
    assert read(tar({"a/1": b"\x89PNG"}), Form.TAR)[2] == ["a/1: not a mail file"]
    found, _, problems = read(tar({"a/1.emlx": b"nothing"}), Form.TAR)
    assert (found, problems) == ({"a": [b""]}, [])


@pytest.mark.parametrize("start", [ONE, mbox([mail(1)])])
def test_a_file_is_recognised_behind_a_byte_order_mark(start: bytes) -> None:
    """STORE-124"""
    assert recognise(BYTE_ORDER_MARK + start) is recognise(start) is not None


@given(st.integers(0, 12))
def test_a_byte_order_mark_comes_in_pieces(cut: int) -> None:
    """STORE-124"""
    data = BYTE_ORDER_MARK + b"From: a"
    lines = FromFile()
    assert b"".join([lines.feed(data[:cut]), lines.feed(data[cut:]), lines.finish()]) == b"From: a"


QUOTING = b"Hi\n\nFrom bob@example.org Sun Nov  1 10:00:00 2026\n\nyours\n"


def bodies(data: bytes, cuts: tuple[int, ...] = ()) -> list[bytes]:
    """The bodies of an mbox that comes in pieces."""
    reader = MboxReader()
    edges = (0, *sorted(min(cut, len(data)) for cut in cuts), len(data))
    events = [event for start, end in pairwise(edges) for event in reader.feed(data[start:end])]
    found: list[bytes] = []
    for event in (*events, *reader.finish()):
        match event:
            case Head():
                found.append(b"")
            case bytes():
                found[-1] += event
            case End():
                pass
    return found


def letter(body: bytes, length: int) -> bytes:
    """A message in an mbox."""
    return b"From a@b.example Thu Oct  1 10:00:00 2026\nSubject: x\nContent-Length: %d\n\n%b\n" % (length, body)


@given(st.lists(st.integers(0, 400), max_size=6).map(tuple))
def test_a_body_ends_where_its_length_says(cuts: tuple[int, ...]) -> None:
    """STORE-124: if a separator or the end of the file is there; else its lines decide."""
    crlf = QUOTING.replace(b"\n", b"\r\n")
    right = letter(QUOTING, len(QUOTING))
    assert bodies(right + letter(b"two\n", 4), cuts) == [crlf, b"two\r\n"]
    assert bodies(right, cuts) == [crlf]
    for wrong in (0, 7, len(QUOTING) - 1, len(QUOTING) + 9, 10**9):
        assert bodies(letter(QUOTING, wrong) + letter(b"two\n", 4), cuts)[0] == b"Hi\r\n"


def test_a_length_without_end_is_not_waited_for() -> None:
    """STORE-124: what is buffered is bounded."""
    reader = MboxReader()
    events = [*reader.feed(letter(QUOTING + b"x\n" * MAX_CLAIMED, MAX_CLAIMED + 1))]
    assert sum(isinstance(event, Head) for event in events) == 2
