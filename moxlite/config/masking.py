"""The configuration without its secrets, for people who look at it (WEB-88): as the text of a file, and as effective
values.

Fields whose documentation says `secret` are masked. In a text, so are keys that no struct knows, such as a misspelt
``pasword``, and what looks like a secret in a comment. In a text that is not TOML, whole lines are masked by the names
of their keys.
"""

import re
import tomllib
from collections.abc import Iterator
from typing import Any, Final

from moxlite.config.fields import ArrayShape, Shape, TableShape, TablesShape, fields_of
from moxlite.config.toml.decode import KeyPath
from moxlite.config.toml.encode import encode
from moxlite.config.toml.scan import Entry, Scanner
from moxlite.config.values import Section

MASK: Final = "(secret)"

WORD: Final = re.compile(r"passw|secret|token|authori[sz]ation|credential|api_?key", re.IGNORECASE)
"""Part of the name of a secret."""

USER_INFO: Final = re.compile(r"(?<=://)[^/@\s\"']++(?=@)")
"""User and password in a URL."""

LONG: Final = ('"""', "'''")
"""Beginnings of strings of several lines."""


def masked_table(section: Section) -> dict[str, Any]:
    """All values of an object, defaults as well, in the form of the file and without secrets."""
    found: dict[str, Any] = _masked(TableShape(type(section)), encode(section, whole=True))
    return found


def _masked(shape: Shape, value: Any) -> Any:
    match shape:
        case TableShape() if isinstance(value, dict):
            fields = {field.name: field for field in fields_of(shape.section)}
            return {
                name: MASK if fields[name].secret and one else _masked(fields[name].shape, one)
                for name, one in value.items()
                if name in fields
            }
        case TablesShape() if isinstance(value, dict):
            return {name: _masked(shape.item, one) for name, one in value.items()}
        case ArrayShape() if isinstance(value, list):
            return [_masked(shape.item, one) for one in value]
        case _:
            return USER_INFO.sub(MASK, value) if isinstance(value, str) else value


def masked_text(text: str, section: type[Section]) -> str:
    """The text of a file with the struct `section`, without secrets."""
    try:
        tomllib.loads(text)
    except ValueError:  # TOMLDecodeError is one
        return _masked_broken(text)
    finder = _Secrets(text, section)
    finder.document()
    spans = sorted([*finder.spans, *_commented(text)])
    parts: list[str] = []
    end = 0
    for start, stop in spans:
        if start < end:  # within a masked value
            continue
        parts += [text[end:start], f'"{MASK}"']
        end = stop
    return USER_INFO.sub(MASK, "".join([*parts, text[end:]]))


def _commented(text: str) -> Iterator[tuple[int, int]]:
    """The places of the values of secrets that are commented out."""
    at = 0
    for line in text.split("\n"):
        hash_sign = line.find("#")
        if hash_sign >= 0 and (value := _value(line, hash_sign + 1)) is not None:
            yield at + value, at + len(line)
        at += len(line) + 1


def _masked_broken(text: str) -> str:
    """A text that is not TOML: the rest of each line behind the key of a secret is masked, and everything behind a
    secret of several lines, whose end is not known.
    """
    lines: list[str] = []
    for line in text.split("\n"):
        value = _value(line, 0)
        lines.append(line if value is None else line[:value] + MASK)
        if value is not None and any(mark in line[value:] for mark in LONG):
            lines.append(MASK)
            break
    return USER_INFO.sub(MASK, "\n".join(lines))


def _value(line: str, start: int) -> int | None:
    """The place of the value behind the first name of a secret; None without one."""
    found = WORD.search(line, start)
    equals = line.find("=", found.end()) if found is not None else -1
    if equals < 0:
        return None
    rest = line[equals + 1 :]
    value = equals + 1 + len(rest) - len(rest.lstrip(" \t"))
    return value if value < len(line) else None


class _Secrets(Scanner):
    """Finds the values to mask in a valid text."""

    def __init__(self, text: str, section: type[Section]) -> None:
        super().__init__(text)
        self.spans: list[tuple[int, int]] = []
        self._section = section

    def key_value(self, prefix: KeyPath) -> Entry:
        """Note the value if it must not be shown."""
        entry = super().key_value(prefix)
        if _hidden(TableShape(self._section), entry.path):
            self.spans.append((entry.value, entry.end))
        return entry


def _hidden(shape: Shape, path: KeyPath) -> bool:
    """Whether the value at a path is secret, or of a key that no struct knows."""
    for key in path:
        match shape:
            case TableShape():
                field = next((one for one in fields_of(shape.section) if one.name == key), None)
                if field is None or field.secret:
                    return True
                shape = field.shape
            case TablesShape() | ArrayShape():
                shape = shape.item
            case _:
                return True
    return False
