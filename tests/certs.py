"""A certificate authority in memory, for servers of tests: good, expired, and for other names."""

import datetime as dt
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from moxlite.net.resolver import TLSA
from moxlite.net.tls.certificates import KeyPair, signing_usage

__all__ = ["Authority", "tlsa"]


class Authority:
    """A root that issues."""

    def __init__(self, name: str = "Root of the tests") -> None:
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._sign(self._name, self._key, 365, [], authority=True)

    @property
    def pem(self) -> bytes:
        """The root, for those who are to trust it."""
        return self.root.public_bytes(Encoding.PEM)

    def issue(self, *names: str, days: float = 30, uid: str = "") -> KeyPair:
        """A certificate for servers, with its root behind it, begun 60 days ago and valid for so many days from now;
        without names one for a client, whose subject has a UID.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, (*names, "client")[0])]
        if uid:
            attributes.append(x509.NameAttribute(NameOID.USER_ID, uid))
        subject = x509.Name(attributes)
        return KeyPair((self._sign(subject, key, days, names, authority=False), self.root), key)

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        days: float,
        names: "list[str] | tuple[str, ...]",
        *,
        authority: bool,
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=60))
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if authority:
            builder = builder.add_extension(signing_usage(), critical=True)
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False
            ).add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def tlsa(certificate: x509.Certificate, usage: int = 3, selector: int = 1, matching: int = 1) -> TLSA:
    """The record for a certificate (RFC 6698 §2.1)."""
    data = (
        certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if selector
        else certificate.public_bytes(Encoding.DER)
    )
    if matching:
        data = {1: hashlib.sha256, 2: hashlib.sha512}[matching](data).digest()
    return TLSA(usage, selector, matching, data)
