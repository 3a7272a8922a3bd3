"""AUTH: a SASL exchange in SMTP (RFC 4954; SMTP-48..65).

`logins.exchange` verifies the credentials.
"""

import base64
from typing import Final

from moxlite.logins.exchange import Exchange, UnknownMechanism, start_exchange
from moxlite.logins.identity import Identity
from moxlite.logins.refusals import (
    BadChannelBinding,
    BadExchange,
    LoginDisabled,
    LoginRefused,
    NoSecrets,
    NotPermitted,
    RateLimited,
    WrongCredentials,
)
from moxlite.proto.sasl import Challenge
from moxlite.proto.smtp import commands as c
from moxlite.proto.smtp.replies import Response
from moxlite.proto.smtp.server import Refusal
from moxlite.smtpd import replies
from moxlite.smtpd.commands.hello import login_allowed
from moxlite.smtpd.replies import Goodbye, Refused, refuse
from moxlite.smtpd.session import Session

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
        raise refuse(538, "5.7.11", "TLS is required for this")
    try:
        with await start_exchange(
            session.context.logins,
            session.login.request(),
            command.mechanism,
            hostname=session.hostname.ascii,
            bindings=session.wire.bindings,
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
