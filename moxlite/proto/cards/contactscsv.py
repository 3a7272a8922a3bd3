"""Contacts as tables (CSV, RFC 4180): read as Gmail, Outlook and Thunderbird export them, written with Gmail's columns.

A cell that a spreadsheet would take for a formula is written with an apostrophe before it, which reading takes away.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import Final

from moxlite.proto.cards.vcard import MAX_ENTRIES, MAX_NOTE, MAX_TEXT, Contact, Entry, Unreadable, named_parts
from moxlite.wording import worded

MAX_COLUMNS: Final = 500
"""Columns of a table. Outlook exports about 90, Gmail some for each further address; each is looked at for every row.
"""

NAMES: Final = ("name", "display name", "full name", "file as", "formatted name")
GIVEN: Final = ("given name", "first name")
MIDDLE: Final = ("additional name", "middle name")
FAMILY: Final = ("family name", "last name", "surname")
NOTES: Final = ("notes", "note")
ORGANIZATIONS: Final = ("organization name", "organization 1 - name", "organization", "company")
GROUPS: Final = ("labels", "group membership", "categories", "groups")
"""Names of columns, in small letters, the best first."""

EMAIL: Final = re.compile(
    r"(?:e-?mail(?: \d+)?(?: address| - value)?|e-?mail \d+ address|primary e-?mail|secondary e-?mail)"
)
PHONE: Final = re.compile(
    r"(?:(?:(\w++) )?(?:phone|fax|pager)(?: \d+)?(?: - value| number)?|(?:mobile|fax|pager) number)"
)
"""Names of columns with addresses and numbers."""

KINDS: Final = {"home": "home", "work": "work", "business": "work", "mobile": "mobile", "fax": "fax", "pager": "pager"}

FORMULA: Final = re.compile(r"[=+\-@\t\r]")
NUMBER: Final = re.compile(r"[+\-]?[0-9 ()/.\-]++")
"""A telephone number, which no spreadsheet runs as a formula."""

MARKS: Final = re.compile(r" ::: |[;\n]")
"""Between groups, and between addresses in one cell."""

SYSTEM: Final = frozenset({"* mycontacts", "* my contacts", "mycontacts", "* starred"})
"""Groups of Gmail that each contact has."""

COLUMNS: Final = ("Name", "Given Name", "Family Name", "Organization Name", "Notes", "Group Membership")


def read_csv(data: bytes) -> Iterator[Contact | Unreadable]:
    """The contacts of a table, in order; an error for a row that is not a contact. The first row names the columns.

    Raises Unreadable if the file is no table of contacts.
    """
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    text = text.replace("\0", "")
    head = text[:10_000].partition("\n")[0]
    mark = max((",", ";", "\t"), key=head.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    try:
        titles = [title.strip().casefold() for title in next(rows, [])]
    except csv.Error as e:
        raise Unreadable(worded("the file is no table: {reason}", reason=e)) from e
    if len(titles) > MAX_COLUMNS or not any(_is_known(title) for title in titles):
        raise Unreadable("the first line does not name columns such as Name, First Name or E-mail Address")
    while True:
        try:
            row = next(rows, None)
        except csv.Error as e:
            yield Unreadable(worded("line {line_num}: {reason}", line_num=rows.line_num, reason=e))
            return
        if row is None:
            return
        if any(cell.strip() for cell in row):
            yield _contact(titles, row, rows.line_num)


def write_csv(contacts: Iterable[Contact]) -> str:
    """A table with CRLF at the end of each line."""
    contacts = list(contacts)
    emails = max((len(one.emails) for one in contacts), default=1) or 1
    phones = max((len(one.phones) for one in contacts), default=1) or 1
    titles = list(COLUMNS)
    for name, number in (("E-mail", emails), ("Phone", phones)):
        titles += [f"{name} {n} - {what}" for n in range(1, number + 1) for what in ("Type", "Value")]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(titles)
    for contact in contacts:
        family, given = (*(contact.parts or named_parts(contact.name)), "", "")[:2]
        row = [contact.name, given, family, contact.organization, contact.note, " ::: ".join(contact.groups)]
        for entries, number in ((contact.emails, emails), (contact.phones, phones)):
            for entry in (*entries, *[Entry("")] * (number - len(entries))):
                row += [entry.kind.capitalize(), entry.value]
        writer.writerow([_safe(cell) for cell in row])
    return out.getvalue()


def _is_known(title: str) -> bool:
    return title in (*NAMES, *GIVEN, *FAMILY) or EMAIL.fullmatch(title) is not None


def _contact(titles: list[str], row: list[str], line: int) -> Contact | Unreadable:
    cells: dict[str, str] = {}
    emails: list[Entry] = []
    phones: list[Entry] = []
    for title, cell in zip(titles, row, strict=False):
        value = _plain(_unquoted(cell), 20 * MAX_TEXT)
        if not value:
            continue
        cells.setdefault(title, value)
        if title.endswith(("type", "label")):
            continue
        if EMAIL.fullmatch(title) is not None:
            kind = _kind(
                cells.get(title.removesuffix("value") + "type", cells.get(title.removesuffix("value") + "label", ""))
            )
            emails += [Entry(address, kind) for part in MARKS.split(value) if (address := part.strip()[:MAX_TEXT])]
        elif (match := PHONE.fullmatch(title)) is not None:
            kind = _kind(
                cells.get(title.removesuffix("value") + "type", cells.get(title.removesuffix("value") + "label", ""))
            )
            kind = kind or _kind(match[1] or title.split(" ", 1)[0])
            phones += [Entry(number, kind) for part in MARKS.split(value) if (number := part.strip()[:MAX_TEXT])]
    given, middle, family = (_first(cells, names) for names in (GIVEN, MIDDLE, FAMILY))
    organization = _first(cells, ORGANIZATIONS)
    name = _first(cells, NAMES) or " ".join(filter(None, (given, middle, family))) or organization
    name = name or (emails[0].value if emails else "") or (phones[0].value if phones else "")
    if not name:
        return Unreadable(worded("line {line}: neither a name nor an address", line=line))
    groups = [
        group.strip().removeprefix("* ")
        for group in MARKS.split(_first(cells, GROUPS))
        if group.strip().casefold() not in SYSTEM
    ]
    note = next((_unquoted(cell) for title, cell in zip(titles, row, strict=False) if title in NOTES and cell), "")
    return Contact(
        name=name[:MAX_TEXT],
        parts=(family, given, middle) if given or family else (),
        emails=tuple(dict.fromkeys(emails))[:MAX_ENTRIES],
        phones=tuple(dict.fromkeys(phones))[:MAX_ENTRIES],
        organization=organization[:MAX_TEXT],
        note=note[:MAX_NOTE],
        groups=tuple(dict.fromkeys(group[:MAX_TEXT] for group in groups if group))[:MAX_ENTRIES],
    )


def _first(cells: dict[str, str], names: tuple[str, ...]) -> str:
    return next((cells[name] for name in names if name in cells), "")


def _kind(text: str) -> str:
    return next((kind for word, kind in KINDS.items() if word in text.casefold()), "")


def _plain(text: str, most: int) -> str:
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text[:most]).strip()


def _unquoted(cell: str) -> str:
    """A cell without the apostrophe of `_safe`."""
    return cell[1:] if cell[:1] == "'" and FORMULA.match(cell[1:]) else cell


def _safe(cell: str) -> str:
    """A cell that a spreadsheet does not run."""
    return f"'{cell}" if FORMULA.match(cell) and NUMBER.fullmatch(cell) is None else cell
