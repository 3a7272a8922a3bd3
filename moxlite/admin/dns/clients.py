"""Checks of the records that mail programs use: services, autoconfig, autodiscover, client settings (ADMIN-48,
AUTH-91).
"""

from typing import Final

from moxlite.admin.dns.report import Case, Report, instructions, shown
from moxlite.admin.dns.wanted import Topic, Wanted
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import SRV, DNSError, NotFound

HTTPS: Final = 443

MAX_SERVICES: Final = 10
"""Number of SRV records of one name that are checked."""


async def check_srv(case: Case) -> Report:
    """Check the SRV records of the domain's services."""
    report = Report()
    for wanted in case.records("srv"):
        if not isinstance(wanted.value, SRV):
            await _check_path(case, report, wanted)
            continue
        try:
            found = (await case.resolver.srv(wanted.name)).records
        except NotFound:
            if not wanted.optional:
                report.errors.append(f"no SRV record at {wanted.name}")
                report.instructions += instructions((), [wanted])
            continue
        except DNSError as error:
            problems = report.warnings if wanted.optional else report.errors
            problems.append(f"the look-up of {wanted.name} SRV failed: {error}")
            continue
        report.found += shown(wanted.name, "SRV", found[:MAX_SERVICES])
        if not any((one.port, one.target) == (wanted.value.port, wanted.value.target) for one in found):
            problems = report.warnings if wanted.optional else report.errors
            problems.append(f"{wanted.name} is {_shown(found[0])}, but this server has {_shown(wanted.value)}")
            report.instructions += instructions(shown(wanted.name, "SRV", found[:MAX_SERVICES]), [wanted])
    return report


async def _check_path(case: Case, report: Report, wanted: Wanted) -> None:
    """Check the path of a service (RFC 6764 §4), which programs can find without a record, too."""
    try:
        found = (await case.resolver.txt(wanted.name)).records
    except NotFound:
        return
    except DNSError as error:
        report.warnings.append(f"the look-up of {wanted.name} TXT failed: {error}")
        return
    report.found += shown(wanted.name, "TXT", found[:MAX_SERVICES])
    if any(one.startswith("path=") and one != wanted.value for one in found):
        report.warnings.append(f"{wanted.name} has another path than {wanted.value}")
        report.instructions += instructions(shown(wanted.name, "TXT", found[:MAX_SERVICES]), [wanted])


async def check_autoconfig(case: Case) -> Report:
    """Check the host where Thunderbird finds its settings."""
    report = Report()
    if not case.records("autoconfig"):
        report.instructions.append("autoconfig_https is not enabled at any listener: users type their settings")
        return report
    await _host(case, report, f"autoconfig.{case.domain.ascii}.", "autoconfig")
    return report


async def check_autodiscover(case: Case) -> Report:
    """Check the host and SRV record where Outlook finds its settings."""
    report = Report()
    wanted = [one.value for one in case.records("autodiscover") if isinstance(one.value, SRV)]
    if not wanted:
        return report
    name = f"_autodiscover._tcp.{case.domain.ascii}."
    try:
        found = (await case.resolver.srv(name)).records
    except NotFound as error:
        report.errors.append(f"no SRV record: {error}")
        case.ask_for(report, "autodiscover", name=name)
        return report
    except DNSError as error:
        report.errors.append(f"the look-up of {name} SRV failed: {error}")
        return report
    wrong: list[SRV] = []
    for one in found[:MAX_SERVICES]:
        report.found += shown(name, "SRV", [one])
        if one.port != HTTPS:
            report.errors.append(f"{name} names port {one.port}; it must be 443")
            wrong.append(one)
        if one.target == ".":
            report.errors.append(f"{name} says that there is no such service")
            wrong.append(one)
            continue
        ips = await case.addresses(one.target, report, "the target")
        if not case.are_ours(ips):
            report.errors.append(f"{name} names {one.target}, which is not this server")
            wrong.append(one)
        await case.probe(report, ips, HTTPS, one.target.rstrip("."))
    if wrong:
        case.ask_for(report, "autodiscover", name=name, found=shown(name, "SRV", dict.fromkeys(wrong)))
    return report


async def check_pacc(case: Case) -> Report:
    """Check where programs find their settings by PACC, and the text with the digest of these. Both may be left out;
    a text that does not fit makes programs refuse the settings. One that fits is enough: another may be there while
    the settings change.
    """
    report = Report()
    for wanted in case.records("pacc"):
        if wanted.kind != "TXT":
            continue
        found = await case.texts(wanted.name, "v=UAAC1", report)
        if found is None:
            return report
        if not found:
            case.ask_for(report, "pacc")
            return report
        if _agent_digest(str(wanted.value)) not in map(_agent_digest, found[:MAX_SERVICES]):
            report.errors.append(f"{wanted.name} has not the digest of the settings: mail programs refuse them")
            case.ask_for(report, "pacc", name=wanted.name, found=shown(wanted.name, "TXT", found[:MAX_SERVICES]))
        await _host(case, report, f"ua-auto-config.{case.domain.ascii}.", "pacc")
    return report


def _agent_digest(text: str) -> tuple[str, str]:
    """Algorithm and digest of a text of PACC; the order of the tags and blanks do not matter."""
    pairs = [tag.partition("=") for tag in text.split(";")]
    tags = {name.strip(): value.strip() for name, _, value in pairs}
    return tags.get("a", "").lower(), tags.get("d", "")


async def check_client_settings(case: Case) -> Report:
    """Check the host that users type into their settings."""
    report = Report()
    own = case.settings.client_settings_domain
    if own is None or own == case.host:
        return report
    listeners = case.snapshot.static.listeners.values()
    pages = any(one.enabled for all_ in listeners for one in (all_.account_https, all_.webmail_https))
    imaps = [one.imaps.port for one in listeners if one.imaps.enabled]
    ips = await _host(case, report, f"{own.ascii}.", "client-settings", probe=pages)
    if imaps:
        await case.probe(report, ips, imaps[0], own.ascii)
    return report


async def _host(case: Case, report: Report, name: str, topic: Topic, *, probe: bool = True) -> tuple[IPAddress, ...]:
    """Check that a name has our addresses, and with `probe` that port 443 has TLS; returns its addresses."""
    ips = await case.addresses(name, report, "the host")
    if not ips or not case.are_ours(ips):
        if ips:
            report.errors.append(f"{name} has addresses that are not ours: {', '.join(map(str, ips))}")
        case.ask_for(report, topic, name=name, found=await case.host_lines(name))
    if probe:
        await case.probe(report, ips, HTTPS, name.rstrip("."))
    return ips


def _shown(record: SRV) -> str:
    return f"{record.priority} {record.weight} {record.port} {record.target}"
