"""Messages that are signed in one piece."""

import time

import pytest
from hypothesis import given, settings, strategies as st

from moxlite.proto.mime import decode_structure, encode_structure, scan
from moxlite.proto.mime.signeddata import signed_content
from moxlite.proto.mime.text import body_text, decode_part, preview
from moxlite.proto.mime.wire import render_bodystructure
from tests.signeddata import SIGNED_DATA, mail, signed, streamed, value

ENTITY = (
    b"Content-Type: multipart/mixed; boundary=i\r\n\r\n"
    b"--i\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"
    b"--i\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nwords\r\n--i--\r\n"
)


@given(st.binary(max_size=300), st.integers(1, 50), st.integers(0, 3))
@settings(max_examples=50)
def test_the_content_is_found_however_it_is_written(content: bytes, size: int, depth: int) -> None:
    """STORE-52b"""
    assert signed_content(streamed(content, size, depth)) == content
    if content:
        assert signed_content(signed(content)) == content
        assert signed_content(signed(content)[:-40]) == content


@given(st.integers(0, 100), st.binary(max_size=4), st.integers(0, 100))
def test_damage_gives_some_octets_or_none(at: int, damage: bytes, after: int) -> None:
    """STORE-52b: never an error."""
    whole = streamed(b"abc", 2)
    octets = whole[:at] + damage + whole[after:]
    found = signed_content(octets)
    assert found is None or len(found) <= len(octets)


@pytest.mark.parametrize(
    "octets",
    [
        streamed(b"x" * 500_000, 1),
        streamed(b"abc", 1, 100_000)[:-200_000],
        value(0x30, value(6, bytes.fromhex(SIGNED_DATA)), value(0xA0, value(0x30, value(2), b"\x31\x80" * 500_000))),
        b"\x30\x88" + b"\xff" * 100_000,
    ],
)
def test_hostile_data_costs_little(octets: bytes) -> None:
    """STORE-52b, STORE-152: linear, without recursion. Processor time; the bound is ten times what it takes."""
    before = time.process_time()
    signed_content(octets)
    assert time.process_time() - before < 10


@pytest.mark.parametrize("octets", [signed(ENTITY), streamed(ENTITY, 7)])
@pytest.mark.parametrize("kind", ["application/pkcs7-mime", "application/x-pkcs7-mime; smime-type=signed-data"])
def test_what_is_signed_in_one_piece_is_read(octets: bytes, kind: str) -> None:
    """STORE-52b, STORE-58, IMAP-121: its text is searched and previewed; for IMAP it is one part."""
    data = mail(octets, kind)
    structure = scan(data)

    def read(start: int, end: int) -> bytes:
        return data[start:end]

    signed_part = structure.root.wrapped
    assert signed_part is not None
    text, message = signed_part.parts
    assert decode_part(text, read, 1000).text == "Grüße"
    assert (message.message and message.message.envelope.subject) == "inner"
    assert preview(structure, read) == "Grüße"
    assert body_text(structure, read).splitlines()[:2] == ["Grüße", "Subject: inner"]
    assert "words" in body_text(structure, read)
    assert render_bodystructure(structure).startswith(b'("APPLICATION" "')
    assert decode_structure(encode_structure(structure)) == structure
    moved = structure.with_prefix(b"X: y\r\n")
    inner = moved.root.wrapped
    assert inner is not None
    assert decode_part(inner.parts[0], lambda start, end: (b"X: y\r\n" + data)[start:end], 1000).text == "Grüße"


@pytest.mark.parametrize("kind", ["application/pkcs7-mime; smime-type=enveloped-data", "application/octet-stream"])
def test_only_signed_data_is_opened(kind: str) -> None:
    """STORE-52b: also none within other."""
    assert scan(mail(signed(ENTITY), kind)).root.wrapped is None
    assert scan(mail(b"0" * 100)).root.wrapped is None
    nested = scan(mail(signed(mail(signed(ENTITY))))).root.wrapped
    assert nested is not None
    assert nested.wrapped is None
