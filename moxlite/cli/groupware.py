"""``moxlite calendar`` and ``moxlite contacts``: calendars and address books of accounts (DAV-40)."""

from typing import BinaryIO

import click

from moxlite.cli.common import perform, settings, show_json
from moxlite.cli.described import described
from moxlite.escapes import printable
from moxlite.operations import described_in, groupware as operations
from moxlite.operations.groupware import ImportCalendar, ImportContacts, Imported, MakeLink

UPLOADS = frozenset({ImportCalendar, ImportContacts})
"""Operations with a file, whose verbs are made here."""


def _show_link(found: str, as_json: bool) -> None:
    if as_json:
        show_json(found)
    else:
        print(found)


@click.group()
def calendar() -> None:
    """Calendars of accounts."""


@click.group()
def contacts() -> None:
    """Contacts and address books of accounts."""


for _group in (calendar, contacts):
    _own = (one for one in described_in(operations) if one.name.startswith(f"{_group.name} "))
    _inner = {"link": "Secret addresses of calendars."} if _group is calendar else {}
    described(_group, (one for one in _own if one.request not in UPLOADS), _inner, {MakeLink: _show_link})

account_argument = click.argument("account")
file_argument = click.argument("file", type=click.File("rb"))


@calendar.command("import", help=ImportCalendar.__doc__)
@account_argument
@file_argument
@click.option("--into", default="calendar", metavar="NAME", show_default=True, help="The calendar.")
def import_calendar(account: str, file: BinaryIO, into: str) -> None:
    """See the operation."""
    _tell(perform(ImportCalendar(account, into), upload=iter(lambda: file.read(1 << 20), b"")))


@contacts.command("import", help=ImportContacts.__doc__)
@account_argument
@file_argument
def import_contacts(account: str, file: BinaryIO) -> None:
    """See the operation."""
    _tell(perform(ImportContacts(account), upload=iter(lambda: file.read(1 << 20), b"")))


def _tell(found: Imported) -> None:
    if settings().as_json:
        show_json(found)
        return
    print(f"{found.added} added, {found.known} there already, {found.unread} not read")
    for one in found.problems:
        print(f"  {printable(one)}")
