"""FETCH from stored rows alone: a slice of rows in, the octets of all its responses out (IMAP-166).

Theory of operation
-------------------
Twenty thousand messages are listed when a client synchronises, so the work per message must be small. A slice of
rows is turned into columns; each data item maps its columns to a list of values, in loops that run in C where they can;
and one ``%`` per message puts the values into a template that was made once for the command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any, Final

import msgspec

from moxlite.imapd.updates.changes import wire_flags
from moxlite.proto.imap.fetchitems import Attribute, Body, FetchItem, Preview
from moxlite.proto.mime.dates import format_internaldate
from moxlite.proto.mime.headers import select_fields
from moxlite.proto.mime.wire import has_extended_parameters, quote_literals, render_bodystructure, string
from moxlite.store.content.prepare import HEADER_LIMIT
from moxlite.store.file.transaction import Row
from moxlite.store.mail.fetching import FIXED, IDS, Column, structure_of
from moxlite.store.types import Flag

Columns = Mapping[str, Sequence[Any]]
"""Values of a slice by column name, in SQLite's types."""

LONG: Final = 256 << 10
"""Octets of a slice's packed structures above which its responses are rendered in a thread: 20 ms and more. The
structures of 500 usual messages have 100 KiB.
"""

_SECONDS: Final = [b"%02d" % n for n in range(60)]
_MINUTES: Final = [b"%02d:%02d:" % divmod(n, 60) for n in range(1440)]


@lru_cache(maxsize=4096)  # ten years of days; an entry is some 100 octets
def _day(day: int) -> bytes:
    """The date in front of an INTERNALDATE, for a number of days since 1970: ``20-Nov-2026 ``."""
    return format_internaldate(day * 86_400_000_000)[:12].encode()


@lru_cache(maxsize=64)
def _zone(offset: int) -> bytes:
    """`` +0100``."""
    return format_internaldate(0, offset)[-6:].encode()


def internaldate(received: int, offset: int) -> bytes:
    """`format_internaldate`, six times as fast: days, minutes and seconds come from tables."""
    day, second = divmod(received // 1_000_000 + offset * 60, 86_400)
    minute, second = divmod(second, 60)
    return _day(day) + _MINUTES[minute] + _SECONDS[second] + _zone(offset)


class FlagWriter:
    """Flags of rows in wire format, each combination rendered once per command."""

    def __init__(self, spelled: Mapping[str, str], recent: Callable[[Sequence[int]], Iterable[bool]] | None) -> None:
        """
        Args:
          spelled: the account's spelling of keywords. recent: which of ascending UIDs show ``\\Recent``, None when none
            does.
        """
        self._recent = recent
        self._known = _FlagRenderer(spelled)

    def all(self, columns: Columns) -> Iterable[bytes]:
        """``(\\Seen work)`` for each row of a slice."""
        recent = repeat(False) if self._recent is None else self._recent(columns["uid"])
        return map(self._known.__getitem__, zip(columns["flags"], columns["keywords"], recent, strict=False))


class _FlagRenderer(dict[tuple[int, str, bool], bytes]):
    """Flags in wire format, by flags, keywords and whether the message is recent; rendered at the first use."""

    def __init__(self, spelled: Mapping[str, str]) -> None:
        super().__init__()
        self._spelled = spelled

    def __missing__(self, key: tuple[int, str, bool]) -> bytes:
        flags, keywords, recent = key
        words = tuple([self._spelled.get(word, word) for word in keywords.split()])
        found = self[key] = wire_flags(Flag(flags), words, recent)
        return found


class _Piece(msgspec.Struct, frozen=True):
    """One data item: its part of the template, the columns that it needs, and the function that fills the template.

    derived: it is made from a column that may hold less than is requested (`Plan.answers`).
    """

    template: bytes
    columns: tuple[Column, ...]
    values: Callable[[Columns], Iterable[Iterable[object]]]
    derived: bool = False


def _simple(template: bytes, column: Column) -> _Piece:
    return _Piece(template, (column,), lambda c: (c[column],))


def _utf8_bodystructures(c: Columns) -> Iterable[Iterable[object]]:
    return (
        [
            render_bodystructure(structure_of(packed).root, extended=True, utf8=True)
            if has_extended_parameters(wire)
            else quote_literals(wire)
            for wire, packed in zip(c["bodystructure"], c["structure"], strict=True)
        ],
    )


def _attribute(item: Attribute, flags: FlagWriter, utf8: bool, suffix: bytes) -> _Piece | None:
    """The piece of an item without arguments; None if it needs the message itself. `suffix`: suffix of object ids."""
    match item:
        case Attribute.UID:
            return _Piece(b"UID %d", (), lambda c: (c["uid"],))
        case Attribute.FLAGS:
            return _Piece(b"FLAGS %b", (), lambda c: (flags.all(c),))
        case Attribute.INTERNALDATE:
            return _Piece(
                b'INTERNALDATE "%b"',
                ("received", "received_offset"),
                lambda c: (map(internaldate, c["received"], c["received_offset"]),),
            )
        case Attribute.SIZE:
            return _simple(b"RFC822.SIZE %d", "size")
        # rows hold 8-bit strings as literals, which every client reads; this one may get them quoted (RFC 6855 §3)
        case Attribute.ENVELOPE if utf8:
            return _Piece(b"ENVELOPE %b", ("envelope",), lambda c: (map(quote_literals, c["envelope"]),))
        case Attribute.ENVELOPE:
            return _simple(b"ENVELOPE %b", "envelope")
        case Attribute.BODYSTRUCTURE if utf8:
            return _Piece(b"BODYSTRUCTURE %b", ("bodystructure", "structure"), _utf8_bodystructures)
        case Attribute.BODYSTRUCTURE:
            return _simple(b"BODYSTRUCTURE %b", "bodystructure")
        case Attribute.BODY:
            return _Piece(
                b"BODY %b",
                ("structure",),
                lambda c: (
                    [
                        render_bodystructure(structure_of(packed).root, extended=False, utf8=utf8)
                        for packed in c["structure"]
                    ],
                ),
            )
        case Attribute.MODSEQ:
            return _simple(b"MODSEQ (%d)", "modseq")
        case Attribute.SAVEDATE:
            return _Piece(
                b"SAVEDATE %b",
                ("savedate",),
                lambda c: ([b"NIL" if at is None else b'"%b"' % internaldate(at, 0) for at in c["savedate"]],),
            )
        case Attribute.EMAILID:
            return _simple(b"EMAILID (M%%d%b)" % suffix, "email_id")
        case Attribute.THREADID:
            return _simple(b"THREADID (T%%d%b)" % suffix, "threadid")
        case Attribute.RFC822_HEADER:
            return _header(b"RFC822.HEADER", lambda header: header)
        case _:
            return None


def without_nul(octets: bytes) -> bytes:
    """Message data for a literal: NUL becomes 0x80 (IMAP-101)."""
    return octets.replace(b"\0", b"\x80") if b"\0" in octets else octets


def _header(name: bytes, cut: Callable[[bytes], bytes]) -> _Piece:
    """The piece of an item that is made from the header section."""

    def values(c: Columns) -> Iterable[Iterable[object]]:
        cuts = [without_nul(cut(header)) for header in c["header"]]
        return map(len, cuts), cuts

    return _Piece(name.replace(b"%", b"%%") + b" {%d}\r\n%b", ("header",), values, derived=True)


def _body(item: Body) -> _Piece | None:
    """The piece of a header section, or of fields of it; None if it needs the message itself."""
    section, partial = item.section, item.partial
    if section.part or not section.specifier.startswith("HEADER"):
        return None
    names = frozenset(name.lower().encode() for name in section.fields)
    invert = section.specifier == "HEADER.FIELDS.NOT"

    def cut(header: bytes) -> bytes:
        if names:
            header = select_fields(header, names, invert=invert)
        return header if partial is None else header[partial[0] : partial[0] + partial[1]]

    return _header(section_literal(item), cut)


def section_literal(item: Body) -> bytes:
    """``BODY[section]<origin>``, the item's name in the response (IMAP-97, IMAP-99)."""
    name = b"BODY[%b]" % item.section.encode()
    return name if item.partial is None else name + b"<%d>" % item.partial[0]


class Plan:
    """Plan for the responses of a FETCH command: from rows as far as possible.

    Attributes:
      columns: to be read beyond FIXED, and beyond IDS where there is a rest. rest: items that need the message itself,
        to be added after the result of `heads`.
    """

    def __init__(
        self, pieces: Sequence[_Piece], rest: tuple[FetchItem, ...], beside: Sequence[Column], *, uidonly: bool
    ) -> None:
        self.rest = rest
        wanted = [name for piece in pieces for name in piece.columns]
        self.columns: tuple[Column, ...] = tuple(dict.fromkeys([*wanted, *beside]))
        self._pieces = pieces
        self._names = (*FIXED, *(IDS if rest else ()), *self.columns)
        derived = {name for piece in pieces if piece.derived for name in piece.columns}
        self._header = self._names.index("header") if "header" in derived else 0
        self._preview = self._names.index("preview") if "preview" in derived else 0
        self._structure = self._names.index("structure") if "structure" in wanted else 0
        head = b"* %d UIDFETCH (" if uidonly else b"* %d FETCH ("
        items = b" ".join([piece.template for piece in pieces])
        end = b")\r\n" if not rest else b" " if items else b""
        self._template = head + items + end

    def answers(self, rows: Sequence[Row]) -> bool:
        """Whether the rows hold all that is needed. A header that was cut for storing does not, nor does a missing
        preview.
        """
        header, preview = self._header, self._preview
        if header and not all(len(row[header]) < HEADER_LIMIT for row in rows):
            return False
        return not preview or all(row[preview] is not None for row in rows)

    def takes_long(self, rows: Sequence[Row]) -> bool:
        """Whether the responses must not be rendered on the event loop (WEBMAIL-119a)."""
        at = self._structure
        return bool(at) and sum([len(row[at]) for row in rows]) > LONG

    def split(self, rows: Sequence[Row]) -> Columns:
        """The columns of non-empty `rows`."""
        return dict(zip(self._names, zip(*rows, strict=True), strict=True))

    def heads(self, columns: Columns, numbers: Iterable[int]) -> Iterable[bytes]:
        """The response for each row: whole, or up to where `rest` begins.

        `numbers` are their message numbers, or UIDs for UIDFETCH.
        """
        return map(self._template.__mod__, zip(numbers, *self._values(columns), strict=True))

    def starts(self, columns: Columns, numbers: Iterable[int], name: bytes) -> Iterable[bytes]:
        """As `heads`, if the rest is the whole message under this name: up to where its body begins."""
        template = self._template + name.replace(b"%", b"%%") + b" {%d}\r\n%b"
        values = self._values(columns)
        return map(template.__mod__, zip(numbers, *values, columns["size"], columns["prefix"], strict=True))

    def _values(self, columns: Columns) -> list[Iterable[object]]:
        return [value for piece in self._pieces for value in piece.values(columns)]

    def position(self, column: str) -> int:
        """Index of a column in a row."""
        return self._names.index(column)


def plan(
    items: Sequence[FetchItem],
    flags: FlagWriter,
    *,
    utf8: bool,
    uidonly: bool,
    derived: bool,
    suffix: bytes,
    beside: Callable[[Sequence[FetchItem]], Sequence[Column]],
) -> Plan:
    """The plan for these items.

    Args:
      derived: whether items may use columns that may be incomplete (`Plan.answers`).
      suffix: suffix of the messages' object ids (`Access.suffix`).
      beside: returns the additional columns for items that need the message itself.
    """
    pieces: list[_Piece] = []
    rest: list[FetchItem] = []
    for item in items:
        match item:
            case Attribute():
                piece = _attribute(item, flags, utf8, suffix)
            case Body():
                piece = _body(item)
            case Preview(lazy=lazy):
                piece = _Piece(
                    b"PREVIEW %b",
                    ("preview",),
                    lambda c: ([b"NIL" if text is None else string(text.encode()) for text in c["preview"]],),
                    derived=not lazy,
                )
            case _:
                piece = None
        if piece is None or (piece.derived and not derived):
            rest.append(item)
        else:
            pieces.append(piece)
    return Plan(pieces, tuple(rest), beside(rest) if rest else (), uidonly=uidonly)
