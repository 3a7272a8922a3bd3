"""A first process with workers, for tests: ``python -m tests.crewprocess SIZE FULL``.
While the file FULL exists, the machine has no memory for another process.

It forks before it has a thread, as a server does, so tests start it as a process of its own. It does what the lines of
its standard input say, and answers each with a line of JSON:

* ``pids``: process ids of the workers that have begun, by place
* ``tell N``: tell all workers the number N; each answers `seen` with the last one
* ``seen``: the last number that each worker was told, by place
* ``hang P``: the worker at place P does nothing any more
* ``garble P``: the worker at place P sends garbage
* ``stop``: end all workers in order
"""

import errno
import json
import os
import signal
import socket
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

import trio

from moxlite.workers.channel import Channel
from moxlite.workers.crew import Crew, Duty
from moxlite.workers.forking import Forker, start_forker
from moxlite.workers.questions import Answering, Descriptors, Ended, NoAnswer, Question

PID: Final[Question[None, int]] = Question(name="pid", request=None, reply=int, by=("first",), of="worker")
TOLD: Final[Question[int, None]] = Question(name="told", request=int, reply=None, by=("first",), of="worker")
SEEN: Final[Question[None, int]] = Question(name="seen", request=None, reply=int, by=("first",), of="worker")
HANG: Final[Question[None, None]] = Question(name="hang", request=None, reply=None, by=("first",), of="worker")
GARBLE: Final[Question[None, None]] = Question(name="garble", request=None, reply=None, by=("first",), of="worker")


class Numbers:
    """The work of a worker: it remembers a number."""

    def __init__(self, sock: socket.socket) -> None:
        self.last = 0
        self.sock = sock

    def answers(self) -> list[Answering[Any, Any]]:
        return [
            Answering(PID, self.pid),
            Answering(TOLD, self.told),
            Answering(SEEN, self.seen),
            Answering(HANG, self.hang),
            Answering(GARBLE, self.garble),
        ]

    async def pid(self, _: None, __: Descriptors) -> int:
        await trio.lowlevel.checkpoint()
        return os.getpid()

    async def told(self, number: int, _: Descriptors) -> None:
        await trio.lowlevel.checkpoint()
        self.last = number

    async def seen(self, _: None, __: Descriptors) -> int:
        await trio.lowlevel.checkpoint()
        return self.last

    async def hang(self, _: None, __: Descriptors) -> None:
        await trio.lowlevel.checkpoint()
        time.sleep(3600)  # noqa: ASYNC251 - as a thread that keeps Python's lock

    async def garble(self, _: None, __: Descriptors) -> None:
        await trio.lowlevel.checkpoint()
        os.write(self.sock.fileno(), b"GET / HTTP/1.1\r\n\r\n")


def work(sock: socket.socket) -> None:
    """A worker."""
    trio.run(_work, sock)


async def _work(sock: socket.socket) -> None:
    duty, numbers = Duty(), Numbers(sock.dup())
    channel = Channel(sock, "worker", "first", [*duty.answers(), *numbers.answers()])
    async with trio.open_nursery() as nursery:
        await nursery.start(channel.serve)
        await duty.over.wait()
        nursery.cancel_scope.cancel()


class First:
    """The first process."""

    def __init__(self, forker: Forker, size: int) -> None:
        self.crew = Crew(forker, size, [], self.begun)
        self.pids: dict[int, int] = {}

    async def begun(self, place: int, channel: Channel) -> None:
        self.pids[place] = await channel.ask(PID, None)

    async def obey(self, line: str) -> Any:
        """The answer to a line."""
        word, _, number = line.partition(" ")
        channels = self.crew.channels
        match word:
            case "pids":
                return {place: self.pids[place] for place in channels}
            case "tell":
                await self.crew.tell(TOLD, int(number))
            case "seen":
                return {place: await channel.ask(SEEN, None) for place, channel in channels.items()}
            case "stop":
                await self.crew.stop()
            case "hang" | "garble":
                question = HANG if word == "hang" else GARBLE
                try:
                    with trio.move_on_after(0.5):
                        await channels[int(number)].ask(question, None)
                except Ended:
                    return None
        return None


async def _first(sock: socket.socket, size: int) -> None:
    forker = Forker(sock)
    async with trio.open_nursery() as nursery:
        await nursery.start(_forker, forker)
        first = First(forker, size)
        nursery.start_soon(first.crew.serve)
        async for octets in trio.lowlevel.FdStream(os.dup(0)):
            for line in octets.decode().splitlines():
                try:
                    answer = await first.obey(line)
                except NoAnswer as error:
                    answer = str(error)
                print(json.dumps(answer), flush=True)
        nursery.cancel_scope.cancel()


async def _forker(forker: Forker, *, task_status: trio.TaskStatus[None]) -> None:
    """Without the forker the first process ends."""
    await forker.serve(task_status=task_status)
    os.kill(os.getpid(), signal.SIGTERM)


def _fork() -> int:
    if Path(sys.argv[2]).exists():
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
    return _fork_really()


_fork_really: Final = os.fork

if __name__ == "__main__":
    os.fork = _fork
    trio.run(partial(_first, start_forker(work), int(sys.argv[1])))
