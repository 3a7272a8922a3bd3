"""Commands that let users log in again: second factors, recovery links, limits of failed log-ins.

The changes themselves are not here but in `admin.factors`.
"""

import datetime as dt
import time

import click
import msgspec

from moxlite.cli.common import ask, json_option, perform, settings, show, show_json
from moxlite.cli.described import described
from moxlite.operations import access, described_in, description
from moxlite.operations.access import FactorsRemoved, LinkMade
from moxlite.operations.server import AuditList

ADMIN = "(admin)"


def show_reset(done: FactorsRemoved, as_json: bool) -> None:
    """Print how many second factors were removed."""
    if as_json:
        show_json(done)
    else:
        print(f"removed {done.removed} second factor{'' if done.removed == 1 else 's'}")


def show_link(made: LinkMade, as_json: bool) -> None:
    """Print a recovery link."""
    if as_json:
        show_json(made)
    else:
        print(f"{made.url}\nIt can be used once, until {made.expires} UTC.")


@click.command("second-factors")
@json_option
def admin_second_factors(as_json: bool) -> None:
    """List the second factors of the admin app: code apps, security keys, recovery codes left."""
    factor_infos = perform(access.ListFactors(ADMIN))
    show(factor_infos, description(access.ListFactors).columns, as_json=as_json)


@click.command("reset-second-factor")
def admin_reset() -> None:
    """Remove all second factors of the admin app: its password alone is enough after that."""
    show_reset(perform(access.ResetFactors(ADMIN)), False)


@click.group()
def limits() -> None:
    """Failed log-ins, and the limits that they reach."""


@limits.command("clear", help=description(access.ClearLimits).about)
@click.argument("ip", default="", metavar="[IP]")
def limits_clear(ip: str) -> None:
    if not ip:
        ask("Forget all failed log-ins, of all networks and accounts?")
    dropped = perform(access.ClearLimits(ip))
    print(f"{dropped} count{'' if dropped == 1 else 's'} cleared")


described(limits, described_in(access), {}, {}, without={access.ClearLimits})


# ``moxlite audit``: who changed what (WEB-160).


class Line(msgspec.Struct, frozen=True):
    """A line of the listing."""

    id: int
    time: str
    actor: str
    source: str
    action: str
    object: str
    outcome: str
    what: str


@click.group()
def audit() -> None:
    """Changes by the command line, the web apps, and by hand in domains.toml."""


@audit.command("list")
@click.argument("words", nargs=-1)
@click.option("--actor", default="", help="Only of this account, or (admin), (cli), (editor).")
@click.option("--object", "about", default="", metavar="NAME", help="Only about this account, domain or address.")
@click.option("--via", type=click.Choice(("cli", "webadmin", "adminapi", "webaccount", "webmail", "file")))
@click.option("--days", type=click.IntRange(1, 366), help="Only of the last so many days.")
@click.option("--before", type=click.IntRange(1), default=None, metavar="ID", help="Older ones: below this id.")
@click.option("-n", "count", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many.")
@json_option
def list_(
    words: tuple[str, ...],
    actor: str,
    about: str,
    via: str | None,
    days: int | None,
    before: int | None,
    count: int,
    as_json: bool,
) -> None:
    """List changes that have all WORDS, the newest first, with old and new values but no secrets.

    "begun" means that the server ended in the middle: the change may have been made or not.
    """
    since = 0 if days is None else int((time.time() - days * 86_400) * 1e6)
    args = AuditList(
        actor=actor, object=about, via=via or "", words=" ".join(words), since=since, before=before or 0, count=count
    )
    audit_lines = perform(args)
    if as_json or settings().as_json:
        show_json(audit_lines)
        return
    lines = [
        Line(
            audit_line.id,
            f"{dt.datetime.fromtimestamp(audit_line.at / 1e6, dt.UTC):%Y-%m-%d %H:%M:%S}",
            audit_line.actor,
            audit_line.remote_ip or audit_line.via,
            audit_line.action,
            audit_line.object,
            audit_line.outcome,
            audit_line.why
            or "; ".join(f"{each.path}: {_value(each.before)} -> {_value(each.after)}" for each in audit_line.changes),
        )
        for audit_line in audit_lines
    ]
    show(lines, Line.__struct_fields__)


def _value(value: object) -> str:
    return "-" if value is None else msgspec.json.encode(value).decode()
