"""Checks of how mail gets here: DNSSEC, reverse names, MX, TLS, DANE, MTA-STS (ADMIN-48, AUTH-60, 67, 73)."""

from typing import Final

from moxlite.admin.dns.report import Case, Report
from moxlite.admin.dns.wanted import Wanted
from moxlite.mailauth.dnssec import ADVICE, Verifies, check_resolver
from moxlite.mailauth.mtasts import FetchFailed, NoPolicy, Policy, PolicyError, fetch_policy, find_record, matches
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import MX, TLSA, Answer, DNSError, NotFound
from moxlite.proto.address import Domain

__all__ = ["check_dane", "check_dnssec", "check_iprev", "check_mtasts", "check_mx", "check_tls"]

MAX_HOSTS: Final = 20
"""MX hosts that are looked at; RFC 5321 knows no limit, and a made-up answer may have thousands."""

SHORT_AGE: Final = 86_400
"""Seconds; a policy that is kept no longer than this protects few senders (RFC 8461 §3.2)."""


async def check_dnssec(case: Case) -> Report:
    """The resolver verifies, and the domain is signed."""
    report = Report()
    verifies = await check_resolver(case.resolver)
    if verifies.problem:
        report.warnings.append(verifies.problem)
    if verifies.status is Verifies.UNVERIFIED:
        report.instructions.append(ADVICE)
    try:
        signed = (await case.resolver.mx(_name(case.domain))).authentic
    except DNSError as error:
        signed = error.authentic
    if not signed and verifies.status is not Verifies.UNVERIFIED:
        report.warnings.append(f"{case.domain} is not signed with DNSSEC: without it there is no DANE")
        report.instructions.append("switch DNSSEC on at your DNS provider, and give the DS record to your registrar")
    return report


async def check_iprev(case: Case) -> Report:
    """Each address has one reverse name, which is ours and leads back."""
    report = Report()
    names = {case.host.ascii, case.snapshot.static.hostname.ascii}
    transports = case.snapshot.static.transports.values()
    socks = {one.socks.remote_hostname.ascii for one in transports if one.socks is not None}
    ips = dict.fromkeys(await case.addresses(_name(case.host), report, "the host"))
    if not ips:
        case_line = f"add to DNS the addresses of this machine: {_name(case.host)} A (and AAAA)"
        report.instructions.append(case_line)
    ips.update(dict.fromkeys((*(case.ips or ()), *case.socks)))
    natted = any(one.nat_ips or one.ips_natted for one in case.snapshot.static.listeners.values())
    for ip in ips:
        if ip.is_loopback:
            report.errors.append(f"{ip} is a loopback address, which other hosts cannot reach")
            continue
        if case.ips is not None and ip not in case.ips and ip not in case.socks:
            report.errors.append(f"{case.host} has the address {ip}, which is not one of this server")
        await _reverse(case, report, ip, socks if ip in case.socks else names, natted=natted)
    return report


async def _reverse(case: Case, report: Report, ip: IPAddress, expected: set[str], *, natted: bool) -> None:
    wish = f"ask your provider for the reverse name of {ip}: {min(expected)}"
    try:
        found = [name.rstrip(".") for name in (await case.resolver.ptr(ip)).records[:MAX_HOSTS]]
    except NotFound:
        # receivers outside look at addresses that they can see
        (report.errors if ip.is_global else report.found).append(f"{ip} has no reverse name")
        report.instructions.append(wish)
        return
    except DNSError as error:
        report.errors.append(f"the look-up of the reverse name of {ip} failed: {error}")
        return
    report.found.append(f"{ip} PTR {' '.join(found)}")
    confirmed = []
    for name in found:
        try:
            if ip in (await case.resolver.ips(f"{name.lower()}.")).records:
                confirmed.append(name.lower())
        except (DNSError, ValueError):
            continue
    if not confirmed:
        report.errors.append(f"the reverse name of {ip}, {found[0]}, does not lead back to it")
        report.instructions.append(wish)
    elif not expected & set(confirmed) and not natted:
        report.warnings.append(f"the reverse name of {ip} is {confirmed[0]}, not {min(expected)}")
        report.instructions.append(wish)
    elif len(found) > 1:
        report.warnings.append(f"{ip} has {len(found)} reverse names; some receivers want exactly one")


async def check_mx(case: Case) -> Report:
    """Mail for the domain is delivered here, and here alone."""
    report = Report()
    answer = await _mx(case, report)
    if answer is None:
        return report
    for record in answer.records[:MAX_HOSTS]:
        if record.host == ".":
            report.errors.append(f"{case.domain} has a null MX: it takes no mail")
            case.ask_for(report, "mx")
            continue
        ips = await case.addresses(record.host, report, "the MX host")
        if not ips or case.ips is None:
            continue
        ours = [ip for ip in ips if ip in case.ips]
        if not ours:
            report.errors.append(f"the MX host {record.host} is another machine: {', '.join(map(str, ips))}")
            case.ask_for(report, "mx")
        elif len(ours) < len(ips):
            others = ", ".join(str(ip) for ip in ips if ip not in ours)
            report.errors.append(f"the MX host {record.host} also has addresses that are not ours: {others}")
    return report


async def check_tls(case: Case) -> Report:
    """STARTTLS at all addresses of the MX hosts, with certificates of a known authority."""
    report = Report()
    answer = await _mx(case, report, quiet=True)
    for host in _hosts(answer):
        for ip in await case.addresses(host, report, "the MX host"):
            await case.probe(report, (ip,), 25, host.rstrip("."))
    return report


async def check_dane(case: Case) -> Report:
    """The TLSA records of the MX hosts are those of our keys."""
    report = Report(warnings=list(case.keys.host_problems))
    if not case.keys.tlsa:
        report.warnings.append("no DANE: no listener with SMTP has keys of the host for it")
        report.instructions.append(
            "make keys with `moxlite config ensure-acme-host-keys`, name them in host_private_key_files of the "
            "listener, and add the TLSA records that `moxlite config dnsrecords` prints then"
        )
        return report
    answer = await _mx(case, report, quiet=True)
    if answer is None:
        report.instructions.append("there is no MX record yet whose host could have TLSA records")
        return report
    if not answer.authentic:
        report.warnings.append(f"the MX record of {case.domain} is not signed: senders will not look for TLSA records")
    wanted = case.records("dane")
    for host in _hosts(answer):
        await _tlsa(case, report, host, wanted)
    return report


async def _tlsa(case: Case, report: Report, host: str, wanted: list[Wanted]) -> None:
    name = f"_25._tcp.{host}"
    try:
        found = await case.resolver.tlsa(name)
    except NotFound as error:
        if error.authentic:
            report.errors.append(f"{name} has no TLSA record")
            case.ask_for(report, "dane", name=name)
        else:
            report.warnings.append(f"{host} has no TLSA records; they need DNSSEC for its zone first")
        return
    except DNSError as error:
        report.errors.append(f"the look-up of {name} TLSA failed, so senders with DANE do not deliver: {error}")
        return
    records = set(found.records)
    report.found += [f"{name} TLSA {_shown(one)}" for one in found.records[:MAX_HOSTS]]
    if not found.authentic:
        report.errors.append(f"{name} has TLSA records, but its zone is not signed: they do nothing")
        return
    ours = {one.value for one in wanted if isinstance(one.value, TLSA)}
    if missing := ours - records:
        report.errors.append(f"{name} lacks {len(missing)} TLSA record{'s' if len(missing) > 1 else ''} of our keys")
        case.ask_for(report, "dane", name=name)
    for one in records - ours:
        report.errors.append(f"{name} has a TLSA record that is not of our keys: {_shown(one)}")


async def check_mtasts(case: Case) -> Report:
    """Record and policy exist and fit (AUTH-73)."""
    report = Report()
    mtasts = case.settings.mtasts
    if mtasts is None:
        report.warnings.append("MTA-STS is not configured for this domain")
        report.instructions.append(
            "enable mtasts_https at a listener, add [domains.NAME.mtasts] to domains.toml (moxlite config "
            "describe-domains), and the records of `moxlite config dnsrecords`"
        )
    try:
        identifier = await find_record(case.resolver, case.domain)
        report.found.append(f"record with id {identifier}")
        if mtasts is not None and identifier != mtasts.policy_id:
            report.errors.append(f"the record has id {identifier}, the policy here has {mtasts.policy_id}")
            case.ask_for(report, "mtasts", name=f"_mta-sts.{_name(case.domain)}")
    except NoPolicy as error:
        if mtasts is not None:
            report.errors.append(f"no record: {error}")
            case.ask_for(report, "mtasts")
    except PolicyError as error:
        report.errors.append(f"record: {error}")
    if mtasts is None and not report.found:
        return report
    ips = await case.addresses(f"mta-sts.{_name(case.domain)}", report, "the policy host")
    if not ips:
        case.ask_for(report, "mtasts")
        return report
    if any(case.reachable(report, ip) for ip in ips):
        await _policy(case, report)
    return report


async def _policy(case: Case, report: Report) -> None:
    try:
        policy = await fetch_policy(case.network.fetch, case.domain)
    except (PolicyError, FetchFailed) as error:
        report.errors.append(f"policy: {error}")
        return
    report.found.append(f"policy with mode {policy.mode}, max_age {policy.max_age}, mx {' '.join(policy.mx)}")
    if policy.mode == "none":
        report.warnings.append("the policy has mode none: it protects nothing")
    elif policy.mode == "testing":
        report.instructions.append(
            "the policy has mode testing: once TLS reports tell of no failures for some weeks, set mode enforce and a "
            "new policy_id"
        )
    if policy.max_age <= SHORT_AGE:
        report.warnings.append(f"the policy is kept for {policy.max_age} s only; a week or more protects better")
    if policy.mode != "none":
        await _hosts_of(case, report, policy)


async def _hosts_of(case: Case, report: Report, policy: Policy) -> None:
    if not matches(policy, case.host.ascii):
        report.errors.append(f"the policy does not name our host {case.host}")
    hosts = [host.rstrip(".") for host in _hosts(await _mx(case, Report(), quiet=True))]
    report.errors += [f"the policy does not name the MX host {host}" for host in hosts if not matches(policy, host)]
    for pattern in policy.mx:
        one = Policy(policy.mode, policy.max_age, (pattern,))
        if hosts and not any(matches(one, host) for host in hosts):
            report.warnings.append(f"the policy names {pattern}, which is no MX host")


async def _mx(case: Case, report: Report, *, quiet: bool = False) -> Answer[MX] | None:
    """The MX records; None if there are none, an error in the report unless `quiet`."""
    try:
        answer = await case.resolver.mx(_name(case.domain))
    except DNSError as error:
        if not quiet:
            report.errors.append(f"no MX record: {error}")
            case.ask_for(report, "mx")
        return None
    if not quiet:
        report.found += [f"{case.domain} MX {one.preference} {one.host}" for one in answer.records[:MAX_HOSTS]]
    return answer


def _hosts(answer: Answer[MX] | None) -> list[str]:
    """The MX hosts, absolute, without a null MX."""
    found = () if answer is None else answer.records[:MAX_HOSTS]
    return list(dict.fromkeys(one.host for one in found if one.host != "."))


def _name(domain: Domain) -> str:
    return f"{domain.ascii}."


def _shown(record: TLSA) -> str:
    return f"{record.usage} {record.selector} {record.matching} {record.data[:64].hex()}"
