"""Accounts that may write from the addresses of another (SMTP-189): table `delegate` of the owner's file.

The right is apart from those on mailboxes (`store.mail.acl`): sharing a mailbox gives no right to send, and the right
to send shows no mail. A delegate of the whole account also has the rights `WHOLE` to all its mailboxes, and may change
all its calendars and address books, until the same end: these rights have no rows of their own.
"""

from __future__ import annotations

import time
from typing import Final, Literal, TypeAlias

import msgspec

from moxlite.store.changelog.origin import note_way
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import LimitExceeded
from moxlite.store.file.transaction import Reader
from moxlite.store.types import AclChanged, MailboxID
from moxlite.wording import worded

Sends: TypeAlias = Literal["as", "behalf"]
"""``as``: From alone names the owner; ``behalf``: Sender names the delegate, too (RFC 5322 §3.6.2)."""


MAX_DELEGATES: Final = 100
"""Delegates of an account: as many as a mailbox has guests."""

WHOLE: Final = "lrswikxte"
"""Rights to each mailbox (RFC 4314 §2.1): all but to share it. Who has the whole account also creates mailboxes beside
the present ones.
"""

ALL: Final = "SELECT guest, sends, ends, whole FROM delegate ORDER BY guest"
RIGHT: Final = "SELECT sends FROM delegate WHERE guest = ? AND (ends = 0 OR ends > ?)"
HAS_ALL: Final = "SELECT 1 FROM delegate WHERE guest = ? AND whole AND (ends = 0 OR ends > ?)"
COUNT: Final = "SELECT count(*) FROM delegate WHERE guest <> ?"
SET: Final = """
INSERT INTO delegate (guest, sends, ends, whole) VALUES (?, ?, ?, ?)
ON CONFLICT (guest) DO UPDATE SET sends = excluded.sends, ends = excluded.ends, whole = excluded.whole"""
BOXES: Final = "SELECT id, name FROM mailbox WHERE NOT system ORDER BY id"
REMOVE: Final = "DELETE FROM delegate WHERE guest = ?"


class Delegate(msgspec.Struct, frozen=True):
    """An account that may write from this account's addresses. `ends`: µs UTC, 0 for never; `whole`: the
    account also has all mailboxes, calendars and address books.
    """

    guest: str
    sends: Sends
    ends: int = 0
    whole: bool = False


def delegates(r: Reader) -> list[Delegate]:
    """All delegates by name, also those whose right has ended."""
    return [Delegate(guest, sends, ends, whole != 0) for guest, sends, ends, whole in r.rows(ALL)]


def right_to_send(r: Reader, guest: str, now: int) -> Sends | None:
    """How the account `guest` may write from this account's addresses at `now`, µs UTC; None: not at all."""
    sends: Sends | None = r.value(RIGHT, guest, now)
    return sends


def writes_still(r: Reader, guest: str, *, on_behalf: bool) -> bool:
    """Whether the account `guest` may now write so from this account's addresses."""
    sends = right_to_send(r, guest, time.time_ns() // 1000)
    return sends is not None and (sends == "as" or on_behalf)


def has_all(r: Reader, guest: str) -> bool:
    """Whether the account `guest` has the whole account now."""
    return r.value(HAS_ALL, guest, time.time_ns() // 1000) is not None


def all_boxes(r: Reader) -> list[MailboxID]:
    """The mailboxes that such an account has, by id."""
    return [mailbox_id for mailbox_id, _ in r.rows(BOXES)]


def set_delegate(tx: AccountTx, delegate: Delegate) -> None:
    """Let an account write from this account's addresses. The caller has checked that it exists, and is another one.

    Raises LimitExceeded.
    """
    if tx.value(COUNT, delegate.guest) >= MAX_DELEGATES:
        raise LimitExceeded(worded("up to {most} accounts can send from one account", most=MAX_DELEGATES))
    had = has_all(tx, delegate.guest)
    tx.execute(SET, delegate.guest, delegate.sends, delegate.ends, delegate.whole)
    note_way(tx, "delegate", delegate.guest)
    if had or delegate.whole:
        _tell(tx, delegate.guest)


def remove_delegate(tx: AccountTx, guest: str) -> bool:
    """Take the right from an account; returns whether it had it."""
    had = has_all(tx, guest)
    removed = tx.execute(REMOVE, guest) > 0
    if had:
        _tell(tx, guest)
    return removed


def _tell(tx: AccountTx, guest: str) -> None:
    """Have open pages and sessions read the rights of an account anew."""
    for mailbox_id, name in tx.rows(BOXES):
        tx.emit(AclChanged(mailbox_id=mailbox_id, name=name, identifier=guest))
