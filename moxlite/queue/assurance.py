"""Look-up of how well mail to a domain would be protected: DNSSEC, DANE and MTA-STS (WEBMAIL-94)."""

from random import Random
from typing import Final

import trio

from moxlite.mailauth import dane
from moxlite.net.resolver import DNSError, NotFound, Resolver, absolute
from moxlite.proto.address import Domain
from moxlite.queue.hosts.hosts import NoHosts, hosts_of
from moxlite.queue.tls.policies import Policies
from moxlite.submission.assurance import Assurance, Finding

SECONDS: Final = 15.0
"""Seconds for all look-ups together: the user who writes waits for the result."""


async def assurance_of(domain: Domain, resolver: Resolver, policies: Policies, random: Random) -> Assurance:
    """Look up the MTA-STS policy and the hosts concurrently. Raises nothing; errors are in the result."""
    mtasts: Finding = "error"
    dnssec: Finding = "error"
    tlsa: Finding = "error"

    async def ask_policy() -> None:
        nonlocal mtasts
        standing = await policies.find(domain)
        if standing.policy is not None:
            mtasts = "yes" if standing.policy.mode == "enforce" else "no"
        elif standing.failure is None and not standing.unknown:
            mtasts = "no"

    async def ask_hosts() -> None:
        nonlocal dnssec, tlsa
        try:
            hosts = await hosts_of(domain, resolver, random)
            dnssec = "yes" if hosts.authentic else "no"
            tlsa = await _dane(hosts.names[0], resolver) if hosts.authentic else "no"
        except NoHosts:
            return

    with trio.move_on_after(SECONDS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask_policy)
            nursery.start_soon(ask_hosts)
    return Assurance(mtasts, dnssec, tlsa)


async def _dane(host: str, resolver: Resolver) -> Finding:
    try:
        addresses = await resolver.ips(absolute(host))
        records = await dane.find(resolver, host, addresses)
    except NotFound:
        return "no"
    except DNSError:
        return "error"
    return "yes" if records is not None and records.usable else "no"
