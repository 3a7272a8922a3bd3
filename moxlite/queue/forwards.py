"""Messages that accounts have sent on: who hears of their failures and what, and which addresses are stopped
(QUEUE-179).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.admin.notices import notify_account
from moxlite.proto.address import Address, AddressError
from moxlite.proto.dsn import Action
from moxlite.proto.srs import BadReturnAddress, is_return_address
from moxlite.queue import record
from moxlite.queue.context import Context
from moxlite.queue.data.rows import Message
from moxlite.store.changelog.account import Account
from moxlite.store.delivery.forwarding import note_bounce, targets
from moxlite.store.delivery.status import State
from moxlite.store.errors import AccountRemoved, AccountUnknown
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Reader

logger = logging.getLogger("moxlite.queue.notices.forwards")

OF_AUTHOR: Final = (b"date", b"to", b"cc", b"subject", b"message-id", b"in-reply-to", b"references")
"""Fields that the author wrote. Others of a message that was sent on, as From, may be ours, and name the account."""

ARRIVED: Final = """
SELECT 1 FROM outcome WHERE account = ? AND lower(recipient) = ? AND ended >= ? AND state IN (?, ?) LIMIT 1"""

STOPPED: Final = (
    "Forwarding to {address} is off because your mail has bounced there for three days. The last error was:\n\n    "
    '{error}\n\nNew mail will be kept in your mailbox. When the address works again, open "Forwarding" on your '
    "account page and resume\nforwarding.\n"
)


def returned_to(ctx: Context, message: Message) -> Address | None:
    """The first sender of a message that was sent on; None for others."""
    sender = message.sender.address
    if sender is None or not is_return_address(sender.localpart):
        return None
    try:
        return ctx.srs.back(sender.localpart, ctx.clock() / 1_000_000)
    except BadReturnAddress:
        return None


def as_known_outside(message: Message) -> Message:
    """A row as someone elsewhere may know it: beside a reply, our own error names the account."""
    last = message.last_result
    known = () if last is None else (msgspec.structs.replace(last, error="" if last.reply else last.error),)
    return msgspec.structs.replace(message, results=known)


def as_written_to(message: Message) -> Message:
    """A row of a message that was sent on as its sender knows it: with the address that was written to, without the one
    to which the message was sent on, and what is said there (RFC 3464 §4.2).
    """
    # Rows of before have no address that was written to; their return address names the sender alone.
    _, _, written = message.dsn_orcpt.partition(";")
    try:
        face = Address.parse(written or message.sender_address)
    except AddressError:  # as a client wrote it in ORCPT
        face = Address.parse(message.sender_address)
    return msgspec.structs.replace(
        message, rcpt_localpart=str(face.localpart), rcpt_domain=face.domain.unicode, results=()
    )


async def check_owner(database: Database, message: Message) -> None:
    """Raise AccountRemoved if the account of a message was removed since the row was read: the account that is open
    under its name may be a new one.
    """
    # A removal changes the rows before the name is free, so the account is the old one as long as they are unchanged.
    current = await database.read(lambda r: record.get(r, message.id), op="queue notice")
    if current is None or current.account != message.account:
        raise AccountRemoved(message.account)


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
                await check_owner(database, message)
                stopped = await _note(account, database, address, error)
        except (AccountUnknown, AccountRemoved):
            continue
        if stopped:
            await _tell(ctx, message.account, address, error)


async def _note(account: Account, database: Database, address: str, error: str) -> bool:
    """Note a bounce of an address; returns whether it is stopped by that."""
    found = await account.read(targets, op="forwarding")
    # One asked for all mail, one for mail of aliases; those that bounce already first.
    same = sorted((target for target in found if target.address == address), key=lambda target: target.failing is None)
    if not same:
        return False
    known = same[0]

    def has_arrived(r: Reader) -> bool:
        states = (State.DELIVERED.value, State.RELAYED.value)
        return known.failing is not None and r.row(ARRIVED, account.name, address, known.failing, *states) is not None

    # All that the account has sent since is looked at: a newsletter has many recipients.
    arrived = await database.scan(has_arrived, op="forwarding")
    return await account.write(lambda tx: note_bounce(tx, address, error, arrived=arrived))


async def _tell(ctx: Context, account: str, address: str, error: str) -> None:
    snapshot = ctx.config.current
    settings = snapshot.account(account)
    logger.warning("forwarding stopped", extra={"kv": {"account": account, "err": error}})
    own = (
        next((destination for destination in settings.destinations if not destination.startswith("@")), "")
        if settings is not None
        else ""
    )
    if own:
        text = STOPPED.format(address=address, error=error)
        await notify_account(
            ctx.accounts,
            snapshot,
            account,
            Address.parse(own),
            f"Forwarding to {address} is off",
            text,
            once=f"forward {account} {address} {ctx.clock() // 86_400_000_000}",
        )
