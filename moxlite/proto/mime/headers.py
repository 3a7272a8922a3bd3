"""Header sections: finding their end, fields, unfolding, look-up, selection (RFC 5322 §2.2, §3.6).

Reading is tolerant: a bare LF ends a line, blanks before the colon are allowed (RFC 5322 §4.5.2), lines that are no
field are passed over. A field is told apart from junk by `is_field`, which strict scanning uses. Nothing here decodes;
see words.py.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

__all__ = [
    "CONTENT_FIELDS",
    "MAX_FIELDS",
    "MAX_HEADER",
    "Field",
    "Header",
    "fields",
    "is_field",
    "select_content_fields",
    "select_fields",
    "unfold",
]

MAX_HEADER: Final = 1 << 20
"""Octets of a header section that are read (STORE-55): far above what real mail has, small enough to be read many
times.
"""

MAX_FIELDS: Final = 10_000
"""Fields of a header section that are read (STORE-55)."""

CONTENT_FIELDS: Final = frozenset({b"mime-version"})
"""Fields besides Content-* which make up the MIME header of a message that is its own only part (IMAP-98)."""

_BLANKS: Final = b" \t\r\n"
_FOLDED: Final = frozenset({b" ", b"\t"})  # what continuation lines start with
_FOLD: Final = re.compile(rb"\r?\n(?=[ \t])")
_NAME: Final = re.compile(rb"[!-9;-~]+[ \t]*:")
# One field with its continuation lines and its line end, or one line of junk.
_FIELD: Final = re.compile(rb"[^\n]*(?:\n[ \t][^\n]*)*\n?")


def unfold(value: bytes) -> bytes:
    """A field's text without its line ends and the blanks around it; blanks that folding left inside stay (RFC 5322
    §2.2.3).
    """
    if b"\n" in value:
        value = _FOLD.sub(b"", value)
    return value.strip(_BLANKS)


def is_field(line: bytes) -> bool:
    """Whether the line starts with a field name and a colon (RFC 5322 §2.2; blanks before the colon tolerated)."""
    return _NAME.match(line) is not None


class Field(NamedTuple):
    """A field as it stands in the header: `name` as written, `value` folded, without the last line end; `raw` is all
    of it.
    """

    name: bytes
    value: bytes
    raw: bytes


def fields(header: bytes) -> Iterator[Field]:
    """All fields in order, up to the blank line. Junk lines come with an empty name, the line as value."""
    for match in _FIELD.finditer(header):
        raw = match[0]
        if raw in (b"\r\n", b"\n", b""):
            return
        name, colon, value = raw.partition(b":")
        name = name.rstrip(b" \t")
        if not colon or b"\n" in name:
            yield Field(b"", raw.rstrip(b"\r\n"), raw)
        else:
            yield Field(name, value.rstrip(b"\r\n").lstrip(b" \t"), raw)


class Header:
    """A header section for look-ups by lower-case name.

    Args:
      block: the section; its blank line may be included.
      limit: fields read at most; `complete` tells whether that was all.
    """

    __slots__ = ("_more", "_values", "complete", "first")

    def __init__(self, block: bytes, limit: int = MAX_FIELDS) -> None:
        values: dict[bytes, list[bytes]] = {}  # per name the lines of the first value: most are never asked for
        more: dict[bytes, list[list[bytes]]] = {}  # and those of the others
        lines = block.split(b"\n")
        self.complete = True
        self.first = lines[0]
        room = limit
        field: list[bytes] = []  # what continuation lines belong to
        for line in lines:
            if line[:1] in _FOLDED:
                field.append(line)
                continue
            name, colon, value = line.partition(b":")
            if colon:
                if not room:
                    self.complete = False
                    break
                room -= 1
                field = [value]
                name = name.lower()
                if values.setdefault(name, field) is not field:
                    more.setdefault(name, []).append(field)
            elif not name or name == b"\r":
                break
            else:
                field = []  # junk, with its continuation lines
        names = b"".join(values)
        if b" " in names or b"\t" in names:
            for name in [name for name in values if name[-1:] in _FOLDED]:
                right = name.rstrip(b" \t")
                for field in (values.pop(name), *more.pop(name, ())):
                    if values.setdefault(right, field) is not field:
                        more.setdefault(right, []).append(field)
        self._values = values
        self._more = more

    def __bool__(self) -> bool:
        return bool(self._values)

    def get(self, name: bytes) -> bytes | None:
        """The unfolded text of the first field `name` (lower case), None if there is none."""
        lines = self._values.get(name)
        return _join(lines) if lines else None

    def all(self, name: bytes) -> list[bytes]:
        """The unfolded texts of all fields `name` (lower case), in order."""
        lines = self._values.get(name)
        return [*map(_join, (lines, *self._more.get(name, ())))] if lines else []

    def texts(self, names: Sequence[bytes]) -> list[bytes | None]:
        """As `get`, for several names at once."""
        find = self._values.get
        return [_join(lines) if (lines := find(name)) else None for name in names]

    def lists(self, names: Sequence[bytes]) -> list[list[bytes]]:
        """As `all`, for several names at once."""
        find, more = self._values.get, self._more
        return [[*map(_join, (lines, *more.get(name, ())))] if (lines := find(name)) else [] for name in names]


def _join(lines: list[bytes]) -> bytes:
    if len(lines) == 1:
        return lines[0].strip(_BLANKS)
    return b"".join([line.rstrip(b"\r") for line in lines]).strip(_BLANKS)


def select_fields(header: bytes, names: Collection[bytes], *, invert: bool = False) -> bytes:
    """The fields with these (lower-case) names, or with all others: octets, order, folding and duplicates kept
    (IMAP-98).

    Always ends with a blank line, whether `header` has one or not.
    """
    if invert:
        return _select([field.raw for field in fields(header) if field.name.lower() not in names])
    end = _END.search(header)
    return _select(_pattern(frozenset(names)).findall(header, 0, end.start() if end else len(header)))


# A blank line with a continuation line behind it is junk in the midst of fields, as for `fields`.
_END: Final = re.compile(rb"^\r?\n(?![ \t])", re.MULTILINE)


@lru_cache(maxsize=256)  # clients ask for few selections, always the same
def _pattern(names: frozenset[bytes]) -> re.Pattern[bytes]:
    """Finds the fields of these names, three times as fast as looking at all of them."""
    alternatives = b"|".join(map(re.escape, sorted(names)))
    return re.compile(
        rb"^(?:%b)[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*\n?" % (alternatives or b"(?!)"), re.MULTILINE | re.IGNORECASE
    )


def select_content_fields(header: bytes) -> bytes:
    """What stands for the MIME header of a non-multipart message's part 1: its Content-* and MIME-Version fields
    (IMAP-98).
    """
    return _select(
        [
            field.raw
            for field in fields(header)
            if (name := field.name.lower()) in CONTENT_FIELDS or name.startswith(b"content-")
        ]
    )


def _select(chosen: list[bytes]) -> bytes:
    if chosen and not chosen[-1].endswith(b"\n"):
        chosen[-1] += b"\r\n"
    chosen.append(b"\r\n")
    return b"".join(chosen)
