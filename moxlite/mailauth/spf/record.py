"""SPF records: ``v=spf1 ip4:192.0.2.0/24 include:_spf.example.net -all`` (RFC 7208 §4.6, §5, §6, §12).

The whole record is parsed before any term is evaluated: a syntax error anywhere is a permanent error (§4.6).
"""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, Literal, cast

import msgspec

from moxlite.mailauth.results import SPFStatus
from moxlite.mailauth.spf.macros import BadMacro, MacroText, parse_macros

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


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """A mechanism with its qualifier.

    `domain`: its domain-spec, None for the domain of the record. `network`: of ip4 and ip6. `four`, `six`: prefix
    lengths of a and mx. `text`: the term as written.
    """

    kind: Kind
    result: SPFStatus
    text: str
    domain: MacroText | None = None
    network: IPv4Network | IPv6Network | None = None
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
        raise RecordError(f"more than {MAX_TERMS} terms")
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
        raise RecordError(f"{name} twice")
    found[name] = _domain(value)


def _term(word: str) -> Term:
    match = _DIRECTIVE.fullmatch(word)
    if match is None:
        raise RecordError("neither mechanism nor modifier")
    result, name, rest = QUALIFIERS[match["qualifier"] or "+"], match["name"].lower(), match["rest"]
    match name:
        case "all":
            if rest:
                raise RecordError("all takes no argument")
            return Term(kind="all", result=result, text=word)
        case "include" | "exists" | "ptr":
            kind = cast(Kind, name)
            if not rest and name == "ptr":
                return Term(kind=kind, result=result, text=word)
            if not rest.startswith(":"):
                raise RecordError("a domain is missing")
            return Term(kind=kind, result=result, text=word, domain=_domain(rest[1:]))
        case "a" | "mx":
            return _host(cast(Kind, name), result, word, rest)
        case "ip4" | "ip6":
            return Term(kind=cast(Kind, name), result=result, text=word, network=_network(name, rest))
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


def _network(name: str, rest: str) -> IPv4Network | IPv6Network:
    match = _NETWORK.fullmatch(rest)
    if match is None or "%" in match["address"]:
        raise RecordError("bad address")
    length = None if match["length"] is None else int(match["length"])
    if name == "ip4":
        return IPv4Network((IPv4Address(match["address"]), 32 if length is None else length), strict=False)
    return IPv6Network((IPv6Address(match["address"]), 128 if length is None else length), strict=False)


def _domain(text: str) -> MacroText:
    """Parse a domain-spec (§7.1)."""
    macros = parse_macros(text)
    if not _ends_well(text):
        raise RecordError("no domain name")
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
