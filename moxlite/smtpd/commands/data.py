"""DATA and BDAT: receiving the octets of a message (RFC 5321 §4.1.1.4, RFC 3030; SMTP-37..47)."""

import logging
from typing import Final

import trio

from moxlite.config.snapshot import AccountRecipient
from moxlite.proto.address import Address, Domain
from moxlite.proto.smtp import commands as c
from moxlite.proto.smtp.replies import OwnFault, Response
from moxlite.proto.smtp.server import NEED_DATA, DataChunk, DataEnd, Oversize
from moxlite.smtpd import replies, trace
from moxlite.smtpd.incoming.deliver import deliver
from moxlite.smtpd.notices import notify_of
from moxlite.smtpd.replies import Goodbye, Refused
from moxlite.smtpd.session import AcceptedRecipient, Session, Transaction
from moxlite.store.content.spool import Spool
from moxlite.store.content.spoolheader import HeaderTooLarge
from moxlite.store.delivery.submission import SubmissionRecipient
from moxlite.store.errors import StoreError
from moxlite.submission.authors import ways_of
from moxlite.submission.outgoing import OutgoingMessage, SubmissionRefused, SubmissionStuck
from moxlite.submission.submit import SubmissionServices, submit as hand_in

logger = logging.getLogger("moxlite.smtpd.commands.data")

MIN_CHUNK: Final = 1 << 10
"""Octets from which on a chunk of BDAT is no command without a message: in chunks of 64 KiB, a message of the largest
size takes more than a client has commands.
"""


async def data(session: Session, command: c.Data) -> Response:
    """Receive the message and deliver or queue it."""
    session.begin_content()
    session.dialogue.send(replies.START_DATA)
    return await _content(session)


async def bdat(session: Session, command: c.Bdat) -> Response:
    """Receive a chunk; after the last one deliver or queue the message."""
    transaction = session.transaction
    assert transaction is not None  # else the codec refuses
    if not transaction.chunked:
        session.begin_content(chunked=True)
    if command.size >= MIN_CHUNK:
        session.record.part_accepted()
    return await _content(session)


async def _content(session: Session) -> Response:
    """Receive the octets up to the end of DATA or of the chunk; returns the reply. A failure ends the transaction
    (SMTP-20).
    """
    transaction = session.transaction
    assert transaction is not None  # else the codec refuses
    done = False
    # One deadline for octets and delivery: commits are shielded, so it cuts none of them off half-way.
    with trio.move_on_after(session.context.timeouts.data) as scope:
        try:
            end = await _receive(session, transaction, scope)
            response = await _finish(session, transaction, end)
            done = response is replies.CHUNK_OK
            if not done:
                session.record.transaction_answered(response)
            return response
        finally:
            if not done:
                session.end_transaction()
    raise Goodbye(transaction.refused or replies.TIMEOUT, "timeout")


async def _receive(session: Session, transaction: Transaction, scope: trio.CancelScope) -> DataEnd:
    """Fill the spool. Raises Goodbye when the client disconnects: then nothing is stored (SMTP-146)."""
    codec, wire, timeouts = session.dialogue.codec, session.wire, session.context.timeouts
    while True:
        event = codec.next_event()
        match event:
            case DataChunk(octets):
                if transaction.rate is not None and not transaction.rate.add(len(octets)):
                    raise Goodbye(transaction.refused or replies.TOO_SLOW, "timeout")
                if transaction.rate is None and transaction.refused is None:  # RFC 5321 §4.5.3.2.5: for each block
                    scope.deadline = trio.current_time() + timeouts.data
                refused = transaction.refused
                await _write(transaction, octets)
                if transaction.refused is None and transaction.header.exceeded(octets):
                    transaction.refuse(replies.HEADER_TOO_LARGE)
                if transaction.refused is not refused:
                    # The reply may come only after the final dot (RFC 5321 §4.1.1.4): the rest is read and dropped, for
                    # a shorter time.
                    scope.deadline = min(scope.deadline, trio.current_time() + timeouts.discard)
            case DataEnd():
                return event
            case Oversize():
                transaction.refuse(replies.OVERSIZE)
                scope.deadline = min(scope.deadline, trio.current_time() + timeouts.discard)
            case _:
                assert event is NEED_DATA
                octets = await wire.receive_block(timeouts.block)
                if not octets:
                    raise Goodbye
                session.dialogue.trace_data(octets)
                codec.receive_data(octets)


async def _write(transaction: Transaction, octets: bytes) -> None:
    """Write octets to the spool; after a failure the rest of the message is read and dropped."""
    if transaction.spool is None:
        return
    try:
        await transaction.spool.write(octets)
    except OSError as error:
        transaction.refuse(replies.spool_reply(error))


async def _finish(session: Session, transaction: Transaction, end: DataEnd) -> Response:
    """Process a complete message or chunk; returns the reply."""
    if end.overrun:
        raise Goodbye(replies.OVERSIZE)
    if transaction.refused is not None:
        return transaction.refused
    if end.bad_line_ends:
        # The following octets may be commands that another server passed as content (SMTP-38): read none of them.
        raise Goodbye(replies.BAD_CHUNK if transaction.chunked else replies.BAD_LINE_ENDS)
    spool = transaction.spool
    assert spool is not None  # else it is refused
    if not end.last:
        return replies.CHUNK_OK
    try:
        await _complete(spool)
        return await (submit if session.context.submission else deliver)(session, transaction, spool)
    except Refused as refused:
        return refused.response
    except HeaderTooLarge:
        return replies.HEADER_TOO_LARGE
    except StoreError as error:
        logger.warning("failed to store message", extra={"kv": session.log_facts() | {"err": error}})
        return replies.store_reply(error)
    except OSError as error:  # of the spool
        return replies.spool_reply(error)


async def _complete(spool: Spool) -> None:
    if spool.size == 0:
        await spool.write(b"\r\n")  # an empty message: header section and body are empty
    await spool.finish()


# Submission of a message after its last octet: makes an `OutgoingMessage` of the session's state (SMTP-111..118).


submit_logger = logging.getLogger("moxlite.smtpd.submit")


async def submit(session: Session, transaction: Transaction, spool: Spool) -> Response:
    """Queue the message for all recipients. Raises Refused, HeaderTooLarge, StoreError; then nothing is queued."""
    context = session.context
    office = SubmissionServices(
        accounts=context.accounts, queue=context.submit, keys=context.keys, deadline=context.timeouts.store
    )
    try:
        submitted = await hand_in(office, _letter(session, transaction), spool)
    except SubmissionRefused as error:
        kind = Response if error.code >= 500 else OwnFault  # the key can't be read, or the domain is disabled
        raise Refused(kind.of(error.code, error.ecode, error.text)) from None
    except SubmissionStuck:
        raise Goodbye(error="timeout") from None
    submit_logger.info(
        "message submitted",
        extra={
            "kv": session.log_facts()
            | {
                "mailfrom": str(transaction.sender),
                "rcptto": ",".join(str(recipient.path) for recipient in transaction.recipients[:10]),
                "recipients": len(submitted.ids),
                "msgfrom": str(submitted.author),
                "size": spool.size,
                "queueid": submitted.ids[0] if submitted.ids else "",
            }
        },
    )
    return Response(250, "2.0.0", (f"message queued, id {_identifier(session)}",))


def _identifier(session: Session) -> str:
    """The id of the message that is received."""
    return session.context.received_id.encode(session.info.cid, session.record.transactions)


def _letter(session: Session, transaction: Transaction) -> OutgoingMessage:
    identity, mail = session.login.identity, transaction.mail
    assert identity is not None  # else the codec refuses MAIL
    pedantic = session.snapshot.static.pedantic
    return OutgoingMessage(
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
        way_of=ways_of(session.context.accounts, session.snapshot, identity.account),
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
        identifier=_identifier(session),
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
