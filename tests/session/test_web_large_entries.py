"""Entries of calendars and address books as large as they may be: no answer holds all of them (STORE-199)."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from operator import attrgetter
from typing import Any

import pytest
import trio
import trio.testing

from moxlite.ledger import begin, ledger
from moxlite.proto.cards import components, contentline
from moxlite.proto.cards.calendarobject import read_object
from moxlite.proto.cards.contentline import Property
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.collection import collections_of
from moxlite.store.groupware.entryfacts import RenewedFacts, facts_due, facts_of_entry, renew_facts
from moxlite.store.groupware.resources import (
    TOGETHER,
    Resource,
    ResourceFacts,
    card_facts,
    put_resource,
    resources_of,
    together,
)
from moxlite.store.people.gathering import Gatherer
from moxlite.web.dav.reports import Reports
from tests.browsing import Answer
from tests.house import soon
from tests.jmap_rig import Client, rig
from tests.memory import at_most
from tests.session.test_web_dav import HOME, SPACES, Program, event, mia
from tests.web_rig import Browser, Rig

pytestmark = pytest.mark.served

__all__ = ["mia", "rig"]

NUMBER = 40
TEXT = b"x" * 900_000


async def put(rig: Rig) -> None:
    """Put cards and events of 900 kB."""

    def add(tx: AccountTx, number: int) -> None:
        card = b"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:c%d\r\nFN:C\r\nNOTE:%b\r\nEND:VCARD\r\n" % (number, TEXT)
        [book] = collections_of(tx, "contact")
        put_resource(tx, book.id, f"{number}.vcf", card, card_facts(card))
        lines = b"UID:e%d\r\nDTSTART:20260102T100000Z\r\nDESCRIPTION:%b" % (number, TEXT)
        data = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\n%b\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n" % lines
        calendar = next(one for one in collections_of(tx, "calendar") if not one.inbox)
        facts = ResourceFacts(f"e{number}", "VEVENT", "E", (), 1_767_348_000, 1_767_348_000)
        put_resource(tx, calendar.id, f"{number}.ics", data, facts)

    async with rig.account() as account:
        for number in range(NUMBER):
            await account.write(lambda tx: add(tx, number))  # noqa: B023 at once


async def test_no_answer_holds_all_large_entries(rig: Rig) -> None:
    """STORE-199, JMAP-5a: a query reads one after the other; what would be too long for an answer is not read on."""
    client = Client(rig)
    await client.call("Calendar/get")
    await put(rig)
    with at_most(15_000_000):
        found = await client.call("ContactCard/query", sort=[{"property": "name/given"}])
    assert len(found["ids"]) == NUMBER
    assert await client.error("ContactCard/get") == "requestTooLarge"
    with at_most(25_000_000):
        events = (await client.call("CalendarEvent/query"))["ids"]
    assert len(events) == NUMBER
    with at_most(60_000_000):
        error = await client.error("CalendarEvent/get", ids=events)
    assert error == "requestTooLarge"
    assert len((await client.call("CalendarEvent/get", ids=events[:4], properties=["title"]))["list"]) == 4


async def test_entries_are_read_by_their_octets(rig: Rig) -> None:
    """STORE-199: at least one, and no more once they have many octets."""
    await Client(rig).call("Calendar/get")
    await put(rig)

    async with rig.account() as account:

        def read(r: Reader) -> list[Resource]:
            [book] = collections_of(r, "contact")
            return resources_of(r, book.id, 0, 100)

        resources = await account.read(read, op="test")
    assert len(resources) == NUMBER
    assert [*together(resources, attrgetter("size"))] == resources[:1]
    assert resources[0].size > TOGETHER


SPAN = {"since": 1_795_000_000, "until": 1_797_000_000}
WITHIN = '<C:time-range start="20261115T000000Z" end="20261215T000000Z"/>'
EVENTS = f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">{WITHIN}</C:comp-filter></C:comp-filter>'
QUERY = f"<C:calendar-query {SPACES}><D:prop><D:getetag/></D:prop><C:filter>{EVENTS}</C:filter></C:calendar-query>"


@pytest.mark.parametrize("stored", [True, False])
async def test_views_read_no_entry(
    rig: Rig, mia: Program, browser: Browser, monkeypatch: pytest.MonkeyPatch, stored: bool
) -> None:
    """DAV-9b: what views show was computed when the entry was put, or in the background for one from before."""
    calendar_id = (await browser.call("calendars"))[0]["id"]
    lines = "RRULE:FREQ=DAILY", "ORGANIZER:mailto:tom@x.example", "ATTENDEE;PARTSTAT=TENTATIVE:mailto:mia@example.org"
    assert (await mia.put("s.ics", event("1", "DTSTART:20261101T100000Z", "DURATION:PT1H", *lines))).status == 201
    assert (await mia.put("o.ics", event("2", "DTSTART;VALUE=DATE:20261120", "CLASS:PRIVATE"))).status == 201
    if not stored:
        async with rig.account() as account:
            await account.write(lambda tx: tx.execute("UPDATE entry_facts SET version = 0, data = x''"))
            await Gatherer(account).once()
    read = contentline.unfolded

    def refused(text: str) -> Any:
        assert "BEGIN:VEVENT" not in text
        return read(text)

    monkeypatch.setattr(components, "unfolded", refused)
    with pytest.raises(AssertionError):  # the witness sees what it should
        read_object(event("1", "DTSTART:20261101T100000Z").encode())
    found = await browser.call("events", **SPAN, calendar_ids=[calendar_id])
    assert {(item["clock"], item["answer"], item["guests"]) for item in found["events"]} == {
        ("utc", "maybe", 0),
        ("date", "", 0),
    }
    [mine] = await browser.call("busy_times", people=[], since=1_795_500_000, until=1_795_600_000)
    assert {busy["tentative"] for busy in mine["times"]} == {True}
    assert (await mia.ask("REPORT", HOME, QUERY, depth="1")).body.count(b"getetag>") == 4
    busy = await mia.ask("REPORT", HOME, f"<C:free-busy-query {SPACES}>{WITHIN}</C:free-busy-query>", depth="1")
    assert busy.body.count(b"FBTYPE=BUSY-TENTATIVE") == 30
    assert (await mia.ask("PROPFIND", HOME, depth="1")).status == 207


async def test_facts_of_entries_that_changed_meanwhile_are_not_stored(rig: Rig, mia: Program) -> None:
    """DAV-9b: they are of other octets; and what can't be read is not tried again."""
    await mia.put("a.ics", event("1", "DTSTART:20261101T100000Z"))
    async with rig.account() as account:

        def spoil(tx: AccountTx) -> list[RenewedFacts]:
            tx.execute("UPDATE entry_facts SET version = 0, data = x''")
            return facts_due(tx)

        [old] = await account.write(spoil)
        await mia.put("a.ics", event("1", "DTSTART:20261102T100000Z"))
        now = await account.read(lambda r: facts_of_entry(r, old.resource_id), op="test")
        await account.write(lambda tx: tx.execute("UPDATE entry_facts SET version = 0"))
        await account.write(lambda tx: renew_facts(tx, [old]))
        assert len(await account.scan(facts_due, op="test")) == 1
        await Gatherer(account).once()
        assert await account.read(lambda r: facts_of_entry(r, old.resource_id), op="test") == now

        def damage(tx: AccountTx) -> int:
            calendar = next(one for one in collections_of(tx, "calendar") if not one.inbox)
            return put_resource(tx, calendar.id, "bad.ics", b"x", ResourceFacts("2", "VEVENT"))[0].id

        bad = await account.write(damage)
        await Gatherer(account).once()
        assert await account.read(lambda r: facts_of_entry(r, bad), op="test") is None
        assert await account.scan(facts_due, op="test") == []


async def test_reports_hold_a_large_entry_one_at_a_time(mia: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-198a, DAV-18a: entries are parsed once there is room for their objects, not while they wait for a thread;
    pruned ones are not parsed again; and all reports get their answer.
    """
    lines = "DTSTART:20260101T100000Z", "RRULE:FREQ=DAILY", *("X:" for _ in range(5_000))
    assert (await mia.put("l.ics", event("1", *lines))).status == 201
    begin(6 << 20)  # of which an account has half, and the entry takes 2.8 MB with a portion of its text
    held = most = 0
    shown, rows = Reports._shown, Reports._passing

    async def passing(reports: Reports, *arguments: Any) -> Any:
        nonlocal held, most
        held += 1
        most = max(most, held)
        return await rows(reports, *arguments)

    async def counted(reports: Reports, *arguments: Any) -> AsyncIterator[str]:
        nonlocal held
        try:
            async with aclosing(shown(reports, *arguments)) as portions:
                async for portion in portions:
                    yield portion
        finally:
            held -= 1

    monkeypatch.setattr(Reports, "_passing", passing)
    monkeypatch.setattr(Reports, "_shown", counted)
    expand = '<C:expand start="20260601T000000Z" end="20260604T000000Z"/><C:comp name="VCALENDAR"><C:allprop/>'
    data = f"<D:prop><C:calendar-data>{expand}<C:allcomp/></C:comp></C:calendar-data></D:prop>"
    within = '<C:time-range start="20260601T000000Z" end="20260604T000000Z"/>'
    named = '<C:prop-filter name="UID"/>'  # not among the facts, so it is parsed
    filter_ = (
        f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">{within}{named}</C:comp-filter></C:comp-filter>'
    )
    body = f"<C:calendar-query {SPACES}>{data}<C:filter>{filter_}</C:filter></C:calendar-query>"
    answers: list[Answer] = []

    async def ask() -> None:
        answers.append(await mia.ask("REPORT", HOME, body, depth="1"))

    async with trio.open_nursery() as nursery:
        for _ in range(6):
            nursery.start_soon(ask)
    assert {answer.status for answer in answers} == {207}
    assert {answer.body.count(b"BEGIN:VEVENT") for answer in answers} == {3}
    assert most == 1
    await soon(lambda: ledger().octets == 0, "all is given back")


@pytest.mark.parametrize("alone", [True, False])
async def test_jmap_looks_at_each_component_a_few_times(
    rig: Rig, mia: Program, monkeypatch: pytest.MonkeyPatch, alone: bool
) -> None:
    """DAV-9b, JMAP-60: whatever number of times an answer has, also of a user who was invited to events alone."""
    client = Client(rig)
    await client.call("Calendar/get")
    looked = 0
    first = components.Component.first

    def counted(component: components.Component, name: str) -> Property | None:
        nonlocal looked
        looked += 1
        return first(component, name)

    monkeypatch.setattr(components.Component, "first", counted)
    found: list[int] = []
    for number in (10, 40):
        days = [f"202611{day % 28 + 1:02}T{day // 28:02}3000Z" for day in range(number)]
        parts = [("1", f"RECURRENCE-ID:{day}", f"DTSTART:{day}") for day in days]
        series = "DTSTART:20261101T003000Z", f"RRULE:FREQ=DAILY;COUNT={number}"
        texts = [event(*part) for part in parts] if alone else [event("1", *series)]
        inner = "".join(text[text.index("BEGIN:VEVENT") : text.index("END:VCALENDAR")] for text in texts)
        head = texts[0][: texts[0].index("BEGIN:VEVENT")]
        assert (await mia.put("s.ics", f"{head}{inner}END:VCALENDAR\r\n")).status in (201, 204)
        looked = 0
        wish = {"after": "2026-10-01T00:00:00", "before": "2027-02-01T00:00:00"}
        ids = (await client.call("CalendarEvent/query", filter=wish, expandRecurrences=True))["ids"]
        assert len(ids) == number
        await client.call("CalendarEvent/query", filter=wish)
        assert len((await client.call("CalendarEvent/get"))["list"]) == (number if alone else 1)
        found.append(looked)
    assert found[1] <= (5 if alone else 1.2) * found[0]
