"""Transcripts of what the programs of an account say and are told, for the operator who looks for the cause of a
program's trouble (IMAP-159, JMAP-8a). Content and secrets are masked by each protocol before they come here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Final

import trio

from moxlite.net.control.server import CommandFailed

LINES: Final = 1_000
"""Maximum lines that wait for a slow terminal."""

LENGTH: Final = 2_000
"""Maximum characters shown of one line: more of a long list of flags or ids is of no use."""

MAX_MINUTES: Final = 60
"""Maximum minutes of one transcript: it is for examining a program that is being tested, not for keeping."""

MINUTE: Final = 60.0
"""Seconds of a minute."""

MAX_TRANSCRIPT: Final = 16 << 20
"""Maximum octets of one transcript."""

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class TranscriptBuffer:
    """Receiver of the lines of one transcript.

    Attributes:
      lost: lines that found the buffer full.
    """

    def __init__(self) -> None:
        self.lost = 0
        self._send, self.lines = trio.open_memory_channel[str](LINES)

    def tell(self, session: int, side: str, text: str) -> None:
        """Add a line; `side` is ``C`` or ``S``, or ``-`` for a remark about the session."""
        now = time.time()
        stamp = time.strftime("%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}"
        try:
            self._send.send_nowait(f"{stamp} {session} {side}: {_shown(text)}\n")
        except trio.WouldBlock:
            self.lost += 1
        except trio.BrokenResourceError:
            pass  # the operator has just disconnected


def _shown(text: str) -> str:
    text = _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
    return text if len(text) <= LENGTH else f"{text[:LENGTH]}… ({len(text)} characters)"


def check_minutes(minutes: int) -> None:
    """Raise CommandFailed for a transcript that would take too long."""
    if not 1 <= minutes <= MAX_MINUTES:
        raise CommandFailed("badRequest", f"transcripts must run for 1 to {MAX_MINUTES} minutes")


async def send_transcript(
    tapped: AbstractContextManager[TranscriptBuffer], minutes: int, send: Callable[[bytes], Awaitable[None]]
) -> tuple[int, int]:
    """Send lines as they come, until the time or size limit; returns the number of lines, and of those left out."""
    lines = octets = 0
    with tapped as tap:
        with trio.move_on_after(minutes * MINUTE):
            async for line in tap.lines:
                data = line.encode()
                await send(data)
                lines, octets = lines + 1, octets + len(data)
                if octets > MAX_TRANSCRIPT:
                    break
        return lines, tap.lost
