"""Strings with variables and encoded characters (RFC 5229 §3, RFC 5228 §2.4.2.4), and IMAP flags (RFC 5232 §2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from moxlite.proto.sieve.errors import RunError
from moxlite.proto.sieve.limits import CALL, MAX_FLAGS, MAX_NAME, MAX_STRING, MAX_WORDS, Budget

# RFC 5229 §3: ${name}, ${namespace.name}, ${1}. Names are bounded, so that a scan never goes far back.
_VARIABLE: Final = re.compile(
    r"\$\{((?:[A-Za-z_][A-Za-z0-9_]{0,63}\.){0,3}(?:[A-Za-z_][A-Za-z0-9_]{0,63}|[0-9]{1,9}))\}"
)
_NAME: Final = re.compile(rf"(?:global\.)?[A-Za-z_][A-Za-z0-9_]{{0,{MAX_NAME - 1}}}")
_ENCODED: Final = re.compile(
    r"\$\{(?:(hex):[ \t\r\n]{0,9}((?:[0-9A-Fa-f]{1,2}[ \t\r\n]{1,9}){0,999}[0-9A-Fa-f]{1,2})[ \t\r\n]{0,9}"
    r"|unicode:[ \t\r\n]{0,9}((?:[0-9A-Fa-f]{1,32}[ \t\r\n]{1,9}){0,999}[0-9A-Fa-f]{1,32})[ \t\r\n]{0,9})\}",
    re.IGNORECASE,
)
_SURROGATES: Final = range(0xD800, 0xE000)

_SYSTEM_FLAGS: Final = {flag.lower(): flag for flag in ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")}
"""RFC 9051 §2.3.2; a script cannot set the others."""
_KEYWORD: Final = re.compile(r"[!#$&'+,\-./0-9:;<=>?@A-Z\^_`a-z|}~]{1,250}")  # RFC 9051 §9: an atom


class EncodedCharacterError(ValueError):
    """An encoded character stands for no character."""


def decode_characters(text: str) -> str:
    """Replace ``${hex:…}`` and ``${unicode:…}`` (RFC 5228 §2.4.2.4). Raises EncodedCharacterError."""
    if "${" not in text:
        return text
    octets = bytearray()
    at = 0
    for found in _ENCODED.finditer(text):
        octets += text[at : found.start()].encode()
        if found[1]:
            octets += bytes(int(pair, 16) for pair in found[2].split())
        else:
            octets += "".join(_character(int(number, 16)) for number in found[3].split()).encode()
        at = found.end()
    octets += text[at:].encode()
    try:
        decoded = octets.decode()
    except UnicodeDecodeError:
        raise EncodedCharacterError("the encoded octets are not UTF-8") from None
    if "\0" in decoded:
        raise EncodedCharacterError("the encoded character is NUL")
    return decoded


def _character(number: int) -> str:
    if number > 0x10FFFF or number in _SURROGATES:
        raise EncodedCharacterError(f"no character has the number {number:x}")
    return chr(number)


def has_variables(text: str) -> bool:
    """Whether the text refers to a variable."""
    return "${" in text and _VARIABLE.search(text) is not None


def namespaces(text: str) -> set[str]:
    """The namespaces of the variables in a text, in lower case."""
    if "${" not in text:
        return set()
    return {found[1].rpartition(".")[0].lower() for found in _VARIABLE.finditer(text)} - {""}


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
    for found in _VARIABLE.finditer(text):
        budget.charge(4 * CALL)
        pieces += (text[at : found.start()], value(found[1].lower()))
        length += len(pieces[-1])
        wide = wide or not pieces[-1].isascii()
        if length > MAX_STRING:
            raise RunError(f"a string has more than {MAX_STRING} characters after its variables are replaced")
        at = found.end()
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
