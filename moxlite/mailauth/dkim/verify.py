"""Verification of the DKIM signatures of a message (AUTH-30..40).

Theory of operation
-------------------
1. All signatures are parsed. A signature that is malformed, or ignored by policy, gets its result without a DNS query.
2. The keys of the others are looked up: at most ten, keys of the author's organization first, five at a time.
3. The header fields are hashed and the signatures over them verified. They cover the hash of the body, so the body is
   not read for a signature that fails here.
4. The body is read once for all hashes that are needed.

Steps 3 and 4 run in a thread if the message is long.
"""

import hashlib
import time
from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import Final, Literal

import msgspec
import trio

from moxlite.mailauth.dkim.keyrecord import KeyAnswer, KeyRecord, is_signed, look_up
from moxlite.mailauth.dkim.message import BodyHash, Message, SignedFields, hash_body
from moxlite.mailauth.dkim.signature import Signature, SignatureError, parse_signature, reads_fast
from moxlite.mailauth.results import DKIMResult, SignatureStatus
from moxlite.net.resolver import Resolver
from moxlite.proto import publicsuffix
from moxlite.proto.address import AddressError, Domain
from moxlite.proto.mime.envelope import RawAddress, decode_address, parse_addresses
from moxlite.proto.mime.headers import Field, HeaderSection

Service = Literal["email", "tlsrpt"]
"""Service type that a key must permit (RFC 6376 §3.6.1, RFC 8460 §3)."""

MAX_READ: Final = 50
"""Number of signatures of a message that are parsed; forwarded mail has about five."""

MAX_EVALUATED: Final = 10
"""Number of signatures of a message whose keys are looked up (AUTH-30)."""

MAX_AUTHORS: Final = 50
"""Addresses in From whose signatures are checked first (AUTH-30). Finding a domain's organization takes 30 µs."""

MATHS_ON_LOOP: Final = 4
"""Number of signatures that are verified on the event loop, 0.1 ms each."""


class _Candidate(msgspec.Struct):
    """A signature whose key is to be looked up."""

    at: int
    signature: Signature
    record: KeyRecord | None = None
    authentic: bool = False


async def verify(
    resolver: Resolver,
    message: Message,
    *,
    service: Service = "email",
    allow_sha1: bool = False,
    ignore_test_mode: bool = False,
    now: float | None = None,
) -> list[DKIMResult]:
    """Verify the signatures of a message.

    Args:
      service: the service type that the keys must permit.
      allow_sha1: rsa-sha1 may pass, which RFC 8301 forbids.
      ignore_test_mode: count the failures of a domain that is testing DKIM (t=y).
      now: seconds since 1970; the current time by default.

    Returns:
      One result for each DKIM-Signature, in the order of the header. The result is `policy` for signatures beyond
      MAX_READ, and beyond MAX_EVALUATED key look-ups.

    Raises OSError if reading the body fails; all other errors are in the results.
    """
    fields = message.section.all(b"dkim-signature")
    if not fields:
        return []
    read = partial(_read_all, fields, message.section, time.time() if now is None else now, allow_sha1=allow_sha1)
    short = publicsuffix.loaded() and len(fields) <= MAX_EVALUATED and reads_fast(fields)
    results, candidates = read() if short else await trio.to_thread.run_sync(read)
    answers = await look_up(resolver, {candidate.signature.key_name for candidate in candidates})
    judged: list[_Candidate] = []
    for candidate in candidates:
        answer = answers[candidate.signature.key_name]
        result = _unusable(candidate.signature, answer, service)
        if result is None:
            candidate.record, candidate.authentic = answer.record, answer.authentic
            judged.append(candidate)
        else:
            results[candidate.at] = _tested(result, answer.record, ignore_test_mode)
    judge = partial(_judge, message, judged)
    short = message.is_short and len(judged) <= MATHS_ON_LOOP
    for candidate, result in judge() if short else await trio.to_thread.run_sync(judge):
        results[candidate.at] = _tested(result, candidate.record, ignore_test_mode)
    return [results[at] for at in range(len(fields))]


def _read_all(
    fields: Sequence[Field], section: HeaderSection, now: float, *, allow_sha1: bool
) -> tuple[dict[int, DKIMResult], list[_Candidate]]:
    """Return the results that need no key, by index of the signature, and the signatures that need one."""
    results: dict[int, DKIMResult] = {}
    candidates: list[_Candidate] = []
    for at, field in enumerate(fields):
        if at >= MAX_READ:
            results[at] = DKIMResult(status=SignatureStatus.POLICY, problem="too many signatures")
            continue
        read = _read(field.raw, section, now, allow_sha1=allow_sha1)
        if isinstance(read, DKIMResult):
            results[at] = read
        else:
            candidates.append(_Candidate(at, read))
    for late in _least_wanted(candidates, section):
        candidates.remove(late)
        results[late.at] = _result(late.signature, SignatureStatus.POLICY, "too many signatures")
    return results, candidates


def _read(raw: bytes, section: HeaderSection, now: float, *, allow_sha1: bool) -> Signature | DKIMResult:
    """Parse a signature. Returns its result at once if it fails without its key."""
    try:
        signature = parse_signature(raw)
    except SignatureError as error:
        return DKIMResult(
            status=SignatureStatus.PERMERROR,
            problem=str(error),
            domain=error.domain,
            selector=error.selector,
            algorithm=error.algorithm,
            signature=error.start,
        )
    if section.body is None or section.count(b"") or not section.complete:
        return _result(signature, SignatureStatus.PERMERROR, "malformed header section")  # AUTH-32
    domain = signature.domain.ascii
    if publicsuffix.organizational_domain(f"x.{domain}") == f"x.{domain}":
        return _result(signature, SignatureStatus.PERMERROR, "domain is a public suffix")  # AUTH-35
    if problem := signature.time_problem(now):
        return _result(signature, SignatureStatus.PERMERROR, problem)
    if problem := signature.policy_problem(allow_sha1=allow_sha1):
        return _result(signature, SignatureStatus.POLICY, problem)
    return signature


def _least_wanted(candidates: list[_Candidate], section: HeaderSection) -> list[_Candidate]:
    """The signatures beyond MAX_EVALUATED. Signatures that could align with the author are kept first, so that any
    number of others cannot displace them (AUTH-30).
    """
    if len(candidates) <= MAX_EVALUATED:
        return []
    authors = _author_domains(section)
    ordered = sorted(
        candidates,
        key=lambda candidate: publicsuffix.organizational_domain(candidate.signature.domain.ascii) not in authors,
    )
    return ordered[MAX_EVALUATED:]


def _author_domains(section: HeaderSection) -> frozenset[str]:
    """Organizational domains of the first addresses in From."""
    domains: set[str] = set()
    items = (item for field in section.all(b"from") for item in parse_addresses(field.text, MAX_AUTHORS))
    for item in islice(items, MAX_AUTHORS):
        if isinstance(item, RawAddress):
            try:
                domain = Domain.parse(decode_address(item).domain)
            except AddressError:
                continue
            domains.add(publicsuffix.organizational_domain(domain.ascii))
    return frozenset(domains)


def _unusable(signature: Signature, answer: KeyAnswer, service: Service) -> DKIMResult | None:
    """The result of a signature whose key is missing or does not permit the signature; None if the key is usable."""
    record = answer.record
    if record is None:
        return _result(signature, answer.status, answer.problem, authentic=answer.authentic)
    problem = ""
    if record.algorithm != signature.algorithm:
        problem = "wrong key type"
    elif record.hashes is not None and signature.hash not in record.hashes:
        problem = "key doesn't allow this hash"
    elif not record.permits(service):
        problem = f"key can't be used for {service}"
    elif record.strict and signature.identity_domain != signature.domain:
        problem = "key doesn't allow subdomain identities"
    if not problem:
        return None
    return _result(signature, SignatureStatus.PERMERROR, problem, record, authentic=answer.authentic)


def _judge(message: Message, candidates: list[_Candidate]) -> list[tuple[_Candidate, DKIMResult]]:
    """Verify the header fields, then the body for the signatures that pass. Blocks."""
    fields = SignedFields(message.section)
    passed = {candidate.at for candidate in candidates if _header_passes(fields, candidate)}
    wanted: set[BodyHash] = {(one.signature.body, one.signature.hash) for one in candidates if one.at in passed}
    hashes = hash_body(message.body(), wanted) if wanted else {}
    results: list[tuple[_Candidate, DKIMResult]] = []
    for candidate in candidates:
        signature = candidate.signature
        if candidate.at not in passed:
            status, problem = SignatureStatus.FAIL, "signature doesn't match the header"
        elif hashes[signature.body, signature.hash] != signature.body_hash:
            status, problem = SignatureStatus.FAIL, "body hash doesn't match"
        else:
            status, problem = SignatureStatus.PASS, ""
        results.append(
            (candidate, _result(signature, status, problem, candidate.record, authentic=candidate.authentic))
        )
    return results


def _header_passes(fields: SignedFields, candidate: _Candidate) -> bool:
    signature, record = candidate.signature, candidate.record
    assert record is not None
    digest = hashlib.new(signature.hash, usedforsecurity=False)
    for field in fields.choose(signature.names, signature.header):
        digest.update(field)
    digest.update(signature.unsigned())
    return is_signed(record.key, signature.hash, signature.value, digest.digest())


def _tested(result: DKIMResult, record: KeyRecord | None, ignore_test_mode: bool) -> DKIMResult:
    """Replace a failure of a domain that is testing DKIM by the result `none` (AUTH-38)."""
    if record is None or not record.testing or ignore_test_mode or result.status is SignatureStatus.PASS:
        return result
    return msgspec.structs.replace(result, status=SignatureStatus.NONE, problem=f"test mode: {result.problem}")


def _result(
    signature: Signature,
    status: SignatureStatus,
    problem: str,
    record: KeyRecord | None = None,
    *,
    authentic: bool = False,
) -> DKIMResult:
    return DKIMResult(
        status=status,
        problem=problem,
        domain=signature.domain.ascii,
        selector=signature.selector,
        identity=signature.identity,
        algorithm=f"{signature.algorithm}-{signature.hash}",
        key_bits=0 if record is None else record.bits,
        signature=signature.text[:12],
        authentic=authentic,
        length_limited=signature.length is not None,
        tlsrpt=record is not None and record.permits("tlsrpt"),
    )
