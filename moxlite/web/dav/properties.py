"""The properties of all places, as a table (DAV-17): who has them, how they are read and changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from xml.etree.ElementTree import Element

import msgspec

from moxlite.proto.cards.calendarobject import BadObject, read_object
from moxlite.proto.cards.limits import MAX_ENTRY
from moxlite.proto.dav.xml import APPLE, CALDAV, CALSERVER, CARDDAV, DAV, element, kept, text, texts
from moxlite.store.errors import LimitExceeded
from moxlite.store.forms import BadForm, changed_fields
from moxlite.store.groupware.collection import (
    COMPONENTS,
    INBOX,
    MAX_DEAD,
    OUTBOX,
    TOO_MANY_DEAD,
    Collection,
    CollectionChange,
    changed,
)
from moxlite.store.groupware.resources import Resource
from moxlite.store.mail.sharenotices import ANYONE
from moxlite.web.dav.places import Place, Refusal, Tree, href
from moxlite.web.http.conditional import http_date

MAX_NAMES: Final = 300
"""Properties that a request asks for: each is answered for each place, and there are some 50, with 100 of programs."""


class Person(msgspec.Struct, frozen=True):
    """Another user, as far as the user may know that one. `account`: its name; `addresses`: at least one."""

    account: str
    name: str
    addresses: tuple[str, ...]


class Target(msgspec.Struct, frozen=True):
    """A place with what is stored there. `token`: the state of the collection; `data`: elements that only a report
    makes, by name; `person`: the other user that it is; `guests`: users with rights on the collection, as `guests_of`.
    """

    place: Place
    collection: Collection | None = None
    resource: Resource | None = None
    token: str = ""
    data: Mapping[str, str] = {}
    person: Person | None = None
    guests: Sequence[tuple[str, bool]] = ()


class Viewer(msgspec.Struct, frozen=True):
    """The user, whose tree it is. `quota`: octets, 0 without a limit. `calendar`: name of the calendar into which
    events of others come.
    """

    tree: Tree
    name: str
    addresses: tuple[str, ...]
    read_only: bool
    used: int
    quota: int
    calendar: str

    def of(self, place: Place) -> str:
        """The element with the path of a place."""
        return href(self.tree.href(place))

    def owner(self) -> str:
        """The element with the path of the owner of a collection."""
        tree = self.tree
        return href((tree.of_user(tree.owner) if tree.owner else tree).href(Place("principal")))

    def at(self, owner: str, *, writable: bool) -> Viewer:
        """The user, looking at a collection of another user."""
        return msgspec.structs.replace(self, tree=self.tree.of(owner), read_only=self.read_only or not writable)


Read = Callable[[Viewer, Target], "str | None"]
Write = Callable[[Collection, str], CollectionChange]


class Property(msgspec.Struct, frozen=True):
    """A property: `read` gives what is in its element, None where a place has it not; `write` makes a change of the
    text in it, "" where it is removed, and is None for a protected one. `common`: it is told to who asks for all.
    """

    read: Read
    write: Write | None = None
    common: bool = False


class BadValue(ValueError):
    """A value that a property does not take."""


def _kinds(*kinds: str) -> Callable[[Callable[[Viewer, Target], str]], Read]:
    """Read a property at places of these kinds only."""

    def at(read: Callable[[Viewer, Target], str]) -> Read:
        return lambda viewer, target: read(viewer, target) if target.place.kind in kinds else None

    return at


_people: Final = _kinds("principal", "person")


def _collections(shelf: str, read: Callable[[Collection], str | None]) -> Read:
    """Read a property of collections of a shelf, "" for both."""

    def get(_: Viewer, target: Target) -> str | None:
        collection = target.collection
        if target.place.kind != "collection" or collection is None or shelf not in ("", collection.kind):
            return None
        return read(collection)

    return get


def _resources(read: Callable[[Resource], str | None]) -> Read:
    return lambda _, target: None if target.resource is None else read(target.resource)


def _resource_type(_: Viewer, target: Target) -> str:
    match target.place.kind:
        case "resource":
            return ""
        case "principal" | "person":
            return element(DAV + "principal") + element(DAV + "collection")
        case "outbox":
            return element(DAV + "collection") + element(CALDAV + "schedule-outbox")
        case "collection" if target.collection is not None and target.collection.inbox:
            return element(DAV + "collection") + element(CALDAV + "schedule-inbox")
        case "collection" if target.place.shelf == "calendar":
            return element(DAV + "collection") + element(CALDAV + "calendar")
        case "collection":
            return element(DAV + "collection") + element(CARDDAV + "addressbook")
    return element(DAV + "collection")


def _display_name(viewer: Viewer, target: Target) -> str | None:
    match target.place.kind:
        case "principal":
            return text(viewer.name)
        case "person" if target.person is not None:
            return text(target.person.name)
        case "collection" if target.collection is not None:
            name = target.collection.display_name or target.collection.name
            return text(f"{name} ({viewer.tree.owner})" if viewer.tree.owner else name)
        case "outbox":
            return "Outbox"
        case "home":
            return "Calendars" if target.place.shelf == "calendar" else "Address books"
    return None


READING: Final = ("read", "read-acl", "read-current-user-privilege-set")
WRITING: Final = ("all", "write", "write-content", "write-properties", "bind", "unbind", "unlock", "write-acl")


def _addresses(viewer: Viewer, target: Target) -> tuple[str, ...]:
    """The addresses of a principal."""
    return viewer.addresses if target.person is None else target.person.addresses


def _privileges(viewer: Viewer, target: Target) -> str:
    reading = viewer.read_only or target.person is not None
    names: tuple[str, ...] = READING if reading else (*WRITING[:-2], *READING)
    if not viewer.read_only and target.collection is not None and target.collection.subscribed:
        names = ("write-properties", *READING)
    found = [element(DAV + "privilege", element(DAV + name)) for name in names]
    found.append(element(DAV + "privilege", element(CALDAV + "read-free-busy")))
    return "".join(found)


def _supported_privileges(_: Viewer, __: Target) -> str:
    def one(name: str, words: str, *inner: str) -> str:
        described = element(DAV + "description", text(words), xml_lang="en").replace("xml-lang", "xml:lang")
        return element(DAV + "supported-privilege", element(DAV + "privilege", element(name)), described, *inner)

    write = [one(DAV + name, name) for name in ("write-content", "write-properties", "bind", "unbind")]
    read = one(DAV + "read", "read", one(CALDAV + "read-free-busy", "see when the owner is busy"))
    return one(DAV + "all", "everything", read, one(DAV + "write", "change", *write))


def _acl(viewer: Viewer, target: Target) -> str:
    """An element for the owner, and one for each guest; a guest sees no other guests (RFC 3744 §5.5)."""

    def ace(principal: str, names: Sequence[str], *more: str) -> str:
        privileges = "".join(element(DAV + "privilege", element(DAV + name)) for name in names)
        return element(DAV + "ace", element(DAV + "principal", principal), element(DAV + "grant", privileges), *more)

    found = [ace(element(DAV + "property", element(DAV + "owner")), ("all",), element(DAV + "protected"))]
    if viewer.tree.owner:
        found.append(ace(element(DAV + "self"), ("read",) if viewer.read_only else ("read", "write")))
        return "".join(found)
    for name, writable in target.guests:
        person = element(DAV + "authenticated") if name == ANYONE else viewer.of(Place("person", name=name))
        found.append(ace(person, ("read", "write") if writable else ("read",)))
    return "".join(found)


def _reports(_: Viewer, target: Target) -> str | None:
    names = REPORTS.get(target.place.kind, ())
    if target.place.kind in ("collection", "home"):
        space = CALDAV if target.place.shelf == "calendar" else CARDDAV
        names = tuple(name for name in names if name.startswith((DAV, space)))
    found = (element(DAV + "supported-report", element(DAV + "report", element(name))) for name in names)
    return "".join(found)


PRINCIPAL_REPORTS: Final = (DAV + "principal-property-search", DAV + "principal-search-property-set")
REPORTS: Final[dict[str, tuple[str, ...]]] = {
    "root": PRINCIPAL_REPORTS,
    "principals": PRINCIPAL_REPORTS,
    "principal": PRINCIPAL_REPORTS,
    "person": PRINCIPAL_REPORTS,
    "home": (CALDAV + "calendar-query", CALDAV + "calendar-multiget", CARDDAV + "addressbook-multiget"),
    "collection": (
        DAV + "sync-collection",
        CALDAV + "calendar-query",
        CALDAV + "calendar-multiget",
        CALDAV + "free-busy-query",
        CARDDAV + "addressbook-query",
        CARDDAV + "addressbook-multiget",
    ),
}
"""Reports by kind of place."""


def _components(collection: Collection) -> str:
    return "".join(element(CALDAV + "comp", name=name) for name in collection.components)


def _data_types(_: Collection) -> str:
    return element(CALDAV + "calendar-data", content_type="text/calendar", version="2.0")


def _card_types(_: Collection) -> str:
    found = (
        element(CARDDAV + "address-data-type", content_type="text/vcard", version=version) for version in ("3.0", "4.0")
    )
    return "".join(found)


def _collations(space: str) -> Callable[[Collection], str]:
    names = ("i;ascii-casemap", "i;octet", "i;unicode-casemap")
    found = "".join(element(space + "supported-collation", text(name)) for name in names)
    return lambda _: found


def _content_type(resource: Resource) -> str:
    if resource.component == "VCARD":
        return "text/vcard; charset=utf-8"
    return f"text/calendar; charset=utf-8; component={resource.component}"


def _moment(micros: int) -> datetime:
    return datetime.fromtimestamp(micros // 1_000_000, UTC)


def _set_description(shelf: str) -> Write:
    def write(collection: Collection, value: str) -> CollectionChange:
        if collection.kind != shelf:
            raise BadValue("this collection doesn't support this property")
        return CollectionChange(description=value)

    return write


def _set_order(_: Collection, value: str) -> CollectionChange:
    if not re.fullmatch(r"(-?[0-9]{1,9})?", value):
        raise BadValue("the order must be a number")
    return CollectionChange(position=int(value) if value else None)


def _set_availability(collection: Collection, value: str) -> CollectionChange:
    """Set the hours of the owner of an inbox (RFC 7953 §7.3)."""
    if not collection.inbox:
        raise BadValue("availability can only be set on the scheduling inbox")
    if value:
        try:
            calendar_object = read_object(value.encode())
        except BadObject as error:
            raise BadValue(str(error)) from None
        if calendar_object.kind != "VAVAILABILITY":
            raise BadValue("must be an iCalendar object with VAVAILABILITY")
    return CollectionChange(availability=value)


_AVAILABILITY: Final = Property(
    lambda _, target: (
        text(target.collection.availability) or None
        if target.collection is not None and target.resource is None
        else None
    ),
    _set_availability,
)

PROPERTIES: Final[dict[str, Property]] = {
    # RFC 4918 §15
    DAV + "resourcetype": Property(_resource_type, common=True),
    DAV + "displayname": Property(
        _display_name, lambda _, value: CollectionChange(display_name=value or None), common=True
    ),
    DAV + "getetag": Property(_resources(lambda resource: text(resource.etag)), common=True),
    DAV + "getcontenttype": Property(_resources(_content_type), common=True),
    DAV + "getcontentlength": Property(_resources(lambda resource: str(resource.size)), common=True),
    DAV + "getlastmodified": Property(_resources(lambda resource: http_date(_moment(resource.changed))), common=True),
    DAV + "creationdate": Property(
        _resources(lambda resource: f"{_moment(resource.created):%Y-%m-%dT%H:%M:%SZ}"), common=True
    ),
    # RFC 3744 §4, §5; RFC 5397
    DAV + "current-user-principal": Property(lambda viewer, _: viewer.of(Place("principal"))),
    DAV + "principal-URL": Property(_people(lambda viewer, target: viewer.of(target.place))),
    DAV + "principal-collection-set": Property(lambda viewer, _: viewer.of(Place("principals"))),
    DAV + "alternate-URI-set": Property(_people(lambda _, __: "")),
    DAV + "group-membership": Property(_people(lambda _, __: "")),
    DAV + "owner": Property(_kinds("home", "collection", "resource")(lambda viewer, _: viewer.owner())),
    DAV + "current-user-privilege-set": Property(_privileges),
    DAV + "supported-privilege-set": Property(_supported_privileges),
    DAV + "acl": Property(_kinds("home", "collection", "resource")(_acl)),
    DAV + "supported-report-set": Property(_reports),
    # RFC 6578 §4, CalendarServer
    DAV + "sync-token": Property(_kinds("collection")(lambda _, target: text(target.token))),
    CALSERVER + "getctag": Property(_kinds("collection")(lambda _, target: text(target.token))),
    # RFC 4331
    DAV + "quota-used-bytes": Property(_kinds("home", "collection")(lambda viewer, _: str(viewer.used))),
    DAV + "quota-available-bytes": Property(
        lambda viewer, target: (
            str(max(0, viewer.quota - viewer.used))
            if viewer.quota and target.place.kind in ("home", "collection")
            else None
        )
    ),
    # RFC 4791 §5.2, §6.2, §7.5; RFC 6638 §2.4.1, §9.1
    CALDAV + "calendar-home-set": Property(_kinds("principal")(lambda viewer, _: viewer.of(Place("home")))),
    CALDAV + "calendar-user-address-set": Property(
        _people(
            lambda viewer, target: (
                "".join(href(f"mailto:{address}") for address in _addresses(viewer, target)) + viewer.of(target.place)
            )
        )
    ),
    CALDAV + "schedule-inbox-URL": Property(
        _kinds("principal")(lambda viewer, _: viewer.of(Place("collection", "calendar", INBOX)))
    ),
    CALDAV + "schedule-outbox-URL": Property(
        _kinds("principal")(lambda viewer, _: viewer.of(Place("outbox", "calendar", OUTBOX)))
    ),
    CALDAV + "schedule-default-calendar-URL": Property(
        lambda viewer, target: (
            viewer.of(Place("collection", "calendar", viewer.calendar))
            if target.collection is not None and target.collection.inbox and target.resource is None
            else None
        )
    ),
    CALDAV + "calendar-availability": _AVAILABILITY,
    CALSERVER + "calendar-availability": _AVAILABILITY,  # the name that Apple's programs write
    CALDAV + "schedule-tag": Property(_resources(lambda resource: text(resource.schedule_tag) or None)),
    CALDAV + "calendar-user-type": Property(_people(lambda _, __: "INDIVIDUAL")),
    CALSERVER + "email-address-set": Property(
        _people(
            lambda viewer, target: "".join(
                element(CALSERVER + "email-address", text(address)) for address in _addresses(viewer, target)
            )
        )
    ),
    CALDAV + "calendar-description": Property(
        _collections("calendar", lambda collection: text(collection.description) or None), _set_description("calendar")
    ),
    CALDAV + "calendar-timezone": Property(
        _collections("calendar", lambda collection: text(collection.time_zone) or None),
        lambda _, value: CollectionChange(time_zone=value),
    ),
    CALDAV + "supported-calendar-component-set": Property(_collections("calendar", _components)),
    CALDAV + "supported-calendar-data": Property(_collections("calendar", _data_types)),
    CALDAV + "supported-collation-set": Property(_collections("calendar", _collations(CALDAV))),
    CALDAV + "max-resource-size": Property(_collections("calendar", lambda _: str(MAX_ENTRY))),
    CALDAV + "schedule-calendar-transp": Property(
        _collections(
            "calendar", lambda collection: element(CALDAV + ("transparent" if collection.transparent else "opaque"))
        ),
        lambda _, value: CollectionChange(transparent=value == "transparent"),
    ),
    # RFC 6352 §6.2, §7.1
    CARDDAV + "addressbook-home-set": Property(
        _kinds("principal")(lambda viewer, _: viewer.of(Place("home", "contact")))
    ),
    CARDDAV + "addressbook-description": Property(
        _collections("contact", lambda collection: text(collection.description) or None), _set_description("contact")
    ),
    CARDDAV + "supported-address-data": Property(_collections("contact", _card_types)),
    CARDDAV + "supported-collation-set": Property(_collections("contact", _collations(CARDDAV))),
    CARDDAV + "max-resource-size": Property(_collections("contact", lambda _: str(MAX_ENTRY))),
    # Apple
    APPLE + "calendar-color": Property(
        _collections("", lambda collection: text(collection.colour) or None),
        lambda _, value: CollectionChange(colour=value),
    ),
    APPLE + "calendar-order": Property(
        _collections("", lambda collection: None if collection.position is None else str(collection.position)),
        _set_order,
    ),
}


class PropertyRequest(msgspec.Struct, frozen=True):
    """The properties that a request asks for: these, or all common ones and these, or their names only."""

    names: tuple[str, ...]
    everything: bool = False
    only_names: bool = False


def wanted_of(root: Element | None) -> PropertyRequest:
    """Read the wishes of a PROPFIND or REPORT: its children prop, allprop with include, propname. Raises Refusal."""
    if root is None:
        return PropertyRequest((), everything=True)
    if root.find(DAV + "propname") is not None:
        return PropertyRequest((), only_names=True)
    prop = root.find(DAV + "prop")
    named = root.find(DAV + "include") if prop is None else prop
    names = () if named is None else tuple(dict.fromkeys(one.tag for one in named))
    check_number(len(names))
    return PropertyRequest(names, everything=prop is None)


def check_number(names: int) -> None:
    """Raise Refusal for more properties than a request may ask for."""
    if names > MAX_NAMES:
        raise Refusal(
            403, DAV + "number-of-matches-within-limits", f"a request can ask for up to {MAX_NAMES} properties"
        )


def answer_for(viewer: Viewer, target: Target, property_request: PropertyRequest, *, minimal: bool) -> str:
    """The response element for a place (RFC 4918 §14.24)."""
    dead = target.collection.dead if target.collection is not None and target.resource is None else {}
    found: list[str] = []
    missing: list[str] = []
    names: Iterable[str] = property_request.names
    asked = frozenset(property_request.names)
    if property_request.everything or property_request.only_names:
        common = (name for name, prop in PROPERTIES.items() if prop.common or property_request.only_names)
        # allprop does not give the others, which clients ask for by name: some cost a look at more than the row
        # (RFC 4791 §5.2, RFC 3744 §5).
        names = dict.fromkeys((*common, *dead, *property_request.names))
    for name in names:
        value = _value(viewer, target, name)
        if value is not None:
            found.append(element(name) if property_request.only_names else value)
        elif name in asked:
            missing.append(element(name))
    parts = [href(viewer.tree.href(target.place))]
    if found or not missing or minimal:
        parts.append(propstat(found, "200 OK"))
    if missing and not minimal:
        parts.append(propstat(missing, "404 Not Found"))
    return element(DAV + "response", *parts)


def _value(viewer: Viewer, target: Target, name: str) -> str | None:
    if name in target.data:
        return element(name, target.data[name])
    live = PROPERTIES.get(name)
    if live is not None:
        value = live.read(viewer, target)
        return None if value is None else element(name, value)
    if target.collection is not None and target.resource is None:
        return target.collection.dead.get(name)
    return None


def propstat(inner: Iterable[str], status: str, *more: str) -> str:
    """Properties with one status."""
    prop = element(DAV + "prop", *inner)
    return element(DAV + "propstat", prop, element(DAV + "status", f"HTTP/1.1 {status}"), *more)


def changed_by(
    collection: Collection, changes: Iterable[tuple[Element, bool]]
) -> tuple[CollectionChange, dict[str, str]]:
    """The change of a collection whose properties are set, or with False removed, in order; and for each that cannot be
    changed the status, beginning with a number. Raises LimitExceeded.
    """
    failed: dict[str, str] = {}
    fields: dict[str, Any] = {}
    dead: dict[str, str | None] = {}
    for value, wanted in changes:
        live = PROPERTIES.get(value.tag)
        if live is None:
            # The store looks at all that are kept: 10,000, as many as a body may have, would take long.
            if wanted and sum(text is not None for text in dead.values()) >= MAX_DEAD:
                raise LimitExceeded(TOO_MANY_DEAD)
            dead[value.tag] = kept(value) if wanted else None
        elif live.write is None:
            failed[value.tag] = "403 Forbidden"
        else:
            try:
                change = live.write(collection, _written(value) if wanted else "")
                changed(collection, change)
            except (BadValue, BadForm):
                failed[value.tag] = "409 Conflict"
            else:
                fields |= changed_fields(change)
    return CollectionChange(**fields, dead=dead), failed


def _written(value: Element) -> str:
    """The text of a property, or the name of the first element in one that has elements."""
    if value.tag == CALDAV + "schedule-calendar-transp":
        return next((inner.tag.rpartition("}")[2] for inner in value), "")
    return (value.text or "").strip()


def made_by(place: Place, root: Element | None) -> tuple[Collection, dict[str, str]]:
    """The collection that MKCOL or MKCALENDAR wants, as `changed_by`. Raises Refusal."""
    components = COMPONENTS if place.shelf == "calendar" else ()
    collection = Collection(0, place.shelf, place.collection, components=components)
    values = [] if root is None else [value for prop in root.findall(f"{DAV}set/{DAV}prop") for value in prop]
    rest: list[tuple[Element, bool]] = []
    for value in values:
        if value.tag == DAV + "resourcetype":
            kind = CALDAV + "calendar" if place.shelf == "calendar" else CARDDAV + "addressbook"
            if {inner.tag for inner in value} != {DAV + "collection", kind}:
                raise Refusal(403, DAV + "valid-resourcetype", "only calendars or address books can be created here")
        elif value.tag == CALDAV + "supported-calendar-component-set" and place.shelf == "calendar":
            names = tuple(inner.get("name", "").upper() for inner in value.findall(CALDAV + "comp"))
            if not names or not {*names} <= {*COMPONENTS}:
                raise Refusal(
                    403, CALDAV + "supported-calendar-component", "this calendar doesn't support these components"
                )
            collection = msgspec.structs.replace(collection, components=tuple(sorted({*names})))
        else:
            rest.append((value, True))
    change, failed = changed_by(collection, rest)
    return changed(collection, change), failed


def hrefs_of(root: Element) -> list[str]:
    """The addresses that a request names."""
    return texts(root, DAV + "href")
