"""Notices to senders about their mail, stored into their own accounts (QUEUE-100..105). The decision that a notice is
due is not here, but in `record`.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import trio

from moxlite.admin.notices import mail_language, notify_account, written
from moxlite.mailauth.dkim.sign import SigningError
from moxlite.net.admission import guard
from moxlite.proto.address import Address, Domain, Localpart
from moxlite.proto.dsn import DSN, Action, DSNRecipient, compose_dsn
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.types import MailAddress
from moxlite.proto.srs import BadReturnAddress, is_return_address
from moxlite.queue import metrics, record
from moxlite.queue.bounces import Cause
from moxlite.queue.context import Context
from moxlite.queue.data.content import encoded, octets
from moxlite.queue.data.rows import Message, Result
from moxlite.queue.data.status import as_known_outside, as_written_to, detail_of, meaning_of, owner_of_sender
from moxlite.queue.localdelivery import waiting
from moxlite.queue.schedule import SECOND, attempts_left, max_attempts_of
from moxlite.queue.submit import add_submission
from moxlite.store.changelog.account import Account
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.forwarding import note_bounce, targets
from moxlite.store.delivery.perform import OwedRow, deliver, owe
from moxlite.store.delivery.status import State
from moxlite.store.delivery.submission import EVENT, KEPT, Submission, SubmissionRecipient
from moxlite.store.errors import AccountRemoved, AccountUnknown, ChunkDamaged, StoreError
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.collection import SCHEDULE
from moxlite.store.mail.delegates import writes_still
from moxlite.store.mail.facts import NO_FACTS
from moxlite.store.types import Flag
from moxlite.wording import ENGLISH, ReaderLanguage, Worded, as_worded, mail_text

logger = logging.getLogger("moxlite.queue.notices.dsns")

MAX_FULL: Final = 100 << 10
"""Maximum octets of a message that is returned whole (QUEUE-103)."""

MAX_HEADER: Final = 256 << 10
"""Maximum octets of a returned header section."""

POSTMASTER: Final = Localpart("postmaster")
"""Localpart of the DSNs' author, at our hostname."""

CLASSES: Final = {Action.FAILED: "5", Action.DELAYED: "4", Action.DELIVERED: "2", Action.RELAYED: "2"}
"""Class of the Status field (RFC 3464 §2.3.4) by action; `.0.0` follows an unknown cause."""


async def deliver_notice(ctx: Context, database: Database, messages: Sequence[Message]) -> None:
    """Store the due DSN about these recipients of a submission into the sender's Inbox, of a failure also into that of
    the other account whose address was used, or send it to the sender of incoming mail. The author of a message that an
    account has sent on and kept gets no DSN. DSNs of a removed account go to the postmaster, without the body of the
    message. Idempotent: a second call after a crash stores nothing more. Raises StoreError: it can't be stored now.
    """
    static = ctx.config.current.static
    message = messages[0]
    if await database.read(lambda r: waiting(r, message.id), op="queue notice") is not None:
        sender = message.sender.address
        assert sender is not None, "can't send a DSN to the null path"
        await _send_notice(ctx, database, [message], sender)
        return
    home = returned_to(ctx, message)
    # Before the DSN: after a kill in between it is noted again, which changes nothing, since only the time of the
    # first failure counts.
    await note_failures(ctx, database, messages)
    if KEPT in message.extra:
        return
    if home is not None:
        await _send_notice(ctx, database, messages, home)
        return
    account_name, mailbox, flags = message.account, "Inbox", Flag(0)
    if message.is_dmarc_report or message.is_tls_report:
        account_name = static.postmaster.account
        mailbox = f"{static.postmaster.mailbox}/{'dmarc' if message.is_dmarc_report else 'tlsrpt'}"
        flags = Flag.SEEN
        metrics.report_failures.labels(kind="dmarc" if message.is_dmarc_report else "tlsrpt").inc()
    key = record.notice_key(messages)

    async def store(account: Account, mailbox: str, *, orphaned: bool = False) -> None:
        language = ReaderLanguage() if orphaned else await account.read(mail_language, op="notice")
        octets_of_dsn = await compose_notice(
            ctx, database, messages, utf8=message.smtputf8, orphaned=orphaned, language=language
        )
        prefix = f"Return-Path: <>\r\nDelivered-To: {message.sender.pack(False)}\r\n".encode()
        with Spool.of(octets_of_dsn, ctx.tmp) as spool:
            prepared = await prepare(spool, prefix)
            await deliver(account, prepared, NO_FACTS, mailbox, transaction_id=key, flags=flags)

    try:
        async with ctx.accounts.use(account_name) as account:
            await _check_owner(database, message)
            await _note_event(account, messages, key)
            await store(account, mailbox)
    except (AccountUnknown, AccountRemoved):
        async with ctx.accounts.use(static.postmaster.account) as account:
            await store(account, static.postmaster.mailbox, orphaned=True)
        return
    if message.dsn_due == Action.FAILED and (owner := owner_of_sender(ctx.config.current, message)) is not None:
        with suppress(AccountUnknown, AccountRemoved):
            async with ctx.accounts.use(owner) as account:
                # else the address was the writer's own then, and the message isn't for its owner of now
                if await account.read(partial(writes_still, guest=message.account, on_behalf=True), op="notice"):
                    await store(account, "Inbox")


async def _note_event(account: Account, messages: Sequence[Message], key: bytes) -> None:
    """Owe the event that a mail is about the status of the guests whom it did not reach (DAV-25)."""
    event = messages[0].extra.get(EVENT, "")
    failed = [str(message.recipient.address) for message in messages if message.dsn_due == Action.FAILED]
    if failed and event.isascii() and event.isdigit() and len(event) < 19:
        from moxlite.store.groupware.scheduling import undelivered  # 1 MB of calendars that few servers need

        await owe(account, OwedRow(hashlib.sha256(b"event" + key).digest(), SCHEDULE, undelivered(int(event), failed)))


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
        key=record.notice_key(messages),
    )
    with Spool.of(octets_of_dsn, ctx.tmp) as spool:
        async with encoded(database, spool) as content:
            await database.write(partial(add_submission, submission=submission, content=content, now=ctx.clock()))


async def _signatures(ctx: Context, octets_of_dsn: bytes, author: Address) -> bytes:
    """DKIM-Signature fields; a DSN that cannot be signed goes out without (SMTP-113)."""
    try:
        return await ctx.keys.sign_own(ctx.config.current, octets_of_dsn, author)
    except SigningError as error:
        logger.error("failed to sign DSN", extra={"kv": {"err": error}})
        return b""


async def compose_notice(
    ctx: Context,
    database: Database,
    messages: Sequence[Message],
    *,
    utf8: bool,
    to: Address | None = None,
    orphaned: bool = False,
    language: ReaderLanguage = ReaderLanguage(),
) -> bytes:
    """Compose the DSN about some recipients of a submission; returns its octets.

    Args:
      utf8: use the UTF-8 form (QUEUE-104).
      to: its recipient elsewhere, by default the sender in the envelope, here. Who is elsewhere is told what the sender
        knows: the address that was written to, and what our server would have said.
      orphaned: the sender's account was removed, so the postmaster reads it.
      language: of its reader; for others than users English.
    """
    snapshot = ctx.config.current
    hostname = snapshot.static.hostname
    first = messages[0]
    actions = [Action(message.dsn_due) for message in messages]
    sent_on = returned_to(ctx, first) is not None
    outside = to is not None
    if outside:
        messages = [as_known_outside(message) for message in messages]
    full = (
        not orphaned  # the message is private
        and not sent_on
        and Action.FAILED in actions  # else the header section will do: RFC 3461 §4.3
        and first.size <= MAX_FULL
        and first.dsn_ret != "HDRS"
        and first.require_tls is not True  # RFC 8689 §5
    )
    sender = first.sender.address if to is None else to
    assert sender is not None, "can't send a DSN to the null path"
    return compose_dsn(
        DSN(
            reporting_mta=hostname.ascii,
            recipients=tuple(
                _recipient(ctx, message, action, sent_on=sent_on)
                for message, action in zip(messages, actions, strict=True)
            ),
            envelope_id=first.dsn_envid,
            arrival=first.queued,
            future_release_request=first.future_release_request,
        ),
        to=_mailbox(sender),
        subject=language.say(subject_of(actions)),
        message_id=f"<{secrets.token_urlsafe(16)}@{hostname.ascii}>",
        date=ctx.clock(),
        references=first.message_id,
        text=notice_text(
            [as_written_to(message) for message in messages] if sent_on else messages,
            actions,
            _retries(ctx, first, actions[0]),
            hostname,
            language,
            orphaned=orphaned,
            outside=outside,
        ),
        original=await _returned(database, first, full=full, names=OF_AUTHOR if sent_on else ()),
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
    return MailAddress(name="", localpart=str(address.localpart), domain=address.domain.ascii)


def _recipient(ctx: Context, message: Message, action: Action, *, sent_on: bool) -> DSNRecipient:
    last = message.last_result
    kind, _, original = message.dsn_orcpt.partition(";")
    code_class = CLASSES[action]
    spoke = last is not None and last.code > 0 and last.host != ""
    diagnostic = ""
    if last is not None and spoke:
        enhanced = f" {str(last.code)[0]}.{last.secode}" if last.secode else ""
        diagnostic = f"{last.code}{enhanced} {last.reply}"
    retries = _retries(ctx, message, action)
    status = f"{code_class}.{(detail_of(last) if last is not None else '') or '0.0'}"
    if sent_on:
        known = as_written_to(message).recipient_address
        until = retries[-1] if retries else None
        return DSNRecipient(final_recipient=known, action=action, status=status, will_retry_until=until)
    return DSNRecipient(
        final_recipient=message.recipient_address,
        action=action,
        status=status,
        status_comment=last.error if last is not None else "",
        original_recipient=original,
        original_type=kind or "rfc822",
        remote_mta=last.host if last is not None and spoke else "",
        remote_ip=last.ip if last is not None and spoke else "",
        diagnostic=diagnostic,
        last_attempt=message.last_attempt,
        will_retry_until=retries[-1] if retries else None,
    )


async def _returned(database: Database, message: Message, *, full: bool, names: Sequence[bytes] = ()) -> bytes:
    """The octets to return: the message, or at least its header section; of a damaged message the readable part.
    `names`: the only fields of the header section that are returned.
    """
    limit = MAX_FULL if full else MAX_HEADER
    data = bytearray()
    try:
        async for piece in octets(database, message):
            data += piece
            if len(data) >= limit or (not full and b"\r\n\r\n" in data):
                break
    except ChunkDamaged:
        logger.error("queued message is damaged", extra={"kv": {"msg": message.id}})
    if names:
        return b"".join(field.raw for field in HeaderSection(bytes(data)).all(*names))
    return bytes(data)


# Text for people in a notice (QUEUE-102): message, outcome by recipient, advice, reply, times of retries.

MAX_SHOWN: Final = 50
"""Recipients described in the text; the machine-readable part has all of them."""

SUBJECTS: Final = {
    Action.FAILED: mail_text("Message not delivered"),
    Action.DELAYED: mail_text("Message delayed"),
    Action.DELIVERED: mail_text("Message delivered"),
    Action.RELAYED: mail_text("Message relayed"),
}
TO_ONE: Final = {
    Action.FAILED: "Your message to {recipient} couldn't be delivered. The server won't try again.",
    Action.DELAYED: "Your message to {recipient} hasn't been delivered yet. The server will keep trying.",
    Action.DELIVERED: "Your message to {recipient} has been delivered.",
    Action.RELAYED: "Your message was sent to {recipient}, but the receiving server doesn't send delivery receipts.",
}
TO_MANY: Final = {
    Action.FAILED: "Your message couldn't be delivered to {n} recipients. The server won't try again.",
    Action.DELAYED: "Your message hasn't been delivered to {n} recipients yet. The server will keep trying.",
    Action.DELIVERED: "Your message has been delivered to {n} recipients.",
    Action.RELAYED: "Your message was sent to {n} recipients. Some of their servers don't send delivery receipts.",
}

ORPHANED: Final = "The sender's account was deleted, so you're getting this notice as postmaster."


def subject_of(actions: Sequence[Action]) -> str:
    """The subject of a notice about recipients with these outcomes."""
    return SUBJECTS[_common(actions)]


def _common(actions: Sequence[Action]) -> Action:
    """The action that is true of all: RELAYED if one of the recipients was relayed, else their common action."""
    return Action.RELAYED if Action.RELAYED in actions else actions[0]


def notice_text(
    messages: Sequence[Message],
    actions: Sequence[Action],
    retries: Sequence[int],
    hostname: Domain,
    language: ReaderLanguage,
    *,
    orphaned: bool = False,
    outside: bool = False,
) -> str:
    """The text of a notice, with CRLF.

    Args:
      retries: times of the first message's remaining attempts, µs UTC.
      outside: its reader is elsewhere, and has no use for what this server's administrator can do.
    """
    first, action = messages[0], _common(actions)
    one = len(messages) == 1
    lines: list[str] = [mail_text("This is the mail server {host}.", host=hostname.unicode), ""]
    lines += [ORPHANED, ""] if orphaned else []
    to_one = mail_text(TO_ONE[action], recipient=first.recipient_address)
    lines += [to_one if one else mail_text(TO_MANY[action], n=len(messages)), ""]
    if first.subject:
        lines += [mail_text("Subject: {subject}", subject=first.subject)]
    lines += [mail_text("Queued: {when}", when=_minute(first.queued))]
    lines += [mail_text("Attempts: {n}", n=first.attempts)] if one else []
    lines += [""]
    # The administrator's steps are commands and pages in English.
    steps = language.name == ENGLISH and not outside
    for message, what in zip(messages[:MAX_SHOWN], actions, strict=False):
        if not one:
            lines += [f"{message.recipient_address}", ""]
        if message.last_result is not None:
            arrived = message.last_result.success
            lines += _arrival(message.last_result, what) if arrived else _failure(message, steps=steps)
    more = len(messages) - MAX_SHOWN
    if more > 0:
        lines += [mail_text("Recipients that only the second part of this message lists: {n}", n=more), ""]
    if retries:
        lines += [mail_text("Next attempts:"), "", *[f"    {_minute(when)}" for when in retries], ""]
    return written(lines, language).replace("\n", "\r\n")


def _minute(microseconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(microseconds // SECOND))


def _arrival(result: Result, action: Action) -> list[str]:
    if action is Action.DELIVERED:
        return [_indented(mail_text("Delivered to the recipient's account on this server.")), ""]
    server = f"{result.host} ({result.ip})" if result.ip else result.host
    text = mail_text("{server} accepted the message. You won't be notified of delivery.", server=server)
    return [_indented(text), *[f"    {line}" for line in result.reply.split("\n") if line], ""]


def _indented(text: str) -> Worded:
    return mail_text("    {text}", text=as_worded(text))


def _failure(message: Message, *, steps: bool) -> list[str]:
    result = message.last_result
    assert result is not None
    meaning = meaning_of(result)
    lines: list[str] = []
    if meaning.meaning:
        lines += [mail_text("What happened:"), "", _indented(meaning.meaning), ""]
    for path in (message.sender, message.recipient):  # the sender's own may be the obstacle (RFC 6531 §3.2)
        if result.secode == "6.7" and path.needs_smtputf8:
            lines += [mail_text("Address with international characters: {address}", address=str(path)), ""]
    if meaning.advice:
        lines += [mail_text("Try this:"), "", _indented(meaning.advice), ""]
    if meaning.admin and steps and meaning.cause is not Cause.SUPPRESSED:  # the sender has no such command
        lines += ["For the administrator:", "", f"    {meaning.admin}", ""]
    if result.error:
        lines += [mail_text("Last error:"), "", f"    {result.error}", ""]
    if result.reply:
        known = f"{result.host} ({result.ip})" if result.ip else result.host
        text = mail_text("Response from {server}:", server=known) if known else mail_text("Response from the server:")
        lines += [text, "", *[f"    {line}" for line in result.reply.split("\n")], ""]
    return lines


# Messages that accounts have sent on: who hears of their failures, and which addresses are stopped (QUEUE-179).

forwards_logger = logging.getLogger("moxlite.queue.notices.forwards")

OF_AUTHOR: Final = (b"date", b"to", b"cc", b"subject", b"message-id", b"in-reply-to", b"references")
"""Fields that the author wrote. Others of a message that was sent on, as From, may be ours, and name the account."""

ARRIVED: Final = """
SELECT 1 FROM outcome WHERE account = ? AND lower(recipient) = ? AND ended >= ? AND state IN (?, ?) LIMIT 1"""


def returned_to(ctx: Context, message: Message) -> Address | None:
    """The first sender of a message that was sent on; None for others."""
    sender = message.sender.address
    if sender is None or not is_return_address(sender.localpart):
        return None
    try:
        return ctx.srs.back(sender.localpart, ctx.clock() / 1_000_000)
    except BadReturnAddress:
        return None


async def _check_owner(database: Database, message: Message) -> None:
    """Raise AccountRemoved if the account of a message was removed since the row was read: the account that is open
    under its name may be a new one.
    """
    # A removal changes the rows before the name is free, so the account is the old one as long as they are unchanged.
    current = await database.read(lambda r: record.get(r, message.id), op="queue notice")
    if current is None or current.account != message.account:
        raise AccountRemoved(message.account)


async def note_failures(ctx: Context, database: Database, messages: Sequence[Message]) -> None:
    """Note which addresses of an account's forwarding have bounced, and tell the owner of those that are stopped.

    Raises StoreError.
    """
    for message in messages:
        if message.dsn_due != Action.FAILED.value:
            continue
        last = message.last_result
        error = "" if last is None else last.reply or last.error
        address = str(message.recipient_address).lower()
        try:
            async with ctx.accounts.use(message.account) as account:
                await _check_owner(database, message)
                stopped = await _note(account, database, address, error)
        except (AccountUnknown, AccountRemoved):
            continue
        if stopped:
            await _tell(ctx, message.account, address, error)


async def _note(account: Account, database: Database, address: str, error: str) -> bool:
    """Note a bounce of an address; returns whether it is stopped by that."""
    found = await account.read(targets, op="forwarding")
    # One asked for all mail, one for mail of aliases; those that bounce already first.
    same = sorted((target for target in found if target.address == address), key=lambda target: target.failing is None)
    if not same:
        return False
    known = same[0]

    def has_arrived(r: Reader) -> bool:
        states = (State.DELIVERED.value, State.RELAYED.value)
        return known.failing is not None and r.row(ARRIVED, account.name, address, known.failing, *states) is not None

    # All that the account has sent since is looked at: a newsletter has many recipients.
    arrived = await database.scan(has_arrived, op="forwarding")
    return await account.write(lambda tx: note_bounce(tx, address, error, arrived=arrived))


async def _tell(ctx: Context, account: str, address: str, error: str) -> None:
    snapshot = ctx.config.current
    settings = snapshot.account(account)
    forwards_logger.warning("forwarding stopped", extra={"kv": {"account": account, "err": error}})
    own = (
        next((destination for destination in settings.destinations if not destination.startswith("@")), "")
        if settings is not None
        else ""
    )
    if own:
        lines = [
            mail_text("Your mail to {address} has bounced for three days. The last error was:", address=address),
            *("", f"    {error}", ""),
            mail_text("New mail will be kept in your mailbox."),
            mail_text("When the address works again, open Forwarding on the account page, and resume forwarding."),
        ]
        await notify_account(
            ctx.accounts,
            snapshot,
            account,
            Address.parse(own),
            mail_text("Forwarding to {address} is off", address=address),
            lines,
            once=f"forward {account} {address} {ctx.clock() // 86_400_000_000}",
        )


# DSNs that are due are stored, one after the other.


serving_logger = logging.getLogger("moxlite.queue.notices")

RECHECK_SECONDS: Final = 3600.0
"""Maximum seconds of sleep, which `changed` ends (QUEUE-16)."""

NOTICE_RETRY: Final = 5 * 60 * SECOND
"""µs until a DSN that could not be stored is tried again."""

NOTICE_LIFE: Final = 5 * 24 * 3600 * SECOND
"""µs after which a DSN that its account could not store is given up."""

NOTICES_AT_ONCE: Final = 20
"""Messages whose notices are sent before the next look, so that a stop waits for few, and a wake-up is heard."""

NEXT_NOTICE: Final = "SELECT min(dsn_next) FROM msg WHERE dsn_due <> ''"


class Notices:
    """Stores due DSNs. `changed` is called after each commit that may make one due."""

    def __init__(
        self, ctx: Context, database: Database, stored: Callable[[], None], moved: Callable[[set[str]], None]
    ) -> None:
        """`stored` is called after a DSN, which may be a message of the queue; `moved` with the accounts whose messages
        have another status.
        """
        self._ctx = ctx
        self._database = database
        self._stored = stored
        self._moved = moved
        self._wake = trio.Event()

    def changed(self) -> None:
        """Look again for due DSNs."""
        self._wake.set()

    async def serve(self) -> None:
        """Store the due DSNs, for ever.

        Errors: exceptions of the queue's database are raised; a DSN that its account does not take is tried again
        later.
        """
        while True:
            self._wake = trio.Event()
            due = await self._database.read(
                lambda r: record.dsns_due(r, self._ctx.clock(), NOTICES_AT_ONCE), op="queue notices"
            )
            for message in due:
                await self._tell(message)
            if due:
                continue
            when = await self._database.read(lambda r: r.value(NEXT_NOTICE), op="queue next notice")
            seconds = RECHECK_SECONDS if when is None else max(0.0, (when - self._ctx.clock()) / SECOND)
            with trio.move_on_after(min(seconds, RECHECK_SECONDS)):
                await self._wake.wait()

    async def _tell(self, message: Message) -> None:
        """Store one DSN, then record that: after a crash in between it is stored again under the same key, which
        changes nothing. The DSN reports on all recipients of the submission with the same kind of DSN due.
        """
        policy = record.policy_of(self._ctx)
        current = await self._database.read(lambda r: record.get(r, message.id), op="queue notice")
        if current is None or current.dsn_due != message.dsn_due:
            return  # part of another DSN
        messages = await self._database.read(lambda r: record.alike(r, current), op="queue notice")
        stored = False
        with guard("queue"):
            try:
                await deliver_notice(self._ctx, self._database, messages)
                stored = True
            except StoreError as exc:
                facts = {"err": exc, "msg": message.id, "kind": message.dsn_due}
                serving_logger.error("failed to store DSN", extra={"kv": facts})
        # Since it is owed: what was on hold for a week and is failed then has had no attempt lately, or none at all.
        last = message.last_result
        owed = max(message.last_attempt or message.queued, 0 if last is None else last.start)
        given_up = policy.now - owed > NOTICE_LIFE
        if stored or given_up:
            await self._database.write(lambda tx: record.note_dsns(tx, messages, policy))
            self._moved({message.account})
            self._stored()
        else:
            until = policy.now + NOTICE_RETRY
            await self._database.write(lambda tx: record.postpone_dsn(tx, messages, until))
