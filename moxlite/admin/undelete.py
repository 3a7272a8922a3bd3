"""``moxlite account undelete`` in a running server (STORE-190)."""

from moxlite.admin.requests import Undelete, UndeletedMail
from moxlite.net.ctlserver import CommandFailed
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.errors import StoreError
from moxlite.store.upkeep.undelete import undelete

__all__ = ["undelete_mail"]


async def undelete_mail(accounts: Accounts, args: Undelete) -> UndeletedMail:
    """Bring removed messages back. Raises CommandFailed."""
    try:
        async with accounts.use(args.account) as account:
            done = await undelete(account, accounts.directory / "tmp", since=args.since, mailbox=args.mailbox)
    except StoreError as error:
        raise CommandFailed("failed", str(error)) from None
    return UndeletedMail(done.messages, done.damaged)
