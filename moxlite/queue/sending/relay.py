"""Delivery through another server: the transports smtp, submission and submissions (QUEUE-32..35)."""

from typing import Final

from moxlite.config.transports import RelayTransport, Transport
from moxlite.net.smtpclient import CertificateRejected, SMTPClient
from moxlite.net.tls.handshake import ClientTLS
from moxlite.net.tls.stream import TLSStream
from moxlite.proto.smtp.conversation import ClientAuth, TLSMode
from moxlite.proto.smtp.errors import EightBitMissing, RequireTLSMissing, SMTPError, SMTPUTF8Missing
from moxlite.queue.context import Context
from moxlite.queue.hosts.hosts import addresses_of
from moxlite.queue.sending.connecting import connect
from moxlite.queue.sending.session import Batch, Outcomes, Trace, converse

PORT_SMTP: Final = 25
PORT_SUBMISSION: Final = 587
PORT_SUBMISSIONS: Final = 465


def relay_of(transport: Transport) -> tuple[RelayTransport, int, TLSMode] | None:
    """The smarthost of a transport with its port and TLS mode; None for other transports."""
    if (relay := transport.submissions) is not None:
        return relay, relay.port or PORT_SUBMISSIONS, TLSMode.IMMEDIATE
    if (relay := transport.submission or transport.smtp) is not None:
        port = PORT_SUBMISSION if transport.submission is not None else PORT_SMTP
        return relay, relay.port or port, TLSMode.SKIP if relay.no_starttls else TLSMode.REQUIRED_STARTTLS
    return None


async def deliver_by_relay(
    ctx: Context, batch: Batch, trace: Trace, name: str, relay: RelayTransport, port: int, mode: TLSMode
) -> Outcomes:
    """Send a batch to a smarthost. Raises SMTPError if that fails for all messages. A failed log-in is temporary: it is
    a fault of the configuration, not of the message (QUEUE-33).
    """
    verified = mode is not TLSMode.SKIP and not relay.starttls_insecure_skip_verify
    if verified:
        await ctx.trust.ready()
    requiretls = batch.first.require_tls is True
    if requiretls and not verified:
        text = f"message demands verified TLS, which transport {name} does not use"
        raise SMTPError(True, 554, "5.7.30", "connect", text)
    host = relay.host.ascii
    trace.at.host, trace.at.tls_mode = host, mode.value
    addresses = await addresses_of(
        host, ctx.resolver, ctx.random, dialed=batch.first.dialed_ips.get(host, ()), configured=True
    )
    dialed = await connect(ctx.dial, addresses.ips, port, inside=True, local=ctx.local_addresses)
    trace.at.ip = str(dialed.ip)
    trace.dialed.append((host, trace.at.ip))

    def check(stream: TLSStream) -> None:
        problem = ctx.trust.check(stream.peer_chain(), host) if verified else None
        if problem is not None:
            raise CertificateRejected(f"certificate of {host}: {problem.text}")

    auth = relay.auth
    client = SMTPClient(
        dialed.stream,
        ctx.config.current.static.hostname.ascii,
        tls_mode=mode,
        tls=None if mode is TLSMode.SKIP else ClientTLS(),
        server_name=host,
        check=check,
        auth=None
        if auth is None
        else ClientAuth(auth.username, auth.password, auth.mechanisms, allow_clear=relay.no_starttls),
    )
    lacking = f"transport {name} does not offer REQUIRETLS"

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
