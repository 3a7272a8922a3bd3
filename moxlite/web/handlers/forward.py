"""The handler ``forward``: passes requests on to a web server behind this one (WEB-44..48).

Theory of operation
-------------------
Of a request three tasks take care: one brings its body to the server behind, one brings the answer to the client, and
one watches, after the body, whether the client leaves. Each piece is sent before the next one is read, so that the
slower side sets the pace. The answer ends all three. A failure before the answer's first octet becomes an error page,
a later one closes the client's connection: nothing else can tell it that the answer is not whole.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import sys
from typing import TYPE_CHECKING, Final

import h11
import trio

from moxlite.net.admission import RateLimitedLog
from moxlite.net.httpclient import Backend, Pool
from moxlite.net.limits import within
from moxlite.web.handlers.backends import (
    Broken,
    Fields,
    answer_fields,
    check_framing,
    open_backend,
    request_fields,
    request_trailers,
    respond,
    target_at,
    tell_failure,
)
from moxlite.web.http.errors import ClientGone, HTTPError

if TYPE_CHECKING:
    from moxlite.config.webrules import Pattern
    from moxlite.config.webserver import WebForward
    from moxlite.net.httpclient import ClientConnection
    from moxlite.net.limits import IPNetwork
    from moxlite.web.http.exchange import Request, ResponseWriter


logger = logging.getLogger("moxlite.web.handlers")

HEAD_SECONDS: Final = 60.0
"""Seconds for the head of its answer after the whole request (WEB-47)."""

WRITE_SECONDS: Final = 60.0
"""Seconds within which it must take a piece of the request."""

CONTINUE_SECONDS: Final = 1.0
"""Seconds for its answer 100. Then the body is sent anyway, as clients do (RFC 9110 §10.1.1)."""

MAX_INFORMATIONAL: Final = 16
"""Informational answers to a request (WEB-138). Programs send one or two."""

UNLIMITED: Final = sys.maxsize
"""Octets of a forwarded body (WEB-20)."""

IDEMPOTENT: Final = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE"))
"""Methods of requests that may be made twice (RFC 9110 §9.2.2)."""


class Forward:
    """Forwards requests to one server.

    Args:
      pattern: of the path; its match is cut off with ``strip_path``.
      compress: whether answers are compressed that are not yet.
      trusted: networks of proxies in front of us, whose own fields are extended.
    """

    def __init__(
        self,
        settings: WebForward,
        pattern: Pattern,
        pool: Pool,
        *,
        compress: bool,
        trusted: tuple[IPNetwork, ...] | None,
    ) -> None:
        self._backend = Backend.parse(settings.url)
        self._cut = pattern if settings.strip_path else None
        self._pool = pool
        self._compress = compress
        self._trusted = trusted or ()
        self._extra = tuple((name.lower(), value) for name, value in settings.response_headers.items())

    async def answer(self, request: Request, writer: ResponseWriter) -> bool:
        """Answer. Raises HTTPError, PatternTooSlow, ClientGone."""
        target = await target_at(request, self._backend.path, self._cut)
        trusted = within(request.info.remote, self._trusted)
        if "websocket" in (element.lower() for element in request.headers.elements("upgrade")):
            opening = request_fields(request, trusted=trusted, upgrade=True)
            await tunnel(request, writer, self._pool, self._backend, target, opening, self._extra)
            return True
        fields = list(request_fields(request, trusted=trusted))
        declared = request.body.declared
        chunked = request.body.undeclared
        if declared is not None:
            fields.append(("content-length", str(declared)))
        elif chunked:
            fields.append(("transfer-encoding", "chunked"))
        head = h11.Request(method=request.method, target=target, headers=_octets(fields))
        fresh = False
        while True:
            connection = None if fresh else self._pool.take(self._backend)
            pooled = connection is not None
            try:
                if connection is None:
                    connection = await open_backend(self._pool, self._backend)
                passage = ProxiedRequest(request, writer, connection, chunked=chunked)
                try:
                    await passage.run(head, extra=self._extra, compress=self._compress)
                finally:
                    if passage.refused:
                        connection.close()
                    else:
                        self._pool.give(self._backend, connection)
            except Broken as error:
                # A server closes idle connections when it likes, also while a request is on its way. That request is
                # sent again if doing it twice does no harm, and if it has no body, which would be gone by now.
                if pooled and error.stale and request.method in IDEMPOTENT and not declared and not chunked:
                    fresh = True
                    continue
                raise tell_failure(request, writer, self._backend, error) from error
            return True


class ProxiedRequest:
    """One request on its way to the server behind, and the answer back.

    ``refused``: the answer to a request with a body is an error. A server may give it before it has read the body, and
    then close the connection without having said so (RFC 9112 §9.6), so that the next request would be lost.
    """

    def __init__(
        self, request: Request, writer: ResponseWriter, connection: ClientConnection, *, chunked: bool
    ) -> None:
        self.request = request
        self.writer = writer
        self.connection = connection
        self.refused = False
        self._chunked = chunked
        self._has_body = chunked or bool(request.body.declared)
        self._scope = trio.CancelScope()
        self._head_scope = trio.CancelScope()  # its deadline is set when the request is complete
        self._go = trio.Event()  # the body is wanted
        self._failure: Exception | None = None

    async def run(self, head: h11.Request, *, extra: Fields, compress: bool) -> None:
        """Send the request, and write the answer.

        Raises Broken; HTTPError, ClientGone: of the client.
        """
        # The head goes out before the client's body is asked for: the server behind may refuse it by its head.
        await self._send(head)
        if not self._has_body:  # now: a connection whose request has not ended when its answer has is not kept
            await self._send(h11.EndOfMessage())
        if not self.request.body.awaits_continue():
            self._go.set()
        with self._scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._upload)
                nursery.start_soon(self._download, extra, compress)
        if self._failure is not None:
            raise self._failure

    def _end(self, failure: Exception | None = None) -> None:
        self._failure = self._failure or failure
        self._scope.cancel()

    async def _send(self, event: h11.Event) -> None:
        """Send a part of the request. Raises Broken."""
        try:
            with trio.fail_after(WRITE_SECONDS):
                await self.connection.send(event)
        except trio.TooSlowError:
            raise Broken("timed out sending the request to the backend", status=504) from None
        except h11.LocalProtocolError as error:
            raise Broken(f"can't forward the request: {error}") from error
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError) as error:
            raise Broken("connection lost", stale=not self.connection.heard) from error

    async def _upload(self) -> None:
        """Bring the body to the server behind, then watch the client."""
        body = self.request.body
        try:
            with trio.move_on_after(CONTINUE_SECONDS):
                await self._go.wait()
            while octets := await body.receive(UNLIMITED):
                await self._send(h11.Data(octets))
            if self._has_body:
                trailers = request_trailers(self.request) if self._chunked else ()
                await self._send(h11.EndOfMessage(headers=_octets(trailers)))
        except Broken as error:
            if error.status == 504:
                self._end(error)
            # else its answer may be there: a server that has seen enough answers, and closes
            self._head_scope.deadline = trio.current_time() + HEAD_SECONDS
            return
        except (HTTPError, ClientGone) as error:
            self._end(error)
            return
        self._head_scope.deadline = trio.current_time() + HEAD_SECONDS
        try:
            await body.wait_gone()
        except ClientGone:
            pass
        self._end(ClientGone())

    async def _download(self, extra: Fields, compress: bool) -> None:
        try:
            head = await self._head()
            self.refused = head.status_code >= 400 and self._has_body
            await respond(self.request, self.writer, self.connection, head, extra=extra, compress=compress)
        except h11.RemoteProtocolError as error:
            stale = not self.connection.heard
            self._end(Broken(f"invalid response: {error}", stale=stale))
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError) as error:
            self._end(Broken("connection lost", stale=not self.connection.heard))
            logger.debug("connection lost", extra={"kv": {"err": str(error)}})
        except (Broken, HTTPError, ClientGone) as error:
            self._end(error)
        else:
            self._end()

    async def _head(self) -> h11.Response:
        """The head of the answer; informational ones before it go to the client.

        Raises Broken, h11.RemoteProtocolError, BrokenResourceError, ClientGone.
        """
        with self._head_scope:
            for _ in range(MAX_INFORMATIONAL):
                event = await self.connection.receive()
                if isinstance(event, h11.Response):
                    check_framing(event)
                    return event
                assert isinstance(event, h11.InformationalResponse)
                if event.status_code == 100:
                    self._go.set()
                elif self.request.http_version != "1.0":
                    await self.writer.inform(event.status_code, answer_fields(event.headers, (), ()))
            raise Broken("too many informational responses")
        raise Broken("response timed out", status=504)


def _octets(fields: Fields | list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in fields]


# Websockets of a server behind this one (WEB-48, RFC 6455): the opening is checked, then octets are copied unseen.


refused: Final = RateLimitedLog("too many open WebSockets", logger.warning)

GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455 §4.2.2."""

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
            503, "Too many WebSocket connections are open. Try again later.", (("retry-after", RETRY_AFTER),)
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
        raise tell_failure(request, writer, backend, Broken(f"invalid response: {error}")) from error
    except Broken as error:
        raise tell_failure(request, writer, backend, error) from error


def _check(request: Request) -> bytes:
    """Check the opening (RFC 6455 §4.2.1); returns the value with which a server accepts it. Raises HTTPError."""
    headers = request.headers
    connection = {element.lower() for element in headers.elements("connection")}
    if request.method != "GET" or request.http_version != "1.1" or "upgrade" not in connection:
        raise HTTPError(400, "This isn't a valid WebSocket request.")
    if headers.get("sec-websocket-version") != "13":
        raise HTTPError(400, "Only WebSocket version 13 is supported.", (("sec-websocket-version", "13"),))
    key = (headers.get("sec-websocket-key") or "").strip()
    try:
        valid = len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        valid = False
    if not valid or headers.get("content-length") not in (None, "0") or headers.get("transfer-encoding"):
        raise HTTPError(400, "This isn't a valid WebSocket request.")
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
                    raise Broken("backend sent an invalid WebSocket handshake")
                return event
    raise Broken("response timed out", status=504)


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
