"""Copies of many messages in several units (IMAP-117)."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.mail.copying import (
    copy_messages,
    end_copy,
    move_messages,
    new_copy,
    note_part,
    undo_part,
    unfinished_copies,
)
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.mailboxes import delete_mailbox
from moxlite.store.options import Options
from moxlite.store.types import MailboxID
from tests.store_fixtures import accounts, store_options
from tests.store_mail import box, look, put, rows

__all__ = ["accounts", "store_options"]


def part(tx: AccountTx, copy: bytes, uids: list[int], source: MailboxID, target: MailboxID) -> None:
    note_part(tx, copy, copy_messages(tx, source, uids, target))


async def test_what_a_crash_left_of_a_copy_is_gone_when_the_account_opens(tmp_path: Path) -> None:
    """IMAP-117, STORE-10: what was moved elsewhere meanwhile is not the copy's any more; a finished copy stays."""
    options = Options(check_on_close=True, min_free_space=0)
    first = Accounts(tmp_path, options)
    async with first.use("mia") as account:
        await put(account, 6)
        inbox, archive, sent = [(await box(account, name)).id for name in ("Inbox", "Archive", "Sent")]
        whole, cut = new_copy(), new_copy()
        await account.write(lambda tx: part(tx, whole, [1, 2], inbox, archive))
        await account.write(lambda tx: part(tx, cut, [1, 2, 3], inbox, archive))

        def finish(tx: AccountTx) -> None:
            copy_messages(tx, inbox, [3], archive)
            end_copy(tx, whole)

        await account.write(finish)
        await account.write(lambda tx: part(tx, cut, [4, 5], inbox, archive))
        await account.write(lambda tx: move_messages(tx, archive, [3], sent))
    await first.aclose()
    again = Accounts(tmp_path, options)
    async with again.use("mia") as account:
        assert [row.uid for row in await rows(account, "Archive")] == [1, 2, 6]
        assert [row.uid for row in await rows(account, "Sent")] == [1]
        assert len(await rows(account)) == 6
        assert not await look(account, unfinished_copies)
    await again.aclose()


async def test_parts_in_a_mailbox_that_was_deleted_are_forgotten(accounts: Accounts) -> None:
    """IMAP-117"""
    async with accounts.use("mia") as account:
        await put(account, 3)
        inbox, archive = (await box(account)).id, (await box(account, "Archive")).id
        copy = new_copy()
        await account.write(lambda tx: part(tx, copy, [1, 2], inbox, archive))
        await account.write(lambda tx: part(tx, copy, [3], inbox, archive))
        await account.write(lambda tx: expunge(tx, archive, [1]))
        await account.write(lambda tx: delete_mailbox(tx, archive))
        undone = [await account.write(partial(undo_part, copy=copy)) for _ in range(3)]
        assert undone == [True, True, False]
        assert not await look(account, unfinished_copies)
