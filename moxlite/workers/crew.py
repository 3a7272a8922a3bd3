"""The workers of a server, seen from its first process: started, watched, started again, and told what all must know;
and the other side of that, in each worker.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import trio

from moxlite.metrics import Counter, Gauge
from moxlite.ownprogram import exit_words
from moxlite.workers.channel import Channel
from moxlite.workers.forking import Forker, ForkFailed, Worker
from moxlite.workers.messages import Garbled
from moxlite.workers.questions import Answering, Descriptors, Late, NoAnswer, Question, Request

logger = logging.getLogger("moxlite.workers")

WATCH_SECONDS: Final = 2.0
"""Seconds between two questions whether a worker still answers. With the 5 s for the answer, a worker that hangs is
killed within 7 s: shorter than the 10 s for which mail programs wait before they show an error.
"""

PAUSE_SECONDS: Final = 1.0
"""Seconds from the end of a worker to its next start: a worker that can't start must not take a processor."""

STOP_SECONDS: Final = 15.0
"""Seconds in which a worker ends after it was told to: connections have 3 s, and files are closed with a checkpoint."""

starts: Final = Counter("moxlite_worker_starts", "Starts of worker processes.")
ends: Final = Counter("moxlite_worker_ends", "Unexpected ends of worker processes.", ["cause"])
running: Final = Gauge("moxlite_workers", "Worker processes that run.")
for _cause in ("exited", "hung", "garbled"):
    ends.labels(cause=_cause)

ALIVE: Final[Question[None, None]] = Question(
    name="alive", request=None, reply=None, by=("first",), of="worker", most=1
)
STOP: Final[Question[None, None]] = Question(name="stop", request=None, reply=None, by=("first",), of="worker")


class Crew:
    """All workers.

    Args:
      forker: which is served.
      size: number of workers.
      answers: to what a worker asks.
      begun: called with a worker's place, from 0 on, and its channel, to have it begin. A worker for which it raises
        NoAnswer is killed. It may be told what all are told before that.

    Attributes:
      channels: to the workers that have begun, by their places.
    """

    def __init__(
        self,
        forker: Forker,
        size: int,
        answers: Iterable[Answering[Any, Any]],
        begun: Callable[[int, Channel], Awaitable[None]],
    ) -> None:
        self._forker = forker
        self._size = size
        self._answers = tuple(answers)
        self._begun = begun
        self._running: dict[int, tuple[Worker, Channel]] = {}
        self.channels: dict[int, Channel] = {}
        self._stopping = False

    async def serve(self) -> None:
        """Keep the workers running, until `stop`. Each failure is that of one worker."""
        async with trio.open_nursery() as nursery:
            for place in range(self._size):
                nursery.start_soon(self._keep, place)

    async def tell(self, question: Question[Request, None], request: Request) -> None:
        """Ask all workers the same. When this returns, each has answered, or has ended or was killed, and never acts on
        what it knew before.
        """

        async def tell(worker: Worker, channel: Channel) -> None:
            try:
                await channel.ask(question, request)
            except NoAnswer as error:
                await self._kill(worker, error)

        async with trio.open_nursery() as nursery:
            for worker, channel in self._running.values():
                nursery.start_soon(tell, worker, channel)

    async def stop(self) -> None:
        """Have all workers end in order; those that have not within `STOP_SECONDS` are killed."""
        self._stopping = True
        workers = [worker for worker, _ in self._running.values()]
        await self.tell(STOP, None)
        with trio.move_on_after(STOP_SECONDS):
            for worker in workers:
                await worker.ended.wait()
        for worker in workers:
            if not worker.ended.is_set():
                await self._kill(worker, Late(f"stop: not done within {STOP_SECONDS:g} s"))

    async def _keep(self, place: int) -> None:
        while not self._stopping:
            try:
                worker = await self._forker.fork()
            except (ForkFailed, NoAnswer, OSError) as error:
                logger.error("failed to start worker", extra={"kv": {"worker": place, "err": str(error)}})
            else:
                starts.inc()
                with running.track_inprogress():
                    await self._run(place, worker)
            await trio.sleep(PAUSE_SECONDS)

    async def _run(self, place: int, worker: Worker) -> None:
        """Serve a worker until its process has ended."""
        channel = Channel(worker.sock, "first", "worker", self._answers)
        logger.info("worker started", extra={"kv": {"worker": place, "pid": worker.pid}})
        cause = "exited"
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(_serve, channel, nursery.cancel_scope)
                self._running[place] = worker, channel  # so that it misses no change while it begins
                try:
                    await self._begun(place, channel)
                    self.channels[place] = channel
                    while True:
                        await channel.ask(ALIVE, None)
                        await trio.sleep(WATCH_SECONDS)
                except NoAnswer as error:
                    cause = "hung" if isinstance(error, Late) else cause
                    await self._kill(worker, error)
                nursery.cancel_scope.cancel()
        except* Garbled as group:
            cause = "garbled"
            await self._kill(worker, group.exceptions[0])
        finally:
            self._running.pop(place, None)
            self.channels.pop(place, None)
        if not self._stopping:
            with trio.move_on_after(PAUSE_SECONDS):
                await worker.ended.wait()
            await self._kill(worker, Late("the worker closed its channel but still runs"))
        await worker.ended.wait()  # its accounts are closed only then
        if not self._stopping:
            ends.labels(cause=cause).inc()
            kv = {"worker": place, "pid": worker.pid, "cause": cause, "status": exit_words(worker.status)}
            logger.error("worker ended", extra={"kv": kv})

    async def _kill(self, worker: Worker, why: BaseException) -> None:
        """Kill a worker that has ended, hangs or can't be understood. If the forker has ended, the kernel does."""
        if worker.ended.is_set():
            return
        logger.warning("killing worker", extra={"kv": {"pid": worker.pid, "err": str(why)}})
        try:
            await self._forker.kill(worker)
        except NoAnswer as error:
            logger.warning("failed to kill worker", extra={"kv": {"pid": worker.pid, "err": str(error)}})


async def _serve(channel: Channel, scope: trio.CancelScope, *, task_status: trio.TaskStatus[None]) -> None:
    """Serve a channel, and cancel all that uses it at its end. Raises Garbled."""
    await channel.serve(task_status=task_status)
    scope.cancel()


# In a worker


class Duty:
    """The part of a worker that the first process watches and ends.

    Attributes:
      over: set when the worker is to end.
    """

    def __init__(self) -> None:
        self.over = trio.Event()

    def answers(self) -> tuple[Answering[Any, Any], ...]:
        """Its answers."""
        return Answering(ALIVE, self._alive), Answering(STOP, self._stop)

    async def _alive(self, _: None, __: Descriptors) -> None:
        await trio.lowlevel.checkpoint()

    async def _stop(self, _: None, __: Descriptors) -> None:
        self.over.set()
        await trio.lowlevel.checkpoint()
