"""Webhooks about sent messages: events of a running queue, calls to a web server on loopback."""

import base64
import hashlib
import hmac
import json
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from moxlite.net.httpclient import HTTPClient
from moxlite.net.resolver import FakeResolver, RecordType
from moxlite.operations.queue import Filter
from moxlite.operations.webhooks import HookFilter, HookPage, RetiredHookFilter
from moxlite.proto.address import Address
from moxlite.queue.errors import BadFilter, NoSuchWebhook
from moxlite.queue.webhooks import calls, keeping
from moxlite.queue.webhooks.calls import call
from moxlite.queue.webhooks.keeping import CALLING, Hook, NewHook, add_hook
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.actions import Delivery, FileInto
from moxlite.store.delivery.perform import perform
from moxlite.store.delivery.submission import SubmissionRecipient
from moxlite.store.file.transaction import Tx
from tests.certs import Authority
from tests.queue_rig import START, Rig, Server, rig_at, sample
from tests.tools import eventually, slowness
from tests.webserver import Answer, WebServer, web_server

pytestmark = pytest.mark.served

PRIVATE = "allow_private_webhooks = true"
KEEP = 'keep_retired_webhook_period = "200h"\nkeep_retired_message_period = "200h"\n'


@asynccontextmanager
async def called(tmp_path: Path, *, more: str = "", top: str = PRIVATE) -> AsyncIterator[tuple[Rig, WebServer]]:
    """A queue whose account alice has a webhook at a server."""
    async with web_server() as server:
        account = f'{KEEP}outgoing_webhook = {{ url = "{server.url()}"{more} }}'
        async with rig_at(tmp_path, top=top, account=account) as rig:
            yield rig, server


def told(server: WebServer) -> list[dict[str, Any]]:
    """The JSON of each call."""
    return [json.loads(one.body) for one in server.asked]


async def finished(rig: Rig, number: int = 1) -> list[Any]:
    """The retired webhooks, once there are so many; the latest first."""
    with trio.fail_after(30):
        while len(found := await rig.queue.webhooks.list_retired()) < number:  # noqa: ASYNC110 of another task
            await trio.sleep(0.002)
    return found


async def failures(rig: Rig) -> list[Hook]:
    """The webhooks that have been called in vain, once there is one."""
    with trio.fail_after(30):
        while True:
            found = await rig.queue.webhooks.list_hooks()
            if failed := [one for one in found if one.last_result and one.last_result.error != CALLING]:
                return failed
            await trio.sleep(0.002)


async def quiet(rig: Rig) -> None:
    """Until no call is under way."""
    await eventually(lambda: not rig.queue.webhooks.caller.calls)


async def test_a_delivery_is_told(tmp_path: Path) -> None:
    """QUEUE-90, QUEUE-92, QUEUE-94, WEB-105, WEB-106, WEB-108: the whole call, and the row that is kept of it, without
    what it proves itself with.
    """
    async with called(tmp_path, more=', authorization = "Basic c2VjcmV0"') as (rig, server):
        rig.remote(Server())
        [message_id] = await rig.submit("bob@remote.example", extra={"X-Tag": "7"})
        [hook] = await finished(rig)
        [asked] = server.asked
        assert (asked.method, asked.target) == ("POST", "/hook")
        assert asked.headers["content-type"] == "application/json; charset=utf-8"
        assert asked.headers["authorization"] == "Basic c2VjcmV0"
        assert asked.headers["user-agent"].startswith("moxlite/")
        for prefix in ("x-moxlite", "x-mox"):
            assert asked.headers[f"{prefix}-webhook-id"] == str(hook.id)
            assert asked.headers[f"{prefix}-webhook-attempt"] == "1"
        assert json.loads(asked.body) == {
            "Version": 0,
            "Event": "delivered",
            "DSN": False,
            "Suppressing": False,
            "QueueMsgID": message_id,
            "FromID": "",
            "MessageID": "<m1@own.example>",
            "Subject": "test",
            "WebhookQueued": "2027-01-15T08:00:00Z",
            "SMTPCode": 0,
            "SMTPEnhancedCode": "",
            "Error": "",
            "Extra": {"X-Tag": "7"},
        }
        assert hook.success
        assert hook.results[0].status == 200
        assert hook.results[0].response == "ok"
        assert not await rig.queue.webhooks.list_hooks()
        assert "c2VjcmV0" not in repr(hook)


async def test_failures_are_told_with_the_servers_words(tmp_path: Path) -> None:
    """QUEUE-94, WEB-105, WEB-106: delayed at each failed attempt, failed at the last one, canceled by the admin."""
    async with called(tmp_path) as (rig, server):
        remote = rig.remote(Server({"RCPT": ["451 4.7.1 wait", "550 5.1.1 nobody here"]}))
        [first] = await rig.submit("bob@remote.example")
        await server.wait(1)
        await rig.pass_time(600)
        await server.wait(2)
        delayed, failed = told(server)
        assert (delayed["Event"], delayed["SMTPCode"], delayed["SMTPEnhancedCode"]) == ("delayed", 451, "4.7.1")
        assert (failed["Event"], failed["SMTPCode"], failed["SMTPEnhancedCode"]) == ("failed", 550, "5.1.1")
        assert "nobody here" in failed["Error"]
        assert failed["QueueMsgID"] == first
        remote.replies["RCPT"] = ["451 4.7.1 wait"]
        ids = await rig.submit("dan@remote.example") + await rig.submit("carl@remote.example")
        await server.wait(4)
        assert await rig.queue.operations.drop(Filter(ids=(ids[0],))) == 1
        assert await rig.queue.operations.fail(Filter(ids=(ids[1],))) == 1
        await server.wait(6)
        last = {one["QueueMsgID"]: (one["Event"], one["Error"]) for one in told(server)[4:]}
        assert last == {
            ids[0]: ("canceled", ""),
            ids[1]: ("failed", "an administrator of this server bounced the message"),
        }


async def test_only_the_wanted_events_are_told(tmp_path: Path) -> None:
    """QUEUE-94, WEB-105: `events` of the configuration."""
    async with called(tmp_path, more=', events = ["failed"]') as (rig, server):
        rig.remote(Server({"RCPT TO:<bob": "550 5.1.1 no"}))
        await rig.submit("carl@remote.example")
        await rig.submit("bob@remote.example")
        await server.wait(1)
        await rig.settle()
        assert [one["Event"] for one in told(server)] == ["failed"]


async def test_mail_without_a_sender_is_not_told(tmp_path: Path) -> None:
    """QUEUE-94: neither DSNs nor the server's own reports."""
    async with called(tmp_path) as (rig, server):
        rig.remote(Server())
        await rig.submit("bob@remote.example", sender="")
        await rig.submit("bob@remote.example", is_tls_report=True)
        await rig.submit("bob@remote.example")
        await server.wait(1)
        await rig.settle()
        await quiet(rig)
        assert len(server.asked) == 1


async def test_calls_are_made_anew_for_a_day_and_a_quarter(tmp_path: Path) -> None:
    """QUEUE-91, WEB-109: twelve calls, after 1, 2, 4, 7.5, 15, 30 min, 1, 2, 4, 8, 16 h; 4xx as well; then it is over
    as a failure.
    """
    async with called(tmp_path) as (rig, server):
        server.answers = [Answer(404), Answer(500), Answer(301, headers=[("Location", "/elsewhere")])]
        rig.remote(Server())
        await rig.submit("bob@remote.example")
        times = []
        for number in range(1, 13):
            await server.wait(number)
            await quiet(rig)
            times.append((rig.clock.now - START) / 60e6)
            left = await rig.queue.webhooks.list_hooks()
            if left:
                rig.clock.now = left[0].next_attempt
                rig.queue.scheduler.changed()
        expected = [0, 1, 3, 7, 14.5, 29.5, 59.5, 119.5, 239.5, 479.5, 959.5, 1919.5]
        assert times == pytest.approx(expected, rel=0.011)
        [hook] = await finished(rig)
        assert not hook.success
        assert hook.attempts == 12
        assert len(server.asked) == 12
        assert [one.status for one in hook.results[:3]] == [404, 500, 301]
        assert [one.headers["x-moxlite-webhook-attempt"] for one in server.asked] == [str(n) for n in range(1, 13)]
        assert {one.target for one in server.asked} == {"/hook"}  # a redirect is not followed


async def test_other_2xx_are_a_success_where_that_is_configured(tmp_path: Path) -> None:
    """QUEUE-92, WEB-108: `webhook_accept_2xx`; without it only 200 is."""
    async with called(tmp_path, top=f"{PRIVATE}\nqueue.webhook_accept_2xx = true") as (rig, server):
        server.answers = [Answer(202)]
        rig.remote(Server())
        await rig.submit("bob@remote.example")
        [hook] = await finished(rig)
        assert hook.success
    (tmp_path / "other").mkdir()
    async with called(tmp_path / "other") as (rig, server):
        server.answers = [Answer(202)]
        rig.remote(Server())
        await rig.submit("bob@remote.example")
        await server.wait(1)
        await quiet(rig)
        [waiting] = await rig.queue.webhooks.list_hooks()
        assert waiting.results[0].status == 202
        assert waiting.results[0].error == "status 202"


async def test_a_newer_event_supersedes_one_that_waits(tmp_path: Path) -> None:
    """QUEUE-93: the older is retired with the id of the newer."""
    async with called(tmp_path) as (rig, server):
        server.answers = [Answer(500), Answer()]
        rig.remote(Server({"RCPT": ["451 4.7.1 wait", "250 2.1.5 ok"]}))
        await rig.submit("bob@remote.example")
        await server.wait(1)
        await quiet(rig)
        assert await rig.queue.webhooks.schedule(HookFilter(), 3600) == 1
        await rig.pass_time(600)
        newer, older = await finished(rig, 2)
        assert (older.event, newer.event) == ("delayed", "delivered")
        assert older.superseded_by == newer.id
        assert not older.success
        assert [one["Event"] for one in told(server)] == ["delayed", "delivered"]


async def test_a_newer_event_waits_for_the_call_about_the_older_one(tmp_path: Path) -> None:
    """QUEUE-92, QUEUE-93: never two calls of one message; what becomes of the superseded one is noted with it."""
    async with called(tmp_path) as (rig, server):
        server.answers = [Answer(hang=True), Answer()]
        rig.remote(Server({"RCPT": ["451 4.7.1 wait", "250 2.1.5 ok"]}))
        await rig.submit("bob@remote.example")
        await server.wait(1)
        await rig.pass_time(600)
        [older] = await finished(rig)
        assert older.event == "delayed"
        assert len(server.asked) == 1
        server.release.set()
        newer, older = await finished(rig, 2)
        assert older.superseded_by == newer.id
        assert older.results[-1].status == 200
        assert older.results[-1].error == "(superseded)"
        assert server.most == 1


async def test_calls_at_once_are_bounded_and_in_order(tmp_path: Path) -> None:
    """QUEUE-92: three at one URL, the oldest first."""
    async with called(tmp_path) as (rig, server):
        server.answers = [Answer(hang=True)]
        rig.remote(Server())
        ids = [(await rig.submit("bob@remote.example"))[0] for _ in range(6)]
        await server.wait(3)
        await rig.settle()
        assert rig.queue.webhooks.caller.calls == 3
        server.answers = [Answer()]
        server.release.set()
        await finished(rig, 6)
        assert server.most == 3
        assert {one["QueueMsgID"] for one in told(server)[:3]} == set(ids[:3])


async def test_a_server_that_has_failed_is_called_by_one_at_a_time(tmp_path: Path) -> None:
    """QUEUE-92: until a call there succeeds; what calls took is measured by their result."""
    name = "moxlite_webhook_call_duration_seconds_count"
    before = {result: sample(name, result=result) for result in ("ok", "status")}
    async with called(tmp_path) as (rig, server):
        server.answers = [Answer(500), Answer(hang=True)]
        rig.remote(Server())
        await rig.submit("bob@remote.example")
        await failures(rig)
        for _ in range(4):
            await rig.submit("bob@remote.example")
        await server.wait(2)
        await rig.settle()
        assert rig.queue.webhooks.caller.calls == 1
        server.answers = [Answer()]
        server.release.set()
        await finished(rig, 4)
        await quiet(rig)
    assert {result: sample(name, result=result) - count for result, count in before.items()} == {"ok": 4, "status": 1}


async def test_few_failing_servers_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-92, WEB-137: a user who changes the address of the web server after each failure fills no memory."""
    monkeypatch.setattr(calls, "MAX_FAILING", 2)
    async with called(tmp_path) as (rig, server):
        server.answers = [Answer(500)]
        for number in range(4):
            hook = NewHook(
                account="alice",
                url=f"{server.url()}{number}",
                authorization="",
                secret="",
                event="delivered",
                payload=b"{}",
                keep=0,
            )

            def add(tx: Tx, now: int, hook: NewHook = hook) -> None:
                add_hook(tx, hook, now)

            await rig.queue.operations.change(add)
            rig.queue.webhooks.caller.changed()
            await server.wait(number + 1)
            await quiet(rig)
        assert list(rig.queue.webhooks.caller._failing) == [f"{server.url()}2", f"{server.url()}3"]


async def test_a_server_that_hangs_holds_up_no_other_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-92, WEB-137: silent calls take a room of their own."""
    monkeypatch.setattr(calls, "MAX_CALLS", 3)
    monkeypatch.setattr(calls, "SILENT_SECONDS", 0.05)
    async with web_server() as good, called(tmp_path) as (rig, server):
        server.answers = [Answer(hang=True)]
        rig.remote(Server())
        for _ in range(5):
            await rig.submit("bob@remote.example")
        await server.wait(3)
        await rig.settle()
        await rig.queue._database.write(lambda tx: tx.execute("UPDATE hook SET url = ? WHERE id = 5", good.url()))
        rig.queue.webhooks.caller.changed()
        await good.wait(1)
        assert len(server.asked) == 3


async def test_a_dead_server_with_ten_thousand_waiting_calls_holds_up_no_other_one(tmp_path: Path) -> None:
    """QUEUE-90, QUEUE-92, WEB-137: beside them, another server gets 100 calls a second."""
    number, dead = 300, 10_000
    async with web_server() as good, called(tmp_path) as (rig, server):
        server.answers = [Answer(hang=True)]

        def wait(tx: Tx, account: str, url: str, count: int) -> None:
            new = NewHook(
                account=account, url=url, authorization="", secret="", event="delivered", payload=b"{}", keep=0
            )
            for _ in range(count):
                assert add_hook(tx, new, rig.clock.now) is not None

        await rig.queue._database.write(partial(wait, account="admin", url=server.url(), count=dead))
        rig.queue.webhooks.caller.changed()
        await server.wait(3)
        await rig.queue._database.write(partial(wait, account="alice", url=good.url(), count=number))
        began = time.process_time()  # of the server and of the receivers
        rig.queue.webhooks.caller.changed()
        await good.wait(number)
        taken = time.process_time() - began
        assert len(server.asked) == 3
        assert taken < number / 100 * slowness(), taken


async def test_an_answer_without_end_is_cut_off(tmp_path: Path, leaping_clock: MockClock) -> None:
    """QUEUE-92, QUEUE-159: a body that drips ends with the time of the call; one without end after 512 octets."""
    async with called(tmp_path) as (rig, server):
        server.answers = [Answer(slow=True), Answer(body=b"y" * (1 << 20))]
        rig.remote(Server())
        await rig.submit("bob@remote.example")
        await server.wait(1)
        leaping_clock.jump(calls.CALL_SECONDS)
        await quiet(rig)
        [waiting] = await rig.queue.webhooks.list_hooks()
        assert "timed out after" in waiting.results[0].error
        assert await rig.queue.webhooks.schedule(HookFilter(account="alice"), 0, from_now=True) == 1
        [hook] = await finished(rig)
        assert hook.success
        assert hook.results[1].response == "y" * 512


HOSTS = """
127.0.0.1 127.1 127.0.1 127.255.255.254 0.0.0.0 0 2130706433 0x7f000001 0x7f.0.0.1 0177.0.0.1 017700000001 0x7f.1
127.0.0.1. localhost LOCALHOST. a.localhost 10.0.0.1 10.1 0xa000001 172.16.0.1 172.31.255.255 192.168.1.1 3232235777
169.254.169.254 0xa9fea9fe 100.64.0.1 198.18.0.1 192.0.0.1 224.0.0.1 255.255.255.255 240.0.0.1 [::1] [::]
[0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:10.0.0.1] [::127.0.0.1] [64:ff9b::7f00:1]
[64:ff9b::10.0.0.1] [2002:7f00:1::] [fe80::1] [fc00::1] [fd12:3456::1] [fec0::1] [ff02::1] [2001:db8::1]
inner.example mapped.example nat64.example both.example
"""
"""Hosts of URLs that lead to the private network, or nowhere."""


@pytest.mark.parametrize("host", HOSTS.split())
async def test_no_form_of_an_inner_address_is_dialled(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-92, QUEUE-159, WEB-111: numbers in any form, mapped and translated addresses, and names that lead there."""
    resolver = FakeResolver(
        {
            "A": {"inner.example": ["10.0.0.1"], "both.example": ["127.0.0.1", "192.168.0.1"]},
            "AAAA": {"mapped.example": ["::ffff:127.0.0.1"], "nat64.example": ["64:ff9b::7f00:1"]},
        }
    )
    dialled: list[object] = []

    def connect(self: object, address: object) -> None:
        dialled.append(address)
        raise OSError("not here")

    monkeypatch.setattr(socket.socket, "connect", connect)
    hook = Hook(
        id=1, msg_id=1, from_id="", message_id="", subject="", account="alice", url=f"http://{host}:8080/",
        event="failed", submitted=0, attempts=1, results=(), size=2, payload=b"{}", authorization="", secret="",
        next_attempt=0,
    )  # fmt: skip
    result = await call(HTTPClient(resolver), hook, 0, any_2xx=False)
    assert not result.success
    assert result.error
    assert dialled == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "inner.example", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]"])
async def test_inner_addresses_are_not_called(tmp_path: Path, host: str) -> None:
    """QUEUE-92, WEB-111: without `allow_private_webhooks` the address that would be dialled is refused, whatever name
    leads to it.
    """
    async with web_server() as server:
        account = f'{KEEP}outgoing_webhook = {{ url = "{server.url(host=host)}" }}'
        async with rig_at(tmp_path, account=account) as rig:
            rig.resolver.set("inner.example", RecordType.A, ["127.0.0.1"])
            rig.remote(Server())
            await rig.submit("bob@remote.example")
            [failed] = await failures(rig)
            assert "private network" in failed.results[0].error
            assert not server.asked


@pytest.mark.parametrize(
    ("names", "days", "known", "problem"),
    [
        (["hooks.example"], 30, True, ""),
        (["hooks.example"], 30, False, "self-signed certificate in certificate chain"),
        (["hooks.example"], -7, True, "certificate has expired"),
        (["elsewhere.example"], 30, True, "Hostname mismatch"),
    ],
    ids=["good", "foreign", "expired", "misnamed"],
)
async def test_https_is_verified_before_anything_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str], days: float, known: bool, problem: str
) -> None:
    """QUEUE-92: authority, dates and name; of a server that does not prove who it is the message and the authorization
    are kept, and it is called again by the schedule.
    """
    authority = Authority()
    (tmp_path / "roots.pem").write_bytes((authority if known else Authority("Another")).pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    pair = authority.issue(*names, days=days)
    (tmp_path / "web.pem").write_bytes(pair.certificate_pem() + pair.key_pem())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "web.pem")
    async with web_server(context) as server:
        url = server.url(host="hooks.example")
        account = f'{KEEP}outgoing_webhook = {{ url = "{url}", authorization = "Bearer 7" }}'
        async with rig_at(tmp_path, top=PRIVATE, account=account) as rig:
            rig.resolver.set("hooks.example", RecordType.A, ["127.0.0.1"])
            rig.remote(Server())
            await rig.submit("bob@remote.example")
            if not problem:
                [hook] = await finished(rig)
                assert hook.results[0].status == 200
                assert server.asked[0].headers["authorization"] == "Bearer 7"
                return
            [failed] = await failures(rig)
            assert problem in failed.results[0].error
            assert not server.asked


async def test_a_name_that_changes_its_address_meanwhile_is_looked_at_again() -> None:
    """WEB-111: what is dialled is the address that was checked (DNS rebinding)."""
    async with web_server() as server:
        resolver = FakeResolver({"A": {"hooks.example": ["127.0.0.1"]}})
        hook = Hook(
            id=1, msg_id=0, from_id="", message_id="", subject="", account="a", url=server.url(host="hooks.example"),
            event="failed", submitted=0, attempts=1, results=(), size=2, payload=b"{}", authorization="", secret="",
            next_attempt=0,
        )  # fmt: skip
        refused = await call(HTTPClient(resolver), hook, 0, any_2xx=False)
        assert "private network" in refused.error
        assert not server.asked
        assert (await call(HTTPClient(resolver, allow_internal=True), hook, 0, any_2xx=False)).success


async def test_calls_are_signed(tmp_path: Path) -> None:
    """WEB-111: as Standard Webhooks, by both keys of the configuration, which are not kept; each attempt anew, with the
    same id.
    """
    keys = [b"k" * 24, bytes(range(32))]
    both = " ".join("whsec_" + base64.b64encode(key).decode() for key in keys)
    async with called(tmp_path, more=f', secret = "{both}"') as (rig, server):
        server.answers = [Answer(500), Answer()]
        rig.remote(Server())
        await rig.submit("bob@remote.example")
        await server.wait(1)
        await quiet(rig)
        await rig.pass_time(62)
        await finished(rig)
        first, second = server.asked
        assert first.headers["webhook-id"] == second.headers["webhook-id"] == first.headers["x-mox-webhook-id"]
        assert first.headers["webhook-timestamp"] == str(START // 1_000_000)
        assert int(second.headers["webhook-timestamp"]) > START // 1_000_000
        for asked in server.asked:
            content = f"{asked.headers['webhook-id']}.{asked.headers['webhook-timestamp']}.".encode() + asked.body
            signed = [base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode() for key in keys]
            assert asked.headers["webhook-signature"] == " ".join(f"v1,{one}" for one in signed)
        assert "x-moxlite-signature" not in first.headers


async def test_a_call_that_a_kill_has_cut_off_is_made_again(tmp_path: Path) -> None:
    """QUEUE-91: counted before it is made; after the restart it says so, and the next one follows by the schedule."""
    async with called(tmp_path) as (rig, server):
        server.answers = [Answer(hang=True)]
        rig.remote(Server())
        await rig.submit("bob@remote.example")
        await server.wait(1)
        rows = [tuple(row) for row in await rig.queue._database.read(lambda r: r.rows("SELECT * FROM hook"), op="test")]
    assert rows[0][11] == 1  # attempts, while the call was under way
    assert "calling..." in str(rows[0][13])
    async with called(tmp_path) as (rig, server):
        [hook] = await rig.queue.webhooks.list_hooks()
        assert hook.attempts == 1
        assert hook.results[0].error == "interrupted"
        await rig.queue._database.write(lambda tx: tx.execute("UPDATE hook SET url = ?", server.url()))
        await rig.pass_time(61)
        await server.wait(1)
        assert server.asked[0].headers["x-moxlite-webhook-attempt"] == "2"


async def test_a_clock_that_is_set_back_does_not_delay_calls(tmp_path: Path) -> None:
    """QUEUE-16a, QUEUE-91: the interval to the next call stays, while the server runs and over restarts, with a step
    shorter than the interval, too; so does the count.
    """
    day = 86400 * 1_000_000
    async with called(tmp_path) as (rig, server):
        server.answers = [Answer(500)]
        rig.remote(Server())
        await rig.submit("bob@remote.example")
        await failures(rig)
        await quiet(rig)
        before = rig.clock.now
        rig.clock.now -= day
        rig.queue.clock_set()
        await eventually_due(rig, 60e6)
        await rig.settle()
        assert len(server.asked) == 1
        await rig.pass_time(61)
        await server.wait(2)
        await quiet(rig)
        rig.clock.now = before + 3 * day
        rig.queue.scheduler.changed()
        await server.wait(3)
        await quiet(rig)
        await rig.queue._database.write(lambda tx: tx.execute(SET_BY_A_MINUTE, START + 60_000_000))
    for _ in range(3):
        async with called(tmp_path) as (rig, server):  # its clock is a minute behind
            [hook] = await rig.queue.webhooks.list_hooks()
            assert hook.attempts == 3
            assert hook.next_attempt - START == pytest.approx(240e6, rel=0.02)
            assert hook.results[-1].start == START


SET_BY_A_MINUTE = """
UPDATE hook SET next_attempt = next_attempt - json_extract(results, '$[#-1].start') + ?1,
    submitted = ?1, results = json_set(results, '$[#-1].start', ?1)"""
"""As if the last call of a hook was made at this time."""


async def eventually_due(rig: Rig, microseconds: float) -> None:
    """Wait until the next call is due after so long, within 2 %."""
    with trio.fail_after(60):
        while True:
            [hook] = await rig.queue.webhooks.list_hooks()
            if hook.next_attempt - rig.clock.now == pytest.approx(microseconds, rel=0.02):
                return
            await trio.sleep(0.002)


async def test_an_account_cannot_fill_the_disk_with_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-90: events beyond the limit are listed as failed and counted, the owner is told once, mail goes out."""
    monkeypatch.setattr(keeping, "MAX_HOOKS", 2)
    before = sample("moxlite_webhook_dropped_total")
    async with called(tmp_path) as (rig, server):
        server.answers = [Answer(500)]
        remote = rig.remote(Server())
        for _ in range(4):
            await rig.submit("bob@remote.example")
        await rig.settle()
        assert len(remote.messages) == 4
        waiting = await rig.queue.webhooks.list_hooks()
        assert len(waiting) == 2
        behind = await rig.queue.webhooks.list_retired()
        assert [(one.success, one.results[0].error, one.payload) for one in behind] == (
            [(False, "receiver too far behind", b"null")] * 2
        )
        assert await rig.queue.webhooks.schedule(HookFilter(), 0, from_now=True) == 2
        await eventually(lambda: len(server.asked) >= 4)
        await quiet(rig)
        async with rig.accounts.use("alice") as account:
            notices = "SELECT count(*) FROM message WHERE subject_base LIKE '%webhooks aren''t being delivered%'"
            assert await account.read(lambda r: r.value(notices), op="test") == 1
    assert sample("moxlite_webhook_dropped_total") == before + 2


async def test_people_list_schedule_and_cancel(tmp_path: Path) -> None:
    """QUEUE-96: filters, pages by key, operations; an empty answer for what fits nothing, an error for nonsense."""
    async with called(tmp_path) as (rig, server):
        server.answers = [Answer(500)]
        rig.remote(Server({"RCPT TO:<bob": "550 5.1.1 no"}))
        for name in ("bob", "carl", "dora"):
            await rig.submit(f"{name}@remote.example")
        await server.wait(3)
        await quiet(rig)
        hooks = rig.queue.webhooks
        everything = await hooks.list_hooks(page=HookPage(sort="submitted"))
        assert [one.event for one in everything] == ["failed", "delivered", "delivered"]
        first = everything[0]
        after = HookPage(sort="submitted", last_id=first.id, last="2027-01-15T08:00:00Z", n=1)
        assert [one.id for one in await hooks.list_hooks(page=after)] == [everything[1].id]
        assert [one.id for one in await hooks.list_hooks(HookFilter(event="failed"))] == [first.id]
        assert not await hooks.list_hooks(HookFilter(account="nobody"))
        with pytest.raises(BadFilter, match="next_attempt"):
            await hooks.list_hooks(HookFilter(next_attempt="soon"))
        assert await hooks.schedule(HookFilter(ids=(first.id,)), 7200) == 1
        assert (await hooks.get(first.id)).next_attempt > START + 7000_000_000
        assert await hooks.cancel(HookFilter(event="delivered")) == 2
        gone = await hooks.list_retired(RetiredHookFilter(event="delivered"))
        assert [one.results[-1].error for one in gone] == ["canceled by admin"] * 2
        with pytest.raises(NoSuchWebhook):
            await hooks.get(gone[0].id)
        assert not (await hooks.get_retired(gone[0].id)).success
        rig.clock.advance(201 * 3600)
        await rig.queue.clean()
        assert not await hooks.list_retired()


DSN = b"""\
From: <postmaster@remote.example>
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b

sorry
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; remote.example

Final-Recipient: rfc822; bob@remote.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b--
""".replace(b"\n", b"\r\n")


MIXED = DSN.replace(b"multipart/report; report-type=delivery-status", b"multipart/mixed").replace(
    b"Reporting-MTA: dns; remote.example\r\n\r\n", b""
)
EXIM = b"""\
X-Failed-Recipients: bob@remote.example
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@remote.example>

This message was created automatically by mail delivery software.

  bob@remote.example
    host mx.remote.example [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<bob@remote.example>:
    550 5.1.1 no such user
""".replace(b"\n", b"\r\n")


async def receive(rig: Rig, recipient: str, notice: bytes = DSN) -> None:
    """Deliver a DSN of failure that came in for this address of alice, and have it told."""
    async with rig.accounts.use("alice") as account:
        with Spool.of(notice, rig.path) as spool:
            delivery = Delivery(actions=(FileInto(mailbox="Inbox"),), tell=recipient)
            await perform(account, await prepare(spool), delivery)

        async def told_all() -> bool:
            return not await account.read(lambda r: r.value("SELECT count(*) FROM outbox"), op="test")

        with trio.fail_after(30):
            while not await told_all():  # noqa: ASYNC110 of another task
                await trio.sleep(0.002)


@pytest.mark.parametrize("notice", [DSN, MIXED, EXIM], ids=["report", "mixed", "exim"])
async def test_notices_of_all_servers_are_told(tmp_path: Path, notice: bytes) -> None:
    """QUEUE-95, QUEUE-106: with the recipient on the suppression list."""
    from_id = "A" * 22
    async with web_server() as server:
        account = f'{KEEP}outgoing_webhook = {{ url = "{server.url()}" }}\n'
        domain = 'localpart_separators = ["+"]'
        async with rig_at(tmp_path, top=PRIVATE, account=account, domain=domain) as rig:
            rig.remote(Server())
            sender = Address.parse(f"alice+{from_id}@own.example")
            recipient = SubmissionRecipient(Address.parse("bob@remote.example"), mail_from=sender, from_id=from_id)
            await rig.submit(recipient)
            await server.wait(1)
            await receive(rig, str(sender), notice)
            await server.wait(2)
            event = told(server)[1]
            assert (event["Event"], event["DSN"], event["FromID"]) == ("failed", True, from_id)
            assert len(await rig.queue.suppressions("alice")) == 1


@pytest.mark.parametrize("trusted", [True, False])
async def test_only_a_dsn_that_knows_the_id_counts(tmp_path: Path, *, trusted: bool) -> None:
    """QUEUE-95, QUEUE-155, QUEUE-156: forged ones change nothing; with `no_dsn_suppression` none puts an address on the
    suppression list.
    """
    from_id = "A" * 22
    async with web_server() as server:
        account = f'{KEEP}outgoing_webhook = {{ url = "{server.url()}" }}\n'
        account += "" if trusted else "no_dsn_suppression = true\n"
        domain = 'localpart_separators = ["+"]'
        async with rig_at(tmp_path, top=PRIVATE, account=account, domain=domain) as rig:
            rig.remote(Server())
            sender = Address.parse(f"alice+{from_id}@own.example")
            recipient = SubmissionRecipient(Address.parse("bob@remote.example"), mail_from=sender, from_id=from_id)
            await rig.submit(recipient)
            await server.wait(1)
            for forged in ("B" * 22, from_id.lower(), ""):
                await receive(rig, f"alice+{forged}@own.example")
            await receive(rig, "alice@own.example")
            assert len(server.asked) == 1
            assert await rig.queue.suppressions("alice") == []
            await receive(rig, str(sender))
            await server.wait(2)
            event = told(server)[1]
            assert (event["Event"], event["DSN"], event["FromID"]) == ("failed", True, from_id)
            assert event["Suppressing"] is trusted
            assert len(await rig.queue.suppressions("alice")) == int(trusted)
