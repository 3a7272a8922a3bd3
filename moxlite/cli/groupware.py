"""``moxlite calendar`` and ``moxlite contacts``: calendars and address books of accounts (DAV-40)."""

import sys
from typing import BinaryIO

import click

from moxlite.cli.archives.imapcopy import stated_password
from moxlite.cli.common import perform, settings, show_json
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
    _tell(perform(ImportCalendar(account, into), upload=iter(lambda: file.read(1 << 20), b"")))


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
    _tell(perform(ImportContacts(account), upload=iter(lambda: file.read(1 << 20), b"")))


def _tell(found: Imported | Copied) -> None:
    if settings().as_json:
        show_json(found)
        return
    print(f"added {found.added}, skipped {found.known} existing and {found.unread} unreadable entries")
    for problem in found.problems:
        print(f"  {printable(problem)}")
