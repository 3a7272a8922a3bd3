"""The service: log-in, methods by name, and their answers (DAV-12..16, DAV-20)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from moxlite.processor import act_for, give_way
from moxlite.proto.dav.xml import CALDAV, CARDDAV, DAV, DECLARATIONS, MAX_XML, BadXML, document, element, read_xml
from moxlite.store import errors as store
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.collection import (
    BadName,
    Collection,
    CollectionExists,
    NoSuchCollection,
    change_collection,
    collection_named,
    collections_of,
    create_collection,
    delete_collection,
    ensure_defaults,
    octets_used,
    token_of,
)
from moxlite.store.groupware.resources import (
    NoSuchResource,
    Resource,
    UIDTaken,
    delete_resource,
    move_resource,
    put_resource,
    resource_data,
    resource_named,
    resources_of,
)
from moxlite.web.dav.conditions import Conditions, conditions_of, depth_of
from moxlite.web.dav.entries import Expander
from moxlite.web.dav.places import XML_HEADERS, NotThere, Place, Refusal, Tree, href
from moxlite.web.dav.properties import (
    MAX_RESOURCE,
    Target,
    Viewer,
    Wanted,
    answer_for,
    changed_by,
    made_by,
    propstat,
    wanted_of,
)
from moxlite.web.dav.reports import Reports
from moxlite.web.headers import SERVICE_HEADERS
from moxlite.web.http.conditional import Representation, respond
from moxlite.web.http.errors import ClientGone, HTTPError
from moxlite.web.http.messages import Response
from moxlite.web.http.programlogin import log_in
from moxlite.web.storeerrors import page_error

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from moxlite.config.snapshot import CurrentConfig
    from moxlite.logins.identity import Identity
    from moxlite.logins.logins import Logins
    from moxlite.sandbox.processes import Sandbox
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.web.http.exchange import Handler, Request, ResponseWriter

logger = logging.getLogger("moxlite.web.dav")

CLASSES: Final = "1, 3, access-control, calendar-access, addressbook, extended-mkcol"
READING: Final = frozenset({"PROPFIND", "REPORT", "GET", "HEAD", "OPTIONS"})
PAGE: Final = 500
"""Rows of a listing that are read at once."""

PIECE: Final = 32 << 10
"""Characters of an answer that are written at once."""

TYPES: Final = {
    "calendar": ("text/calendar", CALDAV + "supported-calendar-data"),
    "contact": ("text/vcard", CARDDAV + "supported-address-data"),
}
SEARCH_PARTS: Final = frozenset(DAV + name for name in ("property-search", "prop", "apply-to-principal-collection-set"))
OTHER_TYPES: Final = frozenset({"text/x-vcard", "text/directory", "application/octet-stream", "text/plain"})
"""Types by which programs send cards and calendars, too."""


class Session(msgspec.Struct, frozen=True):
    """One request of a logged-in user."""

    request: Request
    writer: ResponseWriter
    account: OpenAccount
    viewer: Viewer
    place: Place
    expander: Expander

    @property
    def tree(self) -> Tree:
        """The tree of the user."""
        return self.viewer.tree

    async def xml(self) -> Element | None:
        """The body; None without one. Raises Refusal."""
        data = await self.request.body.read(MAX_XML)
        if not data.strip():
            return None
        try:
            return read_xml(data)
        except BadXML as error:
            raise Refusal(400, "", str(error)) from None

    async def conditions(self) -> Conditions:
        """The conditions of the request. Raises Refusal."""
        return conditions_of(self.request.headers, self.tree, self.place)

    @property
    def minimal(self) -> bool:
        """Whether the client wants no word of what it asked for in vain (RFC 8144)."""
        return "return=minimal" in self.request.headers.elements("prefer") or self.request.headers.get("brief") == "t"

    async def stream(self, pieces: AsyncIterator[str]) -> None:
        """Write a multistatus as it is made. What is refused before the first piece is refused as a whole."""
        first = await anext(pieces, "")
        await self.writer.start(207, XML_HEADERS)
        held = f'<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus{DECLARATIONS}>' + first
        async for piece in pieces:
            held += piece
            if len(held) > PIECE:
                await self.writer.write(held.encode())
                held = ""
        await self.writer.write((held + "</D:multistatus>\n").encode())
        await self.writer.finish()


class DAVApp:
    """WebDAV of a server, for all ports."""

    def __init__(self, *, config: CurrentConfig, accounts: Accounts, logins: Logins, sandbox: Sandbox) -> None:
        self._config = config
        self._accounts = accounts
        self._logins = logins
        self._sandbox = sandbox
        self._tended: dict[str, date] = {}
        """Day on which the instances of an account were last looked at."""

    def mounted(self, path: str) -> Handler:
        """The handler of the service at a path that ends in a slash."""

        async def handle(request: Request, writer: ResponseWriter) -> None:
            await self._handle(path, request, writer)

        return handle

    async def _handle(self, base: str, request: Request, writer: ResponseWriter) -> None:
        if request.scheme != "https":
            raise HTTPError(403, "Calendars and contacts are served by https only.")
        if request.method == "OPTIONS":
            await writer.respond(_options())
            return
        if _is_browser(request):
            await writer.respond(Response.text(200, f"{WORDS} {request.origin}{base}", SERVICE_HEADERS))
            return
        method = METHODS.get(request.method)
        if method is None:
            raise HTTPError(405, "This method is not spoken here.", (("allow", ALLOW),))
        identity = await log_in(self._logins, request, "dav")
        request.account = identity.account
        act_for(identity.account)
        await give_way()
        try:
            async with self._accounts.use(identity.account) as account:
                await self._answer(method, identity, account, base, request, writer)
        except Refusal as refusal:
            await _refuse(refusal, writer)
        except (store.StoreError, OSError) as error:
            await _refuse(_of_store(error), writer)

    async def _answer(
        self,
        method: Method,
        identity: Identity,
        account: OpenAccount,
        base: str,
        request: Request,
        writer: ResponseWriter,
    ) -> None:
        tree = Tree(base, identity.account)
        if identity.read_only and request.method not in READING:
            needed = element(DAV + "resource", href(request.path), element(DAV + "privilege", element(DAV + "write")))
            raise Refusal(403, DAV + "need-privileges", "this app password may only read", needed)
        place = tree.place(request.path)
        today = datetime.now(UTC).date()
        new = self._tended.get(identity.account) != today
        if new:
            self._tended[identity.account] = today
            await account.write(ensure_defaults)
        viewer = await self._viewer(identity, account, tree)
        expander = Expander(account, self._sandbox)
        await method(Session(request, writer, account, viewer, place, expander))
        if new:
            await expander.extend()

    async def _viewer(self, identity: Identity, account: OpenAccount, tree: Tree) -> Viewer:
        settings = self._config.current.domains.accounts.get(identity.account)
        others = [] if settings is None else [str(one) for one in settings.destinations if not str(one).startswith("@")]
        addresses = tuple(dict.fromkeys((identity.address, *others)))
        used = await account.read(octets_used, op="dav")
        name = (settings.full_name if settings is not None else "") or identity.address
        return Viewer(tree, name, addresses, identity.read_only, used, account.config.quota)


Method = Callable[[Session], Awaitable[None]]

WORDS: Final = "Enter this address in a program for calendars and contacts, with your mail address and password:"


def _is_browser(request: Request) -> bool:
    """Whether a page was opened: programs log in, and rarely want HTML."""
    return (
        request.method in ("GET", "HEAD")
        and request.headers.get("authorization") is None
        and "text/html" in (request.headers.get("accept") or "")
    )


def _options() -> Response:
    return Response(200, (("dav", CLASSES), ("allow", ALLOW), ("content-length", "0")))


async def _refuse(refusal: Refusal, writer: ResponseWriter) -> None:
    if writer.started:
        raise ClientGone from refusal
    await writer.respond(refusal.response())


def _of_store(error: Exception) -> Refusal:
    """The refusal that an error of the store means."""
    match error:
        case NoSuchCollection() | NoSuchResource() | store.AccountUnknown() | store.AccountRemoved():
            return NotThere()
        case store.OverQuota():
            return Refusal(507, DAV + "quota-not-exceeded", "the account has no room for it")
        case store.LimitExceeded():
            return Refusal(507, DAV + "quota-not-exceeded", str(error))
        case CollectionExists():
            return Refusal(405, DAV + "resource-must-be-null", str(error))
        case BadName():
            return Refusal(403, DAV + "valid-resource-name", str(error))
        case store.StorageFull() | OSError():
            return Refusal(507, DAV + "sufficient-disk-space", "the disk of the server is full")
        case store.StoreError() if (page := page_error(error)) is not None:
            return Refusal(page.status, "", page.text)
    logger.error("request failed", extra={"kv": {"err": str(error)}})
    return Refusal(500, "", "the storage of this account does not answer as it should")


def _stored(r: Reader, place: Place) -> Target:
    """What is stored at a place. Raises NoSuchCollection, NoSuchResource."""
    if place.kind not in ("collection", "resource"):
        return Target(place)
    where = collection_named(r, place.shelf, place.collection)
    if place.kind == "collection":
        return Target(place, where, token=token_of(r, where, where.modseq))
    one = resource_named(r, where.id, place.name)
    if one is None:
        raise NoSuchResource("there is no such entry")
    return Target(place, where, one)


# reading


async def _get(s: Session) -> None:
    if s.place.kind != "resource":
        raise Refusal(405, "", "this is a collection; ask for its entries by PROPFIND or REPORT")

    def read(r: Reader) -> tuple[Resource, bytes]:
        target = _stored(r, s.place)
        assert target.resource is not None
        return target.resource, resource_data(r, target.resource.id)

    one, data = await s.account.read(read, op="dav-get")
    kind = "text/vcard; charset=utf-8" if one.component == "VCARD" else "text/calendar; charset=utf-8"
    headers = (("x-content-type-options", "nosniff"), ("content-disposition", "attachment"))
    changed = datetime.fromtimestamp(one.changed // 1_000_000, UTC)
    item = Representation(data, kind, one.etag.strip('"'), changed, headers)
    await s.writer.respond(respond(s.request.method, s.request.headers, item))


async def _propfind(s: Session) -> None:
    root = await s.xml()
    if root is not None and root.tag != DAV + "propfind":
        raise Refusal(400, "", "the body of PROPFIND is propfind")
    single = s.place.kind == "resource"
    depth = depth_of(s.request.headers, "infinity", ("0", "1", "infinity") if single else ("0", "1"))
    first = await s.account.read(lambda r: _stored(r, s.place), op="dav-propfind")
    await s.stream(_listed(s, first, wanted_of(root), deep=depth != "0"))


async def _listed(s: Session, first: Target, wanted: Wanted, *, deep: bool) -> AsyncIterator[str]:
    yield answer_for(s.viewer, first, wanted, minimal=s.minimal)
    if not deep:
        return
    async for target in _children(s, first):
        yield answer_for(s.viewer, target, wanted, minimal=s.minimal)


async def _children(s: Session, above: Target) -> AsyncIterator[Target]:
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
                    Target(Place("collection", place.shelf, one.name), one, token=token_of(r, one, one.modseq))
                    for one in collections_of(r, place.shelf)
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
                    yield Target(Place("resource", place.shelf, where.name, row.name), where, row)
                if len(rows) < PAGE:
                    return
                await give_way()


async def _report(s: Session) -> None:
    root = await s.xml()
    if root is None:
        raise Refusal(400, "", "a report needs a body")
    if root.tag == DAV + "principal-property-search" and s.place.kind in ("root", "principals", "principal"):
        await s.stream(_search_principals(s, root))
        return
    if root.tag == DAV + "principal-search-property-set" and s.place.kind in ("root", "principals", "principal"):
        inner = element(DAV + "principal-search-property", element(DAV + "prop", element(DAV + "displayname")))
        await s.writer.respond(
            Response(200, XML_HEADERS, document(DAV + "principal-search-property-set", [inner]).encode())
        )
        return
    target = await s.account.read(lambda r: _stored(r, s.place), op="dav-report")
    homes: list[Collection] = []
    if target.collection is not None:
        homes = [target.collection]
    elif s.place.kind == "home":
        homes = await s.account.read(lambda r: collections_of(r, s.place.shelf), op="dav-report")
    calendar = s.place.shelf == "calendar" and bool(homes)
    reports = Reports(s.account, s.viewer, s.expander, root, minimal=s.minimal)
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
            raise Refusal(403, DAV + "supported-report", "this place has no such report")


async def _search_principals(s: Session, root: Element) -> AsyncIterator[str]:
    """The user, if all searches find something of the name or an address (RFC 3744 §9.4)."""
    texts = " ".join((s.viewer.name, *s.viewer.addresses, s.viewer.tree.account)).casefold()
    searches = [one.findtext(DAV + "match") or "" for one in root.findall(DAV + "property-search")]
    if all(one.strip().casefold() in texts for one in searches):
        # python-caldav names the properties it wants beside the empty prop
        beside = tuple(one.tag for one in root if one.tag not in SEARCH_PARTS)
        wanted = msgspec.structs.replace(wanted_of(root), names=(*wanted_of(root).names, *beside))
        yield answer_for(s.viewer, Target(Place("principal")), wanted, minimal=s.minimal)


# changing


async def _put(s: Session) -> None:
    if s.place.kind != "resource":
        raise Refusal(405, "", "entries are put into a collection")
    expected, condition = TYPES[s.place.shelf]
    kind = (s.request.headers.get("content-type") or expected).partition(";")[0].strip().lower()
    if kind not in OTHER_TYPES and kind != expected:
        raise Refusal(403, condition, f"this collection takes {expected}")
    conditions = await s.conditions()
    data = await s.request.body.read(2 * MAX_RESOURCE)
    if len(data) > MAX_RESOURCE:
        raise Refusal(403, s.place.space + "max-resource-size", "an entry has at most 1 MiB")
    try:
        where = await s.account.read(lambda r: collection_named(r, s.place.shelf, s.place.collection), op="dav-put")
    except NoSuchCollection:
        raise Refusal(409, "", "there is no such collection") from None
    facts = await s.expander.facts(where, data)

    def unit(tx: AccountTx) -> tuple[Resource, bool]:
        token = token_of(tx, where, collection_named(tx, where.kind, where.name).modseq)

        def allowed(before: Resource | None) -> None:
            conditions.check(None if before is None else before.etag, token)
            if before is not None and before.uid != facts.uid:
                raise _taken(s, s.place)

        return put_resource(tx, where.id, s.place.name, data, facts, allowed)

    try:
        one, new = await s.account.write(unit)
    except UIDTaken as taken:
        raise _taken(s, msgspec.structs.replace(s.place, name=taken.name)) from None
    await s.writer.respond(Response(201 if new else 204, (("etag", one.etag),)))


def _taken(s: Session, there: Place) -> Refusal:
    words = "another entry of the collection has this UID, or this entry another UID"
    return Refusal(409, s.place.space + "no-uid-conflict", words, href(s.tree.href(there)))


async def _delete(s: Session) -> None:
    if s.place.kind not in ("collection", "resource"):
        raise Refusal(403, "", "this cannot be deleted")
    conditions = await s.conditions()

    def unit(tx: AccountTx) -> None:
        target = _stored(tx, s.place)
        where = target.collection
        assert where is not None
        token = token_of(tx, where, where.modseq)
        if target.resource is None:
            if not conditions.empty:
                conditions.check(None, token)
            delete_collection(tx, where.id)
        else:
            delete_resource(tx, where.id, s.place.name, lambda one: conditions.check(one.etag, token))

    await s.account.write(unit)
    await s.writer.respond(Response(204))


async def _make(s: Session) -> None:
    calendar = s.request.method == "MKCALENDAR"
    if s.place.kind != "collection" or (calendar and s.place.shelf != "calendar"):
        name = CALDAV + "calendar-collection-location-ok" if calendar else DAV + "valid-resourcetype"
        raise Refusal(403, name, "collections are made in the home of their kind")
    root = await s.xml()
    if root is not None and root.tag != (CALDAV + "mkcalendar" if calendar else DAV + "mkcol"):
        raise Refusal(415, "", "the body is not one of this method")
    if root is None and not calendar and s.place.shelf == "calendar":
        raise Refusal(403, DAV + "valid-resourcetype", "say by the body that it is a calendar")
    new, failed = made_by(s.place, root)
    if failed:
        answer = DAV + "mkcol-response" if not calendar else CALDAV + "mkcalendar-response"
        inner = [propstat([element(name)], status) for name, status in failed.items()]
        await s.writer.respond(Response(424, XML_HEADERS, document(answer, inner).encode()))
        return
    await s.account.write(lambda tx: create_collection(tx, new))
    await s.writer.respond(Response(201, (("cache-control", "no-cache"),)))


async def _proppatch(s: Session) -> None:
    root = await s.xml()
    if root is None or root.tag != DAV + "propertyupdate":
        raise Refusal(400, "", "the body of PROPPATCH is propertyupdate")
    changes = [
        (value, step.tag == DAV + "set")
        for step in root
        if step.tag in (DAV + "set", DAV + "remove")
        for prop in step.findall(DAV + "prop")
        for value in prop
    ]

    def unit(tx: AccountTx) -> dict[str, str]:
        target = _stored(tx, s.place)
        if s.place.kind != "collection" or target.collection is None:
            return {value.tag: "403 Forbidden" for value, _ in changes}
        changed, failed = changed_by(target.collection, changes)
        if not failed and changed != target.collection:
            change_collection(tx, changed)
        return failed

    failed = await s.account.write(unit)
    parts = [href(s.tree.href(s.place))]
    for name in dict.fromkeys(value.tag for value, _ in changes):
        status = failed.get(name, "424 Failed Dependency" if failed else "200 OK")
        protected = element(DAV + "error", element(DAV + "cannot-modify-protected-property"))
        parts.append(propstat([element(name)], status, *([protected] if status.startswith("403") else [])))
    body = document(DAV + "multistatus", [element(DAV + "response", *parts)])
    await s.writer.respond(Response(207, XML_HEADERS, body.encode()))


async def _copy(s: Session) -> None:
    """COPY and MOVE."""
    if s.place.kind != "resource":
        raise Refusal(403, "", "only entries can be copied and moved")
    there = _destination(s)
    replace = (s.request.headers.get("overwrite") or "T").strip().upper() != "F"
    conditions = await s.conditions()

    def read(r: Reader) -> tuple[Resource, bytes, Collection, Collection]:
        target = _stored(r, s.place)
        assert target.resource is not None
        assert target.collection is not None
        try:
            into = collection_named(r, there.shelf, there.collection)
        except NoSuchCollection:
            raise Refusal(409, "", "there is no such collection to copy or move to") from None
        return target.resource, resource_data(r, target.resource.id), target.collection, into

    one, data, source, into = await s.account.read(read, op="dav-copy")
    facts = await s.expander.facts(into, data)

    def unit(tx: AccountTx) -> bool:
        now = resource_named(tx, source.id, one.name)
        conditions.check(None if now is None else now.etag, token_of(tx, source, source.modseq))
        if now is None or now.hash != one.hash:
            raise Refusal(409, "", "the entry was changed meanwhile")
        if not replace and resource_named(tx, into.id, there.name) is not None:
            raise Refusal(412, "", "there is an entry at the destination already")
        return move_resource(tx, source, one.name, facts, (into, there.name), keep=s.request.method == "COPY")

    try:
        new = await s.account.write(unit)
    except UIDTaken as taken:
        raise _taken(s, msgspec.structs.replace(there, name=taken.name)) from None
    await s.writer.respond(Response(201 if new else 204))


def _destination(s: Session) -> Place:
    """The place that Destination names. Raises Refusal."""
    field = s.request.headers.get("destination") or ""
    host = urlsplit(field).netloc
    if not field or (host and host != s.request.host.authority):
        raise Refusal(502 if field else 400, "", "Destination is an address of this server")
    try:
        there = s.tree.target(field)
    except NotThere:
        raise Refusal(403, "", "entries can be copied and moved between one's own collections") from None
    if there.kind != "resource" or there.shelf != s.place.shelf or there == s.place:
        raise Refusal(403, "", "entries can be copied and moved to another place of the same kind")
    return there


METHODS: Final[dict[str, Method]] = {
    "GET": _get,
    "HEAD": _get,
    "PROPFIND": _propfind,
    "REPORT": _report,
    "PUT": _put,
    "DELETE": _delete,
    "MKCOL": _make,
    "MKCALENDAR": _make,
    "PROPPATCH": _proppatch,
    "COPY": _copy,
    "MOVE": _copy,
}
ALLOW: Final = ", ".join(("OPTIONS", *METHODS))
