"""From tokens to a tree of calls (RFC 5228 §8.2).

::

    commands  = *command
    command   = name arguments (";" / "{" commands "}")
    arguments = *argument [test / "(" test *("," test) ")"]
    argument  = string / "[" string *("," string) "]" / number / tag
    test      = name arguments
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from moxlite.proto.sieve.errors import SyntaxFault
from moxlite.proto.sieve.limits import MAX_NESTING, MAX_NODES
from moxlite.proto.sieve.scanner import Kind, Token, scan
from moxlite.proto.sieve.tree import Argument, Call, NumberArgument, StringsArgument, TagArgument

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
            raise SyntaxFault(at, f"the script has more than {MAX_NODES} commands and tests")
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise SyntaxFault(at, f"blocks and tests are nested more than {MAX_NESTING} deep")
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
