"""Transfer of owed submissions from accounts to the queue (STORE-189a)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from moxlite.store.changelog.account import Account
from moxlite.store.content.body import stream_message
from moxlite.store.content.spool import Spool
from moxlite.store.content.spoolheader import read_header
from moxlite.store.delivery.perform import OwedMessage
from moxlite.store.delivery.submission import Submit
from moxlite.store.upkeep.outbox import Handler, OutboxRow

HIDDEN_FIELDS: Final = (b"bcc",)
"""Fields of an account's own message that recipients do not get."""

LOCAL_FIELDS: Final = (b"return-path", b"x-moxlite-reason")
"""Fields of a received message that say something to its owner alone (RFC 5321 §4.4: one Return-Path, at the end)."""


def carrier(submit: Submit, tmp: Path) -> Handler:
    """The handler of outbox rows of the kind `SUBMIT`. The queue accepts a submission once for each key, so a
    repetition adds nothing.

    Args:
      tmp: folder for long messages.
    """

    async def carry(account: Account, row: OutboxRow) -> None:
        owed = OwedMessage.unpack(row.data)
        submission = msgspec.structs.replace(owed.submission, key=row.key)
        if row.message_id is None:
            with Spool.of(owed.octets, tmp) as spool:
                await submit(submission, spool)
        else:
            # A message that is sent on keeps even its Bcc field, which signatures may cover; one of our own loses it.
            dropped = (*LOCAL_FIELDS, *owed.dropped) if owed.forwarded else HIDDEN_FIELDS
            async with _sent(account, row.message_id, tmp, dropped) as spool:
                await submit(submission, spool)

    return carry


@asynccontextmanager
async def _sent(account: Account, message_id: int, tmp: Path, dropped: tuple[bytes, ...]) -> AsyncIterator[Spool]:
    """The octets to send of a message that the account keeps: all but some fields."""
    with Spool(tmp) as kept:
        async with aclosing(stream_message(account, message_id)) as pieces:
            async for piece in pieces:
                await kept.write(piece)
        await kept.finish()
        async with without_fields(kept, dropped) as clean:
            yield clean


@asynccontextmanager
async def without_fields(kept: Spool, dropped: tuple[bytes, ...] = HIDDEN_FIELDS) -> AsyncIterator[Spool]:
    """The octets of a finished spool but for some fields of its header, by default Bcc."""
    section = await read_header(kept)
    hidden = section.all(*dropped)
    if not hidden:
        yield kept
        return
    with await kept.with_header(section.without(hidden), len(section.octets)) as clean:
        yield clean
