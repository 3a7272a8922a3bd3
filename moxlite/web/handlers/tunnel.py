"""Websockets of a server behind this one (WEB-48, RFC 6455): the opening is checked, then octets are copied unseen."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
from typing import TYPE_CHECKING, Final

import h11
import trio

from moxlite.net.admission import Tally
from moxlite.web.handlers.backends import Broken, check_framing, open_backend, respond, tell_failure
from moxlite.web.handlers.forwardfields import answer_fields
from moxlite.web.http.errors import ClientGone, HTTPError

if TYPE_CHECKING:
    from moxlite.net.httpclient.connection import ClientConnection
    from moxlite.net.httpclient.pool import Backend, Pool
    from moxlite.web.handlers.forwardfields import Fields
    from moxlite.web.http.exchange import Request, ResponseWriter

logger = logging.getLogger("moxlite.web.handlers")

refused: Final = Tally("too many websockets are open", logger.warning)

GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455 §4.2.2."""

HEAD_SECONDS: Final = 60.0
"""Seconds for the answer to the opening (WEB-47)."""

WRITE_SECONDS: Final = 60.0
"""Seconds within which either side must take a piece."""

IDLE_SECONDS: Final = 1800.0
"""Seconds without an octet in either direction after which a websocket is closed. Programs send pings each minute or
so; one whose ends both have forgotten it would stay until the server stops.
"""

RETRY_AFTER: Final = "60"
"""Seconds after which a client that found too many websockets may ask again."""

READ: Final = 64 << 10
"""Octets copied at once."""


async def tunnel(
    request: Request,
    writer: ResponseWriter,
    pool: Pool,
    backend: Backend,
    target: str,
    fields: Fields,
    extra: Fields,
) -> None:
    """Open a websocket at the server behind, and copy octets until one side closes. Another answer than a websocket is
    passed on. `fields`: of the request there; `extra`: the administrator's of the answer.

    Raises HTTPError, ClientGone.
    """
    accept = _check(request)
    try:
        pool.tunnels.acquire_nowait()
    except trio.WouldBlock:
        refused.add(handler=request.handler)
        raise HTTPError(
            503, "Too many websockets are open; try again later.", (("retry-after", RETRY_AFTER),)
        ) from None
    try:
        await _tunnel(request, writer, pool, backend, target, fields, extra, accept)
    finally:
        pool.tunnels.release()


async def _tunnel(
    request: Request,
    writer: ResponseWriter,
    pool: Pool,
    backend: Backend,
    target: str,
    fields: Fields,
    extra: Fields,
    accept: bytes,
) -> None:
    """Ask the server behind, and copy or pass its answer on. `accept`: the value with which it accepts."""
    while await request.body.receive(0):
        pass  # an opening has no body, but the client's codec must see its end
    head = h11.Request(
        method="GET",
        target=target,
        headers=[(name.encode("ascii"), value.encode("latin-1")) for name, value in fields],
    )
    try:
        connection = await open_backend(pool, backend)
        try:
            answer = await _opened(connection, head, accept)
            if isinstance(answer, h11.Response):
                await respond(request, writer, connection, answer, extra=extra)
                return
            # `connection` and `upgrade` are about this hop, and are written anew
            passed = answer_fields(answer.headers, extra, writer.extra)
            await _copy(request, writer, connection, (*passed, ("connection", "upgrade"), ("upgrade", "websocket")))
        finally:
            connection.close()
    except (h11.RemoteProtocolError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
        raise tell_failure(request, writer, backend, Broken(f"no valid answer: {error}")) from error
    except Broken as error:
        raise tell_failure(request, writer, backend, error) from error


def _check(request: Request) -> bytes:
    """Check the opening (RFC 6455 §4.2.1); returns the value with which a server accepts it. Raises HTTPError."""
    headers = request.headers
    connection = {one.lower() for one in headers.elements("connection")}
    if request.method != "GET" or request.http_version != "1.1" or "upgrade" not in connection:
        raise HTTPError(400, "This is no valid websocket request.")
    if headers.get("sec-websocket-version") != "13":
        raise HTTPError(400, "Only websocket version 13 is spoken here.", (("sec-websocket-version", "13"),))
    key = (headers.get("sec-websocket-key") or "").strip()
    try:
        valid = len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        valid = False
    if not valid or headers.get("content-length") not in (None, "0") or headers.get("transfer-encoding"):
        raise HTTPError(400, "This is no valid websocket request.")
    return base64.b64encode(hashlib.sha1(key.encode("ascii") + GUID, usedforsecurity=False).digest())


async def _opened(
    connection: ClientConnection, head: h11.Request, accept: bytes
) -> h11.InformationalResponse | h11.Response:
    """The answer to the opening: status 101, or a response of another status.

    Raises Broken, h11.RemoteProtocolError, trio.BrokenResourceError.
    """
    with trio.move_on_after(HEAD_SECONDS):
        await connection.send(head)
        await connection.send(h11.EndOfMessage())
        while True:
            event = await connection.receive()
            if isinstance(event, h11.Response):
                check_framing(event)
                return event
            assert isinstance(event, h11.InformationalResponse)
            if event.status_code == 101:
                values = [value.strip() for name, value in event.headers if name == b"sec-websocket-accept"]
                if len(values) != 1 or not hmac.compare_digest(values[0], accept):
                    raise Broken("it has accepted a websocket wrongly")
                return event
    raise Broken("no answer in time", status=504)


async def _copy(request: Request, writer: ResponseWriter, connection: ClientConnection, fields: Fields) -> None:
    """Copy octets both ways until one side closes, both are silent for `IDLE_SECONDS`, or the server stops."""
    behind, first = connection.switched()
    client = await writer.switch(fields)
    counts = [0, 0]

    async def copy(index: int, source: trio.abc.Stream, sink: trio.abc.Stream, octets: bytes) -> None:
        try:
            while True:
                if octets:
                    with trio.fail_after(WRITE_SECONDS):
                        await sink.send_all(octets)
                    counts[index] += len(octets)
                octets = bytes(await source.receive_some(READ))
                if not octets:
                    break
                scope.deadline = trio.current_time() + IDLE_SECONDS
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError, ClientGone):
            pass
        nursery.cancel_scope.cancel()

    try:
        with request.drain.waiting() as scope:
            scope.deadline = trio.current_time() + IDLE_SECONDS
            async with trio.open_nursery() as nursery:
                nursery.start_soon(copy, 0, behind, client, first)
                nursery.start_soon(copy, 1, client, behind, b"")
    finally:
        writer.tunnelled = (counts[0], counts[1])
