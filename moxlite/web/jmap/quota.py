"""The quota of the account: octets of its messages (RFC 9425). An account without a limit has none."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from moxlite.store.rows.mailboxes import state as account_state
from moxlite.web.jmap.protocol import MethodError, Object, invalid
from moxlite.web.jmap.standard import (
    Changes,
    ObjectType,
    changes_response,
    chosen_response,
    holds,
    max_changes,
    query_changes_of,
    results_response,
)

if TYPE_CHECKING:
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.store.file.transaction import Reader
    from moxlite.web.jmap.methods import Call


ID: Final = "storage"
TYPE: Final = ObjectType(
    "Quota",
    "RFC 9425 §4",
    fixed=(
        *("id", "resourceType", "used", "hardLimit", "scope", "name", "types"),
        *("warnLimit", "softLimit", "description"),
    ),
)
FILTERS: Final = ("name", "scope", "resourceType", "type")
SORTS: Final = ("name", "used")


def quota_of(r: Reader, account: OpenAccount) -> tuple[str, Object | None]:
    """The state, and the quota; None without a limit. The state says what is used, and the limit; without a limit it
    stays, since there's nothing to tell then.
    """
    limit = account.config.quota
    used = account_state(r).total_size if limit else 0
    whole: Object = {
        "id": ID,
        "resourceType": "octets",
        "used": used,
        "hardLimit": limit,
        "scope": "account",
        "name": "Storage",
        "types": ["Email"],
        "warnLimit": None,
        "softLimit": None,
        "description": None,
    }
    return f"{used}-{limit}", whole if limit else None


async def _read(call: Call) -> tuple[str, Object | None]:
    return await call.account.read(partial(quota_of, account=call.account), op="jmap quota")


async def get(call: Call) -> Object:
    """Quota/get."""
    now, whole = await _read(call)
    return chosen_response(call, TYPE, now, {} if whole is None else {ID: whole})


async def changes(call: Call) -> Object:
    """Quota/changes: the state that a client has tells all that it knew."""
    text = call.arguments.get("sinceState")
    if not isinstance(text, str):
        raise invalid("sinceState is missing")
    max_changes(call)
    now, _ = await _read(call)
    (used, limit), (old_used, old_limit) = _numbers(now), _numbers(text)
    created = [ID] if limit and not old_limit else []
    destroyed = [ID] if old_limit and not limit else []
    updated = [ID] if limit and old_limit and (used, limit) != (old_used, old_limit) else []
    only_used = ["used"] if updated and limit == old_limit else None
    found = Changes(text, now, created, updated, destroyed)
    return changes_response(call, found, updatedProperties=only_used)


def _numbers(text: str) -> tuple[int, int]:
    used, _, limit = text.partition("-")
    if not all(one.isascii() and one.isdecimal() and len(one) < 19 for one in (used, limit)):
        raise MethodError("cannotCalculateChanges", "unknown state")
    return int(used), int(limit)


async def query(call: Call) -> Object:
    """Quota/query."""
    now, ids = await _results(call)
    return results_response(call, now, ids, most=1)


async def query_changes(call: Call) -> Object:
    """Quota/queryChanges."""
    return await query_changes_of(call, partial(_results, call), changes)


async def _results(call: Call) -> tuple[str, list[str]]:
    now, whole = await _read(call)
    wish = call.filter()
    for one in call.order():
        if one.get("property") not in SORTS:
            raise MethodError("unsupportedSort", "quotas can only be sorted by name or used")
    return now, [ID] if whole is not None and (wish is None or holds(wish, partial(_meets, whole))) else []


def _meets(whole: Object, name: str, value: Any) -> bool:
    if name not in FILTERS:
        raise MethodError("unsupportedFilter", f"unknown filter: {name[:100]!r}")
    if not isinstance(value, str):
        raise invalid(f"filter: {name} has the wrong type")
    match name:
        case "name":
            return value.casefold() in whole["name"].casefold()
        case "type":
            return value in whole["types"]
    return bool(whole[name] == value)
