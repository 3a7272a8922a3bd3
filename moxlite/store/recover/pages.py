"""Reading the pages of an SQLite file that SQLite itself refuses (https://www.sqlite.org/fileformat2.html).

No field is trusted: every number is checked against the bounds of its page and of the file, and an invalid one raises
`Damaged`, for that page or that row alone. The file is read, never written.

Pages are read from the main file, with the committed frames of the log over them (§4). Pages have no checksums, so a
page that was overwritten by other data in the format of a page cannot be detected here; `rows` checks whether rows are
plausible, and bodies are checked by their hashes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

import msgspec

PAGE: Final = 4096
"""Octets of a page in all files of moxlite (STORE-2), so that a damaged header does not matter."""

INTERIOR_INDEX, INTERIOR_TABLE, LEAF_INDEX, LEAF_TABLE = 0x02, 0x05, 0x0A, 0x0D
MAX_DEPTH: Final = 20
"""Maximum depth of a tree: a file of 2^32 pages has fewer levels."""

MAX_PAYLOAD: Final = 64 << 20
"""Maximum octets of a row: the largest ones have a prefix and a chunk, or a structure, and are well below this."""

WAL_HEADER: Final = 32
FRAME_HEADER: Final = 24
"""Octets of the header of a log, and of each frame (§4.1)."""

Value: TypeAlias = "int | float | str | bytes | None"
Record: TypeAlias = tuple[Value, ...]


class Damaged(Exception):
    """A page or a row is invalid."""


class Cell(msgspec.Struct, frozen=True, gc=False):
    """Position of a row: its page, its rowid (0 in an index), the offset of its payload in the page, and its length."""

    page: int
    rowid: int
    offset: int
    length: int


class Pages:
    """The pages of a database and its log. Close it."""

    def __init__(self, path: Path) -> None:
        """Open the file and its log. Raises OSError."""
        self._file = path.open("rb")
        self._log: BinaryIO | None = None
        self._frames: dict[int, int] = {}
        size = self._file.seek(0, 2)
        self.count = -(-size // PAGE)
        try:
            self._log = path.with_name(path.name + "-wal").open("rb")
        except FileNotFoundError:
            return
        self._read_log(self._log)

    def close(self) -> None:
        """Close the files."""
        self._file.close()
        if self._log is not None:
            self._log.close()

    def _read_log(self, log: BinaryIO) -> None:
        """Find the last committed frame of each page; frames after the first wrong checksum are ignored (§4.2)."""
        header = log.read(WAL_HEADER)
        if len(header) < WAL_HEADER:
            return
        magic, _, page, _, salt1, salt2, sum1, sum2 = struct.unpack(">8I", header)
        if magic & ~1 != 0x377F0682 or page != PAGE:
            return
        order = ">" if magic & 1 else "<"
        found = _checksum(order, header[:24], (0, 0))
        if found != (sum1, sum2):
            return
        pending: dict[int, int] = {}
        offset = WAL_HEADER
        while len(frame := log.read(FRAME_HEADER + PAGE)) == FRAME_HEADER + PAGE:
            number, commit, frame_salt1, frame_salt2, sum1, sum2 = struct.unpack(">6I", frame[:FRAME_HEADER])
            found = _checksum(order, frame[:8] + frame[FRAME_HEADER:], found)
            if (frame_salt1, frame_salt2) != (salt1, salt2) or found != (sum1, sum2):
                return
            pending[number] = offset + FRAME_HEADER
            offset += FRAME_HEADER + PAGE
            # Frames after the last commit are of a transaction that never was: they are left out, however sound they
            # are.
            if commit:
                self._frames.update(pending)
                self.count = max(self.count, commit)
                pending = {}

    def page(self, number: int) -> bytes:
        """Read a page, numbered from 1; a short one at the end is padded with zeros. Raises Damaged."""
        if not 1 <= number <= self.count:
            raise Damaged(f"page {number} doesn't exist")
        try:
            frame = self._frames.get(number)
            if frame is not None and self._log is not None:
                self._log.seek(frame)
                data = self._log.read(PAGE)
            else:
                self._file.seek((number - 1) * PAGE)
                data = self._file.read(PAGE)
        except OSError as error:
            raise Damaged(f"page {number}: {error}") from error
        return data.ljust(PAGE, b"\0")

    def kind(self, number: int) -> int:
        """The first octet of a page's header: one of the four kinds if the page is valid. Raises Damaged."""
        return self.page(number)[100 if number == 1 else 0]

    # Trees

    def leaves(self, root: int, seen: set[int]) -> Iterator[int]:
        """The pages of a tree that have rows: the leaves of a table, all pages of an index. Damaged branches are left
        out. All pages that were reached are added to `seen`.
        """
        todo = [(root, 0)]
        while todo:
            number, depth = todo.pop()
            # A damaged page may name any other as its child, also one above it.
            if number in seen or depth > MAX_DEPTH:
                continue
            seen.add(number)
            try:
                data = self.page(number)
                kind = data[100 if number == 1 else 0]
                if kind in (INTERIOR_TABLE, INTERIOR_INDEX):
                    todo += [(child, depth + 1) for child in _children(data, number)]
            except Damaged:
                continue
            if kind in (LEAF_TABLE, LEAF_INDEX, INTERIOR_INDEX):
                yield number

    def cells(self, number: int) -> list[Cell]:
        """List a page's valid rows. Raises Damaged if it's another kind of page."""
        data = self.page(number)
        kind, pointers = _pointers(data, number)
        if kind not in (LEAF_TABLE, LEAF_INDEX, INTERIOR_INDEX):
            raise Damaged(f"page {number} doesn't contain rows")
        found = []
        for pointer in pointers:
            try:
                at = pointer + (4 if kind == INTERIOR_INDEX else 0)
                length, at = _varint(data, at)
                rowid = 0
                if kind == LEAF_TABLE:
                    rowid, at = _varint(data, at)
            except Damaged:
                continue
            # A length from a damaged page could ask for more memory than there is.
            if 0 < length <= MAX_PAYLOAD:
                found.append(Cell(number, rowid, at, length))
        return found

    def payload(self, cell: Cell) -> bytes:
        """The octets of a row, including its overflow pages (§1.6). Raises Damaged."""
        data = self.page(cell.page)
        kind = data[100 if cell.page == 1 else 0]
        local = _local(cell.length, table=kind == LEAF_TABLE)
        if cell.offset + local + (4 if local < cell.length else 0) > PAGE:
            raise Damaged("row extends past the end of the page")
        if local == cell.length:
            return data[cell.offset : cell.offset + local]
        parts = [data[cell.offset : cell.offset + local]]
        left = cell.length - local
        (following,) = struct.unpack_from(">I", data, cell.offset + local)
        while left > 0:
            data = self.page(following)
            (following,) = struct.unpack_from(">I", data)
            parts.append(data[4 : 4 + min(left, PAGE - 4)])
            left -= PAGE - 4
        if following:
            raise Damaged("overflow chain is too long")
        return b"".join(parts)

    def record(self, cell: Cell) -> Record:
        """The columns of a row. Raises Damaged."""
        return decode_record(self.payload(cell))

    def free(self) -> set[int]:
        """The unused pages, as far as the list of free pages can be read (§1.5)."""
        found: set[int] = set()
        try:
            (trunk,) = struct.unpack_from(">I", self.page(1), 32)
            while trunk and trunk not in found:
                data = self.page(trunk)
                found.add(trunk)
                trunk, count = struct.unpack_from(">2I", data)
                # No trunk page has room for more, so this is not a trunk.
                if count > PAGE // 4 - 2:
                    break
                found.update(one for one in struct.unpack_from(f">{count}I", data, 8) if 1 < one <= self.count)
        except Damaged:
            pass
        return found


def _checksum(order: str, data: bytes, start: tuple[int, int]) -> tuple[int, int]:
    """The running checksum of a log (§4.2)."""
    one, two = start
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for at in range(0, len(words), 2):
        one = (one + words[at] + two) & 0xFFFFFFFF
        two = (two + words[at + 1] + one) & 0xFFFFFFFF
    return one, two


def _pointers(data: bytes, number: int) -> tuple[int, list[int]]:
    """The kind of a page, and the valid offsets of its cells (§1.6). Raises Damaged."""
    start = 100 if number == 1 else 0
    kind = data[start]
    if kind not in (INTERIOR_INDEX, INTERIOR_TABLE, LEAF_INDEX, LEAF_TABLE):
        raise Damaged(f"page {number} isn't a tree page")
    count = int.from_bytes(data[start + 3 : start + 5], "big")
    first = start + (12 if kind in (INTERIOR_INDEX, INTERIOR_TABLE) else 8)
    if first + 2 * count > PAGE:
        raise Damaged(f"too many cells on page {number}")
    offsets = struct.unpack_from(f">{count}H", data, first)
    return kind, [offset for offset in offsets if first + 2 * count <= offset < PAGE]


def _children(data: bytes, number: int) -> list[int]:
    _, pointers = _pointers(data, number)
    start = 100 if number == 1 else 0
    (right,) = struct.unpack_from(">I", data, start + 8)
    return [right, *(struct.unpack_from(">I", data, at)[0] for at in reversed(pointers) if at + 4 <= PAGE)]


def _local(length: int, *, table: bool) -> int:
    """Octets of a payload that are stored in the page itself, not in overflow pages (§1.6)."""
    most = PAGE - 35 if table else (PAGE - 12) * 64 // 255 - 23
    if length <= most:
        return length
    least = (PAGE - 12) * 32 // 255 - 23
    wanted = least + (length - least) % (PAGE - 4)
    return wanted if wanted <= most else least


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Decode a signed 64-bit number in 1 to 9 octets, big-endian; returns it and the offset after it (§1.6). Raises
    Damaged.
    """
    value = 0
    for place in range(9):
        if at >= len(data):
            raise Damaged("number extends past the end of the page")
        octet = data[at]
        at += 1
        if place == 8:
            value = value << 8 | octet
            break
        value = value << 7 | octet & 0x7F
        if octet < 0x80:
            break
    return (value - (1 << 64) if value >= 1 << 63 else value), at


_INTEGERS: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""Size of an integer in octets, by serial type (§2.1)."""


def _octets(kind: int) -> int:
    """Octets of a column with a serial type (§2.1). Raises Damaged."""
    if kind in (0, 8, 9):
        return 0  # NULL and the integers 0 and 1 are told by the type alone
    if kind == 7:
        return 8
    if kind >= 12:
        return (kind - 12) // 2
    if kind in _INTEGERS:
        return _INTEGERS[kind]
    raise Damaged(f"unknown column type {kind}")


def _value(kind: int, piece: bytes) -> Value:
    if kind == 0:
        return None
    if kind in (8, 9):
        return kind - 8
    if kind == 7:
        number: float = struct.unpack(">d", piece)[0]
        return number
    if kind < 12:
        return int.from_bytes(piece, "big", signed=True)
    if kind % 2 == 0:
        return piece
    try:
        return piece.decode()
    except UnicodeDecodeError as error:
        raise Damaged("text isn't valid UTF-8") from error


def decode_record(data: bytes) -> Record:
    """The columns of a payload (§2.1). Raises Damaged."""
    length, at = _varint(data, 0)
    if not at <= length <= len(data):
        raise Damaged("row header extends past the end of the row")
    body = length
    values: list[Value] = []
    while at < length:
        kind, at = _varint(data, at)
        size = _octets(kind)
        piece = data[body : body + size]
        body += size
        if body > len(data):
            raise Damaged("column extends past the end of the row")
        values.append(_value(kind, piece))
    if at != length or body != len(data):
        raise Damaged("row is longer than its columns")
    return tuple(values)


# The rows of a damaged account: the table that a page belongs to, and whether rows are plausible (STORE-188).
#
# Pages are searched twice. First the trees are walked from the roots in the schema. A broken branch hides all pages
# below it, so then all other pages that are not in the list of free pages are read: rows of the important tables are
# recognised by the number and types of their columns.


Row = tuple[Cell, Record]

MAX_UID: Final = (1 << 32) - 1
"""The largest UID (RFC 9051 §2.3.1.1): a row with a larger one is something else."""


def _integers(record: Record, *places: int) -> bool:
    return all(isinstance(record[place], int) for place in places)


def _texts(record: Record, *places: int) -> bool:
    return all(isinstance(record[place], str) for place in places)


def _none_or(kind: type, value: Value) -> bool:
    return value is None or isinstance(value, kind)


def _mailbox(record: Record) -> bool:
    # The last column was added later: older rows are shorter.
    return (
        16 <= len(record) <= 18 and record[0] is None and _texts(record, 1, 7) and _integers(record, 3, 4, 5, 6, 8, 9)
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
    if len(record) == 9:
        return (
            record[0] is None
            and all(isinstance(record[place], bytes) for place in (1, 2, 3, 5))
            and _none_or(str, record[4])
            and _texts(record, 6, 7)
            and _integers(record, 8)
        )
    # Older rows begin with the prefix, without the wire forms. Some have the thread's parents before the last three.
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
    # The last column was added later: older rows are shorter.
    return (
        24 <= len(record) <= 25
        and record[0] is None
        and _integers(record, 1, 2, 16, 17, 18)
        and _texts(record, 4, 8, 19, *range(24, len(record)))
    )


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
