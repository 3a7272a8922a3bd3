"""HTTP/2 to another web server (RFC 9113), for requests that follow each other on one connection.

Loaded with the first request, since h2 takes memory. Requests that come to us are in `web.http2`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, final

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import trio
from h2.settings import SettingCodes

from moxlite.net.httpclient import HTTPError, HTTPResponse
from moxlite.wakeup import Wakeup
from moxlite.wording import causes

READ: Final = 16 << 10
"""Octets read at once, as many as a record of TLS has."""

CONNECT_SECONDS: Final = 15.0
"""Seconds for a connection with its TLS handshake."""

RECONNECT: Final = 10.0
"""Seconds after a connection that could not be made, in which no other one is tried."""

IDLE: Final = 600.0
"""Seconds without a request after which the connection is closed."""

SILENCE: Final = 60.0
"""Seconds without an octet from the server after which a ping comes before the next request: routers forget idle
connections, and nothing tells of that.
"""

PONG: Final = 5.0
"""Seconds that the server has to answer a ping."""

MAX_STREAMS: Final = 50
"""Requests at a time, if the server allows as many."""

MAX_REQUESTS: Final = 4000
"""Requests on a connection. Then a new one is opened, and what h2 remembers of the old streams is freed."""


@final
class _Exchange:
    """A request, and what has come of its answer. `body` of the answer: at most `most` octets."""

    def __init__(self, fields: list[tuple[str, str]], octets: bytes, most: int) -> None:
        self.fields, self.octets, self.most = fields, octets, most
        self.stream = 0
        self.headers: tuple[tuple[str, str], ...] = ()
        self.body = b""
        self.cut = False
        self.error = ""
        self.done = trio.Event()

    def end(self, error: str = "") -> None:
        self.error = error
        self.done.set()


class HTTP2Client:
    """Makes requests to one server. `serve` runs as long as any are made.

    Args:
      connect: a new connection, whose TLS handshake has chosen h2; raises HTTPError.
      host: name of the server, as requests have it.
    """

    def __init__(self, connect: Callable[[], Awaitable[trio.abc.Stream]], host: str) -> None:
        self._connect = connect
        self._host = host
        self._waiting: deque[_Exchange] = deque()
        self._wakeup = Wakeup()
        self._failed = ""
        self._failed_until = 0.0

    async def post(
        self, path: str, headers: Sequence[tuple[str, str]], body: bytes, *, seconds: float, max_body: int
    ) -> HTTPResponse:
        """POST a body of some KiB. Raises HTTPError."""
        fields = [(":method", "POST"), (":scheme", "https"), (":path", path), (":authority", self._host), *headers]
        exchange = _Exchange([*fields, ("content-length", str(len(body)))], body, max_body)
        self._waiting.append(exchange)
        self._wakeup.set()
        try:
            with trio.move_on_after(seconds):
                await exchange.done.wait()
        finally:
            if not exchange.done.is_set():  # too late, or cancelled
                exchange.end(f"no answer within {seconds:.0f} s")  # the connection forgets it
                self._wakeup.set()
        status = dict(exchange.headers).get(":status", "")
        if exchange.error or not status.isdigit():
            raise HTTPError(exchange.error or "an answer without status")
        return HTTPResponse(int(status), exchange.headers, exchange.body, exchange.cut)

    async def serve(self) -> None:
        """Keep a connection while there are requests, for ever."""
        while True:
            self._wakeup.clear()
            self._forget()
            if not self._waiting:
                await self._wakeup.wait()
            elif trio.current_time() < self._failed_until:
                self._lose(self._failed)
            else:
                await self._serve_one()

    async def _serve_one(self) -> None:
        try:
            with trio.fail_after(CONNECT_SECONDS):
                stream = await self._connect()
        except (HTTPError, trio.TooSlowError) as error:
            self._fail(str(error) or f"{self._host} does not answer")
            return
        connection = _Connection(stream, self._waiting, self._wakeup)
        try:
            await connection.serve()
        finally:
            await trio.aclose_forcefully(stream)
        if not connection.answered:
            self._fail(f"{self._host} ends connections without an answer")

    def _fail(self, reason: str) -> None:
        """Make no other connection for a while: requests that wait, and new ones, fail."""
        self._failed, self._failed_until = reason, trio.current_time() + RECONNECT

    def _forget(self) -> None:
        for exchange in [exchange for exchange in self._waiting if exchange.done.is_set()]:
            self._waiting.remove(exchange)

    def _lose(self, reason: str) -> None:
        while self._waiting:
            self._waiting.popleft().end(reason)


class _Gone(Exception):
    """The connection has ended; the text gives the reason."""


@final
class _Connection:
    """One connection: takes requests from `waiting`, which `wakeup` tells of, as far as the server lets it.

    Attributes:
      answered: number of requests that got an answer.
    """

    def __init__(self, stream: trio.abc.Stream, waiting: deque[_Exchange], wakeup: Wakeup) -> None:
        self._stream, self._waiting, self._wakeup = stream, waiting, wakeup
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self._h2.local_settings[SettingCodes.ENABLE_PUSH] = 0
        self._open: dict[int, _Exchange] = {}
        self._sending = trio.Lock()
        self._heard = trio.current_time()
        self._pong = trio.Event()
        self._requests = 0
        self.answered = 0

    async def serve(self) -> None:
        """Make requests until either side ends the connection. Those without an answer fail, but for those that the
        server has not begun: they wait for the next connection.
        """
        reason = "connection lost"
        try:
            async with trio.open_nursery() as nursery:
                self._h2.initiate_connection()
                nursery.start_soon(self._receive)
                await self._send()
                nursery.cancel_scope.cancel()
        except* _Gone as group:
            reason = f"connection lost: {causes(group)[0]}"
        except* (trio.BrokenResourceError, trio.ClosedResourceError, h2.exceptions.H2Error) as group:
            reason = f"connection lost: {type(causes(group)[0]).__name__}"
        for exchange in self._open.values():
            exchange.end(reason)

    async def _send(self) -> None:
        """Begin requests; returns when there have been none for a while, or enough. Raises _Gone, H2Error,
        BrokenResourceError, ClosedResourceError.
        """
        while True:
            self._wakeup.clear()
            for number in [number for number, exchange in self._open.items() if exchange.done.is_set()]:
                del self._open[number]  # its caller has given up
                self._h2.reset_stream(number, h2.errors.ErrorCodes.CANCEL)
            if self._waiting and trio.current_time() - self._heard > SILENCE:
                await self._ping()
            while self._waiting and self._has_room(self._waiting[0]):
                self._begin(self._waiting.popleft())
            await self._flush()
            if self._requests >= MAX_REQUESTS and not self._open:
                return
            with trio.move_on_after(float("inf") if self._open else IDLE) as idle:
                await self._wakeup.wait()
            if idle.cancelled_caught:
                return

    def _has_room(self, exchange: _Exchange) -> bool:
        """Whether the server takes one more request now, with its body."""
        # A request begins only when its whole body fits into one frame and into both windows: so none ever waits half
        # sent, with others behind it, for a server that opens no window.
        return (
            self._requests < MAX_REQUESTS
            and len(self._open) < min(MAX_STREAMS, self._h2.remote_settings.max_concurrent_streams)
            and len(exchange.octets)
            <= min(
                self._h2.outbound_flow_control_window,
                self._h2.remote_settings.initial_window_size,
                self._h2.max_outbound_frame_size,
            )
        )

    def _begin(self, exchange: _Exchange) -> None:
        if exchange.done.is_set():
            return
        number = self._h2.get_next_available_stream_id()
        self._h2.send_headers(number, exchange.fields)
        self._h2.send_data(number, exchange.octets, end_stream=True)
        self._open[number] = exchange
        self._requests += 1

    async def _ping(self) -> None:
        self._pong = trio.Event()
        self._h2.ping(b"in doubt")
        await self._flush()
        with trio.move_on_after(PONG):
            await self._pong.wait()
        if not self._pong.is_set():
            raise _Gone("no answer to a ping")

    async def _flush(self) -> None:
        async with self._sending:
            if octets := self._h2.data_to_send():
                await self._stream.send_all(octets)

    async def _receive(self) -> None:
        """Read answers. Raises as `_send`."""
        while True:
            octets = bytes(await self._stream.receive_some(READ))
            if not octets:
                raise _Gone("the server has closed it")
            self._heard = trio.current_time()
            for event in self._h2.receive_data(octets):
                self._note(event)
            await self._flush()
            self._wakeup.set()

    def _note(self, event: h2.events.Event) -> None:
        """Act upon an event. Raises _Gone."""
        match event:
            case h2.events.ResponseReceived(stream_id=number, headers=fields):
                if number in self._open:
                    self._open[number].headers = tuple((str(name), str(value)) for name, value in fields)
            case h2.events.DataReceived(stream_id=number, data=octets, flow_controlled_length=size):
                self._h2.acknowledge_received_data(size, number)
                if number in self._open:
                    self._keep(self._open[number], octets)
            case h2.events.StreamEnded(stream_id=number) | h2.events.StreamReset(stream_id=number):
                exchange = self._open.pop(number, None)
                if exchange is not None:
                    self.answered += 1
                    exchange.end("" if isinstance(event, h2.events.StreamEnded) else "the server refuses the request")
            case h2.events.PingAckReceived():
                self._pong.set()
            case h2.events.ConnectionTerminated(last_stream_id=last):
                self._put_back(last or 0)
                raise _Gone("the server ends it")
            case _:
                pass  # settings and windows: `_send` looks at them

    def _keep(self, exchange: _Exchange, octets: bytes) -> None:
        body = exchange.body + octets
        exchange.body, exchange.cut = body[: exchange.most], exchange.cut or len(body) > exchange.most

    def _put_back(self, last: int) -> None:
        """Let requests that the server has not begun wait for the next connection (RFC 9113 §6.8)."""
        for number in sorted((number for number in self._open if number > last), reverse=True):
            self._waiting.appendleft(self._open.pop(number))
