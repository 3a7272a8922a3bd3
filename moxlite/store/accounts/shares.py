"""Copying to ``auth.db`` which accounts share mailboxes with which users (IMAP-157).

LIST must not open every account to find the mailboxes shared with a user, so `auth.db` has pairs of owner and guest.
They are derived from the owners' own files: after each change, and whenever an account is opened, which happens to each
after the start of the server. So a crash between the two writes, or a backup of one file only, repairs itself.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.changelog.account import Account
from moxlite.store.errors import AccountUnknown, StoreError
from moxlite.store.mail.acl import forget_guest, guests

logger = logging.getLogger("moxlite.store.shares")

INTERVAL: Final = 3600.0
"""Seconds between two comparisons for an account that stays open."""


async def publish_shares(auth: AuthDB, account: Account) -> None:
    """Copy the guests of an account from its file to `auth.db`. Raises StoreError."""
    while True:  # another process may have read the file before us, and written after us
        found = await account.read(guests, op="shares")
        if not await auth.sharing.set_guests(account.name, found):
            return
        logger.info("shared with", extra={"kv": {"account": account.name, "guests": " ".join(found)}})


def sharing_task(auth: AuthDB) -> Callable[[Account], Awaitable[None]]:
    """Return a background task for `Accounts.register_task` that publishes shares. Errors: StoreError propagates."""

    async def run(account: Account) -> None:
        while auth.in_service:
            await publish_shares(auth, account)
            await trio.sleep(INTERVAL)

    return run


async def forget_shares(accounts: Accounts, auth: AuthDB, guest: str) -> None:
    """Take all rights from an account that is being removed: a later account of that name must not inherit them."""
    for owner in await auth.sharing.owners(guest, anyone=False):
        try:
            async with accounts.use(owner) as account:
                await account.write(lambda tx: forget_guest(tx, guest))
                await publish_shares(auth, account)
        except AccountUnknown:  # the owner is removed itself
            continue
        except StoreError as error:  # a broken file must not keep another account from going
            logger.error("rights left behind", extra={"kv": {"account": owner, "guest": guest, "err": str(error)}})
