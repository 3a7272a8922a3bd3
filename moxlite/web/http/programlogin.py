"""Log-in of programs by HTTP Basic authentication (RFC 7617) or token (RFC 6750; WEB-92, DAV-13, JMAP-2, JMAP-2a)."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final, Literal

import trio

from moxlite.logins.identity import (
    Identity,
    LoginDisabled,
    LoginRefused,
    LoginRequest,
    NotPermitted,
    Protocol,
    RateLimited,
    origin_of,
)
from moxlite.store.changelog.origin import act_from
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.messages import Headers

if TYPE_CHECKING:
    from moxlite.logins.logins import Logins
    from moxlite.web.http.exchange import Request


RETRY_AFTER: Final = ("retry-after", "60")
FAILURE_DELAY: Final = 1.0
"""Seconds until a failure is answered, which slows down guessing (WEB-56)."""


async def log_in(logins: Logins, request: Request, protocol: Literal["webapi", "dav", "jmap"]) -> Identity:
    """The user of a request.

    Raises HTTPError: 401 without right credentials, or with the text of an account whose log-in is disabled; 429 after
    too many failures.
    """
    challenge = ("www-authenticate", f'Basic realm="{protocol}", charset="UTF-8"')
    token, credentials = bearer_token(request.headers), basic_credentials(request.headers)
    if token is None and credentials is None:
        challenges = (challenge, ("www-authenticate", f'Bearer realm="{protocol}"'))
        text = "Log in with an address of the account and its password (HTTP Basic), or with a token (Bearer)."
        raise HTTPError(401, text, challenges)
    attempt = attempt_of(request, protocol)
    wrong = "Bad address or password."
    if token is not None:
        challenge = ("www-authenticate", f'Bearer realm="{protocol}", error="invalid_token"')
        wrong = "Invalid token."
    try:
        if token is not None:
            identity = await logins.token(attempt, token)
        else:
            assert credentials is not None
            identity = await logins.password(attempt, *credentials, mechanism="httpbasic")
    except RateLimited as error:
        raise HTTPError(429, f"{error}.", (RETRY_AFTER,)) from None
    except (LoginDisabled, NotPermitted) as error:
        await trio.sleep(FAILURE_DELAY)
        raise HTTPError(401, str(error), (challenge,)) from None
    except LoginRefused:
        await trio.sleep(FAILURE_DELAY)
        raise HTTPError(401, wrong, (challenge,)) from None
    act_from(origin_of(identity, protocol, request.client))
    return identity


async def token_login(logins: Logins, request: Request, token: str, protocol: Literal["addresses"]) -> Identity:
    """The user of a request by a token alone, wherever the request has it. Raises HTTPError: 401, 429."""
    try:
        return await logins.token(attempt_of(request, protocol), token)
    except RateLimited as error:
        raise HTTPError(429, f"{error}.", (RETRY_AFTER,)) from None
    except LoginRefused as error:
        await trio.sleep(FAILURE_DELAY)
        told = isinstance(error, LoginDisabled | NotPermitted)
        raise HTTPError(401, str(error) if told else "Invalid token.") from None


def attempt_of(request: Request, protocol: Protocol) -> LoginRequest:
    """The origin of an attempt, for records and limits."""
    tls = request.info.tls
    return LoginRequest(
        protocol=protocol,
        remote=request.client,
        local=request.info.local,
        tls="" if tls is None else f"{tls.version} {tls.cipher}",
        user_agent=request.headers.get("user-agent") or "",
    )


# Credentials of a request: name and password (HTTP Basic, RFC 7617), or a token (Bearer, RFC 6750).

MAX_CREDENTIALS: Final = 4096
"""Characters of the credentials; names and passwords have at most some hundred."""


def bearer_token(headers: Headers) -> str | None:
    """The token, "" for one that cannot be right; None unless the request has one, once."""
    # Two fields are as good as none: a proxy in front of us may have judged the other one.
    fields = headers.all("authorization")
    scheme, _, token = fields[0].strip().partition(" ") if len(fields) == 1 else ("", "", "")
    if scheme.lower() != "bearer":
        return None
    return token.strip() if len(token) <= MAX_CREDENTIALS and token.isascii() else ""


def basic_credentials(headers: Headers) -> tuple[str, str] | None:
    """Name and password, UTF-8; None unless there are credentials, once."""
    fields = headers.all("authorization")
    scheme, _, encoded = fields[0].strip().partition(" ") if len(fields) == 1 else ("", "", "")
    if scheme.lower() != "basic" or len(encoded) > MAX_CREDENTIALS:
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (name, password) if colon else None
