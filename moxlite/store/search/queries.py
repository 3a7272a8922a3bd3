"""Queries to a text index (STORE-110a, STORE-111, IMAP-156). An answer of None: the index cannot tell."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from functools import partial
from typing import Final, TypeAlias

import msgspec

from moxlite.encoding import json_decoder
from moxlite.proto.mime.addresstext import header_words
from moxlite.proto.mime.text import SIGNATURE_FIELDS
from moxlite.store.file.transaction import Reader, Row, int_array
from moxlite.store.search.index import Index
from moxlite.store.search.texts import FieldQuery, Text, unpack

# Terms of a search: needles in the text of a message, combined by "and", "or", "not" (STORE-111, IMAP-121).
#
# A term is used twice. `trigram_query` converts it to a query of the index, whose result has every match and perhaps
# further messages. `holds` decides on the text itself.


GRAM: Final = 3
"""Characters of an indexed sequence. A needle of two is looked up as all sequences that begin with it; one character
cannot be looked up.
"""

MAX_GRAMS: Final = 12
"""Trigrams of one needle in a query: the first few rule out most messages, and each further one costs reading a list of
up to 100 kB.
"""

MAX_QUERY: Final = 240
"""Trigrams in one query: FTS5 limits the depth of an expression to 256; beyond, the texts themselves are searched."""

MAX_DEPTH: Final = 16
"""Levels of a query's term. The FTS5 parser has a stack of 100, and each level needs three."""


class SearchedPart(Enum):
    """The part of a message's text that a needle must be in; in TEXT, either of the two."""

    TEXT = "text"
    HEADER = "header"
    BODY = "body"


class Contains(msgspec.Struct, frozen=True, tag=True):
    """The needle is in that part. It must be folded (`proto.mime.text.fold`)."""

    needle: str
    where: SearchedPart = SearchedPart.TEXT


class AllOf(msgspec.Struct, frozen=True, tag=True):
    """All of these hold."""

    of: tuple[Term, ...]


class AnyOf(msgspec.Struct, frozen=True, tag=True):
    """One of these holds."""

    of: tuple[Term, ...]


class Lacks(msgspec.Struct, frozen=True, tag=True):
    """This does not hold."""

    of: Term


Term: TypeAlias = Contains | AllOf | AnyOf | Lacks


def holds(term: Term, text: Text) -> bool:
    """Whether the text of a message fulfils the term. A needle cannot match across the end of the header."""
    match term:
        case Contains(needle=needle, where=where):
            octets = needle.encode("utf-8", "surrogatepass")
            data, boundary = text
            if where is not SearchedPart.BODY and data.find(octets, 0, boundary) >= 0:
                return True
            return where is not SearchedPart.HEADER and data.find(octets, boundary + 1) >= 0
        case AllOf(of=parts):
            return all(holds(part, text) for part in parts)
        case AnyOf(of=parts):
            return any(holds(part, text) for part in parts)
        case Lacks(of=part):
            return not holds(part, text)


def in_header(field: str, words: Sequence[str]) -> list[Term]:
    """Terms that hold for each message with these folded words in that header field: none for a field whose text is
    incomplete.
    """
    return [] if field.lower() in SIGNATURE_FIELDS else [Contains(word, SearchedPart.HEADER) for word in words]


def in_addresses(needle: str) -> list[Term]:
    """Terms that hold for each message with a folded needle in a subject, a name or an address, whichever spelling its
    domain has there.
    """
    return [
        Contains(texts[0], SearchedPart.HEADER)
        if len(texts) == 1
        else AnyOf(tuple(Contains(text, SearchedPart.HEADER) for text in texts))
        for texts in header_words(needle)
    ]


def looks_into_bodies(term: Term) -> bool:
    """Whether some needle may be in a body."""
    return any(leaf.where is not SearchedPart.HEADER for leaf in _leaves(term))


Expand: TypeAlias = Callable[[str], Sequence[str]]
"""Returns the indexed sequences that begin with two characters."""


def trigram_query(term: Term, expand: Expand | None = None) -> str | None:
    """The query of the index in the syntax of FTS5; None if the term rules no message out. Without `expand` needles of
    two characters rule none out.
    """
    found = _query(term, 0, expand)
    return None if found is None or found.count('"') > 2 * MAX_QUERY else found


def _leaves(term: Term) -> Iterator[Contains]:
    match term:
        case Contains():
            yield term
        case AllOf(of=parts) | AnyOf(of=parts):
            for part in parts:
                yield from _leaves(part)
        case Lacks(of=part):
            yield from _leaves(part)


def is_exact(term: Term) -> bool:
    """Whether the messages that the index finds are the matches, so that no text need be looked into: needles of two or
    three characters.
    """
    if isinstance(term, AllOf | AnyOf):
        return bool(term.of) and all(isinstance(part, Contains) and is_exact(part) for part in term.of)
    if not isinstance(term, Contains) or term.where is not SearchedPart.TEXT:
        return False
    # A line feed may be that between header and body; U+FFFD is in the index what is no UTF-8 in a text.
    return 2 <= len(term.needle) <= GRAM and _is_indexed(term.needle) and not {"\n", "\ufffd"} & set(term.needle)


def _query(term: Term, depth: int, expand: Expand | None) -> str | None:
    if depth > MAX_DEPTH:
        return None
    match term:
        case Contains(needle=needle):
            if expand is not None and len(needle) == GRAM - 1 and _is_indexed(needle):
                return f"({' OR '.join(_quoted(expand(needle) or [needle + NOWHERE]))})"
            grams = _grams(needle)
            return f"({' AND '.join(grams)})" if grams else None
        case AllOf(of=parts):
            known = [query for part in parts if (query := _query(part, depth + 1, expand)) is not None]
            return f"({' AND '.join(known)})" if known else None
        case AnyOf(of=parts):
            queries = [_query(part, depth + 1, expand) for part in parts]
            some = [query for query in queries if query is not None]
            return f"({' OR '.join(some)})" if some and len(some) == len(queries) else None
        case Lacks():
            return None


def _grams(needle: str) -> list[str]:
    """Distinct trigrams of a needle, quoted for FTS5, at most MAX_GRAMS of them from all over it."""
    if not _is_indexed(needle):
        return []
    grams = list(dict.fromkeys(needle[at : at + GRAM] for at in range(len(needle) - GRAM + 1)))
    if len(grams) > MAX_GRAMS:
        grams = [grams[number * len(grams) // MAX_GRAMS] for number in range(MAX_GRAMS)]
    return _quoted(grams)


def _is_indexed(needle: str) -> bool:
    """The tokeniser skips NUL, and lone surrogates are not UTF-8: only the texts can decide on a needle with these."""
    return "\0" not in needle and not any("\ud800" <= character <= "\udfff" for character in needle)


def _quoted(grams: Sequence[str]) -> list[str]:
    return ['"' + gram.replace('"', '""') + '"' for gram in grams]


SIFT: Final = 5_000
"""Texts searched in one read: 50 ms."""

# One row, as in `conditions`: no return to Python for each.
CANDIDATES: Final = "SELECT json_group_array(rowid) FROM (SELECT rowid FROM trigram WHERE trigram MATCH ? LIMIT ?)"
# A subquery with a limit is evaluated once for each row, not once for each use of its columns.
FIELDS: Final = """
SELECT group_concat(message_id) FILTER (WHERE hit), group_concat(message_id) FILTER (WHERE hit IS NULL)
FROM (SELECT f.message_id AS message_id, {} AS hit FROM {} LIMIT -1)"""
ALL_FIELDS: Final = "field f"
SOME_FIELDS: Final = "carray(?) v CROSS JOIN field f ON f.message_id = v.value"
# Likewise. The rows are few and narrow.
FILES: Final = """
SELECT json_group_array(message_id) FROM (
    SELECT message_id FROM file WHERE beside >= ? AND (names IS NULL OR instr(names, ?) > 0) LIMIT ?)"""
LISTED_FILES: Final = "SELECT watermark FROM state WHERE id = 1 AND unlisted = 0"
BEGINNING: Final = "SELECT term FROM vocabulary WHERE term >= ? AND term <= ?"
LAST: Final = "\U0010ffff"
NOWHERE: Final = "\uffff"
"""A character that no text has: it is for no interchange."""

WATERMARK: Final = "SELECT watermark FROM state WHERE id = 1"
OPEN: Final = "SELECT message_id FROM text INDEXED BY text_boundary WHERE boundary IS NULL"
TEXTS: Final = """
SELECT v.value, t.boundary, t.data, l.data FROM carray(?) v CROSS JOIN text t ON t.message_id = v.value
LEFT JOIN tail l ON l.message_id = v.value WHERE t.data IS NOT NULL"""


class Candidates(msgspec.Struct, frozen=True):
    """Ids (ascending) of all messages up to `watermark` that may match. `unread`: ids of messages without a stored
    text. `exact`: all others match.
    """

    ids: array[int]
    watermark: int
    unread: array[int]
    exact: bool


class FileHint(msgspec.Struct, frozen=True):
    """A message has a file with this folded text in its name, any for ""; `beside`: one that isn't a picture in the
    text.
    """

    name: str = ""
    beside: bool = False


class FieldResult(msgspec.Struct, frozen=True):
    """Messages decided by their stored fields: ids (ascending) that match, and ids that must be read. All others up to
    `watermark` do not match.
    """

    matching: array[int]
    unknown: array[int]
    watermark: int


class TextResult(msgspec.Struct, frozen=True):
    """Messages decided by stored texts: matching and not matching. All others have no stored text."""

    matching: frozenset[int]
    ruled_out: frozenset[int]


async def candidates(index: Index, term: Term, *, most: int | None = None) -> Candidates | None:
    """The messages that may match; None if the index cannot answer, or if there are more than `most`. Then needles of
    two characters, mostly common ones, are not looked up either.
    """
    if trigram_query(term, None if most is not None else lambda needle: (needle,)) is None:
        return None
    return await index.ask(partial(_candidates, term=term, most=most), "search-candidates")


async def with_files(index: Index, hint: FileHint, *, most: int | None = None) -> Candidates | None:
    """The messages that may have such a file; None if the index cannot answer, or if there are more than `most`."""
    return await index.ask(partial(_with_files, hint=hint, most=most), "search-files")


async def decide(index: Index, query: FieldQuery, among: Sequence[int] | None = None) -> FieldResult | None:
    """Decide by the stored fields which messages match, of all or of those with some ids; None if there is no
    index.
    """
    return await index.ask(partial(_decide, query=query, among=among), "search-fields")


async def sift(index: Index, message_ids: Sequence[int], term: Term) -> TextResult | None:
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
    return TextResult(frozenset(matching), frozenset(ruled_out))


def _candidates(r: Reader, term: Term, most: int | None) -> Candidates | None:
    def expand(needle: str) -> list[str]:
        return [row[0] for row in r.rows(BEGINNING, needle, needle + LAST)]

    query = trigram_query(term, expand if most is None else None)
    if query is None:
        return None
    watermark = r.value(WATERMARK)
    ids = array("q", _numbers.decode(r.value(CANDIDATES, query, -1 if most is None else most + 1)))
    if most is not None and len(ids) > most:
        return None
    unread = array("q", [row[0] for row in r.rows(OPEN)])
    return Candidates(array("q", sorted({*ids, *unread})) if unread else ids, watermark, unread, is_exact(term))


def _with_files(r: Reader, hint: FileHint, most: int | None) -> Candidates | None:
    row = r.row(LISTED_FILES)
    if row is None:
        return None
    # a line feed would match between two names, which may not be next to each other where they're shown
    name = hint.name if _is_indexed(hint.name) and "\n" not in hint.name else ""
    ids = array("q", _numbers.decode(r.value(FILES, int(hint.beside), name, -1 if most is None else most + 1)))
    if most is not None and len(ids) > most:
        return None
    return Candidates(array("q", sorted(ids)), row[0], array("q"), exact=False)


_numbers: Final = json_decoder(list[int])


def _decide(r: Reader, query: FieldQuery, among: Sequence[int] | None) -> FieldResult:
    row: Row | None
    if among is None:
        row = r.row(FIELDS.format(query.sql, ALL_FIELDS), *query.args)
    elif not among:
        row = ("", "")
    else:
        row = r.row(FIELDS.format(query.sql, SOME_FIELDS), *query.args, int_array(among))
    assert row is not None  # of an aggregate
    matching, unknown = (array("q", sorted(map(int, ids.split(","))) if ids else ()) for ids in row)
    return FieldResult(matching, unknown, r.value(WATERMARK))


def _sift(r: Reader, message_ids: Sequence[int], term: Term) -> tuple[list[int], list[int]]:
    matching: list[int] = []
    ruled_out: list[int] = []
    for message_id, boundary, data, tail in r.iterate(TEXTS, int_array(message_ids)):
        (matching if holds(term, unpack(boundary, data, tail)) else ruled_out).append(message_id)
    return matching, ruled_out
