"""``moxlite config dnscheck``: all topics at once, within 30 seconds, without an exception whatever DNS answers
(ADMIN-48, 67).
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Final

import trio

from moxlite.admin.dns import clients, dane, senders, transport
from moxlite.admin.dns.network import Network
from moxlite.admin.dns.report import Case, Report
from moxlite.admin.dns.wanted import HeldKeys, own_ips, read_keys, socks_ips, wanted_records
from moxlite.admin.offer import offer_for
from moxlite.config.domains import DomainConfig
from moxlite.config.snapshot import Snapshot
from moxlite.net.resolver import DNSError, Resolver
from moxlite.proto.address import Domain

logger = logging.getLogger("moxlite.admin.dns")

SECONDS: Final = 30.0
"""Seconds for all topics together."""

TOPICS: Final[Mapping[str, Callable[[Case], Awaitable[Report]]]] = {
    "dnssec": transport.check_dnssec,
    "iprev": transport.check_iprev,
    "mx": transport.check_mx,
    "tls": transport.check_tls,
    "dane": dane.check_dane,
    "spf": senders.check_spf,
    "dkim": senders.check_dkim,
    "dmarc": senders.check_dmarc,
    "host-tlsrpt": senders.check_host_tlsrpt,
    "tlsrpt": senders.check_tlsrpt,
    "mtasts": transport.check_mtasts,
    "srv": clients.check_srv,
    "autoconfig": clients.check_autoconfig,
    "autodiscover": clients.check_autodiscover,
    "pacc": clients.check_pacc,
    "client-settings": clients.check_client_settings,
}


async def check_servers(resolver: Resolver, host: Domain) -> Report:
    """Report whether the DNS servers answer. If none does, no topic can be checked: an error, after one time-out.

    Args:
      host: a name that should exist.
    """
    silence = await resolver.silence(f"{host.ascii}.")
    if not silence.servers:
        return Report()
    several = len(silence.servers) > 1
    text = f"DNS server{'s' * several} {', '.join(map(str, silence.servers))} {'do' if several else 'does'} not answer"
    mend = f"mend {silence.file}" if silence.file else "correct the address: dns.servers in moxlite.toml, or --resolver"
    if any(ip.is_loopback for ip in silence.servers):
        mend += "; is a resolver such as unbound running on this machine?"
    report = Report(instructions=[mend])
    (report.errors if silence.all else report.warnings).append(text)
    return report


async def is_signed(resolver: Resolver, host: Domain) -> bool:
    """Whether DNSSEC verifies the answers about a host, including an answer that it does not exist."""
    with trio.move_on_after(SECONDS):
        try:
            return (await resolver.ips(f"{host.ascii}.")).authentic
        except DNSError as error:
            return error.authentic
    return False


async def check_domain(
    snapshot: Snapshot,
    domain: Domain,
    settings: DomainConfig,
    resolver: Resolver,
    network: Network,
    *,
    served: bool,
    held: HeldKeys | None = None,
    topics: Collection[str] = tuple(TOPICS),
) -> dict[str, Report]:
    """Check the DNS records and the services of a domain; a report for each topic.

    Args:
      served: the server runs.
      held: keys that this process has already, which are not read from files.
      topics: the topics to check.
    """
    keys = await trio.to_thread.run_sync(read_keys, snapshot, domain, held)
    case = Case(
        snapshot=snapshot,
        domain=domain,
        settings=settings,
        host=offer_for(snapshot, domain).host,
        keys=keys,
        wanted=wanted_records(snapshot, domain, settings, keys),
        ips=own_ips(snapshot),
        socks=socks_ips(snapshot),
        served=served,
        resolver=resolver,
        network=network,
    )
    late = f"the check did not end within {SECONDS:.0f} s"
    reports = {name: Report(errors=[late]) for name in TOPICS if name in topics}

    async def run(name: str, topic: Callable[[Case], Awaitable[Report]]) -> None:
        try:
            reports[name] = await topic(case)
        except Exception as error:  # one topic's crash becomes an entry of its report, and the others go on (ADMIN-67)
            logger.exception("a DNS check failed", extra={"kv": {"topic": name, "domain": domain.ascii}})
            reports[name] = Report(errors=[f"the check failed: {type(error).__name__}: {error}"])

    with trio.move_on_after(SECONDS):
        async with trio.open_nursery() as nursery:
            for name in reports:
                nursery.start_soon(run, name, TOPICS[name])
    return reports
