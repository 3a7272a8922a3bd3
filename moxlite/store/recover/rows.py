"""The rows of a damaged account: the table that a page belongs to, and whether rows are plausible (STORE-188).

Pages are searched twice. First the trees are walked from the roots in the schema. A broken branch hides all pages below
it, so then all other pages that are not in the list of free pages are read: rows of the important tables are recognised
by the number and types of their columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from moxlite.store.recover.pages import Cell, Damaged, Pages, Record, Value

Row = tuple[Cell, Record]

MAX_UID: Final = (1 << 32) - 1


def _integers(record: Record, *places: int) -> bool:
    return all(isinstance(record[place], int) for place in places)


def _texts(record: Record, *places: int) -> bool:
    return all(isinstance(record[place], str) for place in places)


def _none_or(kind: type, value: Value) -> bool:
    return value is None or isinstance(value, kind)


def _mailbox(record: Record) -> bool:
    # The last column was added later: older rows are shorter.
    return (
        16 <= len(record) <= 17 and record[0] is None and _texts(record, 1, 7) and _integers(record, 3, 4, 5, 6, 8, 9)
    )


def _message(record: Record) -> bool:
    # The last column was added later: older rows are shorter.
    if not 27 <= len(record) <= 28 or record[0] is not None:
        return False
    uid, size = record[2], record[8]
    return (
        _integers(record, *range(1, 13), *range(14, 19), *range(22, 26))
        and _texts(record, 13, 21)
        and _none_or(str, record[20])
        and _none_or(int, record[19])
        and _none_or(int, record[26])
        and all(isinstance(value, bytes) for value in record[27:])
        and isinstance(uid, int)
        and isinstance(size, int)
        and 0 < uid <= MAX_UID
        and size >= 0
    )


def _info(record: Record) -> bool:
    # Older rows have the thread's parents before the last three columns.
    return (
        7 <= len(record) <= 8
        and record[0] is None
        and isinstance(record[1], bytes)
        and isinstance(record[2], bytes)
        and _none_or(str, record[3])
        and all(isinstance(value, bytes) for value in record[4:-3])
        and _texts(record, -3, -2)
        and _integers(record, -1)
    )


def _body(record: Record) -> bool:
    return (
        len(record) == 4
        and record[0] is None
        and isinstance(record[1], bytes)
        and len(record[1]) == 32
        and _integers(record, 2, 3)
    )


def _chunk(record: Record) -> bool:
    return len(record) == 4 and record[0] is None and _integers(record, 1, 2) and isinstance(record[3], bytes)


def _smtp(record: Record) -> bool:
    return len(record) == 24 and record[0] is None and _integers(record, 1, 2, 16, 17, 18) and _texts(record, 4, 8, 19)


FOUND_ANYWHERE: Final[Mapping[str, Callable[[Record], bool]]] = {
    "mailbox": _mailbox,
    "message": _message,
    "message_info": _info,
    "body": _body,
    "body_chunk": _chunk,
    "message_smtp": _smtp,
}
"""Tables whose rows can be recognised in any page, with the function that does so."""


def roots(pages: Pages) -> dict[str, int]:
    """Root page by table, as far as the schema can be read."""
    found: dict[str, int] = {}
    for _, record in read_rows(pages, pages.leaves(1, set())):
        match record:
            case ("table", str(name), _, int(root), _) if 1 < root <= pages.count:
                found[name] = root
            case _:
                continue
    return found


def rows_of(pages: Pages, root: int, seen: set[int]) -> Iterator[Row]:
    """The readable rows below a root. All pages that were reached are added to `seen`."""
    yield from read_rows(pages, pages.leaves(root, seen))


def rows_of_lost_pages(pages: Pages, seen: set[int]) -> Iterator[tuple[str, Row]]:
    """The rows in pages that no tree leads to any longer, with their table. A page is assigned to the table that most
    of its rows fit; rows that do not fit it are left out.
    """
    free = pages.free()
    for number in range(2, pages.count + 1):
        if number in seen or number in free:
            continue
        rows = list(read_rows(pages, iter((number,))))
        counts = {table: sum(known(record) for _, record in rows) for table, known in FOUND_ANYWHERE.items()}
        table = max(counts, key=lambda one: counts[one])
        if counts[table]:
            yield from ((table, row) for row in rows if FOUND_ANYWHERE[table](row[1]))


def read_rows(pages: Pages, numbers: Iterator[int]) -> Iterator[Row]:
    for number in numbers:
        try:
            cells = pages.cells(number)
        except Damaged:
            continue
        for cell in cells:
            try:
                record = pages.record(cell)
            except Damaged:
                continue
            yield cell, record
