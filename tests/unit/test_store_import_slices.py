"""Imports that appear in many units: what others do in between, and the ways in which they end (STORE-122)."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import ImportFailed
from moxlite.store.file.transaction import Reader
from moxlite.store.imports import adding, appearing
from moxlite.store.imports.engine import Imports
from moxlite.store.imports.items import Aborted, Form, Order, Upload
from moxlite.store.mail.adding import add_message
from moxlite.store.mail.copying import copy_ids, move_ids
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.options import Options
from moxlite.store.rows.mailboxes import mailboxes, state
from moxlite.store.upkeep.check import check_account
from tests.store_fixtures import accounts, store_options
from tests.store_imports import done, folder, imported, mbox
from tests.store_mail import box, deliver_mail, look, mail, prepared, put, rows

__all__ = ["accounts", "store_options"]

MBOX = Order(form=Form.MBOX, mailbox="New/Box")
ALL = "SELECT id, messageid, uid, threadid, thread_parents, modseq FROM message ORDER BY id"


@pytest.fixture(autouse=True)
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Imports of three and more messages appear in units of two."""
    monkeypatch.setattr(adding, "AT_ONCE", 2)
    monkeypatch.setattr(adding, "SLICE", 2)
    monkeypatch.setattr(appearing, "SLICE", 2)
    monkeypatch.setattr(appearing, "LOOKED_THROUGH", 2)


def answer(number: int, *to: int) -> bytes:
    """A message that answers others."""
    return mail(number, subject="Re: greetings", references=" ".join(f"<{one}@example.com>" for one in to))


def before(monkeypatch: pytest.MonkeyPatch, name: str, call: int, act: Callable[[AccountTx], object]) -> None:
    """Do something at the beginning of a unit of the import, as if it came just before: `call` counts from 1."""
    real, calls = getattr(adding, name), 0

    def acting(tx: AccountTx, *args: Any, **options: Any) -> object:
        nonlocal calls
        calls += 1
        if calls == call:
            act(tx)
        return real(tx, *args, **options)

    monkeypatch.setattr(adding, name, acting)


def by_messageid(r: Reader) -> dict[str, tuple[int, frozenset[str], list[str]]]:
    """UID, thread and parents of each message, by its Message-ID."""
    found = r.rows(ALL)
    names = {row[0]: row[1] for row in found}
    threads: dict[int, set[str]] = {}
    for _, messageid, _, threadid, _, _ in found:
        threads.setdefault(threadid, set()).add(messageid)
    return {
        messageid: (uid, frozenset(threads[threadid]), [names[one] for one in appearing_parents(packed)])
        for _, messageid, uid, threadid, packed, _ in found
    }


def appearing_parents(packed: bytes) -> tuple[int, ...]:
    """The ids of a message's ancestors."""
    from moxlite.store.mail.threadlinks import _parents

    return _parents.decode(packed)


async def clean(account: Account) -> None:
    """Everything in the account fits together, and nothing of an import is left."""
    assert await account.scan(lambda r: check_account(r, deep=True), op="test") == []
    left = (
        "SELECT (SELECT count(*) FROM import_job), (SELECT count(*) FROM import_message), count(*) FROM import_mailbox"
    )
    assert await look(account, lambda r: r.rows(left)) == [(0, 0, 0)]


async def test_many_units_give_what_one_unit_does(
    accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-82, STORE-122: the order of the mailbox, and threads, whichever way answers come."""
    messages = [mail(1), *(answer(number, *range(1, number)) for number in range(2, 9)), mail(20), answer(21, 20)]
    random.Random(7).shuffle(messages)
    async with accounts.use("mia") as account:
        done(await imported(accounts, mbox(messages), MBOX))
        await clean(account)
        in_units = await look(account, by_messageid)
        assert len({row[5] for row in await look(account, lambda r: r.rows(ALL))}) > 1
    monkeypatch.setattr(adding, "AT_ONCE", 1000)
    async with accounts.use("ben") as account:
        done(await imported(accounts, mbox(messages), MBOX, name="ben"))
        assert await look(account, by_messageid) == in_units
        assert len({row[5] for row in await look(account, lambda r: r.rows(ALL))}) == 1


async def test_deliveries_between_two_units_get_their_uids_and_threads(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-82, STORE-122: an answer to a message that isn't placed yet follows it, as does its copy. What came later
    is the twin, and the late parent, although its id is lower.
    """
    late, twin, parent = await prepared(answer(9, 1, 2, 3)), await prepared(mail(7)), await prepared(answer(5, 1))
    async with accounts.use("mia") as account:
        await deliver_mail(account, mail(1), "New/Box")
        target = (await box(account, "New/Box")).id
        before(monkeypatch, "appear", 2, lambda tx: add_message(tx, twin, target))

        def arrive(tx: AccountTx) -> None:
            add_message(tx, late, target)
            add_message(tx, parent, target)
            third = tx.value("SELECT id FROM message WHERE messageid = '3@example.com'")
            copy_ids(tx, [third], target)

        before(monkeypatch, "place", 1, arrive)
        done(await imported(accounts, mbox([answer(3, 1, 2), mail(7), answer(2, 1), answer(6, 1, 5)]), MBOX))
        await clean(account)
        found = await look(account, by_messageid)
        order = [row.uid for row in sorted(await rows(account, "New/Box"), key=lambda row: row.uid)]
        assert order == list(range(1, 10))
        assert found["6@example.com"][2] == ["5@example.com", "1@example.com"]
        assert found["9@example.com"][2] == ["3@example.com", "2@example.com", "1@example.com"]
        copies = await look(account, lambda r: r.rows(ALL.replace("ORDER", "WHERE messageid = '3@example.com' ORDER")))
        assert len({(threadid, parents) for _, _, _, threadid, parents, _ in copies}) == 1
        after = await deliver_mail(account, mail(30), "New/Box")
        assert after.message_id > max(row[0] for row in await look(account, lambda r: r.rows(ALL)) if row[2] < 10)


async def test_what_a_user_does_between_two_units_stays(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-122: a message that was removed or moved is no fault, nor its answers."""
    async with accounts.use("mia") as account:
        inbox = (await box(account)).id

        def act(tx: AccountTx) -> None:
            ids: dict[str, int] = dict(tx.rows("SELECT messageid, id FROM message"))
            expunge_ids(tx, [ids["2@example.com"]])
            move_ids(tx, [ids["4@example.com"]], inbox)

        before(monkeypatch, "place", 1, act)
        done(await imported(accounts, mbox([mail(1), answer(2, 1), answer(3, 1, 2), mail(4)]), MBOX))
        await account.settle()
        await clean(account)
        found = await look(account, by_messageid)
        assert found["3@example.com"][2] == ["1@example.com"]
        assert [row.uid for row in await rows(account)] == [1]


@pytest.mark.parametrize(("unit", "call"), [("appear", 2), ("place", 1), ("place", 3), ("adopt", 1), ("confirm", 1)])
async def test_a_failure_between_two_units_takes_back_what_has_appeared(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch, unit: str, call: int
) -> None:
    """STORE-121: messages, mailboxes, and what they would take of the quota; nothing of it can be undeleted."""

    def fail(tx: AccountTx) -> None:
        raise ImportFailed("as the test wants")

    async with accounts.use("mia") as account:
        await put(account, 1)
        names = [one.name for one in await look(account, mailboxes)]
        size = (await look(account, state)).total_size
        before(monkeypatch, unit, call, fail)
        progress = await imported(accounts, mbox([mail(number) for number in range(10, 16)]), MBOX)
        assert progress.end == Aborted("as the test wants")
        assert [one.name for one in await look(account, mailboxes)] == names
        assert (await look(account, state)).total_size == size
        await account.settle()
        assert await look(account, lambda r: r.value("SELECT count(*) FROM body")) == 1
        await clean(account)


async def test_what_a_user_put_into_a_new_mailbox_stays_when_the_import_fails(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-121"""
    own = await prepared(mail(5))

    def act(tx: AccountTx) -> None:
        add_message(tx, own, tx.value("SELECT id FROM mailbox WHERE name = 'New/Box'"))

    def fail(tx: AccountTx) -> None:
        raise ImportFailed("as the test wants")

    before(monkeypatch, "appear", 2, act)
    before(monkeypatch, "place", 1, fail)
    async with accounts.use("mia") as account:
        progress = await imported(accounts, mbox([mail(number) for number in range(10, 16)]), MBOX)
        assert isinstance(progress.end, Aborted)
        assert [row.messageid for row in await rows(account, "New/Box")] == ["5@example.com"]
        await clean(account)


async def test_an_import_can_be_stopped_while_its_messages_appear(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-129"""
    imports = Imports(accounts, folder(accounts))
    token = trio.lowlevel.current_trio_token()
    async with accounts.use("mia") as account:
        progress = imports.begin("mia")
        before(
            monkeypatch,
            "place",
            2,
            lambda tx: trio.from_thread.run_sync(imports.abort, progress.token, trio_token=token),
        )

        await imports.run(progress, MBOX, Upload(_pieces(mbox([mail(number) for number in range(1, 8)]))))
        assert isinstance(progress.end, Aborted)
        assert progress.percent > 0
        await account.settle()
        assert await look(account, lambda r: r.rows(ALL)) == []
        await clean(account)


async def test_a_crash_while_messages_appear_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-121, STORE-131"""
    options = Options(min_free_space=0)
    first = Accounts(tmp_path, options)
    copies = [tmp_path / "appearing", tmp_path / "placing", tmp_path / "confirmed"]

    def copy(target: Path) -> None:
        (target / "accounts").mkdir(parents=True)
        shutil.copytree(tmp_path / "accounts/mia", target / "accounts/mia")

    async with first.use("mia") as account:
        await put(account, 1)
        before(monkeypatch, "appear", 3, lambda tx: copy(copies[0]))
        before(monkeypatch, "place", 2, lambda tx: copy(copies[1]))
        before(monkeypatch, "drop_staged", 1, lambda tx: copy(copies[2]))
        done(await imported(first, mbox([mail(number) for number in range(10, 17)]), MBOX))
    await first.aclose()
    for target, messages in zip(copies, (1, 1, 8), strict=True):
        again = Accounts(target, options)
        async with again.use("mia") as account:
            assert len(await look(account, lambda r: r.rows(ALL))) == messages
            await account.settle()
            await clean(account)
            done(await imported(again, mbox([mail(number) for number in range(20, 24)]), MBOX))
            await clean(account)
        await again.aclose()


async def _pieces(data: bytes) -> Any:
    yield data
