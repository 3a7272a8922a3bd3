"""Files of contacts: vCards or a table, whichever a file is (WEBMAIL-128)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from moxlite.proto.cards.cardobject import FileCard, file_card
from moxlite.proto.cards.contactscsv import read_csv
from moxlite.proto.cards.vcard import MAX_WHOLE, Contact, Unreadable, file_lines, in_utf_8, read_vcards
from moxlite.wording import worded

MAX_FILE: Final = 10 << 20
"""Octets of a table."""

MAX_READ: Final = 20_000
"""Contacts of a file, those that cannot be read among them; an account has half as many."""

MAX_BEGIN: Final = 100_000
"""Octets in which the first card of a file begins."""

MAX_OCTETS: Final = 2 << 20
"""Octets of a card's lines to examine. This is more than the limits of its text and photos."""

LINE: Final = 40
"""Octets that a line takes in memory beside its own."""

ESCAPED_COLON: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\((?:\r?\n[ \t])?):")
r"""Gmail writes ``http\://``. No text has a colon escaped (RFC 6350 §3.4), so that only addresses of pages change."""

BEGIN: Final = b"BEGIN:VCARD"
END: Final = b"END:VCARD"


def read_contacts(pieces: Iterable[bytes]) -> Iterator[FileCard | Contact | Unreadable]:
    """Yield a file's contacts in order, from pieces of any size.

    A valid card is a FileCard, an invalid one a Contact with the parts that could be read, or the reason why it's
    unreadable. At most one card, or a table, is held in memory.

    Raises Unreadable: it is another file, a table of more than 10 MiB, or has more than `MAX_READ` of both.
    """
    source = in_utf_8(pieces)
    first = next(source, b"")
    rest = chain([first], source)
    contacts = _of_cards(rest) if BEGIN in first[:MAX_BEGIN].upper() else read_csv(_table(rest))
    for number, contact in enumerate(contacts, 1):
        if number > MAX_READ:
            raise Unreadable(worded("the file contains more than {most} contacts", most=MAX_READ))
        yield contact


def cards_in(pieces: Iterable[bytes]) -> int:
    """About how many cards are in the pieces of a file: words that begin one are counted."""
    number, end = 0, b""
    for piece in in_utf_8(pieces):
        number += (end + piece).upper().count(BEGIN)
        end = piece[1 - len(BEGIN) :]
    return number


def _of_cards(pieces: Iterable[bytes]) -> Iterator[FileCard | Contact | Unreadable]:
    lines: list[bytes] = []
    whole = bytearray()
    exact = True
    depth = size = 0
    for line in file_lines(pieces):
        short = ESCAPED_COLON.sub(rb"\1\2:", line.short)
        octets = None if line.whole is None else ESCAPED_COLON.sub(rb"\1\2:", line.whole)
        first = short[: short.find(b"\n") + 1]
        mark = first[:100].strip(b" \t\r\n\xef\xbb\xbf").upper()
        if mark in (BEGIN, END):
            short = octets = first.lstrip(b" \t")
            depth += 1 if mark == BEGIN else -(depth > 0)
        if not depth and not lines:
            continue
        exact = exact and octets is not None and len(whole) + len(octets) <= MAX_WHOLE
        if exact and octets is not None:
            whole += octets
        size += len(short) + LINE
        if size <= MAX_OCTETS or not depth:
            lines.append(short)
        if not depth:
            card = file_card(bytes(whole)) if exact else None
            yield from read_vcards(b"".join(lines)) if card is None else (card,)
            lines, whole, exact, size = [], bytearray(), True, 0
    if lines:
        yield Unreadable("the last card doesn't have an END line")


def _table(pieces: Iterable[bytes]) -> bytes:
    found: list[bytes] = []
    size = 0
    for piece in pieces:
        found.append(piece)
        size += len(piece)
        if size > MAX_FILE:
            raise Unreadable(worded("the file is larger than {most} MiB", most=MAX_FILE >> 20))
    return b"".join(found)
