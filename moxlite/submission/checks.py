"""Checks of the message itself: well-formed, written by the user, extensions needed, fields to remove (SMTP-111, 112,
117).
"""

from typing import Final

import msgspec
import trio

from moxlite.acceptance.evidence import from_address
from moxlite.proto.address import Address
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.types import MIMEError
from moxlite.store.content.prepare import Prepared, prepare
from moxlite.store.content.spool import WRITE_SIZE, Spool
from moxlite.store.delivery.submission import MAX_EXTRA, MAX_EXTRA_KEY, MAX_EXTRA_KEYS
from moxlite.submission.errors import SubmissionRefused
from moxlite.submission.letter import Letter

EXTRA: Final = (b"x-moxlite-extra-", b"x-mox-extra-")

MAX_SHOWN: Final = 60
"""Octets of a malformed line that a refusal shows."""

ONCE: Final = (
    b"date",
    b"sender",
    b"reply-to",
    b"to",
    b"cc",
    b"bcc",
    b"message-id",
    b"in-reply-to",
    b"references",
    b"subject",
)
"""Fields that a message has at most once (RFC 5322 §3.6), besides From: mail readers differ in which of two they show.
"""


class Edited(msgspec.Struct, frozen=True):
    """A header section without the fields that must not go out, and the values of the removed fields for the queue."""

    header: bytes
    extra: dict[str, str]


def check_fields(section: HeaderSection, *, pedantic: bool) -> None:
    """Refuse a header section with repeated or forbidden fields. Raises SubmissionRefused."""
    for name in ONCE:
        if section.count(name) > 1:
            raise _bad(f"message has more than one {name.decode().title()} field")
    if pedantic and section.count(b"return-path"):
        raise SubmissionRefused(550, "5.6.0", "message has a Return-Path, which is not for senders to add", "badheader")


def malformed(section: HeaderSection) -> str:
    """What is malformed in a header section, by the number and text of the line; "" for nothing. Such a message cannot
    be signed (RFC 6376 §3.8).
    """
    junk = section.first(b"")
    if junk is not None:
        line = section.octets.count(b"\n", 0, junk.start) + 1
        text = section.octets[junk.start :].partition(b"\n")[0][:MAX_SHOWN].decode("ascii", "replace").strip()
        return f"line {line} of its header section is not a field: {text!r}"
    return "" if section.complete else "its header section is too long"


def edit(section: HeaderSection) -> Edited | None:
    """Remove Bcc and the fields meant for the queue (SMTP-112, SMTP-117); returns None if there are no such fields.
    Raises SubmissionRefused.
    """
    dropped = section.all(b"bcc", *[name for name in section.names if name.startswith(EXTRA)])
    if not dropped:
        return None
    extra: dict[str, str] = {}
    for field in dropped:
        prefix = next((prefix for prefix in EXTRA if field.name.startswith(prefix)), None)
        if prefix is not None:
            _add_extra(extra, field.label[len(prefix) :].decode("ascii"), field.text)
    return Edited(section.without(dropped), extra)


def _add_extra(extra: dict[str, str], key: str, value: bytes) -> None:
    if key in extra:
        raise _bad(f"duplicate extra field {key[:MAX_EXTRA_KEY]}")
    extra[key] = b" ".join(value.split()).decode("utf-8", "replace")
    octets = sum(len(one.encode()) + len(other.encode()) for one, other in extra.items())
    if not key or len(key) > MAX_EXTRA_KEY or len(extra) > MAX_EXTRA_KEYS or octets > MAX_EXTRA:
        raise _bad("too much extra data for the queue")


async def parse(letter: Letter, spool: Spool) -> Prepared:
    """Parse the message, and refuse it unless it is well-formed: its recipients must be able to read it (SMTP-111).

    Raises SubmissionRefused.
    """
    try:
        prepared = await prepare(spool, max_size=letter.max_size, strict=letter.snapshot.static.pedantic)
    except MIMEError as error:
        raise _bad(f"message is not well-formed: {error}") from None
    for part in prepared.index.root.walk():
        if part.defect:
            raise _bad(f"message is not well-formed: {part.defect}")
    return prepared


def check_author(letter: Letter, prepared: Prepared, section: HeaderSection) -> Address:
    """Return the author, the only address in From; refuse one that the user may not send as (SMTP-111). Raises
    SubmissionRefused.
    """
    author = from_address(prepared.index.envelope.from_)
    if author is None or section.count(b"from") != 1:
        raise SubmissionRefused(550, "5.7.1", "message needs a From field with exactly one address", "badfrom")
    settings = letter.snapshot.domain(author.domain)
    if settings is not None and settings.disabled:
        raise SubmissionRefused(451, "4.3.0", "the domain of the From address is disabled for now", "badfrom")
    if not letter.snapshot.may_send_as(letter.identity.account, author):
        raise SubmissionRefused(550, "5.7.1", "the address in From is not yours", "badfrom")
    return author


async def needs_smtputf8(letter: Letter, spool: Spool, prepared: Prepared, section: HeaderSection) -> bool:
    """Whether a next hop needs SMTPUTF8: a localpart of the envelope or a header is not ASCII (SMTP-29)."""
    addresses = [recipient.address for recipient in letter.recipients]
    if letter.mail_from is not None:
        addresses.append(letter.mail_from)
    if any(address.needs_smtputf8 for address in addresses) or not section.octets.isascii():
        return True
    if not spool.facts.eight_bit:
        return False

    def parts() -> bool:
        return any(
            not spool.read(start, min(WRITE_SIZE, part.body - start)).isascii()
            for part in prepared.index.root.walk()
            for start in range(part.header, part.body, WRITE_SIZE)
        )

    return parts() if spool.in_memory else await trio.to_thread.run_sync(parts)


def requiretls(letter: Letter, section: HeaderSection) -> bool | None:
    """The message's demand for TLS: True for REQUIRETLS, False for ``TLS-Required: No`` (RFC 8689 §5, SMTP-31), else
    None.
    """
    if letter.requiretls:
        return True
    values = section.texts(b"tls-required")
    return False if values and all(value.lower() == b"no" for value in values) else None


def _bad(text: str) -> SubmissionRefused:
    return SubmissionRefused(554, "5.6.0", text, "badmessage")
