"""ShareNotification (RFC 9670 §3): what others have given the user rights to, or taken. The newest 500 are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from moxlite.store.mail.notices import MAX_NOTICES
from moxlite.store.mail.sharenotices import (
    ShareNotice,
    forget_notices,
    share_notice_changes,
    share_notice_state,
    share_notices,
)
from moxlite.web.jmap import mailboxes
from moxlite.web.jmap.accounts import account_id
from moxlite.web.jmap.addressbooks import BOOK
from moxlite.web.jmap.calendars import CALENDAR
from moxlite.web.jmap.headerforms import utc_date
from moxlite.web.jmap.methods import read_id
from moxlite.web.jmap.principals import visible_address
from moxlite.web.jmap.protocol import MethodError, Object, SetError, invalid
from moxlite.web.jmap.sharing import rights_of
from moxlite.web.jmap.standard import (
    ObjectSet,
    ObjectType,
    Outcome,
    changes_of,
    changes_response,
    chosen_response,
    filter_moment,
    holds,
    query_changes_of,
    results_response,
    run_set,
)

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.web.jmap.methods import Call


LETTER: Final = "A"
TYPE: Final = ObjectType(
    "ShareNotification",
    "RFC 9670 §3",
    fixed=(
        *("id", "created", "changedBy", "objectType", "objectAccountId", "objectId", "oldRights", "newRights", "name"),
    ),
)
TYPES: Final[Mapping[str, tuple[str, str]]] = {
    "mailbox": ("Mailbox", mailboxes.LETTER),
    "calendar": ("Calendar", CALENDAR),
    "contact": ("AddressBook", BOOK),
}
"""Data type and the letter of the ids, by kind."""

FILTERS: Final = ("after", "before", "objectType", "objectAccountId")


def _object(call: Call, share_notice: ShareNotice) -> Object:
    name, letter = TYPES[share_notice.kind]
    return {
        "id": f"{LETTER}{share_notice.id}",
        "created": utc_date(share_notice.created),
        "changedBy": _person(call, share_notice),
        "objectType": name,
        "objectAccountId": account_id(share_notice.owner),
        "objectId": f"{letter}{share_notice.object_id}",
        "oldRights": _rights(share_notice, share_notice.before),
        "newRights": _rights(share_notice, share_notice.after),
        "name": share_notice.name,
    }


def _rights(share_notice: ShareNotice, letters: str) -> Object | None:
    if not letters:
        return None
    if share_notice.kind == "mailbox":
        return {**mailboxes.named_rights(share_notice.name, letters)}
    return rights_of(share_notice.kind, writable="w" in letters, owner=False)


def _person(call: Call, share_notice: ShareNotice) -> Object:
    """The user who has changed the rights: the owner, whose address the session has, or one whom the owner lets."""
    address = visible_address(call, share_notice.author)
    known = address is not None
    if address is None and share_notice.author == share_notice.owner:
        login = call.snapshot.login_of(share_notice.author)
        address = None if login is None else str(login.canonical)
    settings = call.snapshot.account(share_notice.author)
    name = settings.full_name if settings is not None else ""
    return {
        "name": name or address or share_notice.author,
        "email": address,
        "principalId": account_id(share_notice.author) if known else None,
    }


async def get(call: Call) -> Object:
    """ShareNotification/get."""

    def read(r: Reader) -> tuple[str, dict[str, Object]]:
        return call.place.state(r, share_notice_state(r)), {
            f"{LETTER}{one.id}": _object(call, one) for one in share_notices(r)
        }

    return chosen_response(call, TYPE, *await call.account.read(read, op="jmap shares"))


async def changes(call: Call) -> Object:
    """ShareNotification/changes."""
    return changes_response(call, await changes_of(call, share_notice_changes, share_notice_state, LETTER))


async def query(call: Call) -> Object:
    """ShareNotification/query."""
    now, ids = await _results(call)
    return results_response(call, now, ids, most=MAX_NOTICES)


async def query_changes(call: Call) -> Object:
    """ShareNotification/queryChanges."""
    return await query_changes_of(call, partial(_results, call), changes)


async def _results(call: Call) -> tuple[str, list[str]]:
    return await call.account.scan(partial(_queried, call=call), op="jmap shares")


def _queried(r: Reader, call: Call) -> tuple[str, list[str]]:
    wish = call.filter()
    found = [
        share_notice for share_notice in share_notices(r) if wish is None or holds(wish, partial(_meets, share_notice))
    ]
    for comparator in reversed(call.order()):
        if comparator.get("property") != "created":
            raise MethodError("unsupportedSort", "notifications can only be sorted by created")
        found.sort(key=lambda share_notice: share_notice.created, reverse=comparator.get("isAscending") is False)
    return call.place.state(r, share_notice_state(r)), [f"{LETTER}{share_notice.id}" for share_notice in found]


def _meets(share_notice: ShareNotice, name: str, value: Any) -> bool:
    if name not in FILTERS:
        raise MethodError("unsupportedFilter", f"unknown filter: {name[:100]!r}")
    if value is None:
        return True
    if not isinstance(value, str):
        raise invalid(f"filter: {name} has the wrong type")
    match name:
        case "before":
            return share_notice.created < filter_moment(value)
        case "after":
            return share_notice.created >= filter_moment(value)
        case "objectType":
            return TYPES[share_notice.kind][0] == value
    return account_id(share_notice.owner) == value


async def set_(call: Call) -> Object:
    """ShareNotification/set: they can be destroyed."""
    return await run_set(call, _Notices())


class _Notices(ObjectSet):
    refusal = SetError("forbidden", "notifications are created by the server and can't be changed")

    def state(self, r: Reader, call: Call) -> str:
        return call.place.state(r, share_notice_state(r))

    async def destroy(self, call: Call, ids: Sequence[str]) -> Mapping[str, Outcome]:
        numbers = {one: read_id(one, LETTER) for one in ids}

        def unit(tx: AccountTx) -> dict[str, Outcome]:
            gone = forget_notices(tx, [*numbers.values()])
            return {one: None if number in gone else SetError("notFound") for one, number in numbers.items()}

        return await call.write(unit)
