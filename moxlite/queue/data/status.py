"""Delivery status of a submission by recipient, for its sender (QUEUE-175). On a reader or a transaction.

Waiting messages have their status in their row; finished ones leave a row of `outcome`, kept for 30 days, independent
of the account's retention of finished messages.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeAlias

import msgspec

from moxlite.config.snapshot import Snapshot
from moxlite.encoding import from_json, to_json
from moxlite.proto.address import Address, AddressError, one_spelling
from moxlite.queue import bounces
from moxlite.queue.bounces import Meaning, explain
from moxlite.queue.data.content import release_content
from moxlite.queue.data.mirrorrows import end_mirror
from moxlite.queue.data.rows import (
    DELIVERING,
    MESSAGE_COLUMNS,
    RETIRED_COLUMNS,
    Message,
    Result,
    Retired,
    encode_results,
    message_of,
)
from moxlite.queue.schedule import SECOND, attempts_left, max_attempts_of
from moxlite.store.delivery.status import ReceiverKind, RecipientStatus, State
from moxlite.store.file.transaction import Reader, Tx
from moxlite.wakeup import Wakeup

OUTCOME_LIFE: Final = 30 * 24 * 3600 * SECOND
"""µs to keep a message's final status."""

STOPPED: Final = "Sending is paused for your account because it may be compromised."
WHEN_STOPPED: Final = (
    "The message is on hold and won't be lost. Ask your mail server's administrator to release it. If you didn't "
    "send it, change your password."
)
"""Advice to the sender of a message that the guard holds (SMTP-170)."""

CLEAN_SLICE: Final = 1000
"""Rows removed in one transaction."""

MAX_STATUSES: Final = 10_000
"""Recipients shown per Message-ID: as many as an account may have waiting (SMTP-115)."""

WAITING: Final = f"""
SELECT {MESSAGE_COLUMNS} FROM msg WHERE account = ? AND message_id = ? ORDER BY id LIMIT ?"""  # noqa: S608 column names
ENDED: Final = """
SELECT id, recipient, state, queued, ended, attempts, last_attempt, result FROM outcome
WHERE account = ? AND message_id = ? ORDER BY id LIMIT ?"""
ENDED_SINCE: Final = """
SELECT id, recipient, state, ended FROM outcome WHERE account = ? AND ended > ? ORDER BY ended DESC, id DESC LIMIT ?"""
NOTE: Final = """
INSERT OR REPLACE INTO outcome (
    id, account, message_id, recipient, state, queued, ended, attempts, last_attempt, result)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
ANSWERED: Final = "UPDATE outcome SET state = ?, ended = ?, result = ? WHERE id = ?"
SUCCEEDED: Final = "UPDATE msg_retired SET success = ? WHERE id = ?"
CLEAN: Final = "DELETE FROM outcome WHERE id IN (SELECT id FROM outcome WHERE ended <= ? LIMIT ?)"

# ``from_id <> ''`` is the condition of both indices: SQLite does not know of a bound value that it meets that.
OF_FROM_ID: Final = """
SELECT 1 FROM msg WHERE from_id = ?2 AND from_id <> '' AND (?1 = '' OR account = ?1)
UNION ALL SELECT 1 FROM msg_retired WHERE from_id = ?2 AND from_id <> '' AND (?1 = '' OR account = ?1) LIMIT 1"""
OF_MESSAGE: Final = """
SELECT 1 FROM msg WHERE message_id = ?2 AND (?1 = '' OR account = ?1)
UNION ALL SELECT 1 FROM outcome WHERE message_id = ?2 AND (?1 = '' OR account = ?1) LIMIT 1"""
OF_RECIPIENT: Final = """
WITH wanted AS (SELECT lower(value) AS address FROM json_each(?2))
SELECT 1 FROM msg WHERE (?1 = '' OR account = ?1) AND lower(rcpt_localpart || '@' || rcpt_domain) IN wanted
UNION ALL SELECT 1 FROM outcome WHERE (?1 = '' OR account = ?1) AND lower(recipient) IN wanted LIMIT 1"""


def meaning_of(result: Result) -> Meaning:
    """Meaning of an attempt's failure, for people."""
    return explain(result.code, result.secode, result.reply or result.error, result.command)


def detail_of(result: Result) -> str:
    """The enhanced code of an attempt without its class, for programs; of a success the host's, "" without one."""
    if result.success:
        return result.secode
    return bounces.detail_of(result.code, result.secode, result.reply or result.error, result.command)


def success_of(result: Result | None) -> State:
    """The state of a message whose attempt with this result succeeded."""
    return State.RELAYED if result is not None and result.handed is ReceiverKind.RELAY else State.DELIVERED


def final_state(message: Message) -> State | None:
    """Final state of a message that waits only for its DSN; None for one that is not done."""
    if not message.done:
        return None
    last = message.last_result
    return success_of(last) if last is not None and last.success else State.FAILED


def statuses(
    r: Reader, account: str, message_id: str, *, retry_delays: Sequence[float], max_attempts: int
) -> list[RecipientStatus]:
    """Status of all recipients of the account's messages with a Message-ID, in the order in which they were queued."""
    recipient_statuses = [
        _of_row(message_of(row), retry_delays, max_attempts)
        for row in r.rows(WAITING, account, message_id, MAX_STATUSES)
    ]
    for id_, recipient, state, queued, ended, attempts, last_attempt, text in r.rows(
        ENDED, account, message_id, MAX_STATUSES
    ):
        status = RecipientStatus(
            id=id_,
            recipient=recipient,
            state=State(state),
            queued=queued,
            ended=ended,
            attempts=attempts,
            last_attempt=last_attempt,
        )
        recipient_statuses.append(_with_result(status, from_json(text, Result | None)))
    return sorted(recipient_statuses, key=lambda recipient_status: recipient_status.id)


def was_sent(r: Reader, account: str, from_id: str, message_id: str, recipients: Sequence[str]) -> bool:
    """Whether the rows show that an account ("" for any) has sent a message with this unique sender id, with this
    Message-ID, or to one of the recipients. For `scan`: the search for recipients reads all rows of the last 30 days.
    """
    if from_id and r.row(OF_FROM_ID, account, from_id) is not None:
        return True
    if message_id and r.row(OF_MESSAGE, account, message_id) is not None:
        return True
    return (
        bool(recipients)
        and r.row(OF_RECIPIENT, account, to_json([*map(one_spelling, recipients)]).decode()) is not None
    )


def _of_row(message: Message, retry_delays: Sequence[float], max_attempts: int) -> RecipientStatus:
    last = message.last_result
    trying = last is not None and last.error == DELIVERING
    status = RecipientStatus(
        id=message.id,
        recipient=message.recipient_address,
        state=State.TRYING if trying else State.HELD if message.hold else State.QUEUED,
        queued=message.queued,
        attempts=message.attempts,
        last_attempt=message.last_attempt,
    )
    if (state := final_state(message)) is not None:
        ended = last.start + last.duration if last is not None else message.queued
        status = msgspec.structs.replace(status, state=state, ended=ended)
    elif not message.hold:
        maximum = max_attempts_of(message.max_attempts, max_attempts)
        planned = attempts_left(message.attempts, maximum, message.next_attempt, retry_delays)
        if planned:
            status = msgspec.structs.replace(status, next_attempt=planned[0], last_planned=planned[-1])
    if message.guarded:
        return msgspec.structs.replace(status, error=STOPPED, meaning=STOPPED, advice=WHEN_STOPPED)
    ended_attempts = [result for result in message.results if result.error != DELIVERING]
    return _with_result(status, ended_attempts[-1] if ended_attempts else None)


def _with_result(status: RecipientStatus, result: Result | None) -> RecipientStatus:
    if result is None:
        return status
    status = msgspec.structs.replace(
        status, error=result.error, reply=result.reply, host=result.host, ip=result.ip, tls=result.policy
    )
    if not result.error:
        return status
    meaning = meaning_of(result)
    return msgspec.structs.replace(status, cause=meaning.cause.value, meaning=meaning.meaning, advice=meaning.advice)


def ended_since(r: Reader, account: str, since: int, limit: int) -> list[tuple[int, str, str, int]]:
    """Id, recipient, final state and its time (µs UTC) of the account's messages that ended after `since`, the latest
    first.
    """
    return [
        (id_, recipient, state, ended) for id_, recipient, state, ended in r.rows(ENDED_SINCE, account, since, limit)
    ]


def note_outcome(tx: Tx, message: Message, state: State, results: Sequence[Result], now: int) -> None:
    """Write the outcome of a message that leaves the queue; not of mail without an account or Message-ID."""
    if not message.account or not message.message_id:
        return
    last = results[-1] if results else None
    tx.execute(
        NOTE,
        message.id,
        message.account,
        message.message_id,
        message.recipient_address,
        state.value,
        message.queued,
        now,
        message.attempts,
        message.last_attempt,
        to_json(last).decode(),
    )


def note_answer(tx: Tx, message: Retired, state: State, result: Result, now: int) -> None:
    """Update the outcome of a finished message by a DSN from another server (QUEUE-95)."""
    tx.execute(ANSWERED, state.value, now, to_json(result).decode(), message.id)
    tx.execute(SUCCEEDED, int(state is not State.FAILED), message.id)


def clean_outcomes(tx: Tx, now: int) -> bool:
    """Remove a slice of the expired outcomes; True if there may be more."""
    return tx.execute(CLEAN, now - OUTCOME_LIFE, CLEAN_SLICE) == CLEAN_SLICE


class Watchers:
    """Wake-up flags that are set at changes of messages, by account."""

    def __init__(self) -> None:
        self._wakeups: dict[str, set[Wakeup]] = {}

    @contextmanager
    def watch(self, account: str, wakeup: Wakeup | None = None) -> Iterator[Wakeup]:
        """A wake-up flag, a new one without `wakeup`, that is set at each change of the account's messages, within the
        block.
        """
        wakeup = wakeup or Wakeup()
        self._wakeups.setdefault(account, set()).add(wakeup)
        try:
            yield wakeup
        finally:
            left = self._wakeups[account]
            left.discard(wakeup)
            if not left:
                del self._wakeups[account]

    def changed(self, accounts: Iterable[str] | None = None) -> None:
        """Set the flags of these accounts, or of all: their messages have changed."""
        for name in self._wakeups if accounts is None else {*accounts} & self._wakeups.keys():
            for wakeup in self._wakeups[name]:
                wakeup.set()


# The end of a message in the queue: its row is removed, and a retired row kept for a time (QUEUE-25). On a transaction.


KeepFor: TypeAlias = Callable[[str], int]
"""Function that returns the microseconds for which an account's retired messages are kept; 0 for not at all."""

RETIRED_SLICE: Final = 1000
"""Rows removed in one transaction (QUEUE-25)."""

OWN: Final = ("success", "last_activity", "keep_until")
SHARED: Final = ", ".join(name for name in RETIRED_COLUMNS.split(", ") if name not in OWN)

READ: Final = f"SELECT {MESSAGE_COLUMNS} FROM msg WHERE id = ?"  # noqa: S608 column names
COPY: Final = f"""
INSERT INTO msg_retired ({SHARED}, success, last_activity, keep_until, recipient_address)
SELECT {SHARED}, ?, ?, ?, lower(rcpt_localpart || '@' || rcpt_domain)
FROM msg WHERE id = ?"""  # noqa: S608 column names
SET_RESULTS: Final = "UPDATE msg_retired SET results = ? WHERE id = ?"
DELETE: Final = "DELETE FROM msg WHERE id = ?"
CLEAN_RETIRED: Final = "DELETE FROM msg_retired WHERE id IN (SELECT id FROM msg_retired WHERE keep_until <= ? LIMIT ?)"


def retire(
    tx: Tx, ids: Iterable[int], state: State, *, now: int, keep_for: KeepFor, results: tuple[Result, ...] | None = None
) -> None:
    """Remove messages from the queue. With the last recipient of a submission its octets are deleted, and it leaves the
    mailbox `Outgoing`.

    ``state``: their final state. ``results``, if given: the attempts to keep, instead of the row's own. Ids that no
    longer exist are skipped.
    """
    for message_id in ids:
        row = tx.row(READ, message_id)
        if row is None:
            continue
        message = message_of(row)
        keep = keep_for(message.account)
        success = state in {State.DELIVERED, State.RELAYED}
        if keep > 0:
            tx.execute(COPY, int(success), now, now + keep, message_id)
            if results is not None:
                tx.execute(SET_RESULTS, encode_results(results), message_id)
        note_outcome(tx, message, state, message.results if results is None else results, now)
        tx.execute(DELETE, message_id)
        if release_content(tx, message.content_id):
            end_mirror(tx, message.content_id, now)


def clean_retired(tx: Tx, now: int) -> bool:
    """Remove a slice of the expired retired rows; True if there may be more."""
    return tx.execute(CLEAN_RETIRED, now, RETIRED_SLICE) == RETIRED_SLICE


def as_known_outside(message: Message) -> Message:
    """A row as someone elsewhere may know it: beside a reply, our own error names the account."""
    last = message.last_result
    known = () if last is None else (msgspec.structs.replace(last, error="" if last.reply else last.error),)
    return msgspec.structs.replace(message, results=known)


def owner_of_sender(snapshot: Snapshot, message: Message) -> str | None:
    """The other account from whose own address a message of an account was sent (SMTP-189); None for none, and for
    reports, which are the server's.
    """
    sender = message.sender.address
    if sender is None or message.is_dmarc_report or message.is_tls_report:
        return None
    owner = snapshot.owner(sender)
    return None if owner is None or owner.account == message.account else owner.account


def as_written_to(message: Message) -> Message:
    """A row of a message that was sent on as its sender knows it: with the address that was written to, without the one
    to which the message was sent on, and what is said there (RFC 3464 §4.2).
    """
    # Rows of before have no address that was written to; their return address names the sender alone.
    _, _, written = message.dsn_orcpt.partition(";")
    try:
        face = Address.parse(written or message.sender_address)
    except AddressError:  # as a client wrote it in ORCPT
        face = Address.parse(message.sender_address)
    return msgspec.structs.replace(
        message, rcpt_localpart=str(face.localpart), rcpt_domain=face.domain.unicode, results=()
    )
