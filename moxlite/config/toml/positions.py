"""Line numbers of the keys in a TOML text. They are computed only after a mistake was found, so that the start is
fast.
"""

import re
from bisect import bisect_right

from moxlite.config.toml.decode import KeyPath
from moxlite.config.toml.scan import Scanner

__all__ = ["line_of", "lines_of"]


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
