"""Delivery to the hosts of the recipients' domain (QUEUE-40..45), under its TLS policies (QUEUE-50)."""

import logging
from collections.abc import Sequence
from typing import Final

import trio

from moxlite.config.transports import MECHANISMS, RelayAuth, RelayTransport, Transport
from moxlite.net.smtpclient import SMTPClient, certified
from moxlite.net.tls.handshake import ClientTLS
from moxlite.proto.address import Domain
from moxlite.proto.smtp.conversation import ClientAuth, TLSMode
from moxlite.proto.smtp.errors import EightBitMissing, RequireTLSMissing, SMTPError, SMTPUTF8Missing
from moxlite.queue import metrics
from moxlite.queue.context import Context
from moxlite.queue.data.rows import Message
from moxlite.queue.hosts.hosts import Hosts, NoHosts, addresses_of, hosts_of
from moxlite.queue.hosts.load import HostUnavailable
from moxlite.queue.sending.onehost import Destination, UnverifiedTLS, try_host
from moxlite.queue.sending.routing import ConnectOptions, connect
from moxlite.queue.sending.session import Batch, Outcomes, Postponed, Trace, converse
from moxlite.queue.tls.policies import EffectivePolicy
from moxlite.store.errors import AccountUnknown
from moxlite.store.mail.links import LinkRefused, SendsNothing

logger = logging.getLogger("moxlite.queue.sending.direct")

PATIENT_ATTEMPTS: Final = 3
"""Number of attempts that are put off while the DNS look-up for an MTA-STS policy fails; some name servers never answer
such names (QUEUE-111).
"""


async def deliver_direct(ctx: Context, batch: Batch, trace: Trace, way: ConnectOptions) -> Outcomes:
    """Deliver a batch to the first host that takes it. Raises SMTPError if no host can be found.

    Recipients with a temporary error at one host are tried at the next, unless the first may have taken the message:
    then they wait, because a second copy is worse than a delay.
    """
    recipient = batch.first.recipient
    destination = await destination_of(ctx, batch.first)
    if destination.domain is not None:
        _judge(destination.standing, batch.first, destination.domain, trace)
    metrics.destinations.labels(authentic=str(destination.hosts.authentic).lower()).inc()
    outcomes: Outcomes = {}
    met: dict[int, list[SMTPError]] = {message.id: [] for message in batch.messages}
    pending = batch
    for name in destination.hosts.names:
        answers: Outcomes
        try:
            answers = await try_host(ctx, pending, trace, name, way, destination)
        except SMTPError as exc:
            logger.info("delivery to host failed", extra={"kv": {"err": exc, "host": name, "domain": recipient.host}})
            answers = {message.id: exc for message in pending.messages}
            answers |= trace.settled
            if (
                isinstance(exc, HostUnavailable) and exc.until is None
            ):  # the host works but is busy: do not try its backup
                outcomes.update(answers)
                for message in pending.messages:
                    met[message.id].append(exc)
                break
        outcomes.update(answers)
        for message_id, error in answers.items():
            if error is not None:
                met[message_id].append(error)
        left = tuple(message for message in pending.messages if goes_elsewhere(answers.get(message.id)))
        if not left or trace.sent_all:
            break
        pending = batch.of(left)
    return {one: None if error is None else _final(error, met[one]) for one, error in outcomes.items()}


async def destination_of(ctx: Context, message: Message) -> Destination:
    """Look up the hosts of a recipient's domain and its MTA-STS policy, concurrently. Raises SMTPError."""
    domain = message.recipient.host
    if not isinstance(domain, Domain):
        return Destination(None, Hosts((str(domain),), authentic=False), EffectivePolicy())
    # The policy is the one of the recipient's domain, not of the target of its CNAMEs (RFC 8461 §3.4).
    standings: list[EffectivePolicy] = []

    async def look_up() -> None:
        standings.append(await ctx.policies.find(domain))

    missing: NoHosts | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(look_up)
        try:
            hosts = await hosts_of(
                domain,
                ctx.resolver,
                ctx.random,
                ctx.config.current.derived.hostnames,
                allow_private=ctx.config.current.static.allow_private_mx,
            )
        except NoHosts as exc:
            # Without hosts the policy is of no use, and a web server that hangs would keep the sender of a mistyped
            # address waiting for a minute.
            missing = exc
            nursery.cancel_scope.cancel()
    if missing is not None:
        raise missing
    [standing] = standings
    return Destination(domain, hosts, standing)


def _judge(standing: EffectivePolicy, message: Message, domain: Domain, trace: Trace) -> None:
    """Note the domain's MTA-STS policy for the TLS reports. Raises SMTPError if the message must wait for it."""
    trace.tally.of_domain(domain.ascii, standing.policy, standing.failure)
    if (error := waits_for_policy(standing, message, domain)) is not None:
        raise error
    if standing.unknown and message.require_tls is False:
        metrics.tls_ignored.labels(ignored="mtastspolicy").inc()


def waits_for_policy(standing: EffectivePolicy, message: Message, domain: Domain) -> SMTPError | None:
    """The error of a message that waits because the look-up of the policy failed; None if it does not wait (QUEUE-51,
    QUEUE-111).
    """
    patient = message.attempts <= PATIENT_ATTEMPTS or message.require_tls
    if not standing.unknown or message.require_tls is False or not patient:
        return None
    return SMTPError(False, 0, "4.4.3", "mtasts", f"can't look up the MTA-STS policy for {domain} in DNS")


def goes_elsewhere(error: SMTPError | None) -> bool:
    """Whether the next host is tried after this outcome."""
    return error is not None and not error.permanent and not isinstance(error, Postponed)


def _final(error: SMTPError, met: Sequence[SMTPError]) -> SMTPError:
    """Combine the errors of all hosts (`met`) into the final one. If every host lacks a required extension, the error
    is permanent (QUEUE-55, QUEUE-63a, QUEUE-64). If no host was connected to, the attempt does not count (QUEUE-168,
    QUEUE-169).
    """
    for lacking in (SMTPUTF8Missing, EightBitMissing):
        if all(isinstance(smtp_error, lacking) for smtp_error in met):
            return SMTPError(True, 0, error.ecode, "mail", error.line)
    if all(isinstance(smtp_error, UnverifiedTLS | RequireTLSMissing) for smtp_error in met):
        return SMTPError(True, 554, "5.7.30", error.command, error.line)
    tried = [smtp_error for smtp_error in met if not isinstance(smtp_error, HostUnavailable)]
    if isinstance(error, HostUnavailable):
        # `until` None is the earliest of all: the host is only busy, and may be free at any moment.
        untried = [one for one in met if isinstance(one, HostUnavailable)]
        return tried[-1] if tried else min(untried, key=lambda one: one.until or 0)
    return error


# Delivery through another server: the transports smtp, submission and submissions (QUEUE-32..35).


PORT_SMTP: Final = 25
PORT_SUBMISSION: Final = 587
PORT_SUBMISSIONS: Final = 465
"""Ports where the configuration names none (RFC 5321 §4.5.4.2, RFC 6409 §3.1, RFC 8314 §7.3)."""


def relay_of(transport: Transport) -> tuple[RelayTransport, int, TLSMode] | None:
    """The smarthost of a transport with its port and TLS mode; None for other transports."""
    if (relay := transport.submissions) is not None:
        return relay, relay.port or PORT_SUBMISSIONS, TLSMode.IMMEDIATE
    if (relay := transport.submission or transport.smtp) is not None:
        port = PORT_SUBMISSION if transport.submission is not None else PORT_SMTP
        return relay, relay.port or port, TLSMode.SKIP if relay.no_starttls else TLSMode.REQUIRED_STARTTLS
    return None


async def deliver_by_link(ctx: Context, batch: Batch, trace: Trace, name: str) -> Outcomes:
    """Send a batch to the submission server of a linked mailbox. Raises SMTPError if that fails for all messages; for
    good if the link was removed, or sends nothing any more (LINK-16).
    """
    try:
        found = await ctx.relay_of_link(batch.first.account, name)
    except (SendsNothing, AccountUnknown) as exc:
        raise SMTPError(True, 0, "5.7.1", "link", str(exc)) from None
    except LinkRefused as exc:
        raise SMTPError(False, 0, "4.7.0", "link", str(exc)) from None
    auth = RelayAuth(found.user, found.password, (*MECHANISMS, "PLAIN"))
    relay = RelayTransport(host=found.host, auth=auth)
    try:
        return await deliver_by_relay(ctx, batch, trace, name, relay, found.port, found.mode, inside=found.inside)
    except SMTPError as exc:
        if exc.command == "auth" and exc.code >= 500:
            found.refused()
        raise


async def deliver_by_relay(
    ctx: Context,
    batch: Batch,
    trace: Trace,
    name: str,
    relay: RelayTransport,
    port: int,
    mode: TLSMode,
    *,
    inside: bool = True,
) -> Outcomes:
    """Send a batch to a smarthost; `inside`: it may have an address of the inner network. Raises SMTPError if that
    fails for all messages. A failed log-in is temporary: it is a fault of the configuration, not of the message
    (QUEUE-33).
    """
    verified = mode is not TLSMode.SKIP and not relay.starttls_insecure_skip_verify
    if verified:
        await ctx.trust.ready()
    requiretls = batch.first.require_tls is True
    if requiretls and not verified:
        text = f"message requires verified TLS, which transport {name} doesn't use"
        raise SMTPError(True, 554, "5.7.30", "connect", text)
    host = relay.host.ascii
    trace.at.host, trace.at.tls_mode = host, mode.value
    addresses = await addresses_of(
        host, ctx.resolver, ctx.random, dialed=batch.first.dialed_ips.get(host, ()), configured=True
    )
    dialed = await connect(ctx.dial, addresses.ips, port, inside=inside, local=ctx.local_addresses)
    trace.at.ip = str(dialed.ip)
    trace.dialed.append((host, trace.at.ip))

    auth = relay.auth
    client = SMTPClient(
        dialed.stream,
        ctx.config.current.static.hostname.ascii,
        tls_mode=mode,
        tls=None if mode is TLSMode.SKIP else ClientTLS(),
        server_name=host,
        check=certified(ctx.trust, host) if verified else None,
        auth=None
        if auth is None
        else ClientAuth(auth.username, auth.password, auth.mechanisms, allow_clear=relay.no_starttls),
    )
    lacking = f"transport {name} doesn't support REQUIRETLS"

    def judge(error: SMTPError) -> SMTPError:
        if isinstance(error, EightBitMissing | SMTPUTF8Missing):
            return SMTPError(True, 0, error.ecode, "mail", error.line)
        return SMTPError(True, 554, "5.7.30", "mail", lacking) if isinstance(error, RequireTLSMissing) else error

    def greeted() -> None:
        if client.tls_stream is not None:
            trace.at.tls_words = "verified" if verified else "opportunistic"

    try:
        return await converse(client, batch, trace, requiretls=requiretls, judge=judge, greeted=greeted)
    except SMTPError as exc:
        if exc.command == "auth":
            raise SMTPError(False, exc.code, exc.ecode, exc.command, exc.line, exc.more_lines) from exc
        raise
