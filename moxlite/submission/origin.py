"""Who a submitted message is from: the fields that name its author and its sender (SMTP-111, SMTP-189).

Programs read a malformed From field differently, and the domain's signature vouches for what each of them shows. So
only a field that all of them read alike stays. Any other is written anew, and signed in that form.
"""

from __future__ import annotations

from typing import Final

import msgspec

from moxlite.acceptance.cases import from_address
from moxlite.config.snapshot import full_name
from moxlite.proto.address import Address
from moxlite.proto.mime.authors import plain_mailbox, sole_author
from moxlite.proto.mime.compose import address_field
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.types import MailAddress
from moxlite.submission.authors import SendingRoute
from moxlite.submission.outgoing import OutgoingMessage, SubmissionRefused
from moxlite.wording import worded

MAX_FROM: Final = 64 << 10
"""Octets of a From field that is written anew."""

SENDERS: Final = (b"sender", b"resent-from", b"resent-sender")
"""Fields that name who has sent a message, or has sent it again (RFC 5322 §3.6.2, §3.6.6)."""


SEVERAL: Final = "message must have a From field with exactly one address"
"""Why a message is refused."""


class Origin(msgspec.Struct, frozen=True):
    """The author of a message, and the way of mail from that.

    `fields`: what is added to the header. `dropped`: names of the fields that these replace, or that aren't the user's.
    """

    author: Address
    way: SendingRoute
    fields: bytes = b""
    dropped: tuple[bytes, ...] = ()


async def origin_of(letter: OutgoingMessage, section: HeaderSection) -> Origin:
    """Find the author, and refuse one that the user may not send as; senders that aren't the user are left out (RFC
    6409 §8.1). Raises SubmissionRefused, StoreError.
    """
    author, fields = _author(letter, section)
    settings = letter.snapshot.domain(author.domain)
    if settings is not None and settings.disabled:
        raise SubmissionRefused(451, "4.3.0", "the From address's domain is temporarily disabled", "badfrom")
    way = await letter.way_of(author)
    if way is None:
        raise SubmissionRefused(550, "5.7.1", worded("you can't send from {address}", address=author), "badfrom")
    dropped = [name for name in SENDERS if not await _is_users(letter, section, name)]
    if way.on_behalf and (b"sender" in dropped or not section.count(b"sender")):
        fields += _sender_field(letter)
    if fields.startswith(b"From:") and section.count(b"from"):
        dropped.append(b"from")
    return Origin(author, way, fields, tuple(dropped))


def _author(letter: OutgoingMessage, section: HeaderSection) -> tuple[Address, bytes]:
    """The author, and the From field if it has to be written anew. Raises SubmissionRefused."""
    fields = section.all(b"from")
    if len(fields) == 1 and (plain := plain_mailbox(fields[0].raw)) is not None and len(fields[0].raw) <= MAX_FROM:
        return _parsed(plain), b""
    # Some programs write an empty field, or the same one twice.
    texts = {text for field in fields if (text := field.text)} or {b""}
    if len(texts) > 1 or any(len(field.raw) > MAX_FROM for field in fields):
        raise SubmissionRefused(550, "5.7.1", SEVERAL, "badfrom")
    mailbox = sole_author(texts.pop(), section.hint)
    if mailbox is None or letter.snapshot.static.pedantic:
        raise SubmissionRefused(550, "5.7.1", SEVERAL, "badfrom")
    if mailbox.localpart or mailbox.domain:
        author = _parsed(mailbox)
    else:
        author = letter.mail_from or Address.parse(letter.identity.address)
    return author, _field("From", mailbox.name, author)


def _parsed(mailbox: MailAddress) -> Address:
    author = from_address((mailbox,))
    if author is None:
        raise SubmissionRefused(550, "5.7.1", SEVERAL, "badfrom")
    return author


async def _is_users(letter: OutgoingMessage, section: HeaderSection, name: bytes) -> bool:
    """Whether all fields of a name are absent, or have one address of the user's own."""
    for field in section.all(name):
        plain = plain_mailbox(field.raw)
        address = from_address((plain,)) if plain is not None else None
        way = await letter.way_of(address) if address is not None else None
        if way is None or way.owner:
            return False
    return True


def _sender_field(letter: OutgoingMessage) -> bytes:
    """The Sender field of a message that is sent on behalf of its author."""
    login = Address.parse(letter.identity.address)
    return _field("Sender", full_name(letter.snapshot, letter.identity.account, str(login)), login)


def _field(label: str, name: str, address: Address) -> bytes:
    mailbox = MailAddress(name, address.localpart, address.domain.ascii)
    return address_field(label, [mailbox], utf8=address.needs_smtputf8)
