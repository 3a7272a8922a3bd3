"""DSNs that came back for a sent message (WEBMAIL-138). A host may accept a message and send a notice later that it
could not deliver it; the queue knows only of the acceptance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.proto.address import Address, AddressError
from moxlite.proto.dsn import DSN, Action, DSNError, DSNRecipient, parse_dsn
from moxlite.proto.mime.messageid import canonical_message_id
from moxlite.store.content import body
from moxlite.store.delivery.status import RecipientStatus, State
from moxlite.store.errors import ChunkDamaged, NoSuchMessage
from moxlite.store.rows import messages as message_rows
from moxlite.store.rows.views import members
from moxlite.store.types import Flag
from moxlite.web.webmail.reading.parsed import structure_of

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader
    from moxlite.store.types import MessageRow

MAX_MEMBERS: Final = 500
"""Messages of a thread that are examined, the newest ones."""

MAX_NOTICES: Final = 20
"""DSNs of a thread that are read, the newest ones: a DSN for 1,000 recipients has 256 KiB."""

OVERRIDES: Final = {
    Action.FAILED: (State.FAILED, frozenset({State.DELIVERED, State.RELAYED})),
    Action.DELIVERED: (State.DELIVERED, frozenset({State.RELAYED})),
}
"""By the action of a DSN: the state that it means, and the states of the queue that it replaces."""


class Word(msgspec.Struct, frozen=True):
    """The report of a DSN on one recipient. `at` is the time of its arrival, µs UTC; `host` is the reporting MTA."""

    recipient: DSNRecipient
    host: str
    at: int


def words_of(r: Reader, message_id: int) -> list[Word]:
    """The reports of DSNs in the thread of a message, oldest first: only DSNs that return the message, or answer it,
    and are not junk. For `scan`.
    """
    sent = message_rows.message(r, message_id)
    notices = [one.row for one in members(r, sent.threadid, MAX_MEMBERS) if _counts(one.row)]
    found: list[Word] = []
    for row in notices[-MAX_NOTICES:]:
        notice = _about(r, row, sent.messageid)
        if notice is not None:
            found += [Word(one, notice.reporting_mta, row.received) for one in notice.recipients]
    return found


def corrected(found: Sequence[RecipientStatus], words: Sequence[Word]) -> list[RecipientStatus]:
    """The status of each recipient, corrected by reports that came after the queue's result."""
    if not words:
        return list(found)
    by_address: dict[tuple[str, str], Word] = {}
    for word in words:
        if word.recipient.action in OVERRIDES:
            names = (word.recipient.original_recipient, word.recipient.final_recipient)
            by_address.update({key: word for name in names if (key := _key(name)) is not None})
    return [_corrected(one, by_address.get(_key(one.recipient) or ("", ""))) for one in found]


def _corrected(one: RecipientStatus, word: Word | None) -> RecipientStatus:
    if word is None:
        return one
    said = word.recipient
    state, replaced = OVERRIDES[said.action]
    if one.state not in replaced:
        return one
    error = ""
    if state is State.FAILED:
        why = said.diagnostic or said.status_comment or said.status
        error = f"A notice of {word.host} says: {why}" if word.host else why
    return msgspec.structs.replace(
        one, state=state, ended=word.at, error=error, meaning="", advice="", reply=said.diagnostic, host=word.host
    )


def _counts(row: MessageRow) -> bool:
    return row.dsn and not row.is_reject and not row.flags & Flag.JUNK


def _about(r: Reader, row: MessageRow, messageid: str | None) -> DSN | None:
    """The DSN in a message, if it is about the message with this canonical Message-ID, else None."""
    try:
        structure = structure_of(r, row.id)
        content = body.locate(r, row.id)
        found = parse_dsn(structure, lambda start, stop: body.read_content(r, content, start, stop - start))
    except (DSNError, NoSuchMessage, ChunkDamaged):
        return None
    about = canonical_message_id(found.returned_message_id or structure.envelope.in_reply_to)
    return found if about is not None and about == messageid else None


def _key(address: str) -> tuple[str, str] | None:
    try:
        parsed = Address.parse(address)
    except AddressError:
        return None
    return str(parsed.localpart), parsed.domain.ascii
