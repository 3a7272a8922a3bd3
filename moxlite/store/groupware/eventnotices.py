"""Notices of what other people change in the user's events (draft-ietf-jmap-calendars-26 §6; JMAP-79): guests of a
calendar, and messages about events. The unit that changes the event writes the notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.rows.history import Change, TooManyChanges

MAX_NOTICES: Final = 500
"""Notices that are kept, and as many that were destroyed: of those before, states are unknown."""

MAX_OCTETS: Final = 16 << 20
"""Octets of the events in them: the oldest go."""

STATE: Final = "SELECT coalesce(max(modseq), 0) FROM event_notice"
_SIZE: Final = "coalesce(length(before), 0) + coalesce(length(after), 0)"
ALL: Final = f"""
SELECT id, created, account, address, name, comment, event_id,
CASE WHEN before IS NULL THEN 'created' WHEN after IS NULL THEN 'destroyed' ELSE 'updated' END, {_SIZE}
FROM event_notice WHERE NOT gone ORDER BY id"""  # noqa: S608 - a constant
DATA: Final = "SELECT before, after FROM event_notice WHERE id = ? AND NOT gone"
ADD: Final = """
INSERT INTO event_notice (createseq, modseq, created, account, address, name, comment, event_id, before, after)
VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"""
GONE: Final = "UPDATE event_notice SET gone = 1, modseq = ?, before = NULL, after = NULL WHERE id = ? AND NOT gone"
SIZES: Final = f"SELECT id, {_SIZE} FROM event_notice WHERE NOT gone ORDER BY id DESC"  # noqa: S608 - a constant
# of the tombstones that are too many, the last one stays: states before it are unknown
FORGET: Final = """
DELETE FROM event_notice WHERE gone
AND modseq < (SELECT modseq FROM event_notice WHERE gone ORDER BY modseq DESC LIMIT 1 OFFSET ?)"""
FORGOTTEN: Final = """
SELECT coalesce((SELECT modseq FROM event_notice WHERE gone ORDER BY modseq DESC LIMIT 1 OFFSET ?), 0)"""
CHANGED: Final = "SELECT id, createseq, modseq, gone FROM event_notice WHERE modseq > ? ORDER BY modseq"


class Author(msgspec.Struct, frozen=True):
    """The author of a change: a guest, by the account, or the author of a message, by the address."""

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
    # A client may put an event back as it was; its owner would be told of nothing.
    if before == after:
        return
    modseq = tx.modseq()
    person = (author.account, author.address, author.name, author.comment)
    tx.insert(ADD, modseq, tx.now, *person, event_id, before, after)
    octets = 0
    for place, (number, size) in enumerate(tx.rows(SIZES)):
        octets += size
        if place >= MAX_NOTICES or octets > MAX_OCTETS:
            tx.execute(GONE, modseq, number)
    tx.execute(FORGET, MAX_NOTICES)


def event_notice_state(r: Reader) -> int:
    """The modseq of the last change of the notices."""
    return int(r.value(STATE))


def event_notices(r: Reader) -> list[EventNotice]:
    """All notices, the oldest first."""
    return [EventNotice(*row) for row in r.rows(ALL)]


def event_notice_data(r: Reader, number: int) -> tuple[bytes | None, bytes | None]:
    """The octets of the event before and after the change, None for none."""
    before, after = r.row(DATA, number) or (None, None)
    return before, after


def event_notice_changes(r: Reader, since: int) -> list[Change]:
    """The changes after a modseq. Raises TooManyChanges."""
    # A state from the future is of the account before it was restored from a backup.
    if since > event_notice_state(r) or since < r.value(FORGOTTEN, MAX_NOTICES):
        raise TooManyChanges
    changes: list[Change] = []
    for number, createseq, modseq, gone in r.rows(CHANGED, since):
        if gone and createseq <= since:
            changes.append(Change(number, "destroyed", modseq))
        elif not gone:
            changes.append(Change(number, "created", modseq))
    return changes


def forget_event_notices(tx: AccountTx, numbers: Sequence[int]) -> set[int]:
    """Destroy notices; returns those that there were."""
    gone = {number for number in numbers if tx.execute(GONE, tx.modseq(), number)}
    tx.execute(FORGET, MAX_NOTICES)
    return gone
