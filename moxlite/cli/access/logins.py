"""``moxlite account second-factors`` and its like, and ``moxlite limits``: what lets users log in again."""

import click

from moxlite.cli.common import ask, json_option, perform, show, show_json
from moxlite.cli.described import described
from moxlite.operations import access, described_in, description
from moxlite.operations.access import FactorsRemoved, LinkMade

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
    found = perform(access.ListFactors(ADMIN))
    show(found, description(access.ListFactors).columns, as_json=as_json)


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
