"""Tokens of a script (RFC 5228 §8.1). One pass, linear in the text."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from enum import Enum
from typing import Final, NamedTuple

from moxlite.proto.sieve.errors import SyntaxFault
from moxlite.proto.sieve.limits import MAX_NUMBER


class Kind(Enum):
    """Kind of a token; the value is its name in faults."""

    NAME = "a name"
    TAG = "a tag"
    NUMBER = "a number"
    STRING = "a string"
    MARK = "a mark"
    END = "the end of the script"


class Token(NamedTuple):
    """A token: `text` in lower case for names and tags, the content of a string, the digits of `number`, else the
    mark. `at`, `end`: offsets in characters.
    """

    kind: Kind
    text: str
    at: int
    end: int
    number: int = 0


_SKIPPED: Final = re.compile(r"[ \t\r\n]+|#[^\n]*")
_COMMON: Final = re.compile(
    r"""[ \t\r\n]*(?:
    ([()\[\]{},;])
    |"([^"\\]*)"
    |:([A-Za-z_][A-Za-z0-9_]*)
    |(?![Tt][Ee][Xx][Tt]:)([A-Za-z_][A-Za-z0-9_]*)
    |()
    )""",
    re.VERBOSE,
)  # a token that needs no second look, and the blanks before it; the last group where there is no such token
_NUMBER: Final = re.compile(r"([0-9]+)([KMGkmg]?)(?![A-Za-z0-9_])")
_QUOTED: Final = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)  # §2.4.2: an undefined escape is the character itself
_TEXT: Final = re.compile(r"[ \t]*(?:#[^\n]*)?\r?\n")  # the rest of the line after "text:"
_LAST_DOT: Final = re.compile(r"^\.\r?(?:\n|\Z)", re.MULTILINE)
_STUFFED: Final = re.compile(r"^\.(?=\.)", re.MULTILINE)  # §8.1 multiline-dotstart
_QUANTIFIERS: Final = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}  # §2.4.1
_MARK, _STRING, _TAG, _NAME = 1, 2, 3, 4
_MAX_DIGITS: Final = 20


def scan(text: str) -> Iterator[Token]:
    """The tokens of a script, the last one of the kind END. Raises SyntaxFault where there is no token."""
    make = tuple.__new__  # what Token(…) does, without its call: 64 KiB have ten thousand tokens
    mark, string, tag, name = Kind.MARK, Kind.STRING, Kind.TAG, Kind.NAME
    at = 0
    while True:
        for found in _COMMON.finditer(text, at):
            group = found.lastindex
            if group == _MARK:
                start, end = found.span(_MARK)
                yield make(Token, (mark, found[_MARK], start, end, 0))
            elif group == _STRING:
                start, end = found.span(_STRING)
                yield make(Token, (string, found[_STRING], start - 1, end + 1, 0))
            elif group == _NAME:
                start, end = found.span(_NAME)
                yield make(Token, (name, found[_NAME].lower(), start, end, 0))
            elif group == _TAG:
                start, end = found.span(_TAG)
                yield make(Token, (tag, found[_TAG].lower(), start - 1, end, 0))
            else:
                at = found.end()
                break
        skipped = _skip(text, at)
        if skipped == len(text):
            yield Token(Kind.END, "", skipped, skipped)
            return
        if skipped == at:
            token = _token(text, at)
            yield token
            at = token.end
        else:
            at = skipped


def _skip(text: str, at: int) -> int:
    """Offset after blanks and comments (§2.3)."""
    while at < len(text):
        if blank := _SKIPPED.match(text, at):
            at = blank.end()
        elif text.startswith("/*", at):
            end = text.find("*/", at + 2)
            if end < 0:
                raise SyntaxFault(at, 'the comment has no end: expected "*/"')
            at = end + 2
        else:
            break
    return at


def _token(text: str, at: int) -> Token:
    """A token that `_COMMON` leaves out."""
    first = text[at]
    if first == '"':
        return _quoted(text, at)
    if first == ":":
        raise SyntaxFault(at, 'expected the name of a tag after ":"')
    if first in "0123456789":
        return _number(text, at)
    if text[at : at + 5].lower() == "text:":
        return _multiline(text, at, at + 5)
    raise SyntaxFault(at, f"expected a command, but found {first!r}")


def _number(text: str, at: int) -> Token:
    found = _NUMBER.match(text, at)
    if found is None:
        raise SyntaxFault(at, "expected a number: digits, and K, M or G after them")
    digits, quantifier = found.groups()
    number = int(digits) * _QUANTIFIERS[quantifier.lower()] if len(digits) <= _MAX_DIGITS else MAX_NUMBER + 1
    if number > MAX_NUMBER:
        raise SyntaxFault(at, "the number is too large")
    return Token(Kind.NUMBER, digits, at, found.end(), number)


def _quoted(text: str, at: int) -> Token:
    found = _QUOTED.match(text, at + 1)
    if found is None or not text.startswith('"', found.end()):
        raise SyntaxFault(at, "the string has no end: expected '\"'")
    content = found[0]
    if "\\" in content:
        content = _ESCAPED.sub(r"\1", content)
    return Token(Kind.STRING, content, at, found.end() + 1)


def _multiline(text: str, at: int, after: int) -> Token:
    """The string of ``text:`` and lines up to one with a single dot (§8.1 multi-line)."""
    start = _TEXT.match(text, after)
    if start is None:
        raise SyntaxFault(at, 'expected a line end after "text:"')
    end = _LAST_DOT.search(text, start.end())
    if end is None:
        raise SyntaxFault(at, 'the text has no end: expected a line with a single "."')
    return Token(Kind.STRING, _STUFFED.sub("", text[start.end() : end.start()]), at, end.end())


class Places:
    """Lines and columns of offsets in a text; both count from 1."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def place(self, at: int) -> tuple[int, int]:
        """Line and column of an offset in characters."""
        line = bisect_right(self._starts, at)
        return line, at - self._starts[line - 1] + 1
