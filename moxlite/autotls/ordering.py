"""One conversation with a CA: start a child process, give it a job, and handle its events until the last one."""

import contextlib
import logging
import subprocess
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
import trio

from moxlite.autotls.messages import (
    LAST,
    MAX_LINE,
    PROVED,
    Done,
    Event,
    Failed,
    Issued,
    Job,
    KeyChanged,
    Prove,
    Registered,
    Windows,
)
from moxlite.decoders import Decoder, json_decoder
from moxlite.ownprogram import own_program

logger = logging.getLogger("moxlite.autotls.ordering")

SECONDS: Final = 180.0
"""Seconds for a conversation: more than the child gives an order."""

Show = Callable[[Prove | Registered], None]
"""Shows a proof to the CA from now on; notes the account."""

Speak = Callable[[Job, Show], Awaitable[Done]]
"""The type of `speak`, which tests replace."""

_events: Final[Decoder[Event]] = json_decoder(Event)


class CAFailed(Exception):
    """The CA did not do what was requested; the text is in its words if it sent any. `retry_after`: seconds, None if it
    named no time. `unreached`: it could not connect to the place of the proofs.
    """

    def __init__(self, text: str, *, retry_after: float | None = None, unreached: bool = False) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        self.unreached = unreached


async def speak(job: Job, show: Show) -> Done:
    """Do a job in a child process, which has ended when this returns.

    Cancellation: ends the child. Raises CAFailed.
    """
    try:
        process = await trio.lowlevel.open_process(
            own_program("acme"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a terminal's ^C is for the server, which ends the child itself
        )
    except OSError as error:
        raise CAFailed(f"the process that speaks with the CA cannot be started: {error}") from None
    assert process.stdin is not None
    assert process.stdout is not None
    last: Event | None = None
    try:
        with trio.move_on_after(SECONDS) as limit:
            async with process.stdin, process.stdout:
                last = await _converse(job, show, process.stdin, process.stdout)
                await process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
    match last:
        case Failed():
            clock = "" if last.clock is None else f" (the CA's clock is {last.clock:+.0f} s from ours)"
            raise CAFailed(last.text + clock, retry_after=last.retry_after, unreached=last.unreached)
        case Issued() | Windows() | KeyChanged():
            return last
        case _ if limit.cancelled_caught:
            raise CAFailed(f"the CA did not finish within {SECONDS:.0f} s")
        case _:
            raise CAFailed(f"the process that speaks with the CA ended with status {process.returncode}")


async def _converse(job: Job, show: Show, stdin: trio.abc.SendStream, stdout: trio.abc.ReceiveStream) -> Event | None:
    """Write the job, and handle events until the last one; None if the child ends without it."""
    buffer = bytearray()
    try:
        await stdin.send_all(msgspec.json.encode(job) + b"\n")
        while len(buffer) <= MAX_LINE:
            line, newline, rest = bytes(buffer).partition(b"\n")
            if not newline:
                data = await stdout.receive_some()
                if not data:
                    return None
                buffer += data
                continue
            buffer = bytearray(rest)
            event = _events.decode(line)
            if isinstance(event, LAST):
                return event
            assert isinstance(event, Prove | Registered)
            show(event)
            if isinstance(event, Prove):
                await stdin.send_all(PROVED)
    except (trio.BrokenResourceError, msgspec.DecodeError) as error:
        return Failed(f"the process that speaks with the CA failed: {error}")
    return Failed("the CA sent more than a certificate chain")
