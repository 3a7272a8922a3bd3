"""Sieve scripts of an account, what their `duplicate` tests remember, and their failures (IMAP-141, IMAP-142).

Checking scripts does not belong here: callers give their text and its packed form.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.encoding import to_json
from moxlite.store.changelog.origin import note_way
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.delivery.forwarding import forget_named, targets
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.options import DAY
from moxlite.store.types import SettingsChanged
from moxlite.wording import text_of, worded, words_of

MAX_SCRIPTS: Final = 20
"""Scripts of one account (IMAP-141)."""

MAX_SEEN: Final = 20_000
"""Ids that `duplicate` tests of one account remember; the oldest go first."""

MAX_FAILURES: Final = 20
"""Failures that are kept, the newest ones."""

QUESTIONS: Final = "questions"
"""Kind of the rows of the outbox by which the owners of addresses are asked that a script has begun to name."""

KEY: Final = 16
"""Octets of the random key of such a row."""

CLIP: Final = 400
"""Characters of a failure's text. It's limited because a script can choose some of it."""

LIST: Final = "SELECT name, length(script), active, changed FROM sieve_script ORDER BY name"
MARKS: Final = "SELECT id, name, active, length(script), changed FROM sieve_script ORDER BY id"
ROWS: Final = "SELECT id, name, active, script FROM sieve_script ORDER BY id"
TEXT: Final = "SELECT script FROM sieve_script WHERE name = ?"
ACTIVE: Final = "SELECT name FROM sieve_script WHERE active"
COMPILED: Final = "SELECT script, compiled FROM sieve_script WHERE name = ?"
OTHERS: Final = "SELECT name, script, compiled FROM sieve_script WHERE name <> ?"
COUNT: Final = "SELECT count(*) FROM sieve_script WHERE name <> ?"
PUT: Final = """
INSERT INTO sieve_script (name, script, compiled, changed) VALUES (?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET script = excluded.script, compiled = excluded.compiled, changed = excluded.changed"""
IS_ACTIVE: Final = "SELECT active FROM sieve_script WHERE name = ?"
DELETE: Final = "DELETE FROM sieve_script WHERE name = ?"
RENAME: Final = "UPDATE sieve_script SET name = ? WHERE name = ?"
NONE_ACTIVE: Final = "UPDATE sieve_script SET active = 0 WHERE active"
ACTIVATE: Final = "UPDATE sieve_script SET active = 1 WHERE name = ?"
SEEN: Final = "SELECT key FROM sieve_seen WHERE until > ?"
FORGET: Final = "DELETE FROM sieve_seen WHERE until <= ?"
TRACK: Final = """
INSERT INTO sieve_seen (key, until) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET until = excluded.until"""
SEEN_LEFT: Final = """
DELETE FROM sieve_seen WHERE key IN (SELECT key FROM sieve_seen ORDER BY until DESC LIMIT -1 OFFSET ?)"""
SEEN_COUNT: Final = "SELECT count(*) FROM sieve_seen"
FAILURES: Final = "SELECT moment, script, line, text, words FROM sieve_failure ORDER BY moment DESC, id DESC"
SAME_FAILURE: Final = """
SELECT id, moment FROM sieve_failure WHERE script = ? AND line = ? AND text = ? ORDER BY id DESC LIMIT 1"""
AGAIN: Final = "UPDATE sieve_failure SET moment = ?, words = ? WHERE id = ?"
NOTE: Final = "INSERT INTO sieve_failure (moment, script, line, text, words) VALUES (?, ?, ?, ?, ?)"
FAILURES_LEFT: Final = """
DELETE FROM sieve_failure WHERE id NOT IN
(SELECT id FROM sieve_failure ORDER BY min(moment, ?) DESC, id DESC LIMIT ?)"""


class NoSuchScript(StoreError):
    """The account has no script of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(worded("script not found: {name}", name=repr(name)))


class ScriptExists(StoreError):
    """The account has a script of this name already."""

    def __init__(self, name: str) -> None:
        super().__init__(worded("a script named {name} already exists", name=repr(name)))


class ScriptActive(StoreError):
    """The active script cannot be deleted (RFC 5804 §2.10)."""

    def __init__(self, name: str) -> None:
        super().__init__(worded("the script {name} is active", name=repr(name)))


class TooManyScripts(StoreError):
    """The account has MAX_SCRIPTS scripts."""

    def __init__(self) -> None:
        super().__init__(worded("you can have up to {most} scripts", most=MAX_SCRIPTS))


class StoredScript(msgspec.Struct, frozen=True):
    """A script of a list. `size` in octets, `changed` µs UTC."""

    name: str
    size: int
    active: bool
    changed: int


class ScriptRow(msgspec.Struct, frozen=True):
    """A script with its number and text."""

    id: int
    name: str
    active: bool
    text: bytes


class Compiled(msgspec.Struct, frozen=True):
    """A script as it is run: its text serves where the packed form is of another version."""

    text: bytes
    packed: bytes


class Failure(msgspec.Struct, frozen=True):
    """A failure at run time. `moment`: µs UTC, of a day's first; `script`: its name; `line`: 0 where it has none;
    `text`: `Worded` where it was made of values.
    """

    moment: int
    script: str
    line: int
    text: str


def scripts(r: Reader) -> list[StoredScript]:
    """All scripts by name."""
    return [StoredScript(name, size, active != 0, changed) for name, size, active, changed in r.rows(LIST)]


def script_rows(r: Reader) -> list[ScriptRow]:
    """All scripts by number, with their texts: up to 1.3 MB."""
    return [ScriptRow(number, name, active != 0, text) for number, name, active, text in r.rows(ROWS)]


def script_state(r: Reader) -> str:
    """A text that changes with the scripts. Their contents aren't read: each change of mail asks for it."""
    return hashlib.sha256(repr(r.rows(MARKS)).encode()).hexdigest()[:16]


def script_text(r: Reader, name: str) -> bytes:
    """The text of a script. Raises NoSuchScript."""
    text: bytes | None = r.value(TEXT, name)
    if text is None:
        raise NoSuchScript(name)
    return text


def active_script(r: Reader) -> str:
    """The name of the active script, "" without one."""
    return r.value(ACTIVE) or ""


def compiled_script(r: Reader, name: str) -> Compiled:
    """A script as it is run. Raises NoSuchScript."""
    row = r.row(COMPILED, name)
    if row is None:
        raise NoSuchScript(name)
    return Compiled(*row)


def other_scripts(r: Reader, name: str) -> dict[str, Compiled]:
    """All scripts but one, by name, as they are included: up to 5 MB."""
    return {other: Compiled(text, packed) for other, text, packed in r.rows(OTHERS, name)}


def script_targets(r: Reader) -> dict[str, str]:
    """Addresses to which the active script and its includes may send mail.

    They're in lower case, each with the name of the script that contains it. Addresses built from variables are left
    out.
    """
    active = active_script(r)
    if not active:
        return {}
    found = {active: compiled_script(r, active), **other_scripts(r, active)}
    from moxlite.proto.sieve.checker import stored  # 1 MB that a server without scripts saves
    from moxlite.proto.sieve.script import Script, redirects

    def find(name: str) -> Script | None:
        return stored(found[name].packed, found[name].text) if name in found else None

    return redirects(active, find)


def _note_change(tx: AccountTx) -> None:
    """Tell programs of the change; have the owners of addresses asked that were not, once the unit is committed
    (SMTP-160a), and forget those that the scripts named as they were before.
    """
    tx.emit(SettingsChanged())
    forget_named(tx)
    if active_script(tx):
        note_way(tx, "script", "active")
    wanted = script_targets(tx)
    if wanted and not wanted.keys() <= {target.address for target in targets(tx)}:
        tx.owe(secrets.token_bytes(KEY), QUESTIONS, b"")


def check_space(r: Reader, name: str) -> None:
    """Check that a script of this name can be stored. Raises TooManyScripts."""
    if r.value(COUNT, name) >= MAX_SCRIPTS:
        raise TooManyScripts


def put_script(tx: AccountTx, name: str, text: bytes, packed: bytes) -> None:
    """Store a script, in place of one with this name; an active one stays active. Raises TooManyScripts."""
    check_space(tx, name)
    tx.execute(PUT, name, text, packed, tx.now)
    _note_change(tx)


def delete_script(tx: AccountTx, name: str) -> None:
    """Delete a script. Raises NoSuchScript, ScriptActive."""
    if _is_active(tx, name):
        raise ScriptActive(name)
    tx.execute(DELETE, name)
    tx.emit(SettingsChanged())


def rename_script(tx: AccountTx, name: str, new: str) -> None:
    """Rename a script; an active one stays active (RFC 5804 §2.11). Raises NoSuchScript, ScriptExists."""
    _is_active(tx, name)
    if new != name and tx.row(IS_ACTIVE, new) is not None:
        raise ScriptExists(new)
    tx.execute(RENAME, new, name)
    _note_change(tx)  # another script may include it by the new name


def activate_script(tx: AccountTx, name: str) -> None:
    """Make a script the active one; "" for none (RFC 5804 §2.8). Raises NoSuchScript."""
    if name:
        _is_active(tx, name)
    tx.execute(NONE_ACTIVE)
    if name:
        tx.execute(ACTIVATE, name)
    _note_change(tx)


def _is_active(tx: Tx, name: str) -> bool:
    row = tx.row(IS_ACTIVE, name)
    if row is None:
        raise NoSuchScript(name)
    active: int = row[0]
    return active != 0


def seen_keys(r: Reader, now: int) -> frozenset[bytes]:
    """Keys that `duplicate` tests remember at a time, in µs UTC."""
    return frozenset(row[0] for row in r.rows(SEEN, now))


def track_seen(tx: Tx, tracked: Sequence[tuple[bytes, int]]) -> None:
    """Remember keys, each for some seconds."""
    # Here, not at night: the bound below then counts only keys that are still good.
    tx.execute(FORGET, tx.now)
    for key, seconds in tracked:
        tx.execute(TRACK, key, tx.now + seconds * 1_000_000)
    if tx.value(SEEN_COUNT) > MAX_SEEN:
        tx.execute(SEEN_LEFT, MAX_SEEN)


def failures(r: Reader) -> list[Failure]:
    """Failures of scripts, the newest first."""
    return [
        Failure(moment, script, line, text_of(msgspec.json.decode(words)) if words else text)
        for moment, script, line, text, words in r.rows(FAILURES)
    ]


def note_failure(tx: Tx, script: str, line: int, text: str) -> bool:
    """Note a failure for the owner, and return whether it is new. The same one within a day changes nothing: a stranger
    who makes a script fail with each mail writes one row a day.
    """
    # Cut before it is compared: otherwise a long text would be new each time.
    words = words_of(text) if len(text) <= CLIP else None
    packed = "" if words is None else to_json(words).decode()
    text = str(text[:CLIP])
    last = tx.row(SAME_FAILURE, script, line, text)
    if last is not None and last[1] > tx.now - DAY:
        return False
    if last is not None:
        tx.execute(AGAIN, tx.now, packed, last[0])
        return True
    tx.execute(NOTE, tx.now, script, line, text, packed)
    tx.execute(FAILURES_LEFT, tx.now, MAX_FAILURES)
    return True
