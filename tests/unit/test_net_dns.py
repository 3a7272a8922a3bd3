"""Resolvers: the fake one, and the real one against a scripted DNS server on loopback."""

import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_address
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from moxlite.net.dns.client import SILENT_SECONDS, TRY_SECONDS, UNDATED_TTL, DNSResolver, read_resolv_conf
from moxlite.net.dnssec.chain import ROOT, Status, validate
from moxlite.net.resolver import MX, TLSA, FakeResolver, NotFound, PermError, RecordType, Silence, TempError
from tests.tools import eventually

Script = Callable[[dns.message.Message], dns.message.Message | None]


async def bound(port: int = 0, host: str = "127.0.0.1") -> tuple[trio.socket.SocketType, trio.socket.SocketType, int]:
    """Sockets for UDP and TCP on one port of loopback, a free one unless given, and the port."""
    while True:
        udp, listener = trio.socket.socket(type=socket.SOCK_DGRAM), trio.socket.socket()
        await udp.bind((host, port))
        got = int(udp.getsockname()[1])
        try:
            await listener.bind((host, got))
        except OSError:  # another program's TCP port
            udp.close()
            listener.close()
            continue
        listener.listen()
        return udp, listener, got


@contextlib.asynccontextmanager
async def server(
    script: Script, *, tcp: Script | None = None, port: int = 0, host: str = "127.0.0.1"
) -> AsyncIterator[int]:
    """A DNS server on loopback that answers by `script`: its port."""
    udp, listener, port = await bound(port, host)

    async def serve_udp() -> None:
        while True:
            data, address = await udp.recvfrom(4096)
            if (response := script(dns.message.from_wire(data))) is not None:
                await udp.sendto(response.to_wire(), address)

    async def serve_tcp() -> None:
        while True:
            sock, _ = await listener.accept()
            data = await sock.recv(4096)
            assert tcp is not None
            response = tcp(dns.message.from_wire(data[2:]))
            assert response is not None
            wire = response.to_wire()
            await sock.send(len(wire).to_bytes(2, "big") + wire)
            sock.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_udp)
        nursery.start_soon(serve_tcp)
        yield port
        nursery.cancel_scope.cancel()
    udp.close()
    listener.close()


def reply(query: dns.message.Message, *rrsets: str, ad: bool = False, rcode: int = 0) -> dns.message.Message:
    response = dns.message.make_response(query, recursion_available=True)
    response.set_rcode(dns.rcode.Rcode(rcode))
    for text in rrsets:
        name, ttl, kind, value = text.split(" ", 3)
        response.answer.append(dns.rrset.from_text(name, int(ttl), "IN", kind, value))
    if ad:
        response.flags |= dns.flags.AD
    return response


def resolver(port: int, *, trust_ad: bool = False) -> DNSResolver:
    return DNSResolver([ip_address("127.0.0.1")], port=port, trust_ad=trust_ad)


async def test_records_come_typed_with_dnssec_state() -> None:
    """AUTH-1, AUTH-3: MX, TXT joined, TLSA, addresses, PTR; authentic by the AD bit of a loopback server."""
    answers = {
        ("example.org.", "MX"): ["example.org. 300 MX 10 mx.example.org."],
        ("example.org.", "TXT"): ['example.org. 300 TXT "v=spf1 " "-all"'],
        ("_25._tcp.mx.example.org.", "TLSA"): ["_25._tcp.mx.example.org. 60 TLSA 3 1 1 " + "00ff" * 16],
        ("mx.example.org.", "A"): ["mx.example.org. 300 A 192.0.2.1"],
        ("mx.example.org.", "AAAA"): ["mx.example.org. 300 AAAA 2001:db8::1"],
        ("1.2.0.192.in-addr.arpa.", "PTR"): ["1.2.0.192.in-addr.arpa. 300 PTR mx.example.org."],
    }
    flags: set[int] = set()

    def script(query: dns.message.Message) -> dns.message.Message:
        question = query.question[0]
        flags.add(int(query.flags & dns.flags.AD))
        assert query.payload == 1232
        assert not query.ednsflags & dns.flags.DO
        return reply(query, *answers[str(question.name), question.rdtype.name], ad=True)

    async with server(script) as port:
        r = resolver(port)
        mx = await r.mx("example.org.")
        assert (mx.records, mx.authentic, mx.ttl) == ((MX(10, "mx.example.org."),), True, 300)
        assert (await r.txt("example.org.")).records == ("v=spf1 -all",)
        assert (await r.tlsa("_25._tcp.mx.example.org.")).records == (TLSA(3, 1, 1, b"\x00\xff" * 16),)
        ips = await r.ips("mx.example.org.")
        assert ips.records == (ip_address("192.0.2.1"), ip_address("2001:db8::1"))
        assert ips.authentic
        assert (await r.ptr(ip_address("192.0.2.1"))).records == ("mx.example.org.",)
    assert flags == {dns.flags.AD}


async def test_denials_are_told_apart_from_failures() -> None:
    """AUTH-4: NotFound with its DNSSEC state, TempError with the extended error code."""

    def script(query: dns.message.Message) -> dns.message.Message:
        match str(query.question[0].name):
            case "none.example.":
                response = reply(query, ad=True, rcode=3)
                response.authority.append(
                    dns.rrset.from_text("example.", 900, "IN", "SOA", "ns.example. h.example. 1 2 3 4 30")
                )
                return response
            case "nodata.example.":
                return reply(query)
            case _:
                response = reply(query, rcode=2)
                response.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.DNSSEC_BOGUS, "bad signature")])
                return response

    async with server(script) as port:
        r = resolver(port)
        with pytest.raises(NotFound) as missing:
            await r.mx("none.example.")
        assert missing.value.authentic
        assert missing.value.ttl == 30
        with pytest.raises(NotFound) as empty:
            await r.mx("nodata.example.")
        assert not empty.value.authentic
        assert empty.value.ttl == UNDATED_TTL
        with pytest.raises(TempError, match="dns-extended-error-6-bad-signature") as bogus:
            await r.mx("bogus.example.")
        assert bogus.value.code == 6
        assert bogus.value.dnssec


async def test_ad_bit_of_a_server_that_is_not_trusted_means_nothing() -> None:
    """AUTH-3, AUTH-104: only loopback servers, `trust_ad`, or trust-ad in resolv.conf."""
    assert read_resolv_conf("nameserver 127.0.0.1\nnameserver ::1\n").trusted
    assert not read_resolv_conf("nameserver 127.0.0.1\nnameserver 192.0.2.53\n").trusted
    assert read_resolv_conf("nameserver 192.0.2.53\noptions edns0 trust-ad\n").trusted
    assert not read_resolv_conf("nameserver 192.0.2.53 # x\noptions ndots:1\nnonsense\nnameserver bad\n").trusted
    assert [str(ip) for ip in read_resolv_conf("; empty\n").addresses] == ["127.0.0.1", "::1"]


async def test_the_resolver_of_docker_is_not_trusted() -> None:
    """AUTH-3, AUTH-104: 127.0.0.11 passes on what another server says; who knows better may say so."""
    assert not read_resolv_conf("nameserver 127.0.0.11\noptions edns0 ndots:0\n").trusted
    assert not read_resolv_conf("nameserver 127.0.0.1\nnameserver 127.0.0.11\n").trusted
    assert read_resolv_conf("nameserver 127.0.0.53\n").trusted
    assert read_resolv_conf("nameserver 127.0.0.11\noptions trust-ad\n").trusted

    def script(query: dns.message.Message) -> dns.message.Message:
        return reply(query, "mx.example.org. 0 A 192.0.2.1", ad=True)

    async with server(script, host="127.0.0.11") as port:
        for trust_ad in (False, True):
            r = DNSResolver([ip_address("127.0.0.11")], port=port, trust_ad=trust_ad)
            assert (await r.ips("mx.example.org.", 4)).authentic is trust_ad


SILENT, TALKING = ip_address("127.0.0.2"), ip_address("127.0.0.3")


async def test_a_silent_server_costs_its_time_once(leaping_clock: MockClock) -> None:
    """AUTH-2: the others are asked first then; one look-up finds out, minutes later, that it answers again."""
    asked: list[str] = []
    speaks, leaps, now, done = False, True, 0.0, 0

    def mute(query: dns.message.Message) -> dns.message.Message | None:
        asked.append("silent")
        if leaps:
            leaping_clock.jump(TRY_SECONDS)
        return reply(query, f"{query.question[0].name} 0 A 192.0.2.1") if speaks else None

    def talk(query: dns.message.Message) -> dns.message.Message:
        asked.append("talking")
        return reply(query, f"{query.question[0].name} 0 A 192.0.2.1")

    async with server(mute, host=str(SILENT)) as port, server(talk, host=str(TALKING), port=port):
        r = DNSResolver([SILENT, TALKING], port=port, clock=lambda: now)
        for number in range(3):
            await r.ips(f"a{number}.example.", 4)
        assert asked == ["silent", *["talking"] * 3]
        asked.clear()
        now = SILENT_SECONDS - 1
        await r.ips("b.example.", 4)
        now = SILENT_SECONDS + 1
        leaps = False

        async def look_up(name: str) -> None:
            nonlocal done
            await r.ips(name, 4)
            done += 1

        async with trio.open_nursery() as nursery:  # of many at that time one waits
            for number in range(4):
                nursery.start_soon(look_up, f"c{number}.example.")
            await eventually(lambda: done == 3)
            leaping_clock.jump(TRY_SECONDS)
        assert asked.count("silent") == 1
        asked.clear()
        now, speaks = 2 * SILENT_SECONDS + 2, True
        for number in range(2):
            await r.ips(f"d{number}.example.", 4)
        assert asked == ["silent"] * 2


async def test_a_server_that_says_no_leaves_the_silent_one_alone(leaping_clock: MockClock) -> None:
    """AUTH-2, AUTH-4: a zone that fails costs no wait; where no other server is there, the silent one is asked as
    often as any: it may only be slow.
    """
    asked: list[str] = []

    def mute(_: dns.message.Message) -> None:
        asked.append("silent")
        leaping_clock.jump(TRY_SECONDS)

    def fail(query: dns.message.Message) -> dns.message.Message:
        asked.append("failing")
        return reply(query, rcode=2)

    async with server(mute, host=str(SILENT)) as port, server(fail, host=str(TALKING), port=port):
        r = DNSResolver([SILENT, TALKING], port=port)
        for _ in range(2):
            with pytest.raises(TempError):
                await r.ips("a.example.", 4)
        assert asked == ["silent", "failing", "failing", "failing", "failing"]
        asked.clear()
        alone = DNSResolver([SILENT], port=port)
        for _ in range(2):
            with pytest.raises(TempError, match="didn't respond"):
                await alone.ips("a.example.", 4)
        assert asked == ["silent"] * 4


async def test_a_resolver_that_answers_late_works(leaping_clock: MockClock) -> None:
    """AUTH-2: a response to the first attempt counts also during the second one, for each name in turn."""
    first: list[dns.message.Message] = []

    def late(query: dns.message.Message) -> dns.message.Message | None:
        if not first:
            first.append(query)
            leaping_clock.jump(TRY_SECONDS)
            return None
        return reply(first.pop(), f"{query.question[0].name} 0 A 192.0.2.1")

    async with server(late, host=str(SILENT)) as port:
        r = DNSResolver([SILENT], port=port)
        for number in range(3):
            answer = await r.ips(f"a{number}.example.", 4)
            assert answer.records == (ip_address("192.0.2.1"),)


async def test_servers_that_do_not_answer_are_named(leaping_clock: MockClock, tmp_path: Path) -> None:
    """ADMIN-48c: all at once, within one time-out; a failure is an answer, and one of two questions is enough, since a
    resolver of a closed network may not know the public one.
    """
    asked = 0

    def mute(_: dns.message.Message) -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            leaping_clock.jump(TRY_SECONDS)

    def closed(query: dns.message.Message) -> dns.message.Message | None:
        return None if query.question[0].rdtype == dns.rdatatype.NS else reply(query, rcode=2)

    async with server(mute, host=str(SILENT)) as port, server(closed, host=str(TALKING), port=port):
        both = await DNSResolver([SILENT, TALKING], port=port).silence("mx.example.")
        assert both == Silence((SILENT,), all=False)
        asked = 0
        assert await DNSResolver([SILENT], port=port).silence("mx.example.") == Silence((SILENT,), all=True)
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 127.0.0.66\n")
    dead = await DNSResolver(resolv_conf=path).silence("mx.example.")
    assert (dead.all, dead.file) == (True, str(path))


async def test_resolv_conf_is_read_again_when_it_changes(tmp_path: Path) -> None:
    """AUTH-2: by its modification time, looked at every 5 s; without the file the loopback addresses."""
    path, now = tmp_path / "resolv.conf", 0.0
    r = DNSResolver(resolv_conf=path, clock=lambda: now)
    assert [str(ip) for ip in r.servers.addresses] == ["127.0.0.1", "::1"]
    path.write_text("nameserver 192.0.2.53\n")
    assert [str(ip) for ip in r.servers.addresses] == ["127.0.0.1", "::1"]
    now = 5.0
    assert [str(ip) for ip in r.servers.addresses] == ["192.0.2.53"]


async def test_chain_of_cnames_is_followed_also_where_the_response_breaks_off() -> None:
    """AUTH-5: authentic only if every part was; an explicit question for a CNAME does not follow."""

    def script(query: dns.message.Message) -> dns.message.Message:
        question = query.question[0]
        if question.rdtype.name == "CNAME":
            return reply(query, "a.example. 300 CNAME b.example.", ad=True)
        if str(question.name) == "a.example.":
            return reply(query, "a.example. 300 CNAME b.example.", "b.example. 200 CNAME c.example.", ad=True)
        return reply(query, "c.example. 100 A 192.0.2.1")

    async with server(script) as port:
        r = resolver(port)
        answer = await r.ips("a.example.", 4)
        assert answer.name == "c.example."
        assert answer.chain == ("a.example.", "b.example.")
        assert not answer.authentic
        alias = await r.cname("a.example.")
        assert alias.records == ("b.example.",)
        assert alias.authentic


async def test_loop_of_cnames_ends() -> None:
    """AUTH-5, QUEUE-153: not an endless look-up."""

    def script(query: dns.message.Message) -> dns.message.Message:
        number = int(str(query.question[0].name).split(".")[0])
        return reply(query, f"{number}.example. 300 CNAME {number + 1}.example.")

    async with server(script) as port:
        with pytest.raises((TempError, PermError)):
            await resolver(port).mx("0.example.")


async def test_truncated_response_is_asked_again_over_tcp() -> None:
    """AUTH-6."""

    def short(query: dns.message.Message) -> dns.message.Message:
        response = reply(query)
        response.flags |= dns.flags.TC
        return response

    async with server(short, tcp=lambda query: reply(query, "x.example. 300 TXT " + '"%s"' % ("y" * 200))) as port:
        assert (await resolver(port).txt("x.example.")).records == ("y" * 200,)


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (b"", "closed"),
        (b"\0", "closed"),
        (b"\0\x20" + b"x" * 31, "closed"),
        (b"\0\0", "unusable"),
        (b"\0\x20" + b"x" * 32, "unusable"),
        (
            reply(dns.message.make_query("y.example.", "TXT", id=1)).to_wire(prepend_length=True),
            "doesn't match the query",
        ),
    ],
    ids=["nothing", "half a length", "cut", "empty", "junk", "other"],
)
async def test_what_is_no_response_over_tcp_is_a_temporary_error(sent: bytes, text: str) -> None:
    """AUTH-6: octets come one by one, fewer than announced, or make no sense."""
    udp, listener, port = await bound()

    async def serve_udp() -> None:
        while True:
            data, address = await udp.recvfrom(4096)
            response = reply(dns.message.from_wire(data))
            response.flags |= dns.flags.TC
            await udp.sendto(response.to_wire(), address)

    async def serve_tcp() -> None:
        while True:
            sock, _ = await listener.accept()
            with sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                await sock.recv(4096)
                for octet in sent:
                    await sock.send(bytes([octet]))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_udp)
        nursery.start_soon(serve_tcp)
        with pytest.raises(TempError, match=text):
            await resolver(port).txt("x.example.")
        nursery.cancel_scope.cancel()
    udp.close()
    listener.close()


async def test_forged_responses_are_ignored() -> None:
    """AUTH-6: another id or question does not end the wait."""
    udp = trio.socket.socket(type=socket.SOCK_DGRAM)
    await udp.bind(("127.0.0.1", 0))

    async def serve() -> None:
        data, address = await udp.recvfrom(4096)
        query = dns.message.from_wire(data)
        forged = reply(query, "x.example. 300 A 203.0.113.66")
        forged.id ^= 1
        await udp.sendto(forged.to_wire(), address)
        other = reply(dns.message.make_query("y.example.", "A", id=query.id), "y.example. 300 A 203.0.113.66")
        await udp.sendto(other.to_wire(), address)
        await udp.sendto(reply(query, "x.example. 300 A 192.0.2.1").to_wire(), address)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        answer = await resolver(udp.getsockname()[1]).ips("x.example.", 4)
    udp.close()
    assert [str(ip) for ip in answer.records] == ["192.0.2.1"]


async def test_answers_are_kept_for_their_time_and_joined_while_asked() -> None:
    """AUTH-7: one question for many callers; a cancelled caller does not take it from the others; failures are not
    kept.
    """
    questions = 0

    def script(query: dns.message.Message) -> dns.message.Message | None:
        nonlocal questions
        questions += 1
        if str(query.question[0].name) == "bad.example.":
            return reply(query, rcode=2)
        return reply(query, "x.example. 300 A 192.0.2.1")

    async with server(script) as port:
        r = resolver(port)
        async with trio.open_nursery() as nursery:
            with trio.CancelScope() as first:
                nursery.start_soon(r.ips, "x.example.", 4)
                for _ in range(20):
                    nursery.start_soon(r.ips, "X.example.", 4)
                first.cancel()
                await r.ips("x.example.", 4)
        await r.ips("x.example.", 4)
        assert questions == 1
        for _ in range(2):
            with pytest.raises(TempError):
                await r.mx("bad.example.")
        assert questions == 5


async def test_answers_as_large_as_strangers_like_do_not_fill_the_memory() -> None:
    """AUTH-7: the cache has 10 MiB, whatever the number and size of its answers; the latest stay."""
    asked: list[str] = []
    records = dns.rrset.from_text(".", 300, "IN", "TXT", " ".join(['"' + "x" * 250 + '"'] * 200))

    def script(query: dns.message.Message) -> dns.message.Message:
        name = query.question[0].name
        asked.append(str(name))
        response = reply(query)
        response.request_payload = 65_535
        response.answer.append(dns.rrset.from_rdata_list(name, 300, list(records)))
        return response

    async with server(script) as port:
        dns_resolver = resolver(port)
        for number in (*range(250), 249, 150, 0):
            await dns_resolver.txt(f"n{number}.example.org.")
    assert asked[250:] == ["n0.example.org."]


async def test_leader_that_is_cancelled_is_succeeded() -> None:
    """AUTH-7: whoever waited asks then."""
    got_first = trio.Event()
    answered: list[str] = []

    def script(query: dns.message.Message) -> dns.message.Message | None:
        if not got_first.is_set():
            got_first.set()
            return None
        return reply(query, "x.example. 300 A 192.0.2.1")

    async with server(script) as port:
        r = resolver(port)

        async def ask() -> None:
            answered.extend(str(ip) for ip in (await r.ips("x.example.", 4)).records)

        async with trio.open_nursery() as leaders, trio.open_nursery() as followers:
            leaders.start_soon(ask)
            await got_first.wait()
            followers.start_soon(ask)
            await trio.testing.wait_all_tasks_blocked()
            leaders.cancel_scope.cancel()
    # Cancelling the outer nursery cancels both here; the follower's own scope is what counts in the next lines.
    assert answered in ([], ["192.0.2.1"])


async def test_names_are_absolute_and_valid() -> None:
    """AUTH-1: a relative name is a mistake of the program; an impossible one an error of its own kind."""
    for r in (FakeResolver(), DNSResolver([ip_address("127.0.0.1")])):
        with pytest.raises(ValueError, match="must end with a dot"):
            await r.mx("example.org")
    with pytest.raises(PermError):
        await DNSResolver([ip_address("127.0.0.1")]).mx("a" * 70 + ".example.")


async def test_localhost_needs_no_server() -> None:
    """AUTH-3: and is never authentic."""
    answer = await DNSResolver([ip_address("127.0.0.1")], port=1).ips("localhost.")
    assert [str(ip) for ip in answer.records] == ["127.0.0.1", "::1"]
    assert not answer.authentic


async def test_refused_connection_gives_a_hint() -> None:
    """AUTH-2: nothing listens on loopback: install a resolver."""
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    with pytest.raises(TempError, match="check that a resolver like unbound is installed"):
        await resolver(port).mx("example.org.")


async def test_fake_resolver_answers_as_a_server_does(autojump_clock: trio.testing.MockClock) -> None:
    """AUTH-14: records, CNAMEs, DNSSEC state, failures and delays per name."""
    r = FakeResolver(
        {
            "MX": {"example.org": ["10 mx.example.org", "20 mx2.example.org."]},
            "A": {"mx.example.org": ["192.0.2.1"]},
            "CNAME": {"www.example.org": ["mx.example.org"]},
            "TXT": {"example.org": ["v=spf1 -all"]},
        },
        authentic=["example.org", "mx.example.org"],
        failing=["bogus.example"],
        delays={"slow.example": 7},
    )
    assert (await r.mx("example.org.")).records == (MX(10, "mx.example.org."), MX(20, "mx2.example.org."))
    answer = await r.ips("www.example.org.")
    assert (answer.name, answer.chain, answer.authentic) == ("mx.example.org.", ("www.example.org.",), False)
    with pytest.raises(TempError):
        await r.txt("bogus.example.")
    start = trio.current_time()
    with pytest.raises(NotFound):
        await r.txt("slow.example.")
    assert trio.current_time() - start == 7
    assert ("example.org.", RecordType.MX) in r.asked


def test_an_alias_too_long_for_a_name_is_bogus() -> None:
    """AUTH-123: a DNAME record that would make a name of more than 255 octets (RFC 6672 §2.2) ends no validation."""
    alias, target = dns.name.from_text(f"{'a' * 60}.example.org."), ".".join(["b" * 60] * 4)
    answer = [
        dns.rrset.from_text(alias, 300, "IN", "CNAME", "mail.example.net."),
        dns.rrset.from_text("example.org.", 300, "IN", "DNAME", f"{target}."),
    ]

    def ask(name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.message.Message:
        response = dns.message.make_response(dns.message.make_query(name, kind))
        response.answer = answer
        return dns.message.from_wire(response.to_wire())

    verdict = validate(ask, alias.to_text(), RecordType.A, anchors=ROOT, zones={})
    assert (verdict.status, verdict.problem) == (Status.BOGUS, "A DNS name is > 255 octets long.")
