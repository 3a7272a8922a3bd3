"""Queries to a text index (STORE-110a, STORE-111, IMAP-156). An answer of None: the index cannot tell."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec

from moxlite.store.file.arrays import int_array
from moxlite.store.file.transaction import Reader, Row
from moxlite.store.search.fields import FieldQuery
from moxlite.store.search.index import Index
from moxlite.store.search.terms import Term, holds, trigram_query
from moxlite.store.search.texts import unpack

SIFT: Final = 5_000
"""Texts searched in one read: 50 ms."""

# One row, as in `conditions`: no return to Python for each.
CANDIDATES: Final = "SELECT group_concat(rowid) FROM (SELECT rowid FROM trigram WHERE trigram MATCH ? LIMIT ?)"
# A subquery with a limit is evaluated once for each row, not once for each use of its columns.
FIELDS: Final = """
SELECT group_concat(message_id) FILTER (WHERE hit), group_concat(message_id) FILTER (WHERE hit IS NULL)
FROM (SELECT f.message_id AS message_id, {} AS hit FROM {} LIMIT -1)"""
ALL_FIELDS: Final = "field f WHERE f.message_id > ?"
SOME_FIELDS: Final = "carray(?) v CROSS JOIN field f ON f.message_id = v.value WHERE f.message_id > ?"
BOUNDS: Final = "SELECT watermark, unread FROM state WHERE id = 1"
OPEN: Final = "SELECT message_id FROM text INDEXED BY text_boundary WHERE boundary IS NULL"
TEXTS: Final = """
SELECT v.value, t.boundary, t.data, l.data FROM carray(?) v CROSS JOIN text t ON t.message_id = v.value
LEFT JOIN tail l ON l.message_id = v.value WHERE t.data IS NOT NULL"""


class Candidates(msgspec.Struct, frozen=True):
    """Ids (ascending) of all messages up to `watermark` that may match."""

    ids: array[int]
    watermark: int


class Decided(msgspec.Struct, frozen=True):
    """Messages decided by their stored fields: ids (ascending) that match, and ids that must be read. All others up to
    `watermark` and above `unread` do not match.
    """

    matching: array[int]
    unknown: array[int]
    watermark: int
    unread: int


class Sifted(msgspec.Struct, frozen=True):
    """Messages decided by stored texts: matching and not matching. All others have no stored text."""

    matching: frozenset[int]
    ruled_out: frozenset[int]


async def candidates(index: Index, term: Term, *, most: int | None = None) -> Candidates | None:
    """The messages that may match; None if the index cannot answer, or if they are more than `most`."""
    query = trigram_query(term)
    if query is None:
        return None
    return await index.ask(partial(_candidates, query=query, most=most), "search-candidates")


async def decide(index: Index, query: FieldQuery, among: Sequence[int] | None = None) -> Decided | None:
    """Decide by the stored fields which messages match, of all or of those with some ids; None if there is no
    index.
    """
    return await index.ask(partial(_decide, query=query, among=among), "search-fields")


async def sift(index: Index, message_ids: Sequence[int], term: Term) -> Sifted | None:
    """Decide by the stored texts which messages match; None if there is no index."""
    matching: set[int] = set()
    ruled_out: set[int] = set()
    for start in range(0, len(message_ids), SIFT):
        part = message_ids[start : start + SIFT]
        found = await index.ask(partial(_sift, message_ids=part, term=term), "search-sift")
        if found is None:
            return None
        matching.update(found[0])
        ruled_out.update(found[1])
    return Sifted(frozenset(matching), frozenset(ruled_out))


def _candidates(r: Reader, query: str, most: int | None) -> Candidates | None:
    bounds = r.row(BOUNDS)
    assert bounds is not None
    listed: str | None = r.value(CANDIDATES, query, -1 if most is None else most + 1)
    ids = array("q", map(int, listed.split(",")) if listed else ())
    if most is not None and len(ids) > most:
        return None
    unread = [row[0] for row in r.rows(OPEN)]
    return Candidates(array("q", sorted({*ids, *unread})) if unread else ids, bounds[0])


def _decide(r: Reader, query: FieldQuery, among: Sequence[int] | None) -> Decided:
    bounds = r.row(BOUNDS)
    assert bounds is not None
    watermark, unread = bounds
    row: Row | None
    if among is None:
        row = r.row(FIELDS.format(query.sql, ALL_FIELDS), *query.args, unread)
    elif not among:
        row = ("", "")
    else:
        row = r.row(FIELDS.format(query.sql, SOME_FIELDS), *query.args, int_array(among), unread)
    assert row is not None  # of an aggregate
    matching, unknown = (array("q", sorted(map(int, ids.split(","))) if ids else ()) for ids in row)
    return Decided(matching, unknown, watermark, unread)


def _sift(r: Reader, message_ids: Sequence[int], term: Term) -> tuple[list[int], list[int]]:
    matching: list[int] = []
    ruled_out: list[int] = []
    for message_id, boundary, data, tail in r.iterate(TEXTS, int_array(message_ids)):
        (matching if holds(term, unpack(boundary, data, tail)) else ruled_out).append(message_id)
    return matching, ruled_out
