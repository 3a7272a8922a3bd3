"""The MX records of a domain, used by several checks (ADMIN-48)."""

from typing import Final

from moxlite.admin.dns.mending import shown
from moxlite.admin.dns.report import Case, Report
from moxlite.net.resolver import MX, Answer, DNSError, NotFound
from moxlite.proto.address import Domain

MAX_HOSTS: Final = 20
"""Number of MX hosts that are checked. RFC 5321 has no limit, and a made-up answer may have thousands."""


async def mx_of(case: Case, report: Report, *, quiet: bool = False) -> Answer[MX] | None:
    """Look up the MX records; None if the domain has no MX record or the look-up failed. Unless `quiet`, both are
    errors in the report.
    """
    name = absolute_name(case.domain)
    try:
        answer = await case.resolver.mx(name)
    except NotFound as error:
        if not quiet:
            report.errors.append(f"no MX record: {error}")
            case.ask_for(report, "mx")
        return None
    except DNSError as error:
        if not quiet:
            report.errors.append(f"the look-up of {name} MX failed: {error}")
        return None
    if not quiet:
        report.found += shown(name, "MX", answer.records[:MAX_HOSTS])
    return answer


def mx_hosts(answer: Answer[MX] | None) -> list[str]:
    """The MX hosts as absolute names; a null MX is left out."""
    found = () if answer is None else answer.records[:MAX_HOSTS]
    return list(dict.fromkeys(one.host for one in found if one.host != "."))


def absolute_name(domain: Domain) -> str:
    """The name of a domain as queries have it: absolute, with a dot at the end."""
    return f"{domain.ascii}."
