"""Counts of threads in mailboxes, compared with a count of all messages."""

import random
from functools import partial

import pytest

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.copying import copy_messages, move_messages
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.flags import store_flags
from moxlite.store.rows.emails import threads_in
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.types import Flag, MailboxID
from tests.largeaccount import fill
from tests.store_fixtures import store_options, unserved
from tests.store_mail import box, look

__all__ = ["store_options", "unserved"]

ALL = "SELECT mailbox_id, threadid FROM message WHERE flags & 64 = 0"


@pytest.mark.parametrize("seed", range(3))
async def test_threads_are_counted_as_by_looking_at_all_messages(unserved: Accounts, seed: int) -> None:
    """JMAP-10: in all mailboxes together, and in one."""
    chance = random.Random(seed)
    async with unserved.use("mia") as account:
        await fill(account, 4_000, mailboxes=8)
        inbox, archive, trash = [(await box(account, name)).id for name in ("Inbox", "Archive", "Trash")]

        def change(tx: AccountTx, mailbox_id: MailboxID) -> None:
            uids = [uid for (uid,) in tx.rows("SELECT uid FROM message WHERE mailbox_id = ?", mailbox_id)]
            chance.shuffle(uids)
            store_flags(tx, mailbox_id, uids[:300], mode="add", flags=Flag.DELETED)
            store_flags(tx, mailbox_id, uids[200:400], mode="remove", flags=Flag.SEEN)
            store_flags(tx, mailbox_id, uids[380:450], mode="add", flags=Flag.DRAFT)
            copy_messages(tx, mailbox_id, uids[250:350], archive)
            move_messages(tx, mailbox_id, uids[350:600], trash)
            expunge(tx, mailbox_id, uids[600:800])

        for mailbox_id in (inbox, archive):
            await account.write(partial(change, mailbox_id=mailbox_id))

        def compare(r: Reader) -> None:
            boxes, rows = mailboxes(r), r.rows(ALL)
            threads = {one.id: {thread for number, thread in rows if number == one.id} for one in boxes}
            for part in (boxes, *([one] for one in boxes)):
                assert threads_in(r, part) == {one.id: len(threads[one.id]) for one in part}

        await look(account, compare)
