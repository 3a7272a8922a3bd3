"""Delivery status notifications, stored into the senders' own accounts (QUEUE-100..105)."""

import hashlib
import logging
import secrets
from collections.abc import Sequence
from functools import partial
from typing import Final

from moxlite.mailauth.dkim.sign import SigningError
from moxlite.proto.address import Address, Localpart
from moxlite.proto.dsn import DSN, Action, DSNRecipient, compose_dsn
from moxlite.proto.mime.types import MailAddress
from moxlite.queue import metrics
from moxlite.queue.context import Context
from moxlite.queue.data.content import encoded, octets
from moxlite.queue.data.rows import Message
from moxlite.queue.localdelivery.inbound import waiting
from moxlite.queue.notices.forwards import note_failures, returned_to
from moxlite.queue.notices.noticetext import notice_text, subject_of
from moxlite.queue.schedule import attempts_left, max_attempts_of
from moxlite.queue.submit import add_submission
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import deliver
from moxlite.store.delivery.submission import Submission, SubmissionRecipient
from moxlite.store.errors import AccountRemoved, AccountUnknown, ChunkDamaged
from moxlite.store.file.database import Database
from moxlite.store.mail.facts import NO_FACTS
from moxlite.store.types import Flag

logger = logging.getLogger("moxlite.queue.notices.dsns")

MAX_FULL: Final = 100 << 10
"""Maximum octets of a message that is returned whole (QUEUE-103)."""

MAX_HEADER: Final = 256 << 10
"""Maximum octets of a returned header section."""

POSTMASTER: Final = Localpart("postmaster")
"""Localpart of the DSNs' author, at our hostname."""

CLASSES: Final = {Action.FAILED: "5", Action.DELAYED: "4", Action.DELIVERED: "2", Action.RELAYED: "2"}
"""Class of the Status field (RFC 3464 §2.3.4) by action; `.0.0` follows if no server gave an enhanced code."""


async def deliver_notice(ctx: Context, database: Database, messages: Sequence[Message]) -> None:
    """Store the due DSN about these recipients of a submission into the sender's Inbox, or send it to the sender of
    incoming mail. Idempotent: a second call after a crash stores nothing more.

    DSNs of a removed account go to the postmaster. Raises StoreError if the DSN cannot be stored now.
    """
    static = ctx.config.current.static
    message = messages[0]
    if await database.read(lambda r: waiting(r, message.id), op="queue notice") is not None:
        sender = message.sender.address
        assert sender is not None, "no DSN goes to the null path"
        await _send_notice(ctx, database, [message], sender)
        return
    home = returned_to(ctx, message)
    await note_failures(ctx, database, messages)
    if home is not None:
        await _send_notice(ctx, database, messages, home)
        return
    octets_of_dsn = await compose_notice(ctx, database, messages, utf8=message.smtputf8)
    prefix = f"Return-Path: <>\r\nDelivered-To: {message.sender.pack(False)}\r\n".encode()
    account_name, mailbox, flags = message.account, "Inbox", Flag(0)
    if message.is_dmarc_report or message.is_tls_report:
        account_name = static.postmaster.account
        mailbox = f"{static.postmaster.mailbox}/{'dmarc' if message.is_dmarc_report else 'tlsrpt'}"
        flags = Flag.SEEN
        metrics.report_failures.labels(kind="dmarc" if message.is_dmarc_report else "tlsrpt").inc()
    key = _key(messages)
    with Spool.of(octets_of_dsn, ctx.tmp) as spool:
        prepared = await prepare(spool, prefix)
        try:
            async with ctx.accounts.use(account_name) as account:
                await deliver(account, prepared, NO_FACTS, mailbox, transaction_id=key, flags=flags)
        except (AccountUnknown, AccountRemoved):
            async with ctx.accounts.use(static.postmaster.account) as account:
                await deliver(account, prepared, NO_FACTS, static.postmaster.mailbox, transaction_id=key, flags=flags)


async def _send_notice(ctx: Context, database: Database, messages: Sequence[Message], sender: Address) -> None:
    """Queue the DSN to a sender elsewhere, once: of incoming mail (QUEUE-28), or of a message that was sent on
    (QUEUE-179).

    The DSN has the UTF-8 form only if the sender's address needs SMTPUTF8: a host on the way back may not support it
    (RFC 6533).
    """
    message = messages[0]
    octets_of_dsn = await compose_notice(ctx, database, messages, utf8=sender.needs_smtputf8, to=sender)
    submission = Submission(
        account=ctx.config.current.static.postmaster.account,
        mail_from=None,
        recipients=(SubmissionRecipient(sender),),
        received=ctx.clock(),
        prefix=await _signatures(ctx, octets_of_dsn, Address(POSTMASTER, ctx.config.current.static.hostname)),
        has8bit=not octets_of_dsn.isascii(),
        smtputf8=sender.needs_smtputf8,
        requiretls=True if message.require_tls else None,
        subject=subject_of([Action(one.dsn_due) for one in messages]),
        key=_key(messages),
    )
    with Spool.of(octets_of_dsn, ctx.tmp) as spool:
        async with encoded(database, spool) as content:
            await database.write(partial(add_submission, submission=submission, content=content, now=ctx.clock()))


async def _signatures(ctx: Context, octets_of_dsn: bytes, author: Address) -> bytes:
    """DKIM-Signature fields; a DSN that cannot be signed goes out without (SMTP-113)."""
    try:
        return await ctx.keys.sign_own(ctx.config.current, octets_of_dsn, author)
    except SigningError as error:
        logger.error("DSN cannot be signed", extra={"kv": {"err": error}})
        return b""


def _key(messages: Sequence[Message]) -> bytes:
    first = messages[0]
    if len(messages) == 1:
        return f"queue dsn {first.id} {first.queued} {first.dsn_due}".encode()
    others = hashlib.sha256(",".join(f"{one.id} {one.dsn_due}" for one in messages).encode()).hexdigest()
    return f"queue dsn {first.id} {first.queued} {others}".encode()


async def compose_notice(
    ctx: Context, database: Database, messages: Sequence[Message], *, utf8: bool, to: Address | None = None
) -> bytes:
    """Compose the DSN about some recipients of a submission; returns its octets.

    Args:
      utf8: use the UTF-8 form (QUEUE-104).
      to: its recipient, by default the sender in the envelope.
    """
    snapshot = ctx.config.current
    hostname = snapshot.static.hostname
    first = messages[0]
    actions = [Action(message.dsn_due) for message in messages]
    full = (
        Action.FAILED in actions  # else the header section will do: RFC 3461 §4.3
        and first.size <= MAX_FULL
        and first.dsn_ret != "HDRS"
        and first.require_tls is not True  # RFC 8689 §5
    )
    sender = first.sender.address if to is None else to
    assert sender is not None, "no DSN goes to the null path"
    return compose_dsn(
        DSN(
            reporting_mta=hostname.ascii,
            recipients=tuple(_recipient(ctx, one, action) for one, action in zip(messages, actions, strict=True)),
            envelope_id=first.dsn_envid,
            arrival=first.queued,
            future_release_request=first.future_release_request,
        ),
        sender=_mailbox(Address(POSTMASTER, hostname)),
        to=_mailbox(sender),
        subject=subject_of(actions),
        message_id=f"<{secrets.token_urlsafe(16)}@{hostname.ascii}>",
        date=ctx.clock(),
        references=first.message_id,
        text=notice_text(messages, actions, _retries(ctx, first, actions[0]), hostname),
        original=await _returned(database, first, full=full),
        full=full,
        utf8=utf8,
    )


def _retries(ctx: Context, message: Message, action: Action) -> list[int]:
    """Times of the remaining attempts of a delayed message, µs UTC."""
    if action is not Action.DELAYED:
        return []
    queue = ctx.config.current.static.queue
    maximum = max_attempts_of(message.max_attempts, queue.max_attempts)
    return attempts_left(message.attempts, maximum, message.next_attempt, queue.retry_delays)


def _mailbox(address: Address) -> MailAddress:
    return MailAddress(name="", localpart=str(address.localpart), domain=address.domain.unicode)


def _recipient(ctx: Context, message: Message, action: Action) -> DSNRecipient:
    last = message.last_result
    kind, _, original = message.dsn_orcpt.partition(";")
    code_class = CLASSES[action]
    spoke = last is not None and last.code > 0 and last.host != ""
    diagnostic = ""
    if last is not None and spoke:
        enhanced = f" {str(last.code)[0]}.{last.secode}" if last.secode else ""
        diagnostic = f"{last.code}{enhanced} {last.reply}"
    retries = _retries(ctx, message, action)
    return DSNRecipient(
        final_recipient=message.recipient_address,
        action=action,
        status=f"{code_class}.{last.secode}" if last is not None and last.secode else f"{code_class}.0.0",
        status_comment=last.error if last is not None else "",
        original_recipient=original,
        original_type=kind or "rfc822",
        remote_mta=last.host if last is not None and spoke else "",
        remote_ip=last.ip if last is not None and spoke else "",
        diagnostic=diagnostic,
        last_attempt=message.last_attempt,
        will_retry_until=retries[-1] if retries else None,
    )


async def _returned(database: Database, message: Message, *, full: bool) -> bytes:
    """The octets to return: the message, or at least its header section; of a damaged message the readable part."""
    limit = MAX_FULL if full else MAX_HEADER
    data = bytearray()
    try:
        async for piece in octets(database, message):
            data += piece
            if len(data) >= limit or (not full and b"\r\n\r\n" in data):
                break
    except ChunkDamaged:
        logger.error("queued message is damaged", extra={"kv": {"msg": message.id}})
    return bytes(data)
