"""Patterns of administrators and users: `regex`, whose search ends in time, and Python's own `re` for plain words."""

import re
from typing import Final

__all__ = ["check", "found"]

WORDS: Final = re.compile(r"\^?(?:[\w /-]+|\([\w /-]+(?:\|[\w /-]+)*\))\$?", re.ASCII)
"""Patterns in which both modules see the same and no search takes long: a word, or one of some, anchored or not. All
accounts have some of these (`store.junkflags`), and `regex` is 30 ms and 2 MB that a server with no other does without.
"""


def check(pattern: str) -> None:
    """Raises ValueError: it is not a regular expression; the text says why."""
    if WORDS.fullmatch(pattern):
        return
    import regex

    try:
        regex.compile(pattern)
    except regex.error as error:
        raise ValueError(f"is not a regular expression: {error}") from None


def found(pattern: str, text: str, *, seconds: float) -> bool:
    """Whether the pattern matches anywhere in the text; not if that takes longer, or it is not a regular expression."""
    if WORDS.fullmatch(pattern):
        return re.search(pattern, text) is not None
    import regex

    try:
        return regex.search(pattern, text, timeout=seconds, concurrent=True) is not None
    except (regex.error, TimeoutError):
        return False
