"""One request and its response: the objects that a handler gets (RFC 9110 §3).

The underlying connection is a `Channel`. Reading requests and the sequence of exchanges are in `connection`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import Final, Literal, Protocol, TypeAlias, final
from urllib.parse import parse_qs

import h11
import msgspec
import trio

from moxlite.ledger import FREE, Hold, NoRoom
from moxlite.net.admission import ConnectionInfo
from moxlite.net.limits import IPAddress
from moxlite.web.http.errors import (
    MAX_FIELDS,
    MAX_HEAD,
    MAX_TARGET,
    BadRequest,
    BodyTimeout,
    BodyTooLarge,
    ClientGone,
    Drain,
    HTTPError,
    NoRoomForRequest,
)
from moxlite.web.http.messages import Headers, Response
from moxlite.web.http.paths import Host, normalise_path, parse_host, split_target

WRITE_SIZE: Final = 64 * 1024  # octets of a body that are encoded at a time
CACHEABLE: Final = frozenset((200, 203, 206, 304))
"""Status codes of responses whose caching a rule can set; others have reasons of their own."""
EVENT_STREAM: Final = "text/event-stream"
"""The content type of server-sent events (WHATWG HTML §9.2), also where a server behind sends them."""

CLOSE: Final = ("connection", "close")
END: Final = h11.EndOfMessage()
"""The end of a body without trailers."""

REASONS: Final = {status.value: status.phrase.encode() for status in HTTPStatus}


@final
class FilePart:
    """Octets of an open file, from ``start`` to before ``end``, which the system copies to a socket. ``limiter`` is of
    the threads that wait for the disk.
    """

    __slots__ = ("descriptor", "end", "limiter", "start")

    def __init__(self, descriptor: int, start: int, end: int, limiter: trio.CapacityLimiter) -> None:
        self.descriptor = descriptor
        self.start = start
        self.end = end
        self.limiter = limiter

    def __len__(self) -> int:
        return self.end - self.start


class Channel(Protocol):
    """Interface of a connection for one exchange."""

    async def receive_body(self) -> bytes:
        """The next octets of the request's body, b"" at its end. Raises BodyTimeout, BadRequest, ClientGone."""

    @property
    def hold(self) -> Hold:
        """Hold of the exchange, closed at its end."""

    async def send(self, *parts: h11.Event) -> None:
        """Send parts of the response, in their order: heads, octets of the body, its end. The parts are h11's events
        whatever the version of HTTP; each version writes them in its own way. Raises ClientGone.
        """

    def sends_files(self) -> bool:
        """Whether `send_file` works: on connections without TLS."""

    async def send_file(self, part: FilePart) -> None:
        """Send octets of the body from a file. Raises ClientGone, OSError if the disk fails."""

    def must_close(self) -> bool:
        """Whether this response is the last one of the connection."""

    def awaits_continue(self) -> bool:
        """Whether the client sends the body only after an answer 100."""

    def trailers(self) -> tuple[tuple[str, str], ...]:
        """The fields after the body, as soon as it has ended."""

    async def wait_gone(self) -> None:
        """Return when the client has left, which may be never; the body must have ended. Raises ClientGone."""

    def rest(self) -> trio.abc.Stream:
        """The stream after this request."""

    def replay(self) -> trio.abc.Stream:
        """The stream, beginning with this request again."""


@final
class Body:
    """The body of a request. Nothing is read before the handler asks for it, so limits and log-in are checked first
    (WEB-4).
    """

    def __init__(self, channel: Channel, declared: int | None, *, undeclared: bool = False) -> None:
        """`declared`: its octets if the client has announced them; `undeclared`: there is a body whose length only its
        end tells.
        """
        self._channel = channel
        self.declared = declared
        self.undeclared = undeclared
        self.received = 0

    async def receive(self, limit: int) -> bytes:
        """The next octets, b"" at the end.

        Raises BodyTooLarge as soon as more than `limit` octets are announced or have come, BodyTimeout, BadRequest,
        ClientGone.
        """
        if self.declared is not None and self.declared > limit:
            raise BodyTooLarge(limit)
        data = await self._channel.receive_body()
        self.received += len(data)
        if self.received > limit:
            raise BodyTooLarge(limit)
        return data

    async def read(self, limit: int, cost: Callable[[int], int] = int) -> bytes:
        """The whole body of at most `limit` octets, held until the exchange ends. Raises as `receive`, and
        NoRoomForRequest.

        Args:
          cost: gives the octets that a body takes with what is made of it, of its own octets.
        """
        if self.declared is not None and self.declared > limit:
            raise BodyTooLarge(limit)
        # All of it at once, and before the client is told to go on: bodies that grew beside each other would all wait
        # for the last piece of room.
        most = limit if self.declared is None else self.declared
        taken = cost(most) if self.declared or self.undeclared else 0
        if taken > FREE:
            try:
                await self.hold.take("request", taken)
            except NoRoom as error:
                raise NoRoomForRequest(error) from None
        pieces: list[bytes] = []
        with self.hold.peer(math.inf) as peer:
            while data := await self.receive(limit):
                pieces.append(data)
                peer.moved(len(data))
        if peer.scope.cancelled_caught:
            raise BodyTimeout
        if taken > FREE:
            self.hold.give("request", taken - cost(self.received))
        return b"".join(pieces)

    @property
    def hold(self) -> Hold:
        """Hold of the exchange."""
        return self._channel.hold

    def awaits_continue(self) -> bool:
        """Whether the client sends the body only after an answer 100, which `receive` gives (RFC 9110 §10.1.1)."""
        return self._channel.awaits_continue()

    def trailers(self) -> tuple[tuple[str, str], ...]:
        """The fields after the body, names in lower case, as soon as it has ended (RFC 9110 §6.5)."""
        return self._channel.trailers()

    async def wait_gone(self) -> None:
        """Return when the client has closed the connection, which may be never. The body must have ended.

        Raises ClientGone.
        """
        await self._channel.wait_gone()


@final
class Request(msgspec.Struct, kw_only=True, eq=False):
    """A request whose head has arrived.

    ``target`` is the raw request target, ``path`` its decoded and normalised path, ``query`` the raw query without "?".
    ``host`` is the name by which the client addressed the server. ``scheme`` is http or https from the client's view.
    ``client`` is the address that limits and logs use. A trusted proxy may set scheme and address. ``info`` is the
    connection. ``drain`` begins when the server stops. ``handler`` (the route) and ``account`` (of the logged-in user)
    are for log and metrics.
    """

    method: str
    target: str
    path: str
    query: str
    host: Host
    headers: Headers
    http_version: str
    info: ConnectionInfo
    drain: Drain
    body: Body
    scheme: str
    client: IPAddress
    handler: str = "(nomatch)"
    account: str = ""

    @property
    def client_ip(self) -> str:
        """The client's address as text."""
        return str(self.client)

    @property
    def origin(self) -> str:
        """The origin of this request, as browsers write it (RFC 6454 §6.2)."""
        return f"{self.scheme}://{self.host.authority}"


@final
class ResponseWriter:
    """Writes exactly one response: a whole one by `respond`, or `start`, `write` …, `finish`; or, for another protocol,
    `take_over` or `switch`.

    All methods raise ClientGone if the client has left.
    """

    def __init__(self, channel: Channel, method: str) -> None:
        self._channel = channel
        self._head_only = method == "HEAD"
        self.status = 0
        self.sent = 0  # octets of the body
        self.finished = False
        self.taken_over = False
        self._events = False  # the body is a stream of events
        self._ahead = 0  # octets that were taken from the ledger for the first piece
        self.started_at = 0.0  # trio's clock at the time the status was written
        self.extra: tuple[tuple[str, str], ...] = ()  # fields of all responses of the service
        self.cache = ""  # Cache-Control of a successful response, in place of its own
        self.tunnelled: tuple[int, int] | None = None  # octets to and from the client after `switch`

    @property
    def started(self) -> bool:
        """Whether a status has been sent. After that, an error can only close the connection."""
        return self.status != 0 or self.taken_over

    async def respond(self, response: Response) -> None:
        """Write a whole response."""
        headers = response.headers
        # HEAD has the length that GET would have (RFC 9110 §8.6).
        if response.status >= 200 and response.status not in (204, 304):
            headers = (*headers, ("content-length", str(len(response.body))))
        body = b"" if self._head_only or response.status in (204, 304) else response.body
        try:
            await self._take("answer", len(body), known=len(body) if response.shared else self.hold.parts["answer"])
        except NoRoom as error:
            raise NoRoomForRequest(error) from None
        # Head and first octets are one write: for most answers one packet, or one record of TLS.
        parts: list[h11.Event] = [self._head(response.status, headers)]
        whole = memoryview(body)  # whose slices are no copies
        for start in range(0, len(body), WRITE_SIZE):
            parts.append(self._data(whole[start : start + WRITE_SIZE]))
            if start + WRITE_SIZE < len(body):
                await self._channel.send(*parts)
                parts = []
        await self._channel.send(*parts, END)
        self.finished = True

    @property
    def hold(self) -> Hold:
        """Hold of the exchange."""
        return self._channel.hold

    async def _take(self, kind: Literal["answer", "event"], octets: int, *, known: int = 0) -> int:
        """Take from the ledger what octets cost until they are sent, but those that are held as it is (`known`), and
        one slice, which is copied; returns how much. Raises NoRoom.
        """
        more = max(0, octets - known) + min(octets, WRITE_SIZE) - self._ahead
        if more <= FREE:
            return 0
        await self.hold.take(kind, more, begun=self.sent > 0)
        return more

    async def start(self, status: int, headers: tuple[tuple[str, str], ...], *, first: int = 0) -> None:
        """Write the head of a response of unknown length. `first`: octets of the first piece, if they are known. If
        there is no room for them, nothing is sent. Raises NoRoomForRequest.
        """
        self._events = any(name == "content-type" and value.startswith(EVENT_STREAM) for name, value in headers)
        if not self._head_only:
            try:
                self._ahead = await self._take("answer", first)
            except NoRoom as error:
                raise NoRoomForRequest(error) from None
        await self._channel.send(self._head(status, headers))

    async def inform(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        """Write an informational answer before the response (RFC 9110 §15.2)."""
        await self._channel.send(_informational(status, headers))

    async def write(self, data: bytes) -> None:
        """Write octets of the body; returns when all are sent."""
        if self._head_only:
            return
        kind: Literal["answer", "event"] = "event" if self._events else "answer"
        try:
            taken = self._ahead + await self._take(kind, len(data))
        except NoRoom as error:
            raise ClientGone from error
        self._ahead = 0
        whole = memoryview(data)
        for start in range(0, len(data), WRITE_SIZE):
            await self._channel.send(self._data(whole[start : start + WRITE_SIZE]))
        self.hold.give(kind, taken)

    @property
    def sends_files(self) -> bool:
        """Whether `write_file` works."""
        return self._channel.sends_files()

    async def write_file(self, part: FilePart) -> None:
        """Write octets of the body from a file; returns when all are sent. Raises OSError if the disk fails; then the
        connection must close.
        """
        if not self._head_only and len(part) > 0:
            self.sent += len(part)
            await self._channel.send_file(part)

    async def finish(self, trailers: tuple[tuple[str, str], ...] = ()) -> None:
        """End the body. Over HTTP/1.1 only a chunked one can have trailers."""
        await self._channel.send(h11.EndOfMessage(headers=_octets(trailers)))
        self.finished = True

    async def switch(self, headers: tuple[tuple[str, str], ...]) -> trio.abc.Stream:
        """Switch to the protocol that the request asks for (RFC 9110 §7.8); returns the stream that carries it. The
        connection carries no HTTP after that.
        """
        await self._channel.send(_informational(101, headers))
        self.status = 101
        self.started_at = trio.current_time()
        self.taken_over = True
        return self._channel.rest()

    def take_over(self) -> trio.abc.Stream:
        """The stream, beginning with this request again, for a protocol that a GET upgrades to. The connection carries
        no HTTP after that.
        """
        self.taken_over = True
        return self._channel.replay()

    def _head(self, status: int, headers: tuple[tuple[str, str], ...]) -> h11.Response:
        self.status = status
        self.started_at = trio.current_time()
        fields = [*headers, *self.extra]
        if self.cache and status in CACHEABLE:
            fields = [*(field for field in fields if field[0] != "cache-control"), ("cache-control", self.cache)]
        if all(name != "date" for name, _ in headers):
            fields.insert(0, ("date", _now()))
        if self._channel.must_close():
            fields.append(CLOSE)
        return h11.Response(status_code=status, reason=REASONS.get(status, b""), headers=_octets(fields))

    def _data(self, data: memoryview) -> h11.Data:
        self.sent += len(data)
        return h11.Data(data=data)  # type: ignore[arg-type]  # h11 takes whatever has octets and a length


def _octets(fields: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in fields]


def _informational(status: int, headers: tuple[tuple[str, str], ...]) -> h11.InformationalResponse:
    return h11.InformationalResponse(status_code=status, reason=REASONS.get(status, b""), headers=_octets(headers))


Handler: TypeAlias = Callable[[Request, ResponseWriter], Awaitable[None]]
"""Answers one request. Raises nothing but ClientGone and Cancelled."""

_stamp = (0, "")


def _now() -> str:
    """The value of the Date field (RFC 9110 §6.6.1), computed once a second."""
    global _stamp
    now = int(time.time())
    if _stamp[0] != now:
        _stamp = (now, formatdate(now, usegmt=True))
    return _stamp[1]


# A `Request` made of a head, with the checks that hold for all versions of HTTP (WEB-4, WEB-6).


def make_request(
    *,
    method: str,
    target: str,
    headers: Headers,
    http_version: str,
    info: ConnectionInfo,
    drain: Drain,
    body: Body,
) -> Request:
    """The request. The arguments are as in `Request`; at most one field of `headers` is ``host``.

    Raises BadRequest: 414, 417, 431.
    """
    if len(target) > MAX_TARGET:
        raise BadRequest("The request URL is too long.", 414)
    sizes = [len(name) + len(value) + 4 for name, value in headers]
    # The head of HTTP/1.1 was measured before. In HTTP/2 a field that is in the table of the compression costs its
    # client one octet, and us all of it.
    if len(sizes) > MAX_FIELDS or sum(sizes) > MAX_HEAD:
        raise BadRequest("The request has too many header fields.", 431)
    expect = headers.get("expect")
    if expect is not None and expect.lower() != "100-continue":
        raise BadRequest("Only Expect: 100-continue is supported.", 417)
    authority, path, query = split_target(target)
    return Request(
        method=method,
        target=target,
        path=normalise_path(path),
        query=query,
        host=parse_host(authority if authority is not None else headers.get("host") or ""),
        headers=headers,
        http_version=http_version,
        info=info,
        drain=drain,
        body=body,
        scheme="http" if info.tls is None else "https",
        client=info.remote,
    )


# Fields of queries and forms.

MAX_PARAMETERS: Final = 16  # fields of a query or a form; ours have fewer


def query_parameters(request: Request) -> dict[str, str]:
    """The parameters of the query; if a name is repeated, its first value. Raises HTTPError 400."""
    return parse_fields(request.query)


def parse_fields(text: str) -> dict[str, str]:
    """Fields of a query or of a form (``application/x-www-form-urlencoded``); if a name is repeated, its first value.
    Raises HTTPError 400.
    """
    try:
        return {
            name: values[0] for name, values in parse_qs(text, errors="strict", max_num_fields=MAX_PARAMETERS).items()
        }
    except ValueError as e:
        raise HTTPError(400, "This request isn't valid.") from e
