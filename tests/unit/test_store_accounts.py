"""Accounts: opening, sharing, creating, closing, removing, checking (STORE-1, 8, 10, 11, 41, 140, 166); units with
keys.
"""

from __future__ import annotations

import errno
import math
import threading
import time
from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace

import apsw
import msgspec
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from moxlite import supervision
from moxlite.store.accounts import (
    accounts as accounts_module,
    opened as opened_module,
    rounds,
    slots,
    slots as places_module,
)
from moxlite.store.accounts.accounts import Accounts, CheckFailed
from moxlite.store.accounts.folders import check_account_name, set_aside
from moxlite.store.accounts.rounds import NIGHT
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.keys import packed, recent_keys
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import (
    AccountRemoved,
    AccountUnknown,
    AlreadyDone,
    BadAccountName,
    Closed,
    LoginDisabled,
    SchemaTooNew,
    StorageBroken,
)
from moxlite.store.file.transaction import Reader
from moxlite.store.mail import mailboxes
from moxlite.store.options import AccountConfig, Options
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.store.types import AccountClosing, SpecialUse
from moxlite.wakeup import LONGEST_SLEEP, sleep_by_both_clocks
from tests.store_fixtures import accounts, soon, store_options
from tests.store_imports import done, imported, mbox, tgz
from tests.store_mail import deliver_mail
from tests.supervised import supervised
from tests.tools import eventually, settled

__all__ = ["accounts", "store_options"]


@pytest.mark.parametrize("name", ["a", "mjl", "a.b-c_d", "0" * 64])
def test_good_account_names(name: str) -> None:
    """STORE-166."""
    assert check_account_name(name) == name


@pytest.mark.parametrize("name", ["", "A", ".a", "-a", "a..b", "a/b", "../x", "a\n", "a\0", "é", "x" * 65, "a b"])
def test_bad_account_names(name: str) -> None:
    """STORE-166: no path is built of them."""
    with pytest.raises(BadAccountName):
        check_account_name(name)


async def test_a_bad_name_makes_no_folder(accounts: Accounts) -> None:
    """STORE-166."""
    with pytest.raises(BadAccountName):
        async with accounts.use("../evil"):
            pass
    assert not (accounts.directory / "accounts").exists()


async def test_a_new_account_has_its_first_mailboxes_all_subscribed(accounts: Accounts) -> None:
    """STORE-11, STORE-18."""
    async with accounts.use("mjl") as account:
        boxes = await account.read(mailbox_rows.mailboxes, op="test")
        assert {box.name: box.special_use for box in boxes} == {
            "Inbox": SpecialUse(0),
            "Archive": SpecialUse.ARCHIVE,
            "Drafts": SpecialUse.DRAFTS,
            "Junk": SpecialUse.JUNK,
            "Sent": SpecialUse.SENT,
            "Trash": SpecialUse.TRASH,
        }
        subscribed = await account.read(lambda r: r.rows("SELECT name FROM subscription WHERE present"), op="test")
        assert {name for (name,) in subscribed} == {box.name for box in boxes}
        assert len({box.uidvalidity for box in boxes}) == len(boxes)
    folder = accounts.path("mjl")
    assert folder.stat().st_mode & 0o7777 == 0o2750
    assert (folder / "account.db").stat().st_mode & 0o777 == 0o640


async def test_the_configuration_names_the_first_mailboxes(tmp_path: Path) -> None:
    """STORE-11: one mailbox may have two uses, a use may be left out."""
    config = AccountConfig(
        initial_special_use={SpecialUse.ARCHIVE: "Old", SpecialUse.TRASH: "Old", SpecialUse.SENT: "Post/Sent"},
        initial_regular=("Post/Lists", "Old"),
    )
    accounts = Accounts(tmp_path, Options(account_config=lambda name: config, min_free_space=0, check_on_close=True))
    async with accounts.use("mjl") as account:
        boxes = await account.read(mailbox_rows.mailboxes, op="test")
        assert {box.name: box.special_use for box in boxes} == {
            "Inbox": SpecialUse(0),
            "Old": SpecialUse.ARCHIVE | SpecialUse.TRASH,
            "Post": SpecialUse(0),
            "Post/Sent": SpecialUse.SENT,
            "Post/Lists": SpecialUse(0),
        }
    await accounts.aclose()


async def test_what_is_not_configured_cannot_be_opened(tmp_path: Path) -> None:
    """STORE-1, STORE-8."""
    accounts = Accounts(tmp_path, Options(account_config=lambda name: None))
    with pytest.raises(AccountUnknown):
        async with accounts.use("mjl"):
            pass
    assert not accounts.exists("mjl")


async def test_login_disabled_concerns_only_who_asks(tmp_path: Path) -> None:
    """STORE-8: deliveries go on."""
    accounts = Accounts(
        tmp_path, Options(account_config=lambda name: AccountConfig(login_disabled="ask the office"), min_free_space=0)
    )
    with pytest.raises(LoginDisabled, match="ask the office"):
        async with accounts.use("mjl", check_login=True):
            pass
    async with accounts.use("mjl") as account:
        assert account.config.login_disabled
    await accounts.aclose()


async def test_all_users_share_one_open_account(accounts: Accounts) -> None:
    """STORE-8: also those who come while it is being opened."""
    opened: list[Account] = []

    async def user() -> None:
        async with accounts.use("mjl") as account:
            opened.append(account)
            await trio.testing.wait_all_tasks_blocked()

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(user)
    assert len(opened) == 5
    assert len(set(map(id, opened))) == 1


async def test_an_account_without_users_is_closed_after_a_while(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-8: one in use is not; a closed one opens again."""
    async with accounts.use("busy") as busy:
        async with accounts.use("idle") as idle:
            await idle.write(lambda tx: mailboxes.create_mailbox(tx, "kept"))
        await accounts.close_idle()
        await idle.write(lambda tx: None)
        monkeypatch.setattr(accounts_module, "IDLE", 0.0)
        await accounts.close_idle()
        with pytest.raises(Closed):
            await idle.write(lambda tx: None)
        await busy.write(lambda tx: None)
        async with accounts.use("idle") as again:
            assert again is not idle
            assert await again.read(lambda r: mailbox_rows.mailbox_by_name(r, "kept"), op="test") is not None


async def test_beyond_a_number_of_open_accounts_the_longest_unused_are_closed(accounts: Accounts) -> None:
    """STORE-8."""
    accounts.max_open = 2
    for name in ("a", "b", "c", "d"):
        async with accounts.use(name):
            pass
        await trio.sleep(0.001)
    assert sorted(accounts._slots) == ["c", "d"]  # each was closed to make room
    await accounts.close_idle(room=1)
    assert sorted(accounts._slots) == ["d"]


async def test_who_comes_while_an_account_closes_gets_it_opened_anew(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-8."""
    monkeypatch.setattr(accounts_module, "IDLE", 0.0)
    async with accounts.use("mjl"):
        pass

    async def user() -> None:
        async with accounts.use("mjl") as account:
            await account.write(lambda tx: mailboxes.ensure_mailbox(tx, "x"))

    for _ in range(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(accounts.close_idle)
            for _ in range(3):
                nursery.start_soon(user)


async def test_an_account_without_users_stays_open_while_its_background_tasks_work(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-8."""
    async with accounts.use("mjl") as account:
        pass
    slot = accounts._slots["mjl"]
    slot.idle_since = trio.current_time() - accounts_module.IDLE
    await accounts.close_idle()
    assert slot.account is account  # its database was written to a moment ago
    monkeypatch.setattr(accounts_module, "IDLE", 0.0)
    with trio.fail_after(30):
        while slot.account is not None:  # rows of its outbox may still wait
            await accounts.close_idle()
            await trio.sleep(0.01)


async def test_an_account_whose_closing_is_cancelled_is_closed_all_the_same(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-8, STORE-10: as by a server that stops just then, which leaves no log behind."""
    monkeypatch.setattr(accounts_module, "IDLE", 0.0)
    scope = trio.CancelScope()

    async def task(account: Account) -> None:
        try:
            await trio.sleep_forever()
        finally:
            scope.cancel()

    accounts.register_task("store.task", task)
    async with accounts.use("mjl") as account:
        await trio.testing.wait_all_tasks_blocked()
    with scope:
        while True:  # a round may use the account just now
            await accounts.close_idle()
            await trio.lowlevel.checkpoint()
    assert scope.cancelled_caught
    with pytest.raises(Closed):
        await account.write(lambda tx: None)
    assert [path.name for path in account.directory.iterdir() if "wal" in path.name] == []


async def test_an_account_that_cannot_be_opened_fails_alone(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-8, STORE-148, STORE-158: and can be opened once it is repaired."""
    for name in ("newer", "broken"):
        async with accounts.use(name):
            pass
    monkeypatch.setattr(accounts_module, "IDLE", 0.0)
    while accounts._slots:  # a round may use an account just now
        await accounts.close_idle()
        await trio.lowlevel.checkpoint()
    newer = accounts.path("newer") / "account.db"
    db = apsw.Connection(str(newer))
    version = db.pragma("user_version")
    db.execute("PRAGMA user_version=999")
    db.close()
    (accounts.path("broken") / "account.db").write_bytes(b"x" * 10_000)
    for name, error in (("newer", SchemaTooNew), ("broken", Exception)):
        with pytest.raises(error):
            async with accounts.use(name):
                pass
    async with accounts.use("good"):
        pass
    db = apsw.Connection(str(newer))
    db.execute(f"PRAGMA user_version={version}")
    db.close()
    async with accounts.use("newer"):
        pass


async def test_a_new_account_that_cannot_be_marked_as_made_is_not_left_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-8, STORE-158d: its file would be open twice, and its log never be folded in."""

    def writers() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name == "writer mjl"]

    def fails(_: Path) -> None:
        raise OSError(errno.EIO, "the disk fails")

    accounts = Accounts(tmp_path, Options(min_free_space=0))
    with monkeypatch.context() as patch:
        patch.setattr(opened_module, "folder_is_made", fails)
        with pytest.raises(StorageBroken):
            await accounts.create("mjl")
    assert writers() == []
    async with accounts.use("mjl") as account:
        await account.write(lambda tx: None)
        assert writers() == ["writer mjl"]
    await accounts.aclose()


async def test_a_removed_account_closes_its_subscribers_and_its_folder_goes(accounts: Accounts) -> None:
    """STORE-140: nobody can open it meanwhile; a new one of that name is empty."""
    left = trio.Event()

    async def session() -> None:
        async with accounts.use("mjl") as account:
            await account.write(lambda tx: mailboxes.create_mailbox(tx, "secret"))
            _, cursor = await account.subscribe()
            with cursor:
                ready.set()
                await cursor.wait()
                assert isinstance((await cursor.take()).events[-1], AccountClosing)
                with pytest.raises(AccountRemoved):
                    async with accounts.use("mjl"):
                        pass
                assert not accounts.exists("mjl")
                await left.wait()

    ready = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(session)
        await ready.wait()
        nursery.start_soon(accounts.remove, "mjl")
        await trio.testing.wait_all_tasks_blocked()
        assert accounts.path("mjl").exists()
        left.set()
    assert not accounts.path("mjl").exists()
    assert list((accounts.directory / "tmp").iterdir()) == []
    async with accounts.use("mjl") as account:
        assert await account.read(lambda r: mailbox_rows.mailbox_by_name(r, "secret"), op="test") is None


async def test_an_account_removed_twice_at_once_goes_once(accounts: Accounts) -> None:
    """STORE-140."""
    await accounts.create("mjl")
    results: list[str] = []

    async def remove() -> None:
        try:
            await accounts.remove("mjl")
            results.append("removed")
        except AccountUnknown:
            results.append("unknown")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(remove)
        nursery.start_soon(remove)
    assert sorted(results) == ["removed", "unknown"]
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery, accounts.use("mjl"):  # for whose end both wait
            nursery.start_soon(remove)
            nursery.start_soon(remove)
            await trio.testing.wait_all_tasks_blocked()
    assert sorted(results) == ["removed", "removed", "unknown", "unknown"]


async def test_removing_what_is_not_there_is_an_error(accounts: Accounts) -> None:
    """STORE-140."""
    with pytest.raises(AccountUnknown):
        await accounts.remove("nobody")


async def test_the_names_are_those_with_folders(accounts: Accounts) -> None:
    """STORE-1, STORE-158d: also of one that has lost its database."""
    await accounts.create("b")
    await accounts.create("a")
    (accounts.directory / "accounts" / "c").mkdir()
    (accounts.directory / "accounts" / "README").write_text("no account")
    assert accounts.names() == ["a", "b", "c"]


async def test_the_check_on_close_fails_who_left_last(tmp_path: Path) -> None:
    """STORE-41."""
    accounts = Accounts(tmp_path, Options(check_on_close=True, min_free_space=0))
    with pytest.raises(CheckFailed, match="counts"):
        async with accounts.use("mjl") as account:
            await account.write(lambda tx: tx.execute("UPDATE mailbox SET total = 7 WHERE name = 'Inbox'"))
    await accounts.aclose()


async def test_a_unit_with_a_known_key_does_not_run_again(accounts: Accounts) -> None:
    """STORE-189: for seven days."""

    def age(tx: AccountTx) -> None:
        aged = [(key, created - (key == b"k1") * 8 * 86400 * 1000000) for key, created in recent_keys(tx)]
        tx.execute("UPDATE state SET recent_keys = ?", packed(aged))

    async with accounts.use("mjl") as account:
        await account.write(lambda tx: mailboxes.create_mailbox(tx, "once"), key=b"k1")
        with pytest.raises(AlreadyDone):
            await account.write(lambda tx: mailboxes.create_mailbox(tx, "twice"), key=b"k1")
        assert await account.read(lambda r: mailbox_rows.mailbox_by_name(r, "twice"), op="test") is None
        assert await account.write(lambda tx: tx.once(b"k2"))
        assert not await account.write(lambda tx: tx.once(b"k2"))
        with pytest.raises(ZeroDivisionError):
            await account.write(lambda tx: 1 // 0, key=b"k3")
        await account.write(lambda tx: None, key=b"k3")
        await account.write(age)
        await account.tend()
        await account.write(lambda tx: None, key=b"k1")
        with pytest.raises(AlreadyDone):
            await account.write(lambda tx: None, key=b"k3")


async def test_background_tasks_run_while_an_account_is_open(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-86 and others: a task ends when the account closes, before its database does."""
    running: list[str] = []
    begun = trio.Event()

    async def task(account: Account) -> None:
        running.append(account.name)
        begun.set()
        try:
            await trio.sleep_forever()
        finally:
            running.remove(account.name)
            account.check_space()

    accounts.register_task("store.task", task)
    async with accounts.use("mjl"):
        await begun.wait()
        assert running == ["mjl"]
    monkeypatch.setattr(accounts_module, "IDLE", 0.0)
    while running:  # a round may use the account just now
        await accounts.close_idle()
        await trio.lowlevel.checkpoint()


async def test_a_task_begins_where_it_has_work_and_for_each_session(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-8, STORE-10: mail for a closed account begins nothing that has no work there."""
    monkeypatch.setattr(slots, "LOOK", 0.01)
    begun: list[str] = []
    due: set[str] = set()

    async def task(account: Account) -> None:
        begun.append(account.name)

    accounts.register_task("store.task", task, lambda name, r: name in due and r.value("SELECT 1") == 1)
    async with accounts.use("mjl"):
        slot = accounts._slots["mjl"]
        await trio.testing.wait_all_tasks_blocked()
        assert slot.tasks is not None
        assert (begun, slot.tasks.tree) == ([], None)
        due.add("mjl")
        accounts.look_again()
        await eventually(lambda: begun == ["mjl"])
    due.add("bob")
    async with accounts.use("bob"):
        await eventually(lambda: begun[1:] == ["bob"])
    async with accounts.use("eve"), accounts.use("eve", linger=accounts_module.IDLE):
        await eventually(lambda: begun[2:] == ["eve"])
        tasks = accounts._slots["eve"].tasks
        assert tasks is not None
        assert tasks.tree is not None
        assert {name for name in tasks.names if tasks.runs(name)} >= {"store.carrier", "store.eraser", "store.gatherer"}


async def test_an_account_closed_at_rest_is_opened_without_a_look_for_work(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-8: posts to a list, one after the other; all that has other background work is looked at each time."""
    asked: list[str] = []

    def is_due(name: str, r: Reader) -> bool:
        asked.append(name)
        return "busy" in name

    async def task(account: Account) -> None:
        pass

    async def visits(name: str, *, linger: float = slots.BRIEF) -> list[int]:
        """Deliver three messages, and close the account after each; how often an opening looked for work."""
        looks = []
        for _ in range(3):
            asked.clear()
            async with accounts.use(name, linger=linger) as account:
                await deliver_mail(account, b"Subject: a post\r\n\r\ntext\r\n")
            while accounts._slots:  # a round may use the account just now
                await accounts.close_idle()
                await trio.lowlevel.checkpoint()
            looks.append(len(asked))
        return looks

    monkeypatch.setattr(accounts_module, "IDLE", 0.0)
    accounts.register_task("store.task", task, is_due)
    assert await visits("mjl") == [1, 0, 0]
    accounts.look_again()
    assert await visits("mjl") == [1, 0, 0]
    assert await visits("mjl", linger=slots.BRIEF + 1) == [0, 1, 1]  # a session begins all tasks
    assert await visits("busy") == [1, 1, 1]
    assert await visits("mjl") == [1, 0, 0]
    await accounts.remove("mjl")
    assert await visits("mjl") == [1, 0, 0]
    monkeypatch.setattr(slots, "KNOWN", 0.0)
    assert await visits("mjl") == [1, 1, 1]


async def test_tasks_are_registered_while_an_account_is_opened(accounts: Accounts) -> None:
    """STORE-8: the look into its file, in a thread, isn't disturbed, and the newcomers begin there too."""
    begun: list[str] = []
    looked, registered = trio.Event(), threading.Event()

    def due(name: str, r: Reader) -> bool:
        trio.from_thread.run_sync(looked.set)
        return not registered.wait(20)

    async def late(account: Account) -> None:
        begun.append(account.name)

    accounts.register_task("store.slow", late, due)
    async with trio.open_nursery() as nursery:

        async def use() -> None:
            async with accounts.use("bob"):
                await eventually(lambda: begun == ["bob"] * 20)

        nursery.start_soon(use)
        await looked.wait()
        for number in range(20):
            accounts.register_task(f"store.late{number}", late)
        registered.set()


async def test_much_mail_of_an_account_without_a_session_is_indexed_a_while_later(
    tmp_path: Path, store_options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-8, STORE-112: a mail opens no index, whether the account is closed afterwards or not."""
    monkeypatch.setattr(slots, "LOOK", 0.01)
    monkeypatch.setattr(rounds, "ENOUGH", 6)  # two for each mail
    monkeypatch.setattr(rounds, "LATER", 5.0)
    accounts = Accounts(tmp_path, msgspec.structs.replace(store_options, search_index=True))
    async with trio.open_nursery() as nursery:
        await nursery.start(supervised, accounts)
        await settled()  # the first round has found no account
        mail = b"Subject: x\r\n\r\nneedle\r\n"
        visits = accounts._rounds.behind._visits
        await accounts.create("closed")
        await accounts._close_unused("closed", needed=True)
        async with accounts.use("open") as account:
            tasks = accounts._slots["open"].tasks
            assert tasks is not None
            tasks.rows = 0  # of its first mailboxes
            accounts._rounds.behind._changes.clear()
            visits.clear()
            for count in range(3):
                async with accounts.use("closed") as closed:
                    await deliver_mail(closed, mail)
                await accounts._close_unused("closed", needed=True)
                await deliver_mail(account, mail)
                await eventually(lambda: not tasks.wanted)
                assert (sorted(visits), count) in (([], 0), ([], 1), (["closed", "open"], 2))
        assert not list(accounts.directory.rglob("search.db"))
        await eventually(lambda: not visits and len(list(accounts.directory.rglob("search.db"))) == 2)
        for name in ("closed", "open"):
            async with accounts.use(name) as account:
                await account.catch_up()
                assert await account.search.ask(lambda r: r.value("SELECT count(*) FROM text"), "test") == 3
        nursery.cancel_scope.cancel()


async def test_an_import_without_a_session_is_indexed_at_once(
    tmp_path: Path, store_options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-112: all of its messages come in one unit, which has one modseq."""
    monkeypatch.setattr(slots, "LOOK", 0.01)
    monkeypatch.setattr(rounds, "ENOUGH", 60)
    monkeypatch.setattr(rounds, "MANY", 60)
    monkeypatch.setattr(rounds, "LATER", math.inf)
    accounts = Accounts(tmp_path, msgspec.structs.replace(store_options, search_index=True))
    async with trio.open_nursery() as nursery:
        await nursery.start(supervised, accounts)
        await settled()  # the first round has found no account
        messages = [b"Subject: x\r\n\r\nneedle %d\r\n" % number for number in range(60)]
        done(await imported(accounts, tgz({"a.mbox": mbox(messages)})))
        await eventually(lambda: list(accounts.directory.rglob("search.db")))
        async with accounts.use("mia") as account:
            await account.indexer.once()
            assert await account.search.ask(lambda r: r.value("SELECT count(*) FROM text"), "test") == 60
        nursery.cancel_scope.cancel()


async def test_a_moment_of_the_outbox_is_kept_though_the_account_is_closed_before_a_look(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-189a, WEBMAIL-96: else a message that is to be sent next week waits until the account is opened again."""
    later = time.time_ns() // 1000 + 7 * 86_400_000_000
    async with accounts.use("mjl") as account:
        await account.write(lambda tx: tx.owe(b"key", "test", b"", due=later))
        await settled()
    await accounts._close_unused("mjl", needed=True)
    assert accounts._rounds.dues._moments == {"mjl": later}

    async def never(*_: object) -> None:
        await trio.sleep_forever()

    with monkeypatch.context() as patch:
        patch.setattr("moxlite.store.upkeep.outbox.OutboxWorker.once", never)
        accounts._rounds.dues.note("mjl", None)
        async with accounts.use("mjl") as account:
            assert account.carrier.due == 0
        await accounts._close_unused("mjl", needed=True)
        assert "mjl" in accounts._rounds.dues._moments


async def test_a_background_task_also_runs_for_accounts_that_are_open_already(accounts: Accounts) -> None:
    """STORE-10: who registers late, as the queue does once its own file is open."""
    begun = trio.Event()

    async def task(account: Account) -> None:
        begun.set()

    async with accounts.use("mjl"):
        await trio.testing.wait_all_tasks_blocked()
        accounts.register_task("store.task", task)
        with trio.fail_after(60):
            await begun.wait()


async def test_a_background_task_that_fails_starts_again_and_disturbs_nobody(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-158: neither the server nor the account's other tasks."""
    monkeypatch.setattr(supervision, "FIRST_PAUSE", 0.0)
    runs = 0
    again = trio.Event()

    async def task(account: Account) -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise ValueError("a fault")
        again.set()

    accounts.register_task("store.task", task)
    async with accounts.use("mjl") as account:
        with trio.fail_after(60):
            await again.wait()
        await account.write(lambda tx: None)
    assert "task failed, restarting after backoff" in caplog.messages


async def test_accounts_that_nobody_uses_wake_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-10, IMAP-170: the clock of the upkeep stands still while all is done, and goes on with the next use."""
    for name in (
        "moxlite.store.accounts.slots.UPKEEP",
        "moxlite.store.file.database.UPKEEP",
        "moxlite.store.file.database.IDLE",
        "moxlite.heap.TRIM_INTERVAL",
    ):
        monkeypatch.setattr(name, 0.01)
    accounts = Accounts(tmp_path, Options(min_free_space=0))
    wakeup = accounts._upkeep.wakeup

    def still() -> bool:
        return not wakeup.is_set and wakeup._lot.statistics().tasks_waiting == 1

    async with trio.open_nursery() as nursery:
        await nursery.start(supervised, accounts)
        async with accounts.use("mjl") as account:
            await account.write(lambda tx: None)
            _, cursor = await account.subscribe()
            with cursor:
                await eventually(still, what="upkeep that waits for the next use")
                assert account.database.resting
                await account.write(lambda tx: mailboxes.create_mailbox(tx, "x"))
                assert not still()
                await eventually(lambda: account.database.resting, what="a database with nothing to do")
                assert not slots.rests(accounts._slots["mjl"])  # a subscriber has not heard of it
                cursor.acknowledge((await cursor.take()).modseq)
                await eventually(still, what="upkeep that waits again")
        monkeypatch.setattr("moxlite.store.accounts.accounts.IDLE", 0.01)
        await eventually(lambda: "mjl" not in accounts._slots, what="the account is closed")
        await eventually(still, what="upkeep that waits while nothing is open")
        nursery.cancel_scope.cancel()


async def test_a_file_that_was_not_closed_is_checked_in_the_background(tmp_path: Path) -> None:
    """STORE-10: damage found so degrades the account."""
    options = Options(min_free_space=0)
    first = Accounts(tmp_path / "one", options)
    async with first.use("mjl") as account:
        await account.write(
            lambda tx: tx.executemany("INSERT INTO outgoing (recipient, submitted) VALUES (?, 1)", [("x" * 500,)] * 500)
        )
        await account.database.trim()
        await account.write(lambda tx: tx.execute("DELETE FROM outgoing WHERE id = 1"))
        # What a kill leaves: the file and its log.
        folder = tmp_path / "two" / "accounts" / "mjl"
        folder.mkdir(parents=True)
        for name in ("account.db", "account.db-wal"):
            (folder / name).write_bytes((account.directory / name).read_bytes())
    await first.aclose()
    content = bytearray((folder / "account.db").read_bytes())
    middle = len(content) // 4096 - 20
    content[middle * 4096 : middle * 4096 + 100] = b"\xa5" * 100
    (folder / "account.db").write_bytes(content)
    second = Accounts(tmp_path / "two", options)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervised, second)
        async with second.use("mjl") as account:
            assert account.database.unclean

            async def broken() -> bool:
                return account.database.health.broken != ""

            await soon(broken)
            assert list(second.broken()) == ["mjl"]
            with pytest.raises(StorageBroken):
                await account.write(lambda tx: None)
        nursery.cancel_scope.cancel()


async def test_nothing_can_be_used_after_the_end(tmp_path: Path) -> None:
    """STORE-8."""
    accounts = Accounts(tmp_path, Options(min_free_space=0))
    async with accounts.use("mjl"):
        pass
    await accounts.aclose()
    with pytest.raises(AccountUnknown):
        async with accounts.use("mjl"):
            pass


async def test_a_night_ends_by_either_clock(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-27: after a day of the event loop's clock; soon after the wall clock was set forward, or the machine has
    slept.
    """
    moment = 1e9
    monkeypatch.setattr("moxlite.wakeup.time", SimpleNamespace(time=lambda: moment))
    began = trio.current_time()
    await sleep_by_both_clocks(NIGHT)
    assert trio.current_time() - began == pytest.approx(NIGHT)
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sleep_by_both_clocks, NIGHT)
        await trio.testing.wait_all_tasks_blocked()
        moment += NIGHT
    assert trio.current_time() - began == pytest.approx(LONGEST_SLEEP)


def test_what_is_set_aside_within_a_second_gets_folders_of_its_own(tmp_path: Path) -> None:
    """STORE-158d: nothing that was left of a database takes another one's place."""
    found = set()
    for _ in range(3):
        (tmp_path / "queue.db-wal").write_bytes(b"left")
        found.add(set_aside(tmp_path, "queue.db"))
    assert len(found) == 3
    assert len(list(tmp_path.glob("damaged-*/queue.db-wal"))) == 3
    assert set_aside(tmp_path, "queue.db") is None


async def test_accounts_close_though_their_supervisor_has_ended(tmp_path: Path, store_options: Options) -> None:
    """STORE-140: an account that is opened at the last moment has no tasks, whose end closing could wait for."""
    found = Accounts(tmp_path, store_options)

    async def task(_: Account) -> None:
        await trio.sleep_forever()

    found.register_task("store.task", task)
    with trio.CancelScope() as scope:
        async with supervision.open_supervisor("test") as tree:
            found.start(tree)
            scope.cancel()
            await trio.lowlevel.checkpoint()
    with pytest.raises(RuntimeError):
        async with found.use("mia"):
            raise AssertionError("it has no tasks")
    with trio.fail_after(60):
        await found.aclose()


async def test_an_account_stays_open_as_long_as_its_users_wanted(
    mock_clock: trio.testing.MockClock, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-8: a session 30 s, a single operation 5 s, a round 1 s."""
    monkeypatch.setattr("moxlite.store.file.database.Database.idle", property(lambda _: 1000.0))
    for name, linger in (("session", accounts_module.IDLE), ("delivery", places_module.BRIEF), ("round", 1.0)):
        async with accounts.use(name, linger=linger):
            pass
    async with accounts.use("session"):
        pass
    open_names = []
    for seconds in (0.5, 1.0, 4.0, 20.0, 10.0):
        mock_clock.jump(seconds)
        await accounts.close_idle()
        open_names.append(sorted(name for name, slot in accounts._slots.items() if slot.account is not None))
    assert open_names == [
        ["delivery", "round", "session"],
        ["delivery", "session"],
        ["session"],
        ["session"],
        [],
    ]


async def test_mail_for_many_accounts_keeps_few_of_them_open(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-8: without waiting for their time, the longest unused first; accounts of sessions stay."""
    brief, session = 1800.0, 3600.0  # none is closed by its time, however slow the machine is
    monkeypatch.setattr(accounts_module, "IDLE", session)
    for module in (accounts_module, places_module):
        monkeypatch.setattr(module, "BRIEF", brief)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervised, accounts)
        await settled()  # the first round has listed the accounts by then: it would open each again
        async with accounts.use("session", linger=session):
            pass
        for number in range(40):
            async with accounts.use(f"user{number:02}", linger=brief):
                pass

        def still() -> list[str]:
            return sorted(name for name, slot in accounts._slots.items() if slot.account is not None)

        await eventually(lambda: len(still()) <= 1 + accounts.places.most)
        assert still() == ["session", *(f"user{number:02}" for number in range(40 - accounts.places.most, 40))]
        nursery.cancel_scope.cancel()


def number_open(accounts: Accounts) -> int:
    """Accounts that are open now."""
    return sum(slot.account is not None for slot in accounts._slots.values())


async def test_few_accounts_are_open_for_single_operations_at_a_time(accounts: Accounts) -> None:
    """STORE-8: the others wait, first come, first served; sessions do not."""
    most, done = 0, []

    async def deliver(number: int) -> None:
        nonlocal most
        async with accounts.use(f"user{number:02}") as account:
            most = max(most, number_open(accounts))
            await account.read(lambda r: r.db.execute("SELECT 1").fetchall(), op="test")
        done.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(3 * accounts.places.most):
            nursery.start_soon(deliver, number)
    assert len(done) == 3 * accounts.places.most
    assert most <= accounts.places.most
    async with AsyncExitStack() as stack:
        for number in range(accounts.places.most + 1):
            await stack.enter_async_context(accounts.use(f"session{number}", linger=accounts_module.IDLE))


async def test_an_operation_with_two_accounts_waits_for_no_place_of_its_own(accounts: Accounts) -> None:
    """STORE-8: all places are taken by operations that open another account: copies, deliveries to several."""
    ready = trio.Event()
    holders = 0

    async def copy(number: int) -> None:
        nonlocal holders
        async with accounts.use(f"source{number}"):
            holders += 1
            if holders == accounts.places.most:
                ready.set()
            await ready.wait()
            before = trio.current_time()
            async with accounts.use(f"target{number}"):
                assert trio.current_time() - before < places_module.HELD

    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            for number in range(accounts.places.most):
                nursery.start_soon(copy, number)


async def test_a_long_operation_takes_no_place(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-8: a delivery waits for seconds at most for operations that go on, such as imports."""
    monkeypatch.setattr(places_module, "HELD", 0.2)
    async with AsyncExitStack() as stack:
        for number in range(accounts.places.most):
            token = places_module.holding.set(False)  # as if each were in a task of its own
            await stack.enter_async_context(accounts.use(f"long{number}"))
            places_module.holding.reset(token)
        with trio.fail_after(places_module.HELD + 30):
            async with accounts.use("delivery"):
                pass
