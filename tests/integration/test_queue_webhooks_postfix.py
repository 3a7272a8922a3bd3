"""Each event of a sent message, provoked by Debian's postfix as the other server, heard by a web server of the test."""

import json
import smtplib
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from standardwebhooks import Webhook

from tests.realservers import Postfix
from tests.running import ServedServer
from tests.tools import free_port
from tests.webapi import check_outgoing
from tests.webserver import WebServer, web_server

pytestmark = [pytest.mark.integration, pytest.mark.served, pytest.mark.slow]

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
MAIN_CF = """\
mydestination =
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{port}
transport_maps = texthash:{top}/transport
virtual_alias_maps = texthash:{top}/aliases
smtpd_recipient_restrictions = check_recipient_access texthash:{top}/access permit_mynetworks reject
"""
ACCESS = "soft@remote.example 451 4.7.1 come later\nhard@remote.example 550 5.1.1 nobody here\n"
DOMAINS = """\
[domains."own.example"]
localpart_separators = ["+"]
[accounts.shop]
domain = "own.example"
from_id_login_addresses = ["shop@own.example"]
keep_retired_message_period = "24h"
[accounts.shop.destinations."shop@own.example"]
[[accounts.shop.routes]]
transport = "postfix"
"""
TRANSPORT = "good@remote.example discard:\n"
ALIASES = "bounce@remote.example gone@own.example\n"
"""An address that Postfix accepts; where it leads to does not exist, which turns out later."""


class Setting:
    """The server, its neighbour, and the receiver of events."""

    def __init__(self, server: ServedServer, api: int, web: WebServer) -> None:
        self._server = server
        self._api = api
        self._web = web

    async def send(self, to: str) -> dict[str, Any]:
        """Send by the web API; the ids of the row."""
        url = f"http://shop%40own.example:saltmarsh61@127.0.0.1:{self._api}/webapi/v0/"
        request = json.dumps({"To": [{"Address": to}], "Text": "x", "Subject": to, "Extra": {"x-to": to}})
        done = await trio.to_thread.run_sync(partial(self._server.cli, "webapi", "Send", url, stdin=request))
        [found] = json.loads(done.stdout)["Submissions"]
        return dict(found)

    async def event(self, of: dict[str, Any], kind: str) -> dict[str, Any]:
        """The event of that kind about a row, once it has come; its signature is right."""
        with trio.fail_after(60):
            while True:
                for asked in self._web.asked:
                    event = check_outgoing(asked.body)
                    if (event["QueueMsgID"], event["Event"]) == (of["QueueMsgID"], kind):
                        assert Webhook(SECRET).verify(asked.body, asked.headers)
                        assert (event["FromID"], event["Extra"]) == (of["FromID"], {"x-to": of["Address"]})
                        return dict(event)
                await trio.sleep(0.05)

    async def verb(self, *args: str) -> None:
        await trio.to_thread.run_sync(partial(self._server.cli, "queue", *args))

    def reply(self, address: str) -> None:
        """A plain reply to the unique sender address."""
        with smtplib.SMTP("127.0.0.1", self._server.ports["smtp"], timeout=60) as smtp:
            smtp.sendmail("eve@example.org", [address], "From: eve@example.org\nSubject: Re\n\nthanks\n")


@pytest.mark.nightly(smoke="tests/session/test_queue_webhooks.py::test_failures_are_told_with_the_servers_words")
async def test_every_event_is_told(tmp_path: Path) -> None:
    """QUEUE-94, QUEUE-82, WEB-102, WEB-105, WEB-106, WEB-111: delivered, delayed, failed at once and by a bounce that
    comes later, suppressed, canceled, and a plain reply.
    """
    api = free_port()
    postfix = Postfix(tmp_path / "postfix")
    postfix.top.mkdir()
    (postfix.top / "access").write_text(ACCESS)
    (postfix.top / "transport").write_text(TRANSPORT)
    (postfix.top / "aliases").write_text(ALIASES)
    relay = f'[transports.postfix]\nsmtp = {{ host = "localhost", port = {postfix.port}, no_starttls = true }}\n'
    async with web_server() as web:
        server = ServedServer(
            tmp_path / "served",
            top="allow_private_webhooks = true\n",
            static=f"webapi_http = {{ enabled = true, port = {api} }}\n{relay}",
            domains=DOMAINS + f'[accounts.shop.outgoing_webhook]\nurl = "{web.url()}"\nsecret = "{SECRET}"\n',
        )
        postfix.extra = MAIN_CF.format(top=postfix.top, port=server.ports["smtp"])
        await trio.to_thread.run_sync(postfix.start)
        try:
            await trio.to_thread.run_sync(server.start)
            try:
                set_password = partial(server.cli, "account", "set-password", "shop", stdin="saltmarsh61\n")
                await trio.to_thread.run_sync(set_password)
                await _play(Setting(server, api, web))
            finally:
                await trio.to_thread.run_sync(server.stop)
        finally:
            await trio.to_thread.run_sync(postfix.stop)


async def _play(setting: Setting) -> None:
    good = await setting.send("good@remote.example")
    delivered = await setting.event(good, "delivered")
    assert (delivered["DSN"], delivered["Suppressing"]) == (False, False)
    soft = await setting.send("soft@remote.example")
    delayed = await setting.event(soft, "delayed")
    assert (delayed["SMTPCode"], delayed["SMTPEnhancedCode"]) == (451, "4.7.1")
    assert "come later" in delayed["Error"]
    await setting.verb("drop", "--ids", str(soft["QueueMsgID"]))
    await setting.event(soft, "canceled")
    hard = await setting.send("hard@remote.example")
    failed = await setting.event(hard, "failed")
    assert (failed["SMTPCode"], failed["SMTPEnhancedCode"], failed["DSN"]) == (550, "5.1.1", False)
    assert failed["Suppressing"]
    again = await setting.send("hard@remote.example")
    await setting.event(again, "suppressed")
    bounce = await setting.send("bounce@remote.example")
    await setting.event(bounce, "delivered")
    bounced = await setting.event(bounce, "failed")
    assert (bounced["DSN"], bounced["SMTPEnhancedCode"], bounced["Suppressing"]) == (True, "5.1.1", True)
    await trio.to_thread.run_sync(setting.reply, f"shop+{good['FromID']}@own.example")
    reply = await setting.event(good, "unrecognized")
    assert reply["DSN"] is False
