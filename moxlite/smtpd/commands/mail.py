"""MAIL FROM: checks of the sender (RFC 5321 §4.1.1.2; SMTP-26..33, SMTP-62, SMTP-67, SMTP-68)."""

import time
from datetime import UTC, datetime
from typing import Final

import msgspec
import trio

from moxlite.admin.delivery.consent import code_of
from moxlite.admin.delivery.peers import PeerFailed
from moxlite.config.domains import Destination
from moxlite.config.snapshot import (
    AccountRecipient,
    AliasRecipient,
    DomainDisabled,
    NotLocal,
    PeerRecipient,
    Recipient,
    UnknownLocalpart,
)
from moxlite.logins.identity import LoginDisabled, LoginRefused
from moxlite.net.resolver import DNSError, NotFound, Resolver, TempError, absolute
from moxlite.proto.address import Address, Domain, Localpart, Path
from moxlite.proto.smtp import commands as c
from moxlite.proto.smtp.replies import Response
from moxlite.proto.srs import BadReturnAddress
from moxlite.smtpd import metrics, replies
from moxlite.smtpd.context import home_of
from moxlite.smtpd.incoming.blocklists import has_proof
from moxlite.smtpd.replies import Goodbye, Refused, refuse
from moxlite.smtpd.session import AcceptedRecipient, Session, Transaction
from moxlite.submission.authors import ways_of

HOLD_LIMIT: Final = 60 * 86_400
"""Maximum seconds of FUTURERELEASE (SMTP-33)."""

DNS_SECONDS: Final = 60.0
"""Seconds for each step that asks DNS (SMTP-73)."""


async def mail(session: Session, command: c.MailFrom) -> Response:
    """Begin a transaction."""
    session.record.check()
    session.snapshot = session.context.config.current
    if session.context.submission:
        await require_login(session)
        # At each MAIL: a mail program keeps its connection for hours, in which its app password may expire.
        identity = session.login.identity
        if identity is not None and not await session.context.logins.stored.stands(identity):
            raise Goodbye(replies.REVOKED)
    if command.size is not None and command.size > session.listener.max_message_size:
        raise refuse(552, "5.3.4", f"message too large; the limit is {session.listener.max_message_size} bytes")
    await _check_room(session, command)
    if command.requiretls:
        _check_requiretls(session)
    hold_until = _hold_until(command)
    if session.context.localserve:
        await replies.fail(session.snapshot, command.path, "mailfrom")
    if session.context.submission:
        await _check_owner(session, command)
    else:
        await _check_sender(session, command)
    session.begin_transaction(Transaction(command, hold_until, session.info.transaction_key))
    return replies.MAIL_OK


async def require_login(session: Session) -> None:
    """Log in by the client certificate, if there is no other log-in (SMTP-59, SMTP-62). Raises Refused."""
    if session.login.identity is not None or session.login.certificate is None:
        return  # without either, the codec has already refused MAIL
    try:
        address = session.login.certificate.identity.address
        identity = await session.context.logins.use_certificate(session.login.request(), address)
    except LoginDisabled as error:
        raise refuse(525, "5.7.13", str(error)) from None
    except LoginRefused as error:
        raise refuse(530, "5.7.0", str(error)) from None
    session.login.succeeded(identity)


async def _check_room(session: Session, command: c.MailFrom) -> None:
    """Refuse a message for which the disk has no room, before its octets come (SMTP-43)."""
    space, octets = session.context.spools.space, command.size or 0
    try:
        if space.due:
            await trio.to_thread.run_sync(space.check, octets)
        else:  # for a look at what is known a thread would cost 0.2 ms
            space.check(octets)
    except OSError as error:
        raise Refused(replies.spool_reply(error)) from None


def _check_requiretls(session: Session) -> None:
    """Refuse REQUIRETLS on a connection without TLS (RFC 8689 §4.1)."""
    metrics.requiretls_total.labels(result="ok" if session.dialogue.codec.tls else "notls").inc()
    if not session.dialogue.codec.tls:
        raise refuse(523, "5.7.10", "REQUIRETLS requires TLS")


def _hold_until(command: c.MailFrom) -> int | None:
    """The time of FUTURERELEASE, µs UTC (RFC 4865 §4); None without it."""
    hold = command.hold
    if hold is None:
        return None
    now = time.time()
    until = hold.until.timestamp() if hold.until is not None else now + hold.seconds
    if not now <= until <= now + HOLD_LIMIT:
        latest = datetime.fromtimestamp(now + HOLD_LIMIT, UTC)
        raise refuse(554, "5.5.4", f"the hold must end between now and {latest:%Y-%m-%dT%H:%M:%SZ}")
    return int(until * 1e6)


async def _check_owner(session: Session, command: c.MailFrom) -> None:
    """Refuse a sender address from which the user may not write (SMTP-68)."""
    path, identity = command.path, session.login.identity
    if path.is_null:  # RFC 6409 §6.1: for notices
        return
    assert identity is not None
    if isinstance(path.host, Domain):
        settings = session.snapshot.domain(path.host)
        if settings is not None and settings.disabled:
            raise refuse(451, "4.3.0", "the sender's domain is temporarily disabled")
        address = Address(path.localpart, path.host)
        if await ways_of(session.context.accounts, session.snapshot, identity.account)(address) is not None:
            return
    raise refuse(550, "5.7.1", "you can't send from this address")


async def _check_sender(session: Session, command: c.MailFrom) -> None:
    """Refuse a sender to whom no bounce can be sent (SMTP-67)."""
    host, resolver = command.path.host, session.context.resolver
    if command.path.is_null or session.context.localserve or session.info.trusted_local:
        return None
    if not isinstance(host, Domain):
        raise refuse(550, "5.7.0", "address literals aren't allowed in the sender address")
    if resolver is None or session.snapshot.domain(host) is not None:
        return None
    with trio.move_on_after(DNS_SECONDS):
        return await _check_domain(resolver, host)
    raise refuse(451, "4.4.0", "couldn't look up the sender's domain")


async def _check_domain(resolver: Resolver, domain: Domain) -> None:
    name = absolute(domain.ascii)
    try:
        answer = await resolver.mx(name)
    except NotFound:
        pass
    except TempError:
        raise refuse(451, "4.4.0", "couldn't look up the sender's domain") from None
    except DNSError:
        raise refuse(550, "5.1.8", "the sender's domain is malformed") from None
    else:
        if any(record.host == "." for record in answer.records):  # RFC 7505
            raise refuse(550, "5.7.27", "the sender's domain doesn't accept mail (null MX)")
        return
    try:
        await resolver.ips(name)
    except NotFound:
        raise refuse(550, "5.1.8", "the sender's domain doesn't have an MX, A, or AAAA record") from None
    except DNSError:
        raise refuse(451, "4.4.0", "couldn't look up the sender's domain") from None


# RCPT TO: checks of the recipient (RFC 5321 §4.1.1.3; SMTP-32, SMTP-35, SMTP-69..72).


RCPTMAX: Final = 1000  # recipients of a transaction (SMTP-32); announced by LIMITS

TOO_MANY: Final = Response(452, "4.5.3", ("too many recipients; send the others in a separate transaction",))
ALONE: Final = Response(452, "4.5.3", ("send to this recipient in a separate transaction",))


async def rcpt(session: Session, command: c.RcptTo) -> Response:
    """Add a recipient."""
    transaction = session.transaction
    assert transaction is not None  # else the codec refuses
    if len(transaction.recipients) >= RCPTMAX:
        raise Refused(TOO_MANY)
    if session.context.localserve:
        await replies.fail(session.snapshot, command.path, "rcptto")
    found = await _look_up(session, command.path)
    if session.context.submission:
        await _check_submitted(session, found, command.path)
    elif not _is_answer(session, transaction, command.path) and not _is_return(session, transaction, command.path):
        found = await _incoming(session, transaction, command.path, found)
    transaction.recipients.append(AcceptedRecipient(command, found))
    session.record.part_accepted()
    return replies.RCPT_OK


async def _look_up(session: Session, path: Path) -> Recipient:
    """The recipient behind an address; one that was given away goes before the catchall (MASK-3). Raises Refused for
    one that is switched off or has expired (MASK-4), StoreError.
    """
    found, masked = session.snapshot.lookup(path), session.context.masked
    is_away = isinstance(found, PeerRecipient) and not found.whole
    is_rest = is_away or isinstance(found, UnknownLocalpart) or (isinstance(found, AccountRecipient) and found.catchall)
    # Configured addresses win: a user cannot take one over by giving it away, and most mail needs no further look-up.
    if masked is None or not is_rest or not isinstance(path.host, Domain):
        return found
    address = Address(path.localpart, path.host)
    known = await masked.find(session.snapshot, address)
    if known is None:
        return found
    name, masked_row = known
    if not masked_row.active or masked_row.expired(time.time_ns() // 1000):
        raise refuse(550, "5.2.1", "this address no longer accepts mail")
    usual = session.snapshot.login_of(name)
    return AccountRecipient(
        account=name,
        destination=Destination()
        if usual is None
        else msgspec.structs.replace(usual.destination, smtp_error=None, refused_addresses=()),
        canonical=Address(Localpart(path.localpart.lower()), path.host),
        configured=masked_row.address,
        only_from=masked_row.only_from,
    )


def _is_answer(session: Session, transaction: Transaction, path: Path) -> bool:
    """Whether the recipient takes the answer to a question (SMTP-159b). It needs a transaction of its own."""
    code = code_of(session.snapshot, path)
    if code is None:
        return False
    if transaction.recipients:
        raise Refused(ALONE)
    if transaction.sender.is_null:
        raise Refused(replies.UNKNOWN_USER)  # a bounce or a notice
    transaction.home = code
    return True


def _is_return(session: Session, transaction: Transaction, path: Path) -> bool:
    """Whether the recipient stands for the first sender of a message that was sent on, whom only bounces reach
    (AUTH-114). It needs a transaction of its own.
    """
    try:
        home = home_of(session.context.srs, session.snapshot, path, transaction.received / 1_000_000)
    except BadReturnAddress:
        if isinstance(session.snapshot.lookup(path), AccountRecipient | AliasRecipient):
            return False  # an address of that name, or the catchall
        raise Refused(replies.UNKNOWN_USER) from None
    if transaction.home is not None or (home is not None and transaction.recipients):
        raise Refused(ALONE)
    if home is None:
        return False
    if not transaction.sender.is_null:
        raise Refused(replies.UNKNOWN_USER)
    if not session.context.bounce_limit.allowed(path.localpart):
        raise refuse(452, "4.7.1", "too many bounces to this address; try again tomorrow")
    transaction.home = home
    return True


async def _check_submitted(session: Session, recipient: Recipient, path: Path) -> None:
    """Refuse recipients of a submission as the column "Submission" of SMTP-69 says."""
    match recipient:
        case AccountRecipient():
            _check_smtp_error(recipient.destination)
            _check_refused(session, recipient.destination, path)
        case UnknownLocalpart():
            if code_of(session.snapshot, path) is None:
                raise Refused(replies.UNKNOWN_USER)
        case PeerRecipient():
            await _ask_peer(session, recipient, path, may_wait=True)
        case DomainDisabled():
            raise Refused(replies.DISABLED)
        case AliasRecipient() | NotLocal():
            if path.host is None:
                raise Refused(replies.UNKNOWN_USER)


async def _incoming(session: Session, transaction: Transaction, path: Path, recipient: Recipient) -> Recipient:
    """Refuse recipients of incoming mail as the column "MX" of SMTP-69 says. In localserve every address exists
    (SMTP-131), except in a disabled domain.
    """
    if session.context.localserve and not isinstance(recipient, AccountRecipient | AliasRecipient | DomainDisabled):
        recipient = _default_recipient(session, transaction, path)
    if transaction.recipients and isinstance(transaction.recipients[0].found, PeerRecipient):
        raise Refused(ALONE)
    _check_tls(session, recipient)
    match recipient:
        case AccountRecipient():
            _check_smtp_error(recipient.destination)
            _check_refused(session, recipient.destination, path)
        case NotLocal():
            raise Refused(replies.NOT_OURS)
        case DomainDisabled():
            raise Refused(replies.DISABLED)
        case PeerRecipient():
            if transaction.recipients:
                raise Refused(ALONE)
            await _ask_peer(session, recipient, path)
            return recipient
        case UnknownLocalpart():
            if session.smtp.reject_unknown_at_rcpt:
                raise Refused(replies.UNKNOWN_USER)
        case AliasRecipient():
            pass
    await _check_other_recipients(session, transaction, recipient)
    return recipient


async def _ask_peer(session: Session, peer_recipient: PeerRecipient, path: Path, *, may_wait: bool = False) -> None:
    """Refuse what the server from which the domain moves refuses (SMTP-184). `may_wait`: without an answer, the address
    is taken, as the queue will ask again.
    """
    peers = session.context.peers
    if peers is None:
        raise Refused(replies.DISABLED)
    try:
        await peers.check(peer_recipient, path, session.info.remote)
    except PeerFailed as error:
        if error.response.code >= 500:
            await session.wire.pause(session.context.timeouts.unknown)
        if error.response.code >= 500 or not may_wait:
            raise Refused(error.response) from None


def _check_smtp_error(destination: Destination) -> None:
    """Refuse a destination with `smtp_error`: a code, `421` or `550`, and a text."""
    if destination.smtp_error is not None:
        code, _, text = destination.smtp_error.partition(" ")
        if code == "550":
            raise refuse(550, "5.1.1", text)
        raise refuse(451, "4.3.0", text)


def _check_refused(session: Session, destination: Destination, path: Path) -> None:
    """Refuse an address that its owner has given up, as if it did not exist (SMTP-72a)."""
    if destination.refused_addresses and isinstance(path.host, Domain):
        written = session.snapshot.folded(Address(path.localpart, path.host))
        if any(
            session.snapshot.folded(refused_address) == written for refused_address in destination.refused_addresses
        ):
            raise Refused(replies.UNKNOWN_USER)


def _check_tls(session: Session, recipient: Recipient) -> None:
    """Require TLS (SMTP-35), except for TLS reports, whose senders may be unable to use TLS (RFC 8460 §5.3)."""
    if not session.smtp.require_starttls or session.dialogue.codec.tls or session.info.trusted_local:
        return
    if not (isinstance(recipient, AccountRecipient) and recipient.reports in {"tlsrpt", "host_tlsrpt"}):
        raise refuse(530, "5.7.0", "STARTTLS is required")


async def _check_other_recipients(session: Session, transaction: Transaction, recipient: Recipient) -> None:
    """Refuse a recipient that needs a transaction of its own.

    When a message is refused for some recipients only, its sender gets a notice. A sender whose address SPF does not
    confirm therefore needs a transaction per recipient: the notice could go to another person. A message with a null
    path gets no notice (RFC 5321 §4.5.5), and one to an unknown address is usually spam: both need a transaction per
    recipient.
    """
    others = transaction.recipients
    if not others or session.context.localserve or session.info.trusted_local:
        return
    unknown = isinstance(recipient, UnknownLocalpart) or isinstance(others[0].found, UnknownLocalpart)
    if transaction.sender.is_null or unknown or not await has_proof(session, transaction):
        raise Refused(ALONE)


def _default_recipient(session: Session, transaction: Transaction, path: Path) -> AccountRecipient:
    """The account for mail to an unknown address in localserve: the one that sent it, else the default one."""
    sender = session.snapshot.lookup(transaction.sender) if not transaction.sender.is_null else None
    account = sender.account if isinstance(sender, AccountRecipient) else session.context.default_account
    host = path.host if isinstance(path.host, Domain) else session.snapshot.static.hostname
    address = Address(path.localpart, host)
    return AccountRecipient(account=account, destination=Destination(), canonical=address, configured=str(address))
