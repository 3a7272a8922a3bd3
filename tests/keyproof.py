"""The proof that a user has the private key of a client certificate, as openssl makes it (STORE-104a)."""

import re

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed448, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from moxlite.net.tls.certificates import PrivateKey

__all__ = ["proof_of"]


def proof_of(key: PrivateKey, command: str) -> str:
    """The output of the command of `config tlspubkey challenge` with a key."""
    subject = re.fullmatch(r'openssl req -new -key key\.pem -subj "/CN=([\w-]+)"', command.strip())
    assert subject is not None, command
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject[1])])
    unhashed = isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    request = x509.CertificateSigningRequestBuilder().subject_name(name)
    return request.sign(key, None if unhashed else hashes.SHA256()).public_bytes(Encoding.PEM).decode()
