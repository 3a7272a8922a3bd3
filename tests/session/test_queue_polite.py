"""The queue is polite to hosts, and quick for all others: connections per host, pauses, dead hosts (QUEUE-14,
QUEUE-168, QUEUE-169).
"""

from pathlib import Path

import pytest
import trio

from moxlite.net.resolver import RecordType
from moxlite.queue.filters import Filter, RetiredPage
from tests.queue_rig import HANG, START, Rig, Server, rig_at
from tests.tools import eventually

pytestmark = pytest.mark.served

KEEP = 'keep_retired_message_period = "200h"'


def hosted(rig: Rig, server: Server, *domains: str, ip: str = "192.0.2.1") -> Server:
    """Domains that one host takes mail for."""
    for domain in domains:
        rig.resolver.set(domain, RecordType.MX, ["10 mx.provider.example"])
    rig.resolver.set("mx.provider.example", RecordType.A, [ip])
    return rig.serve(ip, server)


async def test_domains_of_one_host_share_two_connections(tmp_path: Path) -> None:
    """QUEUE-14: whatever the domain; the others wait without an attempt, go when one has ended, and no backup host is
    bothered.
    """
    domains = [f"d{n}.example" for n in range(6)]
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = hosted(rig, Server({"QUIT": "221 bye"}), *domains)
        backup = rig.serve("192.0.2.9", Server())
        rig.resolver.set("backup.example", RecordType.A, ["192.0.2.9"])
        for domain in domains:
            rig.resolver.set(domain, RecordType.MX, ["10 mx.provider.example", "20 backup.example"])
        most = 0
        own = mx._serve

        async def serve(stream: trio.abc.Stream) -> None:
            nonlocal most
            most = max(most, 1 + sum(rig.queue.ctx.load._open.values()) - 1)
            await own(stream)

        mx._serve = serve  # type: ignore[method-assign]  # counts
        mx.hang_after_data = True
        for domain in domains:
            await rig.submit(f"bob@{domain}")
        with trio.fail_after(10):
            while len(rig.queue.scheduler.busy_domains) != 2 or mx.connections != 2:  # noqa: ASYNC110 - nobody tells
                await trio.sleep(0.005)
            while rig.queue.scheduler.waiting_domains != 4:  # noqa: ASYNC110 - nobody tells
                await trio.sleep(0.005)
        assert sorted(row.attempts for row in await rig.queue.list_messages()) == [0, 0, 0, 0, 1, 1]
        mx.release.set()
        await rig.settle()
        assert most == 2
        assert len(mx.messages) == 6
        assert backup.connections == 0
        assert {len(row.results) for row in await rig.queue.list_retired()} == {1}


@pytest.mark.parametrize(
    ("replies", "pauses"),
    [
        ({"greeting": ["421 4.7.0 try later", "220 mx"]}, True),
        ({"MAIL": ["451 4.7.28 unusual rate of mail", "250 ok"]}, True),
        ({"MAIL": ["450 4.7.1 not now", "250 ok"]}, True),
        ({"RCPT": ["452 4.3.2 too many messages per hour", "250 ok"]}, True),
        ({"RCPT": ["451 4.7.1 greylisted, try again", "250 ok"]}, False),
        ({"RCPT": ["452 4.2.2 mailbox is full", "250 ok"]}, False),
        ({"RCPT": ["450 4.2.0 busy", "250 ok"]}, False),
    ],
)
async def test_a_host_that_asks_for_patience_gets_it(
    tmp_path: Path, replies: dict[str, list[str | None]], pauses: bool
) -> None:
    """QUEUE-168: for all its domains, without an attempt; greylisting and full mailboxes are of one message."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = hosted(rig, Server(replies), "a.example", "b.example")
        await rig.submit("bob@a.example")
        await rig.settle()
        assert (await rig.queue.list_messages())[0].attempts == 1
        [later] = await rig.submit("bob@b.example")
        await rig.settle()
        assert mx.connections == (1 if pauses else 2)
        if pauses:
            row = await rig.queue.get(later)
            assert (row.attempts, row.results, row.next_attempt) == (0, (), START + 60_000_000)
            await rig.pass_time(61)
        assert mx.recipients == [["bob@b.example"]]


async def test_pauses_grow_until_the_host_takes_a_message(tmp_path: Path) -> None:
    """QUEUE-168: 1, 2, 5, 15, 30 minutes."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = hosted(rig, Server({"greeting": ["421 4.7.0 no"] * 6 + ["220 mx"]}), *(f"d{n}.example" for n in range(9)))
        for number, minutes in enumerate((1, 2, 5, 15, 30, 30)):
            await rig.submit(f"bob@d{number}.example")
            await rig.settle()
            assert mx.connections == number + 1
            [blocked] = await rig.submit("eve@d8.example")
            await rig.settle()
            assert (await rig.queue.get(blocked)).next_attempt == rig.clock.now + minutes * 60_000_000
            await rig.queue.drop(Filter(ids=(blocked,)))
            await rig.queue.hold(Filter())
            rig.clock.advance(minutes * 60 + 1)
        [last] = await rig.submit("bob@d7.example")
        await rig.settle()
        assert mx.recipients == [["bob@d7.example"]]
        assert rig.queue.ctx.load._pauses == {}
        assert last not in {row.id for row in await rig.queue.list_messages()}


async def test_a_dead_host_is_passed_by(tmp_path: Path) -> None:
    """QUEUE-169: by all other messages for five minutes, which loses them no attempt; those of the same domain in one
    step. The next host of the domain gets them at once where there is one.
    """
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = hosted(rig, Server(), "a.example", "b.example", "c.example")
        mx.refuse_connections = True
        rig.resolver.set("other.example", RecordType.A, ["192.0.2.2"])
        rig.resolver.set("c.example", RecordType.MX, ["10 mx.provider.example", "20 other.example"])
        other = rig.serve("192.0.2.2", Server())
        await rig.submit("bob@a.example")
        await rig.settle()
        for localpart in ("x", "y", "z"):
            await rig.submit(f"{localpart}@b.example")
        await rig.submit("bob@c.example")
        await rig.settle()
        assert rig.dialed == [("192.0.2.1", 25), ("192.0.2.2", 25)]
        assert len(other.messages) == 1
        rows = [row for row in await rig.queue.list_messages() if row.rcpt_domain == "b.example"]
        assert {(row.attempts, row.next_attempt) for row in rows} == {(0, START + 300_000_000)}
        mx.refuse_connections = False
        await rig.pass_time(301)
        assert len(mx.messages) == 3


async def test_trying_now_means_now(tmp_path: Path) -> None:
    """QUEUE-168: `queue schedule` ends all pauses."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = hosted(rig, Server(), "a.example")
        mx.refuse_connections = True
        await rig.submit("bob@a.example")
        await rig.settle()
        mx.refuse_connections = False
        await rig.queue.schedule(Filter(), 0, from_now=True)
        await rig.settle()
        assert len(mx.messages) == 1


async def test_what_is_never_tried_has_an_end_all_the_same(tmp_path: Path) -> None:
    """QUEUE-169: the time of the whole schedule is what a message gets at most."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = hosted(rig, Server(), "a.example", "b.example")
        mx.refuse_connections = True
        rule, _ = await rig.queue.add_hold_rule()
        [message_id] = await rig.submit("bob@b.example")
        await rig.queue.remove_hold_rule(rule)
        rig.clock.advance(5 * 86400)
        await rig.submit("bob@a.example")
        await rig.settle()
        await rig.queue.unhold(Filter(ids=(message_id,)))
        await rig.settle()
        row = await rig.queue.get(message_id)
        assert row.attempts == 1
        assert "not tried" in row.results[0].error


async def test_dead_domains_hold_up_no_good_one(tmp_path: Path) -> None:
    """QUEUE-14, QUEUE-169: a hundred domains on a host that does not answer, retries before them in the queue."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        dead = [f"dead{n}.example" for n in range(100)]
        hosted(rig, Server(), *dead).refuse_connections = True
        good = rig.remote(Server(), ip="192.0.2.77")
        for domain in dead:
            await rig.submit(f"bob@{domain}")
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert len(good.messages) == 1
        assert rig.dialed.count(("192.0.2.1", 25)) <= 2
        assert sum(row.attempts for row in await rig.queue.list_messages()) <= 2


async def at_once(rig: Rig, *recipients: str, **facts: object) -> None:
    """Queue messages that become due at the same moment."""
    rule, _ = await rig.queue.add_hold_rule()
    for recipient in recipients:
        await rig.submit(recipient, **facts)
    await rig.queue.remove_hold_rule(rule)
    await rig.queue.unhold(Filter())


async def test_due_messages_follow_over_an_open_connection(tmp_path: Path) -> None:
    """QUEUE-165: at most 100 over one; each with its own outcome."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server({"RCPT TO:<u7@": "550 5.1.1 no such user", "RCPT TO:<u9@": "450 4.2.0 later"}))
        await at_once(rig, *(f"u{n}@remote.example" for n in range(130)))
        await rig.settle()
        assert mx.connections == 2
        assert sum(line.startswith("MAIL") for line in mx.lines) == 130
        assert len({one for [one] in mx.recipients}) == len(mx.recipients) == 128
        [waiting] = await rig.queue.list_messages()
        assert (waiting.rcpt_localpart, waiting.attempts) == ("u9", 1)
        done = {row.rcpt_localpart: row for row in await rig.queue.list_retired(page=RetiredPage(n=1000))}
        assert len(done) == 129
        assert not done["u7"].success
        assert {(row.results[0].host, len(row.results)) for row in done.values()} == {("mx.remote.example", 1)}


async def test_the_hosts_own_limit_is_kept(tmp_path: Path) -> None:
    """QUEUE-165, QUEUE-66: MAILMAX."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server(extensions=["LIMITS MAILMAX=3"]))
        await at_once(rig, *(f"u{n}@remote.example" for n in range(7)))
        await rig.settle()
        assert (mx.connections, len(mx.messages)) == (3, 7)


@pytest.mark.parametrize("answer", [None, "421 4.3.2 enough"])
async def test_a_connection_that_ends_costs_those_who_follow_no_attempt(tmp_path: Path, answer: str | None) -> None:
    """QUEUE-165: a host may close after a message; the next one goes over a new connection, at once."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server({"MAIL": ["250 ok", answer, "250 ok"]}))
        await at_once(rig, "a@remote.example", "b@remote.example", "c@remote.example")
        await rig.settle()
        assert sorted(one for [one] in mx.recipients) == [f"{name}@remote.example" for name in "abc"]
        assert mx.connections == 2
        assert {len(row.results) for row in await rig.queue.list_retired()} == {1}


async def test_only_what_wants_the_same_follows(tmp_path: Path) -> None:
    """QUEUE-165, QUEUE-55: a message that demands TLS does not follow over a connection without it."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server())
        rule, _ = await rig.queue.add_hold_rule()
        await rig.submit("a@remote.example")
        await rig.submit("b@remote.example", requiretls=True)
        await rig.submit("c@remote.example")
        await rig.queue.remove_hold_rule(rule)
        await rig.queue.unhold(Filter())
        await rig.settle()
        assert [one for [one] in mx.recipients] == ["a@remote.example", "c@remote.example"]
        assert mx.connections == 1
        done = {row.rcpt_localpart: row.success for row in await rig.queue.list_retired()}
        assert done == {"a": True, "b": False, "c": True}


async def test_a_shutdown_loses_none_of_those_who_follow(tmp_path: Path) -> None:
    """QUEUE-165, QUEUE-15: the one under way is put back, no other begins, and what was delivered stays so."""
    async with rig_at(tmp_path, static='[queue]\nshutdown_grace = "0.1s"', account=KEEP) as rig:
        mx = rig.remote(Server({"RCPT TO:<b@": HANG}))
        await at_once(rig, "a@remote.example", "b@remote.example", "c@remote.example")
        await mx.hung.wait()
        rig.shutdown.set()
        await rig.stopped.wait()
        assert mx.recipients == [["a@remote.example"]]
        left = {row.rcpt_localpart: row.attempts for row in await rig.queue.list_messages()}
        assert left == {"b": 0, "c": 0}


async def test_silent_hosts_take_no_room_from_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-14: as many hosts that accept a connection and say nothing as there is room for; a good one after them is
    not kept waiting for their minutes, and they are not more than three times as many.
    """
    monkeypatch.setattr("moxlite.queue.scheduler.SILENT_SECONDS", 0.1)
    async with rig_at(tmp_path, static="[queue]\nmax_concurrent_deliveries = 3", account=KEEP) as rig:
        silent = [rig.remote(Server({"greeting": HANG}), f"silent{n}.example", f"192.0.2.{n + 1}") for n in range(10)]
        good = rig.remote(Server(), ip="192.0.2.77")
        for n in range(5):
            await rig.submit(f"bob@silent{n}.example")
        await rig.submit("bob@remote.example")
        await eventually(lambda: good.messages)
        for n in range(5, 10):
            await rig.submit(f"bob@silent{n}.example")
        await eventually(lambda: len(rig.queue.scheduler.busy_domains) == 9)
        await trio.sleep(0.3)  # longer than the silence that counts
        assert len(rig.queue.scheduler.busy_domains) == 9
        for server in silent:
            server.release.set()
