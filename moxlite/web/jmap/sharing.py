"""Calendars and address books as a user has them: the own ones, and those that another user shares (DAV-41); rights of
others, as ``shareWith`` has them (RFC 9670 §4); and /copy between two accounts (RFC 8620 §5.4).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from moxlite.logins.identity import NO_SHARING
from moxlite.store.accounts.access import publish_shares
from moxlite.store.errors import StoreError
from moxlite.store.groupware.collection import Collection, Kind
from moxlite.store.groupware.history import calendar_state, contact_state
from moxlite.store.groupware.sharing import CHANGE, READ, NotWritable, Shelf, guests_of, share_collection
from moxlite.store.mail.sharenotices import ANYONE
from moxlite.store.rows.history import epoch_mark
from moxlite.web.jmap.accounts import account_id, account_name, guest_mark
from moxlite.web.jmap.blobs import source_of
from moxlite.web.jmap.principals import visible_address
from moxlite.web.jmap.protocol import LIMITS, Invocation, MethodError, Object, SetError, invalid
from moxlite.web.jmap.standard import (
    ObjectSet,
    Outcome,
    check_state,
    each,
    hold_state,
    partial_failures,
    read_state,
    run_set,
    set_results,
)

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.web.jmap.methods import Call


logger = logging.getLogger("moxlite.web.jmap")

STATES: Final[Mapping[Kind, Callable[[Reader], int]]] = {"calendar": calendar_state, "contact": contact_state}

RIGHTS: Final[Mapping[Kind, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]]] = {
    "calendar": (
        ("mayReadFreeBusy", "mayReadItems"),
        ("mayWriteAll", "mayWriteOwn"),
        ("mayUpdatePrivate", "mayRSVP", "mayShare", "mayDelete"),
    ),
    "contact": (("mayRead",), ("mayWrite",), ("mayShare", "mayDelete")),
}
"""Names of the rights to read, to change entries, and of the owner alone."""


class Collections(Shelf, frozen=True):
    """The calendars or address books of an account, and their states for a user."""

    def mark(self, r: Reader) -> str:
        """The end of states, as `Place.mark`."""
        if not self.guest:
            return epoch_mark(r)
        return guest_mark(r, [(readable.collection.id, readable.writable) for readable in self.shared(r)])

    def state(self, r: Reader) -> str:
        """The state of the type."""
        return f"{self.modseq(r)}{self.mark(r)}"

    def modseq(self, r: Reader) -> int:
        """The modseq of the type; for a guest of what is shared, as `Place.modseq`."""
        if not self.guest:
            return STATES[self.kind](r)
        return max((readable.collection.modseq for readable in self.shared(r)), default=0)

    def check_writable(self, r: Reader, collection_id: int) -> None:
        """Raise SetError unless the user may change the entries of a collection."""
        try:
            self.find(r, collection_id, write=True)
        except NotWritable as error:
            raise SetError("forbidden", str(error)) from None

    def check_owner(self) -> None:
        """Raise SetError for a guest."""
        if self.guest:
            raise SetError("forbidden", "only the owner can do this")


def rights_of(kind: Kind, *, writable: bool, owner: bool, shares: bool = True) -> Object:
    """An object of rights. The owner alone may delete the collection, and share it by a login that `shares`."""
    read, write, own = RIGHTS[kind]
    found: Object = {**dict.fromkeys(read, True), **dict.fromkeys(write, writable), **dict.fromkeys(own, owner)}
    return found | {"mayShare": owner and shares}


def share_with(r: Reader, collection: Collection) -> dict[str, Object]:
    """The rights of other users on a collection, by the ids of their principals. What everybody may do is not told."""
    return {
        account_id(guest): rights_of(collection.kind, writable=writable, owner=False)
        for guest, writable in guests_of(r, collection)
        if guest != ANYONE
    }


def _wanted_shares(call: Call, kind: Kind, before: Mapping[str, Object], wanted: Any) -> dict[str, str]:
    """The letters of the rights that change, by account; "" to take them. Raises SetError."""
    if not isinstance(wanted, dict | None):
        raise _bad_shares("must be null or an object that maps principal IDs to rights")
    found = {account_name(key): "" for key in before if key not in (wanted or {})}
    for key, rights in (wanted or {}).items():
        name = account_name(key)
        known = call.snapshot.account(name) is not None and visible_address(call, name) is not None
        if key not in before and not (known and name != call.account.name):
            raise _bad_shares(f"principal not found: {key[:100]!r}")
        if rights != before.get(key):
            found[name] = _letters(kind, rights)
    return found


def _letters(kind: Kind, rights: Any) -> str:
    read, write, own = RIGHTS[kind]
    if not isinstance(rights, dict) or not all(isinstance(one, bool) for one in rights.values()):
        raise _bad_shares("a principal's rights must be an object with boolean values")
    given = {name for name, has in rights.items() if has}
    if not given:
        return ""
    if not given <= {*read, *write, *own} or given & {"mayShare", "mayDelete"}:
        raise _bad_shares("you can't grant mayShare, mayDelete, or unknown rights")
    if read[-1] not in given or (given & {*write} and write[0] not in given):
        raise _bad_shares(f"rights must include {read[-1]}, and also {write[0]} to allow changes")
    return CHANGE if write[0] in given else READ


def _bad_shares(text: str) -> SetError:
    return SetError("invalidProperties", text, properties=["shareWith"])


def put_shares(tx: AccountTx, call: Call, collection: Collection, wanted: Any) -> tuple[list[str], Object]:
    """Give and take rights; returns whose have changed, and ``shareWith`` where it is not as wanted. Raises SetError,
    LimitExceeded.
    """
    before = share_with(tx, collection)
    if (wanted or {}) == before:
        return [], {}
    if not call.identity.shares:
        raise SetError("forbidden", NO_SHARING)
    shares = _wanted_shares(call, collection.kind, before, wanted)
    for guest, letters in shares.items():
        share_collection(tx, collection, guest, letters)
    after = share_with(tx, collection)
    return [*shares], {} if after == (wanted or {}) else {"shareWith": after or None}


async def publish(call: Call, guests: Sequence[str]) -> None:
    """Make the rights of these users known, which `put_shares` has changed."""
    # After the commit: rights are read from the owner's file, and this only tells in which files guests have any.
    if guests:
        await publish_shares(call.server.auth, call.account)


# /copy


async def copy_entries(
    call: Call, handler: ObjectSet, read: Callable[[Call, str], Awaitable[Object]], method: str
) -> Object:
    """Copy entries of another account. `read`: gives the properties that a copy keeps. `method`: the /set that removes
    the originals.
    """
    given, name = call.argument("create", dict), call.argument("fromAccountId", str)
    if name is None or given is None or not all(isinstance(one, dict) for one in given.values()):
        raise invalid("fromAccountId and create are required, and each value in create must be an object")
    if name == call.place.id:
        raise invalid("fromAccountId must be a different account")
    if len(given) > LIMITS["maxObjectsInSet"]:
        raise MethodError("requestTooLarge", f"you can copy up to {LIMITS['maxObjectsInSet']} objects in one call")
    async with source_of(call, name) as place:
        source = msgspec.structs.replace(call, place=place)
        check_state(call, await read_state(source, handler.state), "ifFromInState")
        held = await hold_state(call, handler.state)
        originals: dict[str, str] = {}

        async def one(key: str, wish: Object) -> Outcome:
            if not isinstance(wish.get("id"), str):
                raise SetError("invalidProperties", "id is missing", properties=["id"])
            originals[key] = call.id_of(wish["id"])
            original = await read(source, originals[key])
            # when it was read, so that it's of the expected state
            check_state(call, await read_state(source, handler.state), "ifFromInState")
            wanted = {**original, **{part: value for part, value in wish.items() if part != "id"}}
            outcome = (await handler.create(call, {key: wanted}))[key]
            if isinstance(outcome, SetError):
                raise outcome
            return outcome

        with partial_failures(held):
            outcomes = await each(given, one)
        done = {key: outcome["id"] for key, outcome in outcomes.items() if isinstance(outcome, dict)}
        call.created.update(done)
        if done and call.argument("onSuccessDestroyOriginal", bool, False):
            destroy, expected = [originals[key] for key in done], call.arguments.get("destroyFromIfInState")
            arguments = {"destroy": destroy, "ifInState": expected}
            call.after.append(await _destroyed(source, handler, arguments, method))
        results = set_results(outcomes, {}, {})
        told = {part: results[part] for part in ("created", "notCreated")}
        return {"fromAccountId": name, "accountId": call.place.id, **held.states(), **told}


async def _destroyed(source: Call, handler: ObjectSet, arguments: Object, method: str) -> Invocation:
    try:
        found = await run_set(msgspec.structs.replace(source, arguments=arguments), handler)
    except MethodError as error:
        failed = error
    except StoreError as error:  # the copies exist, and a client that got an error would make them again
        logger.warning("failed to delete originals after copying", extra={"kv": {"err": str(error)}})
        failed = MethodError("serverFail", "the originals weren't deleted because of a storage error")
    else:
        return Invocation(method, found, source.call_id)
    return Invocation("error", failed.arguments(), source.call_id)
