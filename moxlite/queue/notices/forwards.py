"""Bounces of messages that accounts have sent on: who gets them, and which addresses are stopped (QUEUE-179)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from moxlite.admin.notices import notify_account
from moxlite.proto.address import Address
from moxlite.proto.dsn import Action
from moxlite.proto.srs import BadReturnAddress, is_return_address
from moxlite.queue.context import Context
from moxlite.queue.data.rows import Message
from moxlite.store.changelog.account import Account
from moxlite.store.delivery.forwarding import note_bounce, targets
from moxlite.store.delivery.status import State
from moxlite.store.errors import AccountRemoved, AccountUnknown
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Reader

logger = logging.getLogger("moxlite.queue.notices.forwards")

ARRIVED: Final = """
SELECT 1 FROM outcome WHERE account = ? AND lower(recipient) = ? AND ended >= ? AND state IN (?, ?) LIMIT 1"""

STOPPED: Final = """\
Mail to you was to be forwarded to {address}, but for three days nothing has arrived there. The last answer was:

    {error}

Nothing more is sent there. Your mail is kept in your mailbox. When the address works again, open "Forwarding" on your
account page and start it again.
"""


def returned_to(ctx: Context, message: Message) -> Address | None:
    """The first sender of a message that was sent on; None for others."""
    sender = message.sender.address
    if sender is None or not is_return_address(sender.localpart):
        return None
    try:
        return ctx.srs.back(sender.localpart, ctx.clock() / 1_000_000)
    except BadReturnAddress:
        return None


async def note_failures(ctx: Context, database: Database, messages: Sequence[Message]) -> None:
    """Note which addresses of an account's forwarding have bounced, and tell the owner of those that are stopped.

    Raises StoreError.
    """
    for message in messages:
        if message.dsn_due != Action.FAILED.value:
            continue
        last = message.last_result
        error = "" if last is None else last.reply or last.error
        address = str(message.recipient_address).lower()
        try:
            async with ctx.accounts.use(message.account) as account:
                stopped = await _note(account, database, address, error)
        except (AccountUnknown, AccountRemoved):
            continue
        if stopped:
            await _tell(ctx, message.account, address, error)


async def _note(account: Account, database: Database, address: str, error: str) -> bool:
    """Note a bounce of an address; returns whether it is stopped by that."""
    found = await account.read(targets, op="forwarding")
    known = next((one for one in found if one.address == address), None)
    if known is None:
        return False

    def has_arrived(r: Reader) -> bool:
        states = (State.DELIVERED.value, State.RELAYED.value)
        return known.failing is not None and r.row(ARRIVED, account.name, address, known.failing, *states) is not None

    arrived = await database.read(has_arrived, op="forwarding")
    return await account.write(lambda tx: note_bounce(tx, address, error, arrived=arrived))


async def _tell(ctx: Context, account: str, address: str, error: str) -> None:
    snapshot = ctx.config.current
    settings = snapshot.account(account)
    logger.warning("forwarding stopped", extra={"kv": {"account": account, "err": error}})
    own = next((one for one in settings.destinations if not one.startswith("@")), "") if settings is not None else ""
    if own:
        text = STOPPED.format(address=address, error=error)
        await notify_account(
            ctx.accounts,
            snapshot,
            account,
            Address.parse(own),
            "forwarding has stopped",
            text,
            once=f"forward {account} {address} {ctx.clock() // 86_400_000_000}",
        )
