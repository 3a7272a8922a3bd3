"""Calls of JMAP that write several units while others write: what they expect holds for each unit, and their states
hide no change of others (RFC 8620 §5.3, §5.4, §5.5; RFC 8621 §4.7, §4.8, §7.5).
"""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from moxlite.store.changelog.account import Account
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.types import Flag, MessageID
from moxlite.web.jmap import contacts, emailset
from moxlite.web.jmap.methods import HeldState
from tests.jmap_rig import ACCOUNT, MAIL, Client, Object, rig
from tests.session.test_web_dav import BOOK, Program, card
from tests.session.test_web_dav_scheduling import Office
from tests.session.test_web_jmap_shared import RCPT, TOM
from tests.web_rig import ADDRESS, Rig
from tests.web_sharing import share, tom

pytestmark = pytest.mark.served

__all__ = ["rig", "tom"]

Act = Callable[[], Awaitable[object]]


async def nothing() -> None:
    """Do nothing."""


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> list[Act]:
    """What others do before each unit of a call, the first one before the first unit."""
    others: list[Act] = []
    real = HeldState.write

    async def write(self: HeldState, *args: Any) -> Any:
        if others:
            await others.pop(0)()
        return await real(self, *args)

    monkeypatch.setattr(HeldState, "write", write)
    return others


class Writing(NamedTuple):
    """A call that makes two objects. `kind`: their type; `other`: changes another object of that type in the account,
    `original`: in the account that it copies from.
    """

    client: Client
    kind: str
    method: str
    arguments: Callable[[], Object]
    other: Act
    original: Act | None = None

    async def changed(self, since: str) -> tuple[int, int]:
        """The numbers of objects created and updated since a state."""
        found = await self.client.call(f"{self.kind}/changes", sinceState=since)
        return len(found["created"]), len(found["updated"])

    async def state(self) -> str:
        state: str = (await self.client.call(f"{self.kind}/get", ids=[]))["state"]
        return state

    async def source(self) -> str:
        """The state of the account that is copied from."""
        found = await self.client.call(f"{self.kind}/get", accountId=self.arguments()["fromAccountId"], ids=[])
        state: str = found["state"]
        return state


def flagging(rig: Rig, account: str, number: str) -> Act:
    """Flags a message, or takes the flag away."""

    async def flag() -> None:
        async with rig.account(account) as there:
            ids = [MessageID(int(number[1:]))]
            await there.write(lambda tx: store_flags_ids(tx, ids, mode="add", flags=Flag.FLAGGED))
            await there.write(lambda tx: store_flags_ids(tx, ids, mode="remove", flags=Flag.FLAGGED))

    return flag


async def importing(rig: Rig) -> Writing:
    """Mia imports two messages."""
    client = Client(rig)
    number = await client.imported(MAIL.replace(b"<a@", b"<z@"))
    given = {name: {"blobId": await client.upload(MAIL), "mailboxIds": {"F1": True}} for name in "ab"}
    return Writing(client, "Email", "Email/import", lambda: {"emails": given}, flagging(rig, "mia", number))


async def copying(rig: Rig) -> Writing:
    """Mia copies two messages that tom shares."""
    await share(rig, "lrs")
    client, theirs = Client(rig), Client(rig)
    theirs.account = TOM
    number = await client.imported()
    first, second, third = (await theirs.call("Email/query"))["ids"]
    create = {one: {"id": one, "mailboxIds": {"F1": True}} for one in (first, second)}
    arguments = {"fromAccountId": TOM, "create": create}
    others = flagging(rig, "mia", number), flagging(rig, "tom", third)
    return Writing(client, "Email", "Email/copy", lambda: arguments, *others)


async def copying_cards(rig: Rig) -> Writing:
    """Tom copies two cards that mia shares."""
    await Office(rig).begin()
    mia, client = Client(rig), Client(rig, "tom@example.org")
    client.account = TOM
    [book] = (await mia.call("AddressBook/get"))["list"]
    await mia.call("AddressBook/set", update={book["id"]: {"shareWith": {TOM: {"mayRead": True}}}})
    made = (await mia.call("ContactCard/set", create={f"c{at}": {"name": {"full": "A"}} for at in range(20)}))[
        "created"
    ]
    originals = iter([one["id"] for one in made.values()])  # a copy has the UID, so each is copied once
    turns = iter(range(100))

    def phone(user: str, book: str) -> Act:
        async def change() -> None:
            answer = await Program(rig, user).put("z.vcf", card("z", f"NOTE:{next(turns)}"), book)
            assert answer.status in (201, 204), answer

        return change

    others = phone("tom@example.org", BOOK.replace("mia", "tom")), phone(ADDRESS, BOOK)
    await others[0]()
    await others[1]()

    def arguments() -> Object:
        return {"fromAccountId": ACCOUNT, "create": {name: {"id": next(originals)} for name in "ab"}}

    return Writing(client, "ContactCard", "ContactCard/copy", arguments, *others)


WRITING = {"import": importing, "copy": copying, "cards": copying_cards}


@pytest.mark.parametrize("name", WRITING)
async def test_imports_and_copies_hold_what_they_expect(rig: Rig, tom: Account, between: list[Act], name: str) -> None:
    """JMAP-5: other programs change nothing between ifInState and a unit."""
    writing = await WRITING[name](rig)
    client, method, arguments = writing.client, writing.method, writing.arguments
    state = await writing.state()
    between[:] = [nothing, writing.other]
    assert await client.error(method, **arguments(), ifInState=state) == "serverPartialFail"
    assert await writing.changed(state) == (1, 1)
    assert await client.error(method, **arguments(), ifInState=state) == "stateMismatch"
    state = await writing.state()
    between[:] = [writing.other]
    assert await client.error(method, **arguments(), ifInState=state) == "stateMismatch"
    assert await writing.changed(state) == (0, 1)
    now = await writing.state()
    done = await client.call(method, **arguments(), ifInState=now)
    assert (len(done["created"]), done["oldState"], await writing.changed(done["newState"])) == (2, now, (0, 0))


@pytest.mark.parametrize("name", WRITING)
async def test_states_of_imports_and_copies_hide_nothing(rig: Rig, tom: Account, between: list[Act], name: str) -> None:
    """JMAP-5: oldState and newState are around the call's own changes, oldState null if others came between these."""
    writing = await WRITING[name](rig)
    client, method, arguments = writing.client, writing.method, writing.arguments
    state = await writing.state()
    between[:] = [writing.other]
    done = await client.call(method, **arguments())
    assert done["oldState"] != state
    assert await writing.changed(done["oldState"]) == (2, 0)
    between[:] = [nothing, writing.other]
    assert (await client.call(method, **arguments()))["oldState"] is None
    assert await writing.changed(done["newState"]) == (2, 1)


@pytest.mark.parametrize("name", ["copy", "cards"])
async def test_originals_of_copies_are_as_expected(rig: Rig, tom: Account, between: list[Act], name: str) -> None:
    """JMAP-5: each is read in ifFromInState; states of other accounts don't match."""
    writing = await WRITING[name](rig)
    client, method, arguments, original = writing.client, writing.method, writing.arguments, writing.original
    assert original is not None
    state, source = await writing.state(), await writing.source()
    between[:] = [original]
    assert await client.error(method, **arguments(), ifFromInState=source) == "serverPartialFail"
    assert await writing.changed(state) == (1, 0)
    assert await client.error(method, **arguments(), ifFromInState=source) == "stateMismatch"
    state, source = await writing.state(), await writing.source()
    assert await client.error(method, **arguments(), ifFromInState=state) == "stateMismatch"
    assert await client.error(method, **arguments(), ifInState=source) == "stateMismatch"
    assert await client.error(f"{writing.kind}/changes", sinceState=source) == "cannotCalculateChanges"
    assert len((await client.call(method, **arguments(), ifFromInState=source, ifInState=state))["created"]) == 2


async def test_states_of_an_implied_set_hide_nothing(
    rig: Rig, between: list[Act], monkeypatch: pytest.MonkeyPatch
) -> None:
    """JMAP-5: the Email/set that EmailSubmission/set implies."""
    monkeypatch.setattr(emailset, "AT_ONCE", 1)
    client = Client(rig)
    numbers = [await client.imported(b"From: mia@example.org\r\nMessage-ID: <%d@x>\r\n\r\nhi" % at) for at in range(3)]
    flag = flagging(rig, "mia", numbers.pop())
    [identity, *_] = (await client.call("Identity/get"))["list"]
    held = {"mailFrom": {"email": ADDRESS, "parameters": {"HOLDFOR": "3600"}}, "rcptTo": RCPT}

    async def submitted(*others: Act) -> Object:
        """The response to the implied Email/set."""
        between[:] = others
        wish = {"identityId": identity["id"], "envelope": held}
        create = {number: {**wish, "emailId": number} for number in numbers}
        update = {f"#{number}": {"keywords/$flagged": next(turns)} for number in numbers}
        arguments = {"accountId": ACCOUNT, "create": create, "onSuccessUpdateEmail": update}
        answer = await client.request(["EmailSubmission/set", arguments, "0"])
        [_, [name, found, _]] = answer["methodResponses"]
        assert (name, {*found["updated"]}) == ("Email/set", {*numbers})
        result: Object = found
        return result

    turns = iter([True, True, None, None])
    done = await submitted(nothing, nothing, flag)
    changed = await client.call("Email/changes", sinceState=done["oldState"])
    assert (done["newState"], {*changed["updated"]}) == (changed["newState"], {*numbers})
    assert (await submitted(nothing, nothing, nothing, flag))["oldState"] is None


async def test_a_program_that_repeats_a_refused_call_costs_a_look(
    rig: Rig, between: list[Act], monkeypatch: pytest.MonkeyPatch
) -> None:
    """JMAP-5: of a call with an old ifInState no object is read or written, however large it is and often it comes."""
    client = Client(rig)
    number = (await client.call("ContactCard/set", create={"a": {"name": {"full": "A"}}}))["created"]["a"]["id"]
    old = (await client.call("ContactCard/get", ids=[]))["state"]
    await client.call("ContactCard/set", update={number: {"name/full": "B"}})

    async def reached(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(contacts, "_stored", reached)
    between[:] = [reached] * 50
    create = {f"c{at}": {"name": {"full": "A"}} for at in range(500)}
    update = {f"C{at}": {"name/full": "A"} for at in range(500)}
    for _ in range(10):
        assert await client.error("ContactCard/set", create=create, update=update, ifInState=old) == "stateMismatch"
    assert len(between) == 50
