"""Conditions on message rows: flags, keywords, dates, sizes, ids, composed safely into one query (STORE-114, IMAP-119,
IMAP-122).

Only this module composes SQL from pieces: the pieces are constants, all values are bound. Conditions on the octets of
messages (TEXT, BODY, HEADER) do not belong here: the search tests the candidates from `matching`, or from `walk`,
`among` and `later_than`, which cover several mailboxes in the order of reception.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias, overload

import msgspec

from moxlite.encoding import json_decoder
from moxlite.store.errors import LimitExceeded
from moxlite.store.file.transaction import Array, Reader, Value, int_array
from moxlite.store.rows.messages import MAX_UID, SLICE, in_thread
from moxlite.store.rows.views import FIRST_OLDEST, Place
from moxlite.store.types import UID, Flag, MessageID, ModSeq

MAX_DEPTH: Final = 60
"""Maximum nesting of conditions: IMAP allows 32 levels (IMAP-119), each of which may become two here; SQLite's limit is
1000.
"""

CHAIN: Final = 8
"""Conditions joined in one pair of parentheses. For SQLite a chain of them nests as deep as it is long, and IMAP allows
1,000 keys (IMAP-119), JMAP 200 conditions: longer chains are joined in groups.
"""

MAX_INT: Final = (1 << 63) - 1
"""The largest integer of SQLite, in place of a bound that is not there: so each condition is one statement."""


class All(msgspec.Struct, frozen=True, tag=True):
    """Every message."""


class And(msgspec.Struct, frozen=True, tag=True):
    """All of these hold; if empty, every message."""

    of: tuple[Condition, ...]


class Or(msgspec.Struct, frozen=True, tag=True):
    """One of these holds; if empty, no message."""

    of: tuple[Condition, ...]


class Not(msgspec.Struct, frozen=True, tag=True):
    """This does not hold."""

    of: Condition


class WithFlags(msgspec.Struct, frozen=True, tag=True):
    """All flags of `having` are set and none of `lacking`."""

    having: Flag = Flag(0)
    lacking: Flag = Flag(0)


class HasKeyword(msgspec.Struct, frozen=True, tag=True):
    """The keyword, in any case, is set."""

    keyword: str


class SizeBetween(msgspec.Struct, frozen=True, tag=True):
    """Octets of the message, both ends included."""

    least: int = 0
    most: int = MAX_INT


class ReceivedAt(msgspec.Struct, frozen=True, tag=True):
    """INTERNALDATE as an instant, µs UTC; `until` is not included (IMAP OLDER, YOUNGER; RFC 5032)."""

    since: int = -MAX_INT
    until: int = MAX_INT


class ReceivedOn(msgspec.Struct, frozen=True, tag=True):
    """INTERNALDATE as local time of its own zone, in µs as if that were UTC; `until` is not included (BEFORE, ON,
    SINCE; IMAP-122).
    """

    since: int = -MAX_INT
    until: int = MAX_INT


class SavedAt(msgspec.Struct, frozen=True, tag=True):
    """SAVEDATE, µs UTC; `until` is not included (RFC 8514)."""

    since: int = -MAX_INT
    until: int = MAX_INT


class ChangedSince(msgspec.Struct, frozen=True, tag=True):
    """The modseq is at least this (RFC 7162 §3.1.5)."""

    modseq: int


class UIDRange(msgspec.Struct, frozen=True, tag=True):
    """The UID, both ends included."""

    first: int
    last: int


class UIDs(msgspec.Struct, frozen=True, tag=True):
    """The UID is one of these."""

    uids: Sequence[int]


class Messages(msgspec.Struct, frozen=True, tag=True):
    """The message id is one of these, found by an index."""

    ids: Sequence[int]


class NewerThan(msgspec.Struct, frozen=True, tag=True):
    """The message id is higher, so that an index does not have the message yet."""

    message_id: int


class Email(msgspec.Struct, frozen=True, tag=True):
    """The EMAILID (RFC 8474 §5.1)."""

    email_id: int


class InThread(msgspec.Struct, frozen=True, tag=True):
    """The THREADID (RFC 8474 §5.2)."""

    threadid: int


class EmailIn(msgspec.Struct, frozen=True, tag=True):
    """The message, or a copy of it, is in one of these mailboxes."""

    mailboxes: Sequence[int]


class OfEmail(msgspec.Struct, frozen=True, tag=True):
    """The message, or a copy of it in one of these mailboxes, meets the condition."""

    of: Condition
    mailboxes: Sequence[int]


class InThreadWith(msgspec.Struct, frozen=True, tag=True):
    """Some message of the thread meets the condition."""

    of: Condition


Condition: TypeAlias = (
    All
    | And
    | Or
    | Not
    | WithFlags
    | HasKeyword
    | SizeBetween
    | ReceivedAt
    | ReceivedOn
    | SavedAt
    | ChangedSince
    | UIDRange
    | UIDs
    | Messages
    | NewerThan
    | Email
    | EmailIn
    | OfEmail
    | InThread
    | InThreadWith
)

MATCHING: Final = "SELECT m.uid, m.id, m.modseq FROM message m WHERE m.mailbox_id = ? AND m.uid BETWEEN ? AND ?"
# One row: SQLite walks all matches without returning to Python, and so without taking the GIL, for each.
UIDS: Final = """
SELECT group_concat(uid, ' ') FROM (
    SELECT m.uid AS uid FROM message m WHERE m.mailbox_id = ? AND m.uid BETWEEN ? AND ? AND {}
    ORDER BY m.uid LIMIT ?)"""

# One row as above, with a JSON array for each column. Decoding these takes a quarter of the time of separate rows.
WALK: Final = """
SELECT json_group_array(received), json_group_array(id), json_group_array(threadid) FROM (
    SELECT m.received AS received, m.id AS id, m.threadid AS threadid FROM """
# The row comparison is searched in the index, which has the order, too (`views`); rows that do not match are skipped.
WALK_ONE: Final = (
    WALK + "message m INDEXED BY message_mailbox_received WHERE m.mailbox_id = ? AND (m.received, m.id) {} (?, ?) "
    "AND {} ORDER BY m.received {}, m.id {} LIMIT ?)"
)
# There is no index over all mailboxes: their rows are sorted, of which SQLite keeps no more than the limit.
WALK_SEVERAL: Final = (
    WALK + "carray(?) c CROSS JOIN message m INDEXED BY message_mailbox_received ON m.mailbox_id = c.value "
    "WHERE (m.received, m.id) {} (?, ?) AND {} ORDER BY m.received {}, m.id {} LIMIT ?)"
)
# No index has another order than that of reception: all rows are read, and as many kept in order as the limit says. A
# first page takes 0.15 s of 500,000. {0} is the rank, {1} a sign.
WALK_RANKED: Final = """
SELECT json_group_array(received), json_group_array(id), json_group_array(threadid), json_group_array(rank) FROM (
    SELECT m.received AS received, m.id AS id, m.threadid AS threadid, {0} AS rank
    FROM carray(?) c CROSS JOIN message m INDEXED BY message_mailbox_received ON m.mailbox_id = c.value
    WHERE ({0}, {1}m.received, {1}m.id) > (?, ?, ?) AND {2} ORDER BY {0}, {1}m.received, {1}m.id LIMIT ?)"""
STRUCTURES_IN: Final = """
SELECT m.received, m.id, m.threadid, i.structure
FROM message m INDEXED BY message_mailbox_received CROSS JOIN message_info i ON i.email_id = m.email_id
WHERE m.mailbox_id = ? AND (m.received, m.id) > (?, ?) AND {} ORDER BY m.received, m.id LIMIT ?"""
# The messages with some ids, and those with higher ids than they may have.
_LISTED: Final = "SELECT m.received, m.id, m.threadid FROM"
_HERE: Final = "(m.received, m.id) {0} (?, ?) AND m.mailbox_id IN (SELECT value FROM carray(?)) AND {1}"
LISTED: Final = (
    f"{_LISTED} carray(?) c CROSS JOIN message m ON m.id = c.value WHERE m.id <= ? AND {_HERE} UNION ALL "
    f"{_LISTED} message m WHERE m.id > ? AND {_HERE} ORDER BY 1 {{2}}, 2 {{2}}"
)

_COPY: Final = "SELECT 1 FROM message o WHERE o.mailbox_id IN (SELECT value FROM carray(?)) AND"
# `message_copy` has only copies, so that mail that was never copied costs one look into an empty index
EMAIL_IN: Final = f"""(m.mailbox_id IN (SELECT value FROM carray(?))
OR EXISTS ({_COPY} o.email_id = m.email_id AND o.email_id <> o.id)
OR m.email_id <> m.id AND EXISTS ({_COPY} o.id = m.email_id))"""  # noqa: S608 - constants
# {0}: the condition, which is about the copy, or the original, within: these take the name of the message.
OF_EMAIL: Final = """({0} OR m.email_id IN (
SELECT m.email_id FROM message m INDEXED BY message_copy WHERE m.email_id <> m.id AND {living}
AND m.mailbox_id IN (SELECT value FROM carray(?)) AND {0}
) OR m.email_id <> m.id AND m.email_id IN (
SELECT m.id FROM (SELECT DISTINCT email_id FROM message INDEXED BY message_copy WHERE email_id <> id) c
CROSS JOIN message m ON m.id = c.email_id WHERE m.email_id = m.id AND {living}
AND m.mailbox_id IN (SELECT value FROM carray(?)) AND {0}))"""
LIVING: Final = f"m.flags & {int(Flag.DELETED)} = 0"


class Placed(NamedTuple):
    """A message, its place in the order of reception (µs UTC, then id), its thread, and its rank: messages of a lower
    rank come first (`rows.sorting.ranked`); 0 in the order of reception alone.
    """

    received: int
    message_id: int
    threadid: int
    rank: int | str = 0

    @property
    def place(self) -> Place:
        """Its place in a view."""
        return Place(self.received, self.message_id)


Ranks: TypeAlias = "array[int] | list[int | str]"


class Run(Sequence[Placed]):
    """Messages in an order, as columns of equal length. `ranks`: None in the order of reception alone."""

    __slots__ = ("ids", "ranks", "received", "threads")

    def __init__(
        self,
        received: array[int] | list[int],
        ids: array[int] | list[int],
        threads: array[int] | list[int],
        ranks: Ranks | None = None,
    ) -> None:
        self.received, self.ids, self.threads, self.ranks = received, ids, threads, ranks

    @classmethod
    def empty(cls, ranks: Ranks | None = None) -> Run:
        """A run that can be extended by others."""
        return cls(array("q"), array("q"), array("q"), ranks)

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, at: int) -> Placed: ...
    @overload
    def __getitem__(self, at: slice) -> Run: ...
    def __getitem__(self, at: int | slice) -> Placed | Run:
        ranks = self.ranks
        if isinstance(at, slice):
            part = None if ranks is None else ranks[at]
            return Run(self.received[at], self.ids[at], self.threads[at], part)
        return Placed(self.received[at], self.ids[at], self.threads[at], 0 if ranks is None else ranks[at])

    def extend(self, other: Run) -> None:
        """Put other messages behind these."""
        self.received.extend(other.received)
        self.ids.extend(other.ids)
        self.threads.extend(other.threads)
        if self.ranks is not None and other.ranks is not None:
            self.ranks.extend(other.ranks)  # type: ignore[arg-type]  # both are of the order that was asked for

    def arrange(self, places: Sequence[int]) -> None:
        """Put the messages in another order, one column after the other."""
        for name in self.__slots__:
            column = getattr(self, name)
            if isinstance(column, array):
                setattr(self, name, array("q", map(column.__getitem__, places)))
            elif column is not None:
                setattr(self, name, [*map(column.__getitem__, places)])


def columns(found: Sequence[Placed]) -> tuple[Sequence[int], Sequence[int]]:
    """The ids and the threads of messages."""
    if isinstance(found, Run):
        return found.ids, found.threads
    return [one.message_id for one in found], [one.threadid for one in found]


def walk(
    r: Reader, mailbox_ids: Sequence[int], condition: Condition, behind: Place, limit: int, *, oldest_first: bool
) -> Run:
    """At most `limit` messages of these mailboxes that meet the condition and follow the place `behind`, in order; for
    `account.scan`. With several mailboxes all rows after the place are read. Raises LimitExceeded.
    """
    if not mailbox_ids:
        return Run([], [], [])
    sql, args = _compose(condition, 0)
    sign, order = (">", "ASC") if oldest_first else ("<", "DESC")
    where: Value
    if len(mailbox_ids) == 1:
        text, where = WALK_ONE, mailbox_ids[0]
    else:
        text, where = WALK_SEVERAL, int_array(mailbox_ids)
    row = r.row(text.format(sign, sql, order, order), where, behind.received, behind.message_id, *args, limit)
    assert row is not None  # of an aggregate
    received, ids, threads = map(_numbers.decode, row)
    return Run(received, ids, threads)


_numbers: Final = json_decoder(list[int])

RANK_COLUMNS: Final = {"size": "-m.size", "unread": "m.flags & 1"}
"""The rank of a message in an order, for those that columns decide."""

BEFORE_ALL: Final = -(1 << 63)
"""A rank before that of any message."""


def walk_ranked(
    r: Reader,
    mailbox_ids: Sequence[int],
    condition: Condition,
    by: str,
    behind: tuple[int | str, Place],
    limit: int,
    *,
    oldest_first: bool,
) -> Run:
    """As `walk`, with ranks in an order of `RANK_COLUMNS`, behind a rank and a place. All rows are read for it."""
    sql, args = _compose(condition, 0)
    sign, factor = ("", 1) if oldest_first else ("-", -1)
    rank, place = behind
    row = r.row(
        WALK_RANKED.format(RANK_COLUMNS[by], sign, sql),
        int_array(mailbox_ids or (0,)),
        rank,
        factor * place.received,
        factor * place.message_id,
        *args,
        limit,
    )
    assert row is not None  # of an aggregate
    received, ids, threads, ranks = map(_numbers.decode, row)
    return Run(received, ids, threads, array("q", ranks))


def structures_in(
    r: Reader, mailbox_id: int, condition: Condition, behind: Place, limit: int
) -> Iterator[tuple[int, int, int, bytes]]:
    """Yields time of reception, id, thread and packed structure of at most `limit` messages of a mailbox that meet the
    condition and follow the place `behind`, the oldest first.
    """
    sql, args = _compose(condition, 0)
    return r.iterate(STRUCTURES_IN.format(sql), mailbox_id, behind.received, behind.message_id, *args, limit)


def listed(
    r: Reader,
    ids: Sequence[int],
    watermark: int,
    mailbox_ids: Sequence[int],
    condition: Condition,
    behind: Place = FIRST_OLDEST,
    *,
    oldest_first: bool = True,
) -> Run:
    """As `walk`, all at once, of the messages with these ids, up to `watermark`, and of those with higher ids."""
    found = Run.empty()
    if not mailbox_ids:
        return found
    sql, args = _compose(condition, 0)
    sign, order = (">", "ASC") if oldest_first else ("<", "DESC")
    here = (behind.received, behind.message_id, int_array(mailbox_ids), *args)
    rows = r.iterate(LISTED.format(sign, sql, order), int_array(ids or (0,)), watermark, *here, watermark, *here)
    for received, message_id, threadid in rows:
        found.received.append(received)
        found.ids.append(message_id)
        found.threads.append(threadid)
    return found


def matching(
    r: Reader, mailbox_id: int, condition: Condition, first: int = 1, last: int = MAX_UID, limit: int = SLICE
) -> list[tuple[UID, MessageID, ModSeq]]:
    """UID, message id and modseq of the messages of a mailbox that meet the condition, by ascending UID.

    At most `limit` rows are returned, but any number of rows that do not match is skipped: for `account.scan`, or with
    narrow `first` and `last`.

    Raises:
      LimitExceeded: nested too deeply.
    """
    sql, args = _compose(condition, 0)
    rows = r.rows(f"{MATCHING} AND {sql} ORDER BY m.uid LIMIT ?", mailbox_id, first, last, *args, limit)
    return [(uid, message_id, modseq) for uid, message_id, modseq in rows]


def matching_uids(
    r: Reader, mailbox_id: int, condition: Condition, first: int = 1, last: int = MAX_UID, limit: int = SLICE
) -> array[int]:
    """UIDs of the messages of a mailbox that meet the condition, ascending; twice as fast as `matching`, otherwise like
    it.
    """
    sql, args = _compose(condition, 0)
    text: str | None = r.value(UIDS.format(sql), mailbox_id, first, last, *args, limit)
    return array("I", map(int, text.split()) if text else ())


def matching_texts(r: Reader, mailbox_id: int, condition: Condition, first: int, last: int, limit: int) -> list[str]:
    """As `matching_uids`, but all UIDs, as text separated by spaces, in pieces of at most `limit` UIDs: for callers
    that only write them to a client. For `account.scan`.
    """
    sql, args = _compose(condition, 0)
    found: list[str] = []
    while first <= last and (text := r.value(UIDS.format(sql), mailbox_id, first, last, *args, limit)):
        found.append(text)
        first = int(text.rpartition(" ")[2]) + 1
    return found


def _compose(condition: Condition, depth: int) -> tuple[str, list[Value]]:
    """The SQL of a condition and the values to bind, in order."""
    if depth > MAX_DEPTH:
        raise LimitExceeded("the search is nested too deeply")
    match condition:
        case All():
            return "1", []
        case And(of=parts):
            return _join(" AND ", "1", parts, depth)
        case Or(of=parts):
            return _join(" OR ", "0", parts, depth)
        case Not(of=part):
            sql, args = _compose(part, depth + 1)
            return f"NOT {sql}", args
        case WithFlags(having=having, lacking=lacking):
            return _flags(having, lacking), []
        case HasKeyword(keyword=keyword):
            # Keywords have no spaces, so only whole keywords match.
            return "instr(' ' || m.keywords || ' ', ?)", [f" {keyword.lower()} "]
        case SizeBetween(least=least, most=most):
            return "m.size BETWEEN ? AND ?", [least, most]
        case ReceivedAt(since=since, until=until):
            return "(m.received >= ? AND m.received < ?)", [since, until]
        case ReceivedOn(since=since, until=until):
            # dates are compared in the message's own zone (RFC 9051 §6.4.4)
            local = "m.received + m.received_offset * 60000000"
            return f"({local} >= ? AND {local} < ?)", [since, until]
        case SavedAt(since=since, until=until):
            return "(m.savedate >= ? AND m.savedate < ?)", [since, until]
        case ChangedSince(modseq=modseq):
            return "m.modseq >= ?", [modseq]
        case UIDRange(first=first, last=last):
            return "m.uid BETWEEN ? AND ?", [first, last]
        case UIDs(uids=numbers):
            return _in("m.uid", numbers)
        case Messages(ids=numbers):
            return _in("m.id", numbers)
        case NewerThan(message_id=message_id):
            return "m.id > ?", [message_id]
        case Email(email_id=email_id):
            return "m.email_id = ?", [email_id]
        case EmailIn(mailboxes=numbers):
            array = int_array(numbers or (0,))
            return EMAIL_IN, [array, array, array]
        case OfEmail(of=part, mailboxes=numbers):
            sql, args = _compose(part, depth + 1)
            array = int_array(numbers or (0,))
            return OF_EMAIL.format(sql, living=LIVING), [*args, array, *args, array, *args]
        case InThread(threadid=threadid):
            return in_thread("?"), [threadid] * 3
        case InThreadWith(of=part):
            sql, args = _compose(part, depth + 1)
            # the condition is about the other message, which takes the name of this one within
            return f"m.threadid IN (SELECT m.threadid FROM message m WHERE {LIVING} AND {sql})", args  # noqa: S608


def _join(word: str, empty: str, parts: tuple[Condition, ...], depth: int) -> tuple[str, list[Value]]:
    if not parts:
        return empty, []
    composed = [_compose(part, depth + 1) for part in parts]
    terms = [sql for sql, _ in composed]
    while len(terms) > CHAIN:
        terms = [f"({word.join(terms[at : at + CHAIN])})" for at in range(0, len(terms), CHAIN)]
    return f"({word.join(terms)})", [value for _, args in composed for value in args]


def _flags(having: Flag, lacking: Flag) -> str:
    r"""The SQL of a condition on flags. Masks are constants in it: SQLite chooses the partial indices of ``\Seen`` and
    ``\Deleted`` by the text of the term.
    """
    terms: list[str] = []
    if having & Flag.DELETED:
        terms.append(f"m.flags & {int(Flag.DELETED)} <> 0")
    if lacking & Flag.SEEN:
        terms.append(f"m.flags & {int(Flag.SEEN)} = 0")
    set_, unset = int(having & ~Flag.DELETED), int(lacking & ~Flag.SEEN)
    if set_:
        terms.append(f"m.flags & {set_} = {set_}")
    if unset:
        terms.append(f"m.flags & {unset} = 0")
    return f"({' AND '.join(terms)})" if terms else "1"


def _in(column: str, numbers: Sequence[int]) -> tuple[str, list[Value]]:
    if not numbers:
        return "0", []
    array: Array = int_array(numbers)
    return f"{column} IN (SELECT value FROM carray(?))", [array]  # noqa: S608 - a constant of this module
