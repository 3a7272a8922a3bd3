"""Mailboxes (RFC 8621 §2)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

from moxlite.store.accounts.access import check_rights, folder_change, may_read
from moxlite.store.errors import MailboxExists, MailboxHasChildren, NoSuchMailbox, StoreError
from moxlite.store.forms import BadForm
from moxlite.store.mail.annotations import SORT_ORDER, annotations_named, set_annotation
from moxlite.store.mail.mailboxes import (
    WITH_MAILBOX,
    create_mailbox,
    delete_in_slices,
    rename_subscribed,
    set_special_use,
    subscribe,
    unsubscribe,
)
from moxlite.store.names import INBOX, SEPARATOR, leaf
from moxlite.store.rows.emails import further_copies, threads_in, unread_in, unread_threads_in
from moxlite.store.rows.history import Change, mailbox_changes, mailbox_state, only_counts_changed
from moxlite.store.rows.mailboxes import mailbox, mailbox_by_name, mailbox_by_use, mailboxes, subscriptions
from moxlite.store.types import MailboxID, SpecialUse
from moxlite.web.jmap.methods import read_id
from moxlite.web.jmap.protocol import MethodError, Object, SetError, invalid
from moxlite.web.jmap.standard import (
    ObjectSet,
    ObjectType,
    Outcome,
    changes_of,
    changes_response,
    each,
    get_response,
    has_no_room,
    holds,
    query_changes_of,
    results_response,
    run_set,
)

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.store.types import Mailbox
    from moxlite.web.jmap.accounts import Place
    from moxlite.web.jmap.methods import Call


LETTER: Final = "F"
COUNTS: Final = ("totalEmails", "unreadEmails", "totalThreads", "unreadThreads")
TYPE: Final = ObjectType(
    "Mailbox",
    "RFC 8621 §2",
    settable=("name", "parentId", "role", "sortOrder", "isSubscribed"),
    fixed=("id", *COUNTS, "myRights"),
)

ROLES: Final = {
    SpecialUse.ARCHIVE: "archive",
    SpecialUse.DRAFTS: "drafts",
    SpecialUse.JUNK: "junk",
    SpecialUse.SENT: "sent",
    SpecialUse.TRASH: "trash",
}
USES: Final = {role: use for use, role in ROLES.items()}
ORDER: Final = {"inbox": 1, "drafts": 2, "sent": 3, "archive": 4, "junk": 5, "trash": 6, None: 10}
"""The order of mailboxes that have none of their own."""

RIGHTS: Final[Mapping[str, str]] = {
    "mayReadItems": "lr",
    "mayAddItems": "i",
    "mayRemoveItems": "te",
    "maySetSeen": "s",
    "maySetKeywords": "w",
    "mayCreateChild": "k",
    "mayRename": "x",
    "mayDelete": "x",
    "maySubmit": "p",
}
"""The letters of RFC 4314 that each right of RFC 8621 §2 needs."""

KEPT_BY_INBOX: Final = ("mayRename", "mayDelete")


def state(r: Reader, place: Place) -> str:
    """The state of the type."""
    return place.state(r, place.modseq(r, mailbox_state))


async def get(call: Call) -> Object:
    """Mailbox/get."""
    ids, properties = call.ids(), call.properties(TYPE.properties)
    wanted = None if ids is None else {read_id(one, LETTER) for one in ids}

    def read(r: Reader) -> tuple[str, list[Object]]:
        return state(r, call.place), _objects(r, call.place, properties, wanted)

    # counts look at messages
    found = call.account.scan if {*COUNTS} & {*properties} else call.account.read
    now, objects = await found(read, op="jmap mailboxes")
    by_id = {one["id"]: one for one in objects}
    if ids is not None:
        objects = [by_id[one] for one in ids if one in by_id]
    return get_response(call, now, objects, ids)


def role_of(box: Mailbox) -> str | None:
    """The role of a mailbox."""
    if box.name == INBOX:
        return "inbox"
    return next((role for use, role in ROLES.items() if box.special_use & use), None)


def order_of(box: Mailbox, orders: Mapping[MailboxID, dict[str, bytes]]) -> int:
    """The sort order of a mailbox."""
    text = orders.get(box.id, {}).get(SORT_ORDER, b"")
    return int(text) if text.isdigit() and len(text) < 11 else ORDER.get(role_of(box), ORDER[None])


def _shown_name(box: Mailbox) -> str:
    """Mailbox name below its parent.

    It's the full name for a shared mailbox whose parent isn't shared.
    """
    return box.name if box.parent_id is None else leaf(box.name)


def _is_subscribed(box: Mailbox, place: Place, subscribed: Collection[str]) -> bool:
    return bool(place.guest) or box.name in subscribed


def _objects(r: Reader, place: Place, properties: Sequence[str], wanted: set[int] | None) -> list[Object]:
    subscribed = {*subscriptions(r)}
    orders = annotations_named(r, [SORT_ORDER])
    boxes = [box for box in place.boxes(r) if wanted is None or box.id in wanted]
    counts = _counts(r, place, boxes, properties)
    values: dict[str, Callable[[Mailbox], object]] = {
        "id": lambda box: f"{LETTER}{box.id}",
        "name": _shown_name,
        "parentId": lambda box: None if box.parent_id is None else f"{LETTER}{box.parent_id}",
        "role": role_of,
        "sortOrder": lambda box: order_of(box, orders),
        "isSubscribed": lambda box: _is_subscribed(box, place, subscribed),
        "totalEmails": lambda box: box.total - counts["totalEmails"].get(box.id, 0),
        "unreadEmails": lambda box: counts["unreadEmails"].get(box.id, 0),
        "totalThreads": lambda box: counts["totalThreads"].get(box.id, 0),
        "unreadThreads": lambda box: counts["unreadThreads"].get(box.id, 0),
        "myRights": lambda box: _rights(box, place, r),
    }
    return [{name: values[name](box) for name in properties} for box in boxes]


def _counts(
    r: Reader, place: Place, boxes: Sequence[Mailbox], properties: Sequence[str]
) -> dict[str, dict[MailboxID, int]]:
    """The counts that are asked for, by mailbox; of totalEmails what the mailbox's own count has too many."""
    counts: dict[str, dict[MailboxID, int]] = {}
    numbers = [box.id for box in boxes]
    if "totalEmails" in properties:
        counts["totalEmails"] = further_copies(r)
    if "totalThreads" in properties:
        counts["totalThreads"] = threads_in(r, boxes)
    if "unreadEmails" in properties or (place.guest and "unreadThreads" in properties):
        unread = unread_in(r, numbers, place.readable(r))
        counts["unreadEmails"] = {number: found.emails for number, found in unread.items()}
        # of a guest, mail in other mailboxes does not count
        counts["unreadThreads"] = {number: found.own_threads for number, found in unread.items()}
    if "unreadThreads" in properties and not place.guest:
        trash = mailbox_by_use(r, SpecialUse.TRASH)
        counts["unreadThreads"] = unread_threads_in(r, numbers, 0 if trash is None else trash.id)
    return counts


def _rights(box: Mailbox, place: Place, r: Reader) -> dict[str, bool]:
    if box.system:
        return {right: right == "mayReadItems" for right in RIGHTS}
    rights = named_rights(box.name, place.rights_to(r, box))
    return {**rights, "mayDelete": rights["mayDelete"] and place.may_remove(box)}


def named_rights(name: str, letters: str) -> dict[str, bool]:
    """The rights on a mailbox of this name (RFC 8621 §2) that these letters give."""
    found = {right: all(one in letters for one in needed) for right, needed in RIGHTS.items()}
    return {right: has and (name != INBOX or right not in KEPT_BY_INBOX) for right, has in found.items()}


async def changes(call: Call) -> Object:
    """Mailbox/changes. Whether only counts have changed is told for all mailboxes together (RFC 8621 §2.2)."""
    counts = False

    def read(r: Reader, since: int) -> list[Change]:
        nonlocal counts
        counts = only_counts_changed(r, since)
        return _changed(r, since, call.place)

    found = await changes_of(call, read, partial(call.place.modseq, whole=mailbox_state), LETTER)
    return changes_response(call, found, updatedProperties=COUNTS if counts and found.updated else None)


def _changed(r: Reader, since: int, place: Place) -> list[Change]:
    within = place.readable(r)
    return [
        mailbox_change for mailbox_change in mailbox_changes(r, since) if within is None or mailbox_change.id in within
    ]


async def query(call: Call) -> Object:
    """Mailbox/query."""
    now, ids = await _results(call)
    return results_response(call, now, ids, most=len(ids) + 1)


async def query_changes(call: Call) -> Object:
    """Mailbox/queryChanges: all changed mailboxes are taken out, and those that match now are put in."""
    return await query_changes_of(call, partial(_results, call), changes)


async def _results(call: Call) -> tuple[str, list[str]]:
    return await call.account.scan(partial(_queried, call=call), op="jmap mailboxes")


FILTERS: Final = ("parentId", "name", "role", "hasAnyRole", "isSubscribed")
SORTS: Final = ("sortOrder", "name", "parentId")


def _queried(r: Reader, call: Call) -> tuple[str, list[str]]:
    """The state, and the ids of all mailboxes that match, in order."""
    subscribed = {*subscriptions(r)}
    orders = annotations_named(r, [SORT_ORDER])
    boxes = call.place.boxes(r)
    wish = call.filter()
    matching = [box for box in boxes if wish is None or holds(wish, partial(_meets, call, box, subscribed))]
    keys: dict[str, Callable[[Mailbox], Any]] = {
        "sortOrder": lambda box: order_of(box, orders),
        "name": lambda box: _shown_name(box).casefold(),
        "parentId": lambda box: box.parent_id or 0,
    }
    ordered = [*boxes]
    for one in reversed(call.order() or [{"property": "sortOrder"}, {"property": "name"}]):
        if one.get("property") not in SORTS:
            raise MethodError("unsupportedSort", "mailboxes can only be sorted by sortOrder, name, or parentId")
        ordered.sort(key=keys[one["property"]], reverse=one.get("isAscending") is False)
    if call.argument("sortAsTree", bool, False):
        ordered = _as_tree(ordered)
    kept = {box.id for box in matching}
    if call.argument("filterAsTree", bool, False):
        kept = _with_all_parents(boxes, kept)
    return state(r, call.place), [f"{LETTER}{box.id}" for box in ordered if box.id in kept]


def _as_tree(ordered: Sequence[Mailbox]) -> list[Mailbox]:
    below: dict[int | None, list[Mailbox]] = {}
    for box in ordered:
        below.setdefault(box.parent_id, []).append(box)
    found: list[Mailbox] = []
    waiting = [*reversed(below.get(None, []))]
    while waiting:
        box = waiting.pop()
        found.append(box)
        waiting += reversed(below.get(box.id, []))
    return found


def _with_all_parents(boxes: Sequence[Mailbox], matching: set[MailboxID]) -> set[MailboxID]:
    """The matching mailboxes of which all parents match, too (RFC 8621 §2.3)."""
    parents = {box.id: box.parent_id for box in boxes}

    def holds(number: MailboxID | None) -> bool:
        while number is not None:
            if number not in matching:
                return False
            number = parents.get(number)
        return True

    return {number for number in matching if holds(number)}


def _meets(call: Call, box: Mailbox, subscribed: set[str], name: str, value: Any) -> bool:
    match name, value:
        case "parentId", str() | None:
            return box.parent_id == (None if value is None else read_id(call.id_of(value), LETTER))
        case "name", str():
            return value.casefold() in _shown_name(box).casefold()
        case "role", str() | None:
            return role_of(box) == value
        case "hasAnyRole", bool():
            return (role_of(box) is not None) is value
        case "isSubscribed", bool():
            return _is_subscribed(box, call.place, subscribed) is value
    if name in FILTERS:
        raise invalid(f"filter: {name} has the wrong type")
    raise MethodError("unsupportedFilter", f"unknown filter: {name[:100]!r}")


async def set_(call: Call) -> Object:
    """Mailbox/set."""
    return await run_set(call, _Mailboxes(remove=call.argument("onDestroyRemoveEmails", bool, False)))


class _Mailboxes(ObjectSet):
    def __init__(self, *, remove: bool) -> None:
        self._remove = remove

    def state(self, r: Reader, call: Call) -> str:
        return state(r, call.place)

    async def create(self, call: Call, objects: Mapping[str, Object]) -> Mapping[str, Outcome]:
        async def one(key: str, given: Object) -> Outcome:
            _check(given, created=True)
            async with _change(call, "folder created", partial(_name_in, call=call, given=given)):
                found = await call.write(partial(_create, call=call, given=given))
            call.created[key] = found["id"]
            return found

        # a parent may be created by the same call, in any order
        found: dict[str, Outcome] = {}
        waiting = dict(objects)
        while waiting:
            ready = {
                key: given for key, given in waiting.items() if str(given.get("parentId"))[1:] not in waiting
            } or waiting
            found |= await each(ready, one)
            waiting = {key: given for key, given in waiting.items() if key not in ready}
        return found

    async def update(self, call: Call, patches: Mapping[str, Object]) -> Mapping[str, Outcome]:
        async def update(patches: Mapping[str, Object]) -> None:
            async with _change(call, "folder renamed", partial(_renames, call=call, patches=patches)):
                await call.write(partial(_update, call=call, patches=patches))

        async def one(key: str, patch: Object) -> Outcome:
            await update({key: patch})
            return None

        # A name may be free only once another mailbox of the call has left it; where two wait for each other, all that
        # wait change together (RFC 8620 §5.3).
        found: dict[str, Outcome] = {}
        waiting = dict(patches)
        while waiting:
            found |= await each(waiting, one)
            left = {key: patch for key, patch in waiting.items() if has_no_room(found[key])}
            if len(left) == len(waiting):
                break
            waiting = left
        if len(waiting) > 1:
            try:
                await update(waiting)
            except (SetError, StoreError):
                return found  # with the error that each has alone
            found |= dict.fromkeys(waiting)
        return found

    async def destroy(self, call: Call, ids: Sequence[str]) -> Mapping[str, Outcome]:
        async def one(key: str, _: object) -> Outcome:
            def find(r: Reader) -> Mailbox:
                # In the unit that begins the removal: mail may have come since the client has looked.
                box = _allowed(r, call.place, read_id(key, LETTER), "x")
                call.place.check_removal(r, box)
                if box.total and not self._remove:
                    raise SetError("mailboxHasEmail", "the mailbox isn't empty")
                return box

            try:
                async with _change(call, "folder deleted", lambda r: find(r).name):
                    guest = bool(call.place.guest)
                    await delete_in_slices(call.write, lambda tx: find(tx).id, unsubscribes=not guest, keeps=guest)
            except MailboxHasChildren as error:
                raise SetError("mailboxHasChild", str(error)) from None
            return None

        def depths(r: Reader) -> dict[int, int]:
            return {box.id: box.name.count(SEPARATOR) for box in mailboxes(r)}

        # children first, so that a whole tree may be destroyed by one call
        depth = await call.account.read(depths, op="jmap mailbox")
        ordered = sorted(ids, key=lambda key: -depth.get(read_id(key, LETTER), 0))
        return await each(dict.fromkeys(ordered), one)


def _change(call: Call, action: str, change: Callable[[Reader], str]) -> AbstractAsyncContextManager[None]:
    return folder_change(call.server.auth, call.place, call.account, action, change)


def _allowed(r: Reader, place: Place, number: int, needed: str) -> Mailbox:
    """The mailbox, to which the user has these rights. Raises NoSuchMailbox, NoRight."""
    box = mailbox(r, MailboxID(number))
    if place.guest:
        rights = place.rights_to(r, box)
        if not may_read(rights):
            raise NoSuchMailbox(box.name)
        check_rights(rights, needed)
    return box


def _check(given: Object, *, created: bool = False) -> None:
    """Check the types of the properties. Raises SetError."""
    kinds: dict[str, tuple[type, ...]] = {
        "name": (str,),
        "parentId": (str, type(None)),
        "role": (str, type(None)),
        "sortOrder": (int,),
        "isSubscribed": (bool,),
    }
    wrong = [
        name
        for name, value in given.items()
        if name not in kinds or not isinstance(value, kinds[name]) or (name == "sortOrder" and isinstance(value, bool))
    ]
    if created and "name" not in given:
        wrong.append("name")
    name, role = given.get("name", "x"), given.get("role")
    if "name" not in wrong and (not name or SEPARATOR in name):
        raise SetError("invalidProperties", f"names can't be empty or contain {SEPARATOR}", properties=["name"])
    if "role" not in wrong and role is not None and role not in USES:
        raise SetError("invalidProperties", f"unsupported role: {role[:100]!r}", properties=["role"])
    if wrong:
        raise SetError(
            "invalidProperties", "these properties are missing, invalid, or unknown", properties=[*dict.fromkeys(wrong)]
        )


def _name_in(r: Reader, call: Call, given: Mapping[str, Any]) -> str:
    above = given.get("parentId")
    if above is None:
        if not call.place.runs(r):
            raise SetError("forbidden", "only the owner can create top-level mailboxes")
        return str(given["name"])
    try:
        parent = _allowed(r, call.place, read_id(call.id_of(above), LETTER), "k")
    except NoSuchMailbox:
        raise SetError("invalidProperties", "mailbox not found", properties=["parentId"]) from None
    return f"{parent.name}{SEPARATOR}{given['name']}"


def _create(tx: AccountTx, call: Call, given: Object) -> Object:
    _check_guest(call, given)
    use = USES.get(given.get("role") or "", SpecialUse(0))
    holder = mailbox_by_use(tx, use) if use else None
    if holder is not None and f"{LETTER}{holder.id}" in call.created.values():  # it would lose the role in silence
        raise SetError("invalidProperties", "another mailbox in this call has this role", properties=["role"])
    name = _name_in(tx, call, given)
    try:
        made = create_mailbox(tx, name, use)[-1]
    except MailboxExists as error:
        raise _taken(tx, name, error) from None
    if not given.get("isSubscribed", False):
        unsubscribe(tx, made.name)
    if "sortOrder" in given:
        _set_order(tx, made.id, given["sortOrder"])
    found = _objects(tx, call.place, TYPE.properties, {made.id})[0]
    return {key: value for key, value in found.items() if key not in TYPE.settable or key not in given}


def _set_order(tx: AccountTx, number: MailboxID, order: int) -> None:
    try:
        set_annotation(tx, number, SORT_ORDER, str(order).encode())
    except BadForm as error:
        raise SetError("invalidProperties", str(error), properties=["sortOrder"]) from None


def _check_guest(call: Call, given: Object) -> None:
    """Check that a guest changes nothing that is the owner's alone. Raises SetError."""
    own = [name for name in ("role", "sortOrder", "isSubscribed") if given.get(name) is not None]
    if own and call.place.guest:
        raise SetError("forbidden", "only the owner can set these properties", properties=own)


def _taken(r: Reader, name: str, error: MailboxExists) -> SetError:
    """The error about a name that another mailbox has."""
    found = mailbox_by_name(r, name)
    return SetError("alreadyExists", str(error), **({} if found is None else {"existingId": f"{LETTER}{found.id}"}))


def _update(tx: AccountTx, call: Call, patches: Mapping[str, Object]) -> None:
    """Change mailboxes; several leave their names before one takes its new one."""
    boxes = [(_allowed(tx, call.place, read_id(key, LETTER), ""), patch) for key, patch in patches.items()]
    changes = [(box, *_changes(tx, call, box, patch)) for box, patch in boxes]
    if len(changes) > 1:
        for box, changed, _ in changes:
            if "name" in changed or "parentId" in changed:
                above, mark, _ = box.name.rpartition(SEPARATOR)
                rename_subscribed(tx, box.id, f"{above}{mark}{token_hex(16)}")
    for box, changed, wanted in changes:
        _apply(tx, call, box.id, changed, wanted)


def _renames(r: Reader, call: Call, patches: Mapping[str, Object]) -> str:
    """The names that mailboxes have and get, "" if none changes."""
    names = []
    for key, patch in patches.items():
        box = _allowed(r, call.place, read_id(key, LETTER), "")
        changed, wanted = _changes(r, call, box, patch)
        if changed:
            names.append(f"{box.name} → {_name_in(r, call, wanted)}")
    return ", ".join(names)


def _changes(r: Reader, call: Call, box: Mailbox, patch: Object) -> tuple[Object, Object]:
    """Mailbox properties changed by a patch, and all properties after it. Raises SetError, NoRight."""
    now = _objects(r, call.place, TYPE.needed(patch), {box.id})[0]  # counts take long
    if isinstance(patch.get("parentId"), str):
        patch = {**patch, "parentId": call.id_of(patch["parentId"])}
    wanted = TYPE.patched(now, patch)
    changed = {name: value for name, value in wanted.items() if value != now[name]}
    _check(changed)
    _check_guest(call, changed)
    if changed:
        _allowed(r, call.place, box.id, "x")
    return changed, wanted


def _apply(tx: AccountTx, call: Call, number: MailboxID, changed: Object, wanted: Object) -> None:
    if "role" in changed:
        set_special_use(tx, number, USES.get(changed["role"] or "", SpecialUse(0)))
    if "sortOrder" in changed:
        _set_order(tx, number, changed["sortOrder"])
    if "name" in changed or "parentId" in changed:
        name = _name_in(tx, call, wanted)
        if name.startswith(mailbox(tx, number).name + SEPARATOR):
            raise SetError("invalidProperties", "a mailbox can't be moved into itself", properties=["parentId"])
        try:
            rename_subscribed(tx, number, name)
        except MailboxExists as error:
            raise _taken(tx, name, error) from None
    if "isSubscribed" in changed:
        name = mailbox(tx, number).name
        if changed["isSubscribed"]:
            subscribe(tx, name, WITH_MAILBOX)
        else:
            unsubscribe(tx, name)
