"""Lines of the keys in a TOML text, which `tomllib` doesn't tell. Only used once a mistake is known, so start stays
fast.

The text has been parsed before: this scanner relies on it being valid TOML 1.0 and only looks for where things begin.
"""

import re
import tomllib
from bisect import bisect_right
from typing import Final

from moxlite.config.decode import KeyPath

__all__ = ["line_of", "lines_of"]

BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
SPACE: Final = re.compile(r"[ \t]*")
BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
STRING: Final = re.compile(
    r"""
      \"{3} (?: [^"\\] | \\. | "(?!"") )* \"{3,5}
    | '{3} (?: [^'] | '(?!'') )* '{3,5}
    | " (?: [^"\\\n] | \\. )* "
    | ' [^'\n]* '
    """,
    re.DOTALL | re.VERBOSE,
)
SCALAR: Final = re.compile(r"[^,\]}#\n]+")


def lines_of(text: str) -> dict[KeyPath, int]:
    """The line, from 1, of every table header, key and array element of a valid TOML text."""
    return _Scanner(text).document()


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int:
    """The line of a path, or of the nearest thing around it that stands in the file; 1 if nothing does."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.lines: dict[KeyPath, int] = {}
        self.arrays: dict[KeyPath, int] = {}

    def document(self) -> dict[KeyPath, int]:
        prefix: KeyPath = ()
        self.skip(BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                prefix = self.header()
            else:
                self.key_value(prefix)
            self.skip(BLANK)
        return self.lines

    def header(self) -> KeyPath:
        start = self.at
        array = self.text.startswith("[[", start)
        self.at += 2 if array else 1
        path: KeyPath = ()
        keys = self.keys()
        for key in keys[:-1]:
            path = (*path, key)
            self.note(path, start)
            path = self.within(path)
        path = (*path, keys[-1])
        if array:
            self.arrays[path] = self.arrays.get(path, -1) + 1
            self.note(path, start)
            path = (*path, self.arrays[path])
        self.note(path, start)
        self.at += 2 if array else 1
        return path

    def within(self, path: KeyPath) -> KeyPath:
        """An array of tables stands for its last element."""
        return (*path, self.arrays[path]) if path in self.arrays else path

    def key_value(self, prefix: KeyPath) -> None:
        start = self.at
        path = prefix
        for key in self.keys():
            path = (*path, key)
            self.note(path, start)
        self.at += 1  # "="
        self.skip(SPACE)
        self.value(path)

    def keys(self) -> list[str]:
        """A dotted key, up to what follows it."""
        found: list[str] = []
        while True:
            self.skip(SPACE)
            if self.text[self.at] in "\"'":
                raw = self.take(STRING)
                found.append(tomllib.loads(f"k={raw}")["k"])
            else:
                found.append(self.take(BARE_KEY))
            self.skip(SPACE)
            if self.text[self.at] != ".":
                return found
            self.at += 1

    def value(self, path: KeyPath) -> None:
        match self.text[self.at]:
            case "[":
                self.at += 1
                self.array(path)
            case "{":
                self.at += 1
                self.inline_table(path)
            case '"' | "'":
                self.skip(STRING)
            case _:
                self.skip(SCALAR)

    def array(self, path: KeyPath) -> None:
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

    def inline_table(self, path: KeyPath) -> None:
        self.skip(BLANK)
        while self.text[self.at] != "}":
            self.key_value(path)
            self.skip(BLANK)
            if self.text[self.at] == ",":
                self.at += 1
                self.skip(BLANK)
        self.at += 1

    def note(self, path: KeyPath, start: int) -> None:
        self.lines.setdefault(path, bisect_right(self.starts, start))

    def skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()

    def take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise ValueError(f"not TOML at offset {self.at}")
        self.at = match.end()
        return match[0]
