"""Operations on queued messages for people: administrators hold, postpone, fail and drop them (QUEUE-20..24), and
senders see their delivery status (QUEUE-175).
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Final, TypeVar

import msgspec

from moxlite.operations.queue import Filter, Outgoing, Page, RetiredFilter, RetiredPage
from moxlite.queue.context import Context, now
from moxlite.queue.data import filters
from moxlite.queue.data.filters import HoldRule, compose, compose_page
from moxlite.queue.data.rows import (
    DELIVERING,
    MESSAGE_COLUMNS,
    RETIRED_COLUMNS,
    Message,
    Result,
    Retired,
    encode_results,
    message_of,
    retired_of,
)
from moxlite.queue.data.status import Watchers, ended_since, final_state, retire, statuses, was_sent
from moxlite.queue.errors import NotStopped, UnknownTransport
from moxlite.queue.guard.stops import Stopped, release, stop_of
from moxlite.queue.record import Policy, fail, get, policy_of, settle_notices
from moxlite.queue.schedule import SECOND
from moxlite.queue.webhooks.events import Event, note_event
from moxlite.queue.webhooks.incoming import IncomingCarrier
from moxlite.store.delivery.status import HeldMessage, RecipientStatus, State, WaitingDelivery
from moxlite.store.delivery.submission import SendingStopped
from moxlite.store.file.database import Database
from moxlite.store.file.migrations import Kind
from moxlite.store.file.traces import TRACES
from moxlite.store.file.transaction import Reader, Tx
from moxlite.wakeup import Wakeup

logger = logging.getLogger("moxlite.queue")

T = TypeVar("T")


class Operations:
    """Changes by administrators. Changes of messages return how many were changed, and raise BadFilter."""

    def __init__(self, ctx: Context, database: Database, changed: Callable[[], None]) -> None:
        """`changed` is called after each change, so that what is due is looked at again."""
        self._ctx = ctx
        self._database = database
        self._changed = changed

    async def hold(self, wanted: Filter) -> int:
        """Hold messages: no attempts until they are released."""
        return await self.change(lambda tx, now: hold_messages(tx, wanted, now))

    async def unhold(self, wanted: Filter) -> int:
        """Release messages from hold, including messages that the guard holds."""
        return await self.change(lambda tx, now: unhold_messages(tx, wanted, now, guarded=True))

    async def schedule(self, wanted: Filter, delta: float, *, from_now: bool = False) -> int:
        """Move the next attempt by `delta` seconds (may be negative), or with `from_now` to `delta` seconds from now.
        Pauses of hosts end.
        """
        microseconds = int(delta * SECOND)
        self._ctx.load.forget(self._ctx.clock())
        return await self.change(
            lambda tx, now: schedule_messages(tx, wanted, now, delta=microseconds, from_now=from_now)
        )

    async def set_transport(self, wanted: Filter, transport: str) -> int:
        """Set the transport; an empty name lets the routes choose again. Raises UnknownTransport."""
        if transport and transport not in self._ctx.config.current.static.transports:
            raise UnknownTransport(f"unknown transport {transport!r}")
        return await self.change(lambda tx, now: set_transport(tx, wanted, now, transport=transport))

    async def set_require_tls(self, wanted: Filter, require_tls: bool | None) -> int:
        """Demand verified TLS (True), ignore all policies (False), or do as usual (None)."""
        return await self.change(lambda tx, now: set_require_tls(tx, wanted, now, require_tls=require_tls))

    async def fail(self, wanted: Filter) -> int:
        """Fail messages, with DSNs to their senders."""
        policy = policy_of(self._ctx)
        return await self.change(lambda tx, _: fail_messages(tx, wanted, policy))

    async def drop(self, wanted: Filter) -> int:
        """Remove messages without DSNs."""
        policy = policy_of(self._ctx)
        return await self.change(lambda tx, _: drop_messages(tx, wanted, policy))

    async def hold_rules(self) -> list[HoldRule]:
        """Return all rules that hold messages back."""
        return await self._database.read(filters.hold_rules, op="queue hold rules")

    async def add_hold_rule(self, *, account: str = "", sender: str = "", recipient: str = "") -> tuple[int, int]:
        """Hold matching messages, queued and future ones. Sender and recipient are domains or addresses; all empty
        holds every message.

        Returns the rule's id and how many messages were held. Raises BadFilter.
        """
        sender_localpart, sender_domain = filters.parse_party(sender, "sender")
        recipient_localpart, recipient_domain = filters.parse_party(recipient, "recipient")
        rule = HoldRule(
            account=account,
            sender_localpart=sender_localpart,
            sender_domain=sender_domain,
            recipient_localpart=recipient_localpart,
            recipient_domain=recipient_domain,
        )
        return await self.change(lambda tx, _: filters.add_hold_rule(tx, rule))

    async def remove_hold_rule(self, rule_id: int) -> bool:
        """Remove a rule; messages that it held stay on hold. Returns False if there is no such rule."""
        return await self.change(lambda tx, _: filters.remove_hold_rule(tx, rule_id))

    async def forget(self, account: str) -> None:
        """Take an account that is removed out of the queue (QUEUE-26). Raises StoreError."""
        policy = policy_of(self._ctx)
        while await self.change(lambda tx, _: forget_account(tx, account, policy)):
            pass

    async def release(self, account: str) -> Stopped:
        """Release an account and its messages held by the guard; returns the stop. Raises NotStopped."""
        found = await self.change(lambda tx, now: release(tx, account, now))
        if found is None:
            raise NotStopped(f"sending isn't paused for account {account!r}")
        logger.info("account released", extra={"kv": {"account": account, "messages": found.held.messages}})
        return found

    async def change(self, unit: Callable[[Tx, int], T]) -> T:
        """Run a unit, which gets the time (µs UTC) as well, and have what is due looked at again."""
        now = self._ctx.clock()
        result = await self._database.write(lambda tx: unit(tx, now))
        self._changed()
        return result


# Operations on queued messages for people: list, hold, postpone, fail, drop … (QUEUE-20..24). On a reader or a
# transaction; `Queue` offers them as methods.


FAILED: Final = "an administrator of this server bounced the message"
"""The last result of a message after ``queue fail``: its sender reads it in the notice."""

DROPPED: Final = "an administrator of this server deleted the message without notifying the sender"
"""The last result of a message after ``queue drop``."""

SELECT: Final = f"SELECT {MESSAGE_COLUMNS} FROM msg"  # noqa: S608 column names
CHOSEN: Final = "future_release_request <> '' AND attempts = 0 AND next_attempt > ?"
WAITING_OF: Final = f"""
{SELECT} WHERE account = ? AND id < ? AND dsn_due IN ('', 'delayed') AND NOT ({CHOSEN}) ORDER BY id DESC LIMIT ?"""
HELD_OF: Final = f"{SELECT} WHERE account = ? AND {CHOSEN} ORDER BY next_attempt, id LIMIT ?"
MAX_HELD: Final = 10_000
"""Recipients of an account's messages that wait for their time: as many as it may have waiting (SMTP-115)."""
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


def waiting_of(r: Reader, account: str, before: int, now: int, limit: int) -> list[WaitingDelivery]:
    """As `Deliveries.waiting_of`."""
    return [_waiting(message_of(row)) for row in r.rows(WAITING_OF, account, before, now, limit)]


def _waiting(message: Message) -> WaitingDelivery:
    last = message.last_result
    if last is not None and (last.success or last.error == DELIVERING):
        last = None
    return WaitingDelivery(
        id=message.id,
        recipient=message.recipient_address,
        subject=message.subject,
        attempts=message.attempts,
        next_attempt=None if message.hold else message.next_attempt,
        error="" if last is None else last.error,
        code=0 if last is None or last.host == "" else last.code,
        stopped=message.guarded,
    )


def held_of(r: Reader, account: str, now: int) -> list[HeldMessage]:
    """As `Deliveries.held`."""
    messages: dict[int, list[Message]] = {}
    for row in r.rows(HELD_OF, account, now, MAX_HELD):
        message = message_of(row)
        if not message.done:
            messages.setdefault(message.content_id, []).append(message)
    return [
        HeldMessage(
            [row.id for row in rows],
            rows[0].next_attempt,
            rows[0].sender_address,
            [row.recipient_address for row in rows],
            rows[0].subject,
            rows[0].message_id,
        )
        for rows in messages.values()
    ]


def list_retired(r: Reader, retired_filter: RetiredFilter, page: RetiredPage, now: int) -> list[Retired]:
    """One page of finished messages. Raises BadFilter."""
    condition = compose_page(retired_filter, page, now)
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
    return _fail(tx, _ids(tx, wanted, policy.now), policy, Result(start=policy.now, error=FAILED))


def _fail(tx: Tx, ids: Iterable[int], policy: Policy, result: Result) -> int:
    failed: list[Message] = []
    for message_id in ids:
        row = tx.row(SELECT + " WHERE id = ?", message_id)
        assert row is not None
        message = message_of(row)
        if message.done:
            continue
        tx.execute(SET_RESULTS, encode_results((*message.results, result)), message_id)
        fail(tx, message, policy, result)
        failed.append(message)
    for content_id in {message.content_id for message in failed}:
        settle_notices(tx, content_id, policy)
    return len(failed)


def drop_messages(tx: Tx, wanted: Filter, policy: Policy) -> int:
    """Remove messages without DSNs; webhooks of their accounts are called. Returns how many."""
    ids = _ids(tx, wanted, policy.now)
    _drop(tx, ids, policy)
    return len(ids)


def _drop(tx: Tx, ids: Iterable[int], policy: Policy) -> None:
    for message_id in ids:
        message = get(tx, message_id)
        assert message is not None
        ended = final_state(message)
        results = message.results
        if ended is None:
            note_event(tx, message, Event.CANCELED, policy.webhooks, policy.now)
            results = (*results, Result(start=policy.now, error=DROPPED))
        retire(tx, [message_id], ended or State.CANCELED, now=policy.now, keep_for=policy.keep_for, results=results)


def count_chosen(r: Reader, wanted: Filter, now: int) -> int:
    """Number of messages that a filter chooses. Raises BadFilter."""
    condition = compose(wanted, now)
    row = r.row(f"SELECT count(*) FROM (SELECT 1 FROM msg{condition.sql})", *condition.args)  # noqa: S608 - of compose
    return int(row[0]) if row is not None else 0


# What the queue has of an account that is removed (QUEUE-26): its mail that waits still goes out, under a name that no
# account can have; mail on hold or scheduled for later does not, because no one can release, change or cancel it any
# more. Mail that waits for the account fails. Everything else is deleted.


SLICE: Final = 1000
"""Messages of an account that are dropped or failed in one transaction."""

GONE: Final = "the recipient's account was deleted"
"""The last result of a message that waited for an account of this server."""

HELD_BACK: Final = f"""
account = ?1 AND dsn_due IN ('', 'delayed') AND (hold = 1 OR {CHOSEN.replace("?", "?2")})"""
COUNT_OUTGOING: Final = f"""
SELECT count(*), count(*) FILTER (WHERE {HELD_BACK}) FROM msg WHERE account = ?1
AND dsn_due IN ('', 'delayed')"""  # noqa: S608 conditions
SELECT_HELD: Final = f"SELECT id FROM msg WHERE {HELD_BACK} LIMIT ?3"  # noqa: S608 condition
SELECT_INCOMING: Final = """
SELECT m.id FROM local l JOIN msg m ON m.id = l.msg_id WHERE l.account = ? AND m.dsn_due IN ('', 'delayed') LIMIT ?"""


def count_outgoing(r: Reader, account: str, now: int) -> Outgoing:
    """Count the messages of an account that would go out after its removal, and those that would not."""
    row = r.row(COUNT_OUTGOING, account, now)
    assert row is not None
    number, held = row
    return Outgoing(number - held, held)


def forget_account(tx: Tx, account: str, policy: Policy) -> int:
    """Take an account out of the queue, a slice of each table; returns how many rows were changed, 0 at the end."""
    incoming = [message_id for (message_id,) in tx.rows(SELECT_INCOMING, account, SLICE)]
    _fail(tx, incoming, policy, Result(start=policy.now, code=550, secode="1.1", error=GONE))
    held = [message_id for (message_id,) in tx.rows(SELECT_HELD, account, policy.now, SLICE)]
    _drop(tx, held, policy)
    if len(incoming) == SLICE or len(held) == SLICE:  # the rest first: the statements would hide it
        return SLICE
    return sum(tx.execute(sql, account) for sql in TRACES[Kind.QUEUE].values())


# Delivery status of sent messages for their senders: the implementation of `store.delivery.status.Deliveries`.


class SentMessages:
    """State of accounts' sent messages, and the changes that senders may make."""

    def __init__(
        self, ctx: Context, database: Database, operations: Operations, watchers: Watchers, incoming: IncomingCarrier
    ) -> None:
        self._ctx = ctx
        self._database = database
        self._operations = operations
        self._watchers = watchers
        self._incoming = incoming

    async def was_sent(self, account: str, address: str, message_id: str, recipients: Sequence[str]) -> bool:
        """Whether an account ("" for any) has sent, in the last 30 days, a message that a notification may be about:
        one with the unique sender address `address`, with this Message-ID, or to one of the recipients (SMTP-110).

        Raises StoreError.
        """
        from_id = self._incoming.from_id(address)
        return await self._database.scan(
            partial(
                was_sent,
                account=account,
                from_id=from_id,
                message_id=message_id,
                recipients=recipients,
            ),
            op="queue sent",
        )

    async def status(self, account: str, message_id: str) -> list[RecipientStatus]:
        """Delivery status by recipient of an account's messages with a Message-ID (QUEUE-175)."""
        settings = self._ctx.config.current.static.queue
        return await self._database.scan(
            partial(
                statuses,
                account=account,
                message_id=message_id,
                retry_delays=settings.retry_delays,
                max_attempts=settings.max_attempts,
            ),
            op="queue status",
        )

    async def held(self, account: str) -> list[HeldMessage]:
        """As `Deliveries.held`."""
        return await self._database.scan(partial(held_of, account=account, now=now()), op="queue held")

    def watch(self, account: str, wakeup: Wakeup | None = None) -> AbstractContextManager[Wakeup]:
        """As `Deliveries.watch`."""
        return self._watchers.watch(account, wakeup)

    async def try_now(self, account: str, ids: Sequence[int]) -> int:
        """Make the next attempt for these messages of an account at once; returns their number. Messages that the guard
        holds stay on hold.
        """
        if not ids:
            return 0
        wanted = Filter(ids=tuple(ids), account=account)
        await self._operations.change(lambda tx, now: unhold_messages(tx, wanted, now, guarded=False))
        return await self._operations.schedule(wanted, 0, from_now=True)

    async def cancel(self, account: str, ids: Sequence[int]) -> int:
        """Remove these messages of an account from the queue; returns how many."""
        return await self._operations.drop(Filter(ids=tuple(ids), account=account)) if ids else 0

    async def waiting_of(self, account: str, before: int, limit: int) -> list[WaitingDelivery]:
        """As `Deliveries.waiting_of`."""
        return await self._database.scan(
            partial(waiting_of, account=account, before=before, now=now(), limit=limit), op="queue own"
        )

    async def ended_of(self, account: str, since: int, limit: int) -> list[tuple[int, str, str, int]]:
        """As `Deliveries.ended_of`."""
        return await self._database.scan(
            partial(ended_since, account=account, since=since, limit=limit), op="queue own"
        )

    async def check_sending(self, account: str) -> None:
        """Raise SendingStopped while the account is stopped (SMTP-170)."""
        stop = await self._database.read(partial(stop_of, account=account), op="queue stop")
        if stop is not None:
            raise SendingStopped(stop.since)
