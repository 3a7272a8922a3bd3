"""COMPRESS=DEFLATE (RFC 4978; IMAP-135)."""

import zlib

import pytest
import trio
import trio.testing

from moxlite.net.deflate import STEP, DeflateStream
from tests.session.imapd_harness import Client, Imap, imap

pytestmark = pytest.mark.served

__all__ = ["imap"]


async def compressed(c: Client) -> None:
    """COMPRESS."""
    await c.ok("z COMPRESS DEFLATE")
    c.stream = DeflateStream(c.stream)


async def test_both_directions_are_compressed(imap: Imap) -> None:
    """IMAP-135"""
    async with imap.user() as c:
        assert "COMPRESS=DEFLATE" in (await c.ok("a CAPABILITY"))[0].split()
        await compressed(c)
        body = "From: a@b\r\n\r\n" + "word " * 100_000
        assert (await c.append(body)).startswith("OK")
        assert (await c.ok("b UID FETCH 1 BODY.PEEK[TEXT]"))[-1].count("word ") == 100_000
        await c.idle()
        assert await c.done() == []


async def test_what_follows_the_command_in_one_piece_is_compressed_already(imap: Imap) -> None:
    """IMAP-135"""
    async with imap.user() as c:
        deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        octets = deflate.compress(b"b NOOP\r\n") + deflate.flush(zlib.Z_PARTIAL_FLUSH)
        await c.send(b"a COMPRESS DEFLATE\r\n" + octets)
        assert (await c.until("a"))[-1].startswith("a OK")
        early = bytes(c.buffer)  # the answers may come in one piece, too
        c.buffer.clear()
        c.stream = DeflateStream(c.stream, received=early)
        assert (await c.until("b"))[-1].startswith("b OK")


async def test_compression_begins_once_after_login_and_only_with_deflate(imap: Imap) -> None:
    """IMAP-135"""
    async with imap.connect() as c:
        assert (await c.tagged("a COMPRESS DEFLATE")).startswith("NO")
        await c.login()
        assert (await c.tagged("b COMPRESS LZW")).startswith("NO")
        await compressed(c)
        assert (await c.tagged("c COMPRESS DEFLATE")).startswith("NO [COMPRESSIONACTIVE]")


async def test_logout_finishes_the_deflate_stream(imap: Imap) -> None:
    """IMAP-21, IMAP-135"""
    async with imap.user() as c:
        await c.ok("z COMPRESS DEFLATE")
        raw, c.stream = c.stream, DeflateStream(c.stream)
        deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        await raw.send_all(deflate.compress(b"a LOGOUT\r\n") + deflate.flush(zlib.Z_SYNC_FLUSH))
        octets = b""
        while piece := await raw.receive_some(65536):
            octets += piece
        inflate = zlib.decompressobj(-15)
        assert b"a OK" in inflate.decompress(octets)
        assert inflate.eof


async def test_corrupt_data_closes_the_connection(imap: Imap) -> None:
    """IMAP-135"""
    async with imap.user() as c:
        await c.ok("z COMPRESS DEFLATE")
        await c.send(b"\xff" * 100)
        assert await c.line() == b""


async def test_a_bomb_meets_the_limit_of_a_line(imap: Imap) -> None:
    """IMAP-28, IMAP-143, IMAP-147"""
    async with imap.user() as c:
        await c.ok("z COMPRESS DEFLATE")
        bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
        octets = bomb.compress(b"a " * (50 << 20)) + bomb.flush(zlib.Z_SYNC_FLUSH)
        raw, c.stream = c.stream, DeflateStream(c.stream)
        await raw.send_all(octets)
        assert (await c.response()).startswith("* BYE [TOOBIG]")


async def test_no_more_is_inflated_than_is_asked_for() -> None:
    """IMAP-135, IMAP-147"""
    ours, theirs = trio.testing.memory_stream_pair()
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    await ours.send_all(deflate.compress(b"\0" * 10_000_000) + deflate.flush(zlib.Z_FINISH))
    stream = DeflateStream(theirs)
    total = 0
    while octets := await stream.receive_some():
        assert len(octets) <= STEP
        total += len(octets)
    assert total == 10_000_000


async def test_after_a_failed_send_nothing_more_is_sent() -> None:
    """IMAP-135: after a write error the compressor is left alone."""
    ours, theirs = trio.testing.memory_stream_pair()
    stream = DeflateStream(ours)
    await theirs.aclose()
    with pytest.raises(trio.BrokenResourceError):
        await stream.send_all(b"x")
    with pytest.raises(trio.BrokenResourceError, match="incomplete"):
        await stream.send_all(b"x")
    await stream.finish()
    await stream.aclose()
