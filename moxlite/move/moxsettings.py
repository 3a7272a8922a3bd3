"""Settings of mox in the form of domains.toml (MOVE-5).

Most settings of an account, of its addresses and of its rules mean the same here, and have the same names but for their
form: ``MsgFromRegexp`` is ``msg_from_regexp``.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from moxlite.config.fields import ArrayShape, PlainShape, Shape, TableShape, TablesShape, fields_of
from moxlite.config.toml.decode import decode_field, encode_field
from moxlite.config.values import Section

Value: TypeAlias = "str | list[Value] | dict[str, Value]"

_SWITCH: Final = {"true": True, "false": False}

EMPTY: Final[tuple[Value, ...]] = ("", "nil", [], {})
"""How mox writes a setting that is not set."""


class UnsupportedValue(ValueError):
    """A value that cannot be here; the text gives the reason."""


def settings_of(section: type[Section], table: Mapping[str, Value]) -> tuple[dict[str, Any], list[str]]:
    """The settings of a table that can be here, as domains.toml has them, and what is wrong with each of the others.

    A setting comes whole or not at all: a rule without one of its conditions would take other mail.
    """
    fields = {field.name: field for field in fields_of(section)}
    found: dict[str, Any] = {}
    problems = []
    for key, value in table.items():
        if value in EMPTY:
            continue
        name = snake(key)
        try:
            if name not in fields:
                raise UnsupportedValue("unknown setting")
            decoded, mistakes = decode_field(section, name, _value(fields[name].shape, value), Path())
            if mistakes:
                raise UnsupportedValue(mistakes[0].text)
        except UnsupportedValue as error:
            problems.append(f"{key}: {error}")
        else:
            if decoded != fields[name].default:
                found[name] = encode_field(section, name, decoded)
    return found, problems


def snake(name: str) -> str:
    """A name of mox in our form."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _value(shape: Shape, value: Value) -> Any:
    """A value in the form of domains.toml. Raises UnsupportedValue."""
    match shape, value:
        case TableShape(), dict():
            found, problems = settings_of(shape.section, value)
            if problems:
                raise UnsupportedValue("; ".join(problems))
            return found
        case TablesShape(), dict():
            return {name: _value(shape.item, one) for name, one in value.items()}
        case ArrayShape(), list():
            return [_value(shape.item, one) for one in value]
        case PlainShape(), str():
            return _plain(shape.type, value)
        case TableShape() | TablesShape() | ArrayShape(), _:
            raise UnsupportedValue("wrong type")
        case _, str():
            return value
    raise UnsupportedValue("wrong type")


def _plain(kind: type, text: str) -> Any:
    try:
        return _SWITCH[text] if kind is bool else kind(text)
    except (KeyError, ValueError):
        raise UnsupportedValue(f"invalid value {text!r}") from None
