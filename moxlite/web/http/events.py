"""Encoding of server-sent events (WHATWG HTML §9.2)."""

from typing import Final

from moxlite.web.http.encoding import Compressor
from moxlite.web.http.exchange import ResponseWriter

EVENT_STREAM_HEADERS: Final = (
    ("content-type", "text/event-stream; charset=utf-8"),
    ("cache-control", "no-cache"),
    ("x-accel-buffering", "no"),
)
COMMENT: Final = b":\n\n"  # an empty comment; it keeps the connection alive, through proxies too


def encode_event(name: str, data: bytes, event_id: str | None = None) -> bytes:
    """Encode one event. `data` is a single line (JSON has no raw line ends)."""
    head = f"event: {name}\n".encode()
    if event_id is not None:
        head += f"id: {event_id}\n".encode()
    return head + b"data: " + data + b"\n\n"


class EventSink:
    """Writes server-sent events to a response, compressed if the client accepts that."""

    def __init__(self, writer: ResponseWriter, compressor: Compressor | None) -> None:
        self._writer = writer
        self._compressor = compressor

    async def send(self, kind: str, data: bytes, modseq: int | None) -> None:
        """Send one event."""
        await self._write(encode_event(kind, data, None if modseq is None else str(modseq)))

    async def end(self) -> None:
        """Send a last comment and the end of the compressed stream."""
        await self._write(COMMENT)
        if self._compressor is not None:
            await self._writer.write(self._compressor.end())

    async def _write(self, data: bytes) -> None:
        await self._writer.write(data if self._compressor is None else self._compressor.add(data))
