"""A message that an account owes to the queue: a row of its outbox (STORE-189a), which `acceptance.carrying` brings
over.
"""

from __future__ import annotations

from typing import Final

import msgspec

from moxlite.store.delivery.perform import Owed
from moxlite.store.delivery.submission import Submission

__all__ = ["SUBMIT", "Beside", "OwedMessage"]

SUBMIT: Final = "submit"
"""Kind of these rows."""


class Beside(msgspec.Struct, frozen=True):
    """What the unit of a submission did besides, for the case that it is taken back (WEBMAIL-123).

    Attributes:
      original_id: the message that it answers or forwards, 0 for none. flags: those that it got by that.
      counted: ids of the rows of ``outgoing``.
    """

    original_id: int = 0
    flags: int = 0
    counted: tuple[int, ...] = ()


class OwedMessage(msgspec.Struct, frozen=True):
    """A submission with its octets, which are short: those of a notice.

    Without octets it is the message that the row names, but for its Bcc, which only the account's copy has
    (WEBMAIL-98); the row keeps the content of a message that is removed meanwhile.
    """

    submission: Submission
    octets: bytes = b""
    beside: Beside = Beside()

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
