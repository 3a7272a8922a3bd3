"""MH folders: a message is a file whose name is its number (https://www.nongnu.org/nmh/, mh-mail(5), mh-sequence(5)).

States are in one file of the folder, ``.mh_sequences``: lines ``NAME: NUMBERS``, where NUMBERS has single numbers and
ranges ``A-B``. By convention ``unseen`` has what wasn't read; ``replied``, ``flagged`` and ``forwarded`` are written by
nmh, mutt and Python's mailbox. Programs that keep states otherwise (Claws Mail, Sylpheed) write no such file.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final

import msgspec

SEQUENCES_FILE: Final = ".mh_sequences"

NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")
"""The name of a message's file."""

MAX_RANGES: Final = 20_000
"""Numbers and ranges of a folder's sequences that are kept; further ones are ignored."""

WORDS: Final = {
    "replied": r"\Answered",
    "flagged": r"\Flagged",
    "forwarded": "$Forwarded",
    "draft": r"\Draft",
    "trashed": r"\Deleted",
}
UNSEEN: Final = "unseen"
_RANGE: Final = re.compile(r"(?P<first>\d{1,9})(?:-(?P<last>\d{1,9}))?")


class Sequences(msgspec.Struct, frozen=True):
    """States of a folder's messages: ranges of numbers by the sequence's name, apart from each other and in order."""

    ranges: dict[str, list[tuple[int, int]]]

    def words(self, number: int) -> tuple[str, ...]:
        """Names of a message's flags."""
        words = [word for name, word in WORDS.items() if self._has(name, number)]
        return (*words,) if self._has(UNSEEN, number) else (r"\Seen", *words)

    def _has(self, name: str, number: int) -> bool:
        ranges = self.ranges.get(name, [])
        at = bisect_right(ranges, number, key=lambda pair: pair[0])
        return at > 0 and number <= ranges[at - 1][1]


def parse_sequences(text: bytes) -> Sequences:
    """Parse the file ``.mh_sequences``. Malformed lines, and sequences without a meaning here, are ignored."""
    ranges: dict[str, list[tuple[int, int]]] = {}
    left = MAX_RANGES
    for line in text.decode("utf-8", "replace").splitlines():
        name, _, numbers = line.partition(":")
        if name in WORDS or name == UNSEEN:
            found = numbers.split()[:left]
            left -= len(found)
            ranges.setdefault(name, []).extend(_pair(match) for match in map(_RANGE.fullmatch, found) if match)
    return Sequences({name: _joined(pairs) for name, pairs in ranges.items()})


def _pair(match: re.Match[str]) -> tuple[int, int]:
    return int(match["first"]), int(match["last"] or match["first"])


def _joined(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in sorted(pairs):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        elif first <= last:
            joined.append((first, last))
    return joined
