"""Metrics and health checks, on a port of their own (WEB-22, WEB-155)."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import trio

from moxlite import lazyimport
from moxlite.web.headers import SERVICE_HEADERS
from moxlite.web.http.encoding import compressed
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.exchange import Request, ResponseWriter
from moxlite.web.http.messages import Response

Readiness = Callable[[], Awaitable[Sequence[str]]]
"""Reasons why the server is not ready at this moment, one line each; empty if it is ready."""

Notes = Callable[[], Sequence[str]]
"""Problems that do not affect the server's readiness, one line each: single accounts (ADMIN-39a)."""

Measure = Callable[[], Awaitable[None]]
"""Sets the gauges that are computed when they are read."""

PAGE: Final = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>moxlite</title></head>
<body><ul>
<li><a href="/metrics">metrics</a></li>
<li><a href="/healthz">healthz</a></li>
<li><a href="/readyz">readyz</a></li>
</ul></body></html>
"""
READY_TIMEOUT: Final = 5.0  # seconds; monitors give up after 10 s
MEASURE_TIMEOUT: Final = 2.0  # seconds; with a slow database, the previous values are better than no metrics


class Health:
    """Answers monitoring requests."""

    def __init__(self, readiness: Readiness, measure: Measure, notes: Notes) -> None:
        self._readiness = readiness
        self._notes = notes
        self._measure = measure

    async def handle(self, request: Request, writer: ResponseWriter) -> None:
        """Answer with the page of links, the metrics, or a health check."""
        if request.method not in ("GET", "HEAD"):
            raise HTTPError(405, "Use GET to view this.", (("allow", "GET, HEAD"),))
        match request.path:
            case "/metrics":
                with trio.move_on_after(MEASURE_TIMEOUT):
                    await self._measure()
                await lazyimport.load("moxlite.net.exposition")
                from moxlite.net.exposition import exposition

                # 2 to 10 ms for some thousand series
                body, kind = await trio.to_thread.run_sync(exposition, request.headers.get("accept"))
                response = Response(200, (("content-type", kind), ("cache-control", "no-store")), body)
            case "/healthz":
                response = Response.text(200, "ok")
            case "/readyz":
                response = await self._ready()
            case "/":
                response = Response(200, (("content-type", "text/html; charset=utf-8"), *SERVICE_HEADERS), PAGE)
            case _:
                raise HTTPError(404, "Page not found.")
        await writer.respond(await compressed(request.headers, response))

    async def _ready(self) -> Response:
        problems: Sequence[str] = ("the checks timed out",)
        with trio.move_on_after(READY_TIMEOUT):
            problems = await self._readiness()
        if problems:
            return Response.text(503, "\n".join([*problems, *self._notes()]))
        return Response.text(200, "\n".join(["ok", *self._notes()]))
