"""ENVELOPE and BODYSTRUCTURE as IMAP sends them (RFC 9051 §7.5.2, RFC 3501 §7.4.2).

Both are rendered once, at delivery, and stored. The stored form is valid for every client: 8-bit text is in literals,
non-ASCII parameters of RFC 2231 are unchanged. For a session that allows UTF-8 in quoted strings (UTF8=ACCEPT,
IMAP4rev2), `quote_literals` converts the stored form without parsing the message. Only if `has_extended_parameters`,
BODYSTRUCTURE has to be rendered again from the structure with `utf8` (IMAP-102, IMAP-103).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from .dates import parse_date
from .envelope import MAX_ADDRESSES, GroupEnd, GroupStart, RawAddress, decode_address, parse_addresses
from .headers import HeaderSection
from .types import Envelope, MailAddress, Parameter, Part, Structure

MISSING_DOMAIN: Final = b'"MISSING_DOMAIN"'
MISSING_MAILBOX: Final = b'"MISSING_MAILBOX"'

_QUOTABLE: Final = re.compile(rb"[\t\x20\x21\x23-\x5b\x5d-\x7e]*")
_ESCAPED: Final = re.compile(rb"[\t\x20-\x7e]*")
_UNSAFE: Final = bytes.maketrans(b"\r\n\0", b"  \x80")
_LITERAL: Final = re.compile(rb"\{(\d+)\}\r\n")
_TEXTS: Final = (b"date", b"subject", b"in-reply-to", b"message-id")
_LISTS: Final = (b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc")
_NOBODY: Final[tuple[tuple[MailAddress, ...], bytes]] = ((), b"")
MAX_KEPT: Final = 1_000
"""Addresses and group marks of a field in an `Envelope` and in ENVELOPE (STORE-55a). The header has the others."""

GROUP_END: Final = b"(NIL NIL NIL NIL)"
MORE: Final = b'(NIL NIL "more addresses" NIL)' + GROUP_END
"""An empty group in place of further addresses: clients show its name."""

_CACHED_SIZE: Final = 1024  # octets of the longest address list kept in the cache


def string(value: bytes) -> bytes:
    """An IMAP string: quoted if printable ASCII or tab, else a literal; CR and LF become blanks, NUL 0x80
    (IMAP-101).
    """
    if _QUOTABLE.fullmatch(value):
        return b'"%b"' % value
    if _ESCAPED.fullmatch(value):
        return _quoted(value)
    value = value.translate(_UNSAFE)
    return b"{%d}\r\n%s" % (len(value), value)


def _quoted(value: bytes) -> bytes:
    return b'"%b"' % value.replace(b"\\", rb"\\").replace(b'"', rb"\"")


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
            out.append(wire[at : match.start()] + _quoted(literal))
        at = end
    out.append(wire[at:])
    return b"".join(out)


def has_extended_parameters(bodystructure: bytes) -> bool:
    """Whether a stored BODYSTRUCTURE (perhaps) holds RFC 2231 parameters that `utf8` would show decoded."""
    return b'*" ' in bodystructure


# --- ENVELOPE ---


def read_envelope(header: HeaderSection) -> tuple[Envelope, bytes]:
    """The envelope decoded, and ENVELOPE as IMAP sends it; address fields that occur twice are joined, of other
    fields the first counts (IMAP-102).
    """
    date, subject, in_reply_to, message_id = map(header.text, _TEXTS)
    (
        (from_, from_wire),
        (sender, sender_wire),
        (reply_to, reply_to_wire),
        (to, to_wire),
        (cc, cc_wire),
        (bcc, bcc_wire),
    ) = [read_addresses(lists, header.hint, MAX_KEPT) if lists else _NOBODY for lists in map(header.texts, _LISTS)]
    moment, offset = (parse_date(date) if date else None) or (None, 0)
    envelope = Envelope(
        moment,
        offset,
        header.decode(subject) if subject else "",
        from_,
        sender,
        reply_to,
        to,
        cc,
        bcc,
        in_reply_to.decode("utf-8", "replace") if in_reply_to else "",
        message_id.decode("utf-8", "replace") if message_id else "",
    )
    wire = b"(%s %s %s %s %s %s %s %s %s %s)" % (
        nstring(date),
        nstring(subject),
        from_wire or b"NIL",
        sender_wire or from_wire or b"NIL",
        reply_to_wire or from_wire or b"NIL",
        to_wire or b"NIL",
        cc_wire or b"NIL",
        bcc_wire or b"NIL",
        nstring(in_reply_to),
        nstring(message_id),
    )
    return envelope, wire


def read_addresses(
    lists: Sequence[bytes], hint: str = "", most: int = MAX_ADDRESSES
) -> tuple[tuple[MailAddress, ...], bytes]:
    """The mailboxes of several address lists as one, at most so many with group marks: decoded, without these; and with
    them, as IMAP sends them, b"" if there is nothing. If there are more, the last group says so.
    """
    if len(lists) == 1 and len(lists[0]) <= _CACHED_SIZE:
        return _read_cached(hint, most, lists[0])
    return _read_lists(hint, most, *lists)


def _read_lists(hint: str, most: int, *lists: bytes) -> tuple[tuple[MailAddress, ...], bytes]:
    decoded: list[MailAddress] = []
    out: list[bytes] = []
    coded: dict[str, str] = {}
    in_group = False
    for field in lists:
        for item in parse_addresses(field, max(most + 1 - len(out), 1)):
            if len(out) >= most and not isinstance(item, GroupEnd):
                if in_group:
                    out.append(GROUP_END)
                return tuple(decoded), b"(%s)" % b"".join([*out, MORE])
            if isinstance(item, RawAddress):
                decoded.append(decode_address(item, coded, hint))
                out.append(
                    b"(%s %s %s %s)"
                    % (
                        nstring(item.name),
                        nstring(item.route),
                        MISSING_MAILBOX if item.localpart is None else string(item.localpart),
                        MISSING_DOMAIN if item.domain is None else string(item.domain),
                    )
                )
            elif in_group := isinstance(item, GroupStart):
                out.append(b"(NIL NIL %s NIL)" % string(item.name))
            else:
                out.append(GROUP_END)
    return tuple(decoded), b"(%s)" % b"".join(out) if out else b""


_read_cached = lru_cache(maxsize=256)(_read_lists)


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
        b" %s%s" % (nstring(part.md5), _extension(part, utf8)) if extended else b"",
    )


def _extension(part: Part, utf8: bool) -> bytes:
    """Disposition, language, location: what follows the parameters of a multipart or the MD5 of a leaf."""
    if not part.disposition and not part.language and part.location is None:
        return b" NIL NIL NIL"
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
        if not raw or (utf8 and (len(raw) > 1 or b"*" in raw[0][0])):
            out.append(string(parameter.name.upper().encode("utf-8", "replace")))
            out.append(string(parameter.value.encode("utf-8", "replace")))
        else:
            for name, value in raw:
                out.append(string(name))
                out.append(string(value))
    return b"(%s)" % b" ".join(out) if out else b"NIL"
