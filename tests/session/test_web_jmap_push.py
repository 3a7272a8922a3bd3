"""Push subscriptions of JMAP: a whole server, and a push service on loopback (RFC 8620 §7.2, RFC 8291)."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio

from moxlite.proto.webpush import encode
from moxlite.store.auth.apppasswords import add_token
from moxlite.store.people import subscriptions
from moxlite.web.notices import service
from tests.jmap_rig import ACCOUNT, JMAP, Client, Object
from tests.pushservice import HOST, Phone, push_service, verify
from tests.web_rig import STATIC, Rig, open_rig
from tests.webserver import Answer, Asked, WebServer

pytestmark = pytest.mark.served

USING = ["urn:ietf:params:jmap:core"]


class World:
    """A server, a program, and a push service."""

    def __init__(self, rig: Rig, client: Client, push: WebServer) -> None:
        self.rig, self.client, self.push = rig, client, push

    async def subscribe(self, path: str = "/one", phone: Phone | None = None, **members: Any) -> Object:
        """Subscribe, encrypted for a phone or not at all; the outcome."""
        keys = {}
        if phone is not None:
            given = phone.subscription("")
            keys = {"keys": {"p256dh": given["p256dh"], "auth": given["auth"]}}
        wish = {"deviceClientId": f"device{path}", "url": self.push.url(path, HOST), **keys, **members}
        answer = await self.client.request(["PushSubscription/set", {"create": {"a": wish}}, "0"], using=USING)
        made: Object = answer["methodResponses"][0][1]["created"]["a"]
        return made

    async def confirm(self, number: str, code: str) -> Object:
        update = {number: {"verificationCode": code}}
        answer = await self.client.request(["PushSubscription/set", {"update": update}, "0"], using=USING)
        found: Object = answer["methodResponses"][0][1]
        return found

    async def subscribed(self) -> list[str]:
        answer = await self.client.request(["PushSubscription/get", {"ids": None}, "0"], using=USING)
        return [one["id"] for one in answer["methodResponses"][0][1]["list"]]

    async def asked(self, number: int) -> Asked:
        await self.push.wait(number)
        return self.push.asked[number - 1]

    async def silence(self, number: int) -> None:
        await trio.sleep(0.4)
        assert len(self.push.asked) == number


@pytest.fixture
async def world(tmp_path: Path, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """Programs are told soon."""
    monkeypatch.setattr(service, "PAUSE", 0.05)
    async with push_service(tmp_path) as (push, trusted):
        first, _, rest = STATIC.strip().partition("\n[listeners.local]")
        more, _, ca = trusted.partition("\n")
        static = f"{first}\n{more}\n{ca}\n[listeners.local]{rest}\n{JMAP}"
        rig = await open_rig(tmp_path / "server", nursery, static=static)
        yield World(rig, Client(rig), push)


async def test_a_program_proves_its_address_and_is_told_of_changes(world: World) -> None:
    """JMAP-41: nothing but a code before it is verified; then the states, encrypted for it and signed by the server."""
    phone = Phone()
    made = await world.subscribe(phone=phone)
    first = await world.asked(1)
    assert (first.headers["content-encoding"], first.headers["content-type"]) == ("aes128gcm", "application/json")
    assert verify(first.headers["authorization"])["aud"] == f"https://{HOST}:{world.push.port}"
    asked = phone.read(first)
    assert (asked["@type"], asked["pushSubscriptionId"]) == ("PushVerification", made["id"])
    await world.client.imported()
    await world.silence(1)
    wrong = await world.confirm(made["id"], "wrong")
    assert wrong["notUpdated"][made["id"]]["properties"] == ["verificationCode"]
    assert (await world.confirm(made["id"], asked["verificationCode"]))["notUpdated"] is None
    await world.client.imported()  # at once: what there was before is no change, this is one
    told = phone.read(await world.asked(2))
    state = (await world.client.call("Email/get", ids=[]))["state"]
    assert told["@type"] == "StateChange"
    assert told["changed"][ACCOUNT]["Email"] == state
    assert {*told["changed"][ACCOUNT]} == {"Email", "Mailbox", "Thread", "EmailDelivery"}


async def test_only_the_types_that_are_wanted_are_told(world: World) -> None:
    """JMAP-41: without keys as JSON; a change of other types is not told."""
    made = await world.subscribe(types=["EmailSubmission", "Mailbox", "Nothing"])
    first = await world.asked(1)
    assert "content-encoding" not in first.headers
    await world.confirm(made["id"], json.loads(first.body)["verificationCode"])
    await world.silence(1)
    await world.client.imported()
    told = json.loads((await world.asked(2)).body)
    assert [*told["changed"][ACCOUNT]] == ["Mailbox"]


async def test_an_address_that_is_gone_is_told_nothing_more(world: World) -> None:
    """JMAP-41: 404 and 410 end a subscription."""
    made = await world.subscribe()
    await world.confirm(made["id"], json.loads((await world.asked(1)).body)["verificationCode"])
    await world.silence(1)
    world.push.answers[:] = [Answer(410)]
    await world.client.imported()
    await world.asked(2)
    with trio.fail_after(10):
        while await world.subscribed():  # noqa: ASYNC110 of another task
            await trio.sleep(0.05)


async def test_a_request_that_fails_is_repeated(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-41: later, with the states of then; after days of trouble it lives on, but the service's refusal ends it."""
    monkeypatch.setattr(subscriptions, "FIRST_PAUSE", 1_000_000)
    made = await world.subscribe()
    await world.confirm(made["id"], json.loads((await world.asked(1)).body)["verificationCode"])
    await world.silence(1)
    world.push.answers[:] = [Answer(500)]
    await world.client.imported()
    await world.asked(2)
    world.push.answers[:] = [Answer(201)]
    told = json.loads((await world.asked(3)).body)
    assert told["changed"][ACCOUNT]["Email"] == (await world.client.call("Email/get", ids=[]))["state"]
    world.push.answers[:] = [Answer(503)]
    await world.client.imported()
    await world.asked(4)
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + 4 * 86_400_000_000_000)
    monkeypatch.setattr(time, "time", lambda: real() / 1e9 + 4 * 86_400)
    monkeypatch.setattr(subscriptions, "GIVEN_UP", 0)
    monkeypatch.setattr(subscriptions, "LAST_PAUSE", 1_000_000)
    await world.client.imported()
    await world.asked(5)
    await world.asked(6)
    assert await world.subscribed()
    world.push.answers[:] = [Answer(403)]
    await world.client.imported()
    with trio.fail_after(10):
        while await world.subscribed():  # noqa: ASYNC110 of another task
            await trio.sleep(0.05)


async def test_a_subscription_ends_with_its_log_in(world: World) -> None:
    """JMAP-41: the token that made it is withdrawn; other log-ins keep their subscriptions, which do not show."""
    kept = await world.subscribe("/kept")
    await world.asked(1)
    async with world.rig.account() as account:
        token = await add_token(account, "program", ["jmap"])
    other = Client(world.rig)
    other.authorization = f"Bearer {token}"
    mine, world.client = world.client, other
    await world.subscribe("/gone")
    await world.asked(2)
    assert len(await world.subscribed()) == 1
    world.client = mine
    assert await world.subscribed() == [kept["id"]]
    browser = world.rig.browser(app="/")
    await browser.log_in()
    await browser.call("account_app_password_rm", name="program")
    async with world.rig.account() as account:
        with trio.fail_after(10):
            while len(await account.read(subscriptions.subscriptions, op="test")) > 1:  # noqa: ASYNC110 of another task
                await trio.sleep(0.05)
    assert await world.subscribed() == [kept["id"]]


async def test_an_inner_address_is_refused(world: World) -> None:
    """JMAP-41: what is not https, and what cannot be an address of a push service."""
    for url in ("http://push.localhost/", "https://", "ftp://push.localhost/x", "https://user@push.localhost/"):
        wish = {"deviceClientId": "d", "url": url}
        answer = await world.client.request(["PushSubscription/set", {"create": {"a": wish}}, "0"], using=USING)
        assert answer["methodResponses"][0][1]["notCreated"]["a"]["properties"] == ["url"], url
    bad = {
        "deviceClientId": "d",
        "url": world.push.url("/", HOST),
        "keys": {"p256dh": encode(b"x" * 65), "auth": encode(b"y")},
    }
    answer = await world.client.request(["PushSubscription/set", {"create": {"a": bad}}, "0"], using=USING)
    assert answer["methodResponses"][0][1]["notCreated"]["a"]["type"] == "invalidProperties"
