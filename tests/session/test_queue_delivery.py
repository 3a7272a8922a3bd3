"""The queue delivers: whole walks from submission to the end, against scripted SMTP servers."""

from ipaddress import ip_address
from pathlib import Path

import pytest
import trio

from moxlite.net.resolver import RecordType, TempError
from moxlite.net.tls.certificates import self_signed
from moxlite.operations.queue import Filter, RetiredFilter
from moxlite.proto.address import Address
from moxlite.queue.context import Loopback
from moxlite.store.delivery.reputation import domain_tls
from moxlite.store.delivery.submission import SubmissionRecipient
from tests.queue_rig import MESSAGE, Rig, Server, rig_at
from tests.tools import eventually

pytestmark = pytest.mark.served

KEEP = 'keep_retired_message_period = "72h"'


async def test_message_is_delivered_to_the_mx_byte_for_byte(tmp_path: Path) -> None:
    """QUEUE-10, QUEUE-42, QUEUE-71, QUEUE-7, QUEUE-5: at once, dots stuffed and undone, the attempt is kept with the
    retired row.
    """
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server())
        [message_id] = await rig.submit("bob@remote.example", prefix=b"Received: x\r\n", extra={"k": "v"})
        await rig.settle()
        assert mx.messages == [b"Received: x\r\n" + MESSAGE]
        assert "MAIL FROM:<alice@own.example> BODY=8BITMIME" not in mx.lines
        assert mx.lines[0] == "EHLO mail.own.example"
        await rig.disconnect()
        assert mx.lines[-1] == "QUIT"
        [retired] = await rig.queue.listings.list_retired()
        assert (retired.id, retired.success, retired.attempts, dict(retired.extra)) == (message_id, True, 1, {"k": "v"})
        [result] = retired.results
        assert (result.success, result.host, result.ip) == (True, "mx.remote.example", "192.0.2.1")
        assert await rig.queue.listings.list_messages() == []
        assert (await rig.queue.listings.counts()).messages == 0


async def test_an_address_literal_is_connected_to_and_nothing_is_looked_up(tmp_path: Path) -> None:
    """QUEUE-40, QUEUE-120: no MX, no policy, no TLSA; nothing is counted for TLS reports."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        host = rig.serve("192.0.2.5", Server())
        await rig.queue.operations.add_hold_rule(recipient="remote.example")
        [message_id] = await rig.submit("bob@remote.example")
        await rig.queue._database.write(lambda tx: tx.execute("UPDATE msg SET rcpt_domain = '[192.0.2.5]'"))
        assert await rig.queue.operations.unhold(Filter(ids=(message_id,))) == 1
        await rig.settle()
        assert host.recipients == [["bob@[192.0.2.5]"]]
        assert rig.resolver.asked == []
        assert rig.fetched == []
        await rig.queue.scheduler.sessions.flush()
        counted = await rig.reports.database.read(lambda r: r.value("SELECT count(*) FROM tls_result"), op="test")
        assert counted == 0


async def test_null_sender_is_sent_as_such(tmp_path: Path) -> None:
    """QUEUE-72."""
    async with rig_at(tmp_path) as rig:
        mx = rig.remote(Server())
        await rig.submit("bob@remote.example", sender="")
        await rig.settle()
        assert "MAIL FROM:<>" in mx.lines


async def test_recipients_of_one_domain_go_in_one_transaction(tmp_path: Path) -> None:
    """QUEUE-3, QUEUE-65: one connection, one copy; another domain gets its own."""
    async with rig_at(tmp_path) as rig:
        mx = rig.remote(Server())
        other = rig.remote(Server(), "other.example", "192.0.2.2")
        await rig.submit("bob@remote.example", "carol@remote.example", "dan@other.example", "eve@remote.example")
        await rig.settle()
        assert mx.recipients == [["bob@remote.example", "carol@remote.example", "eve@remote.example"]]
        assert other.recipients == [["dan@other.example"]]
        assert mx.connections == other.connections == 1


async def test_results_are_per_recipient(tmp_path: Path) -> None:
    """QUEUE-68: one delivered, one to be tried again, one failed with a DSN."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server({"RCPT TO:<later": "450 4.2.1 greylisted", "RCPT TO:<never": "550 5.1.1 no such user"}))
        await rig.submit("good@remote.example", "later@remote.example", "never@remote.example")
        await rig.settle()
        assert mx.recipients == [["good@remote.example"]]
        [waiting] = await rig.queue.listings.list_messages()
        assert waiting.rcpt_localpart == "later"
        assert (waiting.attempts, waiting.results[0].code, waiting.results[0].secode) == (1, 450, "2.1")
        assert 445e6 < waiting.next_attempt - rig.clock.now < 455e6
        [dsn] = await rig.inbox()
        assert b"never@remote.example" in dsn
        assert b"later@remote.example" not in dsn.split(b"Subject: test")[0]
        assert {(row.rcpt_localpart, row.success) for row in await rig.queue.listings.list_retired()} == {
            ("good", True),
            ("never", False),
        }


async def test_too_many_recipients_go_in_a_second_transaction_on_the_same_connection(tmp_path: Path) -> None:
    """QUEUE-67: 452 on a later RCPT does not count as an attempt; 552 means the same."""
    async with rig_at(tmp_path) as rig:
        mx = rig.remote(
            Server(
                {
                    "RCPT TO:<b": ["452 4.5.3 too many", "250 2.1.5 ok"],
                    "RCPT TO:<c": ["552 5.5.3 too many", "250 2.1.5 ok"],
                }
            )
        )
        await rig.submit("a@remote.example", "b@remote.example", "c@remote.example")
        await rig.settle()
        assert mx.recipients == [["a@remote.example"], ["b@remote.example", "c@remote.example"]]
        assert mx.connections == 1
        assert await rig.queue.listings.list_messages() == []


async def test_announced_limits_are_kept(tmp_path: Path) -> None:
    """QUEUE-66: RCPTMAX per transaction; after MAILMAX transactions the rest goes over a new connection at once,
    uncounted.
    """
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server(extensions=["PIPELINING", "LIMITS RCPTMAX=1 MAILMAX=2"]))
        await rig.submit(*(f"r{n}@remote.example" for n in range(5)))
        await rig.settle()
        assert mx.recipients == [[f"r{n}@remote.example"] for n in range(5)]
        assert mx.connections == 3
        assert {row.attempts for row in await rig.queue.listings.list_retired()} == {1}


@pytest.mark.parametrize("code", [554, 421])
async def test_fail_transport_ends_the_attempt_at_once(tmp_path: Path, code: int) -> None:
    """QUEUE-32: 5xx is final, 4xx is tried again; no connection is made."""
    static = f"[transports.no]\nfail = {{ smtp_code = {code}, smtp_message = 'not today' }}"
    async with rig_at(tmp_path, static=static, domains='[[routes]]\ntransport = "no"') as rig:
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert rig.dialed == []
        if code == 554:
            [dsn] = await rig.inbox()
            assert b"Status: 5.7.0" in dsn
            assert b"not today" in dsn
        else:
            [waiting] = await rig.queue.listings.list_messages()
            assert (waiting.results[0].code, waiting.results[0].secode) == (421, "7.0")


async def test_own_domain_is_delivered_over_a_pipe(tmp_path: Path) -> None:
    """QUEUE-36: no socket, no MX; replies count as those of any server; a route overrides it."""
    async with rig_at(tmp_path) as rig:
        rig.local.replies = {"RCPT TO:<nobody": ["550 5.1.1 unknown"]}
        await rig.submit("alice@own.example", "nobody@own.example")
        await rig.settle()
        assert rig.local.recipients == [["alice@own.example"]]
        assert rig.dialed == []
        assert rig.resolver.asked == []
        [dsn] = await rig.inbox()
        assert b"5.1.1 unknown" in dsn


async def test_own_delivery_carries_the_same_key_at_each_attempt(tmp_path: Path) -> None:
    """QUEUE-36, STORE-189: so that an attempt cut off after the store's commit does not double the message."""
    async with rig_at(tmp_path) as rig:
        rig.local.replies = {"final": [None, "250 2.0.0 taken"]}
        await rig.submit("alice@own.example")
        await rig.settle()
        await rig.pass_time(460)
        await rig.submit("alice@own.example")
        await rig.settle()
        first, again, other = rig.local_keys
        assert first == again != other


async def test_localserve_sends_everything_to_its_own_listener(tmp_path: Path) -> None:
    """QUEUE-140, SMTP-133, ADMIN-45: whatever the domain; recipients beginning with `queue` simulate failures."""
    async with rig_at(tmp_path, loopback=Loopback(ip_address("127.0.0.1"), 1025)) as rig:
        own = rig.serve("127.0.0.1", Server(tls=rig.certificate), 1025)
        await rig.submit("bob@remote.example")
        await rig.submit("queuepermerror@remote.example")
        await rig.submit("queue-450@other.example")
        await rig.settle()
        assert own.recipients == [["bob@remote.example"]]
        assert own.encrypted == [True]
        assert rig.dialed == [("127.0.0.1", 1025)]
        [dsn] = await rig.inbox()
        assert b"queuepermerror@remote.example" in dsn
        [waiting] = await rig.queue.listings.list_messages()
        assert waiting.results[0].code == 450


async def test_tls_is_used_where_it_is_offered(tmp_path: Path) -> None:
    """QUEUE-53, QUEUE-54: opportunistic, without checking the certificate; the result says so."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server(tls=rig.certificate))
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert mx.encrypted == [True]
        [retired] = await rig.queue.listings.list_retired()
        assert retired.results[0].tls.startswith("TLSv1.3 ")


async def test_account_learns_what_tls_a_domain_offers(tmp_path: Path) -> None:
    """QUEUE-57, STORE-97: from each session with the recipients' own host, overwritten by the next one."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server(tls=rig.certificate, extensions=["REQUIRETLS"]))
        seen = []
        for _ in range(2):
            await rig.submit("bob@remote.example")
            await rig.settle()
            async with rig.accounts.use("alice") as account:
                seen.append(await account.read(lambda r: domain_tls(r, "remote.example"), op="test"))
            rig.remote(Server())
            await rig.disconnect()
        assert [found and (found.starttls, found.requiretls) for found in seen] == [(True, True), (False, False)]


async def test_what_a_domain_offers_is_noted_once_an_hour(tmp_path: Path) -> None:
    """QUEUE-57: not for each message; a failure to note it is made good by the next one (QUEUE-58)."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server())

        async def noted() -> int | None:
            async with rig.accounts.use("alice") as account:
                found = await account.read(lambda r: r.value("SELECT updated FROM recipient_domain_tls"), op="test")
            return None if found is None else int(found)

        async def forget() -> None:
            async with rig.accounts.use("alice") as account:
                await account.write(lambda tx: tx.execute("DELETE FROM recipient_domain_tls"))

        await rig.submit("bob@remote.example")
        await rig.settle()
        assert await noted() is not None
        await forget()
        await rig.submit("eve@remote.example")
        await rig.settle()
        assert await noted() is None
        await rig.pass_time(3601)
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert await noted() is not None


@pytest.mark.parametrize("how", ["refused", "broken"])
async def test_failing_tls_leads_to_one_connection_in_clear(tmp_path: Path, how: str) -> None:
    """QUEUE-53: no policy demands TLS, so the mail goes without it."""
    async with rig_at(tmp_path) as rig:
        server = Server({"STARTTLS": "454 4.7.0 not now"} if how == "refused" else {}, broken_tls=True)
        mx = rig.remote(server)
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert mx.connections == 2
        assert mx.encrypted == [False]


async def test_message_that_demands_tls_fails_without_a_policy(tmp_path: Path) -> None:
    """QUEUE-55: REQUIRETLS needs a host vouched for; none is."""
    async with rig_at(tmp_path) as rig:
        mx = rig.remote(Server(tls=rig.certificate, extensions=["REQUIRETLS"]))
        await rig.submit("bob@remote.example", requiretls=True)
        await rig.settle()
        assert mx.connections == 0
        [dsn] = await rig.inbox()
        assert b"Status: 5.7.30" in dsn


async def test_next_host_is_tried_when_one_cannot(tmp_path: Path) -> None:
    """QUEUE-44, QUEUE-45: by preference; refused connections and temporary failures lead on, permanent ones end it."""
    async with rig_at(tmp_path) as rig:
        rig.resolver.set(
            "remote.example", RecordType.MX, ["10 a.remote.example", "20 b.remote.example", "30 c.remote.example"]
        )
        for n, host in enumerate("abc"):
            rig.resolver.set(f"{host}.remote.example", RecordType.A, [f"192.0.2.{n + 1}"])
        busy = rig.serve("192.0.2.2", Server({"MAIL": "451 4.3.2 busy"}))
        good = rig.serve("192.0.2.3", Server())
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert rig.dialed == [("192.0.2.1", 25), ("192.0.2.2", 25), ("192.0.2.3", 25)]
        assert (busy.messages, len(good.messages)) == ([], 1)

        rig.dialed.clear()
        rig.serve("192.0.2.1", Server({"RCPT": "550 5.1.1 no"}))
        await rig.pass_time(301)  # for which a dead host is passed by (QUEUE-169)
        await rig.submit("carol@remote.example")
        await rig.settle()
        assert rig.dialed == [("192.0.2.1", 25)]


async def test_host_that_may_have_taken_the_message_is_the_last_one_asked(tmp_path: Path) -> None:
    """QUEUE-45, QUEUE-70: no reply to the final dot is temporary, and no other host gets the message meanwhile."""
    async with rig_at(tmp_path) as rig:
        rig.resolver.set("remote.example", RecordType.MX, ["10 a.remote.example", "20 b.remote.example"])
        rig.resolver.set("a.remote.example", RecordType.A, ["192.0.2.1"])
        rig.resolver.set("b.remote.example", RecordType.A, ["192.0.2.2"])
        rig.serve("192.0.2.1", Server({"final": None}))
        second = rig.serve("192.0.2.2", Server())
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert second.connections == 0
        [waiting] = await rig.queue.listings.list_messages()
        assert waiting.attempts == 1


async def test_domain_that_takes_no_mail_fails_at_once(tmp_path: Path) -> None:
    """QUEUE-43: null MX: 5.1.10, no connection."""
    async with rig_at(tmp_path) as rig:
        rig.resolver.set("remote.example", RecordType.MX, ["0 ."])
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert rig.dialed == []
        [dsn] = await rig.inbox()
        assert b"Status: 5.1.10" in dsn


async def test_domain_that_does_not_exist_fails_at_once(tmp_path: Path) -> None:
    """QUEUE-42: neither MX nor address: mistyped; the sender should not wait five days for the answer."""
    async with rig_at(tmp_path) as rig:
        await rig.submit("bob@remote.exmaple")
        await rig.settle()
        [dsn] = await rig.inbox()
        assert b"Status: 5.1.2" in dsn
        assert b"remote.exmaple doesn't exist" in dsn


async def test_dns_failure_is_temporary(tmp_path: Path) -> None:
    """QUEUE-42."""
    async with rig_at(tmp_path) as rig:
        rig.resolver._failing["remote.example."] = TempError("servfail")
        await rig.submit("bob@remote.example")
        await rig.settle()
        [waiting] = await rig.queue.listings.list_messages()
        assert waiting.attempts == 1
        assert "servfail" in waiting.results[0].error


async def test_policy_refusal_of_one_family_is_tried_again_over_the_other(tmp_path: Path) -> None:
    """QUEUE-47, QUEUE-49: own IPv6 address blocked: temporary at the first attempt, IPv4 at the second."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server(), ip="192.0.2.1")
        rig.resolver.set("mx.remote.example", RecordType.AAAA, ["2001:db8::1"])
        rig.serve("2001:db8::1", Server({"MAIL": "550 5.7.1 blocked"}))
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert rig.dialed == [("2001:db8::1", 25)]
        await rig.pass_time(460)
        assert rig.dialed[1:] == [("192.0.2.1", 25)]
        assert await rig.queue.listings.list_messages() == []


@pytest.mark.parametrize(("off", "used"), [("ipv4", "2001:db8::1"), ("ipv6", "192.0.2.1")])
async def test_direct_transport_keeps_to_one_family(tmp_path: Path, off: str, used: str) -> None:
    """QUEUE-32: MX delivery over one IP family only."""
    static = f"[transports.one]\ndirect = {{ disable_{off} = true }}"
    async with rig_at(tmp_path, static=static, domains='[[routes]]\ntransport = "one"') as rig:
        rig.remote(Server())
        rig.resolver.set("mx.remote.example", RecordType.AAAA, ["2001:db8::1"])
        rig.serve("2001:db8::1", Server())
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert rig.dialed == [(used, 25)]


async def socks_proxy(rig: Rig, stream: trio.abc.Stream, asked: list[tuple[str, int]]) -> None:
    """A SOCKS5 proxy in front of the rig's servers."""

    async def exactly(count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += await stream.receive_some(count - len(data))
        return data

    assert await exactly(3) == b"\x05\x01\x00"
    await stream.send_all(b"\x05\x00")
    assert await exactly(4) == b"\x05\x01\x00\x01"
    ip, port = str(ip_address(await exactly(4))), int.from_bytes(await exactly(2), "big")
    asked.append((ip, port))
    server = rig.servers.get((ip, port))
    if server is None:
        await stream.send_all(b"\x05\x05\x00\x01" + bytes(6))
        return
    await stream.send_all(b"\x05\x00\x00\x03\x09localhost\x00\x00")
    await server._serve(stream)


async def test_socks_transport_connects_through_the_proxy(tmp_path: Path) -> None:
    """QUEUE-32: MX and addresses are looked up here, the connection is the proxy's, EHLO names the proxy's host."""
    static = """
    [transports.proxy]
    socks = { address = "proxy.example:1080", remote_ips = ["198.51.100.1"], remote_hostname = "out.example" }
    """
    async with rig_at(tmp_path, static=static, domains='[[routes]]\ntransport = "proxy"') as rig:
        mx = rig.remote(Server())
        rig.resolver.set("proxy.example", RecordType.A, ["10.0.0.1"])
        rig.resolver.set("dead.example", RecordType.A, ["192.0.2.66"])
        proxy = rig.serve("10.0.0.1", Server(), 1080)
        asked: list[tuple[str, int]] = []
        proxy._serve = lambda stream: socks_proxy(rig, stream, asked)  # type: ignore[method-assign]
        await rig.submit("bob@remote.example")
        await rig.submit("bob@dead.example")
        await rig.settle()
        assert rig.dialed == [("10.0.0.1", 1080)] * 2
        assert sorted(asked) == [("192.0.2.1", 25), ("192.0.2.66", 25)]
        assert mx.lines[0] == "EHLO out.example"
        assert len(mx.messages) == 1
        [waiting] = await rig.queue.listings.list_messages()
        assert "proxy: connection refused" in waiting.results[0].error


RELAY = """
[transports.relay]
submission = { host = "relay.example", auth = { username = "u", password = "p", mechanisms = ["PLAIN"] } }
[transports.plain]
smtp = { host = "relay.example", no_starttls = true }
"""


async def test_smarthost_gets_everything_over_verified_tls_with_login(tmp_path: Path) -> None:
    """QUEUE-32, QUEUE-33, QUEUE-34: port 587, STARTTLS required and checked, REQUIRETLS passed on."""

    async with rig_at(tmp_path, static=RELAY, domains='[[routes]]\ntransport = "relay"') as rig:
        rig.resolver.set("relay.example", RecordType.A, ["192.0.2.9"])
        relay = rig.serve(
            "192.0.2.9",
            Server({"AUTH": "235 2.7.0 in"}, tls=rig.certificate, extensions=["AUTH PLAIN", "REQUIRETLS"]),
            587,
        )
        await rig.submit("bob@remote.example", requiretls=True)
        await rig.settle()
        assert relay.encrypted == [True]
        assert any(line.startswith("AUTH PLAIN ") for line in relay.lines)
        assert "MAIL FROM:<alice@own.example> REQUIRETLS" in relay.lines


async def test_smarthost_with_a_wrong_certificate_is_told_nothing(tmp_path: Path) -> None:
    """QUEUE-32, QUEUE-54: closed before a word; temporary."""

    async with rig_at(tmp_path, static=RELAY, domains='[[routes]]\ntransport = "relay"') as rig:
        rig.resolver.set("relay.example", RecordType.A, ["192.0.2.9"])
        relay = rig.serve("192.0.2.9", Server(tls=self_signed(["relay.example"])), 587)
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert relay.lines == ["EHLO mail.own.example", "STARTTLS"]
        [waiting] = await rig.queue.listings.list_messages()
        assert "relay.example's certificate" in waiting.results[0].error


async def test_message_that_demands_tls_does_not_go_over_a_clear_smarthost(tmp_path: Path) -> None:
    """QUEUE-34: fails at once, naming the transport."""
    async with rig_at(tmp_path, static=RELAY, domains='[[routes]]\ntransport = "plain"') as rig:
        await rig.submit("bob@remote.example", requiretls=True)
        await rig.settle()
        [dsn] = await rig.inbox()
        assert b"Status: 5.7.30" in dsn
        assert b"transport plain" in dsn
        assert rig.dialed == []


async def test_message_that_demands_tls_does_not_go_over_a_smarthost_without_requiretls(tmp_path: Path) -> None:
    """QUEUE-34: verified TLS is not enough, for the smarthost would send it on as it likes."""
    async with rig_at(tmp_path, static=RELAY, domains='[[routes]]\ntransport = "relay"') as rig:
        rig.resolver.set("relay.example", RecordType.A, ["192.0.2.9"])
        server = Server({"AUTH": "235 2.7.0 in"}, tls=rig.certificate, extensions=["AUTH PLAIN"])
        relay = rig.serve("192.0.2.9", server, 587)
        await rig.submit("bob@remote.example", requiretls=True)
        await rig.settle()
        [dsn] = await rig.inbox()
        assert b"Status: 5.7.30" in dsn
        assert not any(line.startswith("MAIL") for line in relay.lines)


async def test_disabled_sender_domain_waits(tmp_path: Path) -> None:
    """QUEUE-17: a temporary failure per attempt, so it goes out once the domain is enabled again."""
    async with rig_at(tmp_path) as rig:
        mx = rig.remote(Server())
        await rig.submit("bob@remote.example", sender="alice@off.example")
        await rig.settle()
        assert mx.connections == 0
        [waiting] = await rig.queue.listings.list_messages()
        assert "sender's domain is temporarily disabled" in waiting.results[0].error


async def test_at_most_one_delivery_per_domain_and_half_for_retries(tmp_path: Path) -> None:
    """QUEUE-14: tarpits of failed mail leave room for first attempts."""
    async with rig_at(tmp_path, static="[queue]\nmax_concurrent_deliveries = 4") as rig:
        for n in range(6):
            rig.remote(Server({"MAIL": ["451 4.3.0 later", "451 4.3.0 later"]}), f"slow{n}.example", f"192.0.2.{n + 1}")
            await rig.submit(f"bob@slow{n}.example")
        await rig.settle()
        for n in range(6):
            server = rig.servers[f"192.0.2.{n + 1}", 25]
            server.replies.clear()
            server.hang_after_data = True
        fresh = rig.remote(Server(), "fresh.example", "192.0.2.99")
        rig.clock.advance(500)
        rig.queue.scheduler.changed()
        await eventually(lambda: len(rig.queue.scheduler.turns.busy) == 2)
        await rig.submit("bob@fresh.example", "carol@fresh.example")
        await eventually(lambda: fresh.messages)
        assert len(rig.queue.scheduler.turns.busy - {"fresh.example"}) == 2


async def test_unique_sender_addresses_go_apart(tmp_path: Path) -> None:
    """QUEUE-3, QUEUE-6: one content, but a transaction per sender."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server())
        recipients = [
            SubmissionRecipient(
                Address.parse(f"{name}@remote.example"),
                mail_from=Address.parse(f"alice+{name}id@own.example"),
                from_id=f"{name}id",
            )
            for name in ("bob", "carol")
        ]
        await rig.submit(*recipients)
        await rig.settle()
        assert [line for line in mx.lines if line.startswith("MAIL")] == [
            "MAIL FROM:<alice+bobid@own.example>",
            "MAIL FROM:<alice+carolid@own.example>",
        ]
        found = await rig.queue.listings.list_retired(RetiredFilter(recipient="carol"))
        assert [row.from_id for row in found] == ["carolid"]
