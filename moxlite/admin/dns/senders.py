"""Checks of the records that receivers use for our mail: SPF, DKIM, DMARC, TLS reports (ADMIN-48, 48a, AUTH-74, 91)."""

from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from moxlite.admin.dns.report import Case, Report, shown
from moxlite.admin.dns.wanted import Topic, report_address, report_addresses
from moxlite.config.domains import Route
from moxlite.mailauth.dkim.keyrecord import RecordError, choose_record, parse_record
from moxlite.mailauth.dmarc import RecordError as DMARCRecordError, parse_record as parse_dmarc
from moxlite.mailauth.results import SPFStatus
from moxlite.mailauth.spf.check import check as check_sender, check_helo
from moxlite.proto.publicsuffix import organizational_domain

MAX_KEYS: Final = 10
"""Number of TXT records at a selector that are shown."""


async def check_spf(case: Case, report: Report) -> None:
    """Check that SPF of the domain and of the host permits each of our addresses."""
    _smarthosts(case, report)
    found = await case.the_text(report, "spf", f"{case.domain.ascii}.")
    ips = (*(case.ips or ()), *case.socks)
    if case.ips is None or not ips:
        report.warning(
            "couldn't check SPF for this server's addresses because they're unknown (0.0.0.0, ::, NAT)",
            "add the addresses to ips or nat_ips of the public listener",
        )
    for ip in ips if found else ():
        result = await check_sender(
            case.resolver, ip=ip, mail_from=f"postmaster@{case.domain.ascii}", helo=case.host.ascii
        )
        if result.status != SPFStatus.PASS:
            report.error(f"{case.domain}'s SPF for {ip}: {result.status}{_because(result.problem)}")
            _mend_spf(case, report, "spf", found or "", result.status)
    await _host_spf(case, report)


async def _host_spf(case: Case, report: Report) -> None:
    if case.host == case.domain:
        return
    found = await case.the_text(report, "spf-host", f"{case.host.ascii}.")
    if found is None:
        return
    for ip in case.ips or ():
        result = await check_helo(case.resolver, ip=ip, helo=case.host.ascii)
        if result.status != SPFStatus.PASS:
            report.error(f"the host {case.host}'s SPF for {ip}: {result.status}{_because(result.problem)}")
            _mend_spf(case, report, "spf-host", found, result.status)


def _mend_spf(case: Case, report: Report, topic: Topic, found: str, status: SPFStatus) -> None:
    """Ask for a record that permits our addresses, and everything that the one in DNS permits. Nothing is asked for if
    the failure may be temporary.
    """
    if status == SPFStatus.TEMPERROR:
        return
    name = case.records(topic)[0].name
    kept = () if status == SPFStatus.PERMERROR else (found,)
    case.ask_for(report, topic, name=name, found=shown(name, "TXT", [found]), kept=kept)


async def check_dkim(case: Case, report: Report) -> None:
    """Check that each selector has the record of its key."""
    _smarthosts(case, report)
    for problem in case.keys.dkim_problems:
        report.error(problem)
    if not case.settings.dkim.selectors:
        report.error("this domain's mail isn't signed: DKIM keys aren't set up")
        return
    if not case.settings.dkim.sign:
        report.error("dkim.sign is empty, so this domain's mail isn't signed")
    for wanted_record in case.records("dkim"):
        texts = await case.look_up(report, case.resolver.txt, wanted_record.name, "TXT")
        if texts is None:
            continue
        lines = shown(wanted_record.name, "TXT", texts[:MAX_KEYS])
        try:
            record = choose_record(texts)
        except RecordError as error:
            report.error(f"{wanted_record.name}: {error}")
            case.ask_for(report, "dkim", name=wanted_record.name, found=lines)
            continue
        report.found.append(f"{wanted_record.name} TXT with a {record.bits}-bit key")
        own = parse_record(str(wanted_record.value))
        form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        if record.key.public_bytes(*form) != own.key.public_bytes(*form):
            report.error(f"signature checks fail: the key in {wanted_record.name} doesn't match this server's key")
            case.ask_for(report, "dkim", name=wanted_record.name, found=lines)
        if record.testing:
            report.warning(f"DKIM is in test mode for {wanted_record.name} (t=y)")


async def check_dmarc(case: Case, report: Report) -> None:
    """Check that there is a DMARC policy with an effect, and that its reports come here."""
    name = f"_dmarc.{case.domain.ascii}."
    settings = case.settings.dmarc
    own = "" if settings is None else report_address(case.domain, settings)
    found = await case.the_text(report, "dmarc", name)
    if found is None:
        return
    lines = shown(name, "TXT", [found])
    try:
        record = parse_dmarc(found)
    except DMARCRecordError as error:
        report.error(f"{name}: {error}")
        case.ask_for(report, "dmarc", name=name, found=lines)
        return
    if case.settings.strict_records and "none" in (record.policy, record.subdomains):
        report.warning("the policy doesn't ask receivers to take action (`p=none` or `sp=none`)")
    if record.testing:
        report.warning("the policy is in test mode (t=y or pct=0)")
    if settings is None:
        report.warning("DMARC report address isn't set for this domain")
        return
    if own.lower() not in [address.lower() for address in record.rua]:
        report.error(f"reports aren't sent to {own}")
        case.ask_for(report, "dmarc", name=name, found=lines, kept=[found])
    for uri in record.rua:
        await _external(case, report, uri)


async def _external(case: Case, report: Report, uri: str) -> None:
    """Check that another domain accepts reports about this one (RFC 9990 §3)."""
    at = uri.rpartition("@")[2].lower().rstrip(".")
    if not at or organizational_domain(at) == organizational_domain(case.domain.ascii):
        return
    name = f"{case.domain.ascii}._report._dmarc.{at}."
    if await case.texts(report, "dmarc", name) == []:
        report.error(
            f"{at} doesn't accept reports about {case.domain}, so receivers won't send any",
            f'add to DNS: {name} TXT "v=DMARC1"',
        )


async def check_tlsrpt(case: Case, report: Report) -> None:
    """Check that TLS reports about the domain come here."""
    if case.settings.tlsrpt is None:
        report.error("TLS report address isn't set for this domain")
        report.mend(
            f'add to domains.toml: [domains."{case.domain}".tlsrpt] with localpart = "tlsreports", account = '
            '"…", mailbox = "TLSRPT"'
        )
        return
    await _tlsrpt(case, report, f"_smtp._tls.{case.domain.ascii}.", "tlsrpt")


async def check_host_tlsrpt(case: Case, report: Report) -> None:
    """Check that TLS reports about the host come here."""
    if case.host == case.domain:
        return  # its record is that of the domain
    if case.snapshot.static.host_tlsrpt is None:
        report.error("TLS report address isn't set for this machine")
        report.mend(
            'add to moxlite.toml: [host_tlsrpt] with localpart = "tlsreports", account = "…", mailbox = "TLSRPT"'
        )
        return
    await _tlsrpt(case, report, f"_smtp._tls.{case.host.ascii}.", "host-tlsrpt")


async def _tlsrpt(case: Case, report: Report, name: str, topic: Topic) -> None:
    [own] = report_addresses(str(case.records(topic)[0].value))
    found = await case.the_text(report, topic, name)
    if found is None:
        return
    have = report_addresses(found)
    if own not in have:
        report.error(f"reports aren't sent to {own}" if have else f"{name} doesn't have rua")
        case.ask_for(report, topic, name=name, found=shown(name, "TXT", [found]), kept=[found])


def _because(problem: str) -> str:
    return f" ({problem})" if problem else ""


def _smarthosts(case: Case, report: Report) -> None:
    """Name the relays through which mail of the domain may leave (ADMIN-48a)."""
    domains = case.snapshot.domains
    routes: list[Route] = [*case.settings.routes, *domains.routes]
    own = f"@{case.domain.unicode}"
    for account in domains.accounts.values():
        if any(address.endswith(own) for address in account.destinations):
            routes += account.routes
    for name in dict.fromkeys(route.transport for route in routes if _may_match(route, case)):
        transport = case.snapshot.static.transports.get(name)
        relay = None if transport is None else transport.submissions or transport.submission or transport.smtp
        if relay is not None:
            report.note(
                f"mail may be sent through the transport {name} ({relay.host}); to set up SPF and DKIM, follow the "
                f"provider's instructions"
            )


def _may_match(route: Route, case: Case) -> bool:
    if not route.from_domain:
        return True
    names = (case.domain.ascii, case.domain.unicode)
    return any(
        name == str(pattern) or (str(pattern).startswith(".") and f".{name}".endswith(str(pattern)))
        for pattern in route.from_domain
        for name in names
    )
