"""The order of an import, and the items that its source yields: values without I/O."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from enum import Enum
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

import msgspec
import trio

from moxlite.proto.mh import Sequences
from moxlite.store.mail.remotes import Origin
from moxlite.store.types import MailboxID, Meaning

if TYPE_CHECKING:
    from moxlite.store.changelog.account import Account

MAX_MEMBER: Final = 100 << 20
"""Octets of one message (STORE-150, STORE-156)."""


MAX_PROBLEMS: Final = 1_000
"""Problems whose texts are kept and shown; further ones are only counted."""

MAX_TEXT: Final = 500
"""Characters of a problem. It's limited because it names a file of the archive."""


PST: Final = (
    "this is an Outlook data file (.pst); convert it with readpst (package pst-utils), then import the"
    " folder: readpst -e -o FOLDER FILE.pst"
)
DBOX: Final = (
    "this is a Dovecot mdbox or sdbox; convert it to a Maildir with Dovecot, then import the Maildir: doveadm"
    " -o mail_location=mdbox:STORE backup -u USER maildir:MAILDIR"
)
"""Ways out for formats that only their own programs read."""

DBOX_FOLDERS: Final = ("dbox-Mails", "storage")
"""Folders of messages in Dovecot's stores."""


class Form(Enum):
    """Format of an import's octets."""

    MBOX = "mbox"
    TAR = "tar"
    """A tar file without compression, in which the command line sends a folder."""
    ARCHIVE = "archive"
    """A zip or tar.gz file, by its first octets."""
    MESSAGE = "message"
    """One message, as ``.eml`` files have it."""
    EMLX = "emlx"
    """One message, as Apple Mail keeps it."""


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
      meanings: the user's answers by label: the meaning of Google's labels. They're part of the order because a server
        that stops undoes the import.
      skip_duplicates: skip messages whose body is already in the mailbox.
      dry_run: only count messages and find problems.
      max_size: maximum of unpacked octets (STORE-156).
      parts: the files that make up the octets, or () for a single file.
      into: the target that the user chose, or None if only `mailbox` names it.
    """

    form: Form
    mailbox: str = "Inbox"
    prefix: str = ""
    labels: bool = False
    meanings: Mapping[str, Meaning] = msgspec.field(default_factory=dict)
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
      folder: name of the folder whose file of keywords, or of states, explains `letters`.
      labels: use Google's labels in its header instead of `mailbox`.
      origin: its identity on the server it was copied from, stored with it (IMAP-138).
      file: the mbox that it is in, "" for a file of its own.
      ending: returns further words, and the time if `received` is None, once the octets were read.
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
    file: str = ""
    ending: Callable[[], tuple[tuple[str, ...], int | None]] | None = None


class Keywords(msgspec.Struct, frozen=True):
    """Map of a Maildir folder's letters to flags or keywords (``dovecot-keywords``)."""

    folder: str
    words: dict[str, str]


class States(msgspec.Struct, frozen=True):
    """States of an MH folder's messages (``.mh_sequences``), whose `letters` are their numbers."""

    folder: str
    sequences: Sequences


class GroupwareFile(msgspec.Struct, frozen=True):
    """A file of a calendar or of contacts in an archive of mail, as Google's Takeout has them; or a `picture` of so
    many octets, which may be a contact's photo.
    """

    name: str
    pieces: Iterator[bytes]
    picture: bool = False
    size: int = 0


class LeftOut(msgspec.Struct, frozen=True):
    """A file that programs keep beside mail. It's left out, and nothing is lost."""

    name: str


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


AddBeside: TypeAlias = "Callable[[Account, BinaryIO], Awaitable[Problems]]"
"""Adds the calendars and contacts of a .zip to an account; what cannot be added is in the result."""

Item: TypeAlias = Folder | Mail | Keywords | States | GroupwareFile | LeftOut | Problem


# State and events of an import, for listeners that may join at any time (STORE-128).
#
# There is no queue per listener: a `Progress` is the state of an import, and a listener reads the changes since its
# last call. A listener that joins late, or again, gets all counts, problems and the end; a slow one skips older
# counts.


class Count(msgspec.Struct, frozen=True, tag="count"):
    """Number of messages found for a mailbox so far."""

    mailbox: str
    count: int


class Trouble(msgspec.Struct, frozen=True, tag="problem"):
    """Something is left out of the import."""

    text: str


class Note(msgspec.Struct, frozen=True, tag="note"):
    """Number of files that aren't mail, or of messages that the source has twice: nothing is lost."""

    text: str


class LabelUse(msgspec.Struct, frozen=True):
    """A label of an archive: the number of messages with it, of these the ones that the owner sent, and those that were
    delivered to the owner; and its meaning: the user's answer, else a proposal.
    """

    name: str
    messages: int
    own: int
    delivered: int
    meaning: Meaning


class LabelQuestion(msgspec.Struct, frozen=True, tag="asked"):
    """At the end of a trial: Google's labels are in no known language, and the user is asked what they mean."""

    labels: tuple[LabelUse, ...]


class Step(msgspec.Struct, frozen=True, tag="step"):
    """Beginning of a part of the work: ``reading``, ``finishing``."""

    title: str


class Share(msgspec.Struct, frozen=True, tag="share"):
    """The percentage of the step that is done; not told where it isn't known."""

    percent: int


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The import is complete: messages and problems in all. Nothing was stored if it was a dry run. The ids of the
    messages follow each other from `first_id`.
    """

    messages: int
    problems: int
    dry_run: bool
    first_id: int = 0


class Aborted(msgspec.Struct, frozen=True, tag="aborted"):
    """The import has ended and changed nothing; the text is for the user, who may have `stopped` it."""

    text: str
    stopped: bool = False


Event: TypeAlias = Count | Trouble | Note | LabelQuestion | Step | Share | Done | Aborted


class Progress:
    """The state of one import. For the event loop's thread only."""

    def __init__(self, token: bytes, account: str) -> None:
        self.token: Final = token
        self.account: Final = account
        self.counts: dict[str, int] = {}
        self._problems = Problems()
        self.notes: list[str] = []
        self.asked: tuple[LabelUse, ...] = ()
        self.step = ""
        self.percent = 0
        """How much of the step is done; 0 if that isn't known."""
        self.end: Done | Aborted | None = None
        self.ended = 0.0
        """Time of the end, by the clock of Trio."""
        self._lot = trio.lowlevel.ParkingLot()
        self.version = 0
        """Rises with each change."""

    @property
    def messages(self) -> int:
        """Messages so far."""
        return sum(self.counts.values())

    @property
    def problems(self) -> list[str]:
        """The texts of problems, as far as they are kept."""
        return self._problems.texts

    @property
    def problem_count(self) -> int:
        """Problems in all."""
        return self._problems.count

    def count(self, counts: dict[str, int]) -> None:
        """Set the counts of some mailboxes."""
        self.counts.update(counts)
        self._tell()

    def problem(self, text: str) -> None:
        """Add a problem."""
        if self._problems.add(text):
            self._tell()

    def left_out(self, problems: Problems) -> None:
        """Add the problems of a part."""
        if problems.count:
            self._problems.take(problems)
            self._tell()

    def note(self, text: str) -> None:
        """Add a note: few, as each is about all files of a kind."""
        self.notes.append(text[:MAX_TEXT])
        self._tell()

    def ask(self, labels: tuple[LabelUse, ...]) -> None:
        """Ask what labels mean."""
        self.asked = labels
        self._tell()

    def begin_step(self, title: str) -> None:
        """Announce another part of the work."""
        self.step = title
        self.percent = 0
        self._tell()

    def finished(self, done: int, total: int) -> None:
        """Set how much of the step is done."""
        percent = 100 * done // total
        if percent != self.percent:
            self.percent = percent
            self._tell()

    def finish(self, end: Done | Aborted) -> None:
        """Announce the end, the last event."""
        self.end = end
        self.ended = trio.current_time()
        self._tell()

    def listen(self) -> Listener:
        """Return a new listener, which gets all events from the beginning."""
        return Listener(self)

    async def subscribe(self) -> AsyncIterator[Event]:
        """Yield all events, past and future, to the end. Leaving early needs no cleanup."""
        listener = self.listen()
        while not listener.ended:
            for event in listener.take():
                yield event
            await listener.wait()

    async def wait(self, version: int) -> None:
        """Wait until something has changed since `version`."""
        while self.version == version:
            await self._lot.park()

    def _tell(self) -> None:
        self.version += 1
        self._lot.unpark_all()


class RunningImport(msgspec.Struct):
    """An import with the scope that aborts it; `user` began it; `final` once it cannot be aborted any more."""

    progress: Progress
    scope: trio.CancelScope
    user: str = ""
    final: bool = False


class Listener:
    """Reader of an import's events; it may stop waiting at any time, and go on later."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._version = -1
        self._told: dict[str, int] = {}
        self._problems = 0
        self._notes = 0
        self._step = ""
        self._percent = 0
        self._asked: tuple[LabelUse, ...] = ()
        self.ended = False
        """Whether the last event was taken."""

    def take(self) -> list[Event]:
        """Return the events since the last call; the end comes once, as the last one."""
        progress = self._progress
        if self.ended or self._version == progress.version:
            return []
        self._version = progress.version
        events: list[Event] = []
        if self._step != progress.step:
            self._step, self._percent = progress.step, 0
            events.append(Step(self._step))
        if self._percent != progress.percent:
            self._percent = progress.percent
            events.append(Share(self._percent))
        for mailbox, count in progress.counts.items():
            if self._told.get(mailbox) != count:
                self._told[mailbox] = count
                events.append(Count(mailbox, count))
        events += [Trouble(text) for text in progress.problems[self._problems :]]
        self._problems = len(progress.problems)
        events += [Note(text) for text in progress.notes[self._notes :]]
        self._notes = len(progress.notes)
        if self._asked != progress.asked:
            self._asked = progress.asked
            events.append(LabelQuestion(progress.asked))
        if progress.end is not None:
            self.ended = True
            events.append(progress.end)
        return events

    async def wait(self) -> None:
        """Wait until there is something to take; returns at once at the end."""
        if not self.ended:
            await self._progress.wait(self._version)


# An upload as a file, for the worker thread of an import.


class Upload(io.RawIOBase):
    """A file for a worker thread of Trio whose octets arrive in pieces on the event loop."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self._held = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Return at least one octet, none at the end; never more than `size` if it is given."""
        while not self._held and not self._ended:
            try:
                self._held = trio.from_thread.run(self._pieces.__anext__)
            except StopAsyncIteration:
                self._ended = True
        size = len(self._held) if size < 0 else size
        data, self._held = self._held[:size], self._held[size:]
        return data
