"""Upgrade of an HTTP connection to a websocket (RFC 6455 §4.2): the request is replayed into trio-websocket."""

import base64
import binascii
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, final

import trio
from trio_websocket import (
    ConnectionClosed as ConnectionClosed,
    HandshakeError,
    WebSocketConnection as WebSocketConnection,
    wrap_server_stream,
)
from wsproto.utilities import LocalProtocolError

from moxlite.ledger import FREE, SLICE, Hold, NoRoom
from moxlite.web.http.errors import BODY_TIMEOUT, READ_SIZE, ClientGone, HTTPError
from moxlite.web.http.exchange import Request, ResponseWriter

HANDSHAKE_TIMEOUT: Final = 10.0  # seconds; the request has arrived already, only our own answer is written
CLOSE_TIMEOUT: Final = 1.0  # seconds to wait for the peer's close frame; then the connection closes without it

SHORT: Final = 64 * 1024
"""Octets of messages that are read ahead: of all but a few, the whole."""

MAX_CONTROL: Final = 256
"""Octets of some control frames that come together: each has 125 and its head at most (RFC 6455 §5.5)."""

PAUSE: Final = 10.0
"""Seconds without octets after which so few of them are no part of a message."""

ENDINGS: Final = (
    HandshakeError,
    ConnectionClosed,
    ClientGone,
    LocalProtocolError,
    trio.TooSlowError,
    trio.BrokenResourceError,
)
"""Errors by which a client may end its websocket. For a ping after our close frame, the library's task raises
LocalProtocolError.
"""


def check_upgrade(request: Request, *, own_pages: bool = True) -> None:
    """Check that a request is a valid websocket request for us, before the connection is handed over (RFC 6455 §4.2.1,
    §10.2). Without `own_pages` for programs, which name no origin.

    Raises HTTPError: 400, 403 for a foreign origin, 405, 426.
    """
    if request.method != "GET":
        raise HTTPError(405, "Use GET to open a WebSocket.", (("allow", "GET"),))
    upgrade = {element.lower() for element in request.headers.elements("upgrade")}
    connection = {element.lower() for element in request.headers.elements("connection")}
    if "websocket" not in upgrade or "upgrade" not in connection or request.http_version != "1.1":
        raise HTTPError(
            426, "This URL only accepts WebSocket connections.", (("upgrade", "websocket"), ("connection", "upgrade"))
        )
    if request.headers.get("sec-websocket-version") != "13":
        raise HTTPError(400, "Only WebSocket version 13 is supported.", (("sec-websocket-version", "13"),))
    try:
        key = base64.b64decode(request.headers.get("sec-websocket-key") or "", validate=True)
    except binascii.Error:
        key = b""
    if (
        len(key) != 16
        or request.headers.get("content-length") not in (None, "0")
        or request.headers.get("transfer-encoding")
    ):
        raise HTTPError(400, "This isn't a valid WebSocket request.")
    # Browsers open websockets for pages of any site, with our cookies and without a preflight: Origin is all that tells
    # our pages from others (RFC 6455 §10.2).
    origin = request.headers.get("origin")
    if origin != request.origin and (own_pages or origin is not None):
        raise HTTPError(403, "Only this server's pages can open a WebSocket here.")


class MessageRoom:
    """Room in the ledger for the messages that a websocket receives.

    Of what comes, only `SHORT` octets are read ahead. When more belongs to a message, all that the longest one takes is
    taken before the rest is read, and given back once the message is done; until then nothing else is read. `arrived`
    and `message` are called for each message; where the longest is short, there is no need to.

    Args:
      hold: of the connection.
      cost: gives the octets that a message takes with what is made of it, of its own octets.
      most: octets of the longest message.
    """

    def __init__(self, hold: Hold, cost: Callable[[int], int], most: int) -> None:
        self.hold = hold
        self.cost = cost
        self.most = most
        self._ahead = 0  # octets that were read since the last message
        self._taken = 0
        self._at = -math.inf  # when octets came last
        self._since = 0.0  # time of the last progress of a long message
        self._done = trio.Event()
        self._done.set()

    async def read(self, stream: trio.abc.Stream, max_bytes: int | None) -> bytes:
        """The next octets. Raises BrokenResourceError for a client that stops in a long message, or if there is no room
        for one.
        """
        while self._ahead > SHORT and not self._done.is_set():
            await self._done.wait()
        if self._ahead <= SHORT or self.most <= SHORT:
            octets = bytes(await stream.receive_some(max_bytes))
        else:
            await self._take()
            with self.hold.peer(BODY_TIMEOUT, since=self._since) as peer:
                octets = bytes(await stream.receive_some(max_bytes))
            if peer.scope.cancelled_caught:
                raise trio.BrokenResourceError("client stopped sending in the middle of a message")
        now = trio.current_time()
        # Pings and pongs belong to no message. They are few and far between, as no long message is.
        if len(octets) > MAX_CONTROL or now - self._at < PAUSE:
            if self._ahead // SLICE != (self._ahead + len(octets)) // SLICE:
                self._since = now
            self._ahead += len(octets)
        self._at = now
        return octets

    async def _take(self) -> None:
        if self._taken:
            return
        try:
            await self.hold.take("socket", self.cost(self.most), apart=True)
        except NoRoom as error:
            raise trio.BrokenResourceError(f"not enough memory for a message: {error}") from error
        self._taken, self._since = self.cost(self.most), trio.current_time()

    def arrived(self, octets: int) -> None:
        """Note that a message of so many octets was received. `message` follows at once for one that is not short."""
        self._ahead = 0  # the library reads one piece more at most before the message is taken
        if octets > SHORT:
            self._done = trio.Event()
            needed = min(self.cost(octets), self._taken)
            self.hold.give("socket", self._taken - needed)
            self._taken = needed

    @asynccontextmanager
    async def message(self, octets: int) -> AsyncIterator[None]:
        """Context of what is done with a message of so many octets. A short one takes its room now. Raises NoRoom."""
        if octets > SHORT:
            try:
                yield
            finally:
                self.hold.give("socket", self._taken)
                self._taken = 0
                self._done.set()
            return
        needed = self.cost(octets) if self.cost(octets) > FREE else 0
        if needed:
            await self.hold.take("socket", needed, apart=True)
        try:
            yield
        finally:
            self.hold.give("socket", needed)


@final
class _Metered(trio.abc.Stream):
    """The stream of a websocket, read as its messages have room."""

    def __init__(self, stream: trio.abc.Stream, room: MessageRoom) -> None:
        self._stream = stream
        self._room = room

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Octets, as `MessageRoom.read`."""
        return await self._room.read(self._stream, max_bytes)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Delegate to the underlying stream."""
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Delegate to the underlying stream."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the underlying stream."""
        await self._stream.aclose()


async def serve_websocket(
    request: Request,
    writer: ResponseWriter,
    speak: Callable[[WebSocketConnection], Awaitable[None]],
    *,
    subprotocol: str,
    room: MessageRoom,
) -> None:
    """Pass the connection to `speak` as a websocket, which is closed when `speak` returns. Call `check_upgrade` before.

    `speak` may raise ConnectionClosed and ClientGone; they end the connection.
    """
    offered = request.headers.elements("sec-websocket-protocol")
    stream = _Metered(writer.take_over(), room)
    writer.status = 101
    writer.started_at = trio.current_time()
    try:
        async with trio.open_nursery() as nursery:
            with trio.fail_after(HANDSHAKE_TIMEOUT):
                proposal = await wrap_server_stream(
                    nursery,
                    stream,
                    max_message_size=room.most,
                    message_queue_size=0,
                    receive_buffer_size=READ_SIZE,
                )
                websocket = await proposal.accept(subprotocol=subprotocol if subprotocol in offered else None)
            await speak(websocket)
            with trio.move_on_after(CLOSE_TIMEOUT):
                await websocket.aclose()
            nursery.cancel_scope.cancel()
    except* ENDINGS:
        pass
