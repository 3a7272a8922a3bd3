"""From tokens to a tree of calls (RFC 5228 §8.2).

::

    commands  = *command
    command   = name arguments (";" / "{" commands "}")
    arguments = *argument [test / "(" test *("," test) ")"]
    argument  = string / "[" string *("," string) "]" / number / tag
    test      = name arguments
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from moxlite.proto.sieve.errors import SyntaxFault
from moxlite.proto.sieve.limits import MAX_NESTING, MAX_NODES
from moxlite.proto.sieve.scanner import Kind, Token, scan
from moxlite.proto.sieve.tree import Argument, Call, NumberArgument, StringsArgument, TagArgument

__all__ = ["parse"]

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
    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._nodes = 0

    def script(self) -> tuple[Call, ...]:
        commands = self._commands()
        if self._peek().kind is not Kind.END:
            raise self._expected("a command")
        return commands

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _is(self, mark: str) -> bool:
        token = self._tokens[self._at]
        return token.kind is MARK and token.text == mark

    def _expected(self, what: str) -> SyntaxFault:
        token = self._peek()
        found = token.kind.value if token.kind in {Kind.END, Kind.STRING} else repr(token.text)
        return SyntaxFault(token.at, f"expected {what}, but found {found}")

    def _commands(self) -> tuple[Call, ...]:
        commands: list[Call] = []
        while self._peek().kind is NAME:
            commands.append(self._call(command=True))
        return tuple(commands)

    def _call(self, *, command: bool) -> Call:
        """A command with its semicolon or block, or a test."""
        name = self._take()
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise SyntaxFault(name.at, f"the script has more than {MAX_NODES} commands and tests")
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise SyntaxFault(name.at, f"blocks and tests are nested more than {MAX_NESTING} deep")
        arguments = self._arguments()
        tests, listed = self._tests()
        end = self._tokens[self._at - 1].end
        block = self._block(name.text) if command else None
        self._depth -= 1
        return Call(name.text, arguments, tests, listed, block, name.at, end)

    def _block(self, name: str) -> tuple[Call, ...] | None:
        """The block of a command; None for a semicolon."""
        if self._is(";"):
            self._take()
            return None
        if not self._is("{"):
            raise self._expected(f'";" or "{{" at the end of "{name}"')
        self._take()
        commands = self._commands()
        if not self._is("}"):
            raise self._expected('a command or "}"')
        self._take()
        return commands

    def _arguments(self) -> tuple[Argument, ...]:
        tokens, arguments = self._tokens, list[Argument]()
        while True:
            kind, text, at, _, number = tokens[self._at]
            if kind is STRING:
                arguments.append(StringsArgument((text,), False, at))
            elif kind is TAG:
                arguments.append(TagArgument(text, at))
            elif kind is NUMBER:
                arguments.append(NumberArgument(number, at))
            elif kind is MARK and text == "[":
                arguments.append(self._list())
                continue
            else:
                return tuple(arguments)
            self._at += 1

    def _list(self) -> StringsArgument:
        at = self._take().at
        texts: list[str] = []
        while True:
            if self._peek().kind is not STRING:
                raise self._expected("a string")
            texts.append(self._take().text)
            if self._is("]"):
                self._take()
                return StringsArgument(tuple(texts), True, at)
            if not self._is(","):
                raise self._expected('"," or "]"')
            self._take()

    def _tests(self) -> tuple[tuple[Call, ...], bool]:
        """The tests after the arguments, and whether they are in parentheses."""
        if self._peek().kind is NAME:
            return (self._call(command=False),), False
        if not self._is("("):
            return (), False
        self._take()
        tests: list[Call] = []
        while True:
            if self._peek().kind is not NAME:
                raise self._expected("a test")
            tests.append(self._call(command=False))
            if self._is(")"):
                self._take()
                return tuple(tests), True
            if not self._is(","):
                raise self._expected('"," or ")"')
            self._take()
