"""An export from its beginning to its end: one snapshot, streamed in bounded memory (STORE-135..139).

The export is one generator that runs slice by slice in a worker thread, on the connection that holds the snapshot. It
pauses until the receiver has taken the last slice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from moxlite.proto.localform import IntoFile, fits_lf
from moxlite.proto.maildir import KEYWORDS_FILE, MAX_KEYWORDS, format_keywords, format_name
from moxlite.proto.mbox import from_line, write_message
from moxlite.proto.mime.types import decode_structure
from moxlite.store.changelog.account import Account
from moxlite.store.content.body import Content, message_chunks
from moxlite.store.content.prepare import HEADER_LIMIT
from moxlite.store.errors import ChunkDamaged
from moxlite.store.exports.containers import Sink, make_sink
from moxlite.store.exports.items import Container, ExportFailed, ExportOrder, FileForm, file_names
from moxlite.store.file.transaction import Reader, Row, int_array
from moxlite.store.mail.systemmailbox import QUEUE, queue_mailbox
from moxlite.store.names import check_name, is_below
from moxlite.store.options import SECOND
from moxlite.store.rows.mailboxes import flag_words, mailboxes, spellings, split_keywords
from moxlite.store.rows.messages import flags_of_bits
from moxlite.store.types import BodyID, Mailbox

logger = logging.getLogger("moxlite.store.exports")

STEP_OCTETS: Final = 256 << 10
"""Octets of a slice, which are held in memory: 5 ms of a thread's work."""

STEP_SECONDS: Final = 0.2
"""Seconds after which a slice ends, maybe empty: the size of a large mbox is counted before it is written."""

ERRORS: Final = "errors.txt"
MAX_ERRORS: Final = 10_000
"""Maximum number of lines in `ERRORS`; a last line counts the further ones."""


class Export:
    """One export. `messages` counts messages written so far, `errors` messages and keywords that could not be."""

    def __init__(self, account: Account, order: ExportOrder, directory: Path) -> None:
        """`directory` is for temporary files, ``data/tmp``."""
        self._account = account
        self._order = order
        self._directory = directory
        self._reader: Reader | None = None
        self._lines: list[str] = []
        self._now = int(time.time())
        self.messages = 0
        self.errors = 0

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The octets of the container. Close it (``contextlib.aclosing``) when leaving early.

        Raises:
          ExportFailed: the mailbox does not exist or the order is not possible; before the first octet.
          ReadInterrupted, StorageBroken: the stream is incomplete.
        """
        order = self._order
        if order.container is Container.NONE and (
            order.form is not FileForm.MBOX or (order.ids is None and (not order.mailbox or order.recursive))
        ):
            raise ExportFailed(
                "without an archive, you can only export a single mbox file with one mailbox or selected messages"
            )
        # One snapshot for all: the letters of keywords, the sizes before the data and the data themselves must be of
        # the same moment.
        async with self._account.snapshot(op="export", patient=True) as snapshot:
            boxes = await snapshot.scan(self._mailboxes)
            with closing(make_sink(order.container, self._directory)) as sink:
                made = self._make(sink, boxes)
                ended = False
                while not ended:
                    data, ended = await snapshot.scan(partial(self._step, made))
                    if data:
                        yield data
        kv = {"account": self._account.name, "messages": self.messages, "errors": self.errors}
        logger.info("export ended", extra={"kv": kv})

    def _step(self, made: Iterator[bytes | None], r: Reader) -> tuple[bytes, bool]:
        """Make one slice, in a thread. Returns its octets, and whether it's the last one."""
        self._reader = r
        parts: list[bytes] = []
        octets, until = 0, time.monotonic() + STEP_SECONDS
        for piece in made:
            if piece:
                parts.append(piece)
                octets += len(piece)
            # Between two slices the thread is free for others, and a client that reads slowly holds none.
            if octets >= STEP_OCTETS or time.monotonic() > until:
                return b"".join(parts), False
        return b"".join(parts), True

    @property
    def _r(self) -> Reader:
        assert self._reader is not None
        return self._reader

    def _mailboxes(self, r: Reader) -> list[Mailbox]:
        if self._order.ids is not None:
            return []
        found = [box for box in mailboxes(r) if not box.system]
        if not self._order.mailbox:
            return found
        name = check_name(self._order.mailbox)
        found = [box for box in found if box.name == name or (self._order.recursive and is_below(box.name, name))]
        if not found or found[0].name != name:
            if queue_mailbox(r) is not None and name == QUEUE:
                raise ExportFailed(f"{name} shows queued messages and can't be exported")
            raise ExportFailed(f"folder not found: {name!r}")
        return found

    def _make(self, sink: Sink, boxes: list[Mailbox]) -> Iterator[bytes]:
        self._spelling = spellings(self._r)
        base = check_name(self._order.mailbox) if self._order.mailbox else ""
        if self._order.ids is not None:
            ids = self._order.ids
            yield from self._mailbox(sink, "selection", lambda: self._selected(ids), None)
        names = file_names([box.name for box in boxes], base)
        for box in boxes:
            yield from self._mailbox(sink, names[box.name], partial(self._all, box.id), box)
        # Last, as it tells of all files before it.
        if self._lines and self._order.container is not Container.NONE:
            if self.errors > len(self._lines):
                self._lines.append(f"and {self.errors - len(self._lines)} more")
            text = "".join(line + "\n" for line in self._lines).encode()
            yield from sink.file(ERRORS, self._now, lambda: iter([text]))
        yield from sink.finish()

    def _mailbox(
        self, sink: Sink, name: str, messages: Callable[[], Iterator[Message]], box: Mailbox | None
    ) -> Iterator[bytes]:
        if self._order.form is FileForm.MBOX:
            first = True

            def pieces() -> Iterator[bytes]:
                nonlocal first
                # A tar file asks for the octets twice, for their number and then for themselves; each message counts
                # once.
                counts, first = first, False
                yield from self._mbox(name, messages(), counts=counts)

            yield from sink.file(f"{name}.mbox", self._now, pieces)
            return
        yield from sink.folder(name, self._now)
        for folder in ("new", "cur", "tmp"):
            yield from sink.folder(f"{name}/{folder}", self._now)
        letters = self._letters(name, box)
        if letters:
            text = format_keywords(letters)
            yield from sink.file(f"{name}/{KEYWORDS_FILE}", self._now, lambda: iter([text]))
        for message in messages():
            yield from self._file(sink, name, message, letters)

    def _letters(self, name: str, box: Mailbox | None) -> dict[str, str]:
        if box is not None:
            words = words_in_use(self._r, box.id, self._spelling)
        else:
            found = {word for message in self._selected(self._order.ids or ()) for word in message.words}
            words = sorted(word for word in found if not word.startswith("\\"))
        for word in words[MAX_KEYWORDS:]:
            self._error(f"{name}: skipped keyword {word}: a Maildir can only have {MAX_KEYWORDS}")
        return {word: chr(ord("a") + number) for number, word in enumerate(words[:MAX_KEYWORDS])}

    def _file(self, sink: Sink, name: str, message: Message, letters: dict[str, str]) -> Iterator[bytes]:
        try:
            pieces, lf = loaded(self._r, message)
        except ChunkDamaged as error:
            self._error(f"{name}: message {message.id} (UID {message.uid}) can't be read: {error}")
            return
        self.messages += 1
        path = f"{name}/{maildir_name(message, letters)}"
        yield from sink.file(path, message.received // SECOND, lambda: maildir_pieces(self._r, message, pieces, lf=lf))

    def _mbox(self, name: str, messages: Iterator[Message], *, counts: bool) -> Iterator[bytes]:
        for message in messages:
            try:
                pieces, lf = loaded(self._r, message)
            except ChunkDamaged as error:
                if counts:
                    self._error(f"{name}: message {message.id} (UID {message.uid}) can't be read: {error}")
                continue
            if counts:
                self.messages += 1
                for word in message.words:
                    if "," in word:
                        self._error(
                            f"{name}: keyword {word} of message {message.id} has a comma, so it'll be read as two"
                        )
            yield from mbox_pieces(self._r, message, pieces, lf=lf)

    def _all(self, mailbox_id: int) -> Iterator[Message]:
        after = 0
        while page := message_page(self._r, mailbox_id, after, self._spelling):
            yield from page
            after = page[-1].uid

    def _selected(self, ids: tuple[int, ...]) -> Iterator[Message]:
        for start in range(0, len(ids), PAGE):
            yield from messages_of(self._r, ids[start : start + PAGE], self._spelling)

    def _error(self, text: str) -> None:
        self.errors += 1
        if len(self._lines) < MAX_ERRORS:
            self._lines.append(text)


# Messages of a snapshot, page by page, in the formats of files (STORE-137, STORE-138).


SEEN: Final = r"\Seen"

PAGE: Final = 100
"""Messages read at a time: rows, no bodies."""

IN_MEMORY: Final = 1 << 20
"""Octets up to which a message is kept between its check and its writing; a longer one is read again."""

_COLUMNS: Final = """
m.uid, m.id, m.received, m.flags, m.keywords, i.prefix, m.body_id, b.size, length(h.header), i.structure,
s.mailfrom, s.mailfrom_domain"""
_TABLES: Final = """
JOIN message_info i ON i.email_id = m.email_id JOIN body b ON b.id = m.body_id
JOIN message_header h ON h.email_id = m.email_id LEFT JOIN message_smtp s ON s.message_id = m.id"""
OF_MAILBOX: Final = f"""
SELECT {_COLUMNS} FROM message m {_TABLES} WHERE m.mailbox_id = ? AND m.uid > ? ORDER BY m.uid LIMIT {PAGE}"""  # noqa: S608 - constants, here and below
OF_IDS: Final = f"""
SELECT {_COLUMNS} FROM carray(?) c CROSS JOIN message m ON m.id = c.value {_TABLES} ORDER BY c.rowid"""  # noqa: S608
KEYWORDS_USED: Final = """
SELECT keywords, count(*) FROM message WHERE mailbox_id = ? AND keywords <> '' GROUP BY 1"""
FLAGS_USED: Final = "SELECT flags, count(*) FROM message WHERE mailbox_id = ? GROUP BY 1"


class Message(msgspec.Struct, frozen=True):
    """A message to be written. `words` are names of its flags and keywords; `section` octets of the header section."""

    uid: int
    id: int
    received: int
    words: tuple[str, ...]
    content: Content
    section: int
    sender: str

    def pieces(self, r: Reader) -> Iterator[bytes]:
        """The octets of the message. Raises ChunkDamaged."""
        return message_chunks(r, self.content)


def message_page(r: Reader, mailbox_id: int, after: int, spelling: dict[str, str]) -> list[Message]:
    """The next messages of a mailbox, by UID."""
    return [_message(row, spelling) for row in r.iterate(OF_MAILBOX, mailbox_id, after)]


def messages_of(r: Reader, ids: Sequence[int], spelling: dict[str, str]) -> list[Message]:
    """Messages by their ids, in this order, `PAGE` at most."""
    return [_message(row, spelling) for row in r.iterate(OF_IDS, int_array(ids))]


def _message(row: Row, spelling: dict[str, str]) -> Message:
    uid, message_id, received, bits, keywords, prefix, body_id, size, header, structure, mailfrom, domain = row
    words = flag_words(flags_of_bits(bits), split_keywords(keywords), spelling)
    section = header if header < HEADER_LIMIT else decode_structure(structure).root.body
    sender = f"{mailfrom}@{domain}" if mailfrom and domain else ""
    return Message(uid, message_id, received, tuple(words), Content(prefix, BodyID(body_id), size), section, sender)


def words_in_use(r: Reader, mailbox_id: int, spelling: dict[str, str]) -> list[str]:
    """The flags and keywords in a mailbox that need a letter in a Maildir, the most used first."""
    counts: dict[str, int] = {}
    for column, count in r.rows(KEYWORDS_USED, mailbox_id):
        for stored in split_keywords(column):
            keyword = spelling.get(stored) or stored
            counts[keyword] = counts.get(keyword, 0) + count
    for bits, count in r.rows(FLAGS_USED, mailbox_id):
        for word in flag_words(flags_of_bits(bits)):
            if not word.startswith("\\"):  # $Forwarded has one, which Dovecot does not know
                counts[word] = counts.get(word, 0) + count
    return sorted(counts, key=lambda word: (-counts[word], word))


def loaded(r: Reader, message: Message) -> tuple[list[bytes] | None, bool]:
    """The octets of a message, None beyond `IN_MEMORY`, and whether they may be written with LF (`fits_lf`). Reads, and
    so checks, all chunks. Raises ChunkDamaged.
    """
    # Checked as a whole before its first octet is written: the header of its file, once it is out, cannot be taken
    # back.
    if message.content.size > IN_MEMORY:
        return None, fits_lf(message.pieces(r))
    pieces = list(message.pieces(r))
    return pieces, fits_lf(pieces)


def maildir_name(message: Message, letters: dict[str, str]) -> str:
    """The path of a message's file in its Maildir."""
    name = format_name(f"{message.received // SECOND}.{message.id}.moxlite", message.words, letters)
    return f"{'cur' if SEEN in message.words else 'new'}/{name}"


def maildir_pieces(r: Reader, message: Message, pieces: list[bytes] | None, *, lf: bool) -> Iterator[bytes]:
    """The octets of a message's file in a Maildir, with LF if `lf`."""
    source = message.pieces(r) if pieces is None else iter(pieces)
    if not lf:
        yield from source
        return
    lines = IntoFile()
    for piece in source:
        if data := lines.feed(piece):
            yield data
    if data := lines.finish():
        yield data


def mbox_pieces(r: Reader, message: Message, pieces: list[bytes] | None, *, lf: bool) -> Iterator[bytes]:
    """The octets of a message in an mbox, with its "From " line, and with LF if `lf`."""
    return write_message(
        message.pieces(r) if pieces is None else iter(pieces),
        message.section,
        separator=from_line(message.sender, message.received),
        words=message.words,
        lf=lf,
    )
