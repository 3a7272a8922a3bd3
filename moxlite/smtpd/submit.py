"""Submission of a message after its last octet: makes a `Letter` of the session's state (SMTP-111..118)."""

import logging

from moxlite.config.snapshot import AccountRecipient
from moxlite.proto.address import Address, Domain
from moxlite.proto.smtp.replies import Response
from moxlite.smtpd import trace
from moxlite.smtpd.notices import notify_of
from moxlite.smtpd.replies import Goodbye, refuse
from moxlite.smtpd.session import Session
from moxlite.smtpd.transaction import AcceptedRecipient, Transaction
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.submission import SubmissionRecipient
from moxlite.submission.errors import SubmissionRefused, SubmissionStuck
from moxlite.submission.letter import Letter
from moxlite.submission.submit import PostOffice, submit as hand_in

logger = logging.getLogger("moxlite.smtpd.submit")


async def submit(session: Session, transaction: Transaction, spool: Spool) -> Response:
    """Queue the message for all recipients. Raises Refused, HeaderTooLarge, StoreError; then nothing is queued."""
    context = session.context
    office = PostOffice(accounts=context.accounts, queue=context.submit, keys=context.keys, deadline=context.pace.store)
    try:
        submitted = await hand_in(office, _letter(session, transaction), spool)
    except SubmissionRefused as error:
        raise refuse(error.code, error.ecode, error.text) from None
    except SubmissionStuck:
        raise Goodbye(error="timeout") from None
    logger.info(
        "message submitted",
        extra={
            "kv": session.log_facts()
            | {
                "mailfrom": str(transaction.sender),
                "rcptto": ",".join(str(recipient.path) for recipient in transaction.recipients[:10]),
                "recipients": len(submitted.ids),
                "msgfrom": str(submitted.author),
                "size": spool.size,
                "queueid": submitted.ids[0],
            }
        },
    )
    return Response(250, "2.0.0", (f"message queued, id {session.dialogue.received_id}",))


def _letter(session: Session, transaction: Transaction) -> Letter:
    identity, mail = session.login.identity, transaction.mail
    assert identity is not None  # else the codec refuses MAIL
    pedantic = session.snapshot.static.pedantic
    return Letter(
        snapshot=session.snapshot,
        identity=identity,
        hostname=session.hostname,
        mail_from=transaction.sender.address,
        recipients=tuple(map(_recipient, transaction.recipients)),
        received=transaction.received,
        remote=str(session.info.remote),
        max_size=session.listener.max_message_size,
        trace=_trace(session, transaction),
        may_need_smtputf8=mail.smtputf8 or not pedantic,
        may_have_8bit=mail.body != "7BIT" or not pedantic,
        requiretls=mail.requiretls,
        hold_until=transaction.hold_until,
        future_release=_future_release(transaction),
        dsn_ret=mail.ret,
        dsn_envid=mail.envid,
        priority=mail.priority or 0,
        deliver_by=str(mail.deliver_by or ""),
    )


def _trace(session: Session, transaction: Transaction) -> bytes:
    """Trace fields; they reveal nothing about the client except that it logged in (SMTP-114)."""
    recipients = transaction.recipients
    utf8 = transaction.mail.smtputf8
    return trace.authentication_results(session.hostname, transaction.sender.pack(False) or "<>") + trace.received(
        client=session.hostname.ascii,
        client_ip=None,
        hostname=session.hostname,
        info=session.info,
        protocol=trace.protocol_name(
            extended=session.dialogue.codec.extended, utf8=utf8, tls=session.dialogue.codec.tls, authenticated=True
        ),
        requiretls=transaction.mail.requiretls,
        identifier=session.dialogue.received_id,
        recipient=recipients[0].path if len(recipients) == 1 else None,
        utf8=utf8,
        moment=transaction.received,
    )


def _future_release(transaction: Transaction) -> str:
    """The FUTURERELEASE parameter in the form of DSNs (RFC 4865 §6), "" without it."""
    if transaction.mail.hold is None:
        return ""
    kind, _, value = transaction.mail.hold.text.partition("=")
    return f"{kind.removeprefix('HOLD').lower()};{value}"


def _recipient(recipient: AcceptedRecipient) -> SubmissionRecipient:
    return SubmissionRecipient(_address(recipient), notify_of(recipient.command.notify), recipient.command.orcpt)


def _address(recipient: AcceptedRecipient) -> Address:
    """The address that the queue stores: postmaster without a domain is ours; an address literal takes the place of the
    domain (QUEUE-2).
    """
    path = recipient.path
    if isinstance(path.host, Domain):
        return Address(path.localpart, path.host)
    if path.host is None:
        assert isinstance(recipient.found, AccountRecipient)  # nothing else is found for it
        return recipient.found.canonical
    literal = path.pack(False).rpartition("@")[2]
    return Address(path.localpart, Domain(literal, literal))
