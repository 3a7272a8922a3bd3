"""Logging in: LOGIN, AUTHENTICATE, STARTTLS, client certificates (RFC 9051 §6.2, RFC 4959, RFC 4422; IMAP-41..51).

`admin.logins` decides about log-ins; this module turns its outcomes into IMAP responses.
"""

import base64
import logging

from moxlite.imapd.basic import capability_code
from moxlite.imapd.session.errors import Disconnect, Refused, bad, no, refusal
from moxlite.imapd.session.state import Done, Session
from moxlite.logins.exchange import Exchange, UnknownMechanism, start_exchange
from moxlite.logins.identity import (
    BadChannelBinding,
    ForeignIdentity,
    Identity,
    LoginDisabled,
    LoginRefused,
    LoginRequest,
    NotPermitted,
    RateLimited,
    fingerprint,
)
from moxlite.proto.imap import commands as c, server as codec
from moxlite.proto.imap.responses import Continue
from moxlite.proto.sasl import NO_BINDINGS, Challenge
from moxlite.store.errors import StoreError

logger = logging.getLogger("moxlite.imapd.auth")

MECHANISMS = frozenset(
    {"PLAIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "EXTERNAL"}
)


def login_request(session: Session) -> LoginRequest:
    """The origin of a log-in attempt of this session."""
    info = session.info
    tls = info.tls
    return LoginRequest(
        protocol="imap",
        remote=info.remote,
        local=info.local,
        tls=f"{tls.version} {tls.cipher}" if tls else "",
        fingerprint=fingerprint(tls.peer_key if tls else None),
        user_agent=session.login.client,
        failures=session.login.failures,
    )


def _require_privacy(session: Session) -> None:
    """Refuse secrets without TLS (IMAP-42), CRAM-MD5 and SCRAM included, as they can then be attacked offline."""
    if session.info.tls is None and session.context.require_tls:
        raise no("use STARTTLS first", "PRIVACYREQUIRED")


async def login(session: Session, command: c.Login) -> Done:
    """LOGIN: the same as the SASL mechanism of that name."""
    _require_privacy(session)
    try:
        # The exchange of SMTP's mechanism: so delay, count, record and the secrets of unknown users are the same for
        # all ways to log in.
        with await _start(session, "LOGIN") as exchange:
            await exchange.step(None)
            await exchange.step(command.username.encode())
            outcome = await exchange.step(command.password.encode())
    except LoginRefused as error:
        raise _refused(session, error) from None
    assert isinstance(outcome, Identity)
    return await _succeed(session, outcome)


async def authenticate(session: Session, command: c.Authenticate) -> Done:
    """Answer AUTHENTICATE: log a user in by a SASL mechanism."""
    if command.mechanism not in MECHANISMS:
        raise no("unknown mechanism")
    _require_privacy(session)
    try:
        with await _start(session, command.mechanism) as exchange:
            outcome = await exchange.step(command.initial)
            while isinstance(outcome, Challenge):
                outcome = await exchange.step(await _answer(session, exchange, outcome.data))
    except LoginRefused as error:
        raise _refused(session, error) from None
    return await _succeed(session, outcome)


async def _start(session: Session, mechanism: str) -> Exchange:
    return await start_exchange(
        session.context.logins,
        login_request(session),
        mechanism,
        hostname=session.context.hostname,
        bindings=session.wire.bindings() if session.info.tls else NO_BINDINGS,
        certificate=session.login.certificate,
    )


async def _answer(session: Session, exchange: Exchange, challenge: bytes) -> bytes:
    """Send a challenge and return the client's answer. Raises Refused if the client gives up or sends anything else."""
    decoder = session.wire.decoder
    session.respond(Continue(base64.b64encode(challenge)))
    decoder.expect = "sasl"
    try:
        event = await session.wire.receive()
    finally:
        decoder.expect = "command"
    match event:
        case codec.SaslLine(octets=None):
            exchange.abort()
            raise bad("authentication canceled")
        case codec.SaslLine(octets=octets):
            assert octets is not None
            return octets
        case codec.BadCommand(fatal=False):
            exchange.abort()
            raise bad("invalid base64")
        case codec.BadCommand(text=text, code=code):
            raise Disconnect(text, code)
        case _:
            exchange.abort()
            raise Disconnect("authentication incomplete")


def _refused(session: Session, error: LoginRefused) -> Refused:
    """The response to a failed log-in (IMAP-43, IMAP-45, IMAP-51)."""
    if error.counted:
        session.failed_login()
    match error:
        case LoginDisabled():
            return Refused("NO", str(error))  # a code would make clients ask for another password
        case RateLimited():
            return no(str(error), "UNAVAILABLE")
        case UnknownMechanism():
            return no(str(error))
        case BadChannelBinding():
            logger.warning("channel binding failed", extra={"kv": {"remote": str(session.info.remote)}})
            return no("channel binding failed; someone may be intercepting the connection", "AUTHENTICATIONFAILED")
        case ForeignIdentity() | NotPermitted():
            return no(str(error), "AUTHORIZATIONFAILED")
        case _:
            return no(str(error), "AUTHENTICATIONFAILED")


async def _succeed(session: Session, identity: Identity) -> Done:
    await session.log_in(identity)
    return Done("logged in", capability_code(session))


async def starttls(session: Session, command: c.StartTls) -> Done:
    """STARTTLS: the TLS handshake follows the OK."""
    if session.info.tls is not None:
        raise bad("TLS is already active")
    if session.context.starttls is None:
        raise bad("STARTTLS isn't available")
    if session.wire.decoder.buffered:
        # Commands already received after STARTTLS would count as sent under TLS (IMAP-41, CVE-2011-0411).
        raise Disconnect("unexpected data after STARTTLS")
    return Done("ready to start TLS")


async def begin_tls(session: Session) -> None:
    """Do the TLS handshake, and find the owner of the client certificate (IMAP-47); it is not used until EXTERNAL
    (IMAP-48).
    """
    await session.wire.start_tls()
    session.info = session.wire.info
    if session.info.tls is not None and session.info.tls.peer_key is not None:
        certificate_login = await session.context.logins.certificate(login_request(session))
        session.login.certificate = certificate_login.identity if certificate_login is not None else None


async def preauthenticate(session: Session) -> bool:
    """At the start of an ``imaps`` connection: log in by client certificate, if its owner has enabled that (IMAP-48).

    Raises Disconnect when the account may not log in (IMAP-51).
    """
    tls = session.info.tls
    if tls is None or tls.peer_key is None:
        return False
    request = login_request(session)
    certificate_login = await session.context.logins.certificate(request)
    if certificate_login is None:
        return False
    session.login.certificate = certificate_login.identity
    if certificate_login.no_imap_preauth or not session.context.preauth:
        return False
    try:
        identity = await session.context.logins.use_certificate(request, certificate_login.identity.address)
    except LoginDisabled as error:
        raise Disconnect(str(error)) from None
    except (LoginRefused, StoreError):
        session.login.certificate = None
        return False
    return await enter(session, identity)


async def enter(session: Session, identity: Identity) -> bool:
    """Begin a session as logged in. Raises Disconnect if the account cannot be used now."""
    try:
        await session.log_in(identity)
    except (Refused, StoreError) as error:
        refused = refusal(error) if isinstance(error, StoreError) else error
        raise Disconnect(refused.text, refused.code.name if refused.code else None) from None
    return True
