"""``moxlite config dnscheck``: all topics at once, within 30 seconds, without an exception whatever DNS answers
(ADMIN-48, 67).
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import trio
from cryptography import x509

from moxlite.admin.dns import clients, senders
from moxlite.admin.dns.network import Network
from moxlite.admin.dns.report import MAX_HOSTS, Case, Report, absolute_name, instructions, mx_hosts, mx_of, shown
from moxlite.admin.dns.wanted import HeldKeys, Kind, WantedRecord, own_ips, public_key_record, records_of, socks_ips
from moxlite.config.domains import POLICY_ID_TIME
from moxlite.config.snapshot import Snapshot
from moxlite.mailauth.dane import allowed_names, is_usable, verify
from moxlite.mailauth.dnssec import ADVICE, Verifies, check_resolver
from moxlite.mailauth.mtasts import FetchFailed, NoPolicy, Policy, PolicyError, fetch_policy, find_record, matches
from moxlite.net.addresses import is_internal
from moxlite.net.dnssec.resolver import ValidatingResolver
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import MX, TLSA, Answer, DNSError, NotFound, Resolver, TempError
from moxlite.proto.address import Domain
from moxlite.wording import fault_of

# Checks of the way to this server: DNSSEC, reverse names, MX, TLS, MTA-STS (ADMIN-48, AUTH-60, 73).


SHORT_AGE: Final = 86_400
"""Seconds. A policy with a shorter or equal lifetime protects few senders (RFC 8461 §3.2)."""


TESTING: Final = timedelta(weeks=3)
"""For which a new policy is only tested: reports of TLS failures come daily."""


async def check_dnssec(case: Case, report: Report) -> None:
    """Check that the resolver verifies DNSSEC, and that the domain is signed.

    Whether the domain is signed is known without such a resolver, too, if the resolver passes on signatures. Mail needs
    one all the same.
    """
    own = case.resolver if isinstance(case.resolver, ValidatingResolver) else None
    verifies = await check_resolver(case.resolver if own is None else own.plain)
    if verifies.status is Verifies.UNVERIFIED:
        report.note(f"{verifies.problem}; {ADVICE}")
    elif verifies.problem:
        report.warning(verifies.problem)
    try:
        signed = (await case.resolver.mx(absolute_name(case.domain))).authentic
    except DNSError as error:
        signed = error.authentic
        if isinstance(error, TempError) and error.dnssec:
            report.error(f"DNSSEC validation for {case.domain} fails: {error}")
            signed = True
    report.unused = not signed
    known = verifies.status is not Verifies.UNVERIFIED or (own is not None and await own.can_validate())
    if not signed and known:
        report.note(
            f"{case.domain} isn't signed with DNSSEC. Mail works without it. To also use DANE, run "
            "`moxlite help docs/dns.md#dnssec`"
        )


async def check_iprev(case: Case, report: Report) -> None:
    """Check that each address has one reverse name, which is ours and leads back."""
    names = {case.host.ascii, case.snapshot.static.hostname.ascii}
    transports = case.snapshot.static.transports.values()
    socks = {transport.socks.remote_hostname.ascii for transport in transports if transport.socks is not None}
    ips = dict.fromkeys(await case.addresses(absolute_name(case.host), report, "the host"))
    astray = await case.is_astray(report, tuple(ips))
    unaddressed = not ips or astray
    if astray:
        ips.clear()
    ips.update(dict.fromkeys((*(case.ips or ()), *case.socks)))
    natted = any(listener.nat_ips or listener.ips_natted for listener in case.snapshot.static.listeners.values())
    for ip in ips:
        if ip.is_loopback:
            report.error(f"other hosts can't reach the loopback address {ip}")
            continue
        if case.ips is not None and ip not in case.ips and ip not in case.socks:
            report.error(f"{case.host} has the address {ip}, which isn't this server's")
            await case.mend_host(report)
        expected = socks if ip in case.socks else names
        await _reverse(case, report, ip, expected, natted=natted, unaddressed=unaddressed)


async def _reverse(
    case: Case, report: Report, ip: IPAddress, expected: set[str], *, natted: bool, unaddressed: bool
) -> None:
    wish = f"ask your provider for the reverse name of {ip}: {min(expected)}"
    try:
        found = [name.rstrip(".") for name in (await case.resolver.ptr(ip)).records[:MAX_HOSTS]]
    except NotFound:
        # receivers outside look at addresses that they can see
        text = f"{ip} doesn't have reverse DNS"
        if ip.is_global:
            report.error(text, wish)
        else:
            report.found.append(text)
            report.note(wish)
        return
    except DNSError as error:
        report.error(f"couldn't look up reverse DNS for {ip}: {error}")
        return
    report.found.append(f"{ip} PTR {' '.join(found)}")
    confirmed = [name.lower() for name in found if await _leads_back(case, name, ip)]
    if unaddressed and case.host.ascii in map(str.lower, found):
        return  # it can't lead back without the right address, which has been told
    if not confirmed:
        report.error(f"{found[0]}, the reverse DNS name for {ip}, doesn't resolve to this address", wish)
    elif not expected & set(confirmed) and not natted:
        report.warning(f"reverse DNS for {ip} should be {min(expected)}, but is {confirmed[0]}", wish)
    elif len(found) > 1:
        report.warning(f"found {len(found)} reverse DNS names for {ip}; some receivers expect a single name")


async def _leads_back(case: Case, name: str, ip: IPAddress) -> bool:
    """Whether a reverse name has the address that it is for."""
    try:
        return ip in (await case.resolver.ips(f"{name.lower()}.")).records
    except (DNSError, ValueError):
        return False


async def check_mx(case: Case, report: Report) -> None:
    """Check that mail for the domain is delivered here, and only here."""
    answer = await mx_of(case, report)
    if answer is None:
        return
    name = absolute_name(case.domain)
    wrong = [record for record in answer.records[:MAX_HOSTS] if not await _leads_here(case, report, record)]
    if wrong and len(wrong) < len(answer.records):
        report.mend(*instructions(shown(name, "MX", wrong), ()))
    elif wrong:
        case.ask_for(report, "mx", found=shown(name, "MX", wrong))


async def _leads_here(case: Case, report: Report, record: MX) -> bool:
    """Whether an MX record may stay. If it names our host, only the host's addresses can be wrong."""
    if record.host == ".":
        report.error(f"{case.domain} can't receive mail because of a null MX record")
        return False
    ours = record.host.lower() == absolute_name(case.host)
    ips = await case.find_addresses(record.host, report, "the MX host")
    if ips is None:
        return True  # unknown
    if not ips:
        return ours
    if ours and await case.is_astray(report, ips):
        return True
    foreign = [] if case.ips is None else [ip for ip in ips if ip not in case.ips]
    if not foreign:
        return True
    others = ", ".join(map(str, foreign))
    if len(foreign) == len(ips):
        report.error(f"MX host {record.host} points to another machine: {others}")
    else:
        report.error(f"MX host {record.host} also points to other addresses: {others}")
    if ours:
        await case.mend_host(report)
    elif len(foreign) < len(ips):
        for ip in foreign:
            kind: Kind = "A" if ip.version == 4 else "AAAA"
            report.mend(*instructions(shown(record.host, kind, [str(ip)]), ()))
        return True
    return ours


async def check_tls(case: Case, report: Report) -> None:
    """Check STARTTLS at all addresses of the MX hosts, with certificates of a known authority."""
    answer = await mx_of(case, report, quiet=True)
    for host in mx_hosts(answer):
        for ip in await case.addresses(host, report, "the MX host"):
            await case.probe(report, (ip,), 25, host.rstrip("."))


async def check_mtasts(case: Case, report: Report) -> None:
    """Check that the MTA-STS record and the policy exist and match (AUTH-73)."""
    mtasts = case.settings.mtasts
    if mtasts is None:
        report.warning("MTA-STS isn't set up for this domain")
        report.mend(
            "turn on mtasts_https for a listener, add [domains.NAME.mtasts] to domains.toml (moxlite config "
            "describe-domains), and add the records from `moxlite config dnsrecords`"
        )
    name = f"_mta-sts.{absolute_name(case.domain)}"
    try:
        identifier = await find_record(case.resolver, case.domain)
        report.found.append(f"record with id {identifier}")
        if mtasts is not None and identifier != mtasts.policy_id:
            report.error(f"policy ID mismatch: {identifier} in the record, {mtasts.policy_id} here")
            case.ask_for(report, "mtasts", name=name, found=await _policy_lines(case, name))
    except NoPolicy as error:
        if mtasts is not None:
            report.error(f"no record: {error}")
            case.ask_for(report, "mtasts", name=name)
    except PolicyError as error:
        report.error(f"record: {error}")
        if not error.temporary:
            case.ask_for(report, "mtasts", name=name, found=await _policy_lines(case, name))
    if mtasts is not None or report.found:
        await _policy_host(case, report)


async def _policy_host(case: Case, report: Report) -> None:
    ips = await case.addresses(f"mta-sts.{absolute_name(case.domain)}", report, "the policy host")
    if not ips:
        case.ask_for(report, "mtasts", name=f"mta-sts.{absolute_name(case.domain)}")
        return
    if await case.is_astray(report, ips):
        return
    if any(case.reachable(report, ip) for ip in ips):
        private = not case.snapshot.static.allow_private_mx and all(map(is_internal, ips))
        await _policy(case, report, *((ALLOW_PRIVATE,) if private else ()))


async def _policy_lines(case: Case, name: str) -> list[str]:
    return shown(name, "TXT", await case.texts(Report(), "mtasts", name) or ())


ALLOW_PRIVATE: Final = (
    "to allow private addresses, set `allow_private_mx = true` at the top of moxlite.toml, above the first [section]"
)


async def _policy(case: Case, report: Report, *mend: str) -> None:
    try:
        policy = await fetch_policy(case.network.fetch, case.domain)
    except (PolicyError, FetchFailed) as error:
        if not case.is_uncertified(report, f"mta-sts.{case.domain.ascii}"):
            report.error(f"policy: {error}", *mend)
        return
    report.found.append(f"policy with mode {policy.mode}, max_age {policy.max_age}, mx {' '.join(policy.mx)}")
    if policy.mode == "none":
        report.warning("the policy doesn't protect mail because its mode is `none`")
    elif policy.mode == "testing" and _is_tested(case):
        report.note(
            "if the admin app's reports didn't show TLS failures in the last weeks, end the policy's testing mode with "
            f'`mode = "enforce"` below [domains."{case.domain}".mtasts] in domains.toml, next to moxlite.toml. '
            f"This changes its ID, so then run `moxlite config dnscheck {case.domain}`"
        )
    if policy.max_age <= SHORT_AGE:
        report.warning(f"the policy is only cached for {policy.max_age} s; for better protection, use a week or more")
    if policy.mode != "none":
        await _compare_hosts(case, report, policy)


def _is_tested(case: Case) -> bool:
    """Whether the policy has been in testing mode long enough to say if it fails, as far as its ID tells."""
    settings = case.settings.mtasts
    try:
        began = datetime.strptime("" if settings is None else settings.policy_id, POLICY_ID_TIME).replace(tzinfo=UTC)
    except ValueError:
        return True
    return datetime.now(UTC) - began >= TESTING


async def _compare_hosts(case: Case, report: Report, policy: Policy) -> None:
    if not matches(policy, case.host.ascii):
        report.error(f"the policy doesn't include this server, {case.host}")
    hosts = [host.rstrip(".") for host in mx_hosts(await mx_of(case, report, quiet=True))]
    for host in hosts:
        if not matches(policy, host):
            report.error(f"the policy doesn't include the MX host {host}")
    for pattern in policy.mx:
        one = Policy(policy.mode, policy.max_age, (pattern,))
        former = case.settings.mtasts.former_mx if case.settings.mtasts is not None else ()
        if hosts and pattern not in former and not any(matches(one, host) for host in hosts):
            report.warning(f"the policy includes {pattern}, which isn't an MX host")


# The check of DANE: TLSA records in DNS, compared with the configured keys and with the certificates that port 25 shows
# (ADMIN-48, AUTH-67).
#
# Senders that support DANE follow the records, whether or not the configuration names keys. Records that match no key
# of the host keep mail away.


MAKE_KEYS: Final = (
    "create keys with `moxlite config ensure-acme-host-keys`, add them to the listener's host_private_key_files, "
    "then add the TLSA records from `moxlite config dnsrecords`"
)
KEEP_KEY: Final = (
    "set your certificate program to keep its key when it renews (certbot renew --reuse-key), add its file to "
    "the listener's host_private_key_files, then add the TLSA records from `moxlite config dnsrecords`"
)
"""Where certificates aren't by ACME, MAKE_KEYS' command is refused."""


async def check_dane(case: Case, report: Report) -> None:
    """Check that the TLSA records of each MX host match the keys that it shows."""
    for problem in case.keys.host_problems:
        report.warning(problem)
    answer = await mx_of(case, report, quiet=True)
    looked = len(report.warnings) == len(case.keys.host_problems)
    if case.keys.tlsa and looked and answer is None:
        report.note("the domain doesn't have an MX record yet, which TLSA records require")
    signed = answer is not None and answer.authentic
    published = [host for host in mx_hosts(answer) if await _check_host(case, report, host, signed=signed)]
    report.unused = not published
    if not case.keys.tlsa:
        own = absolute_name(case.host)
        report.warning(
            "host keys aren't set up, so the next certificate's key may not match the TLSA records"
            if own in map(str.lower, published)
            else "to use DANE, set up host keys for a listener with SMTP"
        )
        listeners = case.snapshot.static.listeners.values()
        ordered = any(one.smtp.enabled and one.tls is not None and one.tls.acme is not None for one in listeners)
        report.mend(MAKE_KEYS if ordered else KEEP_KEY)


async def _check_host(case: Case, report: Report, host: str, *, signed: bool) -> bool:
    """Compare the records of a host with its keys; whether it has any records. signed: the MX record is; if it isn't,
    the topic of DNSSEC has said so.
    """
    name = f"_25._tcp.{host}"
    wanted_records = [record for record in case.records("dane") if record.name == name.lower()]
    try:
        answer = await case.resolver.tlsa(name)
    except NotFound as error:
        if wanted_records and error.authentic:
            report.error(f"{name} doesn't have a TLSA record")
            case.ask_for(report, "dane", name=name.lower())
        elif wanted_records and signed:
            report.note(f"{host.rstrip('.')} isn't signed with DNSSEC, so it can't have TLSA records for DANE")
        return False
    except DNSError as error:
        report.error(f"DANE senders can't deliver: TLSA lookup for {name} failed: {error}")
        return False
    report.found += shown(name, "TLSA", answer.records[:MAX_HOSTS])
    if not answer.authentic:
        report.error(f"TLSA records for {name} don't work because the zone isn't signed")
    live = await _live(case, report, host)
    if wanted_records:
        _compare_keys(report, name, answer, wanted_records, live)
    _compare_live(case, report, host, answer, live, keys={wanted_record.value for wanted_record in wanted_records})
    return True


Live = dict[IPAddress, Sequence[x509.Certificate]]
"""The certificates that port 25 of a host shows, by address, leaf first. Addresses that show no certificate are left
out.
"""


async def _live(case: Case, report: Report, host: str) -> Live:
    live: Live = {}
    for ip in await case.addresses(host, report, "the MX host"):
        if not await case.is_astray(report, (ip,)) and case.reachable(report, ip):
            chain, problem = await case.network.shown(ip, host.rstrip("."))
            if chain:
                live[ip] = chain
            else:
                why = problem or "no certificate"
                report.warning(f"couldn't compare {host}'s TLSA records with port 25: {why}")
    return live


def _compare_keys(
    report: Report, name: str, answer: Answer[TLSA], wanted_records: Sequence[WantedRecord], live: Live
) -> None:
    """Compare the records of our host with its keys in the configuration."""
    ours = {wanted_record.value for wanted_record in wanted_records}
    missing = ours - set(answer.records)
    strange = [record for record in answer.records if record not in ours and not _fits_any([record], live, name)]
    if missing:
        report.error(
            f"{name} is missing {len(missing)} TLSA record{'s' if len(missing) > 1 else ''} for this server's keys"
        )
    for line in shown(name, "TLSA", strange[:MAX_HOSTS]):
        report.error(f"TLSA record doesn't match this server's keys: {line}")
    if missing or strange:
        kept = [record for record in answer.records if record in ours]
        report.mend(*instructions(shown(name, "TLSA", [*strange[:MAX_HOSTS], *kept]), wanted_records))


def _compare_live(
    case: Case, report: Report, host: str, answer: Answer[TLSA], live: Live, *, keys: set[object]
) -> None:
    """Compare the records of a host with the certificates that it shows.

    Args:
      keys: records of the keys in the configuration; empty for another machine.
    """
    name = f"_25._tcp.{host}"
    unfit = [ip for ip, chain in live.items() if not _fits(answer.records, chain, name)]
    for ip in unfit:
        text = f"DANE senders can't deliver: the key on {ip} port 25 doesn't match the TLSA records for {name}"
        report.error(text)
    if not unfit or host.lower() != absolute_name(case.host):
        return
    now = dict.fromkeys(public_key_record(live[ip][0].public_key()) for ip in unfit)
    if not keys:
        wanted_records = [WantedRecord("dane", name, "TLSA", tlsa) for tlsa in now]
        report.mend(*instructions(shown(name, "TLSA", answer.records[:MAX_HOSTS]), wanted_records))
    elif not keys >= now.keys():
        text = "the key on port 25 isn't in host_private_key_files; run: systemctl restart moxlite"
        report.mend(text)


def _fits(records: Sequence[TLSA], chain: Sequence[x509.Certificate], name: str) -> bool:
    host = name.removeprefix("_25._tcp.").rstrip(".")
    names = allowed_names(host, host=host, has_mx=True, secure=False)
    usable = [record for record in records[:MAX_HOSTS] if is_usable(record)]
    return verify(usable, chain, names) is None


def _fits_any(records: Sequence[TLSA], live: Live, name: str) -> bool:
    return any(_fits(records, chain, name) for chain in live.values())


logger = logging.getLogger("moxlite.admin.dns")

SECONDS: Final = 30.0
"""Seconds for all topics together."""

TITLES: Final[Mapping[str, str]] = {
    "iprev": "reverse DNS",
    "tls": "TLS on port 25",
    "host-tlsrpt": "reports about TLS failures of this machine",
    "tlsrpt": "reports about TLS failures",
    "mtasts": "MTA-STS policy",
    "srv": "services for mail clients",
    "autoconfig": "settings for Thunderbird",
    "autodiscover": "settings for Outlook",
    "pacc": "settings for newer mail clients",
    "client-settings": "server name for mail clients",
}
"""Titles of topics that aren't named after a record."""

CHECKS: Final[Mapping[str, Callable[[Case, Report], Awaitable[None]]]] = {
    "dnssec": check_dnssec,
    "iprev": check_iprev,
    "mx": check_mx,
    "tls": check_tls,
    "dane": check_dane,
    "spf": senders.check_spf,
    "dkim": senders.check_dkim,
    "dmarc": senders.check_dmarc,
    "host-tlsrpt": senders.check_host_tlsrpt,
    "tlsrpt": senders.check_tlsrpt,
    "mtasts": check_mtasts,
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
    report = Report("DNS", "dns-server")
    if not silence.servers:
        return report
    servers = ", ".join(map(str, silence.servers))
    several = len(silence.servers) > 1
    text = f"DNS servers {servers} aren't responding" if several else f"DNS server {servers} isn't responding"
    mend = f"fix {silence.file}" if silence.file else "correct the address in dns.servers (moxlite.toml) or --resolver"
    if any(ip.is_loopback for ip in silence.servers):
        mend += "; make sure a resolver like unbound is running on this machine"
    (report.error if silence.all else report.warning)(text, mend)
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
    resolver: Resolver,
    network: Network,
    *,
    served: bool,
    held: HeldKeys | None = None,
    topics: Collection[str] = tuple(CHECKS),
) -> dict[str, Report]:
    """Check the DNS records and the services of a domain; a report for each topic.

    Args:
      served: the server runs.
      held: keys that this process has already, which are not read from files.
      topics: the topics to check.
    """
    found = await trio.to_thread.run_sync(records_of, snapshot, domain, held)
    case = Case(
        **msgspec.structs.asdict(found),
        ips=own_ips(snapshot),
        socks=socks_ips(snapshot),
        served=served,
        resolver=resolver,
        network=network,
    )
    reports = {name: Report(f"{domain} {name}") for name in CHECKS if name in topics}
    ended: set[str] = set()

    async def run(name: str, report: Report) -> None:
        try:
            await CHECKS[name](case, report)
        except Exception as error:  # one topic's crash becomes an entry of its report, and the others go on (ADMIN-67)
            logger.exception("DNS check failed", extra={"kv": {"topic": name, "domain": domain.ascii}})
            report.error(f"the check failed: {fault_of(error)}")
        ended.add(name)

    with trio.move_on_after(SECONDS):
        async with trio.open_nursery() as nursery:
            for name, report in reports.items():
                nursery.start_soon(run, name, report)
    for name in reports.keys() - ended:
        reports[name].error(f"timed out after {SECONDS:.0f} s")
    return reports
