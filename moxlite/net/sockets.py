"""The socket of a client, with fewer turns of the event loop.

Trio's own stream gives other tasks a turn after each call, and tries to read before it waits. Between a client that
waits for each answer and a server that answers at once that is one turn more than needed: 20 µs of the 110 that a
small command took.
"""

import os
from typing import Final

import trio

READ_SIZE: Final = 65_536
"""Octets read at once if the caller gives no number."""


DESCRIPTORS: Final = os.name == "posix"
"""Whether the number of a socket is a descriptor, as `os.read` and `os.write` take it: not on Windows."""


class QuickStream(trio.abc.HalfCloseableStream):
    """A socket stream whose first send after a receive is not a checkpoint if the kernel takes all of it.

    That is fair to other tasks: there is one such send for each receive, which always gives them their turn. All else
    is as in Trio's stream, which is `transport`.
    """

    def __init__(self, transport: trio.SocketStream) -> None:
        self.transport = transport
        self._at_once = False  # the next send may skip its checkpoint
        self._sending = False

    def send_now(self, octets: bytes | bytearray | memoryview) -> int:
        """Give octets to the kernel. Returns how many it accepted, 0 if it accepts none now or another task is sending.

        Raises BrokenResourceError, ClosedResourceError.
        """
        socket = self.transport.socket
        if self._sending or socket.did_shutdown_SHUT_WR or not DESCRIPTORS:
            return 0
        descriptor = socket.fileno()
        if descriptor < 0:
            raise trio.ClosedResourceError("socket was already closed")
        try:
            return os.write(descriptor, octets)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise _broken(error) from error

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if self._at_once and data and self.transport.socket.fileno() >= 0:
            self._at_once = False
            sent = self.send_now(data)
            if sent == len(data):
                return
            data = memoryview(data)[sent:]
        self._sending = True
        try:
            await self.transport.send_all(data)
        finally:
            self._sending = False

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if not DESCRIPTORS:
            return bytes(await self.transport.receive_some(max_bytes or READ_SIZE))
        socket = self.transport.socket
        self._at_once = True
        while True:
            descriptor = socket.fileno()
            if descriptor < 0:
                raise trio.ClosedResourceError("socket was already closed")
            await trio.lowlevel.wait_readable(descriptor)
            try:
                return os.read(socket.fileno(), READ_SIZE if max_bytes is None else max_bytes)
            except BlockingIOError:
                continue
            except OSError as error:
                raise _broken(error) from error

    async def wait_send_all_might_not_block(self) -> None:
        await self.transport.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        await self.transport.send_eof()

    async def aclose(self) -> None:
        """Close at once, which is no checkpoint. Idempotent."""
        self.transport.socket.close()


def _broken(error: OSError) -> trio.BrokenResourceError:
    return trio.BrokenResourceError(f"socket connection broken: {error}")


# Sending without waiting: octets that a socket accepts at once need no turn of the loop, no task and no deadline.
#
# A change of a mailbox is sent to a hundred idle clients, a short answer to a client that waits for it: nearly always
# there is room in the socket's buffer. What does not fit is sent by `send_all`, with its deadline.


AT_ONCE: Final = 16_384
"""Maximum octets sent without waiting: one TLS record, and less than a socket's buffer. Encrypting or compressing more
would block the loop too long.
"""

MUCH: Final = 1_048_576
"""Maximum octets sent without waiting on a bare socket, where the kernel only copies them: 0.3 ms."""


class Prompt(trio.abc.Stream):
    """A stream that encodes the octets sent, so it cannot give back octets that the transport did not accept."""

    @property
    def unsent(self) -> bool:
        """Whether accepted octets wait for space in the transport. `send_all(b"")` or any later send sends them."""
        raise NotImplementedError

    def send_now(self, octets: bytes) -> int:
        """Send as the function `send_now`; all octets are accepted, or none."""
        raise NotImplementedError


_SENDERS: Final = (QuickStream, Prompt)  # the bare socket first: a check for its own class costs almost nothing


def at_once(stream: trio.abc.Stream) -> int:
    """Maximum octets that may be given to `send_now`."""
    return MUCH if isinstance(stream, QuickStream) else AT_ONCE


def send_now(stream: trio.abc.Stream, octets: bytes) -> int:
    """Give at most `at_once` octets to a stream in which no task is sending now. Returns how many it has accepted, 0 if
    it would have to wait.

    Raises BrokenResourceError, ClosedResourceError.
    """
    return stream.send_now(octets) if isinstance(stream, _SENDERS) else 0


def unsent(stream: trio.abc.Stream) -> bool:
    """Whether a stream holds octets that it has accepted and not sent yet."""
    return not isinstance(stream, QuickStream) and isinstance(stream, Prompt) and stream.unsent
