"""App passwords: generated credentials of an account, one for each device or program (STORE-191, IMAP-158, SMTP-165,
WEB-150).

Each has a name, what it may be used for, and perhaps a last day. It is told once, when it is made. Of it are stored
only what SCRAM and CRAM-MD5 need: it has 103 random bits, so a slow hash would add nothing. All of them have the salt
of the account's own password (see credentials.py), and no account has more than 20, so that each proof and password is
tried on all of them within a millisecond on the loop.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, Final, Literal, TypeAlias, get_args

import msgspec
import trio

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
    verifications,
)
from moxlite.store.changelog.account import Account
from moxlite.store.errors import LimitExceeded, StoreError
from moxlite.store.file.transaction import Reader, Row, Tx

__all__ = [
    "MAX_APP_PASSWORDS",
    "SCOPES",
    "AppPassword",
    "AppPasswordRefused",
    "Passwords",
    "Scope",
    "add_app_password",
    "app_passwords",
    "note_use",
    "passwords",
    "remove_app_password",
    "use_is_due",
    "wrong_app_passwords",
]

Scope: TypeAlias = Literal["imap", "submission", "webapi"]
"""What an app password may be used for."""

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
_BITS: Final[Mapping[Scope, int]] = {"imap": 1, "submission": 2, "webapi": 4}

MAX_APP_PASSWORDS: Final = 20
"""Of one account: each costs a CRAM-MD5 log-in 50 µs on the loop (decisions/002)."""

MAX_NAME: Final = 64
"""Characters of a name."""

USE_INTERVAL: Final = 3600 * 1_000_000
"""Microseconds between two writes of the time of use: a program logs in with each connection that it opens."""


class AppPasswordRefused(StoreError):
    """An app password that cannot be made as it was asked for; the text says why."""


class AppPassword(msgspec.Struct, frozen=True):
    """One app password. Times are µs UTC; `expires` and `last_used` are None for never."""

    id: int
    name: str
    scopes: tuple[Scope, ...]
    read_only: bool
    created: int
    expires: int | None
    last_used: int | None
    secrets: Secrets

    def __repr__(self) -> str:
        """Without the secrets, which must not reach a log."""
        return f"AppPassword(name={self.name!r}, scopes={self.scopes!r})"

    @property
    def key(self) -> ScramSecrets:
        """What a password is compared with."""
        assert self.secrets.scram_sha_256 is not None
        return self.secrets.scram_sha_256

    def expired(self, now: int) -> bool:
        """Whether its time is over at `now`."""
        return self.expires is not None and self.expires <= now


class Passwords(msgspec.Struct, frozen=True):
    """All that an account can log in with: its own password, None as long as none was set, and its app passwords."""

    own: Credential | None
    apps: tuple[AppPassword, ...]


COLUMNS: Final = "id, name, scopes, read_only, created, expires, last_used, scram_sha_1, scram_sha_256, cram_md5"
ALL: Final = f"SELECT {COLUMNS} FROM app_password ORDER BY id"  # noqa: S608 - constants
COUNT: Final = "SELECT count(*), coalesce(sum(name = ?), 0) FROM app_password"
ADD: Final = """
INSERT INTO app_password (name, scopes, read_only, created, expires, scram_sha_1, scram_sha_256, cram_md5)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
REMOVE: Final = "DELETE FROM app_password WHERE name = ? RETURNING 1"
USED: Final = "UPDATE app_password SET last_used = ?1 WHERE id = ?2 AND coalesce(last_used, 0) <= ?1 - ?3"


def app_passwords(r: Reader) -> tuple[AppPassword, ...]:
    """All of an account, the oldest first; also those whose time is over."""
    return tuple(map(_of_row, r.rows(ALL)))


def passwords(r: Reader) -> Passwords:
    """What the account can log in with."""
    return Passwords(credential(r), app_passwords(r))


def _of_row(row: Row) -> AppPassword:
    number, name, scopes, read_only, created, expires, last_used, sha_1, sha_256, cram_md5 = row
    return AppPassword(
        number,
        name,
        tuple(scope for scope in SCOPES if scopes & _BITS[scope]),
        bool(read_only),
        created,
        expires,
        last_used,
        Secrets(decode_scram(sha_1), decode_scram(sha_256), cram_md5),
    )


async def add_app_password(
    account: Account,
    name: str,
    scopes: Collection[Scope],
    *,
    read_only: bool = False,
    expires: int | None = None,
) -> str:
    """Make an app password; returns it, which is the only time that anybody can see it.

    Args:
      name: 1 to 64 characters, for its owner to know it by; none of the account has it yet.
      scopes: what it may be used for; one at least.
      read_only: nothing can be changed with it, nor sent.
      expires: µs UTC, None for never.

    Raises:
      AppPasswordRefused, LimitExceeded: there are 20 already.
    """
    name = _checked(name, scopes, read_only=read_only)
    password = generate_password()
    added = False
    while not added:  # again only when another password of the account brought its own salt meanwhile
        salt = await account.read(account_salt, op="app-password")
        secrets = await trio.to_thread.run_sync(derive_secrets, password, salt, limiter=verifications())
        unit = partial(_add, name=name, scopes=scopes, read_only=read_only, expires=expires, secrets=secrets, salt=salt)
        added = await account.write(unit)
    return password


def _checked(name: str, scopes: Collection[Scope], *, read_only: bool) -> str:
    """The name in NFC without spaces around it. Raises AppPasswordRefused."""
    name = unicodedata.normalize("NFC", name).strip()
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise AppPasswordRefused(f"the name of an app password has 1 to {MAX_NAME} printable characters")
    if not scopes:
        raise AppPasswordRefused("an app password needs something that it may be used for")
    if read_only and "submission" in scopes:
        raise AppPasswordRefused("an app password that is read-only cannot be used for submission")
    return name


def _add(
    tx: Tx,
    *,
    name: str,
    scopes: Collection[Scope],
    read_only: bool,
    expires: int | None,
    secrets: Secrets,
    salt: Salt | None,
) -> bool:
    """Store it; False when it has not the salt of the account's other passwords."""
    if account_salt(tx) != salt:
        return False
    count, same = tx.row(COUNT, name) or (0, 0)
    if same:
        raise AppPasswordRefused(f"there is an app password {name!r} already")
    if count >= MAX_APP_PASSWORDS:
        raise LimitExceeded(f"{MAX_APP_PASSWORDS} app passwords of an account")
    if expires is not None and expires <= tx.now:
        raise AppPasswordRefused("an app password cannot end in the past")
    assert secrets.scram_sha_1 is not None
    assert secrets.scram_sha_256 is not None
    tx.execute(
        ADD,
        name,
        sum(_BITS[scope] for scope in set(scopes)),
        read_only,
        tx.now,
        expires,
        encode_scram(secrets.scram_sha_1),
        encode_scram(secrets.scram_sha_256),
        secrets.cram_md5,
    )
    return True


def remove_app_password(tx: Tx, name: str) -> bool:
    """Revoke an app password: no log-in with it succeeds from now on. False when there is none of that name.

    The caller ends the sessions that began with it.
    """
    return tx.row(REMOVE, name) is not None


def note_use(tx: Tx, number: int) -> None:
    """Write down that an app password is used now, if that was not done within the hour."""
    tx.execute(USED, tx.now, number, USE_INTERVAL)


def use_is_due(app: AppPassword, now: int) -> bool:
    """Whether `note_use` would write anything."""
    return (app.last_used or 0) <= now - USE_INTERVAL


def wrong_app_passwords(r: Reader) -> list[str]:
    """For the check of an account: what does not agree (STORE-40)."""
    found: list[str] = []
    try:
        salt = account_salt(r)
    except msgspec.DecodeError:
        return ["the SCRAM secrets of the account's password cannot be read"]
    rows: list[tuple[Any, ...]] = r.rows(ALL)
    for row in rows:
        try:
            one = _of_row(row)
        except msgspec.DecodeError:
            found.append(f"app password {row[0]} has secrets that cannot be read")
            continue
        if not one.scopes or (one.read_only and "submission" in one.scopes):
            found.append(f"app password {one.id} has scopes {row[2]}, read_only {row[3]}")
        for scram in (one.secrets.scram_sha_1, one.secrets.scram_sha_256):
            if scram is not None and (salt is None or (scram.salt, scram.iterations) != (salt.octets, salt.iterations)):
                found.append(f"app password {one.id} has another salt than the account's password")
                break
    if len(rows) > MAX_APP_PASSWORDS:
        found.append(f"there are {len(rows)} app passwords")
    return found
