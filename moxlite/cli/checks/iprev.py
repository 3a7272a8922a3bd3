"""``moxlite iprev``: the reverse names of an address that lead back to it (AUTH-60, AUTH-90)."""

import click

from moxlite.cli.prompts import NO, TEMPORARY, YES, ip_argument, resolver_option, tell, with_resolver


@click.group()
def iprev() -> None:
    """Names that lead back to an address."""


@iprev.command()
@click.argument("ip")
@resolver_option
def lookup(ip: str, resolver: str | None) -> int:
    """Tell whether IP has a name that leads back to it, as other mail servers want."""
    import msgspec

    from moxlite.mailauth.iprev import check

    address = ip_argument(ip)
    result = with_resolver(resolver, lambda found: check(found, address))
    tell(msgspec.to_builtins(result))
    return {"pass": YES, "temperror": TEMPORARY}.get(result.status.value, NO)
