"""All checks at once, within minutes, without an exception whatever is wrong (ADMIN-70)."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
import trio

from moxlite import lazyimport
from moxlite.admin.dns import check as dns
from moxlite.admin.dns.report import Report
from moxlite.admin.doctor import backups, configuration, machine, programs, running, signatures
from moxlite.admin.doctor.examination import Examination
from moxlite.admin.doctor.findings import Finding, Grade, in_order
from moxlite.admin.doctor.requests import Running
from moxlite.config.load import DNS_FOLDER
from moxlite.net.dnssec.resolver import validating
from moxlite.net.resolver import DNSError, absolute
from moxlite.proto.address import Domain

logger = logging.getLogger("moxlite.admin.doctor")

SECONDS: Final = 300.0
"""Seconds for all checks together: 200 domains whose DNS servers are silent take half of it."""

Check = Callable[[Examination], Awaitable[list[Finding]]]


# DNS of all domains: the results of ``config dnscheck`` as findings (ADMIN-48).


async def check_providers(examination: Examination) -> list[Finding]:
    """Check what was published at DNS providers, and the rotation of keys. Where a provider's file says so, changes by
    others to our records are undone in the nightly examination.
    """
    folders = examination.path.absolute().parent / DNS_FOLDER, examination.snapshot.static.data_dir / "acme/hostkeys"
    if not await trio.to_thread.run_sync(lambda: any(folder.exists() for folder in folders)):
        return []
    await lazyimport.load("moxlite.admin.doctor.providers")
    from moxlite.admin.doctor.providers import look_at_domain, look_at_hosts

    findings = await trio.to_thread.run_sync(look_at_hosts, examination)
    for name, settings in examination.snapshot.domains.domains.items():
        if not settings.disabled:
            findings += await trio.to_thread.run_sync(
                look_at_domain, examination, Domain.parse(name), abandon_on_cancel=True
            )
    return findings


async def check_families(examination: Examination) -> list[Finding]:
    """Check that the hostname has an IPv4 address: many mail servers have no other."""
    if not examination.names:
        return []
    hostname = examination.snapshot.static.hostname
    try:
        addresses = (await examination.resolver.ips(absolute(hostname.ascii))).records
    except DNSError:
        return []  # the topics of the domains say so
    if not addresses or any(address.version == 4 for address in addresses):
        return []
    text = f"{hostname} has IPv6 addresses alone: mail servers that have only IPv4, as many have, do not reach it"
    todo = "an A record, for an IPv4 address of this machine or of a host that passes port 25 on: docs/home-server.md"
    return [Finding(grade="warning", code="ipv6-only", about=str(hostname), text=text, commands=(todo,))]


async def check_names(examination: Examination) -> list[Finding]:
    """Check each topic of each enabled domain."""
    if not examination.names:
        return []
    findings: list[Finding] = []
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
            findings.extend(_of(str(domain), topic, report))

    async with trio.open_nursery() as nursery:
        for name, settings in snapshot.domains.domains.items():
            if not settings.disabled:
                nursery.start_soon(check, Domain.parse(name))
    return findings


async def examine(examination: Examination) -> list[Finding]:
    """Run all checks; their findings, sorted.

    A check that crashes or does not end in time is a finding. So is a DNS server that does not answer; names are not
    looked up then.
    """
    findings = await check_servers(examination)
    examination = msgspec.structs.replace(examination, names=not any(finding.grade == "error" for finding in findings))
    waiting = dict.fromkeys(CHECKS)

    async def run(name: str, check: Check) -> None:
        try:
            findings.extend(await check(examination))
        except Exception as error:  # a crash of one check becomes a finding, and the others go on
            logger.exception("a check failed", extra={"kv": {"check": name}})
            text = f"the check failed: {type(error).__name__}: {error}"
            findings.append(Finding(grade="warning", code="not-checked", about=name, text=text))
        del waiting[name]

    with trio.move_on_after(SECONDS):
        # Alone: as root it acts as the service user for a moment, and the other checks would, too.
        await run(*next(iter(CHECKS.items())))
        async with trio.open_nursery() as nursery:
            for name, check in islice(CHECKS.items(), 1, None):
                nursery.start_soon(run, name, check)
    for name in waiting:
        text = f"the check did not end within {SECONDS:.0f} s"
        findings.append(Finding(grade="warning", code="not-checked", about=name, text=text))
    return in_order(findings)


async def check_placement(examination: Examination) -> list[Finding]:
    """Check where mail to linked mailboxes of the postmaster has landed (ADMIN-70b)."""
    data = examination.snapshot.static.data_dir
    if not await trio.to_thread.run_sync((data / "placement.json").exists):
        return []
    await lazyimport.load("moxlite.admin.doctor.placement")
    from moxlite.admin.doctor.placement import findings_of, read_tests

    return findings_of(await trio.to_thread.run_sync(read_tests, data))


CHECKS: Final[Mapping[str, Check]] = {
    "configuration": configuration.check_configuration,
    "permissions": configuration.check_permissions,
    "server": running.check_running,
    "backups": backups.check_backups,
    "standby": running.check_standby,
    "ports": machine.check_ports,
    "certificates": machine.check_certificates,
    "disk": machine.check_disk,
    "clock": machine.check_clock,
    "kernel": machine.check_kernel,
    "dns": check_names,
    "DNS providers": check_providers,
    "addresses": check_families,
    "programs": programs.check_programs,
    "signatures": signatures.check_signatures,
    "port 25 outside": machine.check_outgoing,
    "block lists": machine.check_lists,
    "placement": check_placement,
}


async def examine_mistaken(path: Path, said: Running | None) -> list[Finding]:
    """Examine a server whose configuration has mistakes: the mistakes, and the running server's report about itself if
    there is one.

    path: of the static file.
    """
    text = "DNS, ports, certificates, permissions and the disk are examined once the configuration has no mistakes"
    later = Finding(grade="note", code="not-checked", about="configuration", text=text)
    return in_order([*await configuration.check_files(path), *running.check_words(said), later])


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


def _of(domain: str, topic: str, report: Report) -> list[Finding]:
    about = f"{domain} {topic}"
    see = tuple(report.instructions[:MAX_COMMANDS]) or (f"moxlite config dnscheck {domain}",)

    def find(grade: Grade, text: str, commands: tuple[str, ...]) -> Finding:
        return Finding(grade=grade, code="dns", about=about, text=f"{about}: {text}", commands=commands)

    findings = [find("error", text, see) for text in report.errors]
    findings += [find("warning", text, see) for text in report.warnings]
    return findings or [find("note", text, ()) for text in report.instructions]
