"""Repairs of what `check` finds, in an open account (docs/spec/store.md §4)."""

import pytest

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.errors import NoSuchMailbox
from moxlite.store.mail.expunging import expunge
from moxlite.store.options import Options
from moxlite.store.types import UID, AccountClosing
from moxlite.store.upkeep.check import check_account
from moxlite.store.upkeep.repairs import FIXES, bump_uidvalidity, reassign_uids, repair
from tests.store_fixtures import accounts
from tests.store_mail import box, put, rows

__all__ = ["accounts", "store_options"]


@pytest.fixture
def store_options() -> Options:
    """Expunged messages keep their content."""
    return Options(check_on_close=True, min_free_space=0, undelete_grace=1 << 60)


@pytest.mark.parametrize(
    ("damage", "fix"),
    [
        ("UPDATE mailbox SET total = 9, unseen = 0, size = 1", "fix-counts"),
        ("UPDATE state SET total_size = 1", "fix-counts"),
        ("UPDATE mailbox SET uidnext = 1, recent_uid = 1", "fix-uidmeta"),
        ("UPDATE mailbox SET recent_uid = 99", "fix-uidmeta"),
        ("UPDATE state SET next_uidvalidity = 1", "fix-uidmeta"),
        ("UPDATE state SET last_message_id = 0, last_body_id = 0", "fix-uidmeta"),
        ("UPDATE message SET size = size + 7 WHERE uid = 2", "fix-sizes"),
    ],
)
async def test_a_repair_makes_the_account_sound(accounts: Accounts, damage: str, fix: str) -> None:
    """STORE-43, STORE-40."""
    async with accounts.use("mia") as account:
        await put(account, 3)
        await account.write(lambda tx: tx.execute(damage))
        assert await account.scan(check_account, op="test") != []
        assert await repair(account, FIXES[fix]) != []
        assert await account.scan(check_account, op="test") == []
        assert await repair(account, FIXES[fix]) == []


async def test_sessions_end_when_something_was_repaired(accounts: Accounts) -> None:
    """STORE-43."""
    async with accounts.use("mia") as account:
        await put(account, 1)
        _, cursor = await account.subscribe()
        assert await repair(account, FIXES["fix-counts"]) == []
        assert not cursor.pending()
        await account.write(lambda tx: tx.execute("UPDATE mailbox SET total = 9"))
        await repair(account, FIXES["fix-counts"])
        assert isinstance((await cursor.take()).events[-1], AccountClosing)
        _, fresh = await account.subscribe()
        assert not fresh.pending()
        fresh.close()


async def test_a_new_uidvalidity_for_one_mailbox_or_all(accounts: Accounts) -> None:
    """STORE-43, STORE-15."""
    async with accounts.use("mia") as account:
        inbox, sent = await box(account), await box(account, "Sent")
        assert len(await repair(account, lambda tx: bump_uidvalidity(tx, "Sent"))) == 1
        assert (await box(account)).uidvalidity == inbox.uidvalidity
        bumped = await box(account, "Sent")
        assert bumped.uidvalidity > max(inbox.uidvalidity, sent.uidvalidity)
        assert bumped.modseq > sent.modseq
        await repair(account, bump_uidvalidity)
        assert (await box(account)).uidvalidity > bumped.uidvalidity
        with pytest.raises(NoSuchMailbox):
            await repair(account, lambda tx: bump_uidvalidity(tx, "Nowhere"))


async def test_uids_from_one_keep_the_order_and_what_can_be_undeleted(accounts: Accounts) -> None:
    """STORE-43, STORE-190."""
    async with accounts.use("mia") as account:
        await put(account, 10)
        inbox = await box(account)
        gone = [UID(1), UID(2), UID(5), UID(10)]
        await account.write(lambda tx: expunge(tx, inbox.id, gone))
        before = [row.id for row in await rows(account)]
        await repair(account, lambda tx: reassign_uids(tx, "Inbox"))
        after = await rows(account)
        assert [row.uid for row in after] == [1, 2, 3, 4, 5, 6]
        assert [row.id for row in after] == before
        again = await box(account)
        assert again.uidvalidity > inbox.uidvalidity
        assert again.uidnext > 6
        (added,) = await put(account, 1, first=50)
        assert added.uid >= again.uidnext
        assert await account.scan(lambda r: check_account(r, deep=True), op="test") == []
