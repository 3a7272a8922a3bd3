"""Contact cards (RFC 9610 §3): the cards that phones have by CardDAV, as JSContact."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from moxlite.processor import off_loop
from moxlite.proto.cards.cardobject import BadCard, member_key, read_card
from moxlite.proto.cards.components import Component, write_component
from moxlite.proto.cards.jscontact import PROPERTIES as JSCONTACT, jscontact_of
from moxlite.proto.cards.jscontactlines import card_of, changed_card
from moxlite.proto.cards.jscontactshapes import BadContact
from moxlite.proto.cards.limits import AboveLimit, Extent, check_extent, extent_of
from moxlite.store.errors import Overtaken
from moxlite.store.groupware.collection import Collection
from moxlite.store.groupware.contacts import default_book
from moxlite.store.groupware.history import StoredCard, card_ids, entry_changes, stored_cards
from moxlite.store.groupware.resources import (
    UIDTaken,
    card_facts,
    delete_resource,
    put_resource,
    resource_of,
    size_of,
    together,
)
from moxlite.web.jmap.addressbooks import BOOK, BOOKS
from moxlite.web.jmap.blobs import check_blobs, data_uri
from moxlite.web.jmap.bodies import ENTRY_KEPT, ENTRY_MADE
from moxlite.web.jmap.collections import EntrySet, Prepared
from moxlite.web.jmap.headerforms import utc_date
from moxlite.web.jmap.methods import read_id
from moxlite.web.jmap.protocol import LIMITS, MethodError, Object, SetError, invalid
from moxlite.web.jmap.sharing import copy_entries
from moxlite.web.jmap.standard import (
    ObjectType,
    changes_of,
    changes_response,
    filter_moment,
    get_response,
    holds,
    in_order,
    patched,
    query_changes_of,
    results_response,
    run_set,
    strings,
    words_of,
)

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.store.rows.history import Change
    from moxlite.web.jmap.methods import Call


CARD: Final = "C"
CARD_TYPE: Final = ObjectType(
    "ContactCard",
    "RFC 9610 §3, RFC 9553",
    settable=("addressBookIds", *JSCONTACT[2:]),
    fixed=("id", *JSCONTACT[:2]),
    once=JSCONTACT[:2],
)
MAX_IDS: Final = 5_000
"""Ids of one answer, as of Email/query."""

AT_ONCE: Final = 200
"""Cards that are read in one scan."""


def _card(stored_card: StoredCard) -> Object:
    """A stored card as an object: JSContact, and what JMAP adds to it."""
    found = jscontact_of(read_card(stored_card.data).card)
    times = {"created": utc_date(stored_card.created), "updated": utc_date(stored_card.changed)}
    return {"id": f"{CARD}{stored_card.id}", "addressBookIds": {f"{BOOK}{stored_card.book}": True}, **times, **found}


async def card_get(call: Call) -> Object:
    """ContactCard/get. Without ids at most as many as a call may name."""
    ids, asked = call.ids(), call.properties(CARD_TYPE.properties, default=CARD_TYPE.properties)
    await BOOKS.ready(call)
    now = await call.account.read(BOOKS.shelf(call).state, op="jmap cards")
    found: list[Object] = []
    if ids is None:
        most = LIMITS["maxObjectsInGet"]
        numbers = await call.account.scan(lambda r: card_ids(r, most + 1, BOOKS.shelf(call).ids(r)), op="jmap cards")
        if len(numbers) > most:
            raise MethodError(
                "requestTooLarge", "too many cards to return at once; use ContactCard/query and specify ids"
            )
        ids = [f"{CARD}{number}" for number in numbers]
    numbers = [read_id(one, CARD) for one in ids]
    while numbers:
        stored, number = await call.account.scan(partial(_read, call=call, ids=numbers), op="jmap cards")
        await call.budget.reserve(ENTRY_MADE * (octets := sum(len(stored_card.data) for stored_card in stored)))
        found += await off_loop(partial(_cards, call, stored, asked), kind="jmap")
        call.budget.keep(ENTRY_KEPT * octets)
        numbers = numbers[number:]
    return get_response(call, now, found, ids)


def _seen_cards(r: Reader, call: Call, ids: Sequence[int] | None) -> Iterator[StoredCard]:
    """The cards with these ids, None for all, that the user may read, in their order."""
    visible = BOOKS.shelf(call).ids(r)
    return (stored_card for stored_card in stored_cards(r, ids) if visible is None or stored_card.book in visible)


def _read(r: Reader, call: Call, ids: Sequence[int]) -> tuple[list[StoredCard], int]:
    """The cards with the first of these ids, as many as are held at once, and the number of ids."""
    return [*_seen_cards(r, call, held := [*together(ids[:AT_ONCE], partial(size_of, r))])], len(held)


def _cards(call: Call, stored: Sequence[StoredCard], names: Sequence[str]) -> list[Object]:
    """Cards as objects. Raises MethodError for more than a request may return."""
    found: list[Object] = []
    for stored_card in stored:
        call.budget.take(len(stored_card.data))
        whole = _card(stored_card)
        found.append({name: whole[name] for name in names if name in whole})
    return found


async def card_changes(call: Call) -> Object:
    """ContactCard/changes."""
    own = BOOKS.shelf(call)

    def read(r: Reader, since: int) -> list[Change]:
        return entry_changes(r, since, kind="contact", only=own.ids(r))

    return changes_response(call, await changes_of(call, read, own.modseq, CARD, own.mark))


TEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("name",),
    "name/given": ("name",),
    "name/surname": ("name",),
    "name/surname2": ("name",),
    "nickname": ("nicknames",),
    "organization": ("organizations",),
    "email": ("emails",),
    "phone": ("phones",),
    "onlineService": ("onlineServices",),
    "address": ("addresses",),
    "note": ("notes",),
    "text": tuple(name for name in JSCONTACT if name not in ("@type", "version", "vCardProps", "media")),
}
"""Filters about texts, with the properties that are looked at."""

FILTERS: Final = (
    *("inAddressBook", "uid", "hasMember", "kind", "createdBefore", "createdAfter", "updatedBefore", "updatedAfter"),
    *TEXTS,
)
MAX_KEY: Final = 200
"""Characters of a name by which cards are sorted."""

SORTS: Final = ("created", "updated", "name/given", "name/surname", "name/surname2")


class _LazyCard:
    """A card that a query looks at, read when that is needed."""

    def __init__(self, stored: StoredCard) -> None:
        self.stored = stored
        self._whole: Object | None = None
        self._texts: dict[str, str] = {}

    @property
    def whole(self) -> Object:
        if self._whole is None:
            self._whole = _card(self.stored)
        return self._whole

    def text(self, name: str) -> str:
        """The texts that a filter looks at."""
        if name not in self._texts:
            self._texts[name] = "\n".join(strings([self.whole.get(part) for part in TEXTS[name]]))
        return self._texts[name]

    def part(self, kind: str) -> str:
        """A part of the name, for sorting."""
        parts = self.whole.get("name", {}).get("components", ())
        return " ".join(one["value"] for one in parts if one["kind"] == kind).casefold()

    def key(self, name: str) -> int | str:
        """The value to sort by."""
        if name in ("created", "updated"):
            return self.stored.created if name == "created" else self.stored.changed
        return self.part(name.partition("/")[2])[:MAX_KEY]


async def card_query(call: Call) -> Object:
    """ContactCard/query."""
    await BOOKS.ready(call)
    now, ids = await _results(call)
    return results_response(call, now, ids, most=MAX_IDS)


async def card_query_changes(call: Call) -> Object:
    """ContactCard/queryChanges."""
    return await query_changes_of(call, partial(_results, call), card_changes)


async def _results(call: Call) -> tuple[str, list[str]]:
    return await call.account.scan(partial(_queried, call=call), op="jmap cards")


def _queried(r: Reader, call: Call) -> tuple[str, list[str]]:
    wish, order = call.filter(), call.order() or [{"property": "created"}]
    if any(comparator.get("property") not in SORTS for comparator in order):
        raise MethodError("unsupportedSort", f"cards can only be sorted by {', '.join(SORTS)}")
    found = (
        (f"{CARD}{card.stored.id}", [card.key(comparator["property"]) for comparator in order])
        for card in map(_LazyCard, _seen_cards(r, call, None))  # one after the other: together they may have gigabytes
        if wish is None or holds(wish, partial(_meets, call, card))
    )
    ids = in_order(found, [comparator.get("isAscending") is not False for comparator in order])
    return BOOKS.shelf(call).state(r), ids


def _meets(call: Call, one: _LazyCard, name: str, value: Any) -> bool:
    # A case for each condition of RFC 9610 §3.3.1, so that it is read beside that list.
    if name not in FILTERS:
        raise MethodError("unsupportedFilter", f"unknown filter: {name[:100]!r}")
    if not isinstance(value, str):
        raise invalid(f"filter: {name} has the wrong type")
    match name:
        case "inAddressBook":
            return read_id(call.id_of(value), BOOK) == one.stored.book
        case "uid" | "kind":
            return bool(one.whole.get(name, "individual" if name == "kind" else "") == value)
        case "hasMember":
            return member_key(value) in map(member_key, one.whole.get("members", {}))
        case "createdBefore":
            return one.stored.created < filter_moment(value)
        case "createdAfter":
            return one.stored.created >= filter_moment(value)
        case "updatedBefore":
            return one.stored.changed < filter_moment(value)
        case "updatedAfter":
            return one.stored.changed >= filter_moment(value)
    _, _, kind = name.partition("/")
    if kind:
        return value.casefold() in one.part(kind)
    return all(word in one.text(name) for word in words_of(value.casefold()))


async def card_set(call: Call) -> Object:
    """ContactCard/set."""
    await BOOKS.ready(call)
    return await run_set(call, _Cards())


class _Cards(EntrySet):
    def state(self, r: Reader, call: Call) -> str:
        return BOOKS.shelf(call).state(r)

    async def making(self, call: Call, key: str, given: Object) -> Prepared:
        wanted = {name: value for name, value in given.items() if name not in ("id", "addressBookIds")}
        if "id" in given:
            raise SetError("invalidProperties", "can only be set by the server", properties=["id"])
        wanted = await _with_pictures(call, {"@type": "Card", "version": "1.0", **wanted})
        server_set: Object = {}
        if "uid" not in wanted:
            wanted["uid"] = server_set["uid"] = f"urn:uuid:{uuid.uuid4()}"
        octets = await _octets(None, wanted)
        return Prepared(lambda tx: {**_add(tx, call, given, octets), **server_set}, len(octets))

    async def changing(self, call: Call, key: str, patch: Object) -> Prepared:
        stored_card = await _stored(call, key)
        patch = {_resolved(call, path): value for path, value in patch.items()}

        def work() -> tuple[Component, Object]:
            # A card of 1 MiB takes a second to be read, and each path of the patch copies what it is within.
            card = read_card(stored_card.data).card
            now: Object = {**dict.fromkeys(JSCONTACT), **jscontact_of(card)}
            now["addressBookIds"] = {f"{BOOK}{stored_card.book}": True}
            fixed = {"id": key, "@type": now.pop("@type"), "version": now.pop("version")}
            return card, patched(now, patch, fixed=fixed)

        card, changed = await off_loop(work, kind="jmap")
        books = changed.pop("addressBookIds")
        wanted = {name: value for name, value in changed.items() if value is not None}
        wanted = await _with_pictures(call, {"@type": "Card", "version": "1.0", **wanted})
        octets = await _octets(card, wanted)
        before = hashlib.sha256(stored_card.data).digest()
        unit = partial(_change, call=call, number=stored_card.id, before=before, books=books, octets=octets)
        return Prepared(unit, len(octets))

    async def removing(self, call: Call, key: str, _: object) -> Prepared:
        def unit(tx: AccountTx) -> None:
            resource = resource_of(tx, read_id(key, CARD))
            if resource is None or resource.component != "VCARD" or not [*_seen_cards(tx, call, [resource.id])]:
                raise SetError("notFound")
            BOOKS.shelf(call).check_writable(tx, resource.collection_id)
            delete_resource(tx, resource.collection_id, resource.name, lambda _: None, keep=True)

        return Prepared(unit)


async def _stored(call: Call, key: str) -> StoredCard:
    """The card with an id. Raises SetError ``notFound``."""
    found = await call.account.scan(lambda r: [*_seen_cards(r, call, [read_id(key, CARD)])], op="jmap cards")
    if not found:
        raise SetError("notFound")
    await call.budget.reserve(ENTRY_MADE * len(found[0].data))
    return found[0]


def _resolved(call: Call, path: str) -> str:
    """A path of a patch with the id of an address book that the request has created."""
    name, slash, rest = path.partition("/")
    return f"{name}/{call.id_of(rest)}" if slash and name == "addressBookIds" else path


async def _octets(card: Component | None, wanted: Object) -> bytes:
    """The octets of a new or changed card. Raises SetError."""

    def write() -> bytes:
        made = card_of(wanted) if card is None else changed_card(card, wanted)
        octets = write_component(made).encode("utf-8", "surrogatepass")
        was = Extent() if card is None else extent_of(card)
        check_extent(read_card(octets).card, was)
        return octets

    try:
        return await off_loop(write, kind="jmap")
    except BadContact as error:
        raise SetError("invalidProperties", str(error), properties=[error.name]) from None
    except BadCard as error:
        raise SetError("invalidProperties", str(error), properties=["name"]) from None
    except AboveLimit as error:
        raise SetError("tooLarge", str(error)) from None


async def _with_pictures(call: Call, wanted: Object) -> Object:
    """The object with blobs of its media as data (RFC 9610 §3). Raises SetError."""
    media = wanted.get("media")
    if not isinstance(media, dict):
        return wanted
    check_blobs(media.values())
    found: Object = {}
    for key, one in media.items():
        if isinstance(one, dict) and isinstance(one.get("blobId"), str):
            more = {name: value for name, value in one.items() if name not in ("blobId", "mediaType")}
            found[key] = {**more, "uri": await data_uri(call, one["blobId"], one.get("mediaType"))}
        else:
            found[key] = one
    return {**wanted, "media": found}


def _wanted_book(tx: AccountTx, call: Call, value: Any) -> Collection:
    """The one address book of a card. Raises SetError."""
    if value is None and not call.place.guest:
        return default_book(tx)
    if not isinstance(value, dict) or len(value) != 1 or [*value.values()] != [True]:
        raise SetError("invalidProperties", "a card must be in exactly one address book", properties=["addressBookIds"])
    try:
        found = BOOKS.find(tx, call, call.id_of(next(iter(value))))
    except SetError:
        raise SetError("invalidProperties", "address book not found", properties=["addressBookIds"]) from None
    BOOKS.shelf(call).check_writable(tx, found.id)
    return found


def _add(tx: AccountTx, call: Call, given: Object, octets: bytes) -> Object:
    book = _wanted_book(tx, call, given.get("addressBookIds"))
    made = _put(tx, book, f"{uuid.uuid4()}.vcf", octets)
    default = {} if given.get("addressBookIds") is not None else {"addressBookIds": {f"{BOOK}{book.id}": True}}
    return {"id": f"{CARD}{made}", **default}


def _change(tx: AccountTx, call: Call, number: int, before: bytes, books: Any, octets: bytes) -> None:
    """Replace a card that had the hash `before` when it was read. Raises Overtaken."""
    resource = resource_of(tx, number)
    # The card was read, and written anew, outside of this unit: a phone may have put another one since.
    if resource is None or resource.hash != before:
        raise Overtaken
    BOOKS.shelf(call).check_writable(tx, resource.collection_id)
    book = _wanted_book(tx, call, books)
    if book.id == resource.collection_id:
        _put(tx, book, resource.name, octets)
        return
    delete_resource(tx, resource.collection_id, resource.name, lambda _: None)
    _put(tx, book, f"{uuid.uuid4()}.vcf", octets, number=resource.id)


def _put(tx: AccountTx, book: Collection, name: str, octets: bytes, number: int = 0) -> int:
    try:
        made, _ = put_resource(tx, book.id, name, octets, card_facts(octets), number=number)
    except UIDTaken as error:
        raise SetError("invalidProperties", str(error), properties=["uid"]) from None
    return made.id


async def card_copy(call: Call) -> Object:
    """ContactCard/copy, of cards in books that others share."""
    await BOOKS.ready(call)

    async def read(source: Call, key: str) -> Object:
        stored_card = await _stored(source, key)
        return await off_loop(lambda: jscontact_of(read_card(stored_card.data).card), kind="jmap")

    return await copy_entries(call, _Cards(), read, "ContactCard/set")
