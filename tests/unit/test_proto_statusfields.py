"""Fields of delivery status and disposition notifications."""

import re

import idna
import pytest
from hypothesis import given, strategies as st

from moxlite.proto.statusfields import MAX_TEXT, status_field, typed_address

LONGEST_NAME = "Future-Release-Request"
MAX_LINE = 998
"""Octets of a line without its CRLF (RFC 5322 §2.1.1)."""

# RFC 6533 §3: QCHAR, and EmbeddedUnicodeChar with the forms of HEXPOINT.
QCHAR = r"[!-*,-<>-\[\]-~]"
HEXPOINT = (
    r"(?:[01][1-9]|10|20|2B|3D|7F|5C|[89A-F][0-9A-F]|[1-9A-F][0-9A-F]{2}|[1-9A-CEF][0-9A-F]{3}|D[0-7][0-9A-F]{2}"
    r"|[1-9A-F][0-9A-F]{4}|10[0-9A-F]{4})"
)
XTEXT = re.compile(rf"(?:{QCHAR}|\\x\{{{HEXPOINT}\}})+")

PRINTABLE = st.characters(exclude_categories=["Cc", "Cs"])


def unembedded(text: str) -> str:
    """Decode a utf-8-addr-xtext."""
    return re.sub(r"\\x\{([0-9A-F]+)\}", lambda match: chr(int(match[1], 16)), text)


# --- fields ---


@given(st.text(), st.booleans())
def test_a_field_is_one_line_whatever_its_text(text: str, utf8: bool) -> None:
    """QUEUE-102: a reply of another server cannot add lines, or a line that is too long (RFC 5322 §2.1.1)."""
    line = status_field(LONGEST_NAME, text, utf8)
    assert line.startswith(f"{LONGEST_NAME}: ")
    assert line.endswith("\r\n")
    body = line.removesuffix("\r\n")
    assert not re.search(r"[\x00-\x1f\x7f]", body)
    assert body.splitlines() == [body]
    assert len(body.encode()) <= MAX_LINE
    assert utf8 or body.isascii()


@given(st.text(PRINTABLE, max_size=200).map(lambda text: " ".join(text.split())))
def test_a_short_text_is_written_as_it_is(text: str) -> None:
    """QUEUE-102, QUEUE-104"""
    assert status_field("Diagnostic-Code", text, True) == f"Diagnostic-Code: {text}\r\n"
    expected = "".join(character if character.isascii() else "?" for character in text)
    assert status_field("Diagnostic-Code", text, False) == f"Diagnostic-Code: {expected}\r\n"


@pytest.mark.parametrize("utf8", [False, True])
def test_line_ends_and_controls_become_single_spaces(utf8: bool) -> None:
    """QUEUE-102"""
    text = " smtp; 550\r\n5.1.1\t no \x00\x01user\x7f\x1fhere\n"
    assert status_field("Diagnostic-Code", text, utf8) == "Diagnostic-Code: smtp; 550 5.1.1 no user here\r\n"


def test_a_long_text_is_cut_at_a_character() -> None:
    """QUEUE-102, QUEUE-104: RFC 6532 counts octets, not characters, and a cut character would not be UTF-8."""
    assert status_field("X", "a" * MAX_TEXT, True) == f"X: {'a' * MAX_TEXT}\r\n"
    for utf8 in (False, True):
        assert status_field("X", "a" * (MAX_TEXT + 1), utf8) == f"X: {'a' * MAX_TEXT}\r\n"
    for start in ("", "a", "ab", "abc"):
        line = status_field("X", start + "日" * MAX_TEXT, True)
        assert line == f"X: {start}{'日' * ((MAX_TEXT - len(start)) // 3)}\r\n"


def test_half_a_surrogate_pair_is_replaced() -> None:
    """QUEUE-104: the text of another server's reply never makes a notice that can't be encoded."""
    for utf8 in (False, True):
        assert status_field("X", "a\ud800b", utf8) == "X: a?b\r\n"


# --- addresses ---


@pytest.mark.parametrize("utf8", [False, True])
@pytest.mark.parametrize("kind", ["rfc822", "RFC822"])
def test_an_ascii_address_keeps_its_type(kind: str, utf8: bool) -> None:
    """QUEUE-102: RFC 3464 §2.3.1, and without the encoding of ORCPT (§2.3.1: "any xtext is decoded")."""
    for address in ("joe+tag=x@example.org", '"a b\\c"@example.org', "postmaster"):
        assert typed_address(address, kind, utf8) == f"{kind};{address}"


@pytest.mark.parametrize("utf8", [False, True])
def test_an_address_of_another_type_is_written_as_it_came(utf8: bool) -> None:
    """QUEUE-102: the sender alone knows how to read it (RFC 3461 §4.2)."""
    for address in ("/G=Jo/S=Doe/O=Example/", "/G=Jö/S=Doe/"):
        assert typed_address(address, "x400", utf8) == f"x400;{address}"


@pytest.mark.parametrize("kind", ["rfc822", "RFC822", "utf-8", "UTF-8"])
def test_an_internationalized_address_has_the_utf8_type(kind: str) -> None:
    """QUEUE-104: RFC 6533 §3, utf-8-address in a UTF-8 notice, else utf-8-addr-xtext with the domain in A-labels."""
    assert typed_address("jö+x@exämple.org", kind, True) == "utf-8;jö+x@exämple.org"
    assert typed_address("jö+x@exämple.org", kind, False) == r"utf-8;j\x{F6}\x{2B}x@xn--exmple-cua.org"
    assert typed_address("日本@example.org", kind, False) == r"utf-8;\x{65E5}\x{672C}@example.org"
    assert typed_address("joe@exämple.org", kind, False) == "utf-8;joe@xn--exmple-cua.org"
    assert typed_address("joe@EXÄMPLE.org", kind, False) == "utf-8;joe@xn--exmple-cua.org"
    assert typed_address("ö@Example.ORG", kind, False) == r"utf-8;\x{F6}@Example.ORG"
    assert typed_address("ö@[192.0.2.1]", kind, False) == r"utf-8;\x{F6}@[192.0.2.1]"


def test_the_characters_that_escapes_need_are_escaped() -> None:
    r"""QUEUE-104: RFC 6533 §3 has no `+`, `=`, `\` and space in utf-8-addr-xtext, of an ASCII address, too."""
    assert typed_address(r'"a +=\"ü@b.example', "rfc822", False) == (
        r'utf-8;"a\x{20}\x{2B}\x{3D}\x{5C}"\x{FC}@b.example'
    )
    assert typed_address("joe+20@b.example", "utf-8", False) == r"utf-8;joe\x{2B}20@b.example"
    assert typed_address("joe+20@b.example", "utf-8", True) == "utf-8;joe+20@b.example"


def test_the_domain_comes_after_the_last_at() -> None:
    """QUEUE-104: an address has none, or a localpart with one in quotes (RFC 5321 §4.1.2)."""
    assert typed_address('"ü@home"@exämple.org', "rfc822", False) == r'utf-8;"\x{FC}@home"@xn--exmple-cua.org'
    assert typed_address("jörg", "rfc822", False) == r"utf-8;j\x{F6}rg"


def test_a_domain_without_a_labels_is_escaped() -> None:
    """QUEUE-104"""
    assert typed_address("joe@ex\u2028mple.org", "rfc822", False) == r"utf-8;joe@ex\x{2028}mple.org"
    assert typed_address("joe@" + "ü" * 80, "rfc822", False) == "utf-8;joe@" + r"\x{FC}" * 80


@given(st.text(PRINTABLE, min_size=1, max_size=40), st.sampled_from(["example.org", "exämple.org", "例え.example"]))
def test_seven_bit_addresses_are_of_the_grammar_and_can_be_read(localpart: str, domain: str) -> None:
    """QUEUE-104: utf-8-addr-xtext of RFC 6533 §3, which a reader decodes to the same localpart."""
    kind, _, text = typed_address(f"{localpart}@{domain}", "utf-8", False).partition(";")
    assert kind == "utf-8"
    assert XTEXT.fullmatch(text)
    encoded, _, domain_part = text.rpartition("@")
    assert unembedded(encoded) == localpart
    assert idna.decode(domain_part) == domain


@given(st.text(), st.sampled_from(["rfc822", "utf-8"]), st.booleans())
def test_any_address_makes_a_field(address: str, kind: str, utf8: bool) -> None:
    """QUEUE-104"""
    line = status_field("Final-Recipient", typed_address(address, kind, utf8), utf8)
    assert len(line.encode()) <= MAX_LINE
    assert utf8 or line.isascii()
