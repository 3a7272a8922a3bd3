"""Teaching the filter by the mailboxes in which mail already is (WEB-66): mail in Archive is wanted, mail in Junk is
not. Messages with a mark of their own keep it.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.types import Flag, SpecialUse

SLICE: Final = 400
"""Messages marked in one unit: 10 ms, after which units of other callers go first."""

UNMARKED: Final = f"""
SELECT m.id FROM message m JOIN mailbox b ON b.id = m.mailbox_id
WHERE b.special_use & ?1 <> 0 AND m.id > ?2 AND m.flags & {int(Flag.JUNK | Flag.NOTJUNK)} = 0 ORDER BY m.id LIMIT ?3"""  # noqa: S608 - a constant


async def teach(account: Account) -> tuple[int, int]:
    """Mark the messages in Archive as not junk and the messages in Junk as junk; returns both numbers. The trainer
    learns them in the background.

    Cancellation: marks made so far stay. Raises StoreError.
    """
    wanted = await _mark(account, SpecialUse.ARCHIVE, Flag.NOTJUNK)
    return wanted, await _mark(account, SpecialUse.JUNK, Flag.JUNK)


async def _mark(account: Account, use: SpecialUse, flag: Flag) -> int:
    marked, after = 0, 0

    def unit(tx: AccountTx, after: int) -> list[int]:
        ids = [number for (number,) in tx.rows(UNMARKED, int(use), after, SLICE)]
        store_flags_ids(tx, ids, mode="add", flags=flag)
        return ids

    while ids := await account.write(partial(unit, after=after)):
        marked += len(ids)
        after = ids[-1]
    return marked
