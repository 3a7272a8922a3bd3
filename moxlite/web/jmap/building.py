"""The message that an Email/set creates: header fields and parts in, octets out (RFC 8621 §4.6)."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from moxlite.proto.address import Address, AddressError
from moxlite.proto.mime.compose import (
    ComposeError,
    DataPart,
    Entity,
    Group,
    MultiPart,
    TextPart,
    address_field,
    compose,
    new_message_id,
    parameter_field,
    text_field,
)
from moxlite.proto.mime.dates import format_date
from moxlite.proto.mime.types import MailAddress
from moxlite.store.content.spoolheader import HeaderTooLarge
from moxlite.web.composing.uploads import for_others
from moxlite.web.jmap.blobs import is_email
from moxlite.web.jmap.headerforms import EPOCH, HeaderProperty, header_property
from moxlite.web.jmap.protocol import MethodError, Object, SetError

MAX_PARTS: Final = 200
"""Parts of a new message, as many as the web API takes files: each has a head to write and a blob to read."""

MAX_DEPTH: Final = 20
"""Levels of its parts, fewer than the 50 that the scanner reads: what is written must be found again."""

MAX_HEADERS: Final = 200
"""Its header fields, far below the 10,000 that the scanner reads."""

MAX_VALUE: Final = 50_000
"""Octets of one header field."""

MAX_LINE: Final = 998
"""Octets of a line of a message without its end (RFC 5322 §2.1.1). Servers refuse longer ones."""

MAX_ADDRESSES: Final = 1_000
"""Addresses of one field: as many as an envelope may have recipients."""

NAMES: Final[Mapping[str, str]] = {
    "messageId": "Message-ID",
    "inReplyTo": "In-Reply-To",
    "references": "References",
    "sender": "Sender",
    "from": "From",
    "to": "To",
    "cc": "Cc",
    "bcc": "Bcc",
    "replyTo": "Reply-To",
    "subject": "Subject",
    "sentAt": "Date",
}
RAW: Final = re.compile(r"(?:[^\x00-\x08\x0A-\x1F\x7F]|\r\n[ \t])*")
MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
TOKEN: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,60}")


class Part(msgspec.Struct):
    """A part to be written: text, or the octets of a blob."""

    media_type: str
    text: str | None = None
    blob: str = ""
    name: str = ""
    disposition: str = ""
    cid: str = ""
    charset: str = ""
    headers: tuple[bytes, ...] = ()
    parts: tuple[Part, ...] = ()


class Draft(msgspec.Struct, frozen=True):
    """A message's fields and parts, the blobs that the parts come from, and the values set by the server."""

    fields: tuple[bytes, ...]
    root: Part
    blobs: tuple[str, ...]
    utf8: bool


def bad(name: str, text: str) -> SetError:
    """A property that is wrong."""
    return SetError("invalidProperties", f"{name}: {text}", properties=[name])


def draft_of(given: Object, domain: str) -> Draft:
    """The message that the properties of a new email describe. Raises SetError."""
    fields: list[tuple[str, bytes]] = []
    seen: set[bytes] = set()
    utf8 = _needs_utf8(given)
    for name, value in given.items():
        wanted = _field(name)
        if wanted is None or value is None:  # null is what a field has that is not given: the server may add it below
            continue
        if wanted.name in seen:
            raise bad(name, "duplicate header field")
        if wanted.name.startswith(b"content-"):
            raise bad(name, "you can't set Content-* fields on the email itself; set them on a body part")
        if octets := _written(name, wanted, value, utf8=utf8):
            seen.add(wanted.name)
            fields += [(wanted.name.decode(), field) for field in octets]
    if len(fields) > MAX_HEADERS:
        raise SetError("tooLarge", f"an email can have up to {MAX_HEADERS} header fields")
    if b"date" not in seen:
        fields.insert(0, ("date", f"Date: {format_date(time.time_ns() // 1000)}\r\n".encode()))
    if b"message-id" not in seen:
        fields.append(("message-id", text_field("Message-ID", new_message_id(domain))))
    root = _root(given)
    blobs = tuple(dict.fromkeys(part.blob for part in _walk(root) if part.blob))
    return Draft(tuple([octets for name, octets in fields if name != "mime-version"]), root, blobs, utf8)


def _needs_utf8(given: Object) -> bool:
    """Whether a local part is not ASCII: then the header is raw UTF-8 (RFC 6532)."""
    for name in ("sender", "from", "to", "cc", "bcc", "replyTo"):
        value = given.get(name)
        if isinstance(value, list) and not all(
            str(one.get("email", "")).rpartition("@")[0].isascii() for one in value if isinstance(one, dict)
        ):
            return True
    return False


def _field(name: str) -> HeaderProperty | None:
    try:
        return header_property(name)
    except MethodError as error:
        raise bad(name, error.description) from None


def _written(name: str, wanted: HeaderProperty, value: Any, *, utf8: bool) -> list[bytes]:
    """The fields that a property makes, none for null and for empty lists."""
    if value is None:
        return []
    label = _label(name)
    values = value if wanted.all else [value]
    if not isinstance(values, list):
        raise bad(name, "must be an array")
    fields = [octets for item in values if (octets := _one(name, label, wanted.form, item, utf8=utf8))]
    if any(len(line) > MAX_LINE for field in fields for line in field.split(b"\r\n")):
        raise bad(name, f"lines can be up to {MAX_LINE} bytes; fold longer ones with CRLF and a space")
    return fields


def _label(name: str) -> str:
    return name.split(":")[1] if name.startswith("header:") else NAMES[name]


def _one(name: str, label: str, form: str, value: Any, *, utf8: bool) -> bytes:
    """A field; b"" for an empty list, which no field can hold (RFC 5322 §3.6.2 to §3.6.4)."""
    # One case for each form of RFC 8621 §4.1.2.
    match form, value:
        case (("asAddresses" | "asGroupedAddresses" | "asMessageIds" | "asURLs"), []):
            return b""
        case "asRaw", str():
            if RAW.fullmatch(value) is None or len(value.encode("utf-8", "replace")) > MAX_VALUE:
                raise bad(name, "too long, or has control characters other than CRLF and a space to fold lines")
            return f"{label}:{value}\r\n".encode("utf-8", "replace")
        case "asText", str():
            if len(value) > MAX_VALUE:
                raise bad(name, "the text is too long")
            return text_field(label, value, utf8=utf8)
        case "asAddresses", list():
            return _address_field(name, label, _addresses(name, value), utf8=utf8)
        case "asGroupedAddresses", list():
            return _grouped(name, label, value, utf8=utf8)
        case (("asMessageIds" | "asURLs"), list()) if all(isinstance(one, str) for one in value):
            return _bracketed(name, label, value, "," if form == "asURLs" else "")
        case "asDate", str():
            return f"{label}: {_date(name, value)}\r\n".encode()
    raise bad(name, f"invalid value for the form {form}")


def _bracketed(name: str, label: str, entries: list[str], separator: str) -> bytes:
    """A field of message ids (RFC 5322 §3.6.4) or addresses of lists (RFC 2369 §2)."""
    if any(re.search(r"[\s<>\0]", one) or not one for one in entries):
        raise bad(name, "entries can't be empty, or contain spaces or angle brackets")
    return text_field(label, separator.join([f" <{one}>" for one in entries]).strip())


def _date(name: str, text: str) -> str:
    try:
        moment = dt.datetime.fromisoformat(text)
        offset = moment.utcoffset()
        if offset is None:
            raise bad(name, "the time must include a UTC offset")
        return format_date(int((moment - EPOCH) / dt.timedelta(microseconds=1)), int(offset.total_seconds()) // 60)
    except (ValueError, OverflowError):
        raise bad(name, "must be a date like 2026-11-25T08:00:00Z") from None


def _addresses(name: str, value: Sequence[Any]) -> list[MailAddress]:
    if len(value) > MAX_ADDRESSES:
        raise bad(name, f"you can add up to {MAX_ADDRESSES} addresses")
    addresses: list[MailAddress] = []
    for one in value:
        match one:
            case {"email": str(email)}:
                shown = one.get("name")
            case _:
                raise bad(name, "each address must be an object with an email")
        if shown is not None and not isinstance(shown, str):
            raise bad(name, "each name must be a string")
        try:
            address = Address.parse(email)
        except AddressError as error:
            raise bad(name, f"{email[:100]!r}: {error}") from None
        addresses.append(MailAddress(shown or "", str(address.localpart), address.domain.ascii))
    return addresses


def _address_field(name: str, label: str, addresses: Sequence[MailAddress | Group], *, utf8: bool) -> bytes:
    try:
        return address_field(label, addresses, utf8=utf8)
    except ComposeError as error:
        raise bad(name, str(error)) from None


def _grouped(name: str, label: str, value: Sequence[Any], *, utf8: bool) -> bytes:
    entries: list[MailAddress | Group] = []
    for group in value:
        if not isinstance(group, dict) or not isinstance(group.get("addresses"), list):
            raise bad(name, "each group must be an object with an addresses array")
        members, title = _addresses(name, group["addresses"]), group.get("name")
        if title is not None and not isinstance(title, str):
            raise bad(name, "each name must be a string")
        entries += members if title is None else [Group(title, tuple(members))]
    return _address_field(name, label, entries, utf8=utf8) if entries else b""


def _root(given: Object) -> Part:
    """The tree of parts."""
    values = given.get("bodyValues", {})
    if not isinstance(values, dict):
        raise bad("bodyValues", "must be an object")
    reader = _Parts(values)
    # Each branch is a form that RFC 8621 §4.6 allows or forbids, and the error names the property that is wrong.
    if "bodyStructure" in given:
        if given.keys() & {"textBody", "htmlBody", "attachments"}:
            raise bad("bodyStructure", "bodyStructure can't be combined with textBody, htmlBody, or attachments")
        return reader.part("bodyStructure", given["bodyStructure"], 0)
    texts: list[Part] = []
    for name, kind in (("textBody", "text/plain"), ("htmlBody", "text/html")):
        listed = given.get(name) or []
        if not isinstance(listed, list) or len(listed) > 1:
            raise bad(name, "must be an array with exactly one part")
        for one in listed:
            part = reader.part(name, {"type": kind, **one} if isinstance(one, dict) else one, 0)
            if part.media_type != kind:
                raise bad(name, f"the part's type must be {kind}")
            texts.append(part)
    attachments = given.get("attachments") or []
    if not isinstance(attachments, list):
        raise bad("attachments", "must be an array")
    files = [reader.part("attachments", attachment, 0) for attachment in attachments]
    for part in files:
        part.disposition = part.disposition or "attachment"
    inline = [part for part in files if part.disposition == "inline" and part.cid]
    others = [part for part in files if part not in inline]
    body = _multipart(texts or [Part("text/plain", text="")], "alternative")
    if inline and any(part.media_type == "text/html" for part in texts):
        body = _multipart([body, *inline], "related")
    else:
        others = files
    return _multipart([body, *others], "mixed")


def _multipart(parts: Sequence[Part], subtype: str) -> Part:
    return parts[0] if len(parts) == 1 else Part(f"multipart/{subtype}", parts=tuple(parts))


class _Parts:
    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._left = MAX_PARTS

    def part(self, name: str, given: Any, depth: int) -> Part:
        """A part and all below it. Raises SetError."""
        # Check a part in the order of RFC 8621 §4.6, because the error depends on earlier checks.
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise bad(name, "too many parts, or they're nested too deeply")
        if not isinstance(given, dict):
            raise bad(name, "must be an object")
        headers = self._headers(name, given)
        kind = _text(name, given, "type").lower()
        children = given.get("subParts")
        if kind.startswith("multipart/") or (not kind and children):
            if not isinstance(children, list) or not children or headers:
                raise bad(name, "a multipart part must have subParts, and can't have header fields")
            parts = tuple([self.part(name, one, depth + 1) for one in children])
            return Part(_checked_type(name, kind or "multipart/mixed"), parts=parts)
        found = Part(
            _checked_type(name, kind or "text/plain"),
            name=_text(name, given, "name")[:255],
            disposition=_text(name, given, "disposition").lower(),
            cid=_text(name, given, "cid"),
            headers=headers,
        )
        if found.disposition and TOKEN.fullmatch(found.disposition) is None:
            raise bad(name, "invalid disposition")
        number, blob = given.get("partId"), given.get("blobId")
        if (number is None) == (blob is None):
            raise bad(name, "a part must have either partId or blobId")
        if blob is not None:
            if not isinstance(blob, str):
                raise bad(name, "blobId must be a string")
            found.blob = blob
            found.charset = _text(name, given, "charset") if found.media_type.startswith("text/") else ""
            if found.charset and TOKEN.fullmatch(found.charset) is None:
                raise bad(name, "invalid charset")
            return found
        if "charset" in given or "size" in given:
            raise bad(name, "charset and size can't be set on a part with a partId")
        found.text = self._value(name, number)
        if not found.media_type.startswith("text/"):
            raise bad(name, "a part with a partId must have a text/* type")
        return found

    def _value(self, name: str, number: Any) -> str:
        given: Any = self._values.get(number) if isinstance(number, str) else None
        match given:
            case {"value": str(text)}:
                if given.get("isEncodingProblem") or given.get("isTruncated"):
                    raise bad("bodyValues", "isEncodingProblem and isTruncated must be false when you create an email")
                return text
        raise bad(name, f"bodyValues is missing a value for partId {str(number)[:50]!r}")

    def _headers(self, name: str, given: Object) -> tuple[bytes, ...]:
        found: list[bytes] = []
        if "headers" in given:
            raise bad(name, "headers can't be set; use header:NAME properties")
        for key, value in given.items():
            if not key.startswith("header:"):
                continue
            wanted = _field(key)
            assert wanted is not None
            if wanted.name in (b"content-type", b"content-transfer-encoding", b"content-disposition", b"content-id"):
                raise bad(name, f"{key} can only be set by the server")
            found += _written(key, wanted, value, utf8=False)
        languages = given.get("language")
        if languages:
            if not isinstance(languages, list) or not all(isinstance(language, str) for language in languages):
                raise bad(name, "language must be an array of strings")
            found.append(text_field("Content-Language", ", ".join(languages)))
        if location := _text(name, given, "location"):
            found.append(text_field("Content-Location", location))
        return tuple(found)


def _text(name: str, given: Object, key: str) -> str:
    value = given.get(key)
    if value is not None and not isinstance(value, str):
        raise bad(name, f"{key} must be a string")
    return value or ""


def _checked_type(name: str, kind: str) -> str:
    if MEDIA_TYPE.fullmatch(kind) is None:
        raise bad(name, f"{kind[:60]!r} isn't a valid media type")
    return kind


def _walk(part: Part) -> Iterator[Part]:
    yield part
    for child in part.parts:
        yield from _walk(child)


Blobs: TypeAlias = Mapping[str, bytes]


def octets_of(draft: Draft, blobs: Blobs) -> Iterator[bytes]:
    """The octets of the message. `blobs`: the octets of all its blobs. Raises SetError."""
    return compose(draft.fields, _entity(draft.root, blobs), utf8=draft.utf8)


def _entity(part: Part, blobs: Blobs) -> Entity:
    if part.parts:
        subtype = part.media_type.partition("/")[2]
        root = (("type", part.parts[0].media_type),) if subtype == "related" else ()  # RFC 2387 §3.1
        return MultiPart(tuple(_entity(child, blobs) for child in part.parts), subtype, root)
    if part.text is not None:
        headers = part.headers
        if part.disposition:
            placed = [("filename", part.name)] if part.name else []
            headers += (parameter_field("Content-Disposition", part.disposition, placed),)
        if part.cid:
            headers += (text_field("Content-ID", f"<{part.cid}>"),)
        parameters = (("name", part.name),) if part.name else ()
        return TextPart(part.text, media_type=part.media_type, headers=headers, parameters=parameters)
    octets = blobs[part.blob]
    if part.media_type == "message/rfc822" or is_email(part.blob):
        octets = _for_others(octets)
    encoding = "base64"
    if part.media_type == "message/rfc822" and b"\0" not in octets:
        encoding = "7bit" if octets.isascii() else "8bit"
    charset = (("charset", part.charset),) if part.charset else ()
    return DataPart(octets, part.media_type, part.name, part.disposition, part.cid, charset, part.headers, encoding)


def _for_others(octets: bytes) -> bytes:
    try:
        header, start = for_others(octets)
    except HeaderTooLarge:
        raise SetError("tooLarge", "the header of an attached message is too long") from None
    return octets if len(header) == start else header + octets[start:]
