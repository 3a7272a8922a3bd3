"""``moxlite dns update``: change DNS to the wanted records, by updates with a key (ADMIN-71a).

It needs no running server.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from moxlite.cli.common import FAILED, Failure, load_config, settings, show_json
from moxlite.cli.prompts import TEMPORARY, server_address
from moxlite.escapes import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from moxlite.admin.dns.update import NameServer, ZonePlan
    from moxlite.admin.dns.wanted import Wanted


@click.command()
@click.argument("name", metavar="DOMAIN")
@click.option("--server", required=True, metavar="IP[:PORT]", help="The primary name server, which takes updates.")
@click.option(
    "--key-file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The TSIG key: as BIND or Knot DNS writes it, or a line [ALGORITHM:]NAME:SECRET.",
)
@click.option("--replace", is_flag=True, help="Also replace other MX and SRV records, addresses, aliases and keys.")
@click.option("--dry-run", is_flag=True, help="Print what would be changed.")
def update(name: str, server: str, key_file: Path, replace: bool, dry_run: bool) -> int:
    """Make the records of `config dnsrecords` for DOMAIN and this machine, at a server that takes updates (RFC 2136).

    Missing records are added. An SPF, DMARC or TLSRPT record is replaced by one that keeps what it permits. Other
    records that differ stay, unless --replace is given. Records of other names are never touched.
    """
    from moxlite.admin.dns.update import KeyFileError, NameServer, NoAnswer, UpdateRefused, read_key_file

    wanted = _wanted(name)
    ip, port = server_address(server)
    try:
        at = NameServer(ip, port, read_key_file(key_file))
        return _update(at, wanted, replace=replace, dry_run=dry_run)
    except (KeyFileError, UpdateRefused) as error:
        raise Failure(str(error)) from None
    except NoAnswer as error:
        raise Failure(str(error), TEMPORARY) from None


def _wanted(name: str) -> "Sequence[Wanted]":
    from moxlite.admin.accounts import Refused
    from moxlite.admin.dns.wanted import read_keys, wanted_records
    from moxlite.admin.domains.changes import require_domain

    snapshot = load_config()
    try:
        domain, found = require_domain(snapshot, name)
    except Refused as error:
        raise Failure(str(error)) from None
    return wanted_records(snapshot, domain, found, read_keys(snapshot, domain))


def _update(at: "NameServer", wanted: "Sequence[Wanted]", *, replace: bool, dry_run: bool) -> int:
    """Raises KeyFileError, UpdateRefused, NoAnswer."""
    from moxlite.admin.dns.update import plan_update, send_update

    plans = plan_update(at, wanted, replace=replace)
    _show(plans, dry_run=dry_run)
    if dry_run:
        return 0
    for one in plans:
        if one.plan.changes:
            send_update(at, one.zone, one.plan.changes)
    missing = [
        line
        for one in plan_update(at, wanted, replace=replace)
        for change in one.plan.changes
        for line in change.lines()
    ]
    if missing:
        for line in missing:
            click.echo(f"moxlite: not taken by the server: {printable(line)}", err=True)
        return FAILED
    return 0


def _show(plans: "Sequence[ZonePlan]", *, dry_run: bool) -> None:
    if settings().as_json:
        zones = [
            {
                "zone": one.zone,
                "changes": [line for change in one.plan.changes for line in change.lines()],
                "left": one.plan.left,
            }
            for one in plans
        ]
        show_json({"dry_run": dry_run, "zones": zones})
        return
    for one in plans:
        for change in one.plan.changes:
            for line in change.lines():
                print(printable(line))
    for one in plans:
        for note in one.plan.left:
            print(f"; {printable(note)}")
    if not any(one.plan.changes for one in plans):
        print("; nothing to change")
