"""A submitted message after its last octet: checks, what is added and removed, limits, the queue (SMTP-111..118)."""

import logging
import secrets
from collections.abc import Sequence
from typing import Final

import msgspec
import trio

from moxlite.acceptance.evidence import from_address
from moxlite.config.domains import Account
from moxlite.config.snapshot import AccountRecipient
from moxlite.logins.identity import Identity
from moxlite.proto.address import Address, Domain, Localpart, Path
from moxlite.proto.mime.compose import text_field
from moxlite.proto.mime.dates import format_date
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.types import MIMEError
from moxlite.proto.smtp.replies import Response
from moxlite.smtpd import metrics, trace
from moxlite.smtpd.header import look_at, read_header
from moxlite.smtpd.replies import Goodbye, refuse
from moxlite.smtpd.session import Session
from moxlite.smtpd.transaction import AcceptedRecipient, Transaction
from moxlite.store.content.prepare import Prepared, prepare
from moxlite.store.content.spool import WRITE_SIZE, Spool
from moxlite.store.delivery.outgoing import OutgoingLimitExceeded, OutgoingLimits, add_outgoing
from moxlite.store.delivery.submission import (
    MAX_EXTRA,
    MAX_EXTRA_KEY,
    MAX_EXTRA_KEYS,
    DSNNotify,
    Submission,
    SubmissionRecipient,
)
from moxlite.store.errors import StoreError

__all__ = ["submit"]

logger = logging.getLogger("moxlite.smtpd.submit")

RANDOM_OCTETS: Final = 16
"""Of a FROMID or Message-Id: 22 characters of base64url, which all stand in an atom (SMTP-112, SMTP-118)."""

EXTRA: Final = (b"x-moxlite-extra-", b"x-mox-extra-")


class _Edited(msgspec.Struct, frozen=True):
    """A header section without the fields that are only for us, and what these said."""

    header: bytes
    extra: dict[str, str]


async def submit(session: Session, transaction: Transaction, spool: Spool) -> Response:
    """Queue the message for all recipients. Raises Refused, StoreError; then nothing is queued."""
    try:
        section = await read_header(spool)
        if not section.octets or section.body is None:
            metrics.submission_total.labels(result="badmessage").inc()
            raise refuse(554, "5.6.0", "message needs a header section, a blank line, and a body")
        edited = await look_at(section, _edit)
        if edited is None:
            await _submit(session, transaction, spool, section, {})
        else:
            with await spool.with_header(edited.header, len(section.octets)) as clean:
                await _submit(session, transaction, clean, await read_header(clean), edited.extra)
    except OutgoingLimitExceeded as error:
        total = error.setting == "max_outgoing_messages_per_day"
        metrics.submission_total.labels(result="messagelimiterror" if total else "recipientlimiterror").inc()
        raise
    except StoreError:
        metrics.submission_total.labels(result="queueerror").inc()
        raise
    metrics.submission_total.labels(result="ok").inc()
    return Response(250, "2.0.0", (f"message queued, id {session.received_id}",))


def _edit(section: HeaderSection) -> _Edited | None:
    """Take out Bcc, which the others must not see, and what is meant for the queue (SMTP-112, SMTP-117); None if
    neither is there.
    """
    dropped = section.all(b"bcc", *[name for name in section.names if name.startswith(EXTRA)])
    if not dropped:
        return None
    extra: dict[str, str] = {}
    for field in dropped:
        prefix = next((prefix for prefix in EXTRA if field.name.startswith(prefix)), None)
        if prefix is not None:
            _add_extra(extra, field.label[len(prefix) :].decode("ascii"), field.text)
    return _Edited(section.without(dropped), extra)


def _add_extra(extra: dict[str, str], key: str, value: bytes) -> None:
    if key in extra:
        raise refuse(554, "5.6.0", f"duplicate extra field {key[:MAX_EXTRA_KEY]}")
    extra[key] = b" ".join(value.split()).decode("utf-8", "replace")
    octets = sum(len(one.encode()) + len(other.encode()) for one, other in extra.items())
    if not key or len(key) > MAX_EXTRA_KEY or len(extra) > MAX_EXTRA_KEYS or octets > MAX_EXTRA:
        raise refuse(554, "5.6.0", "too much extra data for the queue")


async def _submit(
    session: Session, transaction: Transaction, spool: Spool, section: HeaderSection, extra: dict[str, str]
) -> None:
    identity = session.identity
    assert identity is not None  # else the codec refuses MAIL
    prepared = await _parse(session, spool)
    _check_header(session, section)
    author = _check_from(session, identity, prepared, section)
    smtputf8 = await _needs_smtputf8(transaction, spool, prepared, section)
    _check_declared(session, transaction, spool, smtputf8)
    message_id = prepared.index.envelope.message_id
    added = b""
    if not message_id:
        message_id = f"<{secrets.token_urlsafe(RANDOM_OCTETS)}@{session.hostname.ascii}>"
        added += text_field("Message-Id", message_id)
    if not section.count(b"date"):
        added += f"Date: {format_date(transaction.received)}\r\n".encode()
    recipients = _recipients(session, identity, transaction)
    sender = transaction.sender.address
    submission = Submission(
        account=identity.account,
        mail_from=sender,
        recipients=recipients,
        received=transaction.received,
        prefix=_prefix(session, transaction) + added,
        has8bit=spool.facts.eight_bit,
        smtputf8=smtputf8,
        requiretls=_requiretls(transaction, section),
        message_id=message_id,
        subject=prepared.index.envelope.subject,
        extra=extra,
        hold_until=transaction.hold_until,
        future_release=_future_release(transaction),
        dsn_ret=transaction.mail.ret,
        dsn_envid=transaction.mail.envid,
        priority=transaction.mail.priority or 0,
        deliver_by=str(transaction.mail.deliver_by or ""),
        login_address=identity.address,
    )
    settings = session.snapshot.account(identity.account)
    limits = OutgoingLimits() if settings is None else _limits(settings)
    addresses = [str(session.snapshot.canonical(recipient.address)) for recipient in recipients]
    async with session.context.accounts.use(identity.account) as account:
        await account.write(lambda tx: add_outgoing(tx, addresses, limits))
    with trio.move_on_after(session.context.pace.store, shield=True) as scope:
        ids = await session.context.submit(submission, spool)
    if scope.cancelled_caught:
        raise Goodbye(error="timeout")
    logger.info(
        "message submitted",
        extra={
            "kv": session.log_facts()
            | {
                "mailfrom": str(transaction.sender),
                "rcptto": ",".join(str(recipient.path) for recipient in transaction.recipients[:10]),
                "recipients": len(ids),
                "msgfrom": str(author),
                "size": spool.size,
                "queueid": ids[0],
            }
        },
    )


def _limits(settings: Account) -> OutgoingLimits:
    return OutgoingLimits(settings.max_outgoing_messages_per_day, settings.max_first_time_recipients_per_day)


async def _parse(session: Session, spool: Spool) -> Prepared:
    """The message, which must be fully understood: what we send on, others must be able to read (SMTP-111)."""
    limit = session.listener.max_message_size
    try:
        prepared = await prepare(spool, max_size=limit, strict=session.snapshot.static.pedantic)
    except MIMEError as error:
        metrics.submission_total.labels(result="badmessage").inc()
        raise refuse(554, "5.6.0", f"message is not well-formed: {error}") from None
    for part in prepared.index.root.walk():
        if part.defect:
            metrics.submission_total.labels(result="badmessage").inc()
            raise refuse(554, "5.6.0", f"message is not well-formed: {part.defect}")
    return prepared


def _check_header(session: Session, section: HeaderSection) -> None:
    if session.snapshot.static.pedantic and section.count(b"return-path"):
        metrics.submission_total.labels(result="badheader").inc()
        raise refuse(550, "5.6.0", "message has a Return-Path, which is not for senders to add")


def _check_from(session: Session, identity: Identity, prepared: Prepared, section: HeaderSection) -> Address:
    """One author, who is the user (SMTP-111)."""
    author = from_address(prepared.index.envelope.from_)
    if author is None or section.count(b"from") != 1:
        metrics.submission_total.labels(result="badfrom").inc()
        raise refuse(550, "5.7.1", "message needs a From field with exactly one address")
    settings = session.snapshot.domain(author.domain)
    if settings is not None and settings.disabled:
        metrics.submission_total.labels(result="badfrom").inc()
        raise refuse(451, "4.3.0", "the domain of the From address is disabled for now")
    if not session.snapshot.may_send_as(identity.account, author):
        metrics.submission_total.labels(result="badfrom").inc()
        raise refuse(550, "5.7.1", "the address in From is not yours")
    return author


async def _needs_smtputf8(transaction: Transaction, spool: Spool, prepared: Prepared, section: HeaderSection) -> bool:
    """Whether a next hop needs SMTPUTF8: a localpart of the envelope or a header is not ASCII (SMTP-29)."""
    paths = [transaction.sender, *(recipient.path for recipient in transaction.recipients)]
    if any(path.needs_smtputf8 for path in paths) or not section.octets.isascii():
        return True
    if not spool.facts.eight_bit:
        return False

    def parts() -> bool:
        return any(
            not spool.read(start, min(WRITE_SIZE, part.body - start)).isascii()
            for part in prepared.index.root.walk()
            for start in range(part.header, part.body, WRITE_SIZE)
        )

    return parts() if spool.in_memory else await trio.to_thread.run_sync(parts)


def _check_declared(session: Session, transaction: Transaction, spool: Spool, smtputf8: bool) -> None:
    """In pedantic mode the client must have said what its message needs (SMTP-29)."""
    if not session.snapshot.static.pedantic:
        return
    if smtputf8 and not transaction.mail.smtputf8:
        metrics.submission_total.labels(result="missingsmtputf8").inc()
        raise refuse(550, "5.6.0", "message has headers or addresses that need SMTPUTF8")
    if spool.facts.eight_bit and transaction.mail.body == "7BIT":
        metrics.submission_total.labels(result="badmessage").inc()
        raise refuse(500, "5.6.0", "message has 8-bit data, which needs 8BITMIME")


def _prefix(session: Session, transaction: Transaction) -> bytes:
    """Trace fields; they tell nothing of the client but that it logged in (SMTP-114)."""
    recipients = transaction.recipients
    utf8 = transaction.mail.smtputf8
    return trace.authentication_results(session.hostname, transaction.sender.pack(False) or "<>") + trace.received(
        client=session.hostname.ascii,
        client_ip=None,
        hostname=session.hostname,
        info=session.info,
        protocol=trace.protocol_name(
            extended=session.codec.extended, utf8=utf8, tls=session.codec.tls, authenticated=True
        ),
        requiretls=transaction.mail.requiretls,
        identifier=session.received_id,
        recipient=recipients[0].path if len(recipients) == 1 else None,
        utf8=utf8,
        moment=transaction.received,
    )


def _requiretls(transaction: Transaction, section: HeaderSection) -> bool | None:
    """True for REQUIRETLS, False for the header that lifts all TLS policy (RFC 8689 §5, SMTP-31)."""
    if transaction.mail.requiretls:
        return True
    values = section.texts(b"tls-required")
    return False if values and all(value.lower() == b"no" for value in values) else None


def _future_release(transaction: Transaction) -> str:
    """As DSNs want it (RFC 4865 §6)."""
    if transaction.mail.hold is None:
        return ""
    kind, _, value = transaction.mail.hold.text.partition("=")
    return f"{kind.removeprefix('HOLD').lower()};{value}"


def _recipients(session: Session, identity: Identity, transaction: Transaction) -> tuple[SubmissionRecipient, ...]:
    separator = _from_id_separator(session, identity, transaction.sender)
    if not separator:
        return tuple(_recipient(recipient) for recipient in transaction.recipients)
    sender = transaction.sender.address
    assert sender is not None
    base, found, own = sender.localpart.partition(separator)
    if found:
        if len(transaction.recipients) > 1:
            raise refuse(554, "5.5.3", "a sender id of your own is possible with one recipient only")
        return (_recipient(transaction.recipients[0], sender, own),)
    return tuple(
        _recipient(recipient, Address(Localpart(f"{base}{separator}{from_id}"), sender.domain), from_id)
        for recipient, from_id in zip(transaction.recipients, _from_ids(transaction.recipients), strict=True)
    )


def _from_ids(recipients: Sequence[AcceptedRecipient]) -> list[str]:
    return [secrets.token_urlsafe(RANDOM_OCTETS) for _ in recipients]


def _from_id_separator(session: Session, identity: Identity, sender: Path) -> str:
    """What stands before a FROMID in the sender's localpart; "" without FROMID (SMTP-118)."""
    snapshot, address = session.snapshot, sender.address
    settings = snapshot.account(identity.account)
    if settings is None or address is None:
        return ""
    if identity.address not in {str(snapshot.canonical(login)) for login in settings.from_id_login_addresses}:
        return ""
    domain = snapshot.domain(address.domain)
    return domain.localpart_separators[0] if domain is not None and domain.localpart_separators else ""


def _recipient(
    recipient: AcceptedRecipient, mail_from: Address | None = None, from_id: str = ""
) -> SubmissionRecipient:
    notify = DSNNotify(0)
    for word in recipient.command.notify:
        notify |= DSNNotify[word]
    return SubmissionRecipient(_address(recipient), notify, recipient.command.orcpt, mail_from, from_id)


def _address(recipient: AcceptedRecipient) -> Address:
    """Postmaster without a domain is ours; an address literal stands in the place of the domain (QUEUE-2)."""
    path = recipient.path
    if isinstance(path.host, Domain):
        return Address(path.localpart, path.host)
    if path.host is None:
        assert isinstance(recipient.found, AccountRecipient)  # nobody else is found for it
        return recipient.found.canonical
    literal = path.pack(False).rpartition("@")[2]
    return Address(path.localpart, Domain(literal, literal))
