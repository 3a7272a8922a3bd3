"""The server's side of one sandbox process: starting it, sending jobs, ending it."""

from __future__ import annotations

import logging
import math
import os
import socket
import subprocess
import time
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
import trio

import moxlite
from moxlite.encoding import msgpack_decoder
from moxlite.ownprogram import exit_words, own_program
from moxlite.sandbox import metrics
from moxlite.sandbox.messages import LENGTH, MAX_FRAME, Ready, Reply

logger = logging.getLogger("moxlite.sandbox")

PROGRAM: Final = tuple(own_program("sandbox"))
"""The command that starts a process."""

START_SECONDS: Final = 20.0
"""Seconds for a process to become ready: 0.3 s on an idle machine, more on a small one with modules on an SD card."""

PATIENCE: Final = 4
"""How many times as long as its processor time a job may take altogether, on a machine that is busy with other work."""

END_SECONDS: Final = 1.0
"""Seconds in which a process may end itself before it is killed."""

CPUCLOCK_SCHED: Final = 2
"""The kind of a process's clock of processor time, in Linux's numbers for the clocks of other processes."""

LARGE: Final = 256 * 1024
"""Octets of a frame from which on it is decoded in a thread; a shorter one takes less than 1 ms."""

KEPT: Final = ("LD_LIBRARY_PATH", "PYTHONHOME", "PATH", "SYSTEMROOT")
"""Environment variables that a process inherits. The others may hold secrets."""

_ready: Final = msgpack_decoder(Ready)
_replies: Final = msgpack_decoder(Reply)


class Died(Exception):
    """A process ended before it answered. `cause`: as in `metrics.deaths`."""

    def __init__(self, cause: str, text: str) -> None:
        super().__init__(text)
        self.cause = cause


class _ProcessorTime:
    """The processor time that is left to a process for a job, of `seconds`."""

    def __init__(self, pid: int, seconds: float) -> None:
        """Raises Died."""
        self._clock = ~pid << 3 | CPUCLOCK_SCHED
        self._seconds = seconds
        self._end = self._used() + seconds

    def _used(self) -> float:
        try:
            return time.clock_gettime(self._clock)
        except OSError:
            raise Died("ended", "process exited unexpectedly") from None

    def left(self) -> float:
        """Seconds for which to wait before looking again. Raises Died: none are left, or the process has ended."""
        left = self._end - self._used()
        if left <= 0:
            raise Died("deadline", f"timed out after {self._seconds:g} s")
        return left


class Process:
    """A running process; made by `start_process`."""

    def __init__(self, process: trio.Process, stream: trio.SocketStream, life: int) -> None:
        """`life`: the writing end of the pipe whose end ends the process within a job."""
        self._process = process
        self._stream = stream
        self._life = life
        metrics.processes.inc()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs, as far as the server has been notified."""
        return self._process.poll() is None

    async def ask(self, frame: bytes, seconds: float) -> Reply:
        """Send a job and wait for the reply. `seconds`: the processor time of the job.

        Raises Died: the process must be killed now.
        """
        processor_time = _ProcessorTime(self.pid, seconds)
        with trio.move_on_after(PATIENCE * seconds):
            try:
                await self._stream.send_all(len(frame).to_bytes(LENGTH, "big") + frame)
                octets = await self._receive(processor_time)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                raise Died("ended", "process exited unexpectedly") from None
            return await _decoded(octets)
        raise Died("deadline", f"timed out after {PATIENCE * seconds:g} s")

    async def ready(self) -> None:
        """Wait for the process's first message, kept as `bounds`. Raises Died."""
        with trio.move_on_after(START_SECONDS) as limit:
            try:
                self.bounds = ready_of(await self._receive())
            except Died as died:
                raise Died("start", str(died)) from None
            except (trio.BrokenResourceError, msgspec.MsgspecError) as error:
                raise Died("start", f"the process failed to start: {error}") from None
        if limit.cancelled_caught:
            raise Died("start", f"process wasn't ready within {START_SECONDS:g} s")

    async def _receive(self, processor_time: _ProcessorTime | None = None) -> bytearray:
        buffer = await self._octets(LENGTH, processor_time)
        size = int.from_bytes(buffer, "big")
        if size > MAX_FRAME:
            raise Died("answer", "response is too long")
        return await self._octets(size, processor_time)

    async def _octets(self, size: int, processor_time: _ProcessorTime | None = None) -> bytearray:
        buffer = bytearray()
        while len(buffer) < size:
            with trio.move_on_after(math.inf if processor_time is None else processor_time.left()) as wait:
                data = await self._stream.receive_some(min(size - len(buffer), 1 << 18))
            if wait.cancelled_caught:
                continue
            if not data:
                raise Died("ended", "process exited unexpectedly")
            buffer += data
        return buffer

    async def end(self, *, kill: bool = False) -> int:
        """End the process: kill it, or close its socket so that it ends itself.

        Returns:
          Its exit status; negative for a signal.
        """
        metrics.processes.dec()
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(self._stream)
            with trio.move_on_after(0 if kill else END_SECONDS):
                await self._process.wait()
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            os.close(self._life)
        assert self._process.returncode is not None
        return self._process.returncode


def ready_of(octets: bytes | bytearray) -> Ready:
    """The first message of a process. Raises Died: it is not confined, msgspec.MsgspecError."""
    ready = _ready.decode(octets)
    if ready.unconfined:
        raise Died("start", f"sandbox isn't working: {ready.unconfined}")
    _note_weakness(landlock=ready.landlock, filtered=ready.filtered)
    return ready


@cache
def _note_weakness(*, landlock: bool, filtered: bool) -> None:
    """Log once what the kernel, or what surrounds the server, does not have."""
    if not (landlock and filtered):
        kv = {"landlock": landlock, "seccomp": filtered}
        logger.warning("sandbox processes running without kernel confinement", extra={"kv": kv})


async def _decoded(octets: bytearray) -> Reply:
    """Decode a reply. Raises Died."""
    try:
        if len(octets) <= LARGE:
            return _replies.decode(octets)
        return await trio.to_thread.run_sync(_replies.decode, octets)
    except msgspec.MsgspecError as error:
        raise Died("answer", f"invalid reply: {error}") from None


def environment() -> dict[str, str]:
    """The environment of a process: where its modules are, and no secrets."""
    variables = {name: value for name in KEPT if (value := os.environ.get(name))}
    root = str(Path(moxlite.__file__).parent.parent)
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**variables, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)), "LC_ALL": "C.UTF-8"}


async def start_process() -> Process:
    """Start a process, and wait until it has confined itself. Raises Died."""
    metrics.starts.inc()
    with ExitStack() as kept:
        try:
            process = await _start(kept)
        except OSError as error:
            raise Died("start", f"can't start the process: {error}") from None
        kept.pop_all()
    try:
        await process.ready()
    except Died as died:
        status = await process.end(kill=True)
        raise Died("start", f"{died} ({exit_words(status)})") from None
    except BaseException:
        await process.end(kill=True)
        raise
    return process


async def _start(kept: ExitStack) -> Process:
    """Start a process. `kept` closes the server's ends, which the process has then."""
    with ExitStack() as passed:
        ours, theirs = socket.socketpair()
        kept.callback(ours.close)
        passed.callback(theirs.close)
        end, life = os.pipe()
        kept.callback(os.close, life)
        passed.callback(os.close, end)
        process = await trio.lowlevel.open_process(
            PROGRAM,
            stdin=theirs.fileno(),
            stdout=end,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=environment(),
            start_new_session=True,  # a terminal's ^C is for the server
        )
    return Process(process, trio.SocketStream(trio.socket.from_stdlib_socket(ours)), life)
