"""``moxlite store check``: on a live server from snapshots, or on the files of a stopped one (STORE-42)."""

from collections.abc import Callable

from moxlite.admin.chosen import on_files
from moxlite.admin.requests import CheckReport
from moxlite.config.snapshot import Snapshot
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.errors import StoreError
from moxlite.store.search.check import check_index
from moxlite.store.upkeep.check import check_account

__all__ = ["check_accounts", "check_stopped"]


async def check_accounts(accounts: Accounts, names: list[str], *, deep: bool) -> list[CheckReport]:
    """Check accounts one after the other, each from a snapshot in a worker thread, while they go on.

    `deep` also reads all stored octets.
    """
    reports = []
    for name in names:
        try:
            async with accounts.use(name) as account:
                findings = await account.scan(lambda r: check_account(r, deep=deep), op="check")
                findings += await check_index(account, deep=deep)
        except StoreError as error:
            reports.append(CheckReport(name, [f"cannot be opened: {error}"]))
        else:
            reports.append(CheckReport(name, [f"{one.kind}: {one.text}" for one in findings]))
    return reports


def check_stopped(snapshot: Snapshot, choose: Callable[[Accounts], list[str]], *, deep: bool) -> list[CheckReport]:
    """The same without a server.

    Raises:
      Locked: another process uses the data directory.
      OSError: the data directory cannot be used.
    """
    return on_files(snapshot, lambda accounts: check_accounts(accounts, choose(accounts), deep=deep))
