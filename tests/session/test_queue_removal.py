"""What the queue keeps of an account that is removed (QUEUE-26): nothing that a later account of that name finds."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from pathlib import Path

import apsw
import pytest
import trio

from moxlite.admin.accountcommands import finish_removal
from moxlite.net.control.client import CtlFailed
from moxlite.operations.access import SetPassword
from moxlite.operations.accounts import AddAccount, RemoveAccount
from moxlite.operations.queue import Changed, CountMessages, CountOutgoing, Outgoing
from moxlite.operations.store import RestoredMail, RestoreMail
from moxlite.proto.address import Address
from moxlite.queue import notices
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.delivery.submission import SubmissionRecipient
from moxlite.store.file.migrations import Kind
from moxlite.store.file.traces import TRACES
from moxlite.store.file.transaction import Reader
from moxlite.store.options import Options
from tests.house import PASSWORD, STATIC, house, soon
from tests.queue_rig import MESSAGE, Rig, Server, rig_at
from tests.session.test_queue_inbound import defer, deferred

pytestmark = pytest.mark.served

KEEP = 'keep_retired_message_period = "1h"\nkeep_retired_webhook_period = "1h"\n'


async def remove(rig: Rig, auth: AuthDB, name: str = "alice") -> None:
    """Remove an account as `config account rm` does."""
    text = (rig.path / "domains.toml").read_text()
    at, behind = text.index(f"[accounts.{name}]"), text.index("[accounts.admin]")
    (rig.path / "domains.toml").write_text(text[:at] + text[behind:])
    rig.reload()
    await auth.begin_removal(name)
    await finish_removal(rig.accounts, auth, [rig.queue.operations.forget], name)


async def renew(rig: Rig, auth: AuthDB) -> None:
    """Remove alice's account, and make another one of that name."""
    before = (rig.path / "domains.toml").read_text()
    await remove(rig, auth)
    (rig.path / "domains.toml").write_text(before)
    rig.reload()
    await rig.accounts.create("alice")


async def named(rig: Rig, name: str) -> list[str]:
    """The places of queue.db that name an account."""
    places = [place.split(".") for place in TRACES[Kind.QUEUE] if not place.endswith(".key")]

    def read(r: Reader) -> list[str]:
        return [
            f"{table}.{column}"
            for table, column in places
            if r.value(f"SELECT count(*) FROM {table} WHERE {column} = ?", name)
        ]

    return await rig.queue._database.read(read, op="test")


@pytest.fixture
async def auth(tmp_path: Path) -> AsyncIterator[AuthDB]:
    """auth.db."""
    database = await AuthDB.open(tmp_path / "auth.db", Options(min_free_space=0), create=True)
    yield database
    await database.aclose()


async def test_what_waits_goes_out_and_nothing_else_stays(tmp_path: Path, auth: AuthDB) -> None:
    """QUEUE-26, ADMIN-15: not what is on hold or scheduled, for which no one is there any more."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server({"RCPT": "451 4.3.0 later"}))
        rig.remote(good := Server(), "good.example", "192.0.2.2")
        await rig.submit("ann@good.example", key=b"k1")
        await rig.settle()
        await rig.submit("bob@remote.example", key=b"k2")
        await rig.settle()
        await rig.queue.operations.add_hold_rule(account="alice", recipient="held.example")
        await rig.submit("cat@held.example")
        await rig.submit("dan@remote.example", hold_until=rig.clock.now + 10**12, future_release="for;1000000")
        await rig.queue.add_suppression("alice", "eve@remote.example", "our dispute")
        assert await rig.queue.listings.outgoing("alice") == Outgoing(waiting=1, held=2)
        assert len(good.messages) == 1
        assert {"msg.account", "msg_retired.account", "outcome.account", "room.account"} <= set(
            await named(rig, "alice")
        )

        await remove(rig, auth)
        assert await named(rig, "alice") == []
        assert await rig.queue.deliveries.waiting_of("alice", 1 << 62, 100) == []
        assert await rig.queue.receipt(b"k1") is None
        [row] = await rig.queue.listings.list_messages()
        assert (row.account, row.recipient_address) == ("alice (removed)", "bob@remote.example")
        mx.replies.clear()
        await rig.pass_time(3600)
        assert len(mx.messages) == 1
        assert await rig.queue.listings.list_messages() == []


async def test_a_bounce_goes_to_the_postmaster_without_the_body(tmp_path: Path, auth: AuthDB) -> None:
    """QUEUE-26, QUEUE-100, QUEUE-103"""
    async with rig_at(tmp_path) as rig:
        server = rig.remote(Server({"RCPT": "451 4.3.0 later"}))
        await rig.submit("bob@remote.example", data=MESSAGE + b"our secret\r\n")
        await rig.settle()
        await renew(rig, auth)
        server.replies["RCPT"] = ["550 5.1.1 no"]
        await rig.pass_time(3600)
        assert await rig.inbox() == []
        [notice] = await rig.inbox("admin", "Postmaster")
        assert b"The sender's account was deleted" in notice
        assert b"bob@remote.example" in notice
        assert b"our secret" not in notice


async def test_a_bounce_under_way_does_not_reach_a_new_account(
    tmp_path: Path, auth: AuthDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-140, QUEUE-100: the account is removed and made anew while its bounce is about to be stored."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server({"RCPT": "550 5.1.1 no"}))
        noted = notices.note_failures

        async def replaced(*args: object) -> None:
            await renew(rig, auth)
            await noted(*args)  # type: ignore[arg-type]

        monkeypatch.setattr(notices, "note_failures", replaced)
        await rig.submit("bob@remote.example", data=MESSAGE + b"our secret\r\n")
        await rig.settle()
        assert await rig.inbox() == []
        [notice] = await rig.inbox("admin", "Postmaster")
        assert b"our secret" not in notice


async def test_mail_that_waits_for_the_account_fails(tmp_path: Path, auth: AuthDB) -> None:
    """QUEUE-26, QUEUE-28: a later account of that name does not get it; its sender is told."""
    async with rig_at(tmp_path) as rig:
        sender = rig.remote(Server())
        await defer(rig, deferred(), deferred("admin"))
        await renew(rig, auth)
        await rig.pass_time(500)
        assert await rig.inbox(mailbox="Filed") == []
        assert len(await rig.inbox("admin", "Filed")) == 1
        [notice] = sender.messages
        assert b"5.1.1" in notice
        assert b"the recipient's account was deleted" in notice


async def test_an_account_is_removed_while_its_mail_is_being_sent(tmp_path: Path, auth: AuthDB) -> None:
    """QUEUE-26: the attempt under way ends as it would have."""
    async with rig_at(tmp_path) as rig:
        server = rig.remote(Server())
        server.hang_after_data = True
        await rig.submit("bob@remote.example")
        await server.in_data.wait()
        await remove(rig, auth)
        assert await named(rig, "alice") == []
        server.release.set()
        await rig.settle()
        assert len(server.messages) == 1
        assert await rig.queue.listings.list_messages() == []
        assert await named(rig, "alice") == []


async def test_a_long_history_goes_in_slices(tmp_path: Path, auth: AuthDB) -> None:
    """QUEUE-26: 2,500 recipients that wait, and other accounts' rows stay as they are."""
    async with rig_at(tmp_path, serve=False) as rig:
        for start in range(0, 2500, 500):
            await rig.submit(
                *(SubmissionRecipient(Address.parse(f"r{n}@remote.example")) for n in range(start, start + 500))
            )
        await rig.submit("bob@remote.example", account="admin")
        await remove(rig, auth)
        assert await named(rig, "alice") == []
        assert (await rig.queue.listings.outgoing("alice (removed)")).waiting == 2500
        assert (await rig.queue.listings.outgoing("admin")).waiting == 1


SERVED = STATIC.replace(
    "smtp = { enabled = true, port = 125",
    "submission = { enabled = true, port = 187, require_tls = false }\nsmtp = { enabled = true, port = 125",
)


async def test_a_new_account_of_the_name_starts_empty(tmp_path: Path) -> None:
    """QUEUE-26, ADMIN-15, STORE-140: the webmail's Outbox, after the commands of the command line."""
    async with house(tmp_path, static=SERVED) as h, h.ctl() as ctl:
        smtp = await h.smtp(service="submission")
        plain = base64.b64encode(f"\0tom@example.org\0{PASSWORD}".encode()).decode()
        assert (await smtp.say(f"AUTH PLAIN {plain}")).startswith("235")
        message = b"From: tom@example.org\r\nSubject: private\r\n\r\nhello\r\n"
        answer = await smtp.deliver("queue451@elsewhere.example", message, "tom@example.org")
        assert answer.startswith("250")
        assert await (await h.web("tom")).call("outbox_count") == 1
        assert (await ctl.call("queue outgoing", CountOutgoing("tom"), Outgoing)) == Outgoing(1, 0)
        await ctl.call("config account rm", RemoveAccount("tom"), type(None))
        await ctl.call("config account add", AddAccount("tom", "tom@example.org"), type(None))
        await ctl.call("account set-password", SetPassword("tom", PASSWORD), type(None))
        assert await (await h.web("tom")).call("outbox_count") == 0
        assert (await ctl.call("queue count", CountMessages(), Changed)).messages == 1


async def test_an_account_is_removed_while_mail_is_restored_to_it(tmp_path: Path) -> None:
    """ADMIN-15, STORE-185: its file goes when the restore has ended. An account of that name, added at once, gets
    nothing of the backup.
    """
    async with house(tmp_path, static=SERVED) as h, h.ctl() as restoring, h.ctl() as ctl:
        smtp = await h.smtp()
        message = b"From: a@elsewhere.example\r\nSubject: private\r\n\r\nhello\r\n"
        assert (await smtp.deliver("tom@example.org", message)).startswith("250")
        stored, backup = h.house.static.data_dir / "accounts/tom/account.db", tmp_path / "backup.db"
        with closing(apsw.Connection(str(stored))) as db:
            db.execute("VACUUM INTO ?", (str(backup),)).fetchall()
        octets = backup.read_bytes()
        begun, removing = trio.Event(), trio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            yield octets[:4096]
            begun.set()
            await removing.wait()
            yield octets[4096:]

        async def restore() -> None:
            with suppress(CtlFailed):
                await restoring.call("restore mail", RestoreMail("tom", "Restored"), RestoredMail, upload=slowly())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(restore)
            await begun.wait()
            nursery.start_soon(ctl.call, "config account rm", RemoveAccount("tom"), type(None))
            domains = tmp_path / "config/domains.toml"
            await soon(lambda: "[accounts.tom]" not in domains.read_text(), "the removal has begun")
            removing.set()
        await ctl.call("config account add", AddAccount("tom", "tom@example.org"), type(None))
        with closing(apsw.Connection(str(stored), flags=apsw.SQLITE_OPEN_READONLY)) as db:
            assert db.execute("SELECT count(*) FROM message").fetchall() == [(0,)]
            assert db.execute("SELECT name FROM mailbox WHERE name LIKE 'Restored%'").fetchall() == []
