"""XAPPLEPUSHSERVICE (IMAP-164b): the command, and pushes by HTTP/2 to a push service on loopback that demands the
certificate, for whole servers.
"""

import hashlib
import json
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import msgspec
import pytest
import trio
import trio.testing

from moxlite.net import http2client
from moxlite.net.httpclient import HTTPError
from moxlite.net.tls.certificates import KeyPair
from moxlite.process.configtest import test_config as check_config
from moxlite.store.errors import StorageFull
from moxlite.store.people import applepush
from moxlite.store.people.applepush import AppleDevice, apple_devices
from moxlite.store.types import Flag
from moxlite.supervision import failures_total
from moxlite.web.notices import apple
from tests.certs import Authority
from tests.house import PASSWORD, Running, house
from tests.session.imapd_harness import Client, Imap, imap
from tests.store_mail import put
from tests.tools import eventually

pytestmark = pytest.mark.served

__all__ = ["imap"]

HOST = "push.localhost"
TOPIC = "com.apple.mail.XServer.0e205478-5a2f"
TOKEN = "AB" * 32
STATIC = """
hostname = "mx.example.org"
data_dir = "../data"
postmaster = {{ account = "mia", mailbox = "Postmaster" }}
store = {{ min_free_space = 0 }}
tls.ca.cert_files = ["{folder}/root.pem"]
imap.apple_push = {{ cert_file = "apple.pem", key_file = "apple-key.pem", server = "https://push.localhost:{port}" }}

[listeners.one]
ips = ["127.0.0.1"]
imap = {{ enabled = true, require_tls = false, port = 1143 }}
metrics_http = {{ enabled = true, port = 8010 }}
"""
DOMAINS = """
[domains."example.org"]
[accounts.mia]
domain = "example.org"
destinations."mia@example.org" = {}
"""


def command(token: str = TOKEN, *, mailboxes: str = " mailboxes (INBOX Archive)", rest: str = "") -> str:
    """A registration, as Apple's Mail sends it."""
    return (
        f"x XAPPLEPUSHSERVICE aps-version 2 aps-account-id 0715A26B-CA09 aps-device-token {token}"
        f" aps-subtopic com.apple.mobilemail{mailboxes}{rest}"
    )


@dataclass
class Asked:
    """A push."""

    path: str
    fields: dict[str, str]
    body: bytes

    @property
    def mailboxes(self) -> list[str]:
        found: list[str] = json.loads(self.body)["aps"]["m"]
        return found


@dataclass
class PushService:
    """Apple's side. `answers`: status and reason, one after another, then 200; a status of 0 ends the connection before
    the request is begun.
    """

    port: int = 0
    answers: deque[tuple[int, str]] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    silent: bool = False

    async def wait(self, number: int) -> Asked:
        await eventually(lambda: len(self.asked) >= number)
        return self.asked[number - 1]

    async def serve(self, raw: trio.SocketStream, *, tls: ssl.SSLContext) -> None:
        stream = trio.SSLStream(raw, tls, server_side=True, https_compatible=True)
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        open_: dict[int, Asked] = {}
        try:
            async with stream:
                await stream.do_handshake()
                self.connections += 1
                connection.initiate_connection()
                await stream.send_all(connection.data_to_send())
                while octets := await stream.receive_some():
                    for event in connection.receive_data(bytes(octets)):
                        self.note(connection, open_, event)
                    if not self.silent and (answer := connection.data_to_send()):
                        await stream.send_all(answer)
                    if connection.state_machine.state is h2.connection.ConnectionState.CLOSED:
                        return
        except (trio.BrokenResourceError, ssl.SSLError):
            pass

    def note(self, connection: h2.connection.H2Connection, open_: dict[int, Asked], event: h2.events.Event) -> None:
        match event:
            case h2.events.RequestReceived(stream_id=number, headers=headers):
                fields = {str(name): str(value) for name, value in headers}
                open_[number] = Asked(fields[":path"], fields, b"")
            case h2.events.DataReceived(stream_id=number, data=octets):
                open_[number].body += octets
            case h2.events.StreamEnded(stream_id=number):
                status, reason = self.answers.popleft() if self.answers else (200, "")
                if not status:
                    connection.close_connection(last_stream_id=number - 2 if number > 1 else 0)
                    return
                self.asked.append(open_.pop(number))
                connection.send_headers(number, [(":status", str(status))], end_stream=not reason)
                if reason:
                    connection.send_data(number, json.dumps({"reason": reason}).encode(), end_stream=True)


@dataclass
class World:
    """A server with a certificate of Apple, and the push service."""

    push: PushService
    running: Running

    @asynccontextmanager
    async def user(self, password: str = PASSWORD) -> AsyncIterator[Client]:
        async with self.running.connect(port=1143) as stream:
            client = Client(stream)
            client.greeting = await client.line()
            await client.login(password=password)
            yield client

    async def mail(self, mailbox: str = "Inbox", flags: Flag = Flag(0)) -> None:
        async with self.running.house.files.accounts.use("mia") as account:
            await put(account, name=mailbox, flags=flags)

    async def devices(self) -> list[AppleDevice]:
        async with self.running.house.files.accounts.use("mia") as account:
            return await account.read(apple_devices, op="test")


def write_certificates(folder: Path, authority: Authority, *, uid: str = TOPIC, days: float = 30) -> None:
    """The authority, and the certificate of the mail server."""
    (folder / "config").mkdir(exist_ok=True)
    (folder / "root.pem").write_bytes(authority.pem)
    pair = authority.issue(uid=uid, days=days)
    (folder / "config/apple.pem").write_bytes(pair.certificate_pem())
    (folder / "config/apple-key.pem").write_bytes(pair.key_pem())
    (folder / "config/apple-key.pem").chmod(0o600)


def service_context(folder: Path, pair: KeyPair) -> ssl.SSLContext:
    """TLS of the push service, which demands a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (folder / "push.pem").write_bytes(pair.certificate_pem() + pair.key_pem())
    context.load_cert_chain(folder / "push.pem")
    context.load_verify_locations(folder / "root.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])
    return context


@pytest.fixture
async def world(tmp_path: Path, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """Devices are told soon."""
    monkeypatch.setattr(apple, "PAUSE", 0.05)
    authority, push = Authority(), PushService()
    write_certificates(tmp_path, authority)
    serve = partial(push.serve, tls=service_context(tmp_path, authority.issue(HOST)))
    listening = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
    push.port = listening[0].socket.getsockname()[1]
    static = STATIC.format(folder=tmp_path, port=push.port)
    async with house(tmp_path, static=static, domains=DOMAINS) as running:
        yield World(push, running)


class Told:
    """Stands for the service of pushes in sessions."""

    topic = TOPIC

    def __init__(self) -> None:
        self.names: list[str] = []

    def registered(self, account: str) -> None:
        self.names.append(account)


@pytest.fixture
def told(imap: Imap) -> Told:
    """A server with a certificate."""
    service = Told()
    imap.context = msgspec.structs.replace(imap.context, apple_push=service)
    return service


@pytest.mark.parametrize(
    "text",
    [
        "x XAPPLEPUSHSERVICE",
        "x XAPPLEPUSHSERVICE aps-version",
        "x XAPPLEPUSHSERVICE aps-version 2",
        command(rest=" aps-version 2"),
        command(rest=" mailboxes (Sent)"),
        command(rest=" aps-more 1"),
        command("XY" * 32),
        command("AB" * 15),
        command("AB" * 101),
        command("ABC" * 11),
        command(f'"{chr(0x663) * 64}"'),  # digits, but of another script
        command(mailboxes=" mailboxes INBOX"),
        command(mailboxes=f" mailboxes ({' '.join(f'M{n}' for n in range(101))})"),
        command().replace("0715A26B-CA09", '"0715 A26B"'),
        command().replace("0715A26B-CA09", "A" * 129),
        command().replace("aps-version 2", "aps-version two"),
    ],
)
async def test_a_wrong_registration_is_bad(imap: Imap, told: Told, text: str) -> None:
    """IMAP-164b"""
    async with imap.user(select=None) as c:
        assert (await c.tagged(text)).startswith("BAD")
    assert told.names == []


async def test_a_device_registers(imap: Imap, told: Told) -> None:
    """IMAP-164b: once it has logged in; other versions and programs are refused; without a list of mailboxes it is told
    of the Inbox; the same again within a day writes nothing.
    """
    async with imap.connect() as c:
        assert b" XAPPLEPUSHSERVICE" in c.greeting
        assert (await c.tagged(command())).startswith("NO")
        await c.login()
        for old, new in (("aps-version 2", "aps-version 1"), ("mobilemail", "mobilecal")):
            assert (await c.tagged(command().replace(old, new))).startswith("NO")
        expected = [f'* XAPPLEPUSHSERVICE aps-version "2" aps-topic "{TOPIC}"']
        assert await c.ok(command()) == expected
        assert await c.ok(command()) == expected
        assert await c.ok(command("CD" * 32, mailboxes="")) == expected
        assert await c.ok(command("EF" * 32, mailboxes=" mailboxes ()")) == expected
    assert told.names == ["mia"] * 3
    async with imap.account() as account:
        devices = await account.read(apple_devices, op="test")
    assert [device.token for device in devices] == ["ef" * 32, "cd" * 32, "ab" * 32]
    assert [[*device.marks] for device in devices] == [["Inbox"], ["Inbox"], ["Inbox", "Archive"]]


async def test_an_account_has_a_number_of_devices(imap: Imap, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-164b: one more takes the place of that which has not registered for longest."""
    monkeypatch.setattr(applepush, "MAX_DEVICES", 3)
    async with imap.user(select=None) as c:
        for number in range(4):
            await c.ok(command(f"{number:064x}"))
        await c.ok(command(f"{1:064x}", mailboxes=""))
        await c.ok(command(f"{5:064x}"))
    async with imap.account() as account:
        devices = await account.read(apple_devices, op="test")
    assert [int(device.token, 16) for device in devices] == [5, 1, 3]


async def test_without_a_certificate_there_is_no_such_command(imap: Imap) -> None:
    """IMAP-164b"""
    async with imap.connect() as c:
        assert b"XAPPLEPUSHSERVICE" not in c.greeting
        await c.login()
        assert (await c.tagged(command())).startswith("NO")


async def test_a_device_is_told_of_new_mail(world: World) -> None:
    """IMAP-164b: of unread messages in its mailboxes, by hashes of their names, on one connection; not of what was
    there before, nor of read messages and other mailboxes.
    """
    await world.mail()
    async with world.user() as c:
        assert b" XAPPLEPUSHSERVICE" in c.greeting
        await c.ok(command())
    await world.mail("Sent")
    await world.mail(flags=Flag.SEEN)
    await world.mail()
    first = await world.push.wait(1)
    assert first.path == f"/3/device/{TOKEN.lower()}"
    assert (first.fields["apns-topic"], first.fields["apns-push-type"]) == (TOPIC, "alert")
    assert json.loads(first.body)["aps"]["account-id"] == "0715A26B-CA09"
    assert first.mailboxes == [hashlib.md5(b"INBOX").hexdigest()]
    await world.mail("Archive")
    second = await world.push.wait(2)
    assert second.mailboxes == [hashlib.md5(b"Archive").hexdigest()]
    assert world.push.connections == 1
    async with world.running.house.files.accounts.use("mia") as account:
        await put(account, 5)
        await put(account, 5, "Archive")
    third = await world.push.wait(3)
    assert len(third.mailboxes) in (1, 2)
    answer = await world.running.browser(service="metrics_http").fetch("/metrics")
    assert b'moxlite_imap_apple_pushes_total{result="ok"}' in answer.body


async def test_a_device_that_is_gone_is_told_nothing_more(world: World) -> None:
    """IMAP-164b: status 410, and reasons that say the same."""
    for answer in ((410, "Unregistered"), (400, "BadDeviceToken")):
        async with world.user() as c:
            await c.ok(command())
        world.push.answers.append(answer)
        number = len(world.push.asked)
        await world.mail()
        await world.push.wait(number + 1)
        with trio.fail_after(10):
            while await world.devices():  # noqa: ASYNC110 of another task
                await trio.sleep(0.02)


async def test_a_push_that_is_not_taken_is_repeated(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-164b: after a pause that grows."""
    monkeypatch.setattr(applepush, "FIRST_PAUSE", 50_000)
    world.push.answers += [(503, "ServiceUnavailable"), (429, "TooManyRequests"), (200, "")]
    async with world.user() as c:
        await c.ok(command())
    await world.mail()
    third = await world.push.wait(3)
    assert third.body == world.push.asked[0].body
    with trio.fail_after(10):
        while (await world.devices())[0].failing:  # noqa: ASYNC110 of another task
            await trio.sleep(0.02)


async def test_a_connection_that_ends_is_made_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-164b: with GOAWAY before a request was begun, and when a ping of a silent one is not answered."""
    async with world.user() as c:
        await c.ok(command())
    world.push.answers += [(200, ""), (0, "")]
    await world.mail()
    await world.push.wait(1)
    await world.mail()
    await world.push.wait(2)
    assert world.push.connections == 2
    monkeypatch.setattr(applepush, "FIRST_PAUSE", 50_000)
    monkeypatch.setattr(http2client, "RECONNECT", 0.05)
    monkeypatch.setattr(http2client, "SILENCE", 0.0)
    monkeypatch.setattr(http2client, "PONG", 0.05)
    world.push.silent = True
    await world.mail()
    await eventually(lambda: world.push.connections > 2)
    world.push.silent = False
    await world.push.wait(3)


async def test_a_service_that_never_answers_is_not_asked_at_once_again(world: World) -> None:
    """IMAP-164b: it ends each connection before a request was begun."""
    async with world.user() as c:
        await c.ok(command())
    world.push.answers += [(0, "")] * 100
    await world.mail()
    with trio.fail_after(10):
        while not (await world.devices())[0].failing:  # noqa: ASYNC110 of another task
            await trio.sleep(0.02)
    assert world.push.connections == 1


async def test_a_device_ends_with_its_password(world: World) -> None:
    """IMAP-164b: the app password that it came by, or the account's own."""
    async with world.user() as c:
        await c.ok(command())
    services = world.running.house.services
    services.end_sessions("mia", "ended", app_password="phone")
    await world.mail()
    await world.push.wait(1)
    services.end_sessions("mia", "ended")
    with trio.fail_after(10):
        while await world.devices():  # noqa: ASYNC110 of another task
            await trio.sleep(0.02)


async def test_a_full_disk_ends_no_task_and_keeps_no_device(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-164b, STORE-157: what could not be noted is pushed again; a device ends with its password all the same."""
    note_push, forget = applepush.note_push, applepush.forget_apple_devices
    failed: list[str] = []
    before = failures_total.labels("web", "apple").value

    def full(name: str, work: Callable[..., Any], *args: Any, **named: Any) -> Any:
        if name not in failed:
            failed.append(name)
            raise StorageFull
        return work(*args, **named)

    monkeypatch.setattr(apple, "note_push", partial(full, "note", note_push))
    monkeypatch.setattr(apple, "forget_apple_devices", partial(full, "forget", forget))
    async with world.user() as c:
        await c.ok(command())
    await world.mail()
    await world.push.wait(1)
    await eventually(lambda: failed == ["note"])
    await world.mail()
    await world.push.wait(2)
    assert failures_total.labels("web", "apple").value == before
    world.running.house.services.end_sessions("mia", "ended")
    await eventually(lambda: failed == ["note", "forget"])
    await world.mail()
    with trio.fail_after(10):
        while await world.devices():  # noqa: ASYNC110 of another task
            await trio.sleep(0.02)
    assert len(world.push.asked) == 2


@pytest.mark.parametrize(
    ("uid", "days", "problem"), [("", 30, "has no UID"), (TOPIC, -1, "has ended"), (TOPIC, 30, "cannot read")]
)
async def test_a_certificate_that_cannot_be_used_is_told(tmp_path: Path, uid: str, days: float, problem: str) -> None:
    """IMAP-164b: by `config test` and readiness; mail is served, the capability is not there."""
    write_certificates(tmp_path, Authority(), uid=uid, days=days)
    if problem == "cannot read":
        (tmp_path / "config/apple.pem").unlink()
    static = STATIC.format(folder=tmp_path, port=1)
    async with house(tmp_path, static=static, domains=DOMAINS) as running:
        async with running.connect(port=1143) as stream:
            assert b"XAPPLEPUSHSERVICE" not in await Client(stream).line()
        status, text = await running.readiness()
        assert status == 503
        assert problem in text
    errors, warnings = check_config(tmp_path / "config/moxlite.toml", machine=False)
    assert problem in " ".join(str(one) for one in [*errors, *warnings])


async def test_a_push_that_was_cancelled_opens_no_connection() -> None:
    """IMAP-164b: nothing is left of it."""
    connections: list[int] = []

    async def connect() -> trio.abc.Stream:
        connections.append(1)
        raise HTTPError("refused")

    client = http2client.HTTP2Client(connect, "push.example")
    with trio.move_on_after(0.01) as scope:
        await client.post("/", [], b"", seconds=20, max_body=100)
    assert scope.cancelled_caught
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.serve)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert not connections
