"""A connection to a web server: requests go out and answers come in, in pieces, one exchange after another.

h11 keeps the state (RFC 9112); a sender and a receiver may be two tasks. Deadlines are the caller's.
"""

from __future__ import annotations

import select
from typing import Final, final

import h11
import trio

from moxlite.net.sockets import QuickStream
from moxlite.proto.http1 import StrictConnection

READ: Final = 64 << 10
"""Octets read at once."""

MAX_FIELDS: Final = 200
"""Header fields of an answer, and of its trailer section: as many as of a request (WEB-4)."""


@final
class ClientConnection:
    """One connection. `heard`: an octet of the answer to the current request has come.

    Args:
      stream: to the server, with its TLS handshake done.
      max_head: octets of the answer's head, at most; informational answers count each by itself.
    """

    def __init__(self, stream: trio.abc.Stream, *, max_head: int) -> None:
        self._stream = stream
        self._h11 = StrictConnection(h11.CLIENT, max_head=max_head, max_fields=MAX_FIELDS)
        self.heard = False

    async def send(self, event: h11.Event) -> None:
        """Send a part of the request; returns when the kernel has all of it.

        Raises h11.LocalProtocolError, trio.BrokenResourceError, trio.ClosedResourceError.
        """
        if octets := self._h11.send(event):
            await self._stream.send_all(octets)

    async def receive(self) -> h11.Event:
        """The next part of the answer.

        Raises h11.RemoteProtocolError: it is not HTTP, or ends too early; trio.BrokenResourceError,
        trio.ClosedResourceError.
        """
        while True:
            event = self._h11.next_event()
            if event is h11.NEED_DATA:
                octets = bytes(await self._stream.receive_some(READ))
                self.heard = self.heard or bool(octets)
                self._h11.receive_data(octets)
            elif isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
                raise h11.RemoteProtocolError("the server closed the connection")
            else:
                assert isinstance(event, h11.Event)
                return event

    def renew(self) -> bool:
        """Prepare for the next request; False if the connection cannot be used again (RFC 9112 §9.3)."""
        states = (self._h11.our_state, self._h11.their_state)
        if states != (h11.DONE, h11.DONE) or self._h11.trailing_data[0]:
            return False
        self._h11.start_next_cycle()
        self.heard = False
        return True

    def is_quiet(self) -> bool:
        """Whether an idle connection is still open: a server that closes it, or says something unasked, does not wait
        for a request.
        """
        descriptor = _socket_of(self._stream).fileno()
        if descriptor < 0:
            return False
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return not poll.poll(0)

    def switched(self) -> tuple[trio.abc.Stream, bytes]:
        """The stream after the protocol was switched (status 101), and octets of the new protocol that have come."""
        return self._stream, self._h11.trailing_data[0]

    def close(self) -> None:
        """Close the socket at once. Idempotent."""
        _socket_of(self._stream).close()


def _socket_of(stream: trio.abc.Stream) -> trio.socket.SocketType:
    """The socket below TLS and our own streams."""
    while True:
        match stream:
            case trio.SSLStream():
                stream = stream.transport_stream
            case QuickStream():
                stream = stream.transport
            case trio.SocketStream():
                return stream.socket
            case _:
                raise TypeError(f"no socket in {type(stream).__name__}")
