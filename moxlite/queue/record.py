"""Attempts in the database: marked before the network is used, finished with their outcomes afterwards (QUEUE-7,
QUEUE-12, 13, 15). On a transaction.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from functools import partial
from random import Random
from typing import Final

import msgspec

from moxlite.encoding import to_json
from moxlite.metrics import DailyKind, daily
from moxlite.queue.context import Context
from moxlite.queue.data.rows import (
    DELIVERING,
    INTERRUPTED,
    MESSAGE_COLUMNS,
    Message,
    Result,
    decode_results,
    encode_results,
    message_of,
)
from moxlite.queue.data.status import KeepFor, final_state, retire, success_of
from moxlite.queue.data.suppression import for_message, note_failure
from moxlite.queue.schedule import SECOND, delay_after, max_attempts_of
from moxlite.queue.webhooks.events import Event, Webhooks, note_event, webhooks_of
from moxlite.store.delivery.status import ReceiverKind, State
from moxlite.store.delivery.submission import DSNNotify
from moxlite.store.file.transaction import Reader, Tx

DSN_DELAYED: Final = "delayed"
DSN_FAILED: Final = "failed"
DSN_DELIVERED: Final = "delivered"
DSN_RELAYED: Final = "relayed"
"""Values of the column dsn_due: the kind of DSN that is due, or "" for none."""

SUPPRESSED: Final = "suppress"
"""The command of a result without a connection, because the recipient is on the account's suppression list."""

NOTICE_WAIT: Final = 60 * SECOND
"""µs for which a DSN waits for other recipients of its submission whose attempt is under way or due, so that one DSN
reports on all. A sender should not wait longer for a DSN about a mistyped address.
"""

MAX_TOGETHER: Final = 500
"""Maximum number of recipients in one DSN."""

ACCOUNT_GONE: Final = 7 * 24 * 3600 * SECOND
"""µs for which retired messages of a removed account stay listed (QUEUE-25)."""

GET: Final = f"SELECT {MESSAGE_COLUMNS} FROM msg WHERE id = ?"  # noqa: S608 column names
MARK: Final = "UPDATE msg SET attempts = ?, last_attempt = ?, next_attempt = ?, results = ? WHERE id = ?"
UNCOUNT: Final = "UPDATE msg SET attempts = attempts - 1, next_attempt = ?, results = ? WHERE id = ?"
# Only rows with the same number of attempts: routes choose by it (`minimum_attempts`), so the others may go another
# way, past the host that is paused.
PUT_OFF: Final = """
UPDATE msg SET next_attempt = ? WHERE hold = 0 AND dsn_due IN ('', 'delayed') AND next_attempt < ? AND attempts = ?
AND rcpt_domain = ? AND account = ? AND sender_domain = ? AND transport = ?
AND id NOT IN (SELECT msg_id FROM local)"""
DETOUR: Final = "UPDATE msg SET transport = ?, next_attempt = ? WHERE id = ?"
SET_RESULTS: Final = "UPDATE msg SET results = ?, dialed_ips = ? WHERE id = ?"
SET_DSN: Final = "UPDATE msg SET dsn_due = ?, dsn_next = ? WHERE id = ?"
SET_DONE: Final = "UPDATE msg SET dsn_due = ?, dsn_next = ?, hold = 0 WHERE id = ?"
NEWEST: Final = "SELECT max(id) FROM msg"
# Reads all rows, once, at the start: an index on running attempts would be written twice for each attempt.
RUNNING: Final = "SELECT id, next_attempt, results FROM msg WHERE instr(results, ?) > 0"
SET_INTERRUPTED: Final = "UPDATE msg SET results = ?, next_attempt = min(next_attempt, ?) WHERE id = ?"
OWED: Final = "SELECT 1 FROM msg INDEXED BY msg_owed WHERE dsn_due <> '' AND content_id = ? LIMIT 1"
UNDER_WAY: Final = """
SELECT 1 FROM msg WHERE content_id = ?1 AND hold = 0 AND dsn_due = '' AND (
    (attempts = 0 AND next_attempt <= ?2) OR instr(results, ?3) > 0 OR (attempts = ?4 AND next_attempt <= ?5))
LIMIT 1"""
IS_LOCAL: Final = "SELECT 1 FROM local WHERE msg_id = ?"
BRING_FORWARD: Final = "UPDATE msg SET dsn_next = ?1 WHERE content_id = ?2 AND dsn_due <> '' AND dsn_next > ?1"
ALIKE: Final = f"""
SELECT {MESSAGE_COLUMNS} FROM msg WHERE content_id = ? AND account = ? AND sender_localpart = ? AND sender_domain = ?
AND dsn_due IN (SELECT value FROM json_each(?)) AND id NOT IN (SELECT msg_id FROM local)
ORDER BY id LIMIT ?"""  # noqa: S608 column names
DUE_DSNS: Final = f"""
SELECT {MESSAGE_COLUMNS} FROM msg WHERE dsn_due <> '' AND dsn_next <= ?
ORDER BY dsn_next, id LIMIT ?"""  # noqa: S608 column names


class Verdict(Enum):
    """The result of an attempt for one message."""

    DELIVERED = "delivered"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    UNCOUNTED = "uncounted"
    """The attempt ended before the message was sent, and does not count."""


class AttemptOutcome(msgspec.Struct, frozen=True):
    """The outcome of one attempt for one message. ``dialed``: hosts and addresses of the connections, for the next
    attempt (QUEUE-47). ``until``: for UNCOUNTED, the time of the next attempt, µs UTC; other rows with the same route
    wait until then too (QUEUE-169). ``promised``: the next server supports DSNs, and will notify the sender of the
    delivery (RFC 3461). ``own``: this server has caused the outcome, no other one. ``transport``: for TEMPORARY,
    another transport to try at once, "" for no change. ``blocked``: a host has refused the message because it blocks
    our address (QUEUE-184).
    """

    message: Message
    verdict: Verdict
    result: Result
    dialed: tuple[tuple[str, str], ...] = ()
    until: int = 0
    promised: bool = False
    own: bool = False
    transport: str = ""
    blocked: bool = False


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The settings for recording outcomes, and the time (µs UTC). `suppression_expiry` in µs, 0 for never."""

    now: int
    retry_delays: Sequence[float]
    max_attempts: int
    delay_dsn_attempt: int
    keep_for: KeepFor
    suppression_expiry: int
    webhooks: Webhooks
    random: Random


MAX_DIALED: Final = 10
"""Addresses kept per host, and hosts per message: enough for the choice of family and address."""


def get(r: Reader, message_id: int) -> Message | None:
    """Return a message by its id, or None."""
    row = r.row(GET, message_id)
    return None if row is None else message_of(row)


class MarkResult(msgspec.Struct, frozen=True):
    """Result of `mark`: messages to attempt, and outcomes of messages whose recipient is suppressed (QUEUE-81)."""

    messages: tuple[Message, ...]
    suppressed: tuple[AttemptOutcome, ...]


def mark(tx: Tx, ids: Sequence[int], policy: Policy) -> MarkResult:
    """Count an attempt of these messages before it is made, so that a fault of ours cannot lead to a tight loop
    (QUEUE-13). Messages with the same number of attempts get the same time for the next one, so that they go together
    again (QUEUE-65).

    Returns the updated messages. Messages that were held, postponed or removed meanwhile are left out.
    """
    marked: list[Message] = []
    suppressed: list[AttemptOutcome] = []
    times = Times(policy)
    for message in _due(tx, ids, policy):
        counted = _write_count(tx, times.counted(message))
        entry = for_message(tx, counted, policy.now)
        if entry is None:
            marked.append(counted)
        else:
            text = f"address is on the account's suppression list: {entry.reason or 'put there by hand'}"
            result = Result(start=policy.now, secode="7.1", command=SUPPRESSED, error=text)
            suppressed.append(AttemptOutcome(counted, Verdict.PERMANENT, result, own=True))
    return MarkResult(tuple(marked), tuple(suppressed))


def begin(r: Reader, ids: Sequence[int], policy: Policy, newest: int) -> tuple[Message, ...] | None:
    """Return the messages as `mark` does, if they can be attempted without its transaction; None if not. That are first
    attempts of messages that this process has queued: `finish` counts them, or `mark_late`.

    `newest`: the highest id when the queue was opened. A message that was in the queue then may be what has killed the
    process before, so its attempts are counted before they are made.
    """
    times = Times(policy)
    begun: list[Message] = []
    for message in _due(r, ids, policy):
        if message.attempts or message.id <= newest or for_message(r, message, policy.now) is not None:
            return None
        begun.append(times.counted(message))
    return tuple(begun)


def mark_late(tx: Tx, ids: Sequence[int], policy: Policy) -> set[str]:
    """Count attempts under way that were begun without `mark`, and now last long enough to be seen; returns the
    accounts of their messages.
    """
    times = Times(policy)
    accounts = set()
    for message_id in ids:
        message = get(tx, message_id)
        if message is not None and not message.attempts and not message.done:
            _write_count(tx, times.counted(message))
            accounts.add(message.account)
    return accounts


def _due(r: Reader, ids: Sequence[int], policy: Policy) -> Iterator[Message]:
    for message_id in ids:
        message = get(r, message_id)
        if message is not None and not message.hold and not message.done and message.next_attempt <= policy.now:
            yield message


class Times:
    """The times of the next attempts: the same for messages with the same number of attempts."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._next: dict[int, int] = {}

    def counted(self, message: Message) -> Message:
        """The message with one attempt more, which begins now."""
        policy, attempts = self._policy, message.attempts + 1
        if attempts not in self._next:
            self._next[attempts] = policy.now + delay_after(attempts, policy.retry_delays, policy.random)
        return msgspec.structs.replace(
            message,
            attempts=attempts,
            last_attempt=policy.now,
            next_attempt=self._next[attempts],
            results=(*message.results, Result(start=policy.now, error=DELIVERING)),
        )


def _write_count(tx: Tx, message: Message) -> Message:
    results = encode_results(message.results)
    tx.execute(MARK, message.attempts, message.last_attempt, message.next_attempt, results, message.id)
    return message


def _count_begun(tx: Tx, message: Message, begun: Message, now: int) -> Message:
    """Write the count of an attempt that `begin` returned as `begun`. The next one is planned from its start, unless
    the clock was set back since, or a person has chosen another time.
    """
    start = begun.last_attempt or 0
    next_attempt = begun.next_attempt - max(0, start - now)
    if message.next_attempt > start:
        next_attempt = message.next_attempt
    changes = {"attempts": begun.attempts, "last_attempt": min(start, now), "next_attempt": next_attempt}
    return _write_count(tx, msgspec.structs.replace(message, **changes))


def finish(tx: Tx, ended: Sequence[AttemptOutcome], policy: Policy) -> None:
    """Write the outcomes of an attempt, for all its messages in one transaction: each is retired, postponed, or failed
    with a DSN due.
    """
    for attempt_outcome in ended:
        message = get(tx, attempt_outcome.message.id)
        if message is None:  # dropped by an admin meanwhile
            continue
        if message.attempts < attempt_outcome.message.attempts:  # of `begin`
            message = _count_begun(tx, message, attempt_outcome.message, policy.now)
        before = tuple(result for result in message.results if result.error != DELIVERING)  # the note of `mark`
        if message.done and attempt_outcome.verdict is not Verdict.DELIVERED:
            # An administrator has failed it meanwhile. Its sender is told that, so a retry, or a delayed DSN in place
            # of the failed one, would contradict. The administrator's word stays the last result.
            made = () if attempt_outcome.verdict is Verdict.UNCOUNTED else (attempt_outcome.result,)
            results = (*before[:-1], *made, *before[-1:])
            dialed = _dialed(message.dialed_ips, attempt_outcome.dialed)
            tx.execute(SET_RESULTS, encode_results(results), dialed, message.id)
            continue
        if attempt_outcome.verdict is Verdict.UNCOUNTED:
            # it ended before the message was sent, so it takes no place in the schedule
            tx.execute(UNCOUNT, max(policy.now, attempt_outcome.until), encode_results(before), message.id)
            if attempt_outcome.until > policy.now:
                alike = message.rcpt_domain, message.account, message.sender_domain, message.transport
                # messages alike would meet the same limit
                tx.execute(PUT_OFF, attempt_outcome.until, attempt_outcome.until, message.attempts - 1, *alike)
            continue
        results = (*before, attempt_outcome.result)
        if attempt_outcome.verdict is Verdict.DELIVERED:
            _count(tx, message, "sent")
            note_event(tx, message, Event.DELIVERED, policy.webhooks, policy.now, attempt_outcome.result)
            # `promised`: the next host sends the DSN of success itself
            if message.dsn_notify & DSNNotify.SUCCESS and message.sender_domain and not attempt_outcome.promised:
                tx.execute(
                    SET_RESULTS,
                    encode_results(results),
                    _dialed(message.dialed_ips, attempt_outcome.dialed),
                    message.id,
                )
                kind = DSN_DELIVERED if attempt_outcome.result.handed is ReceiverKind.ACCOUNT else DSN_RELAYED
                tx.execute(SET_DONE, kind, policy.now + NOTICE_WAIT, message.id)
            else:
                state = success_of(attempt_outcome.result)
                retire(tx, [message.id], state, now=policy.now, keep_for=policy.keep_for, results=results)
            continue
        tx.execute(
            SET_RESULTS, encode_results(results), _dialed(message.dialed_ips, attempt_outcome.dialed), message.id
        )
        maximum = max_attempts_of(message.max_attempts, policy.max_attempts)
        if attempt_outcome.verdict is Verdict.PERMANENT or message.attempts >= maximum:
            _count(tx, message, "failed")
            event, suppressing = Event.FAILED, False
            if attempt_outcome.result.command == SUPPRESSED:
                event = Event.SUPPRESSED
            # our own refusals aren't about the address, so don't suppress it
            elif attempt_outcome.verdict is Verdict.PERMANENT and not attempt_outcome.own:
                expiry = policy.suppression_expiry
                suppressing = note_failure(tx, message, attempt_outcome.result, "reply", now=policy.now, expiry=expiry)
            fail(tx, message, policy, attempt_outcome.result, event, suppressing=suppressing)
            continue
        if attempt_outcome.transport:
            tx.execute(DETOUR, attempt_outcome.transport, policy.now, message.id)
        note_event(tx, message, Event.DELAYED, policy.webhooks, policy.now, attempt_outcome.result)
        if message.attempts == policy.delay_dsn_attempt and _wants(message, DSNNotify.DELAY):
            tx.execute(SET_DSN, DSN_DELAYED, policy.now + NOTICE_WAIT, message.id)
    for content_id in {one.message.content_id for one in ended}:
        settle_notices(tx, content_id, policy)


def _count(tx: Tx, message: Message, kind: DailyKind) -> None:
    """Count a finished recipient for the day, once this is committed. Incoming mail that waited for its account was
    counted as delivered when it came (WEB-86b).
    """
    if tx.row(IS_LOCAL, message.id) is None:
        tx.after_commit(partial(daily.count, kind))


def settle_notices(tx: Tx, content_id: int, policy: Policy) -> None:
    """Make the due DSNs of a submission due now, unless it has other recipients with a due first attempt, an attempt
    under way, or an attempt that will soon cause a delayed DSN.
    """
    if tx.row(OWED, content_id) is None:
        return
    running, late, soon = f'"{DELIVERING}"', policy.delay_dsn_attempt - 1, policy.now + NOTICE_WAIT
    if tx.row(UNDER_WAY, content_id, policy.now, running, late, soon) is None:
        tx.execute(BRING_FORWARD, policy.now, content_id)


def fail(
    tx: Tx,
    message: Message,
    policy: Policy,
    result: Result,
    event: Event = Event.FAILED,
    *,
    suppressing: bool = False,
) -> None:
    """Fail a message for good with `result`. It is retired at once, or after its DSN if the sender gets one.
    `suppressing`: the recipient was added to the suppression list.
    """
    note_event(tx, message, event, policy.webhooks, policy.now, result, suppressing=suppressing)
    if _wants(message, DSNNotify.FAILURE):
        tx.execute(SET_DONE, DSN_FAILED, policy.now + NOTICE_WAIT, message.id)
    else:
        retire(tx, [message.id], State.FAILED, now=policy.now, keep_for=policy.keep_for)


def _wants(message: Message, event: DSNNotify) -> bool:
    """Whether the sender gets a DSN of this kind: the sender is not the null path (QUEUE-100), and NOTIFY allows it
    (RFC 3461 §4.1).
    """
    if not message.sender_domain:
        return False
    if event is DSNNotify.DELAY and (message.is_dmarc_report or message.is_tls_report):  # QUEUE-105
        return False
    return not message.dsn_notify or bool(message.dsn_notify & event)


def _dialed(known: Mapping[str, tuple[str, ...]], new: Sequence[tuple[str, str]]) -> str:
    hosts = dict(known)
    for host, ip in new:
        # To the end of the order: hosts that were dialled longest ago are forgotten first.
        hosts[host] = (*hosts.pop(host, ()), ip)[-MAX_DIALED:]
    return to_json(dict(list(hosts.items())[-MAX_DIALED:])).decode()


def dsns_due(r: Reader, now: int, limit: int) -> list[Message]:
    """Messages with a DSN due now."""
    return [message_of(row) for row in r.rows(DUE_DSNS, now, limit)]


def alike(r: Reader, message: Message) -> tuple[Message, ...]:
    """Messages for the same DSN as this one: recipients of the same submission, from the same sender, with the same
    kind of DSN due (failed, delayed, or arrived).
    """
    arrived = (DSN_DELIVERED, DSN_RELAYED)
    kinds = arrived if message.dsn_due in arrived else (message.dsn_due,)
    sender = message.sender_localpart, message.sender_domain
    args = (message.content_id, message.account, *sender, to_json(kinds).decode(), MAX_TOGETHER)
    # Rows without an account are deliveries that wait for one of ours: each has a DSN of its own (QUEUE-28).
    messages = tuple(message_of(row) for row in r.rows(ALIKE, *args)) if message.account else ()
    return messages if any(one.id == message.id for one in messages) else (message,)


def notice_key(messages: Sequence[Message]) -> bytes:
    """The key under which the DSN about these messages is stored once."""
    first = messages[0]
    if len(messages) == 1:
        return f"queue dsn {first.id} {first.queued} {first.dsn_due}".encode()
    # All recipients are part of the key: after a crash another one may have joined them, which makes another DSN.
    others = hashlib.sha256(",".join(f"{message.id} {message.dsn_due}" for message in messages).encode()).hexdigest()
    return f"queue dsn {first.id} {first.queued} {others}".encode()


def note_dsns(tx: Tx, messages: Sequence[Message], policy: Policy) -> None:
    """Record that the DSN about these messages was stored or queued."""
    for told in messages:
        message = get(tx, told.id)
        # While its delayed DSN was stored, a message may have failed for good: then it owes another one.
        if message is None or message.dsn_due != told.dsn_due:
            continue
        if (state := final_state(message)) is not None:
            retire(tx, [message.id], state, now=policy.now, keep_for=policy.keep_for)
        else:
            tx.execute(SET_DSN, "", 0, message.id)


def postpone_dsn(tx: Tx, messages: Sequence[Message], until: int) -> None:
    """Postpone a DSN that could not be stored to `until` (µs UTC)."""
    for told in messages:
        message = get(tx, told.id)
        if message is not None and message.dsn_due == told.dsn_due:
            tx.execute(SET_DSN, message.dsn_due, until, message.id)


def recover(tx: Tx, now: int) -> int:
    """Mark attempts that were under way when the process ended as interrupted, at the start (QUEUE-7). Returns their
    number.

    Their messages are due `now` (µs UTC): one process owns the queue, so no such attempt is alive. A message whose
    attempt before was interrupted too keeps its time: it may be what kills the server (QUEUE-13).
    """
    found = tx.rows(RUNNING, f'"{DELIVERING}"')
    for message_id, next_attempt, text in found:
        before = decode_results(text)
        results = tuple(
            msgspec.structs.replace(result, error=INTERRUPTED) if result.error == DELIVERING else result
            for result in before
        )
        again = len(before) > 1 and before[-2].error == INTERRUPTED
        tx.execute(SET_INTERRUPTED, encode_results(results), next_attempt if again else now, message_id)
    return len(found)


def newest(r: Reader) -> int:
    """The highest id of a message, 0 without any. Later ones are higher (QUEUE-1a)."""
    highest: int | None = r.value(NEWEST)
    return highest or 0


def policy_of(ctx: Context) -> Policy:
    """Current settings and time for recording outcomes."""
    snapshot = ctx.config.current
    queue = snapshot.static.queue

    def keep_for(name: str) -> int:
        account = snapshot.account(name)
        return ACCOUNT_GONE if account is None else int(account.keep_retired_message_period * SECOND)

    return Policy(
        now=ctx.clock(),
        retry_delays=queue.retry_delays,
        max_attempts=queue.max_attempts,
        delay_dsn_attempt=queue.delay_dsn_attempt,
        keep_for=keep_for,
        suppression_expiry=int(queue.suppression_expiry * SECOND),
        webhooks=webhooks_of(snapshot),
        random=ctx.random,
    )
