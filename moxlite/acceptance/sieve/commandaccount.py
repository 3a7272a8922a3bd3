"""The account that a command of the control socket names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from moxlite.admin.accounts import Refused, require_account
from moxlite.config.holder import ConfigHolder
from moxlite.net.control.server import CommandFailed
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.errors import StoreError


@asynccontextmanager
async def account_of_command(config: ConfigHolder, accounts: Accounts, name: str) -> AsyncIterator[OpenAccount]:
    """Open an account of the configuration while the block lasts. Raises CommandFailed, for errors of the block, too:
    Refused and StoreError in their words.
    """
    try:
        require_account(config.current, name)
        async with accounts.use(name) as account:
            yield account
    except (Refused, StoreError) as error:
        raise CommandFailed("refused", str(error)) from None
