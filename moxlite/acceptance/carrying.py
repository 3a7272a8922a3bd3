"""Carrying over what accounts owe to the queue (STORE-189a)."""

from __future__ import annotations

from pathlib import Path

import msgspec

from moxlite.store.changelog.account import Account
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.owed import OwedMessage
from moxlite.store.delivery.submission import Submit
from moxlite.store.upkeep.outbox import Handler, OutboxRow

__all__ = ["carrier"]


def carrier(submit: Submit, tmp: Path) -> Handler:
    """The handler of rows of the kind `SUBMIT`. The queue takes a submission once for each key, so that doing it again
    adds nothing.

    Args:
      tmp: folder for long messages.
    """

    async def carry(account: Account, row: OutboxRow) -> None:
        owed = OwedMessage.unpack(row.data)
        with Spool.of(owed.octets, tmp) as spool:
            await submit(msgspec.structs.replace(owed.submission, key=row.key), spool)

    return carry
