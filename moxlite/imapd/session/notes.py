"""What sessions of one account were told of its last change, for the others that knew the same: `repeat` writes it
down and finds it.
"""

from typing import Final, TypeAlias

import msgspec

from moxlite.imapd.session.uidlist import UidList
from moxlite.proto.imap.seqset import Ranges
from moxlite.store.types import ModSeq

__all__ = ["Key", "Notes", "Told"]

MAX_NOTES: Final = 32
"""Notes of one account: sessions with different mailboxes and capabilities. Those of an older change go with the
next.
"""

Key: TypeAlias = tuple[int, int, int, frozenset[str], bool, int, bool]
"""What the octets depend on: modseq, mailbox, UIDNEXT, keywords, read-only, ENABLEd, whether removals are told."""


class Told(msgspec.Struct, frozen=True):
    """What a session was told, and the state that it was in then.

    modseq: of the cursor. uids, uidnext, keywords: of the view. passed: modseq of the last change in the view, 0 if
    there was none of it. alone: no other mailbox has changed. origins: whose changes they were. low, high: the lowest
    and highest UID among the messages; 0 without any.
    """

    octets: bytes
    modseq: ModSeq
    uids: UidList
    uidnext: int
    keywords: frozenset[str]
    passed: int
    alone: bool
    origins: frozenset[int | None]
    low: int
    high: int

    def concerns(self, ranges: Ranges) -> bool:
        """Whether the changed messages reach into ranges of UIDs."""
        return any(low <= self.high and self.low <= high for low, high in ranges)


class Notes:
    """What sessions of one account were told of its last change."""

    __slots__ = ("_modseq", "_notes")

    def __init__(self) -> None:
        self._modseq = ModSeq(0)
        self._notes: dict[Key, Told] = {}

    def find(self, key: Key) -> Told | None:
        """What one was told that knew the same."""
        return self._notes.get(key)

    def keep(self, key: Key, told: Told) -> None:
        """For those who know the same; what was told of another change goes."""
        if self._modseq != told.modseq or len(self._notes) >= MAX_NOTES:
            self._modseq = told.modseq
            self._notes.clear()
        self._notes[key] = told
