"""What calendars (draft-ietf-jmap-calendars-26 §4) and address books (RFC 9610 §2) have in common: both are collections
of the store, the same as by CalDAV and CardDAV. And how the /set of their entries writes these.
"""

from __future__ import annotations

import uuid
from abc import abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from operator import not_
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import msgspec
import trio
from msgspec import Meta

from moxlite.encoding import from_builtins
from moxlite.store.errors import StoreError
from moxlite.store.forms import BadForm
from moxlite.store.groupware.collection import (
    COMPONENTS,
    Collection,
    CollectionChange,
    Kind,
    NoSuchCollection,
    changed,
    create_collection,
    default_of,
    delete_collection,
    ensure_defaults,
    patch_collection,
)
from moxlite.store.groupware.history import collection_changes
from moxlite.store.groupware.sharing import ReadableCollection
from moxlite.web.jmap.methods import read_id
from moxlite.web.jmap.protocol import Object, SetError
from moxlite.web.jmap.sharing import Collections, publish, put_shares, rights_of, share_with
from moxlite.web.jmap.standard import (
    ObjectSet,
    ObjectType,
    Outcome,
    changes_of,
    changes_response,
    chosen_response,
    each,
    set_error,
)

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.store.rows.history import Change
    from moxlite.web.jmap.methods import Call

Field: TypeAlias = tuple[str, Any, Callable[[Any], Any]]
"""The field of `CollectionChange` that a property sets, the type of the property, and its value for the field."""

FIELDS: Final[Mapping[str, Field]] = {
    "name": ("display_name", str, str),
    "description": ("description", str | None, lambda text: text or ""),
    "color": ("colour", Annotated[str, Meta(min_length=1)] | None, lambda color: (color or "").lower()),
    "sortOrder": ("position", Annotated[int, Meta(ge=0)], int),
    "isVisible": ("hidden", bool, not_),
}


class CollectionType(ObjectType, frozen=True, kw_only=True):
    """A type of collections.

    Attributes:
      kind: in the store. letter: before the numbers of its ids. full: of the SetError for one that has entries.
      more: the properties that only this type has. change: the fields that these set. Raises SetError.
    """

    kind: Kind
    letter: str
    full: str
    more: Callable[[Collection], Object] = lambda _: {}
    change: Callable[[Collection, Object], Object] = lambda _, __: {}

    def shelf(self, call: Call) -> Collections:
        """The collections of the account that a call is about."""
        return Collections(self.kind, call.place.guest)

    def seen(self, r: Reader, call: Call) -> list[ReadableCollection]:
        """The collections that the user may read, and of calendars only the ones that take events."""
        shared = self.shelf(call).shared(r)
        return [one for one in shared if self.kind == "contact" or one.collection.has_events]

    def all(self, r: Reader, call: Call) -> list[Collection]:
        """As `seen`."""
        return [readable.collection for readable in self.seen(r, call)]

    def find(self, r: Reader, call: Call, key: str) -> Collection:
        """The one with an id. Raises SetError ``notFound``."""
        try:
            found = self.shelf(call).find(r, read_id(key, self.letter))
        except NoSuchCollection:
            raise SetError("notFound") from None
        if self.kind == "calendar" and not found.has_events:
            raise SetError("notFound")
        return found

    def default(self, r: Reader, call: Call) -> int:
        """The id of the one for new entries; 0 without one."""
        one = default_of(self.all(r, call))
        return 0 if one is None else one.id

    async def ready(self, call: Call) -> None:
        """Make the first one of an account that never had one."""
        if not call.place.guest and not await call.account.read(partial(self.seen, call=call), op="jmap collections"):
            # Two calls may get here at the same time, so the unit checks again. An account that has deleted its last
            # collection gets no default.
            await call.account.write(ensure_defaults)

    def shown(self, r: Reader, call: Call, shared: ReadableCollection, default: int) -> Object:
        """One as an object. `default`: the id of the default one."""
        one, owner = shared.collection, not call.place.guest
        return {
            "id": f"{self.letter}{one.id}",
            "name": one.display_name or one.name,
            "description": one.description or None,
            "sortOrder": max(0, one.position or 0),
            "isSubscribed": True,
            **self.more(one),
            "isDefault": owner and one.id == default,
            "shareWith": (share_with(r, one) or None) if owner else None,
            "myRights": rights_of(
                self.kind,
                writable=shared.writable and not one.subscribed,
                owner=owner,
                shares=call.identity.shares,
            ),
        }

    async def get(self, call: Call) -> Object:
        """Calendar/get, AddressBook/get."""
        await self.ready(call)

        def read(r: Reader) -> tuple[str, dict[str, Object]]:
            default = self.default(r, call)
            found = {
                f"{self.letter}{one.collection.id}": self.shown(r, call, one, default) for one in self.seen(r, call)
            }
            return self.shelf(call).state(r), found

        return chosen_response(call, self, *await call.account.read(read, op="jmap collections"))

    async def changes(self, call: Call) -> Object:
        """Calendar/changes, AddressBook/changes."""
        own = self.shelf(call)

        def read(r: Reader, since: int) -> list[Change]:
            return collection_changes(r, since, kind=self.kind, only=own.ids(r))

        return changes_response(call, await changes_of(call, read, own.modseq, self.letter, own.mark))

    def changed(self, before: Collection, wanted: Object) -> CollectionChange:
        """The change that these properties make. Raises SetError."""
        unknown = [name for name in wanted if name not in self.settable]
        if unknown:
            raise SetError("invalidProperties", "unknown or read-only property", properties=unknown)
        fields: dict[str, Any] = {}
        wrong = ["isSubscribed"] if wanted.get("isSubscribed", True) is not True else []
        if not isinstance(wanted.get("shareWith"), dict | None):
            wrong.append("shareWith")
        for name in FIELDS.keys() & wanted.keys():
            field, kind, value_of = FIELDS[name]
            try:
                fields[field] = value_of(from_builtins(wanted[name], kind))
            except msgspec.ValidationError:
                wrong.append(name)
        if wrong:
            raise SetError("invalidProperties", "missing, invalid, or read-only", properties=wrong)
        return CollectionChange(**fields | self.change(before, wanted))


class CollectionSet(ObjectSet):
    """Calendar/set and AddressBook/set. Which one is the default one is not changed, as both documents allow.

    `emptied`: entries go with it; `remove`: removes one, or a part of it, and returns whether it is gone.
    """

    def __init__(
        self, kind: CollectionType, *, emptied: bool, remove: Callable[[AccountTx, Collection], bool] | None = None
    ) -> None:
        self._type = kind
        self._emptied = emptied
        self._remove = remove

    def state(self, r: Reader, call: Call) -> str:
        """The state of the type."""
        return self._type.shelf(call).state(r)

    async def make(self, call: Call, _: str, given: Object) -> Outcome:
        """Make new ones."""
        kind = self._type
        kind.shelf(call).check_owner()
        components = COMPONENTS if kind.kind == "calendar" else ()
        blank = Collection(0, kind.kind, uuid.uuid4().hex, components=components)
        with refused():
            new = changed(blank, kind.changed(blank, {"name": None, **given}))

        def unit(tx: AccountTx) -> tuple[Object, list[str], Object]:
            made = create_collection(tx, new)
            guests, told = put_shares(tx, call, made, given.get("shareWith"))
            shared = ReadableCollection(made, writable=True)
            return kind.shown(tx, call, shared, kind.default(tx, call)), guests, told

        whole, guests, told = await call.write(unit)
        await publish(call, guests)
        return {name: value for name, value in whole.items() if name not in given} | told

    async def change(self, call: Call, key: str, patch: Object) -> Outcome:
        """Change some."""
        kind = self._type

        def unit(tx: AccountTx) -> tuple[list[str], Object]:
            found = kind.find(tx, call, key)
            kind.shelf(call).check_owner()
            now = kind.shown(tx, call, ReadableCollection(found, writable=True), kind.default(tx, call))
            now["shareWith"] = now["shareWith"] or {}
            wanted = kind.patched(now, patch)
            with refused():
                new = {name: value for name, value in wanted.items() if value != now[name]}
                patch_collection(tx, found, kind.changed(found, new))
            return put_shares(tx, call, found, wanted["shareWith"])

        guests, told = await call.write(unit)
        await publish(call, guests)
        return told or None

    async def remove(self, call: Call, key: str) -> Outcome:
        """Remove some."""

        def unit(tx: AccountTx) -> bool:
            found = self._type.find(tx, call, key)
            self._type.shelf(call).check_owner()
            if found.total and not self._emptied:
                raise SetError(self._type.full, "this isn't empty; delete or move its entries first")
            if self._remove is not None:
                return self._remove(tx, found)
            delete_collection(tx, found.id)
            return True

        while not await call.write(unit):
            pass
        return None


# Entries: events and cards.

MOST_AT_ONCE: Final = 100
"""Entries that one unit writes: 0.2 s."""

OCTETS_AT_ONCE: Final = 1 << 20
"""Octets of entries that wait for their unit, as many as one entry may have."""

PREPARING: Final = 0.5
"""Seconds in which entries are prepared for one unit: where a phone writes each second, a program that expects a state
writes some entries in between, however slow the machine is.
"""


class Prepared(msgspec.Struct, frozen=True):
    """A change of an entry that is ready to be written. `octets`: of the entry."""

    unit: Callable[[AccountTx], Outcome]
    octets: int = 0


class EntrySet(ObjectSet):
    """Handler of the /set of entries. Each is read and made before the unit that writes it, and a unit writes many:
    what a program expects (``ifInState``) has to hold for a short time, and many share an fsync.
    """

    @abstractmethod
    async def making(self, call: Call, key: str, given: Object) -> Prepared:
        """Prepare a new entry."""

    @abstractmethod
    async def changing(self, call: Call, key: str, patch: Object) -> Prepared:
        """Prepare a change of an entry. Its unit raises Overtaken if others have changed the entry since."""

    @abstractmethod
    async def removing(self, call: Call, key: str, _: object) -> Prepared:
        """Prepare the removal of an entry."""

    async def create(self, call: Call, objects: Mapping[str, Object]) -> Mapping[str, Outcome]:
        """Add entries."""
        return await _in_parts(call, objects, partial(self.making, call))

    async def update(self, call: Call, patches: Mapping[str, Object]) -> Mapping[str, Outcome]:
        """Change entries."""
        return await _in_parts(call, patches, partial(self.changing, call))

    async def destroy(self, call: Call, ids: Sequence[str]) -> Mapping[str, Outcome]:
        """Remove entries."""
        return await _in_parts(call, dict.fromkeys(ids), partial(self.removing, call))


async def _in_parts(
    call: Call, objects: Mapping[str, Any], prepare: Callable[[str, Any], Awaitable[Prepared]]
) -> dict[str, Outcome]:
    """Prepare entries, and write them in units of some. Where the store refuses one of them, or another program was
    faster, each is prepared again and written in a unit of its own.
    """

    async def alone(key: str, value: Any) -> Outcome:
        return await call.write((await prepare(key, value)).unit)

    def write(tx: AccountTx, part: Mapping[str, Prepared]) -> dict[str, Outcome]:
        return {key: prepared.unit(tx) for key, prepared in part.items()}

    outcomes: dict[str, Outcome] = {}
    waiting = deque(objects)
    while waiting:
        part: dict[str, Prepared] = {}
        octets, until = 0, trio.current_time() + PREPARING
        while waiting and len(part) < MOST_AT_ONCE and octets < OCTETS_AT_ONCE and trio.current_time() < until:
            key = waiting.popleft()
            try:
                part[key] = await prepare(key, objects[key])
                octets += part[key].octets
            except SetError as error:
                outcomes[key] = error
            except StoreError as error:
                outcomes[key] = set_error(error)
        try:
            outcomes |= await call.write(partial(write, part=part)) if part else {}
        except (SetError, StoreError):
            outcomes |= await each({key: objects[key] for key in part}, alone)
    return {key: outcomes[key] for key in objects}


@contextmanager
def refused() -> Iterator[None]:
    """Make a SetError of what the store refuses."""
    names = {field: name for name, (field, *_) in FIELDS.items()}
    try:
        yield
    except BadForm as error:
        raise SetError("invalidProperties", str(error), properties=[names.get(error.field, error.field)]) from None
