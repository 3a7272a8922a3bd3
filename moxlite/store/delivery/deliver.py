"""Delivering the server's own messages, and appending messages: one unit each (STORE-60, IMAP-85..89).

Mail that came by SMTP is delivered by `perform`, with the actions planned for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from moxlite.store.changelog.account import Account
from moxlite.store.changelog.bus import Cursor
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import Prepared, held_bodies
from moxlite.store.delivery.actions import Delivery, FileInto
from moxlite.store.delivery.perform import Performed, perform
from moxlite.store.mail.adding import Added, Append, add_messages
from moxlite.store.mail.facts import Facts
from moxlite.store.types import Flag, Mailbox, MailboxID


async def deliver(
    account: Account,
    prepared: Prepared,
    facts: Facts,
    mailbox: str,
    *,
    transaction_id: bytes = b"",
    flags: Flag = Flag(0),
    received: int | None = None,
) -> Performed:
    """Deliver one of the server's own messages to a mailbox, created if it is missing: `perform` with one FileInto.

    Args:
      transaction_id: with it a second delivery to this account within 7 days is a successful no-op.
      received: time of receipt, µs UTC; None for now.

    Raises:
      As `perform`.
    """
    delivery = Delivery(actions=(FileInto(mailbox=mailbox, flags=int(flags)),), facts=facts, received=received)
    return await perform(account, prepared, delivery, transaction_id)


async def append(
    account: Account,
    mailbox: MailboxID | Callable[[AccountTx], Mailbox],
    items: Sequence[Append],
    *,
    origin: Cursor | None = None,
    also: Callable[[AccountTx, list[Added]], None] | None = None,
) -> list[Added]:
    """Add messages to a mailbox in one unit: all or none, consecutive UIDs, one modseq (RFC 3502, IMAP-88).

    `mailbox` may be a function that finds it in the unit; its errors are raised unchanged.

    `also` runs in the same unit: it removes the messages that REPLACE replaces (RFC 8508). In a ``\\Sent`` mailbox the
    recipients of the messages become known (STORE-95).

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
