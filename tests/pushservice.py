"""The other sides of Web Push: a push service on loopback, and browsers that decrypt its notices (RFC 8291, 8292)."""

import json
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from moxlite.proto.webpush import decode, encode
from tests.certs import Authority
from tests.webserver import Answer, Asked, WebServer, web_server

__all__ = ["HOST", "Phone", "decrypt", "private_key", "push_service", "verify"]

HOST = "push.localhost"
"""Name of the service: one below localhost, which no DNS is asked for."""

CURVE: Final = ec.SECP256R1()


@dataclass(frozen=True)
class Phone:
    """A browser with a subscription."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(CURVE))
    secret: bytes = field(default_factory=lambda: os.urandom(16))

    def subscription(self, endpoint: str, name: str = "Phone") -> dict[str, str]:
        """The parameters of the call that subscribes."""
        public = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"endpoint": endpoint, "p256dh": encode(public), "auth": encode(self.secret), "name": name}

    def read(self, asked: Asked) -> dict[str, Any]:
        """The notice in a request."""
        found: dict[str, Any] = json.loads(decrypt(asked.body, self.key, self.secret))
        return found


@asynccontextmanager
async def push_service(folder: Path) -> AsyncIterator[tuple[WebServer, str]]:
    """A service that takes all notices, and the lines of moxlite.toml that trust it."""
    authority, context = Authority(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pair = authority.issue(HOST)
    (folder / "push.pem").write_bytes(pair.certificate_pem() + pair.key_pem())
    (folder / "root.pem").write_bytes(authority.pem)
    context.load_cert_chain(folder / "push.pem")
    async with web_server(context) as server:
        server.answers[0] = Answer(201)
        yield server, f'allow_private_webhooks = true\n[tls.ca]\ncert_files = ["{folder}/root.pem"]\n'


def private_key(text: str) -> ec.EllipticCurvePrivateKey:
    """A private key in base64url."""
    return ec.derive_private_key(int.from_bytes(decode(text)), CURVE)


def decrypt(body: bytes, browser: ec.EllipticCurvePrivateKey, secret: bytes) -> bytes:
    """The notice in a request's body, as a browser reads it. Raises InvalidTag."""
    salt, size, length = body[:16], int.from_bytes(body[16:20]), body[20]
    sender, record = body[21 : 21 + length], body[21 + length :]
    assert len(record) <= size
    own = browser.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = browser.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, sender))
    keying = _derive(secret, shared, b"WebPush: info\0" + own + sender)
    key = _derive(salt, keying, b"Content-Encoding: aes128gcm\0")[:16]
    nonce = _derive(salt, keying, b"Content-Encoding: nonce\0")[:12]
    padded = AESGCM(key).decrypt(nonce, record, None).rstrip(b"\0")
    assert padded.endswith(b"\x02")
    return padded[:-1]


def verify(authorization: str) -> dict[str, Any]:
    """The claims of a token. Raises InvalidSignature."""
    scheme, _, rest = authorization.partition(" ")
    fields = dict(one.strip().split("=", 1) for one in rest.split(","))
    assert scheme == "vapid"
    assert set(fields) == {"t", "k"}
    head, claims, signature = fields["t"].split(".")
    assert json.loads(decode(head)) == {"typ": "JWT", "alg": "ES256"}
    octets = decode(signature)
    assert len(octets) == 64
    public = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, decode(fields["k"]))
    der = encode_dss_signature(int.from_bytes(octets[:32]), int.from_bytes(octets[32:]))
    public.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    found: dict[str, Any] = json.loads(decode(claims))
    return found


def _derive(salt: bytes, keying: bytes, info: bytes) -> bytes:
    """HKDF of one block (RFC 5869)."""
    return _keyed(_keyed(salt, keying), info + b"\x01")


def _keyed(key: bytes, text: bytes) -> bytes:
    context = hmac.HMAC(key, hashes.SHA256())
    context.update(text)
    return context.finalize()
