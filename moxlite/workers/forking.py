"""A process that only forks, and the workers that it has forked. Linux only.

A process with threads can't be forked safely: the child has one thread, and the locks of all. So before its first
thread, the first process forks one child, the forker, which never has another thread, and forks all workers, then and
later. What was imported by then is shared by all of them.

Each process ends with the one that forked it (PR_SET_PDEATHSIG), at once, whatever it does: so no worker goes on
without the first process, or without the process that could start it again. The kernel closes all that it had.

::

    first process ── Channel ── forker: forks, kills, and reports which workers have ended
         └───────── Channel ── each worker
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn, TypeAlias

import msgspec
import trio

from moxlite.encoding import from_msgpack, to_msgpack
from moxlite.prctl import call_prctl
from moxlite.workers.channel import Channel, channel_pair
from moxlite.workers.messages import MAX_PACKET, Answer, Ask, Garbled, Refuse, Value, decode, encode
from moxlite.workers.questions import Answering, Descriptors, Question, refusal

PR_SET_PDEATHSIG: Final = 1
"""Option of prctl(2), from linux/prctl.h."""

IGNORED: Final = ("SIGHUP", "SIGINT", "SIGTERM", "SIGUSR1")
"""Signals that are for the first process, which tells the others. systemd and terminals send them to all."""

Main: TypeAlias = Callable[[socket.socket], None]
"""Work of a worker, with its end of the channel to the first process. The process ends with it."""


class ForkFailed(Exception):
    """The system has no room for another process; the text says why."""


class Exit(msgspec.Struct, frozen=True):
    """A worker has ended. `status` as from `os.waitstatus_to_exitcode`: negative for a signal."""

    number: int
    status: int


FORK: Final[Question[int, int]] = Question(
    name="fork", request=int, reply=int, by=("first",), of="forker", descriptors=1, errors=(ForkFailed,)
)
"""Fork a worker of this number, which gets the descriptor as its channel. Replies with its process id."""

KILL: Final[Question[int, None]] = Question(name="kill", request=int, reply=None, by=("first",), of="forker")
"""Kill the worker of this number, if it still runs."""

EXITED: Final[Question[Exit, None]] = Question(name="exited", request=Exit, reply=None, by=("forker",), of="first")


class Worker:
    """A worker that was forked, seen from the first process: `pid`, and our end of the channel, `sock`.

    Attributes:
      ended: set once the process has ended, and the kernel has closed all that it had.
      status: from then on, see `Exit`.
    """

    def __init__(self, number: int, sock: socket.socket) -> None:
        self.number = number
        self.sock = sock
        self.pid = 0
        self.ended = trio.Event()
        self.status: int | None = None


class Forker:
    """The forker, seen from the first process.

    Args:
      sock: from `start_forker`.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._channel = Channel(sock, "first", "forker", [Answering(EXITED, self._note_exit)])
        self._running: dict[int, Worker] = {}
        self._last = 0

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Hear of workers that have ended. Returns when the forker has ended, and with it all workers."""
        try:
            await self._channel.serve(task_status=task_status)
        finally:
            for worker in self._running.values():
                worker.ended.set()
            self._running.clear()

    async def fork(self) -> Worker:
        """Start a worker. Raises ForkFailed, NoAnswer, OSError for want of descriptors."""
        ours, theirs = channel_pair()
        self._last += 1
        worker = self._running[self._last] = Worker(self._last, ours)
        try:
            with theirs:
                worker.pid = await self._channel.ask(FORK, worker.number, [theirs.fileno()])
        except BaseException:
            ours.close()  # the worker ends, if it was forked
            del self._running[worker.number]
            raise
        return worker

    async def kill(self, worker: Worker) -> None:
        """Kill a worker, which may have ended. Raises NoAnswer."""
        await self._channel.ask(KILL, worker.number)

    async def _note_exit(self, exited: Exit, _: Descriptors) -> None:
        await trio.lowlevel.checkpoint()
        worker = self._running.pop(exited.number, None)
        if worker is not None:  # else its fork was given up
            worker.status = exited.status
            worker.ended.set()


def start_forker(main: Main, *, closed: tuple[socket.socket, ...] = ()) -> socket.socket:
    """Fork the forker, and return our end of its channel. To be called before the first thread, and before Trio runs.

    Args:
      closed: sockets of this process that no worker has, such as those that listen.

    Raises OSError.
    """
    ours, theirs = channel_pair()
    first = os.getpid()
    try:
        pid = os.fork()
    except OSError:
        ours.close()
        theirs.close()
        raise
    if not pid:
        _run(lambda: _fork_on_demand(theirs, main, closed=(ours, *closed), first=first))
    theirs.close()
    return ours


def _run(work: Callable[[], None]) -> NoReturn:
    """Run the work of a forked process, and end it: nothing of the process that forked it is to be run again here."""
    status = 1
    try:
        work()
        status = 0
    except BaseException:  # noqa: BLE001 - printed, and the process ends
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _fork_on_demand(control: socket.socket, main: Main, *, closed: tuple[socket.socket, ...], first: int) -> None:
    """The forker: do what the first process asks until that has ended."""
    _end_with(first)
    os.setsid()  # a terminal's ^C is for the first process
    for name in IGNORED:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    for sock in closed:
        sock.close()
    gc.freeze()  # the collector would write to all objects, and no page of them would be shared
    _Forking(control, main).serve()


def _end_with(parent: int) -> None:
    """Have the kernel kill this process when the one that forked it ends."""
    call_prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it has ended before
        os._exit(1)


class _Forking:
    """The forker's side of its channel. No Trio: what it began would not be as new in the processes that are forked."""

    def __init__(self, control: socket.socket, main: Main) -> None:
        self._control = control
        self._main = main
        self._workers: dict[int, int] = {}
        """Numbers of the workers that run, by process id."""
        self._exits = 0

    def serve(self) -> None:
        self._control.setblocking(True)
        children, wake = os.pipe()
        for descriptor in (children, wake):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)  # wakes the loop
        inherited = [control := self._control.fileno(), children, wake]
        while True:
            ready, _, _ = select.select([control, children], [], [])
            with suppress(BlockingIOError):
                os.read(children, 4096)
            self._reap()
            if control in ready and not self._obey(inherited):
                return

    def _reap(self) -> None:
        """Report the workers that have ended."""
        while self._workers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            exited = Exit(self._workers.pop(pid), os.waitstatus_to_exitcode(status))
            self._exits += 1
            self._send(Ask(self._exits, EXITED.name, Value(to_msgpack(exited))))

    def _obey(self, inherited: list[int]) -> bool:
        """Do what the next message asks for; False if the first process has closed the channel. Raises Garbled."""
        octets, descriptors, _, _ = socket.recv_fds(self._control, MAX_PACKET, 1, socket.MSG_CMSG_CLOEXEC)
        if not octets:
            return False
        match decode(octets):
            case Ask(number, FORK.name, request) if descriptors:
                try:
                    pid = self._fork(descriptors[0], inherited)
                except OSError as error:
                    self._send(refusal(number, ForkFailed(error.strerror or str(error)), FORK.errors))
                else:
                    self._workers[pid] = from_msgpack(request, int)
                    self._send(Answer(number, Value(to_msgpack(pid))))
                finally:
                    os.close(descriptors[0])
            case Ask(number, KILL.name, request):
                worker = from_msgpack(request, int)
                for pid in [pid for pid, running in self._workers.items() if running == worker]:
                    os.kill(pid, signal.SIGKILL)  # it was not reaped, so no other process has the id
                self._send(Answer(number, Value(to_msgpack(None))))
            case Ask():
                raise Garbled("a question that the forker does not know")
            case _:
                pass  # the first process has heard of an exit, or withdraws a question that was answered
        return True

    def _fork(self, channel: int, inherited: list[int]) -> int:
        """Fork a worker with this channel; returns its process id. Raises OSError."""
        forker = os.getpid()
        pid = os.fork()
        if not pid:
            _run(lambda: self._work(channel, inherited, forker))
        return pid

    def _work(self, channel: int, inherited: list[int], forker: int) -> None:
        _end_with(forker)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in inherited:
            os.close(descriptor)
        self._main(socket.socket(fileno=channel))

    def _send(self, message: Ask | Answer | Refuse) -> None:
        with suppress(ConnectionError):  # the next look finds that the first process has ended
            self._control.send(encode(message))
