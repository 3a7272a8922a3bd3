"""Commands made of the descriptions of operations (`moxlite.operations`).

The fields of a request become arguments where they are required, else options; so do the fields of a choice or page in
it. A verb sends what was given, and prints the result: as a table of the description's columns, by its printer,
a text as it is.
"""

import typing
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import click
import msgspec

from moxlite.cli.common import HYPHENS, ask, call, raw_output, say_done, settings, show, show_json
from moxlite.cli.doubts import say_doubts
from moxlite.operations import Description, R, Role

Printer: TypeAlias = Callable[[Any, bool], None]
"""Prints a result; as JSON if the second argument is true."""


Question: TypeAlias = Callable[[Mapping[str, Any]], str]
"""Returns what the command line asks before an operation with these arguments: what goes, by the server's word."""


def for_people(show: Callable[[R], None]) -> Printer:
    """The printer of a result that programs get as it is."""

    def printer(result: R, as_json: bool) -> None:
        if as_json:
            show_json(result)
        else:
            show(result)

    return printer


def described(
    group: click.Group,
    operations: Iterable[Description],
    groups: Mapping[str, str],
    printers: Mapping[type, Printer],
    *,
    words: str = "",
    without: Collection[type] = (),
    questions: Mapping[type, Question] = {},
) -> Mapping[str, click.Group]:
    """Add the verbs of a group: of the operations whose names begin with its own. Returns the groups in it.

    Args:
      groups: help of the groups in it, by their words, outer ones first.
      printers: of results that are not printed as a table, for operations of a class.
      words: with which the names begin, if these are more than the group's name.
      without: operations that get no verb.
      questions: of operations whose question depends on what the server has.
    """
    words = words or group.name or ""
    made = {"": group}
    for inner, about in groups.items():
        outer, _, word = inner.rpartition(" ")
        made[inner] = click.Group(word, help=about)
        made[outer].add_command(made[inner])
    for operation in operations:
        path, _, verb = operation.name.removeprefix(f"{words} ").rpartition(" ")
        local = operation.name.startswith(f"{words} ") and Role.COMMAND_LINE in operation.who
        if local and operation.request not in without:
            printer = next((printers[one] for one in operation.request.__mro__ if one in printers), None)
            question = questions.get(operation.request) or operation.ask.format_map
            made[path].add_command(_command(verb, operation, printer, question))
    return made


def _command(verb: str, operation: Description, printer: Printer | None, question: Question) -> click.Command:
    # The account first, though apps leave it out.
    fields = sorted(_fields(operation.request, ()), key=lambda field: not field.needed)
    params = [*(field.parameter() for field in _merged(fields))]
    if operation.result is not type(None):
        params.append(click.Option(["--json", "as_json"], is_flag=True, help="Print as JSON."))

    def run(as_json: bool = False, **given: Any) -> None:
        args: dict[str, Any] = {}
        for field in fields:
            if (value := given[field.name]) is not None:
                field.put(args, value)
        if asked := question(args):
            ask(asked)
        say_doubts(operation.name, args)
        output = raw_output() if operation.octets else None
        result = call(operation.name, args, operation.result, output=output)
        say_done(operation.done, args)
        as_json = as_json or settings().as_json
        if printer is not None:
            printer(result, as_json)
        elif operation.columns:
            show(result, operation.columns, as_json=as_json)
        elif isinstance(result, str) and not as_json:
            print(result)
        elif result is not None:
            show_json(result)

    hyphens = HYPHENS if any(field.required and field.kind is not None for field in fields) else None
    return click.Command(verb, params=params, callback=run, help=operation.about, context_settings=hyphens)


class _Field:
    """A field of a request, by its path of names."""

    def __init__(self, path: Sequence[str], info: msgspec.structs.FieldInfo) -> None:
        self.path = path
        self.type, meta = info.type, None
        while typing.get_origin(self.type) is typing.Annotated:
            self.type, *metas = typing.get_args(self.type)
            meta = next((one for one in metas if one.extra is not None), meta)
        extra = {} if meta is None else meta.extra or {}
        self.help = "" if meta is None else meta.description or ""
        self.kind: Callable[[str], Any] | None = extra.get("kind")
        self.metavar: str = extra.get("metavar", "")
        self.needed: bool = extra.get("needed", False)
        self.required = info.required or self.needed
        self.argument = info.required or extra.get("argument", False)
        self.flag: str = extra.get("flags", ())[0] if extra.get("flags") else f"--{path[-1].replace('_', '-')}"
        self.name = self.flag.partition("/")[0].lstrip("-").replace("-", "_") if not self.argument else path[-1] + "_"

    def put(self, args: dict[str, Any], value: Any) -> None:
        """Set the value in the arguments of the operation."""
        for name in self.path[:-1]:
            args = args.setdefault(name, {})
        args[self.path[-1]] = value

    def parameter(self) -> click.Parameter:
        """The argument or option."""
        kind = self._kind()
        if self.argument:
            several = typing.get_origin(self.type) in (list, tuple)
            shown = self.metavar or self.path[-1].upper()
            if not self.required:
                shown = f"[{shown}]{'...' if several else ''}"
            return click.Argument(
                [self.name],
                type=kind,
                required=self.required,
                nargs=-1 if several else 1,
                metavar=None if isinstance(kind, click.Choice) else shown,
            )
        if self.type is bool:
            return click.Option([self.flag, self.name], is_flag=True, default=None, help=self.help)
        metavar = self.metavar or ("[true|false]" if kind is click.BOOL else None)
        return click.Option([self.flag, self.name], type=kind, metavar=metavar, help=self.help)

    def _kind(self) -> click.ParamType[Any]:
        if self.kind is not None:
            return _Kind(self.metavar, self.kind)
        words = {}
        one = typing.get_args(self.type)[0] if typing.get_origin(self.type) is list else self.type
        if typing.get_origin(one) is Literal:
            words = {str(value).replace("_", "-"): value for value in typing.get_args(one)}
        elif self.type in (bool | None, bool | msgspec.UnsetType):
            return click.BOOL
        elif self.type == tuple[int, ...]:
            return _Kind(self.metavar, _numbers)
        elif self.type in (int, int | None):
            return click.INT
        return _Words(words) if words else click.STRING


def _fields(request: type[Any], path: tuple[str, ...]) -> list[_Field]:
    fields: list[_Field] = []
    for info in msgspec.structs.fields(request):
        here = (*path, info.name)
        if isinstance(info.type, type) and issubclass(info.type, msgspec.Struct):
            fields += _fields(info.type, here)
        else:
            fields.append(_Field(here, info))
    return fields


def _merged(fields: Sequence[_Field]) -> Iterable[_Field]:
    """The fields without those that have another's option: it sets them all."""
    found: dict[str, _Field] = {}
    for field in fields:
        found.setdefault(field.name, field)
    return found.values()


def _numbers(text: str) -> list[int]:
    if not all(one.strip().isdecimal() for one in text.split(",")):
        raise ValueError("must be numbers, separated by commas")
    return [int(one) for one in text.split(",")]


class _Kind(click.ParamType[Any]):
    """Values that a function makes of words."""

    def __init__(self, name: str, make: Callable[[str], Any]) -> None:
        self.name = name.lower()
        self._make = make

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value of a word."""
        try:
            return self._make(value)
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)


class _Words(click.Choice[str]):
    """Words, each with its value."""

    def __init__(self, words: Mapping[str, Any]) -> None:
        super().__init__([*words])
        self._words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value of a word."""
        return self._words[super().convert(value, param, ctx)]
