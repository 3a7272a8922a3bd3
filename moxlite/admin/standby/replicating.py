"""The first machine: keeps Litestream running, tells it the databases, and tells how far it is (STORE-186).

Theory of operation
-------------------
The program runs as a child of the server and watches the folder of accounts by itself, so new and removed accounts need
no restart. The last changes of a removed account, which it keeps in the data directory, are removed once it has closed
that. An account that is removed and made anew under its name is another file: the program is started again then, which
compares its own copy with the file. It is started again, too, when it misses a database (seen after a quick removal and
creation), when it has ended or does not answer; pauses grow from 1 s to 5 min. One that a killed server
has left is ended at the next start, by the process id that it tells at its socket: two would write to the same place.
So would a clone of this machine's disk: the positions tell which data directory they are of (`origin_of`), and the
program is not started while the positions of another one change.

Each `BEAT` seconds a thread asks for the state of all databases. Each `SAY` seconds, and when something has changed,
the positions are written to the target; failing that says that the target is away, also while no mail comes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import trio

from moxlite import __version__
from moxlite.admin.backup.backups import own_signer, source_of
from moxlite.admin.standby import control, metrics
from moxlite.admin.standby.control import Progress
from moxlite.admin.standby.layout import (
    FILES,
    FOLLOWER,
    META,
    POSITIONS,
    SOCKET,
    STATE,
    HeldLease,
    NotOurs,
    Positions,
    Replaced,
    State,
    check_own,
    claim,
    databases_of,
    epoch_folder,
    read_positions,
    save,
)
from moxlite.admin.standby.lease import origin_of
from moxlite.admin.standby.litestream import (
    Place,
    check_version,
    end_program,
    environment,
    needed_program,
    place_of,
    write_configuration,
)
from moxlite.admin.standby.pack import collect, digest, seal
from moxlite.admin.standby.pruning import EpochPruner, pause_of
from moxlite.admin.standby.status import target_fault, words_of
from moxlite.admin.standby.waiting import TargetWaiter
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import Snapshot
from moxlite.encoding import from_json, to_json
from moxlite.escapes import printable
from moxlite.process.backuptargets import Target, login_for, opened, owner_word
from moxlite.process.keys import Read
from moxlite.store.accounts.folders import DIRECTORY_MODE
from moxlite.store.backup.storage import Storage
from moxlite.store.errors import BackupError
from moxlite.supervision import CALM, FIRST_PAUSE, LAST_PAUSE
from moxlite.wording import causes, counted

logger = logging.getLogger("moxlite.admin.standby")

BEAT: Final = 5.0
"""Seconds between two looks at the program."""

SAY: Final = 30.0
"""Seconds between two writings of the positions where they are no news: each is a request that storage may charge."""

ALONE: Final = 2.5 * SAY
"""Seconds in which the positions of a clone of this machine's disk would change."""

PACK: Final = 60.0
"""Seconds between two looks at the files of the configuration."""

PRUNE: Final = 60.0
"""Seconds after the start of the program until history that is too old is looked for."""

BEGIN: Final = 30.0
"""Seconds for which a start waits for the program in mode sync."""

ASK: Final = 10.0
"""Seconds for which a start waits in mode async for the target to say whose epoch it is. One that is away says nothing,
and the server serves.
"""

TELL: Final = 20.0
"""Seconds between two writings of the state while the program does not run, or the target is slow."""

START: Final = 30.0
"""Seconds from the start of the program until it answers."""

SILENT: Final = 6
"""Calls in a row without an answer after which the program is started again."""

END: Final = 20.0
"""Seconds in which the program may end itself: it copies what is left."""

MAX_LINE: Final = 8192
"""Octets of a line of the program; the rest of a longer one is dropped."""

LAST_WORDS: Final = 1.0
"""Seconds for what a program that has ended said last."""

LOG_BURST: Final = 20
LOG_SECONDS: Final = 60.0
"""Lines of the program that are logged within so many seconds; more are counted. A target that is away makes one for
each database and second.
"""

AWAY: Final = 30.0
"""Seconds without a copy after which it is a problem, for the doctor and in the overview."""


class _Ended(Exception):
    """The program has ended or does not answer, or its configuration is out of date."""


class Replication:
    """Copies the data while it serves. The configuration has a target."""

    def __init__(
        self,
        config: ConfigHolder,
        read: Read,
        waiting: TargetWaiter,
        lease: Callable[[], HeldLease] | None = None,
    ) -> None:
        """`read` reads files that moxlite.toml names, which only root may be able to open. `waiting`: refuses changes
        where another machine has taken over. `lease`: its state, where the configuration has one.
        """
        static = config.current.static
        assert static.standby.target is not None
        self._config = config
        self._read = read
        self._settings = static.standby
        self.state = State(time.time(), str(self._target), 0, 0.0, 0, "not started yet")
        self._progress = Progress()
        self._said: tuple[float, Positions | None] = (0.0, None)
        self._version = ""
        self._pack: tuple[str, list[str]] = "", []  # epoch and digest of what was sent last, and notes about it
        self._faults: dict[str, str] = {}  # sentences of work beside the program that fails
        self._waiting = waiting
        self._lease = lease
        self.ready = trio.Event()
        self._looked = trio.Event()  # at the target, whose epoch it is

    @property
    def _target(self) -> Target:
        assert self._settings.target is not None
        return self._settings.target

    @property
    def _data(self) -> Path:
        return self._config.current.static.data_dir

    @property
    def _folder(self) -> Path:
        return self._data / FOLLOWER

    @property
    def socket(self) -> Path:
        """The control socket of the program."""
        return self._data / SOCKET

    def note(self) -> str:
        """A line for ``/readyz``: it is no fault of this server."""
        state = self.state
        missing = f"{counted(state.missing, 'database')} not copied yet" if state.missing else ""
        words = state.problem or missing or "the standby server can take over"
        return f"standby: {words}, {state.lag:.0f} s behind"

    async def begun(self) -> None:
        """In mode sync: wait until the program answers, or for `BEGIN` seconds. Commits wait for the target then, or
        find it away: none is acknowledged before it was tried. In mode async: wait until it is known whether another
        machine has taken over, for `ASK` seconds at most.
        """
        with trio.move_on_after(BEGIN if self._waiting.waits else ASK):
            await (self.ready if self._waiting.waits else self._looked).wait()
        self._waiting.begin()

    async def serve(self) -> None:
        """Copy until cancelled.

        Errors: faults of the program, of its configuration and of the target are logged, told by `state`, and tried
        again here: a failure of a supervised task would count as a fault of this server (ADMIN-39a). Others come out.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._retell)
            await self._serve()

    async def _retell(self) -> None:
        """Tell the state in pauses, and while the target is slow: else it looks as if the server did not run."""
        while True:
            await trio.sleep(TELL)
            if not 0 <= time.time() - self.state.at < TELL:
                await self._tell(problem=self.state.problem)

    async def _serve(self) -> None:
        pause = FIRST_PAUSE
        while True:
            began = trio.current_time()
            try:
                await self._run()
            except (OSError, ValueError, BackupError, NotOurs, _Ended) as error:
                text = words_of(error)
                if isinstance(error, Replaced):
                    self._waiting.replaced = text
                self._looked.set()
                logger.error("copying to standby server interrupted", extra={"kv": {"err": text}})
                await self._tell(problem=text)
            pause = FIRST_PAUSE if trio.current_time() - began > CALM else min(2 * pause, LAST_PAUSE)
            await trio.sleep(pause)
            self.state = msgspec.structs.replace(self.state, restarts=self.state.restarts + 1)
            metrics.RESTARTS.inc()

    async def _run(self) -> None:
        """Run the program until it ends."""
        await trio.to_thread.run_sync(partial(self._folder.mkdir, mode=0o700, exist_ok=True))
        try:
            epoch = await self._at_target(lambda storage: _begin(storage, self._data))
        except OSError as error:
            raise _Ended(target_fault(self._target, error)) from None
        self._waiting.replaced = ""
        self._looked.set()
        program = needed_program(self._settings.litestream)
        self._version = await trio.to_thread.run_sync(check_version, program)
        await trio.to_thread.run_sync(_end_left, self.socket)
        await trio.to_thread.run_sync(_forget_removed, self._data, set())
        try:
            await self._until_alone(epoch)
        except OSError as error:
            raise _Ended(target_fault(self._target, error)) from None
        login = await trio.to_thread.run_sync(login_for, self._target, self._settings, self._read)
        with place_of(self._target, login, self._folder) as place:
            file = self._folder / "litestream.yml"
            await trio.to_thread.run_sync(
                write_replication, file, self._data, place, epoch, self._settings.keep, self.socket
            )
            self._progress, self._said = Progress(self._progress.lag()), (0.0, None)
            process = await trio.lowlevel.open_process(
                [str(program), "replicate", "-no-expand-env", "-config", str(file)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=self.socket.parent,
                env=environment(place.variables),
                start_new_session=True,  # a terminal's ^C is for the server
            )
            try:
                async with trio.open_nursery() as nursery:
                    said = _ProgramOutput()
                    nursery.start_soon(said.log, process)
                    nursery.start_soon(_until_end, process, said)
                    nursery.start_soon(self._packs, epoch)
                    nursery.start_soon(self._prune, epoch)
                    await self._watch(epoch)
            except BaseExceptionGroup as group:
                ours, others = group.split((_Ended, NotOurs, OSError, ValueError, BackupError))
                if ours is None or others is not None:
                    raise
                raise causes(ours)[0] from None
            finally:
                await end_program(process, END)

    async def _until_alone(self, epoch: int) -> None:
        """Wait until no clone of this machine's disk writes to the target. Raises NotOurs: one does; OSError."""
        until, at = trio.current_time() + ALONE, 0.0
        origin = await trio.to_thread.run_sync(origin_of, self._data)
        while True:
            there = await self._at_target(lambda storage: read_positions(storage, epoch))
            if there is None or there.origin in ("", origin) or trio.current_time() > until:
                return
            if at and there.at != at:
                raise _clone(there)
            at = there.at
            await self._tell(
                problem=(
                    f"another data directory has written to the target, {there.host}; make sure it's no longer in use"
                )
            )
            await trio.sleep(BEAT)

    async def _watch(self, epoch: int) -> None:
        """Look at the program each beat. Raises _Ended."""
        silent, limit = 0, trio.current_time() + START
        listed: set[str] = set()
        while True:
            try:
                reason = await trio.to_thread.run_sync(self._progress.look, self.socket, self._data)
            except OSError as error:
                silent += trio.current_time() > limit
                text = f"Litestream isn't responding: {words_of(error)}"
                if silent >= SILENT:
                    raise _Ended(text) from None
                await self._tell(problem=text if silent else self.state.problem)
            else:
                silent = 0
                self._waiting.begin()
                self.ready.set()
                if reason:
                    raise _Ended(reason)
                before, listed = listed, self._progress.listed
                if before - listed:
                    await trio.to_thread.run_sync(_forget_removed, self._data, listed)
                await self._say(epoch)
            await trio.sleep(BEAT if self._progress.copied else 0.5)

    async def _say(self, epoch: int) -> None:
        """Write the positions to the target if they are news; tell the state."""
        at, last = self._said
        now = time.time()
        certain = self._waiting.refuses
        copied, missing = dict(self._progress.copied), self._progress.uncopied
        origin = await trio.to_thread.run_sync(origin_of, self._data)
        positions = Positions(now, socket.gethostname(), __version__, self._version, copied, certain, missing, origin)
        problem = ""
        news = last is None or (positions.databases, positions.missing) != (last.databases, last.missing)
        if news or now - at >= SAY or now < at:
            octets = to_json(positions)

            def write(storage: Storage) -> None:
                # Each time: another machine may have taken over since, and must not find positions of this one.
                head = check_own(storage, self._data)
                if head is None or head.epoch != epoch:
                    raise _Ended(f"the target's epoch has changed from {epoch}")
                there = None if last is None else read_positions(storage, epoch)
                if there is not None and there.origin != origin:
                    raise _clone(there)
                storage.write(f"{epoch_folder(epoch)}/{POSITIONS}", octets)

            try:
                await self._at_target(write)
                self._said = now, positions
            except (OSError, ValueError, BackupError) as error:
                problem = target_fault(self._target, error)
        await self._tell(epoch=epoch, problem=problem)

    async def _tell(self, *, problem: str, epoch: int | None = None) -> None:
        lag = self._progress.lag()
        if self._waiting.away and not problem:
            problem = f"changes are acknowledged before they are copied: {self._waiting.away}"
        if not problem and lag > AWAY:
            problem = f"{self._target} doesn't accept changes, or is very slow"
        problem = problem or next(iter(self._faults.values()), "")
        old = self.state
        self.state = State(
            time.time(),
            str(self._target),
            old.epoch if epoch is None else epoch,
            lag,
            len(self._progress.copied),
            printable(problem)[:500],
            old.restarts,
            None if self._lease is None else self._lease(),
            self._progress.uncopied,
            tuple(map(printable, self._pack[1])),
        )
        metrics.LAG.set(lag)
        metrics.DATABASES.set(len(self._progress.copied))
        if problem and problem != old.problem:
            logger.warning("standby server falling behind", extra={"kv": {"lag": round(lag, 1), "err": problem}})
        with contextlib.suppress(OSError):  # a full disk: the state is in memory as well
            await trio.to_thread.run_sync(save, self._data / STATE, self.state)

    async def _packs(self, epoch: int) -> None:
        """Send configuration and keys when they have changed, until cancelled."""
        while True:
            send = partial(self._send_pack, epoch, self._config.current)
            await self._beside("couldn't send configuration and keys", send)
            await trio.sleep(PACK)

    async def _prune(self, epoch: int) -> None:
        """Remove history that is too old from the target, until cancelled."""
        keep = self._settings.keep
        pruning = await trio.to_thread.run_sync(EpochPruner, self._data, epoch, keep)
        await trio.sleep(min(PRUNE, pause_of(keep)))
        while True:
            look = partial(pruning.look, copied=dict(self._progress.copied))
            removed = await self._beside("couldn't delete old history from the target", look)
            metrics.PRUNED.inc(removed or 0)
            await trio.sleep(pause_of(keep))

    async def _beside(self, fault: str, work: Callable[[Storage], control.T]) -> control.T | None:
        """Run `work` with the storage of the target. It is tried again later: an error is logged, and told by the state
        as `fault`.
        """
        try:
            found = await self._at_target(work)
        except (OSError, BackupError) as error:
            text = f"{fault}: {words_of(error)}"
            if self._faults.get(fault) != text:
                logger.error("standby background work failed", extra={"kv": {"err": text}})
            self._faults[fault] = text
            return None
        self._faults.pop(fault, None)
        return found

    def _send_pack(self, epoch: int, current: Snapshot, storage: Storage) -> None:
        subject = source_of(current, self._config.path, {}, self._read, partial(os.access, mode=os.R_OK))
        signer, notes = own_signer(self._config.path.resolve().parent)
        files, left_out = collect(subject)
        left_out += notes
        sent, before = self._pack
        if left_out != before:
            self._pack = sent, left_out
            for line in left_out:
                logger.warning("configuration sent to standby server", extra={"kv": {"note": printable(line)}})
        found = f"{epoch} {digest(files)}"
        if found != sent:
            storage.write(f"{epoch_folder(epoch)}/{FILES}", seal(files, self._settings.encrypt_to, signer))
            self._pack = found, left_out

    async def _at_target(self, work: Callable[[Storage], control.T]) -> control.T:
        """Run `work` with the storage of the target, in a thread. Raises its errors, BackupError, OSError."""

        def run() -> control.T:
            login = login_for(self._target, self._settings, self._read)
            word = owner_word(self._data)
            with opened(self._target, login, scratch=self._folder, owner=word, pauses=(), patience=AWAY) as storage:
                return work(storage)

        return await trio.to_thread.run_sync(run)


def write_replication(file: Path, data: Path, place: Place, epoch: int, keep: float, socket: Path | None) -> None:
    """Write the program's configuration for a data directory; without a socket it does not watch for new accounts.
    Raises OSError.
    """
    (data / "accounts").mkdir(mode=DIRECTORY_MODE, exist_ok=True)  # of a new server; the program ends without it
    meta = data / META
    databases = [
        {"path": str(data / name), "meta-path": str(meta / name), "replica": place.replica(epoch, name)}
        for name in databases_of(data)
        if "/" not in name
    ]
    accounts = {
        "dir": str(data / "accounts"),
        "pattern": "account.db",
        "recursive": True,
        "watch": socket is not None,
        "meta-dir": str(meta / "accounts"),
        "replica": place.replica(epoch, "accounts"),
    }
    write_configuration(file, [*databases, accounts], socket=socket, keep=keep)


def _begin(storage: Storage, data: Path) -> int:
    """The epoch of this machine, made if the target is new. Blocks. Raises NotOurs."""
    return (check_own(storage, data) or claim(storage, data)).epoch


def _forget_removed(data: Path, listed: set[str]) -> None:
    """Remove the last changes of removed accounts, which the program keeps in this data directory, but for databases
    that it has `listed`: it may still write. Blocks.
    """
    here = {*databases_of(data), *listed}
    for folder in (data / META / "accounts").glob("*"):
        if f"accounts/{folder.name}/account.db" not in here:
            shutil.rmtree(folder, ignore_errors=True)


def _clone(there: Positions) -> NotOurs:
    return NotOurs(
        f"copying stopped because {there.host} also writes to the target from a copy of this data directory."
        " Stop one machine and set another standby.target there"
    )


def _end_left(path: Path) -> None:
    """End a program that an earlier server has left. Blocks. Raises OSError: it does not end."""
    try:
        pid = control.info(path).pid
    except OSError:
        return
    # By its command, too: since it told its id at the socket, another program may have got the same one.
    word = os.fsencode(path.with_name("litestream.yml"))
    for number in (signal.SIGTERM, signal.SIGKILL):
        for _ in range(round(END / 0.1)):
            try:
                if word not in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return
                os.kill(pid, number)
            except (FileNotFoundError, ProcessLookupError):
                return
            time.sleep(0.1)
    raise OSError(f"couldn't stop a previous Litestream process ({pid})")


async def _until_end(process: trio.Process, said: _ProgramOutput) -> None:
    status = await process.wait()
    with trio.move_on_after(LAST_WORDS):
        await said.ended.wait()
    raise _Ended(f"Litestream exited with status {status}" + (f": {said.last}" if said.last else ""))


class _ProgramOutput:
    """Output of the program, line by line.

    Attributes:
      last: its last line.
      ended: there are no more.
    """

    def __init__(self) -> None:
        self.last = ""
        self.ended = trio.Event()

    async def log(self, process: trio.Process) -> None:
        """Log the program's warnings and errors, some at a time."""
        assert process.stderr is not None
        kept: deque[float] = deque(maxlen=LOG_BURST)
        dropped, buffer = 0, bytearray()
        while octets := await process.stderr.receive_some(MAX_LINE):
            buffer += octets
            *lines, rest = bytes(buffer).split(b"\n")
            buffer = bytearray(rest[-MAX_LINE:])
            for line in filter(None, map(_words, lines)):
                self.last = line
                now = trio.current_time()
                if len(kept) == LOG_BURST and now - kept[0] < LOG_SECONDS:
                    dropped += 1
                    continue
                kept.append(now)
                logger.warning("Litestream output", extra={"kv": {"m": line, "dropped": dropped}})
                dropped = 0
        self.ended.set()


def _words(line: bytes) -> str:
    """The message of a line of the program, with its error and database."""
    try:
        found = from_json(line, dict[str, object])
    except msgspec.DecodeError:
        return printable(line.decode(errors="replace"))[:300]
    parts = [str(found[key]) for key in ("msg", "path", "error") if found.get(key)]
    return printable(" ".join(parts))[:300]
