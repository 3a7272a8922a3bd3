"""Deliveries to accounts of this server (QUEUE-28, QUEUE-36, QUEUE-140): those that wait in the queue, and those that
go through a pipe to our own SMTP server.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

import msgspec
import trio

from moxlite.acceptance.replies import store_reply
from moxlite.net.smtpclient import SMTPClient
from moxlite.net.tls.handshake import ClientTLS
from moxlite.proto.smtp.conversation import TLSMode
from moxlite.proto.smtp.errors import SMTPError
from moxlite.proto.smtp.replies import Response
from moxlite.queue.context import Context, Loopback
from moxlite.queue.data.content import Content, add_content
from moxlite.queue.data.filters import hold_rules, is_held
from moxlite.queue.data.rows import Message, Result, encode_results
from moxlite.queue.sending.routing import connect
from moxlite.queue.sending.session import Batch, Outcomes, Trace, converse
from moxlite.queue.submit import check_room, insert_row, sender_of
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.actions import Deferred, Delivery
from moxlite.store.delivery.perform import perform
from moxlite.store.delivery.submission import Submission, SubmissionRecipient
from moxlite.store.errors import AccountRemoved, StoreError
from moxlite.store.file.transaction import Reader, Tx

# Deliveries to our own accounts that wait in the queue (QUEUE-28, SMTP-108): an account could not take a message that
# other accounts of the same transaction have stored.
#
# Such a delivery has a row of `msg` without an account, so that its octets count against no sending limit, and a row
# of `local` with the packed delivery. It is tried like other messages; SMTP has made its first attempt.


ATTEMPT_SECONDS: Final = 120.0
"""Seconds for one attempt: a slow card needs that long for 100 MiB. Other messages for the domain wait meanwhile."""

KNOWN: Final = "SELECT 1 FROM local WHERE key = ? AND account = ?"
INSERT: Final = "INSERT INTO local (msg_id, key, account, delivery) VALUES (?, ?, ?, ?)"
TRIED: Final = "UPDATE msg SET attempts = 1, last_attempt = ?, next_attempt = ?, results = ? WHERE id = ?"
GET: Final = "SELECT key, account, delivery FROM local WHERE msg_id = ?"


class LocalRow(msgspec.Struct, frozen=True):
    """A row of `local`; `delivery` is packed."""

    key: bytes
    account: str
    delivery: bytes


ReadRow: TypeAlias = Callable[[], Awaitable[LocalRow | None]]


def add_deferred(tx: Tx, deferred: Sequence[Deferred], content: Content, *, now: int, delay: int) -> list[int]:
    """Add one row per delivery, all with the same octets; returns their ids. Deliveries that have a row already are
    skipped.

    Args:
      now, delay: µs; the next attempt is made `delay` after now.

    Raises QueueFull: too many deliveries wait.
    """
    new = [delivery for delivery in deferred if tx.row(KNOWN, delivery.key, delivery.account) is None]
    if not new:
        return []
    check_room(tx, "", len(new), content.size)
    rules = hold_rules(tx)
    content_id = add_content(tx, content, len(new))
    ids = []
    for delivery in new:
        submission = _submission(delivery, now)
        [recipient] = submission.recipients
        sender = sender_of(submission, recipient)
        held = is_held(rules, account="", sender=sender, recipient=recipient.address)
        message_id = insert_row(tx, submission, recipient, content_id, content.size, sender, held=held, now=now)
        tx.execute(TRIED, now, now + delay, encode_results([_first_result(delivery, now)]), message_id)
        tx.execute(INSERT, message_id, delivery.key, delivery.account, delivery.delivery.pack())
        ids.append(message_id)
    return ids


def _submission(deferred: Deferred, now: int) -> Submission:
    return Submission(
        account="",
        mail_from=deferred.sender,
        recipients=(SubmissionRecipient(deferred.recipient, deferred.dsn_notify, deferred.dsn_orcpt),),
        received=now,
        prefix=deferred.prefix,
        has8bit=deferred.has8bit,
        smtputf8=deferred.smtputf8,
        requiretls=True if deferred.requiretls else None,
        message_id=deferred.message_id,
        subject=deferred.subject,
        dsn_ret=deferred.dsn_ret,
        dsn_envid=deferred.dsn_envid,
    )


def _first_result(deferred: Deferred, now: int) -> Result:
    reply = Response(deferred.code, deferred.ecode, (deferred.text,))
    return Result(
        start=now,
        code=deferred.code,
        secode=deferred.ecode.partition(".")[2],
        error=f"account {deferred.account}: {reply}",
        reply=deferred.text,
    )


def waiting(r: Reader, message_id: int) -> LocalRow | None:
    """The delivery of a message to one of our accounts; None for other messages."""
    row = r.row(GET, message_id)
    return None if row is None else LocalRow(*row)


async def deliver_waiting(ctx: Context, batch: Batch, read: ReadRow, trace: Trace) -> Outcomes:
    """Perform a waiting delivery. After a crash between its commit and that of the outcome it is repeated, which
    changes nothing. `read`: reads the row.

    Raises:
      StoreError: the row cannot be read.
      SMTPError: the account cannot take it, now or for good.
      ChunkDamaged: the octets cannot be read.
    """
    message = batch.first
    trace.at.host, trace.at.tls_mode = ctx.config.current.static.hostname.ascii, TLSMode.SKIP.value
    row = await read()
    if row is None:
        raise SMTPError(True, 554, "5.3.0", "deliver", "the delivery isn't in the queue anymore")
    try:
        delivery = Delivery.unpack(row.delivery)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise SMTPError(True, 554, "5.3.0", "deliver", f"the queued message is damaged: {error}") from None
    with Spool(ctx.tmp) as spool:
        # Without the prefix: the account keeps that apart from the octets, which its copies share.
        skip = len(message.prefix)
        async for piece in batch.octets():
            await spool.write(piece[skip:])
            skip = max(0, skip - len(piece))
        await spool.finish()
        prepared = await prepare(spool, message.prefix, max_size=message.size)
        with trio.move_on_after(ATTEMPT_SECONDS):
            try:
                async with ctx.accounts.use(row.account) as account:
                    if await read() != row:  # the account was removed, and this is a new one of its name
                        raise AccountRemoved(row.account)
                    await perform(account, prepared, delivery, row.key)
            except StoreError as error:
                raise SMTPError.from_reply("deliver", store_reply(error)) from None
            return {message.id: None}
    raise SMTPError(False, 451, "4.3.0", "deliver", "commit timed out")


# Delivery on this machine: to our own domains over a pipe (QUEUE-36), and in localserve to our own listener
# (QUEUE-140).


TIMEOUT_SECONDS: Final = 3600.0
"""Seconds for which a recipient ending in `timeout` delays the queue (SMTP-132)."""


async def deliver_local(ctx: Context, batch: Batch, trace: Trace) -> Outcomes:
    """Deliver a batch to our own SMTP server, over a pipe in this process. Raises SMTPError."""
    hostname = ctx.config.current.static.hostname.ascii
    trace.at.host, trace.at.tls_mode = hostname, TLSMode.SKIP.value
    first = batch.first
    submitter = first.account if first.login_address else ""
    client = SMTPClient(ctx.connect_local(transaction_key(first), submitter), hostname, tls_mode=TLSMode.SKIP)
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
    from moxlite.acceptance.producers.judgement import demanded  # only localserve needs it

    match demanded(batch.first.rcpt_localpart, "queue"):
        case None:
            return
        case "timeout":
            await trio.sleep(TIMEOUT_SECONDS)
            raise SMTPError(False, 0, "4.4.2", "connect", "simulated timeout")
        case code:
            raise SMTPError(code >= 500, code, f"{code // 100}.3.0", "connect", f"simulated failure {code}")
