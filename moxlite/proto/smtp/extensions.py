"""A client's parser of the extensions in a server's reply to EHLO (RFC 5321 §4.1.1.1; LIMITS RFC 9422)."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

_KEYWORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_LIMIT: Final = re.compile(r"([A-Za-z0-9-]+)=([!-:<-~]+)")  # RFC 9422 §4
_LIMIT_VALUE: Final = re.compile(r"[0-9]{1,6}")


class Extensions(msgspec.Struct, frozen=True):
    """The announced extensions.

    `size`: octets, 0 without a stated limit, None without SIZE. Limits are None if not given.
    """

    keywords: frozenset[str] = frozenset()
    size: int | None = None
    auth: tuple[str, ...] = ()
    rcptmax: int | None = None
    mailmax: int | None = None

    def __contains__(self, keyword: str) -> bool:
        """Whether the keyword, in upper case, was announced."""
        return keyword in self.keywords


def parse_extensions(lines: Sequence[str]) -> Extensions:
    """Parse the lines of an EHLO reply, the first of which is the server's name.

    Lines that are not a keyword with parameters are skipped, and a LIMITS line with a syntax error or a duplicate key.
    """
    keywords: set[str] = set()
    size: int | None = None
    auth: list[str] = []
    limits: dict[str, int] = {}
    for line in lines[1:]:
        words = line.split()
        if not words:
            continue
        if words[0].upper().startswith("AUTH="):  # before RFC 2554 was final; some servers still announce both
            words = ["AUTH", words[0][5:], *words[1:]]
        if not _KEYWORD.fullmatch(words[0]):
            continue
        keyword = words[0].upper()
        keywords.add(keyword)
        if keyword == "SIZE":
            size = int(words[1]) if len(words) > 1 and words[1].isdecimal() and len(words[1]) <= 20 else 0
        elif keyword == "AUTH":
            auth += [word.upper() for word in words[1:] if word.upper() not in auth]
        elif keyword == "LIMITS":
            limits = _parse_limits(words[1:])
    return Extensions(frozenset(keywords), size, tuple(auth), limits.get("RCPTMAX"), limits.get("MAILMAX"))


def _parse_limits(words: Sequence[str]) -> dict[str, int]:
    limits: dict[str, int] = {}
    seen: set[str] = set()
    for word in words:
        match = _LIMIT.fullmatch(word)
        if not match or match[1].upper() in seen:
            return {}
        seen.add(match[1].upper())
        if _LIMIT_VALUE.fullmatch(match[2]) and int(match[2]) > 0:
            limits[match[1].upper()] = int(match[2])
    return limits
