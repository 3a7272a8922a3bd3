"""The handler ``forward``: passes requests on to a web server behind this one (WEB-44..48).

Theory of operation
-------------------
Of a request three tasks take care: one brings its body to the server behind, one brings the answer to the client, and
one watches, after the body, whether the client leaves. Each piece is sent before the next one is read, so that the
slower side sets the pace. The answer ends all three. A failure before the answer's first octet becomes an error page,
a later one closes the client's connection: nothing else can tell it that the answer is not whole.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Final

import h11
import trio

from moxlite.net.httpclient.pool import Backend, Pool
from moxlite.net.limits import within
from moxlite.web.handlers.backends import Broken, check_framing, open_backend, respond, tell_failure
from moxlite.web.handlers.forwardfields import Fields, answer_fields, request_fields, request_trailers, target_at
from moxlite.web.handlers.tunnel import tunnel
from moxlite.web.http.errors import ClientGone, HTTPError

if TYPE_CHECKING:
    from moxlite.config.domains import WebForward
    from moxlite.config.webrules import Pattern
    from moxlite.net.httpclient.connection import ClientConnection
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
        if "websocket" in (one.lower() for one in request.headers.elements("upgrade")):
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
                passage = Passage(request, writer, connection, chunked=chunked)
                try:
                    await passage.run(head, extra=self._extra, compress=self._compress)
                finally:
                    if passage.refused:
                        connection.close()
                    else:
                        self._pool.give(self._backend, connection)
            except Broken as error:
                if pooled and error.stale and request.method in IDEMPOTENT and not declared and not chunked:
                    fresh = True
                    continue
                raise tell_failure(request, writer, self._backend, error) from error
            return True


class Passage:
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
        self._scope = trio.CancelScope()
        self._head_scope = trio.CancelScope()  # its deadline is set when the request is complete
        self._go = trio.Event()  # the body is wanted
        self._failure: Exception | None = None

    async def run(self, head: h11.Request, *, extra: Fields, compress: bool) -> None:
        """Send the request, and write the answer.

        Raises Broken; HTTPError, ClientGone: of the client.
        """
        await self._send(head)
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
            raise Broken("it does not take the request", status=504) from None
        except h11.LocalProtocolError as error:
            raise Broken(f"the request cannot be forwarded: {error}") from error
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
            self.refused = head.status_code >= 400 and bool(self._chunked or self.request.body.declared)
            await respond(self.request, self.writer, self.connection, head, extra=extra, compress=compress)
        except h11.RemoteProtocolError as error:
            stale = not self.connection.heard
            self._end(Broken(f"no valid answer: {error}", stale=stale))
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
            raise Broken("too many informational answers")
        raise Broken("no answer in time", status=504)


def _octets(fields: Fields | list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in fields]
