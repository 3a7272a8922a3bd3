"""ENVELOPE and BODYSTRUCTURE as IMAP sends them (RFC 9051 §7.5.2, RFC 3501 §7.4.2).

Both are rendered once, at delivery, and stored. The stored form is good for every client: 8-bit text stands in
literals, parameters of RFC 2231 that are not ASCII stand as they were written. For a session that allows UTF-8 in
quoted strings (UTF8=ACCEPT, IMAP4rev2), `quote_literals` turns a stored form into the nicer one without parsing a
message; only if `has_extended_parameters` says so is BODYSTRUCTURE worth rendering again from the structure with `utf8`
(IMAP-102, IMAP-103).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from .envelope import MAX_ADDRESSES, GroupEnd, GroupStart, parse_addresses
from .headers import Header
from .types import Parameter, Part, Structure

__all__ = ["has_extended_parameters", "nstring", "quote_literals", "render_bodystructure", "render_envelope", "string"]

MISSING_DOMAIN: Final = b'"MISSING_DOMAIN"'
MISSING_MAILBOX: Final = b'"MISSING_MAILBOX"'

_QUOTABLE: Final = re.compile(rb"[\t\x20\x21\x23-\x5b\x5d-\x7e]*")
_ESCAPED: Final = re.compile(rb"[\t\x20-\x7e]*")
_UNSAFE: Final = bytes.maketrans(b"\r\n\0", b"  \x80")
_LITERAL: Final = re.compile(rb"\{(\d+)\}\r\n")
_ESCAPE: Final = re.compile(rb'(["\\])')


def string(value: bytes) -> bytes:
    """An IMAP string: quoted if printable ASCII or tab, else a literal; CR and LF become blanks, NUL 0x80
    (IMAP-101).
    """
    if _QUOTABLE.fullmatch(value):
        return b'"' + value + b'"'
    if _ESCAPED.fullmatch(value):
        return b'"' + _ESCAPE.sub(rb"\\\1", value) + b'"'
    value = value.translate(_UNSAFE)
    return b"{%d}\r\n%s" % (len(value), value)


def nstring(value: bytes | None) -> bytes:
    """`string`, or NIL for None."""
    return b"NIL" if value is None else string(value)


def quote_literals(wire: bytes) -> bytes:
    """A stored form with its literals as quoted strings where they are valid UTF-8 (RFC 9051 §9 quoted, RFC 6855
    §3).
    """
    if b"}\r\n" not in wire:
        return wire
    out: list[bytes] = []
    at = 0
    while match := _LITERAL.search(wire, at):
        start = match.end()
        end = start + int(match[1])
        literal = wire[start:end]
        try:
            literal.decode()
        except UnicodeDecodeError:
            out.append(wire[at:end])
        else:
            out.append(wire[at : match.start()] + b'"' + _ESCAPE.sub(rb"\\\1", literal) + b'"')
        at = end
    out.append(wire[at:])
    return b"".join(out)


def has_extended_parameters(bodystructure: bytes) -> bool:
    """Whether a stored BODYSTRUCTURE (perhaps) holds RFC 2231 parameters that `utf8` would show decoded."""
    return b'*" ' in bodystructure


# --- ENVELOPE ---


def render_envelope(header: Header | bytes) -> bytes:
    """ENVELOPE of a message from its header section (IMAP-102)."""
    if not isinstance(header, Header):
        header = Header(header)
    from_ = _addresses(header.all(b"from"))
    return b"(%s %s %s %s %s %s %s %s %s %s)" % (
        nstring(header.get(b"date")),
        nstring(header.get(b"subject")),
        from_,
        _addresses(header.all(b"sender"), from_),
        _addresses(header.all(b"reply-to"), from_),
        _addresses(header.all(b"to")),
        _addresses(header.all(b"cc")),
        _addresses(header.all(b"bcc")),
        nstring(header.get(b"in-reply-to")),
        nstring(header.get(b"message-id")),
    )


def _addresses(lists: Sequence[bytes], default: bytes = b"NIL") -> bytes:
    out: list[bytes] = []
    room = MAX_ADDRESSES
    for field in lists:
        for item in parse_addresses(field, room):
            if isinstance(item, GroupStart):
                out.append(b"(NIL NIL %s NIL)" % string(item.name))
            elif isinstance(item, GroupEnd):
                out.append(b"(NIL NIL NIL NIL)")
            else:
                name, route, localpart, domain = item
                out.append(
                    b"(%s %s %s %s)"
                    % (
                        nstring(name),
                        nstring(route),
                        MISSING_MAILBOX if localpart is None else string(localpart),
                        MISSING_DOMAIN if domain is None else string(domain),
                    )
                )
                room -= 1
        if room <= 0:
            break
    return b"(%s)" % b"".join(out) if out else default


# --- BODYSTRUCTURE ---


def render_bodystructure(structure: Structure | Part, *, extended: bool = True, utf8: bool = False) -> bytes:
    """BODYSTRUCTURE, or BODY if not `extended` (IMAP-103).

    `utf8` renders for a session that accepts UTF-8: RFC 2231 parameters decoded, literals as quoted strings.
    """
    part = structure.root if isinstance(structure, Structure) else structure
    wire = _part(part, extended, utf8)
    return quote_literals(wire) if utf8 else wire


def _part(part: Part, extended: bool, utf8: bool) -> bytes:
    if part.parts:
        children = b"".join([_part(child, extended, utf8) for child in part.parts])
        if not extended:
            return b'(%s "%s")' % (children, part.subtype.encode())
        return b'(%s "%s" %s%s)' % (
            children,
            part.subtype.encode(),
            _parameters(part.parameters, utf8),
            _extension(part, utf8),
        )
    specific = b""
    if part.message is not None:
        specific = b" %s %s %d" % (part.message.wire, _part(part.message.root, extended, utf8), part.lines)
    elif part.type == "TEXT":
        specific = b" %d" % part.lines
    return b'("%s" "%s" %s %s %s %s %d%s%s)' % (
        part.type.encode(),
        part.subtype.encode(),
        _parameters(part.parameters, utf8),
        nstring(part.content_id),
        nstring(part.description),
        string(part.encoding.encode()),
        part.size,
        specific,
        b" " + nstring(part.md5) + _extension(part, utf8) if extended else b"",
    )


def _extension(part: Part, utf8: bool) -> bytes:
    """Disposition, language, location: what follows the parameters of a multipart or the MD5 of a leaf."""
    disposition = b"NIL"
    if part.disposition:
        disposition = b"(%s %s)" % (string(part.disposition.encode()), _parameters(part.disposition_parameters, utf8))
    language = b"NIL"
    if len(part.language) == 1:
        language = string(part.language[0])
    elif part.language:
        language = b"(%s)" % b" ".join([string(tag) for tag in part.language])
    return b" %s %s %s" % (disposition, language, nstring(part.location))


def _parameters(parameters: Iterable[Parameter], utf8: bool) -> bytes:
    out: list[bytes] = []
    for parameter in parameters:
        raw = parameter.raw
        extended = len(raw) > 1 or any(b"*" in name for name, _ in raw)
        if not raw or (utf8 and extended):
            out.append(string(parameter.name.upper().encode("utf-8", "replace")))
            out.append(string(parameter.value.encode("utf-8", "replace")))
        else:
            for name, value in raw:
                out.append(string(name))
                out.append(string(value))
    return b"(%s)" % b" ".join(out) if out else b"NIL"
