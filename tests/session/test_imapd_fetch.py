"""FETCH: items, sections, decoded parts; messages that change, are removed or damaged (docs/spec/imap.md §10)."""

import base64
import re
from collections.abc import AsyncIterator, Callable

import pytest
import trio

from moxlite.imapd.connection import StreamOutput
from moxlite.imapd.fetch.fetch import STEP
from moxlite.imapd.fetch.fetchbody import Content
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.body import CHUNK_SIZE
from moxlite.store.errors import StorageBroken
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.flags import store_flags
from moxlite.store.types import Flag, MailboxID
from tests.session.imapd_harness import Client, Imap, imap
from tests.store_mail import mail, put, rows

pytestmark = pytest.mark.served

__all__ = ["imap"]

INBOX = MailboxID(1)
CRLF = "\r\n"

HEAD = (
    "From: Mia <mia@example.org>\r\n"
    "To: bo@example.org\r\n"
    "Subject: a tree\r\n"
    "Date: Fri, 20 Nov 2026 07:00:00 +0100\r\n"
    "Message-ID: <tree@example.org>\r\n"
    "MIME-Version: 1.0\r\n"
    'Content-Type: multipart/mixed; boundary="A"\r\n'
    "\r\n"
)
TEXT_MIME = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
TEXT = "gr=C3=BC=\r\n=C3=9Fe"
BLOB_MIME = "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
BLOB = "AAEC\r\n/w=="
INNER_HEAD = 'Subject: inner\r\nFrom: x@example.org\r\nContent-Type: multipart/alternative; boundary="B"\r\n\r\n'
PLAIN_MIME = "Content-Type: text/plain\r\n\r\n"
PLAIN = "plain"
HTML_MIME = "Content-Type: text/html\r\n\r\n"
HTML = "<b>html</b>"
INNER_TEXT = f"--B\r\n{PLAIN_MIME}{PLAIN}\r\n--B\r\n{HTML_MIME}{HTML}\r\n--B--"
RFC_MIME = "Content-Type: message/rfc822\r\n\r\n"
LEAF_HEAD = "Subject: leaf\r\n\r\n"
LEAF_TEXT = "the leaf"
LEAF_MIME = "Content-Type: message/rfc822\r\nContent-Description: last\r\n\r\n"
GIF_MIME = "Content-Type: image/gif\r\nContent-Transfer-Encoding: x-unknown\r\n\r\n"
GIF = "gif data"
FOUR_MIME = "Content-Type: multipart/mixed; boundary=C\r\n\r\n"
FOUR = f"--C\r\n{GIF_MIME}{GIF}\r\n--C\r\n{LEAF_MIME}{LEAF_HEAD}{LEAF_TEXT}\r\n--C--"
BODY = (
    f"preamble\r\n--A\r\n{TEXT_MIME}{TEXT}\r\n--A\r\n{BLOB_MIME}{BLOB}\r\n--A\r\n{RFC_MIME}{INNER_HEAD}{INNER_TEXT}"
    f"\r\n--A\r\n{FOUR_MIME}{FOUR}\r\n--A--\r\n"
)
TREE = HEAD + BODY


def body(octets: str, section: str = "", origin: str = "", name: str = "BODY") -> str:
    """``BODY[section]<origin> {n} octets`` as a response has it."""
    return f"{name}[{section}]{origin} {{{len(octets.encode('utf-8', 'surrogateescape'))}}}\r\n{octets}"


async def fetch(c: Client, items: str, numbers: str = "1") -> str:
    """The items of the one FETCH response, without UID."""
    responses = await c.ok(f"f FETCH {numbers} {items}")
    assert len(responses) == 1, responses
    match = re.fullmatch(r"\* \d+ FETCH \(UID \d+ (.*)\)", responses[0], re.DOTALL)
    assert match, responses
    return match[1]


async def test_every_item_of_a_row(imap: Imap) -> None:
    """IMAP-93, IMAP-102, IMAP-103, IMAP-106"""
    async with imap.user() as c:
        await c.append("Subject: hi\r\n\r\nHello!\r\n", flags=r"(\Flagged work)", date='"01-Feb-2026 03:04:05 -0730"')
        await c.ok("a NOOP")
        assert await c.ok("a FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE)") == [
            r'* 1 FETCH (UID 1 FLAGS (\Recent \Flagged work) INTERNALDATE " 1-Feb-2026 03:04:05 -0730" RFC822.SIZE 23)'
        ]
        envelope = 'ENVELOPE (NIL "hi" NIL NIL NIL NIL NIL NIL NIL NIL)'
        assert await fetch(c, "ENVELOPE") == envelope
        shown = await fetch(c, "(BODY BODYSTRUCTURE)")
        assert shown.startswith('BODY ("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" 8 1) ')
        assert re.fullmatch(r"BODY \((.*)\) BODYSTRUCTURE \(\1 NIL NIL NIL NIL\)", shown), shown
        assert await fetch(c, "BODY.PEEK[]<0.4>") == body("Subj", origin="<0>")
        assert re.fullmatch(r"MODSEQ \(\d+\)", (await c.ok("a FETCH 1 MODSEQ"))[-1].split("UID 1 ")[1][:-1])
        assert re.fullmatch(
            r'SAVEDATE "[ \d]\d-\w{3}-\d{4} \d\d:\d\d:\d\d \+0000" EMAILID \(M\d+\) THREADID \(T\d+\)',
            (await c.ok("a FETCH 1 (SAVEDATE EMAILID THREADID)"))[0].split("UID 1 ")[1][:-1],
        )


async def test_keywords_are_spelled_as_the_account_does_it_whoever_asks_for_flags(imap: Imap) -> None:
    """IMAP-60, IMAP-93: also where flags are told because the command has set one."""
    async with imap.user() as c:
        await c.append("Subject: hi\r\n\r\nHello!\r\n", flags="(Work)")
        await c.ok("a NOOP")
        assert await fetch(c, "FLAGS") == r"FLAGS (\Recent Work)"
        assert (await fetch(c, "BODY[TEXT]")).startswith(r"FLAGS (\Recent \Seen Work) ")


async def test_items_come_in_the_order_asked_for_each_once(imap: Imap) -> None:
    """IMAP-93"""
    async with imap.user() as c:
        await c.append("a: b\r\n\r\nx")
        assert await c.ok("a FETCH 1 (rfc822.size flags uid FLAGS)") == [
            r"* 1 FETCH (UID 1 RFC822.SIZE 9 FLAGS (\Recent))"
        ]
        assert await c.ok("a UID FETCH 1 (RFC822.SIZE)") == ["* 1 FETCH (UID 1 RFC822.SIZE 9)"]
        assert await c.ok("a FETCH 1 (UID)") == ["* 1 FETCH (UID 1)"]


async def test_macros_stand_for_lists(imap: Imap) -> None:
    """IMAP-93"""
    async with imap.user() as c:
        await c.append("a: b\r\n\r\nx")
        for macro, items in (
            ("FAST", "(FLAGS INTERNALDATE RFC822.SIZE)"),
            ("all", "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"),
            ("Full", "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY)"),
        ):
            assert await c.ok(f"a FETCH 1 {macro}") == await c.ok(f"a FETCH 1 {items}")


@pytest.mark.parametrize(
    "items",
    [
        "()",
        "(ALL)",
        "(FLAGS FULL)",
        "NOTHING",
        "(FLAGS NOTHING)",
        "BODY[MIME]",
        "BODY[1.]",
        "BODY[0]",
        "BODY[1.0]",
        "BODY[HEADER.FIELDS]",
        "BODY[HEADER.FIELDS ()]",
        "BODY[TEXT.1]",
        "BODY[]<0.0>",
        "BODY[]<0>",
        "BODY[]<-1.1>",
        "BODY[",
        "BINARY[HEADER]",
        "BINARY.SIZE[1]<0.1>",
        "RFC822.TEXT.PEEK",
        "PREVIEW (EAGER)",
        "FLAGS (CHANGEDSINCE)",
        "FLAGS (CHANGEDSINCE x)",
        "FLAGS (PARTIAL 1:2)",
        "FLAGS (VANISHED)",
        "FLAGS ()",
        "FLAGS UID",
        "(FLAGS",
        "",
    ],
)
async def test_bad_items_are_refused(imap: Imap, items: str) -> None:
    """IMAP-93, IMAP-107"""
    async with imap.user() as c:
        await c.append("a: b\r\n\r\nx")
        assert (await c.tagged(f"a FETCH 1 {items}")).startswith("BAD ")
        assert (await c.tagged("a UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)")).startswith("BAD ")


SECTIONS: dict[str, str | None] = {
    "": TREE,
    "HEADER": HEAD,
    "TEXT": BODY,
    "1": TEXT,
    "1.MIME": TEXT_MIME,
    "1.HEADER": None,
    "1.TEXT": None,
    "1.1": None,
    "2": BLOB,
    "2.MIME": BLOB_MIME,
    "3": INNER_HEAD + INNER_TEXT,
    "3.MIME": RFC_MIME,
    "3.HEADER": INNER_HEAD,
    "3.TEXT": INNER_TEXT,
    "3.1": PLAIN,
    "3.1.MIME": PLAIN_MIME,
    "3.2": HTML,
    "3.2.MIME": HTML_MIME,
    "3.3": None,
    "3.2.1": None,
    "4": FOUR,
    "4.MIME": FOUR_MIME,
    "4.HEADER": None,
    "4.1": GIF,
    "4.2": LEAF_HEAD + LEAF_TEXT,
    "4.2.MIME": LEAF_MIME,
    "4.2.HEADER": LEAF_HEAD,
    "4.2.TEXT": LEAF_TEXT,
    "4.2.1": LEAF_TEXT,
    "4.2.1.MIME": "\r\n",
    "4.2.2": None,
    "5": None,
    "4294967295": None,
    "HEADER.FIELDS (subject FROM)": "From: Mia <mia@example.org>\r\nSubject: a tree\r\n\r\n",
    "HEADER.FIELDS.NOT (subject FROM MIME-Version Content-Type)": (
        "To: bo@example.org\r\nDate: Fri, 20 Nov 2026 07:00:00 +0100\r\nMessage-ID: <tree@example.org>\r\n\r\n"
    ),
    "HEADER.FIELDS (X-None)": "\r\n",
    "3.HEADER.FIELDS (SUBJECT)": "Subject: inner\r\n\r\n",
    "3.HEADER.FIELDS.NOT (SUBJECT Content-Type)": "From: x@example.org\r\n\r\n",
    "1.HEADER.FIELDS (SUBJECT)": None,
    "4.2.HEADER.FIELDS (SUBJECT)": "Subject: leaf\r\n\r\n",
}


async def test_sections_of_nested_messages(imap: Imap) -> None:
    """IMAP-96, IMAP-97, IMAP-98"""
    async with imap.user() as c:
        await c.append(TREE)
        await c.ok("a NOOP")
        for section, octets in SECTIONS.items():
            wanted = f"BODY[{section}] NIL" if octets is None else body(octets, section)
            assert await fetch(c, f"BODY.PEEK[{section}]") == wanted, section
        together = " ".join(f"BODY.PEEK[{section}]" for section in SECTIONS)
        shown = await fetch(c, f"({together})")
        assert all(
            (f"BODY[{section}] NIL" if octets is None else body(octets, section)) in shown
            for section, octets in SECTIONS.items()
        )


async def test_partials_of_every_section(imap: Imap) -> None:
    """IMAP-97, IMAP-99"""
    async with imap.user() as c:
        await c.append(TREE)
        await c.ok("a NOOP")
        for section, octets in SECTIONS.items():
            if octets is None:
                assert await fetch(c, f"BODY.PEEK[{section}]<0.9>") == f"BODY[{section}]<0> NIL"
                continue
            for start, length in ((0, 1), (3, 7), (len(octets) - 1, 5), (len(octets), 5), (1 << 40, 1 << 62)):
                part = body(octets[start : start + length], section, f"<{start}>")
                assert await fetch(c, f"BODY.PEEK[{section}]<{start}.{length}>") == part


async def test_header_fields_keep_order_folding_and_duplicates(imap: Imap) -> None:
    """IMAP-98"""
    header = "X-A: 1\r\nReceived: from a\r\n\tby b\r\nx-a : 2\r\nX-B: 3\r\nReceived: from c\r\n  by d\r\n"
    async with imap.user() as c:
        await c.append(f"{header}\r\nbody")
        await c.ok("a NOOP")
        for ask, octets in (
            ("HEADER.FIELDS (received)", "Received: from a\r\n\tby b\r\nReceived: from c\r\n  by d\r\n\r\n"),
            ('HEADER.FIELDS ("X-A" x-b)', "X-A: 1\r\nx-a : 2\r\nX-B: 3\r\n\r\n"),
            ("HEADER.FIELDS.NOT (RECEIVED)", "X-A: 1\r\nx-a : 2\r\nX-B: 3\r\n\r\n"),
            ("HEADER", header + "\r\n"),
        ):
            section = ask.replace('"X-A"', "X-A")
            assert await fetch(c, f"BODY.PEEK[{ask}]") == body(octets, section)


async def test_mime_of_a_message_that_is_its_only_part(imap: Imap) -> None:
    """IMAP-97, IMAP-98"""
    mime = "MIME-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Language:\r\n de\r\n"
    async with imap.user() as c:
        await c.append(f"Subject: s\r\n{mime}X-More: y\r\n\r\nbody")
        await c.ok("a NOOP")
        assert await fetch(c, "BODY.PEEK[1.MIME]") == body(mime + "\r\n", "1.MIME")
        assert await fetch(c, "BODY.PEEK[1]") == body("body", "1")
        assert await fetch(c, "BODY.PEEK[1.1]") == "BODY[1.1] NIL"
        assert await fetch(c, "BODY.PEEK[2]") == "BODY[2] NIL"
        assert await fetch(c, "BODY.PEEK[1.TEXT]") == "BODY[1.TEXT] NIL"


async def test_old_names_of_sections(imap: Imap) -> None:
    """IMAP-93, IMAP-94"""
    async with imap.user() as c:
        await c.append("Subject: s\r\n\r\nbody")
        await c.ok("a NOOP")
        assert await fetch(c, "RFC822.HEADER") == "RFC822.HEADER {14}\r\nSubject: s\r\n\r\n"
        assert await fetch(c, "FLAGS") == r"FLAGS (\Recent)"
        assert await fetch(c, "RFC822.TEXT") == "FLAGS (\\Recent \\Seen) RFC822.TEXT {4}\r\nbody"
        await c.ok(r"a STORE 1 FLAGS ()")
        assert await fetch(c, "RFC822") == "FLAGS (\\Recent \\Seen) RFC822 {18}\r\nSubject: s\r\n\r\nbody"
        assert await fetch(c, "RFC822") == "RFC822 {18}\r\nSubject: s\r\n\r\nbody"


@pytest.mark.parametrize(
    "item", ["BODY[]", "BODY[1]", "BODY[HEADER]", "BODY[1.MIME]", "BINARY[1]", "RFC822", "RFC822.TEXT"]
)
async def test_reading_sets_seen_and_tells_it_in_the_same_response(imap: Imap, item: str) -> None:
    """IMAP-94, IMAP-77"""
    async with imap.account() as account, imap.user() as c, imap.user() as d:
        await put(account, 3, flags=Flag.FLAGGED)
        await c.ok("a NOOP")
        await d.ok("a NOOP")
        await account.write(lambda tx: store_flags(tx, INBOX, [2], mode="add", flags=Flag.SEEN))
        responses = await c.ok(f"a UID FETCH 1:3 ({item})")
        told = [line for line in responses if item.split("[")[0] in line]
        assert [r"FLAGS (\Recent \Seen \Flagged)" in line for line in told] == [True, False, True]
        assert all(row.flags & Flag.SEEN for row in await rows(account))
        assert await c.ok("a NOOP") == []
        # another session is told as of any change
        assert [line for line in await d.ok("a NOOP") if r"\Seen" in line] == [
            rf"* {number} FETCH (UID {number} FLAGS (\Seen \Flagged))" for number in (2, 1, 3)
        ]


@pytest.mark.parametrize(
    "item",
    ["BODY.PEEK[]", "BODY.PEEK[1]", "BINARY.PEEK[1]", "BINARY.SIZE[1]", "RFC822.HEADER", "PREVIEW", "BODY", "FULL"],
)
async def test_peeking_does_not(imap: Imap, item: str) -> None:
    """IMAP-94"""
    async with imap.account() as account, imap.user() as c:
        await put(account)
        await c.ok("a NOOP")
        await c.ok(f"a FETCH 1 {item}")
        assert not (await rows(account))[0].flags & Flag.SEEN


async def test_reading_after_examine_changes_nothing(imap: Imap) -> None:
    """IMAP-94"""
    async with imap.account() as account, imap.user(select=None) as c:
        await put(account)
        await c.select(command="EXAMINE")
        assert "FLAGS" not in (await c.ok("a FETCH 1 (BODY[])"))[0]
        assert not (await rows(account))[0].flags & Flag.SEEN


async def test_seen_by_reading_has_its_modseq_in_the_same_response(imap: Imap) -> None:
    """IMAP-77, IMAP-94"""
    async with imap.account() as account, imap.user(enable=["CONDSTORE"]) as c:
        added = await put(account)
        await c.ok("a NOOP")
        assert await c.ok("a FETCH 1 BODY[TEXT]") == [
            rf"* 1 FETCH (UID 1 FLAGS (\Recent \Seen) MODSEQ ({added[0].modseq + 1}) "
            + body("1: Hello!\r\n", "TEXT")
            + ")"
        ]


async def test_binary_undoes_the_transfer_encoding(imap: Imap) -> None:
    """IMAP-99, IMAP-100"""
    async with imap.user() as c:
        await c.append(TREE)
        await c.ok("a NOOP")
        assert await fetch(c, "(BINARY.SIZE[1] BINARY.PEEK[1])") == "BINARY.SIZE[1] 7 " + body(
            "grüße", "1", name="BINARY"
        )
        await c.send("b FETCH 1 (BINARY.SIZE[2] BINARY.PEEK[2])\r\n")
        assert await c.line() == b"* 1 FETCH (UID 1 BINARY.SIZE[2] 4 BINARY[2] ~{4}\r\n"
        assert await c.line() + await c.line() == b"\0\x01\x02\xff)\r\nb OK fetched\r\n"
        assert await fetch(c, "BINARY.PEEK[2]<3.9>") == body("\udcff", "2", "<3>", "BINARY")
        assert await fetch(c, "BINARY.PEEK[2]<4.9>") == body("", "2", "<4>", "BINARY")
        assert await fetch(c, "BINARY.PEEK[3.1]") == body(PLAIN, "3.1", name="BINARY")
        assert await fetch(c, "BINARY.PEEK[1]<2.2>") == body("ü", "1", "<2>", "BINARY")
        # a multipart message is what it is
        assert await fetch(c, "BINARY.PEEK[]") == body(TREE, "", name="BINARY")
        assert await fetch(c, "BINARY.SIZE[]") == f"BINARY.SIZE[] {len(TREE)}"
        assert await fetch(c, "(BINARY.PEEK[9] BINARY.SIZE[9])") == "BINARY[9] NIL BINARY.SIZE[9] 0"


async def test_binary_of_a_whole_message_loses_its_encoding(imap: Imap) -> None:
    """IMAP-100"""
    message = "Subject: s\r\nContent-Transfer-Encoding: base64\r\nX: y\r\n\r\naGVs bG8=!\r\nIHlvdQ=="
    async with imap.user() as c:
        await c.append(message)
        await c.ok("a NOOP")
        octets = "Subject: s\r\nX: y\r\n\r\nhello you"
        assert await fetch(c, "BINARY.PEEK[]") == body(octets, "", name="BINARY")
        assert await fetch(c, "BINARY.SIZE[]") == f"BINARY.SIZE[] {len(octets)}"
        assert await fetch(c, "BINARY.PEEK[1]") == body("hello you", "1", name="BINARY")
        assert await fetch(c, "BINARY.PEEK[]<18.4>") == body(octets[18:22], "", "<18>", "BINARY")


async def test_base64_goes_on_after_its_padding(imap: Imap) -> None:
    """IMAP-99, IMAP-100, IMAP-121: a list encodes its footer by itself; sizes, parts of it and searches have all."""
    runs = [base64.b64encode(one).decode() for one in (b"one apple.", b" two pears.", b" three cherries.")]
    message = f"{TEXT_MIME.replace('quoted-printable', 'base64')}{CRLF.join(runs)}"
    text = "one apple. two pears. three cherries."
    async with imap.user() as c:
        await c.append(message)
        await c.ok("a NOOP")
        whole = body(text, "1", name="BINARY")
        assert await fetch(c, "(BINARY.SIZE[1] BINARY.PEEK[1])") == f"BINARY.SIZE[1] {len(text)} {whole}"
        assert await fetch(c, "BINARY.PEEK[1]<22.30>") == body(text[22:], "1", "<22>", "BINARY")
        assert await c.ok('s SEARCH BODY "three cherries"') == ["* SEARCH 1"]
        assert await c.ok('s SEARCH TEXT "pears. three"') == ["* SEARCH 1"]
        assert text in await fetch(c, "PREVIEW")


async def test_what_cannot_be_decoded_ends_in_no_and_the_rest_is_answered(imap: Imap) -> None:
    """IMAP-96, IMAP-100"""
    async with imap.user() as c:
        await c.append(TREE)
        await c.append(TREE)
        await c.ok("a NOOP")
        assert await c.say("a FETCH 1:2 (BINARY.PEEK[4.1] RFC822.SIZE)") == [
            f"* 1 FETCH (UID 1 RFC822.SIZE {len(TREE)} BINARY[4.1] NIL)",
            f"* 2 FETCH (UID 2 RFC822.SIZE {len(TREE)} BINARY[4.1] NIL)",
            "a NO [UNKNOWN-CTE] unknown content transfer encoding",
        ]
        assert await c.say("a FETCH 1 BINARY.SIZE[4.1]") == [
            "* 1 FETCH (UID 1 BINARY.SIZE[4.1] 0)",
            "a NO [UNKNOWN-CTE] unknown content transfer encoding",
        ]
        for part in ("4",):
            assert await c.say(f"a FETCH 1 (BINARY.PEEK[{part}] BINARY.PEEK[1]<0.2>)") == [
                f"* 1 FETCH (UID 1 BINARY[{part}] NIL " + body("gr", "1", "<0>", "BINARY") + ")",
                "a NO can't decode a multipart, or an attached message that's encoded",
            ]


async def test_a_message_part_without_encoding_is_its_octets(imap: Imap) -> None:
    """IMAP-100: also of BINARY.SIZE."""
    async with imap.user() as c:
        await c.append(TREE)
        await c.ok("a NOOP")
        (answer,) = await c.ok("a FETCH 1 BODY.PEEK[3]")
        octets = answer[answer.index("}") + 3 : -1]
        size = f"BINARY.SIZE[3] {len(octets)}"
        assert await c.ok("a FETCH 1 (BINARY.SIZE[3] BINARY.PEEK[3])") == [
            f"* 1 FETCH (UID 1 {size} " + body(octets, "3", "", "BINARY") + ")"
        ]


async def test_nul_becomes_0x80_except_in_binary(imap: Imap) -> None:
    """IMAP-101"""
    async with imap.user() as c:
        await c.append(b"Subject: a\0b\r\n\r\nx\0y")
        await c.ok("a NOOP")
        assert await fetch(c, "BODY.PEEK[]") == body("Subject: a\udc80b\r\n\r\nx\udc80y")
        assert await fetch(c, "BODY.PEEK[TEXT]") == body("x\udc80y", "TEXT")
        assert await fetch(c, "BODY.PEEK[1]<1.1>") == body("\udc80", "1", "<1>")
        assert await fetch(c, "BODY.PEEK[HEADER]") == body("Subject: a\udc80b\r\n\r\n", "HEADER")
        assert await fetch(c, "BODY.PEEK[HEADER.FIELDS (SUBJECT)]") == body(
            "Subject: a\udc80b\r\n\r\n", "HEADER.FIELDS (SUBJECT)"
        )
        await c.send("b FETCH 1 BINARY.PEEK[1]\r\n")
        assert await c.line() == b"* 1 FETCH (UID 1 BINARY[1] ~{3}\r\n"
        assert await c.line() == b"x\0y)\r\n"


EIGHT_BIT = (
    "Subject: grüße\r\nFrom: Jörg <j@example.org>\r\n"
    "Content-Type: application/pdf; name*=utf-8''f%C3%BCr.pdf\r\nContent-Description: 5€ \"quoted\"\r\n\r\nx"
)


async def test_8_bit_text_is_a_literal_or_quoted_as_the_session_has_it(imap: Imap) -> None:
    """IMAP-6, IMAP-102, IMAP-103"""
    async with imap.user() as c:
        await c.append(EIGHT_BIT)
        await c.ok("a NOOP")
        envelope = await fetch(c, "ENVELOPE")
        assert '"grüße"' not in envelope
        assert "{7}\r\ngrüße" in envelope
        assert "(({5}\r\nJörg NIL" in envelope
        structure = await fetch(c, "BODYSTRUCTURE")
        assert '("NAME*" "utf-8\'\'f%C3%BCr.pdf")' in structure
        assert '{13}\r\n5€ "quoted"' in structure
    for capability in ("UTF8=ACCEPT", "IMAP4rev2"):
        async with imap.user(enable=[capability]) as c:
            envelope = await fetch(c, "ENVELOPE")
            assert '"grüße"' in envelope
            assert '(("Jörg" NIL' in envelope
            for item in ("BODYSTRUCTURE", "BODY"):
                structure = await fetch(c, item)
                assert '("NAME" "für.pdf") NIL "5€ \\"quoted\\""' in structure


async def test_previews_are_stored_or_made_on_demand(imap: Imap) -> None:
    """IMAP-105"""
    async with imap.account() as account, imap.user() as c:
        await c.append('Subject: s\r\n\r\nGood  "news",\r\n\r\n> old\r\nbye\r\n-- \r\nsig\r\n')
        await c.append("Subject: s\r\nContent-Type: image/png\r\n\r\nxx")
        await put(account, 1)
        await c.ok("a NOOP")
        text = r'"Good \"news\", [...] bye"'
        assert (await c.ok("a FETCH 1:3 PREVIEW")) == [
            f"* 1 FETCH (UID 1 PREVIEW {text})",
            '* 2 FETCH (UID 2 PREVIEW "")',
            '* 3 FETCH (UID 3 PREVIEW "1: Hello!")',
        ]
        before = [row.modseq for row in await rows(account)]

        def forget(tx: AccountTx) -> None:
            tx.execute("UPDATE message_info SET preview = NULL")

        await account.write(forget)
        assert await fetch(c, "PREVIEW (LAZY)", "1") == "PREVIEW NIL"
        assert await fetch(c, "(FLAGS PREVIEW (LAZY))", "3") == r"FLAGS (\Recent) PREVIEW NIL"
        assert await fetch(c, "(PREVIEW RFC822.SIZE)", "1") == f"RFC822.SIZE 53 PREVIEW {text}"
        assert await fetch(c, "PREVIEW (LAZY)", "1") == f"PREVIEW {text}"
        assert await fetch(c, "PREVIEW (LAZY)", "3") == "PREVIEW NIL"
        assert [row.modseq for row in await rows(account)] == before


async def test_ids_are_kept_by_copy_and_move(imap: Imap) -> None:
    """IMAP-106"""
    async with imap.account() as account, imap.user() as c:
        await put(account, 2)
        await c.ok("a NOOP")
        before = [line.split(" ", 5)[5] for line in await c.ok("a FETCH 1:2 (EMAILID THREADID)")]
        await c.ok("a COPY 1 Archive")
        await c.ok("a MOVE 2 Archive")
        await c.select("Archive")
        after = [line.split(" ", 5)[5] for line in await c.ok("a FETCH 1:2 (EMAILID THREADID)")]
        assert after == before


async def test_changedsince_answers_only_what_changed(imap: Imap) -> None:
    """IMAP-77, IMAP-93"""
    async with imap.account() as account, imap.user() as c:
        added = await put(account, 3)
        await c.ok("a NOOP")
        m = added[0].modseq
        await account.write(lambda tx: store_flags(tx, INBOX, [2], mode="add", flags=Flag.SEEN))
        told = await c.ok(f"a FETCH 1:* (FLAGS) (CHANGEDSINCE {m})")
        assert told[-1] == rf"* 2 FETCH (UID 2 FLAGS (\Recent \Seen) MODSEQ ({m + 1}))"
        assert await c.ok(f"a UID FETCH 1:* (UID) (CHANGEDSINCE {m + 1})") == []
        assert len(await c.ok("a UID FETCH 1:* (UID) (CHANGEDSINCE 0)")) == 3
        # reading changes a message, but not what was asked about
        assert len(await c.ok(f"a UID FETCH 1:* BODY[TEXT] (CHANGEDSINCE {m})")) == 1


@pytest.mark.parametrize("enable", [["QRESYNC"], ["QRESYNC", "UIDONLY"]], ids=["numbers", "UIDONLY"])
async def test_vanished_tells_of_the_newest_messages(imap: Imap, enable: list[str]) -> None:
    """IMAP-78, IMAP-82: a star covers UIDs up to UIDNEXT, also where nothing is left."""
    async with imap.account() as account:
        added = await put(account, 6)
        m = added[-1].modseq
        await account.write(lambda tx: expunge(tx, INBOX, [5, 6]))
        async with imap.user(enable=enable) as c:
            for numbers, gone in (("1:*", "5:6"), ("*", "6"), ("6:*", "6"), ("*:5", "5:6"), ("9:*", "6")):
                told = await c.ok(f"a UID FETCH {numbers} (FLAGS) (CHANGEDSINCE {m} VANISHED)")
                assert told == [f"* VANISHED (EARLIER) {gone}"], numbers
        async with imap.user(select=None, enable=enable) as c:
            validity = next(line for line in await c.ok("a EXAMINE inbox") if "UIDVALIDITY" in line).split()[3][:-1]
            for known in ("1:*", "3:*", "6:*,5"):
                told = await c.ok(f"a SELECT inbox (QRESYNC ({validity} {m} {known}))")
                assert "* VANISHED (EARLIER) 5:6" in told, known
        await account.write(lambda tx: expunge(tx, INBOX, [1, 2, 3, 4]))
        async with imap.user(enable=enable) as c:
            told = await c.ok(f"a UID FETCH 1:* (FLAGS) (CHANGEDSINCE {m} VANISHED)")
            assert told == ["* VANISHED (EARLIER) 1:6"]


async def test_vanished_tells_removals_before_changes(imap: Imap) -> None:
    """IMAP-78, IMAP-93"""
    async with imap.account() as account, imap.user(enable=["QRESYNC"]) as c:
        added = await put(account, 6)
        await c.ok("a NOOP")
        m = added[0].modseq
        await account.write(lambda tx: expunge(tx, INBOX, [2, 3, 5]))
        await c.ok("a NOOP")
        assert await c.ok(f"a UID FETCH 1:* (FLAGS) (CHANGEDSINCE {m} VANISHED)") == ["* VANISHED (EARLIER) 2:3,5"]
        assert await c.ok(f"a UID FETCH 3:5 (FLAGS) (VANISHED CHANGEDSINCE {m})") == ["* VANISHED (EARLIER) 3,5"]
        assert await c.ok(f"a UID FETCH 1:4294967295 (FLAGS) (CHANGEDSINCE {m + 1} VANISHED)") == []
        assert (await c.tagged(f"a FETCH 1:* (FLAGS) (CHANGEDSINCE {m} VANISHED)")).startswith("BAD")
        # with QRESYNC a UID FETCH tells MODSEQ without being asked
        assert await c.ok("a UID FETCH 1 (FLAGS)") == [rf"* 1 FETCH (UID 1 FLAGS (\Recent) MODSEQ ({m}))"]


async def test_partial_takes_a_window_of_the_set(imap: Imap) -> None:
    """IMAP-107"""
    async with imap.account() as account, imap.user() as c:
        await put(account, 9)
        await c.ok("a NOOP")
        await c.ok(r"a STORE 4 FLAGS (\Deleted)")
        await c.ok("a EXPUNGE")

        async def window(text: str, uids: str = "1:*") -> list[int]:
            lines = await c.ok(f"a UID FETCH {uids} (UID) (PARTIAL {text})")
            return [int(line.split("UID ")[1][:-1]) for line in lines]

        assert await window("1:3") == [1, 2, 3]
        assert await window("3:1") == [1, 2, 3]
        assert await window("4:5") == [5, 6]
        assert await window("7:99") == [8, 9]
        assert await window("9:99") == []
        assert await window("-1:-3") == [7, 8, 9]
        assert await window("-3:-2") == [7, 8]
        assert await window("-1:-50") == [1, 2, 3, 5, 6, 7, 8, 9]
        assert await window("-9:-50") == []
        assert await window("2:2", "3,5,7") == [5]
        for wrong in ("0:1", "1:0", "-1:2", "1:-2", "1", "1:*", "a:b", "-0:-1"):
            assert (await c.tagged(f"a UID FETCH 1:* (UID) (PARTIAL {wrong})")).startswith("BAD"), wrong
        assert (await c.tagged("a FETCH 1:* (UID) (PARTIAL 1:2)")).startswith("BAD")


async def test_uidonly_has_no_message_numbers(imap: Imap) -> None:
    """IMAP-93"""
    async with imap.account() as account, imap.user(select=None, enable=["UIDONLY"]) as c:
        await put(account, 4)
        await account.write(lambda tx: expunge(tx, INBOX, [1]))
        await c.select()
        assert await c.ok("a UID FETCH 3 (FLAGS)") == [r"* 3 UIDFETCH (FLAGS (\Recent))"]
        assert await c.ok("a UID FETCH 3 (UID FLAGS)") == [r"* 3 UIDFETCH (UID 3 FLAGS (\Recent))"]
        assert await c.ok("a UID FETCH 3:4 (BODY.PEEK[TEXT])") == [
            "* 3 UIDFETCH (" + body("3: Hello!\r\n", "TEXT") + ")",
            "* 4 UIDFETCH (" + body("4: Hello!\r\n", "TEXT") + ")",
        ]
        assert await c.ok("a UID FETCH 3 (BODY.PEEK[])") == ["* 3 UIDFETCH (" + body(mail(3).decode()) + ")"]
        assert (await c.tagged("a FETCH 1 (FLAGS)")).startswith("BAD [UIDREQUIRED]")


async def test_messages_removed_by_another_session_stay_readable(imap: Imap) -> None:
    """IMAP-57, IMAP-96"""
    async with imap.account() as account, imap.user() as c:
        await put(account, 3, flags=Flag.FLAGGED)
        await c.ok("a NOOP")
        await account.write(lambda tx: expunge(tx, INBOX, [2]))
        told = await c.say("a FETCH 1:3 (FLAGS RFC822.SIZE BODY.PEEK[TEXT])")
        assert told[1] == r"* 2 FETCH (UID 2 FLAGS (\Recent \Flagged) RFC822.SIZE " + (
            f"{len(mail(2))} " + body("2: Hello!\r\n", "TEXT") + ")"
        )
        assert len(told) == 4
        assert told[-1] == "a OK [EXPUNGEISSUED] fetched"
        told = await c.say("a FETCH 2 (ENVELOPE BODYSTRUCTURE PREVIEW SAVEDATE EMAILID THREADID INTERNALDATE BODY[])")
        assert 'PREVIEW "2: Hello!"' in told[0]
        assert "SAVEDATE NIL" in told[0]
        assert told[-1] == "a OK [EXPUNGEISSUED] fetched"
        assert await c.ok("a NOOP") == ["* 2 EXPUNGE", "* 2 RECENT"]
        assert len(await c.ok("a FETCH 1:2 (UID)")) == 2


def damage(number: int) -> Callable[[AccountTx], None]:
    """A unit that breaks chunks of the body of message `number`."""

    def unit(tx: AccountTx) -> None:
        tx.execute(
            "UPDATE body_chunk SET data = zeroblob(length(data)) WHERE id >> 16 ="
            " (SELECT body_id FROM message WHERE uid = ?) AND id % 65536 = (SELECT max(id % 65536) FROM body_chunk"
            " WHERE id >> 16 = (SELECT body_id FROM message WHERE uid = ?))",
            number,
            number,
        )

    return unit


async def heal(account: Account, saved: list[tuple[int, bytes]]) -> None:
    """Put the chunks back, for the check when the account is closed."""

    def unit(tx: AccountTx) -> None:
        for chunk, data in saved:
            tx.execute("UPDATE body_chunk SET data = ? WHERE id = ?", data, chunk)

    await account.write(unit)


async def chunks(account: Account) -> list[tuple[int, bytes]]:
    """All chunks."""
    return await account.read(lambda r: [(i, d) for i, d in r.rows("SELECT id, data FROM body_chunk")], op="test")


async def test_sync_items_come_from_what_was_stored_with_the_message(imap: Imap) -> None:
    """IMAP-166: no body is read for them, not even one that can't be."""
    async with imap.account() as account, imap.user(select=None) as c:
        await put(account, 3)
        await c.select()
        line = "a UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE PREVIEW)"
        told, saved = await c.ok(line), await chunks(account)
        for number in (1, 2, 3):
            await account.write(damage(number))
        assert len(told) == 3
        assert await c.ok(line) == told
        await heal(account, saved)


async def test_a_damaged_message_costs_only_itself(imap: Imap) -> None:
    """IMAP-96"""
    async with imap.account() as account, imap.user() as c:
        await put(account, 3)
        await c.ok("a NOOP")
        saved = await chunks(account)
        await account.write(damage(2))
        try:
            for item in ("BODY.PEEK[]", "BODY.PEEK[TEXT]", "BODY.PEEK[TEXT]<1.2>", "BINARY.PEEK[1]", "RFC822"):
                told = await c.say(f"a FETCH 1:3 ({item} RFC822.SIZE)")
                assert len([line for line in told if "Hello" in line or "BODY[TEXT]<1>" in line]) >= 2
                name = item.replace(".PEEK", "").replace("<1.2>", "<1>")
                assert f"RFC822.SIZE {len(mail(2))}" in told[1]
                assert f"{name} NIL" in told[1]
                assert told[-1] == "a NO [CORRUPTION] stored message is damaged"
            # what rows hold is not touched by it
            told = await c.say("a FETCH 1:3 (ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER] PREVIEW BINARY.SIZE[1])")
            assert told[-1] == "a OK fetched"
            told = await c.say("a FETCH 2 (BINARY.SIZE[] BODY.PEEK[1.MIME])")
            assert told == [
                "* 2 FETCH (UID 2 BINARY.SIZE[] 0 BODY[1.MIME] NIL)",
                "a NO [CORRUPTION] stored message is damaged",
            ]
        finally:
            await heal(account, saved)


def long_header(size: int) -> str:
    """A message whose header section has more than `size` octets."""
    fields = "".join(f"X-Filler-{n}: {'f' * 900}\r\n" for n in range(size // 900))
    return f"Subject: long\r\n{fields}X-Last: end\r\n\r\nbody"


async def test_a_header_longer_than_what_is_stored_is_whole(imap: Imap) -> None:
    """IMAP-93, IMAP-94, IMAP-98"""
    message = long_header(70_000)
    header = message.removesuffix("body")
    async with imap.user() as c:
        await c.append("Subject: short\r\n\r\nx")
        await c.append(message)
        await c.ok("a NOOP")
        assert await fetch(c, "BODY.PEEK[HEADER]", "2") == body(header, "HEADER")
        assert await fetch(c, "RFC822.HEADER", "2") == f"RFC822.HEADER {{{len(header)}}}\r\n{header}"
        section = "HEADER.FIELDS (X-LAST)"
        told = await c.ok(f"a FETCH 1:2 (BODY.PEEK[{section}] RFC822.SIZE)")
        last = "X-Last: end\r\n\r\n"
        assert told[0] == f"* 1 FETCH (UID 1 RFC822.SIZE 19 {body(CRLF, section)})"
        assert told[1] == f"* 2 FETCH (UID 2 RFC822.SIZE {len(message)} {body(last, section)})"
        origin = len(header) - 5
        assert await fetch(c, f"BODY.PEEK[HEADER]<{origin}.9>", "2") == body("d\r\n\r\n", "HEADER", f"<{origin}>")
        told = await c.ok("a FETCH 2 (BODY[HEADER])")
        assert r"FLAGS (\Recent \Seen)" in told[0]


async def test_large_messages_are_streamed(imap: Imap) -> None:
    """IMAP-6, IMAP-93, IMAP-99, IMAP-148"""
    line = "0123456789abcdef" * 4 + "\r\n"
    for size in (CHUNK_SIZE + 5000, 5 << 20):
        text = line * (size // len(line))
        message = f"Subject: large\r\n\r\n{text}"
        async with imap.user() as c:
            await c.append(message, "Archive")
            await c.select("Archive")
            assert await fetch(c, "BODY.PEEK[]", "*") == body(message)
            assert await fetch(c, "BODY.PEEK[TEXT]", "*") == body(text, "TEXT")
            assert await fetch(c, "BODY.PEEK[TEXT]<100.50>", "*") == body(text[100:150], "TEXT", "<100>")
            far = CHUNK_SIZE - 30
            assert await fetch(c, f"BODY.PEEK[TEXT]<{far}.300>", "*") == body(text[far : far + 300], "TEXT", f"<{far}>")
            assert await fetch(c, f"BODY.PEEK[1]<7.{CHUNK_SIZE + 9}>", "*") == body(
                text[7 : 16 + CHUNK_SIZE], "1", "<7>"
            )
            assert await fetch(c, "BODY.PEEK[HEADER]", "*") == body("Subject: large\r\n\r\n", "HEADER")
            assert (await fetch(c, "PREVIEW", "*")).startswith(f'PREVIEW "{line.strip()} {line.strip()} ')
            await c.send(f"b FETCH * BINARY.PEEK[1]<{far}.300>\r\n")
            assert (await c.line()).endswith(b" BINARY[1]<%d> ~{300}\r\n" % far)
            assert (b"".join([await c.line() for _ in range(6)])).startswith(text[far : far + 300].encode() + b")\r\n")


async def test_a_large_encoded_part_is_decoded_while_it_is_streamed(imap: Imap) -> None:
    """IMAP-99, IMAP-100"""
    octets = bytes(range(256)) * 2400
    encoded = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    head = b"Subject: b\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\n"

    async def binary(c: Client, item: str) -> bytes:
        await c.send(f"b FETCH 1 {item}\r\n")
        head = await c.line()
        match = re.search(rb"~\{(\d+)\}\r\n\Z", head)
        assert match, head
        while len(c.buffer) < int(match[1]):
            c.buffer += await c.stream.receive_some(65536)
        found = bytes(c.buffer[: int(match[1])])
        del c.buffer[: int(match[1])]
        assert (await c.until("b"))[-1] == "b OK fetched"
        return found

    async with imap.user() as c:
        await c.append(head + encoded)
        await c.ok("a NOOP")
        assert await fetch(c, "BINARY.SIZE[1]") == f"BINARY.SIZE[1] {len(octets)}"
        assert await binary(c, "BINARY.PEEK[1]") == octets
        assert await binary(c, "BINARY.PEEK[1]<300000.500>") == octets[300_000:300_500]
        assert await binary(c, "BINARY.PEEK[1]<99999999.5>") == b""
        assert await binary(c, "BINARY.PEEK[]") == head.replace(b"Content-Transfer-Encoding: base64\r\n", b"") + octets


async def test_damage_in_a_large_message_is_found_before_its_size_is_promised(imap: Imap) -> None:
    """IMAP-96"""
    text = "0123456789abcdef\r\n" * 40_000
    async with imap.account() as account, imap.user() as c:
        await c.append(f"Subject: large\r\n\r\n{text}")
        await c.append("Subject: small\r\n\r\nHello")
        await c.ok("a NOOP")
        saved = await chunks(account)
        await account.write(damage(1))
        try:
            told = await c.say("a FETCH 1:2 (BODY.PEEK[])")
            assert told[0] == "* 1 FETCH (UID 1 BODY[] NIL)"
            assert told[1].endswith("Hello)")
            assert told[2] == "a NO [CORRUPTION] stored message is damaged"
            # what is before the damage can be read
            assert await fetch(c, "BODY.PEEK[TEXT]<0.16>") == body(text[:16], "TEXT", "<0>")
        finally:
            await heal(account, saved)


async def test_a_read_error_in_the_middle_of_a_response_lets_it_end(
    imap: Imap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMAP-96, IMAP-153: the tagged response never stands inside another one."""
    async with imap.user() as c:
        await c.append(f"Subject: large\r\n\r\n{'0123456789abcdef' * 40_000}")
        await c.ok("a NOOP")

        async def broken(*_: object) -> None:
            raise StorageBroken("the disk fails")

        for name, end in (("check", "BODY[] NIL BINARY.SIZE[] 0)"), ("read", "BINARY.SIZE[] 0)")):
            with monkeypatch.context() as patch:
                patch.setattr(Content, name, broken)
                told = await c.say("a FETCH 1 (BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[] BINARY.SIZE[])")
            assert told[0].endswith(end)
            assert told[1:] == ["a NO [UNAVAILABLE] the mailbox file isn't available right now"]


async def test_a_read_error_in_the_middle_of_a_literal_ends_the_session(
    imap: Imap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMAP-96, IMAP-153: its size has been promised, so nothing else can be told."""
    async with imap.user() as c:
        await c.append(f"Subject: large\r\n\r\n{'0123456789abcdef' * 40_000}")
        await c.ok("a NOOP")

        async def blocks(*_: object) -> AsyncIterator[bytes]:
            yield b"0" * 1000
            raise StorageBroken("the disk fails")

        monkeypatch.setattr(Content, "blocks", blocks)
        await c.send("a FETCH 1 (BODY.PEEK[])\r\n")
        told = b""
        while line := await c.line():
            told += line
        assert told.endswith(b"000* BYE [UNAVAILABLE] the mailbox file isn't available right now\r\n")


async def test_a_damaged_structure_costs_only_its_message(imap: Imap) -> None:
    """IMAP-96: FETCH tells it, SEARCH finds nothing in it."""
    async with imap.account() as account, imap.user() as c:
        await put(account, 2)
        await c.ok("a NOOP")
        [(saved,)] = await account.read(lambda r: r.rows("SELECT structure FROM message_info LIMIT 1"), op="test")
        await account.write(lambda tx: tx.execute("UPDATE message_info SET structure = x'c1' WHERE email_id = 1"))
        try:
            told = await c.say("a FETCH 1:2 (BODY.PEEK[1])")
            assert told[0] == "* 1 FETCH (UID 1 BODY[1] NIL)"
            assert "Hello" in told[1]
            assert told[2] == "a NO [CORRUPTION] stored message is damaged"
            assert await c.ok("a SEARCH BODY Hello") == ["* SEARCH 2"]
            assert await c.tagged("a FETCH 1 BODY") == "NO [CORRUPTION] stored message is damaged"
            assert len(await c.ok("a FETCH 1:2 ENVELOPE")) == 2
        finally:
            await account.write(
                lambda tx: tx.execute("UPDATE message_info SET structure = ? WHERE email_id = 1", saved)
            )


async def test_a_slow_reader_is_not_buffered_for(imap: Imap) -> None:
    """IMAP-95, IMAP-148"""
    pending: list[int] = []
    written = StreamOutput.write

    def write(self: StreamOutput, octets: bytes) -> None:
        written(self, octets)
        pending.append(self.pending)

    async with imap.user() as c:
        for number in range(30):
            await c.append(f"Subject: {number}\r\n\r\n" + "x" * 70_000)
        await c.append("Subject: large\r\n\r\n" + "x" * 5_000_000)
        for number in range(100):
            await c.append(f"Subject: {number}\r\n\r\n" + "x" * 5000)
    ours, theirs = trio.testing.lockstep_stream_pair()  # the server's octets stay with it until they are read
    imap.nursery.start_soon(imap.serve, theirs, imap.info(), imap.context, trio.Event())
    async with ours:
        c = Client(ours)
        await c.line()
        await c.login()
        await c.select()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(StreamOutput, "write", write)
            assert len(await c.ok("a UID FETCH 1:* (BODY.PEEK[])")) == 131
            assert len(await c.ok("a UID FETCH 1:* (BODY.PEEK[TEXT] UID)")) == 131
            assert max(pending) <= STEP + 65_536
        await c.send("z LOGOUT\r\n")
        await c.until("z")


async def test_thousands_are_answered_in_slices(imap: Imap) -> None:
    """IMAP-93, IMAP-95, IMAP-145"""
    async with imap.account() as account, imap.user() as c:
        for first in range(1, 1701, 425):
            await put(account, 425, first=first)
        await c.ok("a NOOP")
        told = await c.ok("a UID FETCH 1:4294967295 (FLAGS)")
        assert told == [rf"* {n} FETCH (UID {n} FLAGS (\Recent))" for n in range(1, 1701)]
        sparse = ",".join(map(str, range(3, 1700, 7)))
        assert len(await c.ok(f"a UID FETCH {sparse} (BODY.PEEK[TEXT])")) == len(range(3, 1700, 7))
        assert len(await c.ok("a UID FETCH 1:* (BODY[TEXT])")) == 1700
        assert all(row.flags & Flag.SEEN for row in await rows(account))
        assert await c.ok("a NOOP") == []


async def test_numbers_that_do_not_exist(imap: Imap) -> None:
    """IMAP-62, IMAP-93"""
    async with imap.account() as account, imap.user() as c:
        assert (await c.tagged("a FETCH 1 FLAGS")).startswith("BAD")
        assert (await c.tagged("a FETCH * FLAGS")).startswith("BAD")
        assert await c.say("a UID FETCH 1:* FLAGS") == ["a OK fetched"]
        await put(account, 2)
        await c.ok("a NOOP")
        assert (await c.tagged("a FETCH 3 FLAGS")).startswith("BAD")
        assert await c.say("a UID FETCH 3 FLAGS") == ["a OK fetched"]
        assert len(await c.ok("a FETCH 2:1,*,2 (UID)")) == 2


async def test_an_empty_message_has_all_items(imap: Imap) -> None:
    """IMAP-93, IMAP-99, IMAP-104"""
    async with imap.user() as c:
        await c.append("\r\n")
        await c.ok("a NOOP")
        await c.ok("a FETCH 1 FULL")
        await c.ok("a FETCH 1 (BODYSTRUCTURE PREVIEW MODSEQ SAVEDATE EMAILID THREADID)")
        assert await fetch(c, "BODY.PEEK[TEXT]") == body("", "TEXT")
        assert await fetch(c, "(BINARY.PEEK[1] BINARY.SIZE[1])") == body("", "1", name="BINARY") + " BINARY.SIZE[1] 0"
        assert await fetch(c, "BODY.PEEK[HEADER.FIELDS (X)]") == body("\r\n", "HEADER.FIELDS (X)")


async def test_a_mime_bomb_is_answered(imap: Imap) -> None:
    """IMAP-104, IMAP-147"""
    deep = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(2000))
    wide = "Content-Type: multipart/mixed; boundary=w\r\n\r\n" + "--w\r\n\r\nx\r\n" * 5000
    async with imap.user() as c:
        await c.append(deep)
        await c.append(wide)
        await c.ok("a NOOP")
        with trio.fail_after(60):
            for number in ("1", "2"):
                await fetch(c, "(ENVELOPE BODYSTRUCTURE BODY PREVIEW BODY.PEEK[1.1.1.1] BINARY.SIZE[2])", number)
        part = await fetch(c, "BODY.PEEK[5]", "2")
        assert part == body("x", "5")
        assert await fetch(c, "BODY.PEEK[" + ".".join(["1"] * 200) + "]", "1") == f"BODY[{'.'.join(['1'] * 200)}] NIL"


@pytest.mark.parametrize("first", ["", "no colon here\r\n", " ", "\t"])
async def test_one_bad_line_above_the_header_hides_no_part(imap: Imap, first: str) -> None:
    """STORE-52, IMAP-98: neither the text nor the file, nor fields below it."""
    async with imap.user() as c:
        await c.append(first + TREE)
        await c.select()
        assert await fetch(c, "BODY.PEEK[1]") == body(TEXT, "1")
        assert await fetch(c, "BODY.PEEK[2]") == body(BLOB, "2")
        assert await fetch(c, "BODY.PEEK[TEXT]") == body(BODY, "TEXT")
        assert await fetch(c, "BODY.PEEK[]") == body(first + TREE)
        assert '"a tree"' in await fetch(c, "ENVELOPE")


async def test_a_text_without_a_header_is_shown_as_text(imap: Imap) -> None:
    """STORE-52, IMAP-98, RFC 2045 §5.2"""
    text = "Dear all,\r\n\r\nthe note: it's short.\r\n"
    async with imap.user() as c:
        await c.append(text)
        await c.select()
        assert (await fetch(c, "BODYSTRUCTURE")).startswith('BODYSTRUCTURE ("TEXT" "PLAIN" ')
        assert await fetch(c, "BODY.PEEK[1]") == body(text, "1")
        assert await fetch(c, "BODY.PEEK[TEXT]") == body(text, "TEXT")
        assert await fetch(c, "BODY.PEEK[HEADER]") in (body("", "HEADER"), body("\r\n", "HEADER"))
        assert await fetch(c, "BODY.PEEK[]") == body(text)
