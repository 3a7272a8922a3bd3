"""Drafts, and the messages made of them (RFC 5322; WEBMAIL-88, 89, 98, 99).

A draft makes two messages: the author's copy with Bcc, and the submitted one without.
"""

from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from typing import Final, Literal

import msgspec

from moxlite.compose.directions import direction_of, has_direction
from moxlite.proto.address import Address, AddressError, Domain
from moxlite.proto.mime.compose import DataPart, Entity, MultiPart, TextPart, address_field, compose, flow, text_field
from moxlite.proto.mime.dates import format_date
from moxlite.proto.mime.types import MailAddress
from moxlite.wording import worded

MAX_RECIPIENTS: Final = 1000
"""Number of recipients in all fields together; more need a mailing list."""

MAX_FILES: Final = 200
"""Number of attachments of a message."""

MAX_TEXT: Final = 10 << 20
"""Characters of the text."""

MAX_SUBJECT: Final = 5_000
MAX_NAME: Final = 1_000
"""Characters of a display name or a file's name."""

MAX_HEADER: Final = 10_000
"""Characters of a further header field."""

MAX_REFERENCES: Final = 50
"""Message-ids in References: the first, which begins the thread, and the last ones (RFC 5322 §3.6.4)."""


OWN: Final = "moxlite-own"
TYPED: Final = "moxlite-typed"
KEPT: Final = "moxlite-kept"
"""Classes of the elements of a message's HTML: what its author wrote as HTML, or typed as plain text, and the original
below it. A draft is taken apart by them when it is edited again (`sandbox.composing`).
"""


class BadDraft(ValueError):
    """The draft cannot become a message. `field` names the input to correct: ``from``, ``to``, ``subject`` …"""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


Place = Literal["attached", "inline", "alternative"]


class File(msgspec.Struct, frozen=True):
    """A file of a message. Each call of `blocks` returns all its octets; a message (message/rfc822) is attached
    unchanged.

    Attributes:
      parameters: further parameters of its Content-Type.
      content_id: id by which the HTML refers to it, without brackets; "" without one.
      place: an attachment, a file that the HTML shows, or another form of the text, such as an invitation.
    """

    name: str
    media_type: str
    size: int
    blocks: Callable[[], Iterable[bytes]]
    eight_bit: bool = False
    parameters: tuple[tuple[str, str], ...] = ()
    content_id: str = ""
    place: Place = "attached"


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A message as the user typed it.

    Attributes:
      author: of From; the account must be allowed to use it. sender: of Sender, None without it.
      message_id: with its brackets; stays the same while a draft is edited. date: µs UTC.
      in_reply_to: message-id with its brackets, "" without one; references: message-ids of the thread, oldest first.
      html: the text as HTML, "" without it. flowed: send the plain text as format=flowed (RFC 3676), so that readers
        wrap long lines at the width of their window; else its lines stay as they are.
      headers: further fields, names and texts.
      tls_required_no: the sender accepts unprotected delivery (RFC 8689 §5).
      ask_read: ask for a receipt of reading, to the author (RFC 8098 §2.1).
    """

    author: MailAddress
    sender: MailAddress | None = None
    to: tuple[MailAddress, ...] = ()
    cc: tuple[MailAddress, ...] = ()
    bcc: tuple[MailAddress, ...] = ()
    reply_to: tuple[MailAddress, ...] = ()
    subject: str = ""
    text: str = ""
    html: str = ""
    flowed: bool = True
    message_id: str = ""
    date: int = 0
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    user_agent: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    tls_required_no: bool = False
    ask_read: bool = False


def check(draft: Draft, files: Sequence[File] = ()) -> None:
    """Check that the draft can become a message. Recipients may still be missing. Raises BadDraft."""
    _check_text("subject", draft.subject, MAX_SUBJECT)
    # NUL ends the text in programs written in C, and mail must not have it (RFC 5322 §3.5).
    for field, text in (("text", draft.text), ("html", draft.html)):
        if len(text) > MAX_TEXT:
            raise BadDraft(field, worded("the text must be {most} million characters or fewer", most=MAX_TEXT >> 20))
        if "\0" in text:
            raise BadDraft(field, "the text can't contain a NUL character")
    if len(draft.to) + len(draft.cc) + len(draft.bcc) > MAX_RECIPIENTS:
        raise BadDraft("to", worded("you can add up to {most} recipients", most=MAX_RECIPIENTS))
    fields = (
        ("from", _authors(draft)),
        ("to", draft.to),
        ("cc", draft.cc),
        ("bcc", draft.bcc),
        ("reply_to", draft.reply_to),
    )
    for field, addresses in fields:
        for address in addresses:
            _check_text(field, address.name, MAX_NAME)
            _address(field, address)
    for word in (draft.message_id, draft.in_reply_to, *draft.references):
        _check_text("references", word, MAX_NAME)
    for name, value in draft.headers:
        _check_text("headers", name, MAX_NAME)
        _check_text("headers", value, MAX_HEADER)
    _check_files(files)


def charset_of(media_type: str, blocks: Iterable[bytes]) -> tuple[tuple[str, str], ...]:
    """The parameter of a text in UTF-8, which readers would take for ASCII (RFC 2045 §5.2); none for other content."""
    if not media_type.startswith("text/"):
        return ()
    decoder, plain = getincrementaldecoder("utf-8")(), True
    try:
        for block in blocks:
            plain = plain and block.isascii()
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return ()
    return () if plain else (("charset", "utf-8"),)


def _check_files(files: Sequence[File]) -> None:
    """Raises BadDraft."""
    if len(files) > MAX_FILES:
        raise BadDraft("attachments", worded("you can attach up to {most} files", most=MAX_FILES))
    for file in files:
        for word in (file.name, file.media_type, file.content_id, *(text for pair in file.parameters for text in pair)):
            _check_text("attachments", word, MAX_NAME)


def kept_references(found: Sequence[str]) -> tuple[str, ...]:
    """At most MAX_REFERENCES of the message-ids of a thread, oldest first: the first one, which names the thread, and
    the last ones.
    """
    return (*found[:1], *found[1:][-(MAX_REFERENCES - 1) :])


def _check_text(field: str, text: str, limit: int) -> None:
    """Check a header value: one line, no control characters or lone surrogates (WEBMAIL-98). Raises BadDraft."""
    if len(text) > limit:
        raise BadDraft(field, worded("must be {limit} characters or fewer", limit=limit))
    if any(char < " " or "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff" for char in text):
        raise BadDraft(field, "control characters aren't allowed here")


def _address(field: str, address: MailAddress) -> Address:
    try:
        return Address.of(address.localpart, address.domain) if address.localpart else _no_address()
    except AddressError as error:
        raise BadDraft(
            field,
            worded("{localpart}@{domain}: {reason}", localpart=address.localpart, domain=address.domain, reason=error),
        ) from None


def _no_address() -> Address:
    raise AddressError("enter the part before the @")


def recipients(draft: Draft) -> tuple[Address, ...]:
    """Return the recipients in the order of To, Cc, Bcc, without duplicates. Raises BadDraft without a recipient."""
    found: dict[Address, None] = {}
    for field, addresses in (("to", draft.to), ("cc", draft.cc), ("bcc", draft.bcc)):
        for address in addresses:
            found[_address(field, address)] = None
    if not found:
        raise BadDraft("to", "add a recipient")
    return tuple(found)


def message(draft: Draft, files: Sequence[File] = (), *, keep_bcc: bool) -> Iterator[bytes]:
    """Return the octets of the message, in blocks; with `keep_bcc` for the author's copy. Call `check` first."""
    utf8 = _needs_utf8(draft)
    return compose(_fields(draft, keep_bcc=keep_bcc, utf8=utf8), _entity(draft, files), utf8=utf8)


def _entity(draft: Draft, files: Sequence[File]) -> Entity:
    """The body: mixed(related(alternative(texts), inline files), attachments), of these only the levels that have more
    than one part (RFC 2046 §5.1, RFC 2387).

    Without HTML, no text refers to the inline files, and readers would not show them: they become parts beside it.
    """
    texts: list[Entity] = []
    if draft.text or not draft.html:
        flowed = (("format", "flowed"),) if draft.flowed else ()
        texts.append(TextPart(flow(draft.text) + "\r\n" if draft.flowed else draft.text, parameters=flowed))
    if draft.html:
        texts.append(TextPart(draft.html, "html"))
    texts += _parts(files, "alternative")
    body = _joined(texts, "alternative")
    inline = _parts(files, "inline")
    if inline and draft.html:
        root = f"multipart/{body.subtype}" if isinstance(body, MultiPart) else "text/html"
        body, inline = MultiPart((body, *inline), "related", (("type", root),)), []
    return _joined([body, *inline, *_parts(files, "attached")], "mixed")


def typed_html(text: str) -> str:
    """Plain text as the HTML above an original that is kept: all its blanks and lines as they were typed."""
    lines = escape(text.replace("\r\n", "\n"), quote=False).replace("\n", "<br>")
    direction = f' dir="{direction_of(text)}"' if has_direction(text) else ""
    return f'<div class="{TYPED}" style="white-space: pre-wrap"{direction}>{lines}</div>'


def html_page(own: str, kept: str) -> str:
    """The HTML of a message. `own`: what its author wrote, sanitized, or `typed_html`. `kept`: the original below it,
    sanitized, "" without one.
    """
    above = own if own.startswith(f'<div class="{TYPED}"') else f'<div class="{OWN}">{own}</div>'
    below = f'\n<div class="{KEPT}">{kept}</div>' if kept else ""
    return f"<!DOCTYPE html>\n<html><body>\n{above}{below}\n</body></html>\n"


def _joined(parts: list[Entity], subtype: str) -> Entity:
    return parts[0] if len(parts) == 1 else MultiPart(tuple(parts), subtype)


def _parts(files: Sequence[File], place: Place) -> list[Entity]:
    return [_part(file) for file in files if file.place == place]


def _part(file: File) -> DataPart:
    encoding = "base64"
    if file.media_type == "message/rfc822":
        encoding = "8bit" if file.eight_bit else "7bit"
    disposition = {"attached": "attachment", "inline": "inline", "alternative": ""}[file.place]
    return DataPart(
        file.blocks(),
        file.media_type,
        file.name,
        disposition,
        file.content_id,
        file.parameters,
        encoding=encoding,
    )


def _authors(draft: Draft) -> tuple[MailAddress, ...]:
    return (draft.author,) if draft.sender is None else (draft.author, draft.sender)


def _needs_utf8(draft: Draft) -> bool:
    """Whether a local part needs UTF-8 headers (RFC 6532); all other text is encoded (WEBMAIL-99)."""
    fields = (*_authors(draft), *draft.to, *draft.cc, *draft.bcc, *draft.reply_to)
    return not all(field.localpart.isascii() for field in fields)


def _written(address: MailAddress) -> MailAddress:
    """The address with its domain in A-labels, which every server understands."""
    return msgspec.structs.replace(address, domain=Domain.parse(address.domain).ascii)


def _fields(draft: Draft, *, keep_bcc: bool, utf8: bool) -> list[bytes]:
    found = [
        f"Date: {format_date(draft.date)}\r\n".encode(),
        address_field("From", [_written(draft.author)], utf8=utf8),
    ]
    if draft.sender is not None:
        found.append(address_field("Sender", [_written(draft.sender)], utf8=utf8))
    # Each recipient would read the names of those who must stay unknown (RFC 5322 §3.6.3).
    bcc = draft.bcc if keep_bcc else ()
    for name, addresses in (("Reply-To", draft.reply_to), ("To", draft.to), ("Cc", draft.cc), ("Bcc", bcc)):
        if addresses:
            found.append(address_field(name, [_written(address) for address in addresses], utf8=utf8))
    found.append(text_field("Subject", draft.subject, utf8=utf8))
    found.append(text_field("Message-Id", draft.message_id))
    if draft.in_reply_to:
        found.append(text_field("In-Reply-To", draft.in_reply_to))
    if draft.references:
        found.append(text_field("References", " ".join(kept_references(draft.references))))
    if draft.tls_required_no:
        found.append(b"TLS-Required: No\r\n")
    if draft.ask_read:
        receipt = msgspec.structs.replace(_written(draft.author), name="")
        found.append(address_field("Disposition-Notification-To", [receipt], utf8=utf8))
    if draft.user_agent:
        found.append(text_field("User-Agent", draft.user_agent))
    return found + [text_field(name, value, utf8=utf8) for name, value in draft.headers]
