"""SPF records: ``v=spf1 ip4:192.0.2.0/24 include:_spf.example.net -all`` (RFC 7208 §4.6, §5, §6, §12).

The whole record is parsed before any term is evaluated: a syntax error anywhere is a permanent error (§4.6).
"""

import re
import time
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Final, Literal, TypeAlias, cast
from urllib.parse import quote

import msgspec

from moxlite.mailauth.results import SPFStatus
from moxlite.net.limits import IPAddress

Kind = Literal["all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"]

MAX_TERMS: Final = 1000
"""Number of terms of a record. A record of 64 KiB may hold ten thousand, far more than real records have."""

QUALIFIERS: Final = {
    "+": SPFStatus.PASS,
    "-": SPFStatus.FAIL,
    "~": SPFStatus.SOFTFAIL,
    "?": SPFStatus.NEUTRAL,
}

_VERSION: Final = re.compile(r"v=spf1(?: |\Z)", re.IGNORECASE)
_DIRECTIVE: Final = re.compile(r"(?P<qualifier>[-+~?]?)(?P<name>[a-z0-9]+)(?P<rest>(?:[:/].*)?)", re.IGNORECASE)
_MODIFIER: Final = re.compile(r"(?P<name>[a-z][a-z0-9._-]*)=(?P<value>.*)", re.IGNORECASE)
# dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ]; no leading zeros
_CIDR: Final = r"(?:/(?P<four>0|[1-9][0-9]?))?(?://(?P<six>0|[1-9][0-9]{0,2}))?"
_HOST: Final = re.compile(rf"(?::(?P<domain>.+?))?{_CIDR}")
_NETWORK: Final = re.compile(r":(?P<address>[^/]+)(?:/(?P<length>0|[1-9][0-9]{0,2}))?")
# toplabel = ( *alphanum ALPHA *alphanum ) / ( 1*alphanum "-" *( alphanum / "-" ) alphanum )
_TOP_LABEL: Final = re.compile(r"(?![0-9]*+\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", re.IGNORECASE)


class RecordError(ValueError):
    """The record does not match the grammar (RFC 7208 §12). The text names the term."""


class Macro(msgspec.Struct, frozen=True):
    """``%{letter digits r delimiters}``; `parts` 0 keeps all parts, `escaped` makes the value fit for a URL."""

    letter: str
    parts: int = 0
    reverse: bool = False
    delimiters: str = "."
    escaped: bool = False


MacroText: TypeAlias = tuple[str | Macro, ...]
"""Literal text and macros in their order."""


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """A mechanism with its qualifier.

    `domain`: its domain-spec, None for the domain of the record. `address`: of ip4 and ip6. `four`, `six`: prefix
    lengths for IPv4 and IPv6. `text`: the term as written.
    """

    kind: Kind
    result: SPFStatus
    text: str
    domain: MacroText | None = None
    address: IPAddress | None = None
    four: int = 32
    six: int = 128


class Record(msgspec.Struct, frozen=True):
    """A record: its mechanisms in order, and the two known modifiers."""

    terms: tuple[Term, ...]
    redirect: MacroText | None = None
    explanation: MacroText | None = None


def is_record(text: str) -> bool:
    """Whether a TXT record is an SPF record (§4.5)."""
    return _VERSION.match(text) is not None


def parse_record(text: str) -> Record:
    """Parse a record. Raises RecordError."""
    words = text[len("v=spf1") :].split(" ")
    if len(words) > MAX_TERMS:
        raise RecordError(f"too many terms (limit {MAX_TERMS})")
    terms: list[Term] = []
    modifiers: dict[str, MacroText] = {}
    for word in words:
        if not word:
            continue
        try:
            if (match := _MODIFIER.fullmatch(word)) is not None:
                _modifier(match["name"].lower(), match["value"], modifiers)
            else:
                terms.append(_term(word))
        except (BadMacro, ValueError) as error:
            raise RecordError(f"{word[:60]!r}: {error}") from None
    return Record(tuple(terms), modifiers.get("redirect"), modifiers.get("exp"))


def _modifier(name: str, value: str, found: dict[str, MacroText]) -> None:
    if name not in ("redirect", "exp"):
        parse_macros(value, explanation=True)  # unknown modifiers are ignored, but their syntax is checked (§6)
        return
    if name in found:
        raise RecordError(f"duplicate {name}")
    found[name] = _domain(value)


def _term(word: str) -> Term:
    match = _DIRECTIVE.fullmatch(word)
    if match is None:
        raise RecordError("not a mechanism or modifier")
    result, name, rest = QUALIFIERS[match["qualifier"] or "+"], match["name"].lower(), match["rest"]
    match name:
        case "all":
            if rest:
                raise RecordError('"all" can\'t have an argument')
            return Term(kind="all", result=result, text=word)
        case "include" | "exists" | "ptr":
            kind = cast(Kind, name)
            if not rest and name == "ptr":
                return Term(kind=kind, result=result, text=word)
            if not rest.startswith(":"):
                raise RecordError("missing domain")
            return Term(kind=kind, result=result, text=word, domain=_domain(rest[1:]))
        case "a" | "mx":
            return _host(cast(Kind, name), result, word, rest)
        case "ip4" | "ip6":
            return _network(cast(Kind, name), result, word, rest)
        case _:
            raise RecordError("unknown mechanism")


def _host(kind: Kind, result: SPFStatus, word: str, rest: str) -> Term:
    match = _HOST.fullmatch(rest)
    if match is None:
        raise RecordError("bad argument")
    four = 32 if match["four"] is None else int(match["four"])
    six = 128 if match["six"] is None else int(match["six"])
    if four > 32 or six > 128:
        raise RecordError("bad prefix length")
    domain = None if match["domain"] is None else _domain(match["domain"])
    return Term(kind=kind, result=result, text=word, domain=domain, four=four, six=six)


def _network(kind: Kind, result: SPFStatus, word: str, rest: str) -> Term:
    match = _NETWORK.fullmatch(rest)
    if match is None or "%" in match["address"]:
        raise RecordError("bad address")
    address = IPv4Address(match["address"]) if kind == "ip4" else IPv6Address(match["address"])
    length = address.max_prefixlen if match["length"] is None else int(match["length"])
    if length > address.max_prefixlen:
        raise RecordError(f"{length} isn't a valid prefix length")
    if kind == "ip4":
        return Term(kind=kind, result=result, text=word, address=address, four=length)
    return Term(kind=kind, result=result, text=word, address=address, six=length)


def _domain(text: str) -> MacroText:
    """Parse a domain-spec (§7.1)."""
    macros = parse_macros(text)
    if not _ends_well(text):
        raise RecordError("invalid domain name")
    return macros


def _ends_well(text: str) -> bool:
    """Whether a domain-spec has a valid end: domain-end = ( "." toplabel [ "." ] ) / macro-expand."""
    if text.endswith(("%%", "%_", "%-")):
        return True
    if text.endswith("}"):
        opened = text.rfind("%{")
        return opened >= 0 and "}" not in text[opened:-1]
    _, dot, label = text.removesuffix(".").rpartition(".")
    return bool(dot) and _TOP_LABEL.fullmatch(label) is not None


# Macros of SPF records: ``%{ir}.%{v}._spf.%{d2}`` (RFC 7208 §7).
#
# A text is parsed together with its record, so that a syntax error in any macro makes the whole record wrong (§4.6).
# It is expanded when its term is evaluated.


MAX_NAME: Final = 253
"""Characters of an expanded domain; a longer one loses labels from the left (§7.3)."""

MAX_MACROS: Final = 128
"""Macros of one text: more than a name has labels. A record of 64 KiB has room for 16,000, which are expanded on the
event loop without a pause.
"""

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


class MacroValues(msgspec.Struct, frozen=True, kw_only=True):
    """Values of macros in one evaluation.

    Attributes:
      sender: local-part@domain; helo: argument of the client's EHLO.
      domain: domain of the record.
      name: looks up the validated name of the client (``%{p}``).
    """

    ip: IPAddress
    sender: str
    helo: str
    domain: str
    name: Callable[[str], Awaitable[str]]


def parse_macros(text: str, *, explanation: bool = False) -> MacroText:
    """Parse a macro-string of visible ASCII characters; an explanation may have blanks. Raises BadMacro."""
    if not text.isascii() or not all("!" <= char <= "~" or (explanation and char == " ") for char in text):
        raise BadMacro("can only contain visible ASCII characters")
    found: list[str | Macro] = []
    end = 0
    for match in _MACRO.finditer(text):
        if match.start() > end:
            found.append(text[end : match.start()])
        end = match.end()
        found.append(_macro(match, explanation=explanation))
        if len(found) > 2 * MAX_MACROS:  # with a literal before each
            raise BadMacro(f"too many macros (limit {MAX_MACROS})")
    if end < len(text):
        found.append(text[end:])
    return tuple(found)


def _macro(match: re.Match[str], *, explanation: bool) -> str | Macro:
    letter = match["letter"]
    if letter is None:
        if match[5] is None:
            raise BadMacro(f"invalid macro at {match.string[match.start() : match.start() + 8]!r}")
        return _PLAIN[match[5]]
    if letter.lower() not in EVERYWHERE and not (explanation and letter.lower() in EXPLANATION_ONLY):
        raise BadMacro(f"unknown macro letter {letter!r}")
    digits = match["digits"]
    if digits and not int(digits):
        raise BadMacro("a macro must keep at least 1 part")
    return Macro(letter.lower(), int(digits or 0), bool(match["reverse"]), match["by"] or ".", letter.isupper())


def needs_name(text: MacroText) -> bool:
    """Whether the text has ``%{p}``, which needs DNS look-ups."""
    return any(isinstance(one, Macro) and one.letter == "p" for one in text)


async def expand(text: MacroText, facts: MacroValues) -> str:
    """The text with its macros replaced."""
    return "".join([one if isinstance(one, str) else await _value(one, facts) for one in text])


def shorten(name: str) -> str:
    """A domain name of at most 253 characters: whole labels are cut from the left (§7.3)."""
    name = name.removesuffix(".")
    if len(name) <= MAX_NAME:
        return name
    # In one step: a sender can make a record expand to megabytes of short labels, and this runs on the event loop.
    dot = name.find(".", len(name) - MAX_NAME - 1)
    return name[dot + 1 :] if dot >= 0 else ""


async def _value(macro: Macro, facts: MacroValues) -> str:
    # The letters of RFC 7208 §7.2; c, r and t come in explanations alone, as the parser has seen to.
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
            value = "unknown"  # of our host: explanations are asked for by a command
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
