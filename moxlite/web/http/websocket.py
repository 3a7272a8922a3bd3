"""Upgrade of an HTTP connection to a websocket (RFC 6455 §4.2): the request is replayed into trio-websocket."""

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Final

import trio
from trio_websocket import (
    ConnectionClosed as ConnectionClosed,
    HandshakeError,
    WebSocketConnection as WebSocketConnection,
    wrap_server_stream,
)
from wsproto.utilities import LocalProtocolError

from moxlite.web.http.errors import ClientGone, HTTPError
from moxlite.web.http.exchange import Request, ResponseWriter

HANDSHAKE_TIMEOUT: Final = 10.0  # seconds; the request has arrived already, only our own answer is written
CLOSE_TIMEOUT: Final = 1.0  # seconds to wait for the peer's close frame; then the connection closes without it

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
        raise HTTPError(405, "A websocket begins with GET.", (("allow", "GET"),))
    upgrade = {element.lower() for element in request.headers.elements("upgrade")}
    connection = {element.lower() for element in request.headers.elements("connection")}
    if "websocket" not in upgrade or "upgrade" not in connection or request.http_version != "1.1":
        raise HTTPError(
            426, "This address speaks websocket only.", (("upgrade", "websocket"), ("connection", "upgrade"))
        )
    if request.headers.get("sec-websocket-version") != "13":
        raise HTTPError(400, "Only websocket version 13 is spoken here.", (("sec-websocket-version", "13"),))
    try:
        key = base64.b64decode(request.headers.get("sec-websocket-key") or "", validate=True)
    except binascii.Error:
        key = b""
    if (
        len(key) != 16
        or request.headers.get("content-length") not in (None, "0")
        or request.headers.get("transfer-encoding")
    ):
        raise HTTPError(400, "This is no valid websocket request.")
    # Browsers open websockets for pages of any site, with our cookies and without a preflight: Origin is all that tells
    # our pages from others (RFC 6455 §10.2).
    origin = request.headers.get("origin")
    if origin != request.origin and (own_pages or origin is not None):
        raise HTTPError(403, "A websocket can only be opened by our own pages.")


async def serve_websocket(
    request: Request,
    writer: ResponseWriter,
    speak: Callable[[WebSocketConnection], Awaitable[None]],
    *,
    subprotocol: str,
    max_message_size: int,
) -> None:
    """Pass the connection to `speak` as a websocket, which is closed when `speak` returns. Call `check_upgrade` before.

    `speak` may raise ConnectionClosed and ClientGone; they end the connection.
    """
    offered = request.headers.elements("sec-websocket-protocol")
    stream = writer.take_over()
    writer.status = 101
    writer.started_at = trio.current_time()
    try:
        async with trio.open_nursery() as nursery:
            with trio.fail_after(HANDSHAKE_TIMEOUT):
                proposal = await wrap_server_stream(nursery, stream, max_message_size=max_message_size)
                websocket = await proposal.accept(subprotocol=subprotocol if subprotocol in offered else None)
            await speak(websocket)
            with trio.move_on_after(CLOSE_TIMEOUT):
                await websocket.aclose()
            nursery.cancel_scope.cancel()
    except* ENDINGS:
        pass
