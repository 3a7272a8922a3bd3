"""Calls and changes of JMAP by websocket, and what ends it (RFC 8887, JMAP-42)."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing
import trio_websocket
from trio_websocket import ConnectionClosed, WebSocketConnection

from moxlite.ledger import CUT, begin, ledger
from moxlite.net.metrics import panics
from moxlite.store.errors import StorageBroken, StorageBusy
from moxlite.web.jmap import streams
from moxlite.web.jmap.protocol import LIMITS, cost_of
from moxlite.web.jmap.states import SharedStates, Viewer, seen_states
from tests.jmap_rig import ACCOUNT, USING, Client, Object, rig
from tests.memory import nothing_kept
from tests.session.test_web_jmap_calendars import made
from tests.session.test_web_jmap_shared_calendars import READ, only, share, users
from tests.session.test_web_jmap_shared_push import events
from tests.web_rig import Rig

pytestmark = pytest.mark.served

__all__ = ["rig"]


@asynccontextmanager
async def websocket(rig: Rig, client: Client | None = None) -> AsyncIterator[WebSocketConnection]:
    client = client or Client(rig)
    stream = rig.connect(port=83)
    assert isinstance(stream, trio.SocketStream)
    async with trio.open_nursery() as nursery:
        yield await trio_websocket.wrap_client_stream(
            nursery,
            stream,
            "mail.example.org",
            "/jmap/ws",
            subprotocols=["jmap"],
            extra_headers=[(b"authorization", client.authorization.encode())],
            max_message_size=LIMITS["maxSizeRequest"],
        )
        nursery.cancel_scope.cancel()


async def receive(socket: WebSocketConnection) -> Object:
    with trio.fail_after(20):
        found: Object = json.loads(await socket.get_message())
        return found


async def asked(socket: WebSocketConnection) -> Object:
    """The answer to a request."""
    calls = [["Mailbox/get", {"accountId": ACCOUNT, "ids": []}, "0"]]
    await socket.send_message(json.dumps({"@type": "Request", "id": "r", "using": USING, "methodCalls": calls}))
    return await receive(socket)


async def echoed(socket: WebSocketConnection, octets: int) -> None:
    """Have a text of so many octets sent back."""
    calls = [["Core/echo", {"text": "x" * octets}, "0"]]
    await socket.send_message(json.dumps({"@type": "Request", "id": "r", "using": USING, "methodCalls": calls}))
    assert len((await receive(socket))["methodResponses"][0][1]["text"]) == octets


async def watched(socket: WebSocketConnection) -> None:
    """Ask for changes."""
    await socket.send_message(json.dumps({"@type": "WebSocketPushEnable", "dataTypes": None}))


async def crashed() -> float:
    """How many connections crashed, after those that end now."""
    await trio.testing.wait_all_tasks_blocked()
    return panics.labels(pkg="web").value


async def test_requests_and_changes_share_a_websocket(rig: Rig) -> None:
    """JMAP-42."""
    async with websocket(rig) as socket:
        answer = await asked(socket)
        assert (answer["@type"], answer["requestId"]) == ("Response", "r")
        await watched(socket)
        told: Object = {}
        while told.get("@type") != "StateChange":
            await Client(rig).imported()
            with trio.move_on_after(0.5):
                told = await receive(socket)
        assert "Email" in told["changed"][ACCOUNT]


async def test_an_account_that_cannot_be_opened_is_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-42: the answer to a request; the websocket goes on."""
    real = rig.accounts.use

    def use(name: str, **options: Any) -> Any:
        raise StorageBusy("out of descriptors")

    before = await crashed()
    async with websocket(rig) as socket:
        await asked(socket)
        monkeypatch.setattr(rig.accounts, "use", use)
        answer = await asked(socket)
        assert (answer["@type"], answer["requestId"], answer["status"]) == ("RequestError", "r", 503)
        monkeypatch.setattr(rig.accounts, "use", real)
        assert (await asked(socket))["@type"] == "Response"
    assert await crashed() == before


async def test_changes_that_cannot_be_read_end_the_connection_alone(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """JMAP-42: the client, which would wait for ever, connects again; that is logged, and no crash."""

    def broken(*_: Any, **__: Any) -> Any:
        raise StorageBroken("a page is damaged")

    before = await crashed()
    with caplog.at_level(logging.WARNING):
        async with websocket(rig) as socket, events(rig) as stream, websocket(rig) as other:
            await asked(socket)
            monkeypatch.setattr(streams, "seen_states", broken)
            await watched(socket)
            with pytest.raises(ConnectionClosed):
                await receive(socket)
            monkeypatch.setattr(streams, "seen_states", seen_states)
            assert (await asked(other))["@type"] == "Response"
            monkeypatch.setattr(SharedStates, "at", broken)
            await Client(rig).imported()
            with trio.fail_after(20):
                while await stream.line() != b"0\r":  # the last chunk
                    pass
    assert await crashed() == before
    assert [record.getMessage() for record in caplog.records].count("change notification failed") == 2


async def test_a_damaged_file_of_another_user_ends_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-7b, JMAP-42: whatever reading it raises is logged, and the changes of the own account are told."""
    mia, tom = await users(rig)
    await made(mia)
    await share(mia, "Calendar", (await only(mia, "Calendar"))["id"], {"utom": READ})

    def damaged(r: Any, viewer: Viewer) -> Any:
        if viewer.place.guest:
            raise ValueError("must be a number")
        return seen_states(r, viewer)

    monkeypatch.setattr(streams, "seen_states", damaged)
    before = await crashed()
    async with events(rig, client=tom) as stream:
        with trio.fail_after(20):
            while await crashed() == before:
                pass
        tom.account = "utom"
        await tom.call("Mailbox/set", create={"a": {"name": "New"}})
        assert "Mailbox" in await stream.until("utom")
    assert await crashed() == before + 1


async def test_a_ping_after_our_close_frame_is_no_crash(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-18: the library may not answer it any more."""

    async def leave(*_: Any, **__: Any) -> None:
        await trio.lowlevel.checkpoint()

    before = await crashed()
    monkeypatch.setattr(streams, "serve_socket", leave)
    raw = rig.connect(port=83)
    async with raw:
        head = "GET /jmap/ws HTTP/1.1\r\nHost: mail.example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        await raw.send_all(f"{head}{key}Authorization: {Client(rig).authorization}\r\n\r\n".encode())
        got = b""
        with trio.fail_after(20):
            while b"\r\n\r\n" not in got or not got.partition(b"\r\n\r\n")[2]:
                got += await raw.receive_some()
            await raw.send_all(b"\x89\x80\0\0\0\0")  # a masked ping without data
            while await raw.receive_some():
                pass
    assert await crashed() == before


async def test_a_websocket_keeps_no_message_after_its_answer(rig: Rig) -> None:
    """JMAP-5a, STORE-198a: what was given back to the ledger is gone, too."""
    async with websocket(rig) as socket:
        await asked(socket)
        with nothing_kept():
            await echoed(socket, 2_000_000)
            await trio.testing.wait_all_tasks_blocked()
            assert ledger().octets == 0


async def test_long_messages_are_read_as_there_is_room(rig: Rig) -> None:
    """JMAP-5a, STORE-198a: sockets that send long messages at once wait, unread, for their turn; one that stops in the
    middle ends for the others, and all that have sent are answered.
    """
    begin(64 << 20)
    text = "x" * 900_000
    calls = [["Core/echo", {"text": text}, "0"]]
    message = json.dumps({"@type": "Request", "id": "r", "using": USING, "methodCalls": calls})
    most = 0

    async def ask() -> None:
        nonlocal most
        async with websocket(rig) as socket:
            await socket.send_message(message)
            with trio.fail_after(60):
                found = json.loads(await socket.get_message())
        most = max(most, ledger().held["socket"])
        assert found["methodResponses"][0][1]["text"] == text

    async with trio.open_nursery() as nursery:
        client = Client(rig)
        stream = rig.connect(port=83)
        await stream.send_all(
            b"GET /jmap/ws HTTP/1.1\r\nHost: mail.example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Authorization: " + client.authorization.encode() + b"\r\n\r\n"
        )
        assert b" 101 " in await stream.receive_some(4096)
        await stream.send_all(b"\x81\xff" + (9_000_000).to_bytes(8, "big") + bytes(4) + bytes(200_000))
        for _ in range(8):
            nursery.start_soon(ask)
    assert most <= cost_of(LIMITS["maxSizeRequest"])
    await trio.testing.wait_all_tasks_blocked()
    assert ledger().octets == 0
    assert CUT.labels(kind="socket").value >= 1
    with trio.fail_after(5):
        while await stream.receive_some(4096):
            pass
