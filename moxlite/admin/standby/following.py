"""The second machine: keeps restored files current (STORE-186b).

Theory of operation
-------------------
Each `BEAT` seconds the positions of the first machine are read. Every database that is behind gets a process of
Litestream in follow mode, which applies new changes within a second. As a process costs 10 MB, at most `PROCESSES` run;
the one whose database has been quiet for longest gives its place to another. A process that ends is started again when
its database is behind: Litestream resumes only at a transaction that the newest whole copy has, although the changes
after it are there, so its note beside the file is set back to that copy first; changes are pages, and applying some
again does no harm.

Files here are only opened by Litestream, and by the daily check, while no process writes to that file.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import trio

from moxlite.admin.standby.layout import (
    FILES,
    FOLLOWED,
    Positions,
    StandbyState,
    databases_in,
    databases_of,
    epoch_folder,
    is_database,
    read_document,
    read_handed,
    read_head,
    read_positions,
    save,
    without_removed,
)
from moxlite.admin.standby.lease import was_stopped
from moxlite.admin.standby.litestream import (
    FOLLOWING,
    Place,
    end_left,
    end_program,
    environment,
    forget,
    newer,
    note_of,
    place_of,
    progress_of,
    transaction_of,
    write_configuration,
)
from moxlite.admin.standby.pack import open_pack, unpack
from moxlite.admin.standby.status import target_fault
from moxlite.encoding import from_json
from moxlite.escapes import printable
from moxlite.net.storage.locking import PAUSES
from moxlite.process.backuptargets import Access, Target, opened
from moxlite.safefile import Tree
from moxlite.store.backup.keys import check_trusted, signers_in
from moxlite.store.backup.storage import Storage
from moxlite.store.backup.verify import quick_check
from moxlite.store.errors import BackupError

logger = logging.getLogger("moxlite.admin.standby")

BEAT: Final = 5.0
"""Seconds between two looks at the positions, which the first machine writes each 30 s or when they are news."""

PROCESSES: Final = 24
"""Programs that run at a time, of 10 MB each."""

RETELL: Final = 20.0
"""Seconds of a round after which the state is told."""

INTERVAL: Final = "500ms"
LATEST: Final = 120.0
"""Seconds for a listing by the program."""

STUCK: Final = 300.0
"""Seconds without progress after which a process that is behind is started anew."""

STUCK_LAST: Final = 30.0
"""The same during a take-over, for the first process: what is left is small, or its file grows. Each further one has
twice as many, up to `STUCK`.
"""

LISTING: Final = 15.0
"""Seconds for the first listing of a take-over; each further one has twice as many, up to `LATEST`."""

LISTINGS: Final = 4
"""Listings at a time."""

TELL: Final = 10.0
"""Seconds between two lines of the log about what a take-over waits for."""

PAUSE: Final = 10.0
"""Seconds until a database whose process failed is tried again."""

PAUSE_LAST: Final = 1.0
"""The same during a take-over."""

CHECK: Final = 86_400.0
"""Seconds between two checks of a database."""

CHECK_FIRST: Final = 3600.0
"""Seconds until the first check after a start: a follower that is started each day checks, too."""

END: Final = 10.0
"""Seconds in which a process that follows may end itself, before it is killed."""

FINISH: Final = 5.0
"""Seconds in which the processes that follow apply the last changes of a machine that has handed its lease over. The
lease is not renewed meanwhile.
"""

SILENT: Final = 120.0
"""Seconds without news of the first machine after which they are missed."""


SIGNER: Final = "signer"
"""In the follower's folder: the signer of the first machine."""


class Closed(BackupError):
    """The files of the first machine cannot be opened with the key that this machine has."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Source that is followed: the target of the first machine, keys for it, the program, and the key of the files.
    signers: those whose files are believed; empty: the first one that is met. unsigned: files of all are believed.
    """

    target: Target
    access: Access | None
    program: Path
    identity: Path | None = None
    signers: frozenset[str] = frozenset()
    unsigned: bool = False

    def command(self, verb: str, settings: Path, *arguments: str) -> list[str]:
        """A command of the program."""
        return [str(self.program), verb, "-no-expand-env", "-config", str(settings), *arguments]

    @contextlib.contextmanager
    def storage(self, scratch: Path | None) -> Iterator[Storage]:
        """The storage of the target; `scratch` as for `opened`."""
        with opened(self.target, self.access, scratch=scratch, pauses=PAUSES[:1], patience=SILENT) as storage:
            yield storage


@dataclass
class _Process:
    """A running process of a database. `progress`: the last transaction that it was seen to apply, and the octets of
    its files, which grow while it restores a whole copy; `moved`: when. `asked`: it is to end.
    """

    process: trio.Process
    progress: tuple[int, int]
    moved: float
    asked: bool = False

    async def end(self) -> None:
        """End the program on purpose: its end is no failure then."""
        self.asked = True
        await end_program(self.process, END)


class Follower:
    """Follows a source into a folder laid out as a full backup.

    Attributes:
      followed: the state, which is a file of the folder, too.
      certain: after `catch_up`, whether clients of the first machine have seen no other changes (`Positions.certain`).
    """

    def __init__(self, source: Source, folder: Path) -> None:
        self._source = source
        self._folder = folder
        self.followed = read_document(folder / FOLLOWED, StandbyState) or StandbyState(time.time(), str(source.target))
        self._running: dict[str, _Process] = {}
        self._retry: dict[str, tuple[float, float]] = {}  # when, and the patience with the next process
        self._checked: dict[str, tuple[float, bool]] = {}  # when, and whether it is damaged
        self._failed: dict[str, str] = {}  # why the last process of a database has ended
        self._news = 0.0, time.monotonic()  # time of the last positions, and when they were seen first
        self._pack = b""
        self._problem = self._closed = ""
        self.certain = False

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    async def serve(self, handed: trio.Event | None = None) -> None:
        """Follow until cancelled, or until the other machine has `handed` its lease over; then the processes that
        follow apply the last changes first. What `FINISH` is too short for is left to `catch_up`.

        Errors: faults of the source and of the program are told by `followed`, and tried again. Others come out.
        """
        handed = trio.Event() if handed is None else handed
        await trio.to_thread.run_sync(_prepare, self._data)
        with place_of(self._source.target, self._source.access, self._folder) as place:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._retell)
                try:
                    while not handed.is_set():
                        await self._round(place, nursery)
                        with trio.move_on_after(BEAT):
                            await handed.wait()
                    with trio.move_on_after(FINISH):
                        await self._finish(place, nursery)
                finally:
                    with trio.CancelScope(shield=True):  # bounded by `end_program`
                        await _end_all(self._running)
                nursery.cancel_scope.cancel()

    async def _retell(self) -> None:
        """Tell the state while the source is slow: else it would look as if the follower did not run."""
        while True:
            await trio.sleep(RETELL)
            silent = time.time() - self.followed.at
            if silent >= RETELL:
                self._problem = f"{self._source.target}: no response for {silent:.0f} s"
                self._save(self.followed.behind, None)

    async def _finish(self, place: Place, nursery: trio.Nursery) -> None:
        """Apply the last changes of a machine that has handed its lease over. Faults of the source are left alone."""
        try:
            newest = await trio.to_thread.run_sync(_handed, self._source, self._folder, self.followed.epoch)
        except (OSError, ValueError, BackupError):
            return
        if newest is not None:
            current = {name for name, last in newest.items() if transaction_of(self._data / name) >= last}
            nursery.start_soon(_end_all, {name: self._running[name] for name in current & self._running.keys()})
            await self._apply(newest, place, self.followed.epoch, nursery)

    async def catch_up(self, seconds: float, *, handed: bool = False) -> list[str]:
        """Apply all that is in the target, whatever the positions say, which are some seconds old: also databases that
        they do not name yet. `handed`: the other machine has handed its lease over, and said how far all are. Returns
        the databases for which `seconds` were too short; `certain` is set. Raises Closed and errors of the source.
        """
        await trio.to_thread.run_sync(_prepare, self._data)
        epoch, positions = await trio.to_thread.run_sync(self._look)
        if self._closed:
            raise Closed(self._closed)
        self.certain = positions.certain
        if epoch != self.followed.epoch:
            await self._begin_epoch(epoch)
        newest = await trio.to_thread.run_sync(_handed, self._source, self._folder, epoch) if handed else None
        told = {name: number for name, number in positions.databases.items() if is_database(name)}
        names = list(newest or ())
        if newest is None:
            names = sorted({*await trio.to_thread.run_sync(_names, self._source, self._folder, epoch), *told})
            if not positions.missing:
                await self._remove({*names})
            newest = {}
        logger.info("fetching final changes", extra={"kv": {"databases": len(names)}})
        with place_of(self._source.target, self._source.access, self._folder) as place:
            async with trio.open_nursery() as nursery:
                with trio.move_on_after(seconds):
                    await self._list([name for name in names if name not in newest], place, epoch, newest, told)
                    await self._apply(newest, place, epoch, nursery)
                await _end_all(self._running)
        left = [name for name in names if name not in newest or transaction_of(self._data / name) < newest[name]]
        self._save(len(left), positions)
        return left

    async def _list(
        self, names: list[str], place: Place, epoch: int, newest: dict[str, int], told: Mapping[str, int]
    ) -> None:
        """Fill `newest` with the last transactions in the target, however often a listing fails or hangs. A listing is
        not believed that has less than the first machine has `told`.
        """
        limiter = trio.CapacityLimiter(LISTINGS)

        async def one(name: str) -> None:
            patience = LISTING
            while name not in newest:
                try:
                    async with limiter:
                        settings = await self._settings(name, place, epoch)
                        found = await self._newest(name, settings, place, "all", patience)
                    # Listings of some object storage lag: one that was believed would leave mail out of the take-over.
                    if found < told.get(name, 0):
                        raise OSError(f"only {found} of {told[name]} copied transactions found in the target")
                    newest[name] = found
                except OSError as error:
                    logger.warning(
                        "failed to list copies, retrying",
                        extra={"kv": {"database": name, "err": printable(str(error))[:300]}},
                    )
                    patience = min(2 * patience, LATEST)
                    await trio.sleep(PAUSE_LAST)

        async with trio.open_nursery() as nursery:
            for name in names:
                nursery.start_soon(one, name)

    async def _apply(self, newest: dict[str, int], place: Place, epoch: int, nursery: trio.Nursery) -> None:
        """Apply the changes up to those transactions."""
        began = told = trio.current_time()
        while behind := [name for name in newest if transaction_of(self._data / name) < newest[name]]:
            for name in behind:
                try:
                    await self._follow(name, place, epoch, nursery, last=True)
                except OSError as error:
                    logger.warning(
                        "failed to apply changes, retrying",
                        extra={"kv": {"database": name, "err": printable(str(error))[:300]}},
                    )
            if (now := trio.current_time()) - told >= TELL:
                told, first = now, behind[0]
                kv = {
                    "databases": len(behind),
                    "first": first,
                    "at": transaction_of(self._data / first),
                    "of": newest[first],
                }
                logger.info("waiting for final changes", extra={"kv": kv})
            await trio.sleep(0.2)
        logger.info("all changes received", extra={"kv": {"seconds": round(trio.current_time() - began, 1)}})

    async def _round(self, place: Place, nursery: trio.Nursery) -> None:
        self._problem = ""
        try:
            epoch, positions = await trio.to_thread.run_sync(self._look)
        except (OSError, ValueError, BackupError) as error:
            self._problem = target_fault(self._source.target, error)
            self._save(self.followed.behind, None)
            return
        if epoch != self.followed.epoch:
            await self._begin_epoch(epoch)
        names = [name for name in positions.databases if is_database(name)]
        if not positions.missing:  # else they lack databases of which the first machine does not know yet how far it is
            await self._remove(set(names))
        behind = [name for name in names if transaction_of(self._data / name) < positions.databases[name]]
        for name in behind:
            try:
                await self._follow(name, place, epoch, nursery)
            except (OSError, ValueError) as error:
                self._problem = self._problem or printable(f"{name}: {error}")[:500]
        self._failed = {name: text for name, text in self._failed.items() if name in behind}
        unfit = self._closed or await trio.to_thread.run_sync(
            newer, self._data, names, printable(positions.version)[:64]
        )
        if behind and not unfit:
            unfit = self.followed.unfit  # a file may be restored anew just now
        self._problem = self._problem or unfit or next(iter(self._failed.values()), "")
        if positions.at != self._news[0]:
            self._news = positions.at, time.monotonic()
        silent = time.monotonic() - self._news[1]  # the clock of the other machine may be hours apart
        stopped = silent > SILENT and await trio.to_thread.run_sync(_was_stopped, self._source, self._folder)
        if silent > SILENT and not self._problem and not stopped:
            self._problem = f"no update from {printable(positions.host)} for {silent:.0f} s"
        self._save(len(behind), positions, unfit, stopped=stopped)
        if not behind:
            await self._check(names)

    def _look(self) -> tuple[int, Positions]:
        """The newest epoch and its positions; the files of configuration are brought up to date. Blocks."""
        with self._source.storage(self._folder) as storage:
            head = read_head(storage)
            positions = None if head is None else read_positions(storage, head.epoch)
            if head is None or positions is None:
                raise ValueError("is still empty; check that the first machine has the same `standby.target`")
            self._fetch_files(storage, head.epoch)
            return head.epoch, positions

    def _fetch_files(self, storage: Storage, epoch: int) -> None:
        if self._source.identity is None:
            return
        try:
            data = storage.read(f"{epoch_folder(epoch)}/{FILES}")
        except FileNotFoundError:
            self._problem = "configuration and keys aren't in the target; run `standby status` on the first machine"
            return
        if data == self._pack:
            return
        try:
            files, found = open_pack(data, storage, self._source.identity)
            _check_signers(self._source, self._folder, found)
        except BackupError as error:
            self._closed = printable(str(error))[:500]
            return
        unpack(files, self._folder)
        self._pack, self._closed = data, ""

    async def _begin_epoch(self, epoch: int) -> None:
        """Forget how far the databases are: another epoch counts its transactions anew."""
        await _end_all(self._running)
        for name in await trio.to_thread.run_sync(lambda: list(databases_of(self._data))):
            forget(self._data / name)
        self.followed = msgspec.structs.replace(self.followed, epoch=epoch, current=0.0)
        logger.info("following new epoch", extra={"kv": {"epoch": epoch, "source": str(self._source.target)}})

    async def _remove(self, names: set[str]) -> None:
        """Remove the databases of accounts that the first machine has removed. In the target they stay for a time."""
        # Each server has one, so a list without it is no reason to remove the copies of all accounts.
        if "auth.db" not in names:
            return  # it is only beginning
        for name in await trio.to_thread.run_sync(lambda: list(databases_of(self._data))):
            if name not in names:
                if (running := self._running.get(name)) is not None:
                    await running.end()
                forget(self._data / name)
                self._checked.pop(name, None)
                if name.startswith("accounts/"):
                    shutil.rmtree((self._data / name).parent, ignore_errors=True)
                logger.info("database removed to match the first machine", extra={"kv": {"database": name}})

    async def _follow(self, name: str, place: Place, epoch: int, nursery: trio.Nursery, *, last: bool = False) -> None:
        """Have a process for a database that is behind. `last`: nothing new comes, and a take-over waits for it."""
        now = trio.current_time()
        retry, patience = self._retry.get(name, (now, STUCK_LAST))
        running = self._running.get(name)
        if running is not None:
            # By size as well: the note is written only after a whole copy is here, which may take an hour.
            progress = progress_of(self._data / name)
            if progress != running.progress:
                running.progress, running.moved = progress, now
            elif now - running.moved > (patience if last else STUCK):
                logger.warning("database copy isn't making progress", extra={"kv": {"database": name}})
                self._failed[name] = f"{name}: Litestream isn't making progress"
                self._retry[name] = retry, min(2 * patience, STUCK)
                await running.end()
            return
        if retry > now:
            return
        if len(self._running) >= PROCESSES:
            # It can be started again later: what it has applied stays, and its note says how far that is.
            quiet = min(self._running.values(), key=lambda one: one.moved)
            await quiet.end()
        self._retry[name] = now + (PAUSE_LAST if last else PAUSE), patience
        file = self._data / name
        settings = await self._settings(name, place, epoch)
        if transaction_of(self._data / name):
            await self._set_back(name, settings, place)
        elif file.exists():
            forget(self._data / name)  # cut short before its note was written
        process = await trio.lowlevel.open_process(
            self._source.command("restore", settings, "-f", FOLLOWING, INTERVAL, str(file)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
            env=environment(place.variables),
            start_new_session=True,
        )
        self._running[name] = _Process(process, progress_of(self._data / name), trio.current_time())
        nursery.start_soon(self._wait, name, self._running[name])

    async def _wait(self, name: str, running: _Process) -> None:
        """Wait for the end of a process; what it said last is the reason."""
        last = b""
        assert running.process.stderr is not None
        while octets := await running.process.stderr.receive_some(4096):
            last = (last + octets)[-1000:]
        status = await running.process.wait()
        if self._running.get(name) is running:
            del self._running[name]
        if not running.asked:  # it follows until it is ended
            text = printable(last.decode(errors="replace").strip().rpartition("\n")[2])[:300]
            logger.warning("database copy interrupted", extra={"kv": {"database": name, "status": status, "err": text}})
            self._failed[name] = f"{name}: Litestream exited with status {status}" + (f": {text}" if text else "")

    async def _settings(self, name: str, place: Place, epoch: int) -> Path:
        """Write the program's configuration for one database."""
        file = self._data / name
        settings = file.with_name(f".{file.name}.follow.tmp")
        entry = {"path": str(file), "replica": place.replica(epoch, name)}

        def write() -> None:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_configuration(settings, [entry], socket=None, keep=CHECK)

        await trio.to_thread.run_sync(write)
        return settings

    async def _set_back(self, name: str, settings: Path, place: Place) -> None:
        """Set the note of a file back to the newest whole copy; without one the file is restored anew. Raises
        OSError.
        """
        newest = await self._newest(name, settings, place, "9")
        if not newest:
            forget(self._data / name)
        elif newest < transaction_of(self._data / name):
            note_of(self._data / name).write_text(f"{newest:016x}\n")

    async def _newest(self, name: str, settings: Path, place: Place, level: str, patience: float = LATEST) -> int:
        """The last transaction of a database in the target, in files of a level; 0 for none. Raises OSError."""
        with trio.move_on_after(patience) as limit:
            done = await trio.run_process(
                self._source.command("ltx", settings, "-level", level, "-json", str(self._data / name)),
                capture_stdout=True,
                capture_stderr=True,
                check=False,
                env=environment(place.variables),
            )
        if limit.cancelled_caught:
            raise TimeoutError("timed out waiting for Litestream to list copies")
        try:
            found = from_json(done.stdout, list[dict[str, Any]] | None) or []
            return max((int(str(one["max_txid"]), 16) for one in found), default=0)
        except (msgspec.DecodeError, KeyError, ValueError):
            raise OSError(printable(done.stderr.decode(errors="replace").strip())[-300:]) from None

    async def _check(self, names: list[str]) -> None:
        """Check one database whose turn it is, while nothing is applied to it."""
        now = time.time()
        first = now - max(0.0, CHECK - CHECK_FIRST)
        due = [name for name in names if now - self._checked.setdefault(name, (first, False))[0] > CHECK]
        if not due:
            return
        name = due[0]
        if (running := self._running.get(name)) is not None:
            await running.end()
        found = await trio.to_thread.run_sync(quick_check, self._data / name)
        self._checked[name] = now, bool(found)
        if found:
            logger.error("database copy is damaged", extra={"kv": {"database": name, "err": found}})

    def _save(self, behind: int, positions: Positions | None, unfit: str = "", *, stopped: bool = False) -> None:
        old = self.followed
        self.followed = StandbyState(
            time.time(),
            str(self._source.target),
            old.epoch,
            old.current if behind or positions is None or (positions.missing and not old.current) else positions.at,
            old.host if positions is None else printable(positions.host)[:255],
            old.version if positions is None else printable(positions.version)[:64],
            old.databases if positions is None else sum(map(is_database, positions.databases)),
            behind,
            self._problem,
            tuple(sorted(name for name, (_, damaged) in self._checked.items() if damaged)),
            old.missing if positions is None else positions.missing,
            unfit if positions is not None else old.unfit,
            stopped,
        )
        if self._problem and self._problem != old.problem:
            logger.warning("database copies are outdated", extra={"kv": {"err": self._problem}})
        save(self._folder / FOLLOWED, self.followed)


async def _end_all(running: Mapping[str, _Process]) -> None:
    """End all processes, at the same time: a take-over waits for the slowest alone."""
    async with trio.open_nursery() as nursery:
        for process in [*running.values()]:
            nursery.start_soon(process.end)


def _handed(source: Source, folder: Path, epoch: int) -> dict[str, int] | None:
    """The last transactions of an epoch that was handed over; None if the target does not say. Blocks."""
    with source.storage(folder) as storage:
        handed = read_handed(storage, epoch)
    return None if handed is None else {name: last for name, last in handed.databases.items() if is_database(name)}


def _names(source: Source, folder: Path, epoch: int) -> set[str]:
    """The databases of an epoch in the target, but for removed accounts. Blocks."""
    with source.storage(folder) as storage:
        return without_removed(databases_in(storage, epoch), storage, epoch, folder)


def _was_stopped(source: Source, folder: Path) -> bool:
    """Whether the first machine has ended on purpose, as far as the source answers. Blocks."""
    with contextlib.suppress(OSError, BackupError), source.storage(folder) as storage:
        return was_stopped(storage)
    return False


def _check_signers(source: Source, folder: Path, found: list[str]) -> None:
    """Look whether files that have these signers are of the first machine: of a signer that was named, or else of that
    which was met first, or of a successor. Until one was met, files without signature are taken. Raises BackupError.
    """
    if source.unsigned:
        return
    known = set(source.signers)
    with contextlib.suppress(FileNotFoundError):
        known |= set(signers_in((folder / SIGNER).read_text()))
    if not known and not found:
        return
    check_trusted(found, known or found, "configuration of the first machine")
    with Tree(folder) as tree, tree.new_file((SIGNER,), 0o600, replace=True) as pinned:
        pinned.write(f"{found[0]}\n".encode())


def _prepare(data: Path) -> None:
    """Make the folder of the databases. No process of a killed follower writes there then. Blocks. Raises OSError."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    end_left(data)
