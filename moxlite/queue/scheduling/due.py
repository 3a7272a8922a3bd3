"""Selection of due messages from queue.db, and their order (QUEUE-14, QUEUE-65, QUEUE-165)."""

from collections.abc import Callable, Collection
from typing import Final

import msgspec

from moxlite.queue import record
from moxlite.queue.data.rows import Message
from moxlite.queue.localdelivery.inbound import Waiting, waiting
from moxlite.store.file.transaction import Reader, Row

CANDIDATES: Final = 20
"""Rows of one read."""

MAX_BATCH: Final = 500
"""Rows of one submission in a batch; a larger submission goes in several batches."""

# The earliest candidates among the first thousand rows by time; uses only the index msg_due, 0.3 ms at most.
BY_TIME: Final = """
SELECT id, rcpt_domain, attempts, next_attempt FROM (
    SELECT id, rcpt_domain, attempts, next_attempt FROM msg INDEXED BY msg_due
    WHERE hold = 0 AND dsn_due IN ('', 'delayed') ORDER BY next_attempt, id LIMIT 1000)
WHERE rcpt_domain NOT IN (SELECT value FROM json_each(?1)) AND (?2 OR attempts = 0)
AND id NOT IN (SELECT value FROM json_each(?3))
ORDER BY next_attempt, id LIMIT ?4"""
# If all of these are for busy domains: the first row of each other domain, one step in msg_due_domain per domain.
BY_DOMAIN: Final = """
WITH RECURSIVE domain (name) AS (
    SELECT min(rcpt_domain) FROM msg INDEXED BY msg_due_domain WHERE hold = 0 AND dsn_due IN ('', 'delayed')
    UNION ALL
    SELECT (SELECT min(rcpt_domain) FROM msg INDEXED BY msg_due_domain
        WHERE hold = 0 AND dsn_due IN ('', 'delayed') AND rcpt_domain > domain.name)
    FROM domain WHERE domain.name IS NOT NULL)
SELECT msg.id, msg.rcpt_domain, msg.attempts, msg.next_attempt FROM domain JOIN msg ON msg.id = (
    SELECT id FROM msg INDEXED BY msg_due_domain
    WHERE hold = 0 AND dsn_due IN ('', 'delayed') AND rcpt_domain = domain.name AND (?2 OR attempts = 0)
    AND id NOT IN (SELECT value FROM json_each(?3)) ORDER BY next_attempt, id LIMIT 1)
WHERE domain.name NOT IN (SELECT value FROM json_each(?1))
ORDER BY msg.next_attempt, msg.id LIMIT ?4"""
TOGETHER: Final = """
SELECT other.id FROM msg one JOIN msg other
ON other.base_id = one.base_id AND other.rcpt_domain = one.rcpt_domain AND other.attempts = one.attempts
AND other.require_tls IS one.require_tls AND other.transport = one.transport
WHERE one.id = ? AND one.base_id <> 0
AND other.hold = 0 AND other.dsn_due IN ('', 'delayed') AND other.next_attempt <= ? ORDER BY other.id LIMIT ?"""
# Due rows of a domain, first attempts or retries, among ten thousand rows by time; 1 ms.
OF_DOMAIN: Final = """
SELECT id, rcpt_domain, attempts, next_attempt FROM (
    SELECT id, rcpt_domain, attempts, next_attempt FROM msg INDEXED BY msg_due_domain
    WHERE hold = 0 AND dsn_due IN ('', 'delayed') AND rcpt_domain = ?1 AND next_attempt <= ?2
    ORDER BY next_attempt, id LIMIT 10000)
WHERE (attempts > 0) = ?3 AND id NOT IN (SELECT msg_id FROM local) AND id NOT IN (SELECT value FROM json_each(?4))
ORDER BY next_attempt, id LIMIT ?5"""


class Candidate(msgspec.Struct, frozen=True):
    """A row that can be attempted. `next_attempt` in µs UTC."""

    id: int
    domain: str
    attempts: int
    next_attempt: int


class Group(msgspec.Struct, frozen=True):
    """Rows that go into one SMTP transaction: their ids, the due message (None if its row no longer exists), and its
    delivery to one of our accounts, if it is one.
    """

    ids: list[int]
    first: Message | None
    waiting: Waiting | None


def usable(r: Reader, *, busy: Collection[str], retries: bool, unwritten: Collection[int], now: int) -> list[Candidate]:
    """Return rows that can be attempted now or later, the earliest first. A due retry is replaced by a due first
    attempt of its domain, so that new messages do not wait behind all retries (QUEUE-14).

    Args:
      busy: recipient domains to leave out.
      retries: include rows that were attempted before.
      unwritten: ids to leave out.
      now: µs UTC.
    """
    ended = _json(unwritten)
    args = _json(busy), int(retries), ended, CANDIDATES
    rows = r.rows(BY_TIME, *args) or r.rows(BY_DOMAIN, *args)
    found: list[Candidate] = []
    for row in rows:
        candidate = _candidate(row)
        if candidate.attempts and candidate.next_attempt <= now:
            first = r.row(OF_DOMAIN, candidate.domain, now, 0, ended, 1)
            candidate = candidate if first is None else _candidate(first)
        found.append(candidate)
    return found


def _candidate(row: Row) -> Candidate:
    return Candidate(id=row[0], domain=row[1], attempts=row[2], next_attempt=row[3])


def _json(values: Collection[str] | Collection[int]) -> str:
    return msgspec.json.encode(list(values)).decode()


def following(
    r: Reader, *, domain: str, unwritten: Collection[int], now: int, fits: Callable[[Message], bool]
) -> int | None:
    """Return the id of the next row for a domain that may follow over its connection, as `fits` decides; first attempts
    come before retries. None without any.
    """
    for retries in (0, 1):
        for row in r.rows(OF_DOMAIN, domain, now, retries, _json(unwritten), CANDIDATES):
            message = record.get(r, row[0])
            if message is not None and fits(message):
                return message.id
    return None


def together(r: Reader, message_id: int, now: int) -> Group:
    """Return the rows that go into one SMTP transaction with this one, itself included (QUEUE-65)."""
    ids = [row[0] for row in r.rows(TOGETHER, message_id, now, MAX_BATCH)] or [message_id]
    return Group(ids, record.get(r, message_id), waiting(r, message_id))
