"""Imports: all or nothing, invisible until the end, beside deliveries (moxlite/store/imports)."""

import io
import math
import tarfile
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
import trio

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.spool import SpoolSpace
from moxlite.store.errors import ImportFailed, OverQuota
from moxlite.store.file.transaction import Reader
from moxlite.store.imports import adding, reading as reading_module
from moxlite.store.imports.adding import add_messages
from moxlite.store.imports.engine import Imports
from moxlite.store.imports.items import Aborted, Count, Done, Event, Form, Order, Progress, Step, Trouble, Upload
from moxlite.store.mail.expunging import expunge_all
from moxlite.store.mail.staging import GAP, GAP_LEAST, GAP_MOST, Job, begin, confirm, gap_for
from moxlite.store.options import AccountConfig, Options
from moxlite.store.people.correspondents import suggest
from moxlite.store.rows.mailboxes import mailbox_by_name, mailboxes, spellings, state, subscriptions
from moxlite.store.types import Flag, MessageAdded
from moxlite.store.upkeep.check import check_account
from moxlite.supervision import open_supervisor
from tests.store_fixtures import accounts, store_options
from tests.store_imports import contents, done, folder, imported, mbox, tar, tgz
from tests.store_mail import box, deliver_mail, look, mail, rows
from tests.tools import eventually

__all__ = ["accounts", "store_options"]

MBOX = Order(form=Form.MBOX)


def staged(r: Reader) -> tuple[int, int]:
    """Rows of a running import."""
    return r.value("SELECT count(*) FROM import_job"), r.value("SELECT count(*) FROM import_message")


async def test_messages_of_an_mbox_appear_with_uids_flags_and_times(accounts: Accounts) -> None:
    """STORE-120, STORE-122, STORE-124"""
    file = mbox([mail(1), mail(2)]).replace(b"Subject:", b"Status: RO\nX-Keywords: Work\nSubject:", 1)
    async with accounts.use("mia") as account:
        await deliver_mail(account, mail(0))
        progress = await imported(accounts, file, MBOX)
        assert progress.end == Done(2, 0, dry_run=False, first_id=GAP_LEAST + 2)
        found = await rows(account)
        assert [row.uid for row in found] == [1, 2, 3]
        assert found[1].flags == Flag.SEEN
        assert found[1].keywords == ("work",)
        assert (await look(account, spellings))["work"] == "Work"
        assert found[1].received == 1_790_848_800_000_000
        assert len({row.modseq for row in found[1:]}) == 1
        assert [octets for octets, _, _ in (await contents(account))["Inbox"]] == [mail(0), mail(1), mail(2)]
        after = await deliver_mail(account, mail(3))
        assert after.uid == 4
        assert after.message_id > found[2].id > found[1].id > found[0].id
        assert (await box(account)).total == 4


async def test_a_subscriber_is_told_each_message_of_a_small_import(accounts: Accounts) -> None:
    """STORE-31, STORE-122"""
    async with accounts.use("mia") as account:
        _, cursor = await account.subscribe()
        done(await imported(accounts, mbox([mail(1), mail(2)]), MBOX))
        batch = await cursor.take()
        added = [event for event in batch.events if isinstance(event, MessageAdded)]
        assert [(event.uid, event.exists) for event in added] == [(1, 2), (2, 2)]
        cursor.close()


async def test_a_subscriber_is_told_each_message_of_a_large_import(accounts: Accounts) -> None:
    """STORE-34, STORE-122"""
    async with accounts.use("mia") as account:
        _, cursor = await account.subscribe()
        done(await imported(accounts, mbox([b"Subject: %d\r\n\r\nx\r\n" % number for number in range(1100)]), MBOX))
        seen = 0
        while cursor.pending():
            seen += sum(isinstance(event, MessageAdded) for event in (await cursor.take()).events)
        assert seen == 1100
        cursor.close()


class Stalling:
    """A file that stops in the middle, until it may go on."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at
        self.reached, self.go = trio.Event(), trio.Event()

    async def pieces(self) -> AsyncIterator[bytes]:
        yield self.data[: self.at]
        self.reached.set()
        await self.go.wait()
        yield self.data[self.at :]


def many(count: int) -> bytes:
    """An mbox with messages of 100 kB, so that batches are small."""
    return mbox([mail(number, body="x" * 98 + "\r\n" + "y" * 100_000 + "\r\n") for number in range(count)])


@pytest.fixture
def full_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches end by their size alone, however long that takes: what is staged when a file stalls is known."""
    monkeypatch.setattr(reading_module, "UNIT_SECONDS", math.inf)


async def test_nothing_is_seen_while_staging_and_deliveries_go_on(accounts: Accounts, full_batches: None) -> None:
    """STORE-121, STORE-122"""
    data = many(100)
    file = Stalling(data, len(data) * 9 // 10)
    imports = Imports(accounts, folder(accounts))
    async with accounts.use("mia") as account, trio.open_nursery() as nursery:
        progress = imports.begin("mia")
        nursery.start_soon(imports.run, progress, MBOX, Upload(file.pieces()))
        await file.reached.wait()
        with trio.fail_after(60):
            # up to 42 of the 90 that were read are in a batch that waits for more
            while progress.messages < 50:  # noqa: ASYNC110 - what comes is in the other task's batches
                await trio.sleep(0.01)
        jobs, messages = await look(account, staged)
        assert jobs == 1
        assert messages >= 50
        assert (await box(account)).exists == 0
        assert (await look(account, state)).total_size == 0
        # The same octets as a staged message: the body has two users, and the one goes with the delivery.
        twin = await deliver_mail(account, mail(0, body="x" * 98 + "\r\n" + "y" * 100_000 + "\r\n"))
        assert twin.uid == 1
        inbox = (await box(account)).id
        await account.write(lambda tx: expunge_all(tx, inbox))
        await account.settle()
        assert await account.scan(lambda r: check_account(r, deep=True, idle=True), op="test") == []
        file.go.set()
    assert done(progress).messages == 100
    async with accounts.use("mia") as account:
        found = await rows(account)
        assert [row.uid for row in found] == list(range(2, 102))
        assert min(row.id for row in found) > twin.message_id


async def test_an_aborted_import_leaves_nothing(accounts: Accounts) -> None:
    """STORE-121, STORE-129"""
    data = many(60)
    file = Stalling(data, len(data) // 2)
    imports = Imports(accounts, folder(accounts))
    async with accounts.use("mia") as account:
        before = await look(account, state)
        async with trio.open_nursery() as nursery:
            progress = imports.begin("mia")
            nursery.start_soon(imports.run, progress, MBOX, Upload(file.pieces()))
            await file.reached.wait()
            imports.abort(progress.token)
        assert isinstance(progress.end, Aborted)
        assert await look(account, staged) == (0, 0)
        assert await look(account, state) == before
        assert await look(account, lambda r: r.value("SELECT count(*) FROM body")) == 0
        assert await look(account, lambda r: r.value("SELECT count(*) FROM body_chunk")) == 0
        with pytest.raises(ImportFailed, match="finished"):
            imports.abort(progress.token)


async def test_the_last_unit_cannot_be_aborted(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-129"""
    imports = Imports(accounts, folder(accounts))
    refused = []

    def late(*args: Any) -> None:
        trio.from_thread.run_sync(lambda: None, trio_token=token)
        confirm(*args)

    token = trio.lowlevel.current_trio_token()
    monkeypatch.setattr(adding, "confirm", late)
    async with accounts.use("mia"), trio.open_nursery() as nursery:
        progress = imports.begin("mia")

        async def abort() -> None:
            async for event in progress.subscribe():
                if event == Step("finishing"):
                    with pytest.raises(ImportFailed, match="finished"):
                        imports.abort(progress.token)
                    refused.append(event)

        nursery.start_soon(abort)
        await imports.run(progress, MBOX, cast("BinaryIO", io.BytesIO(mbox([mail(1)]))))
    assert refused
    assert done(progress).messages == 1


@pytest.mark.parametrize("step", ["begin", "stage", "prepare", "appear", "place", "confirm"])
async def test_a_failure_in_any_unit_changes_nothing(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """STORE-121"""
    calls = 0
    real = getattr(adding, step)

    def failing(*args: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        if calls >= (3 if step == "stage" else 1):
            raise ImportFailed("as the test wants")
        return real(*args, **options)

    monkeypatch.setattr(adding, step, failing)
    async with accounts.use("mia") as account:
        before = await look(account, state)
        progress = await imported(accounts, many(150), Order(form=Form.MBOX, mailbox="New/Box"))
        assert progress.end == Aborted("as the test wants")
        assert await look(account, staged) == (0, 0)
        assert await look(account, state) == before
        assert await look(account, lambda r: mailbox_by_name(r, "New/Box")) is None
        assert await account.scan(lambda r: check_account(r, deep=True, idle=True), op="test") == []


async def test_leftovers_of_a_dead_process_go_at_the_next_open(tmp_path: Path, full_batches: None) -> None:
    """STORE-10, STORE-131"""
    options = Options(min_free_space=0)
    first = Accounts(tmp_path, options)
    data = many(60)
    file = Stalling(data, len(data) - 10)
    imports = Imports(first, folder(first))
    async with first.use("mia") as account, trio.open_nursery() as nursery:
        await deliver_mail(account, mail(0, body="x" * 98 + "\r\n" + "y" * 100_000 + "\r\n"))
        progress = imports.begin("mia")
        nursery.start_soon(imports.run, progress, MBOX, Upload(file.pieces()))
        await file.reached.wait()
        with trio.fail_after(60):
            while progress.messages < 40:  # noqa: ASYNC110 - what comes is in the other task's batches
                await trio.sleep(0.01)
        # As after kill -9: a copy of the files as they are now.
        copy = tmp_path / "copy/accounts/mia"
        copy.mkdir(parents=True)
        for name in ("account.db", "account.db-wal"):
            (copy / name).write_bytes((tmp_path / "accounts/mia" / name).read_bytes())
        nursery.cancel_scope.cancel()
    await first.aclose()
    second = Accounts(tmp_path / "copy", options)
    async with second.use("mia") as account:
        assert await look(account, staged) == (0, 0)
        assert await account.scan(lambda r: check_account(r, deep=True, idle=True), op="test") == []
        assert await look(account, lambda r: r.value("SELECT count(*) FROM body")) == 1
        assert len(await rows(account)) == 1
    await second.aclose()


async def test_an_import_cancelled_just_as_it_begins_leaves_nothing(
    accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-6, STORE-131: the next one need not wait for a server's start."""
    token, scope, cancelled = trio.lowlevel.current_trio_token(), trio.CancelScope(), threading.Event()

    def cancel() -> None:
        scope.cancel()
        cancelled.set()

    def begin_and_cancel(tx: AccountTx, gap: int) -> Job:
        job = begin(tx, gap)
        token.run_sync_soon(cancel)
        assert cancelled.wait(60)
        return job

    monkeypatch.setattr(adding, "begin", begin_and_cancel)
    async with accounts.use("mia") as account:
        with scope:
            await add_messages(account, accounts, iter(()), Progress(b"", "mia"), tmp_path)
        assert scope.cancelled_caught
        assert await look(account, staged) == (0, 0)


async def test_only_one_import_into_an_account_at_a_time(accounts: Accounts) -> None:
    """STORE-130"""
    data = many(20)
    file = Stalling(data, 1000)
    imports = Imports(accounts, folder(accounts))
    async with accounts.use("mia"), trio.open_nursery() as nursery:
        progress = imports.begin("mia")
        nursery.start_soon(imports.run, progress, MBOX, Upload(file.pieces()))
        await file.reached.wait()
        second = await imported(accounts, mbox([mail(1)]), MBOX)
        assert second.end == Aborted("another import into this account is already running")
        file.go.set()
    assert done(progress).messages == 20


async def test_an_import_waits_for_the_upgrade_of_threads(accounts: Accounts) -> None:
    """STORE-83, STORE-130"""
    async with accounts.use("mia") as account:
        await account.write(lambda tx: tx.execute("UPDATE state SET threads_step = 1"))
        assert isinstance((await imported(accounts, mbox([mail(1)]), MBOX)).end, Aborted)
        await account.write(lambda tx: tx.execute("UPDATE state SET threads_step = 2"))
        done(await imported(accounts, mbox([mail(1)]), MBOX))


async def test_an_import_beyond_the_quota_changes_nothing(tmp_path: Path) -> None:
    """STORE-62, STORE-123"""
    accounts = Accounts(tmp_path, Options(min_free_space=0, account_config=lambda name: AccountConfig(quota=1_000_000)))
    async with accounts.use("mia") as account:
        progress = await imported(accounts, many(20), MBOX)
        assert isinstance(progress.end, Aborted)
        assert str(OverQuota(0, 1_000_000)) in progress.end.text
        dry = await imported(accounts, many(20), Order(form=Form.MBOX, dry_run=True))
        assert isinstance(dry.end, Aborted)
        assert await look(account, staged) == (0, 0)
        assert done(await imported(accounts, many(9), MBOX)).messages == 9
    await accounts.aclose()


async def test_a_quota_that_was_used_up_meanwhile_counts_in_the_final_unit(tmp_path: Path) -> None:
    """STORE-123"""
    accounts = Accounts(tmp_path, Options(min_free_space=0, account_config=lambda name: AccountConfig(quota=1_000_000)))
    data = many(9)
    file = Stalling(data, len(data) - 10)
    imports = Imports(accounts, folder(accounts))
    async with accounts.use("mia") as account, trio.open_nursery() as nursery:
        progress = imports.begin("mia")
        nursery.start_soon(imports.run, progress, MBOX, Upload(file.pieces()))
        await file.reached.wait()
        await deliver_mail(account, mail(99, body="z" * 200_000))
        file.go.set()
    assert isinstance(progress.end, Aborted)
    async with accounts.use("mia") as account:
        assert len(await rows(account)) == 1
    await accounts.aclose()


async def test_a_dry_run_counts_and_stores_nothing(accounts: Accounts) -> None:
    """STORE-194"""
    async with accounts.use("mia") as account:
        before = await look(account, state)
        progress = await imported(
            accounts, tgz({"A.mbox": mbox([mail(1), mail(2)]), "x.doc": b"?"}), Order(form=Form.ARCHIVE, dry_run=True)
        )
        assert progress.end == Done(2, 1, dry_run=True)
        assert progress.counts == {"A": 2}
        assert await look(account, state) == before


async def test_duplicates_are_imported_again_unless_told_otherwise(accounts: Accounts) -> None:
    """STORE-127, STORE-180"""
    async with accounts.use("mia") as account:
        done(await imported(accounts, mbox([mail(1), mail(2)]), MBOX))
        assert done(await imported(accounts, mbox([mail(1), mail(1)]), MBOX)).messages == 2
        assert await look(account, lambda r: r.value("SELECT count(*) FROM body")) == 2
        skipping = Order(form=Form.MBOX, skip_duplicates=True)
        assert done(await imported(accounts, mbox([mail(1), mail(3), mail(3)]), skipping)).messages == 1
        elsewhere = Order(form=Form.MBOX, skip_duplicates=True, mailbox="Else")
        assert done(await imported(accounts, mbox([mail(1), mail(1)]), elsewhere)).messages == 1


async def test_the_same_file_twice_is_recognised(accounts: Accounts) -> None:
    """STORE-127: nothing is doubled unawares; one that has more is imported, and what is double is told."""
    async with accounts.use("mia") as account:
        done(await imported(accounts, mbox([mail(1), mail(2)]), MBOX))
        before = await look(account, state)
        end = (await imported(accounts, mbox([mail(1), mail(2)]), MBOX)).end
        assert end == Aborted("all 2 messages have already been imported")
        assert (await look(account, state)).total_size == before.total_size
        progress = await imported(accounts, mbox([mail(1), mail(2), mail(3)]), MBOX)
        assert (done(progress).messages, done(progress).problems) == (3, 1)
        assert progress.problems[0].startswith("2 messages now exist twice")


async def test_mailboxes_say_what_is_junk_and_sent_knows_its_recipients(accounts: Accounts) -> None:
    """STORE-84, STORE-95, STORE-127"""
    async with accounts.use("mia") as account:
        files = {
            "Junk.mbox": mbox([mail(1)]),
            "Sent.mbox": mbox([mail(2, to="Zoe <zoe@example.net>, bad")]),
            "Lists.mbox": mbox([mail(3)]).replace(b"Subject", b"X-Keywords: $Junk\nSubject"),
            "Inbox.mbox": mbox([mail(4)]).replace(b"Subject", b"X-Keywords: $Junk\nSubject"),
        }
        done(await imported(accounts, tgz(files)))
        flags = {name: [row.flags for row in await rows(account, name)] for name in ("Junk", "Lists", "Inbox")}
        assert flags == {"Junk": [Flag.JUNK], "Lists": [Flag.NOTJUNK], "Inbox": [Flag(0)]}
        found, _ = await look(account, lambda r: suggest(r, "zoe"))
        assert [one.name for one in found] == ["Zoe"]


async def test_missing_mailboxes_are_made_and_subscribed_without_special_use(accounts: Accounts) -> None:
    """STORE-126"""
    async with accounts.use("mia") as account:
        done(await imported(accounts, tar({"a/b/cur/": b"", "c.mbox": b""}), Order(form=Form.TAR)))
        names = {one.name: one.special_use for one in await look(account, mailboxes)}
        assert {"a", "a/b", "c"} <= names.keys()
        assert not names["a/b"]
        assert {"a", "a/b", "c"} <= set(await look(account, subscriptions))


async def test_a_large_message_is_imported_in_units_of_its_own(accounts: Accounts) -> None:
    """STORE-7, STORE-122"""
    big = mail(1, body=("0123456789" * 7 + "\r\n") * 100_000)
    async with accounts.use("mia") as account:
        done(await imported(accounts, mbox([mail(0), big, mail(2), big]), MBOX))
        assert [octets for octets, _, _ in (await contents(account))["Inbox"]] == [mail(0), big, mail(2), big]
        assert await look(account, lambda r: r.value("SELECT count(*) FROM body")) == 3


async def test_bad_keywords_and_messages_are_problems_not_failures(accounts: Accounts) -> None:
    """STORE-124, STORE-125, STORE-150, STORE-154"""
    words = " ".join(f"k{number}" for number in range(150))
    file = mbox([mail(1), b"", mail(2)]).replace(b"Subject", f"X-Keywords: good b{{d {words}\nSubject".encode(), 1)
    async with accounts.use("mia") as account:
        progress = await imported(accounts, file, MBOX)
        assert done(progress).messages == 2
        assert any("b{d" in text for text in progress.problems)
        assert any("empty" in text for text in progress.problems)
        assert any("too many" in text for text in progress.problems)
        assert len((await rows(account))[0].keywords) == 100


async def test_who_joins_late_or_again_hears_all(accounts: Accounts) -> None:
    """STORE-128"""
    imports = Imports(accounts, folder(accounts))
    progress = imports.begin("mia")
    early: list[Event] = []

    async def listen(to: list[Event]) -> None:
        to.extend([event async for event in progress.subscribe()])

    async with accounts.use("mia"), trio.open_nursery() as nursery:
        nursery.start_soon(listen, early)
        await trio.testing.wait_all_tasks_blocked()
        archive = tgz({"A.mbox": mbox([mail(n) for n in range(250)]), "B/cur/": b"", "z.bin": b""})
        await imports.run(progress, Order(form=Form.ARCHIVE), cast("BinaryIO", io.BytesIO(archive)))
    late: list[Event] = []
    await listen(late)
    assert late == [
        Step("finishing"),
        Count("A", 250),
        Count("B", 0),
        Trouble("z.bin: not a mail file"),
        Done(250, 1, dry_run=False, first_id=GAP_LEAST + 1),
    ]
    assert early[0] == Step("reading")
    assert {Count("A", 100), Count("A", 200)} & set(early), "a slow listener hears the newest count only"
    assert early[-1] == late[-1]
    assert len(progress.token) == 16


async def test_the_state_is_known_for_a_minute(accounts: Accounts, autojump_clock: trio.testing.MockClock) -> None:
    """STORE-128"""
    imports = Imports(accounts, folder(accounts))
    progress = imports.begin("nobody/there")
    assert imports.find(progress.token) is progress
    progress.finish(Aborted("x"))
    await trio.sleep(59)
    assert imports.find(progress.token) is progress
    await trio.sleep(2)
    assert imports.find(progress.token) is None
    imports.begin("mia")
    with pytest.raises(ImportFailed, match="import not found"):
        imports.abort(progress.token)


async def test_imports_in_the_background_end_with_the_server(accounts: Accounts) -> None:
    """STORE-121, STORE-128: with nothing changed."""
    data = many(20)
    file = Stalling(data, 1000)
    async with accounts.use("mia") as account:
        async with open_supervisor("test") as tree:
            imports = Imports(accounts, folder(accounts), tree)
            progress = imports.begin("mia")
            assert imports.of("mia") is progress
            assert imports.of("tom") is None
            imports.start(progress, MBOX, cast("BinaryIO", Upload(file.pieces())))
            await file.reached.wait()
        assert isinstance(progress.end, Aborted)
        assert await look(account, staged) == (0, 0)
        assert await rows(account) == []


async def test_an_import_that_meets_a_bug_says_so_and_ends_alone(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-128, ADMIN-39a: the log has the traceback, the file is closed, the server goes on."""

    async def crash(*_: object) -> None:
        raise RuntimeError("a bug")

    file = io.BytesIO(mbox([mail(1)]))
    async with open_supervisor("test") as tree:
        imports = Imports(accounts, folder(accounts), tree)
        progress = imports.begin("mia")
        with monkeypatch.context() as patch:
            patch.setattr("moxlite.store.imports.adding.FromFile.run", crash)
            imports.start(progress, MBOX, file)
            await eventually(lambda: tree.failures)
        assert file.closed
        assert progress.end == Aborted("server error; see the server log")
        assert tree.failures == {"store.import": 1}
        again = imports.begin("mia")
        imports.start(again, MBOX, io.BytesIO(mbox([mail(1)])))
        await eventually(lambda: isinstance(again.end, Done))
    assert [record.exc_info is not None for record in caplog.records if record.message == "task failed"] == [True]


async def test_an_unknown_account_or_bad_mailbox_is_an_error(accounts: Accounts) -> None:
    """STORE-12, STORE-166"""
    assert isinstance((await imported(accounts, mbox([mail(1)]), MBOX, name="no/no")).end, Aborted)
    bad = await imported(accounts, mbox([mail(1)]), Order(form=Form.MBOX, mailbox="a//b"))
    assert done(bad).messages == 0
    assert "a//b" in bad.problems[0]


async def test_a_header_section_over_the_limit_is_imported_as_it_is(accounts: Accounts) -> None:
    """STORE-55, STORE-151"""
    data = b"Subject: early\r\n" + (b"X-Long: " + b"x" * 1000 + b"\r\n") * 2000 + b"Late: one\r\n\r\ntext\r\n"
    async with accounts.use("mia") as account:
        done(await imported(accounts, tar({"Large/cur/1:2,S": data, "Large/new/": b""}), Order(form=Form.TAR)))
        ((octets, _, _),) = (await contents(account))["Large"]
        assert octets == data


LONG = b"Subject: long\r\n\r\n" + (b"x" * 76 + b"\r\n") * 70_000
"""A message that is written from its spool, as it is over 4 MiB."""


async def test_a_file_cut_short_in_a_long_message_gives_its_room_back(accounts: Accounts) -> None:
    """STORE-155, SMTP-43a: else such files, one after the other, would leave mail on its way in no room."""
    space = SpoolSpace(folder(accounts))
    imports = Imports(accounts, folder(accounts), space=space)
    progress = imports.begin("mia")
    await imports.run(progress, Order(form=Form.TAR), io.BytesIO(tar({"Inbox/cur/1:2,S": LONG})[: 3 << 20]))
    assert progress.end == Aborted("the archive is truncated")
    assert space.used == 0


async def test_an_import_that_is_aborted_gives_the_room_of_long_messages_back(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-129, SMTP-43a: also that of a message which waits for the one before it."""

    @asynccontextmanager
    async def stuck(*_: object) -> AsyncIterator[None]:
        await trio.Event().wait()
        yield

    monkeypatch.setattr(adding, "held_body", stuck)
    space = SpoolSpace(folder(accounts))
    imports = Imports(accounts, folder(accounts), space=space)
    progress = imports.begin("mia")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(imports.run, progress, MBOX, io.BytesIO(mbox([LONG, LONG, LONG])))
        await eventually(lambda: space.used >= 2 * len(LONG) - LONG.count(b"\r\n"))
        imports.abort(progress.token)
    assert isinstance(progress.end, Aborted)
    assert space.used == 0


class Endless(io.RawIOBase):
    """A tar file of folders without mail, which never ends; `taken` have been read."""

    def __init__(self) -> None:
        info = tarfile.TarInfo("no mail")
        info.type = tarfile.DIRTYPE
        self.block = info.tobuf()
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        self.taken += 1
        return self.block


async def test_an_import_ends_at_once_while_its_file_gives_no_mail(accounts: Accounts) -> None:
    """STORE-129: aborted, or as the server ends; millions of folders are some megabytes, packed."""
    imports = Imports(accounts, folder(accounts))
    progress = imports.begin("mia")
    file = Endless()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(imports.run, progress, Order(form=Form.TAR), cast("BinaryIO", file))
            await eventually(lambda: file.taken > 1000)
            imports.abort(progress.token)
    assert progress.end == Aborted("the import was canceled", stopped=True)


@pytest.mark.parametrize(
    ("octets", "gap"), [(0, GAP_LEAST), (1 << 20, GAP_LEAST), (1 << 30, 1 << 22), (1 << 45, GAP_MOST)]
)
def test_an_import_leaves_ids_by_the_size_of_its_file(octets: int, gap: int) -> None:
    """STORE-122, WEBMAIL-62: a thousand mailboxes and a million small files fit into ids of 32 bits."""
    assert gap_for(octets) == gap
    assert max(GAP * 1000, GAP_LEAST * 1_000_000) < 1 << 32
