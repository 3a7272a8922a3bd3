"""What an attempt leaves in the database: marked before the network is used, its outcome afterwards (QUEUE-7,
QUEUE-12, 13, 15). On a transaction.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from random import Random
from typing import Final

import msgspec

from moxlite.queue.retire import KeepFor, retire
from moxlite.queue.rows import (
    DELIVERING,
    INTERRUPTED,
    MESSAGE_COLUMNS,
    Message,
    Result,
    decode_results,
    encode_results,
    message_of,
)
from moxlite.queue.schedule import delay_after, max_attempts_of
from moxlite.queue.status import success_of
from moxlite.store.delivery.status import State
from moxlite.store.delivery.submission import DSNNotify
from moxlite.store.file.transaction import Reader, Tx

__all__ = [
    "DSN_DELAYED",
    "DSN_FAILED",
    "Ended",
    "Policy",
    "Verdict",
    "dsns_due",
    "fail",
    "finish",
    "get",
    "mark",
    "postpone_dsn",
    "recover",
    "told",
]

DSN_DELAYED: Final = "delayed"
DSN_FAILED: Final = "failed"
"""Values of the column dsn_due, besides the empty one."""

GET: Final = f"SELECT {MESSAGE_COLUMNS} FROM msg WHERE id = ?"  # noqa: S608 column names
MARK: Final = "UPDATE msg SET attempts = ?, last_attempt = ?, next_attempt = ?, results = ? WHERE id = ?"
UNCOUNT: Final = "UPDATE msg SET attempts = attempts - 1, next_attempt = ?, results = ? WHERE id = ?"
PUT_OFF: Final = """
UPDATE msg SET next_attempt = ? WHERE hold = 0 AND dsn_due IN ('', 'delayed') AND next_attempt < ? AND attempts = ?
AND rcpt_domain = ? AND account = ? AND sender_domain = ? AND transport = ?
AND id NOT IN (SELECT msg_id FROM local)"""
SET_RESULTS: Final = "UPDATE msg SET results = ?, dialed_ips = ? WHERE id = ?"
SET_DSN: Final = "UPDATE msg SET dsn_due = ?, dsn_next = ? WHERE id = ?"
SET_FAILED: Final = "UPDATE msg SET dsn_due = ?, dsn_next = ?, hold = 0 WHERE id = ?"
RUNNING: Final = "SELECT id, results FROM msg WHERE instr(results, ?) > 0"
SET_INTERRUPTED: Final = "UPDATE msg SET results = ? WHERE id = ?"
DUE_DSNS: Final = f"""
SELECT {MESSAGE_COLUMNS} FROM msg WHERE dsn_due <> '' AND dsn_next <= ?
ORDER BY dsn_next, id LIMIT ?"""  # noqa: S608 column names


class Verdict(Enum):
    """How an attempt ended for one message."""

    DELIVERED = "delivered"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    UNCOUNTED = "uncounted"
    """It was stopped before the message was sent: as if it had not been made."""


class Ended(msgspec.Struct, frozen=True):
    """The outcome of one attempt for one message. ``dialed``: host and address that were connected to, for the next
    attempt (QUEUE-47). ``until``: of an uncounted one, when to try, µs UTC; all other rows that would go the same way
    wait for as long (QUEUE-169).
    """

    message: Message
    verdict: Verdict
    result: Result
    dialed: tuple[tuple[str, str], ...] = ()
    until: int = 0


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration that outcomes are judged by, and the time (µs UTC)."""

    now: int
    retry_delays: Sequence[float]
    max_attempts: int
    delay_dsn_attempt: int
    keep_for: KeepFor
    random: Random


MAX_DIALED: Final = 10
"""Addresses remembered per host, and hosts per message: enough to know the families and the last one."""


def get(r: Reader, message_id: int) -> Message | None:
    """A message by its id."""
    row = r.row(GET, message_id)
    return None if row is None else message_of(row)


def mark(tx: Tx, ids: Sequence[int], policy: Policy) -> list[Message]:
    """Count an attempt of these messages before it is made, so that no fault of ours can lead to a tight loop
    (QUEUE-13).

    Returns them as they are now; those that meanwhile were held, put off or removed are left out.
    """
    marked: list[Message] = []
    for message_id in ids:
        message = get(tx, message_id)
        if message is None or message.hold or message.done or message.next_attempt > policy.now:
            continue
        attempts = message.attempts + 1
        results = (*message.results, Result(start=policy.now, error=DELIVERING))
        next_attempt = policy.now + delay_after(attempts, policy.retry_delays, policy.random)
        tx.execute(MARK, attempts, policy.now, next_attempt, encode_results(results), message_id)
        marked.append(
            msgspec.structs.replace(
                message, attempts=attempts, last_attempt=policy.now, next_attempt=next_attempt, results=results
            )
        )
    return marked


def finish(tx: Tx, ended: Sequence[Ended], policy: Policy) -> None:
    """Write what became of an attempt, of all its messages in one transaction: retired, put off, or failed with a DSN
    owed.
    """
    for one in ended:
        message = get(tx, one.message.id)
        if message is None:  # dropped by an admin meanwhile
            continue
        before = message.results
        if before and before[-1].error == DELIVERING:
            before = before[:-1]
        if one.verdict is Verdict.UNCOUNTED:
            tx.execute(UNCOUNT, max(policy.now, one.until), encode_results(before), message.id)
            if one.until > policy.now:
                alike = message.rcpt_domain, message.account, message.sender_domain, message.transport
                tx.execute(PUT_OFF, one.until, one.until, message.attempts - 1, *alike)
            continue
        results = (*before, one.result)
        if one.verdict is Verdict.DELIVERED:
            state = success_of(one.result)
            retire(tx, [message.id], state, now=policy.now, keep_for=policy.keep_for, results=results)
            continue
        tx.execute(SET_RESULTS, encode_results(results), _dialed(message.dialed_ips, one.dialed), message.id)
        maximum = max_attempts_of(message.max_attempts, policy.max_attempts)
        if one.verdict is Verdict.PERMANENT or message.attempts >= maximum:
            fail(tx, message, policy)
        elif message.attempts == policy.delay_dsn_attempt and _wants(message, DSNNotify.DELAY):
            tx.execute(SET_DSN, DSN_DELAYED, policy.now, message.id)


def fail(tx: Tx, message: Message, policy: Policy) -> None:
    """The message will not be tried again: it is retired, once its sender was told if he wants to be."""
    if _wants(message, DSNNotify.FAILURE):
        tx.execute(SET_FAILED, DSN_FAILED, policy.now, message.id)
    else:
        retire(tx, [message.id], State.FAILED, now=policy.now, keep_for=policy.keep_for)


def _wants(message: Message, event: DSNNotify) -> bool:
    """Whether the sender gets a DSN of this kind: there is one (QUEUE-100), and NOTIFY allows it (RFC 3461 §4.1)."""
    if not message.sender_domain:
        return False
    if event is DSNNotify.DELAY and (message.is_dmarc_report or message.is_tls_report):  # QUEUE-105
        return False
    return not message.dsn_notify or bool(message.dsn_notify & event)


def _dialed(known: Mapping[str, tuple[str, ...]], new: Sequence[tuple[str, str]]) -> str:
    hosts = dict(known)
    for host, ip in new:
        hosts[host] = (*hosts.pop(host, ()), ip)[-MAX_DIALED:]
    return msgspec.json.encode(dict(list(hosts.items())[-MAX_DIALED:])).decode()


def dsns_due(r: Reader, now: int, limit: int) -> list[Message]:
    """Messages whose sender must be told something now."""
    return [message_of(row) for row in r.rows(DUE_DSNS, now, limit)]


def told(tx: Tx, message_id: int, kind: str, policy: Policy) -> None:
    """The DSN of this kind lies in the sender's account."""
    message = get(tx, message_id)
    if message is None or message.dsn_due != kind:
        return
    if kind == DSN_FAILED:
        retire(tx, [message_id], State.FAILED, now=policy.now, keep_for=policy.keep_for)
    else:
        tx.execute(SET_DSN, "", 0, message_id)


def postpone_dsn(tx: Tx, message_id: int, kind: str, until: int) -> None:
    """The DSN could not be stored; try again at `until` (µs UTC)."""
    message = get(tx, message_id)
    if message is not None and message.dsn_due == kind:
        tx.execute(SET_DSN, kind, until, message_id)


def recover(tx: Tx) -> int:
    """After a start: attempts that were under way when the process ended were interrupted (QUEUE-7). Returns their
    number.
    """
    found = tx.rows(RUNNING, f'"{DELIVERING}"')
    for message_id, text in found:
        results = tuple(
            msgspec.structs.replace(result, error=INTERRUPTED) if result.error == DELIVERING else result
            for result in decode_results(text)
        )
        tx.execute(SET_INTERRUPTED, encode_results(results), message_id)
    return len(found)
