"""Random histories: what two clients know of an account after /changes and /queryChanges is what a full read shows."""

import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio

from moxlite.store.mail.copying import copy_ids
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.rows.emails import emails
from moxlite.store.types import Flag, MailboxID, MessageID
from moxlite.web.jmap import emailqueries
from tests.jmap_rig import JMAP, Client, Object, rig
from tests.session.test_web_dav import BOOK, HOME, Program, card, event
from tests.web_rig import DOMAINS, STATIC, Rig, open_rig

pytestmark = pytest.mark.served

__all__ = ["rig"]

KEYWORDS = ("$seen", "$flagged", "plan")
QUERIES: tuple[Object, ...] = (
    {},
    {"filter": {"inMailbox": "F1"}},
    {"filter": {"inMailbox": "F1"}, "sort": [{"property": "receivedAt", "isAscending": True}]},
    {"filter": {"hasKeyword": "$flagged"}, "sort": [{"property": "receivedAt", "isAscending": True}]},
    {"filter": {"inMailbox": "F1", "notKeyword": "$seen"}, "collapseThreads": True},
    {"collapseThreads": True, "sort": [{"property": "subject"}, {"property": "receivedAt"}]},
)
SHOWN = {"Email": ["mailboxIds", "keywords", "threadId"], "Mailbox": None, "Thread": None}


class Memory:
    """What a client remembers: objects of each type by id, with the state, and the results of a query."""

    def __init__(self, client: Client, choice: random.Random) -> None:
        self.client, self.choice = client, choice
        self.known: dict[str, dict[str, Object]] = {}
        self.states: dict[str, str] = {}
        self.query = choice.choice(QUERIES)
        self.results: list[str] = []
        self.query_state = ""

    async def read(self) -> None:
        """Read all."""
        for kind in SHOWN:
            self.known[kind], self.states[kind] = await everything(self.client, kind)
        await self.ask()

    async def ask(self) -> None:
        found = await self.client.call("Email/query", **self.query)
        self.results, self.query_state = found["ids"], found["queryState"]

    async def follow(self) -> None:
        """Hear of all changes, in portions of any size."""
        kinds = [*SHOWN]
        self.choice.shuffle(kinds)
        for kind in kinds:
            await self._follow(kind, self.choice.choice([None, None, 3, 50]))
        await self._follow_query()

    async def _follow(self, kind: str, most: int | None) -> None:
        known, more = self.known[kind], True
        while more:
            answer = await self.client.request(
                [
                    f"{kind}/changes",
                    {"accountId": self.client.account, "sinceState": self.states[kind], "maxChanges": most},
                    "0",
                ]
            )
            name, found, _ = answer["methodResponses"][0]
            if name == "error":  # one unit has changed more
                assert (found["type"], most is not None) == ("cannotCalculateChanges", True)
                most = None
                continue
            assert not {*found["created"]} & known.keys(), (kind, found)
            for one in found["destroyed"]:
                known.pop(one, None)
            ids = [*found["created"], *found["updated"]]
            got = await self.client.call(f"{kind}/get", ids=ids, properties=SHOWN[kind])
            known |= {one["id"]: one for one in got["list"]}
            for one in got["notFound"]:  # gone in a later portion
                known.pop(one, None)
            self.states[kind], more = found["newState"], found["hasMoreChanges"]

    async def _follow_query(self) -> None:
        wish = {name: value for name, value in self.query.items() if name in ("filter", "sort", "collapseThreads")}
        found = await self.client.call("Email/queryChanges", sinceQueryState=self.query_state, **wish)
        gone = {*found["removed"]}
        self.results = [one for one in self.results if one not in gone]
        for one in found["added"]:
            self.results.insert(one["index"], one["id"])
        self.query_state = found["newQueryState"]

    async def check(self) -> None:
        """Compare with what a full read shows."""
        for kind in SHOWN:
            now, state = await everything(self.client, kind)
            assert (self.known[kind], self.states[kind]) == (now, state), kind
        before = self.results
        await self.ask()
        assert before == self.results, self.query
        if self.results:
            await self._page()

    async def _page(self) -> None:
        at, offset = self.choice.randrange(len(self.results)), self.choice.randint(-2, 2)
        begin, wish = max(0, at + offset), {"anchor": self.results[at], "anchorOffset": offset}
        for place in (wish, {"position": begin}, {"position": begin - len(self.results)}):
            if begin < len(self.results):
                count = self.choice.random() < 0.5
                found = await self.client.call("Email/query", **self.query, **place, limit=3, calculateTotal=count)
                whole = (self.results[begin : begin + 3], begin, len(self.results) if count else None)
                assert (found["ids"], found["position"], found.get("total")) == whole, (self.query, place)


async def everything(client: Client, kind: str) -> tuple[dict[str, Object], str]:
    """All objects of a type by id, and the state."""
    ids: list[str] | None = None
    if kind != "Mailbox":
        ids = (await client.call("Email/query"))["ids"]
    if kind == "Thread":
        listed = (await client.call("Email/get", ids=ids, properties=["threadId"]))["list"]
        ids = [*{one["threadId"] for one in listed}]
    found = await client.call(f"{kind}/get", ids=ids, properties=SHOWN[kind])
    return {one["id"]: one for one in found["list"]}, found["state"]


class Doer:
    """Changes the account at random."""

    def __init__(self, rig: Rig, client: Client, choice: random.Random) -> None:
        self.rig, self.client, self.choice = rig, client, choice
        self.number = 0

    async def do(self) -> None:
        """One change, by JMAP or by IMAP."""
        boxes = {one["id"]: one for one in (await self.client.call("Mailbox/get", properties=["role", "name"]))["list"]}
        found: list[str] = (await self.client.call("Email/query"))["ids"]
        some = self.choice.sample(found, min(len(found), self.choice.choice([1, 1, 1, 4])))
        match self.choice.choice(["add", "add", "flag", "move", "copy", "destroy", "imap", "deleted", "box"]):
            case "add":
                await self._add(self.choice.choice([*boxes]))
            case "flag":
                value = self.choice.choice([True, None])
                patch = {f"keywords/{self.choice.choice(KEYWORDS)}": value}
                await self.client.call("Email/set", update=dict.fromkeys(some, patch))
            case "move":
                wanted = dict.fromkeys(self.choice.sample([*boxes], self.choice.choice([1, 1, 2])), True)
                await self.client.call("Email/set", update={one: {"mailboxIds": wanted} for one in some})
            case "copy":
                patch = {f"mailboxIds/{self.choice.choice([*boxes])}": True}
                await self.client.call("Email/set", update=dict.fromkeys(some, patch))
            case "destroy":
                await self.client.call("Email/set", destroy=some)
            case "imap":
                await self._by_imap(some, int(self.choice.choice([*boxes])[1:]), deleted=False)
            case "deleted":
                await self._by_imap(some, 0, deleted=True)
            case "box":
                await self._box(boxes)

    async def _add(self, box: str) -> None:
        self.number += 1
        answered = self.choice.choice([f"In-Reply-To: <{self.choice.randint(1, self.number)}@h>\r\n", ""])
        named = f"Subject: s{self.number % 3}\r\nMessage-ID: <{self.number}@h>\r\n"
        text = f"From: a@else.example\r\n{named}{answered}\r\nx\r\n"
        await self.client.imported(text.encode(), box, receivedAt=f"2026-11-{self.choice.randint(1, 9):02}T10:00:00Z")

    async def _by_imap(self, some: list[str], box: int, *, deleted: bool) -> None:
        async with self.rig.account() as account:
            numbers = [int(one[1:]) for one in some]
            stored = await account.read(lambda r: emails(r, numbers), op="test")
            ids = [self.choice.choice(one.message_ids) for one in stored.values()]
            if deleted:
                await account.write(lambda tx: store_flags_ids(tx, ids, mode="add", flags=Flag.DELETED))
            else:
                await account.write(lambda tx: copy_ids(tx, ids, MailboxID(box)))

    async def _box(self, boxes: dict[str, Any]) -> None:
        own = [one for one, box in boxes.items() if box["role"] is None]
        self.number += 1
        if own and self.choice.random() < 0.5:
            await self.client.call("Mailbox/set", destroy=[self.choice.choice(own)], onDestroyRemoveEmails=True)
        elif own and self.choice.random() < 0.5:
            await self.client.call("Mailbox/set", update={self.choice.choice(own): {"name": f"b{self.number}"}})
        else:
            await self.client.call("Mailbox/set", create={"a": {"name": f"b{self.number}"}})


async def play(folder: Path, seed: int, histories: int) -> None:
    """Histories one after the other, in one account."""
    choice = random.Random(seed)
    async with trio.open_nursery() as nursery:
        static = 'rate_limits.exempt = ["192.0.2.0/24"]\n' + STATIC + JMAP
        rig = await open_rig(folder, nursery, static=static, domains=DOMAINS)
        doer = Doer(rig, Client(rig), choice)
        for number in range(histories):
            both = [Memory(Client(rig), choice), Memory(Client(rig), choice)]
            for one in both:
                await one.read()
            for _ in range(choice.randint(1, 12)):
                await doer.do()
                if choice.random() < 0.3:
                    await choice.choice(both).follow()
            for one in both:
                await one.follow()
                try:
                    await one.check()
                except AssertionError as error:
                    raise AssertionError(f"seed {seed}, history {number}: {error}") from error
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("seed", range(1))
async def test_what_clients_know_is_what_there_is(tmp_path: Path, seed: int) -> None:
    """JMAP-9, JMAP-23, JMAP-24, JMAP-25, JMAP-26: by JMAP and IMAP at once; also pages by position and anchor."""
    await play(tmp_path, seed, 6)


@pytest.mark.nightly(smoke="tests/session/test_web_jmap_histories.py::test_what_clients_know_is_what_there_is")
@pytest.mark.parametrize("seed", range(100, 125))
async def test_a_thousand_histories(tmp_path: Path, seed: int) -> None:
    """JMAP-9, JMAP-23, JMAP-25, JMAP-26"""
    await play(tmp_path, seed, 40)


async def test_pages_of_one_mailbox_are_those_of_a_search(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-24: by position and by anchor, from both ends, with copies in the mailbox and messages with ``\\Deleted``;
    the same where there are too many of them for the index.
    """
    client = Client(rig)
    found: list[str] = []
    for number in range(12):
        text = f"From: a@else.example\r\nMessage-ID: <{number}@h>\r\n\r\nx\r\n"
        received = f"2026-11-{1 + number // 2:02}T10:00:00Z"
        found.append(await client.imported(text.encode(), "F1", receivedAt=received))
    async with rig.account() as account:
        numbers = [MessageID(int(one[1:])) for one in found]
        await account.write(lambda tx: copy_ids(tx, [numbers[3], numbers[7], numbers[7]], MailboxID(1)))
        await account.write(lambda tx: store_flags_ids(tx, [numbers[5], numbers[7]], mode="add", flags=Flag.DELETED))
    looked: list[object] = []
    monkeypatch.setattr(emailqueries, "_ids", watched(emailqueries._ids, looked))
    for most, walked in ((20_000, 0), (0, 1)):
        monkeypatch.setattr("moxlite.store.rows.emails.MAX_COPIES", most)
        for ascending in (False, True):
            view: Object = {"sort": [{"property": "receivedAt", "isAscending": ascending}], "calculateTotal": True}
            whole = await client.call("Email/query", filter={"inMailbox": "F1", "minSize": 0}, **view)
            results = whole["ids"]
            assert {*results} == {*found} - {found[5]}
            looked.clear()
            places: list[tuple[Object, int]] = [({"position": at - 12}, max(0, at - 1)) for at in range(12)]
            for at in range(12):
                places += [({"position": at}, at)]
                for offset in (-20, -1, 0, 3):
                    if at < len(results):
                        places += [({"anchor": results[at], "anchorOffset": offset}, max(0, at + offset))]
            for place, begin in places:
                page = await client.call("Email/query", filter={"inMailbox": "F1"}, **view, **place, limit=4)
                shown = (results[begin : begin + 4], begin, 11)
                assert (page["ids"], page["position"], page["total"]) == shown, place
            assert len(looked) == walked * len(places)
            assert await client.error("Email/query", filter={"inMailbox": "F1"}, anchor=found[5]) == "anchorNotFound"


async def test_pages_of_conversations_are_those_of_a_search(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-24: of one mailbox in the order of reception, by position and anchor, read in stretches; with copies and
    messages with ``\\Deleted``.
    """
    monkeypatch.setattr("moxlite.store.rows.emails.STRETCH", 3)
    client = Client(rig)
    imported: list[str] = []
    for number in range(12):
        text = f"From: a@else.example\r\nMessage-ID: <{number}@h>\r\nSubject: x{number % 5}\r\n"
        if number >= 5:
            text += f"In-Reply-To: <{number - 5}@h>\r\n"
        received = f"2026-11-{1 + number // 2:02}T10:00:00Z"
        imported.append(await client.imported(f"{text}\r\nx\r\n".encode(), "F1", receivedAt=received))
    async with rig.account() as account:
        numbers = [MessageID(int(one[1:])) for one in imported]
        await account.write(lambda tx: copy_ids(tx, [numbers[3], numbers[7], numbers[7]], MailboxID(1)))
        await account.write(lambda tx: store_flags_ids(tx, [numbers[11]], mode="add", flags=Flag.DELETED))
    for ascending in (False, True):
        view: Object = {"sort": [{"property": "receivedAt", "isAscending": ascending}], "collapseThreads": True}
        whole = await client.call("Email/query", filter={"inMailbox": "F1", "minSize": 0}, **view)
        results = whole["ids"]
        assert len(results) == 5
        places: list[tuple[Object, int]] = [({"position": at}, at) for at in range(7)]
        places += [({"position": -2}, 3)]
        for at, anchor in enumerate(results):
            places += [({"anchor": anchor, "anchorOffset": offset}, max(0, at + offset)) for offset in (-9, -1, 0, 1)]
        for place, begin in places:
            page = await client.call("Email/query", filter={"inMailbox": "F1"}, **view, **place, limit=2)
            assert (page["ids"], page["position"]) == (results[begin : begin + 2], begin), place
        counted = await client.call("Email/query", filter={"inMailbox": "F1"}, **view, calculateTotal=True, limit=1)
        assert counted["total"] == 5
        hidden = next(one for one in imported if one not in results)
        assert await client.error("Email/query", filter={"inMailbox": "F1"}, **view, anchor=hidden) == "anchorNotFound"


def watched(
    function: Callable[..., Awaitable[Sequence[str]]], calls: list[object]
) -> Callable[..., Awaitable[Sequence[str]]]:
    async def call(*args: object, **options: object) -> Sequence[str]:
        calls.append(args)
        return await function(*args, **options)

    return call


async def test_a_mailbox_changes_with_its_threads(rig: Rig) -> None:
    """JMAP-9, JMAP-10: an email elsewhere counts for `unreadThreads`, when it is read, and when it goes."""
    client = Client(rig)
    first = b"From: a@else.example\r\nMessage-ID: <1@h>\r\nSubject: a\r\n\r\nx\r\n"
    answer = b"From: a@else.example\r\nMessage-ID: <2@h>\r\nSubject: Re: a\r\nIn-Reply-To: <1@h>\r\n\r\nx\r\n"
    await client.imported(first, "F1", keywords={"$seen": True})
    other = await client.imported(answer, "F2")
    state = (await client.call("Mailbox/get", ids=[]))["state"]
    for unread, change in (
        (0, {"update": {other: {"keywords/$seen": True}}}),
        (1, {"update": {other: {"keywords/$seen": None}}}),
        (0, {"destroy": [other]}),
    ):
        await client.call("Email/set", **change)
        changed = await client.call("Mailbox/changes", sinceState=state)
        assert {*changed["updated"]} == {"F1", "F2"}
        [box] = (await client.call("Mailbox/get", ids=["F1"]))["list"]
        assert box["unreadThreads"] == unread
        state = changed["newState"]


ENTRIES: dict[str, tuple[str, str, str, Callable[[str], str]]] = {
    "CalendarEvent": ("Calendar", "calendarIds", HOME, event),
    "ContactCard": ("AddressBook", "addressBookIds", BOOK, card),
}


@pytest.mark.parametrize("kind", ENTRIES)
@pytest.mark.parametrize("seed", [1, 2])
async def test_programs_hear_of_entries_whose_names_and_ids_come_again(rig: Rig, kind: str, seed: int) -> None:
    """JMAP-60: what phones put, remove and put again under the same names, also after it has moved between collections,
    is told to programs that ask at any time; none keeps what is gone.
    """
    choice, client, phone = random.Random(seed), Client(rig), Program(rig)
    collections, within, path, text_of = ENTRIES[kind]
    [home] = [one["id"] for one in (await client.call(f"{collections}/get"))["list"]]
    other = (await client.call(f"{collections}/set", create={"a": {"name": "Other"}}))["created"]["a"]["id"]
    known: list[set[str]] = [set(), set(), set()]
    states = [(await client.call(f"{kind}/get", ids=[]))["state"]] * 3
    shown: dict[str, str] = {}
    for step in range(120):
        name = choice.choice("abc")
        match choice.randrange(4):
            case 0:
                await phone.put(f"{name}.x", text_of(f"{name}{step}"), path)
            case 1:
                await phone.ask("DELETE", f"{path}{name}.x")
            case 2 if shown:
                there = choice.choice([home, other])
                await client.call(f"{kind}/set", update={choice.choice([*shown]): {within: {there: True}}})
            case 3 if shown:
                await client.call(f"{kind}/set", destroy=[choice.choice([*shown])])
        shown = {one["id"]: one["uid"] for one in (await client.call(f"{kind}/get"))["list"]}
        who = choice.randrange(6)
        if who < len(known):
            found = await client.call(f"{kind}/changes", sinceState=states[who])
            states[who] = found["newState"]
            assert {*found["updated"]} <= known[who]
            known[who] = (known[who] | {*found["created"]}) - {*found["destroyed"]}
            assert known[who] == shown.keys(), step
