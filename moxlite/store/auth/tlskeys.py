"""Keys of client certificates that log in to an account (STORE-104, SMTP-59, IMAP-47, WEB-67), and the proof that a
user has the private key (STORE-104a).

Only the public key identifies: dates, names, usage, constraints and issuers of the certificate are ignored.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from typing import Final

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from msgspec import UNSET

from moxlite.encoding import from_builtins
from moxlite.store.errors import LimitExceeded, StoreError
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.forms import BadForm, CertificateChange, changed_fields, refuse_stale
from moxlite.wording import worded

MIN_RSA_BITS: Final = 2048
"""Minimum bits of an RSA key (STORE-104); NIST SP 800-131A has disallowed shorter ones since 2014."""

MAX_CERTIFICATE: Final = 64 << 10
"""Octets of a certificate. Real ones have 1,000 to 2,000."""

MAX_KEYS: Final = 100
"""Keys of an account: one for each device. All are listed, in one read."""

MAX_NAME: Final = 256
"""Characters of a key's name."""

PROOF_SECONDS: Final = 24 * 3600
"""Seconds in which a challenge can be signed, and for which a handshake is a proof. A user may get the command from the
administrator by mail.
"""

PRIVATE_KEY: Final = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----")
BEGIN: Final = "-----BEGIN CERTIFICATE-----"

_CURVES: Final = {"secp256r1": "p256", "secp384r1": "p384", "secp521r1": "p521"}


class KeyRefused(StoreError):
    """The data is not a certificate, or its key has a type or size that is not accepted, or is in use; the text says
    which.
    """

    field: Final = "certificate"


class NoSuchKey(StoreError):
    """The account has no key of this fingerprint."""

    def __init__(self) -> None:
        super().__init__("certificate not found")


class TLSKey(msgspec.Struct, frozen=True):
    """A row of ``tls_public_key``: `fingerprint` is SHA-256 of SubjectPublicKeyInfo, base64url, `created` µs UTC."""

    fingerprint: str
    created: int
    type: str
    name: str
    no_imap_preauth: bool
    certificate: bytes
    account: str
    login_address: str


COLUMNS: Final = "fingerprint, created, type, name, no_imap_preauth, certificate, account, login_address"
FIND: Final = f"SELECT {COLUMNS} FROM tls_public_key WHERE fingerprint = ?"  # noqa: S608 - constants
LIST: Final = f"SELECT {COLUMNS} FROM tls_public_key WHERE account = ? ORDER BY created, fingerprint"  # noqa: S608 - constants
LIST_ALL: Final = f"SELECT {COLUMNS} FROM tls_public_key ORDER BY account, created, fingerprint"  # noqa: S608 - constants
INSERT: Final = (
    f"INSERT INTO tls_public_key ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING 1"  # noqa: S608 - constants
)
COUNT: Final = "SELECT count(*) FROM tls_public_key WHERE account = ?"
CHANGE: Final = """
UPDATE tls_public_key SET name = ?, no_imap_preauth = ?, login_address = ? WHERE fingerprint = ?"""
REMOVE: Final = "DELETE FROM tls_public_key WHERE account = ? AND fingerprint = ? RETURNING 1"
REMOVE_ALL: Final = "DELETE FROM tls_public_key WHERE account = ?"


def fingerprint_of(public_key_info: bytes) -> str:
    """Fingerprint of a key: SHA-256 of its DER SubjectPublicKeyInfo, base64url without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(public_key_info).digest()).rstrip(b"=").decode()


def pem_problem(text: str) -> str:
    """Reason why a text that a person gave is not one certificate in PEM form, or ""."""
    if PRIVATE_KEY.search(text):
        return "includes a private key; keep the key private and only send the certificate"
    match text.count(BEGIN):
        case 0:
            return f"isn't a certificate in PEM format, which starts with {BEGIN}"
        case 1:
            return ""
        case _:
            return "includes multiple certificates; only send one"


def read_certificate(
    data: bytes, account: str, login_address: str, *, name: str = "", no_imap_preauth: bool = False
) -> TLSKey:
    """The key of a certificate in PEM or DER, ready for `add_key`, which sets `created`.

    Without `name`, it is called by its common name, else ``serial HEX``.

    Raises:
      KeyRefused
    """
    if len(data) > MAX_CERTIFICATE:
        raise KeyRefused("this certificate is too large")
    try:
        certificate = (
            x509.load_pem_x509_certificate(data) if b"-----BEGIN" in data else x509.load_der_x509_certificate(data)
        )
        key = certificate.public_key()
        info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyRefused("this isn't a valid X.509 certificate") from error
    match key:
        case rsa.RSAPublicKey():
            if key.key_size < MIN_RSA_BITS:
                raise KeyRefused(
                    worded(
                        "RSA keys must have at least {most} bits (this one has {key_size})",
                        most=MIN_RSA_BITS,
                        key_size=key.key_size,
                    )
                )
            kind = f"rsa-{key.key_size}"
        case ec.EllipticCurvePublicKey():
            if key.curve.name not in _CURVES:
                raise KeyRefused(worded("keys on the curve {name} aren't accepted", name=key.curve.name))
            kind = f"ecdsa-{_CURVES[key.curve.name]}"
        case ed25519.Ed25519PublicKey():
            kind = "ed25519"
        case ed448.Ed448PublicKey():
            kind = "ed448"
        case _:
            raise KeyRefused("this key type isn't supported")
    der = certificate.public_bytes(Encoding.DER)
    return TLSKey(
        fingerprint_of(info),
        0,
        kind,
        (name or _name(certificate))[:MAX_NAME],
        no_imap_preauth,
        der,
        account,
        login_address,
    )


def _name(certificate: x509.Certificate) -> str:
    try:
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:  # a subject that cannot be decoded does not matter here
        names = []
    for name in names:
        if isinstance(name.value, str) and name.value:
            return name.value
    return f"serial {certificate.serial_number:x}"


class KeyChallenges:
    """Challenges that a private key signs before its certificate is registered: certificates are public, so they don't
    say who has the key. A secret of this process marks them, so they take no memory, and end with the process.
    """

    def __init__(self) -> None:
        self._secret: Final = secrets.token_bytes(32)

    def new(self, account: str) -> tuple[str, int]:
        """A challenge for an account, and when it ends, in seconds since 1970."""
        until = int(time.time()) + PROOF_SECONDS
        return self._challenge(account, until), until

    def check(self, key: TLSKey, proof: str) -> None:
        """Check that a certificate request in PEM (RFC 2986) is signed by this key, and has a challenge for the key's
        account as its common name. Raises BadForm.
        """
        if PRIVATE_KEY.search(proof):
            raise BadForm("proof", "includes a private key; keep the key private and only send the command's output")
        try:
            request = x509.load_pem_x509_csr(proof.encode())
            info = request.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            signed = fingerprint_of(info) == key.fingerprint and request.is_signature_valid
            names = [name.value for name in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        except (ValueError, UnsupportedAlgorithm):
            raise BadForm("proof", "isn't a certificate request; paste all of the command's output") from None
        if not signed:
            raise BadForm("proof", "wasn't signed with this certificate's private key")
        if len(names) != 1 or not self._holds(key.account, str(names[0])):
            raise BadForm("proof", "is for another account or has expired; get a new command")

    def _holds(self, account: str, challenge: str) -> bool:
        until = re.fullmatch(r"moxlite-([0-9a-f]{1,12})-[0-9a-f]{32}", challenge)
        if until is None or int(until[1], 16) < time.time():
            return False
        return hmac.compare_digest(challenge, self._challenge(account, int(until[1], 16)))

    def _challenge(self, account: str, until: int) -> str:
        mark = hmac.digest(self._secret, f"{until}\0{account}".encode(), "sha256")[:16]
        return f"moxlite-{until:x}-{mark.hex()}"


def add_key(tx: Tx, key: TLSKey) -> TLSKey:
    """Store a key; returns it with its time. Raises KeyRefused: an account has it already; LimitExceeded: the account
    has `MAX_KEYS`.
    """
    if tx.value(COUNT, key.account) >= MAX_KEYS:
        raise LimitExceeded(worded("this account already has {most} client certificates", most=MAX_KEYS))
    key = msgspec.structs.replace(key, created=tx.now)
    values = (
        key.fingerprint,
        key.created,
        key.type,
        key.name,
        key.no_imap_preauth,
        key.certificate,
        key.account,
        key.login_address,
    )
    if tx.row(INSERT, *values) is None:
        raise KeyRefused("this key already belongs to an account")
    return key


def form_of(key: TLSKey) -> CertificateChange:
    """What can be changed of a key, as it is."""
    return CertificateChange(name=key.name, login_address=key.login_address, no_imap_preauth=key.no_imap_preauth)


def patch_key(tx: Tx, account: str, fingerprint: str, change: CertificateChange, since: str = "") -> None:
    """Change a key of an account, or with "" of any. `since`: the `mark` of the `form_of` that the user saw, "" for
    any. The caller has checked that an address is the account's.

    Raises NoSuchKey, BadForm, FormChanged.
    """
    key = find_key(tx, fingerprint)
    if key is None or account not in ("", key.account):
        raise NoSuchKey
    refuse_stale(form_of(key), since)
    if change.name is not UNSET and not change.name.strip():
        raise BadForm("name", "is empty")
    key = msgspec.structs.replace(key, **changed_fields(change))
    tx.execute(CHANGE, key.name.strip()[:MAX_NAME], key.no_imap_preauth, key.login_address, fingerprint)


def remove_key(tx: Tx, account: str, fingerprint: str) -> bool:
    """Delete a key, effective at the next connection (IMAP-50); False when the account has no such key."""
    return tx.row(REMOVE, account, fingerprint) is not None


def remove_keys(tx: Tx, account: str) -> None:
    """Delete all keys of an account that is removed."""
    tx.execute(REMOVE_ALL, account)


def find_key(r: Reader, fingerprint: str) -> TLSKey | None:
    """The key with this fingerprint."""
    row = r.row(FIND, fingerprint)
    return _key(row) if row else None


def keys_of(r: Reader, account: str | None = None) -> list[TLSKey]:
    """The keys of an account, or of all."""
    return [_key(row) for row in (r.rows(LIST_ALL) if account is None else r.rows(LIST, account))]


def _key(row: tuple[object, ...]) -> TLSKey:
    return from_builtins(dict(zip(TLSKey.__struct_fields__, row, strict=True)), TLSKey, strict=False)


class TLSKeys:
    """The keys in ``auth.db``. All methods raise StoreError.

    Args:
      database: gives the open file; raises StoreError without one.
    """

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database

    async def add(self, key: TLSKey) -> TLSKey:
        """Store a key from `read_certificate`. Raises KeyRefused, LimitExceeded."""
        return await self._database().write(lambda tx: add_key(tx, key))

    async def find(self, fingerprint: str) -> TLSKey | None:
        """The key with this fingerprint, or None."""
        return await self._database().read(lambda r: find_key(r, fingerprint), op="tls_key")

    async def of(self, account: str | None = None) -> list[TLSKey]:
        """The keys of an account, or of all."""
        return await self._database().read(lambda r: keys_of(r, account), op="tls_keys")

    async def patch(self, account: str, fingerprint: str, change: CertificateChange, since: str = "") -> None:
        """As `patch_key`."""
        await self._database().write(lambda tx: patch_key(tx, account, fingerprint, change, since))

    async def remove(self, account: str, fingerprint: str) -> bool:
        """Delete a key; False if the account has no key of that fingerprint."""
        return await self._database().write(lambda tx: remove_key(tx, account, fingerprint))
