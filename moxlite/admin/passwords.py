"""Changes of an account's own credentials with all their consequences: the one implementation behind command line and
account app (STORE-102, IMAP-23, WEB-59).
"""

import logging
from collections.abc import Collection
from typing import Protocol

import msgspec

from moxlite.logins.logins import Logins
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.apppasswords import (
    Scope,
    add_app_password,
    add_token,
    allow_extras,
    app_passwords,
    remove_app_password,
)
from moxlite.store.auth.credentials import change_password, set_foreign
from moxlite.store.auth.tlskeys import TLSKeys

logger = logging.getLogger("moxlite.admin.passwords")


class EndSessions(Protocol):
    """Ends the mail sessions of an account; with `app_password` or `key` only those that began with it."""

    def __call__(self, account: str, text: str, *, app_password: str = "", key: str = "") -> None:
        """`text` is for their users."""


class Passwords(msgspec.Struct, frozen=True):
    """Sets and revokes passwords. All methods raise StoreError."""

    accounts: Accounts
    logins: Logins
    end_sessions: EndSessions

    async def change(self, name: str, password: str) -> None:
        """Set the password of an account, and end its mail sessions. The caller ends its web sessions.

        Raises BadPassword.
        """
        self.logins.check_new(name, password)
        async with self.accounts.use(name) as account:
            await change_password(account, password)
        # After the change is on disk: forgotten before it, a log-in meanwhile would be remembered by the old one.
        await self.logins.changed(name)
        self.end_sessions(name, "password updated")
        logger.info("password changed", extra={"kv": {"account": name}})

    async def take_hash(self, name: str, form: str) -> bool:
        """Store another server's hash (`read_hash`) until its owner logs in; False if the account has a password."""
        # First: a program that hears of other mechanisms in between gives up.
        await self.logins.stored.note_foreign(name, has=True)
        async with self.accounts.use(name) as account:
            stored = await account.write(lambda tx: set_foreign(tx, form))
        if stored:
            self.logins.forget(name)
            logger.info("password hash imported", extra={"kv": {"account": name}})
        else:
            await self.logins.stored.note_foreign(name, has=False)
        return stored

    async def add_app(
        self,
        name: str,
        app: str,
        scopes: Collection[Scope],
        *,
        read_only: bool,
        expires: int | None,
        token: bool = False,
    ) -> str:
        """Make an app password or a token and return it; it cannot be shown again. Raises as `add_app_password`."""
        add = add_token if token else add_app_password
        async with self.accounts.use(name) as account:
            made = await add(account, app, scopes, read_only=read_only, expires=expires)
        kind = "token" if token else "app password"
        logger.info(f"{kind} added", extra={"kv": {"account": name, "app_password": app}})
        return made

    async def allow_extras(self, name: str, app: str, extras: Collection[Scope]) -> bool:
        """Let an app password change just these extras, and end its sessions, which log in again with them. False if
        the account has none of that name.
        """
        async with self.accounts.use(name) as account:
            changed = await account.write(lambda tx: allow_extras(tx, app, extras))
        if changed:
            self.logins.forget(name)
            self.end_sessions(name, "the app password's permissions changed", app_password=app)
            kv = {"account": name, "app_password": app, "extras": " ".join(sorted(extras))}
            logger.info("app password changed", extra={"kv": kv})
        return changed

    async def revoke_app(self, name: str, app: str) -> bool:
        """Revoke an app password, and end its sessions. False if the account has none of that name."""
        async with self.accounts.use(name) as account:
            removed = await account.write(lambda tx: remove_app_password(tx, app))
        if removed:
            self.logins.forget(name)
            self.end_sessions(name, "the app password was revoked", app_password=app)
            logger.info("app password revoked", extra={"kv": {"account": name, "app_password": app}})
        return removed

    async def revoke_all_apps(self, name: str) -> int:
        """Revoke all app passwords; returns their number."""
        async with self.accounts.use(name) as account:
            found = await account.read(app_passwords, op="app-password")
        revoked = [await self.revoke_app(name, app_password.name) for app_password in found]
        return sum(revoked)

    async def remove_key(self, keys: TLSKeys, name: str, fingerprint: str) -> bool:
        """Forget a key of client certificates, and end its sessions. False if the account has no such key."""
        removed = await keys.remove(name, fingerprint)
        if removed:
            self.end_sessions(name, "the TLS key was removed", key=fingerprint)
        return removed
