"""A stub resolver: asks DNS servers over UDP and TCP, and caches the answers (AUTH-2..7, AUTH-11). The message format
is in `wire`.

It expects a validating resolver nearby (RFC 4035 §4.9.3): the AD bit is believed only from servers on this machine, or
if the administrator declares the path to them safe.
"""

import ipaddress
import logging
import secrets
import socket
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Self

import msgspec
import trio

from moxlite.metrics import Histogram
from moxlite.net.dns.wire import (
    NOERROR,
    NXDOMAIN,
    ExtendedError,
    Response,
    WireError,
    encode_question,
    is_response,
    read_response,
)
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import (
    MAX_CHAIN,
    Answer,
    DNSError,
    NotFound,
    PermError,
    Record,
    RecordType,
    Resolver,
    Silence,
    TempError,
    TooManyAliases,
)

logger = logging.getLogger("moxlite.net.dns.client")

lookups = Histogram("moxlite_dns_lookup_duration_seconds", "DNS server lookups.", ["type", "result"])

PORT: Final = 53
TRY_SECONDS: Final = 5.0
"""Seconds for one attempt at one server (AUTH-2)."""
ROUNDS: Final = 2
"""Attempts at each server."""
MAX_SERVERS: Final = 3
"""Maximum servers used, as in libc."""
LOOPBACK: Final = (ipaddress.IPv4Address("127.0.0.1"), ipaddress.IPv6Address("::1"))
"""Servers used if the configuration names none. An answer from one of them is enough."""
SILENT_SECONDS: Final = 300.0
"""Seconds for which a server that did not answer is tried after all others. Then one look-up tries it again in its
usual place, which costs TRY_SECONDS once per period if it is still silent (AUTH-2).
"""
MAX_DATAGRAM: Final = 65_535
MAX_TTL: Final = 300
"""Maximum seconds that an answer is cached; the resolver on this machine caches it longer."""
MAX_NEGATIVE_TTL: Final = 60
UNDATED_TTL: Final = 30
"""Seconds that a negative answer without SOA is cached. RFC 2308 §5 forbids to cache it, so that servers do not pass it
on in circles. This cache serves one process only, and a burst of mail would repeat the question hundreds of times.
"""
MAX_CACHED: Final = 10 << 20
"""Octets of cached answers: 10,000 usual ones. Answers of a stranger may take 400 kB each."""
ENTRY: Final = 1024
"""Octets of a cached answer beside its records and names."""
RECORD: Final = 100
"""Octets of a record beside its text."""
PUBLIC: Final = "com."
"""Zone whose name servers every resolver on the internet has cached."""
RESOLV_CONF: Final = Path("/etc/resolv.conf")
RESOLV_CONF_SECONDS: Final = 5.0
"""Seconds between checks of its modification time."""

ERROR_NAMES: Final = (
    *("other", "unsupported-dnskey-algorithm", "unsupported-ds-digest-type", "stale-answer", "forged-answer"),
    *("dnssec-indeterminate", "dnssec-bogus", "signature-expired", "signature-not-yet-valid", "dnskey-missing"),
    *("rrsigs-missing", "no-zone-key-bit-set", "nsec-missing", "cached-error", "not-ready", "blocked", "censored"),
    *("filtered", "prohibited", "stale-nxdomain-answer", "not-authoritative", "not-supported"),
    *("no-reachable-authority", "network-error", "invalid-data"),
)
"""Names of extended errors, indexed by code (RFC 8914 §5.2)."""

CODES: Final = {1: "FORMERR", 2: "SERVFAIL", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN"}
"""Names of the response codes of a failing server (RFC 1035 §4.1.1, RFC 6672 §2.2)."""

DNSSEC_CODES: Final = frozenset({1, 2, 5, 6, 7, 8, 9, 10, 11, 12})
"""Extended errors (RFC 8914) that mean: signatures bogus, missing or not verifiable (AUTH-4)."""


UNTRUSTED: Final = frozenset({ipaddress.IPv4Address("127.0.0.11")})
"""Loopback addresses without a resolver of this machine. Docker's embedded server passes on the answers of another
server with their AD bit (AUTH-3).
"""


class _NoAnswerError(TempError):
    """A server sent no answer. `silent`: it sent nothing within TRY_SECONDS."""

    def __init__(self, text: str, *, silent: bool = False) -> None:
        super().__init__(text, outside="no response from DNS")
        self.silent = silent


class Servers(msgspec.Struct, frozen=True):
    """DNS servers in the order in which they are asked. ``trusted``: their AD bit is believed."""

    addresses: tuple[IPAddress, ...]
    trusted: bool
    port: int = PORT


def _servers(addresses: Sequence[IPAddress], trust_ad: bool, port: int = PORT) -> Servers:
    addresses = tuple(addresses[:MAX_SERVERS]) or LOOPBACK
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


class _PendingLookup:
    """A look-up in progress that other callers wait for. If it ends without an outcome, its task was cancelled, and a
    waiting caller must ask.
    """

    __slots__ = ("done", "outcome")

    def __init__(self) -> None:
        self.done = trio.Event()
        self.outcome: Answer[Record] | DNSError | None = None


class _CachedAnswer(msgspec.Struct, frozen=True):
    """A cached answer. `until`: by the resolver's clock; `size` in octets."""

    until: float
    outcome: Answer[Record] | NotFound
    size: int


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
        self._cache: OrderedDict[tuple[str, RecordType], _CachedAnswer] = OrderedDict()
        self._cached = 0  # octets
        self._flights: dict[tuple[str, RecordType], _PendingLookup] = {}
        self._silent: dict[IPAddress, float] = {}  # servers that did not answer, and until when they are tried last

    @property
    def servers(self) -> Servers:
        """The servers in use now; resolv.conf is read again if it has changed."""
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
            raise ValueError(f"name must end with a dot: {name!r}")
        key = (name.lower(), kind)
        if key[0] == "localhost." and kind in (RecordType.A, RecordType.AAAA):  # RFC 6761 §6.3
            return Answer((ipaddress.ip_address("127.0.0.1" if kind == RecordType.A else "::1"),), False, 0, key[0])
        while True:
            if (kept := self._kept(key)) is not None:
                return _result(kept)
            flight = self._flights.get(key)
            if flight is None:
                return _result(await self._fly(key))
            await flight.done.wait()
            if flight.outcome is not None:
                return _result(flight.outcome)

    async def silence(self, name: str) -> Silence:
        servers = self.servers
        answered: set[IPAddress] = set()

        async def ask(server: IPAddress, question: str, kind: RecordType, other: trio.CancelScope) -> None:
            try:
                with _Ways(question, kind, servers.port) as ways:
                    await _exchange(ways, server)
            except _NoAnswerError:
                return
            except (TempError, PermError):
                pass
            answered.add(server)
            other.cancel()

        async def ask_both(server: IPAddress) -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask, server, PUBLIC, RecordType.NS, nursery.cancel_scope)
                nursery.start_soon(ask, server, name, RecordType.A, nursery.cancel_scope)

        async with trio.open_nursery() as nursery:
            for server in servers.addresses:
                nursery.start_soon(ask_both, server)
        silent = tuple(server for server in servers.addresses if server not in answered)
        if answered and servers.addresses == LOOPBACK:
            silent = ()
        file = "" if self._fixed is not None else str(self._resolv_conf)
        return Silence(silent, not answered, file)

    async def _fly(self, key: tuple[str, RecordType]) -> Answer[Record] | DNSError:
        flight = self._flights[key] = _PendingLookup()
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
        # No await since `done` was set: callers that waited find the outcome in the flight, later ones in the cache,
        # and none asks again in between.
        self._keep(key, flight.outcome)
        return flight.outcome

    def _kept(self, key: tuple[str, RecordType]) -> Answer[Record] | NotFound | None:
        entry = self._cache.get(key)
        if entry is None:
            return None
        if self._clock() >= entry.until:
            self._drop(key)
            return None
        self._cache.move_to_end(key)
        return entry.outcome

    def _keep(self, key: tuple[str, RecordType], outcome: Answer[Record] | DNSError) -> None:
        if isinstance(outcome, Answer):
            seconds = min(outcome.ttl, MAX_TTL)
        elif isinstance(outcome, NotFound):
            seconds = min(outcome.ttl, MAX_NEGATIVE_TTL)
        else:
            return
        if seconds > 0:
            self._drop(key)
            self._cache[key] = kept = _CachedAnswer(self._clock() + seconds, outcome, _size(outcome))
            self._cached += kept.size
            while self._cached > MAX_CACHED:
                self._drop(next(iter(self._cache)))

    def _drop(self, key: tuple[str, RecordType]) -> None:
        if (kept := self._cache.pop(key, None)) is not None:
            self._cached -= kept.size

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
                "DNS lookup",
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
        """Ask, and ask again for the last name if a response ends in the middle of a chain of CNAMEs."""
        authentic, current = True, name
        chain: list[str] = []
        while True:
            response, trusted = await self._ask(current, kind)
            authentic = authentic and trusted and response.authentic
            chain += response.chain
            if len(chain) > MAX_CHAIN:
                raise TooManyAliases(f"CNAME chain for {name} is too long (limit {MAX_CHAIN})")
            if response.records:
                return Answer(response.records, authentic, response.ttl, response.name, tuple(chain))
            if response.chain and response.rcode == NOERROR and not response.authority:
                current = response.name
                continue
            raise NotFound(
                f"no {kind} records found for {response.name}",
                authentic=authentic,
                ttl=response.ttl if response.authority else UNDATED_TTL,
                nonexistent=response.rcode == NXDOMAIN,
                name=response.name,
                chain=tuple(chain),
            )

    async def _ask(self, name: str, kind: RecordType) -> tuple[Response, bool]:
        """The first good response of any server, and whether its AD bit may be believed."""
        servers = self.servers
        failure: TempError | None = None
        order = self._in_order(servers.addresses)
        answered, silent = False, set[IPAddress]()
        with _Ways(name, kind, servers.port) as ways:
            for server in order:
                if server in silent and len(set(order)) > 1:
                    continue
                if answered and server in self._silent:
                    continue
                try:
                    response = await _exchange(ways, server)
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
        """The servers in the order of attempts for one look-up: `ROUNDS` times the servers that answer, then once each
        server that did not answer lately. If none answered lately, they may be slow: each has its rounds.
        """
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
        return first * ROUNDS + last if first else last * ROUNDS


def _size(outcome: Answer[Record] | NotFound) -> int:
    """Octets that an outcome takes in memory, about."""
    size = ENTRY + sum(map(len, outcome.chain))
    if isinstance(outcome, Answer):
        size += sum(RECORD + (sys.getsizeof(record) if isinstance(record, str) else 0) for record in outcome.records)
    return size


def _result(outcome: Answer[Record] | DNSError) -> Answer[Record]:
    if isinstance(outcome, Answer):
        return outcome
    raise outcome.with_traceback(None)


class _Ways:
    """The sockets of one look-up, one for each server. A server is asked again by the same one, with the same question,
    so that a late response to the first attempt counts, too.

    They are connected: each has a random port, receives datagrams of its server only, and reports when no server
    listens there. They are not Trio's sockets, as neither connecting nor sending a datagram blocks, and Trio would run
    a checkpoint for each.
    """

    def __init__(self, name: str, kind: RecordType, port: int) -> None:
        self.name = name
        self.kind = kind
        self.port = port
        self._sockets: dict[IPAddress, tuple[bytes, socket.socket]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for _question, sock in self._sockets.values():
            sock.close()

    def to(self, server: IPAddress) -> tuple[bytes, socket.socket]:
        """The question, and the socket of a server. Raises OSError; PermError if no such name can exist."""
        if server not in self._sockets:
            try:
                question = encode_question(secrets.randbelow(65536), self.name, self.kind)
            except WireError as exc:
                raise PermError(f"{self.name!r} isn't a DNS name: {exc}") from exc
            sock = socket.socket(_family(server), socket.SOCK_DGRAM)
            self._sockets[server] = question, sock
            sock.setblocking(False)
            sock.connect((str(server), self.port))
        return self._sockets[server]


async def _exchange(ways: _Ways, server: IPAddress) -> Response:
    """Send the question to one server, over TCP if the response does not fit into a datagram. Raises TempError;
    PermError if no such name can exist.
    """
    name, kind = ways.name, ways.kind
    try:
        question, sock = ways.to(server)
        with trio.fail_after(TRY_SECONDS):
            response = read_response(await _over_udp(question, sock), name, kind)
        if response.truncated:
            with trio.fail_after(TRY_SECONDS):
                response = read_response(await _over_tcp(question, server, ways.port), name, kind)
    except trio.TooSlowError:
        raise _NoAnswerError(f"DNS server {server} didn't respond", silent=True) from None
    except (OSError, EOFError, trio.BrokenResourceError) as exc:
        hint = ""
        if server.is_loopback and isinstance(exc, ConnectionRefusedError):
            hint = "; check that a resolver like unbound is installed and /etc/resolv.conf is correct"
        raise _NoAnswerError(f"can't reach DNS server {server}: {exc}{hint}") from exc
    except WireError as exc:
        text = f"DNS server {server} sent an unusable response: {exc}"
        raise TempError(text, outside=f"unusable response from DNS: {exc}") from exc
    if response.error is not None and response.rcode not in (NOERROR, NXDOMAIN):
        raise _failed(server, response.error)
    if response.rcode not in (NOERROR, NXDOMAIN):
        code = CODES.get(response.rcode, response.rcode)
        raise TempError(f"DNS server {server} returned an error: {code}", outside=f"DNS returned an error: {code}")
    if response.lame or response.truncated:
        raise TempError(f"DNS server {server} refused recursion", outside="no response from DNS")
    return response


async def _over_udp(question: bytes, sock: socket.socket) -> bytes:
    """The first datagram that is a response to a question; others are ignored (AUTH-6)."""
    await trio.lowlevel.checkpoint_if_cancelled()
    sock.send(question)
    while True:
        await trio.lowlevel.wait_readable(sock)
        try:
            data = sock.recv(MAX_DATAGRAM)
        except BlockingIOError:  # its checksum was wrong
            continue
        if is_response(question, data):
            return data


async def _over_tcp(question: bytes, server: IPAddress, port: int) -> bytes:
    """Ask over a new TCP connection, where each message has a prefix of two octets with its length (RFC 1035 §4.2.2).

    Returns the response. Raises OSError, EOFError, trio.BrokenResourceError: the connection ended; WireError: the
    message answers another question.
    """
    with trio.socket.socket(_family(server), socket.SOCK_STREAM) as sock:
        await sock.connect((str(server), port))
        stream = trio.SocketStream(sock)
        await stream.send_all(len(question).to_bytes(2) + question)
        data = bytearray()
        while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2]):
            if not (more := await stream.receive_some()):
                raise EOFError("the connection was closed")
            data += more
    response = bytes(data[2 : 2 + int.from_bytes(data[:2])])
    if not is_response(question, response):
        raise WireError("response doesn't match the query")
    return response


def _family(server: IPAddress) -> socket.AddressFamily:
    return socket.AF_INET if server.version == 4 else socket.AF_INET6


def _failed(server: IPAddress, error: ExtendedError) -> TempError:
    name = ERROR_NAMES[error.code] if error.code < len(ERROR_NAMES) else "unassigned"
    text = (error.text or name).lower().replace(" ", "-").replace("_", "-")
    shown = f"dns-extended-error-{error.code}-{text}"
    dnssec = error.code in DNSSEC_CODES
    return TempError(
        f"DNS server {server} failed: {shown}", code=error.code, dnssec=dnssec, outside=f"DNS failed: {shown}"
    )
