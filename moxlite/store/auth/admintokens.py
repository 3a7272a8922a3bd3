"""Tokens of programs that use the admin API, in ``auth.db`` (WEB-168).

Like the tokens of accounts (apppasswords.py) each is shown once, when it is made, and stored as its SHA-256: it has 128
random bits, so a slow hash would add nothing.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Callable, Collection
from typing import Final

import msgspec

from moxlite.normal import is_visible
from moxlite.store.auth.apppasswords import MAX_NAME, USE_INTERVAL
from moxlite.store.changelog.origin import origin
from moxlite.store.errors import LimitExceeded, StoreError
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Reader, Row, Tx
from moxlite.store.options import DAY
from moxlite.wording import worded

PREFIX: Final = "moxlite_admin_"
"""How a token begins, so that people and scanners of published files know what it is."""

MAX_TOKENS: Final = 100
"""Tokens of a server. Far more than API clients, so that a client that creates a token at each start is noticed."""

COLUMNS: Final = "name, scopes, created, expires, last_used, last_ip"
FIND: Final = f"SELECT {COLUMNS} FROM admin_token WHERE token_hash = ?"  # noqa: S608 - constants
LIST: Final = f"SELECT {COLUMNS} FROM admin_token ORDER BY created, name"  # noqa: S608 - constants
COUNT: Final = "SELECT count(*), coalesce(sum(name = ?), 0) FROM admin_token"
ADD: Final = "INSERT INTO admin_token (name, token_hash, scopes, created, expires) VALUES (?, ?, ?, ?, ?)"
USED: Final = "UPDATE admin_token SET last_used = ?, last_ip = ? WHERE name = ?"
REMOVE: Final = "DELETE FROM admin_token WHERE name = ? RETURNING 1"
REMOVE_LOST: Final = "DELETE FROM admin_token WHERE name = ? AND created >= ? AND last_used IS NULL"


class AdminTokenRefused(StoreError):
    """A token with these arguments is not possible; the text says why."""


class AdminToken(msgspec.Struct, frozen=True):
    """A token, without its secret. Times are µs UTC; `last_used` is None for never, `last_ip` is of that use."""

    name: str
    scopes: tuple[str, ...]
    created: int
    expires: int
    last_used: int | None
    last_ip: str


class AdminTokens:
    """The tokens in ``auth.db``. All methods raise StoreError.

    Args:
      database: gives the open file; raises StoreError without one.
    """

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database

    async def add(self, name: str, scopes: Collection[str], days: int) -> str:
        """Make a token that is valid for so many days, and return it. Raises AdminTokenRefused, LimitExceeded."""
        name = unicodedata.normalize("NFC", name.strip())
        if not 0 < len(name) <= MAX_NAME or not is_visible(name):
            raise AdminTokenRefused(worded("token names must be 1 to {most} printable characters", most=MAX_NAME))
        if not scopes:
            raise AdminTokenRefused("specify at least one scope for the token")
        token = PREFIX + secrets.token_urlsafe(16)

        def unit(tx: Tx) -> None:
            if again := origin().again:
                tx.execute(REMOVE_LOST, name, again)
            (number, same) = tx.row(COUNT, name) or (0, 0)
            if same:
                raise AdminTokenRefused(worded("a token named {name} already exists", name=name))
            if number >= MAX_TOKENS:
                raise LimitExceeded(worded("you can have up to {most} admin API tokens", most=MAX_TOKENS))
            words = " ".join(sorted(set(scopes)))
            tx.execute(ADD, name, _hash(token), words, tx.now, tx.now + days * DAY)

        await self._database().write(unit)
        return token

    async def list(self) -> list[AdminToken]:
        """All tokens, oldest first, including expired ones."""
        return await self._database().read(lambda r: [_of_row(row) for row in r.rows(LIST)], op="admin_tokens")

    async def find(self, token: str) -> AdminToken | None:
        """The token as it is stored, also an expired one; None if there is no such token."""
        hashed = _hash(token)

        def find(r: Reader) -> AdminToken | None:
            row = r.row(FIND, hashed)
            return None if row is None else _of_row(row)

        return await self._database().read(find, op="admin_token")

    async def note_use(self, token: AdminToken, now: int, remote_ip: str) -> None:
        """Store when and from where the token was used, once an hour."""
        if token.last_used is None or now - token.last_used >= USE_INTERVAL:
            await self._database().write(lambda tx: tx.execute(USED, now, remote_ip, token.name))

    async def remove(self, name: str) -> bool:
        """Revoke a token, effective at once; False if no token has that name."""
        return await self._database().write(lambda tx: tx.row(REMOVE, name) is not None)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _of_row(row: Row) -> AdminToken:
    name, scopes, created, expires, last_used, last_ip = row
    return AdminToken(name, tuple(scopes.split()), created, expires, last_used, last_ip)
