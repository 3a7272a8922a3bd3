"""ENVELOPE and BODYSTRUCTURE: reviewed examples in fixtures/mime, and the rules one by one."""

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.mime import scan
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.wire import (
    GROUP_END,
    MORE,
    has_extended_parameters,
    nstring,
    quote_literals,
    read_envelope,
    render_bodystructure,
    string,
)

FIXTURES = Path(__file__).parents[2] / "fixtures" / "mime"
MESSAGES = sorted(FIXTURES.glob("*.eml"))


def crlf(path: Path) -> bytes:
    return path.read_bytes().replace(b"\n", b"\r\n")


def form(message: Path, suffix: str) -> bytes:
    """The reviewed form; the plain one where there's none for UTF-8."""
    path = message.with_suffix(suffix)
    return crlf(path if path.exists() else message.with_suffix(suffix.replace(".utf8", ""))).removesuffix(b"\r\n")


@pytest.mark.parametrize("message", MESSAGES, ids=lambda path: path.stem)
def test_reviewed_messages_have_their_forms(message: Path) -> None:
    """IMAP-102, IMAP-103, STORE-51"""
    data = crlf(message)
    structure = scan(data)
    envelope = read_envelope(HeaderSection(data))[1]
    bodystructure = render_bodystructure(structure)
    assert envelope == form(message, ".envelope")
    assert bodystructure == form(message, ".bodystructure")
    assert quote_literals(envelope) == form(message, ".utf8.envelope")
    assert render_bodystructure(structure, utf8=True) == form(message, ".utf8.bodystructure")
    if not has_extended_parameters(bodystructure):
        assert quote_literals(bodystructure) == form(message, ".utf8.bodystructure")


def envelope(header: str | bytes) -> bytes:
    octets = header.replace("\n", "\r\n").encode() if isinstance(header, str) else header
    return read_envelope(HeaderSection(octets))[1]


def test_missing_fields_are_nil_and_empty_ones_empty() -> None:
    """IMAP-102"""
    assert envelope("X: y\n\n") == b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"
    assert envelope("Date:\nSubject: \nFrom:\n\n") == b'("" "" NIL NIL NIL NIL NIL NIL NIL NIL)'


def test_the_first_of_duplicate_fields_wins_and_address_fields_join() -> None:
    """IMAP-102"""
    wire = envelope("Subject: one\nSubject: two\nTo: a@b\nTo: c@d\nSender:\nReply-To: r@s\nFrom: f@g\n\n")
    assert wire == (
        b'(NIL "one" ((NIL NIL "f" "g")) ((NIL NIL "f" "g")) ((NIL NIL "r" "s")) '
        b'((NIL NIL "a" "b")(NIL NIL "c" "d")) NIL NIL NIL NIL)'
    )


def test_header_text_is_unfolded_and_not_decoded() -> None:
    """IMAP-102"""
    assert b'"=?utf-8?q?x?=\ty"' in envelope("Subject: =?utf-8?q?x?=\n\ty\n\n")


def test_eight_bit_text_is_a_literal_and_quoted_for_utf8_if_valid() -> None:
    """IMAP-102"""
    wire = envelope('Subject: ü"\\\n\n'.encode() + b"\r\n")
    assert b'NIL {4}\r\n\xc3\xbc"\\' in wire
    assert b'NIL "\xc3\xbc\\"\\\\" NIL' in quote_literals(wire)
    invalid = envelope(b"Subject: \xfc {3}\r\nFrom: \xc3\xbc@x\r\n\r\n")
    assert b"{5}\r\n\xfc {3} (" in quote_literals(invalid)
    assert b'"\xc3\xbc" "x"' in quote_literals(invalid)


def test_nul_and_line_ends_never_stand_in_strings() -> None:
    """IMAP-101"""
    assert string(b"a\0b\rc\nd") == b"{7}\r\na\x80b c d"
    assert nstring(None) == b"NIL"
    assert string(b'a"\\') == b'"a\\"\\\\"'


def test_of_very_many_addresses_the_first_are_kept() -> None:
    """IMAP-102, STORE-55a: a group in place of the others says that there are more; a list that just fits has none."""
    for header, kept, ends in (
        ("To: " + "a@b," * 600 + "\nTo: " + "a@b," * 600 + "\n\n", 1_000, [MORE]),
        ("To: " + "a@b," * 1_000 + "\n\n", 1_000, []),
        ("To: g: " + "a@b," * 999 + ";\n\n", 999, [GROUP_END]),
        ("To: g: " + "a@b," * 5_000 + ";\n\n", 999, [GROUP_END, MORE]),
        ("To: " + "a@b," * 999 + "g: a@b;\n\n", 999, [b'(NIL NIL "g" NIL)', GROUP_END, MORE]),
    ):
        wire = envelope(header)
        assert wire.count(b'"a" "b"') == len(scan(header.encode()).envelope.to) == kept
        assert b'(NIL NIL "a" "b")' + b"".join(ends) + b")" in wire


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("a@b", b'((NIL NIL "a" "b"))'),
        ("<a@b>", b'((NIL NIL "a" "b"))'),
        ("N <a@b>", b'(("N" NIL "a" "b"))'),
        ('"N, M" <a@b>, c@d (See)', b'(("N, M" NIL "a" "b")("See" NIL "c" "d"))'),
        ("a (x (y) \\) z) @ b", b'(("x (y) ) z" NIL "a" "b"))'),
        ('"a b"@c', b'((NIL NIL "a b" "c"))'),
        ('N <"a\\"b"@c>', b'(("N" NIL "a\\"b" "c"))'),
        ("N <@x,@y:a@b>", b'(("N" "@x,@y" "a" "b"))'),
        ("a@[192.0.2.1]", b'((NIL NIL "a" "[192.0.2.1]"))'),
        ("N M a@b", b'(("N M" NIL "a" "b"))'),
        ("a", b'((NIL NIL "a" "MISSING_DOMAIN"))'),
        ("N M", b'(("N M" NIL "MISSING_MAILBOX" "MISSING_DOMAIN"))'),
        ("<>", b'((NIL NIL "MISSING_MAILBOX" "MISSING_DOMAIN"))'),
        ("<@b>", b'((NIL NIL "MISSING_MAILBOX" "b"))'),
        ("g:a@b,c@d;", b'((NIL NIL "g" NIL)(NIL NIL "a" "b")(NIL NIL "c" "d")(NIL NIL NIL NIL))'),
        ("g:;", b'((NIL NIL "g" NIL)(NIL NIL NIL NIL))'),
        ("g:a@b", b'((NIL NIL "g" NIL)(NIL NIL "a" "b")(NIL NIL NIL NIL))'),
        ("a@b; c@d", b'((NIL NIL "a" "b")(NIL NIL "c" "d"))'),
        (",,a@b,,", b'((NIL NIL "a" "b"))'),
        ("'N' <a@b", b'(("\'N\'" NIL "a" "b"))'),
        ("N a@b@c", b'(("N" NIL "a@b" "c"))'),
        ("@b", b'((NIL NIL "MISSING_MAILBOX" "b"))'),
        ("joe @ example . org", b'((NIL NIL "joe" "example.org"))'),
        ("me <a@b> you", b'(("me" NIL "a" "b"))'),
        ("phil@example.com <phil@example.com>", b'(("phil@example.com" NIL "phil" "example.com"))'),
        ("Phil @ work <p@b>, a@b @c d <e@f>", b'(("Phil @ work" NIL "p" "b")("a@b @c d" NIL "e" "f"))'),
        ('"x@y" <a@b>', b'(("x@y" NIL "a" "b"))'),
        ('"@"@b', b'((NIL NIL "@" "b"))'),
        ("=?utf-8?q?a=2Cb?= <a@b>", b'(("=?utf-8?q?a=2Cb?=" NIL "a" "b"))'),
    ],
)
def test_address_lists_are_read_tolerantly(field: str, expected: bytes) -> None:
    """IMAP-102"""
    assert envelope(f"Bcc: {field}\n\n") == b"(NIL NIL NIL NIL NIL NIL NIL " + expected + b" NIL NIL)"


@given(st.text(alphabet='ab@<>()[]",;:\\ .\t\u00fc', max_size=60))
def test_any_address_list_gives_balanced_parentheses(text: str) -> None:
    """IMAP-102"""
    wire = quote_literals(envelope(f"To: {text}\n\n"))
    depth = 0
    quoted = escaped = False
    for character in wire.decode():
        if escaped:
            escaped = False
        elif quoted:
            escaped = character == "\\"
            quoted = character != '"'
        elif character == '"':
            quoted = True
        else:
            depth += (character == "(") - (character == ")")
            assert depth >= 0
    assert depth == 0


def structure(text: str) -> bytes:
    return render_bodystructure(scan(text.replace("\n", "\r\n").encode()))


def test_body_has_no_extension_data() -> None:
    """IMAP-103"""
    data = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-MD5: x\r\n\r\ny\r\n--b--\r\n"
    assert (
        render_bodystructure(scan(data), extended=False)
        == b'(("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" 1 1) "MIXED")'
    )


def test_types_and_names_are_upper_case_and_values_as_written() -> None:
    """IMAP-103"""
    wire = structure("Content-Type: text/x-Odd; Format=Flowed; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\nx\n")
    assert wire == b'("TEXT" "X-ODD" ("FORMAT" "Flowed" "CHARSET" "UTF-8") NIL NIL "8BIT" 3 1 NIL NIL NIL NIL)'


def test_a_disposition_without_parameters_has_nil_for_them() -> None:
    """IMAP-103"""
    assert b'("ATTACHMENT" NIL)' in structure("Content-Disposition: attachment\n\nx\n")


def test_continued_ascii_parameters_are_joined() -> None:
    """IMAP-103"""
    wire = structure("Content-Type: application/x; name*0=long; name*1=-name; title*=us-ascii'en'a%20b\n\nx\n")
    assert b'("NAME" "long-name" "TITLE" "a b")' in wire
    assert not has_extended_parameters(wire)


def test_raw_eight_bit_parameters_are_literals() -> None:
    """IMAP-103"""
    wire = structure('Content-Type: application/x; name="ü"\n\nx\n')
    assert b'("NAME" {2}\r\n\xc3\xbc)' in wire
    assert b'("NAME" "\xc3\xbc")' in quote_literals(wire)


def test_an_opaque_leaf_is_an_octet_stream_that_keeps_its_name() -> None:
    """IMAP-104"""
    message = "Content-Type: message/rfc822; name=n\nContent-Transfer-Encoding: base64\n\nYQ==\n"
    assert structure(message) == b'("APPLICATION" "OCTET-STREAM" ("NAME" "n") NIL NIL "BASE64" 6 NIL NIL NIL NIL)'


def test_a_crowd_of_foreign_domains_costs_little() -> None:
    """IMAP-102: a hundred domains of a field become A-labels, which costs 15 microseconds a character."""
    names = [f"{chr(0xE0 + number % 20) * 40}{number}.example" for number in range(900)]
    known = "a@b\u00fccher.example"
    text = ", ".join([known, *(f"a@{name}" for name in names), known, "a@" + "\u00fc" * 300])
    envelope, _ = read_envelope(HeaderSection(f"To: {text}\r\n\r\n".encode()))
    domains = [address.domain for address in envelope.to]
    assert domains[0] == domains[-2] == "xn--bcher-kva.example"
    assert sum(domain.startswith("xn--") for domain in domains) == 101
    assert domains[-3] == names[-1]
    assert domains[-1] == "\u00fc" * 300


@pytest.mark.parametrize("name", ["=?utf-8?Q?M=C3=BCller,_Jo?=", "=?utf-8?q?Müller,_Jo?="])
def test_an_encoded_word_with_a_bare_comma_is_one_name(name: str) -> None:
    """IMAP-102: RFC 2047 §5 (3) forbids the comma in a phrase; two addresses would be worse."""
    envelope, _ = read_envelope(HeaderSection(f"To: {name} <jo@b.example>, x@c.example\r\n\r\n".encode()))
    assert [(one.name, one.localpart) for one in envelope.to] == [("Müller, Jo", "jo"), ("", "x")]
