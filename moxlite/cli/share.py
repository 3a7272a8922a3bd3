"""``moxlite account share``: permissions of others on the mailboxes of an account (IMAP-157)."""

from typing import Final

import click

from moxlite.cli.common import Failure, call, json_option, show

_WORDS: Final = {"read": "lr", "write": "lrswite", "all": "lrswipkxtea"}
"""Rights in words."""

_LETTERS: Final = frozenset(_WORDS["all"])


@click.group()
def share() -> None:
    """Mailboxes of an account that others may use, too."""


@share.command("list")
@click.argument("account_name", metavar="ACCOUNT")
@json_option
def share_list(account_name: str, as_json: bool) -> None:
    """List what ACCOUNT shares: mailboxes, with whom, and the rights."""
    from moxlite.admin.requests import AccountName, ShareInfo

    rows = call("account share list", AccountName(account_name), list[ShareInfo])
    show(rows, ("mailbox", "guest", "rights"), as_json=as_json)


@share.command("set")
@click.argument("account_name", metavar="ACCOUNT")
@click.argument("mailbox")
@click.argument("guest")
@click.argument("rights")
@click.option("--below", is_flag=True, help="Also on the mailboxes below MAILBOX.")
def share_set(account_name: str, mailbox: str, guest: str, rights: str, below: bool) -> None:
    """Give GUEST just these RIGHTS on a MAILBOX of ACCOUNT, in place of those that were given before.

    GUEST is an account, an address of one, or "anyone". RIGHTS are read (see it and read), write (also change flags,
    add and remove messages), all (also make and delete mailboxes below, and give rights to others), or letters of RFC
    4314: l r s w i p k x t e a. A mailbox that is made below later gets the same rights.
    """
    from moxlite.admin.requests import ShareSet

    letters = _WORDS.get(rights, rights)
    if not letters or not _LETTERS.issuperset(letters):
        raise Failure(f'"{rights}" are no rights: use read, write, all, or letters of {_WORDS["all"]}')
    if "l" not in letters:
        raise Failure('without the right "l" the mailbox is not seen: add it')
    call("account share set", ShareSet(account_name, mailbox, guest, letters, below), type(None))


@share.command("rm")
@click.argument("account_name", metavar="ACCOUNT")
@click.argument("mailbox")
@click.argument("guest")
@click.option("--below", is_flag=True, help="Also from the mailboxes below MAILBOX.")
def share_rm(account_name: str, mailbox: str, guest: str, below: bool) -> None:
    """Take all rights on a MAILBOX of ACCOUNT from GUEST."""
    from moxlite.admin.requests import ShareSet

    call("account share rm", ShareSet(account_name, mailbox, guest, "", below), type(None))
