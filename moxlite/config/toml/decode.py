"""From the tables of a TOML file to structs, finding all mistakes at once (ADMIN-3).

A mistake is a `Mistake` at a path of keys; `load` adds file and line. A value that cannot be read is left out, so
that the rest is still looked at.
"""

import math
from collections.abc import Collection, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from moxlite.config.fields import (
    ArrayShape,
    EnumShape,
    Field,
    KindShape,
    PlainShape,
    Shape,
    TableShape,
    TablesShape,
    fields_of,
)
from moxlite.config.values import Section, toml_type
from moxlite.findings import Code
from moxlite.wording import reason_of, worded

KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys and array indices from the top of a file."""

SectionT = TypeVar("SectionT", bound=Section)

BARE: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


class Mistake(msgspec.Struct, frozen=True):
    """A mistake at a key, as a text to follow the key, before its file and line are known: `Source.findings`.
    `refers_to`: the table in which a referenced name is missing.
    """

    path: KeyPath
    text: str
    hint: str = ""
    refers_to: KeyPath = ()
    code: Code = "config-error"


warning: Final = partial(Mistake, code="config-warning")
"""A value that is valid but rarely intended."""


def dotted(path: KeyPath) -> str:
    """A path as in TOML: ``accounts.me.destinations."me@example.org".rulesets[0]``."""
    parts: list[str] = []
    for key in path:
        if isinstance(key, int):
            parts.append(f"[{key}]")
        else:
            name = key if key and BARE.issuperset(key) else '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
            parts.append(f".{name}" if parts else name)
    return "".join(parts)


class Wrong(Exception):
    """A value was left out; the findings give the reason."""


def decode(
    section: type[SectionT], table: object, base: Path, path: KeyPath = ()
) -> tuple[SectionT | None, list[Mistake]]:
    """A file's content as a struct, and all its mistakes. The struct is None if required values are missing or wrong.

    Args:
      base: directory that relative paths start at.
      path: keys of the table in the file.
    """
    reader = _Reader(base, () if path else [field.name for field in fields_of(section)])
    try:
        return reader.section(section, table, path), reader.findings
    except Wrong:
        return None, reader.findings


def decode_field(section: type[Section], name: str, value: object, base: Path) -> tuple[object, list[Mistake]]:
    """The value of one key of a section, and its mistakes at paths that begin with the key. The value is None if it
    cannot be read. Arguments as for `decode`.
    """
    reader = _Reader(base)
    field = next(field for field in fields_of(section) if field.name == name)
    try:
        return reader.field(field, value, (name,), None), reader.findings
    except Wrong:
        return None, reader.findings


def near(word: str, words: Iterable[str]) -> str:
    """A hint at the word that was likely meant."""
    import difflib  # only for mistakes

    close = difflib.get_close_matches(word, list(words), n=1, cutoff=0.6)
    return worded('did you mean "{word}"?', word=close[0]) if close else ""


TOO_LOW: Final = "this belongs at the top of the file, above the first [section]"


class _Reader:
    """Reads tables. top: names of the keys at the top of the file, none if only a part is read."""

    def __init__(self, base: Path, top: Collection[str] = ()) -> None:
        self.base = base
        self.top = top
        self.findings: list[Mistake] = []

    def wrong(self, path: KeyPath, text: str, hint: str = "") -> Wrong:
        self.findings.append(Mistake(path, text, hint))
        return Wrong()

    def section(self, section: type[SectionT], value: object, path: KeyPath, default: object = None) -> SectionT:
        """Decode a table with fixed keys. Missing fields come from `default`, or else from the class."""
        if not isinstance(value, dict):
            raise self.wrong(path, f"must be a table, not {toml_type(value)}")
        fields = {field.name: field for field in fields_of(section)}
        for key in value:
            if key not in fields:
                self.unknown((*path, key), fields)
        found: dict[str, object] = {}
        complete = True
        for field in fields.values():
            if field.name in value:
                try:
                    found[field.name] = self.field(field, value[field.name], (*path, field.name), default)
                except Wrong:
                    complete = complete and not field.required
            elif field.required and not isinstance(default, section):
                self.wrong((*path, field.name), "is missing")
                complete = False
        if not complete:
            raise Wrong
        if isinstance(default, section):
            return msgspec.structs.replace(default, **found)
        return section(**found)

    def unknown(self, path: KeyPath, fields: Collection[str]) -> None:
        """Note a key that isn't known, with a hint at the one that was likely meant, or at its place."""
        *above, key = path
        if above and key in self.top:
            self.wrong(path, "unknown key", TOO_LOW)
        elif len(above) == 2 and above[0] == "domains":
            header = f'[domains."{above[1]}.{key}"]'
            self.wrong(path, "unknown key", worded("put the domain in quotes: {header}", header=header))
        elif (hint := near(str(key), fields)) or not above or not (hint := near(str(key), self.top)):
            self.wrong(path, "unknown key", hint)
        else:
            self.wrong(path, "unknown key", f"{hint} {TOO_LOW[:1].upper()}{TOO_LOW[1:]}")

    def field(self, field: Field, value: object, path: KeyPath, parent: object) -> object:
        default = getattr(parent, field.name, None) if parent is not None else field.default
        found = self.value(field.shape, value, path, default)
        # Forms show "" where nothing is set, so two values for it would keep their user from saving (WEB-89).
        if (
            found == ""
            and field.default is None
            and not (isinstance(field.shape, KindShape) and field.shape.kind.blank)
        ):
            raise self.wrong(path, "can't be empty", "to leave it unset, remove this key")
        return found

    def value(self, shape: Shape, value: object, path: KeyPath, default: object = None) -> object:
        match shape:
            case TableShape():
                return self.section(shape.section, value, path, default if isinstance(default, shape.section) else None)
            case TablesShape():
                return self.tables(shape, value, path)
            case ArrayShape():
                return self.array(shape, value, path)
            case EnumShape():
                if isinstance(value, str) and value in shape.words:
                    return value
                words = ", ".join(f'"{word}"' for word in shape.words)
                raise self.wrong(
                    path,
                    worded("must be one of {words}", words=words),
                    near(value, shape.words) if isinstance(value, str) else "",
                )
            case KindShape():
                try:
                    return shape.kind.read(value, self.base)
                except ValueError as error:
                    raise self.wrong(path, reason_of(error)) from None
            case PlainShape():
                return self.plain(shape.type, value, path)

    def plain(self, kind: type, value: object, path: KeyPath) -> object:
        if kind is float and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
        if kind is int and isinstance(value, int) and not isinstance(value, bool):
            if not 0 <= value < 1 << 63:  # TOML has 64 bits with a sign, SQLite as well
                raise self.wrong(path, "can't be negative" if value < 0 else "is out of range")
            return value
        if kind is bool and isinstance(value, bool):
            return value
        if kind is str and isinstance(value, str):
            if not value.isprintable() and any(c < " " or "\x7f" <= c < "\xa0" for c in value):
                raise self.wrong(path, "contains control characters")
            return value
        names = {bool: "true or false", int: "an integer", float: "a number", str: "a string in quotes"}
        raise self.wrong(path, f"must be {names[kind]}, not {toml_type(value)}")

    def array(self, shape: ArrayShape, value: object, path: KeyPath) -> tuple[object, ...]:
        if not isinstance(value, list):
            raise self.wrong(path, f"must be an array, not {toml_type(value)}")
        if shape.length is not None and len(value) != shape.length:
            raise self.wrong(path, f"must have {shape.length} values, not {len(value)}")
        items: list[object] = []
        for index, item in enumerate(value):
            try:
                items.append(self.value(shape.item, item, (*path, index)))
            except Wrong:
                continue
        return tuple(items)

    def tables(self, shape: TablesShape, value: object, path: KeyPath) -> dict[str, object]:
        if not isinstance(value, dict):
            raise self.wrong(path, f"must be a table, not {toml_type(value)}")
        found: dict[str, object] = {}
        for name, item in value.items():
            try:
                found[name] = self.value(shape.item, item, (*path, name))
            except Wrong:
                continue
        return found


# From structs to the tables of a TOML file: the reverse of `decode`.


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
