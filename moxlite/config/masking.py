"""The configuration without its secrets, for people who look at it (WEB-88): as the text of a file, and as effective
values.

Fields whose documentation says `secret` are masked. In a text, so are keys that no struct knows, such as a misspelt
``pasword``, and what looks like a secret in a comment. In a text that is not TOML, whole lines are masked by the names
of their keys.
"""

import re
import tomllib
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from moxlite.config.domains import Domains
from moxlite.config.fields import ArrayShape, Shape, TableShape, TablesShape, fields_of
from moxlite.config.toml.decode import KeyPath, dotted, encode
from moxlite.config.toml.scan import Entry, Scanner
from moxlite.config.values import Section

MASK: Final = "(secret)"

WORD: Final = re.compile(r"passw|secret|token|authori[sz]ation|credential|api_?key", re.IGNORECASE)
"""Part of the name of a secret."""

WITHIN: Final = re.compile(r"(?<=://)[^/@\s\"']++(?=@)|\$argon2id\$[^\s\"']++")
"""What is secret within any text: user and password in a URL, the hash of a password."""

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
            return WITHIN.sub(MASK, value) if isinstance(value, str) else value


def masked_text(text: str, section: type[Section]) -> str:
    """The text of a file with the struct `section`, without secrets."""
    try:
        tomllib.loads(text)
    # A file in the middle of an edit is looked at most, and is no reason to show its secrets.
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
    return WITHIN.sub(MASK, "".join([*parts, text[end:]]))


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
    return WITHIN.sub(MASK, "\n".join(lines))


def _value(line: str, start: int) -> int | None:
    """The place of the value behind the first name of a secret; None without one."""
    match = WORD.search(line, start)
    equals = line.find("=", match.end()) if match is not None else -1
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
                if field is None or field.secret:  # a misspelt key may hold what the right one would
                    return True
                shape = field.shape
            case TablesShape() | ArrayShape():
                shape = shape.item
            case _:
                return True
    return False


# Differences between two versions of domains.toml, value by value and without secrets, for the audit log (WEB-160).


MOST: Final = 100
"""Differences that are told; an edit by a person has few."""

LONGEST: Final = 500
"""Characters of a text that is told."""

LONGEST_LIST: Final = 20_000
"""Characters of a list or table that is told whole: some 500 addresses. Which of them were there before is what readers
of the log look for.
"""


class Changed(NamedTuple):
    """A value, by its path as in TOML; None where it is not set."""

    path: str
    before: Any
    after: Any


def differences(old: Domains, new: Domains) -> list[Changed]:
    """The values that differ. Objects that are equal are not looked into."""
    found: list[Changed] = []
    for field in fields_of(Domains):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before == after:
            continue
        if field.name not in ("accounts", "domains"):
            found += _values(field.shape, (field.name,), _field(old, field.name), _field(new, field.name))
            continue
        for name in dict.fromkeys((*before, *after)):
            one, other = before.get(name), after.get(name)
            if one != other:
                shape = TableShape(type(one if one is not None else other))
                was, now = (None if it is None else encode(it) for it in (one, other))
                found += _values(shape, (field.name, name), was, now)
                if len(found) > MOST:
                    break
    return found[:MOST]


def changed_keys(old: Section, new: Section) -> list[str]:
    """The keys whose values differ between two tables of the same kind, dotted."""
    changes = _values(TableShape(type(old)), (), encode(old), encode(new))
    return [change.path for change in changes]


def _field(domains: Domains, name: str) -> Any:
    return encode(domains).get(name)


def _values(shape: Shape, path: KeyPath, before: Any, after: Any) -> Iterator[Changed]:
    if before == after:
        return
    below = _below(shape, before, after)
    if below is None:
        yield Changed(dotted(path), _shown(shape, before), _shown(shape, after))
        return
    for name, one, secret in below:
        was = before.get(name) if isinstance(before, dict) else None
        now = after.get(name) if isinstance(after, dict) else None
        if secret:
            if was != now:
                yield Changed(dotted((*path, name)), MASK if was else None, f"{MASK}, another" if now and was else MASK)
        else:
            yield from _values(one, (*path, name), was, now)


def _below(shape: Shape, before: Any, after: Any) -> list[tuple[str, Shape, bool]] | None:
    """The keys of a table with their shapes; None for a value that is told as a whole."""
    given = [one for one in (before, after) if one is not None]
    if not all(isinstance(one, dict) for one in given):
        return None
    names = dict.fromkeys(name for one in given for name in one)
    if not names:
        return None
    match shape:
        case TableShape():
            fields = {field.name: field for field in fields_of(shape.section)}
            return [(name, fields[name].shape, fields[name].secret) for name in names if name in fields]
        case TablesShape():
            return [(name, shape.item, False) for name in names]
        case _:
            return None


def _shown(shape: Shape, value: Any) -> Any:
    value = _masked(shape, value)
    if isinstance(value, str) and len(value) > LONGEST:
        return value[:LONGEST] + "…"
    if isinstance(value, list | dict):
        text = repr(value)
        return text[:LONGEST] + "…" if len(text) > LONGEST_LIST else value
    return value
