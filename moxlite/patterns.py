"""Patterns of administrators and users: `regex`, whose search ends in time, and Python's own `re` for plain words."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from moxlite.wording import worded

if TYPE_CHECKING:
    import regex

__all__ = ["check", "compiled", "fault", "found"]

WORDS: Final = re.compile(r"\^?(?:[\w /-]+|\([\w /-]+(?:\|[\w /-]+)*\))\$?", re.ASCII)
"""Patterns in which both modules see the same and no search takes long: a word, or one of some, anchored or not. All
accounts have some of these (`store.junkflags`), and `regex` is 30 ms and 2 MB that a server with no other does without.
"""


REMEMBERED: Final = 2048
"""Compiled patterns that are kept, some kB each. `regex` itself keeps 500, and to compile one takes 0.2 ms: without
this each delivery to an account with 500 rules would compile all anew, and each save of a rule several times.
"""

SHORT: Final = 256
"""Characters of the longest pattern that is kept."""


def check(pattern: str) -> None:
    """Raises ValueError: it is not a regular expression; the text says why."""
    if text := fault(pattern):
        raise ValueError(worded("is not a regular expression: {text}", text=text))


def fault(pattern: str) -> str:
    """Why a pattern is not a regular expression, "" if it is one."""
    if WORDS.fullmatch(pattern):
        return ""
    import regex

    try:
        compiled(pattern)
    except regex.error as error:
        return str(error) or "it cannot be read"
    return ""


def compiled(pattern: str) -> regex.Pattern[str]:
    """A pattern of the module `regex`, kept for the next time if it is short. Raises regex.error."""
    return _kept(pattern) if len(pattern) <= SHORT else _kept.__wrapped__(pattern)


@lru_cache(REMEMBERED)
def _kept(pattern: str) -> regex.Pattern[str]:
    import regex

    return regex.compile(pattern)


def found(pattern: str, text: str, *, seconds: float) -> bool:
    """Whether the pattern matches anywhere in the text; not if that takes longer, or it is not a regular expression."""
    if WORDS.fullmatch(pattern):
        return re.search(pattern, text) is not None
    import regex

    try:
        return compiled(pattern).search(text, timeout=seconds, concurrent=True) is not None
    except (regex.error, TimeoutError):
        return False
