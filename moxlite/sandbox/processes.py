"""The sandbox of the server: processes that do jobs on strangers' octets, at most two, each for one account at a time
(docs/decisions/010).

None runs while no page of the webmail is open. The first is started when a page connects, the second when two accounts
have jobs; both end a minute after the last page has gone. A process that takes too long is killed, one that died is
replaced at the next job: both are counted, and the mail that was at work is shown in another way.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, Protocol, TypeVar, cast

import msgspec
import trio

from moxlite.sandbox import metrics
from moxlite.sandbox.messages import MAX_FRAME, Job, Refused
from moxlite.sandbox.process import LARGE, Died, Process, start_process
from moxlite.sandbox.turns import TooManyWaiting, Turns
from moxlite.wakeup import Bell

__all__ = ["JobFailed", "Refused", "Sandbox", "Turn"]

logger = logging.getLogger("moxlite.sandbox")

PROCESSES: Final = 2
"""Processes at once: 25 MB each at rest, and they leave processors to others."""

JOB_SECONDS: Final = 5.0
"""Of a job (WEBMAIL-109)."""

IDLE_SECONDS: Final = 60.0
"""From the last page's end, or the last job without a page, to the end of the processes."""

WAITING: Final = 16
"""Jobs of one account that wait: a thread is opened with some messages at once."""

WAITING_SECONDS: Final = 30.0
"""For a turn: more than the jobs of four other accounts that are killed."""

MAX_TEXT: Final = 200
"""Characters of a process' words in the log."""

A = TypeVar("A", bound=msgspec.Struct)


class _Do(Protocol):
    async def __call__(self, job: Job[A]) -> A: ...


class JobFailed(Exception):
    """The job was not done; the text is a sentence for the reader."""


TOO_LONG: Final = "This message takes too long or needs too much memory to be made safe."
BUSY: Final = "The server is busy with other messages of yours; try again in a moment."
NO_PROCESS: Final = "The server cannot start the process that makes messages safe; try again later."


class Sandbox:
    """All processes. `serve` must run, so that they are started early and ended late."""

    def __init__(self) -> None:
        self._turns = Turns(PROCESSES, each=1, waiting=WAITING, seconds=WAITING_SECONDS)
        self._idle: list[Process] = []
        self._pages = 0
        self._warming: trio.Event | None = None
        self._serving = False
        self._used = 0.0
        """Trio's time of the last use."""
        self._bell = Bell()

    @property
    def pids(self) -> list[int]:
        """Ids of the processes that wait for a job."""
        return [process.pid for process in self._idle]

    @contextmanager
    def page(self) -> Iterator[None]:
        """A page of the webmail is open during the block: a process will be needed soon."""
        self._pages += 1
        self._bell.ring()
        try:
            yield
        finally:
            self._pages -= 1
            self._touch()

    @asynccontextmanager
    async def turn(self, account: str) -> AsyncIterator[Turn]:
        """A turn of the account at a process, for one job after the other. Take it before the mail is read, so that
        only so many mails are in memory as there are processes.

        Raises JobFailed: the account has too many jobs.
        """
        try:
            async with self._turns.turn(account):
                yield Turn(self._do)
        except TooManyWaiting:
            raise JobFailed(BUSY) from None
        finally:
            self._touch()

    async def serve(self) -> None:
        """Start a process when a page has come, end all when none has been there for a while; for ever.

        Errors: none of its own.
        """
        self._serving = True
        try:
            while True:
                await self._bell.wait()
                self._bell.quiet()
                if self._pages and not self._idle and not self._turns.taken:
                    await self._warm()
                while not self._pages and self._idle:
                    left = self._used + IDLE_SECONDS - trio.current_time()
                    if left <= 0:
                        await self._end_idle()
                        break
                    with trio.move_on_after(left):
                        await self._bell.wait()
                        self._bell.quiet()
        finally:
            self._serving = False
            await self._end_idle()

    def _touch(self) -> None:
        self._used = trio.current_time()
        self._bell.ring()

    async def _warm(self) -> None:
        """Have a process ready; jobs that come meanwhile wait for it."""
        self._warming = trio.Event()
        try:
            self._idle.append(await start_process())
        except Died as died:
            self._count(died, "")
        finally:
            self._warming.set()
            self._warming = None

    async def _end_idle(self) -> None:
        while self._idle:
            await self._idle.pop().end()

    async def _take(self) -> Process:
        """A process that waits, else a new one. Raises Died."""
        if self._warming is not None:
            await self._warming.wait()
        while self._idle:
            process = self._idle.pop()
            if process.alive:
                return process
            self._count(Died("ended", "the process ended without a job"), "", await process.end())
        return await start_process()

    async def _do(self, job: Job[A]) -> A:
        """Raises Refused, JobFailed."""
        name = cast(str, job.__struct_config__.tag)
        frame = await _packed(job)
        process: Process | None = None
        try:
            process = await self._take()
        except Died as died:
            self._count(died, name)
            raise JobFailed(NO_PROCESS) from None
        kept = False
        try:
            with metrics.jobs_seconds.labels(job=name).time():
                reply = await process.ask(frame, JOB_SECONDS)
                answer = await _answer(job, reply.answer) if reply.outcome == "done" else None
            kept = not reply.last
        except Died as died:
            dead, process = process, None
            self._count(died, name, await dead.end(kill=True))
            raise JobFailed(TOO_LONG) from None
        finally:
            if process is not None:
                if kept and self._serving:
                    self._idle.append(process)
                else:
                    await process.end(kill=not kept)
        if reply.outcome == "refused":
            raise Refused(reply.text)
        if answer is None:
            self._count(Died("ended", reply.text), name)
            raise JobFailed(TOO_LONG)
        return answer

    def _count(self, died: Died, job: str, status: int | None = None) -> None:
        metrics.deaths.labels(cause=died.cause).inc()
        words = "".join(char if char.isprintable() else " " for char in str(died)[:MAX_TEXT])
        kv: dict[str, object] = {"job": job, "cause": died.cause, "err": words}
        if status is not None:
            kv["status"] = status
        logger.warning("a process of the sandbox has ended", extra={"kv": kv})


class Turn:
    """A turn at a process."""

    def __init__(self, do: _Do) -> None:
        self._do = do

    async def do(self, job: Job[A]) -> A:
        """Do a job.

        Raises:
          Refused: not for this mail; its text is a sentence for the reader.
          JobFailed: it took too much time or memory, or no process can be started.
        """
        return await self._do(job)


async def _packed(job: Job[Any]) -> bytes:
    """The frame of a job. Raises Refused: the mail is too large."""
    frame = await trio.to_thread.run_sync(msgspec.msgpack.encode, job)
    if len(frame) > MAX_FRAME:
        raise Refused("This message is too large to be shown.")
    return frame


async def _answer(job: Job[A], answer: msgspec.Raw) -> A:
    """Raises Died: the answer is not of the job's type."""
    try:
        if len(answer) <= LARGE:
            return cast(A, msgspec.msgpack.decode(answer, type=job.ANSWER))
        return cast(A, await trio.to_thread.run_sync(lambda: msgspec.msgpack.decode(answer, type=job.ANSWER)))
    except msgspec.MsgspecError as error:
        raise Died("answer", f"no answer: {error}") from None
