"""Idempotency keys of units (docs/spec/store.md, STORE-189)."""

import os
from functools import partial

import apsw
import pytest
from hypothesis import given, strategies as st

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.changelog import keys
from moxlite.store.changelog.keys import forget_recent, free_key, is_known, note_key
from moxlite.store.changelog.unit import AccountTx, was_done
from moxlite.store.delivery.actions import Delivery, FileInto
from moxlite.store.delivery.perform import perform
from moxlite.store.file.transaction import Tx
from moxlite.store.upkeep.check import check_account
from moxlite.store.upkeep.erase import forget_keys
from tests.store_fixtures import accounts, store_options
from tests.store_mail import look, mail, prepared

__all__ = ["accounts", "store_options"]

DAY = 86_400_000_000
TABLE = "SELECT count(*) FROM unit_key"
ROW = "SELECT length(recent_keys) FROM state"

KEYS = st.sampled_from([b"", b"a", b"b", b"ab", b"\0", b"\0\1a", b"\0\1b\0\1", *(bytes([n]) * 16 for n in range(12))])
"""Among them, those that are a part of others with their lengths."""

STEPS = st.lists(st.tuples(st.sampled_from(["note", "note", "note", "free", "age"]), KEYS, st.integers(0, 9)))


@given(STEPS, st.integers(20, 200))
def test_keys_are_known_as_in_a_plain_set(steps: list[tuple[str, bytes, int]], full: int) -> None:
    """STORE-189: whichever are recent; also if a key's octets are part of others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "FULL", full)
        db = apsw.Connection(":memory:")
        db.execute(
            """CREATE TABLE state (id INTEGER PRIMARY KEY, recent_keys BLOB NOT NULL) STRICT;
            INSERT INTO state VALUES (1, x'');
            CREATE TABLE unit_key (key BLOB PRIMARY KEY, created INTEGER NOT NULL) STRICT, WITHOUT ROWID"""
        )
        tx = Tx(db)
        expected: dict[bytes, int] = {}
        for what, key, _ in steps:
            if what == "note":
                assert note_key(tx, key) == (key not in expected)
                expected.setdefault(key, tx.now)
            elif what == "free":
                assert free_key(tx, key) == (key in expected)
                expected.pop(key, None)
            else:
                recent = [known for known, _ in keys.recent_keys(tx)]
                assert forget_recent(tx, tx.now + 1) == len(recent)
                for known in recent:
                    del expected[known]
            assert all(is_known(tx, one) for one in expected)
            assert tx.value(ROW) <= full
            assert tx.value(TABLE) + len(keys.recent_keys(tx)) == len(expected)
        assert not any(is_known(tx, os.urandom(16)) for _ in range(3))


async def deliver(account: OpenAccount, number: int, key: bytes) -> bool:
    delivery = Delivery(actions=(FileInto(mailbox="Inbox"),))
    return not (await perform(account, await prepared(mail(number)), delivery, key)).again


async def test_a_delivery_changes_neither_the_table_of_keys_nor_the_index_of_threads(accounts: Accounts) -> None:
    """STORE-189, STORE-20: a hundred keys of deliveries are in a row that each one changes anyway, which stays below a
    page; then they go into the table at once. None is delivered twice, also after the account was closed.
    """
    made = [os.urandom(16) for _ in range(230)]
    async with accounts.use("mjl") as account:
        for number, key in enumerate(made):
            assert await deliver(account, number, key)
            table, row = await look(account, lambda r: (r.value(TABLE), r.value(ROW)))
            assert table in (0, 108, 216)
            assert table + row // 26 == number + 1
            assert row <= keys.FULL
        plan = "SELECT count(*) FROM message INDEXED BY message_threadid WHERE threadid <> id"
        assert await look(account, lambda r: r.value(plan)) == 0
    async with accounts.use("mjl") as account:
        for key in (made[0], made[107], made[108], made[229]):
            assert not await deliver(account, 1, key)
            assert await look(account, partial(was_done, key=key))
        assert await look(account, lambda r: r.value("SELECT count(*) FROM message")) == 230
        assert await account.scan(check_account, op="test") == []


async def test_keys_are_forgotten_wherever_they_are(accounts: Accounts) -> None:
    """STORE-189: after seven days, and no sooner."""

    def age(tx: Tx, days: int) -> None:
        tx.execute("UPDATE unit_key SET created = created - ?", days * DAY)
        aged = [(key, created - days * DAY) for key, created in keys.recent_keys(tx)]
        tx.execute("UPDATE state SET recent_keys = ?", keys.packed(aged))

    made = [b"%016d" % number for number in range(120)]
    async with accounts.use("mjl") as account:
        for key in made:
            await account.write(partial(AccountTx.once, key=key))
        assert await look(account, lambda r: r.value(TABLE)) == 108
        await account.write(partial(age, days=6))
        assert await account.write(forget_keys) == 0
        assert not await account.write(lambda tx: tx.once(made[0]) or tx.once(made[-1]))
        await account.write(partial(age, days=1))
        assert await account.write(forget_keys) == 120
        assert await account.write(lambda tx: tx.once(made[0]) and tx.once(made[-1]))


async def test_a_freed_key_may_come_again(accounts: Accounts) -> None:
    """STORE-189: once, whether it is recent or not."""
    async with accounts.use("mjl") as account:
        for number in range(120):
            await account.write(partial(AccountTx.once, key=b"%016d" % number))
        for number in (3, 119):
            key = b"%016d" % number
            assert await account.write(partial(free_key, key=key))
            assert not await account.write(partial(free_key, key=key))
            assert await account.write(partial(AccountTx.once, key=key))
            assert not await account.write(partial(AccountTx.once, key=key))
