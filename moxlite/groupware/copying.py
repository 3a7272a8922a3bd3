"""Calendars and address books of a user at another server, copied from there by CalDAV and CardDAV (DAV-43).

The other server is a stranger's: its answers are bounded, `net.httpclient` says which addresses may be asked, and the
password goes to https alone. Nothing is changed there. An entry whose UID the account already has isn't changed.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Awaitable, Callable, Container, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, Self, TypeAlias
from urllib.parse import urljoin, urlsplit

import msgspec
import trio

from moxlite.groupware.entries import BadEntry, Expander, read, with_outcome
from moxlite.groupware.files import note_problems
from moxlite.groupware.people import user_of
from moxlite.ledger import NoRoom, ledger
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.net.httpclient import HTTPClient, HTTPError
from moxlite.net.limits import LoginsElsewhere
from moxlite.net.resolver import DNSError, Resolver
from moxlite.operations.groupware import Copied, CopyCalendars
from moxlite.operations.move import PlaceCount
from moxlite.operations.performing import commands
from moxlite.processor import act_for, off_loop
from moxlite.proto.cards.calendarobject import BadObject
from moxlite.proto.cards.cardobject import FileCard
from moxlite.proto.cards.contactfiles import read_contacts
from moxlite.proto.cards.vcard import Contact, Unreadable
from moxlite.proto.dav.xml import APPLE, CALDAV, CARDDAV, DAV, BadXML, document, each_child, element, text
from moxlite.proto.publicsuffix import organizational_domain
from moxlite.store.errors import LimitExceeded, OverQuota
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.collection import (
    Collection,
    Kind,
    collections_of,
    create_collection,
    ensure_defaults,
    has_due,
)
from moxlite.store.groupware.contacts import import_contacts, known_contact, settle_contacts
from moxlite.store.groupware.resources import entry_with_uid
from moxlite.store.groupware.scheduling import add_entry, added_entry
from moxlite.wording import reason_of, worded

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from moxlite.config.snapshot import CurrentConfig, Snapshot
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.store.changelog.unit import AccountTx

logger = logging.getLogger("moxlite.groupware")

SECONDS: Final = 60.0
"""Seconds of one request."""

MAX_LIST: Final = 8 << 20
"""Octets of a list of places or entries: 20,000 entries have 4 to 6 MB."""

MAX_ANSWER: Final = 4 << 20
"""Octets of an answer with entries. Where it is larger, fewer are asked for, and an entry has 1 MiB at most."""

COST: Final = 8
"""Octets of memory for each octet of an answer at most, and of a list with its entries."""

MAX_ELEMENTS: Final = 150_000
"""Elements of an answer, seven for each entry of a list."""

MAX_PLACES: Final = 100
"""Calendars, or address books, that are copied."""

MAX_KINDS: Final = 10
"""Elements of a property that are looked at: the type of a shared calendar has five."""

BATCH: Final = 50
"""Entries that are asked for at once; contacts that are added in one unit."""

REDIRECTS: Final = 5
"""Addresses that are asked for one request, the first one included; a loop of redirects ends here."""

MOVED: Final = frozenset({301, 302, 307, 308})

MAX_RUNNING: Final = 4
"""Copies that run at a time. Each may hold a response of up to 8 MiB before it takes room in the ledger."""

ROOM_SECONDS: Final = 600.0
"""Seconds for which a copy waits for room: nobody waits for its next answer."""

KEPT_SECONDS: Final = 24 * 3600.0
"""Seconds for which the result of a copy in the background is shown."""

HOMES: Final[dict[Kind, str]] = {"calendar": CALDAV + "calendar-home-set", "contact": CARDDAV + "addressbook-home-set"}
TYPES: Final[dict[Kind, str]] = {"calendar": CALDAV + "calendar", "contact": CARDDAV + "addressbook"}
WELL_KNOWN: Final[dict[Kind, str]] = {"calendar": "/.well-known/caldav", "contact": "/.well-known/carddav"}
SERVICES: Final[dict[Kind, str]] = {"calendar": "caldavs", "contact": "carddavs"}
DATA: Final[dict[Kind, str]] = {"calendar": CALDAV + "calendar-data", "contact": CARDDAV + "address-data"}
REPORTS: Final[dict[Kind, str]] = {
    "calendar": CALDAV + "calendar-multiget",
    "contact": CARDDAV + "addressbook-multiget",
}
COMPONENTS: Final = ("VEVENT", "VTODO", "VJOURNAL")

Phase = Literal["running", "done", "failed", "aborted"]


class Property(msgspec.Struct, frozen=True):
    """A property as another server gives it: its text, the address in it, "" for none, and names of elements in it."""

    text: str
    href: str
    kinds: tuple[str, ...]


Properties: TypeAlias = dict[str, Property]
ABSENT: Final = Property("", "", ())


class CopyFailed(Exception):
    """The other server cannot be copied from; the text gives the reason, for people."""


class CopyBusy(CopyFailed):
    """A copy of this account, or several of others, are running."""


class TooLarge(CopyFailed):
    """A response is larger than it may be."""


class WrongPassword(CopyFailed):
    """The other server refuses the user; it is not asked again elsewhere."""


class Place(msgspec.Struct, frozen=True):
    """A calendar or address book at the other server."""

    kind: Kind
    url: str
    title: str
    colour: str


class Remote:
    """The other server, asked as one of its users, in a `with` that counts the latest answer in the ledger. All methods
    raise CopyFailed.
    """

    def __init__(self, client: HTTPClient, resolver: Resolver, url: str, user: str, password: str) -> None:
        parts = urlsplit(_joined(url, ""))
        if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
            raise CopyFailed("the URL must start with https:// and can't include a password")
        if ":" in user:
            raise CopyFailed("the user name can't contain a colon")
        self._client = client
        self._resolver = resolver
        self._hold = ledger().hold()
        self._proven: set[str] = set()  # hosts of other domains that DNSSEC names
        self._url = url
        self._host = parts.hostname
        self._login = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hold.close()

    async def places(self, kind: Kind) -> list[Place]:
        """The calendars or address books of the user."""
        home = await self._home(kind)
        names = (DAV + "resourcetype", DAV + "displayname", APPLE + "calendar-color")
        found = []
        for href, props in (await self._find(home, names, "1"))[1]:
            # The home itself is in the list, and so are places for messages and shared things that are no calendar.
            kinds, title, colour = (props.get(name, ABSENT) for name in names)
            if TYPES[kind] not in kinds.kinds:
                continue
            url = _joined(home, href)
            last = url.rstrip("/").rpartition("/")[2]
            found.append(Place(kind, url, (_words(title) or last)[:200], _words(colour)[:9]))
        return found[:MAX_PLACES]

    async def entries(self, place: Place) -> list[str]:
        """The addresses of the entries of a place, as the server writes them."""
        _, found = await self._find(place.url, (DAV + "getetag",), "1")
        return [href for href, props in found if DAV + "getetag" in props and not href.endswith("/")]

    async def data(self, place: Place, hrefs: list[str]) -> list[bytes]:
        """The octets of entries; those that are gone, or too large by themselves, are left out."""
        wanted = element(DAV + "prop", element(DATA[place.kind]))
        asked = (element(DAV + "href", text(href)) for href in hrefs)
        body = document(REPORTS[place.kind], (wanted, *asked))
        try:
            _, found = await self._ask("REPORT", place.url, body, "1", (DATA[place.kind],))
        except TooLarge:
            half = len(hrefs) // 2
            return [*await self.data(place, hrefs[:half]), *await self.data(place, hrefs[half:])] if half else []
        return [props[DATA[place.kind]].text.encode() for _, props in found if props]

    async def _home(self, kind: Kind) -> str:
        known = urljoin(self._url, WELL_KNOWN[kind])
        # A user who gives a path means it. With a host alone the well-known place comes first: the root of a web server
        # often answers something else.
        below = urlsplit(self._url).path.strip("/") != ""
        failure = CopyFailed("the server doesn't have a calendar or contacts home for this user")
        for start in (self._url, known) if below else (known, self._url):
            try:
                if home := await self._home_from(start, kind):
                    return home
            # Each further attempt would count as a wrong password, and lock the user out there.
            except WrongPassword:
                raise
            except CopyFailed as error:
                failure = error
        # Last, as it may lead to another host: most servers that are given by name are found without it.
        announced = await self._announced(kind)
        home = await self._home_from(announced, kind) if announced else ""
        if not home:
            raise failure
        return home

    async def _home_from(self, start: str, kind: Kind) -> str:
        """The home that a place names, or the user's principal that it names; "" for none."""
        url = start
        # The place may name the home, or a principal that names it; a server that leads on further is broken.
        for _ in range(2):
            url, found = await self._find(url, (HOMES[kind], DAV + "current-user-principal"), "0")
            props = found[0][1] if found else {}
            if home := props.get(HOMES[kind], ABSENT).href:
                return _joined(url, home)
            url = _joined(url, props.get(DAV + "current-user-principal", ABSENT).href)
        return ""

    async def _announced(self, kind: Kind) -> str:
        """The address that DNS has for the service of the domain (RFC 6764 §6), "" for none. A server of another domain
        counts only where DNSSEC proves the record.
        """
        name = f"_{SERVICES[kind]}._tcp.{self._host}."
        try:
            answer = await self._resolver.srv(name)
        except DNSError:
            return ""
        srvs = sorted(record for record in answer.records if record.target.rstrip("."))
        if not srvs:
            return ""
        host, port = srvs[0].target.rstrip(".").lower(), srvs[0].port
        if answer.authentic:
            self._proven.add(host)
        try:
            texts = (await self._resolver.txt(name)).records
        except DNSError:
            texts = ()
        paths = (one.partition("=")[2] for one in texts if one.lower().startswith("path=/"))
        return f"https://{host}:{port}{next(paths, WELL_KNOWN[kind])}"

    async def _find(self, url: str, names: tuple[str, ...], depth: str) -> tuple[str, list[tuple[str, Properties]]]:
        body = document(DAV + "propfind", [element(DAV + "prop", *map(element, names))])
        return await self._ask("PROPFIND", url, body, depth, names)

    async def _ask(
        self, method: str, url: str, body: str, depth: str, names: Container[str]
    ) -> tuple[str, list[tuple[str, Properties]]]:
        """The address that answered after redirects, and those of the named properties that are there, by address."""
        most = MAX_ANSWER if method == "REPORT" else MAX_LIST
        headers = (("Authorization", self._login), ("Depth", depth), ("Content-Type", "application/xml; charset=utf-8"))
        for _ in range(REDIRECTS):
            # Check every redirect before its request, because the request contains the password.
            self._check(url)
            try:
                answer = await self._client.request(
                    method, url, headers=headers, body=body.encode(), seconds=SECONDS, max_body=most
                )
            except HTTPError as error:
                raise CopyFailed(str(error)) from None
            if answer.status not in MOVED:
                break
            url = _joined(url, answer.header("location"))
        if answer.status == 401:
            raise WrongPassword("the server rejected the user name or password")
        if answer.status != 207:
            raise CopyFailed(
                worded(
                    "no calendars found there: {host} responded to {method} with {status}",
                    host=urlsplit(url).hostname,
                    method=method,
                    status=answer.status,
                )
            )
        if answer.cut:
            raise TooLarge(worded("a response is larger than {size} MiB", size=most >> 20))
        self._hold.give("link")  # of the answer before, of which nothing is left
        try:
            await self._hold.take("link", COST * min(len(answer.body), MAX_ANSWER), ROOM_SECONDS)
            return url, await off_loop(lambda: read_properties(answer.body, names), kind="import")
        except NoRoom:
            raise CopyFailed("the server is out of memory; try again later") from None
        except BadXML as error:
            raise CopyFailed(worded("can't read a response: {reason}", reason=error)) from None

    def _check(self, url: str) -> None:
        """The password is for the host that was named, and others of its domain."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        named = not self._host.rpartition(".")[2].isdigit() and ":" not in self._host
        same = named and organizational_domain(host) == organizational_domain(self._host)
        if parts.scheme != "https" or (host != self._host and host not in self._proven and not same):
            place = f"{parts.scheme}://{host}"
            raise CopyFailed(
                worded(
                    "the server redirects to {place}, but the password is only sent to the original server", place=place
                )
            )


def read_properties(body: bytes, names: Container[str]) -> list[tuple[str, Properties]]:
    """The named properties that a multistatus has, by address (RFC 4918 §14.16). Raises BadXML."""
    found = []
    for response in each_child(body, DAV + "multistatus", MAX_ELEMENTS):
        href = (response.findtext(DAV + "href") or "").strip()
        if response.tag != DAV + "response" or not href:
            continue
        good = (one for one in response.findall(DAV + "propstat") if " 200" in (one.findtext(DAV + "status") or ""))
        props = {one.tag: _property(one) for stat in good for one in stat.iterfind(DAV + "prop/*") if one.tag in names}
        found.append((href, props))
    return found


def _property(one: Element) -> Property:
    kinds = tuple([child.tag for child in one[:MAX_KINDS]])
    return Property(one.text or "", (one.findtext(DAV + "href") or "").strip(), kinds)


def _joined(base: str, href: str) -> str:
    """The address that a reference leads to. Raises CopyFailed."""
    try:
        found = urljoin(base, href)
        urlsplit(found)
    except ValueError:
        raise CopyFailed(worded("“{text}” isn't a valid URL", text=(href or base)[:100])) from None
    return found


def _words(one: Property) -> str:
    return " ".join(one.text.split())


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
        failures = []
        async with self._accounts.use(name) as account:
            await account.write(ensure_defaults)
            for kind in HOMES:
                try:
                    places = await remote.places(kind)
                except WrongPassword:
                    raise
                except CopyFailed as error:
                    # Many servers have calendars alone, or contacts alone.
                    failures.append(error)
                    continue
                for place in places:
                    await self._take(account, remote, place, done, tell)
        if len(failures) == len(HOMES):
            raise failures[0]
        done.problems += [str(failure) for failure in failures]

    async def count(self, order: CopyCalendars) -> list[PlaceCount]:
        """Count what `order` would copy, and what of it is not here. Raises CopyFailed, StoreError."""
        with Remote(self._client, self._resolver, order.url, order.user, order.password) as remote:
            async with self._accounts.use(order.account) as account:
                return await self._counts(account, remote)

    async def _counts(self, account: OpenAccount, remote: Remote) -> list[PlaceCount]:
        counts, failures = [], []
        for kind in HOMES:
            try:
                places = await remote.places(kind)
            except WrongPassword:
                raise
            except CopyFailed as error:  # as in `_run`
                failures.append(error)
                continue
            counts += [await self._count(account, remote, place) for place in places]
        if len(failures) == len(HOMES):
            raise failures[0]
        return counts

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
        for data in found:
            try:
                facts = await expander.facts(where, data)
            except BadEntry as error:
                note_problems(done, [str(error)])
                continue
            entry = await with_outcome(account, where.id, added_entry(data, facts, owner))
            added = await account.write(partial(add_entry, where=where, entry=entry))
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
    if collections:
        return collections[0]
    new = Collection(0, "calendar", name, display_name=place.title, colour=place.colour, components=COMPONENTS)
    return create_collection(tx, new)
