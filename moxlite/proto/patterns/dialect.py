r"""Patterns in the dialect of the package `regex` (version 0, Unicode), written for RE2 with the same meaning.

Theory of operation
-------------------
RE2's ``\w`` and ``\b`` know ASCII alone, and it has nothing from which a Unicode ``\b`` could be made. So the text is
marked: each word character outside ASCII, and each underscore, gets an underscore on both sides: ``a_größe`` becomes
``a___gr_ö__ß_e``. Then

- a position between two characters is a word boundary for RE2 where it is one for `regex`: a marked character begins
  and ends with a word character of ASCII;
- ``\w`` is a letter or digit of ASCII, or anything between underscores: a dozen instructions instead of 1,300;
- a search that begins with the text and goes on by whole characters never looks into a mark (`START`).

The writer goes through a pattern once, and writes one RE2 expression for each of its parts. What has no counterpart
raises UnsupportedByRE2: look-around, references to groups, atomic groups, fuzzy matches, flags in the middle.

``$`` is written as the end of the text. For `regex` it is also the place before a newline at the end; texts are
searched without one.

Extended regular expressions of POSIX, for Sieve, are read by the same writer (`Posix`): classes such as ``[:alpha:]``
have names, a backslash in brackets is one, and the case of letters counts as a comparator says. What POSIX leaves open,
such as ``\w`` and ``(?:…)``, has the meaning of `regex`. Of alternatives the first that fits counts, not the longest.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import Final

import msgspec

START: Final = r"\A(?s:[^_]|_._)*?"
"""Goes from the start of a marked text to the start of a match, over whole characters."""

MAX_DEPTH: Final = 50
"""Groups in one another. RE2 takes 1,000; this writer calls itself for each."""

MAX_REPEAT: Final = 1000
"""Highest count of a repetition, as in RE2."""

_MARKED: Final = re.compile(r"_|[^\x00-\x7f]")
_MARK: Final = re.compile(r"_(.)_", re.DOTALL)

_QUANTIFIER: Final = re.compile(r"[*+?]|\{(\d*+)(,?+)(\d*+)\}")
_FLAGS: Final = re.compile(r"\(\?([imsu]++)\)")
_GROUP: Final = re.compile(r"\?(?:P?<([^\W\d]\w*+)>|([imsu]*+(?:-[ims]++)?):)")
_CODE: Final = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})")
_NAMED: Final = re.compile(r":([a-z]{1,9}):\]")
_SYMBOL: Final = re.compile(r"([.=])(.)\1\]", re.DOTALL)
_PROPERTY: Final = re.compile(r"[pP](?:([LMNPSZ])|\{(\^?+)([A-Z][a-z]?)\})")

# fmt: off
CATEGORIES: Final = frozenset({
    "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No",
    "P", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp",
})
# fmt: on
"""General categories of Unicode that both libraries know by these names."""

CASED: Final = frozenset({"L", "Lu", "Ll", "Lt"})
"""Categories that mean something else when the case does not count."""

CONTROLS: Final = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
KINDS: Final = {
    r"\w": ("0-9A-Za-z", ""),
    r"\W": (r"\x00-/:-@\[-\^`{-\x{10ffff}", ""),
    r"\s": (r"\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}", ""),
    r"\S": (
        (
            r"\x00-\x08\x0e-\x1f!-\^`-\x{84}\x{86}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}"
            r"\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff}"
        ),
        "",
    ),
    r"\p{L}": ("A-Za-z", r"\p{L}"),
    r"\p{Lu}": ("A-Z", r"\p{Lu}"),
    r"\p{Ll}": ("a-z", r"\p{Ll}"),
    r"\p{N}": (r"0-9\p{No}", r"\p{Nd}\p{Nl}"),
    r"\p{Nd}": ("0-9", r"\p{Nd}"),
    r"\p{P}": (r"\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Po}", r"\p{Pc}"),
    "[:alpha:]": ("A-Za-z", r"\x00-\^`-\x{10ffff}"),
    "[:alnum:]": ("0-9A-Za-z", r"\x00-\^`-\x{10ffff}"),
    "[:punct:]": (r"\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Po}\p{S}", "_"),
    **{rf"\p{{{name}}}": ("", rf"\p{{{name}}}") for name in ("Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "Nl", "Pc")},
}
"""Kinds of characters: those among the unmarked ones, and among the marked ones, where RE2 would need more words or
says it otherwise. Unmarked ones outside ASCII are no word characters, all marked ones are; white space is unmarked.
For POSIX all word characters outside ASCII are letters: 1,200 instructions would tell the others.
"""

POSIX_KINDS: Final = {
    "alpha": "[:alpha:]",
    "alnum": "[:alnum:]",
    "lower": r"\p{Ll}",
    "punct": "[:punct:]",
    "space": r"\s",
    "upper": r"\p{Lu}",
}
POSIX_RANGES: Final = {
    "blank": ((0x09, 0x09), (0x20, 0x20)),
    "cntrl": ((0x00, 0x1F), (0x7F, 0x9F)),
    "digit": ((0x30, 0x39),),
    "graph": ((0x21, 0x7E), (0xA1, 0x10FFFF)),
    "print": ((0x20, 0x7E), (0xA0, 0x10FFFF)),
    "xdigit": ((0x30, 0x39), (0x41, 0x46), (0x61, 0x66)),
}
"""Classes of POSIX by their names, as kinds or as ranges of code points (POSIX.1-2017, XBD 9.3.5)."""

CASELESS: Final = frozenset({r"\w", r"\s", r"\p{Nd}", "[:alpha:]", "[:alnum:]", "[:punct:]"})
"""Kinds in a class in which RE2 may look for other cases of each character: it finds none, or what is marked."""

JOINERS: Final = frozenset("\u200c\u200d")
WORD_CATEGORIES: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "Pc"})
ENCLOSED: Final = ((0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189))
"""Symbols that are alphabetic (UTS #18, annex C)."""

FOLDED: Final = frozenset("kKsS\u017f\u212aiI\u0130\u0131")
"""Letters of ASCII with another case outside of it, and the other way around."""

TURKIC: Final = ((0x69, 0x130), (0x49, 0x131))
"""The letters i and I, and what each is for `regex`, but not for RE2, where the case does not count."""


class UnsupportedByRE2(Exception):
    """The pattern contains something that RE2 doesn't support. The text names it."""


class Posix(Enum):
    """Extended regular expressions of POSIX, and the letters whose case does not count."""

    CASE = "none"
    ASCII_CASELESS = "ASCII"
    CASELESS = "all"


@lru_cache(4096)
def _is_word(char: str) -> bool:
    """Whether a character outside ASCII is a word character (UTS #18, annex C)."""
    if unicodedata.category(char) in WORD_CATEGORIES or char in JOINERS:
        return True
    return any(first <= ord(char) <= last for first, last in ENCLOSED)


def mark(text: str) -> str:
    """The text with its marks. At most three times as long."""
    if text.isascii() and "_" not in text:
        return text
    return _MARKED.sub(lambda match: f"_{match[0]}_" if match[0] == "_" or _is_word(match[0]) else match[0], text)


def unmark(text: str) -> str:
    """The text without its marks."""
    return _MARK.sub(r"\1", text) if "_" in text else text


def written(pattern: str, posix: Posix | None = None) -> str:
    """The pattern for RE2, for a search in marked text. Groups stay groups.

    Args:
      posix: how to read it as one of POSIX; None for one of `regex`.

    Raises UnsupportedByRE2. What is no pattern for `regex` raises it too, or RE2 refuses what is returned.
    """
    writer = _Writer(pattern, posix=posix is not None)
    flags = ""
    while match := _FLAGS.match(pattern, writer.at):
        flags += match[1]
        writer.at = match.end()
    initial = _Flags(i=posix is Posix.CASELESS, a=posix is Posix.ASCII_CASELESS)
    body = writer.alternatives(initial.changed(flags, ""), 0)
    if writer.at < len(pattern):
        raise UnsupportedByRE2("an unmatched )")
    return body


class _Flags(msgspec.Struct, frozen=True):
    """Flags in effect at a position.

    i: ignore case. m: ``^`` and ``$`` also match at lines. s: ``.`` also matches a newline. a: ignore the case of ASCII
    letters.
    """

    i: bool = False
    m: bool = False
    s: bool = False
    a: bool = False

    def changed(self, on: str, off: str) -> _Flags:
        """These flags with some set and some cleared."""
        i, m, s = ((old or name in on) and name not in off for name, old in zip("ims", self.all, strict=True))
        return _Flags(i, m, s, self.a)

    @property
    def all(self) -> tuple[bool, bool, bool]:
        """The flags in their order."""
        return self.i, self.m, self.s


class _Writer:
    """A pattern and the place `at` that is read next. `posix`: brackets are read as POSIX has them."""

    def __init__(self, pattern: str, *, posix: bool) -> None:
        self._pattern = pattern
        self._posix = posix
        self.at = 0

    def alternatives(self, flags: _Flags, depth: int) -> str:
        """All up to the end of a group, or of the pattern."""
        if depth > MAX_DEPTH:
            raise UnsupportedByRE2(f"too many nested groups (limit {MAX_DEPTH})")
        parts: list[str] = []
        while self.at < len(self._pattern) and (char := self._pattern[self.at]) != ")":
            self.at += 1
            if char == "|":
                parts.append("|")
                continue
            atom, repeats = self._atom(char, flags, depth)
            parts.append(atom + self._quantifier(repeats=repeats))
        return "".join(parts)

    def _atom(self, char: str, flags: _Flags, depth: int) -> tuple[str, bool]:
        """One part of a pattern, without its quantifier, and whether it may have one."""
        if char in "^$":
            return (rf"(?m:{char})" if flags.m else {"^": r"\A", "$": r"\z"}[char]), False
        if char == ".":
            return (r"(?s:[^_]|_._)" if flags.s else r"(?:[^\n_]|_[^\n]_)"), True
        if char == "(":
            return self._group(flags, depth)
        if char == "[":
            return self._class(flags), True
        if char == "\\":
            return self._escape(flags)
        if char in "*+?{":
            raise UnsupportedByRE2(f"a {char} with nothing to repeat")
        return _literal(char, flags), True

    def _quantifier(self, *, repeats: bool) -> str:
        match = _QUANTIFIER.match(self._pattern, self.at)
        if match is None:
            return ""
        if not repeats:
            raise UnsupportedByRE2("a repeated anchor, like ^*")
        self.at = match.end()
        text = match[0]
        if text[0] == "{":
            least, comma, most = match.groups()
            if not least and not most:
                raise UnsupportedByRE2("an unescaped {")
            if max(int(least[:9] or 0), int(most[:9] or 0)) > MAX_REPEAT:
                raise UnsupportedByRE2(f"too many repetitions (limit {MAX_REPEAT})")
            text = f"{{{int(least or 0)}{comma}{most and int(most)}}}"
        follows = self._pattern[self.at : self.at + 1]
        if follows == "?":
            self.at += 1
            return text + "?"
        if follows and follows in "*+{":
            raise UnsupportedByRE2("a possessive or double quantifier")
        return text

    def _group(self, flags: _Flags, depth: int) -> tuple[str, bool]:
        begin = "("
        if self._pattern.startswith("?", self.at):
            match = _GROUP.match(self._pattern, self.at)
            if match is None:
                if self._pattern.startswith("?#", self.at):
                    return self._comment()
                raise UnsupportedByRE2(
                    "an unsupported group (lookaround, atomic, conditional, recursive, or with flags)"
                )
            self.at = match.end()
            if match[1] is None:
                on, _, off = match[2].partition("-")
                flags = flags.changed(on, off)
                begin = "(?:"
        inner = self.alternatives(flags, depth + 1)
        if not self._pattern.startswith(")", self.at):
            raise UnsupportedByRE2("an unclosed (")
        self.at += 1
        return f"{begin}{inner})", True

    def _comment(self) -> tuple[str, bool]:
        end = self._pattern.find(")", self.at)
        if end < 0:
            raise UnsupportedByRE2("an unclosed (")
        self.at = end + 1
        return "", False

    def _escape(self, flags: _Flags) -> tuple[str, bool]:
        """An escape outside of a class; `at` is behind its backslash."""
        char = self._pattern[self.at : self.at + 1]
        places = {"A": r"\A", "Z": r"\z", "b": r"\b", "B": r"\B"}
        if char and char in places:
            self.at += 1
            return places[char], False
        kind = self._kind(flags)
        if kind is not None:
            return _Class((kind,), (), negated=False).written(flags), True
        return _literal(self._escaped(), flags), True

    def _kind(self, flags: _Flags) -> str | None:
        r"""A kind of characters (``\w \d \s \p{…}`` and their opposites) in RE2's words; ``\w`` and ``\W`` as such."""
        char = self._pattern[self.at : self.at + 1]
        kinds = {"w": r"\w", "W": r"\W", "d": r"\p{Nd}", "D": r"\P{Nd}", "s": r"\s", "S": r"\S"}
        if char and char in kinds:
            self.at += 1
            return kinds[char]
        if match := _PROPERTY.match(self._pattern, self.at):
            name = match[1] or match[3]
            if name not in CATEGORIES or (flags.i and name in CASED):
                raise UnsupportedByRE2(f"unsupported property {name}")
            self.at = match.end()
            return rf"\{'P' if (char == 'P') != bool(match[2]) else 'p'}{{{name}}}"
        return None

    def _escaped(self) -> str:
        """The character that an escape stands for."""
        char = self._pattern[self.at : self.at + 1]
        if char and char in CONTROLS:
            self.at += 1
            return chr(CONTROLS[char])
        if match := _CODE.match(self._pattern, self.at):
            self.at = match.end()
            code = int(match[1] or match[2] or match[3], 16)
            if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF:
                return chr(code)
        elif char and not (char.isascii() and char.isalnum()):
            self.at += 1
            return char
        raise UnsupportedByRE2(f"\\{char}")

    def _class(self, flags: _Flags) -> str:
        """A class of characters; `at` is behind its opening bracket."""
        negated = self._pattern.startswith("^", self.at)
        self.at += negated
        kinds: list[str] = []
        ranges: list[tuple[int, int]] = []
        first = True
        while not self._pattern.startswith("]", self.at) or first:
            first = False
            low = self._member(flags, kinds, ranges)
            if low is None:
                continue
            high = low
            if self._pattern.startswith("-", self.at) and self._pattern[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                found = self._member(flags, kinds, ranges)
                if found is None:
                    raise UnsupportedByRE2("a range that ends with a character class")
                high = found
            if ord(low) > ord(high):
                raise UnsupportedByRE2("a range in reverse order")
            ranges.append((ord(low), ord(high)))
        self.at += 1
        return _Class(tuple(kinds), tuple(ranges), negated=negated).written(flags)

    def _member(self, flags: _Flags, kinds: list[str], ranges: list[tuple[int, int]]) -> str | None:
        """The next character of a class; None for a kind, which is added to `kinds` or `ranges`."""
        if self.at >= len(self._pattern):
            raise UnsupportedByRE2("an unclosed [")
        char = self._pattern[self.at]
        self.at += 1
        if char == "[" and self._pattern.startswith((":", ".", "="), self.at):
            return self._named(flags, kinds, ranges)
        if char != "\\" or self._posix:
            return char
        if self._pattern.startswith("b", self.at):
            self.at += 1
            return "\b"
        kind = self._kind(flags)
        if kind is None:
            return self._escaped()
        kinds.append(kind)
        return None

    def _named(self, flags: _Flags, kinds: list[str], ranges: list[tuple[int, int]]) -> str | None:
        """A class, an element or an equivalent of POSIX, as `_member` returns it; `at` is behind its bracket."""
        if not self._posix:
            if not self._pattern.startswith(":", self.at):
                return "["
            raise UnsupportedByRE2("an unsupported POSIX class")
        if match := _SYMBOL.match(self._pattern, self.at):
            self.at = match.end()
            return match[2]
        match = _NAMED.match(self._pattern, self.at)
        name = "" if match is None else match[1]
        if match is None or (name not in POSIX_KINDS and name not in POSIX_RANGES):
            raise UnsupportedByRE2("an unknown character class")
        self.at = match.end()
        if name in ("lower", "upper") and (flags.i or flags.a):
            name = "alpha"
        if name in POSIX_KINDS:
            kinds.append(POSIX_KINDS[name])
        ranges += POSIX_RANGES.get(name, ())
        return None


def _literal(char: str, flags: _Flags) -> str:
    if flags.a and not flags.i and char.isascii() and char.isalpha():
        return f"[{char.lower()}{char.upper()}]"
    if flags.i and char in FOLDED:
        return _Class((), ((ord(char), ord(char)),), negated=False).written(flags)
    marked = char == "_" or (not char.isascii() and _is_word(char))
    text = f"(?:_{_quoted(ord(char))}_)" if marked else _quoted(ord(char))
    return f"(?i:{text})" if flags.i and char.lower() != char.upper() else text


def _quoted(code: int) -> str:
    char = chr(code)
    if 0xD800 <= code <= 0xDFFF:
        raise UnsupportedByRE2("an unpaired surrogate")
    return char if char.isascii() and char.isalnum() else rf"\x{{{code:x}}}"


class _Class(msgspec.Struct, frozen=True):
    """A class: kinds of characters in RE2's words, and ranges of code points."""

    kinds: tuple[str, ...]
    ranges: tuple[tuple[int, int], ...]
    negated: bool

    def written(self, flags: _Flags) -> str:
        """One character of the class: unmarked, or in its mark."""
        if len(self.kinds) == 1 and not self.ranges and self.kinds[0].startswith(r"\P"):
            return _Class((rf"\p{self.kinds[0][2:]}",), (), negated=not self.negated).written(flags)
        if flags.a and not flags.i:
            self = msgspec.structs.replace(self, ranges=(*self.ranges, *_other_cases(self.ranges)))
        case = flags.i and any(map(_has_case, self.ranges))
        if case and not CASELESS.issuperset(self.kinds):
            raise UnsupportedByRE2("a case-insensitive class that combines letters with a character class")
        if case:
            self = msgspec.structs.replace(self, ranges=(*self.ranges, *self._turkic()))
        options = [one for one in (self._unmarked(), self._marked(case=case)) if one]
        if not options:
            raise UnsupportedByRE2("an empty character class")
        return f"(?{'i' if case else ''}:{'|'.join(options)})"

    def _turkic(self) -> list[tuple[int, int]]:
        """What RE2 does not add to these ranges of itself."""
        found = []
        for letter, other in TURKIC:
            has, has_other = (any(low <= one <= high for low, high in self.ranges) for one in (letter, other))
            if has_other and not has:
                raise UnsupportedByRE2("a case-insensitive Turkish i")
            if has:
                found.append((other, other))
        return found

    def _unmarked(self) -> str:
        """The class without the underscore. Word characters outside ASCII need not be left out: all are marked."""
        if self.negated:
            return f"[^_{''.join(KINDS.get(kind, (kind,))[0] for kind in self.kinds)}{_spans(self.ranges)}]"
        if any(kind.startswith(r"\P") for kind in self.kinds):
            raise UnsupportedByRE2("a negated property combined with other characters")
        around = [one for low, high in self.ranges for one in ((low, min(high, 0x5E)), (max(low, 0x60), high))]
        inner = "".join(KINDS.get(kind, (kind,))[0] for kind in self.kinds)
        inner += _spans([(low, high) for low, high in around if low <= high])
        return f"[{inner}]" if inner else ""

    def _marked(self, *, case: bool) -> str:
        """The class in a mark, "" if no word character outside ASCII and no underscore is in it."""
        if r"\w" in self.kinds or r"\S" in self.kinds:
            return "" if self.negated else "_(?s:.)_"
        kinds = "".join(KINDS.get(kind, (kind,))[-1] for kind in self.kinds)
        if self.negated:
            return f"_[^{kinds}{_spans(self.ranges)}]_" if kinds or self.ranges else "_(?s:.)_"
        ranges = [one for one in self.ranges if case or one[0] <= 0x5F <= one[1] or one[1] > 0x7F]
        inner = kinds + _spans(ranges)
        return f"_[{inner}]_" if inner else ""


def _has_case(span: tuple[int, int]) -> bool:
    """Whether a range has letters with another case. Long ranges are assumed to."""
    low, high = span
    return high - low > 0xFF or any((char := chr(code)).lower() != char.upper() for code in range(low, high + 1))


def _other_cases(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The letters of ASCII in ranges, in the other case."""
    found = []
    for low, high in ranges:
        for first, last, other in ((0x41, 0x5A, 0x20), (0x61, 0x7A, -0x20)):
            if max(low, first) <= min(high, last):
                found.append((max(low, first) + other, min(high, last) + other))
    return found


def _spans(ranges: Iterable[tuple[int, int]]) -> str:
    return "".join(_quoted(low) if low == high else rf"\x{{{low:x}}}-\x{{{high:x}}}" for low, high in ranges)
