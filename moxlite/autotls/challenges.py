"""Proofs for a CA that a name is ours: answers to http-01 (RFC 8555 §8.3), certificates for tls-alpn-01 (RFC 8737)."""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from moxlite.autotls.messages import Prove
from moxlite.net.tls.certificates import KeyPair
from moxlite.net.tls.handshake import ServerTLS

ACME_IDENTIFIER: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")
"""id-pe-acmeIdentifier (RFC 8737 §6.1)."""
DAY: Final = dt.timedelta(days=1)
"""Validity of a proof, before and after now: clocks that differ by hours must not matter."""


class Challenges:
    """The present proofs, served by the component `web` and by TLS ports."""

    def __init__(self) -> None:
        """Start without proofs."""
        self._http: dict[tuple[str, str], str] = {}

    def answer(self, host: str, token: str) -> str | None:
        """The body for ``http://HOST/.well-known/acme-challenge/TOKEN``, or None."""
        return self._http.get((host, token))

    @contextmanager
    def showing(self, tls: Iterable[ServerTLS]) -> Iterator[Callable[[Prove], None]]:
        """Give a function that adds proofs: for TLS at the given ports, others for http. They are removed when the
        block ends.
        """
        ports = tuple(tls)
        shown: list[Prove] = []

        def show(proof: Prove) -> None:
            shown.append(proof)
            if proof.kind == "http-01":
                self._http[proof.name, proof.token] = proof.key_authorization
                return
            pair = challenge_certificate(proof.name, proof.key_authorization)
            for port in ports:
                port.set_challenge(proof.name, pair)

        try:
            yield show
        finally:
            for proof in shown:
                self._http.pop((proof.name, proof.token), None)
                for port in ports:
                    port.set_challenge(proof.name, None)


def identifier(key_authorization: str) -> bytes:
    """The value of the extension: an OCTET STRING of 32 octets."""
    return b"\x04\x20" + hashlib.sha256(key_authorization.encode()).digest()


def challenge_certificate(name: str, key_authorization: str) -> KeyPair:
    """Make the self-signed certificate of RFC 8737 §3."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True)
        .add_extension(
            x509.UnrecognizedExtension(ACME_IDENTIFIER, identifier(key_authorization)),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    return KeyPair((certificate,), key)
