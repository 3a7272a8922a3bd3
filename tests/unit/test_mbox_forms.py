"""Forms of files that have one message or one message's state: Apple Mail's .emlx, MH's sequences, mbox files with
Content-Length, byte order marks (moxlite/proto: emlx, mh, mbox, mime.headers)."""

import mailbox as stdlib
import plistlib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from moxlite.proto.emlx import BITS, EmlxError, EmlxReader
from moxlite.proto.mbox import MAX_AHEAD, End, Head, MboxReader
from moxlite.proto.mh import MAX_RANGES, parse_sequences
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.structure import scan

BOM = b"\xef\xbb\xbf"
FROM = b"From bob@example.org Sun Nov  1 10:00:00 2026\n"
CUTS = st.lists(st.integers(0, 600), max_size=8)


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    """The octets in pieces, none of them empty."""
    ends = sorted({0, *(min(at, len(data)) for at in cuts), len(data)})
    return [data[start:end] for start, end in pairwise(ends)]


def emlx(message: bytes, flags: int = 0, received: int = 1_790_848_800) -> bytes:
    """A file as Apple Mail writes it (https://docs.fileformat.com/email/emlx/)."""
    return (
        b"%-10d\n" % len(message) + message + plistlib.dumps({"date-received": received, "flags": flags, "color": "0"})
    )


@given(st.binary(max_size=300), st.integers(0, (1 << 40) - 1), st.integers(0, 4_000_000_000), CUTS)
def test_a_message_of_apple_mail_is_read_back_however_it_is_cut(
    message: bytes, flags: int, received: int, cuts: list[int]
) -> None:
    """STORE-194c"""
    reader = EmlxReader(iter(cut(emlx(message, flags, received), cuts)))
    assert b"".join(reader) == message
    assert reader.received == received
    assert set(reader.words) == {word for bit, word in BITS.items() if flags & bit}


@given(st.binary(max_size=200) | st.binary(max_size=50).map(lambda data: b"30\n" + data), CUTS)
def test_any_octets_are_a_message_of_apple_mail_or_an_error(data: bytes, cuts: list[int]) -> None:
    """STORE-155, STORE-194c: the same however they are cut."""

    def outcome(cuts: list[int]) -> object:
        try:
            return b"".join(EmlxReader(iter(cut(data, cuts))))
        except EmlxError as error:
            return str(error)

    assert outcome(cuts) == outcome([])


@given(st.dictionaries(st.integers(1, 40), st.sets(st.sampled_from("RSFA")), max_size=30))
@settings(max_examples=50)
def test_sequences_that_python_writes_are_read(
    tmp_path_factory: pytest.TempPathFactory, states: dict[int, set[str]]
) -> None:
    """STORE-194c: Python's mailbox.MH writes them as mh-sequence(5) says."""
    folder = stdlib.MH(tmp_path_factory.mktemp("mh") / "folder")
    names = {"S": None, "R": "replied", "F": "flagged", "A": "forwarded"}
    sequences = {name: [n for n, s in states.items() if letter in s] for letter, name in names.items() if name}
    sequences["unseen"] = [number for number, letters in states.items() if "S" not in letters]
    for number in states:
        (Path(folder._path) / str(number)).write_bytes(b"Subject: x\n\n")
    folder.set_sequences({name: sorted(numbers) for name, numbers in sequences.items() if numbers})
    found = parse_sequences((Path(folder._path) / ".mh_sequences").read_bytes())
    words = {"S": r"\Seen", "R": r"\Answered", "F": r"\Flagged", "A": "$Forwarded"}
    for number, letters in states.items():
        assert set(found.words(number)) == {words[letter] for letter in letters}


@given(st.text("unsef:aildgr0123456789- \n", max_size=200))
def test_any_text_is_sequences(text: str) -> None:
    """STORE-194c"""
    found = parse_sequences(text.encode())
    assert set(found.words(3)) <= {r"\Seen", r"\Answered", r"\Flagged", r"\Draft", r"\Deleted", "$Forwarded"}


def test_sequences_are_bounded() -> None:
    """STORE-155"""
    found = parse_sequences(b"unseen: " + b" ".join(b"%d" % n for n in range(1, 4 * MAX_RANGES, 2)))
    assert sum(map(len, found.ranges.values())) == MAX_RANGES


def bodies(data: bytes, cuts: list[int]) -> list[bytes]:
    """The bodies of an mbox."""
    reader, found = MboxReader(), list[bytes]()
    events = [event for piece in cut(data, cuts) for event in reader.feed(piece)]
    for event in [*events, *reader.finish()]:
        match event:
            case Head():
                found.append(b"")
            case bytes():
                found[-1] += event
            case End():
                pass
    return found


LINE = st.sampled_from([b"text\n", b"\n", FROM, b"Subject: inside\n", b"From my end\n"])


@given(st.lists(st.lists(LINE, max_size=8), min_size=1, max_size=4), CUTS)
def test_bodies_with_content_length_are_whole_however_they_are_cut(
    messages: list[list[bytes]], cuts: list[int]
) -> None:
    """STORE-124a: mboxcl2, whose text isn't quoted (https://www.loc.gov/preservation/digital/formats/fdd/fdd000384.shtml)."""
    texts = [b"".join(lines).rstrip(b"\n") + b"\n" for lines in messages]
    file = b"".join(FROM + b"Content-Length: %d\n\n" % len(text) + text + b"\n" for text in texts)
    assert bodies(file, cuts) == [text.replace(b"\n", b"\r\n") for text in texts]


@pytest.mark.parametrize("length", [0, 3, 60, 100_000, 10**14])
def test_a_content_length_that_is_wrong_is_not_believed(length: int) -> None:
    """STORE-124a"""
    file = FROM + b"Content-Length: %d\n\none\n\n" % length + FROM + b"\ntwo\n"
    assert bodies(file, []) == [b"one\r\n", b"two\r\n"]


def test_content_length_is_looked_after_in_bounded_memory() -> None:
    """STORE-124a, STORE-156"""
    text = b"\n" + FROM + b"Subject: inside\n\n" + b"x" * 70 + b"\n"
    rest = b"y" * 99 + b"\n"
    for size, messages in ((MAX_AHEAD // 2, 1), (2 * MAX_AHEAD, 2)):
        body = text + rest * (size // len(rest))
        file = FROM + b"Content-Length: %d\n\n" % len(body) + body + b"\n"
        reader, heads, largest = MboxReader(), 0, 0
        for at in range(0, len(file), 64 << 10):
            heads += sum(isinstance(event, Head) for event in reader.feed(file[at : at + (64 << 10)]))
            largest = max(largest, len(reader._buffer))
        heads += sum(isinstance(event, Head) for event in reader.finish())
        assert heads == messages
        assert largest < MAX_AHEAD + (1 << 20)


@pytest.mark.parametrize("before", [BOM, b"\n\n", BOM + b"\r\n"])
@given(cuts=CUTS)
def test_a_mark_before_an_mbox_is_skipped(before: bytes, cuts: list[int]) -> None:
    """STORE-124a"""
    assert bodies(before + FROM + b"Subject: x\n\none\n", cuts) == [b"one\r\n"]


def test_a_message_with_a_mark_has_its_sender() -> None:
    """STORE-50a: however it came, by IMAP, JMAP or SMTP."""
    octets = b"From: Ada <ada@example.org>\r\nSubject: x\r\n\r\ntext\r\n"
    plain, marked = scan(octets), scan(BOM + octets)
    assert marked.envelope == plain.envelope
    assert marked.root.body == plain.root.body + len(BOM)


@given(
    st.lists(st.sampled_from([b"From: a\r\n", b"To: b\r\n", b" folded\r\n", b"junk\r\n", b"\r\n", b"x"]), max_size=6)
)
def test_a_mark_before_a_header_belongs_to_no_name(lines: list[bytes]) -> None:
    """STORE-50a: fields, names and texts are the same; all octets are in the pieces."""
    octets = b"".join(lines)
    plain, marked = HeaderSection(octets), HeaderSection(BOM + octets)
    if octets.startswith(b"\r\n"):
        return  # the mark is a line then
    assert [label for label, _ in marked.pairs()] == [label for label, _ in plain.pairs()] or not octets
    assert marked.texts(b"from") == plain.texts(b"from")
    assert marked.select([b"from", b"to"]) == plain.select([b"from", b"to"])
    assert b"".join(field.raw for field in marked) == marked.octets
    assert [field.label for field in marked if field.name] == [field.label for field in plain if field.name]
