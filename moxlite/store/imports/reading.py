"""The part of an import that runs in a worker thread: items of a source to batches of prepared messages.

It tracks the mailboxes of the import, assigns ids and positions, and decides which messages are left out. It writes
nothing but temporary files without a name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from moxlite.proto.mh import Sequences
from moxlite.proto.mime.headers import HeaderSection
from moxlite.store.accounts.access import allowed_flags
from moxlite.store.content.prepare import PreparedMessage, prepare_here
from moxlite.store.content.spool import Spool, SpoolSpace
from moxlite.store.errors import BadKeyword, BadMailboxName, BadMessage, ImportFailed
from moxlite.store.imports.items import (
    MAX_MEMBER,
    Folder,
    Item,
    Keywords,
    LabelUse,
    LeftOut,
    Mail,
    Problem,
    Problems,
    States,
)
from moxlite.store.imports.labels import Labels
from moxlite.store.mail.acl import RIGHTS
from moxlite.store.mail.labels import MAX_LABELS as MAX_NAMED, MAX_NAME, clean_name, free_keyword
from moxlite.store.mail.mailboxes import MAX_MAILBOXES
from moxlite.store.mail.staging import StagedMessage
from moxlite.store.mail.systemmailbox import KEPT
from moxlite.store.names import check_name, is_below
from moxlite.store.rows.mailboxes import MAX_PER_MAILBOX, MAX_PER_MESSAGE, check_keyword, join_keywords, parse_flags
from moxlite.store.types import Flag, SpecialUse
from moxlite.wording import counted

UNIT_MESSAGES: Final = 100
"""Messages in one unit: 10 ms, for which a delivery may have to wait; counts are sent after each unit (STORE-128)."""

UNIT_OCTETS: Final = 4 << 20
"""Octets of bodies after which a unit is full. The message that fills it may have as many again. Two batches are in
memory at a time.
"""

UNIT_SECONDS: Final = 1.0
"""Seconds after which a batch is handed over as it is: imports can be aborted soon, and slow ones show counts."""

MAX_SPELLINGS: Final = 20_000
"""Different keywords of one import: as many as 20 mailboxes may have."""

MAX_UNKNOWN: Final = 10_000
"""Folders whose letters wait for their file of keywords."""


MAX_LABELS: Final = 64 << 10
"""Octets of the field of Google's labels: `MAX_PER_MESSAGE` keywords, with room for encoded words."""

MAX_WORDS: Final = 1_000
"""Flags and keywords of a message that are parsed; `MAX_PER_MESSAGE` may be kept."""

MAX_REFUSED: Final = 1_000
"""Invalid mailbox names that are reported once each; further ones are reported with each message."""

LONGEST_REFUSED: Final = 2_000
"""Characters of an invalid name to remember. A label may have 65,536."""

MAX_REMEMBERED: Final = 8 << 20
"""Maximum characters of names of folders and keywords, each with `OVERHEAD`: 10,000 folders with names of 600 each."""

MAX_LABELLED: Final = 400_000
KEY: Final = 16
MAX_LABEL_FILES: Final = 10_000
"""Messages with Google's labels that are compared, octets of their hashes, and files: 60 MB."""

MAX_NAMED_FILES: Final = 3
MAX_NAMED_FILE: Final = 100
"""Files beside mail that are named as examples, and characters of a name."""

OVERHEAD: Final = 100
"""Characters added to the length of each remembered text, so that empty ones are bounded, too."""


EVERYTHING: Final = allowed_flags(RIGHTS)
"""All flags, and keywords."""


class ExistingState(msgspec.Struct, frozen=True):
    """State of the account before the import: keywords by mailbox, mailbox names by special use; `bodies` reads the
    hashes of a mailbox's bodies. `kept` is the name reserved for the system (IMAP-162), or "". `labels`: keywords of
    labels by name, in small letters.
    """

    keywords: dict[str, tuple[str, ...]]
    uses: dict[SpecialUse, str]
    bodies: Callable[[str], set[bytes]]
    kept: str = ""
    labels: Mapping[str, str] = msgspec.field(default_factory=dict)


class Box(msgspec.Struct):
    """A mailbox of the import: its keywords, the hashes of its bodies, the number of its messages so far."""

    number: int
    name: str
    keywords: set[str]
    bodies: set[bytes]
    messages: int = 0


class Batch(msgspec.Struct):
    """Messages for one unit, with problems and counts. `spool` belongs to a large message, the last of the batch.
    `asked`: labels to ask the user for, and `notes`, in the last batch.
    """

    staged: list[StagedMessage] = msgspec.field(default_factory=list)
    problems: Problems = msgspec.field(default_factory=Problems)
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    octets: int = 0
    spool: Spool | None = None
    asked: tuple[LabelUse, ...] = ()
    notes: list[str] = msgspec.field(default_factory=list)
    last: bool = False

    def close(self) -> None:
        """Close the spool. Idempotent."""
        if self.spool is not None:
            self.spool.close()


class _TooLong(Exception):
    """A message is longer than `MAX_MEMBER`."""


class _Folders:
    """Folders of the source: their numbers, and what letters in file names stand for: keywords (Maildir of Dovecot), or
    states by a message's number (MH).

    Attributes:
      waiting: folders with letters that no file has explained yet.
    """

    def __init__(self) -> None:
        self.waiting: set[str] = set()
        self._characters = 0
        self._numbers: dict[str, int] = {}
        self._letters: dict[str, dict[str, str] | Sequences] = {}

    def number(self, folder: str) -> int:
        """The number of a folder. Raises ImportFailed: there are too many folders."""
        if folder not in self._numbers:
            self._count(folder)
            self._numbers[folder] = len(self._numbers)
        return self._numbers[folder]

    def explain(self, folder: str, words: dict[str, str] | Sequences) -> None:
        """Note what letters stand for. Raises ImportFailed: it is too long."""
        if isinstance(words, Sequences):
            self._count(folder, *[""] * sum(map(len, words.ranges.values())))
        else:
            self._count(folder, *words.values())
        self._letters[folder] = words

    def words(self, folder: str) -> dict[str, str] | Sequences | None:
        """Meaning of letters, None if no file has explained them."""
        return self._letters.get(folder)

    def wait(self, folder: str) -> None:
        """Note that letters of the folder wait for a file of keywords. Raises ImportFailed."""
        if folder not in self.waiting and len(self.waiting) < MAX_UNKNOWN:
            self._count(folder)
            self.waiting.add(folder)

    def _count(self, *texts: str) -> None:
        """Count texts that are kept to the end of the import. Raises ImportFailed: they are too long."""
        self._characters += sum(map(len, texts)) + OVERHEAD * len(texts)
        if self._characters > MAX_REMEMBERED:
            raise ImportFailed("there are too many folders, or their names are too long")


class LabelledOnce:
    """Messages with Google's labels. A Takeout of chosen labels has an mbox for each, so a message with several of them
    is in several files, with all of its labels in each (Google's "archive_browser.html"). It's imported once.
    """

    def __init__(self) -> None:
        self._files: dict[bytes, int] = {}
        self._numbers: dict[str, int] = {}
        self._again = 0
        self._full = False

    def came_before(self, digest: bytes, file: str) -> bool:
        """Whether another file had the message; in one file, equal messages are several."""
        if not file:
            return False
        key = digest[:KEY]
        if key not in self._files:
            if len(self._files) >= MAX_LABELLED or len(self._numbers) >= MAX_LABEL_FILES:
                self._full = True
            else:
                self._files[key] = self._numbers.setdefault(file, len(self._numbers))
            return False
        again = self._files[key] != self._numbers.get(file)
        self._again += again
        return again

    @property
    def notes(self) -> list[str]:
        """Texts for the end of the import."""
        notes = []
        if self._again:
            count = counted(self._again, "message")
            notes.append(f"skipped {count} already imported from another Gmail label's file, with all labels")
        if self._full:
            notes.append(
                f"compared only {MAX_LABELLED} messages, so messages with several Gmail labels may exist twice"
            )
        return notes


class LeftOutFiles:
    """Files that programs keep beside mail: their number, and the first names."""

    def __init__(self) -> None:
        self._count = 0
        self._names: dict[str, None] = {}

    def add(self, name: str) -> None:
        """Count a file."""
        self._count += 1
        if len(self._names) < MAX_NAMED_FILES:
            self._names[name.rpartition("/")[2][:MAX_NAMED_FILE]] = None

    @property
    def notes(self) -> list[str]:
        """Texts for the end of the import."""
        if not self._count:
            return []
        return [f"skipped {counted(self._count, 'file')} without mail, for example {', '.join(self._names)}"]


class Summary:
    """Facts for the end of an import.

    Attributes:
      forbidden: messages whose flags or labels the user may not set.
    """

    def __init__(self) -> None:
        self.forbidden = 0
        self.labelled = LabelledOnce()
        self.left_out = LeftOutFiles()


class KeywordNames:
    """Keywords of an import.

    Attributes:
      spellings: stored form to spelling.
      names: of new labels of the webmail, by keyword.
    """

    def __init__(self, labels: Mapping[str, str]) -> None:
        """`labels`: as in `ExistingState`."""
        self.spellings: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self._room = MAX_NAMED - len(labels)
        self._keywords = dict(labels)
        self._taken = set(labels.values())

    def label(self, name: str, problems: Problems) -> str:
        """The keyword of a label. A name that is no keyword becomes one of the webmail's labels."""
        folded = name.casefold()
        if folded in self._keywords:
            return self._keywords[folded]
        try:
            keyword = name if check_keyword(name) not in self._taken else ""
        except BadKeyword:
            keyword = ""
        if not keyword:
            shown = clean_name(name) or "?"
            keyword = free_keyword(shown, self._taken)
            if len(shown) > MAX_NAME:
                problems.add(f"label {name!r} was shortened to {MAX_NAME} characters")
            if len(self.names) < self._room:
                self.names[keyword] = shown[:MAX_NAME].strip()
            else:
                problems.add(f"label {name!r} is shown as {keyword!r}: only {MAX_NAMED} labels can have such names")
        if len(self._keywords) < MAX_SPELLINGS:
            self._keywords[folded] = keyword
            self._taken.add(keyword.lower())
        return keyword


class ReadAhead:
    """Maker of batches. For one thread at a time; the event loop reads its attributes between two calls."""

    def __init__(
        self,
        items: Iterator[Item],
        existing: ExistingState,
        first_id: int,
        tmp: Path,
        space: SpoolSpace | None,
        *,
        skip_duplicates: bool,
        allowed: tuple[Flag, bool] = EVERYTHING,
        labels: Labels | None = None,
    ) -> None:
        """`allowed`: the flags that are set, and whether keywords are; others are left out. `labels`: what
        Google's labels mean, if the user has said so, or is to be asked.
        """
        self._spool = partial(Spool, tmp, space=space.share() if space is not None else None)
        self._items = items
        self._skip_duplicates = skip_duplicates
        self._allowed = allowed
        self._existing = existing
        self._next_id = first_id
        self._boxes: dict[str, Box] = {}
        self._refused: dict[str, int] = {}
        self._folders = _Folders()
        self._labels = labels or Labels()
        self.naming = KeywordNames(existing.labels)
        self._summary = Summary()

    @property
    def boxes(self) -> list[Box]:
        """All mailboxes found."""
        return list(self._boxes.values())

    @property
    def waiting(self) -> list[tuple[str, int]]:
        """Folders with letters that no file of keywords has explained, by name, with their numbers in
        `StagedMessage`.
        """
        return [(folder, self._folders.number(folder)) for folder in sorted(self._folders.waiting)]

    def next_batch(self) -> Batch:
        """Read the next batch. Raises ImportFailed, OSError."""
        # Each kind of item is noted in its own way, and a batch ends by time, number or size.
        batch = Batch()
        until = time.monotonic() + UNIT_SECONDS
        for item in self._items:
            match item:
                case Mail():
                    self._mail(item, batch)
                case Folder(mailbox):
                    box = self._box(mailbox, batch)
                    if box is not None:
                        batch.counts.setdefault(box.name, box.messages)
                case Keywords(folder, words) | States(folder, words):
                    self._folders.explain(folder, words)
                case LeftOut(name):
                    self._summary.left_out.add(name)
                case Problem(text):
                    batch.problems.add(text)
            full = len(batch.staged) >= UNIT_MESSAGES or batch.octets >= UNIT_OCTETS or batch.spool is not None
            if full or time.monotonic() > until:
                return batch
        self._end(batch)
        return batch

    def _end(self, batch: Batch) -> None:
        """Mark the last batch, and add what was counted over the whole import to its problems."""
        for name, messages in self._refused.items():
            if messages > 1:
                batch.problems.add(f"mailbox {name!r}: skipped {messages} messages")
        if forbidden := self._summary.forbidden:
            batch.problems.add(f"skipped flags or labels in {forbidden} messages because you can't set them here")
        if problem := self._labels.problem:
            batch.problems.add(problem)
        batch.asked = self._labels.asked
        batch.notes = [*self._summary.left_out.notes, *self._summary.labelled.notes]
        batch.last = True

    def meaning(self, folder: str, letters: str, problems: Problems) -> tuple[Flag, str]:
        """Flags and keywords of letters, as columns."""
        words = self._folders.words(folder) or {}
        if letters.isdigit():
            # A number in an MH folder. Without a file of states, as programs keep them elsewhere, all of it was read.
            states = words if isinstance(words, Sequences) else Sequences({})
            return self._flags(states.words(int(letters)), None, folder, problems)
        if isinstance(words, Sequences):
            words = {}
        unknown = [letter for letter in letters if letter not in words]
        if unknown:
            problems.add(f"{folder or 'top folder'}: no keyword for {', '.join(unknown)} in dovecot-keywords")
        return self._flags(tuple(words[letter] for letter in letters if letter in words), None, folder, problems)

    def _box(self, name: str, batch: Batch) -> Box | None:
        if name in self._refused:
            return None
        if name not in self._boxes:
            try:
                stored = check_name(name)
                kept = self._existing.kept
                if kept and (stored == kept or is_below(stored, kept)):
                    raise BadMailboxName(KEPT)
                if len(self._boxes) >= MAX_MAILBOXES:
                    raise BadMailboxName(f"you can import up to {MAX_MAILBOXES} folders")
            except BadMailboxName as error:
                batch.problems.add(f"skipped folder {name!r}: {error}")
                # Remembered, so that a mailbox with a thousand messages is two problems and not a thousand.
                if len(self._refused) < MAX_REFUSED and len(name) <= LONGEST_REFUSED:
                    self._refused[name] = 0
                return None
            else:
                if stored not in self._boxes:
                    bodies = self._existing.bodies(stored) if self._skip_duplicates else set[bytes]()
                    keywords = set(self._existing.keywords.get(stored, ()))
                    self._boxes[stored] = Box(len(self._boxes), stored, keywords, bodies)
                return self._boxes[stored]
        return self._boxes[name]

    def _mail(self, mail: Mail, batch: Batch) -> None:
        spool = self._spool()
        try:
            spool.fill(_limited(mail.pieces))
            prepared = prepare_here(spool, max_size=MAX_MEMBER)
        except _TooLong:
            # Read to its end, where the next message begins.
            for _ in mail.pieces:
                pass
            batch.problems.add(f"skipped {mail.place}: larger than {MAX_MEMBER} bytes")
        except BadMessage as error:
            batch.problems.add(f"skipped {mail.place}: {error}")
        else:
            self._place(mail, prepared, batch)
        finally:
            if batch.spool is not spool:
                spool.close()

    def _place(self, mail: Mail, prepared: PreparedMessage, batch: Batch) -> None:
        mailbox, words, labelled = self._filed(mail, prepared, batch)
        more, received = mail.ending() if mail.ending is not None else ((), None)
        words, received = (*words, *more), received if mail.received is None else mail.received
        box = self._box(mailbox, batch)
        if box is None:
            if mailbox in self._refused:
                self._refused[mailbox] += 1
            return
        if prepared.digest in box.bodies or (
            labelled and self._summary.labelled.came_before(prepared.digest, mail.file)
        ):
            return
        if self._skip_duplicates:
            box.bodies.add(prepared.digest)
        flags, keywords = self._flags(words, box, mail.place, batch.problems)
        letters = mail.letters
        if letters and self._folders.words(mail.folder) is not None:
            by_letters, keywords = self.meaning(mail.folder, letters, batch.problems)
            flags, letters = flags | by_letters, ""
        elif letters:
            self._folders.wait(mail.folder)
        received = prepared.date if received is None else received
        box.messages += 1
        batch.staged.append(
            StagedMessage(
                self._next_id,
                prepared,
                box.number,
                box.messages,
                self._folders.number(mail.folder),
                letters,
                time.time_ns() // 1000 if received is None else received,
                mail.offset,
                flags,
                keywords,
                mail.origin,
            )
        )
        batch.counts[box.name] = box.messages
        batch.octets += prepared.size
        self._next_id += 1
        if prepared.chunks is None:
            batch.spool = prepared.spool

    def _filed(self, mail: Mail, prepared: PreparedMessage, batch: Batch) -> tuple[str, tuple[str, ...], bool]:
        """Mailbox and words of a message: by its place in the source, or by Gmail's labels; and whether it has any."""
        header = HeaderSection(prepared.header) if mail.labels else None
        value = header.text(b"x-gmail-labels") if header is not None else b""
        if header is None or not value:
            return mail.mailbox, mail.words, False
        if len(value) > MAX_LABELS:
            batch.problems.add(f"{mail.place}: skipped labels after {MAX_LABELS} bytes")
        labelled = self._labels.read(value[:MAX_LABELS], header)
        words = (*labelled.words, *[self.naming.label(name, batch.problems) for name in labelled.labels])
        mailbox = labelled.mailbox if labelled.use is None else self._existing.uses[labelled.use]
        return mailbox, words, True

    def _flags(self, words: tuple[str, ...], box: Box | None, place: str, problems: Problems) -> tuple[Flag, str]:
        """Flags, and keywords in the format of their column; invalid words become problems."""
        flags, stored = Flag(0), set[str]()
        forbidden = False
        if len(words) > MAX_WORDS:
            problems.add(f"{place}: skipped {len(words) - MAX_WORDS} keywords because there are too many")
        for word in words[:MAX_WORDS]:
            try:
                bits, keywords = parse_flags([word])
            except BadKeyword:
                problems.add(f"{place}: skipped keyword {word[:80]!r} because it isn't valid")
                continue
            forbidden |= bool(bits & ~self._allowed[0]) or (bool(keywords) and not self._allowed[1])
            flags |= bits & self._allowed[0]
            for keyword in keywords if self._allowed[1] else ():
                lower = keyword.lower()
                if not self._room(lower, stored, box):
                    problems.add(f"{place}: skipped keyword {keyword!r} because there are too many")
                    continue
                self.naming.spellings.setdefault(lower, keyword)
                stored.add(lower)
                if box is not None:
                    box.keywords.add(lower)
        self._summary.forbidden += forbidden
        return flags, join_keywords(stored)

    def _room(self, keyword: str, stored: set[str], box: Box | None) -> bool:
        if box is not None and keyword not in box.keywords and len(box.keywords) >= MAX_PER_MAILBOX:
            return False
        if keyword not in self.naming.spellings and len(self.naming.spellings) >= MAX_SPELLINGS:
            return False
        return len(stored) < MAX_PER_MESSAGE


def _limited(pieces: Iterator[bytes]) -> Iterator[bytes]:
    left = MAX_MEMBER
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise _TooLong
        yield piece
