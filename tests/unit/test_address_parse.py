"""Addresses, domains and paths (SMTP-2, SMTP-3)."""

import ast
import contextlib
import ipaddress

import pytest
from checks.addresses import keys_in
from hypothesis import given, strategies as st

from moxlite.proto.address import (
    NULL_PATH,
    Address,
    AddressError,
    AddressKey,
    Domain,
    Path,
    check_localpart,
    one_spelling,
    pack_ip_literal,
    pack_localpart,
    parse_ip_literal,
    parse_localpart,
    spellings,
    unmarked,
)


@pytest.mark.parametrize(
    ("wire", "decoded"),
    [
        ("user", "user"),
        ("a.b+c", "a.b+c"),
        ('"a b"', "a b"),
        ('" "', " "),
        ('"  "', "  "),
        ('""', ""),
        (r'"a\"b\\c"', 'a"b\\c'),
        (r'"\a"', "a"),
        ("a..b", "a..b"),
        ("tésť", "tésť"),
        ("e\u0301", "é"),
    ],
)
def test_a_localpart_is_decoded(wire: str, decoded: str) -> None:
    """SMTP-2"""
    assert parse_localpart(wire) == decoded


@pytest.mark.parametrize(
    "wire", ["", "a b", '"a', 'a"', '"a\x00"', '"\x1f"', "a@b", '"a"b', "a\u0085", "<a>", "a,b", "\ud800"]
)
def test_a_bad_localpart_is_refused(wire: str) -> None:
    """SMTP-2"""
    with pytest.raises(AddressError):
        parse_localpart(wire)


@pytest.mark.parametrize("mark", ["\u200e", "\u200f", "\u202b", "\u2069", "\ufeff", "\u00a0", "\u200b", " ", "\t"])
def test_marks_that_are_pasted_with_an_address_do_not_count(mark: str) -> None:
    """SMTP-2b: at its ends; inside they are refused, unlike joiners, which are letters."""
    assert unmarked(f"{mark}مدير@مثال.example{mark}{mark}") == "مدير@مثال.example"
    if mark.isascii():
        return
    with pytest.raises(AddressError, match="invisible character"):
        unmarked(f"مد{mark}ير@مثال.example")
    assert unmarked("علی\u200cرضا@مثال.example") == "علی\u200cرضا@مثال.example"


def test_an_address_has_one_key_in_each_spelling() -> None:
    """SMTP-2a: also one that is no domain; what isn't one address has another."""
    texts = (
        "Jürg@Bücher.example",
        "jürg@xn--bcher-kva.example",
        "ju\u0308rg@XN--BCHER-KVA.example",
        " jürg@bücher.example",
    )
    assert {AddressKey.parse(text) for text in texts} == {Address.parse(texts[0]).key}
    assert {one_spelling(text) for text in texts[:3]} == {"jürg@bücher.example"}
    others = ("juerg@bücher.example", "jürg@bucher.example", "strasse@x.example", "straße@x.example", "a@b@", "a@-")
    assert len({AddressKey.parse(text) for text in others} - {AddressKey.parse(texts[0])}) == len(others)
    assert spellings("a", "xn--bcher-kva.example") == ("a@xn--bcher-kva.example", "a@bücher.example")
    assert spellings("a", "xn--.example")[0] == "a@xn--.example"


def test_misplaced_dots_are_refused_when_strict() -> None:
    """SMTP-3"""
    for text in ("a..b", ".a", "a."):
        parse_localpart(text)
        with pytest.raises(AddressError):
            parse_localpart(text, strict=True)


def test_two_localparts_of_spaces_differ() -> None:
    """SMTP-2"""
    one, two = Address.parse('" "@example.org'), Address.parse('"  "@example.org')
    assert one != two
    assert one.pack(False) == '" "@example.org'
    assert Address.parse('""@example.org').pack(False) == '""@example.org'


def test_localparts_have_a_limit_in_octets() -> None:
    """SMTP-3"""
    assert parse_localpart("x" * 128) == check_localpart("x" * 128)
    assert parse_localpart("x" * 64, strict=True)
    assert parse_localpart("😀" * 16, strict=True)
    for text, strict in (("x" * 129, False), ("x" * 65, True), ("é" * 65, False), ("😀" * 17, True)):
        with pytest.raises(AddressError):
            parse_localpart(text, strict=strict)


def test_domains_are_compared_by_their_alabels() -> None:
    """SMTP-2"""
    domain = Domain.parse("ExÄmple.Org")
    assert domain == Domain.parse("xn--exmple-cua.org") == Domain.parse("exa\u0308mple.org")
    assert (domain.ascii, domain.unicode) == ("xn--exmple-cua.org", "exämple.org")
    assert str(domain) == "exämple.org"
    assert domain.pack(False) == "xn--exmple-cua.org"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "-a",
        "a-",
        "a b",
        "a/b",
        "xn--a",
        "a" * 64,
        "a." * 130 + "a",
        "ex\x00",
        "ä" * 60,
        "[x]",
    ],
)
def test_bad_domains_are_refused(text: str) -> None:
    """SMTP-3"""
    with pytest.raises(AddressError):
        Domain.parse(text)


def test_underscores_in_domains_pass_unless_strict() -> None:
    """SMTP-23"""
    assert Domain.parse("my_host.example").ascii == "my_host.example"
    with pytest.raises(AddressError):
        Domain.parse("my_host.example", strict=True)


def test_a_subdomain_is_below_its_parent() -> None:
    """SMTP-82"""
    parent = Domain.parse("example.org")
    assert parent.is_below(parent)
    assert Domain.parse("a.example.org").is_below(parent)
    assert not Domain.parse("badexample.org").is_below(parent)


def test_ip_literals_have_the_tags_of_the_rfc() -> None:
    """SMTP-23"""
    assert parse_ip_literal("[192.0.2.1]") == ipaddress.ip_address("192.0.2.1")
    assert parse_ip_literal("[IPv6:2001:db8::1]") == ipaddress.ip_address("2001:db8::1")
    assert parse_ip_literal("[2001:db8::1]", untagged_ipv6=True) == ipaddress.ip_address("2001:db8::1")
    for bad in ("[2001:db8::1]", "[IPv4:192.0.2.1]", "[x:y]", "[]", "192.0.2.1", "[IPv6:fe80::1%eth0]", "[1.2.3]"):
        with pytest.raises(AddressError):
            parse_ip_literal(bad)
    for bad in ("[fe80::1%eth0]", "[192.0.2.1", "192.0.2.1]", "[1:2]"):
        with pytest.raises(AddressError):
            parse_ip_literal(bad, untagged_ipv6=True)
    assert pack_ip_literal(ipaddress.ip_address("2001:db8::1")) == "[IPv6:2001:db8::1]"


def test_paths_may_be_null_or_hold_an_ip_or_a_route() -> None:
    """SMTP-2, 3"""
    assert Path.parse("") is NULL_PATH
    assert NULL_PATH.is_null
    assert NULL_PATH.pack(False) == ""
    assert Path.parse("u@[192.0.2.1]").host == ipaddress.ip_address("192.0.2.1")
    assert Path.parse("u@[192.0.2.1]").address is None
    assert Path.parse("@a.example,@b.example:u@example.org") == Path.of(Address.parse("u@example.org"))
    for bad in (
        "u",
        "@a.example",
        "@a.example,b:u@example.org",
        "u@",
        "@example.org",
        "u@[",
        '"u@x',
        "x" * 64 + "@" + "y." * 100,
    ):
        with pytest.raises(AddressError):
            Path.parse(bad)


def test_a_path_has_a_limit_in_octets() -> None:
    """SMTP-3: of 256, with its angle brackets."""
    domain = "y." * 60 + "example"
    room = 254 - len("@" + domain)
    for local in ("x" * room, "é" * (room // 2) + "x" * (room % 2)):
        assert Path.parse(f"{local}@{domain}").pack(True) == f"{local}@{domain}"
        with pytest.raises(AddressError):
            Path.parse(f"{local}@y{domain}")


def test_all_parts_of_an_address_are_strict_or_none_is() -> None:
    """SMTP-3, SMTP-23"""
    for text in ("a..b@example.org", "a@my_host.example", "@my_host.example:a@example.org", "a@[2001:db8::1]"):
        assert Path.parse(text).pack(True)
        with pytest.raises(AddressError):
            Path.parse(text, strict=True)
    for text in ("a..b@example.org", "a@my_host.example"):
        assert Address.parse(text).pack(True)
        with pytest.raises(AddressError):
            Address.parse(text, strict=True)


def test_an_at_sign_or_colon_may_be_in_quotes_and_literals() -> None:
    """SMTP-2, SMTP-3"""
    assert Address.parse('"a@b"@example.org').localpart == "a@b"
    assert Path.parse('"a@b"@example.org').localpart == "a@b"
    routed = Path.parse("@one.example:u@[IPv6:2001:db8::1]")
    assert (routed.localpart, routed.host) == ("u", ipaddress.ip_address("2001:db8::1"))


def test_a_domain_is_packed_for_peers_with_and_without_smtputf8() -> None:
    """SMTP-2, SMTP-28"""
    for one in (Address.parse("u@bücher.example"), Path.parse("u@bücher.example")):
        assert one.pack(False) == "u@xn--bcher-kva.example"
        assert one.pack(True) == str(one) == "u@bücher.example"


localparts = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=30)


@given(localparts)
def test_packing_and_parsing_a_localpart_gives_it_back(text: str) -> None:
    """SMTP-2"""
    localpart = check_localpart(text)
    assert parse_localpart(pack_localpart(localpart)) == localpart


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    """SMTP-2"""
    for parse in (Path.parse, Address.parse, Domain.parse, parse_localpart, parse_ip_literal):
        with contextlib.suppress(AddressError):
            parse(text)


@pytest.mark.parametrize(
    "line",
    [
        'f"{author.localpart}@{author.domain}" == known',
        "known in {recipient.lower() for recipient in recipients}",
        "known.add(str(address).casefold())",
        "known[sender.strip().lower()]",
        'reader.row("SELECT 1 FROM known WHERE address = ?", address.lower())',
        "known in map(str.lower, addresses)",
        "key = author.localpart.lower(), author.domain; known.get(key)",
    ],
)
def test_keys_made_of_the_text_of_an_address_are_found(line: str) -> None:
    """SMTP-2a: a text has one of several spellings, so the program has no such key."""
    assert [*keys_in(ast.parse(f"def planted(): {line}"))]


@pytest.mark.parametrize(
    "line",
    [
        "author.key == known",
        "known.add(one_spelling(address))",
        "write(address.lower())",
        'localpart.lower() == "abuse"',
    ],
)
def test_keys_that_all_spellings_share_and_written_texts_are_taken(line: str) -> None:
    """SMTP-2a"""
    assert not [*keys_in(ast.parse(f"def planted(): {line}"))]
