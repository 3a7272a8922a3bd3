"""The text index of an account: following it, being rebuilt, being asked (STORE-36, STORE-110 to STORE-114)."""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import apsw
import pytest
import trio

from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.text import MAX_TEXT, header_text
from moxlite.store import metrics
from moxlite.store.accounts.accounts import IDLE, Accounts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.delivery.perform import append
from moxlite.store.errors import StorageBroken, StoreError
from moxlite.store.file import database
from moxlite.store.file.database import Database
from moxlite.store.file.migrations import Kind
from moxlite.store.file.transaction import Reader, Row, Tx, Value, int_array
from moxlite.store.mail import copying, expunging
from moxlite.store.mail.adding import Append
from moxlite.store.mail.mailboxes import create_mailbox
from moxlite.store.options import DAY, Options
from moxlite.store.rows import conditions
from moxlite.store.search import builder, finding, index, queries, texts as search_texts
from moxlite.store.search.check import check_index
from moxlite.store.search.queries import Contains, SearchedPart
from moxlite.store.search.texts import IndexDamaged
from moxlite.store.types import MailboxID
from moxlite.store.upkeep.repairs import undelete
from moxlite.store.upkeep.reparse import reparse
from tests.logs import kv
from tests.store_fixtures import soon, unserved as accounts
from tests.store_mail import mail, prepared, put, search_words
from tests.supervised import supervised

__all__ = ["accounts"]

T = TypeVar("T")

INBOX = MailboxID(1)


@pytest.fixture
def store_options() -> Options:
    return Options(check_on_close=True, min_free_space=0, search_index=True)


@pytest.fixture
async def account(accounts: Accounts) -> AsyncIterator[OpenAccount]:
    async with accounts.use("mjl") as account:
        yield account


async def texts(account: OpenAccount) -> list[int]:
    """Ids of the messages in the index."""
    async with account.search.use(create=False) as database:
        assert database is not None
        rows = await database.read(lambda r: r.rows("SELECT message_id FROM text ORDER BY 1"), op="test")
        return [row[0] for row in rows]


async def find(account: OpenAccount, *words: str) -> list[int]:
    """Ids that a search gives, which must be those that it gives without the index."""
    found = await search_words(account, None, words)
    account.search.enabled = False
    assert await search_words(account, None, words) == found
    account.search.enabled = True
    return sorted(found)


async def add(account: OpenAccount, *data: bytes) -> list[int]:
    added = await append(account, INBOX, [Append(await prepared(one)) for one in data])
    return [one.message_id for one in added]


async def expunge(account: OpenAccount, *uids: int) -> None:
    await account.write(lambda tx: expunging.expunge(tx, INBOX, uids))


async def reopen(accounts: Accounts) -> None:
    """Close all accounts; nobody uses one."""
    for name, slot in list(accounts._slots.items()):
        async with slot.lock:
            await accounts._close(name, slot)


def rebuilt(reason: str) -> float:
    return metrics.REBUILT.labels(reason).value


# Following


async def test_the_index_follows_the_messages(account: OpenAccount) -> None:
    """STORE-112: from its watermark, in batches."""
    await put(account, 250)
    assert await account.indexer.once()
    assert await texts(account) == list(range(1, 251))
    await put(account, 3, first=251)
    assert await account.indexer.once()
    assert await texts(account) == list(range(1, 254))
    assert await find(account, "252@EXAMPLE.com") == [252]
    assert await check_index(account, deep=True) == []


async def test_messages_that_are_not_indexed_are_found(account: OpenAccount) -> None:
    """STORE-111: the rest is looked into."""
    await put(account, 5)
    await account.indexer.once()
    await put(account, 5, first=6)
    candidates = await queries.candidates(account.search, Contains("8@example"))
    assert candidates is not None
    assert (list(candidates.ids), candidates.watermark) == ([], 5)
    some = await queries.candidates(account.search, Contains("@example"), most=5)
    assert some is not None
    assert list(some.ids) == [1, 2, 3, 4, 5]
    assert await queries.candidates(account.search, Contains("@example"), most=4) is None  # more than it was asked for
    assert await find(account, "<8@example") == [8]


@pytest.mark.parametrize("grace", [0, 7 * DAY])
@pytest.mark.parametrize("erased_first", [False, True])
async def test_removed_messages_leave_the_index(tmp_path: Path, grace: int, erased_first: bool) -> None:
    """STORE-36, STORE-112: at once, though their content is kept for undeleting; moved ones stay."""
    store = Accounts(tmp_path / "data", Options(min_free_space=0, search_index=True, undelete_grace=grace))
    async with store.use("mjl") as account:
        await put(account, 10)
        await account.indexer.once()
        other = (await account.write(lambda tx: create_mailbox(tx, "Other")))[0].id
        await account.write(lambda tx: copying.move_messages(tx, INBOX, [7], other))
        await expunge(account, 2, 3, 10)
        if erased_first:
            await account.eraser.once()
        await account.indexer.once()
        assert await texts(account) == [1, 4, 5, 6, 7, 8, 9]
        assert await find(account, "hello") == [1, 4, 5, 6, 7, 8, 9]
        await account.eraser.once()
        await account.indexer.once()
        assert await texts(account) == [1, 4, 5, 6, 7, 8, 9]
        assert await check_index(account, deep=True) == []
        if grace:
            assert (await undelete(account, tmp_path)).messages == 3
            await account.indexer.once()
            assert await texts(account) == [1, 4, 5, 6, 7, 8, 9, 11, 12, 13]
            assert await find(account, "<2@example") == [11]
    await store.aclose()


async def test_messages_removed_before_they_were_indexed_are_not(account: OpenAccount) -> None:
    """STORE-112: nor those that are removed while they are being indexed."""
    await put(account, 10)
    await expunge(account, 2, 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "BATCH", 4)

        async with account.search.use(create=True) as opened:
            assert opened is not None

            async def removing(unit: Callable[[Tx], T], *, weight: int = 0) -> T:
                if weight:
                    await expunge(account, 1, 5, 9)
                return await Database.write(opened, unit, weight=weight)

            patch.setattr(opened, "write", removing)
            await account.indexer.once()
    assert await texts(account) == [4, 6, 7, 8, 10]
    assert await check_index(account, deep=True) == []


@pytest.mark.parametrize("erased", [False, True])
async def test_messages_removed_behind_the_back_of_the_index_leave_it(accounts: Accounts, erased: bool) -> None:
    """STORE-36, STORE-112: as by a kill between the removal, or the erasure, and the builder's next turn."""
    async with accounts.use("mjl") as account:
        await put(account, 10)
        await account.indexer.once()
        await expunge(account, 2, 3)
        account.eraser._erased = lambda message_ids: None  # the kill
        if erased:
            await account.eraser.once()
    await reopen(accounts)
    async with accounts.use("mjl") as account:
        assert await find(account, "hello") == [1, 4, 5, 6, 7, 8, 9, 10]
        await account.indexer.once()
        assert await texts(account) == [1, 4, 5, 6, 7, 8, 9, 10]


async def test_very_many_removals_are_found_by_comparing(account: OpenAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-112: what the builder is told does not grow without bound."""
    monkeypatch.setattr(builder, "MAX_TOLD", 3)
    await put(account, 10)
    await account.indexer.once()
    await expunge(account, 1, 2, 3, 4, 5)
    await account.eraser.once()
    assert account.search.leftovers
    await account.indexer.once()
    assert await texts(account) == [6, 7, 8, 9, 10]
    await put(account, 10, first=11)
    await account.indexer.once()
    await expunge(account, *range(11, 19))
    await account.indexer.once()
    assert await texts(account) == [6, 7, 8, 9, 10, 19, 20]


async def test_copies_and_moves_are_found_in_their_mailboxes(account: OpenAccount) -> None:
    """STORE-110: the row's id is the message's; a copy is a message, a moved one stays it."""
    await put(account, 4)
    other = (await account.write(lambda tx: create_mailbox(tx, "Other")))[0].id
    await account.write(lambda tx: copying.copy_messages(tx, INBOX, [1], other))
    await account.indexer.once()
    await account.write(lambda tx: copying.move_messages(tx, INBOX, [2], other))
    assert await search_words(account, other, ["hello"]) == [5, 2]
    assert await search_words(account, INBOX, ["hello"]) == [4, 3, 1]


async def test_long_messages_are_always_looked_into(account: OpenAccount) -> None:
    """STORE-112: over 1 MiB of text; the index holds their ids only."""
    long = mail(1, body="filler line of text\r\n" * (MAX_TEXT // 20) + "needle at the end\r\n")
    short = mail(2, body="a needle in a haystack\r\n")
    await add(account, long, short)
    await account.indexer.once()
    async with account.search.use(create=False) as database:
        assert database is not None
        rows = await database.read(
            lambda r: r.rows("SELECT message_id, boundary IS NULL, data IS NULL FROM text"), op="test"
        )
    assert rows == [(1, 1, 1), (2, 0, 0)]
    candidates = await queries.candidates(account.search, Contains("unheard of"))
    assert candidates is not None
    assert list(candidates.ids) == [1]
    assert await find(account, "filler line") == [1]
    assert await find(account, "haystack") == [2]


async def test_a_batch_ends_at_its_bounds(account: OpenAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-112: memory and snapshots stay small."""
    monkeypatch.setattr(builder, "BATCH_TEXT", 500)
    await put(account, 30)
    sizes = []
    write = builder._write

    def noted(tx: Tx, batch: builder._Batch) -> None:
        sizes.append(len(batch.texts))
        write(tx, batch)

    monkeypatch.setattr(builder, "_write", noted)
    await account.indexer.once()
    assert await texts(account) == list(range(1, 31))
    assert max(sizes) < 5


async def test_an_interrupted_build_goes_on(account: OpenAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-112."""
    monkeypatch.setattr(builder, "BATCH", 10)
    await put(account, 45)
    batches = 0
    write = builder._write

    def failing(tx: Tx, batch: builder._Batch) -> None:
        nonlocal batches
        batches += 1
        if batches == 3:
            raise RuntimeError("stopped")
        write(tx, batch)

    monkeypatch.setattr(builder, "_write", failing)
    with pytest.raises(RuntimeError):
        await account.indexer.once()
    assert await texts(account) == list(range(1, 21))
    assert await find(account, "<33@example") == [33]
    await account.indexer.once()
    assert await texts(account) == list(range(1, 46))


async def test_the_lag_is_told(account: OpenAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-170: and taken back when the builder ends."""
    monkeypatch.setattr(builder, "BATCH", 10)
    base, indexed = metrics.LAG.value, metrics.INDEXED.value
    await put(account, 25)
    seen = []
    write = builder._write

    def noted(tx: Tx, batch: builder._Batch) -> None:
        seen.append(metrics.LAG.value - base)
        write(tx, batch)

    monkeypatch.setattr(builder, "_write", noted)
    await account.indexer.once()
    assert seen == [25, 15, 5]
    assert metrics.LAG.value == base
    assert metrics.INDEXED.value == indexed + 25


async def test_a_burst_of_messages_is_let_pass(account: OpenAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-112: until nothing was written for a while, not for ever, and not when the index is far behind."""
    since = [0.001, 0.001, 0.004, 0.0049, 0.006]
    monkeypatch.setattr(builder, "QUIET", 0.005)
    monkeypatch.setattr(database, "QUIET", 0.005)
    monkeypatch.setattr(Database, "since_write", property(lambda _: since.pop(0)))
    monkeypatch.setattr(database, "PATIENCE", 1e9)
    await put(account, 3)
    assert await account.indexer.once(patient=True)
    assert since == []
    monkeypatch.setattr(Database, "since_write", 0.0)
    monkeypatch.setattr(builder, "FAR_BEHIND", 3)
    await put(account, 3, first=10)
    assert await account.indexer.once(patient=True)
    monkeypatch.setattr(database, "PATIENCE", 0.001)
    await put(account, 1, first=20)
    assert await account.indexer.once(patient=True)
    assert await find(account, "<20@example") == [7]


async def test_the_background_task_indexes_merges_and_closes(
    tmp_path: Path, store_options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-112, STORE-10: after a change, by itself; the file is not kept open for an account that is idle."""
    monkeypatch.setattr(builder, "PAUSE", 0.01)
    monkeypatch.setattr(builder, "IDLE", 0.05)
    accounts = Accounts(tmp_path / "data", store_options)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervised, accounts)
        async with accounts.use("mjl", linger=IDLE) as account:
            search = account.search

            async def indexed() -> bool:
                candidates = await queries.candidates(search, Contains("hello"))
                return candidates is not None and candidates.watermark == number

            async def closed() -> bool:
                return not search.opened

            for number in range(1, 8):
                await put(account, 1, first=number)
                await soon(indexed)
            await soon(closed)
            assert await find(account, "<3@example") == [3]  # which opens it
            await soon(closed)
        nursery.cancel_scope.cancel()


async def test_an_account_without_news_has_its_index_looked_at_once(
    tmp_path: Path, store_options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-10, STORE-112: after opening an account, and then the file is closed at once."""
    monkeypatch.setattr(builder, "PAUSE", 0.0)
    accounts = Accounts(tmp_path / "data", store_options)
    async with accounts.use("mjl") as account:
        await put(account, 3)
        await account.indexer.once()
    await reopen(accounts)
    opened = []
    open_index = index.Index._open

    async def noted(self: index.Index, *, create: bool) -> Database | None:
        opened.append(create)
        return await open_index(self, create=create)

    monkeypatch.setattr(index.Index, "_open", noted)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervised, accounts)
        async with accounts.use("mjl") as account:
            search = account.search

            async def looked_at() -> bool:
                return opened == [True] and not search.opened

            await soon(looked_at)
            await trio.sleep(0.1)  # real time: what a loop would need to show itself
            assert opened == [True]
        nursery.cancel_scope.cancel()


# Being rebuilt


@pytest.mark.parametrize(
    ("reason", "spoil"),
    [
        ("other account", "UPDATE state SET file_id = x'00'"),
        ("outdated", "UPDATE state SET layout = layout - 1"),
        ("outdated", "UPDATE state SET parse_version = parse_version - 1"),
        ("ahead", "UPDATE state SET watermark = 1000"),
        ("incomplete", "DELETE FROM text WHERE message_id = 7"),
        ("never begun", "DELETE FROM state"),
        ("damaged", "DROP TABLE text"),
        ("damaged", "PRAGMA user_version = 0"),
        ("other file", "PRAGMA user_version = 99"),
        ("other file", "PRAGMA application_id = 99"),
    ],
)
async def test_an_index_that_does_not_fit_is_not_asked_and_built_anew(
    accounts: Accounts, reason: str, spoil: str
) -> None:
    """STORE-110, STORE-113."""
    async with accounts.use("mjl") as account:
        await put(account, 20)
        await account.indexer.once()
        path = account.search.path
    await reopen(accounts)
    db = apsw.Connection(str(path))
    db.execute(spoil)
    db.close()
    async with accounts.use("mjl") as account:
        before = rebuilt(reason)
        assert await queries.candidates(account.search, Contains("7@example")) is None
        assert await find(account, "<7@example") == [7]
        await account.indexer.once()
        assert await texts(account) == list(range(1, 21))
        assert await find(account, "<7@example") == [7]
        assert rebuilt(reason) == before + 1


@pytest.mark.parametrize("deleted", range(1, len(index.FILES)))
async def test_a_kill_in_a_deletion_leaves_nothing_that_the_next_index_takes_over(
    accounts: Accounts, deleted: int
) -> None:
    """STORE-113, STORE-160: the log and a journal of the old file are beside the new one."""
    async with accounts.use("mjl") as account:
        await put(account, 60)
        await account.indexer.once()
        folder = account.directory
        left = {name: (folder / name).read_bytes() for name in index.FILES if (folder / name).exists()}
    await reopen(accounts)
    assert len(left["search.db-wal"]) > 50_000
    for name in index.FILES[deleted:]:
        (folder / name).write_bytes(left.get(name, b"a journal" * 500))
    (folder / "search.db").unlink()
    async with accounts.use("mjl") as account:
        await put(account, 5, first=61)
        await account.indexer.once()
        assert await texts(account) == list(range(1, 66))
        assert await find(account, "<63@example") == [63]
        assert await check_index(account, deep=True) == []
        await account.search.delete("test")
        assert not list(folder.glob("search*"))


@pytest.mark.parametrize("where", ["not a database", "first page", "every page", "cut"])
async def test_a_damaged_file_is_deleted_and_built_anew(
    accounts: Accounts, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-113: searches are right all the time, and the account is not degraded."""
    async with accounts.use("mjl") as account:
        await put(account, 60)
        await account.indexer.once()
        path = account.search.path
    await reopen(accounts)
    data = bytearray(path.read_bytes())
    match where:
        case "not a database":
            data = bytearray(b"nothing of the kind " * 1000)
        case "first page":
            data[100:4096] = b"\x55" * 3996
        case "every page":
            for page in range(4096, len(data), 4096):
                data[page : page + 200] = b"\x55" * 200
        case "cut":
            del data[8192:]
    path.write_bytes(data)
    async with accounts.use("mjl") as account:
        assert await find(account, "<7@example") == [7]
        for _ in range(2):
            try:
                await account.indexer.once()
            except StoreError:
                continue
        assert await texts(account) == list(range(1, 61))
        assert await find(account, "<7@example") == [7]
        assert account.database.health.broken == ""
        assert await check_index(account, deep=True) == []


async def test_a_damaged_text_is_found_by_its_check(account: OpenAccount) -> None:
    """STORE-113: a changed bit neither hides a message nor invents one."""
    await put(account, 10)
    await account.indexer.once()
    async with account.search.use(create=False) as database:
        assert database is not None
        data = await database.read(lambda r: r.value("SELECT data FROM text WHERE message_id = 4"), op="test")
        changed = bytes(data[:-6]) + bytes([data[-6] ^ 1]) + bytes(data[-5:])
        await database.write(lambda tx: tx.execute("UPDATE text SET data = ? WHERE message_id = 4", changed))
    assert await find(account, "hello") == list(range(1, 11))
    assert account.search.broken == "damaged"
    await account.indexer.once()
    assert account.search.broken == ""
    assert await check_index(account, deep=True) == []


async def test_a_text_may_end_in_its_tail(account: OpenAccount) -> None:
    """STORE-110, STORE-36: it is found to its last word, and leaves the index whole; a lost tail is damage."""
    bodies = [f"{random.Random(number).randbytes(2200).hex()} lastword\r\n" for number in (1, 2)]
    ids = await add(account, *[mail(number, body=body) for number, body in enumerate(bodies)])
    await account.indexer.once()
    assert await tails(account) == ids
    assert await find(account, "lastword") == ids
    assert await check_index(account, deep=True) == []
    await expunge(account, 1)
    await account.indexer.once()
    assert await tails(account) == ids[1:]
    async with account.search.use(create=False) as database:
        assert database is not None
        await database.write(lambda tx: tx.execute("DELETE FROM tail"))
    assert await find(account, "lastword") == ids[1:]
    assert account.search.broken == "damaged"
    await account.indexer.once()
    assert await tails(account) == ids[1:]


async def tails(account: OpenAccount) -> list[int]:
    """Ids of the messages whose texts have a tail."""
    async with account.search.use(create=False) as database:
        assert database is not None
        rows = await database.read(lambda r: r.rows("SELECT message_id FROM tail ORDER BY 1"), op="test")
        return [row[0] for row in rows]


async def test_a_missing_file_is_made_by_the_builder_alone(account: OpenAccount) -> None:
    """STORE-113: a search does not make one."""
    await put(account, 3)
    assert await find(account, "hello") == [1, 2, 3]
    assert not account.search.path.exists()
    await account.indexer.once()
    assert account.search.path.exists()


async def test_without_the_setting_the_file_goes(tmp_path: Path) -> None:
    """STORE-113: ``store.search_index = false``."""
    accounts = Accounts(tmp_path, Options(min_free_space=0, search_index=True))
    async with accounts.use("mjl") as account:
        await put(account, 3)
        await account.indexer.once()
    await accounts.aclose()
    accounts = Accounts(tmp_path, Options(min_free_space=0))
    async with accounts.use("mjl") as account:
        await account.indexer.run()
        assert not account.search.path.exists()
        assert [path.name for path in account.directory.iterdir() if path.name.startswith("search")] == []
        assert await search_words(account, None, ["hello"]) == [3, 2, 1]
    await accounts.aclose()


async def test_reading_all_messages_anew_drops_the_index(account: OpenAccount) -> None:
    """STORE-59, STORE-113: its texts are of the structures that are replaced."""
    await put(account, 5)
    await account.indexer.once()
    await account.write(
        lambda tx: tx.execute("INSERT INTO upgrade (name, position, total, started) VALUES ('reparse', 0, 5, 0)")
    )
    await account.search.delete("read anew")
    assert not await account.indexer.once()
    assert await find(account, "hello") == [1, 2, 3, 4, 5]
    assert not account.search.path.exists()
    await reparse(account)
    await reparse(account, force=True)
    assert await account.indexer.once()
    assert await texts(account) == [1, 2, 3, 4, 5]


async def test_a_search_goes_on_when_its_index_is_deleted(account: OpenAccount) -> None:
    """STORE-113."""
    await put(account, 20)
    await account.indexer.once()
    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(partial(search_words, account, None, ["hello"]))
            nursery.start_soon(account.search.delete, "damaged")
    assert await find(account, "hello") == list(range(1, 21))


async def test_a_full_disk_stops_the_builder_and_nothing_else(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-157: the index is the first that does without room."""
    options = Options(min_free_space=0, search_index=True)
    async with Accounts(tmp_path / "data", options).use("mjl") as account:
        await put(account, 3)
        await account.aclose()
    full = Accounts(tmp_path / "data", Options(min_free_space=1 << 60, search_index=True))
    async with full.use("mjl") as account:
        with pytest.raises(StoreError):
            await account.indexer.once()
        assert await find(account, "hello") == [1, 2, 3]
    await full.aclose()


async def test_numbers_of_a_damaged_table_stop_no_index(account: OpenAccount) -> None:
    """STORE-112, STORE-158: rows of a damaged page come in any order, some of them twice (campaign `damage_served`)."""
    await put(account, 5)
    given = [[1, 0, 4, 2, 2, 9_999, -3, 3, 3], [0, 1, 2], []]

    class Damaged(Reader):
        def rows(self, sql: str, *args: Value) -> list[Row]:
            return [(one,) for one in given.pop(0)] if sql == builder.NEXT else super().rows(sql, *args)

    scan = account.database.scan

    async def damaged(fn: Callable[[Reader], T], *, op: str) -> T:
        return await scan(lambda r: fn(Damaged(r.db)) if op == "search-texts" else fn(r), op=op)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "BATCH", 9)
        patch.setattr(account.database, "scan", damaged)
        assert await account.indexer.once()
    assert given == [[]]  # the second answer had nothing new
    assert await texts(account) == [1, 2, 3, 4]
    assert await find(account, "hello") == [1, 2, 3, 4, 5]
    assert await account.indexer.once()
    assert await texts(account) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("spoil", ["page", "type", "fault"])
async def test_a_message_that_cannot_be_indexed_is_left_to_be_looked_into(
    account: OpenAccount, spoil: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-112, STORE-158: the others are indexed, and the account's damage is not taken for that of its index."""
    await put(account, 6)

    def failing(header: HeaderSection) -> str:
        if b"<3@" not in header.octets:
            return header_text(header)
        if spoil == "page":
            raise apsw.CorruptError("database disk image is malformed")
        if spoil == "type":
            return header_text(None)  # type: ignore[arg-type] # what a damaged row may have in a column
        raise RecursionError("a hostile header")

    monkeypatch.setattr(search_texts, "header_text", failing)
    assert await account.indexer.once()
    assert await texts(account) == [1, 2, 3, 4, 5, 6]
    told = [kv(one) for one in caplog.records if "failed to index" in one.message]
    assert [(one["messages"], one["first"]) for one in told] == [(1, 3)]
    assert account.database.health.is_damaged == (spoil == "page")
    assert account.search.broken == ""
    monkeypatch.undo()
    candidates = await queries.candidates(account.search, Contains("unheard of"))
    assert candidates is not None
    assert list(candidates.ids) == [3]
    assert await find(account, "hello") == [1, 2, 3, 4, 5, 6]


async def test_an_index_that_contradicts_itself_is_built_anew(account: OpenAccount) -> None:
    """STORE-113: it has a row above its watermark."""
    await put(account, 5)
    await account.indexer.once()
    async with account.search.use(create=False) as database:
        assert database is not None
        await database.write(lambda tx: tx.execute(builder.RAISE, 3))
    await put(account, 1, first=6)
    with pytest.raises(IndexDamaged):
        await account.indexer.once()
    assert account.search.broken == "damaged"
    assert await find(account, "hello") == [1, 2, 3, 4, 5, 6]
    assert await account.indexer.once()
    assert account.search.broken == ""
    assert await check_index(account, deep=True) == []


async def test_a_damaged_account_is_not_taken_for_a_damaged_index(account: OpenAccount) -> None:
    """STORE-113: its index would be built anew each minute."""
    await put(account, 3)
    await account.indexer.once()

    async def broken(fn: Callable[[Reader], T], *, op: str) -> T:
        raise StorageBroken("mjl: malformed") from apsw.CorruptError("malformed")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(account, "scan", broken)
        with pytest.raises(StorageBroken):
            await account.indexer.once()
    assert account.search.broken == ""
    assert await texts(account) == [1, 2, 3]


@pytest.mark.parametrize("table", ["trigram_config", "trigram_data", "trigram_docsize"])
async def test_missing_tables_of_fts5_are_damage(accounts: Accounts, table: str) -> None:
    """STORE-113: FTS5 tells of them as if the statement were wrong."""
    async with accounts.use("mjl") as account:
        await put(account, 20)
        await account.indexer.once()
        path = account.search.path
    await reopen(accounts)
    db = apsw.Connection(str(path))
    db.execute("PRAGMA writable_schema = ON")
    db.execute("DELETE FROM sqlite_schema WHERE name = ?", (table,))
    db.close()
    async with accounts.use("mjl") as account:
        assert await find(account, "<7@example") == [7]
        await put(account, 1, first=21)
        for _ in range(2):
            try:
                await account.indexer.once()
            except StoreError:
                continue
        assert await find(account, "<7@example") == [7]
        assert await texts(account) == list(range(1, 22))
        assert await check_index(account, deep=True) == []


# Being asked


async def test_matches_come_in_their_order_step_by_step(account: OpenAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-114: newest first or oldest first, with and without the index."""
    monkeypatch.setattr(finding, "PATIENCE", 60.0)
    await put(account, 25)
    for indexed in (False, True):
        assert await search_words(account, None, ["HELLO", "anton"]) == list(range(25, 0, -1))
        search = finding.Search(account, finding.MessageQuery((INBOX,), term=Contains("hello")), oldest_first=True)
        first = await search.step()
        assert [one.message_id for one in first] == list(range(1, 26))
        assert (search.done, search.looked, search.of) == (True, 25, 25)
        assert await search_words(account, INBOX, ["no such word"]) == []
        if not indexed:
            await account.indexer.once()


async def test_a_common_word_has_its_first_matches_before_the_index_lists_all(
    account: OpenAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-114: though the newest messages don't have it. What is typed is answered within half a second."""
    for name, number in (("FIRST", 2), ("NEXT", 6), ("FEW", 10)):
        monkeypatch.setattr(finding, name, number)
    words = ["common"] * 20 + ["rare"] + ["common"] * 2 + ["new"] * 4
    added = await add(account, *(mail(number, body=word) for number, word in enumerate(words)))
    await account.indexer.once()
    listed: list[int] = []

    def counted(r: Reader, ids: Sequence[int], *rest: Any, **order: Any) -> conditions.Run:
        listed.append(len(ids))
        return conditions.listed(r, ids, *rest, **order)

    monkeypatch.setattr(finding, "listed", counted)

    async def first_matches(word: str) -> tuple[list[int], int]:
        listed.clear()
        search = finding.Search(account, finding.MessageQuery((INBOX,), term=Contains(word)))
        while not (matches := await search.step()) and not search.done:
            pass
        return [added.index(match.message_id) for match in matches], search.looked

    assert await first_matches("common") == ([22, 21, 19], 8)
    assert listed == []
    assert await first_matches("rare") == ([20], 3)
    assert listed == [1]


async def test_a_search_takes_up_what_there_was_no_time_for(
    account: OpenAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-114, WEBMAIL-115: one message a step, and none is left out."""
    await put(account, 25)
    monkeypatch.setattr(finding, "PATIENCE", 0.0)
    steps = 0
    found: list[int] = []
    search = finding.Search(account, finding.MessageQuery((INBOX,), term=Contains("hello")))
    while not search.done:
        found += [one.message_id for one in await search.step()]
        steps += 1
    assert found == list(range(25, 0, -1))
    assert steps >= 25


async def test_a_needle_does_not_reach_from_the_header_into_the_body(account: OpenAccount) -> None:
    """STORE-111, IMAP-121."""
    await add(account, b"Subject: one\r\n\r\ntwo\r\n", b"Subject: x\r\n\r\none\r\ntwo\r\n")
    for _ in range(2):
        assert await find(account, "one\ntwo") == []
        assert await find(account, "one\r\ntwo") == [2]
        await account.indexer.once()
    sifted = await queries.sift(account.search, [1, 2], Contains("one", SearchedPart.BODY))
    assert sifted is not None
    assert (list(sifted.matching), list(sifted.ruled_out)) == ([2], [1])


async def test_an_account_without_messages_can_be_searched(account: OpenAccount) -> None:
    """STORE-111."""
    assert await find(account, "x") == []
    await account.indexer.once()
    assert await find(account, "xyz") == []
    assert await check_index(account, deep=True) == []


async def test_a_damaged_message_is_not_found_in_either_way(account: OpenAccount) -> None:
    """STORE-159."""
    await put(account, 3)
    await account.write(lambda tx: tx.execute("UPDATE body_chunk SET digest = digest + 1 WHERE id >> 16 = 2"))
    assert await find(account, "hello") == [1, 3]
    await account.indexer.once()
    assert await find(account, "hello") == [1, 3]
    await account.write(lambda tx: tx.execute("UPDATE body_chunk SET digest = digest - 1 WHERE id >> 16 = 2"))
    assert await find(account, "hello") == [1, 2, 3]


SMALL = ("SCAN s", "SCAN CONSTANT ROW")
"""Tables of a row or two."""


def scans(db: apsw.Connection, sql: str, *args: object) -> list[str]:
    """What of its plan goes through a whole table, and is not a virtual one's own way nor a row or two."""
    lines = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", args)]
    known = ("SCAN (subquery", *SMALL)
    return [
        line for line in lines if line.startswith("SCAN") and "VIRTUAL TABLE" not in line and not line.startswith(known)
    ]


async def test_questions_use_indices(account: OpenAccount) -> None:
    """STORE-171: no statement of a search or of the builder goes through a table that grows with the account, but where
    all its rows are wanted.
    """
    await put(account, 3)
    await account.indexer.once()
    ids = int_array([1, 2])
    account_db = apsw.Connection(str(account.database.path))
    search_db = apsw.Connection(str(account.search.path))
    try:
        assert scans(account_db, index.ACCOUNT) == []
        assert scans(account_db, builder.NEXT, 1, 100) == []
        assert scans(account_db, builder.BEHIND, 1) == []
        walked = ("<", "1", "DESC", "DESC")
        assert scans(account_db, conditions.WALK_ONE.format(*walked), 1, 2, 3, 4) == []
        assert scans(account_db, conditions.WALK_SEVERAL.format(*walked), ids, 2, 3, 4) == []
        assert scans(account_db, conditions.LISTED.format("<", "1", "DESC"), ids, 9, 2, 3, ids, 9, 2, 3, ids) == []
        assert scans(account_db, search_texts.CONTENT, ids) == []
        assert scans(search_db, index.STATE) == []
        assert scans(search_db, queries.CANDIDATES, '"abc"', 5) == []
        assert scans(search_db, queries.OPEN) == []
        assert scans(search_db, queries.TEXTS, ids) == []
        assert scans(search_db, queries.FIELDS.format("instr(subject, ?)", queries.SOME_FIELDS), "a", ids) == []
        assert scans(search_db, queries.FIELDS.format("instr(subject, ?)", queries.ALL_FIELDS), "a") == ["SCAN f"]
        assert scans(search_db, builder.DROP_FIELDS, 1) == []
        assert scans(search_db, builder.DROP_TEXT, 1) == []
        # Counting and listing all goes through the narrow index, without a text.
        for sql in (index.COUNT, builder.INDEXED):
            assert scans(search_db, sql) == ["SCAN text USING COVERING INDEX text_boundary"]
    finally:
        account_db.close()
        search_db.close()


async def test_the_file_is_a_database_of_its_kind(account: OpenAccount) -> None:
    """STORE-2, STORE-110: commits are not synced one by one; it names the account's file."""
    await put(account, 1)
    await account.indexer.once()
    await account.search.aclose()
    database = await Database.open(account.search.path, Kind.SEARCH, options=account.options)
    try:
        named = await database.read(lambda r: r.value("SELECT file_id FROM state"), op="test")
        assert named == await account.read(lambda r: r.value("SELECT file_id FROM state"), op="test")
        assert await database.write(lambda tx: tx.value("PRAGMA synchronous")) == 1
    finally:
        await database.aclose()


# The check


async def test_the_check_finds_what_does_not_agree(account: OpenAccount) -> None:
    """STORE-40."""
    await put(account, 10)
    await account.indexer.once()
    async with account.search.use(create=False) as database:
        assert database is not None
        await database.write(lambda tx: tx.execute("DELETE FROM text WHERE message_id = 3"))
        await database.write(lambda tx: tx.execute("DELETE FROM trigram WHERE rowid = 4"))
        await database.write(lambda tx: tx.execute("INSERT INTO tail (message_id, data) VALUES (77, x'00')"))
        await database.write(lambda tx: tx.execute("UPDATE field SET subject = 'other' WHERE message_id = 6"))
        await database.write(
            lambda tx: tx.execute(
                "UPDATE text SET (boundary, data) = (SELECT boundary, data FROM text WHERE message_id = 6) "
                "WHERE message_id = 5"
            )
        )
    findings = [finding.text for finding in await check_index(account, deep=True)]
    assert findings == [
        "message 3 is missing from the text index",
        "message 4 has text, but no trigrams",
        "message 3 has trigrams, but no text",
        "message 3 has fields, but no text",
        "message 77 has the end of a text, but no text",
        "message 5's text doesn't match the index",
        "message 6's fields don't match the index",
    ]
    assert await find(account, "hello") == list(range(1, 11))
    await account.indexer.once()
    assert await check_index(account, deep=True) == []


async def test_the_check_finds_nothing_while_the_index_is_written(account: OpenAccount) -> None:
    """STORE-40, STORE-42: on a connection that has asked before, for what FTS5 then knows of its segments is old."""
    for number in range(1, 200, 20):
        await put(account, 20, first=number)
        await account.indexer.once()
        assert await check_index(account) == []
        assert len(await find(account, "hello")) == number + 19  # the same connection as that of the check
    checks = 0

    async def check() -> None:
        nonlocal checks
        while True:
            await find(account, "hello there")
            assert await check_index(account, deep=checks % 3 == 0) == []
            checks += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(check)
        for number in range(201, 400, 10):
            await put(account, 10, first=number)
            await account.indexer.once()
            await account.indexer._tidy()
            await expunge(account, number)
        nursery.cancel_scope.cancel()
    assert checks > 3


async def test_no_index_is_nothing_wrong(account: OpenAccount) -> None:
    """STORE-40, STORE-113."""
    await put(account, 1)
    assert await check_index(account, deep=True) == []


async def test_an_index_that_cannot_be_used_is_logged(account: OpenAccount, caplog: pytest.LogCaptureFixture) -> None:
    """STORE-113: an error that is not of the file's content does not delete it."""
    await put(account, 1)
    account.search.path.mkdir()
    with caplog.at_level(logging.WARNING, "moxlite.store.search"):
        assert await search_words(account, None, ["hello"]) == [1]
    assert "ignoring text index" in caplog.text
    with pytest.raises(StorageBroken):
        await account.indexer.once()
    account.search.path.rmdir()
    await account.indexer.once()
    assert await find(account, "hello") == [1]
