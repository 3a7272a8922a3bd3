"""Unicode normalisation in linear time (UAX #15), and characters that a reader sees.

`unicodedata.normalize` puts the marks of a letter in order one by one. That takes time with the square of their number,
and holds Python's lock meanwhile: 80,000 marks, a mail of 160 kB, stopped the server for 50 s.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal, TypeAlias

Form: TypeAlias = Literal["NFC", "NFKC", "NFKD"]

PIECE: Final = 100
"""Characters that are normalised at a time: 20 µs for marks, and for letters that become eighteen."""

MARKS: Final = 30
"""Characters of a piece without any letter to end before: no language has as many marks on one (UAX #15 §13)."""

JAMO: Final = r"\u1160-\u11ff\u3130-\u318f\uffa0-\uffdc"
"""Letters that may join the one before them: vowels and finals of Hangul, and their forms of compatibility."""

_PIECE: Final = re.compile(rf"(?s:.{{1,{PIECE}}}(?=[\x00-\x7f]|\Z)|.{{1,{PIECE}}}(?=[^\W{JAMO}])|.{{1,{MARKS}}})")
"""ASCII never joins what is before it. Letters but those don't; what is no letter for `re`, such as a mark, may."""


JOINERS: Final = "\u200c\u200d"
"""ZWNJ and ZWJ, which are parts of letters in Persian and in scripts of India, and of emoji. `str.isprintable` counts
them as controls.
"""

WITHOUT_JOINERS: Final = str.maketrans("", "", JOINERS)
"""For `str.translate`."""


def normalized(form: Form, text: str) -> str:
    """A text in a normalisation form; one with more than `MARKS` marks in a row may not be, where it is cut."""
    if len(text) <= PIECE or text.isascii():
        return unicodedata.normalize(form, text)
    return "".join([unicodedata.normalize(form, piece[0]) for piece in _PIECE.finditer(text)])


def is_visible(text: str) -> bool:
    """Whether a reader sees each character of a text, joiners with the letters beside them."""
    return text.isprintable() or text.translate(WITHOUT_JOINERS).isprintable()


def visible(text: str, instead: str = " ") -> str:
    """A text with another one in place of each character that no reader sees."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in JOINERS else instead for char in text)
