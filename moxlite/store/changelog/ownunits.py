"""Units that a subscriber made itself: it knows their changes, but for what it must be told all the same (STORE-33)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from moxlite.store.types import Event, FlagsChanged, MessageAdded, MessageID, MessagesRemoved, ModSeq


class OwnUnits:
    """The units of one subscriber that were published and not passed yet.

    Attributes:
      keep: the subscriber takes its own units like the units of others.
      overtaken: by modseq, the messages that must be delivered all the same; None for all messages.
    """

    __slots__ = ("keep", "overtaken")

    def __init__(self, *, keep: bool) -> None:
        self.keep = keep
        self.overtaken: dict[ModSeq, frozenset[MessageID] | None] = {}

    def knows(self, overtaken: frozenset[MessageID] | None) -> bool:
        """Whether an own unit that overtook these messages has nothing that must be read from the database."""
        return not self.keep and overtaken == frozenset()

    def select(self, events: Iterable[Event], overtaken: frozenset[MessageID] | None) -> Iterable[Event]:
        """The events of an own unit that are delivered, given the messages that it overtook."""
        return events if self.keep or overtaken is None else _concerning(events, overtaken)

    def forget(self, modseq: ModSeq) -> None:
        """Forget units up to `modseq`. A catch-up that is under way keeps those that it was made with."""
        self.overtaken = {own: overtaken for own, overtaken in self.overtaken.items() if own > modseq}


def _concerning(events: Iterable[Event], messages: frozenset[MessageID]) -> list[Event]:
    """Select the events, or the parts of them, about these messages."""
    found: list[Event] = []
    for event in events:
        match event:
            case MessageAdded() | FlagsChanged():
                if event.message_id in messages:
                    found.append(event)
            case MessagesRemoved():
                pairs = [pair for pair in zip(event.uids, event.message_ids, strict=True) if pair[1] in messages]
                if pairs:
                    uids, message_ids = zip(*pairs, strict=True)
                    found.append(msgspec.structs.replace(event, uids=uids, message_ids=message_ids))
    return found
