"""Messages that are shown or sent to browsers at the same time: few for each account, so that no one's many requests
take the memory of all (WEBMAIL-109d).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from moxlite.sandbox.turns import TooManyWaiting, Turns
from moxlite.web.errors import Unavailable

__all__ = ["Views"]

AT_ONCE: Final = 4
"""Of an account, of each of the two kinds; a browser asks for six things at once, one of which is the stream."""

WAITING: Final = 200
"""Requests of one account that wait; each is a connection that does nothing."""

SECONDS: Final = 20.0
"""For a view to begin: four that are killed take 5 s."""

ALL: Final = 10_000
"""More than there are connections: the limit is by account."""

RETRY_AFTER: Final = ("retry-after", "5")
SHOWN: Final = "Four messages are being shown to you already; try again when they are there."
SENT: Final = "Four files are being sent to you already; wait until one of them is there, or end it."


class Views:
    """The views of all accounts. What is shown whole (text, HTML, parsed messages) and what passes through in blocks
    (raw messages, parts, archives) are counted apart: four long downloads must not keep their user from reading.
    """

    def __init__(self) -> None:
        self._shown = Turns(ALL, each=AT_ONCE, waiting=WAITING, seconds=SECONDS)
        self._sent = Turns(ALL, each=AT_ONCE, waiting=WAITING, seconds=SECONDS)

    @asynccontextmanager
    async def shown(self, account: str) -> AsyncIterator[None]:
        """A message is shown to the account during the block. Raises Unavailable."""
        try:
            async with self._shown.turn(account):
                yield
        except TooManyWaiting:
            raise Unavailable(SHOWN, RETRY_AFTER) from None

    @asynccontextmanager
    async def sent(self, account: str) -> AsyncIterator[None]:
        """Octets of a message are sent to the account during the block. Raises Unavailable."""
        try:
            async with self._sent.turn(account):
                yield
        except TooManyWaiting:
            raise Unavailable(SENT, RETRY_AFTER) from None
