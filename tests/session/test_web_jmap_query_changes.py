"""Random histories of contacts, events and mailboxes: a client that follows the results of a query by /queryChanges has
the same list as one that asks anew (RFC 8620 §5.6).
"""

import random
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.jmap_rig import JMAP, Client, Object, rig
from tests.session.test_web_jmap_calendars import LUNCH, WEEKLY
from tests.web_rig import DOMAINS, STATIC, Rig, open_rig

pytestmark = pytest.mark.served

__all__ = ["rig"]

NAMES = ("Ada", "Bob", "Cem", "Dana")
QUERIES: dict[str, tuple[Object, ...]] = {
    "ContactCard": (
        {},
        {"filter": {"text": "ada"}},
        {"sort": [{"property": "name/surname"}, {"property": "updated", "isAscending": False}]},
        {"filter": {"inAddressBook": "B2"}, "sort": [{"property": "created", "isAscending": False}]},
    ),
    "CalendarEvent": (
        {},
        {"filter": {"title": "ada"}},
        {"filter": {"after": "2026-11-15T00:00:00", "before": "2026-12-10T00:00:00"}},
        {"filter": {"inCalendar": "K1"}, "sort": [{"property": "start", "isAscending": False}]},
    ),
    "Mailbox": (
        {},
        {"filter": {"hasAnyRole": False}, "sort": [{"property": "name"}]},
        {"sort": [{"property": "sortOrder"}], "sortAsTree": True},
    ),
}
SHELVES = {"ContactCard": ("AddressBook", "addressBookIds"), "CalendarEvent": ("Calendar", "calendarIds")}


def card(name: str) -> Object:
    parts = [{"kind": "given", "value": "x"}, {"kind": "surname", "value": name}]
    return {"name": {"full": f"x {name}", "components": parts}}


class Memory:
    """The results of one query, as a client knows them."""

    def __init__(self, client: Client, kind: str, query: Object) -> None:
        self.client, self.kind, self.query = client, kind, query
        self.results: list[str] = []
        self.state = ""

    async def read(self) -> None:
        found = await self.client.call(f"{self.kind}/query", **self.query)
        assert found["canCalculateChanges"]
        self.results, self.state = found["ids"], found["queryState"]

    async def follow(self) -> None:
        found = await self.client.call(f"{self.kind}/queryChanges", sinceQueryState=self.state, **self.query)
        gone = {*found["removed"]}
        self.results = [one for one in self.results if one not in gone]
        for one in found["added"]:
            self.results.insert(one["index"], one["id"])
        self.state = found["newQueryState"]

    async def check(self) -> None:
        before, state = self.results, self.state
        await self.read()
        assert (before, state) == (self.results, self.state), (self.kind, self.query)


async def change(client: Client, choice: random.Random, kind: str) -> None:
    """One change of an entry, or of the shelf that it is on."""
    shelf, ids = SHELVES[kind]
    shelves = [one["id"] for one in (await client.call(f"{shelf}/get", properties=["id"]))["list"]]
    known = (await client.call(f"{kind}/query"))["ids"]
    some = choice.sample(known, min(len(known), choice.choice([1, 1, 3])))
    name = choice.choice(NAMES)
    match choice.choice(["add", "add", "add", "change", "change", "move", "destroy", "shelf"]):
        case "add" if kind == "ContactCard":
            await done(client, kind, create={"a": {**card(name), ids: {choice.choice(shelves): True}}})
        case "add":
            event = {**choice.choice([LUNCH, WEEKLY]), "title": name, ids: {choice.choice(shelves): True}}
            event["start"] = f"2026-11-{choice.randint(10, 30)}T12:00:00"
            await done(client, kind, create={"a": event})
        case "change":
            patch = card(name) if kind == "ContactCard" else {"title": name}
            await done(client, kind, update=dict.fromkeys(some, patch))
        case "move":
            await done(client, kind, update={one: {ids: {choice.choice(shelves): True}} for one in some})
        case "destroy":
            await done(client, kind, destroy=some)
        case "shelf":
            await done(client, shelf, update={choice.choice(shelves): {"sortOrder": choice.randint(0, 9)}})


async def done(client: Client, kind: str, **arguments: Any) -> None:
    found = await client.call(f"{kind}/set", **arguments)
    assert (found["notCreated"], found["notUpdated"], found["notDestroyed"]) == (None, None, None), found


async def change_mailbox(client: Client, choice: random.Random) -> None:
    own = [one["id"] for one in (await client.call("Mailbox/get"))["list"] if one["role"] is None]
    name = f"{choice.choice(NAMES)} {choice.randint(1, 10_000)}"
    match choice.choice(["add", "rename", "order", "destroy"]) if own else "add":
        case "add":
            await done(client, "Mailbox", create={"a": {"name": name}})
        case "rename":
            await done(client, "Mailbox", update={choice.choice(own): {"name": name}})
        case "order":
            await done(client, "Mailbox", update={choice.choice(own): {"sortOrder": choice.randint(0, 9)}})
        case "destroy":
            await done(client, "Mailbox", destroy=[choice.choice(own)])


async def play(rig: Rig, seed: int, histories: int) -> None:
    choice, client = random.Random(seed), Client(rig)
    for shelf, _ in SHELVES.values():
        await client.call(f"{shelf}/set", create={"a": {"name": "Work"}})
    for _ in range(histories):
        kind = choice.choice([*QUERIES])
        known = [Memory(client, kind, query) for query in QUERIES[kind]]
        for one in known:
            await one.read()
        for _ in range(choice.randint(1, 8)):
            await (change_mailbox(client, choice) if kind == "Mailbox" else change(client, choice, kind))
            if choice.random() < 0.3:
                await choice.choice(known).follow()
        for one in known:
            await one.follow()
            await one.check()


async def test_results_follow_the_changes(rig: Rig) -> None:
    """JMAP-25, JMAP-62, JMAP-74: of cards, events and mailboxes."""
    await play(rig, 1, 12)


@pytest.mark.nightly(smoke="tests/session/test_web_jmap_query_changes.py::test_results_follow_the_changes")
@pytest.mark.parametrize("seed", range(100, 110))
async def test_results_follow_a_thousand_histories(tmp_path: Path, seed: int) -> None:
    """JMAP-62, JMAP-74, JMAP-10"""
    static = 'rate_limits.exempt = ["192.0.2.0/24"]\n' + STATIC + JMAP
    async with trio.open_nursery() as nursery:
        await play(await open_rig(tmp_path, nursery, static=static, domains=DOMAINS), seed, 100)
        nursery.cancel_scope.cancel()


async def test_changes_that_are_not_known_are_not_told(rig: Rig) -> None:
    """JMAP-62, JMAP-74: after a calendar or address book is gone, of expanded series, and of states in the future."""
    client = Client(rig)
    for kind, (shelf, ids) in SHELVES.items():
        made = (await client.call(f"{shelf}/set", create={"a": {"name": "Work"}}))["created"]["a"]["id"]
        entry, again = (card("Ada"), card("Bob")) if kind == "ContactCard" else (WEEKLY, {"title": "Bob"})
        await done(client, kind, create={"a": {**entry, ids: {made: True}}})
        found = await client.call(f"{kind}/query")
        assert found["canCalculateChanges"]
        same = await client.call(f"{kind}/queryChanges", sinceQueryState=found["queryState"], calculateTotal=True)
        assert (same["removed"], same["added"], same["total"]) == ([], [], 1)
        await done(client, kind, update={found["ids"][0]: again})
        assert await client.error(f"{kind}/queryChanges", sinceQueryState=found["queryState"], maxChanges=1) == (
            "tooManyChanges"
        )
        assert await client.error(f"{kind}/queryChanges", sinceQueryState="99999") == "cannotCalculateChanges"
        remove = {"onDestroyRemoveContents": True} if kind == "ContactCard" else {"onDestroyRemoveEvents": True}
        await done(client, shelf, destroy=[made], **remove)
        assert await client.error(f"{kind}/queryChanges", sinceQueryState=found["queryState"]) == (
            "cannotCalculateChanges"
        )
    stretch: Object = {"after": "2026-11-01T00:00:00", "before": "2027-02-01T00:00:00"}
    series: Object = {"filter": stretch, "expandRecurrences": True}
    found = await client.call("CalendarEvent/query", **series)
    assert found["canCalculateChanges"] is False
    error = await client.error("CalendarEvent/queryChanges", sinceQueryState=found["queryState"], **series)
    assert error == "cannotCalculateChanges"


async def test_other_queries_have_changes(rig: Rig) -> None:
    """JMAP-25, JMAP-33a, JMAP-78: submissions but for filters that time changes, the quota, principals."""
    client = Client(rig)
    for kind, wish in (("EmailSubmission", None), ("Quota", None), ("Principal", {})):
        found = await client.call(f"{kind}/query", filter=wish)
        same = await client.call(f"{kind}/queryChanges", sinceQueryState=found["queryState"], filter=wish)
        assert (same["removed"], same["added"], same["newQueryState"]) == ([], [], found["queryState"])
    timed: Object = {"operator": "NOT", "conditions": [{"undoStatus": "final"}]}
    found = await client.call("EmailSubmission/query", filter=timed)
    assert found["canCalculateChanges"] is False
    state = found["queryState"]
    assert await client.error("EmailSubmission/queryChanges", sinceQueryState=state, filter=timed) == (
        "cannotCalculateChanges"
    )
    assert await client.error("Principal/changes", sinceState="0") == "cannotCalculateChanges"
    state = (await client.call("Principal/get"))["state"]
    assert (await client.call("Principal/changes", sinceState=state))["created"] == []
    refused = await client.call("Principal/set", create={"a": {}}, update={"umia": {}}, destroy=["unobody"])
    kinds = [refused[name][key]["type"] for name, key in (("notCreated", "a"), ("notUpdated", "umia"))]
    assert (kinds, refused["notDestroyed"]["unobody"]["type"]) == (["forbidden"] * 2, "notFound")
