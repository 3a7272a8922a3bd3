"""Mail that a first machine acknowledged and the second one has not: sent after the take-over, and found (STORE-186j).

The first machine writes to the folder of its own epoch, where the second one reads it. A message is an orphan if its
account gave it a createseq above the last modseq that came over (`Beginning`): it was not there at the take-over.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import apsw
import msgspec

from moxlite.admin.standby.layout import FOLLOWER, OWN, Beginning, Head, databases_of, read_document
from moxlite.admin.standby.litestream import (
    NO_PROGRAM,
    check_version,
    environment,
    find_program,
    place_of,
    write_configuration,
)
from moxlite.config.static import Static
from moxlite.escapes import printable
from moxlite.process.backuptargets import Access
from moxlite.store.backup.errors import BackupError

__all__ = ["Orphan", "orphans_of", "send_rest"]

REST: Final = 3600.0
"""Seconds in which the rest must be sent."""

ORPHANS: Final = """
SELECT b.name, ifnull(m.messageid, ''), m.subject_base, m.received FROM message m JOIN mailbox b ON b.id = m.mailbox_id
WHERE m.createseq > ? AND b.system = 0 ORDER BY m.received"""
KNOWN: Final = "DELETE FROM message WHERE createseq <= ?"


class Orphan(msgspec.Struct, frozen=True):
    """A message that only the earlier machine has. received: seconds UTC."""

    account: str
    mailbox: str
    message_id: str
    subject: str
    received: float


def send_rest(static: Static, access: Access | None, tell: Callable[[str], None]) -> int:
    """Send what is in the data directory to the folder of the epoch in which this machine was the first one; returns
    that epoch. Blocks. The caller holds the lock of the data directory. Raises BackupError, OSError.
    """
    settings, data = static.standby, static.data_dir
    own = read_document(data / OWN, Head)
    if settings.target is None or own is None:
        raise BackupError("this machine was never the first one of a stand-by")
    program = find_program(settings.litestream)
    if program is None:
        raise BackupError(NO_PROGRAM)
    check_version(program)
    folder = data / FOLLOWER
    meta = folder / "meta"
    with place_of(settings.target, access, folder) as place:
        file = folder / "rest.yml"
        entries = [
            {"path": str(data / name), "meta-path": str(meta / name), "replica": place.replica(own.epoch, name)}
            for name in databases_of(data)
        ]
        write_configuration(file, entries, socket=None, keep=settings.keep)
        tell(f"{len(entries)} databases are sent to {settings.target}")
        try:
            done = subprocess.run(  # noqa: S603 - a program of the configuration
                [str(program), "replicate", "-once", "-no-expand-env", "-config", str(file)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=REST,
                env=environment(place.variables),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise TimeoutError("Litestream has not sent all within an hour") from None
        finally:
            file.unlink(missing_ok=True)
    if done.returncode:
        text = printable(done.stderr.decode(errors="replace").strip().rpartition("\n")[2])[:300]
        raise BackupError(f"Litestream cannot send all: {text}")
    return own.epoch


def orphans_of(file: Path, account: str, beginning: Beginning) -> Iterator[Orphan]:
    """The orphans in an account's database of the earlier machine, and all else is removed from this copy of it: it can
    be given to a restore of mail. Blocks. Raises apsw.Error.
    """
    last = beginning.modseqs.get(account, 0)
    db = apsw.Connection(str(file))
    try:
        db.execute("PRAGMA foreign_keys = OFF")
        for mailbox, message_id, subject, received in db.execute(ORPHANS, (last,)).fetchall():
            yield Orphan(account, str(mailbox), str(message_id), str(subject), float(str(received)) / 1e6)
        db.execute(KNOWN, (last,))
    finally:
        db.close(True)
