"""The resolver that asks DNS servers: dnspython's messages and queries over Trio (AUTH-2..7, AUTH-11).

It wants a validating resolver nearby (RFC 4035 §4.9.3): the AD bit is believed only from servers on this machine, or
where the administrator says that the path to them is safe.
"""

import ipaddress
import logging
import random
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rdtypes.ANY.MX
import dns.rdtypes.ANY.TLSA
import dns.rdtypes.ANY.TXT
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA
import dns.rdtypes.IN.SRV
import dns.rdtypes.nsbase
import msgspec
import trio
from dns.rdata import Rdata

from moxlite.metrics import Histogram
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import (
    MAX_CHAIN,
    MX,
    SRV,
    TLSA,
    Answer,
    DNSError,
    NotFound,
    PermError,
    Record,
    RecordType,
    Resolver,
    TempError,
)

__all__ = ["DNSResolver", "Servers", "read_resolv_conf"]

logger = logging.getLogger("moxlite.net.dns")

lookups = Histogram("moxlite_dns_lookup_duration_seconds", "Look-ups that went to a DNS server.", ["type", "result"])

PORT: Final = 53
TRY_SECONDS: Final = 5.0
"""For one server, one time (AUTH-2)."""
ROUNDS: Final = 2
"""Over all servers."""
MAX_SERVERS: Final = 3
"""As in libc."""
SILENT_SECONDS: Final = 300.0
"""For which a server that did not answer is asked after all others. Then one look-up finds out whether it answers
again: so it costs TRY_SECONDS once in that time (AUTH-2).
"""
PAYLOAD: Final = 1232
"""EDNS payload that passes without fragments (DNS flag day 2020)."""
MAX_TTL: Final = 300
"""Seconds that an answer is kept; the resolver beside us keeps it longer."""
MAX_NEGATIVE_TTL: Final = 60
MAX_ENTRIES: Final = 10_000
"""Cached answers, about 10 MB."""
RESOLV_CONF: Final = Path("/etc/resolv.conf")
RESOLV_CONF_SECONDS: Final = 5.0
"""Between looks at its modification time."""

DNSSEC_CODES: Final = frozenset({1, 2, 5, 6, 7, 8, 9, 10, 11, 12})
"""Extended errors (RFC 8914) that mean: signatures bogus, missing or not verifiable (AUTH-4)."""


UNTRUSTED: Final = frozenset({ipaddress.IPv4Address("127.0.0.11")})
"""Loopback addresses behind which no resolver is: Docker's passes on what another server says, with its AD bit
(AUTH-3).
"""


class _NoAnswerError(TempError):
    """Nothing came from a server. `silent`: within TRY_SECONDS."""

    def __init__(self, text: str, *, silent: bool = False) -> None:
        super().__init__(text)
        self.silent = silent


class Servers(msgspec.Struct, frozen=True):
    """Whom to ask, in order; ``trusted``: their AD bit is believed."""

    addresses: tuple[IPAddress, ...]
    trusted: bool
    port: int = PORT


def _servers(addresses: Sequence[IPAddress], trust_ad: bool, port: int = PORT) -> Servers:
    if not addresses:
        addresses = (ipaddress.IPv4Address("127.0.0.1"), ipaddress.IPv6Address("::1"))
    addresses = tuple(addresses[:MAX_SERVERS])
    nearby = all(ip.is_loopback and ip not in UNTRUSTED for ip in addresses)
    return Servers(addresses, trust_ad or nearby, port)


def read_resolv_conf(text: str) -> Servers:
    """The servers of a resolv.conf. Lines that are not understood are skipped, as libc does; ``options trust-ad``
    counts.
    """
    addresses: list[IPAddress] = []
    trust_ad = False
    for line in text.splitlines():
        words = line.split("#", 1)[0].split(";", 1)[0].split()
        if len(words) >= 2 and words[0] == "nameserver":
            try:
                addresses.append(ipaddress.ip_address(words[1].partition("%")[0]))
            except ValueError:
                continue
        elif words and words[0] == "options":
            trust_ad = trust_ad or "trust-ad" in words[1:]
    return _servers(addresses, trust_ad)


class _Flight:
    """A look-up under way that others wait for. Without an outcome at the end: its task was cancelled, another must
    ask.
    """

    __slots__ = ("done", "outcome")

    def __init__(self) -> None:
        self.done = trio.Event()
        self.outcome: Answer[Record] | DNSError | None = None


class DNSResolver(Resolver):
    """Asks the servers of resolv.conf (watched for changes), or the given ones, and keeps answers for a short time.

    Equal look-ups at the same time are one; a cancelled caller does not take the answer from the others.
    """

    def __init__(
        self,
        servers: Sequence[IPAddress] = (),
        *,
        trust_ad: bool = False,
        port: int = PORT,
        resolv_conf: Path = RESOLV_CONF,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fixed = _servers(servers, trust_ad, port) if servers else None
        self._trust_ad = trust_ad
        self._resolv_conf = resolv_conf
        self._clock = clock
        self._read: Servers | None = None
        self._read_mtime: int | None = None
        self._looked = float("-inf")
        self._cache: OrderedDict[tuple[str, RecordType], tuple[float, Answer[Record] | NotFound]] = OrderedDict()
        self._flights: dict[tuple[str, RecordType], _Flight] = {}
        self._silent: dict[IPAddress, float] = {}  # who did not answer, until when

    @property
    def servers(self) -> Servers:
        """Whom it asks at this moment."""
        if self._fixed is not None:
            return self._fixed
        now = self._clock()
        if self._read is None or now - self._looked >= RESOLV_CONF_SECONDS:
            self._looked = now
            try:
                mtime = self._resolv_conf.stat().st_mtime_ns
                if self._read is None or mtime != self._read_mtime:
                    self._read = read_resolv_conf(self._resolv_conf.read_text("utf-8", "replace"))
                    self._read_mtime = mtime
            except OSError:
                self._read = _servers((), self._trust_ad)
                self._read_mtime = None
            if self._trust_ad:
                self._read = msgspec.structs.replace(self._read, trusted=True)
        return self._read

    async def lookup(self, name: str, kind: RecordType) -> Answer[Record]:
        if not name.endswith("."):
            raise ValueError(f"relative name {name!r}")
        key = (name.lower(), kind)
        if key[0] == "localhost." and kind in (RecordType.A, RecordType.AAAA):  # RFC 6761 §6.3
            await trio.lowlevel.checkpoint()
            return Answer((ipaddress.ip_address("127.0.0.1" if kind == RecordType.A else "::1"),), False, 0, key[0])
        while True:
            if (kept := self._kept(key)) is not None:
                await trio.lowlevel.checkpoint()
                return _result(kept)
            flight = self._flights.get(key)
            if flight is None:
                return _result(await self._fly(key))
            await flight.done.wait()
            if flight.outcome is not None:
                return _result(flight.outcome)

    async def _fly(self, key: tuple[str, RecordType]) -> Answer[Record] | DNSError:
        flight = self._flights[key] = _Flight()
        started = self._clock()
        try:
            try:
                flight.outcome = await self._follow(*key)
            except DNSError as exc:
                flight.outcome = exc
        finally:
            del self._flights[key]
            flight.done.set()
            self._record(key, flight.outcome, self._clock() - started)
        self._keep(key, flight.outcome)
        return flight.outcome

    def _kept(self, key: tuple[str, RecordType]) -> Answer[Record] | NotFound | None:
        entry = self._cache.get(key)
        if entry is None:
            return None
        if self._clock() >= entry[0]:
            del self._cache[key]
            return None
        self._cache.move_to_end(key)
        return entry[1]

    def _keep(self, key: tuple[str, RecordType], outcome: Answer[Record] | DNSError) -> None:
        if isinstance(outcome, Answer):
            seconds = min(outcome.ttl, MAX_TTL)
        elif isinstance(outcome, NotFound):
            seconds = min(outcome.ttl, MAX_NEGATIVE_TTL)
        else:
            return
        if seconds > 0:
            self._cache[key] = (self._clock() + seconds, outcome)
            self._cache.move_to_end(key)
            if len(self._cache) > MAX_ENTRIES:
                self._cache.popitem(last=False)

    def _record(self, key: tuple[str, RecordType], outcome: Answer[Record] | DNSError | None, seconds: float) -> None:
        match outcome:
            case Answer():
                result = "ok"
            case NotFound():
                result = "nxdomain"
            case TempError():
                result = "temporary"
            case None:
                result = "canceled"
            case _:
                result = "error"
        lookups.labels(type=str(key[1]), result=result).observe(seconds)
        if logger.isEnabledFor(logging.DEBUG):
            authentic = None if outcome is None else outcome.authentic
            logger.debug(
                "dns lookup",
                extra={
                    "kv": {
                        "err": outcome if isinstance(outcome, DNSError) else None,
                        "type": key[1],
                        "name": key[0],
                        "authentic": authentic,
                        "duration": seconds,
                    }
                },
            )

    async def _follow(self, name: str, kind: RecordType) -> Answer[Record]:
        """Ask, and ask on where a response breaks off in the middle of a chain of CNAMEs."""
        authentic, chain, current = True, [], name
        while True:
            response, trusted = await self._ask(current, kind)
            try:
                chaining = response.resolve_chaining()
            except dns.exception.DNSException as exc:
                raise PermError(f"malformed response for {kind} of {current}: {exc}") from exc
            authentic = authentic and trusted and bool(response.flags & dns.flags.AD)
            if kind != RecordType.CNAME:
                chain += [str(rrset.name).lower() for rrset in chaining.cnames]
            if len(chain) > MAX_CHAIN:
                raise TempError(f"more than {MAX_CHAIN} CNAMEs at {name}")
            final = str(chaining.canonical_name).lower()
            if chaining.answer is not None:
                records = tuple(_record(rdata) for rdata in chaining.answer)
                return Answer(records, authentic, chaining.minimum_ttl, final, tuple(chain))
            if final != current and response.rcode() == dns.rcode.NOERROR and not response.authority:
                current = final
                continue
            raise NotFound(
                f"no {kind} records at {final}",
                authentic=authentic,
                ttl=chaining.minimum_ttl,
                nonexistent=response.rcode() == dns.rcode.NXDOMAIN,
            )

    async def _ask(self, name: str, kind: RecordType) -> tuple[dns.message.QueryMessage, bool]:
        """The first good response of any server, and whether its AD bit may be believed."""
        try:
            query = dns.message.make_query(name, str(kind), use_edns=0, payload=PAYLOAD)
        except (dns.exception.DNSException, ValueError) as exc:
            raise PermError(f"{name!r} is no DNS name: {exc}") from exc
        query.flags |= dns.flags.AD
        servers = self.servers
        failure: TempError | None = None
        order = self._in_order(servers.addresses)
        answered, silent = False, set[IPAddress]()
        for server in order:
            if server in silent and len(set(order)) > 1:
                continue
            if answered and server in self._silent:
                continue
            query.id = random.SystemRandom().randrange(65536)
            try:
                response = await _exchange(query, server, servers.port)
            except TempError as exc:
                if failure is None or exc.code is not None:
                    failure = exc
                if not isinstance(exc, _NoAnswerError):
                    answered = True
                elif exc.silent:
                    silent.add(server)
                    self._silent[server] = self._clock() + SILENT_SECONDS
            else:
                self._silent.pop(server, None)
                return response, servers.trusted
        assert failure is not None
        raise failure

    def _in_order(self, addresses: Sequence[IPAddress]) -> list[IPAddress]:
        """Whom to ask for one look-up, one after the other: twice who answers, then once who did not lately."""
        now = self._clock()
        first: list[IPAddress] = []
        last: list[IPAddress] = []
        for server in addresses:
            until = self._silent.get(server)
            if until is not None and now >= until:
                self._silent[server] = now + SILENT_SECONDS  # others don't wait while this look-up finds out
                until = None
            (first if until is None else last).append(server)
        self._silent = {server: until for server, until in self._silent.items() if server in addresses}
        return first * ROUNDS + last


def _result(outcome: Answer[Record] | DNSError) -> Answer[Record]:
    if isinstance(outcome, Answer):
        return outcome
    raise outcome.with_traceback(None)


async def _exchange(query: dns.message.Message, server: IPAddress, port: int) -> dns.message.QueryMessage:
    """One question to one server, over TCP where the response does not fit. Raises TempError."""
    try:
        with trio.fail_after(TRY_SECONDS):
            response = await _exchange_udp(query, server, port)
        if response.flags & dns.flags.TC:
            with trio.fail_after(TRY_SECONDS):
                response = await _exchange_tcp(query, server, port)
    except trio.TooSlowError:
        raise _NoAnswerError(f"DNS server {server} did not answer", silent=True) from None
    except (OSError, EOFError, trio.BrokenResourceError) as exc:
        hint = ""
        if server.is_loopback and isinstance(exc, ConnectionRefusedError):
            hint = "; is a resolver such as unbound installed, and /etc/resolv.conf right?"
        raise _NoAnswerError(f"DNS server {server} cannot be reached: {exc}{hint}") from exc
    except (dns.exception.DNSException, ValueError) as exc:
        raise TempError(f"DNS server {server} sent an unusable response: {exc}") from exc
    rcode = response.rcode()
    if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        raise _failed(server, response, rcode)
    lame = not response.answer and not response.flags & (dns.flags.RA | dns.flags.AA)
    if lame or not isinstance(response, dns.message.QueryMessage):
        raise TempError(f"DNS server {server} does not resolve for us")
    return response


async def _exchange_udp(query: dns.message.Message, server: IPAddress, port: int) -> dns.message.Message:
    """The first datagram that is a response to `query`; others are ignored (AUTH-6).

    The connected socket has a random port, takes datagrams of this server only, and learns when none listens there.
    """
    with trio.socket.socket(_family(server), socket.SOCK_DGRAM) as sock:
        await sock.connect((str(server), port))
        await sock.send(query.to_wire())
        while True:
            data = await sock.recv(65535)
            try:
                response = dns.message.from_wire(data, ignore_trailing=True, raise_on_truncation=False)
            except (dns.exception.DNSException, ValueError):
                continue
            if query.is_response(response):
                return response


async def _exchange_tcp(query: dns.message.Message, server: IPAddress, port: int) -> dns.message.Message:
    """The response to `query` over a connection of its own, where lengths of two octets stand before messages (RFC 1035
    §4.2.2).

    `dns.asyncquery` does the same, with half a megabyte of what else it can do.

    Raises OSError, EOFError, trio.BrokenResourceError: the connection ended; DNSException, ValueError: what came is no
    response.
    """
    with trio.socket.socket(_family(server), socket.SOCK_STREAM) as sock:
        await sock.connect((str(server), port))
        stream = trio.SocketStream(sock)
        await stream.send_all(query.to_wire(prepend_length=True))
        data = bytearray()
        while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2]):
            if not (more := await stream.receive_some()):
                raise EOFError("the connection was closed")
            data += more
    response = dns.message.from_wire(bytes(data[2 : 2 + int.from_bytes(data[:2])]))
    if not query.is_response(response):
        raise ValueError("it answers another question")
    return response


def _family(server: IPAddress) -> socket.AddressFamily:
    return socket.AF_INET if server.version == 4 else socket.AF_INET6


def _failed(server: IPAddress, response: dns.message.Message, rcode: dns.rcode.Rcode) -> TempError:
    for option in response.extended_errors():
        code = int(option.code)
        text = (
            f"dns-extended-error-{code}-{(option.text or option.code.name).lower().replace(' ', '-').replace('_', '-')}"
        )
        return TempError(f"DNS server {server} failed: {text}", code=code, dnssec=code in DNSSEC_CODES)
    return TempError(f"DNS server {server} failed: {dns.rcode.to_text(rcode)}")


def _record(rdata: Rdata) -> Record:
    match rdata:
        case dns.rdtypes.IN.A.A() | dns.rdtypes.IN.AAAA.AAAA():
            return ipaddress.ip_address(rdata.address)
        case dns.rdtypes.ANY.TXT.TXT():
            return b"".join(rdata.strings).decode("ascii", "surrogateescape")
        case dns.rdtypes.ANY.MX.MX():
            return MX(int(rdata.preference), str(rdata.exchange).lower())
        case dns.rdtypes.IN.SRV.SRV():
            return SRV(int(rdata.priority), int(rdata.weight), int(rdata.port), str(rdata.target).lower())
        case dns.rdtypes.ANY.TLSA.TLSA():
            return TLSA(int(rdata.usage), int(rdata.selector), int(rdata.mtype), bytes(rdata.cert))
        case dns.rdtypes.nsbase.NSBase():
            return str(rdata.target).lower()
    raise PermError(f"unexpected record {rdata.rdtype}")
