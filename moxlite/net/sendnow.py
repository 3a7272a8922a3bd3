"""Sending without waiting: what a socket takes at once needs no turn of the loop, no task and no deadline.

A change of a mailbox is told to a hundred idle clients, a short answer goes to a client that waits for it: nearly
always there is room in the socket's buffer. What does not fit is sent by `send_all`, with its deadline.
"""

from typing import Final

import trio

from moxlite.net.sockets import QuickStream

__all__ = ["AT_ONCE", "MUCH", "Prompt", "at_once", "send_now", "unsent"]

AT_ONCE: Final = 16_384
"""Octets sent in this way at most: one TLS record, and less than a socket's buffer. Encrypting or compressing more
would hold the loop.
"""

MUCH: Final = 1_048_576
"""The same where the kernel just copies them: 0.3 ms."""


class Prompt(trio.abc.Stream):
    """A stream that changes the octets on their way, so it cannot give back what the one below did not take."""

    @property
    def unsent(self) -> bool:
        """Something that was taken waits for room below: `send_all(b"")` sends it, as does whatever is sent next."""
        raise NotImplementedError

    def send_now(self, octets: bytes) -> int:
        """See `send_now`; all or nothing is taken."""
        raise NotImplementedError


_SENDERS: Final = (QuickStream, Prompt)  # the bare socket first: asking for its own class costs next to nothing


def at_once(stream: trio.abc.Stream) -> int:
    """Octets that may be given to `send_now` at most."""
    return MUCH if isinstance(stream, QuickStream) else AT_ONCE


def send_now(stream: trio.abc.Stream, octets: bytes) -> int:
    """Give octets, `at_once` of them at most, to a stream in which no task is sending now; returns how many it has
    taken, 0 when it cannot do without waiting.

    Raises BrokenResourceError, ClosedResourceError.
    """
    return stream.send_now(octets) if isinstance(stream, _SENDERS) else 0


def unsent(stream: trio.abc.Stream) -> bool:
    """Whether a stream holds octets that it has taken and could not send."""
    return not isinstance(stream, QuickStream) and isinstance(stream, Prompt) and stream.unsent
