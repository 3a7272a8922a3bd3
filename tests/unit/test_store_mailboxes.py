"""Operations on mailboxes (mailboxes.py, annotations.py), on a real account that is checked at the end."""

import pytest

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.errors import (
    BadMailboxName,
    LimitExceeded,
    MailboxExists,
    MailboxHasChildren,
    MailboxNotAllowed,
    NoSuchMailbox,
)
from moxlite.store.mail import annotations
from moxlite.store.mail.flags import store_flags
from moxlite.store.mail.mailboxes import (
    claim_recent,
    create_mailbox,
    delete_mailbox,
    ensure_mailbox,
    move_in_slices,
    rename_inbox,
    rename_mailbox,
    set_special_use,
    subscribe,
    unsubscribe,
)
from moxlite.store.rows.mailboxes import mailbox_by_name, mailboxes, state, subscriptions
from moxlite.store.types import (
    AnnotationChanged,
    Event,
    Flag,
    Mailbox,
    MailboxAdded,
    MailboxID,
    MailboxRemoved,
    MailboxRenamed,
    MailboxSpecialUse,
    MessageAdded,
    MessagesRemoved,
    SpecialUse,
    SubscriptionAdded,
    SubscriptionRemoved,
)
from tests.store_fixtures import accounts, store_options
from tests.store_mail import box, look, put, rows

__all__ = ["accounts", "store_options"]


async def names(account: Account) -> list[str]:
    return [found.name for found in await look(account, mailboxes)]


async def events(account: Account, change: object) -> list[Event]:
    """The events of one unit."""
    _, cursor = await account.subscribe()
    with cursor:
        await account.write(change)  # type: ignore[arg-type]  # any unit
        return list((await cursor.take()).events)


async def renamed_inbox(account: Account, name: str) -> list[Mailbox]:
    """Rename Inbox, as RENAME does; the mailboxes made."""
    inbox, made = await account.write(lambda tx: rename_inbox(tx, name))
    await move_in_slices(account, inbox.id, inbox.uidnext, made[-1].id)
    return made


async def test_creating_makes_parents_and_subscribes_all(accounts: Accounts) -> None:
    """STORE-13, IMAP-34, IMAP-63"""
    async with accounts.use("mia") as account:
        created = await account.write(lambda tx: create_mailbox(tx, "a/b/c"))
        assert [found.name for found in created] == ["a", "a/b", "a/b/c"]
        assert [found.parent_id for found in created] == [None, created[0].id, created[1].id]
        assert {"a", "a/b", "a/b/c"} <= set(await look(account, subscriptions))
        with pytest.raises(MailboxExists):
            await account.write(lambda tx: create_mailbox(tx, "a/b"))
        with pytest.raises(MailboxExists):
            await account.write(lambda tx: create_mailbox(tx, "INBOX"))
        with pytest.raises(BadMailboxName):
            await account.write(lambda tx: create_mailbox(tx, "a//b"))


async def test_each_mailbox_gets_a_higher_uidvalidity(accounts: Accounts) -> None:
    """STORE-11, STORE-15, IMAP-64"""
    async with accounts.use("mia") as account:
        first = (await account.write(lambda tx: create_mailbox(tx, "a")))[0]
        await account.write(lambda tx: delete_mailbox(tx, first.id))
        again = (await account.write(lambda tx: create_mailbox(tx, "a")))[0]
        assert again.uidvalidity > first.uidvalidity
        assert again.id > first.id
        assert (await look(account, state)).next_uidvalidity > again.uidvalidity


async def test_ensuring_finds_or_makes(accounts: Accounts) -> None:
    """STORE-61"""
    async with accounts.use("mia") as account:
        made = await account.write(lambda tx: ensure_mailbox(tx, "lists/trio"))
        assert await account.write(lambda tx: ensure_mailbox(tx, "lists/trio")) == made
        assert (await account.write(lambda tx: ensure_mailbox(tx, "inbox"))).name == "Inbox"


async def test_there_is_a_limit_of_mailboxes(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-154"""
    monkeypatch.setattr("moxlite.store.mail.mailboxes.MAX_MAILBOXES", 8)
    async with accounts.use("mia") as account:
        with pytest.raises(LimitExceeded):
            await account.write(lambda tx: create_mailbox(tx, "a/b/c"))
        assert "a" not in await names(account)


async def test_names_that_were_subscribed_are_limited(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-154: they need no mailbox, and leave a row; a mailbox is made without one all the same."""
    async with accounts.use("mia") as account:
        there = await look(account, lambda r: r.value("SELECT count(*) FROM subscription"))
        monkeypatch.setattr("moxlite.store.mail.mailboxes.MAX_SUBSCRIPTIONS", there + 2, raising=False)
        for name in ("a", "b"):
            await account.write(lambda tx, name=name: subscribe(tx, name))  # type: ignore[misc]  # bound now
            await account.write(lambda tx, name=name: unsubscribe(tx, name))  # type: ignore[misc]  # bound now
        with pytest.raises(LimitExceeded, match="too many subscribed folders"):
            await account.write(lambda tx: subscribe(tx, "c"))
        assert await account.write(lambda tx: subscribe(tx, "a"))
        await account.write(lambda tx: ensure_mailbox(tx, "d"))
        known = await look(account, subscriptions)
        assert "a" in known
        assert "d" not in known


async def test_only_leaves_can_be_deleted_and_never_inbox(accounts: Accounts) -> None:
    """STORE-13, IMAP-64"""
    async with accounts.use("mia") as account:
        made = await account.write(lambda tx: create_mailbox(tx, "a/b"))
        with pytest.raises(MailboxHasChildren):
            await account.write(lambda tx: delete_mailbox(tx, made[0].id))
        inbox = await box(account)
        with pytest.raises(MailboxNotAllowed):
            await account.write(lambda tx: delete_mailbox(tx, inbox.id))
        await account.write(lambda tx: delete_mailbox(tx, made[1].id))
        await account.write(lambda tx: delete_mailbox(tx, made[0].id))
        with pytest.raises(NoSuchMailbox):
            await account.write(lambda tx: delete_mailbox(tx, made[0].id))


async def test_deleting_removes_messages_and_annotations_and_keeps_a_programs_subscription(accounts: Accounts) -> None:
    """STORE-13, STORE-36, IMAP-64"""
    async with accounts.use("mia") as account:
        made = (await account.write(lambda tx: create_mailbox(tx, "a", SpecialUse.ARCHIVE)))[0]
        await put(account, 3, "a", keywords=["todo"])
        assert await account.write(lambda tx: subscribe(tx, "a")) is False
        await account.write(lambda tx: annotations.set_annotation(tx, made.id, "/private/comment", b"x"))
        told = await events(account, lambda tx: delete_mailbox(tx, made.id))
        assert [type(event) for event in told if not type(event).__name__.endswith("Counts")] == [
            MessagesRemoved,
            MailboxRemoved,
        ]
        removed = told[-1]
        assert isinstance(removed, MailboxRemoved)
        assert (removed.name, removed.subscribed) == ("a", True)
        assert "a" in await look(account, subscriptions)
        assert await look(account, lambda r: annotations.annotations(r, made.id)) == []
        assert (await look(account, state)).total_size == 0


async def test_renaming_takes_children_along_and_keeps_ids_and_uids(accounts: Accounts) -> None:
    """STORE-14, STORE-28, IMAP-65"""
    async with accounts.use("mia") as account:
        made = await account.write(lambda tx: create_mailbox(tx, "a/b/c"))
        await put(account, 2, "a/b/c")
        before = await rows(account, "a/b/c")
        await account.write(lambda tx: subscribe(tx, "a/b"))
        done = await account.write(lambda tx: rename_mailbox(tx, made[0].id, "x/y"))
        assert [found.name for found in done.created] == ["x"]
        assert [(old, new.name, new.id) for old, new in done.renamed] == [
            ("a", "x/y", made[0].id),
            ("a/b", "x/y/b", made[1].id),
            ("a/b/c", "x/y/b/c", made[2].id),
        ]
        assert done.renamed[0][1].parent_id == done.created[0].id
        after = await box(account, "x/y/b/c")
        assert (after.uidvalidity, after.uidnext) == (made[2].uidvalidity, 3)
        assert after.modseq > made[2].modseq
        assert await rows(account, "x/y/b/c") == before
        own = {name for name in await look(account, subscriptions) if name[:1] in "ax"}
        assert own == {"a/b", "x", "x/y", "x/y/b/c"}, "what a program has subscribed by name stays there"


async def test_new_parents_are_told_before_the_rename(accounts: Accounts) -> None:
    """STORE-14"""
    async with accounts.use("mia") as account:
        made = (await account.write(lambda tx: create_mailbox(tx, "a")))[0]
        told = await events(account, lambda tx: rename_mailbox(tx, made.id, "x/a"))
        assert [type(event) for event in told] == [
            MailboxAdded,
            MailboxRenamed,
            SubscriptionRemoved,
            SubscriptionAdded,
        ]


async def test_renaming_below_itself_makes_the_old_name_anew(accounts: Accounts) -> None:
    """STORE-14, IMAP-65"""
    async with accounts.use("mia") as account:
        made = await account.write(lambda tx: create_mailbox(tx, "a/b/c"))
        told = await events(account, lambda tx: rename_mailbox(tx, made[1].id, "a/b/x/y"))
        structure = [event for event in told if not type(event).__name__.startswith("Subscription")]
        assert [(type(event), getattr(event, "name", None)) for event in structure] == [
            (MailboxRenamed, "a/b/x/y"),
            (MailboxRenamed, "a/b/x/y/c"),
            (MailboxAdded, "a/b"),
            (MailboxAdded, "a/b/x"),
        ]
        assert (await box(account, "a/b/x/y")).id == made[1].id
        assert (await box(account, "a/b")).id not in {found.id for found in made}
        assert [name for name in await look(account, subscriptions) if name.startswith("a")] == [
            *("a", "a/b", "a/b/x", "a/b/x/y", "a/b/x/y/c"),
        ]


async def test_renaming_refuses_inbox_existing_names_and_too_long_children(accounts: Accounts) -> None:
    """STORE-12, STORE-13, IMAP-65"""
    async with accounts.use("mia") as account:
        made = await account.write(lambda tx: create_mailbox(tx, "a/" + "b" * 200))
        inbox = await box(account)
        with pytest.raises(MailboxNotAllowed):
            await account.write(lambda tx: rename_mailbox(tx, inbox.id, "x"))
        with pytest.raises(MailboxNotAllowed):
            await account.write(lambda tx: rename_mailbox(tx, made[0].id, "inbox"))
        with pytest.raises(MailboxExists):
            await account.write(lambda tx: rename_mailbox(tx, made[0].id, "Trash"))
        with pytest.raises(BadMailboxName):
            await account.write(lambda tx: rename_mailbox(tx, made[0].id, "/".join(["c" * 200] * 4)))
        assert "a" in await names(account)


async def test_renaming_inbox_moves_its_messages_to_a_new_mailbox(accounts: Accounts) -> None:
    """IMAP-65"""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        await put(account, 3)
        await account.write(lambda tx: create_mailbox(tx, "Inbox/sub"))
        await account.write(lambda tx: annotations.set_annotation(tx, inbox.id, "/private/comment", b"mine"))
        made = await renamed_inbox(account, "old/2026")
        assert [found.name for found in made] == ["old", "old/2026"]
        assert [row.uid for row in await rows(account, "old/2026")] == [1, 2, 3]
        assert (await box(account)).exists == 0
        assert (await box(account)).uidnext == 4
        assert "Inbox/sub" in await names(account)
        copied = await look(account, lambda r: annotations.annotations(r, made[-1].id))
        assert [(found.key, found.value) for found in copied] == [("/private/comment", b"mine")]


async def test_a_special_use_is_taken_from_the_mailbox_that_has_it(accounts: Accounts) -> None:
    """STORE-17, IMAP-63"""
    async with accounts.use("mia") as account:
        junk = await box(account, "Junk")
        assert junk.special_use == SpecialUse.JUNK
        told = await events(account, lambda tx: create_mailbox(tx, "Spam", SpecialUse.JUNK | SpecialUse.TRASH))
        assert [(event.name, event.special_use) for event in told if isinstance(event, MailboxSpecialUse)] == [
            ("Junk", SpecialUse(0)),
            ("Trash", SpecialUse(0)),
            ("Spam", SpecialUse.JUNK | SpecialUse.TRASH),
        ]
        spam = await box(account, "Spam")
        assert spam.special_use == SpecialUse.JUNK | SpecialUse.TRASH
        assert (await box(account, "Junk")).modseq == spam.modseq
        assert await account.write(lambda tx: set_special_use(tx, spam.id, spam.special_use)) == []
        with pytest.raises(MailboxNotAllowed):
            await account.write(
                lambda tx: set_special_use(tx, tx.value("SELECT min(id) FROM mailbox"), SpecialUse.SENT)
            )


async def test_subscriptions_need_no_mailbox(accounts: Accounts) -> None:
    """STORE-18, IMAP-66"""
    async with accounts.use("mia") as account:
        told = await events(account, lambda tx: (subscribe(tx, "later"), subscribe(tx, "later")))
        assert [type(event) for event in told] == [SubscriptionAdded]
        assert "later" in await look(account, subscriptions)
        made = await account.write(lambda tx: create_mailbox(tx, "later"))
        await account.write(lambda tx: delete_mailbox(tx, made[0].id))
        told = await events(account, lambda tx: unsubscribe(tx, "later"))
        assert [(type(event), getattr(event, "nonexistent", None)) for event in told] == [(SubscriptionRemoved, True)]
        assert await account.write(lambda tx: unsubscribe(tx, "later")) is False
        with pytest.raises(NoSuchMailbox):
            await account.write(lambda tx: unsubscribe(tx, "never"))
        assert await account.write(lambda tx: unsubscribe(tx, "Trash")) is True
        assert await account.write(lambda tx: unsubscribe(tx, "Trash")) is False


async def test_recent_messages_are_claimed_once_without_a_modseq(accounts: Accounts) -> None:
    """IMAP-72a"""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        await put(account, 2)
        before = (await look(account, state)).modseq
        assert await account.write(lambda tx: claim_recent(tx, inbox.id, 2)) == 1
        assert await account.write(lambda tx: claim_recent(tx, inbox.id, 99)) == 2
        assert await account.write(lambda tx: claim_recent(tx, inbox.id, 1)) == 3
        assert (await look(account, state)).modseq == before


async def test_annotations_are_set_told_and_removed(accounts: Accounts) -> None:
    """STORE-28, IMAP-133"""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        told = await events(account, lambda tx: annotations.set_annotation(tx, inbox.id, "/Private/Comment", b"x"))
        assert [(type(event), getattr(event, "key", "")) for event in told] == [(AnnotationChanged, "/private/comment")]
        assert (await box(account)).modseq > inbox.modseq
        assert not await account.write(lambda tx: annotations.set_annotation(tx, inbox.id, "/private/comment", b"x"))
        assert await account.write(lambda tx: annotations.set_annotation(tx, inbox.id, "/private/comment", None))
        assert not await account.write(lambda tx: annotations.set_annotation(tx, inbox.id, "/private/comment", None))
        assert await look(account, lambda r: annotations.annotations(r, inbox.id)) == []
        await account.write(
            lambda tx: annotations.set_annotation(tx, annotations.ACCOUNT, "/shared/x", b"", is_string=False)
        )
        found = await look(account, lambda r: annotations.annotations(r, annotations.ACCOUNT))
        assert [(one.key, one.value, one.is_string) for one in found] == [("/shared/x", b"", False)]


async def test_annotations_are_limited_in_number_and_size(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-154, IMAP-133"""
    monkeypatch.setattr(annotations, "MAX_ANNOTATIONS", 2)
    monkeypatch.setattr(annotations, "MAX_ANNOTATION_OCTETS", 40)
    async with accounts.use("mia") as account:
        await account.write(lambda tx: annotations.set_annotation(tx, annotations.ACCOUNT, "/private/a", b"1" * 10))
        await account.write(lambda tx: annotations.set_annotation(tx, annotations.ACCOUNT, "/private/b", b"1" * 10))
        with pytest.raises(LimitExceeded, match="annotations"):
            await account.write(lambda tx: annotations.set_annotation(tx, annotations.ACCOUNT, "/private/c", b"1"))
        with pytest.raises(LimitExceeded, match="annotations are too large"):
            await account.write(lambda tx: annotations.set_annotation(tx, annotations.ACCOUNT, "/private/a", b"1" * 11))
        await account.write(lambda tx: annotations.set_annotation(tx, annotations.ACCOUNT, "/private/a", None))
        await account.write(lambda tx: annotations.set_annotation(tx, annotations.ACCOUNT, "/private/c", b"1"))


async def test_keys_that_had_an_annotation_are_limited(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-154"""
    monkeypatch.setattr(annotations, "MAX_KEYS", 2, raising=False)
    async with accounts.use("mia") as account:
        for key in ("/private/a", "/private/b"):
            for value in (b"1", None):
                await account.write(
                    lambda tx, key=key, value=value: annotations.set_annotation(tx, annotations.ACCOUNT, key, value)  # type: ignore[misc]  # bound now
                )
        with pytest.raises(LimitExceeded, match="annotations"):
            await account.write(lambda tx: annotations.set_annotation(tx, annotations.ACCOUNT, "/private/c", b"1"))
        assert await account.write(lambda tx: annotations.set_annotation(tx, annotations.ACCOUNT, "/private/a", b"2"))


async def test_a_change_that_fails_leaves_no_trace(accounts: Accounts) -> None:
    """STORE-23"""
    async with accounts.use("mia") as account:
        before = await look(account, state)
        with pytest.raises(NoSuchMailbox):
            await account.write(
                lambda tx: (create_mailbox(tx, "x"), store_flags(tx, MailboxID(999), [1], mode="add", flags=Flag.SEEN))
            )
        assert await look(account, state) == before
        assert await look(account, lambda r: mailbox_by_name(r, "x")) is None


async def test_moves_of_inbox_are_told_as_removal_and_additions(accounts: Accounts) -> None:
    """STORE-31"""
    async with accounts.use("mia") as account:
        await put(account, 2)
        _, cursor = await account.subscribe()
        with cursor:
            await renamed_inbox(account, "old")
            told = list((await cursor.take()).events)
        kinds = [type(event) for event in told if isinstance(event, MailboxAdded | MessagesRemoved | MessageAdded)]
        assert kinds == [MailboxAdded, MessagesRemoved, MessageAdded, MessageAdded]
