"""Calendars and address books of a user at another server, copied from there by CalDAV and CardDAV (DAV-43).

An entry whose UID the account already has isn't changed.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

import msgspec
import trio

from moxlite.groupware.davclient import HOMES, CopyFailed, Place, Remote, WrongPassword
from moxlite.groupware.entries import BadEntry, Expander, imported, read, with_outcome
from moxlite.groupware.files import note_changes, note_problems, unread_reason
from moxlite.groupware.people import user_of
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.net.httpclient import HTTPClient
from moxlite.net.limits import LoginsElsewhere
from moxlite.net.resolver import Resolver
from moxlite.operations.groupware import Copied, CopyCalendars
from moxlite.operations.move import PlaceCount
from moxlite.operations.performing import commands
from moxlite.processor import act_for, off_loop
from moxlite.proto.cards.calendarobject import BadObject
from moxlite.proto.cards.cardobject import FileCard
from moxlite.proto.cards.contactfiles import read_contacts
from moxlite.proto.cards.vcard import Contact, Unreadable
from moxlite.store.errors import LimitExceeded, OverQuota
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.collection import (
    Collection,
    collections_of,
    copied_from,
    create_collection,
    default_of,
    ensure_defaults,
    has_due,
    note_copied_from,
)
from moxlite.store.groupware.contacts import import_contacts, known_contact, settle_contacts
from moxlite.store.groupware.resources import entry_with_uid
from moxlite.store.groupware.scheduling import add_entry, added_entry
from moxlite.wording import reason_of

if TYPE_CHECKING:
    from moxlite.config.snapshot import CurrentConfig, Snapshot
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.store.changelog.unit import AccountTx

logger = logging.getLogger("moxlite.groupware")

BATCH: Final = 50
"""Entries that are asked for at once; contacts that are added in one unit."""

MAX_RUNNING: Final = 4
"""Copies that run at a time. Each may hold a response of up to 8 MiB before it takes room in the ledger."""

KEPT_SECONDS: Final = 24 * 3600.0
"""Seconds for which the result of a copy in the background is shown."""

COMPONENTS: Final = ("VEVENT", "VTODO", "VJOURNAL")

Phase = Literal["running", "done", "failed", "aborted"]


class CopyBusy(CopyFailed):
    """A copy of this account, or several of others, are running."""


class CopyLook(msgspec.Struct, kw_only=True):
    """A copy in the background, of `host` for `user`. `place`, `at`, `of`: the calendar or address book that is read
    now, and its entries. `error`: why it has failed. `ended`: in Trio's clock.
    """

    host: str
    user: str
    phase: Phase = "running"
    place: str = ""
    at: int = 0
    of: int = 0
    copied: Copied = msgspec.field(default_factory=Copied)
    error: str = ""
    ended: float = 0.0

    async def tell(self, place: str, at: int, of: int) -> None:
        """Note how far it is."""
        self.place, self.at, self.of = place, at, of
        await trio.lowlevel.checkpoint()


Tell = Callable[[str, int, int], Awaitable[None]]
"""Function that hears of a place, the number of its entries that were read, and of all."""


class CalendarCopies:
    """Copies from other servers: for the operation, and in the background for users, the latest of each account.

    Args:
      start: starts a task of its own.
      logins: counts the log-ins that users begin.
    """

    def __init__(
        self,
        config: CurrentConfig,
        accounts: Accounts,
        client: HTTPClient,
        resolver: Resolver,
        start: Callable[[Callable[[], Awaitable[None]]], None],
        logins: LoginsElsewhere,
    ) -> None:
        self._config = config
        self._accounts = accounts
        self._client = client
        self._resolver = resolver
        self._start = start
        self._logins = logins
        self._looks: dict[str, CopyLook] = {}
        self._scopes: dict[str, trio.CancelScope] = {}

    def registry(self) -> Mapping[str, Command]:
        """The operation by its name."""
        return commands(CopyCalendars.bind_stream(self._copy), refusals=(CopyFailed,))

    def begin(self, order: CopyCalendars) -> None:
        """Begin a copy in the background. Raises CopyBusy, TooManyLogins, and CopyFailed for an address that is not
        asked.
        """
        if order.account in self._scopes:
            raise CopyBusy("a calendar copy is already running")
        if len(self._scopes) >= MAX_RUNNING:
            raise CopyBusy("too many calendar copies are running on this server; try again later")
        remote = Remote(self._client, self._resolver, order.url, order.user, order.password)
        look = CopyLook(host=urlsplit(order.url).hostname or "", user=order.user)
        clear = self._logins.begin(order.account, look.host, look.user)
        self._looks[order.account] = look
        self._scopes[order.account] = trio.CancelScope()
        self._start(partial(self._serve, order.account, remote, clear))

    def look(self, account: str) -> CopyLook | None:
        """The copy of an account that runs, or has ended in the last day."""
        found = self._looks.get(account)
        if found is not None and found.ended and trio.current_time() - found.ended > KEPT_SECONDS:
            del self._looks[account]
            return None
        return found

    def abort(self, account: str) -> None:
        """Stop a copy, and keep the entries copied so far."""
        if account in self._scopes:
            self._scopes[account].cancel()

    def forget(self, account: str) -> None:
        """Show the result of a copy that has ended no longer."""
        if account not in self._scopes:
            self._looks.pop(account, None)

    def reconfigured(self, old: Snapshot, new: Snapshot) -> None:
        """End the copies of accounts that are being removed: the removal waits until the accounts are unused
        (STORE-140), and a slow server would have it wait for days. Later accounts of these names see nothing of them.
        """
        del old
        for name in [name for name in self._looks if new.account(name) is None]:
            self.abort(name)
            del self._looks[name]

    async def _serve(self, name: str, remote: Remote, clear: Callable[[], None]) -> None:
        """`clear`: for a log-in that isn't rejected (`LoginsElsewhere.begin`).

        Errors: all are shown to the user; unexpected ones come out, too.
        """
        act_for(name)
        look, scope = self._looks[name], self._scopes[name]
        phase: Phase = "failed"
        error = "server error; see the server log"
        rejected = False
        try:
            with scope:
                with remote:
                    await self._run(name, remote, look.copied, look.tell)
                phase, error = "done", ""
            if scope.cancelled_caught:
                phase, error = "aborted", ""
        except (CopyFailed, LimitExceeded) as failure:
            error = reason_of(failure)
            rejected = isinstance(failure, WrongPassword)
        except OverQuota:
            error = "not enough space in the account"
        except CommandFailed as failure:
            error = str(failure)
        finally:
            if phase != "aborted" and not rejected:
                clear()
            del self._scopes[name]
            look.phase, look.error, look.ended = phase, error, trio.current_time()
            counts = {"added": look.copied.added, "known": look.copied.known, "unread": look.copied.unread}
            kv = {"account": name, "host": look.host, "user": look.user, **counts, "end": error or phase}
            logger.info("calendar copy finished", extra={"kv": kv})

    async def _copy(self, args: CopyCalendars, exchange: Exchange) -> Copied:
        done = Copied()

        async def tell(place: str, at: int, of: int) -> None:
            await exchange.progress(f"{place}: {at} of {of}")

        with Remote(self._client, self._resolver, args.url, args.user, args.password) as remote:
            await self._run(args.account, remote, done, tell)
        return done

    async def _run(self, name: str, remote: Remote, done: Copied, tell: Tell) -> None:
        """Copy all; `done` grows. Raises CopyFailed, CommandFailed, StoreError."""
        failures: list[CopyFailed] = []
        async with self._accounts.use(name) as account:
            await account.write(ensure_defaults)
            async with aclosing(_places(remote, failures)) as places:
                async for place in places:
                    await self._take(account, remote, place, done, tell)
        done.problems += [str(failure) for failure in failures]

    async def count(self, order: CopyCalendars) -> list[PlaceCount]:
        """Count what `order` would copy, and what of it is not here. Raises CopyFailed, StoreError."""
        with Remote(self._client, self._resolver, order.url, order.user, order.password) as remote:
            async with self._accounts.use(order.account) as account, aclosing(_places(remote, [])) as places:
                return [await self._count(account, remote, place) async for place in places]

    async def _count(self, account: OpenAccount, remote: Remote, place: Place) -> PlaceCount:
        hrefs, missing, unread = await remote.entries(place), 0, 0
        for start in range(0, len(hrefs), BATCH):
            wanted = hrefs[start : start + BATCH]
            found = await remote.data(place, wanted)
            unread += max(0, len(wanted) - len(found))
            for data in found:
                here = await (_has_entry if place.kind == "calendar" else _has_card)(account, data)
                unread, missing = unread + (here is None), missing + (here is False)
        return PlaceCount(place.title, len(hrefs), missing, unread)

    async def _take(self, account: OpenAccount, remote: Remote, place: Place, done: Copied, tell: Tell) -> None:
        """Copy one place."""
        hrefs = await remote.entries(place)
        take = self._take_entries if place.kind == "calendar" else self._take_cards
        done.places += 1
        if place.kind == "contact":
            await account.write(partial(_note_book, place=place))
        for start in range(0, len(hrefs), BATCH):
            wanted = hrefs[start : start + BATCH]
            found = await remote.data(place, wanted)
            # Also count entries deleted there since they were listed, so that the user can see that not all were
            # copied.
            done.unread += max(0, len(wanted) - len(found))
            await take(account, place, found, done)
            await tell(place.title, min(start + BATCH, len(hrefs)), len(hrefs))

    async def _take_entries(self, account: OpenAccount, place: Place, found: list[bytes], done: Copied) -> None:
        where = await account.write(partial(_calendar_for, place=place))
        expander, owner = Expander(account), user_of(self._config.current, account.name)
        for octets in found:
            try:
                entry = await imported(expander, where, octets)
            except BadEntry as error:
                note_problems(done, [unread_reason(octets, error)])
                continue
            note_changes(done, entry)
            put = await with_outcome(account, where.id, added_entry(entry.data, entry.facts, owner))
            added = await account.write(partial(add_entry, where=where, entry=put))
            done.added, done.known = done.added + added, done.known + (not added)

    async def _take_cards(self, account: OpenAccount, place: Place, found: list[bytes], done: Copied) -> None:
        try:
            cards = await off_loop(lambda: [*read_contacts(found)], kind="import")
        except Unreadable as error:
            note_problems(done, [f"{place.title}: {error}"])
            return
        note_problems(done, [reason_of(card) for card in cards if isinstance(card, Unreadable)])
        contacts = [card for card in cards if isinstance(card, FileCard | Contact)]
        while await account.read(has_due, op="groupware"):
            await account.write(settle_contacts)
        added, known = await account.write(partial(import_contacts, contacts=contacts))
        done.added, done.known = done.added + added, done.known + known


async def _places(remote: Remote, failures: list[CopyFailed]) -> AsyncGenerator[Place, None]:
    """All calendars, then all address books. `failures` gets why one kind can't be listed: many servers have calendars
    alone, or contacts alone. Raises CopyFailed if no kind can be, and WrongPassword at once.
    """
    for kind in HOMES:
        try:
            places = await remote.places(kind)
        except WrongPassword:
            raise
        except CopyFailed as error:
            failures.append(error)
            continue
        for place in places:
            yield place
    if len(failures) == len(HOMES):
        raise failures[0]


async def _has_entry(account: OpenAccount, data: bytes) -> bool | None:
    """Whether the account has an entry with this UID; None if the data can't be read."""
    try:
        uid = (await read(data)).uid
    except BadObject:
        return None
    return await account.read(lambda r: entry_with_uid(r, uid) is not None, op="groupware")


async def _has_card(account: OpenAccount, data: bytes) -> bool | None:
    """Whether the account has the card's contacts; None if the card can't be read."""
    try:
        cards = await off_loop(lambda: [*read_contacts([data])], kind="import")
    except Unreadable:
        return None
    contacts = [card.contact if isinstance(card, FileCard) else card for card in cards]
    if not contacts or any(isinstance(contact, Unreadable) for contact in contacts):
        return None

    def known(r: Reader) -> bool:
        return all(isinstance(contact, Contact) and known_contact(r, contact) is not None for contact in contacts)

    return await account.read(known, op="groupware")


def _calendar_for(tx: AccountTx, place: Place) -> Collection:
    """Find the calendar to copy a place's entries to, or create it."""
    name = f"copy-{hashlib.sha256(place.url.encode()).hexdigest()[:16]}"
    calendars = [collection for collection in collections_of(tx, "calendar") if not collection.subscribed]
    # By the address first: after the user has given it another title, a second copy adds to the same calendar.
    collections = [calendar for calendar in calendars if calendar.name == name] or [
        calendar for calendar in calendars if place.title == calendar.display_name
    ]
    new = Collection(0, "calendar", name, display_name=place.title, colour=place.colour, components=COMPONENTS)
    calendar = collections[0] if collections else create_collection(tx, new)
    note_copied_from(tx, calendar, urlsplit(place.url).path)
    return calendar


def _note_book(tx: AccountTx, place: Place) -> None:
    """Note where the contacts come from. All go to one address book, so only the first one there is known by its
    path: a device with two would show each contact twice.
    """
    book = default_of(collections_of(tx, "contact"))
    if book is not None and not copied_from(book):
        note_copied_from(tx, book, urlsplit(place.url).path)
