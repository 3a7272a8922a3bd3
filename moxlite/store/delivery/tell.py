"""Notification of the account's programs about a new message: a row of the outbox (STORE-189a), which the queue
carries.
"""

from __future__ import annotations

from typing import Final

import msgspec

from moxlite.decoders import msgpack_decoder
from moxlite.store.mail.facts import Facts

TELL: Final = "incoming"
"""Kind of these rows of `outbox`."""


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Facts of the message that the row names, beside its octets; it may have left its mailbox meanwhile.

    Attributes:
      recipient: the address as the client wrote it: its localpart may name a sent message after a separator (QUEUE-95).
      mailbox: the mailbox in which it was filed. received: µs UTC.
    """

    recipient: str
    mailbox: str
    received: int
    facts: Facts

    def pack(self) -> bytes:
        """Encode it for the row."""
        return _ENCODER.encode(self)

    @classmethod
    def unpack(cls, data: bytes) -> Told:
        """Decode it from the row. Raises msgspec.DecodeError or ValidationError if it is damaged."""
        return _DECODER.decode(data)


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgpack_decoder(Told)
