"""``moxlite dns update`` and ``dns undo``: change DNS to the wanted records, at the provider of the domain or at a name
server that takes updates with a key (ADMIN-71a, 71c).

They need no running server.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from moxlite.cli.common import FAILED, Failure, ask, config_path, load_config, settings, show_json
from moxlite.cli.prompts import TEMPORARY, server_address
from moxlite.escapes import printable

if TYPE_CHECKING:
    from moxlite.admin.dns.publishing import Plans, Publishing
    from moxlite.admin.dns.zones import Located
    from moxlite.proto.address import Domain


@click.command()
@click.argument("name", metavar="DOMAIN")
@click.option(
    "--server",
    metavar="IP[:PORT]",
    help="The primary name server, which takes updates.  [default: the provider of DOMAIN, `dns provider set`]",
)
@click.option(
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --server: the TSIG key, as BIND or Knot DNS writes it, or a line [ALGORITHM:]NAME:SECRET.",
)
@click.option("--addresses", is_flag=True, help="At a provider: also the addresses of this machine.")
@click.option("--replace", is_flag=True, help="Also replace other MX and SRV records, addresses, aliases and keys.")
@click.option("--dry-run", is_flag=True, help="Print what would be changed.")
@click.option("--no-wait", is_flag=True, help="At a provider: don't wait until all name servers have the change.")
def update(
    name: str, server: str | None, key_file: Path | None, addresses: bool, replace: bool, dry_run: bool, no_wait: bool
) -> int:
    """Make the records of `config dnsrecords` for DOMAIN and this machine, at its provider or at a server that takes
    updates (RFC 2136).

    Missing records are added, and records of ours that are not wanted any more removed. An SPF, DMARC or TLSRPT record
    is replaced by one that keeps what it permits. Other records that differ stay, unless --replace is given. Records of
    other names are never touched. At a provider the change is shown first, and `dns undo` takes it back.
    """
    if (server is None) != (key_file is None):
        raise click.UsageError("--server goes with --key-file")
    with telling():
        if server is not None and key_file is not None:
            return _update_at(name, server, key_file, replace=replace, dry_run=dry_run)
        publishing, domain = open_publishing(name)
        located = publishing.located(domain)
        plans = publishing.plan(domain, located, addresses=addresses, replace=replace)
        _show(plans, dry_run=dry_run)
        if dry_run or not plans.changes:
            return 0
        ask("Make these changes?")
        return finished(publishing, located, plans, publishing.make(domain, located, plans), wait=not no_wait)


@click.command()
@click.argument("name", metavar="DOMAIN")
@click.option("--dry-run", is_flag=True, help="Print what would be changed.")
@click.option("--no-wait", is_flag=True, help="Don't wait until all name servers have the change.")
def undo(name: str, dry_run: bool, no_wait: bool) -> int:
    """Undo the last change that `dns update`, the admin pages or the rotation of keys have made for DOMAIN.

    What was removed comes back, and what was added goes, unless the record has changed since. Repeated, it undoes the
    change before.
    """
    with telling():
        publishing, domain = open_publishing(name)
        located = publishing.located(domain)
        plans = publishing.plan_undo(domain, located)
        if plans is None:
            raise Failure(f"nothing to undo for {domain}")
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
def telling() -> Iterator[None]:
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
        raise Failure(f"a file in the folder dns of the configuration is damaged: {error}") from None


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


def _update_at(name: str, server: str, key_file: Path, *, replace: bool, dry_run: bool) -> int:
    """Raises UpdateRefused, NoAnswer."""
    from moxlite.admin.dns.publishing import Plans
    from moxlite.admin.dns.update import KeyedServer, KeyFileError, NameServer, read_key_file
    from moxlite.admin.dns.zones import Located, missing_changes, plan_zones, send_plans

    publishing, domain = open_publishing(name)
    ip, port = server_address(server)
    try:
        located = Located([KeyedServer(NameServer(ip, port, read_key_file(key_file)))])
    except KeyFileError as error:
        raise Failure(str(error)) from None
    plans = Plans(tuple(plan_zones(located, publishing.wanted(domain, addresses=True), replace=replace)))
    _show(plans, dry_run=dry_run)
    if dry_run:
        return 0
    send_plans(located, plans.zones)
    return FAILED if _tell_missing(missing_changes(located, plans.zones)) else 0


def _tell_missing(lines: Sequence[str]) -> bool:
    for line in lines:
        click.echo(f"moxlite: not taken by the server: {printable(line)}", err=True)
    return bool(lines)


def _show(plans: "Plans", *, dry_run: bool) -> None:
    if settings().as_json:
        zones = [
            {
                "zone": zone.zone,
                "changes": [line for change in zone.plan.changes for line in change.lines()],
                "left": zone.plan.left,
            }
            for zone in plans.zones
        ]
        show_json({"dry_run": dry_run, "zones": zones})
        return
    for line in plans.lines():
        print(printable(line))
    for note in plans.notes():
        print(f"; {printable(note)}")
    if not plans.changes:
        print("; nothing to change")
