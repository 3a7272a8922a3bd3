"""Password hashes of other servers: their forms, limits of their costs, and their verification (STORE-100a).

Such a hash is verified once: the log-in replaces it (`credentials.rehash`). The module is loaded when an account that
has one logs in, or when a move is planned.

SHA-crypt and MD5-crypt are of libpass, bcrypt and argon2 of the packages of these names. Salted SHA and PBKDF2 are one
call of `hashlib`: the text around them differs from server to server, and is all that is read here.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeAlias

import argon2
import bcrypt
from passlib.hash import md5_crypt, sha256_crypt, sha512_crypt

MAX_TEXT: Final = 1024
"""Octets of a hash: the longest form, argon2 with a long salt, has 250."""

MAX_SHA_ROUNDS: Final = 1_000_000
"""Rounds of SHA-crypt: 2 s of a core; the usual number is 5,000."""

MAX_BCRYPT_COST: Final = 14
"""Cost of bcrypt, a power of two: 1 s of a core; the usual cost is 10 to 12."""

MAX_ARGON2_MEMORY: Final = 128 << 10
"""KiB of argon2: two log-ins at once take twice as much of a small machine."""

MAX_ARGON2_TIME: Final = 10
"""Passes of argon2 over its memory: with the most memory, 1 s of a core."""

MAX_ARGON2_LANES: Final = 16
"""Lanes of argon2, each a thread."""

MAX_PBKDF2_ROUNDS: Final = 2_000_000
"""Rounds of PBKDF2: 1 s of a core; OWASP recommends 210,000 to 1,300,000."""

BCRYPT_OCTETS: Final = 72
"""Octets of a password that bcrypt uses; newer versions of the package refuse longer ones."""

Weak: TypeAlias = Literal["", "MD5-CRYPT", "SSHA"]
"""A scheme by which a stolen hash is guessed fast."""

Verify: TypeAlias = Callable[[str, str], bool]

_SCHEMES: Final = frozenset(
    [
        "CRYPT",
        "SHA512-CRYPT",
        "SHA256-CRYPT",
        "MD5-CRYPT",
        "BLF-CRYPT",
        "BCRYPT",
        "ARGON2I",
        "ARGON2ID",
        "SSHA",
        "SSHA256",
        "SSHA512",
        "PBKDF2",
    ]
)
_SALTED: Final[Mapping[str, str]] = {"SSHA": "sha1", "SSHA256": "sha256", "SSHA512": "sha512"}

_SCHEME: Final = re.compile(r"\{([A-Za-z0-9_-]+)(?:\.(?:b64|base64))?\}(.*)", re.DOTALL)
_SHA_CRYPT: Final = re.compile(
    r"\$(?:5\$(?:rounds=(\d{4,9})\$)?[^$:]{0,16}\$[./0-9A-Za-z]{43}|6\$(?:rounds=(\d{4,9})\$)?[^$:]{0,16}\$[./0-9A-Za-z]{86})"
)
_MD5_CRYPT: Final = re.compile(r"\$1\$[^$:]{0,8}\$[./0-9A-Za-z]{22}")
_BCRYPT: Final = re.compile(r"\$2[aby]\$(\d\d)\$[./0-9A-Za-z]{53}")
_ARGON2: Final = re.compile(
    r"\$argon2(?:id?)\$v=19\$m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,9})\$[+/0-9A-Za-z]+\$[+/0-9A-Za-z]+"
)
_PBKDF2_DOVECOT: Final = re.compile(r"\{PBKDF2\}\$1\$([^$]{1,64})\$(\d{1,9})\$([0-9a-f]{40})")
_PBKDF2: Final = re.compile(
    r"\$pbkdf2(?:-(sha1|sha256|sha512))?\$(?:i=(\d{1,9}),l=(\d{1,3})|(\d{1,9}))\$([./+0-9A-Za-z]{1,128})\$([./+0-9A-Za-z]{1,128})"
)


class UnknownHash(ValueError):
    """The hash cannot be taken over; the text gives the reason."""


def read_hash(text: str) -> str:
    """The stored form of another server's hash: without the scheme where the hash itself has it. Raises UnknownHash."""
    if len(text) > MAX_TEXT or not text.isascii() or not text.isprintable():
        raise UnknownHash("unknown hash format")
    given = _SCHEME.fullmatch(text)
    scheme, rest = (given[1].upper(), given[2]) if given else ("", text)
    if scheme and scheme not in _SCHEMES:
        raise UnknownHash(f"unsupported hash scheme {scheme}")
    form = rest if rest.startswith("$") and scheme != "PBKDF2" else f"{{{scheme}}}{rest}"
    if _verifier(form) is None:
        raise UnknownHash("unknown hash format")
    return form


def weak_scheme(form: str) -> Weak:
    """The scheme of a stored form if a stolen hash of it is guessed fast, else ""."""
    if form.startswith("$1$"):
        return "MD5-CRYPT"
    return "SSHA" if form.startswith("{SSHA") else ""


def verify_hash(form: str, password: str) -> bool:
    """Whether a password is that of a stored form; never for a form that `read_hash` does not return."""
    try:
        verify = _verifier(form)
    except UnknownHash:
        return False
    try:
        return verify is not None and verify(form, password)
    except (ValueError, argon2.exceptions.Argon2Error):  # InvalidHashError is a ValueError
        return False


def _verifier(form: str) -> Verify | None:
    """The function that verifies a stored form, or None for an unknown one. Raises UnknownHash for a cost above the
    limits.
    """
    if found := _SHA_CRYPT.fullmatch(form):
        _limit("SHA-crypt", "rounds", found[1] or found[2], MAX_SHA_ROUNDS)
        return _verify_sha_crypt
    if _MD5_CRYPT.fullmatch(form):
        return _verify_md5_crypt
    if found := _BCRYPT.fullmatch(form):
        _limit("bcrypt", "cost", found[1], MAX_BCRYPT_COST)
        return _verify_bcrypt
    if found := _ARGON2.fullmatch(form):
        _limit("argon2", "memory in KiB", found[1], MAX_ARGON2_MEMORY)
        _limit("argon2", "time", found[2], MAX_ARGON2_TIME)
        _limit("argon2", "lanes", found[3], MAX_ARGON2_LANES)
        return _verify_argon2
    if found := _PBKDF2_DOVECOT.fullmatch(form):
        _limit("PBKDF2", "rounds", found[2], MAX_PBKDF2_ROUNDS)
        return _verify_pbkdf2_of_dovecot
    if found := _PBKDF2.fullmatch(form):
        _limit("PBKDF2", "rounds", found[2] or found[4], MAX_PBKDF2_ROUNDS)
        return _verify_pbkdf2
    scheme, _, rest = form.removeprefix("{").partition("}")
    return _verify_salted if scheme in _SALTED and _salted(scheme, rest) is not None else None


def _limit(scheme: str, name: str, value: str | None, most: int) -> None:
    if value is not None and not 0 < int(value) <= most:
        raise UnknownHash(f"{scheme} {name} too high: {int(value):,} (limit {most:,})")


def _verify_sha_crypt(form: str, password: str) -> bool:
    return bool((sha512_crypt if form.startswith("$6$") else sha256_crypt).verify(password, form))


def _verify_md5_crypt(form: str, password: str) -> bool:
    return bool(md5_crypt.verify(password, form))


def _verify_bcrypt(form: str, password: str) -> bool:
    return bcrypt.checkpw(password.encode()[:BCRYPT_OCTETS], form.encode())


def _verify_argon2(form: str, password: str) -> bool:
    try:
        return argon2.PasswordHasher().verify(form, password)
    except argon2.exceptions.VerifyMismatchError:
        return False


# Salted SHA (RFC 2307): base64 of the digest with the salt behind it.


def _verify_salted(form: str, password: str) -> bool:
    scheme, _, rest = form[1:].partition("}")
    parts = _salted(scheme, rest)
    if parts is None:
        return False
    digest, salt = parts
    return hmac.compare_digest(hashlib.new(_SALTED[scheme], password.encode() + salt).digest(), digest)


def _salted(scheme: str, text: str) -> tuple[bytes, bytes] | None:
    size = hashlib.new(_SALTED[scheme]).digest_size
    try:
        octets = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return (octets[:size], octets[size:]) if len(octets) > size else None


# PBKDF2. Dovecot: {PBKDF2}$1$SALT$ROUNDS$HEX, SHA-1, the salt as text. Others: PHC strings, $pbkdf2-sha256$i=N,l=N$…$…
# in base64, and the forms of passlib, $pbkdf2-sha512$N$…$…, with "." in place of "+".


def _verify_pbkdf2_of_dovecot(form: str, password: str) -> bool:
    _, _, salt, rounds, digest = form.split("$")
    made = hashlib.pbkdf2_hmac("sha1", password.encode(), salt.encode(), int(rounds))
    return hmac.compare_digest(made, bytes.fromhex(digest))


def _verify_pbkdf2(form: str, password: str) -> bool:
    found = _PBKDF2.fullmatch(form)
    assert found is not None
    kind, of_phc, _, of_passlib, salt, digest = found.groups()
    expected = _base64(digest)
    made = hashlib.pbkdf2_hmac(
        kind or "sha1", password.encode(), _base64(salt), int(of_phc or of_passlib), dklen=len(expected)
    )
    return len(expected) >= 16 and hmac.compare_digest(made, expected)


def _base64(text: str) -> bytes:
    """Octets of base64 without padding. Raises ValueError."""
    text = text.replace(".", "+")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
