"""Sending without waiting: octets that a socket accepts at once need no turn of the loop, no task and no deadline.

A change of a mailbox is sent to a hundred idle clients, a short answer to a client that waits for it: nearly always
there is room in the socket's buffer. What does not fit is sent by `send_all`, with its deadline.
"""

from typing import Final

import trio

from moxlite.net.sockets import QuickStream

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
