"""The guard against accounts that strangers send with (SMTP-170): through the queue, hosts that answer by script."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest
import trio

from moxlite.admin.notices import notify_account
from moxlite.operations.queue import Filter
from moxlite.queue.errors import NotStopped
from moxlite.queue.guard import stops
from moxlite.store.delivery.status import State
from moxlite.store.delivery.submission import SendingStopped
from moxlite.store.errors import StorageBroken
from moxlite.store.file.transaction import Reader
from tests.queue_rig import Rig, Server, rig_at, sample

pytestmark = pytest.mark.served

KEEP = 'keep_retired_message_period = "72h"'
GONE = "550 5.1.1 no such user"
HOUR = 3_600_000_000
HOME = "203.0.113.7"
ABROAD = [f"{first}.0.0.9" for first in (5, 23, 41, 62, 80, 91, 102)]
"""Addresses of providers all over the world."""


def names(kind: str, number: int, *, at: int = 0) -> list[str]:
    return [f"{kind}{n}@remote.example" for n in range(at, at + number)]


async def send(rig: Rig, to: Sequence[str], *, remote: str = HOME, key: bytes = b"", later: bool = False) -> list[int]:
    """As alice, who has logged in; `later`: in an hour."""
    until = rig.clock.now + HOUR if later else None
    login = "alice@own.example"
    return await rig.submit(*to, received=rig.clock.now, hold_until=until, login_address=login, remote=remote, key=key)


def taken(rig: Rig) -> list[str]:
    """Who got something."""
    return sorted(to.partition("@")[0] for group in rig.servers["192.0.2.1", 25].recipients for to in group)


def world(
    tmp_path: Path, *, serve: bool = True, account: str = KEEP, static: str = ""
) -> AbstractAsyncContextManager[Rig]:
    """A queue, and a host that knows no address which begins with "gone"."""

    def prepare(rig: Rig) -> None:
        rig.remote(Server({"RCPT TO:<gone": GONE}))

    return rig_at(tmp_path, account=account, serve=serve, prepare=prepare, static=static)


async def held(rig: Rig) -> list[str]:
    """The recipients that the guard holds."""
    return sorted(row.rcpt_localpart for row in await rig.queue.listings.list_messages() if row.guarded and row.hold)


async def told(rig: Rig) -> tuple[list[bytes], list[bytes]]:
    """Mail about stops: to the administrator, and to the user."""
    with trio.fail_after(60):
        while await rig.queue.guard._untold():  # noqa: ASYNC110  its own task tells
            await trio.sleep(0.005)
    user = [one for one in await rig.inbox("alice") if b"Sending from your account" in one]
    return await rig.inbox("admin", "Postmaster"), user


async def test_a_list_of_dead_addresses_stops_the_account(tmp_path: Path) -> None:
    """SMTP-170: the rest is held, nothing is lost; administrator and user hear of it once; what comes then is refused
    with words, but for what was acknowledged; a release lets all of it go.
    """
    before = sample("moxlite_queue_stops_total", sign="failures")
    async with world(tmp_path) as rig:
        await send(rig, names("gone", 19))
        await rig.settle()
        assert await rig.queue.listings.stopped() == []
        await send(rig, names("late", 3), later=True)
        await send(rig, names("gone", 1, at=20))
        await rig.settle()
        [found] = await rig.queue.listings.stopped()
        assert (found.stop.account, found.stop.sign) == ("alice", "failures")
        assert (found.held.messages, found.held.recipients, found.held.domains) == (1, 3, 1)
        assert await held(rig) == ["late0", "late1", "late2"]
        assert sample("moxlite_queue_stops_total", sign="failures") == before + 1
        await rig.queue.measure()
        assert sample("moxlite_queue_stopped") == 1

        [admin], [user] = await told(rig)
        for words in (
            b"alice@own.example",
            b"2027-01-15",
            b"20 recipients were permanently rejected",
            HOME.encode(),
            b"messages: 1, recipients: 3",
        ):
            assert words in admin
        for command in (
            b"queue list --account alice --hold true",
            b"queue drop --account",
            b"queue guard release alice",
        ):
            assert b"moxlite " + command in admin
        assert b"change your password" in user

        with pytest.raises(SendingStopped, match="Contact your administrator"):
            await send(rig, names("new", 1))
        await send(rig, names("acknowledged", 1), key=b"outbox")
        assert await held(rig) == ["acknowledged0", "late0", "late1", "late2"]
        await rig.pass_time(7200)
        assert rig.servers["192.0.2.1", 25].messages == []

        released = await rig.queue.operations.release("alice")
        assert (released.held.messages, released.held.recipients) == (2, 4)
        await rig.settle()
        assert taken(rig) == ["acknowledged0", "late0", "late1", "late2"]
        with pytest.raises(NotStopped):
            await rig.queue.operations.release("alice")
        await rig.queue.measure()
        assert sample("moxlite_queue_stopped") == 0
        assert [len(one) for one in await told(rig)] == [1, 1]


async def test_a_newsletter_with_old_addresses_goes_out(tmp_path: Path) -> None:
    """SMTP-170: thirty dead addresses among two hundred are no sign of abuse."""
    async with world(tmp_path) as rig:
        await send(rig, [*names("gone", 30), *names("member", 170)])
        await rig.settle()
        assert await rig.queue.listings.stopped() == []
        assert sum(map(len, rig.servers["192.0.2.1", 25].recipients)) == 170


@pytest.mark.parametrize(
    "reply",
    ["550 5.2.2 mailbox full", "550 5.7.1 Client host [192.0.2.25] blocked using zen.spamhaus.org"],
    ids=["full", "blocked"],
)
async def test_refusals_that_say_nothing_of_the_sender_stop_no_account(tmp_path: Path, reply: str) -> None:
    """SMTP-170: full mailboxes, and a block of our own address."""
    async with world(tmp_path) as rig:
        rig.remote(Server({"RCPT": reply}), "full.example", "192.0.2.2")
        await send(rig, [f"n{n}@full.example" for n in range(40)])
        await rig.settle()
        assert (await rig.queue.listings.counts()).messages == 0
        assert await rig.queue.listings.stopped() == []


async def test_failures_of_our_own_stop_no_account(tmp_path: Path) -> None:
    """SMTP-170: a transport that rejects mail as the configuration says; no other server has refused the sender."""
    static = "[transports.stopped.fail]\nsmtp_code = 554\nsmtp_message = 'no mail goes out'"
    account = f'{KEEP}\nroutes = [{{ to_domain = ["stopped.example"], transport = "stopped" }}]'
    async with world(tmp_path, static=static, account=account) as rig:
        await send(rig, [f"n{n}@stopped.example" for n in range(40)])
        await rig.settle()
        assert (await rig.queue.listings.counts()).messages == 0
        assert await rig.queue.listings.stopped() == []


async def test_messages_from_many_networks_stop_the_account(tmp_path: Path) -> None:
    """SMTP-170: the message of the sixth network is the first that is held; administrator and user learn from where."""
    async with world(tmp_path) as rig:
        for number, remote in enumerate(ABROAD[:6]):
            await send(rig, names("friend", 1, at=number), remote=remote)
            await rig.settle()
        assert len(rig.servers["192.0.2.1", 25].messages) == 5
        assert await held(rig) == ["friend5"]
        [found] = await rig.queue.listings.stopped()
        assert found.stop.why == "messages came from 6 networks within an hour"
        [admin], _ = await told(rig)
        assert all(f"  {remote}: messages: 1, ".encode() in admin for remote in ABROAD[:6])


async def test_a_phone_on_its_way_is_no_stranger(tmp_path: Path) -> None:
    """SMTP-170: it gets addresses of its provider, of a café, of home; an hour later others; machines of the house are
    none of these.
    """
    phone = [f"5.0.{n}.{n}" for n in range(1, 20)] + [f"2a01:4f8:{n}::1" for n in range(1, 9)]
    async with world(tmp_path) as rig:
        for remote in [
            *phone,
            "10.0.0.1",
            "192.168.7.1",
            "fe80::1",
            "127.0.0.1",
            "::1",
            "::ffff:5.0.9.9",
            "",
            *ABROAD[1:4],
        ]:
            await send(rig, names("friend", 1), remote=remote)
        rig.clock.advance(3601)
        for remote in ABROAD[4:]:
            await send(rig, names("friend", 1), remote=remote)
        assert await rig.queue.listings.stopped() == []


@pytest.mark.parametrize(
    ("static", "account", "stops"),
    [
        ("[queue.guard]\nrecipients_per_hour = 4", "", True),
        ("[queue.guard]\nrecipients_per_hour = 0", "", False),
        ("[queue.guard]\nrecipients_per_hour = 4\nenabled = false", "", False),
        ("[queue.guard]\nrecipients_per_hour = 4", "no_sending_guard = true", False),
        ("[queue.guard]\nrecipients_per_hour = 4", "max_recipients_per_hour = 5", False),
        ("", "max_recipients_per_hour = 3", True),
    ],
    ids=["global", "off", "disabled", "exempt", "more", "less"],
)
async def test_the_limit_of_an_hour(tmp_path: Path, static: str, account: str, stops: bool) -> None:
    """SMTP-170: by the server's setting, or the account's own; whatever its sign, the guard can be switched off."""
    async with world(tmp_path, static=static, account=f"{KEEP}\n{account}", serve=False) as rig:
        for _ in range(2):
            await send(rig, names("friend", 2))
            rig.clock.advance(3600)
        assert await rig.queue.listings.stopped() == []
        await send(rig, names("friend", 2))
        await send(rig, names("friend", 3))
        assert bool(await rig.queue.listings.stopped()) is stops
        assert len(await held(rig)) == (9 if stops else 0)


async def test_a_stop_survives_a_restart_and_is_told_after_it(tmp_path: Path) -> None:
    """SMTP-170: what is counted, what is held, and that there is something to tell are in queue.db."""
    async with world(tmp_path, serve=False) as rig:
        for remote in ABROAD[:5]:
            await send(rig, names("friend", 1), remote=remote)
        assert await rig.queue.listings.stopped() == []
    async with world(tmp_path, serve=False) as rig:
        await send(rig, names("friend", 1), remote=ABROAD[5])
        assert len(await held(rig)) == 6
    async with world(tmp_path) as rig:
        assert [len(one) for one in await told(rig)] == [1, 1]
        await rig.settle()
        assert rig.servers["192.0.2.1", 25].messages == []
        with pytest.raises(SendingStopped):
            await send(rig, names("friend", 1))
        await rig.queue.operations.release("alice")
        await rig.settle()
        assert len(rig.servers["192.0.2.1", 25].messages) == 6
    async with world(tmp_path) as rig:
        assert [len(one) for one in await told(rig)] == [1, 1]
        assert await rig.queue.listings.stopped() == []


async def test_a_broken_account_keeps_no_other_stop_from_being_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SMTP-170: the administrator hears of a later stop, though the mail to the user of the first cannot be stored."""

    async def broken_for_alice(accounts: object, snapshot: object, name: str, *args: object, **more: object) -> None:
        if name == "alice":
            raise StorageBroken("disk I/O error")
        await notify_account(accounts, snapshot, name, *args, **more)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(stops, "notify_account", broken_for_alice)
    async with world(tmp_path, static="[queue.guard]\nrecipients_per_hour = 1") as rig:
        await send(rig, names("friend", 2))
        rig.clock.advance(60)
        await rig.submit(*names("friend", 2), account="admin", login_address="admin@own.example")
        with trio.fail_after(60):
            while len(await rig.inbox("admin", "Postmaster")) < 2:  # noqa: ASYNC110  its own task tells
                await trio.sleep(0.005)
        subjects = b"".join(await rig.inbox("admin", "Postmaster"))
        assert b"Sending paused for alice" in subjects
        assert b"Sending paused for admin" in subjects


async def test_own_mail_of_the_server_is_never_held(tmp_path: Path) -> None:
    """SMTP-170: reports of the postmaster's account, which a stranger uses, notices to others; and their failures are
    not counted.
    """
    async with world(tmp_path, account="max_recipients_per_hour = 1") as rig:
        await rig.submit(*names("gone", 40), is_dmarc_report=True)
        await rig.settle()
        assert await rig.queue.listings.stopped() == []
        [waiting] = await rig.submit(*names("owner", 1), is_tls_report=True, hold_until=rig.clock.now + HOUR)
        await send(rig, names("friend", 2))
        await rig.submit(*names("bob", 1), sender="")
        assert len(await rig.queue.listings.stopped()) == 1
        assert not (await rig.queue.listings.get(waiting)).hold
        await rig.pass_time(3600)
        assert taken(rig) == ["bob0", "owner0"]


async def test_what_a_person_holds_stays_on_hold(tmp_path: Path) -> None:
    """SMTP-170, QUEUE-20: by hand, or by a rule that matches while the account is stopped."""
    async with world(tmp_path, account="max_recipients_per_hour = 3") as rig:
        kept = await send(rig, names("mine", 2), later=True)
        assert await rig.queue.operations.hold(Filter(ids=tuple(kept))) == 2
        await send(rig, names("friend", 2))
        await rig.queue.operations.add_hold_rule(recipient="ruled@remote.example")
        [ruled] = await send(rig, ["ruled@remote.example"], key=b"outbox")
        assert await held(rig) == ["friend0", "friend1"]
        await rig.queue.operations.release("alice")
        await rig.settle()
        assert {row.id for row in await rig.queue.listings.list_messages()} == {*kept, ruled}


async def test_the_user_sees_why_and_cannot_release(tmp_path: Path) -> None:
    """SMTP-170, QUEUE-175: who has the password must not get round the administrator; canceling is possible."""
    async with world(tmp_path, account="max_recipients_per_hour = 1") as rig:
        first, second = await send(rig, names("friend", 2))
        with pytest.raises(SendingStopped):
            await rig.queue.deliveries.check_sending("alice")
        await rig.queue.deliveries.check_sending("admin")
        await rig.queue.deliveries.try_now("alice", [first, second])
        await rig.settle()
        [status, _] = await rig.queue.deliveries.status("alice", "<m1@own.example>")
        assert status.state is State.HELD
        assert "may be compromised" in status.error
        assert "administrator" in status.advice
        assert await rig.queue.deliveries.cancel("alice", [first]) == 1
        assert await rig.queue.operations.unhold(Filter(ids=(second,))) == 1
        await rig.settle()
        assert rig.servers["192.0.2.1", 25].recipients == [["friend1@remote.example"]]
        assert len(await rig.queue.listings.stopped()) == 1


async def test_what_was_queued_before_a_release_counts_no_more(tmp_path: Path) -> None:
    """SMTP-170: the administrator has looked at it; what comes later is counted anew, and may stop the account."""
    async with world(tmp_path, account="max_recipients_per_hour = 29") as rig:
        await send(rig, names("gone", 30))
        assert len(await held(rig)) == 30
        await told(rig)  # of a stop that is released before, there is nothing to tell
        rig.clock.advance(1)
        await rig.queue.operations.release("alice")
        await rig.settle()
        assert (await rig.queue.listings.counts()).messages == 0
        assert await rig.queue.listings.stopped() == []
        rig.clock.advance(1)
        await send(rig, names("gone", 20, at=100))
        await rig.settle()
        assert len(await rig.queue.listings.stopped()) == 1
        with trio.fail_after(60):  # the mail is queued first, and delivered then
            while len((await told(rig))[0]) < 2:  # noqa: ASYNC110
                await trio.sleep(0.005)


async def test_counts_and_releases_are_forgotten_after_a_day(tmp_path: Path) -> None:
    """SMTP-170: nothing grows for ever."""
    async with world(tmp_path, serve=False) as rig:
        for remote in ABROAD[:6]:
            await send(rig, names("friend", 1), remote=remote)
        await rig.queue.operations.release("alice")
        await send(rig, names("friend", 1))
        rig.clock.advance(86400 * 1.1)
        await rig.queue.clean()
        for table in ("sending", "sending_from", "stop"):
            count = partial(Reader.value, sql=f"SELECT count(*) FROM {table}")
            assert await rig.queue._database.read(count, op="test") == 0, table


async def test_what_was_sent_by_a_clock_that_was_ahead_stops_no_account(tmp_path: Path) -> None:
    """SMTP-170, STORE-165"""
    async with world(tmp_path, account="max_recipients_per_hour = 30") as rig:
        rig.clock.advance(86400)
        for remote in ABROAD[:5]:
            await send(rig, names("gone", 3), remote=remote)
        await rig.settle()
        rig.clock.now -= 86_400_000_000
        for remote in ABROAD[2:]:
            await send(rig, names("gone", 3), remote=remote)
        await send(rig, names("friend", 15))
        await rig.settle()
        assert await rig.queue.listings.stopped() == []
        await send(rig, names("friend", 1))
        assert len(await rig.queue.listings.stopped()) == 1
