"""``moxlite calendar`` and ``moxlite contacts``: calendars and address books of accounts (DAV-40)."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import Any, BinaryIO, Final

import click

from moxlite.cli.archives.imapcopy import stated_password
from moxlite.cli.common import Failure, perform, settings, show_json
from moxlite.cli.described import Question, described
from moxlite.cli.filekinds import CALENDAR, CONTACTS, START_SIZE, ZIP, FileKind, check_kind
from moxlite.escapes import printable
from moxlite.operations import described_in, description, groupware as operations
from moxlite.operations.groupware import Copied, CopyCalendars, ImportCalendar, ImportContacts, Imported

OWN = frozenset({ImportCalendar, ImportContacts, CopyCalendars})
"""Operations with a file or a password, whose verbs are made here."""


def _without_calendar(args: Mapping[str, Any]) -> str:
    _there("calendar", args["name"], perform(operations.ListCalendars(args["account"])))
    return description(operations.RemoveCalendar).ask.format_map(args)


def _without_book(args: Mapping[str, Any]) -> str:
    _there("address book", args["name"], perform(operations.ListAddressBooks(args["account"])))
    return description(operations.RemoveAddressBook).ask.format_map(args)


def _there(kind: str, name: str, listed: list[operations.Listed]) -> None:
    if name not in [collection.name for collection in listed]:
        raise Failure(f'{kind} not found: "{name}"')


QUESTIONS: Final[Mapping[type, Question]] = {
    operations.RemoveCalendar: _without_calendar,
    operations.RemoveAddressBook: _without_book,
}
"""Questions before verbs that delete: only about what is there."""


@click.group()
def calendar() -> None:
    """Manage calendars."""


@click.group()
def contacts() -> None:
    """Manage contacts and address books."""


for _group in (calendar, contacts):
    _own = (description for description in described_in(operations) if description.name.startswith(f"{_group.name} "))
    _inner = {"link": "Manage private links to calendars."} if _group is calendar else {}
    described(_group, _own, _inner, {}, without=OWN, questions=QUESTIONS)

account_argument = click.argument("account")
file_argument = click.argument("file", type=click.File("rb"))


@calendar.command("import", help=ImportCalendar.__doc__)
@account_argument
@file_argument
@click.option("--into", default="calendar", metavar="NAME", show_default=True, help="The calendar.")
def import_calendar(account: str, file: BinaryIO, into: str) -> None:
    """See the operation."""
    with _named(file, "A calendar file (.ics) begins with BEGIN:VCALENDAR"):
        pieces = _pieces(file, account, CALENDAR, ZIP)
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
        pieces = _pieces(file, account, CONTACTS, ZIP)
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


def _pieces(file: BinaryIO, account: str, *kinds: FileKind) -> Iterator[bytes]:
    """The octets of a file. Raises Failure if it begins as files that other commands take."""
    first = file.read(1 << 20)
    check_kind(file.name, first[:START_SIZE], account, kinds)
    return chain((first,), iter(lambda: file.read(1 << 20), b""))


def _tell(found: Imported | Copied) -> None:
    if settings().as_json:
        show_json(found)
        return
    print(f"added {found.added}, skipped {found.known} existing and {found.unread} unreadable entries")
    if found.changed:
        print(f"entries changed to fit a calendar: {found.changed:,}")
    for problem in found.problems:
        print(f"  {printable(problem)}")
