"""Any columns of many messages of a mailbox, in one statement: for scans in which each row counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from moxlite.store.file.transaction import Reader, Row
from moxlite.store.rows.reading import int_array
from moxlite.store.types import MailboxID

__all__ = ["HEADER", "columns_of"]

HEADER: Final = " CROSS JOIN message_header h ON h.email_id = m.email_id"
"""Joins the header section, ``h.header``."""

DENSE: Final = 2
"""Numbers in a range for each wanted one, up to which it is read whole: a row is found in it in a third of the time."""


def columns_of(r: Reader, columns: str, joins: str, mailbox_id: MailboxID, uids: Sequence[int]) -> list[Row]:
    """Columns of the messages with these ascending UIDs that are in the mailbox, in their order. 0.6 µs each.

    Args:
      columns: constants of the caller; ``m.uid`` is the first, ``m`` the message. joins: what follows ``FROM message
        m``, each a CROSS JOIN by ``m.email_id``.
    """
    if not uids:
        return []
    first, last = uids[0], uids[-1]
    if last - first < DENSE * len(uids):
        rows = r.rows(
            f"SELECT {columns} FROM message m{joins} WHERE m.mailbox_id = ? AND m.uid BETWEEN ? AND ? ORDER BY m.uid",  # noqa: S608 - constants, here and below
            mailbox_id,
            first,
            last,
        )
        if len(rows) == len(uids) == last - first + 1:
            return rows
        wanted = frozenset(uids)
        return [row for row in rows if row[0] in wanted]
    return r.rows(
        f"SELECT {columns} FROM carray(?2) c CROSS JOIN message m ON m.mailbox_id = ?1 AND m.uid = c.value{joins}",  # noqa: S608
        mailbox_id,
        int_array(uids),
    )
