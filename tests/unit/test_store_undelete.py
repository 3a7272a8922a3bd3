"""Undeleting, retention by mailbox, weekly scrubs (docs/spec/store.md, STORE-181, STORE-190, STORE-192)."""

import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
import trio

from moxlite.process.watchdog import ClockTrust
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.rounds import Rounds
from moxlite.store.accounts.scrubbing import scrub_weekly
from moxlite.store.backup.copying import copy_database
from moxlite.store.backup.restore import restore_mail
from moxlite.store.content.prepare import prepare
from moxlite.store.errors import OverQuota
from moxlite.store.mail.copying import move_messages
from moxlite.store.mail.expunging import expunge, expunge_all
from moxlite.store.mail.mailboxes import create_mailbox, delete_mailbox
from moxlite.store.options import DAY, SECOND, AccountConfig, Options
from moxlite.store.reports.history import LastScrub, forget_scrubs, last_scrubs
from moxlite.store.reports.reportsdb import ReportsDB
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import UID, Flag
from moxlite.store.upkeep.check import check_account
from moxlite.store.upkeep.erase import expire
from moxlite.store.upkeep.repairs import removed_messages, undelete
from tests.store_fixtures import accounts, soon
from tests.store_mail import box, look, put, rows
from tests.supervised import supervised
from tests.tools import eventually

__all__ = ["accounts", "store_options"]

CONFIG = AccountConfig(expire_after={"Trash": 30 * DAY, "Nowhere": DAY})


@pytest.fixture
def store_options() -> Options:
    return Options(account_config=lambda name: CONFIG, check_on_close=True, min_free_space=0, undelete_grace=7 * DAY)


async def test_expunged_messages_come_back_with_flags_and_keywords(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-190."""
    async with accounts.use("mia") as account:
        await put(account, 3, flags=Flag.SEEN | Flag.DELETED, keywords=["work"])
        before = await rows(account)
        inbox = await box(account)
        await account.write(lambda tx: expunge(tx, inbox.id, [UID(1), UID(2)]))
        await account.settle()
        done = await undelete(account, tmp_path)
        assert (done.messages, done.damaged) == (2, 0)
        after = await rows(account)
        assert [row.uid for row in after] == [3, 4, 5]
        for old, new in zip(before[:2], after[1:], strict=True):
            assert (new.flags, new.keywords, new.received, new.size) == (Flag.SEEN, ("work",), old.received, old.size)
            assert new.body_id == old.body_id
        assert (await undelete(account, tmp_path)).messages == 0
        await account.settle()
        assert await look(account, lambda r: removed_messages(r, 0)) == []
        assert await account.scan(lambda r: check_account(r, deep=True, idle=True), op="test") == []


async def test_messages_longer_than_new_ones_may_be_come_back(
    accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-150, STORE-185, STORE-190: those from before the limit was lowered, and those that trace fields made
    longer. The others come back, too.
    """
    async with accounts.use("mia") as account:
        await put(account, 3)
        inbox = await box(account)
        defaults = {"max_size": 10, "strict": False, "compression": None, "chunks": True}
        monkeypatch.setattr(prepare, "__kwdefaults__", defaults)
        copy = tmp_path / "copy.db"
        await trio.to_thread.run_sync(copy_database, account.database.path, copy)
        await account.write(lambda tx: expunge_all(tx, inbox.id))
        assert (await undelete(account, tmp_path)).messages == 3
        restored = await restore_mail(account, copy, mailbox="Inbox", target="Old", tmp=tmp_path, tell=_silent)
        assert restored.messages == 3


async def _silent(_line: str) -> None:
    await trio.lowlevel.checkpoint()


async def test_only_what_was_removed_since_then_or_from_there(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-190."""
    async with accounts.use("mia") as account:
        await put(account, 2)
        await put(account, 2, "Sent", first=10)
        inbox, sent = await box(account), await box(account, "Sent")
        await account.write(lambda tx: expunge_all(tx, sent.id))
        await account.write(lambda tx: expunge(tx, inbox.id, [UID(1)]))
        between = time.time_ns() // 1000
        await trio.sleep(0.002)
        await account.write(lambda tx: expunge(tx, inbox.id, [UID(2)]))
        assert (await undelete(account, tmp_path, since=between)).messages == 1
        assert (await undelete(account, tmp_path, mailbox="Sent")).messages == 2
        assert (await box(account, "Sent")).total == 2
        assert (await box(account)).total == 1
        assert (await undelete(account, tmp_path, mailbox="Nowhere")).messages == 0


async def test_a_moved_message_is_not_doubled(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-190: it leaves a tombstone with content, too; one that was moved first comes back to where it went last."""
    async with accounts.use("mia") as account:
        await put(account, 2)
        inbox, trash = await box(account), await box(account, "Trash")
        await account.write(lambda tx: move_messages(tx, inbox.id, [UID(1), UID(2)], trash.id))
        assert (await undelete(account, tmp_path)).messages == 0
        await account.write(lambda tx: expunge(tx, trash.id, [UID(1)]))
        assert (await undelete(account, tmp_path)).messages == 1
        assert (await box(account, "Trash")).total == 2
        assert (await box(account)).total == 0


async def test_the_messages_of_a_deleted_mailbox_bring_it_back(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-190."""
    async with accounts.use("mia") as account:
        await account.write(lambda tx: create_mailbox(tx, "Projects/Old"))
        await put(account, 3, "Projects/Old")
        gone = await box(account, "Projects/Old")
        await account.write(lambda tx: delete_mailbox(tx, gone.id))
        assert (await undelete(account, tmp_path, mailbox="Projects/Old")).messages == 3
        assert (await box(account, "Projects/Old")).total == 3


async def test_the_quota_holds(accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-190, STORE-62: removed messages are outside of it until they come back."""
    async with accounts.use("mia") as account:
        await put(account, 2)
        inbox = await box(account)
        await account.write(lambda tx: expunge_all(tx, inbox.id))
        monkeypatch.setattr("tests.unit.test_store_undelete.CONFIG", AccountConfig(quota=inbox.size // 2 + 10))
        with pytest.raises(OverQuota):
            await undelete(account, tmp_path)
        assert (await box(account)).total == 1


async def test_a_short_disk_frees_what_could_be_undeleted(
    accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-190, STORE-157."""
    async with accounts.use("mia") as account:
        await put(account, 2)
        inbox = await box(account)
        await account.write(lambda tx: expunge_all(tx, inbox.id))
        await account.eraser.once()
        assert len(await look(account, lambda r: removed_messages(r, 0))) == 2
        monkeypatch.setattr(account.database.health, "short_of_space", lambda: True)
        await account.eraser.once()
        assert await look(account, lambda r: removed_messages(r, 0)) == []


async def test_after_a_jump_of_the_clock_nothing_is_erased_for_a_night(
    tmp_path: Path, store_options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-190a: started twice with the clock a year ahead, once with the right one; then, a night later, as ever."""
    now, file = time.time(), tmp_path / "clock.json"
    clock = SimpleNamespace(time=lambda: now, monotonic=lambda: 0.0, time_ns=lambda: int(now * 1e9))
    monkeypatch.setattr("moxlite.process.watchdog.time", clock)
    monkeypatch.setattr("moxlite.store.upkeep.erase.time", clock)
    monkeypatch.setattr("moxlite.store.accounts.rounds.time", clock)

    async def start() -> int:
        """A run of the server; how many messages can be brought back, and are in Trash."""
        options = msgspec.structs.replace(store_options, steady=ClockTrust(file))
        accounts = Accounts(tmp_path / "data", options)
        await Rounds(accounts)._tend("mia")
        async with accounts.use("mia") as account:
            found = len(await look(account, lambda r: removed_messages(r, 0)))
            trash = await look(account, lambda r: mailbox_by_name(r, "Trash"))
            found += 0 if trash is None else trash.total
        await accounts.aclose()
        return found

    accounts = Accounts(tmp_path / "data", store_options)
    async with accounts.use("mia") as account:
        await put(account, 2, flags=Flag.DELETED)
        await put(account, 1, first=10)
        inbox = await box(account)
        trash = await look(account, lambda r: mailbox_by_name(r, "Trash"))
        assert trash is not None
        await account.write(lambda tx: move_messages(tx, inbox.id, [UID(3)], trash.id))
        await account.write(lambda tx: expunge(tx, inbox.id, [UID(1), UID(2)]))
    await accounts.aclose()
    there = await start()
    assert there == 3
    for days in (365, 0.01, -365, 0.5):
        now += days * 86_400
        assert await start() == there
    now += 0.6 * 86_400
    assert await start() == there  # neither is old
    now += 8 * 86_400  # off for a week: a night more
    assert await start() == there
    now += 0.9 * 86_400
    assert await start() == there
    now += 0.2 * 86_400
    assert await start() == 1  # in Trash for 30 days


async def test_old_messages_of_a_mailbox_expire(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-192: by the time since they came into it, as ordinary expunges."""
    async with accounts.use("mia") as account:
        await put(account, 3, "Trash")
        await put(account, 1, first=9)
        now = time.time_ns() // 1000
        assert await expire(account, now) == 0
        _, cursor = await account.subscribe()
        await account.write(lambda tx: tx.execute("UPDATE message SET savedate = savedate - ? WHERE uid < 3", 31 * DAY))
        await expire(account, now)  # the round after the start may have been first
        assert [row.uid for row in await rows(account, "Trash")] == [3]
        assert (await box(account)).total == 1
        assert cursor.pending()
        cursor.close()
        assert (await undelete(account, tmp_path)).messages == 2


async def test_more_than_a_batch_expires(accounts: Accounts) -> None:
    """STORE-192."""
    async with accounts.use("mia") as account:
        await put(account, 600, "Trash")
        assert await expire(account, time.time_ns() // 1000 + 31 * DAY) == 600
        assert (await box(account, "Trash")).total == 0


async def test_the_night_removes_what_is_too_old(accounts: Accounts) -> None:
    """STORE-192: the round after the start of the server does, too."""
    async with accounts.use("mia") as account:
        await put(account, 2, "Trash")
        await account.write(lambda tx: tx.execute("UPDATE message SET savedate = 1"))
    await accounts.aclose()
    again = Accounts(accounts.directory, accounts.options)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervised, again)

        async def gone() -> bool:
            async with again.use("mia") as account:
                return (await box(account, "Trash")).total == 0

        await soon(gone)
        nursery.cancel_scope.cancel()


async def test_each_account_is_scrubbed_once_a_week(
    tmp_path: Path, accounts: Accounts, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-181: what is damaged is told, with the messages that have it; no account is opened to ask for the last
    time.
    """
    reports = await ReportsDB.open(tmp_path / "reports.db", Options(min_free_space=0))

    async def last(after: int = 0) -> LastScrub:
        with trio.fail_after(30):
            while True:
                found = await reports.database.read(last_scrubs, op="test")
                if "mia" in found and found["mia"].started > after:
                    return found["mia"]
                await trio.sleep(0.01)

    async with accounts.use("mia") as account:
        added = await put(account, 2)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(scrub_weekly, accounts, reports)
            first = await last()
            nursery.cancel_scope.cancel()
        assert first.damaged == 0
        await account.write(lambda tx: tx.execute("UPDATE body_chunk SET digest = digest + 1 WHERE id = (1 << 16)"))
        opened = accounts.use
        with pytest.MonkeyPatch.context() as patch, trio.move_on_after(0.2):
            patch.setattr(accounts, "use", lambda name, **_: pytest.fail(f"{name} was opened"))
            await scrub_weekly(accounts, reports)
        assert accounts.use == opened
        assert await last() == first
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(scrub_weekly, accounts, reports, interval=SECOND // 1000))
            await eventually(lambda: "stored mail is damaged" in caplog.text, what="the next scrub")
            second = await last(first.started)
            nursery.cancel_scope.cancel()
        assert second.damaged == 1
        await account.write(lambda tx: tx.execute("UPDATE body_chunk SET digest = digest - 1 WHERE id = (1 << 16)"))
        assert added
    await reports.database.write(partial(forget_scrubs, known=["bo"]))
    assert await reports.database.read(last_scrubs, op="test") == {}
    await reports.aclose()
