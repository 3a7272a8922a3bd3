"""HTTP/1.1 to other web servers (RFC 9110, RFC 9112).

Requests that come to us are in `web.http`.
"""

from __future__ import annotations

import logging
import select
import ssl
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final, final
from urllib.parse import urlsplit

import h11
import msgspec
import trio

from moxlite import __version__
from moxlite.lazyimport import Lazy
from moxlite.net.addresses import is_internal
from moxlite.net.dial import DialError, dial, dial_unix
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import DNSError, NotFound, Resolver, absolute
from moxlite.net.sockets import QuickStream
from moxlite.proto.http1 import StrictConnection
from moxlite.wording import plain_reason

logger = logging.getLogger("moxlite.net.httpclient")

SECONDS: Final = 60.0
"""Seconds for a whole request (AUTH-71, QUEUE-92)."""

MAX_HEADER: Final = 32 << 10
"""Maximum octets of the answer's header."""

MAX_BODY: Final = 64 << 10
"""Maximum octets kept of the answer's body, unless the caller gives another limit."""

LOCALHOST: Final = (IPv4Address("127.0.0.1"), IPv6Address("::1"))
"""Addresses of `localhost` and of names below it; DNS is not asked for them (RFC 6761 §6.3)."""

HOSTS: Final = Path("/etc/hosts")

MAX_HOSTS: Final = 1 << 20
"""Maximum octets read of that file: some list 20,000 hosts of advertisements."""

DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class HTTPError(Exception):
    """The request got no answer. The text gives the reason, for people."""


class NoHost(HTTPError):
    """The host of the URL does not exist."""


class BadCertificate(HTTPError):
    """The server's certificate is not from a trusted authority, not valid, or not for the host."""


class HTTPResponse(msgspec.Struct, frozen=True):
    """An answer. `headers`: names in lower case; `body`: at most the octets asked for; `cut`: the body was longer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    cut: bool = False

    def header(self, name: str) -> str:
        """The first field of that name, or ""."""
        return next((value for key, value in self.headers if key == name.lower()), "")


class Roots:
    """Root certificates for https servers. Reading the system's takes 1 MB and 30 ms of processor time: they are read
    at the first request, in a thread, and shared by clients.

    Args:
      extra: more certificates, in DER form.
      system: whether the system's root certificates are trusted, too.
    """

    def __init__(self, extra: Iterable[bytes] = (), *, system: bool = True) -> None:
        self._extra = b"".join(extra)
        self._system = system
        self._context = Lazy(self._make)

    async def context(self) -> ssl.SSLContext:
        """The TLS context for connections to servers. Raises ssl.SSLError, OSError."""
        return await self._context.get()

    def _make(self) -> ssl.SSLContext:
        # the default context honours SSL_CERT_FILE
        context = ssl.create_default_context() if self._system else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self._extra:
            context.load_verify_locations(cadata=self._extra)
        return context


class HTTPClient:
    """Makes requests.

    Args:
      resolver: looks up the addresses of hosts.
      allow_internal: whether addresses of the inner network may be connected to, as closed networks need it.
      hosts_file: whether the addresses in /etc/hosts come first, as the administrator expects for a host that the
        configuration names. Never for hosts that users or strangers name.
      roots: root certificates for https servers; by default the system's.
      purpose: text in the User-Agent field.
    """

    def __init__(
        self,
        resolver: Resolver,
        *,
        allow_internal: bool = False,
        hosts_file: bool = False,
        roots: Roots | None = None,
        purpose: str = "",
    ) -> None:
        self._agent = f"moxlite/{__version__}" + (f" ({purpose})" if purpose else "")
        self._resolver = resolver
        self._allow_internal = allow_internal
        self._hosts_file = hosts_file
        self._roots = Roots() if roots is None else roots

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        seconds: float = SECONDS,
        max_body: int = MAX_BODY,
    ) -> HTTPResponse:
        """Make one request over a new connection. A redirect is returned like any other answer.

        Raises HTTPError, NoHost.
        """
        try:
            with trio.fail_after(seconds):
                return await self._request(method, url, tuple(headers), body, max_body)
        except trio.TooSlowError:
            raise HTTPError(f"timed out after {seconds:.0f} s") from None

    async def _request(
        self, method: str, url: str, headers: tuple[tuple[str, str], ...], body: bytes, max_body: int
    ) -> HTTPResponse:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
        except ValueError as error:
            raise HTTPError(f"bad URL: {error}") from None
        if parts.scheme not in DEFAULT_PORTS or not host or not url.isascii() or not url.isprintable():
            raise HTTPError("invalid URL; it must start with https:// or http:// and include a host")
        stream = await self.connect(parts.scheme, host, port)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        fields = [
            ("Host", parts.netloc.rpartition("@")[2]),
            ("User-Agent", self._agent),
            ("Connection", "close"),
            *headers,
        ]
        if body or method in ("POST", "PUT"):
            fields.append(("Content-Length", str(len(body))))
        try:
            return await _exchange(stream, h11.Request(method=method, target=target, headers=fields), body, max_body)
        except h11.LocalProtocolError as error:
            raise HTTPError(f"can't send request: {error}") from error
        except h11.ProtocolError as error:
            raise HTTPError(f"invalid HTTP response: {error}") from error
        except (trio.BrokenResourceError, trio.ClosedResourceError, ssl.SSLError, OSError) as error:
            raise HTTPError(f"connection lost: {_why(error)}") from error
        finally:
            await trio.aclose_forcefully(stream)

    async def connect(self, scheme: str, host: str, port: int) -> trio.abc.Stream:
        """A new connection to a host, for https with its TLS handshake done and its certificate verified. The caller
        sets the deadline. Raises HTTPError, NoHost, BadCertificate.
        """
        addresses = await self._addresses(host)
        try:
            stream: trio.abc.Stream = (await dial(addresses, port, inside=self._allow_internal)).stream
        except DialError as error:
            raise HTTPError(f"can't connect to {host}: {error}") from error
        if scheme == "http":
            return stream
        try:
            context = await self._roots.context()
            tls = trio.SSLStream(stream, context, server_hostname=host, https_compatible=True)
            await tls.do_handshake()
        except (trio.BrokenResourceError, ssl.SSLError, ssl.CertificateError, OSError) as error:
            await trio.aclose_forcefully(stream)
            untrusted = isinstance(error.__cause__ or error, ssl.SSLCertVerificationError)
            kind = BadCertificate if untrusted else HTTPError
            raise kind(f"TLS connection to {host} failed: {_why(error)}") from error
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        return tls

    async def _addresses(self, host: str) -> list[IPAddress]:
        try:
            found: tuple[IPAddress, ...] = (ip_address(host),)
        except ValueError:
            found = await self._look_up(host)
        # Judged by the addresses that are dialled, not by another look-up: a name server could answer twice, with a
        # public address for the check and an inner one for the connection (DNS rebinding).
        usable = [ip for ip in found if self._allow_internal or not is_internal(ip)]
        if not usable:
            raise HTTPError(f"can't connect to {host}: its address is on a private network")
        return usable

    async def _look_up(self, host: str) -> tuple[IPAddress, ...]:
        if f".{host.removesuffix('.')}".endswith(".localhost"):
            return LOCALHOST
        if self._hosts_file and (listed := await trio.to_thread.run_sync(_listed, host)):
            return listed
        try:
            return (await self._resolver.ips(absolute(host))).records
        except NotFound as error:
            raise NoHost(f"{host} doesn't exist") from error
        except DNSError as error:
            # The reason names this machine's DNS servers, and users see what a client says.
            logger.info("DNS lookup failed", extra={"kv": {"host": host, "err": str(error)}})
            raise HTTPError(f"couldn't look up {host}") from error


def _listed(host: str) -> tuple[IPAddress, ...]:
    """The addresses of a host in /etc/hosts (hosts(5)); none if that can't be read."""
    try:
        with HOSTS.open("rb") as file:
            lines = file.read(MAX_HOSTS).decode("utf-8", "replace").splitlines()
    except OSError:
        return ()
    name, addresses = host.removesuffix(".").lower(), list[IPAddress]()
    for line in lines:
        address, *names = line.partition("#")[0].lower().split() or [""]
        if name in names:
            with suppress(ValueError):
                addresses.append(ip_address(address))
    return tuple(addresses)


async def _exchange(stream: trio.abc.Stream, request: h11.Request, body: bytes, max_body: int) -> HTTPResponse:
    connection = ClientConnection(stream, max_head=MAX_HEADER)
    await connection.send(request)
    if body:
        await connection.send(h11.Data(body))
    await connection.send(h11.EndOfMessage())
    response: h11.Response | None = None
    kept = bytearray()
    while True:
        match await connection.receive():
            case h11.Response() as response:
                pass
            case h11.Data() as event:
                kept += event.data
                if len(kept) > max_body:
                    assert response is not None
                    return _answer(response, bytes(kept[:max_body]), cut=True)
            case h11.EndOfMessage():
                assert response is not None
                return _answer(response, bytes(kept), cut=False)
            case _:
                pass  # h11.InformationalResponse


def _answer(response: h11.Response, body: bytes, *, cut: bool) -> HTTPResponse:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers)
    return HTTPResponse(response.status_code, headers, body, cut)


def _why(error: BaseException) -> str:
    return plain_reason(error.__cause__ or error)


# A connection to a web server: requests go out and answers come in, in pieces, one exchange after another.
#
# h11 keeps the state (RFC 9112); a sender and a receiver may be two tasks. Deadlines are the caller's.


READ: Final = 64 << 10
"""Octets read at once."""

MAX_FIELDS: Final = 200
"""Header fields of an answer, and of its trailer section: as many as of a request (WEB-4)."""


@final
class ClientConnection:
    """One connection. `heard`: an octet of the answer to the current request has come.

    Args:
      stream: to the server, with its TLS handshake done.
      max_head: octets of the answer's head, at most; informational answers count each by itself.
    """

    def __init__(self, stream: trio.abc.Stream, *, max_head: int) -> None:
        self._stream = stream
        self._h11 = StrictConnection(h11.CLIENT, max_head=max_head, max_fields=MAX_FIELDS)
        self.heard = False

    async def send(self, event: h11.Event) -> None:
        """Send a part of the request; returns when the kernel has all of it.

        Raises h11.LocalProtocolError, trio.BrokenResourceError, trio.ClosedResourceError.
        """
        if octets := self._h11.send(event):
            await self._stream.send_all(octets)

    async def receive(self) -> h11.Event:
        """The next part of the answer.

        Raises h11.RemoteProtocolError: it is not HTTP, or ends too early; trio.BrokenResourceError,
        trio.ClosedResourceError.
        """
        while True:
            event = self._h11.next_event()
            if event is h11.NEED_DATA:
                octets = bytes(await self._stream.receive_some(READ))
                self.heard = self.heard or bool(octets)
                self._h11.receive_data(octets)
            elif isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
                raise h11.RemoteProtocolError("the server closed the connection")
            else:
                assert isinstance(event, h11.Event)
                return event

    def renew(self) -> bool:
        """Prepare for the next request; False if the connection cannot be used again (RFC 9112 §9.3)."""
        states = (self._h11.our_state, self._h11.their_state)
        if states != (h11.DONE, h11.DONE) or self._h11.trailing_data[0]:
            return False
        self._h11.start_next_cycle()
        self.heard = False
        return True

    def is_quiet(self) -> bool:
        """Whether an idle connection is still open: a server that closes it, or says something unasked, does not wait
        for a request.
        """
        descriptor = _socket_of(self._stream).fileno()
        if descriptor < 0:
            return False
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return not poll.poll(0)

    def switched(self) -> tuple[trio.abc.Stream, bytes]:
        """The stream after the protocol was switched (status 101), and octets of the new protocol that have come."""
        return self._stream, self._h11.trailing_data[0]

    def close(self) -> None:
        """Close the socket at once. Idempotent."""
        _socket_of(self._stream).close()


def _socket_of(stream: trio.abc.Stream) -> trio.socket.SocketType:
    """The socket below TLS and our own streams."""
    while True:
        match stream:
            case trio.SSLStream():
                stream = stream.transport_stream
            case QuickStream():
                stream = stream.transport
            case trio.SocketStream():
                return stream.socket
            case _:
                raise TypeError(f"missing socket path in {type(stream).__name__}")


# Idle connections to the web servers that requests are forwarded to (WEB-46).
#
# A connection is taken by one request and given back after its answer. `serve` closes those that are idle for too
# long.

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
        """The server of a URL, or of ``unix:/path/to/socket``, with ``:/path`` after it if its paths begin so.

        Raises ValueError.
        """
        if url.startswith(UNIX):
            place, _, path = url.removeprefix(UNIX).partition(":")
            if not place.startswith("/") or (path and not path.startswith("/")) or "\0" in url:
                raise ValueError("must be unix:/path or unix:/path:/path")
            return cls("unix", place, 0, path.rstrip("/"))
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname or not url.isascii() or not url.isprintable():
            raise ValueError("must be an http or https URL, or unix:/path")
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
            client_connection = waiting.pop().connection
            if not waiting:
                del self._idle[backend.place]
            if client_connection.is_quiet():
                return client_connection
            client_connection.close()
        return None

    async def connect(self, backend: Backend) -> ClientConnection:
        """A new connection. The deadline is the caller's. Raises HTTPError."""
        if backend.scheme != "unix":
            stream = await self._client.connect(backend.scheme, backend.host, backend.port)
            return ClientConnection(stream, max_head=MAX_HEAD)
        try:
            return ClientConnection(await dial_unix(backend.host), max_head=MAX_HEAD)
        except OSError as error:
            raise HTTPError(f"can't connect to {backend.host}: {error.strerror or error}") from error

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
