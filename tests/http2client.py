"""A client of HTTP/2 for tests: h2's client side over any stream, honest unless a test sends frames of its own."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import trio
from hyperframe.frame import Frame

__all__ = ["Answer", "Client", "fields", "talking"]


@dataclass
class Answer:
    """A response as far as it has come. `reset`: the code of RST_STREAM, None without one."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    informed: list[int] = field(default_factory=list)
    trailers: list[tuple[str, str]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    ended: bool = False
    reset: int | None = None

    @property
    def status(self) -> int:
        return int(dict(self.headers).get(":status", "0"))

    @property
    def over(self) -> bool:
        return self.ended or self.reset is not None


def fields(method: str = "GET", path: str = "/a", *more: tuple[str, str], host: str = "x") -> list[tuple[str, str]]:
    return [(":method", method), (":scheme", "https"), (":authority", host), (":path", path), *more]


class Client:
    """One connection.

    Attributes:
      reads: whether windows are opened as octets come.
      goodbye: last stream and code of the server's GOAWAY.
    """

    def __init__(self, stream: trio.abc.Stream, *, checks: bool = True) -> None:
        self.stream = stream
        config = h2.config.H2Configuration(
            client_side=True,
            header_encoding="latin-1",
            validate_outbound_headers=checks,
            normalize_outbound_headers=checks,
        )
        self.h2 = h2.connection.H2Connection(config)
        self.answers: dict[int, Answer] = {}
        self.reads = True
        self.goodbye: tuple[int, int] | None = None
        self.gone = False
        self.settings: dict[int, int] = {}
        self._news = trio.Event()
        self._lock = trio.Lock()

    async def begin(self) -> None:
        self.h2.initiate_connection()
        # frames that a test sends by itself get answers, too
        self.h2.state_machine.state = h2.connection.ConnectionState.CLIENT_OPEN
        await self.flush()

    async def flush(self) -> None:
        async with self._lock:
            if octets := self.h2.data_to_send():
                try:
                    await self.stream.send_all(octets)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    self.gone = True

    async def frame(self, *frames: Frame) -> None:
        """Send frames that h2 may know nothing of."""
        await self.octets(b"".join(one.serialize() for one in frames))

    async def octets(self, octets: bytes) -> None:
        await self.flush()
        async with self._lock:
            try:
                await self.stream.send_all(octets)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                self.gone = True

    async def begin_request(self, head: list[tuple[str, str]], *, ends: bool = True) -> int:
        number = self.h2.get_next_available_stream_id()
        self.answers[number] = Answer()
        self.h2.send_headers(number, head, end_stream=ends)
        await self.flush()
        return number

    async def send(self, number: int, octets: bytes, *, ends: bool = False) -> None:
        """Send octets of a body as the windows allow."""
        at = 0
        while True:
            room = min(self.h2.local_flow_control_window(number), 16384)
            piece = octets[at : at + room]
            last = at + len(piece) == len(octets)
            if piece or last:
                self.h2.send_data(number, piece, end_stream=ends and last)
                await self.flush()
            at += len(piece)
            if last:
                return
            if not piece:
                await self._wait()

    async def answer(self, number: int) -> Answer:
        await self.until(lambda: self.answers[number].over)
        return self.answers[number]

    async def fetch(self, method: str = "GET", path: str = "/a", *more: tuple[str, str], body: bytes = b"") -> Answer:
        number = await self.begin_request(fields(method, path, *more), ends=not body)
        if body:
            await self.send(number, body, ends=True)
        return await self.answer(number)

    async def until(self, condition: Callable[[], bool], seconds: float = 30) -> None:
        """Wait for a condition, or the end of the connection."""
        with trio.fail_after(seconds):
            while not condition() and not self.gone:
                await self._wait()

    async def _wait(self) -> None:
        news = self._news
        await news.wait()

    async def run(self) -> None:
        """Read until the connection ends."""
        while not self.gone:
            try:
                octets = bytes(await self.stream.receive_some(65536))
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                octets = b""
            if not octets:
                self.gone = True
            else:
                for event in self.h2.receive_data(octets):
                    self._note(event)
                await self.flush()
            self._news.set()
            self._news = trio.Event()

    def _note(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ConnectionTerminated):
            self.goodbye = (event.last_stream_id or 0, int(event.error_code or 0))
            # h2 would take nothing more of what follows
            self.h2.state_machine.state = h2.connection.ConnectionState.CLIENT_OPEN
            return
        if isinstance(event, h2.events.RemoteSettingsChanged):
            self.settings |= {int(code): changed.new_value for code, changed in event.changed_settings.items()}
        answer = self.answers.get(getattr(event, "stream_id", 0) or 0)
        if answer is None:
            return
        match event:
            case h2.events.ResponseReceived():
                answer.headers = [(str(name), str(value)) for name, value in event.headers]
            case h2.events.InformationalResponseReceived():
                answer.informed.append(int({str(name): str(value) for name, value in event.headers}[":status"]))
            case h2.events.TrailersReceived():
                answer.trailers = [(str(name), str(value)) for name, value in event.headers]
            case h2.events.DataReceived():
                answer.body += event.data
                if self.reads and answer.reset is None:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.StreamEnded():
                answer.ended = True
            case h2.events.StreamReset():
                answer.reset = int(event.error_code)


@asynccontextmanager
async def talking(stream: trio.abc.Stream, *, checks: bool = True) -> AsyncIterator[Client]:
    """A client at work on a stream."""
    client = Client(stream, checks=checks)
    async with stream, trio.open_nursery() as nursery:
        await client.begin()
        nursery.start_soon(client.run)
        yield client
        nursery.cancel_scope.cancel()
