"""Event streams over a websocket: incoming requests, outgoing frames (WEBMAIL-32, WEBMAIL-33).

The module is imported when a browser opens a websocket. Few browsers do, and the library takes 2 MB.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.encoding import json_decoder
from moxlite.web.http.errors import ClientGone
from moxlite.web.http.websocket import ConnectionClosed, MessageRoom, WebSocketConnection, serve_websocket
from moxlite.web.webmail.querytypes import Request

if TYPE_CHECKING:
    from moxlite.store.auth.sessions import Session
    from moxlite.web.http.exchange import Request as HTTPRequest, ResponseWriter
    from moxlite.web.webmail.live.context import Since
    from moxlite.web.webmail.live.streams import Stream

SUBPROTOCOL: Final = "moxlite.webmail.v1"
MAX_FRAME: Final = 64 * 1024  # WEBMAIL-32
FIRST_FRAME_TIMEOUT: Final = 10.0  # seconds; the page sends its first request together with the handshake
PING_INTERVAL: Final = 30.0  # WEBMAIL-33
PONG_TIMEOUT: Final = 60.0  # WEBMAIL-33


class Frame(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A frame that a browser sends over a websocket."""

    request: Request


frame_decoder = json_decoder(Frame)


async def serve_frames(
    request: HTTPRequest,
    writer: ResponseWriter,
    stream: Stream,
    since: Since,
    alive: Callable[[Session], Awaitable[bool]],
) -> None:
    """Serve a stream on the websocket that `request` opens, until one side ends it. Arguments as for `Stream.run`."""

    async def speak(websocket: WebSocketConnection) -> None:
        with trio.move_on_after(FIRST_FRAME_TIMEOUT) as scope:
            first = await receive_request(websocket)
        if scope.cancelled_caught or first is None or first.query is None:
            await websocket.aclose(1002, "a request is expected")
            return
        failed = False
        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive_requests, websocket, stream)
            # The answer proves that the page still reads. Keepalive events alone go into the buffers of a phone that is
            # lost.
            nursery.start_soon(ping, websocket, stream)
            try:
                await stream.run(first, since, FrameSink(websocket), request.drain, alive)
            except ClientGone:
                failed = True
            nursery.cancel_scope.cancel()
        if failed:
            raise ClientGone

    room = MessageRoom(writer.hold, int, MAX_FRAME)
    await serve_websocket(request, writer, speak, subprotocol=SUBPROTOCOL, room=room)


class FrameSink:
    """Sends events as text frames of a websocket."""

    def __init__(self, websocket: WebSocketConnection) -> None:
        self._websocket = websocket

    async def send(self, kind: str, data: bytes, modseq: int | None) -> None:
        """Send one event."""
        number = b"null" if modseq is None else b"%d" % modseq
        frame = b'{"event":"%s","id":%s,"data":%s}' % (kind.encode(), number, data)
        try:
            await self._websocket.send_message(frame.decode())
        except ConnectionClosed as e:
            raise ClientGone from e


async def receive_request(websocket: WebSocketConnection) -> Request | None:
    """The next request of a browser; None if the frame is not a valid request."""
    message = await websocket.get_message()
    try:
        return frame_decoder.decode(message).request
    except msgspec.DecodeError:
        return None


async def receive_requests(websocket: WebSocketConnection, stream: Stream) -> None:
    """Pass requests to the stream until the browser disconnects or sends an invalid frame."""
    try:
        while (request := await receive_request(websocket)) is not None:
            stream.submit(request)
        stream.end("a frame that is no request")
    except ConnectionClosed:
        stream.end("closed")


async def ping(websocket: WebSocketConnection, stream: Stream) -> None:
    """Ping the browser, and end the stream if no answer comes (RFC 6455 §5.5.2)."""
    while True:
        await trio.sleep(PING_INTERVAL)
        try:
            with trio.fail_after(PONG_TIMEOUT):
                await websocket.ping()
        except (trio.TooSlowError, ConnectionClosed):
            stream.end("no answer")
            return
