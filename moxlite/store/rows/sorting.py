"""Sort and thread keys of messages (RFC 5256, RFC 5957, IMAP-127), from stored columns and the stored parse of the
header. Also any columns of many messages in one statement (`columns_of`), for scans where the cost per row matters.

A stored structure is only decoded as far as needed, and the fields with references are found in many headers at once: a
separate step for each message would cost as much as reading its row.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

import msgspec

from moxlite.decoders import msgpack_decoder
from moxlite.proto.imap.bodystructure import Address, Envelope, parse_envelope
from moxlite.proto.imap.errors import ProtocolError
from moxlite.proto.imap.threading import Threadable
from moxlite.proto.mime.headers import unfold
from moxlite.proto.mime.messageid import base_subject, references
from moxlite.proto.mime.text import casemap
from moxlite.proto.mime.types import MailAddress
from moxlite.proto.mime.words import decode_words
from moxlite.store.file.transaction import Reader, Row, int_array
from moxlite.store.rows.conditions import Placed
from moxlite.store.rows.messages import structures
from moxlite.store.types import MailboxID

Ranking: TypeAlias = Literal["received", "size", "sender", "unread"]
"""Order of a list: by time of reception alone; largest first; by the sender's displayed name; unread first."""

HEADER: Final = " CROSS JOIN message_header h ON h.email_id = m.email_id"
"""Joins the header section, ``h.header``."""

MAX_RANK: Final = 200
"""Characters of a name that decide its place in a list by sender: the list of a large mailbox is kept in memory."""

DENSE: Final = 2
"""UIDs in a range per wanted UID, up to which the whole range is read: that takes a third of the time per row."""


def columns_of(r: Reader, columns: str, joins: str, mailbox_id: MailboxID, uids: Sequence[int]) -> list[Row]:
    """Columns of the messages with these ascending UIDs that are in the mailbox, in their order. 0.6 µs each.

    Args:
      columns: constants of the caller; ``m.uid`` is the first, ``m`` the message. joins: SQL after ``FROM message m``,
        each a CROSS JOIN by ``m.email_id``.
    """
    if not uids:
        return []
    first, last = uids[0], uids[-1]
    if last - first < DENSE * len(uids):
        rows = r.rows(
            f"SELECT {columns} FROM message m{joins} WHERE m.mailbox_id = ? AND m.uid BETWEEN ? AND ? ORDER BY m.uid",  # noqa: S608 - constants, here and below
            mailbox_id,
            first,
            last,
        )
        if len(rows) == len(uids) == last - first + 1:
            return rows
        wanted = frozenset(uids)
        return [row for row in rows if row[0] in wanted]
    return r.rows(
        f"SELECT {columns} FROM carray(?2) c CROSS JOIN message m ON m.mailbox_id = ?1 AND m.uid = c.value{joins}",  # noqa: S608
        mailbox_id,
        int_array(uids),
    )


class _Sent(msgspec.Struct, array_like=True, gc=False):
    """A stored `Envelope` up to its date. Fields that a class lacks, here and in its subclasses, are not decoded."""

    date: int | None = None


class _Titled(_Sent, array_like=True, gc=False):
    date_offset: int = 0
    subject: str = ""


class _From(_Titled, array_like=True, gc=False):
    from_: tuple[MailAddress, ...] = ()


class _Addressed(_From, array_like=True, gc=False):
    sender: msgspec.Raw = msgspec.Raw()
    reply_to: msgspec.Raw = msgspec.Raw()
    to: tuple[MailAddress, ...] = ()
    cc: tuple[MailAddress, ...] = ()


_E = TypeVar("_E", bound=_Sent)


class _Head(msgspec.Struct, Generic[_E], array_like=True, gc=False):
    """A stored `Structure` up to its envelope."""

    version: int
    size: int
    envelope: _E


_titled: Final = msgpack_decoder(_Head[_Titled])
_DECODERS: Final[tuple[Callable[[bytes], _Head[Any]], ...]] = (
    msgpack_decoder(_Head[_Sent]).decode,
    msgpack_decoder(_Head[_From]).decode,
    msgpack_decoder(_Head[_Addressed]).decode,
)
"""Decoders of a structure: each decodes more fields of the envelope than the one before."""


def _mailbox(addresses: tuple[MailAddress, ...]) -> str:
    """``addr-mailbox`` of the first address (RFC 5256 §3)."""
    return casemap(addresses[0].localpart) if addresses else ""


def _display(addresses: tuple[MailAddress, ...]) -> str:
    """The name of the first address, else the address (RFC 5957 §3)."""
    if not addresses:
        return ""
    first = addresses[0]
    return casemap(first.name or f"{first.localpart}@{first.domain}".strip("@"))


_COLUMNS: Final = {"ARRIVAL": "m.received", "SIZE": "m.size", "SUBJECT": "m.subject_base"}
_PARTS: Final[dict[str, tuple[int, str, Callable[[tuple[MailAddress, ...]], str]]]] = {
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
        return {}
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

_INFO: Final = " CROSS JOIN message_info i ON i.email_id = m.email_id"


def sort_rows(r: Reader, mailbox_id: MailboxID, uids: Sequence[int], keys: Sequence[str]) -> list[Row]:
    """Sort keys of the messages with these ascending UIDs that are in the mailbox, in their order: rows of UID, and one
    value for each of `keys` (of `SORT_KEYS`). 1 µs each, 3 with addresses.

    Envelopes that cannot be decoded (an older layout, or damage, which is repaired elsewhere: STORE-59) count as empty;
    the time of arrival replaces a missing date (RFC 5256 §2.2).
    """
    if all(key in _COLUMNS for key in keys):
        rows = columns_of(r, ", ".join(["m.uid", *[_COLUMNS[key] for key in keys]]), "", mailbox_id, uids)
        if "SUBJECT" not in keys:
            return rows
        at = 1 + keys.index("SUBJECT")
        return [(*row[:at], casemap(row[at]), *row[at + 1 :]) for row in rows]
    with_addresses = any(key in _PARTS for key in keys)
    grouped = _GROUPED if with_addresses else "NULL"
    columns = ", ".join(["m.uid", "m.received", "i.structure", grouped, *_COLUMNS.values()])
    decode = _DECODERS[max(_PARTS[key][0] if key in _PARTS else 0 for key in keys)]
    if tuple(keys) == ("DATE",):
        return [
            (uid, _date(decode, packed, received))
            for uid, received, packed in columns_of(r, "m.uid, m.received, i.structure", _INFO, mailbox_id, uids)
        ]
    positions = {key: position for position, key in enumerate(_COLUMNS, 4)}
    found: list[Row] = []
    for row in columns_of(r, columns, _INFO, mailbox_id, uids):
        groups = _groups(row[3])
        try:
            envelope: Any = decode(row[2]).envelope
        except msgspec.DecodeError:
            envelope = _NOTHING
        values: list[Any] = [row[0]]
        for key in keys:
            if key == "SUBJECT":
                values.append(casemap(row[positions[key]]))
            elif key in positions:
                values.append(row[positions[key]])
            elif key == "DATE":
                values.append(row[1] if envelope.date is None else envelope.date)
            else:
                _, field, value = _PARTS[key]
                group = groups.get(field)
                values.append(value(getattr(envelope, field)) if group is None else casemap(group))
        found.append(tuple(values))
    return found


RANKS: Final = "SELECT m.id, -m.size, m.flags & 1 FROM carray(?) c CROSS JOIN message m ON m.id = c.value"


def ranked(r: Reader, found: Sequence[Placed], by: Ranking) -> list[Placed]:
    """The messages with their ranks, in their order; ones that are gone are left out.

    A message without a readable sender comes first.
    """
    ids = [one.message_id for one in found]
    ranks: dict[int, int | str]
    if by == "sender":
        ranks = {message_id: _sender(packed) for message_id, packed in structures(r, ids).items()}
    else:
        at = 1 if by == "size" else 2
        ranks = {row[0]: row[at] for row in r.rows(RANKS, int_array(ids))} if ids else {}
    return [one._replace(rank=ranks[one.message_id]) for one in found if one.message_id in ranks]


def _sender(packed: bytes) -> str:
    try:
        return sys.intern(_display(_DECODERS[1](packed).envelope.from_)[:MAX_RANK])
    except msgspec.DecodeError:
        return ""


_NOTHING: Final = _Addressed()


def _date(decode: Callable[[bytes], _Head[Any]], packed: bytes, received: int) -> int:
    try:
        date: int | None = decode(packed).envelope.date
    except msgspec.DecodeError:
        return received
    return received if date is None else date


def thread_rows(
    r: Reader, mailbox_id: MailboxID, uids: Sequence[int], *, with_references: bool = True
) -> tuple[list[int], list[Threadable]]:
    """Thread keys of the messages with these ascending UIDs that are in the mailbox, in their order: UIDs, and keys. 5
    µs each, 1.5 without references. The time of arrival replaces a missing date (RFC 5256 §2.2).
    """
    columns = "m.uid, m.messageid, m.subject_base, m.received, i.structure"
    if with_references:
        rows = columns_of(r, f"{columns}, h.header", _INFO + HEADER, mailbox_id, uids)
        named = references_of([row[5] for row in rows])
    else:
        rows = columns_of(r, columns, _INFO, mailbox_id, uids)
        named = [()] * len(rows)
    decode = _titled.decode
    threadables: list[Threadable] = []
    for row, ids in zip(rows, named, strict=True):
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
        threadables.append(Threadable(row[1], ids, base, response, sent))
    return [row[0] for row in rows], threadables


_FIELDS: Final = re.compile(
    rb"\n(references|in-reply-to)[ \t]*:"
    rb"(?:[ \t]*<([!#-;=?-~]+)>[ \t\r]*(?=\n[^ \t])|([^\n]*(?:\n[ \t][^\n]*)*))"
)
"""Fields in lower case, after a line end: name; the id, where there is nothing else, as usual; else the text."""


def references_of(headers: Sequence[bytes]) -> list[tuple[str, ...]]:
    """For each header section the ids of the message's ancestors, canonical, each once (STORE-77)."""
    find = _FIELDS.findall
    found: list[tuple[str, ...]] = []
    for header in headers:
        fields = find(b"\n" + header.lower())
        if len(fields) == 1 and (single := fields[0][1]):
            found.append((single.decode("ascii"),))
        else:
            found.append(_named(fields) if fields else ())
    return found


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
