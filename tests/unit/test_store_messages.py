"""Adding, flagging, copying, moving and removing messages, on a real account that is checked deeply at the end."""

import time
from functools import partial

import pytest

from moxlite.metrics import Daily
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.content import body
from moxlite.store.errors import BadKeyword, LimitExceeded, NoSuchMailbox, NoSuchMessage, OverQuota, UidsExhausted
from moxlite.store.file.transaction import Reader
from moxlite.store.mail import flags
from moxlite.store.mail.copying import CopyResult, copy_ids, copy_messages, move_ids, move_messages
from moxlite.store.mail.expunging import ExpungeResult, expunge, expunge_ids
from moxlite.store.mail.facts import MessageFacts, SMTPFacts, signing_domains
from moxlite.store.mail.flags import StoreResult, store_flags, store_flags_ids
from moxlite.store.mail.mailboxes import create_mailbox, ensure_mailbox
from moxlite.store.options import AccountConfig, Options
from moxlite.store.rows.mailboxes import spellings, state
from moxlite.store.rows.messages import infos, message, vanished
from moxlite.store.types import (
    EmailID,
    Flag,
    FlagsChanged,
    MailboxCounts,
    MailboxKeywords,
    MessageAdded,
    MessagesRemoved,
    SpecialUse,
)
from moxlite.store.upkeep.check import check_account
from tests.store_fixtures import accounts, store_options
from tests.store_mail import box, deliver_mail, held, look, mail, put, rows, wires
from tests.tools import slowness

__all__ = ["accounts", "store_options"]


async def test_added_messages_get_rising_uids_one_modseq_and_exact_counts(accounts: Accounts) -> None:
    """STORE-16, STORE-19, STORE-20, STORE-23, IMAP-88"""
    async with accounts.use("mia") as account:
        before = await look(account, state)
        added = await put(account, 3, flags=Flag.SEEN)
        assert [one.uid for one in added] == [1, 2, 3]
        assert {one.modseq for one in added} == {before.modseq + 1}
        found = await rows(account)
        assert all(row.createseq == row.modseq == before.modseq + 1 for row in found)
        assert all(row.email_id == EmailID(row.id) and row.savedate >= row.received for row in found)
        inbox = await box(account)
        size = len(mail(1))
        assert (inbox.total, inbox.unread, inbox.unseen, inbox.size) == (3, 0, 0, 3 * size)
        assert (inbox.uidnext, inbox.modseq) == (4, before.modseq + 1)
        assert (await look(account, state)).total_size == 3 * size


async def test_subscribers_are_told_of_each_new_message(accounts: Accounts) -> None:
    """STORE-31: with all that a listing shows of it, and the mailbox's counts after the last one."""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        await put(account)
        _, cursor = await account.subscribe()
        with cursor:
            added = await put(account, 2, keywords=["Foo"], first=2)
            told = [event for event in (await cursor.take()).events if isinstance(event, MessageAdded)]
        assert told == [
            MessageAdded(
                account="mia",
                modseq=one.modseq,
                mailbox_id=inbox.id,
                uid=one.uid,
                message_id=one.message_id,
                flags=Flag(0),
                keywords=("foo",),
                exists=3,
                unseen=3,
            )
            for one in added
        ]


async def test_facts_of_smtp_belong_to_the_message_that_was_delivered(accounts: Accounts) -> None:
    """STORE-61: appended messages have none, and its received time is in UTC unless a client gave one."""
    async with accounts.use("mia") as account:
        await put(account, 2)
        facts = MessageFacts(smtp=SMTPFacts(remote_ip="192.0.2.1"), dkim_domains=("example.com",))
        added = await deliver_mail(account, mail(3), facts=facts)
        smtp = await look(account, lambda r: r.rows("SELECT message_id, remote_ip FROM message_smtp"))
        assert smtp == [(added.message_id, "192.0.2.1")]
        dkim = await look(account, lambda r: signing_domains(r, added.message_id))
        assert dkim == ["example.com"]
        assert await look(account, lambda r: r.rows("SELECT 1 FROM message_dkim")) == [], "it isn't judged"
        assert await look(account, lambda r: r.rows("SELECT DISTINCT received_offset FROM message")) == [(0,)]


async def test_content_comes_back_octet_by_octet(accounts: Accounts) -> None:
    """STORE-21, STORE-51"""
    async with accounts.use("mia") as account:
        added = (await put(account))[0]
        assert await look(account, lambda r: body.message_range(r, added.message_id)) == mail(1)
        envelope, bodystructure = (await look(account, lambda r: wires(r, [added.message_id])))[added.message_id]
        assert b'"greetings"' in envelope
        assert bodystructure.startswith(b'("TEXT" "PLAIN"')
        assert (await look(account, lambda r: dict(infos(r, [added.message_id]))))[
            added.message_id
        ].preview == "1: Hello!"


async def test_flags_are_added_removed_and_replaced(accounts: Accounts) -> None:
    """STORE-19, STORE-22, STORE-23, IMAP-110"""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        await put(account, 3)
        first = await account.write(
            lambda tx: store_flags(tx, inbox.id, [1, 2, 9], mode="add", flags=Flag.SEEN, keywords=["ToDo"])
        )
        assert [(row.uid, row.flags, row.keywords) for row in first.changed] == [
            (1, Flag.SEEN, ("todo",)),
            (2, Flag.SEEN, ("todo",)),
        ]
        before = await look(account, state)
        again = await account.write(lambda tx: store_flags(tx, inbox.id, [1, 2], mode="add", flags=Flag.SEEN))
        assert again.changed == ()
        assert again.unchanged == first.changed
        assert await look(account, state) == before
        await account.write(lambda tx: store_flags(tx, inbox.id, [1], mode="replace", flags=Flag.DELETED))
        await account.write(
            lambda tx: store_flags(tx, inbox.id, [2], mode="remove", flags=Flag.SEEN, keywords=["TODO"])
        )
        assert [(row.flags, row.keywords) for row in await rows(account)] == [
            (Flag.DELETED, ()),
            (Flag(0), ()),
            (Flag(0), ()),
        ]
        inbox = await box(account)
        assert (inbox.total, inbox.deleted, inbox.unread, inbox.unseen) == (2, 1, 2, 3)
        assert inbox.deleted_size == len(mail(1))
        assert inbox.keywords == ("todo",)
        assert await look(account, spellings) == {"todo": "ToDo"}


@pytest.mark.parametrize("named", [[3, 4, 5], [5, 3, 3, 6], [2, 4, 5, 9], [1, 8, 500], [9]])
async def test_of_a_range_only_the_messages_named_are_changed(accounts: Accounts, named: list[int]) -> None:
    """STORE-23: whether there are gaps among them or not."""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        await put(account, 8)
        await account.write(lambda tx: expunge(tx, inbox.id, [4]))
        done = await account.write(lambda tx: store_flags(tx, inbox.id, named, mode="add", flags=Flag.FLAGGED))
        exist = sorted({1, 2, 3, 5, 6, 7, 8}.intersection(named))
        assert [row.uid for row in done.changed] == exist
        flagged = await account.scan(
            lambda r: r.rows("SELECT uid FROM message WHERE flags <> 0 ORDER BY uid"), op="test"
        )
        assert [uid for (uid,) in flagged] == exist


async def test_conditional_store_leaves_newer_messages_alone(accounts: Accounts) -> None:
    """STORE-24, IMAP-79"""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        added = await put(account, 3)
        await account.write(lambda tx: store_flags(tx, inbox.id, [2], mode="add", flags=Flag.FLAGGED))
        done = await account.write(
            lambda tx: store_flags(tx, inbox.id, [1, 2, 3], mode="add", flags=Flag.SEEN, unchangedsince=added[0].modseq)
        )
        assert [row.uid for row in done.changed] == [1, 3]
        assert done.modified == (2,)
        none = await account.write(
            lambda tx: store_flags(tx, inbox.id, [1, 2, 3], mode="add", flags=Flag.DRAFT, unchangedsince=0)
        )
        assert none.changed == ()
        assert none.modified == (1, 2, 3)


async def test_naming_one_junk_flag_clears_the_other(accounts: Accounts) -> None:
    """STORE-85, STORE-91, IMAP-111"""
    async with accounts.use("mia") as account:
        added = await deliver_mail(account, mail(), facts=MessageFacts(smtp=SMTPFacts(remote_ip="192.0.2.1")))

        def verdict(r: Reader) -> object:
            return r.value("SELECT verdict FROM message_smtp WHERE message_id = ?", added.message_id)

        assert await look(account, verdict) is None
        await account.write(lambda tx: store_flags_ids(tx, [added.message_id], mode="add", flags=Flag.JUNK))
        assert await look(account, verdict) == 1
        await account.write(lambda tx: store_flags_ids(tx, [added.message_id], mode="add", flags=Flag.NOTJUNK))
        assert (await look(account, lambda r: message(r, added.message_id))).flags == Flag.NOTJUNK
        assert await look(account, verdict) == 0
        both = Flag.JUNK | Flag.NOTJUNK
        await account.write(lambda tx: store_flags_ids(tx, [added.message_id], mode="add", flags=both))
        assert await look(account, verdict) is None


async def test_signatures_of_judged_mail_are_history(accounts: Accounts) -> None:
    """STORE-91, STORE-92: as long as it is judged, and of each copy."""
    async with accounts.use("mia") as account:
        facts = MessageFacts(
            smtp=SMTPFacts(remote_ip="192.0.2.1"), dkim_domains=("b.example", "a.example", "b.example")
        )
        added = await deliver_mail(account, mail(), facts=facts)
        inbox, junk = await box(account), await box(account, "Junk")

        async def signatures() -> list[tuple[str, int]]:
            sql = "SELECT domain, message_id FROM message_dkim ORDER BY message_id, domain"
            found: list[tuple[str, int]] = await look(account, lambda r: r.rows(sql))
            return found

        def expected(*ids: int) -> list[tuple[str, int]]:
            return [(domain, one) for one in ids for domain in ("a.example", "b.example")]

        assert await signatures() == []
        for flag in (Flag.JUNK, Flag.NOTJUNK):
            await account.write(lambda tx, f=flag: store_flags_ids(tx, [added.message_id], mode="add", flags=f))  # type: ignore[misc]
            assert await signatures() == expected(added.message_id)
        copied = await account.write(lambda tx: copy_messages(tx, inbox.id, [added.uid], junk.id))
        assert await signatures() == expected(added.message_id, *copied.message_ids)
        await account.write(lambda tx: store_flags_ids(tx, [added.message_id], mode="remove", flags=Flag.NOTJUNK))
        assert await signatures() == expected(*copied.message_ids)
        assert await look(account, lambda r: signing_domains(r, added.message_id)) == ["a.example", "b.example"]
        await account.write(lambda tx: expunge_ids(tx, copied.message_ids))
        assert await signatures() == []
        assert await account.scan(check_account, op="test") == []


async def test_flags_by_id_reach_several_mailboxes(accounts: Accounts) -> None:
    """STORE-28"""
    async with accounts.use("mia") as account:
        one = (await put(account))[0]
        two = (await put(account, name="Archive", first=2))[0]
        done = await account.write(
            lambda tx: store_flags_ids(tx, [two.message_id, one.message_id, 99], mode="add", flags=Flag.FLAGGED)
        )
        assert {row.id for row in done.changed} == {one.message_id, two.message_id}
        assert (await box(account)).modseq == (await box(account, "Archive")).modseq == done.changed[0].modseq


async def test_only_corrections_of_the_junk_filter_are_counted(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-86b: a mark that confirms where the message is, and one that is taken back to none, say nothing new."""
    counts = Daily(lambda: 0)
    monkeypatch.setattr(flags, "daily", counts)
    async with accounts.use("mia") as account:
        ids = [one.message_id for one in await put(account, 2)]

        async def marked(change: Flag) -> dict[str, int]:
            await account.write(partial(store_flags_ids, ids=ids, mode="replace", flags=change))
            return {kind: number for (kind, _, _), number in counts.take().items()}

        assert await marked(Flag.NOTJUNK) == {}
        assert await marked(Flag.SEEN) == {}
        assert await marked(Flag.JUNK) == {"marked-junk": 2}
        assert await marked(Flag.JUNK | Flag.SEEN) == {}
        assert await marked(Flag.NOTJUNK) == {"marked-wanted": 2}
        await marked(Flag.JUNK)
        assert await marked(Flag(0)) == {"marked-wanted": 2}


async def test_an_operation_on_no_message_changes_nothing(accounts: Accounts) -> None:
    """STORE-23: no modseq is taken, and the result names the mailboxes all the same."""
    async with accounts.use("mia") as account:
        inbox, archive = await box(account), await box(account, "Archive")
        await put(account)
        before = await look(account, state)
        assert await account.write(lambda tx: store_flags_ids(tx, [], mode="add", flags=Flag.SEEN)) == StoreResult(
            (), (), ()
        )
        assert await account.write(lambda tx: expunge(tx, inbox.id, [7])) == ExpungeResult(inbox.id, (), ())
        assert await account.write(lambda tx: expunge_ids(tx, [])) == []
        nothing = CopyResult(inbox.id, archive.id, archive.uidvalidity, (), (), ())
        assert await account.write(lambda tx: copy_messages(tx, inbox.id, [7], archive.id)) == nothing
        assert await account.write(lambda tx: move_messages(tx, inbox.id, [7], archive.id)) == nothing
        assert (await look(account, state)).modseq == before.modseq


async def test_keyword_limits_and_bad_keywords_change_nothing(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-22, STORE-154, IMAP-109"""
    monkeypatch.setattr("moxlite.store.mail.counts.MAX_PER_MAILBOX", 3)
    async with accounts.use("mia") as account:
        inbox = await box(account)
        await put(account, 2)

        async def add(uid: int, *words: str) -> None:
            await account.write(lambda tx: store_flags(tx, inbox.id, [uid], mode="add", keywords=words))

        with pytest.raises(LimitExceeded, match="on this message"):
            await add(1, *[f"k{n}" for n in range(101)])
        with pytest.raises(BadKeyword):
            await add(1, "a b")
        await add(1, "a", "b", "c")
        with pytest.raises(LimitExceeded, match="in this folder"):
            await add(2, "d")
        await account.write(lambda tx: store_flags(tx, inbox.id, [1], mode="remove", keywords=["a"]))
        await add(2, "d")
        assert (await box(account)).keywords == ("b", "c", "d")


async def test_looking_for_unused_keywords_is_linear_in_the_messages(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-22"""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        await put(account, 3_000, keywords=("a", "b"))
        monkeypatch.setattr("moxlite.store.mail.counts.MAX_PER_MAILBOX", 2)
        await account.write(lambda tx: store_flags(tx, inbox.id, range(1, 3_001), mode="remove", keywords=["b"]))
        began = time.process_time()
        await account.write(lambda tx: store_flags(tx, inbox.id, [1], mode="add", keywords=["c"]))
        assert time.process_time() - began < 0.1 * slowness()
        assert (await box(account)).keywords == ("a", "c")


async def test_new_keywords_of_a_mailbox_are_told(accounts: Accounts) -> None:
    """STORE-22, STORE-31, IMAP-60"""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        await put(account, 1)
        _, cursor = await account.subscribe()
        with cursor:
            await account.write(lambda tx: store_flags(tx, inbox.id, [1], mode="add", keywords=["Foo"]))
            told = (await cursor.take()).events
        assert [type(event) for event in told] == [MailboxCounts, MailboxKeywords, FlagsChanged]
        changed = told[-1]
        assert isinstance(changed, FlagsChanged)
        assert (changed.uid, changed.mask, changed.keywords) == (1, Flag(0), ("foo",))


async def test_expunged_messages_leave_tombstones_and_give_room_back(accounts: Accounts) -> None:
    """STORE-25, STORE-26, STORE-36, STORE-62"""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        added = await put(account, 3, keywords=["x"])
        _, cursor = await account.subscribe()
        with cursor:
            gone = await account.write(lambda tx: expunge(tx, inbox.id, [3, 1, 7]))
            assert gone.uids == (1, 3)
            told = (await cursor.take()).events
            removed = told[-1]
            assert isinstance(removed, MessagesRemoved)
            assert (removed.mailbox_id, removed.uids, removed.message_ids) == (inbox.id, gone.uids, gone.message_ids)
            assert gone.message_ids == (added[0].message_id, added[2].message_id)
            assert (removed.exists, removed.unseen, removed.uidnext) == (1, 1, 4)
            assert await look(account, lambda r: vanished(r, inbox.id, 0)) == [1, 3]
            assert (await look(account, state)).total_size == len(mail(2))
            # still readable for a subscriber that has not acknowledged
            await account.settle()
            old = await look(account, lambda r: held(r, inbox.id))
            assert old == [(1, added[0].message_id), (3, added[2].message_id)]
            assert await look(account, lambda r: body.message_range(r, added[0].message_id)) == mail(1)
            cursor.acknowledge(cursor.modseq)
        await account.settle()
        assert await look(account, lambda r: held(r, inbox.id)) == []
        with pytest.raises(NoSuchMessage):
            await look(account, lambda r: body.message_range(r, added[0].message_id))
        assert await look(account, lambda r: r.value("SELECT count(*) FROM body")) == 1
        with pytest.raises(NoSuchMailbox):
            await account.write(lambda tx: expunge(tx, 77, [1]))  # type: ignore[arg-type]


async def test_uids_are_never_used_again(accounts: Accounts) -> None:
    """STORE-16"""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        await put(account, 2)
        await account.write(lambda tx: expunge(tx, inbox.id, [2]))
        assert (await put(account, first=3))[0].uid == 3
        await account.write(lambda tx: tx.execute("UPDATE mailbox SET uidnext = 4294967295 WHERE id = ?", inbox.id))
        assert (await put(account, first=4))[0].uid == 4294967295
        with pytest.raises(UidsExhausted, match="Inbox"):
            await put(account, first=5)
        assert (await box(account)).exists == 3


async def test_copies_share_body_and_email_id_and_count_in_full(accounts: Accounts) -> None:
    """STORE-25, STORE-62, STORE-180, IMAP-117"""
    async with accounts.use("mia") as account:
        inbox, archive = await box(account), await box(account, "Archive")
        await put(account, 3, flags=Flag.FLAGGED, keywords=["x"])
        copied = await account.write(lambda tx: copy_messages(tx, inbox.id, [3, 1], archive.id))
        assert (copied.uidvalidity, copied.source_uids, copied.target_uids) == (archive.uidvalidity, (1, 3), (1, 2))
        originals = await rows(account)
        copies = await rows(account, "Archive")
        assert [row.id for row in copies] == list(copied.message_ids)
        for copy, original in zip(copies, [originals[0], originals[2]], strict=True):
            whole = (EmailID(original.id), original.body_id, original.threadid)
            assert (copy.email_id, copy.body_id, copy.threadid) == whole
            assert (copy.received, copy.keywords) == (original.received, ("x",))
            assert copy.flags == Flag.FLAGGED | Flag.NOTJUNK
            assert copy.createseq == copy.modseq > original.modseq
        assert await look(account, lambda r: r.rows("SELECT refs FROM body ORDER BY id")) == [(2,), (1,), (2,)]
        assert (await look(account, state)).total_size == 5 * len(mail(1))
        assert await look(account, lambda r: body.message_range(r, copies[1].id)) == mail(3)
        assert (await box(account, "Archive")).keywords == ("x",)


async def test_copy_into_the_same_mailbox(accounts: Accounts) -> None:
    """IMAP-117"""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        await put(account, 2)
        copied = await account.write(lambda tx: copy_messages(tx, inbox.id, [1, 2], inbox.id))
        assert copied.target_uids == (3, 4)
        assert await account.write(lambda tx: copy_messages(tx, inbox.id, [], inbox.id)) == copied.__class__(
            inbox.id, inbox.id, inbox.uidvalidity, (), (), ()
        )


async def test_a_move_keeps_the_message_and_leaves_a_tombstone(accounts: Accounts) -> None:
    """STORE-25, STORE-31, IMAP-118"""
    async with accounts.use("mia") as account:
        inbox, archive = await box(account), await box(account, "Archive")
        added = await put(account, 3, flags=Flag.SEEN, keywords=["x"])
        _, cursor = await account.subscribe()
        with cursor:
            moved = await account.write(lambda tx: move_messages(tx, inbox.id, [2, 3], archive.id))
            told = [event for event in (await cursor.take()).events if not isinstance(event, MailboxCounts)]
            assert [type(event) for event in told] == [MessagesRemoved, MailboxKeywords, MessageAdded, MessageAdded]
            assert moved.message_ids == (added[1].message_id, added[2].message_id)
            assert await look(account, lambda r: vanished(r, inbox.id, 0)) == [2, 3]
            assert len(await look(account, lambda r: held(r, inbox.id))) == 2
        found = await rows(account, "Archive")
        assert [row.id for row in found] == list(moved.message_ids)
        assert all(row.createseq == row.modseq for row in found)
        assert all(row.mailbox_orig_id == inbox.id for row in found)
        assert (await look(account, state)).total_size == 3 * len(mail(1))
        await account.settle()
        assert await look(account, lambda r: r.rows("SELECT refs FROM body ORDER BY id")) == [(1,), (1,), (1,)]
        assert await look(account, lambda r: body.message_range(r, found[0].id)) == mail(2)


async def test_a_move_within_a_mailbox_gives_the_messages_new_uids(accounts: Accounts) -> None:
    """IMAP-118, STORE-25: as a copy would, but for the old ones."""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        added = await put(account, 3)
        moved = await account.write(lambda tx: move_messages(tx, inbox.id, [1, 3], inbox.id))
        assert (moved.source_uids, moved.target_uids) == ((1, 3), (4, 5))
        assert moved.message_ids == (added[0].message_id, added[2].message_id)
        assert [row.uid for row in await rows(account)] == [2, 4, 5]
        assert await look(account, lambda r: vanished(r, inbox.id, 0)) == [1, 3]
        after = await box(account)
        assert (after.exists, after.size) == (3, 3 * len(mail(1)))
        await account.settle()
        assert await look(account, lambda r: r.rows("SELECT refs FROM body ORDER BY id")) == [(1,), (1,), (1,)]


async def test_a_message_can_come_back_and_be_removed_while_its_tombstones_wait(accounts: Accounts) -> None:
    """STORE-25, STORE-36"""
    async with accounts.use("mia") as account:
        inbox, archive = await box(account), await box(account, "Archive")
        added = (await put(account))[0]
        _, cursor = await account.subscribe()
        with cursor:
            await account.write(lambda tx: move_messages(tx, inbox.id, [1], archive.id))
            await account.write(lambda tx: move_messages(tx, archive.id, [1], inbox.id))
            await account.write(lambda tx: expunge(tx, inbox.id, [2]))
            assert await look(account, lambda r: r.rows("SELECT refs FROM body")) == [(3,)]
            assert await look(account, lambda r: body.message_range(r, added.message_id)) == mail(1)
        await account.settle()
        for table in ("body", "body_chunk", "message_info", "message_header", "erase_queue"):
            assert await look(account, partial(Reader.value, sql=f"SELECT count(*) FROM {table}")) == 0, table


async def test_moves_and_removals_by_id_group_by_mailbox(accounts: Accounts) -> None:
    """STORE-28"""
    async with accounts.use("mia") as account:
        trash = await box(account, "Trash")
        ids = [one.message_id for one in await put(account, 2)]
        ids += [one.message_id for one in await put(account, 2, "Archive", first=3)]
        there = [one.message_id for one in await put(account, 2, "Trash", first=5)]
        moved = await account.write(lambda tx: move_ids(tx, [*ids, *there], trash.id))
        assert [one.source_uids for one in moved] == [(1, 2), (1, 2)]
        gone = await account.write(lambda tx: expunge_ids(tx, ids))
        assert [one.mailbox_id for one in gone] == [trash.id]
        assert (await box(account, "Trash")).exists == 2


async def test_copies_by_id_group_by_mailbox(accounts: Accounts) -> None:
    """STORE-28"""
    async with accounts.use("mia") as account:
        trash = await box(account, "Trash")
        here, there = await put(account, 2), await put(account, 1, "Archive", first=3)
        ids = [one.message_id for one in (*there, *here)]
        copied = await account.write(lambda tx: copy_ids(tx, ids, trash.id))
        boxes = [(await box(account)).id, (await box(account, "Archive")).id]
        assert [(one.source_id, one.source_uids, one.target_uids) for one in copied] == [
            (boxes[0], (1, 2), (1, 2)),
            (boxes[1], (1,), (3,)),
        ]
        assert [row.id for row in await rows(account, "Trash")] == [new for one in copied for new in one.message_ids]


async def test_the_id_of_a_removed_message_is_not_given_to_a_copy(accounts: Accounts) -> None:
    """STORE-20: a client that saw the id would take the copy for the message that is gone."""
    async with accounts.use("mia") as account:
        inbox, archive = await box(account), await box(account, "Archive")
        last = (await put(account, 2))[-1].message_id
        await account.write(lambda tx: expunge(tx, inbox.id, [2]))
        copied = await account.write(lambda tx: copy_messages(tx, inbox.id, [1], archive.id))
        assert copied.source_id == inbox.id
        assert copied.message_ids == tuple(row.id for row in await rows(account, "Archive"))
        assert copied.message_ids > (last,)


async def test_a_copy_into_junk_has_no_trace_of_a_wanted_mark(accounts: Accounts) -> None:
    """STORE-84, STORE-85: and the other way about; the original keeps its mark."""
    async with accounts.use("mia") as account:
        inbox, junk = await box(account), await box(account, "Junk")
        await account.write(lambda tx: ensure_mailbox(tx, "family"))
        family = await box(account, "family")
        await put(account)
        await account.write(lambda tx: store_flags(tx, inbox.id, [1], mode="add", flags=Flag.NOTJUNK | Flag.SEEN))
        await account.write(lambda tx: copy_messages(tx, inbox.id, [1], junk.id))
        await account.write(lambda tx: copy_messages(tx, junk.id, [1], family.id))
        assert [row.flags for row in await rows(account)] == [Flag.NOTJUNK | Flag.SEEN]
        assert [row.flags for row in await rows(account, "Junk")] == [Flag.JUNK | Flag.SEEN]
        assert [row.flags for row in await rows(account, "family")] == [Flag.NOTJUNK | Flag.SEEN]


async def test_junk_flags_follow_the_mailbox_at_append_copy_and_move(accounts: Accounts) -> None:
    """STORE-84, IMAP-112"""
    async with accounts.use("mia") as account:
        inbox, junk = await box(account), await box(account, "Junk")
        await put(account, 2, flags=Flag.NOTJUNK)
        assert [row.flags for row in await rows(account)] == [Flag(0), Flag(0)]
        await account.write(lambda tx: copy_messages(tx, inbox.id, [1], junk.id))
        await account.write(lambda tx: move_messages(tx, inbox.id, [2], junk.id))
        assert [row.flags for row in await rows(account, "Junk")] == [Flag.JUNK, Flag.JUNK]
        await account.write(lambda tx: ensure_mailbox(tx, "family"))
        family = await box(account, "family")
        await account.write(lambda tx: move_messages(tx, junk.id, [1, 2], family.id))
        assert [row.flags for row in await rows(account, "family")] == [Flag.NOTJUNK, Flag.NOTJUNK]


async def test_taking_a_message_out_of_rejects_makes_it_history(accounts: Accounts) -> None:
    """STORE-73, STORE-91, IMAP-113"""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        await account.write(lambda tx: create_mailbox(tx, "Rejects"))
        await account.write(lambda tx: create_mailbox(tx, "friends"))
        rejects, friends = await box(account, "Rejects"), await box(account, "friends")
        facts = MessageFacts(smtp=SMTPFacts(remote_ip="192.0.2.1"), is_reject=True, destined=inbox.id)
        for n in (1, 2):
            added = await deliver_mail(account, mail(n), "Rejects", facts)
            await account.write(partial(store_flags_ids, ids=[added.message_id], mode="add", flags=Flag.SEEN))
        await account.write(lambda tx: copy_messages(tx, rejects.id, [1], friends.id))
        await account.write(lambda tx: move_messages(tx, rejects.id, [2], friends.id))
        for row in await rows(account, "friends"):
            assert (row.is_reject, row.mailbox_orig_id, row.flags) == (False, inbox.id, Flag.NOTJUNK)
            verdict = partial(Reader.value, sql=f"SELECT verdict FROM message_smtp WHERE message_id = {row.id}")
            assert await look(account, verdict) == 0
        left = (await rows(account, "Rejects"))[0]
        assert (left.is_reject, left.flags, left.mailbox_destined_id) == (True, Flag.SEEN, inbox.id)
        assert (
            await look(account, lambda r: r.value("SELECT verdict FROM message_smtp WHERE message_id = ?", left.id))
            is None
        )


async def test_moving_out_of_the_introbox_to_the_destined_mailbox_is_praise(accounts: Accounts) -> None:
    """STORE-68, IMAP-114"""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        await account.write(lambda tx: create_mailbox(tx, "Introbox"))
        intro, trash = await box(account, "Introbox"), await box(account, "Trash")
        for n in range(3):
            await deliver_mail(account, mail(n), "Introbox", MessageFacts(destined=inbox.id))
        await account.write(lambda tx: move_messages(tx, intro.id, [1], inbox.id))
        row = (await rows(account))[0]
        assert (row.flags, row.mailbox_orig_id, row.mailbox_destined_id) == (Flag.NOTJUNK, inbox.id, None)
        await account.write(lambda tx: create_mailbox(tx, "neutral"))
        neutral = await box(account, "neutral")
        await account.write(lambda tx: move_messages(tx, intro.id, [2], neutral.id))
        row = (await rows(account, "neutral"))[0]
        assert (row.flags, row.mailbox_orig_id, row.mailbox_destined_id) == (Flag(0), intro.id, inbox.id)
        await account.write(lambda tx: move_messages(tx, intro.id, [3], trash.id))
        row = (await rows(account, "Trash"))[0]
        assert (row.flags, row.mailbox_orig_id, row.mailbox_destined_id) == (Flag.NOTJUNK, inbox.id, None)


async def test_a_copy_out_of_the_introbox_is_no_praise(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-68, WEB-86b: only a move tells what the user thinks of a message."""
    counts = Daily(lambda: 0)
    monkeypatch.setattr(flags, "daily", counts)
    async with accounts.use("mia") as account:
        inbox, junk = await box(account), await box(account, "Junk")
        await account.write(lambda tx: create_mailbox(tx, "Introbox"))
        intro = await box(account, "Introbox")
        await deliver_mail(account, mail(1), "Introbox", MessageFacts(destined=inbox.id))
        await account.write(lambda tx: copy_messages(tx, intro.id, [1], inbox.id))
        row = (await rows(account))[0]
        assert (row.flags, row.mailbox_orig_id, row.mailbox_destined_id) == (Flag(0), intro.id, inbox.id)
        await account.write(lambda tx: copy_messages(tx, intro.id, [1], junk.id))
        assert counts.take() == {}
        await account.write(lambda tx: move_messages(tx, intro.id, [1], junk.id))
        assert {kind: number for (kind, _, _), number in counts.take().items()} == {"marked-junk": 1}


class TestQuota:
    @pytest.fixture
    def store_options(self) -> Options:
        return Options(
            check_on_close=True,
            min_free_space=0,
            account_config=lambda name: AccountConfig(quota=3 * len(mail(1))),
        )

    async def test_over_quota_nothing_is_added_but_moves_work(self, accounts: Accounts) -> None:
        """STORE-62, STORE-63"""
        async with accounts.use("mia") as account:
            inbox, archive = await box(account), await box(account, "Archive")
            await put(account, 2)
            before = await look(account, state)
            with pytest.raises(OverQuota) as caught:
                await put(account, 2, first=3)
            assert caught.value.limit == 3 * len(mail(1))
            with pytest.raises(OverQuota):
                await account.write(lambda tx: copy_messages(tx, inbox.id, [1, 2], archive.id))
            assert await look(account, state) == before
            await put(account, 1, first=3)
            await account.write(lambda tx: move_messages(tx, inbox.id, [1, 2, 3], archive.id))
            await account.write(lambda tx: expunge(tx, archive.id, [1]))
            await put(account, 1, first=4)


async def test_a_sent_message_makes_its_recipients_known(accounts: Accounts) -> None:
    """STORE-95, STORE-96, IMAP-89"""
    from moxlite.store.mail.recipients import wrote_to, wrote_to_domain, wrote_to_orgdomain
    from moxlite.store.people.correspondents import suggest as suggest_recipients

    async with accounts.use("mia") as account:
        sent = await box(account, "Sent")
        assert sent.special_use == SpecialUse.SENT
        to = "Zoë <zoe@mail.example.org>, broken, Bob <bob@example.net>, zoe@mail.example.org"
        added = await deliver_mail(account, mail(1, to=to), "Sent")
        date = 1795154400_000_000
        assert await look(account, lambda r: wrote_to(r, "zoe", "mail.example.org")) == date
        assert await look(account, lambda r: wrote_to(r, "eve", "mail.example.org")) is None
        assert await look(account, lambda r: wrote_to_domain(r, "example.net")) == date
        assert await look(account, lambda r: wrote_to_orgdomain(r, "example.org")) == date
        found, more = await look(account, lambda r: suggest_recipients(r, "ZOË"))
        assert [(one.name, one.localpart, one.domain) for one in found] == [("Zoë", "zoe", "mail.example.org")]
        assert not more
        assert (await look(account, lambda r: suggest_recipients(r, "example", 1)))[1]
        await account.write(lambda tx: copy_messages(tx, sent.id, [1], sent.id))
        assert await look(account, lambda r: r.value("SELECT count(*) FROM recipient")) == 2
        await account.write(lambda tx: expunge_ids(tx, [added.message_id]))
        assert await look(account, lambda r: wrote_to(r, "zoe", "mail.example.org")) is None
