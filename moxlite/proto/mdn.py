"""Message disposition notifications: requests for a receipt of reading, and the receipts (RFC 8098, RFC 6533).

A request is a stranger's text. A request that is long, repeated, malformed, or depends on an option that is not known
here, is ignored.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from .address import AddressError, Domain, check_localpart
from .mime.compose import DataPart, MultiPart, TextPart, address_field, answer_fields, compose, text_field
from .mime.dates import format_date
from .mime.envelope import RawAddress, decode_address, parse_addresses
from .mime.headers import HeaderSection
from .mime.types import MailAddress
from .statusfields import status_field, typed_address

TO_FIELD: Final = b"disposition-notification-to"
OPTIONS_FIELD: Final = b"disposition-notification-options"

MAX_REQUESTERS: Final = 5
"""Addresses that request a receipt. Usually there's one. More would make a reader's click send mail to a crowd."""

MAX_FIELD: Final = 2000
"""Octets of a field of the request that is read."""

MAX_ORIGINAL: Final = 400
"""Octets of an Original-Recipient field that is copied to the receipt."""

MAX_ERRORS: Final = 20
"""Fields of one name, or of unknown names, that are read of a receipt."""

_DISPOSITION: Final = re.compile(r"\s*([A-Za-z-]{1,30})\s*/\s*([A-Za-z-]{1,40})\s*;\s*([A-Za-z]{1,30})")
_OPTION: Final = re.compile(rb"\s*[A-Za-z0-9-]+\s*=\s*optional\s*(?:,.*)?", re.IGNORECASE | re.DOTALL)
_FIELDS: Final = frozenset(
    {
        b"final-recipient",
        b"disposition",
        b"reporting-ua",
        b"mdn-gateway",
        b"original-recipient",
        b"original-message-id",
        b"error",
    }
)
_ORIGINAL: Final = re.compile(rb"[A-Za-z0-9-]+\s*;\s*[!-~]+")


class MDN(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt: the user has seen the message, and has sent the receipt by hand (RFC 8098 §3.2).

    Attributes:
      reporting_ua: host and program. final_recipient: the address that the message came to.
      original_message_id: raw, with its brackets, "" without one.
      original_recipient: value of the message's Original-Recipient field, "" without one.
    """

    reporting_ua: str
    final_recipient: str
    original_message_id: str = ""
    original_recipient: str = ""
    disposition: str = "manual-action/MDN-sent-manually; displayed"


class ReadMDN(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt that came. `disposition`: action mode, sending mode and type, by the names of JMAP (RFC 9007 §2);
    `extensions`: further fields, by name.
    """

    final_recipient: str
    disposition: dict[str, str]
    reporting_ua: str = ""
    gateway: str = ""
    original_recipient: str = ""
    original_message_id: str = ""
    errors: tuple[str, ...] = ()
    extensions: dict[str, str] = {}


def read_mdn(section: HeaderSection) -> ReadMDN | None:
    """The fields of a receipt (RFC 8098 §3.2); None without Final-Recipient or Disposition that can be read."""
    final, match = _field(section, "final-recipient"), _DISPOSITION.match(_field(section, "disposition"))
    if not final or match is None:
        return None
    action, sending, kind = (text.lower() for text in match.groups())
    names = [name.decode() for name in section.names if name and name not in _FIELDS]  # b"" is junk
    return ReadMDN(
        final_recipient=final,
        disposition={"actionMode": action, "sendingMode": sending, "type": kind},
        reporting_ua=_field(section, "reporting-ua"),
        gateway=_field(section, "mdn-gateway"),
        original_recipient=_field(section, "original-recipient"),
        original_message_id=_field(section, "original-message-id"),
        errors=tuple(
            text.decode("utf-8", "replace").strip()[:MAX_FIELD] for text in section.texts(b"error")[:MAX_ERRORS]
        ),
        extensions={name: _field(section, name) for name in names[:MAX_ERRORS]},
    )


def _field(section: HeaderSection, name: str) -> str:
    text = section.text(name.encode()) or b""
    return text[:MAX_FIELD].decode("utf-8", "replace").strip()


def requesters(section: HeaderSection) -> tuple[MailAddress, ...]:
    """The addresses that ask for a receipt, each once, without names; empty without a request that can be followed
    (RFC 8098 §2.1, §2.2).
    """
    fields = section.texts(TO_FIELD)
    if len(fields) != 1 or len(fields[0]) > MAX_FIELD or not _options_are_optional(section):
        return ()
    addresses: dict[tuple[str, str], MailAddress] = {}
    items = parse_addresses(fields[0], MAX_REQUESTERS + 1)
    if len(items) > MAX_REQUESTERS:
        return ()
    for item in items:
        if not isinstance(item, RawAddress):
            return ()
        address = decode_address(item)
        if not address.localpart:
            return ()
        try:
            addresses[address.localpart, address.domain] = MailAddress(
                "", check_localpart(address.localpart), Domain.parse(address.domain).ascii
            )
        except AddressError:
            return ()
    return tuple(addresses.values())


def _options_are_optional(section: HeaderSection) -> bool:
    """Whether a receipt may ignore all options: none is known here, and a required one must be (RFC 8098 §2.2)."""
    return all(
        len(text) <= MAX_FIELD and all(_OPTION.fullmatch(one) for one in text.split(b";") if one.strip())
        for text in section.texts(OPTIONS_FIELD)
    )


def original_recipient(section: HeaderSection) -> str:
    """The value of the Original-Recipient field, which the last mail server added (RFC 8098 §2.3), or ""."""
    texts = section.texts(b"original-recipient")
    if len(texts) != 1 or len(texts[0]) > MAX_ORIGINAL or not _ORIGINAL.fullmatch(texts[0].strip()):
        return ""
    return texts[0].strip().decode("ascii")


def compose_mdn(
    mdn: MDN,
    *,
    sender: MailAddress,
    to: tuple[MailAddress, ...],
    subject: str,
    text: str,
    message_id: str,
    date: int,
    utf8: bool,
) -> bytes:
    """Return the whole message (RFC 8098 §3). It does not return the header of the original, which says how the
    message went on after it had left its sender.

    Args:
      text: the human-readable part. message_id: of the receipt, with its brackets. date: microseconds since 1970 UTC.
      utf8: the form with UTF-8 addresses (RFC 6533), which one of the addresses needs.
    """
    headers = [
        address_field("From", [sender], utf8=utf8),
        address_field("To", to, utf8=utf8),
        text_field("Subject", subject, utf8=utf8),
        f"Date: {format_date(date)}\r\n".encode(),
        text_field("Message-ID", message_id),
        *answer_fields(mdn.original_message_id, utf8=utf8),
        b"Auto-Submitted: auto-replied\r\n",
    ]
    fields = [status_field("Reporting-UA", mdn.reporting_ua, utf8)]
    if mdn.original_recipient:
        fields.append(status_field("Original-Recipient", mdn.original_recipient, utf8))
    fields.append(status_field("Final-Recipient", typed_address(mdn.final_recipient, "rfc822", utf8), utf8))
    if mdn.original_message_id:
        fields.append(status_field("Original-Message-ID", mdn.original_message_id, utf8))
    fields.append(status_field("Disposition", mdn.disposition, utf8))
    octets = "".join(fields).encode()
    kind = "message/global-disposition-notification" if utf8 else "message/disposition-notification"
    part = DataPart(octets, kind, disposition="", encoding="7bit" if octets.isascii() else "8bit")
    entity = MultiPart((TextPart(text), part), "report", (("report-type", "disposition-notification"),))
    return b"".join(compose(headers, entity))
