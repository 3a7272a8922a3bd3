"""Address lists of header fields: mailboxes, groups, and their decoded form (RFC 5322 §3.4, §4.4)."""

import time

import idna
import pytest
from hypothesis import example, given, strategies as st

from moxlite.proto.mime.envelope import (
    MAX_ADDRESSES,
    MAX_CODED,
    MAX_PIECES,
    GroupEnd,
    GroupStart,
    Item,
    RawAddress,
    decode_address,
    parse_addresses,
)

END = GroupEnd()


def mailbox(localpart: bytes | None, domain: bytes | None, name: bytes | None = None) -> RawAddress:
    return RawAddress(name, None, localpart, domain)


A = mailbox(b"a", b"b")
C = mailbox(b"c", b"d")


@pytest.mark.parametrize(
    ("field", "items"),
    [
        (b"", []),
        (b" \t\r\n", []),
        (b"a@b", [A]),
        (b" <a@b> , <c@d>\t", [A, C]),
        (b"N <a@b>, M <c@d>", [mailbox(b"a", b"b", b"N"), mailbox(b"c", b"d", b"M")]),
        (b'"N, M" <a@b>, "" <c@d>', [mailbox(b"a", b"b", b"N, M"), C]),
        (b"N \t M\r\n O <a@b>", [mailbox(b"a", b"b", b"N M O")]),
        (b'"N \\"\\\\M\\"" <a@b>', [mailbox(b"a", b"b", b'N "\\M"')]),
        (b'"J. "\t"Doe" <a@b>', [mailbox(b"a", b"b", b"J.  Doe")]),
        (b'<"a".b@c>', [mailbox(b"a.b", b"c")]),
        (b'"a@x"@b', [mailbox(b"a@x", b"b")]),
        (b"a@[IPv6:2001:db8::1]", [mailbox(b"a", b"[IPv6:2001:db8::1]")]),
        (b"a@[192.0.2.1", [mailbox(b"a", b"[192.0.2.1")]),
        (b"J. Doe <a@b>", [mailbox(b"a", b"b", b"J. Doe")]),
        (b"=?utf-8?Q?Doe,_J?= <a@b>", [mailbox(b"a", b"b", b"=?utf-8?Q?Doe,_J?=")]),
        (b"J\xf6rg <a@b>, \xc3\xb6@\xc3\xb6", [mailbox(b"a", b"b", b"J\xf6rg"), mailbox(b"\xc3\xb6", b"\xc3\xb6")]),
    ],
)
def test_mailboxes_have_a_name_and_an_address(field: bytes, items: list[Item]) -> None:
    """IMAP-102: RFC 5322 §3.4, and raw 8-bit text, which §2.2 has not."""
    assert list(parse_addresses(field)) == items


@pytest.mark.parametrize(
    ("field", "items"),
    [
        (b"g:;", [GroupStart(b"g"), END]),
        (b'"My  g": a@b, N <c@d> ;, a@b', [GroupStart(b"My  g"), A, mailbox(b"c", b"d", b"N"), END, A]),
        (b"my g : a@b; h:c@d;", [GroupStart(b"my g"), A, END, GroupStart(b"h"), C, END]),
        (b"a@b, g: c@d", [A, GroupStart(b"g"), C, END]),
        (b":a@b;", [GroupStart(b""), A, END]),
        # a group in a group, and a mark without one
        (b"g: h: a@b; c@d", [GroupStart(b"g"), mailbox(b"a", b"b", b"h"), END, C]),
        (b"a@b; ; c@d;", [A, C]),
        (b"a@b:c, c@d", [mailbox(b"a", b"bc"), C]),
        (b"N <a@b>: c@d;", [mailbox(b"a", b"b", b"N")]),
    ],
)
def test_groups_have_a_begin_and_an_end(field: bytes, items: list[Item]) -> None:
    """IMAP-102: RFC 5322 §3.4; a group ends with its list at the latest."""
    assert list(parse_addresses(field)) == items


@pytest.mark.parametrize(
    ("field", "name"),
    [
        (b"a@b (N)", b"N"),
        (b"(N) a@b", b"N"),
        (b"a (N) @ b (M)", b"N"),
        (b"a@b ()(N)", b"N"),
        (b"a@b ( )", None),
        (b"M <a@b> (N)", b"M"),
        (b"<a@b> (N)", b"N"),
        (b"<a@b> (N (M) \\) \\N)", b"N (M) ) N"),
        (b"a@b (N \xf6", b"N \xf6"),
        (b"a@b (N\\", b"N\\"),
        (b'a@b (N "M)', b'N "M'),
    ],
)
def test_the_first_comment_is_the_name_of_a_mailbox_without_one(field: bytes, name: bytes | None) -> None:
    """IMAP-102: RFC 5322 §3.4, "some legacy implementations used comments" for it."""
    assert list(parse_addresses(field)) == [mailbox(b"a", b"b", name)]
    assert list(parse_addresses(b"c@d, " + field)) == [C, mailbox(b"a", b"b", name)]


def test_a_comment_names_no_other_mailbox() -> None:
    """IMAP-102"""
    assert list(parse_addresses(b"a@b (N), c@d")) == [mailbox(b"a", b"b", b"N"), C]
    assert list(parse_addresses(b"(N), c@d")) == [C]


@pytest.mark.parametrize(
    ("route", "items"),
    [
        (b"N <@x,@y:a@b>, c@d", [RawAddress(b"N", b"@x,@y", b"a", b"b"), C]),
        (b"<@x:a@b>", [RawAddress(None, b"@x", b"a", b"b")]),
        (b"<@x , @y : a@b>", [RawAddress(None, b"@x,@y", b"a", b"b")]),
        (b"<@x,@y>", [mailbox(b"@x", b"y")]),
        (b"<a,c@d>", [mailbox(b"a", None), C]),
        (b"<a:c@d>", [mailbox(b"ac", b"d")]),
    ],
)
def test_a_source_route_is_kept_apart(route: bytes, items: list[Item]) -> None:
    """IMAP-102: RFC 5322 §4.4, RFC 9051 §7.5.2 has it in ENVELOPE."""
    assert list(parse_addresses(route)) == items


@pytest.mark.parametrize(
    ("field", "item"),
    [
        (b"a", mailbox(b"a", None)),
        (b"<a>", mailbox(b"a", None)),
        (b"N M", mailbox(None, None, b"N M")),
        (b"N <>", mailbox(None, None, b"N")),
        (b"<@b>", mailbox(None, b"b")),
        (b"a@", mailbox(b"a", None)),
        (b"<a@b", A),
        (b"<a@b> c@d", A),
        (b"<a@b> N <c@d>", A),
        (b"<a <@b>", A),
        (b"<a@b>>", A),
        (b"<a@x@b>", mailbox(b"a@x", b"b")),
        (b"a@x@b", mailbox(b"a@x", b"b")),
        (b"M N a@x@b", mailbox(b"a@x", b"b", b"M N")),
        (b"N@x a@b", mailbox(b"a", b"b", b"N@x")),
        (b"a . c @ b . d", mailbox(b"c", b"b.d", b"a .")),
        (b"N @ M <a@b>", mailbox(b"a", b"b", b"N @ M")),
        (b"N@M <a@b>", mailbox(b"a", b"b", b"N@M")),
        (b"@N M <a@b>", mailbox(b"a", b"b", b"@N M")),
        (b'"N <a@b>', mailbox(b"N <a@b>", None)),
    ],
)
def test_what_is_malformed_gives_what_can_be_known(field: bytes, item: RawAddress) -> None:
    """IMAP-102, STORE-52"""
    assert list(parse_addresses(field)) == [item]


# --- limits ---


def test_a_list_has_a_limited_number_of_addresses_and_groups() -> None:
    """STORE-55a: whichever way they are written; a group that the limit cuts off still ends."""
    for address in (b"a@b,", b"<a@b>,", b"g:;"):
        items = parse_addresses(address * (MAX_ADDRESSES + 1))
        assert sum(not isinstance(item, GroupEnd) for item in items) == MAX_ADDRESSES
    assert list(parse_addresses(b"<a@b>,<c@d>,<a@b>", 2)) == [A, C]
    assert list(parse_addresses(b"a@b,c@d,a@b", 2)) == [A, C]
    assert list(parse_addresses(b"a@b,c@d", 2)) == [A, C]
    assert list(parse_addresses(b"<a@b>,c@d,a@b", 2)) == [A, C]
    assert list(parse_addresses(b"g:a@b,c@d;", 2)) == [GroupStart(b"g"), A, END]
    assert list(parse_addresses(b"a@b,g:c@d;", 2)) == [A, GroupStart(b"g"), END]


def test_an_address_has_a_limited_number_of_words() -> None:
    """STORE-55a: each takes a hundred octets of memory."""
    for words in (MAX_PIECES, MAX_PIECES + 1, MAX_PIECES + 5):
        for before in (b"", b"()"):
            [named] = parse_addresses(before + b"x " * words + b"<a@b>")
            assert named == mailbox(b"a", b"b", b" ".join([b"x"] * MAX_PIECES))
    [bare] = parse_addresses(b"x " * MAX_PIECES + b"@b")  # has no room for the address
    assert bare == mailbox(None, None, b" ".join([b"x"] * MAX_PIECES))
    [inside] = parse_addresses(b"<" + b"x " * (MAX_PIECES + 5) + b">")
    assert inside == mailbox(b"x" * MAX_PIECES, None)
    [comment] = parse_addresses(b"a@b (" + b"\\x" * (MAX_PIECES + 5) + b")")
    assert comment == mailbox(b"a", b"b", b"x" * MAX_PIECES)


@pytest.mark.parametrize(
    "octets",
    [
        b"(",
        b'"',
        b"\\",
        b'"\\',
        b"<",
        b"a ",
        b"@",
        b":",
        b"a@b:",
        b"[",
        b"=?a?q?",
        b"(\\)",
        b'\\"',
        b"a@b,",
        b"<a@b>",
        b"g:",
    ],
)
def test_the_time_grows_with_the_length_alone(octets: bytes) -> None:
    """STORE-55a"""
    began = time.thread_time()
    parse_addresses(octets * (2**17 // len(octets)))
    assert time.thread_time() - began < 1


FIELDS = st.lists(
    st.sampled_from(
        [
            b"a",
            b"b.c",
            b"@",
            b"@",
            b"<",
            b">",
            b",",
            b" ",
            b" ",
            b'"',
            b"\\",
            b"(",
            b")",
            b"[",
            b"]",
            b":",
            b";",
            b"\xf6",
            b"a@b",
        ]
    ),
    max_size=30,
).map(b"".join)


@given(FIELDS)
@example(b'"')
@example(b'a@b, ""')
def test_any_list_has_groups_that_end_and_pieces_of_its_text(field: bytes) -> None:
    """IMAP-102"""
    depth = 0
    for item in parse_addresses(field):
        if isinstance(item, GroupStart):
            depth += 1
        elif isinstance(item, GroupEnd):
            depth -= 1
        else:
            for text in (item.localpart, item.domain, item.name):
                assert text is None or text
        assert depth in (0, 1)
    assert depth == 0


@given(FIELDS)
def test_the_usual_form_is_read_as_by_the_whole_grammar(field: bytes) -> None:
    """IMAP-102: an empty comment before it, which means nothing, leads past the short cut for the usual form."""
    assert list(parse_addresses(b"()" + field)) == list(parse_addresses(field))


# --- the decoded form ---


@pytest.mark.parametrize(
    ("raw", "name", "localpart", "domain"),
    [
        (mailbox(b"A.b", b"Example.ORG."), "", "A.b", "example.org"),
        (mailbox(b"a", "EXÄMPLE.org".encode(), b"=?utf-8?q?J=C3=B6?= D"), "Jö D", "a", "xn--exmple-cua.org"),
        (mailbox("jö".encode(), b"x"), "", "jö", "x"),
        (mailbox(b"j\xf6", b"x\xf6"), "", "j\ufffd", "x\ufffd"),
        (mailbox(b"a", "例え。example".encode()), "", "a", "xn--r8jz45g.example"),
        (mailbox(b"a", "\uff45xämple.org".encode()), "", "a", "xn--exmple-cua.org"),
        (mailbox(b"a", "-ä-.org".encode()), "", "a", "-ä-.org"),
        (mailbox(b"a", ("ä" * 300).encode()), "", "a", "ä" * 300),
        (mailbox(None, None), "", "", ""),
        (mailbox(b"a", b"[192.0.2.1]"), "", "a", "[192.0.2.1]"),
    ],
)
def test_a_mailbox_is_decoded(raw: RawAddress, name: str, localpart: str, domain: str) -> None:
    """IMAP-102: encoded words, A-labels in lower case, and whatever else a stranger has written stays visible."""
    address = decode_address(raw)
    assert (address.name, address.localpart, address.domain) == (name, localpart, domain)


@pytest.mark.parametrize(
    ("field", "name", "localpart"),
    [
        (b'"a".b@c', None, b"a.b"),
        (b'x."a b".y@c', None, b"x.a b.y"),
        (b'Joe "a".b@c', b"Joe", b"a.b"),
        (b"J. b@c", b"J.", b"b"),
        (b'"J" .b@c', b"J", b".b"),
    ],
)
def test_dots_join_the_words_of_a_bare_localpart(field: bytes, name: bytes | None, localpart: bytes) -> None:
    """IMAP-102: quoted words among them (RFC 5322 §4.4); a name ends with a blank."""
    assert list(parse_addresses(field)) == [mailbox(localpart, b"c", name)]


def test_raw_text_of_a_name_has_the_charset_of_its_message() -> None:
    """STORE-56"""
    assert decode_address(mailbox(b"a", b"b", b"\xd0\xcf"), hint="koi8-r").name == b"\xd0\xcf".decode("koi8-r")


def test_few_domains_of_a_list_become_a_labels() -> None:
    """STORE-55a: encoding takes up to 15 µs a character, so a list of 10,000 would take long."""
    coded: dict[str, str] = {}
    names = [f"ä{number}.example" for number in range(MAX_CODED + 1)]
    domains = [decode_address(mailbox(b"a", name.encode()), coded).domain for name in names]
    assert domains == [*(idna.encode(name).decode() for name in names[:-1]), names[-1]]
    again = [decode_address(mailbox(b"a", name.encode()), coded).domain for name in names]
    assert again == domains
    coded.clear()
    assert decode_address(mailbox(b"a", b"b.example"), coded).domain == "b.example"
    assert not coded
    assert decode_address(mailbox(b"a", names[-1].encode())).domain == idna.encode(names[-1]).decode()
