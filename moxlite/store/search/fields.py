"""Folded texts of header fields, by which SQL decides a search in these fields (STORE-110a, IMAP-121).

The text index cannot tell fields apart, and gives up where a word is common. Then a table with nothing but these fields
is read: a message costs a microsecond. Each text is such that a needle without a line feed is in it if, and only if,
the test of the message finds it in that field.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.proto.mime.addresstext import address_text, address_words
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.text import fold
from moxlite.proto.mime.words import decode_words

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


def field_texts(header: bytes) -> FieldTexts:
    """The texts of a complete header section."""
    section = HeaderSection(header)
    return (
        _text(section.texts(b"subject"), addresses=False),
        _text(section.texts(b"from"), addresses=True),
        _text(section.texts(b"to"), addresses=True),
        _text(section.texts(b"cc"), addresses=True),
        _text(section.texts(b"bcc"), addresses=True),
    )


def _text(values: Sequence[bytes], *, addresses: bool) -> str | None:
    found: list[str] = []
    for value in values:
        if len(value) > MAX_VALUE:
            return None
        text = fold(decode_words(value))
        found.append(text)
        if addresses and (shown := address_text(value)) not in text:
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
