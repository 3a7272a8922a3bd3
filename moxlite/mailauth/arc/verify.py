"""Validation of the ARC chain of a message (RFC 8617 §5.2; AUTH-110).

Theory of operation
-------------------
1. The syntax of all sets is checked. An error ends the validation without a DNS query.
2. The keys of the newest set are looked up. Its seal, and its signature over the message, must verify.
3. Only then are the keys of the other sets looked up. Each seal must verify. The signatures of older sets show how far
   back the message is unchanged; that they fail is usual and does not make the chain fail.

Hashing runs in a thread, and the body is read once.
"""

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final

import trio

from moxlite.mailauth.arc.chain import ARCSet, ChainError, Seal, canonical, read_chain
from moxlite.mailauth.dkim.canonical import BodyHash, hash_body
from moxlite.mailauth.dkim.keylookup import KeyAnswer, look_up
from moxlite.mailauth.dkim.keyrecord import KeyRecord, is_signed
from moxlite.mailauth.dkim.message import Message, SignedFields
from moxlite.mailauth.dkim.signature import Signature
from moxlite.mailauth.results import ARCResult, ARCStatus, SignatureStatus
from moxlite.net.resolver import Resolver

HEADER_ON_LOOP: Final = 16 << 10
"""Octets of a header section whose sets are read on the event loop: half a millisecond."""


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
        short = len(message.section.octets) <= HEADER_ON_LOOP
        sets = read() if short else await trio.to_thread.run_sync(read)
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
    return {name for one in sets for name in (one.seal.key_name, one.signature.key_name)}


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
        self._canonical = [canonical(one) for one in sets]
        self._bodies: Mapping[BodyHash, bytes] = {}
        self.answers: dict[str, KeyAnswer] = {}

    def result(self, status: ARCStatus, problem: str, oldest_pass: int = 0) -> ARCResult:
        return ARCResult(
            status=status,
            problem=problem,
            oldest_pass=oldest_pass,
            instances=len(self._sets),
            sealers=tuple(one.seal.domain.ascii for one in self._sets),
            statements=tuple(one.results for one in self._sets),
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
        wanted: set[BodyHash] = {(one.signature.body, one.signature.hash) for one in self._sets}
        self._bodies = hash_body(self._message.body(), wanted)
        if not self._body_matches(newest.signature):
            raise _Failed(f"set {newest.instance}: body hash does not match")

    def check_all(self) -> int:
        """Verify all older seals, then find the oldest set since which the message is unchanged (§5.2 step 4).

        Returns:
          The number of the oldest set such that its signature and all later signatures verify; 0 if all verify.

        Raises _Failed.
        """
        for at in range(len(self._sets) - 2, -1, -1):
            self._check_seal(at)
        for one in reversed(self._sets[:-1]):
            if self._header_problem(one) or not self._body_matches(one.signature):
                return one.instance + 1
        return 0

    def _check_seal(self, at: int) -> None:
        one = self._sets[at]
        record = self._key(one, one.seal)
        digest = sealed_digest([*self._canonical[:at], self._canonical[at][:2]], one.unsigned_seal())
        if not is_signed(record.key, one.seal.hash, one.seal.value, digest):
            raise _Failed(f"set {one.instance}: seal does not match")

    def _header_problem(self, one: ARCSet) -> str:
        """Why the signature over the header fails, "" if it verifies. Raises _Failed if the newest set has no key."""
        signature = one.signature
        try:
            record = self._key(one, signature)
        except _Failed as failed:
            if one is self._sets[-1]:
                raise
            return str(failed)
        digest = hashlib.sha256()
        for field in self._fields.choose(signature.names, signature.header):
            digest.update(field)
        digest.update(signature.unsigned())
        if is_signed(record.key, signature.hash, signature.value, digest.digest()):
            return ""
        return "signature does not match the header"

    def _body_matches(self, signature: Signature) -> bool:
        return self._bodies[signature.body, signature.hash] == signature.body_hash

    def _key(self, one: ARCSet, signed: Seal | Signature) -> KeyRecord:
        """The key of a seal or signature. Raises _Failed."""
        answer = self.answers[signed.key_name]
        record = answer.record
        if record is None:
            temporary = answer.status is SignatureStatus.TEMPERROR
            raise _Failed(f"set {one.instance}: {answer.problem}", ARCStatus.TEMPERROR if temporary else ARCStatus.FAIL)
        if record.algorithm != signed.algorithm:
            raise _Failed(f"set {one.instance}: key is of another kind")
        if record.hashes is not None and signed.hash not in record.hashes:
            raise _Failed(f"set {one.instance}: key does not permit the hash")
        if not record.permits("email"):
            raise _Failed(f"set {one.instance}: key is not for email")
        return record
