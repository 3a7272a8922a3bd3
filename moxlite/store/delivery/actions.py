"""Actions on a message at one account. A plan of `moxlite.acceptance` lists actions; `perform` carries them out.

An action is a value: it can be packed into a row of queue.db, where a delivery waits that cannot be made now.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal, TypeAlias

import msgspec

from moxlite.decoders import msgpack_decoder
from moxlite.store.errors import StoreError
from moxlite.store.mail.facts import NO_FACTS, Facts


class NoCarrier(StoreError):
    """This version cannot perform the action; `action` is its tag."""

    def __init__(self, action: str) -> None:
        super().__init__(f"action {action!r} cannot be performed yet")
        self.action = action


class Mark(Enum):
    """Special kind of a filed message; ordinary mail has none."""

    REJECT = "reject"
    """Junk that a ruleset accepts (STORE-67): it counts for no reputation."""
    FORWARD = "forward"
    """Mail forwarded by a verified domain (STORE-66)."""
    LIST = "list"
    """Mail of a mailing list."""


class Action(msgspec.Struct, frozen=True, tag_field="do", omit_defaults=True):
    """Base of all actions; `do` is the tag."""


class FileInto(Action, frozen=True, tag="file", kw_only=True):
    """Store the message in a mailbox, which is created and subscribed if it is missing.

    Attributes:
      flags: bits of `Flag`. keywords: in any case.
      destined: name of the mailbox that the message is meant for, "" if that is `mailbox`.
      forwarder: with Mark.FORWARD the verified domain that forwarded the message.
    """

    mailbox: str
    flags: int = 0
    keywords: tuple[str, ...] = ()
    mark: Mark | None = None
    destined: str = ""
    forwarder: str = ""


class KeepReject(Action, frozen=True, tag="reject", kw_only=True):
    """Keep a copy of a refused message in the rejects mailbox, seen and marked (STORE-70..72). No copy is kept if the
    mailbox has the message already, or is full.

    Attributes:
      mailbox: the rejects mailbox. destined: the mailbox that the message was meant for. Both are made if missing.
      unlimited: rejects are neither removed by age nor limited in number (`keep_rejects`).
    """

    mailbox: str
    destined: str
    unlimited: bool = False


class Discard(Action, frozen=True, tag="discard"):
    """Keep nothing. The key of the delivery is stored, and the log records it."""


class Redirect(Action, frozen=True, tag="redirect", kw_only=True):
    """Send the message on to `to`, an address whose owner has agreed (`forwarding.may_forward`): of `forward_to`
    (SMTP-159), of a script (RFC 5228 §4.2), or of an alias.

    Attributes:
      alias: the alias of which `to` is a member (SMTP-166), "" for none.
      otherwise: the mailbox in which it is kept where it cannot be sent on, unless another action keeps it.
      owed: the packed `OwedMessage`; `perform` raises NoCarrier without.
    """

    to: str
    otherwise: str = "Inbox"
    alias: str = ""
    owed: bytes = b""


class Vacation(Action, frozen=True, tag="vacation", kw_only=True):
    """Answer the sender `to`, at most once in `seconds` for each `handle` (RFC 5230).

    Attributes:
      subject, text, sender, mime: as in `proto.sieve.outcome.AnswerAction`.
      owed: the packed `OwedMessage`; `perform` raises NoCarrier without.
    """

    handle: bytes
    to: str
    seconds: int
    subject: str = ""
    text: str = ""
    sender: str = ""
    mime: bool = False
    owed: bytes = b""


class Failed(Action, frozen=True, tag="failed", kw_only=True):
    """Note for the owner that a script failed in a line; 0 for none."""

    script: str
    line: int
    text: str


class Remember(Action, frozen=True, tag="remember", kw_only=True):
    """Remember keys, each for some seconds, for the test `duplicate` (RFC 7352)."""

    keys: tuple[tuple[bytes, int], ...]


class Notify(Action, frozen=True, tag="notify", kw_only=True):
    """Notify a program or an address of the message (RFC 5435, WEB-105).

    `perform` raises NoCarrier until Sieve (issue 12) implements it.
    """

    method: Literal["webhook", "mailto"]
    target: str
    payload: bytes = b""


AnyAction: TypeAlias = FileInto | KeepReject | Discard | Redirect | Vacation | Notify | Failed | Remember


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All actions on a message at one account, performed in one unit.

    Attributes:
      actions: in order; the first one that files adds the message, and later ones with equal flags and marks copy it.
      facts: facts of the message, before the mark of an action changes them.
      why: stored with the message (`moxlite.acceptance.why`), at most `MAX_WHY` octets; empty for none.
      clear_rejects: name of the account's rejects mailbox, from which copies with the same Message-ID are removed when
        the message is filed (STORE-74); "" for none.
      received: µs UTC, None for the time of the unit.
      tell: the recipient address as the client wrote it, if the account's programs are to be notified of the filed
        message (`tell.Told`), or if it may answer a sent message; "" if not.
    """

    actions: tuple[AnyAction, ...]
    facts: Facts = NO_FACTS
    why: bytes = b""
    clear_rejects: str = ""
    received: int | None = None
    tell: str = ""

    def pack(self) -> bytes:
        """Encode the delivery for a row of queue.db."""
        return _ENCODER.encode(self)

    @classmethod
    def unpack(cls, data: bytes) -> Delivery:
        """Decode the octets of `pack`. Raises msgspec.DecodeError or ValidationError if they are damaged."""
        return _DECODER.decode(data)


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgpack_decoder(Delivery)
