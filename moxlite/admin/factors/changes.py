"""Changes of second factors and their consequences: the mark in the account's file, sessions that end, a notice by mail
(WEB-151, STORE-191a); and recovery links (WEB-151a). The one implementation behind command line and web apps.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from moxlite.admin.notices import notify_account, notify_postmaster
from moxlite.admin.passwords import EndSessions
from moxlite.config.snapshot import CurrentConfig, Snapshot
from moxlite.logins.logins import Logins
from moxlite.logins.secondfactor import SecondFactors
from moxlite.proto.address import Address
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.credentials import change_password, check_password, generate_password
from moxlite.store.auth.factors import RecoveryLink, SecurityKey
from moxlite.store.auth.loginattempts import ADMIN, MainPasswordUse
from moxlite.store.errors import StoreError

logger = logging.getLogger("moxlite.admin.factors")

NOT_YOU: Final = "If this was not you, tell the owner of this server at once.\n"
PROGRAMS: Final = "Mail programs need app passwords now; your own password no longer works in them.\n"  # STORE-191a


class LinkUsed(StoreError):
    """The recovery link was used, replaced by a newer one, or is older than an hour."""


class FactorChanges:
    """Changes second factors. An `account` is a name, or `ADMIN`; `where` says where the change came from, for the
    notice: ``198.51.100.7``, or ``the command line``. All methods raise StoreError.

    Args:
      end_sessions: ends the mail sessions of an account.
    """

    def __init__(
        self,
        *,
        config: CurrentConfig,
        accounts: Accounts,
        auth: AuthDB,
        logins: Logins,
        end_sessions: EndSessions,
    ) -> None:
        self._config = config
        self._accounts = accounts
        self._auth = auth
        self._logins = logins
        self._end_sessions = end_sessions
        self.factors = SecondFactors(logins, auth, accounts)
        self.admin_resets = 0
        """Times that the administrator's second factors were reset; each ends the sessions of the admin app."""
        self._turn = trio.Lock()  # the mark and the factors are in two files

    async def add_app(self, account: str, name: str, secret: bytes, step: int, *, where: str) -> list[str]:
        """Store an authenticator app whose first code, of time step `step`, was right. Returns recovery codes with the
        first factor, else an empty list. Raises as `factors.add_totp`.
        """
        return await self._add(
            account, lambda: self._auth.factors.add_totp(account, name, secret, step), f"the code app “{name}”", where
        )

    async def add_key(self, account: str, key: SecurityKey, *, where: str) -> list[str]:
        """Store a security key whose first assertion was right. Returns and raises as `add_app`."""
        return await self._add(
            account, lambda: self._auth.factors.add_key(account, key), f"the security key “{key.name}”", where
        )

    async def _add(self, account: str, store: Callable[[], Awaitable[list[str]]], what: str, where: str) -> list[str]:
        async with self._turn:
            codes = await store()
            await self.factors.mark(account, True)
        if codes:
            logger.info("two-step log-in turned on", extra={"kv": {"account": account}})
            if account != ADMIN:
                self._end_sessions(account, "two-step log-in was turned on: use an app password")
            subject, text = "Two-step log-in is on", f"Two-step log-in was turned on, with {what}.\n"
            await self._tell(account, subject, text + (PROGRAMS if account != ADMIN else ""), where)
        else:
            logger.info("second factor added", extra={"kv": {"account": account}})
            await self._tell(account, "A second factor was added", f"A second factor was added: {what}.\n", where)
        return codes

    async def remove(self, account: str, kind: str, number: int, *, where: str) -> str | None:
        """Remove an app (`kind` ``totp``) or key (``key``); returns its name, or None if the account has no such
        factor. With the last one two-step log-in is off, and the main password works everywhere again.
        """
        async with self._turn:
            found = await self._auth.factors.of(account)
            last = len(found.apps) + len(found.keys) == 1
            if last:  # unmarked first: a mark without factors would lock the user out
                await self.factors.mark(account, False)
            name = await self._auth.factors.remove(account, kind, number)
            if last and name is None:
                await self.factors.mark(account, True)
        if name is None:
            return None
        logger.info("second factor removed", extra={"kv": {"account": account, "last": last}})
        what = f"the {'code app' if kind == 'totp' else 'security key'} “{name}”"
        if last:
            text = f"The last second factor was removed: {what}. The password alone is enough now.\n"
            await self._tell(account, "Two-step log-in is off", text, where)
        else:
            text = f"A second factor of your log-ins was removed: {what}.\n"
            await self._tell(account, "A second factor was removed", text, where)
        return name

    async def new_recovery_codes(self, account: str, *, where: str) -> list[str]:
        """Replace the recovery codes; returns the new ones."""
        codes = await self._auth.factors.new_recovery_codes(account)
        logger.info("recovery codes replaced", extra={"kv": {"account": account}})
        await self._tell(account, "New recovery codes", "New recovery codes were made; the old ones are void.\n", where)
        return codes

    async def reset(self, account: str, *, where: str) -> int:
        """Remove all second factors; returns the number of apps and keys. The web sessions of the account end."""
        async with self._turn:
            await self.factors.mark(account, False)
            removed = await self._auth.factors.drop(account)
        if account == ADMIN:
            self.admin_resets += 1
        else:
            await self._auth.sessions.remove_all(account)
        logger.info("second factors reset", extra={"kv": {"account": account, "removed": removed}})
        text = "All second factors were removed: the password alone is enough now. You can set them up again.\n"
        await self._tell(account, "Two-step log-in was reset", text, where)
        return removed

    async def main_password_uses(self, account: str) -> list[MainPasswordUse]:
        """Mail programs that used the account's own password within 30 days, and would stop with two-step log-in."""
        snapshot = self._config.current
        settings = snapshot.account(account)
        if snapshot.static.require_app_passwords or (settings is not None and settings.require_app_passwords):
            return []
        return await self._auth.attempts.main_password_uses(account)

    # Recovery links (WEB-151a)

    async def make_link(self, account: str, *, reset_factors: bool, where: str) -> str:
        """Make a recovery link; returns its token. The user is told on other devices."""
        token = await self._auth.factors.new_link(account, reset_factors=reset_factors)
        logger.info("recovery link made", extra={"kv": {"account": account, "reset_factors": reset_factors}})
        text = "The owner of this server made a link by which your password can be set anew, once and within an hour.\n"
        await self._tell(account, "A link to set your password", text, where)
        return token

    async def link(self, token: str) -> RecoveryLink:
        """The link with this token. Raises LinkUsed."""
        found = await self._auth.factors.find_link(token)
        if found is None or self._config.current.account(found.account) is None:
            raise LinkUsed("This link was used already, replaced by a newer one, or is older than an hour.")
        return found

    def generates(self, account: str) -> bool:
        """Whether the user may not choose a password (STORE-102)."""
        found = self._config.current.account(account)
        return found is not None and found.no_custom_password

    async def use_link(self, token: str, password: str, *, where: str) -> str:
        """Set the password of the link's account, and end all its sessions; `password` is not looked at if the user may
        not choose one. Returns the new password if it was generated, else "".

        Raises:
          LinkUsed: see there.
          BadPassword: the link can still be used.
        """
        account = (await self.link(token)).account
        generated = generate_password() if self.generates(account) else ""
        check_password(generated or password)
        taken = await self._auth.factors.take_link(token)
        if taken is None:
            raise LinkUsed("This link was used already.")
        async with self._accounts.use(account) as opened:
            await change_password(opened, generated or password)
        self._logins.forget(account)
        self._end_sessions(account, "the password was changed")
        await self._auth.sessions.remove_all(account)
        logger.info("password set by a recovery link", extra={"kv": {"account": account}})
        await self._tell(account, "Your password was set", "Your password was set by a link of the owner.\n", where)
        if taken.reset_factors:
            await self.reset(account, where=where)
        return generated

    async def _tell(self, account: str, subject: str, text: str, where: str) -> None:
        """Tell the user, or for the administrator the postmaster, of a change. A failure is logged only."""
        snapshot = self._config.current
        body = f"{text}\nFrom: {where}\n\n{NOT_YOU}"
        once = f"factors {secrets.token_hex(8)}"
        try:
            if account == ADMIN:
                subject = f"Admin app: {subject[0].lower()}{subject[1:]}"
                await notify_postmaster(self._accounts, snapshot, subject, body, once=once, flagged=True)
            elif (address := _address(snapshot, account)) is not None:
                await notify_account(self._accounts, snapshot, account, address, subject, body, once=once)
        except StoreError as error:
            logger.warning("notice not stored", extra={"kv": {"account": account, "err": str(error)}})


def _address(snapshot: Snapshot, account: str) -> Address | None:
    """An address of the account, for the head of a notice."""
    found = snapshot.account(account)
    names = [] if found is None else [one for one in found.destinations if not one.startswith("@")]
    return Address.parse(names[0]) if names else None
