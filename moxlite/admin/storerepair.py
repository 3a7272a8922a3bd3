"""``moxlite store fix-counts`` and the other repairs, in a running server or on a stopped one's files (STORE-43)."""

import apsw

from moxlite.admin.requests import StoreRepair
from moxlite.admin.storage import store_options
from moxlite.config.snapshot import Snapshot
from moxlite.process.lock import DataLock
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.errors import AccountUnknown, StorageBroken
from moxlite.store.upkeep.repairs import FIXES, Fix, bump_uidvalidity, reassign_uids, repair, repair_file

__all__ = ["fix_of", "repair_account", "repair_stopped"]


def fix_of(request: StoreRepair) -> Fix:
    """The repair that is asked for. Raises ValueError for an unknown verb."""
    mailbox = request.mailbox or None
    match request.verb:
        case "reassign-uids":
            return lambda tx: reassign_uids(tx, mailbox)
        case "bump-uidvalidity":
            return lambda tx: bump_uidvalidity(tx, mailbox)
        case verb if verb in FIXES:
            return FIXES[verb]
        case verb:
            raise ValueError(f"unknown repair {verb!r}")


async def repair_account(accounts: Accounts, request: StoreRepair) -> list[str]:
    """Repair an account of a running server; returns what was changed. Raises StoreError, ValueError."""
    fix = fix_of(request)
    async with accounts.use(request.account) as account:
        return await repair(account, fix)


def repair_stopped(snapshot: Snapshot, request: StoreRepair) -> list[str]:
    """The same without a server.

    Raises:
      Locked: another process uses the data directory.
      StoreError, OSError, ValueError.
    """
    fix = fix_of(request)
    with DataLock(snapshot.static.data_dir / "lock"):
        accounts = Accounts(snapshot.static.data_dir, store_options(lambda: snapshot))
        if not accounts.exists(request.account):
            raise AccountUnknown(request.account)
        path = accounts.path(request.account) / "account.db"
        try:
            return repair_file(path, {request.verb: fix}, accounts.options)
        except apsw.Error as error:
            raise StorageBroken(f"{path}: {error}") from error
