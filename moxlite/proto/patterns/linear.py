"""Patterns as programs of RE2: the time of a search is at most the length of the text times the size of the program.

RE2 compiles within the memory that it is given, and cannot be interrupted. So what a search can cost is bounded before
it begins: by `MAX_PROGRAM` and `MAX_TEXT`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.proto.patterns.dialect import START, Posix, UnsupportedByRE2, mark, unmark, written

if TYPE_CHECKING:
    import re2

MAX_PATTERN: Final = 1024
"""Characters of a pattern that is given to RE2: some ms for the worst, which hold Python's lock."""

MAX_TEXT: Final = 8 << 10
"""Characters of a text that are searched (STORE-65)."""

MAX_MEMORY: Final = 64 << 10
"""Octets for a compiled pattern and its search cache. A sane pattern takes 4 kB."""

MAX_PROGRAM: Final = 3000
"""Instructions of a program: an address has 200. The worst one takes 0.3 s of a processor for a text of `MAX_TEXT`
characters, 12 ns for each instruction and octet, without Python's lock.
"""

REMEMBERED: Final = 2048
"""Programs that are kept: one takes 0.2 ms to write and compile, and an account may have 500 rules."""


class Text:
    """A text that is searched, prepared once for all patterns: its first `MAX_TEXT` characters. `octets`: for RE2."""

    __slots__ = ("octets", "text")

    def __init__(self, text: str) -> None:
        self.text: Final = text[:MAX_TEXT]
        self.octets: Final = mark(self.text).encode("utf-8", "surrogatepass")

    def part(self, span: tuple[int, int]) -> str:
        """The text at a place in `octets`."""
        return unmark(self.octets[slice(*span)].decode("utf-8", "surrogatepass"))


class PatternMatches(msgspec.Struct, frozen=True):
    """Whether a pattern is found in each of some texts, and the seconds of the processor that this took. With `slow`
    they were not enough for all texts: those that are left are not found.
    """

    matches: tuple[bool, ...]
    seconds: float
    slow: bool = False


class Linear:
    """A pattern that RE2 has compiled, of a rule or of the match type ``:regex`` of Sieve."""

    def __init__(self, program: re2._Regexp) -> None:
        self._program = program
        self._size: int = program.programsize

    def charge(self, text: Text) -> int:
        """The most steps that a search can take: length of the text × size of the program. A step takes 12 ns at most,
        and far less most often.
        """
        return (len(text.octets) + 1) * self._size

    def is_in(self, text: Text) -> bool:
        """Whether the pattern is found in a text."""
        return self._program.search(text.octets) is not None

    def search(self, texts: Sequence[Text], *, seconds: float) -> PatternMatches:
        """Search texts for at most so many seconds of the processor, and to the end of the search that is under way."""
        matches: list[bool] = []
        began, used = time.thread_time(), 0.0
        for text in texts:
            if used >= seconds:
                return PatternMatches((*matches, *(False,) * (len(texts) - len(matches))), used, slow=True)
            matches.append(self.is_in(text))
            used = time.thread_time() - began
        return PatternMatches(tuple(matches), used)

    def spans(self, text: Text, most: int) -> tuple[tuple[int, int], ...] | None:
        """The places of the first match and its groups, `most` in all, in the octets of the text: (-1, -1) for a group
        that took no part. None without a match. Only of a pattern that was compiled with groups.
        """
        match = self._program.search(text.octets)
        if match is None:
            return None
        return tuple(match.span(number) for number in range(1, min(most, self._program.groups) + 1))


@lru_cache(REMEMBERED)
def linear(pattern: str, *, groups: bool = False, posix: Posix | None = None) -> Linear:
    """Compile a pattern.

    Args:
      groups: its groups are wanted; a search takes longer then.
      posix: how to read it as one of POSIX; None for one of the package `regex`.

    Raises UnsupportedByRE2 if the pattern is invalid, RE2 can't express it, or it is too large for a bounded search.
    """
    import re2  # 8 ms and 3 MB that a server without patterns saves

    if len(pattern) > MAX_PATTERN:
        raise UnsupportedByRE2(f"more than {MAX_PATTERN} characters")
    options = re2.Options()
    options.max_mem = MAX_MEMORY
    options.never_capture = not groups
    options.log_errors = False
    text = START + ("(" if groups else "(?:") + written(pattern, posix) + ")"
    try:
        program = re2.compile(text.encode(), options)
    except re2.error as error:
        raise UnsupportedByRE2(_reason(error)) from None
    if program.programsize > MAX_PROGRAM:
        raise UnsupportedByRE2(TOO_LARGE)
    return Linear(program)


TOO_LARGE: Final = "repetitions that are too large"


def _reason(error: re2.error) -> str:
    """RE2's reason without the pattern, which it names as it was written for RE2."""
    octets = error.args[0] if error.args else b""
    text = octets.decode("utf-8", "replace") if isinstance(octets, bytes) else str(octets)
    return TOO_LARGE if "repetition" in text or "too large" in text else text.partition(":")[0]
