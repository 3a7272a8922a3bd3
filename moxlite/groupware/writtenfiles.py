"""Calendars and contacts as files that are written: a calendar, contacts, or all of both as a .zip (DAV-40, DAV-49a).

A damaged entry is left out of them, logged, and told in a line of `errors`.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import AsyncIterator
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Final, Literal

import msgspec
import trio

from moxlite import lazyimport
from moxlite.encoding import to_msgpack
from moxlite.groupware.entries import read
from moxlite.groupware.files import EDGE, FOLDERS, PIECE, SUFFIXES
from moxlite.processor import off_loop
from moxlite.proto.cards.calendarfiles import CALENDAR_END, About, WrittenZones, calendar_head, calendar_parts
from moxlite.proto.cards.calendarobject import BadObject
from moxlite.proto.cards.cardobject import BadCard, read_card, shown_card
from moxlite.proto.cards.contentline import plain
from moxlite.proto.cards.vcard import Contact
from moxlite.store.file.boundary import storage
from moxlite.store.groupware.collection import Collection, collections_of, has_due
from moxlite.store.groupware.contacts import contact_ids, settle_contacts, some_cards, some_contacts
from moxlite.store.groupware.groups import group_ids
from moxlite.store.groupware.resources import resources_of, with_data

if TYPE_CHECKING:
    from pathlib import Path

    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader
    from moxlite.store.groupware.resources import Resource

logger = logging.getLogger("moxlite.groupware")

PAGE: Final = 100
"""Entries that are read at once."""

MAX_TABLE: Final = 16 << 20
"""Octets of contacts in a CSV table, which is built in memory because all rows decide its number of columns."""

ERRORS: Final = "errors.txt"
"""File of a .zip with a line for each damaged entry, if there is one."""

TITLE: Final = re.compile(rb"^(?:SUMMARY|FN)\b[^:\r\n]*:([^\r\n]{1,100})", re.IGNORECASE | re.MULTILINE)
"""The title of an entry that cannot be read."""


class TooLarge(Exception):
    """The contacts are too many for a table."""


def _note(errors: list[str], account: Account, place: str, data: bytes, error: BadObject | BadCard) -> None:
    title = TITLE.search(data)
    shown = "an entry" if title is None else plain(title[1].decode("utf-8", "replace"), 100)
    errors.append(f"{place}: {shown}: {error}")
    logger.error("skipped damaged entry", extra={"kv": {"account": account.name, "entry": errors[-1]}})


async def written_contacts(account: Account, form: Literal["vcf", "csv"], errors: list[str]) -> AsyncIterator[bytes]:
    """All contacts as vCards 4.0 ("vcf") or a table ("csv"), in pieces. Raises StoreError, and before the first piece
    TooLarge.
    """

    def of_version_4(card: bytes) -> bytes:
        try:
            return shown_card(read_card(card), "4.0", ()).encode()
        except BadCard as error:
            _note(errors, account, "contacts", card, error)
            return b""

    left = await account.read(contact_ids, op="contacts_export")
    if form == "csv":
        yield await _table(account, left)
        return
    left += await account.read(group_ids, op="contacts_export")
    while left:
        cards, looked_at = await account.scan(lambda r: some_cards(r, left), op="contacts_export")  # noqa: B023 at once
        left = left[looked_at:]
        yield await off_loop(lambda: b"".join(map(of_version_4, cards)), kind="contacts")  # noqa: B023 at once


async def _table(account: Account, left: list[int]) -> bytes:
    await lazyimport.load("moxlite.proto.cards.contactscsv")
    from moxlite.proto.cards.contactscsv import write_csv

    table: list[Contact] = []
    octets = 0
    while left:
        contacts, looked_at = await account.scan(lambda r: some_contacts(r, left), op="contacts_export")  # noqa: B023 at once
        left = left[looked_at:]
        contacts = [msgspec.structs.replace(contact, other=()) for contact in contacts]  # no column has it
        octets += sum(len(to_msgpack(contact)) for contact in contacts)
        if octets > MAX_TABLE:
            raise TooLarge(f"the contacts are larger than {MAX_TABLE >> 20} MiB; export them as vCards instead")
        table += contacts
    return await off_loop(lambda: write_csv(table).encode(), kind="contacts")


async def written_calendar(account: Account, where: Collection, errors: list[str]) -> AsyncIterator[bytes]:
    """A calendar as one file, in pieces. Raises StoreError."""
    about = About(where.display_name or where.name, where.colour, where.description)
    yield calendar_head(about).encode()
    zones = WrittenZones()
    async for data in _entries(account, where):
        try:
            entry = await read(data)
        except BadObject as error:
            _note(errors, account, about.title, data, error)
        else:
            yield calendar_parts(entry.calendar, zones).encode()
    yield CALENDAR_END.encode()


async def _entries(account: Account, where: Collection) -> AsyncIterator[bytes]:
    """The octets of the entries of a collection, as they were put."""
    after = 0

    def page(r: Reader) -> list[tuple[Resource, bytes]]:
        return with_data(r, resources_of(r, where.id, after, PAGE))

    while rows := await account.read(page, op="groupware-file"):
        for resource, data in rows:
            after = resource.id
            yield data


async def _cards(account: Account, book: Collection) -> AsyncIterator[bytes]:
    """The cards of an address book, as they were put."""
    async for data in _entries(account, book):
        yield data if data.endswith(b"\n") else data + b"\r\n"


async def written_archive(account: Account, tmp: Path, errors: list[str]) -> AsyncIterator[bytes]:
    """All calendars and address books of an account, but subscribed ones, as a .zip with a file of each and one of
    `errors`, in pieces. Its directory is kept in a file without a name in the folder `tmp`. Raises StoreError.
    """
    await lazyimport.load("moxlite.store.exports.containers")
    from moxlite.store.exports.containers import DIRECTORY_STEP, ZipWriter

    while await account.read(has_due, op="groupware"):
        await account.write(settle_contacts)
    places = await account.read(
        lambda r: [one for kind in FOLDERS for one in collections_of(r, kind) if not (one.inbox or one.subscribed)],
        op="groupware-file",
    )
    with storage(EDGE):
        writer = await trio.to_thread.run_sync(ZipWriter, tmp)
    try:
        now = int(time.time())
        taken: set[str] = set()
        for place in places:
            yield writer.begin(_path(place, taken), now)
            pieces = written_calendar(account, place, errors) if place.kind == "calendar" else _cards(account, place)
            async for piece in _joined(pieces):
                if packed := await off_loop(partial(writer.data, piece), kind="export"):
                    yield packed
            with storage(EDGE):
                yield writer.end()
        if errors:
            yield writer.begin(ERRORS, now)
            yield writer.data("".join(f"{line}\n" for line in errors).encode())
            yield writer.end()
        trailer, at = writer.trailer(), 0
        while piece := writer.directory(at, DIRECTORY_STEP):
            at += len(piece)
            yield piece
        yield trailer
    finally:
        writer.close()


async def _joined(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The octets of small pieces in larger ones, each of which is packed in a thread."""
    held = bytearray()
    async for piece in pieces:
        held += piece
        if len(held) >= PIECE:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


def _path(place: Collection, taken: set[str]) -> str:
    """The path of a collection in a .zip, other than those that are taken, in any case: not all systems know it."""
    name = plain(place.display_name, 100) or place.name
    shown = "".join("_" if sign in '/\\:*?"<>|' else sign for sign in name).strip(" .") or place.name
    suffix = next(suffix for suffix, kind in SUFFIXES.items() if kind == place.kind)
    begin = f"{FOLDERS[place.kind]}/{shown}"
    paths = (f"{begin} ({number}){suffix}" if number > 1 else f"{begin}{suffix}" for number in count(1))
    path = next(path for path in paths if path.casefold() not in taken)
    taken.add(path.casefold())
    return path
