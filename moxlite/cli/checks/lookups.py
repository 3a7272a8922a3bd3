"""Look-ups from the command line: ``moxlite dns`` (AUTH-90), ``dnsbl`` (AUTH-61, AUTH-62), ``iprev`` (AUTH-60) and
``rdap`` (ADMIN-19, ADMIN-29).
"""

import re
from typing import TYPE_CHECKING

import click

from moxlite.cli.common import HostPort, LazyGroup
from moxlite.cli.verdicts import NO, TEMPORARY, YES, ip_argument, resolver_option, tell, with_resolver
from moxlite.encoding import to_builtins

if TYPE_CHECKING:
    from moxlite.net.resolver import Answer, Resolver


TYPES = ("ptr", "mx", "cname", "ips", "a", "aaaa", "ns", "txt", "srv", "tlsa")


@click.group(
    cls=LazyGroup,
    lazy={
        "provider": ("moxlite.cli.setup.dnsproviders:provider", "Manage DNS providers for your records."),
        "host-key": ("moxlite.cli.setup.keyrotation:host_key", "Rotate the host key for TLSA records."),
        "rotation": ("moxlite.cli.setup.keyrotation:rotation", "Rotate a domain's DKIM key."),
        "undo": ("moxlite.cli.setup.publishing:undo", "Undo the last change to your DNS records."),
        "update": ("moxlite.cli.setup.publishing:update", "Update your DNS records at a provider or name server."),
    },
)
def dns() -> None:
    """Look up names in DNS, and update your records. Names are looked up like the server does."""


def _question(words: tuple[str, ...]) -> tuple[str, str]:
    """The type and the name of a look-up. Raises UsageError."""
    if len(words) == 2 and words[0].lower() not in TYPES:
        words = words[::-1]  # as dig has it
    if len(words) > 2 or (len(words) == 2 and words[0].lower() not in TYPES):
        raise click.UsageError(f"specify a name and one of these types: {', '.join(TYPES)}")
    kind, name = (words[0].lower(), words[1]) if len(words) == 2 else ("ips", words[0])
    if host := re.search(r"^[a-z]+://([^/:]+)|@([^@/]+)$", name):
        raise click.UsageError(f"{name!r} isn't a name in DNS. Use {host[1] or host[2]}")
    if kind != "ptr" and re.fullmatch(r"[0-9.]+|[0-9a-fA-F]*:[0-9a-fA-F:.]*", name):
        raise click.UsageError(f"{name!r} is an IP address. To find its name, run: moxlite dns lookup ptr {name}")
    return kind, name


@dns.command()
@click.argument("words", nargs=-1, required=True, metavar="[TYPE] NAME")
@resolver_option
def lookup(words: tuple[str, ...], resolver: HostPort | None) -> int:
    """Print NAME's records and their DNSSEC status. TYPE can be ptr (for an IP address), mx, cname, ips
    (the default), a, aaaa, ns, txt, srv, tlsa.
    """
    import msgspec

    from moxlite.net.resolver import DNSError, NotFound, RecordType, TempError, absolute

    kind, name = _question(words)
    address = ip_argument(name) if kind == "ptr" else None

    async def ask(found: "Resolver") -> "Answer[object]":
        if address is not None:
            return await found.ptr(address)  # type: ignore[return-value]  # records of any kind are printed
        if kind == "ips":
            return await found.ips(absolute(name))  # type: ignore[return-value]  # as above
        return await found.lookup(absolute(name), RecordType(kind.upper()))  # type: ignore[return-value]  # as above

    result: dict[str, object] = {"type": kind, "name": name, "status": "found", "problem": ""}
    code = YES
    try:
        answer = with_resolver(resolver, ask)
    except DNSError as error:
        result |= {"status": "notfound" if isinstance(error, NotFound) else "permerror", "problem": str(error)}
        result["authentic"] = error.authentic
        code = NO
        if isinstance(error, NotFound):
            result["nonexistent"] = error.nonexistent
        elif isinstance(error, TempError):
            result |= {"status": "temperror", "code": error.code, "dnssec": error.dnssec}
            code = TEMPORARY
    else:
        records = [
            to_builtins(record) if isinstance(record, msgspec.Struct) else str(record) for record in answer.records
        ]
        result |= {"records": records, "authentic": answer.authentic, "ttl": answer.ttl, "final_name": answer.name}
        result["chain"] = list(answer.chain)
    tell(result)
    return code


@click.group()
def dnsbl() -> None:
    """Look up DNS block lists."""


@dnsbl.command()
@click.argument("zone")
@click.argument("ip")
@resolver_option
def check(zone: str, ip: str, resolver: HostPort | None) -> int:
    """Check if IP is listed in ZONE. Exit code 1 if listed."""

    from moxlite.mailauth import dnsbl as lists

    address = ip_argument(ip)
    result = with_resolver(resolver, lambda found: lists.check(found, zone, address))
    tell(to_builtins(result))
    return {"pass": YES, "temperror": TEMPORARY}.get(result.status.value, NO)


@dnsbl.command()
@click.argument("zone")
@resolver_option
def checkhealth(zone: str, resolver: HostPort | None) -> int:
    """Check if the block list ZONE works. It must list 127.0.0.2, but not 127.0.0.1."""
    from moxlite.mailauth.dnsbl import healthy

    problem = with_resolver(resolver, lambda found: healthy(found, zone))
    tell({"zone": zone, "status": "fail" if problem else "pass", "problem": problem})
    return NO if problem else YES


@click.group()
def iprev() -> None:
    """Check reverse DNS names."""


@iprev.command("lookup")
@click.argument("ip")
@resolver_option
def iprev_lookup(ip: str, resolver: HostPort | None) -> int:
    """Check the reverse DNS name of IP. It has to resolve to the same address, as other mail servers require."""

    from moxlite.mailauth.iprev import check

    address = ip_argument(ip)
    result = with_resolver(resolver, lambda found: check(found, address))
    tell(to_builtins(result))
    return {"pass": YES, "temperror": TEMPORARY}.get(result.status.value, NO)


@click.group()
def rdap() -> None:
    """Look up domain registrations."""


@rdap.command()
@click.argument("domain")
@click.option("--server", metavar="URL", default="", help="Registry server.  [default: from IANA's list]")
@resolver_option
def domainage(domain: str, server: str, resolver: HostPort | None) -> int:
    """Show when DOMAIN was registered or re-registered. Receivers are suspicious of domains that are only a few weeks
    old.

    Exit code 1 if the domain isn't registered, 75 if the registry didn't respond.
    """
    import datetime as dt

    from moxlite.net.httpclient import HTTPClient
    from moxlite.net.rdap import NotRegistered, RDAPError, registered
    from moxlite.proto.address import AddressError, Domain

    try:
        parsed = Domain.parse(domain)
    except AddressError as error:
        tell({"domain": domain, "problem": str(error)})
        return NO
    try:
        found = with_resolver(
            resolver, lambda asked: registered(HTTPClient(asked, allow_internal=bool(server)), parsed, server)
        )
    except NotRegistered as error:
        tell({"domain": parsed.ascii, "problem": str(error)})
        return NO
    except RDAPError as error:
        tell({"domain": parsed.ascii, "problem": str(error)})
        return TEMPORARY
    days = (dt.datetime.now(dt.UTC) - found).days
    tell({"domain": parsed.ascii, "registered": found.isoformat(), "days": days})
    return YES
