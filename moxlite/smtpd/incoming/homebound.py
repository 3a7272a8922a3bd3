"""Bounces of messages that were sent on (SMTP-159a, AUTH-114): the first sender is told in our words, which name the
address that was written to, and never the one behind it.
"""

from __future__ import annotations

import logging
import re
import time
from typing import Final

import trio

from moxlite.mailauth.dkim.sign import SigningError
from moxlite.proto.address import Address, AddressError, Localpart
from moxlite.proto.dsn import DSN, Action, DSNError, DSNRecipient, compose_dsn, parse_dsn
from moxlite.proto.mime.compose import new_message_id
from moxlite.proto.mime.types import MailAddress
from moxlite.proto.smtp.replies import Response
from moxlite.smtpd.replies import refuse
from moxlite.smtpd.session import Session, Transaction
from moxlite.store.content.prepare import PreparedMessage, prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.submission import DSNNotify, Submission, SubmissionRecipient

logger = logging.getLogger("moxlite.smtpd.incoming.deliver")

MAX_LOOKED: Final = 256 << 10
"""Octets of a bounce that are searched for the message that it returns."""

WRITTEN_TO: Final = re.compile(rb"^Delivered-To:[ \t]*<?([^\s<>]{3,320})", re.IGNORECASE | re.MULTILINE)
"""The field that this server puts before a message that it sends on."""

REPORTERS: Final = frozenset({"mailer-daemon", "postmaster"})
"""Localparts of the authors of bounces, also of those that no program can read."""

SUBJECTS: Final = {Action.FAILED: "mail delivery failed", Action.DELAYED: "mail delivery delayed"}


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
        logger.error("failed to sign DSN", extra={"kv": {"err": error}})
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
    logger.info("bounce forwarded to original sender", extra={"kv": {"size": spool.size}})
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
