"""The end of a message in the queue: its row is removed, and a retired row kept for a time (QUEUE-25). On a
transaction.
"""

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from moxlite.queue.data.content import release_content
from moxlite.queue.data.mirrorrows import end_mirror
from moxlite.queue.data.rows import MESSAGE_COLUMNS, RETIRED_COLUMNS, Result, encode_results, message_of
from moxlite.queue.data.status import note_outcome
from moxlite.store.delivery.status import State
from moxlite.store.file.transaction import Tx

KeepFor: TypeAlias = Callable[[str], int]
"""Function that returns the microseconds for which an account's retired messages are kept; 0 for not at all."""

CLEAN_SLICE: Final = 1000
"""Rows removed in one transaction (QUEUE-25)."""

OWN: Final = ("success", "last_activity", "keep_until")
SHARED: Final = ", ".join(name for name in RETIRED_COLUMNS.split(", ") if name not in OWN)

READ: Final = f"SELECT {MESSAGE_COLUMNS} FROM msg WHERE id = ?"  # noqa: S608 column names
COPY: Final = f"""
INSERT INTO msg_retired ({SHARED}, success, last_activity, keep_until, recipient_address)
SELECT {SHARED}, ?, ?, ?, lower(rcpt_localpart || '@' || rcpt_domain)
FROM msg WHERE id = ?"""  # noqa: S608 column names
SET_RESULTS: Final = "UPDATE msg_retired SET results = ? WHERE id = ?"
DELETE: Final = "DELETE FROM msg WHERE id = ?"
CLEAN: Final = "DELETE FROM msg_retired WHERE id IN (SELECT id FROM msg_retired WHERE keep_until <= ? LIMIT ?)"


def retire(
    tx: Tx, ids: Iterable[int], state: State, *, now: int, keep_for: KeepFor, results: tuple[Result, ...] | None = None
) -> None:
    """Remove messages from the queue. With the last recipient of a submission its octets are deleted, and it leaves the
    mailbox `Outgoing`.

    ``state``: their final state. ``results``, if given: the attempts to keep, instead of the row's own. Ids that no
    longer exist are skipped.
    """
    for message_id in ids:
        row = tx.row(READ, message_id)
        if row is None:
            continue
        message = message_of(row)
        keep = keep_for(message.account)
        success = state in {State.DELIVERED, State.RELAYED}
        if keep > 0:
            tx.execute(COPY, int(success), now, now + keep, message_id)
            if results is not None:
                tx.execute(SET_RESULTS, encode_results(results), message_id)
        note_outcome(tx, message, state, message.results if results is None else results, now)
        tx.execute(DELETE, message_id)
        if release_content(tx, message.content_id):
            end_mirror(tx, message.content_id, now)


def clean_retired(tx: Tx, now: int) -> bool:
    """Remove a slice of the expired retired rows; True if there may be more."""
    return tx.execute(CLEAN, now, CLEAN_SLICE) == CLEAN_SLICE
