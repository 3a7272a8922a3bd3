"""From the text of a script to a checked `Script`: all names known, all arguments as their syntax says, all extensions
asked for (RFC 5228 §2.10.5, §3.2).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final, TypeVar

from moxlite.proto.sieve.commands import COMMANDS, AnyCommand, Branch, If, Require, Unavailable
from moxlite.proto.sieve.conditions import (
    TESTS,
    AllOf,
    AnyOf,
    AnyTest,
    Comparing,
    FalseTest,
    IHaveTest,
    Not,
    UnavailableTest,
)
from moxlite.proto.sieve.errors import Fault, ScriptError, SyntaxFault
from moxlite.proto.sieve.grammar import Argument, Call, NumberArgument, Places, StringsArgument, TagArgument, parse
from moxlite.proto.sieve.limits import MAX_EXPRESSIONS, MAX_FAULTS, MAX_REQUIRES, MAX_SCRIPT
from moxlite.proto.sieve.script import Script, unpack
from moxlite.proto.sieve.strings import EncodedCharacterError, decode_characters, namespaces
from moxlite.proto.sieve.syntax import REGEX, Option, Syntax, Value, Written
from moxlite.proto.sieve.validation import EXTENSIONS, IMPLIED, RESTRICTED, validate

_T = TypeVar("_T", bound=Written)

_BARE: Final = re.compile("(?<!\r)\n")
_NESTING_TESTS = ("allof", "anyof", "not")
_BRANCHES = ("if", "elsif", "else")
NUMBER: Final = Value.NUMBER
STRINGS: Final = Value.STRINGS
"""Kinds of arguments: an attribute of an enumeration is looked up slowly."""


def stored(packed: bytes, octets: bytes) -> Script | None:
    """The script of its packed form, else of its text; None for a text that this version refuses."""
    try:
        return unpack(packed) or check(octets)
    except ScriptError:
        return None


def check(octets: bytes) -> Script:
    """Check a script. Raises ScriptError with all faults, at most MAX_FAULTS."""
    if len(octets) > MAX_SCRIPT:
        raise ScriptError((Fault(1, 1, f"the script is too large ({len(octets)} bytes, limit {MAX_SCRIPT})"),))
    try:
        text = octets.decode()
    except UnicodeDecodeError as error:
        read = octets[: error.start].decode()
        raise ScriptError((Fault(*Places(read).place(len(read)), "the script isn't valid UTF-8 here"),)) from None
    text = _BARE.sub("\r\n", text.removeprefix("\ufeff"))  # strings are compared with lines of messages (RFC 5228 §8.1)
    places = Places(text)
    if (at := text.find("\0")) >= 0:
        raise ScriptError((Fault(*places.place(at), "scripts can't contain NUL"),))
    try:
        calls = parse(text)
    except SyntaxFault as error:
        raise ScriptError((Fault(*places.place(error.at), str(error)),)) from None
    return _Checker(places).script(calls)


class _Refused(Exception):  # becomes a Fault
    """A fault at an offset. `missing`: for want of an extension; an error at run time where the script has ihave."""

    def __init__(self, at: int, text: str, *, missing: bool = False) -> None:
        super().__init__(text)
        self.at = at
        self.missing = missing


class _Checker:
    def __init__(self, places: Places) -> None:
        self._places = places
        self._faults: list[Fault] = []
        self._requires: dict[str, None] = {}
        self._extensions: set[str] = set()
        self._expressions = 0
        self.is_plain = True
        """Whether strings are as they are written: without variables and encoded characters."""

    def script(self, calls: Sequence[Call]) -> Script:
        commands = self._block(calls, top=True)
        if self._faults:
            raise ScriptError(tuple(self._faults[:MAX_FAULTS]), tuple(self._requires))
        return Script(commands=commands, requires=tuple(self._requires), extensions=frozenset(self._extensions))

    def uses(self, extension: str) -> bool:
        return extension in self._extensions

    def _fault(self, error: _Refused) -> None:
        if len(self._faults) < MAX_FAULTS:
            self._faults.append(Fault(*self._places.place(error.at), str(error)))

    def _line(self, call: Call) -> int:
        return self._places.place(call.at)[0]

    # Commands

    def _block(self, calls: Sequence[Call], *, top: bool = False) -> tuple[AnyCommand, ...]:
        commands: list[AnyCommand] = []
        branches: list[Branch] | None = None  # of an `if` that may go on
        line = 0
        for call in calls:
            try:
                if call.name in _BRANCHES:
                    if call.name == "if":
                        branches, line = [], self._line(call)
                        commands.append(If(()))
                    elif branches is None:
                        raise _Refused(call.at, f'"{call.name}" must follow "if" or "elsif"')
                    branches.append(self._branch(call))
                    commands[-1] = If(tuple(branches), line)
                    if call.name == "else":
                        branches = None
                    continue
                branches = None
                if call.name == "require" and (
                    not top or any(not isinstance(command, Require) for command in commands)
                ):
                    raise _Refused(call.at, '"require" must come before all other commands')
                commands.append(self._command(call))
            except _Refused as error:
                self._fault(error)
        return tuple(commands)

    def _branch(self, call: Call) -> Branch:
        if call.block is None:
            raise _Refused(call.end, f'expected a block in {{ }} after "{call.name}"')
        _no_arguments(call)
        test: AnyTest | None = None
        if call.name == "else":
            if call.tests:
                raise _Refused(call.tests[0].at, '"else" can\'t have a test')
        else:
            if len(call.tests) != 1 or call.listed:
                raise _Refused(call.end, f'expected one test after "{call.name}"')
            test = self._lenient_test(call.tests[0])
        return Branch(test, self._block(call.block))

    def _lenient_test(self, call: Call) -> AnyTest:
        """A test; one with a fault is noted, and its block still checked."""
        try:
            return self._test(call)
        except _Refused as error:
            self._fault(error)
            return FalseTest()

    def _command(self, call: Call) -> AnyCommand:
        kind = COMMANDS.get(call.name)
        try:
            if kind is None:
                if call.name in TESTS or call.name in _NESTING_TESTS:
                    raise _Refused(call.at, f'"{call.name}" is a test; expected a command')
                raise _Refused(call.at, f'unknown command "{call.name}"', missing=True)
            self._need(kind.syntax, call)
            if call.block is not None:
                raise _Refused(call.end, f'expected ";" after "{call.name}"')
            if call.tests:
                raise _Refused(call.tests[0].at, f'"{call.name}" can\'t have a test')
            command = self._read(call, kind, line=self._line(call))
        except _Refused as error:
            if error.missing and self.uses("ihave"):  # RFC 5463 §4
                return Unavailable(call, str(error), self._line(call))
            raise
        if isinstance(command, Require):
            self._require(command, call)
        return command  # type: ignore[return-value]  # COMMANDS has the members of AnyCommand

    def _require(self, command: Require, call: Call) -> None:
        for name in command.extensions:
            self._requires[name] = None
            if name not in EXTENSIONS:
                self._fault(_Refused(call.arguments[0].at, f'the extension "{name[:60]}" isn\'t supported'))
            self._enable(name)
        if len(self._requires) > MAX_REQUIRES:
            raise _Refused(call.at, f"script requires too many extensions (limit {MAX_REQUIRES})")

    def _enable(self, name: str) -> None:
        if name in EXTENSIONS:
            self._extensions.update((name, *IMPLIED.get(name, ())))
            self.is_plain = self._extensions.isdisjoint(("encoded-character", "variables"))

    # Tests

    def _test(self, call: Call) -> AnyTest:
        if call.name in _NESTING_TESTS:
            return self._nesting(call)
        kind = TESTS.get(call.name)
        try:
            if kind is None:
                if call.name in COMMANDS or call.name in _BRANCHES:
                    raise _Refused(call.at, f'"{call.name}" is a command; expected a test')
                raise _Refused(call.at, f'unknown test "{call.name}"', missing=True)
            self._need(kind.syntax, call)
            if call.tests:
                raise _Refused(call.tests[0].at, f'"{call.name}" can\'t have a test')
            test = self._read(call, kind)
        except _Refused as error:
            if error.missing and self.uses("ihave"):
                return UnavailableTest(call, str(error))
            raise
        if isinstance(test, IHaveTest):
            for name in test.extensions:
                if name not in RESTRICTED:
                    self._enable(name)
        return test  # type: ignore[return-value]  # TESTS has the members of AnyTest

    def _nesting(self, call: Call) -> AnyTest:
        """A test of tests (RFC 5228 §5.2, §5.3, §5.8)."""
        _no_arguments(call)
        if call.name == "not":
            if len(call.tests) != 1 or call.listed:
                raise _Refused(call.end, 'expected one test after "not"')
            return Not(self._test(call.tests[0]))
        if not call.listed:
            raise _Refused(call.end, f'expected tests in parentheses after "{call.name}"')
        tests = tuple(map(self._lenient_test, call.tests))
        return AllOf(tests) if call.name == "allof" else AnyOf(tests)

    # Arguments

    def _need(self, syntax: Syntax, call: Call) -> None:
        if syntax.needs and not self._extensions.intersection(syntax.needs):
            raise _Refused(call.at, f'to use "{syntax.name}", add: require "{syntax.needs[0]}"', missing=True)

    def _read(self, call: Call, kind: type[_T], **more: Any) -> _T:
        """The struct of a call, by its syntax."""
        if not call.arguments and not kind.syntax.positional:
            return kind(**more)
        reading = _Reading(self, call, kind.syntax)
        node = kind(**reading.run(), **more)
        if isinstance(node, Comparing) and node.match == REGEX:
            self._expressions += len(node.keys)
            if self._expressions > MAX_EXPRESSIONS:  # before they are compiled
                raise _Refused(call.at, f"too many regular expressions in script (limit {MAX_EXPRESSIONS})")
        validate(node, reading)
        return node

    def texts(self, argument: StringsArgument) -> tuple[str, ...]:
        """The strings of an argument, with their encoded characters decoded."""
        texts = argument.texts
        if self.uses("encoded-character"):
            try:
                texts = tuple(map(decode_characters, texts))
            except EncodedCharacterError as error:
                raise _Refused(argument.at, str(error)) from None
        if self.uses("variables"):
            for text in texts:
                unknown = namespaces(text) - ({"global"} if self.uses("include") else set())
                if unknown:  # RFC 5229 §3
                    raise _Refused(argument.at, f'unknown variable namespace "{min(unknown)[:40]}"')
        return texts


def _no_arguments(call: Call) -> None:
    if call.arguments:
        raise _Refused(call.arguments[0].at, f'invalid argument for "{call.name}"')


class _Reading:
    """The arguments of one call."""

    def __init__(self, checker: _Checker, call: Call, syntax: Syntax) -> None:
        self._checker = checker
        self._call = call
        self._syntax = syntax
        self._values: dict[str, Any] = {}
        self._places: dict[str, int] = {}

    @property
    def given(self) -> Collection[str]:
        """The fields with an argument."""
        return self._places

    def uses(self, extension: str) -> bool:
        """Whether the script may use an extension."""
        return self._checker.uses(extension)

    def fault(self, field: str, text: str) -> _Refused:
        """The error for the argument of a field."""
        return _Refused(self._places.get(field, self._call.at), text)

    def missing(self, field: str, extension: str) -> _Refused:
        """The error for an argument that needs an extension."""
        text = f'this needs require "{extension}"'
        return _Refused(self._places.get(field, self._call.at), text, missing=True)

    def run(self) -> dict[str, Any]:
        """The fields and their values."""
        positional: list[NumberArgument | StringsArgument] = []
        used: set[str] = set()
        rest = iter(self._call.arguments)
        for argument in rest:
            if not isinstance(argument, TagArgument):
                positional.append(argument)
                continue
            option = self._option(argument)
            if option.excludes in used:
                raise _Refused(argument.at, f'":{argument.name}" is repeated or conflicts with another tag')
            used.add(option.excludes)
            self._take(option, argument, rest)
        self._positional(positional)
        return self._values

    def _option(self, tag: TagArgument) -> Option:
        option = self._syntax.by_tag.get(tag.name)
        if option is not None:
            if option.needs and not self.uses(option.needs):
                raise _Refused(tag.at, f'to use ":{tag.name}", add: require "{option.needs}"', missing=True)
            return option
        known = ", ".join(f":{option.tag}" for option in self._syntax.options)
        said = f"expected one of {known}" if known else "not expected here"
        raise _Refused(tag.at, f'"{self._syntax.name}" doesn\'t support the tag ":{tag.name}": {said}', missing=True)

    def _take(self, option: Option, tag: TagArgument, arguments: Iterator[Argument]) -> None:
        self._places[option.field] = tag.at
        if option.takes is None:
            self._values[option.field] = option.value
            return
        argument = next(arguments, None)
        if argument is None or isinstance(argument, TagArgument):
            at = self._call.end if argument is None else argument.at
            raise _Refused(at, f'expected {option.takes.value} after ":{option.tag}"')
        value = self._value(argument, option.takes)
        self._values[option.field] = option.form.format(value.lower()) if option.form else value

    def _positional(self, arguments: list[NumberArgument | StringsArgument]) -> None:
        positionals, count = self._syntax.positional, len(arguments)
        if count < len(positionals):
            positionals = tuple(one for one in positionals if not one.optional)
        if count > len(positionals):
            raise _Refused(arguments[len(positionals)].at, f'too many arguments for "{self._syntax.name}"')
        for at, argument in enumerate(arguments):
            one = positionals[at]
            self._places[one.field] = argument.at
            self._values[one.field] = self._value(argument, one.takes)
        if count < len(positionals):
            missing = positionals[count]
            raise _Refused(self._call.end, f'expected {missing.takes.value} after "{self._syntax.name}"')

    def _value(self, argument: NumberArgument | StringsArgument, kind: Value) -> Any:
        if isinstance(argument, NumberArgument):
            if kind is not NUMBER:
                raise _Refused(argument.at, f"expected {kind.value}, but found a number")
            return argument.value
        if kind is NUMBER:
            raise _Refused(argument.at, "expected a number, but found a string")
        texts = argument.texts if self._checker.is_plain else self._checker.texts(argument)
        if kind is STRINGS:
            return texts
        if len(texts) != 1:
            raise _Refused(argument.at, "expected a single string, but found a list")
        return texts[0]
