"""Where arriving messages belong: threads by references and by subject (moxlite/store/mail/threadlinks.py)."""

import time

import pytest

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.delivery.perform import deliver
from moxlite.store.mail.copying import copy_messages
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.facts import NO_FACTS
from moxlite.store.mail.threadlinks import pack_parents, set_thread_flags
from moxlite.store.mail.threads import NAME_MISSING, NOTE_MISSING, reassign_threads
from moxlite.store.options import DAY
from moxlite.store.rows.mailboxes import state
from moxlite.store.rows.messages import message
from moxlite.store.types import Flag, ThreadChanged
from tests.store_fixtures import accounts, store_options
from tests.store_mail import box, deliver_mail, look, mail, prepared, put, rows, thread_parents
from tests.tools import slowness

__all__ = ["accounts", "store_options"]


async def place(account: Account, message_id: int) -> tuple[int, tuple[int, ...], bool]:
    """Thread, parents, missing link."""
    row = await look(account, lambda r: message(r, message_id))
    parents = await look(account, lambda r: thread_parents(r, [message_id]))
    return row.threadid, parents[row.id], row.thread_missing_link


async def test_a_message_without_relatives_begins_its_own_thread(accounts: Accounts) -> None:
    """STORE-79"""
    async with accounts.use("mia") as account:
        added = await deliver_mail(account, mail())
        assert await place(account, added.message_id) == (added.message_id, (), False)


async def test_references_lead_to_the_nearest_message_that_is_there(accounts: Accounts) -> None:
    """STORE-77, STORE-79, STORE-80"""
    async with accounts.use("mia") as account:
        top = (await deliver_mail(account, mail(1))).message_id
        child = (await deliver_mail(account, mail(2, subject="Re: greetings", references="<1@example.com>"))).message_id
        skipped = "<1@example.com> <2@example.com> <lost@example.com>"
        grandchild = await deliver_mail(account, mail(3, subject="RE: [list] greetings", references=skipped), "Archive")
        assert await place(account, child) == (top, (top,), False)
        assert await place(account, grandchild.message_id) == (top, (child, top), True)
        reply = await deliver_mail(account, mail(4, subject="re: greetings", in_reply_to="<3@example.com>"))
        assert await place(account, reply.message_id) == (top, (grandchild.message_id, child, top), False)


async def test_answers_of_every_language_stay_in_their_conversation(accounts: Accounts) -> None:
    """STORE-78a, STORE-79: with references, without, when the parent comes late, and when all is placed anew."""
    chain = [("greetings", ""), ("AW: greetings", "<1@example.com>")]
    chain += [("Odp: Re: AW: [list] greetings", "<2@example.com>")]
    async with accounts.use("mia") as account:
        ids: list[int] = []
        for number, (subject, references) in enumerate(chain, 1):
            message = mail(number, subject=subject, references=references)
            ids.append((await deliver_mail(account, message)).message_id)
        top, child, _ = ids
        expected = [(top, (), False), (top, (top,), False), (top, (child, top), False)]
        assert [await place(account, message_id) for message_id in ids] == expected
        guess = (await deliver_mail(account, mail(4, subject="回复： greetings"))).message_id
        by_all_marks = (await deliver_mail(account, mail(5, subject="Re: AW: greetings"))).message_id
        assert await place(account, guess) == (top, (top,), True)
        assert (await place(account, by_all_marks))[0] == top
        orphan = (await deliver_mail(account, mail(7, subject="SV: lunch", references="<6@example.com>"))).message_id
        late = (await deliver_mail(account, mail(6, subject="lunch"))).message_id
        assert await place(account, orphan) == (orphan, (late,), False)
        await reassign_threads(account)
        assert [await place(account, message_id) for message_id in ids] == expected
        assert await place(account, guess) == (top, (top,), True)
        assert await place(account, orphan) == (late, (late,), False)


async def test_a_reference_under_another_subject_does_not_count(accounts: Accounts) -> None:
    """STORE-79"""
    async with accounts.use("mia") as account:
        await deliver_mail(account, mail(1))
        other = await deliver_mail(account, mail(2, subject="news", references="<1@example.com>"))
        assert await place(account, other.message_id) == (other.message_id, (), True)


async def test_a_dsn_joins_the_thread_of_what_it_reports_whatever_its_subject(accounts: Accounts) -> None:
    """STORE-57, STORE-79"""
    dsn = (
        b"From: MAILER-DAEMON@example.com\r\nSubject: failed\r\nMessage-ID: <d@example.com>\r\n"
        b"References: <1@example.com>\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        b"--b\r\n\r\nSorry.\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; a\r\n\r\n--b--\r\n"
    )
    async with accounts.use("mia") as account:
        top = (await deliver_mail(account, mail(1))).message_id
        added = await deliver_mail(account, dsn)
        assert (await look(account, lambda r: message(r, added.message_id))).dsn
        assert await place(account, added.message_id) == (top, (top,), False)


async def test_the_same_message_again_is_a_child_with_a_missing_link(accounts: Accounts) -> None:
    """STORE-79"""
    async with accounts.use("mia") as account:
        first = (await deliver_mail(account, mail(1), "Sent")).message_id
        again = (await deliver_mail(account, mail(1))).message_id
        third = (await deliver_mail(account, mail(1))).message_id
        assert await place(account, again) == (first, (first,), True)
        assert await place(account, third) == (first, (first,), True)


async def test_an_own_id_among_the_references_is_skipped(accounts: Accounts) -> None:
    """STORE-79"""
    async with accounts.use("mia") as account:
        added = await deliver_mail(account, mail(1, references="<1@example.com>"))
        assert await place(account, added.message_id) == (added.message_id, (), False)


@pytest.mark.parametrize(
    ("age", "joined"), [(0, True), (28 * DAY - 1, True), (29 * DAY, False), (-DAY + 1, True), (-2 * DAY, False)]
)
async def test_a_response_without_references_goes_by_subject_for_four_weeks(
    accounts: Accounts, age: int, joined: bool
) -> None:
    """STORE-78, STORE-79"""
    now = 1_700_000_000_000_000
    async with accounts.use("mia") as account:
        old = (await deliver(account, await prepared(mail(1)), NO_FACTS, "Inbox", received=now - age)).added
        data = mail(2, subject="Re: Greetings")
        new = (await deliver(account, await prepared(data), NO_FACTS, "Inbox", received=now)).added
        elsewhere = (await deliver(account, await prepared(data), NO_FACTS, "Archive", received=now)).added
        assert old is not None
        assert new is not None
        assert elsewhere is not None
        expected = (old.message_id, (old.message_id,), True) if joined else (new.message_id, (), False)
        assert await place(account, new.message_id) == expected


async def test_of_all_stretches_of_ids_the_newest_message_of_a_subject_counts(accounts: Accounts) -> None:
    """STORE-79: ids, in stretches of which subjects are indexed, need not be in the order of time."""
    now = 1_700_000_000_000_000
    async with accounts.use("mia") as account:
        newest = 0
        for n, age in enumerate((4, 1, 3, 2)):  # days
            added = (await deliver(account, await prepared(mail(n)), NO_FACTS, "Inbox", received=now - age * DAY)).added
            assert added is not None
            newest = added.message_id if age == 1 else newest
            await account.write(lambda tx: tx.execute("UPDATE state SET last_message_id = last_message_id + 40000"))
        reply = await deliver(
            account, await prepared(mail(9, subject="Re: greetings")), NO_FACTS, "Inbox", received=now
        )
        assert reply.added is not None
        assert (await place(account, reply.added.message_id))[1] == (newest,)
        await reassign_threads(account)
        assert (await place(account, reply.added.message_id))[1] == (newest,)


async def test_no_response_or_no_subject_goes_by_subject(accounts: Accounts) -> None:
    """STORE-79"""
    async with accounts.use("mia") as account:
        await deliver_mail(account, mail(1))
        same = await deliver_mail(account, mail(2))
        assert (await place(account, same.message_id))[1] == ()
        await deliver_mail(account, mail(3, subject=""))
        empty = await deliver_mail(account, mail(4, subject="Re:"))
        assert (await place(account, empty.message_id))[1] == ()


async def test_only_the_last_two_hundred_references_count(accounts: Accounts) -> None:
    """STORE-153"""
    async with accounts.use("mia") as account:
        await deliver_mail(account, mail(1))
        references = "<1@example.com> " + " ".join(f"<x{n}@example.com>" for n in range(1000))
        added = await deliver_mail(account, mail(2, subject="Re: greetings", references=references))
        assert await place(account, added.message_id) == (added.message_id, (), True)


async def test_a_thread_ends_at_its_greatest_depth(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-80, STORE-153"""
    monkeypatch.setattr("moxlite.store.mail.threadlinks.MAX_PARENTS", 3)
    async with accounts.use("mia") as account:
        ids = [
            (
                await deliver_mail(account, mail(n, subject="Re: greetings", references=f"<{n - 1}@example.com>"))
            ).message_id
            for n in range(6)
        ]
        assert (await place(account, ids[3]))[1] == (ids[2], ids[1], ids[0])
        assert await place(account, ids[4]) == (ids[4], (), True)
        assert await place(account, ids[5]) == (ids[4], (ids[4],), False)


async def test_parents_that_vanished_are_kept(accounts: Accounts) -> None:
    """STORE-80"""
    async with accounts.use("mia") as account:
        top = (await deliver_mail(account, mail(1))).message_id
        child = (await deliver_mail(account, mail(2, subject="Re: greetings", references="<1@example.com>"))).message_id
        await account.write(lambda tx: expunge_ids(tx, [top]))
        await account.settle()
        last = await deliver_mail(
            account, mail(3, subject="Re: greetings", references="<1@example.com> <2@example.com>")
        )
        assert await place(account, last.message_id) == (top, (child, top), False)


async def test_a_copy_stays_in_its_thread(accounts: Accounts) -> None:
    """STORE-25, IMAP-106"""
    async with accounts.use("mia") as account:
        inbox, archive = await box(account), await box(account, "Archive")
        top = (await deliver_mail(account, mail(1))).message_id
        await deliver_mail(account, mail(2, subject="Re: greetings", references="<1@example.com>"))
        copied = await account.write(lambda tx: copy_messages(tx, inbox.id, [1, 2], archive.id))
        assert await place(account, copied.message_ids[1]) == (top, (top,), False)


async def test_muting_reaches_all_below_and_marks_new_deliveries_seen(accounts: Accounts) -> None:
    """STORE-30, STORE-31, STORE-81"""
    async with accounts.use("mia") as account:
        ids = [(await deliver_mail(account, mail(1))).message_id]
        for n in (2, 3):
            data = mail(n, subject="Re: greetings", references=f"<{n - 1}@example.com>")
            ids.append((await deliver_mail(account, data)).message_id)
        before = await rows(account)
        _, cursor = await account.subscribe()
        with cursor:
            changed = await account.write(lambda tx: set_thread_flags(tx, [ids[1]], muted=True))
            told = (await cursor.take()).events
        assert sorted(changed) == ids[1:]
        assert [(type(event), getattr(event, "muted", None), getattr(event, "collapsed", None)) for event in told] == [
            (ThreadChanged, True, True)
        ]
        after = await rows(account)
        assert [row.modseq for row in after] == [row.modseq for row in before]
        assert [row.thread_muted for row in after] == [False, True, True]
        assert after[1].threadseq == (await look(account, state)).modseq
        data = mail(4, subject="Re: greetings", references="<3@example.com>")
        assert (await deliver_mail(account, data)).flags == Flag.SEEN
        last = (await rows(account))[-1]
        assert (last.thread_muted, last.thread_collapsed) == (True, True)
        assert await account.write(lambda tx: set_thread_flags(tx, [ids[1]], muted=True)) == []
        await account.write(lambda tx: set_thread_flags(tx, [ids[1]], muted=False))
        assert [(row.thread_muted, row.thread_collapsed) for row in await rows(account)][1:] == [(False, True)] * 3
        assert await account.write(lambda tx: set_thread_flags(tx, [999], collapsed=True)) == []


async def test_an_append_to_a_muted_thread_keeps_its_flags(accounts: Accounts) -> None:
    """STORE-81"""
    async with accounts.use("mia") as account:
        ids = [one.message_id for one in await put(account, 1)]
        await account.write(lambda tx: set_thread_flags(tx, ids, muted=True))
        again = await put(account, 1, "Archive")
        assert again[0].flags == Flag.NOTJUNK


async def test_a_late_parent_does_not_hold_the_writer_however_deep_the_thread(accounts: Accounts) -> None:
    """STORE-195: the orphans are in one thread of messages that are a thousand deep."""
    async with accounts.use("mia") as account:
        added = [await deliver_mail(account, mail(1))]
        added += await put(account, 1_500, first=2)
        ids = [one.message_id for one in added]
        parents = pack_parents(range(10_000_000, 10_000_990))

        def entangle(tx: AccountTx) -> None:
            tx.executemany(DEEPER, [(ids[0], parents, message_id) for message_id in ids[1:]])
            tx.executemany(NOTE_MISSING, [("late@example.com", message_id, 0) for message_id in ids[1:301]])
            tx.executemany(NAME_MISSING, [(message_id, '["late@example.com"]') for message_id in ids[1:301]])

        await account.write(entangle)
        late = await prepared(mail(9_999, message_id="<late@example.com>"))
        began = time.process_time()
        delivered = await deliver(account, late, NO_FACTS, "Inbox")
        assert time.process_time() - began < 0.3 * slowness()
        assert delivered.added is not None
        threadid, above, _ = await place(account, delivered.added.message_id)
        assert (threadid, len(above)) == (ids[0], 990)
        children = [row for row in await look(account, lambda r: thread_parents(r, ids)) if row]
        assert len(children) == 1_501


DEEPER = "UPDATE message SET threadid = ?, thread_parents = ? WHERE id = ?"
