"""Signing: DKIM-Signature fields to prepend to a message (AUTH-41..44).

A signature covers each field of `Signer.sealed` once more than it occurs in the message, so that an added field breaks
the signature (RFC 6376 §8.15). It covers each field of `Signer.unsealed` as often as it occurs: mailing lists may add
more of them.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import msgspec
import trio
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from moxlite.mailauth.dkim.message import Canonicalization, HashName, Message, SignedFields, hash_body
from moxlite.mailauth.dkim.signature import unsigned
from moxlite.proto.address import Address, Domain, pack_localpart
from moxlite.proto.mime.headers import HeaderSection

# Private keys of selectors: generating, reading from PEM, and their DNS records (AUTH-41, AUTH-45).


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
        raise PrivateKeyError("must be a PEM private key without a password") from None
    match key:
        case Ed25519PrivateKey():
            return key
        case RSAPrivateKey():
            if key.key_size < SMALLEST_RSA:
                raise PrivateKeyError(f"too short: verifiers ignore {key.key_size}-bit keys")
            if key.key_size > LARGEST_RSA:
                raise PrivateKeyError(
                    f"has {key.key_size} bits, but verifiers don't have to support more than {LARGEST_RSA}"
                )
            return key
    raise PrivateKeyError("must be an RSA or ed25519 key")


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


MAX_REPEATS: Final = 20
"""Number of fields of one name that a signature covers; verifiers limit the names that they read."""

WIDTH: Final = 78
"""Characters of a line (RFC 5322 §2.1.1)."""


class SigningError(ValueError):
    """A message that cannot be signed."""


def check_signable(section: HeaderSection) -> None:
    """Raise SigningError unless the message has exactly one From field, and a whole header section."""
    if section.count(b"from") != 1:
        raise SigningError("exactly one From field is required to sign a message")
    if section.body is None or section.count(b"") or not section.complete:
        raise SigningError("the header section is malformed")


class Signer(msgspec.Struct, frozen=True, kw_only=True):
    """A selector that signs.

    Attributes:
      selector: its name, A-labels. expiration: seconds for which a signature is valid, 0 for no limit.
      sealed, unsealed: names of fields that are signed; `sealed` includes From.
      seal: cover each of `sealed` once more than it occurs.
    """

    selector: str
    key: PrivateKey
    sealed: tuple[str, ...]
    unsealed: tuple[str, ...] = ()
    hash: HashName = "sha256"
    header: Canonicalization = "relaxed"
    body: Canonicalization = "relaxed"
    seal: bool = True
    expiration: float = 0


async def sign(
    message: Message, author: Address | None, signers: Sequence[Signer], now: float, *, domain: Domain | None = None
) -> bytes:
    """Return the DKIM-Signature fields to prepend to the message, one per signer, each ending in CRLF.

    Args:
      author: the address in From. None leaves i= out; `domain` is then required.
      now: seconds since 1970.
      domain: the signing domain (d=), equal to the author's domain or above it; the author's by default (AUTH-42).

    Runs in a thread: a signature takes 0.5 ms, on small machines ten times that.

    Raises:
      SigningError: the message has not exactly one From field, or no whole header section.
      OSError: reading the body failed.
    """
    check_signable(message.section)
    if domain is None:
        assert author is not None
        domain = author.domain
    return await trio.to_thread.run_sync(_sign, message, author, domain, signers, int(now))


def _sign(message: Message, author: Address | None, domain: Domain, signers: Sequence[Signer], now: int) -> bytes:
    hashes = hash_body(message.body(), {(signer.body, signer.hash) for signer in signers})
    fields = SignedFields(message.section)
    return b"".join(
        _field(fields, message.section, author, domain, signer, hashes[signer.body, signer.hash], now)
        for signer in signers
    )


def _field(
    fields: SignedFields,
    section: HeaderSection,
    author: Address | None,
    domain: Domain,
    signer: Signer,
    body_hash: bytes,
    now: int,
) -> bytes:
    names = [*_names(section, signer)]
    algorithm = "ed25519" if isinstance(signer.key, Ed25519PrivateKey) else "rsa"
    text = FoldedField("DKIM-Signature:")
    text.add(" v=1;", f" d={domain.ascii};", f" s={signer.selector};")
    if author is not None:
        identity = _quoted(pack_localpart(author.localpart))
        whole = f" i={''.join(identity)}@{author.domain.ascii};"
        text.add(*([whole] if len(whole) <= WIDTH else [" i=", *identity, f"@{author.domain.ascii};"]))
    text.add(f" a={algorithm}-{signer.hash};", f" c={signer.header}/{signer.body};", f" t={now};")
    if signer.expiration:
        text.add(f" x={now + int(signer.expiration)};")
    text.add(*[f"{' h=' * (at == 0)}{name}{':' if at < len(names) - 1 else ';'}" for at, name in enumerate(names)])
    text.add(f" bh={base64.b64encode(body_hash).decode()};", " b=")
    digest = hashlib.new(signer.hash, usedforsecurity=False)
    for field in fields.choose([name.lower().encode() for name in names], signer.header):
        digest.update(field)
    digest.update(unsigned(text.octets(), signer.header))
    text.add(*base64.b64encode(sign_digest(signer.key, signer.hash, digest.digest())).decode())
    return text.octets() + b"\r\n"


def _names(section: HeaderSection, signer: Signer) -> Iterable[str]:
    for name in signer.sealed:
        yield from [name] * (min(section.count(name.lower().encode()), MAX_REPEATS) + signer.seal)
    covered = {name.lower() for name in signer.sealed}
    for name in signer.unsealed:
        if name.lower() not in covered:
            yield from [name] * min(section.count(name.lower().encode()), MAX_REPEATS)


def sign_digest(key: PrivateKey, hashed: HashName, digest: bytes) -> bytes:
    """The key's signature over the data with this digest."""
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(digest)  # RFC 8463 §3: over the hash
    kind = SHA256() if hashed == "sha256" else SHA1()  # noqa: S303 - as configured, with a warning
    return key.sign(digest, PKCS1v15(), Prehashed(kind))


def _quoted(localpart: str) -> list[str]:
    """A localpart in dkim-quoted-printable, in pieces between which a line may break (RFC 6376 §2.11)."""
    return [chr(octet) if 32 < octet < 127 and octet not in b";=" else f"={octet:02X}" for octet in localpart.encode()]


class FoldedField:
    """A header field folded to lines of WIDTH characters, broken only between the pieces that were added."""

    def __init__(self, name: str) -> None:
        self._lines = [name]

    def add(self, *pieces: str) -> None:
        """Append pieces to the header field, which is folded between them."""
        for piece in pieces:
            if len(self._lines[-1]) + len(piece) > WIDTH:
                self._lines.append("\t" + piece.lstrip(" "))
            else:
                self._lines[-1] += piece

    def octets(self) -> bytes:
        """The folded field, without its final line end. What others wrote in it may be UTF-8 (RFC 6532, RFC 8616)."""
        return "\r\n".join(self._lines).encode()
