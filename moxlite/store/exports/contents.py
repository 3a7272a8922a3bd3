"""Messages of a snapshot, page by page, in the formats of files (STORE-137, STORE-138)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from moxlite.proto.localform import IntoFile, fits_lf
from moxlite.proto.maildir import format_name
from moxlite.proto.mbox import from_line, write_message
from moxlite.proto.mime.types import decode_structure
from moxlite.store.content.body import Content, message_chunks
from moxlite.store.content.prepare import HEADER_LIMIT
from moxlite.store.file.arrays import int_array
from moxlite.store.file.transaction import Reader, Row
from moxlite.store.options import SECOND
from moxlite.store.rows.keywords import flag_words, split_keywords
from moxlite.store.rows.messages import flags_of_bits
from moxlite.store.types import BodyID

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
    return [_message(row, spelling) for row in r.rows(OF_MAILBOX, mailbox_id, after)]


def messages_of(r: Reader, ids: Sequence[int], spelling: dict[str, str]) -> list[Message]:
    """Messages by their ids, in this order, `PAGE` at most."""
    return [_message(row, spelling) for row in r.rows(OF_IDS, int_array(ids))]


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
