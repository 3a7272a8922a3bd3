"""Comparators and match types (RFC 5228 §2.7, RFC 4790, RFC 5051, RFC 5231, draft-murchison-sieve-regex). What they
cost is charged to the budget of the run first; time is linear in the text, also for ``:matches`` and ``:regex``.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from moxlite.proto.mime.text import casemap
from moxlite.proto.patterns.dialect import Posix, UnsupportedByRE2
from moxlite.proto.patterns.linear import MAX_MEMORY, MAX_TEXT, Linear, Text, linear
from moxlite.proto.sieve.errors import RunError
from moxlite.proto.sieve.limits import CALL, MAX_CAPTURES, MAX_EXPRESSION, MAX_VALUE, Budget, weight
from moxlite.proto.sieve.syntax import CONTAINS, IS, MATCHES, REGEX

OCTET: Final = "i;octet"
ASCII_CASEMAP: Final = "i;ascii-casemap"
UNICODE_CASEMAP: Final = "i;unicode-casemap"
NUMERIC: Final = "i;ascii-numeric"

FOLDED: Final = 64
"""Work of folding a character for UNICODE_CASEMAP, as `casemap` knows it."""

LETTER: Final = 1024
"""Work of folding a character that `casemap` does not know: it must be looked up in the tables of Unicode."""

BLOCK: Final = 4096
"""Characters that are folded at once: none of other threads waits for more."""

LONG: Final = 100
"""Characters of a key from which on CPython's search is linear; below, it compares most of the key at each place."""

_DIGITS: Final = re.compile(r"[0-9]{1,4000}")


def _ascii_upper(text: str) -> str:
    """RFC 4790 §9.2.1: a to z become A to Z, all else stays."""
    if text.isascii():
        return text.upper()
    return text.encode("utf-8", "surrogatepass").upper().decode("utf-8", "surrogatepass")  # octets have ASCII alone


def _number(text: str) -> str:
    """The digits at the start without leading zeros; "" for a text without (RFC 4790 §9.1)."""
    match = _DIGITS.match(text)
    return "" if match is None else match[0].lstrip("0") or "0"


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


def fold(text: str, comparator: str, budget: Budget) -> str:
    """The form of a text in which a comparator compares it; charged before it is made."""
    if comparator == OCTET:
        return text
    if comparator != UNICODE_CASEMAP or text.isascii():
        budget.make(weight(text))
        return COMPARATORS[comparator](text)
    return "".join(_blocks(text, budget))


def _blocks(text: str, budget: Budget) -> Iterator[str]:
    for at in range(0, len(text), BLOCK):
        block = text[at : at + BLOCK]
        budget.charge(FOLDED * len(block) + LETTER * len(set(block)))
        folded = casemap(block)  # up to 18 characters for one
        budget.make(2 * weight(folded))
        yield folded


def charge_keys(keys: Sequence[str], match: str, comparator: str, budget: Budget) -> None:
    """Charge for keys that a run makes out of variables, before `finder` takes them."""
    for key in keys:
        budget.make(weight(key))
        if comparator == UNICODE_CASEMAP and not key.isascii():
            budget.charge((FOLDED + LETTER) * len(key))
            budget.make(18 * weight(key))
        if match == MATCHES:
            budget.make(GLOB * len(key))
        if match == REGEX:
            budget.make(MAX_MEMORY)
            budget.charge(COMPILING * min(len(key), MAX_EXPRESSION))


GLOB: Final = 192
"""Octets, and work, for each character of a pattern that is made for a test alone."""

COMPILING: Final = 1024
"""Work for each character of a regular expression that is compiled for a test alone."""

STEP: Final = 8
"""Work of a step of a regular expression with groups: 25 ns in the worst case."""

PLAIN_STEP: Final = 4
"""Work of a step of one without groups."""

CASES: Final = {OCTET: Posix.CASE, ASCII_CASEMAP: Posix.ASCII_CASELESS, UNICODE_CASEMAP: Posix.CASELESS}
"""How comparators read regular expressions."""


class Values:
    """Texts that are compared with keys, and their forms, made once for each comparator.

    Attributes:
      size: characters of all texts, and CALL for each, since an empty text costs a comparison, too.
      forms: the texts in the form of each comparator that was asked for, by its name.
    """

    __slots__ = ("_prepared", "forms", "size", "texts")

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.size = sum(map(len, texts)) + CALL * len(texts)
        self.forms: dict[str, Sequence[str]] = {}
        self._prepared: Sequence[Text] | None = None

    def folded(self, comparator: str, budget: Budget) -> Sequence[str]:
        """The texts in the form of a comparator."""
        folded = self.forms.get(comparator)
        if folded is None:
            folded = self.forms[comparator] = [fold(text, comparator, budget) for text in self.texts]
        return folded

    def prepared(self, budget: Budget) -> Sequence[Text]:
        """The beginnings of the texts, for regular expressions."""
        if self._prepared is None:
            budget.make(sum(4 * weight(text[:MAX_TEXT]) for text in self.texts))
            self._prepared = [Text(text) for text in self.texts]
        return self._prepared


Finder: TypeAlias = Callable[[Values, Budget], tuple[str, ...] | None]
"""Tells whether one of the values matches: with ``:matches`` and ``:regex`` the parts that become match variables, else
nothing; None if no value matches.
"""

_FOUND: Final[tuple[str, ...]] = ()


def search_cost(key: str) -> int:
    """Work of the search of a key, for each character of a text: CPython compares an eighth of the key at each place,
    in the worst case.
    """
    return 1 + min(len(key), LONG) // 8


def finder(match: str, comparator: str, keys: Iterable[str], *, captures: bool = False) -> tuple[Finder, int]:
    """The function that looks for keys, and its cost: work for each unit of the size of values.

    Args:
      captures: whether match variables are asked for.

    Raises RunError for a regular expression that cannot be searched.
    """
    fold = COMPARATORS[comparator]
    wanted = tuple(dict.fromkeys(keys))
    if match == IS:
        return _is(comparator, frozenset(map(fold, wanted))), 1
    if match == CONTAINS:
        return _contains(comparator, tuple(map(fold, wanted))), sum(map(search_cost, wanted))
    if match == MATCHES:
        globs = tuple(Glob(key, comparator) for key in wanted)
        return _matches(globs, comparator, captures), sum(glob.cost for glob in globs)
    if match == REGEX:
        return _regex(tuple(expression(key, comparator, captures=captures) for key in wanted), captures), 0
    kind, _, relation = match.partition(" ")
    compare = _relation(comparator, relation, wanted)
    if kind == "count":
        return lambda values, budget: compare((str(len(values.texts)),), budget), len(wanted)
    return lambda values, budget: compare(values.texts, budget), len(wanted)


def _is(comparator: str, keys: frozenset[str]) -> Finder:
    def find(values: Values, budget: Budget) -> tuple[str, ...] | None:
        return None if keys.isdisjoint(values.folded(comparator, budget)) else _FOUND

    return find


def _contains(comparator: str, keys: tuple[str, ...]) -> Finder:
    def find(values: Values, budget: Budget) -> tuple[str, ...] | None:
        for text in values.folded(comparator, budget):
            for key in keys:
                if key in text:
                    return _FOUND
        return None

    return find


def _matches(globs: tuple[Glob, ...], comparator: str, captures: bool) -> Finder:
    def find(values: Values, budget: Budget) -> tuple[str, ...] | None:
        for text, folded in zip(values.texts, values.folded(comparator, budget), strict=True):
            for glob in globs:
                if folded.startswith(glob.begins) and (spans := glob.spans(folded, budget)) is not None:
                    return _captured(text, spans, comparator, budget) if captures else _FOUND
        return None

    return find


def expression(key: str, comparator: str, *, captures: bool) -> Linear:
    """A regular expression, compiled. Raises RunError for a text that is not one, or takes unbounded time."""
    try:
        if len(key) > MAX_EXPRESSION:
            raise UnsupportedByRE2(f"more than {MAX_EXPRESSION} characters")
        return linear(key, groups=captures, posix=CASES[comparator])
    except UnsupportedByRE2 as error:
        raise RunError(f"unsupported regular expression {key[:40]!r}: {error}") from None


def _regex(programs: tuple[Linear, ...], captures: bool) -> Finder:
    """Each search is charged by the length of the text × the size of the program."""

    def find(values: Values, budget: Budget) -> tuple[str, ...] | None:
        for text in values.prepared(budget):
            for program in programs:
                if captures:
                    budget.charge(STEP * program.charge(text))
                    spans = program.spans(text, MAX_CAPTURES)
                    if spans is not None:
                        budget.make(sum(8 * (end - start) for start, end in spans))
                        return tuple(text.part(span)[:MAX_VALUE] for span in spans)
                else:
                    budget.charge(PLAIN_STEP * program.charge(text))
                    if program.is_in(text):
                        return _FOUND
        return None

    return find


def _captured(text: str, spans: Sequence[tuple[int, int]], comparator: str, budget: Budget) -> tuple[str, ...]:
    """The match variables: the whole text, and the texts of the first wildcards, each as long as a variable may be
    (RFC 5229 §3.2).

    Args:
      spans: places of wildcards in the form of the text, in order.
    """
    spans = spans[: MAX_CAPTURES - 1]
    if comparator == UNICODE_CASEMAP and not text.isascii():
        budget.charge(FOLDED * len(text))
        places = _places(text, sorted({place for span in spans for place in span}))
        spans = [(places[start], places[end]) for start, end in spans]
    found = [text[start : min(end, start + MAX_VALUE)] for start, end in ((0, len(text)), *spans)]
    budget.make(sum(map(weight, found)))
    return tuple(found)


def _places(text: str, wanted: Sequence[int]) -> dict[int, int]:
    """For places in the form of a text, in order, their places in the text."""
    places: dict[int, int] = {}
    left = iter(wanted)
    place = next(left, -1)
    length = 0
    for at, character in enumerate(text):
        length += len(casemap(character))
        while 0 <= place < length:
            places[place] = at
            place = next(left, -1)
        if place < 0:
            return places
    return {**places, place: len(text)}


def _relation(
    comparator: str, relation: str, keys: tuple[str, ...]
) -> Callable[[Sequence[str], Budget], tuple[str, ...] | None]:
    compare = RELATIONS[relation]
    wanted = tuple(_numeric_key(key) if comparator == NUMERIC else COMPARATORS[comparator](key) for key in keys)

    def find(texts: Sequence[str], budget: Budget) -> tuple[str, ...] | None:
        for text in texts:
            key = _numeric_key(text) if comparator == NUMERIC else fold(text, comparator, budget)
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
      cost: work for each character of a text; what pieces with ``?`` cost beyond is charged as it is found.
    """

    __slots__ = ("_pieces", "begins", "cost")

    def __init__(self, pattern: str, comparator: str) -> None:
        fold = COMPARATORS[comparator]
        self._pieces = [_Piece(tuple(map(fold, literals))) for literals in _cut(pattern)]
        self.begins = self._pieces[0].begins
        self.cost = max(search_cost(piece.longest) for piece in self._pieces)

    def spans(self, text: str, budget: Budget) -> list[tuple[int, int]] | None:
        """The places of all wildcards in order, in the form of a text; None if the text does not match."""
        budget.charge(CALL * len(self._pieces))
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
            start = piece.find(text, before, end, budget)
            if start < 0:
                return None
            if len(spans) < MAX_CAPTURES:
                spans.append((before, start))
                spans += piece.spans(start)
            before = start + piece.length
        if len(spans) < MAX_CAPTURES:
            spans.append((before, end))
            spans += last.spans(end)
        return spans


class _Piece:
    """A part of a pattern without stars: literals, and a ``?`` between each two of them.

    It is searched by its longest literal; then the others are compared.

    Attributes:
      begins: its first literal. longest: its longest one. length: of all texts that match.
    """

    __slots__ = ("_literals", "begins", "length", "longest")

    def __init__(self, literals: tuple[str, ...]) -> None:
        self._literals = literals
        self.begins = literals[0]
        self.longest = max(literals, key=len)
        self.length = sum(map(len, literals)) + len(literals) - 1

    def at(self, text: str, start: int) -> bool:
        """Whether the piece is at this place, which has room for it."""
        for literal in self._literals:
            if not text.startswith(literal, start):
                return False
            start += len(literal) + 1
        return True

    def find(self, text: str, start: int, end: int, budget: Budget) -> int:
        """The first place of the piece in ``text[start:end]``, -1 without one."""
        if len(self._literals) == 1:
            return text.find(self.longest, start, end)
        anchor = self._anchor()
        work = CALL * len(self._literals) + self.length
        last = end - self.length
        while start <= last:
            budget.charge(work)
            found = text.find(self.longest, start + anchor, last + anchor + len(self.longest))
            if found < 0:
                return -1
            start = found - anchor
            if self.at(text, start):
                return start
            start += 1
        return -1

    def _anchor(self) -> int:
        """The place of the longest literal in the piece."""
        at = 0
        for literal in self._literals:
            if literal is self.longest:
                break
            at += len(literal) + 1
        return at

    def spans(self, start: int) -> list[tuple[int, int]]:
        """The places of the first ``?``, when the piece is at `start`."""
        found: list[tuple[int, int]] = []
        for literal in self._literals[: min(MAX_CAPTURES, len(self._literals) - 1)]:
            start += len(literal) + 1
            found.append((start - 1, start))
        return found


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
