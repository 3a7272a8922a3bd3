"""The mailbox `Outgoing` beside the queue: both say the same, whatever happens to either (IMAP-162)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import apsw
import pytest
import trio

from moxlite.config.load import load
from moxlite.operations.queue import Filter, RetiredFilter
from moxlite.queue import metrics
from moxlite.queue.data.mirrorrows import GRACE
from moxlite.store.backup.verify import verify
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.body import message_range
from moxlite.store.delivery.status import drop_queued, queued_keys
from moxlite.store.delivery.submission import SubmissionRecipient
from moxlite.store.errors import StorageFull
from moxlite.store.mail.copying import move_messages
from moxlite.store.mail.mailboxes import create_mailbox, rename_mailbox
from moxlite.store.mail.systemmailbox import queue_mailbox
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import MailboxID
from tests.logs import kv
from tests.queue_rig import DOMAINS, MESSAGE, Rig, Server, rig_at
from tests.store_fixtures import soon

pytestmark = pytest.mark.served

ON = 'queue_mailbox = true\nkeep_retired_message_period = "72h"'


@asynccontextmanager
async def mirrored(tmp_path: Path, *, account: str = ON, serve: bool = True) -> AsyncIterator[Rig]:
    async with rig_at(tmp_path, account=account, serve=serve) as rig:
        yield rig


async def shows(rig: Rig, *wanted: bytes, name: str = "alice") -> None:
    """Wait until the mailbox has these messages."""

    async def agrees() -> bool:
        return await rig.inbox(name, "Outgoing") == list(wanted)

    await soon(agrees)


async def pass_grace(rig: Rig) -> None:
    rig.clock.advance(GRACE / 1_000_000)
    rig.queue.scheduler.changed()


async def has_mailbox(rig: Rig, name: str = "alice") -> bool:
    async with rig.accounts.use(name) as account:
        return await account.read(queue_mailbox, op="test") is not None


def reconfigure(rig: Rig, tmp_path: Path, account: str) -> None:
    """As a change of domains.toml while the server runs."""
    (tmp_path / "domains.toml").write_text(DOMAINS.format(domains="", domain="", account=account))
    old = rig.snapshot
    rig.snapshot, _ = load(tmp_path / "moxlite.toml")
    rig.queue.mirror.reconfigured(old, rig.snapshot)


async def to_trash(rig: Rig, uid: int) -> None:
    def unit(tx: AccountTx) -> None:
        source, target = mailbox_by_name(tx, "Outgoing"), mailbox_by_name(tx, "Trash")
        assert source is not None
        assert target is not None
        move_messages(tx, source.id, [uid], target.id)

    async with rig.accounts.use("alice") as account:
        await account.write(unit)
        await account.carrier.once()


async def mirror_rows(rig: Rig) -> list[tuple[object, ...]]:
    return await rig.queue._database.read(lambda r: r.rows("SELECT account, state FROM mirror"), op="test")


async def forgotten(rig: Rig) -> None:
    """Wait until the queue has nothing more to do for mailboxes."""

    async def nothing() -> bool:
        return await mirror_rows(rig) == []

    await soon(nothing)


async def test_what_waits_is_shown_until_its_last_recipient_is_done(tmp_path: Path) -> None:
    """IMAP-162: one message for a submission, with the octets that are sent, whatever its recipients."""
    async with mirrored(tmp_path) as rig:
        rig.remote(Server({"RCPT TO:<b": ["451 later", "250 ok"]}))
        await rig.submit("a@remote.example", "b@remote.example", prefix=b"X: y\r\n")
        await rig.settle()
        await pass_grace(rig)
        await shows(rig, b"X: y\r\n" + MESSAGE)
        await rig.pass_time(3600)
        await shows(rig)
        await forgotten(rig)


async def test_what_leaves_at_once_is_never_shown(tmp_path: Path) -> None:
    """IMAP-162: the account is spared the two units."""
    async with mirrored(tmp_path) as rig:
        rig.remote(Server())
        await rig.submit("a@remote.example")
        await rig.settle()
        assert await mirror_rows(rig) == []
        async with rig.accounts.use("alice") as account:
            box = await account.read(queue_mailbox, op="test")
        assert box is None or box.uidnext == 1


async def test_recipients_with_sender_ids_are_one_message(tmp_path: Path) -> None:
    """IMAP-162, QUEUE-6: though each goes alone."""
    async with mirrored(tmp_path) as rig:
        to = [
            SubmissionRecipient(address, mail_from=address, from_id=f"id{number}")
            for number, address in enumerate(one.address for one in _recipients("a@remote.example", "b@remote.example"))
        ]
        await rig.submit(*to, hold_until=rig.clock.now + 10**12)
        await pass_grace(rig)
        await shows(rig, MESSAGE)
        await rig.queue.operations.drop(Filter(ids=(1,)))
        await shows(rig, MESSAGE)
        await rig.queue.operations.drop(Filter())
        await shows(rig)


def _recipients(*addresses: str) -> list[SubmissionRecipient]:
    from moxlite.proto.address import Address

    return [SubmissionRecipient(Address.parse(one)) for one in addresses]


@pytest.mark.parametrize("how", ["drop", "fail", "expire", "refuse"])
async def test_every_end_takes_it_out(tmp_path: Path, how: str) -> None:
    """IMAP-162, QUEUE-20: dropped, failed by hand, given up after the last attempt, refused for good."""
    async with mirrored(tmp_path) as rig:
        server = rig.remote(Server({"RCPT": "451 later"}))
        await rig.submit("a@remote.example")
        await rig.settle()
        await pass_grace(rig)
        await shows(rig, MESSAGE)
        await rig.queue.operations.hold(Filter())
        await rig.queue.operations.unhold(Filter())
        await rig.queue.operations.schedule(Filter(), 60.0)
        await shows(rig, MESSAGE)
        if how == "drop":
            await rig.queue.operations.drop(Filter())
        elif how == "fail":
            await rig.queue.operations.fail(Filter())
        else:
            server.replies["RCPT"] = ["550 no" if how == "refuse" else "451 later"]
            for _ in range(20):
                await rig.pass_time(48 * 3600)
        await rig.settle()
        await shows(rig)
        assert (len(await rig.inbox()) > 0) is (how != "drop")


async def test_moving_to_the_trash_cancels_all_recipients(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """IMAP-162: nobody gets it, no DSN is sent, the retired rows and the log say why; the message stays in Trash."""
    caplog.set_level("INFO")
    before = metrics.canceled.value
    async with mirrored(tmp_path) as rig:
        server = rig.remote(Server({"RCPT": "451 later"}))
        await rig.submit("a@remote.example", "b@remote.example")
        await rig.settle()
        await pass_grace(rig)
        await shows(rig, MESSAGE)
        await to_trash(rig, 1)
        assert await rig.queue.listings.list_messages() == []
        retired = await rig.queue.listings.list_retired(RetiredFilter())
        assert [(one.success, one.results[-1].error) for one in retired] == [
            (False, "delivery canceled: moved from the mailbox Outgoing to the trash")
        ] * 2
        server.replies["RCPT"] = ["250 ok"]
        await rig.pass_time(3600)
        await shows(rig)
        assert server.messages == []
        assert await rig.inbox() == []
        assert await rig.inbox(mailbox="Trash") == [MESSAGE]
        assert metrics.canceled.value == before + 2
        assert "messages canceled" in caplog.text
        await forgotten(rig)
        async with rig.accounts.use("alice") as account:
            assert await account.read(queued_keys, op="test") == set()


async def test_who_is_being_served_may_get_it_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """IMAP-162: an attempt under way isn't cut off; the log names whom it may have reached."""
    caplog.set_level("INFO")
    async with mirrored(tmp_path) as rig:
        server = rig.remote(Server())
        server.hang_after_data = True
        await rig.submit("a@remote.example")
        with trio.fail_after(60):
            await server.in_data.wait()
        await pass_grace(rig)
        await shows(rig, MESSAGE)
        await to_trash(rig, 1)
        server.release.set()
        await rig.settle()
        assert await rig.queue.listings.list_messages() == []
        assert server.messages == [MESSAGE]
        [record] = [one for one in caplog.records if one.message == "messages canceled"]
        assert kv(record)["under_way"] == "a@remote.example"
        await shows(rig)


async def test_a_failed_recipient_keeps_its_dsn(tmp_path: Path) -> None:
    """IMAP-162: canceling is for those who still wait."""
    async with mirrored(tmp_path) as rig:
        rig.remote(Server({"RCPT TO:<a": "550 no", "RCPT TO:<b": "451 later"}))
        await rig.submit("a@remote.example", "b@remote.example")
        await rig.settle()
        await pass_grace(rig)
        await shows(rig, MESSAGE)
        await to_trash(rig, 1)
        assert len(await rig.inbox()) == 1
        assert await rig.queue.listings.list_messages() == []


async def test_canceling_what_is_done_does_nothing(tmp_path: Path) -> None:
    """IMAP-162, STORE-189a: also when the row comes again after a crash; ids of another account are not touched."""
    async with mirrored(tmp_path) as rig:
        rig.remote(Server({"RCPT": "451 later"}))
        await rig.submit("a@remote.example")
        await rig.settle()
        await pass_grace(rig)
        await shows(rig, MESSAGE)
        [row] = await rig.queue.listings.list_messages()
        async with rig.accounts.use("admin") as admin:
            for key in (b"%d %d" % (row.content_id, row.queued), b"%d %d" % (row.content_id, row.queued + 1), b"9 9"):
                await admin.write(lambda tx, key=key: tx.owe(b"unqueue " + key, "unqueue", key))  # type: ignore[misc]
            await admin.carrier.once()
        assert len(await rig.queue.listings.list_messages()) == 1
        await to_trash(rig, 1)
        async with rig.accounts.use("alice") as alice:
            key = b"%d %d" % (row.content_id, row.queued)
            await alice.write(lambda tx: tx.owe(b"unqueue " + key, "unqueue", key))
            await alice.carrier.once()
            assert await alice.read(lambda r: r.value("SELECT count(*) FROM outbox"), op="test") == 0
        assert await rig.queue.listings.list_messages() == []


async def test_switching_on_and_off_while_the_server_runs(tmp_path: Path) -> None:
    """IMAP-162: on fills the mailbox with what is queued now, off takes it away."""
    async with mirrored(tmp_path, account="") as rig:
        rig.remote(Server({"RCPT": "451 later"}))
        await rig.submit("a@remote.example")
        await rig.settle()
        assert await mirror_rows(rig) == []
        assert not await has_mailbox(rig)
        reconfigure(rig, tmp_path, ON)
        await shows(rig, MESSAGE)
        reconfigure(rig, tmp_path, "")
        await soon(lambda: _gone(rig))
        await forgotten(rig)
        assert len(await rig.queue.listings.list_messages()) == 1
        reconfigure(rig, tmp_path, ON)
        await shows(rig, MESSAGE)


async def _gone(rig: Rig) -> bool:
    return not await has_mailbox(rig)


async def test_switching_off_takes_effect_at_the_next_start(tmp_path: Path) -> None:
    """IMAP-162: the mailbox goes with its messages, at the next opening; and fills again."""
    async with mirrored(tmp_path) as rig:
        await rig.submit("a@remote.example", hold_until=rig.clock.now + 10**12)
        await pass_grace(rig)
        await shows(rig, MESSAGE)
    async with mirrored(tmp_path, account="") as rig:
        await soon(lambda: _gone(rig))
    async with mirrored(tmp_path) as rig:
        await shows(rig, MESSAGE)


async def test_both_files_agree_again_after_one_was_restored(tmp_path: Path) -> None:
    """IMAP-162: what the account lacks is added, what the queue has no more goes, at the next opening."""
    async with mirrored(tmp_path) as rig:
        await rig.submit("a@remote.example", data=b"Subject: one\r\n\r\n", hold_until=rig.clock.now + 10**12)
        await rig.submit("a@remote.example", data=b"Subject: two\r\n\r\n", hold_until=rig.clock.now + 10**12)
        await pass_grace(rig)
        await shows(rig, b"Subject: one\r\n\r\n", b"Subject: two\r\n\r\n")
    async with rig_at(tmp_path, account=ON, serve=False) as rig:
        # As if the account came from another moment than the queue: it lacks the first, and has one too many.
        def other(tx: AccountTx) -> None:
            tx.execute("UPDATE queued SET key = x'00' WHERE key = (SELECT min(key) FROM queued)")

        async with rig.accounts.use("alice") as account:
            await account.write(other)
    async with mirrored(tmp_path) as rig:
        await shows(rig, b"Subject: two\r\n\r\n", b"Subject: one\r\n\r\n")
        async with rig.accounts.use("alice") as account:
            assert b"\0" not in await account.read(queued_keys, op="test")


async def test_a_message_that_was_to_be_added_later_is_added_at_the_opening(tmp_path: Path) -> None:
    """IMAP-162: the clock went back, or an earlier attempt failed: what the mailbox lacks is due at once."""
    async with mirrored(tmp_path) as rig:
        await rig.submit("a@remote.example", hold_until=rig.clock.now + 10**12)
        await pass_grace(rig)
        await shows(rig, MESSAGE)
    async with rig_at(tmp_path, account=ON, serve=False) as rig:
        await rig.queue._database.write(
            lambda tx: tx.execute("UPDATE mirror SET state = 'add', next = ?", rig.clock.now + 10**12)
        )
        async with rig.accounts.use("alice") as account:
            await account.write(lambda tx: drop_queued(tx, list(queued_keys(tx))))
    async with mirrored(tmp_path) as rig:
        await shows(rig, MESSAGE)


async def test_an_account_does_not_see_what_one_of_its_name_had_sent(tmp_path: Path) -> None:
    """IMAP-162, STORE-140: the queue of a removed account is not shown to a new one."""
    async with mirrored(tmp_path) as rig:
        await rig.submit("a@remote.example", hold_until=rig.clock.now + 10**12)
        await pass_grace(rig)
        await shows(rig, MESSAGE)
        await rig.accounts.remove("alice")
        async with rig.accounts.use("alice") as account:
            made = rig.clock.now
            await account.write(lambda tx: tx.execute("UPDATE state SET created = ?", made))
            await rig.queue.mirror.attend(account)
            assert await has_mailbox(rig)
            await shows(rig)
        assert await mirror_rows(rig) == []
        assert len(await rig.queue.listings.list_messages()) == 1


async def test_a_removed_account_leaves_nothing_to_do(tmp_path: Path) -> None:
    """IMAP-162: rows of an account that is in the configuration no more go."""
    async with mirrored(tmp_path) as rig:
        await rig.submit("a@remote.example", hold_until=rig.clock.now + 10**12)
        await pass_grace(rig)
        await shows(rig, MESSAGE)
        text = (tmp_path / "domains.toml").read_text()
        cut = text[: text.index("[accounts.alice]")] + text[text.index("[accounts.admin]") :]
        (tmp_path / "domains.toml").write_text(cut)
        rig.snapshot, _ = load(tmp_path / "moxlite.toml")
        await rig.accounts.remove("alice")
        await rig.queue.operations.drop(Filter())
        await forgotten(rig)


async def test_a_full_disk_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-162, STORE-157: the queue goes on, the mailbox follows later."""
    async with mirrored(tmp_path) as rig:
        await soon(lambda: has_mailbox(rig))
        with monkeypatch.context() as patched:
            failed = trio.Event()

            async def full(*_: object) -> bool:
                await trio.lowlevel.checkpoint()
                failed.set()
                raise StorageFull("no room")

            patched.setattr("moxlite.queue.mirror.put_queued", full)
            await rig.submit("a@remote.example", hold_until=rig.clock.now + 10**12)
            await pass_grace(rig)
            with trio.fail_after(60):
                await failed.wait()

            async def postponed() -> bool:
                when = await rig.queue._database.read(lambda r: r.value("SELECT next FROM mirror"), op="test")
                return int(when) > rig.clock.now

            await soon(postponed)
        rig.clock.advance(600)
        rig.queue.scheduler.changed()
        await shows(rig, MESSAGE)


async def test_a_mailbox_of_the_name_stays_its_owners(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """IMAP-162: until it is renamed the setting has no effect, which the log says once."""
    async with mirrored(tmp_path, account="") as rig:
        async with rig.accounts.use("alice") as account:
            await account.write(lambda tx: create_mailbox(tx, "Outgoing"))
        reconfigure(rig, tmp_path, ON)
        await rig.submit("a@remote.example", hold_until=rig.clock.now + 10**12)
        await pass_grace(rig)
        await forgotten(rig)
        assert await rig.inbox(mailbox="Outgoing") == []
        assert [one.message for one in caplog.records if "queue_mailbox" in one.message] == [
            "ignoring queue_mailbox: rename the existing mailbox with this name first"
        ]

        def rename(tx: AccountTx) -> None:
            box = mailbox_by_name(tx, "Outgoing")
            assert box is not None
            rename_mailbox(tx, MailboxID(box.id), "Mine")

        async with rig.accounts.use("alice") as account:
            await account.write(rename)
            await rig.queue.mirror.attend(account)
        await shows(rig, MESSAGE)


async def test_verifydata_finds_rows_without_a_submission(tmp_path: Path) -> None:
    """IMAP-162, STORE-144."""
    async with mirrored(tmp_path) as rig:
        await rig.submit("a@remote.example", hold_until=rig.clock.now + 10**12)
        await pass_grace(rig)
        await shows(rig, MESSAGE)
    assert verify(tmp_path).problems == []
    db = apsw.Connection(str(tmp_path / "queue.db"))
    db.execute("INSERT INTO mirror VALUES (99, 'alice', 1, 'there', 1)")
    db.close()
    [problem] = verify(tmp_path).problems
    assert "content 99 is missing, but its mirror row has state 'there'" in problem.text


async def test_a_large_message_and_many(tmp_path: Path) -> None:
    """IMAP-162: more than one round, and a body in units of its own."""
    large = b"Subject: large\r\n\r\n" + b"line\r\n" * 1_000_000
    async with mirrored(tmp_path) as rig:
        for _ in range(60):
            await rig.submit("a@remote.example", hold_until=rig.clock.now + 10**12)
        await rig.submit("a@remote.example", data=large, hold_until=rig.clock.now + 10**12)
        await pass_grace(rig)

        async def complete() -> bool:
            async with rig.accounts.use("alice") as account:
                box = await account.read(queue_mailbox, op="test")
                return box is not None and box.total == 61

        await soon(complete, seconds=30)
        async with rig.accounts.use("alice") as account:
            last = await account.scan(lambda r: r.row("SELECT id, size FROM message ORDER BY size DESC"), op="test")
            assert last is not None
            assert await account.scan(lambda r: message_range(r, last[0], 0, last[1]), op="test") == large
        await rig.queue.operations.drop(Filter())
        await shows(rig)
