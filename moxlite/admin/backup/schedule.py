"""Backups by the clock, and the notice when they fail (STORE-187).

When the next one is due is told by the times of the snapshots in the repository, so a restart of the server neither
doubles one nor puts it off.
"""

import logging
import random
import time
from pathlib import Path
from typing import Final

import msgspec
import trio

from moxlite.admin.backup.backups import BackupCommands
from moxlite.admin.notices import notify_postmaster
from moxlite.config.files import write_atomically
from moxlite.config.holder import ConfigHolder
from moxlite.config.static import Backup
from moxlite.encoding import from_json, to_json
from moxlite.net.control.server import CommandFailed
from moxlite.operations.server import BackUp
from moxlite.process.fences import explain_os_error
from moxlite.store import metrics
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.backup.packs import is_encrypted
from moxlite.store.backup.repository import Repository
from moxlite.store.backup.storage import Storage
from moxlite.store.errors import BackupError, RemovalForbidden, StoreError
from moxlite.wakeup import sleep_by_both_clocks

logger = logging.getLogger("moxlite.admin.backup.backups")

RETRY: Final = 600.0
"""Seconds until a backup that failed is tried again: a disk that was not mounted, a network that was away."""

WEEK: Final = 7 * 86_400
"""Seconds until the administrator is told again that keys are missing."""

MISSED: Final = 2
"""Intervals without success after which the administrator is told again each day."""


class _Outcome(msgspec.Struct, frozen=True):
    """Outcome of a try. problem: why it failed, or what failed after it; "" for nothing. made: there is a new snapshot.
    whole: it lacks nothing. left_out: a line for each private key that it lacks.
    """

    problem: str = ""
    made: bool = False
    whole: bool = False
    left_out: list[str] = []


class BackupSchedule:
    """Makes backups while it serves. `settings` have a schedule and a target."""

    def __init__(self, settings: Backup, *, commands: BackupCommands, config: ConfigHolder, accounts: Accounts) -> None:
        assert settings.schedule is not None
        assert settings.target is not None
        self._settings = settings
        self._interval: float = settings.schedule
        self._target = settings.target
        self._commands = commands
        self._config = config
        self._accounts = accounts
        self._began = time.time()

    async def serve(self) -> None:
        """Make backups until cancelled.

        Errors: a backup that fails is logged, reported to the postmaster, and tried again: after `RETRY` seconds, and
        in pauses that double where each try makes a snapshot that lacks something. Others come out; the next start
        looks anew when a backup is due.
        """
        last, pause = await self._last(), RETRY
        if last:
            metrics.BACKUP_LAST_SUCCESS.set(last)
        while True:
            await sleep_by_both_clocks(self._interval, since=last)
            outcome = await self._once()
            if outcome.whole:
                last = time.time()
            if outcome.left_out:
                await self._tell_of_keys(outcome.left_out)
            if outcome.problem:
                err = outcome.problem
                logger.error("scheduled backup failed", extra={"kv": {"target": self._target, "err": err}})
                await self._notify(outcome.problem, last)
            if not outcome.whole:
                await trio.sleep(min(pause, self._interval))
            # Each try that makes a snapshot takes room, and an account that is damaged stays so for a while.
            pause = 2 * pause if outcome.made and not outcome.whole else RETRY

    async def _last(self) -> float:
        """Time of the newest whole snapshot, seconds UTC; 0 without a snapshot that can be seen. One with a time in
        the future was made by a wrong clock, and does not count.
        """
        try:
            snapshot_infos = await self._commands.at_storage(self._target, Repository.infos)
        except (BackupError, OSError):
            return 0.0
        now = time.time()
        newest = max(
            (snapshot_info.created / 1e6 for snapshot_info in snapshot_infos if snapshot_info.created / 1e6 <= now),
            default=0.0,
        )
        sampled = await trio.to_thread.run_sync(read_sampled, self._data)
        # By the sample after it, for the manifests of an encrypted repository tell the server nothing.
        if newest and sampled is not None and sampled.partial and sampled.at >= newest:
            return min(sampled.good, newest)
        return newest

    @property
    def _data(self) -> Path:
        return self._config.current.static.data_dir

    async def _once(self) -> _Outcome:
        try:
            done = await self._commands.make_alone(BackUp(str(self._target), repo=True))
        except CommandFailed as error:
            return _Outcome(str(error))
        for line in done.warnings:
            logger.warning("scheduled backup", extra={"kv": {"target": self._target, "warning": line}})
        problems, kept = done.errors, ""
        # Not after a backup with errors: the snapshots before it may be all that is whole.
        if not done.errors:
            try:
                kept = await self._commands.at_storage(self._target, self._prune)
            except (BackupError, OSError) as error:
                problems = [f"created a snapshot, but couldn't delete old ones: {_words(error, self._target)}"]
        try:
            await self._sample(kept, whole=not done.errors)
        except OSError as error:
            problems = [*problems, f"couldn't write {FILE}: {_words(error, self._data)}"]
        return _Outcome("\n".join(problems), made=True, whole=not done.errors, left_out=done.left_out)

    def _prune(self, storage: Storage) -> str:
        """Remove old snapshots; why they stay, "" for nothing. An encrypted repository is left alone."""
        settings = self._settings
        try:
            if storage.folder is None or is_encrypted(storage):
                return ""
            Repository(storage).prune(keep_daily=settings.keep_daily, keep_weekly=settings.keep_weekly)
        except RemovalForbidden as error:
            logger.warning("failed to delete old snapshots", extra={"kv": {"target": self._target, "err": str(error)}})
            return str(error)
        return ""

    async def _sample(self, kept: str, *, whole: bool) -> None:
        """Read a sample of the new snapshot back, and tell of one that cannot be read. A place that does not answer any
        more tells nothing of the snapshot, which is there. Raises OSError: the result cannot be kept.
        """
        data = self._data
        identity = self._settings.rehearsal_identity
        try:
            found = await self._commands.at_storage(self._target, lambda storage: sample(storage, data, identity))
        except (BackupError, OSError) as error:
            kv = {"target": self._target, "err": getattr(error, "strerror", None) or error}
            logger.warning("failed to read a backup sample", extra={"kv": kv})
            return
        before = await trio.to_thread.run_sync(read_sampled, data)
        good = found.at if whole else 0.0 if before is None else before.good
        found = msgspec.structs.replace(found, kept=kept, partial=not whole, good=good)
        await trio.to_thread.run_sync(save_sampled, data, found)
        if not found.problem:
            return
        logger.error("backup verification failed", extra={"kv": {"target": self._target, "err": found.problem}})
        text = (
            f"The server couldn't read a sample of the backup in {self._target}:\n\n{found.problem}\n\nTo find the "
            f"damage and store lost data again with the next backup, run: moxlite backup verify --repo {self._target} "
            "--deep --fix. If this happens again, replace the disk.\n"
        )
        once = f"backup sample {int(found.at // 86_400)}"
        try:
            await notify_postmaster(self._accounts, self._config.current, "can't read the backup", text, once=once)
        except StoreError as error:
            logger.error("failed to send postmaster email", extra={"kv": {"err": str(error)}})

    async def _tell_of_keys(self, left_out: list[str]) -> None:
        """Log that the backup lacks private keys, and tell the administrator once a week."""
        kv = {"target": self._target, "files": len(left_out), "first": left_out[0]}
        logger.warning("backup is missing private keys", extra={"kv": kv})
        lines = "\n".join(left_out)
        text = (
            f"The backup to {self._target} doesn't include this host's private keys:\n\n{lines}\n\nA new machine "
            f"restored from this backup will create new keys. You'll have to change the TLSA records in DNS before "
            f"servers that use DANE can send you mail again. To prevent this, set backup.include_keys "
            "= true, or encrypt the repository (backup.encrypt_to, with a new backup.target).\n"
        )
        week = int(time.time() // WEEK)
        try:
            await notify_postmaster(
                self._accounts, self._config.current, "backup without keys", text, once=f"backup keys {week} {lines}"
            )
        except StoreError as error:
            logger.error("failed to send postmaster email", extra={"kv": {"err": str(error)}})

    async def _notify(self, problem: str, last: float) -> None:
        """Tell the administrator: of a failure once, and each day while there has been no backup for two intervals."""
        when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(last)) if last else "never"
        text = f"The backup to {self._target} failed:\n\n{problem}\n\nLast successful backup: {when}.\n"
        late = time.time() - max(last, self._began) > MISSED * self._interval
        once = f"backup {last} {int(time.time() // 86_400) if late else 'failed'}"
        try:
            await notify_postmaster(self._accounts, self._config.current, "backup failed", text, once=once)
        except StoreError as error:
            logger.error("failed to send postmaster email", extra={"kv": {"err": str(error)}})


def _words(error: Exception, place: object) -> str:
    return explain_os_error(error, Path(str(place))) if isinstance(error, OSError) else str(error)


# The state of the repository after the last scheduled backup: whether a sample of it could be read back, and whether
# old snapshots could be removed (STORE-184d, STORE-184e).
#
# It is the file `backup-sample.json` in the data directory, for the doctor.


FILE: Final = "backup-sample.json"

_chosen: Final = random.SystemRandom()


class SampleResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """Result of reading back.

    at: seconds UTC. snapshot: the newest one. blocks: blocks of 64 KiB that were read. compared: their octets match
    their names; else the repository is encrypted, and only their beginnings were looked at. problem: why it could not
    be read, "" for success. kept: why old snapshots stay, "" if they were removed, or are removed by hand. partial: the
    snapshot lacks something. good: seconds UTC of the last one that was whole; 0 for none. ahead: a snapshot with a
    time in the future, "" for none.
    """

    at: float
    snapshot: str = ""
    blocks: int = 0
    compared: bool = False
    problem: str = ""
    kept: str = ""
    partial: bool = False
    good: float = 0.0
    ahead: str = ""


def sample(storage: Storage, data: Path, identity: Path | None) -> SampleResult:
    """Read a sample back. Blocks. Raises OSError: the place of the repository does not answer."""
    at = time.time()
    try:
        found = Repository(storage, data=data, identity_file=identity).sample(_chosen)
    except BackupError as error:
        return SampleResult(at, problem=str(error))
    return SampleResult(at, found.snapshot, found.blocks, found.compared, ahead=found.ahead)


def read_sampled(data: Path) -> SampleResult | None:
    """The last result; None without one. Blocks."""
    try:
        return from_json((data / FILE).read_bytes(), SampleResult)
    except (OSError, msgspec.DecodeError):
        return None


def save_sampled(data: Path, found: SampleResult) -> None:
    """Keep a result. Blocks. Raises OSError."""
    write_atomically(data / FILE, to_json(found), mode=0o640)
