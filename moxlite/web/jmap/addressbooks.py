"""Address books (RFC 9610 §2), the same as by CardDAV."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.store.groupware.collection import (
    Collection,
    NoSuchCollection,
    change_collection,
    collection,
    create_collection,
    delete_collection,
    ensure_defaults,
)
from moxlite.store.groupware.history import (
    collection_changes,
    contact_state,
)
from moxlite.store.groupware.sharing import ReadableCollection
from moxlite.web.jmap.methods import read_id
from moxlite.web.jmap.protocol import Object, SetError
from moxlite.web.jmap.sharing import (
    Collections,
    is_shown_name,
    publish,
    put_shares,
    rights_of,
    share_with,
)
from moxlite.web.jmap.standard import (
    ObjectType,
    Outcome,
    changes_of,
    changes_response,
    each,
    get_response,
    run_set,
)

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.store.rows.history import Change
    from moxlite.web.jmap.methods import Call


BOOK: Final = "B"
BOOK_TYPE: Final = ObjectType(
    "AddressBook",
    "RFC 9610 §2",
    settable=("name", "description", "sortOrder", "isSubscribed", "shareWith"),
    fixed=("id", "isDefault", "myRights"),
)
MAX_TEXT: Final = 10_000
"""Characters of a description, as many as CardDAV takes: the address books are the same."""

CAPABILITY: Final[Object] = {"maxAddressBooksPerCard": 1, "mayCreateAddressBook": True}


def shelf(call: Call) -> Collections:
    """The address books of the account that a call is about."""
    return Collections("contact", call.place.guest)


async def ready(call: Call) -> None:
    """Make the first address book of an account that never had one."""
    if not call.place.guest and not await call.account.read(shelf(call).shared, op="jmap books"):
        await call.account.write(ensure_defaults)


def _default(books: Sequence[ReadableCollection]) -> int:
    """The id of the address book to which new cards are added, as `default_book`."""
    named = next((book.collection.id for book in books if book.collection.name == "contacts"), None)
    return named or next((book.collection.id for book in books), 0)


def _book(r: Reader, call: Call, shared: ReadableCollection, default: int) -> Object:
    """An address book as an object. `default`: the id of the default one."""
    one, owner = shared.collection, not call.place.guest
    return {
        "id": f"{BOOK}{one.id}",
        "name": one.display_name or one.name,
        "description": one.description or None,
        "sortOrder": max(0, one.position or 0),
        "isSubscribed": True,
        "shareWith": (share_with(r, one) or None) if owner else None,
        "isDefault": owner and one.id == default,
        "myRights": rights_of("contact", writable=shared.writable, owner=owner),
    }


async def book_get(call: Call) -> Object:
    """AddressBook/get."""
    ids, properties = call.ids(), call.properties(BOOK_TYPE.properties)
    await ready(call)

    def read(r: Reader) -> tuple[str, dict[str, Object]]:
        books = shelf(call).shared(r)
        default = _default(books)
        return shelf(call).state(r), {f"{BOOK}{book.collection.id}": _book(r, call, book, default) for book in books}

    now, found = await call.account.read(read, op="jmap books")
    chosen = [one for one in (found if ids is None else ids) if one in found]
    objects = [{name: found[one][name] for name in properties} for one in chosen]
    return get_response(call, now, objects, [one for one in ids or () if one not in found])


async def book_changes(call: Call) -> Object:
    """AddressBook/changes."""
    own = shelf(call)

    def read(r: Reader, since: int) -> list[Change]:
        return collection_changes(r, since, kind="contact", only=own.ids(r))

    return changes_response(call, await changes_of(call, read, contact_state, BOOK, own.mark))


async def book_set(call: Call) -> Object:
    """AddressBook/set. Which book is the default one is not changed (RFC 9610 §2.3 allows that)."""
    return await run_set(call, _Books(remove=call.argument("onDestroyRemoveContents", bool, False)))


class _Books:
    def __init__(self, *, remove: bool) -> None:
        self._remove = remove

    async def state(self, call: Call) -> str:
        return await call.account.read(shelf(call).state, op="jmap books")

    async def create(self, call: Call, objects: Mapping[str, Object]) -> Mapping[str, Outcome]:
        async def one(_: str, given: Object) -> Outcome:
            shelf(call).check_owner()
            blank = Collection(0, "contact", uuid.uuid4().hex)
            wanted = _changed_book(blank, {"name": None, **given})

            def unit(tx: AccountTx) -> tuple[Object, list[str], Object]:
                made = create_collection(tx, wanted)
                guests, told = put_shares(tx, call, made, given.get("shareWith"))
                default = _default(shelf(call).shared(tx))
                return _book(tx, call, ReadableCollection(made, writable=True), default), guests, told

            whole, guests, told = await call.account.write(unit)
            await publish(call, guests)
            return {name: value for name, value in whole.items() if name not in given} | told

        return await each(objects, one)

    async def update(self, call: Call, patches: Mapping[str, Object]) -> Mapping[str, Outcome]:
        async def one(key: str, patch: Object) -> Outcome:
            def unit(tx: AccountTx) -> tuple[list[str], Object]:
                found = book_of(tx, call, key)
                shelf(call).check_owner()
                now = _book(tx, call, ReadableCollection(found, writable=True), _default(shelf(call).shared(tx)))
                now["shareWith"] = now["shareWith"] or {}
                wanted = BOOK_TYPE.patched(now, patch)
                changed = {name: value for name, value in wanted.items() if value != now[name]}
                change_collection(tx, _changed_book(found, changed))
                return put_shares(tx, call, found, wanted["shareWith"])

            guests, told = await call.account.write(unit)
            await publish(call, guests)
            return told or None

        return await each(patches, one)

    async def destroy(self, call: Call, ids: Sequence[str]) -> Mapping[str, Outcome]:
        async def one(key: str, _: None) -> Outcome:
            def unit(tx: AccountTx) -> None:
                found = book_of(tx, call, key)
                shelf(call).check_owner()
                if found.total and not self._remove:
                    raise SetError("addressBookHasContents", "the address book isn't empty")
                delete_collection(tx, found.id)

            await call.account.write(unit)
            return None

        return await each(dict.fromkeys(ids), one)


def book_of(r: Reader, call: Call, key: str) -> Collection:
    """The address book with an id. Raises SetError ``notFound``."""
    try:
        found = collection(r, read_id(key, BOOK))
    except NoSuchCollection:
        raise SetError("notFound") from None
    visible = shelf(call).ids(r)
    if found.kind != "contact" or (visible is not None and found.id not in visible):
        raise SetError("notFound")
    return found


def _changed_book(before: Collection, wanted: Object) -> Collection:
    """An address book with the properties of an object. Raises SetError."""
    unknown = [name for name in wanted if name not in BOOK_TYPE.settable]
    if unknown:
        raise SetError("invalidProperties", "unknown or read-only property", properties=unknown)
    name, description = wanted.get("name"), wanted.get("description")
    order = wanted.get("sortOrder", 0)
    wrong: list[str] = []
    if "name" in wanted and not is_shown_name(name):
        wrong.append("name")
    if not isinstance(description, str | None) or len(description or "") > MAX_TEXT:
        wrong.append("description")
    if not isinstance(order, int) or isinstance(order, bool) or not 0 <= order < 1 << 31:
        wrong.append("sortOrder")
    if wanted.get("isSubscribed", True) is not True:
        wrong.append("isSubscribed")
    if not isinstance(wanted.get("shareWith"), dict | None):
        wrong.append("shareWith")
    if wrong:
        raise SetError("invalidProperties", "missing, invalid, or read-only", properties=wrong)
    found = before
    if "name" in wanted:
        found = msgspec.structs.replace(found, display_name=wanted["name"])
    if "description" in wanted:
        found = msgspec.structs.replace(found, description=description or "")
    return msgspec.structs.replace(found, position=order) if "sortOrder" in wanted else found
