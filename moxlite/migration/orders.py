"""Options and events of a copy by IMAP. The command line loads this module, so it imports nothing heavy."""

from collections.abc import Awaitable, Callable
from typing import Final, Literal

import msgspec

MAX_TOLD: Final = 1_000
"""Problems that are reported; further ones are only counted."""

MAX_TEXT: Final = 500
"""Characters of a reported problem."""

MAX_NAME: Final = 200
"""Characters of a reported mailbox name."""


class CopyByImap(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``imap import`` and ``imap export``.

    Attributes:
      host, port, tls: the other server; port 0 means the default one.
      user: there, with a `password` or a `token` of OAuth 2.
      maps: pairs of a mailbox at the source and its name at the target; mailboxes below it move along.
      excludes: patterns of mailboxes at the source that are left out with all below; ``*`` and ``%`` as in LIST.
      leave_out: names of mailboxes at the source that are left out; mailboxes below them are not.
      prefix: a mailbox at the target below which all are put.
      since: µs UTC; messages received before are left out.
      dry_run: only report the work to do.
      continuous: an import goes on until it is ended.
      delete: an import removes messages here that were removed at the source.
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
    leave_out: list[str] = []
    prefix: str = ""
    since: int | None = None
    dry_run: bool = False
    continuous: bool = False
    delete: bool = False

    def __repr__(self) -> str:
        """Without secrets."""
        return f"CopyByImap(account={self.account!r}, host={self.host!r}, user={self.user!r})"


class MailboxPlan(msgspec.Struct, frozen=True, tag="plan"):
    """A mailbox to copy: its name at source and target, its number of messages, and how many of them are new."""

    source: str
    target: str
    messages: int
    new: int


class MailboxStep(msgspec.Struct, frozen=True, tag="step"):
    """Progress in a mailbox: messages `done` of `total`. `seconds`: estimated time until all mailboxes are copied, by
    the speed so far; -1 if unknown. `left`: messages of all mailboxes that are not looked at yet; -1 if unknown.
    """

    mailbox: str
    done: int
    total: int
    seconds: int = -1
    left: int = -1


class Note(msgspec.Struct, frozen=True, tag="note"):
    """A notice. `problem`: something was left out. The text may be `Worded`, which messages to other processes cannot
    have.
    """

    text: str
    problem: bool = True


Event = MailboxPlan | MailboxStep | Note

Tell = Callable[[Event], Awaitable[None]]
"""Takes events while the copy runs."""


class Copied(msgspec.Struct, frozen=True):
    """Result of a copy: numbers of new messages, of messages with changed flags, of removed messages, of mailboxes
    compared, and of problems.
    """

    messages: int
    flags: int
    removed: int
    mailboxes: int
    problems: int


class Problems:
    """Reports problems of a copy, each once. Texts are cut, because the other server chooses their length."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._told: set[str] = set()
        self.count = 0

    async def add(self, text: str) -> None:
        """Report a problem, unless it was reported before. Beyond `MAX_TOLD` problems, they are only counted."""
        if len(text) > MAX_TEXT:
            text = text[:MAX_TEXT]
        if text in self._told:
            return
        self.count += 1
        if len(self._told) < MAX_TOLD:
            self._told.add(text)
            await self._tell(Note(text))


def shown(name: str) -> str:
    """The name of a mailbox, cut to the length that is reported."""
    return name if len(name) <= MAX_NAME else name[:MAX_NAME] + "…"
