"""Limits on messages that are shown or sent to browsers at the same time, per account, so that many requests of one
account do not take the memory of all (WEBMAIL-109d).
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Final

from moxlite.sandbox.turns import Turns
from moxlite.web.errors import Unavailable

AT_ONCE: Final = 4
"""Requests of an account that run at once, for each of the two kinds. A browser sends at most six requests at once, one
of which is the stream.
"""

WAITING: Final = 200
"""Requests of one account that may wait; each is an idle connection."""

FILES: Final = 2
"""Files of contacts or events that are read at once, of different accounts: one of 20 MiB takes 300 MB at worst."""

FILE_SECONDS: Final = 120.0
"""Seconds for which such a file waits."""

SECONDS: Final = 20.0
"""Seconds that a request waits for its turn: four sandbox jobs that are killed take 5 s."""

ALL: Final = 10_000
"""Requests of all accounts: more than there are connections, because the limit is per account."""

RETRY_AFTER: Final = ("retry-after", "5")
SHOWN: Final = "Still loading 4 other messages. Try again when they're open."
TAKEN: Final = "Other files are being imported. Try again in a minute."
SENT: Final = "You're already downloading 4 files. Wait for one to finish, or cancel one."


class Views:
    """The running views of all accounts. Messages that are shown whole (text, HTML, parsed) and data that passes in
    blocks (raw messages, parts, archives) are counted separately, so that four long downloads do not keep their user
    from reading.
    """

    def __init__(self) -> None:
        self._shown = Turns(
            ALL, each=AT_ONCE, waiting=WAITING, seconds=SECONDS, error=lambda: Unavailable(SHOWN, RETRY_AFTER)
        )
        self._sent = Turns(
            ALL, each=AT_ONCE, waiting=WAITING, seconds=SECONDS, error=lambda: Unavailable(SENT, RETRY_AFTER)
        )
        self._taken = Turns(
            FILES, each=1, waiting=WAITING, seconds=FILE_SECONDS, error=lambda: Unavailable(TAKEN, RETRY_AFTER)
        )

    def shown(self, account: str) -> AbstractAsyncContextManager[None]:
        """Count a message that is shown to the account during the block. Raises Unavailable."""
        return self._shown.turn(account)

    def sent(self, account: str) -> AbstractAsyncContextManager[None]:
        """Count octets of a message that are sent to the account during the block. Raises Unavailable."""
        return self._sent.turn(account)

    def taken(self, account: str) -> AbstractAsyncContextManager[None]:
        """Count a file of contacts or events that is read for the account during the block. Raises Unavailable."""
        return self._taken.turn(account)
