"""Credentials of an account: stored forms of its password, and their verification (STORE-100..103).

Nothing stored is reversible: argon2id for mechanisms that send the password, SCRAM keys (RFC 5802) and CRAM-MD5
states (RFC 2195) for mechanisms that prove it. The mechanisms themselves are in proto/sasl; `moxlite.logins` decides
whether a user may log in; app passwords are in apppasswords.py.

A SCRAM server sends salt and iterations before it knows which password its client has. So all passwords of an account
share them (`Salt`): the first one sets them, and a new password of an account with app passwords takes theirs.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import Final

import argon2
import msgspec
import trio

from moxlite.encoding import msgpack_decoder, to_msgpack
from moxlite.proto.sasl.crammd5 import cram_md5_states
from moxlite.proto.sasl.plain import prepare_password
from moxlite.proto.sasl.scram import ITERATIONS, SALT_SIZE, derive_scram
from moxlite.proto.sasl.types import ScramSecrets, Secrets
from moxlite.store.changelog.account import Account
from moxlite.store.errors import BadPassword
from moxlite.store.file.transaction import Reader, Tx
from moxlite.wording import worded

MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 256
"""Octets of a password after preparation (STORE-100)."""

GENERATED_LENGTH: Final = 20
_GENERATED_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
"""20 of 36 characters are 103 random bits (STORE-102)."""

MAX_VERIFICATIONS: Final = 2
"""Number of concurrent verifications: each takes 19 MiB and 20 ms of a core (STORE-103)."""

CACHE_SECONDS: Final = 15 * 60
"""Seconds a success is remembered (STORE-103): IMAP clients log in with every connection they open."""

CACHE_ENTRIES: Final = 4096
"""Maximum number of remembered successes; one per user is enough."""

OURS: Final = "$argon2id$"
"""How our hashes begin."""

OWN: Final = -1
"""Result of `PasswordChecker.which` for the account's own password."""

_HASHER: Final = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=argon2.Type.ID)
"""Parameters: OWASP's minimum for argon2id, and small enough for a board with 512 MiB (STORE-100)."""


class Credential(msgspec.Struct, frozen=True):
    """All stored forms of a password. `password` is the encoded argon2id hash, or that of another server
    (`foreignhashes`).

    `changed` is the time of the last change, µs UTC: earlier verifications are void.
    """

    password: str
    secrets: Secrets
    changed: int = 0

    def __repr__(self) -> str:
        """Without hashes, which must not reach a log."""
        return f"Credential(changed={self.changed})"


class Salt(msgspec.Struct, frozen=True):
    """Salt and iteration count, shared by all SCRAM secrets of an account."""

    octets: bytes
    iterations: int


def check_password(password: str) -> str:
    """Return a new password in its prepared form (RFC 8265 OpaqueString).

    Raises:
      BadPassword: forbidden characters, or not 8 to 256 octets; the text is for its owner.
    """
    try:
        prepared = prepare_password(password)
    except ValueError as error:
        raise BadPassword(str(error)) from error
    length = len(prepared.encode())
    if length < MIN_LENGTH:
        raise BadPassword(worded("the password must be at least {most} characters", most=MIN_LENGTH))
    if length > MAX_LENGTH:
        raise BadPassword(worded("the password must be {most} bytes or fewer", most=MAX_LENGTH))
    return prepared


def generate_password() -> str:
    """A random password, for users who may not choose their own (STORE-102)."""
    return "".join(secrets.choice(_GENERATED_ALPHABET) for _ in range(GENERATED_LENGTH))


def derive_secrets(prepared: str, salt: Salt | None = None) -> Secrets:
    """Derive the SCRAM and CRAM-MD5 secrets of a prepared password. Both SCRAM forms use `salt`, or a new one. Takes
    about 10 ms: for threads.
    """
    salt = salt or Salt(secrets.token_bytes(SALT_SIZE), ITERATIONS)
    return Secrets(
        scram_sha_1=derive_scram(prepared, "sha1", salt=salt.octets, iterations=salt.iterations),
        scram_sha_256=derive_scram(prepared, "sha256", salt=salt.octets, iterations=salt.iterations),
        cram_md5=cram_md5_states(prepared),
    )


def derive_credential(password: str, salt: Salt | None = None) -> Credential:
    """All stored forms of a new password, with the salt of `app_salt`; about 40 ms: for threads. Raises BadPassword."""
    return _derive_prepared(check_password(password), salt)


def hash_password(password: str) -> str:
    """The hash of a password that another server has in clear, for `set_foreign`; 20 ms: for threads. Raises
    ValueError for forbidden characters.
    """
    return _HASHER.hash(prepare_password(password))


# Storing

CLEAR: Final = "DELETE FROM credential WHERE kind <> 'two-step'"
SET: Final = "INSERT INTO credential (kind, data, created) VALUES (?, ?, ?)"
GET: Final = "SELECT kind, data, created FROM credential"
GET_KIND: Final = "SELECT data FROM credential WHERE kind = ?"
APP_SCRAM: Final = "SELECT scram_sha_256 FROM app_password WHERE token IS NULL ORDER BY id LIMIT 1"

HASH: Final = "argon2id"
SCRAM_SHA_1: Final = "scram-sha-1"
SCRAM_SHA_256: Final = "scram-sha-256"
CRAM_MD5: Final = "cram-md5"
"""The kinds of rows. A row of kind ``argon2id`` may have another server's hash until the next log-in."""

TWO_STEP: Final = "two-step"
"""Kind of the row that marks an account with second factors (STORE-191a); a change of the password leaves it."""

SET_MARK: Final = "INSERT INTO credential (kind, data, created) VALUES (?, x'', ?) ON CONFLICT DO NOTHING"
DROP_MARK: Final = "DELETE FROM credential WHERE kind = ?"
GET_MARK: Final = "SELECT EXISTS (SELECT 1 FROM credential WHERE kind = ?)"

_scram: Final = msgpack_decoder(ScramSecrets)


def encode_scram(scram: ScramSecrets) -> bytes:
    """The stored form of SCRAM secrets."""
    return to_msgpack(scram)


def decode_scram(data: bytes) -> ScramSecrets:
    """Decode the stored form of SCRAM secrets. Raises msgspec.DecodeError."""
    return _scram.decode(data)


def app_salt(r: Reader) -> Salt | None:
    """The salt of the app passwords, which a new password of the account must have; None without app passwords."""
    return _salt(r.value(APP_SCRAM))


def account_salt(r: Reader) -> Salt | None:
    """The salt that a new app password must have: from the account's own password, or from its app passwords."""
    return _salt(r.value(GET_KIND, SCRAM_SHA_256)) or app_salt(r)


def _salt(data: bytes | None) -> Salt | None:
    if data is None:
        return None
    scram = decode_scram(data)
    return Salt(scram.salt, scram.iterations)


def set_credential(tx: Tx, new: Credential) -> None:
    """Store all forms of a new password, and delete the forms of the old one."""
    rows = {HASH: new.password.encode()}
    for kind, scram in ((SCRAM_SHA_1, new.secrets.scram_sha_1), (SCRAM_SHA_256, new.secrets.scram_sha_256)):
        if scram is not None:
            rows[kind] = encode_scram(scram)
    if new.secrets.cram_md5 is not None:
        rows[CRAM_MD5] = new.secrets.cram_md5
    # All forms in one unit: a mail program that uses another mechanism must not get in with the old password.
    tx.execute(CLEAR)
    for kind, data in rows.items():
        tx.execute(SET, kind, data, tx.now)


def set_foreign(tx: Tx, form: str) -> bool:
    """Store another server's hash (`foreignhashes.read_hash`) until the next log-in, unless the account has a password
    of its own; returns whether it is stored.
    """
    stored = credential(tx)
    if stored is not None and not is_foreign(stored):
        return False
    set_credential(tx, Credential(form, Secrets()))
    return True


def drop_foreign(tx: Tx) -> bool:
    """Remove another server's hash; False if the account has none any more."""
    stored = credential(tx)
    if stored is None or not is_foreign(stored):
        return False
    tx.execute(CLEAR)
    return True


def set_password(tx: Tx, password: str) -> None:
    """Set the password, deriving its forms in the writer's thread, for tools; a server uses `change_password`. Raises
    BadPassword.
    """
    set_credential(tx, derive_credential(password, app_salt(tx)))


def credential(r: Reader) -> Credential | None:
    """The stored forms; None as long as no password was set."""
    rows: dict[str, tuple[bytes, int]] = {kind: (data, created) for kind, data, created in r.rows(GET)}
    if HASH not in rows:
        return None

    def scram(kind: str) -> ScramSecrets | None:
        return decode_scram(rows[kind][0]) if kind in rows else None

    cram_md5 = rows[CRAM_MD5][0] if CRAM_MD5 in rows else None
    hashed, changed = rows[HASH]
    return Credential(hashed.decode(), Secrets(scram(SCRAM_SHA_1), scram(SCRAM_SHA_256), cram_md5), changed)


def mark_two_step(tx: Tx, on: bool) -> None:
    """Store whether the account has second factors: if so, its own password is for the web apps only (STORE-191a). The
    factors are in auth.db; the mark lets mail protocols decide without that file.
    """
    if on:
        tx.execute(SET_MARK, TWO_STEP, tx.now)
    else:
        tx.execute(DROP_MARK, TWO_STEP)


def is_two_step(r: Reader) -> bool:
    """Whether the account is marked as having second factors."""
    return bool(r.value(GET_MARK, TWO_STEP))


async def change_password(account: Account, password: str) -> None:
    """Set the password of an account: derived in a thread, then one unit.

    The caller ends the account's web sessions (STORE-102) and calls `PasswordChecker.forget`.

    Raises:
      BadPassword: see `check_password`.
    """

    def unit(tx: Tx, new: Credential, salt: Salt | None) -> bool:
        # All SCRAM secrets of an account must share their salt: a client asks for it before it is known which password
        # it has.
        if app_salt(tx) != salt:
            return False
        set_credential(tx, new)
        return True

    done = False
    while not done:  # again only when the first app password came meanwhile
        salt = await account.read(app_salt, op="credential")
        new = await trio.to_thread.run_sync(derive_credential, password, salt, limiter=verifications())
        done = await account.write(partial(unit, new=new, salt=salt))


# Verifying

_limiter: trio.lowlevel.RunVar[trio.CapacityLimiter] = trio.lowlevel.RunVar("password_verifications")


def verifications() -> trio.CapacityLimiter:
    """Limiter of threads that derive or verify: `MAX_VERIFICATIONS` at once (STORE-103)."""
    try:
        return _limiter.get()
    except LookupError:
        limiter = trio.CapacityLimiter(MAX_VERIFICATIONS)
        _limiter.set(limiter)
        return limiter


class PasswordChecker:
    """Verifies passwords in threads, and remembers successes as HMACs under a key of this process (STORE-103)."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._seen: OrderedDict[tuple[str, str], tuple[bytes, float]] = OrderedDict()
        self._dummy: str | None = None
        self._dummy_lock = threading.Lock()

    async def verify(self, account: str, stored: Credential | None, password: str) -> bool:
        """Whether `password` is that of the account with these stored forms.

        `stored` is None for an unknown account or one without a password: then the call takes as long, and returns
        False (SMTP-57).
        """
        return await self.which(account, stored, (), password) == OWN

    async def which(
        self,
        account: str,
        stored: Credential | None,
        apps: Sequence[ScramSecrets],
        password: str,
        *,
        withheld: bool = False,
    ) -> int | None:
        """Find the stored password that equals `password`: returns `OWN`, an index of `apps`, or None without a match.

        An app password is as random as its SCRAM key, so only the keys are compared, after one derivation for all.
        A wrong password takes the same time whether or not the account exists, has a password of its own, or has app
        passwords (SMTP-57). With `withheld`, the own password may not be used here, and takes that time as well, each
        time it is given.
        """
        try:
            prepared = prepare_password(password)
        except ValueError:
            # no password has this form, but the answer must take as long as for any other wrong one
            prepared, stored, apps = "", None, ()
        forms = [app.stored_key.hex() for app in apps]
        if stored is not None and not withheld and self._remembered(account, stored.password, prepared):
            return OWN
        for place, form in enumerate(forms):
            if self._remembered(account, form, prepared):
                return place
        hashed = stored.password if stored is not None else None
        found = await trio.to_thread.run_sync(self._find, hashed, apps, prepared, withheld, limiter=verifications())
        if found is not None and not (withheld and found == OWN):
            # By the stored form: a changed or revoked password is not found in memory, whichever process changed it.
            form = stored.password if stored is not None and found == OWN else forms[found]
            self._seen[account, form] = (self._tag(form, prepared), time.monotonic() + CACHE_SECONDS)
            self._seen.move_to_end((account, form))
            while len(self._seen) > CACHE_ENTRIES:
                self._seen.popitem(last=False)
        return found

    def forget(self, account: str) -> None:
        """Drop the remembered successes of an account: its password changed, or it may not log in any longer."""
        for key in [key for key in self._seen if key[0] == account]:
            del self._seen[key]

    def _tag(self, form: str, prepared: str) -> bytes:
        return hmac.digest(self._key, f"{form}\0{prepared}".encode(), "sha256")

    def _remembered(self, account: str, form: str, prepared: str) -> bool:
        tag, until = self._seen.get((account, form), (b"", 0.0))
        if until < time.monotonic():
            # a fresh success stores it again
            self._seen.pop((account, form), None)
            return False
        return hmac.compare_digest(tag, self._tag(form, prepared))

    def _find(self, hashed: str | None, apps: Sequence[ScramSecrets], prepared: str, withheld: bool) -> int | None:
        """Verify, in a thread. App passwords come first: they cost a tenth of an argon2 hash."""
        if apps and (place := _among(apps, prepared)) is not None:
            return place
        # The hash is computed in any case, and only then asked whether it counts.
        own = _verify(self._dummy_hash() if hashed is None else hashed, prepared) and hashed is not None
        if not own and hashed is not None and not hashed.startswith(OURS):
            # Most hashes of other servers cost less than ours: else a fast answer tells that the account has one.
            _verify(self._dummy_hash(), prepared)
        # The derivation that app passwords would have cost: else its absence tells that the account has none.
        if not apps and (withheld or not own):
            derive_scram(prepared, "sha256")
        return OWN if own else None

    def _dummy_hash(self) -> str:
        with self._dummy_lock:
            if self._dummy is None:
                self._dummy = _HASHER.hash(secrets.token_urlsafe())
            return self._dummy


def _among(apps: Sequence[ScramSecrets], prepared: str) -> int | None:
    """Index of the app password that equals `prepared`, or None. Takes 2 ms, as all share their salt."""
    first = apps[0]
    key = derive_scram(prepared, "sha256", salt=first.salt, iterations=first.iterations).stored_key
    chosen: int | None = None
    for place, app in enumerate(apps):
        # All of them are compared, so that the time does not tell which one it was.
        if hmac.compare_digest(app.stored_key, key):
            chosen = place
    return chosen


def is_foreign(stored: Credential) -> bool:
    """Whether the hash is another server's, which no log-in has replaced yet: there are no secrets beside it."""
    return stored.secrets == Secrets()


def needs_rehash(stored: Credential) -> bool:
    """Whether a login should replace the stored hash: one of another server, or with older parameters (STORE-100)."""
    return is_foreign(stored) or not stored.password.startswith(OURS) or _HASHER.check_needs_rehash(stored.password)


async def rehash(account: Account, stored: Credential, password: str) -> None:
    """Replace the hash of a password that was just verified, and add missing secrets. A concurrent change of the
    password wins. Existing secrets stay: a client may be about to prove them.
    """
    salt = await account.read(app_salt, op="credential")
    new = await trio.to_thread.run_sync(_derive_prepared, prepare_password(password), salt, limiter=verifications())
    if None not in msgspec.structs.astuple(stored.secrets):
        new = msgspec.structs.replace(new, secrets=stored.secrets)

    def unit(tx: Tx) -> None:
        # Between the log-in and this unit the owner may have set another password, which the old one must not replace.
        if credential(tx) == stored and app_salt(tx) == salt:
            set_credential(tx, new)

    await account.write(unit)


def _derive_prepared(prepared: str, salt: Salt | None) -> Credential:
    return Credential(_HASHER.hash(prepared), derive_secrets(prepared, salt))


def _verify(hashed: str, prepared: str) -> bool:
    if not hashed.startswith(OURS):
        from moxlite.store.auth.foreignhashes import verify_hash  # few servers ever need it, with libpass and bcrypt

        return verify_hash(hashed, prepared)
    try:
        return _HASHER.verify(hashed, prepared)
    except (argon2.exceptions.VerifyMismatchError, argon2.exceptions.InvalidHashError):
        return False
