"""What can be done with a message at one account. A plan of `moxlite.acceptance` lists actions; `perform` does them.

An action is a value: it packs into a row of queue.db, where a delivery waits that cannot be made now.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal, TypeAlias

import msgspec

from moxlite.store.errors import StoreError
from moxlite.store.mail.facts import NO_FACTS, Facts

__all__ = [
    "Action",
    "AnyAction",
    "Delivery",
    "Discard",
    "FileInto",
    "KeepReject",
    "Mark",
    "NoCarrier",
    "Notify",
    "Redirect",
    "Vacation",
]


class NoCarrier(StoreError):
    """The action cannot be performed by this version; `action` is its tag."""

    def __init__(self, action: str) -> None:
        super().__init__(f"action {action!r} cannot be performed yet")
        self.action = action


class Mark(Enum):
    """What a filed message is beside ordinary mail."""

    REJECT = "reject"
    """Junk that a ruleset accepts (STORE-67): it counts for no reputation."""
    FORWARD = "forward"
    """Passed on by a verified domain (STORE-66)."""
    LIST = "list"
    """Mail of a mailing list."""


class Action(msgspec.Struct, frozen=True, tag_field="do", omit_defaults=True):
    """Base of all actions; `do` is the tag."""


class FileInto(Action, frozen=True, tag="file", kw_only=True):
    """Store the message in a mailbox, which is made, and subscribed, if it is missing.

    Attributes:
      flags: bits of `Flag`. keywords: in any case.
      destined: name of the mailbox that the message is meant for, "" when that is `mailbox`.
      forwarder: with Mark.FORWARD the verified domain that passed the message on.
    """

    mailbox: str
    flags: int = 0
    keywords: tuple[str, ...] = ()
    mark: Mark | None = None
    destined: str = ""
    forwarder: str = ""


class KeepReject(Action, frozen=True, tag="reject", kw_only=True):
    """Keep a copy of a refused message in the rejects mailbox, seen and marked (STORE-70..72). It is not kept when the
    mailbox has the message already, or is full.

    Attributes:
      mailbox: the rejects mailbox. destined: the mailbox that the message was meant for. Both are made if missing.
      unlimited: rejects are neither removed by age nor limited in number (`keep_rejects`).
    """

    mailbox: str
    destined: str
    unlimited: bool = False


class Discard(Action, frozen=True, tag="discard"):
    """Keep nothing. The key of the delivery is noted, the log tells it."""


class Redirect(Action, frozen=True, tag="redirect", kw_only=True):
    """Send the message on to `to`, an address. `sender`: envelope sender, by SRS, null, or the account's own.

    `perform` refuses it until Sieve and forwarders (issue 12) bring its carrier.
    """

    to: str
    sender: Literal["srs", "null", "own"] = "srs"


class Vacation(Action, frozen=True, tag="vacation", kw_only=True):
    """Answer the sender, at most once in `days` for each `handle` (RFC 5230). `addresses`: own ones of the account.

    `perform` refuses it until Sieve (issue 12) brings its carrier.
    """

    handle: str
    days: int
    subject: str
    text: str
    addresses: tuple[str, ...] = ()


class Notify(Action, frozen=True, tag="notify", kw_only=True):
    """Tell a program or an address about the message (RFC 5435, WEB-105).

    `perform` refuses it until Sieve (issue 12) brings its carrier.
    """

    method: Literal["webhook", "mailto"]
    target: str
    payload: bytes = b""


AnyAction: TypeAlias = FileInto | KeepReject | Discard | Redirect | Vacation | Notify


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that is done with a message at one account, in one unit.

    Attributes:
      actions: in order; the first one that files adds the message, those alike copy it.
      facts: what is known of the message, before the mark of an action changes it.
      why: stored with the message (`moxlite.acceptance.why`), at most `MAX_WHY` octets; empty for none.
      clear_rejects: name of the account's rejects mailbox, from which copies with the same Message-ID are removed when
        the message is filed (STORE-74); "" for none.
      received: µs UTC, None for the time of the unit.
      tell: the address that the client wrote, when the account's programs are told of the message that is filed
        (`tell.Told`), or it may answer one that was sent; "" when not.
    """

    actions: tuple[AnyAction, ...]
    facts: Facts = NO_FACTS
    why: bytes = b""
    clear_rejects: str = ""
    received: int | None = None
    tell: str = ""

    def pack(self) -> bytes:
        """The form in which it waits in a row of queue.db."""
        return _ENCODER.encode(self)

    @classmethod
    def unpack(cls, data: bytes) -> Delivery:
        """The delivery that `pack` made these octets from. Raises msgspec.DecodeError or ValidationError when they are
        damaged.
        """
        return _DECODER.decode(data)


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Delivery)
