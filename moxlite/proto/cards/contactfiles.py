"""Files of contacts: vCards or a table, whichever a file is (WEBMAIL-128)."""

from __future__ import annotations

from collections.abc import Iterable

from moxlite.proto.cards.contactscsv import read_csv, write_csv
from moxlite.proto.cards.vcard import Contact, Unreadable, read_vcards, write_vcard

__all__ = ["read_contacts", "written"]


def read_contacts(data: bytes) -> tuple[list[Contact], list[str]]:
    """The contacts of a file, and the reasons for which others cannot be read. Raises Unreadable for another file."""
    found: list[Contact] = []
    problems: list[str] = []
    cards = b"BEGIN:VCARD" in data[:100_000].upper()
    for one in read_vcards(data) if cards else read_csv(data):
        if isinstance(one, Unreadable):
            problems.append(str(one))
        else:
            found.append(one)
    return found, problems


def written(contacts: Iterable[Contact], form: str) -> bytes:
    """A file with the contacts: `form` is "vcf" (vCards 4.0) or "csv"."""
    return (write_csv(contacts) if form == "csv" else "".join(map(write_vcard, contacts))).encode()
