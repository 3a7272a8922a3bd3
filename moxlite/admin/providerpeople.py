"""Which account a person of the login provider logs in to (WEB-181, WEB-185).

Issuer and subject decide. An address decides once, at the first log-in, and only where the administrator says that the
provider alone gives out a domain's addresses: after that it may change hands there, and opens nothing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import trio

from moxlite.config.snapshot import AccountRecipient
from moxlite.proto.address import Address, AddressError
from moxlite.store.auth.audit import Origin, acting_as
from moxlite.store.auth.providerbindings import BoundElsewhere
from moxlite.store.errors import LimitExceeded, StorageBroken, StorageBusy, StorageFull

if TYPE_CHECKING:
    from moxlite.admin.factors import FactorChanges
    from moxlite.config.snapshot import CurrentConfig
    from moxlite.config.static import OIDC
    from moxlite.logins.provider import LoginProvider
    from moxlite.proto.oidc import Claims
    from moxlite.store.auth.authdb import AuthDB

logger = logging.getLogger("moxlite.admin.logins")

ACTOR: Final = "(login provider)"
"""The actor of these changes in the audit log."""


class ProviderPeople:
    """The people of the login provider, and their accounts. Methods raise StoreError."""

    def __init__(
        self, settings: OIDC, provider: LoginProvider, config: CurrentConfig, auth: AuthDB, factors: FactorChanges
    ) -> None:
        self.provider: Final = provider
        self._settings = settings
        self._config = config
        self._auth = auth
        self._factors = factors
        self._turn = trio.Lock()  # two tabs of a new person

    async def account_of(self, claims: Claims, *, app: str, remote: str) -> str | None:
        """The account of a person who logs in to an app now, from this address, or None. The first log-in may connect
        the person with one.
        """
        bindings = self._auth.bindings
        account = await bindings.account_of(claims.iss, claims.sub)
        if account is None:
            with acting_as(Origin(ACTOR, app, remote)):
                async with self._turn:
                    return await self._first_login(claims, remote)
        try:
            await bindings.note_login(claims.iss, claims.sub)
        except (StorageFull, StorageBusy, StorageBroken) as error:  # log-ins go on (STORE-105a)
            logger.warning("log-in at the provider not noted", extra={"kv": {"account": account, "err": str(error)}})
        return account

    async def _first_login(self, claims: Claims, remote: str) -> str | None:
        address = self._trusted(claims)
        account = None if address is None else self._owner(address)
        if address is None or account is None:
            return None
        detail = {"subject": claims.sub, "address": str(address)}
        try:
            async with self._auth.audit.recording("account provider connect", account, detail):
                added = await self._auth.bindings.add_first(claims.iss, claims.sub, account)
        except (BoundElsewhere, LimitExceeded):
            added = False
        if not added:
            kv = {"account": account, "subject": claims.sub}
            logger.warning("address of a connected account came with another person", extra={"kv": kv})
            return None
        await self._factors.provider_connected(account, where=remote)
        return account

    def _trusted(self, claims: Claims) -> Address | None:
        """The address of a person, if it may decide."""
        try:
            address = Address.parse(claims.address)
        except AddressError:
            return None
        return address if address.domain in self._settings.trust_addresses else None

    def _owner(self, address: Address) -> str | None:
        """The account with this very address that may be connected by it: no alias, no catch-all, no text after a
        separator, and not the account that gets the postmaster's mail, which opens more than mail.
        """
        snapshot = self._config.current
        recipient = snapshot.lookup_configured(address)
        if not isinstance(recipient, AccountRecipient) or recipient.reports is not None:
            return None
        settings = snapshot.account(recipient.account)
        if settings is None or settings.login_disabled or recipient.account == snapshot.static.postmaster.account:
            return None
        return recipient.account if snapshot.folded(address) == recipient.canonical else None
