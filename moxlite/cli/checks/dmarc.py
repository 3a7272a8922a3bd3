"""``moxlite dmarc``: DMARC records, and their verdict on a message (AUTH-90)."""

import sys
from typing import TYPE_CHECKING, cast

import click

from moxlite.cli.checks.reportmail import parse_command, report_commands
from moxlite.cli.common import Failure, HostPort
from moxlite.cli.verdicts import NO, TEMPORARY, YES, ip_argument, resolver_option, tell, with_resolver
from moxlite.encoding import to_builtins

if TYPE_CHECKING:
    from moxlite.acceptance.checks import Checks
    from moxlite.mailauth.dmarc import Method, PolicyLookup
    from moxlite.net.resolver import Resolver

method_option = click.option(
    "--method",
    type=click.Choice(["psl", "treewalk"]),
    help="How to find organizational domains.  [default: dmarc.method from the configuration, or treewalk]",
)


@click.group()
def dmarc() -> None:
    """Look up and evaluate DMARC, and send reports."""


report_commands(dmarc)


@dmarc.command()
@click.argument("ip")
@click.argument("mailfrom")
@click.argument("helo")
@method_option
@resolver_option
def verify(ip: str, mailfrom: str, helo: str, method: str | None, resolver: HostPort | None) -> int:
    """Evaluate SPF, DKIM, and DMARC for a message. The message is on stdin, as if sent by client IP with HELO and the
    envelope sender MAILFROM (can be empty).
    """

    from moxlite.acceptance.checks import Question, check_sender, from_domains
    from moxlite.mailauth.dkim.message import Message, with_crlf

    message = Message.of(with_crlf(sys.stdin.buffer.read()))
    helo_domain = _ascii(helo)
    question = Question(
        remote=ip_argument(ip),
        mail_from=_address(mailfrom.removeprefix("<").removesuffix(">")),
        helo=helo_domain or helo,
        helo_domain=helo_domain,
        from_domains=from_domains(message.section),
        method=_method(method),
    )

    async def ask(found: "Resolver") -> "Checks":
        return await check_sender(found, question, message)

    checks = with_resolver(resolver, ask)
    result = to_builtins(checks.dmarc)
    result["record_domain"] = result["record_domain"] or None
    tell(
        {
            "dmarc": result,
            "spf": to_builtins(checks.spf),
            "dkim": [to_builtins(dkim_result) for dkim_result in checks.dkim],
            "iprev": to_builtins(checks.iprev),
        }
    )
    return {"pass": YES, "temperror": TEMPORARY}.get(checks.dmarc.status.value, NO)


@dmarc.command()
@click.argument("domain")
@method_option
@resolver_option
def lookup(domain: str, method: str | None, resolver: HostPort | None) -> int:
    """Print the DMARC record for DOMAIN, and where it was found."""

    from moxlite.mailauth.dmarc import Discovery
    from moxlite.net.resolver import TempError

    name = _ascii(domain)
    if not name:
        raise Failure(f"{domain!r} isn't a valid domain")

    async def ask(found: "Resolver") -> "tuple[str, PolicyLookup | None, bool]":
        discovery = Discovery(found, _method(method))
        organization = await discovery.organizational(name)
        return organization, await discovery.policy(name, organization), discovery.authentic

    try:
        organization, policy_lookup, authentic = with_resolver(resolver, ask)
    except TempError as error:
        raise Failure(str(error), TEMPORARY) from None
    record = None if policy_lookup is None else policy_lookup.record
    tell(
        {
            "domain": name,
            "org_domain": organization,
            "record_domain": None if policy_lookup is None else policy_lookup.domain,
            "record": None if record is None else to_builtins(record),
            "problem": "no record" if policy_lookup is None else policy_lookup.problem,
            "authentic": authentic,
        }
    )
    return NO if record is None else YES


@dmarc.command()
@click.argument("domain")
@method_option
@resolver_option
def checkreportaddrs(domain: str, method: str | None, resolver: HostPort | None) -> int:
    """Check which mailboxes get reports about DOMAIN. This also checks whether other domains accept them.

    Exit code 1 if reports aren't requested or accepted.
    """
    from moxlite.mailauth.dmarc import Destinations, Discovery, find_destinations
    from moxlite.net.resolver import TempError

    name = _ascii(domain)
    if not name:
        raise Failure(f"{domain!r} isn't a valid domain")

    async def ask(found: "Resolver") -> Destinations:
        discovery = Discovery(found, _method(method))
        record = (await discovery.at(name)).record
        if record is None or not record.rua:
            return Destinations((), ("no record requesting reports",))
        return await find_destinations(found, name, record.rua, discovery)

    try:
        destinations = with_resolver(resolver, ask)
    except TempError as error:
        raise Failure(str(error), TEMPORARY) from None
    tell(
        {
            "domain": name,
            "addresses": [str(address) for address in destinations.addresses],
            "problems": list(destinations.problems),
        }
    )
    return YES if destinations.addresses and not destinations.problems else NO


def _method(chosen: str | None) -> "Method":
    if chosen is None:
        from moxlite.cli.common import config_path

        if not config_path().exists():
            return "treewalk"
        from moxlite.cli.common import load_config

        return load_config().static.dmarc.method
    return cast("Method", chosen)


def _ascii(text: str) -> str:
    """A domain in A-labels, "" if the text is no domain."""
    from moxlite.proto.address import AddressError, Domain

    try:
        return Domain.parse(text.removesuffix(".")).ascii
    except AddressError:
        return ""


def _address(text: str) -> str:
    """An address with its domain in A-labels. An invalid domain stays unchanged: SPF has a verdict for it."""
    localpart, at, domain = text.rpartition("@")
    return f"{localpart}{at}{_ascii(domain) or domain}"


parse_command(dmarc, "dmarc")
