"""A process of the sandbox (`own_program`), with a socket to the server as its standard input, and as its standard
output the reading end of a pipe whose other end closes with the server.

It loads all modules that jobs need, confines itself, sends `Ready`, and does one job after the other until the server
closes the socket.
"""

from __future__ import annotations

import codecs
import os
import signal
import socket
from typing import Final

import msgspec

from moxlite.encoding import Decoder, msgpack_decoder, to_msgpack
from moxlite.heap import Trimmer, keep_heap_small
from moxlite.proto import publicsuffix
from moxlite.proto.mime.charset import CODECS
from moxlite.sandbox.beginning import begin
from moxlite.sandbox.channel import LIFE, MAX_TEXT, keep_statm, receive, resident, send
from moxlite.sandbox.confine import MEMORY, watch, watched
from moxlite.sandbox.jobs import AnyJob
from moxlite.sandbox.messages import MAX_FRAME, Refused, Reply
from moxlite.sandbox.work import SAMPLES, work

SECONDS: Final = 30.0
"""Seconds of a job after which the system kills the process; longer than the server waits."""

LARGE: Final = 48 << 20
"""Octets of resident memory after a job from which on free memory is returned to the system; it begins with 25 MB."""

GROWN: Final = 96 << 20
"""Octets that remain then, from which on a process does no further job: its free memory is fragmented."""

_trim: Final = Trimmer(interval=0)

_jobs: Final[Decoder[AnyJob]] = msgpack_decoder(AnyJob)


def framed(message: Reply) -> bytes:
    """The octets of a reply; of a refusal if it is too large."""
    octets = to_msgpack(message)
    if len(octets) > MAX_FRAME:
        return to_msgpack(Reply("refused", "This message is too large to display."))
    return octets


def reply(job: AnyJob) -> Reply:
    """Do a job."""
    try:
        answer = msgspec.Raw(to_msgpack(work(job)))
    except Refused as refusal:
        return Reply("refused", str(refusal), last=_grown())
    except Exception as error:  # noqa: BLE001  from a library: this process ends, the next job gets a new one
        frames = error.__traceback__
        while frames is not None and frames.tb_next is not None:
            frames = frames.tb_next
        place = "" if frames is None else f" ({frames.tb_frame.f_code.co_filename}:{frames.tb_lineno})"
        return Reply("failed", f"{type(error).__name__}: {error}"[:MAX_TEXT] + place[-MAX_TEXT:], last=True)
    return Reply("done", answer=answer, last=_grown())


def _grown() -> bool:
    """Whether the memory of this process is too large for another job."""
    if resident() > LARGE:
        _trim()
    return resident() > GROWN


def main() -> None:
    """Do jobs until the server closes the socket."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a terminal's ^C is for the server
    watch(LIFE)
    keep_heap_small()
    channel = socket.socket(fileno=0)
    publicsuffix.prepare()
    # All files are read before the process gives them up.
    for codec in ("idna", "punycode", *CODECS):
        codecs.lookup(codec)  # modules of codecs are loaded at their first use
    for sample in SAMPLES:  # libraries that load modules at their first use load them now
        work(sample)
    keep_statm()
    begin(channel, lambda call: Reply("denied", call, last=True), MEMORY)
    while (frame := receive(channel)) is not None:
        with watched(SECONDS):
            answer = reply(_jobs.decode(frame))
        del frame
        send(channel, framed(answer))
        if answer.last:
            break
    os._exit(0)  # the end of the interpreter makes other system calls
