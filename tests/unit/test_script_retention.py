"""The pages about what is kept, and for how long (script/generators/retention.py)."""

import re
import sys
from collections import Counter
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent.parent
sys.path.insert(0, str(TOP / "script"))
from generators import retention  # noqa: E402 - beside the tests, not installed

CREATED = re.compile(r"^CREATE (?:VIRTUAL )?TABLE (?:IF NOT EXISTS )?([a-z_]+)", re.MULTILINE)
DROPPED = re.compile(r"^DROP TABLE (?:IF EXISTS )?([a-z_]+)", re.MULTILINE)


def tables() -> set[tuple[str, str]]:
    """The tables of all databases, with their kinds."""
    present: set[tuple[str, str]] = set()
    for path in sorted((TOP / "moxlite/schema").glob("[a-z]*/[0-9]*.sql")):
        kind, text = path.parent.name, path.read_text()
        present -= {(kind, name) for name in DROPPED.findall(text)}
        present |= {(kind, name) for name in CREATED.findall(text)}
    return present


def test_each_table_of_a_database_is_in_one_row() -> None:
    """ADMIN-88: a new table must be added to a row, with the time after which the code removes what is in it."""
    named: Counter[tuple[str, str]] = Counter()
    for row in retention.ROWS:
        kind = ""
        for word in row.tables.split():
            if word.endswith(":"):
                kind = word[:-1]
            else:
                named[kind, word] += 1
    assert set(named) - tables() == set(), "no such tables"
    assert tables() - set(named) == set(), "tables without a row"
    assert [table for table, count in named.items() if count > 1] == []


@pytest.mark.parametrize("path", ["docs/kept.md", "docs/retention.md"])
def test_the_pages_have_the_periods_of_the_code(path: str) -> None:
    """ADMIN-88"""
    content = retention.outputs()[path]
    assert (TOP / path).read_bytes() == content
    for row in (b"| Deleted mail | 7 days ", b"IP address and program | 30 days |", b"(audit log) | 365 days |"):
        assert row in content


def test_browsers_keep_what_is_typed_as_long_as_the_pages_say() -> None:
    """ADMIN-88, WEBMAIL-183"""
    assert retention.FORMS.days == 7
    for path in ("frontend/lib/unsaved.ts", "frontend/lib/beside.ts"):
        assert "7 * 86_400_000" in (TOP / path).read_text()


def test_the_page_for_users_has_what_is_theirs() -> None:
    """ADMIN-88: nothing about other users' data or the server's own."""
    pages = {path: content.decode() for path, content in retention.outputs().items()}
    rows = {path: set(re.findall(r"^\| .* \|$", text, re.MULTILINE)) for path, text in pages.items()}
    assert rows["docs/kept.md"] < rows["docs/retention.md"]
    assert "standby" not in pages["docs/kept.md"]
