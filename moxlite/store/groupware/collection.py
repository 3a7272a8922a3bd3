"""Collections: calendars and address books (DAV-1, DAV-2, DAV-4, DAV-5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote

import msgspec
from msgspec import UNSET, UnsetType

from moxlite.encoding import from_json, to_json
from moxlite.normal import is_visible
from moxlite.proto.cards.components import BadComponents, read_components
from moxlite.proto.cards.entryfacts import FACTS_VERSION
from moxlite.proto.cards.moments import iana_zone
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import LimitExceeded, StoreError
from moxlite.store.file.transaction import Reader, Row
from moxlite.store.forms import BadForm, changed_fields
from moxlite.store.groupware.alarms import seek_in
from moxlite.store.groupware.kept import keep_entries
from moxlite.store.mail.sharenotices import owe_notice
from moxlite.store.rows.history import epoch
from moxlite.store.types import GroupwareChanged, ModSeq

Kind: TypeAlias = Literal["calendar", "contact"]

SCHEDULE: Final = "schedule"
"""Kind of the rows of the outbox with messages about events (`scheduling`)."""

COMPONENTS: Final = ("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY")
"""Kinds of components that a calendar takes."""

DEFAULTS: Final[tuple[tuple[Kind, str, str], ...]] = (
    ("calendar", "calendar", "Calendar"),
    ("contact", "contacts", "Contacts"),
)
"""Kind, name and shown name of the collections of a new account."""

MAX_COLLECTIONS: Final = 100
"""Collections of an account: all of them are listed in one answer."""

MAX_DEAD: Final = 100
"""Properties of a collection that only clients know."""

MAX_DEAD_OCTETS: Final = 64 << 10
"""Octets of them as JSON: they are read with the collection, at each request."""

TOO_MANY_DEAD: Final = f"a collection can have up to {MAX_DEAD} additional properties, and 64 KiB in total"

MAX_ELEMENT: Final = 200
"""Characters of a name of a collection or resource, an element of an address."""

INBOX: Final = "inbox"
OUTBOX: Final = "outbox"
"""Names of the places for messages about events, which no calendar has (RFC 6638 §2)."""

HIDDEN: Final = "{urn:moxlite:webmail}hidden"
"""Property of a calendar that the user does not want to see for now."""

Access: TypeAlias = Literal["details", "busy", "nothing"]
"""Parts of a calendar that colleagues see: titles too, when its owner is busy, or nothing (DAV-48)."""

ACCESSES: Final[tuple[Access, ...]] = ("details", "busy", "nothing")
"""The most first."""

ACCESS: Final = "{urn:moxlite:webmail}free-busy"
"""Property of a calendar whose owner has chosen an `Access` for it."""

BIRTHDAYS_OFF: Final = "{urn:moxlite:webmail}no-birthdays"
"""Property of an address book whose user does not want to see birthdays in the calendar."""

SECOND_ZONE: Final = "{urn:moxlite:webmail}second-zone"
"""Property of a calendar whose user wants to see the hours of another time zone beside the own ones."""

AVAILABILITY: Final = "{urn:ietf:params:xml:ns:caldav}calendar-availability"
"""Property of the schedule inbox, which is text there."""

COPIED_FROM: Final = "{urn:moxlite:webmail}copied-from"
"""Property with the encoded paths of the collections of other servers that were copied into this one."""

MAX_COPIED_FROM: Final = 10
"""Paths in that property."""

BIRTHDAYS_OFF_XML: Final = '<no-birthdays xmlns="urn:moxlite:webmail" />'
HIDDEN_XML: Final = '<hidden xmlns="urn:moxlite:webmail" />'

_COLUMNS: Final = """id, kind, name, display_name, description, colour, position, time_zone, components, transparent,
dead, createseq, modseq, purged, total, size, inbox,
EXISTS (SELECT 1 FROM calendar_subscription WHERE collection_id = collection.id)"""
BY_ID: Final = f"SELECT {_COLUMNS} FROM collection WHERE id = ?"  # noqa: S608 column names
BY_NAME: Final = f"SELECT {_COLUMNS} FROM collection WHERE kind = ? AND name = ?"  # noqa: S608 column names
ALL: Final = f"SELECT {_COLUMNS} FROM collection WHERE kind = ? AND NOT inbox ORDER BY coalesce(position, 1 << 40), id"  # noqa: S608
COUNT: Final = "SELECT count(*) FROM collection WHERE NOT inbox"
ANY: Final = """
SELECT EXISTS (
    SELECT 1 FROM collection
    WHERE kind = ?1 AND NOT inbox AND id NOT IN (SELECT collection_id FROM calendar_subscription)
)
OR EXISTS (SELECT 1 FROM collection_gone WHERE kind = ?1)"""
ADD: Final = """
INSERT INTO collection (kind, name, display_name, description, colour, position, time_zone, components, transparent,
dead, inbox, createseq, modseq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?12, ?12)"""
CHANGE: Final = """
UPDATE collection SET display_name = ?, description = ?, colour = ?, position = ?, time_zone = ?, components = ?,
transparent = ?, dead = ?, modseq = ? WHERE id = ?"""
TOUCH: Final = "UPDATE collection SET modseq = ?, total = total + ?, size = size + ? WHERE id = ?"
GONE: Final = "INSERT INTO collection_gone (collection_id, kind, name, createseq, modseq) VALUES (?, ?, ?, ?, ?)"
GUESTS: Final = "SELECT identifier, rights FROM collection_acl WHERE collection_id = ?"
DELETE: Final = (
    "DELETE FROM contact_address WHERE contact_id IN (SELECT id FROM resource WHERE collection_id = ?)",
    "DELETE FROM contact_group WHERE contact_id IN (SELECT id FROM resource WHERE collection_id = ?)",
    "DELETE FROM group_member WHERE group_id IN (SELECT id FROM resource WHERE collection_id = ?)",
    "DELETE FROM group_card WHERE id IN (SELECT id FROM resource WHERE collection_id = ?)",
    "DELETE FROM contact WHERE id IN (SELECT id FROM resource WHERE collection_id = ?)",
    "DELETE FROM contact_due WHERE id IN (SELECT id FROM resource WHERE collection_id = ?)",
    "DELETE FROM entry_facts WHERE resource_id IN (SELECT id FROM resource WHERE collection_id = ?)",
    "DELETE FROM alarm WHERE resource_id IN (SELECT id FROM resource WHERE collection_id = ?)",
    "DELETE FROM instance WHERE resource_id IN (SELECT id FROM resource WHERE collection_id = ?)",
    "DELETE FROM resource_address WHERE resource_id IN (SELECT id FROM resource WHERE collection_id = ?)",
    "DELETE FROM resource_data WHERE resource_id IN (SELECT id FROM resource WHERE collection_id = ?)",
    "DELETE FROM resource WHERE collection_id = ?",
    "DELETE FROM resource_gone WHERE collection_id = ?",
    "DELETE FROM collection_acl WHERE collection_id = ?",
    "DELETE FROM calendar_link WHERE collection_id = ?",
    "DELETE FROM calendar_subscription WHERE collection_id = ?",
    "DELETE FROM collection WHERE id = ?",
)
ANY_OLD_FACTS: Final = "SELECT EXISTS (SELECT 1 FROM entry_facts WHERE version < ?)"
ANY_DUE: Final = "SELECT EXISTS (SELECT 1 FROM contact_due WHERE problem IS NULL)"
USED: Final = "SELECT total_size + (SELECT coalesce(sum(size), 0) FROM collection) FROM state"


MAX_SHOWN: Final = 255
"""Octets of the name that users see (RFC 9610 §2, draft-ietf-jmap-calendars §4)."""

MAX_DESCRIPTION: Final = 10_000
"""Characters of a description."""

MAX_ZONE: Final = 64 << 10
"""Characters of the calendar that holds a time zone: some programs write all rules that the zone ever had."""

MAX_POSITION: Final = (1 << 31) - 1
"""Largest order, and with a minus the smallest: signed numbers of 32 bits, which all programs know."""

COLOUR: Final = re.compile(r"#[0-9A-Fa-f]{3,8}|[A-Za-z]{1,30}")
"""A color as Apple's programs write it, or a name of CSS."""


class NoSuchCollection(StoreError):
    """The account has no such calendar or address book."""


class CollectionExists(StoreError):
    """There is a collection of this name already."""


class ReadOnly(StoreError):
    """A calendar with the entries of a file elsewhere."""

    def __init__(self) -> None:
        super().__init__("this is a subscribed calendar, so you can't change it here")


class BadName(StoreError):
    """A name that no collection or resource may have."""


class Collection(msgspec.Struct, frozen=True):
    """A calendar or address book.

    Attributes:
      name: last element of its address. position: for sorting, None without one.
      time_zone: a VCALENDAR with one VTIMEZONE, "" without one.
      components: kinds of components it takes, of `COMPONENTS`; empty for an address book.
      transparent: its events do not make its owner busy.
      dead: properties that only clients know, XML by name in Clark's notation.
      purged: highest modseq whose tombstones are gone.
      total, size: number and octets of its resources.
      inbox: it holds messages about events, and is no calendar.
      subscribed: a file elsewhere has the same entries, and only the server changes them (DAV-44).
    """

    id: int
    kind: Kind
    name: str
    display_name: str = ""
    description: str = ""
    colour: str = ""
    position: int | None = None
    time_zone: str = ""
    components: tuple[str, ...] = ()
    transparent: bool = False
    dead: dict[str, str] = {}
    createseq: ModSeq = ModSeq(0)
    modseq: ModSeq = ModSeq(0)
    purged: ModSeq = ModSeq(0)
    total: int = 0
    size: int = 0
    inbox: bool = False
    subscribed: bool = False

    @property
    def shown_colour(self) -> str:
        """Its colour without the opacity of Apple's programs."""
        return self.colour[:7] if self.colour.startswith("#") else self.colour

    @property
    def has_events(self) -> bool:
        """It is a calendar for events, and no place for messages about them."""
        return self.kind == "calendar" and not self.inbox and "VEVENT" in self.components

    @property
    def hidden(self) -> bool:
        """Whether programs do not show its events for now."""
        return HIDDEN in self.dead

    @property
    def access(self) -> Access | None:
        """The access of colleagues, as the owner has chosen it; None for what is usual in their domain."""
        return next((one for one in ACCESSES if self.dead.get(ACCESS) == _access_xml(one)), None)

    @property
    def availability(self) -> str:
        """The calendar with the hours at which the owner of a schedule inbox is available (RFC 7953 §7.3); "" without
        one.
        """
        return self.dead.get(AVAILABILITY, "") if self.inbox else ""

    @property
    def second_zone(self) -> str:
        """The IANA name of the time zone whose hours the user wants to see beside the own ones; "" for none."""
        written = re.fullmatch(r"<second-zone [^>]*>([\w/+-]+)</second-zone>", self.dead.get(SECOND_ZONE, ""))
        return written[1] if written else ""

    @property
    def birthdays_hidden(self) -> bool:
        """Whether the user of an address book does not want to see its birthdays in the calendar."""
        return BIRTHDAYS_OFF in self.dead


class CollectionChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a calendar or address book. `display_name`: None for that of its address. `dead`: further properties,
    None to remove one.
    """

    display_name: str | UnsetType | None = UNSET
    description: str | UnsetType = UNSET
    colour: str | UnsetType = UNSET
    position: int | UnsetType | None = UNSET
    time_zone: str | UnsetType = UNSET
    transparent: bool | UnsetType = UNSET
    hidden: bool | UnsetType = UNSET
    access: Access | UnsetType | None = UNSET
    birthdays_hidden: bool | UnsetType = UNSET
    second_zone: str | UnsetType = UNSET
    availability: str | UnsetType = UNSET
    dead: Mapping[str, str | None] | UnsetType = UNSET


def changed(before: Collection, change: CollectionChange) -> Collection:
    """A collection after a change; what does not differ is not judged. Raises BadForm."""
    given = changed_fields(change)
    dead = {**before.dead, **given.pop("dead", {})}
    columns: dict[str, Any] = {}
    for name, value in given.items():
        if value == getattr(before, name) and value != "":  # no name is what was removed, and not what is given
            continue
        if (fault := _fault(name, value)) is not None:
            raise BadForm(name, fault)
        if name in _PROPERTIES:
            tag, xml = _PROPERTIES[name]
            dead[tag] = xml(value)
        else:
            columns[name] = "" if name == "display_name" and value is None else value
    kept = {name: xml for name, xml in dead.items() if xml is not None}
    return msgspec.structs.replace(before, dead=kept, **columns)


def _fault(name: str, value: Any) -> str | None:
    """Why a field cannot have a value: one rule for all interfaces."""
    match name:
        case "display_name" if value is not None:
            if not 0 < len(value.encode("utf-8", "replace")) <= MAX_SHOWN or not is_visible(value):
                return f"names must be 1 to {MAX_SHOWN} bytes of printable characters"
        case "description" if len(value) > MAX_DESCRIPTION:
            return f"must be {MAX_DESCRIPTION:,} characters or fewer"
        case "colour" if value and COLOUR.fullmatch(value) is None:
            return "color: must be #rrggbb"
        case "position" if value is not None and abs(value) > MAX_POSITION:
            return f"must be {MAX_POSITION} or less"
        case "time_zone" if value:
            return _zone_fault(value)
        case "second_zone" if value and str(iana_zone(value)) != value:
            return "unknown time zone"
    return None


def _zone_fault(value: str) -> str | None:
    if len(value) > MAX_ZONE:
        return f"must be {MAX_ZONE:,} characters or fewer"
    try:
        zones = read_components(value, "VCALENDAR").components
    except BadComponents as error:
        return str(error)
    return None if [zone.name for zone in zones] == ["VTIMEZONE"] else "must be a calendar with one time zone"


def _access_xml(access: Access) -> str:
    return f'<free-busy xmlns="urn:moxlite:webmail">{access}</free-busy>'


def _second_zone_xml(zone: str) -> str:
    return f'<second-zone xmlns="urn:moxlite:webmail">{zone}</second-zone>'


_PROPERTIES: Final[Mapping[str, tuple[str, Callable[[Any], str | None]]]] = {
    "hidden": (HIDDEN, lambda hidden: HIDDEN_XML if hidden else None),
    "access": (ACCESS, lambda access: None if access is None else _access_xml(access)),
    "birthdays_hidden": (BIRTHDAYS_OFF, lambda hidden: BIRTHDAYS_OFF_XML if hidden else None),
    "second_zone": (SECOND_ZONE, lambda zone: _second_zone_xml(zone) if zone else None),
    "availability": (AVAILABILITY, lambda text: text or None),
}
"""Fields stored as properties, each with a function for the stored value, or None to store nothing."""


def copied_from(one: Collection) -> list[str]:
    """The encoded paths of the collections of other servers that were copied into a collection."""
    written = re.fullmatch(r"<copied-from [^>]*>([^<]*)</copied-from>", one.dead.get(COPIED_FROM, ""))
    return written[1].split() if written else []


def note_copied_from(tx: AccountTx, into: Collection, path: str) -> None:
    """Note the path of a collection of another server that is copied into this one, where its properties have room:
    a copy doesn't fail for want of an old name.
    """
    paths, path = copied_from(into), quote(path, safe="/%@~")  # no character that XML would escape
    if path not in paths and len(paths) < MAX_COPIED_FROM:
        xml = f'<copied-from xmlns="urn:moxlite:webmail">{" ".join([*paths, path])}</copied-from>'
        with suppress(LimitExceeded):
            patch_collection(tx, into, CollectionChange(dead={COPIED_FROM: xml}))


def default_of(collections: Sequence[Collection]) -> Collection | None:
    """The one of an account's calendars, or address books, to which new entries are added."""
    own = [one for one in collections if not one.subscribed]
    named = next((one for one in own if (one.kind, one.name) in [default[:2] for default in DEFAULTS]), None)
    return named or (own[0] if own else None)


def collections_of(r: Reader, kind: Kind) -> list[Collection]:
    """All calendars or address books, by position."""
    return [_of_row(row) for row in r.rows(ALL, kind)]


def inbox_of(r: Reader) -> list[Collection]:
    """The schedule inbox, once there is one."""
    row = r.row(BY_NAME, "calendar", INBOX)
    return [] if row is None else [_of_row(row)]


def collection_named(r: Reader, kind: Kind, name: str) -> Collection:
    """The collection of that name. Raises NoSuchCollection."""
    row = r.row(BY_NAME, kind, name)
    if row is None:
        raise NoSuchCollection(f'{"calendar" if kind == "calendar" else "address book"} not found: "{name}"')
    return _of_row(row)


def collection(r: Reader, collection_id: int) -> Collection:
    """The collection with that id. Raises NoSuchCollection."""
    row = r.row(BY_ID, collection_id)
    if row is None:
        raise NoSuchCollection("collection not found")
    return _of_row(row)


def ensure_defaults(tx: AccountTx) -> None:
    """Make the first calendar and address book, each unless the account has, or had, one of its kind."""
    for kind, name, shown in DEFAULTS:
        # A user who has removed the only address book does not get it back at each start.
        if not tx.value(ANY, kind):
            components = COMPONENTS if kind == "calendar" else ()
            create_collection(tx, Collection(0, kind, name, display_name=shown, components=components))
    if tx.row(BY_NAME, "calendar", INBOX) is None:
        number = tx.insert(ADD, "calendar", INBOX, *_settable(Collection(0, "calendar", INBOX)), 1, tx.modseq())
        _tell(tx, "calendar", number)


def create_collection(tx: AccountTx, new: Collection) -> Collection:
    """Make a collection; `id`, modseqs and counts of `new` are ignored.

    Raises BadName, CollectionExists, LimitExceeded.
    """
    check_element(new.name)
    if new.kind == "calendar" and new.name in (INBOX, OUTBOX):
        raise CollectionExists("this name is reserved")
    if tx.row(BY_NAME, new.kind, new.name) is not None:
        raise CollectionExists("a collection with this name already exists")
    if tx.value(COUNT) >= MAX_COLLECTIONS:
        raise LimitExceeded(f"you can have up to {MAX_COLLECTIONS} calendars and address books")
    number = tx.insert(ADD, new.kind, new.name, *_settable(new), 0, tx.modseq())
    _tell(tx, new.kind, number)
    return collection(tx, number)


def patch_collection(tx: AccountTx, before: Collection, change: CollectionChange) -> None:
    """Change a collection, which was read in this unit. Raises BadForm, LimitExceeded."""
    after = changed(before, change)
    if after == before:
        return
    tx.execute(CHANGE, *_settable(after), tx.modseq(), before.id)
    # Entries of whole days, and times without a zone, begin at another moment then, and so do their alarms.
    if after.time_zone != before.time_zone:
        seek_in(tx, before.id)
    _tell(tx, before.kind, before.id)


def delete_collection(tx: AccountTx, collection_id: int) -> None:
    """Delete a collection with its resources, which can come back (DAV-46), and tell whom it was shared with. Raises
    NoSuchCollection.
    """
    gone = collection(tx, collection_id)
    # While the rights are there: they go with the collection.
    for guest, rights in tx.rows(GUESTS, collection_id):
        owe_notice(tx, guest, gone.kind, gone.id, gone.display_name or gone.name, rights, "")
    # A subscribed calendar comes back by its address, with newer entries than were kept.
    if not gone.inbox and not gone.subscribed:
        keep_entries(tx, gone.kind, gone.id, gone.display_name or gone.name)
    for sql in DELETE:
        tx.execute(sql, collection_id)
    tx.execute(GONE, gone.id, gone.kind, gone.name, gone.createseq, tx.modseq())
    _tell(tx, gone.kind, gone.id)


def touch_collection(tx: AccountTx, kind: Kind, collection_id: int, count: int, size: int) -> None:
    """Note that resources of a collection changed, by which its number and octets rise by `count` and `size`."""
    tx.execute(TOUCH, tx.modseq(), count, size, collection_id)
    _tell(tx, kind, collection_id)


def check_own(one: Collection) -> None:
    """Raise ReadOnly for a calendar that is read from an address."""
    if one.subscribed:
        raise ReadOnly


def octets_used(r: Reader) -> int:
    """Octets that count for the account's quota: of mail, calendars and address books."""
    return int(r.value(USED))


def token_of(r: Reader, one: Collection, modseq: int) -> str:
    """The state of a collection at a modseq, as clients name it (DAV-19)."""
    return f"urn:moxlite:sync:{epoch(r)}:{one.id}:{modseq}"


def is_element(name: str) -> bool:
    """Whether a name can be an element of an address (DAV-12)."""
    return 0 < len(name) <= MAX_ELEMENT and name not in (".", "..") and "/" not in name and name.isprintable()


def check_element(name: str) -> None:
    """Raise BadName for a name that cannot be an element of an address (DAV-12)."""
    if not is_element(name):
        raise BadName(f"names must be 1 to {MAX_ELEMENT} printable characters without a slash")


def _settable(one: Collection) -> tuple[Any, ...]:
    dead = to_json(one.dead).decode()
    # The octets as they are stored, which are more than the client's where these have quotes and line breaks.
    if len(one.dead) > MAX_DEAD or len(dead.encode()) > MAX_DEAD_OCTETS:
        raise LimitExceeded(TOO_MANY_DEAD)
    return (
        one.display_name,
        one.description,
        one.colour,
        one.position,
        one.time_zone,
        " ".join(sorted(one.components)),
        one.transparent,
        dead,
    )


def _tell(tx: AccountTx, kind: Kind, collection_id: int) -> None:
    tx.emit(GroupwareChanged(kind=kind, collection_id=collection_id))


def _of_row(row: Row) -> Collection:
    components, transparent, dead = row[8:11]
    read = tuple(components.split()), transparent != 0, from_json(dead, dict[str, str])
    return Collection(*(*row[:8], *read, *row[11:16], row[16] != 0, row[17] != 0))


def has_due(r: Reader) -> bool:
    """Whether a card has no rows yet (`contacts.settle_contacts`)."""
    return bool(r.value(ANY_DUE))


def has_old_facts(r: Reader) -> bool:
    """Whether facts of entries are of another version, and to be computed anew (`entryfacts.renew_facts`)."""
    return bool(r.value(ANY_OLD_FACTS, FACTS_VERSION))
