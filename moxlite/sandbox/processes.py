"""The sandbox of the server: at most two processes that do jobs on untrusted mail, each for one account at a time
(docs/decisions/010).

No process runs while no page of the webmail is open. The first is started when a page connects, the second when two
accounts have jobs; both end a minute after the last page has closed. A process that takes too long is killed. A process
that died is replaced at the next job. Both are counted, and the caller shows the mail in another way.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, Protocol, TypeVar, cast

import msgspec
import trio

from moxlite.encoding import from_msgpack, to_msgpack
from moxlite.sandbox import metrics
from moxlite.sandbox.messages import MAX_FRAME, Job, Ready, Refused
from moxlite.sandbox.process import LARGE, START_SECONDS, Died, Process, start_process
from moxlite.sandbox.turns import Turns
from moxlite.wakeup import Wakeup

logger = logging.getLogger("moxlite.sandbox")

SUPPORTED: Final[bool] = sys.platform == "linux"
"""Whether this system can confine a process. Elsewhere, none is started: it would parse others' bytes freely."""

PROCESSES: Final = 2
"""Number of concurrent processes: 25 MB each when idle, and few enough to leave CPUs to other work."""

JOB_SECONDS: Final = 5.0
"""Seconds of processor time for a job (WEBMAIL-109)."""

IDLE_SECONDS: Final = 60.0
"""Seconds from the close of the last page, or the last job without a page, to the end of the processes."""

WAITING: Final = 16
"""Number of waiting jobs of one account: opening a thread shows several messages at once."""

WAITING_SECONDS: Final = 30.0
"""Seconds to wait for a turn: more than four jobs of other accounts take that are killed, on a free processor."""

MAX_TEXT: Final = 200
"""Characters of a process's error text in the log."""

SIGSYS: Final = 31
"""The signal of a refused system call on Linux; other systems have no such name or number."""

A = TypeVar("A", bound=msgspec.Struct)


class _Do(Protocol):
    async def __call__(self, job: Job[A]) -> A: ...


class JobFailed(Exception):
    """The job was not done. The text is a sentence for the reader."""


TOO_LONG: Final = "This message takes too long or needs too much memory to display safely."
DENIED: Final = "This message can't be displayed safely."
BUSY: Final = "The server is busy with your other messages. Try again in a moment."
NO_PROCESS: Final = "The server can't display HTML messages safely right now. Try again later."

UNSUPPORTED: Final = "This server can't display HTML messages safely."


class Sandbox:
    """Pool of sandbox processes. `serve` must run to start them ahead and to end idle ones."""

    def __init__(self) -> None:
        self._turns = Turns(PROCESSES, each=1, waiting=WAITING, seconds=WAITING_SECONDS, error=lambda: JobFailed(BUSY))
        self._idle: list[Process] = []
        self._pages = 0
        self._warming: trio.Event | None = None
        self._serving = False
        self._used = 0.0
        """Time of the last use, in Trio's clock."""
        self._wakeup = Wakeup()

    @property
    def supported(self) -> bool:
        """Whether there are processes on this system."""
        return SUPPORTED

    @property
    def pids(self) -> list[int]:
        """Ids of the idle processes."""
        return [process.pid for process in self._idle]

    @contextmanager
    def page(self) -> Iterator[None]:
        """Context in which a page of the webmail is open: a process is started for its jobs."""
        self._pages += 1
        self._wakeup.set()
        try:
            yield
        finally:
            self._pages -= 1
            self._touch()

    @asynccontextmanager
    async def turn(self, account: str) -> AsyncIterator[Turn]:
        """Context with a turn of the account, for one job after the other.

        Enter it before reading the mail, so that at most `PROCESSES` mails are in memory.

        Raises JobFailed: the account has too many jobs.
        """
        try:
            async with self._turns.turn(account):
                yield Turn(self._do)
        finally:
            self._touch()

    async def serve(self) -> None:
        """Start a process when a page opens, and end all after `IDLE_SECONDS` without a page. Runs for ever.

        Raises nothing by itself.
        """
        self._serving = True
        try:
            while True:
                await self._wakeup.wait()
                self._wakeup.clear()
                if SUPPORTED and self._pages and not self._idle and not self._turns.taken:
                    await self._warm()
                while not self._pages and self._idle:
                    left = self._used + IDLE_SECONDS - trio.current_time()
                    if left <= 0:
                        await self._end_idle()
                        break
                    with trio.move_on_after(left):
                        await self._wakeup.wait()
                        self._wakeup.clear()
        finally:
            self._serving = False
            await self._end_idle()

    def _touch(self) -> None:
        self._used = trio.current_time()
        self._wakeup.set()

    async def _warm(self) -> None:
        """Start an idle process; jobs that arrive meanwhile wait for it."""
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
        """Take an idle process, or start one. Raises Died."""
        if self._warming is not None:
            await self._warming.wait()
        while self._idle:
            process = self._idle.pop()
            # It may have ended since its last job, by the out-of-memory killer for instance.
            if process.alive:
                return process
            self._count(Died("ended", "the process exited while idle"), "", await process.end())
        return await start_process()

    async def _do(self, job: Job[A]) -> A:
        """Do a job at a process. Raises Refused, JobFailed."""
        if not SUPPORTED:
            raise JobFailed(UNSUPPORTED)
        name = cast(str, job.__struct_config__.tag)
        # Before a process is taken: a mail that is too large must cost none.
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
                reply = await process.ask(frame, min(JOB_SECONDS, job.SECONDS))
                answer = await _answer(job, reply.answer) if reply.outcome == "done" else None
            # After the answer was decoded: a process that sends what is not an answer is not trusted with another mail.
            kept = not reply.last
        except Died as died:
            dead, process = process, None
            status = await dead.end(kill=True)
            if status == -SIGSYS:  # the filter ended it without its handler
                died = Died("denied", str(died))
            self._count(died, name, status)
            raise JobFailed(DENIED if died.cause == "denied" else TOO_LONG) from None
        finally:
            if process is not None:
                # Once `serve` has ended, no task is left to end the idle ones.
                if kept and self._serving:
                    self._idle.append(process)
                else:
                    await process.end(kill=not kept)
        if reply.outcome == "refused":
            raise Refused(reply.text)
        if reply.outcome == "denied":
            self._count(Died("denied", reply.text), name)
            raise JobFailed(DENIED)
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
        logger.warning("sandbox process exited", extra={"kv": kv})


async def try_process(job: Job[A], expected: A) -> Ready:
    """Start a process, have it do a job of our own, and end it. Raises Died."""
    process = await start_process()
    try:
        reply = await process.ask(to_msgpack(job), START_SECONDS)
        if reply.outcome != "done" or await _answer(job, reply.answer) != expected:
            raise Died("answer", f"job failed: {reply.outcome} {reply.text}")
        return process.bounds
    finally:
        await process.end()


class Turn:
    """A turn: the right of an account to run jobs, one after the other."""

    def __init__(self, do: _Do) -> None:
        self._do = do

    async def do(self, job: Job[A]) -> A:
        """Do a job.

        Raises:
          Refused: the job cannot be done for this mail; the text is a sentence for the reader.
          JobFailed: the job took too much time or memory, or no process can be started.
        """
        return await self._do(job)


async def _packed(job: Job[Any]) -> bytes:
    """Encode a job as a frame. Raises Refused: the mail is too large."""
    frame = await trio.to_thread.run_sync(to_msgpack, job)
    if len(frame) > MAX_FRAME:
        raise Refused("This message is too large to display.")
    return frame


async def _answer(job: Job[A], answer: msgspec.Raw) -> A:
    """Decode the answer to a job. Raises Died: it is not of the job's `ANSWER` type."""
    try:
        if len(answer) <= LARGE:
            return cast(A, from_msgpack(answer, job.ANSWER))
        return cast(A, await trio.to_thread.run_sync(lambda: from_msgpack(answer, job.ANSWER)))
    except msgspec.MsgspecError as error:
        raise Died("answer", f"invalid response: {error}") from None
