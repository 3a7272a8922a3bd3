"""Connections to the server behind this one, its answers, and its failures (WEB-44..48)."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar
from urllib.parse import quote

import h11
import trio

from moxlite.net.httpclient import HTTPError as ConnectError
from moxlite.web.http.encoding import MIN_SIZE, Compressor, choose, is_compressible, stream_compressor
from moxlite.web.http.errors import ClientGone, HTTPError
from moxlite.web.http.messages import Headers
from moxlite.web.http.paths import split_target, unescaped

if TYPE_CHECKING:
    from moxlite.config.webrules import Pattern
    from moxlite.net.httpclient import Backend, ClientConnection, Pool
    from moxlite.web.http.exchange import Request, ResponseWriter


# Header fields of forwarded requests and answers, and paths at the server behind (WEB-44, WEB-45; RFC 9110 §7.6).
#
# Pure functions: header fields in, header fields out.


Fields: TypeAlias = tuple[tuple[str, str], ...]
"""Header fields, names in lower case."""

HOP: Final = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer")
    + ("transfer-encoding", "upgrade")
)
"""Fields about one connection (RFC 9110 §7.6.1), and fields for proxies that a client has chosen itself."""

OURS: Final = frozenset(("content-length", "cookie", "forwarded", "host", "via", "x-forwarded", "x-real-ip"))
"""Fields that are written anew."""

NO_TRAILER: Final = HOP | frozenset(
    ("authorization", "cache-control", "content-encoding", "content-length", "content-range", "content-type", "cookie")
    + ("date", "expect", "expires", "forwarded", "host", "location", "max-forwards", "set-cookie", "via")
)
"""Fields that a trailer section must not have (RFC 9110 §6.5.1)."""

OWN_COOKIES: Final = frozenset(
    f"{app}{kind}" for app in ("admin", "account", "webmail") for kind in ("session", "login")
)
"""Our own cookies (WEB-51, WEB-52). The account app's are sent to all paths of its host."""

VIA: Final = f"moxlite-{secrets.token_hex(4)}"
"""This server in `Via` (RFC 9110 §7.6.3): a request that comes with it runs in a circle."""

TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
ESCAPE: Final = re.compile("%[0-9A-Fa-f]{2}")
SAFE: Final = "/%?:@!$&'()*+,;=~-._"
"""Characters that stay as they are in a target; "%" begins escapes that the client has written."""


def request_fields(request: Request, *, trusted: bool, upgrade: bool = False) -> Fields:
    """The fields for the server behind: without what is about the connection, our cookies and what clients claim of
    proxies. With `trusted` the client is a proxy whose own fields are extended.

    Raises HTTPError: 508, the request runs in a circle.
    """
    kept = _passed_on(request, request.headers)
    via = request.headers.all("via")
    if any(VIA in value for value in via):
        raise HTTPError(508, "Forwarding loop detected for this URL.")
    cookies = [
        one
        for value in request.headers.all("cookie")
        for one in value.split(";")
        if one.strip() and one.partition("=")[0].strip() not in OWN_COOKIES
    ]
    if cookies:
        kept.append(("cookie", "; ".join(cookie.strip() for cookie in cookies)))
    if upgrade:
        kept += [("connection", "upgrade"), ("upgrade", "websocket")]
    elif "trailers" in (element.partition(";")[0].strip().lower() for element in request.headers.elements("te")):
        kept += [("connection", "te"), ("te", "trailers")]
    host, peer = request.host.authority, str(request.info.remote)
    earlier = request.headers if trusted else None
    chain = [*(earlier.elements("x-forwarded-for") if earlier else ()), peer]
    forwarded = [
        *(earlier.all("forwarded") if earlier else ()),
        f"for={_node(peer)};host={_quoted(host)};proto={request.scheme}",
    ]
    return (
        ("host", host),
        *kept,
        ("via", ", ".join([*via, f"{request.http_version} {VIA}"])),
        ("forwarded", ", ".join(forwarded)),
        ("x-forwarded-for", ", ".join(chain)),
        ("x-forwarded-host", (earlier.get("x-forwarded-host") if earlier else None) or host),
        ("x-forwarded-proto", request.scheme),
        ("x-real-ip", request.client_ip),
    )


def request_trailers(request: Request) -> Fields:
    """The fields of the request's trailer section for the server behind. Those that a head loses are lost here too:
    servers may read trailers as if they were in the head (RFC 9110 §6.5.1).
    """
    return tuple(_passed_on(request, trailer_fields(request.body.trailers())))


def _passed_on(request: Request, fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    named = {element.lower() for element in request.headers.elements("connection")}
    return [(name, value) for name, value in fields if name not in named and _is_passed_on(name)]


def _is_passed_on(name: str) -> bool:
    """Whether a field of the client is for the server behind. Programs of CGI and WSGI read ``_`` in a name as ``-``
    (RFC 3875 §4.1.18), and ``Proxy`` as the setting HTTP_PROXY (CVE-2016-5385).
    """
    read = name.replace("_", "-")
    return read not in HOP and read not in OURS and read != "proxy" and not read.startswith("x-forwarded-")


def _node(address: str) -> str:
    """An address as RFC 7239 §6 has it."""
    return f'"[{address}]"' if ":" in address else address


def _quoted(text: str) -> str:
    return text if TOKEN.fullmatch(text) else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def answer_fields(fields: Iterable[tuple[bytes, bytes]], extra: Fields, ours: Fields) -> Fields:
    """The fields for the client: without what is about the connection, cookies with names of ours, and what `extra` (of
    the administrator) and `ours` (of all answers) replace.
    """
    texts = [(name.decode("ascii"), value.decode("latin-1")) for name, value in fields]
    named = {one.strip().lower() for name, value in texts if name == "connection" for one in value.split(",")}
    dropped = HOP | named | {name for name, _ in (*extra, *ours)}
    # Our apps share their host with the servers behind: a cookie of ours that one of these sets would end log-ins.
    kept = [
        (name, value)
        for name, value in texts
        if name not in dropped
        and not (name == "set-cookie" and value.partition(";")[0].partition("=")[0].strip() in OWN_COOKIES)
    ]
    return (*kept, *extra)


def trailer_fields(fields: Iterable[tuple[str, str]]) -> Fields:
    """The fields of a trailer section that may be there."""
    return tuple((name, value) for name, value in fields if name.replace("_", "-") not in NO_TRAILER)


async def target_at(request: Request, base: str, cut: Pattern | None) -> str:
    """Path and query at the server behind: `base` and the request's path as the client wrote it, without the part that
    `cut` matches. A path that leads elsewhere once it is normalised, such as ``/a/../b``, is passed on in its normal
    form: our rules and that server must mean the same.

    Raises PatternTooSlow.
    """
    _, raw, _ = split_target(request.target)
    # Rules were matched against the normal form. `/public/../private` must not pass for one and mean the other there.
    if unescaped(raw) != request.path:
        raw = quote(request.path.encode("utf-8", "surrogateescape"), safe="/:@!$&'()*+,;=~")
    if cut is not None:
        match = await in_time(
            lambda timeout, concurrent: cut.search(request.path, timeout=timeout, concurrent=concurrent)
        )
        raw = "/" + _without(raw, request.path[: match.end() if match else 0]).lstrip("/")
    path = base + quote(raw, safe=SAFE)
    return path + ("?" + quote(request.query, safe=SAFE) if request.query else "")


def _without(raw: str, prefix: str) -> str:
    """An encoded path without a prefix that is given decoded."""
    at = 0
    for _ in prefix.encode("utf-8", "surrogateescape"):
        at += 3 if ESCAPE.match(raw, at) else 1
    return raw[at:]


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
        raise Broken("connection timed out", status=504) from None
    except ConnectError as error:
        raise Broken(str(error)) from error


def tell_failure(request: Request, writer: ResponseWriter, backend: Backend, error: Broken) -> Exception:
    """Log a failure; returns the exception that ends the request."""
    kv = {"handler": request.handler, "backend": backend.host, "path": request.path, "err": str(error)}
    logger.error("failed to forward request", extra={"kv": kv})
    if writer.started:
        return ClientGone()
    late = error.status == 504
    words = "timed out" if late else "can't be reached, or failed"
    return HTTPError(error.status, f"The backend server {words}.")


def check_framing(response: h11.Response) -> None:
    """Refuse an answer that others may read as two (RFC 9112 §6.3). Raises Broken."""
    names = [name for name, _ in response.headers]
    if b"content-length" in names and b"transfer-encoding" in names:
        raise Broken("invalid response: both Content-Length and Transfer-Encoding are set")


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


# Matching the administrator's patterns against paths of strangers, in bounded time (WEB-36).

T = TypeVar("T")

QUICK_SECONDS: Final = 0.001
"""Seconds of the first attempt, on the event loop. Nearly every pattern takes 10 µs, and a thread costs 100 µs. `regex`
checks its clock so rarely that it may be some milliseconds late.
"""

SEARCH_SECONDS: Final = 0.020
"""Seconds of the second attempt, in a thread; `concurrent` lets the event loop run meanwhile."""

threads: Final = trio.CapacityLimiter(2)
"""Limit of slow searches at a time, so that an attacker keeps no more than these threads busy."""


class PatternTooSlow(Exception):
    """The pattern takes too long for this path; the administrator must write another one."""


async def in_time(match: Callable[[float, bool], T]) -> T:
    """Call `match(timeout, concurrent)`, first on the event loop with a short timeout, then in a thread; returns its
    result.

    Raises PatternTooSlow.
    """
    try:
        return match(QUICK_SECONDS, False)
    except TimeoutError:
        pass
    try:
        return await trio.to_thread.run_sync(match, SEARCH_SECONDS, True, limiter=threads)
    except TimeoutError:
        raise PatternTooSlow from None
