"""The service: log-in, methods by name, and their answers (DAV-12..16, DAV-20)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.admin.offer import DAV_PATH
from moxlite.admin.publicpages import LINKS_PATH
from moxlite.groupware.entries import BUSY_TITLE, BadEntry, Expander, TooBusy
from moxlite.groupware.people import account_of, addresses_of, colleague_addresses, guest_of, user_of
from moxlite.ledger import NoRoom
from moxlite.processor import act_for, calling, give_way
from moxlite.proto.address import one_spelling
from moxlite.proto.dav.xml import CALDAV, CALSERVER, CARDDAV, DAV, document, element, text
from moxlite.store import errors as store
from moxlite.store.accounts.access import visited
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware import sharing
from moxlite.store.groupware.collection import (
    BadName,
    Collection,
    CollectionExists,
    NoSuchCollection,
    ReadOnly,
    collections_of,
    ensure_defaults,
    octets_used,
    token_of,
)
from moxlite.store.groupware.resources import NoSuchResource, Resource, resources_of
from moxlite.store.groupware.scheduling import User
from moxlite.store.groupware.sharing import ReadableCollection, guests_of, shared_collection, shared_collections
from moxlite.web.dav import changing
from moxlite.web.dav.conditions import depth_of
from moxlite.web.dav.links import SecretLinks
from moxlite.web.dav.places import (
    OWN,
    XML_HEADERS,
    NoParent,
    NotThere,
    Place,
    Refusal,
    Shelf,
    Tree,
    href,
    layout_of,
    old_names,
    owner_in,
    parts_of,
)
from moxlite.web.dav.properties import Person, PropertyRequest, Target, Viewer, answer_for, check_number, wanted_of
from moxlite.web.dav.reports import Reports
from moxlite.web.dav.scheduling import MAX_QUESTION, Questions, tag_headers
from moxlite.web.dav.session import Session, stored
from moxlite.web.headers import SERVICE_HEADERS
from moxlite.web.http.conditional import Representation, respond
from moxlite.web.http.errors import ClientGone, HTTPError
from moxlite.web.http.messages import Response
from moxlite.web.http.programlogin import log_in
from moxlite.web.storeerrors import page_error

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from moxlite.config.snapshot import CurrentConfig, Snapshot
    from moxlite.logins.identity import Identity
    from moxlite.logins.logins import Logins
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.store.auth.authdb import AuthDB
    from moxlite.web.http.exchange import Handler, Request, ResponseWriter

logger = logging.getLogger("moxlite.web.dav")

CLASSES: Final = "1, 3, access-control, calendar-access, calendar-auto-schedule, addressbook, extended-mkcol"
READING: Final = frozenset({"PROPFIND", "REPORT", "GET", "HEAD", "OPTIONS"})
PAGE: Final = 500
"""Rows of a listing that are read at once."""

SEARCH_PARTS: Final = frozenset(DAV + name for name in ("property-search", "prop", "apply-to-principal-collection-set"))


SEARCHED: Final = ("root", "principals", "principal", "person")
"""Kinds of places at which principals are searched."""

MAX_SEARCHES: Final = 100
"""Searches of a request that count, the first."""

SEARCHABLE: Final = {
    DAV + "displayname": "Name",
    CALDAV + "calendar-user-address-set": "Address as a guest of events",
    CALSERVER + "email-address-set": "Mail address",
}


class DAVApp:
    """WebDAV of a server, for all ports."""

    def __init__(self, *, config: CurrentConfig, accounts: Accounts, auth: AuthDB, logins: Logins) -> None:
        self._config = config
        self._auth = auth
        self._accounts = accounts
        self._logins = logins
        self._questions = Questions(accounts)
        self._links = SecretLinks(config, accounts)
        self._tended: dict[str, date] = {}
        """Day on which the instances of an account were last looked at."""

    async def forget(self, account: str) -> None:
        """Let a later account of the name of a removed one get its first calendar, too (STORE-140)."""
        self._tended.pop(account, None)
        await trio.lowlevel.checkpoint()

    def mounted(self, path: str) -> Handler:
        """The handler of the service at a path that ends in a slash."""

        async def handle(request: Request, writer: ResponseWriter) -> None:
            await self._handle(path, request, writer)

        return handle

    async def _handle(self, base: str, request: Request, writer: ResponseWriter) -> None:
        if request.scheme != "https":
            raise HTTPError(403, "Calendars and contacts are only available over HTTPS.")
        if base == DAV_PATH and request.path.startswith(LINKS_PATH):
            async with _refusing(writer):
                await self._links.serve(request, writer)
            return
        if request.method == "OPTIONS":
            await writer.respond(_options())
            return
        if _is_browser(request):
            await writer.respond(Response.text(200, f"{WORDS} {request.origin}{base}", SERVICE_HEADERS))
            return
        method = METHODS.get(request.method)
        if method is None:
            raise HTTPError(405, "Method not supported.", (("allow", ALLOW),))
        # OPTIONS and the page for browsers come without a log-in: programs look for DAV before they ask for a password.
        identity = await log_in(self._logins, request, "dav")
        request.account = identity.account
        act_for(identity.account)
        calling.set(f"dav {request.method}")
        await give_way()
        owner = owner_in(base, request.path)
        async with _refusing(writer), AsyncExitStack() as stack:
            account = await stack.enter_async_context(self._accounts.use(identity.account))
            other = None
            if owner:
                visit = visited(self._accounts, self._auth, owner, identity.account)
                other = await stack.enter_async_context(visit)
            await self._answer(method, identity, account, other, base, request, writer)

    async def _answer(
        self,
        method: Method,
        identity: Identity,
        account: OpenAccount,
        other: OpenAccount | None,
        base: str,
        request: Request,
        writer: ResponseWriter,
    ) -> None:
        tree = await self._tree(base, identity, account, request.path)
        tree = tree if other is None else tree.of(other.name)
        if identity.read_only and request.method not in READING:
            needed = element(DAV + "resource", href(request.path), element(DAV + "privilege", element(DAV + "write")))
            raise Refusal(403, DAV + "need-privileges", "this app password is read-only", needed)
        try:
            place = tree.place(request.path)
        except NoParent:
            if request.method not in ("PUT", "MKCOL", "MKCALENDAR"):
                raise
            raise Refusal(409, "", "the parent collection doesn't exist") from None  # RFC 4918 §9.3.1, §9.7.1
        today = datetime.now(UTC).date()
        new = self._tended.get(identity.account) != today
        if new:
            # A phone opens several connections at once. Each waits until the first calendar is there; the unit checks
            # again, and one connection alone goes on with the rest.
            await account.write(ensure_defaults)
            new = self._tended.get(identity.account) != today
            self._tended[identity.account] = today
        viewer = await self._viewer(identity, account, tree)
        snapshot = self._config.current
        user: Callable[[Iterable[str]], User] = partial(user_of, snapshot, identity.account)
        if other is not None:
            viewer = await _guest(viewer, identity.account, other, place, request)
            # an event makes its owner busy by the owner's answer
            viewer = msgspec.structs.replace(viewer, addresses=addresses_of(snapshot, other.name))
            user = partial(guest_of, snapshot, other.name, identity.account, identity.address)
        place_of = account if other is None else other
        shelf = sharing.Shelf(place.shelf, "" if other is None else identity.account)
        expander = Expander(place_of, shelf)
        await method(
            Session(
                request,
                writer,
                place_of,
                viewer,
                place,
                expander,
                user,
                partial(self._questions.answer, snapshot, identity.account),
                partial(self._others, viewer, identity.account),
                partial(_colleague, snapshot, identity.account),
            )
        )
        # After the answer, for which the client does not wait.
        if new and other is None:
            await expander.extend()

    async def _tree(self, base: str, identity: Identity, account: OpenAccount, path: str) -> Tree:
        """The user's tree. With the paths of a previous server, it has the names that a device knows."""
        layout = layout_of(base)
        if layout == OWN:
            return Tree(base, identity.account)
        parts = parts_of(path, base)
        home = layout.home(parts)
        user = layout.principal(parts) if home is None else home[1]
        owner = self._config.current.login(user)

        def names(r: Reader) -> dict[tuple[str, str], str]:
            return old_names([*collections_of(r, "calendar"), *collections_of(r, "contact")], layout)

        name = user if owner is not None and owner.account == identity.account else identity.account
        return Tree(base, name, layout=layout, names=await account.read(names, op="dav"))

    async def _others(self, viewer: Viewer, guest: str, shelf: Shelf) -> AsyncIterator[tuple[Viewer, Target]]:
        """The collections of others that a user may see, each as the user sees it."""

        def read(r: Reader) -> list[tuple[ReadableCollection, str]]:
            foreign_collections = shared_collections(r, shelf, guest)
            return [(one, token_of(r, one.collection, one.collection.modseq)) for one in foreign_collections]

        for owner in await self._auth.sharing.owners(guest):
            try:
                async with visited(self._accounts, self._auth, owner, guest) as account:
                    found = await account.read(read, op="dav-shared")
            except store.StoreError:
                continue  # one broken account must not hide the others
            for foreign, token in found:
                place = Place("collection", shelf, foreign.collection.name)
                yield viewer.at(owner, writable=foreign.writable), Target(place, foreign.collection, token=token)

    async def _viewer(self, identity: Identity, account: OpenAccount, tree: Tree) -> Viewer:
        snapshot = self._config.current
        settings = snapshot.account(identity.account)
        addresses = addresses_of(snapshot, identity.account, identity.address)
        used, calendars = await account.read(lambda r: (octets_used(r), collections_of(r, "calendar")), op="dav")
        name = (settings.full_name if settings is not None else "") or identity.address
        own = (calendar.name for calendar in calendars if "VEVENT" in calendar.components and not calendar.subscribed)
        return Viewer(tree, name, addresses, identity.read_only, used, account.config.quota, next(own, "calendar"))


async def _guest(viewer: Viewer, guest: str, owner: OpenAccount, place: Place, request: Request) -> Viewer:
    """The user as a guest in a collection of another user. Raises NotThere, NoSuchCollection, Refusal."""
    foreign = await owner.read(lambda r: shared_collection(r, place.shelf, place.collection, guest), op="dav-guest")
    if foreign is None:
        raise NotThere
    if request.method not in READING and not (foreign.writable and place.kind == "resource"):
        needed = element(DAV + "resource", href(request.path), element(DAV + "privilege", element(DAV + "write")))
        raise Refusal(403, DAV + "need-privileges", "you don't have permission to change this", needed)
    return viewer.at(owner.name, writable=foreign.writable)


def _colleague(snapshot: Snapshot, asker: str, key: str) -> Person | None:
    """The user of an account, by its name or a whole address, if `asker` may know that one (JMAP-78)."""
    account = account_of(snapshot, key) if snapshot.account(key) is None else key
    settings = None if account is None or account == asker else snapshot.account(account)
    if account is None or settings is None:
        return None
    addresses = colleague_addresses(snapshot, asker, account)
    return Person(account, settings.full_name or addresses[0], addresses) if addresses else None


Method = Callable[[Session], Awaitable[None]]

WORDS: Final = "Enter this address in a calendar or contacts app, with your email address and password:"


def _is_browser(request: Request) -> bool:
    """Whether a page was opened: programs log in, and rarely want HTML."""
    return (
        request.method in ("GET", "HEAD")
        and request.headers.get("authorization") is None
        and "text/html" in (request.headers.get("accept") or "")
    )


def _options() -> Response:
    return Response(200, (("dav", CLASSES), ("allow", ALLOW), ("content-length", "0")))


@asynccontextmanager
async def _refusing(writer: ResponseWriter) -> AsyncIterator[None]:
    """Answer refusals of the block."""
    try:
        yield
    except Refusal as refusal:
        await _refuse(refusal, writer)
    except BadEntry as error:
        await _refuse(Refusal(403, error.condition, str(error)), writer)
    except NoRoom as error:
        await _refuse(Refusal(429 if error.own else 503, "", f"{error}: try again in a moment"), writer)
    except TooBusy:
        await _refuse(Refusal(503, "", "the server is busy; try again in a moment"), writer)
    except (store.StoreError, OSError) as error:
        await _refuse(_of_store(error), writer)


async def _refuse(refusal: Refusal, writer: ResponseWriter) -> None:
    if writer.started:
        raise ClientGone from refusal
    await writer.respond(refusal.response())


def _of_store(error: Exception) -> Refusal:
    """The refusal that an error of the store means."""
    match error:
        case (
            NoSuchCollection()
            | NoSuchResource()
            | store.NoSuchMailbox()
            | store.AccountUnknown()
            | store.AccountRemoved()
        ):
            return NotThere()
        case store.OverQuota():
            return Refusal(507, DAV + "quota-not-exceeded", "not enough space in the account")
        case store.LimitExceeded():
            return Refusal(507, DAV + "quota-not-exceeded", str(error))
        case CollectionExists():
            return Refusal(405, DAV + "resource-must-be-null", str(error))
        case ReadOnly():
            return Refusal(403, DAV + "need-privileges", str(error))
        case BadName():
            return Refusal(403, DAV + "valid-resource-name", str(error))
        case store.StorageFull() | OSError():
            return Refusal(507, DAV + "sufficient-disk-space", "the server's disk is full")
        case store.StoreError() if (page := page_error(error)) is not None:
            return Refusal(page.status, "", page.text)
    logger.error("request failed", extra={"kv": {"err": str(error)}})
    return Refusal(500, "", "this account's storage isn't working properly")


# reading


async def _get(s: Session) -> None:
    if s.place.kind != "resource":
        raise Refusal(405, "", "this is a collection; use PROPFIND or REPORT to list its entries")

    def read(r: Reader) -> tuple[Resource, bytes]:
        target = stored(r, s.place, s.expander.shelf)
        assert target.resource is not None
        return target.resource, s.expander.shelf.data(r, target.resource, BUSY_TITLE)

    resource, data = await s.account.read(read, op="dav-get")
    kind = "text/vcard; charset=utf-8" if resource.component == "VCARD" else "text/calendar; charset=utf-8"
    headers = (("x-content-type-options", "nosniff"), ("content-disposition", "attachment"), *tag_headers(resource))
    changed = datetime.fromtimestamp(resource.changed // 1_000_000, UTC)
    item = Representation(data, kind, resource.etag.strip('"'), changed, headers)
    await s.writer.respond(respond(s.request.method, s.request.headers, item))


async def _post(s: Session) -> None:
    if s.place.kind != "outbox":
        raise Refusal(405, "", "only the outbox accepts POST requests")
    await s.writer.respond(await s.questions(await s.request.body.read(MAX_QUESTION)))


async def _propfind(s: Session) -> None:
    root = await s.xml()
    if root is not None and root.tag != DAV + "propfind":
        raise Refusal(400, "", "a PROPFIND body must be a propfind element")
    single = s.place.kind == "resource"
    # Without Depth infinity is meant (RFC 4918 §9.1). Old programs write none, and need an answer.
    depth = depth_of(s.request.headers, "1", ("0", "1", "infinity") if single else ("0", "1"))
    first = await s.account.read(lambda r: stored(r, s.place, s.expander.shelf), op="dav-propfind")
    if s.place.kind == "person":
        first = msgspec.structs.replace(first, person=s.colleague(s.place.name))
        if first.person is None:
            raise NotThere
    await s.stream(_listed(s, first, wanted_of(root), deep=depth != "0"))


async def _listed(s: Session, first: Target, property_request: PropertyRequest, *, deep: bool) -> AsyncIterator[str]:
    yield answer_for(s.viewer, first, property_request, minimal=s.minimal)
    if not deep:
        return
    async for target in _children(s, first):
        yield answer_for(s.viewer, target, property_request, minimal=s.minimal)
    if first.place.kind == "home":
        async for viewer, target in s.others(first.place.shelf):
            yield answer_for(viewer, target, property_request, minimal=s.minimal)


async def _children(s: Session, above: Target) -> AsyncIterator[Target]:
    # The tree of CalDAV and CardDAV has four kinds of places (DAV-1). The members of a collection are read in pages,
    # since a client with Depth: 1 asks for all of them.
    place = above.place
    match place.kind:
        case "root":
            for one in (Place("principals"), Place("home", "calendar"), Place("home", "contact")):
                yield Target(one)
        case "principals":
            yield Target(Place("principal"))
        case "home":

            def read(r: Reader) -> list[Target]:
                return [
                    Target(
                        Place("collection", place.shelf, collection.name),
                        collection,
                        token=token_of(r, collection, collection.modseq),
                        guests=guests_of(r, collection),
                    )
                    for collection in collections_of(r, place.shelf)
                ]

            for target in await s.account.read(read, op="dav-home"):
                yield target
        case "collection":
            where, after = above.collection, 0
            assert where is not None
            while True:
                rows = await s.account.read(
                    partial(resources_of, collection_id=where.id, after=after, limit=PAGE), op="dav-list"
                )
                for row in rows:
                    after = row.id
                    seen = await s.expander.seen(row)
                    if seen is not None:
                        yield Target(
                            Place("resource", place.shelf, where.name, row.name), where, seen, guests=above.guests
                        )
                if len(rows) < PAGE:
                    return
                await give_way()


async def _report(s: Session) -> None:
    # Which report a place has is a table of several RFCs: 3744 §9 at principals, 4791 §7 and 6352 §8 by shelf, 6578 at
    # one collection alone. What is not in it gets the condition that RFC 3253 §3.6 names.
    root = await s.xml()
    if root is None:
        raise Refusal(400, "", "a REPORT must have a body")
    if root.tag == DAV + "principal-property-search" and s.place.kind in SEARCHED:
        await s.stream(_search_principals(s, root))
        return
    if root.tag == DAV + "principal-search-property-set" and s.place.kind in SEARCHED:
        body = document(DAV + "principal-search-property-set", map(_searchable, SEARCHABLE)).encode()
        await s.writer.respond(Response(200, XML_HEADERS, body))
        return
    target = await s.account.read(lambda r: stored(r, s.place, s.expander.shelf), op="dav-report")
    homes: list[Collection] = []
    if target.collection is not None:
        homes = [target.collection]
    elif s.place.kind == "home":
        homes = await s.account.read(lambda r: collections_of(r, s.place.shelf), op="dav-report")
    calendar = s.place.shelf == "calendar" and bool(homes)
    reports = Reports(s.account, s.viewer, s.expander, root, s.writer.hold, minimal=s.minimal)
    single = homes[0] if s.place.kind == "collection" else None
    match root.tag:
        case name if name == CALDAV + "calendar-query" and calendar:
            await s.stream(reports.calendar_query(homes))
        case name if name == CALDAV + "calendar-multiget" and calendar:
            await s.stream(reports.multiget(homes))
        case name if name == CARDDAV + "addressbook-multiget" and homes and not calendar:
            await s.stream(reports.multiget(homes))
        case name if name == CARDDAV + "addressbook-query" and single is not None and not calendar:
            await s.stream(reports.addressbook_query(single))
        case name if name == DAV + "sync-collection" and single is not None:
            await s.stream(reports.sync(single))
        case name if name == CALDAV + "free-busy-query" and single is not None and calendar:
            body = (await reports.free_busy(single)).encode()
            await s.writer.respond(Response(200, (("content-type", "text/calendar; charset=utf-8"),), body))
        case _:
            raise Refusal(403, DAV + "supported-report", "this resource doesn't support this report")


def _searchable(name: str) -> str:
    """A property by which principals are found (RFC 3744 §9.5)."""
    words = element(DAV + "description", text(SEARCHABLE[name]), xml_lang="en").replace("xml-lang", "xml:lang")
    return element(DAV + "principal-search-property", element(DAV + "prop", element(name)), words)


async def _search_principals(s: Session, root: Element) -> AsyncIterator[str]:
    """The user, by a part of the name or an address, and colleagues, by a whole address (RFC 3744 §9.4, DAV-18b)."""
    elements = root.findall(DAV + "property-search")[:MAX_SEARCHES]
    matches = [search.findtext(DAV + "match") or "" for search in elements]
    searches = [one_spelling(match.strip().casefold().removeprefix("mailto:")) for match in matches]
    enough = any if root.get("test") == "anyof" else all  # the word of Apple's programs
    people = {person.account: person for search in searches if "@" in search and (person := s.colleague(search))}
    words = " ".join((s.viewer.name, *s.viewer.addresses, s.viewer.tree.account)).casefold()
    targets = [Target(Place("principal"))] if enough(search in words for search in searches) else []
    for person in people.values():
        words = " ".join((person.name, *person.addresses)).casefold()
        if enough(search in words for search in searches):
            targets.append(Target(Place("person", name=person.account), person=person))
    # python-caldav names the properties it wants beside the empty prop
    beside = tuple(inner.tag for inner in root if inner.tag not in SEARCH_PARTS)
    check_number(len(beside))
    property_request = msgspec.structs.replace(wanted_of(root), names=(*wanted_of(root).names, *beside))
    for target in targets:
        yield answer_for(s.viewer, target, property_request, minimal=s.minimal)


METHODS: Final[dict[str, Method]] = {
    "GET": _get,
    "HEAD": _get,
    "PROPFIND": _propfind,
    "REPORT": _report,
    "POST": _post,
    "PUT": changing.put,
    "DELETE": changing.delete,
    "MKCOL": changing.make,
    "MKCALENDAR": changing.make,
    "PROPPATCH": changing.proppatch,
    "COPY": changing.copy,
    "MOVE": changing.copy,
}
ALLOW: Final = ", ".join(("OPTIONS", *METHODS))
