"""An upload as a file, for the worker thread of an import."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import trio


class Upload(io.RawIOBase):
    """A file for a worker thread of Trio whose octets arrive in pieces on the event loop."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self._held = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Return at least one octet, none at the end; never more than `size` if it is given."""
        while not self._held and not self._ended:
            try:
                self._held = trio.from_thread.run(self._pieces.__anext__)
            except StopAsyncIteration:
                self._ended = True
        size = len(self._held) if size < 0 else size
        data, self._held = self._held[:size], self._held[size:]
        return data
