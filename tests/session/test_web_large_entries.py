"""Entries of calendars and address books as large as they may be: no answer holds all of them (STORE-199)."""

from operator import attrgetter

import pytest

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.collection import collections_of
from moxlite.store.groupware.resources import (
    TOGETHER,
    Resource,
    ResourceFacts,
    card_facts,
    put_resource,
    resources_of,
    together,
)
from tests.jmap_rig import Client, rig
from tests.memory import at_most
from tests.web_rig import Rig

pytestmark = pytest.mark.served

__all__ = ["rig"]

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
