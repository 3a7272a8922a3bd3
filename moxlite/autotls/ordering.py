"""One conversation with a CA: start a child process, give it a job, and handle its events until the last one."""

import contextlib
import logging
import random
import subprocess
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
import trio
from cryptography import x509

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
    Ping,
    Pong,
    Prove,
    Registered,
    Window,
    Windows,
)
from moxlite.encoding import Decoder, json_decoder, to_json
from moxlite.ownprogram import exit_words, own_program

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
        raise CAFailed(f"can't start the CA client process: {error}") from None
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
        with trio.CancelScope(shield=True):  # bounded: it was killed
            await process.wait()
    match last:
        case Failed():
            clock = "" if last.clock is None else f" (clock offset to the CA: {last.clock:+.0f} s)"
            raise CAFailed(last.text + clock, retry_after=last.retry_after, unreached=last.unreached)
        case Issued() | Windows() | KeyChanged() | Pong():
            return last
        case _ if limit.cancelled_caught:
            raise CAFailed(f"CA timed out after {SECONDS:.0f} s")
        case _:
            raise CAFailed(f"the CA client process exited ({exit_words(process.returncode)})")


async def try_process() -> None:
    """Start a child, have it load all it needs, and end it. Raises CAFailed."""
    await speak(Ping(), lambda _: None)


async def _converse(job: Job, show: Show, stdin: trio.abc.SendStream, stdout: trio.abc.ReceiveStream) -> Event | None:
    """Write the job, and handle events until the last one; None if the child ends without it."""
    buffer = bytearray()
    try:
        await stdin.send_all(to_json(job) + b"\n")
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
            show(event)  # before the word: the CA may look at once
            if isinstance(event, Prove):
                await stdin.send_all(PROVED)
    except (trio.BrokenResourceError, msgspec.DecodeError) as error:
        return Failed(f"the CA client process failed: {error}")
    return Failed("unexpected data in the CA's certificate chain")


# Times of certificate renewals, and of new tries after failed orders (WEB-115, WEB-116).

CHECK_SECONDS: Final = 3600.0
"""Shortest time in seconds between two successful orders for one host, and between two requests for its window. If a
CA's window is always over, this limits the orders to one an hour.
"""
DAY: Final = 86400.0
SHORT: Final = 10 * DAY
"""Seconds of lifetime. Shorter certificates are renewed when half of it is left, because noticing a failure takes some
days.
"""
FIRST_PAUSE: Final = 60.0
LONGEST_PAUSE: Final = DAY
"""Seconds between the tries of an order. Let's Encrypt allows 5 failures an hour for a host."""


def lifetime(certificate: x509.Certificate) -> tuple[float, float]:
    """Begin and end of a certificate's validity, in seconds UTC."""
    return certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()


def fallback(certificate: x509.Certificate, before: float | None = None) -> float:
    """The renewal time if the CA names no window, in seconds UTC: at 2/3 of the lifetime, or at 1/2 if it is below 10
    days.

    Args:
      before: configured seconds before the certificate's end, None for `auto`. They are limited to the time between
        half of the lifetime and the default above, so that a certificate is renewed neither continually nor too late.
    """
    begin, end = lifetime(certificate)
    length = end - begin
    usual = begin + length * (1 / 2 if length < SHORT else 2 / 3)
    return usual if before is None else min(max(end - before, begin + length / 2), usual)


def moment(
    certificate: x509.Certificate, window: Window, choose: Callable[[float, float], float] = random.uniform
) -> float | None:
    """A random moment of the CA's window (RFC 9773 §4.2); None if the window cannot be valid."""
    _, end = lifetime(certificate)
    # A window that ends after the certificate would be kept to, and clients would see one that has ended.
    if not 0 <= window.start <= window.end < end:
        return None
    return choose(window.start, window.end)


def ask_again(seconds: float) -> float:
    """Seconds until the next request for the window: as the CA says, between an hour and a day (RFC 9773 §4.3.2)."""
    return min(max(seconds, CHECK_SECONDS), DAY)


def pause(failures: int, retry_after: float | None = None) -> float:
    """Seconds until the next try, after so many failures in a row: 1 min, 2 min … 24 h. At least the CA's Retry-After,
    at most a day.
    """
    own = FIRST_PAUSE * 2.0 ** min(max(failures - 1, 0), 20)
    return min(max(own, retry_after or 0.0), LONGEST_PAUSE)
