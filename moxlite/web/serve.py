"""Serving a connection: HTTP, then limits, route and handler, then log line and metrics of each request (WEB-8, 13..18,
28).
"""

from __future__ import annotations

import ipaddress
import logging
from typing import TYPE_CHECKING, Final

import trio

from moxlite.admin.publicpages import CONSENT_PATH, LINKS_PATH
from moxlite.lazyimport import load
from moxlite.net import metrics as net_metrics
from moxlite.net.admission import ConnectionInfo, visit_from
from moxlite.net.limits import IPNetwork, unmap, within
from moxlite.processor import acting, calling
from moxlite.web import metrics
from moxlite.web.http.connection import Connection
from moxlite.web.http.errors import ClientGone, Drain, HTTPError
from moxlite.web.http.exchange import Request, ResponseWriter
from moxlite.web.http.messages import Response
from moxlite.web.http.pagetexts import page_text
from moxlite.web.http.paths import is_text

if TYPE_CHECKING:
    from moxlite.web.context import Context

logger = logging.getLogger("moxlite.web")

RETRY_AFTER: Final = "60"  # seconds: the shorter window of WEB-13
HTTP_2: Final = "h2"
"""HTTP/2 in ALPN (RFC 9113 §3.1)."""

HTTP2_PACKAGE: Final = "moxlite.web.http2"
"""Imported with the first connection that asks for it: 1.4 MB."""


async def serve_connection(stream: trio.abc.Stream, info: ConnectionInfo, context: Context) -> None:
    """Speak HTTP with one client until it leaves, sends an invalid request or is silent for too long.

    When `info.shutdown` is set, an idle connection closes at once, a response in progress finishes, and a stream sends
    a shutdown event. Cancellation closes without an answer. Raises nothing of its own.
    """
    if info.seat.enter(context.gates[info.listener], info.remote) is None:
        await _serve(stream, info, context)


async def _serve(stream: trio.abc.Stream, info: ConnectionInfo, context: Context) -> None:
    drain = Drain()

    async def handle(request: Request, writer: ResponseWriter) -> None:
        await _handle(request, writer, context)

    with info.shutdown.tell(drain.begin):
        if info.tls is not None and info.tls.alpn == HTTP_2:
            await load(f"{HTTP2_PACKAGE}.connection")
            from moxlite.web.http2 import connection as http2

            requests = None if within(info.remote, context.gates[info.listener].proxies) else context.requests_open
            await http2.Connection(stream, info, handler=handle, drain=drain, requests=requests).serve()
        else:
            await Connection(stream, info, handler=handle, drain=drain).serve()


async def _handle(request: Request, writer: ResponseWriter, context: Context) -> None:
    """Answer one request, then write its log line and metrics, even if answering fails."""
    began = trio.current_time()
    acting.set(None)  # a connection that is kept, as of a proxy, has requests of other users
    visit_from(request.info.remote)
    request.info.seat.touch()
    try:
        await _answer(request, writer, context)
    finally:
        _tell(request, writer, began)


async def _answer(request: Request, writer: ResponseWriter, context: Context) -> None:
    info = request.info
    writer.extra = context.strict.field(request, "")
    try:
        router = context.routers.get((info.listener, info.local_port))
        if router is None:
            raise HTTPError(404, "Page not found.")
        # TRACE would echo cookies that scripts may not read; CONNECT is for proxies.
        if request.method in ("CONNECT", "TRACE"):
            raise HTTPError(405, "Method not supported.")
        route = router.system(request)
        rules = None if route is not None else router.rules(request)
        if rules is not None:
            direct = request.client, request.scheme
            _believe_proxy(request, rules.forwarded_from)
            _limit(request, context)
            if await rules.answer(request, writer):
                return
            # our own services may believe other proxies than the rules: they look at the connection itself again
            request.client, request.scheme = direct
        route = route or router.service(request)
        if route is not None:
            request.handler = route.name
            writer.extra = context.strict.field(request, route.name)
            _believe_proxy(request, route.forwarded_from)
        if rules is None:  # otherwise it was counted above
            _limit(request, context)
        # Names of our own are text. Only what rules pass on may have other octets.
        if route is None or not is_text(request.path):
            raise HTTPError(404, "Page not found.")
        calling.set(route.name)
        await route.handler(request, writer)
    except HTTPError as e:
        if writer.started:
            raise ClientGone from e
        await writer.respond(_error_page(e, request, context))
    except ClientGone:
        raise
    except Exception:  # the guard of a connection: a crash in one request must not stop the server
        net_metrics.panics.labels(pkg="web").inc()
        logger.exception(
            "unexpected handler error", extra={"kv": {"handler": request.handler, "path": _shown_path(request)}}
        )
        if writer.started:
            raise ClientGone from None
        error = HTTPError(500, "Something went wrong on the server.")
        await writer.respond(_error_page(error, request, context))


def _error_page(error: HTTPError, request: Request, context: Context) -> Response:
    """An error page in the reader's language. For errors of the server it includes the id of the connection, by which
    the administrator finds it in the log (WEB-8).
    """
    text, fields = page_text(error, request.headers)
    if error.status >= 500:
        text = f"{text} (id {context.opaque_id(request.info.cid)})"
    return Response.text(error.status, text, (*fields, *error.headers))


def _believe_proxy(request: Request, networks: tuple[IPNetwork, ...] | None) -> None:
    """Take address and scheme from a trusted proxy's fields. The client's address is the last one that is not a proxy's
    (WEB-28).
    """
    if networks is None or not within(request.info.remote, networks):
        return
    # From the right: each proxy appends the address that it saw. What is left of the last trusted one came from the
    # client, who may write anything.
    for text in reversed(request.headers.elements("x-forwarded-for")):
        try:
            request.client = unmap(ipaddress.ip_address(text.strip("[]")))
        except ValueError:
            break
        if not within(request.client, networks):
            break
    visit_from(request.client)
    scheme = (request.headers.get("x-forwarded-proto") or "").strip().lower()
    if scheme in ("http", "https"):
        request.scheme = scheme


def _shown_path(request: Request) -> str:
    """The path for the log: without the secret that a link of a question or a calendar has."""
    return next((path for path in (CONSENT_PATH, LINKS_PATH) if request.path.startswith(path)), request.path)


def _limit(request: Request, context: Context) -> None:
    """Count the request for its network. Raises HTTPError 429 (WEB-13)."""
    if (request.info.listener, request.info.local_port) in context.unlimited:
        return
    if not context.requests.add(request.client):
        request.handler = "(ratelimited)"
        metrics.ratelimited.inc()
        raise HTTPError(429, "Too many requests from your network. Try again later.", (("retry-after", RETRY_AFTER),))


def _tell(request: Request, writer: ResponseWriter, began: float) -> None:
    """Record metrics and the access log line of a request (WEB-15, WEB-16)."""
    now = trio.current_time()
    proto = ("ws" if writer.taken_over else "http") + ("s" if request.scheme == "https" else "")
    labels = (request.handler, proto, metrics.method_label(request.method), str(writer.status))
    metrics.request_seconds.labels(*labels).observe(max(0.0, (writer.started_at or now) - began))
    metrics.response_seconds.labels(*labels).observe(now - began)
    if request.handler == "(ratelimited)" or not logger.isEnabledFor(logging.DEBUG):
        return
    tls = request.info.tls
    kv: dict[str, object] = {
        "httpaccess": "",
        "handler": request.handler,
        "method": request.method,
        "url": _shown_path(request),
        "host": request.host.authority,
        "duration": f"{now - began:.3f}",
        "statuscode": writer.status,
        "proto": f"HTTP/{request.http_version}",
        "remoteaddr": str(request.info.remote),
        "tlsinfo": "plain" if tls is None else tls.version,
        "useragent": request.headers.get("user-agent") or "",
        "referer": request.headers.get("referer") or "",
        "size": writer.sent,
    }
    if request.client != request.info.remote:
        kv["clientip"] = request.client_ip
    if request.account:
        kv["authaccount"] = request.account
    if writer.taken_over:
        kv["websocket"] = ""
    if writer.tunnelled is not None:
        kv["sizetoclient"], kv["sizefromclient"] = writer.tunnelled
    logger.debug("http request", extra={"kv": kv})
