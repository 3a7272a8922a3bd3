"""SEARCH: keys, charsets, results (docs/spec/imap.md §13), and random programs against a plain reference."""

import base64
import datetime as dt
import re
import threading
from collections.abc import AsyncIterator, Callable
from email import policy
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import trio
from hypothesis import HealthCheck, given, settings, strategies as st

from moxlite.imapd.search import search as search_module
from moxlite.imapd.search.searchkeys import Hint, Message
from moxlite.proto.imap import search as s
from moxlite.proto.mime.text import fold
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.delivery.perform import append
from moxlite.store.errors import ReadInterrupted
from moxlite.store.file import readers
from moxlite.store.file.threads import in_thread
from moxlite.store.mail.adding import Append
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.flags import store_flags
from moxlite.store.types import Flag, MailboxID
from tests.session.imapd_harness import Client, Imap, imap
from tests.store_mail import box, prepared, put, rows

__all__ = ["imap"]

INBOX = MailboxID(1)


async def find(c: Client, program: str | bytes, command: str = "SEARCH") -> list[int]:
    """The numbers of one SEARCH response."""
    octets = program.encode() if isinstance(program, str) else program
    responses = [line for line in await c.ok(f"a {command} ".encode() + octets) if not line.endswith("RECENT")]
    lines = [line for line in responses if line.startswith("* SEARCH")]
    assert lines, responses
    return [int(number) for line in lines for number in re.sub(r" \(MODSEQ \d+\)", "", line).split()[2:]]


def message(subject: str = "", text: str = "", *, headers: str = "", date: str = "") -> str:
    """A message as few lines."""
    when = f"Date: {date}\r\n" if date else ""
    return f"From: a@example.org\r\nSubject: {subject}\r\n{when}{headers}\r\n{text}\r\n"


@pytest.fixture
async def c(imap: Imap) -> AsyncIterator[Client]:
    """A session with Inbox selected."""
    async with imap.user() as client:
        yield client


@pytest.mark.served
async def test_flag_keys(imap: Imap, c: Client) -> None:
    """IMAP-119"""
    flags = ["", r"\Seen", r"\Answered", r"\Flagged", r"\Deleted", r"\Draft", "$Forwarded", "work", "Junk", "$Junk"]
    for number, flag in enumerate(flags, 1):
        await c.append("a: b\r\n\r\nx")
        await c.ok(f"a STORE {number} FLAGS ({flag})")
    await c.ok("a NOOP")
    everything = set(range(1, 11))
    for key, number in {"SEEN": 2, "ANSWERED": 3, "FLAGGED": 4, "DELETED": 5, "DRAFT": 6}.items():
        assert await find(c, key) == [number]
        assert await find(c, f"UN{key}") == sorted(everything - {number})
        assert await find(c, f"NOT {key}") == sorted(everything - {number})
        assert await find(c, f"NOT UN{key.lower()}") == [number]
    assert await find(c, "KEYWORD $forwarded") == [7]
    assert await find(c, "KEYWORD WORK") == [8]
    assert await find(c, "UNKEYWORD work") == sorted(everything - {8})
    assert await find(c, "KEYWORD nope") == []
    assert await find(c, "KEYWORD wor") == []
    assert await find(c, "KEYWORD Junk") == [9]
    assert await find(c, "KEYWORD $Junk") == [9, 10]
    assert await find(c, "ALL") == sorted(everything)
    assert await find(c, "(SEEN) UNSEEN") == []
    assert await find(c, "OR SEEN (OR ANSWERED DRAFT)") == [2, 3, 6]


@pytest.mark.served
async def test_size_and_date_keys(imap: Imap, c: Client) -> None:
    """IMAP-119, IMAP-122"""
    # the day is that of the stored offset: 23:30 -1100 is the next day in UTC
    for date in ("01-Feb-2026 23:30:00 -1100", "02-Feb-2026 00:30:00 +1400", "03-Feb-2026 12:00:00 +0000"):
        await c.append("a: b\r\n\r\n" + "x" * (int(date[1]) * 10), date=f'"{date}"')
    await c.ok("a NOOP")
    assert await find(c, "ON 1-Feb-2026") == [1]
    assert await find(c, 'ON "01-feb-2026"') == [1]
    assert await find(c, "ON 2-Feb-2026") == [2]
    assert await find(c, "BEFORE 2-Feb-2026") == [1]
    assert await find(c, "SINCE 2-Feb-2026") == [2, 3]
    assert await find(c, "SINCE 4-Feb-2026") == []
    assert await find(c, "NOT BEFORE 2-Feb-2026") == [2, 3]
    assert await find(c, "LARGER 28") == [3]
    assert await find(c, "LARGER 18") == [2, 3]
    assert await find(c, "SMALLER 28") == [1]
    assert await find(c, "SMALLER 0") == []
    assert await find(c, "LARGER 9223372036854775807") == []
    assert await find(c, "SMALLER 9223372036854775807") == [1, 2, 3]
    assert await find(c, "SAVEDSINCE 1-Jan-2020 SAVEDATESUPPORTED") == [1, 2, 3]
    assert await find(c, "SAVEDBEFORE 1-Jan-2020") == []
    today = dt.datetime.now(dt.UTC)
    both = f"OR SAVEDON {today:%d-%b-%Y} SAVEDON {today - dt.timedelta(1):%d-%b-%Y}"
    assert await find(c, both) == [1, 2, 3]
    for wrong in ("ON 32-Feb-2026", "ON 29-Feb-2025", "ON 1-Foo-2026", "ON tomorrow", "SINCE", "LARGER x", "OLDER 0"):
        assert (await c.tagged(f"a SEARCH {wrong}")).startswith("BAD"), wrong


@pytest.mark.served
async def test_age_keys(imap: Imap, c: Client) -> None:
    """IMAP-122"""
    now = dt.datetime.now(dt.UTC)
    for seconds in (0, 1000, 5000):
        then = now - dt.timedelta(seconds=seconds)
        await c.append("a: b\r\n\r\nx", date=f'"{then:%d-%b-%Y %H:%M:%S} +0000"')
    await c.ok("a NOOP")
    assert await find(c, "YOUNGER 900") == [1]
    assert await find(c, "OLDER 900") == [2, 3]
    assert await find(c, "OLDER 900 YOUNGER 3000") == [2]
    assert await find(c, "YOUNGER 4294967295") == [1, 2, 3]


@pytest.mark.served
async def test_sent_keys_take_the_date_field_in_its_own_zone(imap: Imap, c: Client) -> None:
    """IMAP-122"""
    dates = ["Sun, 1 Feb 2026 23:30:00 -1100", "Mon, 2 Feb 2026 00:30:00 +1400", "nonsense", "", "3 Feb 26 12:00 GMT"]
    for date in dates:
        await c.append(message(date=date), date='"09-Sep-2020 00:00:00 +0000"')
    await c.ok("a NOOP")
    assert await find(c, "SENTON 1-Feb-2026") == [1]
    assert await find(c, "SENTON 2-Feb-2026") == [2]
    assert await find(c, "SENTSINCE 2-Feb-2026") == [2, 5]
    assert await find(c, "SENTBEFORE 3-Feb-2026") == [1, 2]
    assert await find(c, "NOT SENTSINCE 1-Jan-1970") == [3, 4]
    assert await find(c, "OR SENTON 1-Feb-2026 ON 9-Sep-2020") == [1, 2, 3, 4, 5]


@pytest.mark.served
async def test_sets_of_numbers_and_uids(imap: Imap, c: Client) -> None:
    """IMAP-62, IMAP-119, IMAP-145"""
    async with imap.account() as account:
        await put(account, 6)
        await c.ok("a NOOP")
        await c.ok(r"a STORE 2 FLAGS (\Deleted)")
        await c.ok("a EXPUNGE")
    assert await find(c, "2:3") == [2, 3]
    assert await find(c, "2:3", "UID SEARCH") == [3, 4]
    assert await find(c, "UID 1:3") == [1, 2]
    assert await find(c, "UID 1:3", "UID SEARCH") == [1, 3]
    assert await find(c, "UID 99:*") == [5]
    assert await find(c, "*") == [5]
    assert await find(c, "NOT 1:4") == [5]
    assert await find(c, "UID 1:4294967295", "UID SEARCH") == [1, 3, 4, 5, 6]
    ranges = ",".join(f"{n}:{n + 1}" for n in range(1, 9000, 10))
    assert await find(c, f"UID {ranges}", "UID SEARCH") == [1]
    assert await find(c, "6") == []
    assert await find(c, "5:99") == [5]
    assert await find(c, "NOT 6") == [1, 2, 3, 4, 5]
    assert (await c.tagged("a SEARCH 0")).startswith("BAD")
    await c.select("Sent")
    assert await find(c, "*") == await find(c, "1:*") == []


@pytest.mark.served
@pytest.mark.parametrize(
    "field",
    [
        "joe (his office) @ (the) example.com",
        "(x) Joe Doe <@a.example,@b.example:joe@example.com>",
        '"joe"@example.com',
        "joe@example (a) .com",
        "Friends: =?utf-8?q?J=C3=B6?= <x@y>, joe\r\n @example.com;",
    ],
)
async def test_an_address_is_found_as_the_envelope_shows_it(imap: Imap, c: Client, field: str) -> None:
    """IMAP-121: whatever is between its words; the field's own text is found as well."""
    await c.append(f"From: {field}\r\nTo: x@y\r\n\r\nx")
    await c.append("From: joe@elsewhere.example\r\nTo: y@example.com\r\n\r\nx")
    await c.ok("a NOOP")
    assert await find(c, "FROM joe@example.com") == [1]
    assert await find(c, "FROM E@EXAMPLE") == [1]
    assert await find(c, "NOT FROM joe@example.com") == [2]
    assert await find(c, "FROM joe@example.org") == []
    assert await find(c, "OR TO joe@example.com TO y@example.com") == [2]
    if "office" in field:
        assert await find(c, 'FROM "(his office)"') == [1]


@pytest.mark.served
async def test_an_address_is_found_by_each_spelling_of_its_domain(imap: Imap, c: Client) -> None:
    """IMAP-121, SMTP-2a: a header has U-labels or A-labels, and people type what they see."""
    for domain in ("münchen.example", "xn--mnchen-3ya.example", "MÜNCHEN.example", "munchen.example"):
        await c.append(f"From: Jörg <jörg@{domain}>\r\n\r\nhello")
    await c.ok("a NOOP")
    for typed in (
        "jörg@münchen.example",
        "jo\u0308rg@münchen.example",
        "jörg@xn--mnchen-3ya.example",
        "@MÜNCHEN.example",
    ):
        octets = typed.encode()
        assert await find(c, b"CHARSET UTF-8 FROM {%d+}\r\n%b" % (len(octets), octets)) == [1, 2, 3], typed
    assert await find(c, "FROM xn--mnchen-3ya") == [1, 2, 3]
    assert await find(c, "FROM munchen.example") == [4]


@pytest.mark.served
async def test_ids_find_their_messages(imap: Imap, c: Client) -> None:
    """IMAP-106, IMAP-119"""
    await c.append("Subject: one\r\nMessage-ID: <1@x>\r\n\r\nx")
    await c.append("Subject: Re: one\r\nReferences: <1@x>\r\n\r\ny")
    await c.append("Subject: other\r\n\r\nz")
    await c.ok("a NOOP")
    ids = [re.findall(r"\((\w+)\)", line) for line in await c.ok("a FETCH 1:3 (EMAILID THREADID)")]
    assert await find(c, f"EMAILID {ids[1][0]}") == [2]
    assert await find(c, f"THREADID {ids[0][1]}") == [1, 2]
    assert await find(c, f"OR EMAILID {ids[2][0]} EMAILID {ids[0][0]}") == [1, 3]
    for wrong in ("M0", "M99999999999999999999999999999", "T", "x", ids[0][1], "M1x"):
        assert await find(c, f"EMAILID {wrong}") == []


@pytest.mark.served
async def test_recent_new_and_old(imap: Imap) -> None:
    """IMAP-72a, IMAP-119"""
    async with imap.account() as account:
        await put(account, 2)
        async with imap.user() as c:
            await put(account, 1, first=3)
            await c.ok("a NOOP")
            await c.ok(r"a STORE 1 FLAGS (\Seen)")
            assert await find(c, "RECENT") == [1, 2, 3]
            assert await find(c, "NEW") == [2, 3]
            assert await find(c, "OLD") == []
            await c.select()
        async with imap.user() as c:
            assert await find(c, "RECENT") == []
            assert await find(c, "OLD") == [1, 2, 3]
            await put(account, 1, first=4)
            await c.ok("a NOOP")
            assert await find(c, "RECENT") == await find(c, "NEW") == [4]
            assert await find(c, "OLD") == [1, 2, 3]
        async with imap.user(enable=["IMAP4rev2"]) as c:
            await put(account, 1, first=5)
            await c.ok("a NOOP")
            for key, numbers in (("RECENT", ""), ("NEW", ""), ("OLD", " ALL 1:5")):
                assert await c.ok(f"a SEARCH {key}") == [f'* ESEARCH (TAG "a"){numbers}']


@pytest.mark.served
async def test_header_keys(imap: Imap, c: Client) -> None:
    """IMAP-121"""
    await c.append(
        "From: =?utf-8?q?J=C3=B6rg?= Fox <joerg@example.org>\r\nTo: Bo <bo@example.org>,\r\n\tMia <mia@example.org>\r\n"
        "Cc: third@example.org\r\nBcc: hidden@example.org\r\nX-Thing : Value\r\nx-thing: second\r\n"
        "Subject: a long\r\n  story =?utf-8?b?w7xiZXI=?=\r\n =?iso-8859-1?q?_Gr=FC=DFe?=\r\n\r\nsecond body\r\n"
    )
    await c.append("From: Grüße <raw@example.org>\r\nSubject:\r\nX-Thing:\r\n\r\nnothing")
    await c.append("From: plain@example.org\r\nSubject: plain story\r\n\r\nnothing")
    await c.ok("a NOOP")
    for program, numbers in {
        'FROM "jörg fox"': [1],
        "FROM JOERG@": [1],
        'FROM "grüsse"': [2],
        'FROM "GRÜSSE"': [2],
        "TO mia": [1],
        'TO "bo@example.org>, Mia"': [1],
        'TO "bo@example.org> Mia"': [],
        "TO third": [],
        "CC third": [1],
        "BCC hidden": [1],
        "SUBJECT story": [1, 3],
        'SUBJECT "long story"': [],
        'SUBJECT "long  story über"': [1],
        'SUBJECT "über grüsse"': [1],
        'SUBJECT "plain story"': [3],
        "HEADER x-thing VALUE": [1],
        "HEADER X-THING second": [1],
        'HEADER X-Thing ""': [1, 2],
        'HEADER X-Thin ""': [],
        'HEADER Subject ""': [1, 2, 3],
        'SUBJECT ""': [1, 2, 3],
        'BCC ""': [1],
        "NOT FROM example": [],
        "SUBJECT second": [],
        "TEXT second": [1],
        'TEXT "third@example.org"': [1],
        'TEXT "x-thing: value"': [1],
        'TEXT "jörg"': [1],
    }.items():
        octets = program.encode()
        assert await find(c, b"CHARSET UTF-8 " + octets) == numbers, program


@pytest.mark.served
async def test_body_keys(imap: Imap, c: Client) -> None:
    """IMAP-121"""
    html = "<html><head><title>t</title><style>x{}</style></head><body><p>Vis<b>ib</b>le &amp; text</p></body></html>"
    multipart = (
        "Subject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        "Gr=FC=\r\n=DFe\r\n--b\r\nContent-Type: text/html\r\n\r\n" + html + "\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\n"
        "Subject: =?utf-8?q?=C3=A9tude?=\r\nContent-Transfer-Encoding: base64\r\n\r\naW5uZXIgdGV4dA==\r\n"
        "--b\r\nContent-Type: application/octet-stream\r\n\r\nbinary needle\r\n--b--\r\n"
    )
    await c.append(multipart)
    await c.append(message("plain", "Hello World\r\nsecond line"))
    await c.append(message("utf", "ÉTUDE ﬁne ＡＢＣ", headers="Content-Type: text/plain; charset=utf-8\r\n"))
    await c.ok("a NOOP")
    for program, numbers in {
        'BODY "grüsse"': [1],
        'BODY "Grüße"': [1],
        "BODY visible": [1],
        'BODY "visible & text"': [1],
        "BODY <b>ib</b>": [1],
        'BODY "&amp;"': [1],
        'BODY "étude"': [1, 3],
        'BODY "inner text"': [1],
        'BODY "aW5uZXI"': [],
        "BODY needle": [],
        "BODY WORLD": [2],
        "BODY fine": [3],
        "BODY abc": [3],
        "BODY plain": [],
        "TEXT plain": [2, 3],
        "BODY parts": [],
        'BODY ""': [1, 2, 3],
        "NOT BODY hello": [1, 3],
    }.items():
        assert await find(c, b"CHARSET UTF-8 " + program.encode()) == numbers, program


@pytest.mark.served
async def test_no_text_is_hidden_from_searches_by_how_it_is_wrapped(imap: Imap, c: Client) -> None:
    """IMAP-121, IMAP-104, STORE-52a, STORE-53: a multipart whose boundary never comes, and a message in base64."""
    await c.append("Subject: one\r\nContent-Type: multipart/mixed; boundary=never\r\n\r\nlost words\r\n")
    code = base64.encodebytes(b"Subject: inner\r\n\r\nsealed words\r\n").decode().replace("\n", "\r\n")
    await c.append(
        "Subject: two\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        f"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n{code}--b--\r\n"
    )
    await c.ok("a NOOP")
    for program, numbers in {
        "BODY words": [1, 2],
        'BODY "lost words"': [1],
        'TEXT "sealed words"': [2],
        'BODY "subject: inner"': [2],
        "SUBJECT inner": [],
    }.items():
        assert await find(c, program) == numbers, program
    first, second = [line for line in await c.ok("a FETCH 1:2 (PREVIEW BODYSTRUCTURE)") if "FETCH" in line]
    assert '"lost words"' in first
    assert '("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" 12 1 NIL NIL NIL NIL) "MIXED"' in first
    assert '"sealed words"' in second
    assert '("APPLICATION" "OCTET-STREAM" NIL NIL NIL "BASE64" ' in second


@pytest.mark.served
async def test_text_keys_below_or_and_not(imap: Imap, c: Client) -> None:
    """IMAP-119, IMAP-121"""
    for number, text in enumerate(("apple", "banana", "apple banana", "cherry"), 1):
        await c.append(
            message(text, text, date=f"{number} Feb 2026 00:00:00 +0000"), flags=r"(\Seen)" if number % 2 else ""
        )
    await c.ok("a NOOP")
    for program, numbers in {
        "OR SUBJECT apple SEEN": [1, 3],
        "OR SUBJECT banana SEEN": [1, 2, 3],
        "NOT (SUBJECT apple SEEN)": [2, 4],
        "NOT OR BODY apple BODY cherry": [2],
        "OR (UNSEEN BODY cherry) (SEEN NOT SUBJECT banana)": [1, 4],
        "OR NOT SUBJECT apple UID 1": [1, 2, 4],
        "NOT NOT TEXT cherry": [4],
        "SEEN OR FROM nobody SUBJECT banana": [3],
        "OR OR SUBJECT apple TO x BODY cherry": [1, 3, 4],
        "OR SENTON 2-Feb-2026 LARGER 100000": [2],
        "NOT SENTON 2-Feb-2026 NOT 1": [3, 4],
        "OR SUBJECT apple 4": [1, 3, 4],
        "ALL BODY apple": [1, 3],
    }.items():
        assert await find(c, program) == numbers, program


CHARSETS = {
    "US-ASCII": "abc",
    "utf-8": "Grüße",
    "ISO-8859-1": "Grüße",
    "iso-8859-2": "Łódź",
    "ISO-8859-15": "5€",
    "windows-1250": "Łódź",
    "windows-1251": "Привет",
    "windows-1252": "5€",
    "KOI8-R": "Привет",
    "ISO-2022-JP": "日本",
    "GB18030": "中文",
    "Big5": "中文",
}


@pytest.mark.served
@pytest.mark.parametrize("charset", CHARSETS)
async def test_charsets(c: Client, charset: str) -> None:
    """IMAP-120"""
    text = CHARSETS[charset]
    needle = text.encode(charset)
    await c.append(message("x", text, headers="Content-Type: text/plain; charset=utf-8\r\n"))
    await c.append(message("x", "other"))
    await c.ok("a NOOP")
    ask = b"CHARSET %b BODY {%d+}\r\n%b" % (charset.encode(), len(needle), needle)
    assert await find(c, ask) == [1]


@pytest.mark.served
async def test_other_charsets_are_refused(imap: Imap, c: Client) -> None:
    """IMAP-120"""
    await c.append(message("x", "x"))
    await c.ok("a NOOP")
    refused = "NO [BADCHARSET (US-ASCII UTF-8)] charset not supported, or string not valid in it"
    assert await c.tagged("a SEARCH CHARSET x-unknown BODY a") == refused
    assert await c.tagged("a SEARCH CHARSET UTF-7 ALL") == refused
    assert await c.tagged(b"a SEARCH CHARSET UTF-8 BODY {2+}\r\n\xff\xff") == refused
    assert (await c.tagged("a SEARCH CHARSET")).startswith("BAD")
    assert await find(c, "CHARSET UTF-8 BODY x") == [1]


@pytest.mark.served
async def test_return_options(imap: Imap, c: Client) -> None:
    """IMAP-107, IMAP-123"""
    async with imap.account() as account:
        await put(account, 9)
    await c.ok("a NOOP")
    await c.ok(r"a STORE 2,4:7 FLAGS (\Flagged)")
    for options, answer in {
        "": "ALL 2,4:7",
        "ALL": "ALL 2,4:7",
        "MIN": "MIN 2",
        "MAX": "MAX 7",
        "MIN MAX": "MIN 2 MAX 7",
        "COUNT": "COUNT 5",
        "min Count ALL max": "MIN 2 MAX 7 COUNT 5 ALL 2,4:7",
        "PARTIAL 1:2": "PARTIAL (1:2 2,4)",
        "PARTIAL 3:9": "PARTIAL (3:9 5:7)",
        "PARTIAL -1:-2": "PARTIAL (-1:-2 6:7)",
        "PARTIAL -2:-1": "PARTIAL (-2:-1 6:7)",
        "PARTIAL 6:9": "PARTIAL (6:9 NIL)",
        "PARTIAL 1:1 COUNT MIN": "MIN 2 COUNT 5 PARTIAL (1:1 2)",
    }.items():
        assert await c.ok(f"a SEARCH RETURN ({options}) FLAGGED") == [f'* ESEARCH (TAG "a") {answer}'], options
        uid = await c.ok(f"a UID SEARCH RETURN ({options}) FLAGGED TEXT hello")
        assert uid == [f'* ESEARCH (TAG "a") UID {answer}'], options
    for options, answer in {
        "": "",
        "MIN MAX": "",
        "COUNT": " COUNT 0",
        "ALL MIN": "",
        "PARTIAL 1:2": " PARTIAL (1:2 NIL)",
    }.items():
        assert await c.ok(f"a SEARCH RETURN ({options}) DRAFT") == [f'* ESEARCH (TAG "a"){answer}'], options
    for wrong in ("NOPE", "PARTIAL", "PARTIAL 0:1", "PARTIAL 1:-1", "PARTIAL 1:2 ALL", "PARTIAL 1:2 PARTIAL 3:4"):
        assert (await c.tagged(f"a SEARCH RETURN ({wrong}) ALL")).startswith("BAD"), wrong


@pytest.mark.served
async def test_results_without_return(imap: Imap, c: Client) -> None:
    """IMAP-123"""
    async with imap.account() as account:
        await put(account, 2500)
        await c.ok("a NOOP")
        assert await c.ok("a SEARCH DRAFT") == ["* SEARCH"]
        everything = "* SEARCH " + " ".join(map(str, range(1, 2501)))
        for command in ("SEARCH ALL", "UID SEARCH ALL", "UID SEARCH UNKEYWORD x"):
            assert await c.ok(f"a {command}") == [everything], "imaplib reads only the first line"
        assert await find(c, "ALL") == await find(c, "TEXT hello") == list(range(1, 2501))
        assert await find(c, 'TEXT "2400: hello"') == [2400]
    async with imap.user(enable=["IMAP4rev2"]) as d:
        assert await d.ok("a SEARCH ALL") == ['* ESEARCH (TAG "a") ALL 1:2500']
        assert await d.ok("a UID SEARCH DRAFT") == ['* ESEARCH (TAG "a") UID']


@pytest.mark.served
async def test_saved_results(imap: Imap, c: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-124"""

    async def interrupted(*_: object) -> None:
        raise ReadInterrupted

    async with imap.account() as account:
        await put(account, 9)
        await c.ok("a NOOP")
        assert await find(c, "$") == []
        assert await c.ok("a SEARCH RETURN (SAVE) 3:6") == []
        assert await find(c, "$") == [3, 4, 5, 6]
        assert await find(c, "NOT $") == [1, 2, 7, 8, 9]
        assert await find(c, "UID $", "UID SEARCH") == [3, 4, 5, 6]
        assert len(await c.ok("a FETCH $ (UID)")) == 4
        assert await c.ok("a SEARCH RETURN (SAVE COUNT) $ 5:9") == ['* ESEARCH (TAG "a") COUNT 2']
        assert await find(c, "$") == [5, 6]
        await c.ok("a SEARCH RETURN (SAVE MIN) 2:9")
        assert await find(c, "$") == [2]
        await c.ok("a UID SEARCH RETURN (SAVE MIN MAX) 2:8")
        assert await find(c, "$") == [2, 8]
        await c.ok("a UID SEARCH RETURN (SAVE MAX ALL) 2:8")
        assert await find(c, "$") == [2, 3, 4, 5, 6, 7, 8]
        await c.ok(r"a STORE $ +FLAGS.SILENT (\Flagged)")
        await account.write(lambda tx: expunge(tx, INBOX, [4]))
        await c.ok("a NOOP")
        assert await find(c, "$", "UID SEARCH") == [2, 3, 5, 6, 7, 8]
        # a search that fails leaves nothing
        with monkeypatch.context() as patch:
            patch.setattr(search_module, "find", interrupted)
            assert (await c.tagged("a SEARCH RETURN (SAVE) 1")).startswith("NO [UNAVAILABLE]")
        assert await find(c, "$") == []
        await c.ok("a SEARCH RETURN (SAVE) ALL")
        await c.select()
        assert await find(c, "$") == []


@pytest.mark.served
async def test_modseq(imap: Imap, c: Client) -> None:
    """IMAP-76, IMAP-80, IMAP-119"""
    async with imap.account() as account:
        added = await put(account, 5)
        m = added[0].modseq
        await c.ok("a NOOP")
        await account.write(lambda tx: store_flags(tx, INBOX, [2, 4], mode="add", flags=Flag.SEEN))
        await account.write(lambda tx: store_flags(tx, INBOX, [3], mode="add", flags=Flag.SEEN))
        await c.ok("a NOOP")
        first = await c.ok(f"a SEARCH MODSEQ {m + 1}")
        assert first[-1] == f"* SEARCH 2 3 4 (MODSEQ {m + 2})"
        assert first[0].startswith("* OK [HIGHESTMODSEQ")
        assert await c.ok(f"a SEARCH MODSEQ {m + 9}") == ["* SEARCH"]
        assert await c.ok(f'a SEARCH MODSEQ "/flags/\\\\draft" all {m + 2}') == [f"* SEARCH 3 (MODSEQ {m + 2})"]
        returns = {"MIN": ("MIN 2", m + 1), "MAX": ("MAX 4", m + 1), "MIN ALL": ("MIN 2 ALL 2:4", m + 2)}
        for options, (answer, highest) in returns.items():
            shown = await c.ok(f"a UID SEARCH RETURN ({options}) MODSEQ {m + 1}")
            assert shown == [f'* ESEARCH (TAG "a") UID {answer} MODSEQ {highest}']
        assert await c.ok(f"a SEARCH RETURN (ALL) OR MODSEQ {m + 2} SUBJECT nothing") == [
            f'* ESEARCH (TAG "a") ALL 3 MODSEQ {m + 2}'
        ]


@pytest.mark.served
async def test_removed_messages_are_not_found(imap: Imap, c: Client) -> None:
    """IMAP-54, IMAP-119"""
    async with imap.account() as account:
        await put(account, 4)
        await c.ok("a NOOP")
        await account.write(lambda tx: expunge(tx, INBOX, [2]))
        assert await find(c, "ALL") == [1, 3, 4]
        assert await find(c, "TEXT hello") == [1, 3, 4]
        assert await find(c, "SUBJECT greetings") == [1, 3, 4]
        # EXPUNGE is told with UID SEARCH, after which numbers shift
        assert "* 2 EXPUNGE" in await c.ok("a UID SEARCH ALL")
        assert await find(c, "ALL") == [1, 2, 3]


@pytest.mark.served
async def test_damaged_messages_do_not_stop_a_search(imap: Imap, c: Client) -> None:
    """IMAP-96, IMAP-121"""
    async with imap.account() as account:
        await put(account, 3)
        await c.ok("a NOOP")

        def spoil(tx: AccountTx) -> bytes:
            (chunk, data) = tx.row("SELECT id, data FROM body_chunk ORDER BY id LIMIT 1") or (0, b"")
            tx.execute("UPDATE body_chunk SET data = zeroblob(length(data)) WHERE id = ?", chunk)
            return bytes(data)

        data = await account.write(spoil)
        try:
            assert await find(c, "BODY hello") == [2, 3]
            assert await find(c, "SUBJECT greetings") == [1, 2, 3]
        finally:
            await account.write(
                lambda tx: tx.execute(
                    "UPDATE body_chunk SET data = ? WHERE id = (SELECT min(id) FROM body_chunk)", data
                )
            )


@pytest.mark.served
async def test_headers_longer_than_what_is_stored_are_searched_to_their_end(imap: Imap, c: Client) -> None:
    """IMAP-121"""
    filler = "".join(f"X-Filler: {'f' * 900}\r\n" for _ in range(80))
    await c.append(f"Subject: s\r\n{filler}X-Last: needle\r\n\r\nbody")
    await c.append(f"Subject: s\r\n{filler}X-Last: other\r\n\r\nbody")
    await c.ok("a NOOP")
    assert await find(c, "HEADER X-Last NEEDLE") == [1]
    assert await find(c, "TEXT needle") == [1]
    assert await find(c, 'HEADER X-Last ""') == [1, 2]


@pytest.mark.served
async def test_large_bodies_are_searched(imap: Imap, c: Client) -> None:
    """IMAP-121"""
    await c.append(message("s", "x" * 300_000 + " needle " + "y" * 100_000))
    await c.append(message("s", "x\r\n" * 100_000))
    await c.ok("a NOOP")
    assert await find(c, "BODY needle") == [1]
    assert await find(c, "TEXT needle") == [1]
    assert await find(c, "NOT BODY needle") == [2]


@pytest.mark.served
async def test_limits_of_programs(c: Client) -> None:
    """IMAP-119, IMAP-146"""
    await c.append(message("s", "x"))
    await c.ok("a NOOP")
    assert await find(c, "(" * 32 + "ALL" + ")" * 32) == [1]
    assert (await c.tagged("a SEARCH " + "(" * 33 + "ALL" + ")" * 33)).startswith("NO [LIMIT]")
    assert (await c.tagged("a SEARCH " + "NOT " * 2000 + "ALL")).startswith("NO [LIMIT]")
    assert await find(c, " ".join(["ALL"] * 999)) == [1]
    assert (await c.tagged("a SEARCH " + " ".join(["ALL"] * 1001))).startswith("NO [LIMIT]")
    assert await find(c, "OR " * 31 + "BODY x " + " ".join(["SUBJECT y"] * 31)) == [1]
    for wrong in ("", "(", "()", "ALL)", "NOPE", "OR ALL", "NOT", "HEADER x", "KEYWORD \\Seen", "SUBJECT"):
        assert (await c.tagged(f"a SEARCH {wrong}")).startswith("BAD"), wrong


@pytest.mark.served
async def test_sixty_thousand_parentheses_are_refused_and_the_session_goes_on(c: Client) -> None:
    """IMAP-28, IMAP-119"""
    await c.append(message("s", "x"))
    await c.ok("a NOOP")
    assert (await c.tagged("a SEARCH " + "(" * 60_000)).startswith("NO [LIMIT]")
    assert (await c.tagged("a SEARCH " + "(" * 60_000 + "ALL" + ")" * 60_000)).startswith("NO [LIMIT]")
    assert await find(c, "ALL") == [1]


@pytest.mark.served
async def test_a_search_names_no_charset_after_utf8_accept(c: Client) -> None:
    """IMAP-120, RFC 6855 §3; SORT and THREAD cannot do without one, and IMAP4rev2 allows it."""
    await c.append(message("étude", "x", headers="Content-Type: text/plain; charset=utf-8\r\n"))
    await c.ok("a ENABLE IMAP4rev2")
    await c.ok("a SEARCH CHARSET UTF-8 SUBJECT s")
    await c.ok("a ENABLE UTF8=ACCEPT")
    assert (await c.tagged("a UID SEARCH CHARSET UTF-8 SUBJECT s")).startswith("BAD ")
    assert (await c.tagged("a SEARCH RETURN (COUNT) CHARSET US-ASCII SUBJECT s")).startswith("BAD ")
    await c.ok("a SORT (DATE) UTF-8 ALL")
    await c.ok('a SEARCH SUBJECT "étude"')


@pytest.mark.served
async def test_long_searches_tell_their_progress(imap: Imap, c: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-125"""
    async with imap.account() as account:
        await put(account, 3)
        await c.ok("a NOOP")
    monkeypatch.setattr(search_module, "PROGRESS", 0.0)
    monkeypatch.setattr(search_module, "PATIENCE", 0.0)
    monkeypatch.setattr(search_module, "HEADERS", 1)
    told = await c.ok("a SEARCH BODY hello")
    assert told == [
        '* OK [INPROGRESS ("a" 1 3)] still searching',
        '* OK [INPROGRESS ("a" 2 3)] still searching',
        '* OK [INPROGRESS ("a" 3 3)] still searching',
        "* SEARCH 1 2 3",
    ]
    await c.send("a] SEARCH BODY hello\r\n")
    assert (await c.until("a]"))[0] == "* OK [INPROGRESS (NIL 1 3)] still searching"


@pytest.mark.served
async def test_only_one_end_is_looked_for_when_only_it_counts(
    imap: Imap, c: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMAP-123"""
    async with imap.account() as account:
        await put(account, 50)
        await c.ok("a NOOP")
    looked: list[int] = []
    test_once = Message.body_holds

    def body_holds(self: Message, needle: str) -> bool:
        looked.append(self.uid)
        return test_once(self, needle)

    monkeypatch.setattr(search_module, "HEADERS", 5)
    monkeypatch.setattr(Message, "body_holds", body_holds)
    assert await c.ok("a SEARCH RETURN (MAX) BODY hello") == ['* ESEARCH (TAG "a") MAX 50']
    assert looked == [46, 47, 48, 49, 50]
    looked.clear()
    assert await c.ok("a SEARCH RETURN (MIN) NOT BODY 3") == ['* ESEARCH (TAG "a") MIN 1']
    assert looked == [1, 2, 3, 4, 5]
    looked.clear()
    assert await c.ok("a SEARCH RETURN (MIN MAX) BODY hello") == ['* ESEARCH (TAG "a") MIN 1 MAX 50']
    assert looked == [1, 2, 3, 4, 5, 46, 47, 48, 49, 50]
    looked.clear()
    assert await c.ok("a SEARCH RETURN (MIN MAX) BODY nothing") == ['* ESEARCH (TAG "a")']
    assert sorted(set(looked)) == list(range(1, 51))


@pytest.mark.served
async def test_a_search_that_nobody_waits_for_ends(imap: Imap) -> None:
    """IMAP-146, IMAP-148"""
    async with imap.account() as account:
        await put(account, 400)
    with trio.fail_after(60):
        async with imap.user() as c:
            await c.send("a SEARCH NOT (TEXT nothing OR BODY never HEADER x y)\r\n")


# --- random programs against a reference that knows nothing of rows, hints and slices

WORDS = ["apple", "Banana", "grüße", "Łódź", "x", "apple tree", "ﬁne", "e b", "=?", "a\tb"]


class Mail:
    """A message of the corpus, and what a search may know of it."""

    def __init__(self, uid: int, octets: bytes, flags: set[str], day: dt.date) -> None:
        self.uid = uid
        self.octets = octets
        self.flags = flags
        self.day = day
        self.parsed = BytesParser(policy=policy.default).parsebytes(octets)
        head, _, self.body = octets.partition(b"\r\n\r\n")
        unfolded = re.sub(r"\r\n(?=[ \t])", "", head.decode())
        self.fields = [tuple(line.split(":", 1)) for line in unfolded.split("\r\n")]

    def field(self, name: str) -> list[str]:
        """Decoded values of a field."""
        return [plain(value) for key, value in self.fields if key.strip().lower() == name.lower()]

    @property
    def header(self) -> str:
        return "\n".join(f"{key.strip()}: {plain(value)}" for key, value in self.fields)

    @property
    def sent(self) -> dt.date | None:
        values = self.field("Date")
        return parsedate_to_datetime(values[0]).date() if values else None


def plain(value: str) -> str:
    """What a field's value reads like: the corpus has Q words of UTF-8 that are whole characters only."""
    value = value.strip(" \t").replace("\t", " ")
    return re.sub(
        r"=\?utf-8\?q\?([^?]*)\?=",
        lambda m: re.sub(rb"=(..)", lambda h: bytes.fromhex(h[1].decode()), m[1].encode()).decode(),
        value,
    )


CORPUS: list[tuple[str, str, str, str]] = [
    (subject, field, text, date)
    for subject, field, text in (
        ("apple tree", "Banana", "apple"),
        ("=?utf-8?q?gr=C3=BC=C3=9Fe?= x", "y", "gr=C3=BC=C3=9Fe"),
        ("Apple\r\n Banana", "apple\r\n\ttree", "the apple tree"),
        ("fine", "grüße", "ﬁne and Łódź"),
        ("a b", "e b", "=? a\tb"),
        ("GRÜSSE", "", ""),
        ("x" * 40, "Łódź", "BANANA " * 30),
    )
    for date in ("Sun, 1 Feb 2026 23:30:00 -1100", "2 Feb 2026 01:00:00 +0000", "")
]
FLAGS = [r"\Seen", r"\Flagged", "work"]


def corpus() -> list[Mail]:
    """All messages; what they hold is spread so that keys divide them in different ways."""
    found: list[Mail] = []
    for number, (subject, field, text, date) in enumerate(CORPUS, 1):
        head = f"From: a{number % 3}@example.org\r\nSubject: {subject}\r\n"
        head += f"X-Field: {field}\r\n" if number % 4 else ""
        head += f"Date: {date}\r\n" if date else ""
        octets = f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode()
        flags = {flag for bit, flag in enumerate(FLAGS) if number >> bit & 1}
        found.append(Mail(number, octets, flags, dt.date(2026, 2, 1 + number % 3)))
    return found


MAILS = corpus()


def leaves() -> st.SearchStrategy[s.SearchKey]:
    days = st.dates(dt.date(2026, 1, 31), dt.date(2026, 2, 4))
    words = st.sampled_from(WORDS)
    uids = st.integers(1, len(MAILS))
    return st.one_of(
        st.builds(s.FlagIs, st.sampled_from(FLAGS), st.booleans()),
        st.builds(s.Header, st.sampled_from(["Subject", "From", "X-Field", "Nope"]), words | st.just("")),
        st.builds(s.BodyText, words),
        st.builds(s.Text, words),
        st.builds(s.DateIs, st.sampled_from(["internal", "sent"]), st.sampled_from(list(s.Comparison)), days),
        st.builds(s.Larger, st.integers(100, 200)),
        st.builds(s.Smaller, st.integers(100, 200)),
        st.builds(lambda low, high: ("uid", low, high), uids, uids),
        st.just(s.AllMessages()),
    )


PROGRAMS = st.recursive(
    leaves(),
    lambda inner: st.one_of(
        st.builds(s.Not, inner),
        st.builds(s.Or, inner, inner),
        st.builds(lambda keys: s.And(tuple(keys)), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=8,
)


def wire(key: object) -> str:
    """A program as a client writes it."""
    match key:
        case ("uid", low, high):
            return f"UID {low}:{high}"
        case s.FlagIs(flag=flag, present=present):
            name = flag[1:].upper() if flag.startswith("\\") else f"KEYWORD {flag}"
            return name if present else f"UN{name}"
        case s.Header(field=field, value=value):
            return f"HEADER {field} {string(value)}"
        case s.BodyText(value=value):
            return f"BODY {string(value)}"
        case s.Text(value=value):
            return f"TEXT {string(value)}"
        case s.DateIs(of=of, comparison=comparison, date=date):
            return f"{'SENT' if of == 'sent' else ''}{comparison.value} {date:%d-%b-%Y}"
        case s.Larger(size=size):
            return f"LARGER {size}"
        case s.Smaller(size=size):
            return f"SMALLER {size}"
        case s.AllMessages():
            return "ALL"
        case s.Not(key=inner):
            return f"NOT {wire(inner)}"
        case s.Or(left=left, right=right):
            return f"OR {wire(left)} {wire(right)}"
        case s.And(keys=keys):
            return f"({' '.join(map(wire, keys))})"
    raise AssertionError(key)


def string(text: str) -> str:
    octets = text.encode()
    return f"{{{len(octets)}+}}\r\n{text}" if "\t" in text else f'"{text}"'


def compare(comparison: s.Comparison, day: dt.date, date: dt.date) -> bool:
    match comparison:
        case s.Comparison.BEFORE:
            return day < date
        case s.Comparison.ON:
            return day == date
        case s.Comparison.SINCE:
            return day >= date


def matches(key: object, mail: Mail) -> bool:
    """The reference."""
    match key:
        case ("uid", int(low), int(high)):
            return min(low, high) <= mail.uid <= max(low, high)
        case s.FlagIs(flag=flag, present=present):
            return (flag in mail.flags) is present
        case s.Header(field=field, value=value):
            return any(fold(value) in fold(text) for text in mail.field(field))
        case s.BodyText(value=value):
            return fold(value) in fold(mail.body.decode())
        case s.Text(value=value):
            return fold(value) in fold(mail.header) or fold(value) in fold(mail.body.decode())
        case s.DateIs(of="sent", comparison=comparison, date=date):
            return mail.sent is not None and compare(comparison, mail.sent, date)
        case s.DateIs(comparison=comparison, date=date):
            return compare(comparison, mail.day, date)
        case s.Larger(size=size):
            return len(mail.octets) > size
        case s.Smaller(size=size):
            return len(mail.octets) < size
        case s.AllMessages():
            return True
        case s.Not(key=inner):
            return not matches(inner, mail)
        case s.Or(left=left, right=right):
            return matches(left, mail) or matches(right, mail)
        case s.And(keys=keys):
            return all(matches(one, mail) for one in keys)
    raise AssertionError(key)


@pytest.mark.served
@pytest.mark.slow
async def test_random_programs_find_what_a_plain_reference_finds(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-119, IMAP-121, IMAP-122, IMAP-123"""
    monkeypatch.setattr(search_module, "HEADERS", 4)  # several slices
    async with imap.user() as c:
        for mail in MAILS:
            date = f'"{mail.day:%d-%b-%Y} 12:00:00 +0000"'
            await c.append(mail.octets, flags=f"({' '.join(sorted(mail.flags))})", date=date)
        await c.ok("a NOOP")
        programs: list[object] = []

        @settings(max_examples=500, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(PROGRAMS)
        def collect(program: object) -> None:
            programs.append(program)

        collect()
        for program in programs:
            wanted = [mail.uid for mail in MAILS if matches(program, mail)]
            octets = f"CHARSET UTF-8 {wire(program)}".encode()
            assert await find(c, octets) == wanted, wire(program)
            ends = await c.ok(b"a SEARCH RETURN (MIN MAX) " + octets)
            shown = f" MIN {wanted[0]} MAX {wanted[-1]}" if wanted else ""
            assert ends == [f'* ESEARCH (TAG "a"){shown}'], wire(program)


HEADERS = st.lists(
    st.lists(
        st.sampled_from(
            [
                b"needle",
                b"NEEDLE",
                b"need",
                b"le",
                b"=?",
                b"\xc3\xbc",
                b" ",
                b"\t",
                b"\r\n ",
                b"\n\t",
                b"x",
                b"\0",
                b":",
            ]
        ),
        max_size=6,
    ).map(b"".join),
    max_size=6,
)


@given(HEADERS, st.sampled_from(["needle", "a needle", "needle: x", "\t", "", "ü", "e"]))
def test_hints_rule_out_only_what_cannot_match(headers: list[bytes], needle: str) -> None:
    """IMAP-121"""
    for hint in Hint.of(fold(needle)):
        kept = hint.may_hold(headers)
        assert kept == sorted(set(kept))
        for position, header in enumerate(headers):
            plain_octets = header.isascii() and b"=?" not in header
            holds = any(pattern.search(header.lower()) for pattern in hint.patterns)
            assert (position in kept) == (holds or not plain_octets)


@given(HEADERS, st.sampled_from(["needle", "needle x", " needle", "x  x", "x \r\n x", "", "ü", "need=?"]))
def test_hints_for_a_field_keep_each_header_that_has_it(texts: list[bytes], needle: str) -> None:
    """IMAP-121"""
    headers = [b"Subject: " + text + b"\r\nX: y\r\n\r\n" for text in texts]
    holding = {
        position
        for position, header in enumerate(headers)
        if Message(position, header, b"", lambda start, end: b"").field_holds(b"subject", fold(needle))
    }
    for hint in Hint.of_field(fold(needle)):
        assert holding <= set(hint.may_hold(headers))


@pytest.mark.served
async def test_searches_run_beside_other_sessions(imap: Imap, c: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-147: a search that reads for as long as it likes holds up no other session."""
    account: Account
    async with imap.account() as account, imap.user() as d:
        mailbox_id = (await box(account)).id
        big = [Append(await prepared(message("s", f"{n} " + "word " * 50_000).encode())) for n in range(20)]
        await append(account, mailbox_id, big)
        await c.ok("a NOOP")
        await d.ok("a NOOP")
        begun, on = trio.Event(), threading.Event()
        token = trio.lowlevel.current_trio_token()

        async def held(fn: Callable[[], Any], *, interrupt: Callable[[], None], name: str) -> Any:
            def work() -> Any:
                if name.startswith("scan"):
                    token.run_sync_soon(begun.set)
                    assert on.wait(60)
                return fn()

            return await in_thread(work, interrupt=interrupt, name=name)

        monkeypatch.setattr(readers, "in_thread", held)
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(find, c, "TEXT nothing")
                await begun.wait()
                for _ in range(20):
                    await d.ok("n NOOP")
                on.set()
        assert len(await rows(account)) == 20
