"""Delivery status notifications: composing and parsing (RFC 3464, 3461, 6533; QUEUE-100..106).

`DSN` is the machine-readable second part of such a message, for composing and parsing. Its addresses are decoded. With
`utf8` it is written as message/global-delivery-status with UTF-8 addresses. Otherwise, non-ASCII characters of a
localpart are written as `\\x{HEX}` (RFC 6533 §3, utf-8-addr-xtext) and domains in A-labels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from ipaddress import ip_address
from itertools import takewhile
from typing import Final

import msgspec

from .mime.compose import DataPart, Entity, MultiPart, TextPart, address_field, answer_fields, compose, text_field
from .mime.dates import format_date, parse_date
from .mime.decode import BLOCK, decode_blocks
from .mime.headers import HeaderSection
from .mime.text import Read
from .mime.types import FAILED_RECIPIENTS, MailAddress, Part, Structure
from .mime.words import encode_words
from .statusfields import MAX_TEXT, status_field, typed_address

MAX_RECIPIENTS: Final = 1000
"""Number of recipients of a DSN that is parsed (QUEUE-106): no transaction has more."""

MAX_STATUS: Final = 256 * 1024
"""Octets of a delivery-status part that is parsed (QUEUE-106)."""


class DSNError(ValueError):
    """The message is not a DSN, or its status part is malformed. The argument is the reason."""


class Action(StrEnum):
    """Outcome of the delivery to a recipient (RFC 3464 §2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


class DSNRecipient(msgspec.Struct, frozen=True, kw_only=True):
    """Fields about one recipient (RFC 3464 §2.3). Addresses are decoded text, moments microseconds since 1970 UTC.

    `diagnostic` is the remote server's reply with its lines joined, "" without one. `final_type` and `original_type`
    are address types as parsed; composing uses `original_type` only. `remote_ip` is composed only with `remote_mta`.
    `extra` has the unknown fields as (name, text).
    """

    final_recipient: str
    action: Action
    status: str
    status_comment: str = ""
    final_type: str = "rfc822"
    original_recipient: str = ""
    original_type: str = "rfc822"
    remote_mta: str = ""
    remote_ip: str = ""
    diagnostic_type: str = "smtp"
    diagnostic: str = ""
    last_attempt: int | None = None
    final_log_id: str = ""
    will_retry_until: int | None = None
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def code(self) -> int:
        """The SMTP reply code: from the diagnostic, else 400 or 500 by the status, 250 for success (QUEUE-95)."""
        if self.diagnostic_type == "smtp" and (match := _CODE.match(self.diagnostic)):
            return int(match[0])
        return {"4": 400, "5": 500}.get(self.status[:1], 250)


class DSN(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery status notification (RFC 3464 §2.2) and its recipients.

    `received_from_ip` is composed only with `received_from_mta`. `arrival` is in microseconds since 1970 UTC.
    `returned_message_id` is the raw Message-ID of the returned message or headers; only parsing sets it.
    """

    reporting_mta: str
    recipients: tuple[DSNRecipient, ...]
    envelope_id: str = ""
    received_from_mta: str = ""
    received_from_ip: str = ""
    arrival: int | None = None
    future_release_request: str = ""
    extra: tuple[tuple[str, str], ...] = ()
    returned_message_id: str = ""


# --- composing ---


def compose_dsn(
    dsn: DSN,
    *,
    to: MailAddress,
    subject: str,
    message_id: str,
    date: int,
    references: str = "",
    text: str = "",
    original: bytes = b"",
    full: bool = False,
    utf8: bool = False,
) -> bytes:
    """Return the whole message, from the postmaster of the reporting MTA (QUEUE-101..104).

    Args:
      message_id, references: with their brackets; `references` is the Message-ID of the original, "" without one. It is
        written to In-Reply-To too, so that mail programs show the notice below the message; left out if it is longer
        than a line.
      date: microseconds since 1970 UTC.
      text: the human-readable part; made from the recipients if "".
      original: the message that the DSN is about, or only its header section; "" leaves the third part out.
      full: return all of `original`, not just its header section.
      utf8: the UTF-8 form (RFC 6533), for a reader or next hop that has SMTPUTF8.
    """
    headers = [
        address_field("From", [MailAddress("Mail delivery system", "postmaster", dsn.reporting_mta)], utf8=utf8),
        _to(to, utf8),
        text_field("Subject", subject, utf8=utf8),
        text_field("Message-ID", message_id, utf8=utf8),
    ]
    headers += answer_fields(references, utf8=utf8)
    headers += [text_field("Date", format_date(date)), b"Auto-Submitted: auto-replied\r\n"]
    media_type = "message/global-delivery-status" if utf8 else "message/delivery-status"
    parts: list[TextPart | DataPart] = [
        TextPart(text or _default_text(dsn), eightbit=utf8),
        DataPart(_status(dsn, utf8).encode(), media_type, disposition="", encoding="8bit" if utf8 else "7bit"),
    ]
    if original:
        parts.append(_original(original, full, utf8))
    entity: Entity = MultiPart(tuple(parts), "report", (("report-type", "delivery-status"),))
    return b"".join(compose(headers, entity))


def _to(to: MailAddress, utf8: bool) -> bytes:
    if utf8 or (to.localpart.isascii() and to.domain.isascii()):
        return address_field("To", [to], utf8=utf8)
    # An address that 7-bit headers can't hold is written as the name of an empty group (RFC 6857 §3.1.8).
    # Each encoded word is on a line of its own, which may have 76 characters (RFC 2047 §2).
    group = "\r\n ".join([*encode_words(f"{to.localpart}@{to.domain}", 72), ":;"])
    return f"To: {group}\r\n".encode()


def _original(original: bytes, full: bool, utf8: bool) -> TextPart | DataPart:
    end = _BLANK.search(original)
    header = original[: end.start() + 1] if end is not None else original
    # Raw UTF-8 in a header makes the original an internationalised message, which a reader without SMTPUTF8 cannot be
    # sent. The header then goes as text in base64, without the body: a notice that arrives is worth more.
    ascii_header = header.isascii()
    if utf8 and not ascii_header:
        content, media_type = (original, "message/global") if full else (header, "message/global-headers")
    elif full and ascii_header:
        content, media_type = original, "message/rfc822"
    else:
        return TextPart(header.decode("utf-8", "replace"), media_type="text/rfc822-headers", base64=not ascii_header)
    return DataPart(content, media_type, disposition="", encoding="7bit" if content.isascii() else "8bit")


_BLANK: Final = re.compile(rb"\n\r?\n")
_WORDING: Final = {
    Action.FAILED: "couldn't be delivered, and the server won't try again",
    Action.DELAYED: "hasn't been delivered yet; the server will keep trying",
    Action.DELIVERED: "has been delivered",
    Action.RELAYED: "was sent to a server that doesn't send delivery receipts",
    Action.EXPANDED: "has been delivered to a mailing list",
}


def _default_text(dsn: DSN) -> str:
    lines: list[str] = []
    for recipient in dsn.recipients:
        lines.append(f"Your message to {recipient.final_recipient} {_WORDING[recipient.action]}.")
        if recipient.status_comment:
            lines += ["", f"Error: {recipient.status_comment}"]
        if recipient.diagnostic:
            name = recipient.remote_mta or "the remote server"
            lines += ["", f"Response from {name}:", *[f"  {line}" for line in recipient.diagnostic.splitlines()]]
        if recipient.will_retry_until is not None:
            lines += ["", f"The server will keep trying until {format_date(recipient.will_retry_until)}."]
        lines.append("")
    return "\r\n".join(lines)


def _status(dsn: DSN, utf8: bool) -> str:
    groups = [_message_fields(dsn), *(_recipient_fields(recipient, utf8) for recipient in dsn.recipients)]
    texts = ("".join(status_field(name, text, utf8) for name, text in group) for group in groups)
    return "\r\n".join(texts)  # an empty line before the fields of each recipient (RFC 3464 §2.1)


def _message_fields(dsn: DSN) -> Iterator[tuple[str, str]]:
    """Name and text of each field."""
    if dsn.envelope_id:
        yield "Original-Envelope-ID", dsn.envelope_id
    yield "Reporting-MTA", f"dns; {dsn.reporting_mta}"
    if dsn.received_from_mta:
        yield "Received-From-MTA", _mta(dsn.received_from_mta, dsn.received_from_ip)
    if dsn.arrival is not None:
        yield "Arrival-Date", format_date(dsn.arrival)
    if dsn.future_release_request:
        yield "Future-Release-Request", dsn.future_release_request


def _recipient_fields(recipient: DSNRecipient, utf8: bool) -> Iterator[tuple[str, str]]:
    if recipient.original_recipient:
        yield "Original-Recipient", typed_address(recipient.original_recipient, recipient.original_type, utf8)
    yield "Final-Recipient", typed_address(recipient.final_recipient, "rfc822", utf8)
    yield "Action", recipient.action
    comment = _comment(recipient.status_comment)
    yield "Status", f"{recipient.status} ({comment})" if comment else recipient.status
    if recipient.remote_mta:
        yield "Remote-MTA", _mta(recipient.remote_mta, recipient.remote_ip)
    if recipient.diagnostic:
        yield "Diagnostic-Code", f"{recipient.diagnostic_type}; {recipient.diagnostic}"
    if recipient.last_attempt is not None:
        yield "Last-Attempt-Date", format_date(recipient.last_attempt)
    if recipient.final_log_id:
        yield "Final-Log-ID", recipient.final_log_id
    if recipient.will_retry_until is not None:
        yield "Will-Retry-Until", format_date(recipient.will_retry_until)


_PARENTHESES: Final = str.maketrans("()\\", "[]/")


def _comment(text: str) -> str:
    """`text` for a comment of a field, short enough that its parenthesis is not cut off."""
    words = " ".join(text.translate(_PARENTHESES).split())
    return words.encode(errors="replace")[: MAX_TEXT - 100].decode(errors="ignore")


def _mta(name: str, ip: str) -> str:
    return f"dns; {name} ({ip})" if ip else f"dns; {name}"


# --- parsing ---

_CODE: Final = re.compile(r"[2-5][0-9]{2}(?=[ -]|$)")
_STATUS: Final = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:\s*\((.*)\))?", re.DOTALL)
_COMMENT_PIECE: Final = re.compile(r'[()]|"[^"\\]*(?:\\.[^"\\]*)*"|\\.|[^()"\\]+|["\\]', re.DOTALL)
_EMBEDDED: Final = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_STATUS_IN_REPLY: Final = re.compile(r"\b[245]\.[0-9]{1,3}\.[0-9]{1,3}\b")
_COPY: Final = re.compile(r"\n------ This is a copy of [^\n]*\n\s*")
_REPLY: Final = re.compile(r"\b5[0-9]{2}[ -](5\.[0-9]{1,3}\.[0-9]{1,3}\b)?.*")
_MAX_LINES: Final = 20  # lines about a recipient in Exim's text

_PER_MESSAGE: Final = frozenset(
    {
        "original-envelope-id",
        "reporting-mta",
        "dsn-gateway",
        "received-from-mta",
        "arrival-date",
        "future-release-request",
    }
)
_RECIPIENTS: Final = frozenset({"original-recipient", "final-recipient"})
_PER_RECIPIENT: Final = frozenset(
    {
        "original-recipient",
        "final-recipient",
        "action",
        "status",
        "remote-mta",
        "diagnostic-code",
        "last-attempt-date",
        "final-log-id",
        "will-retry-until",
    }
)


def parse_dsn(structure: Structure, read: Read) -> DSN:
    """Parse the DSN in a message, also one that has fields in other places than RFC 3464 says, or that lacks some.

    Args:
      structure: structure of the message.
      read: reads octets of the message, see `mime.text.Read`.

    Raises:
      DSNError: the message is not a DSN that says what became of a recipient (QUEUE-106).
    """
    part = structure.status_part
    if part is None:
        return _named_in_header(structure, read)
    if part.decoded > MAX_STATUS:
        raise DSNError("status part too large")
    message, *others = _fields(_content(part, read).decode("utf-8", "replace"))
    if len(others) > MAX_RECIPIENTS:
        raise DSNError("too many recipients")
    recipients = [recipient for group in others if (recipient := _recipient(group)) is not None]
    if not recipients:
        try:
            return _named_in_header(structure, read)
        except DSNError:
            raise DSNError("no recipients with a known status") from None
    source = message.known.get("received-from-mta", "")
    parts = structure.root.parts
    if not any(node is part for node in parts):
        parts = next(report.parts for report in parts if any(node is part for node in report.parts))
    return DSN(
        reporting_mta=_untyped(_without_comments(message.known.get("reporting-mta", ""))),
        recipients=tuple(recipients),
        envelope_id=message.known.get("original-envelope-id", ""),
        received_from_mta=_untyped(_without_comments(source)),
        received_from_ip=_ip(source),
        arrival=_date(message.known.get("arrival-date")),
        future_release_request=message.known.get("future-release-request", ""),
        extra=tuple(message.extra),
        returned_message_id=next(filter(None, (_returned_message_id(node, read) for node in parts)), ""),
    )


def _named_in_header(structure: Structure, read: Read) -> DSN:
    """The DSN in a message of Exim, or of Google, that names the failed recipients in its header. Exim's has the
    returned message in its text. Raises DSNError.
    """
    start, root = structure.prefix, structure.root
    header = HeaderSection(read(start, min(root.body, start + MAX_STATUS)))
    field = header.text(FAILED_RECIPIENTS)
    if field is None:
        raise DSNError("not a delivery status notification")
    addresses = [*filter(None, map(str.strip, field.decode("utf-8", "replace").split(",")))]
    if not 0 < len(addresses) <= MAX_RECIPIENTS:
        raise DSNError("no recipients, or too many")
    text = next((_content(part, read) for part in root.walk() if part.media_type == "text/plain"), b"")
    report, _, copy = _COPY.sub("\n\0", text.decode("utf-8", "replace"), count=1).partition("\0")
    lines = [line.rstrip() for line in report.split("\n")]
    below = {line.strip(): number for number, line in enumerate(lines, 1)}
    return DSN(
        reporting_mta="",
        recipients=tuple(
            _failed(address, lines[(at := below.get(address, len(lines))) : at + _MAX_LINES]) for address in addresses
        ),
        returned_message_id=(HeaderSection(copy.encode()).text(b"message-id") or b"").decode(),
    )


def _failed(address: str, lines: list[str]) -> DSNRecipient:
    """A recipient; Exim's text says in the indented lines below the address why it failed."""
    words = " ".join(map(str.strip, takewhile(lambda line: line.startswith("    "), lines)))[:_MAX_FIELD]
    reply = _REPLY.search(words)
    return DSNRecipient(
        final_recipient=address,
        action=Action.FAILED,
        status=(reply and reply[1]) or "5.0.0",
        status_comment="" if reply is not None else words,
        diagnostic_type="smtp" if reply is not None else "",
        diagnostic=reply[0] if reply is not None else "",
    )


class _Fields(msgspec.Struct, frozen=True):
    """Fields of the message or of a recipient; of a field that is there twice the first one."""

    known: dict[str, str] = {}
    extra: list[tuple[str, str]] = []


def _content(part: Part, read: Read) -> bytes:
    """The decoded octets of a part, at most MAX_STATUS."""
    out = bytearray()
    blocks = (read(at, min(part.end, at + BLOCK)) for at in range(part.body, part.end, BLOCK))
    for block in decode_blocks(blocks, part.encoding):
        out += block
        if len(out) >= MAX_STATUS:
            break
    return bytes(out[:MAX_STATUS])


def _groups(text: str) -> Iterator[list[str]]:
    """Groups of unfolded fields, separated by blank lines."""
    group: list[str] = []
    for line in text.split("\n"):
        line = line.rstrip()
        if not line:
            if group:
                yield group
                group = []
        elif line[0] in " \t" and group:
            group[-1] = f"{group[-1]} {line.lstrip()}" if len(group[-1]) < _MAX_FIELD else group[-1]
        else:
            group.append(line)
    if group:
        yield group


_MAX_FIELD: Final = 8192  # characters of an unfolded field; longer ones are truncated


def _fields(text: str) -> list[_Fields]:
    """Return the message's fields, then each recipient's fields. Names decide, not groups. Lines without a colon are
    left out.
    """
    message = _Fields()
    recipients: list[_Fields] = []
    for number, group in enumerate(_groups(text)):
        fields = _Fields()
        for line in group:
            name, colon, value = line.partition(":")
            key = name.strip().lower()
            if not colon:
                continue
            if key in _PER_MESSAGE:
                message.known.setdefault(key, value.strip())
            elif key in _PER_RECIPIENT:
                if key in _RECIPIENTS and key in fields.known and not fields.known.keys() <= _RECIPIENTS:
                    recipients.append(fields)
                    fields = _Fields()
                fields.known.setdefault(key, value.strip())
            else:
                (fields if number else message).extra.append((name.strip(), value.strip()))
        if recipients and any(group.known.keys().isdisjoint(_RECIPIENTS) for group in (recipients[-1], fields)):
            recipients[-1] = _joined(recipients[-1], fields)  # an empty line too many
        elif fields.known:
            recipients.append(fields)
    return [message, *recipients]


def _joined(first: _Fields, second: _Fields) -> _Fields:
    """The fields of two groups about one recipient, whom one of them names: what is there twice is of that one."""
    named, other = (second, first) if first.known.keys().isdisjoint(_RECIPIENTS) else (first, second)
    return _Fields({**other.known, **named.known}, first.extra + second.extra)


def _recipient(fields: _Fields) -> DSNRecipient | None:
    """Return the outcome for a recipient, None if the fields don't say one. Either recipient will do, and of action and
    status one can be made of the other.
    """
    known = fields.known
    match = _STATUS.match(known.get("status", ""))
    action = _action(known.get("action", ""), match[1] if match is not None else "")
    final = known.get("final-recipient") or known.get("original-recipient")
    if action is None or not final:
        return None
    final_type, final_recipient = _parse_typed(final)
    original_type, original_recipient = _parse_typed(known.get("original-recipient", ""))
    remote = known.get("remote-mta", "")
    diagnostic_type, _, diagnostic = known.get("diagnostic-code", "").partition(";")
    return DSNRecipient(
        final_recipient=final_recipient,
        final_type=final_type,
        action=action,
        status=match[1] if match is not None else _status_of(action, diagnostic),
        status_comment=(match[2] or "").strip() if match is not None else "",
        original_recipient=original_recipient,
        original_type=original_type,
        remote_mta=_untyped(_without_comments(remote)),
        remote_ip=_ip(remote),
        diagnostic_type=diagnostic_type.strip().lower(),
        diagnostic=diagnostic.strip(),
        last_attempt=_date(known.get("last-attempt-date")),
        final_log_id=known.get("final-log-id", ""),
        will_retry_until=_date(known.get("will-retry-until")),
        extra=tuple(fields.extra),
    )


def _action(text: str, status: str) -> Action | None:
    """The outcome; by the status for an unknown word, such as Postfix's of a probe, but for one of success, which may
    mean anything.
    """
    try:
        return Action(_without_comments(text).lower())
    except ValueError:
        return {"5": Action.FAILED, "4": Action.DELAYED}.get(status[:1])


def _status_of(action: Action, diagnostic: str) -> str:
    """The status for an outcome whose field has none: that in the reply if it fits, else the one without a detail."""
    kind = {Action.FAILED: "5", Action.DELAYED: "4"}.get(action, "2")
    match = _STATUS_IN_REPLY.search(diagnostic)
    return match[0] if match is not None and match[0].startswith(kind) else f"{kind}.0.0"


def _without_comments(text: str) -> str:
    """`text` without comments (RFC 5322 §3.2.2), including nested ones."""
    if "(" not in text:
        return text
    depth = 0
    kept: list[str] = []
    for match in _COMMENT_PIECE.finditer(text):
        piece = match[0]
        if piece == "(":
            depth += 1
        elif piece == ")" and depth:
            depth -= 1
        elif not depth:
            kept.append(piece)
    return "".join(kept).strip()


def _untyped(text: str) -> str:
    """The name of an MTA without its type (`dns; name`)."""
    kind, semicolon, name = text.partition(";")
    return name.strip() if semicolon else kind.strip()


_IP: Final = re.compile(r"[(\[](?:IPv6:)?([0-9A-Fa-f:.]{2,45})[)\]]")


def _ip(text: str) -> str:
    """The first IP address in parentheses or brackets, "" without one."""
    for match in _IP.finditer(text):
        try:
            return str(ip_address(match[1]))
        except ValueError:
            continue
    return ""


def _date(text: str | None) -> int | None:
    parsed = parse_date(text) if text else None
    return parsed[0] if parsed else None


def _parse_typed(text: str) -> tuple[str, str]:
    """Parse `type; address` into the type in lower case and the decoded address (RFC 3464 §2.3.1, RFC 6533 §3)."""
    kind, semicolon, address = _without_comments(text).partition(";")
    if not semicolon:
        kind, address = "rfc822", kind
    kind = kind.strip().lower()
    address = address.strip()
    if address.startswith("<") and address.endswith(">"):
        address = address[1:-1]
    if kind == "utf-8":
        address = _EMBEDDED.sub(_embedded, address)
    return kind, address


def _embedded(match: re.Match[str]) -> str:
    """The character, but U+FFFD for a control, which no address has, and for a number that is no character."""
    number = int(match[1], 16)
    return chr(number) if 0x20 <= number < 0xD800 or 0xDFFF < number < 0x110000 else "\ufffd"


def _returned_message_id(part: Part, read: Read) -> str:
    if part.message is not None:
        return part.message.envelope.message_id
    if part.media_type in ("text/rfc822-headers", "message/global-headers"):
        value = HeaderSection(_content(part, read)).text(b"message-id")
        return value.decode("utf-8", "replace") if value else ""
    return ""
