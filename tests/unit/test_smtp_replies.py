"""Replies: octets of the server, reading of the client (SMTP-8, 122, 152; QUEUE-62)."""

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.smtp.client import ReplyReader
from moxlite.proto.smtp.delivery import parse_extensions
from moxlite.proto.smtp.errors import ERROR_TEXT_LIMIT, ProtocolError, SMTPError
from moxlite.proto.smtp.replies import Response, printable


def read(octets: bytes, *, enhanced: bool = True) -> list[Response]:
    reader = ReplyReader()
    replies = []
    for octet in octets:  # one by one: the hardest split
        reader.receive_data(bytes([octet]))
        while reply := reader.next_reply(enhanced=enhanced):
            replies.append(reply)
    return replies


def test_the_enhanced_code_stands_on_every_line() -> None:
    """SMTP-8"""
    assert Response.of(550, "5.1.1", "one\ntwo").encode() == b"550-5.1.1 one\r\n550 5.1.1 two\r\n"
    assert Response.of(354, "", "go on").encode() == b"354 go on\r\n"


def test_long_lines_are_wrapped_at_spaces() -> None:
    """SMTP-8"""
    octets = Response.of(250, "2.0.0", "word " * 300).encode()
    lines = octets.splitlines(keepends=True)
    assert all(len(line) <= 512 and line.startswith(b"250") for line in lines)
    assert [line[3:4] for line in lines] == [b"-"] * (len(lines) - 1) + [b" "]
    assert b" ".join(line[10:].strip() for line in lines) == b" ".join([b"word"] * 300)
    assert max(map(len, Response.of(250, "", "x" * 2000).encode().splitlines(keepends=True))) == 512


def test_foreign_octets_never_leave_a_line() -> None:
    """SMTP-152"""
    response = Response(550, "5.0.0", ("a\rb\nc\x00é\u2028",))
    assert response.encode() == b"550 5.0.0 a?b?c???\r\n"
    assert response.encode(utf8=True) == "550 5.0.0 a?b?c?é?\r\n".encode()
    assert printable("x\n" * 1000) == "x?" * 400


@given(
    st.integers(200, 599),
    st.lists(st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=700), min_size=1, max_size=5),
)
def test_reading_what_was_encoded_gives_it_back(code: int, texts: list[str]) -> None:
    """SMTP-8, 122"""
    ecode = f"{code // 100}.1.1" if code // 100 in {2, 4, 5} else ""
    response = Response(code, ecode, tuple(texts))
    (reply,) = read(response.encode(), enhanced=bool(ecode))
    assert (reply.code, reply.ecode, "".join(reply.lines)) == (code, ecode, "".join(texts))


def test_the_enhanced_code_is_taken_only_if_announced_and_of_the_class() -> None:
    """SMTP-122; QUEUE-62"""
    assert read(b"250 2.1.0 ok\r\n", enhanced=False) == [Response(250, "", ("2.1.0 ok",))]
    assert read(b"250 5.1.0 ok\r\n") == [Response(250, "", ("5.1.0 ok",))]
    assert read(b"250-2.1.0 a\r\n250 2.1.0 b\r\n") == [Response(250, "2.1.0", ("a", "b"))]
    assert read(b"250 2.1.0\r\n") == [Response(250, "2.1.0", ("",))]


def test_small_faults_of_servers_are_tolerated() -> None:
    """QUEUE-62"""
    assert read(b"250\r\n220hello\n") == [Response(250, "", ("",)), Response(220, "", ("hello",))]


@pytest.mark.parametrize(
    "octets",
    [
        b"250-a\r\n251 b\r\n",
        b"hello\r\n",
        b"99 x\r\n",
        b"600 x\r\n",
        b"199 x\r\n",
        b"250 " + b"x" * 2048,
        b"250-x\r\n" * 101,
        b"\r\n",
    ],
)
def test_what_is_no_reply_ends_the_connection(octets: bytes) -> None:
    """SMTP-122; QUEUE-62, 150"""
    with pytest.raises(ProtocolError):
        read(octets)


@given(st.binary(max_size=300))
def test_no_octets_break_the_reader(octets: bytes) -> None:
    """SMTP-122"""
    try:
        read(octets)
    except ProtocolError:
        return


def test_an_error_keeps_two_kib_of_text() -> None:
    """SMTP-130; QUEUE-150"""
    error = SMTPError.from_reply("data", Response(550, "5.1.1", tuple("x" * 1000 for _ in range(10))))
    assert sum(map(len, (error.line, *error.more_lines))) == ERROR_TEXT_LIMIT
    assert error.permanent
    assert str(error).startswith("data: 550 5.1.1 xxx")


def test_552_to_rcpt_is_temporary() -> None:
    """SMTP-128; QUEUE-67"""
    assert not SMTPError.from_reply("rcpt", Response(552, "", ("too many",))).permanent
    assert SMTPError.from_reply("data", Response(552, "", ("too large",))).permanent


def test_extensions_are_read_from_ehlo() -> None:
    """SMTP-121, 122"""
    extensions = parse_extensions(
        [
            "mail.example",
            "pipelining",
            "SIZE 1000",
            "AUTH PLAIN login",
            "AUTH=PLAIN CRAM-MD5",
            "LIMITS RCPTMAX=5 MAILMAX=3",
            "8BITMIME",
        ]
    )
    assert "PIPELINING" in extensions
    assert extensions.size == 1000
    assert extensions.auth == ("PLAIN", "LOGIN", "CRAM-MD5")
    assert (extensions.rcptmax, extensions.mailmax) == (5, 3)


@pytest.mark.parametrize(
    ("line", "rcptmax", "mailmax"),
    [
        ("RCPTMAX=5 MAILMAX=x", 5, None),
        ("RCPTMAX=0 MAILMAX=7", None, 7),
        ("RCPTMAX=1234567", None, None),
        ("RCPTMAX=5 RCPTMAX=6", None, None),
        ("RCPTMAX=5 bad", None, None),
        ("", None, None),
    ],
)
def test_bad_limits_are_ignored(line: str, rcptmax: int | None, mailmax: int | None) -> None:
    """SMTP-121; QUEUE-66"""
    extensions = parse_extensions(["x", f"LIMITS {line}"])
    assert (extensions.rcptmax, extensions.mailmax) == (rcptmax, mailmax)
