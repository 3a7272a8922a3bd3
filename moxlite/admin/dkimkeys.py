"""DKIM keys of our domains: made, kept in files, and as the TXT records in which verifiers look for them (ADMIN-12,
AUTH-41, RFC 6376 §3.6.1, RFC 8463).
"""

import base64
import contextlib
import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from moxlite.proto.address import Domain

__all__ = ["DKIM_FOLDER", "SIGNING", "DKIMKey", "KeyUnreadable", "NewKey", "made_keys", "read_key", "selector_record"]

DKIM_FOLDER: Final = "dkim"
"""Beside domains.toml."""

RSA_BITS: Final = 2048
"""What verifiers take (RFC 8301 §3.2), and what fits into one UDP answer of DNS."""

Kind: TypeAlias = Literal["rsa2048", "ed25519"]
DKIMKey: TypeAlias = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

LETTERS: Final[tuple[tuple[str, Kind], ...]] = (("a", "rsa2048"), ("b", "rsa2048"), ("c", "ed25519"), ("d", "ed25519"))
"""Selectors of a new domain, behind the year. The first signs, the second is its successor; the others wait until
verifiers know Ed25519: today many call such a signature broken.
"""

SIGNING: Final = 1
"""How many of them sign."""


class KeyUnreadable(ValueError):
    """A key file that cannot be used; the text names it and says why."""


class NewKey(msgspec.Struct, frozen=True):
    """A key that was made; `file` is relative to the folder of domains.toml."""

    selector: str
    file: str


@contextlib.contextmanager
def made_keys(folder: Path, domain: Domain, now: dt.datetime) -> Iterator[tuple[NewKey, ...]]:
    """Make the keys of a new domain, in files below `folder`, the directory of domains.toml. Takes 0.1 to 1 s.

    An exception in the block removes them. Raises OSError, with nothing left behind.
    """
    made: list[Path] = []
    keys: list[NewKey] = []
    directory = folder / DKIM_FOLDER
    new_directory = not directory.exists()
    try:
        directory.mkdir(mode=0o750, exist_ok=True)
        for letter, kind in LETTERS:
            selector = f"{now.year}{letter}"
            name = f"{selector}._domainkey.{domain.ascii}.{now:%Y%m%dT%H%M%S}.{kind}.privatekey.pkcs8.pem"
            write_new(directory / name, _pem(_new(kind)))
            made.append(directory / name)
            keys.append(NewKey(selector, f"{DKIM_FOLDER}/{name}"))
        yield tuple(keys)
    except BaseException:
        for path in reversed(made):
            path.unlink(missing_ok=True)
        if new_directory:
            with contextlib.suppress(OSError):  # another's key lies there by now
                directory.rmdir()
        raise


def write_new(path: Path, data: bytes) -> None:
    """Write a file that must not exist yet, readable for its owner alone, to the disk. Raises OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def read_key(path: Path) -> DKIMKey:
    """The private key of a selector. Raises KeyUnreadable."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise KeyUnreadable(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyUnreadable(f"{path} has no private key in PEM form without a password") from None
    if not isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise KeyUnreadable(f"{path} has neither an RSA nor an Ed25519 key")
    return key


def selector_record(key: DKIMKey, hash_name: str = "sha256") -> str:
    """The text of the record at ``SELECTOR._domainkey.DOMAIN``. RSA keys stand as SubjectPublicKeyInfo, Ed25519 ones as
    their 32 octets (RFC 8463 §4).
    """
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        data = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1;h={hash_name};p={base64.b64encode(data).decode()}"
    return f"v=DKIM1;h={hash_name};k=ed25519;p={base64.b64encode(public.public_bytes_raw()).decode()}"


def _new(kind: Kind) -> DKIMKey:
    if kind == "rsa2048":
        return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    return ed25519.Ed25519PrivateKey.generate()


def _pem(key: DKIMKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
