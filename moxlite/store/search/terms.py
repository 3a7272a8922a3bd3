"""Terms of a search: needles in the text of a message, combined by "and", "or", "not" (STORE-111, IMAP-121).

A term is used twice. `trigram_query` converts it to a query of the index, whose result has every match and perhaps
further messages. `holds` decides on the text itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Final, TypeAlias

import msgspec

from moxlite.store.search.texts import Text

GRAM: Final = 3
"""Characters of an indexed sequence; a shorter needle cannot be looked up in the index."""

MAX_GRAMS: Final = 12
"""Trigrams of one needle in a query: the first few rule out most messages, and each further one costs reading a list of
up to 100 kB.
"""

MAX_QUERY: Final = 240
"""Trigrams in one query: FTS5 limits the depth of an expression to 256; beyond, the texts themselves are searched."""

MAX_DEPTH: Final = 16
"""Levels of a term in a query: the parser of FTS5 has a stack of 100, of which each level takes three."""


class Where(Enum):
    """The part of a message's text that a needle must be in; in TEXT, either of the two."""

    TEXT = "text"
    HEADER = "header"
    BODY = "body"


class Has(msgspec.Struct, frozen=True, tag=True):
    """The needle is in that part. It must be folded (`proto.mime.text.fold`)."""

    needle: str
    where: Where = Where.TEXT


class Every(msgspec.Struct, frozen=True, tag=True):
    """All of these hold."""

    of: tuple[Term, ...]


class Some(msgspec.Struct, frozen=True, tag=True):
    """One of these holds."""

    of: tuple[Term, ...]


class Lacks(msgspec.Struct, frozen=True, tag=True):
    """This does not hold."""

    of: Term


Term: TypeAlias = Has | Every | Some | Lacks


def holds(term: Term, text: Text) -> bool:
    """Whether the text of a message fulfils the term. A needle cannot match across the end of the header."""
    match term:
        case Has(needle=needle, where=where):
            octets = needle.encode("utf-8", "surrogatepass")
            data, boundary = text
            if where is not Where.BODY and data.find(octets, 0, boundary) >= 0:
                return True
            return where is not Where.HEADER and data.find(octets, boundary + 1) >= 0
        case Every(of=parts):
            return all(holds(part, text) for part in parts)
        case Some(of=parts):
            return any(holds(part, text) for part in parts)
        case Lacks(of=part):
            return not holds(part, text)


def looks_into_bodies(term: Term) -> bool:
    """Whether some needle may be in a body."""
    return any(leaf.where is not Where.HEADER for leaf in _leaves(term))


def trigram_query(term: Term) -> str | None:
    """The query of the index in the syntax of FTS5; None if the term rules no message out."""
    found = _query(term, 0)
    return None if found is None or found.count('"') > 2 * MAX_QUERY else found


def _leaves(term: Term) -> Iterator[Has]:
    match term:
        case Has():
            yield term
        case Every(of=parts) | Some(of=parts):
            for part in parts:
                yield from _leaves(part)
        case Lacks(of=part):
            yield from _leaves(part)


def _query(term: Term, depth: int) -> str | None:
    if depth > MAX_DEPTH:
        return None
    match term:
        case Has(needle=needle):
            grams = _grams(needle)
            return f"({' AND '.join(grams)})" if grams else None
        case Every(of=parts):
            known = [query for part in parts if (query := _query(part, depth + 1)) is not None]
            return f"({' AND '.join(known)})" if known else None
        case Some(of=parts):
            queries = [_query(part, depth + 1) for part in parts]
            some = [query for query in queries if query is not None]
            return f"({' OR '.join(some)})" if some and len(some) == len(queries) else None
        case Lacks():
            return None


def _grams(needle: str) -> list[str]:
    """Distinct trigrams of a needle, quoted for FTS5, at most MAX_GRAMS of them from all over it."""
    # The tokeniser skips NUL, and lone surrogates are not UTF-8: only the texts can decide on such a needle.
    if "\0" in needle or any("\ud800" <= character <= "\udfff" for character in needle):
        return []
    grams = list(dict.fromkeys(needle[at : at + GRAM] for at in range(len(needle) - GRAM + 1)))
    if len(grams) > MAX_GRAMS:
        grams = [grams[number * len(grams) // MAX_GRAMS] for number in range(MAX_GRAMS)]
    return ['"' + gram.replace('"', '""') + '"' for gram in grams]
