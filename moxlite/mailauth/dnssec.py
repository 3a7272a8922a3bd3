"""Whether the resolver verifies DNSSEC, and its word is believed (AUTH-10): without that there is no DANE."""

import logging
from enum import StrEnum
from typing import Final

import msgspec
import trio

from moxlite.metrics import Gauge
from moxlite.net.resolver import DNSError, NotFound, Resolver

__all__ = ["ADVICE", "SelfCheck", "Verifies", "check_resolver", "watch_resolver"]

logger = logging.getLogger("moxlite.mailauth.dnssec")

SIGNED: Final = "com."
"""A zone that is signed, whatever the own domains are. Not the root: some resolvers leave out the AD bit there."""

SECONDS: Final = 20.0
"""For the question: two rounds over two servers, of 5 s each."""

AGAIN: Final = 3600.0
"""Seconds until the next question: an owner who installs a resolver sees the gauge change within the hour."""

SOON: Final = 60.0
"""Seconds until the next question where DNS failed: a machine that boots may have no network yet."""

ADVICE: Final = (
    "install a verifying resolver on this machine (apt-get install unbound; from 1.16 on it also tells why an answer "
    "does not verify, with `ede: yes`) and put `nameserver 127.0.0.1` into /etc/resolv.conf; one on another machine, "
    "over a network that is safe, is believed with `options trust-ad` there"
)

authentic_resolver: Final = Gauge(
    "moxlite_dns_authentic_resolver",
    "1 where the resolver verifies DNSSEC and its word is believed, else 0; -1 while that is not known.",
)
authentic_resolver.set(-1)


class Verifies(StrEnum):
    """What the self-check has found."""

    OK = "ok"
    UNVERIFIED = "unverified"
    """It does not verify, or its word for it is not believed."""
    ERROR = "error"
    """It did not answer."""


VALUES: Final = {Verifies.OK: 1.0, Verifies.UNVERIFIED: 0.0, Verifies.ERROR: -1.0}
"""Of the gauge."""


class SelfCheck(msgspec.Struct, frozen=True):
    """`problem`: one line, "" for OK."""

    status: Verifies
    problem: str = ""


async def check_resolver(resolver: Resolver) -> SelfCheck:
    """Ask for the name servers of a zone that is signed."""
    with trio.move_on_after(SECONDS):
        try:
            authentic = (await resolver.ns(SIGNED)).authentic
        except NotFound as error:  # proven or not, as an answer is
            authentic = error.authentic
        except DNSError as error:
            return _unknown(f"look-up of {SIGNED} NS: {error}")
        if authentic:
            return SelfCheck(Verifies.OK)
        return SelfCheck(Verifies.UNVERIFIED, "the resolver does not verify DNSSEC, or its word for it is not believed")
    return _unknown(f"it is silent for {SECONDS:.0f} s")


def _unknown(problem: str) -> SelfCheck:
    return SelfCheck(Verifies.ERROR, f"whether the resolver verifies DNSSEC is not known: {problem}")


async def watch_resolver(resolver: Resolver) -> None:
    """Check at once and then each hour, for ever: the gauge is set, and a change is logged."""
    last: SelfCheck | None = None
    while True:
        found = await check_resolver(resolver)
        authentic_resolver.set(VALUES[found.status])
        if last is None or found.status is not last.status:
            _tell(found)
        last = found
        await trio.sleep(SOON if found.status is Verifies.ERROR else AGAIN)


def _tell(found: SelfCheck) -> None:
    match found.status:
        case Verifies.OK:
            logger.info("the resolver verifies DNSSEC")
        case Verifies.UNVERIFIED:
            logger.warning("DNSSEC is not verified, DANE is off", extra={"kv": {"cause": found.problem, "do": ADVICE}})
        case Verifies.ERROR:
            logger.warning("DNSSEC is not verified for now, DANE is off", extra={"kv": {"cause": found.problem}})
