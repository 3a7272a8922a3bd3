"""Erasure of content, purging of tombstones, the outbox (STORE-10, 27, 36, 37, 189a, 190)."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
import trio
import trio.testing

from moxlite import supervision
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import append
from moxlite.store.mail import copying, expunging, mailboxes
from moxlite.store.mail.adding import Append, add_message
from moxlite.store.options import DAY, Options
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.store.types import Flag, MailboxID
from moxlite.store.upkeep import erase, outbox
from moxlite.store.upkeep.outbox import OutboxRow
from tests.store_fixtures import accounts as served, soon, store_options, unserved as accounts
from tests.supervised import supervised

__all__ = ["accounts", "served", "store_options"]

INBOX = MailboxID(1)
TABLES = ("body", "body_chunk", "message_info", "message_header", "erase_queue")


@pytest.fixture
async def account(accounts: Accounts) -> AsyncIterator[OpenAccount]:
    async with accounts.use("mjl") as account:
        yield account


async def add(account: OpenAccount, text: str, count: int = 1) -> list[int]:
    """Add `count` messages with that body; returns their UIDs."""
    with Spool.of(f"Subject: x\r\n\r\n{text}\r\n".encode()) as spool:
        prepared = await prepare(spool)
        return await account.write(lambda tx: [add_message(tx, prepared, INBOX).uid for _ in range(count)])


async def counts(account: OpenAccount) -> dict[str, int]:
    return await account.read(
        lambda r: {table: r.value(f"SELECT count(*) FROM {table}") for table in TABLES}, op="test"
    )


async def no_bodies(account: OpenAccount) -> bool:
    return (await counts(account))["body"] == 0


async def expunge(account: OpenAccount, *uids: int) -> None:
    await account.write(lambda tx: expunging.expunge(tx, INBOX, uids))


async def test_removed_content_goes_when_nobody_listens(account: OpenAccount) -> None:
    """STORE-36: the tombstone stays, without content."""
    uids = await add(account, "one")
    await expunge(account, *uids)
    await account.eraser.once()
    assert await counts(account) == dict.fromkeys(TABLES, 0)
    row = await account.read(lambda r: r.row("SELECT uid, body_id, flags, size FROM expunged"), op="test")
    assert row == (1, None, None, None)


async def test_removed_content_stays_until_every_subscriber_has_applied_the_removal(account: OpenAccount) -> None:
    """STORE-36."""
    uids = await add(account, "one")
    _, first = await account.subscribe()
    _, second = await account.subscribe()
    await expunge(account, *uids)
    await account.eraser.once()
    assert (await counts(account))["body_chunk"] == 1
    first.acknowledge((await first.take()).modseq)
    await account.eraser.once()
    assert (await counts(account))["body_chunk"] == 1
    second.close()
    await account.eraser.once()
    assert (await counts(account))["body_chunk"] == 0
    first.close()


@pytest.mark.slow
async def test_the_eraser_runs_by_itself_after_the_last_acknowledgement(served: Accounts) -> None:
    """STORE-36."""
    async with served.use("mjl") as account:
        uids = await add(account, "one")
        _, cursor = await account.subscribe()
        await expunge(account, *uids)
        cursor.acknowledge((await cursor.take()).modseq)
        await soon(partial(no_bodies, account))
        cursor.close()


async def test_equal_bodies_go_with_their_last_user(account: OpenAccount) -> None:
    """STORE-180, STORE-29."""
    uids = await add(account, "same", 3)
    assert (await counts(account))["body"] == 1
    await expunge(account, uids[0], uids[1])
    await account.eraser.once()
    assert await account.read(lambda r: r.rows("SELECT refs FROM body"), op="test") == [(1,)]
    await expunge(account, uids[2])
    await account.eraser.once()
    assert await counts(account) == dict.fromkeys(TABLES, 0)


async def test_a_moved_message_keeps_its_rows_when_the_old_place_is_erased(account: OpenAccount) -> None:
    """STORE-25."""
    uids = await add(account, "moved")
    trash = await account.read(lambda r: mailbox_rows.mailbox_by_name(r, "Trash"), op="test")
    assert trash is not None
    _, cursor = await account.subscribe()
    await account.write(lambda tx: copying.move_messages(tx, INBOX, uids, trash.id))
    assert await account.read(lambda r: r.rows("SELECT refs FROM body"), op="test") == [(2,)]
    cursor.close()
    await account.eraser.once()
    assert await account.read(lambda r: r.rows("SELECT refs FROM body"), op="test") == [(1,)]
    assert await counts(account) == {**dict.fromkeys(TABLES, 1), "erase_queue": 0}


async def test_one_unit_erases_at_most_500_and_all_go_in_the_end(
    account: OpenAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-37."""
    monkeypatch.setattr(erase, "UNIT_BODIES", 3)
    for n in range(8):
        await add(account, f"body {n}")
    _, cursor = await account.subscribe()
    await expunge(account, *range(1, 9))
    done = await account.database.write(lambda tx: erase.erase(tx, account.bus.modseq))
    assert (done.tombstones, done.bodies) == (3, 3)
    cursor.close()
    await account.eraser.once()
    assert (await counts(account))["body"] == 0


async def test_one_unit_erases_at_most_64_mib(account: OpenAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-37."""
    monkeypatch.setattr(erase, "UNIT_BYTES", 1)
    for n in range(3):
        await add(account, f"body {n}")
    _, cursor = await account.subscribe()
    await expunge(account, 1, 2, 3)
    done = await account.database.write(lambda tx: erase.erase(tx, account.bus.modseq))
    assert done.tombstones == 1
    cursor.close()
    await account.eraser.once()
    assert (await counts(account))["body"] == 0


@pytest.mark.parametrize("sql", ["UPDATE message SET trained = 1", "INSERT INTO junk_retrain VALUES (1, 1)"])
async def test_what_the_junk_filter_has_not_unlearnt_stays(tmp_path: Path, sql: str) -> None:
    """STORE-36, STORE-85, STORE-87: neither what it uses nor what a retraining has learnt."""
    accounts = Accounts(tmp_path, Options(min_free_space=0))  # not served: no trainer in the background
    async with accounts.use("mjl") as account:
        uids = await add(account, "spam")
        await account.write(lambda tx: tx.execute(sql))
        await expunge(account, *uids)
        await account.eraser.once()
        assert (await counts(account))["body"] == 1
        await account.write(lambda tx: tx.execute("UPDATE erase_queue SET trained = NULL"))
        await account.write(lambda tx: tx.execute("DELETE FROM junk_retrain"))
        await account.eraser.once()
        assert (await counts(account))["body"] == 0
    await accounts.aclose()


async def test_what_the_outbox_names_stays(account: OpenAccount) -> None:
    """STORE-36, STORE-189a."""
    uids = await add(account, "webhook")
    await account.write(lambda tx: tx.owe(b"k", "test-kind", b"", 1))
    await expunge(account, *uids)
    await account.eraser.once()
    assert (await counts(account))["body"] == 1
    await account.write(lambda tx: tx.execute("DELETE FROM outbox"))
    await account.eraser.once()
    assert (await counts(account))["body"] == 0


@pytest.mark.parametrize("most", [1, 500])
async def test_the_grace_for_undeleting_keeps_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """STORE-190: also where all whose time is over are more than are looked at together, on the loop."""
    monkeypatch.setattr(erase, "UNIT_BODIES", most)
    found = Accounts(tmp_path, Options(undelete_grace=7 * DAY, min_free_space=0, check_on_close=True))
    async with found.use("mjl") as account:
        uids = [*await add(account, "precious"), *await add(account, "precious, too")]
        await expunge(account, *uids)
        delay = await account.eraser.once()
        assert 60 <= delay <= 3600
        assert (await counts(account))["body"] == 2
        later = await add(account, "later")
        await expunge(account, *later)
        old = "UPDATE erase_queue SET expunged_at = expunged_at - ? WHERE uid <= ?"
        await account.write(lambda tx: tx.execute(old, 8 * DAY, uids[-1]))
        await account.eraser.once()
        assert (await counts(account))["body"] == 1
        await account.write(lambda tx: tx.execute(old, 8 * DAY, later[0]))
        await account.eraser.once()
        assert (await counts(account))["body"] == 0
    await found.aclose()


async def test_erasures_that_a_kill_cut_short_go_on_at_the_next_open(tmp_path: Path) -> None:
    """STORE-10."""
    options = Options(min_free_space=0, check_on_close=True)
    first = Accounts(tmp_path, options)
    async with first.use("mjl") as account:
        uids = await add(account, "one")
        await expunge(account, *uids)
    await first.aclose()
    second = Accounts(tmp_path, options)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervised, second)
        async with second.use("mjl") as account:
            await soon(partial(no_bodies, account))
        nursery.cancel_scope.cancel()


async def test_bodies_whose_delivery_died_go_at_the_next_open(tmp_path: Path) -> None:
    """STORE-10, STORE-131."""
    first = Accounts(tmp_path, Options(min_free_space=0))
    async with first.use("mjl") as account:
        await add(account, "kept")
        await account.write(
            lambda tx: tx.execute("INSERT INTO body (id, hash, size, refs) VALUES (99, randomblob(32), 5, 0)")
        )
        await account.write(lambda tx: tx.execute("INSERT INTO body_chunk VALUES (99 << 16, 0, 1, x'00')"))
    await first.aclose()
    second = Accounts(tmp_path, Options(min_free_space=0, check_on_close=True))
    async with second.use("mjl") as account:
        found = await counts(account)
        assert (found["body"], found["body_chunk"]) == (1, 1)
    await second.aclose()


@pytest.mark.parametrize("held", [False, True])
async def test_ids_of_the_newest_message_do_not_come_again(tmp_path: Path, held: bool) -> None:
    """STORE-20: neither the message's nor the body's, once it is erased and the account was opened anew."""
    ids = "SELECT m.id, m.body_id FROM message m WHERE m.uid = ?"
    left = "SELECT (SELECT count(*) FROM message) + (SELECT count(*) FROM body)"
    given = []
    for uid in (1, 2):
        accounts = Accounts(tmp_path, Options(min_free_space=0, check_on_close=True, undelete_grace=0))
        async with accounts.use("mjl") as account:
            message = await prepare(Spool.of(b"Subject: %d\r\n\r\nx\r\n" % uid), chunks=not held)
            await append(account, INBOX, [Append(message)])
            given.append(await account.read(lambda r, uid=uid: r.row(ids, uid), op="test"))  # type: ignore[misc]
            await account.write(lambda tx, uid=uid: expunging.expunge(tx, INBOX, [uid]))  # type: ignore[misc]
            await account.settle()
            assert await account.read(lambda r: r.value(left), op="test") == 0
        await accounts.aclose()
    (first, first_body), (second, second_body) = given
    assert second > first
    assert second_body > first_body


# Purging


async def age(account: OpenAccount, days: int, uids: range) -> None:
    await account.write(
        lambda tx: tx.execute(
            "UPDATE expunged SET expunged_at = expunged_at - ? WHERE uid >= ? AND uid < ?",
            days * DAY,
            uids.start,
            uids.stop,
        )
    )


async def tombstones(account: OpenAccount) -> tuple[list[int], int]:
    return await account.read(
        lambda r: (
            [uid for (uid,) in r.rows("SELECT uid FROM expunged")],
            r.value("SELECT highest_purged_modseq FROM state"),
        ),
        op="test",
    )


async def test_tombstones_older_than_400_days_are_purged(account: OpenAccount) -> None:
    """STORE-27: the highest modseq among them is told."""
    await add(account, "x", 6)
    for uid in range(1, 7):
        await expunge(account, uid)
    await account.eraser.once()
    modseqs: dict[int, int] = await account.read(lambda r: dict(r.rows("SELECT uid, modseq FROM expunged")), op="test")
    await age(account, 401, range(1, 4))
    await account.tend()
    assert await tombstones(account) == ([4, 5, 6], modseqs[3])


async def test_tombstones_beyond_the_newest_kept_are_purged(account: OpenAccount) -> None:
    """STORE-27: here with room for two."""
    await add(account, "x", 6)
    for uid in range(1, 7):
        await expunge(account, uid)
    await account.eraser.once()
    while await account.write(
        lambda tx: erase.purge(tx, account.bus.acknowledged, retention=400 * DAY, kept=2, limit=3)
    ):
        pass
    assert (await tombstones(account))[0] == [5, 6]


async def test_what_a_subscriber_has_not_applied_is_not_purged(account: OpenAccount) -> None:
    """STORE-27: nor what still has content."""
    await add(account, "x", 3)
    await expunge(account, 1)
    await account.eraser.once()
    _, cursor = await account.subscribe()
    await expunge(account, 2)
    await account.eraser.once()
    await age(account, 500, range(1, 4))
    await account.tend()
    assert (await tombstones(account))[0] == [2]
    cursor.close()
    await account.tend()
    assert (await tombstones(account))[0] == [2]
    await account.eraser.once()
    await account.tend()
    assert (await tombstones(account))[0] == []


async def test_deleted_mailboxes_go_with_the_tombstones_of_their_time(account: OpenAccount) -> None:
    """STORE-27."""
    box = (await account.write(lambda tx: mailboxes.create_mailbox(tx, "gone")))[0]
    await account.write(lambda tx: mailboxes.delete_mailbox(tx, box.id))
    await add(account, "x")
    await expunge(account, 1)
    await account.eraser.once()
    await age(account, 500, range(1, 2))
    await account.tend()
    assert await account.read(lambda r: r.value("SELECT count(*) FROM mailbox_gone"), op="test") == 0


async def test_free_pages_are_given_back_once(account: OpenAccount) -> None:
    """STORE-37b: later ones stay in the file for new mail."""
    pages: list[int] = []
    for number in range(2):
        await add(account, random.Random(number).randbytes(100_000).hex())
        await expunge(account, 1 + len(pages))
        await account.eraser.once()
        await account.tend()
        pages.append(await account.read(lambda r: r.value("PRAGMA freelist_count"), op="test"))
    assert pages[0] == 0 < pages[1]


# Outbox


class Carried:
    """A handler that notes what it got, and fails when told to."""

    async def some(self) -> bool:
        return bool(self.rows)

    def __init__(self) -> None:
        self.rows: list[OutboxRow] = []
        self.failures = 0
        self.error: Exception = OSError("not now")

    async def __call__(self, account: Account, row: OutboxRow) -> None:
        await trio.lowlevel.checkpoint()
        if self.failures:
            self.failures -= 1
            raise self.error
        self.rows.append(row)


def owe(key: bytes, kind: str = "webhook") -> Callable[[AccountTx], None]:
    def unit(tx: AccountTx) -> None:
        tx.owe(key, kind, b"data of " + key, None)

    return unit


async def test_what_a_unit_owes_is_carried_over_and_then_deleted(served: Accounts) -> None:
    """STORE-189a: oldest first, with all that the row holds."""
    async with served.use("mjl") as account:
        carried = Carried()
        served.register_outbox("webhook", carried)
        for key in (b"a", b"b", b"c"):
            await account.write(owe(key))

        async def empty() -> bool:
            left = await account.read(lambda r: r.value("SELECT count(*) FROM outbox"), op="test")
            return bool(left == 0)

        await soon(empty)
        assert [(row.key, row.kind, row.data) for row in carried.rows] == [
            (key, "webhook", b"data of " + key) for key in (b"a", b"b", b"c")
        ]


async def test_a_failed_unit_owes_nothing_and_an_equal_key_is_owed_once(account: OpenAccount) -> None:
    """STORE-189a."""

    def bad(tx: AccountTx) -> None:
        tx.owe(b"a", "later", b"")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await account.write(bad)
    for _ in range(2):
        await account.write(owe(b"b", "later"))
    assert await account.read(lambda r: r.rows("SELECT key FROM outbox"), op="test") == [(b"b",)]


async def test_rows_wait_until_their_kind_has_a_handler(served: Accounts) -> None:
    """STORE-189a: a handler may be registered after the account was opened."""
    async with served.use("mjl") as account:
        await account.write(owe(b"a"))
        await account.carrier.once()
        carried = Carried()
        served.register_outbox("webhook", carried)
        await soon(carried.some)


async def test_a_handler_that_fails_is_asked_again_later_and_holds_up_nobody(
    served: Accounts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-189a."""
    async with served.use("mjl") as account:
        failing, good = Carried(), Carried()
        failing.failures = 1
        monkeypatch.setattr(outbox, "FIRST_RETRY", 0.0)
        served.register_outbox("failing", failing)
        served.register_outbox("webhook", good)
        with caplog.at_level(logging.ERROR, "moxlite.store.outbox"):
            await account.write(owe(b"a", "failing"))
            await account.write(owe(b"b"))
            await soon(good.some)
            await account.carrier.once()
            await soon(failing.some)
        assert caplog.messages == ["failed to transfer outbox row"]


async def test_a_handler_with_a_bug_is_asked_again_later_and_holds_up_nobody(
    served: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-189a, ADMIN-39a: what no code expected ends the carrier; it starts again, and goes on with the other
    rows.
    """
    monkeypatch.setattr(supervision, "FIRST_PAUSE", 0.0)
    async with served.use("mjl") as account:
        failing, good = Carried(), Carried()
        failing.failures, failing.error = 1, ValueError("a bug")
        served.register_outbox("failing", failing)
        served.register_outbox("webhook", good)
        await account.write(owe(b"a", "failing"))
        await account.write(owe(b"b"))
        await soon(good.some)
        assert not failing.rows
        monkeypatch.setattr(trio, "current_time", lambda now=trio.current_time: now() + outbox.FIRST_RETRY)
        await account.carrier.once()
        assert await failing.some()


async def test_an_account_without_users_is_opened_again_for_a_row_that_failed(accounts: Accounts) -> None:
    """STORE-189a: such as a message that its user has sent before the queue had no room for a moment."""
    failing = Carried()
    failing.failures = 100
    accounts.register_outbox("failing", failing)
    async with accounts.use("mjl") as account:
        await account.write(owe(b"a", "failing"))
        await account.carrier.once()
    await accounts.close_idle(room=accounts.max_open)
    minute = 60_000_000
    assert 4 * minute < accounts._rounds.dues._moments["mjl"] - time.time_ns() // 1000 <= 5 * minute
    failing.failures = 0
    async with accounts.use("mjl") as account:
        await account.carrier.once()
    assert await failing.some()
    await accounts.close_idle(room=accounts.max_open)
    assert accounts._rounds.dues._moments == {}


async def test_the_delay_after_failures_grows(account: OpenAccount) -> None:
    """STORE-189a: from 5 s to an hour."""
    failing = Carried()
    failing.failures = 100
    carrier = outbox.OutboxWorker(account, {"failing": failing})
    await account.write(owe(b"a", "failing"))
    delays = []
    for _ in range(13):
        delays.append(round(await carrier.once()))
        carrier._later = {row_id: (0.0, delay) for row_id, (_, delay) in carrier._later.items()}
    assert delays[:4] == [5, 10, 20, 40]
    assert delays[-1] == 3600


async def test_after_a_crash_between_handler_and_deletion_the_row_comes_again(account: OpenAccount) -> None:
    """STORE-189a: so handlers are idempotent by the key."""
    carried = Carried()
    carrier = outbox.OutboxWorker(account, {"webhook": carried})
    await account.write(owe(b"a"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox, "DELETE", "SELECT ?")
        await carrier.once()
    await carrier.once()
    assert [row.key for row in carried.rows] == [b"a", b"a"]


def test_flags_are_those_of_the_specification() -> None:
    """STORE-22: ten bits, in the file for ever."""
    assert [flag.value for flag in Flag] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
