"""Log-in of programs by HTTP Basic authentication (RFC 7617; WEB-92)."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from typing import TYPE_CHECKING, Final

import trio

from moxlite.logins.identity import Identity, LoginRequest
from moxlite.logins.refusals import LoginDisabled, LoginRefused, NotPermitted, RateLimited
from moxlite.web.http.errors import HTTPError

if TYPE_CHECKING:
    from moxlite.logins.logins import Logins
    from moxlite.web.http.exchange import Request

__all__ = ["log_in"]

CHALLENGE: Final = ("www-authenticate", 'Basic realm="webapi", charset="UTF-8"')
RETRY_AFTER: Final = ("retry-after", "60")
FAILURE_DELAY: Final = 1.0
"""Seconds until a failure is answered, which slows down guessing (WEB-56)."""

MAX_CREDENTIALS: Final = 4096


async def log_in(logins: Logins, request: Request) -> Identity:
    """The user of a request.

    Raises HTTPError: 401 without right credentials, or with the text of an account whose log-in is disabled; 429 after
    too many failures.
    """
    username, password = _credentials(request)
    tls = request.info.tls
    attempt = LoginRequest(
        protocol="webapi",
        remote=ipaddress.ip_address(request.client_ip),
        local=request.info.local,
        tls="" if tls is None else f"{tls.version} {tls.cipher}",
        user_agent=request.headers.get("user-agent") or "",
    )
    try:
        return await logins.password(attempt, username, password, mechanism="httpbasic")
    except RateLimited as error:
        raise HTTPError(429, f"{error}.", (RETRY_AFTER,)) from None
    except (LoginDisabled, NotPermitted) as error:
        await trio.sleep(FAILURE_DELAY)
        raise HTTPError(401, str(error), (CHALLENGE,)) from None
    except LoginRefused:
        await trio.sleep(FAILURE_DELAY)
        raise HTTPError(401, "Bad address or password.", (CHALLENGE,)) from None


def _credentials(request: Request) -> tuple[str, str]:
    """User name and password. Raises HTTPError 401."""
    fields = request.headers.all("authorization")
    scheme, _, encoded = fields[0].strip().partition(" ") if len(fields) == 1 else ("", "", "")
    if scheme.lower() == "basic" and len(encoded) <= MAX_CREDENTIALS:
        try:
            username, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            pass
        else:
            if colon:
                return username, password
    raise HTTPError(401, "Log in with an address of the account and its password (HTTP Basic).", (CHALLENGE,))
