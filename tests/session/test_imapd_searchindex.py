"""SEARCH gives the same with the text index, without it, and while it is being built (IMAP-156, STORE-111)."""

from __future__ import annotations

import base64
import quopri
import random
import re
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from moxlite.imapd.search import search as search_module, searchindex
from moxlite.imapd.search.searchindex import sought
from moxlite.imapd.search.searchkeys import Message
from moxlite.proto.imap import search as s
from moxlite.proto.mime.text import MAX_TEXT
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.delivery.perform import append
from moxlite.store.mail.adding import Append
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.flags import store_flags
from moxlite.store.search.queries import AllOf, AnyOf, Contains, Lacks, SearchedPart
from moxlite.store.types import Flag, MailboxID
from tests.session.imapd_harness import Client, Imap, imap
from tests.store_mail import prepared

__all__ = ["imap"]

INBOX = MailboxID(1)
MESSAGES = 120

WORDS = [
    "straße",
    "STRASSE",
    "Straßenbahn",
    "İstanbul",
    "istanbul",
    "ıssız",
    "ﬁne",
    "fine",
    "ﬀ",
    "ß",
    "ẞ",
    "é",
    "é",
    "e",
    "日本語",
    "日本",
    "本語",
    "한국어",
    "한",
    "ｱｲｳ",
    "アイウ",
    "Ⅷ",
    "viii",
    "½",
    "ﷺ",
    "ab",
    "abc",
    "abcabc",
    "x",
    "😀😁",
    "a=b",
    "=?q?=",
    "<b>bold</b>",
    "&amp;",
    "co&",
    '"quoted"',
    "it's",
    "100%",
    "ſet",
    "set",
    "ǅ",
    "dž",
    "ΣΑΣ",
    "σας",
]
"""Folding makes longer, shorter and equal what was not; signs of HTML, of encoded words and of the index's language."""


FIELDS = ("SUBJECT", "FROM", "TO", "CC", "HEADER Subject", "HEADER Bcc", "HEADER X-None")

SIGNED = ("DKIM-Signature", "ARC-Message-Signature", "ARC-Seal", "X-Google-DKIM-Signature")

ADDRESSES = ("abc (x) @ example.org", "<@r.example:abc@x.example>", "ab: abc@a.example;", "")


class Corpus:
    """Messages of many forms, made of few words, so that needles are found, and in the wrong part, too."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def text(self, most: int = 8) -> str:
        chosen = [self.random.choice(WORDS) for _ in range(self.random.randint(0, most))]
        return self.random.choice((" ", "", "\r\n", "\u3000", "\0")).join(chosen)

    def word(self, text: str) -> str:
        """For a header."""
        text = re.sub(r"[\r\n\0]", " ", text)
        kind = self.random.randrange(4)
        if kind == 0:
            return f"=?utf-8?b?{base64.b64encode(text[:10].encode()).decode()}?= {text[10:20]}"
        if kind == 1:
            return "=?utf-8?q?" + "".join(f"={octet:02X}" for octet in text[:8].encode()) + "?="
        if kind == 2:
            return f"=?gb18030?b?{base64.b64encode(text[:8].encode('gb18030')).decode()}?="
        return text.replace(" ", "\r\n ", 1) if self.random.randrange(2) else text

    def part(self, text: str) -> str:
        """A text part: its fields, an empty line, the encoded text."""
        subtype = self.random.choice(("plain", "plain", "html", "x-other"))
        charset, octets = self.random.choice((("utf-8", text.encode()), ("gb18030", text.encode("gb18030"))))
        if subtype == "html":
            octets = b"<html><head><title>abc</title></head><p>" + octets + b"<br>fine</p>"
        encoding, encoded = self.random.choice(
            (
                ("base64", base64.encodebytes(octets)),
                ("quoted-printable", quopri.encodestring(octets)),
                ("8bit", octets),
            )
        )
        return (
            f"Content-Type: text/{subtype}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
            + encoded.decode("latin-1")
        )

    def message(self) -> bytes:
        """Octets; what stands for one is a character."""
        head = f"From: {self.word(self.text(2))} <a@example.org>\r\nSubject: {self.word(self.text())}\r\n"
        for field in self.random.choices(("To", "Cc", "Bcc", "Subject"), k=self.random.randrange(4)):
            address = self.random.choice(ADDRESSES)
            head += f"{field}: {self.word(self.text(2))} {address}\r\n"
        head = head.encode().decode("latin-1")
        kind = self.random.randrange(10)
        if kind < 3:
            content = head + "\r\n" + self.text().encode().decode("latin-1")
        elif kind < 6:
            content = head + self.part(self.text())
        elif kind < 9:
            parts = "".join(f"--XX\r\n{self.part(self.text())}\r\n" for _ in range(self.random.randint(1, 3)))
            content = f"{head}Content-Type: multipart/mixed; boundary=XX\r\n\r\n{parts}--XX--\r\n"
        else:
            inner = f"Subject: {self.word(self.text(3))}\r\n".encode().decode("latin-1") + self.part(self.text())
            content = f"{head}Content-Type: message/rfc822\r\n\r\n{inner}"
        return content.encode("latin-1")

    def needle(self) -> str:
        """A few words, or a piece of some; no line breaks, which a quoted string cannot have."""
        text = " ".join(self.random.choice(WORDS) for _ in range(self.random.choice((1, 1, 2, 3))))
        start = self.random.randrange(len(text))
        return text[start : start + self.random.randint(1, 12)] if self.random.randrange(2) else text

    def key(self, depth: int = 2) -> str:
        """A search key on the wire."""
        kind = self.random.randrange(11 if depth else 6)
        needle = '"' + re.sub(r'(["\\])', r"\\\1", self.needle()) + '"'
        match kind:
            case 0 | 1:
                return f"TEXT {needle}"
            case 2:
                return f"BODY {needle}"
            case 3:
                return f"{self.random.choice(FIELDS)} {needle}"
            case 4:
                return self.random.choice(("SEEN", "UNSEEN", "1:60", "SMALLER 300", "SENTSINCE 1-Jan-2020"))
            case 5:
                return f"TEXT {needle}"
            case 6:
                return f"NOT {self.key(depth - 1)}"
            case 7 | 8:
                return f"OR {self.key(depth - 1)} {self.key(depth - 1)}"
            case _:
                return f"({self.key(depth - 1)} {self.key(depth - 1)})"


@pytest.fixture
async def account(imap: Imap) -> AsyncIterator[OpenAccount]:
    async with imap.account() as account:
        yield account


@pytest.fixture
async def c(imap: Imap, account: OpenAccount) -> AsyncIterator[Client]:
    """A session with Inbox selected; some of its messages are in the index, some are not."""
    corpus = Corpus(7)
    items = [Append(await prepared(corpus.message())) for _ in range(MESSAGES)]
    items[5] = Append(
        await prepared(b"Subject: long\r\n\r\n" + b"filler line\r\n" * (MAX_TEXT // 12) + b"at its end\r\n")
    )
    account.search.enabled = True
    await append(account, INBOX, items[:80])
    await account.indexer.once()
    await append(account, INBOX, items[80:])
    await account.write(lambda tx: store_flags(tx, INBOX, range(1, 120, 3), mode="add", flags=Flag.SEEN))
    await account.write(lambda tx: expunge(tx, INBOX, [4, 50, 90]))
    async with imap.user() as client:
        yield client


async def ask(c: Client, program: str) -> list[list[str]]:
    """All that a search may answer."""
    returns = ("", "RETURN (COUNT MAX) ", "RETURN (MIN MAX) ")
    return [await c.ok(f"a UID SEARCH {wanted}CHARSET UTF-8 {program}".encode()) for wanted in returns]


@pytest.mark.nightly
@pytest.mark.served
@pytest.mark.slow
async def test_results_do_not_depend_on_the_index(account: OpenAccount, c: Client) -> None:
    """IMAP-156, STORE-111: random messages and programs, one index for a part of them, for all, and none."""
    seeds: list[int] = []

    @settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], database=None)
    @given(st.integers(0, 1 << 32))
    def collect(seed: int) -> None:
        seeds.append(seed)

    collect()
    programs = [Corpus(seed).key() for seed in seeds]
    partly = [await ask(c, program) for program in programs]
    await account.indexer.once()
    wholly = [await ask(c, program) for program in programs]
    account.search.enabled = False
    without = [await ask(c, program) for program in programs]
    for program, one, two, three in zip(programs, partly, wholly, without, strict=True):
        assert one == three, program
        assert two == three, program
    assert len({str(answer) for answer in without}) > len(programs) // 5  # not all is empty


@pytest.mark.served
@pytest.mark.parametrize(
    "needle",
    ["at its end", "filler line\r\nfiller", "straße", "STRASSE", "日本", "日本語", "İ", "i̇stanbul", "=?q?=", "x", "é"],
)
async def test_needles_of_all_kinds_are_found(account: OpenAccount, c: Client, needle: str) -> None:
    """IMAP-121, IMAP-156: in the long message as well, and where a literal has a line break."""
    octets = needle.encode()
    for key in ("TEXT", "BODY", "SUBJECT"):
        command = f"a UID SEARCH CHARSET UTF-8 {key} {{{len(octets)}+}}\r\n".encode() + octets
        account.search.enabled = True
        with_index = await c.ok(command)
        account.search.enabled = False
        assert await c.ok(command) == with_index


@pytest.mark.served
async def test_a_message_with_a_damaged_structure_matches_no_date(account: OpenAccount, c: Client) -> None:
    """IMAP-122, STORE-159: neither a date nor its opposite."""
    structure = "SELECT structure FROM message_info WHERE email_id = 1"
    damage = "UPDATE message_info SET structure = ? WHERE email_id = 1"
    programs = (
        b"a UID SEARCH UID 1:2 NOT SENTSINCE 1-Jan-2100",
        b"a UID SEARCH UID 1:2 OR SENTON 1-Jan-2100 SMALLER 1",
    )
    assert [await c.ok(program) for program in programs] == [["* SEARCH 1 2"], ["* SEARCH"]]
    packed = await account.read(lambda r: r.value(structure), op="test")
    await account.write(lambda tx: tx.execute(damage, b"\xc1"))
    try:
        assert [await c.ok(program) for program in programs] == [["* SEARCH 2"], ["* SEARCH"]]
    finally:
        await account.write(lambda tx: tx.execute(damage, packed))


@pytest.mark.served
async def test_addresses_in_html_are_found_where_they_are_shown(account: OpenAccount, c: Client) -> None:
    """IMAP-121, IMAP-156: not the key of a link, which only the source has, with the index and without."""
    key, shown = b"k3y" * 30, b"https://shown.example/" + b"page" * 20
    html = b'Content-Type: text/html\r\n\r\n<a href="https://hidden.example/%b">%b</a>\r\n' % (key, shown)
    [added] = await append(account, INBOX, [Append(await prepared(html))])
    await c.ok("a NOOP")
    for enabled in (False, True, True):
        account.search.enabled = enabled
        assert await c.ok(b"a UID SEARCH BODY " + key) == ["* SEARCH"]
        assert await c.ok(b"a UID SEARCH TEXT hidden.example") == ["* SEARCH"]
        assert await c.ok(b"a UID SEARCH BODY " + shown) == [f"* SEARCH {added.uid}"]
        await account.indexer.once()


@pytest.mark.served
async def test_attachments_are_found_by_their_names(account: OpenAccount, c: Client) -> None:
    """IMAP-121, IMAP-156: by TEXT, which has the header fields of parts (RFC 9051 §6.4.4), not by BODY."""
    parts = (
        b"Subject: the plan\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b'--b\r\n\r\nSee below.\r\n--b\r\nContent-Type: application/pdf; name="=?utf-8?q?Gr=C3=BCndung=2Epdf?="\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--b--\r\n"
    )
    [added] = await append(account, INBOX, [Append(await prepared(parts))])
    needle = "GRÜNDUNG.pdf".encode()
    for enabled in (False, True, True):
        account.search.enabled = enabled
        for key, uids in (("TEXT", f" {added.uid}"), ("BODY", ""), ("NOT BODY below TEXT", "")):
            command = f"a UID SEARCH CHARSET UTF-8 {key} {{{len(needle)}+}}\r\n".encode() + needle
            assert (await c.ok(command))[-1] == f"* SEARCH{uids}"
        if enabled:
            await account.indexer.once()


def noting() -> tuple[list[int], type[Message]]:
    """UIDs of messages that a search looks into, and the class that notes them."""
    looked: list[int] = []

    class Noted(Message):
        __slots__ = ()

        def __init__(self, uid: int, *rest: object) -> None:
            looked.append(uid)
            super().__init__(uid, *rest)  # type: ignore[arg-type]

    return looked, Noted


@pytest.mark.served
async def test_the_stored_texts_spare_looking_into_messages(
    account: OpenAccount, c: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMAP-156: what is indexed, and decided by its text, is not read; of the rest only candidates are."""
    looked, noted_message = noting()
    monkeypatch.setattr(search_module, "Message", noted_message)
    await account.indexer.once()
    for program in ("TEXT abcabc", "BODY abcabc", "OR TEXT abcabc BODY viii", "NOT TEXT abcabc", "TEXT ab UNSEEN"):
        await c.ok(f"a UID SEARCH {program}")
        assert set(looked) <= {6}, program  # the long one
        looked.clear()
    monkeypatch.setattr(searchindex, "DEARER", 1)
    assert (await c.ok("a UID SEARCH HEADER X-None abcabc")) == ["* SEARCH"]
    assert 0 < len(looked) < MESSAGES // 2
    monkeypatch.setattr(searchindex, "DEARER", 1_000)  # as if so many messages had it that their texts cost more
    looked.clear()
    assert (await c.ok("a UID SEARCH HEADER X-None abcabc")) == ["* SEARCH"]
    assert len(looked) > MESSAGES // 2


@pytest.mark.served
async def test_stored_fields_decide_what_is_about_fields(
    account: OpenAccount, c: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-110a, IMAP-156: no message is read, however many there are, where a word is rare, common or short."""
    looked, noted_message = noting()
    await account.indexer.once()
    for dearer in (1, 1_000):
        monkeypatch.setattr(searchindex, "DEARER", dearer)
        for program in (
            "SUBJECT abcabc",
            "SUBJECT ab",
            "FROM a@example.org",
            "TO abc@",
            "OR TO abc@ OR CC abc@ BCC abc@",
            "NOT SUBJECT a",
            "FROM example.org UNSEEN NOT TO abc",
        ):
            with monkeypatch.context() as noted:
                noted.setattr(search_module, "Message", noted_message)
                found = await c.ok(f"a UID SEARCH {program}")
            assert len(looked) <= (0 if "TO" not in program else 18), program  # encoded words as addresses
            looked.clear()
            account.search.enabled = False
            assert await c.ok(f"a UID SEARCH {program}") == found, program
            assert len(found[0].split()) > 2, program
            account.search.enabled = True


@pytest.mark.served
async def test_a_signature_is_found_in_its_field_alone(account: OpenAccount, c: Client) -> None:
    """IMAP-121, IMAP-156, STORE-110: with an index of all messages, of a part, and without; also below OR and NOT."""
    await account.write(lambda tx: expunge(tx, INBOX, range(1, MESSAGES + 1)))
    signed = [
        f"{name}: d=a.example; bh=Hash{number}; b=Sgn\r\n nature{number}==\r\n" for number, name in enumerate(SIGNED)
    ]
    uids = []
    for field in signed:
        message = await prepared(f"{field}Subject: inner\r\n\r\nbody".encode())
        uids += [one.uid for one in await append(account, INBOX, [Append(message)])]
    first, last = uids[0], uids[-1]
    cases = {
        'HEADER dkim-signature "nature0="': [first],
        "HEADER ARC-Seal hash2": [uids[2]],
        "OR HEADER DKIM-Signature hash0 HEADER X-Google-DKIM-Signature sgn": [first, last],
        f"UID {first}:{last} NOT HEADER DKIM-Signature hash0": uids[1:],
        "HEADER DKIM-Signature a.example TEXT body": [first],
        "TEXT hash0": [],
        "TEXT nature1": [],
        'TEXT "; b="': uids,
        f"UID {first}:{last} NOT TEXT hash0": uids,
    }
    for state in ("part", "all", "none"):
        if state == "all":
            await account.indexer.once()
        account.search.enabled = state != "none"
        for program, found in cases.items():
            answer = await c.ok(f"a UID SEARCH {program}")
            assert " ".join(["* SEARCH", *map(str, found)]) in answer, (state, program)


def test_what_the_index_is_asked_for() -> None:
    """IMAP-156: a term that all matches fulfil, and whether nothing is left to test."""
    text, body, subject = s.Text("Straße"), s.BodyText("abc"), s.Header("Subject", "abc")
    seen = s.FlagIs("\\Seen", True)
    cases: list[tuple[s.SearchKey, object, bool]] = [
        (text, Contains("strasse"), True),
        (body, Contains("abc", SearchedPart.BODY), True),
        (subject, AllOf((Contains("abc", SearchedPart.HEADER),)), False),
        (s.And((text, seen)), AllOf((Contains("strasse"),)), True),
        (s.And((text, subject)), AllOf((Contains("strasse"), AllOf((Contains("abc", SearchedPart.HEADER),)))), False),
        (s.Or(text, body), AnyOf((Contains("strasse"), Contains("abc", SearchedPart.BODY))), True),
        (s.Not(text), Lacks(Contains("strasse")), True),
        (s.And((s.Or(text, seen), body)), AllOf((Contains("abc", SearchedPart.BODY),)), False),
        (s.And((s.Not(subject), body)), AllOf((Contains("abc", SearchedPart.BODY),)), False),
        (s.And((s.And((text, seen)), s.Not(seen))), AllOf((AllOf((Contains("strasse"),)),)), True),
    ]
    for program, term, decides in cases:
        found = sought(program)
        assert found is not None, program
        assert (found.term, found.decides) == (term, decides), program
    for key, sql in (
        (subject, "instr(subject, ?) > 0"),
        (s.Not(subject), "NOT (instr(subject, ?) > 0)"),
        (s.And((seen, s.Or(subject, s.Header("to", "abc")))), "((instr(subject, ?) > 0) OR (instr(recipient, ?) > 0))"),
    ):
        found = sought(key)
        assert found is not None
        assert found.fields is not None
        assert found.fields.sql in (sql, sql.removeprefix("(").removesuffix(")"))
        assert set(found.fields.args) == {"abc"}
        assert found.fields_decide
    mixed = sought(s.And((subject, s.Header("X-Spam", "abc"))))
    assert mixed is not None
    assert mixed.fields is not None
    assert not mixed.fields_decide
    many = sought(s.And((subject,) * 201))
    assert many is not None
    assert many.fields is None  # SQLite allows no expression so deep
    for program in (seen, s.Or(text, seen), s.Not(s.And((text, seen))), s.Header("Subject", "")):
        assert sought(program) is None, program


@pytest.mark.served
async def test_raw_text_is_found_in_the_charset_of_the_texts(imap: Imap, account: OpenAccount) -> None:
    """IMAP-121, STORE-56, STORE-110a: of fields, of a text without a charset, and of an embedded message."""
    words = {"windows-1251": "Отчёт", "iso-8859-7": "Αθήνα", "gb2312": "报告测试"}
    for charset, word in words.items():
        inner = (
            b"Subject: %(w)b\r\nFrom: %(w)b <a@b.example>\r\nTo: c@d.example (%(w)b)\r\nX-Odd: %(w)b\r\n"
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n%(w)b\r\n"
            b"--b\r\nContent-Type: text/plain; charset=%(c)b\r\n\r\nx\r\n--b--\r\n"
        ) % {b"w": word.encode(charset), b"c": charset.encode()}
        outer = b"Subject: outer\r\nContent-Type: message/rfc822\r\n\r\n" + inner
        await append(account, INBOX, [Append(await prepared(octets)) for octets in (inner, outer)])
    async with imap.user() as c:
        for indexed in (False, True):
            account.search.enabled = indexed
            if indexed:
                await account.indexer.once()
            for number, word in enumerate(words.values()):
                one, wrapped = str(2 * number + 1), str(2 * number + 2)
                cases = {key: [one] for key in (f"{name} {word}" for name in ("SUBJECT", "FROM", "TO", "HEADER X-Odd"))}
                cases |= {f'TEXT "subject: {word}"': [one, wrapped], f"BODY {word}": [one, wrapped]}
                cases[f'BODY "from: {word}"'] = [wrapped]
                for program, found in cases.items():
                    quoted = re.sub(f" {word}$", f' "{word}"', program)
                    answer = await c.ok(f"a SEARCH CHARSET UTF-8 {quoted}".encode())
                    assert " ".join(["* SEARCH", *found]) in answer, (indexed, program)
