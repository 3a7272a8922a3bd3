"""What a host has answered for good is in queue.db before anything else may fail or wait."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from moxlite.net.resolver import RecordType
from moxlite.operations.queue import Filter
from moxlite.queue.sending.session import SESSION_SECONDS
from tests.queue_rig import HANG, Rig, Server, as_a_kill_would_leave_it, rig_at
from tests.tools import eventually

pytestmark = pytest.mark.served

KEEP = 'keep_retired_message_period = "72h"'


async def retired(rig: Rig) -> dict[str, bool]:
    """Localparts of what is done with, and whether it was delivered."""
    return {row.rcpt_localpart: row.success for row in await rig.queue.listings.list_retired()}


async def test_a_delivery_is_written_down_before_the_good_bye(tmp_path: Path) -> None:
    """QUEUE-15, QUEUE-7: a host that hangs at QUIT holds up no outcome."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server({"QUIT": HANG, "RCPT TO:<no": "550 5.1.1 no such user"}))
        await rig.submit("bob@remote.example", "no@remote.example")
        await eventually(lambda: rig.queue.ctx.load._free)
        rig.queue.ctx.load.set_keeping(keeps=False)
        await mx.hung.wait()
        assert (await retired(rig))["bob"]
        with trio.fail_after(60):
            while not await rig.inbox():  # noqa: ASYNC110 - the DSN is stored by the queue, which tells no test
                await trio.sleep(0.01)
        mx.release.set()
        await rig.settle()
        assert len(mx.messages) == 1
        assert await retired(rig) == {"bob": True, "no": False}


async def test_the_end_of_a_session_discards_no_outcome(tmp_path: Path, leaping_clock: MockClock) -> None:
    """QUEUE-15, QUEUE-60: the session's limit passes in a second transaction; who was delivered in the first is not
    sent again, neither to the next host nor later.
    """
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server({"RCPT TO:<late": ["452 4.5.3 too many", HANG, "250 2.1.5 ok"]}))
        await rig.submit("early@remote.example", "late@remote.example")
        await mx.hung.wait()
        leaping_clock.jump(SESSION_SECONDS)
        await rig.settle()
        assert await retired(rig) == {"early": True}
        [waiting] = await rig.queue.listings.list_messages()
        assert (waiting.rcpt_localpart, waiting.attempts) == ("late", 1)
        assert "timed out" in waiting.results[0].error
        await rig.pass_time(600)
        assert mx.recipients == [["early@remote.example"], ["late@remote.example"]]


async def test_the_next_host_gets_only_what_the_first_did_not_take(tmp_path: Path, leaping_clock: MockClock) -> None:
    """QUEUE-15, QUEUE-44: a session that ends in the middle leads on to the next host with the rest."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        first = rig.remote(Server({"RCPT TO:<late": ["452 4.5.3 too many", HANG]}))
        rig.resolver.set("remote.example", RecordType.MX, ["10 mx.remote.example", "20 b.remote.example"])
        rig.resolver.set("b.remote.example", RecordType.A, ["192.0.2.2"])
        second = rig.serve("192.0.2.2", Server())
        await rig.submit("early@remote.example", "late@remote.example")
        await first.hung.wait()
        leaping_clock.jump(SESSION_SECONDS)
        await rig.settle()
        assert first.recipients == [["early@remote.example"]]
        assert second.recipients == [["late@remote.example"]]
        assert await retired(rig) == {"early": True, "late": True}


async def test_a_shutdown_after_the_answer_sends_nothing_twice(tmp_path: Path) -> None:
    """QUEUE-15, QUEUE-7: the process ends while the host hangs at QUIT, without another word to the database; the next
    start has nothing to send.
    """
    async with rig_at(tmp_path) as rig:
        mx = rig.remote(Server({"QUIT": HANG}))
        await rig.submit("bob@remote.example")
        await mx.hung.wait()
        copy = as_a_kill_would_leave_it(tmp_path)
        mx.release.set()
    async with rig_at(copy) as later:
        again = later.remote(Server())
        assert await later.queue.listings.list_messages() == []
        await later.settle()
        assert again.connections == 0


async def test_a_policy_refusal_is_final_only_after_it_was_judged(tmp_path: Path) -> None:
    """QUEUE-49: a 5.7 refusal over one family at the first attempt is not settled; the second one is."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server({"RCPT": "550 5.7.1 blocked"}))
        rig.resolver.set("mx.remote.example", RecordType.AAAA, ["2001:db8::1"])
        rig.serve("2001:db8::1", mx)
        await rig.submit("bob@remote.example")
        await rig.settle()
        [waiting] = await rig.queue.listings.list_messages()
        assert waiting.results[0].code == 550
        await rig.pass_time(600)
        assert await retired(rig) == {"bob": False}
        with trio.fail_after(60):
            assert len(await rig.inbox()) == 1


async def test_the_other_family_is_tried_for_each_message_of_a_connection(tmp_path: Path) -> None:
    """QUEUE-47, QUEUE-49, QUEUE-165: also for those that follow the first one."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        good = rig.remote(Server())
        rig.resolver.set("mx.remote.example", RecordType.AAAA, ["2001:db8::1"])
        blocking = rig.serve("2001:db8::1", Server({"RCPT": "550 5.7.1 blocked"}))
        rule, _ = await rig.queue.operations.add_hold_rule(recipient="remote.example")
        ids = [*await rig.submit("bob@remote.example"), *await rig.submit("cid@remote.example")]
        await rig.queue.operations.remove_hold_rule(rule)
        await rig.queue.operations.unhold(Filter(ids=tuple(ids)))
        await rig.settle()
        assert (blocking.connections, good.connections) == (1, 0)
        assert [row.results[0].code for row in await rig.queue.listings.list_messages()] == [550, 550]
        await rig.disconnect()
        await rig.pass_time(600)
        assert await retired(rig) == {"bob": True, "cid": True}
