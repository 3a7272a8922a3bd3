"""The searchable text of a message, and its stored form (STORE-110, STORE-112, IMAP-121).

It is the decoded header section with the names of all parts below it, and the decoded body text, each folded, one after
the other as UTF-8 with a line feed between. Needles are searched as octets: in UTF-8 that finds the same places as a
search for characters.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import apsw
import msgspec
import zstandard

from moxlite.proto.mime.addresstext import address_text, address_words
from moxlite.proto.mime.headers import MAX_HEADER, HeaderSection
from moxlite.proto.mime.text import MAX_TEXT, body_text, fold, header_text
from moxlite.proto.mime.types import Part, Structure, decode_structure, file_names
from moxlite.store.content.body import CHUNK_SIZE, Content, compressed, read_content
from moxlite.store.content.prepare import HEADER_LIMIT
from moxlite.store.errors import ChunkDamaged, StoreError
from moxlite.store.file.transaction import Reader, Row, int_array, portions
from moxlite.store.mail.fetching import small_bodies

# Folded texts of header fields, by which SQL decides a search in these fields (STORE-110a, IMAP-121).
#
# The text index cannot tell fields apart, and gives up where a word is common. Then a table with nothing but these
# fields is read: a message costs a microsecond. Each text is such that a needle without a line feed is in it if, and
# only if, the test of the message finds it in that field.


MAX_VALUE: Final = 8192
"""Octets of a field, above which its text is not stored."""

MAX_STORED: Final = 4096
"""Characters of a stored text."""

MAX_LEAVES: Final = 200
"""Needles of one query: SQLite limits the depth of an expression to 1000."""

COLUMNS: Final = {"subject": "subject", "from": "sender", "to": "recipient", "cc": "cc", "bcc": "bcc"}
"""Names of fields, and their columns in table `field`."""

FieldTexts = tuple[str | None, str | None, str | None, str | None, str | None]
"""The texts of Subject, From, To, Cc and Bcc: "" without the field, None if the message itself must be read."""

NO_FIELDS: Final[FieldTexts] = (None, None, None, None, None)


class FieldQuery(msgspec.Struct, frozen=True):
    """A condition on a row of table `field`: an expression made of constants, and the values to bind. It is true,
    false, or NULL if the message itself must be read.
    """

    sql: str
    args: tuple[str, ...]


def in_field(field: str, needle: str) -> FieldQuery | None:
    """The folded needle is in the field; None if the table cannot tell."""
    column = COLUMNS.get(field.lower())
    if column is None or not needle or "\n" in needle or "\0" in needle or not _is_storable(needle):
        return None
    return FieldQuery(f"instr({column}, ?) > 0", (needle,))


def every(parts: Sequence[FieldQuery]) -> FieldQuery | None:
    """All of these hold; None for too many."""
    return _join(" AND ", parts)


def some(parts: Sequence[FieldQuery]) -> FieldQuery | None:
    """One of these holds; None for too many."""
    return _join(" OR ", parts)


def lacks(part: FieldQuery) -> FieldQuery:
    """This does not hold."""
    return FieldQuery(f"NOT ({part.sql})", part.args)


def field_texts(section: HeaderSection) -> FieldTexts:
    """The texts of a complete header section."""
    return (
        _fields_text(section, b"subject", addresses=False),
        _fields_text(section, b"from", addresses=True),
        _fields_text(section, b"to", addresses=True),
        _fields_text(section, b"cc", addresses=True),
        _fields_text(section, b"bcc", addresses=True),
    )


def _fields_text(section: HeaderSection, name: bytes, *, addresses: bool) -> str | None:
    found: list[str] = []
    for value in section.texts(name):
        if len(value) > MAX_VALUE:
            return None
        text = fold(section.decode(value))
        found.append(text)
        if addresses and (shown := address_text(value, section.hint)) not in text:
            # The test asks for each word in the field, too: a word that only the parsed address has finds nothing.
            if not all(word in text for word in address_words(shown)):
                return None
            found.append(shown)
    joined = "\n".join(found)
    return joined if len(joined) <= MAX_STORED and "\0" not in joined and _is_storable(joined) else None


def _is_storable(text: str) -> bool:
    """Whether SQLite can store it: lone surrogates, which broken UTF-7 gives, are no UTF-8."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _join(word: str, parts: Sequence[FieldQuery]) -> FieldQuery | None:
    args = tuple([value for part in parts for value in part.args])
    if not parts or len(args) > MAX_LEAVES:
        return None
    return FieldQuery(word.join(f"({part.sql})" for part in parts), args)


# Files of messages, by which SQL rules out messages in a search for files, or for their names (STORE-110b).
#
# Which parts are files, and how they're called, is decided by who shows the message. Here is what no such choice leaves
# out: all parts but texts that a page shows whole.


MAX_NAME: Final = 200
"""Octets of a name, above which pages may cut it."""

UNSAFE: Final = frozenset('/\\:*?"<>|')
"""Characters that no file name has where it's shown."""

TEXTS: Final = frozenset(
    {"text/plain", "text/html", "message/delivery-status", "message/global-delivery-status", "text/rfc822-headers"}
)
"""Types of parts that are shown as text."""

MAX_TEXTS: Final = 50
"""Texts of a message, above which some may be offered as files."""

MAX_SHOWN: Final = 1 << 20
"""Octets of all texts, likewise."""


class FileNames(msgspec.Struct, frozen=True, gc=False):
    """The folded names of parts that may be files, one a line; None if only the message itself can tell. `beside`:
    whether one of them may be beside the text, rather than a picture in it.
    """

    names: str | None
    beside: bool


ANY_FILES: Final = FileNames(None, True)
"""What is noted of a message that can't be told from its structure."""


def file_names_of(structure: Structure) -> FileNames | None:
    """The files of a message; None if it has none."""
    files: list[Part] = []
    texts: list[Part] = []
    beside = False
    stack = [(structure.root, False)]
    while stack:
        part, related = stack.pop()
        if part.type == "MULTIPART" or part.wrapped is not None:
            related = related or part.subtype == "RELATED"
            stack.extend((child, related) for child in reversed(part.children))
        elif part.media_type in TEXTS and not part.is_attachment and not part.defect:
            texts.append(part)
        else:
            files.append(part)
            beside = beside or not (related and part.is_picture and part.disposition != "ATTACHMENT")
    if len(texts) > MAX_TEXTS or sum(part.decoded for part in texts) > MAX_SHOWN:
        return ANY_FILES
    if not files:
        return None
    beside = beside or all(part.subtype != "HTML" for part in texts)
    names = [part.filename for part in files]
    return FileNames(fold("\n".join(names)) if all(map(_is_shown_as_it_is, names)) else None, beside)


def _is_shown_as_it_is(name: str) -> bool:
    """Whether a page shows the name unchanged, rather than a part of it or one that it makes."""
    plain = name.isprintable() and UNSAFE.isdisjoint(name) and name == name.strip(". ")
    return plain and 0 < len(name.encode()) <= MAX_NAME


MAX_INDEXED: Final = MAX_TEXT
"""Maximum octets of an indexed text (STORE-112); a message with a longer text is read by each search."""

CONTENT: Final = """
SELECT v.value, i.prefix, i.structure, h.header, b.id, b.size FROM carray(?) v
CROSS JOIN message m ON m.id = v.value
CROSS JOIN message_info i ON i.email_id = m.email_id
CROSS JOIN message_header h ON h.email_id = m.email_id
CROSS JOIN body b ON b.id = m.body_id"""


class IndexDamaged(StoreError):
    """The content of the index is inconsistent: it must be built anew."""


class Text(NamedTuple):
    """Folded text as UTF-8; the header's is the first `boundary` octets, the body's begins one after."""

    data: bytes
    boundary: int


class IndexedText(msgspec.Struct, frozen=True, gc=False):
    """Index data of a message.

    It has the text for trigrams, its boundary and its compressed form, all None for a message without a stored text;
    the texts of its fields; and its files.
    """

    message_id: int
    text: str | None
    boundary: int | None
    data: bytes | None
    fields: FieldTexts
    files: FileNames | None


def unreadable(message_id: int) -> IndexedText:
    """Index data of a message that can't be read: searches look into the message itself."""
    return IndexedText(message_id, None, None, None, NO_FIELDS, ANY_FILES)


class StoredText(NamedTuple):
    """The text of a message, None if it is damaged; whether it is complete, as a long one is cut by `body_text`; the
    header section that it was made of; and its files.
    """

    message_id: int
    text: Text | None
    whole: bool
    header: HeaderSection
    files: FileNames | None


class _Decoder(threading.local):
    """Decompressor of each thread, as it isn't thread-safe."""

    def __init__(self) -> None:
        self.zstd = zstandard.ZstdDecompressor()


_decoder: Final = _Decoder()


def texts_of(r: Reader, message_ids: Sequence[int]) -> Iterator[StoredText]:
    """The texts of the messages that exist."""
    for rows in portions(r.iterate(CONTENT, int_array(message_ids)), (2, 3)) if message_ids else ():
        yield from _texts_of(r, rows)


def _texts_of(r: Reader, rows: Sequence[Row]) -> Iterator[StoredText]:
    for start, stop in _groups([row[5] for row in rows]):
        small = {row[4]: row[5] for row in rows[start:stop] if row[5] <= CHUNK_SIZE}
        bodies = small_bodies(r, list(small.items()))
        for message_id, prefix, packed, header, body_id, size in rows[start:stop]:
            if r.interrupted:
                raise apsw.InterruptError("the read was canceled")
            read = _reader(r, Content(prefix, body_id, size), bodies)
            files: FileNames | None = ANY_FILES
            try:
                structure = decode_structure(packed)
                files = file_names_of(structure)
                if len(header) >= HEADER_LIMIT:
                    header = read(0, min(structure.root.body, MAX_HEADER))
                section = HeaderSection(header, hint=structure.root.hint)
                text, whole = _text(structure, section, read)
            except (ChunkDamaged, msgspec.DecodeError):
                yield StoredText(message_id, None, False, HeaderSection(b""), files)
            else:
                yield StoredText(message_id, text, whole, section, files)


def packed_texts(
    r: Reader, message_ids: Sequence[int], failed: Callable[[int, Exception], None]
) -> Iterator[IndexedText]:
    """Data to be stored in the index for the messages that exist, in their order. A message that cannot be read or
    parsed has no text, `failed` is called with its error, and the others go on.

    Raises errors of the whole file rather than of a row: IOError, NoMemError, InterruptError of APSW.
    """
    left = list(message_ids)
    size = len(left)  # messages read together
    while left:
        part, given = left[:size], 0
        try:
            for text in texts_of(r, part):
                yield _pack(text)
                given = part.index(text.message_id) + 1
        except Exception as error:
            if not _is_of_a_row(error):
                raise
            if size == 1:
                failed(part[0], error)
                yield unreadable(part[0])
            else:  # the faulty row is not known: from here on one by one
                size, part = 1, part[:given]
        left = left[len(part) :]


def _pack(stored_text: StoredText) -> IndexedText:
    message_id, text, whole, header, files = stored_text
    fields = NO_FIELDS if text is None else field_texts(header)
    if text is None or not whole:
        return IndexedText(message_id, None, None, None, fields, files)
    # With its checksum: nothing else in this file detects a bit that the disk has changed.
    return IndexedText(message_id, indexed(text.data), text.boundary, compressed(text.data), fields, files)


def indexed(data: bytes) -> str:
    """The text for the trigrams. SQLite does not store lone surrogates, which broken UTF-7 gives, and its tokeniser
    skips NUL: no query has either. The last characters, too, are to begin a sequence of three.
    """
    return data.decode("utf-8", "replace").replace("\0", "\ufffd") + "\n"


def _is_of_a_row(error: Exception) -> bool:
    """Whether an error concerns one row only: a damaged page, or a bug of ours with its content."""
    return isinstance(error, apsw.CorruptError) or not isinstance(error, apsw.Error | MemoryError)


def unpack(boundary: int, data: bytes, tail: bytes | None) -> Text:
    """Unpack a stored text, whose last octets may be in a row of their own (`tails`). Raises IndexDamaged."""
    try:
        if tail is not None:
            data += tail
        if zstandard.frame_content_size(data) > MAX_INDEXED:
            raise IndexDamaged("stored text is too long")
        return Text(_decoder.zstd.decompress(data), boundary)
    except zstandard.ZstdError as error:
        raise IndexDamaged(f"stored text is damaged: {error}") from error


def _text(structure: Structure, header: HeaderSection, read: Callable[[int, int], bytes]) -> tuple[Text, bool]:
    """The text, and whether it is complete."""
    head = fold("\n".join([header_text(header), *file_names(structure)])).encode("utf-8", "surrogatepass")
    body = body_text(structure, read)
    data = b"%b\n%b" % (head, fold(body).encode("utf-8", "surrogatepass"))
    return Text(data, len(head)), len(body) < MAX_TEXT and len(data) <= MAX_INDEXED


def _groups(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield bounds of slices whose small bodies are read together, up to `CHUNK_SIZE` octets."""
    start = octets = 0
    for position, size in enumerate(sizes):
        size = size if size <= CHUNK_SIZE else 0
        if position > start and octets + size > CHUNK_SIZE:
            yield start, position
            start, octets = position, 0
        octets += size
    if len(sizes) > start:
        yield start, len(sizes)


def _reader(r: Reader, content: Content, bodies: dict[int, bytes]) -> Callable[[int, int], bytes]:
    """Return a function that reads ranges of a message; a small body is taken from `bodies`."""
    if content.body_size > CHUNK_SIZE:
        return lambda start, end: read_content(r, content, start, end - start)
    body = bodies.get(content.body_id)

    def read(start: int, end: int) -> bytes:
        if body is None:
            raise ChunkDamaged(f"can't read body {content.body_id}")
        return (content.prefix + body)[start:end]

    return read
