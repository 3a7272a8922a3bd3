"""An HTTP server of the tests' own, which answers by plan and keeps what it was asked."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import h11
import trio

from tests.tools import eventually

__all__ = ["Answer", "Asked", "WebServer", "web_server"]


@dataclass(frozen=True)
class Answer:
    """`body` is sent in pieces of an octet when `slow`, until the client is gone; `hang`: nothing is answered before
    `WebServer.release`.
    """

    status: int = 200
    body: bytes = b"ok"
    headers: Sequence[tuple[str, str]] = ()
    hang: bool = False
    slow: bool = False


@dataclass(frozen=True)
class Asked:
    """A request: method, target, header fields with lower-case names, body, and the time of Trio's clock."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class WebServer:
    """`answers` are used up one by one, the last one stays."""

    port: int
    tls: ssl.SSLContext | None = None
    answers: list[Answer] = field(default_factory=lambda: [Answer()])
    asked: list[Asked] = field(default_factory=list)
    release: trio.Event = field(default_factory=trio.Event)
    now: int = 0
    most: int = 0

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        """Where it is."""
        return f"http{'s' if self.tls else ''}://{host}:{self.port}{path}"

    async def wait(self, number: int) -> None:
        """Until it was asked so often."""
        await eventually(lambda: len(self.asked) >= number)

    async def serve(self, raw: trio.SocketStream) -> None:
        """One connection, one request."""
        stream = raw if self.tls is None else trio.SSLStream(raw, self.tls, server_side=True, https_compatible=True)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            async with stream:
                await self._answer(stream)
        except trio.BrokenResourceError:
            pass
        finally:
            self.now -= 1

    async def _answer(self, stream: trio.abc.Stream) -> None:
        connection = h11.Connection(h11.SERVER)
        body = b""
        request: h11.Request | None = None
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(bytes(await stream.receive_some()))
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                return
        assert request is not None
        headers = {name.decode(): value.decode() for name, value in request.headers}
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.asked.append(Asked(request.method.decode(), request.target.decode(), headers, body, trio.current_time()))
        if answer.hang:
            await self.release.wait()
        head = h11.Response(status_code=answer.status, headers=[*answer.headers, ("Connection", "close")])
        await stream.send_all(connection.send(head) or b"")
        if answer.slow:
            while True:
                await stream.send_all(connection.send(h11.Data(b"x")) or b"")
                await trio.sleep(1)
        await stream.send_all(connection.send(h11.Data(answer.body)) or b"")
        await stream.send_all(connection.send(h11.EndOfMessage()) or b"")


@asynccontextmanager
async def web_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[WebServer]:
    """A running one on loopback; with `tls` it speaks https."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    server = WebServer(listeners[0].socket.getsockname()[1], tls)
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, server.serve, listeners)
        yield server
        nursery.cancel_scope.cancel()
