"""Submitted messages in the form that each server takes (SMTP-112a)."""

import email
import email.policy
import re

import pytest
from hypothesis import example, given, strategies as st

from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.sevenbit import Unconvertible, edited
from moxlite.proto.mime.structure import scan
from moxlite.proto.mime.transport import edits, has_long_line, needs_utf8, with_line_ends
from moxlite.proto.mime.wire import read_addresses

FROM = b"From: a@b.example\r\n"
LONG = b"x" * 3_000
SIGNED = (
    FROM + b"Subject: \xc3\xbc\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=q\r\n\r\n"
    b"--q\r\nContent-Type: text/plain; name=\xc3\xbc\r\n\r\n%b\r\n--q\r\nContent-Type: a/b\r\n\r\n--q--\r\n"
)


def sent(message: bytes) -> bytes:
    """The message as it goes out; once more, it stays as it is."""
    utf8 = needs_utf8(HeaderSection(message))
    found = b"".join(edited(message, edits(message, scan(message).root, utf8=utf8)))
    assert not has_long_line(found, 0, len(found))
    assert max(map(len, found.split(b"\r\n"))) <= 998
    assert edits(found, scan(found).root, utf8=utf8) == []
    return found


def contents(message: bytes) -> list[tuple[str, str | None, bytes]]:
    """Types, file names and decoded octets of all leaves."""
    parts = email.message_from_bytes(message, policy=email.policy.SMTP).walk()
    leaves = [part for part in parts if not part.is_multipart()]
    return [(part.get_content_type(), part.get_filename(), part.get_payload(decode=True)) for part in leaves]  # type: ignore[misc]  # octets, asked for by decode


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b"a", b"\r\n", b"\r\r\n"]), max_size=30).map(b"".join), st.integers(1, 4)
)
def test_lines_get_their_ends(octets: bytes, block: int) -> None:
    """SMTP-111b: wherever blocks of a large message begin."""
    whole = b"".join(with_line_ends(octets))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("moxlite.proto.mime.sevenbit.BLOCK", block)
        assert b"".join(with_line_ends(octets)) == whole
    lines = re.sub(b"\r+", b"\r", octets).replace(b"\r\n", b"\n").removesuffix(b"\r").replace(b"\r", b" ")
    assert whole.replace(b"\r\n", b"\n").removesuffix(b"\n") == lines.removesuffix(b"\n") or octets.endswith(b"\r")
    assert whole.endswith(b"\r\n")
    assert whole.count(b"\r") == whole.count(b"\n") == whole.count(b"\r\n")
    assert b"".join(with_line_ends(whole)) == whole


LISTS = (
    *(b"from", b"sender", b"reply-to", b"to", b"cc", b"resent-from", b"resent-sender", b"resent-to", b"resent-cc"),
    *(b"disposition-notification-to", b"mail-followup-to", b"return-receipt-to"),
)
WORD = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="\ufffd"), min_size=1, max_size=60)


def test_raw_fields_are_encoded_from_the_charset_of_the_texts() -> None:
    """SMTP-112a, STORE-56: as those here read them who have the message in Sent."""
    message = FROM + (
        'Subject: Отчёт\r\nTo: Анна <a@b.example>\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain; charset=windows-1251\r\n\r\nx\r\n"
        '--b\r\nContent-Type: a/b; name="Отчёт.bin"\r\n\r\nx\r\n--b--\r\n'
    ).encode("windows-1251")
    before, after = scan(message), scan(sent(message))
    assert before.envelope == after.envelope
    assert (after.envelope.subject, after.envelope.to[0].name) == ("Отчёт", "Анна")
    assert [part.filename for part in after.root.parts] == [part.filename for part in before.root.parts]


@given(st.lists(WORD, min_size=1, max_size=30).map(" ".join), st.sampled_from(LISTS))
@example('Jörg, "the" <boss>', b"from")
@example("=?utf-8?q?x?= ü", b"to")
@example("a" * 2_000, b"resent-cc")
def test_raw_fields_are_encoded_and_say_the_same(text: str, name: bytes) -> None:
    """SMTP-112a: subjects, names of addresses and of groups, in each field that has any; the other fields stay."""
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    head = f"X-First: 1\r\nSubject: {text}\r\n".encode()
    lists = name + b": " + f"{quoted} <a@b.example>, {quoted}: c@d.example, x <e@bücher.example>;\r\n".encode()
    message = head + (b"" if name == b"from" else FROM) + lists + b"\r\nbody\r\n"
    found = sent(message)
    assert found.isascii()
    assert found.startswith(b"X-First: 1\r\nSubject: ")
    before, after = scan(message).envelope, scan(found).envelope
    assert before == after
    one, other = (HeaderSection(octets) for octets in (message, found))
    assert [*one.names] == [*other.names]
    assert read_addresses(one.texts(name))[0] == read_addresses(other.texts(name))[0]


@given(st.binary(max_size=100), st.integers(0, 3), st.booleans())
def test_bodies_keep_their_octets(octets: bytes, runs: int, attached: bool) -> None:
    """SMTP-112a: longer lines become quoted-printable or base64; nothing else changes."""
    body = octets.replace(b"\r", b"").replace(b"\n", b"") + LONG * runs + b"\r\nnext\r\n"
    head = b'Content-Type: text/plain; charset=iso-8859-1\r\nContent-Disposition: attachment; filename="%b.txt"\r\n\r\n'
    part = head % ("ü" if runs else "u").encode() + body
    if attached:
        part = (
            b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=qqqq\r\n\r\n--qqqq\r\n"
            + part
            + b"\r\n--qqqq--\r\n"
        )
    message = FROM + part
    found = sent(message)
    assert [(one[0], one[2]) for one in contents(found)] == [(one[0], one[2]) for one in contents(message)]
    assert contents(found)[0][1] == ("ü.txt" if runs else "u.txt")
    if not runs:
        assert found == message


def test_long_fields_are_folded() -> None:
    """SMTP-112a: addresses and ids in one line, and a parameter; what another program had encoded is still read."""
    many = b", ".join(b"a%d@b.example" % number for number in range(200))
    ids = b" ".join(b"<%d@b.example>" % number for number in range(200))
    message = FROM + b"To: " + many + b"\r\nReferences: " + ids + b"\r\nSubject: " + b"=?utf-8?q?=C3=BC?= " * 200
    found = sent(message + b"\r\n\r\nx\r\n")
    assert len(scan(found).envelope.to) == 200
    assert HeaderSection(found).text(b"references") == ids
    assert scan(found).envelope.subject == "ü" * 200


def test_an_address_that_needs_utf8_keeps_its_fields_raw() -> None:
    """SMTP-29: raw UTF-8 is the form of such a header; its lines have an end all the same."""
    message = "From: ü@b.example\r\nSubject: ü\r\n\r\nx\r\n".encode()
    assert sent(message) == message
    assert needs_utf8(HeaderSection("To: x, g: ü@b.example;\r\n\r\n".encode()))
    assert not needs_utf8(HeaderSection("To: ü <x@ü.example>\r\nSubject: ü@ü.example\r\n\r\n".encode()))
    assert sent(message.replace(b"\r\nx", b"\r\n" + LONG)).startswith(message[:32])


def test_what_is_signed_keeps_its_octets() -> None:
    """SMTP-112a: its raw fields go as 8-bit data, a longer line is refused; attached messages keep their fields."""
    message = SIGNED % b"text"
    found = sent(message)
    assert b"Subject: =?utf-8?b?w7w=?=\r\n" in found
    assert found.partition(b"\r\n\r\n")[2] == message.partition(b"\r\n\r\n")[2]
    for wrong in (SIGNED % LONG, (SIGNED % LONG).replace(b"multipart/signed", b"multipart/encrypted")):
        with pytest.raises(Unconvertible, match="signed or encrypted"):
            sent(wrong)
    with pytest.raises(Unconvertible, match="can't be encoded"):
        sent(FROM + b"Content-Transfer-Encoding: x-uuencode\r\n\r\n" + LONG + b"\r\n")
    outer = FROM + b"Content-Type: message/rfc822\r\n\r\n"
    inner = b"Subject: \xc3\xbc\r\nDKIM-Signature: x\r\n\r\n"
    assert sent(outer + inner + b"x\r\n") == outer + inner + b"x\r\n"
    assert sent(outer + inner + LONG + b"\r\n").startswith(outer + b"Subject: \xc3\xbc\r\nDKIM-Signature: x\r\nMIME")
