"""A web server behind ours, which answers as its path says. It reads and writes HTTP without h11, and can break every
rule.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trio

__all__ = ["Backend", "Seen", "backend"]


@dataclass
class Seen:
    """A request that came: its head and body as they were on the wire, the body without chunks."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)
    whole: bool = False

    def get(self, name: str) -> str | None:
        """The value of a field, joined if it is there several times."""
        values = [value for key, value in self.headers if key == name]
        return ", ".join(values) if values else None


class Reader:
    """Octets of a stream, by lines and by number."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self.buffer = b""

    async def _more(self) -> None:
        octets = bytes(await self._stream.receive_some(65536))
        if not octets:
            raise EOFError
        self.buffer += octets

    async def line(self) -> bytes:
        """A line without its end. Raises EOFError."""
        while b"\r\n" not in self.buffer:
            await self._more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    async def fields(self) -> list[tuple[str, str]]:
        """Header fields up to the empty line."""
        found: list[tuple[str, str]] = []
        while line := await self.line():
            name, _, value = line.decode("latin-1").partition(":")
            found.append((name.lower(), value.strip()))
        return found

    async def octets(self, number: int) -> bytes:
        """So many octets. Raises EOFError."""
        while len(self.buffer) < number:
            await self._more()
        octets, self.buffer = self.buffer[:number], self.buffer[number:]
        return octets


class Backend:
    """`raw`: answers by path, octets as they are, then the connection closes; `forever`: answers by path, octets that
    are sent again and again; `open`: connections that are open now.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: list[Seen] = []
        self.raw: dict[str, bytes] = {}
        self.forever: dict[str, bytes] = {}
        self.connections = 0
        self.open = 0

    async def serve(self, stream: trio.abc.Stream) -> None:
        """One connection."""
        self.connections += 1
        self.open += 1
        try:
            async with stream:
                reader = Reader(stream)
                while await self._exchange(reader, stream):
                    pass
        except (EOFError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            self.open -= 1

    async def _exchange(self, reader: Reader, stream: trio.abc.Stream) -> bool:
        method, target, _ = (await reader.line()).decode().split(" ")
        seen = Seen(method, target, await reader.fields())
        self.seen.append(seen)
        path = target.partition("?")[0]
        if path == "/early":  # answers before the body
            await stream.send_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
            return False
        if path == "/vanish":
            return False
        if seen.get("expect") == "100-continue" and path != "/no-continue":
            await stream.send_all(b"HTTP/1.1 100 Continue\r\n\r\n")
        await self._body(seen, reader)
        if path in self.raw:
            await stream.send_all(self.raw[path])
            return path.startswith("/kept")
        if path in self.forever:
            await stream.send_all(b"HTTP/1.1 ")
            while True:
                await stream.send_all(self.forever[path])
        if path == "/hang":
            await reader.octets(1 << 40)
        elif path == "/once":  # closes after its answer, without saying so
            await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return False
        elif path == "/endless":
            await stream.send_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                await stream.send_all(b"4000\r\n" + bytes(0x4000) + b"\r\n")
        elif path == "/chunks":
            await stream.send_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
            size = 1
            rest = seen.body
            while rest:
                await stream.send_all(b"%x;ext=1\r\n%s\r\n" % (len(rest[:size]), rest[:size]))
                rest, size = rest[size:], size * 3 % 5001 + 1
            digest = hashlib.sha256(seen.body).hexdigest().encode()
            await stream.send_all(b"0\r\nX-Sum: " + digest + b"\r\nContent-Length: 7\r\n\r\n")
        elif path == "/until-close":
            await stream.send_all(b"HTTP/1.0 200 OK\r\n\r\n" + seen.body)
            return False
        else:
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-Kind: echo\r\n\r\n" % len(seen.body)
            await stream.send_all(head + (b"" if method == "HEAD" else seen.body))
        return True

    async def _body(self, seen: Seen, reader: Reader) -> None:
        if seen.get("transfer-encoding") == "chunked":
            while size := int((await reader.line()).partition(b";")[0], 16):
                seen.body += await reader.octets(size)
                assert await reader.octets(2) == b"\r\n"
            seen.trailers = await reader.fields()
        elif length := seen.get("content-length"):
            seen.body += await reader.octets(int(length))
        seen.whole = True


@asynccontextmanager
async def backend(path: Path | None = None) -> AsyncIterator[Backend]:
    """A running one, on loopback or at a socket in the file system."""
    if path is None:
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
    else:
        sock = trio.socket.socket(trio.socket.AF_UNIX, trio.socket.SOCK_STREAM)
        await sock.bind(str(path))
        sock.listen()
        listener = trio.SocketListener(sock)
        url = f"unix:{path}"
    found = Backend(url)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, found.serve, [listener])
        yield found
        nursery.cancel_scope.cancel()
