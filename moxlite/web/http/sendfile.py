"""Octets of a file that the kernel copies to a socket itself (sendfile).

The call may wait for the disk, so it runs in a thread; it never waits for the peer, since the socket does not block.
"""

import os
from typing import Final

import trio

from moxlite.net.sockets import QuickStream

PIECE: Final = 1 << 20
"""Octets of one call: more than a socket's buffer takes at once."""

SLICE: Final = 64 << 10
"""Octets that the peer must take within the time limit."""


def can_send_files(stream: trio.abc.Stream) -> bool:
    """Whether `send_file` works on this stream: on bare sockets, not below TLS, and not on Windows."""
    return isinstance(stream, QuickStream) and hasattr(os, "sendfile")


async def send_file(
    stream: trio.abc.Stream, descriptor: int, at: int, end: int, *, seconds: float, limiter: trio.CapacityLimiter
) -> None:
    """Send the octets from `at` to before `end` of an open file. One task at a time may send on the stream.

    Args:
      seconds: for each `SLICE` that the peer takes.
      limiter: of the threads.

    Raises BrokenResourceError if the peer is gone, EOFError if the file is shorter, TooSlowError, OSError if the disk
    fails. After each, the stream can only be closed.
    """
    assert isinstance(stream, QuickStream)
    socket = stream.transport.socket
    taken = 0
    with trio.fail_after(seconds) as scope:
        while at < end:
            sent = await trio.to_thread.run_sync(
                _send_now, socket.fileno(), descriptor, at, min(end - at, PIECE), limiter=limiter
            )
            if sent is None:
                await trio.lowlevel.wait_writable(socket)
                continue
            if sent == 0:
                raise EOFError("the file was truncated meanwhile")
            at += sent
            taken += sent
            if taken >= SLICE:
                taken = 0
                scope.deadline = trio.current_time() + seconds


def _send_now(socket: int, descriptor: int, at: int, size: int) -> int | None:
    """In a thread: how many octets the socket has taken, 0 at the end of the file; None if it takes none now.

    Raises BrokenResourceError, OSError.
    """
    try:
        return os.sendfile(socket, descriptor, at, size)
    except BlockingIOError:
        return None
    except ConnectionError as error:
        raise trio.BrokenResourceError(f"socket connection broken: {error}") from error
