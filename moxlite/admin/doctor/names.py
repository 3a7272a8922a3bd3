"""DNS of all domains: the results of ``config dnscheck`` as findings (ADMIN-48)."""

from typing import Final

import trio

from moxlite.admin.dns import check as dns
from moxlite.admin.dns.report import Report
from moxlite.admin.doctor.examination import Examination
from moxlite.admin.doctor.findings import Finding, Grade
from moxlite.net.dnssec.resolver import validating
from moxlite.net.resolver import DNSError, absolute
from moxlite.proto.address import Domain

AT_ONCE: Final = 4
"""Domains checked at a time; each makes about sixty queries."""

MAX_COMMANDS: Final = 8
"""Instructions that a finding repeats; ``dnscheck`` prints all."""


async def check_servers(examination: Examination) -> list[Finding]:
    """Check that the DNS servers answer."""
    hostname = examination.snapshot.static.hostname
    report = await dns.check_servers(examination.resolver, hostname)
    see = tuple(report.instructions)
    graded: tuple[tuple[Grade, list[str]], ...] = (("error", report.errors), ("warning", report.warnings))
    return [
        Finding(grade=grade, code="dns-server", about="DNS", text=text, commands=see)
        for grade, texts in graded
        for text in texts
    ]


async def check_families(examination: Examination) -> list[Finding]:
    """Check that the hostname has an IPv4 address: many mail servers have no other."""
    if not examination.names:
        return []
    hostname = examination.snapshot.static.hostname
    try:
        addresses = (await examination.resolver.ips(absolute(hostname.ascii))).records
    except DNSError:
        return []  # the topics of the domains say so
    if not addresses or any(one.version == 4 for one in addresses):
        return []
    text = f"{hostname} has IPv6 addresses alone: mail servers that have only IPv4, as many have, do not reach it"
    todo = "an A record, for an IPv4 address of this machine or of a host that passes port 25 on: docs/home-server.md"
    return [Finding(grade="warning", code="ipv6-only", about=str(hostname), text=text, commands=(todo,))]


async def check_names(examination: Examination) -> list[Finding]:
    """Check each topic of each enabled domain."""
    if not examination.names:
        return []
    found: list[Finding] = []
    limit = trio.CapacityLimiter(AT_ONCE)
    snapshot = examination.snapshot
    resolver = validating(examination.resolver)  # one for all, as they share the zones above them

    async def check(domain: Domain) -> None:
        settings = snapshot.domain(domain)
        assert settings is not None
        async with limit:
            reports = await dns.check_domain(
                snapshot,
                domain,
                settings,
                resolver,
                examination.network,
                served=examination.running is not None,
                held=examination.held,
            )
        for topic, report in reports.items():
            found.extend(_of(str(domain), topic, report))

    async with trio.open_nursery() as nursery:
        for name, settings in snapshot.domains.domains.items():
            if not settings.disabled:
                nursery.start_soon(check, Domain.parse(name))
    return found


def _of(domain: str, topic: str, report: Report) -> list[Finding]:
    about = f"{domain} {topic}"
    see = tuple(report.instructions[:MAX_COMMANDS]) or (f"moxlite config dnscheck {domain}",)

    def find(grade: Grade, text: str, commands: tuple[str, ...]) -> Finding:
        return Finding(grade=grade, code="dns", about=about, text=f"{about}: {text}", commands=commands)

    found = [find("error", text, see) for text in report.errors]
    found += [find("warning", text, see) for text in report.warnings]
    return found or [find("note", text, ()) for text in report.instructions]
