"""Notices in tables of an account's file, which JMAP clients follow by their modseq. A destroyed notice's row is kept
for some time, marked as gone.
"""

from collections.abc import Sequence
from typing import Final

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.rows.history import Change, TooManyChanges

MAX_NOTICES: Final = 500
"""Notices that are kept, and as many that were destroyed: of those before, states are unknown."""


# of tables and columns that the code names
STATE: Final = "SELECT coalesce(max(modseq), 0) FROM {table}"
GONE: Final = "UPDATE {table} SET gone = 1, modseq = ?{emptied} WHERE id = ? AND NOT gone"
# of the tombstones that are too many, the last one stays: states before it are unknown
FORGET: Final = """
DELETE FROM {table} WHERE gone
AND modseq < (SELECT modseq FROM {table} WHERE gone ORDER BY modseq DESC LIMIT 1 OFFSET ?)"""
FORGOTTEN: Final = """
SELECT coalesce((SELECT modseq FROM {table} WHERE gone ORDER BY modseq DESC LIMIT 1 OFFSET ?), 0)"""
CHANGED: Final = "SELECT id, createseq, modseq, gone FROM {table} WHERE modseq > ? ORDER BY modseq"


class Notices:
    """The notices of one table. `emptied`: the columns that a destroyed one loses."""

    def __init__(self, table: str, *emptied: str) -> None:
        lost = "".join(f", {column} = NULL" for column in emptied)
        self._state, self._gone, self._forget, self._forgotten, self._changed = (
            sql.format(table=table, emptied=lost) for sql in (STATE, GONE, FORGET, FORGOTTEN, CHANGED)
        )

    def state(self, r: Reader) -> int:
        """The modseq of the last change."""
        return int(r.value(self._state))

    def changes(self, r: Reader, since: int) -> list[Change]:
        """The changes after a modseq. Raises TooManyChanges."""
        # A state from the future is of the account before it was restored from a backup.
        if since > self.state(r) or since < r.value(self._forgotten, MAX_NOTICES):
            raise TooManyChanges
        changes: list[Change] = []
        for number, createseq, modseq, gone in r.rows(self._changed, since):
            if gone and createseq <= since:
                changes.append(Change(number, "destroyed", modseq))
            elif not gone:
                changes.append(Change(number, "created", modseq))
        return changes

    def forget(self, tx: AccountTx, numbers: Sequence[int]) -> set[int]:
        """Destroy notices, and forget those that were destroyed before `MAX_NOTICES` others; returns which there
        were.
        """
        gone = {number for number in numbers if tx.execute(self._gone, tx.modseq(), number)}
        tx.execute(self._forget, MAX_NOTICES)
        return gone
