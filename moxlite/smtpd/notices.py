"""Notices of failure about recipients that were refused when others were not (RFC 3464; SMTP-74, SMTP-108, 109)."""

import logging
import time
from collections.abc import Sequence

from moxlite.proto.address import Address, Localpart
from moxlite.proto.dsn import DSN, Action, DSNRecipient, compose_dsn
from moxlite.proto.mime.compose import new_message_id
from moxlite.proto.mime.types import MailAddress
from moxlite.proto.smtp.replies import Response
from moxlite.smtpd.session import Session
from moxlite.smtpd.transaction import AcceptedRecipient, Transaction
from moxlite.store.content.prepare import Prepared
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.submission import Submission, SubmissionRecipient
from moxlite.store.errors import StoreError

__all__ = ["send_failure_notice"]

logger = logging.getLogger("moxlite.smtpd.notices")


async def send_failure_notice(
    session: Session,
    transaction: Transaction,
    prepared: Prepared,
    failed: Sequence[tuple[AcceptedRecipient, Response]],
) -> None:
    """Queue one DSN to the sender about all failed recipients. A null sender gets none (RFC 5321 §4.5.5).

    That it cannot be queued is logged only: the message is stored for the others, and the reply must say so.
    """
    sender = transaction.sender.address
    if sender is None:
        return
    now = time.time_ns() // 1000
    hostname = session.hostname
    message_id = new_message_id(hostname.ascii)
    utf8 = transaction.mail.smtputf8
    message = compose_dsn(
        DSN(
            reporting_mta=hostname.ascii,
            recipients=tuple(_recipient(recipient, response) for recipient, response in failed),
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
    submission = Submission(
        account=session.snapshot.static.postmaster.account,
        mail_from=None,
        recipients=(SubmissionRecipient(Address(Localpart(sender.localpart), sender.domain)),),
        received=now,
        has8bit=not message.isascii(),
        smtputf8=utf8 and not message.isascii(),
        requiretls=True if transaction.mail.requiretls else None,
        message_id=message_id,
        subject="Message not delivered to all recipients",
    )
    with Spool.of(message) as spool:
        try:
            await session.context.submit(submission, spool)
        except StoreError as error:
            logger.error("notice of failure not queued", extra={"kv": {"to": str(sender), "err": error}})


def _recipient(recipient: AcceptedRecipient, response: Response) -> DSNRecipient:
    kind, _, original = recipient.command.orcpt.partition(";")
    return DSNRecipient(
        final_recipient=recipient.path.pack(True),
        action=Action.FAILED,
        status=response.ecode or f"{response.code // 100}.0.0",
        original_recipient=original,
        original_type=kind or "rfc822",
        diagnostic=str(response),
    )
