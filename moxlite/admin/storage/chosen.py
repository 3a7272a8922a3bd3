"""The accounts that a command works on, and the accounts of a stopped server (ADMIN-19)."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from moxlite.admin.edits import named_account
from moxlite.admin.storage.settings import store_options
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import FixedConfig, Snapshot
from moxlite.process.stopped import stopped
from moxlite.store.accounts.accounts import Accounts

T = TypeVar("T")


def named_accounts(config: ConfigHolder, accounts: Accounts, name: str) -> list[str]:
    """The account of that name, or without a name all configured accounts that have files. Raises CommandFailed."""
    if not name:
        return [one for one in accounts.names() if config.current.account(one) is not None]
    named_account(config, name)
    return [name]


def on_files(snapshot: Snapshot, work: Callable[[Accounts], Awaitable[T]]) -> T:
    """Run `work` on the files of a stopped server.

    Raises:
      Locked: another process uses the data directory.
      OSError: the data directory cannot be used.
    """

    async def main() -> T:
        accounts = Accounts(snapshot.static.data_dir, store_options(FixedConfig(snapshot)))
        try:
            return await work(accounts)
        finally:
            with trio.CancelScope(shield=True):  # bounded: accounts without users
                await accounts.aclose()

    with stopped(snapshot.static.data_dir):
        return trio.run(main)
