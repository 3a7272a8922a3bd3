"""Files of contacts: vCards or a table, whichever a file is (WEBMAIL-128)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from moxlite.proto.cards.contactscsv import read_csv
from moxlite.proto.cards.vcard import Contact, Unreadable, read_vcards, without_pictures
from moxlite.wording import worded

MAX_FILE: Final = 10 << 20
"""Octets of a table."""

MAX_READ: Final = 20_000
"""Contacts of a file, those that cannot be read among them; an account has half as many."""

MAX_BEGIN: Final = 100_000
"""Octets in which the first card of a file begins."""

MAX_OCTETS: Final = 2 << 20
"""Octets of the lines of a card that are looked at: more than its text and its pictures may have."""

LINE: Final = 40
"""Octets that a line takes in memory beside its own."""

BEGIN: Final = b"BEGIN:VCARD"
END: Final = b"END:VCARD"


def read_contacts(pieces: Iterable[bytes]) -> Iterator[Contact | Unreadable]:
    """The contacts of a file, which comes in pieces of any size, in order; the reason in place of one that cannot be
    read. At most a card is held, or a table.

    Raises Unreadable: it is another file, a table of more than 10 MiB, or has more than `MAX_READ` of both.
    """
    source = iter(pieces)
    first = next(source, b"")
    rest = chain([first], source)
    contacts = _of_cards(rest) if BEGIN in first[:MAX_BEGIN].upper() else read_csv(_table(rest))
    for number, contact in enumerate(contacts, 1):
        if number > MAX_READ:
            raise Unreadable(worded("the file has more than {most} contacts", most=MAX_READ))
        yield contact


def cards_in(pieces: Iterable[bytes]) -> int:
    """About how many cards are in the pieces of a file: words that begin one are counted."""
    number, end = 0, b""
    for piece in pieces:
        number += (end + piece).upper().count(BEGIN)
        end = piece[1 - len(BEGIN) :]
    return number


def _of_cards(pieces: Iterable[bytes]) -> Iterator[Contact | Unreadable]:
    lines: list[bytes] = []
    depth = size = 0
    for line in without_pictures(pieces):
        mark = line[:100].strip(b" \t\r\n\xef\xbb\xbf").upper() if line[:1] not in b" \t" else b""
        depth += (mark == BEGIN) - (mark == END and depth > 0)
        if not depth and not lines:
            continue
        size += len(line) + LINE
        if size <= MAX_OCTETS or not depth:
            lines.append(line)
        if not depth:
            yield from read_vcards(b"".join(lines))
            lines, size = [], 0
    if lines:
        yield Unreadable("the last card has no end")


def _table(pieces: Iterable[bytes]) -> bytes:
    found = bytearray()
    for piece in pieces:
        found += piece
        if len(found) > MAX_FILE:
            raise Unreadable(worded("it has more than {most} MiB", most=MAX_FILE >> 20))
    return bytes(found)
