"""Delivery to the hosts of the recipient's domain (QUEUE-40..49), with TLS where a host offers it (QUEUE-53)."""

import logging
from collections.abc import Sequence
from functools import partial
from ipaddress import ip_address
from typing import Final, Literal

import msgspec
import trio

from moxlite.config.transports import Transport
from moxlite.net.dial import CONNECT_SECONDS, Dialed, DialError, LocalAddresses
from moxlite.net.limits import IPAddress
from moxlite.net.smtpclient import HandshakeFailed, SMTPClient
from moxlite.net.socks import SocksError, connect_through_socks
from moxlite.net.tls import ClientTLS
from moxlite.proto.address import Domain
from moxlite.proto.smtp.conversation import TLSMode
from moxlite.proto.smtp.errors import SMTPError, SMTPUTF8Missing, TLSRefused
from moxlite.queue import metrics
from moxlite.queue.context import Context, Dial
from moxlite.queue.hosts import Hosts, addresses_of, hosts_of
from moxlite.queue.session import Batch, Outcomes, Trace, converse

__all__ = ["SocksDial", "Way", "deliver_direct", "direct_way"]

logger = logging.getLogger("moxlite.queue.direct")

PORT: Final = 25


class Way(msgspec.Struct, frozen=True):
    """How hosts are connected to: over which address family (None: both), through what, and what we call ourselves."""

    ehlo_name: str
    dial: Dial
    family: Literal[4, 6] | None = None


def direct_way(ctx: Context, transport: Transport | None) -> Way:
    """The way of a transport of direct delivery, or without one the usual way."""
    own_name = ctx.config().static.hostname.ascii
    if transport is not None and (socks := transport.socks) is not None:
        return Way(socks.remote_hostname.ascii, SocksDial(ctx, socks.address))
    if transport is not None and (direct := transport.direct) is not None:
        if direct.disable_ipv4:
            return Way(own_name, ctx.dial, 6)
        if direct.disable_ipv6:
            return Way(own_name, ctx.dial, 4)
    return Way(own_name, ctx.dial)


class SocksDial:
    """Connects through a SOCKS5 proxy, which is connected to anew for each address."""

    def __init__(self, ctx: Context, address: str) -> None:
        self._ctx = ctx
        host, _, port = address.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)

    async def __call__(
        self, addresses: Sequence[IPAddress], port: int, *, local: LocalAddresses | None = None
    ) -> Dialed:
        """As `net.dial.dial`; the local addresses are those towards the proxy. Raises DialError, or NoHosts for the
        proxy.
        """
        proxies = await self._proxies()
        failures: list[tuple[IPAddress, str]] = []
        end = trio.current_time() + CONNECT_SECONDS
        for index, ip in enumerate(addresses):
            dialed = await self._ctx.dial(proxies, self._port, local=local)
            try:
                with trio.fail_after(max(0.0, end - trio.current_time()) / (len(addresses) - index)):
                    await connect_through_socks(dialed.stream, ip, port)
            except trio.TooSlowError:
                failures.append((ip, "timeout"))
            except (SocksError, trio.BrokenResourceError) as exc:
                failures.append((ip, str(exc) or "connection to the proxy broke"))
            else:
                return Dialed(dialed.stream, ip)
            await trio.aclose_forcefully(dialed.stream)
        raise DialError(failures)

    async def _proxies(self) -> list[IPAddress]:
        try:
            return [ip_address(self._host)]
        except ValueError:
            return await addresses_of(self._host, self._ctx.resolver, self._ctx.random, allow_private=True)


async def deliver_direct(ctx: Context, batch: Batch, trace: Trace, way: Way) -> Outcomes:
    """Deliver a batch to the first host that takes it. Raises SMTPError when no host can be found.

    Recipients that one host puts off are tried at the next, unless it may have taken the message already: then they
    wait, for twice is worse than late.
    """
    if batch.first.require_tls is True:
        # RFC 8689 §4.2.1: the host must be vouched for by DANE or MTA-STS, and no such policy is known here.
        raise SMTPError(True, 554, "5.7.30", "connect", "no policy of the recipient's domain assures verified TLS")
    recipient = batch.first.recipient
    if isinstance(recipient.host, Domain):
        hosts = await hosts_of(recipient.host, ctx.resolver, ctx.random, ctx.config().derived.hostnames)
    else:
        hosts = Hosts((str(recipient.host),), authentic=False)
    outcomes: Outcomes = {}
    pending = batch
    for name in hosts.names:
        answers: Outcomes
        try:
            answers = await _try_host(ctx, pending, trace, name, way, implicit=hosts.implicit)
        except SMTPError as exc:
            logger.info("host failed", extra={"kv": {"err": exc, "host": name, "domain": recipient.host}})
            answers = {message.id: exc for message in pending.messages}
            answers |= trace.settled
        outcomes.update(answers)
        left = tuple(message for message in pending.messages if _try_elsewhere(answers.get(message.id)))
        if not left or trace.sent_all:
            break
        pending = Batch(left, batch.octets)
    return {message_id: _final(error) for message_id, error in outcomes.items()}


def _try_elsewhere(error: SMTPError | None) -> bool:
    return error is not None and not error.permanent


def _final(error: SMTPError | None) -> SMTPError | None:
    """All hosts were asked: what each of them lacks will not come by waiting (QUEUE-64)."""
    if isinstance(error, SMTPUTF8Missing):
        return SMTPError(True, 0, "5.6.7", "mail", error.line)
    return error


async def _try_host(ctx: Context, batch: Batch, trace: Trace, name: str, way: Way, *, implicit: bool) -> Outcomes:
    """Deliver to one host, again without TLS where its TLS fails. Raises SMTPError."""
    trace.host, trace.ip, trace.tls = name, "", ""
    addresses = await _addresses(ctx, batch, name, way.family, implicit=implicit)
    judge = partial(_maybe_blocked, batch=batch, addresses=addresses)
    for mode in (TLSMode.OPPORTUNISTIC, TLSMode.SKIP):
        trace.tls_mode = mode.value
        dialed = await _connect(ctx, way, addresses, trace, name)
        client = SMTPClient(
            dialed.stream,
            way.ehlo_name,
            tls_mode=mode,
            tls=ClientTLS(),
            server_name=name if isinstance(batch.first.recipient.host, Domain) else None,
        )
        try:
            return await converse(client, batch, trace, judge=judge)
        except (HandshakeFailed, TLSRefused) as exc:
            if mode is TLSMode.SKIP or batch.first.is_dmarc_report:
                raise
            metrics.plaintext_fallbacks.inc()
            logger.info("tls failed, trying again in clear", extra={"kv": {"err": exc, "host": name}})
            continue
    raise AssertionError("the second round returns or raises")


async def _addresses(
    ctx: Context, batch: Batch, name: str, family: Literal[4, 6] | None, *, implicit: bool
) -> list[IPAddress]:
    host = batch.first.recipient.host
    if host is not None and not isinstance(host, Domain):  # an address literal: only that one (QUEUE-40)
        return [host]
    return await addresses_of(
        name,
        ctx.resolver,
        ctx.random,
        family=family,
        dialed=batch.first.dialed_ips.get(name, ()),
        allow_private=ctx.config().static.allow_private_mx,
        implicit=implicit and family is None,
    )


async def _connect(ctx: Context, way: Way, addresses: list[IPAddress], trace: Trace, name: str) -> Dialed:
    try:
        dialed = await way.dial(addresses, PORT, local=ctx.local_addresses)
    except DialError as exc:
        metrics.connections.labels(result="error").inc()
        raise SMTPError(False, 0, "4.4.1", "connect", str(exc)) from exc
    metrics.connections.labels(result="ok").inc()
    trace.ip = str(dialed.ip)
    trace.dialed.append((name, trace.ip))
    return dialed


def _maybe_blocked(error: SMTPError, batch: Batch, addresses: list[IPAddress]) -> SMTPError:
    """QUEUE-49: a refusal by policy at the first attempt may mean our address of this family; the next attempt uses
    the other one.
    """
    if not error.permanent or not error.ecode.startswith("5.7."):
        return error
    both = len({ip.version for ip in addresses}) == 2
    if batch.first.attempts > 1 or not both:
        return error
    return SMTPError(False, error.code, error.ecode, error.command, error.line, error.more_lines)
