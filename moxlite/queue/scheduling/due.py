"""Scheduling's data in queue.db: due messages in order (QUEUE-14, QUEUE-65, QUEUE-165), and attempts' outcomes."""

import logging
from collections.abc import Callable, Collection, Mapping
from typing import Final

import msgspec
import trio

from moxlite.encoding import to_json
from moxlite.net.activity import Happening, Outcome, activity
from moxlite.queue import record
from moxlite.queue.bounces import UNNAMED, Blocks
from moxlite.queue.context import Context
from moxlite.queue.data.rows import Message
from moxlite.queue.data.status import meaning_of
from moxlite.queue.guard.signs import limits_from
from moxlite.queue.guard.stops import Stop, finish
from moxlite.queue.localdelivery import waiting
from moxlite.queue.record import AttemptOutcome, Policy, Verdict, policy_of
from moxlite.queue.schedule import SECOND
from moxlite.store.errors import StoreError
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Reader, Row
from moxlite.store.mail.links import LINKED

CANDIDATES: Final = 20
"""Rows of one read."""

MAX_BATCH: Final = 500
"""Rows of one submission in a batch. A larger submission is split into several batches."""

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
_OF_ONE: Final = """
AND other.attempts = one.attempts AND other.require_tls IS one.require_tls AND other.transport = one.transport
WHERE one.id = ? AND one.base_id <> 0
AND other.hold = 0 AND other.dsn_due IN ('', 'delayed') AND other.next_attempt <= ? ORDER BY other.id LIMIT ?"""
TOGETHER: Final = f"""
SELECT other.id FROM msg one JOIN msg other
ON other.base_id = one.base_id AND other.rcpt_domain = one.rcpt_domain {_OF_ONE}"""  # noqa: S608 constants
# Through a linked mailbox all recipients go together: its provider keeps a copy of each transaction (LINK-14).
TOGETHER_BY_LINK: Final = f"""
SELECT other.id FROM msg one JOIN msg other INDEXED BY msg_base
ON other.base_id = one.base_id AND other.base_id <> 0 {_OF_ONE}"""  # noqa: S608 constants
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
    waiting: bool


def usable(r: Reader, *, busy: Collection[str], retries: bool, without: Collection[int], now: int) -> list[Candidate]:
    """Return rows that can be attempted now or later, the earliest first. A due retry is replaced by a due first
    attempt of its domain, so that new messages do not wait behind all retries (QUEUE-14).

    Args:
      busy: recipient domains to leave out.
      retries: include rows that were attempted before.
      without: ids to leave out.
      now: µs UTC.
    """
    left_out = _json(without)
    args = _json(busy), int(retries), left_out, CANDIDATES
    rows = r.rows(BY_TIME, *args) or r.rows(BY_DOMAIN, *args)
    candidates: list[Candidate] = []
    for row in rows:
        candidate = _candidate(row)
        if candidate.attempts and candidate.next_attempt <= now:
            first = r.row(OF_DOMAIN, candidate.domain, now, 0, left_out, 1)
            candidate = candidate if first is None else _candidate(first)
        candidates.append(candidate)
    return candidates


def _candidate(row: Row) -> Candidate:
    return Candidate(id=row[0], domain=row[1], attempts=row[2], next_attempt=row[3])


def _json(values: Collection[str] | Collection[int]) -> str:
    return to_json(list(values)).decode()


def following(
    r: Reader, *, domain: str, without: Collection[int], now: int, fits: Callable[[Message], bool]
) -> int | None:
    """Return the id of the next row for a domain that may follow over its connection, as `fits` decides; first attempts
    come before retries. None without any.
    """
    for retries in (0, 1):
        for row in r.rows(OF_DOMAIN, domain, now, retries, _json(without), CANDIDATES):
            message = record.get(r, row[0])
            if message is not None and fits(message):
                return message.id
    return None


def together(r: Reader, message_id: int, now: int) -> Group:
    """Return the rows that go into one SMTP transaction with this one, itself included (QUEUE-65)."""
    message = record.get(r, message_id)
    by_link = message is not None and message.transport.startswith(LINKED)
    ids = [row[0] for row in r.rows(TOGETHER_BY_LINK if by_link else TOGETHER, message_id, now, MAX_BATCH)]
    return Group(ids or [message_id], message, waiting(r, message_id) is not None)


# Outcomes of attempts: recorded in queue.db, or kept in memory until it takes them, so that nothing is sent twice
# (QUEUE-7, QUEUE-157); and the lessons from them that people are shown.


logger = logging.getLogger("moxlite.queue.outcomes")

RECORD_SECONDS: Final = 30.0
"""Seconds for a write that must not be cut off: a card that is busy with a checkpoint takes seconds."""

MAX_LOGGED_REPLY: Final = 300
"""Characters of a reply in a log line; the message's result has the whole reply."""

MAX_PUT_OFF: Final = 1000
"""Maximum number of domains whose reason for waiting is remembered, for people."""


class Outcomes:
    """Records the outcomes of attempts.

    Attributes:
      blocks: hosts that refuse this server's mail.
    """

    def __init__(
        self,
        ctx: Context,
        database: Database,
        moved: Callable[[set[str]], None],
        stopped: Callable[[list[Stop]], None],
    ) -> None:
        """`moved` is called with the accounts whose messages have another status; `stopped` with new stops of the
        guard.
        """
        self._ctx = ctx
        self._database = database
        self._moved = moved
        self._stopped = stopped
        self._unwritten: dict[
            int, AttemptOutcome
        ] = {}  # outcomes that the database could not write, by the message's row
        self._put_off: dict[str, tuple[int, str]] = {}  # recipient domain: end and reason of its host's pause
        self.blocks = Blocks()

    @property
    def unwritten(self) -> frozenset[int]:
        """Rows of messages whose outcome is not in the database: they are due there, and must not be sent."""
        return frozenset(self._unwritten)

    def put_off(self, domain: str, now: int) -> str:
        """Why the host of a recipient domain is left alone at `now` (µs UTC), for people; "" if it is not."""
        until, text = self._put_off.get(domain, (0, ""))
        return text if until > now else ""

    async def record(self, ended: list[AttemptOutcome]) -> None:
        """Record outcomes. If the database fails, they are kept in memory. Shielded from cancellation."""
        if not ended:
            return
        _log(ended)
        policy = policy_of(self._ctx)
        self._note(ended, policy.now)
        written = False
        with trio.move_on_after(RECORD_SECONDS, shield=True):
            try:
                await self._finish(ended, policy)
                written = True
                self._moved({attempt_outcome.message.account for attempt_outcome in ended})
            except StoreError as exc:
                logger.error("failed to store delivery result", extra={"kv": {"err": exc}})
            finally:
                # Also at the deadline, or if the unit crashed: a message that is sent again comes twice.
                if not written:
                    self._unwritten.update((attempt_outcome.message.id, attempt_outcome) for attempt_outcome in ended)

    async def write_unwritten(self) -> bool:
        """Write the outcomes that were kept; returns whether there were some. Raises StoreError."""
        if not self._unwritten:
            return False
        ended = list(self._unwritten.values())
        await self._finish(ended, policy_of(self._ctx))
        # Only these: attempts may have ended while they were written.
        for attempt_outcome in ended:
            del self._unwritten[attempt_outcome.message.id]
        return True

    async def _finish(self, ended: list[AttemptOutcome], policy: Policy) -> None:
        limits_of = limits_from(self._ctx.config.current)
        self._stopped(await self._database.write(lambda tx: finish(tx, ended, policy, limits_of)))

    def _note(self, ended: list[AttemptOutcome], now: int) -> None:
        for attempt_outcome in ended:
            result = attempt_outcome.result
            if attempt_outcome.blocked:
                self.blocks.note(meaning_of(result), result.host, result.reply or result.error, now)
            elif attempt_outcome.verdict is Verdict.DELIVERED:
                self.blocks.end(result.host)
            if attempt_outcome.until > now:
                self._put_off.pop(attempt_outcome.message.rcpt_domain, None)  # to the end of the order
                self._put_off[attempt_outcome.message.rcpt_domain] = (
                    attempt_outcome.until,
                    f"its host is paused: {result.error}",
                )
        while len(self._put_off) > MAX_PUT_OFF:
            del self._put_off[next(iter(self._put_off))]


def _log(ended: list[AttemptOutcome]) -> None:
    """Log a line for each message: host, TLS, reply, its meaning, and advice."""
    for attempt_outcome in ended:
        result, message = attempt_outcome.result, attempt_outcome.message
        meaning = meaning_of(result) if result.error else UNNAMED
        status = f"{str(result.code)[0]}.{result.secode}" if result.code and result.secode else ""
        reply = " ".join(part for part in (str(result.code or ""), status, result.reply.replace("\n", " ")) if part)
        logger.info(
            "delivery attempt ended",
            extra={
                "kv": {
                    "err": result.error or None,
                    "msg": message.id,
                    "verdict": attempt_outcome.verdict.value,
                    "attempt": message.attempts,
                    "sender": message.sender_address or "<>",
                    "recipient": message.recipient_address,
                    "transport": result.transport or None,
                    "detour": attempt_outcome.transport or None,
                    "host": result.host or None,
                    "ip": result.ip or None,
                    "tls": result.tls or None,
                    "policy": result.policy or None,
                    "reply": reply[:MAX_LOGGED_REPLY] or None,
                    "cause": meaning.cause.value if result.error else None,
                    "todo": meaning.admin or None,
                    "tlsfailures": " ".join(result.tls_failures) or None,
                    "seconds": result.duration / SECOND,
                }
            },
        )
        activity.note(
            Happening(
                kind="send",
                outcome=SHOWN[attempt_outcome.verdict],
                account=message.account,
                who=message.sender_address or "<>",
                to=message.recipient_address,
                remote=result.host,
                text=reply or result.error,
                message_id=message.message_id,
                queue_id=message.id,
            )
        )


SHOWN: Final[Mapping[Verdict, Outcome]] = {
    Verdict.DELIVERED: "sent",
    Verdict.TEMPORARY: "later",
    Verdict.PERMANENT: "failed",
    Verdict.UNCOUNTED: "later",
}
"""Verdicts in the live view (WEB-88b)."""
