"""Scheduling of due attempts: at most one per recipient domain, a bounded number at a time (QUEUE-13..16).

Tasks of the server's supervisor::

    Scheduler.serve: starts due attempts, sleeps until the next one is due
     └─ one task per attempt, in a nursery that outlives a failure of `serve`
    Scheduler.serve_notices: stores due DSNs
"""

import logging
from collections.abc import Callable, Hashable
from functools import partial
from typing import Final

import msgspec
import trio

from moxlite.net.connections import guard
from moxlite.net.log import bind_cid, new_cid
from moxlite.queue import record
from moxlite.queue.attempt import Attempt
from moxlite.queue.bounces.blocks import Blocks
from moxlite.queue.bounces.judge import UNNAMED
from moxlite.queue.context import Context
from moxlite.queue.data.content import octets
from moxlite.queue.data.rows import Message
from moxlite.queue.data.status import meaning_of
from moxlite.queue.due import Candidate, following, together, usable
from moxlite.queue.guard.signs import limits_from
from moxlite.queue.guard.stops import Stop
from moxlite.queue.guard.units import finish
from moxlite.queue.hosts.load import OpenConnection
from moxlite.queue.localdelivery.inbound import Waiting
from moxlite.queue.notices.dsns import deliver_notice
from moxlite.queue.record import Ended, Marked, Policy, Verdict
from moxlite.queue.reports.counting import SessionCounts
from moxlite.queue.schedule import SECOND
from moxlite.queue.senderinfo import Offers
from moxlite.queue.sending.routing import choose_transport, sender_domain_disabled
from moxlite.queue.sending.session import Batch
from moxlite.queue.signing.resigning import renew_signatures
from moxlite.queue.signing.sevenbit import seven_bit
from moxlite.queue.webhooks.events import webhooks_of
from moxlite.store.errors import StoreError
from moxlite.store.file.database import Database

__all__ = ["Scheduler", "policy_of"]

logger = logging.getLogger("moxlite.queue.scheduler")

RECHECK_SECONDS: Final = 3600.0
"""Maximum seconds of sleep. `changed` ends it, also after a clock change or sleep of the machine (QUEUE-16): an idle
queue wakes no task.
"""

FAILED_SECONDS: Final = 60.0
"""Seconds until a recipient domain is tried again after an error of the database (QUEUE-14)."""

SILENT_SECONDS: Final = 5.0
"""Seconds after which an attempt whose host has not replied counts as silent, and no longer uses the normal limit of
attempts: working hosts send a greeting within one or two.
"""

ROOM_WITH_SILENT: Final = 3
"""Factor of `max_concurrent_deliveries` that limits all attempts, silent ones included; bounds file descriptors."""

MAX_LOGGED_REPLY: Final = 300
"""Characters of a reply in a log line; the message's result has the whole reply."""

MAX_PUT_OFF: Final = 1000
"""Maximum number of domains whose reason for waiting is remembered, for people."""

REMEMBERED_SECONDS: Final = 60.0
"""Seconds for which a recipient domain counts as "its host is full". While the host is full, the domain waits without
an attempt, which would cost DNS look-ups and two commits.
"""

MAX_REMEMBERED: Final = 1000
"""Maximum number of such domains; beyond it the oldest are forgotten."""

NOTICE_RETRY: Final = 5 * 60 * SECOND
"""µs until a DSN that could not be stored is tried again."""

NOTICE_LIFE: Final = 5 * 24 * 3600 * SECOND
"""µs after which a DSN that its account could not store is given up."""

NOTICES_AT_ONCE: Final = 20
RECORD_SECONDS: Final = 30.0
"""Seconds for a write that must not be cut off: a card that is busy with a checkpoint takes seconds."""

NEXT_NOTICE: Final = "SELECT min(dsn_next) FROM msg WHERE dsn_due <> ''"


class _Blocked(msgspec.Struct, frozen=True):
    """A recipient domain that waits for a connection to its full host, for a first attempt or a retry."""

    host: Hashable
    retry: bool


class _Turn(msgspec.Struct):
    """A running attempt of a domain. `since`: its start, seconds of trio's clock."""

    retry: bool
    since: float
    attempt: Attempt | None = None

    def silent(self, now: float) -> bool:
        """Whether the attempt has run for `SILENT_SECONDS` without a reply of its host."""
        return now - self.since >= SILENT_SECONDS and not self.answered

    @property
    def answered(self) -> bool:
        """Whether the host has replied to EHLO."""
        return self.attempt is not None and self.attempt.greeted


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


ACCOUNT_GONE: Final = 7 * 24 * 3600 * SECOND
"""µs for which retired messages of a removed account stay listed (QUEUE-25)."""


class Scheduler:
    """Makes the attempts and stores DSNs. `changed` is called after each commit that may make something due."""

    def __init__(
        self,
        ctx: Context,
        database: Database,
        also: Callable[[], None],
        moved: Callable[[set[str]], None],
        stopped: Callable[[list[Stop]], None],
    ) -> None:
        """`also` is called with each `changed`; `moved` with the accounts whose messages have another status; `stopped`
        with new stops of the guard.
        """
        self._moved = moved
        self._stopped = stopped
        self._ctx = ctx
        self._database = database
        self._also = also
        self._wake = trio.Event()
        self._wake_notices = trio.Event()
        self._busy: dict[str, _Turn] = {}  # by recipient domain
        self._blocked: dict[str, _Blocked] = {}  # by recipient domain
        self._hosts: dict[str, tuple[Hashable, float]] = {}  # recipient domain: its host, known until
        self._put_off: dict[str, tuple[int, str]] = {}  # recipient domain: end and reason of its host's pause
        self._serving = False  # attempts may begin
        ctx.load.on_free = self._host_free
        self.sessions = SessionCounts(ctx)
        self.blocks = Blocks()
        self._offers = Offers(ctx)
        self._unwritten: dict[int, Ended] = {}  # outcomes that the database could not write (QUEUE-157)

    def changed(self) -> None:
        """Look again for due attempts and DSNs."""
        self._wake.set()
        self._wake_notices.set()
        self._also()

    @property
    def busy_domains(self) -> frozenset[str]:
        """Recipient domains with an attempt under way."""
        return frozenset(self._busy)

    def waits_of(self, domain: str, now: int) -> str:
        """Why a recipient domain waits, for people; "" for no known reason."""
        if domain in self._blocked:
            return "its host has as many connections of ours as it gets; one of them must be free first"
        until, text = self._put_off.get(domain, (0, ""))
        return text if until > now else ""

    @property
    def waiting_domains(self) -> int:
        """Number of recipient domains that wait for a connection to their host to end."""
        return len(self._blocked)

    async def serve(self, attempts: trio.Nursery) -> None:
        """Make attempts, each a task of `attempts`, for ever.

        To end: cancel this task; the nursery then has `queue.shutdown_grace`, and attempts cancelled in it are put back
        (QUEUE-15).

        Errors: exceptions of the database are raised. Attempts under way continue; a restarted `serve` reads the due
        rows again.
        """
        self._serving = True
        self._ctx.load.set_keeping(keeps=True)
        try:
            while True:
                self._wake = trio.Event()
                await self._write_unwritten()
                seconds = await self._start_due(attempts)
                with trio.move_on_after(min(seconds, RECHECK_SECONDS)):
                    await self._wake.wait()
        finally:
            self._serving = False
            self._ctx.load.set_keeping(keeps=False)

    async def _start_due(self, attempts: trio.Nursery) -> float:
        """Start due attempts up to the limits; returns the seconds until more may be due."""
        while self._room(retry=False):
            room_for_retries = self._room(retry=True)
            now = self._ctx.clock()
            asked = partial(
                usable,
                busy={*self._busy, *self._blocked},
                retries=room_for_retries,
                unwritten=set(self._unwritten),
                now=now,
            )
            found = await self._database.read(asked, op="queue due")
            due = [candidate for candidate in found if candidate.next_attempt <= now]
            if not due:
                seconds = (found[0].next_attempt - now) / SECOND if found else float("inf")
                return seconds if room_for_retries else min(seconds, self._relief())
            for candidate in due:
                retry = candidate.attempts > 0
                if candidate.domain in self._busy or candidate.domain in self._blocked or not self._room(retry=retry):
                    continue
                if (host := self._full_host_of(candidate.domain)) is not None:
                    self._blocked[candidate.domain] = _Blocked(host, retry)
                    continue
                self._busy[candidate.domain] = _Turn(retry, trio.current_time())
                attempts.start_soon(self._deliver, candidate)
        return self._relief()

    def _room(self, *, retry: bool) -> bool:
        """Whether another attempt may begin. Retries use at most half of `max_concurrent_deliveries`, and silent
        attempts only the larger limit of all attempts, so that neither delays the others (QUEUE-14).
        """
        limit = self._ctx.config.current.static.queue.max_concurrent_deliveries
        turns = list(self._busy.values())
        if retry:
            turns, limit = [turn for turn in turns if turn.retry], max(1, limit // 2)
        now = trio.current_time()
        return sum(not turn.silent(now) for turn in turns) < limit and len(turns) < limit * ROOM_WITH_SILENT

    def _relief(self) -> float:
        """Seconds until the next running attempt counts as silent."""
        now = trio.current_time()
        return min(
            (
                turn.since + SILENT_SECONDS - now
                for turn in self._busy.values()
                if not turn.answered and not turn.silent(now)
            ),
            default=float("inf"),
        )

    async def _deliver(self, candidate: Candidate) -> None:
        """Make one attempt, from marking to its outcome; then offer its open connection to other attempts."""
        ended = False
        left_open: OpenConnection | None = None
        try:
            with bind_cid(new_cid()), guard("queue"):
                try:
                    left_open = await self._deliver_batch(candidate)
                    ended = True
                except StoreError as exc:
                    logger.error("queue database failed", extra={"kv": {"err": exc, "msg": candidate.id}})
            if not ended:
                await trio.sleep(FAILED_SECONDS)  # the domain stays busy meanwhile, because its row is still due
        finally:
            del self._busy[candidate.domain]
            self.changed()
        if left_open is not None:
            await self._ctx.load.keep(left_open)

    async def _deliver_batch(self, candidate: Candidate) -> OpenConnection | None:
        """Make an attempt for the candidate and its batch; returns the open connection, if it is good for more
        messages.
        """
        policy = policy_of(self._ctx)
        ids, waits = await self._group(candidate.id, policy)
        marked = await self._mark(ids, policy)
        if not marked:
            return None
        batch = self._batch(marked)
        followers: list[Attempt] = []

        async def follow(before: Attempt, transport: str) -> Attempt | None:
            # An attempt may last until its own rows are due again: they must not be tried twice in it.
            tried = {message.id for one in (attempt, *followers) for message in one.batch.messages}
            more = await self._next_batch(before.batch.first, transport, tried)
            if more is None:
                return None
            followers.append(before.follow_up(more))
            return followers[-1]

        attempt = Attempt(self._ctx, batch, self._record, waits, follow)
        self._busy[candidate.domain].attempt = attempt
        try:
            await self._make(attempt)
            untried = attempt.waits_for
            if untried is not None and untried.until is None and self._ctx.load.full(untried.key):
                self._blocked[candidate.domain] = _Blocked(untried.key, candidate.attempts > 0)
                self._remember(candidate.domain, untried.key)
            for one in (attempt, *followers):
                self.sessions.note(one.batch.first, one.tls_results)
                await self._offers.note(one.batch.first, one.offers)
        except BaseException:
            if (connection := attempt.hand_over()) is not None:
                await self._ctx.load.hang_up(connection)
            raise
        return attempt.hand_over()

    async def _make(self, attempt: Attempt) -> None:
        """Make an attempt, and record its outcomes."""
        ended: list[Ended] | None = None
        try:
            with guard("queue"):
                ended = await attempt.run()
            if ended is None:
                ended = attempt.crashed()
        except BaseException:
            ended = attempt.interrupted()
            raise
        finally:
            await self._record(ended or [])

    async def _group(self, message_id: int, policy: Policy) -> tuple[list[int], Waiting | None]:
        """Renew old signatures of a message (AUTH-46); return the ids of its batch, and its delivery to one of our
        accounts or None.
        """
        group = await self._database.read(partial(together, message_id=message_id, now=policy.now), op="queue batch")
        if group.first is not None and group.waiting is None:
            await renew_signatures(self._ctx, self._database, group.first)
        return [one for one in group.ids if one not in self._unwritten], group.waiting

    async def _mark(self, ids: list[int], policy: Policy) -> tuple[Message, ...]:
        """Count an attempt, and record the failure of suppressed messages; returns the messages to attempt."""
        marked = Marked((), ())
        # Shielded: cancelled after the commit, the attempt would be counted but not made.
        with trio.move_on_after(RECORD_SECONDS, shield=True):
            marked = await self._database.write(partial(record.mark, ids=ids, policy=policy))
        self._moved({message.account for message in marked.messages})
        await self._record(list(marked.suppressed))
        return marked.messages

    async def _next_batch(self, before: Message, transport: str, tried: set[int]) -> Batch | None:
        """Mark and return the next due batch for the same domain and transport, without rows in `tried`. None without
        any, or during shutdown.
        """
        if not self._serving:
            return None
        policy = policy_of(self._ctx)
        snapshot = self._ctx.config.current

        def fits(message: Message) -> bool:
            return (
                message.require_tls is before.require_tls
                and message.is_dmarc_report == before.is_dmarc_report
                and choose_transport(snapshot, message, message.attempts)[0] == transport
                and not sender_domain_disabled(snapshot, message)
            )

        without = tried | set(self._unwritten)
        asked = partial(following, domain=before.rcpt_domain, unwritten=without, now=policy.now, fits=fits)
        while (found := await self._database.read(asked, op="queue following")) is not None:
            ids, _ = await self._group(found, policy)
            ids = [one for one in ids if one not in tried]
            if marked := await self._mark(ids, policy):
                return self._batch(marked)
        return None

    def _batch(self, marked: tuple[Message, ...]) -> Batch:
        content = partial(octets, self._database, marked[0])
        return Batch(marked, content, partial(seven_bit, self._ctx, self._database, marked[0]))

    def _remember(self, domain: str, host: Hashable) -> None:
        self._hosts.pop(domain, None)  # to the end of the order
        self._hosts[domain] = host, trio.current_time() + REMEMBERED_SECONDS
        if len(self._hosts) > MAX_REMEMBERED:
            del self._hosts[next(iter(self._hosts))]

    def _full_host_of(self, domain: str) -> Hashable | None:
        """The host of a recipient domain's recent attempt, if it still has its maximum of connections; else None."""
        host, until = self._hosts.get(domain, (None, 0.0))
        return host if trio.current_time() < until and self._ctx.load.full(host) else None

    def _host_free(self, key: Hashable) -> None:
        """Let one of the domains that wait for the host try: a connection to it has ended, or is free."""
        waiting = [domain for domain, blocked in self._blocked.items() if blocked.host == key]
        if waiting:
            del self._blocked[min(waiting, key=lambda domain: self._blocked[domain].retry)]  # among equals, the first
            self._wake.set()

    async def _record(self, ended: list[Ended]) -> None:
        """Record outcomes. If the database fails, they are kept in memory, so that nothing is sent twice. Shielded from
        cancellation.
        """
        if not ended:
            return
        _log(ended)
        policy = policy_of(self._ctx)
        self._note_put_off(ended, policy.now)
        self._note_blocks(ended, policy.now)
        written = False
        with trio.move_on_after(RECORD_SECONDS, shield=True):
            try:
                await self._finish(ended, policy)
                written = True
                self._moved({one.message.account for one in ended})
            except StoreError as exc:
                logger.error("outcome of a delivery cannot be stored", extra={"kv": {"err": exc}})
            finally:
                if not written:
                    self._unwritten.update((one.message.id, one) for one in ended)

    async def _finish(self, ended: list[Ended], policy: Policy) -> None:
        limits_of = limits_from(self._ctx.config.current)
        self._stopped(await self._database.write(lambda tx: finish(tx, ended, policy, limits_of)))

    def _note_blocks(self, ended: list[Ended], now: int) -> None:
        for one in ended:
            if one.blocked:
                result = one.result
                self.blocks.note(meaning_of(result), result.host, result.reply or result.error, now)
            elif one.verdict is Verdict.DELIVERED:
                self.blocks.end(one.result.host)

    def _note_put_off(self, ended: list[Ended], now: int) -> None:
        for one in ended:
            if one.until > now:
                self._put_off.pop(one.message.rcpt_domain, None)  # to the end of the order
                self._put_off[one.message.rcpt_domain] = (one.until, f"its host is left alone: {one.result.error}")
        while len(self._put_off) > MAX_PUT_OFF:
            del self._put_off[next(iter(self._put_off))]

    async def _write_unwritten(self) -> None:
        if not self._unwritten:
            return
        ended = list(self._unwritten.values())
        policy = policy_of(self._ctx)
        await self._finish(ended, policy)
        for one in ended:
            del self._unwritten[one.message.id]
        self.changed()  # DSNs may be due

    # DSNs

    async def serve_notices(self) -> None:
        """Store the due DSNs, for ever.

        Errors: exceptions of the queue's database are raised; a DSN that its account does not take is tried again
        later.
        """
        while True:
            self._wake_notices = trio.Event()
            due = await self._database.read(
                lambda r: record.dsns_due(r, self._ctx.clock(), NOTICES_AT_ONCE), op="queue notices"
            )
            for message in due:
                await self._tell(message)
            if due:
                continue
            when = await self._database.read(lambda r: r.value(NEXT_NOTICE), op="queue next notice")
            seconds = RECHECK_SECONDS if when is None else max(0.0, (when - self._ctx.clock()) / SECOND)
            with trio.move_on_after(min(seconds, RECHECK_SECONDS)):
                await self._wake_notices.wait()

    async def _tell(self, message: Message) -> None:
        """Store one DSN, then record that: after a crash in between it is stored again under the same key, which
        changes nothing. The DSN reports on all recipients of the submission with the same kind of DSN due.
        """
        policy = policy_of(self._ctx)
        current = await self._database.read(lambda r: record.get(r, message.id), op="queue notice")
        if current is None or current.dsn_due != message.dsn_due:
            return  # part of another DSN
        messages = await self._database.read(lambda r: record.alike(r, current), op="queue notice")
        stored = False
        with guard("queue"):
            try:
                await deliver_notice(self._ctx, self._database, messages)
                stored = True
            except StoreError as exc:
                facts = {"err": exc, "msg": message.id, "kind": message.dsn_due}
                logger.error("dsn cannot be stored", extra={"kv": facts})
        given_up = policy.now - (message.last_attempt or message.queued) > NOTICE_LIFE
        if stored or given_up:
            await self._database.write(lambda tx: record.told(tx, messages, policy))
            self._moved({message.account})
            self._wake.set()  # the DSN may be a message of the queue
            self._also()
        else:
            until = policy.now + NOTICE_RETRY
            await self._database.write(lambda tx: record.postpone_dsn(tx, messages, until))


def _log(ended: list[Ended]) -> None:
    """Log a line for each message: host, TLS, reply, its meaning, and advice."""
    for one in ended:
        result, message = one.result, one.message
        found = meaning_of(result) if result.error else UNNAMED
        status = f"{str(result.code)[0]}.{result.secode}" if result.code and result.secode else ""
        reply = " ".join(part for part in (str(result.code or ""), status, result.reply.replace("\n", " ")) if part)
        logger.info(
            "delivery attempt ended",
            extra={
                "kv": {
                    "err": result.error or None,
                    "msg": message.id,
                    "verdict": one.verdict.value,
                    "attempt": message.attempts,
                    "sender": message.sender_address or "<>",
                    "recipient": message.recipient_address,
                    "transport": result.transport or None,
                    "detour": one.transport or None,
                    "host": result.host or None,
                    "ip": result.ip or None,
                    "tls": result.tls or None,
                    "policy": result.policy or None,
                    "reply": reply[:MAX_LOGGED_REPLY] or None,
                    "cause": found.cause.value if result.error else None,
                    "todo": found.admin or None,
                    "tlsfailures": " ".join(result.tls_failures) or None,
                    "seconds": result.duration / SECOND,
                }
            },
        )
