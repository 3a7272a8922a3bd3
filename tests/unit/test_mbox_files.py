"""Mbox files (moxlite/proto/mbox.py) and line ends in files (localform.py)."""

import mailbox as stdlib
import re
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.localform import FromFile, IntoFile, fits_lf, flag_word
from moxlite.proto.mbox import End, Head, MboxError, MboxReader, from_line, take_status, write_message

MOMENT = 1_790_848_800_000_000  # Thu Oct  1 10:00:00 2026


def read(data: bytes, cuts: tuple[int, ...] = ()) -> list[tuple[Head, bytes]]:
    """All messages of a file that comes in pieces."""
    reader = MboxReader()
    events = []
    for start, end in pairwise((0, *sorted(min(cut, len(data)) for cut in cuts), len(data))):
        events += list(reader.feed(data[start:end]))
    events += list(reader.finish())
    found: list[tuple[Head, bytes]] = []
    for event in events:
        match event:
            case Head():
                found.append((event, event.header))
            case bytes():
                found[-1] = (found[-1][0], found[-1][1] + event)
            case End():
                pass
    return found


def section_of(message: bytes) -> int:
    """Octets of the header section with the empty line behind it, which may have either line end."""
    found = re.search(rb"(?:\A|\n)\r?\n", message)
    return len(message) if found is None else found.end()


def write(message: bytes, words: tuple[str, ...] = (), step: int = 1 << 20) -> bytes:
    """One message as it is in a file."""
    pieces = [message[start : start + step] for start in range(0, len(message), step)]
    separator = from_line("ann@example.org", MOMENT)
    lf = fits_lf(pieces)
    return b"".join(write_message(pieces, section_of(message), separator=separator, words=words, lf=lf))


def test_messages_begin_behind_an_empty_line_and_from() -> None:
    """STORE-124"""
    file = b"From a Thu Oct  1 10:00:00 2026\nA: 1\n\nhi\nFrom me\n\nbye\n\n"
    file += b"From b Thu Oct  1 11:00:00 2026 +0100\nA: 2\n\n"
    (first, one), (second, two) = read(file)
    assert one == b"A: 1\r\n\r\nhi\r\nFrom me\r\n\r\nbye\r\n"
    assert (first.sender, first.moment, first.offset) == (b"a", MOMENT, 0)
    assert two == b"A: 2\r\n"
    assert (second.sender, second.moment, second.offset) == (b"b", MOMENT, 60)


@pytest.mark.parametrize(
    ("line", "moment"),
    [
        (b"From a@b Thu Oct  1 10:00:00 2026", MOMENT),
        (b"From a@b Thu Oct 01 10:00:00 +0000 2026", MOMENT),
        (b"From a@b  Thu Oct  1 06:00:00 EDT 2026", MOMENT),
        (b"From a@b Thu, 01 Oct 2026 12:00:00 +0200", MOMENT),
        (b"From a@b Thu Oct  1 10:00 2026", MOMENT),
        (b"From a@b", None),
        (b"From - nonsense", None),
        (b"From ", None),
    ],
)
def test_dates_of_separators_in_many_forms(line: bytes, moment: int | None) -> None:
    """STORE-124"""
    [(head, _)] = read(line + b"\nA: b\n\nx\n")
    assert head.moment == moment


SEPARATORS = (
    b"From ann@example.org Thu Oct  1 10:00:00 2026",
    b"From - Thu Oct  1 10:00:00 2026",
    b"From MAILER-DAEMON Thu Oct  1 10:00:00 2026",
    b"From 1712345678901234567@xxx Thu Oct  1 10:00:00 +0000 2026",
    b"From ???@??? Thu Oct  1 10:00:00 2026",
    b"From ann at example.org  Thu Oct  1 10:00:00 2026",
    b'From "ann b"@example.org Thu Oct  1 10:00:00 2026',
    b"From ann Thu Oct  1 10:00:00 2026 remote from site",
    b"From ann@example.org Thu, 01 Oct 2026 12:00:00 +0200",
    b"From  Thu Oct  1 10:00:00 2026",
    b"From ann@example.org Thu Oct 32 25:00:00 2026",
)
TEXTS = (
    b"From my end all is well.",
    b"From our side, we met on Thu Oct  1 10:00:00 2026",
    b"From our side 2 Oct 2026 10:00 suits us",
    b"From Thursday on",
    b"From ann@example.org",
    b"From here to there: x",
    b"From ",
    b"From",
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(SEPARATORS), st.lists(st.sampled_from([*TEXTS, b"Hello", b"", b"Subject: x"]), max_size=6)
        ),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from([b"\n", b"\r\n"]),
    st.lists(st.integers(0, 600), max_size=8),
)
def test_only_an_address_and_a_date_separate_messages(
    mail: list[tuple[bytes, list[bytes]]], end: bytes, cuts: list[int]
) -> None:
    """STORE-124"""
    # no empty line at the end of a body, as nobody can tell it from the one before a separator
    mail = [(line, [*body, b"end"]) for line, body in mail]
    file = b"".join(end.join([line, b"Subject: x", b"", *body, b"", b""]) for line, body in mail)
    assert [message for _, message in read(file, tuple(cuts))] == [
        b"".join(line + b"\r\n" for line in (b"Subject: x", b"", *body)) for _, body in mail
    ]


@given(
    st.lists(st.sampled_from([*SEPARATORS, *TEXTS]), min_size=1, max_size=4),
    st.sampled_from([b"\n", b"\r\n"]),
    st.lists(st.integers(0, 600), max_size=8),
)
def test_a_dated_line_above_a_field_separates_without_an_empty_line(
    lines: list[bytes], end: bytes, cuts: list[int]
) -> None:
    """STORE-124: as some programs write files; what else begins so is text, also a dated line above another one."""
    file = [b"From a Thu Oct  1 10:00:00 2026", b"A: 1", b""]
    bodies: list[list[bytes]] = [[]]
    for line in lines:
        file += [b"text", line, b"not a field", line, b"A: 1", b"", b"more"]
        bodies[-1] += [b"text", line, b"not a field"]
        if line in SEPARATORS:
            bodies.append([b"more"])
        else:
            bodies[-1] += [line, b"A: 1", b"", b"more"]
    found = read(end.join([*file, b""]), tuple(cuts))
    assert [message for _, message in found] == [
        b"".join(line + b"\r\n" for line in (b"A: 1", b"", *body)) for body in bodies
    ]


def test_separators_without_a_date_where_the_first_has_none() -> None:
    """STORE-124"""
    mail = read(b"From a@b\nA: b\n\nFrom my end\n\nFrom \n\nFrom c@d\nA: b\n\nx\n")
    assert [message for _, message in mail] == [
        b"A: b\r\n\r\nFrom my end\r\n\r\nFrom \r\n",
        b"A: b\r\n\r\nx\r\n",
    ]


def test_quoted_lines_lose_one_sign() -> None:
    """STORE-124"""
    [(_, message)] = read(b"From a\nA: b\n\n>From x\n>>From y\n> From z\nFromage\n")
    assert message == b"A: b\r\n\r\nFrom x\r\n>From y\r\n> From z\r\nFromage\r\n"


def test_flags_of_all_programs_are_read_and_their_fields_dropped() -> None:
    """STORE-124"""
    file = (
        b"From a\nA: b\nStatus: RO\nX-Status: AFTD\nX-Keywords: work, $Junk\n nonjunk home\nContent-Length: 7\n"
        b"X-Mozilla-Status: 1001\nX-Mozilla-Status2: 00000000\nX-Mozilla-Keys: $label1  \nC: d\n\nx\n"
    )
    [(head, message)] = read(file)
    assert message == b"A: b\r\nC: d\r\n\r\nx\r\n"
    assert not head.expunged
    assert set(head.words) == {
        *(r"\Seen", r"\Answered", r"\Flagged", r"\Draft", r"\Deleted", "$Forwarded", "$Junk", "$NotJunk"),
        *("work", "home", "$label1"),
    }


def test_what_thunderbird_has_deleted_is_marked() -> None:
    """STORE-124"""
    [(head, _)] = read(b"From - \nX-Mozilla-Status: 0009\nA: b\n\nx\n")
    assert head.expunged
    assert head.words == (r"\Seen",)


def test_a_file_that_begins_otherwise_is_none() -> None:
    """STORE-155"""
    with pytest.raises(MboxError, match="message 1"):
        read(b"Subject: hello\n\nFrom here\n")
    assert read(b"") == []


def test_a_separator_without_an_end_is_refused_soon() -> None:
    """STORE-155"""
    with pytest.raises(MboxError):
        list(MboxReader().feed(b"From " + b"x" * 100_000))


def test_messages_with_crlf_are_taken_as_they_are() -> None:
    """STORE-124"""
    [(_, message)] = read(b"From a\r\nA: b\r\n\r\nbare\nlf\r\n\r\n")
    assert message == b"A: b\r\n\r\nbare\nlf\r\n"


def test_long_lines_and_sections_pass_through_in_bounded_memory() -> None:
    """STORE-122, STORE-124"""
    reader = MboxReader()
    list(reader.feed(b"From a\nA: b\n\n"))
    for _ in range(100):
        got = list(reader.feed(b"x" * 100_000))
        assert sum(map(len, (event for event in got if isinstance(event, bytes)))) >= 100_000 or not got
    assert len(reader._buffer) < 300_000
    huge = b"From a\n" + b"X: y\n" * 500_000 + b"\nbody\n"
    [(head, message)] = read(huge, tuple(range(0, len(huge), 50_000)))
    assert len(head.header) <= 3 << 20
    assert message == b"X: y\r\n" * 500_000 + b"\r\nbody\r\n"


def test_a_status_field_of_many_lines_takes_time_in_its_length() -> None:
    """STORE-122, STORE-124: a megabyte of them took a minute, and a stranger can send them."""

    def seconds(lines: int) -> float:
        began = time.thread_time()
        assert take_status(b"A: b\nX-Keywords: c\n" + b" \n" * lines + b"D: e\n")[:2] == (b"A: b\nD: e\n", ("c",))
        return time.thread_time() - began

    assert min(seconds(200_000) for _ in range(3)) < 12 * min(seconds(50_000) for _ in range(3))


LINE = st.sampled_from(
    [b"", b"From x", b">From y", b">>From ", b"Subject: a", b" folded", b"Status: RO", b"text", b"a\rb", b".", b"\xff"]
)
EOL = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r\r\n"])


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """Messages as mail has them, now and then with odd line ends; the first line ends as it should."""
    lines = draw(st.lists(st.tuples(LINE, EOL), max_size=8))
    first = draw(st.sampled_from([b"Subject: x", b"", b"hello", b"From z"]))
    return first + b"\r\n" + b"".join(line + end for line, end in lines)


def kept(message: bytes) -> bytes:
    """The message without what an export drops."""
    section = section_of(message)
    lines = message[:section].split(b"\n")
    out, dropping = [], False
    for line in lines:
        dropping = line.startswith(b"Status:") or (dropping and line[:1] == b" ")
        if not dropping:
            out.append(line)
    return b"\n".join(out) + message[section:]


@given(
    st.lists(st.tuples(messages(), st.sampled_from([(), (r"\Seen",), ("$Junk", "work", r"\Flagged")])), max_size=5),
    st.lists(st.integers(0, 600), max_size=8),
    st.integers(1, 50),
)
def test_what_is_written_is_read_back_however_it_is_cut(
    mail: list[tuple[bytes, tuple[str, ...]]], cuts: list[int], step: int
) -> None:
    """STORE-124, STORE-138, STORE-139"""
    # A first line that is folded, or is a status field, belongs to those that an export adds.
    mail = [(message, words) for message, words in mail if message[: section_of(message)].count(b"\n ") == 0]
    file = b"".join(write(message, words, step) for message, words in mail)
    found = read(file, tuple(cuts))
    assert [message for _, message in found] == [kept(message) for message, _ in mail]
    assert [set(head.words) for head, _ in found] == [set(words) for _, words in mail]
    assert all(head.moment == MOMENT for head, _ in found)


@given(st.binary(max_size=200) | st.text("From >\n\r:a", max_size=80).map(str.encode), st.lists(st.integers(0, 200)))
def test_any_octets_are_messages_or_an_error_however_cut(data: bytes, cuts: list[int]) -> None:
    """STORE-124, STORE-155"""

    def outcome(cuts: tuple[int, ...]) -> object:
        try:
            return read(b"From x\n" + data, cuts)
        except MboxError as error:
            return str(error)

    assert outcome(tuple(cuts)) == outcome(())


def test_python_reads_what_is_written(tmp_path: Path) -> None:
    """STORE-138"""
    one = b"Subject: one\r\n\r\nFrom here\r\n>From there\r\n"
    two = b"Subject: two\r\nStatus: O\r\nContent-Length: 3\r\n\r\nx\r\n"
    path = tmp_path / "x.mbox"
    path.write_bytes(write(one, (r"\Seen", r"\Answered", "work")) + write(two, (r"\Deleted",)))
    first, second = list(stdlib.mbox(path))
    assert first.get_flags() == "ROA"
    assert first["X-Keywords"] == "work"
    assert first.get_from() == "ann@example.org Thu Oct  1 10:00:00 2026"
    assert first.get_payload() == ">From here\n>>From there\n"  # as it is in the file: Python knows mboxo
    assert (second["Status"], second["X-Status"], second["Content-Length"]) == ("O", "D", None)


@given(
    st.lists(
        st.tuples(st.sampled_from(SEPARATORS), st.sampled_from([[""], ["", ""], ["", "", ""]]), st.booleans()),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["\n", "\r\n"]),
)
def test_python_shows_no_message_that_is_hidden(mail: list[tuple[bytes, list[str], bool]], end: str) -> None:
    """STORE-124: with any number of empty lines before a separator, and below the fields; all lines stay."""
    texts = [
        end.join([line.decode(), f"Subject: {number}", "", *["body"] * below, *before])
        for number, (line, before, below) in enumerate(mail)
    ]
    data = "".join(texts).encode()
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        shown = [message["Subject"] for message in stdlib.mbox(file.name)]
    found = [message for _, message in read(data)]
    assert [message.partition(b"\r\n")[0].decode() for message in found] == [f"Subject: {one}" for one in shown]
    assert [b"body" in message for message in found] == [below for _, _, below in mail]


def test_we_read_what_python_writes(tmp_path: Path) -> None:
    """STORE-124"""
    box = stdlib.mbox(tmp_path / "x.mbox")
    for number, flags in enumerate(("", "R", "RAF", "D")):
        message = stdlib.mboxMessage(f"Subject: {number}\n\nFrom me\n\n{number}\n")
        message.set_flags(flags)
        box.add(message)
    box.flush()
    found = read((tmp_path / "x.mbox").read_bytes())
    assert [message for _, message in found] == [
        f"Subject: {number}\r\n\r\nFrom me\r\n\r\n{number}\r\n".encode() for number in range(4)
    ]
    assert [head.words for head, _ in found] == [
        (),
        (r"\Seen",),
        (r"\Seen", r"\Answered", r"\Flagged"),
        (r"\Deleted",),
    ]


@given(st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\r\n", b""]), max_size=12), st.integers(1, 4))
def test_lf_form_is_used_for_what_survives_it(parts: list[bytes], step: int) -> None:
    """STORE-139"""
    message = b"".join(parts)
    pieces = [message[start : start + step] for start in range(0, len(message), step)]
    into, back = IntoFile(), FromFile()
    assert fits_lf(pieces) == fits_lf([message])
    if not fits_lf(pieces):
        return
    file = b"".join(map(into.feed, pieces)) + into.finish()
    assert b"\r\n" not in file
    assert b"".join(back.feed(file[at : at + step]) for at in range(0, len(file), step)) + back.finish() == message


def test_keywords_of_files_that_are_flags() -> None:
    """STORE-125"""
    assert [flag_word(word) for word in ("$Forwarded", "forwarded", "NonJunk", "$notjunk", "MDNSent", "Phishing")] == [
        *("$Forwarded", "$Forwarded", "$NotJunk", "$NotJunk", "$MDNSent", "$Phishing")
    ]
    assert flag_word("$label1") == "$label1"
