"""Compression of responses, and streams of events (RFC 9110 §8.4, §12.5.3; WEB-10)."""

import zlib
from typing import Final, Protocol

import zstandard

from moxlite.processor import off_loop
from moxlite.web.http.exchange import ResponseWriter
from moxlite.web.http.messages import Headers, Response

# a shorter body saves no packet, and the header field costs more
MIN_SIZE: Final = 1024
# gzip level 1 compresses about 80 MB/s: 256 KiB take 3 ms; larger bodies go to a worker thread (WEB-12)
MAX_ON_LOOP: Final = 256 * 1024
GZIP_LEVEL: Final = 1
ZSTD_LEVEL: Final = 3
"""Levels for what is compressed for one answer, while its client waits."""

GZIP_BEST: Final = 9
ZSTD_BEST: Final = 19
"""Levels for what is compressed once and sent often."""
GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS  # zlib's way to ask for the gzip container
COMPRESSIBLE: Final = frozenset(
    f"application/{kind}" for kind in ("csv", "javascript", "json", "x-javascript", "xml", "manifest+json")
) | {"image/vnd.microsoft.icon", "image/x-icon", "font/ttf", "font/eot", "font/otf", "font/opentype"}


class Compressor(Protocol):
    """A stream of compressed octets that is flushed after each write."""

    def add(self, data: bytes) -> bytes:
        """The compressed octets of all `data`, so that the other side can decode it at once."""

    def end(self) -> bytes:
        """The last octets of the stream."""


class Coder(Protocol):
    """A stream of compressed octets with the interface of both libraries: output comes when there is enough of it."""

    def compress(self, data: bytes, /) -> bytes:
        """Compressed octets, perhaps none yet."""

    def flush(self) -> bytes:
        """The last octets of the stream."""


class _Gzip:
    def __init__(self) -> None:
        # a window of 2^13 and level 1 take 40 KiB per stream instead of 260; events are short and similar
        self._deflate = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 16 + 13, 5)

    def add(self, data: bytes) -> bytes:
        return self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._deflate.flush(zlib.Z_FINISH)


def choose(headers: Headers, offered: tuple[str, ...] = ("zstd", "gzip")) -> str | None:
    """The first of `offered` with the highest q-value in Accept-Encoding; None for identity."""
    weights: dict[str, float] = {}
    for element in headers.elements("accept-encoding"):
        coding, _, parameter = element.partition(";")
        name, _, value = parameter.strip().partition("=")
        weight = 1.0
        if name.strip().lower() == "q":
            try:
                weight = float(value)
            except ValueError:
                weight = 0.0
        weights[coding.strip().lower()] = weight
    best = max(offered, key=lambda coding: weights.get(coding, weights.get("*", 0.0)), default=None)
    # Not "<= 0": a q-value may be "nan", for which no comparison holds.
    if best is None or not weights.get(best, weights.get("*", 0.0)) > 0:
        return None
    return best


def is_compressible(content_type: str | None) -> bool:
    """Whether octets of this type usually compress well."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind.endswith(("+json", "+xml")) or kind in COMPRESSIBLE


def compress(body: bytes, coding: str, *, best: bool = False) -> bytes:
    """All of `body` in this coding. `best`: as small as can be, for a document that is sent often."""
    if coding == "zstd":
        return zstandard.ZstdCompressor(level=ZSTD_BEST if best else ZSTD_LEVEL).compress(body)
    deflate = zlib.compressobj(GZIP_BEST if best else GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
    return deflate.compress(body) + deflate.flush()


def coder(coding: str, *, gzip_level: int = GZIP_LEVEL) -> Coder:
    """A coder for a long body that is read in pieces."""
    if coding == "zstd":
        return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compressobj()
    return zlib.compressobj(gzip_level, zlib.DEFLATED, GZIP_WINDOW)


def stream_compressor(headers: Headers) -> Compressor | None:
    """A gzip stream if the client accepts gzip, else None. It is for events: all browsers accept gzip, and gzip flushes
    well.
    """
    return _Gzip() if choose(headers, ("gzip",)) else None


async def compressed(headers: Headers, response: Response) -> Response:
    """The response in the best coding that the client accepts, if compression is allowed and worthwhile."""
    names = {name for name, _ in response.headers}
    if (
        response.status != 200
        or len(response.body) < MIN_SIZE
        or "content-encoding" in names
        or not is_compressible(response.header("content-type"))
        or "no-transform" in (response.header("cache-control") or "")
    ):
        return response
    vary = ("vary", "Accept-Encoding")
    coding = choose(headers)
    if coding is None:
        return Response(response.status, (*response.headers, vary), response.body)
    if len(response.body) > MAX_ON_LOOP:
        body = await off_loop(lambda: compress(response.body, coding), kind="compress")
    else:
        body = compress(response.body, coding)
    return Response(response.status, (*response.headers, ("content-encoding", coding), vary), body)


# Encoding of server-sent events (WHATWG HTML §9.2).

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
