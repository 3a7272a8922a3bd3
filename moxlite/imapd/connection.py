"""One connection: octets in and out, deadlines, closing (IMAP-13..21; architecture §5).

The nursery tree::

    serve_connection
     ├─ the session  reads, carries out commands, writes
     └─ its watcher  ends the session with BYE when the server stops, or the client falls silent between commands
"""

import logging
from time import perf_counter
from typing import Final

import trio

from moxlite.imapd import metrics
from moxlite.imapd.auth import enter, login_request, preauthenticate
from moxlite.imapd.basic import capability_code
from moxlite.imapd.dispatch import HANDLERS
from moxlite.imapd.loop import CommandLoop
from moxlite.imapd.sending import StreamOutput
from moxlite.imapd.session.context import Context
from moxlite.imapd.session.errors import Disconnect
from moxlite.imapd.session.state import Session
from moxlite.imapd.silence import Silence
from moxlite.logins.attempts import authentication_ratelimited_total
from moxlite.logins.identity import Identity
from moxlite.net.admission import Refusal
from moxlite.net.connections import ConnectionInfo
from moxlite.net.deflate import DeflateStream
from moxlite.net.limits import MinimumRate
from moxlite.net.tls.errors import TLSError
from moxlite.net.tls.stream import TLSStream
from moxlite.processor import turn
from moxlite.proto.imap.encode import encode
from moxlite.proto.imap.responses import State
from moxlite.proto.imap.server import NEED_DATA, Event, LiteralChunk, LiteralRequest, ServerDecoder
from moxlite.proto.sasl import NO_BINDINGS, ChannelBindings

logger = logging.getLogger("moxlite.imapd")

READ_SIZE: Final = 65_536
"""Octets read at once; the TLS stream starts with small buffers by itself."""

TURN: Final = 0.002
"""Seconds of running commands that came in one piece, before a checkpoint. So a short command needs no checkpoint of
its own.
"""

INACTIVE: Final = "inactive"
"""Text of the BYE for a client that was silent for too long."""

REFUSALS: Final = {
    Refusal.RATE: "too many new connections, try again later",
    Refusal.OPEN: "too many open connections",
    Refusal.FULL: "too many open connections",
}
"""Texts of the BYE for a refused connection, by reason."""


class Connection:
    """Implements `output.Wire` over a Trio stream."""

    __slots__ = (
        "_began",
        "_literal",
        "_silence",
        "context",
        "decoder",
        "info",
        "output",
        "received",
        "session",
    )

    def __init__(self, stream: trio.abc.Stream, info: ConnectionInfo, context: Context) -> None:
        self._literal: MinimumRate | None = None  # the rate of the literal that is being received
        self._began = 0.0  # time of the last checkpoint, as far as known
        self._silence = Silence()
        self.info = info
        self.context = context
        self.decoder = ServerDecoder(pedantic=context.pedantic)
        self.output = StreamOutput(stream, context.pace, lambda: self.session.logged_in)
        self.received = 0
        self.session = Session(context, self)

    # -- reading

    async def receive(self, seconds: float | None = None, *, within: trio.CancelScope | None = None) -> Event:
        """See `Wire.receive`."""
        while True:
            event = self.decoder.next_event()
            if event is not NEED_DATA:
                if perf_counter() - self._began > TURN:
                    await turn()
                    self._began = perf_counter()
                kind = type(event)
                if kind is LiteralRequest:
                    self._literal = MinimumRate()
                elif kind is not LiteralChunk:
                    self._literal = None
                return event
            if not self.output.flush():
                await self.output.drain()
            if self.output.slow:
                await trio.sleep(self.context.pace.slow)
            patience = self._patience() if seconds is None else seconds
            octets = await (self._read(patience) if within is None else self._read_within(within, patience))
            self._began = perf_counter()
            if octets:
                self.received += len(octets)
                if self._literal is not None and not self._literal.add(len(octets)):
                    raise Disconnect("the message comes too slowly")
                self.decoder.feed(octets)
            else:
                self.decoder.feed_eof()

    def _patience(self) -> float:
        """Seconds that we wait for the client (IMAP-19)."""
        pace = self.context.pace
        if not self.session.logged_in:
            return pace.before_login
        return pace.after_login if self._literal is None else pace.literal

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
            logger.info("STARTTLS failed", extra={"kv": {"remote": self.info.remote, "err": error}})
            self.output.broken = True
            raise trio.BrokenResourceError(f"no TLS: {error}") from error
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
        self.output.slow = False
        self.output.write(encode(State("BYE", end.text, end.code)))
        with trio.move_on_after(self.context.pace.farewell):
            await self.output.drain()

    async def aclose(self) -> None:
        """Close the top stream; the listener closes the streams below it."""
        stream = self.output.stream
        if isinstance(stream, DeflateStream) and not self.output.broken:
            with trio.move_on_after(self.context.pace.farewell):
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
        return Disconnect("too many failed log-ins, try again later", "UNAVAILABLE")
    return None


async def serve_connection(stream: trio.abc.Stream, info: ConnectionInfo, context: Context) -> None:
    """Speak IMAP with one client until it logs out, leaves, errs or falls silent.

    Cancellation: closes without BYE; a shutdown sends BYE before (IMAP-21).
    Raises BrokenResourceError when the client is gone, and whatever `net.connections.guard` counts as a crash.
    """
    metrics.connections.labels(service=context.service).inc()
    kv = {"remote": str(info.remote), "service": context.service}
    connection = Connection(stream, info, context)
    refused = _refusal(connection)
    try:
        if refused is not None:
            logger.debug("connection refused", extra={"kv": kv | {"reason": refused.text}})
            await connection.farewell(refused)
            return
        logger.info("connection opened", extra={"kv": kv})
        try:
            await _serve(connection)
        finally:
            session = connection.session
            user = {"account": session.login.identity.account} if session.login.identity else {}
            logger.info("connection closed", extra={"kv": kv | user})
    finally:
        info.seat.leave(context.gate, info.remote)


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
