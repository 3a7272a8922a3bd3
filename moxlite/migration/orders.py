"""What a copy by IMAP is asked for, and what it tells. Nothing heavy is imported here: the command line uses it too."""

from collections.abc import Awaitable, Callable
from typing import Final, Literal

import msgspec

__all__ = ["Copied", "CopyByImap", "Event", "MailboxPlan", "MailboxStep", "Note", "Problems", "Tell", "shown"]


MAX_TOLD: Final = 1_000
"""Problems that are told."""

MAX_TEXT: Final = 500
"""Characters of a problem."""

MAX_NAME: Final = 200
"""Characters of a mailbox name that are told."""


class CopyByImap(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``imap import`` and ``imap export``.

    Attributes:
      host, port, tls: the other server; port 0 is the usual one.
      user: there, with a `password` or a `token` of OAuth 2.
      maps: pairs of a mailbox at the source and its name at the target; what lies below moves with it.
      excludes: patterns of mailboxes at the source that are left out with all below; ``*`` and ``%`` as in LIST.
      prefix: a mailbox at the target below which all are put.
      since: µs UTC; messages received before are left out.
      dry_run: only tell what there is to do.
      continuous: an import goes on until it is ended.
      delete: an import removes here what was removed there.
    """

    account: str
    host: str
    user: str
    port: int = 0
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    password: str = ""
    token: str = ""
    maps: list[tuple[str, str]] = []
    excludes: list[str] = []
    prefix: str = ""
    since: int | None = None
    dry_run: bool = False
    continuous: bool = False
    delete: bool = False

    def __repr__(self) -> str:
        """Without what is secret."""
        return f"CopyByImap(account={self.account!r}, host={self.host!r}, user={self.user!r})"


class MailboxPlan(msgspec.Struct, frozen=True, tag="plan"):
    """A mailbox is to be copied: its name at source and target, and how many messages of all there are new."""

    source: str
    target: str
    messages: int
    new: int


class MailboxStep(msgspec.Struct, frozen=True, tag="step"):
    """How far a mailbox is: messages `done` of `total`, and `seconds` that all mailboxes will take yet, by the speed so
    far; -1 when that cannot be told.
    """

    mailbox: str
    done: int
    total: int
    seconds: int = -1


class Note(msgspec.Struct, frozen=True, tag="note"):
    """Something was left out (`problem`), or happened."""

    text: str
    problem: bool = True


Event = MailboxPlan | MailboxStep | Note

Tell = Callable[[Event], Awaitable[None]]
"""Takes what happens while it happens."""


class Copied(msgspec.Struct, frozen=True):
    """What was copied: new messages, messages whose flags were carried over, messages removed, mailboxes looked at, and
    problems.
    """

    messages: int
    flags: int
    removed: int
    mailboxes: int
    problems: int


class Problems:
    """What is left out of a copy: told once, and cut, for another server chooses the words."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._told: set[str] = set()
        self.count = 0

    async def add(self, text: str) -> None:
        """One more, unless it was told before; of many only the number grows."""
        text = text[:MAX_TEXT]
        if text in self._told:
            return
        self.count += 1
        if len(self._told) < MAX_TOLD:
            self._told.add(text)
            await self._tell(Note(text))


def shown(name: str) -> str:
    """The name of a mailbox, as short as it is told."""
    return name if len(name) <= MAX_NAME else name[:MAX_NAME] + "…"
