"""A copy by IMAP as its user wants it, and its problems, reported once each and cut to a length."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from moxlite.operations.copies import CopyByImap, Event, Note
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account

MAX_TOLD: Final = 1_000
"""Problems that are reported; further ones are only counted."""

MAX_TEXT: Final = 500
"""Characters of a reported problem."""

MAX_NAME: Final = 200
"""Characters of a reported mailbox name."""


Tell: TypeAlias = Callable[[Event], Awaitable[None]]
"""Takes events while the copy runs."""


class Transfer(msgspec.Struct, frozen=True):
    """Mail to be copied between an account and another server, whatever the direction. `tmp`: folder for temporary
    files.
    """

    account: Account
    accounts: Accounts
    order: CopyByImap
    tell: Tell
    tmp: Path


class Problems:
    """Reports problems of a copy, each once. Texts are cut, because the other server chooses their length.

    Attributes:
      count: different ones. reports: all, also those that were reported before.
      refused: messages that the other server did not give, each time.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._told: set[str] = set()
        self.count = self.reports = self.refused = 0

    async def add(self, text: str) -> None:
        """Report a problem, unless it was reported before. Beyond `MAX_TOLD` problems, they are only counted."""
        self.reports += 1
        if len(text) > MAX_TEXT:
            text = text[:MAX_TEXT]
        if text in self._told:
            return
        self.count += 1
        if len(self._told) < MAX_TOLD:
            self._told.add(text)
            await self._tell(Note(text))

    async def remark(self, text: str) -> None:
        """Report something that needs no action, once."""
        text = text[:MAX_TEXT]
        if text not in self._told and len(self._told) < MAX_TOLD:
            self._told.add(text)
            await self._tell(Note(text, problem=False))


def shown(name: str) -> str:
    """The name of a mailbox, cut to the length that is reported."""
    return name if len(name) <= MAX_NAME else name[:MAX_NAME] + "…"
