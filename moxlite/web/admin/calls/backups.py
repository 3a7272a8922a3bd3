"""The calls about backups: the snapshots that there are, and one made now (WEB-88)."""

from __future__ import annotations

import time
from typing import Final

import msgspec
import trio

from moxlite.admin.requests import BackedUp, BackUp
from moxlite.store import metrics
from moxlite.store.errors import BackupError
from moxlite.supervision import Fate
from moxlite.web.admin.calls.common import AdminCalls
from moxlite.web.admin.machinetypes import BackupRun, Backups, SnapshotRow
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import APIError, Unavailable, UserError

MAX_LISTED: Final = 200
"""Snapshots that are listed, the newest."""

MAX_LINES: Final = 50
"""Lines of each kind that are kept of a run."""

LIST_SECONDS: Final = 20.0
"""Seconds that a target may take to list its snapshots."""


class BackupCalls(AdminCalls):
    """Backups of the whole server."""

    _backup: BackupRun | None = None

    @call()
    async def backups(self, caller: Caller) -> Backups:
        """The snapshots in the repository of the configuration, newest first; takes up to 20 seconds."""
        settings = self._server.config().static.backup
        snapshots, problem = await self._snapshots()
        interval = settings.schedule
        return Backups(
            target="" if settings.target is None else str(settings.target),
            interval=0 if interval is None else round(interval * 1e6),
            keep_daily=settings.keep_daily,
            keep_weekly=settings.keep_weekly,
            encrypted=bool(settings.encrypt_to),
            last=max([round(metrics.BACKUP_LAST_SUCCESS.value * 1e6), *(one.created for one in snapshots[:1])]),
            running=self._server.machinery.backups.running,
            run=self._backup,
            snapshots=snapshots[:MAX_LISTED],
            problem=problem,
        )

    @call(confirm=True)
    async def backup_run(self, caller: Caller) -> None:
        """Begin a backup to the target of the configuration. `backups` tells how it goes."""
        await trio.lowlevel.checkpoint()
        settings = self._server.config().static.backup
        if settings.target is None:
            raise UserError("Set backup.target in moxlite.toml first.")
        if self._server.machinery.backups.running or (self._backup is not None and self._backup.ended == 0):
            raise Unavailable("A backup is being made already.")
        target = str(settings.target)
        self._backup = BackupRun(began=time.time_ns() // 1000)

        async def work() -> None:
            await self._make(target)

        self._server.machinery.tree.start("admin.backup-now", work, Fate.ONCE)

    async def _make(self, target: str) -> None:
        assert self._backup is not None
        began = self._backup.began
        done = BackedUp(0, 0, 0, errors=["The backup was stopped."])
        try:
            done = await self._console.run("backup", BackUp(target, repo=True), BackedUp)
        except APIError as error:
            done = msgspec.structs.replace(done, errors=[error.text])
        finally:
            self._backup = BackupRun(
                began=began,
                ended=time.time_ns() // 1000,
                octets=done.octets,
                stored=done.stored,
                errors=done.errors[:MAX_LINES],
                warnings=done.warnings[:MAX_LINES],
                left_out=done.left_out[:MAX_LINES],
            )

    async def _snapshots(self) -> tuple[list[SnapshotRow], str]:
        """The snapshots, and why they cannot be listed."""
        from moxlite.store.backup.repository import Repository, exists  # 0.3 MB

        target = self._server.config().static.backup.target
        if target is None:
            return [], ""
        commands = self._server.machinery.backups
        with trio.move_on_after(LIST_SECONDS):
            try:
                if not await commands.at_storage(target, exists):
                    return [], ""
                found = await commands.at_storage(target, Repository.infos)
            except (BackupError, OSError) as error:
                return [], str(error)
            return [
                SnapshotRow(
                    one.id,
                    one.created,
                    -1 if one.files is None else one.files,
                    -1 if one.octets is None else one.octets,
                )
                for one in reversed(found)
            ], ""
        return [], f"{target} did not answer within {LIST_SECONDS:.0f} seconds."
