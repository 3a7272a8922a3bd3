"""Sort and thread keys of messages (RFC 5256, RFC 5957, IMAP-127), from stored columns and the stored parse of the
header. Also any columns of many messages in one statement (`columns_of`), for scans where the cost per row matters.

Rows are taken one by one, since a structure may have a megabyte (STORE-198b), and a structure is only decoded as far as
needed: a date, and the first address of a field.
"""

from __future__ import annotations

import re
import sys
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

import msgspec

from moxlite.encoding import msgpack_decoder
from moxlite.proto.imap.bodystructure import Address, Envelope, parse_envelope
from moxlite.proto.imap.errors import ProtocolError
from moxlite.proto.imap.threading import Threadable
from moxlite.proto.mime.headers import unfold
from moxlite.proto.mime.messageid import base_subject, references
from moxlite.proto.mime.text import casemap
from moxlite.proto.mime.types import MailAddress
from moxlite.proto.mime.words import decode_words
from moxlite.store.file.transaction import Reader, Row, array_of, int_array
from moxlite.store.rows.conditions import Condition, Ranks, Run, structures_in
from moxlite.store.rows.messages import structures
from moxlite.store.rows.ordering import number_key, sort_in_runs, text_key
from moxlite.store.rows.views import Place
from moxlite.store.types import MailboxID

Ranking: TypeAlias = Literal["received", "size", "sender", "unread"]
"""Order of a list: by time of reception alone; largest first; by the sender's displayed name; unread first."""

HEADER: Final = " CROSS JOIN message_header h ON h.email_id = m.email_id"
"""Joins the header section, ``h.header``."""

MAX_RANK: Final = 200
"""Characters of a name that decide its place in a list by sender: the list of a large mailbox is kept in memory."""

INFO: Final = " CROSS JOIN message_info i ON i.email_id = m.email_id"
"""Joins the parse of the message: its structure is ``i.structure``."""

_DAY: Final = 86_400_000_000
"""Microseconds of a day."""

DENSE: Final = 2
"""UIDs in a range per wanted UID, up to which the whole range is read: that takes a third of the time per row."""


def columns_of(r: Reader, columns: str, joins: str, mailbox_id: MailboxID, uids: Sequence[int]) -> Iterator[Row]:
    """Yields columns of the messages with these ascending UIDs that are in the mailbox, in their order. 0.6 µs each.

    Args:
      columns: constants of the caller; ``m.uid`` is the first, ``m`` the message. joins: SQL after ``FROM message m``,
        each a CROSS JOIN by ``m.email_id``.
    """
    if not uids:
        return iter(())
    first, last = uids[0], uids[-1]
    if last - first < DENSE * len(uids):
        rows = r.iterate(
            f"SELECT {columns} FROM message m{joins} WHERE m.mailbox_id = ? AND m.uid BETWEEN ? AND ? ORDER BY m.uid",  # noqa: S608 - constants, here and below
            mailbox_id,
            first,
            last,
        )
        if len(uids) == last - first + 1:
            return rows
        wanted = frozenset(uids)
        return (row for row in rows if row[0] in wanted)
    return r.iterate(
        f"SELECT {columns} FROM carray(?2) c CROSS JOIN message m ON m.mailbox_id = ?1 AND m.uid = c.value{joins}",  # noqa: S608
        mailbox_id,
        int_array(uids),
    )


class _First(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A stored list of addresses up to the first one. Fields that a class lacks are not decoded, here and below."""

    address: MailAddress | None = None


class Sent(msgspec.Struct, array_like=True, gc=False):
    """A stored `Envelope` up to its date."""

    date: int | None = None


class _Dated(Sent, array_like=True, gc=False):
    date_offset: int = 0


class _Titled(_Dated, array_like=True, gc=False):
    subject: str = ""


class _From(_Dated, array_like=True, gc=False):
    subject: msgspec.Raw = msgspec.Raw()
    from_: _First = _First()


class _Authored(_Dated, array_like=True, gc=False):
    subject: msgspec.Raw = msgspec.Raw()
    from_: msgspec.Raw = msgspec.Raw(b"\x90")  # an empty list


class Addressed(_From, array_like=True, gc=False):
    """A stored `Envelope` up to the recipients: the first address of each field."""

    sender: msgspec.Raw = msgspec.Raw()
    reply_to: msgspec.Raw = msgspec.Raw()
    to: _First = _First()
    cc: _First = _First()


_E = TypeVar("_E", bound=Sent)


class _Head(msgspec.Struct, Generic[_E], array_like=True, gc=False):
    """A stored `Structure` up to its envelope."""

    version: int
    size: int
    envelope: _E


_dated: Final = msgpack_decoder(_Head[_Dated])
_titled: Final = msgpack_decoder(_Head[_Titled])
_authored: Final = msgpack_decoder(_Head[_Authored])
_first: Final = msgpack_decoder(_First)
_DECODERS: Final[tuple[Callable[[bytes], _Head[Any]], ...]] = (
    msgpack_decoder(_Head[Sent]).decode,
    msgpack_decoder(_Head[_From]).decode,
    msgpack_decoder(_Head[Addressed]).decode,
)
"""Decoders of a structure: each decodes more fields of the envelope than the one before."""


def addressed_of(packed: bytes) -> Addressed:
    """The envelope of a stored structure as far as sorting needs it, empty if it can't be decoded."""
    try:
        envelope: Addressed = _DECODERS[2](packed).envelope
    except msgspec.DecodeError:
        return _NOTHING
    return envelope


def sent_day(packed: bytes) -> int | None:
    """The day of the Date field in its own zone, counted from 1970; None without a valid one. Raises
    msgspec.DecodeError.
    """
    envelope = _dated.decode(packed).envelope
    return None if envelope.date is None else (envelope.date + envelope.date_offset * 60_000_000) // _DAY


def _mailbox(address: MailAddress | None) -> str:
    """``addr-mailbox`` of the first address (RFC 5256 §3)."""
    return "" if address is None else casemap(address.localpart)


def _display(address: MailAddress | None) -> str:
    """The name of the first address, else the address (RFC 5957 §3)."""
    return "" if address is None else casemap(address.name or f"{address.localpart}@{address.domain}".strip("@"))


_COLUMNS: Final = {"ARRIVAL": 1, "SIZE": 2, "SUBJECT": 3}
"""The index of the column in a row of `_ROW`, for keys from columns."""

_ROW: Final = "m.uid, m.received, m.size, m.subject_base"
_PARTS: Final[dict[str, tuple[int, str, Callable[[MailAddress | None], str]]]] = {
    "FROM": (1, "from_", _mailbox),
    "DISPLAYFROM": (1, "from_", _display),
    "TO": (2, "to", _mailbox),
    "DISPLAYTO": (2, "to", _display),
    "CC": (2, "cc", _mailbox),
}
"""For each key: the index of the least decoder, the field of the envelope, and the function that gives its sort key."""

_GROUPED: Final = """
CASE WHEN length(i.envelope) <= 65536 AND instr(i.envelope, CAST('(NIL NIL NIL NIL)' AS BLOB)) THEN i.envelope END"""
"""The ENVELOPE of a message in wire form if it has the end of a group, which is rare (RFC 9051 §7.5.2), else NULL. Also
NULL for lists of hundreds of addresses, which would take too long to parse.
"""


def _groups(wire: bytes | None) -> dict[str, str]:
    """Names of the groups with which fields of the envelope begin, by field: clients see the name as the first address
    (RFC 5256 §3, RFC 5957 §3).
    """
    if wire is None:
        return _NO_GROUPS
    try:
        envelope = parse_envelope(wire)
    except ProtocolError:
        return {}
    first = {name: addresses[0] for name, addresses in _lists(envelope) if addresses}
    return {
        name: decode_words(address.mailbox)
        for name, address in first.items()
        if address.host is None and address.mailbox is not None
    }


def _lists(envelope: Envelope) -> tuple[tuple[str, tuple[Address, ...]], ...]:
    return ("from_", envelope.author), ("to", envelope.to), ("cc", envelope.cc)


SORT_KEYS: Final = frozenset({*_COLUMNS, *_PARTS, "DATE"})
"""The keys of SORT (RFC 5256 §3, RFC 5957 §3)."""


def sort_keys(
    r: Reader, uids: Sequence[int], mailbox_id: MailboxID, keys: Sequence[tuple[str, bool]]
) -> Iterator[tuple[int, bytes]]:
    """Yields UID and key (`rows.ordering`) of the messages with these ascending UIDs that are in the mailbox. 1.5 µs
    each, 3 with addresses.

    Envelopes that cannot be decoded (an older layout, or damage, which is repaired elsewhere: STORE-59) count as empty;
    the time of arrival replaces a missing date (RFC 5256 §2.2).

    Args:
      keys: of `SORT_KEYS`, each with whether it descends.
    """
    names = [name for name, _ in keys]
    parts = [_part(name, descending=descending) for name, descending in keys]
    if all(name in _COLUMNS for name in names):
        rows = columns_of(r, _ROW, "", mailbox_id, uids)
    else:
        grouped = _GROUPED if any(name in _PARTS for name in names) else "NULL"
        decode = _DECODERS[max(_PARTS[name][0] if name in _PARTS else 0 for name in names)]
        rows = (
            (*row[:4], _envelope(decode, row[4]), _groups(row[5]))
            for row in columns_of(r, f"{_ROW}, i.structure, {grouped}", INFO, mailbox_id, uids)
        )
    if len(parts) == 1:
        (only,) = parts
        return ((row[0], only(row)) for row in rows)
    return ((row[0], b"".join([part(row) for part in parts])) for row in rows)


def _part(name: str, *, descending: bool) -> Callable[[Row], bytes]:
    """The function that gives the part of the key of a row of `_ROW`, the envelope and its groups."""
    match name:
        case "SUBJECT":
            return lambda row: text_key(casemap(row[3]), descending=descending)
        case "DATE":
            return lambda row: number_key(row[1] if row[4].date is None else row[4].date, descending=descending)
        case "ARRIVAL" | "SIZE":
            at = _COLUMNS[name]
            return lambda row: number_key(row[at], descending=descending)
    _, field, value = _PARTS[name]

    def part(row: Row) -> bytes:
        group = row[5].get(field)
        shown = value(getattr(row[4], field).address) if group is None else casemap(group)
        return text_key(shown, descending=descending)

    return part


_NOTHING: Final = Addressed()
_NO_GROUPS: Final[dict[str, str]] = {}


def _envelope(decode: Callable[[bytes], _Head[Any]], packed: bytes) -> Any:
    try:
        return decode(packed).envelope
    except msgspec.DecodeError:
        return _NOTHING


RANKS: Final = "SELECT m.id, -m.size, m.flags & 1 FROM carray(?) c CROSS JOIN message m ON m.id = c.value"
BY_RANK: Final = "SELECT rowid FROM carray(?) ORDER BY value, rowid"


def ranks_of(by: Ranking) -> Ranks:
    """An empty column for the ranks of an order."""
    return [] if by == "sender" else array("q")


def ranked(r: Reader, found: Run, by: Ranking) -> Run:
    """The messages with their ranks, in their order; ones that are gone are left out.

    A message without a readable sender comes first.
    """
    ranks: dict[int, int | str]
    if by == "sender":
        ranks = {message_id: _sender(packed) for message_id, packed in structures(r, found.ids)}
    else:
        at = 1 if by == "size" else 2
        ranks = {row[0]: row[at] for row in r.rows(RANKS, int_array(found.ids))} if found else {}
    places = [place for place, message_id in enumerate(found.ids) if message_id in ranks]
    return Run(
        [found.received[place] for place in places],
        [found.ids[place] for place in places],
        [found.threads[place] for place in places],
        [ranks[found.ids[place]] for place in places],
    )


def sort_by_rank(r: Reader, found: Run) -> None:
    """Put messages in the order of their ranks; messages of one rank keep their order. SQLite sorts the ranks, since
    Python would keep its lock for half a second for 500,000.
    """
    ranks = found.ranks
    if ranks:
        values = array_of(ranks if isinstance(ranks, array) else tuple(ranks))  # type: ignore[arg-type]  # texts
        found.arrange(array("I", (number - 1 for (number,) in r.iterate(BY_RANK, values))))


def _sender(packed: bytes) -> str:
    return _name_of(_author(packed))


def _author(packed: bytes) -> bytes:
    """The From field in a stored structure, as it's packed there."""
    try:
        return bytes(_authored.decode(packed).envelope.from_)
    except msgspec.DecodeError:
        return b""


def _name_of(author: bytes) -> str:
    try:
        return sys.intern(_display(_first.decode(author).address)[:MAX_RANK])
    except msgspec.DecodeError:
        return ""


MAX_AUTHORS: Final = 10_000
"""From fields whose names are remembered while messages are read: most mail is of few senders."""


class Senders:
    """Messages in the order of their senders' displayed names: 32 octets each, and each name once.

    First all messages are read, then they're put in order, then taken, one name after the other.
    """

    def __init__(self) -> None:
        self._messages = Run.empty()
        self._numbers = array("I")  # of the names, by message
        self._names: dict[str, int] = {}  # and their numbers
        self._authors: dict[bytes, int] = {}
        self._ordered: list[str] = []
        self._places = array("I")  # in `_messages`, name by name, as they were read
        self._ends = array("I")  # by name, in `_places`
        self._taken = 0  # names

    def __len__(self) -> int:
        return len(self._messages)

    def read(self, r: Reader, mailbox_id: int, condition: Condition, behind: Place, limit: int) -> Place | None:
        """Add at most `limit` messages of a mailbox behind a place, the oldest first; returns the place of the last,
        None at the end of the mailbox. 2.5 µs each.
        """
        messages, authors, before = self._messages, self._authors, len(self)
        for received, message_id, thread, packed in structures_in(r, mailbox_id, condition, behind, limit):
            author = _author(packed)
            number = authors.get(author)
            if number is None:
                if len(authors) == MAX_AUTHORS:
                    authors.clear()
                number = authors[author] = self._names.setdefault(_name_of(author), len(self._names))
            messages.received.append(received)
            messages.ids.append(message_id)
            messages.threads.append(thread)
            self._numbers.append(number)
        return Place(messages.received[-1], messages.ids[-1]) if len(self) - before == limit else None

    def arrange(self) -> None:
        """Put the messages in order: each goes to the next place of its name."""
        self._ordered = [*self._names]
        sort_in_runs(self._ordered)
        orders = array("I", bytes(4 * len(self._ordered)))
        for order, name in enumerate(self._ordered):
            orders[self._names[name]] = order
        counts = [0] * len(self._ordered)
        for number in self._numbers:
            counts[orders[number]] += 1
        nexts = array("I", accumulate(counts[:-1], initial=0))
        self._places = array("I", bytes(4 * len(self)))
        for place, number in enumerate(self._numbers):
            order = orders[number]
            self._places[nexts[order]] = place
            nexts[order] += 1
        self._ends = nexts
        self._numbers, self._names, self._authors = array("I"), {}, {}

    @property
    def left(self) -> bool:
        """Whether there are names to be taken."""
        return self._taken < len(self._ordered)

    def take(self, limit: int, *, oldest_first: bool) -> Run:
        """The messages of the next names: of one name, or at most `limit` messages."""
        places: list[int] = []
        ranks: list[int | str] = []
        start = self._ends[self._taken - 1] if self._taken else 0
        while self.left and (not places or self._ends[self._taken] - start <= limit):
            end = self._ends[self._taken]
            named = self._by_reception(self._places[start + len(places) : end])
            places += named if oldest_first else reversed(named)
            ranks += [self._ordered[self._taken]] * len(named)
            self._taken += 1
        found = Run(self._messages.received, self._messages.ids, self._messages.threads)
        found.arrange(places)
        found.ranks = ranks
        return found

    def _by_reception(self, places: Sequence[int]) -> list[int]:
        received, ids = self._messages.received, self._messages.ids
        keys = [(received[place] << 64 | ids[place]) << 32 | place for place in places]
        sort_in_runs(keys)
        return [key & 0xFFFFFFFF for key in keys]


MAX_THREADABLE: Final = 4 << 20
"""Octets of ids and subjects that are read at once: a message may have 25 KiB of them."""


def thread_rows(
    r: Reader, mailbox_id: MailboxID, uids: array[int], *, with_references: bool = True
) -> tuple[list[int], list[Threadable], array[int]]:
    """Thread keys of the messages with these ascending UIDs that are in the mailbox, in their order: UIDs, keys, and
    the UIDs that are left to be read. 5 µs each, 1.5 without references. The time of arrival replaces a missing date
    (RFC 5256 §2.2).
    """
    columns = "m.uid, m.messageid, m.subject_base, m.received, i.structure"
    if with_references:
        columns, joins = f"{columns}, h.header", INFO + HEADER
    else:
        joins = INFO
    found: list[int] = []
    threadables: list[Threadable] = []
    octets = 0
    decode = _titled.decode
    for row in columns_of(r, columns, joins, mailbox_id, uids):
        base, sent, response = row[2], row[3], False
        try:
            envelope = decode(row[4]).envelope
        except msgspec.DecodeError:
            pass
        else:
            if envelope.date is not None:
                sent = envelope.date
            # A subject that equals its base subject is not a response.
            response = envelope.subject.lower() != base and base_subject(envelope.subject)[1]
        ids = references_of(row[5]) if with_references else ()
        found.append(row[0])
        threadables.append(Threadable(row[1], ids, base, response, sent))
        octets += sys.getsizeof(base) + sum(map(sys.getsizeof, ids))
        if octets > MAX_THREADABLE:
            return found, threadables, uids[bisect_right(uids, row[0]) :]
    return found, threadables, uids[len(uids) :]


_FIELDS: Final = re.compile(
    rb"\n(references|in-reply-to)[ \t]*:"
    rb"(?:[ \t]*<([!#-;=?-~]+)>[ \t\r]*(?=\n[^ \t])|([^\n]*(?:\n[ \t][^\n]*)*))"
)
"""Fields in lower case, after a line end: name; the id, where there is nothing else, as usual; else the text."""


def references_of(header: bytes) -> tuple[str, ...]:
    """The ids of the ancestors of a message with this header section, canonical, each once (STORE-77)."""
    fields = _FIELDS.findall(b"\n" + header.lower())
    if len(fields) == 1 and (single := fields[0][1]):
        return (single.decode("ascii"),)
    return _named(fields) if fields else ()


def _named(fields: list[tuple[bytes, bytes, bytes]]) -> tuple[str, ...]:
    """The ids in matches of `_FIELDS`."""
    above: list[bytes] = []
    answered: bytes | None = None
    for name, single, text in fields:
        value = b"<%b>" % single if single else unfold(text) if b"\n" in text else text
        if name == b"references":
            above.append(value)
        elif answered is None:  # the first such field counts
            answered = value
    return tuple(dict.fromkeys(references(above, answered)))
