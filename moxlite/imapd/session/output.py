"""What a session asks of its connection; the connection runner and tests implement it."""

from typing import Final, Protocol

import trio

from moxlite.net.connections import ConnectionInfo
from moxlite.proto.imap.server import Event, ServerDecoder
from moxlite.proto.sasl import ChannelBindings

__all__ = ["HIGH_WATER", "Wire"]

HIGH_WATER: Final = 65_536
"""Octets written but not sent, above which a command drains before it goes on (IMAP-148)."""


class Wire(Protocol):
    """Both directions of a connection, in terms of the codec."""

    decoder: ServerDecoder
    info: ConnectionInfo
    pending: int
    """Octets written but not sent."""
    received: int
    sent: int
    """Octets so far, as the client counts them."""
    broken: bool
    """The client is gone: nothing more can be sent."""
    slow: bool
    """Answer as slowly as can be (IMAP-20)."""

    def write(self, octets: bytes) -> None:
        """Put octets of a response into the buffer; nothing is sent before `drain` or `receive`."""

    def pending_octets(self) -> bytes:
        """What is in the buffer."""

    def flush(self, *, much: bool = False) -> bool:
        """Send what the client's socket takes at once; whether nothing is left for `drain`.

        much: also more than is told to clients in passing, for who gives others their turn soon.
        """

    async def drain(self) -> None:
        """Send what is in the buffer, and wait until the client has taken it."""

    async def receive(self, seconds: float | None = None, *, within: trio.CancelScope | None = None) -> Event:
        """Send what is in the buffer, and wait for the next event; never NEED_DATA.

        seconds: patience with a silent client, None for what its state allows. Raises Disconnect when that is over.
        within: a scope without a deadline around all waits of the caller, which is cancelled instead while it waits;
        then `Session.ending` says why.
        """

    async def start_tls(self) -> None:
        """Shake hands; from here on everything is encrypted, and `info.tls` is set. Raises BrokenResourceError if it
        fails.
        """

    @property
    def compressed(self) -> bool:
        """Octets go through DEFLATE in both directions."""

    async def compress(self) -> None:
        """Send what is in the buffer; from here on everything goes through DEFLATE (RFC 4978)."""

    def bindings(self) -> ChannelBindings:
        """What SCRAM-…-PLUS can be bound to on this connection."""
