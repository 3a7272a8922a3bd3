"""The newest lines of the log, in memory and from its file, for a page that shows them (WEB-88).

Under systemd the log goes to the journal, which the server's user may not read. So the process keeps some of its newest
lines itself.
"""

import os
import re
import threading
from collections import deque
from pathlib import Path
from typing import Final, NamedTuple

from moxlite.safefile import open_regular

MAX_OCTETS: Final = 384 * 1024
"""Octets of the lines in memory, about; the oldest are dropped."""

MAX_READ: Final = 32 * 1024 * 1024
"""Octets at the end of a log file that are searched."""

BLOCK: Final = 256 * 1024

CREDENTIALS: Final = re.compile(r'\bl=trace(?:auth|data)\b|"l":"trace(?:auth|data)"')
"""A line that may have passwords, or the content of messages."""


class LogLine(NamedTuple):
    """A line of the log, with the lines of its traceback. `created`: seconds UTC; 0 for a line of a file, which has its
    own time. `level`: as `logging` has it; 0 for a line of a file.
    """

    created: float
    level: int
    text: str


class RecentLines:
    """The newest lines. May be used from any thread."""

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque()
        self._octets = 0
        self._lock = threading.Lock()

    def add(self, created: float, level: int, text: str) -> None:
        """Keep a line."""
        with self._lock:
            self._lines.append(LogLine(created, level, text))
            self._octets += len(text)
            while self._octets > MAX_OCTETS and len(self._lines) > 1:
                self._octets -= len(self._lines.popleft().text)

    def lines(self) -> list[LogLine]:
        """All lines that are kept, oldest first."""
        with self._lock:
            return list(self._lines)


def of_connection(cid: int) -> re.Pattern[str]:
    """The pattern of lines about a connection id."""
    return re.compile(rf'\bcid={cid:x}(?![0-9a-f])|"cid":"{cid:x}"')


def in_file(path: Path, wanted: re.Pattern[str], limit: int) -> tuple[list[LogLine], bool]:
    """The newest lines of a log file that have a pattern, oldest first, at most `limit`; and whether the whole file was
    searched. Blocks.

    Raises OSError.
    """
    found: deque[LogLine] = deque(maxlen=limit)
    descriptor = open_regular(path, os.O_RDONLY)
    with os.fdopen(descriptor, "rb") as file:
        size = os.fstat(descriptor).st_size
        file.seek(max(0, size - MAX_READ))
        rest, matched = b"", False
        while block := file.read(BLOCK):
            *whole, rest = (rest + block).split(b"\n")
            for octets in whole:
                line = octets.decode("utf-8", "replace")
                if line.startswith("  "):  # of a traceback
                    if matched and found:
                        found[-1] = found[-1]._replace(text=f"{found[-1].text}\n{line}")
                    continue
                matched = wanted.search(line) is not None and CREDENTIALS.search(line) is None
                if matched:
                    found.append(LogLine(0.0, 0, line))
            rest = rest[-BLOCK:]  # a line without an end is cut
    return list(found), size <= MAX_READ
