"""Key records in DNS: ``SELECTOR._domainkey.DOMAIN`` TXT (RFC 6376 §3.6.1, RFC 8463 §4; AUTH-36, AUTH-37)."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec
import trio
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from moxlite.mailauth.dkim.message import HashName
from moxlite.mailauth.dkim.signature import Algorithm, TagError, decode_base64, parse_tags, split_list
from moxlite.mailauth.results import SignatureStatus
from moxlite.net.resolver import Answer, DNSError, NotFound, PermError, Resolver

PublicKey: TypeAlias = RSAPublicKey | Ed25519PublicKey

SMALLEST_RSA: Final = 1024
"""Bits of the smallest RSA key that is accepted (RFC 8301 §3.2)."""

LARGEST_RSA: Final = 8192
"""Bits of the largest RSA key that is accepted: a signature takes 0.1 ms to verify. Real keys have at most 4096."""

LARGEST_EXPONENT: Final = 1 << 32
"""Largest RSA exponent that is accepted: verification time grows with its digits. Real keys have 65537."""

MAX_KEY: Final = 4096
"""Characters of p=: LARGEST_RSA takes 1500."""


class RecordError(ValueError):
    """The record is not a usable key. The text is short.

    `claimed`: the record declares itself a DKIM key. `temporary`: a later look-up may succeed (RFC 6376 §3.6.2.2 leaves
    several keys undefined).
    """

    def __init__(self, problem: str, *, claimed: bool = False, temporary: bool = False) -> None:
        super().__init__(problem)
        self.claimed = claimed
        self.temporary = temporary


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A public key and what it may be used for.

    Attributes:
      bits: length of the modulus, 256 for Ed25519.
      hashes: acceptable hashes, None for all. services: service types that it may sign for, "*" for all.
      testing: the domain is testing DKIM (t=y). strict: the domain of i= must equal d= (t=s).
    """

    algorithm: Algorithm
    key: PublicKey
    bits: int
    hashes: frozenset[str] | None
    services: frozenset[str]
    testing: bool
    strict: bool

    def permits(self, service: str) -> bool:
        """Whether it may sign for this service: ``email``, or ``tlsrpt`` (RFC 8460 §3)."""
        return not self.services.isdisjoint({"*", service})


def parse_record(text: str) -> KeyRecord:
    """The key in the text of one TXT record. Raises RecordError."""
    claimed = text.lstrip(" \t").startswith("v=DKIM1")
    try:
        tags = parse_tags(text)
        if "v" in tags and (next(iter(tags)) != "v" or tags["v"] != "DKIM1"):
            raise TagError("not a DKIM key")
        if "p" not in tags:
            raise TagError("no public key")
        if not tags["p"]:
            claimed = True  # empty p=: the key is revoked (RFC 6376 §3.6.1)
            raise TagError("key revoked")
        if len(tags["p"]) > MAX_KEY:
            raise TagError("key too long")
        algorithm, key, bits = _key(tags.get("k", "rsa").lower(), decode_base64(tags["p"]))
    except TagError as error:
        raise RecordError(f"key record: {error}", claimed=claimed) from None
    flags = split_list(tags.get("t", ""))
    return KeyRecord(
        algorithm=algorithm,
        key=key,
        bits=bits,
        hashes=frozenset(name.lower() for name in split_list(tags["h"])) if "h" in tags else None,
        services=frozenset(name.lower() for name in split_list(tags.get("s", "*"))),
        testing="y" in flags,
        strict="s" in flags,
    )


@lru_cache(maxsize=512)  # 40 µs without, and domains come back with the same key; at most 2 MiB
def _known_record(text: str) -> KeyRecord:
    return parse_record(text)


def choose_record(texts: Sequence[str]) -> KeyRecord:
    """Return the one key among the TXT records of a name. Raises RecordError.

    A record that does not declare itself a key (`claimed`) is ignored beside one. Without a key the error is permanent:
    a verifier does not wait for the owner to correct the record (RFC 6376 §6.1.2, step 5).
    """
    key_records: list[KeyRecord] = []
    broken: RecordError | None = None
    for text in texts:
        try:
            key_records.append(_known_record(text) if len(text) <= MAX_KEY else parse_record(text))
        except RecordError as error:
            # A record that says it is a key, and is broken, is the owner's word, as a revoked one is: it must not be
            # passed over for another one that still verifies.
            if error.claimed:
                raise
            broken = error
    if len(key_records) > 1:
        raise RecordError("multiple key records", temporary=True)
    if not key_records:
        raise RecordError(str(broken or "no key record"))
    return key_records[0]


def _key(algorithm: str, octets: bytes) -> tuple[Algorithm, PublicKey, int]:
    if algorithm == "ed25519":
        if len(octets) != 32:
            raise TagError("wrong ed25519 key size")
        return "ed25519", Ed25519PublicKey.from_public_bytes(octets), 256
    if algorithm != "rsa":
        raise TagError("unknown key type")
    try:
        key = load_der_public_key(octets)  # a SubjectPublicKeyInfo, or bare PKCS #1 (RFC 6376 erratum 3017)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise TagError("invalid RSA key") from None
    if not isinstance(key, RSAPublicKey):
        raise TagError("not an RSA key")
    if key.key_size < SMALLEST_RSA:
        raise TagError("weak key")
    if key.key_size > LARGEST_RSA or key.public_numbers().e > LARGEST_EXPONENT:
        raise TagError("oversized key")
    return "rsa", key, key.key_size


def is_signed(key: PublicKey, hashed: HashName, value: bytes, digest: bytes) -> bool:
    """Whether `value` is the key's signature over the data with this digest."""
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(value, digest)  # RFC 8463 §3: over the hash
        else:
            kind = SHA256() if hashed == "sha256" else SHA1()  # noqa: S303 - only where the owner allows it
            key.verify(value, digest, PKCS1v15(), Prehashed(kind))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


# Look-up of the keys of signatures in DNS (AUTH-30, AUTH-36).


CONCURRENT: Final = 5
"""Number of concurrent DNS queries for one message (AUTH-30)."""

KEYS_TIMEOUT: Final = 30.0
"""Seconds to fetch a message's keys: less than the limit for all checks (AUTH-13), so that keys received in time are
used.
"""


class KeyAnswer(msgspec.Struct, frozen=True):
    """Result of a key look-up: `record`, or `status` and `problem` if there is no usable key."""

    record: KeyRecord | None
    status: SignatureStatus = SignatureStatus.NONE
    problem: str = ""
    authentic: bool = False


async def look_up(resolver: Resolver, names: Iterable[str]) -> Mapping[str, KeyAnswer]:
    """Look up the keys at these names. A key that does not arrive in time gets a temporary error."""
    answers = {name: KeyAnswer(None, SignatureStatus.TEMPERROR, "key: timeout") for name in names}
    if len(answers) <= 1:  # the common case, which needs no tasks
        with trio.move_on_after(KEYS_TIMEOUT):
            for name in answers:
                answers[name] = await _key_of_record(resolver, name)
        return answers
    limiter = trio.CapacityLimiter(CONCURRENT)

    async def ask(name: str) -> None:
        async with limiter:
            answers[name] = await _key_of_record(resolver, name)

    with trio.move_on_after(KEYS_TIMEOUT):
        async with trio.open_nursery() as nursery:
            for name in answers:
                nursery.start_soon(ask, name)
    return answers


async def _key_of_record(resolver: Resolver, name: str) -> KeyAnswer:
    try:
        answer: Answer[str] = await resolver.txt(name)
    except NotFound as error:
        return KeyAnswer(None, SignatureStatus.PERMERROR, "no key record", error.authentic)
    except PermError:
        return KeyAnswer(None, SignatureStatus.PERMERROR, "key: malformed DNS response")
    except DNSError:
        return KeyAnswer(None, SignatureStatus.TEMPERROR, "key: no DNS response")
    try:
        return KeyAnswer(choose_record(answer.records), authentic=answer.authentic)
    except RecordError as error:
        status = SignatureStatus.TEMPERROR if error.temporary else SignatureStatus.PERMERROR
        return KeyAnswer(None, status, str(error), answer.authentic)
