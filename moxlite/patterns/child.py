"""A process that compiles patterns with `regex`, started like a process of `moxlite.sandbox`
(`own_program`).

Compiling can take any memory and time. So the process has little memory, the system ends it
when a question takes too much of the processor, and it ends itself when it was not asked for a while.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import time
from contextlib import suppress
from typing import Final

import regex

from moxlite.encoding import msgpack_decoder, to_msgpack
from moxlite.patterns.questions import Answer, Question
from moxlite.sandbox.beginning import begin
from moxlite.sandbox.channel import LIFE, keep_statm, receive, resident, send
from moxlite.sandbox.confine import watch, watched

MEMORY: Final = 96 << 20
"""Octets of address space: 22 MB are in use before the first question."""

COMPILE_SECONDS: Final = 1.0
"""Seconds of the processor to compile a pattern; a sane one takes 1 ms."""

SECONDS: Final = 20.0
"""Seconds after which the process is killed, however busy the machine is; longer than the server waits."""

IDLE_SECONDS: Final = 60.0
"""Seconds without a question after which the process ends."""

MAX_TEXT: Final = 300
"""Characters of an error's text."""

_questions: Final = msgpack_decoder(Question)


def answer(question: Question) -> Answer:
    """Compile a pattern."""
    before, began = resident(), time.process_time()
    try:
        regex.compile(question.pattern)
    except regex.error as error:
        return Answer("fault", str(error)[:MAX_TEXT] or "can't be parsed")
    except RecursionError:
        return Answer("fault", "groups are nested too deeply")
    except (OverflowError, ValueError) as error:  # of the library, on some patterns
        return Answer("fault", str(error)[:MAX_TEXT] or "can't be parsed")
    return Answer("done", "", time.process_time() - began, max(0, resident() - before))


def bounded(question: Question) -> Answer:
    """The answer, also where memory is short. What is kept of other patterns is given up first."""
    for attempt in ("as it is", "with free memory"):
        try:
            return answer(question)
        except MemoryError:
            if attempt == "as it is":
                regex.purge()
    return Answer("costly")


def main() -> None:
    """Answer until the server closes the socket, or asks no more."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a terminal's ^C is for the server
    watch(LIFE)
    channel = socket.socket(fileno=0)
    answer(Question("(?i)[a-z\u00e9]{2}|a"))  # the library loads modules at its first use
    keep_statm()
    # Not settimeout: that calls poll(2), which the filter of system calls refuses.
    timeout = struct.pack("ll", *divmod(round(IDLE_SECONDS * 1_000_000), 1_000_000))
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
    begin(channel, lambda call: Answer("costly", call), MEMORY)
    with suppress(BlockingIOError):
        while (frame := receive(channel)) is not None:
            question = _questions.decode(frame)
            with watched(SECONDS):
                signal.setitimer(signal.ITIMER_PROF, COMPILE_SECONDS)  # SIGPROF ends the process
                reply = bounded(question)
                signal.setitimer(signal.ITIMER_PROF, 0)
            send(channel, to_msgpack(reply))
    os._exit(0)  # the end of the interpreter makes other system calls
