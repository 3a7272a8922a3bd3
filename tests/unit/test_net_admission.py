"""Which connections are served (moxlite.net.admission), by the objects and through a real listener."""

import logging
from functools import partial
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import trio

from moxlite.ledger import LEAST, MOST
from moxlite.net.admission import MAX_LEAVING, Admission, ConnectionInfo, Gate, RateLimitedLog, Refusal, Seat, Shutdown
from moxlite.net.exposition import REGISTRY
from moxlite.net.limits import OpenConnections, RateLimiter, Window
from moxlite.net.listeners import bind, listen, serve_listener
from moxlite.net.tls.certificates import self_signed
from moxlite.net.tls.errors import TLSError, log_level
from moxlite.net.tls.handshake import ServerTLS
from moxlite.process.budget import ACCOUNT_MEMORY, CHILDREN, HASHES, RESTING, SEAT_MEMORY, make_budget, memory_limit
from tests.logs import kv

pytestmark = pytest.mark.served

LOOPBACK = ip_address("127.0.0.1")
REMOTE = ip_address("203.0.113.5")


def gate(limit: int = 1000) -> Gate:
    """A protocol that takes so many connections of one address."""
    return Gate(None, OpenConnections((limit, limit, limit)))


def refused(reason: str) -> float:
    """How many connections were refused for a reason."""
    return REGISTRY.get_sample_value("moxlite_connections_refused_total", {"reason": reason}) or 0.0


def taken(admission: Admission) -> Seat:
    """A seat that must be there."""
    seat = admission.take()
    assert seat is not None
    return seat


@pytest.mark.parametrize(
    ("remote", "kind", "level"),
    [
        ("192.0.2.9", "other", logging.INFO),
        ("192.0.2.9", "eof", logging.DEBUG),
        ("192.0.2.9", "noname", logging.DEBUG),
        ("192.0.2.1", "alert-48-unknown_ca", logging.DEBUG),
        ("127.0.0.1", "unknownname", logging.DEBUG),
        ("127.0.0.1", "nottls", logging.INFO),
    ],
)
def test_handshakes_of_our_own_checks_are_no_news(remote: str, kind: str, level: int) -> None:
    """SMTP-140."""
    local = ip_address("127.0.0.1" if remote == "127.0.0.1" else "192.0.2.1")
    info = ConnectionInfo(
        cid=1,
        remote=ip_address(remote),
        remote_port=1,
        local=local,
        local_port=465,
        listener="public",
        shutdown=Shutdown(),
    )
    assert log_level(TLSError("failed", kind=kind), info) == level


async def test_the_longest_silent_connection_makes_room() -> None:
    """ADMIN-39b: never one whose client has logged in, or sends a message."""
    admission = Admission(4)
    first, second, known, busy = (taken(admission) for _ in range(4))
    known.known = True
    busy.busy = True
    first.touch()
    taken(admission)
    assert second.scope.cancel_called
    taken(admission)
    assert first.scope.cancel_called
    assert [one.scope.cancel_called for one in (known, busy)] == [False, False]
    busy.busy = False
    assert admission.make_room()  # the one after `first`
    assert admission.make_room()
    assert admission.make_room()
    assert not admission.make_room()
    assert [one.scope.cancel_called for one in (known, busy)] == [False, True]


def test_a_new_connection_is_refused_when_nobody_has_to_go() -> None:
    """ADMIN-39b"""
    admission, before = Admission(1), refused("full")
    seat = taken(admission)
    seat.known = True
    assert admission.take() is None
    assert refused("full") == before + 1
    admission.give_back(seat)
    assert admission.take() is not None


def test_closing_does_not_run_ahead() -> None:
    """ADMIN-39b: those that were told to go still hold descriptors."""
    admission = Admission(1)
    seats = [taken(admission) for _ in range(MAX_LEAVING + 1)]
    assert admission.take() is None
    admission.give_back(seats[0])
    assert admission.take() is not None


async def test_a_high_descriptor_makes_room_too() -> None:
    """ADMIN-39b: the table is full of something else."""
    admission = Admission(100, highest=50)
    assert admission.take(50) is None
    low = admission.take(49)
    assert low is not None
    assert admission.take(50) is not None
    assert low.scope.cancel_called


def test_a_network_has_a_share_of_all_seats() -> None:
    """ADMIN-39b: whatever protocols it speaks; exempt networks have any number."""
    admission, smtp, imap = Admission(16), gate(), gate()
    seats = [taken(admission) for _ in range(6)]
    assert seats[0].enter(smtp, REMOTE) is None
    assert seats[1].enter(imap, REMOTE) is None
    assert seats[2].enter(imap, REMOTE) is Refusal.OPEN
    assert seats[2].enter(imap, REMOTE) is Refusal.OPEN
    seats[2].leave(REMOTE)
    seats[0].leave(REMOTE)
    seats[0].leave(REMOTE)
    assert seats[3].enter(imap, REMOTE) is None
    assert smtp.at_once.pressure(REMOTE) == 0.0
    assert imap.at_once.pressure(REMOTE) == 2 / 1000


def test_a_connection_may_pass_two_gates() -> None:
    """WEB-27: https whose client speaks IMAP counts for both, once in the share of its network."""
    admission, https, imap = Admission(16), gate(), gate()
    seat = taken(admission)
    assert seat.enter(https, REMOTE) is None
    assert seat.enter(imap, REMOTE) is None
    assert admission.networks.pressure(REMOTE) == 1 / 2
    assert (https.at_once.pressure(REMOTE), imap.at_once.pressure(REMOTE)) == (1 / 1000, 1 / 1000)
    seat.leave(REMOTE)
    assert admission.networks.pressure(REMOTE) == 0.0
    assert (https.at_once.pressure(REMOTE), imap.at_once.pressure(REMOTE)) == (0.0, 0.0)


@pytest.mark.parametrize("tls", [False, True])
async def test_limits_come_before_the_handshake(tls: bool) -> None:
    """SMTP-135a, IMAP-14: where TLS comes first, a refused connection costs none; elsewhere the session hears why."""
    heard: list[Refusal | None] = []
    limited = Gate(RateLimiter((Window(3600, (1, 9, 9)),)), OpenConnections())

    async def handler(stream: trio.abc.Stream, info: ConnectionInfo) -> None:
        heard.append(info.seat.enter(limited, info.remote))

    sock, before = bind(LOOPBACK, 0), refused("rate")
    async with listen(sock) as listener, trio.open_nursery() as nursery:
        nursery.start_soon(
            partial(
                serve_listener,
                listener,
                handler,
                pkg="net",
                name="x",
                shutdown=Shutdown(),
                connections=nursery,
                admission=Admission(100),
                gate=limited,
                tls=ServerTLS([self_signed(["localhost"])]) if tls else None,
            )
        )
        assert limited.rate is not None
        assert limited.rate.add(LOOPBACK)
        async with await trio.open_tcp_stream("127.0.0.1", sock.getsockname()[1]) as client:
            with trio.fail_after(60):
                assert await client.receive_some() == b""  # no TLS alert either
        nursery.cancel_scope.cancel()
    assert heard == ([] if tls else [Refusal.RATE])
    assert refused("rate") == before + 1


async def test_a_silent_connection_is_closed_for_a_new_one() -> None:
    """ADMIN-39b: also one that never begins its TLS handshake."""
    sock = bind(LOOPBACK, 0)
    ended: list[int] = []

    async def handler(stream: trio.abc.Stream, info: ConnectionInfo) -> None:
        try:
            await trio.sleep_forever()
        finally:
            ended.append(info.remote_port)

    async with listen(sock) as listener, trio.open_nursery() as nursery:
        accept = partial(serve_listener, listener, handler, pkg="net", name="x", shutdown=Shutdown())
        exempt = [ip_network("127.0.0.0/8")]
        nursery.start_soon(partial(accept, connections=nursery, admission=Admission(2, exempt=exempt), gate=gate()))
        clients = [await trio.open_tcp_stream("127.0.0.1", sock.getsockname()[1]) for _ in range(3)]
        with trio.fail_after(60):
            assert await clients[0].receive_some() == b""
        assert ended == [clients[0].socket.getsockname()[1]]
        nursery.cancel_scope.cancel()


def test_lines_about_refusals_are_few(caplog: pytest.LogCaptureFixture) -> None:
    """ADMIN-39b: one a minute, with the number since the last."""
    now = 0.0
    tally = RateLimitedLog("connections refused", logging.getLogger("moxlite.net").warning, clock=lambda: now)
    for _ in range(100):
        tally.add(reason="full")
    now = 60.0
    tally.add(reason="full")
    assert [kv(record)["count"] for record in caplog.records] == [1, 100]


def test_descriptors_are_divided() -> None:
    """ADMIN-39b"""
    small, large, unlimited = make_budget(1024), make_budget(65_535), make_budget(None)
    assert (small.seats, small.accounts, small.spools, small.highest) == (448, 44, 112, 896)
    assert (large.seats, large.accounts, large.spools) == (10_000, 200, 4096)
    assert (unlimited.seats, unlimited.accounts, unlimited.highest) == (10_000, 200, None)
    for limit in range(400, 3000, 50):
        budget = make_budget(limit)
        assert budget.seats + 5 * budget.accounts + budget.spools + 128 <= limit


@pytest.mark.parametrize(
    ("memory", "held", "seats"),
    [
        (None, MOST, 10_000),
        (128_000_000, LEAST, 325),
        (384_000_000, 67_732_565, 976),
        (512_000_000, 142_383_530, 1302),
        (1 << 30, MOST, 2730),
        (16 << 30, MOST, 10_000),
    ],
)
def test_the_ledger_has_what_all_that_is_limited_by_number_leaves(memory: int | None, held: int, seats: int) -> None:
    """STORE-198a, ADMIN-39b: between 64 and 300 MiB; all together is no more than there is from 384 MB on."""
    budget = make_budget(None, memory)
    assert (budget.held, budget.seats) == (held, seats)
    if memory is not None and memory >= 384_000_000:
        fixed = RESTING + CHILDREN + HASHES + budget.accounts * ACCOUNT_MEMORY + budget.seats * SEAT_MEMORY
        assert fixed + budget.held * 3 // 2 <= memory


def test_accounts_stay_open_as_memory_allows(tmp_path: Path) -> None:
    """STORE-8: a tenth of the memory, of the machine or of the control group that has less."""
    assert [make_budget(None, size << 20).accounts for size in (256, 512, 1024, 4096, 65_536)] == [25, 25, 51, 200, 200]
    assert make_budget(1024, 65_536 << 20).accounts == 44
    groups, own = tmp_path / "groups", tmp_path / "own"
    inner = groups / "system.slice/moxlite.service"
    inner.mkdir(parents=True)
    own.write_text("1:name=systemd:/\n0::/system.slice/moxlite.service\n")
    (inner / "memory.max").write_text("max\n")
    machine = memory_limit(groups, tmp_path / "none")
    assert machine is not None
    assert memory_limit(groups, own) == machine
    (groups / "system.slice/memory.max").write_text("536870912\n")
    assert memory_limit(groups, own) == 512 << 20
    (inner / "memory.high").write_text("268435456\n")
    assert memory_limit(groups, own) == 256 << 20
    older = groups / "memory/docker/one"  # cgroup v1
    older.mkdir(parents=True)
    own.write_text("4:memory:/docker/one\n1:name=systemd:/\n")
    (older / "memory.limit_in_bytes").write_text("134217728\n")
    assert memory_limit(groups, own) == 128 << 20


async def test_a_shutdown_is_told_to_those_who_wait_and_to_none_who_have_left() -> None:
    """ADMIN-39"""
    shutdown, calls = Shutdown(), list[str]()
    with shutdown.tell(lambda: calls.append("left")):
        pass
    with shutdown.tell(lambda: calls.append("there")):
        shutdown.set()
        shutdown.set()
        assert calls == ["there"]
    with shutdown.tell(lambda: calls.append("late")):
        assert calls == ["there", "late"]
    await shutdown.wait()
    assert shutdown.is_set()
