"""Idle connections to the web servers that requests are forwarded to (WEB-46).

A connection is taken by one request and given back after its answer. `serve` closes those that are idle for too long.
"""

from __future__ import annotations

from collections import deque
from typing import Final, final
from urllib.parse import urlsplit

import msgspec
import trio

from moxlite.net.dial import dial_unix
from moxlite.net.httpclient.client import DEFAULT_PORTS, ClientConnection, HTTPClient, HTTPError

MAX_IDLE: Final = 32
"""Idle connections to a server (WEB-46)."""

IDLE_SECONDS: Final = 90.0
"""Seconds for which a connection may be idle (WEB-46); most servers close theirs after 60 to 75 s."""

MAX_HEAD: Final = 64 << 10
"""Octets of an answer's head: as many as a request's (WEB-4)."""

MAX_TUNNELS: Final = 500
"""Connections that have become websockets. Each has two descriptors and 100 KiB, for as long as its ends like."""

UNIX: Final = "unix:"


class Backend(msgspec.Struct, frozen=True):
    """A web server. `scheme`: http, https or unix; `host`: name or address, for unix the path of the socket; `path`:
    begins each path there, without a slash at its end.
    """

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str) -> Backend:
        """The server of a URL, or of ``unix:/path/of/socket``, with ``:/path`` after it if its paths begin so.

        Raises ValueError.
        """
        if url.startswith(UNIX):
            place, _, path = url.removeprefix(UNIX).partition(":")
            if not place.startswith("/") or (path and not path.startswith("/")) or "\0" in url:
                raise ValueError("is not unix:/path, nor unix:/path:/path")
            return cls("unix", place, 0, path.rstrip("/"))
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname or not url.isascii() or not url.isprintable():
            raise ValueError("is not an http or https URL, nor unix:/path")
        return cls(parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme], parts.path.rstrip("/"))

    @property
    def place(self) -> tuple[str, str, int]:
        """Servers of one place share connections."""
        return self.scheme, self.host, self.port


class _Idle(msgspec.Struct, frozen=True):
    connection: ClientConnection
    until: float  # of trio's clock


@final
class Pool:
    """The idle connections to all servers.

    Args:
      client: connects; it must be allowed to connect to inner networks, because the administrator names the servers.

    Attributes:
      tunnels: held by each websocket.
    """

    def __init__(self, client: HTTPClient) -> None:
        self.tunnels = trio.Semaphore(MAX_TUNNELS)
        self._client = client
        self._idle: dict[tuple[str, str, int], deque[_Idle]] = {}
        self._wake = trio.Event()

    def take(self, backend: Backend) -> ClientConnection | None:
        """The idle connection that was used last, or None."""
        waiting = self._idle.get(backend.place)
        while waiting:
            found = waiting.pop().connection
            if not waiting:
                del self._idle[backend.place]
            if found.is_quiet():
                return found
            found.close()
        return None

    async def connect(self, backend: Backend) -> ClientConnection:
        """A new connection. The deadline is the caller's. Raises HTTPError."""
        if backend.scheme != "unix":
            stream = await self._client.connect(backend.scheme, backend.host, backend.port)
            return ClientConnection(stream, max_head=MAX_HEAD)
        try:
            return ClientConnection(await dial_unix(backend.host), max_head=MAX_HEAD)
        except OSError as error:
            raise HTTPError(f"cannot connect to {backend.host}: {error.strerror or error}") from error

    def give(self, backend: Backend, connection: ClientConnection) -> None:
        """Keep a connection whose exchange is over, or close it if it cannot be used again."""
        if not connection.renew():
            connection.close()
            return
        waiting = self._idle.setdefault(backend.place, deque())
        waiting.append(_Idle(connection, trio.current_time() + IDLE_SECONDS))
        if len(waiting) > MAX_IDLE:
            waiting.popleft().connection.close()
        self._wake.set()

    async def serve(self) -> None:
        """Close connections that were idle for too long, until cancelled; then close all."""
        try:
            while True:
                self._wake = trio.Event()
                # one that is given back later ends later: a sleep never lasts too long
                if self._idle:
                    await trio.sleep_until(min(waiting[0].until for waiting in self._idle.values()))
                    self._close(trio.current_time())
                else:
                    await self._wake.wait()
        finally:
            self._close(float("inf"))

    def _close(self, now: float) -> None:
        for place, waiting in list(self._idle.items()):
            while waiting and waiting[0].until <= now:
                waiting.popleft().connection.close()
            if not waiting:
                del self._idle[place]
