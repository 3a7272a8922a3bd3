"""MAIL FROM: checks of the sender (RFC 5321 §4.1.1.2; SMTP-26..33, SMTP-62, SMTP-67, SMTP-68)."""

import time
from datetime import UTC, datetime
from typing import Final

import trio

from moxlite.logins.refusals import LoginDisabled, LoginRefused
from moxlite.net.resolver import DNSError, NotFound, Resolver, TempError, absolute
from moxlite.proto.address import Address, Domain
from moxlite.proto.smtp import commands as c
from moxlite.proto.smtp.replies import Response
from moxlite.smtpd import metrics, replies, simulate
from moxlite.smtpd.replies import Goodbye, refuse
from moxlite.smtpd.session import Session
from moxlite.smtpd.transaction import Transaction

HOLD_LIMIT: Final = 60 * 86_400
"""Maximum seconds of FUTURERELEASE (SMTP-33)."""

DNS_SECONDS: Final = 60.0
"""Seconds for each step that asks DNS (SMTP-73)."""


async def mail(session: Session, command: c.MailFrom) -> Response:
    """Begin a transaction."""
    session.record.check()
    session.snapshot = session.context.config.current
    if session.context.submission:
        require_login(session)
        identity = session.login.identity
        if identity is not None and not await session.context.logins.stored.stands(identity):
            raise Goodbye(replies.REVOKED)
    if command.size is not None and command.size > session.listener.max_message_size:
        raise refuse(552, "5.3.4", f"message too large, the limit is {session.listener.max_message_size} octets")
    if command.requiretls:
        _check_requiretls(session)
    hold_until = _hold_until(command)
    if session.context.localserve:
        await simulate.fail(session.snapshot, command.path, "mailfrom")
    if session.context.submission:
        _check_owner(session, command)
    else:
        await _check_sender(session, command)
    session.begin_transaction(Transaction(command, hold_until, session.info.transaction_key))
    return replies.MAIL_OK


def require_login(session: Session) -> None:
    """Log in by the client certificate, if there is no other log-in (SMTP-59, SMTP-62). Raises Refused."""
    if session.login.identity is not None or session.login.certificate is None:
        return  # without either, the codec has already refused MAIL
    try:
        identity = session.context.logins.use_certificate(session.login.request(), session.login.certificate)
    except LoginDisabled as error:
        raise refuse(525, "5.7.13", str(error)) from None
    except LoginRefused as error:
        raise refuse(530, "5.7.0", str(error)) from None
    session.login.succeeded(identity)


def _check_requiretls(session: Session) -> None:
    """Refuse REQUIRETLS on a connection without TLS (RFC 8689 §4.1)."""
    metrics.requiretls_total.labels(result="ok" if session.dialogue.codec.tls else "notls").inc()
    if not session.dialogue.codec.tls:
        raise refuse(523, "5.7.10", "REQUIRETLS needs TLS")


def _hold_until(command: c.MailFrom) -> int | None:
    """The time of FUTURERELEASE, µs UTC (RFC 4865 §4); None without it."""
    hold = command.hold
    if hold is None:
        return None
    now = time.time()
    until = hold.until.timestamp() if hold.until is not None else now + hold.seconds
    if not now <= until <= now + HOLD_LIMIT:
        latest = datetime.fromtimestamp(now + HOLD_LIMIT, UTC)
        raise refuse(554, "5.5.4", f"mail can be held from now until {latest:%Y-%m-%dT%H:%M:%SZ}")
    return int(until * 1e6)


def _check_owner(session: Session, command: c.MailFrom) -> None:
    """Refuse a sender address that is not the user's own (SMTP-68)."""
    path, identity = command.path, session.login.identity
    if path.is_null:  # RFC 6409 §6.1: for notices
        return
    assert identity is not None
    if isinstance(path.host, Domain):
        settings = session.snapshot.domain(path.host)
        if settings is not None and settings.disabled:
            raise refuse(451, "4.3.0", "the sender's domain is disabled for now")
        if session.snapshot.may_send_as(identity.account, Address(path.localpart, path.host)):
            return
    raise refuse(550, "5.7.1", "this sender address is not yours")


async def _check_sender(session: Session, command: c.MailFrom) -> None:
    """Refuse a sender to whom no bounce can be sent (SMTP-67)."""
    host, resolver = command.path.host, session.context.resolver
    if command.path.is_null or session.context.localserve or session.info.trusted_local:
        return None
    if not isinstance(host, Domain):
        raise refuse(550, "5.7.0", "address literals are not accepted as sender")
    if resolver is None or session.snapshot.domain(host) is not None:
        return None
    with trio.move_on_after(DNS_SECONDS):
        return await _check_domain(resolver, host)
    raise refuse(451, "4.4.0", "the sender's domain cannot be looked up")


async def _check_domain(resolver: Resolver, domain: Domain) -> None:
    name = absolute(domain.ascii)
    try:
        answer = await resolver.mx(name)
    except NotFound:
        pass
    except TempError:
        raise refuse(451, "4.4.0", "the sender's domain cannot be looked up") from None
    except DNSError:
        raise refuse(550, "5.1.8", "the sender's domain is malformed") from None
    else:
        if any(record.host == "." for record in answer.records):  # RFC 7505
            raise refuse(550, "5.7.27", "the sender's domain takes no mail (null MX)")
        return
    try:
        await resolver.ips(name)
    except NotFound:
        raise refuse(550, "5.1.8", "the sender's domain has no MX, A or AAAA record") from None
    except DNSError:
        raise refuse(451, "4.4.0", "the sender's domain cannot be looked up") from None
