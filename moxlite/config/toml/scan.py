"""Offsets of keys and values in a TOML text, and their lines, which `tomllib` does not report. Lines are computed only
after a mistake was found, so that the start is fast.

The text has been parsed before: the scanner relies on it being valid TOML 1.0 and only looks for places.
"""

import operator
import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from moxlite.config.toml.decode import BARE, KeyPath
from moxlite.encoding import to_json

BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
SPACE: Final = re.compile(r"[ \t]*")
BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
STRING: Final = re.compile(
    r"""
      \"{3} (?> (?: [^"\\]++ | \\. | "(?!"") )* ) \"{3,5}
    | '{3} (?> (?: [^']++ | '(?!'') )* ) '{3,5}
    | " (?> (?: [^"\\\n]++ | \\. )* ) "
    | ' [^'\n]*+ '
    """,
    re.DOTALL | re.VERBOSE,
)
SCALAR: Final = re.compile(r"[^,\]}#\n]+")


class Entry(msgspec.Struct, frozen=True):
    """A key with its value: the whole path, and offsets of the key, of the value and behind the value."""

    path: KeyPath
    start: int
    value: int
    end: int


class Scanner:
    """Scans on from the offset `at`, and calls `note` for each element that it passes."""

    def __init__(self, text: str, at: int = 0) -> None:
        self.text = text
        self.at = at
        self.arrays: dict[KeyPath, int] = {}

    def note(self, path: KeyPath, start: int) -> None:
        """A table, key or array element begins at an offset."""

    def document(self) -> None:
        """Scan the rest of a valid text."""
        prefix: KeyPath = ()
        self.skip(BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                prefix = self.header()
            else:
                self.key_value(prefix)
            self.skip(BLANK)

    def header(self) -> KeyPath:
        """Scan ``[a.b]`` or ``[[a.b]]``. Returns the path; for an array of tables it ends with the index of the
        element.
        """
        start = self.at
        array = self.text.startswith("[[", start)
        self.at += 2 if array else 1
        path: KeyPath = ()
        keys = self.keys()
        for key in keys[:-1]:
            path = (*path, key)
            self.note(path, start)
            path = self._within(path)
        path = (*path, keys[-1])
        if array:
            self.arrays[path] = self.arrays.get(path, -1) + 1
            self.note(path, start)
            path = (*path, self.arrays[path])
        self.note(path, start)
        self.at += 2 if array else 1
        return path

    def _within(self, path: KeyPath) -> KeyPath:
        """The path with each array of tables replaced by its last element."""
        return (*path, self.arrays[path]) if path in self.arrays else path

    def key_value(self, prefix: KeyPath) -> Entry:
        """Scan ``key = value`` in the table `prefix`."""
        start = self.at
        path = prefix
        for key in self.keys():
            path = (*path, key)
            self.note(path, start)
        self.at += 1  # "="
        self.skip(SPACE)
        value = self.at
        self.value(path)
        end = self.at
        while self.text[end - 1] in " \t\r":  # a scalar goes to the end of its line
            end -= 1
        return Entry(path, start, value, end)

    def keys(self) -> list[str]:
        """Scan a dotted key, up to the text after it."""
        found: list[str] = []
        while True:
            self.skip(SPACE)
            if self.text[self.at] in "\"'":
                raw = self.take(STRING)
                found.append(tomllib.loads(f"k={raw}")["k"] if "\\" in raw else raw[1:-1])
            else:
                found.append(self.take(BARE_KEY))
            self.skip(SPACE)
            if self.text[self.at] != ".":
                return found
            self.at += 1

    def value(self, path: KeyPath) -> None:
        """Scan any value with all that it holds."""
        match self.text[self.at]:
            case "[":
                self.at += 1
                self._array(path)
            case "{":
                self.at += 1
                self._inline_table(path)
            case '"' | "'":
                self.skip(STRING)
            case _:
                self.skip(SCALAR)

    def _array(self, path: KeyPath) -> None:
        index = 0
        self.skip(BLANK)
        while self.text[self.at] != "]":
            self.note((*path, index), self.at)
            self.value((*path, index))
            index += 1
            self.skip(BLANK)
            if self.text[self.at] == ",":
                self.at += 1
                self.skip(BLANK)
        self.at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self.skip(BLANK)
        while self.text[self.at] != "}":
            self.key_value(path)
            self.skip(BLANK)
            if self.text[self.at] == ",":
                self.at += 1
                self.skip(BLANK)
        self.at += 1

    def skip(self, pattern: re.Pattern[str]) -> None:
        """Move behind a match at this offset, if there is one."""
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()

    def take(self, pattern: re.Pattern[str]) -> str:
        """Move behind a match at this offset, and return it. Raises ValueError if the text does not match, so that it
        is not TOML.
        """
        match = pattern.match(self.text, self.at)
        if match is None:
            raise ValueError(f"invalid TOML at offset {self.at}")
        self.at = match.end()
        return match[0]


def lines_of(text: str) -> dict[KeyPath, int]:
    """The line, from 1, of every table header, key and array element of a valid TOML text."""
    lines = _Lines(text)
    lines.document()
    return lines.lines


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int:
    """The line of a path, or of the nearest table around it that is in the file; else 1."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


class _Lines(Scanner):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.lines: dict[KeyPath, int] = {}

    def note(self, path: KeyPath, start: int) -> None:
        self.lines.setdefault(path, bisect_right(self.starts, start))


# Inline values, after `key =`: their text, and edits that keep the text of equal elements (ADMIN-6).


REST_OF_LINE: Final = re.compile(r"[ \t]*(?:#[^\n]*)?\r?\n")


def parsed(text: str) -> Any:
    """The value of a text."""
    return tomllib.loads(f"v = {text}")["v"]


def edited(text: str, was: object, value: object, newline: str) -> str:
    """The text of a value, changed where `value` differs from `was`, which is what the text means."""
    if was == value:
        return text
    if isinstance(was, list) and isinstance(value, list) and was and value:
        return _array(text, was, value, newline)
    if isinstance(was, Mapping) and isinstance(value, Mapping) and text.startswith("{"):
        return _table(text, was, value, newline)
    return literal(value, spread="\n" in text, newline=newline)


class _Element(NamedTuple):
    """An element of an array: the blanks and comments above it, its text, and the rest up to the next one or to the end
    of the line, without the comma.
    """

    above: str
    text: str
    rest: str


def _array(text: str, was: list[Any], value: list[Any], newline: str) -> str:
    opening, elements, closing, comma = _elements(text)
    if len(elements) != len(was):
        was = parsed(text)
    spread = "\n" in text
    indent = elements[0].above.rpartition("\n")[2] or "  "
    new: list[_Element] = []
    for number, item in zip(align(was, value), value, strict=True):
        if number is None:
            new.append(_Element(indent, literal(item), newline))
        else:
            new.append(elements[number]._replace(text=edited(elements[number].text, was[number], item, newline)))
    if not spread:
        return f"[{', '.join([one.text for one in new])}]"
    return opening + "".join(_lines(new, comma=comma)) + closing


def _lines(elements: Sequence[_Element], *, comma: bool) -> Iterator[str]:
    """The text of elements; `comma`: the last one is followed by one, too."""
    for number, (above, text, rest) in enumerate(elements, 1):
        last = number == len(elements)
        yield above + text + ("," if comma or not last else "") + (rest if rest or last else " ")


def _elements(text: str) -> tuple[str, list[_Element], str, bool]:
    """The parts of an array: its opening bracket, elements, closing bracket, and whether the last one has a comma."""
    scanner = Scanner(text, 1)
    if line := REST_OF_LINE.match(text, 1):
        scanner.at = line.end()
    opening = text[: scanner.at]
    found: list[_Element] = []
    comma = False
    while True:
        above = scanner.at
        scanner.skip(BLANK)
        if text[scanner.at] == "]":
            return opening, found, text[above:], comma
        start = scanner.at
        scanner.value(())
        end = start + len(text[start : scanner.at].rstrip(" \t\r"))
        scanner.at = end
        scanner.skip(BLANK)
        comma = text[scanner.at] == ","
        before = text[end : scanner.at] if comma else ""
        scanner.at = behind = scanner.at + 1 if comma else end
        if line := REST_OF_LINE.match(text, scanner.at):
            scanner.at = line.end()
        rest = before + text[behind : scanner.at]
        found.append(_Element(text[above:start], text[start:end], rest))


def _table(text: str, was: Mapping[str, Any], value: Mapping[str, Any], newline: str) -> str:
    scanner = Scanner(text, 1)
    pairs: dict[str, str] = {}
    scanner.skip(BLANK)
    while text[scanner.at] != "}":
        entry = scanner.key_value(())
        if len(entry.path) > 1:  # a dotted key
            return literal({**_unnamed(parsed(text), was), **value}, newline=newline)
        pairs[str(entry.path[0])] = text[entry.start : entry.end].rstrip()
        scanner.skip(BLANK)
        if text[scanner.at] == ",":
            scanner.at += 1
            scanner.skip(BLANK)
    for key in was.keys() - value.keys():
        pairs.pop(key, None)
    for key, item in value.items():
        if key in pairs and key in was:
            if was[key] != item:
                name, old = _halves(pairs[key])
                pairs[key] = name + edited(old, was[key], item, newline)
        else:
            pairs[key] = f"{dotted_keys((key,))} = {literal(item)}"
    return "{ " + ", ".join(pairs.values()) + " }" if pairs else "{}"


def _unnamed(table: Mapping[str, Any], was: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in table.items() if key not in was}


def _halves(pair: str) -> tuple[str, str]:
    """A key with its equal sign, and its value."""
    entry = Scanner(pair).key_value(())
    return pair[: entry.value], pair[entry.value :]


def align(was: Sequence[Any], value: Sequence[Any]) -> list[int | None]:
    """For each element of a new list, the index of the old one that it continues, None for a new one.

    Equal elements continue each other; so do tables that have an equal key, or are the only ones left on both sides.
    """
    found: list[int | None] = [None] * len(value)
    begin = 0
    while begin < min(len(was), len(value)) and was[begin] == value[begin]:
        found[begin] = begin
        begin += 1
    end = 0
    while end < min(len(was), len(value)) - begin and was[-1 - end] == value[-1 - end]:
        end += 1
        found[-end] = len(was) - end
    left = list(range(begin, len(was) - end))
    new = list(range(begin, len(value) - end))
    for old, number in [*_common(was, value, left, new)]:
        left.remove(old)
        found[number] = old
    for alike in (operator.eq, _related):
        for number in new:
            like = next((old for old in left if alike(was[old], value[number])), None)
            if found[number] is None and like is not None:
                left.remove(like)
                found[number] = like
    alone = [number for number in new if found[number] is None]
    if len(alone) == len(left) == 1 and isinstance(was[left[0]], Mapping) and isinstance(value[alone[0]], Mapping):
        found[alone[0]] = left[0]
    return found


def _common(was: Sequence[Any], value: Sequence[Any], left: list[int], new: list[int]) -> Iterator[tuple[int, int]]:
    """The longest common subsequence, as pairs of indices; quadratic in what differs."""
    lengths = [[0] * (len(new) + 1)]
    for old in reversed(left):
        row, below = [0], lengths[0]
        for at, number in enumerate(reversed(new)):
            row.append(below[at] + 1 if was[old] == value[number] else max(below[at + 1], row[-1]))
        lengths.insert(0, row)
    i, j = 0, 0
    while i < len(left) and j < len(new):
        if was[left[i]] == value[new[j]]:
            yield left[i], new[j]
            i, j = i + 1, j + 1
        elif lengths[i + 1][len(new) - j] >= lengths[i][len(new) - j - 1]:
            i += 1
        else:
            j += 1


def _related(one: object, other: object) -> bool:
    return isinstance(one, Mapping) and isinstance(other, Mapping) and any(one.get(key) == other[key] for key in other)


def literal(value: object, *, spread: bool = False, newline: str = "\n") -> str:
    """A value in one line; with `spread` an array has a line for each element."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _quoted(value)
        case int() | float():
            return repr(value)
        case list() | tuple():
            items = [literal(item) for item in value]
            if spread and items:
                return f"[{newline}" + "".join(f"  {item},{newline}" for item in items) + "]"
            return "[" + ", ".join(items) + "]"
        case Mapping():
            items = [f"{dotted_keys((key,))} = {literal(item)}" for key, item in value.items()]
            return "{ " + ", ".join(items) + " }" if items else "{}"
        case _:
            raise TypeError(f"invalid configuration value: {value!r}")


def dotted_keys(path: Sequence[str]) -> str:
    """A key as TOML writes it, quoted where it must be."""
    return ".".join(key if key and BARE.issuperset(key) else _quoted(key) for key in path)


def _quoted(text: str) -> str:
    """A basic string: JSON escapes as TOML does, but for DEL."""
    return to_json(text).decode().replace("\x7f", "\\u007f")
