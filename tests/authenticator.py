"""A security key in software, for tests of WebAuthn below the browser: it answers as ``navigator.credentials`` does.

It writes the octets of the specification itself (W3C WebAuthn Level 2 §6.1, §6.5.4), with no code of the server.
"""

import base64
import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

__all__ = ["SoftKey"]

PRESENT, ATTESTED = 0x01, 0x40


def _b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


class SoftKey:
    """One credential at one origin; `count` is its counter, 0 for a key that does not count."""

    def __init__(self, origin: str, *, counts: bool = True) -> None:
        self.origin = origin
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(16)
        self.count = 1 if counts else 0

    def create(self, options: str) -> str:
        """Answer ``navigator.credentials.create``."""
        asked = json.loads(options)
        numbers = self.key.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        data = self._data(asked["rp"]["id"], ATTESTED) + bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {
            "clientDataJSON": _b64(self._client("webauthn.create", asked["challenge"])),
            "attestationObject": _b64(attestation),
            "transports": ["usb", "made-up"],
        }
        return self._answer(response)

    def get(self, options: str, *, origin: str = "") -> str:
        """Answer ``navigator.credentials.get``, as a page of `origin` would have it."""
        asked = json.loads(options)
        if self.count:
            self.count += 1
        client = self._client("webauthn.get", asked["challenge"], origin)
        data = self._data(asked["rpId"], 0)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": _b64(client),
            "authenticatorData": _b64(data),
            "signature": _b64(signature),
            "userHandle": None,
        }
        return self._answer(response)

    def _data(self, host: str, flags: int) -> bytes:
        return hashlib.sha256(host.encode()).digest() + bytes([PRESENT | flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, origin: str = "") -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin or self.origin}).encode()

    def _answer(self, response: dict[str, Any]) -> str:
        name = _b64(self.id)
        return json.dumps(
            {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}
        )
