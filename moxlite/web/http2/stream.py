"""One request and its response on an HTTP/2 connection (RFC 9113 §8.1): the `Channel` that handlers know."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, final

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h11
import hyperframe.frame
import trio
from hpack.struct import HeaderTuple

from moxlite.ledger import Peer, ledger
from moxlite.web.http.errors import BODY_TIMEOUT, MAX_HEAD, RECORD, WRITE_TIMEOUT, BodyTimeout, ClientGone
from moxlite.web.http2.frames import response_fields

if TYPE_CHECKING:
    from moxlite.ledger import Hold
    from moxlite.web.http.exchange import FilePart
    from moxlite.web.http2.frames import Frames


REQUEST: Final = 24 << 10
"""Octets that a request takes beside its body and its answer: its task, its fields, what h2 knows of it. Measured with
the page of the webmail: 22 kB.
"""


WINDOW: Final = 65_535
"""Octets of a body that a client may send before we read them: the initial window of RFC 9113 §6.9.2."""


WIDER: Final = 4 * WINDOW
"""Octets in flight of a body whose reader keeps pace."""


@final
class Upload:
    """The body of a request, as far as it has come and was not read.

    Args:
      hold: of the request.
      length: its announced octets, or None.
      ended: the request has no body.

    Attributes:
      trailers: the fields after it.
    """

    def __init__(self, hold: Hold, *, length: int | None, ended: bool) -> None:
        self.ended = ended
        self.trailers: tuple[tuple[str, str], ...] = ()
        self._hold = hold
        self._missing = length
        self._octets = bytearray()
        self._unopened = 0  # octets that were read and whose room was not given back
        self._wide = False

    def __len__(self) -> int:
        return len(self._octets)

    def add(self, octets: bytes, size: int) -> bool:
        """Take octets; `size`: with their padding. False if there is no room for them."""
        if not self._hold.try_take("request", len(octets)):
            return False
        if self._missing is not None:
            self._missing -= len(octets)
        self._octets += octets
        self._unopened += size - len(octets)
        return True

    def end(self) -> bool:
        """Nothing more comes; False if it is not as long as it was announced (RFC 9113 §8.1.1)."""
        if self._missing and not self.ended:
            return False
        self.ended = True
        return True

    def take(self) -> bytes:
        """All octets that wait."""
        octets = bytes(self._octets)
        self._octets.clear()
        self._hold.give("request", len(octets))
        self._unopened += len(octets)
        return octets

    def room(self) -> int:
        """Octets by which the stream's window is to be opened now. That of a reader that has read a whole one grows."""
        # Given back by halves: else each DATA frame would be answered with a WINDOW_UPDATE.
        if self.ended or self._unopened < WINDOW // 2:
            return 0
        room, self._unopened = self._unopened, 0
        if not self._wide:
            self._wide = True
            room += WIDER - WINDOW
        return room


@final
class Stream:
    """One stream.

    Args:
      expects: the client sends the body after an answer 100.

    Attributes:
      hold: of the exchange.
      upload: the body of the request.
      scope: all that is done for the request.
      safe: the request changes nothing, so that it can be cancelled when the client gives it up.
    """

    def __init__(
        self,
        number: int,
        link: Link,
        frames: Frames,
        hold: Hold,
        upload: Upload,
        *,
        expects: bool,
        safe: bool,
    ) -> None:
        self.number = number
        self.hold = hold
        self.upload = upload
        self.scope = trio.CancelScope()
        self.safe = safe
        self._link = link
        self._frames = frames
        self._expects = expects and not upload.ended
        self._gone = False
        self._news = trio.Event()

    def tell(self) -> None:
        """Wake the tasks that wait for something of the client."""
        self._news.set()
        self._news = trio.Event()

    def lose(self) -> None:
        """The client has given the request up, or has left."""
        self._gone = True
        self.tell()
        self._link.windows_opened()
        if self.safe:
            self.scope.cancel()

    def close(self, *, answered: bool) -> None:
        """The handler is done: the stream ends, if it has not; nothing is kept."""
        self.upload.take()
        self.hold.close()
        if not self._gone and not (answered and self.upload.ended):
            # the rest of a body that is not wanted is stopped without blame (RFC 9113 §8.1)
            self._link.reset(self.number, ErrorCodes.NO_ERROR if answered else ErrorCodes.INTERNAL_ERROR)

    async def receive_body(self) -> bytes:
        """See `Channel`."""
        if self._expects:
            self._expects = False
            await self.send(h11.InformationalResponse(status_code=100, headers=[]))
        with trio.move_on_after(BODY_TIMEOUT):
            while not self._gone and not self.upload and not self.upload.ended:
                await self._news.wait()
        if self._gone:
            raise ClientGone
        octets = self.upload.take()
        if not octets and not self.upload.ended:
            raise BodyTimeout
        if room := self.upload.room():
            await self._link.open(self.number, room)
        else:
            await trio.lowlevel.checkpoint()
        return octets

    async def send(self, *parts: h11.Event) -> None:
        """See `Channel`."""
        if self._gone:
            raise ClientGone
        heads: list[list[HeaderTuple]] = []
        pieces: list[bytes | memoryview] = []
        end = None
        for part in parts:
            match part:
                case h11.InformationalResponse() | h11.Response():
                    heads.append(response_fields(part.status_code, part.headers))
                case h11.Data():
                    pieces.append(part.data)
                case h11.EndOfMessage():
                    end = part
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        fields = [] if end is None else response_fields(None, end.headers)
        ends = end is not None and not fields
        with self.hold.peer(WRITE_TIMEOUT) as peer:
            bodyless = ends and bool(heads) and not body
            await self._link.respond(self.number, heads, body, peer, ends=ends, bodyless=bodyless)
            if fields:
                await self._link.trailers(self.number, fields)
        # The client has opened no window for too long. It may be a paused download: the reset ends this stream alone.
        if peer.scope.cancelled_caught:
            self._link.reset(self.number, ErrorCodes.CANCEL)
            self._gone = True
        if self._gone:
            raise ClientGone
        self._frames.sent(len(body))

    def sends_files(self) -> bool:
        """See `Channel`: never below TLS."""
        return False

    async def send_file(self, part: FilePart) -> None:
        """Never asked for, see `sends_files`."""
        raise RuntimeError("HTTP/2 can't send files directly")

    def must_close(self) -> bool:
        """See `Channel`: a response says nothing about the connection."""
        return False

    def awaits_continue(self) -> bool:
        """See `Channel`."""
        return self._expects

    def trailers(self) -> tuple[tuple[str, str], ...]:
        """See `Channel`."""
        return self.upload.trailers

    async def wait_gone(self) -> None:
        """See `Channel`."""
        while not self._gone:
            await self._news.wait()

    def rest(self) -> trio.abc.Stream:
        """Never asked for: HTTP/2 has no other protocol to switch to (RFC 9113 §8.6)."""
        raise RuntimeError("HTTP/2 doesn't support upgrades")

    def replay(self) -> trio.abc.Stream:
        """Never asked for, see `rest`."""
        raise RuntimeError("HTTP/2 doesn't support upgrades")


# The sending side of one HTTP/2 connection: frames go out in turns, as far as the client's windows are open.
#
# Theory of operation
# -------------------
# h2 turns headers and data into octets, which must go out in its order. A task that has something to send waits for the
# lock, whose queue is fair, lets h2 encode at most `TURN` octets, and sends them before it gives the lock away. So
# a connection holds the octets of one turn, and each stream waits for its own window without the lock: a slow one holds
# up no other. A send that has begun ends whatever becomes of its stream, since half a TLS record breaks the connection;
# `abort` ends it.


ErrorCodes = h2.errors.ErrorCodes

MAX_STREAMS: Final = 100
"""Requests at once on a connection. Browsers expect about as many (RFC 9113 §6.5.2)."""

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
      hold: of the connection: the octets of one turn.
    """

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.lost = False
        self._stream = stream
        self.hold = ledger().hold()
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
        peer: Peer,
        *,
        ends: bool,
        bodyless: bool,
    ) -> None:
        """Send heads, then octets of the body as the windows allow.

        Args:
          peer: the wait for the client, which begins anew with each window that it opens.
          ends: this ends the stream.
          bodyless: the last head ends it.
        """
        async with self._turn():
            # Asked for its exception: the client may have reset the stream while this task waited for its turn.
            self._room(number)
            for index, head in enumerate(heads):
                last = bodyless and index + 1 == len(heads)
                self._h2.send_headers(number, head, end_stream=last)
            at = 0 if bodyless else self._encode(number, body, 0, ends=ends)
        while at < len(body):
            # The event of now: each one that opens a window leaves another in its place.
            opened = self._opened
            if self._room(number) <= 0:
                await opened.wait()
            if self._room(number) > 0:
                peer.again(WRITE_TIMEOUT)
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
        self.hold.count("answer", len(octets))
        with self.hold.peer(WRITE_TIMEOUT, shield=True) as peer:
            self._sending = peer.scope
            try:
                for start in range(0, len(octets), RECORD):
                    peer.again(WRITE_TIMEOUT)
                    await self._stream.send_all(memoryview(octets)[start : start + RECORD])
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                self.lost = True
        if peer.scope.cancelled_caught:
            self.lost = True
        self._sending = None
        self.hold.close()
        if self.lost:
            self.windows_opened()
            raise ClientGone
