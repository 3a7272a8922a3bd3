"""Characters of strangers' text that deceive who reads it on a terminal or in a log, and escapes for them (ADMIN-54,
ADMIN-65).
"""

import re
from typing import Final

_LAYOUT: Final = "\x00-\x1f"
_OTHERS: Final = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff"

DECEPTIVE: Final = _LAYOUT + _OTHERS
"""Ranges for a class of a regular expression: control characters, which move the cursor or forge lines; those that
change the direction of text (UAX #9); lone surrogates, which stand for octets that are not UTF-8.
"""

_CONTROL: Final = re.compile(f"[{DECEPTIVE}]")
_IN_JSON: Final = re.compile(f"[{_OTHERS}]")
"""JSON escapes U+0000 to U+001F itself within strings (RFC 8259 §7); outside of them they are its layout."""


def printable(text: str) -> str:
    """A text on one line that is safe to print: deceptive characters as Python writes them in strings, octets that
    are not UTF-8 as ``\\xNN``.
    """
    return _CONTROL.sub(_escape, text)


def escaped_json(text: str) -> str:
    """JSON that is safe to print and means the same."""
    return _IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return match[0].encode("unicode_escape").decode()
