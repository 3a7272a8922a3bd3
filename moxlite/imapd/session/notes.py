"""Rendered octets of an account's last change, to send to sessions in the same state; `repeat` stores and finds
them.
"""

from typing import Final, TypeAlias

import msgspec

from moxlite.imapd.session.uidlist import UidList
from moxlite.proto.imap.seqset import Ranges
from moxlite.store.types import ModSeq

MAX_NOTES: Final = 32
"""Maximum notes of one account: sessions differ in mailboxes and capabilities. Notes of an older change are dropped
with the next one.
"""

Key: TypeAlias = tuple[int, int, int, frozenset[str], bool, int, bool]
"""Session state on which the octets depend: modseq, mailbox, UIDNEXT, keywords, read-only, ENABLEd, whether removals
are sent.
"""


class Told(msgspec.Struct, frozen=True):
    """Octets sent to a session for a change, and its state afterwards.

    modseq: the cursor's. uids, uidnext, keywords: the view's. passed: modseq of the last change in the view, 0 without
    one. alone: no other mailbox has changed. origins: the sessions that made the changes. low, high: the lowest and
    highest UID among the messages; 0 without messages.
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
        """Whether ranges of UIDs overlap the changed messages."""
        return any(low <= self.high and self.low <= high for low, high in ranges)


class Notes:
    """Notes of an account's last change, by session state."""

    __slots__ = ("_modseq", "_notes")

    def __init__(self) -> None:
        self._modseq = ModSeq(0)
        self._notes: dict[Key, Told] = {}

    def find(self, key: Key) -> Told | None:
        """The note for a session in this state, or None."""
        return self._notes.get(key)

    def keep(self, key: Key, told: Told) -> None:
        """Keep a note for other sessions in the same state. Notes of other changes are dropped."""
        if self._modseq != told.modseq or len(self._notes) >= MAX_NOTES:
            self._modseq = told.modseq
            self._notes.clear()
        self._notes[key] = told
