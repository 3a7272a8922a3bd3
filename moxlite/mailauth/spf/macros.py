"""Macros of SPF records: ``%{ir}.%{v}._spf.%{d2}`` (RFC 7208 §7).

A text is parsed together with its record, so that a syntax error in any macro makes the whole record wrong (§4.6). It
is expanded when its term is evaluated.
"""

import re
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias
from urllib.parse import quote

import msgspec

from moxlite.net.limits import IPAddress

MAX_NAME: Final = 253
"""Characters of an expanded domain; a longer one loses labels from the left (§7.3)."""

EVERYWHERE: Final = frozenset("slodiphv")
EXPLANATION_ONLY: Final = frozenset("crt")
"""Macro letters that are allowed in explanations only (§7.2)."""

# §7.1. macro-expand = ( "%{" macro-letter transformers *delimiter "}" ) / "%%" / "%_" / "%-"
_MACRO: Final = re.compile(
    r"%\{(?P<letter>[a-zA-Z])(?P<digits>[0-9]{0,3})(?P<reverse>[rR]?)(?P<by>[-.+,/_=]*)\}|%([%_-])|%"
)
_PLAIN: Final = {"%": "%", "_": " ", "-": "%20"}


class BadMacro(ValueError):
    """The text is not a macro-string, so its record is wrong."""


class Macro(msgspec.Struct, frozen=True):
    """``%{letter digits r delimiters}``; `parts` 0 keeps all parts, `escaped` makes the value fit for a URL."""

    letter: str
    parts: int = 0
    reverse: bool = False
    delimiters: str = "."
    escaped: bool = False


MacroText: TypeAlias = tuple[str | Macro, ...]
"""Literal text and macros in their order."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Values of macros in one evaluation.

    Attributes:
      sender: local-part@domain; helo: argument of the client's EHLO; receiver: own host name.
      domain: domain of the record.
      name: looks up the validated name of the client (``%{p}``).
    """

    ip: IPAddress
    sender: str
    helo: str
    receiver: str
    domain: str
    name: Callable[[str], Awaitable[str]]


def parse_macros(text: str, *, explanation: bool = False) -> MacroText:
    """Parse a macro-string of visible ASCII characters; an explanation may have blanks. Raises BadMacro."""
    if not text.isascii() or not all("!" <= char <= "~" or (explanation and char == " ") for char in text):
        raise BadMacro("a character that is not visible ASCII")
    found: list[str | Macro] = []
    end = 0
    for match in _MACRO.finditer(text):
        if match.start() > end:
            found.append(text[end : match.start()])
        end = match.end()
        found.append(_macro(match, explanation=explanation))
    if end < len(text):
        found.append(text[end:])
    return tuple(found)


def _macro(match: re.Match[str], *, explanation: bool) -> str | Macro:
    letter = match["letter"]
    if letter is None:
        if match[5] is None:
            raise BadMacro(f"no macro at {match.string[match.start() : match.start() + 8]!r}")
        return _PLAIN[match[5]]
    if letter.lower() not in EVERYWHERE and not (explanation and letter.lower() in EXPLANATION_ONLY):
        raise BadMacro(f"unknown macro letter {letter!r}")
    digits = match["digits"]
    if digits and not int(digits):
        raise BadMacro("a macro that keeps no part")
    return Macro(letter.lower(), int(digits or 0), bool(match["reverse"]), match["by"] or ".", letter.isupper())


def needs_name(text: MacroText) -> bool:
    """Whether the text has ``%{p}``, which needs DNS look-ups."""
    return any(isinstance(one, Macro) and one.letter == "p" for one in text)


async def expand(text: MacroText, facts: Facts) -> str:
    """The text with its macros replaced."""
    return "".join([one if isinstance(one, str) else await _value(one, facts) for one in text])


def shorten(name: str) -> str:
    """A domain name of at most 253 characters: whole labels are cut from the left (§7.3)."""
    name = name.removesuffix(".")
    while len(name) > MAX_NAME:
        name = name.partition(".")[2]
    return name


async def _value(macro: Macro, facts: Facts) -> str:
    localpart, _, domain = facts.sender.rpartition("@")
    match macro.letter:
        case "s":
            value = facts.sender
        case "l":
            value = localpart
        case "o":
            value = domain
        case "d":
            value = facts.domain
        case "i":
            value = _dotted(facts.ip)
        case "p":
            value = await facts.name(facts.domain)
        case "h":
            value = facts.helo
        case "v":
            value = "in-addr" if facts.ip.version == 4 else "ip6"
        case "c":
            value = str(facts.ip)
        case "r":
            value = facts.receiver
        case _:
            value = str(int(time.time()))
    if macro.parts or macro.reverse or macro.delimiters != ".":
        parts = re.split(f"[{re.escape(macro.delimiters)}]", value)
        if macro.reverse:
            parts.reverse()
        value = ".".join(parts[-macro.parts :] if macro.parts else parts)
    return quote(value, safe="-._~") if macro.escaped else value


def _dotted(ip: IPAddress) -> str:
    """The address as dot-separated parts: decimal octets of IPv4, hexadecimal digits of IPv6 (§7.3), in upper case as
    the public suite has them (``v-macro-ip6``; DNS makes no difference).
    """
    return str(ip) if ip.version == 4 else ".".join(ip.exploded.replace(":", "").upper())
