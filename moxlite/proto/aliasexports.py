"""Exports of aliases from addy.io and SimpleLogin: CSV in, aliases out (MASK-15). Bounded; raises ExportError.

Both have a header line. SimpleLogin's columns are ``alias,note,enabled,mailboxes``. Of addy.io's many columns,
``email``, ``active``, ``description`` and ``deleted_at`` are read.
"""

import csv
import io
from collections.abc import Iterator
from typing import Final

import msgspec

MAX_OCTETS: Final = 16 << 20
"""Octets of a file: 10,000 aliases of addy.io have 4 MB."""

MAX_ALIASES: Final = 20_000
"""Aliases that are read. A file with more is refused as a whole, so that none is left out unseen."""

MAX_FIELD: Final = 20_000
"""Characters of a value."""

COLUMNS: Final = (
    ("alias", "note", "enabled", ""),  # SimpleLogin
    ("email", "description", "active", "deleted_at"),  # addy.io
)
"""Columns of address, note, whether it is on, and when it was deleted, "" for none."""

OFF: Final = frozenset({"0", "false", "no", "f", "n"})


class ExportError(Exception):
    """The file is not such an export; the text says why."""


class Alias(msgspec.Struct, frozen=True):
    """An alias as exported; `address` is not checked."""

    address: str
    note: str = ""
    active: bool = True


def read_aliases(octets: bytes) -> tuple[list[Alias], int]:
    """The aliases of an export, and the number of those that were deleted there. Raises ExportError."""
    if len(octets) > MAX_OCTETS:
        raise ExportError(f"file exceeds {MAX_OCTETS >> 20} MiB")
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ExportError(f"the file isn't valid UTF-8 at byte {error.start}") from None
    before = csv.field_size_limit(MAX_FIELD)
    try:
        return _read(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise ExportError(f"invalid CSV: {error}") from None
    finally:
        csv.field_size_limit(before)


def _read(rows: Iterator[list[str]]) -> tuple[list[Alias], int]:
    header = [name.strip().lower() for name in next(rows, [])]
    columns = next((column for column in COLUMNS if column[0] in header), None)
    if columns is None:
        raise ExportError('the first line must have a column "alias" (SimpleLogin) or "email" (addy.io)')
    aliases: list[Alias] = []
    deleted = 0
    places = [header.index(name) if name in header else len(header) for name in columns]
    for row in rows:
        address, note, active, gone = (row[place].strip() if place < len(row) else "" for place in places)
        if not address:
            continue
        if gone:
            deleted += 1
            continue
        if len(aliases) >= MAX_ALIASES:
            raise ExportError(f"too many aliases in file (limit {MAX_ALIASES})")
        aliases.append(Alias(address, note, active.lower() not in OFF))
    return aliases, deleted
