"""Interface of a session to its connection; the connection runner and tests implement it."""

from typing import Final, Protocol

import trio

from moxlite.net.connections import ConnectionInfo
from moxlite.proto.imap.server import Event, ServerDecoder
from moxlite.proto.sasl import ChannelBindings

HIGH_WATER: Final = 65_536
"""Octets written but not sent above which a command drains before it goes on (IMAP-148)."""


class Output(Protocol):
    """Octets to the client, in a buffer and sent."""

    pending: int
    """Octets written but not sent."""
    sent: int
    """Octets sent so far, as the client counts them."""
    broken: bool
    """The client is gone: nothing more can be sent."""
    slow: bool
    """Send and read slowly (IMAP-20)."""

    def write(self, octets: bytes) -> None:
        """Put octets of a response into the buffer; nothing is sent before `drain` or `Wire.receive`."""

    def pending_octets(self) -> bytes:
        """The octets in the buffer."""

    def flush(self, *, much: bool = False) -> bool:
        """Send the octets that the client's socket accepts at once. Returns whether nothing is left for `drain`.

        much: send up to a larger limit, for a caller that soon runs a checkpoint.
        """

    async def drain(self) -> None:
        """Send the buffer, and wait until the client has accepted it."""


class Wire(Protocol):
    """Both directions of a connection, in terms of the codec."""

    decoder: ServerDecoder
    info: ConnectionInfo
    received: int
    """Octets received so far, as the client counts them."""

    @property
    def output(self) -> Output:
        """The direction to the client."""

    async def receive(self, seconds: float | None = None, *, within: trio.CancelScope | None = None) -> Event:
        """Send the buffer, and wait for the next event; never NEED_DATA.

        seconds: timeout for a silent client, None for the timeout of its state. Raises Disconnect after it. within: a
        scope without a deadline around all waits of the caller. It is cancelled at the timeout instead; then
        `Session.ending` has the reason.
        """

    async def start_tls(self) -> None:
        """Shake hands; from here on everything is encrypted, and `info.tls` is set. Raises BrokenResourceError if it
        fails.
        """

    @property
    def compressed(self) -> bool:
        """Octets go through DEFLATE in both directions."""

    async def compress(self) -> None:
        """Send the buffer. From here on everything goes through DEFLATE (RFC 4978)."""

    def bindings(self) -> ChannelBindings:
        """Channel bindings of this connection, for SCRAM-…-PLUS."""
