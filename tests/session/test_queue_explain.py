"""How a message would leave (QUEUE-182): what is told is what a delivery then does."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from moxlite.cli.queue import explanation_lines, leaves
from moxlite.net.resolver import RecordType, TempError
from moxlite.net.tls.certificates import self_signed
from moxlite.operations.queue import Explanation, Filter
from moxlite.queue.data.rows import Message, Retired
from moxlite.queue.errors import BadFilter
from moxlite.queue.explaining import VISIT_SECONDS
from tests.certs import tlsa
from tests.queue_rig import HANG, Rig, Server, rig_at
from tests.tls_rig import KEEP, MX, publish_tlsa

pytestmark = pytest.mark.served

BOB = "bob@remote.example"
ENFORCE = f"mode: enforce, mx: {MX}, max_age: 86400"


def words(found: Explanation) -> str:
    return "\n".join(explanation_lines(found))


async def deliver(rig: Rig) -> None:
    """Send a message to bob, as alice."""
    await rig.submit(BOB)
    await rig.settle()


async def test_hosts_are_told_in_order_and_nothing_is_said_to_them(tmp_path: Path) -> None:
    """QUEUE-182: MX by preference, addresses, both IP versions, what TLS is demanded, what waits for the domain."""
    async with rig_at(tmp_path) as rig:
        rig.resolver.set("remote.example", RecordType.MX, ["20 b.remote.example", f"10 {MX}"])
        rig.resolver.set(MX, RecordType.A, ["192.0.2.1"])
        rig.resolver.set(MX, RecordType.AAAA, ["2001:db8::1"])
        rig.resolver.set("b.remote.example", RecordType.A, ["192.0.2.2"])
        [held] = await rig.submit("ann@remote.example", hold_until=rig.clock.now + 3_600_000_000)
        await rig.queue.operations.hold(Filter(ids=(held,)))
        found = await rig.queue.listings.explain("Bob@REMOTE.example")
        assert [(host.name, host.addresses) for host in found.hosts] == [
            (MX, ("2001:db8::1", "192.0.2.1")),
            ("b.remote.example", ("192.0.2.2",)),
        ]
        assert (found.course, found.transport, found.dnssec, leaves(found)) == ("direct", "", False, True)
        assert (found.waiting.messages, found.waiting.held) == (1, 1)
        assert found.way.endswith("as mail.own.example, over IPv6 first")
        assert "MTA-STS: no policy" in words(found)
        assert "demanded (opportunistic): TLS if offered" in words(found)
        assert rig.dialed == []
        rig.ipv6.good = False
        found = await rig.queue.listings.explain(BOB)
        assert found.hosts[0].addresses == ("192.0.2.1",)
        assert "no IPv6 address with matching reverse DNS" in found.way


async def test_a_connection_shows_what_a_delivery_meets(tmp_path: Path) -> None:
    """QUEUE-182: greeting, extensions, TLS, the policies that hold; the same words as the attempt after it; no MAIL."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server(tls=rig.certificate))
        rig.sts(ENFORCE)
        publish_tlsa(rig, tlsa(rig.certificate.leaf))
        found = await rig.queue.listings.explain(BOB, "alice@own.example", connect=True)
        [host] = found.hosts
        assert host.met is not None
        assert [line.split(" ")[0] for line in mx.lines] == ["EHLO", "STARTTLS", "EHLO", "QUIT"]
        assert (host.met.ip, host.met.greeting, host.met.error) == ("192.0.2.1", "mx.example ESMTP", "")
        assert host.met.keywords == ("8BITMIME", "ENHANCEDSTATUSCODES", "PIPELINING")
        assert (found.account, found.dnssec, host.tlsa_name) == ("alice", True, MX)
        assert host.tlsa[0].startswith("3 1 1 ")
        assert "a certificate that matches the TLSA records" in host.demand
        assert "a certificate from a trusted CA" in host.demand
        await deliver(rig)
        [row] = await rig.queue.listings.list_retired()
        [result] = row.results
        assert (host.met.ip, host.met.tls, host.met.policies) == (result.ip, result.tls, result.policy)
        assert host.policies == result.policy == "dane sts"


async def test_a_policy_is_told_with_its_source_and_age(tmp_path: Path) -> None:
    """QUEUE-182, QUEUE-110: fetched for the first answer, kept for the next; hosts that it does not name are not used;
    where DNS does not say, the message waits.
    """
    async with rig_at(tmp_path) as rig:
        rig.remote(Server(tls=rig.certificate))
        rig.sts("mode: enforce, mx: mx.elsewhere.example, max_age: 86400")
        found = await rig.queue.listings.explain(BOB)
        assert found.mtasts is not None
        assert (found.mtasts.mode, found.mtasts.mx, found.mtasts.source) == (
            "enforce",
            ("mx.elsewhere.example",),
            "fetched",
        )
        assert "isn't in the recipient domain's MTA-STS policy" in found.hosts[0].refusal
        assert not leaves(found)
        rig.clock.advance(3600)
        again = await rig.queue.listings.explain(BOB, connect=True)
        assert again.mtasts is not None
        assert (again.mtasts.source, again.mtasts.fetched) == ("kept", found.mtasts.fetched)
        assert again.hosts[0].met is None
        assert rig.dialed == []
        rig.resolver._failing["_mta-sts.other.example."] = TempError("silent")
        rig.resolver.set("other.example", RecordType.MX, [f"10 {MX}"])
        unknown = await rig.queue.listings.explain("bob@other.example")
        assert "can't look up the MTA-STS policy for other.example in DNS" in unknown.error
        assert not unknown.permanent
        assert "  WAITS: " in words(unknown)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("certificate", "mx.remote.example's certificate"),
        ("greeting", "554 5.7.1 not from you"),
        ("closed", "Connection refused"),
        ("no-starttls", "tls-policy: 502 5.5.1 unknown"),
    ],
)
async def test_a_host_that_fails_says_why(tmp_path: Path, kind: str, error: str) -> None:
    """QUEUE-182: what a delivery would fail with, and does; where it would try the next host, that is connected to as
    well, three at most.
    """
    async with rig_at(tmp_path, account=KEEP) as rig:
        rig.sts("mode: enforce, mx: *.remote.example, max_age: 86400")
        bad = Server(
            {"greeting": error} if kind == "greeting" else {},
            tls=self_signed(["elsewhere.example"]) if kind == "certificate" else None,
        )
        bad.refuse_connections = kind == "closed"
        hosts = [f"mx{n}.remote.example" for n in range(1, 6)]
        rig.resolver.set("remote.example", RecordType.MX, [f"{n}0 {host}" for n, host in enumerate(hosts, 1)])
        for host in hosts:
            rig.resolver.set(host, RecordType.A, ["192.0.2.1"])
        rig.serve("192.0.2.1", bad)
        found = await rig.queue.listings.explain(BOB, connect=True)
        met = [host.met for host in found.hosts]
        assert [one is not None for one in met] == [True, *[kind != "greeting"] * 2, False, False]
        assert met[0] is not None
        assert error.replace(MX, "mx1.remote.example") in met[0].error
        assert "    WOULD FAIL: " in words(found)
        assert not leaves(found)
        rig.queue.ctx.load.forget(rig.clock.now)
        await deliver(rig)
        listings = rig.queue.listings
        rows: list[Message | Retired] = [*await listings.list_messages(), *await listings.list_retired()]
        [row] = rows
        last = row.last_result
        assert last is not None
        assert last.error.replace("mx5", "mx1") == met[0].error


async def test_each_host_has_its_own_time(tmp_path: Path, leaping_clock: MockClock) -> None:
    """QUEUE-182: 60 s, and what hosts take leaves the time for look-ups alone."""
    async with rig_at(tmp_path) as rig:
        hosts = [f"mx{n}.remote.example" for n in range(1, 4)]
        rig.resolver.set("remote.example", RecordType.MX, [f"{n}0 {host}" for n, host in enumerate(hosts, 1)])
        silent = []
        for number, host in enumerate(hosts, 1):
            rig.resolver.set(host, RecordType.A, [f"192.0.2.{number}"])
            silent.append(rig.serve(f"192.0.2.{number}", Server({"EHLO": HANG})))
        answers: list[Explanation] = []

        async def ask() -> None:
            answers.append(await rig.queue.listings.explain(BOB, connect=True))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            for one in silent:
                await one.hung.wait()
                leaping_clock.jump(VISIT_SECONDS)
        [found] = answers
        assert found.error == ""
        assert ["timed out after 60 s" in host.met.error for host in found.hosts if host.met] == [True] * 3


async def test_tls_that_no_policy_demands_is_gone_without(tmp_path: Path) -> None:
    """QUEUE-182, QUEUE-53: the second connection, in clear, as the delivery makes it."""
    async with rig_at(tmp_path) as rig:
        mx = rig.remote(Server(broken_tls=True))
        found = await rig.queue.listings.explain(BOB, connect=True)
        met = found.hosts[0].met
        assert met is not None
        assert (met.policies, met.tls, met.error, mx.connections) == ("clear", "", "", 2)
        assert leaves(found)


async def test_hosts_that_are_left_alone_are_told_and_not_bothered(tmp_path: Path) -> None:
    """QUEUE-182, QUEUE-168: as an attempt would leave them alone."""
    async with rig_at(tmp_path) as rig:
        mx = rig.remote(Server({"MAIL": "421 4.7.0 too many connections"}))
        await deliver(rig)
        connections = mx.connections
        found = await rig.queue.listings.explain(BOB, connect=True)
        assert "too many connections" in found.hosts[0].pause
        assert (mx.connections, leaves(found)) == (connections, False)
        assert "    PAUSED: retrying in 60 s" in words(found)


TRANSPORTS = """\
[transports.relay.submission]
host = "relay.example"
auth = { username = "me", password = "secret" }
[transports.proxy.socks]
address = "127.0.0.1:1080"
remote_ips = ["192.0.2.77"]
remote_hostname = "out.example"
[transports.never.fail]
smtp_message = "not today"
"""
ROUTES = """
[[routes]]
to_domain = ["relayed.example"]
transport = "relay"
[[routes]]
to_domain = ["proxied.example"]
transport = "proxy"
[[routes]]
to_domain = ["never.example"]
transport = "never"
[[accounts.alice.routes]]
to_domain = ["remote.example"]
transport = "relay"
"""


async def test_ways_that_are_not_direct(tmp_path: Path) -> None:
    """QUEUE-182, QUEUE-30: smarthost, proxy, failure on purpose, own accounts; the sender's routes; no secret."""
    async with rig_at(tmp_path, static=TRANSPORTS, domains=ROUTES) as rig:
        rig.remote(Server(), "proxied.example", "192.0.2.3")
        relayed = await rig.queue.listings.explain("a@relayed.example")
        assert (relayed.course, relayed.transport) == ("relay", "relay")
        assert "relay.example port 587, STARTTLS demanded, certificate checked, with login" in relayed.way
        assert "secret" not in words(relayed)
        proxied = await rig.queue.listings.explain("a@proxied.example")
        assert (proxied.course, proxied.transport, len(proxied.hosts)) == ("direct", "proxy", 1)
        assert "as out.example, through the proxy 127.0.0.1:1080" in proxied.way
        never = await rig.queue.listings.explain("a@never.example")
        assert (never.course, never.permanent, leaves(never)) == ("nowhere", True, False)
        assert "not today" in never.error
        local = await rig.queue.listings.explain("admin@own.example", "alice@own.example")
        assert (local.course, leaves(local)) == ("local", True)
        assert (await rig.queue.listings.explain(BOB, "alice@own.example")).transport == "relay"
        disabled = await rig.queue.listings.explain(BOB, "alice@off.example")
        assert "sender's domain is temporarily disabled" in disabled.error


async def test_what_keeps_a_message_back_is_told(tmp_path: Path) -> None:
    """QUEUE-182: a domain that takes no mail, one that DNS says nothing of, the suppression list, a stopped account."""
    async with rig_at(tmp_path, account="max_recipients_per_hour = 1") as rig:
        rig.resolver.set("null.example", RecordType.MX, ["0 ."])
        null = await rig.queue.listings.explain("a@null.example")
        assert (null.permanent, leaves(null)) == (True, False)
        assert "null.example doesn't accept mail" in null.error
        rig.resolver._failing["silent.example."] = TempError("silent")
        silent = await rig.queue.listings.explain("a@silent.example")
        assert (silent.permanent, leaves(silent)) == (False, False)
        rig.remote(Server())
        await rig.queue.add_suppression("alice", BOB, "asked for it")
        assert (await rig.queue.listings.explain(BOB)).suppressed == ""
        suppressed = await rig.queue.listings.explain(BOB, "alice@own.example")
        assert (suppressed.suppressed, leaves(suppressed)) == ("asked for it", False)
        await rig.submit("x@remote.example", "y@remote.example", login_address="alice@own.example")
        stopped = await rig.queue.listings.explain("z@remote.example", "alice@own.example")
        assert "2 recipients within an hour" in stopped.stopped
        assert (stopped.waiting.messages, stopped.waiting.held, leaves(stopped)) == (2, 2, False)


async def test_an_address_literal_is_its_own_host(tmp_path: Path) -> None:
    """QUEUE-182, QUEUE-40."""
    async with rig_at(tmp_path) as rig:
        rig.serve("192.0.2.5", Server())
        found = await rig.queue.listings.explain("a@[192.0.2.5]", connect=True)
        assert [(host.name, host.addresses) for host in found.hosts] == [("192.0.2.5", ("192.0.2.5",))]
        assert (found.mtasts, leaves(found)) == (None, True)


@pytest.mark.parametrize("text", ["", "bob", "a@b@c", "Postmaster", "<>", "a@x..example", "x" * 5000 + "@a.example"])
async def test_what_is_no_address_is_refused(tmp_path: Path, text: str) -> None:
    """QUEUE-182: the recipient, and the sender."""
    async with rig_at(tmp_path, serve=False) as rig:
        with pytest.raises(BadFilter, match="invalid address"):
            await rig.queue.listings.explain(text)
        if text:
            with pytest.raises(BadFilter, match="invalid address"):
                await rig.queue.listings.explain(BOB, text)
