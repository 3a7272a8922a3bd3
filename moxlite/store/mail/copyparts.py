"""A copy of many messages in several units, of which all or none stay (IMAP-117).

Each unit but the last notes what it added. The last one forgets that; until then `undo_part` takes it back, a unit for
a part: when the copy fails, or when the account is opened after a crash.
"""

from __future__ import annotations

import secrets
from typing import Final

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import NoSuchMailbox
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.messages import Copied, expunge

__all__ = ["end_copy", "new_copy", "note_part", "undo_part", "unfinished_copies"]

NOTE: Final = "INSERT INTO copy_part (copy, mailbox_id, first_uid, last_uid) VALUES (?, ?, ?, ?)"
END: Final = "DELETE FROM copy_part WHERE copy = ?"
LAST: Final = "SELECT id, mailbox_id, first_uid, last_uid FROM copy_part WHERE copy = ? ORDER BY id DESC LIMIT 1"
DROP: Final = "DELETE FROM copy_part WHERE id = ?"
UNFINISHED: Final = "SELECT DISTINCT copy FROM copy_part"


def new_copy() -> bytes:
    """A name for a copy."""
    return secrets.token_bytes(12)


def note_part(tx: AccountTx, copy: bytes, part: Copied) -> None:
    """In the unit that made `part`: the copy goes on, and this is to go if it fails."""
    if part.target_uids:
        tx.execute(NOTE, copy, part.target_id, part.target_uids[0], part.target_uids[-1])


def end_copy(tx: AccountTx, copy: bytes) -> None:
    """In the last unit: all of it stays."""
    tx.execute(END, copy)


def undo_part(tx: AccountTx, copy: bytes) -> bool:
    """Remove the newest part of a copy that failed; False: there is none left. What was moved elsewhere meanwhile
    stays there.
    """
    row = tx.row(LAST, copy)
    if row is None:
        return False
    part_id, mailbox_id, first, last = row
    tx.execute(DROP, part_id)
    try:
        expunge(tx, mailbox_id, range(first, last + 1))
    except NoSuchMailbox:
        pass  # deleted meanwhile, and the copies with it
    return True


def unfinished_copies(r: Reader) -> list[bytes]:
    """Copies that neither ended nor were undone: when an account is opened, those of a crash."""
    return [row[0] for row in r.rows(UNFINISHED)]
