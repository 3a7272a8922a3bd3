"""The server's side of the process that knows `regex` (`child`). It blocks: threads ask, one at a time."""

from __future__ import annotations

import atexit
import logging
import os
import socket
import subprocess
import threading
import time
from contextlib import ExitStack, suppress
from typing import Final

import msgspec

from moxlite.encoding import msgpack_decoder, to_msgpack
from moxlite.ownprogram import exit_words, own_program
from moxlite.patterns.questions import Answer, NoProcess, Question, TooCostly
from moxlite.sandbox.messages import LENGTH, MAX_FRAME, Ready
from moxlite.sandbox.metrics import deaths
from moxlite.sandbox.process import Died, environment, ready_of

logger = logging.getLogger("moxlite.patterns")

WAIT_SECONDS: Final = 10.0
"""Seconds to wait for an answer, of which the process has at most some of the processor's. A process takes 0.2 s to
start, on a small machine 2 s.
"""

END_SECONDS: Final = 1.0
"""Seconds for the system to end a process that is killed."""

SIGSYS: Final = 31
"""The signal of a filter of system calls (signal(7)); Windows has none of that name."""

MAX_CALL: Final = 100
"""Characters that are logged of what the process says of a refused system call."""

_answers: Final = msgpack_decoder(Answer)


class _Process:
    """A running process."""

    def __init__(self) -> None:
        """Start it, and wait until it has confined itself. Raises OSError, NoProcess."""
        if os.name == "nt":
            raise NoProcess("not available on Windows, where no child inherits a socket as its input")
        self.owner: Final = _owner()
        with ExitStack() as passed, ExitStack() as kept:
            self._socket, theirs = socket.socketpair()
            kept.callback(self._socket.close)
            passed.callback(theirs.close)
            end, self._life = os.pipe()
            kept.callback(os.close, self._life)
            passed.callback(os.close, end)
            self._child = subprocess.Popen(  # noqa: S603  our own module
                own_program("patterns"),
                stdin=theirs.fileno(),
                stdout=end,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=environment(),
                start_new_session=True,  # a terminal's ^C is for the server
            )
            kept.pop_all()
        # it ends by itself when it is not asked, and then something must wait for it
        threading.Thread(target=self._child.wait, name="patterns", daemon=True).start()
        try:
            ready = self._exchange(b"")
            if isinstance(ready, int):  # not by a pattern: it has had none
                raise NoProcess(f"process failed to start ({exit_words(ready)})")
            self.bounds = ready_of(ready)
        except (Died, msgspec.MsgspecError) as error:
            self.close()
            raise NoProcess(str(error)) from None
        except NoProcess:
            self.close()
            raise

    def ask(self, question: Question) -> Answer | int:
        """The answer, or the exit status of the process, negative for a signal. Raises NoProcess."""
        frame = to_msgpack(question)
        answer = self._exchange(len(frame).to_bytes(LENGTH, "big") + frame)
        try:
            return answer if isinstance(answer, int) else _answers.decode(answer)
        except msgspec.MsgspecError as error:
            raise NoProcess(f"invalid response: {error}") from None

    def _exchange(self, octets: bytes) -> bytes | int:
        """Send octets, and receive a frame; or the exit status of the process. Raises NoProcess."""
        end = time.monotonic() + WAIT_SECONDS
        try:
            self._socket.settimeout(WAIT_SECONDS)
            self._socket.sendall(octets)
            size = int.from_bytes(self._octets(LENGTH, end), "big")
            if size > MAX_FRAME:
                raise NoProcess("response is too long")
            return self._octets(size, end)
        except TimeoutError:
            raise NoProcess(f"timed out after {WAIT_SECONDS:g} s") from None
        except OSError:
            try:
                return self._child.wait(1)
            except subprocess.TimeoutExpired:
                raise NoProcess("process closed its socket") from None

    def _octets(self, size: int, end: float) -> bytes:
        buffer = bytearray()
        while len(buffer) < size:
            self._socket.settimeout(max(0.001, end - time.monotonic()))
            piece = self._socket.recv(size - len(buffer))
            if not piece:
                raise ConnectionResetError
            buffer += piece
        return bytes(buffer)

    def close(self) -> None:
        """End the process."""
        self._socket.close()
        os.close(self._life)
        # After a fork the process is the parent's, and after the change of the user it was started by root: neither may
        # be, or can be, signalled from here. It ends by itself when its pipe closes.
        if self.owner == _owner():
            self._child.kill()
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(END_SECONDS)


class PatternProcess:
    """The process, started when a question needs it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: _Process | None = None

    def ask(self, question: Question) -> Answer:
        """Raises TooCostly, NoProcess."""
        # One question at a time: frames have no numbers, and a thread that gave up waiting would leave its answer to
        # the next one. So after a timeout the process is ended, too.
        with self._lock:
            for attempt in range(2):
                answer = self._ask(question)
                _note_refusal(answer)
                if isinstance(answer, Answer):
                    return answer
                self._close()
                if answer < 0:  # by a signal of the system: SIGPROF, or the want of memory
                    raise TooCostly(f"signal {-answer}")
                if attempt:
                    raise NoProcess(f"exit status {answer}")
                # it had not been asked for long, and ended as it was asked
            raise AssertionError

    def _ask(self, question: Question) -> Answer | int:
        if self._running is not None and self._running.owner != _owner():
            self._close()  # of another process, or of root before it became the server's user
        try:
            if self._running is None:
                self._running = _Process()
            return self._running.ask(question)
        except OSError as error:
            raise NoProcess(f"can't start the process: {error}") from None
        except NoProcess:
            self._close()
            raise

    def close(self) -> None:
        """End the process; the next question starts another one."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.close()


def _note_refusal(answer: Answer | int) -> None:
    """Count and log a system call that the filter has refused: a pattern or the library makes the process do what
    it never needs.
    """
    call = f"signal {SIGSYS}" if answer == -SIGSYS else ""
    if isinstance(answer, Answer) and answer.outcome == "costly":
        call = "".join(char if char.isprintable() else " " for char in answer.text[:MAX_CALL])
    if call:
        deaths.labels(cause="denied").inc()
        logger.warning("pattern process: system call denied", extra={"kv": {"err": call}})


def _owner() -> tuple[int, int]:
    return os.getpid(), os.geteuid() if os.name == "posix" else 0


def try_process() -> Ready:
    """Start a process, have it compile a pattern, and end it. Blocks. Raises NoProcess."""
    try:
        tried = _Process()
    except OSError as error:
        raise NoProcess(f"can't start the process: {error}") from None
    try:
        answer = tried.ask(Question("(a)\\1"))
    finally:
        tried.close()
    if isinstance(answer, int):
        raise NoProcess(f"process exited ({exit_words(answer)})")
    if answer.outcome != "done":
        raise NoProcess(f"couldn't compile a pattern: {answer.outcome} {answer.text}")
    return tried.bounds


process: Final = PatternProcess()
"""The process of this server, or command."""

atexit.register(process.close)
