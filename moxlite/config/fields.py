"""Fields of the configuration structs, read from their annotations: the one source of reading, reference and error
texts.

A field's annotation gives its type, the kind of its values and its documentation (`values`). This module turns it
into a `Field` with a `Shape`, once per class.
"""

import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Literal, TypeAlias, cast, get_args, get_origin

import msgspec

from moxlite.config.values import Doc, Kind, Section


class PlainShape(msgspec.Struct, frozen=True):
    """A boolean, an integer that isn't negative, a float, or a text."""

    type: type


class KindShape(msgspec.Struct, frozen=True):
    """A value of a kind of ours, such as a duration."""

    kind: Kind


class EnumShape(msgspec.Struct, frozen=True):
    """One of a set of words."""

    words: tuple[str, ...]


class ArrayShape(msgspec.Struct, frozen=True):
    """An array; `length` is None for any."""

    item: "Shape"
    length: int | None = None


class TablesShape(msgspec.Struct, frozen=True):
    """A table whose keys are names that the user chooses."""

    item: "Shape"


class TableShape(msgspec.Struct, frozen=True):
    """A table with the fields of `section`."""

    section: type[Section]


Shape: TypeAlias = PlainShape | KindShape | EnumShape | ArrayShape | TablesShape | TableShape

REQUIRED: Final = object()


class Field(msgspec.Struct, frozen=True):
    """A key of a table. `default` is `REQUIRED` for a key without default. `secret`: its value is not shown. `owner`:
    its name in the account app, "" if the user of an account does not change it.
    """

    name: str
    shape: Shape
    doc: str
    default: object = REQUIRED
    secret: bool = False
    owner: str = ""

    @property
    def required(self) -> bool:
        """Whether the file must have the key."""
        return self.default is REQUIRED


@cache  # one entry per section class
def fields_of(section: type[Section]) -> tuple[Field, ...]:
    """The fields of a section, in the order of the reference."""
    hints = typing.get_type_hints(section, include_extras=True)
    fields = []
    for info in msgspec.structs.fields(section):
        default: object = REQUIRED
        if info.default_factory is not msgspec.NODEFAULT:
            default = cast("types.FunctionType", info.default_factory)()
        elif info.default is not msgspec.NODEFAULT:
            default = info.default
        hint = hints[info.name]
        said = _doc(hint)
        fields.append(Field(info.name, shape_of(hint), said.text, default, said.secret, said.owner))
    return tuple(fields)


def _doc(hint: object) -> Doc:
    return next((extra for extra in get_args(hint)[1:] if isinstance(extra, Doc)), Doc(""))


def shape_of(hint: Any) -> Shape:
    """The shape that an annotation describes. Raises TypeError for a type that the configuration cannot hold."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is typing.Annotated:
        kinds = [extra for extra in args[1:] if isinstance(extra, Kind)]
        return KindShape(kinds[0]) if kinds else shape_of(args[0])
    if origin in (typing.Union, types.UnionType):
        return shape_of(next(arg for arg in args if arg is not type(None)))
    if origin is Literal:
        return EnumShape(args)
    if origin is tuple:
        return ArrayShape(shape_of(args[0]), None if args[-1] is Ellipsis else len(args))
    if origin is Mapping or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return TablesShape(shape_of(args[1]))
    if isinstance(hint, type) and issubclass(hint, Section):
        return TableShape(hint)
    if hint in (bool, int, float, str):
        return PlainShape(hint)
    raise TypeError(f"unsupported type for a configuration value: {hint!r}")


def type_name(shape: Shape) -> str:
    """The type in words, for the reference."""
    match shape:
        case PlainShape():
            return {bool: "boolean", int: "integer", float: "number", str: "text"}[shape.type]
        case KindShape():
            return shape.kind.name
        case EnumShape():
            return (
                " or ".join(f'"{word}"' for word in shape.words)
                if len(shape.words) < 4
                else ", ".join(f'"{word}"' for word in shape.words)
            )
        case ArrayShape():
            return f"{shape.length} × {type_name(shape.item)}" if shape.length else f"list of {type_name(shape.item)}"
        case TablesShape():
            return "table of tables" if isinstance(shape.item, TableShape) else f"table of {type_name(shape.item)}"
        case TableShape():
            return "table"
