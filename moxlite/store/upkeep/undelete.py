"""Bringing removed messages back while their content is still there: ``moxlite account undelete`` (STORE-190).

An expunged message leaves a tombstone with content for `store.undelete_grace`. It comes back as a new message of its
mailbox, with flags, keywords and time of reception; a deleted mailbox is made again under its name. The content of the
tombstone is then released, so that a second call brings nothing back twice.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.body import locate, message_chunks
from moxlite.store.content.prepare import held_body, prepare
from moxlite.store.content.spool import Spool
from moxlite.store.errors import ChunkDamaged, NoSuchMessage
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.mail.adding import add_message
from moxlite.store.mail.facts import NO_FACTS
from moxlite.store.mail.mailboxes import ensure_mailbox
from moxlite.store.rows.keywords import split_keywords
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import Flag

logger = logging.getLogger("moxlite.store.undelete")

# A moved message leaves a tombstone, too, but still exists; one that was moved and then expunged has several
# tombstones, of which the last one counts.
REMOVED: Final = """
SELECT q.message_id, coalesce(b.name, g.name) AS mailbox, e.flags, e.keywords, e.received, e.received_offset, e.size,
max(q.expunged_at) AS removed
FROM erase_queue q JOIN expunged e ON e.mailbox_id = q.mailbox_id AND e.uid = q.uid
LEFT JOIN mailbox b ON b.id = q.mailbox_id LEFT JOIN mailbox_gone g ON g.mailbox_id = q.mailbox_id
WHERE e.body_id IS NOT NULL AND q.expunged_at >= ?
AND NOT EXISTS (SELECT 1 FROM message m WHERE m.id = q.message_id)
AND (?2 = '' OR b.name = ?2 OR (b.name IS NULL AND g.name = ?2)) AND coalesce(b.name, g.name) IS NOT NULL
GROUP BY q.message_id ORDER BY q.message_id"""
BY_MAILBOX: Final = f"""
SELECT mailbox, count(*), sum(size), max(removed) FROM ({REMOVED}) GROUP BY mailbox ORDER BY mailbox LIMIT 500"""  # noqa: S608 a constant
STILL_THERE: Final = "SELECT 1 FROM erase_queue WHERE message_id = ? AND expunged_at > 0"
GIVE_UP: Final = "UPDATE erase_queue SET expunged_at = 0 WHERE mailbox_id = ? AND uid = ?"
GIVE_FREE: Final = "UPDATE erase_queue SET expunged_at = 0 WHERE message_id = ?"


class Removed(msgspec.Struct, frozen=True):
    """A removed message whose content still exists: `removed` and `received` in µs UTC."""

    message_id: int
    mailbox: str
    flags: int
    keywords: str
    received: int
    received_offset: int
    size: int
    removed: int


class Undeleted(msgspec.Struct):
    """Numbers of messages that came back, and of messages that could not be read."""

    messages: int = 0
    damaged: int = 0


def removed_messages(r: Reader, since: int, mailbox: str = "") -> list[Removed]:
    """Messages that can be brought back: removed at or after `since` (µs UTC), of one mailbox or of all. For a scan."""
    return [Removed(*row) for row in r.rows(REMOVED, max(since, 1), mailbox)]


class RemovedFrom(msgspec.Struct, frozen=True):
    """Numbers of the messages removed from a mailbox that can be brought back; `last`: when the last one was removed,
    in µs UTC.
    """

    mailbox: str
    messages: int
    octets: int
    last: int


def removed_by_mailbox(r: Reader, since: int) -> list[RemovedFrom]:
    """Messages that can be brought back, by mailbox, of the first 500 mailboxes. For a scan."""
    return [RemovedFrom(*row) for row in r.rows(BY_MAILBOX, max(since, 1), "")]


def give_up(tx: Tx, mailbox: str, uids: Sequence[int]) -> None:
    """Release the content of removed messages, so that they cannot be brought back. `mailbox`: its name, checked.

    The caller calls `Account.removed` after the commit.
    """
    box = mailbox_by_name(tx, mailbox)
    if box is not None:
        for uid in uids:
            tx.execute(GIVE_UP, box.id, uid)


async def undelete(account: Account, tmp: Path, *, since: int = 0, mailbox: str = "") -> Undeleted:
    """Bring back messages removed at or after `since` (µs UTC), of one mailbox or of all.

    Args:
      tmp: folder for temporary files.

    Raises:
      OverQuota, StorageFull, LimitExceeded and other errors of adding: messages that came back before stay.
    """
    done = Undeleted()
    for one in await account.scan(partial(removed_messages, since=since, mailbox=mailbox), op="undelete"):
        with Spool(tmp) as spool:
            try:
                prefix = await account.scan(partial(_fill, message_id=one.message_id, spool=spool), op="undelete")
            except NoSuchMessage:
                continue  # erased meanwhile
            except ChunkDamaged:
                done.damaged += 1
                continue
            prepared = await prepare(spool, prefix)
            async with held_body(account, prepared) as ready:

                def unit(tx: AccountTx, one: Removed = one) -> bool:
                    if tx.value(STILL_THERE, one.message_id) is None:
                        return False  # another call was here
                    add_message(
                        tx,
                        ready,
                        ensure_mailbox(tx, one.mailbox).id,
                        flags=Flag(one.flags) & ~Flag.DELETED,
                        keywords=split_keywords(one.keywords),
                        received=one.received,
                        received_offset=one.received_offset,
                        facts=NO_FACTS,
                    )
                    tx.execute(GIVE_FREE, one.message_id)
                    return True

                done.messages += await account.write(unit, weight=one.size)
    account.removed()
    logger.info("messages undeleted", extra={"kv": {"account": account.name, "messages": done.messages}})
    return done


def _fill(r: Reader, message_id: int, spool: Spool) -> bytes:
    """Write the body of a message to a spool; returns its prefix."""
    content = locate(r, message_id)
    spool.fill(message_chunks(r, content, len(content.prefix)))
    return content.prefix
