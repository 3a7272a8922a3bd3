"""ManageSieve's syntax (RFC 5804 §4)."""

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.managesieve import (
    MAX_STRING,
    NEED_DATA,
    ManageSieveError,
    Request,
    ServerDecoder,
    quoted,
    response,
    string,
)


def read(octets: bytes) -> Request | None:
    decoder = ServerDecoder()
    decoder.feed(octets)
    return decoder.next_request()


@pytest.mark.parametrize(
    ("octets", "request_"),
    [
        (b"LOGOUT\r\n", Request("LOGOUT")),
        (b'putscript "a b" {6+}\r\nkeep;\n\r\n', Request("PUTSCRIPT", (b"a b", b"keep;\n"))),
        (b'HaveSpace "a\\"b\\\\" 100\r\n', Request("HAVESPACE", (b'a"b\\', 100))),
        (b'AUTHENTICATE "PLAIN" {4+}\r\nAGEA\r\n', Request("AUTHENTICATE", (b"PLAIN", b"AGEA"))),
        (b"NOOP {3}\r\nabc\n", Request("NOOP", (b"abc",))),
    ],
)
def test_requests(octets: bytes, request_: Request) -> None:
    """IMAP-141: quoted strings, literals, numbers; complete only with the line end."""
    assert read(octets) == request_
    decoder = ServerDecoder()
    for at in range(len(octets) - 1):
        decoder.feed(octets[at : at + 1])
        assert decoder.next_request() is NEED_DATA
    decoder.feed(octets[-1:])
    assert decoder.next_request() == request_


@pytest.mark.parametrize(
    ("octets", "fatal"),
    [
        (b"\r\n", False),
        (b'"a"\r\n', False),
        (b"PUTSCRIPT a\r\n", False),
        (b'PUTSCRIPT "a\r\n', False),
        (b"PUTSCRIPT {%d+}\r\n" % (MAX_STRING + 1), True),
        (b"x" * 10_000, True),
        (b"NOOP" + b' "a"' * 20 + b"\r\n", True),
    ],
)
def test_what_is_no_request(octets: bytes, fatal: bool) -> None:
    """IMAP-141: a line that cannot be read is dropped; what has no bounds ends the connection."""
    decoder = ServerDecoder()
    decoder.feed(octets + (b"" if fatal else b"LOGOUT\r\n"))
    with pytest.raises(ManageSieveError) as caught:
        decoder.next_request()
    assert caught.value.fatal == fatal
    if not fatal:
        assert decoder.next_request() == Request("LOGOUT")


@given(st.binary(max_size=200))
def test_any_octets_are_requests_or_errors(octets: bytes) -> None:
    """IMAP-141."""
    decoder = ServerDecoder()
    decoder.feed(octets)
    for _ in range(len(octets) + 1):
        try:
            if decoder.next_request() is NEED_DATA:
                break
        except ManageSieveError as error:
            if error.fatal:
                break


@given(st.text(max_size=20).filter(lambda text: not set(text) & set("\r\n\0")))
def test_a_quoted_string_is_read_as_the_same(text: str) -> None:
    """IMAP-141."""
    assert read(b"NOOP " + quoted(text) + b"\r\n") == Request("NOOP", (text.encode(),))
    assert read(b"NOOP " + string(text.encode()) + b"\r\n") == Request("NOOP", (text.encode(),))


def test_responses() -> None:
    """IMAP-141: a text that is not plain is a literal."""
    assert response("OK") == b"OK\r\n"
    assert response("NO", 'a "b"', "QUOTA") == b'NO (QUOTA) "a \\"b\\""\r\n'
    assert response("NO", "line 1\r\nline 2") == b"NO {14}\r\nline 1\r\nline 2\r\n"
