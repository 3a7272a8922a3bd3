"""The lock of an account in the admin app: within seconds nothing that its user has open goes on."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio_websocket
from trio_websocket import ConnectionClosed, WebSocketConnection

from moxlite.admin.passwords import Passwords
from tests.session.imapd_harness import Client as IMAPClient
from tests.web_rig import ADDRESS, ADMIN_STATIC, PASSWORD, Browser, Rig, owner

PROGRAMS = """
[listeners.programs]
ips = ["127.0.0.1"]
imap = { enabled = true, port = 143, require_tls = false }
jmap_http = { enabled = true, port = 86 }
"""

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/admin/", static=ADMIN_STATIC + PROGRAMS)]


@asynccontextmanager
async def websocket(rig: Rig, authorization: str) -> AsyncIterator[WebSocketConnection]:
    stream = rig.connect(port=86)
    assert isinstance(stream, trio.SocketStream)
    async with trio.open_nursery() as nursery:
        yield await trio_websocket.wrap_client_stream(
            nursery,
            stream,
            "mail.example.org",
            "/jmap/ws",
            subprotocols=["jmap"],
            extra_headers=[(b"authorization", authorization.encode())],
        )
        nursery.cancel_scope.cancel()


async def imap(rig: Rig, password: str) -> tuple[IMAPClient, str]:
    """A client, and the answer to its log-in."""
    client = IMAPClient(rig.connect(port=143))
    assert (await client.response()).startswith("* OK")
    return client, (await client.say(f"a LOGIN {ADDRESS} {password}"))[-1]


async def by_dav(rig: Rig, authorization: str) -> int:
    browser = rig.browser(app="/webmail/", port=443, tls=True)
    answer = await browser.fetch("/dav/", method="PROPFIND", headers={"authorization": authorization, "depth": "0"})
    return answer.status


async def test_a_lock_ends_all_that_is_open(rig: Rig, browser: Browser) -> None:
    """WEB-188, ADMIN-17: pages, streams, websockets, IMAP and app passwords, within 5 seconds; others go on, and an
    unlocked account logs in again.
    """
    passwords = Passwords(rig.accounts, rig.house.services.logins, rig.house.services.end_sessions)
    app = await passwords.add_app("mia", "phone", ["imap", "dav", "jmap"], read_only=False, expires=None)
    header = f"Basic {base64.b64encode(f'{ADDRESS}:{app}'.encode()).decode()}"
    tab, account = rig.browser(port=443, tls=True), rig.browser(app="/", port=443, tls=True)
    for one in (tab, account):
        await one.log_in()
    events = await tab.events()
    await events.until("start")
    client, answer = await imap(rig, app)
    assert answer.startswith("a OK")
    await client.ok("b SELECT INBOX")
    await client.send("c IDLE\r\n")
    assert (await client.response()).startswith("+")
    async with websocket(rig, header) as socket:
        assert await by_dav(rig, header) == 207
        with trio.fail_after(5):
            await browser.call("config_account_disable", account="mia", message="Locked for now")
            assert (await events.until("fatal"))["message"] == "session no longer valid"
            while line := await client.line():
                assert line.startswith(b"* ")
            with pytest.raises(ConnectionClosed):
                await socket.get_message()
    assert (await tab.error("token"))[0] == 401
    assert (await account.error("overview"))[0] == 401
    assert await by_dav(rig, header) != 207
    for password in (app, PASSWORD.replace(" ", "")):
        assert (await imap(rig, password))[1].startswith("a NO")
    login = await tab.post(
        "login",
        {"login_token": await tab.call("login_prep"), "username": ADDRESS, "password": PASSWORD, "stay": False},
    )
    assert (login.status, login.json["error"]["message"]) == (401, "Locked for now")
    assert (await browser.call("account", name="mia"))["row"]["disabled"] == "Locked for now"
    await browser.call("config_account_enable", account="mia")
    await tab.log_in()
    assert await by_dav(rig, header) == 207


async def test_a_lock_needs_a_message_and_an_account(rig: Rig) -> None:
    """WEB-188: else nothing is locked."""
    browser = await owner(rig)
    assert (await browser.error("config_account_disable", account="mia", message=" "))[0] == 400
    assert (await browser.error("config_account_disable", account="nobody", message="x"))[0] in (400, 404)
    assert (await browser.call("account", name="mia"))["row"]["disabled"] == ""
