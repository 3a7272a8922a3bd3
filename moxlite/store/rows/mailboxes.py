"""Reading the account and its mailboxes. Plain functions on a `Reader`, for `account.read` and `account.scan`."""

from __future__ import annotations

from typing import Final

import msgspec

from moxlite.store.errors import NoSuchMailbox
from moxlite.store.file.transaction import Reader, Row
from moxlite.store.names import INBOX, composed
from moxlite.store.types import (
    UID,
    Mailbox,
    ModSeq,
    SpecialUse,
)


class State(msgspec.Struct, frozen=True):
    """The row of ``state``: the counters of the whole account."""

    modseq: ModSeq
    highest_purged_modseq: ModSeq
    next_uidvalidity: int
    total_size: int
    threads_step: int
    created: int


STATE: Final = "SELECT modseq, highest_purged_modseq, next_uidvalidity, total_size, threads_step, created FROM state"

MAILBOX_COLUMNS: Final = (
    "id, name, parent_id, uidvalidity, uidnext, recent_uid, special_use, keywords, createseq, modseq, "
    "total, deleted, unread, unseen, size, deleted_size, system"
)
MAILBOXES: Final = f"SELECT {MAILBOX_COLUMNS} FROM mailbox ORDER BY name"  # noqa: S608 - constants, here and below
MAILBOX: Final = f"SELECT {MAILBOX_COLUMNS} FROM mailbox WHERE id = ?"  # noqa: S608
MAILBOX_BY_NAME: Final = f"SELECT {MAILBOX_COLUMNS} FROM mailbox WHERE name = ?"  # noqa: S608
MAILBOX_BY_USE: Final = f"SELECT {MAILBOX_COLUMNS} FROM mailbox WHERE special_use & ? <> 0 ORDER BY id LIMIT 1"  # noqa: S608
CHILDREN: Final = f"SELECT {MAILBOX_COLUMNS} FROM mailbox WHERE parent_id = ? ORDER BY name"  # noqa: S608
SUBSCRIPTIONS: Final = "SELECT name FROM subscription WHERE present ORDER BY name"
STATE_AND_UNSEEN: Final = """
SELECT modseq, highest_purged_modseq,
(SELECT uid FROM message WHERE mailbox_id = ? AND flags & 1 = 0 ORDER BY uid LIMIT 1) FROM state"""

_NO_USE: Final = SpecialUse(0)


def state(r: Reader) -> State:
    """The counters of the account."""
    row = r.row(STATE)
    assert row is not None
    return State(*row)


def _mailbox(row: Row) -> Mailbox:
    values = list(row)
    values[6] = SpecialUse(row[6]) if row[6] else _NO_USE  # an enum's constructor takes as long as all the rest
    values[7] = tuple(row[7].split(" ")) if row[7] else ()
    values[16] = row[16] != 0
    return Mailbox(*values)


def mailboxes(r: Reader) -> list[Mailbox]:
    """All mailboxes, Inbox first, the others by name (code points)."""
    found = [_mailbox(row) for row in r.rows(MAILBOXES)]
    found.sort(key=lambda box: box.name != INBOX and not box.name.startswith(INBOX + "/"))  # stable: they come by name
    return found


def mailbox(r: Reader, mailbox_id: int) -> Mailbox:
    """One mailbox. Raises NoSuchMailbox."""
    row = r.row(MAILBOX, mailbox_id)
    if row is None:
        raise NoSuchMailbox(mailbox_id)
    return _mailbox(row)


def mailbox_by_name(r: Reader, name: str) -> Mailbox | None:
    """The mailbox of that (checked) name, which may be decomposed."""
    row = r.row(MAILBOX_BY_NAME, composed(name))
    return None if row is None else _mailbox(row)


def mailbox_by_use(r: Reader, use: SpecialUse) -> Mailbox | None:
    """The mailbox that has this special use; there is one at most (STORE-17)."""
    row = r.row(MAILBOX_BY_USE, int(use))
    return None if row is None else _mailbox(row)


def children(r: Reader, mailbox_id: int) -> list[Mailbox]:
    """The mailboxes right below, by name."""
    return [_mailbox(row) for row in r.rows(CHILDREN, mailbox_id)]


def subscriptions(r: Reader) -> list[str]:
    """The subscribed names, sorted; a mailbox of that name need not exist (STORE-18)."""
    return [name for (name,) in r.rows(SUBSCRIPTIONS)]


def state_and_unseen(r: Reader, mailbox_id: int | None) -> tuple[ModSeq, ModSeq, UID | None]:
    r"""The modseq and the highest purged modseq of the account; and the lowest UID without ``\Seen`` of a mailbox, from
    a partial index, None without one.
    """
    row = r.row(STATE_AND_UNSEEN, mailbox_id)
    assert row is not None
    modseq, purged, unseen = row
    return modseq, purged, unseen
