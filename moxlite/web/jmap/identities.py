"""Identities (RFC 8621 §6) are the addresses of the account, and the answer while away (RFC 8621 §8) is its form."""

from __future__ import annotations

import hashlib
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from moxlite.admin.accountforms import patch
from moxlite.config.snapshot import full_name
from moxlite.encoding import to_builtins
from moxlite.groupware.people import addresses_of
from moxlite.net.control.server import CommandFailed
from moxlite.operations.rules import DestinationChange, DestinationForm
from moxlite.store.delivery.vacation import load_form, patch_form
from moxlite.store.errors import Overtaken
from moxlite.store.forms import BadForm, Identity, IdentityChange, Person, VacationChange, VacationForm, mark
from moxlite.store.mail.delegates import right_to_send
from moxlite.store.mail.identities import (
    ALL,
    changed_identities,
    identity_id,
    identity_state,
    load_identities,
    note_renamed,
    patch_identity,
    renamed_between,
    signature_of,
)
from moxlite.store.mail.links import sending_links
from moxlite.store.rows.history import epoch_mark
from moxlite.web.jmap.headerforms import utc_date
from moxlite.web.jmap.protocol import MethodError, Object, SetError
from moxlite.web.jmap.standard import (
    Changes,
    ObjectSet,
    ObjectType,
    Outcome,
    changes_response,
    chosen_response,
    property_moment,
    run_set,
    since_state,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from moxlite.config.snapshot import Snapshot
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.web.jmap.accounts import Place
    from moxlite.web.jmap.methods import Call


TYPE: Final = ObjectType(
    "Identity",
    "RFC 8621 §6",
    settable=("name", "replyTo", "bcc", "textSignature", "htmlSignature"),
    fixed=("id", "email", "mayDelete"),
)
MAX_ADDRESS: Final = 1_000
"""Characters of an address in replyTo or bcc, with its name."""

PEOPLE: Final = {"replyTo": "reply_to", "bcc": "bcc"}
SIGNATURE: Final = {"textSignature": "text", "htmlSignature": "html"}
"""Fields of `Identity` by properties. The name is that of the address in the configuration."""

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


def _addresses(r: Reader, place: Place, snapshot: Snapshot, login: str) -> dict[str, str]:
    """The addresses that the account sends from, also through linked mailboxes (LINK-14), with the name that
    mail from them has, by the id of the identity. A delegate sees the addresses of the owner, a guest
    without that right none (SMTP-189). `login`: the address of the log-in.
    """
    name, guest = place.owner, place.guest
    account = snapshot.account(name)
    if account is None or (guest and right_to_send(r, guest, time.time_ns() // 1000) is None):
        return {}
    found = [configured for configured in account.destinations if not configured.startswith("@")]
    if not guest:
        found.append(login)
        aliases = snapshot.derived.aliases_of.get(name, ())
        found += [str(alias.canonical) for alias in aliases if alias.alias.allow_msg_from]
        found += [link.address for link in sending_links(r).values()]
    return {f"{identity_id(address)}\0{address}": full_name(snapshot, name, address) for address in found}


def _addresses_of(r: Reader, call: Call) -> dict[str, str]:
    return _addresses(r, call.place, call.snapshot, call.identity.address)


def identities(r: Reader, call: Call) -> tuple[str, dict[str, Object]]:
    """The state, and all identities by id. The state has the highest modseq, and a mark of the addresses."""
    stored = load_identities(r)
    found: dict[str, Object] = {}
    addresses = _addresses_of(r, call)
    for key, name in addresses.items():
        number, _, address = key.partition("\0")
        own = stored.get(address, Identity())
        text, html = signature_of(stored, address)
        found[number] = {
            "id": number,
            "email": address,
            "name": name,
            "replyTo": to_builtins(own.reply_to),
            "bcc": to_builtins(own.bcc),
            "textSignature": text,
            "htmlSignature": html,
            "mayDelete": False,
        }
    return _state(r, addresses), found


def identities_state(r: Reader, place: Place, snapshot: Snapshot, login: str) -> str:
    """The state as `identities` has it. `login`: the address of the log-in."""
    return _state(r, _addresses(r, place, snapshot, login))


def participants(snapshot: Snapshot, account: str, login: str) -> tuple[str, dict[str, Object]]:
    """The state of ParticipantIdentity (draft-ietf-jmap-calendars-26 §3), and all of them by id. The address of the
    log-in is the default one.
    """
    settings = snapshot.account(account)
    name = "" if settings is None else settings.full_name
    found: dict[str, Object] = {}
    for address in addresses_of(snapshot, account, login):
        key = f"P{hashlib.sha256(address.encode()).hexdigest()[:24]}"
        found[key] = {"id": key, "name": name, "calendarAddress": f"mailto:{address}", "isDefault": address == login}
    return hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()[:16], found


def _state(r: Reader, addresses: Mapping[str, str]) -> str:
    return f"{identity_state(r)}{epoch_mark(r)}-{_fingerprint(addresses)}"


def _fingerprint(addresses: Mapping[str, str]) -> str:
    return hashlib.sha256(repr(sorted(addresses.items())).encode()).hexdigest()[:12]


async def get(call: Call) -> Object:
    """Identity/get."""
    now, found = await call.account.read(partial(identities, call=call), op="jmap identities")
    return chosen_response(call, TYPE, now, found)


async def changes(call: Call) -> Object:
    """Identity/changes: of the texts, and of names that programs have set. Other names, and the addresses, change with
    the configuration, which keeps no history.
    """
    since, mark = since_state(call)
    known, _, before = mark.rpartition("-")

    def read(r: Reader) -> tuple[str, list[str]]:
        now, found = identities(r, call)
        renamed = renamed_between(r, before, now.rpartition("-")[2])
        if known != epoch_mark(r) or renamed is None:
            raise MethodError("cannotCalculateChanges", "the addresses have changed; fetch them all again")
        changed = renamed | changed_identities(r, since)
        # the text for all addresses is shown for each address without its own
        return now, [number for number, one in found.items() if ALL in changed or one["email"] in changed]

    now, updated = await call.account.read(read, op="jmap identities")
    return changes_response(call, Changes(f"{since}{mark}", now, [], updated, []))


async def set_(call: Call) -> Object:
    """Identity/set."""
    return await run_set(call, _Identities())


class _Identities(ObjectSet):
    refusal = SetError("forbidden", "add addresses in the account app; their identities are created automatically")

    def state(self, r: Reader, call: Call) -> str:
        return identities(r, call)[0]

    async def change(self, call: Call, key: str, patch: Object) -> Outcome:
        if call.place.guest:
            raise SetError("forbidden", "only the owner can do this")
        name = await call.write(partial(_update, call=call, number=key, patch=patch))
        if name is not None:
            await _rename(call, *name)
        return None

    async def remove(self, call: Call, key: str) -> Outcome:
        _, found = await call.account.read(partial(identities, call=call), op="jmap identities")
        return SetError("forbidden" if key in found else "notFound")


def _update(tx: AccountTx, call: Call, number: str, patch: Object) -> tuple[str, str] | None:
    """Change an identity but for its name; returns its address and the name if that is to change."""
    _, found = identities(tx, call)
    if number not in found:
        raise SetError("notFound")
    now = found[number]
    wanted = TYPE.patched(now, patch)
    changed = {name for name, value in wanted.items() if value != now[name]}
    wrong = [name for name in changed if not _is_valid(name, wanted[name])]
    if wrong:
        raise SetError("invalidProperties", "these values have the wrong type or are too long", properties=wrong)
    values: dict[str, Any] = {field: _people(wanted[name]) for name, field in PEOPLE.items() if name in changed}
    if changed & SIGNATURE.keys():  # from here on the address has its own, as it is shown
        values |= {field: wanted[name] for name, field in SIGNATURE.items()}
    if values:
        try:
            patch_identity(tx, now["email"], IdentityChange(**values))
        except BadForm as error:
            names = [name for name, field in (PEOPLE | SIGNATURE).items() if field == error.field]
            raise SetError("invalidProperties", str(error), properties=names) from None
    return (now["email"], wanted["name"]) if "name" in changed else None


async def _rename(call: Call, address: str, name: str) -> None:
    """Give an address a name in the configuration, which is where all interfaces find it. Raises SetError."""
    account = call.identity.account
    settings = call.snapshot.account(account)
    if settings is None or address not in settings.destinations:
        text = "this address uses the account name; change it in the account app"
        raise SetError("invalidProperties", text, properties=["name"])
    destination, path = settings.destinations[address], ("accounts", account, "destinations", address)
    change = DestinationChange(full_name="" if name == settings.full_name else name)
    seen = DestinationChange(full_name=destination.full_name)
    before = await call.account.read(partial(_addresses_of, call=call), op="jmap identities")
    try:
        await patch(call.server.edit, settings, path, destination, DestinationForm, change, seen)
    except CommandFailed as error:
        if error.fields:
            raise SetError("invalidProperties", error.fields[0][1], properties=["name"]) from None
        if error.code not in ("conflict", "busy"):
            raise SetError("forbidden", str(error)) from None
        call.snapshot = call.server.config.current
        raise Overtaken from None
    call.snapshot = call.server.config.current
    # Made of what was there before, so that another change of the configuration meanwhile isn't taken for this one.
    after = {**before, f"{identity_id(address)}\0{address}": name or settings.full_name}

    def noted(tx: AccountTx) -> tuple[str, str]:
        state = _state(tx, before)
        note_renamed(tx, address, _fingerprint(before), _fingerprint(after))
        return state, _state(tx, after)

    states = await call.account.write(noted)  # whatever the call expects: the name has changed by now
    if call.held is not None:
        call.held.note(*states)


def _people(value: list[Object] | None) -> list[Person] | None:
    return None if value is None else [Person(one["email"], one.get("name")) for one in value]


def _is_valid(name: str, value: Any) -> bool:
    if name not in PEOPLE:
        return isinstance(value, str)
    return value is None or (
        isinstance(value, list)
        and all(
            isinstance(one, dict)
            and one.keys() <= {"name", "email"}
            and isinstance(one.get("email"), str)
            and isinstance(one.get("name"), str | None)
            and len(str(one)) <= MAX_ADDRESS
            for one in value
        )
    )


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
    form = await call.account.read(load_form, op="jmap vacation")
    return chosen_response(call, VACATION_TYPE, mark(form), {VACATION: _vacation(form)})


async def vacation_set(call: Call) -> Object:
    """VacationResponse/set."""
    return await run_set(call, _Vacation())


class _Vacation(ObjectSet):
    refusal = SetError("singleton")

    def state(self, r: Reader, call: Call) -> str:
        return mark(load_form(r))

    async def change(self, call: Call, key: str, patch: Object) -> Outcome:
        if key != VACATION:
            raise SetError("notFound")
        await call.write(partial(_save_vacation, patch=patch))
        return None

    async def remove(self, call: Call, key: str) -> Outcome:
        return self.refusal if key == VACATION else SetError("notFound")


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
            raise SetError("invalidProperties", "isEnabled must be true or false", properties=[name])
        case (("fromDate" | "toDate"), _):
            return 0 if value is None else property_moment(name, value)
        case _, str() | None:
            return value or ""
    raise SetError("invalidProperties", f"{name} must be a string", properties=[name])
