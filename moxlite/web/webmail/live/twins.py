"""Messages that came by two ways: forwarded to the account, and read through a link (WEBMAIL-176a).

Both are stored, each with its own flags. A view shows one of them, as a copy of which the other one goes along. Only
what is certainly the same is a copy: the Message-ID alone is not, for anyone may send another message with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias

from moxlite.proto.mime.headers import HeaderSection
from moxlite.store.content.body import locate, message_chunks
from moxlite.store.errors import ChunkDamaged, NoSuchMessage
from moxlite.store.mail.links import link_names
from moxlite.store.names import SEPARATOR
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.rows.messages import rows_by_ids
from moxlite.store.types import BodyID, MailboxID, MessageID

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader
    from moxlite.store.types import MessageRow

FIELDS: Final = (
    *(b"from", b"sender", b"reply-to", b"to", b"cc", b"date", b"subject", b"message-id", b"in-reply-to"),
    *(b"mime-version", b"content-type", b"content-transfer-encoding", b"content-disposition"),
)
"""Fields that a reader is shown, or that say how the text is read. Those that forwarding adds are not among them."""

MAX_OCTETS: Final = 32 << 20
"""Octets that are compared in one read, 50 ms in a thread; larger messages are shown both."""

MAX_ALIKE: Final = 8
"""Messages with one Message-ID that are compared; there is one from each link that forwards to another."""

Digests: TypeAlias = dict[BodyID, bytes | None]
"""Hashes of what readers see of messages, as they were computed for a view; None for what cannot be compared."""

Places: TypeAlias = Mapping[MailboxID, tuple[str, str]]
"""By mailbox: name of its link, "" for none, and the mailbox's name below the link."""


def places(r: Reader) -> Places:
    """The places of all mailboxes; none if the account has no links, for then there are no copies."""
    links = link_names(r)
    return {box.id: _place(box.name, links) for box in mailboxes(r)} if links else {}


def _place(name: str, links: Collection[str]) -> tuple[str, str]:
    link = next((one for one in links if name.startswith(one + SEPARATOR)), "")
    return link, name.removeprefix(link + SEPARATOR) if link else name


def copies_by_id(r: Reader, ids: Sequence[MessageID], where: Places, digests: Digests) -> Mapping[MessageID, MessageID]:
    """As `copies`, for messages by their ids."""
    known = {row.id: row for row in rows_by_ids(r, ids)}
    return copies(r, [known[message_id] for message_id in ids if message_id in known], where, digests)


def copies(r: Reader, rows: Sequence[MessageRow], where: Places, digests: Digests) -> Mapping[MessageID, MessageID]:
    """Which messages are copies, each with the first of `rows` that it is a copy of; for scans.

    A copy is in a mailbox of the same name, of another link or of none, and has the same octets but for fields that
    forwarding adds.
    """
    alike: dict[str, list[MessageRow]] = {}
    for row in rows if where else ():
        if row.messageid is not None and row.mailbox_id in where:
            alike.setdefault(row.messageid, []).append(row)
    message_ids: dict[MessageID, MessageID] = {}
    budget = MAX_OCTETS
    for of in alike.values():
        if not 1 < len(of) <= MAX_ALIKE or len({where[row.mailbox_id] for row in of}) == 1:
            continue
        budget -= sum(row.size for row in of if row.body_id not in digests)
        if budget >= 0:
            message_ids |= _copies_among(r, of, where, digests)
    return message_ids


def _copies_among(
    r: Reader, of: Sequence[MessageRow], where: Places, digests: Digests
) -> Mapping[MessageID, MessageID]:
    message_ids: dict[MessageID, MessageID] = {}
    originals: list[MessageRow] = []
    for row in of:
        link, name = where[row.mailbox_id]
        for original in originals:
            other, same_name = where[original.mailbox_id]
            if other != link and same_name == name and _same(r, original, row, digests):
                message_ids[row.id] = original.id
                break
        else:
            originals.append(row)
    return message_ids


def _same(r: Reader, message_row: MessageRow, other: MessageRow, digests: Digests) -> bool:
    for row in (message_row, other):
        if row.body_id not in digests:
            digests[row.body_id] = _digest(r, row.id)
    digest = digests[message_row.body_id]
    return digest is not None and digest == digests[other.body_id]


def _digest(r: Reader, message_id: MessageID) -> bytes | None:
    """The hash of what readers see of a message: fields without their folding, and the body; None if it is damaged, or
    has no end of the header within the first piece of 256 KiB.
    """
    try:
        pieces = message_chunks(r, locate(r, message_id))
        content = b"".join(islice(pieces, 2))  # the first one may be what was added here
        header = HeaderSection(content)
        if header.body is None or not header.complete:
            return None
        found = hashlib.sha256()
        for name in FIELDS:
            for text in header.texts(name):
                found.update(b"%b: %b\n" % (name, b" ".join(text.split())))
        found.update(b"\n" + content[header.body :])
        for piece in pieces:
            found.update(piece)
        return found.digest()
    except (ChunkDamaged, NoSuchMessage):
        return None
