"""Calendars and contacts as files: entries of a file are added, and a calendar, or all contacts, are written as one
file (DAV-40, DAV-49, WEBMAIL-128).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite import lazyimport
from moxlite.groupware.entries import BadEntry, Expander, read
from moxlite.processor import give_way, off_loop
from moxlite.proto.cards.calendarfiles import CALENDAR_END, calendar_head, calendar_parts, split_calendars
from moxlite.store.groupware.contacts import contact_ids, some_contacts
from moxlite.store.groupware.resources import ResourceFacts, resources_of, with_data
from moxlite.store.groupware.scheduling import add_entry

if TYPE_CHECKING:
    from moxlite.proto.cards.vcard import Contact
    from moxlite.sandbox.processes import Sandbox
    from moxlite.store.changelog.account import Account
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.store.groupware.collection import Collection
    from moxlite.store.groupware.resources import Resource

PAGE: Final = 100
"""Entries that are read at once."""

MAX_TABLE: Final = 16 << 20
"""Octets of contacts in a table, which is made at once for the number of its columns."""

BATCH: Final = 25
"""Entries that are added in one unit: 10 ms."""


class NoEntries(Exception):
    """A file that is no calendar, or an empty one."""


class ImportResult(msgspec.Struct):
    """Numbers of entries of a file: added, and known to the account already; and why others could not be read."""

    added: int = 0
    known: int = 0
    problems: list[str] = []


async def add_calendar(account: Account, sandbox: Sandbox, where: Collection, octets: bytes) -> ImportResult:
    """Add the entries of a file to a calendar, those that the account has not; no guest is told. What was added stays
    if a later one fails.

    Raises NoEntries, TooBusy, StoreError.
    """
    entries = split_calendars(octets.decode("utf-8-sig", "replace"))
    expander = Expander(account, sandbox)
    done = ImportResult()
    while texts := await off_loop(lambda: list(islice(entries, BATCH)), kind="import"):
        found: list[tuple[bytes, ResourceFacts]] = []
        for text in texts:
            data = text.encode("utf-8", "replace")
            await give_way()
            try:
                found.append((data, await expander.facts(where, data)))
            except BadEntry as error:
                done.problems.append(str(error))
        added = await account.write(lambda tx: _add(tx, where, found))  # noqa: B023 at once
        done.added += added
        done.known += len(found) - added
    if not (done.added or done.known or done.problems):
        raise NoEntries("the file has no event or task with a UID")
    return done


def _add(tx: AccountTx, where: Collection, found: Sequence[tuple[bytes, ResourceFacts]]) -> int:
    return sum(add_entry(tx, where, data, facts) for data, facts in found)


class TooLarge(Exception):
    """The contacts are too many for a table."""


async def written_contacts(account: Account, form: str) -> AsyncIterator[bytes]:
    """All contacts as vCards ("vcf") or a table ("csv"), in pieces. Raises StoreError, and before the first piece
    TooLarge.
    """
    await lazyimport.load("moxlite.proto.cards.contactfiles")
    from moxlite.proto.cards.contactfiles import written

    left = await account.read(contact_ids, op="contacts_export")
    table: list[Contact] = []
    octets = 0
    while left:
        contacts, looked_at = await account.scan(lambda r: some_contacts(r, left), op="contacts_export")  # noqa: B023 at once
        left = left[looked_at:]
        if form == "vcf":
            yield await off_loop(partial(written, contacts, form), kind="contacts")
            continue
        contacts = [msgspec.structs.replace(contact, other=()) for contact in contacts]  # no column has it
        octets += sum(len(msgspec.msgpack.encode(contact)) for contact in contacts)
        if octets > MAX_TABLE:
            raise TooLarge(f"the contacts have more than {MAX_TABLE >> 20} MiB: save them as vCards")
        table += contacts
    if form != "vcf":
        yield await off_loop(partial(written, table, form), kind="contacts")


async def written_calendar(account: Account, where: Collection) -> AsyncIterator[bytes]:
    """A calendar as one file, in pieces. Raises StoreError."""
    yield calendar_head(where.display_name).encode()
    zones: set[str] = set()
    after = 0

    def page(r: Reader) -> list[tuple[Resource, bytes]]:
        return with_data(r, resources_of(r, where.id, after, PAGE))

    while rows := await account.read(page, op="calendar-file"):
        for resource, data in rows:
            after = resource.id
            yield calendar_parts((await read(data)).calendar, zones).encode()
    yield CALENDAR_END.encode()
