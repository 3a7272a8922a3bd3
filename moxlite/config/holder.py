"""The configuration of a running server: the current snapshot, reload of domains.toml, and changes to it (ADMIN-5, 6,
8, 62).
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.config.edit import edit_text
from moxlite.config.files import write_atomically
from moxlite.config.inotify import FileWatch
from moxlite.config.load import DOMAINS_FILE, ConfigError, Problem, Source, load, load_domains, read_source, source_of
from moxlite.config.snapshot import Snapshot
from moxlite.metrics import Gauge

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

__all__ = ["ConfigHolder", "RevisionChanged"]

logger = logging.getLogger("moxlite.config.holder")

POLL_INTERVAL: Final = 1.0
"""Seconds between looks at domains.toml where the system tells no changes (ADMIN-5); one stat costs 2 µs."""

LONGEST_SLEEP: Final = 3600.0
"""Seconds between looks where it does: a folder further up may have been exchanged."""

reload_success = Gauge(
    "moxlite_config_reload_success", "1 while domains.toml is active as it lies on disk, 0 while that is invalid."
)

Stamp = tuple[int, int, int]


class RevisionChanged(Exception):
    """The file is another than the one that the change was based on (WEB-89)."""


class ConfigHolder:
    """Holds the configuration in use.

    Operations take `current` once and work with that snapshot. Whoever must act when domains.toml changes registers
    with `on_change`.
    """

    def __init__(self, path: Path, snapshot: Snapshot, stamp: "Stamp | None" = None) -> None:
        """Usually made by `open`; tests give a snapshot of their own."""
        self.path: Final = path
        self.domains_path: Final = path.parent / DOMAINS_FILE
        self._current = snapshot
        self._stamp = stamp
        self._problems: tuple[Problem, ...] = ()
        self._lock = trio.Lock()
        self._observers: list[Callable[[Snapshot, Snapshot], None]] = []
        reload_success.set(1)

    @classmethod
    def open(cls, path: Path, *, pedantic: bool = False) -> "tuple[ConfigHolder, list[Problem]]":
        """Load both files; returns the holder and the warnings. `pedantic` is switched on whatever the file says.

        Raises:
          ConfigError: with all mistakes.
        """
        stamp = _stamp(path.parent / DOMAINS_FILE)
        snapshot, warnings = load(path)
        if pedantic:
            snapshot = msgspec.structs.replace(snapshot, static=msgspec.structs.replace(snapshot.static, pedantic=True))
        return cls(path, snapshot, stamp), warnings

    @property
    def current(self) -> Snapshot:
        """The snapshot in use."""
        return self._current

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why the file on disk isn't the one in use; empty while it is (shown by /readyz and the admin app)."""
        return self._problems

    def on_change(self, observer: Callable[[Snapshot, Snapshot], None]) -> None:
        """Call `observer(old, new)` on the loop, right after a new snapshot is in use. It must not block or raise."""
        self._observers.append(observer)

    async def watch(self) -> None:
        """Reload domains.toml whenever it changes on disk, until cancelled.

        The system tells of changes (inotify); an idle server is not woken up. Where it cannot, we look each second.

        Errors: a file that is invalid or cannot be read is logged. OSError of inotify comes out; the next start looks
        at the file first.
        """
        with FileWatch(self.domains_path) as file:
            told = True
            while True:
                told = told and self._armed(file)
                if _stamp(self.domains_path) != self._stamp:
                    await self.reload()
                if told:
                    with trio.move_on_after(LONGEST_SLEEP):
                        await file.changed()
                else:
                    await trio.sleep(POLL_INTERVAL)

    def _armed(self, file: FileWatch) -> bool:
        """Whether the next change will be told by `file`."""
        try:
            file.arm()
        except OSError as error:
            kv = {"file": str(self.domains_path), "err": str(error)}
            logger.info("domains.toml is looked at each second: the system tells no changes", extra={"kv": kv})
            return False
        return True

    async def reload(self) -> bool:
        """Use domains.toml as it now lies on disk; when it is invalid, the old one stays in use, and one line is
        logged for this version of the file. Returns whether the file on disk is in use.
        """
        async with self._lock:
            stamp = _stamp(self.domains_path)
            try:
                snapshot = await trio.to_thread.run_sync(self._load)
            except ConfigError as error:
                if stamp != self._stamp or not self._problems:
                    first = str(error.problems[0])
                    kv = {"file": str(self.domains_path), "problems": len(error.problems), "first": first}
                    logger.error("domains.toml is invalid, the old configuration stays in use", extra={"kv": kv})
                self._problems = error.problems
                self._stamp = stamp
                reload_success.set(0)
                return False
            self._stamp = stamp
            self._activate(snapshot)
            return True

    async def edit(self, change: "Callable[[TOMLDocument], None]", *, revision: str | None = None) -> Snapshot:
        """Change domains.toml: read, change, check the whole, write, and only then use it.

        `change` works on the document of tomlkit, in a thread; comments and order stay. What it raises ends the edit
        without effect.

        Args:
          revision: of the snapshot that the change is based on; None to change whatever there is.

        Raises:
          ConfigError: the result would be invalid, or the file on disk is.
          RevisionChanged: another change came first.
          OSError: the file cannot be written; it's as it was.
        """
        async with self._lock:
            snapshot, self._stamp = await trio.to_thread.run_sync(self._edit, change, revision)
            self._activate(snapshot)
            return snapshot

    def _load(self) -> Snapshot:
        return load_domains(self._current.static, read_source(self.domains_path))

    def _edit(self, change: "Callable[[TOMLDocument], None]", revision: str | None) -> tuple[Snapshot, Stamp]:
        while True:
            stamp = _stamp(self.domains_path)
            before = read_source(self.domains_path)
            if revision is not None and before.revision != revision:
                raise RevisionChanged("the configuration was changed meanwhile")
            if before.revision != self._current.revision:
                load_domains(
                    self._current.static, before
                )  # somebody is in the middle of editing: don't write into mistakes
            after: Source = source_of(self.domains_path, edit_text(before.text, change).encode())
            snapshot = load_domains(self._current.static, after)
            if _stamp(self.domains_path) == stamp:  # else somebody has saved meanwhile: once more, on top of that
                return snapshot, _stamp_of(write_atomically(self.domains_path, after.text.encode()))

    def _activate(self, snapshot: Snapshot) -> None:
        self._problems = ()
        reload_success.set(1)
        old, self._current = self._current, snapshot
        if old.revision == snapshot.revision:
            return
        kv = {"domains": len(snapshot.domains.domains), "accounts": len(snapshot.domains.accounts)}
        logger.info("configuration changed", extra={"kv": kv})
        for observer in self._observers:
            observer(old, snapshot)


def _stamp(path: Path) -> Stamp | None:
    """What tells versions of a file apart without reading it; None if there is none."""
    try:
        return _stamp_of(os.stat(path))  # noqa: PTH116  pathlib costs five times as much
    except OSError:
        return None


def _stamp_of(found: os.stat_result) -> Stamp:
    return found.st_mtime_ns, found.st_size, found.st_ino
