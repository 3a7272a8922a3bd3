"""Reading message rows, and data stored beside them. Plain functions on a `Reader`, for `account.read` and
`account.scan`.

A function that may meet many rows takes bounds or a limit: on the Trio loop a slice is at most `SLICE` rows (STORE-3).
Functions that take ids or UIDs accept any number, so the caller splits them. Results are in ascending order of UID, if
no other order is documented. Missing messages are left out; only `message` raises an error for them. The octets of
messages are read by `content.body`; searches are in `conditions`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import msgspec

from moxlite.store.errors import NoSuchMessage
from moxlite.store.file.transaction import Reader, Row, int_array
from moxlite.store.types import UID, Flag, MessageID, MessageRow, ModSeq

T = TypeVar("T")

SLICE: Final = 500
"""Rows read at once on the loop: 0.5 to 2 ms (STORE-3)."""

MAX_UID: Final = (1 << 32) - 1
"""UIDs are 32-bit numbers (RFC 9051 §2.3.1.1)."""


class FlagRow(msgspec.Struct, frozen=True, gc=False):
    """The mutable columns of a message, for listings of flags and synchronisation; read in a third of the time of a
    whole row.
    """

    id: MessageID
    uid: UID
    modseq: ModSeq
    flags: Flag
    keywords: tuple[str, ...]


class Info(msgspec.Struct, frozen=True, gc=False):
    """Data of a message beside its row. `structure` is packed: proto.mime.types.decode_structure reads it."""

    prefix: bytes
    structure: bytes
    preview: str | None
    tls_version: str
    tls_cipher: str
    requiretls: bool


MESSAGE_COLUMNS: Final = (
    "m.id, m.mailbox_id, m.uid, m.createseq, m.modseq, m.threadseq, m.body_id, m.email_id, m.size, m.received, "
    "m.received_offset, m.savedate, m.flags, m.keywords, m.is_reject, m.is_forward, m.is_mailinglist, m.dsn, "
    "m.mailbox_orig_id, m.mailbox_destined_id, m.messageid, m.subject_base, m.threadid, m.thread_missing_link, "
    "m.thread_muted, m.thread_collapsed, m.trained"
)


def in_thread(threadid: str) -> str:
    """SQL for ``m`` being a message of the thread `threadid`, an expression: its first message has the thread's id, and
    is in no index of threads.
    """
    return f"(m.threadid = {threadid} AND m.threadid <> m.id OR m.id = {threadid} AND m.threadid = {threadid})"


UIDS: Final = "SELECT uid FROM message WHERE mailbox_id = ? ORDER BY uid"
ENDS: Final = """
SELECT (SELECT min(uid) FROM message WHERE mailbox_id = ?1), (SELECT max(uid) FROM message WHERE mailbox_id = ?1),
total + deleted FROM mailbox WHERE id = ?1"""

DELETED_UIDS: Final = """
SELECT uid FROM message WHERE mailbox_id = ? AND flags & 64 <> 0 AND uid >= ? AND uid < ? ORDER BY uid LIMIT ?"""

MESSAGE: Final = f"SELECT {MESSAGE_COLUMNS} FROM message m WHERE m.id = ?"  # noqa: S608
OLDEST_WITH: Final = "SELECT id FROM message WHERE messageid = ? ORDER BY id LIMIT 1"
ROWS_BY_UID: Final = f"""
SELECT {MESSAGE_COLUMNS} FROM message m WHERE m.mailbox_id = ? AND m.uid BETWEEN ? AND ?
ORDER BY m.uid LIMIT ?"""  # noqa: S608

# CROSS JOIN fixes the order of the loops: the array outside, a key look-up inside.
ROWS_OF: Final = (
    f"SELECT {MESSAGE_COLUMNS} FROM carray(?2) c CROSS JOIN message m ON m.mailbox_id = ?1 AND m.uid = c.value"  # noqa: S608
)

ROWS_BY_IDS: Final = f"SELECT {MESSAGE_COLUMNS} FROM carray(?) c CROSS JOIN message m ON m.id = c.value"  # noqa: S608
FLAGS_OF: Final = """
SELECT m.id, m.uid, m.modseq, m.flags, m.keywords FROM carray(?2) c CROSS JOIN message m
ON m.mailbox_id = ?1 AND m.uid = c.value"""

VANISHED: Final = """
SELECT uid FROM expunged INDEXED BY expunged_mailbox_modseq WHERE mailbox_id = ? AND modseq > ? AND uid BETWEEN ? AND ?
ORDER BY uid"""

EMAIL_ID: Final = """coalesce((SELECT email_id FROM message WHERE id = ?1),
(SELECT email_id FROM erase_queue WHERE message_id = ?1 LIMIT 1))"""
"""SQL expression: the email_id of message ?1, also of a removed one that is not erased yet."""

_BESIDE: Final = "FROM carray(?) c CROSS JOIN message m ON m.id = c.value CROSS JOIN"
HEADERS: Final = f"SELECT m.id, h.header {_BESIDE} message_header h ON h.email_id = m.email_id"
INFOS: Final = f"""
SELECT m.id, i.prefix, i.structure, i.preview, i.tls_version, i.tls_cipher, i.requiretls
{_BESIDE} message_info i ON i.email_id = m.email_id"""

STRUCTURES: Final = f"SELECT m.id, i.structure {_BESIDE} message_info i ON i.email_id = m.email_id"


SIZES: Final = f"""
SELECT m.id, length(h.header), length(i.structure) {_BESIDE} message_header h ON h.email_id = m.email_id
CROSS JOIN message_info i ON i.email_id = m.email_id"""


class _Flags(dict[int, Flag]):
    """The `Flag` of each column value that was met: all 1,024 would take 0.4 MB (ADMIN-82)."""

    def __missing__(self, bits: int) -> Flag:
        self[bits] = flag = Flag(bits)
        return flag


_FLAGS: Final = _Flags()


def flags_of_bits(bits: int) -> Flag:
    """The `Flag` of a column, without the cost of the enum's constructor (0.5 µs, in every row)."""
    return _FLAGS[bits]


def message_row(row: Row) -> MessageRow:
    """The struct of a row of `MESSAGE_COLUMNS`."""
    values = list(row)
    values[12] = _FLAGS[row[12]]
    values[13] = tuple(row[13].split(" ")) if row[13] else ()
    values[14:18] = [bit != 0 for bit in row[14:18]]
    values[23:26] = [bit != 0 for bit in row[23:26]]
    if row[26] is not None:
        values[26] = row[26] != 0
    return MessageRow(*values)


def _flag_row(row: Row) -> FlagRow:
    message_id, uid, modseq, bits, keywords = row
    return FlagRow(message_id, uid, modseq, _FLAGS[bits], tuple(keywords.split(" ")) if keywords else ())


def uids(r: Reader, mailbox_id: int) -> array[int]:
    """All UIDs of a mailbox as ``array("I")``, from the index alone: 100 000 in 20 ms, so above some thousand messages
    for `scan`; faster if no UID is missing between the first and the last (`gapless_uids`).
    """
    found = gapless_uids(r, mailbox_id)
    return found if found is not None else array("I", [uid for (uid,) in r.rows(UIDS, mailbox_id)])


def gapless_uids(r: Reader, mailbox_id: int) -> array[int] | None:
    """All UIDs of a mailbox, if no UID is missing between the first and the last: 100 000 in 2 ms; else None."""
    first, last, count = r.row(ENDS, mailbox_id) or (None, None, 0)
    if first is None or last - first + 1 != count:
        return None
    return array("I", range(first, last + 1))


def deleted_uids(r: Reader, mailbox_id: int, below: int = MAX_UID + 1, *, first: int = 1, limit: int = -1) -> list[UID]:
    r"""The UIDs with ``\Deleted`` from `first` on, lower than `below` (the uidnext known to a session), at most `limit`
    unless it is negative; from a partial index.
    """
    return [uid for (uid,) in r.rows(DELETED_UIDS, mailbox_id, first, below, limit)]


def message(r: Reader, message_id: int) -> MessageRow:
    """One message. Raises NoSuchMessage."""
    row = r.row(MESSAGE, message_id)
    if row is None:
        raise NoSuchMessage(message_id)
    return message_row(row)


def oldest_with(r: Reader, messageid: str) -> MessageID | None:
    """The oldest message with this Message-ID, in its canonical form."""
    found: MessageID | None = r.value(OLDEST_WITH, messageid)
    return found


def rows_by_uid(r: Reader, mailbox_id: int, first: int, last: int = MAX_UID, limit: int = SLICE) -> list[MessageRow]:
    """The messages with UIDs from `first` to `last`, at most `limit`; the next slice begins after the last UID."""
    return [message_row(row) for row in r.rows(ROWS_BY_UID, mailbox_id, first, last, limit)]


def rows_of(r: Reader, mailbox_id: int, uids: Sequence[int]) -> list[MessageRow]:
    """The messages with these UIDs, in their order."""
    return [message_row(row) for row in r.rows(ROWS_OF, mailbox_id, int_array(uids))] if uids else []


def rows_by_ids(r: Reader, ids: Sequence[int]) -> list[MessageRow]:
    """The messages with these ids, in their order."""
    return [message_row(row) for row in r.rows(ROWS_BY_IDS, int_array(ids))] if ids else []


def flags_of(r: Reader, mailbox_id: int, uids: Sequence[int]) -> list[FlagRow]:
    """As `rows_of`, flags and modseq only."""
    return [_flag_row(row) for row in r.rows(FLAGS_OF, mailbox_id, int_array(uids))] if uids else []


def vanished(r: Reader, mailbox_id: int, since: int, first: int = 1, last: int = MAX_UID) -> list[UID]:
    """The UIDs removed after modseq `since`, ascending (RFC 7162 §3.2.6).

    Only complete while `since` is not below `State.highest_purged_modseq`; else the caller lists every UID of its set
    that does not exist (STORE-27).
    """
    return [uid for (uid,) in r.rows(VANISHED, mailbox_id, since, first, last)]


# Data stored beside the rows of messages in mailboxes, by message id


def headers(r: Reader, ids: Sequence[int]) -> Iterator[tuple[MessageID, bytes]]:
    """Yields the header sections with their blank line, cut at 64 KiB (`content.prepare.HEADER_LIMIT`), in the order of
    the ids, here and below; a longer one is read by `content.body.message_range`.

    Headers, infos and structures may have a megabyte each: callers that read many keep none of them (STORE-198b).
    """
    return r.iterate(HEADERS, int_array(ids)) if ids else iter(())


def infos(r: Reader, ids: Sequence[int]) -> Iterator[tuple[MessageID, Info]]:
    """Yields prefix, structure and preview of these messages."""
    for message_id, prefix, structure, shown, version, cipher, requiretls in (
        r.iterate(INFOS, int_array(ids)) if ids else ()
    ):
        yield message_id, Info(prefix, structure, shown, version, cipher, requiretls != 0)


def structures(r: Reader, ids: Sequence[int]) -> Iterator[tuple[MessageID, bytes]]:
    """Yields the packed MIME structures of these messages."""
    return r.iterate(STRUCTURES, int_array(ids)) if ids else iter(())


def sizes(r: Reader, ids: Sequence[int]) -> Iterator[tuple[MessageID, int, int]]:
    """Yields the octets of header and structure of these messages, none of which is read for it."""
    return r.iterate(SIZES, int_array(ids)) if ids else iter(())


def in_step(ids: Sequence[int], found: Iterator[tuple[int, T]]) -> Iterator[T | None]:
    """Yields for each of the ids what is `found` in their order; None for one that is not."""
    pair = next(found, None)
    for id_ in ids:
        if pair is not None and pair[0] == id_:
            yield pair[1]
            pair = next(found, None)
        else:
            yield None


def packed_structure(r: Reader, message_id: int) -> bytes | None:
    """The packed MIME structure of a message, None if it is gone."""
    return next((packed for _, packed in structures(r, [message_id])), None)
