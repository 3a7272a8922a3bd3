"""Notices of new mail on devices: a whole server, a push service on loopback, and phones (WEBMAIL-122)."""

import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from moxlite.net.metrics import panics
from moxlite.store.delivery.perform import append
from moxlite.store.errors import StorageFull
from moxlite.store.later import snooze, wake
from moxlite.store.mail.adding import Append
from moxlite.store.mail.facts import MessageFacts, SMTPFacts
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.people import devices as rows
from moxlite.store.people.devices import MAX_DEVICES
from moxlite.store.people.notices import Choice
from moxlite.store.types import Flag
from moxlite.web.notices import requests, service
from moxlite.web.notices.rounds import REQUESTS
from tests.pushservice import HOST, Phone, push_service, verify
from tests.store_mail import box, deliver_mail, prepared
from tests.tools import eventually
from tests.web_rig import STATIC, Browser, Rig, open_rig
from tests.webserver import Answer, WebServer

pytestmark = pytest.mark.served

DAY = 24 * 3600.0


class Clock:
    """The wall clock, which a test sets forward; Trio's goes on as it is."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = time.time_ns
        monkeypatch.setattr(time, "time_ns", lambda: real() + int(self.ahead * 1e9))
        monkeypatch.setattr(time, "time", lambda: real() / 1e9 + self.ahead)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that goes on as time does until it is set."""
    found = Clock()
    found.patch(monkeypatch)
    return found


class World:
    """A server with a user who is logged in, and a push service."""

    def __init__(self, rig: Rig, browser: Browser, push: WebServer) -> None:
        self.rig, self.browser, self.push = rig, browser, push
        self.number = 0

    async def subscribe(self, path: str = "/one", name: str = "Phone") -> Phone:
        phone = Phone()
        await self.browser.call("notices_subscribe", **phone.subscription(self.push.url(path, HOST), name))
        return phone

    async def knows(self, address: str, name: str = "Ada Lind") -> None:
        emails = [{"value": address, "kind": "home"}]
        contact = {"name": name, "emails": emails, "phones": [], "organization": "", "note": "", "groups": []}
        await self.browser.call("contact_save", contact=contact)

    async def mail(
        self,
        author: str = "Ada Lind <ada@nordlicht.example>",
        *,
        to: str = "Inbox",
        flags: Flag = Flag(0),
        age: float = 0.0,
    ) -> int:
        """Deliver a message; its id."""
        self.number += 1
        text = f"From: {author}\r\nSubject: secret {self.number}\r\nMessage-ID: <{self.number}@x>\r\n\r\ntop secret\r\n"
        received = time.time_ns() // 1000 - int(age * 1e6)
        async with self.rig.account() as account:
            item = Append(await prepared(text.encode()), received=received, flags=flags)
            [one] = await append(account, (await box(account, to)).id, [item])
        return int(one.message_id)

    async def devices(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.browser.call("notices"))["devices"]
        return found

    async def until(self, failures: int) -> dict[str, Any]:
        """The one device, once it has failed so often."""
        with trio.fail_after(30):
            while (found := await self.devices())[0]["failures"] < failures:  # noqa: ASYNC110 of another task
                await trio.sleep(0.01)
        return found[0]

    async def taken(self) -> dict[str, Any]:
        """The one device, once its last notice was taken."""
        with trio.fail_after(30):
            while (found := await self.devices())[0]["failures"] or not found[0]["used"]:  # noqa: ASYNC110 of another task
                await trio.sleep(0.01)
        return found[0]

    async def none_left(self) -> None:
        """Until there is no device."""
        with trio.fail_after(30):
            while await self.devices():  # noqa: ASYNC110 of another task
                await trio.sleep(0.01)

    async def silence(self, number: int = 0) -> None:
        """No more than so many notices were sent, and none is due."""
        await trio.sleep(0.3)
        assert len(self.push.asked) == number


@pytest.fixture
async def world(tmp_path: Path, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """Notices come soon after the mail."""
    monkeypatch.setattr(service, "PAUSE", 0.05)
    monkeypatch.setattr(service, "INTERVAL", 0.1)
    async with push_service(tmp_path) as (push, trusted):
        first, _, rest = STATIC.strip().partition("\n[listeners.local]")
        more, _, ca = trusted.partition("\n")
        rig = await open_rig(tmp_path / "server", nursery, static=f"{first}\n{more}\n{ca}\n[listeners.local]{rest}\n")
        browser = rig.browser()
        await browser.log_in()
        yield World(rig, browser, push)


async def test_a_device_is_told_of_the_sender_and_nothing_else(world: World) -> None:
    """WEBMAIL-122, STORE-96c: encrypted for the browser, signed by its key, never a subject or text."""
    phone = await world.subscribe()
    await world.knows("ada@nordlicht.example")
    number = await world.mail()
    await world.push.wait(1)
    [asked] = world.push.asked
    assert phone.read(asked) == {"sender": "Ada Lind", "id": number}
    assert (asked.method, asked.target) == ("POST", "/one")
    assert (asked.headers["content-encoding"], asked.headers["ttl"], asked.headers["urgency"]) == (
        "aes128gcm",
        "14400",
        "normal",
    )
    assert len(asked.body) == 256 + 103, "the size tells nothing of the name"
    claims = verify(asked.headers["authorization"])
    assert claims["aud"] == f"https://{HOST}:{world.push.port}"
    assert claims["sub"] == "mailto:postmaster@mail.example.org"
    assert time.time() < claims["exp"] < time.time() + DAY
    key = (await world.browser.call("notices"))["public_key"]
    assert asked.headers["authorization"].endswith(f", k={key}")
    device = await world.taken()
    assert (device["name"], device["failures"], device["error"]) == ("Phone", 0, "")
    assert device["host"] == f"{HOST}:{world.push.port}"


async def test_strangers_are_told_of_only_if_the_user_wants_that(world: World) -> None:
    """WEBMAIL-122, STORE-96c: known are contacts, and people to whom the user wrote."""
    phone = await world.subscribe()
    await world.mail("Eve <eve@evil.example>")
    await world.silence()
    async with world.rig.account() as account:
        row = "INSERT INTO correspondent (localpart, domain, name, found, wrote, rank) VALUES (?, ?, '', '', ?, 0)"
        await account.write(lambda tx: tx.execute(row, "bo", "b.example", 1))
        await account.write(lambda tx: tx.execute(row, "list", "b.example", 0))
    await world.mail("List <list@b.example>")
    await world.silence()
    number = await world.mail("bo@b.example")
    await world.push.wait(1)
    assert phone.read(world.push.asked[0]) == {"sender": "bo@b.example", "id": number}
    chosen = {"known": False, "quiet_from": 0, "quiet_until": 0, "zone": "UTC", "alarms": "all"}
    await world.browser.call("notices_choose", choice=chosen)
    assert (await world.browser.call("notices"))["choice"] == chosen
    number = await world.mail("=?utf-8?q?E=E2=80=AEv=0Ae?= <eve@evil.example>")
    await world.push.wait(2)
    assert phone.read(world.push.asked[1]) == {"sender": "E v e", "id": number}
    await world.mail('"ada@nordlicht.example" <eve@evil.example>')
    await world.push.wait(3)
    assert phone.read(world.push.asked[2])["sender"] == "eve@evil.example", "no other's address"
    await world.mail("a@x.example, b@x.example")
    await world.push.wait(4)
    assert phone.read(world.push.asked[3]).get("sender", "") == ""


async def test_mail_without_proof_is_of_a_stranger(world: World) -> None:
    """WEBMAIL-122, STORE-96c: whomever it names."""
    phone = await world.subscribe()
    await world.knows("ada@nordlicht.example")
    author = SMTPFacts(msgfrom="ada", msgfrom_domain="nordlicht.example", msgfrom_validation="none")
    text = b"From: Ada Lind <ada@nordlicht.example>\r\nSubject: x\r\n\r\nhello\r\n"
    async with world.rig.account() as account:
        await deliver_mail(account, text, facts=MessageFacts(smtp=author))
        await world.silence()
        proven = msgspec.structs.replace(author, msgfrom_validation="strict")
        delivered = await deliver_mail(account, text, facts=MessageFacts(smtp=proven))
    await world.push.wait(1)
    assert phone.read(world.push.asked[0]) == {"sender": "Ada Lind", "id": delivered.message_id}


async def test_only_new_unread_mail_in_the_inbox_counts(world: World) -> None:
    """WEBMAIL-122, STORE-96c: not what was there before, is read, junk, phishing, a draft, old, or elsewhere."""
    await world.knows("ada@nordlicht.example")
    await world.mail()
    phone = await world.subscribe()
    for flag in (Flag.SEEN, Flag.JUNK, Flag.PHISHING, Flag.DRAFT):
        await world.mail(flags=flag)
    await world.mail(to="Archive")
    await world.mail(age=2 * 3600)
    await world.silence()
    number = await world.mail()
    await world.push.wait(1)
    assert phone.read(world.push.asked[0]) == {"sender": "Ada Lind", "id": number}


async def test_mail_that_comes_together_is_one_notice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-122: and the next one waits its time; each device gets its own."""
    monkeypatch.setattr(service, "PAUSE", 0.5)
    monkeypatch.setattr(service, "INTERVAL", 1.5)
    await world.knows("ada@nordlicht.example")
    await world.knows("bo@b.example", "Bo")
    one, two = await world.subscribe("/one"), await world.subscribe("/two")
    await world.mail()
    await world.mail()
    number = await world.mail("Bo <bo@b.example>")
    await world.push.wait(2)
    by_path = {asked.target: asked for asked in world.push.asked}
    for phone, path in ((one, "/one"), (two, "/two")):
        assert phone.read(by_path[path]) == {"sender": "Bo", "id": number, "more": 2}
    await world.mail()
    await world.push.wait(4)
    assert min(asked.at for asked in world.push.asked[2:]) - max(asked.at for asked in world.push.asked[:2]) > 1.0
    assert len(world.push.asked) == 4


async def test_mail_that_comes_while_the_account_is_closed_is_told_of(world: World) -> None:
    """WEBMAIL-122, STORE-96c: the delivery opens it; the marks tell what is new, and nothing is told twice."""
    phone = await world.subscribe()
    await world.knows("ada@nordlicht.example")
    for number in (1, 2):
        await world.rig.accounts.close_idle(room=world.rig.accounts.max_open)
        message_id = await world.mail()
        await world.push.wait(number)
        assert phone.read(world.push.asked[-1]) == {"sender": "Ada Lind", "id": message_id}
    await world.rig.accounts.close_idle(room=world.rig.accounts.max_open)
    async with world.rig.account():
        await world.silence(2)


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_has_ended_is_removed(world: World, status: int) -> None:
    """WEBMAIL-122, RFC 8030 §7.3."""
    await world.subscribe()
    await world.knows("ada@nordlicht.example")
    world.push.answers = [Answer(status)]
    await world.mail()
    await world.none_left()
    await world.mail()
    await world.silence(1)


async def test_a_push_service_that_refuses_is_given_up_after_a_week(world: World, clock: Clock) -> None:
    """WEBMAIL-122, STORE-96c: it is tried after longer and longer pauses, and forgiven once it takes a notice. One in
    trouble has refused nothing.
    """
    await world.subscribe()
    await world.knows("ada@nordlicht.example")
    world.push.answers = [Answer(500)]
    await world.mail()
    device = await world.until(1)
    assert "500" in device["error"]
    await world.mail()
    await world.silence(1)
    clock.ahead += 61
    world.push.answers = [Answer(201)]
    await world.mail()
    await world.push.wait(2)
    assert (await world.taken())["error"] == ""
    world.push.answers = [Answer(500)]
    for number in range(1, 31):
        clock.ahead += 6 * 3600 + 1
        await world.mail()
        await world.push.wait(2 + number)
        await world.until(number)
    world.push.answers = [Answer(201)]
    clock.ahead += 6 * 3600 + 1
    await world.mail()
    await world.push.wait(33)
    assert (await world.taken())["error"] == ""
    world.push.answers = [Answer(403)]
    times = 0
    for number in range(1, 40):
        clock.ahead += 6 * 3600 + 1
        times += 1
        await world.mail()
        await world.push.wait(33 + number)
        if not await world.devices() or times > 28:
            break
        await world.until(number)
    await world.none_left()
    assert 28 <= times <= 30, "a week"


async def test_a_notice_that_was_not_taken_is_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """WEBMAIL-122, STORE-96c: after its pause, without further mail; Retry-After makes the pause longer."""
    monkeypatch.setattr(rows, "FIRST_PAUSE", 300_000)
    phone = await world.subscribe()
    await world.knows("ada@nordlicht.example")
    world.push.answers = [Answer(503), Answer(201)]
    number = await world.mail()
    await world.push.wait(2)
    assert phone.read(world.push.asked[1]) == {"sender": "Ada Lind", "id": number}
    await world.taken()
    world.push.answers = [Answer(429, headers=[("Retry-After", "3000")]), Answer(201)]
    await world.mail()
    await world.push.wait(3)
    await world.until(1)
    clock.ahead += 2900
    await world.mail()
    await world.silence(3)
    clock.ahead += 110
    await world.mail()
    await world.push.wait(4)


async def test_quiet_hours_are_quiet(world: World, clock: Clock) -> None:
    """WEBMAIL-122, STORE-96c: in the user's time zone; mail of these hours is not told of afterwards."""
    phone = await world.subscribe()
    await world.knows("ada@nordlicht.example")
    now = datetime.now(UTC)
    minute = now.hour * 60 + now.minute
    chosen = {"known": True, "quiet_from": (minute - 30) % 1440, "quiet_until": (minute + 30) % 1440, "zone": "Etc/UTC"}
    await world.browser.call("notices_choose", choice=chosen)
    await world.mail()
    await world.silence()
    clock.ahead += 2000
    number = await world.mail()
    await world.push.wait(1)
    assert phone.read(world.push.asked[0]) == {"sender": "Ada Lind", "id": number}
    for zone in ("Mars/Olympus", "../../etc/passwd", "/etc/passwd", "", "Europe"):
        assert (await world.browser.error("notices_choose", choice={**chosen, "zone": zone}))[0] == 400


@pytest.mark.parametrize(
    ("start", "end", "zone", "moment", "quiet"),
    [
        (1320, 420, "Europe/Berlin", datetime(2026, 7, 1, 20, 30, tzinfo=UTC), True),
        (1320, 420, "Europe/Berlin", datetime(2026, 7, 1, 19, 30, tzinfo=UTC), False),
        (1320, 420, "Europe/Berlin", datetime(2026, 12, 1, 20, 30, tzinfo=UTC), False),
        (1320, 420, "Europe/Berlin", datetime(2026, 12, 1, 5, 59, tzinfo=UTC), True),
        (1320, 420, "Europe/Berlin", datetime(2026, 12, 1, 6, 0, tzinfo=UTC), False),
        (60, 120, "Asia/Kolkata", datetime(2026, 7, 1, 20, 0, tzinfo=UTC), True),
        (60, 60, "UTC", datetime(2026, 7, 1, 1, 0, tzinfo=UTC), False),
        (0, 1439, "Gone/Zone", datetime(2026, 7, 1, 1, 0, tzinfo=UTC), True),
    ],
)
def test_quiet_hours_follow_the_zone(start: int, end: int, zone: str, moment: datetime, quiet: bool) -> None:
    """WEBMAIL-122: over midnight, and in summer time."""
    assert Choice(True, start, end, zone).is_quiet(int(moment.timestamp()) * 1_000_000) is quiet


async def test_devices_are_few_and_can_be_removed(world: World) -> None:
    """WEBMAIL-122, STORE-96c: the same browser again is the same device."""
    for number in range(MAX_DEVICES):
        await world.subscribe(f"/{number}", f"Phone {number}")
    again = Phone().subscription(world.push.url("/new", HOST))
    assert (await world.browser.error("notices_subscribe", **again))[0] == 400
    await world.subscribe("/0", "Renamed")
    found = await world.devices()
    assert [one["name"] for one in found] == ["Renamed", *(f"Phone {one}" for one in range(1, MAX_DEVICES))]
    await world.browser.call("notices_remove", device_id=found[0]["id"])
    await world.browser.call("notices_remove", device_id=found[0]["id"])
    await world.browser.call("notices_subscribe", **again)
    assert len(await world.devices()) == MAX_DEVICES


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": "http://push.example/x"},
        {"endpoint": "https://user:pass@push.example/x"},
        {"endpoint": "https://push.example/x\r\nHost: y"},
        {"endpoint": "https://push.example/" + "x" * 1000},
        {"endpoint": "file:///etc/passwd"},
        {"p256dh": "AAAA"},
        {"p256dh": "B" * 87},
        {"auth": "AAAA"},
        {"auth": "?"},
        {"name": ""},
        {"name": "x" * 101},
    ],
)
async def test_subscriptions_that_are_none_are_refused(world: World, wrong: dict[str, str]) -> None:
    """WEBMAIL-122: what a browser says is a stranger's."""
    given = {**Phone().subscription("https://push.example/x"), **wrong}
    assert (await world.browser.error("notices_subscribe", **given))[0] == 400
    assert await world.devices() == []


@pytest.mark.parametrize(
    "answer",
    [
        Answer(302, headers=[("Location", "https://127.0.0.1:1/")]),
        Answer(200, slow=True),
        Answer(201, hang=True),
        Answer(400, b"x" * 100_000),
        Answer(503, headers=[("Retry-After", "9" * 40)]),
        Answer(503, headers=[("Retry-After", "-1")]),
    ],
)
async def test_hostile_push_services_do_no_harm(world: World, answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-122: no redirect is followed, nothing is waited for without end, deliveries go on."""
    before = panics.labels(pkg="web").value
    monkeypatch.setattr(requests, "SECONDS", 1.0)
    await world.knows("ada@nordlicht.example")
    await world.subscribe()
    world.push.answers = [answer]
    await world.mail()
    await world.push.wait(1)
    began = trio.current_time()
    await world.mail()
    assert trio.current_time() - began < 0.9, "deliveries do not wait"
    device = await world.until(1)
    assert device["error"]
    world.push.release.set()
    assert len(world.push.asked) == 1
    assert panics.labels(pkg="web").value == before
    assert world.rig.house.tree.failures == {}


async def test_addresses_of_the_inner_network_are_not_asked(
    tmp_path: Path, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-122: by the rule of webhooks, whatever name stands for the address."""
    monkeypatch.setattr(service, "PAUSE", 0.05)
    monkeypatch.setattr(service, "INTERVAL", 0.1)
    rig = await open_rig(tmp_path / "server", nursery)
    browser = rig.browser()
    await browser.log_in()
    async with push_service(tmp_path) as (push, _):
        world = World(rig, browser, push)
        await world.knows("ada@nordlicht.example")
        for endpoint in (
            push.url("/one", HOST),
            "https://127.0.0.1:1/",
            "https://[::1]/",
            "https://10.0.0.1/",
            "https://[fe80::1]/",
        ):
            await browser.call("notices_subscribe", **Phone().subscription(endpoint))
        await world.mail()
        with trio.fail_after(30):
            while not all(one["failures"] for one in await world.devices()):  # noqa: ASYNC110 of another task
                await trio.sleep(0.01)
        assert all("private network" in one["error"] for one in await world.devices())
        assert push.asked == []


async def test_a_test_says_what_came_of_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-122: not more often than notices."""
    phone = await world.subscribe()
    [device] = await world.devices()
    assert await world.browser.call("notices_test", device_id=device["id"]) == ""
    assert phone.read(world.push.asked[0]) == {"test": True}
    with trio.fail_after(30):  # the look for alarms at the start of the account ends the first wait
        while "wait 30 seconds" not in await world.browser.call("notices_test", device_id=device["id"]):
            pass
    assert "removed" in await world.browser.call("notices_test", device_id=device["id"] + 1)
    await trio.sleep(0.15)
    world.push.answers = [Answer(410)]
    assert "410" in await world.browser.call("notices_test", device_id=device["id"])
    assert await world.devices() == []


async def places(world: World) -> dict[int, str]:
    """The mailbox of each message."""
    async with world.rig.account() as account:
        rows = await account.read(
            lambda r: list(r.rows("SELECT m.id, b.name FROM message m JOIN mailbox b ON b.id = m.mailbox_id")),
            op="test",
        )
    return dict(rows)


async def test_the_message_of_a_notice_is_archived(world: World) -> None:
    """WEBMAIL-122a, WEBMAIL-83: from the Inbox, as read; what was moved or removed since stays, without an error."""
    told, moved, removed = [await world.mail() for _ in range(3)]
    async with world.rig.account() as account:
        trash = await box(account, "Trash")
    await world.browser.call("message_move", message_ids=[moved], mailbox_id=trash.id)
    await world.browser.call("message_delete", message_ids=[removed])
    for number in (told, told, moved, removed, 2**53 - 1):
        assert await world.browser.call("notice_archive", message_id=number) is None
    assert await places(world) == {told: "Archive", moved: "Trash"}
    item = await world.browser.call("message_item", message_id=told)
    assert "\\seen" in item["flags"]


@pytest.mark.parametrize("number", [0, -1, 2**53, 2**70, "7", None, [7]])
async def test_the_message_of_a_notice_has_an_id(world: World, number: object) -> None:
    """WEBMAIL-122a: the worker's ids come from a push, so the server refuses impossible ones."""
    assert await world.browser.error("notice_archive", message_id=number) == (400, "user:error")


async def test_a_notice_archives_nothing_without_a_session(world: World) -> None:
    """WEBMAIL-122a, WEBMAIL-14: neither without the CSRF token, nor with that of another session, nor after its end."""
    number = await world.mail()
    other = world.rig.browser()
    await other.log_in()
    stranger, own = other.csrf, world.browser.csrf
    for token in ("", stranger):
        world.browser.csrf = token
        code = "user:badAuth" if token else "user:noAuth"
        assert await world.browser.error("notice_archive", message_id=number) == (401, code)
    world.browser.csrf = own
    await world.browser.call("logout")
    assert await world.browser.error("notice_archive", message_id=number) == (401, "user:noAuth")
    assert await places(world) == {number: "Inbox"}


async def test_a_notice_without_an_archive_is_refused(world: World) -> None:
    """WEBMAIL-122a: no mailbox is the archive, so the message stays."""
    number = await world.mail()
    async with world.rig.account() as account:
        archive = await box(account, "Archive")
    await world.browser.call("mailbox_set_special_use", mailbox_id=archive.id, roles=[])
    answer = await world.browser.post("notice_archive", {"message_id": number})
    assert (answer.status, answer.json["error"]["code"]) == (400, "user:error")
    assert "this account doesn't have an Archive folder" in answer.json["error"]["message"]
    assert await places(world) == {number: "Inbox"}


async def test_a_device_ends_with_its_session(world: World) -> None:
    """WEBMAIL-22, WEBMAIL-122: by logging out there, by ending that session elsewhere, by a new password."""
    other = world.rig.browser()
    await other.log_in()
    await world.subscribe("/one", "One")
    await other.call("notices_subscribe", **Phone().subscription(world.push.url("/two", HOST), "Two"))
    await other.call("logout")
    assert [one["name"] for one in await world.devices()] == ["One"]
    await other.log_in()
    await other.call("notices_subscribe", **Phone().subscription(world.push.url("/two", HOST), "Two"))
    account = world.rig.browser(app="/")
    await account.log_in()
    sessions = [one for one in await account.call("session_list") if one["app"] == "webmail"]
    await account.call("session_remove", session_id=min(one["id"] for one in sessions))
    async with world.rig.account() as opened:
        assert [one.name for one in await opened.read(rows.devices, op="test")] == ["Two"]
    await account.call("set_password", password="another long password")
    async with world.rig.account() as opened:
        with trio.fail_after(30):
            while await opened.read(rows.devices, op="test"):  # noqa: ASYNC110 of another task
                await trio.sleep(0.01)


async def test_a_device_ends_with_a_session_that_expires(world: World, clock: Clock) -> None:
    """WEBMAIL-122: nothing more is sent to its push service; that of a living session is told as before."""
    other = world.rig.browser()
    await other.log_in()
    await other.call("notices_subscribe", **Phone().subscription(world.push.url("/two", HOST), "Two"))
    clock.ahead += 23 * 3600
    await world.subscribe("/one", "One")
    clock.ahead += 2 * 3600
    await world.knows("ada@nordlicht.example")
    await world.mail()
    await world.push.wait(1)
    assert [request.target for request in world.push.asked] == ["/one"]
    assert [one["name"] for one in await world.devices()] == ["One"]


async def test_a_message_that_comes_back_is_told_of_like_new_mail(world: World) -> None:
    """WEBMAIL-122, WEBMAIL-125: once, though its id is an old one; what was told of before is not repeated."""
    phone = await world.subscribe()
    await world.knows("ada@nordlicht.example")
    number = await world.mail()
    await world.push.wait(1)
    later = await world.mail()
    await world.push.wait(2)  # not one notice of both or two, whichever comes first
    async with world.rig.account() as account:
        await account.write(lambda tx: store_flags_ids(tx, [number], mode="add", flags=Flag.SEEN))
        await account.write(lambda tx: snooze(tx, [number], tx.now))
        assert await account.write(wake)
    await world.push.wait(3)
    assert later > number
    assert phone.read(world.push.asked[2]) == {"sender": "Ada Lind", "id": number}
    await world.mail("Stranger <else@nordlicht.example>")
    await world.silence(3)


def test_a_server_without_devices_loads_nothing() -> None:
    """WEBMAIL-122: neither the codec nor time zones."""
    program = (
        "import sys, moxlite.server; "
        "print([one for one in ('moxlite.web.notices.requests', 'moxlite.proto.webpush', "
        "'moxlite.store.people.notices', 'zoneinfo') if one in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout == "[]\n"


async def test_the_worker_and_the_manifest_are_served(rig: Rig) -> None:
    """WEBMAIL-6, WEBMAIL-11, WEBMAIL-120, WEBMAIL-122: without session; a new worker is used at once."""
    browser = rig.browser()
    worker = await browser.fetch("/webmail/sw.js")
    assert worker.status == 200
    assert worker.headers["content-type"] == "text/javascript; charset=utf-8"
    assert worker.headers["cache-control"] == "no-cache"
    assert worker.headers["content-security-policy"] == "default-src 'none'; connect-src 'self'"
    handlers = set(re.findall(rb'addEventListener\("(\w+)"', worker.body))
    assert handlers == {b"push", b"pushsubscriptionchange", b"notificationclick", b"install", b"activate", b"fetch"}
    manifest = msgspec.json.decode((await browser.fetch("/webmail/manifest.webmanifest")).body)
    assert (manifest["display"], manifest["scope"]) == ("standalone", "./")
    for icon in manifest["icons"]:
        found = await browser.fetch(f"/webmail/{icon['src']}")
        assert (found.status, found.headers["content-type"]) == (200, icon["type"])
    policy = (await browser.fetch("/webmail/")).headers["content-security-policy"]
    assert "worker-src 'self'" in policy
    assert "manifest-src 'self'" in policy
    assert (await browser.fetch("/webmail/sw.js", method="POST", headers={}, body=b"x")).status == 405


async def test_an_account_that_may_not_log_in_has_no_devices(world: World) -> None:
    """WEBMAIL-122: they are removed when its log-in is disabled, and none is told of mail that comes then."""
    await world.subscribe()
    await world.knows("ada@nordlicht.example")
    path = world.rig.holder.path.with_name("domains.toml")
    path.write_text(path.read_text().replace("[accounts.mia]\n", '[accounts.mia]\nlogin_disabled = "on leave"\n', 1))
    await world.rig.holder.reload()
    async with world.rig.account() as account:
        with trio.fail_after(30):
            while await account.read(rows.devices, op="test"):  # noqa: ASYNC110 of another task
                await trio.sleep(0.01)
    await world.mail()
    await world.silence()


async def test_a_full_disk_stops_no_notices_of_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-122: what cannot be written of one account is logged; the task goes on."""
    phone = await world.subscribe()
    await world.knows("ada@nordlicht.example")

    refused: list[object] = []

    def full(*_: object, **named: object) -> None:
        refused.append(named)
        raise StorageFull("no space left")

    with monkeypatch.context() as broken:
        broken.setattr(requests, "note_outcomes", full)
        await world.mail()
        await eventually(lambda: refused)
    number = await world.mail()
    # a round that was due already may have told of the first alone once more
    both = {"sender": "Ada Lind", "id": number, "more": 1}
    await eventually(lambda: both in map(phone.read, world.push.asked))
    assert world.rig.house.tree.failures == {}


async def test_an_account_takes_two_turns_of_eight(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-122: push services that hang for one account keep no other waiting."""
    running: list[str] = []
    told = trio.Event()

    async def post(self: requests.PushService, address: str, *args: object, **options: object) -> requests.PushResult:
        running.append(address)
        most.append(len(running))
        await trio.sleep(0.01)
        running.remove(address)
        if len(most) == MAX_DEVICES:
            told.set()
        return requests.PushResult()

    most: list[int] = []
    monkeypatch.setattr(requests.PushService, "post", post)
    for number in range(MAX_DEVICES):
        await world.subscribe(f"/{number}", f"Phone {number}")
    await world.knows("ada@nordlicht.example")
    await world.mail()
    with trio.fail_after(30):
        await told.wait()
    assert max(most) == REQUESTS
