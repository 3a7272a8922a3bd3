"""The sending side of one HTTP/2 connection: frames go out in turns, as far as the client's windows are open.

Theory of operation
-------------------
h2 turns headers and data into octets, which must go out in its order. A task that has something to send waits for the
lock, whose queue is fair, lets h2 encode at most `TURN` octets, and sends them before it gives the lock away. So
a connection holds the octets of one turn, and each stream waits for its own window without the lock: a slow one holds
up no other. A send that has begun ends whatever becomes of its stream, since half a TLS record breaks the connection;
`abort` ends it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final, final

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import hyperframe.frame
import trio
from hpack.struct import HeaderTuple

from moxlite.web.http.errors import ClientGone
from moxlite.web.http.limits import MAX_HEAD
from moxlite.web.http.waiting import Waiting

ErrorCodes = h2.errors.ErrorCodes

MAX_STREAMS: Final = 100
"""Requests at once on a connection. Browsers expect about as many (RFC 9113 §6.5.2)."""

WINDOW: Final = 65_535
"""Octets of a body that a client may send before we read them: the initial window of RFC 9113 §6.9.2."""

CONNECTION_WINDOW: Final = 1 << 20
"""Octets of all bodies in flight. It is opened as octets come, so that a body that is not read stops no other."""

TURN: Final = 64 * 1024
"""Octets of a body that a stream sends before another has its turn."""

FRAME: Final = 16_384
"""Octets of a DATA frame, the least that every client takes."""

TABLE: Final = 4096
"""Octets of the table with which our fields are compressed, at most: a client may offer 4 GiB of ours."""

CLOSED_STREAMS: Final = 4096
"""Ended streams that h2 remembers; as many as a connection can have."""


@final
class Codec(h2.connection.H2Connection):
    """h2 with our limits. Those that it announces by itself are `MAX_STREAMS` and `MAX_HEAD`."""

    MAX_CLOSED_STREAMS = CLOSED_STREAMS


@final
class Link:
    """One connection's frames to the client. All methods that send raise ClientGone if it has left, or takes nothing.

    Attributes:
      lost: nothing can be sent any more.
      waiting: the sends of all connections.
    """

    def __init__(self, stream: trio.abc.Stream, waiting: Waiting) -> None:
        self.lost = False
        self._stream = stream
        self.waiting = waiting
        config = h2.config.H2Configuration(
            client_side=False,
            validate_inbound_headers=False,  # `fields` does it
            normalize_inbound_headers=False,
            validate_outbound_headers=False,  # h11 has, when the response was made
            normalize_outbound_headers=False,
        )
        self._h2 = Codec(config)
        # a list between our limit and this one gets an answer, with the status 431
        self._h2.decoder.max_header_list_size = 2 * MAX_HEAD
        self._lock = trio.Lock()
        self._sending: trio.CancelScope | None = None
        self._unopened = 0  # octets that came and whose room was not given back to the connection's window
        self._opened = trio.Event()

    def begin(self) -> None:
        """Encode our settings and the connection's window."""
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(CONNECTION_WINDOW - WINDOW)

    def receive(self, frames: bytes) -> list[h2.events.Event]:
        """The events of some frames. Raises h2.exceptions.ProtocolError."""
        events = self._h2.receive_data(frames)
        # reading settings, h2 takes any table size that the client offers
        if self._h2.encoder.header_table_size > TABLE:
            self._h2.encoder.header_table_size = TABLE
        return events

    def received(self, octets: int) -> None:
        """Give back room in the connection's window."""
        self._unopened += octets
        if self._unopened >= CONNECTION_WINDOW // 4:
            self._h2.increment_flow_control_window(self._unopened)
            self._unopened = 0

    def windows_opened(self) -> None:
        """Wake the tasks that wait for a window."""
        self._opened.set()
        self._opened = trio.Event()

    async def flush(self) -> None:
        """Send the frames that were encoded and not sent yet."""
        async with self._turn():
            pass

    async def open(self, number: int, octets: int) -> None:
        """Give back room in a stream's window."""
        async with self._turn():
            self._room(number)
            self._h2.increment_flow_control_window(octets, number)

    async def respond(
        self,
        number: int,
        heads: Sequence[Iterable[HeaderTuple]],
        body: bytes | memoryview,
        *,
        ends: bool,
        bodyless: bool,
    ) -> None:
        """Send heads, then octets of the body as the windows allow.

        Args:
          ends: this ends the stream.
          bodyless: the last head ends it.
        """
        async with self._turn():
            self._room(number)
            for index, head in enumerate(heads):
                last = bodyless and index + 1 == len(heads)
                self._h2.send_headers(number, head, end_stream=last)
            at = 0 if bodyless else self._encode(number, body, 0, ends=ends)
        while at < len(body):
            opened = self._opened
            if self._room(number) <= 0:
                await opened.wait()
            async with self._turn():
                at = self._encode(number, body, at, ends=ends)

    async def trailers(self, number: int, fields: Iterable[HeaderTuple]) -> None:
        """Send the fields after a body, which end the stream."""
        async with self._turn():
            self._room(number)
            self._h2.send_headers(number, fields, end_stream=True)

    def _encode(self, number: int, body: bytes | memoryview, at: int, *, ends: bool) -> int:
        """Encode as much of the body as the windows and a turn allow; returns the place up to which it is encoded."""
        stop = min(len(body), at + TURN, at + max(0, self._room(number)))
        if not body and ends:
            self._h2.end_stream(number)
        while at < stop:
            end = min(at + FRAME, stop)
            self._h2.send_data(number, bytes(body[at:end]), end_stream=ends and end == len(body))
            at = end
        return at

    def _room(self, number: int) -> int:
        """Octets that may be sent on a stream. Raises ClientGone."""
        stream = self._h2.streams.get(number)
        if stream is None or stream.closed:
            raise ClientGone
        return self._h2.local_flow_control_window(number)

    def reset(self, number: int, code: h2.errors.ErrorCodes) -> None:
        """Encode the end of a stream that has gone wrong; nothing if it has ended already."""
        try:
            self._h2.reset_stream(number, code)
        except h2.exceptions.ProtocolError:
            pass

    async def say_goodbye(self, code: h2.errors.ErrorCodes, last: int) -> None:
        """Send GOAWAY: requests up to the stream `last` are answered, others are not (RFC 9113 §6.8)."""
        async with self._turn():
            # h2 sends nothing after its own GOAWAY
            frame = hyperframe.frame.GoAwayFrame(0, last_stream_id=last, error_code=code)
            await self._send(self._h2.data_to_send() + frame.serialize())

    def abort(self) -> None:
        """Send nothing any more."""
        self.lost = True
        if self._sending is not None:
            self._sending.cancel()
        self.windows_opened()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """A turn to encode; what was encoded is sent at its end."""
        async with self._lock:
            if self.lost:
                raise ClientGone
            try:
                yield
            except h2.exceptions.ProtocolError:  # the stream, or the connection, was closed meanwhile
                raise ClientGone from None
            await self._send(self._h2.data_to_send())

    async def _send(self, octets: bytes) -> None:
        if not octets:
            return
        with self.waiting.sending(len(octets), shield=True) as self._sending:
            try:
                await self._stream.send_all(octets)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                self.lost = True
        if self._sending.cancelled_caught:
            self.lost = True
        self._sending = None
        if self.lost:
            self.windows_opened()
            raise ClientGone
