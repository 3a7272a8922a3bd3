"""Tasks that accounts owe about submissions: messages to the queue (STORE-189a), to guests that one was taken back or
not sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from moxlite import lazyimport
from moxlite.admin.notices import address_of_account, notify_account
from moxlite.config.snapshot import CurrentConfig
from moxlite.encoding import from_json
from moxlite.escapes import printable
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.body import stream_message
from moxlite.store.content.spool import Spool
from moxlite.store.content.spoolheader import read_header
from moxlite.store.delivery.answers import FADE, fade
from moxlite.store.delivery.outgoing import remove_outgoing
from moxlite.store.delivery.perform import SUBMIT, UNCOUNT, UNSENT, OwedMessage, Uncounted, Unsent
from moxlite.store.delivery.submission import Submit
from moxlite.store.errors import AccountRemoved, AccountUnknown
from moxlite.store.upkeep.outbox import Handler, OutboxRow
from moxlite.wording import mail_text

LOCAL_FIELDS: Final = (b"return-path", b"x-moxlite-reason")
"""Fields of a received message that say something to its owner alone (RFC 5321 §4.4: one Return-Path, at the end)."""


UNSENT_SUBJECT: Final = mail_text("Message not sent")


def carrier(submit: Submit, tmp: Path, hostnames: Callable[[], Collection[str]]) -> Handler:
    """The handler of outbox rows of the kind `SUBMIT`. The queue accepts a submission once for each key, so a
    repetition adds nothing.

    Args:
      tmp: folder for long messages.
      hostnames: of this server.
    """

    async def carry(account: Account, row: OutboxRow) -> None:
        owed = OwedMessage.unpack(row.data)
        submission = msgspec.structs.replace(owed.submission, key=row.key)
        with Spool(tmp) if row.message_id is not None else Spool.of(owed.octets, tmp) as spool:
            if row.message_id is not None:
                async with aclosing(stream_message(account, row.message_id)) as pieces:
                    async for piece in pieces:
                        await spool.write(piece)
                await spool.finish()
            async with _going_out(owed, row, spool, hostnames()) as octets:
                await submit(submission, octets)

    return carry


def register_carriers(accounts: Accounts, config: CurrentConfig, submit: Submit, tmp: Path) -> None:
    """Have all tasks about submissions carried out. Args: as for `carrier`."""
    accounts.register_outbox(SUBMIT, carrier(submit, tmp, lambda: config.current.hostnames))
    accounts.register_outbox(UNCOUNT, uncounter(accounts))
    accounts.register_outbox(UNSENT, unsent_notices(accounts, config))
    accounts.register_outbox(FADE, handle_fade)


def uncounter(accounts: Accounts) -> Handler:
    """The handler of outbox rows of the kind `UNCOUNT`."""

    async def carry(_: Account, row: OutboxRow) -> None:
        uncounted = from_json(row.data, Uncounted)

        def unit(tx: AccountTx) -> None:
            if tx.once(row.key):
                remove_outgoing(tx, uncounted.counted)

        with suppress(AccountUnknown, AccountRemoved):
            async with accounts.use(uncounted.guest) as guest:
                await guest.write(unit)

    return carry


def unsent_notices(accounts: Accounts, config: CurrentConfig) -> Handler:
    """The handler of outbox rows of the kind `UNSENT`: an email to the writer."""

    async def carry(_: Account, row: OutboxRow) -> None:
        unsent, snapshot = from_json(row.data, Unsent), config.current
        to = address_of_account(snapshot, unsent.writer)
        if to is None:
            return
        names = {"subject": printable(unsent.subject), "address": unsent.sender}
        lines: list[str] = [
            mail_text("Your message “{subject}” from {address} wasn't sent.", **names),
            mail_text("Your permission to send from this address has ended or changed."),
        ]
        if unsent.draft:
            lines += ["", mail_text("The message is now a draft in the shared mailbox, where a member can send it.")]
        with suppress(AccountUnknown, AccountRemoved):
            once = f"unsent {row.key.hex()}"
            await notify_account(accounts, snapshot, unsent.writer, to, UNSENT_SUBJECT, lines, once=once)

    return carry


async def handle_fade(account: Account, row: OutboxRow) -> None:
    """The handler of outbox rows of the kind `FADE`."""
    await account.write(lambda tx: fade(tx, row.key, row.id, row.data))


@asynccontextmanager
async def _going_out(
    owed: OwedMessage, row: OutboxRow, kept: Spool, hostnames: Collection[str]
) -> AsyncIterator[Spool]:
    """The octets of a finished spool as its signatures cover them. A notice goes out as it is; a message that is sent
    on without a few fields, but with Bcc.
    """
    if not owed.forwarded and row.message_id is not None:
        await lazyimport.load("moxlite.submission.submit")
        from moxlite.submission.submit import going_out  # with contacts: a server at rest does without

        async with going_out(kept, hostnames, owed.dropped, utf8=owed.submission.smtputf8) as clean:
            yield clean
        return
    section = await read_header(kept)
    hidden = section.all(*(LOCAL_FIELDS if owed.forwarded else ()), *owed.dropped)
    if not hidden:
        yield kept
        return
    with await kept.with_header(section.without(hidden), len(section.octets)) as clean:
        yield clean
