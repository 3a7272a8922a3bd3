"""A resolver that validates answers by itself where the DNS servers do not, or are not trusted to (AUTH-123)."""

import time
from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from moxlite.net.dns.client import DNSResolver
from moxlite.net.dns.wire import NXDOMAIN
from moxlite.net.resolver import Answer, DNSError, NotFound, PermError, Record, RecordType, Resolver, Silence, TempError

if TYPE_CHECKING:
    from moxlite.net.dnssec.chain import Anchors, Verdict, Zones

QUERIES: Final = 40
"""Queries for one answer (AUTH-123). A name of six labels in a zone of its own needs at most fourteen."""

SECONDS: Final = 20.0
"""Seconds for one answer."""

AT_ONCE: Final = 8
"""Threads that validate at the same time."""

BOGUS: Final = 6
"""Extended error "DNSSEC Bogus" (RFC 8914 §4.7)."""


class ValidatingResolver(Resolver):
    """Looks names up by `plain`, and validates each answer whose AD bit is missing or not trusted.

    A wrong signature is a TempError with the reason, as from a resolver that validates. If the servers leave signatures
    out, the answer of `plain` stays, not authentic.

    Args:
      plain: its servers are asked for signatures, too. Mail uses it alone.
      anchors: trusted keys; None for the keys of the root.
    """

    def __init__(self, plain: DNSResolver, *, anchors: "Anchors | None" = None) -> None:
        self.plain = plain
        self._anchors = anchors
        self._zones: Zones = {}
        self._limit = trio.CapacityLimiter(AT_ONCE)

    async def lookup(self, name: str, kind: RecordType) -> Answer[Record]:
        outcome: Answer[Record] | DNSError
        try:
            outcome = await self.plain.lookup(name, kind)
        except DNSError as error:
            outcome = error
        silent = isinstance(outcome, TempError) and not outcome.dnssec
        if not (outcome.authentic or silent or isinstance(outcome, PermError) or name.lower() == "localhost."):
            outcome = _judged(outcome, await self.verdict(name, kind), name, kind)
        if isinstance(outcome, Answer):
            return outcome
        raise outcome

    async def silence(self, name: str) -> Silence:
        return await self.plain.silence(name)

    async def verdict(self, name: str, kind: RecordType) -> "Verdict":
        """Validate the answer to a question, whatever the servers say about it."""
        return await trio.to_thread.run_sync(
            partial(self._validate, name, kind), limiter=self._limit, abandon_on_cancel=True
        )

    async def can_validate(self) -> bool:
        """Whether the servers pass on what a validation needs."""
        from moxlite.net.dnssec.chain import Status

        return (await self.verdict(".", RecordType.NS)).status is not Status.INDETERMINATE

    def _validate(self, name: str, kind: RecordType) -> "Verdict":
        from moxlite.net.dnssec.chain import ROOT, ResolverClient, validate

        ask = ResolverClient(self.plain.servers, queries=QUERIES, deadline=time.monotonic() + SECONDS)
        return validate(ask, name, kind, anchors=ROOT if self._anchors is None else self._anchors, zones=self._zones)


def validating(resolver: Resolver) -> Resolver:
    """`resolver` with validation. One that asks no servers, but has a table, stays as it is."""
    return ValidatingResolver(resolver) if isinstance(resolver, DNSResolver) else resolver


def _judged(
    outcome: Answer[Record] | DNSError, verdict: "Verdict", name: str, kind: RecordType
) -> Answer[Record] | DNSError:
    """The outcome of a look-up after its validation."""
    if verdict.status == "bogus":
        return TempError(f"DNSSEC validation failed for {name} {kind}: {verdict.problem}", code=BOGUS, dnssec=True)
    if verdict.response is None:
        return outcome
    if isinstance(outcome, TempError):
        text = f"{outcome}; its signatures are valid, so check the DNS server's clock"
        return TempError(text, code=outcome.code, dnssec=True, outside=outcome.outside)
    response = verdict.response
    if response.records:
        return Answer(response.records, True, response.ttl, response.name, response.chain)
    return NotFound(
        f"no {kind} records found for {response.name}",
        authentic=True,
        ttl=response.ttl,
        nonexistent=response.rcode == NXDOMAIN,
        name=response.name,
        chain=response.chain,
    )
