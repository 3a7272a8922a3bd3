"""Admission of connections on all ports, decided before the TLS handshake (SMTP-135, IMAP-15, WEB-14, ADMIN-39b).

Each connection passes two checks.

`Admission`: does the server have a free seat? All ports share a number of seats, from the budget of descriptors. When
all seats are taken, the connection that has been silent for longest is closed, if its client has not logged in and is
not sending a message. If there is no such connection, the new one is closed.

`Gate`: may the client's network open one more connection? Each protocol has its own limits. In addition a network has
at most a share of all seats, over all protocols.

A session reports to its `Seat` why its connection should stay open: `touch` for each command, `known` once the client
has logged in, `busy` while it sends a message.
"""

import enum
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import TracebackType
from typing import Final

import msgspec
import trio

from moxlite.ledger import visit
from moxlite.net import metrics
from moxlite.net.limits import IPAddress, IPNetwork, OpenConnections, RateLimiter, ip_classes, is_exempt, network_of

logger = logging.getLogger("moxlite.net.admission")

MAX_SEATS: Final = 10_000
"""Connections at a time, however many descriptors there are: silent ones weigh some 30 KB each, with TLS 100 KB."""

MAX_LEAVING: Final = 64
"""Connections that were cancelled and have not ended yet. Beyond this number new connections are closed at once, so
that an attack cannot open connections faster than they are closed.
"""

NETWORK_SHARES: Final = (8, 4, 2)
"""Shares of all seats, as divisors: an eighth for one address, a quarter for its network, half for a provider's
customer (`net.limits.ip_classes`).
"""

TELL_SECONDS: Final = 60.0
"""Seconds between two log lines about refusals or closings, each with their number, so that an attack does not fill the
log.
"""


class Refusal(enum.Enum):
    """Why a connection is not served; the values are a label of metrics."""

    RATE = "rate"
    """Its network opens too many."""
    OPEN = "open"
    """Its network has too many open."""
    FULL = "full"
    """The server has too many open, none of which may be closed."""


def visit_from(remote: IPAddress) -> None:
    """Count for a client's network what the calling task takes of the ledger, until it acts for an account."""
    visit(_network_name(remote))


@lru_cache(256)  # a client on a kept connection asks again and again
def _network_name(remote: IPAddress) -> str:
    return str(network_of(ip_classes(remote)[0]))


class RateLimitedLog:
    """Rate-limited log line for a frequent event: logged the first time, then at most once a minute with the number of
    events since.
    """

    __slots__ = ("_clock", "_count", "_log", "_next", "_text")

    def __init__(
        self, text: str, log: Callable[..., None] = logger.warning, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._text = text
        self._log = log
        self._clock = clock
        self._count = 0
        self._next = -1.0

    def add(self, **facts: object) -> None:
        """Count one event; `facts` describe it."""
        self._count += 1
        now = self._clock()
        if now >= self._next:
            self._log(self._text, extra={"kv": facts | {"count": self._count}})
            self._count, self._next = 0, now + TELL_SECONDS


class Gate:
    """The limits of one protocol, over all its ports.

    Args:
      rate: new connections; None: no limit.
      at_once: open connections.
      proxies: networks whose connections carry many clients, so that limits per network do not apply (WEB-14).
    """

    __slots__ = ("at_once", "proxies", "rate")

    def __init__(
        self, rate: RateLimiter | None, at_once: OpenConnections, *, proxies: Sequence[IPNetwork] = ()
    ) -> None:
        self.rate = rate
        self.at_once = at_once
        self.proxies = tuple(proxies)


class Seat:
    """The place of one connection among all connections. Without an `Admission` (a pipe within the process) it is never
    taken away.

    Attributes:
      scope: everything done for the connection; cancelled to close it.
    """

    __slots__ = ("_admission", "_busy", "_entered", "_known", "_remote", "scope")

    def __init__(self, admission: "Admission | None" = None) -> None:
        self.scope = trio.CancelScope()
        self._admission = admission
        self._entered: dict[Gate, Refusal | None] = {}
        self._remote: IPAddress | None = None
        self._known = False
        self._busy = False

    def enter(self, gate: Gate, remote: IPAddress) -> Refusal | None:
        """Count the connection for `remote` and its networks. Returns the reason if it may not be served. A gate is
        entered once: the listener enters it, and the session asks again for the result. It counts until `leave`.
        """
        if gate not in self._entered:
            self._entered[gate] = refusal = self._count(gate, remote)
            if refusal is not None:
                _refuse(refusal, remote)
        return self._entered[gate]

    def _count(self, gate: Gate, remote: IPAddress) -> Refusal | None:
        if is_exempt(remote, gate.proxies):
            return None
        # The rate first: it must also count the connections that the limits below refuse, or a network that has reached
        # them could knock without end.
        if gate.rate is not None and not gate.rate.add(remote):
            return Refusal.RATE
        admission = self._admission
        if admission is not None and self._remote is None:
            if not admission.networks.acquire(remote):
                return Refusal.OPEN
            self._remote = remote
        return None if gate.at_once.acquire(remote) else Refusal.OPEN

    def leave(self, remote: IPAddress) -> None:
        """Stop counting the connection at its gates: it is closed. Idempotent."""
        for gate, refusal in self._entered.items():
            if refusal is None and not is_exempt(remote, gate.proxies):
                gate.at_once.release(remote)
        self._entered.clear()
        if self._remote is not None and self._admission is not None:
            self._admission.networks.release(self._remote)
            self._remote = None

    def touch(self) -> None:
        """Note that the client has sent a whole command or request."""
        if self._admission is not None:
            self._admission.touch(self)

    @property
    def known(self) -> bool:
        """Whether the client has logged in."""
        return self._known

    @known.setter
    def known(self, known: bool) -> None:
        self._known = known
        self._settle()

    @property
    def busy(self) -> bool:
        """Whether a message is being received, or a requested response is being sent."""
        return self._busy

    @busy.setter
    def busy(self, busy: bool) -> None:
        self._busy = busy
        self._settle()

    def _settle(self) -> None:
        if self._admission is not None:
            self._admission.settle(self, stays=self._known or self._busy)


class Admission:
    """The seats of all ports.

    Args:
      seats: how many there are.
      highest: the number of a descriptor from which on the table is nearly full: the system gives the lowest free one,
        so that all below are in use. None where descriptors have no such numbers.
      exempt: networks without a share.
    """

    def __init__(self, seats: int, *, highest: int | None = None, exempt: Sequence[IPNetwork] = ()) -> None:
        one, near, far = NETWORK_SHARES
        self.seats = seats
        self.networks = OpenConnections((seats // one, seats // near, seats // far), exempt=exempt)
        self._highest = highest
        self._all: set[Seat] = set()
        self._idle: OrderedDict[Seat, None] = OrderedDict()
        """Connections that may be closed, the one silent for longest first."""
        self._leaving: set[Seat] = set()
        self._closed = RateLimitedLog("connections closed to make room for new ones")

    def take(self, descriptor: int = -1) -> Seat | None:
        """Return a seat for a new connection with this descriptor; None if no seat is free, so that it must be
        closed.
        """
        if len(self._all) - len(self._leaving) >= self.seats and not self.make_room():
            _refuse(Refusal.FULL, None)
            return None
        if self._highest is not None and descriptor >= self._highest and not self.make_room():
            _refuse(Refusal.FULL, None)
            return None
        seat = Seat(self)
        self._all.add(seat)
        self._idle[seat] = None
        return seat

    def give_back(self, seat: Seat) -> None:
        """Free the seat of a connection that has ended."""
        self._all.discard(seat)
        self._idle.pop(seat, None)
        self._leaving.discard(seat)

    def make_room(self) -> bool:
        """Close the connection that has been silent for longest among those that may be closed. False if no connection
        may be closed, or many are being closed already.
        """
        if not self._idle or len(self._leaving) >= MAX_LEAVING:
            return False
        # Never one whose client has logged in, or is in the middle of a message: strangers who open connections must
        # not be able to throw users out, nor have mail cut off that its sender would send again and again.
        seat, _ = self._idle.popitem(last=False)
        self._leaving.add(seat)
        seat.scope.cancel()
        metrics.connections_closed.inc()
        self._closed.add(open=len(self._all))
        return True

    def touch(self, seat: Seat) -> None:
        """Note that the client has just sent something."""
        if seat in self._idle:
            self._idle.move_to_end(seat)

    def settle(self, seat: Seat, *, stays: bool) -> None:
        """Set whether the connection must not be closed to free a seat."""
        if stays:
            self._idle.pop(seat, None)
        elif seat in self._all and seat not in self._leaving:
            self._idle[seat] = None


_REFUSED: Final = {reason: RateLimitedLog("connections refused") for reason in Refusal}


def _refuse(reason: Refusal, remote: IPAddress | None) -> None:
    metrics.connections_refused.labels(reason=reason.value).inc()
    _REFUSED[reason].add(reason=reason.value, remote=remote or "")


# The facts of a connection that a session gets, and the guard that stops an unexpected exception (architecture §5).


LOST: Final = (trio.BrokenResourceError,)
"""Exceptions that mean that the peer closed the connection; not an error of the server."""


class Shutdown:
    """Whether the server wants to stop: an event, for which a session needs no task that waits for it."""

    __slots__ = ("_event", "_functions")

    def __init__(self) -> None:
        self._event = trio.Event()
        self._functions: dict[object, Callable[[], None]] = {}

    def is_set(self) -> bool:
        """Whether the shutdown has begun."""
        return self._event.is_set()

    def set(self) -> None:
        """Begin the shutdown, and call the functions of all blocks of `tell`. Idempotent."""
        self._event.set()
        functions, self._functions = self._functions, {}
        for function in functions.values():
            function()

    async def wait(self) -> None:
        """Wait for its begin."""
        await self._event.wait()

    @contextmanager
    def tell(self, function: Callable[[], None]) -> Iterator[None]:
        """Call a function when the shutdown begins within the block, or has begun before it. It must not raise."""
        if self._event.is_set():
            function()
            yield
            return
        key = object()
        self._functions[key] = function
        try:
            yield
        finally:
            self._functions.pop(key, None)


class TLSFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Result of a TLS handshake.

    ``version`` as OpenSSL names it (``TLSv1.3``); ``cipher`` likewise; ``server_name`` is the SNI (A-label form,
    lower case) or None; ``alpn`` the chosen protocol or None; ``peer_key`` the SHA-256 of the SubjectPublicKeyInfo of
    the peer's certificate, None without one: possession of that key is proven, nothing else about the certificate is
    checked. ``group`` is the group of the key exchange as OpenSSL names it (``X25519MLKEM768``, which is post-quantum),
    "" if a resumed session had no new key exchange.
    """

    version: str
    cipher: str
    server_name: str | None = None
    alpn: str | None = None
    peer_key: bytes | None = None
    resumed: bool = False
    group: str = ""

    @property
    def suite(self) -> str:
        """Cipher and group, for people."""
        return f"{self.cipher} {self.group}".strip()


class ConnectionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted connection.

    ``remote`` is the client (behind PROXY protocol: what the proxy said), ``local`` the address that it reached.
    ``local_port`` is ours, also behind a proxy, whose port may be another. ``listener`` is the configured name.
    ``shutdown`` is set when the server wants to stop: a session says good-bye at its next chance. ``tls`` is None
    without TLS. ``seat`` is its place among all connections; the session reports its activity there.
    ``trusted_local``: the server itself is the client, over a pipe in the process (QUEUE-36), so there are no network
    checks; ``transaction_key`` then identifies the message, so that no account stores it twice (STORE-189), and
    ``submitter`` is the account whose user submitted it, "" for mail that was sent on, or that the server made.
    """

    cid: int
    remote: IPAddress
    remote_port: int
    local: IPAddress
    local_port: int
    listener: str
    shutdown: Shutdown
    tls: TLSFacts | None = None
    seat: Seat = msgspec.field(default_factory=Seat)
    trusted_local: bool = False
    transaction_key: bytes = b""
    submitter: str = ""

    def with_tls(self, facts: TLSFacts) -> "ConnectionInfo":
        """The same connection after its TLS handshake."""
        return msgspec.structs.replace(self, tls=facts)

    def behind(self, remote: IPAddress, remote_port: int, local: IPAddress) -> "ConnectionInfo":
        """The same connection with the real addresses of client and server, as the proxy sent them (SMTP-18)."""
        return msgspec.structs.replace(self, remote=remote, remote_port=remote_port, local=local)


class guard:  # noqa: N801 reads as a statement: `with guard("smtpd"):`
    """Keeps an unexpected exception of one connection or task from ending the server.

    It is logged with its traceback, counted in ``moxlite_panic_total{pkg}``, and goes no further. A connection that the
    peer broke is no panic. A MemoryError, which its peer may have caused, ends the connection alone. Cancellation and
    exits pass through, also from within a group; the opener of the connection closes it.
    """

    def __init__(self, pkg: str) -> None:
        self._pkg = pkg

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if isinstance(exc, Exception):  # the one place where a connection's crash ends
            _report(self._pkg, exc)
            return True
        if isinstance(exc, BaseExceptionGroup):
            crashes, rest = exc.split(Exception)
            if crashes is not None:
                _report(self._pkg, crashes)
            if rest is not None:
                raise rest from None
            return True
        return False


def _report(pkg: str, exc: BaseException) -> None:
    log = logging.getLogger(f"moxlite.{pkg}")
    group = exc if isinstance(exc, BaseExceptionGroup) else BaseExceptionGroup("", [exc])
    if group.split(LOST)[1] is None:
        log.debug("connection lost", extra={"kv": {"err": exc}})
        return
    metrics.panics.labels(pkg=pkg).inc()
    log.error("unexpected error, closing connection or task", exc_info=exc)
