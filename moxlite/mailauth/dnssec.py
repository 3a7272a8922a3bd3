"""Self-check whether the resolver validates DNSSEC and its AD bit is trusted (AUTH-10). DANE needs both."""

import logging
from enum import StrEnum
from typing import Final

import msgspec
import trio

from moxlite.metrics import Gauge
from moxlite.net.resolver import DNSError, NotFound, Resolver

logger = logging.getLogger("moxlite.mailauth.dnssec")

SIGNED: Final = "com."
"""A signed zone for the query. Not the root: some resolvers leave out the AD bit there."""

SECONDS: Final = 20.0
"""Seconds for the query: two rounds over two servers, of 5 s each."""

AGAIN: Final = 3600.0
"""Seconds until the next check: after installing a resolver, the owner sees the gauge change within an hour."""

SOON: Final = 60.0
"""Seconds until the next check if DNS failed: a machine that boots may have no network yet."""

ADVICE: Final = "mail works without this. To also use DANE, run `moxlite help docs/dns.md#dnssec`"

authentic_resolver: Final = Gauge(
    "moxlite_dns_authentic_resolver",
    "1 if a trusted resolver validates DNSSEC, 0 if not, -1 if unknown.",
)
authentic_resolver.set(-1)


class Verifies(StrEnum):
    """Result of the check whether the resolver verifies DNSSEC."""

    OK = "ok"
    UNVERIFIED = "unverified"
    """The resolver does not validate DNSSEC, or its AD bit is not trusted."""
    ERROR = "error"
    """The resolver did not answer, or with an error."""


VALUES: Final = {Verifies.OK: 1.0, Verifies.UNVERIFIED: 0.0, Verifies.ERROR: -1.0}
"""Values of the gauge."""


class SelfCheck(msgspec.Struct, frozen=True):
    """Result of a check. `problem`: one line, "" for OK."""

    status: Verifies
    problem: str = ""


async def check_resolver(resolver: Resolver) -> SelfCheck:
    """Look up the name servers of a signed zone and check whether the answer is authentic."""
    with trio.move_on_after(SECONDS):
        try:
            authentic = (await resolver.ns(SIGNED)).authentic
        except NotFound as error:  # a negative answer may be authentic, too
            authentic = error.authentic
        except DNSError as error:
            return _unknown(f"couldn't look up {SIGNED} NS: {error}")
        if authentic:
            return SelfCheck(Verifies.OK)
        return SelfCheck(Verifies.UNVERIFIED, "the resolver doesn't validate DNSSEC, or isn't trusted to")
    return _unknown(f"no response within {SECONDS:.0f} s")


def _unknown(problem: str) -> SelfCheck:
    return SelfCheck(Verifies.ERROR, f"couldn't check if the resolver validates DNSSEC: {problem}")


async def watch_resolver(resolver: Resolver) -> None:
    """Check at once and then hourly, for ever. Sets the gauge and logs changes."""
    last: SelfCheck | None = None
    while True:
        self_check = await check_resolver(resolver)
        authentic_resolver.set(VALUES[self_check.status])
        if last is None or self_check.status is not last.status:
            _tell(self_check, lost=last is not None and last.status is Verifies.OK)
        last = self_check
        await trio.sleep(SOON if self_check.status is Verifies.ERROR else AGAIN)


def _tell(self_check: SelfCheck, *, lost: bool) -> None:
    """Log a change. A resolver that never validated is no fault: DANE is optional. lost: it did before."""
    match self_check.status:
        case Verifies.OK:
            logger.info("resolver validates DNSSEC")
        case Verifies.UNVERIFIED:
            kv = {"cause": self_check.problem, "do": ADVICE}
            level = logging.WARNING if lost else logging.INFO
            logger.log(level, "DNSSEC not validated, DANE is off", extra={"kv": kv})
        case Verifies.ERROR:
            logger.warning("DNSSEC currently not validated, DANE is off", extra={"kv": {"cause": self_check.problem}})
