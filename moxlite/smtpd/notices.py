"""Notices of failure about recipients that were refused when others were not (RFC 3464; SMTP-74, SMTP-108, 109)."""

import hashlib
import logging
import time
from collections.abc import Sequence

import msgspec

from moxlite.mailauth.dkim.sign import SigningError
from moxlite.proto.address import Address, Localpart
from moxlite.proto.dsn import DSN, Action, DSNRecipient, compose_dsn
from moxlite.proto.mime.compose import new_message_id
from moxlite.proto.mime.types import MailAddress
from moxlite.proto.smtp.replies import Response
from moxlite.smtpd.session import Session
from moxlite.smtpd.transaction import AcceptedRecipient, Transaction
from moxlite.store.content.prepare import Prepared
from moxlite.store.delivery.owed import OwedMessage
from moxlite.store.delivery.perform import Owed
from moxlite.store.delivery.submission import Submission, SubmissionRecipient

__all__ = ["Failed", "failure_notice"]

logger = logging.getLogger("moxlite.smtpd.notices")


class Failed(msgspec.Struct, frozen=True):
    """A recipient that was refused for good, and the reply that it would have got."""

    recipient: AcceptedRecipient
    reply: Response


async def failure_notice(
    session: Session, transaction: Transaction, prepared: Prepared, failed: Sequence[Failed]
) -> Owed | None:
    """What is owed to the sender about these recipients: one DSN, as a row of the outbox.

    None, and a line in the log, for a null sender, who gets no DSN (RFC 5321 §4.5.5), and for recipients about whom the
    sender wants to hear nothing (RFC 3461 §4.1). The key is made of the message: a client that brings it again after it
    was told to try later causes no second notice.
    """
    sender = transaction.sender.address
    told = [] if sender is None else [one for one in failed if _wanted(one)]
    for one in failed:
        if one not in told:
            facts = session.log_facts() | {"rcptto": str(one.recipient.path), "reply": str(one.reply)}
            logger.info("message refused for a recipient, its sender is not told", extra={"kv": facts})
    if sender is None or not told:
        return None
    now = time.time_ns() // 1000
    hostname = session.hostname
    message_id = new_message_id(hostname.ascii)
    utf8 = transaction.mail.smtputf8
    message = compose_dsn(
        DSN(
            reporting_mta=hostname.ascii,
            recipients=tuple(map(_recipient, told)),
            envelope_id=transaction.mail.envid,
            received_from_mta=session.hello.name if session.hello is not None else "",
            arrival=transaction.received,
        ),
        sender=MailAddress("Mail delivery", "postmaster", hostname.ascii),
        to=MailAddress("", sender.localpart, sender.domain.ascii),
        subject="Message not delivered to all recipients",
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
        logger.error("notice cannot be signed", extra={"kv": {"err": error}})
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
        subject="Message not delivered to all recipients",
    )
    parts = (str(sender), prepared.digest.hex(), *sorted(one.recipient.path.pack(True) for one in told))
    return OwedMessage(submission, message).row(b"notice " + hashlib.sha256("\0".join(parts).encode()).digest())


def _wanted(one: Failed) -> bool:
    """Whether NOTIFY leaves room for a notice of failure."""
    notify = one.recipient.command.notify
    return not notify or "FAILURE" in notify


def _recipient(one: Failed) -> DSNRecipient:
    kind, _, original = one.recipient.command.orcpt.partition(";")
    return DSNRecipient(
        final_recipient=one.recipient.path.pack(True),
        action=Action.FAILED,
        status=one.reply.ecode or f"{one.reply.code // 100}.0.0",
        original_recipient=original,
        original_type=kind or "rfc822",
        diagnostic=str(one.reply),
    )
