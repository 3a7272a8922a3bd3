"""Choice of the transport: the message's own, else the one of the first matching route (QUEUE-30, QUEUE-31). Pure."""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
import trio

from moxlite.config.domains import DomainConfig, Route
from moxlite.config.snapshot import NotLocal, Snapshot
from moxlite.config.transports import Transport
from moxlite.net.addresses import is_internal
from moxlite.net.dial import (
    CONNECT_SECONDS,
    INNER,
    TIMEOUT,
    Dial,
    Dialed,
    DialError,
    LocalAddresses,
    SocksError,
    connect_through_socks,
)
from moxlite.net.limits import IPAddress
from moxlite.proto.address import AddressError, Domain
from moxlite.proto.smtp.errors import SMTPError
from moxlite.queue import metrics
from moxlite.queue.context import Context
from moxlite.queue.data.rows import Message
from moxlite.queue.hosts.hosts import addresses_of
from moxlite.store.mail.links import LINKED


class AttemptRoute(msgspec.Struct, frozen=True):
    """The kind and transport of an attempt.

    Attributes:
      kind: ``nowhere``: no attempt, because of `error`; ``loopback``: to the listener of localserve; ``relay``: to a
        smarthost; ``link``: to the submission server of a linked mailbox; ``local``: to an account of this server;
        ``direct``: to the hosts of the recipient's domain.
      name: name of the transport, "" without one.
      transport: its settings; None for the default.
    """

    kind: Literal["nowhere", "loopback", "relay", "link", "local", "direct"]
    name: str = ""
    transport: Transport | None = None
    error: SMTPError | None = None


def course_of(snapshot: Snapshot, message: Message, attempts: int, *, localserve: bool) -> AttemptRoute:
    """Choose the course of the attempt after `attempts` others."""
    if sender_domain_disabled(snapshot, message):
        return _nowhere("", False, 0, "4.7.0", "sender's domain is temporarily disabled")
    name, transport = choose_transport(snapshot, message, attempts)
    if name.startswith(LINKED):
        return AttemptRoute("loopback" if localserve else "link", name)
    if name and transport is None:
        return _nowhere(name, False, 0, "4.3.5", f"transport {name} doesn't exist")
    if transport is not None and (failure := transport.fail) is not None:
        code = failure.smtp_code
        return _nowhere(name, code >= 500, code, f"{code // 100}.7.0", failure.smtp_message)
    if localserve:
        return AttemptRoute("loopback", name, transport)
    if transport is not None and (transport.smtp or transport.submission or transport.submissions):
        return AttemptRoute("relay", name, transport)
    if transport is not None and transport != Transport():
        return AttemptRoute("direct", name, transport)
    if not name and not isinstance(snapshot.lookup(message.recipient), NotLocal):
        return AttemptRoute("local")
    return AttemptRoute("direct", name)


def _nowhere(name: str, permanent: bool, code: int, ecode: str, text: str) -> AttemptRoute:
    return AttemptRoute("nowhere", name, error=SMTPError(permanent, code, ecode, "route", text))


def _matches(patterns: Sequence[str], domain: str) -> bool:
    """Whether a domain (lower-case U-labels) is in the list. An empty list matches all domains, ``.example.org`` also
    subdomains.
    """
    if not patterns:
        return True
    for pattern in patterns:
        bare = pattern.removeprefix(".")
        if domain == bare or (bare != pattern and domain.endswith(pattern)):
            return True
    return False


def matching_route(
    routes: Sequence[Route], sender_domain: str, recipient_domain: str, attempts: int, *, blocked: bool = False
) -> Route | None:
    """The first route for a message after `attempts` attempts; with `blocked` among the routes for blocked messages
    (``after: blocked``), else among the others.
    """
    for route in routes:
        if (
            (route.after == "blocked") is blocked
            and attempts >= route.minimum_attempts
            and _matches(route.from_domain, sender_domain)
            and _matches(route.to_domain, recipient_domain)
        ):
            return route
    return None


def choose_transport(snapshot: Snapshot, message: Message, attempts: int) -> tuple[str, Transport | None]:
    """Name and settings of the transport for the attempt after `attempts` others; an empty name is direct delivery.

    Our reports ignore routes without `from_domain`: a smarthost may reject reports or break their signatures. Only a
    route that names the reports' domain in `from_domain`, or a transport set for the message, applies to them
    (QUEUE-125).

    A name with None: that transport does not exist.
    """
    name = message.transport or _route(snapshot, message, attempts)
    return name, snapshot.static.transports.get(name) if name else None


def way_round(snapshot: Snapshot, message: Message) -> str:
    """The transport for a message that was refused because our address is blocked (QUEUE-184); "" for none."""
    return _route(snapshot, message, message.attempts, blocked=True)


def _route(snapshot: Snapshot, message: Message, attempts: int, *, blocked: bool = False) -> str:
    """The transport of the first route, "" for none."""
    for routes in _routes(snapshot, message):
        if message.is_tls_report or message.is_dmarc_report:
            routes = tuple(route for route in routes if route.from_domain)
        route = matching_route(routes, message.sender_domain, message.rcpt_domain, attempts, blocked=blocked)
        if route is not None:
            return route.transport
    return ""


def _routes(snapshot: Snapshot, message: Message) -> Iterator[Sequence[Route]]:
    """Yield the routes of the account, then of the sender's domain, then the global ones."""
    if (account := snapshot.account(message.account)) is not None:
        yield account.routes
    if (domain := _own_domain(snapshot, message.sender_domain)) is not None:
        yield domain.routes
    yield snapshot.domains.routes


def _own_domain(snapshot: Snapshot, name: str) -> DomainConfig | None:
    try:
        return snapshot.domain(Domain.parse(name)) if name else None
    except AddressError:
        return None


def sender_domain_disabled(snapshot: Snapshot, message: Message) -> bool:
    """Whether mail of this sender must wait, because the sender's domain is disabled (QUEUE-17)."""
    domain = _own_domain(snapshot, message.sender_domain)
    return domain is not None and domain.disabled


# Connecting to hosts, as the transports of direct delivery do, and our name in EHLO (QUEUE-32).


class ConnectOptions(msgspec.Struct, frozen=True):
    """Settings for connecting to hosts: address family (None: both), function that connects, and our name in EHLO.
    ``avoid_ipv6``: use IPv6 only for hosts without an IPv4 address.
    """

    ehlo_name: str
    dial: Dial
    family: Literal[4, 6] | None = None
    avoid_ipv6: bool = False


def direct_way(ctx: Context, transport: Transport | None) -> ConnectOptions:
    """The `ConnectOptions` of a transport of direct delivery, or the default one without a transport."""
    own_name = ctx.config.current.static.hostname.ascii
    if transport is not None and (socks := transport.socks) is not None:
        return ConnectOptions(socks.remote_hostname.ascii, SocksDial(ctx, socks.address))
    if transport is not None and (direct := transport.direct) is not None:
        if direct.disable_ipv4:
            return ConnectOptions(own_name, ctx.dial, 6)
        if direct.disable_ipv6:
            return ConnectOptions(own_name, ctx.dial, 4)
    return ConnectOptions(own_name, ctx.dial, avoid_ipv6=not ctx.ipv6.good)


class NotConnected(SMTPError):
    """No address of the host takes a connection."""

    def __init__(self, text: str) -> None:
        super().__init__(False, 0, "4.4.1", "connect", text)


async def connect(
    dial: Dial,
    addresses: Sequence[IPAddress],
    port: int,
    *,
    inside: bool,
    local: LocalAddresses | None = None,
    seconds: float = CONNECT_SECONDS,
) -> Dialed:
    """Connect to the first address that answers, within `seconds`, and count the result. `inside`: addresses of the
    internal network are allowed (QUEUE-152). Raises NotConnected; SMTPError if a proxy cannot be found.
    """
    result = "canceled"
    try:
        dialed = await dial(addresses, port, inside=inside, local=local, seconds=seconds)
        result = "ok"
    except DialError as exc:
        result = "timeout" if exc.failures and all(text == TIMEOUT for _, text in exc.failures) else "error"
        raise NotConnected(str(exc)) from exc
    except SMTPError:
        result = "error"
        raise
    finally:
        metrics.connections.labels(result=result).inc()
    return dialed


class SocksDial:
    """Connects through a SOCKS5 proxy, with a new connection to the proxy for each address."""

    def __init__(self, ctx: Context, address: str) -> None:
        self._ctx = ctx
        host, _, port = address.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)

    async def __call__(
        self,
        addresses: Sequence[IPAddress],
        port: int,
        *,
        inside: bool,
        local: LocalAddresses | None = None,
        seconds: float = CONNECT_SECONDS,
    ) -> Dialed:
        """As `net.dial.dial`; the local addresses are used for the connection to the proxy. Raises DialError, or
        NoHosts for the proxy.
        """
        proxies = await self._proxies()
        failures: list[tuple[IPAddress, str]] = []
        end = trio.current_time() + seconds
        for index, ip in enumerate(addresses):
            if not inside and is_internal(ip):  # the proxy may be in our network
                failures.append((ip, INNER))
                continue
            # An address that hangs must not use up the time of those behind it: what is left is shared equally.
            share = max(0.0, end - trio.current_time()) / (len(addresses) - index)
            next_one = trio.current_time() + share
            dialed = await self._ctx.dial(proxies, self._port, inside=True, local=local, seconds=share)
            try:
                with trio.fail_at(next_one):
                    await connect_through_socks(dialed.stream, ip, port)
            except trio.TooSlowError:
                failures.append((ip, TIMEOUT))
            except (SocksError, trio.BrokenResourceError) as exc:
                failures.append((ip, str(exc) or "lost connection to the proxy"))
            else:
                return Dialed(dialed.stream, ip)
            await trio.aclose_forcefully(dialed.stream)
        raise DialError(failures)

    async def _proxies(self) -> Sequence[IPAddress]:
        addresses = await addresses_of(self._host, self._ctx.resolver, self._ctx.random, configured=True)
        return addresses.ips
