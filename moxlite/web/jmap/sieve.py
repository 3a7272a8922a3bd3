"""Sieve scripts of the account (RFC 9661), kept with the checks and limits of ManageSieve."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from moxlite import __version__
from moxlite.acceptance.sieve.keeping import BadScriptName, check_script
from moxlite.logins.identity import NO_SCRIPTS
from moxlite.proto.sieve.errors import ScriptError
from moxlite.proto.sieve.limits import MAX_REDIRECTS, MAX_STRING
from moxlite.proto.sieve.validation import EXTENSIONS, is_script_name
from moxlite.store.delivery.scripts import (
    MAX_SCRIPTS,
    ScriptActive,
    ScriptExists,
    ScriptRow,
    TooManyScripts,
    activate_script,
    delete_script,
    put_script,
    rename_script,
    script_rows,
    script_state,
)
from moxlite.web.jmap.blobs import blob_octets, missing_blob, script_blob
from moxlite.web.jmap.methods import read_id
from moxlite.web.jmap.protocol import MethodError, Object, SetError, invalid
from moxlite.web.jmap.standard import (
    ObjectSet,
    ObjectType,
    Outcome,
    chosen_response,
    holds,
    partial_failures,
    results_response,
    run_set,
)

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.web.jmap.methods import Call


LETTER: Final = "V"
TYPE: Final = ObjectType("SieveScript", "RFC 9661 §2", settable=("name", "blobId"), fixed=("id", "isActive"))
MAX_NAME: Final = 512
"""Octets of a name: 128 characters."""

CAPABILITY: Final[Object] = {"implementation": f"moxlite {__version__}"}
ACCOUNT_CAPABILITY: Final[Object] = {
    "maxSizeScriptName": MAX_NAME,
    "maxSizeScript": MAX_STRING,
    "maxNumberScripts": MAX_SCRIPTS,
    "maxNumberRedirects": MAX_REDIRECTS,
    "sieveExtensions": EXTENSIONS,
    "notificationMethods": None,
    "externalLists": None,
}


def _read(r: Reader) -> tuple[str, dict[str, ScriptRow]]:
    """The state, and all scripts by id."""
    return script_state(r), {f"{LETTER}{script_row.id}": script_row for script_row in script_rows(r)}


def _object(script_row: ScriptRow) -> Object:
    return {
        "id": f"{LETTER}{script_row.id}",
        "name": script_row.name,
        "blobId": script_blob(script_row),
        "isActive": script_row.active,
    }


async def get(call: Call) -> Object:
    """SieveScript/get."""
    now, rows = await call.account.scan(_read, op="jmap sieve")
    return chosen_response(call, TYPE, now, {key: _object(row) for key, row in rows.items()})


async def query(call: Call) -> Object:
    """SieveScript/query."""
    now, rows = await call.account.scan(_read, op="jmap sieve")
    wish = call.filter()
    found = [key for key, script_row in rows.items() if wish is None or holds(wish, partial(_meets, script_row))]
    for comparator in reversed(call.order() or [{"property": "name"}]):
        name = comparator.get("property")
        if name not in ("name", "isActive"):
            raise MethodError("unsupportedSort", "scripts can only be sorted by name or isActive")
        found.sort(
            key=lambda key: rows[key].name.casefold() if name == "name" else rows[key].active,
            reverse=comparator.get("isAscending") is False,
        )
    return results_response(call, now, found, most=MAX_SCRIPTS, calculable=False)


def _meets(script_row: ScriptRow, name: str, value: Any) -> bool:
    match name, value:
        case "name", str():
            return value.casefold() in script_row.name.casefold()
        case "isActive", bool():
            return script_row.active is value
    if name in ("name", "isActive"):
        raise invalid(f"filter: {name} has the wrong type")
    raise MethodError("unsupportedFilter", f"unknown filter: {name[:100]!r}")


async def validate_script(call: Call) -> Object:
    """SieveScript/validate."""
    blob = call.argument("blobId", str)
    if blob is None:
        raise invalid("blobId is missing")
    error: SetError | None = None
    try:
        await _checked(call, blob)
    except SetError as found:
        if found.kind == "blobNotFound":
            raise MethodError("blobNotFound", found.description) from None
        error = found
    return {"accountId": call.place.id, "error": None if error is None else error.value()}


async def _checked(call: Call, blob: str) -> tuple[bytes, bytes]:
    """The text of a script and its packed form. Raises SetError."""
    octets = await blob_octets(call, call.id_of(blob), MAX_STRING)
    if octets is None:
        if await blob_octets(call, call.id_of(blob), 8 * MAX_STRING) is None:
            raise SetError("blobNotFound", missing_blob(blob).description, notFound=[blob])
        raise SetError("tooLarge", f"scripts can be up to {MAX_STRING} bytes", maxSize=MAX_STRING)
    try:
        return octets, await check_script(octets)
    except ScriptError as error:
        raise SetError("invalidSieve", str(error)) from None


async def set_(call: Call) -> Object:
    """SieveScript/set, with what is activated afterwards (RFC 9661 §2.3)."""
    if not call.identity.scripts:
        raise MethodError("forbidden", NO_SCRIPTS)
    chosen = call.argument("onSuccessActivateScript", str)
    ends = call.argument("onSuccessDeactivateScript", bool, False)
    response = await run_set(call, _Scripts())
    if any(response[name] for name in ("notCreated", "notUpdated", "notDestroyed")) or not (chosen or ends):
        return response
    if chosen is not None and chosen.startswith("#") and chosen[1:] not in call.created:
        return response
    number = 0 if chosen is None else read_id(call.id_of(chosen), LETTER)

    def unit(tx: AccountTx) -> dict[str, bool]:
        before = {script_row.id: script_row for script_row in script_rows(tx)}
        if chosen is not None and number not in before:
            return {}
        activate_script(tx, before[number].name if number else "")
        return {
            f"{LETTER}{script_row.id}": script_row.id == number
            for script_row in before.values()
            if script_row.active != (script_row.id == number)
        }

    held = call.held
    assert held is not None  # by `run_set`
    with partial_failures(held):
        changed = await call.write(unit)
    for made in (response["created"] or {}).values():
        if made["id"] in changed:
            made["isActive"] = changed.pop(made["id"])
    if changed:
        told = {key: {**((response["updated"] or {}).get(key) or {}), "isActive": on} for key, on in changed.items()}
        response["updated"] = {**(response["updated"] or {}), **told}
    return {**response, **held.states()}


class _Scripts(ObjectSet):
    def state(self, r: Reader, call: Call) -> str:
        return _read(r)[0]

    async def make(self, call: Call, _: str, given: Object) -> Outcome:
        if given.keys() - {"name", "blobId", "isActive"} or given.get("isActive") not in (None, False):
            raise SetError(
                "invalidProperties", "only name and blobId can be set on a new script", properties=["isActive"]
            )
        blob = given.get("blobId")
        if not isinstance(blob, str):
            raise SetError("invalidProperties", "blobId is missing", properties=["blobId"])
        name = given.get("name")
        _check_name(name)
        text, packed = await _checked(call, blob)
        return await call.write(partial(_create, name=name, text=text, packed=packed))

    async def change(self, call: Call, key: str, patch: Object) -> Outcome:
        _, rows = await call.account.scan(_read, op="jmap sieve")
        if key not in rows:
            raise SetError("notFound")
        now = _object(rows[key])
        wanted = TYPE.patched(now, patch)
        _check_name(wanted["name"])
        content = None
        if wanted["blobId"] != now["blobId"]:
            if not isinstance(wanted["blobId"], str):
                raise SetError("invalidProperties", "blobId must be a blob ID", properties=["blobId"])
            content = await _checked(call, wanted["blobId"])
        # Of the properties that the patch doesn't name, those that are there in the unit: others may change them.
        name = wanted["name"] if "name" in patch else None
        unit = partial(_update, number=read_id(key, LETTER), name=name, content=content)
        return await call.write(unit)

    async def remove(self, call: Call, key: str) -> Outcome:
        await call.write(partial(_destroy, number=read_id(key, LETTER)))
        return None


def _check_name(name: Any) -> None:
    if name is not None and not (isinstance(name, str) and is_script_name(name)):
        raise SetError("invalidProperties", str(BadScriptName()), properties=["name"])


def _create(tx: AccountTx, name: str | None, text: bytes, packed: bytes) -> Object:
    known = {script_row.name: script_row.id for script_row in script_rows(tx)}
    if name in known:
        raise SetError("alreadyExists", str(ScriptExists(name)), existingId=f"{LETTER}{known[name]}")
    chosen = name or next(one for number in range(1, MAX_SCRIPTS + 2) if (one := f"script {number}") not in known)
    try:
        put_script(tx, chosen, text, packed)
    except TooManyScripts as error:
        raise SetError("overQuota", str(error)) from None
    made = _object(next(script_row for script_row in script_rows(tx) if script_row.name == chosen))
    return {key: value for key, value in made.items() if key != "name" or name is None}


def _update(tx: AccountTx, number: int, name: str | None, content: tuple[bytes, bytes] | None) -> Outcome:
    now = _named(tx, number)
    name = name or now.name
    try:
        if name != now.name:
            rename_script(tx, now.name, name)
    except ScriptExists as error:
        other = next(script_row.id for script_row in script_rows(tx) if script_row.name == name)
        raise SetError("alreadyExists", str(error), existingId=f"{LETTER}{other}") from None
    if content is None:
        return None
    put_script(tx, name, *content)
    return {"blobId": script_blob(msgspec.structs.replace(now, text=content[0]))}


def _destroy(tx: AccountTx, number: int) -> None:
    try:
        delete_script(tx, _named(tx, number).name)
    except ScriptActive as error:
        raise SetError("sieveIsActive", str(error)) from None


def _named(r: Reader, number: int) -> ScriptRow:
    """The script with an id. Raises SetError ``notFound``."""
    script_row = next((one for one in script_rows(r) if one.id == number), None)
    if script_row is None:
        raise SetError("notFound")
    return script_row
