"""Offsets of keys and values in a TOML text, and their lines, which `tomllib` does not report. Lines are computed only
after a mistake was found, so that the start is fast.

The text has been parsed before: the scanner relies on it being valid TOML 1.0 and only looks for places.
"""

import re
import tomllib
from bisect import bisect_right
from typing import Final

import msgspec

from moxlite.config.toml.decode import KeyPath

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
            raise ValueError(f"not TOML at offset {self.at}")
        self.at = match.end()
        return match[0]


def lines_of(text: str) -> dict[KeyPath, int]:
    """The line, from 1, of every table header, key and array element of a valid TOML text."""
    found = _Lines(text)
    found.document()
    return found.lines


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
