"""Compression of responses."""

import gzip
import zlib

import pytest
import zstandard

from moxlite.web.http.encoding import choose, compressed, stream_compressor
from moxlite.web.http.messages import Headers, Response

BODY = b"hello, compressor; " * 200


@pytest.mark.parametrize(
    ("field", "coding"),
    [
        ("gzip", "gzip"),
        ("gzip, zstd", "zstd"),
        ("gzip;q=1, zstd;q=0.5", "gzip"),
        ("*", "zstd"),
        ("zstd;q=0, *", "gzip"),
        ("identity", None),
        ("", None),
        ("gzip;q=0", None),
        ("gzip;q=x", None),
    ],
)
def test_the_coding_follows_the_weights(field: str, coding: str | None) -> None:
    """WEB-10."""
    assert choose(Headers([("accept-encoding", field)])) == coding


async def test_a_response_is_compressed_for_those_who_take_it() -> None:
    """WEB-10."""
    response = Response(200, (("content-type", "application/json"),), BODY)
    squeezed = await compressed(Headers([("accept-encoding", "gzip")]), response)
    assert gzip.decompress(squeezed.body) == BODY
    assert squeezed.header("content-encoding") == "gzip"
    assert squeezed.header("vary") == "Accept-Encoding"
    zstd = await compressed(Headers([("accept-encoding", "zstd")]), response)
    assert zstandard.ZstdDecompressor().decompress(zstd.body) == BODY


async def test_a_large_response_is_compressed_in_a_thread() -> None:
    """WEB-12."""
    body = BODY * 100
    squeezed = await compressed(
        Headers([("accept-encoding", "gzip")]), Response(200, (("content-type", "text/css"),), body)
    )
    assert gzip.decompress(squeezed.body) == body


@pytest.mark.parametrize(
    "response",
    [
        Response(200, (("content-type", "text/plain"),), b"short"),
        Response(404, (("content-type", "text/plain"),), BODY),
        Response(200, (("content-type", "image/png"),), BODY),
        Response(200, (("content-type", "text/plain"), ("content-encoding", "gzip")), BODY),
        Response(200, (("content-type", "text/plain"), ("cache-control", "no-transform")), BODY),
    ],
)
async def test_what_gains_nothing_stays_as_it_is(response: Response) -> None:
    """WEB-10."""
    assert await compressed(Headers([("accept-encoding", "gzip")]), response) == response


def test_each_write_to_a_stream_can_be_read_at_once() -> None:
    """WEB-10, WEBMAIL-31: flushed per event."""
    stream = stream_compressor(Headers([("accept-encoding", "gzip")]))
    assert stream is not None
    reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
    for text in (b"event one", b"event two"):
        assert reader.decompress(stream.add(text)) == text
    assert reader.decompress(stream.end()) == b""
    assert reader.eof
