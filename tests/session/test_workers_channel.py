"""Questions between two processes, of which the second one may end, hang, or send garbage at any moment."""

import gc
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Final

import pytest
import trio

from moxlite.encoding import to_msgpack
from moxlite.store.errors import LimitExceeded, OverQuota, StorageBroken
from moxlite.workers.channel import Channel, channel_pair
from moxlite.workers.messages import IN_FILE, Answer, Ask, Garbled, Refuse, Value, Withdraw, encode, write_file
from moxlite.workers.questions import Answering, Descriptors, Ended, Failed, Late, NoAnswer, Question
from tests.otherprocess import CRASH, ECHO, HANG, HELD, READ, REFUSE, Kinds, Other, other_process
from tests.tools import top


@pytest.fixture
async def other(nursery: trio.Nursery) -> AsyncIterator[Other]:
    """A second process that answers."""
    async with other_process(nursery) as process:
        yield process


def open_descriptors() -> set[str]:
    """Descriptors of this process, without sockets of others' garbage."""
    gc.collect()
    return set(os.listdir("/proc/self/fd"))


async def test_a_question_is_answered(other: Other) -> None:
    """Decision 031: a question is a request and a reply, both structs."""
    request = Kinds(2**40, "Grüße", b"\x00\xff", ("a", "b"))
    assert await other.channel.ask(ECHO, request) == request


async def test_many_questions_are_answered_each_by_its_own(other: Other) -> None:
    """Decision 031: replies find the tasks that asked, however many there are and whichever is ready first."""
    replies: dict[int, Kinds] = {}

    async def ask(number: int) -> None:
        replies[number] = await other.channel.ask(ECHO, Kinds(number, "x" * number))

    async with trio.open_nursery() as nursery:
        for number in range(500):
            nursery.start_soon(ask, number)
    assert {number: reply.number for number, reply in replies.items()} == {number: number for number in range(500)}


async def test_a_long_request_and_reply_cross_whole(other: Other) -> None:
    """Decision 031: a message is bounded, but may be longer than a packet."""
    before = open_descriptors()
    request = Kinds(1, octets=os.urandom(3_000_000))
    assert await other.channel.ask(ECHO, request) == request
    assert open_descriptors() == before


async def test_a_descriptor_crosses_with_its_question(other: Other) -> None:
    """Decision 031: connections and spools are passed as descriptors; the one who asks keeps its own."""
    reader, writer = os.pipe()
    os.write(writer, b"from here")
    os.close(writer)
    assert await other.channel.ask(READ, 9, [reader]) == b"from here"
    os.close(reader)


async def test_errors_come_out_with_their_types(other: Other) -> None:
    """Decision 031: an error of the answer is raised where the question was asked."""
    with pytest.raises(OverQuota) as quota:
        await other.channel.ask(REFUSE, "quota")
    assert (quota.value.used, quota.value.limit) == (12, 10)
    with pytest.raises(LimitExceeded, match="messages a day"):
        await other.channel.ask(REFUSE, "limit")
    with pytest.raises(StorageBroken, match="no such disk"):
        await other.channel.ask(REFUSE, "broken")


async def test_a_bug_there_fails_one_question_alone(other: Other) -> None:
    """Decision 031: other questions are answered as before."""
    with pytest.raises(Failed, match="ZeroDivisionError: a bug"):
        await other.channel.ask(CRASH, None)
    assert await other.channel.ask(ECHO, Kinds(1)) == Kinds(1)


async def test_a_question_has_a_deadline_and_is_withdrawn_then(other: Other) -> None:
    """Decision 031: each question has a deadline; the work for it ends, too."""
    with pytest.raises(Late):
        await other.channel.ask(HANG, 3600.0)
    with trio.fail_after(30):
        while await other.channel.ask(HELD, None):  # noqa: ASYNC110 - nothing tells of it
            await trio.sleep(0.01)


async def test_a_caller_that_is_canceled_withdraws_its_question(other: Other) -> None:
    """Decision 031: as if the work were done in this process."""
    with trio.move_on_after(0.1) as scope:
        await other.channel.ask(HANG, 3600.0)
    assert scope.cancelled_caught
    with trio.fail_after(30):
        while await other.channel.ask(HELD, None):  # noqa: ASYNC110 - nothing tells of it
            await trio.sleep(0.01)


async def test_only_so_many_questions_are_open(other: Other) -> None:
    """Decision 031: of one name at most `most`; further ones wait, and other questions do not."""
    late: list[int] = []
    done: list[int] = []

    async def hang(number: int, seconds: float) -> None:
        try:
            await other.channel.ask(HANG, seconds)
            done.append(number)
        except Late:
            late.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(8):
            nursery.start_soon(hang, number, 3600.0)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert await other.channel.ask(HELD, None) == HANG.most
    assert len(late) == 8
    await hang(9, 0.0)
    assert done == [9]


async def test_all_open_questions_fail_at_once_when_the_process_is_killed(other: Other) -> None:
    """Decision 031: kill -9 in the middle. Nobody waits for a deadline."""
    ended: list[NoAnswer] = []

    async def ask() -> None:
        with pytest.raises(Ended) as error:
            await other.channel.ask(READ, 1, [reader])
        ended.append(error.value)

    reader, writer = os.pipe()  # nothing comes: the other process waits for ever
    assert await other.channel.ask(ECHO, Kinds(1)) == Kinds(1)
    with trio.fail_after(READ.seconds / 2):
        async with trio.open_nursery() as nursery:
            for _ in range(READ.most + 5):  # some wait for a place
                nursery.start_soon(ask)
            await trio.testing.wait_all_tasks_blocked(0.05)
            other.kill()
    assert len(ended) == READ.most + 5
    with pytest.raises(Ended):
        await other.channel.ask(ECHO, Kinds(1))
    os.close(reader)
    os.close(writer)


async def test_a_process_that_hangs_makes_questions_late_and_goes_on_afterwards(other: Other) -> None:
    """Decision 031: a full pipe keeps a sender waiting until its deadline, and no half message is left in it."""
    assert await other.channel.ask(ECHO, Kinds(1)) == Kinds(1)
    other.kill(signal.SIGSTOP)
    late: list[int] = []

    async def ask(number: int) -> None:
        with trio.move_on_after(0.5) as scope:
            await other.channel.ask(ECHO, Kinds(number, "x" * 60_000))
        if scope.cancelled_caught:
            late.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(ECHO.most + 20):
            nursery.start_soon(ask, number)
    assert len(late) == ECHO.most + 20
    other.kill(signal.SIGCONT)
    with trio.fail_after(30):
        for number in range(ECHO.most + 20):
            assert (await other.channel.ask(ECHO, Kinds(number, "x" * 60_000))).number == number


# Garbage, in one process


BACK: Final[Question[int, int]] = Question(name="back", request=int, reply=int, by=("worker",), of="first")


async def refused(packets: Sequence[bytes], descriptors: Sequence[int] = ()) -> str:
    """What a channel says of packets from the other end. An open question of the channel fails."""
    ours, theirs = channel_pair()
    garbled: list[str] = []
    ended: list[NoAnswer] = []

    async def echo(request: Kinds, _: Descriptors) -> Kinds:
        await trio.sleep(60)
        return request

    async def serve(*, task_status: trio.TaskStatus[None]) -> None:
        with pytest.raises(Garbled) as error:
            await channel.serve(task_status=task_status)
        garbled.append(str(error.value))

    async def ask() -> None:
        with pytest.raises(Ended) as error:
            await channel.ask(BACK, 1)
        ended.append(error.value)

    channel = Channel(ours, "worker", "first", [Answering(ECHO, echo)])
    with theirs, trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            await nursery.start(serve)
            nursery.start_soon(ask)
            await trio.testing.wait_all_tasks_blocked()
            for packet in packets:
                socket.send_fds(theirs, [packet], descriptors)
    assert len(ended) == 1
    return garbled[0]


def value(content: object) -> Value:
    return Value(to_msgpack(content))


ASKED = encode(Ask(1, "echo", value({"number": 1})))


@pytest.mark.parametrize(
    ("packets", "text"),
    [
        ([b"GET / HTTP/1.1\r\n\r\n"], "no message"),
        ([b"\xff" * 100], "no message"),
        ([ASKED[:-1]], "no message"),
        ([b"x" * 100_000], "too long"),
        ([IN_FILE], "no file"),
        ([encode(Ask(1, "back", value(1)))], "may not ask"),
        ([encode(Ask(1, "echo", value("text")))], "Expected `object`"),
        ([ASKED, ASKED], "may not ask"),
        ([encode(Ask(number, "echo", value({"number": 1}))) for number in range(ECHO.most + 1)], "more open"),
        ([encode(Answer(7, value(1)))], "no question"),
        ([encode(Answer(1, value("text")))], "Expected `int`"),
        ([encode(Refuse(1, ("builtins.KeyboardInterrupt",)))], "unknown kind"),
    ],
)
async def test_garbage_ends_the_channel(packets: Sequence[bytes], text: str) -> None:
    """Decision 031: a process that sends what it may not is not listened to any more; open questions fail."""
    assert text in await refused(packets)


async def test_descriptors_that_no_question_brings_are_closed() -> None:
    """Decision 031: a process can't fill the other one's table of descriptors."""
    reader, writer = os.pipe()
    before = open_descriptors()
    assert "descriptors" in await refused([ASKED], [reader])
    assert "descriptors" in await refused([ASKED], [reader] * 20)
    assert "no file" in await refused([IN_FILE], [reader])
    file = write_file(b"no message")
    assert "no message" in await refused([IN_FILE], [file])
    os.close(file)
    assert open_descriptors() == before
    os.close(reader)
    os.close(writer)


async def test_a_withdrawal_that_comes_late_is_no_garbage() -> None:
    """Decision 031: it may cross the answer."""
    ours, theirs = channel_pair()
    channel = Channel(ours, "worker", "first")
    with theirs:
        async with trio.open_nursery() as nursery:
            await nursery.start(channel.serve)
            theirs.send(encode(Withdraw(7)))
            await trio.testing.wait_all_tasks_blocked()
            theirs.close()


def test_a_server_with_one_process_loads_nothing_of_this() -> None:
    """Decision 031: one worker stays as it is."""
    code = "import sys, moxlite.server, moxlite.commands; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=top(), capture_output=True, text=True, check=True)
    assert [name for name in loaded.stdout.split() if name.startswith("moxlite.workers")] == []
