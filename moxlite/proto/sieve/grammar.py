"""From tokens to a tree of calls (RFC 5228 §8.2).

::

    commands  = *command
    command   = name arguments (";" / "{" commands "}")
    arguments = *argument [test / "(" test *("," test) ")"]
    argument  = string / "[" string *("," string) "]" / number / tag
    test      = name arguments
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

import msgspec

from moxlite.proto.sieve.errors import SyntaxFault
from moxlite.proto.sieve.limits import MAX_NESTING, MAX_NODES, MAX_NUMBER

# The tree of a script: calls with their arguments, before their meaning is known (RFC 5228 §8.2).
#
# Nodes have no part in garbage collection: a tree has no circles, and the check of 64 KiB makes ten thousand nodes.


class NumberArgument(msgspec.Struct, frozen=True, tag="number", gc=False):
    """A number, its quantifier multiplied in (§2.4.1). `at`: offset in characters of this and all other nodes."""

    value: int
    at: int = 0


class StringsArgument(msgspec.Struct, frozen=True, tag="strings", gc=False):
    """A string, or a list of strings (§2.4.2)."""

    texts: tuple[str, ...]
    listed: bool = False
    at: int = 0


class TagArgument(msgspec.Struct, frozen=True, tag="tag", gc=False):
    """A tag in lower case, without its colon (§2.6.2)."""

    name: str
    at: int = 0


Argument: TypeAlias = NumberArgument | StringsArgument | TagArgument


class Call(msgspec.Struct, frozen=True, gc=False):
    """A command or a test: a name in lower case and arguments (§2.6).

    Attributes:
      tests: the tests that it takes; `listed` when they are in parentheses.
      block: the commands in braces, None without braces.
      end: offset after the last argument.
    """

    name: str
    arguments: tuple[Argument, ...] = ()
    tests: tuple[Call, ...] = ()
    listed: bool = False
    block: tuple[Call, ...] | None = None
    at: int = 0
    end: int = 0


# Tokens of a script (RFC 5228 §8.1). One pass, linear in the text.


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
"""Digits that are made a number; a longer one is above `MAX_NUMBER`, and making it would take the square of its length.
"""


def scan(text: str) -> Iterator[Token]:
    """The tokens of a script, the last one of the kind END. Raises SyntaxFault where there is no token."""
    make = tuple.__new__  # what Token(…) does, without its call: 64 KiB have ten thousand tokens
    mark, string, tag, name = Kind.MARK, Kind.STRING, Kind.TAG, Kind.NAME
    at = 0
    while True:
        for match in _COMMON.finditer(text, at):
            group = match.lastindex
            if group == _MARK:
                start, end = match.span(_MARK)
                yield make(Token, (mark, match[_MARK], start, end, 0))
            elif group == _STRING:
                start, end = match.span(_STRING)
                yield make(Token, (string, match[_STRING], start - 1, end + 1, 0))
            elif group == _NAME:
                start, end = match.span(_NAME)
                yield make(Token, (name, match[_NAME].lower(), start, end, 0))
            elif group == _TAG:
                start, end = match.span(_TAG)
                yield make(Token, (tag, match[_TAG].lower(), start - 1, end, 0))
            else:
                at = match.end()
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
                raise SyntaxFault(at, 'unterminated comment; expected "*/"')
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
        raise SyntaxFault(at, 'expected a tag name after ":"')
    if first in "0123456789":
        return _number(text, at)
    if text[at : at + 5].lower() == "text:":
        return _multiline(text, at, at + 5)
    raise SyntaxFault(at, f"expected a command, but found {first!r}")


def _number(text: str, at: int) -> Token:
    match = _NUMBER.match(text, at)
    if match is None:
        raise SyntaxFault(at, "expected a number, optionally followed by K, M, or G")
    digits, quantifier = match.groups()
    number = int(digits) * _QUANTIFIERS[quantifier.lower()] if len(digits) <= _MAX_DIGITS else MAX_NUMBER + 1
    if number > MAX_NUMBER:
        raise SyntaxFault(at, "the number is too large")
    return Token(Kind.NUMBER, digits, at, match.end(), number)


def _quoted(text: str, at: int) -> Token:
    match = _QUOTED.match(text, at + 1)
    if match is None or not text.startswith('"', match.end()):
        raise SyntaxFault(at, "unterminated string; expected '\"'")
    content = match[0]
    if "\\" in content:
        content = _ESCAPED.sub(r"\1", content)
    return Token(Kind.STRING, content, at, match.end() + 1)


def _multiline(text: str, at: int, after: int) -> Token:
    """The string of ``text:`` and lines up to one with a single dot (§8.1 multi-line)."""
    start = _TEXT.match(text, after)
    if start is None:
        raise SyntaxFault(at, 'expected a line break after "text:"')
    end = _LAST_DOT.search(text, start.end())
    if end is None:
        raise SyntaxFault(at, 'unterminated text block; expected a line containing only "."')
    return Token(Kind.STRING, _STUFFED.sub("", text[start.end() : end.start()]), at, end.end())


class Places:
    """Lines and columns of offsets in a text; both count from 1."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def place(self, at: int) -> tuple[int, int]:
        """Line and column of an offset in characters."""
        line = bisect_right(self._starts, at)
        return line, at - self._starts[line - 1] + 1


# From tokens to a tree of calls (RFC 5228 §8.2).
#
# ::
#
#     commands  = *command
#     command   = name arguments (";" / "{" commands "}")
#     arguments = *argument [test / "(" test *("," test) ")"]
#     argument  = string / "[" string *("," string) "]" / number / tag
#     test      = name arguments

STRING: Final = Kind.STRING
TAG: Final = Kind.TAG
NUMBER: Final = Kind.NUMBER
MARK: Final = Kind.MARK
NAME: Final = Kind.NAME
"""Kinds that are asked for at each token: an attribute of an enumeration is looked up slowly."""


def parse(text: str) -> tuple[Call, ...]:
    """The commands of a script. Raises SyntaxFault."""
    return _Parser(scan(text)).script()


class _Parser:
    """A parser of tokens as they come, with the next one at hand: a list of all would cost more than their scan."""

    def __init__(self, tokens: Iterator[Token]) -> None:
        self._next = tokens.__next__
        self._token = self._next()
        self._depth = 0
        self._nodes = 0

    def script(self) -> tuple[Call, ...]:
        commands = self._commands()
        if self._token.kind is not Kind.END:
            raise self._expected("a command")
        return commands

    def _is(self, mark: str) -> bool:
        token = self._token
        return token.kind is MARK and token.text == mark

    def _expected(self, what: str) -> SyntaxFault:
        token = self._token
        found = token.kind.value if token.kind in {Kind.END, Kind.STRING} else repr(token.text)
        return SyntaxFault(token.at, f"expected {what}, but found {found}")

    def _commands(self) -> tuple[Call, ...]:
        commands: list[Call] = []
        while self._token[0] is NAME:
            commands.append(self._call(command=True))
        return tuple(commands)

    def _call(self, *, command: bool) -> Call:
        """A command with its semicolon or block, or a test."""
        _, name, at, end, _ = self._token
        self._token = self._next()
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise SyntaxFault(at, f"too many commands and tests in script (limit {MAX_NODES})")
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise SyntaxFault(at, f"blocks and tests are nested more than {MAX_NESTING} levels deep")
        arguments, end = self._arguments(end)
        tests: tuple[Call, ...] = ()
        listed = False
        kind, text, _, _, _ = self._token
        if kind is NAME:
            tests = (self._call(command=False),)
            end = tests[0].end
        elif kind is MARK and text == "(":
            tests, listed = self._listed_tests(), True
            end = self._token.end
            self._token = self._next()
        block = self._block(name) if command else None
        self._depth -= 1
        return Call(name, arguments, tests, listed, block, at, end)

    def _block(self, name: str) -> tuple[Call, ...] | None:
        """The block of a command; None for a semicolon."""
        kind, text, _, _, _ = self._token
        if kind is MARK and text == ";":
            self._token = self._next()
            return None
        if kind is not MARK or text != "{":
            raise self._expected(f'";" or "{{" at the end of "{name}"')
        self._token = self._next()
        commands = self._commands()
        if not self._is("}"):
            raise self._expected('a command or "}"')
        self._token = self._next()
        return commands

    def _arguments(self, end: int) -> tuple[tuple[Argument, ...], int]:
        """The arguments, and the offset after the last one; `end` without any."""
        arguments: list[Argument] = []
        while True:
            kind, text, at, after, number = self._token
            if kind is STRING:
                arguments.append(StringsArgument((text,), False, at))
            elif kind is TAG:
                arguments.append(TagArgument(text, at))
            elif kind is NUMBER:
                arguments.append(NumberArgument(number, at))
            elif kind is MARK and text == "[":
                arguments.append(self._list())
                after = self._token.end
            else:
                return tuple(arguments), end
            end = after
            self._token = self._next()

    def _list(self) -> StringsArgument:
        """A list of strings, up to its bracket."""
        at = self._token.at
        texts: list[str] = []
        while True:
            self._token = self._next()
            if self._token.kind is not STRING:
                raise self._expected("a string")
            texts.append(self._token.text)
            self._token = self._next()
            if self._is("]"):
                return StringsArgument(tuple(texts), True, at)
            if not self._is(","):
                raise self._expected('"," or "]"')

    def _listed_tests(self) -> tuple[Call, ...]:
        """Tests in parentheses, up to the one that closes them."""
        tests: list[Call] = []
        while True:
            self._token = self._next()
            if self._token.kind is not NAME:
                raise self._expected("a test")
            tests.append(self._call(command=False))
            if self._is(")"):
                return tuple(tests)
            if not self._is(","):
                raise self._expected('"," or ")"')
