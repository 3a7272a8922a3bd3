"""From structs to the tables of a TOML file: the reverse of `decode`."""

from collections.abc import Collection
from typing import Any

from moxlite.config.fields import ArrayShape, KindShape, Shape, TableShape, TablesShape, fields_of
from moxlite.config.values import Section


def encode(section: Section, *, whole: bool = False, only: Collection[str] | None = None) -> dict[str, Any]:
    """A struct as a table, without the keys that have their default; with `whole` all keys but those that are not set
    (None). `only`: names of the keys that are wanted, None for all.
    """
    return {
        field.name: _plain(field.shape, value, whole)
        for field in fields_of(type(section))
        if (only is None or field.name in only)
        and (value := getattr(section, field.name)) is not None
        and (whole or value != field.default)
    }


def encode_field(section: type[Section], name: str, value: object) -> Any:
    """The value of one key of a section, in the form of the file."""
    return _plain(next(field for field in fields_of(section) if field.name == name).shape, value, False)


def _plain(shape: Shape, value: Any, whole: bool) -> Any:
    match shape:
        case TableShape():
            return encode(value, whole=whole)
        case TablesShape():
            return {name: _plain(shape.item, item, whole) for name, item in value.items()}
        case ArrayShape():
            return [_plain(shape.item, item, whole) for item in value]
        case KindShape():
            return shape.kind.show(value)
        case _:
            return value
