"""Delivery on this machine: to our own domains over a pipe (QUEUE-36), and in localserve to our own listener
(QUEUE-140).
"""

from typing import Final

import trio

from moxlite.acceptance.producers.simulated import demanded
from moxlite.net.smtpclient import SMTPClient
from moxlite.net.tls.handshake import ClientTLS
from moxlite.proto.smtp.conversation import TLSMode
from moxlite.proto.smtp.errors import SMTPError
from moxlite.queue.context import Context, Loopback
from moxlite.queue.data.rows import Message
from moxlite.queue.sending.connecting import connect
from moxlite.queue.sending.session import Batch, Outcomes, Trace, converse

TIMEOUT_SECONDS: Final = 3600.0
"""Seconds for which a recipient ending in `timeout` delays the queue (SMTP-132)."""


async def deliver_local(ctx: Context, batch: Batch, trace: Trace) -> Outcomes:
    """Deliver a batch to our own SMTP server, over a pipe in this process. Raises SMTPError."""
    hostname = ctx.config.current.static.hostname.ascii
    trace.at.host, trace.at.tls_mode = hostname, TLSMode.SKIP.value
    client = SMTPClient(ctx.connect_local(transaction_key(batch.first)), hostname, tls_mode=TLSMode.SKIP)
    return await converse(client, batch, trace)  # nothing leaves the process, so REQUIRETLS is satisfied


def transaction_key(message: Message) -> bytes:
    """Key by which an account stores the message only once, even if an attempt is cut off between its commit and ours
    (STORE-189).

    The time is part of the key, because ids are reused after queue.db was restored from a backup.
    """
    return f"queue {message.base_id or message.id} {message.queued} {message.rcpt_domain}".encode()


async def deliver_to_loopback(ctx: Context, batch: Batch, trace: Trace, loopback: Loopback) -> Outcomes:
    """Deliver a batch to our own listener, whatever the recipient's domain. Raises SMTPError."""
    await _simulate(ctx, batch)
    hostname = ctx.config.current.static.hostname.ascii
    trace.at.host, trace.at.ip, trace.at.tls_mode = hostname, str(loopback.ip), TLSMode.OPPORTUNISTIC.value
    dialed = await connect(ctx.dial, [loopback.ip], loopback.port, inside=True)
    client = SMTPClient(dialed.stream, hostname, tls=ClientTLS(), server_name=hostname)

    def greeted() -> None:
        trace.at.tls_words = "opportunistic" if client.tls_stream is not None else ""

    return await converse(client, batch, trace, requiretls=batch.first.require_tls is True, greeted=greeted)


async def _simulate(ctx: Context, batch: Batch) -> None:
    """Fail as the recipient's localpart asks for (SMTP-132), unless an account has this address."""
    if ctx.config.current.names(batch.first.recipient):
        return
    match demanded(batch.first.rcpt_localpart, "queue"):
        case None:
            return
        case "timeout":
            await trio.sleep(TIMEOUT_SECONDS)
            raise SMTPError(False, 0, "4.4.2", "connect", "simulated timeout")
        case code:
            raise SMTPError(code >= 500, code, f"{code // 100}.3.0", "connect", f"simulated failure {code}")
