"""One HTTP/1.1 connection: h11 between a Trio stream and a handler (RFC 9112).

Theory of operation
-------------------
`serve` loops: wait for a request head (idle, the drain may cancel it), check it, call the handler with a `Request` and
a `ResponseWriter`, read the rest of the body, begin the next cycle. Pipelined requests wait in h11's buffer and are
answered in order, because the next head is only parsed when the last response is complete. The codec checks framing.
Requests that it accepts and we refuse (RFC 9112 §5.2, §6.3) are found in the raw head, which is kept until the request
is checked.
"""

from __future__ import annotations

import os
import re
from typing import Final, final

import h11
import trio

from moxlite.ledger import FREE, Hold, NoRoom, ledger
from moxlite.net.admission import ConnectionInfo
from moxlite.net.sockets import QuickStream, at_once, send_now, unsent
from moxlite.processor import loop, turn
from moxlite.proto.http1 import StrictConnection
from moxlite.web.http.errors import (
    BODY_TIMEOUT,
    HEAD_TIMEOUT,
    IDLE_TIMEOUT,
    LINGER_OCTETS,
    LINGER_TIMEOUT,
    MAX_FIELDS,
    MAX_HEAD,
    MAX_TARGET,
    READ_SIZE,
    RECORD,
    WRITE_TIMEOUT,
    BadRequest,
    BodyTimeout,
    ClientGone,
    Drain,
    HTTPError,
)
from moxlite.web.http.exchange import Body, FilePart, Handler, Request, ResponseWriter, make_request
from moxlite.web.http.messages import Headers, Response

# octets of an unread body that are skipped to keep the connection; for a longer one, closing is cheaper
MAX_SKIPPED: Final = 64 * 1024
SKIP_TIMEOUT: Final = 5.0  # seconds for skipping
FREE_CHUNKS: Final = 4096  # chunks of any size, for clients that write a small body piece by piece
MIN_CHUNK: Final = 64  # average octets of a chunk after that: 25 MiB of such chunks take 8 s of CPU
CHUNKS_IN_A_TURN: Final = 100  # chunks between two checkpoints: 2 ms
MAX_EVENT: Final = 256 * 1024
"""Octets that a websocket sends at once and that count as an event. Its service holds longer messages as answers."""

OBS_FOLD: Final = re.compile(rb"\n[ \t]")


@final
class Replay(trio.abc.Stream):
    """A stream whose first octets have been read already, and which holds what it sends."""

    def __init__(self, first: bytes, stream: trio.abc.Stream, hold: Hold) -> None:
        self._first = first
        self._stream = stream
        self._hold = hold

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """First the octets that were read before, then the stream's."""
        if self._first:
            size = len(self._first) if max_bytes is None else max_bytes
            data, self._first = self._first[:size], self._first[size:]
            await trio.lowlevel.checkpoint()
            return data
        return bytes(await self._stream.receive_some(max_bytes))

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send in slices. Raises BrokenResourceError if the peer takes none for too long, or there is no room."""
        taken = len(data) if FREE < len(data) <= MAX_EVENT else 0
        try:
            if taken:
                await self._hold.take("event", taken)
        except NoRoom as error:
            raise trio.BrokenResourceError("not enough memory to send the response") from error
        try:
            for start in range(0, len(data), RECORD):
                with self._hold.peer(WRITE_TIMEOUT) as peer:
                    await self._stream.send_all(memoryview(data)[start : start + RECORD])
                if peer.scope.cancelled_caught:
                    raise trio.BrokenResourceError("client isn't reading the response")
        finally:
            self._hold.give("event", taken)

    async def wait_send_all_might_not_block(self) -> None:
        """Delegate to the underlying stream."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the underlying stream."""
        await self._stream.aclose()


@final
class Chunks:
    """Chunks of a body. h11 takes some 20 µs for each, so a body of many small ones is refused, and other tasks get a
    turn now and then.
    """

    __slots__ = ("_number", "_octets")

    def __init__(self) -> None:
        self._number = 0
        self._octets = 0

    async def add(self, octets: int, *, ended: bool) -> None:
        """Count octets of a chunk. `ended`: they are its last ones; that it began is not told where its size came
        alone.
        """
        self._octets += octets
        if not ended:
            return
        self._number += 1
        if self._number > FREE_CHUNKS and self._octets < self._number * MIN_CHUNK:
            raise BadRequest("The chunks in the request body are too small.")
        if self._number % CHUNKS_IN_A_TURN == 0:
            await turn()


@final
class Connection:
    """Serves one stream; implements the `Channel` of its exchanges.

    The handler answers every request. It raises nothing but ClientGone and Cancelled.
    """

    def __init__(self, stream: trio.abc.Stream, info: ConnectionInfo, *, handler: Handler, drain: Drain) -> None:
        self._stream = stream
        self._info = info
        self._handler = handler
        self._drain = drain
        self.hold = ledger().hold()
        self._h11 = StrictConnection(h11.SERVER, max_head=MAX_HEAD, max_fields=MAX_FIELDS)
        self._request: h11.Request | None = None
        self._stalled = False  # the client stopped sending in the middle of a body
        self._chunks = Chunks()  # of the current body
        self._trailers: tuple[tuple[str, str], ...] = ()  # of the current body
        self._sending = trio.Lock()  # a task that reads the body may answer 100 while another one responds
        self._round = -1  # of the loop, in which octets were last sent without a checkpoint

    async def serve(self) -> None:
        """Answer requests until the client leaves, sends an invalid request or is silent for too long, or the drain
        begins. The caller closes the stream.
        """
        try:
            while (request := await self._next_request()) is not None:
                writer = ResponseWriter(self, request.method)
                await self._handler(request, writer)
                self.hold.close()
                if writer.taken_over:
                    return
                if not writer.finished or not await self._skip_body():
                    break
                if self._h11.our_state is not h11.DONE:
                    break
                self._h11.start_next_cycle()
            await self._linger()
        except BadRequest as e:
            await self._refuse(e)
        except ClientGone:
            return
        finally:
            self.hold.close()

    async def _next_request(self) -> Request | None:
        """The next request; None if there will be no other.

        Raises BadRequest if the octets are not an acceptable request, ClientGone.
        """
        # What came right behind the last request is in the codec already. Its client waits for us: no idle time.
        head = bytearray(self._h11.trailing_data[0])
        if not head:
            # A close between two requests loses nothing: a client whose next one crosses it asks again on a new
            # connection (RFC 9112 §9.3.1).
            if self._drain.begun:
                return None
            with self._drain.waiting(IDLE_TIMEOUT) as idle:
                head += await self._receive()
            if idle.cancelled_caught or not head:
                return None
            self._h11.receive_data(bytes(head))
        event = self._next_event(head)
        if event is h11.NEED_DATA:  # a head mostly comes whole
            with trio.move_on_after(HEAD_TIMEOUT) as scope:
                while event is h11.NEED_DATA:
                    data = await self._receive()
                    head += data
                    self._h11.receive_data(data)
                    event = self._next_event(head)
            if scope.cancelled_caught:
                raise BadRequest("Timed out waiting for the request header.", 408)
        return self._check(event, head) if isinstance(event, h11.Request) else None

    def _next_event(self, head: bytearray | None = None) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        try:
            return self._h11.next_event()
        except h11.RemoteProtocolError as e:
            if e.error_status_hint == 431 and head is not None and b"\n" not in head[:MAX_TARGET]:
                raise BadRequest("The request URL is too long.", 414) from e
            raise BadRequest(f"Invalid HTTP request: {e}.", e.error_status_hint) from e

    def _check(self, event: h11.Request, head: bytearray) -> Request:
        """Check that the request is within our limits and unambiguous; returns it."""
        size = len(head) - len(self._h11.trailing_data[0])
        if size > MAX_HEAD:
            raise BadRequest("The request has too many header fields.", 431)
        if not event.http_version.startswith(b"1."):
            raise BadRequest("Only HTTP/1.1 requests are supported here.", 505)
        # h11 joins folded fields, and of Content-Length and Transfer-Encoding it takes one. A proxy in front of us may
        # take the other, and then a second request hides in the body of the first (request smuggling).
        if OBS_FOLD.search(head, 0, size):
            raise BadRequest("Folded header fields aren't supported (RFC 9112 section 5.2).")
        self._request = event
        self._chunks = Chunks()
        self._trailers = ()
        # Not `event.headers`, whose iteration takes several calls for each field.
        fields = event.headers.raw_items()
        headers = Headers([(name.decode("ascii").lower(), value.decode("latin-1")) for name, value in fields])
        lengths, encoded = headers.all("content-length"), headers.get("transfer-encoding") is not None
        if encoded and (lengths or event.http_version == b"1.0"):
            raise BadRequest("Transfer-Encoding can't be combined with Content-Length (RFC 9112 section 6.3).")
        if len(headers.all("host")) > 1:
            raise BadRequest("The request has more than one Host field.")
        if not encoded and (not lengths or lengths[0] == "0"):
            self._next_event()  # the end: nothing waits for a body that there is not
        return make_request(
            method=event.method.decode("ascii"),
            target=event.target.decode("latin-1"),
            headers=headers,
            http_version=event.http_version.decode("ascii"),
            info=self._info,
            drain=self._drain,
            body=Body(self, int(lengths[0]) if lengths else None, undeclared=encoded),
        )

    async def receive_body(self) -> bytes:
        """The next octets of the body, b"" at its end. Joins all received chunks up to `READ_SIZE` or a little more.

        Raises BadRequest for chunks that are too small, BodyTimeout, ClientGone.
        """
        taken = bytearray()
        while self._h11.their_state is h11.SEND_BODY and len(taken) < READ_SIZE:
            if self._h11.they_are_waiting_for_100_continue:
                await self.send(h11.InformationalResponse(status_code=100, headers=[]))
            event = self._next_event()
            if isinstance(event, h11.Data):
                taken += event.data
                await self._chunks.add(len(event.data), ended=event.chunk_end)
            elif event is h11.NEED_DATA:
                if taken:
                    break
                with trio.move_on_after(BODY_TIMEOUT) as scope:
                    data = await self._receive()
                if scope.cancelled_caught:
                    self._stalled = True
                    raise BodyTimeout
                if not data:
                    raise ClientGone
                self._h11.receive_data(data)
            elif isinstance(event, h11.EndOfMessage):
                self._trailers = tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in event.headers)
            else:
                raise ClientGone
        return bytes(taken)

    def awaits_continue(self) -> bool:
        """Whether the client sends the body only after an answer 100."""
        return self._h11.they_are_waiting_for_100_continue

    def trailers(self) -> tuple[tuple[str, str], ...]:
        """The fields after the body, as soon as it has ended."""
        return self._trailers

    async def wait_gone(self) -> None:
        """Return when the client has left. Requests that come meanwhile wait. Raises ClientGone."""
        # Past that nothing more is read, and TCP stops the client: a close behind so many octets is not seen.
        while len(self._h11.trailing_data[0]) < READ_SIZE:
            octets = await self._receive()
            if not octets:
                return
            self._h11.receive_data(octets)
        await trio.sleep_forever()

    def rest(self) -> trio.abc.Stream:
        """The stream after this request."""
        return Replay(self._h11.trailing_data[0], self._stream, self.hold)

    def must_close(self) -> bool:
        """Whether the connection closes after this response: the server stops, or the rest of the body is too long to
        wait for. A rest in chunks has no known length, so it counts as too long: a client that is not told would send
        its next request into the closing connection.
        """
        request, broken = self._request, self._h11.their_state is h11.ERROR
        if request is None or broken or self._stalled or self._drain.begun:
            return True
        if self._h11.they_are_waiting_for_100_continue:
            return True
        if self._h11.their_state is not h11.SEND_BODY:
            return False
        fields = dict(request.headers)
        return b"transfer-encoding" in fields or int(fields.get(b"content-length", b"0")) > MAX_SKIPPED

    def replay(self) -> trio.abc.Stream:
        """The stream, beginning with this request again."""
        request = self._request
        if request is None:
            raise RuntimeError("no request to forward")
        # Written anew from what the codec has read: what it refuses never reaches the codec of the other protocol.
        fields = b"".join(name + b": " + value + b"\r\n" for name, value in request.headers)
        head = request.method + b" " + request.target + b" HTTP/1.1\r\n" + fields + b"\r\n"
        return Replay(head + self._h11.trailing_data[0], self._stream, self.hold)

    async def send(self, *parts: h11.Event) -> None:
        """Send parts of the response as one slice. Raises ClientGone if the client reads nothing for too long, or h11
        has seen the end of the connection.
        """
        if self._h11.our_state is h11.ERROR:
            raise ClientGone
        octets = b"".join([self._h11.send(part) or b"" for part in parts])
        if not octets:
            return
        try:
            # Most answers fit into the socket's buffer, and then take no lock, no deadline and no turn of the loop. But
            # requests in a row must not keep other tasks from theirs.
            if self._round != loop.round and not self._sending.locked() and len(octets) <= at_once(self._stream):
                self._round = loop.round
                octets = octets[send_now(self._stream, octets) :]
                if not octets and not unsent(self._stream):
                    return
            # h11 counts these octets as sent from here on. They go out in the order in which they were encoded, since
            # the lock is fair and nothing is awaited before it.
            async with self._sending:
                with self.hold.peer(WRITE_TIMEOUT) as peer:
                    for start in range(
                        0, len(octets) or 1, RECORD
                    ):  # without octets: sends what the stream still holds
                        peer.again(WRITE_TIMEOUT)
                        await self._stream.send_all(memoryview(octets)[start : start + RECORD])
                if peer.scope.cancelled_caught:
                    raise ClientGone
        except (trio.BrokenResourceError, trio.ClosedResourceError) as e:
            raise ClientGone from e

    def sends_files(self) -> bool:
        """See `Channel`."""
        return can_send_files(self._stream)

    async def send_file(self, part: FilePart) -> None:
        """See `Channel`. The client must take something within `WRITE_TIMEOUT`."""
        if self._h11.our_state is h11.ERROR:
            raise ClientGone
        # h11 counts the octets and adds what frames them; the part passes through it unseen
        pieces: list[bytes | FilePart] = self._h11.send_with_data_passthrough(h11.Data(data=part)) or []  # type: ignore[arg-type, assignment]
        async with self._sending:
            try:
                for piece in pieces:
                    if isinstance(piece, FilePart):
                        await send_file(
                            self._stream,
                            piece.descriptor,
                            piece.start,
                            piece.end,
                            seconds=WRITE_TIMEOUT,
                            limiter=piece.limiter,
                        )
                    else:
                        await self._stream.send_all(piece)
            except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError, EOFError) as e:
                raise ClientGone from e

    async def _receive(self) -> bytes:
        try:
            return bytes(await self._stream.receive_some(READ_SIZE))
        except (trio.BrokenResourceError, trio.ClosedResourceError) as e:
            raise ClientGone from e

    async def _skip_body(self) -> bool:
        """Read the rest of the body that the handler left; returns whether the connection can be reused."""
        if self._h11.their_state is h11.DONE:
            return True
        if self.must_close() and self._h11.their_state is h11.SEND_BODY:
            return False
        # A client that is still sending may not read our answer before it has done. A short rest costs less than
        # another TLS handshake; a long one does not.
        skipped = 0
        with trio.move_on_after(SKIP_TIMEOUT):
            try:
                while data := await self.receive_body():
                    skipped += len(data)
                    if skipped > MAX_SKIPPED:
                        return False
            except HTTPError:
                return False
        return self._h11.their_state is h11.DONE

    async def _refuse(self, error: BadRequest) -> None:
        """Answer octets that are not a valid request."""
        if self._h11.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        self._request = None
        try:
            await ResponseWriter(self, "GET").respond(Response.text(error.status, error.text))
            await self._linger()
        except (ClientGone, h11.LocalProtocolError):
            return

    async def _linger(self) -> None:
        """Let the client read our last response before the connection closes (RFC 9112 §9.6)."""
        if self._h11.their_state in (h11.DONE, h11.CLOSED, h11.MUST_CLOSE, h11.IDLE) and not self._h11.trailing_data[0]:
            return
        # To close a socket with octets unread makes the kernel send RST, and then the client's kernel drops the answer
        # that it has received and not handed over yet.
        with trio.move_on_after(LINGER_TIMEOUT):
            try:
                if isinstance(self._stream, trio.abc.HalfCloseableStream):
                    await self._stream.send_eof()
                room = LINGER_OCTETS
                while room > 0 and (octets := await self._receive()):
                    room -= len(octets)
            except (trio.BrokenResourceError, trio.ClosedResourceError, ClientGone):
                return


# Octets of a file that the kernel copies to a socket itself (sendfile).
#
# The call may wait for the disk, so it runs in a thread; it never waits for the peer, since the socket does not
# block.


PIECE: Final = 1 << 20
"""Octets of one call: more than a socket's buffer takes at once."""


def can_send_files(stream: trio.abc.Stream) -> bool:
    """Whether `send_file` works on this stream: on bare sockets, not below TLS, and not on Windows."""
    return isinstance(stream, QuickStream) and hasattr(os, "sendfile")


async def send_file(
    stream: trio.abc.Stream, descriptor: int, at: int, end: int, *, seconds: float, limiter: trio.CapacityLimiter
) -> None:
    """Send the octets from `at` to before `end` of an open file. One task at a time may send on the stream.

    Args:
      seconds: without an octet that the peer takes.
      limiter: of the threads.

    Raises BrokenResourceError if the peer is gone, EOFError if the file is shorter, TooSlowError, OSError if the disk
    fails. After each, the stream can only be closed.
    """
    assert isinstance(stream, QuickStream)
    socket = stream.transport.socket
    with trio.fail_after(seconds) as scope:
        while at < end:
            sent = await trio.to_thread.run_sync(
                _send_now, socket.fileno(), descriptor, at, min(end - at, PIECE), limiter=limiter
            )
            if sent is None:
                await trio.lowlevel.wait_writable(socket)
                continue
            if sent == 0:
                raise EOFError("the file was truncated while it was being sent")
            at += sent
            scope.deadline = trio.current_time() + seconds


def _send_now(socket: int, descriptor: int, at: int, size: int) -> int | None:
    """In a thread: how many octets the socket has taken, 0 at the end of the file; None if it takes none now.

    Raises BrokenResourceError, OSError.
    """
    try:
        return os.sendfile(socket, descriptor, at, size)
    except BlockingIOError:
        return None
    except ConnectionError as error:
        raise trio.BrokenResourceError(f"connection lost: {error}") from error
