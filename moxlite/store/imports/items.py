"""The order of an import, and the items that its source yields: values without I/O."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Final, TypeAlias

import msgspec

from moxlite.store.mail.remotes import Origin
from moxlite.store.types import MailboxID

MAX_MEMBER: Final = 100 << 20
"""Octets of one message (STORE-150, STORE-156)."""


MAX_PROBLEMS: Final = 1_000
"""Problems whose texts are kept and shown; further ones are only counted."""

MAX_TEXT: Final = 500
"""Characters of a problem: it names a file of the archive."""


class Form(Enum):
    """Format of an import's octets."""

    MBOX = "mbox"
    TAR = "tar"
    """A tar file without compression, in which the command line sends a folder."""
    ARCHIVE = "archive"
    """A zip or tar.gz file, by its first octets."""
    MESSAGE = "message"
    """One message, as ``.eml`` files have it."""


class Part(msgspec.Struct, frozen=True):
    """One of several files whose octets follow each other in an import's file.

    Attributes:
      name: for texts of problems.
      form: None for a file that is not mail. Archives are left out: they are imported alone.
      start: offset of its first octet; `size` is in octets.
    """

    name: str
    form: Form | None
    start: int
    size: int


class Into(msgspec.Struct, frozen=True):
    """The mailbox that a user chose as the target. It must still exist when the messages appear.

    Attributes:
      mailbox_id: the mailbox `Order.mailbox` by its id.
      guest: account of the user if the mailbox is another user's, else "".
      rights: rights of the user there (RFC 4314). The import sets only the flags that they permit, and needs all of
        them at its end.
    """

    mailbox_id: MailboxID
    guest: str
    rights: str


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The order of an import from files.

    Attributes:
      form: format of the octets, or of each of `parts`.
      mailbox: target of messages without a folder of their own: all of an mbox, the top of a Maildir.
      prefix: cut off the names of folders (``skip_mailbox_prefix``).
      labels: use Google's labels instead of `mailbox` for an mbox or a single message, too (STORE-194).
      skip_duplicates: leave out messages whose body is in the mailbox already.
      dry_run: only count messages and find problems.
      max_size: maximum of unpacked octets (STORE-156).
      parts: the files that the octets consist of, () for one file.
      into: the user's choice of the target, None if the order names it only.
    """

    form: Form
    mailbox: str = "Inbox"
    prefix: str = ""
    labels: bool = False
    skip_duplicates: bool = False
    dry_run: bool = False
    max_size: int = 50 << 30
    parts: tuple[Part, ...] = ()
    into: Into | None = None


class Folder(msgspec.Struct, frozen=True):
    """A mailbox of the source, maybe without messages."""

    mailbox: str


class Mail(msgspec.Struct, frozen=True):
    """A message. `pieces` are its octets, to be read before the next item.

    Attributes:
      place: position in the source, for texts of problems.
      received: µs UTC; None: by its Date field, else now; `offset` in minutes east of UTC.
      words: names of flags and keywords as found.
      folder: name of the folder whose file of keywords explains `letters`.
      labels: use Google's labels in its header instead of `mailbox`.
      origin: its identity on the server it was copied from, stored with it (IMAP-138).
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
    """Map of a Maildir folder's letters to flags or keywords (``dovecot-keywords``)."""

    folder: str
    words: dict[str, str]


class Problem(msgspec.Struct, frozen=True):
    """Something was left out; the text says what and where."""

    text: str


class Problems:
    """Problems of an import: texts up to `MAX_PROBLEMS`, and the total number."""

    __slots__ = ("count", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.count = 0

    def add(self, text: str) -> bool:
        """Add a problem; returns whether its text is kept."""
        self.count += 1
        if len(self.texts) >= MAX_PROBLEMS:
            return False
        self.texts.append(text[:MAX_TEXT])
        return True

    def take(self, more: Problems) -> None:
        """Add the problems of a part."""
        self.texts += more.texts[: MAX_PROBLEMS - len(self.texts)]
        self.count += more.count


Item: TypeAlias = Folder | Mail | Keywords | Problem
