"""One connection: octets in and out, deadlines, closing (IMAP-13..21; architecture §5).

The nursery tree::

    serve_connection
     ├─ the session  reads, carries out commands, writes
     └─ its watcher  ends the session with BYE when the server stops, or the client falls silent between commands
"""

import logging
import math
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from moxlite.imapd import metrics
from moxlite.imapd.auth import enter, login_request, preauthenticate
from moxlite.imapd.basic import capability_code
from moxlite.imapd.dispatch import HANDLERS
from moxlite.imapd.loop import CommandLoop
from moxlite.imapd.session.context import Context, Timeouts
from moxlite.imapd.session.errors import Disconnect
from moxlite.imapd.session.state import Session
from moxlite.logins.attempts import authentication_ratelimited_total
from moxlite.logins.identity import Identity
from moxlite.net.admission import ConnectionInfo, Refusal, Shutdown
from moxlite.net.deflate import DeflateStream
from moxlite.net.log import TRACEDATA
from moxlite.net.sockets import AT_ONCE, at_once, send_now, unsent
from moxlite.net.tls.errors import TLSError, log_level
from moxlite.net.tls.stream import TLSStream
from moxlite.processor import Stretch
from moxlite.proto.imap.encode import encode
from moxlite.proto.imap.responses import State
from moxlite.proto.imap.server import NEED_DATA, Event, LiteralChunk, LiteralRequest, ServerDecoder
from moxlite.proto.sasl import NO_BINDINGS, ChannelBindings

logger = logging.getLogger("moxlite.imapd")

READ_SIZE: Final = 65_536
"""Octets read at once; the TLS stream starts with small buffers by itself."""

INACTIVE: Final = "inactive"
"""Text of the BYE for a client that was silent for too long."""

REFUSALS: Final = {
    Refusal.RATE: "too many new connections; try again later",
    Refusal.OPEN: "too many open connections",
    Refusal.FULL: "too many open connections",
}
"""Texts of the BYE for a refused connection, by reason."""


class Connection:
    """Implements `output.Wire` over a Trio stream."""

    __slots__ = (
        "_literal",
        "_silence",
        "_stretch",
        "context",
        "decoder",
        "info",
        "output",
        "received",
        "session",
    )

    def __init__(self, stream: trio.abc.Stream, info: ConnectionInfo, context: Context) -> None:
        self._literal = False  # whether one is being received
        self._stretch = Stretch()
        self._silence = Silence()
        self.info = info
        self.context = context
        self.decoder = ServerDecoder(pedantic=context.pedantic)
        self.output = StreamOutput(stream, context.timeouts, lambda: self.session.logged_in)
        self.received = 0
        self.session = Session(context, self)

    # -- reading

    async def receive(self, seconds: float | None = None, *, within: trio.CancelScope | None = None) -> Event:
        """See `Wire.receive`."""
        while True:
            event = self.decoder.next_event()
            if event is not NEED_DATA:
                await self._stretch.step()
                kind = type(event)
                self._literal = kind is LiteralRequest or (kind is LiteralChunk and self._literal)
                return event
            if not self.output.flush():
                await self.output.drain()
            if self.output.slow:
                await trio.sleep(self.context.timeouts.slow)
            patience = self._patience() if seconds is None else seconds
            octets = await (self._read(patience) if within is None else self._read_within(within, patience))
            self._stretch.begin()
            if octets:
                self.received += len(octets)
                self.decoder.feed(octets)
            else:
                self.decoder.feed_eof()

    def _patience(self) -> float:
        """Seconds that we wait for the client (IMAP-19)."""
        timeouts = self.context.timeouts
        if not self.session.logged_in:
            return timeouts.before_login
        return timeouts.literal if self._literal else timeouts.after_login

    async def _read(self, seconds: float) -> bytes:
        session = self.session
        with trio.move_on_after(seconds) as scope:
            session.ending.scope = scope
            if session.ending.reason is not None:
                scope.cancel()
            try:
                return bytes(await self.output.stream.receive_some(READ_SIZE))
            finally:
                session.ending.scope = None
        raise session.ending.reason or Disconnect(INACTIVE)

    async def _read_within(self, scope: trio.CancelScope, seconds: float) -> bytes:
        """`_read` for a caller that waits again and again; `watch` checks the time (see `silence`)."""
        session = self.session
        if session.ending.reason is not None:
            raise session.ending.reason
        self._silence.begin(seconds)
        session.ending.scope = scope
        try:
            octets = bytes(await self.output.stream.receive_some(READ_SIZE))
        finally:
            session.ending.scope = None
            self._silence.end()
        if session.ending.reason is not None:  # octets arrived just when the scope was cancelled
            raise session.ending.reason
        return octets

    async def watch(self) -> None:
        """End the session when the server stops, or when the client has been silent for too long between commands."""
        if await self._silence.too_long(self.info.shutdown):
            self.session.ending.end(INACTIVE, "")
        else:
            self.session.ending.end("shutting down")

    # -- TLS

    async def start_tls(self) -> None:
        """See `Wire.start_tls`."""
        assert self.context.starttls is not None
        await self.output.drain()
        try:
            stream = await self.context.starttls.accept(self.output.stream)
        except TLSError as error:
            kv = {"remote": self.info.remote, "err": error}
            logger.log(log_level(error, self.info), "STARTTLS failed", extra={"kv": kv})
            self.output.broken = True
            raise trio.BrokenResourceError(f"TLS failed: {error}") from error
        self.output.stream = stream
        self.info = self.info.with_tls(stream.facts)
        self.decoder = ServerDecoder(pedantic=self.context.pedantic)

    # -- DEFLATE

    @property
    def compressed(self) -> bool:
        """See `Wire.compressed`."""
        return isinstance(self.output.stream, DeflateStream)

    async def compress(self) -> None:
        """See `Wire.compress`."""
        await self.output.drain()
        # What came in one piece with the command is compressed already (RFC 4978 §3).
        self.output.stream = DeflateStream(self.output.stream, received=self.decoder.take_rest())

    def bindings(self) -> ChannelBindings:
        """See `Wire.bindings`."""
        stream = self.output.stream
        stream = stream.transport if isinstance(stream, DeflateStream) else stream
        if not isinstance(stream, TLSStream):
            return NO_BINDINGS
        return {kind: stream.channel_binding(kind) for kind in stream.channel_bindings()}

    # -- the end

    async def farewell(self, end: Disconnect) -> None:
        """``* BYE``, if the client takes it."""
        if self.output.broken:
            return
        # A client that is slowed down would get ten letters of it before the deadline.
        self.output.slow = False
        self.output.write(encode(State("BYE", end.text, end.code)))
        with trio.move_on_after(self.context.timeouts.farewell):
            await self.output.drain()

    async def aclose(self) -> None:
        """Close the top stream; the listener closes the streams below it."""
        stream = self.output.stream
        if isinstance(stream, DeflateStream) and not self.output.broken:
            with trio.move_on_after(self.context.timeouts.farewell):
                try:
                    await stream.finish()  # IMAP-21
                except trio.BrokenResourceError:
                    pass  # the client has disconnected and needs no BYE
        await stream.aclose()


def _refusal(connection: Connection) -> Disconnect | None:
    """The BYE for a connection that is refused, or None; reasons in the order of IMAP-14."""
    info, context = connection.info, connection.context
    if info.shutdown.is_set():
        return Disconnect("shutting down", "UNAVAILABLE")
    refusal = info.seat.enter(context.gate, info.remote)
    if refusal is not None:
        return Disconnect(REFUSALS[refusal], "UNAVAILABLE")
    if not context.logins.attempts.allowed(login_request(connection.session)):
        authentication_ratelimited_total.labels(kind="imap").inc()
        return Disconnect("too many failed login attempts; try again later", "UNAVAILABLE")
    return None


async def serve_connection(stream: trio.abc.Stream, info: ConnectionInfo, context: Context) -> None:
    """Speak IMAP with one client until it logs out, leaves, errs or falls silent.

    Cancellation: closes without BYE; a shutdown sends BYE before (IMAP-21).
    Raises BrokenResourceError when the client is gone, and whatever `net.admission.guard` counts as a crash.
    """
    metrics.connections.labels(service=context.service).inc()
    kv = {"remote": str(info.remote), "service": context.service}
    connection = Connection(stream, info, context)
    refused = _refusal(connection)
    if refused is not None:
        logger.debug("connection rejected", extra={"kv": kv | {"reason": refused.text}})
        await connection.farewell(refused)
        return
    logger.info("connection opened", extra={"kv": kv})
    try:
        await _serve(connection)
    finally:
        session = connection.session
        user = {"account": session.login.identity.account} if session.login.identity else {}
        logger.info("connection closed", extra={"kv": kv | user})


async def serve_identity(stream: trio.abc.Stream, info: ConnectionInfo, context: Context, identity: Identity) -> None:
    """Serve a user whom the operator vouches for (IMAP-22): no log-in, and no limits by network."""
    metrics.connections.labels(service=context.service).inc()
    kv = {"account": identity.account, "service": context.service}
    logger.info("connection opened", extra={"kv": kv})
    try:
        await _serve(Connection(stream, info, context), identity)
    finally:
        logger.info("connection closed", extra={"kv": kv})


async def _serve(connection: Connection, identity: Identity | None = None) -> None:
    loop = CommandLoop(connection.session, HANDLERS)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.watch)
        try:
            await _greet(connection, identity)
            await loop.run()
            await connection.output.drain()
        except Disconnect as end:
            await connection.farewell(end)
        finally:
            nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True):  # bounded: claims are written, or given up, within seconds
                await loop.aclose()
    await connection.aclose()


async def _greet(connection: Connection, identity: Identity | None) -> None:
    """``* OK``, or ``* PREAUTH`` for `identity`, or a client certificate that logs in by itself (IMAP-17, IMAP-48)."""
    session = connection.session
    known = await preauthenticate(session) if identity is None else await enter(session, identity)
    session.respond(State("PREAUTH" if known else "OK", "moxlite imap", capability_code(session)))


# Output of one connection: a buffer, and the octets' way to the client (IMAP-19, IMAP-20, IMAP-148).
#
# Output is collected and sent when the session waits for the client, or when a command has much output. So pipelined
# commands are answered in one piece.


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

    __slots__ = ("_logged_in", "_out", "_sending", "_timeouts", "broken", "pending", "sent", "slow", "stream")

    def __init__(self, stream: trio.abc.Stream, timeouts: Timeouts, logged_in: Callable[[], bool]) -> None:
        self._timeouts = timeouts
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
        seconds = self._timeouts.write if self._logged_in() else self._timeouts.before_login
        view = memoryview(octets)
        for start in range(0, len(octets) or 1, SEND_SIZE):  # without octets: sends what the stream still holds
            await _within(seconds, self.stream.send_all(view[start : start + SEND_SIZE]))

    async def _send_slowly(self, octets: bytes) -> None:
        """Send one octet a second, to slow down password guessing (IMAP-20)."""
        for position in range(len(octets)):
            await trio.sleep(self._timeouts.slow)
            await _within(self._timeouts.before_login, self.stream.send_all(octets[position : position + 1]))


async def _within(seconds: float, sending: Awaitable[None]) -> None:
    with trio.move_on_after(seconds) as scope:
        await sending
    if scope.cancelled_caught:
        raise trio.BrokenResourceError("client stopped reading")


# Silence of a client between two commands, watched by a task of its own (IMAP-19).
#
# A new scope for each wait, with a deadline set and removed, would cost a quarter of a small command. So the waiting
# task only notes the time until which it waits, and the scope's deadline is moved when it comes.


class Silence:
    """The time until which a client may be silent.

    `_until` is infinite while the session does not wait for the client. The deadline of `_watching` belongs to this
    wait, or to an earlier one.
    """

    __slots__ = ("_until", "_watching")

    def __init__(self) -> None:
        self._until = math.inf
        self._watching = trio.CancelScope()

    def begin(self, seconds: float) -> None:
        """The session begins to wait for the client, which may be silent for so many seconds."""
        self._until = until = trio.current_time() + seconds
        if until < self._watching.deadline:
            self._watching.deadline = until

    def end(self) -> None:
        """The session no longer waits."""
        self._until = math.inf

    async def too_long(self, shutdown: Shutdown) -> bool:
        """Sleep until the client has been silent for too long, or until `shutdown`; returns False for that."""
        while True:
            with trio.CancelScope(deadline=self._until) as self._watching:
                await shutdown.wait()
                return False
            await trio.lowlevel.checkpoint()  # input received by now is read first
            if trio.current_time() >= self._until:  # else the client has sent something since
                return True
