"""Which account a person of a login provider logs in to: a table of ``auth.db`` (WEB-181).

A person is the issuer and the subject of an ID token, which no provider gives to another person (OpenID Connect Core
§2). Names and addresses of a provider are not kept: they change hands.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

import msgspec

from moxlite.store.errors import LimitExceeded, StoreError
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Tx

logger = logging.getLogger("moxlite.store.auth")

MAX_BINDINGS: Final = 20
"""Maximum number of people of one account."""

ACCOUNT: Final = "SELECT account FROM provider_binding WHERE issuer = ? AND subject = ?"
LIST: Final = (
    "SELECT issuer, subject, account, bound, last_login FROM provider_binding WHERE account = ? ORDER BY bound, subject"
)
ALL: Final = "SELECT issuer, subject, account, bound, last_login FROM provider_binding ORDER BY account, bound, subject"
COUNT: Final = "SELECT count(*) FROM provider_binding WHERE account = ?"
ADD: Final = "INSERT INTO provider_binding (issuer, subject, account, bound, last_login) VALUES (?1, ?2, ?3, ?4, ?4)"
NOTE_LOGIN: Final = "UPDATE provider_binding SET last_login = max(last_login, ?) WHERE issuer = ? AND subject = ?"
CONNECTED: Final = "SELECT 1 FROM provider_account WHERE account = ? AND issuer = ?"
LAST: Final = "SELECT max(last_login) FROM provider_binding WHERE account = ? AND issuer = ?"
NOTE_CONNECTED: Final = "INSERT INTO provider_account (account, issuer) VALUES (?, ?) ON CONFLICT DO NOTHING"
REMOVE: Final = "DELETE FROM provider_binding WHERE account = ? AND issuer = ? AND subject = ?"
DROP: Final = ("DELETE FROM provider_binding WHERE account = ?", "DELETE FROM provider_account WHERE account = ?")


class BoundElsewhere(StoreError):
    """The person is connected to another account."""


class ProviderBinding(msgspec.Struct, frozen=True):
    """A person who logs in to an account, since when, and when last (µs UTC)."""

    issuer: str
    subject: str
    account: str
    bound: int
    last_login: int


class ProviderBindings:
    """The bindings. All methods but `idle` raise StoreError.

    Args:
      database: gives the open file; raises StoreError without one.
    """

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database

    async def account_of(self, issuer: str, subject: str) -> str | None:
        """The account of a person, or None."""
        row = await self._database().read(lambda r: r.row(ACCOUNT, issuer, subject), op="provider-bindings")
        return None if row is None else row[0]

    async def of(self, account: str) -> list[ProviderBinding]:
        """The people of an account, or with "" of all accounts, the oldest binding first."""
        found = await self._database().read(
            lambda r: r.rows(LIST, account) if account else r.rows(ALL), op="provider-bindings"
        )
        return [ProviderBinding(*row) for row in found]

    async def add(self, issuer: str, subject: str, account: str) -> bool:
        """Let a person log in to an account; False if it is so already. Raises BoundElsewhere, LimitExceeded."""
        return await self._database().write(lambda tx: _add(tx, issuer, subject, account))

    async def add_first(self, issuer: str, subject: str, account: str) -> bool:
        """As `add`, unless a person of this provider was ever connected to the account: then False."""

        def unit(tx: Tx) -> bool:
            return tx.row(CONNECTED, account, issuer) is None and _add(tx, issuer, subject, account)

        return await self._database().write(unit)

    async def idle(self, issuer: str, account: str, seconds: float) -> bool:
        """Whether an account has people of this provider, and the last log-in of any is longer ago. False while the
        file cannot be read: log-ins go on (STORE-105a).
        """
        try:
            row = await self._database().read(lambda r: r.row(LAST, account, issuer), op="provider-bindings")
        except StoreError as error:
            logger.warning("failed to read last provider login", extra={"kv": {"account": account, "err": str(error)}})
            return False
        return row is not None and row[0] is not None and row[0] < time.time_ns() // 1000 - seconds * 1e6

    async def note_login(self, issuer: str, subject: str) -> None:
        """Note that a person logs in now."""
        await self._database().write(lambda tx: tx.execute(NOTE_LOGIN, tx.now, issuer, subject))

    async def remove(self, issuer: str, subject: str, account: str) -> bool:
        """End a binding; False without such a binding."""
        return await self._database().write(lambda tx: tx.execute(REMOVE, account, issuer, subject) > 0)


def _add(tx: Tx, issuer: str, subject: str, account: str) -> bool:
    row = tx.row(ACCOUNT, issuer, subject)
    if row is not None and row[0] != account:
        raise BoundElsewhere("this login is already connected to another account")
    if row is not None:
        return False
    count = tx.row(COUNT, account)
    if count is not None and count[0] >= MAX_BINDINGS:
        raise LimitExceeded(f"this account is already connected to {MAX_BINDINGS} logins")
    tx.execute(ADD, issuer, subject, account, tx.now)
    tx.execute(NOTE_CONNECTED, account, issuer)
    return True


def drop_bindings(tx: Tx, account: str) -> None:
    """Remove all that is known of an account's people."""
    for sql in DROP:
        tx.execute(sql, account)
