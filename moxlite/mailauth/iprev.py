"""iprev: forward-confirmed reverse DNS of an address (RFC 8601 §2.7.3, AUTH-60)."""

from typing import Final

import trio

from moxlite.mailauth.results import IPRevResult, IPRevStatus
from moxlite.net.limits import IPAddress, unmap
from moxlite.net.resolver import DNSError, NotFound, Resolver, absolute

MAX_NAMES: Final = 10
"""Number of PTR names of an address that are tried."""

SECONDS: Final = 60.0
"""Seconds for all look-ups of one check (AUTH-13)."""


async def check(resolver: Resolver, ip: IPAddress) -> IPRevResult:
    """Find the first PTR name of the address that resolves to it, within `SECONDS`. DNS errors are in the result."""
    with trio.move_on_after(SECONDS):
        return await find_name(resolver, unmap(ip))
    return IPRevResult(status=IPRevStatus.TEMPERROR, problem="DNS lookup timed out")


async def find_name(resolver: Resolver, ip: IPAddress) -> IPRevResult:
    """As `check`, without a limit of time, for an address that is not IPv4-mapped."""
    try:
        answer = await resolver.ptr(ip)
    except NotFound as error:
        return IPRevResult(status=IPRevStatus.PERMERROR, problem="no name", authentic=error.authentic)
    except DNSError as error:
        return IPRevResult(status=IPRevStatus.TEMPERROR, problem=str(error))
    names = tuple(name.removesuffix(".") for name in answer.records[:MAX_NAMES])
    # The address's owner chooses these names, so they prove nothing until the owner of a name points back.
    authentic, failure = answer.authentic, ""
    for name in names:
        try:
            found = await resolver.ips(absolute(name), 4 if ip.version == 4 else 6)
        except NotFound as error:
            authentic = authentic and error.authentic
        except DNSError as error:
            failure = failure or str(error)
        else:
            if ip in found.records:
                authentic = answer.authentic and found.authentic
                return IPRevResult(status=IPRevStatus.PASS, name=name, names=names, authentic=authentic)
            authentic = authentic and found.authentic
    if failure:
        return IPRevResult(status=IPRevStatus.TEMPERROR, names=names, problem=failure)
    return IPRevResult(
        status=IPRevStatus.FAIL, names=names, problem="no name resolves back to the address", authentic=authentic
    )
