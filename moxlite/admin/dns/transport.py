"""Checks of the way to this server: DNSSEC, reverse names, MX, TLS, MTA-STS (ADMIN-48, AUTH-60, 73)."""

from typing import Final

from moxlite.admin.dns.report import MAX_HOSTS, Case, Report, absolute_name, instructions, mx_hosts, mx_of, shown
from moxlite.admin.dns.wanted import Kind
from moxlite.mailauth.dnssec import ADVICE, Verifies, check_resolver
from moxlite.mailauth.mtasts import FetchFailed, NoPolicy, Policy, PolicyError, fetch_policy, find_record, matches
from moxlite.net.dnssec.resolver import ValidatingResolver
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import MX, DNSError, NotFound, TempError

SHORT_AGE: Final = 86_400
"""Seconds. A policy with a shorter or equal lifetime protects few senders (RFC 8461 §3.2)."""


async def check_dnssec(case: Case) -> Report:
    """Check that the resolver verifies DNSSEC, and that the domain is signed.

    Whether the domain is signed is known without such a resolver, too, if the resolver passes on signatures. Mail needs
    one all the same.
    """
    report = Report()
    own = case.resolver if isinstance(case.resolver, ValidatingResolver) else None
    verifies = await check_resolver(case.resolver if own is None else own.plain)
    if verifies.problem:
        report.warnings.append(verifies.problem)
    if verifies.status is Verifies.UNVERIFIED:
        report.instructions.append(ADVICE)
    try:
        signed = (await case.resolver.mx(absolute_name(case.domain))).authentic
    except DNSError as error:
        signed = error.authentic
        if isinstance(error, TempError) and error.dnssec:
            report.errors.append(f"hosts that verify DNSSEC cannot look up {case.domain}: {error}")
            signed = True
    known = verifies.status is not Verifies.UNVERIFIED or (own is not None and await own.can_validate())
    if not signed and known:
        report.warnings.append(f"{case.domain} is not signed with DNSSEC: without it there is no DANE")
        report.instructions.append("switch DNSSEC on at your DNS provider, and give the DS record to your registrar")
    return report


async def check_iprev(case: Case) -> Report:
    """Check that each address has one reverse name, which is ours and leads back."""
    report = Report()
    names = {case.host.ascii, case.snapshot.static.hostname.ascii}
    transports = case.snapshot.static.transports.values()
    socks = {transport.socks.remote_hostname.ascii for transport in transports if transport.socks is not None}
    ips = dict.fromkeys(await case.addresses(absolute_name(case.host), report, "the host"))
    if not ips:
        _ask_for_addresses(case, report)
    ips.update(dict.fromkeys((*(case.ips or ()), *case.socks)))
    natted = any(listener.nat_ips or listener.ips_natted for listener in case.snapshot.static.listeners.values())
    for ip in ips:
        if ip.is_loopback:
            report.errors.append(f"{ip} is a loopback address, which other hosts cannot reach")
            continue
        if case.ips is not None and ip not in case.ips and ip not in case.socks:
            report.errors.append(f"{case.host} has the address {ip}, which is not one of this server")
            await case.mend_host(report)
        await _reverse(case, report, ip, socks if ip in case.socks else names, natted=natted)
    return report


def _ask_for_addresses(case: Case, report: Report) -> None:
    case.ask_for(report, "host")
    if not case.records("host"):
        report.instructions.append(f"add to DNS the addresses of this machine: {absolute_name(case.host)} A (and AAAA)")


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
    """Check that mail for the domain is delivered here, and only here."""
    report = Report()
    answer = await mx_of(case, report)
    if answer is None:
        return report
    name = absolute_name(case.domain)
    wrong = [record for record in answer.records[:MAX_HOSTS] if not await _leads_here(case, report, record)]
    if wrong and len(wrong) < len(answer.records):
        report.instructions += instructions(shown(name, "MX", wrong), ())
    elif wrong:
        case.ask_for(report, "mx", found=shown(name, "MX", wrong))
    return report


async def _leads_here(case: Case, report: Report, record: MX) -> bool:
    """Whether an MX record may stay. If it names our host, only the host's addresses can be wrong."""
    if record.host == ".":
        report.errors.append(f"{case.domain} has a null MX: it takes no mail")
        return False
    ours = record.host.lower() == absolute_name(case.host)
    ips = await case.find_addresses(record.host, report, "the MX host")
    if ips is None:
        return True  # unknown
    if not ips:
        if ours:
            _ask_for_addresses(case, report)
        return ours
    foreign = [] if case.ips is None else [ip for ip in ips if ip not in case.ips]
    if not foreign:
        return True
    others = ", ".join(map(str, foreign))
    if len(foreign) == len(ips):
        report.errors.append(f"the MX host {record.host} is another machine: {others}")
    else:
        report.errors.append(f"the MX host {record.host} also has addresses that are not ours: {others}")
    if ours:
        await case.mend_host(report)
    elif len(foreign) < len(ips):
        for ip in foreign:
            kind: Kind = "A" if ip.version == 4 else "AAAA"
            report.instructions += instructions(shown(record.host, kind, [str(ip)]), ())
        return True
    return ours


async def check_tls(case: Case) -> Report:
    """Check STARTTLS at all addresses of the MX hosts, with certificates of a known authority."""
    report = Report()
    answer = await mx_of(case, report, quiet=True)
    for host in mx_hosts(answer):
        for ip in await case.addresses(host, report, "the MX host"):
            await case.probe(report, (ip,), 25, host.rstrip("."))
    return report


async def check_mtasts(case: Case) -> Report:
    """Check that the MTA-STS record and the policy exist and match (AUTH-73)."""
    report = Report()
    mtasts = case.settings.mtasts
    if mtasts is None:
        report.warnings.append("MTA-STS is not configured for this domain")
        report.instructions.append(
            "enable mtasts_https at a listener, add [domains.NAME.mtasts] to domains.toml (moxlite config "
            "describe-domains), and the records of `moxlite config dnsrecords`"
        )
    name = f"_mta-sts.{absolute_name(case.domain)}"
    try:
        identifier = await find_record(case.resolver, case.domain)
        report.found.append(f"record with id {identifier}")
        if mtasts is not None and identifier != mtasts.policy_id:
            report.errors.append(f"the record has id {identifier}, the policy here has {mtasts.policy_id}")
            case.ask_for(report, "mtasts", name=name, found=await _policy_lines(case, name))
    except NoPolicy as error:
        if mtasts is not None:
            report.errors.append(f"no record: {error}")
            case.ask_for(report, "mtasts", name=name)
    except PolicyError as error:
        report.errors.append(f"record: {error}")
        if not error.temporary:
            case.ask_for(report, "mtasts", name=name, found=await _policy_lines(case, name))
    if mtasts is None and not report.found:
        return report
    ips = await case.addresses(f"mta-sts.{absolute_name(case.domain)}", report, "the policy host")
    if not ips:
        case.ask_for(report, "mtasts", name=f"mta-sts.{absolute_name(case.domain)}")
        return report
    if any(case.reachable(report, ip) for ip in ips):
        await _policy(case, report)
    return report


async def _policy_lines(case: Case, name: str) -> list[str]:
    return shown(name, "TXT", await case.texts(name, "v=STSv1", Report()) or ())


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
            "the policy has mode testing: once TLS reports tell of no failures for some weeks, set mode enforce"
        )
    if policy.max_age <= SHORT_AGE:
        report.warnings.append(f"the policy is kept for {policy.max_age} s only; a week or more protects better")
    if policy.mode != "none":
        await _compare_hosts(case, report, policy)


async def _compare_hosts(case: Case, report: Report, policy: Policy) -> None:
    if not matches(policy, case.host.ascii):
        report.errors.append(f"the policy does not name our host {case.host}")
    hosts = [host.rstrip(".") for host in mx_hosts(await mx_of(case, Report(), quiet=True))]
    report.errors += [f"the policy does not name the MX host {host}" for host in hosts if not matches(policy, host)]
    for pattern in policy.mx:
        one = Policy(policy.mode, policy.max_age, (pattern,))
        former = case.settings.mtasts.former_mx if case.settings.mtasts is not None else ()
        if hosts and pattern not in former and not any(matches(one, host) for host in hosts):
            report.warnings.append(f"the policy names {pattern}, which is no MX host")
