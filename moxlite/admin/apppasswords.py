"""Commands of the control socket about app passwords (STORE-191, IMAP-158, SMTP-165)."""

import datetime as dt
import time
from collections.abc import Mapping

from moxlite.admin.edits import named_account
from moxlite.admin.passwords import Passwords
from moxlite.admin.requests import AccountName, AppPasswordAdd, AppPasswordInfo, AppPasswordName
from moxlite.config.holder import ConfigHolder
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.store.auth.apppasswords import AppPassword, app_passwords
from moxlite.store.errors import StoreError


class AppPasswordCommands:
    """``moxlite account app-password``."""

    def __init__(self, config: ConfigHolder, passwords: Passwords) -> None:
        self._config = config
        self._passwords = passwords
        self._accounts = passwords.accounts

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return {
            "account app-password add": Command(AppPasswordAdd, self.add),
            "account app-password list": Command(AccountName, self.list),
            "account app-password rm": Command(AppPasswordName, self.rm),
        }

    async def add(self, args: AppPasswordAdd, exchange: Exchange) -> str:
        """Make an app password and return it; it cannot be shown again."""
        named_account(self._config, args.account)
        try:
            return await self._passwords.add_app(
                args.account, args.name, args.scopes, read_only=args.read_only, expires=args.expires
            )
        except StoreError as error:
            raise CommandFailed("refused", str(error)) from None

    async def list(self, args: AccountName, exchange: Exchange) -> list[AppPasswordInfo]:
        """List the app passwords of an account, the oldest first."""
        named_account(self._config, args.account)
        try:
            async with self._accounts.use(args.account) as account:
                found = await account.read(app_passwords, op="app-password")
        except StoreError as error:
            raise CommandFailed("failed", str(error)) from None
        now = time.time_ns() // 1000
        return [_info(one, now) for one in found]

    async def rm(self, args: AppPasswordName, exchange: Exchange) -> None:
        """Revoke an app password, and end its sessions (IMAP-23)."""
        named_account(self._config, args.account)
        try:
            removed = await self._passwords.revoke_app(args.account, args.name)
        except StoreError as error:
            raise CommandFailed("failed", str(error)) from None
        if not removed:
            raise CommandFailed("notFound", f"{args.account} has no app password {args.name!r}")


def _info(one: AppPassword, now: int) -> AppPasswordInfo:
    return AppPasswordInfo(
        name=one.name,
        scopes=list(one.scopes),
        read_only=one.read_only,
        created=_words(one.created),
        last_used=_words(one.last_used),
        expires=_words(one.expires),
        expired=one.expired(now),
    )


def _words(moment: int | None) -> str:
    if moment is None:
        return ""
    return dt.datetime.fromtimestamp(moment // 1_000_000, dt.UTC).strftime("%Y-%m-%d %H:%M")
