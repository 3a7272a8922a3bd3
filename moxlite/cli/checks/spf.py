"""``moxlite spf``: SPF records, and their verdict on a client (AUTH-90)."""

from typing import TYPE_CHECKING

import click

from moxlite.cli.common import Failure, HostPort
from moxlite.cli.verdicts import NO, TEMPORARY, YES, ip_argument, resolver_option, tell, with_resolver
from moxlite.encoding import to_builtins

if TYPE_CHECKING:
    from moxlite.net.resolver import Resolver


@click.group()
def spf() -> None:
    """Look up and evaluate SPF."""


@spf.command()
@click.argument("domain")
@click.argument("ip")
@click.option("--sender", metavar="ADDR", help="Envelope sender (can be empty).  [default: postmaster@DOMAIN]")
@click.option("--helo", default="", metavar="NAME", help="Client name in HELO.")
@resolver_option
def check(domain: str, ip: str, sender: str | None, helo: str, resolver: HostPort | None) -> int:
    """Check if DOMAIN allows the client IP to send mail."""

    from moxlite.mailauth.spf.check import check_host

    address = ip_argument(ip)
    asked = f"postmaster@{domain}" if sender is None else sender.strip("<>")
    result = with_resolver(
        resolver, lambda found: check_host(found, ip=address, domain=domain, sender=asked, helo=helo or domain)
    )
    tell(to_builtins(result))
    return {"pass": YES, "temperror": TEMPORARY}.get(result.status.value, NO)


@spf.command()
@click.argument("domain")
@resolver_option
def lookup(domain: str, resolver: HostPort | None) -> int:
    """Print DOMAIN's SPF record."""
    from moxlite.mailauth.spf.record import is_record
    from moxlite.net.resolver import DNSError, NotFound, PermError, absolute

    async def ask(found: "Resolver") -> tuple[list[str], bool]:
        answer = await found.txt(absolute(domain))
        return [text for text in answer.records if is_record(text)], answer.authentic

    try:
        records, authentic = with_resolver(resolver, ask)
    except (NotFound, PermError) as error:
        raise Failure(str(error)) from None
    except DNSError as error:
        raise Failure(str(error), TEMPORARY) from None
    if len(records) != 1:
        raise Failure(f"{domain} has {len(records) or 'no'} SPF record{'s' if records else ''}")
    tell({"domain": domain, "record": records[0], "authentic": authentic, **_terms(records[0])})
    return YES


@spf.command()
@click.argument("text", metavar="TXT")
def parse(text: str) -> int:
    """Check if TXT is a valid SPF record, and show all parts."""
    from moxlite.mailauth.spf.record import is_record

    if not is_record(text):
        raise Failure("not an SPF record; it must start with v=spf1 and a space")
    found = _terms(text)
    tell(found)
    return NO if found["problem"] else YES


def _terms(text: str) -> dict[str, object]:
    """The mechanisms of a record, and its faults."""
    from moxlite.mailauth.spf.record import RecordError, parse_record

    try:
        return {"mechanisms": [term.text for term in parse_record(text).terms], "problem": ""}
    except RecordError as error:
        return {"mechanisms": [], "problem": str(error)}
