"""MaskedEmail, an extension of Fastmail: addresses to give away, as password managers make them (MASK-13).

An address is ``enabled`` or ``disabled``, which refuses its mail; ``deleted`` is taken for the latter, and ``pending``
for the former. Programs' names and links back to them are not kept.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from moxlite.admin.masked import MaskedAddresses, New, state_of
from moxlite.store.errors import LimitExceeded
from moxlite.store.mail.masked import (
    MAX_MASKED,
    MaskedChange,
    MaskedRefused,
    MaskedRow,
    NoSuchMasked,
    masked_by_id,
    masked_list,
    masked_state,
)
from moxlite.web.jmap.headerforms import utc_date
from moxlite.web.jmap.methods import read_id
from moxlite.web.jmap.protocol import Object, SetError
from moxlite.web.jmap.standard import ObjectSet, ObjectType, Outcome, get_response, run_set

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader
    from moxlite.web.jmap.methods import Call


LETTER: Final = "A"
TYPE: Final = ObjectType(
    "MaskedEmail",
    "Fastmail's extension",
    settable=("state", "forDomain", "description", "url"),
    fixed=("id", "email", "lastMessageAt", "createdAt", "createdBy"),
)
STATES: Final = {"pending": True, "enabled": True, "disabled": False, "deleted": False}
"""Whether an address accepts mail, by state."""

FIELDS: Final = {"site": "forDomain", "note": "description", "word": "emailPrefix"}
"""Properties by the names that the store has for them."""


def _addresses(call: Call) -> MaskedAddresses:
    return MaskedAddresses(call.server.config, call.server.accounts, call.server.auth.masked)


def _shown(masked_row: MaskedRow) -> Object:
    return {
        "id": f"{LETTER}{masked_row.id}",
        "email": masked_row.address,
        "state": "enabled" if state_of(masked_row, time.time_ns() // 1000) == "on" else "disabled",
        "forDomain": f"https://{masked_row.given_to}" if masked_row.given_to else "",
        "description": masked_row.note,
        "url": None,
        "lastMessageAt": None if masked_row.last_mail is None else utc_date(masked_row.last_mail),
        "createdAt": utc_date(masked_row.created),
        "createdBy": "",
    }


async def get(call: Call) -> Object:
    """MaskedEmail/get."""
    ids, properties = call.ids(), call.properties(TYPE.properties)

    def read(r: Reader) -> tuple[str, list[MaskedRow]]:
        if ids is None:
            return masked_state(r), masked_list(r, limit=MAX_MASKED)
        found = (masked_by_id(r, read_id(one, LETTER)) for one in ids)
        return masked_state(r), [masked_row for masked_row in found if masked_row is not None]

    now, masked_rows = await call.account.scan(read, op="jmap masked")
    objects = [_shown(masked_row) for masked_row in masked_rows]
    return get_response(call, now, [{name: one[name] for name in properties} for one in objects], ids)


async def set_(call: Call) -> Object:
    """MaskedEmail/set. An address of which too many were made today is refused with ``rateLimit``."""
    return await run_set(call, _Addresses())


class _Addresses(ObjectSet):
    def state(self, r: Reader, call: Call) -> str:
        return masked_state(r)

    async def make(self, call: Call, _: str, given: Object) -> Outcome:
        wanted = _checked(given, ("emailPrefix", *TYPE.settable))
        site, word = wanted.get("forDomain") or "", wanted.get("emailPrefix") or ""
        active = STATES[wanted.get("state") or "enabled"]
        new = New(site=site, word=word, note=wanted.get("description") or "", active=active)
        addresses, name = _addresses(call), call.account.name
        try:
            made = await addresses.make(name, new, call.write)
        # The store has one error for both limits: that of a day, which ends by itself, and that of the account.
        except LimitExceeded as error:
            full = await addresses.count(name) >= MAX_MASKED
            raise SetError("overQuota" if full else "rateLimit", str(error)) from None
        except MaskedRefused as error:
            raise _refused(error) from None
        whole = _shown(made)
        return {part: value for part, value in whole.items() if part not in given or given[part] != value}

    async def change(self, call: Call, key: str, patch: Object) -> Outcome:
        before = await _found(call, key)
        now = _shown(before)
        wanted = _checked(TYPE.patched(now, patch), TYPE.settable)
        change = MaskedChange(
            active=STATES[wanted["state"] or "enabled"] if "state" in patch else None,
            given_to=wanted["forDomain"] or "" if "forDomain" in patch else None,
            note=wanted["description"] or "" if "description" in patch else None,
        )
        try:
            after = _shown(await _addresses(call).change(call.account.name, before.address, change, call.write))
        except NoSuchMasked:
            raise SetError("notFound") from None
        except MaskedRefused as error:
            raise _refused(error) from None
        return {name: after[name] for name in TYPE.settable if name in patch and after[name] != patch[name]} or None

    async def remove(self, call: Call, key: str) -> Outcome:
        masked_row = await _found(call, key)
        try:
            await _addresses(call).remove(call.account.name, masked_row.address, call.write)
        except NoSuchMasked:
            raise SetError("notFound") from None
        return None


async def _found(call: Call, key: str) -> MaskedRow:
    """The address with an id. Raises SetError ``notFound``."""
    masked_row = await call.account.read(lambda r: masked_by_id(r, read_id(key, LETTER)), op="jmap masked")
    if masked_row is None:
        raise SetError("notFound")
    return masked_row


def _checked(given: Object, names: Sequence[str]) -> Object:
    """An object whose values have the types of their properties. Raises SetError."""
    wrong = [name for name, value in given.items() if name not in names or not _fits(name, value)]
    if wrong:
        raise SetError("invalidProperties", "invalid or read-only property", properties=wrong)
    return given


def _fits(name: str, value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, str) and len(value) <= 2_000 and (name != "state" or value in STATES)


def _refused(error: MaskedRefused) -> SetError:
    return SetError("invalidProperties", str(error), properties=[FIELDS.get(error.field, "forDomain")])
