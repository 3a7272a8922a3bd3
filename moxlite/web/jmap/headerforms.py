"""Header fields of messages in the forms of JMAP (RFC 8621 §4.1.2, §4.1.3)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from moxlite.proto.address import Localpart, pack_localpart, spellings
from moxlite.proto.mime.dates import parse_date
from moxlite.proto.mime.envelope import GroupEnd, GroupStart, decode_address, parse_addresses
from moxlite.proto.mime.headers import Field, HeaderSection
from moxlite.proto.mime.words import decode_words
from moxlite.web.jmap.protocol import Object, invalid

MAX_UNICODE: Final = 100
"""Addresses of a field whose domains are shown in U-labels: one can take 4 ms."""

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MESSAGE_ID: Final = re.compile(rb"<([^<>]*)>")
URL: Final = re.compile(rb"<([^<>]*)>")
NAME: Final = re.compile(r"[!-9;-~]{1,998}")

ADDRESSES: Final = frozenset(
    (b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc")
    + (b"resent-from", b"resent-sender", b"resent-reply-to", b"resent-to", b"resent-cc", b"resent-bcc")
)
IDS: Final = frozenset((b"message-id", b"in-reply-to", b"references", b"resent-message-id"))
DATES: Final = frozenset((b"date", b"resent-date"))
URLS: Final = frozenset(
    (b"list-help", b"list-unsubscribe", b"list-subscribe", b"list-post", b"list-owner", b"list-archive")
)
TEXTS: Final = frozenset((b"subject", b"comments", b"keywords", b"list-id"))
DEFINED: Final = ADDRESSES | IDS | DATES | URLS | TEXTS
"""Fields of RFC 5322 and RFC 2369: each has the forms of its own; all other fields have every form."""

ALLOWED: Final[Mapping[str, frozenset[bytes]]] = {
    "asText": TEXTS,
    "asAddresses": ADDRESSES,
    "asGroupedAddresses": ADDRESSES,
    "asMessageIds": IDS,
    "asDate": DATES,
    "asURLs": URLS,
}


class HeaderProperty(msgspec.Struct, frozen=True):
    """A property of header fields: ``header:NAME[:FORM][:all]``."""

    name: bytes
    form: str = "asRaw"
    all: bool = False


CONVENIENT: Final[Mapping[str, HeaderProperty]] = {
    "messageId": HeaderProperty(b"message-id", "asMessageIds"),
    "inReplyTo": HeaderProperty(b"in-reply-to", "asMessageIds"),
    "references": HeaderProperty(b"references", "asMessageIds"),
    "sender": HeaderProperty(b"sender", "asAddresses"),
    "from": HeaderProperty(b"from", "asAddresses"),
    "to": HeaderProperty(b"to", "asAddresses"),
    "cc": HeaderProperty(b"cc", "asAddresses"),
    "bcc": HeaderProperty(b"bcc", "asAddresses"),
    "replyTo": HeaderProperty(b"reply-to", "asAddresses"),
    "subject": HeaderProperty(b"subject", "asText"),
    "sentAt": HeaderProperty(b"date", "asDate"),
}
"""Properties of an email that are header fields (RFC 8621 §4.1.3)."""


def header_property(text: str) -> HeaderProperty | None:
    """The property of header fields with this name; None for another one. Raises MethodError for a wrong one."""
    if text in CONVENIENT:
        return CONVENIENT[text]
    if not text.startswith("header:"):
        return None
    name, *rest = text.split(":")[1:]
    every = rest[-1:] == ["all"]
    form, *more = (rest[:-1] if every else rest) or ["asRaw"]
    if NAME.fullmatch(name) is None or more or form not in FORMS:
        raise invalid(f"unknown property: {text[:200]!r}")
    found = name.lower().encode()
    if form != "asRaw" and found in DEFINED and found not in ALLOWED[form]:
        raise invalid(f"{name} doesn't support the form {form}")
    return HeaderProperty(found, form, every)


def value_of(section: HeaderSection, wanted: HeaderProperty) -> object:
    """The value of a property: of the last field with the name, or an array of all."""
    read = FORMS[wanted.form]
    if wanted.all:
        return [read(field, section.hint) for field in section.all(wanted.name)]
    fields = section.all(wanted.name)
    return read(fields[-1], section.hint) if fields else None


def raw_value(field: Field) -> str:
    """All that follows the colon, without the line end."""
    value = field.raw.partition(b":")[2].removesuffix(b"\n").removesuffix(b"\r")
    return value.decode("utf-8", "replace")


def _raw(field: Field, _: str) -> str:
    return raw_value(field).replace("\0", "")


def _text(field: Field, hint: str) -> str:
    return decode_words(field.text, hint).strip()


def _addresses(field: Field, hint: str) -> list[Object]:
    return [one for group in _groups(field, hint) for one in group["addresses"]]


def _groups(field: Field, hint: str) -> list[Object]:
    groups: list[Object] = []
    named, left = False, MAX_UNICODE
    coded: dict[str, str] = {}
    for item in parse_addresses(field.text):
        match item:
            case GroupStart(name=name):
                groups.append({"name": decode_words(name, hint) or None, "addresses": []})
                named = True
            case GroupEnd():
                named = False
            case _:
                if not named and (not groups or groups[-1]["name"] is not None):
                    groups.append({"name": None, "addresses": []})
                address = decode_address(item, coded, hint)
                email = pack_localpart(Localpart(address.localpart)) if address.localpart else ""
                whole = f"{email}@{address.domain}" if address.domain else email
                if left and "xn--" in address.domain:
                    whole, left = spellings(email, address.domain)[-1], left - 1
                groups[-1]["addresses"].append({"name": address.name or None, "email": whole})
    return groups


def _ids(field: Field, _: str) -> list[str] | None:
    return [one.decode("utf-8", "replace").strip() for one in MESSAGE_ID.findall(field.text)] or None


def _date(field: Field, _: str) -> str | None:
    found = parse_date(field.text)
    return None if found is None else local_date(*found)


def _urls(field: Field, _: str) -> list[str] | None:
    return [one.decode("utf-8", "replace").strip() for one in URL.findall(field.text)] or None


FORMS: Final[Mapping[str, Callable[[Field, str], object]]] = {
    "asRaw": _raw,
    "asText": _text,
    "asAddresses": _addresses,
    "asGroupedAddresses": _groups,
    "asMessageIds": _ids,
    "asDate": _date,
    "asURLs": _urls,
}


def utc_date(microseconds: int) -> str:
    """A UTCDate (RFC 8620 §1.4) of µs UTC, whole seconds."""
    return _in_utc(EPOCH + dt.timedelta(seconds=microseconds // 1_000_000))


def _in_utc(moment: dt.datetime) -> str:
    return f"{moment.replace(tzinfo=None).isoformat()}Z"  # strftime writes the year 999 with three digits


def microseconds(text: Any) -> int:
    """The µs UTC of a date with its zone, which UTC has as well. Raises ValueError."""
    try:
        since = dt.datetime.fromisoformat(text) - EPOCH
        EPOCH + since  # a zone may lead out of the years 1 to 9999, and then `utc_date` could not show what was stored
        return since // dt.timedelta(microseconds=1)
    except (TypeError, OverflowError):  # no text, a time without a zone, or one beyond these years
        raise ValueError("must be a date like 2026-11-25T08:00:00Z") from None


def local_date(microseconds: int, offset: int) -> str | None:
    """A Date with its offset from UTC in minutes; None for one out of range."""
    try:
        moment = (EPOCH + dt.timedelta(seconds=microseconds // 1_000_000)).astimezone(
            dt.timezone(dt.timedelta(minutes=offset))
        )
    except (OverflowError, ValueError):
        return None
    return moment.isoformat() if offset else _in_utc(moment)
