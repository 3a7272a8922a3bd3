"""Calendars and contacts as files: what is in a file is added (DAV-40, DAV-49, WEBMAIL-128).

A file that is added is read as a stream in threads, some entries at a time: vCards one by one, a calendar by way of a
second file, since the components of an entry may be anywhere, a table whole, the files of a .zip one after the other.
Names in a .zip only choose a calendar or address book, never a path.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import chain, groupby, islice
from operator import attrgetter
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import msgspec
import trio

from moxlite import lazyimport
from moxlite.groupware.entries import BadEntry, Expander, ImportedEntry, TooBusy, imported, parsed_cost, with_outcome
from moxlite.groupware.people import user_of
from moxlite.groupware.photos import ContactPhotos, folder_and_name
from moxlite.ledger import NoRoom, ledger
from moxlite.processor import give_way, off_loop
from moxlite.proto.cards.calendarfiles import (
    HEAD_OCTETS,
    MAX_COMPONENTS,
    MAX_FILE,
    About,
    about_of,
    counted_calendars,
    file_lines,
    file_text,
    title_in,
)
from moxlite.proto.cards.cardobject import FileCard, changed_card, read_card
from moxlite.proto.cards.contactfiles import MAX_FILE as MAX_TABLE_READ, MAX_READ, cards_in, read_contacts
from moxlite.proto.cards.contentline import escaped, plain
from moxlite.proto.cards.limits import MAX_ENTRY
from moxlite.proto.cards.vcard import Contact, Unreadable
from moxlite.store.errors import ImportFailed, StorageFull, StoreError
from moxlite.store.file.boundary import Edge, storage
from moxlite.store.groupware.collection import (
    COMPONENTS,
    Collection,
    Kind,
    collection,
    collections_of,
    create_collection,
    has_due,
)
from moxlite.store.groupware.contacts import default_book, import_contacts, settle_contacts
from moxlite.store.groupware.resources import together
from moxlite.store.groupware.scheduling import EntryPut, add_entry, added_entry, default_calendar
from moxlite.store.imports.items import Problems
from moxlite.wording import Worded, counted, reason_of, worded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from moxlite.config.snapshot import CurrentConfig
    from moxlite.operations.groupware import Copied
    from moxlite.store.changelog.account import Account
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.groupware.scheduling import User
    from moxlite.store.imports.archives import Member

logger = logging.getLogger("moxlite.groupware")

COMPONENT: Final = 530
"""Octets that a component of a calendar takes until the entries of the file are known: measured with long UIDs."""

SHORTEST: Final = 26
"""Octets of a component at least."""

ENTRY: Final = 6
CARD: Final = 4
TABLE: Final = 2
ROW: Final = 4 << 20
"""Times the octets of an entry, of a card, and of a table that these take until they are parsed, and octets of the
longest row: measured with an emoji.
"""

BATCH: Final = 25
"""Entries that are added in one unit: 10 ms."""

PIECE: Final = 256 << 10
"""Octets of a file to read at a time."""

ZIP_MARK: Final = b"PK\x03\x04"
"""The first octets of a .zip (APPNOTE.TXT §4.3.7)."""

MAX_PROBLEMS: Final = 20
"""Problems to report for a file."""

MAX_MEMBERS: Final = 20_000
"""Files of a .zip."""

MAX_UNPACKED: Final = 512 << 20
"""Octets of all calendars and contacts of a .zip."""

SUFFIXES: Final[dict[str, Kind]] = {".ics": "calendar", ".vcf": "contact"}
FOLDERS: Final[dict[Kind, str]] = {"calendar": "calendars", "contact": "address-books"}
"""Folders of a .zip that we write. The name of an address book is that of its file: vCards have no place for it."""

FLOATS: Final = worded("unknown time zone, so times are the same in all time zones")
CHANGES: Final = {
    "line": worded("skipped lines that can't be read"),
    "end": worded("skipped the end because it isn't valid"),
    "rule": worded("skipped the repeat rule because it isn't valid"),
    "excluded": worded("kept dates that a second rule (EXRULE) excludes"),
}
"""What was changed in an entry that no calendar takes as it was (`mended`)."""

EDGE: Final = Edge("data/tmp")


class NoEntries(Exception):
    """A file that is no calendar, or an empty one."""


class ImportResult(msgspec.Struct):
    """An import, also while it runs.

    Attributes:
      added, known: numbers of entries that were added, and that the account had.
      unread: number of those that could not be read; problems: why, of the first ones.
      changed: entries that were added without what no calendar takes, which `problems` name, too.
      dropped: contacts with pictures too large to keep; photos: files of photos beside contacts that no contact took.
      read, size: octets of the file that were read, and all, by which the rest is guessed; stop: end with what is done.
    """

    added: int = 0
    known: int = 0
    unread: int = 0
    problems: list[str] = []
    changed: int = 0
    dropped: int = 0
    photos: int = 0
    read: float = 0.0
    size: int = 0
    stop: bool = False

    @property
    def done(self) -> int:
        """Entries that were read."""
        return self.added + self.known + self.unread


def note_problems(done: ImportResult | Copied, reasons: Sequence[str]) -> None:
    """Count entries that cannot be read, and keep the first reasons."""
    done.unread += len(reasons)
    done.problems += reasons[: max(0, MAX_PROBLEMS - len(done.problems))]


def unread_reason(octets: bytes, error: BadEntry) -> Worded:
    """Why an entry can't be read, with its title."""
    return _of_entry(title_in(octets.decode("utf-8", "replace")), reason_of(error))


def note_changes(done: ImportResult | Copied, entry: ImportedEntry) -> None:
    """Count an entry that a calendar couldn't take as it was, and keep what has changed of the first ones."""
    zoned = worded("unknown time zone, so times are in {zone}", zone=entry.zone) if entry.zone else FLOATS
    texts = {**CHANGES, "zone": zoned}
    done.changed += bool(entry.left)
    reasons = [_of_entry(entry.facts.title, texts[word]) for word in sorted(entry.left)]
    done.problems += reasons[: max(0, MAX_PROBLEMS - len(done.problems))]


def _of_entry(title: str, reason: Worded) -> Worded:
    return worded("{name}: {reason}", name=title, reason=reason) if title else reason


class Target(msgspec.Struct, frozen=True):
    """Where the entries of a file go. `kind`: of a file that is no .zip. `where`: into this collection, None for the
    first one. `group`: all contacts get it.
    """

    kind: Kind
    where: Collection | None = None
    group: str = ""


class Item(msgspec.Struct, frozen=True):
    """An entry of a file, a contact, or why one cannot be read; of the calendar or address book of this title, "" for
    that which the user has chosen.
    """

    kind: Kind
    about: About
    entry: bytes | FileCard | Contact | Unreadable

    @property
    def place(self) -> tuple[Kind, About]:
        """Its calendar or address book."""
        return self.kind, self.about

    @property
    def octets(self) -> int:
        """About the octets that it takes."""
        if isinstance(self.entry, bytes):
            return len(self.entry)
        if isinstance(self.entry, FileCard):
            return len(self.entry.data)
        return sum(map(len, self.entry.other)) if isinstance(self.entry, Contact) else 0


@asynccontextmanager
async def spooled(pieces: AsyncIterator[bytes], tmp: Path, reserve: int, most: int) -> AsyncIterator[BinaryIO]:
    """A file without a name in a folder, with the pieces of a file of at most `most` octets, which leaves `reserve` of
    the disk free. Raises Unreadable, StoreError.
    """
    with storage(EDGE):
        file = cast("BinaryIO", await trio.to_thread.run_sync(partial(tempfile.TemporaryFile, dir=tmp)))
    with file:
        size = 0
        async for piece in pieces:
            size += len(piece)
            if size > most:
                raise Unreadable(worded("the file is larger than {most} MiB", most=most >> 20))
            with storage(EDGE):
                await trio.to_thread.run_sync(_write, file, piece, tmp, reserve)
        yield file


def _write(file: BinaryIO, piece: bytes, tmp: Path, reserve: int) -> None:
    # At each piece: others write to the same disk meanwhile, and mail must still find room.
    if shutil.disk_usage(tmp).free - len(piece) < reserve:
        raise StorageFull(f"{EDGE.name}: not enough space")
    file.write(piece)


async def add_file(
    account: Account, file: BinaryIO, target: Target, done: ImportResult, owner: User, tmp: Path
) -> None:
    """Add what is in a file, of one kind or a .zip with both, to what an account has; no guest is told. `done` grows.
    What was added stays if a later entry fails.

    Args:
      owner: of the account.
      tmp: folder for a file without a name, which has the texts of a calendar's entries until all are known.

    Raises NoEntries, TooBusy, StoreError; Unreadable: the file cannot be read, or not further.
    """
    await lazyimport.load("moxlite.store.imports.archives")
    hold = ledger().hold()
    try:
        await hold.take("file", await trio.to_thread.run_sync(_cost_of, file, target.kind))
        while await account.read(has_due, op="groupware"):
            await account.write(settle_contacts)
        await _add(account, _items(file, target.kind, done, tmp), target, done, owner)
    except NoRoom:
        raise TooBusy from None
    finally:
        hold.close()


def _cost_of(file: BinaryIO, kind: Kind) -> int:
    """Octets that it takes to read a file, of a .zip the largest of all."""
    size = file.seek(0, 2)
    file.seek(0)
    start = file.read(len(ZIP_MARK))
    if start == ZIP_MARK:
        return max(calendar_cost(MAX_FILE), contacts_cost(MAX_TABLE_READ))
    return calendar_cost(size) if kind == "calendar" else contacts_cost(size)


def calendar_cost(octets: int) -> int:
    """Octets that it takes to read a calendar of so many: what is known of all components, and one entry."""
    return COMPONENT * min(MAX_COMPONENTS, octets // SHORTEST) + ENTRY * min(MAX_ENTRY, octets)


def contacts_cost(octets: int) -> int:
    """Octets that it takes to read contacts of so many: a card with its objects, or a table."""
    card = min(MAX_ENTRY, octets)
    return max(parsed_cost(card) + CARD * card, TABLE * min(MAX_TABLE_READ, octets) + ROW)


async def _add(account: Account, items: Iterator[Item], target: Target, done: ImportResult, owner: User) -> None:
    expander = Expander(account)
    places: dict[tuple[Kind, About], Collection] = {}
    while not done.stop and (batch := await off_loop(lambda: _some(items), kind="import")):
        for place, run in groupby(batch, attrgetter("place")):
            if place not in places:
                places[place] = await account.write(partial(_place, target=target, kind=place[0], about=place[1]))
            entries = [item.entry for item in run]
            # Counted with the batch that they came in, so that the numbers fit what is shown as read.
            note_problems(done, [reason_of(entry) for entry in entries if isinstance(entry, Unreadable)])
            events = [entry for entry in entries if isinstance(entry, bytes)]
            contacts = [entry for entry in entries if isinstance(entry, FileCard | Contact)]
            if events:
                await _add_events(account, expander, places[place], events, done, owner)
            if contacts:
                await _add_contacts(account, places[place], contacts, target.group, done)
    if done.done or done.stop:
        return
    if target.kind == "calendar":
        raise NoEntries("the file doesn't contain any events or tasks")
    raise NoEntries("the file doesn't contain any contacts")


async def add_beside(config: CurrentConfig, account: Account, file: BinaryIO) -> Problems:
    """Add the calendars and contacts that an archive of mail had, of a .zip; returns what could not be added."""
    done, problems = ImportResult(), Problems()
    try:
        tmp = config.current.static.data_dir / "tmp"
        await add_file(account, file, Target("calendar"), done, user_of(config.current, account.name), tmp)
    except NoEntries:
        pass
    except TooBusy:
        problems.add("skipped calendars and contacts because the server is busy")
    except (Unreadable, StoreError) as error:
        problems.add(f"skipped the remaining calendars and contacts: {reason_of(error)}")
    for reason in done.problems:
        problems.add(f"calendars and contacts: {reason}")
    problems.count += max(0, done.unread + done.changed - len(done.problems))
    if done.photos:
        problems.add(f"skipped {counted(done.photos, 'photo')} without a contact of that name")
    if done.dropped:
        problems.add(f"skipped the photos of {done.dropped} contacts because they're too large")
    return problems


def _some(items: Iterator[Item]) -> list[Item]:
    """In a thread: the next items, as many as one unit adds. Raises Unreadable."""
    try:
        return [*together(islice(items, BATCH), attrgetter("octets"))]
    except ImportFailed as error:
        raise Unreadable(reason_of(error)) from None


def _place(tx: AccountTx, target: Target, kind: Kind, about: About) -> Collection:
    """Find or create the collection for a file's entries.

    It's the one with the file's title, else the chosen one, else the first. Raises NoSuchCollection, LimitExceeded.
    """
    if about.title:
        # A file that is added twice goes to the same calendar, where its entries are known by their UIDs.
        own = [one for one in collections_of(tx, kind) if not one.subscribed and _title(one) == about.title]
        new = Collection(
            0,
            kind,
            f"import-{time.time_ns():x}",
            display_name=about.title,
            colour=about.colour,
            description=about.description,
            components=COMPONENTS if kind == "calendar" else (),
        )
        return own[0] if own else create_collection(tx, new)
    if target.where is not None and target.where.kind == kind:
        return collection(tx, target.where.id)
    return default_calendar(tx, "VEVENT") if kind == "calendar" else default_book(tx)


def _title(where: Collection) -> str:
    """The title of a collection as its file has it."""
    return plain(escaped(where.display_name or where.name), 200)


async def _add_events(
    account: Account, expander: Expander, where: Collection, events: list[bytes], done: ImportResult, owner: User
) -> None:
    puts: list[EntryPut] = []
    for octets in events:
        await give_way()
        try:
            entry = await imported(expander, where, octets)
            puts.append(await with_outcome(account, where.id, added_entry(entry.data, entry.facts, owner)))
            note_changes(done, entry)
        except BadEntry as error:
            note_problems(done, [unread_reason(octets, error)])
    added = await account.write(lambda tx: sum(add_entry(tx, where, entry) for entry in puts))
    done.added += added
    done.known += len(puts) - added


async def _add_contacts(
    account: Account, book: Collection, contacts: list[FileCard | Contact], group: str, done: ImportResult
) -> None:
    if group:
        contacts = await off_loop(lambda: [_grouped(one, group) for one in contacts], kind="import")
    added, known = await account.write(partial(import_contacts, contacts=contacts, book=book))
    done.added, done.known = done.added + added, done.known + known
    done.dropped += sum(isinstance(one, Contact) and bool(one.dropped) for one in contacts)


def _grouped(given: FileCard | Contact, group: str) -> FileCard | Contact:
    """In a thread: a contact in one more group."""
    contact = given.contact if isinstance(given, FileCard) else given
    contact = msgspec.structs.replace(contact, groups=(*contact.groups, group)[-50:])
    return FileCard(contact, changed_card(read_card(given.data), contact)) if isinstance(given, FileCard) else contact


# Parsing of files. All of it runs in threads.


def _items(file: BinaryIO, kind: Kind, done: ImportResult, tmp: Path) -> Iterator[Item]:
    """The items of a file, in order. Raises Unreadable, ImportFailed."""
    done.size = file.seek(0, 2)
    file.seek(0)
    start = file.read(len(ZIP_MARK))
    file.seek(0)
    if start == ZIP_MARK:
        yield from _archived(file, done, tmp)
    elif kind == "calendar":
        yield from _events(_pieces(file), done.size, "", done, tmp)
    else:
        if cards_in(_pieces(file)) > MAX_READ:
            raise Unreadable(worded("the file contains more than {most} contacts", most=MAX_READ))
        file.seek(0)
        yield from _contacts(_pieces(file), "", done)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece


def _events(pieces: Iterable[bytes], size: int, name: str, done: ImportResult, tmp: Path) -> Iterator[Item]:
    """The entries of a calendar. `name`: of the file in a .zip, whose entries have the calendar's own name."""
    if size > MAX_FILE:
        raise Unreadable(worded("the file is larger than {most} MiB", most=MAX_FILE >> 20))
    first = b""
    source = iter(pieces)
    while name and len(first) < HEAD_OCTETS and (piece := next(source, b"")):
        first += piece
    about = about_of(file_text(first[:HEAD_OCTETS].rpartition(b"\n")[0])) if name else About()
    with tempfile.TemporaryFile(dir=tmp) as file:
        for entry, number in counted_calendars(file_lines(chain([first], source)), cast("BinaryIO", file)):
            yield Item("calendar", about, entry.encode("utf-8", "replace"))
            done.read += size / number


def _contacts(pieces: Iterable[bytes], title: str, done: ImportResult) -> Iterator[Item]:
    def counted() -> Iterator[bytes]:
        for piece in pieces:
            done.read += len(piece)
            yield piece

    for contact in read_contacts(counted()):
        yield Item("contact", About(title), contact)


def _archived(file: BinaryIO, done: ImportResult, tmp: Path) -> Iterator[Item]:
    """The entries of the calendars and address books in a .zip, whose directory is looked at first: what has too many
    files, or too large ones, is not read at all. No member has more octets than the directory says.
    """
    from moxlite.store.imports.archives import zip_members

    photos = _looked_through(file, done)
    for member in zip_members(file):
        kind, before = _kind_of(member), done.read
        folder, name = _names_of(member)
        try:
            if kind == "calendar":
                yield from _events(member.pieces, member.size, name, done, tmp)
            elif kind == "contact":
                contacts = _contacts(member.pieces, name if folder == FOLDERS[kind] else "", done)
                yield from _pictured(contacts, photos, folder_and_name(member.name)[0])
        except Unreadable as error:  # the other files may be well
            yield Item(kind or "calendar", About(), Unreadable(f"{name}: {reason_of(error)}"))
        if kind is not None:
            done.read = before + member.size
    done.photos = photos.left


def _looked_through(file: BinaryIO, done: ImportResult) -> ContactPhotos:
    """The photos in a .zip that are beside contacts. Sets `done.size`. Raises Unreadable: it has too much."""
    from moxlite.store.imports.archives import zip_members

    done.size = 0
    photos, folders = ContactPhotos(), set[str]()
    for number, member in enumerate(zip_members(file), 1):
        kind = _kind_of(member)
        if kind is None:
            photos.add(member)
        else:
            done.size += member.size
        if kind == "contact":
            folders.add(folder_and_name(member.name)[0])
        if number > MAX_MEMBERS:
            raise Unreadable(worded("the archive has more than {most} files", most=MAX_MEMBERS))
        if done.size > MAX_UNPACKED:
            raise Unreadable(worded("the file is larger than {most} MiB", most=MAX_UNPACKED >> 20))
    photos.keep_folders(folders)
    return photos


def _pictured(contacts: Iterator[Item], photos: ContactPhotos, folder: str) -> Iterator[Item]:
    """The contacts with the photos that are in their folder."""
    for item in contacts:
        if isinstance(item.entry, FileCard):
            yield msgspec.structs.replace(item, entry=photos.pictured(folder, item.entry))
        else:
            yield item


def _names_of(member: Member) -> tuple[str, str]:
    """The folder and the name without its suffix of a file in a .zip, each as people may see it."""
    path = member.name.rpartition("/")
    folder, name = path[0].rpartition("/")[2], path[2].rpartition(".")[0]
    return plain(folder, 200), plain(name, 200)


def _kind_of(member: Member) -> Kind | None:
    """The content of a file in a .zip; None for a file that is left out, such as systems add (``__MACOSX/._a.ics``)."""
    name = member.name.rpartition("/")[2]
    hidden = name.startswith(".") or member.kind != "file"
    return None if hidden else SUFFIXES.get(name[-4:].lower())
