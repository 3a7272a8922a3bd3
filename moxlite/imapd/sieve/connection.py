"""One ManageSieve connection: limits, greeting, deadlines, closing (IMAP-141), as for IMAP (IMAP-13..21)."""

from __future__ import annotations

import logging

import trio

from moxlite.imapd import metrics
from moxlite.imapd.connection import REFUSALS
from moxlite.imapd.session.context import SLOW_FAILURES, Context
from moxlite.imapd.sieve.session import Session, SessionEnded
from moxlite.ledger import FREE, NoRoom, ledger
from moxlite.logins.attempts import authentication_ratelimited_total
from moxlite.net.admission import ConnectionInfo
from moxlite.net.tls.errors import TLSError, log_level
from moxlite.net.tls.stream import TLSStream
from moxlite.proto.managesieve import ManageSieveError, Request, ServerDecoder, response
from moxlite.proto.sasl import NO_BINDINGS, ChannelBindings

logger = logging.getLogger("moxlite.imapd.sieve")

READ_SIZE = 16_384
"""Octets read at once: a script of the usual size."""

HELD = 4
"""Times its octets that a request takes while it is read and obeyed: the buffer, the string, the script's text."""

MAX_BAD = 20
"""Commands in a row that fail before the connection is closed."""


class Connection:
    """Implements `session.Wire` over a Trio stream."""

    def __init__(self, stream: trio.abc.Stream, info: ConnectionInfo, context: Context) -> None:
        self._stream = stream
        self.info = info
        self.context = context
        self._decoder = ServerDecoder(pedantic=context.pedantic)
        self._hold = ledger().hold()  # of the present request
        self.session = Session(context, self)

    async def send(self, octets: bytes) -> None:
        """Send octets. Raises BrokenResourceError if the client accepts nothing."""
        timeouts = self.context.timeouts
        with trio.move_on_after(
            timeouts.write if self.session.identity is not None else timeouts.before_login
        ) as scope:
            if self.session.failures >= SLOW_FAILURES:
                await trio.sleep(timeouts.slow)
            await self._stream.send_all(octets)
        if scope.cancelled_caught:
            raise trio.BrokenResourceError("client stopped reading")

    async def request(self) -> Request | None:
        """The next request; None at the end. Raises ManageSieveError, Ended."""
        while (request := self._decoder.next_request()) is None:
            if not await self._more():
                return None
        return request

    async def string(self) -> bytes:
        """The client's answer to a challenge. Raises ManageSieveError, Ended."""
        while (text := self._decoder.next_string()) is None:
            if not await self._more():
                raise SessionEnded("authentication incomplete")
        return text

    async def _more(self) -> bool:
        timeouts = self.context.timeouts
        seconds = timeouts.before_login if self.session.identity is None else timeouts.after_login
        if self._decoder.octets > FREE:
            try:
                await self._hold.take("command", HELD * self._decoder.octets - self._hold.octets)
            except NoRoom as error:  # its octets are on their way, so it can't be refused alone
                raise SessionEnded(str(error), "TRYLATER") from None
        with self._hold.peer(seconds):
            octets = bytes(await self._stream.receive_some(READ_SIZE))
            self._decoder.feed(octets)
            return bool(octets)
        raise SessionEnded("inactive")

    def give_back(self) -> None:
        """Hold the last request no longer."""
        self._hold.close()

    @property
    def buffered(self) -> bool:
        """Whether the client has sent more than the current request."""
        return self._decoder.buffered

    async def start_tls(self) -> None:
        """The TLS handshake after STARTTLS. Raises BrokenResourceError."""
        assert self.context.starttls is not None
        try:
            stream = await self.context.starttls.accept(self._stream)
        except TLSError as error:
            kv = {"remote": self.info.remote, "err": error}
            logger.log(log_level(error, self.info), "STARTTLS failed", extra={"kv": kv})
            raise trio.BrokenResourceError(f"TLS failed: {error}") from error
        self._stream = stream
        self.info = self.info.with_tls(stream.facts)
        self._decoder = ServerDecoder(pedantic=self.context.pedantic)

    def bindings(self) -> ChannelBindings:
        """Channel bindings of the connection, for SCRAM mechanisms with PLUS."""
        if not isinstance(self._stream, TLSStream):
            return NO_BINDINGS
        return {kind: self._stream.channel_binding(kind) for kind in self._stream.channel_bindings()}

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()


async def serve_managesieve(stream: trio.abc.Stream, info: ConnectionInfo, context: Context) -> None:
    """Speak ManageSieve with one client until it logs out, leaves, errs or falls silent.

    Cancellation: closes without BYE; a shutdown sends BYE before. Raises BrokenResourceError when the client is gone.
    """
    metrics.connections.labels(service="managesieve").inc()
    connection = Connection(stream, info, context)
    refusal = info.seat.enter(context.gate, info.remote)
    if refusal is not None or info.shutdown.is_set():
        text = REFUSALS[refusal] if refusal is not None else "shutting down"
        await _bye(connection, SessionEnded(text, "TRYLATER"))
        return
    if not context.logins.attempts.allowed(connection.session.login_request()):
        authentication_ratelimited_total.labels(kind="managesieve").inc()
        await _bye(connection, SessionEnded("too many failed login attempts; try again later", "TRYLATER"))
        return
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_watch, connection)
        try:
            await _serve(connection)
        except SessionEnded as end:
            await _bye(connection, end)
        finally:
            nursery.cancel_scope.cancel()
            connection.give_back()
            await connection.session.aclose()
    await connection.aclose()


async def _watch(connection: Connection) -> None:
    """End the session when the server stops."""
    await connection.info.shutdown.wait()
    connection.session.end("shutting down")


async def _serve(connection: Connection) -> None:
    session = connection.session
    await connection.send(session.greeting())
    bad = 0
    while True:
        try:
            with trio.CancelScope() as session.scope:
                if session.ending is not None:
                    raise session.ending
                request = await connection.request()
            if session.ending is not None:
                raise session.ending
            session.scope = None
            if request is None:
                return
            try:
                fine = await session.carry_out(request)
            finally:
                del request
                connection.give_back()
            if session.logged_out:
                return
        except ManageSieveError as error:
            if error.fatal:
                raise SessionEnded(str(error)) from None
            await connection.send(response("NO", str(error)))
            fine = False
        bad = 0 if fine else bad + 1
        if bad >= MAX_BAD:
            raise SessionEnded("too many invalid commands")


async def _bye(connection: Connection, end: SessionEnded) -> None:
    # Closing too: the last alert of TLS waits for a client that reads nothing.
    with trio.move_on_after(connection.context.timeouts.farewell):
        await connection.send(response("BYE", str(end), end.code))
        await connection.aclose()
