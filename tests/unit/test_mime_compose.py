"""Composing messages."""

import email
import email.policy
import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.mime import MailAddress, scan
from moxlite.proto.mime.compose import (
    ComposeError,
    DataPart,
    Group,
    MultiPart,
    TextPart,
    address_field,
    compose,
    flow,
    format_address,
    new_message_id,
    parameter_field,
    text_field,
)
from moxlite.proto.mime.decode import decode
from moxlite.proto.mime.headers import unfold
from moxlite.proto.mime.wire import read_addresses
from moxlite.proto.mime.words import decode_words, parse_content

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=120)


def boundaries() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"=_{next(numbers)}"


def value(field: bytes) -> bytes:
    assert field.endswith(b"\r\n")
    assert all(len(line.strip()) > 0 for line in field[:-2].split(b"\r\n"))
    return unfold(field.split(b":", 1)[1])


def test_a_message_is_written_as_its_parts_say() -> None:
    """QUEUE-101"""
    entity = MultiPart(
        (
            MultiPart((TextPart("hi\n"), TextPart("<p>hi", "html")), "alternative"),
            DataPart(b"\0\1", "application/pdf", "a b.pdf"),
            DataPart(b"x", "image/png", disposition="inline", content_id="i@x"),
            DataPart(b"A: b\r\n\r\nc\r\n", "message/rfc822", disposition="", encoding="7bit"),
        )
    )
    data = b"".join(compose([text_field("Subject", "x")], entity, boundary=boundaries()))
    assert data.decode().split("\r\n") == [
        "Subject: x",
        "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="=_1"',
        "",
        "--=_1",
        'Content-Type: multipart/alternative; boundary="=_2"',
        "",
        "--=_2",
        "Content-Type: text/plain; charset=us-ascii",
        "Content-Transfer-Encoding: 7bit",
        "",
        "hi",
        "",
        "--=_2",
        "Content-Type: text/html; charset=us-ascii",
        "Content-Transfer-Encoding: 7bit",
        "",
        "<p>hi",
        "",
        "--=_2--",
        "",
        "--=_1",
        'Content-Type: application/pdf; name="a b.pdf"',
        "Content-Transfer-Encoding: base64",
        'Content-Disposition: attachment; filename="a b.pdf"',
        "",
        "AAE=",
        "",
        "--=_1",
        "Content-Type: image/png",
        "Content-Transfer-Encoding: base64",
        "Content-Disposition: inline",
        "Content-ID: <i@x>",
        "",
        "eA==",
        "",
        "--=_1",
        "Content-Type: message/rfc822",
        "Content-Transfer-Encoding: 7bit",
        "",
        "A: b",
        "",
        "c",
        "",
        "--=_1--",
        "",
    ]


@given(st.lists(TEXT, min_size=1, max_size=4), st.lists(st.binary(max_size=300), max_size=2), TEXT, TEXT, st.booleans())
def test_composed_messages_are_read_back_the_same(
    texts: list[str], attachments: list[bytes], subject: str, filename: str, utf8: bool
) -> None:
    """STORE-50, STORE-53"""
    parts = [TextPart(text, eightbit=utf8) for text in texts]
    entity = MultiPart((*parts, *[DataPart(content, filename=filename) for content in attachments]))
    data = b"".join(compose([text_field("Subject", subject, utf8=utf8)], entity, utf8=utf8))
    structure = scan(data, strict=True)
    assert len(structure.root.parts) == len(texts) + len(attachments)
    for text, part in zip(texts, structure.root.parts, strict=False):
        content = decode(data[part.body : part.end], part.encoding).decode()
        assert content == (f"{text}\r\n" if text else "")
    for octets, part in zip(attachments, structure.root.parts[len(texts) :], strict=True):
        assert decode(data[part.body : part.end], part.encoding) == octets
    assert structure.envelope.subject.split() == subject.split()
    if not utf8:
        assert data.isascii()


def test_the_standard_library_reads_the_same_message() -> None:
    """QUEUE-101"""
    entity = MultiPart(
        (TextPart("Grüße\n"), DataPart(b"x" * 100, "application/pdf", "Größe und Länge eines langen Namens.pdf"))
    )
    data = b"".join(
        compose([address_field("To", [MailAddress("Jörg, M.", "j", "x.org")]), text_field("Subject", "Grüße")], entity)
    )
    message = email.message_from_bytes(data, policy=email.policy.default)
    text, attachment = message.iter_parts()
    assert (str(message["to"]), message["subject"]) == ('"Jörg, M." <j@x.org>', "Grüße")
    assert text.get_content() == "Grüße\r\n"
    assert attachment.get_filename() == "Größe und Länge eines langen Namens.pdf"
    assert attachment.get_content() == b"x" * 100


@given(TEXT, st.booleans())
def test_text_fields_come_back_the_same_and_fit_on_lines(text: str, utf8: bool) -> None:
    """QUEUE-102"""
    field = text_field("Subject", text, utf8=utf8)
    assert decode_words(value(field)).split() == text.split() or "=?" in text
    longest = max(map(len, text.split(" ")), default=0)
    assert max(map(len, field.decode().split("\r\n"))) <= max(78, longest + 10)


def test_text_fields_cannot_inject_fields() -> None:
    """QUEUE-102"""
    assert text_field("Subject", "a\r\nBcc: b\0") == b"Subject: a  Bcc: b\r\n"


def test_words_longer_than_a_line_may_be_are_encoded() -> None:
    """QUEUE-102"""
    field = text_field("Subject", "x" * 2000)
    assert max(map(len, field.split(b"\r\n"))) <= 78
    assert decode_words(value(field)) == "x" * 2000


@given(
    st.lists(
        st.builds(MailAddress, TEXT, st.text('ab." @\\ü', min_size=1, max_size=9), st.just("example.org")), max_size=5
    )
)
def test_address_fields_come_back_the_same(addresses: list[MailAddress]) -> None:
    """QUEUE-101"""
    try:
        field = address_field("To", addresses)
    except ComposeError:
        assert any(not address.localpart.isascii() for address in addresses)
        return
    if any("=?" in address.name for address in addresses):
        return
    found, _ = read_addresses([unfold(field.split(b":", 1)[1])])
    expected = [MailAddress(" ".join(a.name.split()), a.localpart, a.domain) for a in addresses]
    assert [(" ".join(a.name.split()), a.localpart, a.domain) for a in found] == [
        (a.name, a.localpart, a.domain) for a in expected
    ]


@pytest.mark.parametrize(
    ("address", "utf8", "text"),
    [
        (MailAddress("", "a", "b"), False, "<a@b>"),
        (MailAddress("Joe Doe", "a", "b"), False, "Joe Doe <a@b>"),
        (MailAddress("Joe Q. Doe", "a", "b"), False, '"Joe Q. Doe" <a@b>'),
        (MailAddress('a"b', "a b", "c"), False, '"a\\"b" <"a b"@c>'),
        (MailAddress("Jö", "a", "b"), False, "=?utf-8?b?SsO2?= <a@b>"),
        (MailAddress("Jö", "ä", "b"), True, '"Jö" <ä@b>'),
        (MailAddress("", "ä", "xn--bcher-kva.example"), True, "<ä@bücher.example>"),
        (MailAddress("", "a", "bücher.example"), False, "<a@xn--bcher-kva.example>"),
        (MailAddress("", "a", "xn--.example"), False, "<a@xn--.example>"),
    ],
)
def test_addresses_are_quoted_or_encoded_as_needed(address: MailAddress, utf8: bool, text: str) -> None:
    """QUEUE-101, SMTP-2c"""
    assert format_address(address, utf8=utf8) == text


@pytest.mark.parametrize(
    "address",
    [
        MailAddress("", "", "b"),
        MailAddress("", "a", ""),
        MailAddress("", "a\n", "b"),
        MailAddress("", "a", "b>, <c"),
        MailAddress("", "ä", "b"),
        MailAddress("", "a", "-ü.example"),
    ],
)
def test_what_is_no_address_is_refused(address: MailAddress) -> None:
    """QUEUE-101"""
    with pytest.raises(ComposeError):
        format_address(address)


@pytest.mark.parametrize(
    ("part", "encoding"),
    [
        (TextPart("ascii"), "7BIT"),
        (TextPart("ä mostly ascii text"), "QUOTED-PRINTABLE"),
        (TextPart("日本語の文章" * 20), "BASE64"),
        (TextPart("日本語", eightbit=True), "8BIT"),
        (TextPart("x" * 999), "QUOTED-PRINTABLE"),
        (TextPart("a\0b"), "QUOTED-PRINTABLE"),
        (TextPart("ascii", base64=True), "BASE64"),
    ],
)
def test_text_gets_the_lightest_encoding_that_fits(part: TextPart, encoding: str) -> None:
    """QUEUE-104"""
    data = b"".join(compose([], part))
    root = scan(data, strict=True).root
    assert root.encoding == encoding
    assert decode(data[root.body :], root.encoding).decode() == part.text + "\r\n"


def test_any_line_ends_become_crlf() -> None:
    """STORE-53"""
    assert b"".join(compose([], TextPart("a\nb\rc\r\nd"))).endswith(b"\r\n\r\na\r\nb\r\nc\r\nd\r\n")


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_attachments_in_blocks_are_encoded_like_whole_ones(blocks: list[bytes]) -> None:
    """QUEUE-103"""
    whole = b"".join(compose([], DataPart(b"".join(blocks))))
    assert b"".join(compose([], DataPart(iter(blocks)))) == whole
    assert max(map(len, whole.split(b"\r\n"))) <= 76


def test_long_parameters_are_folded() -> None:
    """QUEUE-102"""
    field = parameter_field("Content-Type", "text/plain", [("name", "ä" * 100), ("x", "y" * 200)])
    assert max(map(len, field.split(b"\r\n"))) <= 78
    assert [p.value for p in parse_content(value(field)).parameters] == ["ä" * 100, "y" * 200]


@pytest.mark.parametrize(
    ("text", "flowed"),
    [
        ("short\n", "short\r\n"),
        ("one two three four", "one two \r\nthree \r\nfour"),
        (" indented\nFrom me\n>quoted", "  indented\r\n From me\r\n> quoted"),
        ("> > deep", "> > deep"),
        ("ends in blank \n-- \nsig", "ends in blank\r\n-- \r\nsig".replace("ends in blank", "ends in \r\nblank")),
    ],
)
def test_flowed_text_has_soft_line_ends(text: str, flowed: str) -> None:
    """WEBMAIL-96"""
    assert flow(text, 9) == flowed if "four" in text or "ends" in text else flow(text) == flowed


def test_message_ids_are_new_each_time() -> None:
    """QUEUE-101"""
    first, second = new_message_id("example.org"), new_message_id("example.org")
    assert first != second
    assert first.startswith("<")
    assert first.endswith("@example.org>")


def test_an_encoded_name_of_a_group_stands_alone() -> None:
    """QUEUE-101, RFC 2047 §5: an encoded word in a phrase has blanks between it and specials."""
    members = (MailAddress("", "a", "b.example"),)
    assert address_field("To", [Group("Team", members)]) == b"To: Team: <a@b.example>;\r\n"
    encoded = address_field("To", [Group("Grün", members)])
    assert encoded == b"To: =?utf-8?b?R3LDvG4=?= : <a@b.example>;\r\n"
    assert decode_words(encoded[4:].split(b" : ")[0]) == "Grün"
