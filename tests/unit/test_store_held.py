"""Rows of the outbox that wait for their time (STORE-189a, WEBMAIL-123)."""

import time
from functools import partial

import pytest

from moxlite.store.accounts import accounts as accounts_module
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.upkeep.outbox import OutboxRow, OutboxWorker
from tests.store_fixtures import accounts, soon, store_options, unserved

__all__ = ["accounts", "store_options", "unserved"]

SECOND = 1_000_000
HOUR = 3600 * 1000 * SECOND
"""Nanoseconds."""


class Carried:
    """A handler that notes what it got."""

    def __init__(self) -> None:
        self.rows: list[OutboxRow] = []

    async def __call__(self, account: Account, row: OutboxRow) -> None:
        self.rows.append(row)

    async def some(self) -> bool:
        return bool(self.rows)


def hold(tx: AccountTx, seconds: float) -> None:
    """Owe a row that waits for so long."""
    tx.owe(b"key", "held", b"", due=tx.now + int(seconds * SECOND))


async def test_a_row_waits_for_its_time_by_any_clock(unserved: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-123: a wall clock that is set back does not prolong it, also over a start."""
    real = time.time_ns()
    async with unserved.use("mjl") as account:
        carried = Carried()
        carrier = OutboxWorker(account, {"held": carried})
        await account.write(partial(hold, seconds=300))
        for hours in (0, -1, 1):
            monkeypatch.setattr(time, "time_ns", lambda moved=real + hours * HOUR: moved)
            assert 0 < await carrier.once() <= 300
        monkeypatch.setattr(time, "time_ns", lambda: real - HOUR)
        assert 0 < await OutboxWorker(account, {"held": carried}).once() <= 300
        assert carried.rows == []
        monkeypatch.setattr(time, "time_ns", lambda: real + HOUR)
        assert await OutboxWorker(account, {"held": carried}).once() == float("inf")
        assert len(carried.rows) == 1


async def test_a_row_that_was_carried_has_no_time_any_more(unserved: Accounts) -> None:
    """WEBMAIL-123: also when the handler fails; what has begun is not taken back."""

    async def fails(_: Account, row: OutboxRow) -> None:
        raise OSError("not now")

    async with unserved.use("mjl") as account:
        await account.write(partial(hold, seconds=-1))
        await OutboxWorker(account, {"held": fails}).once()
        assert await account.read(lambda r: r.rows("SELECT due FROM outbox"), op="test") == [(0,)]


async def test_an_account_stays_open_for_what_it_holds(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-123, STORE-8: without any user, however long, and however many want its place."""
    monkeypatch.setattr(accounts_module, "IDLE", 0.0)
    carried = Carried()
    accounts.register_outbox("held", carried)
    async with accounts.use("mjl") as account:
        await account.write(partial(hold, seconds=600))
        await account.carrier.once()
    await accounts.close_idle(room=accounts.max_open)
    async with accounts.use("mjl") as again:
        assert again is account
        await account.database.write(lambda tx: tx.execute("UPDATE outbox SET due = 1"))
        account.carrier._held.clear()
        account.carrier.want()
        await soon(carried.some)

    async def closed() -> bool:
        await accounts.close_idle()
        async with accounts.use("mjl") as other:
            return other is not account

    await soon(closed)
