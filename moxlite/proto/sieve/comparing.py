"""Comparators and match types (RFC 5228 §2.7, RFC 4790, RFC 5051, RFC 5231). Time is linear in the text, also for
``:matches``.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from moxlite.proto.mime.text import casemap
from moxlite.proto.sieve.syntax import CONTAINS, IS, MATCHES

__all__ = ["COMPARATORS", "NUMERIC", "RELATIONS", "Finder", "Glob", "Values", "finder"]

OCTET: Final = "i;octet"
ASCII_CASEMAP: Final = "i;ascii-casemap"
UNICODE_CASEMAP: Final = "i;unicode-casemap"
NUMERIC: Final = "i;ascii-numeric"

_TO_UPPER: Final = {lower: lower - 32 for lower in range(ord("a"), ord("z") + 1)}
_DIGITS: Final = re.compile(r"[0-9]{1,4000}")


def _ascii_upper(text: str) -> str:
    """RFC 4790 §9.2.1: a to z become A to Z, all else stays."""
    return text.upper() if text.isascii() else text.translate(_TO_UPPER)


def _number(text: str) -> str:
    """The digits at the start without leading zeros; "" for a text without (RFC 4790 §9.1)."""
    found = _DIGITS.match(text)
    return "" if found is None else found[0].lstrip("0") or "0"


def _numeric_key(text: str) -> tuple[bool, int, str]:
    """Sort key of digits: shorter numbers are smaller, and no number is the largest. Never makes an integer of them,
    whose cost is quadratic.
    """
    digits = _number(text)
    return digits == "", len(digits), digits


COMPARATORS: Final[Mapping[str, Callable[[str], str]]] = {
    OCTET: str,
    ASCII_CASEMAP: _ascii_upper,
    UNICODE_CASEMAP: casemap,
    NUMERIC: _number,
}
"""Comparators, and the form in which each compares texts."""

RELATIONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
    "eq": operator.eq,
    "ne": operator.ne,
}
"""Relations of ``:value`` and ``:count`` (RFC 5231 §4)."""


class Values:
    """Texts that are compared with keys, and their forms, made once for each comparator.

    Attributes:
      size: characters of all texts, and one more for each: an empty text costs a comparison, too.
      forms: the texts in the form of each comparator that was asked for, by its name.
    """

    __slots__ = ("forms", "size", "texts")

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.size = sum(map(len, texts)) + len(texts)
        self.forms: dict[str, Sequence[str]] = {}

    def folded(self, comparator: str) -> Sequence[str]:
        """The texts in the form of a comparator."""
        folded = self.forms.get(comparator)
        if folded is None:
            fold = COMPARATORS[comparator]
            folded = self.forms[comparator] = [fold(text) for text in self.texts]
        return folded


Finder: TypeAlias = Callable[[Values], tuple[str, ...] | None]
"""Tells whether one of the values matches: with ``:matches`` the parts that become match variables, else nothing; None
if no value matches.
"""

_FOUND: Final[tuple[str, ...]] = ()


def finder(match: str, comparator: str, keys: Iterable[str]) -> tuple[Finder, int]:
    """The function that looks for keys, and its cost: characters that it compares for each one of a value."""
    fold = COMPARATORS[comparator]
    wanted = tuple(dict.fromkeys(keys))
    if match == IS:
        return _is(comparator, frozenset(map(fold, wanted))), 1
    if match == CONTAINS:
        return _contains(comparator, tuple(map(fold, wanted))), len(wanted)
    if match == MATCHES:
        globs = tuple(Glob(key, comparator) for key in wanted)
        return _matches(globs, comparator), sum(glob.cost for glob in globs)
    kind, _, relation = match.partition(" ")
    compare = _relation(comparator, relation, wanted)
    if kind == "count":
        return lambda values: compare((str(len(values.texts)),)), 1
    return lambda values: compare(values.texts), len(wanted)


def _is(comparator: str, keys: frozenset[str]) -> Finder:
    def find(values: Values) -> tuple[str, ...] | None:
        return None if keys.isdisjoint(values.folded(comparator)) else _FOUND

    return find


def _contains(comparator: str, keys: tuple[str, ...]) -> Finder:
    if len(keys) == 1:
        [key] = keys

        def find_one(values: Values) -> tuple[str, ...] | None:
            for text in values.folded(comparator):
                if key in text:
                    return _FOUND
            return None

        return find_one

    def find(values: Values) -> tuple[str, ...] | None:
        for text in values.folded(comparator):
            for key in keys:
                if key in text:
                    return _FOUND
        return None

    return find


def _matches(globs: tuple[Glob, ...], comparator: str) -> Finder:
    if len(globs) == 1:
        [glob] = globs
        begins = glob.begins

        def find_one(values: Values) -> tuple[str, ...] | None:
            for text, folded in zip(values.texts, values.folded(comparator), strict=True):
                if folded.startswith(begins) and (parts := glob.match(text, folded)) is not None:
                    return parts
            return None

        return find_one

    def find(values: Values) -> tuple[str, ...] | None:
        for text, folded in zip(values.texts, values.folded(comparator), strict=True):
            for glob in globs:
                if (parts := glob.match(text, folded)) is not None:
                    return parts
        return None

    return find


def _relation(
    comparator: str, relation: str, keys: tuple[str, ...]
) -> Callable[[Sequence[str]], tuple[str, ...] | None]:
    key_of: Callable[[str], Any] = _numeric_key if comparator == NUMERIC else COMPARATORS[comparator]
    compare = RELATIONS[relation]
    wanted = tuple(map(key_of, keys))

    def find(texts: Sequence[str]) -> tuple[str, ...] | None:
        for text in texts:
            key = key_of(text)
            if any(compare(key, other) for other in wanted):
                return _FOUND
        return None

    return find


class Glob:
    r"""A pattern of ``:matches``: ``*`` stands for any text, ``?`` for one character, ``\`` makes the next one plain
    (RFC 5228 §2.7.1).

    The pattern is cut at its stars. Each piece between them has a fixed length and is searched from the end of the
    piece before it. So each star stands for the shortest text (RFC 5229 §3.2), and nothing is tried twice.

    Attributes:
      begins: the beginning of all texts that match, in the form of the comparator.
      cost: characters that are compared for each one of a text, in the worst case.
    """

    __slots__ = ("_comparator", "_pieces", "begins", "cost")

    def __init__(self, pattern: str, comparator: str) -> None:
        fold = COMPARATORS[comparator]
        self._comparator = comparator
        pieces = _cut(pattern)
        self._pieces = [_Piece([fold(one) for one in literals]) for literals in pieces]
        self.begins = fold(pieces[0][0])
        self.cost = sum(map(len, pieces))

    def match(self, text: str, folded: str | None = None) -> tuple[str, ...] | None:
        """The whole text, and the texts of all wildcards in order; None if the text does not match. `folded`: the form
        of the text, if it is known.
        """
        spans = self._spans(COMPARATORS[self._comparator](text) if folded is None else folded)
        if spans is None:
            return None
        origin = _origin(text, self._comparator)
        if origin is not None:
            spans = [(origin[start], origin[end]) for start, end in spans]
        return (text, *(text[start:end] for start, end in spans))

    def _spans(self, text: str) -> list[tuple[int, int]] | None:
        first, *others = self._pieces
        if not others:
            return first.spans(0) if len(text) == first.length and first.at(text, 0) else None
        last = others.pop()
        end = len(text) - last.length
        if end < first.length or not first.at(text, 0) or not last.at(text, end):
            return None
        spans = first.spans(0)
        before = first.length
        for piece in others:
            start = piece.find(text, before, end)
            if start < 0:
                return None
            spans.append((before, start))
            spans += piece.spans(start)
            before = start + piece.length
        spans.append((before, end))
        return spans + last.spans(end)


class _Piece:
    """A part of a pattern without stars: literals, and a ``?`` between each two of them.

    It is searched by its longest literal; then the others are compared.
    """

    __slots__ = ("_anchor", "_literals", "_longest", "_starts", "length")

    def __init__(self, literals: list[str]) -> None:
        self._literals = literals
        self._starts: list[int] = []
        at = 0
        for literal in literals:
            self._starts.append(at)
            at += len(literal) + 1
        self.length = at - 1
        longest = max(range(len(literals)), key=lambda index: len(literals[index]))
        self._longest = literals[longest]
        self._anchor = self._starts[longest]

    def at(self, text: str, start: int) -> bool:
        """Whether the piece is at this place, which has room for it."""
        for literal, place in zip(self._literals, self._starts, strict=True):
            if not text.startswith(literal, start + place):
                return False
        return True

    def find(self, text: str, start: int, end: int) -> int:
        """The first place of the piece in ``text[start:end]``, -1 without one."""
        last = end - self.length
        while start <= last:
            found = text.find(self._longest, start + self._anchor, last + self._anchor + len(self._longest))
            if found < 0:
                return -1
            start = found - self._anchor
            if self.at(text, start):
                return start
            start += 1
        return -1

    def spans(self, start: int) -> list[tuple[int, int]]:
        """The places of each ``?`` when the piece is at `start`."""
        return [(start + place - 1, start + place) for place in self._starts[1:]]


def _cut(pattern: str) -> list[list[str]]:
    """The pieces between stars; each as the literals between question marks."""
    pieces: list[list[str]] = [[]]
    literal: list[str] = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            literal.append(next(characters, "\\"))
        elif character in "*?":
            pieces[-1].append("".join(literal))
            literal = []
            if character == "*":
                pieces.append([])
        else:
            literal.append(character)
    pieces[-1].append("".join(literal))
    return pieces


def _origin(text: str, comparator: str) -> list[int] | None:
    """For each offset of the form of a text, the offset in the text; None where they are the same."""
    if comparator != UNICODE_CASEMAP or text.isascii():
        return None
    fold = COMPARATORS[comparator]
    origin: list[int] = []
    for at, character in enumerate(text):
        origin += [at] * len(fold(character))
    origin.append(len(text))
    return origin
