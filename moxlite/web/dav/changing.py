"""The methods that change a user's tree (DAV-14, DAV-15, DAV-17)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from moxlite.groupware.entries import PARSED, of_owner, read, removal_outcome, with_outcome
from moxlite.proto.cards.contentline import with_whole_letters
from moxlite.proto.cards.itip import NotAllowed
from moxlite.proto.cards.limits import MAX_ENTRY, TOO_LARGE
from moxlite.proto.dav.xml import CALDAV, CARDDAV, DAV, document, element
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.collection import (
    Collection,
    NoSuchCollection,
    collection_named,
    create_collection,
    patch_collection,
    token_of,
)
from moxlite.store.groupware.eventnotices import Author, note_change
from moxlite.store.groupware.resources import NoSuchResource, Resource, UIDTaken, resource_data, resource_named
from moxlite.store.groupware.scheduling import (
    EntryPut,
    InOtherCalendar,
    Outcome,
    PutResult,
    delete_entry,
    move_entry,
    put_entry,
    remove_collection,
)
from moxlite.web.dav.places import XML_HEADERS, NotThere, Place, Refusal, href
from moxlite.web.dav.properties import changed_by, made_by, propstat
from moxlite.web.dav.scheduling import scheduling_request, tag_headers
from moxlite.web.dav.session import Session, stored
from moxlite.web.http.messages import Response

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

TYPES: Final = {
    "calendar": ("text/calendar", CALDAV + "supported-calendar-data"),
    "contact": ("text/vcard", CARDDAV + "supported-address-data"),
}
OTHER_TYPES: Final = frozenset({"text/x-vcard", "text/directory", "application/octet-stream", "text/plain"})
"""Types by which programs send cards and calendars, too."""


def _cost(octets: int) -> int:
    return octets + PARSED * min(octets, MAX_ENTRY)


async def put(s: Session) -> None:
    if s.place.kind != "resource":
        raise Refusal(405, "", "PUT only works for entries in a collection")
    expected, condition = TYPES[s.place.shelf]
    kind = (s.request.headers.get("content-type") or expected).partition(";")[0].strip().lower()
    if kind not in OTHER_TYPES and kind != expected:
        raise Refusal(403, condition, f"this collection only accepts {expected}")
    conditions = await s.conditions()
    sent = await s.request.body.read(2 * MAX_ENTRY, _cost)
    data = with_whole_letters(sent)
    if len(data) > MAX_ENTRY:
        raise Refusal(403, s.place.space + "max-resource-size", TOO_LARGE)
    try:
        where = await s.account.read(lambda r: collection_named(r, s.place.shelf, s.place.collection), op="dav-put")
    except NoSuchCollection:
        raise Refusal(409, "", "collection not found") from None
    if where.inbox:
        raise Refusal(403, CALDAV + "valid-scheduling-message", "scheduling messages can't be added directly")
    # Read by the sandbox before the unit, whose writer serves the whole account. What the request says of the entry as
    # it is (conditions, tags, guests) is decided in the unit: no other write comes between.
    facts = await s.expander.facts(where, data)
    written = await of_owner(await read(data), s.user(())) if s.tree.owner and facts.addresses else None
    if written is not None:
        data = written
        facts = await s.expander.facts(where, data)
    scheduling, user = scheduling_request(s.request.headers), s.user(facts.addresses)
    entry = EntryPut(s.place.name, data, facts, user, answer=scheduling.answer, keep_answers=scheduling.tag != "")
    entry = await with_outcome(s.account, where.id, entry)

    def unit(tx: AccountTx) -> PutResult:
        token = token_of(tx, where, collection_named(tx, where.kind, where.name).modseq)

        def allowed(before: Resource | None) -> None:
            conditions.check(None if before is None else before.etag, token)
            scheduling.check(before)
            _refuse_guest(s, tx, before)
            # Clients, guests and invitations know an entry by its UID: another one is another entry (RFC 4791
            # §5.3.2.1).
            if before is not None and before.uid != facts.uid:
                raise _taken(s, s.place)

        return put_entry(tx, where, msgspec.structs.replace(entry, allowed=allowed))

    try:
        done = await s.account.write(unit)
    except UIDTaken as taken:
        raise await _uid_taken(s, msgspec.structs.replace(s.place, name=taken.name)) from None
    except InOtherCalendar as other:
        there = msgspec.structs.replace(s.place, collection=other.collection, name=other.name)
        condition = CALDAV + "unique-scheduling-object-resource"
        raise Refusal(403, condition, str(other), href(s.tree.href(there))) from None
    except NotAllowed as error:
        raise Refusal(403, CALDAV + error.condition, str(error)) from None
    # octets that the server has changed are to be read again (RFC 6638 §3.2.10)
    etag = () if done.altered or data is not sent else (("etag", done.resource.etag),)
    await s.writer.respond(Response(201 if done.new else 204, (*etag, *tag_headers(done.resource))))


def _refuse_guest(s: Session, r: Reader, resource: Resource | None) -> None:
    """Raise Refusal if a guest would change an entry of which the guest does not see all (JMAP-78a)."""
    if s.tree.owner and resource is not None and s.expander.shelf.keeps_back(r, resource):
        raise _refusal_of_guest(s, "only the owner can change private events")


def _refusal_of_guest(s: Session, words: str) -> Refusal:
    needed = element(DAV + "resource", href(s.tree.href(s.place)), element(DAV + "privilege", element(DAV + "write")))
    return Refusal(403, DAV + "need-privileges", words, needed)


def _taken(s: Session, there: Place) -> Refusal:
    words = "another entry in the collection has this UID, or this entry has a different UID"
    return Refusal(409, s.place.space + "no-uid-conflict", words, href(s.tree.href(there)))


async def _uid_taken(s: Session, there: Place) -> Refusal:
    """The refusal for the UID of an entry at a place, which a guest is not told of a secret one."""
    if s.tree.owner:
        try:
            await s.account.read(lambda r: stored(r, there, s.expander.shelf), op="dav-put")
        except NoSuchResource:
            return _refusal_of_guest(s, "only the owner can change the entry with this UID")
    return _taken(s, there)


async def _removal_outcome(s: Session, *, answer: bool) -> Outcome | None:
    """Outcome of the entry's removal for people. None also without its collection, which the unit says."""
    try:
        where = await s.account.read(lambda r: collection_named(r, s.place.shelf, s.place.collection), op="dav-put")
    except NoSuchCollection:
        return None
    return await removal_outcome(s.account, where.id, s.place.name, s.user(()), answer=answer)


async def delete(s: Session) -> None:
    if s.place.kind not in ("collection", "resource"):
        raise Refusal(403, "", "only collections and their entries can be deleted")
    conditions = await s.conditions()
    scheduling = scheduling_request(s.request.headers)
    begun = False
    outcome = await _removal_outcome(s, answer=scheduling.answer) if s.place.kind == "resource" else None

    def unit(tx: AccountTx) -> bool:
        target = stored(tx, s.place, s.expander.shelf)
        where = target.collection
        assert where is not None
        token = token_of(tx, where, where.modseq)
        if target.resource is None:
            # What this request has removed itself makes its conditions false.
            if not conditions.empty and not begun:
                conditions.check(None, token)
            if where.inbox:
                raise Refusal(403, "", "the scheduling inbox and outbox can't be deleted")
            return remove_collection(tx, where, s.user(()), answer=scheduling.answer)

        def allowed(resource: Resource) -> None:
            conditions.check(resource.etag, token)
            scheduling.check(resource)
            _refuse_guest(s, tx, resource)

        delete_entry(tx, where, s.place.name, allowed, s.user(()), answer=scheduling.answer, outcome=outcome)
        return True

    try:
        while not await s.account.write(unit):
            begun = True
    except NotAllowed as error:
        raise Refusal(403, CALDAV + error.condition, str(error)) from None
    await s.writer.respond(Response(204))


async def make(s: Session) -> None:
    calendar = s.request.method == "MKCALENDAR"
    root = await _xml_of_making(s)
    if s.place.kind != "collection" or (calendar and s.place.shelf != "calendar"):
        name = CALDAV + "calendar-collection-location-ok" if calendar else DAV + "valid-resourcetype"
        raise Refusal(403, name, "collections can only be created in the calendar or address book home")
    if root is not None and root.tag != (CALDAV + "mkcalendar" if calendar else DAV + "mkcol"):
        raise Refusal(415, "", "unexpected request body for this method")
    if root is None and not calendar and s.place.shelf == "calendar":
        raise Refusal(403, DAV + "valid-resourcetype", "the request body must specify a calendar")
    new, failed = made_by(s.place, root)
    if failed:
        answer = DAV + "mkcol-response" if not calendar else CALDAV + "mkcalendar-response"
        inner = [propstat([element(name)], status) for name, status in failed.items()]
        await s.writer.respond(Response(424, XML_HEADERS, document(answer, inner).encode()))
        return
    await s.account.write(lambda tx: create_collection(tx, new))
    await s.writer.respond(Response(201, (("cache-control", "no-cache"),)))


async def _xml_of_making(s: Session) -> Element | None:
    """The body. Raises Refusal, 415 for one that does not say it is XML, and is not (RFC 4918 §9.3)."""
    try:
        return await s.xml()
    except Refusal as error:
        kind = (s.request.headers.get("content-type") or "").partition(";")[0].strip().lower()
        if error.status != 400 or kind.endswith(("/xml", "+xml")):
            raise
        raise Refusal(415, "", "unexpected request body for this method") from None


async def proppatch(s: Session) -> None:
    root = await s.xml()
    if root is None or root.tag != DAV + "propertyupdate":
        raise Refusal(400, "", "a PROPPATCH body must be a propertyupdate element")
    changes = [
        (value, step.tag == DAV + "set")
        for step in root
        if step.tag in (DAV + "set", DAV + "remove")
        for prop in step.findall(DAV + "prop")
        for value in prop
    ]

    def unit(tx: AccountTx) -> dict[str, str]:
        target = stored(tx, s.place, s.expander.shelf)
        if s.place.kind != "collection" or target.collection is None:
            return {value.tag: "403 Forbidden" for value, _ in changes}
        change, failed = changed_by(target.collection, changes)
        if not failed:
            patch_collection(tx, target.collection, change)
        return failed

    failed = await s.account.write(unit)
    parts = [href(s.tree.href(s.place))]
    for name in dict.fromkeys(value.tag for value, _ in changes):
        status = failed.get(name, "424 Failed Dependency" if failed else "200 OK")
        protected = element(DAV + "error", element(DAV + "cannot-modify-protected-property"))
        parts.append(propstat([element(name)], status, *([protected] if status.startswith("403") else [])))
    body = document(DAV + "multistatus", [element(DAV + "response", *parts)])
    await s.writer.respond(Response(207, XML_HEADERS, body.encode()))


async def copy(s: Session) -> None:
    """COPY and MOVE."""
    # The preconditions of RFC 4918 §9.8.5, §9.9.4 and RFC 6638 §3.2.4.1 come in this order: what cannot be true later
    # is refused before the entry is read by the sandbox, and the rest is asked again in the unit, since that takes
    # time.
    if s.place.kind != "resource":
        raise Refusal(403, "", "only entries can be copied or moved")
    there = _destination(s)
    if s.tree.owner and there.collection != s.place.collection:  # the right is on this collection alone
        raise Refusal(403, "", "shared entries can't be moved out of their collection")
    replace = (s.request.headers.get("overwrite") or "T").strip().upper() != "F"
    conditions = await s.conditions()

    def read(r: Reader) -> tuple[Resource, bytes, Collection, Collection]:
        target = stored(r, s.place, s.expander.shelf)
        assert target.resource is not None
        assert target.collection is not None
        try:
            into = collection_named(r, there.shelf, there.collection)
        except NoSuchCollection:
            raise Refusal(409, "", "destination collection not found") from None
        _refuse_guest(s, r, target.resource)
        return target.resource, resource_data(r, target.resource.id), target.collection, into

    resource, data, source, into = await s.account.read(read, op="dav-copy")
    if source.inbox or into.inbox:
        raise Refusal(403, "", "scheduling messages can't be moved")
    if resource.tag is not None and s.request.method == "COPY":
        condition = CALDAV + "unique-scheduling-object-resource"
        raise Refusal(403, condition, "an event with guests can only be in one calendar", href(s.tree.href(s.place)))
    facts = await s.expander.facts(into, data)
    user, answer = s.user(()), scheduling_request(s.request.headers).answer

    def unit(tx: AccountTx) -> bool:
        now = resource_named(tx, source.id, resource.name)
        conditions.check(None if now is None else now.etag, token_of(tx, source, source.modseq))
        if now is None or now.hash != resource.hash:
            raise Refusal(409, "", "the entry was changed by another client; try again")
        replaced = resource_named(tx, into.id, there.name)
        _refuse_guest(s, tx, replaced)
        if not replace and replaced is not None:
            raise Refusal(412, "", "the destination already exists")
        target, keep = (into, there.name), s.request.method == "COPY"
        new = move_entry(tx, source, resource.name, facts, target, user, keep=keep, answer=answer)
        made = resource_named(tx, into.id, there.name)
        if made is not None and user.guest is not None and keep and facts.component == "VEVENT":
            note_change(tx, Author(account=user.guest.account), made.id, None, data)
        return new

    try:
        new = await s.account.write(unit)
    except UIDTaken as taken:
        raise await _uid_taken(s, msgspec.structs.replace(there, name=taken.name)) from None
    except NotAllowed as error:
        raise Refusal(403, CALDAV + error.condition, str(error)) from None
    await s.writer.respond(Response(201 if new else 204))


def _destination(s: Session) -> Place:
    """The place that Destination names. Raises Refusal."""
    field = s.request.headers.get("destination") or ""
    try:
        host = urlsplit(field).netloc
    except ValueError:  # a host in brackets that is no address
        raise Refusal(400, "", "Destination must be a URL on this server") from None
    if not field or (host and host != s.request.host.authority):
        raise Refusal(502 if field else 400, "", "Destination must be a URL on this server")
    try:
        there = s.tree.target(field)
    except NotThere:
        raise Refusal(403, "", "you can only copy or move entries between your own collections") from None
    if there.kind != "resource" or there.shelf != s.place.shelf or there == s.place:
        raise Refusal(403, "", "you can only copy or move entries between collections of the same type")
    return there
