"""Delivery to one host of the recipients' domain: its TLS policy, a new connection or a free one of another domain, and
the session (QUEUE-46..56, QUEUE-165).
"""

import logging
from collections.abc import AsyncIterator, Hashable, Sequence
from functools import partial
from typing import Final

import msgspec
import trio

from moxlite.mailauth import dane
from moxlite.net.addresses import is_internal
from moxlite.net.dial import CONNECT_SECONDS, Dialed
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import Answer, DNSError, TempError
from moxlite.net.smtpclient import CertificateRejected, HandshakeFailed, SMTPClient
from moxlite.net.tls.handshake import ClientTLS
from moxlite.net.tls.stream import TLSStream
from moxlite.proto.address import Domain
from moxlite.proto.smtp.conversation import TLSMode
from moxlite.proto.smtp.errors import ConnectionLost, RequireTLSMissing, SMTPError, TLSRefused
from moxlite.queue import metrics
from moxlite.queue.context import Context
from moxlite.queue.data.rows import Message
from moxlite.queue.hosts.hosts import LOOKUP_SECONDS, Addresses, Hosts, NoHosts, addresses_of
from moxlite.queue.hosts.load import OpenConnection
from moxlite.queue.sending.routing import ConnectOptions, NotConnected, connect
from moxlite.queue.sending.session import (
    Batch,
    Outcomes,
    Trace,
    converse,
    cut_short,
    goes_well,
    run_transactions,
    session_seconds,
)
from moxlite.queue.tls.hostpolicy import CertificateCheck, HostPolicy, decide, look_at
from moxlite.queue.tls.policies import EffectivePolicy
from moxlite.queue.tls.results import Failure, ResultType, of_handshake
from moxlite.store.content.spool import Spool

logger = logging.getLogger("moxlite.queue.sending.onehost")

PORT: Final = 25
"""Port of all direct delivery: MX records name hosts alone (RFC 5321 §5.1)."""

MAX_TRANSACTIONS: Final = 100
"""Maximum number of SMTP transactions over one connection (QUEUE-165)."""


class Destination(msgspec.Struct, frozen=True):
    """Hosts and MTA-STS policy of a recipient domain. `domain`: None for an address literal."""

    domain: Domain | None
    hosts: Hosts
    standing: EffectivePolicy


class Host(msgspec.Struct, frozen=True):
    """A host and how to connect to it. `addresses`: empty before the look-up, which an open connection does not need.
    `seconds`: deadline for connecting.
    """

    name: str
    way: ConnectOptions
    policy: HostPolicy
    addresses: tuple[IPAddress, ...] = ()
    seconds: float = CONNECT_SECONDS

    @property
    def key(self) -> tuple[str, int | None, str]:
        """Key of the host in `Context.load`; a host has another key for another EHLO name or address family."""
        return self.way.ehlo_name, self.way.family, self.name


class UnverifiedTLS(SMTPError):
    """The message demands REQUIRETLS, and no policy assures verified TLS with this host (QUEUE-55)."""

    def __init__(self, text: str) -> None:
        super().__init__(False, 0, "5.7.30", "connect", text)


async def try_host(
    ctx: Context, batch: Batch, trace: Trace, name: str, way: ConnectOptions, destination: Destination
) -> Outcomes:
    """Deliver to one host: over a free open connection, else over a new one; again without TLS if TLS fails and no
    policy forbids it. Raises SMTPError; HostUnavailable if the host is busy or paused.
    """
    if trace.left_open is not None:  # of the previous host, which did not take all messages
        before, trace.left_open = trace.left_open, None
        await ctx.load.hang_up(before)
    trace.at.host, trace.at.ip, trace.at.tls, trace.at.tls_words, trace.at.greeted = name, "", "", "", False
    found: tuple[Addresses, float] | None = None
    if destination.domain is not None and destination.hosts.authentic:  # DANE depends on them
        found = await addresses_for(ctx, batch.first, name, way, destination)
    policy = await _policy(ctx, batch, name, found[0] if found else None, destination, trace)
    if policy.refusal is not None:
        if not policy.refusal.vouched:
            metrics.requiretls_unsupported.labels(reason="nopolicy").inc()
            raise UnverifiedTLS(policy.refusal.text)
        raise SMTPError(False, 0, "4.7.5", "connect", policy.refusal.text)
    await ctx.trust.ready()
    host = Host(name, way, policy)
    done: Outcomes = {}
    while (free := ctx.load.take(host.key, ctx.clock(), partial(_fits, ctx, host))) is not None:
        answers = await _go_on(ctx, batch, trace, host, free)
        if trace.sent_all:
            return done | answers
        left = tuple(message for message in batch.messages if cut_short(answers.get(message.id)))
        done |= {one: error for one, error in answers.items() if not cut_short(error)}
        if not left:
            return done
        batch = batch.of(left)  # the host has closed the connection; a new one may work
    addresses, seconds = found or await addresses_for(ctx, batch.first, name, way, destination)
    host = msgspec.structs.replace(host, addresses=addresses.ips, seconds=CONNECT_SECONDS - seconds)
    return done | await _try_anew(ctx, batch, trace, host)


class HostCheck(msgspec.Struct, frozen=True):
    """Result of a test connection without a message.

    It has the host's address, greeting, keywords of its last reply to EHLO, TLS version and cipher, and the satisfied
    policies ("" without TLS). `error`: why no message would have been sent.
    """

    ip: str
    greeting: str
    keywords: tuple[str, ...]
    tls: str
    policies: str
    error: SMTPError | None


async def visit(ctx: Context, message: Message, host: Host) -> HostCheck:
    """Connect to a host as for this message: EHLO, STARTTLS and the check of its certificate, then QUIT."""
    await ctx.trust.ready()
    trace = Trace(_nothing_to_keep)
    error = None
    try:
        await _try_anew(ctx, Batch((message,), _nothing, _no_spool, visit=True), trace, host)
    except SMTPError as exc:
        error = exc
    return HostCheck(trace.at.ip, trace.greeting, trace.keywords, trace.at.tls, trace.at.tls_words, error)


async def _nothing_to_keep(outcomes: Outcomes) -> None:
    """Ignore outcomes: a visit has none."""


async def _nothing() -> AsyncIterator[bytes]:
    """Yield no octets: a visit sends no message."""
    pieces: tuple[bytes, ...] = ()
    for piece in pieces:
        yield piece


async def _no_spool() -> Spool:
    raise AssertionError("probes don't send messages")


def _fits(ctx: Context, host: Host, connection: OpenConnection) -> bool:
    """Whether messages to `host` may use a connection made for another domain: its policy makes the same demands, and
    the certificate satisfies them (QUEUE-165).
    """
    if host.policy.demands != connection.policy.demands:
        return False
    tls = connection.client.tls_stream
    if tls is None:
        return host.policy.clear
    return not look_at(host.policy, tls.peer_chain(), host.name, ctx.trust.check).rejected


async def _try_anew(ctx: Context, batch: Batch, trace: Trace, host: Host) -> Outcomes:
    policy = host.policy
    try:
        return await _session(ctx, batch, trace, host)
    except (HandshakeFailed, TLSRefused) as exc:
        if not policy.clear:
            if isinstance(exc, TLSRefused) and policy.mode is TLSMode.REQUIRED_STARTTLS:
                exc.command = "tls-policy"
            raise
        if policy.overlooks:
            metrics.tls_ignored.labels(ignored="badtls").inc()
        metrics.plaintext_fallbacks.inc()
        logger.info("TLS failed, retrying in plain text", extra={"kv": {"err": exc, "host": host.name}})
    return await _session(ctx, batch, trace, host, in_clear=True)


async def _session(ctx: Context, batch: Batch, trace: Trace, host: Host, *, in_clear: bool = False) -> Outcomes:
    """Make one connection and deliver over it. Raises SMTPError; HostUnavailable if the host is busy or paused."""
    ctx.load.begin(host.key, ctx.clock())
    try:
        return await _connected(ctx, batch, trace, host, in_clear=in_clear)
    except SMTPError as exc:
        ctx.load.refused(host.key, exc, ctx.clock())
        raise
    finally:
        # An open connection still counts until `HostLoad.hang_up` closes it.
        if trace.left_open is None:
            ctx.load.end(host.key)


def _learn(ctx: Context, key: Hashable, outcomes: Outcomes) -> None:
    """Update the pauses of the host by its replies to messages (QUEUE-168)."""
    if any(error is None for error in outcomes.values()):
        ctx.load.answered(key, ctx.clock())
    for error in outcomes.values():
        if error is not None:
            ctx.load.refused(key, error, ctx.clock())


def _learn_later(ctx: Context, key: Hashable, trace: Trace, outcomes: Outcomes) -> None:
    """As `_learn`, for messages after the first: a connection closed between two messages causes no pause."""
    _learn(ctx, key, {one: error for one, error in outcomes.items() if trace.sent_all or not cut_short(error)})


async def _go_on(ctx: Context, batch: Batch, trace: Trace, host: Host, free: OpenConnection) -> Outcomes:
    """Send over a free connection. Raises SMTPError."""
    trace.at.ip, trace.at.tls, trace.at.tls_mode, trace.at.offers = free.ip, free.tls, free.tls_mode, free.offers
    trace.at.tls_words = host.policy.words if free.tls else ""
    trace.at.greeted = True
    trace.dialed.append((host.name, free.ip))
    requiretls = batch.first.require_tls is True

    async def then(outcomes: Outcomes) -> bool:
        _learn_later(ctx, free.key, trace, outcomes)
        return await _send_more(ctx, free, trace, outcomes, requiretls=requiretls)

    try:
        return await converse(
            free.client,
            batch,
            trace,
            requiretls=requiretls,
            judge=partial(_judged, batch=batch, addresses=free.addresses),
            then=then,
            begun=True,
        )
    finally:
        if trace.left_open is None:
            ctx.load.end(free.key)


async def _connected(ctx: Context, batch: Batch, trace: Trace, host: Host, *, in_clear: bool) -> Outcomes:
    name, policy = host.name, host.policy
    mode = TLSMode.SKIP if in_clear else policy.mode
    trace.at.tls_mode = mode.value + "".join(
        f"+{word}" for word in ("mtasts" if policy.pkix == "enforce" else "", "dane" if policy.records else "") if word
    )
    dialed = await _connect(ctx, host, trace)
    seen = CertificateCheck()

    def check(stream: TLSStream) -> None:
        nonlocal seen
        seen = look_at(policy, stream.peer_chain(), name, ctx.trust.check)
        if seen.ignored:
            metrics.tls_ignored.labels(ignored="certificate").inc()
        if seen.rejected:
            raise CertificateRejected(seen.rejected)

    requiretls = batch.first.require_tls is True
    client = SMTPClient(
        dialed.stream,
        host.way.ehlo_name,
        tls_mode=mode,
        tls=None if in_clear else ClientTLS(),
        server_name=policy.server_name,
        check=check,
    )

    def greeted() -> None:
        if client.tls_stream is not None:
            trace.at.tls_words = seen.words
        elif policy.overlooks and not in_clear:  # the host has no STARTTLS; a retry without TLS was counted before
            metrics.tls_ignored.labels(ignored="badtls").inc()
        if not in_clear:
            _count(trace, name, policy, encrypted=client.tls_stream is not None, seen=seen)

    async def then(outcomes: Outcomes) -> bool:
        connection = OpenConnection(
            host.key,
            client,
            policy,
            addresses=host.addresses,
            ip=trace.at.ip,
            tls=trace.at.tls,
            tls_mode=trace.at.tls_mode,
            offers=trace.at.offers,
        )
        _learn(ctx, host.key, outcomes)
        return await _send_more(ctx, connection, trace, outcomes, requiretls=requiretls)

    try:
        return await converse(
            client,
            batch,
            trace,
            requiretls=requiretls,
            judge=partial(_judged, batch=batch, addresses=host.addresses),
            greeted=greeted,
            then=then,
        )
    except HandshakeFailed as exc:
        _count(trace, name, policy, encrypted=False, failed=of_handshake(exc.error))
        raise
    except TLSRefused:
        _count(trace, name, policy, encrypted=False)
        raise
    except CertificateRejected:
        _count(trace, name, policy, encrypted=True, seen=seen)
        raise


async def _send_more(
    ctx: Context, connection: OpenConnection, trace: Trace, outcomes: Outcomes, *, requiretls: bool
) -> bool:
    """Send further due batches for the same domain over the same connection, while the host accepts them (QUEUE-165).
    `outcomes`: of the first batch. Returns whether the connection stays open for other attempts.
    """
    client, key = connection.client, connection.key
    well = goes_well(outcomes)
    while well and not client.codec.exhausted and client.codec.transactions < MAX_TRANSACTIONS:
        if trace.follow is None or (follower := await trace.follow()) is None:
            trace.left_open = connection
            return True
        batch = follower.batch

        async def send(own: Trace, batch: Batch = batch) -> Outcomes:
            own.take_over(trace)
            judge = partial(_judged, batch=batch, addresses=connection.addresses)
            try:
                with trio.fail_after(session_seconds(batch.first.size)):
                    answers = await run_transactions(client, batch, own, requiretls=requiretls, judge=judge)
            except trio.TooSlowError:
                raise ConnectionLost("session timed out", "session") from None
            _learn_later(ctx, key, own, answers)
            return answers

        well = await follower.deliver(send)
    return False


def _count(
    trace: Trace,
    name: str,
    policy: HostPolicy,
    *,
    encrypted: bool,
    seen: CertificateCheck | None = None,
    failed: Failure | None = None,
) -> None:
    """Count a session for the TLS reports. The retry without TLS is not counted (QUEUE-121).

    A host without STARTTLS fails every policy that requires it, even if the message is sent: a domain in testing mode
    wants that report (RFC 8461 §5), and a failure that the sender told us to ignore is still a failure.
    """

    def there(failure: Failure | None) -> Failure | None:
        return None if failure is None else msgspec.structs.replace(failure, host=name, ip=trace.at.ip)

    if encrypted and seen is not None:
        trace.tally.session(name, domain=there(seen.domain), dane=there(seen.dane))
    elif failed is not None:
        trace.tally.session(name, domain=there(failed), dane=there(failed))
    else:
        demanded = policy.mode is not TLSMode.OPPORTUNISTIC
        wanted = demanded or bool(policy.pkix), demanded or policy.dane_applies
        domain, dane = (there(Failure(ResultType.STARTTLS_NOT_SUPPORTED, counts=one)) for one in wanted)
        trace.tally.remark(name, domain=domain, dane=dane)


async def _policy(
    ctx: Context, batch: Batch, name: str, addresses: Addresses | None, destination: Destination, trace: Trace
) -> HostPolicy:
    """Decide the TLS policy of a host for a batch, and count it in metrics and TLS reports."""
    policy, records = await policy_for(ctx, batch.first, name, addresses, destination)
    if isinstance(records, DNSError):
        metrics.tlsa_errors.inc()
    elif records is not None:
        metrics.dane_required.inc()
        if not records.usable:
            metrics.dane_unusable.inc()
    if destination.domain is not None:
        trace.tally.of_host(name, records.usable if isinstance(records, dane.HostRecords) else None)
    trace.tally.remark(name, domain=policy.sts, dane=policy.dane)
    for what in policy.ignored:
        metrics.tls_ignored.labels(ignored=what).inc()
    return policy


async def policy_for(
    ctx: Context, message: Message, name: str, addresses: Addresses | None, destination: Destination
) -> tuple[HostPolicy, dane.HostRecords | DNSError | None]:
    """Decide the TLS policy of a host for a message; returns it with the TLSA records. `addresses`: None if DNSSEC does
    not authenticate the host's name, so that DANE does not apply.
    """
    hosts, domain = destination.hosts, destination.domain
    records: dane.HostRecords | DNSError | None = None
    names: tuple[str, ...] = ()
    if domain is not None and addresses is not None and addresses.answer is not None:
        records = await _tlsa(ctx, domain.ascii if hosts.implicit else name, addresses.answer)
        if isinstance(records, dane.HostRecords):
            names = dane.allowed_names(
                records.base,
                host=name,
                domain=domain.ascii,
                expanded=hosts.expanded,
                has_mx=not hosts.implicit,
                secure=hosts.authentic,
            )
    policy = decide(
        host=None if domain is None else name,
        standing=destination.standing,
        records=records,
        names=names,
        require_tls=message.require_tls,
        report=message.is_dmarc_report,
    )
    return policy, records


async def _tlsa(ctx: Context, host: str, answer: Answer[IPAddress]) -> dane.HostRecords | DNSError | None:
    try:
        with trio.fail_after(LOOKUP_SECONDS):
            return await dane.find(ctx.resolver, host, answer, PORT)
    except DNSError as exc:
        return exc
    except trio.TooSlowError:
        return TempError("timeout")


async def addresses_for(
    ctx: Context, message: Message, name: str, way: ConnectOptions, destination: Destination
) -> tuple[Addresses, float]:
    """Look up a host's addresses, in the order to try them for a message.

    Also returns the seconds that the lookup took, to be subtracted from the deadline for connecting. Raises NoHosts.
    """
    host = message.recipient.host
    allow_private = ctx.config.current.static.allow_private_mx
    if host is not None and not isinstance(host, Domain):  # an address literal: only that one (QUEUE-40)
        if is_internal(host) and not allow_private:
            raise NoHosts(f"can't connect to the private address [{host}]", permanent=True, ecode="5.1.2")
        return Addresses((host,)), 0.0
    asked = trio.current_time()
    addresses = await addresses_of(
        name,
        ctx.resolver,
        ctx.random,
        family=way.family,
        dialed=message.dialed_ips.get(name, ()),
        allow_private=allow_private,
        implicit=destination.hosts.implicit and way.family is None,
        avoid_ipv6=way.avoid_ipv6,
    )
    return addresses, trio.current_time() - asked


async def _connect(ctx: Context, host: Host, trace: Trace) -> Dialed:
    try:
        dialed = await connect(
            host.way.dial,
            host.addresses,
            PORT,
            inside=ctx.config.current.static.allow_private_mx,
            local=ctx.local_addresses,
            seconds=host.seconds,
        )
    except NotConnected:
        ctx.load.dead(host.key, ctx.clock())
        raise
    trace.at.ip = str(dialed.ip)
    trace.dialed.append((host.name, trace.at.ip))
    return dialed


def _judged(error: SMTPError, batch: Batch, addresses: Sequence[IPAddress]) -> SMTPError:
    """Make a permanent refusal by policy at the first attempt temporary if the host has addresses of both families: it
    may be about our address of this family, and the next attempt uses the other one (QUEUE-49).
    """
    if isinstance(error, RequireTLSMissing):
        metrics.requiretls_unsupported.labels(reason="norequiretls").inc()
        return error
    if not error.permanent or not error.ecode.startswith("5.7."):
        return error
    both = len({ip.version for ip in addresses}) == 2
    if batch.first.attempts > 1 or not both:
        return error
    return SMTPError(False, error.code, error.ecode, error.command, error.line, error.more_lines)
