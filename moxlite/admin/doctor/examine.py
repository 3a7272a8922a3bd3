"""All checks at once, within minutes, without an exception whatever is wrong (ADMIN-70)."""

import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import trio
from msgspec.structs import replace

from moxlite import lazyimport
from moxlite.admin.dns import check as dns
from moxlite.admin.dns.report import NOT_SERVED, Report
from moxlite.admin.doctor import backups, machine, running, signatures
from moxlite.admin.doctor.examination import Examination
from moxlite.admin.doctor.findings import folded, in_order
from moxlite.admin.doctor.requests import Running
from moxlite.admin.quickstart.switches import ADMIN_PORT
from moxlite.config.load import DNS_FOLDER, DOMAINS_FILE, ConfigError, parse, read_source
from moxlite.findings import Finding, address_cause
from moxlite.net.dnssec.resolver import validating
from moxlite.net.resolver import DNSError, NotFound, Resolver, absolute
from moxlite.process.configtest import test_config, unreadable_files
from moxlite.process.permissions import NamedFiles, differing_permissions
from moxlite.process.privileges import UnknownUser, service_user
from moxlite.proto.address import Domain
from moxlite.safefile import openings
from moxlite.wording import fault_of

# The configuration's files, and their permissions (ADMIN-10, ADMIN-11, ADMIN-37).


MAX_LISTED: Final = 20
"""Number of files with wrong permissions that are named; hundreds have one cause."""


async def check_configuration(examination: Examination) -> list[Finding]:
    """Report mistakes of both files as they are on disk, and keys that are not in effect."""
    findings = await check_files(examination.path) + _without_admin(examination)
    if os.name != "posix" or not (examination.inside or os.geteuid() == 0):
        return findings
    with suppress(ConfigError):  # `check_files` tells
        findings += _remedied(
            await trio.to_thread.run_sync(unreadable_files, examination.path, examination.snapshot.static)
        )
    return findings


def _remedied(findings: Iterable[Finding]) -> list[Finding]:
    """Findings about the files as the doctor shows them, with the command that shows them all."""
    return [
        replace(finding, text=str(finding), commands=("moxlite config test",) if finding.grade != "note" else ())
        for finding in findings
    ]


def _without_admin(examination: Examination) -> list[Finding]:
    """Tell the lines that serve the admin app on this machine, if nothing does."""
    snapshot = examination.snapshot
    listeners = snapshot.static.listeners
    if any(listener.admin_http.enabled or listener.admin_https.enabled for listener in listeners.values()):
        return []
    if any(
        web_handler.internal is not None and web_handler.internal.service == "admin"
        for web_handler in snapshot.domains.web_handlers
    ):
        return []
    inside = next((name for name, listener in listeners.items() if all(ip.is_loopback for ip in listener.ips)), None)
    line = f"admin_http = {{ enabled = true, port = {ADMIN_PORT} }}"
    table = (
        f"[listeners.{inside}]" if inside else '[listeners.admin] with ips = ["127.0.0.1"], hostname = "localhost" and'
    )
    text = "the admin pages aren't turned on for any listener"
    command = f"in {examination.path}, to serve them only to this machine, add this line to {table}: {line}"
    if not inside:
        command = f"to {examination.path}, for this machine alone, add a table {table} {line}"
    return [Finding(grade="note", code="no-admin-pages", about="listeners", text=text, commands=(command,))]


async def check_files(path: Path) -> list[Finding]:
    """Report mistakes, given the path of the static file; the only check if the configuration cannot be used."""
    findings = await trio.to_thread.run_sync(partial(test_config, path, machine=False))
    return _remedied(finding for finding in findings if finding.code != "not-checked")


async def check_permissions(examination: Examination) -> list[Finding]:
    """Report owners and modes that the next start of the server would change. Only root can check them."""
    if examination.inside or os.name != "posix" or os.geteuid() != 0:
        return []
    return await trio.to_thread.run_sync(_permissions, examination)


def _permissions(examination: Examination) -> list[Finding]:
    static, path = examination.snapshot.static, examination.path
    about = str(path)
    try:
        ids = service_user(static.user)
    except UnknownUser as error:
        commands = ("moxlite config test",)
        return [Finding(grade="error", code="permissions", about=about, text=str(error), commands=commands)]
    if ids is None:
        return []
    if found := openings(path):
        why = "; ".join(one.words for one in found)
        text = f"the server can't start as root because other users can change {path}: {why}"
        cures = tuple(one.cure for one in found)
        return [Finding(grade="error", code="permissions", about=about, text=text, commands=cures)]
    if static.no_fix_permissions or examination.running is None:  # the start changes them
        return []
    try:
        named = NamedFiles.of(parse(read_source(path)), path.absolute().parent)
    except ConfigError:  # another finding tells
        return []
    lines = differing_permissions(path, DOMAINS_FILE, static.data_dir, *ids, named=named)
    return [
        Finding(
            grade="warning",
            code="permissions",
            about=line.partition(":")[0],
            text=line,
            commands=("systemctl restart moxlite",),
        )
        for line in lines[:MAX_LISTED]
    ]


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
    text = f"{hostname} only has IPv6 addresses, so IPv4-only mail servers can't reach this server"
    todo = "add an A record with this machine's IPv4 address, or use a host that forwards port 25: docs/home-server.md"
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
        async with limit:
            if await _is_unpublished(resolver, domain, snapshot.static.hostname):
                text = f"{domain} isn't in DNS: no MX record, and no address for {snapshot.static.hostname}"
                commands = (f"moxlite config dnsrecords {domain}", f"moxlite config dnscheck {domain}")
                cause = address_cause(snapshot.static.hostname.ascii)
                findings.append(
                    Finding(grade="error", code="dns", about=str(domain), text=text, commands=commands, cause=cause)
                )
                return
            reports = await dns.check_domain(
                snapshot,
                domain,
                resolver,
                examination.network,
                served=examination.running is not None,
                held=examination.held,
            )
        for topic, report in reports.items():
            findings.extend(_of(domain, topic, report))

    async with trio.open_nursery() as nursery:
        for name, settings in snapshot.domains.domains.items():
            if not settings.disabled:
                nursery.start_soon(check, Domain.parse(name))
    return findings


async def _is_unpublished(resolver: Resolver, domain: Domain, hostname: Domain) -> bool:
    """Whether DNS has neither the MX of a domain nor an address of this host: each topic would say so in turn."""
    for look, name in ((resolver.mx, domain), (resolver.ips, hostname)):
        try:
            if (await look(absolute(name.ascii))).records:
                return False
        except NotFound:
            pass
        except DNSError:
            return False
    return True


async def examine(examination: Examination) -> list[Finding]:
    """Run all checks; their findings, sorted.

    A check that crashes or does not end in time is a finding. So is a DNS server that does not answer; names are not
    looked up then.
    """
    findings = await check_servers(examination)
    examination = replace(examination, names=not any(finding.grade == "error" for finding in findings))
    waiting = dict.fromkeys(CHECKS)

    async def run(name: str, check: Check) -> None:
        try:
            findings.extend(await check(examination))
        except Exception as error:  # a crash of one check becomes a finding, and the others go on
            logger.exception("check failed", extra={"kv": {"check": name}})
            text = f"the check failed: {fault_of(error)}"
            findings.append(Finding(grade="warning", code="not-checked", about=name, text=text))
        del waiting[name]

    with trio.move_on_after(SECONDS):
        # Alone: as root it acts as the service user for a moment, and the other checks would, too.
        await run(*next(iter(CHECKS.items())))
        async with trio.open_nursery() as nursery:
            for name, check in islice(CHECKS.items(), 1, None):
                nursery.start_soon(run, name, check)
    for name in waiting:
        text = f"timed out after {SECONDS:.0f} s"
        findings.append(Finding(grade="warning", code="not-checked", about=name, text=text))
    return in_order(folded(findings, examination.snapshot.static.hostname.ascii))


async def check_placement(examination: Examination) -> list[Finding]:
    """Check where mail to linked mailboxes of the postmaster has landed (ADMIN-70b)."""
    static = examination.snapshot.static
    data = static.data_dir
    if not static.doctor.placement or not await trio.to_thread.run_sync((data / "placement.json").exists):
        return []
    await lazyimport.load("moxlite.admin.doctor.placement")
    from moxlite.admin.doctor.placement import findings_of, read_tests

    domain = examination.snapshot.domains.accounts[static.postmaster.account].domain.ascii
    return findings_of(await trio.to_thread.run_sync(read_tests, data), domain)


CHECKS: Final[Mapping[str, Check]] = {
    "configuration": check_configuration,
    "permissions": check_permissions,
    "server": running.check_running,
    "backups": backups.check_backups,
    "standby": running.check_standby,
    "ports": machine.check_ports,
    "certificates": machine.check_certificates,
    "disk": machine.check_disk,
    "clock": machine.check_clock,
    "dns": check_names,
    "DNS providers": check_providers,
    "addresses": check_families,
    "programs": machine.check_programs,
    "signatures": signatures.check_signatures,
    "port 25 outside": machine.check_outgoing,
    "block lists": machine.check_lists,
    "placement": check_placement,
}


async def examine_mistaken(path: Path, said: Running | None, elsewhere: str) -> list[Finding]:
    """Examine a server whose configuration has mistakes: the mistakes, and the running server's report about itself if
    there is one.

    path: of the static file. elsewhere: a line about a server that runs with the former data folder; "" for none.
    """
    text = "fix the configuration errors to check DNS, ports, certificates, permissions, and the disk"
    later = Finding(grade="note", code="not-checked", about="configuration", text=text)
    return in_order([*await check_files(path), *running.running_findings(said, elsewhere), later])


AT_ONCE: Final = 4
"""Domains checked at a time; each makes about sixty queries."""

MAX_COMMANDS: Final = 8
"""Instructions that a finding repeats; ``dnscheck`` prints all."""


async def check_servers(examination: Examination) -> list[Finding]:
    """Check that the DNS servers answer."""
    return (await dns.check_servers(examination.resolver, examination.snapshot.static.hostname)).findings


def _of(domain: Domain, topic: str, report: Report) -> Iterator[Finding]:
    """The faults of a topic, or its notes where it has none, in a text that names the topic. That the server doesn't
    run is a finding of its own.
    """
    faults = [finding for finding in report.findings if finding.grade != "note"]
    title = f" ({dns.TITLES[topic]})" if topic in dns.TITLES else ""
    for finding in faults or report.findings:
        if finding.about != report.about:
            yield finding
        elif finding.text != NOT_SERVED:
            see = () if not faults else finding.commands[:MAX_COMMANDS] or (f"moxlite config dnscheck {domain}",)
            yield replace(finding, text=f"{finding.about}{title}: {finding.text}", commands=see)
