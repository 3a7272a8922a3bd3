"""Parser of ENVELOPE and BODYSTRUCTURE for clients (RFC 9051 §7.5.2). `proto.mime.wire` renders them for the server."""

from typing import Final, TypeAlias

from msgspec import Struct

from .errors import ProtocolError
from .tokens import Reader

MAX_DEPTH: Final = 100
"""Depth of nested lists: twice the depth that our own server sends (IMAP-104), far below Python's recursion limit."""

Value: TypeAlias = "bytes | list[Value] | None"
"""A parsed value: a string, number or other word as octets; None for NIL; or a list."""


class Address(Struct, frozen=True):
    """``address`` (RFC 9051 §9). If host is None: the start of the group `mailbox`, or its end if mailbox is None."""

    name: bytes | None
    mailbox: bytes | None
    host: bytes | None


class Envelope(Struct, frozen=True):
    """``envelope`` (RFC 9051 §7.5.2). author: the field From. Header texts are not decoded."""

    date: bytes | None
    subject: bytes | None
    author: tuple[Address, ...]
    sender: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    in_reply_to: bytes | None
    message_id: bytes | None


class BodyPart(Struct, frozen=True):
    """One part of ``body`` (RFC 9051 §7.5.2).

    type, subtype: upper case. parameters: names in upper case. size: octets; lines: number of lines of text and message
    parts. parts: children of a multipart, or the one body of an embedded message, whose envelope is `envelope`.
    disposition: its type in upper case, with parameters.
    """

    type: str
    subtype: str
    parameters: tuple[tuple[str, bytes], ...] = ()
    id: bytes | None = None
    description: bytes | None = None
    encoding: str = ""
    size: int = 0
    lines: int | None = None
    envelope: Envelope | None = None
    parts: tuple["BodyPart", ...] = ()
    disposition: tuple[str, tuple[tuple[str, bytes], ...]] | None = None


def parse_envelope(wire: bytes) -> Envelope:
    """Parse an ENVELOPE in wire form. Raises ProtocolError."""
    return _envelope(_whole(wire))


def parse_body(wire: bytes) -> BodyPart:
    """Parse a BODY or BODYSTRUCTURE in wire form. Raises ProtocolError."""
    return _body(_whole(wire))


def _whole(wire: bytes) -> list[Value]:
    reader = Reader(wire)
    reader.expect(b"(")
    stack: list[list[Value]] = [[]]
    while True:
        if reader.skip(b")"):
            done = stack.pop()
            if not stack:
                reader.end()
                return done
            stack[-1].append(done)
        elif reader.skip(b"("):
            stack.append([])
            if len(stack) > MAX_DEPTH:
                raise ProtocolError("lists are nested too deeply")
            continue
        elif reader.skip(b" "):
            continue
        elif reader.peek() in (b'"', b"{", b"~"):
            stack[-1].append(reader.string(binary=True))
        else:
            word = reader.bare()
            stack[-1].append(None if word.upper() == b"NIL" else word)


def _text(value: Value) -> bytes | None:
    if isinstance(value, list):
        raise ProtocolError("expected a string, but found a list")
    return value


def _word(value: Value) -> str:
    return (_text(value) or b"").decode("ascii", "replace").upper()


def _number(value: Value) -> int:
    text = _text(value) or b""
    if not text.isdigit() or len(text) > 20:
        raise ProtocolError("expected a number")
    return int(text)


def _envelope(fields: Value) -> Envelope:
    if not isinstance(fields, list) or len(fields) != 10:
        raise ProtocolError("envelope must have 10 fields")
    date, subject, author, sender, reply_to, to, cc, bcc, in_reply_to, message_id = fields
    return Envelope(
        _text(date),
        _text(subject),
        _addresses(author),
        _addresses(sender),
        _addresses(reply_to),
        _addresses(to),
        _addresses(cc),
        _addresses(bcc),
        _text(in_reply_to),
        _text(message_id),
    )


def _addresses(value: Value) -> tuple[Address, ...]:
    if value is None:
        return ()
    addresses: list[Address] = []
    for entry in value if isinstance(value, list) else ():
        if not isinstance(entry, list) or len(entry) != 4:
            raise ProtocolError("address must have 4 fields")
        name, _, mailbox, host = entry  # the second is a route, which is obsolete
        addresses.append(Address(_text(name), _text(mailbox), _text(host)))
    return tuple(addresses)


def _parameters(value: Value) -> tuple[tuple[str, bytes], ...]:
    if not isinstance(value, list):
        return ()
    return tuple([(_word(name), _text(text) or b"") for name, text in zip(value[::2], value[1::2], strict=False)])


def _disposition(value: Value) -> tuple[str, tuple[tuple[str, bytes], ...]] | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    return _word(value[0]), _parameters(value[1])


def _body(fields: Value) -> BodyPart:
    # The recursion is bounded: _whole has refused lists that are nested deeper than MAX_DEPTH.
    if not isinstance(fields, list) or not fields:
        raise ProtocolError("body part is empty")
    if isinstance(fields[0], list):
        return _multipart(fields)
    if len(fields) < 7:
        raise ProtocolError("body part has too few fields")
    kind, subtype = _word(fields[0]), _word(fields[1])
    lines: int | None = None
    envelope: Envelope | None = None
    parts: tuple[BodyPart, ...] = ()
    rest = fields[7:]
    if kind == "MESSAGE" and subtype in ("RFC822", "GLOBAL") and len(rest) >= 3:
        envelope, parts, lines = _envelope(rest[0]), (_body(rest[1]),), _number(rest[2])
        rest = rest[3:]
    elif kind == "TEXT" and rest:
        lines = _number(rest[0])
        rest = rest[1:]
    return BodyPart(
        kind,
        subtype,
        _parameters(fields[2]),
        _text(fields[3]),
        _text(fields[4]),
        _word(fields[5]),
        _number(fields[6]),
        lines,
        envelope,
        parts,
        _disposition(rest[1]) if len(rest) > 1 else None,
    )


def _multipart(fields: list[Value]) -> BodyPart:
    parts = [part for part in fields if isinstance(part, list)]
    count = next((n for n, field in enumerate(fields) if not isinstance(field, list)), len(fields))
    if count == len(fields):
        raise ProtocolError("missing multipart subtype")
    rest = fields[count + 1 :]
    return BodyPart(
        "MULTIPART",
        _word(fields[count]),
        _parameters(rest[0]) if rest else (),
        parts=tuple([_body(part) for part in parts[:count]]),
        disposition=_disposition(rest[1]) if len(rest) > 1 else None,
    )
