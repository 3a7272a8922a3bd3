"""HTTP/1.1 by h11, with two checks that h11 leaves out (RFC 9112).

Chunk extensions
  h11 takes any octet but LF. A bare CR (§2.2) is a line end to some readers, who find another body then, so it is
  refused, as is NUL.

Number of fields
  h11 takes as many as fit into a head, and 3 µs for each: 45 ms for 64 KiB. The lines of a head and of a trailer
  section are counted before h11 reads them.
"""

from __future__ import annotations

import re
from typing import Final, final

import h11

BARE: Final = re.compile(rb"\r(?!\n)|\0")
LAST_CHUNK: Final = re.compile(rb"(?:\r?\n)?0+(?:;[^\r\n]*+)?[ \t]*+\r\n")
"""The line of the last chunk, after the line end of the chunk before it."""

SHORTEST_FIELD: Final = 3
"""Octets of the shortest line of a field: a name of one octet, the colon, LF."""

HALF_END: Final = b"\r"
"""The first half of the line end after a chunk's octets, which h11 takes by itself."""


@final
class StrictConnection(h11.Connection):
    """An `h11.Connection` that refuses bare CR in chunk extensions, and more than `max_fields` fields. After a refusal
    `their_state` is ERROR.
    """

    def __init__(self, role: type[h11.CLIENT | h11.SERVER], *, max_head: int, max_fields: int) -> None:
        """`max_head`: octets of a head, and of a trailer section."""
        super().__init__(role, max_incomplete_event_size=max_head)
        self._max_fields = max_fields
        self._chunked = False  # the current body has chunks
        self._trailing = False  # the last chunk was read, the trailer section not yet

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """The next event. Raises h11.RemoteProtocolError, with 431 as hint for too many fields."""
        state = self.their_state
        body = state is h11.SEND_BODY
        if state is h11.ERROR or (body and not self._chunked) or state in (h11.DONE, h11.MUST_CLOSE, h11.CLOSED):
            return super().next_event()
        before, _ = self.trailing_data
        if not body or self._trailing:
            self._count(before, 0)
        elif (last := LAST_CHUNK.match(before)) is not None:
            self._count(before, last.end())
        event = super().next_event()
        if isinstance(event, (h11.Request, h11.Response)):
            self._chunked = any(name.lower() == b"transfer-encoding" for name, _ in event.headers.raw_items())
            self._trailing = False
        elif body:
            taken = before[: len(before) - len(self.trailing_data[0])]
            framing = taken[: len(taken) - len(event.data)] if isinstance(event, h11.Data) else taken
            if framing != HALF_END and BARE.search(framing):
                self._refuse("a chunk extension with CR or NUL")
            self._trailing = self._trailing or LAST_CHUNK.fullmatch(framing) is not None
        return event

    def _count(self, octets: bytes, at: int) -> None:
        """Refuse a head or trailer section that begins at an index, once it has too many lines."""
        if len(octets) < self._max_fields * SHORTEST_FIELD:
            return
        for _ in range(self._max_fields + 2):  # the first line of a head, the empty one
            if octets.startswith((b"\n", b"\r\n"), at):
                return
            at = octets.find(b"\n", at) + 1
            if not at:
                return
        self._refuse("too many header fields", 431)

    def _refuse(self, reason: str, status: int = 400) -> None:
        self._process_error(self.their_role)  # as h11 does when it refuses something itself
        raise h11.RemoteProtocolError(reason, error_status_hint=status)
