"""The second step of a web log-in, and confirmations in a session: checking a second factor (WEB-151).

Guesses count like wrong passwords, per network and per account (`guessing`), and are booked before the check, so that
parallel ones cannot pass a limit together. The factors themselves are in ``auth.db`` (`store.auth.factors`). The
ceremony of security keys is the web's: it passes a function that verifies an assertion.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final, Literal, TypeAlias

from moxlite.logins.identity import Identity, LoginRequest, WrongCredentials, WrongFactor
from moxlite.logins.logins import Logins
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.credentials import is_two_step, mark_two_step
from moxlite.store.auth.factors import Factors, SecurityKey
from moxlite.store.auth.loginattempts import ADMIN
from moxlite.store.errors import AccountRemoved, AccountUnknown, StoreError

logger = logging.getLogger("moxlite.admin.logins")

FactorKind: TypeAlias = Literal["totp", "key", "recovery"]
"""A code of an authenticator app, the answer of a security key, a recovery code."""

ConfirmKind: TypeAlias = Literal["password", "totp", "key", "recovery"]
"""The ways to confirm a sensitive call: the password, or a second factor."""

VerifyKey: TypeAlias = Callable[[tuple[SecurityKey, ...]], Awaitable[tuple[SecurityKey, int] | None]]
"""Verifies an assertion with one of the account's keys; returns the key and its new counter, None if it is wrong."""

WRONG: Final[dict[FactorKind, str]] = {
    "totp": "Wrong code, or this code has been used. Wait for the next one.",
    "key": "Couldn't verify your security key.",
    "recovery": "Wrong recovery code, or this code has been used.",
}


class SecondFactors:
    """Checks second factors.

    Args:
      logins: counts and records the attempts.
      auth: has the factors.
      accounts: for the mark of accounts with factors (STORE-191a).
    """

    def __init__(self, logins: Logins, auth: AuthDB, accounts: Accounts) -> None:
        self._logins = logins
        self._auth = auth
        self._accounts = accounts

    async def of(self, account: str) -> Factors:
        """The second factors of an account, or of `ADMIN`. Raises StoreError."""
        return await self._auth.factors.of(account)

    async def check(
        self,
        request: LoginRequest,
        identity: Identity,
        kind: FactorKind,
        code: str,
        *,
        mechanism: str,
        verify_key: VerifyKey | None = None,
    ) -> None:
        """Check a second factor, and record the success of the log-in.

        Args:
          identity: whose password was right: that of `FactorNeeded`, or of the session.
          code: of an app, or a recovery code; not looked at for a key.
          mechanism: the word for records: ``weblogin``, ``webconfirm``; the kind is added to it.
          verify_key: for a key; its challenge must not have been used before.

        Raises:
          RateLimited, WrongFactor, WrongCredentials, LoginDisabled: see there.
          StoreError: nothing could be checked.
        """
        await self._logins.attempts.admit(request)
        # A code has a million values, and few are right at a time: without a count of the account, many machines would
        # soon find one.
        attempt = await self._logins.attempts.book_account(request, identity.account)
        word = f"{mechanism}+{kind}"
        recipient = None if identity.account == ADMIN else self._logins.login(identity.address)
        with attempt:
            if identity.account != ADMIN and (recipient is None or recipient.account != identity.account):
                gone = WrongCredentials("this account was deleted")
                raise self._logins.attempts.refuse(request, word, identity.address, gone, attempt=attempt)
            if not await self._taken(identity.account, kind, code, verify_key):
                wrong = WrongFactor(WRONG[kind])
                raise self._logins.attempts.refuse(
                    request, word, identity.address, wrong, recipient, account=identity.account, attempt=attempt
                )
            if recipient is None:
                self._logins.attempts.succeed(request, word, identity.account, identity.address, attempt=attempt)
            else:
                self._logins.accept(request, word, identity.address, recipient, attempt=attempt)

    async def _taken(self, account: str, kind: FactorKind, code: str, verify_key: VerifyKey | None) -> bool:
        factors = self._auth.factors
        if kind == "totp":
            return await factors.take_totp(account, "".join(code.split())) is not None
        if kind == "recovery":
            return await factors.take_recovery_code(account, code)
        found = None if verify_key is None else await verify_key((await factors.of(account)).keys)
        return found is not None and await factors.take_key(account, *found)

    async def mark(self, name: str, on: bool) -> None:
        """Store in the account's own file whether it has second factors (STORE-191a); nothing for `ADMIN`."""
        if name == ADMIN:
            return
        async with self._accounts.use(name) as account:
            if await account.read(is_two_step, op="credential") != on:
                await account.write(lambda tx: mark_two_step(tx, on))
        self._logins.forget(name)

    async def mark_all(self) -> None:
        """Mark all accounts with second factors: once, at the start. The server may have been killed between storing a
        factor and the mark.
        """
        try:
            names = await self._auth.factors.accounts()
        except StoreError as error:
            logger.warning("failed to read accounts with verification methods", extra={"kv": {"err": str(error)}})
            return
        for name in names:
            try:
                await self.mark(name, True)
            except (AccountUnknown, AccountRemoved):
                pass  # it is being removed
            except StoreError as error:
                logger.warning(
                    "failed to record verification methods", extra={"kv": {"account": name, "err": str(error)}}
                )
