"""Delivery on this machine: to the own domains over a pipe (QUEUE-36), and in localserve to the own listener
(QUEUE-140).
"""

import re
from typing import Final

import trio

from moxlite.net.dial import DialError
from moxlite.net.smtpclient import SMTPClient
from moxlite.net.tls import ClientTLS
from moxlite.proto.smtp.conversation import TLSMode
from moxlite.proto.smtp.errors import SMTPError
from moxlite.queue import metrics
from moxlite.queue.context import Context, Loopback
from moxlite.queue.rows import Message
from moxlite.queue.session import Batch, Outcomes, Trace, converse

__all__ = ["deliver_local", "deliver_to_loopback", "simulated_failure", "transaction_key"]

TIMEOUT_SECONDS: Final = 3600.0
"""How long a recipient ending in `timeout` keeps the queue waiting (SMTP-132)."""

_SIMULATED = re.compile(r"queue.*?(temperror|permerror|timeout|[45][0-9][0-9])", re.IGNORECASE | re.DOTALL)


async def deliver_local(ctx: Context, batch: Batch, trace: Trace) -> Outcomes:
    """Give a batch to the own SMTP server, over a pipe in this process. Raises SMTPError."""
    hostname = ctx.config().static.hostname.ascii
    trace.host, trace.tls_mode = hostname, TLSMode.SKIP.value
    client = SMTPClient(ctx.connect_local(transaction_key(batch.first)), hostname, tls_mode=TLSMode.SKIP)
    return await converse(client, batch, trace)  # no wire that TLS could protect: REQUIRETLS is satisfied


def transaction_key(message: Message) -> bytes:
    """By this an account stores the message once, though an attempt was cut off between its commit and ours
    (STORE-189).

    The time is in it because ids come again where queue.db was restored from a backup.
    """
    return f"queue {message.base_id or message.id} {message.queued} {message.rcpt_domain}".encode()


async def deliver_to_loopback(ctx: Context, batch: Batch, trace: Trace, loopback: Loopback) -> Outcomes:
    """Give a batch to the own listener, whatever the recipient's domain is. Raises SMTPError."""
    await _simulate(batch)
    hostname = ctx.config().static.hostname.ascii
    trace.host, trace.ip, trace.tls_mode = hostname, str(loopback.ip), TLSMode.OPPORTUNISTIC.value
    try:
        dialed = await ctx.dial([loopback.ip], loopback.port)
    except DialError as exc:
        metrics.connections.labels(result="error").inc()
        raise SMTPError(False, 0, "4.4.1", "connect", str(exc)) from exc
    metrics.connections.labels(result="ok").inc()
    client = SMTPClient(dialed.stream, hostname, tls=ClientTLS(), server_name=hostname)
    return await converse(client, batch, trace, requiretls=batch.first.require_tls is True)


def simulated_failure(localpart: str) -> str | None:
    """What a localpart of localserve asks the queue to do wrong: `temperror`, `permerror`, `timeout` or a code
    (SMTP-132).
    """
    match = _SIMULATED.fullmatch(localpart)
    return match[1].lower() if match else None


async def _simulate(batch: Batch) -> None:
    match simulated_failure(batch.first.rcpt_localpart):
        case None:
            return
        case "timeout":
            await trio.sleep(TIMEOUT_SECONDS)
            raise SMTPError(False, 0, "4.4.2", "connect", "simulated timeout")
        case "temperror":
            raise SMTPError(False, 451, "4.3.0", "connect", "simulated temporary failure")
        case "permerror":
            raise SMTPError(True, 550, "5.3.0", "connect", "simulated permanent failure")
        case code:
            number = int(code)
            raise SMTPError(number >= 500, number, f"{code[0]}.3.0", "connect", f"simulated failure {code}")
