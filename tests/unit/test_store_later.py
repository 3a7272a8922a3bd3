"""Messages that come back later, and that are sent later (WEBMAIL-96, WEBMAIL-125)."""

import time
from collections.abc import Callable
from contextlib import closing

import apsw
import pytest

from moxlite.store import later, later as scheduled_module
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.delivery.outgoing import TakenBack
from moxlite.store.delivery.perform import SUBMIT, OwedMessage, SubmissionEffects
from moxlite.store.delivery.submission import Submission
from moxlite.store.errors import LimitExceeded
from moxlite.store.later import KEYWORD, SNOOZED, room, scheduled, snooze, snoozes, unschedule, unsnooze, watch
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.mailboxes import delete_mailbox, ensure_mailbox
from moxlite.store.options import AccountConfig
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.rows.messages import message
from moxlite.store.types import Flag, MessageID, MessageRow
from moxlite.store.upkeep import outbox
from moxlite.store.upkeep.outbox import OutboxRow, OutboxWorker
from tests.store_fixtures import accounts, store_options, unserved
from tests.store_mail import deliver_mail
from tests.tools import eventually

__all__ = ["accounts", "store_options", "unserved"]

SECOND = 1_000_000
HOUR = 3600 * SECOND


def now() -> int:
    """Present time, µs UTC."""
    return time.time_ns() // 1000


def mail(number: int, more: str = "") -> bytes:
    """A short message."""
    text = f"From: tom@example.net\r\nTo: mia@example.org\r\nSubject: plan\r\nMessage-ID: <{number}@example.net>\r\n"
    return f"{text}{more}\r\nx\r\n".encode()


async def arrived(account: Account, mailbox: str = "Inbox", number: int = 1, more: str = "") -> MessageID:
    """A new message in a mailbox."""
    await account.write(lambda tx: ensure_mailbox(tx, mailbox))
    return (await deliver_mail(account, mail(number, more), name=mailbox)).message_id


async def put(account: Account, unit: Callable[[AccountTx], object]) -> None:
    """Run a unit without a result."""
    await account.write(unit)


async def look(account: Account, message_id: MessageID) -> tuple[MessageRow, str]:
    """A message and the name of its mailbox."""
    row = await account.read(lambda r: message(r, message_id), op="test")
    names = {box.id: box.name for box in await account.read(mailboxes, op="test")}
    return row, names[row.mailbox_id]


async def inside(account: Account, mailbox: str) -> list[MessageRow]:
    """The messages of a mailbox."""
    sql = "SELECT m.id FROM message m JOIN mailbox b ON b.id = m.mailbox_id WHERE b.name = ? ORDER BY m.uid"
    ids = await account.read(lambda r: [row[0] for row in r.rows(sql, mailbox)], op="test")
    return [await account.read(lambda r, one=one: message(r, one), op="test") for one in ids]  # type: ignore[misc]


async def pass_time(account: Account) -> None:
    """Make all that waits due, and let it happen."""
    await put(account, lambda tx: tx.execute("UPDATE snooze SET due = ?", tx.now - 1))
    assert isinstance(account, OpenAccount)
    await account.carrier.once()


async def test_a_message_returns_unread_on_top(unserved: Accounts) -> None:
    """WEBMAIL-125: it waits in Snoozed with a keyword, and returns as new mail: a later UID, received now, unread."""
    async with unserved.use("mjl") as account:
        first, second = await arrived(account, "Work", 1), await arrived(account, "Work", 2)
        await put(account, lambda tx: store_flags_ids(tx, [first], mode="add", flags=Flag.SEEN | Flag.FLAGGED))
        before = (await look(account, first))[0]
        await put(account, lambda tx: snooze(tx, [first], tx.now + HOUR))
        row, box = await look(account, first)
        assert (box, row.keywords, row.received) == (SNOOZED, (KEYWORD,), before.received)
        assert 0 < await account.carrier.once() <= 3600
        assert (await look(account, first))[1] == SNOOZED
        await pass_time(account)
        row, box = await look(account, first)
        newer = (await look(account, second))[0]
        assert (box, row.keywords, row.flags & (Flag.SEEN | Flag.FLAGGED)) == ("Work", (), Flag.FLAGGED)
        assert row.uid > newer.uid
        assert row.received > newer.received
        assert row.modseq > newer.modseq
        assert await account.read(snoozes, op="test") == []


async def test_the_time_is_changed_and_the_origin_kept(unserved: Accounts) -> None:
    """WEBMAIL-125: put off again while it waits, it returns to its first mailbox; called back, it is as before."""
    async with unserved.use("mjl") as account:
        one = await arrived(account, "Work")
        await put(account, lambda tx: snooze(tx, [one], tx.now + HOUR))
        await put(account, lambda tx: snooze(tx, [one], tx.now + 2 * HOUR))
        [row] = await account.read(snoozes, op="test")
        assert row.due > now() + HOUR
        received = (await look(account, one))[0].received
        await put(account, lambda tx: unsnooze(tx, [one]))
        row_now, box = await look(account, one)
        assert (box, row_now.received, row_now.keywords) == ("Work", received, ())
        assert await account.read(snoozes, op="test") == []


async def test_taking_it_out_ends_it(unserved: Accounts) -> None:
    """WEBMAIL-125: a message that was moved out of Snoozed, or removed, is left alone."""
    async with unserved.use("mjl") as account:
        moved, removed = await arrived(account, "Work", 1), await arrived(account, "Work", 2)
        await put(account, lambda tx: snooze(tx, [moved, removed], tx.now + HOUR))
        other = await account.write(lambda tx: ensure_mailbox(tx, "Other").id)
        await put(account, lambda tx: move_ids(tx, [moved], other))
        await put(account, lambda tx: expunge_ids(tx, [removed]))
        assert await account.read(snoozes, op="test") == []
        await pass_time(account)
        row, box = await look(account, moved)
        assert (box, row.keywords) == ("Other", ())
        assert await account.read(lambda r: r.value("SELECT count(*) FROM snooze"), op="test") == 0


async def test_it_comes_to_the_inbox_if_its_mailbox_is_gone(unserved: Accounts) -> None:
    """WEBMAIL-125."""
    async with unserved.use("mjl") as account:
        one = await arrived(account, "Work")
        box = (await look(account, one))[0].mailbox_id
        await put(account, lambda tx: snooze(tx, [one], tx.now + HOUR))
        await put(account, lambda tx: delete_mailbox(tx, box))
        await pass_time(account)
        assert (await look(account, one))[1] == "Inbox"


@pytest.mark.parametrize("answered", [False, True])
async def test_a_sent_message_without_an_answer_comes_to_the_inbox(unserved: Accounts, answered: bool) -> None:
    """WEBMAIL-125: a copy, unread and on top; nothing comes if the thread has an answer by then."""
    async with unserved.use("mjl") as account:
        one = await arrived(account, "Sent", 1)
        await put(account, lambda tx: store_flags_ids(tx, [one], mode="add", flags=Flag.SEEN))
        await put(account, lambda tx: watch(tx, [one], tx.now + HOUR))
        if answered:
            await arrived(account, "Archive", 2, "In-Reply-To: <1@example.net>\r\nReferences: <1@example.net>\r\n")
        await pass_time(account)
        row, box = await look(account, one)
        assert (box, row.flags & Flag.SEEN) == ("Sent", Flag.SEEN)
        found = await inside(account, "Inbox")
        if answered:
            assert found == []
        else:
            [copy] = found
            assert copy.email_id == row.email_id
            assert not copy.flags & Flag.SEEN
            assert copy.received > row.received
        assert await account.read(snoozes, op="test") == []


async def test_a_failure_is_tried_again_and_stops_nothing(
    unserved: Accounts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """WEBMAIL-125: a message that cannot return is logged, and tried again in an hour."""
    async with unserved.use("mjl") as account:
        one = await arrived(account, "Work")
        await put(account, lambda tx: snooze(tx, [one], tx.now - 1))

        def fails(tx: AccountTx) -> bool:
            raise LimitExceeded("test")

        with monkeypatch.context() as patch:
            patch.setattr(outbox, "wake", fails)
            assert 3590 < await account.carrier.once() <= 3600
        assert "failed to unsnooze message" in caplog.text
        await pass_time(account)
        assert (await look(account, one))[1] == "Work"


async def test_messages_that_wait_are_limited(unserved: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-125, WEBMAIL-96."""
    monkeypatch.setattr(later, "MAX_WAITING", 1)
    monkeypatch.setattr(scheduled_module, "MAX_SCHEDULED", 0)
    async with unserved.use("mjl") as account:
        ids = [await arrived(account, "Work", number) for number in (1, 2)]
        with pytest.raises(LimitExceeded):
            await account.write(lambda tx: snooze(tx, ids, tx.now + HOUR))
        with pytest.raises(LimitExceeded):
            await account.write(room)
        assert await account.read(snoozes, op="test") == []


class Sent:
    """A handler of submissions that notes the rows."""

    def __init__(self) -> None:
        self.rows: list[OutboxRow] = []

    async def __call__(self, account: Account, row: OutboxRow) -> None:
        self.rows.append(row)


async def schedule(account: Account, seconds: float) -> MessageID:
    """A message in Scheduled, with its row."""
    box = await account.write(room)
    one = (await deliver_mail(account, mail(1), name="Scheduled")).message_id
    submission = Submission(account=account.name, mail_from=None, recipients=(), received=0)
    owed = OwedMessage(submission, beside=SubmissionEffects(scheduled=box))
    await put(account, lambda tx: tx.owe(b"k", SUBMIT, owed.pack(), one, due=tx.now + int(seconds * SECOND)))
    return one


async def test_a_scheduled_message_goes_out_from_sent(unserved: Accounts) -> None:
    """WEBMAIL-96: at its time the message moves to Sent, received now, and its row is carried over once."""
    async with unserved.use("mjl") as account:
        sent = Sent()
        carrier = OutboxWorker(account, {SUBMIT: sent})
        one = await schedule(account, 3600)
        assert 3500 < await carrier.once() <= 3600
        assert not carrier.waits
        assert carrier.due is not None
        assert (await look(account, one))[1] == "Scheduled"
        assert sent.rows == []
        received = (await look(account, one))[0].received
        await put(account, lambda tx: tx.execute("UPDATE outbox SET due = ?", tx.now - 1))
        await carrier.once()
        row, box = await look(account, one)
        assert box == "Sent"
        assert row.received > received
        assert len(sent.rows) == 1
        await carrier.once()
        assert len(sent.rows) == 1
        assert carrier.due is None


async def test_a_message_taken_out_of_scheduled_is_not_sent(unserved: Accounts) -> None:
    """WEBMAIL-96: moved by any program, it is the owner's."""
    async with unserved.use("mjl") as account:
        sent = Sent()
        one = await schedule(account, -1)
        trash = await account.write(lambda tx: ensure_mailbox(tx, "Trash").id)
        await put(account, lambda tx: move_ids(tx, [one], trash))
        assert await account.read(scheduled, op="test") == []
        await OutboxWorker(account, {SUBMIT: sent}).once()
        assert sent.rows == []
        assert (await look(account, one))[1] == "Trash"
        assert await account.read(lambda r: r.value("SELECT count(*) FROM outbox"), op="test") == 0


async def test_a_scheduled_message_becomes_a_draft_again(unserved: Accounts) -> None:
    """WEBMAIL-96: and cannot twice."""
    async with unserved.use("mjl") as account:
        one = await schedule(account, 3600)
        assert await account.write(lambda tx: unschedule(tx, one)) == one
        row, box = await look(account, one)
        assert (box, bool(row.flags & Flag.DRAFT)) == ("Drafts", True)
        with pytest.raises(TakenBack):
            await account.write(lambda tx: unschedule(tx, one))


async def test_a_closed_account_is_opened_when_a_message_is_due(accounts: Accounts) -> None:
    """WEBMAIL-125: an account does not stay open for a message that comes back later, and is opened in time."""
    async with accounts.use("mjl", linger=0.0) as account:
        one = await arrived(account, "Work")
        await put(account, lambda tx: snooze(tx, [one], tx.now + HOUR))
        await account.carrier.once()
        await put(account, lambda tx: tx.execute("UPDATE snooze SET due = ?", tx.now + 2 * SECOND))
        account.carrier.due = now() + 2 * SECOND
    await accounts.close_idle(room=accounts.max_open)
    path = accounts.path("mjl") / "account.db"

    def returned() -> bool:
        # By the library that writes: of two in one process, each drops the other's locks when it closes the file.
        with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as db:
            [(count,)] = db.execute("SELECT count(*) FROM snooze")
            return int(count) == 0

    assert not returned()
    await eventually(returned)
    async with accounts.use("mjl") as account:
        assert (await look(account, one))[1] == "Work"


async def test_a_message_that_cannot_come_back_holds_up_no_other(
    unserved: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-125: the copy of a watched message finds no room; what was put off returns without any."""
    async with unserved.use("mjl") as account:
        watched, away = await arrived(account, "Sent", 1), await arrived(account, "Work", 2)
        await put(account, lambda tx: watch(tx, [watched], tx.now + HOUR))
        await put(account, lambda tx: snooze(tx, [away], tx.now + HOUR))
        monkeypatch.setattr(Account, "config", AccountConfig(quota=1))
        await pass_time(account)
        assert (await look(account, away))[1] == "Work"
        [row] = await account.read(snoozes, op="test")
        assert row.message_id == watched
        assert row.due > now()
