"""Delivery status notifications about messages that were never sent: spam, or answers to forged senders (SMTP-110)."""

from __future__ import annotations

import trio

from moxlite.proto.dsn import DSNError, parse_dsn
from moxlite.proto.mime.messageid import canonical_message_id
from moxlite.store.changelog.account import Account
from moxlite.store.content.prepare import Prepared
from moxlite.store.delivery.reasons import messages_by_messageid

__all__ = ["is_stray"]


async def is_stray(account: Account, prepared: Prepared) -> bool:
    """Whether the message says that it is about one that was sent, of which the account has no copy.

    Raises StoreError.
    """
    if not prepared.index.is_dsn:
        return False
    messageid = await trio.to_thread.run_sync(_returned, prepared)
    if not messageid:
        return True
    return not await account.read(lambda r: messages_by_messageid(r, messageid), op="bounce")


def _returned(prepared: Prepared) -> str:
    """The canonical Message-ID of the message that came back, "" where it is not told. Blocks."""
    before = len(prepared.prefix)
    try:
        dsn = parse_dsn(prepared.index, lambda start, stop: prepared.spool.read(start - before, stop - start))
    except DSNError:
        return ""
    return canonical_message_id(dsn.returned_message_id) or ""
