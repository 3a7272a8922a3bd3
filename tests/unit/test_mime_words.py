"""Encoded words and parameters."""

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

import moxlite
from moxlite.proto.mime.charset import codec_name, decode_text, incremental_decoder
from moxlite.proto.mime.words import decode_words, encode_parameter, encode_words, parse_content

OWN = {
    "acceptance/checks.py": "domains alone",
    "cli/checks/dkim.py": "a measurement",
    "mailauth/dkim/verify.py": "domains alone",
    "proto/authresults.py": "names of servers, and their results",
    "proto/mdn.py": "a receipt's fields, which are no message's",
    "proto/mime/structure.py": "types and encodings, before there are texts",
    "proto/mime/words.py": "the same",
    "smtpd/incoming/storing.py": "texts of a script",
    "store/imports/labels.py": "labels that an exporting program writes",
    "store/rows/sorting.py": "local parts of addresses",
    "web/webmail/api.py": "texts of a client",
}
"""Modules that decode text which belongs to no message's texts, and why."""


def test_text_of_a_header_is_decoded_by_the_charset_of_the_texts() -> None:
    """STORE-56: whoever shows, searches, compares or sends a field says which; `HeaderSection.decode` does."""
    found = set[str]()
    root = Path(moxlite.__file__).parent
    for path in root.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
                most = {"decode_words": 1, "decode_address": 2}.get(call.func.id, 9)
                if len(call.args) <= most < 9 and not call.keywords:
                    found.add(str(path.relative_to(root)))
    assert found == {*OWN}


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?q?a_b=C3=BC?=", "a bü"),
        (b"=?UTF-8?B?w7w=?=", "ü"),
        (b"=?utf-8?b?w7w?=", "ü"),
        (b"=?iso-8859-1*de?Q?=FC?= x", "ü x"),
        (b"=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        (b"=?utf-8?q?a?= \t =?iso-8859-1?q?=FC?= c", "aü c"),
        (b"=?utf-8?b?ww==?= =?utf-8?b?vA==?=", "ü"),
        (b"=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü"),
        (b"a=?utf-8?q?b?=c", "abc"),
        (b"=?x-unknown?q?=C3=BC=FF?=", "ü\ufffd"),
        (b"=?utf-8?q?a b?=", "a b"),
        (b"=?utf-8?x?ab?=", "=?utf-8?x?ab?="),
        (b"=?utf-8?q?ab", "=?utf-8?q?ab"),
        (b"=?utf-8?q?=ZZ=?=", "=ZZ="),
        (b"=?utf-8?q?a=0Ab=00?=", "a b "),
        ("ü".encode(), "ü"),
        (b"\xfc", "ü"),
        ("ü".encode() * 3 + b"\xff", "üüü\ufffd"),
        (b"=?gb2312?b?1tA=?= " + "中".encode("gbk"), "中 中"),
        ("中".encode("gbk") + b" =?gb2312?b?1tA=?=", "中 中"),
        (b"=?gb2312?b?ztI=?=", "我"),
        (b"=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", "日本"),
    ],
)
def test_header_text_is_decoded(raw: bytes, text: str) -> None:
    """STORE-50, STORE-56, IMAP-121"""
    assert decode_words(raw) == text


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200), st.integers(30, 75))
def test_encoded_text_comes_back_the_same(text: str, first: int) -> None:
    """STORE-50"""
    words = encode_words(text, first)
    assert all(len(word) <= 75 and word.isascii() and " " not in word for word in words)
    assert len(words[0]) <= first
    decoded = decode_words("\r\n ".join(words).encode())
    assert decoded == text


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=150), st.booleans())
def test_parameters_come_back_the_same(value: str, utf8: bool) -> None:
    """STORE-50"""
    pieces = encode_parameter("filename", value, utf8=utf8)
    if not utf8:
        assert all(piece.isascii() and len(piece) < 77 for piece in pieces)
    if "=?" in value:
        return  # a value that looks like an encoded word is read as one
    [parameter] = parse_content(("attachment; " + "; ".join(pieces)).encode()).parameters
    assert (parameter.name, parameter.value) == ("filename", value)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"a/b; x=1", [("x", "1")]),
        (b"a/b; x = 1 ; y=2", [("x", "1"), ("y", "2")]),
        (b'a/b; x="1;2"; y=2', [("x", "1;2"), ("y", "2")]),
        (b'a/b; x="1', [("x", "1")]),
        (b"a/b; x=my file.txt", [("x", "my file.txt")]),
        (b"a/b; x=1 (comment)", [("x", "1")]),
        (b"a/b;; x=1;", [("x", "1")]),
        (b"a/b; x; y=1", [("y", "1")]),
        (b"a/b; x*=utf-8''%C3%BC; x=u", [("x", "ü")]),
        (b"a/b; x*0*=utf-8'de'%C3; x*1*=%BC; x*2=%41", [("x", "ü%41")]),
        (b"a/b; x*1=b; x*0=a; x*3=d", [("x", "ab")]),
        (b"a/b; x*1=b", [("x*1", "b")]),
        (b"a/b; x*=%41", [("x", "A")]),
        (b'a/b; x="=?utf-8?q?=C3=BC?="', [("x", "ü")]),
        (b"a/b; X=\xfc", [("x", "ü")]),
    ],
)
def test_parameters_are_read_tolerantly(field: bytes, expected: list[tuple[str, str]]) -> None:
    """STORE-50"""
    assert [(parameter.name, parameter.value) for parameter in parse_content(field).parameters] == expected


@pytest.mark.parametrize(
    ("field", "media_type", "expected"),
    [
        (b"text (plain) / plain", "TEXT/PLAIN", []),
        (b"(a) text/(b; (c) \\) d)html; charset=utf-8", "TEXT/HTML", [("charset", "utf-8")]),
        (b"text/plain (x); name=foo (1).pdf", "TEXT/PLAIN", [("name", "foo (1).pdf")]),
        (b"text/plain (open; charset=utf-8", "TEXT/PLAIN", [("charset", "utf-8")]),
        (b'multipart/mixed boundary="a;b"; type=x', "MULTIPART/MIXED", [("boundary", "a;b"), ("type", "x")]),
        (b"text/plain charset", "TEXT/PLAIN", []),
    ],
)
def test_comments_in_types_are_passed_over(field: bytes, media_type: str, expected: list[tuple[str, str]]) -> None:
    """STORE-50, RFC 2045 §5.1; and the first parameter may lack its semicolon."""
    content = parse_content(field)
    assert f"{content.value}/{content.subtype}" == media_type
    assert [(one.name, one.value) for one in content.parameters] == expected


@given(st.lists(st.sampled_from([b"(", b")", b";", b"\\", b"text", b"/", b"plain", b" ", b'"', b"a=b"])))
def test_comments_never_take_the_parameters_that_follow(pieces: list[bytes]) -> None:
    """STORE-50: an odd comment before them may be text, but a good one is only a blank."""
    field = b"".join(pieces)
    plain = parse_content(b"text/plain; charset=utf-8")
    assert parse_content(b"text/plain (%s); charset=utf-8" % re.sub(rb"[()\\]", b"", field)) == plain
    parse_content(field)


def test_only_so_many_parameters_are_read() -> None:
    """STORE-55a"""
    assert len(parse_content(b"a/b" + b"; x=1" * 1000).parameters) == 200


@given(st.binary(max_size=120) | st.text(alphabet="=?utf-8bq;*'%\"\\( )x/", max_size=80).map(str.encode))
def test_no_octets_make_decoding_fail(data: bytes) -> None:
    """STORE-56"""
    decode_words(data).encode()
    for parameter in parse_content(data).parameters:
        parameter.value.encode()


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        ("ISO-8859-1", b"\x93a\x94", "“a”"),
        ("latin1", b"\x81a", "\x81a"),
        ("windows-1252", b"\xc3\x81", "Á"),
        ("windows-1251", b"\xcf", "П"),
        ("ks_c_5601-1987", b"\xb0\xa1", "가"),
        ("gb2312", "€".encode("gb18030"), "€"),
        ("Shift_JIS", "①".encode("cp932"), "①"),
        ("big5", b"\xa4\xa4", "中"),
        ("utf-16", "\ufeffx".encode("utf-16-le"), "x"),
        ("us-ascii", b"\xc3\xbc\xff", "ü\ufffd"),
        ("unheard-of", b"\xc3\xbc\xff", "ü\ufffd"),
        ("", b"\xff", "ÿ"),
        ("utf-8", b"\xff", "\ufffd"),
        ("us-ascii", b"K\xf6ln", "Köln"),
        ("zlib", b"x\x9c", "xœ"),
        ("idna", b"xn--a", "xn--a"),
        ("gb18030", b"\x81", "\ufffd"),
        ("utf-7", b"+2AA-", "?"),
    ],
)
def test_charsets_are_read_as_they_are_meant(charset: str, octets: bytes, text: str) -> None:
    """STORE-56"""
    assert decode_text(octets, charset) == text


@given(
    st.binary(max_size=60),
    st.sampled_from(["utf-8", "utf-7", "iso-2022-jp", "hz", "gb18030", "x", "utf-16", "big5", "euc-kr"]),
)
def test_decoded_text_can_always_be_stored(octets: bytes, charset: str) -> None:
    """STORE-56"""
    decode_text(octets, charset).encode()


def test_names_of_python_codecs_that_are_no_charsets_are_unknown() -> None:
    """STORE-56"""
    for name in ("rot13", "zlib", "punycode", "idna", "unicode_escape", "undefined", "hex"):
        assert codec_name(name) is None


def test_text_in_blocks_is_decoded_across_them() -> None:
    """STORE-56"""
    decoder = incremental_decoder("utf-8")
    assert decoder.decode(b"\xc3") + decoder.decode(b"\xbc\xff") + decoder.decode(b"", True) == "ü\ufffd"
