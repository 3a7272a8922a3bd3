"""The configuration of a running server: the current snapshot, reload of domains.toml, and changes to it (ADMIN-5, 6,
8, 62).
"""

import logging
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from pathlib import Path
from typing import Final, NamedTuple, Protocol, TypeAlias

import msgspec
import trio

from moxlite.config.files import write_atomically
from moxlite.config.inotify import FileWatch
from moxlite.config.load import (
    DOMAINS_FILE,
    Acting,
    ConfigError,
    Source,
    load,
    load_changed,
    load_domains,
    load_static,
    read_source,
    source_of,
)
from moxlite.config.masking import Changed, changed_keys, differences
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.decode import Mistake, dotted
from moxlite.config.toml.edit import Document, Keys
from moxlite.config.values import Section
from moxlite.findings import Finding, fault
from moxlite.metrics import Gauge

logger = logging.getLogger("moxlite.config.holder")

POLL_INTERVAL: Final = 1.0
"""Seconds between checks of domains.toml on systems that do not report changes (ADMIN-5); one stat costs 2 µs."""

LONGEST_SLEEP: Final = 3600.0
"""Seconds between checks on systems that report changes: a folder further up may have been exchanged."""

reload_success = Gauge(
    "moxlite_config_reload_success", "1 if the version of domains.toml on disk is in use, 0 if it's invalid."
)

Stamp = tuple[int, int, int]


TRIES: Final = 5
"""Attempts of an edit. Each fails if another program changes the file within the milliseconds of the edit."""

MOST_KEYS: Final = 8
"""Changed keys of moxlite.toml that are named: after a new table, its name says enough."""

LONGEST_VALUE: Final = 200
"""Characters of a value in `ObjectChanged`."""

Change = Callable[[Document, Snapshot], None]
"""Function that changes a document; the snapshot is that of the text. It may be called again, with a newer text."""


Examine = Callable[[Snapshot], Sequence[Mistake]]
"""Function that checks files named in domains.toml, such as keys. It runs in a thread, except at start."""


Observer: TypeAlias = Callable[[Snapshot, Snapshot], None]
"""Takes the snapshot that was in use, and the one that is now."""

Note: TypeAlias = Callable[[Sequence[Changed]], Awaitable[None]]
"""Keeps what an edit is about to change; it is on disk when this returns."""


class Record(Protocol):
    """Records a change of the file (WEB-160): the block ends when the change has ended. `by_hand`: a person has already
    made it, in the file.
    """

    def __call__(self, *, by_hand: bool = False) -> AbstractAsyncContextManager[Note]: ...


class ChangedMeanwhile(Exception):
    """The file is being changed by others; nothing was written."""


class ObjectChanged(Exception):
    """An object differs from the one that the change was based on. The text shows where both differ (WEB-89).

    `was` is the object that the change was based on, `now` the one in the file; None if there is no such object.
    """

    def __init__(self, path: Keys, was: object, now: object) -> None:
        super().__init__(f"{dotted(path)} was changed elsewhere: {_difference(was, now)}")
        self.path = path
        self.was = was
        self.now = now


class ConfigHolder:
    """Holds the configuration in use.

    Operations take `current` once and work with that snapshot. A package that must act when domains.toml changes
    registers with `on_change`.
    """

    def __init__(
        self, path: Path, snapshot: Snapshot, stamp: "Stamp | None" = None, examine: Examine | None = None
    ) -> None:
        """Usually made by `open`; tests pass their own snapshot."""
        self.path: Final = path
        self.domains_path: Final = path.parent / DOMAINS_FILE
        self._current = snapshot
        self._static = snapshot.static
        self._static_stamp: Stamp | None = None
        self._stamp = stamp
        self._examine = examine
        self._problems: tuple[Finding, ...] = ()
        self._lock = trio.Lock()
        self._observers: list[Observer] = []
        self.record: Record | None = None
        """Records edits, and what a person has changed in the file."""
        reload_success.set(1)

    @classmethod
    def open(
        cls, path: Path, *, pedantic: bool = False, examine: "Examine | None" = None, reading: Acting = nullcontext
    ) -> "tuple[ConfigHolder, list[Finding]]":
        """Load both files; returns the holder and the warnings. `pedantic` is switched on whatever the file says.

        `examine` checks each version of domains.toml before it is used: a version with mistakes is invalid. This first
        call runs within a block of `reading`, as the reading of the file does.

        Raises:
          ConfigError: with all mistakes.
        """
        stamp, static_stamp = _stamp(path.parent / DOMAINS_FILE), _stamp(path)
        snapshot, warnings = load(path, reading)
        static = snapshot.static
        if pedantic:
            snapshot = msgspec.structs.replace(snapshot, static=msgspec.structs.replace(snapshot.static, pedantic=True))
        holder = cls(path, snapshot, stamp, examine)
        holder._static, holder._static_stamp = static, static_stamp
        with reading():
            holder._examined(snapshot, None)
        return holder, warnings

    @property
    def current(self) -> Snapshot:
        """The snapshot in use."""
        return self._current

    @property
    def problems(self) -> tuple[Finding, ...]:
        """Why the file on disk isn't the one in use; empty while it is (shown by /readyz and the admin app)."""
        return self._problems

    async def findings(self) -> list[Finding]:
        """Why the files on disk aren't the configuration in use: domains.toml is invalid, or moxlite.toml, which is
        read once, was changed since the start (ADMIN-3a). A file system that hangs is left to its thread.
        """
        invalid = [fault("domains.toml", f"domains.toml is invalid: {problem}") for problem in self._problems[:1]]
        return invalid + await trio.to_thread.run_sync(self._unapplied, abandon_on_cancel=True)

    def _unapplied(self) -> list[Finding]:
        if _stamp(self.path) == self._static_stamp:
            return []
        try:
            keys = changed_keys(self._static, load_static(self.path))
        except ConfigError as error:
            text = f"and the server can't start again with it: {error.problems[0]}"
            return [_changed_since_start(self.path, text, "moxlite config test")]
        if not keys:
            return []
        named = ", ".join(keys[:MOST_KEYS]) + (f" and {len(keys) - MOST_KEYS} more" if keys[MOST_KEYS:] else "")
        text = f"so these settings aren't in effect: {named}"
        return [_changed_since_start(self.path, text, "systemctl restart moxlite")]

    def on_change(self, observer: Observer, *, since: Snapshot | None = None) -> None:
        """Call `observer(old, new)` on the loop, right after a new snapshot is in use. It must not block or raise.
        `since`: the snapshot that it knows; if another one is in use already, it hears of that now.
        """
        self._observers.append(observer)
        if since is not None and since is not self._current:
            observer(since, self._current)

    async def watch(self) -> None:
        """Reload domains.toml whenever it changes on disk, until cancelled.

        The system reports changes (inotify), so that an idle server is not woken up. On other systems the file is
        checked each second.

        Errors: a file that is invalid or cannot be read is logged. An OSError of inotify is raised; the next start
        checks the file first.
        """
        with FileWatch(self.domains_path) as file:
            told = True
            while True:
                # Armed before the look, so that a change between the two is told.
                told = told and self._armed(file)
                if _stamp(self.domains_path) != self._stamp:
                    await self.reload()
                if told:
                    with trio.move_on_after(LONGEST_SLEEP):
                        await file.changed()
                else:
                    await trio.sleep(POLL_INTERVAL)

    def _armed(self, file: FileWatch) -> bool:
        """Whether `file` will report the next change."""
        try:
            file.arm()
        except OSError as error:
            kv = {"file": str(self.domains_path), "err": str(error)}
            logger.info("polling domains.toml every second: file change notifications unavailable", extra={"kv": kv})
            return False
        return True

    async def reload(self) -> bool:
        """Use domains.toml in its version on disk. If that is invalid, the old version stays in use, and one line is
        logged per version of the file. Returns whether the version on disk is in use.
        """
        async with self._lock:
            # Before the read: a change in between has another stamp, and the next look reads it.
            stamp = _stamp(self.domains_path)
            try:
                snapshot = await trio.to_thread.run_sync(self._load)
            except ConfigError as error:
                if stamp != self._stamp or not self._problems:
                    first = str(error.problems[0])
                    kv = {"file": str(self.domains_path), "problems": len(error.problems), "first": first}
                    logger.error("domains.toml invalid, keeping the old configuration", extra={"kv": kv})
                self._problems = error.problems
                self._stamp = stamp
                reload_success.set(0)
                return False
            self._stamp = stamp
            old = self._current
            self._activate(snapshot)  # the log follows here: a person has made the change already
            if self.record is not None and old.revision != snapshot.revision:
                async with self.record(by_hand=True) as note:
                    await note(await trio.to_thread.run_sync(differences, old.domains, snapshot.domains))
            return True

    async def edit(self, change: Change, *, expected: Mapping[Keys, object] | None = None) -> Snapshot:
        """Change domains.toml: read, change, check the whole, write, and only then use it.

        `change` runs in a thread; comments and order stay. Its exceptions end the edit without effect.

        Args:
          expected: the objects that the change is based on, by path, as the struct or value in a snapshot; None for an
            object that must not exist. Changes elsewhere in the file since then do not matter.

        Raises:
          ConfigError: the result would be invalid, or the file on disk is.
          ObjectChanged: one of `expected` is another by now.
          ChangedMeanwhile: others keep changing the file.
          OSError: the file cannot be written; it's as it was.
        """
        async with self._lock, AsyncExitStack() as recorded:
            note = None if self.record is None else await recorded.enter_async_context(self.record())
            for _ in range(TRIES):
                prepared = await trio.to_thread.run_sync(self._prepare, change, expected or {})
                try:
                    await self._put(prepared, await prepared.differences(), note)
                except ChangedMeanwhile:
                    continue  # again, based on that version
                return prepared.snapshot
        raise ChangedMeanwhile("another change to domains.toml is in progress; try again")

    async def compare(self, text: str) -> tuple[str, list[Changed]]:
        """The revision of domains.toml, and the values that another text in its place changes. Raises ConfigError."""
        prepared = await trio.to_thread.run_sync(self._prepare_text, text.encode())
        return prepared.revision, await prepared.differences()

    async def replace(self, text: str, *, expected: str) -> None:
        """Put another text in the place of domains.toml, checked as a whole, and use it.

        Args:
          expected: the revision that the file must have now.

        Raises:
          ConfigError: the text is not valid.
          ChangedMeanwhile: the file has another revision; nothing was written.
          OSError: the file cannot be written; it's as it was.
        """
        async with self._lock, AsyncExitStack() as recorded:
            prepared = await trio.to_thread.run_sync(self._prepare_text, text.encode())
            if expected != prepared.revision:
                raise ChangedMeanwhile("domains.toml has changed; review your changes again")
            note = None if self.record is None else await recorded.enter_async_context(self.record())
            await self._put(prepared, await prepared.differences(), note)

    async def _put(self, prepared: "_Prepared", changed: Sequence[Changed], note: Note | None) -> None:
        """Write and use what was prepared. Raises ChangedMeanwhile, OSError."""
        # The log first: a kill in between leaves an entry that says "begun", not a change without an entry.
        if note is not None and changed:
            await note(changed)
        # A cancelled request waits here for the thread, as Trio does not abandon it: what is written is in use, too.
        self._stamp = await trio.to_thread.run_sync(self._write, prepared)
        self._activate(prepared.snapshot)

    def _load(self) -> Snapshot:
        source = read_source(self.domains_path)
        return self._examined(load_domains(self._current.static, source), source)

    def _examined(self, snapshot: Snapshot, source: Source | None) -> Snapshot:
        """The snapshot, if there are no mistakes; `source` as it was read, None for the file on disk. Raises
        ConfigError.
        """
        mistakes = self._examine(snapshot) if self._examine is not None else []
        if mistakes:
            raise ConfigError((source or read_source(self.domains_path)).findings(mistakes))
        return snapshot

    def _prepare(self, change: Change, expected: Mapping[Keys, object]) -> "_Prepared":
        before = read_source(self.domains_path)
        now = self._current
        if before.revision != now.revision:  # a person may be in the middle of editing: don't write into mistakes
            now = load_domains(now.static, before)
        for path, value in expected.items():
            found = object_at(now, path)
            if found != value:
                raise ObjectChanged(path, value, found)
        document = Document(before.text)
        change(document, now)
        # The result is parsed as a person's text would be: an edit that went wrong must not reach the file.
        snapshot = load_changed(now, document, self.domains_path)
        text = str(document).encode()
        self._examined(snapshot, source_of(self.domains_path, text))
        return _Prepared(before.revision, now, snapshot, text)

    def _prepare_text(self, text: bytes) -> "_Prepared":
        before = read_source(self.domains_path)
        new = self.domains_path.with_name(f"{self.domains_path.name} (new)")  # as its mistakes name it
        source = source_of(new, text)
        snapshot = self._examined(load_domains(self._current.static, source), source)
        return _Prepared(before.revision, self._current, snapshot, text)

    def _write(self, prepared: "_Prepared") -> Stamp:
        def check() -> None:
            # As late as can be: rename(2) knows no condition, so what an editor saves after this look is lost.
            if read_source(self.domains_path).revision != prepared.revision:
                raise ChangedMeanwhile("domains.toml has changed; try again")

        return _stamp_of(write_atomically(self.domains_path, prepared.text, check=check))

    def _activate(self, snapshot: Snapshot) -> None:
        self._problems = ()
        reload_success.set(1)
        # One assignment, on the loop: between two awaits a task has the one snapshot or the other, never parts of both.
        old, self._current = self._current, snapshot
        if old.revision == snapshot.revision:
            return
        kv = {"domains": len(snapshot.domains.domains), "accounts": len(snapshot.domains.accounts)}
        logger.info("configuration changed", extra={"kv": kv})
        for observer in self._observers:
            observer(old, snapshot)


def _changed_since_start(path: Path, consequence: str, command: str) -> Finding:
    return Finding(
        grade="warning",
        code="restart-needed",
        about=path.name,
        text=f"{path.name} changed since the start, {consequence}",
        commands=(command,),
    )


class _Prepared(NamedTuple):
    """A change that is checked and not yet written: the revision and snapshot that it is based on, and what it makes of
    them.
    """

    revision: str
    old: Snapshot
    snapshot: Snapshot
    text: bytes

    async def differences(self) -> list[Changed]:
        """The values that change."""
        return await trio.to_thread.run_sync(differences, self.old.domains, self.snapshot.domains)


def object_at(snapshot: Snapshot, path: Keys) -> object:
    """The object at a path of domains.toml, or None."""
    at: object = snapshot.domains
    for key in path:
        at = at.get(key) if isinstance(at, Mapping) else getattr(at, key, None)
    return at


def _difference(was: object, now: object) -> str:
    """Where two values differ, key by key if both are tables."""
    if was is None or now is None:
        return "it was added" if was is None else "it no longer exists"
    if isinstance(was, Section) and type(was) is type(now):
        names = [name for name in was.__struct_fields__ if getattr(was, name) != getattr(now, name)]
        return "; ".join(f"{name} was {_shown(getattr(was, name))}, is {_shown(getattr(now, name))}" for name in names)
    return f"it was {_shown(was)}, is {_shown(now)}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"


def _stamp(path: Path) -> Stamp | None:
    """Modification time, size and inode of a file, which differ between its versions; None without a file."""
    try:
        return _stamp_of(os.stat(path))  # noqa: PTH116  pathlib costs five times as much
    except OSError:
        return None


def _stamp_of(found: os.stat_result) -> Stamp:
    return found.st_mtime_ns, found.st_size, found.st_ino
