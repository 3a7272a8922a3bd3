"""EHLO, HELO, STARTTLS and the small commands (RFC 5321 §4.1.1.1, RFC 3207; SMTP-19..25)."""

import base64
import logging
from datetime import UTC, datetime, timedelta
from typing import Final

import trio

from moxlite.logins.exchange import Exchange, UnknownMechanism, start_exchange
from moxlite.logins.identity import (
    BadChannelBinding,
    BadExchange,
    Identity,
    LoginDisabled,
    LoginRefused,
    NoSecrets,
    NotPermitted,
    RateLimited,
    WrongCredentials,
)
from moxlite.net.resolver import DNSError, NotFound, absolute
from moxlite.net.tls.errors import TLSError, log_level
from moxlite.proto import sasl
from moxlite.proto.address import Domain
from moxlite.proto.sasl import Challenge
from moxlite.proto.smtp import commands as c
from moxlite.proto.smtp.replies import Response
from moxlite.proto.smtp.server import Refusal
from moxlite.smtpd import metrics, replies
from moxlite.smtpd.commands.mail import DNS_SECONDS, HOLD_LIMIT, RCPTMAX
from moxlite.smtpd.replies import Goodbye, Refused, refuse
from moxlite.smtpd.session import Session

logger = logging.getLogger("moxlite.smtpd")

# Keywords whose parameters are accepted (RFC 5321 §4.1.1.11); the reply to EHLO is made of them.
ALWAYS: Final = frozenset({"PIPELINING", "SIZE", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8", "CHUNKING", "LIMITS"})
SUBMISSION: Final = frozenset({"FUTURERELEASE", "MT-PRIORITY", "DELIVERBY", "DSN"})


async def ehlo(session: Session, command: c.Ehlo) -> Response:
    """EHLO: announce the extensions (SMTP-25)."""
    _begin(session, command)
    offers = ALWAYS
    if session.context.submission:
        offers |= SUBMISSION
    elif session.smtp.dsn_ext:
        offers |= {"DSN"}
    # REQUIRETLS is also accepted without TLS, so that it gets its own error reply (SMTP-30).
    if _requiretls(session):
        offers |= {"REQUIRETLS"}
    session.dialogue.codec.offer(offers)
    return Response(250, "", (session.hostname.ascii, *_lines(session, offers)))


def _lines(session: Session, offers: frozenset[str]) -> list[str]:
    context, tls = session.context, session.dialogue.codec.tls
    lines = ["PIPELINING", f"SIZE {session.listener.max_message_size}", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8"]
    lines += ["CHUNKING", f"LIMITS RCPTMAX={RCPTMAX}"]
    if session.starttls is not None and not tls:
        lines.append("STARTTLS")
    if "REQUIRETLS" in offers and tls:
        lines.append("REQUIRETLS")
    if context.submission:
        if login_allowed(session):
            # Without -PLUS, which is served all the same: mutt and NeoMutt choose it with GNU SASL, have no channel
            # binding to give, and try nothing else.
            names = sasl.announced(sasl.NO_BINDINGS, certificate=session.login.certificate is not None)
            lines.append(f"AUTH {' '.join(context.logins.usable(names))}")
        latest = datetime.now(UTC) + timedelta(seconds=HOLD_LIMIT)
        lines += [f"FUTURERELEASE {HOLD_LIMIT} {latest:%Y-%m-%dT%H:%M:%SZ}", "MT-PRIORITY MIXER", "DELIVERBY"]
    if "DSN" in offers:
        lines.append("DSN")
    return lines


def login_allowed(session: Session) -> bool:
    """Whether log-in by password is allowed: TLS is active, or not required."""
    return session.dialogue.codec.tls or not session.listener.submission.require_tls


def _requiretls(session: Session) -> bool:
    match session.context.service:
        case "smtp":
            return session.smtp.requiretls_ext
        case "submission":
            return session.listener.submission.requiretls_ext
        case "submissions":
            return session.listener.submissions.requiretls_ext


def _begin(session: Session, command: c.Ehlo | c.Helo) -> None:
    session.end_transaction()
    session.snapshot = session.context.config.current
    session.hello = command


async def helo(session: Session, command: c.Helo) -> Response:
    """HELO; its name must exist in DNS (SMTP-24)."""
    if not session.context.submission and isinstance(command.host, Domain):
        await _check_helo(session, command.host)
    _begin(session, command)
    return Response(250, "", (session.hostname.ascii,))


async def _check_helo(session: Session, domain: Domain) -> None:
    resolver = session.context.resolver
    if resolver is None or not session.network_checks:
        return
    with trio.move_on_after(DNS_SECONDS):
        try:
            await resolver.ips(absolute(domain.ascii))
        except NotFound:
            raise refuse(550, "5.5.0", "the host name in HELO doesn't exist") from None
        except DNSError:
            return


async def starttls(session: Session, command: c.StartTLS) -> None:
    """STARTTLS: shake hands, and forget what the client sent before (SMTP-20, SMTP-145)."""
    tls = session.starttls
    assert tls is not None  # else the codec refuses
    # The transaction ends and EHLO is forgotten: what came in clear may be an attacker's (RFC 3207 §4.2). A log-in
    # need not be: after AUTH the codec refuses STARTTLS.
    session.dialogue.send(replies.START_TLS)
    await session.wire.flush()
    metrics.starttls_total.inc()
    session.end_transaction()
    session.hello = None
    try:
        await session.wire.start_tls(tls, session.dialogue.codec.leftover())
    except TLSError as error:
        metrics.starttls_errors_total.labels(reason=error.kind).inc()
        level = log_level(error, session.info)
        logger.log(level, "STARTTLS failed", extra={"kv": session.log_facts() | {"err": error}})
        raise Goodbye(error="starttls") from None
    session.dialogue.codec.tls_started()
    if session.context.submission:
        await session.login.look_at_certificate()


async def rset(session: Session, command: c.Rset) -> Response:
    """RSET: end the transaction."""
    session.end_transaction()
    return replies.OK


async def noop(session: Session, command: c.Noop) -> Response:
    """Answer NOOP."""
    return replies.OK


async def help_(session: Session, command: c.Help) -> Response:
    """HELP: refer to RFC 5321."""
    return replies.HELP


async def vrfy(session: Session, command: c.Vrfy | c.Expn) -> Response:
    """VRFY and EXPN: do not reveal addresses (RFC 5321 §3.5.3)."""
    return replies.CANNOT_VRFY


async def quit_(session: Session, command: c.Quit) -> Response | None:
    """Answer QUIT, which ends the session."""
    raise Goodbye(replies.BYE)


# AUTH: a SASL exchange in SMTP (RFC 4954; SMTP-48..65).
#
# `logins.exchange` verifies the credentials.


# The first matching class counts.
FAILURES: Final[tuple[tuple[type[LoginRefused], int, str], ...]] = (
    (UnknownMechanism, 504, "5.5.4"),
    (BadChannelBinding, 535, "5.7.7"),
    (WrongCredentials, 535, "5.7.8"),
    (NotPermitted, 535, "5.7.8"),
    (BadExchange, 501, "5.5.4"),
    (NoSecrets, 454, "4.7.0"),
    (LoginDisabled, 525, "5.7.13"),
    (LoginRefused, 454, "4.7.0"),
)


async def auth(session: Session, command: c.Auth) -> Response | None:
    """Log in. The last reply is returned, the challenges before it are sent."""
    needs_tls = command.mechanism.endswith("-PLUS") or command.mechanism == "EXTERNAL"
    if not session.dialogue.codec.tls and (needs_tls or not login_allowed(session)):
        raise refuse(538, "5.7.11", "TLS is required to log in")
    try:
        with await start_exchange(
            session.context.logins,
            session.login.request(),
            command.mechanism,
            hostname=session.hostname.ascii,
            bindings=session.wire.bindings,
            plus_announced=False,
            certificate=session.login.certificate.identity if session.login.certificate is not None else None,
        ) as exchange:
            identity = await _dialogue(session, exchange, command.initial)
    except RateLimited:
        raise Goodbye(replies.TOO_MANY_FAILURES) from None
    except LoginRefused as error:
        if error.counted:
            session.login.failed()
        raise _refused(error) from None
    if identity is None:
        return None
    session.login.succeeded(identity)
    return Response(235, "2.7.0", ("logged in",))


async def _dialogue(session: Session, exchange: Exchange, data: bytes | None) -> Identity | None:
    """Exchange challenges and answers; returns None, after the reply, if the client gave up or sent bad base64."""
    while True:
        step = await exchange.step(data)
        if not isinstance(step, Challenge):
            return step
        session.dialogue.send(Response(334, "", (base64.b64encode(step.data).decode(),)))
        answer = await session.dialogue.next_line()
        if isinstance(answer, Refusal):
            exchange.abort()
            session.refuse(answer)
            return None
        data = answer.data


def _refused(error: LoginRefused) -> Refused:
    code, ecode = next((code, ecode) for kind, code, ecode in FAILURES if isinstance(error, kind))
    return refuse(code, ecode, str(error))
