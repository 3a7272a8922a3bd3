"""The forms that all types share: /get, /changes, /query and /set (RFC 8620 §5)."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from moxlite.proto.cards.jspatches import put, tokens_of
from moxlite.store.changelog.unit import retried
from moxlite.store.errors import (
    BadKeyword,
    BadMailboxName,
    BadMessage,
    LimitExceeded,
    MailboxNotAllowed,
    NoRight,
    NoSuchMailbox,
    NoSuchMessage,
    OverQuota,
    StoreError,
)
from moxlite.store.file.transaction import Reader
from moxlite.store.rows.history import Change, TooManyChanges, portion
from moxlite.web.jmap.headerforms import microseconds
from moxlite.web.jmap.methods import Call, HeldState
from moxlite.web.jmap.protocol import LIMITS, MethodError, Object, SetError, invalid

T = TypeVar("T")

logger = logging.getLogger("moxlite.web.jmap")

MAX_DEPTH: Final = 20
"""Levels of a filter."""

MAX_WORDS: Final = 30
"""Words of one text to search for: each narrows what the index finds, and is looked for in every text that is left."""

MAX_PATHS: Final = 2_000
"""Paths of a patch: as many as a series has exceptions (JMAP-72)."""

Outcome: TypeAlias = "Object | SetError | None"
"""Outcome of a /set for one object: properties set by the server, an error, or None."""


def get_response(call: Call, state: str, objects: Sequence[Object], ids: Sequence[str] | None) -> Object:
    """The response of a /get for these ids, None for all."""
    found = {one["id"] for one in objects}
    return {
        "accountId": call.place.id,
        "state": state,
        "list": objects,
        "notFound": [one for one in ids or () if one not in found],
    }


def chosen_response(call: Call, kind: ObjectType, state: str, objects: Mapping[str, Object]) -> Object:
    """The response of a /get, of all objects by id: those that the call asks for, with the properties that it wants."""
    ids, properties = call.ids(), call.properties(kind.properties)
    chosen = (objects[one] for one in (objects if ids is None else ids) if one in objects)
    return get_response(call, state, [{name: one[name] for name in properties} for one in chosen], ids)


class Changes(msgspec.Struct, frozen=True):
    """Changes between two states of a type."""

    old: str
    new: str
    created: list[str]
    updated: list[str]
    destroyed: list[str]
    more: bool = False


def changes_response(call: Call, changes: Changes, **members: object) -> Object:
    """The response of a /changes."""
    return {
        "accountId": call.place.id,
        "oldState": changes.old,
        "newState": changes.new,
        "hasMoreChanges": changes.more,
        "created": changes.created,
        "updated": changes.updated,
        "destroyed": changes.destroyed,
        **members,
    }


def since_state(call: Call, name: str = "sinceState") -> tuple[int, str]:
    """The modseq of a state that a client has, and its mark (`Place.mark`). Raises MethodError."""
    text = call.arguments.get(name)
    if not isinstance(text, str):
        raise invalid(f"{name} is missing")
    number, dash, mark = text.partition("-")
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise MethodError("cannotCalculateChanges", "unknown state")
    return int(number), dash + mark


def max_changes(call: Call) -> int | None:
    """The argument maxChanges. Raises MethodError."""
    most = call.unsigned("maxChanges")
    if most == 0:
        raise invalid("maxChanges must be a positive number")
    return most


KINDS: Final = ("created", "updated", "destroyed")


async def changes_of(
    call: Call,
    read: Callable[[Reader, int], list[Change]],
    state: Callable[[Reader], int],
    letter: str,
    mark_of: Callable[[Reader], str] | None = None,
) -> Changes:
    """The changes that the call asks for. `mark_of`: gives the end of a state, by default `Place.mark`. Raises
    MethodError ``cannotCalculateChanges``.
    """
    (since, mark), most = since_state(call), max_changes(call)
    marked, old = mark_of or call.place.mark, f"{since}{mark}"
    # Most programs ask after each push and on a timer, and nothing is new: two numbers tell that without a scan.
    if await call.account.read(lambda r: (state(r), marked(r)) == (since, mark), op="jmap changes"):
        return Changes(old, old, [], [], [])

    def find(r: Reader) -> Changes:
        if mark != marked(r):
            raise TooManyChanges
        now = state(r)
        part, reached, more = portion(read(r, since), since, now, most)
        named = {kind: [f"{letter}{change.id}" for change in part if change.kind == kind] for kind in KINDS}
        return Changes(old, f"{reached}{mark}", named["created"], named["updated"], named["destroyed"], more)

    try:
        return await call.account.scan(find, op="jmap changes")
    except TooManyChanges:
        raise MethodError("cannotCalculateChanges", "too many changes; fetch everything again") from None


def words_of(text: str) -> list[str]:
    """The words of a text to search for, all of which must be there; a quoted phrase is one (RFC 8621 §4.4.1). A "*" at
    a word's end goes: servers with prefix search have it there, and here a word is found within others anyway. Raises
    MethodError.
    """
    found: list[str] = []
    for index, piece in enumerate(text.split('"')):
        found += [piece.strip()] if index % 2 else [word.removesuffix("*") for word in piece.split()]
    words = [word for word in found if word]
    if len(words) > MAX_WORDS:
        raise MethodError("unsupportedFilter", f"a search can have up to {MAX_WORDS} words")
    return words


def filter_moment(text: str) -> int:
    """The µs UTC of a UTCDate in a filter. Raises MethodError."""
    try:
        return microseconds(text)
    except ValueError:
        raise invalid(f"{text[:60]!r} isn't a valid UTCDate") from None


def property_moment(name: str, text: Any) -> int:
    """The µs UTC of a property that is a UTCDate. Raises SetError."""
    try:
        return microseconds(text)
    except ValueError:
        raise SetError("invalidProperties", "must be a UTCDate", properties=[name]) from None


def holds(wish: object, meets: Callable[[str, Any], bool], depth: int = 0) -> bool:
    """Whether a filter holds for an object (RFC 8620 §5.5). `meets`: whether it meets one condition, by name and value.

    Raises MethodError.
    """
    match wish:
        case {"operator": str(operator), "conditions": list(conditions)}:
            if depth > MAX_DEPTH:
                raise MethodError("unsupportedFilter", "the filter is nested too deeply")
            # All are tried, where the first decides as well: a wrong condition is an error whatever is there.
            found = [holds(condition, meets, depth + 1) for condition in conditions]
            match operator:
                case "AND":
                    return all(found)
                case "OR":
                    return any(found)
                case "NOT":
                    return not any(found)
            raise invalid("operator must be AND, OR, or NOT")
        case dict():
            return all(meets(name, value) for name, value in wish.items())
    raise invalid("filter: must be an object")


def query_response(
    call: Call, state: str, ids: Sequence[str], position: int, *, total: int | None, calculable: bool, limit: int | None
) -> Object:
    """The response of a /query. `limit`: the limit that the server has set itself."""
    found: Object = {
        "accountId": call.place.id,
        "queryState": state,
        "canCalculateChanges": calculable,
        "position": position,
        "ids": ids,
    }
    if total is not None:
        found["total"] = total
    if limit is not None:
        found["limit"] = limit
    return found


def in_order(found: Iterable[tuple[T, Sequence[Any]]], ascending: Sequence[bool]) -> list[T]:
    """Results by their keys, one for each comparator; what no comparator tells apart stays in its order."""
    rows = [*found]
    # Sorts are stable: by the last property first, each keeps the order of the ones after it.
    for index in reversed(range(len(ascending))):
        rows.sort(key=lambda row: row[1][index], reverse=not ascending[index])
    return [result for result, _ in rows]


def results_response(call: Call, state: str, ids: Sequence[str], *, most: int, calculable: bool = True) -> Object:
    """The response of a /query all of whose results are known: the part that is asked for, at most `most`, and their
    number if that is asked for. Raises MethodError as `window`.
    """
    part, position, limit = window(call, ids, most)
    total = len(ids) if call.argument("calculateTotal", bool, False) else None
    return query_response(call, state, part, position, total=total, calculable=calculable, limit=limit)


def query_changes_response(
    call: Call, old: str, new: str, ids: Sequence[str], *, moved: set[str], gone: Sequence[str], most: int | None
) -> Object:
    """The response of a /queryChanges: what is gone, and all of `moved`, is taken out, and what of that matches is put
    in at its place. `ids`: all that match. Raises MethodError ``tooManyChanges``.
    """
    removed = [*gone, *sorted(moved)]
    added = [{"id": one, "index": index} for index, one in enumerate(ids) if one in moved]
    if most is not None and len(removed) + len(added) > most:
        raise MethodError("tooManyChanges", "too many changes; run the query again")
    found: Object = {
        "accountId": call.place.id,
        "oldQueryState": old,
        "newQueryState": new,
        "removed": removed,
        "added": added,
    }
    if call.argument("calculateTotal", bool, False):
        found["total"] = len(ids)
    return found


async def query_changes_of(
    call: Call,
    results: Callable[[], Awaitable[tuple[str, Sequence[str]]]],
    changes: Callable[[Call], Awaitable[Object]],
) -> Object:
    """Response of /queryChanges for a type whose matches and order only depend on each object.

    `results`: reads the state and all that match; `changes`: the type's /changes. Changes are read last, so an object
    that changes meanwhile is reported as it was read, and again the next time. Raises MethodError.
    """
    since, mark = since_state(call, "sinceQueryState")
    most, old = max_changes(call), f"{since}{mark}"
    now, ids = await results()
    asked: Object = {"accountId": call.place.id, "sinceState": old}
    found = await changes(msgspec.structs.replace(call, arguments=asked))
    moved = {*found["created"], *found["updated"], *({*found["destroyed"]} & {*ids})}
    gone = [one for one in found["destroyed"] if one not in moved]
    return query_changes_response(call, old, now, ids, moved=moved, gone=gone, most=most)


def window(call: Call, ids: Sequence[str], most: int) -> tuple[list[str], int, int | None]:
    """The part of all results that a /query asks for, its position, and the limit if it is the server's own.

    Raises MethodError ``anchorNotFound``, ``invalidArguments``.
    """
    position, size, own = span(call, len(ids), lambda anchor: ids.index(anchor) if anchor in ids else None, most)
    return [*ids[position : position + size]], position, own


def span(call: Call, total: int, position_of: Callable[[str], int | None], most: int) -> tuple[int, int, int | None]:
    """As `window`, of so many results: the position, the number of results that are asked for, and the server's limit.
    `position_of`: the position of the anchor among all results.
    """
    limit = call.unsigned("limit")
    anchor = call.argument("anchor", str)
    if anchor is not None:
        at = position_of(call.id_of(anchor))
        if at is None:
            raise MethodError("anchorNotFound", "the anchor isn't in the results")
        position = max(0, at + call.argument("anchorOffset", int, 0))
    else:
        position = call.argument("position", int, 0)
        if position < 0:
            position = max(0, total + position)
    own = most if limit is None or limit > most else None
    return position, most if own is not None or limit is None else limit, own


class ObjectSet(ABC):
    """Handler of a type's /set.

    Each object is created, updated and destroyed separately, if clients may do that, unless the type handles many
    together.
    """

    refusal: SetError = SetError("forbidden")
    """The error for what programs may not do."""

    @abstractmethod
    def state(self, r: Reader, call: Call) -> str:
        """The state of the type."""

    async def create(self, call: Call, objects: Mapping[str, Object]) -> Mapping[str, Outcome]:
        """Create objects, by creation id. The outcome has the id, and what the server set."""
        return await each(objects, partial(self.make, call))

    async def update(self, call: Call, patches: Mapping[str, Object]) -> Mapping[str, Outcome]:
        """Change objects, by id."""
        return await each(patches, partial(self.change, call))

    async def destroy(self, call: Call, ids: Sequence[str]) -> Mapping[str, Outcome]:
        """Destroy objects."""
        return await each(dict.fromkeys(ids), lambda key, _: self.remove(call, key))

    async def make(self, call: Call, key: str, given: Object) -> Outcome:
        """Create one object."""
        return self.refusal

    async def change(self, call: Call, key: str, patch: Object) -> Outcome:
        """Change one object."""
        return self.refusal

    async def remove(self, call: Call, key: str) -> Outcome:
        """Destroy one object."""
        return self.refusal


def check_state(call: Call, now: str, name: str = "ifInState") -> None:
    """Raise MethodError ``stateMismatch`` if the call expects another state than `now`."""
    expected = call.argument(name, str)
    if expected is not None and expected != now:
        raise MethodError("stateMismatch", f"{name}: the state has changed to {now}")


async def read_state(call: Call, state: Callable[[Reader, Call], str]) -> str:
    """The state of a type in the account of a call."""
    return await call.account.scan(lambda r: state(r, call), op="jmap state")


async def hold_state(call: Call, state: Callable[[Reader, Call], str]) -> HeldState:
    """Hold the state of a type for the units of a call, which go by `Call.write`. Raises MethodError
    ``stateMismatch``.
    """
    now = await read_state(call, state)
    check_state(call, now)
    call.held = HeldState(lambda r: state(r, call), now, expected=call.arguments.get("ifInState") is not None)
    return call.held


async def run_set(call: Call, handler: ObjectSet) -> Object:
    """A /set: creates, then updates, then destroys (RFC 8620 §5.3). Raises MethodError."""
    create, update, destroy = set_parts(call)
    held = await hold_state(call, handler.state)
    with partial_failures(held):
        created = dict(await handler.create(call, create)) if create else {}
        for name, outcome in created.items():
            if isinstance(outcome, dict):
                call.created[name] = outcome["id"]
        gone = dict.fromkeys(map(call.id_of, destroy))
        patches = {call.id_of(key): patch for key, patch in update.items()}
        early: dict[str, Outcome] = {patch: SetError("willDestroy") for patch in patches if patch in gone}
        patches = {key: patch for key, patch in patches.items() if key not in early}
        updated = {**early, **(dict(await handler.update(call, patches)) if patches else {})}
        destroyed = dict(await handler.destroy(call, [*gone])) if gone else {}
        # a name that the call itself has made free (RFC 8620 §5.3)
        again = {name: create[name] for name, outcome in created.items() if has_no_room(outcome)}
        if again and (updated or destroyed):
            for name, outcome in (await handler.create(call, again)).items():
                created[name] = outcome
                if isinstance(outcome, dict):
                    call.created[name] = outcome["id"]
    return {"accountId": call.place.id, **held.states(), **set_results(created, updated, destroyed)}


@contextmanager
def partial_failures(held: HeldState) -> Iterator[None]:
    """Context of changes. One that ends in an error when some were made is told as MethodError ``serverPartialFail``:
    its program would do all of it again, and read nothing anew (RFC 8620 §3.6.2).
    """
    try:
        yield
    except (StoreError, MethodError) as error:
        if not held.changed:
            raise
        if isinstance(error, StoreError):  # else others have changed what the call expects, which is no fault of anyone
            logger.error("call failed with partial changes", extra={"kv": {"err": str(error)}})
        raise MethodError(
            "serverPartialFail", "only some changes were made; fetch the changes since your last state"
        ) from None


def set_results(
    created: Mapping[str, Outcome], updated: Mapping[str, Outcome], destroyed: Mapping[str, Outcome]
) -> Object:
    """The members of the response of a /set that say what became of each object."""
    return {
        "created": _done(created),
        "updated": _done(updated),
        "destroyed": [*(_done(destroyed) or {})] or None,
        "notCreated": _failed(created),
        "notUpdated": _failed(updated),
        "notDestroyed": _failed(destroyed),
    }


def set_parts(call: Call) -> tuple[Mapping[str, Object], Mapping[str, Object], list[str]]:
    """Objects that a /set is to create, update and destroy. Raises MethodError."""
    create, update = call.argument("create", dict, {}), call.argument("update", dict, {})
    destroy = call.names("destroy") or []
    for name, objects in (("create", create), ("update", update)):
        if not all(isinstance(one, dict) for one in objects.values()):
            raise invalid(f"{name}: each value must be an object")
    if len(create) + len(update) + len(destroy) > LIMITS["maxObjectsInSet"]:
        raise MethodError(
            "requestTooLarge",
            f"you can create, update, and destroy up to {LIMITS['maxObjectsInSet']} objects in one call",
        )
    return create, update, destroy


def _done(outcomes: Mapping[str, Outcome]) -> dict[str, Object | None] | None:
    return {key: outcome for key, outcome in outcomes.items() if not isinstance(outcome, SetError)} or None


def _failed(outcomes: Mapping[str, Outcome]) -> dict[str, Object] | None:
    return {key: outcome.value() for key, outcome in outcomes.items() if isinstance(outcome, SetError)} or None


def has_no_room(outcome: Outcome) -> bool:
    """Whether another object has the name that this one wants."""
    return isinstance(outcome, SetError) and outcome.kind == "alreadyExists"


async def each(objects: Mapping[str, Any], work: Callable[[str, Any], Awaitable[Outcome]]) -> dict[str, Outcome]:
    """Do the same with each object; an error of one does not stop the others. What others have changed meanwhile is
    read anew, and the change made of that. Raises StoreError.
    """
    found: dict[str, Outcome] = {}
    for key, value in objects.items():
        try:
            found[key] = await retried(partial(work, key, value))
        except SetError as error:
            found[key] = error
        except StoreError as error:
            found[key] = set_error(error)
    return found


ERRORS: tuple[tuple[type[StoreError], str, str], ...] = (
    (NoSuchMessage, "notFound", ""),
    (NoSuchMailbox, "notFound", ""),
    (OverQuota, "overQuota", ""),
    (BadMailboxName, "invalidProperties", "name"),
    (BadKeyword, "invalidProperties", "keywords"),
    (MailboxNotAllowed, "forbidden", ""),
    (NoRight, "forbidden", ""),
    (BadMessage, "invalidEmail", ""),
    (LimitExceeded, "overQuota", ""),
)
"""Errors of the store as types of SetErrors, with the property that is wrong; all others are errors of the server."""


def set_error(error: StoreError) -> SetError:
    """The SetError for an error of the store; one about the storage itself is raised again."""
    for kind, name, wrong in ERRORS:
        if isinstance(error, kind):
            return SetError(name, str(error), **({"properties": [wrong]} if wrong else {}))
    raise error


def patched(current: Object, patch: Object, *, fixed: Mapping[str, object]) -> Object:
    """An object after a PatchObject (RFC 8620 §5.3): a path with slashes changes one member.

    `fixed`: properties that only the server sets, with their values, which a patch may repeat.

    Raises SetError ``invalidPatch``, ``invalidProperties``, ``tooLarge``.
    """
    if len(patch) > MAX_PATHS:
        raise SetError("tooLarge", f"a patch can have up to {MAX_PATHS} paths")
    found = dict(current)
    own = {id(found)}
    paths = sorted(path.replace("/", "\0") for path in patch)  # paths within a path directly follow it
    for path, other in pairwise(paths):
        if other.startswith(f"{path}\0"):
            shown = path.replace("\0", "/")
            raise SetError("invalidPatch", f"{shown} is a prefix of another path in the patch")
    for path, value in patch.items():
        tokens = tokens_of(path)
        name = tokens[0]
        if name in fixed:
            if len(tokens) > 1 or fixed[name] != value:
                raise SetError("invalidProperties", "can only be set by the server", properties=[name])
            continue
        if name not in current:
            raise SetError("invalidProperties", "unknown property", properties=[name])
        if len(tokens) == 1:
            found[name] = value
            continue
        try:
            put(found, tokens, value, own)
        except KeyError as error:
            raise SetError("invalidPatch", f"{path}: object not found: {error.args[0]}") from None
    return found


class ObjectType(msgspec.Struct, frozen=True):
    """Type of objects. docs/jmap.md has a table of all, made from these.

    `source`: the document that defines the type; `settable`: the properties that programs set; `fixed`: the server's
    properties; `once`: the part of `fixed` that programs give with a new object.
    """

    name: str
    source: str
    settable: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ("id",)
    once: tuple[str, ...] = ()

    @property
    def properties(self) -> tuple[str, ...]:
        """All, "id" first."""
        return (*self.fixed[:1], *self.settable, *self.fixed[1:])

    def needed(self, patch: Object) -> list[str]:
        """The properties that a patch is compared with: those that programs set, and of the others the named ones."""
        named = {path.partition("/")[0] for path in patch}
        return [*self.settable, *(name for name in self.fixed if name in named)]

    def patched(self, now: Object, patch: Object) -> Object:
        """The settable properties of an object after a patch. `now` needs those that are `needed` alone. Raises as
        `patched`.
        """
        fixed = {name: now[name] for name in self.fixed if name in now}
        return patched({name: now[name] for name in self.settable}, patch, fixed=fixed)


def strings(value: object) -> list[str]:
    """All texts in a value, in lower case; names of members count where they are texts themselves (keywords)."""
    match value:
        case str():
            return [value.casefold()]
        case list():
            return [text for one in value for text in strings(one)]
        case dict():
            return [text for key, one in value.items() for text in ([key.casefold()] if one is True else strings(one))]
    return []
