"""Checks of the records that mail programs use: services, autoconfig, autodiscover, client settings (ADMIN-48,
AUTH-91).
"""

from typing import Final

from moxlite.admin.dns.report import Case, Report, instructions, shown
from moxlite.admin.dns.wanted import Topic, WantedRecord
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import SRV
from moxlite.proto.pacc import digest_in

HTTPS: Final = 443
"""The port that mail programs ask for settings, whatever else the host serves."""

MAX_SERVICES: Final = 10
"""Number of SRV records of one name that are checked."""


async def check_srv(case: Case, report: Report) -> None:
    """Check the SRV records of the domain's services."""
    for record in case.records("srv"):
        if not isinstance(record.value, SRV):
            await _check_path(case, report, record)
            continue
        srvs = await case.look_up(report, case.resolver.srv, record.name, "SRV", optional=record.optional)
        if not srvs:
            if srvs is not None and not record.optional:
                report.error(f"no SRV record at {record.name}", *instructions((), [record]))
            continue
        report.found += shown(record.name, "SRV", srvs[:MAX_SERVICES])
        if not any((srv.port, srv.target) == (record.value.port, record.value.target) for srv in srvs):
            add = report.warning if record.optional else report.error
            add(f"{record.name} should be {_shown(record.value)}, not {_shown(srvs[0])}")
            report.mend(*instructions(shown(record.name, "SRV", srvs[:MAX_SERVICES]), [record]))


async def _check_path(case: Case, report: Report, wanted_record: WantedRecord) -> None:
    """Check the path of a service (RFC 6764 §4), which programs can find without a record, too."""
    found = await case.look_up(report, case.resolver.txt, wanted_record.name, "TXT", optional=True) or ()
    report.found += shown(wanted_record.name, "TXT", found[:MAX_SERVICES])
    if any(one.startswith("path=") and one != wanted_record.value for one in found):
        report.warning(
            f"the path in {wanted_record.name} should be {wanted_record.value}",
            *instructions(shown(wanted_record.name, "TXT", found[:MAX_SERVICES]), [wanted_record]),
        )


async def check_autoconfig(case: Case, report: Report) -> None:
    """Check the host where Thunderbird finds its settings."""
    if not case.records("autoconfig"):
        report.unused = True
        report.note("autoconfig_https isn't turned on for any listener, so users have to enter their settings")
        return
    await _host(case, report, f"autoconfig.{case.domain.ascii}.", "autoconfig")


async def check_autodiscover(case: Case, report: Report) -> None:
    """Check the host and SRV record where Outlook finds its settings."""
    wanted = [record.value for record in case.records("autodiscover") if isinstance(record.value, SRV)]
    if not wanted:
        report.unused = True
        return
    name = f"_autodiscover._tcp.{case.domain.ascii}."
    srvs = await case.look_up(report, case.resolver.srv, name, "SRV")
    if srvs == ():
        report.error(f"no SRV record at {name}")
        case.ask_for(report, "autodiscover", name=name)
    wrong: list[SRV] = []
    for srv in (srvs or ())[:MAX_SERVICES]:
        report.found += shown(name, "SRV", [srv])
        if srv.port != HTTPS:
            report.error(f"the port in {name} must be 443, not {srv.port}")
            wrong.append(srv)
        if srv.target == ".":
            report.error(f"{name} marks this service as unavailable")
            wrong.append(srv)
            continue
        ips = await case.addresses(srv.target, report, "the target")
        if await case.is_astray(report, ips):
            continue
        if not case.are_ours(ips):
            report.error(f"{name} points to {srv.target}, which isn't this server")
            wrong.append(srv)
        await case.probe(report, ips, HTTPS, srv.target.rstrip("."))
    if wrong:
        case.ask_for(report, "autodiscover", name=name, found=shown(name, "SRV", dict.fromkeys(wrong)))


async def check_pacc(case: Case, report: Report) -> None:
    """Check where programs find their settings by PACC, and the text with the digest of these. Both may be left out;
    a text that does not fit makes programs refuse the settings. One that fits is enough: another may be there while
    the settings change.
    """
    report.unused = True
    for record in case.records("pacc"):
        if record.kind != "TXT":
            continue
        found = await case.texts(report, "pacc", record.name)
        if found is None:
            return
        if not found:
            case.ask_for(report, "pacc")
            return
        report.unused = False
        if digest_in(str(record.value)) not in map(digest_in, found[:MAX_SERVICES]):
            report.error(f"{record.name} doesn't have the digest of the settings, so mail clients reject them")
            case.ask_for(report, "pacc", name=record.name, found=shown(record.name, "TXT", found[:MAX_SERVICES]))
        await _host(case, report, f"ua-auto-config.{case.domain.ascii}.", "pacc")


async def check_client_settings(case: Case, report: Report) -> None:
    """Check the hosts that users have typed into their settings."""
    listeners = case.snapshot.static.listeners.values()
    pages = any(web_service.enabled for all_ in listeners for web_service in (all_.account_https, all_.webmail_https))
    imaps = [listener.imaps.port for listener in listeners if listener.imaps.enabled]
    for own in case.settings.client_hosts:
        if own == case.host:
            continue
        ips = await _host(case, report, f"{own.ascii}.", "client-settings", probe=pages)
        if imaps:
            await case.probe(report, ips, imaps[0], own.ascii)


async def _host(case: Case, report: Report, name: str, topic: Topic, *, probe: bool = True) -> tuple[IPAddress, ...]:
    """Check that a name has our addresses, and with `probe` that port 443 has TLS; returns its addresses, none if
    they are another machine's that this machine's name has.
    """
    ips = await case.addresses(name, report, "the host")
    if await case.is_astray(report, ips):
        return ()
    if not ips or not case.are_ours(ips):
        if ips:
            report.error(f"{name} points to other servers: {', '.join(map(str, ips))}")
        case.ask_for(report, topic, name=name, found=await case.host_lines(name))
    if probe:
        await case.probe(report, ips, HTTPS, name.rstrip("."))
    return ips


def _shown(record: SRV) -> str:
    return f"{record.priority} {record.weight} {record.port} {record.target}"
