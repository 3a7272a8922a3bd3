"""What senders are told of each recipient, by attempts of a running queue."""

from pathlib import Path

import pytest
import trio

from moxlite.net.resolver import RecordType
from moxlite.operations.queue import Filter
from moxlite.proto.address import Address
from moxlite.queue.data.status import OUTCOME_LIFE
from moxlite.store.delivery.status import State
from moxlite.store.delivery.submission import SubmissionRecipient
from tests.queue_rig import HANG, START, Server, rig_at

pytestmark = pytest.mark.served

ID = "<m1@own.example>"
RELAY = """
[transports.smart.smtp]
host = "relay.example"
no_starttls = true
"""


async def test_each_recipient_has_a_state(tmp_path: Path) -> None:
    """QUEUE-175: delivered, to be tried again, failed; with the attempts, the times, what was said and how it went."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server())
        rig.remote(Server({"RCPT": "451 4.2.0 come back"}), "slow.example", "192.0.2.2")
        rig.remote(Server({"RCPT": "550 5.1.1 no such user"}), "gone.example", "192.0.2.3")
        ids = await rig.submit("bob@remote.example", "carl@slow.example", "dora@gone.example")
        await rig.settle()
        good, slow, gone = await rig.queue.deliveries.status("alice", ID)
        assert [good.id, slow.id, gone.id] == ids
        assert (good.state, good.recipient, good.host, good.ip, good.tls, good.error) == (
            State.DELIVERED,
            "bob@remote.example",
            "mx.remote.example",
            "192.0.2.1",
            "clear",
            "",
        )
        assert good.ended is not None
        assert (slow.state, slow.attempts, slow.ended) == (State.QUEUED, 1, None)
        assert "come back" in slow.error
        assert slow.reply == "come back"
        assert slow.next_attempt is not None
        assert slow.next_attempt > START
        assert slow.last_planned is not None
        assert slow.last_planned > slow.next_attempt
        assert (gone.state, gone.host) == (State.FAILED, "mx.gone.example")
        assert "no such user" in gone.error
        assert await rig.queue.deliveries.status("admin", ID) == []
        assert await rig.queue.deliveries.status("alice", "<other@own.example>") == []


async def test_a_smarthost_relays(tmp_path: Path) -> None:
    """QUEUE-175: what it does with the message is not known."""
    async with rig_at(tmp_path, static=RELAY, domains='[[routes]]\ntransport = "smart"') as rig:
        rig.resolver.set("relay.example", RecordType.A, ["192.0.2.9"])
        rig.serve("192.0.2.9", Server())
        await rig.submit("bob@remote.example")
        await rig.settle()
        [one] = await rig.queue.deliveries.status("alice", ID)
        assert (one.state, one.host) == (State.RELAYED, "relay.example")


async def test_a_bell_rings_when_the_state_changes(tmp_path: Path) -> None:
    """QUEUE-175, WEBMAIL-138: trying once the host is asked for a second, then delivered; other accounts hear
    nothing.
    """
    async with rig_at(tmp_path) as rig:
        server = rig.remote(Server({"final": HANG}))
        with rig.queue.deliveries.watch("alice") as wakeup, rig.queue.deliveries.watch("admin") as other:
            await rig.submit("bob@remote.example")
            with trio.fail_after(30):
                await server.hung.wait()
                while (await rig.queue.deliveries.status("alice", ID))[0].state is not State.TRYING:
                    await wakeup.wait()
                    wakeup.clear()
            [one] = await rig.queue.deliveries.status("alice", ID)
            assert (one.attempts, one.error) == (1, "")
            server.release.set()
            with trio.fail_after(30):
                await wakeup.wait()
            [one] = await rig.queue.deliveries.status("alice", ID)
            assert one.state is State.QUEUED
            assert not other.is_set


async def test_the_owner_tries_now_and_cancels(tmp_path: Path) -> None:
    """QUEUE-175, WEBMAIL-138: only what is the account's own."""
    async with rig_at(tmp_path) as rig:
        server = rig.remote(Server({"RCPT": ["451 4.2.0 later", "451 4.2.0 later", "250 ok"]}))
        [number] = await rig.submit("bob@remote.example")
        await rig.settle()
        await rig.queue.operations.hold(Filter(ids=(number,)))
        [one] = await rig.queue.deliveries.status("alice", ID)
        assert (one.state, one.next_attempt) == (State.HELD, None)
        assert await rig.queue.deliveries.try_now("admin", [number]) == 0
        assert await rig.queue.deliveries.try_now("alice", [number]) == 1
        await rig.settle()
        [one] = await rig.queue.deliveries.status("alice", ID)
        assert (one.state, one.attempts) == (State.QUEUED, 2)
        assert await rig.queue.deliveries.cancel("admin", [number]) == 0
        assert await rig.queue.deliveries.cancel("alice", [number]) == 1
        [one] = await rig.queue.deliveries.status("alice", ID)
        assert one.state is State.CANCELED
        assert server.messages == []


async def test_outcomes_are_forgotten_after_a_month(tmp_path: Path) -> None:
    """QUEUE-175."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server())
        await rig.submit("bob@remote.example")
        await rig.settle()
        rig.clock.advance(OUTCOME_LIFE / 1_000_000 - 60)
        await rig.queue.clean()
        assert len(await rig.queue.deliveries.status("alice", ID)) == 1
        rig.clock.advance(120)
        await rig.queue.clean()
        assert await rig.queue.deliveries.status("alice", ID) == []


async def test_the_queue_knows_what_a_bounce_may_be_about(tmp_path: Path) -> None:
    """SMTP-110, QUEUE-6, QUEUE-175: waiting and finished messages of the account, for thirty days; of any for ""."""
    async with rig_at(tmp_path, domain='localpart_separators = ["+"]') as rig:
        rig.remote(Server())
        unique = SubmissionRecipient(
            Address.parse("Bob@remote.example"), mail_from=Address.parse("alice+Id1@own.example"), from_id="Id1"
        )
        await rig.submit(unique)
        await rig.submit("eve@away.example", message_id="<m2@own.example>")
        await rig.settle()
        sent = rig.queue.deliveries.was_sent
        for account in ("alice", ""):
            assert await sent(account, "alice@own.example", "<m1@own.example>", ())
            assert await sent(account, "alice@own.example", "<m2@own.example>", ())
            assert await sent(account, "alice@own.example", "", ("x@y.example", "bob@REMOTE.example"))
            assert await sent(account, "alice@own.example", "", ("eve@away.example",))
        assert not await sent("admin", "admin@own.example", "<m1@own.example>", ("bob@remote.example",))
        assert not await sent("alice", "alice@own.example", "<m3@own.example>", ("joe@remote.example",))
        assert not await sent("alice", "alice@own.example", "", ())
        await rig.queue.operations.add_hold_rule(recipient="held.example")
        held = SubmissionRecipient(
            Address.parse("bob@held.example"), mail_from=Address.parse("alice+Id2@own.example"), from_id="Id2"
        )
        await rig.submit(held)
        assert await sent("alice", "alice+Id2@own.example", "", ())
        assert not await sent("alice", "alice+Id3@own.example", "", ())
