"""Files of a database of the second machine: the copy, and Litestream's note of how far it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from moxlite.store.backup.verify import newer_schema
from moxlite.store.file.migrations import Kind


def note_of(file: Path) -> Path:
    """Litestream's note of the last transaction that it has applied to a file."""
    return file.with_name(file.name + "-txid")


def progress_of(file: Path) -> tuple[int, int]:
    """The last transaction that is applied to a database, and the octets of its files, finished or not."""
    octets = 0
    with contextlib.suppress(OSError):
        octets = sum(one.stat().st_size for one in file.parent.glob(f"{file.name}*"))
    return transaction_of(file), octets


def transaction_of(file: Path) -> int:
    """The last transaction that is applied to a database; 0 for none."""
    if not file.exists():
        return 0  # a take-over that was cut short has moved it
    try:
        return int(note_of(file).read_text(), 16)
    except (OSError, ValueError):
        return 0


def forget(file: Path) -> None:
    """Remove a database, to restore it anew."""
    for suffix in ("-txid", "", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def newer(data: Path, names: Iterable[str], version: str) -> str:
    """A sentence if the first machine, which has this version of moxlite, has upgraded a database beyond what this
    machine's version can use; else "". Blocks.
    """
    for name in names:
        if found := newer_schema(data / name, Kind(Path(name).stem)):
            return f"{name} {found}: upgrade moxlite on this machine to {version}, which the first machine has"
    return ""
