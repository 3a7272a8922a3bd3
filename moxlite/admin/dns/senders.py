"""Checks of what receivers look up about our mail: SPF, DKIM, DMARC, TLS reports (ADMIN-48, 48a, AUTH-74, 91)."""

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from moxlite.admin.dns.report import Case, Report
from moxlite.admin.dns.wanted import Topic, report_address
from moxlite.config.domains import Route
from moxlite.mailauth.dkim.keyrecord import RecordError, choose_record, parse_record
from moxlite.mailauth.dmarc.record import RecordError as DMARCRecordError
from moxlite.mailauth.dmarc.record import parse_record as parse_dmarc
from moxlite.mailauth.results import SPFStatus
from moxlite.mailauth.spf.check import check as check_sender
from moxlite.mailauth.spf.check import check_helo
from moxlite.net.resolver import DNSError

__all__ = ["check_dkim", "check_dmarc", "check_host_tlsrpt", "check_spf", "check_tlsrpt"]


async def check_spf(case: Case) -> Report:
    """The domain and the host permit each of our addresses."""
    report = Report()
    _smarthosts(case, report)
    found = await case.the_text(report, "spf", f"{case.domain.ascii}.", "v=spf1")
    ips = (*(case.ips or ()), *case.socks)
    if case.ips is None or not ips:
        report.warnings.append("our addresses are not known (0.0.0.0, ::, NAT): that SPF permits them is not checked")
        report.instructions.append("name the addresses in ips or nat_ips of the listener public")
    for ip in ips if found else ():
        result = await check_sender(
            case.resolver, ip=ip, mail_from=f"postmaster@{case.domain.ascii}", helo=case.host.ascii, explain=False
        )
        if result.status != SPFStatus.PASS:
            report.errors.append(f"SPF of {case.domain} for {ip}: {result.status}{_because(result.problem)}")
            case.ask_for(report, "spf")
    await _host_spf(case, report)
    return report


async def _host_spf(case: Case, report: Report) -> None:
    if case.host == case.domain:
        return
    if await case.the_text(report, "spf-host", f"{case.host.ascii}.", "v=spf1") is None:
        return
    for ip in case.ips or ():
        result = await check_helo(case.resolver, ip=ip, helo=case.host.ascii)
        if result.status != SPFStatus.PASS:
            report.errors.append(f"SPF of the host {case.host} for {ip}: {result.status}{_because(result.problem)}")
            case.ask_for(report, "spf-host")


async def check_dkim(case: Case) -> Report:
    """Each selector has the record of its key."""
    report = Report()
    _smarthosts(case, report)
    report.errors += case.keys.dkim_problems
    if not case.settings.dkim.selectors:
        report.errors.append("no DKIM keys are configured: mail of this domain is not signed")
        return report
    if not case.settings.dkim.sign:
        report.errors.append("dkim.sign is empty: mail of this domain is not signed")
    for wanted in case.records("dkim"):
        try:
            texts = (await case.resolver.txt(wanted.name)).records
            record = choose_record(texts)
        except (DNSError, RecordError) as error:
            report.errors.append(f"{wanted.name}: {error}")
            case.ask_for(report, "dkim", name=wanted.name)
            continue
        report.found.append(f"{wanted.name} TXT with a key of {record.bits} bits")
        own = parse_record(str(wanted.value))
        form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        if record.key.public_bytes(*form) != own.key.public_bytes(*form):
            report.errors.append(f"{wanted.name} has another key than the one here: signatures with it fail")
            case.ask_for(report, "dkim", name=wanted.name)
        if record.testing:
            report.warnings.append(f"{wanted.name} says that DKIM is only tried (t=y)")
    return report


async def check_dmarc(case: Case) -> Report:
    """There is a policy, it says something, and reports come here."""
    report = Report()
    name = f"_dmarc.{case.domain.ascii}."
    found = await case.the_text(report, "dmarc", name, "v=DMARC1")
    if found is None:
        return report
    try:
        record = parse_dmarc(found)
    except DMARCRecordError as error:
        report.errors.append(f"{name}: {error}")
        case.ask_for(report, "dmarc")
        return report
    if record.policy == "none" or record.subdomains == "none":
        report.warnings.append("the policy asks receivers for nothing (p=none, or sp=none)")
    if record.testing:
        report.warnings.append("the policy is only tried (t=y, or pct=0)")
    if case.settings.dmarc is None:
        report.warnings.append("no address for DMARC reports is configured for this domain")
        return report
    own = report_address(case.domain, case.settings.dmarc)
    if own.lower() not in [one.lower() for one in record.rua]:
        report.errors.append(f"reports do not go to {own}")
        case.ask_for(report, "dmarc")
    for uri in record.rua:
        await _external(case, report, uri)
    return report


async def _external(case: Case, report: Report, uri: str) -> None:
    """Whether another domain wants reports about this one (RFC 9990 §3)."""
    at = uri.rpartition("@")[2].lower().rstrip(".")
    if not at or at == case.domain.ascii or at.endswith(f".{case.domain.ascii}"):
        return
    name = f"{case.domain.ascii}._report._dmarc.{at}."
    if await case.texts(name, "v=DMARC1", report) == []:
        report.errors.append(f"{at} does not say that it wants reports about {case.domain}: none will be sent there")
        report.instructions.append(f'add to DNS: {name} TXT "v=DMARC1"')


async def check_tlsrpt(case: Case) -> Report:
    """Reports about TLS to the domain come here."""
    report = Report()
    if case.settings.tlsrpt is None:
        report.errors.append("no address for TLS reports is configured for this domain")
        report.instructions.append(
            f'add to domains.toml: [domains."{case.domain}".tlsrpt] with localpart = "tlsreports", account = '
            '"…", mailbox = "TLSRPT"'
        )
        return report
    await _tlsrpt(case, report, f"_smtp._tls.{case.domain.ascii}.", "tlsrpt")
    return report


async def check_host_tlsrpt(case: Case) -> Report:
    """Reports about TLS to the host come here."""
    report = Report()
    if case.host == case.domain:
        return report  # its record is that of the domain
    if case.snapshot.static.host_tlsrpt is None:
        report.errors.append("no address for TLS reports about this machine is configured")
        report.instructions.append(
            'add to moxlite.toml: [host_tlsrpt] with localpart = "tlsreports", account = "…", mailbox = "TLSRPT"'
        )
        return report
    await _tlsrpt(case, report, f"_smtp._tls.{case.host.ascii}.", "host-tlsrpt")
    return report


async def _tlsrpt(case: Case, report: Report, name: str, topic: Topic) -> None:
    found = await case.the_text(report, topic, name, "v=TLSRPTv1")
    if found is None:
        return
    have, want = (_rua(text) for text in (found, str(case.records(topic)[0].value)))
    if not have:
        report.errors.append(f"{name} has no rua")
        case.ask_for(report, topic)
    elif not want <= have:
        report.errors.append(f"reports do not go to {', '.join(sorted(want))}")
        case.ask_for(report, topic)


def _rua(text: str) -> set[str]:
    """The addresses of a TLSRPT record (RFC 8460 §3)."""
    for field in text.split(";")[1:]:
        name, _, value = field.partition("=")
        if name.strip() == "rua":
            return {uri.strip().lower() for uri in value.split(",") if uri.strip()}
    return set()


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
            report.instructions.append(
                f"mail may leave through the transport {name} ({relay.host}): what that needs in SPF and DKIM cannot "
                "be checked here; follow its provider's instructions"
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
