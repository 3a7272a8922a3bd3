"""Emails: /get, /changes, and /parse of blobs (RFC 8621 §4.1, §4.2, §4.3, §4.9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.processor import off_loop
from moxlite.proto.mime.headers import HeaderSection, is_message
from moxlite.proto.mime.structure import scan_message
from moxlite.proto.mime.text import preview
from moxlite.store.content.body import Content, locate, read_content
from moxlite.store.errors import ChunkDamaged
from moxlite.store.mail.fetching import section_of, structure_of
from moxlite.store.rows.emails import Email, emails
from moxlite.store.rows.history import Change, email_changes, mail_state
from moxlite.store.rows.messages import headers, in_step, infos, packed_structure, sizes
from moxlite.store.types import Flag
from moxlite.web.jmap.blobs import blob_octets, email_blob, find_blob, holding, part_blob
from moxlite.web.jmap.bodies import (
    MAX_VALUE,
    PART,
    BodyParts,
    BodyProperties,
    Budget,
    Message,
    all_headers,
    body_values,
    header_value,
    numbered,
    part_object,
    sorted_parts,
)
from moxlite.web.jmap.headerforms import CONVENIENT, HeaderProperty, header_property, utc_date
from moxlite.web.jmap.methods import read_id
from moxlite.web.jmap.protocol import MethodError, Object, invalid
from moxlite.web.jmap.standard import ObjectType, changes_of, changes_response, get_response

if TYPE_CHECKING:
    from moxlite.proto.mime.types import Part, Structure
    from moxlite.store.file.transaction import Reader
    from moxlite.web.jmap.accounts import Place
    from moxlite.web.jmap.methods import Call


LETTER: Final = "M"
METADATA: Final = ("id", "blobId", "threadId", "mailboxIds", "keywords", "size", "receivedAt")
BODY: Final = ("bodyStructure", "bodyValues", "textBody", "htmlBody", "attachments", "hasAttachment", "preview")
PROPERTIES: Final = (*METADATA, *CONVENIENT, "headers", *BODY)
TYPE: Final = ObjectType(
    "Email",
    "RFC 8621 §4",
    settable=("mailboxIds", "keywords"),
    fixed=tuple(name for name in PROPERTIES if name not in ("mailboxIds", "keywords")),
    once=("receivedAt", *CONVENIENT, "headers", "bodyStructure", "bodyValues", "textBody", "htmlBody", "attachments"),
)
DEFAULT: Final = (
    *METADATA,
    *("messageId", "inReplyTo", "references", "sender", "from", "to", "cc", "bcc", "replyTo", "subject", "sentAt"),
    *("hasAttachment", "preview", "bodyValues", "textBody", "htmlBody", "attachments"),
)
"""Properties that a client gets without asking (RFC 8621 §4.2)."""

PARSED_DEFAULT: Final = tuple(one for one in DEFAULT if one not in METADATA)

TEXTS: Final = 256 << 10
"""Octets of texts, headers and structures that are read at once; a single email may have more."""

MADE: Final = 12
"""Times its octets that a text takes while it is decoded: with one emoji, four octets a letter, three times. So do a
structure and a list of addresses.
"""

AT_ONCE: Final = 50
"""Emails whose contents are read in one scan."""

MAX_PARSED: Final = 20
"""Blobs of one /parse: each is read whole."""

MAX_PARSED_SIZE: Final = 25 << 20
"""Octets of a blob that is parsed: half of the largest upload, since all of it is in memory meanwhile."""

FLAG_KEYWORDS: Final[Mapping[Flag, str]] = {
    Flag.SEEN: "$seen",
    Flag.ANSWERED: "$answered",
    Flag.FLAGGED: "$flagged",
    Flag.DRAFT: "$draft",
    Flag.FORWARDED: "$forwarded",
    Flag.JUNK: "$junk",
    Flag.NOTJUNK: "$notjunk",
    Flag.PHISHING: "$phishing",
    Flag.MDNSENT: "$mdnsent",
}


def state(r: Reader, place: Place) -> str:
    """The state of the type."""
    return place.state(r, place.modseq(r, mail_state))


def keywords_of(email: Email) -> dict[str, bool]:
    """The property keywords."""
    names = [name for flag, name in FLAG_KEYWORDS.items() if email.flags & flag]
    return dict.fromkeys([*names, *sorted(email.keywords)], True)


class EmailProperties(msgspec.Struct, frozen=True):
    """Email properties that a call requests."""

    names: tuple[str, ...]
    headers: dict[str, HeaderProperty]
    body: BodyProperties

    @classmethod
    def of(cls, call: Call, default: Sequence[str]) -> EmailProperties:
        """Read the properties that a call requests. Raises MethodError."""
        asked = call.names("properties")
        names = [*dict.fromkeys(["id", *asked])] if asked is not None else [*default]
        fields = {name: found for name in names if (found := header_property(name)) is not None}
        for name in names:
            if name not in fields and name not in PROPERTIES:
                raise invalid(f"unknown property: {name[:200]!r}")
        most = call.unsigned("maxBodyValueBytes", 0)
        body = BodyProperties.of(
            call.names("bodyProperties"),
            text=call.argument("fetchTextBodyValues", bool, False),
            html=call.argument("fetchHTMLBodyValues", bool, False),
            all_=call.argument("fetchAllBodyValues", bool, False),
            most=most or 0,
        )
        return cls(tuple(names), fields, body)

    @property
    def structured(self) -> bool:
        """Whether the structure of a message is needed."""
        return any(name in BODY for name in self.names)

    @property
    def reads_header(self) -> bool:
        """Whether the header of a message is needed."""
        return bool(self.headers) or "headers" in self.names

    @property
    def reads_body(self) -> bool:
        """Whether octets of the body are needed."""
        deep = self.body.text or self.body.html or self.body.all
        parts = bool(self.body.headers) or "headers" in self.body.properties
        return ("bodyValues" in self.names and deep) or (parts and self.structured)


async def get(call: Call) -> Object:
    """Email/get."""
    ids, wish = call.ids(), EmailProperties.of(call, DEFAULT)
    if ids is None:
        raise MethodError("requestTooLarge", "you can't get all emails at once; use Email/query and specify ids")
    # Before the emails: what changes between the two is told once more by /changes. A state from after them would hide
    # it for good.
    now = await call.account.read(partial(state, place=call.place), op="jmap state")
    objects: list[Object] = []
    slow = wish.structured or wish.reads_header
    run = call.account.scan if slow else call.account.read
    at = 0
    while at < len(ids):
        part, octets = ids[at : at + (AT_ONCE if wish.reads_body else 500)], 0
        if slow:
            octets, number = await call.account.scan(partial(_octets, ids=part, wish=wish, call=call), op="jmap emails")
            part = part[:number]
        weight = call.budget.weight
        await call.budget.reserve(MADE * octets)
        objects += await run(partial(_objects, ids=part, wish=wish, call=call), op="jmap emails")
        call.budget.keep(call.budget.weight - weight)
        at += len(part)
    return get_response(call, now, objects, ids)


def _octets(r: Reader, ids: Sequence[str], wish: EmailProperties, call: Call) -> tuple[int, int]:
    """The octets that are read of the first of these emails, and of how many: at least one, and as many more as have
    `TEXTS` together.
    """
    stored = emails(r, [read_id(email_id, LETTER) for email_id in ids], call.place.readable(r))
    message_ids = [email.message_id for email in stored.values()]
    stored_sizes = {message_id: (header, structure) for message_id, header, structure in sizes(r, message_ids)}
    octets = 0
    for number, key in enumerate(ids):
        email = stored.get(read_id(key, LETTER))
        if email is None:
            continue
        header, structure = stored_sizes.get(email.message_id, (0, 0))
        more = header * wish.reads_header + structure * wish.structured
        if wish.reads_body:
            packed = packed_structure(r, email.message_id)
            more += sum(_text_size(part) for _, part in numbered(structure_of(packed or b"").root))
        if number and octets + more > TEXTS:
            return octets, number
        octets += more
    return octets, len(ids)


def _text_size(part: Part) -> int:
    return PART + (min(part.decoded, MAX_VALUE) if part.type == "TEXT" and not part.parts else 0)


def _objects(r: Reader, ids: Sequence[str], wish: EmailProperties, call: Call) -> list[Object]:
    numbers = [read_id(one, LETTER) for one in ids]
    stored = emails(r, numbers, call.place.readable(r))
    present = [stored[number] for number in numbers if number in stored]
    message_ids = [email.message_id for email in present]
    sections = headers(r, message_ids) if wish.reads_header else iter(())
    details = infos(r, message_ids) if wish.structured else iter(())
    found: list[Object] = []
    for email, octets, info in zip(present, in_step(message_ids, sections), in_step(message_ids, details), strict=True):
        one = metadata(email, wish.names)
        if wish.reads_header:
            section = octets or b""
            packed = b"" if section.isascii() else packed_structure(r, email.message_id) or b""
            _add_headers(one, section_of(section, packed), wish, call.budget)
        if wish.structured:
            try:
                content = locate(r, email.message_id) if wish.reads_body else None
                structure = structure_of(b"" if info is None else info.structure)
                read = partial(_range, r, content)
                message = Message(structure.root, read, partial(part_blob, email.id), call.budget)
                _add_body(one, message, (info and info.preview) or "", wish)
            except ChunkDamaged as error:
                raise MethodError("serverFail", f"email {LETTER}{email.id} is damaged: {error}") from None
        found.append(one)
    return found


def _range(r: Reader, content: Content | None, start: int, stop: int) -> bytes:
    return b"" if content is None else read_content(r, content, start, stop - start)


METADATA_VALUES: Final[Mapping[str, Callable[[Email], object]]] = {
    "id": lambda email: f"{LETTER}{email.id}",
    "blobId": lambda email: email_blob(email.id),
    "threadId": lambda email: f"T{email.threadid}",
    "mailboxIds": lambda email: {f"F{mailbox}": True for mailbox in email.mailboxes},
    "keywords": keywords_of,
    "size": lambda email: email.size,
    "receivedAt": lambda email: utc_date(email.received),
}


def metadata(email: Email, names: Sequence[str]) -> Object:
    """The properties that the rows of an email have."""
    return {name: METADATA_VALUES[name](email) for name in names if name in METADATA_VALUES}


def _add_headers(found: Object, section: HeaderSection, wish: EmailProperties, budget: Budget) -> None:
    for name, header in wish.headers.items():
        found[name] = header_value(section, header, budget)
    if "headers" in wish.names:
        found["headers"] = all_headers(section, budget)


def _add_body(found: Object, message: Message, shown: str, wish: EmailProperties) -> None:
    parts = sorted_parts(message.root)
    for name in wish.names:
        match name:
            case "bodyStructure":
                root = "" if message.root.parts else "1"
                found[name] = part_object(message, root, message.root, wish.body, tree=True)
            case "textBody" | "htmlBody" | "attachments":
                pieces = {"textBody": parts.text, "htmlBody": parts.html, "attachments": parts.attachments}[name]
                found[name] = [part_object(message, piece.number, piece.part, wish.body) for piece in pieces]
            case "bodyValues":
                found[name] = body_values(message, parts, wish.body)
            case "hasAttachment":
                found[name] = has_attachment(parts)
            case "preview":
                found[name] = shown


def has_attachment(parts: BodyParts) -> bool:
    """Whether there is something to save: pictures that a text shows are not."""
    return any(
        attachment.part.disposition.lower() == "attachment" or not attachment.part.is_picture
        for attachment in parts.attachments
    )


async def changes(call: Call) -> Object:
    """Email/changes."""

    def read(r: Reader, since: int) -> list[Change]:
        return email_changes(r, since, call.place.readable(r))[0]

    return changes_response(call, await changes_of(call, read, partial(call.place.modseq, whole=mail_state), LETTER))


async def parse(call: Call) -> Object:
    """Email/parse."""
    blobs, wish = call.names("blobIds"), EmailProperties.of(call, PARSED_DEFAULT)
    if blobs is None:
        raise invalid("blobIds is missing")
    if len(blobs) > MAX_PARSED:
        raise MethodError("requestTooLarge", f"you can parse up to {MAX_PARSED} blobs in one call")
    parsed: Object = {}
    not_found: list[str] = []
    not_parsable: list[str] = []
    for blob in [*dict.fromkeys(map(call.id_of, blobs))]:
        async with holding(call, [blob], MAX_PARSED_SIZE):
            octets, known = await blob_octets(call, blob, MAX_PARSED_SIZE), await find_blob(call.place, blob)
            if octets is None or known is None:
                not_found.append(blob)
                continue
            parts = partial(_parsed, octets, known.media_type, blob, wish, call)
            found = await off_loop(parts, kind="jmap")
        if found is None:
            not_parsable.append(blob)
        else:
            parsed[blob] = found
    return {
        "accountId": call.place.id,
        "parsed": parsed or None,
        "notParsable": not_parsable or None,
        "notFound": not_found or None,
    }


def _parsed(octets: bytes, media_type: str, blob: str, wish: EmailProperties, call: Call) -> Object | None:
    if not is_message(octets, media_type):
        return None
    structure, section, _ = scan_message(octets)
    found: Object = {name: None for name in wish.names if name in METADATA}
    if "size" in found:
        found["size"] = len(octets)
    if "blobId" in found:
        found["blobId"] = blob
    _add_headers(found, section, wish, call.budget)
    message = Message(
        structure.root,
        lambda start, stop: octets[start:stop],
        lambda number: inner_blob(blob, number),
        call.budget,
    )
    _add_body(found, message, _preview(structure, octets) if "preview" in wish.names else "", wish)
    return found


def _preview(structure: Structure, octets: bytes) -> str:
    return preview(structure, lambda start, stop: octets[start:stop])


def inner_blob(blob: str, number: str) -> str:
    """The id of a part of a message that is a blob."""
    return f"{blob}-{number.replace('.', '_')}"
