"""Changes in accounts that others share: event stream, websocket, push subscription (JMAP-7b)."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio

from moxlite.store.changelog.account import Account
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.types import Flag
from moxlite.web.notices import service
from tests.jmap_rig import ACCOUNT, Client, Object, rig
from tests.session.test_web_jmap_calendars import made
from tests.session.test_web_jmap_push import World, world
from tests.session.test_web_jmap_shared_calendars import READ, share as share_collection, users
from tests.store_mail import put
from tests.web_rig import Rig
from tests.web_sharing import share, tom
from tests.webserver import Answer

pytestmark = pytest.mark.served

__all__ = ["rig", "tom", "world"]

TOM = "utom"


class Stream:
    """An event stream of mia."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._rest = b""
        self.told: list[Object] = []

    async def line(self) -> bytes:
        while b"\n" not in self._rest:
            piece = await self._stream.receive_some(65536)
            assert piece, "the stream has ended"
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    async def until(self, account: str) -> Object:
        """The next states of an account; what others tell meanwhile is in `told`."""
        with trio.fail_after(20):
            while True:
                line = await self.line()
                if line.startswith(b"data: ") and b"StateChange" in line:
                    self.told.append(json.loads(line[6:])["changed"])
                    if account in self.told[-1]:
                        found: Object = self.told[-1][account]
                        return found


@asynccontextmanager
async def events(rig: Rig, types: str = "*", client: Client | None = None) -> AsyncIterator[Stream]:
    client = client or Client(rig)
    raw = rig.connect(port=83)
    async with raw:
        head = f"GET /jmap/events?types={types}&closeafter=no&ping=0 HTTP/1.1\r\nHost: mail.example.org\r\n"
        await raw.send_all(f"{head}Authorization: {client.authorization}\r\n\r\n".encode())
        stream = Stream(raw)
        with trio.fail_after(20):
            while await stream.line() != b":":
                pass
        yield stream


async def state_of(rig: Rig, method: str, account: str = TOM) -> str:
    client = Client(rig)
    client.account = account
    return str((await client.call(f"{method}/get", ids=[]))["state"])


async def settled(check: Callable[[], Awaitable[bool]]) -> None:
    with trio.fail_after(20):
        while not await check():  # noqa: ASYNC110 of another task
            await trio.sleep(0.02)


async def test_a_guest_is_told_of_changes_in_shared_mailboxes(rig: Rig, tom: Account) -> None:
    """JMAP-7b: by event stream, of what is shared alone; the states are those that /get has."""
    await share(rig, "lr")
    async with events(rig) as stream:
        await put(tom, 1, "Inbox", first=50)  # not shared
        await Client(rig).imported()
        await stream.until(ACCOUNT)
        added = await put(tom, 1, "Sales", first=60)
        told = await stream.until(TOM)
        assert [TOM in one for one in stream.told].count(True) == 1
        assert {*told} == {"Mailbox", "Email", "Thread", "EmailDelivery"}
        assert (told["Email"], told["Mailbox"]) == (await state_of(rig, "Email"), await state_of(rig, "Mailbox"))
        await tom.write(lambda tx: store_flags_ids(tx, [added[0].message_id], mode="add", flags=Flag.SEEN))
        assert {*await stream.until(TOM)} == {"Mailbox", "Email", "Thread"}


async def test_rights_that_come_and_go_are_heeded_at_once(rig: Rig, tom: Account) -> None:
    """JMAP-7b: while the stream is open; what was withdrawn is not told, whichever of the two rights came first."""
    async with events(rig, "Email") as stream:
        await share(rig, "lr")
        known = 0

        async def told() -> bool:
            nonlocal known
            known += 1
            await put(tom, 1, "Sales", first=100 + known)
            await Client(rig).imported()
            await stream.until(ACCOUNT)
            return any(TOM in one for one in stream.told)

        await settled(told)
        await share(rig, "lr", "Sales/Old")
        await stream.until(TOM)  # the rights are another state
        await share(rig, "")
        await share(rig, "", "Sales/Old")
        await Client(rig).imported()
        await stream.until(ACCOUNT)
        del stream.told[:]
        await put(tom, 1, "Sales", first=300)
        await Client(rig).imported()
        await stream.until(ACCOUNT)
        assert [one for one in stream.told if TOM in one] == []


async def test_a_guest_is_told_of_shared_calendars(rig: Rig) -> None:
    """JMAP-7b, JMAP-78a: and not of the owner's others."""
    mia, guest = await users(rig)
    secret = (await mia.call("Calendar/set", create={"x": {"name": "Secret"}}))["created"]["x"]["id"]
    [calendar] = [one["id"] for one in (await mia.call("Calendar/get"))["list"] if one["id"] != secret]
    await share_collection(mia, "Calendar", calendar, {TOM: READ})
    guest.account = TOM
    async with events(rig, client=guest) as stream:
        await made(mia, calendarIds={secret: True})
        await guest.call("Calendar/set", create={"x": {"name": "Own"}})
        await stream.until(TOM)
        await made(mia)
        told = await stream.until(ACCOUNT)
        assert [ACCOUNT in one for one in stream.told].count(True) == 1
        assert {*told} == {"Calendar", "CalendarEvent"}
        guest.account = ACCOUNT
        assert told["CalendarEvent"] == (await guest.call("CalendarEvent/get", ids=[]))["state"]


async def test_a_program_hears_of_accounts_of_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-7b: by requests to its address, also when the owner's account was closed; not of what is not shared."""
    monkeypatch.setattr(service, "PROGRAM_PAUSE", 0.05)
    rig = world.rig
    async with rig.account("tom") as tom:
        await put(tom, 1, "Archive")
        await share(rig, "lr", "Archive")
    made = await world.subscribe(types=["Email"])
    await world.confirm(made["id"], json.loads((await world.asked(1)).body)["verificationCode"])
    async with rig.account("tom") as tom:
        await put(tom, 1, "Inbox", first=10)
    await world.client.imported()
    assert [*json.loads((await world.asked(2)).body)["changed"]] == [ACCOUNT]
    async with rig.account("tom") as tom:
        await put(tom, 1, "Archive", first=20)
    told = json.loads((await world.asked(3)).body)["changed"]
    assert told == {TOM: {"Email": await state_of(rig, "Email")}}
    async with rig.account("tom") as tom:
        await share(rig, "", "Archive")
        await put(tom, 1, "Archive", first=30)
    await world.client.imported()
    assert [*json.loads((await world.asked(4)).body)["changed"]] == [ACCOUNT]


async def test_a_program_that_did_not_answer_hears_of_others_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JMAP-7b, JMAP-41."""
    monkeypatch.setattr(service, "PROGRAM_PAUSE", 0.05)
    monkeypatch.setattr("moxlite.store.people.subscriptions.FIRST_PAUSE", 1_000_000)
    rig = world.rig
    async with rig.account("tom") as tom:
        await share(rig, "lr", "Archive")
    made = await world.subscribe(types=["Email"])
    await world.confirm(made["id"], json.loads((await world.asked(1)).body)["verificationCode"])
    world.push.answers[:] = [Answer(500)]
    async with rig.account("tom") as tom:
        await put(tom, 1, "Archive", first=20)
    await world.asked(2)
    world.push.answers[:] = [Answer(201)]
    told = json.loads((await world.asked(3)).body)["changed"]
    assert told == {TOM: {"Email": await state_of(rig, "Email")}}
