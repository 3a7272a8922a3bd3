"""Notices of what other people change in the user's events (draft-ietf-jmap-calendars-26 §6; JMAP-79): guests of a
calendar, and messages about events. The unit that changes the event writes the notice.
"""

from __future__ import annotations

from itertools import accumulate, islice
from typing import Final, Literal

import msgspec

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.notices import MAX_NOTICES, Notices

MAX_OCTETS: Final = 16 << 20
"""Octets of the events in them: the oldest go."""

_SIZE: Final = "coalesce(length(before), 0) + coalesce(length(after), 0)"
ALL: Final = f"""
SELECT id, created, account, address, name, comment, event_id,
CASE WHEN before IS NULL THEN 'created' WHEN after IS NULL THEN 'destroyed' ELSE 'updated' END, {_SIZE}
FROM event_notice WHERE NOT gone ORDER BY id"""  # noqa: S608 - a constant
DATA: Final = "SELECT before, after FROM event_notice WHERE id = ? AND NOT gone"
ADD: Final = """
INSERT INTO event_notice (createseq, modseq, created, account, address, name, comment, event_id, before, after)
VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"""
SIZES: Final = f"SELECT id, {_SIZE} FROM event_notice WHERE NOT gone ORDER BY id DESC"  # noqa: S608 - a constant
_notices: Final = Notices("event_notice", "before", "after")
event_notice_state: Final = _notices.state
event_notice_changes: Final = _notices.changes
forget_event_notices: Final = _notices.forget


class Author(msgspec.Struct, frozen=True):
    """The author of a change: a guest with their account, or a message's author with their address."""

    account: str = ""
    address: str = ""
    name: str = ""
    comment: str = ""


class EventNotice(msgspec.Struct, frozen=True):
    """A notice, without the event. `created`: µs UTC; `size`: octets of the event before and after."""

    id: int
    created: int
    account: str
    address: str
    name: str
    comment: str
    event_id: int
    kind: Literal["created", "updated", "destroyed"]
    size: int


def note_change(tx: AccountTx, author: Author, event_id: int, before: bytes | None, after: bytes | None) -> None:
    """Note that an event of the account was changed from and to these octets, None for none."""
    # Clients may store an event unchanged, and its owner needs no notice of that.
    if before == after:
        return
    modseq = tx.modseq()
    person = (author.account, author.address, author.name, author.comment)
    tx.insert(ADD, modseq, tx.now, *person, event_id, before, after)
    sizes = tx.rows(SIZES)
    octets = accumulate(size for _, size in sizes)
    kept = sum(total <= MAX_OCTETS for total in islice(octets, MAX_NOTICES))
    forget_event_notices(tx, [number for number, _ in sizes[kept:]])


def event_notices(r: Reader) -> list[EventNotice]:
    """All notices, the oldest first."""
    return [EventNotice(*row) for row in r.rows(ALL)]


def event_notice_data(r: Reader, number: int) -> tuple[bytes | None, bytes | None]:
    """The octets of the event before and after the change, None for none."""
    before, after = r.row(DATA, number) or (None, None)
    return before, after
