"""App passwords: generated credentials of an account, one for each device or program (STORE-191, IMAP-158, SMTP-165,
WEB-150), and access tokens, which need no user name (JMAP-2a).

Each has a name, scopes, and perhaps an expiry time. It is shown once, when it is made. Only its secrets for SCRAM and
CRAM-MD5 are stored, of a token its SHA-256: it has 103 random bits, so a slow hash would add nothing. All passwords
have the salt of the account's own one (see credentials.py), and an account has 50 at most, so that each proof and
password is tried on all of them within three milliseconds on the loop. A token is found by its hash.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import unicodedata
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, Final, Literal, TypeAlias, get_args

import msgspec
import trio

from moxlite.normal import is_visible
from moxlite.proto.sasl.types import ScramSecrets, Secrets
from moxlite.store.auth.credentials import (
    Credential,
    Salt,
    account_salt,
    credential,
    decode_scram,
    derive_secrets,
    encode_scram,
    generate_password,
    is_two_step,
    verifications,
)
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.origin import note_way, origin
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import LimitExceeded, StoreError
from moxlite.store.file.transaction import Reader, Row, Tx
from moxlite.wording import worded

Scope: TypeAlias = Literal["imap", "submission", "webapi", "dav", "jmap", "addresses", "sharing", "sieve"]
"""A service that an app password may be used for, or what it may change there (`EXTRAS`)."""

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
_BITS: Final[Mapping[Scope, int]] = {scope: 1 << place for place, scope in enumerate(SCOPES)}
"""Bits of the column `scopes`, in the order of `Scope`: append only."""

TOKEN_SCOPES: Final[frozenset[Scope]] = frozenset({"webapi", "dav", "jmap", "addresses", "sharing", "sieve"})
"""Services that take tokens: those over HTTP (RFC 6750)."""

EXTRAS: Final[frozenset[Scope]] = frozenset({"sharing", "sieve"})
"""What an app password may change by IMAP, ManageSieve and JMAP beyond mail: permissions and scripts, which outlive the
app password (STORE-191b).
"""

MAX_APP_PASSWORDS: Final = 50
"""App passwords per account. Each costs a CRAM-MD5 log-in 50 µs on the loop (decisions/002)."""

MAX_TOKENS: Final = 100
"""Access tokens per account."""

TOKEN_PREFIX: Final = "moxlite_"  # noqa: S105 - what all have in common
"""How a token begins, so that people and scanners of published files know what it is."""

MAX_NAME: Final = 64
"""Characters of a name."""

USE_INTERVAL: Final = 3600 * 1_000_000
"""Microseconds between two writes of the time of use: a program logs in with each connection that it opens."""


class AppPasswordRefused(StoreError):
    """An app password with these arguments is not allowed; the text says why."""


class AppPassword(msgspec.Struct, frozen=True):
    """One app password, or a token, of which there is only a hash. Times are µs UTC; `expires` and `last_used` are None
    for never.
    """

    id: int
    name: str
    scopes: tuple[Scope, ...]
    read_only: bool
    created: int
    expires: int | None
    last_used: int | None
    secrets: Secrets
    token: bytes | None = None

    def __repr__(self) -> str:
        """Without the secrets, which must not reach a log."""
        return f"AppPassword(name={self.name!r}, scopes={self.scopes!r})"

    @property
    def key(self) -> ScramSecrets:
        """SCRAM-SHA-256 secrets, used to verify a password given in plain text."""
        assert self.secrets.scram_sha_256 is not None
        return self.secrets.scram_sha_256

    def expired(self, now: int) -> bool:
        """Whether its time is over at `now`."""
        return self.expires is not None and self.expires <= now


class Passwords(msgspec.Struct, frozen=True):
    """All passwords of an account: its own one, None until it is set, and its app passwords. With `two_step`, the own
    one is for the web apps only, which ask for a second factor (STORE-191a).
    """

    own: Credential | None
    apps: tuple[AppPassword, ...]
    two_step: bool = False


COLUMNS: Final = "id, name, scopes, read_only, created, expires, last_used, scram_sha_1, scram_sha_256, cram_md5, token"
ALL: Final = f"SELECT {COLUMNS} FROM app_password ORDER BY id"  # noqa: S608 - constants
BY_TOKEN: Final = f"SELECT {COLUMNS} FROM app_password WHERE token = ?"  # noqa: S608 - constants
COUNT: Final = "SELECT coalesce(sum((token IS NOT NULL) = ?), 0), coalesce(sum(name = ?), 0) FROM app_password"
ADD: Final = """
INSERT INTO app_password (name, scopes, read_only, created, expires, scram_sha_1, scram_sha_256, cram_md5, token)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
SCOPES_OF: Final = "SELECT id, scopes, token IS NOT NULL FROM app_password WHERE name = ?"
SET_SCOPES: Final = "UPDATE app_password SET scopes = ? WHERE id = ?"
REMOVE: Final = "DELETE FROM app_password WHERE name = ? RETURNING 1"
REMOVE_LOST: Final = "DELETE FROM app_password WHERE name = ? AND created >= ? AND last_used IS NULL"
USED: Final = "UPDATE app_password SET last_used = ?1 WHERE id = ?2 AND coalesce(last_used, 0) <= ?1 - ?3"


def app_passwords(r: Reader) -> tuple[AppPassword, ...]:
    """All app passwords and tokens of an account, oldest first, including expired ones."""
    return tuple(map(_of_row, r.rows(ALL)))


def passwords(r: Reader) -> Passwords:
    """Read all passwords of the account, without its tokens."""
    return Passwords(
        credential(r),
        tuple(app_password for app_password in app_passwords(r) if app_password.token is None),
        is_two_step(r),
    )


def token_named(r: Reader, token: str) -> AppPassword | None:
    """The token as it is stored, also an expired one; None if the account does not have it."""
    row = r.row(BY_TOKEN, _token_hash(token))
    return None if row is None else _of_row(row)


def account_of_token(token: str) -> str:
    """Name of the account in a token, or "" if the text isn't a token."""
    head, _, _ = token.removeprefix(TOKEN_PREFIX).partition(".")
    try:
        return base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""


def _token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _of_row(row: Row) -> AppPassword:
    number, name, scopes, read_only, created, expires, last_used, sha_1, sha_256, cram_md5, token = row
    return AppPassword(
        number,
        name,
        tuple(scope for scope in SCOPES if scopes & _BITS[scope]),
        bool(read_only),
        created,
        expires,
        last_used,
        Secrets() if token is not None else Secrets(decode_scram(sha_1), decode_scram(sha_256), cram_md5),
        token,
    )


async def add_app_password(
    account: Account,
    name: str,
    scopes: Collection[Scope],
    *,
    read_only: bool = False,
    expires: int | None = None,
) -> str:
    """Make an app password and return it. It cannot be read again later.

    Args:
      name: 1 to 64 characters, unique within the account, for its owner.
      scopes: services that it may be used for, one at least.
      read_only: sessions with it can neither change nor send anything.
      expires: µs UTC, None for never.

    Raises:
      AppPasswordRefused: an argument is not allowed.
      LimitExceeded: the account has 50 already.
    """
    name = _checked(name, scopes, read_only=read_only)
    if "addresses" in scopes:
        raise AppPasswordRefused("password managers need a separate token that can't be used for anything else")
    password = generate_password()
    added = False
    while not added:  # again only when another password of the account brought its own salt meanwhile
        salt = await account.read(account_salt, op="app-password")
        secrets = await trio.to_thread.run_sync(derive_secrets, password, salt, limiter=verifications())
        unit = partial(_add, name=name, scopes=scopes, read_only=read_only, expires=expires, secrets=secrets, salt=salt)
        added = await account.write(unit)
    return password


async def add_token(
    account: Account,
    name: str,
    scopes: Collection[Scope],
    *,
    read_only: bool = False,
    expires: int | None = None,
) -> str:
    """Make an access token and return it. It cannot be read again later. Arguments and errors as `add_app_password`."""
    name = _checked(name, scopes, read_only=read_only)
    others = [scope for scope in scopes if scope not in TOKEN_SCOPES]
    if others:
        raise AppPasswordRefused(worded("tokens can't be used for {scope}", scope=others[0]))
    head = base64.urlsafe_b64encode(account.name.encode()).decode().rstrip("=")
    token = f"{TOKEN_PREFIX}{head}.{generate_password()}"
    hashed = _token_hash(token)

    def add(tx: AccountTx) -> None:
        _check_new(tx, name, expires, token=True)
        _insert(tx, name, scopes, read_only=read_only, expires=expires, secrets=(b"", b"", b""), token=hashed)

    await account.write(add)
    return token


def _checked(name: str, scopes: Collection[Scope], *, read_only: bool) -> str:
    """The name in NFC without spaces around it. Raises AppPasswordRefused."""
    name = unicodedata.normalize("NFC", name).strip()
    if not 0 < len(name) <= MAX_NAME or not is_visible(name):
        raise AppPasswordRefused(worded("app password names must be 1 to {most} printable characters", most=MAX_NAME))
    if EXTRAS.issuperset(scopes):
        raise AppPasswordRefused("choose at least one service for the app password")
    if read_only and "submission" in scopes:
        raise AppPasswordRefused("read-only app passwords can't send mail")
    return name


def _add(
    tx: AccountTx,
    *,
    name: str,
    scopes: Collection[Scope],
    read_only: bool,
    expires: int | None,
    secrets: Secrets,
    salt: Salt | None,
) -> bool:
    """Store an app password; False, with nothing stored, if `salt` is not that of the account's other passwords."""
    if account_salt(tx) != salt:
        return False
    _check_new(tx, name, expires, token=False)
    assert secrets.scram_sha_1 is not None
    assert secrets.scram_sha_256 is not None
    assert secrets.cram_md5 is not None
    stored = (encode_scram(secrets.scram_sha_1), encode_scram(secrets.scram_sha_256), secrets.cram_md5)
    _insert(tx, name, scopes, read_only=read_only, expires=expires, secrets=stored, token=None)
    return True


def _check_new(tx: Tx, name: str, expires: int | None, *, token: bool) -> None:
    """Check what only the other rows tell. Raises AppPasswordRefused, LimitExceeded."""
    if again := origin().again:
        tx.execute(REMOVE_LOST, name, again)
    count, same = tx.row(COUNT, token, name) or (0, 0)
    if same:
        raise AppPasswordRefused(worded("an app password named {name} already exists", name=repr(name)))
    if token and count >= MAX_TOKENS:
        raise LimitExceeded(worded("this account already has {most} tokens", most=MAX_TOKENS))
    if not token and count >= MAX_APP_PASSWORDS:
        raise LimitExceeded(worded("this account already has {most} app passwords", most=MAX_APP_PASSWORDS))
    if expires is not None and expires <= tx.now:
        raise AppPasswordRefused("the expiration date must be in the future")


def _insert(
    tx: AccountTx,
    name: str,
    scopes: Collection[Scope],
    *,
    read_only: bool,
    expires: int | None,
    secrets: tuple[bytes, bytes, bytes],
    token: bytes | None,
) -> None:
    bits = sum(_BITS[scope] for scope in set(scopes))
    number = tx.insert(ADD, name, bits, read_only, tx.now, expires, *secrets, token)
    note_way(tx, "app_password" if token is None else "token", number)


def allow_extras(tx: AccountTx, name: str, extras: Collection[Scope]) -> bool:
    """Let an app password or a token change just these of `EXTRAS`. False if none has that name.

    The caller ends the sessions that began with it.
    """
    row = tx.row(SCOPES_OF, name)
    if row is None:
        return False
    number, scopes, is_token = row
    bits = scopes & ~sum(_BITS[scope] for scope in EXTRAS) | sum(_BITS[scope] for scope in EXTRAS.intersection(extras))
    tx.execute(SET_SCOPES, bits, number)
    if bits & ~scopes:
        note_way(tx, "token" if is_token else "app_password", number)
    return True


def remove_app_password(tx: Tx, name: str) -> bool:
    """Revoke an app password: no log-in with it succeeds from now on. False if no app password has that name.

    The caller ends the sessions that began with it.
    """
    return tx.row(REMOVE, name) is not None


def note_use(tx: Tx, number: int) -> None:
    """Store that an app password is used now, unless a use within the last hour is stored."""
    tx.execute(USED, tx.now, number, USE_INTERVAL)


def use_is_due(app: AppPassword, now: int) -> bool:
    """Whether `note_use` would write anything."""
    return (app.last_used or 0) <= now - USE_INTERVAL


def wrong_app_passwords(r: Reader) -> list[str]:
    """Inconsistencies among the passwords of an account, one sentence each, for its check (STORE-40)."""
    found: list[str] = []
    try:
        salt = account_salt(r)
    except msgspec.DecodeError:
        return ["can't read the SCRAM secrets for the account's password"]
    rows: list[tuple[Any, ...]] = r.rows(ALL)
    for row in rows:
        try:
            app_password = _of_row(row)
        except msgspec.DecodeError:
            found.append(f"can't read the secrets for app password {row[0]}")
            continue
        if not app_password.scopes or (app_password.read_only and "submission" in app_password.scopes):
            found.append(f"app password {app_password.id} has scopes {row[2]}, read_only {row[3]}")
        if app_password.token is not None and not TOKEN_SCOPES.issuperset(app_password.scopes):
            found.append(f"token {app_password.id} has scopes {row[2]}")
        for scram in (app_password.secrets.scram_sha_1, app_password.secrets.scram_sha_256):
            if scram is not None and (salt is None or (scram.salt, scram.iterations) != (salt.octets, salt.iterations)):
                found.append(f"app password {app_password.id} and the account's password have different salts")
                break
    tokens = sum(row[-1] is not None for row in rows)
    if len(rows) - tokens > MAX_APP_PASSWORDS or tokens > MAX_TOKENS:
        found.append(f"there are {len(rows) - tokens} app passwords and {tokens} tokens")
    return found
