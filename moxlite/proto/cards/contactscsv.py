"""Contacts as tables (CSV, RFC 4180): read as Gmail, Outlook and Thunderbird export them, written with Gmail's columns.

What a contact has no place for is in its note, with the title of the column. A cell that a spreadsheet would take for a
formula is written with an apostrophe before it, which reading takes away.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date
from itertools import islice
from typing import Final

from moxlite.normal import visible
from moxlite.proto.cards.contactcolumns import ADDRESS, TITLES, Column, column_of, kind_in, rank
from moxlite.proto.cards.contentline import escaped
from moxlite.proto.cards.vcard import MAX_ENTRIES, MAX_NOTE, MAX_TEXT, Contact, Entry, Unreadable, named_parts
from moxlite.wording import worded

MAX_COLUMNS: Final = 500
"""Columns of a table. Outlook exports about 90, Gmail some for each further address; each is looked at for every row.
"""

CODE_PAGES: Final = ("cp1252", "cp1250", "cp1251", "cp1255", "cp1256", "cp932", "gb18030")
"""Charsets in which Outlook and spreadsheets write where the text is no UTF-8; the one in which most titles are known
counts.
"""

PIECE: Final = 64 << 10
"""Octets that are decoded at once, to find out about a charset."""

MAX_ROW: Final = 256 << 10
"""Characters of a line that are read at once."""

LOOKED_AT: Final = 2_000
"""Rows that show whether the day of a date is first."""

DEFAULTS: Final = re.compile(
    r"smtp|ex|normale?|normal[nao]+|нормальний|標準|普通|正常|רגיל|عادي|false|falsch|faux|falso|onwaar|falskt|nepravda|"
    r"fałsz|unspecified|keine angabe|non spécifié|sin especificar|non specificato|não especificado|"
    r"niet opgegeven|ej angivet|0",
    re.IGNORECASE,
)
"""Values that Outlook writes into empty columns."""

FORMULA: Final = re.compile(r"[=+\-@\t\r]")
NUMBER: Final = re.compile(r"[+\-]?[0-9 ()/.\-]++")
"""A telephone number, which no spreadsheet runs as a formula."""

MARKS: Final = re.compile(r" ::: |[;\n]")
"""Between groups, and between addresses in one cell."""

SYSTEM: Final = frozenset({"* mycontacts", "* my contacts", "mycontacts"})
"""Groups of Gmail that each contact has."""

STARRED: Final = "starred"
"""The group of favorites, which Gmail marks as one of its own by ``* ``."""

COLUMNS: Final = ("Name", "Given Name", "Family Name", "Organization Name", "Notes", "Group Membership")


def _group(name: str) -> str:
    return f"* {name}" if name == STARRED else name


def read_csv(data: bytes) -> Iterator[Contact | Unreadable]:
    """The contacts of a table, in order; an error for a row that is not a contact. The first row names the columns.

    Raises Unreadable if the file is no table of contacts.
    """
    codec = _codec_of(data)
    head, first = next(_lines(data, *codec), ""), 0
    if head[:4].lower() == "sep=":  # of Excel
        head, first = next(islice(_lines(data, *codec), 1, None), ""), 1
    mark = max((",", ";", "\t"), key=head[:10_000].count)
    rows = csv.reader(islice(_lines(data, *codec), first, None), delimiter=mark)
    try:
        titles = [title.strip() for title in next(rows, [])]
    except csv.Error as e:
        raise Unreadable(worded("the file isn't a valid CSV: {reason}", reason=e)) from e
    columns = [column_of(title) for title in titles[: MAX_COLUMNS + 1]]
    if len(titles) > MAX_COLUMNS or not {"name", "given", "family", "email"} & {column.field for column in columns}:
        raise Unreadable("the first line must have columns like Name, First Name, or E-mail Address")
    again = csv.reader(islice(_lines(data, *codec), first, None), delimiter=mark)
    day_first = _day_first(columns, titles, again)
    while True:
        try:
            row = next(rows, None)
        except csv.Error as e:
            yield Unreadable(worded("line {line_num}: {reason}", line_num=rows.line_num, reason=e))
            return
        if row is None:
            return
        if any(cell.strip() for cell in row):
            yield from _contact(titles, columns, row, rows.line_num, day_first=day_first)


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
        row = [
            contact.name,
            given,
            family,
            contact.organization,
            contact.note,
            " ::: ".join(map(_group, contact.groups)),
        ]
        for entries, number in ((contact.emails, emails), (contact.phones, phones)):
            for entry in (*entries, *[Entry("")] * (number - len(entries))):
                row += [entry.kind.capitalize(), entry.value]
        writer.writerow([_safe(cell) for cell in row])
    return out.getvalue()


def _codec_of(data: bytes) -> tuple[str, str]:
    """The charset of a table, and what is done with octets that it doesn't have."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        for at in range(0, len(data), PIECE):
            decoder.decode(data[at : at + PIECE])
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        head = data[:10_000].partition(b"\n")[0]

        def known(page: str) -> int:
            titles = re.split("[,;\t]", head.decode(page, "replace"))
            return sum(bool(column_of(title.strip('" \r')).field) for title in titles[:MAX_COLUMNS])

        return max(CODE_PAGES, key=known), "replace"
    return "utf-8-sig", "strict"


def _lines(data: bytes, charset: str, errors: str) -> Iterator[str]:
    """The lines of a table, whose text would take up to fourteen times its octets as a whole; long ones in parts."""
    with io.TextIOWrapper(io.BytesIO(data), charset, errors, newline="") as file:
        while line := file.readline(MAX_ROW):
            yield line.replace("\0", "")


def _contact(
    titles: list[str], columns: list[Column], row: list[str], line: int, *, day_first: bool
) -> Iterator[Contact | Unreadable]:
    """The contact of a row, and what of it is too long for one."""
    fields: dict[str, tuple[int, str, str]] = {}
    places: dict[str, dict[str, str]] = {}
    emails: list[Entry] = []
    phones: list[Entry] = []
    sites: list[Entry] = []
    rest: list[tuple[str, str]] = []
    cells = [
        (title, column, _plain(_unquoted(cell))) for title, column, cell in zip(titles, columns, row, strict=False)
    ]
    kinds = {column.number: kind_in(value) for _, column, value in cells if column.field == "kind"}
    for title, column, value in cells:
        kind = kinds.get(column.number, "") or column.kind
        if not value or column.field == "kind":
            continue
        match column.field:
            case "email" if column.sure or "@" in value:
                emails += [Entry(part.strip(), kind) for part in MARKS.split(value) if part.strip()]
            case "phone" if column.sure or sum(char.isdigit() for char in value) > 1:
                phones += [Entry(part.strip(), kind) for part in MARKS.split(value) if part.strip()]
            case "website" if "." in value or column.sure:
                sites += [Entry(part.strip(), kind) for part in MARKS.split(value) if part.strip()]
            case "formatted" | "street" | "extended" | "box" | "city" | "region" | "code" | "country" as part:
                place = places.setdefault(column.number, {"kind": kind})
                place[part] = f"{place[part]}, {value}" if part in place else value
            case field if field in TITLES:
                candidate = rank(title), title, value
                before = fields.setdefault(field, candidate)
                if before is not candidate:
                    fields[field] = min(before, candidate)
                    rest.append(max(before, candidate)[1:])
            case _:
                rest.append((title, value))
    rest += [("", value) for cell in row[len(titles) :] if (value := _plain(_unquoted(cell)))]

    def said(field: str) -> str:
        return fields[field][2] if field in fields else ""

    family, given, middle, prefix, suffix = map(said, ("family", "given", "middle", "prefix", "suffix"))
    units = (said("organization"), said("department"))
    organization = ", ".join(filter(None, units))
    name = said("name") or " ".join(filter(None, (given, middle, family))) or organization
    name = name or (emails[0].value if emails else "") or (phones[0].value if phones else "")
    if not name:
        yield Unreadable(worded("line {line}: enter a name or address", line=line))
        return
    lines = [f"{field}:{escaped(said(field))}" for field in TITLES if field.isupper() and said(field)]
    lines += [f"{what.upper()}:{escaped(said(what))}" for what in ("nickname", "title") if said(what)]
    # Thunderbird has three columns, of which that of the day is called as the whole date in some languages.
    born = _born(said("birth year"), said("birth month"), said("birth day") or said("birthday"))
    dates = [("ANNIVERSARY", "anniversary", ""), ("BDAY", "birthday", born)]
    for what, field, known in dates:
        if day := known or _date(said(field), day_first=day_first):
            lines.append(f"{what}:{day}")
        elif said(field).strip("0/.-: "):
            rest.append(fields[field][1:])
    if not born:
        rest += [fields[field][1:] for field in ("birth year", "birth month", "birth day") if field in fields]
    lines += [f"URL{_typed(site.kind)}:{''.join(site.value.split())}" for site in sites]
    for place in places.values():
        if place.keys() <= {"kind", "formatted"}:
            place["street"] = place["formatted"]
        parts = ";".join(escaped(place.get(part, "")) for part in ADDRESS)
        lines.append(f"ADR{_typed(place['kind'])}:{parts}")
    shown = {name, given, family, *(" ".join(order) for order in ((given, family), (family, given)))}
    extra = [
        f"{title}: {value}" if title else value
        for title, value in rest
        if not DEFAULTS.fullmatch(value)
        and value not in shown
        and {*re.findall(r"\w+", value)} != {*re.findall(r"\w+", name)}
        and not any("@" in entry.value and entry.value in value for entry in emails)
    ]
    note = "\n".join([*filter(None, [said("notes")]), *extra])
    groups = [
        group.strip().removeprefix("* ")
        for group in MARKS.split(said("groups"))
        if group.strip().casefold() not in SYSTEM
    ]
    contact = Contact(
        name=name,
        parts=(family, given, middle, *(prefix, suffix) * bool(prefix or suffix))
        if given or family or middle or prefix or suffix
        else (),
        emails=tuple(dict.fromkeys(emails)),
        phones=tuple(dict.fromkeys(phones)),
        organization=organization,
        units=units if units[1] else (),
        note=note,
        groups=tuple(dict.fromkeys(group for group in groups if group)),
        other=tuple(lines),
    )
    fitting = _fitting(contact)
    yield fitting
    if fitting != contact:
        yield Unreadable(worded("line {line_num}: {reason}", line_num=line, reason="long values were truncated"))


def _fitting(contact: Contact) -> Contact:
    """As much of a contact as one may have."""

    def entries(given: tuple[Entry, ...]) -> tuple[Entry, ...]:
        return tuple(Entry(entry.value[:MAX_TEXT], entry.kind) for entry in given[:MAX_ENTRIES])

    return Contact(
        name=contact.name[:MAX_TEXT],
        parts=tuple(part[:MAX_TEXT] for part in contact.parts),
        emails=entries(contact.emails),
        phones=entries(contact.phones),
        organization=contact.organization[:MAX_TEXT],
        units=tuple(unit[:MAX_TEXT] for unit in contact.units),
        note=contact.note[:MAX_NOTE],
        groups=tuple(group[:MAX_TEXT] for group in contact.groups[:MAX_ENTRIES]),
        other=tuple(line for line in contact.other[:MAX_ENTRIES] if len(line) < MAX_TEXT * len(ADDRESS)),
    )


def _typed(kind: str) -> str:
    return f";TYPE={kind}" if kind in ("home", "work") else ""


DAY: Final = re.compile(r"(\d{1,2})([./-])\s?(\d{1,2})\2\s?(\d{4}|\d\d)?(?: .*)?")
YEAR_FIRST: Final = re.compile(r"(\d{4})[-./年]\s?(\d{1,2})[-./月]\s?(\d{1,2})日?(?:[T ].*)?")
NO_YEAR: Final = re.compile(r"--(\d\d)-?(\d\d)")
DIGITS: Final = re.compile(r"\d{1,4}")
APPLE: Final = 1604
"""The year of a birthday without one."""


def _day_first(columns: list[Column], titles: list[str], rows: Iterator[list[str]]) -> bool:
    """Whether dates as 1/2/1990 have their day first: by those with one reading, else by the language."""
    dates = [at for at, column in enumerate(columns) if column.field in ("birthday", "anniversary")]
    if not dates:
        return True
    with suppress(csv.Error):
        for row in islice(rows, 1, LOOKED_AT):
            for match in (DAY.fullmatch(row[at].strip()) for at in dates if at < len(row)):
                if match is not None and max(int(match[1]), int(match[3])) > 12:
                    return int(match[1]) > 12
    return titles[dates[0]].casefold() not in ("birthday", "anniversary")


def _date(text: str, *, day_first: bool) -> str:
    """A day as vCards have it (RFC 6350 §4.3.1); "" for none."""
    text = text.strip()
    if (match := YEAR_FIRST.fullmatch(text)) is not None:
        return _written(int(match[1]), int(match[2]), int(match[3]))
    if (match := NO_YEAR.fullmatch(text)) is not None:
        return _written(APPLE, int(match[1]), int(match[2]))
    if (match := DAY.fullmatch(text)) is not None:
        day, month = int(match[1]), int(match[3])
        if match[2] != "." and not day_first:
            day, month = month, day
        year = int(match[4] or APPLE)
        return _written(year if year > 99 else year + (2000 if year < 30 else 1900), month, day)
    return ""


def _born(year: str, month: str, day: str) -> str:
    """The date of birth in three columns; "" for none."""
    if not (DIGITS.fullmatch(month) and DIGITS.fullmatch(day)):
        return ""
    return _written(int(year) if DIGITS.fullmatch(year) else APPLE, int(month), int(day))


def _written(year: int, month: int, day: int) -> str:
    try:
        date(year, month, day)
    except ValueError:
        return ""
    return f"--{month:02}{day:02}" if year == APPLE else f"{year:04}{month:02}{day:02}"


def _plain(text: str) -> str:
    return "\n".join(map(visible, text.replace("\r\n", "\n").split("\n"))).strip()


def _unquoted(cell: str) -> str:
    """A cell without the apostrophe of `_safe`."""
    return cell[1:] if cell[:1] == "'" and FORMULA.match(cell[1:]) else cell


def _safe(cell: str) -> str:
    """A cell that a spreadsheet does not run."""
    return f"'{cell}" if FORMULA.match(cell) and NUMBER.fullmatch(cell) is None else cell
