"""Dialogue with one client: octets become commands, replies become octets, and each reply is counted."""

import logging
import time

from moxlite.net.log import TRACE
from moxlite.proto.smtp.replies import Response
from moxlite.proto.smtp.server import NEED_DATA, AuthData, Event, Refusal, ServerConnection
from moxlite.smtpd import metrics
from moxlite.smtpd.context import Pace
from moxlite.smtpd.replies import Goodbye
from moxlite.smtpd.wire import Wire

logger = logging.getLogger("moxlite.smtpd")


class Dialogue:
    """Commands and replies of one connection.

    Attributes:
      codec: the SMTP state machine.
      received_id: the id of the connection, as error texts and Received fields show it (SMTP-8).
      verb: the command that is carried out, for metrics.
      crowded: whether the client's network has so many connections that it gets the shorter deadline (SMTP-14).
    """

    def __init__(self, wire: Wire, codec: ServerConnection, *, kind: str, received_id: str, pace: Pace) -> None:
        self.codec = codec
        self.received_id = received_id
        self.verb = "connect"
        self.crowded = False
        self._wire = wire
        self._kind = kind
        self._pace = pace
        self._began = time.perf_counter()
        self._tracing = logger.isEnabledFor(TRACE)

    async def next_event(self) -> Event | None:
        """The next command or refusal, None when the client has gone. Raises Goodbye."""
        while (event := self.codec.next_event()) is NEED_DATA:
            octets = await self._receive()
            if not octets:
                return None
            if self._tracing:
                self._wire.trace_commands(octets)
            self.codec.receive_data(octets)
        self._began = time.perf_counter()
        return event

    async def next_line(self) -> AuthData | Refusal:
        """Read the client's answer in an AUTH exchange. Raises Goodbye."""
        while (event := self.codec.next_event()) is NEED_DATA:
            octets = await self._receive()
            if not octets:
                raise Goodbye
            if self._tracing:
                self._wire.trace_received(octets, auth=True)
            self.codec.receive_data(octets)
        assert isinstance(event, AuthData | Refusal)
        return event

    async def _receive(self) -> bytes:
        pace = self._pace
        return await self._wire.receive(pace.command_short if self._wire.slow or self.crowded else pace.command)

    def send(self, response: Response) -> None:
        """Put a reply into the write buffer."""
        self._wire.write(self._encode(response))

    async def say_last(self, response: Response) -> None:
        """Send the reply that ends the connection."""
        await self._wire.say_last(self._encode(response))

    def _encode(self, response: Response) -> bytes:
        """Encode and count a reply; error texts end in the id of the connection (SMTP-8)."""
        if response.code >= 400:
            response = response.with_note(self.received_id)
        octets = self.codec.send(response)
        if self._tracing:
            self._wire.trace_sent(octets, auth=response.code == 334)
        metrics.observe_command(self._kind, self.verb, response.code, response.ecode, time.perf_counter() - self._began)
        return octets

    def trace_data(self, octets: bytes) -> None:
        """Log content of a message, at its own trace level."""
        if self._tracing:
            self._wire.trace_received(octets, data=True)
