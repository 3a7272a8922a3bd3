"""``moxlite dnsbl``: DNS block lists (AUTH-61, AUTH-62, AUTH-90)."""

import click

from moxlite.cli.prompts import NO, TEMPORARY, YES, ip_argument, resolver_option, tell, with_resolver


@click.group()
def dnsbl() -> None:
    """Ask DNS block lists."""


@dnsbl.command()
@click.argument("zone")
@click.argument("ip")
@resolver_option
def check(zone: str, ip: str, resolver: str | None) -> int:
    """Tell whether the list ZONE has the address IP: exit 1 if it has."""
    import msgspec

    from moxlite.mailauth import dnsbl as lists

    address = ip_argument(ip)
    result = with_resolver(resolver, lambda found: lists.check(found, zone, address))
    tell(msgspec.to_builtins(result))
    return {"pass": YES, "temperror": TEMPORARY}.get(result.status.value, NO)


@dnsbl.command()
@click.argument("zone")
@resolver_option
def checkhealth(zone: str, resolver: str | None) -> int:
    """Tell whether the list ZONE works: it has 127.0.0.2, and not 127.0.0.1."""
    from moxlite.mailauth.dnsbl import healthy

    problem = with_resolver(resolver, lambda found: healthy(found, zone))
    tell({"zone": zone, "status": "fail" if problem else "pass", "problem": problem})
    return NO if problem else YES
