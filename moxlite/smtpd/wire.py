"""The octets of one SMTP connection: reading, buffered writing, slow mode, deadlines, TLS, and the trace in the log.

Replies collect in a buffer that is sent when the session needs to read, so that a pipelined batch costs one write
(SMTP-12).
"""

import contextlib
import logging
import math
import re
from typing import Final

import trio

from moxlite.net.admission import ConnectionInfo
from moxlite.net.log import TRACE, TRACEAUTH, TRACEDATA
from moxlite.net.sockets import at_once, send_now, unsent
from moxlite.net.tls.handshake import ServerTLS
from moxlite.net.tls.stream import TLSStream
from moxlite.proto.sasl import NO_BINDINGS, ChannelBindings
from moxlite.proto.smtp.replies import Response
from moxlite.smtpd.context import Timeouts
from moxlite.smtpd.replies import SHUTTING_DOWN, Goodbye

logger = logging.getLogger("moxlite.smtpd")

READ: Final = 65536
"""Octets read at a time: a block costs the same number of calls, whatever its size."""

RUSH: Final = 5.0
"""Seconds before the write deadline at which slow mode sends the remaining octets at once (SMTP-15)."""

_WITH_CREDENTIALS: Final = re.compile(rb"(?:\A|\n)AUTH ", re.IGNORECASE)
_WITH_CONTENT: Final = re.compile(rb"(?:\A|\n)(?:DATA\s*\n.|BDAT )", re.IGNORECASE)

VERB: Final = 5
"""Octets needed to recognize a command with credentials or content: ``AUTH ``, ``BDAT ``."""

TRACE_LINE: Final = 1024
"""Octets of a line shown in the trace."""


class Wire:
    """One connection.

    All deadlines use one cancel scope around the session, `deadline`, whose time is set anew for each wait: that costs
    a tenth of a new scope, and a message has a dozen waits. Every deadline ends the session.

    Attributes:
      info: the connection: addresses, listener and TLS.
      deadline: the cancel scope of the session.
      slow: one octet per second (SMTP-15).
      ended: the reply to end the session with, None while it may go on.
    """

    def __init__(self, stream: trio.abc.Stream, info: ConnectionInfo, timeouts: Timeouts) -> None:
        self.info = info
        self.deadline = trio.CancelScope()
        self.slow = False
        self.ended: Response | None = None
        self._stream = stream
        self._timeouts = timeouts
        self._out: list[bytes] = []
        self._ahead = b""  # octets received during a delay
        self._begun = b""  # first octets of an incomplete command
        self._interruptible = False  # a shutdown ends this wait
        self._waiting = False  # for the client

    # Reading and waiting

    async def receive(self, seconds: float) -> bytes:
        """Flush the write buffer, then return the next octets from the client, b"" at the end of the stream. A shutdown
        or `end` ends the wait.

        Raises Goodbye.
        """
        await self.flush()
        if self.slow:
            await self.pause(self._timeouts.slow)
        self._check_end()
        self._interruptible = True
        try:
            return await self._receive(seconds)
        finally:
            self._interruptible = False

    async def receive_block(self, seconds: float) -> bytes:
        """Return octets of a message: as `receive`, but a shutdown does not interrupt."""
        await self.flush()
        if self.slow:
            await trio.sleep(self._timeouts.slow)
        if self.ended is not None:
            raise Goodbye(self.ended)
        return await self._receive(seconds)

    async def _receive(self, seconds: float) -> bytes:
        if self._ahead:
            octets, self._ahead = self._ahead, b""
            await trio.lowlevel.checkpoint()
            return octets
        self.deadline.deadline = trio.current_time() + seconds
        self._waiting = True
        try:
            return bytes(await self._stream.receive_some(READ))
        except trio.BrokenResourceError:
            return b""
        finally:
            self._waiting = False
            self.deadline.deadline = math.inf

    async def pause(self, seconds: float) -> None:
        """Delay the client; a shutdown ends the delay (SMTP-16). Raises Goodbye."""
        self._check_end()
        self._interruptible = True
        try:
            await trio.sleep(seconds)
        finally:
            self._interruptible = False

    async def linger(self, seconds: float) -> None:
        """Delay the client, while it stays connected; a shutdown ends the delay.

        Octets that the client sends meanwhile are kept for `receive`, at most one block.

        Raises Goodbye.
        """
        self._check_end()
        self._interruptible = True
        until = trio.current_time() + seconds
        try:
            with trio.move_on_at(until):
                # Only a read notices that the client is gone. Once octets are there, no more is read, so that a client
                # cannot fill the memory.
                if not self._ahead:
                    try:
                        self._ahead = bytes(await self._stream.receive_some(READ))
                    except trio.BrokenResourceError:
                        raise Goodbye from None
                    if not self._ahead:
                        raise Goodbye
                await trio.sleep_until(until)
        finally:
            self._interruptible = False

    def _check_end(self) -> None:
        if self.info.shutdown.is_set():
            raise Goodbye(SHUTTING_DOWN)
        if self.ended is not None:
            raise Goodbye(self.ended)

    def end(self, response: Response) -> None:
        """End the session with this reply: at once if it waits for the client, else before its next wait."""
        self.ended = self.ended or response
        if self._waiting:
            self.deadline.cancel()

    def shut_down(self) -> None:
        """End the wait for a command: the server shuts down."""
        if self._interruptible:
            self.deadline.cancel()

    # Writing

    def write(self, octets: bytes) -> None:
        """Append octets to the write buffer."""
        self._out.append(octets)

    async def flush(self) -> None:
        """Send the write buffer. A checkpoint only if the client has not read earlier replies.

        Raises Goodbye when the client has disconnected.
        """
        if self._flush_now():
            return
        octets = b"".join(self._out)
        self._out.clear()
        self.deadline.deadline = trio.current_time() + self._timeouts.write
        try:
            if self.slow:
                octets = await self._dribble(octets, self.deadline.deadline - RUSH)
            await self._stream.send_all(octets)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise Goodbye from None
        finally:
            self.deadline.deadline = math.inf

    def _flush_now(self) -> bool:
        """Send the write buffer if there is room for it, unless in slow mode. Returns whether nothing is left. Raises
        Goodbye.
        """
        octets = b"".join(self._out)
        if octets and not self.slow and len(octets) <= at_once(self._stream):
            try:
                octets = octets[send_now(self._stream, octets) :]
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                raise Goodbye from None
            self._out[:] = [octets] if octets else []
        return not octets and not unsent(self._stream)

    async def say_last(self, octets: bytes) -> None:
        """Send the last reply within `Timeouts.farewell` seconds, whole also in slow mode; a failure is ignored."""
        self.slow = False
        self._out.append(octets)
        with contextlib.suppress(Goodbye):
            if not self._flush_now():
                with trio.move_on_after(self._timeouts.farewell):
                    await self.flush()

    async def _dribble(self, octets: bytes, until: float) -> bytes:
        """Send octet by octet until that time; returns the octets that are left."""
        for position in range(len(octets) - 1):
            if trio.current_time() + self._timeouts.slow > until:
                return octets[position:]
            await self._stream.send_all(octets[position : position + 1])
            await trio.sleep(self._timeouts.slow)
        return octets[-1:]

    # TLS

    async def start_tls(self, tls: ServerTLS, leftover: bytes) -> None:
        """Shake hands as the server; `leftover`: octets received after STARTTLS. Raises TLSError."""
        stream = await tls.accept(self._stream, leftover=leftover)
        self._stream = stream
        self.info = self.info.with_tls(stream.facts)

    @property
    def bindings(self) -> ChannelBindings:
        """Channel bindings of this connection, for SCRAM."""
        stream = self._stream
        if not isinstance(stream, TLSStream):
            return NO_BINDINGS
        return {kind: stream.channel_binding(kind) for kind in stream.channel_bindings()}

    # The trace in the log (SMTP-47)

    def trace_commands(self, octets: bytes) -> None:
        """Log octets received while commands are expected. The same block may hold credentials or content, and a
        command may come in pieces.
        """
        text = self._begun + octets
        self.trace_received(
            octets, auth=_WITH_CREDENTIALS.search(text) is not None, data=_WITH_CONTENT.search(text) is not None
        )
        last = text[text.rfind(b"\n") + 1 :]
        self._begun = last[:VERB]

    def trace_received(self, octets: bytes, *, auth: bool = False, data: bool = False) -> None:
        """Log received octets at the trace level of their kind. If that level is off, log only their number."""
        _trace("remote", octets, auth=auth, data=data)

    def trace_sent(self, octets: bytes, *, auth: bool = False) -> None:
        """Log sent octets."""
        _trace("local", octets, auth=auth, data=False)

    async def finish(self) -> None:
        """Send the closing alert of TLS, if that does not block. The caller closes: a client that still sends must get
        the last reply (SMTP-6a).
        """
        if isinstance(self._stream, TLSStream):
            await self._stream.send_closing_alert()


def _trace(who: str, octets: bytes, *, auth: bool, data: bool) -> None:
    level = TRACEDATA if data else TRACEAUTH if auth else TRACE
    if logger.isEnabledFor(level):
        text = octets[:TRACE_LINE].decode("utf-8", "replace").rstrip("\r\n")
        logger.log(level, "smtp", extra={"kv": {"from": who, "text": text}})
    else:
        logger.log(TRACE, "smtp", extra={"kv": {"from": who, "octets": len(octets)}})
