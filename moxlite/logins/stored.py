"""Passwords of accounts as they are stored: the account's own and its app passwords, by protocol (STORE-157, WEB-150).

How a password is verified is not here.
"""

import logging
import time
from collections.abc import Mapping
from typing import Final

from moxlite.config.snapshot import AccountRecipient, CurrentConfig
from moxlite.logins.identity import Identity, LoginRequest, Protocol
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.apppasswords import (
    AppPassword,
    Passwords,
    Scope,
    app_passwords,
    note_use as write_use,
    passwords,
    use_is_due,
)
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.credentials import Credential, is_two_step
from moxlite.store.errors import AccountRemoved, AccountUnknown, StoreError

logger = logging.getLogger("moxlite.admin.logins")

SCOPES: Final[Mapping[Protocol, Scope]] = {
    "smtp": "submission",
    "submission": "submission",
    "imap": "imap",
    "managesieve": "imap",
    "webapi": "webapi",
    "dav": "dav",
}
"""The scope that an app password needs, by protocol."""

WEB: Final[frozenset[Protocol]] = frozenset({"webmail", "webaccount", "webadmin"})
"""Protocols of the web apps. They accept the account's own password only, even if app passwords are required elsewhere
(WEB-150).
"""


class StoredPasswords:
    """The passwords of all accounts, read from their files at each log-in."""

    def __init__(self, config: CurrentConfig, accounts: Accounts, auth: AuthDB) -> None:
        self._config = config
        self._accounts = accounts
        self._auth = auth

    async def usable(
        self, request: LoginRequest, recipient: AccountRecipient | None
    ) -> tuple[Credential | None, tuple[AppPassword, ...]]:
        """Return the passwords that are tried for this protocol: the account's own, unless it is for the web alone, and
        the app passwords, except for the web. App passwords that are expired or have another scope are included, so
        that their user gets the reason of the refusal.
        """
        own, apps, withheld = await self.known(request, recipient)
        return None if withheld else own, apps

    async def known(
        self, request: LoginRequest, recipient: AccountRecipient | None
    ) -> tuple[Credential | None, tuple[AppPassword, ...], bool]:
        """As `usable`, with the account's own password in any case, and whether it is withheld: for the web alone."""
        stored = await self._passwords(recipient)
        if recipient is None or stored is None:
            return None, (), False
        if request.protocol in WEB:
            return stored.own, (), False
        current = self._config.current
        settings = current.account(recipient.account)
        web_only = (
            stored.two_step
            or current.static.require_app_passwords
            or (settings is not None and settings.require_app_passwords)
        )
        return stored.own, stored.apps if request.protocol in SCOPES else (), web_only

    async def _passwords(self, recipient: AccountRecipient | None) -> Passwords | None:
        if recipient is None:
            return None
        try:
            async with self._accounts.use(recipient.account) as account:
                return await account.read(passwords, op="credential")
        except (AccountUnknown, AccountRemoved):
            return None

    async def has_factors(self, name: str) -> bool:
        """Whether a web log-in to the account needs a second step. An account that is marked has factors, even if
        auth.db is lost: then only the owner of the server can let the user in (STORE-191a). Raises StoreError if an
        account is marked and the file cannot be read.
        """
        async with self._accounts.use(name) as account:
            marked = await account.read(is_two_step, op="credential")
        try:
            return await self._auth.factors.has(name) or marked
        except StoreError:
            if marked:
                raise
            return False

    async def note_use(self, name: str, app: AppPassword) -> None:
        """Record the time of use of an app password; an error of the store does not fail the log-in (STORE-157)."""
        if not use_is_due(app, now()):
            return
        try:
            async with self._accounts.use(name) as account:
                await account.write(lambda tx: write_use(tx, app.id))
        except StoreError as error:
            logger.warning("use of an app password not noted", extra={"kv": {"account": name, "err": str(error)}})

    async def stands(self, identity: Identity) -> bool:
        """Whether the app password of a log-in still exists and has not expired. Raises StoreError."""
        if identity.app_id is None:
            return True
        async with self._accounts.use(identity.account) as account:
            found = await account.read(app_passwords, op="app-password")
        time_now = now()
        return any(one.id == identity.app_id and not one.expired(time_now) for one in found)


def not_permitted(app: AppPassword, protocol: Protocol) -> str:
    """Why an app password may not be used for this protocol, "" if it may."""
    if app.expired(now()):
        return "this app password has expired"
    if SCOPES[protocol] not in app.scopes:
        return f"this app password is not for {SCOPES[protocol]}"
    return ""


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000
