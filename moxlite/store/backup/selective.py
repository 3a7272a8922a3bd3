"""Mail of one account, or of one of its mailboxes, out of a backup into a running server (STORE-185).

Messages are only added, below a mailbox of their own: with flags, keywords and time of reception, as an APPEND would.
Equal bodies are stored once, so what is still in the account costs next to nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import trio

from moxlite.store.changelog.account import Account
from moxlite.store.content.body import locate, message_chunks
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.deliver import append
from moxlite.store.errors import ChunkDamaged, NoSuchMailbox, NoSuchMessage
from moxlite.store.file.database import Database
from moxlite.store.file.migrations import Kind
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.adding import Append
from moxlite.store.mail.mailboxes import ensure_mailbox
from moxlite.store.names import check_name, is_below
from moxlite.store.options import Options
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.rows.messages import rows_by_uid
from moxlite.store.types import Mailbox, MailboxID, MessageRow

logger = logging.getLogger("moxlite.store.backup.selective")

SLICE: Final = 100
"""Rows read at a time."""

BATCH: Final = 1 << 20
"""Octets of messages appended in one unit, so that a long restore does not sync for each small message."""

BATCH_MESSAGES: Final = 50

Tell = Callable[[str], Awaitable[None]]


class Restored(msgspec.Struct):
    """How many messages were added to how many mailboxes, and how many could not be read."""

    messages: int = 0
    mailboxes: int = 0
    damaged: int = 0


async def restore_mail(
    account: Account, file: Path, *, mailbox: str | None, target: str, tmp: Path, tell: Tell
) -> Restored:
    """Add the mail of `file`, an account's database of a backup, to an account.

    Args:
      file: a copy without other users; it is upgraded when its schema is older.
      mailbox: only this one, with those below it; None for all.
      target: the mailbox that it becomes, or below which all of them come; made if missing.
      tmp: folder for temporary files.
      tell: takes a line after each mailbox.

    Raises:
      NoSuchMailbox: the backup has none of that name; BadMailboxName: for `target`.
      What opening `file` and appending raise; messages added before stay.
    """
    target = check_name(target)
    done = Restored()
    options = Options(min_free_space=0, vfs=account.options.vfs, schema=account.options.schema)
    database = await Database.open(file, Kind.ACCOUNT, options=options, name=f"backup of {account.name}")
    try:
        boxes = [box for box in await database.read(mailboxes, op="restore") if not box.system]
        chosen = [box for box in boxes if mailbox is None or box.name == mailbox or is_below(box.name, mailbox)]
        if mailbox is not None and not any(box.name == mailbox for box in chosen):
            raise NoSuchMailbox(mailbox)
        for box in chosen:
            name = f"{target}/{box.name}" if mailbox is None else target + box.name.removeprefix(mailbox)
            if box.exists:
                before = done.messages
                await _Mailbox(account, database, box, name, tmp, done).run()
                done.mailboxes += 1
                await tell(f"{name}: {done.messages - before} messages")
    finally:
        await database.aclose()
    logger.info(
        "mail restored",
        extra={"kv": {"account": account.name, "messages": done.messages, "damaged": done.damaged}},
    )
    return done


class _Mailbox:
    def __init__(
        self, account: Account, database: Database, source: Mailbox, name: str, tmp: Path, done: Restored
    ) -> None:
        self.account = account
        self.database = database
        self.source = source
        self.name = name
        self.tmp = tmp
        self.done = done
        self.batch: list[tuple[Append, Spool]] = []
        self.octets = 0

    async def run(self) -> None:
        box = await self.account.write(lambda tx: ensure_mailbox(tx, self.name))
        first = 1
        try:
            while rows := await self.database.scan(partial(self._rows, first=first), op="restore"):
                for row in rows:
                    await self._add(box.id, row)
                first = rows[-1].uid + 1
            await self._flush(box.id)
        finally:
            for _, spool in self.batch:
                spool.close()

    def _rows(self, r: Reader, first: int) -> list[MessageRow]:
        return rows_by_uid(r, self.source.id, first, limit=SLICE)

    async def _add(self, target: MailboxID, row: MessageRow) -> None:
        self.account.check_space()
        spool = Spool(self.tmp)
        try:
            prefix = await self.database.scan(partial(_fill, message_id=row.id, spool=spool), op="restore")
            prepared = await prepare(spool, prefix)
        except (ChunkDamaged, NoSuchMessage):
            spool.close()
            self.done.damaged += 1
            return
        except BaseException:
            spool.close()
            raise
        item = Append(prepared, row.flags, row.keywords, row.received, row.received_offset)
        self.batch.append((item, spool))
        self.octets += row.size
        if self.octets >= BATCH or len(self.batch) >= BATCH_MESSAGES:
            await self._flush(target)

    async def _flush(self, target: MailboxID) -> None:
        if self.batch:
            await append(self.account, target, [item for item, _ in self.batch])
            self.done.messages += len(self.batch)
            for _, spool in self.batch:
                spool.close()
            self.batch, self.octets = [], 0
        await trio.lowlevel.checkpoint()


def _fill(r: Reader, message_id: int, spool: Spool) -> bytes:
    """Put the body of a message into a spool; its prefix."""
    content = locate(r, message_id)
    spool.fill(message_chunks(r, content, len(content.prefix)))
    return content.prefix
