"""Searches of the webmail: what they find, how they come, what ends them; with and without the text index."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any, cast

import pytest
import trio

from moxlite.proto.mime.text import fold
from moxlite.store.accounts.accounts import account_findings
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.delivery.perform import append
from moxlite.store.mail.adding import Append
from moxlite.store.rows.conditions import Run
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.search import builder, finding, queries
from moxlite.store.search.index import Index, IndexedAccount
from moxlite.store.search.queries import Contains, Term
from moxlite.store.types import UID, Flag, MailboxID, MessageID, MessagesRemoved
from moxlite.web.webmail import queryactions
from moxlite.web.webmail.calls import searching
from moxlite.web.webmail.holders import Holder, Scope
from moxlite.web.webmail.live.entries import Entries
from moxlite.web.webmail.live.listing import ViewNews, follow
from moxlite.web.webmail.querytypes import Filter, Query
from tests.session.test_address_table import OWN, rows
from tests.store_mail import box, deliver_mail, look, prepared, put
from tests.tools import eventually
from tests.web_rig import Browser, Events, Rig

pytestmark = pytest.mark.served


def letter(subject: str, **fields: str) -> EmailMessage:
    """A message; `fields` are header fields by name, `text` is what it says."""
    found = EmailMessage()
    found["From"] = fields.pop("sender", "Ada Lindqvist <ada@nordlicht.example>")
    found["To"] = fields.pop("to", "mia@example.org")
    found["Subject"] = subject
    text = fields.pop("text", "Some text.\n")
    for name, value in fields.items():
        found[name.replace("_", "-")] = value
    found.set_content(text)
    return found


async def store(
    account: OpenAccount,
    message: EmailMessage,
    name: str = "Inbox",
    flags: Flag = Flag(0),
    keywords: tuple[str, ...] = (),
    day: int = 1,
) -> int:
    """Put a message into a mailbox, received on that day of January; its id."""
    octets = message.as_bytes().replace(b"\n", b"\r\n")
    received = (datetime(2026, 1, day, 12, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    item = Append(await prepared(octets), flags, keywords, received)
    return (await append(account, (await box(account, name)).id, [item]))[0].message_id


class Finder:
    """A browser's stream on which one search after the other is made."""

    def __init__(self, browser: Browser, events: Events, stream_id: int) -> None:
        self.browser, self.events, self.stream_id = browser, events, stream_id
        self.view_id = 1
        self.looked = 0

    async def ask(self, query: dict[str, Any], **page: Any) -> None:
        self.view_id += 1
        request = {"id": self.view_id, "stream_id": self.stream_id, "view_id": self.view_id, "query": query}
        await self.browser.call("request", request={**request, "page": {"count": 100, **page}})

    async def subjects(self, query: dict[str, Any], **page: Any) -> list[str]:
        """The subjects that a query finds, in order."""
        await self.ask(query, **page)
        found: list[str] = []
        while True:
            event = await self.events.next()
            assert event is not None
            if event["kind"] == "view_progress":
                self.looked = event["looked"]
            if event["kind"] != "view_msgs" or event["view_id"] != self.view_id:
                continue
            found += [thread[0]["subject"] for thread in event["items"]]
            if not event["items"]:
                return found

    async def filtered(self, **fields: Any) -> set[str]:
        """The subjects that a filter finds."""
        return set(await self.subjects({"filter": {"mailbox_id": -1, **fields}}))

    async def without(self, **fields: Any) -> set[str]:
        """The subjects that are left without these."""
        return set(await self.subjects({"filter": {"mailbox_id": -1}, "not_filter": fields}))


@pytest.fixture
async def finder(browser: Browser) -> Finder:
    """A stream that shows the Inbox."""
    events = await browser.events()
    start = await events.until("start")
    while (await events.until("view_msgs"))["items"]:
        pass
    return Finder(browser, events, start["stream_id"])


async def fill(rig: Rig) -> None:
    """Five messages, and one each in Junk, Trash and Archive."""
    async with rig.account() as account:
        await store(account, letter("Minutes of Tuesday", text="We met in the green room.\n"), day=1)
        files = letter(
            "Invoice", sender="Böra Ünal <bora@acme.example>", to="Tom <tom@example.org>", Cc="mia@example.org"
        )
        files.add_attachment(b"x" * 9000, maintype="application", subtype="pdf", filename="invoice.pdf")
        await store(account, files, flags=Flag.SEEN | Flag.FLAGGED, day=2)
        sheet = letter("Numbers", X_Project="Aurora borealis", DKIM_Signature="d=acme.example; b=AbCd")
        sheet.add_attachment(b"x", maintype="application", subtype="octet-stream", filename="q1.XLSX")
        await store(account, sheet, keywords=("receipts",), day=3)
        image = letter("Straße nach Köln", text="Grüße aus KÖLN\n")
        image.add_attachment(b"x", maintype="image", subtype="png", filename="a.png")
        await store(account, image, flags=Flag.SEEN | Flag.ANSWERED, day=4)
        await store(account, letter("Set", text="All of it, MINUTES too.\n"), "Archive", day=5)
        await store(account, letter("Minutes of spam"), "Junk")
        await store(account, letter("Minutes of old"), "Trash")


@pytest.mark.parametrize("indexed", [False, True])
async def test_raw_text_is_found_in_the_charset_of_the_texts(rig: Rig, finder: Finder, indexed: bool) -> None:
    """WEBMAIL-38, WEBMAIL-39, STORE-56: of fields, and of a text without a charset."""
    data = (
        "From: Анна <a@b.example>\r\nSubject: Отчёт\r\nX-Project: Аврора\r\n"
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nМай\r\n"
        "--b\r\nContent-Type: text/plain; charset=windows-1251\r\n\r\nx\r\n--b--\r\n"
    )
    async with rig.account() as account:
        await deliver_mail(account, data.encode("windows-1251"))
        if indexed:
            assert await account.indexer.once()
    assert await finder.filtered(**{"from": ["анна"]}) == {"Отчёт"}
    assert await finder.filtered(subject=["отчёт"]) == {"Отчёт"}
    assert await finder.filtered(headers=[{"name": "X-Project", "value": "аврора"}]) == {"Отчёт"}
    assert await finder.filtered(words=["аврора", "май"]) == {"Отчёт"}


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("sender", ["jörg@münchen.example", "jörg@xn--mnchen-3ya.example"])
async def test_an_address_is_found_in_each_spelling(rig: Rig, finder: Finder, indexed: bool, sender: str) -> None:
    """WEBMAIL-38, SMTP-2a: as people see it, and in A-labels, whichever the header has."""
    await fill(rig)
    async with rig.account() as account:
        await deliver_mail(account, f"From: Jörg <{sender}>\r\nSubject: Isar\r\n\r\nx\r\n".encode())
        if indexed:
            assert await account.indexer.once()
    for typed in ("jörg@münchen.example", "JÖRG@xn--mnchen-3ya.example", "münchen.example", "münch", "xn--mnchen-3ya"):
        assert await finder.filtered(**{"from": [typed]}) == {"Isar"}, typed
        assert await finder.filtered(any=[{"from": [typed], "subject": ["nowhere"]}]) == {"Isar"}, typed
    assert await finder.filtered(**{"from": ["munchen.example"]}) == set()


async def test_each_address_is_found_in_each_spelling(rig: Rig, finder: Finder) -> None:
    """WEBMAIL-38, SMTP-2a: each of the table, in a header in any spelling."""
    async with rig.account() as account:
        for address in OWN:
            for spelling in rows(address):
                await deliver_mail(
                    account, f"From: <{spelling}>\r\nTo: <{spelling}>\r\nSubject: x\r\n\r\nx\r\n".encode()
                )
    for address in OWN:
        for typed in rows(address):
            assert await finder.subjects({"filter": {"mailbox_id": -1, "from": [typed], "to": [typed]}}) == ["x"] * 4, (
                typed
            )


@pytest.mark.parametrize("indexed", [False, True])
async def test_each_criterion_finds_what_it_says(rig: Rig, finder: Finder, indexed: bool) -> None:
    """WEBMAIL-38, WEBMAIL-39, WEBMAIL-72: with and without the index; Junk and Trash stay out."""
    await fill(rig)
    if indexed:
        async with rig.account() as account:
            assert await account.indexer.once()
    names = {"Minutes of Tuesday", "Invoice", "Numbers", "Straße nach Köln", "Set"}
    tuesday, invoice, numbers, street, last = "Minutes of Tuesday", "Invoice", "Numbers", "Straße nach Köln", "Set"
    assert await finder.filtered() == names
    assert await finder.filtered(words=["minutes"]) == {tuesday, last}
    assert await finder.filtered(words=["MINUTES", "green"]) == {tuesday}
    assert await finder.filtered(words=["of it, minutes"]) == {last}
    assert await finder.filtered(words=["köln"]) == {street}
    assert await finder.filtered(**{"from": ["ünal"]}) == {invoice}
    assert await finder.filtered(**{"from": ["<bora@acme.example>"]}) == {invoice}
    assert await finder.filtered(to=["tom@"]) == {invoice}
    assert await finder.filtered(to=["<mia@example.org>"]) == names
    assert await finder.filtered(subject=["STRASSE"]) == {street}
    assert await finder.filtered(subject=["minutes"]) == {tuesday}
    assert await finder.filtered(labels=["receipts"]) == {numbers}
    # one of several (WEBMAIL-169)
    assert await finder.filtered(any=[{"words": ["green", "köln"]}]) == {tuesday, street}
    assert await finder.filtered(any=[{"from": ["ünal"], "subject": ["numbers", "tuesday"]}]) == {
        tuesday,
        invoice,
        numbers,
    }
    assert await finder.filtered(any=[{"subject": ["minutes", "invoice"]}, {"from": ["ada"]}]) == {tuesday}
    assert await finder.filtered(words=["minutes"], any=[{"words": ["green", "köln"]}]) == {tuesday}
    assert await finder.filtered(any=[{"from": ["-", "ünal"]}]) == {invoice}
    assert await finder.filtered(any=[{}]) == names
    assert await finder.filtered(labels=["\\flagged"]) == {invoice}
    assert await finder.filtered(labels=["\\Answered"]) == {street}
    assert await finder.filtered(unread=True) == {tuesday, numbers, last}
    assert await finder.filtered(headers=[{"name": "X-Project", "value": "aurora"}]) == {numbers}
    assert await finder.filtered(headers=[{"name": "x-project"}]) == {numbers}
    assert await finder.filtered(headers=[{"name": "X-Project", "value": "polaris"}]) == set()
    assert await finder.filtered(headers=[{"name": "DKIM-Signature", "value": "b=abc"}]) == {numbers}
    assert await finder.filtered(words=["b=abc"]) == set()
    assert await finder.filtered(size_min=9000) == {invoice}
    assert await finder.filtered(size_max=9000) == names - {invoice}
    assert await finder.filtered(oldest="2026-01-02T12:00:00Z", newest="2026-01-04T12:00:00Z") == {invoice, numbers}
    assert await finder.filtered(attachments="none") == {tuesday, last}
    assert await finder.filtered(attachments="any") == {invoice, numbers, street}
    assert await finder.filtered(attachments="pdf") == {invoice}
    assert await finder.filtered(attachments="spreadsheet") == {numbers}
    assert await finder.filtered(attachments="image") == {street}
    assert await finder.filtered(attachments="archive") == set()
    assert await finder.filtered(filenames=["INVOICE"]) == {invoice}
    assert await finder.filtered(filenames=[".xlsx"]) == {numbers}
    assert await finder.filtered(filenames=[".png", "a"]) == {street}
    assert await finder.filtered(filenames=["minutes"]) == set()
    assert await finder.filtered(any=[{"filenames": ["invoice", "q1"]}]) == {invoice, numbers}
    assert await finder.filtered(any=[{"filenames": ["invoice"], "subject": ["set"]}]) == {invoice, last}
    assert await finder.without(filenames=["a.png", "voice"]) == names - {invoice, street}
    assert await finder.without(words=["minutes"]) == names - {tuesday, last}
    assert await finder.without(**{"from": ["acme"]}) == names - {invoice}
    assert await finder.without(subject=["minutes"], labels=["\\seen"]) == {numbers, last}
    assert await finder.without(attachments=["image", "pdf"]) == {tuesday, numbers, last}
    # syntax of the index means nothing
    assert await finder.filtered(words=['minutes" OR "green']) == set()
    assert await finder.filtered(words=["minutes*"]) == set()
    async with rig.account() as account:
        junk = (await box(account, "Junk")).id
    assert await finder.filtered(mailbox_id=junk, words=["minutes"]) == {"Minutes of spam"}
    everywhere = {tuesday, last, "Minutes of spam", "Minutes of old"}
    assert await finder.filtered(mailbox_id=-2, words=["minutes"]) == everywhere
    await finder.events.aclose()


async def test_the_index_spares_looking_at_messages(rig: Rig, finder: Finder) -> None:
    """WEBMAIL-150: no scan where the index would do, but of the newest 300."""
    async with rig.account() as account:
        zebra = letter("Zebra crossing")
        zebra.add_attachment(b"x", maintype="image", subtype="png", filename="zebra.png")
        await store(account, zebra)
        await put(account, 600)
        assert await account.indexer.once()
    by_file: list[dict[str, Any]] = [
        {"filenames": ["zebra"]},
        {"filenames": ["png", "zebra"]},
        {"attachments": "image"},
    ]
    for criterion in ({"words": ["zebra"]}, {"subject": ["zebra"]}, {"from": ["lindqvist"]}, *by_file):
        assert await finder.filtered(**criterion) == {"Zebra crossing"}
        assert finder.looked == 301
    await finder.events.aclose()


async def test_common_words_are_found_before_the_index_is_asked(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-114, WEBMAIL-73: and what follows is found by the index, once each and in order, over all mailboxes."""
    asked: list[Term] = []
    ask = queries.candidates

    async def counted(index: Index, term: Term, *, most: int | None = None) -> queries.Candidates | None:
        asked.append(term)
        return await ask(index, term, most=most)

    monkeypatch.setattr(queries, "candidates", counted)
    async with rig.account() as account:
        for number in range(1, 41):
            name = ("Inbox", "Archive", "Sent")[number % 3]
            await store(account, letter(f"Invoice {number}"), name, day=1 + number % 28)
        assert await account.indexer.once()
        boxes = tuple([one.id for one in await look(account, mailboxes)])
        monkeypatch.setattr(finding, "FIRST", 7)
        for oldest_first in (False, True):
            wanted = finding.MessageQuery(boxes, term=Contains(fold("invoice")))
            search = finding.Search(account, wanted, oldest_first=oldest_first)
            found = [*await search.step()]
            assert len(found) == 7
            assert not asked
            while not search.done:
                found += await search.step()
            assert len(asked) == 1
            assert [one.place for one in found] == sorted([one.place for one in found], reverse=not oldest_first)
            assert len({one.message_id for one in found}) == search.looked == search.of == 40
            asked.clear()


async def test_a_search_is_read_by_positions_and_in_either_order(rig: Rig, finder: Finder) -> None:
    """WEBMAIL-37, WEBMAIL-40, WEBMAIL-42: all of it is in one order, over mailboxes."""
    async with rig.account() as account:
        for day in range(1, 9):
            await store(account, letter(f"Day {day}"), "Archive" if day % 2 else "Inbox", day=day)
    query = {"filter": {"mailbox_id": -1, "subject": ["day"]}}
    newest = [f"Day {day}" for day in range(8, 0, -1)]
    assert await finder.subjects(query) == newest
    assert await finder.subjects(query, position=5) == newest[5:]
    assert await finder.subjects({**query, "order_asc": True}, position=1, count=2) == newest[::-1][1:3]
    await finder.ask(query, position=100)
    event = await finder.events.until("view_msgs")
    assert (event["items"], event["total"], event["view_end"]) == ([], 8, True)
    await finder.events.aclose()


async def test_matches_come_while_the_rest_is_looked_for(
    rig: Rig, finder: Finder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-40, WEBMAIL-72: the page is there before the search is done; how far it is, is told."""
    async with rig.account() as account:
        await put(account, 60)
        account.search.enabled = False
    monkeypatch.setattr(finding, "PATIENCE", 0.0)
    await finder.ask({"filter": {"mailbox_id": -1, "words": ["hello"]}}, count=10)
    shown: list[int] = []
    while items := (event := await finder.events.until("view_msgs"))["items"]:
        shown += [thread[0]["uid"] for thread in items]
    assert shown == list(range(60, 50, -1))
    assert (event["total"] < 60, event["view_end"]) == (True, False)
    while not (event := await finder.events.until("view_progress"))["done"]:
        assert event["looked"] <= event["of"] == 60
    assert (event["total"], event["looked"], event["stopped"]) == (60, 60, False)
    await finder.events.aclose()


async def test_attachments_are_found_by_their_names(rig: Rig, finder: Finder) -> None:
    """WEBMAIL-38, STORE-110: as words, with the text index and without."""
    letter_with_file = EmailMessage()
    letter_with_file["Subject"] = "As promised"
    letter_with_file.set_content("See below.")
    letter_with_file.add_attachment(b"x", maintype="application", subtype="pdf", filename="Grundriss Küche.pdf")
    async with rig.account() as account:
        await deliver_mail(account, letter_with_file.as_bytes())
        for _ in range(2):
            assert await finder.filtered(words=["grundriss KÜCHE.pdf"], attachments="any") == {"As promised"}
            assert await finder.filtered(words=["attachment; filename"]) == set()
            await account.indexer.once()
    await finder.events.aclose()


async def test_a_search_without_much_of_its_index_says_how_far_that_is(
    rig: Rig, finder: Finder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-112a, WEBMAIL-40: so does the doctor, until all messages are indexed."""
    monkeypatch.setattr(builder, "FAR_BEHIND", 60)
    monkeypatch.setattr(builder, "BATCH", 40)
    monkeypatch.setattr(finding, "PATIENCE", 0.0)
    query = {"filter": {"mailbox_id": -1, "words": ["hello"]}}

    async def progress() -> list[int]:
        await finder.ask(query, count=10)
        event = await finder.events.until("view_progress")
        while event["view_id"] != finder.view_id:  # of the search before
            event = await finder.events.until("view_progress")
        index: list[int] = event["index"]
        return index

    async with rig.account() as account, trio.open_nursery() as nursery:
        await account.indexer.once()
        async with builder._take_turn():  # no batch is added meanwhile
            async with account.indexer._lock:
                await put(account, 100)
            nursery.start_soon(account.indexer.once)
            await eventually(lambda: account.search.preparation)
            assert await progress() == [0, 100]
            [told] = account_findings(rig.accounts)
            assert told.text == f"preparing search for {account.name}: 0 of 100 messages"
        await eventually(lambda: not account.search.preparation)
        assert account_findings(rig.accounts) == []
        assert await progress() == []
    await finder.events.aclose()


async def test_a_search_is_cancelled_and_keeps_what_it_found(
    rig: Rig, finder: Finder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-36, WEBMAIL-115: it says that it was stopped, and the same view can still be paged."""
    async with rig.account() as account:
        await put(account, 400)
        account.search.enabled = False
    monkeypatch.setattr(finding, "PATIENCE", 0.0)
    await finder.ask({"filter": {"mailbox_id": -1, "words": ["hello"]}}, count=5)
    while (await finder.events.until("view_msgs"))["items"]:
        pass
    ask = {"id": 50, "stream_id": finder.stream_id, "view_id": finder.view_id}
    await finder.browser.call("request", request={**ask, "cancel": True})
    while not (event := await finder.events.until("view_progress"))["done"]:
        pass
    assert event["stopped"]
    assert 5 <= event["total"] < 400
    await finder.browser.call("request", request={**ask, "id": 51, "page": {"count": 3, "position": 1}})
    page = await finder.events.until("view_msgs")
    assert [thread[0]["uid"] for thread in page["items"]] == [399, 398, 397]
    assert page["total"] == event["total"]
    await finder.events.aclose()


async def test_what_comes_and_goes_is_taken_up(rig: Rig, finder: Finder) -> None:
    """WEBMAIL-43: the browser is told to ask again when it is another view now, and only then."""
    async with rig.account() as account:
        await store(account, letter("Day 1"), day=1)
        await store(account, letter("Day 3"), day=3)
    query = {"filter": {"mailbox_id": -1, "subject": ["day"]}}
    assert await finder.subjects(query) == ["Day 3", "Day 1"]
    async with rig.account() as account:
        await store(account, letter("Nothing"), day=4)
        await store(account, letter("Day 2"), day=2)
    assert (await finder.events.until("view_stale"))["view_id"] == finder.view_id
    ask = {"id": 60, "stream_id": finder.stream_id, "view_id": finder.view_id}
    await finder.browser.call("request", request={**ask, "page": {"count": 10, "position": 0}})
    page = await finder.events.until("view_msgs")
    assert [thread[0]["subject"] for thread in page["items"]] == ["Day 3", "Day 2", "Day 1"]
    assert page["total"] == 3
    await finder.browser.call("message_delete", message_ids=[page["items"][0][0]["id"]])
    await finder.events.until("view_stale")
    await finder.browser.call("request", request={**ask, "id": 61, "page": {"count": 10, "position": 0}})
    page = await finder.events.until("view_msgs")
    assert [thread[0]["subject"] for thread in page["items"]] == ["Day 2", "Day 1"]
    await finder.events.aclose()


@pytest.mark.parametrize("threading", ["off", "on"])
async def test_what_gets_and_loses_a_label_is_taken_up(rig: Rig, finder: Finder, threading: str) -> None:
    """WEBMAIL-43: by whoever it was changed; that a message was read makes it no other one."""
    async with rig.account() as account:
        first = await store(account, letter("Day 1"), day=1)
        second = await store(account, letter("Day 2"), day=2)
        await store(account, letter("Day 3"), day=3)
    call = finder.browser.call
    await call("flags_add", message_ids=[first], flags=["garden"])
    query = {"filter": {"mailbox_id": -1, "labels": ["garden"]}, "threading": threading}
    assert await finder.subjects(query) == ["Day 1"]

    async def changed(number: int) -> list[str]:
        await finder.events.until("view_stale")
        ask = {"id": number, "stream_id": finder.stream_id, "view_id": finder.view_id}
        await call("request", request={**ask, "page": {"count": 10, "position": 0}})
        found: list[str] = []
        while (page := await finder.events.until("view_msgs"))["items"]:
            found += [thread[0]["subject"] for thread in page["items"]]
        return found

    await call("flags_add", message_ids=[second], flags=["garden"])
    assert await changed(60) == ["Day 2", "Day 1"]
    await call("flags_clear", message_ids=[first], flags=["garden"])
    assert await changed(61) == ["Day 2"]
    await call("flags_clear", message_ids=[second], flags=["garden"])
    assert await changed(62) == []


async def test_what_is_wrong_in_a_filter_is_refused(browser: Browser) -> None:
    """WEBMAIL-24, WEBMAIL-38."""
    request = {"id": 1, "view_id": 1, "stream_id": 1, "page": {"count": 1}}
    for wrong in ({"words": [""]}, {"size_min": -1}, {"attachments": "film"}, {"headers": [{"name": "a b"}]}):
        status, code = await browser.error("request", request={**request, "query": {"filter": wrong}})
        assert (status, code) == (400, "user:error"), wrong


async def test_an_action_on_all_that_a_search_finds(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-69, WEBMAIL-137: over mailboxes, in several calls."""
    monkeypatch.setattr(queryactions, "UNIT", 3)
    async with rig.account() as account:
        ids = [
            await store(account, letter(f"Day {day}"), "Archive" if day % 2 else "Inbox", day=day)
            for day in range(1, 9)
        ]
        other = await store(account, letter("Nothing"))
        modseq = await look(account, lambda r: int(r.value("SELECT modseq FROM state")))
    action = {"query": {"filter": {"mailbox_id": -1, "subject": ["day"]}}, "modseq": modseq, "except_ids": [ids[2]]}
    flagging = {**action, "action": "flags_add", "flags": ["\\flagged"]}
    after: object = None
    changed: list[int] = []
    calls = 0
    while calls == 0 or after is not None:
        done = await browser.call("query_action", action={**flagging, "after": after})
        changed += done["message_ids"]
        after, calls = done["after"], calls + 1
    assert sorted(changed) == sorted(set(ids) - {ids[2]})
    assert calls == 3
    assert other not in changed


async def test_what_was_sent_stays_where_it_is(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-70: of a search over mailboxes; of Sent itself it goes."""
    async with rig.account() as account:
        here = await store(account, letter("Day 1"))
        sent = await store(account, letter("Day 2"), "Sent")
        archive, of_sent = (await box(account, "Archive")).id, (await box(account, "Sent")).id
        modseq = await look(account, lambda r: int(r.value("SELECT modseq FROM state")))
    action = {"modseq": modseq, "action": "move", "mailbox_id": archive}
    query = {"filter": {"mailbox_id": -1, "subject": ["day"]}}
    assert (await browser.call("query_action", action={**action, "query": query}))["message_ids"] == [here]
    query = {"filter": {"mailbox_id": of_sent, "subject": ["day"]}}
    assert (await browser.call("query_action", action={**action, "query": query}))["message_ids"] == [sent]


async def test_a_glance_is_the_newest_five(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-73: what the drop-down shows while a search is typed."""
    async with rig.accounts.use("mia") as account:
        for day in range(1, 8):
            await store(account, letter(f"Boat {day}"), day=day)
        await store(account, letter("Boat in Trash"), "Trash", day=9)
        await store(account, letter("Harbour"), day=9)
    found = await browser.call("search_glance", query={"filter": {"mailbox_id": -1, "words": ["boat"]}})
    assert [one["subject"] for one in found] == [f"Boat {day}" for day in (7, 6, 5, 4, 3)]
    assert await browser.call("search_glance", query={"filter": {"mailbox_id": -1, "words": ["nowhere"]}}) == []
    shared = {"filter": {"mailbox_id": (1 << 32) + 1}}
    assert (await browser.error("search_glance", query=shared))[0] == 403


async def test_files_are_listed_newest_first(rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-184: part by part, with the files that are asked for, whether the text index knows them or not."""
    monkeypatch.setattr(searching, "FILES", 2)

    async def files(**fields: Any) -> list[str]:
        query = {"filter": {"mailbox_id": -1, "attachments": "any", **fields}}
        names: list[str] = []
        after = None
        while True:
            listed = await browser.call("files", query=query, after=after)
            names += [file["filename"] for message in listed["messages"] for file in message["attachments"]]
            after = listed["after"]
            if after is None:
                return names

    assert await files() == []
    async with rig.account() as account:
        for day in range(1, 6):
            plan = letter(f"Plan {day}")
            for kind, name in (("pdf", f"plan {day}.pdf"), ("zip", f"all {day}.zip")):
                plan.add_attachment(b"x", maintype="application", subtype=kind, filename=name)
            await store(account, plan, day=day)
            await store(account, letter("plan without a file"), day=day)
        await store(account, plan, "Archive", day=6)
        await store(account, plan, "Trash", day=7)
        archive = (await box(account, "Archive")).id
        for _ in range(2):
            plans = [f"plan {day}.pdf" for day in (5, 5, 4, 3, 2, 1)]
            assert await files(attachments="pdf") == plans
            assert await files(filenames=["Plan"]) == plans
            assert await files(filenames=["3"]) == ["plan 3.pdf", "all 3.zip"]
            assert await files(filenames=["4"], attachments="archive") == ["all 4.zip"]
            assert await files(mailbox_id=archive) == ["plan 5.pdf", "all 5.zip"]
            assert len(await files()) == 12
            await account.indexer.once()
    named = await browser.call("files", query={"filter": {"mailbox_id": -1}}, after=None)
    assert {box["name"] for box in named["mailboxes"]} >= {"Inbox", "Archive"}
    assert not {box["name"] for box in named["mailboxes"]} & {"Trash", "Junk"}
    assert (await browser.error("files", query={"filter": {"mailbox_id": (1 << 32) + 1}}))[0] == 403


async def test_a_list_is_sorted_by_sender_size_or_unread_first(rig: Rig, finder: Finder) -> None:
    """WEBMAIL-37, WEBMAIL-66b: messages of the same rank are in the order of reception; positions hold."""
    async with rig.account() as account:
        for day, (sender, lines, flags) in enumerate(
            [("zoe", 1, Flag(0)), ("ada", 40, Flag.SEEN), ("Bo", 20, Flag(0)), ("ada", 2, Flag.SEEN)], 1
        ):
            one = letter(f"Day {day}", sender=f"{sender} <{sender}@a.example>", text="A line of text.\n" * lines)
            await store(account, one, flags=flags, day=day)
        inbox = (await box(account, "Inbox")).id
    query = {"filter": {"mailbox_id": inbox}}
    for threading in ("off", "on"):
        by = {"sender": ["Day 4", "Day 2", "Day 3", "Day 1"], "size": ["Day 2", "Day 3", "Day 4", "Day 1"]}
        by["unread"] = ["Day 3", "Day 1", "Day 4", "Day 2"]
        for order, wanted in by.items():
            assert await finder.subjects({**query, "order": order, "threading": threading}) == wanted
            assert await finder.subjects({**query, "order": order, "threading": threading}, position=2) == wanted[2:]
    found = {"filter": {"mailbox_id": inbox, "subject": ["day"]}, "order": "sender"}
    assert await finder.subjects(found) == ["Day 4", "Day 2", "Day 3", "Day 1"]
    async with rig.account() as account:
        await store(account, letter("Day 9", sender="Bo <bo@a.example>"), day=9)
    await finder.events.until("view_stale")
    assert await finder.subjects(found) == ["Day 4", "Day 2", "Day 9", "Day 3", "Day 1"]
    await finder.events.aclose()


async def test_new_mail_takes_its_place_in_a_sorted_list(rig: Rig, finder: Finder) -> None:
    """WEBMAIL-43, WEBMAIL-66b: a list that is shown is told to be stale, and then has the message at its place."""
    async with rig.account() as account:
        for day, sender in enumerate(("ada", "Bo", "zoe"), 1):
            await store(account, letter(f"Day {day}", sender=f"{sender} <{sender}@a.example>"), day=day)
        inbox = (await box(account, "Inbox")).id
    query = {"filter": {"mailbox_id": inbox}, "order": "sender"}
    assert await finder.subjects(query) == ["Day 1", "Day 2", "Day 3"]
    async with rig.account() as account:
        await store(account, letter("Day 9", sender="Bo <bo@a.example>"), day=9)
    await finder.events.until("view_stale")
    request = {"id": 99, "stream_id": finder.stream_id, "view_id": finder.view_id, "page": {"count": 9, "position": 0}}
    await finder.browser.call("request", request=request)
    event = await finder.events.until("view_msgs")
    assert [thread[0]["subject"] for thread in event["items"]] == ["Day 1", "Day 9", "Day 2", "Day 3"]
    await finder.events.aclose()


async def test_a_thousand_messages_that_leave_a_long_list_do_not_hold_the_loop() -> None:
    """WEBMAIL-42, WEBMAIL-115: each alone would search all 100,000 places of the list."""
    query, number, turns = Query(Filter(mailbox_id=1), order_asc=True), 100_000, 0
    holder = Holder(owner="mia", account=cast("IndexedAccount", None))
    entries = Entries(query, selective=False)
    ids = list(range(1, number + 1))
    entries.append(holder, Run(ids, ids, ids))
    entries.end()
    gone = tuple(map(MessageID, range(number - 1000, number, 2)))
    event = MessagesRemoved(
        mailbox_id=MailboxID(1), uids=tuple(map(UID, gone)), message_ids=gone, uidnext=UID(1), exists=0, unseen=0
    )

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(count_turns)
        news = ViewNews(added=[], relabelled=[], removed=[event], moved=[])
        assert await follow(entries, query, Scope(holder, frozenset({MailboxID(1)})), news)
        nursery.cancel_scope.cancel()
    assert turns >= 5
    assert list(entries.ids) == list(entries.received) == list(entries.threads) == sorted({*ids} - {*gone})


@pytest.mark.parametrize("indexed", [False, True])
async def test_people_and_newsletters_are_told_apart(rig: Rig, finder: Finder, indexed: bool) -> None:
    """WEBMAIL-38, WEBMAIL-181b: by the header of the message, also of mail that no delivery looked at."""
    async with rig.account() as account:
        await store(account, letter("Lisbon"))
        await store(account, letter("Ten walks", List_Unsubscribe="<https://shop.example/leave>"))
        await store(
            account, letter("Choir", List_Id="Choir <choir.lists.example>", List_Post="<mailto:choir@lists.example>")
        )
        await store(account, letter("Your order", sender="Shop <no-reply@shop.example>"))
        await store(account, letter("Disk full", Auto_Submitted="auto-generated"))
        await store(account, letter("Sale", Precedence="bulk"))
        if indexed:
            assert await account.indexer.once()
        assert await finder.filtered(writers="people") == {"Lisbon"}
        assert await finder.filtered(writers="newsletters") == {"Ten walks", "Choir"}
        assert await finder.filtered(writers="people", words=["some"]) == {"Lisbon"}
        assert await finder.subjects({"filter": {"mailbox_id": 0, "writers": "people"}}) == ["Lisbon"]
