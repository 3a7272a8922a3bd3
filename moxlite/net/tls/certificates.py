"""Certificates and keys as TLS uses them: loading, making self-signed ones, fingerprints, checking a peer's chain.

RFC 5280 (certificates), RFC 9525 (names in them), RFC 5929 §4 (tls-server-end-point). Checks return a problem instead
of raising it: the queue reports it (RFC 8460), and its policy may allow to go on.
"""

import datetime as dt
import hashlib
import ssl
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
import trio
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import SSL, crypto

from moxlite.safefile import read_file

PrivateKey: TypeAlias = (
    rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
)

MAX_CHAIN: Final = 10
"""Maximum certificates of a peer's chain that are read; real chains have 2 to 4."""

CLOCK_SKEW: Final = dt.timedelta(hours=1)
"""How far a fresh self-signed certificate is dated back, for clients whose clock is behind."""


class CertificateError(ValueError):
    """A certificate or key file that cannot be used; the text says why."""


class KeyPair(msgspec.Struct, frozen=True):
    """A private key and its certificate chain, leaf first."""

    chain: tuple[x509.Certificate, ...]
    key: PrivateKey

    @classmethod
    def load(cls, certificates: bytes, key: bytes) -> "KeyPair":
        """Read PEM: a chain with the leaf first, and an unencrypted key (PKCS#8, PKCS#1 or EC).

        Raises CertificateError, also when the key is not the leaf's.
        """
        return cls.of(certificates, load_private_key(key))

    @classmethod
    def of(cls, certificates: bytes, key: PrivateKey) -> "KeyPair":
        """As `load`, with the key at hand."""
        try:
            chain = tuple(x509.load_pem_x509_certificates(certificates))
        except ValueError as exc:
            raise CertificateError(f"no PEM certificates found: {exc}") from exc
        if _spki(key.public_key()) != _spki(chain[0].public_key()):
            raise CertificateError("private key doesn't match the first certificate")
        return cls(chain, key)

    @classmethod
    def read(cls, certificates: Path, key: Path, read: Callable[[Path], bytes] = read_file) -> "KeyPair":
        """As `load`, from two files. Raises OSError, and CertificateError with the names of both."""
        try:
            return cls.load(read(certificates), read(key))
        except CertificateError as error:
            raise CertificateError(f"{certificates} and {key}: {error}") from None

    @property
    def leaf(self) -> x509.Certificate:
        """The server's or client's own certificate."""
        return self.chain[0]

    def certificate_pem(self) -> bytes:
        """The chain in PEM, leaf first."""
        return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in self.chain)

    def key_pem(self) -> bytes:
        """The private key as unencrypted PKCS#8 PEM."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def load_private_key(text: bytes) -> PrivateKey:
    """Read an unencrypted private key in PEM (PKCS#8, PKCS#1 or EC). Raises CertificateError."""
    try:
        key = serialization.load_pem_private_key(text, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise CertificateError(f"no usable PEM private key found: {exc}") from exc
    if not isinstance(key, PrivateKey):
        raise CertificateError("private key must be RSA, ECDSA, or EdDSA")
    return key


def _spki(key: object) -> bytes:
    if not hasattr(key, "public_bytes"):
        raise CertificateError("unknown public key type")
    spki: bytes = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return spki


def key_fingerprint(certificate: x509.Certificate) -> bytes | None:
    """SHA-256 of the SubjectPublicKeyInfo, which identifies a client's key. None if that key cannot be read."""
    try:
        return hashlib.sha256(_spki(certificate.public_key())).digest()
    except (ValueError, UnsupportedAlgorithm):
        return None


def end_point_hash(certificate: x509.Certificate) -> bytes:
    """The data of channel binding tls-server-end-point (RFC 5929 §4.1): the certificate's hash by its own signature
    hash.

    SHA-256 replaces MD5 and SHA-1, and is used for signatures without a separate hash (EdDSA).
    """
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None or isinstance(algorithm, hashes.MD5 | hashes.SHA1):
        algorithm = hashes.SHA256()
    return certificate.fingerprint(algorithm)


def certificate_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """DNS names of the subjectAltName in lower case, wildcards included; the common name only where there is no SAN
    at all.
    """
    try:
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return tuple(str(attribute.value).lower() for attribute in common)
    except ValueError:
        return ()
    names = tuple(name.lower().rstrip(".") for name in san.get_values_for_type(x509.DNSName))
    return names + tuple(str(ip) for ip in san.get_values_for_type(x509.IPAddress))


def name_matches(pattern: str, name: str) -> bool:
    """RFC 9525 §6.3: equal, or `*` as the whole leftmost label standing for exactly one label. Both in A-labels."""
    pattern, name = pattern.lower(), name.lower().rstrip(".")
    if pattern == name:
        return True
    # A parent of one label never matches: `*.com` would stand for every domain of a registry.
    star, _, parent = pattern.partition(".")
    label, _, rest = name.partition(".")
    return star == "*" and bool(label) and "." in parent and rest == parent


def self_signed(names: Sequence[str], *, days: float = 4 * 365, key: PrivateKey | None = None) -> KeyPair:
    """A self-signed certificate for DNS names and IP addresses, or a client's name, on a fresh P-256 key unless one is
    given.

    It may sign itself as a CA with an empty path, so that clients which are given it as a trusted root accept it, also
    those that check a CA's extensions strictly (RFC 5280 §4.2.1), as Python does from 3.13 on.
    """
    private = ec.generate_private_key(ec.SECP256R1()) if key is None else key
    subject = _subject(names[0])
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(signing_usage(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(private.public_key()), critical=False)
    )
    unhashed = isinstance(private, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    return KeyPair((builder.sign(private, None if unhashed else hashes.SHA256()),), private)


def signing_usage() -> x509.KeyUsage:
    """A key that signs handshakes and certificates."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name) if name.isascii() else x509.DirectoryName(_subject(name))


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])  # RFC 5280 §A.1: ub-common-name


class ProblemKind(StrEnum):
    """Failures of a peer's certificate, in the words of RFC 8460 §4.3."""

    EXPIRED = "certificate-expired"
    HOST_MISMATCH = "certificate-host-mismatch"
    NOT_TRUSTED = "certificate-not-trusted"
    VALIDATION_FAILURE = "validation-failure"
    """Any failure without its own word, such as a certificate that matches no TLSA record."""


class CertificateProblem(msgspec.Struct, frozen=True):
    """The first problem found that makes a chain invalid for a name."""

    kind: ProblemKind
    text: str


_EXPIRY_CODES: Final = frozenset(
    {SSL.X509VerificationCodes.ERR_CERT_HAS_EXPIRED, SSL.X509VerificationCodes.ERR_CERT_NOT_YET_VALID}
)


class Trust:
    """The trusted root certificates: the system's, and those that the configuration adds.

    Reading the system's file takes tens of milliseconds and some MB: `ready` does it before the first `check`.
    """

    def __init__(self, extra: Iterable[x509.Certificate] = (), *, system: bool = True) -> None:
        self._extra = tuple(extra)
        self._system = system
        self._store: crypto.X509Store | None = None

    async def ready(self) -> None:
        """`load` in a thread, unless that has been done."""
        if self._store is None:
            await trio.to_thread.run_sync(self.load)

    def load(self) -> None:
        """Read the roots, unless that has been done. Blocks. A system without a root file trusts no authority."""
        if self._store is not None:
            return
        store = crypto.X509Store()
        paths = ssl.get_default_verify_paths()
        if self._system:
            cafile = paths.cafile if paths.cafile and Path(paths.cafile).is_file() else None
            capath = paths.capath if paths.capath and Path(paths.capath).is_dir() else None
            if cafile or capath:
                store.load_locations(cafile, capath)
        for certificate in self._extra:
            store.add_cert(crypto.X509.from_cryptography(certificate))
        self._store = store

    def check(self, chain: Sequence[x509.Certificate], name: str) -> CertificateProblem | None:
        """Check a server's chain, as sent, for `name` (A-labels or an IP address) by PKIX (RFC 5280 §6, RFC 9525).
        Returns None if it is valid.
        """
        if not chain:
            return CertificateProblem(ProblemKind.NOT_TRUSTED, "the server didn't send a certificate")
        self.load()
        assert self._store is not None
        leaf = chain[0]
        if (problem := chain_problem(self._store, chain)) is not None:
            return problem
        if not _for_servers(leaf):
            return CertificateProblem(
                ProblemKind.NOT_TRUSTED, "certificate isn't valid for servers (extended key usage)"
            )
        names = certificate_names(leaf)
        if not any(name_matches(pattern, name) for pattern in names):
            shown = ", ".join(names[:5]) or "no name"
            return CertificateProblem(ProblemKind.HOST_MISMATCH, f"certificate is for {shown}, not {name}")
        return None


def chain_problem(store: crypto.X509Store, chain: Sequence[x509.Certificate]) -> CertificateProblem | None:
    """Why a chain, leaf first, does not lead to a certificate of `store`, or is out of its time; None where it does."""
    leaf, *others = [crypto.X509.from_cryptography(one) for one in chain[:MAX_CHAIN]]
    try:
        crypto.X509StoreContext(store, leaf, others).verify_certificate()
    except crypto.X509StoreContextError as exc:
        code = exc.errors[0] if isinstance(exc.errors, list) and exc.errors else None
        kind = ProblemKind.EXPIRED if code in _EXPIRY_CODES else ProblemKind.NOT_TRUSTED
        return CertificateProblem(kind, str(exc))
    except crypto.Error as exc:
        return CertificateProblem(ProblemKind.NOT_TRUSTED, f"can't verify the chain: {exc}")
    return None


def _for_servers(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    except ValueError:
        return False
    return ExtendedKeyUsageOID.SERVER_AUTH in usage or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usage
