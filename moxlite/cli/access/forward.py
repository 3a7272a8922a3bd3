"""``moxlite account forward``: sending on the mail of an account (SMTP-159)."""

import click

from moxlite.cli.common import ask, call, json_option, show


@click.group()
def forward() -> None:
    """Addresses to which the mail of an account is sent on."""


@forward.command("list")
@click.argument("name")
@json_option
def forward_list(name: str, as_json: bool) -> None:
    """List the addresses of account NAME: confirmed by their owners, waiting for agreement, bouncing, or stopped.

    Addresses of `forward_to`, of aliases whose mail the account sends on, and of its active Sieve script. While an
    address waits for the agreement of its owner, mail for it is kept in the account.
    """
    from moxlite.admin.delivery.requests import ForwardInfo
    from moxlite.admin.requests import AccountName

    rows = call("account forward list", AccountName(name), list[ForwardInfo])
    show(rows, ("address", "by", "state", "since", "error"), as_json=as_json)


@forward.command("set")
@click.argument("name")
@click.argument("address", nargs=-1)
@click.option(
    "--no-copy",
    is_flag=True,
    help="Keep no copy in the account. Where a Sieve script is active, it alone decides what is kept.",
)
def forward_set(name: str, address: tuple[str, ...], no_copy: bool) -> None:
    """Send what account NAME accepts, and what is not junk, on to each ADDRESS; without ADDRESS to none.

    The owners of new addresses get a mail with a link to a page, and nothing is sent before they have agreed there.
    """
    from moxlite.admin.delivery.requests import ForwardSet

    call("account forward set", ForwardSet(name, list(address), not no_copy), type(None))


@forward.command("ask")
@click.argument("name")
@click.argument("address")
def forward_ask(name: str, address: str) -> None:
    """Ask the owner of ADDRESS again, once a day at most."""
    from moxlite.admin.delivery.requests import ForwardAddress

    call("account forward ask", ForwardAddress(name, address), type(None))


@forward.command("confirm")
@click.argument("name")
@click.argument("address")
def forward_confirm(name: str, address: str) -> None:
    """Send mail of account NAME to ADDRESS without asking its owner, as when both are yours."""
    from moxlite.admin.delivery.requests import ForwardAddress

    ask(f"Send the mail of {name} to {address} without asking its owner?")
    call("account forward confirm", ForwardAddress(name, address), type(None))


@forward.command("start")
@click.argument("name")
@click.argument("address")
def forward_start(name: str, address: str) -> None:
    """Send mail again to ADDRESS, which was stopped after three days of bounces."""
    from moxlite.admin.delivery.requests import ForwardAddress

    call("account forward start", ForwardAddress(name, address), type(None))
