"""Submission in the outbox of an account (STORE-189a), which `acceptance.carrying` hands over to the queue."""

from __future__ import annotations

from typing import Final

import msgspec

from moxlite.decoders import msgpack_decoder
from moxlite.store.delivery.perform import Owed
from moxlite.store.delivery.submission import Submission

SUBMIT: Final = "submit"
"""Kind of these rows of `outbox`."""


class Beside(msgspec.Struct, frozen=True):
    """Other changes made by the unit of a submission, to be undone if it is taken back (WEBMAIL-123).

    Attributes:
      original_id: the message that it answers or forwards, 0 for none. flags: the flags that this message got, bits of
        `Flag`.
      counted: ids of the rows of ``outgoing``.
      scheduled: the mailbox in which the message waits until its row is due (WEBMAIL-96), 0 for none. It goes out only
        if it is still there.
    """

    original_id: int = 0
    flags: int = 0
    counted: tuple[int, ...] = ()
    scheduled: int = 0


class OwedMessage(msgspec.Struct, frozen=True):
    """A submission, with its octets if it is a notice, which is short.

    Without octets, it sends the message that the row names, without its Bcc field, which only the account's copy has
    (WEBMAIL-98); the row keeps the content of a message that is removed meanwhile. `forwarded`: a message of another
    author, of which only the fields that this server put before it for the owner are left out, and the fields named in
    `dropped`, lower case, which the prefix of the submission replaces.
    """

    submission: Submission
    octets: bytes = b""
    beside: Beside = Beside()
    forwarded: bool = False
    dropped: tuple[bytes, ...] = ()

    def pack(self) -> bytes:
        """Encode it for the row."""
        return _ENCODER.encode(self)

    def row(self, key: bytes) -> Owed:
        """Make the row, unique by `key`."""
        return Owed(key, SUBMIT, self.pack())

    @classmethod
    def unpack(cls, data: bytes) -> OwedMessage:
        """Decode it from the row. Raises msgspec.DecodeError or ValidationError if it is damaged."""
        return _DECODER.decode(data)


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgpack_decoder(OwedMessage)
