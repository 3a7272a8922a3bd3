"""Who may use a rule: networks of clients, and names with passwords (WEB-162)."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

import trio

from moxlite.logins.identity import LoginRequest
from moxlite.logins.refusals import RateLimited, WrongCredentials
from moxlite.net.limits import within
from moxlite.web.http.basicauth import basic_credentials
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.messages import Headers

if TYPE_CHECKING:
    from moxlite.config.domains import WebHandler
    from moxlite.logins.sites import SiteLogins
    from moxlite.web.http.exchange import Request

RETRY_AFTER: Final = ("retry-after", "60")
FAILURE_DELAY: Final = 1.0
"""Seconds until a failure is answered, which slows down guessing (WEB-56)."""


class Access:
    """The access to one rule."""

    def __init__(self, settings: WebHandler, sites: SiteLogins) -> None:
        self._networks = settings.allow_ips
        self._auth = settings.basic_auth
        self._host = settings.domain.ascii
        self._sites = sites

    async def check(self, request: Request) -> None:
        """Check a request. Its credentials are removed after that: the server behind has no use for them.

        Raises HTTPError: 403 for a foreign network, 401 without a right password, 429 after too many failures.
        """
        remote = ipaddress.ip_address(request.client_ip)
        if self._networks and not within(remote, self._networks):
            raise HTTPError(403, "This address is not open to your network.")
        if self._auth is None:
            return
        challenge = ("www-authenticate", f'Basic realm="{self._auth.realm}", charset="UTF-8"')
        credentials = basic_credentials(request.headers)
        if credentials is None:
            raise HTTPError(401, "Log in with a name and a password.", (challenge,))
        tls = request.info.tls
        attempt = LoginRequest(
            protocol="website",
            remote=remote,
            local=request.info.local,
            tls="" if tls is None else f"{tls.version} {tls.cipher}",
            user_agent=request.headers.get("user-agent") or "",
        )
        try:
            await self._sites.check(attempt, self._host, self._auth.users, *credentials)
        except RateLimited as error:
            raise HTTPError(429, f"{error}.", (RETRY_AFTER,)) from None
        except WrongCredentials:
            await trio.sleep(FAILURE_DELAY)
            raise HTTPError(401, "Bad name or password.", (challenge,)) from None
        request.headers = Headers(field for field in request.headers if field[0] != "authorization")
