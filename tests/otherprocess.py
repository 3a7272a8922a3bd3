"""A second process of a server, for tests of what crosses: ``python -m tests.otherprocess DESCRIPTOR``.

It answers a few questions as the process of a worker, until the other end is closed.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
import trio

from moxlite.store.errors import LimitExceeded, OverQuota, StorageBroken, StoreError
from moxlite.workers.channel import Channel, channel_pair
from moxlite.workers.questions import Answering, Descriptors, Question, Role
from tests.tools import top

__all__ = [
    "CRASH",
    "ECHO",
    "HANG",
    "HELD",
    "READ",
    "REFUSE",
    "Other",
    "other_process",
]


class Kinds(msgspec.Struct, frozen=True):
    """A value with parts of many types."""

    number: int
    text: str = ""
    octets: bytes = b""
    names: tuple[str, ...] = ()


FIRST: Final[tuple[Role, ...]] = ("first",)

READY: Final[Question[None, None]] = Question(name="ready", request=None, reply=None, by=FIRST, of="worker", seconds=60)
ECHO: Final[Question[Kinds, Kinds]] = Question(name="echo", request=Kinds, reply=Kinds, by=FIRST, of="worker")
HANG: Final[Question[float, None]] = Question(
    name="hang", request=float, reply=None, by=FIRST, of="worker", seconds=0.3, most=2
)
HELD: Final[Question[None, int]] = Question(name="held", request=None, reply=int, by=FIRST, of="worker")
CRASH: Final[Question[None, None]] = Question(name="crash", request=None, reply=None, by=FIRST, of="worker")
REFUSE: Final[Question[str, None]] = Question(
    name="refuse", request=str, reply=None, by=FIRST, of="worker", errors=(StoreError,)
)
READ: Final[Question[int, bytes]] = Question(
    name="read", request=int, reply=bytes, by=FIRST, of="worker", descriptors=1, seconds=60
)

REFUSALS: Final = {
    "quota": OverQuota(12, 10),
    "limit": LimitExceeded("messages a day"),
    "broken": StorageBroken("no such disk"),
}


class _Answers:
    def __init__(self) -> None:
        self.held = 0

    async def ready(self, _: None, __: Descriptors) -> None:
        await trio.lowlevel.checkpoint()

    async def echo(self, request: Kinds, _: Descriptors) -> Kinds:
        await trio.lowlevel.checkpoint()
        return request

    async def hang(self, seconds: float, _: Descriptors) -> None:
        self.held += 1
        try:
            await trio.sleep(seconds)
        finally:
            self.held -= 1

    async def count(self, _: None, __: Descriptors) -> int:
        await trio.lowlevel.checkpoint()
        return self.held

    async def crash(self, _: None, __: Descriptors) -> None:
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError("a bug")

    async def refuse(self, kind: str, _: Descriptors) -> None:
        await trio.lowlevel.checkpoint()
        raise REFUSALS[kind]

    async def read(self, count: int, descriptors: Descriptors) -> bytes:
        await trio.lowlevel.checkpoint()
        with os.fdopen(descriptors.take(), "rb") as file:
            return file.read(count)


def answers() -> list[Answering[Any, Any]]:
    """The answers of the second process."""
    found = _Answers()
    made: list[Answering[Any, Any]] = [
        Answering(READY, found.ready),
        Answering(ECHO, found.echo),
        Answering(HANG, found.hang),
        Answering(HELD, found.count),
        Answering(CRASH, found.crash),
        Answering(REFUSE, found.refuse),
        Answering(READ, found.read),
    ]
    return made


class Other:
    """The second process, seen from the first."""

    def __init__(self, channel: Channel, process: subprocess.Popen[bytes]) -> None:
        self.channel = channel
        self.process = process

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal."""
        self.process.send_signal(number)


@asynccontextmanager
async def other_process(nursery: trio.Nursery) -> AsyncIterator[Other]:
    """Start the process, with a channel that is served; it has ended after the block."""
    ours, theirs = channel_pair()
    with theirs:
        process = subprocess.Popen(  # noqa: ASYNC220 - it is waited for in a thread
            [sys.executable, "-m", "tests.otherprocess", str(theirs.fileno())], pass_fds=[theirs.fileno()], cwd=top()
        )
    channel = Channel(ours, "first", "worker")
    try:
        await nursery.start(channel.serve)
        await channel.ask(READY, None)
        yield Other(channel, process)
    finally:
        channel.close()
        process.send_signal(signal.SIGCONT)
        with trio.CancelScope(shield=True), trio.move_on_after(30):
            await trio.to_thread.run_sync(process.wait)
        process.kill()
        process.wait()


if __name__ == "__main__":
    trio.run(Channel(socket.socket(fileno=int(sys.argv[1])), "worker", "first", answers()).serve)
