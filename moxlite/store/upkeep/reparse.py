"""Making the MIME index of stored messages anew, after its layout or meaning changed (STORE-59, STORE-148, ``store
reparse``).

Runs in the background, some messages per unit, and goes on where it stopped: its position is a row of table
``upgrade``. Until a message is done, its old index is used. Bodies, flags, modseqs and threads are not changed.
"""

from __future__ import annotations

import logging
import mmap
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from moxlite.proto.mime.types import PARSE_VERSION, encode_structure
from moxlite.store.content.body import locate, message_chunks
from moxlite.store.content.prepare import HEADER_LIMIT, LARGE, ParsedBody, parse
from moxlite.store.errors import ChunkDamaged, NoSuchMessage
from moxlite.store.file.threads import Background
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.search.index import IndexedAccount

logger = logging.getLogger("moxlite.store.reparse")

UNIT_MESSAGES: Final = 200
"""Messages in one unit (STORE-59)."""

UNIT_OCTETS: Final = 32 << 20
"""Octets read for one unit, which bounds the octets that it writes."""

UNIT_SECONDS: Final = 1.0
"""Seconds after which a unit ends: on a busy server it takes ten times as long, and keeps a snapshot of the account
open.
"""

NAME: Final = "reparse"
"""Name of the row in table ``upgrade``."""

STATE: Final = """
SELECT s.parse_version, coalesce(u.position, 0), u.name IS NOT NULL FROM state s LEFT JOIN upgrade u ON u.name = ?"""
BEGIN: Final = """
INSERT INTO upgrade (name, position, total, started) SELECT ?, 0, count(*), ? FROM message WHERE true
ON CONFLICT (name) DO UPDATE SET position = 0, total = excluded.total, started = excluded.started"""
NEXT: Final = "SELECT id, size FROM message WHERE id > ? ORDER BY id LIMIT ?"
TOTAL: Final = "SELECT total FROM upgrade WHERE name = ?"
PLACE: Final = "UPDATE upgrade SET position = ? WHERE name = ?"
END: Final = "DELETE FROM upgrade WHERE name = ?"
SET_VERSION: Final = "UPDATE state SET parse_version = ? WHERE id = 1"
_OF_MESSAGE: Final = "WHERE email_id = (SELECT email_id FROM message WHERE id = ?)"
SET_INFO: Final = f"""
UPDATE message_info SET envelope = ?, bodystructure = ?, structure = ?, preview = ? {_OF_MESSAGE}"""  # noqa: S608 - constants, here and below
SET_HEADER: Final = f"UPDATE message_header SET header = ? {_OF_MESSAGE} AND header <> ?1"  # noqa: S608
SET_KEYS: Final = """
UPDATE message SET messageid = ?1, subject_base = ?2, dsn = ?3
WHERE id = ?4 AND (messageid IS NOT ?1 OR subject_base <> ?2 OR dsn <> ?3)"""


class _ReparsedMessage(msgspec.Struct, frozen=True):
    """Newly parsed data of one message."""

    message_id: int
    prefix: bytes
    parsed: ParsedBody


async def reparse(
    account: IndexedAccount, *, force: bool = False, tell: Callable[[int, int], Awaitable[None]] | None = None
) -> int:
    """Bring the index of all messages to `PARSE_VERSION`; returns the number of messages parsed.

    Args:
      force: parse them even if the index has that version.
      tell: called with the number of messages done, and of messages at the beginning.

    Damaged messages keep their index (STORE-159). Cancellation: the next call goes on from the last unit.

    Raises:
      StorageFull, StorageBroken: try again later.
    """
    if not force and not await account.read(is_outdated, op="reparse"):
        return 0
    _, position, begun = await account.read(_state, op="reparse")
    if not begun:
        await account.write(lambda tx: tx.execute(BEGIN, NAME, tx.now))
        await account.search.delete("read anew")  # its texts are from the old index
        logger.info("reparsing all messages", extra={"kv": {"account": account.name, "version": PARSE_VERSION}})
    done = 0
    total = await account.read(lambda r: r.value(TOTAL, NAME), op="reparse") or 0
    while True:
        last, anew = await account.scan(partial(_read, after=position, directory=account.directory), op="reparse")
        if last == position:
            await account.write(_end)
            return done
        # Also past messages that could not be read, which the next start would only meet again.
        position = last
        await account.write(partial(_write, anew=anew, position=position))
        done += len(anew)
        if tell is not None:
            await tell(done, max(done, total))


async def keep_parsed(account: IndexedAccount) -> None:
    """Run `reparse` as a background task of open accounts, for `Accounts.register_task`."""
    await reparse(account)


def is_outdated(r: Reader) -> bool:
    """Whether `keep_parsed` has work."""
    version, _, begun = _state(r)
    return version != PARSE_VERSION or begun


def _state(r: Reader) -> tuple[int, int, bool]:
    row = r.row(STATE, NAME)
    assert row is not None
    return row[0], row[1], row[2] != 0


def _read(r: Reader, after: int, directory: Path) -> tuple[int, list[_ReparsedMessage]]:
    """Read and parse the next messages; returns the id of the last one, and the results."""
    anew: list[_ReparsedMessage] = []
    octets = 0
    with Background() as work:
        until = time.monotonic() + UNIT_SECONDS
        for message_id, size in r.rows(NEXT, after, UNIT_MESSAGES):
            if octets and (octets + size > UNIT_OCTETS or time.monotonic() >= until):
                break
            octets += size
            after = message_id
            work.give_way()
            try:
                anew.append(_parse(r, message_id, directory))
            except (ChunkDamaged, NoSuchMessage):  # its octets, or a row beside it
                logger.warning("damaged message left unchanged", extra={"kv": {"message": message_id}})
        return after, anew


def _parse(r: Reader, message_id: int, directory: Path) -> _ReparsedMessage:
    content = locate(r, message_id)
    start = len(content.prefix)
    if content.body_size <= LARGE:
        whole = b"".join(message_chunks(r, content, start))
        return _ReparsedMessage(message_id, content.prefix, parse(memoryview(whole)))
    with tempfile.TemporaryFile(dir=directory) as file:
        for chunk in message_chunks(r, content, start):
            file.write(chunk)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as view:
            return _ReparsedMessage(message_id, content.prefix, parse(view))


def _write(tx: Tx, anew: list[_ReparsedMessage], position: int) -> None:
    for one in anew:
        parsed = one.parsed
        structure = encode_structure(parsed.index.with_prefix(one.prefix))
        tx.execute(SET_INFO, parsed.envelope, parsed.bodystructure, structure, parsed.preview, one.message_id)
        tx.execute(SET_HEADER, (one.prefix + parsed.section)[:HEADER_LIMIT], one.message_id)
        keys = parsed.thread
        tx.execute(SET_KEYS, keys.messageid, keys.subject_base, keys.dsn, one.message_id)
    tx.execute(PLACE, position, NAME)


def _end(tx: Tx) -> None:
    tx.execute(SET_VERSION, PARSE_VERSION)
    tx.execute(END, NAME)
