"""Output of one connection: a buffer, and the octets' way to the client (IMAP-19, IMAP-20, IMAP-148).

Output is collected and sent when the session waits for the client, or when a command has much output. So pipelined
commands are answered in one piece.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from moxlite.imapd.session.context import Pace
from moxlite.net.log import TRACEDATA
from moxlite.net.sockets import AT_ONCE, at_once, send_now, unsent

logger = logging.getLogger("moxlite.imapd")

SEND_SIZE: Final = 131_072
"""Octets written under one deadline: a client that accepts less than that in five minutes is gone. Twice `HIGH_WATER`,
so that the output drained by a command goes out in one piece.
"""


class StreamOutput:
    """Implements `output.Output` over a Trio stream.

    Args:
      logged_in: whether the client has logged in, so that it gets more time to accept octets.

    Attributes:
      stream: the top stream; TLS and DEFLATE are put on it.
    """

    __slots__ = ("_logged_in", "_out", "_pace", "_sending", "broken", "pending", "sent", "slow", "stream")

    def __init__(self, stream: trio.abc.Stream, pace: Pace, logged_in: Callable[[], bool]) -> None:
        self._pace = pace
        self._logged_in = logged_in
        self._out: list[bytes] = []
        self._sending = trio.Lock()
        self.stream = stream
        self.pending = 0
        self.sent = 0
        self.broken = False
        self.slow = False

    def write(self, octets: bytes) -> None:
        """See `Output.write`."""
        self._out.append(octets)
        self.pending += len(octets)

    def pending_octets(self) -> bytes:
        """See `Output.pending_octets`."""
        return b"".join(self._out)

    def flush(self, *, much: bool = False) -> bool:
        """See `Output.flush`. Raises BrokenResourceError if the client is gone."""
        if self._sending.locked():  # IDLE and NOTIFY write while another task waits for the client
            return False
        stream = self.stream
        if self._out:
            if self.slow or self.pending > (at_once(stream) if much else AT_ONCE) or unsent(stream):
                return False
            octets = self._out[0] if len(self._out) == 1 else b"".join(self._out)
            try:
                taken = send_now(stream, octets)
            except BaseException:
                self.broken = True
                raise
            self._out = [octets[taken:]] if taken < len(octets) else []
            self.pending -= taken
            self.sent += taken
            if taken and logger.isEnabledFor(TRACEDATA):
                logger.log(TRACEDATA, "sent", extra={"kv": {"data": octets[:taken]}})
        return not self._out and not unsent(stream)

    async def drain(self) -> None:
        """See `Output.drain`. Raises BrokenResourceError if the client is gone, or accepts nothing (IMAP-19)."""
        while not self.flush():
            # IDLE and NOTIFY write while another task waits for the client. `async with` would run a checkpoint even
            # for a free lock.
            if self._sending.locked():
                await self._sending.acquire()
            else:
                self._sending.acquire_nowait()
            try:
                octets = b"".join(self._out)
                self._out.clear()
                self.pending = 0
                self.sent += len(octets)
                if logger.isEnabledFor(TRACEDATA):
                    logger.log(TRACEDATA, "sent", extra={"kv": {"data": octets}})
                await (self._send_slowly(octets) if self.slow and octets else self._send(octets))
            except BaseException:
                self.broken = True
                raise
            finally:
                self._sending.release()

    async def _send(self, octets: bytes) -> None:
        seconds = self._pace.write if self._logged_in() else self._pace.before_login
        view = memoryview(octets)
        for start in range(0, len(octets) or 1, SEND_SIZE):  # without octets: sends what the stream still holds
            await _within(seconds, self.stream.send_all(view[start : start + SEND_SIZE]))

    async def _send_slowly(self, octets: bytes) -> None:
        """Send one octet a second, to slow down password guessing (IMAP-20)."""
        for position in range(len(octets)):
            await trio.sleep(self._pace.slow)
            await _within(self._pace.before_login, self.stream.send_all(octets[position : position + 1]))


async def _within(seconds: float, sending: Awaitable[None]) -> None:
    with trio.move_on_after(seconds) as scope:
        await sending
    if scope.cancelled_caught:
        raise trio.BrokenResourceError("client takes nothing")
