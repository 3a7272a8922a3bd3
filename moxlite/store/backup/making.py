"""Creating one snapshot of a repository: reading files and turning them into blocks (STORE-183).

The repository writes the manifest of it (see `repository`).
"""

from __future__ import annotations

import logging
from pathlib import Path

import apsw
import msgspec

from moxlite.store.backup.blocks import BLOCK, Blocks, BlockVFS
from moxlite.store.backup.copying import (
    KEY_MODE,
    Cancelled,
    Stamp,
    Tell,
    copy_pages,
    error_text,
    note_failure,
    signs,
    snapshot,
    stamp_of,
)
from moxlite.store.backup.layout import ConfigFile, LiveAccounts, Report, Source, config_files, databases, other_files
from moxlite.store.backup.packs import Entry
from moxlite.store.errors import BackupCancelled, BackupError, StorageFailed

logger = logging.getLogger("moxlite.store.backup")


class Work:
    """One snapshot being made. `previous`: entries of the last one, by path."""

    def __init__(
        self,
        blocks: Blocks,
        source: Source,
        previous: dict[str, Entry],
        report: Report,
        tell: Tell,
        cancelled: Cancelled,
    ) -> None:
        self.blocks = blocks
        self.source = source
        self.previous = previous
        self.report = report
        self.tell = tell
        self.cancelled = cancelled
        self.entries: list[Entry] = []

    def lost(self) -> int:
        """How many blocks of the last snapshot cannot be read any more."""
        has = self.blocks.index.has
        return sum(not has(name) for entry in self.previous.values() for name in entry.names())

    def databases(self) -> None:
        """Take all databases; what fails is an error of the report. Raises BackupCancelled, StorageFailed."""
        for database_file in databases(self.source.data):
            path = self.source.data / database_file.path
            self.tell(str(path))
            try:
                entry = self.database(path, f"data/{database_file.path}", database_file.account)
            except (BackupCancelled, StorageFailed):
                raise
            except (BackupError, apsw.Error, OSError) as error:
                if path.exists() or database_file.account in self.source.configured:  # else it was removed meanwhile
                    self.report.errors.append(f"{path}: {error_text(error)}")
                continue
            self.entries.append(entry)
            self.report.databases += 1
            self.report.octets += entry.size
            if database_file.account in self.source.broken:
                self.report.errors.append(f"{path}: copied, but damaged: {self.source.broken[database_file.account]}")

    def database(self, path: Path, name: str, account: str | None) -> Entry:
        """One database as it is now. Raises BackupError, apsw.Error, OSError."""
        stamp = stamp_of(path)
        old = self.previous.get(name)
        unchanged = old is not None and old.stamp is not None and old.stamp.unchanged(stamp)
        # If a pack is lost, the database is read again, so that its blocks are stored anew.
        if old is not None and unchanged and all(map(self.blocks.index.has, old.names())):
            return msgspec.structs.replace(old, stamp=stamp)
        if account is not None and self.source.live is not None:
            entry = None if old is None else self.changed(self.source.live, path, account, old)
            if entry is not None:
                return entry
            stamp = stamp_of(path)
            self.source.live.mark(path, stamp.at)
        names: dict[int, bytes] = {}
        before = [] if old is None else old.names()

        def sink(number: int, block: bytes) -> None:
            names[number] = self.blocks.put(block, before[number] if number < len(before) else None)

        vfs = BlockVFS(sink)
        try:
            with snapshot(path) as source:
                into = apsw.Connection("copy", vfs=vfs.name)
                try:
                    # No other process can open it: neither journal nor lock has a meaning.
                    for pragma in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE"):
                        into.execute(f"PRAGMA {pragma}").fetchall()
                    log = path.with_name(path.name + "-wal")
                    size = copy_pages(source, into, log, cancelled=self.cancelled, stepped=signs(self.tell, path))
                finally:
                    into.close(True)
        except apsw.Error as error:
            if vfs.error is not None:
                raise vfs.error from error
            raise
        finally:
            vfs.unregister()
        if vfs.error is not None:
            raise vfs.error
        count = -(-size // BLOCK)
        if sorted(names) != list(range(count)):
            raise BackupError("the copy is incomplete")
        return Entry(name, size, 0o640, b"".join(names[number] for number in range(count)), stamp)

    def changed(self, live: LiveAccounts, path: Path, account: str, old: Entry) -> Entry | None:
        """One database of which only the changed blocks are read; None if the whole file must be."""
        if old.stamp is None:
            return None
        stamps: list[Stamp] = []

        def taken() -> int:
            stamps.append(stamp_of(path))
            return stamps[-1].at

        copied = live.changed_blocks(account, old.stamp.at, old.size, taken)
        if copied is None:
            return None
        changes, file = copied
        with file:
            file.seek(0)
            names = old.names()[: -(-changes.size // BLOCK)]
            names += [b""] * (-(-changes.size // BLOCK) - len(names))
            for number in changes.sampled:
                if self.blocks.forms.name_of(file.read(changes.length(number))) != names[number]:
                    live.distrust(path)
                    kv = {"file": str(path), "block": number}
                    logger.error("a block changed that should not have; reading the whole file", extra={"kv": kv})
                    return None
            for number in changes.changed:
                names[number] = self.blocks.put(file.read(changes.length(number)), names[number] or None)
        if not all(map(self.blocks.index.has, names)):
            return None
        return Entry(old.path, changes.size, old.mode, b"".join(names), stamps[-1])

    def files(self, *, keys: bool, encrypted: bool) -> None:
        """Take all other files; see `config_files` for the arguments."""
        for other in other_files(self.source.data):
            if other.regular and (keys or encrypted or not other.private):
                self.file(self.source.data / other.path, f"data/{other.path}")
        for config_file in config_files(self.source, keys=keys, encrypted=encrypted, report=self.report):
            if config_file.content is None:
                self.file(config_file.path, config_file.name)
            else:
                self.written(config_file, config_file.content)

    def file(self, path: Path, name: str) -> None:
        """A file that is read here; one that is gone is passed."""
        self.begin(path)
        try:
            mode = path.stat().st_mode & 0o777
            names, size = [], 0
            with path.open("rb") as file:
                while block := file.read(BLOCK):
                    names.append(self.blocks.put(block))
                    size += len(block)
        except OSError as error:
            if path.exists():
                note_failure(self.report, self.source, path, error)
            return
        self.add(Entry(name, size, mode, b"".join(names)))

    def written(self, config_file: ConfigFile, content: bytes) -> None:
        """A file of which the octets are at hand."""
        self.begin(config_file.path)
        names = [self.blocks.put(content[at : at + BLOCK]) for at in range(0, len(content), BLOCK)]
        self.add(Entry(config_file.name, len(content), KEY_MODE, b"".join(names)))

    def begin(self, path: Path) -> None:
        """Tell of a file. Raises BackupCancelled."""
        if self.cancelled():
            raise BackupCancelled("the backup was canceled")
        self.tell(str(path))

    def add(self, entry: Entry) -> None:
        """Have a file in the snapshot."""
        self.entries.append(entry)
        self.report.octets += entry.size
