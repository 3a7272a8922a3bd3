"""Strings with variables and encoded characters (RFC 5229 §3, RFC 5228 §2.4.2.4), and IMAP flags (RFC 5232 §2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from moxlite.proto.mime.dates import format_date
from moxlite.proto.sieve.errors import RunError
from moxlite.proto.sieve.limits import CALL, MAX_FLAGS, MAX_NAME, MAX_STRING, MAX_WORDS, Budget

# RFC 5229 §3: ${name}, ${namespace.name}, ${1}. Names are bounded, so that a scan never goes far back.
_VARIABLE: Final = re.compile(
    r"\$\{((?:[A-Za-z_][A-Za-z0-9_]{0,63}\.){0,3}(?:[A-Za-z_][A-Za-z0-9_]{0,63}|[0-9]{1,9}))\}"
)
_NAME: Final = re.compile(rf"(?:(?i:global)\.)?[A-Za-z_][A-Za-z0-9_]{{0,{MAX_NAME - 1}}}")
_ENCODED: Final = re.compile(
    r"\$\{(?:(hex):[ \t\r\n]{0,9}((?:[0-9A-Fa-f]{1,2}[ \t\r\n]{1,9}){0,999}[0-9A-Fa-f]{1,2})[ \t\r\n]{0,9}"
    r"|unicode:[ \t\r\n]{0,9}((?:[0-9A-Fa-f]{1,32}[ \t\r\n]{1,9}){0,999}[0-9A-Fa-f]{1,32})[ \t\r\n]{0,9})\}",
    re.IGNORECASE,
)
_SURROGATES: Final = range(0xD800, 0xE000)

_SYSTEM_FLAGS: Final = {flag.lower(): flag for flag in ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")}
"""RFC 9051 §2.3.2; a script cannot set the others."""
_KEYWORD: Final = re.compile(r"[!#$&'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~]{1,128}")  # RFC 9051 §9: an atom; STORE-22


class EncodedCharacterError(ValueError):
    """An encoded character stands for no character."""


def decode_characters(text: str) -> str:
    """Replace ``${hex:…}`` and ``${unicode:…}`` (RFC 5228 §2.4.2.4). Raises EncodedCharacterError."""
    if "${" not in text:
        return text
    octets = bytearray()
    at = 0
    for match in _ENCODED.finditer(text):
        octets += text[at : match.start()].encode()
        if match[1]:
            octets += bytes(int(pair, 16) for pair in match[2].split())
        else:
            octets += "".join(_character(int(number, 16)) for number in match[3].split()).encode()
        at = match.end()
    octets += text[at:].encode()
    try:
        decoded = octets.decode()
    except UnicodeDecodeError:
        raise EncodedCharacterError("the encoded bytes aren't valid UTF-8") from None
    if "\0" in decoded:
        raise EncodedCharacterError("encoded characters can't include NUL")
    return decoded


def _character(number: int) -> str:
    if number > 0x10FFFF or number in _SURROGATES:
        raise EncodedCharacterError(f"invalid Unicode code point: {number:x}")
    return chr(number)


def has_variables(text: str) -> bool:
    """Whether the text refers to a variable."""
    return "${" in text and _VARIABLE.search(text) is not None


def namespaces(text: str) -> set[str]:
    """The namespaces of the variables in a text, in lower case."""
    if "${" not in text:
        return set()
    return {match[1].rpartition(".")[0].lower() for match in _VARIABLE.finditer(text)} - {""}


def is_variable_name(name: str) -> bool:
    """Whether a variable of this name can be set."""
    return _NAME.fullmatch(name) is not None


def expand(text: str, value: Callable[[str], str], budget: Budget) -> str:
    """Replace variables by `value`, which gets names in lower case. Raises RunError for a result that is too long, or
    beyond the budget; it is not made then.
    """
    if "${" not in text:
        return text
    length, wide = len(text), not text.isascii()
    pieces: list[str] = []
    at = 0
    for match in _VARIABLE.finditer(text):
        budget.charge(4 * CALL)
        pieces += (text[at : match.start()], value(match[1].lower()))
        length += len(pieces[-1])
        wide = wide or not pieces[-1].isascii()
        if length > MAX_STRING:
            raise RunError(f"string exceeds {MAX_STRING} characters after expanding variables")
        at = match.end()
    pieces.append(text[at:])
    budget.make(length * 4 if wide else length)
    return "".join(pieces)


def flags_of(texts: Iterable[str], budget: Budget) -> tuple[str, ...]:
    """The flags in strings, each once, without those that cannot be set (RFC 5232 §2). At most MAX_FLAGS, of the first
    MAX_WORDS words.
    """
    flags: dict[str, str] = {}
    for word in words_of(texts, budget):
        lower = word.lower()
        flag = _SYSTEM_FLAGS.get(lower) if word.startswith("\\") else word if _KEYWORD.fullmatch(word) else None
        if flag is not None and len(flags) < MAX_FLAGS:
            flags.setdefault(lower, flag)
    return tuple(flags.values())


def words_of(texts: Iterable[str], budget: Budget) -> tuple[str, ...]:
    """The first MAX_WORDS words of strings."""
    found: list[str] = []
    for text in texts:
        left = MAX_WORDS - len(found)
        budget.charge(len(text))
        words = text.split(maxsplit=left)[:left]
        budget.charge(4 * CALL * len(words))
        found += words
    return tuple(found)


# Parts of dates (RFC 5260 §4.2).

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MJD_OF_EPOCH: Final = 40587
"""The modified Julian day of 1970-01-01."""
_ZONE: Final = re.compile(r"([+-])([0-9]{2})([0-5][0-9])")


def zone_minutes(text: str) -> int | None:
    """Minutes east of UTC of a zone such as ``+0100`` (RFC 5260 §4.1); None for other texts."""
    match = _ZONE.fullmatch(text)
    if match is None or int(match[2]) > 23:
        return None
    minutes = int(match[2]) * 60 + int(match[3])
    return -minutes if match[1] == "-" else minutes


def _zone(at: datetime) -> str:
    minutes = _offset(at)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


def _offset(at: datetime) -> int:
    return round((at.utcoffset() or timedelta()).total_seconds() / 60)


def _iso8601(at: datetime) -> str:
    zone = _zone(at)
    return f"{PARTS['date'](at)}T{PARTS['time'](at)}{'Z' if zone == '+0000' else f'{zone[:3]}:{zone[3:]}'}"


def _std11(at: datetime) -> str:
    return format_date(round((at - _EPOCH).total_seconds()) * 1_000_000, _offset(at))


PARTS: Final[Mapping[str, Callable[[datetime], str]]] = {
    "year": lambda at: f"{at.year:04}",
    "month": lambda at: f"{at.month:02}",
    "day": lambda at: f"{at.day:02}",
    "date": lambda at: f"{at.year:04}-{at.month:02}-{at.day:02}",
    "julian": lambda at: str((at.replace(tzinfo=UTC) - _EPOCH).days + _MJD_OF_EPOCH),
    "hour": lambda at: f"{at.hour:02}",
    "minute": lambda at: f"{at.minute:02}",
    "second": lambda at: f"{at.second:02}",
    "time": lambda at: f"{at.hour:02}:{at.minute:02}:{at.second:02}",
    "iso8601": _iso8601,
    "std11": _std11,
    "zone": _zone,
    "weekday": lambda at: str(at.isoweekday() % 7),
}
"""Date parts by name."""


def date_part(moment: int, offset: int, part: str) -> str | None:
    """A part of a moment, in µs UTC, in a zone of `offset` minutes; None if that is not in the years 1 to 9999."""
    try:
        at = (_EPOCH + timedelta(microseconds=moment)).astimezone(timezone(timedelta(minutes=offset)))
    except OverflowError:
        return None
    return PARTS[part](at)
