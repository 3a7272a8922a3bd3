"""One HTTP/2 connection: requests out of frames, and a task for each (RFC 9113).

Theory of operation
-------------------
`serve` reads octets, cuts them into frames (`frames`), lets h2 read a few at a time, and acts upon its events. It sends
only what h2 answers by itself. Each request runs in a task of its own with the handler of HTTP/1.1, and writes through
`link`. Bodies wait in their `stream`; a client that sends more than its window is refused by h2.

Ends: the client leaves or is idle; it breaks a rule or a limit (GOAWAY with the reason); the server stops, or the
connection has had its share of requests (GOAWAY, and requests in progress are answered first).
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Final, final

import h2.events
import h2.exceptions
import trio

from moxlite.ledger import ledger
from moxlite.web import metrics
from moxlite.web.http.errors import (
    HEAD_TIMEOUT,
    IDLE_TIMEOUT,
    LINGER_OCTETS,
    LINGER_TIMEOUT,
    READ_SIZE,
    BadRequest,
    ClientGone,
)
from moxlite.web.http.exchange import Body, ResponseWriter, make_request
from moxlite.web.http.messages import Response
from moxlite.web.http2.frames import Flood, Frames, Malformed, RequestHead, request_head, trailer_section
from moxlite.web.http2.stream import MAX_STREAMS, REQUEST, ErrorCodes, Link, Stream, Upload

if TYPE_CHECKING:
    from moxlite.net.admission import ConnectionInfo
    from moxlite.net.limits import OpenConnections
    from moxlite.web.http.errors import Drain
    from moxlite.web.http.exchange import Handler

logger = logging.getLogger("moxlite.web.http2")

MAX_REQUESTS: Final = 4000
"""Requests on a connection. Then the client opens a new one, and what h2 remembers of the old streams is freed."""

PROTOCOL: Final = "protocol"
"""Reason of a refusal: the client breaks a rule of RFC 9113. Other reasons are the limits of `frames`."""

SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS"))
"""Methods of requests that are cancelled when the client gives them up: they change nothing (RFC 9110 §9.2.1)."""

HTTP_2: Final = "2"


@final
class Connection:
    """Serves one stream.

    The handler answers every request. It raises nothing but ClientGone and Cancelled.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        info: ConnectionInfo,
        *,
        handler: Handler,
        drain: Drain,
        requests: OpenConnections | None,
    ) -> None:
        """`requests`: limits requests at once by network beyond the first one of each connection. With HTTP/1.1 each of
        them would have a connection of its own, so the limits are the same (WEB-14). None: the connection carries the
        requests of many clients, and is not limited.
        """
        self._stream = stream
        self._info = info
        self._handler = handler
        self._drain = drain
        self._requests = requests
        self._link = Link(stream)
        self._frames = Frames()
        self._streams: dict[int, Stream] = {}
        self._waiting: trio.CancelScope | None = None  # for octets
        self._idle_until = trio.current_time() + HEAD_TIMEOUT
        self._last = 0  # the last stream that is served
        self._leaving = False  # no other request is taken

    async def serve(self) -> None:
        """Answer requests until the client leaves, breaks a rule or is silent for too long, or the drain begins. The
        caller closes the stream.
        """
        metrics.http2_connections.inc()
        try:
            async with trio.open_nursery() as nursery:
                await self._serve(nursery)
                self._lose_all()
        except ClientGone:
            pass
        finally:
            self._link.abort()

    async def _serve(self, nursery: trio.Nursery) -> None:
        try:
            self._link.begin()
            await self._link.flush()
            await self._read(nursery)
        except ClientGone:
            pass
        except Flood as flood:
            await self._refuse(str(flood), ErrorCodes.ENHANCE_YOUR_CALM)
        except h2.exceptions.ProtocolError as error:
            await self._refuse(PROTOCOL, error.error_code)

    async def _read(self, nursery: trio.Nursery) -> None:
        """Read frames until the connection ends.

        Raises Flood, h2.exceptions.ProtocolError, ClientGone.
        """
        while self._streams or not self._leaving:
            octets = await self._receive()
            if octets is None:
                if not self._leaving:
                    await self._leave()
                continue
            if not octets:
                return
            begun = self._frames.begun
            self._frames.feed(octets)
            while frames := self._frames.take(trio.current_time()):
                for event in self._link.receive(frames):
                    self._note(event, nursery)
                await self._link.flush()
                await trio.lowlevel.checkpoint()
            if not begun and self._frames.begun:
                self._idle_until = trio.current_time() + IDLE_TIMEOUT
            if self._frames.farewell:
                self._leaving = True
            # Clients use odd numbers, each higher than the last (RFC 9113 §5.1.1).
            if self._last + 1 >= 2 * MAX_REQUESTS and not self._leaving:
                await self._leave()

    async def _receive(self) -> bytes | None:
        """Octets, b"" at their end; None if the connection was idle for too long, or the drain begins.

        Raises ClientGone.
        """
        octets: bytes | None = None
        try:
            with trio.CancelScope() if self._leaving else self._drain.waiting() as self._waiting:
                self._waiting.deadline = self._deadline()
                octets = bytes(await self._stream.receive_some(READ_SIZE))
        except (trio.BrokenResourceError, trio.ClosedResourceError) as e:
            raise ClientGone from e
        finally:
            self._waiting = None
        return octets

    def _deadline(self) -> float:
        """Until when the connection waits for octets: with requests in progress, these have deadlines."""
        if self._streams:
            return math.inf
        return -math.inf if self._leaving else self._idle_until

    async def _leave(self) -> None:
        """Take no other request. Those that the client has sent meanwhile it may send again elsewhere."""
        self._leaving = True
        # Of streams above the last one that is named nothing was done, so that the client may send even a POST again
        # (RFC 9113 §6.8).
        if self._frames.begun:
            await self._link.say_goodbye(ErrorCodes.NO_ERROR, self._last)

    async def _refuse(self, reason: str, code: ErrorCodes) -> None:
        """End the connection of a client that breaks a rule or a limit, with all its requests."""
        metrics.http2_refused.labels(reason=reason).inc()
        kv = {"remoteaddr": str(self._info.remote), "cid": self._info.cid, "reason": reason}
        logger.log(
            logging.DEBUG if reason == PROTOCOL else logging.INFO, "http/2 connection rejected", extra={"kv": kv}
        )
        self._lose_all()
        try:
            await self._link.say_goodbye(code, self._last)
            with trio.move_on_after(LINGER_TIMEOUT):
                room = LINGER_OCTETS
                while room > 0 and (octets := await self._stream.receive_some(READ_SIZE)):
                    room -= len(octets)
        except (ClientGone, trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    def _note(self, event: h2.events.Event, nursery: trio.Nursery) -> None:
        """Act upon an event. Raises Flood."""
        match event:
            case h2.events.RequestReceived():
                self._open(event, nursery)
            case h2.events.DataReceived(stream_id=number, data=octets, flow_controlled_length=size):
                # also for a stream that is gone: its octets count against the connection's window (RFC 9113 §6.9)
                self._link.received(size)
                stream = self._streams.get(number)
                if stream is not None:
                    if not stream.upload.add(octets, size):
                        self._reset(number, ErrorCodes.ENHANCE_YOUR_CALM)
                    stream.tell()
            case h2.events.TrailersReceived(stream_id=number, headers=fields):
                try:
                    section = trailer_section(fields)
                except Malformed:
                    self._reset(number, ErrorCodes.PROTOCOL_ERROR)
                else:
                    if (stream := self._streams.get(number)) is not None:
                        stream.upload.trailers = section
            case h2.events.StreamEnded(stream_id=number):
                if (stream := self._streams.get(number)) is not None:
                    if not stream.upload.end():
                        self._reset(number, ErrorCodes.PROTOCOL_ERROR)
                    stream.tell()
            case h2.events.StreamReset(stream_id=number, remote_reset=remote):
                if not remote:  # h2 did it for a fault of the client; resets by the client were counted as frames
                    self._frames.reset(trio.current_time())
                self._lose(number)
            case h2.events.WindowUpdated() | h2.events.RemoteSettingsChanged():
                self._link.windows_opened()
            case _:
                pass  # answers to our settings, pings that h2 answers, priorities, unknown frames

    def _open(self, event: h2.events.RequestReceived, nursery: trio.Nursery) -> None:
        """Begin a request, or refuse it. Raises Flood."""
        number = event.stream_id
        further = bool(self._streams)
        # streams that the client has reset are counted as long as they cost anything (CVE-2023-44487)
        if self._leaving or len(self._streams) >= MAX_STREAMS:
            self._reset(number, ErrorCodes.REFUSED_STREAM)
            return
        try:
            head = request_head(event.headers)
            if head.length and event.stream_ended is not None:
                raise Malformed("body doesn't match content-length")
        except Malformed:
            self._reset(number, ErrorCodes.PROTOCOL_ERROR)
            return
        hold = ledger().hold()
        if further and not (hold.try_take("request", REQUEST) and self._acquire()):
            hold.close()
            self._reset(number, ErrorCodes.REFUSED_STREAM)
            return
        self._last = number
        stream = Stream(
            number,
            self._link,
            self._frames,
            hold,
            Upload(hold, length=head.length, ended=event.stream_ended is not None),
            expects=(head.headers.get("expect") or "").lower() == "100-continue",
            safe=head.method in SAFE,
        )
        self._streams[number] = stream
        body = Body(stream, head.length, undeclared=head.length is None and event.stream_ended is None)
        nursery.start_soon(self._answer, stream, head, body, further)

    def _acquire(self) -> bool:
        """Count one more request; False if the client's network has too many."""
        return self._requests is None or self._requests.acquire(self._info.remote)

    async def _answer(self, stream: Stream, head: RequestHead, body: Body, further: bool) -> None:
        """Answer a request. `further`: it was counted for its network."""
        writer = ResponseWriter(stream, head.method)
        try:
            with stream.scope:
                try:
                    request = make_request(
                        method=head.method,
                        target=head.target,
                        headers=head.headers,
                        http_version=HTTP_2,
                        info=self._info,
                        drain=self._drain,
                        body=body,
                    )
                except BadRequest as e:
                    await writer.respond(Response.text(e.status, e.text))
                else:
                    await self._handler(request, writer)
        except ClientGone:
            pass
        finally:
            del self._streams[stream.number]
            if further and self._requests is not None:
                self._requests.release(self._info.remote)
            stream.close(answered=writer.finished)
            # The connection waits for octets without a deadline while it has requests: the last one to end sets it.
            if not self._streams:
                self._idle_until = trio.current_time() + IDLE_TIMEOUT
                if self._waiting is not None:
                    self._waiting.deadline = self._deadline()
        try:
            await self._link.flush()
        except ClientGone:
            pass

    def _reset(self, number: int, code: ErrorCodes) -> None:
        """End one stream that has gone wrong. Raises Flood if there were too many."""
        self._link.reset(number, code)
        self._lose(number)
        self._frames.reset(trio.current_time())

    def _lose(self, number: int) -> None:
        stream = self._streams.get(number)
        if stream is not None:
            stream.lose()

    def _lose_all(self) -> None:
        for stream in self._streams.values():
            stream.lose()
