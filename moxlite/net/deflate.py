"""A stream of raw DEFLATE in both directions (RFC 1951), as IMAP's COMPRESS has it (RFC 4978).

Each `send_all` ends with a sync flush, so the peer can decode all of it at once. What comes in is inflated in steps: a
kilobyte on the wire may be a megabyte of zeros, so no more is produced than the reader has asked for, and the rest of
the input waits.
"""

import zlib
from typing import Final

import trio

from moxlite.net.sockets import AT_ONCE, Prompt, send_now, unsent
from moxlite.processor import off_loop

LEVEL: Final = 6
"""zlib's own default: level 9 costs twice the time for 1 % less mail."""

STEP: Final = 65_536
"""Octets inflated at once at most."""

THREAD_SIZE: Final = 16_384
"""Octets above which compressing goes to a worker thread: that takes 0.5 ms here, and some ms on a small board."""


class DeflateStream(Prompt):
    """DEFLATE over `transport`. One task may send and one receive at a time.

    A send that is cancelled or fails leaves half a block behind: the stream can only be closed then.
    """

    def __init__(self, transport: trio.abc.Stream, *, received: bytes = b"") -> None:
        """`received`: octets that were read from `transport` too early, and are compressed already."""
        self.transport = transport
        self._deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        self._input = received
        self._full = False  # The last step filled its output buffer: more may follow without further input.
        self._broken = False
        self._rest = b""

    @property
    def unsent(self) -> bool:
        """See `Prompt.unsent`."""
        return bool(self._rest) or unsent(self.transport)

    def send_now(self, octets: bytes) -> int:
        """See `Prompt.send_now`."""
        if self._broken:
            raise trio.BrokenResourceError("a compressed block is incomplete")
        if self.unsent or len(octets) > AT_ONCE:
            return 0
        compressed = self._compress(octets)
        self._broken = True
        sent = send_now(self.transport, compressed)
        self._broken = False
        self._rest = compressed[sent:]
        return len(octets)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Compress and send. Raises BrokenResourceError after a send that went wrong."""
        if self._broken:
            raise trio.BrokenResourceError("a compressed block is incomplete")
        self._broken = True
        if len(data) > THREAD_SIZE:
            octets = await off_loop(lambda: self._compress(data), kind="compress")
        else:
            octets = self._compress(data) if data else b""
        rest, self._rest = self._rest, b""
        await self.transport.send_all(rest + octets)
        self._broken = False

    def _compress(self, data: bytes | bytearray | memoryview) -> bytes:
        return self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait as the transport does."""
        await self.transport.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Inflated octets; b"" at the end of either stream. Raises BrokenResourceError for what is no DEFLATE."""
        room = STEP if max_bytes is None else min(max_bytes, STEP)
        await trio.lowlevel.checkpoint()
        while not self._ended():
            if self._input or self._full:
                try:
                    octets = self._inflate.decompress(self._input, room)
                except zlib.error as error:
                    raise trio.BrokenResourceError(f"compressed data is corrupt: {error}") from error
                self._input = self._inflate.unconsumed_tail
                self._full = len(octets) == room
                if octets:
                    return octets
            else:
                self._input = bytes(await self.transport.receive_some(STEP))
                if not self._input:
                    break
        return b""

    def _ended(self) -> bool:
        """Whether the peer has ended its DEFLATE stream."""
        return self._inflate.eof

    async def finish(self) -> None:
        """Send the end of the DEFLATE stream; nothing can be sent after it."""
        if not self._broken:
            self._broken = True
            await self.transport.send_all(self._rest + self._deflate.flush(zlib.Z_FINISH))

    async def aclose(self) -> None:
        """Close the transport."""
        await self.transport.aclose()
