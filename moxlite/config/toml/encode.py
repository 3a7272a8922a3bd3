"""From structs to the tables of a TOML file: the reverse of `decode`."""

from typing import Any

from moxlite.config.fields import ArrayShape, KindShape, Shape, TableShape, TablesShape, fields_of
from moxlite.config.values import Section

__all__ = ["encode", "encode_field"]


def encode(section: Section) -> dict[str, Any]:
    """A struct as a table, without the keys that have their default."""
    return {
        field.name: _plain(field.shape, value)
        for field in fields_of(type(section))
        if (value := getattr(section, field.name)) != field.default and value is not None
    }


def encode_field(section: type[Section], name: str, value: object) -> Any:
    """The value of one key of a section, in the form of the file."""
    return _plain(next(field for field in fields_of(section) if field.name == name).shape, value)


def _plain(shape: Shape, value: Any) -> Any:
    match shape:
        case TableShape():
            return encode(value)
        case TablesShape():
            return {name: _plain(shape.item, item) for name, item in value.items()}
        case ArrayShape():
            return [_plain(shape.item, item) for item in value]
        case KindShape():
            return shape.kind.show(value)
        case _:
            return value
