"""A script as text: read again, it is the same script."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from moxlite.proto.sieve.commands import AnyCommand, If, Require, Unavailable
from moxlite.proto.sieve.conditions import AllOf, AnyOf, AnyTest, Not, UnavailableTest
from moxlite.proto.sieve.grammar import Argument, Call, NumberArgument, StringsArgument, TagArgument
from moxlite.proto.sieve.script import Script
from moxlite.proto.sieve.syntax import Option, Value, Written

INDENT: Final = "    "
_LONE_LF: Final = re.compile("(?<!\r)\n")  # of an encoded character: a line break of the text would be read as CRLF


def print_script(script: Script) -> str:
    """The text of a script, with LF at the end of each line."""
    return "".join(
        f"{line}\n" for line in _Printer("encoded-character" in script.extensions).block(script.commands, "")
    )


class _Printer:
    """`encodes`: strings may have encoded characters, so that what looks like one is to be written as one."""

    def __init__(self, encodes: bool) -> None:
        self._encodes = encodes

    def block(self, commands: Iterable[AnyCommand], indent: str) -> Iterator[str]:
        for command in commands:
            if isinstance(command, Require):  # what it asks for is not in effect before its end
                yield f"{indent}{self._command(command, encodes=False)}"
            elif isinstance(command, If):
                yield from self._if(command, indent)
            elif isinstance(command, Unavailable):
                yield from _call(command.call, indent)
            else:
                yield f"{indent}{self._command(command, encodes=self._encodes)}"

    def _command(self, command: Written, *, encodes: bool) -> str:
        return f"{' '.join((command.syntax.name, *_arguments(command, encodes)))};"

    def _if(self, command: If, indent: str) -> Iterator[str]:
        for at, branch in enumerate(command.branches):
            if branch.test is None:
                head = "else"
            else:
                head = f"{'elsif' if at else 'if'} {self._test(branch.test)}"
            yield f"{indent}{head} {{"
            yield from self.block(branch.block, indent + INDENT)
            yield f"{indent}}}"

    def _test(self, test: AnyTest) -> str:
        match test:
            case AllOf():
                return f"allof ({', '.join(map(self._test, test.tests))})"
            case AnyOf():
                return f"anyof ({', '.join(map(self._test, test.tests))})"
            case Not():
                return f"not {self._test(test.test)}"
            case UnavailableTest():
                return _head(test.call)
            case _:
                return " ".join((test.syntax.name, *_arguments(test, self._encodes)))


def _arguments(node: Written, encodes: bool) -> Iterator[str]:
    """The arguments of a command or test by its syntax: those that differ from their default."""
    defaults = {field.name: field.default for field in msgspec.structs.fields(node)}
    for option in node.syntax.options:
        value = getattr(node, option.field)
        if value != defaults[option.field]:
            yield from _option(option, value, encodes)
    for one in node.syntax.positional:
        value = getattr(node, one.field)
        if not one.optional or value != defaults[one.field]:
            yield _value(value, one.takes, encodes)


def _option(option: Option, value: object, encodes: bool) -> Iterator[str]:
    if option.takes is None:
        if value == option.value:
            yield f":{option.tag}"
        return
    if option.form:
        before = option.form.removesuffix("{}")
        if isinstance(value, str) and value.startswith(before):
            yield f":{option.tag} {_quote(value.removeprefix(before), encodes)}"
        return
    yield f":{option.tag} {_value(value, option.takes, encodes)}"


def _value(value: object, kind: Value, encodes: bool) -> str:
    if kind is Value.NUMBER:
        return str(value)
    if isinstance(value, tuple):
        return _strings(value, encodes)
    return _quote(str(value), encodes)


def _strings(texts: tuple[str, ...], encodes: bool) -> str:
    quoted = ", ".join(_quote(text, encodes) for text in texts)
    return quoted if len(texts) == 1 else f"[{quoted}]"


def _quote(text: str, encodes: bool) -> str:
    if encodes:
        text = _LONE_LF.sub("${unicode:a}", text.replace("${", "${unicode:24}{"))
    return '"{}"'.format(text.replace("\\", "\\\\").replace('"', '\\"'))


# Calls that were not understood


def _call(call: Call, indent: str) -> Iterator[str]:
    if call.block is None:
        yield f"{indent}{_head(call)};"
        return
    yield f"{indent}{_head(call)} {{"
    for inner in call.block:
        yield from _call(inner, indent + INDENT)
    yield f"{indent}}}"


def _head(call: Call) -> str:
    words = [call.name, *map(_argument, call.arguments)]
    tests = ", ".join(map(_head, call.tests))
    if call.tests:
        words.append(f"({tests})" if call.listed else tests)
    return " ".join(words)


def _argument(argument: Argument) -> str:
    match argument:
        case NumberArgument():
            return str(argument.value)
        case TagArgument():
            return f":{argument.name}"
        case StringsArgument():
            quoted = ", ".join(_quote(text, False) for text in argument.texts)
            return f"[{quoted}]" if argument.listed else quoted
