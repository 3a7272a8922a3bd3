"""Requests and responses as values (RFC 9110 §3)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, final

import msgspec

from moxlite.web.http.paths import Host

if TYPE_CHECKING:
    from moxlite.net.connections import ConnectionInfo
    from moxlite.web.http.connection import Body, ResponseWriter
    from moxlite.web.http.drain import Drain

__all__ = ["Handler", "Headers", "Request", "Response", "header_value"]


@final
class Headers:
    """Header fields in order of arrival; names are lower case (RFC 9110 §5.1), values latin-1 text."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = tuple(fields)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def get(self, name: str) -> str | None:
        """The value of the first field of that name, None when there is none."""
        for key, value in self._fields:
            if key == name:
                return value
        return None

    def all(self, name: str) -> list[str]:
        """The values of all fields of that name."""
        return [value for key, value in self._fields if key == name]

    def elements(self, name: str) -> list[str]:
        """The elements of a comma list (RFC 9110 §5.6.1) over all fields of that name; no quoted commas, as in tokens
        and tags.
        """
        return [part for value in self.all(name) for element in value.split(",") if (part := element.strip())]


@final
class Request:
    """A request whose head has arrived.

    ``target`` is the raw request target, ``path`` its decoded and normalised path, ``query`` the raw query without "?".
    ``host`` is what the client called us, ``scheme`` http or https as the client sees it, ``client_ip`` the address
    that limits and logs count by (both may come from a trusted proxy). ``info`` is the connection; ``drain`` begins
    when the server stops. ``handler`` names the route, ``account`` who has logged in, for log and metrics.
    """

    __slots__ = (
        "account",
        "body",
        "client_ip",
        "drain",
        "handler",
        "headers",
        "host",
        "http_version",
        "info",
        "method",
        "path",
        "query",
        "scheme",
        "target",
    )

    def __init__(
        self,
        *,
        method: str,
        target: str,
        path: str,
        query: str,
        host: Host,
        headers: Headers,
        http_version: str,
        info: ConnectionInfo,
        drain: Drain,
        body: Body,
    ) -> None:
        self.method = method
        self.target = target
        self.path = path
        self.query = query
        self.host = host
        self.headers = headers
        self.http_version = http_version
        self.info = info
        self.drain = drain
        self.scheme = "http" if info.tls is None else "https"
        self.client_ip = str(info.remote)
        self.body = body
        self.handler = "(nomatch)"
        self.account = ""

    @property
    def origin(self) -> str:
        """What a browser calls the origin of this request (RFC 6454 §6.2)."""
        return f"{self.scheme}://{self.host.authority}"


class Response(msgspec.Struct, frozen=True):
    """A whole response. ``Content-Length`` and ``Date`` are added when it is written."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @classmethod
    def text(cls, status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
        """A line of plain text."""
        fields = (("content-type", "text/plain; charset=utf-8"), ("x-content-type-options", "nosniff"), *headers)
        return cls(status, fields, text.encode() + b"\n")

    @classmethod
    def redirect(cls, status: int, location: str) -> Response:
        """A redirect; ``location`` must already be percent-encoded."""
        return cls(status, (("location", header_value(location)),))

    def header(self, name: str) -> str | None:
        """The value of the first header field of that (lower-case) name."""
        return next((value for key, value in self.headers if key == name), None)


Handler = Callable[[Request, "ResponseWriter"], Awaitable[None]]


def header_value(text: str) -> str:
    """The text, fit for a header field.

    Raises ValueError when it holds a control character: whatever put it there, the response must not be split
    (WEB-135).
    """
    if any(ord(c) < 0x20 or ord(c) == 0x7F for c in text):
        raise ValueError("control character in a header value")
    return text
