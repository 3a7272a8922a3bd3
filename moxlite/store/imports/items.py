"""What an import is asked for, and what its source yields: values without I/O."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Final, TypeAlias

import msgspec

from moxlite.store.mail.remotes import Origin

__all__ = ["MAX_MEMBER", "MAX_PROBLEMS", "Folder", "Form", "Item", "Keywords", "Mail", "Order", "Problem", "Problems"]

MAX_MEMBER: Final = 100 << 20
"""Octets of one message (STORE-150, STORE-156)."""


MAX_PROBLEMS: Final = 1_000
"""Problems whose texts are kept, and told; behind them only their number grows."""

MAX_TEXT: Final = 500
"""Characters of a problem: it names a file of the archive."""


class Form(Enum):
    """What the octets of an import are."""

    MBOX = "mbox"
    TAR = "tar"
    """A tar file without compression: how the command line sends a folder."""
    ARCHIVE = "archive"
    """A zip or tar.gz file, by its first octets."""
    MESSAGE = "message"
    """One message, as ``.eml`` files have it."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be imported from files.

    Attributes:
      form: of the octets.
      mailbox: where messages without a folder of their own go: all of an mbox, the top of a Maildir.
      prefix: cut off the names of folders (``skip_mailbox_prefix``).
      labels: in an mbox, too, Google's labels name mailboxes, instead of `mailbox` (STORE-194).
      skip_duplicates: leave out messages whose body the mailbox has already.
      dry_run: only count, and find problems.
      max_size: octets, unpacked, at most (STORE-156).
    """

    form: Form
    mailbox: str = "Inbox"
    prefix: str = ""
    labels: bool = False
    skip_duplicates: bool = False
    dry_run: bool = False
    max_size: int = 50 << 30


class Folder(msgspec.Struct, frozen=True):
    """There is a mailbox, maybe without messages."""

    mailbox: str


class Mail(msgspec.Struct, frozen=True):
    """A message. `pieces` are its octets, to be taken before the next item.

    Attributes:
      place: where it was found, for problems.
      received: µs UTC, None: by its Date field, else now; `offset` in minutes east of UTC.
      words: names of flags and keywords as found.
      folder: name of the folder whose file of keywords explains `letters`.
      labels: how Google named its mailboxes, to be used instead of `mailbox`; "" for none.
      origin: the message of another server that this is, noted with it (IMAP-138).
    """

    mailbox: str
    place: str
    pieces: Iterator[bytes]
    received: int | None = None
    offset: int = 0
    words: tuple[str, ...] = ()
    folder: str = ""
    letters: str = ""
    labels: bool = False
    origin: Origin | None = None


class Keywords(msgspec.Struct, frozen=True):
    """A folder's letters, each with its flag or keyword."""

    folder: str
    words: dict[str, str]


class Problem(msgspec.Struct, frozen=True):
    """Something was left out; the text says what and where."""

    text: str


class Problems:
    """What was left out: texts up to a limit, and how many problems there are in all."""

    __slots__ = ("count", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.count = 0

    def add(self, text: str) -> bool:
        """Note one; whether its text is kept."""
        self.count += 1
        if len(self.texts) >= MAX_PROBLEMS:
            return False
        self.texts.append(text[:MAX_TEXT])
        return True

    def take(self, more: Problems) -> None:
        """Note those of a part."""
        self.texts += more.texts[: MAX_PROBLEMS - len(self.texts)]
        self.count += more.count


Item: TypeAlias = Folder | Mail | Keywords | Problem
