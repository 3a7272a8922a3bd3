"""Operations on queued messages for people: list, hold, postpone, fail, drop … (QUEUE-20..24). On a reader or a
transaction; `Queue` offers them as methods.
"""

from typing import Final

import msgspec

from moxlite.admin.queueing.filters import Filter, Page, RetiredFilter, RetiredPage
from moxlite.queue.data.filters import compose, compose_page
from moxlite.queue.data.retire import retire
from moxlite.queue.data.rows import (
    MESSAGE_COLUMNS,
    RETIRED_COLUMNS,
    Message,
    Result,
    Retired,
    encode_results,
    message_of,
    retired_of,
)
from moxlite.queue.data.status import final_state
from moxlite.queue.record import Policy, fail, get, settle_notices
from moxlite.queue.webhooks.events import Event, note_event
from moxlite.store.delivery.status import State
from moxlite.store.file.transaction import Reader, Tx

FAILED: Final = "an administrator of this server has given up on the message"
"""The last result of a message after ``queue fail``: its sender reads it in the notice."""

DROPPED: Final = "an administrator of this server has removed the message; its sender was not told"
"""The last result of a message after ``queue drop``."""

SELECT: Final = f"SELECT {MESSAGE_COLUMNS} FROM msg"  # noqa: S608 column names
WAITING_OF: Final = f"{SELECT} WHERE account = ? AND id < ? ORDER BY id DESC LIMIT ?"
SELECT_RETIRED: Final = f"SELECT {RETIRED_COLUMNS} FROM msg_retired"  # noqa: S608 column names
SELECT_IDS: Final = "SELECT id FROM msg"
HOLD: Final = "UPDATE msg SET hold = 1 WHERE id = ? AND hold = 0 AND dsn_due IN ('', 'delayed')"
UNHOLD: Final = "UPDATE msg SET hold = 0, guarded = 0 WHERE id = ? AND hold = 1 AND dsn_due IN ('', 'delayed')"
UNHOLD_OWN: Final = "UPDATE msg SET hold = 0 WHERE id = ? AND hold = 1 AND guarded = 0 AND dsn_due IN ('', 'delayed')"
SET_NEXT: Final = "UPDATE msg SET next_attempt = ? WHERE id = ? AND dsn_due IN ('', 'delayed')"
ADD_NEXT: Final = "UPDATE msg SET next_attempt = next_attempt + ? WHERE id = ? AND dsn_due IN ('', 'delayed')"
SET_TRANSPORT: Final = "UPDATE msg SET transport = ? WHERE id = ? AND dsn_due IN ('', 'delayed')"
SET_REQUIRE_TLS: Final = "UPDATE msg SET require_tls = ? WHERE id = ? AND dsn_due IN ('', 'delayed')"
SET_RESULTS: Final = "UPDATE msg SET results = ? WHERE id = ?"
COUNTS: Final = """
SELECT (SELECT count(*) FROM msg), (SELECT count(*) FROM msg WHERE hold = 1),
(SELECT min(next_attempt) FROM msg WHERE hold = 0 AND dsn_due IN ('', 'delayed'))"""


class Counts(msgspec.Struct, frozen=True):
    """Numbers of messages; ``next_attempt``: the earliest (µs UTC) of messages not on hold, None without any."""

    messages: int
    held: int
    next_attempt: int | None


def count(r: Reader) -> Counts:
    """Count the messages, for metrics and pages."""
    row = r.row(COUNTS)
    assert row is not None
    return Counts(*row)


def list_messages(r: Reader, wanted: Filter, page: Page, now: int) -> list[Message]:
    """One page of queued messages. Raises BadFilter."""
    condition = compose_page(wanted, page, now)
    return [message_of(row) for row in r.rows(SELECT + condition.sql, *condition.args)]


def waiting_of(r: Reader, account: str, before: int, limit: int) -> list[Message]:
    """Queued messages of an account with an id below `before`, the newest first, without those that have ended."""
    found = [message_of(row) for row in r.rows(WAITING_OF, account, before, limit)]
    return [one for one in found if not one.done]


def list_retired(r: Reader, wanted: RetiredFilter, page: RetiredPage, now: int) -> list[Retired]:
    """One page of finished messages. Raises BadFilter."""
    condition = compose_page(wanted, page, now)
    return [retired_of(row) for row in r.rows(SELECT_RETIRED + condition.sql, *condition.args)]


def get_retired(r: Reader, message_id: int) -> Retired | None:
    """A finished message by its id."""
    row = r.row(SELECT_RETIRED + " WHERE id = ?", message_id)
    return None if row is None else retired_of(row)


def _ids(r: Reader, wanted: Filter, now: int) -> list[int]:
    condition = compose(wanted, now)
    return [row[0] for row in r.rows(SELECT_IDS + condition.sql, *condition.args)]


def hold_messages(tx: Tx, wanted: Filter, now: int) -> int:
    """Hold messages; returns how many were changed."""
    return sum(tx.execute(HOLD, message_id) for message_id in _ids(tx, wanted, now))


def unhold_messages(tx: Tx, wanted: Filter, now: int, *, guarded: bool) -> int:
    """Release messages, with `guarded` also messages that the guard holds; returns how many were changed."""
    sql = UNHOLD if guarded else UNHOLD_OWN
    return sum(tx.execute(sql, message_id) for message_id in _ids(tx, wanted, now))


def schedule_messages(tx: Tx, wanted: Filter, now: int, *, delta: int, from_now: bool) -> int:
    """Add `delta` (µs, possibly negative) to the time of the next attempt, or with `from_now` set it to now plus
    `delta`.
    """
    sql, value = (SET_NEXT, now + delta) if from_now else (ADD_NEXT, delta)
    return sum(tx.execute(sql, value, message_id) for message_id in _ids(tx, wanted, now))


def set_transport(tx: Tx, wanted: Filter, now: int, *, transport: str) -> int:
    """Set the transport; empty for the transport that the routes choose."""
    return sum(tx.execute(SET_TRANSPORT, transport, message_id) for message_id in _ids(tx, wanted, now))


def set_require_tls(tx: Tx, wanted: Filter, now: int, *, require_tls: bool | None) -> int:
    """Set the messages' demand for TLS; their header fields stay as they are."""
    value = None if require_tls is None else int(require_tls)
    return sum(tx.execute(SET_REQUIRE_TLS, value, message_id) for message_id in _ids(tx, wanted, now))


def fail_messages(tx: Tx, wanted: Filter, policy: Policy) -> int:
    """Fail messages, with DSNs to their senders. Returns how many."""
    failed: list[Message] = []
    for message_id in _ids(tx, wanted, policy.now):
        row = tx.row(SELECT + " WHERE id = ?", message_id)
        assert row is not None
        message = message_of(row)
        if message.done:
            continue
        given_up = Result(start=policy.now, error=FAILED)
        tx.execute(SET_RESULTS, encode_results((*message.results, given_up)), message_id)
        fail(tx, message, policy, given_up)
        failed.append(message)
    for content_id in {message.content_id for message in failed}:
        settle_notices(tx, content_id, policy)
    return len(failed)


def drop_messages(tx: Tx, wanted: Filter, policy: Policy) -> int:
    """Remove messages without DSNs; webhooks of their accounts are called. Returns how many."""
    ids = _ids(tx, wanted, policy.now)
    for message_id in ids:
        message = get(tx, message_id)
        assert message is not None
        ended = final_state(message)
        results = message.results
        if ended is None:
            note_event(tx, message, Event.CANCELED, policy.webhooks, policy.now)
            results = (*results, Result(start=policy.now, error=DROPPED))
        retire(tx, [message_id], ended or State.CANCELED, now=policy.now, keep_for=policy.keep_for, results=results)
    return len(ids)


def count_chosen(r: Reader, wanted: Filter, now: int) -> int:
    """Number of messages that a filter chooses. Raises BadFilter."""
    condition = compose(wanted, now)
    row = r.row(f"SELECT count(*) FROM (SELECT 1 FROM msg{condition.sql})", *condition.args)  # noqa: S608 - of compose
    return int(row[0]) if row is not None else 0
