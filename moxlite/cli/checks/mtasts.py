"""``moxlite mtasts``, ``moxlite tlsrpt``: a domain's policies for TLS with its mail hosts (AUTH-70..74, AUTH-90)."""

from typing import TYPE_CHECKING

import click

from moxlite.cli.checks.reportmail import parse_command, report_commands
from moxlite.cli.common import HostPort
from moxlite.cli.verdicts import NO, TEMPORARY, YES, resolver_option, tell, with_resolver

if TYPE_CHECKING:
    from moxlite.net.resolver import Resolver
    from moxlite.proto.address import Domain


@click.group()
def mtasts() -> None:
    """Look up MTA-STS policies."""


@mtasts.command("lookup")
@click.argument("domain")
@resolver_option
def lookup_policy(domain: str, resolver: HostPort | None) -> int:
    """Download and print DOMAIN's MTA-STS record and policy."""
    from moxlite.mailauth.mtasts import NoPolicy, PolicyError, fetch_policy, find_record
    from moxlite.net.httpclient import HTTPClient
    from moxlite.queue.tls.policies import fetcher

    async def ask(found: "Resolver") -> tuple[int, dict[str, object]]:
        told: dict[str, object] = {"domain": domain, "status": "none", "record_id": None, "policy": None, "problem": ""}
        try:
            name = _domain(domain)
            told["record_id"] = await find_record(found, name)
            # The user chose the domain, and may look into the inner network.
            policy = await fetch_policy(fetcher(HTTPClient(found, allow_internal=True)), name)
        except NoPolicy as error:
            return NO, told | {"problem": str(error)}
        except PolicyError as error:
            status, code = ("temperror", TEMPORARY) if error.temporary else ("permerror", NO)
            return code, told | {"status": status, "problem": str(error)}
        except ValueError as error:
            return NO, told | {"status": "permerror", "problem": str(error)}
        shown = {"mode": policy.mode, "max_age": policy.max_age, "mx": list(policy.mx)}
        return YES, told | {"status": "pass", "policy": shown}

    code, told = with_resolver(resolver, ask)
    tell(told)
    return code


@click.group()
def tlsrpt() -> None:
    """Look up TLSRPT records, and send TLS reports."""


@tlsrpt.command("lookup")
@click.argument("domain")
@resolver_option
def lookup_record(domain: str, resolver: HostPort | None) -> int:
    """Print the TLSRPT record for DOMAIN (a domain or mail host)."""
    from moxlite.mailauth.tlsrpt import NoRecord, RecordError, find_record

    async def ask(found: "Resolver") -> tuple[int, dict[str, object]]:
        told: dict[str, object] = {"domain": domain, "status": "none", "rua": [], "problem": ""}
        try:
            record = await find_record(found, _domain(domain))
        except NoRecord as error:
            return NO, told | {"problem": str(error)}
        except RecordError as error:
            status, code = ("temperror", TEMPORARY) if error.temporary else ("permerror", NO)
            return code, told | {"status": status, "problem": str(error)}
        except ValueError as error:
            return NO, told | {"status": "permerror", "problem": str(error)}
        return YES, told | {"status": "pass", "rua": list(record.rua)}

    code, told = with_resolver(resolver, ask)
    tell(told)
    return code


report_commands(tlsrpt)


def _domain(text: str) -> "Domain":
    """Parse a domain. Raises ValueError: bad data is a verdict, not wrong usage (AUTH-90)."""
    from moxlite.proto.address import AddressError, Domain

    try:
        return Domain.parse(text.removesuffix("."))
    except AddressError as error:
        raise ValueError(f"{text!r} isn't a valid domain: {error}") from None


parse_command(tlsrpt, "tls")
