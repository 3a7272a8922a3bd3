"""Webhooks in queue.db, from the event to the end of the retired row (QUEUE-90..93). On a transaction."""

import logging
from collections.abc import Sequence
from random import Random
from typing import Any, Final

import msgspec

from moxlite.encoding import from_json, to_json
from moxlite.queue import metrics
from moxlite.queue.schedule import delay_after
from moxlite.store.file.transaction import Reader, Row as SQLRow, Tx

# The rows of queue.db about webhooks as values (QUEUE-90).


CALLING: Final = "calling..."
"""Error text of a call that is under way."""

INTERRUPTED: Final = "interrupted"
"""Error text of a call that was under way when the process ended; set at the next start."""


class CallResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call. ``start`` in µs UTC, ``duration`` in µs; ``status``: of HTTP, 0 without an answer; ``response``: the
    first octets of its body as text; ``error`` for people, "" for a success.
    """

    start: int
    duration: int = 0
    success: bool = False
    status: int = 0
    error: str = ""
    response: str = ""


def decode_calls(text: str) -> tuple[CallResult, ...]:
    """Decode the column ``results``."""
    return from_json(text, tuple[CallResult, ...])


def encode_calls(results: Sequence[CallResult]) -> str:
    """Encode calls for the column ``results``."""
    return to_json(list(results)).decode()


class _Common(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    msg_id: int
    from_id: str
    message_id: str
    subject: str
    account: str
    url: str
    event: str
    submitted: int
    attempts: int
    results: tuple[CallResult, ...]
    size: int
    payload: bytes

    @property
    def last_result(self) -> CallResult | None:
        """The latest call."""
        return self.results[-1] if self.results else None


class Hook(_Common, frozen=True, kw_only=True):
    """A row of ``hook``: a call to be made. Times in µs UTC, sizes in octets. ``msg_id`` is 0 for a call about an
    incoming message.
    """

    authorization: str
    secret: str
    next_attempt: int


class RetiredHook(_Common, frozen=True, kw_only=True):
    """A row of ``hook_retired``: a call that was made, given up, canceled or superseded. ``superseded_by``: id of the
    hook in its place.
    """

    superseded_by: int | None
    success: bool
    last_activity: int
    keep_until: int


HOOK_FIELDS: Final = tuple(field.encode_name for field in msgspec.structs.fields(Hook))
RETIRED_HOOK_FIELDS: Final = tuple(field.encode_name for field in msgspec.structs.fields(RetiredHook))
HOOK_COLUMNS: Final = ", ".join(HOOK_FIELDS)
RETIRED_HOOK_COLUMNS: Final = ", ".join(RETIRED_HOOK_FIELDS)


def _values(fields: Sequence[str], row: SQLRow) -> dict[str, Any]:
    values = dict(zip(fields, row, strict=True))
    return values | {"results": decode_calls(str(values["results"]))}


def hook_of(row: SQLRow) -> Hook:
    """Convert a row selected with HOOK_COLUMNS."""
    return Hook(**_values(HOOK_FIELDS, row))


def retired_hook_of(row: SQLRow) -> RetiredHook:
    """Convert a row selected with RETIRED_HOOK_COLUMNS."""
    values = _values(RETIRED_HOOK_FIELDS, row)
    return RetiredHook(**values | {"success": bool(values["success"])})


logger = logging.getLogger("moxlite.queue.webhooks")

INCOMING: Final = "incoming"
"""The event of an incoming message."""

DELAYS: Final = (60, 120, 240, 450, 900, 1800, 3600, 7200, 14400, 28800, 57600)
"""Seconds after each failed call (QUEUE-91). There is one call more than delays, 31 h 59 min 30 s after the first."""

MAX_HOOKS: Final = 10_000
MAX_OCTETS: Final = 256 << 20
"""Maximum webhooks and octets of an account that wait: its web server may never answer, and all accounts share the
disk.
"""

MAX_PAYLOAD: Final = 8 << 20
"""Octets of a payload: two texts of 1 MiB, whatever their escapes, and a large structure take less."""

NO_PAYLOAD: Final = b"null"
BEHIND: Final = "receiver too far behind"
"""Error of an event for which no call is made, because too many wait."""

CLEAN_SLICE: Final = 1000
"""Rows removed in one transaction."""

SUPERSEDED: Final = "(superseded)"

ROOM: Final = "SELECT hooks, hook_octets FROM room WHERE account = ?"
INSERT: Final = """
INSERT INTO hook (msg_id, from_id, message_id, subject, account, url, authorization, secret, event, submitted, attempts,
    next_attempt, results, size, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, '[]', ?, ?)"""
GET: Final = f"SELECT {HOOK_COLUMNS} FROM hook WHERE id = ?"  # noqa: S608 column names
OF_MESSAGE: Final = "SELECT id FROM hook WHERE msg_id = ? AND msg_id <> 0 AND id <> ?"
MARK: Final = "UPDATE hook SET attempts = ?, next_attempt = ?, results = ? WHERE id = ?"
SET_RESULTS: Final = "UPDATE hook SET results = ? WHERE id = ?"
OWN: Final = ("superseded_by", "success", "last_activity", "keep_until", "results")
SHARED: Final = ", ".join(name for name in RETIRED_HOOK_COLUMNS.split(", ") if name not in OWN)
COPY: Final = f"""
INSERT INTO hook_retired ({SHARED}, superseded_by, success, last_activity, keep_until, results)
SELECT {SHARED}, ?, ?, ?, ?, ? FROM hook WHERE id = ?"""  # noqa: S608 column names
DELETE: Final = "DELETE FROM hook WHERE id = ?"
RETIRED_RESULTS: Final = "SELECT results FROM hook_retired WHERE id = ?"
SET_RETIRED_RESULTS: Final = "UPDATE hook_retired SET results = ?, last_activity = ? WHERE id = ?"
RUNNING: Final = "SELECT id, results FROM hook WHERE instr(results, ?) > 0"
CLEAN: Final = "DELETE FROM hook_retired WHERE id IN (SELECT id FROM hook_retired WHERE keep_until <= ? LIMIT ?)"


class NewHook(msgspec.Struct, frozen=True, kw_only=True):
    """A call to queue. `keep`: µs for which it stays listed after its end, 0 for not at all."""

    account: str
    url: str
    authorization: str
    secret: str
    event: str
    payload: bytes
    keep: int
    msg_id: int = 0
    from_id: str = ""
    message_id: str = ""
    subject: str = ""


def add_hook(tx: Tx, new: NewHook, now: int) -> int | None:
    """Queue a call, due at once; returns its id. Waiting calls with older events of the same message are superseded.

    If the account has too many waiting calls, the new one is only listed as failed, without its payload, logged and
    counted, so that mail is not delayed; returns None then. An event that supersedes another one takes its place.
    """
    rows, octets = tx.row(ROOM, new.account) or (0, 0)
    # The new call replaces older ones about the message, so the latest event is sent however far behind the receiver
    # is.
    older = tx.rows(OF_MESSAGE, new.msg_id, 0) if new.msg_id else []
    if not older and (rows >= MAX_HOOKS or octets + len(new.payload) > MAX_OCTETS):
        metrics.webhooks_dropped.inc()
        facts = {"account": new.account, "event": new.event, "waiting": rows, "octets": octets}
        logger.error("webhook not queued: too many waiting", extra={"kv": facts})
        hook_id = _insert(tx, msgspec.structs.replace(new, payload=NO_PAYLOAD), now)
        results = (CallResult(now, error=BEHIND),)
        end_hook(tx, hook_id, success=False, now=now, keep=new.keep, results=results)
        return None
    hook_id = _insert(tx, new, now)
    for (superseded,) in older:
        end_hook(tx, superseded, success=False, now=now, keep=new.keep, superseded_by=hook_id)
    return hook_id


def is_behind(r: Reader, account: str) -> bool:
    """Whether an account's webhook queue is full, or only has room for short calls."""
    rows, octets = r.row(ROOM, account) or (0, 0)
    return bool(rows >= MAX_HOOKS or octets > MAX_OCTETS - MAX_PAYLOAD)


def _insert(tx: Tx, new: NewHook, now: int) -> int:
    return tx.insert(
        INSERT,
        new.msg_id,
        new.from_id,
        new.message_id,
        new.subject,
        new.account,
        new.url,
        new.authorization,
        new.secret,
        new.event,
        now,
        now,
        len(new.payload),
        new.payload,
    )


def get_hook(r: Reader, hook_id: int) -> Hook | None:
    """Return a waiting call by its id, or None."""
    row = r.row(GET, hook_id)
    return None if row is None else hook_of(row)


def mark_call(tx: Tx, hook_id: int, now: int, random: Random) -> Hook | None:
    """Count a call before it is made, so that a fault of ours cannot lead to a tight loop (QUEUE-91). Returns the
    updated hook, None if it was removed or postponed.
    """
    hook = get_hook(tx, hook_id)
    if hook is None or hook.next_attempt > now:
        return None
    attempts = hook.attempts + 1
    results = (*hook.results, CallResult(now, error=CALLING))
    next_attempt = now + delay_after(attempts, DELAYS, random)
    tx.execute(MARK, attempts, next_attempt, encode_calls(results), hook_id)
    return msgspec.structs.replace(hook, attempts=attempts, next_attempt=next_attempt, results=results)


def finish_call(tx: Tx, hook_id: int, result: CallResult, now: int, keep: int) -> None:
    """Record the result of a call. A hook that has succeeded, or has made its last call, is retired. If the hook was
    superseded or canceled meanwhile, the result is added to its retired row.
    """
    hook = get_hook(tx, hook_id)
    if hook is None:
        _note_late(tx, hook_id, result, now)
        return
    begun = msgspec.structs.replace(result, start=min(result.start, now))  # the clock may have been set back meanwhile
    results = (*_made(hook.results), begun)
    if result.success or hook.attempts > len(DELAYS):
        end_hook(tx, hook_id, success=result.success, now=now, keep=keep, results=results)
    else:
        tx.execute(SET_RESULTS, encode_calls(results), hook_id)


def _made(results: Sequence[CallResult]) -> Sequence[CallResult]:
    """The calls without the one under way."""
    return results[:-1] if results and results[-1].error == CALLING else results


def _note_late(tx: Tx, hook_id: int, result: CallResult, now: int) -> None:
    row = tx.row(RETIRED_RESULTS, hook_id)
    if row is None:
        return
    text = f"{result.error} {SUPERSEDED}".strip()
    results = (*_made(decode_calls(row[0])), msgspec.structs.replace(result, error=text))
    tx.execute(SET_RETIRED_RESULTS, encode_calls(results), now, hook_id)


def end_hook(
    tx: Tx,
    hook_id: int,
    *,
    success: bool,
    now: int,
    keep: int,
    superseded_by: int | None = None,
    results: Sequence[CallResult] | None = None,
) -> None:
    """Remove a hook from the queue, and keep it listed for `keep` µs, without authorization and secret. `results`, if
    given: the calls to keep, instead of the row's own.
    """
    hook = get_hook(tx, hook_id)
    if hook is None:
        return
    if keep > 0:
        kept = encode_calls(hook.results if results is None else results)
        tx.execute(COPY, superseded_by, int(success), now, now + keep, kept, hook_id)
    tx.execute(DELETE, hook_id)


def recover_calls(tx: Tx) -> None:
    """Mark calls that were under way when the process ended as interrupted, at the start."""
    for hook_id, text in tx.rows(RUNNING, f'"{CALLING}"'):
        results = tuple(
            msgspec.structs.replace(result, error=INTERRUPTED) if result.error == CALLING else result
            for result in decode_calls(text)
        )
        tx.execute(SET_RESULTS, encode_calls(results), hook_id)


def clean_hooks(tx: Tx, now: int) -> bool:
    """Remove a slice of the expired retired rows; True if there may be more."""
    return tx.execute(CLEAN, now, CLEAN_SLICE) == CLEAN_SLICE
