"""Connections to the server behind this one, its answers, and its failures (WEB-44..48)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import h11
import trio

from moxlite.net.httpclient import HTTPError as ConnectError
from moxlite.web.handlers.forwardfields import Fields, answer_fields, trailer_fields
from moxlite.web.http.encoding import MIN_SIZE, Compressor, choose, is_compressible, stream_compressor
from moxlite.web.http.errors import ClientGone, HTTPError
from moxlite.web.http.messages import Headers

if TYPE_CHECKING:
    from moxlite.net.httpclient.connection import ClientConnection
    from moxlite.net.httpclient.pool import Backend, Pool
    from moxlite.web.http.exchange import Request, ResponseWriter

logger = logging.getLogger("moxlite.web.handlers")

CONNECT_SECONDS: Final = 10.0
"""Seconds for a connection to the server behind (WEB-47)."""


class Broken(Exception):
    """The server behind has failed. ``status``: of the error page; ``stale``: the request may be made again on a new
    connection.
    """

    def __init__(self, reason: str, *, status: int = 502, stale: bool = False) -> None:
        super().__init__(reason)
        self.status = status
        self.stale = stale


async def open_backend(pool: Pool, backend: Backend) -> ClientConnection:
    """A new connection to the server behind. Raises Broken."""
    try:
        with trio.fail_after(CONNECT_SECONDS):
            return await pool.connect(backend)
    except trio.TooSlowError:
        raise Broken("no connection in time", status=504) from None
    except ConnectError as error:
        raise Broken(str(error)) from error


def tell_failure(request: Request, writer: ResponseWriter, backend: Backend, error: Broken) -> Exception:
    """Log a failure; returns the exception that ends the request."""
    kv = {"handler": request.handler, "backend": backend.host, "path": request.path, "err": str(error)}
    logger.error("forwarding a request failed", extra={"kv": kv})
    if writer.started:
        return ClientGone()
    late = error.status == 504
    words = "did not answer in time" if late else "cannot be reached, or has failed"
    return HTTPError(error.status, f"The server behind this one {words}.")


def check_framing(response: h11.Response) -> None:
    """Refuse an answer that others may read as two (RFC 9112 §6.3). Raises Broken."""
    names = [name for name, _ in response.headers]
    if b"content-length" in names and b"transfer-encoding" in names:
        raise Broken("no valid answer: it has both Content-Length and Transfer-Encoding")


async def respond(
    request: Request,
    writer: ResponseWriter,
    connection: ClientConnection,
    response: h11.Response,
    *,
    extra: Fields,
    compress: bool = False,
) -> None:
    """Write an answer, whose head is `response`, and its body as it comes.

    Raises h11.RemoteProtocolError, trio.BrokenResourceError; ClientGone.
    """
    fields = answer_fields(response.headers, extra, writer.extra)
    if response.status_code in (204, 304):
        fields = tuple(field for field in fields if field[0] != "content-length")
    compressor, fields = _compressor(request, response.status_code, fields) if compress else (None, fields)
    await writer.start(response.status_code, fields)
    while True:
        event = await connection.receive()
        if isinstance(event, h11.Data):
            octets = bytes(event.data)
            await writer.write(octets if compressor is None else compressor.add(octets))
            continue
        assert isinstance(event, h11.EndOfMessage)
        break
    if compressor is not None:
        await writer.write(compressor.end())
    chunked = request.http_version != "1.0" and request.method != "HEAD" and response.status_code not in (204, 304)
    chunked = chunked and all(name != "content-length" for name, _ in fields)
    trailers = trailer_fields(answer_fields(event.headers, (), (*extra, *writer.extra)))
    await writer.finish(trailers if chunked else ())


def _compressor(request: Request, status: int, fields: Fields) -> tuple[Compressor | None, Fields]:
    """A compressor for an answer if it is worthwhile and allowed (WEB-10), and the fields of the answer then."""
    headers = Headers(fields)
    length = headers.get("content-length")
    if (
        status != 200
        or request.method == "HEAD"
        or headers.get("content-encoding") is not None
        or not is_compressible(headers.get("content-type"))
        or "no-transform" in (headers.get("cache-control") or "")
        or (length is not None and int(length) < MIN_SIZE)
    ):
        return None, fields
    vary = (*fields, ("vary", "Accept-Encoding"))
    compressor = stream_compressor(request.headers) if choose(request.headers, ("gzip",)) else None
    if compressor is None:
        return None, vary
    kept = []
    for name, value in vary:
        if name in ("content-length", "accept-ranges", "content-md5", "digest", "repr-digest", "content-digest"):
            continue
        # another coding is another representation (RFC 9110 §8.8.3)
        weak = name == "etag" and not value.startswith("W/")
        kept.append((name, f"W/{value}" if weak else value))
    return compressor, (*kept, ("content-encoding", "gzip"))
