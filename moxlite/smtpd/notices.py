"""Notices to the senders of incoming mail (RFC 3464): about recipients that were refused when others were not (SMTP-74,
SMTP-108, 109), and of delivery, where the sender asks for that (SMTP-156).
"""

import functools
import hashlib
import logging
import operator
import re
import time
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import trio

from moxlite.mailauth.dkim.sign import SigningError
from moxlite.proto.address import Address, AddressError, Localpart
from moxlite.proto.dsn import DSN, Action, DSNError, DSNRecipient, compose_dsn, parse_dsn
from moxlite.proto.mime.compose import new_message_id
from moxlite.proto.mime.types import MailAddress
from moxlite.proto.smtp.commands import RcptTo
from moxlite.proto.smtp.replies import Response
from moxlite.smtpd.replies import refuse
from moxlite.smtpd.session import AcceptedRecipient, Session, Transaction
from moxlite.store.content.prepare import PreparedMessage, prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import OwedMessage, OwedRow
from moxlite.store.delivery.submission import DSNNotify, Submission, SubmissionRecipient

logger = logging.getLogger("moxlite.smtpd.notices")


class Failed(msgspec.Struct, frozen=True):
    """A recipient that was refused for good, and the reply that it would have got."""

    recipient: AcceptedRecipient
    reply: Response


async def failure_notice(
    session: Session, transaction: Transaction, prepared: PreparedMessage, failed: Sequence[Failed]
) -> OwedRow | None:
    """Make the DSN for the sender about these recipients, as a row of the outbox.

    Returns None, and logs, for a null sender, who gets no DSN (RFC 5321 §4.5.5), and for recipients whose NOTIFY
    excludes failures (RFC 3461 §4.1). The key is derived from the message: a client that sends it again after a
    temporary failure causes no second notice.
    """
    sender = transaction.sender.address
    told = [] if sender is None else [one for one in failed if _wanted(one)]
    for one in failed:
        if one not in told:
            facts = session.log_facts() | {"rcptto": str(one.recipient.path), "reply": str(one.reply)}
            logger.info("message rejected for recipient, sender not notified", extra={"kv": facts})
    if sender is None or not told:
        return None
    notice = _Notice("Message not delivered to all recipients", "notice", tuple(map(_failure, told)))
    return await _owed(session, transaction, prepared, sender, notice)


async def receipt(
    session: Session, transaction: Transaction, prepared: PreparedMessage, delivered: Sequence[AcceptedRecipient]
) -> OwedRow | None:
    """Make the DSN about recipients whose account stores the message and whose NOTIFY asks for success (RFC 3461 §4.1),
    as a row of the outbox of that account. None for a null sender.
    """
    sender = transaction.sender.address
    if sender is None or not delivered:
        return None
    notice = _Notice("Message delivered", "receipt", tuple(map(_arrival, delivered)))
    return await _owed(session, transaction, prepared, sender, notice)


class _Notice(msgspec.Struct, frozen=True):
    """Content of a DSN. `kind`: the first word of its key."""

    subject: str
    kind: str
    recipients: tuple[DSNRecipient, ...]


async def _owed(
    session: Session, transaction: Transaction, prepared: PreparedMessage, sender: Address, notice: _Notice
) -> OwedRow:
    now = time.time_ns() // 1000
    hostname = session.hostname
    message_id = new_message_id(hostname.ascii)
    utf8 = transaction.mail.smtputf8
    message = compose_dsn(
        DSN(
            reporting_mta=hostname.ascii,
            recipients=notice.recipients,
            envelope_id=transaction.mail.envid,
            received_from_mta=session.hello.name if session.hello is not None else "",
            arrival=transaction.received,
        ),
        to=MailAddress("", sender.localpart, sender.domain.ascii),
        subject=notice.subject,
        message_id=message_id,
        date=now,
        references=prepared.index.envelope.message_id,
        original=prepared.header,
        utf8=utf8,
    )
    author = Address(Localpart("postmaster"), hostname)
    try:
        signatures = await session.context.keys.sign_own(session.snapshot, message, author)
    except SigningError as error:
        logger.error("failed to sign DSN", extra={"kv": {"err": error}})
        signatures = b""
    submission = Submission(
        account=session.snapshot.static.postmaster.account,
        mail_from=None,
        recipients=(SubmissionRecipient(Address(Localpart(sender.localpart), sender.domain)),),
        received=now,
        prefix=signatures,
        has8bit=not message.isascii(),
        smtputf8=utf8 and not message.isascii(),
        requiretls=True if transaction.mail.requiretls else None,
        message_id=message_id,
        subject=notice.subject,
    )
    # Not of the transaction: a client that tries again has a new one, and its sender would be told twice.
    parts = (str(sender), prepared.digest.hex(), *sorted(recipient.final_recipient for recipient in notice.recipients))
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return OwedMessage(submission, message).row(f"{notice.kind} ".encode() + digest)


def _wanted(one: Failed) -> bool:
    """Whether NOTIFY allows a notice of failure."""
    notify = one.recipient.command.notify
    return not notify or "FAILURE" in notify


def notify_of(words: Iterable[str]) -> DSNNotify:
    """NOTIFY of a recipient, as rows of the queue have it."""
    return functools.reduce(operator.or_, (DSNNotify[word] for word in words), DSNNotify(0))


def notify_later(commands: Iterable[RcptTo], *, known: bool, told: bool) -> DSNNotify:
    """NOTIFY for the queue's row of a delivery that waits for one of our accounts (QUEUE-28): failure unless NOTIFY
    excludes it, success and delay if NOTIFY asks for them.

    Args:
      commands: RCPT commands of the recipients that resolve to the account.
      known: SPF shows that MAIL FROM is the sender's own address; a forged one would send notices to strangers
        (SMTP-156).
      told: the sender already has a notice of delivery to each of these recipients.
    """
    asked = notify_of({word for command in commands for word in command.notify}) or DSNNotify.FAILURE
    if not known:
        asked &= ~(DSNNotify.SUCCESS | DSNNotify.DELAY)
    if told:
        asked &= ~DSNNotify.SUCCESS
    return asked or DSNNotify.NEVER


def _failure(one: Failed) -> DSNRecipient:
    kind, original = _original(one.recipient)
    return DSNRecipient(
        final_recipient=one.recipient.path.pack(True),
        action=Action.FAILED,
        status=one.reply.ecode or f"{one.reply.code // 100}.0.0",
        original_recipient=original,
        original_type=kind,
        diagnostic=str(one.reply),
    )


def _arrival(recipient: AcceptedRecipient) -> DSNRecipient:
    kind, original = _original(recipient)
    return DSNRecipient(
        final_recipient=recipient.path.pack(True),
        action=Action.DELIVERED,
        status="2.0.0",
        original_recipient=original,
        original_type=kind,
    )


def _original(recipient: AcceptedRecipient) -> tuple[str, str]:
    """Type and address of ORCPT."""
    kind, _, original = recipient.command.orcpt.partition(";")
    return kind or "rfc822", original


# Bounces of messages that were sent on (SMTP-159a, AUTH-114): the first sender is told in our words, which name the
# address that was written to, and never the one behind it.


home_logger = logging.getLogger("moxlite.smtpd.incoming.deliver")

MAX_LOOKED: Final = 256 << 10
"""Octets of a bounce that are searched for the message that it returns."""

WRITTEN_TO: Final = re.compile(rb"^Delivered-To:[ \t]*<?([^\s<>]{3,320})", re.IGNORECASE | re.MULTILINE)
"""The field that this server puts before a message that it sends on."""

REPORTERS: Final = frozenset({"mailer-daemon", "postmaster"})
"""Localparts of the authors of bounces, also of those that no program can read."""

SUBJECTS: Final = {Action.FAILED: "Message not delivered", Action.DELAYED: "Message delayed"}


async def send_home(session: Session, transaction: Transaction, home: Address, spool: Spool, room: int) -> Response:
    """Queue a notice to the first sender of a message that has bounced; durable before the reply. `room`: octets that
    the message may have beyond the limit of the listener.

    Raises Refused: the message is no bounce. An automatic reply would tell the sender where the message was sent on to.
    """
    prepared = await prepare(spool, max_size=session.listener.max_message_size + room)
    told = await trio.to_thread.run_sync(_told, session, transaction, prepared)
    if told is None:
        raise refuse(550, "5.7.1", "only delivery failure notices are accepted for this address")
    recipient, references = told
    hostname, now = session.hostname, time.time_ns() // 1000
    message_id = new_message_id(hostname.ascii)
    subject = SUBJECTS[recipient.action]
    octets = compose_dsn(
        DSN(reporting_mta=hostname.ascii, recipients=(recipient,)),
        to=MailAddress("", home.localpart, home.domain.ascii),
        subject=subject,
        message_id=message_id,
        date=now,
        references=references,
        utf8=home.needs_smtputf8,
    )
    try:
        author = Address(Localpart("postmaster"), hostname)
        signatures = await session.context.keys.sign_own(session.snapshot, octets, author)
    except SigningError as error:
        home_logger.error("failed to sign DSN", extra={"kv": {"err": error}})
        signatures = b""
    submission = Submission(
        account=session.snapshot.static.postmaster.account,
        mail_from=None,
        # A bounce that cannot be delivered has no sender to go back to.
        recipients=(SubmissionRecipient(home, dsn_notify=DSNNotify.NEVER),),
        received=transaction.received,
        prefix=signatures,
        has8bit=not octets.isascii(),
        smtputf8=home.needs_smtputf8,
        message_id=message_id,
        subject=subject,
        key=transaction.identifier,
    )
    with Spool.of(octets, session.snapshot.static.data_dir / "tmp") as notice:
        await session.context.submit(submission, notice)
    session.context.bounce_limit.count(transaction.recipients[0].path.localpart)
    home_logger.info("bounce forwarded to original sender", extra={"kv": {"size": spool.size}})
    return Response(250, "2.0.0", (f"message accepted, id {session.dialogue.received_id}",))


def _told(session: Session, transaction: Transaction, prepared: PreparedMessage) -> tuple[DSNRecipient, str] | None:
    """What a bounce says, and the Message-ID of the message that it is about; None for another message."""
    status, action, references = "5.0.0", Action.FAILED, ""
    try:
        dsn = parse_dsn(prepared.index, lambda start, stop: prepared.spool.read(start, stop - start))
    except DSNError:
        if not any(one.localpart.lower() in REPORTERS for one in prepared.index.envelope.from_):
            return None
    else:
        status, action, references = dsn.recipients[0].status, dsn.recipients[0].action, dsn.returned_message_id
    if action not in SUBJECTS:
        return None
    address = _written_to(session, prepared) or transaction.recipients[0].path.pack(True)
    return DSNRecipient(final_recipient=address, action=action, status=status), references


def _written_to(session: Session, prepared: PreparedMessage) -> str:
    """The address that was written to, as the message that came back has it; "" where it doesn't say."""
    for found in WRITTEN_TO.finditer(prepared.spool.read(0, MAX_LOOKED)):
        try:
            address = Address.parse(found[1].decode("utf-8", "replace"))
        except AddressError:
            continue
        if session.snapshot.domain(address.domain) is not None:
            return str(address)
    return ""
