"""A message that came in, which the queue is to tell the account's programs of: a row of the outbox (STORE-189a)."""

from __future__ import annotations

from typing import Final

import msgspec

from moxlite.store.mail.facts import Facts

__all__ = ["TELL", "Told"]

TELL: Final = "incoming"
"""Kind of these rows."""


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of the message that the row names, beside its octets; it may have left its mailbox meanwhile.

    Attributes:
      recipient: the address that the client wrote: behind a separator its localpart may name a message that was sent
        (QUEUE-95).
      mailbox: where it was filed. received: µs UTC.
    """

    recipient: str
    mailbox: str
    received: int
    facts: Facts

    def pack(self) -> bytes:
        """The form in which it lies in the row."""
        return _ENCODER.encode(self)

    @classmethod
    def unpack(cls, data: bytes) -> Told:
        """From the row. Raises msgspec.DecodeError or ValidationError when it is damaged."""
        return _DECODER.decode(data)


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Told)
