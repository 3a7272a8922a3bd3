"""The rows of a damaged account: which table a page belongs to, and which rows can be believed (STORE-188).

Pages are found twice. First by walking the trees from the roots that the schema names. Then, for a broken branch hides
all that is below it, among all other pages of the file that no list of free pages names: rows of the tables that matter
can be told by their number of columns and the types of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from moxlite.store.recover.pages import Cell, Damaged, Pages, Record, Value

__all__ = ["FOUND_ANYWHERE", "Row", "read_rows", "roots", "rows_of", "rows_of_lost_pages"]

Row = tuple[Cell, Record]

MAX_UID: Final = (1 << 32) - 1


def _integers(record: Record, *places: int) -> bool:
    return all(isinstance(record[place], int) for place in places)


def _texts(record: Record, *places: int) -> bool:
    return all(isinstance(record[place], str) for place in places)


def _none_or(kind: type, value: Value) -> bool:
    return value is None or isinstance(value, kind)


def _mailbox(record: Record) -> bool:
    # The last column came later: rows of before are shorter.
    return (
        16 <= len(record) <= 17 and record[0] is None and _texts(record, 1, 7) and _integers(record, 3, 4, 5, 6, 8, 9)
    )


def _message(record: Record) -> bool:
    # The last column came later: rows of before are shorter.
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
    # Rows of before have the thread's parents before the last three columns.
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
"""Tables whose rows are known by themselves, wherever they are found, and what says so."""


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
    """The rows below a root that can be read. `seen` gets all pages that were reached."""
    yield from read_rows(pages, pages.leaves(root, seen))


def rows_of_lost_pages(pages: Pages, seen: set[int]) -> Iterator[tuple[str, Row]]:
    """The rows in pages that no tree leads to any longer, with their table. A page counts for one table only: that of
    most of its rows.
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
