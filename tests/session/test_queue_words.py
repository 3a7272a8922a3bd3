"""What the owner sees of the queue: why a row waits, each attempt, the log and the numbers, by a running queue."""

import logging
import re
from pathlib import Path

import pytest
import trio

from moxlite.net.resolver import RecordType
from moxlite.operations.queue import Filter, Line, ListAttempts, ListMessages, Try
from moxlite.queue.control.commands import QueueCommands
from moxlite.queue.schedule import SECOND
from tests.logs import kv
from tests.queue_rig import HANG, START, Rig, Server, rig_at, sample

pytestmark = pytest.mark.served

KEEP = 'keep_retired_message_period = "200h"'
RELAY = """
[transports.smart.{kind}]
host = "mx.remote.example"
{options}
"""


async def listed(rig: Rig) -> list[Line]:
    return await QueueCommands(rig.queue).list_messages(ListMessages())


async def attempts(rig: Rig, number: int) -> list[Try]:
    return await QueueCommands(rig.queue).attempts(ListAttempts(id=number))


async def test_a_row_says_why_it_waits_and_what_comes_next(tmp_path: Path) -> None:
    """QUEUE-23, QUEUE-180: refused for now, on hold, released later, under way."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server({"RCPT": "452 4.2.2 over quota"}), "full.example", "192.0.2.2")
        slow = rig.remote(Server({"RCPT": HANG}), "slow.example", "192.0.2.3")
        await rig.submit("a@full.example")
        await rig.submit("b@later.example", hold_until=START + 86_400 * SECOND, future_release="for;86400")
        await rig.settle()
        [held] = await rig.submit("c@held.example", hold_until=START + 60 * SECOND)
        await rig.queue.operations.hold(Filter(ids=(held,)))
        await rig.submit("d@slow.example")
        with trio.fail_after(30), rig.queue.deliveries.watch("alice") as wakeup:
            await slow.hung.wait()
            while (lines := {line.recipient: line for line in await listed(rig)})["d@slow.example"].attempts == 0:
                await wakeup.wait()  # it is counted after a second
                wakeup.clear()
        full = lines["a@full.example"]
        assert full.why == "The recipient's mailbox is full. rcpt: 452 4.2.2 over quota"
        told = "attempt 2 of 14 in [78] min, the last in 5 d; after attempt 5, the sender gets a delay notice"
        assert re.fullmatch(told, full.next)
        assert lines["b@later.example"].why == "scheduled by its sender"
        assert lines["b@later.example"].next.startswith("attempt 1 of 14 in 24 h")
        assert (lines["c@held.example"].why, lines["c@held.example"].next) == (
            "on hold until released",
            "none until `moxlite queue unhold`",
        )
        assert lines["d@slow.example"].why == "a delivery attempt is in progress"


async def test_a_row_says_that_its_host_is_left_alone(tmp_path: Path) -> None:
    """QUEUE-23, QUEUE-168, QUEUE-169: no attempt of its own was made; others have found the host dead, or busy."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server()).refuse_connections = True
        await rig.submit("a@remote.example")
        await rig.settle()
        await rig.submit("b@remote.example")
        await rig.settle()
        _, second = sorted(await listed(rig), key=lambda line: line.id)
        assert second.attempts == 0
        assert "its host is paused" in second.why
        assert "connection failed" in second.why
        for domain in ("one.example", "two.example", "three.example"):
            rig.resolver.set(domain, RecordType.MX, ["10 mx.shared.example"])
        rig.resolver.set("mx.shared.example", RecordType.A, ["192.0.2.9"])
        shared = rig.serve("192.0.2.9", Server({"RCPT": HANG}))
        for domain in ("one.example", "two.example", "three.example"):
            await rig.submit(f"x@{domain}")
        with trio.fail_after(30), rig.queue.deliveries.watch("alice") as wakeup:
            while len(rig.queue.scheduler.turns.blocked) != 1:
                await wakeup.wait()
                wakeup.clear()
        waiting = [line.why for line in await listed(rig) if "connection limit" in line.why]
        assert len(waiting) == 1
        shared.release.set()


async def test_each_attempt_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """QUEUE-7, QUEUE-22: host, address, TLS and reply, of waiting and finished messages; a line of the log each."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        blocked = "554 5.7.1 Client host [192.0.2.25] blocked using zen.spamhaus.org"
        replies = {"RCPT": ["451 4.7.1 greylisted", "250 ok"], "final": "250 2.0.0 queued as 4711"}
        rig.remote(Server(replies, tls=rig.certificate))
        rig.remote(Server({"RCPT": blocked}), "shut.example", "192.0.2.2")
        with caplog.at_level(logging.INFO, "moxlite.queue.outcomes"):
            [number] = await rig.submit("bob@remote.example")
            await rig.settle()
            [first] = await attempts(rig, number)
            assert (first.host, first.ip, first.tls) == ("mx.remote.example", "192.0.2.1", "opportunistic")
            assert first.outcome == "rcpt: 451 4.7.1 greylisted"
            assert "for a few minutes" in first.meaning
            await rig.pass_time(500)
            _, second = await attempts(rig, number)
            assert (second.outcome, second.reply, second.tls) == ("delivered", "queued as 4711", "opportunistic")
            [other] = await rig.submit("carl@shut.example")
            await rig.settle()
        [refused] = await attempts(rig, other)
        assert "check.spamhaus.org" in refused.admin
        lines = [kv(record) for record in caplog.records if record.message == "delivery attempt ended"]
        assert [(one["verdict"], one["policy"], one["reply"], one["cause"]) for one in lines] == [
            ("temporary", "opportunistic", "451 4.7.1 greylisted", "greylist"),
            ("delivered", "opportunistic", "250 2.0.0 queued as 4711", None),
            ("permanent", "clear", blocked, "blocked-ip"),
        ]
        assert "check.spamhaus.org" in lines[2]["todo"]
        assert all(one["host"] and one["ip"] for one in lines)


@pytest.mark.parametrize(
    ("kind", "options", "tls"),
    [
        ("submission", "", "verified"),
        ("submission", "starttls_insecure_skip_verify = true", "opportunistic"),
        ("smtp", "no_starttls = true", "clear"),
    ],
)
async def test_a_smarthost_has_a_tls_kind_too(tmp_path: Path, kind: str, options: str, tls: str) -> None:
    """QUEUE-7, QUEUE-175."""
    static = RELAY.format(kind=kind, options=options)
    async with rig_at(tmp_path, account=KEEP, static=static, domains='[[routes]]\ntransport = "smart"') as rig:
        rig.resolver.set("mx.remote.example", RecordType.A, ["192.0.2.9"])
        rig.serve("192.0.2.9", Server(tls=rig.certificate), 587 if kind == "submission" else 25)
        [number] = await rig.submit("bob@far.example")
        await rig.settle()
        [one] = await attempts(rig, number)
        assert (one.outcome, one.tls) == ("delivered", tls)


async def test_connections_and_attempts_are_counted_by_how_they_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """QUEUE-73: timeouts, what a shutdown cuts off, and our own faults, besides the usual."""
    names = ("moxlite_queue_connection_total", "moxlite_queue_delivery_duration_seconds_count")
    labels = {"attempt": "1", "transport": "", "tlsmode": "opportunistic"}

    def counted() -> dict[str, float]:
        return {result: sample(names[1], result=result, **labels) for result in ("canceled", "timeout")}

    before = counted()
    async with rig_at(tmp_path, static='[queue]\nshutdown_grace = "0s"') as rig:
        monkeypatch.setattr("moxlite.queue.sending.session.SESSION_SECONDS", 0.1)
        slow = rig.remote(Server({"RCPT": HANG}))
        await rig.submit("a@remote.example")
        await rig.settle()
        assert counted() == before | {"timeout": before["timeout"] + 1}
        monkeypatch.undo()
        slow.hung = trio.Event()
        rig.remote(slow, "other.example", "192.0.2.7")
        await rig.submit("b@other.example")
        with trio.fail_after(30):
            await slow.hung.wait()
        rig.shutdown.set()
        with trio.fail_after(30):
            await rig.stopped.wait()
    assert counted()["canceled"] == before["canceled"] + 1
