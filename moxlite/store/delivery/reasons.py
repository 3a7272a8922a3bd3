"""The reasons why a message is where it is, stored beside it (ADMIN-77): what the decision knew, what each rule
proposed, and the plan. `moxlite.acceptance` makes them, `moxlite why` and the webmail show them.
"""

from __future__ import annotations

from collections import Counter
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.encoding import msgpack_decoder, to_msgpack

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader

MAX_WHY: Final = 2048
"""Octets of a message's reasons. A mailbox with 100,000 messages grows by up to 200 MB, in practice by 30 MB."""

CLIP: Final = 160
"""Maximum characters of one text: senders choose some of them."""


READ: Final = "SELECT h.why FROM message m JOIN message_header h ON h.email_id = m.email_id WHERE m.id = ?"


class Strength(IntEnum):
    """How much a fact proves."""

    HINT = 1
    WEAK = 2
    STRONG = 3
    PROOF = 4


class Fact(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fact about a message.

    Attributes:
      good: True for the message, False against it, None for neither.
      source: where it comes from: ``header``, ``dns _dmarc.example.org``, ``junk filter of mia``.
      until: µs UTC until when it may be used again for another message, None for this one alone.
    """

    name: str
    value: str
    good: bool | None
    strength: Strength
    source: str
    until: int | None = None


class ReportedProposal(msgspec.Struct, frozen=True, omit_defaults=True):
    """One proposal: the producer, its word, the names of the facts that it used, its reply and actions."""

    producer: str
    word: str
    facts: tuple[str, ...] = ()
    reply: str = ""
    actions: tuple[str, ...] = ()


class Why(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The reasons why a message is where it is.

    Attributes:
      reason: the word in X-Moxlite-Reason.
      remote, hello, sender, recipient: of the SMTP transaction, as text; the recipient as the client wrote it.
      via: aliases. facts, missing, proposals: as far as they fit. reply: that of the plan, "" when it accepted.
      actions: of the plan, as text. cut: something did not fit.
    """

    reason: str
    remote: str = ""
    hello: str = ""
    sender: str = ""
    recipient: str = ""
    via: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    missing: tuple[str, ...] = ()
    proposals: tuple[ReportedProposal, ...] = ()
    reply: str = ""
    actions: tuple[str, ...] = ()
    cut: bool = False


_DECODER: Final = msgpack_decoder(Why)


def clipped(text: str) -> str:
    """The text, cut to `CLIP` characters."""
    return text if len(text) <= CLIP else text[: CLIP - 1] + "…"


def pack(why: Why) -> bytes:
    """Encode for the database row, with at most MAX_WHY octets: proposals and facts are left out from the last one on,
    then actions too.
    """
    octets = to_msgpack(why)
    # The row goes with the delivery's unit and must not fail it: whatever strangers put in, something short is left.
    while len(octets) > MAX_WHY:
        if why.proposals:
            why = msgspec.structs.replace(why, proposals=why.proposals[:-1], cut=True)
        elif why.facts:
            why = msgspec.structs.replace(why, facts=why.facts[:-1], cut=True)
        elif why.actions:
            why = msgspec.structs.replace(why, actions=why.actions[:-1], cut=True)
        else:
            why = Why(reason=clipped(why.reason), cut=True)
        octets = to_msgpack(why)
    return octets


def unpack(octets: bytes) -> Why:
    """Decode from the row. Raises msgspec.DecodeError or ValidationError for a damaged one."""
    return _DECODER.decode(octets)


def read_why(r: Reader, message_id: int) -> bytes | None:
    """Read a message's reasons. None if it was appended, or delivered by an earlier version."""
    found: bytes | None = r.value(READ, message_id)
    return found


# How often each reason was the one, for the owner of an account.


JUNK_UNSURE: Final = "junk-content-unsure"
"""The word for mail that the junk filter has moved to Junk."""

JUNK_REFUSALS: Final = ("junk-content", "junk-content-strict")
"""The words of refusals by the filter alone, at the usual and at the strict bound."""

RECENT: Final = """
SELECT why FROM message_header WHERE email_id IN (
  SELECT m.email_id FROM message_smtp s JOIN message m ON m.id = s.message_id
  WHERE s.received >= ? ORDER BY s.received DESC LIMIT ?)"""

MOST_RECENT: Final = 10_000
"""Messages that are looked at, the latest ones: 0.1 s of a thread."""


class _Reason(msgspec.Struct, frozen=True):
    """The part of `Why` that is counted."""

    reason: str


_REASONS: Final = msgpack_decoder(_Reason)


def count_reasons(r: Reader, since: int) -> Counter[str]:
    """Numbers of the messages that came since a time, µs UTC, by reason; also of those that moved since. For scans."""
    return Counter(_REASONS.decode(why).reason for (why,) in r.rows(RECENT, since, MOST_RECENT) if why)
