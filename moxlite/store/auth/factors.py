"""Second factors in ``auth.db``: authenticator apps (TOTP), security keys (WebAuthn) and recovery codes (WEB-151,
STORE-109), and the one-use links for users who have lost their password (WEB-151a).

Plain functions on transactions and readers of that file; `FactorsDB` (factorsdb.py) offers them to the rest of the
program. An `account` here is the name of an account, or `ADMIN`. Everything stored counts: the caller stores an app or
key only after its first right code.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Mapping
from typing import Final

import msgspec

from moxlite.proto.totp import matching_step
from moxlite.store.errors import LimitExceeded, StoreError
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
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise FactorRefused(worded("the name of a device has 1 to {most} printable characters", most=MAX_NAME))
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
    first = not has_factors(tx, account)
    tx.execute(ADD_APP, account, name, secret, step, tx.now, tx.now)
    return new_recovery_codes(tx, account) if first else []


def find_totp(r: Reader, account: str, code: str, *, now: int, used: Mapping[int, int]) -> tuple[int, int, str] | None:
    """The app that a code belongs to: its id, the code's time step, the app's name; None without one. `now` is µs UTC,
    `used` has the steps of codes that were taken but could not be stored, by id.
    """
    for number, name, secret, last in r.rows(SECRETS, account):
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
        raise FactorRefused("this security key is in use already")
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
        raise FactorRefused(worded("there is a device {name} already", name=repr(name)))
    if found >= MAX_FACTORS:
        raise LimitExceeded(worded("{most} authenticator apps or security keys of an account", most=MAX_FACTORS))


# Recovery links


def new_link(tx: Tx, account: str, *, reset_factors: bool) -> str:
    """Make a recovery link of an account, in place of earlier ones; returns its token (128 random bits, base64url)."""
    token = secrets.token_urlsafe(16)
    tx.execute(DROP_LINKS, account)
    tx.execute(ADD_LINK, _hash_of(token), account, reset_factors, tx.now, tx.now + LINK_LIFE)
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
