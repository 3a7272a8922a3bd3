"""Private keys of selectors: generating, reading from PEM, and their DNS records (AUTH-41, AUTH-45)."""

import base64
from typing import Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

PrivateKey: TypeAlias = RSAPrivateKey | Ed25519PrivateKey

SMALLEST_RSA: Final = 1024
LARGEST_RSA: Final = 4096
"""Bits of the largest signing key: verifiers must accept keys up to it (RFC 8301 §3.2)."""

GOOD_RSA: Final = 2048
"""Bits of a new RSA key. Its record fits into one DNS response (RFC 8301 §3.2)."""


class PrivateKeyError(ValueError):
    """The octets are not a key for signing. The message is for the owner and holds no secret."""


def load_private_key(pem: bytes, *, thorough: bool = False) -> PrivateKey:
    """The key in a PEM file. Raises PrivateKeyError.

    Args:
      thorough: check the arithmetic of an RSA key, which takes 40 ms; the rest takes 0.02 ms. The server skips it for
        its own keys, of which there may be thousands: a damaged key only makes signatures that do not verify.
    """
    try:
        key = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=not thorough)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise PrivateKeyError("is not a private key in PEM form without a password") from None
    match key:
        case Ed25519PrivateKey():
            return key
        case RSAPrivateKey():
            if key.key_size < SMALLEST_RSA:
                raise PrivateKeyError(f"has only {key.key_size} bits: verifiers ignore it")
            if key.key_size > LARGEST_RSA:
                raise PrivateKeyError(f"has {key.key_size} bits: verifiers need not take more than {LARGEST_RSA}")
            return key
    raise PrivateKeyError("is neither an RSA nor an ed25519 key")


def generate(kind: str) -> PrivateKey:
    """Generate a key; `kind`: `rsa` or `ed25519`. Blocks, up to a second for RSA."""
    if kind == "ed25519":
        return Ed25519PrivateKey.generate()
    assert kind == "rsa"
    return generate_private_key(65537, GOOD_RSA)


def to_pem(key: PrivateKey) -> bytes:
    """PKCS #8 without a password."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def key_record(key: PrivateKey) -> str:
    """The text of the TXT record at ``SELECTOR._domainkey.DOMAIN`` (RFC 6376 §3.6.1, RFC 8463 §4)."""
    public = key.public_key()
    if isinstance(public, RSAPublicKey):
        octets = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1;h=sha256;p={base64.b64encode(octets).decode()}"
    octets = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"v=DKIM1;h=sha256;k=ed25519;p={base64.b64encode(octets).decode()}"
