"""DNS block lists (RFC 5782): whether a list has an address, and health checks of lists (AUTH-61, AUTH-62)."""

import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, ip_address
from typing import Final

import msgspec
import trio

from moxlite.net.limits import IPAddress, unmap
from moxlite.net.resolver import DNSError, NotFound, Resolver, absolute

SECONDS: Final = 30.0
"""Seconds for the look-ups in one zone (SMTP-94)."""

HEALTH_SECONDS: Final = 4 * 3600.0
"""Seconds for which the result of a zone's health check is kept (AUTH-62)."""

MAX_EXPLANATION: Final = 200
"""Maximum characters of a stored explanation."""

_LISTED: Final = IPv4Network("127.0.0.0/8")
_BLOCKED: Final = IPv4Network("127.255.255.0/24")
"""Answers of large lists to resolvers that they do not serve; they do not list the address."""


class DNSBLStatus(StrEnum):
    """Result of a query to a list."""

    PASS = "pass"  # noqa: S105 - a result
    FAIL = "fail"
    """The address is listed."""
    TEMPERROR = "temperror"


class DNSBLResult(msgspec.Struct, frozen=True, kw_only=True):
    """Result for one address and list. `explanation`: the list's text about a listed address; `problem`: our text."""

    status: DNSBLStatus
    zone: str
    explanation: str = ""
    problem: str = ""


async def check(resolver: Resolver, zone: str, ip: IPAddress, codes: Sequence[IPAddress] = ()) -> DNSBLResult:
    """Query a list for an address.

    Args:
      codes: the answers that count as listed; all of 127.0.0.0/8 but 127.255.255.0/24 by default.

    Addresses that are not global, such as private ones, pass without a query.
    """
    ip = unmap(ip)
    if not ip.is_global:
        await trio.lowlevel.checkpoint()
        return DNSBLResult(status=DNSBLStatus.PASS, zone=zone, problem="not a public address")
    with trio.move_on_after(SECONDS):
        return await _check(resolver, zone, ip, codes)
    return DNSBLResult(status=DNSBLStatus.TEMPERROR, zone=zone, problem="DNS lookup timed out")


async def _check(resolver: Resolver, zone: str, ip: IPAddress, codes: Sequence[IPAddress]) -> DNSBLResult:
    name = _name(zone, ip)
    try:
        answers = (await resolver.ips(name, 4)).records
    except NotFound:
        return DNSBLResult(status=DNSBLStatus.PASS, zone=zone)
    except DNSError as error:
        return DNSBLResult(status=DNSBLStatus.TEMPERROR, zone=zone, problem=str(error))
    if not any(_means_listed(answer, codes) for answer in answers):
        odd = [str(answer) for answer in answers if answer not in _LISTED or answer in _BLOCKED]
        if odd:
            return DNSBLResult(
                status=DNSBLStatus.TEMPERROR,
                zone=zone,
                problem=f"the list returned {odd[0]}, so it doesn't serve this server",
            )
        return DNSBLResult(status=DNSBLStatus.PASS, zone=zone)
    explanation = ""
    try:
        explanation = " ".join((await resolver.txt(name)).records)
    except DNSError:
        pass
    explanation = "".join(char for char in explanation if " " <= char <= "~")[:MAX_EXPLANATION]
    return DNSBLResult(status=DNSBLStatus.FAIL, zone=zone, explanation=explanation)


def _means_listed(answer: IPAddress, codes: Sequence[IPAddress]) -> bool:
    if codes:
        return answer in codes
    return answer in _LISTED and answer not in _BLOCKED


def _name(zone: str, ip: IPAddress) -> str:
    reverse = ip.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
    return absolute(f"{reverse}.{zone}")


async def healthy(resolver: Resolver, zone: str) -> str:
    """Return the problem of a list, "" if it works: it must have 127.0.0.2, and not 127.0.0.1 (RFC 5782 §5).

    A DNS error does not count as a problem of the list.
    """
    with trio.move_on_after(SECONDS):
        listed = await _check(resolver, zone, ip_address("127.0.0.2"), ())
        if listed.status is DNSBLStatus.PASS:
            return "127.0.0.2 isn't listed, but it must be"
        if "doesn't serve this server" in listed.problem:
            return listed.problem
        unlisted = await _check(resolver, zone, IPv4Address("127.0.0.1"), ())
        if unlisted.status is DNSBLStatus.FAIL:
            return "127.0.0.1 is listed, so all addresses are"
    return ""


class Health:
    """Health of lists, cached for `HEALTH_SECONDS`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[str, tuple[float, str]] = {}  # bounded by the zones of the configuration

    async def problem(self, resolver: Resolver, zone: str) -> str:
        """Return the problem of a list, "" if it works, from the cache or by `healthy`."""
        known = self._known.get(zone)
        if known is None or self._clock() - known[0] > HEALTH_SECONDS:
            known = self._known[zone] = (self._clock(), await healthy(resolver, zone))
        return known[1]
