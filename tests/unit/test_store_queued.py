"""The system's mailbox `Outgoing` in the store: what the queue does with it, and what nobody else can (IMAP-162)."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.backup.copying import copy_database
from moxlite.store.backup.restore import restore_mail
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import append, deliver
from moxlite.store.delivery.status import drop_queued, fit_queue_mailbox, put_queued, queued_keys
from moxlite.store.errors import MailboxNotAllowed
from moxlite.store.exports.items import Container, ExportFailed, ExportOrder, FileForm
from moxlite.store.junkflags import JunkParams
from moxlite.store.mail import copying, expunging, mailboxes
from moxlite.store.mail.adding import Append
from moxlite.store.mail.copying import copy_messages, move_messages
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.facts import NO_FACTS
from moxlite.store.mail.flags import store_flags, store_flags_ids
from moxlite.store.mail.mailboxes import create_mailbox, ensure_mailbox, rename_mailbox, rename_system_mailbox
from moxlite.store.mail.systemmailbox import KEPT, UNQUEUE, queue_mailbox
from moxlite.store.options import DAY, AccountConfig, Options
from moxlite.store.rows.mailboxes import mailbox_by_name, state, subscriptions
from moxlite.store.types import Flag, Mailbox, MailboxID, MessageAdded, MessagesRemoved, SpecialUse
from moxlite.store.upkeep.erase import expire
from moxlite.store.upkeep.outbox import OutboxRow
from moxlite.store.upkeep.repairs import removed_messages, undelete
from tests.store_fixtures import accounts
from tests.store_imports import export, imported, mbox, zipped
from tests.store_mail import look, rows

__all__ = ["accounts"]

MESSAGE = b"Subject: soon\r\nMessage-ID: <q@x>\r\n\r\nhello\r\n"
PREFIX = b"Received: by here\r\n"
INBOX = MailboxID(1)


class Settings:
    """The configuration of the account, which a test may change."""

    config = AccountConfig(queue_mailbox=True)


@pytest.fixture
def settings() -> Settings:
    return Settings()


@pytest.fixture
def store_options(settings: Settings) -> Options:
    return Options(
        check_on_close=True, min_free_space=0, undelete_grace=30 * DAY, account_config=lambda _: settings.config
    )


async def put(account: Account, key: bytes, data: bytes = MESSAGE) -> bool:
    with Spool.of(data) as spool:
        return await put_queued(account, key, await prepare(spool, PREFIX), 1_790_000_000_000_000)


async def queue_of(account: Account) -> Mailbox:
    await fit_queue_mailbox(account)
    found = await look(account, queue_mailbox)
    assert found is not None
    return found


async def named(account: Account, name: str) -> Mailbox:
    found = await look(account, lambda r: mailbox_by_name(r, name))
    assert found is not None
    return found


async def test_a_submission_is_shown_once_and_goes_with_its_key(accounts: Accounts) -> None:
    """IMAP-162: whatever is repeated; it is read, has the queue's time, costs no quota and is told to subscribers."""
    async with accounts.use("mjl") as account:
        box = await queue_of(account)
        assert box.name == "Outgoing"
        assert "Outgoing" in await look(account, subscriptions)
        _, cursor = await account.subscribe()
        with cursor:
            assert await put(account, b"1 1")
            assert await put(account, b"1 1")
            assert await put(account, b"2 1")
            added = [event for event in (await cursor.take()).events if isinstance(event, MessageAdded)]
            assert [(event.mailbox_id, event.uid, event.flags) for event in added] == [
                (box.id, 1, Flag.SEEN),
                (box.id, 2, Flag.SEEN),
            ]
            assert [row.received for row in await rows(account, "Outgoing")] == [1_790_000_000_000_000] * 2
            assert await look(account, queued_keys) == {b"1 1", b"2 1"}
            assert (await named(account, "Outgoing")).size == 2 * len(PREFIX + MESSAGE)
            assert (await look(account, state)).total_size == 0
            assert await account.write(lambda tx: drop_queued(tx, [b"1 1", b"9 9"])) == 1
            assert await account.write(lambda tx: drop_queued(tx, [b"1 1"])) == 0
            removed = [event for event in (await cursor.take()).events if isinstance(event, MessagesRemoved)]
            assert [event.uids for event in removed] == [(1,)]
        assert [row.uid for row in await rows(account, "Outgoing")] == [2]


async def test_moving_it_to_the_trash_cancels_it_once(accounts: Accounts) -> None:
    """IMAP-162: the queue hears of it through the outbox, the message counts from then on, and does not come back."""
    heard: list[OutboxRow] = []

    async def unqueue(account: Account, row: OutboxRow) -> None:
        await trio.lowlevel.checkpoint()
        heard.append(row)

    accounts.register_outbox(UNQUEUE, unqueue)
    async with accounts.use("mjl") as account:
        box, trash = await queue_of(account), await named(account, "Trash")
        await put(account, b"1 1")
        await put(account, b"2 1")
        copied = await account.write(lambda tx: move_messages(tx, box.id, [1], trash.id))
        assert copied.target_uids == (1,)
        await account.carrier.once()
        assert [(row.kind, row.data) for row in heard] == [(UNQUEUE, b"1 1")]
        assert (await look(account, state)).total_size == len(PREFIX + MESSAGE)
        await put(account, b"1 1")
        assert [row.uid for row in await rows(account, "Outgoing")] == [2]
        assert await account.write(lambda tx: drop_queued(tx, [b"1 1"])) == 0
        assert len(await rows(account, "Trash")) == 1
        assert await look(account, queued_keys) == {b"2 1"}
        # From the trash it can be thrown away, and undeleted, as any message.
        await account.write(lambda tx: expunge(tx, trash.id, [1]))
        assert (await look(account, state)).total_size == 0


async def test_a_full_account_can_cancel(accounts: Accounts, settings: Settings) -> None:
    """IMAP-162, STORE-62: showing what waits costs no quota, and a move to the trash never meets it."""
    settings.config = AccountConfig(queue_mailbox=True, quota=10)
    async with accounts.use("mjl") as account:
        box, trash = await queue_of(account), await named(account, "Trash")
        assert await put(account, b"1 1")
        await account.write(lambda tx: move_messages(tx, box.id, [1], trash.id))
        assert len(await rows(account, "Trash")) == 1


def _sub(name: str) -> Callable[[AccountTx, Mailbox], object]:
    return lambda tx, box: create_mailbox(tx, name)


REFUSED: list[tuple[str, Callable[[AccountTx, Mailbox], object]]] = [
    ("only shows queued messages", lambda tx, box: store_flags(tx, box.id, [1], mode="add", flags=Flag.FLAGGED)),
    ("only shows queued messages", lambda tx, box: store_flags(tx, box.id, [1], mode="add", keywords=["x"])),
    ("only shows queued messages", lambda tx, box: store_flags_ids(tx, [1], mode="remove", flags=Flag.SEEN)),
    ("only shows queued messages", lambda tx, box: expunge(tx, box.id, [1])),
    ("only shows queued messages", lambda tx, box: expunging.expunge_ids(tx, [1])),
    ("only shows queued messages", lambda tx, box: expunging.expunge_all(tx, box.id)),
    ("only move messages in Outgoing", lambda tx, box: move_messages(tx, box.id, [1], INBOX)),
    ("only move messages in Outgoing", lambda tx, box: copying.move_ids(tx, [1], INBOX)),
    ("you can't add any", lambda tx, box: move_messages(tx, INBOX, [1], box.id)),
    ("you can't add any", lambda tx, box: copy_messages(tx, INBOX, [1], box.id)),
    ("you can't add any", lambda tx, box: copy_messages(tx, box.id, [1], box.id)),
    ("you can't add any", lambda tx, box: ensure_mailbox(tx, "Outgoing")),
    ("is reserved", lambda tx, box: ensure_mailbox(tx, "Outgoing/a")),
    ("is reserved", _sub("Outgoing/a/b")),
    ("is reserved", lambda tx, box: rename_mailbox(tx, _of(tx, "Sent"), "Outgoing/Sent")),
    ("is reserved", lambda tx, box: mailboxes.rename_inbox(tx, "Outgoing/Old")),
    ("managed by the server", lambda tx, box: rename_mailbox(tx, box.id, "Other")),
    ("managed by the server", lambda tx, box: mailboxes.delete_mailbox(tx, box.id)),
    ("managed by the server", lambda tx, box: mailboxes.set_special_use(tx, box.id, SpecialUse.TRASH)),
]


def _of(tx: AccountTx, name: str) -> MailboxID:
    found = mailbox_by_name(tx, name)
    assert found is not None
    return found.id


@pytest.mark.parametrize("number", range(len(REFUSED)))
async def test_nobody_else_changes_it(accounts: Accounts, number: int) -> None:
    """IMAP-162: each refusal says why, and leaves everything as it was."""
    words, operation = REFUSED[number]
    async with accounts.use("mjl") as account:
        with Spool.of(b"Subject: in\r\n\r\nx\r\n") as spool:
            box = await queue_of(account)
            await put(account, b"1 1")
            await deliver(account, await prepare(spool), NO_FACTS, "Inbox")
        before = await look(account, lambda r: r.rows("SELECT id, mailbox_id, uid, flags FROM message"))
        with pytest.raises(MailboxNotAllowed, match=words):
            await account.write(lambda tx: operation(tx, box))
        assert await look(account, lambda r: r.rows("SELECT id, mailbox_id, uid, flags FROM message")) == before


async def test_nothing_is_appended_or_delivered_to_it(accounts: Accounts) -> None:
    """IMAP-162: by APPEND, by a rule, by an import of an older backup."""
    async with accounts.use("mjl") as account:
        box = await queue_of(account)
        with Spool.of(MESSAGE) as spool:
            prepared = await prepare(spool)
            with pytest.raises(MailboxNotAllowed, match="you can't add any"):
                await append(account, box.id, [Append(prepared)])
            with pytest.raises(MailboxNotAllowed, match="you can't add any"):
                await deliver(account, prepared, NO_FACTS, "Outgoing")


async def test_reading_and_copying_out_is_free(accounts: Accounts) -> None:
    """IMAP-162: a copy is a message as any other, and the original stays."""
    async with accounts.use("mjl") as account:
        box = await queue_of(account)
        await put(account, b"1 1")
        await account.write(lambda tx: copy_messages(tx, box.id, [1], INBOX))
        assert len(await rows(account)) == len(await rows(account, "Outgoing")) == 1
        assert (await look(account, state)).total_size == len(PREFIX + MESSAGE)


async def test_rules_training_retention_and_undelete_leave_it_alone(
    accounts: Accounts, settings: Settings, tmp_path: Path
) -> None:
    """IMAP-162, STORE-84, STORE-190, STORE-192: no rule marks it as wanted mail, it does not expire, and what has left
    cannot be brought back.
    """
    settings.config = AccountConfig(queue_mailbox=True, junk_filter=JunkParams(), expire_after={"Outgoing": 1})
    async with accounts.use("mjl") as account:
        await queue_of(account)
        await put(account, b"1 1")
        [row] = await rows(account, "Outgoing")
        assert row.flags == Flag.SEEN
        assert await expire(account, 1 << 60) == 0
        await account.trainer.once()
        assert (await rows(account, "Outgoing"))[0].trained is None
        await account.write(lambda tx: drop_queued(tx, [b"1 1"]))
        assert await account.scan(lambda r: removed_messages(r, 0), op="test") == []
        settings.config = AccountConfig()
        await fit_queue_mailbox(account)
        assert (await undelete(account, tmp_path)).messages == 0
        await account.eraser.once()
        assert await look(account, lambda r: r.value("SELECT count(*) FROM body")) == 0


async def test_switching_it_off_removes_it_with_its_messages(accounts: Accounts, settings: Settings) -> None:
    """IMAP-162: in slices; and the name is free again."""
    async with accounts.use("mjl") as account:
        await queue_of(account)
        for number in range(450):
            await put(account, b"%d 1" % number, b"Subject: %d\r\n\r\nx\r\n" % number)
        settings.config = AccountConfig()
        await fit_queue_mailbox(account)
        assert await look(account, lambda r: mailbox_by_name(r, "Outgoing")) is None
        assert await look(account, queued_keys) == set()
        assert "Outgoing" not in await look(account, subscriptions)
        assert not await put(account, b"1 1")
        await account.write(lambda tx: create_mailbox(tx, "Outgoing/own"))


async def test_one_of_the_earlier_name_is_renamed(accounts: Accounts) -> None:
    """IMAP-162: at open; what is in it, its UIDs and UIDVALIDITY stay, and the subscription follows."""
    async with accounts.use("mjl") as account:
        before = await queue_of(account)
        await put(account, b"1 1")
        await account.write(lambda tx: rename_system_mailbox(tx, before.id, "Queue"))
        assert await put(account, b"2 1", b"Subject: 2\r\n\r\nx\r\n"), "also before it is renamed"
        assert await fit_queue_mailbox(account)
        after = await named(account, "Outgoing")
        assert (after.id, after.uidvalidity, after.exists) == (before.id, before.uidvalidity, 2)
        names = await look(account, subscriptions)
        assert ("Outgoing" in names, "Queue" in names) == (True, False)
        await account.write(lambda tx: create_mailbox(tx, "Queue/own"))


async def test_one_of_the_earlier_name_goes_where_the_new_name_is_taken(accounts: Accounts, settings: Settings) -> None:
    """IMAP-162: as the setting has no effect there."""
    async with accounts.use("mjl") as account:
        before = await queue_of(account)
        await put(account, b"1 1")
        await account.write(lambda tx: rename_system_mailbox(tx, before.id, "Queue"))
        settings.config = AccountConfig()
        await account.write(lambda tx: create_mailbox(tx, "Outgoing"))
        settings.config = AccountConfig(queue_mailbox=True)
        assert not await fit_queue_mailbox(account)
        assert await look(account, queue_mailbox) is None
        assert await look(account, lambda r: mailbox_by_name(r, "Queue")) is None


async def test_an_account_with_a_mailbox_of_that_name_keeps_it(accounts: Accounts, settings: Settings) -> None:
    """IMAP-162: the setting has no effect then, until it is renamed."""
    settings.config = AccountConfig()
    async with accounts.use("mjl") as account:
        (own,) = await account.write(lambda tx: create_mailbox(tx, "Outgoing"))
        settings.config = AccountConfig(queue_mailbox=True)
        assert not await fit_queue_mailbox(account)
        assert await look(account, queue_mailbox) is None
        assert not await put(account, b"1 1")
        await account.write(lambda tx: create_mailbox(tx, "Outgoing/child"))
        await account.write(lambda tx: rename_mailbox(tx, own.id, "Mine"))
        with pytest.raises(MailboxNotAllowed, match="is reserved"):
            await account.write(lambda tx: create_mailbox(tx, "Outgoing"))
        await fit_queue_mailbox(account)
        assert await put(account, b"1 1")


async def test_files_and_backups_leave_it_out(accounts: Accounts, tmp_path: Path) -> None:
    """IMAP-162, STORE-120, STORE-135, STORE-185: what waits is no mail of the account's yet; no import adds to it."""
    async with accounts.use("mjl") as account:
        await queue_of(account)
        await put(account, b"1 1")
        everything = await export(account, ExportOrder(form=FileForm.MBOX, container=Container.ZIP), tmp_path)
        assert not [name for name in zipfile.ZipFile(io.BytesIO(everything)).namelist() if "Outgoing" in name]
        only = ExportOrder(form=FileForm.MBOX, container=Container.ZIP, mailbox="Outgoing")
        with pytest.raises(ExportFailed, match="shows queued messages"):
            await export(account, only, tmp_path)
        files = {"Outgoing.mbox": mbox([MESSAGE]), "Outgoing/sub.mbox": mbox([MESSAGE]), "Other.mbox": mbox([MESSAGE])}
        progress = await imported(accounts, zipped(files), name="mjl")
        assert sum("skipped folder 'Outgoing" in text and KEPT in text for text in progress.problems) == 2
        assert len(await rows(account, "Outgoing")) == len(await rows(account, "Other")) == 1
        copy = tmp_path / "copy.db"
        await trio.to_thread.run_sync(copy_database, account.database.path, copy)
        restored = await restore_mail(account, copy, mailbox=None, target="Restored", tmp=tmp_path, tell=_silent)
        assert (restored.messages, restored.mailboxes) == (1, 1)


async def _silent(line: str) -> None:
    await trio.lowlevel.checkpoint()


async def test_a_large_message_is_shown(accounts: Accounts) -> None:
    """IMAP-162, STORE-7: one whose body is written in units of its own."""
    data = MESSAGE + b"line of text\r\n" * 400_000
    async with accounts.use("mjl") as account:
        await queue_of(account)
        assert await put(account, b"1 1", data)
        assert await put(account, b"1 1", data)
        [row] = await rows(account, "Outgoing")
        assert row.size == len(PREFIX + data)
