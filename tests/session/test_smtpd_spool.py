"""Messages that come slowly, or fill the disk (SMTP-14, SMTP-43a, ADMIN-39b)."""

import threading

import pytest
import trio
import trio.testing

from moxlite.net.admission import Admission, Gate, Seat
from moxlite.net.limits import OpenConnections
from moxlite.process.spools import Spools
from moxlite.smtpd.context import Context
from moxlite.store.content.spool import SpoolSpace
from tests.session.smtpd_harness import MESSAGE, Client, Smtp, clock, pass_time, smtp
from tests.tools import settled

__all__ = ["clock", "smtp"]

pytestmark = pytest.mark.served

LARGE = "max_message_size = 200000=>max_message_size = 4000000"
BLOCK = b"x" * 998 + b"\r\n"
ENVELOPE = "C: MAIL FROM:<a@remote.example>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250\nC: DATA\nS: 354"


def small_disk(smtp: Smtp, free: int) -> Context:
    """A context whose spools are on a disk with so many octets free."""
    space = SpoolSpace(smtp.context.spools.directory, free=lambda: free, message=1 << 20)
    return smtp.configured(LARGE, spools=Spools(space))


async def begin(client: Client, octets: int) -> None:
    """A message that is not finished."""
    await client.play(ENVELOPE)
    await client.send(b"Subject: x\r\n\r\n" + BLOCK * (octets // len(BLOCK)))
    await settled(0.02)


async def test_the_disk_is_asked_for_room_in_a_thread(smtp: Smtp) -> None:
    """SMTP-43: at MAIL, and not again within a second."""
    looks: list[bool] = []

    def free() -> int:
        looks.append(threading.current_thread() is threading.main_thread())
        return 1 << 30

    now = 0.0
    space = SpoolSpace(smtp.context.spools.directory, free=free, clock=lambda: now)
    async with smtp.connect(context=smtp.configured(LARGE, spools=Spools(space))) as client:
        for now in (0.0, 0.9, 1.1):  # noqa: B007 - the clock reads it
            await client.play("C: MAIL FROM:<a@remote.example>\nS: 250\nC: RSET\nS: 250")
    assert looks == [False, False]


async def test_one_network_does_not_take_the_room_of_others(smtp: Smtp) -> None:
    """SMTP-43a: it gets 452 when it has its share; a message from elsewhere is taken."""
    context = small_disk(smtp, 24 << 20)  # half of it for all spools, an eighth of that for an address
    async with (
        smtp.connect(context=context, remote="203.0.113.1") as one,
        smtp.connect(context=context, remote="203.0.113.1") as two,
        smtp.connect(context=context, remote="198.51.100.9") as other,
    ):
        await begin(one, 1_100_000)
        await begin(two, 1_100_000)
        await begin(other, 1_100_000)
        assert (await two.say(".")).startswith("452 4.3.1")
        await other.play("C: .\nS: 250")
        await two.play("C: NOOP\nS: 250")  # it may try again
        await one.play("C: .\nS: 250")
        assert (await two.deliver(message=MESSAGE)).startswith("250")
    assert context.spools.space.used == 0


async def test_a_full_disk_is_noticed_while_a_message_comes(smtp: Smtp, clock: trio.testing.MockClock) -> None:
    """SMTP-43a: what comes after is dropped, for a minute at most."""
    context = small_disk(smtp, 1 << 20)
    async with smtp.connect(context=context) as client:
        await begin(client, 2_000_000)
        assert context.spools.space.used == 0
        assert (await client.say(".")).startswith("452 4.3.1")
        await begin(client, 2_000_000)
        await pass_time(clock, 61)
        await client.play("S: 452 4.3.1\nS: close")


def crowded(smtp: Smtp) -> Context:
    """The client's network may have no other connection."""
    return smtp.with_context(gate=Gate(None, OpenConnections((1, 9, 9))))


@pytest.mark.parametrize("user", [False, True])
async def test_a_slow_message_is_taken(smtp: Smtp, clock: trio.testing.MockClock, user: bool) -> None:
    """SMTP-14: a line each 100 s, for longer than half an hour; from users also where their network is crowded."""
    context = crowded(smtp) if user else None
    async with smtp.user(context=context) if user else smtp.connect() as client:
        await client.play(ENVELOPE.replace("a@remote.example", "mia@ours.example") if user else ENVELOPE)
        await client.send(b"From: <mia@ours.example>\r\nSubject: x\r\n\r\n")
        for _ in range(25):
            await pass_time(clock, 100)
            await client.send(b"a line\r\n")
        await client.play("C: .\nS: 250")


async def test_a_slow_message_is_cut(smtp: Smtp, clock: trio.testing.MockClock) -> None:
    """SMTP-14: less than 1 KiB a second on average, once three minutes have passed, from a network that uses up its
    connections.
    """
    async with smtp.connect(context=crowded(smtp)) as client:
        await begin(client, 100_000)
        await pass_time(clock, 90)
        await client.send(BLOCK)
        await pass_time(clock, 85)
        await client.send(BLOCK)
        await pass_time(clock, 10)
        await client.send(BLOCK)
        await client.play("S: 421 4.4.2\nS: close")
    async with smtp.connect(context=crowded(smtp)) as client:
        await begin(client, 199_000)
        await pass_time(clock, 170)
        await client.send(b"x\r\n")
        await pass_time(clock, 20)
        await client.play("C: .\nS: 250")


async def test_chunks_are_one_slow_message(smtp: Smtp, clock: trio.testing.MockClock) -> None:
    """SMTP-14: BDAT does not begin the time anew."""
    async with smtp.connect(context=crowded(smtp)) as client:
        await client.play("C: MAIL FROM:<a@remote.example>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250")
        await client.send(b"BDAT 2000\r\n" + BLOCK)
        await pass_time(clock, 100)
        await client.send(BLOCK)
        await client.play("S: 250")
        await client.send(b"BDAT 2000\r\n" + BLOCK)
        await pass_time(clock, 100)
        await client.send(BLOCK)
        await client.play("S: 421 4.4.2\nS: close")


async def test_a_connection_is_kept_while_a_message_comes(smtp: Smtp) -> None:
    """ADMIN-39b: and may be closed again once it is over; a log-in keeps it for good."""
    admission = Admission(8)

    def seated() -> Seat:
        seat = admission.take()
        assert seat is not None
        return seat

    first = seated()
    async with smtp.connect(seat=first) as client:
        await begin(client, 1000)
        assert not admission.make_room()
        await client.play("C: .\nS: 250")
        assert admission.make_room()
    assert first.scope.cancel_called
    second = seated()
    async with smtp.user(seat=second) as client:
        await client.play("C: NOOP\nS: 250")
        assert not admission.make_room()
