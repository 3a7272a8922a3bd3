"""Web Push: encrypted notices for browsers, and the proof of who sends them (RFC 8030, 8188, 8291, 8292).

A browser's subscription is the URL of a push service, a public key and a secret. A notice is one record of
``aes128gcm``, encrypted by a new key pair, so the push service sees its size and time only. The sender is named by a
token (VAPID), signed by a key pair that the browser was given when it subscribed.
"""

from __future__ import annotations

import base64
import json
import struct
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE: Final = ec.SECP256R1()
ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order of the group of P-256 (FIPS 186-5): private keys are smaller."""

PUBLIC_SIZE: Final = 65
"""Octets of a public key, an uncompressed point (RFC 8291 §3.1)."""

SECRET_SIZE: Final = 16
"""Octets of a subscription's authentication secret (RFC 8291 §3.2)."""

SALT_SIZE: Final = 16
"""Octets of a salt (RFC 8188 §2.1)."""

RECORD_SIZE: Final = 4096
"""Octets of the one record. Push services take a body of 4096 octets (RFC 8030 §7.2)."""

MAX_PLAIN: Final = RECORD_SIZE - 103
"""Octets of the longest notice: the header has 86, the delimiter 1, the tag 16 (RFC 8291 §4)."""

MAX_ENDPOINT: Final = 1000
"""Characters of the longest URL of a push service; those in use have about 200."""

LAST: Final = b"\x02"
"""Delimiter of the last record (RFC 8188 §2)."""


class BadSubscription(ValueError):
    """A subscription that no notice can be sent to. The text gives the reason, for people."""


def encode(octets: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The octets of base64url without padding. Raises BadSubscription."""
    try:
        if "+" in text or "/" in text:
            raise ValueError
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:  # and binascii.Error, which is one
        raise BadSubscription("the key isn't valid base64url") from None


def check_keys(public: bytes, secret: bytes) -> ec.EllipticCurvePublicKey:
    """The public key of a browser. Raises BadSubscription if it is no point of P-256, or the secret has another size.

    The library refuses points that are not on the curve, so a false key reveals nothing of a private one.
    """
    if len(secret) != SECRET_SIZE:
        raise BadSubscription("the authentication secret must be 16 bytes")
    if len(public) != PUBLIC_SIZE:
        raise BadSubscription("the public key must be 65 bytes")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, public)
    except ValueError:
        raise BadSubscription("the public key isn't a valid P-256 point") from None


def check_endpoint(url: str) -> str:
    """The origin of a push service's URL (RFC 6454 §6.2), which its tokens are for. Raises BadSubscription."""
    if len(url) > MAX_ENDPOINT or not url.isascii() or not url.isprintable() or " " in url:
        raise BadSubscription("the push service URL is too long or has invalid characters")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BadSubscription("the push service URL isn't valid") from None
    if parts.scheme != "https" or not host or "@" in parts.netloc:
        raise BadSubscription("the push service URL must start with https:// and include a host")
    if ":" in host:
        host = f"[{host}]"
    return f"https://{host}" if port in (None, 443) else f"https://{host}:{port}"


def encrypt(
    plain: bytes,
    public: bytes,
    secret: bytes,
    *,
    salt: bytes,
    private: ec.EllipticCurvePrivateKey | None = None,
    padding: int = 0,
) -> bytes:
    """The body of a request that takes a notice to a browser (RFC 8291 §3.4).

    Args:
      plain: at most `MAX_PLAIN` octets with the padding.
      public, secret: of the subscription.
      salt: 16 random octets, new for each notice.
      private: the key of this one notice; a new one by default.
      padding: octets of zero that hide how long `plain` is.

    Raises BadSubscription.
    """
    if len(salt) != SALT_SIZE or len(plain) + padding > MAX_PLAIN:
        raise ValueError("wrong salt size, or notification too large")
    receiver = check_keys(public, secret)
    sender = private or ec.generate_private_key(CURVE)
    own = _octets_of(sender.public_key())
    shared = sender.exchange(ec.ECDH(), receiver)
    keying = _derive(secret, shared, b"WebPush: info\0" + public + own, 32)
    key = _derive(salt, keying, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(salt, keying, b"Content-Encoding: nonce\0", 12)
    record = AESGCM(key).encrypt(nonce, plain + LAST + bytes(padding), None)
    return salt + struct.pack(">LB", RECORD_SIZE, len(own)) + own + record


def make_key(secret: bytes) -> ec.EllipticCurvePrivateKey:
    """The private key of P-256 that a server's secret gives. 48 octets are reduced, so that all keys are as likely
    (FIPS 186-5 §A.2.1).
    """
    drawn = _derive(b"", secret, b"moxlite vapid\0", 32) + _derive(b"", secret, b"moxlite vapid more\0", 16)
    return ec.derive_private_key(int.from_bytes(drawn) % (ORDER - 1) + 1, CURVE)


class Vapid:
    """The key pair by which a server is known to push services (RFC 8292).

    Attributes:
      public: the public key in base64url, as browsers are given it.
    """

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self._private = private
        self.public: Final = encode(_octets_of(private.public_key()))

    def authorization(self, origin: str, subject: str, expires: int) -> str:
        """The field Authorization of a request.

        Args:
          origin: of the push service.
          subject: how its operator reaches the sender, a ``mailto:`` or ``https:`` URL.
          expires: seconds since 1970, at most 24 hours ahead (RFC 8292 §2).
        """
        head = encode(b'{"typ":"JWT","alg":"ES256"}')
        claims = json.dumps({"aud": origin, "exp": expires, "sub": subject}, separators=(",", ":"))
        signed = f"{head}.{encode(claims.encode())}"
        r, s = decode_dss_signature(self._private.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"vapid t={signed}.{encode(r.to_bytes(32) + s.to_bytes(32))}, k={self.public}"


def _octets_of(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _derive(salt: bytes, keying: bytes, info: bytes, size: int) -> bytes:
    """HKDF with SHA-256 (RFC 5869)."""
    return HKDF(hashes.SHA256(), size, salt or None, info).derive(keying)
