"""ENVELOPE, BODYSTRUCTURE and IMAP URLs on the client's side."""

import pytest
from hypothesis import given, settings, strategies as st

from moxlite.proto.imap.bodystructure import Address, BodyPart, parse_body, parse_envelope
from moxlite.proto.imap.errors import ProtocolError
from moxlite.proto.imap.url import ImapUrl
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.structure import scan
from moxlite.proto.mime.wire import read_envelope, render_bodystructure

MAIL = b"""\
From: "A, B" <a@example.org>\r
To: team: b@example.org, c@example.org;\r
Subject: x\r
Message-ID: <1@example.org>\r
Content-Type: multipart/mixed; boundary=b\r
\r
--b\r
\r
hello\r
--b\r
Content-Type: image/png; name="a b.png"\r
Content-Disposition: attachment; filename="a b.png"\r
Content-Transfer-Encoding: base64\r
\r
AAAA\r
--b\r
Content-Type: message/rfc822\r
\r
Subject: inner\r
\r
in\r
--b--\r
"""


def test_the_envelope_that_the_server_renders_is_read() -> None:
    """IMAP-1, IMAP-102"""
    envelope = parse_envelope(read_envelope(HeaderSection(MAIL))[1])
    assert envelope.author == envelope.sender == (Address(b"A, B", b"a", b"example.org"),)
    assert [address.mailbox for address in envelope.to] == [b"team", b"b", b"c", None]
    assert (envelope.subject, envelope.message_id, envelope.date) == (b"x", b"<1@example.org>", None)


def test_the_body_structure_that_the_server_renders_is_read() -> None:
    """IMAP-1, IMAP-103"""
    body = parse_body(render_bodystructure(scan(MAIL)))
    assert (body.type, body.subtype, body.parameters) == ("MULTIPART", "MIXED", (("BOUNDARY", b"b"),))
    text, image, message = body.parts
    assert (text.type, text.size, text.encoding) == ("TEXT", 5, "7BIT")
    assert image.disposition == ("ATTACHMENT", (("FILENAME", b"a b.png"),))
    assert (image.encoding, image.size, image.lines) == ("BASE64", 4, None)
    assert message.envelope is not None
    assert message.envelope.subject == b"inner"
    assert isinstance(message.parts[0], BodyPart)


@pytest.mark.parametrize(
    "wire", [b"", b"(", b"()", b"(NIL)", b"(" * 5000, b'("a" "b" NIL NIL NIL "7BIT" x)', b"((NIL))"]
)
def test_broken_structures_are_refused(wire: bytes) -> None:
    """IMAP-146"""
    with pytest.raises(ProtocolError):
        parse_body(wire)
    with pytest.raises(ProtocolError):
        parse_envelope(wire)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_noise_is_refused_or_read(wire: bytes) -> None:
    """IMAP-4"""
    for parse in (parse_body, parse_envelope):
        try:
            parse(b"(" + wire + b")")
        except ProtocolError:
            pass


def test_urls_name_messages_and_sections() -> None:
    """IMAP-91"""
    url = ImapUrl.parse("/Drafts/a%20b;UIDVALIDITY=385759045/;UID=20/;SECTION=1.MIME/;PARTIAL=5.10")
    assert url == ImapUrl("Drafts/a b", 385759045, 20, "1.MIME", (5, 10))
    full = ImapUrl.parse("imap://joe;AUTH=*@mail.example.org:143/inbox/;UID=7")
    assert full == ImapUrl("Inbox", uid=7, host="mail.example.org", port=143, user="joe")
    assert ImapUrl.parse("/://;UID=7") == ImapUrl(":/", uid=7)
    for text in ("http://x/y", "/x?SUBJECT", "/x/;UID=7/;FOO=1", "/%ff"):
        with pytest.raises(ProtocolError):
            ImapUrl.parse(text)


@settings(max_examples=200, deadline=None)
@given(
    st.builds(
        ImapUrl,
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=10).filter(
            lambda t: not t.startswith("/") and not t.lower().startswith("inbox")
        ),
        st.none() | st.integers(1, 1 << 31),
        st.integers(1, 1 << 31),
        st.sampled_from(["", "1.2.HEADER.FIELDS (To Cc)", "TEXT"]),
        st.none() | st.tuples(st.integers(0, 1 << 40), st.none() | st.integers(1, 1 << 40)),
        st.sampled_from(["", "mail.example.org", "[::1]"]),
    )
)
def test_a_written_url_is_read_back(url: ImapUrl) -> None:
    """IMAP-1"""
    assert ImapUrl.parse(url.encode()) == url
