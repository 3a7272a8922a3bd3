"""The check of DANE: TLSA records in DNS, compared with the configured keys and with the certificates that port 25
shows (ADMIN-48, AUTH-67).

Senders that support DANE follow the records, whether or not the configuration names keys. Records that match no key of
the host keep mail away.
"""

from collections.abc import Sequence
from typing import Final

from cryptography import x509

from moxlite.admin.dns.report import MAX_HOSTS, Case, Report, absolute_name, instructions, mx_hosts, mx_of, shown
from moxlite.admin.dns.wanted import WantedRecord, public_key_record
from moxlite.mailauth.dane import allowed_names, is_usable, verify
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import TLSA, Answer, DNSError, NotFound

MAKE_KEYS: Final = (
    "make keys with `moxlite config ensure-acme-host-keys`, name them in host_private_key_files of the listener, and "
    "add the TLSA records that `moxlite config dnsrecords` prints then"
)


async def check_dane(case: Case) -> Report:
    """Check that the TLSA records of each MX host match the keys that it shows."""
    report = Report(warnings=list(case.keys.host_problems))
    answer = await mx_of(case, report, quiet=True)
    if case.keys.tlsa:
        if answer is None:
            report.instructions.append("there is no MX record yet whose host could have TLSA records")
        elif not answer.authentic:
            text = f"the MX record of {case.domain} is not signed: senders will not look for TLSA records"
            report.warnings.append(text)
    published = [host for host in mx_hosts(answer) if await _check_host(case, report, host)]
    if not case.keys.tlsa:
        own = absolute_name(case.host)
        report.warnings.append(
            "no keys of the host are configured: the next certificate may have a key that the TLSA records don't fit"
            if own in map(str.lower, published)
            else "no DANE: no listener with SMTP has keys of the host for it"
        )
        report.instructions.append(MAKE_KEYS)
    return report


async def _check_host(case: Case, report: Report, host: str) -> bool:
    """Compare the records of a host with its keys; whether it has any records."""
    name = f"_25._tcp.{host}"
    wanted_records = [record for record in case.records("dane") if record.name == name.lower()]
    try:
        answer = await case.resolver.tlsa(name)
    except NotFound as error:
        if wanted_records and error.authentic:
            report.errors.append(f"{name} has no TLSA record")
            case.ask_for(report, "dane", name=name.lower())
        elif wanted_records:
            report.warnings.append(f"{host} has no TLSA records; they need DNSSEC for its zone first")
        return False
    except DNSError as error:
        report.errors.append(f"the look-up of {name} TLSA failed, so senders with DANE do not deliver: {error}")
        return False
    report.found += shown(name, "TLSA", answer.records[:MAX_HOSTS])
    if not answer.authentic:
        report.errors.append(f"{name} has TLSA records, but its zone is not signed: they do nothing")
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
        if case.reachable(report, ip):
            chain, problem = await case.network.shown(ip, host.rstrip("."))
            if chain:
                live[ip] = chain
            else:
                why = problem or "no certificate"
                report.warnings.append(f"the TLSA records of {host} were not compared with its port 25: {why}")
    return live


def _compare_keys(
    report: Report, name: str, answer: Answer[TLSA], wanted_records: Sequence[WantedRecord], live: Live
) -> None:
    """Compare the records of our host with its keys in the configuration."""
    ours = {wanted_record.value for wanted_record in wanted_records}
    missing = ours - set(answer.records)
    strange = [record for record in answer.records if record not in ours and not _fits_any([record], live, name)]
    if missing:
        report.errors.append(f"{name} lacks {len(missing)} TLSA record{'s' if len(missing) > 1 else ''} of our keys")
    for line in shown(name, "TLSA", strange[:MAX_HOSTS]):
        report.errors.append(f"a TLSA record is not of our keys: {line}")
    if missing or strange:
        kept = [record for record in answer.records if record in ours]
        report.instructions += instructions(shown(name, "TLSA", [*strange[:MAX_HOSTS], *kept]), wanted_records)


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
        text = f"no TLSA record of {name} fits the key that {ip} shows at port 25: senders with DANE do not deliver"
        report.errors.append(text)
    if not unfit or host.lower() != absolute_name(case.host):
        return
    now = dict.fromkeys(public_key_record(live[ip][0].public_key()) for ip in unfit)
    if not keys:
        wanted_records = [WantedRecord("dane", name, "TLSA", tlsa) for tlsa in now]
        report.instructions += instructions(shown(name, "TLSA", answer.records[:MAX_HOSTS]), wanted_records)
    elif not keys >= now.keys():
        text = "port 25 shows a key that is not in host_private_key_files: systemctl restart moxlite"
        report.instructions.append(text)


def _fits(records: Sequence[TLSA], chain: Sequence[x509.Certificate], name: str) -> bool:
    host = name.removeprefix("_25._tcp.").rstrip(".")
    names = allowed_names(host, host=host, has_mx=True, secure=False)
    usable = [record for record in records[:MAX_HOSTS] if is_usable(record)]
    return verify(usable, chain, names) is None


def _fits_any(records: Sequence[TLSA], live: Live, name: str) -> bool:
    return any(_fits(records, chain, name) for chain in live.values())
