"""Telling senders what became of their mail: delivery status notifications into their own accounts (QUEUE-100..105)."""

import logging
import secrets
from functools import partial
from typing import Final

from moxlite.mailauth.dkim.sign import SigningError
from moxlite.proto.address import Address, Domain, Localpart
from moxlite.proto.dsn import DSN, Action, DSNRecipient, compose_dsn
from moxlite.proto.mime.dates import format_date
from moxlite.proto.mime.types import MailAddress
from moxlite.queue.content import encoded, octets
from moxlite.queue.context import Context
from moxlite.queue.inbound import waiting
from moxlite.queue.record import DSN_FAILED
from moxlite.queue.rows import Message
from moxlite.queue.schedule import attempts_left, max_attempts_of
from moxlite.queue.submit import add_submission
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.deliver import deliver
from moxlite.store.delivery.submission import Submission, SubmissionRecipient
from moxlite.store.errors import AccountRemoved, AccountUnknown, ChunkDamaged
from moxlite.store.file.database import Database
from moxlite.store.mail.facts import NO_FACTS
from moxlite.store.types import Flag

__all__ = ["compose_notice", "deliver_notice"]

logger = logging.getLogger("moxlite.queue.dsns")

MAX_FULL: Final = 100 << 10
"""Octets of a message that comes back whole (QUEUE-103)."""

MAX_HEADER: Final = 256 << 10
"""Octets of a header section that comes back; more is no header that anyone reads."""

SUBJECTS: Final = {Action.FAILED: "mail delivery failed", Action.DELAYED: "mail delivery delayed"}
INTRODUCTIONS: Final = {
    Action.FAILED: "could not be delivered. It will not be tried again.",
    Action.DELAYED: "has not been delivered yet. It will be tried again.",
}

POSTMASTER: Final = Localpart("postmaster")
"""At our hostname: who writes DSNs."""

UNNAMED_STATUS: Final = {Action.FAILED: "5.0.0", Action.DELAYED: "4.0.0"}
"""Where no server gave an enhanced code."""


async def deliver_notice(ctx: Context, database: Database, message: Message, kind: str) -> None:
    """Store the DSN of this kind into the sender's Inbox, or send it to the sender of mail that came in; once, also
    when called again after a crash.

    An account that is gone has its DSNs delivered to the postmaster. Raises StoreError when they cannot be stored now.
    """
    static = ctx.config().static
    octets_of_dsn = await compose_notice(ctx, database, message, kind)
    if await database.read(lambda r: waiting(r, message.id), op="queue notice") is not None:
        await _send_notice(ctx, database, message, kind, octets_of_dsn)
        return
    prefix = f"Return-Path: <>\r\nDelivered-To: {message.sender.pack(False)}\r\n".encode()
    account_name, mailbox, flags = message.account, "Inbox", Flag(0)
    if message.is_dmarc_report or message.is_tls_report:
        account_name = static.postmaster.account
        mailbox = f"{static.postmaster.mailbox}/{'dmarc' if message.is_dmarc_report else 'tlsrpt'}"
        flags = Flag.SEEN
    key = _key(message, kind)
    with Spool.of(octets_of_dsn, ctx.tmp) as spool:
        prepared = await prepare(spool, prefix)
        try:
            async with ctx.accounts.use(account_name) as account:
                await deliver(account, prepared, NO_FACTS, mailbox, transaction_id=key, flags=flags)
        except (AccountUnknown, AccountRemoved):
            async with ctx.accounts.use(static.postmaster.account) as account:
                await deliver(account, prepared, NO_FACTS, static.postmaster.mailbox, transaction_id=key, flags=flags)


async def _send_notice(ctx: Context, database: Database, message: Message, kind: str, octets_of_dsn: bytes) -> None:
    """Queue the DSN to the sender of mail that came in, once (QUEUE-28)."""
    sender = message.sender.address
    assert sender is not None, "no DSN goes to the null path"
    submission = Submission(
        account=ctx.config().static.postmaster.account,
        mail_from=None,
        recipients=(SubmissionRecipient(sender),),
        received=ctx.clock(),
        prefix=await _signatures(ctx, octets_of_dsn, Address(POSTMASTER, ctx.config().static.hostname)),
        has8bit=not octets_of_dsn.isascii(),
        smtputf8=message.smtputf8 and not octets_of_dsn.isascii(),
        requiretls=True if message.require_tls else None,
        subject=SUBJECTS[Action.FAILED if kind == DSN_FAILED else Action.DELAYED],
        key=_key(message, kind),
    )
    with Spool.of(octets_of_dsn, ctx.tmp) as spool:
        async with encoded(database, spool) as content:
            await database.write(partial(add_submission, submission=submission, content=content, now=ctx.clock()))


async def _signatures(ctx: Context, octets_of_dsn: bytes, author: Address) -> bytes:
    """DKIM-Signature fields; a DSN that cannot be signed goes out without (SMTP-113)."""
    try:
        return await ctx.keys.sign_own(ctx.config(), octets_of_dsn, author)
    except SigningError as error:
        logger.error("DSN cannot be signed", extra={"kv": {"err": error}})
        return b""


def _key(message: Message, kind: str) -> bytes:
    return f"queue dsn {message.id} {message.queued} {kind}".encode()


async def compose_notice(ctx: Context, database: Database, message: Message, kind: str) -> bytes:
    """The octets of a DSN about one message."""
    snapshot = ctx.config()
    hostname = snapshot.static.hostname
    action = Action.FAILED if kind == DSN_FAILED else Action.DELAYED
    queue = snapshot.static.queue
    maximum = max_attempts_of(message.max_attempts, queue.max_attempts)
    retries = (
        attempts_left(message.attempts, maximum, message.next_attempt, queue.retry_delays)
        if action is Action.DELAYED
        else []
    )
    full = message.size <= MAX_FULL and message.dsn_ret != "HDRS" and message.require_tls is not True
    now = ctx.clock()
    sender = message.sender.address
    assert sender is not None, "no DSN goes to the null path"
    return compose_dsn(
        DSN(
            reporting_mta=hostname.ascii,
            recipients=(_recipient(message, action, retries),),
            envelope_id=message.dsn_envid,
            arrival=message.queued,
            future_release_request=message.future_release_request,
        ),
        sender=_mailbox(Address(POSTMASTER, hostname)),
        to=_mailbox(sender),
        subject=SUBJECTS[action],
        message_id=f"<{secrets.token_urlsafe(16)}@{hostname.ascii}>",
        date=now,
        references=message.message_id,
        text=_text(message, action, retries, hostname),
        original=await _returned(database, message, full=full),
        full=full,
        utf8=message.smtputf8,
    )


def _mailbox(address: Address) -> MailAddress:
    return MailAddress(name="", localpart=str(address.localpart), domain=address.domain.unicode)


def _recipient(message: Message, action: Action, retries: list[int]) -> DSNRecipient:
    last = message.last_result
    kind, _, original = message.dsn_orcpt.partition(";")
    code_class = "5" if action is Action.FAILED else "4"
    spoke = last is not None and last.code > 0 and last.host != ""
    diagnostic = ""
    if last is not None and spoke:
        enhanced = f" {str(last.code)[0]}.{last.secode}" if last.secode else ""
        diagnostic = f"{last.code}{enhanced} {last.reply}"
    return DSNRecipient(
        final_recipient=message.recipient_address,
        action=action,
        status=f"{code_class}.{last.secode}" if last is not None and last.secode else UNNAMED_STATUS[action],
        status_comment=last.error if last is not None else "",
        original_recipient=original,
        original_type=kind or "rfc822",
        remote_mta=last.host if last is not None and spoke else "",
        remote_ip=last.ip if last is not None and spoke else "",
        diagnostic=diagnostic,
        last_attempt=message.last_attempt,
        will_retry_until=retries[-1] if retries else None,
    )


def _text(message: Message, action: Action, retries: list[int], hostname: Domain) -> str:
    """What people read (QUEUE-102): which message, what happened, the server's words, and when it will be tried
    again.
    """
    lines = [
        f"This is the mail server {hostname.unicode}.",
        "",
        f"Your message to {message.recipient_address} {INTRODUCTIONS[action]}",
        "",
    ]
    if message.subject:
        lines += [f"Subject: {message.subject}"]
    lines += [f"Queued:  {format_date(message.queued)}", f"Attempts made: {message.attempts}", ""]
    last = message.last_result
    if last is not None and last.error:
        lines += ["Error of the last attempt:", "", f"    {last.error}", ""]
        if last.reply:
            server = f"{last.host} ({last.ip})" if last.ip else last.host
            lines += [
                f"Reply of {server or 'the server'}:",
                "",
                *[f"    {line}" for line in last.reply.split("\n")],
                "",
            ]
    if retries:
        lines += ["Next attempts:", "", *[f"    {format_date(when)}" for when in retries], ""]
    return "\r\n".join(lines)


async def _returned(database: Database, message: Message, *, full: bool) -> bytes:
    """The message, or so much of it that its header section is there; of a damaged one what can be read."""
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
