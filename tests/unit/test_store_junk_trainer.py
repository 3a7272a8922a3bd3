"""Learning from flags, in the background (moxlite/store/junk/trainer.py, retrain.py)."""

from collections import Counter
from functools import partial
from typing import Any

import pytest
import trio
import trio.testing

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.changelog.account import Account
from moxlite.store.content.body import locate
from moxlite.store.delivery.perform import append
from moxlite.store.errors import NoSuchMessage
from moxlite.store.file import database
from moxlite.store.file.transaction import Reader
from moxlite.store.junk import score, trainer, trainer as retraining
from moxlite.store.junk.classify import classify
from moxlite.store.junk.score import ENOUGH_SENDERS, hash_words
from moxlite.store.junk.words import read_learned, read_meta, stored_words
from moxlite.store.junkflags import Grams, JunkParams
from moxlite.store.mail.adding import AddedMessage, Append
from moxlite.store.mail.copying import copy_messages, move_ids
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.flags import Mode, store_flags_ids
from moxlite.store.mail.mailboxes import ensure_mailbox
from moxlite.store.options import DAY, AccountConfig, Options
from moxlite.store.types import Flag
from moxlite.store.upkeep.check import check_account
from tests.store_fixtures import accounts as served, soon, unserved as accounts
from tests.store_mail import box, deliver_mail, look, mail, prepared

__all__ = ["accounts", "served"]


class Settings:
    """The configuration of the test's accounts, which the test may change."""

    def __init__(self) -> None:
        self.filter: JunkParams | None = JunkParams()

    def of(self, name: str) -> AccountConfig:
        return AccountConfig(junk_filter=self.filter)


@pytest.fixture
def configured() -> Settings:
    return Settings()


@pytest.fixture
def store_options(configured: Settings) -> Options:
    return Options(check_on_close=True, min_free_space=0, account_config=configured.of)


async def add(account: Account, text: str, flags: Flag = Flag(0), name: str = "Inbox", number: int = 1) -> AddedMessage:
    """Append a message of these words, then set its flags."""
    mailbox_id = (await box(account, name)).id
    added = (await append(account, mailbox_id, [Append(await prepared(mail(number, body=text)))]))[0]
    if flags:
        await mark(account, added.message_id, add=flags)
    return added


async def mark(account: Account, message_id: int, *, add: Flag = Flag(0), remove: Flag = Flag(0)) -> None:
    changes: tuple[tuple[Mode, Flag], ...] = (("add", add), ("remove", remove))
    for mode, flags in changes:
        if flags:
            await account.write(partial(store_flags_ids, ids=[message_id], mode=mode, flags=flags))


async def count(account: Account, word: str) -> tuple[int, int]:
    """In how many hams and spams the word is, as learnt."""

    def read(r: Reader) -> tuple[int, int]:
        meta, _ = read_meta(r)
        assert meta is not None
        found = {row[0]: (row[1], row[2]) for row in r.rows(meta.generation.all)}
        return found.get(hash_words([word], meta.salt)[0], (0, 0))

    return await look(account, read)


async def learnt(account: Account) -> tuple[int, int]:
    meta = (await look(account, read_meta))[0]
    assert meta is not None
    return meta.hams, meta.spams


async def words(account: Account) -> dict[int, tuple[int, int]]:
    meta = (await look(account, read_meta))[0]
    assert meta is not None
    return {row[0]: (row[1], row[2]) for row in await look(account, lambda r: r.rows(meta.generation.all))}


async def trained(account: Account, message_id: int) -> int | None:
    return await look(account, lambda r: r.value("SELECT trained FROM message WHERE id = ?", message_id))


async def test_a_message_is_learnt_as_its_flags_say(accounts: Accounts) -> None:
    """STORE-85, IMAP-111: once, and anew when they change; a message with neither flag stays unlearnt."""
    async with accounts.use("mia") as account:
        one = await add(account, "cheap watches")
        await account.settle()
        assert await learnt(account) == (0, 0)
        for change, expected in (
            ({"add": Flag.JUNK}, (0, 1)),
            ({"add": Flag.SEEN}, (0, 1)),
            ({"add": Flag.NOTJUNK}, (1, 0)),
            ({"remove": Flag.NOTJUNK}, (0, 0)),
        ):
            await mark(account, one.message_id, **change)
            await account.settle()
            await account.settle()
            assert await learnt(account) == expected
            assert await count(account, "watches") == expected
        assert await words(account) == {}


async def test_bounds_follow_the_good_mail(accounts: Accounts) -> None:
    """STORE-89: measured from 50 good messages on, and again after a tenth; a damaged message isn't judged."""

    async def own(account: Account) -> tuple[int, int] | None:
        meta = (await look(account, read_meta))[0]
        assert meta is not None
        return None if meta.own is None else (meta.own.hams, meta.own.spams)

    async with accounts.use("mia") as account:
        measured = []
        for number, flag in enumerate([Flag.NOTJUNK] * 50 + [Flag.JUNK] * 2 + [Flag.NOTJUNK] * 6):
            await add(account, f"lunch at noon {number}", flag, number=number)
            if number in {48, 49, 50, 55, 57}:
                await account.settle()
                measured.append(await own(account))
        assert measured == [None, (50, 0), (50, 1), (54, 2), (54, 2)]
        await account.trainer.retrain()
        assert await own(account) == (56, 2)


async def test_both_flags_are_neither(accounts: Accounts) -> None:
    """STORE-85: trained iff junk differs from notjunk."""
    async with accounts.use("mia") as account:
        await add(account, "cheap watches", Flag.JUNK | Flag.NOTJUNK)
        await account.settle()
        assert await learnt(account) == (0, 0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Inbox", (0, 0)), ("Archive", (1, 0)), ("Junk", (0, 1)), ("Spam/2026", (0, 1)), ("Work", (1, 0))],
)
async def test_a_message_is_learnt_by_the_mailbox_that_it_enters(
    accounts: Accounts, name: str, expected: tuple[int, int]
) -> None:
    """STORE-84, STORE-85, IMAP-112: at deliver, append, copy and move; the third class takes the other names."""
    async with accounts.use("mia") as account:
        await account.write(lambda tx: [ensure_mailbox(tx, one) for one in (name, "Neutral")])
        target, neutral = (await box(account, name)).id, (await box(account, "Neutral")).id
        added = await add(account, "one", Flag(0), name, 1)
        copied = await add(account, "two", Flag.SEEN, "Neutral", 2)
        moved = await add(account, "three", Flag.SEEN, "Neutral", 3)
        await account.write(lambda tx: copy_messages(tx, neutral, [copied.uid], target))
        await account.write(lambda tx: move_ids(tx, [moved.message_id], target))
        await deliver_mail(account, mail(4, body="four"), name)
        await account.settle()
        for word in ("one", "two", "three", "four"):
            assert await count(account, word) == expected
        assert await trained(account, added.message_id) == {(0, 0): None, (1, 0): 0, (0, 1): 1}[expected]


async def test_a_copy_counts_on_its_own_and_a_move_keeps_what_was_learnt(accounts: Accounts) -> None:
    """STORE-85, IMAP-111."""
    async with accounts.use("mia") as account:
        one = await add(account, "lunch tomorrow", Flag.NOTJUNK, "Archive")
        await account.settle()
        archive, sent = (await box(account, "Archive")).id, (await box(account, "Sent")).id
        await account.write(lambda tx: copy_messages(tx, archive, [one.uid], archive))
        await account.settle()
        assert await count(account, "lunch") == (2, 0)
        await account.write(lambda tx: move_ids(tx, [one.message_id], sent))
        await account.settle()
        assert await count(account, "lunch") == (2, 0)
        inbox = (await box(account)).id
        await account.write(lambda tx: move_ids(tx, [one.message_id], inbox))  # neutral
        await account.settle()
        assert await count(account, "lunch") == (1, 0)


async def check_deeply(account: Account) -> None:
    assert await account.scan(lambda r: check_account(r, deep=True), op="check") == []


async def test_what_the_owner_wrote_is_marked_but_not_learnt(accounts: Accounts) -> None:
    """STORE-89a, STORE-84, STORE-85, IMAP-111: in Sent, after it has left it, and a copy; also by a retraining."""
    async with accounts.use("mia") as account:
        one = await add(account, "lunch tomorrow", name="Sent")
        await account.settle()
        sent, archive = (await box(account, "Sent")).id, (await box(account, "Archive")).id
        await account.write(lambda tx: copy_messages(tx, sent, [one.uid], archive))
        await account.settle()
        await account.write(lambda tx: move_ids(tx, [one.message_id], archive))
        await account.settle()
        flags = await look(account, lambda r: r.rows("SELECT flags & 48, trained FROM message"))
        assert flags == [(int(Flag.NOTJUNK), 0)] * 2
        for _ in range(2):
            assert (await learnt(account), await words(account)) == ((0, 0), {})
            await check_deeply(account)
            await account.trainer.retrain()
        await mark(account, one.message_id, add=Flag.JUNK, remove=Flag.NOTJUNK)
        await account.settle()
        assert (await learnt(account), await count(account, "lunch")) == ((0, 1), (0, 1))
        await check_deeply(account)
        ids = await look(account, lambda r: [row[0] for row in r.rows("SELECT id FROM message")])
        await account.write(lambda tx: expunge_ids(tx, ids))
        await account.settle()
        assert (await learnt(account), await words(account)) == ((0, 0), {})
        assert await look(account, lambda r: r.rows("SELECT * FROM junk_own")) == []


async def test_what_was_learnt_before_it_came_into_sent_is_unlearnt_as_it_was(accounts: Accounts) -> None:
    """STORE-89a: an own address in From alone proves nothing."""
    async with accounts.use("mia") as account:
        one = await add(account, "lunch tomorrow", name="Archive")
        await account.settle()
        sent = (await box(account, "Sent")).id
        await account.write(lambda tx: move_ids(tx, [one.message_id], sent))
        await account.settle()
        assert (await learnt(account), await count(account, "lunch")) == ((1, 0), (1, 0))
        await check_deeply(account)
        await account.write(lambda tx: expunge_ids(tx, [one.message_id]))
        await account.settle()
        assert (await learnt(account), await words(account)) == ((0, 0), {})


async def test_senders_are_counted_for_each_class(accounts: Accounts) -> None:
    """STORE-89: each address once, as long as it has a learnt message; retraining counts the same."""

    async def senders() -> tuple[int, int]:
        meta = (await look(account, read_meta))[0]
        assert meta is not None
        learned = await look(account, lambda r: read_learned(r, meta))
        return learned.ham_senders, learned.spam_senders

    async with accounts.use("mia") as account:
        added = []
        for number in range(14):
            data = mail(number, body="lunch").replace(b"anton@", b"Anton%d@" % (number % 12))
            where = (await box(account, "Archive")).id
            added += await append(account, where, [Append(await prepared(data))])
        await account.settle()
        assert await senders() == (ENOUGH_SENDERS, 0)
        await mark(account, added[0].message_id, add=Flag.JUNK, remove=Flag.NOTJUNK)
        await account.write(lambda tx: expunge_ids(tx, [one.message_id for one in added[4:12]]))
        await account.settle()
        for _ in range(2):
            assert await senders() == (4, 1)  # of 0 to 3, and 0 and 1 again
            await check_deeply(account)
            await account.trainer.retrain()


async def test_a_removed_message_is_unlearnt_before_it_is_erased(accounts: Accounts) -> None:
    """STORE-36, STORE-85, STORE-86: also one that was moved before."""
    async with accounts.use("mia") as account:
        one = await add(account, "lunch tomorrow", Flag.NOTJUNK, "Archive")
        await account.settle()
        sent = (await box(account, "Sent")).id
        await account.write(lambda tx: move_ids(tx, [one.message_id], sent))
        await account.write(lambda tx: expunge_ids(tx, [one.message_id]))
        await account.eraser.once()
        assert await look(account, lambda r: stored_words(r, one.message_id, Grams()))
        await account.settle()
        assert await words(account) == {}
        assert await learnt(account) == (0, 0)
        with pytest.raises(NoSuchMessage):
            await look(account, lambda r: locate(r, one.message_id))


async def test_it_follows_within_a_second(served: Accounts) -> None:
    """STORE-85, STORE-86: nobody asks for it."""
    assert trainer.PAUSE < 1
    async with served.use("mia") as account:
        one = await add(account, "cheap watches", Flag.JUNK)
        await soon(lambda: trained(account, one.message_id))


async def test_it_lets_a_burst_pass(served: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-86: who puts one message after the other is not held up, but for somebody who does so all day."""
    ago = 1.0
    monkeypatch.setattr(trainer, "PAUSE", 0.0)
    monkeypatch.setattr(database, "PATIENCE", 1e9)
    monkeypatch.setattr(database.Database, "since_write", property(lambda _: ago))
    async with served.use("mia") as account:
        first = await add(account, "cheap watches", Flag.JUNK)
        await soon(lambda: trained(account, first.message_id))
        ago = 0.0
        await trio.testing.wait_all_tasks_blocked()
        async with account.trainer._lock:
            pass  # a look that had begun is over; the next one waits for the end of the burst
        second = await add(account, "dear watches", Flag.JUNK, number=2)
        await trio.sleep(0.1)
        assert not await trained(account, second.message_id)
        ago = 1.0
        await soon(lambda: trained(account, second.message_id))
        ago = 0.0
        monkeypatch.setattr(database, "PATIENCE", 0.001)
        third = await add(account, "new watches", Flag.JUNK, number=3)
        await soon(lambda: trained(account, third.message_id))


async def test_a_unit_ends_in_time_and_the_rest_follows(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-86."""
    monkeypatch.setattr(trainer, "UNIT_SECONDS", 0.0)
    monkeypatch.setattr(trainer, "UNIT_MESSAGES", 3)
    done: list[int] = []
    learn = trainer.learn

    def noted(*args: Any, **more: Any) -> int:
        done.append(learn(*args, **more))
        return done[-1]

    monkeypatch.setattr(trainer, "learn", noted)
    async with accounts.use("mia") as account:
        await account.settle()
        for number in range(7):
            await add(account, f"word{number} all", Flag.JUNK, number=number)
        await account.settle()
        assert done == [1] * 7
        assert await count(account, "all") == (0, 7)


async def test_what_is_learnt_is_durable_with_its_mark(accounts: Accounts) -> None:
    """STORE-86: closed in the middle, the rest is found in the rows at the next opening."""
    async with accounts.use("mia") as account:
        for number in range(3):
            await add(account, "same words", Flag.NOTJUNK, "Archive", number)
    await accounts.aclose()
    again = Accounts(accounts.directory, accounts.options)
    async with again.use("mia") as account:
        await account.settle()
        assert await learnt(account) == (3, 0)
        assert await count(account, "same") == (3, 0)
    await again.aclose()


async def test_a_damaged_message_holds_up_nothing(accounts: Accounts) -> None:
    """STORE-86, STORE-159."""
    async with accounts.use("mia") as account:
        one = await add(account, "broken", Flag.JUNK)
        two = await add(account, "whole", Flag.JUNK, number=2)
        await account.write(lambda tx: tx.execute("UPDATE body_chunk SET digest = digest + 1 WHERE id = 1 << 16"))
        await account.settle()
        assert await learnt(account) == (0, 2)
        assert await count(account, "whole") == (0, 1)
        await account.write(lambda tx: expunge_ids(tx, [one.message_id, two.message_id]))
        await account.settle()
        assert await learnt(account) == (0, 0)
        assert await look(account, lambda r: r.rows("SELECT * FROM body")) == []
        await account.trainer.retrain()  # had it been learnt before it broke


async def test_without_a_filter_nothing_is_learnt_and_what_was_is_forgotten(
    accounts: Accounts, configured: Settings
) -> None:
    """STORE-89: no table, no filter; what was removed is erased without unlearning."""
    async with accounts.use("mia") as account:
        one = await add(account, "cheap watches", Flag.JUNK)
        two = await add(account, "cheap shoes", Flag.JUNK, number=2)
        await account.settle()
        configured.filter = None
        await account.write(lambda tx: expunge_ids(tx, [one.message_id]))
        await account.settle()
        assert await look(account, read_meta) == (None, None)
        assert await look(account, lambda r: r.rows("SELECT * FROM junk_word_0 UNION SELECT * FROM junk_word_1")) == []
        assert await look(account, lambda r: r.value("SELECT count(*) FROM body")) == 1
        assert await classify(account, b"Subject: cheap\r\n\r\nx\r\n") is None
        await mark(account, two.message_id, remove=Flag.JUNK)
        await account.settle()
        configured.filter = JunkParams()
        await account.settle()
        assert await learnt(account) == (0, 0)


# Retraining


async def test_retraining_counts_what_was_counted_before(accounts: Accounts) -> None:
    """STORE-87: with another salt, in the other table."""
    async with accounts.use("mia") as account:
        for number in range(6):
            flags = (Flag.JUNK, Flag.NOTJUNK, Flag(0))[number % 3]
            await add(account, f"word{number} all words", flags, number=number)
        await account.settle()
        before = (await look(account, read_meta))[0]
        assert before is not None
        counts = Counter((await words(account)).values())
        told: list[tuple[int, int]] = []
        assert await account.trainer.retrain(lambda done, total: told.append((done, total))) == 4
        after = (await look(account, read_meta))[0]
        assert after is not None
        assert after.salt != before.salt
        assert after.generation != before.generation
        assert Counter((await words(account)).values()) == counts
        assert told == [(0, 4), (4, 4)]
        assert await look(account, lambda r: r.rows("SELECT * FROM junk_retrain")) == []


async def test_other_words_are_a_reason_to_retrain(
    accounts: Accounts, configured: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-87: another tokenizer_version, other n-grams."""
    async with accounts.use("mia") as account:
        await add(account, "cheap gold watches", Flag.JUNK)
        await account.settle()
        configured.filter = JunkParams(grams=Grams(twograms=True, threegrams=True))
        await account.settle()
        assert await count(account, "gold watches") == (0, 1)
        assert await count(account, "cheap gold watches") == (0, 1)
        monkeypatch.setattr(score, "TOKENIZER_VERSION", 99)
        monkeypatch.setattr("moxlite.store.junk.words.TOKENIZER_VERSION", 99)
        await account.settle()
        assert await look(account, lambda r: r.value("SELECT tokenizer_version FROM junk_meta")) == 99
        assert await count(account, "gold watches") == (0, 1)


class Stop(Exception):
    pass


async def interrupt(account: OpenAccount, monkeypatch: pytest.MonkeyPatch, batches: int) -> None:
    """Retrain, and stop after so many batches of one message."""
    fill = retraining._fill
    left = batches

    def limited(tx: object, **args: object) -> int:
        nonlocal left
        if left == 0:
            raise Stop
        left -= 1
        return fill(tx, **args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(retraining, "BATCH", 1)
        patch.setattr(retraining, "_fill", limited)
        with pytest.raises(Stop):
            await account.trainer.retrain()


async def test_an_interrupted_retraining_goes_on_and_follows_all_changes(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-36, STORE-85, STORE-87: what is marked, removed or moved between its batches."""
    async with accounts.use("mia") as account:
        ids = [(await add(account, f"word{n} all", Flag.NOTJUNK, "Archive", n)).message_id for n in range(6)]
        await account.settle()
        await interrupt(account, monkeypatch, 4)
        inbox = (await box(account)).id
        assert (await look(account, read_meta))[1] is not None
        await mark(account, ids[0], add=Flag.JUNK)
        await account.write(lambda tx: move_ids(tx, [ids[1], ids[2]], inbox))
        await mark(account, ids[2], add=Flag.NOTJUNK)
        await account.write(lambda tx: expunge_ids(tx, [ids[2], ids[3], ids[4]]))
        await account.eraser.once()
        # What the new words know is kept, so that they can unlearn it.
        assert await look(account, lambda r: stored_words(r, ids[2], Grams()))
        assert await account.scan(lambda r: check_account(r, deep=True), op="check") == []
        await account.settle()
        assert (await look(account, read_meta))[1] is None
        assert await learnt(account) == (1, 1)
        assert await count(account, "all") == (1, 1)
        await account.settle()
        assert await look(account, lambda r: r.value("SELECT count(*) FROM body")) == 3
        assert await look(account, lambda r: r.rows("SELECT * FROM erase_queue")) == []


async def test_the_filter_in_use_learns_and_judges_during_a_retraining(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-87: the account is not blocked."""
    async with accounts.use("mia") as account:
        for number in range(5):
            await add(account, "tea and biscuits", Flag.NOTJUNK, "Archive", number)
        await account.settle()
        marked = await add(account, "cheap watches", Flag(0), number=9)
        seen: list[tuple[int, int]] = []
        scan = account.scan

        async def between(fn: object, *, op: str) -> object:
            if op == "junk_retrain" and len(seen) < 3:
                if len(seen) == 1:
                    await mark(account, marked.message_id, add=Flag.JUNK)
                seen.append(await learnt(account))
                assert await classify(account, mail(3, body="watches")) is not None
            return await scan(fn, op=op)  # type: ignore[arg-type]

        monkeypatch.setattr(retraining, "BATCH", 2)
        monkeypatch.setattr(account, "scan", between)
        await account.trainer.retrain()
        assert seen[-1] == (5, 1)
        assert await learnt(account) == (5, 1)


# Pruning


async def test_pruning_drops_old_words_of_one_message(accounts: Accounts) -> None:
    """STORE-193: after 180 days; unlearning a message whose words are gone ends at 0."""
    async with accounts.use("mia") as account:
        one = await add(account, "single everywhere", Flag.JUNK)
        await add(account, "everywhere", Flag.JUNK, number=2)
        await account.settle()
        meta = (await look(account, read_meta))[0]
        assert meta is not None
        assert await account.trainer.prune() == 0
        table = f"junk_word_{meta.generation.number}"
        await account.write(lambda tx: tx.execute(f"UPDATE {table} SET day = ?", tx.now // DAY - 181))
        assert await account.trainer.prune() > 0
        assert await count(account, "single") == (0, 0)
        assert await count(account, "everywhere") == (0, 2)
        assert await account.scan(lambda r: check_account(r, deep=True), op="check") == []
        await mark(account, one.message_id, add=Flag.NOTJUNK)
        await account.settle()
        assert await count(account, "single") == (1, 0)
        await mark(account, one.message_id, remove=Flag.NOTJUNK)
        await account.settle()
        assert await count(account, "single") == (0, 0)
        assert await count(account, "everywhere") == (0, 1)
        await account.trainer.retrain()
        assert not (await look(account, read_meta))[0].pruned  # type: ignore[union-attr]


# The deep check


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE {} SET ham = ham + 1 WHERE hash = (SELECT min(hash) FROM {})",
        "DELETE FROM {} WHERE hash = (SELECT min(hash) FROM {})",
        "INSERT INTO {} SELECT 77, 1, 0, 1 FROM (SELECT max(hash) FROM {})",
        "UPDATE junk_sender SET messages = 2 -- {} {}",
        "DELETE FROM junk_sender -- {} {}",
    ],
)
async def test_the_deep_check_counts_the_words_again(accounts: Accounts, sql: str) -> None:
    """STORE-40."""
    async with accounts.use("mia") as account:
        await add(account, "cheap watches", Flag.JUNK)
        await account.settle()
        meta = (await look(account, read_meta))[0]
        assert meta is not None
        table = f"junk_word_{meta.generation.number}"
        await account.write(lambda tx: tx.execute(sql.format(table, table)))
        found = await account.scan(lambda r: check_account(r, deep=True), op="check")
        assert [one.about for one in found] == ["junk_word"]
        assert await account.scan(check_account, op="check") == []
        await account.trainer.retrain()
        assert await account.scan(lambda r: check_account(r, deep=True), op="check") == []


@pytest.mark.parametrize(
    ("sql", "index"), [(trainer.TO_TRAIN, "message_training"), (trainer.TO_UNTRAIN, "erase_queue_training")]
)
async def test_the_work_is_found_by_partial_indices(accounts: Accounts, sql: str, index: str) -> None:
    """STORE-86: the look after each change costs nothing when there is nothing to do."""
    async with accounts.use("mia") as account:
        plan = await look(account, lambda r: r.rows(f"EXPLAIN QUERY PLAN {sql}", 1))
        assert any(index in row[3] for row in plan)


async def test_a_cancelled_retraining_goes_on_in_the_background(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-87: who asked for it may go."""
    monkeypatch.setattr(retraining, "BATCH", 1)
    async with accounts.use("mia") as account:
        for number in range(4):
            await add(account, "tea", Flag.NOTJUNK, "Archive", number)
        await account.settle()
        before = (await look(account, read_meta))[0]
        with trio.CancelScope() as scope:
            await account.trainer.retrain(lambda done, total: scope.cancel() if done == 2 else None)
        assert scope.cancelled_caught
        await account.settle()
        after, filling = await look(account, read_meta)
        assert after is not None
        assert before is not None
        assert filling is None
        assert after.generation != before.generation
        assert await count(account, "tea") == (4, 0)
