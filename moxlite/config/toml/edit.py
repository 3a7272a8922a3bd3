"""Edits of domains.toml as text: only lines of changed values change, all others stay as they are (ADMIN-6).

Theory of operation
-------------------
The text is cut into chunks, one for each header of a table, in one pass that knows only strings, comments and brackets.
A change looks at the chunks on the way to its path and below it, and there at single keys. So it costs the same in a
file of one account and of thousands, but for the pass.

A comment directly above a header belongs to that table, one after a value to its line, one among the keys to the
table. It is removed together with that table or line. A comment at the beginning of the file, or after an empty line
with no header directly below it, always stays.

A list is edited element by element, whether its elements are blocks (`[[rulesets]]`) or inline (`[...]`): the new list
is aligned with the old one, equal elements keep their text, and a table that changed in some keys is edited in place.

The text must be valid TOML. The result is parsed again to make sure that it is valid and means the right thing.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, TypeGuard

from moxlite.config.toml.decode import KeyPath
from moxlite.config.toml.scan import BLANK, Entry, Scanner, align, dotted_keys, edited, literal, parsed

Keys = tuple[str, ...]
"""Keys from the top of the file. A table of an array has no such path."""

TOKEN: Final = re.compile(
    r"""
      \"{3} (?> [^"\\]*+ (?: (?: \\. | "(?!"") ) [^"\\]*+ )* ) (?: \"{3,5} | \\?\Z )
    | '{3} (?> (?: [^']++ | '(?!'') )* ) (?: '{3,5} | \Z )
    | " (?> [^"\\\n]*+ (?: \\. [^"\\\n]*+ )* ) (?: " | \\?$ )
    | ' [^'\n]*+ (?: ' | $ )
    | \# [^\n]*
    | [\[\]{}]
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
"""Tokens needed to tell headers from other lines that begin with a bracket. An unterminated string, which valid TOML
never has, extends to the end of its line or text, so that each octet is scanned once.
"""

BLANK_END: Final = re.compile(r"(?:\A|\n)[ \t]*\r?\n\Z")
BLANK_LINE: Final = re.compile(r"^[ \t]*\r?$", re.MULTILINE)
REST_OF_LINE: Final = re.compile(r"[ \t]*(?:#[^\n]*)?\r?\n?")


class _Chunk:
    """A table's lines: the comment above its header, the header, its keys, and what follows up to the next chunk.

    `body` is the offset behind the header. The first chunk has no header, and the path ().
    """

    __slots__ = ("body", "path", "text")

    def __init__(self, path: KeyPath, text: str, body: int) -> None:
        self.path = path
        self.text = text
        self.body = body

    def entries(self) -> list[Entry]:
        """The keys with their values, in order."""
        found = []
        scanner = Scanner(self.text, self.body)
        scanner.skip(BLANK)
        while scanner.at < len(self.text):
            found.append(scanner.key_value(self.path))
            scanner.skip(BLANK)
        return found

    def loose_comments(self) -> str:
        """The comments after the last key and an empty line, with that line, or ""."""
        entries = self.entries()
        rest = self.text[self.line_end(entries[-1].end if entries else self.body) :]
        blank = BLANK_LINE.search(rest)
        return rest[blank.start() :] if blank and "#" in rest[blank.start() :] else ""

    def replace(self, start: int, end: int, text: str) -> None:
        """Put other text between two offsets behind the header."""
        self.text = self.text[:start] + text + self.text[end:]

    def line_start(self, at: int) -> int:
        """The offset at which the line of an offset begins."""
        return self.text.rfind("\n", 0, at) + 1

    def line_end(self, at: int) -> int:
        """The offset behind the line on which a value ends at offset `at`."""
        match = REST_OF_LINE.match(self.text, at)
        return match.end() if match else at

    def insert(self, after: Entry | None, line: str, newline: str) -> None:
        """Insert a line after the line of an entry. Without an entry: after the header, or at the end of a chunk
        without header.
        """
        if after is not None:
            start, at = self.line_start(after.start), self.line_end(after.end)
            indent = self.text[start : after.start]
        elif self.path:
            at = self.line_end(self.body)
            start = self.line_start(self.body)
            indent = self.text[start : len(self.text) - len(self.text[start:].lstrip(" \t"))]
        else:
            at, indent = len(self.text), ""
        before = "" if at == 0 or self.text[at - 1] == "\n" else newline
        self.replace(at, at, f"{before}{indent}{line}{newline}")


class Document:
    """A valid TOML text that can be changed."""

    def __init__(self, text: str) -> None:
        self._newline = "\r\n" if "\r\n" in text else "\n"  # the owner's editor set it
        self._chunks: list[_Chunk] = []
        self._below: dict[KeyPath, list[_Chunk]] = {}
        """Chunks by the first key and by the first two keys of their paths, in the order of the text."""
        self.touched: set[Keys] = set()
        """The paths of all changes."""
        for chunk in _cut(text):
            self._add(chunk)

    def __str__(self) -> str:
        """The text as it is now."""
        return "".join([chunk.text for chunk in self._chunks])

    def slice(self, path: Keys) -> str:
        """A part of the text that has all of the table at `path`, and perhaps more."""
        return "".join([chunk.text for chunk in self._around(path)])

    def put(self, path: Keys, value: object, was: object = None) -> None:
        """Set the value at a path. Keys and elements that stay equal keep their text.

        Args:
          value: a str, bool, int, float, or a list or dict of them.
          was: the value so far in the same form as `value`, by default as the text has it. Keys of tables that neither
            has stay: a form without defaults leaves out keys that the text sets to their default.
        """
        self.touched.add(path)
        self._put(path, value, was)

    def drop(self, path: Keys) -> bool:
        """Remove the table or value at a path. Returns False if there is nothing."""
        self.touched.add(path)
        return self._drop(path)

    def _put(self, path: KeyPath, value: object, was: object) -> None:
        for chunk, entry in self._entries(path):
            if entry.path == path[: len(entry.path)]:
                old = chunk.text[entry.value : entry.end]
                if len(entry.path) < len(path):
                    was, value = parsed(old), _with_value(parsed(old), path[len(entry.path) :], value)
                elif was is None:
                    was = parsed(old)
                chunk.replace(entry.value, entry.end, edited(old, was, value, self._newline))
                return
        below = self._keys_below(path)
        if below is not None and _are_tables(value) and self._is_array(path):
            self._put_blocks(path, value, was)
        elif below and isinstance(value, Mapping) and not self._is_array(path):
            self._put_keys(path, value, was)
            if not value and self._keys_below(path) is None:  # the table had no header of its own
                self._insert(path, {})
        elif below is None:
            self._insert(path, value)
        elif below or value != {}:
            self._drop(path)
            self._insert(path, value)

    def _put_keys(self, path: KeyPath, value: Mapping[str, object], was: object) -> None:
        before = was if isinstance(was, Mapping) else None
        for key in (self._keys_below(path) or set()) - value.keys():
            if before is None or key in before:
                self._drop((*path, key))
        for key, item in value.items():
            if before is None or key not in before or before[key] != item:
                self._put((*path, key), item, None if before is None else before.get(key))

    def _put_blocks(self, path: KeyPath, value: Sequence[Mapping[str, object]], was: object) -> None:
        """Change an array of tables that are written with headers."""
        blocks = self._blocks(path)
        start = self._chunks.index(blocks[0][0])
        if not isinstance(was, Sequence) or len(was) != len(blocks):
            was = [_value_of(path, block) for block in blocks]
        continued = align(was, value)
        for item, number in zip(value, continued, strict=True):
            if number is not None and was[number] != item:
                self._put_keys((*path, number), item, was[number])
        blocks = self._blocks(path)
        for number, block in enumerate(blocks):
            if number not in continued:
                for chunk in block:
                    self._remove(chunk)
        last = -1  # the last block that stays where it is
        behind = self._chunks[start - 1]
        for item, number in zip(value, continued, strict=True):
            if number is not None and number > last:
                last = number
                block = blocks[number]
            elif number is not None:
                block = blocks[number]
                for chunk in block:
                    self._remove(chunk)
                self._place(block, behind)
            else:
                block = _made((*path, 0), "".join(_block(path, item, self._newline)))
                self._place(block, behind, apart=True)
            behind = block[-1]
        self._renumber(path)

    def _blocks(self, path: KeyPath) -> list[list[_Chunk]]:
        """The chunks of each table of an array; a table's list includes the chunks of its subtables."""
        blocks: dict[str | int, list[_Chunk]] = {}
        for chunk in self._around(path):
            if chunk.path[: len(path)] == path and len(chunk.path) > len(path):
                blocks.setdefault(chunk.path[len(path)], []).append(chunk)
        return list(blocks.values())

    def _renumber(self, path: KeyPath) -> None:
        """Have the paths of an array's tables say their places."""
        number = -1
        for chunk in self._chunks:
            if chunk.path[: len(path)] == path and len(chunk.path) > len(path):
                number += len(chunk.path) == len(path) + 1
                chunk.path = (*path, number, *chunk.path[len(path) + 1 :])
        chunks, self._chunks, self._below = self._chunks, [], {}
        for chunk in chunks:
            self._add(chunk)

    def _drop(self, path: KeyPath) -> bool:
        found = False
        for chunk in self._around(path):
            if chunk.path[: len(path)] == path:
                self._remove(chunk)
                found = True
                continue
            for entry in reversed(chunk.entries()):  # from the end: each removal moves what is behind it
                if entry.path[: len(path)] == path:
                    chunk.replace(chunk.line_start(entry.start), chunk.line_end(entry.end), "")
                    found = True
                elif entry.path == path[: len(entry.path)]:
                    table = parsed(chunk.text[entry.value : entry.end])
                    if _take(table, _names(path[len(entry.path) :])):
                        chunk.replace(entry.value, entry.end, literal(table))
                        found = True
        return found

    def _insert(self, path: KeyPath, value: object) -> None:
        """Write a value that does not exist yet: a table with a header, unless the table around it is written with
        dotted keys.
        """
        for length in range(len(path) - 1, -1, -1):
            dotted = [
                (chunk, entry)
                for chunk, entry in self._entries(path)
                if len(chunk.path) < length and entry.path[:length] == path[:length]
            ]
            if dotted:
                chunk, entry = dotted[-1]
                chunk.insert(entry, f"{dotted_keys(_names(path[len(chunk.path) :]))} = {literal(value)}", self._newline)
                return
        parent = [chunk for chunk in self._around(path) if chunk.path == path[:-1]]
        tables = isinstance(value, Mapping) or _are_tables(value)  # also an empty one: inline it could not be extended
        if parent and not tables:
            entries = parent[0].entries()
            line = f"{dotted_keys(_names(path[-1:]))} = {literal(value)}"
            parent[0].insert(entries[-1] if entries else None, line, self._newline)
        elif isinstance(value, Mapping):
            self._append(path, _tables(_names(path), value, self._newline))
        elif _are_tables(value):
            self._append(path, [line for item in value for line in _block(_names(path), item, self._newline)])
        else:
            self._append(path[:-1], _tables(_names(path[:-1]), {_names(path)[-1]: value}, self._newline))

    def _append(self, path: KeyPath, lines: Iterable[str]) -> None:
        """Put new tables behind the last one that has the most keys in common with `path`."""
        element = next((n for n in range(len(path), 0, -1) if isinstance(path[n - 1], int)), 0)
        after = self._chunks[-1]
        for length in (element, 2, 1):
            chunks = [chunk for chunk in self._around(path[:length]) if chunk.path[:length] == path[:length]]
            if length and chunks and len(path) >= length:
                after = chunks[-1]
                break
        self._place(_made(path, "".join(lines)), after, apart=True)

    def _place(self, block: list[_Chunk], behind: _Chunk, *, apart: bool = False) -> None:
        """Insert chunks behind another one; with `apart` between empty lines."""
        number = self._chunks.index(behind) + 1
        if behind.text and not behind.text.endswith("\n"):
            behind.text += self._newline
        if not block[-1].text.endswith("\n"):
            block[-1].text += self._newline
        if apart:
            gap = "" if not behind.text or BLANK_END.search(behind.text) else self._newline
            block[0].text = gap + block[0].text
            block[0].body += len(gap)
            if number < len(self._chunks):
                block[-1].text += self._newline
        for offset, chunk in enumerate(block):
            self._add(chunk, number + offset)

    def _add(self, chunk: _Chunk, number: int | None = None) -> None:
        self._chunks.insert(len(self._chunks) if number is None else number, chunk)
        for length in (1, 2):
            if len(chunk.path) >= length:
                self._below.setdefault(chunk.path[:length], []).append(chunk)

    def _remove(self, chunk: _Chunk) -> None:
        number = self._chunks.index(chunk)
        self._chunks[number - 1].text += chunk.loose_comments()
        del self._chunks[number]
        for length in (1, 2):
            below = self._below.get(chunk.path[:length], [])
            if chunk in below:
                below.remove(chunk)
                if not below:
                    del self._below[chunk.path[:length]]

    def _around(self, path: KeyPath) -> list[_Chunk]:
        """The chunks that can hold a table on the way to `path`, or below it."""
        if not path:
            return list(self._chunks)
        above = [chunk for chunk in self._below.get(path[:1], ()) if len(chunk.path) == 1]
        chunks = [self._chunks[0], *(above if len(path) > 1 else ()), *self._below.get(path[:2], ())]
        return [chunk for chunk in chunks if chunk.path == path[: len(chunk.path)] or chunk.path[: len(path)] == path]

    def _entries(self, path: KeyPath) -> Iterator[tuple[_Chunk, Entry]]:
        for chunk in self._around(path):
            for entry in chunk.entries():
                yield chunk, entry

    def _keys_below(self, path: KeyPath) -> set[str] | None:
        """The keys of a table that is written with headers or dotted keys; None if there is no such table."""
        paths = [chunk.path for chunk in self._around(path)] + [entry.path for _, entry in self._entries(path)]
        paths = [one for one in paths if one[: len(path)] == path]
        return {str(one[len(path)]) for one in paths if len(one) > len(path)} if paths else None

    def _is_array(self, path: KeyPath) -> bool:
        """Whether an array of tables with headers is at a path."""
        length = len(path)
        paths = (chunk.path for chunk in self._around(path))
        return any(len(one) > length and one[:length] == path and isinstance(one[length], int) for one in paths)


def _cut(text: str) -> Iterator[_Chunk]:
    """The chunks of a text; the first one is the text before all headers."""
    scanner = Scanner(text)
    bounds = [(0, -1), *_headers(text), (len(text), -1)]
    for (start, header), (end, _) in pairwise(bounds):
        if header < 0:
            yield _Chunk((), text[start:end], 0)
        else:
            scanner.at = header
            yield _Chunk(scanner.header(), text[start:end], scanner.at - start)


def _headers(text: str) -> Iterator[tuple[int, int]]:
    """Offsets of each header: where its chunk begins (the comment directly above it, or its line), and its bracket."""
    depth = comment = behind = 0
    for match in TOKEN.finditer(text):
        at = match.start()
        first = text[at]
        if first == "[" or first == "{":
            if depth == 0 and first == "[":
                line = text.rfind("\n", 0, at) + 1
                if not text[line:at].strip(" \t"):
                    yield (comment if comment and behind == line else line), at
            depth += 1
        elif first == "]" or first == "}":
            depth -= 1
        elif first == "#":
            line = text.rfind("\n", 0, at) + 1
            if not text[line:at].strip(" \t"):
                if behind != line or line == 0:
                    comment = line
                behind = match.end() + 1


def _made(path: KeyPath, text: str) -> list[_Chunk]:
    """The chunks of new tables below a path, which has the place of each table of an array that it leads through."""
    chunks = list(_cut(text))[1:]
    length = sum(isinstance(key, str) for key in path) + isinstance(path[-1], int)
    for chunk in chunks:
        chunk.path = (*path, *chunk.path[length:])
    return chunks


def _value_of(path: KeyPath, block: Sequence[_Chunk]) -> Any:
    """The value of a table of the array at `path`, from its chunks."""
    value: Any = tomllib.loads("".join([chunk.text for chunk in block]))
    for key in _names(path):
        value = value[key][0] if isinstance(value[key], list) else value[key]
    return value


def _are_tables(value: object) -> TypeGuard[Sequence[Mapping[str, object]]]:
    """Whether a value is a list of tables, which may be written as blocks."""
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _names(path: KeyPath) -> tuple[str, ...]:
    """A path without the places in arrays, as headers have it."""
    return tuple([key for key in path if isinstance(key, str)])


def _with_value(table: object, path: KeyPath, value: object) -> dict[str, Any]:
    """The table with a value at a path; missing tables are created."""
    top: dict[str, Any] = table if isinstance(table, dict) else {}
    at = top
    for key in _names(path[:-1]):
        below = at.setdefault(key, {})
        if not isinstance(below, dict):
            below = at[key] = {}
        at = below
    at[_names(path)[-1]] = value
    return top


def _take(table: dict[str, Any], path: Keys) -> bool:
    """Remove the value at a path from a table. Returns whether there was one."""
    for key in path[:-1]:
        below = table.get(key)
        if not isinstance(below, dict):
            return False
        table = below
    return table.pop(path[-1], None) is not None


def text_of(table: Mapping[str, object]) -> str:
    """The text of a whole file with these values."""
    lines = "".join(_tables((), table, "\n")).removeprefix("[]\n")
    return lines.replace("\n[", "\n\n[")


def _tables(path: Sequence[str], table: Mapping[str, object], newline: str, header: str = "[{}]") -> Iterator[str]:
    """The text of a new table with its header; tables in it follow with their own."""
    below = {key: value for key, value in table.items() if isinstance(value, Mapping) or _are_tables(value)}
    if len(below) < len(table) or not table or header != "[{}]":
        yield f"{header.format(dotted_keys(path))}{newline}"
        for key, value in table.items():
            if key not in below:
                yield f"{dotted_keys((key,))} = {literal(value)}{newline}"
    for key, value in below.items():
        if isinstance(value, Mapping):
            yield from _tables((*path, key), value, newline)
        elif _are_tables(value):
            for item in value:
                yield from _block((*path, key), item, newline)


def _block(path: KeyPath, table: Mapping[str, object], newline: str) -> Iterator[str]:
    """The text of a new table of an array, with its header."""
    return _tables(_names(path), table, newline, "[[{}]]")
