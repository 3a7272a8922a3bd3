"""Parser of the ARC sets of a message, three fields each; checks their syntax (RFC 8617 §4, §5.2 steps 1 to 3).

A syntax error in one field makes the whole chain fail, without a DNS query.
"""

import re
from typing import Final, Literal

import msgspec

from moxlite.mailauth.dkim.canonical import HashName, relaxed_field
from moxlite.mailauth.dkim.signature import (
    DNS_NAME,
    Algorithm,
    Signature,
    field_text,
    parse_algorithm,
    parse_domain,
    parse_message_signature,
    unsigned,
)
from moxlite.mailauth.dkim.tags import TagError, decode_base64, parse_tags
from moxlite.proto.address import Domain
from moxlite.proto.mime.headers import Field, HeaderSection

AAR: Final = b"arc-authentication-results"
AMS: Final = b"arc-message-signature"
AS: Final = b"arc-seal"
FIELDS: Final = (AAR, AMS, AS)
"""The fields of a set, in the order in which seals cover them (§5.1.1)."""

MAX_SETS: Final = 50
"""Number of sets of a chain (§4.2.1); real chains have up to five."""

MAX_OCTETS: Final = 64 << 10
"""Octets of all ARC fields of a message together: the seals of 50 sets hash each field 25 times on average."""

_INSTANCE: Final = re.compile(r"[ \t\r\n]*i[ \t\r\n]*=[ \t\r\n]*([0-9]{1,4})[ \t\r\n]*;")
_NUMBER: Final = re.compile(r"[0-9]{1,4}")
_TIME: Final = re.compile(r"[0-9]{1,12}")


class ChainError(ValueError):
    """The chain fails. The argument is a short reason."""


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """An ARC-Seal (§4.1.3). `cv`: the sealer's verdict on the chain before it."""

    algorithm: Algorithm
    hash: HashName
    value: bytes
    domain: Domain
    selector: str
    cv: Literal["none", "pass", "fail"]

    @property
    def key_name(self) -> str:
        """DNS name of the key record, with final dot."""
        return f"{self.selector}._domainkey.{self.domain.ascii}."


class ARCSet(msgspec.Struct, frozen=True, kw_only=True):
    """An ARC set: the fields that one server added. `results`: its ARC-Authentication-Results after the ``i=`` tag."""

    instance: int
    results: str
    results_field: Field
    signature: Signature
    signature_field: Field
    seal: Seal
    seal_field: Field

    def unsigned_seal(self) -> bytes:
        """The ARC-Seal field in the form that is hashed: canonical, with an empty b= (§5.1.1)."""
        return unsigned(self.seal_field.raw, "relaxed")


def read_chain(section: HeaderSection) -> list[ARCSet]:
    """Return the sets of a message in order of their numbers, [] for a message without ARC. Raises ChainError."""
    fields = section.all(*FIELDS)
    if not fields:
        return []
    if sum(len(field.raw) for field in fields) > MAX_OCTETS:
        raise ChainError("too many octets in ARC fields")
    if len(fields) > MAX_SETS * len(FIELDS):
        raise ChainError("too many ARC sets")
    if section.body is None or section.count(b"") or not section.complete:
        raise ChainError("malformed header section")
    found: dict[tuple[int, bytes], Field] = {}
    for field in fields:
        key = _instance(field), field.label.lower()
        if key in found:
            raise ChainError(f"two fields of a kind in set {key[0]}")
        found[key] = field
    last = max(instance for instance, _ in found)
    if len(found) != last * len(FIELDS):
        raise ChainError("a set is not complete")
    sets = [_set(instance, found) for instance in range(1, last + 1)]
    for one in sets:
        if one.seal.cv == "fail":
            raise ChainError(f"set {one.instance} says that the chain has failed")
        if (one.seal.cv == "none") != (one.instance == 1):
            raise ChainError(f"set {one.instance} says cv={one.seal.cv}")
    return sets


def canonical(one: ARCSet) -> tuple[bytes, bytes, bytes]:
    """The fields of a set in canonical form, in the order in which seals cover them."""
    fields = one.results_field, one.signature_field, one.seal_field
    return relaxed_field(fields[0].raw), relaxed_field(fields[1].raw), relaxed_field(fields[2].raw)


def highest(section: HeaderSection) -> tuple[int, bool]:
    """Return the number of the newest set (0 without one) and whether its seal has ``cv=fail``.

    The chain need not be valid.
    """
    last, failed = 0, False
    for field in section.all(*FIELDS):
        try:
            instance = _instance(field)
            if instance > last:
                last, failed = instance, False
            if instance == last and field.label.lower() == AS:
                failed = parse_tags(field_text(field.raw)).get("cv", "").lower() == "fail"
        except (ChainError, TagError):
            continue
    return last, failed


def _instance(field: Field) -> int:
    """The number of the set that a field belongs to. Raises ChainError."""
    text = field_text(field.raw)
    if field.label.lower() == AAR:
        match = _INSTANCE.match(text)
        number = match[1] if match else ""
    else:
        try:
            number = parse_tags(text).get("i", "")
        except TagError as error:
            raise ChainError(f"{field.label.decode('ascii')}: {error}") from None
    if not _NUMBER.fullmatch(number) or not 1 <= int(number) <= MAX_SETS:
        raise ChainError("an ARC field has no number of its set")
    return int(number)


def _set(instance: int, found: dict[tuple[int, bytes], Field]) -> ARCSet:
    try:
        results, signature, seal = (found[instance, name] for name in FIELDS)
    except KeyError:
        raise ChainError("a set is not complete") from None
    text = field_text(results.raw)
    match = _INSTANCE.match(text)
    assert match is not None  # it has a number
    try:
        return ARCSet(
            instance=instance,
            results=text[match.end() :],
            results_field=results,
            signature=_signature(signature.raw),
            signature_field=signature,
            seal=_seal(seal.raw),
            seal_field=seal,
        )
    except TagError as error:
        raise ChainError(f"set {instance}: {error}") from None


def _signature(raw: bytes) -> Signature:
    signature = parse_message_signature(raw)
    if signature.hash != "sha256":
        raise TagError("sha1 is not allowed")
    if signature.length is not None:
        raise TagError("body length limited")  # what follows could be anything
    if AS in signature.names:
        raise TagError("signs ARC-Seal")  # §4.1.2
    return signature


def _seal(raw: bytes) -> Seal:
    tags = parse_tags(field_text(raw))
    if missing := [name for name in ("a", "b", "cv", "d", "s") if name not in tags]:
        raise TagError(f"no tag {missing[0]}")
    if "h" in tags:
        raise TagError("ARC-Seal with tag h")  # §4.1.3
    if "t" in tags and not _TIME.fullmatch(tags["t"]):
        raise TagError("tag t is not a number")
    algorithm, hashed = parse_algorithm(tags["a"])
    if hashed != "sha256":
        raise TagError("sha1 is not allowed")
    value = decode_base64(tags["b"])
    if not value:
        raise TagError("empty signature")
    domain, selector = parse_domain(tags["d"], "d"), parse_domain(tags["s"], "s").ascii
    if len(selector) + len("._domainkey.") + len(domain.ascii) > DNS_NAME:
        raise TagError("selector and domain too long")
    match tags["cv"].lower():
        case "none" | "pass" | "fail" as cv:
            return Seal(algorithm=algorithm, hash=hashed, value=value, domain=domain, selector=selector, cv=cv)
    raise TagError("unknown cv")
