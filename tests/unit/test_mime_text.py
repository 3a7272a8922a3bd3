"""Text of messages: HTML, previews, search."""

import base64
import quopri
import re
import time
from collections.abc import Callable
from email import message_from_bytes

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.mime import scan
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.text import (
    MAX_PREVIEW,
    TooManySigns,
    body_text,
    fold,
    header_text,
    part_text,
    preview,
    preview_of_text,
    token_text,
    visible_text,
    walk_encoded,
)


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def reader(data: bytes) -> Callable[[int, int], bytes]:
    return lambda start, end: data[start:end]


def searched(message: bytes) -> str:
    """What a search for a text looks into, as the text index has it."""
    structure, read = scan(message), reader(message)
    header = HeaderSection(message[: structure.root.body], hint=structure.root.hint)
    return fold(f"{header_text(header)}\n{body_text(structure, read)}")


ODD_LINES = (
    b"hello there",
    b"-- ",
    b" From: jo@else.example",
    b"\tfolded",
    b"From jo Fri Nov 20 07:00:00 2026",
    b">From jo Fri Nov 20 07:00:00 2026",
    b"Gr\xc3\xb6\xc3\x9fe: 5",
    b"\xff\xfe",
    b": no name",
    b"Two words: x",
    b"Subject no colon",
    b"HTTP/1.1 200 OK",
    b"<html>",
    b"\xef\xbb\xbf",
    b"",
)
FIELDS = (b"From: jo@else.example", b"To: mia@example.org", b"Subject: choir", b"Date: Fri, 20 Nov 2026 07:00:00 +0000")
BODIES = (
    (b"", b"apple banana"),
    (b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64", b"YXBwbGUgYmFuYW5h"),
    (
        b"Content-Type: multipart/mixed; boundary=b",
        b"--b\r\n\r\napple banana\r\n--b\r\nContent-Type: text/plain\r\n\r\ncherry\r\n--b--",
    ),
)


@given(
    st.lists(st.sampled_from(ODD_LINES), max_size=3),
    st.lists(st.sampled_from(FIELDS), unique=True),
    st.sampled_from(BODIES),
    st.sampled_from([b"\r\n", b"\n"]),
)
def test_first_lines_hide_no_word_that_another_reader_shows(
    odd: list[bytes], fields: list[bytes], content: tuple[bytes, bytes], end: bytes
) -> None:
    """STORE-52: whatever is above the fields, or in place of them, by Python's reader; with a field that is known the
    content is read as its fields say.
    """
    kind, body = content
    lines = [line for line in (*odd, *fields, kind) if line or line in odd]
    data = b"\r\n".join([*lines, b"", body, b""]).replace(b"\r\n", end)
    structure = scan(data)
    shown = body_text(structure, reader(data)) + header_text(HeaderSection(data))
    peer = message_from_bytes(data)
    texts = [part.get_payload(decode=True) for part in peer.walk() if part.get_content_maintype() == "text"]
    words = {b"hello", b"choir", b"apple", b"banana", b"cherry"}
    hidden = [word for word in words if word.decode() not in shown]
    assert not [word for word in hidden if any(word in text for text in texts if isinstance(text, bytes))]
    if fields and b"" not in odd:
        assert "apple banana" in body_text(structure, reader(data))


# --- HTML ---


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two", "one\n\ntwo"),
        ("a<br>b<BR/>c", "a\nb\nc"),
        ("a \n  <b>b</b>\tc", "a b c"),
        ("<pre>a\n  b  c</pre>", "a\nb  c"),
        ("&lt;a&gt; &amp; &#252; &uuml; &nbsp;x", "<a> & ü ü \xa0x"),
        (
            "<script>x</script>a<style>y</style>b<svg><svg>z</svg>y</svg>c<dialog>1</dialog><template>t</template>",
            "abc",
        ),
        ("a<map name=m>b</map><math><mi>c</mi><annotation>d</annotation></math>", "abc"),
        ("<head><title>t</title><style>s</style></head><body>a", "a"),
        ("<head><title>t</title><p>a", "a"),
        ("<script>if (a<b) '</scr'</SCRIPT>x", "x"),
        ("<!-- <p>hidden --> a <!doctype x><?php x?>b", "a b"),
        ("a<!-- not closed", "a"),
        ("1 < 2 <3", "1 < 2 <3"),
        ("<a title='>' href=\">\">x</a>", "x"),
        ("<a b='unclosed>x</a>", "x"),
        ("<p class=don't>x", "x"),
        ("<td>a</td><td>b</td>", "a b"),
        ("<svg/>a", "a"),
        ("<unknown-tag>a</unknown-tag>", "a"),
        ("a<p", "a"),
        ("&#99999999999;x", "\ufffdx"),
    ],
)
def test_the_visible_text_of_html(html: str, text: str) -> None:
    """STORE-58, STORE-88, IMAP-121"""
    assert visible_text(html) == text


@given(st.text("ab \t\r\n\f\xa0\v", max_size=30))
def test_blanks_of_html_are_collapsed(text: str) -> None:
    """STORE-58: the blanks of ASCII (HTML §4.5.1), in any order."""
    assert visible_text(text) == re.sub(r"[ \t\r\n\f]+", " ", text).strip(" ")


def test_alternative_texts_of_images_are_given_on_request() -> None:
    """STORE-88"""
    html = "<img src=x alt=\"a &amp; b\"><img alt=c><IMG ALT='d'><img>"
    assert visible_text(html, alt=True).split() == ["a", "&", "b", "c", "d"]
    assert visible_text(html) == ""


def test_what_is_hidden_can_be_chosen() -> None:
    """STORE-88"""
    html = "<head><title>t</title></head><script>s</script><dialog>d</dialog>"
    assert visible_text(html, hidden=frozenset({"script", "style", "svg"})) == "td"


def test_quotes_are_marked_on_request() -> None:
    """STORE-58"""
    assert visible_text("a<blockquote>b<br>c</blockquote>d", quotes=True).split("\n") == ["a", "> b", "> c", "d"]


HTML_BITS = st.lists(
    st.sampled_from(
        [
            "<",
            ">",
            "p",
            "<p>",
            "</",
            "<!--",
            "-->",
            "<script>",
            "</script",
            "&",
            "&#1",
            ";",
            '"',
            "'",
            "=",
            "<svg>",
            "</svg>",
            " ",
            "x",
            "<a b=",
        ]
    ),
    max_size=40,
).map("".join)


@given(HTML_BITS | st.text(max_size=60))
def test_no_html_makes_conversion_fail(html: str) -> None:
    """IMAP-121"""
    visible_text(html, alt=True, quotes=True)


@pytest.mark.parametrize(
    "piece", ["<", "<a ", '<a "', "<a b='", "<!--", "</", "<p>", "<title><", "&#1", '="', "<a =\"'", "<img alt  "]
)
def test_conversion_is_linear(piece: str) -> None:
    """STORE-152. Processor time of this process: the bound is ten times what it takes."""
    before = time.process_time()
    visible_text((piece * 1_048_576)[:1_048_576], alt=True)
    assert time.process_time() - before < 10


# --- previews ---


def preview_of(message: str) -> str:
    data = crlf(message)
    return preview(scan(data), reader(data))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello\n\n  you  there\n", "Hello you there"),
        ("new\n> old\n> older\nmore\n", "new [...] more"),
        ("On Monday, Joe wrote:\n> old\n\nnew", "[...] new"),
        ("On Monday, 1 Jan 2026,\nJoe <j@x>\nwrote:\n> old\nnew", "[...] new"),
        ("Am Montag schrieb Joe:\n\n> old\n\nnew", "[...] new"),
        ("List:\n- a", "List: - a"),
        ("new\n-- \nJoe\nmore", "new"),
        ("--\nsignature", ""),
        ("> only\n> quoted", ""),
        ("new\n-----Original Message-----\nFrom: x", "new [...]"),
        ("", ""),
        ("\u200b\u00ad \ufeff", ""),
        ("pre\u200c\u034fheader", "preheader"),
    ],
)
def test_previews_show_what_is_new(text: str, expected: str) -> None:
    """STORE-58, IMAP-105"""
    assert preview_of_text(text) == expected


LINES = st.sampled_from(
    ["", "> quoted", "On Monday, Mia wrote:", "On Monday", "-- ", "some words of text", "x" * 150, "said:", "\t a  b"]
)


@given(st.lists(LINES, max_size=60), st.sampled_from(["us-ascii", "utf-8", "iso-2022-jp", "nope"]), st.booleans())
def test_the_begin_of_a_long_text_is_enough_only_where_it_decides(lines: list[str], charset: str, wide: bool) -> None:
    """STORE-58"""
    text = "\n".join([*lines, "ü" * 10 if wide else "", "the end " * 400])
    shown = preview_of(f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n{text}")
    assert shown == preview_of_text(text.replace("\n", "\r\n"))


@given(st.text("a\u00e9 \t\x0b\x1c\x1f\x7f\u0085\u00a0\u2003\u2028\u3000", max_size=60))
def test_any_white_space_of_a_preview_is_collapsed(text: str) -> None:
    """STORE-58"""
    line = f"x{text}x"
    assert preview_of_text(line) == " ".join(line.split())


def test_a_preview_has_at_most_two_hundred_characters() -> None:
    """STORE-58, IMAP-105"""
    assert len(preview_of_text("ü" * 1000)) == MAX_PREVIEW
    assert len(preview_of_text("ab " * 1000)) <= MAX_PREVIEW


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Subject: x\n\nhello\n", "hello"),
        ("Content-Type: text/html\n\n<head><title>t</title></head><p>Hi &amp; <b>bye</b></p>", "Hi & bye"),
        ("Content-Type: text/html\n\nnew<blockquote>old<br>older</blockquote>", "new [...]"),
        (
            "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n=FCber\n",
            "über",
        ),
        ("Content-Type: image/png\n\nx", ""),
        ("Content-Type: text/calendar\n\nx", ""),
        ("Content-Disposition: attachment\n\nx", ""),
        ("Content-Type: multipart/encrypted; boundary=b\n\n--b\n\nx\n--b--\n", ""),
        (
            (
                "Content-Type: multipart/signed; boundary=b\n\n--b\nContent-Type: image/png\n\nx\n--b\n\n"
                "signature\n--b--\n"
            ),
            "",
        ),
        ("Content-Type: multipart/signed; boundary=b\n\n--b\n\nsigned\n--b\n\nsignature\n--b--\n", "signed"),
        (
            (
                "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/html\n\n"
                "html\n--b\n\nplain\n--b--\n"
            ),
            "plain",
        ),
        (
            "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\nhtml\n--b\n\nfooter\n--b--\n",
            "html",
        ),
        (
            "Content-Type: multipart/alternative; boundary=b\n\n--b\n\n\n--b\nContent-Type: text/html\n\nhtml\n--b--\n",
            "html",
        ),
        (
            (
                "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nA: b\n"
                "\ninner\n--b\n\nouter\n--b--\n"
            ),
            "outer",
        ),
        ("Content-Type: message/rfc822\n\nA: b\n\ninner\n", "inner"),
    ],
)
def test_the_part_to_preview(message: str, expected: str) -> None:
    """STORE-58, IMAP-105"""
    assert preview_of(message) == expected


def test_a_preview_reads_a_bounded_part_of_a_message() -> None:
    """STORE-58"""
    data = b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=\r\n" * 4_000_000
    asked = 0

    def read(start: int, end: int) -> bytes:
        nonlocal asked
        asked += end - start
        return data[start:end]

    assert preview(scan(data), read) == ""
    assert asked <= 4 << 20


# --- search ---

MESSAGE = crlf(
    "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n aus Köln\nFrom: a@b\nContent-Type: multipart/mixed; "
    "boundary=b\n\n--b\nContent-Type: text/html; charset=utf-8\n"
    "Content-Transfer-Encoding: base64\n\nPHA+U3RyYTxiPsOfZTwvYj4=\n--b\nContent-Type: "
    "message/rfc822\n\nSubject: =?utf-8?q?=C3=89t=C3=A9?=\n\nInner\n"
    "--b\nContent-Type: image/png\n\nnot text\n--b--\n"
)


def test_headers_are_searched_decoded() -> None:
    """IMAP-121"""
    assert header_text(HeaderSection(MESSAGE[: scan(MESSAGE).root.body])).split("\n")[0] == "Subject: Grüße aus Köln"


@given(
    st.lists(st.sampled_from([b"A", b"To", b" ", b"\t", b":", b"\r\n", b"\n", b"\r", b"=?utf-8?q?=C3=BC?=", b"\xfc"]))
)
def test_each_piece_of_a_header_is_a_line_of_its_search_text(pieces: list[bytes]) -> None:
    """IMAP-121: also of junk, and of what is folded."""
    section = HeaderSection(b"".join(pieces))
    lines = [f"{field.label.decode()}: {section.decode(field.text)}" for field in section]
    assert header_text(section) == "\n".join(lines)


SIGNATURES = ["DKIM-Signature", "arc-seal", "ARC-Message-Signature", "X-Google-DKIM-Signature"]
SIGNATURE_TAGS = st.lists(
    st.tuples(
        st.sampled_from(["b", "bh", "h", "d", "bb", "B", " b ", "\r\n bh", ""]),
        st.text("abhB1+/= ", min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=4,
)
SIGNED_HEADERS = st.lists(
    st.tuples(st.sampled_from([*SIGNATURES, "ARC-Authentication-Results", "Subject"]), SIGNATURE_TAGS),
    min_size=1,
    max_size=3,
)


@given(SIGNED_HEADERS, st.text("abhB1+/=; ", min_size=1, max_size=4), st.integers(0, 200))
def test_all_but_values_of_signatures_is_search_text(
    fields: list[tuple[str, list[tuple[str, str]]]], drawn: str, start: int
) -> None:
    """IMAP-121, STORE-110: a needle is found where the header has it outside these values, and nowhere else."""
    header, plain, left_out = "", "", []
    for name, tags in fields:
        header += f"{name}: {';'.join(f'{tag}={value}' for tag, value in tags)}\r\n"
        plain += f"{name}: "
        begin = len(plain)
        # unfolded text has no blanks around it
        text = ";".join(f"{tag}={value}" for tag, value in tags).replace("\r\n", "").strip()
        for piece in text.split(";"):
            tag = piece.partition("=")[0]
            if name in SIGNATURES and tag.strip() in ("b", "bh"):
                left_out.append((begin + len(tag) + 1, begin + len(piece)))
            begin += len(piece) + 1
        plain += text + "\n"
    plain = plain[:-1]
    searched = header_text(HeaderSection(header.encode()))
    for needle in {drawn, plain[start % len(plain) :][:5].partition("\n")[0]} - {""}:
        places = [at for at in range(len(plain)) if plain.startswith(needle, at)]
        # what begins or ends at the gap of an empty value does not reach across it either
        kept = any(all(at + len(needle) <= low or at >= high for low, high in left_out) for at in places)
        assert (needle in searched) == kept, (needle, searched)


def test_signatures_of_embedded_messages_are_no_search_text() -> None:
    """IMAP-121, STORE-110: the other tags are; names of tags are the case they are in (RFC 6376 §3.2)."""
    signature = "DKIM-Signature: v=1; d=a.example; bh=Hash+; s=sel;\n b=Sgn\n ature==; B=kept\n"
    header = crlf(f"{signature}Authentication-Results: a; dkim=pass header.b=Result\n")
    message = header + crlf(f"Content-Type: message/rfc822\n\n{signature}Subject: inner\n\nb=Body; bh=Text\n")
    text = searched(message)
    for word in ("hash", "sgn", "ature="):
        assert word not in text
    for word in ("dkim-signature: v=1; d=a.example; bh=", "; s=sel; b=", "b=kept", "b=result", "b=body; bh=text"):
        assert word in text


def test_bodies_are_searched_raw_visible_and_into_embedded_messages() -> None:
    """IMAP-121"""
    text = body_text(scan(MESSAGE), reader(MESSAGE))
    assert "<p>Stra<b>ße</b>" in text
    assert "Straße" in text
    assert "Subject: Été" in text
    assert "Inner" in text
    assert "not text" not in text
    assert "aus Köln" not in text


def test_long_words_of_html_are_searched_where_they_are_shown() -> None:
    """IMAP-121: the key of an address isn't searched, but the address that a link shows, and a name of the usual length
    is.
    """
    key, shown, picture = "k" * 65, "https://example.org/" + "s" * 60, "https://example.org/logo.png"
    html = f"<p><a href='https://example.org/?{key}'>Go on</a> <a href={shown}>{shown}</a><img src={picture}></p>"
    data = crlf(f"Content-Type: text/html\n\n{html}\n")
    text = body_text(scan(data), reader(data))
    assert key not in text
    assert text.count(shown) == 1
    assert f"<img src={picture}>" in text
    plain = crlf(f"Subject: no HTML\n\n{key}\n")
    assert key in body_text(scan(plain), reader(plain))


@given(st.lists(st.sampled_from(["k" * 64, "k" * 65, "é" * 70, "x", *" \n\t\xa0\u2003<>\"'&", "\x1c"])))
def test_words_are_long_by_their_characters_between_blanks(pieces: list[str]) -> None:
    """IMAP-121: of any kind of blank, quote or angle bracket."""
    html = "".join(pieces)
    data = b"Content-Type: text/html; charset=utf-8\r\n\r\n" + html.encode()
    kept = re.sub(r"""[^\s<>"']+""", lambda word: word[0] if len(word[0]) <= 64 else "\n", html)
    assert body_text(scan(data), reader(data)).startswith(kept)


def test_search_text_is_folded_and_bounded() -> None:
    """STORE-110, IMAP-121"""
    text = searched(MESSAGE)
    assert "grüsse aus köln" in text
    assert "strasse" in text
    assert len(body_text(scan(MESSAGE), reader(MESSAGE), 30)) == 30


@pytest.mark.parametrize(
    ("text", "folded"), [("ABC", "abc"), ("ﬁne", "fine"), ("ＡＢ", "ab"), ("Straße", "strasse"), ("e\u0301", "é")]
)
def test_text_and_needles_are_folded_alike(text: str, folded: str) -> None:
    """IMAP-121, STORE-110"""
    assert fold(text) == folded


@given(st.text(max_size=40))
def test_folding_twice_changes_nothing(text: str) -> None:
    """IMAP-121"""
    assert fold(fold(text)) == fold(text)


def test_all_text_parts_are_found_also_in_embedded_messages() -> None:
    """STORE-88"""
    parts = [part for part, _, _ in walk_encoded(scan(MESSAGE), reader(MESSAGE))]
    assert [part.media_type for part in parts if part.type == "TEXT"] == ["text/html", "text/plain"]


def encoded(message: str, encoding: str = "base64") -> str:
    """A part with a message in a transfer encoding."""
    head = f"Content-Type: message/rfc822\nContent-Transfer-Encoding: {encoding}\n\n"
    octets = crlf(message)
    code = base64.encodebytes(octets) if encoding == "base64" else quopri.encodestring(octets.replace(b"\r\n", b"\n"))
    return head + code.decode()


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_an_encoded_message_is_read_as_an_embedded_one(encoding: str) -> None:
    """STORE-52a, STORE-58, STORE-88, IMAP-121: text and header, also of a message inside of it."""
    deep = encoded("Subject: deep\n\nbottom\n")
    inner = "Subject: =?utf-8?q?=C3=A9tude?=\nContent-Type: multipart/mixed; boundary=i\n\n--i\n"
    inner += f"Content-Type: text/html\n\n<p>in<b>side</b>\n--i\n{deep}--i--\n"
    data = crlf(f"Content-Type: multipart/mixed; boundary=b\n\n--b\n{encoded(inner, encoding)}--b--\n")
    structure, read = scan(data), reader(data)
    assert not structure.root.parts[0].parts
    text = searched(data)
    for words in ("subject: étude", "inside", "subject: deep", "bottom"):
        assert words in text
    assert [piece.text.strip() for piece in token_text(structure, read)] == ["inside", "bottom"]
    assert preview(structure, read) == "inside"
    with pytest.raises(TooManySigns):  # it may hold the loop
        preview(structure, read, signs=1000)


def test_encoded_messages_are_read_up_to_a_limit() -> None:
    """STORE-52a, STORE-55: together, however deep they are nested or how many there are."""
    nested = "Subject: last\n\nend\n"
    for _ in range(20):
        nested = f"Subject: s\n{encoded(nested)}"
    data = crlf(nested)
    assert "subject: last" in searched(data)
    reached = [inner.part.size for inner in walk_encoded(scan(data), reader(data), 10_000) if inner.embedded]
    assert 0 < sum(reached) <= 10_000
    many = encoded("Subject: s\n\n" + "x" * 3000)
    data = crlf("Content-Type: multipart/mixed; boundary=b\n\n" + f"--b\n{many}" * 100 + "--b--\n")
    assert sum(inner.embedded for inner in walk_encoded(scan(data), reader(data), 10_000)) == 4


def test_a_file_behind_an_embedded_message_does_not_hide_its_text() -> None:
    """STORE-58"""
    file = "Content-Disposition: attachment\n\nx\n"
    message = f"--b\nContent-Type: message/rfc822\n\nA: b\n\nforwarded\n--b\n{file}--b--\n"
    assert preview_of(f"Content-Type: multipart/mixed; boundary=b\n\n{message}") == "forwarded"


def test_tokens_are_made_of_text_parts_and_texts_of_images() -> None:
    """STORE-88"""
    data = crlf(
        "Content-Type: text/html\n\n<title>T</title><img alt=pic><style>s</style><script>j</script><p>x &amp; y\n"
    )
    assert [piece.text.split() for piece in token_text(scan(data), reader(data))] == [["T", "pic", "x", "&", "y"]]
    assert [piece.text for piece in token_text(scan(MESSAGE), reader(MESSAGE))] == ["Straße", "Inner"]
    assert sum(len(piece.text) for piece in token_text(scan(MESSAGE), reader(MESSAGE), 8)) == 8


def test_html_says_its_charset_when_the_header_does_not() -> None:
    """STORE-56"""
    data = b'Content-Type: text/html\r\n\r\n<meta charset="windows-1251">\xcf'
    assert part_text(scan(data).root, reader(data)).endswith("П")
