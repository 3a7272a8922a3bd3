"""The control socket ``data/ctl``: the command line talks to the running server through it (ADMIN-22..24, ADMIN-64).

Theory of operation
-------------------
JSON lines over a Unix stream socket, of a client at most 1 MiB. The server greets ``{"ctl":1,"version":"0.1"}``. Then
requests ``{"id":1,"cmd":"queue list","args":{…}}`` are answered by ``{"id":1,"ok":true,"result":…}`` or
``{"id":1,"ok":false,"code":"…","error":"…"}``; several may run at a time. Between request and answer, each side may
send one stream of octets: ``{"id":1,"stream":"data","b64":"…"}``, ended by ``{"id":1,"stream":"end"}`` or broken off
by ``{"id":1,"stream":"error","error":"…"}``; the receiver answers ``{"id":1,"ack":1}`` for each chunk *after* it was
consumed, and the sender keeps at most 16 chunks unacknowledged, so a slow end slows the other down and never blocks
other requests. The server may send ``{"id":1,"progress":…}``. ``{"id":1,"cancel":true}`` or closing the connection
cancels.

This module has the lines and the streams that both ends share; `server` and `client` build on them.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator
from typing import Final

import msgspec
import trio

from moxlite.encoding import from_json, to_json

VERSION: Final = 1
"""Version of this protocol. A client of another version refuses to talk (ADMIN-24)."""

MAX_LINE: Final = 1 << 20
"""Maximum octets of a client's line without its line end (ADMIN-22)."""

MAX_ANSWER: Final = 64 << 20
"""The same of the server's lines, which have whole lists: some 60,000 messages of the queue."""

CHUNK: Final = 48 * 1024
"""Octets of one chunk of a stream: 64 KiB in base64."""

WINDOW: Final = 16
"""Chunks sent and not yet acknowledged (ADMIN-23): at most 768 KiB per stream wait in memory."""

WRITE_SECONDS: Final = 60.0
"""Seconds without progress in writing a line after which the connection is given up (ADMIN-64)."""


class CtlProtocolError(Exception):
    """The peer does not keep to the protocol; the connection is closed."""


class StreamBroken(Exception):
    """The peer broke its stream off; the text is its own."""


class Greeting(msgspec.Struct, frozen=True):
    """The server's first line."""

    ctl: int
    version: str


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """Any line after the greeting. The fields that are set show its kind."""

    id: int
    cmd: str | None = None
    args: msgspec.Raw = msgspec.Raw(b"{}")
    ok: bool | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    code: str | None = None
    error: str | None = None
    stream: str | None = None
    b64: str | None = None
    ack: int | None = None
    progress: msgspec.Raw = msgspec.Raw(b"")
    cancel: bool = False


class Answer(msgspec.Struct, frozen=True):
    """A successful answer, whose result is sent even if it is null."""

    id: int
    result: msgspec.Raw
    ok: bool = True


class LineReader:
    """Lines out of a stream of octets, each bounded."""

    def __init__(self, stream: trio.abc.ReceiveStream, most: int = MAX_LINE) -> None:
        """`most`: octets of a line."""
        self._stream = stream
        self._most = most
        self._buffer = bytearray()
        self._searched = 0

    async def line(self) -> bytes | None:
        """The next line without its end, None at the end of the stream. Raises CtlProtocolError for one that is too
        long.
        """
        while (end := self._buffer.find(b"\n", self._searched)) < 0:
            self._searched = len(self._buffer)
            if self._searched > self._most:
                raise CtlProtocolError("line too long")
            data = await self._stream.receive_some(65536)
            if not data:
                return None
            self._buffer += data
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        return line

    async def message(self) -> Message | None:
        """The next line as a message. Raises CtlProtocolError."""
        line = await self.line()
        if line is None:
            return None
        try:
            return from_json(line, Message)
        except msgspec.DecodeError as exc:
            raise CtlProtocolError(f"bad line: {exc}") from exc


class LineWriter:
    """Writes lines whole, from any task. A peer that does not read ends in trio.BrokenResourceError, and so does all
    that comes after a `send` that was cancelled in the middle of its line.
    """

    def __init__(self, stream: trio.abc.SendStream) -> None:
        self._stream = stream
        self._lock = trio.Lock()
        self._cut_off = False

    async def send(self, message: msgspec.Struct) -> None:
        line = to_json(message) + b"\n"
        async with self._lock:
            if self._cut_off:
                raise trio.BrokenResourceError("an earlier line is incomplete")
            await trio.lowlevel.checkpoint_if_cancelled()
            self._cut_off = True
            try:
                with trio.fail_after(WRITE_SECONDS):
                    await self._stream.send_all(line)
            except trio.TooSlowError:
                raise trio.BrokenResourceError("peer stopped reading") from None
            self._cut_off = False


class StreamSender:
    """The sending end of one stream, under its credit window."""

    def __init__(self, writer: LineWriter, number: int) -> None:
        self._writer = writer
        self._number = number
        self._credit = trio.Semaphore(WINDOW, max_value=WINDOW)

    def acknowledged(self, chunks: int) -> None:
        """The peer consumed `chunks` more. Raises CtlProtocolError if that is more than were sent."""
        for _ in range(min(chunks, WINDOW + 1)):
            try:
                self._credit.release()
            except ValueError as exc:
                raise CtlProtocolError("more chunks acknowledged than sent") from exc

    async def send(self, data: bytes | memoryview) -> None:
        """Send octets in chunks; waits while the window is full."""
        for chunk in _chunks(data):
            await self._credit.acquire()
            encoded = b64encode(chunk).decode("ascii")
            await self._writer.send(Message(self._number, stream="data", b64=encoded))

    async def end(self) -> None:
        """No more octets."""
        await self._writer.send(Message(self._number, stream="end"))

    async def fail(self, text: str) -> None:
        """Break off the stream: the octets sent are not the whole."""
        await self._writer.send(Message(self._number, stream="error", error=text))


def _chunks(data: bytes | memoryview) -> Iterator[memoryview]:
    view = memoryview(data)
    for start in range(0, len(view), CHUNK):
        yield view[start : start + CHUNK]


class StreamReceiver:
    """The receiving end of one stream: iterate over its chunks. Taking the next one acknowledges the one before."""

    def __init__(self, writer: LineWriter, number: int) -> None:
        self._writer = writer
        self._number = number
        # One place more than the window, for the end; what goes beyond breaks the protocol.
        self._send, self._receive = trio.open_memory_channel[bytes | StreamBroken | None](WINDOW + 1)
        self._owed = False
        self._finished = False
        self.ended = False  # the whole stream has arrived

    def arrived(self, message: Message) -> None:
        """A stream line came in. Raises CtlProtocolError where it overruns the window or is no base64."""
        match message.stream:
            case "data":
                try:
                    item: bytes | StreamBroken | None = b64decode(message.b64 or "", validate=True)
                except (Base64Error, ValueError) as exc:
                    raise CtlProtocolError("invalid base64 in a stream") from exc
            case "end":
                item = None
                self.ended = True
            case "error":
                item = StreamBroken(message.error or "peer aborted the stream")
            case _:
                raise CtlProtocolError("unknown stream line type")
        try:
            self._send.send_nowait(item)
        except trio.WouldBlock:
            raise CtlProtocolError("peer exceeded its flow control credit") from None
        except trio.BrokenResourceError:
            pass  # the caller has gone

    def close(self) -> None:
        """Discard all further chunks; the reader sees the end."""
        self._receive.close()

    def __aiter__(self) -> "StreamReceiver":
        return self

    async def __anext__(self) -> bytes:
        if self._owed:
            self._owed = False
            await self._writer.send(Message(self._number, ack=1))
        if self._finished:
            raise StopAsyncIteration
        item = await self._receive.receive()
        if isinstance(item, bytes):
            self._owed = True
            return item
        self._finished = True
        if item is None:
            raise StopAsyncIteration
        raise item
