"""Searches for words in the messages of an account, newest first (STORE-111, STORE-114): for the webmail.

The result is the same with and without the index; the time is not.

Waits for issue 9 (webmail).
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec

from moxlite.proto.mime.text import fold
from moxlite.store.file.arrays import int_array
from moxlite.store.file.transaction import Reader
from moxlite.store.search.index import IndexedAccount
from moxlite.store.search.terms import Every, Has, Term, holds
from moxlite.store.search.texts import texts_of
from moxlite.store.types import MailboxID, MessageID

__all__ = ["FoundMessages", "search_messages"]

SLICE: Final = 500
"""Messages looked into in one read (STORE-114): 5 ms of stored texts, 50 ms of messages."""

MAX_ID: Final = (1 << 63) - 1

IN_ACCOUNT: Final = "SELECT group_concat(id) FROM (SELECT id FROM message WHERE id > ? AND id < ?)"
IN_MAILBOX: Final = """
SELECT group_concat(id) FROM (SELECT id FROM message WHERE mailbox_id = ?3 AND id > ?1 AND id < ?2)"""
THERE: Final = "SELECT m.id FROM carray(?) v CROSS JOIN message m ON m.id = v.value"
THERE_IN_MAILBOX: Final = f"{THERE} WHERE m.mailbox_id = ?"


class FoundMessages(msgspec.Struct, frozen=True):
    """Ids of messages, descending; `more` when there are others below the last."""

    ids: tuple[MessageID, ...]
    more: bool


async def search_messages(
    account: IndexedAccount,
    mailbox_id: MailboxID | None,
    words: Sequence[str],
    limit: int,
    before: MessageID | None = None,
) -> FoundMessages:
    """The newest messages, as they came to the account, that have all the words in their header or text, also as a part
    of others.

    Args:
      mailbox_id: of one mailbox only; None for the whole account.
      words: as typed; case and forms of characters don't matter (IMAP-121). An empty one is in every message.
      before: only messages with lower ids: the last of a page, to get the next one.

    Raises:
      StorageBroken, ReadInterrupted. A message that is damaged is not found.
    """
    term: Term = Every(tuple([Has(fold(word)) for word in words]))
    candidates = await account.search.candidates(term)
    above = 0 if candidates is None else candidates.watermark
    below = before or MAX_ID
    newer = await account.scan(partial(_between, mailbox_id=mailbox_id, above=above, below=below), op="search-ids")
    known = [] if candidates is None else [one for one in candidates.ids if one < below]
    # One indexed between the two reads is in both.
    ids = array("q", sorted({*newer, *known}, reverse=True))
    found: list[MessageID] = []
    for start in range(0, len(ids), SLICE):
        part = ids[start : start + SLICE]
        if candidates is not None:
            part = await account.scan(partial(_present, mailbox_id=mailbox_id, message_ids=part), op="search-ids")
        sifted = await account.search.sift(part, term)
        matching = set() if sifted is None else set(sifted.matching)
        unknown = part if sifted is None else [one for one in part if one not in matching | sifted.ruled_out]
        if unknown:
            matching |= await account.scan(partial(_look_into, message_ids=unknown, term=term), op="search-messages")
        found.extend([MessageID(one) for one in part if one in matching])
        if len(found) > limit:
            break
    return FoundMessages(tuple(found[:limit]), len(found) > limit)


def _between(r: Reader, mailbox_id: MailboxID | None, above: int, below: int) -> list[int]:
    """Ids of messages between two."""
    if mailbox_id is None:
        listed: str | None = r.value(IN_ACCOUNT, above, below)
    else:
        listed = r.value(IN_MAILBOX, above, below, mailbox_id)
    return list(map(int, listed.split(","))) if listed else []


def _present(r: Reader, mailbox_id: MailboxID | None, message_ids: array[int]) -> array[int]:
    """Those which are in the mailbox, in the same order."""
    numbers = int_array(message_ids)
    rows = r.rows(THERE, numbers) if mailbox_id is None else r.rows(THERE_IN_MAILBOX, numbers, mailbox_id)
    return array("q", [row[0] for row in rows])


def _look_into(r: Reader, message_ids: Sequence[int], term: Term) -> set[int]:
    return {one for one, text, _ in texts_of(r, message_ids) if text is not None and holds(term, text)}
