"""Findings of a check of a file, and SQLite's own check."""

from __future__ import annotations

from typing import Final

import msgspec

from moxlite.store.file.transaction import Reader

MAX_PER_KIND: Final = 20
"""Findings reported of one kind: a broken rule may concern every row."""


class Finding(msgspec.Struct, frozen=True):
    """One fault: its kind, and a sentence that names the rows."""

    kind: str
    text: str


def quick_check(r: Reader) -> list[Finding]:
    """SQLite's own check of the file: pages, order of rows, NOT NULL, CHECK. Linear in the size of the file."""
    rows = r.rows(f"PRAGMA quick_check({MAX_PER_KIND})")
    return [] if rows == [("ok",)] else [Finding("file", str(row[0])) for row in rows]
