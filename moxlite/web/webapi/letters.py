"""The message of a call of Send: checks of its fields, and the draft that `moxlite.compose` writes (WEB-96..100)."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
import multipart

from moxlite.compose.draft import BadDraft, Draft, File, charset_of, check
from moxlite.proto.address import Address, AddressError, unmarked
from moxlite.proto.mime.compose import new_message_id
from moxlite.proto.mime.headers import MAX_HEADER
from moxlite.proto.mime.messageid import canonical_message_id
from moxlite.proto.mime.types import MailAddress
from moxlite.store.content.spoolheader import HeaderTooLarge
from moxlite.store.delivery.submission import MAX_EXTRA, MAX_EXTRA_KEY, MAX_EXTRA_KEYS
from moxlite.submission.authors import FindWay
from moxlite.web.composing.uploads import for_others
from moxlite.web.handlers.contenttypes import content_type
from moxlite.web.webapi.errors import WebAPIError
from moxlite.web.webapi.messages import text_field
from moxlite.web.webapi.types import MAX_RECIPIENTS, AddressText, BadBase64, FileData, SendRequest

if TYPE_CHECKING:
    from moxlite.compose.draft import Place
    from moxlite.config.snapshot import Snapshot
    from moxlite.logins.identity import Identity
    from moxlite.web.webapi.bodies import FormFile

USER_AGENT: Final = "moxlite"
"""Without a version: it would tell each recipient which known faults the server has."""

MAX_AHEAD: Final = dt.timedelta(days=60)
"""Time by which FutureRelease may delay the first attempt (WEB-99)."""

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
FIRST_YEAR: Final = 1900  # RFC 5322 §3.3

OWN_FIELDS: Final = frozenset(
    {
        *("from", "to", "cc", "bcc", "subject", "date", "message-id", "references", "in-reply-to"),
        *("mime-version", "received", "return-path", "dkim-signature", "authentication-results"),
    }
)
"""Fields that the server makes (WEB-98), beside Content-*."""

EXTRA_FIELDS: Final = ("x-moxlite-extra-", "x-mox-extra-")
FIELD_NAME: Final = re.compile(r"[!-9;-~]{1,76}")  # RFC 5322 §3.6.8
MEDIA_TYPE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")
PARAMETER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+*-]{0,77}")
SNIFFED: Final = 512
"""Octets by which the type of a file is found, as in `handlers.contenttypes`."""

MESSAGE: Final = "message/rfc822"
OCTETS: Final = "application/octet-stream"

_FIELDS: Final = {
    "from": "From",
    "to": "To",
    "cc": "CC",
    "bcc": "BCC",
    "reply_to": "ReplyTo",
    "subject": "Subject",
    "text": "Text",
    "html": "HTML",
    "references": "References",
    "headers": "Headers",
    "attachments": "Files",
}


class Parties(msgspec.Struct, frozen=True):
    """The recipients: those in To, CC, and BCC, in this order, with the texts of their addresses."""

    to: tuple[MailAddress, ...]
    cc: tuple[MailAddress, ...]
    bcc: tuple[MailAddress, ...]
    texts: tuple[str, ...]
    addresses: tuple[Address, ...]

    @property
    def unique(self) -> tuple[Address, ...]:
        """Each address once: the rows of the queue."""
        return tuple(dict.fromkeys(self.addresses))

    def rows(self) -> Iterator[tuple[str, int]]:
        """The text of each address, and the index of its row."""
        rows = {address: row for row, address in enumerate(self.unique)}
        return ((text, rows[address]) for text, address in zip(self.texts, self.addresses, strict=True))


async def author_of(
    snapshot: Snapshot,
    identity: Identity,
    given: Sequence[AddressText],
    way_of: FindWay,
) -> MailAddress:
    """The author: as given, else the address of the log-in. Raises WebAPIError if the account may not send as it."""
    if len(given) > 1:
        raise WebAPIError("multipleFrom", "From: enter a single address")
    if given:
        author, address = _party("From", given[0])
    else:
        address = identity.login or Address.parse(identity.address)
        settings = snapshot.account(identity.account)
        name = "" if settings is None else settings.full_name
        author = MailAddress(name, address.localpart, address.domain.ascii)
    domain = snapshot.domain(address.domain)
    if domain is not None and domain.disabled:
        raise WebAPIError("domainDisabled", f"From: the domain {address.domain} is temporarily disabled")
    if await way_of(address) is None:
        raise WebAPIError("badFrom", f"From: {address} isn't one of your addresses")
    return author


def parties_of(request: SendRequest) -> Parties:
    """The recipients. Raises WebAPIError."""
    fields = {name: [_party(name, one) for one in getattr(request, name.lower())] for name in ("To", "CC", "BCC")}
    addresses = [address for parties in fields.values() for _, address in parties]
    if not addresses:
        raise WebAPIError("noRecipients", "add a recipient in To, CC, or BCC")
    if len(addresses) > MAX_RECIPIENTS:
        raise WebAPIError("user", f"To, CC, and BCC: you can add up to {MAX_RECIPIENTS} recipients")
    to, cc, bcc = (tuple(party for party, _ in parties) for parties in fields.values())
    texts = tuple(address_text.address.strip() for address_text in (*request.to, *request.cc, *request.bcc))
    return Parties(to, cc, bcc, texts, tuple(addresses))


def _party(field: str, address_text: AddressText) -> tuple[MailAddress, Address]:
    text_field(field, address_text.name)
    try:
        address = Address.parse(unmarked(address_text.address))
    except AddressError as error:
        raise WebAPIError("badAddress", f"{field}: {address_text.address[:300]!r}: {error}") from None
    return MailAddress(address_text.name.strip(), address.localpart, address.domain.ascii), address


def extra_of(request: SendRequest) -> dict[str, str]:
    """The pairs for the queue, keys as given (WEB-100). Raises WebAPIError."""
    found: dict[str, str] = {}
    for key, value in request.extra.items():
        text_field("Extra", key)
        text_field("Extra", value)
        if not key or len(key.encode()) > MAX_EXTRA_KEY:
            raise WebAPIError("user", f"Extra: keys must be between 1 and {MAX_EXTRA_KEY} bytes")
        found[key] = value
    octets = sum(len(key.encode()) + len(value.encode()) for key, value in found.items())
    if len(found) > MAX_EXTRA_KEYS or octets > MAX_EXTRA:
        raise WebAPIError("user", f"Extra: you can have up to {MAX_EXTRA_KEYS} keys and {MAX_EXTRA} bytes")
    return found


def release_of(request: SendRequest) -> tuple[int | None, str]:
    """The time of the first attempt (µs UTC) and its form for DSNs (RFC 4865 §6); None and "" for at once. Raises
    WebAPIError.
    """
    until = request.future_release
    if until is None:
        return None, ""
    now = dt.datetime.now(dt.UTC)
    if not now <= until <= now + MAX_AHEAD:
        raise WebAPIError("user", f"FutureRelease: must be within the next {MAX_AHEAD.days} days")
    return int((until - EPOCH) / dt.timedelta(microseconds=1)), f"until;{until.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


def draft_of(request: SendRequest, author: MailAddress, parties: Parties, files: Sequence[File], domain: str) -> Draft:
    """The draft. Raises WebAPIError.

    Args:
      domain: for a Message-ID.
    """
    if not request.text and not request.html:
        raise WebAPIError("missingBody", "Text and HTML can't both be empty")
    headers = _headers(request.headers)
    references = tuple(_message_id("References", reference) for reference in request.references)
    own_agent = any(name.lower() in ("user-agent", "x-mailer") for name, _ in headers)
    draft = Draft(
        author=author,
        to=parties.to,
        cc=parties.cc,
        bcc=parties.bcc,
        reply_to=tuple(_party("ReplyTo", address_text)[0] for address_text in request.reply_to),
        subject=request.subject,
        text=request.text,
        html=request.html,
        flowed=False,
        message_id=_message_id("MessageID", request.message_id) if request.message_id else new_message_id(domain),
        date=_date(request.date),
        in_reply_to=references[-1] if references else "",
        references=references,
        user_agent="" if own_agent else USER_AGENT,
        headers=headers,
        tls_required_no=request.require_tls is False,
    )
    try:
        check(draft, files)
    except BadDraft as error:
        raise WebAPIError("user", f"{_FIELDS.get(error.field, error.field)}: {error}") from None
    return draft


def _message_id(field: str, text: str) -> str:
    text_field(field, text)
    inside = text.strip()
    if canonical_message_id(inside) is None or not inside.endswith(">") or inside.count("<") != 1 or " " in inside:
        raise WebAPIError("malformedMessageID", f"{field}: {text[:300]!r} must be a Message-ID in angle brackets")
    return inside


def _date(date: dt.datetime | None) -> int:
    if date is None:
        return time.time_ns() // 1000
    try:
        year = date.astimezone(dt.UTC).year
    except OverflowError:  # a time of the year 9999 whose zone leads into the next one
        year = 0
    if year < FIRST_YEAR:
        raise WebAPIError("user", f"Date: the year must be between {FIRST_YEAR} and 9999")
    return int((date - EPOCH) / dt.timedelta(microseconds=1))


def _headers(given: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for name, value in given:
        lower = name.lower()
        if FIELD_NAME.fullmatch(name) is None:
            raise WebAPIError("user", f"Headers: {name[:80]!r} isn't a valid field name")
        if lower in OWN_FIELDS or lower.startswith("content-"):
            raise WebAPIError("user", f"Headers: {name} can only be set by the server")
        if lower.startswith(EXTRA_FIELDS):
            raise WebAPIError("user", f"Headers: use Extra to set {name}")
        text_field(f"Headers: {name}", value)
        found.append((name, value))
    return tuple(found)


def files_of(request: SendRequest, given: Iterable[FormFile]) -> list[File]:
    """The files of the JSON and of the form. It reads base64, so it is work for a thread. Raises WebAPIError."""
    found: list[File] = []
    groups: tuple[tuple[str, Place, list[FileData]], ...] = (
        ("AlternativeFiles", "alternative", request.alternative_files),
        ("InlineFiles", "inline", request.inline_files),
        ("AttachedFiles", "attached", request.attached_files),
    )
    for field, place, files in groups:
        for index, file in enumerate(files):
            where = f"{field}[{index}]"
            try:
                found.append(_json_file(where, place, file))
            except BadBase64 as error:
                raise WebAPIError("user", f"{where}.Data: {error}") from None
    for form_file in given:
        where = f"{form_file.place}file"
        facts = form_file.spool.facts
        clean = not (facts.nul or facts.bare_cr or facts.bare_lf)
        head = form_file.spool.read(0, SNIFFED)
        blocks: Callable[[], Iterator[bytes]] = form_file.spool.chunks
        size = form_file.spool.size
        if _is_message(form_file.content_type):
            blocks, size = _for_others(where, blocks, size)
        kind, parameters = _media_type(where, form_file.content_type, form_file.name, head, clean=clean)
        parameters = _with_charset(kind, parameters, blocks)
        found.append(
            File(
                name=_name(where, form_file.name),
                media_type=kind,
                size=size,
                blocks=blocks,
                eight_bit=facts.eight_bit,
                parameters=parameters,
                content_id=_content_id(where, form_file.content_id),
                place=form_file.place,
            )
        )
    return found


def _json_file(where: str, place: Place, file: FileData) -> File:
    head, size, eight_bit, clean = b"", 0, False, True
    last = b""
    is_message = _is_message(file.content_type)
    for block in file.data.blocks():
        if len(head) < SNIFFED:
            head += block[: SNIFFED - len(head)]
        size += len(block)
        if is_message:
            eight_bit = eight_bit or not block.isascii()
            clean = clean and _is_clean(last + block)
            last = b"\r" if block.endswith(b"\r") else b""
    clean = clean and last != b"\r"
    kind, parameters = _media_type(where, file.content_type, file.name, head, clean=clean)
    blocks: Callable[[], Iterator[bytes]] = file.data.blocks
    parameters = _with_charset(kind, parameters, blocks)
    if is_message:
        blocks, size = _for_others(where, blocks, size)
    return File(
        name=_name(where, file.name),
        media_type=kind,
        size=size,
        blocks=blocks,
        eight_bit=eight_bit,
        parameters=parameters,
        content_id=_content_id(where, file.content_id),
        place=place,
    )


def _with_charset(
    kind: str, parameters: tuple[tuple[str, str], ...], blocks: Callable[[], Iterator[bytes]]
) -> tuple[tuple[str, str], ...]:
    """The parameters of a file, with the charset of a text for which none is given."""
    named = any(key.lower() == "charset" for key, _ in parameters)
    return parameters if named else (*parameters, *charset_of(kind, blocks()))


def _is_message(media_type: str) -> bool:
    return media_type.lower().startswith(MESSAGE)


def _for_others(
    where: str, blocks: Callable[[], Iterator[bytes]], size: int
) -> tuple[Callable[[], Iterator[bytes]], int]:
    """Blocks and size of an attached message as its readers may have it. Raises WebAPIError."""
    head = b""
    for block in blocks():
        head += block
        if len(head) > MAX_HEADER:
            break
    try:
        header, start = for_others(head)
    except HeaderTooLarge:
        raise WebAPIError("user", f"{where}: the message header is too long") from None

    def cleaned() -> Iterator[bytes]:
        yield header
        left = start
        for block in blocks():
            yield block[left:]
            left = max(left - len(block), 0)

    return cleaned, size - start + len(header)


def _is_clean(octets: bytes) -> bool:
    """Whether all line ends are CRLF, but for a CR at the end, and there is no NUL."""
    return octets.count(b"\r\n") == octets.count(b"\n") == octets.count(b"\r") - octets.endswith(b"\r") and (
        b"\0" not in octets
    )


def _name(where: str, name: str) -> str:
    text_field(f"{where}.Name", name)
    return name


def _content_id(where: str, text: str) -> str:
    """A Content-ID without its brackets. Raises WebAPIError."""
    text_field(f"{where}.ContentID", text)
    inside = text.strip().removeprefix("<").removesuffix(">")
    if any(char in "<> " for char in inside) or not inside.isascii():
        raise WebAPIError("user", f"{where}.ContentID: {text[:300]!r} isn't a valid Content-ID")
    return inside


def _media_type(
    where: str, given: str, name: str, head: bytes, *, clean: bool
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Media type and parameters of a file; found from its name and first octets if not given. `clean`: lines end in
    CRLF, and there is no NUL. Raises WebAPIError.
    """
    text_field(f"{where}.ContentType", given)
    kind, options = multipart.parse_options_header(given.strip() or content_type(name, head))
    kind = kind.strip().lower()
    if MEDIA_TYPE.fullmatch(kind) is None:
        raise WebAPIError("user", f"{where}.ContentType: {given[:300]!r} isn't a valid media type")
    if kind.startswith("multipart/") or (kind.startswith("message/") and kind != MESSAGE):
        raise WebAPIError("user", f"{where}.ContentType: files of type {kind} can't be attached")
    if kind == MESSAGE:  # one that can't go out unencoded is attached as a file (RFC 2046 §5.2.1)
        return kind if clean else OCTETS, ()
    parameters = tuple(
        (key, value) for key, value in options.items() if PARAMETER.fullmatch(key) and key not in ("name", "boundary")
    )
    return kind, parameters
