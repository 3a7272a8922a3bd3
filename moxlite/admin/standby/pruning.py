"""Removing history that is too old from the target (STORE-186d).

Litestream removes whole copies by their age. A database that did not change for longer than that loses its last whole
copy when the next one is made, and with it each moment between the two. So Litestream is told to keep all, and this
module keeps, beside younger ones, the newest whole copy that was in the target `keep` seconds ago: from it and the
changes after it each later moment is made.

A storage lists no times that can be relied on, so the first look that finds a whole copy dates it. It is that old at
least, and at most one pause between two looks older.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from moxlite.admin.standby.layout import databases_in, databases_of, epoch_folder, read_document, save
from moxlite.admin.standby.lease import steady
from moxlite.admin.standby.litestream import LEVELS, between_copies
from moxlite.store.backup.storage import Storage

PRUNED: Final = "standby/pruned.json"
"""In the data directory of the first machine: its `_FullCopies`. No backup holds it."""

WHOLE: Final = 9
"""Litestream's level of whole copies."""

CHANGES: Final = tuple(range(1, len(LEVELS) + 1))
"""Levels of changes that were put together. Litestream itself removes level 0, after `litestream.RECENT`."""

FILE: Final = re.compile(r"[0-9a-f]{16}-([0-9a-f]{16})\.ltx")
"""Name of a file of Litestream; the group is the number of its last transaction."""

LONGEST: Final = 6 * 3600.0
"""Seconds between two looks at most: each lists folders, and storage takes money for listings."""

JUMP: Final = 60.0
"""Seconds by which a clock differs from elapsed time that was set, not slow."""


class _FullCopies(msgspec.Struct):
    """Whole copies in the target, and when they were found.

    at: seconds UTC of the last look. epoch: see `layout.Head`. copies: for each database the number of the last
    transaction of each whole copy, and the seconds UTC of the look that found it. gone: databases that this machine has
    no longer, and since when.
    """

    at: float = 0.0
    epoch: int = 0
    copies: dict[str, dict[int, float]] = {}
    gone: dict[str, float] = {}


class EpochPruner:
    """Looks of one process at the target of an epoch."""

    def __init__(self, data: Path, epoch: int, keep: float) -> None:
        """`keep` in seconds. Blocks."""
        found = read_document(data / PRUNED, _FullCopies)
        self._known = found if found is not None and found.epoch == epoch else _FullCopies(epoch=epoch)
        self._data = data
        self._keep = keep
        self._elapsed: float | None = None

    def look(self, storage: Storage, copied: dict[str, int]) -> int:
        """Look at databases with changes that no whole copy has, or with several whole copies, and remove what is too
        old.

        Args:
          copied: path of each database that is copied, and the number of its last transaction in the target.

        Returns the number of files that were removed. Blocks. Raises OSError, PermissionError for a storage that lets
        nothing be removed.
        """
        now = time.time()
        self._set_right(now)
        if now < self._known.at:
            return 0  # the clock was set back while the server did not run: nothing is as old as it looks
        self._known.at, removed = now, 0
        for name, last in copied.items():
            found = self._known.copies.get(name, {})
            if len(found) > 1 or last not in found:  # else the only whole copy has all
                removed += self._prune(storage, name, now)
        removed += self._forget(storage, now)
        save(self._data / PRUNED, self._known)
        return removed

    def _set_right(self, now: float) -> None:
        """Move all that is known by what the clock was set since the last look of this process."""
        elapsed, known = steady(), self._known
        if self._elapsed is not None:
            jump = (now - known.at) - (elapsed - self._elapsed)
            if abs(jump) > JUMP:
                known.at += jump
                known.copies = {
                    name: {last: at + jump for last, at in found.items()} for name, found in known.copies.items()
                }
                known.gone = {name: at + jump for name, at in known.gone.items()}
        self._elapsed = elapsed

    def _prune(self, storage: Storage, name: str, now: float) -> int:
        """Remove what is too old of a database."""
        before = self._known.copies.get(name, {})
        there = dict(_files(storage, self._folder(name, WHOLE)))
        known = {last: before.get(last, now) for last in sorted(there)}
        old = [last for last, at in known.items() if at <= now - self._keep]
        removed = 0
        if len(old) > 1:
            base = old.pop()
            removed = _remove(storage, self._folder(name, WHOLE), (there[last] for last in old))
            for level in CHANGES:
                folder = self._folder(name, level)
                files = _files(storage, folder)
                removed += _remove(storage, folder, [file for last, file in files if last <= base])
            known = {last: at for last, at in known.items() if last >= base}
        self._known.copies[name] = known
        return removed

    def _forget(self, storage: Storage, now: float) -> int:
        """Remove all of the databases of accounts that were removed `keep` seconds ago."""
        here = set(databases_of(self._data))
        gone = [name for name in databases_in(storage, self._known.epoch) if name not in here]
        self._known.gone = {name: self._known.gone.get(name, now) for name in gone}
        removed = 0
        for name, at in self._known.gone.items():
            if at <= now - self._keep:
                for level in (WHOLE, *CHANGES, 0):
                    folder = self._folder(name, level)
                    removed += _remove(storage, folder, [file for _, file in _files(storage, folder)])
                self._known.copies.pop(name, None)
        return removed

    def _folder(self, name: str, level: int) -> str:
        return f"{epoch_folder(self._known.epoch)}/{name}/ltx/{level}"


def pause_of(keep: float) -> float:
    """Seconds between two looks: few beside the time that is kept."""
    return min(LONGEST, keep / 28)


def held_for(keep: float) -> float:
    """Seconds for which the target may have what was deleted: until the first whole copy without it is `keep` old. A
    look may be late to find that, and another one to remove what was before.
    """
    return keep + between_copies(keep) + 2 * pause_of(keep)


def _files(storage: Storage, folder: str) -> Iterator[tuple[int, str]]:
    """Files of a level: the number of the last transaction, and the name."""
    try:
        names = storage.list(folder)
    except FileNotFoundError:
        return
    for name in names:
        if match := FILE.fullmatch(name):
            yield int(match[1], 16), name


def _remove(storage: Storage, folder: str, names: Iterable[str]) -> int:
    wanted = [f"{folder}/{name}" for name in names]
    if wanted:
        storage.remove(wanted)
    return len(wanted)
