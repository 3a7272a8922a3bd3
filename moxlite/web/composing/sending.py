"""Sending a message once (WEBMAIL-98..100): one transaction of the account, then the outbox passes it to the queue.

The transaction counts the message, removes its draft, marks the original, keeps a copy in Sent and writes a row of the
outbox that names this copy. So a crash leaves all of it or nothing, and a repeated call finds its key.

A message that may be taken back stays in the outbox until then (WEBMAIL-123). Another transaction, `take_back`, makes
it a draft again.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.compose.draft import BadDraft, check, recipients
from moxlite.config.snapshot import Snapshot, outgoing_name
from moxlite.logins.identity import Identity
from moxlite.proto.address import Address, AddressError
from moxlite.proto.mime.dates import format_date
from moxlite.store.accounts.access import shares_drafts
from moxlite.store.changelog.unit import was_done
from moxlite.store.content.body import stream_message
from moxlite.store.content.prepare import held_body, prepare
from moxlite.store.content.spool import Spool
from moxlite.store.content.spoolheader import HeaderTooLarge, read_header
from moxlite.store.content.uploads import note_saved_draft, saved_draft
from moxlite.store.delivery.answers import end_writing, note_answer, writer_of
from moxlite.store.delivery.outgoing import OutgoingLimitExceeded, add_outgoing, held_until, take_back as take_back_held
from moxlite.store.delivery.perform import OwedMessage, SubmissionEffects
from moxlite.store.delivery.submission import DSNNotify, SendingStopped, SubmissionRecipient
from moxlite.store.errors import StoreError
from moxlite.store.later import SCHEDULED, Scheduled, move_leaving, replace, scheduled, send_kept
from moxlite.store.mail.adding import add_message
from moxlite.store.mail.mailboxes import ensure_mailbox, mailbox_for
from moxlite.store.rows.views import mailboxes_of
from moxlite.store.types import Flag, MessageID, SpecialUse
from moxlite.submission.authors import FindWay
from moxlite.submission.counting import WITHDRAWN, Copying, counted_as, limits_of, send_copy
from moxlite.submission.metrics import submission_total
from moxlite.submission.outgoing import Complete, OutgoingMessage, SubmissionRefused
from moxlite.submission.submit import complete
from moxlite.web.composing.drafts import (
    KeptDraft,
    Place,
    composed,
    draft_of,
    drop_here,
    dropped_elsewhere,
    refuse_sent,
    words_of,
)
from moxlite.web.errors import Unavailable, UserError
from moxlite.web.metrics import submissions
from moxlite.wording import reason_of, worded

if TYPE_CHECKING:
    from moxlite.compose.draft import Draft, File
    from moxlite.process.keys import SigningKeys
    from moxlite.sandbox.processes import Sandbox
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.changelog.account import Account
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.delivery.status import Deliveries
    from moxlite.store.delivery.submission import Submission
    from moxlite.web.composing.uploads import Written


logger = logging.getLogger("moxlite.web.compose")

ID_OCTETS: Final = 12
"""Random octets of the id in a Received field."""

MAX_UNDO: Final = 60
"""Seconds during which a page may offer to take a message back."""

MARGIN: Final = 10
"""Seconds that a message is held longer than the page offers to take it back. The page begins to count after the answer
to sending; on a slow line that answer, and the call that takes back, may each take half of this time.
"""

OFFERED: Final = 10
"""Seconds during which a page offers to take a message back that is sent later; in the list it can be until then."""

SECOND: Final = 1_000_000
"""Microseconds, in which the store counts time."""

DELIVERY_NOTICES: Final = DSNNotify.SUCCESS | DSNNotify.FAILURE | DSNNotify.DELAY
"""Notices of a message that asks for receipts of delivery. Those about failures and delays come without asking, too;
an explicit NOTIFY that leaves them out would end them (RFC 3461 §4.1).
"""

FLAGS: Final = {"answered": Flag.ANSWERED, "forwarded": Flag.FORWARDED}


class SendOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Sender, connection and timing of a message.

    Attributes:
      listener: the listener of the call; secure: whether it came over TLS.
      remote: the address of the client.
      submit_id: idempotency key, 16 octets. A repeated call with it sends nothing.
      original_in: the account of the message that is answered or forwarded, "" for the user's own.
      draft: the draft that is sent, which the account of the author may keep; None: as in `drop_here`.
      way_of: as in `OutgoingMessage`.
      also: stores what belongs to the message, in the unit that sends it; if it raises, nothing is sent.
      undo: seconds during which the page offers to take the message back, up to MAX_UNDO; 0: it is sent at once.
      send_at: the time at which it is sent, µs UTC; 0: now. `undo` means nothing then.
    """

    snapshot: Snapshot
    identity: Identity
    listener: str
    secure: bool
    remote: str
    way_of: FindWay
    submit_id: bytes = b""
    original_in: str = ""
    draft: KeptDraft | None = None
    also: Callable[[AccountTx], None] | None = None
    undo: int = 0
    send_at: int = 0


async def send(
    accounts: Accounts,
    account: Account,
    keys: SigningKeys,
    sandbox: Sandbox,
    written: Written,
    options: SendOptions,
    tmp: Path,
    deliveries: Deliveries | None,
    beside: Sequence[File] = (),
) -> int:
    """Send a message, or do nothing if this `submit_id` has been seen. `deliveries` is None if the server has no queue;
    `beside`: files that are no uploads.

    A message with `SendOptions.send_at` gets that time as its Date, and waits in Scheduled (WEBMAIL-96).

    Returns the seconds during which undo may be offered: `SendOptions.undo`, or fewer if the call is repeated;
    `OFFERED` for a message that is sent later.

    Raises:
      UserError: a field is wrong, which it names, or the message may not be sent, with the reason.
      Conflict: the draft was changed elsewhere.
      AlreadySent: the message was sent under another `submit_id`.
      Unavailable: the sandbox cannot prepare the HTML now, or a signature cannot be made.
      SendingStopped: the guard has stopped the account.
      OutgoingLimitExceeded, OverQuota, StorageFull, NoSuchUpload, OSError.

    Nothing is changed if it raises.
    """
    key = _key(account, options.submit_id)
    if await account.read(lambda r: was_done(r, key), op="submit_known"):
        return await _left(accounts, account, written, options, key)
    # A repeated call, whose first answer was lost, may come after this time.
    if options.send_at:
        moment("send_at", options.send_at // SECOND, LONGEST)
    if deliveries is not None:
        try:
            # Before the sandbox and the disk have work with a message that is refused.
            await deliveries.check_sending(account.name)
        except SendingStopped:
            submissions.labels(result="stopped").inc()
            raise
    when = options.send_at or time.time_ns() // 1000
    try:
        draft = draft_of(written, when)
        check(draft)
        letter = _letter(draft, recipients(draft), written, options, when)
    except BadDraft as error:
        submissions.labels(result="badmessage").inc()
        raise UserError(worded("{field}: {reason}", field=error.field, reason=error)) from error
    words = await words_of(sandbox, account.name, written)
    async with composed(account, draft, written.uploads, words, tmp, letter.max_size, beside) as spool:
        found = await ready_to_send(keys, letter, spool)
        if found.way.owner:
            return await _as_another(accounts, account, letter, found, spool, written, options, key)
        prepared = found.prepared or await prepare(spool, max_size=letter.max_size)
        limits, counted = limits_of(letter), counted_as(letter)
        async with dropped_elsewhere(options.draft, account), held_body(account, prepared) as ready:

            def unit(tx: AccountTx) -> bool:
                # First of all: the repeated call of a browser that lost the answer would meet its own copy in Sent, and
                # limits that its own message has reached.
                if not tx.once(key):
                    return False
                refuse_sent(tx, written)
                if options.also is not None:
                    options.also(tx)
                # Counted in the unit that sends, so that parallel calls cannot pass a limit together. A refusal rolls
                # all of it back.
                rows = add_outgoing(tx, counted, limits)
                drop_here(tx, options.draft, written)
                beside = msgspec.structs.replace(_mark(tx, written, options), counted=tuple(rows))
                owed = OwedMessage(found.submission, beside=beside, dropped=found.dropped)
                send_kept(tx, ready, key, owed, _flags(written), undo=_held(options), send_at=options.send_at)
                return True

            try:
                new = await account.write(unit, weight=spool.size)
            except OutgoingLimitExceeded as error:
                total = error.setting == "max_outgoing_messages_per_day"
                result = "messagelimiterror" if total else "recipientlimiterror"
                submissions.labels(result=result).inc()
                raise
            except StoreError:
                submissions.labels(result="storesenterror").inc()
                raise
    if new:
        _note(account, letter, found, prepared.size)
    return OFFERED if options.send_at else options.undo


async def _as_another(
    accounts: Accounts,
    account: Account,
    letter: OutgoingMessage,
    found: Complete,
    spool: Spool,
    written: Written,
    options: SendOptions,
    key: bytes,
) -> int:
    """Send a message from an address of another account, which keeps the copy and hands it to the queue (SMTP-189).
    Only users who work on the drafts there may take it back, or have it sent later: it would become one of them. Raises
    as `send`.
    """
    owner = found.way.owner
    assert options.also is None, "`also` needs a message from an own address"
    await account.read(lambda r: refuse_sent(r, written), op="submit_known")
    async with accounts.use(owner) as other:
        shares = await other.read(lambda r: shares_drafts(r, account.name), op="drafts")
    if options.send_at and not shares:
        raise UserError(worded("send_at: you can't schedule messages from {address}", address=found.author))

    def first(tx: AccountTx) -> None:
        refuse_sent(tx, written)
        if shares:
            drop_here(tx, options.draft, written)

    copying = Copying(
        first=first,
        original=written.original_id if options.original_in == owner else 0,
        mark=FLAGS.get(written.original_flag, Flag.ANSWERED),
        flags=_flags(written),
        undo=_held(options) if shares else 0,
        send_at=options.send_at,
    )

    def unit(tx: AccountTx) -> bool:
        if not tx.once(key):
            return False
        drop_here(tx, options.draft, written)
        _mark(tx, written, options)
        return True

    kept_there = options.draft is not None and options.draft.account.name == owner
    # The draft may be in a third account: of the address that was in From before.
    async with dropped_elsewhere(None if kept_there else options.draft, account):
        try:
            await send_copy(accounts, letter, found, spool, key, copying)
        except SubmissionRefused as error:
            submissions.labels(result=error.result).inc()
            raise UserError(worded("{field}: {reason}", field="from", reason=error)) from error
        # A kill before this unit leaves the draft; the repeated call of a browser sends nothing again.
        new = await account.write(unit)
    if new:
        _note(account, letter, found, spool.size)
    if options.send_at:
        return OFFERED
    return options.undo if shares else 0


def _note(account: Account, letter: OutgoingMessage, found: Complete, size: int) -> None:
    """Count and log a message that was sent."""
    submission_total.labels(result="ok").inc()
    submissions.labels(result="ok").inc()
    facts = {
        "account": account.name,
        "msgfrom": str(found.author),
        "recipients": len(letter.recipients),
        "size": size,
    }
    logger.info("message submitted", extra={"kv": facts})


async def ready_to_send(keys: SigningKeys, letter: OutgoingMessage, spool: Spool) -> Complete:
    """Check and sign a message as `complete`. Raises UserError, Unavailable, OSError."""
    try:
        return await complete(keys, letter, spool)
    except SubmissionRefused as error:
        submissions.labels(result=error.result).inc()
        if error.result == "badfrom":
            raise UserError(worded("{field}: {reason}", field="from", reason=error)) from error
        raise (Unavailable if error.result == "signerror" else UserError)(reason_of(error)) from error
    except HeaderTooLarge as error:
        raise UserError("the message header is too long") from error


async def take_back(account: Account, place: Place, submit_id: bytes) -> MessageID | None:
    """Turn a message of the user `account` that is still in the outbox of `place` into a draft there again; returns the
    draft's id.

    A repeated call returns the same id. Returns None if the copy in Sent was removed meanwhile. Raises NotHeld if the
    message is on its way; nothing is changed then.
    """
    key = _key(account, submit_id)
    # The key of the draft that this makes is derived, not random: a repeated call, whose answer was lost, finds the
    # same draft again.
    undone = hashlib.sha256(b"undo\0" + key).digest()

    def unit(tx: AccountTx) -> tuple[MessageID | None, bool]:
        saved = saved_draft(tx, undone)
        if saved is not None:
            return saved or None, False
        place.check(tx)
        draft = take_back_held(tx, key, mailbox_for(tx, SpecialUse.DRAFTS))
        note_saved_draft(tx, undone, draft or MessageID(0))
        return draft, True

    draft, new = await place.account.write(unit)
    if new:
        submissions.labels(result="undone").inc()
        logger.info("send undone, draft restored", extra={"kv": {"account": account.name}})
    return draft


def _key(account: Account, submit_id: bytes) -> bytes:
    """Key of a submission. It contains the account, because the queue has the keys of all accounts: one account cannot
    take a key of another.
    """
    return hashlib.sha256(b"submit\0" + account.name.encode() + b"\0" + submit_id).digest()


async def _left(accounts: Accounts, account: Account, written: Written, options: SendOptions, key: bytes) -> int:
    """Seconds left to take a sent message back, which the account of its author holds."""
    way = None
    with suppress(AddressError):
        way = await options.way_of(Address.parse(written.from_.address.strip()))
    async with AsyncExitStack() as stack:
        holder = await stack.enter_async_context(accounts.use(way.owner)) if way and way.owner else account
        due = await holder.read(lambda r: held_until(r, key), op="submit_known")
    # A message that is no longer held has 0 there, and so has nothing left.
    return max(0, min(MAX_UNDO, (due - time.time_ns() // 1000) // SECOND - MARGIN))


def _mark(tx: AccountTx, written: Written, options: SendOptions) -> SubmissionEffects:
    """Mark the original of an answer or a forwarded message, if it is in the user's own account; returns what is undone
    if it is taken back.
    """
    writer = writer_of(tx, tx.account)
    end_writing(tx, written.in_reply_to, writer)
    # Its number in another account is that of an unrelated message here.
    original = written.original_id if options.original_in in ("", tx.account) else 0
    # The original may have been removed while the answer was written: that is no reason not to send it.
    if not written.original_flag or not mailboxes_of(tx, [original]):
        return SubmissionEffects(writer=writer)
    marked = note_answer(tx, MessageID(original), FLAGS[written.original_flag], writer)
    return SubmissionEffects(original, int(marked), writer=writer)


def _flags(written: Written) -> Flag:
    """The flags of a sent message's copy."""
    asks = Flag.MDNSENT if written.ask_read else Flag(0)  # RFC 3503: one's own, as in drafts
    return Flag.SEEN | Flag.NOTJUNK | asks


def _held(options: SendOptions) -> int:
    """µs for which a message is held, to be taken back."""
    return (options.undo + MARGIN) * SECOND if options.undo else 0


def letter_again(submission: Submission, options: SendOptions, when: int) -> OutgoingMessage:
    """The letter of a message that was completed before, to be sent at `when`, µs UTC, to the same recipients."""
    assert submission.mail_from is not None  # a user's message has a sender
    to = tuple(recipient.address for recipient in submission.recipients)
    return addressed(submission.mail_from, to, options, when, requiretls=submission.requiretls is True)


def _letter(draft: Draft, to: tuple[Address, ...], written: Written, options: SendOptions, now: int) -> OutgoingMessage:
    author = Address.of(draft.author.localpart, draft.author.domain)
    letter = addressed(author, to, options, now, requiretls=written.tls == "require")
    if not written.ask_delivered:
        return letter
    asked = tuple(SubmissionRecipient(address, dsn_notify=DELIVERY_NOTICES) for address in to)
    return msgspec.structs.replace(letter, recipients=asked)


def addressed(
    mail_from: Address | None, to: tuple[Address, ...], options: SendOptions, now: int, *, requiretls: bool = False
) -> OutgoingMessage:
    """The letter of a message; `mail_from` is None for the null path. `now`: µs UTC."""
    snapshot = options.snapshot
    hostname = outgoing_name(snapshot, options.listener)
    # With several recipients the field would tell each one of those in Bcc (RFC 5321 §7.2).
    target = f"\r\n\tfor <{to[0]}>" if len(to) == 1 and str(to[0]).isascii() else ""
    protocol = "HTTPS" if options.secure else "HTTP"
    # From our own name, not from the address of the browser, which would tell recipients where the sender is.
    trace = (
        f"Received: from {hostname.ascii} by {hostname.ascii}\r\n"
        f"\tvia tcp with {protocol} id {secrets.token_urlsafe(ID_OCTETS)}{target};\r\n"
        f"\t{format_date(now)}\r\n"
    )
    return OutgoingMessage(
        snapshot=snapshot,
        identity=options.identity,
        hostname=hostname,
        mail_from=mail_from,
        recipients=tuple(SubmissionRecipient(address) for address in to),
        received=now,
        remote=options.remote,
        max_size=snapshot.listener(options.listener).max_message_size,
        trace=trace.encode(),
        requiretls=requiretls,
        way_of=options.way_of,
    )


# Changing when a scheduled message goes out (WEBMAIL-96).
#
# The message is made anew with another Date, trace and signature, for the same recipients, and takes the place of the
# older one in one unit.


DAY: Final = 86_400
"""Seconds."""

LONGEST: Final = 60 * DAY
"""Seconds for which a message may wait to be sent (WEBMAIL-96)."""


def moment(field: str, seconds: int, longest: int) -> int:
    """The time that a user asks for, seconds since 1970, in µs UTC.

    Raises UserError, naming the field: the time is past, or more than `longest` seconds ahead.
    """
    left = seconds - time.time()
    if left <= 0:
        raise UserError(worded("{field}: this time is in the past", field=field))
    if left > longest:
        raise UserError(
            worded("{field}: choose a time within the next {longest} days", field=field, longest=longest // DAY)
        )
    return seconds * SECOND


async def reschedule(account: Account, keys: SigningKeys, message_id: int, options: SendOptions, tmp: Path) -> None:
    """Have a message that leaves later go out at `SendOptions.send_at`; with 0 now.

    Raises:
      NotHeld: it is on its way, or no longer scheduled; nothing is changed.
      UserError: it may no longer be sent; Unavailable: it cannot be signed.
      And as `add_message`.
    """
    found = next((one for one in await account.read(scheduled, op="scheduled") if one.message_id == message_id), None)
    if found is None:  # held as a program has made it, or for an undo
        await account.write(lambda tx: move_leaving(tx, message_id, options.send_at or tx.now))
        return
    with Spool(tmp) as kept:
        async with aclosing(stream_message(account, message_id)) as pieces:
            async for piece in pieces:
                await kept.write(piece)
        await kept.finish()
        section = await read_header(kept)
        when = options.send_at or time.time_ns() // 1000
        # The message says when it goes out, and a signature covers Date. So the field is replaced and all is signed
        # anew.
        header = f"Date: {format_date(when)}\r\n".encode() + section.without(section.all(b"date"))
        with await kept.with_header(header, len(section.octets)) as spool:
            await _replace(account, keys, found, options, spool, when)


async def _replace(
    account: Account, keys: SigningKeys, found: Scheduled, options: SendOptions, spool: Spool, when: int
) -> None:
    letter = letter_again(found.owed.submission, options, when)
    try:
        done = await complete(keys, letter, spool)
    except SubmissionRefused as error:
        raise (Unavailable if error.result == "signerror" else UserError)(reason_of(error)) from error
    # The configuration may have given the address to another account meanwhile.
    if (done.way.owner or options.identity.account) != account.name:
        raise UserError(WITHDRAWN)
    before = found.owed.submission
    # Sender stays where it is not needed any more.
    on_behalf = found.owed.beside.on_behalf or done.way.on_behalf
    kept = msgspec.structs.replace(done.submission, recipients=before.recipients, extra=before.extra, hold=before.hold)
    prepared = done.prepared or await prepare(spool, max_size=letter.max_size)
    beside = msgspec.structs.replace(found.owed.beside, on_behalf=on_behalf)
    owed = OwedMessage(kept, beside=beside, dropped=done.dropped)
    async with held_body(account, prepared) as ready:

        def unit(tx: AccountTx) -> None:
            # Added before the older one is replaced: that raises NotHeld if the message went out meanwhile, and this is
            # rolled back.
            added = add_message(tx, ready, ensure_mailbox(tx, SCHEDULED).id, flags=Flag.SEEN | Flag.NOTJUNK)
            due = options.send_at or tx.now
            replace(tx, found.message_id, due, added.message_id, owed)

        await account.write(unit, weight=spool.size)
