"""Messages that their owner took out of the rejects mailbox (STORE-73). If the refused sender retries such a message
and it is accepted now, it is not delivered again (STORE-74).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from moxlite.store.changelog.unit import was_done
from moxlite.store.file.arrays import int_array
from moxlite.store.types import SpecialUse

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx

TAKEN: Final = """
SELECT m.messageid, b.hash FROM carray(?) c CROSS JOIN message m ON m.id = c.value JOIN body b ON b.id = m.body_id
WHERE m.messageid IS NOT NULL"""
STANDS: Final = """
SELECT 1 FROM message m JOIN body b ON b.id = m.body_id JOIN mailbox box ON box.id = m.mailbox_id
WHERE m.messageid = ? AND b.hash = ? AND NOT m.is_reject AND (box.special_use & ?) = 0 LIMIT 1"""


def note_released(tx: AccountTx, ids: Iterable[int]) -> None:
    """Note that the owner took these messages out of the rejects mailbox. Kept for 7 days (STORE-189): senders give up
    earlier.
    """
    for messageid, digest in tx.rows(TAKEN, int_array(ids)):
        tx.once(_key(messageid, digest))


def is_released(tx: AccountTx, messageid: str, digest: bytes) -> bool:
    """Whether the owner took this message out of the rejects mailbox and still has it, other than in Trash or Junk."""
    if not was_done(tx, _key(messageid, digest)):
        return False
    return tx.row(STANDS, messageid, digest, int(SpecialUse.TRASH | SpecialUse.JUNK)) is not None


def _key(messageid: str, digest: bytes) -> bytes:
    return b"released " + hashlib.sha256(messageid.encode() + b"\0" + digest).digest()
