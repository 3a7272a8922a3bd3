"""``moxlite account second-factors`` and its like, and ``moxlite limits``: what lets users log in again."""

import click

from moxlite.cli.common import ask, call, json_option, show

ADMIN = "(admin)"
COLUMNS = ("account", "kind", "name", "host", "created", "last_used")


@click.command("second-factors")
@click.argument("name", default="")
@json_option
def second_factors(name: str, as_json: bool) -> None:
    """List the second factors of account NAME, or of all accounts: code apps, security keys, recovery codes left."""
    from moxlite.admin.factors.requests import FactorInfo, FactorList

    show(call("account second-factors", FactorList(name), list[FactorInfo]), COLUMNS, as_json=as_json)


@click.command("reset-second-factor")
@click.argument("name")
def reset_second_factor(name: str) -> None:
    """Remove all second factors of account NAME, whose user has lost them; its sessions end.

    The password alone is enough after that, also in mail programs. The user is told by mail.
    """
    _reset(name, f"the account {name}")


@click.command("recovery-link")
@click.argument("name")
@click.option("--reset-second-factor", "reset", is_flag=True, help="Its use removes the second factors, too.")
def recovery_link(name: str, reset: bool) -> None:
    """Print a link by which the user of account NAME sets a new password, once and within an hour.

    Give it to the user in person or by phone, not by mail. A newer link replaces it. The user is told by mail. The
    account page must have a public address: `moxlite config listeners publish-web on`.
    """
    from moxlite.admin.factors.requests import LinkMade, MakeLink

    made = call("account recovery-link", MakeLink(name, reset), LinkMade)
    print(made.url)
    print(f"It can be used once, until {made.expires} UTC.")


@click.command("second-factors")
@json_option
def admin_second_factors(as_json: bool) -> None:
    """List the second factors of the admin app: code apps, security keys, recovery codes left."""
    from moxlite.admin.factors.requests import FactorInfo, FactorList

    show(call("account second-factors", FactorList(ADMIN), list[FactorInfo]), COLUMNS, as_json=as_json)


@click.command("reset-second-factor")
def admin_reset() -> None:
    """Remove all second factors of the admin app: its password alone is enough after that."""
    _reset(ADMIN, "the admin app")


def _reset(account: str, what: str) -> None:
    from moxlite.admin.factors.requests import FactorReset, FactorsRemoved

    done = call("account reset-second-factor", FactorReset(account), FactorsRemoved)
    if done.removed:
        print(f"removed {done.removed} second factor{'' if done.removed == 1 else 's'} of {what}")
    else:
        print(f"{what} had no second factors")


@click.group()
def limits() -> None:
    """Failed log-ins, and the limits that they reach."""


@limits.command("list")
@json_option
def limits_list(as_json: bool) -> None:
    """List networks and accounts with failed log-ins, and the limits beyond which further ones are refused."""
    from moxlite.admin.factors.requests import LimitInfo
    from moxlite.operations import NoArguments

    rows = call("limits list", NoArguments(), list[LimitInfo])
    show(rows, ("who", "window", "failures", "limit", "refused"), as_json=as_json)


@limits.command("clear")
@click.argument("ip", default="", metavar="[IP]")
def limits_clear(ip: str) -> None:
    """Forget the failed log-ins of the address IP and its networks; without IP all, of accounts too."""
    from moxlite.admin.factors.requests import LimitsClear

    if not ip:
        ask("Forget all failed log-ins, of all networks and accounts?")
    dropped = call("limits clear", LimitsClear(ip), int)
    print(f"{dropped} count{'' if dropped == 1 else 's'} cleared")
