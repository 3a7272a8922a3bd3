"""Identities (RFC 8621 §6) are the addresses of the account, and the answer while away (RFC 8621 §8) is its form."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from moxlite.decoders import from_json
from moxlite.store.delivery.submissions import identity_settings, set_identity
from moxlite.store.delivery.vacation import load_form, patch_form
from moxlite.store.forms import BadForm, VacationChange, VacationForm, mark
from moxlite.store.mail.links import sending_links
from moxlite.web.jmap.headerforms import utc_date
from moxlite.web.jmap.protocol import MethodError, Object, SetError
from moxlite.web.jmap.standard import (
    Changes,
    ObjectType,
    Outcome,
    changes_response,
    each,
    get_response,
    property_moment,
    run_set,
    since_state,
)

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.web.jmap.methods import Call


TYPE: Final = ObjectType(
    "Identity",
    "RFC 8621 §6",
    settable=("name", "replyTo", "bcc", "textSignature", "htmlSignature"),
    fixed=("id", "email", "mayDelete"),
)
MAX_TEXT: Final = 20_000
"""Characters of a name or a signature: all identities are read each time that an email is sent."""

MAX_ADDRESSES: Final = 50
"""Addresses in replyTo or bcc, each with its name of 1,000 characters at most."""

VACATION: Final = "singleton"
FIELDS: Final = {
    "isEnabled": "enabled",
    "fromDate": "start",
    "toDate": "end",
    "subject": "subject",
    "textBody": "text",
    "htmlBody": "html",
}
"""Fields of the vacation form by properties; `known_only` has none (RFC 8621 §8)."""

VACATION_TYPE: Final = ObjectType("VacationResponse", "RFC 8621 §8", settable=tuple(FIELDS))


def _addresses(r: Reader, call: Call) -> dict[str, str]:
    """The addresses that the account sends from, also through linked mailboxes (LINK-14), with the name that
    mail from them has, by the id of the identity.
    """
    account = call.snapshot.account(call.identity.account)
    if account is None:
        return {}
    found = {
        configured: destination.full_name or account.full_name
        for configured, destination in account.destinations.items()
        if not configured.startswith("@")
    }
    found.setdefault(call.identity.address, account.full_name)
    for alias in call.snapshot.derived.aliases_of.get(call.identity.account, ()):
        if alias.alias.allow_msg_from:
            found.setdefault(str(alias.canonical), account.full_name)
    for link in sending_links(r).values():
        found.setdefault(link.address, account.full_name)
    return {f"I{hashlib.sha256(address.encode()).hexdigest()[:24]}\0{address}": name for address, name in found.items()}


def identities(r: Reader, call: Call) -> tuple[str, dict[str, Object]]:
    """The state, and all identities by id. The state has the highest modseq, and a mark of the addresses."""
    stored = identity_settings(r)
    found: dict[str, Object] = {}
    addresses = _addresses(r, call)
    for key, name in addresses.items():
        number, _, address = key.partition("\0")
        own: Object = from_json(stored[address][1], dict[str, Any]) if address in stored else {}
        found[number] = {
            "id": number,
            "email": address,
            "name": name,
            "replyTo": None,
            "bcc": None,
            "textSignature": "",
            "htmlSignature": "",
            "mayDelete": False,
            **own,
        }
    mark = hashlib.sha256(repr(sorted(addresses.items())).encode()).hexdigest()[:12]
    return f"{max((modseq for modseq, _ in stored.values()), default=0)}-{mark}", found


async def get(call: Call) -> Object:
    """Identity/get."""
    ids, properties = call.ids(), call.properties(TYPE.properties)
    now, found = await call.account.read(partial(identities, call=call), op="jmap identities")
    chosen = [*found] if ids is None else [one for one in ids if one in found]
    objects = [{name: found[one][name] for name in properties} for one in chosen]
    return get_response(call, now, objects, [one for one in ids or () if one not in found])


async def changes(call: Call) -> Object:
    """Identity/changes: of the texts; the addresses change with the configuration, which keeps no history."""
    text = call.arguments.get("sinceState")
    if not isinstance(text, str):
        since_state(call)
        raise AssertionError
    now, found = await call.account.read(partial(identities, call=call), op="jmap identities")
    modseq, _, mark = text.partition("-")
    if mark != now.partition("-")[2] or not (modseq.isascii() and modseq.isdecimal() and len(modseq) < 19):
        raise MethodError("cannotCalculateChanges", "the addresses have changed: read all anew")
    stored = await call.account.read(identity_settings, op="jmap identities")
    changed = {address for address, (at, _) in stored.items() if at > int(modseq)}
    updated = [number for number, one in found.items() if one["email"] in changed]
    return changes_response(call, Changes(text, now, [], updated, []))


async def set_(call: Call) -> Object:
    """Identity/set."""
    return await run_set(call, _Identities())


class _Identities:
    async def state(self, call: Call) -> str:
        now, _ = await call.account.read(partial(identities, call=call), op="jmap identities")
        return now

    async def create(self, call: Call, objects: Mapping[str, Object]) -> Mapping[str, Outcome]:
        text = "addresses are added in the account app, and have identities by then"
        return dict.fromkeys(objects, SetError("forbidden", text))

    async def update(self, call: Call, patches: Mapping[str, Object]) -> Mapping[str, Outcome]:
        async def one(key: str, patch: Object) -> Outcome:
            await call.account.write(partial(_update, call=call, number=key, patch=patch))
            return None

        return await each(patches, one)

    async def destroy(self, call: Call, ids: Sequence[str]) -> Mapping[str, Outcome]:
        _, found = await call.account.read(partial(identities, call=call), op="jmap identities")
        return {one: SetError("forbidden" if one in found else "notFound") for one in ids}


def _update(tx: AccountTx, call: Call, number: str, patch: Object) -> None:
    _, found = identities(tx, call)
    if number not in found:
        raise SetError("notFound")
    now = found[number]
    wanted = TYPE.patched(now, patch)
    wrong = [name for name, value in wanted.items() if not _is_valid(name, value)]
    if wrong:
        raise SetError("invalidProperties", "too long, or of the wrong type", properties=wrong)
    set_identity(tx, now["email"], msgspec.json.encode(wanted).decode())


def _is_valid(name: str, value: Any) -> bool:
    if name in ("replyTo", "bcc"):
        return value is None or (
            isinstance(value, list)
            and len(value) <= MAX_ADDRESSES
            and all(
                isinstance(one, dict)
                and isinstance(one.get("email"), str)
                and isinstance(one.get("name"), str | None)
                and len(str(one)) <= 1_000
                for one in value
            )
        )
    return isinstance(value, str) and len(value) <= MAX_TEXT


def _vacation(form: VacationForm) -> Object:
    return {
        "id": VACATION,
        "isEnabled": form.enabled,
        "fromDate": utc_date(form.start) if form.start else None,
        "toDate": utc_date(form.end) if form.end else None,
        "subject": form.subject or None,
        "textBody": form.text or None,
        "htmlBody": form.html or None,
    }


async def vacation_get(call: Call) -> Object:
    """VacationResponse/get."""
    ids, properties = call.ids(), call.properties(VACATION_TYPE.properties)
    form = await call.account.read(load_form, op="jmap vacation")
    whole = _vacation(form)
    objects = [{name: whole[name] for name in properties}] if ids is None or VACATION in ids else []
    return get_response(call, mark(form), objects, [one for one in ids or () if one != VACATION])


async def vacation_set(call: Call) -> Object:
    """VacationResponse/set."""
    return await run_set(call, _Vacation())


class _Vacation:
    async def state(self, call: Call) -> str:
        return mark(await call.account.read(load_form, op="jmap vacation"))

    async def create(self, call: Call, objects: Mapping[str, Object]) -> Mapping[str, Outcome]:
        return dict.fromkeys(objects, SetError("singleton"))

    async def update(self, call: Call, patches: Mapping[str, Object]) -> Mapping[str, Outcome]:
        async def one(key: str, patch: Object) -> Outcome:
            if key != VACATION:
                raise SetError("notFound")
            await call.account.write(partial(_save_vacation, patch=patch))
            return None

        return await each(patches, one)

    async def destroy(self, call: Call, ids: Sequence[str]) -> Mapping[str, Outcome]:
        return {one: SetError("singleton" if one == VACATION else "notFound") for one in ids}


def _save_vacation(tx: AccountTx, patch: Object) -> None:
    now = _vacation(load_form(tx))
    wanted = VACATION_TYPE.patched(now, patch)
    changed: dict[str, Any] = {}
    for name, field in FIELDS.items():
        if wanted[name] != now[name]:
            changed[field] = _vacation_value(name, wanted[name])
    try:
        patch_form(tx, VacationChange(**changed))
    except BadForm as error:
        names = [name for name, field in FIELDS.items() if field == error.field]
        raise SetError("invalidProperties", str(error), properties=names) from None


def _vacation_value(name: str, value: Any) -> bool | int | str:
    """The value of a field, from that of a property. Raises SetError."""
    match name, value:
        case "isEnabled", bool():
            return value
        case "isEnabled", _:
            raise SetError("invalidProperties", "isEnabled is true or false", properties=[name])
        case (("fromDate" | "toDate"), _):
            return 0 if value is None else property_moment(name, value)
        case _, str() | None:
            return value or ""
    raise SetError("invalidProperties", f"{name} is text", properties=[name])
