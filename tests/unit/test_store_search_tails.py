"""Tails of stored texts (STORE-110)."""

from __future__ import annotations

import random

import apsw
import pytest
from hypothesis import given, strategies as st

from moxlite.store.search.builder import TAIL, cut


@given(st.integers(0, 20_000))
def test_a_text_and_its_tail_are_the_text(size: int) -> None:
    """STORE-110: at any size; a tail has 1,000 octets or none, and something is left in front of it."""
    data = random.Random(size).randbytes(size)
    head, tail = cut(data)
    assert head + tail == data
    assert not tail or (len(tail) == TAIL and len(head) > TAIL)


@pytest.mark.parametrize(
    ("size", "most"), [(500, 0.62), (1_500, 2.1), (2_300, 2.5), (3_000, 3.2), (3_900, 4.2), (6_400, 6.7)]
)
def test_rows_with_tails_fill_their_pages(size: int, most: float) -> None:
    """STORE-110: kB of pages for each text of a size; a text of 2.3 kB took 4.1 without its tail."""
    db = apsw.Connection(":memory:")
    db.execute("PRAGMA page_size = 4096; CREATE TABLE text (id INTEGER PRIMARY KEY, boundary INTEGER, data BLOB)")
    db.execute("CREATE TABLE tail (id INTEGER PRIMARY KEY, data BLOB)")
    rng = random.Random(size)
    for number in range(400):
        head, tail = cut(rng.randbytes(size))
        db.execute("INSERT INTO text VALUES (?, 300, ?)", (number, head))
        if tail:
            db.execute("INSERT INTO tail VALUES (?, ?)", (number, tail))
    octets = db.execute("SELECT sum(pgsize) FROM dbstat WHERE name IN ('text', 'tail')").get
    assert octets / 400 / 1000 <= most
