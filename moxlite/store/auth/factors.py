"""Second factors in ``auth.db``: authenticator apps (TOTP), security keys (WebAuthn) and recovery codes (WEB-151,
STORE-109), and the one-use links for users who have lost their password (WEB-151a).

Plain functions on transactions and readers of that file; `FactorsDB` (factors.py) offers them to the rest of the
program. An `account` here is the name of an account, or `ADMIN`. Everything stored counts: the caller stores an app or
key only after its first right code.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
import unicodedata
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import msgspec

from moxlite.normal import is_visible
from moxlite.proto.totp import matching_step
from moxlite.store.errors import LimitExceeded, StorageBroken, StorageBusy, StorageFull, StoreError
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Reader, Row, Tx
from moxlite.wording import worded

RECOVERY_CODES: Final = 10
"""Recovery codes in a set (WEB-151)."""

MAX_FACTORS: Final = 10
"""Apps, and as many keys, of one account: each wrong code is compared with all apps."""

MAX_NAME: Final = 64
"""Characters of a name."""

LINK_LIFE: Final = 3600 * 1_000_000
"""Microseconds for which a recovery link can be used (WEB-151a)."""

CODE_LENGTH: Final = 16
ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
"""16 of 32 characters, none of which looks like another: 80 random bits, so that a fast hash is enough."""


class FactorRefused(StoreError):
    """A second factor with these arguments is not allowed; the text says why."""


class TOTPApp(msgspec.Struct, frozen=True):
    """An authenticator app, without its secret. Times are µs UTC."""

    id: int
    name: str
    created: int
    last_used: int


class SecurityKey(msgspec.Struct, frozen=True):
    """A security key or passkey (WebAuthn). `host` is the host name that it is bound to (RP ID), `credential` its id,
    `public_key` a COSE_Key; times are µs UTC.
    """

    id: int
    name: str
    host: str
    credential: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    created: int
    last_used: int


class Factors(msgspec.Struct, frozen=True):
    """The second factors of an account, oldest first; `codes` is the number of recovery codes left."""

    apps: tuple[TOTPApp, ...]
    keys: tuple[SecurityKey, ...]
    codes: int

    def __bool__(self) -> bool:
        """Whether a log-in needs a second step. Recovery codes alone are no second factor."""
        return bool(self.apps or self.keys)


class RecoveryLink(msgspec.Struct, frozen=True):
    """A link that the owner made: whose password it sets, and whether it removes the second factors."""

    account: str
    reset_factors: bool
    expires: int


APPS: Final = "SELECT id, name, created, last_used FROM totp WHERE account = ? ORDER BY id"
SECRETS: Final = "SELECT id, name, secret, last_step FROM totp WHERE account = ? ORDER BY id"
ADD_APP: Final = """
INSERT INTO totp (account, name, secret, last_step, created, last_used) VALUES (?, ?, ?, ?, ?, ?)"""
USE_APP: Final = "UPDATE totp SET last_step = ?, last_used = ? WHERE id = ?"
KEY_COLUMNS: Final = "id, name, host, credential, public_key, sign_count, transports, created, last_used"
KEYS: Final = f"SELECT {KEY_COLUMNS} FROM security_key WHERE account = ? ORDER BY id"  # noqa: S608 - constants
ADD_KEY: Final = """
INSERT INTO security_key (account, name, host, credential, public_key, sign_count, transports, created, last_used)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
KNOWN_CREDENTIAL: Final = "SELECT 1 FROM security_key WHERE credential = ?"
USE_KEY: Final = """
UPDATE security_key SET sign_count = ?, last_used = ? WHERE id = ? AND account = ? AND sign_count = ?"""
COUNT_APPS: Final = "SELECT count(*), coalesce(sum(name = ?2), 0) FROM totp WHERE account = ?1"
COUNT_KEYS: Final = "SELECT count(*), coalesce(sum(name = ?2), 0) FROM security_key WHERE account = ?1"
COUNT_CODES: Final = "SELECT count(*) FROM recovery_code WHERE account = ?"
HAS: Final = """
SELECT EXISTS (SELECT 1 FROM totp WHERE account = ?1) OR EXISTS (SELECT 1 FROM security_key WHERE account = ?1)"""
ALL_ACCOUNTS: Final = "SELECT account FROM totp UNION SELECT account FROM security_key ORDER BY account"
REMOVE_APP: Final = "DELETE FROM totp WHERE account = ? AND id = ? RETURNING name"
REMOVE_KEY: Final = "DELETE FROM security_key WHERE account = ? AND id = ? RETURNING name"
DROP_CODES: Final = "DELETE FROM recovery_code WHERE account = ?"
ADD_CODE: Final = "INSERT INTO recovery_code (account, hash, created) VALUES (?, ?, ?)"
TAKE_CODE: Final = "DELETE FROM recovery_code WHERE account = ? AND hash = ? RETURNING 1"
DROP_APPS: Final = "DELETE FROM totp WHERE account = ?"
DROP_KEYS: Final = "DELETE FROM security_key WHERE account = ?"
ADD_LINK: Final = "INSERT INTO recovery_link (hash, account, reset_factors, created, expires) VALUES (?, ?, ?, ?, ?)"
FIND_LINK: Final = "SELECT account, reset_factors, expires FROM recovery_link WHERE hash = ? AND expires > ?"
TAKE_LINK: Final = "DELETE FROM recovery_link WHERE hash = ? RETURNING account, reset_factors, expires"
RECOVERY: Final = """
SELECT (SELECT max(created) FROM recovery_code WHERE account = ?1),
(SELECT max(created) FROM recovery_link WHERE account = ?1 AND expires > ?2)"""
DROP_LINKS: Final = "DELETE FROM recovery_link WHERE account = ?"
DROP_OLD_LINKS: Final = "DELETE FROM recovery_link WHERE expires <= ?"


def factors_of(r: Reader, account: str) -> Factors:
    """Read the second factors of an account."""
    keys = tuple(map(_key, r.rows(KEYS, account)))
    return Factors(tuple(TOTPApp(*row) for row in r.rows(APPS, account)), keys, r.value(COUNT_CODES, account))


def _key(row: Row) -> SecurityKey:
    number, name, host, credential, public_key, sign_count, transports, created, last_used = row
    return SecurityKey(
        number, name, host, credential, public_key, sign_count, tuple(transports.split()), created, last_used
    )


def has_factors(r: Reader, account: str) -> bool:
    """Whether a log-in to the account needs a second step."""
    return bool(r.value(HAS, account))


def accounts_with_factors(r: Reader) -> list[str]:
    """Names of all accounts with second factors, and `ADMIN` where the administrator has one."""
    return [name for (name,) in r.rows(ALL_ACCOUNTS)]


def checked_name(name: str) -> str:
    """The name of a device in NFC, without spaces around it. Raises FactorRefused."""
    name = unicodedata.normalize("NFC", name).strip()
    if not 0 < len(name) <= MAX_NAME or not is_visible(name):
        raise FactorRefused(worded("device names must be 1 to {most} printable characters", most=MAX_NAME))
    return name


# Authenticator apps


def add_totp(tx: Tx, account: str, name: str, secret: bytes, step: int) -> list[str]:
    """Store an app whose first code, of time step `step`, was right. Returns recovery codes if the account had no
    second factor before, else an empty list.

    Raises:
      FactorRefused: an app of this name exists.
      LimitExceeded: the account has `MAX_FACTORS`.
    """
    _require_place(tx, COUNT_APPS, account, name)
    # Within the unit: two devices that are added at the same time must not each bring codes, of which only the last are
    # good.
    first = not has_factors(tx, account)
    tx.execute(ADD_APP, account, name, secret, step, tx.now, tx.now)
    return new_recovery_codes(tx, account) if first else []


def find_totp(r: Reader, account: str, code: str, *, now: int, used: Mapping[int, int]) -> tuple[int, int, str] | None:
    """Find the authenticator app of a code: its id, the code's time step, and its name.

    None if no app matches. `now` is µs UTC. `used` has the steps of accepted codes that couldn't be stored, by id.
    """
    for number, name, secret, last in r.rows(SECRETS, account):
        # The later of what the file and the memory know: either may have seen the code last.
        step = matching_step(secret, code, now=now / 1_000_000, after=max(last, used.get(number, 0)))
        if step is not None:
            return number, step, str(name)
    return None


def take_totp(tx: Tx, account: str, code: str, *, used: Mapping[int, int]) -> str | None:
    """Use a code: returns the name of the app that it belongs to, or None. The same code is refused the next time, and
    so are older ones; that is one unit, so parallel log-ins cannot share a code (RFC 6238 §5.2).

    `used`: see `find_totp`.
    """
    found = find_totp(tx, account, code, now=tx.now, used=used)
    if found is None:
        return None
    number, step, name = found
    tx.execute(USE_APP, step, tx.now, number)
    return name


# Security keys


def add_key(
    tx: Tx,
    account: str,
    name: str,
    *,
    host: str,
    credential: bytes,
    public_key: bytes,
    sign_count: int,
    transports: tuple[str, ...],
) -> list[str]:
    """Store a key whose first assertion was right. Returns and raises as `add_totp`."""
    _require_place(tx, COUNT_KEYS, account, name)
    if tx.row(KNOWN_CREDENTIAL, credential) is not None:
        raise FactorRefused("this security key is already set up")
    first = not has_factors(tx, account)
    tx.execute(ADD_KEY, account, name, host, credential, public_key, sign_count, " ".join(transports), tx.now, tx.now)
    return new_recovery_codes(tx, account) if first else []


def take_key(tx: Tx, account: str, key: SecurityKey, sign_count: int) -> bool:
    """Store the counter of a verified assertion; False if another assertion of the key was stored meanwhile, or the key
    is gone.
    """
    return tx.execute(USE_KEY, sign_count, tx.now, key.id, account, key.sign_count) == 1


# Recovery codes


def new_recovery_codes(tx: Tx, account: str) -> list[str]:
    """Replace the recovery codes of an account; returns the new ones, which cannot be read again."""
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)) for _ in range(RECOVERY_CODES)]
    # Old codes end with new ones: the owner asks for new ones where a stranger may have read the old.
    tx.execute(DROP_CODES, account)
    tx.executemany(ADD_CODE, [(account, _hash_of(code), tx.now) for code in codes])
    return ["-".join(code[i : i + 4] for i in range(0, CODE_LENGTH, 4)) for code in codes]


def take_recovery_code(tx: Tx, account: str, code: str) -> bool:
    """Use up a recovery code; False if the account has no such code. Case, spaces and hyphens do not matter."""
    plain = "".join(code.split()).replace("-", "").lower()
    return tx.row(TAKE_CODE, account, _hash_of(plain)) is not None


def _hash_of(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


# All of them


def remove_factor(tx: Tx, account: str, kind: str, number: int) -> str | None:
    """Remove an app (`kind` ``totp``) or key (``key``); returns its name, or None if the account has no such factor.
    With the last one, the recovery codes go.
    """
    row = tx.row(REMOVE_APP if kind == "totp" else REMOVE_KEY, account, number)
    if row is None:
        return None
    # Codes alone are no second factor, and with the next device there are new ones.
    if not has_factors(tx, account):
        tx.execute(DROP_CODES, account)
    return str(row[0])


def drop_factors(tx: Tx, account: str) -> int:
    """Remove all second factors and recovery codes of an account; returns the number of apps and keys."""
    tx.execute(DROP_CODES, account)
    return tx.execute(DROP_APPS, account) + tx.execute(DROP_KEYS, account)


def _require_place(tx: Tx, count: str, account: str, name: str) -> None:
    found, same = tx.row(count, account, name) or (0, 0)
    if same:
        raise FactorRefused(worded("a device named {name} already exists", name=repr(name)))
    if found >= MAX_FACTORS:
        raise LimitExceeded(
            worded("this account already has {most} authenticator apps or security keys", most=MAX_FACTORS)
        )


# Recovery links


def new_link(tx: Tx, account: str, *, reset_factors: bool, life: int = LINK_LIFE) -> str:
    """Make a recovery link of an account for `life` µs, in place of earlier ones; returns its token (128 random bits,
    base64url).
    """
    token = secrets.token_urlsafe(16)
    # An owner who sends a second link believes that the first is lost; it may be in other hands.
    tx.execute(DROP_LINKS, account)
    tx.execute(ADD_LINK, _hash_of(token), account, reset_factors, tx.now, tx.now + life)
    return token


def find_link(r: Reader, token: str, *, now: int) -> RecoveryLink | None:
    """The link with this token, if it can still be used."""
    row = r.row(FIND_LINK, _hash_of(token), now)
    return None if row is None else RecoveryLink(row[0], bool(row[1]), row[2])


def take_link(tx: Tx, token: str) -> RecoveryLink | None:
    """Use up a link; None if it was used, replaced or is too old."""
    row = tx.row(TAKE_LINK, _hash_of(token))
    return None if row is None or row[2] <= tx.now else RecoveryLink(row[0], bool(row[1]), row[2])


def drop_links(tx: Tx, account: str | None = None) -> None:
    """Remove the links of an account; without one, all links that are too old."""
    if account is None:
        tx.execute(DROP_OLD_LINKS, tx.now)
    else:
        tx.execute(DROP_LINKS, account)


# Second factors and recovery links as the rest of the program uses them: one async method per operation of
# factors.py.
#
# While ``auth.db`` cannot be written, log-ins still work (STORE-105a): used time steps of TOTP are then remembered in
# memory. A recovery code needs the file, because nothing else keeps it from being used again after a restart.


logger = logging.getLogger("moxlite.store.auth")

CANNOT_WRITE: Final = (StorageFull, StorageBusy, StorageBroken)


class FactorsDB:
    """Second factors in ``auth.db``. All methods raise StoreError if the file cannot be read.

    Args:
      database: returns the file, or raises StorageBroken.
    """

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database
        self._used: dict[int, int] = {}  # time steps that could not be stored, by id of the app

    async def of(self, account: str) -> Factors:
        """The second factors of an account."""
        return await self._database().read(lambda r: factors_of(r, account), op="factors")

    async def has(self, account: str) -> bool:
        """Whether a log-in to the account needs a second step."""
        return await self._database().read(lambda r: has_factors(r, account), op="factors")

    async def accounts(self) -> list[str]:
        """All accounts with second factors; `ADMIN` where the administrator has one."""
        return await self._database().read(accounts_with_factors, op="factors")

    async def add_totp(self, account: str, name: str, secret: bytes, step: int) -> list[str]:
        """As `factors.add_totp`."""
        return await self._database().write(lambda tx: add_totp(tx, account, name, secret, step))

    async def add_key(self, account: str, key: SecurityKey) -> list[str]:
        """As `factors.add_key`, with the fields of `key` but its id and times."""
        unit = partial(
            add_key,
            account=account,
            name=key.name,
            host=key.host,
            credential=key.credential,
            public_key=key.public_key,
            sign_count=key.sign_count,
            transports=key.transports,
        )
        return await self._database().write(unit)

    async def take_totp(self, account: str, code: str) -> str | None:
        """As `factors.take_totp`, durable when this returns unless the file cannot be written."""
        database = self._database()
        try:
            return await database.write(lambda tx: take_totp(tx, account, code, used=self._used))
        except CANNOT_WRITE as error:
            logger.warning(
                "failed to store code use, keeping it in memory", extra={"kv": {"account": account, "err": str(error)}}
            )
        now = time.time_ns() // 1000
        found = await database.read(lambda r: find_totp(r, account, code, now=now, used=self._used), op="factors")
        # Asked again, because another log-in with the same code may have come while this one read the file.
        if found is None or self._used.get(found[0], 0) >= found[1]:
            return None
        number, step, name = found
        self._used[number] = step
        return name

    async def take_key(self, account: str, key: SecurityKey, sign_count: int) -> bool:
        """As `factors.take_key`. While the file cannot be written the assertion counts: its challenge serves once."""
        try:
            return await self._database().write(lambda tx: take_key(tx, account, key, sign_count))
        except CANNOT_WRITE as error:
            logger.warning("failed to record key use", extra={"kv": {"account": account, "err": str(error)}})
            return True

    async def take_recovery_code(self, account: str, code: str) -> bool:
        """As `factors.take_recovery_code`. Raises StorageFull and the like if that cannot be stored."""
        return await self._database().write(lambda tx: take_recovery_code(tx, account, code))

    async def new_recovery_codes(self, account: str) -> list[str]:
        """As `factors.new_recovery_codes`."""
        return await self._database().write(lambda tx: new_recovery_codes(tx, account))

    async def recovery(self, account: str) -> tuple[int | None, int | None]:
        """When the recovery codes, and the recovery link that can still be used, were made (µs UTC)."""
        now = time.time_ns() // 1000
        row = await self._database().read(lambda r: r.row(RECOVERY, account, now), op="factors")
        codes, link = row or (None, None)
        return codes, link

    async def drop_recovery(self, account: str, *, codes: bool = False, link: bool = False) -> None:
        """Remove the recovery codes of an account, or its recovery link."""

        def unit(tx: Tx) -> None:
            if codes:
                tx.execute(DROP_CODES, account)
            if link:
                tx.execute(DROP_LINKS, account)

        await self._database().write(unit)

    async def remove(self, account: str, kind: str, number: int) -> str | None:
        """As `factors.remove_factor`."""
        return await self._database().write(lambda tx: remove_factor(tx, account, kind, number))

    async def drop(self, account: str) -> int:
        """As `factors.drop_factors`."""
        return await self._database().write(lambda tx: drop_factors(tx, account))

    # Recovery links (WEB-151a)

    async def new_link(self, account: str, *, reset_factors: bool, life: int = LINK_LIFE) -> str:
        """As `factors.new_link`."""
        return await self._database().write(lambda tx: new_link(tx, account, reset_factors=reset_factors, life=life))

    async def find_link(self, token: str) -> RecoveryLink | None:
        """The link with this token, if it can still be used."""
        now = time.time_ns() // 1000
        return await self._database().read(lambda r: find_link(r, token, now=now), op="recovery_link")

    async def take_link(self, token: str) -> RecoveryLink | None:
        """As `factors.take_link`."""
        return await self._database().write(lambda tx: take_link(tx, token))
