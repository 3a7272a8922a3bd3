"""CMS signed-data, as a library makes it and as programs write it that sign while they read, and mail of it."""

import base64
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder

SIGNED_DATA = "2a864886f70d010702"
DATA = "2a864886f70d010701"


@cache
def signer() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()), key


def signed(content: bytes) -> bytes:
    """Signed-data as a library makes it."""
    builder = PKCS7SignatureBuilder().set_data(content).add_signer(*signer(), hashes.SHA256())
    return builder.sign(Encoding.DER, [PKCS7Options.Binary])


def value(identifier: int, *contents: bytes, indefinite: bool = False) -> bytes:
    """A value in BER."""
    whole = b"".join(contents)
    if indefinite:
        return bytes([identifier, 0x80]) + whole + b"\0\0"
    size = len(whole)
    length = bytes([size]) if size < 128 else bytes([0x84]) + size.to_bytes(4, "big")
    return bytes([identifier]) + length + whole


def streamed(content: bytes, size: int, depth: int = 0) -> bytes:
    """Signed-data as programs write that sign while they read: indefinite lengths, the content in pieces."""
    pieces = [value(4, content[at : at + size]) for at in range(0, len(content), size)]
    for _ in range(depth):
        pieces = [value(0x24, *pieces, indefinite=True)]
    algorithms = value(0x31, value(0x30, value(6, b"x"), indefinite=True), indefinite=True)
    inner = value(0xA0, value(0x24, *pieces, indefinite=True), indefinite=True)
    encapsulated = value(0x30, value(6, bytes.fromhex(DATA)), inner, indefinite=True)
    data = value(0x30, value(2, b"\1"), algorithms, encapsulated, value(0x31), indefinite=True)
    return value(0x30, value(6, bytes.fromhex(SIGNED_DATA)), value(0xA0, data, indefinite=True), indefinite=True)


def mail(octets: bytes, kind: str = "application/pkcs7-mime; smime-type=signed-data; name=smime.p7m") -> bytes:
    encoded = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    return (
        f"Subject: outer\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n"
        "Content-Disposition: attachment; filename=smime.p7m\r\n\r\n"
    ).encode() + encoded
