"""An incoming message after its last octet: checks, one plan per account, storing, and the reply (SMTP-73..80,
104..108).

The reply is 250 only after the commit in each account that accepts; notices and deliveries that wait are durable before
it, too. A commit is shielded from cancellation, so a shutdown cannot leave a message stored that the client was told is
not (SMTP-44).
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from functools import partial
from typing import Final

import trio

from moxlite.acceptance.checks import Checks, check_sender, from_domains
from moxlite.acceptance.evidence import INDIRECT, Envelope, Evidence
from moxlite.acceptance.gathering import Message, evidence_of
from moxlite.acceptance.producers.judgement import JUNK_REFUSED, LATER as DMARC_LATER, REFUSED as DMARC_REFUSED
from moxlite.acceptance.sieve.filtering import automatic
from moxlite.admin.delivery.consent import read_answer
from moxlite.admin.delivery.peers import PeerFailed
from moxlite.config.snapshot import PeerRecipient, UnknownLocalpart
from moxlite.mailauth.dkim.message import Message as SignedMessage
from moxlite.mailauth.results import DMARCStatus
from moxlite.proto.address import Address, AddressError, Domain
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.types import MIMEError
from moxlite.proto.smtp.conversation import Recipient, Transaction as Passing
from moxlite.proto.smtp.replies import Response
from moxlite.smtpd import replies, trace
from moxlite.smtpd.incoming import blocklists
from moxlite.smtpd.incoming.blocklists import question_of
from moxlite.smtpd.incoming.prefix import authentication, common_of
from moxlite.smtpd.incoming.reception import Reception
from moxlite.smtpd.incoming.results import Noting
from moxlite.smtpd.replies import Refused, refuse
from moxlite.smtpd.session import Session
from moxlite.smtpd.transaction import Transaction
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import WRITE_SIZE, Spool, look_at, read_header
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


# A message for an address that is not here yet goes on to the server from which its domain moves, while the client
# waits: its reply is that server's, so nothing has to be bounced (SMTP-185, SMTP-186).


async def pass_on(
    session: Session, transaction: Transaction, message: Message, evidence: Evidence, spool: Spool
) -> Response:
    """Give a message to the peer of its recipient's domain; the reply to the client. Raises Refused.

    The peer sees this server as the client, so what the client's address and domain say against the message is judged
    here; the rest is the peer's.
    """
    [recipient] = transaction.recipients
    found, peers = recipient.found, session.context.peers
    assert isinstance(found, PeerRecipient)
    assert peers is not None  # else RCPT was refused
    noting = Noting(session, transaction, spool.size, evidence, message.prepared.index.envelope.message_id)
    try:
        await _judge(session, transaction, message.section, evidence)
        common = common_of(session, transaction, message.prepared, evidence)
        prefix = authentication(common, evidence.checks) + common.received(recipient.path)
        prefix += b"\r\n" if common.headerless else b""
        passing = Passing(
            mail_from=transaction.sender,
            recipients=(Recipient(recipient.path, tuple(recipient.command.notify), recipient.command.orcpt),),
            size=len(prefix) + spool.size,
            eight_bit=spool.facts.eight_bit,
            smtputf8=transaction.mail.smtputf8,
            requiretls=transaction.mail.requiretls,
            ret=transaction.mail.ret,
            envid=transaction.mail.envid,
        )
        host = await peers.pass_on(found, passing, partial(_octets, prefix, spool))
    except (PeerFailed, Refused) as error:
        noting.passed(recipient, error.response)
        raise Refused(error.response) from None
    response = Response(250, "2.0.0", (f"message accepted, id {session.dialogue.received_id}",))
    noting.passed(recipient, response, host)
    return response


async def _judge(session: Session, transaction: Transaction, section: HeaderSection, evidence: Evidence) -> None:
    """Raises Refused."""
    if await look_at(section, partial(_passes, session, transaction)) > (1 if session.info.trusted_local else 0):
        raise Refused(replies.LOOP)
    checks = evidence.checks
    if checks is not None and checks.dmarc.policy != "none" and checks.dmarc.status is DMARCStatus.TEMPERROR:
        raise Refused(DMARC_LATER)
    if checks is not None and checks.dmarc.reject and checks.vouched is None and evidence.fact(INDIRECT) is None:
        raise Refused(DMARC_REFUSED)
    if session.network_checks and await blocklists.Once(session).listed():
        raise Refused(JUNK_REFUSED)


def _passes(session: Session, transaction: Transaction, section: HeaderSection) -> int:
    """How often the message has passed this server on its way to this very recipient. A user's mail has once, when it
    was submitted; a peer that sends mail for unknown addresses to the MX host brings it again.
    """
    [recipient] = transaction.recipients
    target = f"for <{recipient.path.pack(True)}>".lower()
    fields = (" ".join(text.decode("utf-8", "replace").lower().split()) for text in section.texts(b"received"))
    names = [f"by {name} " for name in session.snapshot.hostnames]
    return sum(target in field and any(name in field for name in names) for field in fields)


async def _octets(prefix: bytes, spool: Spool) -> AsyncIterator[bytes]:
    yield prefix
    for at in range(0, spool.size, WRITE_SIZE):
        if spool.in_memory:
            yield spool.read(at, WRITE_SIZE)
        else:
            yield await trio.to_thread.run_sync(spool.read, at, WRITE_SIZE)
