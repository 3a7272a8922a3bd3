"""Rows that may have a megabyte are read one by one or in portions, wherever a statement reads many (STORE-198b)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from moxlite.store.file.transaction import PORTION, portion, portions

SOURCE = Path(__file__).parents[2] / "moxlite"
LARGE = re.compile(
    r"(?<!length\()(?<!instr\()\b(?:[ih]\.(?:structure|envelope|bodystructure|header)|SELECT structure)\b"
)
"""Columns with what is derived from a message. The length of a BLOB is known without its octets."""

BOUNDED = {"store/mail/remotes.py MARKED": "eight rows"}


def reads(path: Path) -> Iterator[str]:
    """Names of statements of a module that read large columns, themselves or by a text within, as a list."""
    source = path.read_text()
    large: set[str] = set()
    for node in ast.walk(ast.parse(source)):  # texts come before the statements that use them
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            named = {part.id for part in ast.walk(node.value) if isinstance(part, ast.Name)}
            text = re.sub(r"CASE .*? END", "", ast.unparse(node.value), flags=re.DOTALL)
            if LARGE.search(text) or named & large:
                large.add(node.target.id)
    for name in re.findall(r"\.rows\(\s*(\w+)", source):
        if name in large:
            yield f"{path.relative_to(SOURCE)} {name}"


def test_no_list_is_made_of_large_rows() -> None:
    """STORE-198b"""
    found = {name for path in sorted(SOURCE.rglob("*.py")) for name in reads(path)}
    assert found | BOUNDED.keys() == found
    assert found - BOUNDED.keys() == set()


def test_a_portion_ends_with_the_row_that_fills_it() -> None:
    """STORE-198b: at least one row, each once, in their order; no further row is read."""
    rows = [(number, b"x" * size) for number, size in enumerate((3 * PORTION, 1, PORTION, 0, 1))]
    read: list[int] = []

    def reading() -> Iterator[tuple[int, bytes]]:
        for row in rows:
            read.append(row[0])
            yield row

    source = reading()
    assert portion(source, (1,)) == (rows[:1], True)
    assert read == [0]
    assert [*portions(source, (1,))] == [rows[1:3], rows[3:]]
    assert portion(iter(()), (1,)) == ([], False)
