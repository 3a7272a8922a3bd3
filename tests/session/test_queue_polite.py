"""The queue is polite to hosts, and quick for all others: connections per host, pauses, dead hosts (QUEUE-14,
QUEUE-168, QUEUE-169).
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import trio
import trio.testing

from moxlite.net.resolver import RecordType
from moxlite.net.tls.certificates import self_signed
from moxlite.operations.queue import Filter, RetiredPage
from tests.certs import tlsa
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


async def attempts(rig: Rig) -> list[int]:
    """The number of attempts of each message that waits, the lowest first."""
    return sorted(row.attempts for row in await rig.queue.listings.list_messages())


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
        with trio.fail_after(60):
            while len(rig.queue.scheduler.turns.busy) != 2 or mx.connections != 2:  # noqa: ASYNC110 - nobody tells
                await trio.sleep(0.005)
            while len(rig.queue.scheduler.turns.blocked) != 4:  # noqa: ASYNC110 - nobody tells
                await trio.sleep(0.005)
            while (await attempts(rig)) != [0, 0, 0, 0, 1, 1]:  # noqa: ASYNC110 - after a second
                await trio.sleep(0.005)
        mx.release.set()
        await rig.settle()
        assert most == 2
        assert len(mx.messages) == 6
        assert backup.connections == 0
        assert {len(row.results) for row in await rig.queue.listings.list_retired()} == {1}


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
        await rig.disconnect()
        assert (await rig.queue.listings.list_messages())[0].attempts == 1
        [later] = await rig.submit("bob@b.example")
        await rig.settle()
        assert mx.connections == (1 if pauses else 2)
        if pauses:
            row = await rig.queue.listings.get(later)
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
            assert (await rig.queue.listings.get(blocked)).next_attempt == rig.clock.now + minutes * 60_000_000
            await rig.queue.operations.drop(Filter(ids=(blocked,)))
            await rig.queue.operations.hold(Filter())
            rig.clock.advance(minutes * 60 + 1)
        [last] = await rig.submit("bob@d7.example")
        await rig.settle()
        assert mx.recipients == [["bob@d7.example"]]
        assert rig.queue.ctx.load._pauses == {}
        assert last not in {row.id for row in await rig.queue.listings.list_messages()}


async def test_a_dead_host_is_passed_by(tmp_path: Path) -> None:
    """QUEUE-169: by all other messages for five minutes, which loses them no attempt; messages of the same domain in
    one step. The next host of the domain gets them at once where there is one.
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
        rows = [row for row in await rig.queue.listings.list_messages() if row.rcpt_domain == "b.example"]
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
        await rig.queue.operations.schedule(Filter(), 0, from_now=True)
        await rig.settle()
        assert len(mx.messages) == 1


async def test_what_is_never_tried_has_an_end_all_the_same(tmp_path: Path) -> None:
    """QUEUE-169: the time of the whole schedule is what a message gets at most."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = hosted(rig, Server(), "a.example", "b.example")
        mx.refuse_connections = True
        rule, _ = await rig.queue.operations.add_hold_rule()
        [message_id] = await rig.submit("bob@b.example")
        await rig.queue.operations.remove_hold_rule(rule)
        rig.clock.advance(5 * 86400)
        await rig.submit("bob@a.example")
        await rig.settle()
        await rig.queue.operations.unhold(Filter(ids=(message_id,)))
        await rig.settle()
        row = await rig.queue.listings.get(message_id)
        assert row.attempts == 1
        assert "retrying in" in row.results[0].error


async def test_a_domain_waits_for_its_full_host_without_a_try(tmp_path: Path) -> None:
    """QUEUE-14, QUEUE-165: once it is known where it goes, it costs nothing before a connection is free."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = hosted(rig, Server(), "a.example", "b.example", "c.example")
        scheduler = rig.queue.scheduler
        for turn in (1, 2):
            mx.hang_after_data, mx.release = True, trio.Event()
            for domain in ("a.example", "b.example"):
                await rig.submit(f"bob@{domain}")
            with trio.fail_after(30):
                while mx.lines.count("DATA") != 3 * turn - 1:  # noqa: ASYNC110 - nothing tells
                    await trio.sleep(0.005)
            asked = len(rig.resolver.asked)
            await rig.submit("bob@c.example")
            with trio.fail_after(30):
                while len(scheduler.turns.blocked) != 1:  # noqa: ASYNC110 - nothing tells
                    await trio.sleep(0.005)
            questions = {name for name, _ in rig.resolver.asked[asked:]}
            assert ("c.example." in questions) is (turn == 1)
            mx.release.set()
            await rig.settle()
            assert len(mx.messages) == 3 * turn
        assert {len(row.results) for row in await rig.queue.listings.list_retired()} == {1}


@pytest.mark.nightly
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
        assert sum(row.attempts for row in await rig.queue.listings.list_messages()) <= 2


async def at_once(rig: Rig, *recipients: str, **facts: object) -> None:
    """Queue messages that become due at the same moment."""
    rule, _ = await rig.queue.operations.add_hold_rule()
    for recipient in recipients:
        await rig.submit(recipient, **facts)
    await rig.queue.operations.remove_hold_rule(rule)
    await rig.queue.operations.unhold(Filter())


async def test_due_messages_follow_over_an_open_connection(tmp_path: Path) -> None:
    """QUEUE-165: at most 100 over one; each with its own outcome."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server({"RCPT TO:<u7@": "550 5.1.1 no such user", "RCPT TO:<u9@": "450 4.2.0 later"}))
        await at_once(rig, *(f"u{n}@remote.example" for n in range(130)))
        await rig.settle()
        assert mx.connections == 2
        assert sum(line.startswith("MAIL") for line in mx.lines) == 130
        assert len({one for [one] in mx.recipients}) == len(mx.recipients) == 128
        [waiting] = await rig.queue.listings.list_messages()
        assert (waiting.rcpt_localpart, waiting.attempts) == ("u9", 1)
        done = {row.rcpt_localpart: row for row in await rig.queue.listings.list_retired(page=RetiredPage(n=1000))}
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
        assert {len(row.results) for row in await rig.queue.listings.list_retired()} == {1}


async def test_only_what_wants_the_same_follows(tmp_path: Path) -> None:
    """QUEUE-165, QUEUE-55: a message that demands TLS does not follow over a connection without it."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server())
        rule, _ = await rig.queue.operations.add_hold_rule()
        await rig.submit("a@remote.example")
        await rig.submit("b@remote.example", requiretls=True)
        await rig.submit("c@remote.example")
        await rig.queue.operations.remove_hold_rule(rule)
        await rig.queue.operations.unhold(Filter())
        await rig.settle()
        assert [one for [one] in mx.recipients] == ["a@remote.example", "c@remote.example"]
        assert mx.connections == 1
        done = {row.rcpt_localpart: row.success for row in await rig.queue.listings.list_retired()}
        assert done == {"a": True, "b": False, "c": True}


async def test_messages_for_other_domains_follow_over_an_open_connection(tmp_path: Path) -> None:
    """QUEUE-165, QUEUE-14: all domains of a host go over its two connections, each message with its own outcome."""
    domains = [f"d{n}.example" for n in range(12)]
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = hosted(rig, Server({"RCPT TO:<bob@d5.": "550 5.1.1 no such user"}), *domains)
        await at_once(rig, *(f"bob@{domain}" for domain in domains))
        await rig.settle()
        assert mx.connections <= 2
        assert len(mx.messages) == 11
        done = {row.rcpt_domain: row for row in await rig.queue.listings.list_retired()}
        assert {domain for domain, row in done.items() if not row.success} == {"d5.example"}
        assert {(row.results[0].host, row.results[0].ip, len(row.results)) for row in done.values()} == {
            ("mx.provider.example", "192.0.2.1", 1)
        }
        await rig.disconnect()
        assert mx.lines.count("QUIT") == mx.connections


async def test_a_connection_stays_open_for_what_comes_a_little_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """QUEUE-165: for a few seconds; then it is closed with a good-bye."""
    monkeypatch.setattr("moxlite.queue.hosts.load.IDLE_SECONDS", 60.0)
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = hosted(rig, Server(), "a.example", "b.example")
        for recipient in ("bob@a.example", "bob@b.example", "eve@a.example"):
            await rig.submit(recipient)
            await rig.settle()
        assert (mx.connections, len(mx.messages)) == (1, 3)
        assert "QUIT" not in mx.lines
        monkeypatch.setattr("moxlite.queue.hosts.load.IDLE_SECONDS", 0.01)
        await rig.submit("eve@b.example")
        await rig.settle()
        await eventually(lambda: "QUIT" in mx.lines)
        await rig.submit("bob@a.example")
        await rig.settle()
        assert (mx.connections, len(mx.messages)) == (2, 5)


async def test_an_open_connection_needs_no_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-165, QUEUE-46: they are looked up for a new connection; without DNSSEC nothing else hangs on them."""
    monkeypatch.setattr("moxlite.queue.hosts.load.IDLE_SECONDS", 60.0)
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = hosted(rig, Server(), "a.example", "b.example")
        await rig.submit("bob@a.example")
        await rig.settle()
        asked = len(rig.resolver.asked)
        await rig.submit("bob@b.example")
        await rig.settle()
        assert (mx.connections, len(mx.messages)) == (1, 2)
        assert {kind for _, kind in rig.resolver.asked[asked:]} == {RecordType.MX, RecordType.TXT}


async def test_transactions_are_counted_over_all_domains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-165, QUEUE-66: a hundred over one connection, or MAILMAX, whatever their domains."""
    monkeypatch.setattr("moxlite.queue.sending.onehost.MAX_TRANSACTIONS", 4)
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = hosted(rig, Server(), "a.example", "b.example", "c.example")
        other = rig.remote(Server(extensions=["LIMITS MAILMAX=2"]), ip="192.0.2.8")
        for n in range(5):
            for domain in ("a.example", "b.example", "c.example"):
                await rig.submit(f"u{n}@{domain}")
                await rig.settle()
            await rig.submit(f"u{n}@remote.example")
            await rig.settle()
        assert (len(mx.messages), mx.connections) == (15, 4)
        assert (len(other.messages), other.connections) == (5, 3)


async def test_a_free_connection_that_the_host_has_closed_costs_nothing(tmp_path: Path) -> None:
    """QUEUE-165: neither an attempt, nor a pause of the host; the message goes over a new one."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = hosted(
            rig, Server({"MAIL": ["250 ok", "421 4.4.2 idle for too long", "250 ok"]}), "a.example", "b.example"
        )
        await rig.submit("bob@a.example")
        await rig.settle()
        [number] = await rig.submit("bob@b.example")
        await rig.settle()
        assert (mx.connections, len(mx.messages)) == (2, 2)
        assert (await rig.queue.listings.get_retired(number)).attempts == 1
        assert rig.queue.ctx.load._pauses == {}


async def test_a_host_that_loses_patience_later_gets_its_pause(tmp_path: Path) -> None:
    """QUEUE-168: what it says to the second message over a connection counts as well."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = hosted(rig, Server({"RCPT TO:<x": "452 4.3.2 too many messages per hour"}), "a.example", "b.example")
        await at_once(rig, "bob@a.example", "x@a.example")
        await rig.settle()
        assert (mx.connections, len(mx.messages)) == (1, 1)
        await rig.submit("eve@b.example")
        await rig.settle()
        rows = await rig.queue.listings.list_messages()
        assert {row.rcpt_localpart: row.attempts for row in rows} == {"x": 1, "eve": 0}
        assert len(rig.queue.ctx.load._pauses) == 1


async def test_only_a_connection_that_satisfies_the_domain_is_taken(tmp_path: Path) -> None:
    """QUEUE-165, QUEUE-51: a domain whose policy demands verified TLS takes no connection that was made without that
    demand, nor the other way round; domains that demand the same share one.
    """
    async with rig_at(tmp_path, account=KEEP) as rig:
        rig.certificate = self_signed(["mx.provider.example"])
        rig.queue.ctx.trust._extra = (rig.certificate.leaf,)
        mx = hosted(rig, Server(tls=rig.certificate), "a.example", "b.example", "c.example", "d.example")
        for domain in ("b.example", "d.example"):
            rig.sts("mode: enforce, mx: mx.provider.example, max_age: 86400", domain)
        for domain in ("a.example", "b.example", "c.example", "d.example"):
            await rig.submit(f"bob@{domain}")
            await rig.settle()
        assert (mx.connections, len(mx.messages)) == (2, 4)
        words = {row.rcpt_domain: row.results[0].policy for row in await rig.queue.listings.list_retired()}
        assert words == {f"{name}.example": "sts" if name in "bd" else "opportunistic" for name in "abcd"}


async def test_a_connection_is_judged_by_the_tlsa_records_of_now(tmp_path: Path) -> None:
    """QUEUE-165, QUEUE-52, QUEUE-55: domains of a host with TLSA records share one that matches them, also with
    REQUIRETLS, for it is verified; what comes after the records have changed takes none of it.
    """
    async with rig_at(tmp_path, account=KEEP) as rig:
        rig.certificate = self_signed(["mx.provider.example"])
        mx = hosted(rig, Server(tls=rig.certificate, extensions=["REQUIRETLS"]), "a.example", "b.example", "c.example")
        rig.resolver._authentic = True
        rig.resolver.set("_25._tcp.mx.provider.example", RecordType.TLSA, [tlsa(rig.certificate.leaf)])
        for domain in ("a.example", "b.example"):
            await rig.submit(f"bob@{domain}")
            await rig.settle()
        assert (mx.connections, len(mx.messages)) == (1, 2)
        await rig.submit("bob@c.example", requiretls=True)
        await rig.settle()
        assert (mx.connections, len(mx.messages)) == (1, 3)
        assert sum("REQUIRETLS" in line for line in mx.lines) == 1
        rig.resolver.set(
            "_25._tcp.mx.provider.example", RecordType.TLSA, [tlsa(self_signed(["mx.provider.example"]).leaf)]
        )
        [number] = await rig.submit("eve@b.example")
        await rig.settle()
        row = await rig.queue.listings.get(number)
        assert (len(mx.messages), row.attempts) == (3, 1)
        assert "certificate" in row.results[0].error


async def test_a_connection_that_does_not_fit_makes_room(tmp_path: Path) -> None:
    """QUEUE-165, QUEUE-14: two free ones of the host are closed for a domain that demands another."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        rig.certificate = self_signed(["mx.provider.example"])
        rig.queue.ctx.trust._extra = (rig.certificate.leaf,)
        mx = hosted(rig, Server(tls=rig.certificate), "a.example", "b.example", "c.example")
        rig.sts("mode: enforce, mx: mx.provider.example, max_age: 86400", "c.example")
        mx.hang_after_data = True
        await at_once(rig, "bob@a.example", "bob@b.example")
        await eventually(lambda: mx.connections == 2)
        mx.release.set()
        await rig.settle()
        assert len(rig.queue.ctx.load._free) == 2
        await rig.submit("bob@c.example")
        await rig.settle()
        assert (mx.connections, len(mx.messages)) == (3, 3)
        assert (await rig.queue.listings.list_retired())[-1].attempts == 1


async def test_first_attempts_go_before_the_retries_of_their_domain(tmp_path: Path) -> None:
    """QUEUE-14, QUEUE-165: however many of those are due, and though each of them ends its connection."""
    async with rig_at(tmp_path, static="[queue]\nmax_attempts = 5", account=KEEP) as rig:
        mx = rig.remote(Server({"MAIL FROM:<slow@": "451 4.3.0 later"}))
        rule, _ = await rig.queue.operations.add_hold_rule()
        old = [(await rig.submit(f"u{n}@remote.example", sender="slow@own.example"))[0] for n in range(30)]
        await rig.queue._database.write(lambda tx: tx.execute("UPDATE msg SET attempts = 1"))
        new = [(await rig.submit(f"new{n}@remote.example"))[0] for n in range(3)]
        await rig.queue.operations.remove_hold_rule(rule)
        await rig.queue.operations.unhold(Filter())
        await rig.settle()
        senders = [line.split("<")[1].split("@")[0] for line in mx.lines if line.startswith("MAIL")]
        assert senders[:3] == ["alice"] * 3
        assert len(mx.messages) == len(new)
        assert {row.attempts for row in await rig.queue.listings.list_messages()} == {2}
        assert len(senders) == len(old) + len(new)


async def test_a_shutdown_ends_free_connections(tmp_path: Path) -> None:
    """QUEUE-15, QUEUE-165: they are closed with a good-bye, and hold nothing up."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server())
        await rig.submit("bob@remote.example")
        await rig.settle()
        rig.shutdown.set()
        await rig.stopped.wait()
        assert mx.lines[-1] == "QUIT"


async def test_a_shutdown_loses_none_of_those_who_follow(tmp_path: Path) -> None:
    """QUEUE-165, QUEUE-15: the one under way is put back, no other begins, and what was delivered stays so."""
    async with rig_at(tmp_path, static='[queue]\nshutdown_grace = "0.1s"', account=KEEP) as rig:
        mx = rig.remote(Server({"RCPT TO:<b@": HANG}))
        await at_once(rig, "a@remote.example", "b@remote.example", "c@remote.example")
        await mx.hung.wait()
        rig.shutdown.set()
        await rig.stopped.wait()
        assert mx.recipients == [["a@remote.example"]]
        left = {row.rcpt_localpart: row.attempts for row in await rig.queue.listings.list_messages()}
        assert left == {"b": 0, "c": 0}


async def test_silent_hosts_take_no_room_from_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-14: as many hosts that accept a connection and say nothing as there is room for; a good one after them is
    not kept waiting for their minutes, and they are not more than three times as many.
    """
    monkeypatch.setattr("moxlite.queue.scheduling.scheduler.SILENT_SECONDS", 0.1)
    async with rig_at(tmp_path, static="[queue]\nmax_concurrent_deliveries = 3", account=KEEP) as rig:
        silent = [rig.remote(Server({"greeting": HANG}), f"silent{n}.example", f"192.0.2.{n + 1}") for n in range(10)]
        good = rig.remote(Server(), ip="192.0.2.77")
        for n in range(5):
            await rig.submit(f"bob@silent{n}.example")
        await rig.submit("bob@remote.example")
        await eventually(lambda: good.messages)
        for n in range(5, 10):
            await rig.submit(f"bob@silent{n}.example")
        await eventually(lambda: len(rig.queue.scheduler.turns.busy) == 9)
        await trio.sleep(0.3)  # longer than the silence that counts
        assert len(rig.queue.scheduler.turns.busy) == 9
        for server in silent:
            server.release.set()


class Slow(Server):
    """Takes its time for the first recipients, by the clock of the queue."""

    passes: Callable[[], None] = staticmethod(lambda: None)

    def _reply(self, line: str, default: str) -> str | None:
        if line.startswith("RCPT"):
            self.passes()
        return super()._reply(line, default)


async def test_a_slow_answer_is_no_reason_to_try_twice_at_once(tmp_path: Path) -> None:
    """QUEUE-165, QUEUE-13: an attempt lasts until its row is due again; the row does not follow itself over the
    connection, but is tried anew once the outcome is written.
    """
    async with rig_at(tmp_path, account='keep_retired_message_period = "72h"') as rig:
        mx = Slow({"RCPT": ["451 4.3.0 later", "451 4.3.0 later", "250 ok"]})
        rig.remote(mx)
        mx.passes = lambda: rig.clock.advance(500 if not mx.messages else 0)
        await rig.submit("bob@remote.example", "carol@remote.example")
        await rig.settle()
        rows = await rig.queue.listings.list_retired()
        assert [[one.code for one in row.results] for row in rows] == [[451, 250]] * 2
        assert [row.attempts for row in rows] == [2, 2]
        assert len(mx.messages) == 1


async def test_no_domain_waits_for_a_host_without_a_connection(tmp_path: Path) -> None:
    """QUEUE-14: those that were to go before it have not connected after all, so that no end of one tells it."""
    domains = [f"d{n}.example" for n in range(5)]
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = hosted(rig, Server({"final": ["421 4.7.0 later", "421 4.7.0 later", "250 taken"]}), *domains)
        mx.hang_after_data = True
        for domain in domains:
            await rig.submit(f"bob@{domain}")
        await eventually(lambda: len(rig.queue.scheduler.turns.blocked) == 3)
        mx.release.set()
        await rig.settle()
        assert mx.connections == 2
        await rig.pass_time(61)
        assert len(mx.messages) == 3


async def test_a_pause_does_not_last_for_a_step_of_the_clock(tmp_path: Path) -> None:
    """QUEUE-16a, QUEUE-169"""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = hosted(rig, Server(), "a.example", "b.example")
        mx.refuse_connections = True
        await rig.submit("bob@a.example")
        await rig.settle()
        mx.refuse_connections = False
        rig.clock.now -= 24 * 3_600_000_000
        rig.queue.clock_set()
        await trio.testing.wait_all_tasks_blocked(0.01)
        await rig.submit("bob@b.example")
        await rig.settle()
        await rig.pass_time(600)
        assert len(mx.messages) == 2
