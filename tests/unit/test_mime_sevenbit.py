"""Messages in 7-bit form for hosts without 8BITMIME (QUEUE-63a)."""

import email
import email.policy

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.mime import sevenbit
from moxlite.proto.mime.sevenbit import Unconvertible, convert


def converted(message: bytes) -> bytes:
    found = b"".join(convert(message))
    assert found.isascii()
    assert max(map(len, found.split(b"\r\n"))) <= 998
    return found


def contents(message: bytes) -> list[tuple[str, bytes]]:
    """Types and decoded octets of all leaves."""
    parsed = email.message_from_bytes(message)
    found: list[tuple[str, bytes]] = []
    for part in parsed.walk():
        if not part.is_multipart():
            octets = part.get_payload(decode=True) or b""
            assert isinstance(octets, bytes)
            found.append((part.get_content_type(), octets))
    return found


TEXT = (
    b"From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: 8bit\r\nSubject: x\r\n\r\n"
)


def test_text_becomes_quoted_printable() -> None:
    """QUEUE-63a: or base64 where little of it is ASCII; the other fields stay, in their order."""
    body = "Grüße aus Köln, = und so weiter. \r\n.\r\nFrom here\r\n".encode()
    out = converted(TEXT + body)
    assert out.startswith(TEXT.replace(b"Content-Transfer-Encoding: 8bit\r\n", b"").removesuffix(b"\r\n"))
    assert b"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" in out
    assert b"Gr=C3=BC=C3=9Fe" in out
    assert contents(out) == [("text/plain", body)]
    greek = ("Καλημέρα κόσμε\r\n" * 200).encode()
    out = converted(TEXT + greek)
    assert b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" in out
    assert contents(out) == [("text/plain", greek)]


def test_all_parts_are_converted_and_the_others_left_alone() -> None:
    """QUEUE-63a: nested ones, binary ones, embedded messages; labels of containers too."""
    label = b"Content-Transfer-Encoding: 8bit\r\n\r\n"
    inner = b"Subject: in\r\nContent-Type: text/html; charset=utf-8\r\n" + label + b"<p>\xc3\xa9\r\n"
    message = (
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        b"pr\xe9amble\r\n--x\r\nContent-Type: text/plain\r\n\r\nplain\r\n"
        b"--x\r\nContent-Type: multipart/alternative; boundary=y\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        b"--y\r\nContent-Type: text/plain; charset=iso-8859-1\r\n" + label + b"caf\xe9 au lait\r\n--y--\r\n"
        b"--x\r\nContent-Type: image/x-raw\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xff\xfe\x01\r\n"
        b"--x\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + inner + b"\r\n--x--\r\n"
    )
    out = converted(message)
    assert b"pr?amble" in out
    assert contents(out) == contents(message)
    assert b"8bit" not in out
    assert b"\r\n--x\r\nContent-Type: text/plain\r\n\r\nplain\r\n--x" in out
    assert out.count(b"base64") == 1


def test_a_message_without_mime_says_what_it_is() -> None:
    """QUEUE-63a, RFC 1428."""
    for body, charset in ((b"caf\xc3\xa9\r\n", "utf-8"), (b"caf\xe9\r\n", "unknown-8bit")):
        out = converted(b"Subject: x\r\n\r\n" + body)
        parsed = email.message_from_bytes(out)
        assert (parsed["MIME-Version"], parsed.get_param("charset")) == ("1.0", charset)
        assert contents(out)[0][1] == body


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"Subject: caf\xc3\xa9\r\n\r\nx\r\n", "header field"),
        (
            (
                b"Content-Type: multipart/signed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\n"
                b"caf\xe9\r\n--x\r\nContent-Type: application/pgp-signature\r\n\r\nsig\r\n--x--\r\n"
            ),
            "signed part",
        ),
        (b"Content-Type: message/rfc822\r\n\r\nDKIM-Signature: v=1\r\n\r\ncaf\xe9\r\n", "attached message"),
        (b"Content-Transfer-Encoding: x-uuencode\r\n\r\ncaf\xe9\r\n", "encoding X-UUENCODE"),
        (b"Content-Type: multipart/mixed\r\n\r\ncaf\xe9\r\n", "without boundary"),
    ],
)
def test_what_cannot_be_converted_says_why(message: bytes, why: str) -> None:
    """QUEUE-63a: before a piece is given out."""
    with pytest.raises(Unconvertible, match=why):
        convert(message)


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n\0", codec="utf-8"), max_size=300), max_size=20),
    st.integers(1, 200),
)
def test_any_text_comes_out_as_it_was(lines: list[str], block: int) -> None:
    """QUEUE-63a: wherever the blocks are cut."""
    body = "".join(f"{line}\r\n" for line in lines).encode()
    before, sevenbit.BLOCK = sevenbit.BLOCK, block  # type: ignore[misc]  # small blocks, many cuts
    try:
        out = converted(TEXT + body)
    finally:
        sevenbit.BLOCK = before  # type: ignore[misc]
    assert contents(out) == [("text/plain", body)]
