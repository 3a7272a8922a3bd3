"""``moxlite calendar`` and ``moxlite contacts``: calendars and address books of accounts (DAV-40)."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import BinaryIO

import click

from moxlite.cli.archives.imapcopy import stated_password
from moxlite.cli.common import Failure, perform, settings, show_json
from moxlite.cli.described import described
from moxlite.escapes import printable
from moxlite.operations import described_in, groupware as operations
from moxlite.operations.groupware import Copied, CopyCalendars, ImportCalendar, ImportContacts, Imported

OWN = frozenset({ImportCalendar, ImportContacts, CopyCalendars})
"""Operations with a file or a password, whose verbs are made here."""


@click.group()
def calendar() -> None:
    """Manage calendars."""


@click.group()
def contacts() -> None:
    """Manage contacts and address books."""


for _group in (calendar, contacts):
    _own = (description for description in described_in(operations) if description.name.startswith(f"{_group.name} "))
    _inner = {"link": "Manage private links to calendars."} if _group is calendar else {}
    described(_group, _own, _inner, {}, without=OWN)

account_argument = click.argument("account")
file_argument = click.argument("file", type=click.File("rb"))


@calendar.command("import", help=ImportCalendar.__doc__)
@account_argument
@file_argument
@click.option("--into", default="calendar", metavar="NAME", show_default=True, help="The calendar.")
def import_calendar(account: str, file: BinaryIO, into: str) -> None:
    """See the operation."""
    with _named(file, "A calendar file (.ics) begins with BEGIN:VCALENDAR"):
        pieces = _pieces(file, b"BEGIN:VCARD", f"contacts import {account}")
        _tell(perform(ImportCalendar(account, into), upload=pieces))


@calendar.command("copy", help=CopyCalendars.__doc__)
@account_argument
@click.argument("url")
@click.argument("user")
def copy(account: str, url: str, user: str) -> None:
    """See the operation."""
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise click.UsageError("the URL can't include a user name or password; specify USER after URL")
    request = CopyCalendars(account, url, user, stated_password(None, user))
    _tell(perform(request, progress=lambda line: print(printable(line), file=sys.stderr)))


@contacts.command("import", help=ImportContacts.__doc__)
@account_argument
@file_argument
def import_contacts(account: str, file: BinaryIO) -> None:
    """See the operation."""
    with _named(file, "A contacts file is a vCard (.vcf) or a CSV file with a header"):
        pieces = _pieces(file, b"BEGIN:VCALENDAR", f"calendar import {account}")
        _tell(perform(ImportContacts(account), upload=pieces))


@contextmanager
def _named(file: BinaryIO, form: str) -> Iterator[None]:
    """Name the file, and the form that it needs, where it has nothing to import."""
    try:
        yield
    except Failure as failure:
        text = str(failure)
        if not text.startswith("the file "):
            raise
        raise Failure(f"{file.name} {text.removeprefix('the file ')}. {form}") from None


def _pieces(file: BinaryIO, other: bytes, verb: str) -> Iterator[bytes]:
    """The octets of a file. Raises Failure if it begins as files of the other kind, which another verb takes."""
    first = file.read(1 << 20)
    if first.lstrip(b"\xef\xbb\xbf\r\n ")[: len(other)].upper() == other:
        what = "contacts" if verb.startswith("contacts") else "a calendar"
        raise Failure(f"{file.name} has {what}; to import it, run: moxlite {verb} {file.name}")
    return chain((first,) if first else (), iter(lambda: file.read(1 << 20), b""))


def _tell(found: Imported | Copied) -> None:
    if settings().as_json:
        show_json(found)
        return
    print(f"added {found.added}, skipped {found.known} existing and {found.unread} unreadable entries")
    if found.changed:
        print(f"entries changed to fit a calendar: {found.changed:,}")
    for problem in found.problems:
        print(f"  {printable(problem)}")
