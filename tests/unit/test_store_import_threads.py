"""Threads of many messages at once, of late parents, and of an upgrade (moxlite/store/mail/threads.py)."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.file.transaction import Reader
from moxlite.store.imports.items import Form, Order
from moxlite.store.mail import threads
from moxlite.store.mail.copying import copy_messages
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.threads import finish_threads, keep_threads, reassign_threads
from moxlite.store.options import Options
from moxlite.store.rows.mailboxes import state
from moxlite.store.rows.messages import message
from moxlite.store.types import ThreadChanged
from moxlite.store.upkeep.check import check_account
from tests.store_fixtures import accounts, store_options
from tests.store_imports import done, imported, mbox
from tests.store_mail import box, deliver_mail, look, mail, rows, thread_parents

__all__ = ["accounts", "store_options"]

MBOX = Order(form=Form.MBOX)


async def place(account: Account, message_id: int) -> tuple[int, tuple[int, ...], bool]:
    """Thread, parents, missing link."""
    row = await look(account, lambda r: message(r, message_id))
    parents = await look(account, lambda r: thread_parents(r, [message_id]))
    return row.threadid, parents[row.id], row.thread_missing_link


def groups(r: Reader) -> set[frozenset[str]]:
    """Threads as sets of subjects of the envelope, which name the messages."""
    found: dict[int, set[str]] = {}
    for threadid, messageid, message_id in r.rows("SELECT threadid, messageid, id FROM message"):
        found.setdefault(threadid, set()).add(messageid or str(message_id))
    return {frozenset(one) for one in found.values()}


def answer(number: int, *to: int) -> bytes:
    """A message that answers others."""
    return mail(number, subject="Re: greetings", references=" ".join(f"<{one}@example.com>" for one in to))


async def test_an_imported_answer_before_its_question_waits_for_it(accounts: Accounts) -> None:
    """STORE-79, STORE-82"""
    async with accounts.use("mia") as account:
        done(await imported(accounts, mbox([answer(3, 1, 2), answer(2, 1), mail(1), answer(4, 9)]), MBOX))
        third, second, first, fourth = [row.id for row in await rows(account)]
        assert await place(account, first) == (first, (), False)
        assert await place(account, second) == (first, (first,), False)
        assert await place(account, third) == (first, (second, first), False)
        assert await place(account, fourth) == (fourth, (), True)


async def test_a_cycle_breaks_at_its_lowest_id(accounts: Accounts) -> None:
    """STORE-82"""
    async with accounts.use("mia") as account:
        done(await imported(accounts, mbox([answer(9, 2), answer(1, 3), answer(2, 1), answer(3, 2)]), MBOX))
        tail, one, two, three = [row.id for row in await rows(account)]
        assert await place(account, one) == (one, (), True)
        assert await place(account, two) == (one, (one,), False)
        assert await place(account, three) == (one, (two, one), False)
        assert await place(account, tail) == (one, (two, one), False)


async def test_an_answer_far_behind_its_question_joins_the_thread(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-80, STORE-82: the place of the question has left the cache, and was not written yet."""
    monkeypatch.setattr(threads, "REMEMBERED", 20)
    monkeypatch.setattr(threads, "SETTLED", 10)
    async with accounts.use("mia") as account:
        lone = [mail(number) for number in range(10, 50)]
        done(await imported(accounts, mbox([mail(1), answer(2, 1), *lone, answer(3, 1, 2)]), MBOX))
        first, second, *_, third = [row.id for row in await rows(account)]
        assert await place(account, second) == (first, (first,), False)
        assert await place(account, third) == (first, (second, first), False)


async def test_imported_answers_join_what_the_account_has(accounts: Accounts) -> None:
    """STORE-82"""
    async with accounts.use("mia") as account:
        first = (await deliver_mail(account, mail(1))).message_id
        done(await imported(accounts, mbox([answer(2, 1), mail(1)]), MBOX))
        _, second, twin = [row.id for row in await rows(account)]
        assert await place(account, second) == (first, (first,), False)
        assert await place(account, twin) == (first, (first,), True)


async def test_an_orphan_joins_a_parent_that_comes_later(accounts: Accounts) -> None:
    """STORE-195"""
    async with accounts.use("mia") as account:
        _, cursor = await account.subscribe()
        orphan = (await deliver_mail(account, answer(3, 1, 2))).message_id
        child = (await deliver_mail(account, answer(4, 1, 2, 3))).message_id
        parent = (await deliver_mail(account, answer(2, 1))).message_id
        assert await place(account, parent) == (orphan, (), True)
        assert await place(account, orphan) == (orphan, (parent,), False)
        assert await place(account, child) == (orphan, (orphan, parent), False)
        root = (await deliver_mail(account, mail(1))).message_id
        assert await place(account, root) == (orphan, (), False)
        assert await place(account, child) == (orphan, (orphan, parent, root), False)
        told = [set(event.message_ids) for event in (await cursor.take()).events if isinstance(event, ThreadChanged)]
        assert told == [{orphan, child}, {parent, orphan, child}]
        cursor.close()
        assert await look(account, lambda r: r.value("SELECT count(*) FROM thread_missing")) == 0


async def test_a_late_parent_between_two_stands_between_them(accounts: Accounts) -> None:
    """STORE-195"""
    async with accounts.use("mia") as account:
        root = (await deliver_mail(account, mail(1))).message_id
        orphan = (await deliver_mail(account, answer(3, 1, 2))).message_id
        assert await place(account, orphan) == (root, (root,), True)
        parent = (await deliver_mail(account, mail(2, subject="Re: greetings"))).message_id
        assert await place(account, parent) == (root, (root,), True)
        assert await place(account, orphan) == (root, (parent, root), False)


async def test_a_late_parent_of_another_subject_is_none(accounts: Accounts) -> None:
    """STORE-79, STORE-195"""
    async with accounts.use("mia") as account:
        orphan = (await deliver_mail(account, answer(2, 1))).message_id
        other = (await deliver_mail(account, mail(1, subject="news"))).message_id
        assert await place(account, orphan) == (orphan, (), True)
        assert await place(account, other) == (other, (), False)


async def test_a_late_twin_of_what_has_another_subject(accounts: Accounts) -> None:
    """STORE-79, STORE-82, STORE-195: it is a parent all the same, as when all threads are made anew."""
    async with accounts.use("mia") as account:
        first = (await deliver_mail(account, mail(1, subject="news"))).message_id
        orphan = (await deliver_mail(account, answer(2, 1))).message_id
        twin = (await deliver_mail(account, mail(1))).message_id
        assert await place(account, twin) == (first, (first,), True)
        assert await place(account, orphan) == (first, (twin, first), False)
        await threads.reassign_threads(account)
        assert await place(account, orphan) == (first, (twin, first), False)


async def test_a_late_parent_changes_two_hundred_messages_at_most(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-195"""
    monkeypatch.setattr(threads, "MAX_ADOPTED", 5)
    async with accounts.use("mia") as account:
        orphans = [(await deliver_mail(account, answer(number, 1))).message_id for number in range(2, 12)]
        root = (await deliver_mail(account, mail(1))).message_id
        places = [await place(account, orphan) for orphan in orphans]
        joined = [one for one in places if one[1] == (root,)]
        assert len(joined) in (4, 5)
        assert all(one[2] for one in places if one not in joined)


async def test_copies_and_removals_of_orphans(accounts: Accounts) -> None:
    """STORE-25, STORE-195"""
    async with accounts.use("mia") as account:
        orphan = await deliver_mail(account, answer(2, 1))
        gone = await deliver_mail(account, answer(3, 1))
        archive = (await box(account, "Archive")).id
        copied = await account.write(lambda tx: copy_messages(tx, orphan.mailbox_id, [orphan.uid], archive))
        await account.write(lambda tx: expunge_ids(tx, [gone.message_id]))
        await account.settle()
        root = (await deliver_mail(account, mail(1))).message_id
        assert (await place(account, copied.message_ids[0]))[1] == (root,)
        assert (await place(account, orphan.message_id))[1] == (root,)


async def test_an_import_brings_parents_to_orphans_that_were_here(accounts: Accounts) -> None:
    """STORE-82, STORE-195"""
    async with accounts.use("mia") as account:
        orphan = (await deliver_mail(account, answer(3, 1, 2))).message_id
        done(await imported(accounts, mbox([answer(2, 1), mail(1)]), MBOX))
        parent, root = [row.id for row in await rows(account)][1:]
        assert (await place(account, orphan))[1:] == ((parent, root), False)
        assert await look(account, groups) == {frozenset({"1@example.com", "2@example.com", "3@example.com"})}


async def unthread(account: Account) -> None:
    """An account of before there were threads."""
    for sql in (
        "UPDATE message SET threadid = 0, thread_missing_link = 0, messageid = NULL, subject_base = ''",
        "UPDATE message SET thread_parents = x'90'",
        "DELETE FROM thread_missing",
        "UPDATE state SET threads_step = 0",
        "INSERT INTO upgrade (name, position, total, started) VALUES ('threads', 0, 0, 0)",
    ):
        await account.write(lambda tx, sql=sql: tx.execute(sql))  # type: ignore[misc]


async def test_an_account_without_threads_gets_them_step_by_step(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-83, STORE-148"""
    monkeypatch.setattr(threads, "UNIT_MESSAGES", 3)
    async with accounts.use("mia") as account:
        for number in range(1, 11):
            await deliver_mail(account, mail(number) if number % 5 == 1 else answer(number, number - 1))
        before = await look(account, groups)
        await unthread(account)
        assert await account.scan(lambda r: check_account(r, idle=True), op="test") == []
        # What comes meanwhile is caught, too.
        await deliver_mail(account, answer(11, 10))
        assert await finish_threads(account) >= 10
        await keep_threads(account)
        assert (await look(account, state)).threads_step == 2
        after = await look(account, groups)
        assert after == {one | {"11@example.com"} if "10@example.com" in one else one for one in before}
        assert await look(account, lambda r: r.value("SELECT count(*) FROM upgrade WHERE name = 'threads'")) == 0


async def test_a_raw_subject_is_the_same_for_an_account_without_threads(accounts: Accounts) -> None:
    """STORE-83, STORE-56: it is read by the charset of the message's text."""
    async with accounts.use("mia") as account:
        data = "Subject: Re: Отчёт\r\nContent-Type: text/plain; charset=windows-1251\r\n\r\nx\r\n"
        await deliver_mail(account, data.encode("windows-1251"))
        base = "SELECT subject_base FROM message"
        before = await look(account, lambda r: r.value(base))
        await unthread(account)
        await finish_threads(account)
        assert await look(account, lambda r: r.value(base)) == before


async def test_an_upgrade_goes_on_where_it_was_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-83, STORE-148"""
    monkeypatch.setattr(threads, "UNIT_MESSAGES", 2)
    options = Options(min_free_space=0, check_on_close=True)
    for stop in range(12):
        accounts = Accounts(tmp_path / str(stop), options)
        async with accounts.use("mia") as account:
            for number in range(1, 7):
                await deliver_mail(account, answer(number, number - 1) if number % 3 else mail(number))
            before = await look(account, groups)
            await unthread(account)
            for _ in range(stop):
                step, position = await account.read(threads._step, op="test")
                if step == 0:
                    await account.write(lambda tx, after=position: threads._clear(tx, after))  # type: ignore[misc]
                elif step == 1:
                    await account.write(threads._place_some)
        await accounts.aclose()
        accounts = Accounts(tmp_path / str(stop), options)
        async with accounts.use("mia") as account:
            await finish_threads(account)
            assert await look(account, groups) == before
        await accounts.aclose()


async def test_threads_can_be_made_anew(accounts: Accounts) -> None:
    """STORE-43, STORE-82"""
    async with accounts.use("mia") as account:
        await deliver_mail(account, answer(2, 1))
        await deliver_mail(account, mail(1))
        await account.write(lambda tx: tx.execute("UPDATE message SET threadid = id"))
        await account.write(lambda tx: tx.execute("UPDATE message SET thread_parents = x'90'"))
        assert await reassign_threads(account) == 2
        assert await look(account, groups) == {frozenset({"1@example.com", "2@example.com"})}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), max_size=3), min_size=1, max_size=10), st.integers(0, 1000))
async def test_any_references_give_threads_without_cycles(links: list[list[int]], seed: int) -> None:
    """STORE-80, STORE-82, STORE-195: import and deliveries, in any order, cyclic or not."""
    import tempfile

    mails = [answer(number, *refs) for number, refs in enumerate(links)]
    random.Random(seed).shuffle(mails)
    half = seed % (len(mails) + 1)
    with tempfile.TemporaryDirectory() as folder:
        accounts = Accounts(Path(folder), Options(min_free_space=0, check_on_close=True))
        async with accounts.use("mia") as account:
            for one in mails[:half]:
                await deliver_mail(account, one)
            done(await imported(accounts, mbox(mails[half:]), MBOX))
        await accounts.aclose()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-1, 8), min_size=1, max_size=9), st.integers(0, 1000))
async def test_acyclic_threads_do_not_depend_on_the_order(parents: list[int], seed: int) -> None:
    """STORE-82, STORE-195: each answers one that is above it; whoever comes first, all of a tree are one thread."""
    import tempfile

    above = [parent if parent < number else -1 for number, parent in enumerate(parents)]
    roots = list(range(len(above)))
    for number, parent in enumerate(above):
        roots[number] = number if parent < 0 else roots[parent]
    expected = {
        frozenset(f"{number}@example.com" for number in range(len(above)) if roots[number] == root)
        for root in set(roots)
    }
    mails = [mail(number) if parent < 0 else answer(number, parent) for number, parent in enumerate(above)]
    random.Random(seed).shuffle(mails)
    with tempfile.TemporaryDirectory() as folder:
        accounts = Accounts(Path(folder), Options(min_free_space=0, check_on_close=True))
        async with accounts.use("one") as account:
            for one in mails:
                await deliver_mail(account, one)
            assert await look(account, groups) == expected
        async with accounts.use("two") as account:
            done(await imported(accounts, mbox(mails), MBOX, name="two"))
            assert await look(account, groups) == expected
        await accounts.aclose()
