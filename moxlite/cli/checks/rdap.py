"""``moxlite rdap``: the age of a domain (ADMIN-19, ADMIN-29)."""

import click

from moxlite.cli.prompts import NO, TEMPORARY, YES, resolver_option, tell, with_resolver


@click.group()
def rdap() -> None:
    """Ask registries about domains."""


@rdap.command()
@click.argument("domain")
@click.option("--server", metavar="URL", default="", help="The registry's server.  [default: the one in IANA's list]")
@resolver_option
def domainage(domain: str, server: str, resolver: str | None) -> int:
    """Tell when DOMAIN was registered, or registered anew; receivers distrust domains of a few weeks.

    Exit code 1 if the registry does not know it, 75 if it did not answer.
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
