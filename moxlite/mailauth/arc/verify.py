"""Validation of the ARC chain of a message (RFC 8617 §5.2; AUTH-110): parsing its sets, verifying them, and the results
of a chain whose newest sealers are trusted (AUTH-112, AUTH-113).
"""

import hashlib
import re
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, Literal

import msgspec
import trio

from moxlite.mailauth.dkim.keyrecord import KeyAnswer, KeyRecord, is_signed, look_up
from moxlite.mailauth.dkim.message import BodyHash, HashName, Message, SignedFields, hash_body, relaxed_field
from moxlite.mailauth.dkim.signature import (
    DNS_NAME,
    Algorithm,
    Signature,
    TagError,
    decode_base64,
    field_text,
    parse_algorithm,
    parse_domain,
    parse_message_signature,
    parse_tags,
    reads_fast,
    unsigned,
)
from moxlite.mailauth.results import ARCResult, ARCStatus, SignatureStatus
from moxlite.net.resolver import Resolver
from moxlite.proto.address import Domain
from moxlite.proto.authresults import AuthResults, AuthResultsError, Method, parse
from moxlite.proto.mime.headers import Field, HeaderSection

# Parser of the ARC sets of a message, three fields each; checks their syntax (RFC 8617 §4, §5.2 steps 1 to 3).
#
# A syntax error in one field makes the whole chain fail, without a DNS query.


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
    # The steps of RFC 8617 §5.2 that need no key come first: most broken chains cost neither a look-up nor a hash.
    if sum(len(field.raw) for field in fields) > MAX_OCTETS:
        raise ChainError("ARC fields are too large")
    if len(fields) > MAX_SETS * len(FIELDS):
        raise ChainError("too many ARC sets")
    if section.body is None or section.count(b"") or not section.complete:
        raise ChainError("malformed header section")
    found: dict[tuple[int, bytes], Field] = {}
    for field in fields:
        key = _instance(field), field.label.lower()
        if key in found:
            raise ChainError(f"duplicate field in set {key[0]}")
        found[key] = field
    last = max(instance for instance, _ in found)
    if len(found) != last * len(FIELDS):
        raise ChainError("an ARC set is incomplete")
    # As many fields as the highest number asks for, and no two alike: so no number is missing.
    sets = [_set(instance, found) for instance in range(1, last + 1)]
    for arc_set in sets:
        if arc_set.seal.cv == "fail":
            raise ChainError(f"set {arc_set.instance} marks the chain as failed")
        if (arc_set.seal.cv == "none") != (arc_set.instance == 1):
            raise ChainError(f"set {arc_set.instance} has an unexpected cv={arc_set.seal.cv}")
    return sets


def canonical(arc_set: ARCSet) -> tuple[bytes, bytes, bytes]:
    """The fields of a set in canonical form, in the order in which seals cover them."""
    fields = arc_set.results_field, arc_set.signature_field, arc_set.seal_field
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
        raise ChainError("missing or invalid instance number in ARC field")
    return int(number)


def _set(instance: int, found: dict[tuple[int, bytes], Field]) -> ARCSet:
    try:
        results, signature, seal = (found[instance, name] for name in FIELDS)
    except KeyError:
        raise ChainError("an ARC set is incomplete") from None
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
        raise TagError("sha1 isn't allowed")
    if signature.length is not None:
        raise TagError("body length limit (l=) isn't allowed")  # what follows could be anything
    if AS in signature.names:
        raise TagError("ARC-Seal can't be signed")  # §4.1.2
    return signature


def _seal(raw: bytes) -> Seal:
    tags = parse_tags(field_text(raw))
    if missing := [name for name in ("a", "b", "cv", "d", "s") if name not in tags]:
        raise TagError(f"missing tag {missing[0]}")
    if "h" in tags:
        raise TagError("ARC-Seal can't have tag h")  # §4.1.3
    if "t" in tags and not _TIME.fullmatch(tags["t"]):
        raise TagError("invalid number in tag t")
    algorithm, hashed = parse_algorithm(tags["a"])
    if hashed != "sha256":
        raise TagError("sha1 isn't allowed")
    value = decode_base64(tags["b"])
    if not value:
        raise TagError("empty signature")
    domain, selector = parse_domain(tags["d"], "d"), parse_domain(tags["s"], "s").ascii
    if len(selector) + len("._domainkey.") + len(domain.ascii) > DNS_NAME:
        raise TagError("selector and domain are too long")
    match tags["cv"].lower():
        case "none" | "pass" | "fail" as cv:
            return Seal(algorithm=algorithm, hash=hashed, value=value, domain=domain, selector=selector, cv=cv)
    raise TagError("unknown cv value")


class _Failed(Exception):
    """The chain fails, or a temporary error prevents a verdict."""

    def __init__(self, problem: str, status: ARCStatus = ARCStatus.FAIL) -> None:
        super().__init__(problem)
        self.status = status


async def verify(resolver: Resolver, message: Message, *, now: float | None = None) -> ARCResult:
    """Validate the ARC chain of a message.

    Args:
      now: seconds since 1970; the current time by default.

    Raises OSError if reading the body fails; all other errors are in the result.
    """
    read = partial(read_chain, message.section)
    try:
        sets = read() if reads_fast(message.section.all(*FIELDS)) else await trio.to_thread.run_sync(read)
    except ChainError as error:
        return ARCResult(status=ARCStatus.FAIL, problem=str(error))
    if not sets:
        return ARCResult(status=ARCStatus.NONE)
    chain = _Chain(message, sets)
    try:
        chain.answers.update(await look_up(resolver, _names(sets[-1:])))
        await trio.to_thread.run_sync(chain.check_newest, time.time() if now is None else now)
        chain.answers.update(await look_up(resolver, _names(sets) - chain.answers.keys()))
        oldest = await trio.to_thread.run_sync(chain.check_all)
    except _Failed as failed:
        return chain.result(failed.status, str(failed))
    return chain.result(ARCStatus.PASS, "", oldest)


def _names(sets: Iterable[ARCSet]) -> set[str]:
    return {name for arc_set in sets for name in (arc_set.seal.key_name, arc_set.signature.key_name)}


def sealed_digest(fields: Sequence[Sequence[bytes]], unsigned_seal: bytes) -> bytes:
    """The SHA-256 that a seal signs (§5.1.1).

    Args:
      fields: fields of the earlier sets in order, then of its own set without the seal, in canonical form.
    """
    digest = hashlib.sha256()
    for one in fields:
        for field in one:
            digest.update(field)
    digest.update(unsigned_seal)
    return digest.digest()


class _Chain:
    """The sets of a message during validation. All methods but `result` block."""

    def __init__(self, message: Message, sets: Sequence[ARCSet]) -> None:
        self._message = message
        self._sets = sets
        self._fields = SignedFields(message.section)
        self._canonical = [canonical(arc_set) for arc_set in sets]
        self._bodies: Mapping[BodyHash, bytes] = {}
        self.answers: dict[str, KeyAnswer] = {}

    def result(self, status: ARCStatus, problem: str, oldest_pass: int = 0) -> ARCResult:
        return ARCResult(
            status=status,
            problem=problem,
            oldest_pass=oldest_pass,
            instances=len(self._sets),
            sealers=tuple(arc_set.seal.domain.ascii for arc_set in self._sets),
            statements=tuple(arc_set.results for arc_set in self._sets),
            author_signed=b"from" in self._sets[-1].signature.names,
        )

    def check_newest(self, now: float) -> None:
        """Verify the newest seal and the newest signature over the message. Raises _Failed."""
        newest = self._sets[-1]
        if problem := newest.signature.time_problem(now):
            raise _Failed(f"set {newest.instance}: {problem}")
        self._check_seal(len(self._sets) - 1)
        if problem := self._header_problem(newest):
            raise _Failed(f"set {newest.instance}: {problem}")
        wanted: set[BodyHash] = {(arc_set.signature.body, arc_set.signature.hash) for arc_set in self._sets}
        self._bodies = hash_body(self._message.body(), wanted)
        if not self._body_matches(newest.signature):
            raise _Failed(f"set {newest.instance}: body hash doesn't match")

    def check_all(self) -> int:
        """Verify all older seals, then find the oldest set since which the message is unchanged (§5.2 step 4).

        Returns:
          The number of the oldest set such that its signature and all later signatures verify; 0 if all verify.

        Raises _Failed.
        """
        for at in range(len(self._sets) - 2, -1, -1):
            self._check_seal(at)
        for arc_set in reversed(self._sets[:-1]):
            if self._header_problem(arc_set) or not self._body_matches(arc_set.signature):
                return arc_set.instance + 1
        return 0

    def _check_seal(self, at: int) -> None:
        arc_set = self._sets[at]
        record = self._key(arc_set, arc_set.seal)
        digest = sealed_digest([*self._canonical[:at], self._canonical[at][:2]], arc_set.unsigned_seal())
        if not is_signed(record.key, arc_set.seal.hash, arc_set.seal.value, digest):
            raise _Failed(f"set {arc_set.instance}: seal doesn't match")

    def _header_problem(self, arc_set: ARCSet) -> str:
        """Why the signature over the header fails, "" if it verifies. Raises _Failed if the newest set has no key."""
        signature = arc_set.signature
        try:
            record = self._key(arc_set, signature)
        except _Failed as failed:
            if arc_set is self._sets[-1]:
                raise
            return str(failed)
        digest = hashlib.sha256()
        for field in self._fields.choose(signature.names, signature.header):
            digest.update(field)
        digest.update(signature.unsigned())
        if is_signed(record.key, signature.hash, signature.value, digest.digest()):
            return ""
        return "signature doesn't match the header"

    def _body_matches(self, signature: Signature) -> bool:
        return self._bodies[signature.body, signature.hash] == signature.body_hash

    def _key(self, arc_set: ARCSet, signed: Seal | Signature) -> KeyRecord:
        """The key of a seal or signature. Raises _Failed."""
        answer = self.answers[signed.key_name]
        record = answer.record
        if record is None:
            temporary = answer.status is SignatureStatus.TEMPERROR
            raise _Failed(
                f"set {arc_set.instance}: {answer.problem}", ARCStatus.TEMPERROR if temporary else ARCStatus.FAIL
            )
        if record.algorithm != signed.algorithm:
            raise _Failed(f"set {arc_set.instance}: wrong key type")
        if record.hashes is not None and signed.hash not in record.hashes:
            raise _Failed(f"set {arc_set.instance}: key doesn't allow this hash")
        if not record.permits("email"):
            raise _Failed(f"set {arc_set.instance}: key can't be used for email")
        return record


# Results of a passing ARC chain whose newest sealers are trusted (RFC 8617 §7.2; AUTH-112, AUTH-113).


MAX_SIGNERS: Final = 10
"""Number of signing domains taken over from a sealer: the limit for evaluated DKIM signatures (AUTH-30)."""


class SealedResults(msgspec.Struct, frozen=True):
    """Results recorded by a trusted sealer at the end of a passing chain. Domains in A-labels.

    Attributes:
      instance, sealer: number and domain of the set used: the newest that authenticates the author, else the newest.
      proven: the author's domain was authenticated when the message reached that sealer.
      signers: domains of the DKIM signatures that passed there.
    """

    instance: int
    sealer: str
    proven: bool
    signers: tuple[str, ...] = ()

    @property
    def comment(self) -> str:
        """The comment for aggregate reports (RFC 8617 §7.2.2)."""
        return f"arc=pass as[{self.instance}].d={self.sealer}"


def vouched(result: ARCResult, trusted: Collection[str], author: str, organization: str) -> SealedResults | None:
    """Return the results of the trusted sealers; None if the chain does not pass, its newest sealer is not trusted, or
    From is not signed: it may be another one since.

    Sets are read from the newest back, while their sealers are trusted. The next older set is read if this one does
    not authenticate the author, and records that the chain before it passed.

    Args:
      trusted: domains, A-labels. author, organization: the domain in From, and its organizational domain.
    """
    if result.status is not ARCStatus.PASS or not result.author_signed or result.sealers[-1] not in trusted:
        return None
    newest: SealedResults | None = None
    for instance in range(result.instances, 0, -1):
        sealer = result.sealers[instance - 1]
        if sealer not in trusted:
            break
        try:
            recorded = parse(result.statements[instance - 1])
        except AuthResultsError:
            break
        found = SealedResults(instance, sealer, _proves(recorded, author, organization), _signers(recorded))
        if found.proven:
            return found
        newest = newest or found
        if not any(method.name.lower() == "arc" and method.result.lower() == "pass" for method in recorded.methods):
            break
    return newest or SealedResults(result.instances, result.sealers[-1], proven=False)


def _proves(recorded: AuthResults, author: str, organization: str) -> bool:
    """Whether DMARC passed for the author, or SPF or a signature for a domain of its organization."""
    for method in recorded.methods:
        if method.result.lower() != "pass":
            continue
        match method.name.lower():
            case "dmarc":
                if _domain(method, "header", "from") == author:
                    return True
            case "dkim":
                if _within(_domain(method, "header", "d"), organization):
                    return True
            case "spf":
                if _within(_domain(method, "smtp", "mailfrom"), organization):
                    return True
    return False


def _signers(recorded: AuthResults) -> tuple[str, ...]:
    passed = [
        method for method in recorded.methods if method.name.lower() == "dkim" and method.result.lower() == "pass"
    ]
    domains = dict.fromkeys(domain for method in passed if (domain := _domain(method, "header", "d")))
    return tuple(domains)[:MAX_SIGNERS]


def _domain(method: Method, kind: str, name: str) -> str:
    """The domain in a property of a result, "" without one."""
    for prop in method.properties:
        if prop.kind.lower() == kind and prop.name.lower() == name:
            return prop.value.rpartition("@")[2].lower().rstrip(".")
    return ""


def _within(domain: str, organization: str) -> bool:
    return bool(organization) and (domain == organization or domain.endswith(f".{organization}"))
