"""A message that an account owes to the queue: a row of its outbox (STORE-189a), which `acceptance.carrying` brings
over.
"""

from __future__ import annotations

from typing import Final

import msgspec

from moxlite.store.delivery.perform import Owed
from moxlite.store.delivery.submission import Submission

__all__ = ["SUBMIT", "OwedMessage"]

SUBMIT: Final = "submit"
"""Kind of these rows."""


class OwedMessage(msgspec.Struct, frozen=True):
    """A submission with its octets, which are short: those of a notice.

    Without octets it is the message that the row names, but for its Bcc, which only the account's copy has
    (WEBMAIL-98); the row keeps the content of a message that is removed meanwhile.
    """

    submission: Submission
    octets: bytes = b""

    def pack(self) -> bytes:
        """The form in which it lies in the row."""
        return _ENCODER.encode(self)

    def row(self, key: bytes) -> Owed:
        """The row, unique by `key`."""
        return Owed(key, SUBMIT, self.pack())

    @classmethod
    def unpack(cls, data: bytes) -> OwedMessage:
        """From the row. Raises msgspec.DecodeError or ValidationError when it is damaged."""
        return _DECODER.decode(data)


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(OwedMessage)
