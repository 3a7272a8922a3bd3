"""The newest deliveries, log-ins and sends of this process, for the admin app's live view (WEB-88b).

Components note what happens; memory keeps the newest few hundred, without contents, subjects and credentials. A reader
asks by number and sleeps until there is more, so a slow one costs nothing but what it misses.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec
import trio

from moxlite.net.log import cid_var

MAX_KEPT: Final = 500
"""Happenings in memory, 0.5 MB at most; a page shows as many."""

MAX_TEXT: Final = 200
"""Characters of one text: strangers choose addresses, replies and names."""

Kind: TypeAlias = Literal["delivery", "login", "send"]
Outcome: TypeAlias = Literal["delivered", "junk", "waits", "refused", "accepted", "queued", "sent", "later", "failed"]


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery to an account, an attempt to log in, or a step of a message on its way out.

    Attributes:
      id: numbers from 1 since the start. at: µs UTC.
      outcome: of a delivery delivered, junk, waits or refused; of a log-in accepted or refused; of a send queued, sent,
        later or failed.
      account: "" if none is known. who: sender of the envelope, or name of the log-in. to: recipient, or protocol.
      remote: address of the client, or the host that took the message. text: reason or reply.
      cid: the connection, "" for none (`log_of`). message_id: of a delivered or queued message, "" without one.
      queue_id: of a message on its way out, else 0.
    """

    id: int = 0
    at: int = 0
    kind: Kind
    outcome: Outcome
    account: str = ""
    who: str = ""
    to: str = ""
    remote: str = ""
    text: str = ""
    cid: str = ""
    message_id: str = ""
    queue_id: int = 0


class ActivityPage(NamedTuple):
    """Happenings after a number, oldest first, and how many between are no longer kept."""

    found: list[Happening]
    missed: int


class Activity:
    """The newest happenings. For the event loop's thread alone. `clock` in seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._kept: deque[Happening] = deque(maxlen=MAX_KEPT)
        self._sleepers = trio.lowlevel.ParkingLot()
        self.last = 0

    def note(self, happening: Happening) -> None:
        """Keep what has happened now in the running task's connection; never waits."""
        self.last += 1
        cid = cid_var.get()
        texts = {name: _clip(getattr(happening, name)) for name in ("who", "to", "remote", "text", "message_id")}
        self._kept.append(
            msgspec.structs.replace(
                happening, id=self.last, at=round(self._clock() * 1e6), cid=f"{cid:x}" if cid else "", **texts
            )
        )
        self._sleepers.unpark_all()

    def after(self, number: int) -> ActivityPage:
        """Happenings after a number; all that are kept, for a number of an earlier start."""
        if number > self.last:
            number = 0
        new = self.last - number
        kept = min(new, len(self._kept))
        return ActivityPage(list(islice(self._kept, len(self._kept) - kept, None)), new - kept if number else 0)

    async def wait(self, number: int) -> None:
        """Sleep until something has happened after a number."""
        await trio.lowlevel.checkpoint()
        while self.last == number:
            await self._sleepers.park()


def _clip(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


activity: Final = Activity()
"""Happenings of this process."""
