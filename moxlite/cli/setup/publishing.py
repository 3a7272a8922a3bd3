"""``moxlite dns update`` and ``undo``: the records of a domain are published, or as they were (ADMIN-71a..71c).

Records are changed at the domain's provider, or at a name server that takes updates with a key. No running server is
needed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from moxlite.cli.common import FAILED, Failure, HostPort, ask, config_path, load_config, settings, show_json
from moxlite.cli.verdicts import DNS_SERVER, TEMPORARY
from moxlite.escapes import printable

if TYPE_CHECKING:
    from moxlite.admin.dns.publishing import Plans, Publishing
    from moxlite.admin.dns.wanted import Group
    from moxlite.admin.dns.zones import Located
    from moxlite.config.snapshot import Snapshot
    from moxlite.proto.address import Domain


@click.command()
@click.argument("name", metavar="DOMAIN")
@click.option(
    "--server",
    type=DNS_SERVER,
    help="Primary name server that accepts updates.  [default: the provider of DOMAIN, `dns provider set`]",
)
@click.option(
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --server, TSIG key in BIND or Knot DNS format, or a line [ALGORITHM:]NAME:SECRET.",
)
@click.option("--addresses", is_flag=True, help="Also update this machine's addresses (with a provider).")
@click.option("--replace", is_flag=True, help="Also replace other MX and SRV records, addresses, aliases, and keys.")
@click.option("--dry-run", is_flag=True, help="Only print the changes.")
@click.option("--no-wait", is_flag=True, help="Don't wait for all name servers (with a provider).")
def update(
    name: str,
    server: HostPort | None,
    key_file: Path | None,
    addresses: bool,
    replace: bool,
    dry_run: bool,
    no_wait: bool,
) -> int:
    """Publish DNS records for DOMAIN and this machine. `config dnsrecords` prints them. This uses your DNS
    provider, or a server that accepts updates (RFC 2136).

    This adds missing records and removes outdated ones from moxlite. SPF, DMARC, and TLSRPT records are updated, but
    keep what they already allow. To change other records that differ, use --replace. Records for other names are never
    changed. If you use a provider, you'll see the changes first, and you can undo them with `dns undo`.
    """
    if (server is None) != (key_file is None):
        raise click.UsageError("--server requires --key-file")
    from moxlite.admin.dns.publishing import Publishing

    with as_command_failures():
        if server is not None and key_file is not None:
            return _update_at(name, server, key_file, replace=replace, dry_run=dry_run)
        publishing, domain = open_publishing(name)
        located = publishing.located(domain)
        plans = publishing.plan(domain, located, addresses=addresses, replace=replace)
        _show(plans, dry_run=dry_run)
        if dry_run or not plans.changes:
            return 0
        rules = plans.groups().get("rules")
        if rules is None or plans.lines() != rules:
            ask("Make these changes?")
        if rules and not _keeps_rules(domain):
            publishing = Publishing(set_lenient(domain), config_path())
            plans = publishing.plan(domain, located, addresses=addresses, replace=replace)
        return finished(publishing, located, plans, publishing.make(domain, located, plans), wait=not no_wait)


@click.command()
@click.argument("name", metavar="DOMAIN")
@click.option("--dry-run", is_flag=True, help="Only print the changes.")
@click.option("--no-wait", is_flag=True, help="Don't wait until all name servers have the change.")
def undo(name: str, dry_run: bool, no_wait: bool) -> int:
    """Undo the last change of DOMAIN's records. It was made by `dns update`, the admin pages, or key rotation.

    This restores removed records and removes added ones, unless they've changed since then. To undo earlier changes,
    run this command again.
    """
    with as_command_failures():
        publishing, domain = open_publishing(name)
        located = publishing.located(domain)
        plans = publishing.plan_undo(domain, located)
        if plans is None:
            raise Failure(f"{domain} doesn't have changes to undo")
        _show(plans, dry_run=dry_run)
        if dry_run:
            return 0
        if plans.changes:
            ask("Make these changes?")
        return finished(publishing, located, plans, publishing.undo(domain, located, plans), wait=not no_wait)


def open_publishing(name: str) -> "tuple[Publishing, Domain]":
    """The records of a domain of this server. Raises Failure."""
    from moxlite.admin.accounts import Refused
    from moxlite.admin.dns.publishing import Publishing
    from moxlite.admin.domains.changes import require_domain

    snapshot = load_config()
    try:
        domain, _ = require_domain(snapshot, name)
    except Refused as error:
        raise Failure(str(error)) from None
    return Publishing(snapshot, config_path()), domain


@contextmanager
def as_command_failures() -> Iterator[None]:
    """Failures of providers and servers, as failures of the command."""
    from msgspec import DecodeError

    from moxlite.admin.dns.publishing import NoProvider
    from moxlite.admin.dns.update import NoAnswer, UpdateRefused
    from moxlite.admin.dnsproviders.accounts import Busy, ProviderFailed

    try:
        yield
    except (NoProvider, UpdateRefused) as error:
        raise Failure(str(error)) from None
    except (NoAnswer, Busy) as error:
        raise Failure(str(error), TEMPORARY) from None
    except ProviderFailed as error:
        raise Failure(str(error), TEMPORARY if error.temporary else FAILED) from None
    except DecodeError as error:
        raise Failure(f"a file in the configuration's dns folder is damaged: {error}") from None


def finished(
    publishing: "Publishing", located: "Located", plans: "Plans", missing: Sequence[str], *, wait: bool
) -> int:
    """Tell what was not taken, and wait until the name servers have the rest; the exit code."""
    if _tell_missing(missing):
        return FAILED
    if not wait or not plans.changes:
        return 0
    click.echo("waiting for the name servers ...", err=True)
    late = publishing.wait(located, plans)
    for line in late:
        click.echo(f"moxlite: {printable(line)}", err=True)
    return TEMPORARY if late else 0


def _update_at(name: str, server: HostPort, key_file: Path, *, replace: bool, dry_run: bool) -> int:
    """Raises UpdateRefused, NoAnswer."""
    from ipaddress import ip_address

    from moxlite.admin.dns.publishing import Plans
    from moxlite.admin.dns.update import KeyedServer, KeyFileError, NameServer, read_key_file
    from moxlite.admin.dns.zones import Located, missing_changes, plan_zones, send_plans

    publishing, domain = open_publishing(name)
    try:
        located = Located([KeyedServer(NameServer(ip_address(server.host), server.port, read_key_file(key_file)))])
    except KeyFileError as error:
        raise Failure(str(error)) from None
    plans = Plans(tuple(plan_zones(located, publishing.wanted(domain, addresses=True), replace=replace)))
    _show(plans, dry_run=dry_run)
    if dry_run:
        return 0
    send_plans(located, plans.zones)
    return FAILED if _tell_missing(missing_changes(located, plans.zones)) else 0


def _keeps_rules(domain: "Domain") -> bool:
    """Whether the rules of a plan are made, too. They were asked for where nothing is asked (--yes)."""
    return settings().yes or confirm_strict(domain)


def confirm_strict(domain: "Domain", records: Iterable[str] = ()) -> bool:
    """Ask on a terminal whether other servers are bound by strict records, which are shown (ADMIN-47a)."""
    click.echo(f"Strict policies for {domain}: if you're not sure, or if other services send mail or get certificates")
    click.echo("for it, choose no. DNS records of the policies (DMARC p=reject, CAA):")
    for line in records:
        click.echo(f"   {printable(line)}")
    click.echo(f"   yes: Receivers will reject mail from {domain} that this server didn't send. Only this server's")
    click.echo(f"        certificate authority can issue certificates for {domain} and its subdomains, such as www.")
    click.echo("   no:  Receivers will deliver such mail and send you reports. You can turn this on later.")
    return click.confirm("Use strict policies?")


def set_lenient(domain: "Domain") -> "Snapshot":
    """Take rules that bind others out of a domain's records; the new configuration."""
    import trio

    from moxlite.admin.domains.changes import set_strict
    from moxlite.config.holder import ConfigHolder

    holder, _ = ConfigHolder.open(config_path())
    trio.run(holder.edit, lambda document, snapshot: set_strict(document, snapshot, domain.unicode, False))
    return holder.current


def _tell_missing(lines: Sequence[str]) -> bool:
    for line in lines:
        click.echo(f"moxlite: the server rejected the change: {printable(line)}", err=True)
    return bool(lines)


def _show(plans: "Plans", *, dry_run: bool) -> None:
    if settings().as_json:
        zones = [
            {
                "zone": zone.zone,
                "changes": [line for change in zone.plan.changes for line in change.lines()],
                "left": [note.text for note in zone.plan.left],
            }
            for zone in plans.zones
        ]
        show_json({"dry_run": dry_run, "zones": zones})
        return
    tell_groups(plans.groups(), lambda line: print(printable(line)))
    for note in plans.notes("use --replace"):
        print(f"; {printable(note)}")
    if not plans.changes:
        print("; no changes")


def tell_groups(groups: "Mapping[Group, Sequence[str]]", say: Callable[[str], None]) -> None:
    """Show the lines of a plan by group."""
    from moxlite.admin.dns.wanted import GROUPS

    for group, lines in groups.items():
        say(f"; {GROUPS[group]}")
        for line in lines:
            say(line)
