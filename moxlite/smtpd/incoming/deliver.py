"""An incoming message after its last octet: checks, one plan per account, storing, and the reply (SMTP-73..80,
104..108).

The reply is 250 only after the commit in each account that accepts; notices and deliveries that wait are durable before
it, too. A commit is shielded from cancellation, so a shutdown cannot leave a message stored that the client was told is
not (SMTP-44).
"""

import logging
from functools import partial
from typing import Final

from moxlite.acceptance.checks import Checks, check_sender, from_domains
from moxlite.acceptance.evidence import Envelope, Evidence
from moxlite.acceptance.gathering import Message, evidence_of
from moxlite.acceptance.sieve.filtering import automatic
from moxlite.admin.delivery.consent import read_answer
from moxlite.config.snapshot import PeerRecipient, UnknownLocalpart
from moxlite.mailauth.dkim.message import Message as SignedMessage
from moxlite.mailauth.results import DMARCStatus
from moxlite.proto.address import Address, AddressError, Domain
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.types import MIMEError
from moxlite.proto.smtp.replies import Response
from moxlite.smtpd import replies, trace
from moxlite.smtpd.incoming.blocklists import question_of
from moxlite.smtpd.incoming.passing import pass_on
from moxlite.smtpd.incoming.prefix import common_of
from moxlite.smtpd.incoming.reception import Reception
from moxlite.smtpd.incoming.results import Noting
from moxlite.smtpd.replies import Refused, refuse
from moxlite.smtpd.session import Session
from moxlite.smtpd.transaction import Transaction
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool, look_at, read_header
from moxlite.store.delivery.submission import DSNNotify, Submission, SubmissionRecipient

logger = logging.getLogger("moxlite.smtpd.incoming.deliver")

MAX_RECEIVED: Final = 100
"""Number of Received fields above which a message counts as looping (SMTP-42, RFC 5321 §6.3)."""

PREFIX_ROOM: Final = 64 << 10
"""Octets that trace fields may add to a message of the maximum size."""


async def deliver(session: Session, transaction: Transaction, spool: Spool) -> Response:
    """Deliver to all recipients; returns the one reply to the client (SMTP-108). Raises Refused, StoreError."""
    if session.context.localserve:
        for recipient in transaction.recipients:
            await replies.fall_silent(session.snapshot, recipient.path, "")
    section = await read_header(spool)
    if section.count(b"received") > MAX_RECEIVED:
        raise Refused(replies.LOOP)
    if isinstance(transaction.home, str):
        return await _answer(session, transaction, transaction.home, spool, section)
    if transaction.home is not None:
        return await _send_home(session, transaction, transaction.home, spool)
    if all(isinstance(recipient.found, UnknownLocalpart) for recipient in transaction.recipients):
        await session.wire.pause(session.context.pace.unknown)
        noting = Noting(session, transaction, spool.size)
        for recipient in transaction.recipients:
            noting.unknown(recipient)
        raise Refused(replies.UNKNOWN_USER)
    checks = await _check(session, transaction, spool, section)
    if not session.info.trusted_local:
        cleaned = await look_at(section, partial(trace.without_forged, hostnames=session.snapshot.hostnames))
        if cleaned is not None:
            with await spool.with_header(cleaned, len(section.octets)) as clean_spool:
                return await _deliver(session, transaction, clean_spool, await read_header(clean_spool), checks)
    return await _deliver(session, transaction, spool, section, checks)


async def _send_home(session: Session, transaction: Transaction, home: Address, spool: Spool) -> Response:
    """Queue the bounce of a message that was sent on, for its first sender; durable before the reply."""
    limit = session.listener.max_message_size + PREFIX_ROOM
    prepared = await prepare(spool, max_size=limit)
    evidence = evidence_of(_envelope(session, transaction), Message(prepared, await read_header(spool)))
    submission = Submission(
        account=session.snapshot.static.postmaster.account,
        mail_from=None,
        recipients=(SubmissionRecipient(home, dsn_notify=DSNNotify.NEVER),),
        received=transaction.received,
        prefix=common_of(session, transaction, prepared, evidence).received(transaction.recipients[0].path),
        has8bit=transaction.mail.body == "8BITMIME",
        smtputf8=home.needs_smtputf8 or transaction.mail.smtputf8,
        message_id=prepared.index.envelope.message_id,
        subject=prepared.index.envelope.subject,
        key=transaction.identifier,
    )
    await session.context.submit(submission, spool)
    logger.info("bounce sent on to the first sender", extra={"kv": {"size": spool.size}})
    return Response(250, "2.0.0", (f"message accepted, id {session.dialogue.received_id}",))


async def _answer(
    session: Session, transaction: Transaction, code: str, spool: Spool, section: HeaderSection
) -> Response:
    """Read the answer to a question."""
    if spool.size > MAX_ANSWER:
        raise Refused(replies.OVERSIZE)
    checks = await _check(session, transaction, spool, section)
    message = Message(await prepare(spool, max_size=MAX_ANSWER + PREFIX_ROOM), section)
    return await take_answer(session, code, message, evidence_of(_envelope(session, transaction), message, checks))


async def _check(session: Session, transaction: Transaction, spool: Spool, section: HeaderSection) -> Checks | None:
    """Authenticate the sender, by the octets as received: signatures may cover fields that are removed afterwards."""
    resolver = session.context.resolver
    if resolver is None or not session.sender_checks:
        return None
    question = question_of(session, transaction, await look_at(section, from_domains))
    body = section.body if section.body is not None else spool.size
    signed = SignedMessage(section, lambda: spool.chunks(start=body), spool.size, spool.in_memory)
    return await check_sender(resolver, question, signed, transaction.spf)


async def _deliver(
    session: Session, transaction: Transaction, spool: Spool, section: HeaderSection, checks: Checks | None
) -> Response:
    limit = session.listener.max_message_size + PREFIX_ROOM
    try:
        prepared = await prepare(spool, max_size=limit, strict=session.context.localserve)
    except MIMEError as error:  # only localserve is strict (SMTP-133)
        raise refuse(554, "5.6.0", f"message is not well-formed: {error}") from None
    message = Message(prepared, section)
    evidence = evidence_of(_envelope(session, transaction), message, checks)
    if isinstance(transaction.recipients[0].found, PeerRecipient):
        return await pass_on(session, transaction, message, evidence, spool)
    return await Reception(session, transaction, message, evidence).run()


def _envelope(session: Session, transaction: Transaction) -> Envelope:
    hello = session.hello.host if session.hello is not None else None
    return Envelope(
        remote=session.info.remote,
        hello=hello if isinstance(hello, Domain) else None,
        sender=transaction.sender,
        trusted=session.info.trusted_local,
        tls=session.info.tls is not None,
        lax=transaction.lax,
    )


# Answers by mail to the question whether mail may be sent on (SMTP-159b, QUEUE-179): read when they arrive, and kept
# by no account.
#
# The address of an answer has the question's secret. As copies of a mail get around, the author must also be the one
# who was asked, proven by an aligned signature or SPF; and answers of programs do not count.


MAX_ANSWER: Final = 4 << 20
"""Octets of an answer: a word, and a picture in a signature."""


async def take_answer(session: Session, code: str, message: Message, evidence: Evidence) -> Response:
    """Take the answer to the question behind a code; durable before the reply. Raises Refused, StoreError."""
    forwarding = await session.context.forwarding.get() if session.context.forwarding is not None else None
    question = await forwarding.question(code) if forwarding is not None else None
    if forwarding is None or question is None:
        await session.wire.pause(session.context.pace.unknown)
        raise Refused(replies.UNKNOWN_USER)
    if automatic(message.section):
        raise refuse(550, "5.7.1", "automatic answers do not count: answer by hand")
    if evidence.msg_from is None or not _is_same(evidence.msg_from, question.target):
        raise refuse(550, "5.7.1", "answer from the address that was asked, as the only author")
    _require_proof(evidence)
    agrees = read_answer(message.prepared.preview)
    if agrees is None:
        raise refuse(550, "5.6.0", 'begin the answer with the word "yes" or "no"')
    if not await forwarding.answer(code, agree=agrees):
        raise Refused(replies.UNKNOWN_USER)
    return Response(
        250, "2.0.0", ("thank you, mail is sent to you" if agrees else "thank you, nothing is sent to you",)
    )


def _is_same(author: Address, asked: str) -> bool:
    try:
        other = Address.parse(asked)
    except AddressError:
        return False
    return author.domain == other.domain and author.localpart.lower() == other.localpart.lower()


def _require_proof(evidence: Evidence) -> None:
    """Refuse an author who is not proven. Mail of our own users is not checked: they log in to send it."""
    checks = evidence.checks
    if checks is None:
        return
    if checks.dmarc.status is DMARCStatus.TEMPERROR:
        raise refuse(451, "4.7.5", "the author cannot be verified now, try again later")
    if checks.dmarc.status is DMARCStatus.FAIL or checks.from_validation == "none":
        raise refuse(550, "5.7.26", "the author is proven neither by DKIM nor by SPF: use the link of the question")
