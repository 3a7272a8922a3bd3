"""Files of contacts: vCards or a table, whichever a file is (WEBMAIL-128)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Final

from moxlite.proto.cards.contactscsv import read_csv, write_csv
from moxlite.proto.cards.vcard import Contact, Unreadable, read_vcards, without_pictures, write_vcard
from moxlite.wording import reason_of, worded

MAX_FILE: Final = 10 << 20
"""Octets of a file without the large pictures of its cards."""

MAX_READ: Final = 20_000
"""Contacts of a file, those that cannot be read among them; an account has half as many."""

MAX_BEGIN: Final = 100_000
"""Octets in which the first card of a file begins."""


def taken(pieces: Iterable[bytes]) -> bytes:
    """A file for `read_contacts`, from the pieces of any size that it comes in. Raises Unreadable: it has more than
    10 MiB, large pictures of cards not counted.
    """
    source = iter(pieces)
    first = next(source, b"")
    rest = chain([first], source)
    found = bytearray()
    for piece in without_pictures(rest) if _has_cards(first) else rest:
        found += piece
        if len(found) > MAX_FILE:
            if _has_cards(first):
                raise Unreadable(worded("it has more than {most} MiB without its pictures", most=MAX_FILE >> 20))
            raise Unreadable(worded("it has more than {most} MiB", most=MAX_FILE >> 20))
    return bytes(found)


def read_contacts(data: bytes) -> tuple[list[Contact], list[str]]:
    """The contacts of a file, and the reasons for which others cannot be read. Raises Unreadable for another file, and
    for one with more than `MAX_READ` of both.
    """
    contacts: list[Contact] = []
    problems: list[str] = []
    for one in read_vcards(data) if _has_cards(data) else read_csv(data):
        if isinstance(one, Unreadable):
            problems.append(reason_of(one))
        else:
            contacts.append(one)
        if len(contacts) + len(problems) > MAX_READ:
            raise Unreadable(worded("the file has more than {most} contacts", most=MAX_READ))
    return contacts, problems


def _has_cards(data: bytes) -> bool:
    return b"BEGIN:VCARD" in data[:MAX_BEGIN].upper()


def written(contacts: Iterable[Contact], form: str) -> bytes:
    """A file with the contacts: `form` is "vcf" (vCards 4.0) or "csv"."""
    return (write_csv(contacts) if form == "csv" else "".join(map(write_vcard, contacts))).encode()
