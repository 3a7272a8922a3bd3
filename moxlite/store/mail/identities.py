"""Identities: what a user has set for each own address, as webmail and programs share it (WEBMAIL-105, JMAP-30).

The addresses themselves and their names are settings of the account (`config.snapshot.full_name`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from moxlite.encoding import to_json
from moxlite.store.changelog.origin import note_way
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.forms import BadForm, Identity, IdentityChange, changed_fields, form_of, patched, stored_fields
from moxlite.store.types import SettingsChanged
from moxlite.wording import worded

ALL: Final = ""
"""The address of what is set for all addresses."""

MAX_SIGNATURE: Final = 20_000
"""Characters of a signature: all identities are read each time that an email is sent."""

MAX_RENAMED: Final = 10
"""Noted changes of the name of one address: a program that is further behind reads all identities again."""

MAX_PEOPLE: Final = 50
"""Addresses in `reply_to` or `bcc`."""

LOAD: Final = "SELECT address, data FROM identity"
LOAD_ONE: Final = "SELECT data FROM identity WHERE address = ?"
SAVE: Final = """
INSERT INTO identity (address, modseq, data) VALUES (?, ?, ?)
ON CONFLICT (address) DO UPDATE SET modseq = excluded.modseq, data = excluded.data"""
RENAMED: Final = """
SELECT i.address, j.key, j.value
FROM identity i CROSS JOIN json_each(iif(json_valid(i.data), i.data, '{}'), '$.renamed') j"""
CHANGED: Final = "SELECT address FROM identity WHERE modseq > ?"
STATE: Final = "SELECT coalesce(max(modseq), 0) FROM identity"


def identity_id(address: str) -> str:
    """The name of an identity for programs."""
    return f"I{hashlib.sha256(address.encode()).hexdigest()[:24]}"


def load_identities(r: Reader) -> dict[str, Identity]:
    """What was set, by address; `ALL` for all addresses."""
    return {address: form_of(data, Identity) for address, data in r.rows(LOAD)}


def signature_of(identities: Mapping[str, Identity], address: str) -> tuple[str, str]:
    """The signature of an address, as text and as HTML."""
    for own in (identities.get(address), identities.get(ALL)):
        if own is not None and own.text is not None:
            return own.text, own.html or ""
    return "", ""


def patch_identity(tx: AccountTx, address: str, change: IdentityChange) -> None:
    """Change what is set for an address. Raises BadForm."""
    for name, value in changed_fields(change).items():
        if isinstance(value, str) and len(value) > MAX_SIGNATURE:
            raise BadForm(name, worded("{place}: must be {limit} characters or fewer", place=name, limit=MAX_SIGNATURE))
        if isinstance(value, list) and len(value) > MAX_PEOPLE:
            raise BadForm(name, worded("{place}: you can have up to {limit} entries", place=name, limit=MAX_PEOPLE))
    _, _, data = patched(tx.value(LOAD_ONE, address), Identity, change)
    tx.execute(SAVE, address, tx.modseq(), data)
    if change.reply_to or change.bcc:  # answers go to others, or copies of what the user writes
        note_way(tx, "sender", address)
    tx.emit(SettingsChanged())


def note_renamed(tx: AccountTx, address: str, before: str, after: str) -> None:
    """Note that the configuration has another name for an address. `before`, `after`: fingerprints of all addresses and
    their names.
    """
    fields = stored_fields(tx.value(LOAD_ONE, address))
    renamed = {**fields.get("renamed", {}), before: after}
    fields["renamed"] = dict([*renamed.items()][-MAX_RENAMED:])
    tx.execute(SAVE, address, tx.modseq(), to_json(fields).decode())
    tx.emit(SettingsChanged())


def renamed_between(r: Reader, before: str, after: str) -> set[str] | None:
    """Addresses whose names differ between two fingerprints, and perhaps others; None if that wasn't noted."""
    rows = r.rows(RENAMED)
    reached: dict[str, set[str]] = {before: set()}
    while after not in reached:
        further = {
            end: reached[start] | {address} for address, start, end in rows if start in reached and end not in reached
        }
        if not further:
            return None
        reached |= further
    return reached[after]


def identity_state(r: Reader) -> int:
    """The modseq of the last change."""
    return int(r.value(STATE))


def changed_identities(r: Reader, since: int) -> set[str]:
    """Addresses for which something was set after a modseq. `ALL` in it stands for each address without a signature of
    its own.
    """
    return {address for (address,) in r.rows(CHANGED, since)}
