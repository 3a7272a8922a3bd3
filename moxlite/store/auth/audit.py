"""The audit log: each change by an administrator or a user, with its old and new values and without secrets (WEB-160).

A change is recorded in two steps. A row marked ``begun`` is on disk before the change is made, so that every change has
a row even after a crash. The row is completed when the change has ended. Rows are never changed otherwise, and leave
after a year.

Who changes is known where a request comes in (`changelog.origin`), what changes where it is made
(`AuditLog.recording`); a recording within another one belongs to that.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Final, Literal

import msgspec
import trio

from moxlite.encoding import to_json
from moxlite.store.changelog.origin import origin
from moxlite.store.errors import StoreError
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.options import DAY
from moxlite.wording import causes, reason_of

logger = logging.getLogger("moxlite.store.auth")

RETENTION: Final = 365 * DAY
"""Microseconds for which the audit log is kept."""

MAX_DETAIL: Final = 64 * 1024
"""Octets of the details of a row: both values of a long list. Of more the values are cut, then details left out."""

MAX_VALUE: Final = 500
"""Characters of a value that is cut."""

MAX_ID: Final = (1 << 63) - 1
"""The largest integer of SQLite: a page that begins before it is the newest."""

MAX_ON_LOOP: Final = 500
"""Entries that are read on the event loop, as of each slice of rows (STORE-154); an export has more."""

MAX_TEXT: Final = 300
"""Maximum characters of a stored argument."""

SECRETS: Final = re.compile(
    "password|passphrase|secret|token|calendar_url|code|answer|authorization|certificate|proof|text|before|after|old|changed"
    "|hash"
)
"""Names of arguments that are secrets, are long, or are told as differences."""

OBJECTS: Final = ("account", "alias", "address", "domain", "name", "path", "pkg", "target", "url", "fingerprint", "ip")
"""Names of arguments that name an object, the most telling first."""

FAULTS: Final = frozenset({"failed", "server:error"})
"""Codes of errors that are no refusals."""

FINISH_SECONDS: Final = 10.0
"""Seconds for the outcome of a change that was made, also when its client is gone: an entry without one tells less than
it could, and a stop of the server must not wait longer for a full disk."""

BEGIN: Final = (
    "INSERT INTO audit (at, actor, remote_ip, action, object, detail, via, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
UPDATE: Final = "UPDATE audit SET detail = ?, outcome = ? WHERE id = ? AND outcome = 'begun'"
DROP: Final = "DELETE FROM audit WHERE at < ?"
COLUMNS: Final = "id, at, actor, remote_ip, action, object, detail, via, outcome"

Outcome = Literal["begun", "done", "refused", "failed"]


_recording: ContextVar[PendingChange | None] = ContextVar("recording", default=None)


class Difference(msgspec.Struct, frozen=True):
    """A changed value. None means that it isn't set."""

    path: str
    before: Any
    after: Any


class AuditEntry(msgspec.Struct, frozen=True):
    """One change, µs UTC. `detail` is JSON without secrets: the arguments, a list of `Difference` under ``changes``,
    and the reason of a refusal under ``why``.
    """

    id: int
    at: int
    actor: str
    remote_ip: str
    action: str
    object: str
    detail: str
    via: str
    outcome: Outcome


class AuditFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Entries of this actor, object or way; with words in action, object, or details; since a time. "" and 0: any."""

    actor: str = ""
    object: str = ""
    via: str = ""
    words: str = ""
    since: int = 0


class AuditLog:
    """The table `audit` of auth.db. While the database is out of service, changes are made all the same, and the log of
    the server has a warning for each: otherwise the owner could not mend anything.
    """

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database

    def recording(self, action: str, object_: str, detail: Mapping[str, object] | None = None) -> PendingChange:
        """Record the change that the block makes: ``async with log.recording("account add", "mia"):``."""
        return PendingChange(self, action, object_, dict(detail or {}))

    async def entries(self, audit_filter: AuditFilter, *, before: int = MAX_ID, limit: int = 100) -> list[AuditEntry]:
        """Entries with ids below `before`, newest first."""
        conditions: list[str] = ["id < ?"]
        values: list[str | int] = [before]
        for column, value in (
            ("actor", audit_filter.actor),
            ("object", audit_filter.object),
            ("via", audit_filter.via),
        ):
            if value:
                conditions.append(f"{column} = ?")
                values.append(value)
        if audit_filter.since:
            conditions.append("at >= ?")
            values.append(audit_filter.since)
        # Each word is one more pass over the row, and a user needs few.
        for word in audit_filter.words.split()[:8]:
            conditions.append("instr(lower(action || ' ' || object || ' ' || detail), lower(?)) > 0")
            values.append(word)
        sql = f"SELECT {COLUMNS} FROM audit WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT ?"  # noqa: S608  fixed texts

        def read(reader: Reader) -> list[AuditEntry]:
            return [AuditEntry(*row) for row in reader.rows(sql, *values, limit)]

        if audit_filter.words or limit > MAX_ON_LOOP:
            return await self._database().scan(read, op="audit_log")
        return await self._database().read(read, op="audit_log")

    async def begin(self, action: str, object_: str, detail: str) -> int:
        """Store a row that says ``begun``, durable when this returns; its id. `detail` is JSON. Raises StoreError."""
        one = origin()
        # Written before the change is made: a process that is killed in the midst of it leaves a trace.
        values = (one.actor, one.remote_ip, action, object_, detail, one.via, "begun")

        def insert(tx: Tx) -> int:
            return tx.insert(BEGIN, tx.now, *values)

        return await self._database().write(insert)

    async def update(self, number: int, detail: str, outcome: Outcome) -> None:
        """Complete a row that says ``begun``. `detail` is JSON. Raises StoreError."""
        await self._database().write(lambda tx: tx.execute(UPDATE, detail, outcome, number))


class PendingChange:
    """A change that is being made, see `AuditLog.recording`."""

    def __init__(self, log: AuditLog, action: str, object_: str, detail: dict[str, object]) -> None:
        self._log = log
        self._begin = (action, object_)
        self._detail = detail
        self._number: int | None = None
        self._token: Token[PendingChange | None] | None = None
        self.over = False

    async def __aenter__(self) -> PendingChange:
        outer = current()
        # A command that calls others counts as one change with one row.
        if outer is not None:
            await trio.lowlevel.checkpoint()
            return outer
        action, object_ = self._begin
        try:
            self._number = await self._log.begin(action, object_, _encoded(self._detail))
        except StoreError as error:
            kv = {"action": action, "object": object_, "actor": origin().actor, "err": str(error)}
            logger.warning("failed to write audit log entry", extra={"kv": kv})
        self._token = _recording.set(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is None:
            return
        _recording.reset(self._token)
        self.over = True
        outcome: Outcome = "done"
        if error is not None:
            # what is refused has words for people; anything else is a fault, or was cancelled
            words = getattr(error, "text", None) or ("interrupted" if _is_cancelled(error) else reason_of(error))
            outcome = "refused" if getattr(error, "code", "failed") not in FAULTS else "failed"
            self._detail["why"] = words[:500]
        with trio.CancelScope(deadline=trio.current_time() + FINISH_SECONDS, shield=True):
            await self._update(outcome)

    async def changes(self, differences: Sequence[Difference]) -> None:
        """Note what is about to change; on disk when this returns."""
        self._detail["changes"] = [*self._changes(), *differences]
        await self._update("begun")

    def add(self, detail: Mapping[str, object]) -> None:
        """Add details, which are stored when the change has ended."""
        self._detail.update(detail)

    async def _update(self, outcome: Outcome) -> None:
        if self._number is None:
            return  # the row could not be written
        try:
            await self._log.update(self._number, _encoded(self._detail), outcome)
        except StoreError as error:
            kv = {"id": self._number, "outcome": outcome, "err": str(error)}
            logger.warning("failed to update audit log entry", extra={"kv": kv})

    def _changes(self) -> Sequence[Difference]:
        found: Any = self._detail.get("changes", ())
        return found  # type: ignore[no-any-return]


def _is_cancelled(error: BaseException) -> bool:
    return all(isinstance(cause, trio.Cancelled) for cause in causes(error))


def plain(arguments: Mapping[str, Any]) -> dict[str, object]:
    """Arguments of a call or command for the log: without secrets and without what is not set, long texts cut."""
    return {
        name: _short(value)
        for name, value in arguments.items()
        if value not in ("", None, (), [], {}, False) and not SECRETS.search(name)
    }


def object_of(action: str, arguments: Mapping[str, Any]) -> str:
    """The object that a call or command is about, by its arguments; "" for the server as a whole. ``config domain add``
    is about its domain, also if that is given to an account.
    """
    for name in (*[word for word in OBJECTS if word in action.split()], *OBJECTS):
        value = arguments.get(name)
        if isinstance(value, str) and value:
            return value[:MAX_TEXT]
        if isinstance(value, list | tuple) and value:
            return object_at([str(one) for one in value])[:MAX_TEXT]
    return ""


def object_at(path: Sequence[str]) -> str:
    """The account, domain or alias to which a place in domains.toml belongs, as commands name it; else the path."""
    match path:
        case ["domains", domain, "aliases", alias, *_]:
            return f"{alias}@{domain}"
        case ["accounts" | "domains", name, *_]:
            return name
        case _:
            return "/".join(path)


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else value[:MAX_TEXT] + "…"
    if isinstance(value, Mapping):
        return plain(value)
    if isinstance(value, msgspec.Struct):
        return plain(msgspec.structs.asdict(value))
    if isinstance(value, list | tuple):
        return [_short(one) for one in value[:50]]
    return value


def current() -> PendingChange | None:
    """The recording that the running task is within. A task that a change has started is not within it for ever."""
    recording = _recording.get()
    return None if recording is None or recording.over else recording


def _cut(value: Any) -> Any:
    text = value if isinstance(value, str) else repr(value)
    return text[:MAX_VALUE] + "…" if len(text) > MAX_VALUE else value


def drop_old(tx: Tx) -> None:
    """Remove entries of more than a year ago."""
    tx.execute(DROP, tx.now - RETENTION)


def _encoded(detail: Mapping[str, object]) -> str:
    text = to_json(detail).decode()
    if len(text.encode()) <= MAX_DETAIL:
        return text
    changes: Any = detail.get("changes", ())
    # The values are cut first, and only then left out: which settings were changed tells more than their texts.
    if changes:
        cut = [Difference(change.path, _cut(change.before), _cut(change.after)) for change in changes]
        text = to_json({**detail, "changes": cut}).decode()
        if len(text.encode()) <= MAX_DETAIL:
            return text
    kept = {name: value for name, value in detail.items() if len(to_json(value)) <= MAX_DETAIL // 8}
    return to_json({**kept, "left_out": sorted(set(detail) - set(kept))[:20]}).decode()
