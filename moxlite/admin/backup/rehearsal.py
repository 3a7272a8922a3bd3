"""Rehearsal of a restore: each week one account of the newest snapshot is restored into a scratch folder, read whole,
and compared with the account in use (STORE-187a).

The result of the last rehearsal is the file `rehearsal.json` in the data directory, for the doctor, the admin app and
the next start. A rehearsal that fails is reported to the administrator. An encrypted repository is rehearsed only if
the server has an identity for it; else the doctor names the command for someone who has the key.
"""

import logging
import shutil
import time
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import trio

from moxlite.admin.backup.backups import BackupCommands, temporary_folder
from moxlite.admin.notices import notify_postmaster
from moxlite.config.files import write_atomically
from moxlite.config.holder import ConfigHolder
from moxlite.config.static import Backup
from moxlite.encoding import from_json, to_json
from moxlite.process.fences import explain_os_error
from moxlite.store import metrics
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.backup.packs import is_encrypted
from moxlite.store.backup.repository import Repository
from moxlite.store.backup.storage import Storage
from moxlite.store.backup.verify import Trial, try_database
from moxlite.store.errors import BackupError, StoreError
from moxlite.wakeup import sleep_by_both_clocks

logger = logging.getLogger("moxlite.admin.backup.rehearsal")

FILE: Final = "rehearsal.json"

WEEK: Final = 7 * 86_400.0
"""Seconds between two rehearsals."""

RETRY: Final = 86_400.0
"""Seconds after a rehearsal that could not be made."""

FIRST: Final = 1800.0
"""Seconds from the start of the server to a rehearsal that is due."""


class RehearsalResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """Result of a rehearsal.

    at: seconds UTC. account, snapshot: the account that was restored, and the snapshot. seconds: duration. messages,
    newer: messages restored, and messages of the account that came after the snapshot. problem: reason of the failure,
    "" for success. unreadable: the repository is encrypted, so nothing was tried.
    """

    at: float
    account: str = ""
    snapshot: str = ""
    seconds: float = 0.0
    messages: int = 0
    newer: int = 0
    problem: str = ""
    unreadable: bool = False


def read_rehearsed(data: Path) -> RehearsalResult | None:
    """The last result; None without a rehearsal. Blocking."""
    try:
        return from_json((data / FILE).read_bytes(), RehearsalResult)
    except (OSError, msgspec.DecodeError):
        return None


class Rehearsal:
    """Rehearses restores while it serves. `settings` have a schedule and a target."""

    def __init__(self, settings: Backup, *, commands: BackupCommands, config: ConfigHolder, accounts: Accounts) -> None:
        assert settings.target is not None
        self._target = settings.target
        self._identity = settings.rehearsal_identity
        self._commands = commands
        self._config = config
        self._accounts = accounts

    @property
    def _data(self) -> Path:
        return self._config.current.static.data_dir

    async def serve(self) -> None:
        """Rehearse until cancelled.

        Errors: a rehearsal that fails is saved, logged and reported. Others come out; the next start goes on.
        """
        await trio.sleep(FIRST)
        while True:
            last = await trio.to_thread.run_sync(read_rehearsed, self._data)
            pause = WEEK if last is None or not last.problem else RETRY
            await sleep_by_both_clocks(pause, since=0.0 if last is None else last.at)
            if await self.once() is None:
                await sleep_by_both_clocks(RETRY)  # nothing was saved that tells when the next one is due

    async def once(self) -> RehearsalResult | None:
        """Rehearse now; None without a snapshot or an account. Raises OSError: the result cannot be saved."""
        last = await trio.to_thread.run_sync(read_rehearsed, self._data)
        result = await self._rehearse("" if last is None else last.account)
        if result is None:
            return None
        kv = {"account": result.account, "snapshot": result.snapshot, "seconds": result.seconds, "err": result.problem}
        logger.log(logging.ERROR if result.problem else logging.INFO, "test restore finished", extra={"kv": kv})
        await trio.to_thread.run_sync(partial(write_atomically, self._data / FILE, to_json(result), mode=0o640))
        if result.problem:
            await self._notify(result)
        elif not result.unreadable:
            metrics.BACKUP_LAST_REHEARSAL.set(result.at)
        return result

    async def _rehearse(self, after: str) -> RehearsalResult | None:
        """Rehearse with the account that follows `after` in the order of names."""
        began = time.time()
        folder = self._data / "tmp"
        name = snapshot = ""
        messages = newer = 0
        try:
            found_accounts = await self._commands.at_storage(self._target, self._accounts_of)
            if found_accounts is None:
                return RehearsalResult(began, unreadable=True)
            snapshot, names = found_accounts
            known = sorted(one for one in names if self._accounts.options.account_config(one) is not None)
            if not known:
                return None
            # One a week, in turn: each takes as much room as the account, and all of it is read.
            name = next((one for one in known if one > after), known[0])
            async with temporary_folder("rehearsal-", folder) as scratch:
                trial = await self._try(name, snapshot, scratch / "account.db")
            messages, newer, problem = trial.messages, trial.newer, "; ".join(trial.faults)
        except (BackupError, StoreError) as error:
            problem = str(error)
        except OSError as error:
            problem = f"{error.filename or self._target}: {explain_os_error(error, folder)}"
        return RehearsalResult(began, name, snapshot, time.time() - began, messages, newer, problem)

    async def _try(self, name: str, snapshot: str, file: Path) -> Trial:
        def extract(storage: Storage) -> None:
            self._repository(storage).extract_account(name, file, snapshot_id=snapshot)

        async with self._accounts.use(name) as account:
            size = await trio.to_thread.run_sync(lambda: (account.directory / "account.db").stat().st_size)
            free = await trio.to_thread.run_sync(lambda: shutil.disk_usage(file.parent).free)
            if free < size + account.options.min_free_space:
                raise BackupError(f"not enough space in {file.parent.parent} (need {size} bytes)")
            await self._commands.at_storage(self._target, extract)
            return await try_database(file, account)

    def _accounts_of(self, storage: Storage) -> tuple[str, list[str]] | None:
        """The newest snapshot and its accounts; None for a repository that cannot be read without a key."""
        if self._identity is None and is_encrypted(storage):
            return None
        repository = self._repository(storage)
        ids = repository.ids()
        if not ids:
            return "", []
        paths = [Path(name).parts for name in repository.names(ids[-1])]
        return ids[-1], [parts[2] for parts in paths if len(parts) == 4 and parts[:2] == ("data", "accounts")]

    def _repository(self, storage: Storage) -> Repository:
        return Repository(storage, identity_file=self._identity)

    async def _notify(self, found: RehearsalResult) -> None:
        text = (
            f"A test restore from {self._target} failed.\n\nAccount: {found.account or '-'}\nSnapshot: "
            f"{found.snapshot or '-'}\nReason: {found.problem}\n\nUntil you fix this, you may not be able to "
            "restore the backup. To check the whole backup, run `moxlite backup verify`.\n"
        )
        once = f"rehearsal {int(found.at // 86_400)}"
        try:
            await notify_postmaster(self._accounts, self._config.current, "test restore failed", text, once=once)
        except StoreError as error:
            logger.error("failed to send postmaster email", extra={"kv": {"err": str(error)}})
