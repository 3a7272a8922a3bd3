"""Log-in to the admin app by the login provider: for the members of one group there (WEB-189)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio

from moxlite.logins.identity import FactorNeeded, WrongCredentials
from moxlite.logins.provider import MECHANISM
from moxlite.proto.oidc import ProviderAway, verified_address
from moxlite.store.auth.loginattempts import ADMIN
from moxlite.web.admin.sessions import Administrator, AdministratorSession
from moxlite.web.providerlogin import ProviderLogins, unavailable

if TYPE_CHECKING:
    from moxlite.logins.identity import Identity
    from moxlite.logins.provider import Person, VerifiedClaims
    from moxlite.web.cookies import Caller

logger = logging.getLogger("moxlite.web.sessions")


class AdminProviderLogins(ProviderLogins):
    """Log-ins by the provider to the admin app. The group decides alone, not a connection or an address."""

    def name(self, caller: Caller) -> str:
        """The provider's name, "" unless a group is set."""
        return "" if self.provider is None or self.provider.admin_group is None else super().name(caller)

    async def _accept(self, caller: Caller, claims: VerifiedClaims, person: Person) -> Identity:
        request, attempts = self.sessions.login_request(caller), self._logins.attempts
        subject = claims.token.sub
        if not await self._administers(claims):
            logger.info("user from login provider isn't in admin_group", extra={"kv": {"subject": subject}})
            # Not of `ADMIN`: the failures of others must not keep the administrator out.
            stranger = WrongCredentials("this login isn't one of the administrators")
            raise attempts.refuse(request, MECHANISM, "", stranger, result="baduser")
        account = await self.bindings.account_of(claims.token.iss, subject) or ""
        address = verified_address(claims.token)
        identity = Administrator(
            ADMIN, "", provider=person.login, logouts=person.logouts, person_address=address, connected=account
        )
        if not person.strong and await self._auth.factors.has(ADMIN):
            raise attempts.refuse(request, MECHANISM, subject, FactorNeeded(identity), account=ADMIN)
        attempts.succeed(request, MECHANISM, ADMIN, subject)
        return identity

    async def _may_use(self, account: str, claims: VerifiedClaims) -> bool:
        return await self._administers(claims)

    async def _id_token(self, caller: Caller) -> str:
        await trio.lowlevel.checkpoint()
        session = caller.require()
        return session.provider.id_token if isinstance(session, AdministratorSession) else ""

    async def _administers(self, claims: VerifiedClaims) -> bool:
        """Raises Unavailable: the provider doesn't tell the groups now."""
        try:
            return self.provider is not None and await self.provider.administers(claims)
        except ProviderAway as error:
            raise unavailable(error) from error
