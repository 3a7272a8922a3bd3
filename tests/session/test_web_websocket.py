"""The same events over a websocket."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio_websocket

from moxlite.store.accounts.access import publish_shares
from moxlite.store.mail.acl import set_rights
from tests.store_mail import box, deliver_mail, mail, put, rows
from tests.web_rig import Browser, Rig, first_request

pytestmark = pytest.mark.served

ORIGIN = "http://mail.example.org"


@asynccontextmanager
async def websocket(
    browser: Browser, *, origin: str = ORIGIN, since: int = 0
) -> AsyncIterator[trio_websocket.WebSocketConnection]:
    token = await browser.call("token")
    stream = browser.rig.connect()
    assert isinstance(stream, trio.SocketStream)
    async with trio.open_nursery() as nursery:
        found = await trio_websocket.wrap_client_stream(
            nursery,
            stream,
            "mail.example.org",
            f"/webmail/ws?token={token}" + (f"&since={since}" if since else ""),
            subprotocols=["moxlite.webmail.v1"],
            extra_headers=[
                (b"cookie", "; ".join(f"{n}={v}" for n, v in browser.cookies.items()).encode()),
                (b"origin", origin.encode()),
            ],
        )
        yield found
        nursery.cancel_scope.cancel()


async def receive(socket: trio_websocket.WebSocketConnection, event: str) -> Any:
    """The next frame with this event."""
    with trio.fail_after(60):
        while True:
            frame = json.loads(await socket.get_message())
            if frame["event"] == event:
                return frame


async def test_events_and_requests_go_over_one_websocket(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-32."""
    async with rig.account() as account:
        await put(account, 3)
        async with websocket(browser) as socket:
            assert socket.subprotocol == "moxlite.webmail.v1"
            await socket.send_message(json.dumps({"request": first_request()}))
            start = await receive(socket, "start")
            assert start["data"]["kind"] == "start"
            assert start["id"] == start["data"]["modseq"]
            assert len((await receive(socket, "view_msgs"))["data"]["items"]) == 3
            await deliver_mail(account, mail(9))
            frame = await receive(socket, "view_changes")
            assert "msg_add" in [change["kind"] for change in frame["data"]["changes"]]
            assert frame["id"] == frame["data"]["modseq"]
            await socket.send_message(json.dumps({"request": first_request("Archive", view_id=2)}))
            while (page := await receive(socket, "view_msgs"))["data"]["view_id"] != 2:
                pass
            assert page["data"]["view_end"] is True


async def test_a_websocket_can_go_on_too(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-32, WEBMAIL-44."""
    async with rig.account() as account:
        await put(account, 2)
        async with websocket(browser, since=1) as socket:
            await socket.send_message(json.dumps({"request": {**first_request(), "page": None}}))
            await receive(socket, "resume")
            added = 0
            while added < 2:
                frame = await receive(socket, "view_changes")
                added += [change["kind"] for change in frame["data"]["changes"]].count("msg_add")


async def test_a_foreign_page_gets_no_websocket(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-32, WEBMAIL-113."""
    with pytest.raises(BaseException) as caught:  # a group of trio's nursery
        async with websocket(browser, origin="https://evil.example"):
            pass
    assert (
        caught.group_contains(trio_websocket.ConnectionRejected)
        if isinstance(caught.value, BaseExceptionGroup)
        else isinstance(caught.value, trio_websocket.ConnectionRejected)
    )


async def test_a_frame_that_is_too_large_ends_the_websocket(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-32."""
    async with websocket(browser) as socket:
        await socket.send_message(json.dumps({"request": first_request()}))
        await receive(socket, "start")
        await socket.send_message("x" * 65_537)
        with pytest.raises(trio_websocket.ConnectionClosed) as closed:
            await receive(socket, "nothing")
        assert closed.value.reason is not None
        assert closed.value.reason.code == 1009


@pytest.mark.parametrize("frame", ["[]", b'{"\xff": 1}', b'{"request": ' * 5000])
async def test_a_frame_that_is_no_request_ends_the_websocket(
    rig: Rig, browser: Browser, frame: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """WEBMAIL-32, WEB-134."""
    async with websocket(browser) as socket:
        await socket.send_message(frame)
        with pytest.raises(trio_websocket.ConnectionClosed), trio.fail_after(60):
            await socket.get_message()
    assert "unexpected error" not in caplog.text


async def test_a_websocket_hears_that_the_server_stops(rig: Rig, browser: Browser) -> None:
    """WEB-17, WEBMAIL-46."""
    async with websocket(browser) as socket:
        await socket.send_message(json.dumps({"request": first_request()}))
        await receive(socket, "start")
        rig.shutdown.set()
        await receive(socket, "server_shutdown")
        with pytest.raises(trio_websocket.ConnectionClosed), trio.fail_after(60):
            await socket.get_message()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 426),
        ({"upgrade": "websocket", "connection": "upgrade"}, 400),
        (
            {"upgrade": "websocket", "connection": "upgrade", "sec-websocket-version": "13", "sec-websocket-key": "x"},
            400,
        ),
    ],
)
async def test_what_is_no_websocket_is_refused(browser: Browser, headers: dict[str, str], status: int) -> None:
    """WEBMAIL-32 (RFC 6455 §4.2)."""
    assert (await browser.fetch("/webmail/ws?token=x", headers=headers)).status == status


async def test_a_websocket_shows_nothing_of_accounts_that_share_nothing(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-32, WEBMAIL-62, WEBMAIL-113: ids of their mailboxes and messages are refused as on `/webmail/events`."""
    async with rig.account("tom") as tom, rig.account() as mia:
        await put(tom, 2)
        own = int((await deliver_mail(mia, mail(9))).message_id)
        inbox = (await box(tom)).id
        await tom.write(lambda tx: set_rights(tx, inbox, "mia", "lr"))
        await publish_shares(rig.auth, tom)
        [(_, number)] = await rig.auth.sharing.numbered_owners(
            "mia", 9
        )  # an account has one when it has shared something
        await tom.write(lambda tx: set_rights(tx, inbox, "mia", ""))
        await publish_shares(rig.auth, tom)
        mailbox, message = number << 32 | int(inbox), number << 32 | int((await rows(tom))[0].id)
        async with websocket(browser) as socket:
            first = {**first_request(), "query": {"filter": {"mailbox_id": mailbox}}}
            first["page"] = {"count": 50, "dest_message_id": message}
            await socket.send_message(json.dumps({"request": first}))
            assert (await receive(socket, "start"))["data"]["mailbox_name"] == "Inbox"
            page = (await receive(socket, "view_msgs"))["data"]
            assert [thread[0]["id"] for thread in page["items"]] == [own], "one's own Inbox"
            assert page["parsed_message"] is None
            inside = {"id": 2, "view_id": 1, "page": {"count": 50, "anchor_message_id": message}}
            await socket.send_message(json.dumps({"request": inside}))
            assert (await receive(socket, "view_reset"))["data"]["request_id"] == 2
            for view_id, wrong in enumerate((mailbox, number << 32 | 99_999, 77 << 32 | 1), 2):
                query = {"filter": {"mailbox_id": wrong}}
                ask = {"id": 3, "view_id": view_id, "query": query, "page": {"count": 50}}
                await socket.send_message(json.dumps({"request": ask}))
                assert (await receive(socket, "view_err"))["data"]["view_id"] == view_id
            for view_id, everywhere in enumerate((-1, -2), 5):
                query = {"filter": {"mailbox_id": everywhere}}
                page_of = {"count": 50, "dest_message_id": message}
                await socket.send_message(
                    json.dumps({"request": {**ask, "view_id": view_id, "query": query, "page": page_of}})
                )
                page = (await receive(socket, "view_msgs"))["data"]
                while page["view_id"] != view_id:
                    page = (await receive(socket, "view_msgs"))["data"]
                assert [thread[0]["id"] for thread in page["items"]] == [own]
