"""Which hosts an attempt goes to, and what hostile names and hosts do to it, by attempts of a running queue."""

import contextlib
import email
import email.policy
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import cast

import pytest
import trio

from moxlite.admin.ownlistings import OwnListings
from moxlite.net.dial import INNER, DialError, LocalAddresses, dial
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import FakeResolver, RecordType
from moxlite.operations.queue import Filter
from moxlite.queue.data.rows import MAX_RESULTS
from moxlite.queue.sending.routing import direct_way
from tests.queue_rig import Rig, Server, rig_at, sample
from tests.small_config import Changing
from tests.tools import eventually

pytestmark = pytest.mark.served

KEEP = 'keep_retired_message_period = "2000h"'
PRIVATE = "allow_private_mx = true"
PUBLIC = "9.9.9.9"
"""Addresses for documentation count as inner ones; the rig connects to none."""
PLAIN = ("ENHANCEDSTATUSCODES", "8BITMIME")


async def failed(rig: Rig, number: int) -> str:
    """The error of the last attempt, waiting or finished."""
    with contextlib.suppress(Exception):
        row = await rig.queue.listings.get(number)
        return row.results[-1].error
    return (await rig.queue.listings.get_retired(number)).results[-1].error


async def submit_to(rig: Rig, domain: str) -> int:
    """Queue a message to a domain that no submission takes. It is on hold until it has that domain."""
    [number] = await rig.submit("bob@elsewhere.example", hold=True)
    await rig.queue._database.write(lambda tx: tx.execute("UPDATE msg SET rcpt_domain = ?", domain))
    assert await rig.queue.operations.unhold(Filter(ids=(number,))) == 1
    return number


async def test_a_domain_is_followed_over_its_cnames(tmp_path: Path) -> None:
    """QUEUE-41, QUEUE-153: sixteen; seventeen, or a circle, are a temporary failure."""
    async with rig_at(tmp_path) as rig:
        server = rig.serve("192.0.2.1", Server())
        for length, start in ((16, "good"), (17, "long")):
            for n in range(length):
                following = f"{start}{n + 1}.example" if n < length - 1 else "end.example"
                rig.resolver.set(f"{start}{n}.example", RecordType.CNAME, [following])
        rig.resolver.set("end.example", RecordType.MX, ["10 mx.end.example"])
        rig.resolver.set("mx.end.example", RecordType.A, ["192.0.2.1"])
        rig.resolver.set("circle.example", RecordType.CNAME, ["circle2.example"])
        rig.resolver.set("circle2.example", RecordType.CNAME, ["circle.example"])
        await rig.submit("bob@good0.example")
        await rig.settle()
        assert server.recipients == [["bob@good0.example"]]
        for domain in ("long0.example", "circle.example"):
            [number] = await rig.submit(f"bob@{domain}")
            await rig.settle()
            assert "CNAME" in await failed(rig, number)
        assert {row.attempts for row in await rig.queue.listings.list_messages()} == {1}


async def test_a_host_is_followed_over_its_cnames(tmp_path: Path) -> None:
    """QUEUE-46: ten; more are a temporary failure, and the next host is asked."""
    async with rig_at(tmp_path) as rig:
        server = rig.serve("192.0.2.1", Server())
        for length, start in ((10, "good"), (11, "long")):
            for n in range(length):
                following = f"{start}{n + 1}.example" if n < length - 1 else f"{start}-end.example"
                rig.resolver.set(f"{start}{n}.example", RecordType.CNAME, [following])
            rig.resolver.set(f"{start}-end.example", RecordType.A, ["192.0.2.1"])
        rig.resolver.set("both.example", RecordType.MX, ["10 long0.example", "20 good0.example"])
        rig.resolver.set("long.example", RecordType.MX, ["10 long0.example"])
        await rig.submit("bob@both.example")
        await rig.settle()
        assert server.recipients == [["bob@both.example"]]
        [number] = await rig.submit("bob@long.example")
        await rig.settle()
        assert "CNAME chain for long0.example is too long (limit 10)" in await failed(rig, number)


async def test_no_more_hosts_and_addresses_are_tried_than_make_sense(tmp_path: Path) -> None:
    """QUEUE-153: the 20 most preferred of 1,000 MX records, 10 addresses of a host."""
    async with rig_at(tmp_path) as rig:
        rig.resolver.set("many.example", RecordType.MX, [f"{n + 1} mx{n}.many.example" for n in range(1000)])
        for n in range(1000):
            rig.resolver.set(f"mx{n}.many.example", RecordType.A, [f"198.51.{100 + n // 250}.{n % 250 + 1}"])
        await rig.submit("bob@many.example")
        await rig.settle()
        assert [ip for ip, _ in rig.dialed] == [f"198.51.100.{n + 1}" for n in range(20)]
        rig.dialed.clear()
        rig.resolver.set("wide.example", RecordType.MX, ["10 mx.wide.example"])
        rig.resolver.set("mx.wide.example", RecordType.A, [f"203.0.113.{n + 1}" for n in range(200)])
        await rig.submit("bob@wide.example")
        await rig.settle()
        assert len(rig.dialed) == 10


@pytest.mark.parametrize(
    ("kind", "ip"),
    [
        (RecordType.A, "127.0.0.1"),
        (RecordType.A, "10.1.2.3"),
        (RecordType.A, "169.254.1.1"),
        (RecordType.A, "0.0.0.0"),
        (RecordType.AAAA, "::1"),
        (RecordType.AAAA, "fe80::1"),
        (RecordType.AAAA, "fd00::1"),
        (RecordType.AAAA, "::ffff:10.1.2.3"),
        (RecordType.AAAA, "64:ff9b::a01:203"),
        (RecordType.AAAA, "2002:a01:203::1"),
    ],
)
async def test_no_mx_leads_into_the_inner_network(tmp_path: Path, kind: RecordType, ip: str) -> None:
    """QUEUE-152: a temporary failure, and no connection; public addresses of the same host are used."""
    async with rig_at(tmp_path) as rig:
        await without_private(rig)
        inner = rig.serve(ip, Server())
        rig.resolver.set("evil.example", RecordType.MX, ["10 mx.evil.example"])
        rig.resolver.set("mx.evil.example", kind, [ip])
        [number] = await rig.submit("bob@evil.example")
        await rig.settle()
        assert (rig.dialed, inner.connections) == ([], 0)
        assert "private" in await failed(rig, number)
        rig.resolver.set("mx.evil.example", RecordType.A, [PUBLIC, *([ip] if kind is RecordType.A else [])])
        outer = rig.serve(PUBLIC, Server())
        await rig.pass_time(500)
        assert (outer.connections, inner.connections) == (1, 0)


async def without_private(rig: Rig) -> None:
    """Run the queue as it is by default."""
    text = (rig.path / "moxlite.toml").read_text()
    assert PRIVATE in text
    (rig.path / "moxlite.toml").write_text(text.replace(PRIVATE, ""))
    rig.reload()


TEXTS = [
    *("127.0.0.1.", "10.0.0.94.", "127.1.", "0177.0.0.1.", "0x7f.0.0.1.", "0x7f000001.", "2130706433.", "::1."),
    *("[127.0.0.1].", "[::1].", "localhost.", "mx.localhost.", "localhost.localdomain.", "ip6-localhost."),
]


@pytest.mark.parametrize("name", [*TEXTS, "nas.local.", "mail.internal.", "router.home.arpa.", "intranet."])
async def test_an_mx_that_names_the_inner_network_is_skipped(tmp_path: Path, name: str) -> None:
    """QUEUE-152, QUEUE-42: neither looked up nor dialled, also where DNS knows the name; the next MX gets the mail
    (RFC 5321 §5.1), and with no other the message waits.
    """
    async with rig_at(tmp_path) as rig:
        await without_private(rig)
        inner = [rig.serve(ip, Server()) for ip in ("127.0.0.1", "::1", "10.0.0.94", PUBLIC)]
        rig.resolver.set("evil.example", RecordType.MX, [f"10 {name}"])
        rig.resolver.set(name, RecordType.A, [PUBLIC])
        [number] = await rig.submit("bob@evil.example")
        await rig.settle()
        assert (rig.dialed, sum(one.connections for one in inner)) == ([], 0)
        assert "have a valid MX host" in await failed(rig, number)
        assert (await rig.queue.listings.get(number)).attempts == 1
        rig.resolver.set("evil.example", RecordType.MX, [f"10 {name}", "20 mx.evil.example"])
        rig.resolver.set("mx.evil.example", RecordType.A, ["9.9.9.10"])
        outer = rig.serve("9.9.9.10", Server())
        await rig.pass_time(500)
        assert outer.recipients == [["bob@evil.example"]]
        assert rig.dialed == [("9.9.9.10", 25)]


@pytest.mark.parametrize("name", TEXTS)
async def test_an_mx_that_is_an_address_is_skipped_in_closed_networks_too(tmp_path: Path, name: str) -> None:
    """QUEUE-152: `allow_private_mx` allows names with private addresses, not texts of addresses or localhost."""
    async with rig_at(tmp_path) as rig:
        rig.resolver.set("evil.example", RecordType.MX, [f"10 {name}", "20 mx.evil.example"])
        rig.resolver.set("mx.evil.example", RecordType.A, ["10.0.0.2"])
        mx = rig.serve("10.0.0.2", Server())
        await rig.submit("bob@evil.example")
        await rig.settle()
        assert mx.recipients == [["bob@evil.example"]]
        assert rig.dialed == [("10.0.0.2", 25)]


@pytest.mark.parametrize("domain", ["127.0.0.1", "2130706433", "localhost", "mail.localhost", "printer.local"])
async def test_a_recipient_of_the_inner_network_fails_for_good(tmp_path: Path, domain: str) -> None:
    """QUEUE-152, QUEUE-42: without MX the domain is the host, which is not connected to."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        await without_private(rig)
        inner = rig.serve("127.0.0.1", Server())
        number = await submit_to(rig, domain)
        await rig.settle()
        assert (rig.dialed, inner.connections) == ([], 0)
        assert f"{domain} is " in await failed(rig, number)
        [dsn] = await rig.inbox()
        assert b"Status: 5.1.2" in dsn


@pytest.mark.parametrize("ip", ["127.0.0.1", "10.0.0.5", "169.254.169.254", "::1", "fec0::1"])
async def test_an_address_literal_of_the_inner_network_fails_for_good(tmp_path: Path, ip: str) -> None:
    """QUEUE-152, QUEUE-40: users are not to reach it by mail either."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        await without_private(rig)
        inner = rig.serve(ip, Server())
        await submit_to(rig, f"[{ip}]")
        await rig.settle()
        assert (rig.dialed, inner.connections) == ([], 0)
        [dsn] = await rig.inbox()
        assert b"Status: 5.1.2" in dsn


async def test_a_proxy_is_not_asked_for_the_inner_network(tmp_path: Path) -> None:
    """QUEUE-152, QUEUE-32: it may be of the same network; the proxy itself may have any address."""
    socks = 'address = "127.0.0.1:1080", remote_ips = ["9.9.9.9"], remote_hostname = "p.example"'
    static = f"[transports.proxy]\nsocks = {{ {socks} }}"
    routes = '[[routes]]\ntransport = "proxy"'
    async with rig_at(tmp_path, static=static, domains=routes) as rig:
        way = direct_way(rig.queue.ctx, rig.snapshot.static.transports["proxy"])
        with pytest.raises(DialError) as caught:
            await way.dial([ip_address("10.0.0.1")], 25, inside=False)
        assert [text for _, text in caught.value.failures] == [INNER]
        assert rig.dialed == []
        with pytest.raises(DialError):
            await way.dial([ip_address("10.0.0.1")], 25, inside=True)
        assert rig.dialed == [("127.0.0.1", 1080)]


async def test_addresses_that_need_smtputf8_ask_all_hosts(tmp_path: Path) -> None:
    """QUEUE-64: the one that has it gets the message; where none has it, it fails for good; a domain alone is sent in
    A-labels.
    """
    async with rig_at(tmp_path, account=KEEP) as rig:
        rig.resolver.set("remote.example", RecordType.MX, ["10 old.example", "20 new.example"])
        rig.resolver.set("old.example", RecordType.A, ["192.0.2.1"])
        rig.resolver.set("new.example", RecordType.A, ["192.0.2.2"])
        old = rig.serve("192.0.2.1", Server(extensions=PLAIN))
        new = rig.serve("192.0.2.2", Server(extensions=(*PLAIN, "SMTPUTF8")))
        await rig.submit("bøb@remote.example", smtputf8=True)
        await rig.settle()
        assert (old.messages, new.recipients) == ([], [["bøb@remote.example"]])
        new.extensions = PLAIN
        await rig.disconnect()
        [number] = await rig.submit("bøb@remote.example", smtputf8=True)
        await rig.settle()
        [result] = (await rig.queue.listings.get_retired(number)).results
        assert (result.success, result.secode) == (False, "6.7")
        rig.resolver.set("xn--bcher-kva.example", RecordType.MX, ["10 old.example"])
        await rig.submit("bob@bücher.example")
        await rig.settle()
        assert old.recipients == [["bob@xn--bcher-kva.example"]]


@pytest.mark.parametrize("extensions", [PLAIN, (*PLAIN, "PIPELINING")])
async def test_a_refusal_counts_more_than_the_connection_that_ends_after_it(
    tmp_path: Path, extensions: tuple[str, ...]
) -> None:
    """QUEUE-69: all recipients refused, then no answer to DATA; and a failed MAIL is the error of all."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        rig.remote(Server({"RCPT": "550 5.1.1 nobody", "DATA": None}, extensions=extensions))
        rig.remote(Server({"MAIL": "550 5.7.1 not from you"}, extensions=extensions), "shut.example", "192.0.2.2")
        ids = await rig.submit("a@remote.example", "b@remote.example", "c@shut.example", "d@shut.example")
        await rig.settle()
        results = [(await rig.queue.listings.get_retired(number)).results[-1] for number in ids]
        assert [(one.code, one.secode, one.command) for one in results] == [
            *[(550, "1.1", "rcpt")] * 2,
            *[(550, "7.1", "mail")] * 2,
        ]


async def test_attempts_of_a_row_are_bounded(tmp_path: Path) -> None:
    """QUEUE-155: a hundred are kept, the oldest go."""
    static = f'[queue]\nmax_attempts = {MAX_RESULTS + 5}\nretry_delays = ["1m"]'
    async with rig_at(tmp_path, static=static) as rig:
        rig.remote(Server({"RCPT": "450 4.2.0 later"}))
        [number] = await rig.submit("bob@remote.example")
        await rig.settle()
        for _ in range(MAX_RESULTS + 2):
            await rig.pass_time(61)
        row = await rig.queue.listings.get(number)
        assert row.attempts == MAX_RESULTS + 3
        assert len(row.results) == MAX_RESULTS
        assert row.results[0].start > row.queued


@pytest.mark.parametrize("text", ["x\r\nBcc: evil@evil.example", "x\nEvil: 1", "x\0y", "x\r\n\r\nbody"])
async def test_nothing_from_outside_becomes_a_header(tmp_path: Path, text: str) -> None:
    """QUEUE-161: subject, extra data, envelope id and replies, in notices."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server({"RCPT": f"550 5.1.1 {text.replace(chr(13), '').replace(chr(10), ' ')}"}))
        await rig.submit("bob@remote.example", subject=text, extra={"key": text}, dsn_envid=text.replace("\0", ""))
        await rig.settle()
        [raw] = await rig.inbox()
        assert b"\0" not in raw
        notice = email.message_from_bytes(raw, policy=email.policy.default)
        assert notice["Bcc"] is None
        assert notice["Evil"] is None
        groups = list(list(notice.iter_parts())[1].iter_parts())
        assert groups
        assert not any(group["Bcc"] or group["Evil"] for group in groups)


async def test_an_address_literal_of_ipv6_is_the_only_address(tmp_path: Path) -> None:
    """QUEUE-40: nothing is looked up, and when it does not answer there is no other to ask."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        host = rig.serve("2001:db8::5", Server())
        host.refuse_connections = True
        await rig.queue.operations.add_hold_rule(recipient="remote.example")
        [number] = await rig.submit("bob@remote.example")
        literal = "UPDATE msg SET rcpt_domain = '[IPv6:2001:db8::5]'"
        await rig.queue._database.write(lambda tx: tx.execute(literal))
        asked = len(rig.resolver.asked)
        await rig.queue.operations.unhold(Filter())
        await rig.settle()
        assert rig.dialed == [("2001:db8::5", 25)]
        host.refuse_connections = False
        await rig.pass_time(500)
        assert host.lines[1].startswith("MAIL")
        assert "RCPT TO:<bob@[IPv6:2001:db8::5]>" in [line.split(" NOTIFY")[0] for line in host.lines]
        assert len(rig.resolver.asked) == asked
        assert (await rig.queue.listings.get_retired(number)).attempts == 2


async def test_addresses_of_a_host_share_half_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-48: an equal share of what is left for each, also after one that refuses; the look-up is of the same half
    minute, and the last address gets the message.
    """
    shares: list[tuple[str, float]] = []
    answers = {"127.0.0.1": OSError(111, "Connection refused"), "127.0.0.4": None}

    async def connect(ip: IPAddress, port: int, local: LocalAddresses) -> trio.SocketStream:
        shares.append((str(ip), trio.current_effective_deadline() - trio.current_time()))
        if str(ip) not in answers:
            raise trio.TooSlowError  # its share has passed
        if (error := answers[str(ip)]) is not None:
            raise error
        return cast(trio.SocketStream, server.connect())

    monkeypatch.setattr("moxlite.net.dial._connect", connect)
    monkeypatch.setattr("moxlite.queue.hosts.hosts.order_addresses", lambda ips, dialed, random: sorted(ips))
    async with rig_at(tmp_path, account=KEEP, dial=dial) as rig:
        server = rig.remote(Server())
        rig.resolver.set("mx.remote.example", RecordType.A, [f"127.0.0.{n}" for n in (1, 2, 3, 4)])
        rig.resolver._delays["mx.remote.example."] = 0.4
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert len(server.messages) == 1
        assert [ip for ip, _ in shares] == [f"127.0.0.{n}" for n in (1, 2, 3, 4)]
        assert all(share <= 30 for _, share in shares)
        [first, second, third, last] = [share for _, share in shares]
        assert first <= (30 - 0.4) / 4
        assert first <= second <= third <= last


async def test_after_many_connections_block_lists_are_asked_about_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """QUEUE-74, ADMIN-59: attempts are counted as they connect, those that find no host are not; the gauge tells."""
    monkeypatch.setattr("moxlite.admin.ownlistings.CONNECTIONS", 3)
    monkeypatch.setattr("moxlite.admin.ownlistings.SHORTEST", 0.01)
    monkeypatch.setattr("moxlite.admin.ownlistings.own_ips", lambda snapshot: [ip_address("9.9.9.9")])
    lists = FakeResolver()
    smtp = 'smtp = { enabled = true, starttls = false, dnsbls = ["bl.example"] }'
    static = f'[listeners.out]\nips = ["192.0.2.25"]\n{smtp}'
    listings = OwnListings(Changing(lambda: rig.snapshot), lists)
    gauge = partial(sample, "moxlite_dnsbl_ips_success", zone="bl.example", ip="9.9.9.9")
    async with rig_at(tmp_path, static=static, dial=listings.dial) as rig, trio.open_nursery() as tasks:
        monkeypatch.setattr("moxlite.admin.ownlistings.dial", rig.dial)
        tasks.start_soon(listings.serve)
        await eventually(lambda: gauge() == 1)  # asked at the start
        lists.asked.clear()
        lists.set("9.9.9.9.bl.example", RecordType.A, ["127.0.0.2"])
        for n in range(3):
            rig.remote(Server(), f"r{n}.example", f"192.0.2.{n + 1}")
            rig.remote(Server(), f"dead{n}.example", f"192.0.2.{n + 101}").refuse_connections = True
        for name in ("r0", "r1", "dead0", "dead1", "dead2"):
            await rig.submit(f"bob@{name}.example")
        await rig.settle()
        assert (listings._connections, lists.asked) == (2, [])
        await rig.submit("bob@r2.example")
        await eventually(lambda: lists.asked and gauge() == 0)
        tasks.cancel_scope.cancel()
