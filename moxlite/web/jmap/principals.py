"""Principals (RFC 9670 §2): the user, and people who have an address of a domain of the user's, as for questions about
busy times by CalDAV (DAV-28); with Principal/getAvailability (draft-ietf-jmap-calendars-26 §2.2).

Colleagues are found by their whole address, or by an id from there; nothing lists them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from moxlite.groupware.busy import Busy, known_busy
from moxlite.groupware.people import account_of, colleague_addresses
from moxlite.store.errors import AccountRemoved, AccountUnknown
from moxlite.web.jmap.accounts import account_id, account_name
from moxlite.web.jmap.headerforms import microseconds, utc_date
from moxlite.web.jmap.protocol import MethodError, Object, SetError, invalid
from moxlite.web.jmap.standard import (
    Changes,
    ObjectSet,
    ObjectType,
    Outcome,
    changes_response,
    get_response,
    query_changes_response,
    results_response,
    run_set,
)

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader
    from moxlite.web.jmap.methods import Call


TYPE: Final = ObjectType(
    "Principal",
    "RFC 9670 §2",
    fixed=(*("id", "type", "name", "description", "email", "timeZone", "capabilities", "accounts"),),
)
FILTERS: Final = ("accountIds", "email", "name", "text", "type", "timeZone", "calendarAddress")
MAX_STRETCH: Final = 400 * 86_400
"""Seconds of a question about availability, as the session says."""

AS_JSON: Final = 400
"""Octets of a busy period among the texts that a request may return: as JSON, and as the values before."""

KINDS: Final = {"BUSY": "confirmed", "BUSY-UNAVAILABLE": "unavailable", "BUSY-TENTATIVE": "tentative"}
RANK: Final = ("confirmed", "unavailable", "tentative")
"""Kinds of busy time by precedence where periods overlap (§2.2)."""


def visible_address(call: Call, name: str) -> str | None:
    """The address by which the user may know an account; None for one that is not a colleague's."""
    if name == call.account.name:
        return call.identity.address
    return next(iter(colleague_addresses(call.snapshot, call.account.name, name)), None)


def _state(call: Call) -> str:
    """The state of all principals: the configuration, which keeps no history."""
    return call.snapshot.revision


def _principal(call: Call, key: str) -> Object | None:
    name = account_name(key)
    settings = call.snapshot.account(name)
    address = None if settings is None else visible_address(call, name)
    if settings is None or address is None:
        return None
    own = name == call.account.name
    calendars = {
        "accountId": key if own else None,
        "mayGetAvailability": True,
        "mayShareWith": not own,
        "calendarAddress": f"mailto:{address}",
    }
    return {
        "id": key,
        "type": "individual",
        "name": settings.full_name or address,
        "description": None,
        "email": address,
        "timeZone": None,
        "capabilities": {"urn:ietf:params:jmap:calendars": calendars},
        "accounts": None,
    }


async def get(call: Call) -> Object:
    """Principal/get; without ids the user alone."""
    ids, properties = call.ids(), call.properties(TYPE.properties)
    asked = [account_id(call.account.name)] if ids is None else ids
    found = {key: one for key in asked if (one := _principal(call, key)) is not None}
    objects = [{name: one[name] for name in properties} for one in found.values()]
    return get_response(call, _state(call), objects, asked)


async def query(call: Call) -> Object:
    """Principal/query: one condition, with the whole address of a colleague; else the user alone is found."""
    wish: Object = call.argument("filter", dict, {})
    unknown = [name for name in wish if name not in FILTERS]
    if unknown:
        raise MethodError("unsupportedFilter", f"principals can only be filtered by {', '.join(FILTERS)}")
    address = wish.get("email") or str(wish.get("calendarAddress") or "").removeprefix("mailto:")
    name = account_of(call.snapshot, address) if isinstance(address, str) and address else None
    keys = [account_id(name or call.account.name)]
    ids = [key for key in keys if (one := _principal(call, key)) is not None and _meets(call, one, wish)]
    return results_response(call, _state(call), ids, most=100, calculable=False)


def _meets(call: Call, one: Object, wish: Object) -> bool:
    def holds(name: str, value: Any) -> bool:
        if name == "accountIds":
            return isinstance(value, list) and one["id"] == account_id(call.account.name) and one["id"] in value
        if not isinstance(value, str):
            raise invalid(f"filter: {name} has the wrong type")
        word = value.casefold().removeprefix("mailto:")
        match name:
            case "name" | "text":
                return word in f"{one['name']}\n{one['email'] if name == 'text' else ''}".casefold()
            case "type" | "timeZone":
                return bool(one[name] == value)
        return account_of(call.snapshot, word) == account_name(one["id"])

    return all(holds(name, value) for name, value in wish.items() if value is not None)


async def changes(call: Call) -> Object:
    """Principal/changes: whether there are any is all that is known."""
    _check_unchanged(call, "sinceState")
    return changes_response(call, Changes(_state(call), _state(call), [], [], []))


async def query_changes(call: Call) -> Object:
    """Principal/queryChanges, as /changes."""
    _check_unchanged(call, "sinceQueryState")
    found = await query(call)
    return query_changes_response(
        call, _state(call), _state(call), [""] * found.get("total", 0), moved=set(), gone=[], most=None
    )


def _check_unchanged(call: Call, name: str) -> None:
    if call.argument(name, str, "") != _state(call):
        raise MethodError("cannotCalculateChanges", "the principals have changed; fetch them all again")


async def set_(call: Call) -> Object:
    """Principal/set: all belongs to the configuration."""
    return await run_set(call, _Principals())


class _Principals(ObjectSet):
    refusal = SetError("forbidden", "only the administrator can set users and their names")

    def state(self, r: Reader, call: Call) -> str:
        return _state(call)

    async def change(self, call: Call, key: str, patch: Object) -> Outcome:
        return await self.remove(call, key)

    async def remove(self, call: Call, key: str) -> Outcome:
        return self.refusal if _principal(call, key) else SetError("notFound")


async def availability(call: Call) -> Object:
    """Principal/getAvailability, without details of events."""
    name = account_name(call.argument("id", str, ""))
    if call.snapshot.account(name) is None or visible_address(call, name) is None:
        raise MethodError("notFound", "principal not found")
    try:
        stretch = (
            microseconds(call.arguments.get("utcStart")) // 1_000_000,
            microseconds(call.arguments.get("utcEnd")) // 1_000_000,
        )
    except ValueError:
        raise invalid("utcStart and utcEnd must be UTCDates") from None
    if stretch[1] - stretch[0] > MAX_STRETCH:
        raise MethodError("tooLarge", "the period can be up to 400 days long")
    server, asker = call.server, call.account.name
    try:
        busy = await known_busy(server.accounts, call.snapshot, asker, name, stretch)
    except (AccountUnknown, AccountRemoved):
        raise MethodError("notFound", "principal not found") from None
    if busy is None:
        raise MethodError("forbidden", "this user doesn't share their availability")
    call.budget.take(AS_JSON * len(busy))
    return {"accountId": call.place.id, "list": periods(busy, stretch)}


def periods(busy: Sequence[Busy], stretch: tuple[int, int]) -> list[Object]:
    """Busy times as BusyPeriods, of which none overlap."""
    steps: list[tuple[int, int, str]] = []
    for start, end, kind in busy:
        start, end = max(start, stretch[0]), min(end, stretch[1])
        if start < end:
            status = KINDS.get(kind, "unavailable")
            steps += [(start, 1, status), (end, -1, status)]
    found: list[tuple[int, int, str]] = []
    open_ = dict.fromkeys(RANK, 0)
    since, now = 0, ""
    # At the same moment ends come before beginnings, since -1 is less than 1: of two periods that touch none is open
    # then.
    for at, step, status in sorted(steps):
        open_[status] += step
        after = next((one for one in RANK if open_[one]), "")
        if after == now:
            continue
        if now and since < at:
            found.append((since, at, now))
        since, now = at, after
    return [
        {
            "utcStart": utc_date(start * 1_000_000),
            "utcEnd": utc_date(end * 1_000_000),
            "busyStatus": status,
            "event": None,
        }
        for start, end, status in _joined(found)
    ]


def _joined(found: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Periods of which no two of one status touch."""
    made: list[tuple[int, int, str]] = []
    for start, end, status in found:
        if made and made[-1][1:] == (start, status):
            made[-1] = (made[-1][0], end, status)
        else:
            made.append((start, end, status))
    return made
