"""Delivering a message to an account, and appending messages: one unit each (STORE-60, 61, 74; IMAP-85..89).

A delivery makes missing mailboxes, adds the message, clears copies from the rejects mailbox, and lets the caller add
what must hold with it (rows of the outbox), all or nothing. It does not consume the spool: one prepared message serves
many accounts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from moxlite.store.changelog.account import Account
from moxlite.store.changelog.bus import Cursor
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import Prepared, held_bodies, held_body
from moxlite.store.mail.adding import Added, Append, add_message, add_messages
from moxlite.store.mail.facts import Facts
from moxlite.store.mail.mailboxes import ensure_mailbox
from moxlite.store.mail.messages import expunge_ids
from moxlite.store.rows.reading import mailbox_by_name
from moxlite.store.types import Flag, Mailbox, MailboxID

__all__ = ["Append", "Delivered", "append", "deliver"]

SAME_REJECTS: Final = "SELECT id FROM message WHERE messageid = ? AND mailbox_id = ? AND is_reject LIMIT 100"
"""A sender retries some times; beyond a hundred copies the nightly tidying does the rest."""


class Delivered(msgspec.Struct, frozen=True):
    """A delivery. `added` is None when the account had got the message in this transaction before (STORE-60)."""

    added: Added | None


async def deliver(
    account: Account,
    prepared: Prepared,
    facts: Facts,
    mailbox: str,
    *,
    transaction_id: bytes = b"",
    destined: str | None = None,
    flags: Flag = Flag(0),
    keywords: Sequence[str] = (),
    received: int | None = None,
    received_offset: int = 0,
    clear_rejects: str = "",
    also: Callable[[AccountTx, Added], None] | None = None,
    origin: Cursor | None = None,
) -> Delivered:
    """Deliver a message; returns once it is durable.

    Args:
      mailbox: its name; made, and subscribed, if it is missing.
      transaction_id: with it a second delivery to this account within 7 days is a successful no-op, as by aliases or
        after a lost answer.
      destined: name of the mailbox it is meant for, when that is another one; made if it is missing.
      received: when it was received, µs UTC, now if None; `received_offset` minutes east of UTC.
      clear_rejects: name of the account's rejects mailbox, from which copies with the same Message-ID are removed
        (STORE-74); "" for none.
      also: runs in the same unit: what the account owes for this message, ``tx.owe``.

    Raises:
      OverQuota, StorageFull, StorageBroken, LimitExceeded, BadMailboxName: nothing is changed.
    """

    def unit(tx: AccountTx, ready: Prepared) -> Delivered:
        if transaction_id and not tx.once(transaction_id):
            return Delivered(None)
        box = ensure_mailbox(tx, mailbox)
        placed = facts
        if destined is not None:
            placed = msgspec.structs.replace(facts, destined=ensure_mailbox(tx, destined).id)
        if clear_rejects and ready.thread.messageid is not None and not facts.is_reject:
            _clear_rejects(tx, clear_rejects, ready.thread.messageid)
        added = add_message(
            tx,
            ready,
            box.id,
            flags=flags,
            keywords=keywords,
            received=received,
            received_offset=received_offset,
            facts=placed,
            delivery=True,
        )
        if also is not None:
            also(tx, added)
        return Delivered(added)

    if prepared.chunks is not None:
        return await account.write(lambda tx: unit(tx, prepared), origin, weight=prepared.size)
    async with held_body(account, prepared) as ready:
        return await account.write(lambda tx: unit(tx, ready), origin, weight=1)


async def append(
    account: Account,
    mailbox: MailboxID | Callable[[AccountTx], Mailbox],
    items: Sequence[Append],
    *,
    origin: Cursor | None = None,
    also: Callable[[AccountTx, list[Added]], None] | None = None,
) -> list[Added]:
    """Add messages to a mailbox in one unit: all or none, consecutive UIDs, one modseq (RFC 3502, IMAP-88).

    `mailbox` may be a function that finds it in the unit; what it raises is the caller's.

    `also` runs in the same unit, as the removal of what REPLACE replaces (RFC 8508). In a ``\\Sent`` mailbox their
    recipients become known (STORE-95).

    Raises:
      NoSuchMailbox, OverQuota, UidsExhausted, StorageFull, StorageBroken, BadKeyword, LimitExceeded: nothing is
      changed.
    """

    def unit(tx: AccountTx, ready: Sequence[Append]) -> list[Added]:
        added = add_messages(tx, ready, mailbox(tx) if callable(mailbox) else mailbox)
        if also is not None:
            also(tx, added)
        return added

    weight = sum([item.prepared.size for item in items])
    if all(item.prepared.chunks is not None for item in items):
        return await account.write(lambda tx: unit(tx, items), origin, weight=weight)
    async with held_bodies(account, [item.prepared for item in items]) as held:
        ready = [
            item if prepared is item.prepared else msgspec.structs.replace(item, prepared=prepared)
            for item, prepared in zip(items, held, strict=True)
        ]
        return await account.write(lambda tx: unit(tx, ready), origin, weight=weight)


def _clear_rejects(tx: AccountTx, rejects: str, messageid: str) -> None:
    box = mailbox_by_name(tx, rejects)
    if box is not None:
        expunge_ids(tx, [row[0] for row in tx.rows(SAME_REJECTS, messageid, box.id)])
