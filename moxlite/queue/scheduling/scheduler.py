"""Scheduling of due attempts: at most one per recipient domain, a bounded number at a time (QUEUE-13..16).

Theory of operation
-------------------
The database is the only list of work: a row is due when its `next_attempt` has passed, and memory holds nothing that a
restart would miss. `Scheduler.serve`, a task of the server's supervisor, reads the first due rows of domains that are
free, starts a task for each, and sleeps until the next row is due or `changed` is called. Each attempt is a task in a
nursery that outlives a failure of `serve`, so that an error of the scheduler ends no SMTP session.

An attempt goes through two commits at most. `mark` counts it and sets the next time of the row, before a connection
is made: a message that kills the server is not tried at once for ever. Then the rows of the same submission and domain
go out in one SMTP transaction. Then `Outcomes` records what became of each recipient; what the database cannot take is
kept in memory and written first of all, and such rows are left out of every read until then, so that a full disk
doubles no message.

Most messages leave at the first attempt within a second, and `mark` would be a third of their commits. Their attempt is
only noted in memory (`begin`); the commit of the outcome counts it, or after `SEEN_SECONDS` one that shows it to
people. What a kill does then, by its time:

- before the message was committed: its submitter has no reply, and submits it again.
- until the final dot is sent: the row is due after the start. No host has the message.
- from the final dot until the outcome is committed: the host may have it, and gets it again. This is the one point at
  which a message is doubled (QUEUE-1), and a mark does not prevent it: no record of ours says whether the host has the
  message, so a marked row goes out again as well (QUEUE-15a). What makes this point shorter is to commit the outcome
  right after the host's reply. Deliveries to our accounts have keys, and are not doubled.
- after that: the row is gone, or waits for its next time.

So a mark prevents no duplicate by itself. It is needed for three things, which keep it: a message that was in the queue
when the process started may be what has killed the process before (one kill more than with a mark, then it has one); a
retry takes its place in the schedule before it is made; and while an outcome could not be written, a commit before the
attempt shows whether the outcome of the next one could.

`Turns` decides who may begin. One attempt per domain keeps the order of mail and the number of connections to a host
low. Retries take at most half of the room, since a thousand dead hosts must not delay a new message; an attempt whose
host says nothing stops counting after `SILENT_SECONDS`, within a larger limit that bounds descriptors. A domain whose
host has all its connections waits without an attempt until one is free.

A connection that is good for more is offered to the domain's next batch (`follow`), else kept for others of its host.
"""

import logging
from collections.abc import Awaitable, Callable, Hashable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite import lazyimport
from moxlite.net.admission import guard
from moxlite.net.log import bind_cid, new_cid
from moxlite.queue import record
from moxlite.queue.context import Context
from moxlite.queue.data.content import octets
from moxlite.queue.data.rows import Message
from moxlite.queue.guard.stops import Stop
from moxlite.queue.hosts.load import OpenConnection
from moxlite.queue.localdelivery import waiting
from moxlite.queue.notices import Notices
from moxlite.queue.record import AttemptOutcome, MarkResult, Policy, policy_of
from moxlite.queue.reports.counting import SessionCounts
from moxlite.queue.schedule import SECOND
from moxlite.queue.scheduling.due import RECORD_SECONDS, Candidate, Outcomes, following, together, usable
from moxlite.queue.sending.routing import choose_transport, sender_domain_disabled
from moxlite.queue.sending.session import Batch
from moxlite.queue.signing import renew_signatures, seven_bit
from moxlite.store.delivery.reputation import set_domain_tls
from moxlite.store.errors import StoreError
from moxlite.store.file.database import Database

if TYPE_CHECKING:
    from moxlite.queue.attempt import Attempt

logger = logging.getLogger("moxlite.queue.scheduler")

SEEN_SECONDS: Final = 1.0
"""Seconds after which an attempt under way is counted in the database if it was begun without that, for people."""

RECHECK_SECONDS: Final = 3600.0
"""Maximum seconds of sleep. `changed` ends it, also after a clock change or sleep of the machine (QUEUE-16): an idle
queue wakes no task.
"""

FAILED_SECONDS: Final = 60.0
"""Seconds until a recipient domain is tried again, or attempts under way are counted, after an error of the database
(QUEUE-14).
"""


class Scheduler:
    """Makes the attempts and has DSNs stored. `changed` is called after each commit that may make something due.

    Attributes:
      turns: the recipient domains that take part now. outcomes: of the attempts.
      notices: stores due DSNs. sessions: counts of TLS sessions, for reports.
    """

    def __init__(
        self,
        ctx: Context,
        database: Database,
        newest: int,
        also: Callable[[], None],
        moved: Callable[[set[str]], None],
        stopped: Callable[[list[Stop]], None],
    ) -> None:
        """`newest`: the highest id of a message when the queue was opened. `also` is called with each `changed`,
        `moved` with the accounts whose messages have another status, `stopped` with new stops of the guard.
        """
        self._moved = moved
        self._ctx = ctx
        self._database = database
        self._unmarked = UncountedAttempts(newest)
        self._also = also
        self._wake = trio.Event()
        self._serving = False  # attempts may begin
        self._offers = Offers(ctx)
        self.turns = Turns(ctx, self._look)
        self.outcomes = Outcomes(ctx, database, moved, stopped)
        self.notices = Notices(ctx, database, self.changed, moved)
        self.sessions = SessionCounts(ctx)

    def changed(self) -> None:
        """Look again for due attempts and DSNs."""
        self._look()
        self.notices.changed()
        self._also()

    def _look(self) -> None:
        self._wake.set()

    def waits_of(self, domain: str, now: int) -> str:
        """Why a recipient domain waits at `now` (µs UTC), for people; "" for no known reason."""
        if domain in self.turns.blocked:
            return "connection limit for its host reached; waiting for a free connection"
        return self.outcomes.put_off(domain, now)

    async def serve(self, attempts: trio.Nursery) -> None:
        """Make attempts, each a task of `attempts`, for ever.

        To end: cancel this task; the nursery then has `queue.shutdown_grace`, and attempts cancelled in it are put back
        (QUEUE-15).

        Errors: exceptions of the database are raised, except while late attempts are counted. Attempts under
        way continue; a restarted `serve` reads the due rows again.
        """
        self._serving = True
        self._ctx.load.set_keeping(keeps=True)
        try:
            while True:
                self._wake = trio.Event()
                if await self.outcomes.write_unwritten():
                    self.changed()  # DSNs may be due
                seconds = await self._start_due(attempts)
                seconds = min(seconds, await self._mark_late(), RECHECK_SECONDS)
                # What was to be done in a moment may be late by now: a commit takes time.
                with trio.move_on_after(max(0.0, seconds)) as self._unmarked.sleep:
                    await self._wake.wait()
        finally:
            self._serving = False
            self._ctx.load.set_keeping(keeps=False)

    async def _mark_late(self) -> float:
        """Count attempts in the database that were begun without, `SEEN_SECONDS` ago; returns the seconds until others
        are so old, below 0 if they are by now.
        """
        late = self._unmarked.late()
        if late:
            try:
                counted = partial(record.mark_late, ids=late, policy=policy_of(self._ctx))
                self._moved(await self._database.write(counted))
                self._unmarked.forget(late)
            except StoreError as exc:
                logger.error("failed to record running delivery attempts", extra={"kv": {"err": exc}})
                self._unmarked.put_off(late)
        return self._unmarked.first - trio.current_time()

    @property
    def _not_now(self) -> frozenset[int]:
        """Rows that are due in the database, and must not be attempted now: they may be sent already."""
        return self.outcomes.unwritten | self.turns.under_way

    async def _start_due(self, attempts: trio.Nursery) -> float:
        """Start due attempts up to the limits; returns the seconds until more may be due."""
        while self.turns.room(retry=False):
            room_for_retries = self.turns.room(retry=True)
            now = self._ctx.clock()
            asked = partial(
                usable,
                busy={*self.turns.busy, *self.turns.blocked},
                retries=room_for_retries,
                without=self._not_now,
                now=now,
            )
            candidates = await self._database.read(asked, op="queue due")
            due = [candidate for candidate in candidates if candidate.next_attempt <= now]
            if not due:
                if self.turns.let_go():
                    continue
                seconds = (candidates[0].next_attempt - now) / SECOND if candidates else float("inf")
                return seconds if room_for_retries else min(seconds, self.turns.relief())
            for candidate in due:
                # A domain that is refused here is busy or blocked from now on: the next read leaves it out, so the loop
                # ends.
                if self.turns.begin(candidate.domain, retry=candidate.attempts > 0):
                    attempts.start_soon(self._deliver, candidate)
        return self.turns.relief()

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
            # Before the connection is offered: the next attempt for this domain may be the one that takes it.
            self._unmarked.forget(self.turns.end(candidate.domain))
            self.changed()
        if left_open is not None:
            await self._ctx.load.keep(left_open)

    async def _deliver_batch(self, candidate: Candidate) -> OpenConnection | None:
        """Make an attempt for the candidate and its batch; returns the open connection, if it is good for more
        messages.
        """
        await lazyimport.load("moxlite.queue.attempt")
        from moxlite.queue.attempt import Attempt  # the first message loads it

        domain, policy = candidate.domain, policy_of(self._ctx)
        ids, waits = await self._group(candidate.id, policy)
        begun = await self._begin(domain, ids, policy)
        if not begun:
            return None
        batch = self._batch(begun)
        followers: list[Attempt] = []

        async def keep(ended: list[AttemptOutcome]) -> None:
            await self._record(domain, ended)

        async def follow(before: Attempt, transport: str) -> Attempt | None:
            # An attempt may last until its own rows are due again: they must not be tried twice in it.
            tried = {message.id for one in (attempt, *followers) for message in one.batch.messages}
            more = await self._next_batch(before.batch.first, transport, tried)
            if more is None:
                return None
            followers.append(before.follow_up(more))
            return followers[-1]

        read = partial(self._database.read, partial(waiting, message_id=batch.first.id), op="queue local")
        attempt = Attempt(self._ctx, batch, keep, read if waits else None, follow)
        self.turns.attempting(domain, attempt)
        try:
            await self._make(attempt, keep)
            untried = attempt.waits_for
            if untried is not None and untried.until is None:
                self.turns.wait_for(domain, untried.key, retry=candidate.attempts > 0)
            for one in (attempt, *followers):
                self.sessions.note(one.batch.first, one.tls_results)
                await self._offers.note(one.batch.first, one.offers)
        except BaseException:
            if (connection := attempt.hand_over()) is not None:
                await self._ctx.load.hang_up(connection)
            raise
        return attempt.hand_over()

    async def _make(self, attempt: "Attempt", keep: Callable[[list[AttemptOutcome]], Awaitable[None]]) -> None:
        """Make an attempt, and record its outcomes."""
        ended: list[AttemptOutcome] | None = None
        try:
            with guard("queue"):
                ended = await attempt.run()
            if ended is None:
                ended = attempt.crashed()
        except BaseException:
            ended = attempt.interrupted()
            raise
        finally:
            await keep(ended or [])

    async def _record(self, domain: str, ended: list[AttemptOutcome]) -> None:
        """Record outcomes, then give their rows free. Shielded from cancellation."""
        ids = [attempt_outcome.message.id for attempt_outcome in ended]
        self._unmarked.forget(ids)  # this transaction counts them, and a later one must not count them again
        try:
            await self.outcomes.record(ended)
        finally:
            self.turns.let_out(domain, ids)

    async def _group(self, message_id: int, policy: Policy) -> tuple[list[int], bool]:
        """Renew old signatures of a message (AUTH-46); return the ids of its batch, and whether it is a delivery to one
        of our accounts.
        """
        group = await self._database.read(partial(together, message_id=message_id, now=policy.now), op="queue batch")
        if group.first is not None and not group.waiting:
            # Before `mark`: an error of the database, or a kill while a long message is signed, costs no attempt.
            await renew_signatures(self._ctx, self._database, group.first)
        not_now = self._not_now
        return [one for one in group.ids if one not in not_now], group.waiting

    async def _begin(self, domain: str, ids: list[int], policy: Policy) -> tuple[Message, ...]:
        """Take messages into the turn of a domain and count an attempt, if need be in the database; returns the
        messages to attempt.
        """
        self.turns.take_in(domain, ids)
        if not self.outcomes.unwritten:
            begun = await self._database.read(
                partial(record.begin, ids=ids, policy=policy, newest=self._unmarked.newest), op="queue begin"
            )
            if begun is not None:
                self._unmarked.add([message.id for message in begun])
                return begun
        return await self._mark(ids, policy)

    async def _mark(self, ids: list[int], policy: Policy) -> tuple[Message, ...]:
        """Count an attempt, and record the failure of suppressed messages; returns the messages to attempt."""
        marked = MarkResult((), ())
        # Shielded: cancelled after the commit, the attempt would be counted but not made.
        with trio.move_on_after(RECORD_SECONDS, shield=True):
            marked = await self._database.write(partial(record.mark, ids=ids, policy=policy))
        self._moved({message.account for message in marked.messages})
        await self.outcomes.record(list(marked.suppressed))
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

        without = tried | self._not_now
        asked = partial(following, domain=before.rcpt_domain, without=without, now=policy.now, fits=fits)
        while (found := await self._database.read(asked, op="queue following")) is not None:
            ids, _ = await self._group(found, policy)
            ids = [one for one in ids if one not in tried]
            if begun := await self._begin(before.rcpt_domain, ids, policy):
                return self._batch(begun)
        return None

    def _batch(self, begun: tuple[Message, ...]) -> Batch:
        content = partial(octets, self._database, begun[0])
        return Batch(begun, content, partial(seven_bit, self._ctx, self._database, begun[0]))


class UncountedAttempts:
    """The rows of first attempts under way that the database does not count yet, in memory.

    Attributes:
      newest: the highest id of a message when the queue was opened. sleep: of the scheduler.
    """

    def __init__(self, newest: int) -> None:
        self.newest = newest
        self.sleep = trio.CancelScope()
        self._due: dict[int, float] = {}  # by row, when it is to be counted, seconds of trio's clock

    def add(self, ids: Iterable[int]) -> None:
        """Note rows whose attempt begins now, and have the scheduler look after `SEEN_SECONDS`."""
        due = trio.current_time() + SEEN_SECONDS
        self._due.update(dict.fromkeys(ids, due))
        self.sleep.deadline = min(self.sleep.deadline, due)

    def late(self) -> list[int]:
        """Rows that are to be counted now."""
        now = trio.current_time()
        return [row for row, due in self._due.items() if due <= now]

    def put_off(self, ids: Iterable[int]) -> None:
        """Have rows counted later that could not be counted now; not those that were forgotten meanwhile."""
        due = trio.current_time() + FAILED_SECONDS
        self._due.update((row, due) for row in ids if row in self._due)

    def forget(self, ids: Iterable[int]) -> None:
        """Forget rows: they are counted, or no longer attempted."""
        for row in ids:
            self._due.pop(row, None)

    @property
    def first(self) -> float:
        """When the first is to be counted; infinite without any."""
        return min(self._due.values(), default=float("inf"))


# Recipient domains with an attempt under way, and those that wait for a connection to their full host: one attempt
# per domain and a bounded number at a time (QUEUE-13, QUEUE-14). In memory.


SILENT_SECONDS: Final = 5.0
"""Seconds after which an attempt whose host has not replied counts as silent, and no longer uses the normal limit of
attempts: working hosts send a greeting within one or two.
"""

ROOM_WITH_SILENT: Final = 3
"""Factor of `max_concurrent_deliveries` that limits all attempts, silent ones included; bounds file descriptors."""

REMEMBERED_SECONDS: Final = 60.0
"""Seconds for which a recipient domain counts as "its host is full". While the host is full, the domain waits without
an attempt, which would cost DNS look-ups and two commits.
"""

MAX_REMEMBERED: Final = 1000
"""Maximum number of such domains; beyond it the oldest are forgotten."""


class _Blocked(msgspec.Struct, frozen=True):
    """A recipient domain that waits for a connection to its full host, for a first attempt or a retry."""

    host: Hashable
    retry: bool


class _Turn(msgspec.Struct):
    """A running attempt of a domain. `since`: its start, seconds of trio's clock. `rows`: of its messages and those
    that follow, until their outcome is recorded.
    """

    retry: bool
    since: float
    attempt: "Attempt | None" = None
    rows: set[int] = msgspec.field(default_factory=set)

    def silent(self, now: float) -> bool:
        """Whether the attempt has run for `SILENT_SECONDS` without a reply of its host."""
        return now - self.since >= SILENT_SECONDS and not self.answered

    @property
    def answered(self) -> bool:
        """Whether the host has replied to EHLO."""
        return self.attempt is not None and self.attempt.greeted


class Turns:
    """The recipient domains that take part in sending now. `freed` is called when one that waited may begin."""

    def __init__(self, ctx: Context, freed: Callable[[], None]) -> None:
        self._ctx = ctx
        self._freed = freed
        self._busy: dict[str, _Turn] = {}  # by recipient domain
        self._blocked: dict[str, _Blocked] = {}  # by recipient domain
        self._hosts: dict[str, tuple[Hashable, float]] = {}  # recipient domain: its host, known until
        ctx.load.on_free = self._host_free

    @property
    def busy(self) -> frozenset[str]:
        """Recipient domains with an attempt under way."""
        return frozenset(self._busy)

    @property
    def under_way(self) -> frozenset[int]:
        """Rows in attempts under way. Through a linked mailbox these are of several domains, whose turns are free."""
        return frozenset(row for turn in self._busy.values() for row in turn.rows)

    def take_in(self, domain: str, ids: Iterable[int]) -> None:
        """Note rows that the turn of a domain attempts."""
        self._busy[domain].rows.update(ids)

    def let_out(self, domain: str, ids: Iterable[int]) -> None:
        """Forget rows whose outcome is recorded."""
        self._busy[domain].rows.difference_update(ids)

    @property
    def blocked(self) -> frozenset[str]:
        """Recipient domains that wait for a connection to their host to end."""
        return frozenset(self._blocked)

    def room(self, *, retry: bool) -> bool:
        """Whether another attempt may begin. Retries use at most half of `max_concurrent_deliveries`, and silent
        attempts only the larger limit of all attempts, so that neither delays the others (QUEUE-14).
        """
        limit = self._ctx.config.current.static.queue.max_concurrent_deliveries
        turns = list(self._busy.values())
        if retry:
            turns, limit = [turn for turn in turns if turn.retry], max(1, limit // 2)
        now = trio.current_time()
        return sum(not turn.silent(now) for turn in turns) < limit and len(turns) < limit * ROOM_WITH_SILENT

    def relief(self) -> float:
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

    def begin(self, domain: str, *, retry: bool) -> bool:
        """Begin the turn of a domain. False if it has one, if there is no room, or if it must wait for its host."""
        if domain in self._busy or domain in self._blocked or not self.room(retry=retry):
            return False
        host, until = self._hosts.get(domain, (None, 0.0))
        if host is not None and trio.current_time() < until and self._ctx.load.full(host):
            self._blocked[domain] = _Blocked(host, retry)
            return False
        self._busy[domain] = _Turn(retry, trio.current_time())
        return True

    def attempting(self, domain: str, attempt: "Attempt") -> None:
        """Note the attempt of a turn."""
        self._busy[domain].attempt = attempt

    def end(self, domain: str) -> set[int]:
        """End the turn of a domain; returns its rows whose outcome is not recorded."""
        return self._busy.pop(domain).rows

    def wait_for(self, domain: str, host: Hashable, *, retry: bool) -> None:
        """Have a domain wait for its host, if that still has its maximum of connections."""
        if not self._ctx.load.full(host):
            return
        self._blocked[domain] = _Blocked(host, retry)
        self._hosts.pop(domain, None)  # to the end of the order
        self._hosts[domain] = host, trio.current_time() + REMEMBERED_SECONDS
        if len(self._hosts) > MAX_REMEMBERED:
            del self._hosts[next(iter(self._hosts))]

    def let_go(self) -> bool:
        """Let domains try whose host has no connection of ours, and no domain with a turn that may make one: no end of
        a connection would tell them. Returns whether there were some.
        """
        coming = {self._hosts[domain][0] for domain in self._busy if domain in self._hosts}
        stuck = [
            domain
            for domain, blocked in self._blocked.items()
            if not self._ctx.load.connected(blocked.host) and blocked.host not in coming
        ]
        for domain in stuck:
            del self._blocked[domain]
        return bool(stuck)

    def _host_free(self, key: Hashable) -> None:
        """Let one of the domains that wait for the host try: a connection to it has ended, or is free."""
        waiting = [domain for domain, blocked in self._blocked.items() if blocked.host == key]
        if waiting:
            del self._blocked[min(waiting, key=lambda domain: self._blocked[domain].retry)]  # among equals, the first
            self._freed()


# TLS support of recipients' domains, recorded in the accounts of senders (QUEUE-57, QUEUE-58).


senderinfo_logger = logging.getLogger("moxlite.queue.senderinfo")

AGAIN: Final = 3600 * SECOND
"""µs for which the same support is not recorded again: a commit in the account per message would be one of five for the
message.
"""

MAX_KNOWN: Final = 10_000
"""Pairs of account and domain in memory; beyond that the oldest are forgotten, and recorded again."""


class Offers:
    """Records the TLS support that attempts have seen in the senders' accounts."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._noted: dict[tuple[str, str], tuple[tuple[bool, bool], int]] = {}

    async def note(self, message: Message, offers: tuple[bool, bool] | None) -> None:
        """Record in the sender's account whether the recipients' domain offers STARTTLS and REQUIRETLS, unless recorded
        lately. `offers`: None if no host replied to EHLO. A failure is only logged.
        """
        key, now = (message.account, message.rcpt_domain), self._ctx.clock()
        known, since = self._noted.get(key, (None, 0))
        if offers is None or not message.account or (offers == known and 0 <= now - since < AGAIN):
            return
        starttls, requiretls = offers
        try:
            async with self._ctx.accounts.use(message.account) as account:
                await account.write(
                    lambda tx: set_domain_tls(tx, message.rcpt_domain, starttls=starttls, requiretls=requiretls)
                )
        except StoreError as exc:
            senderinfo_logger.info(
                "failed to record domain TLS", extra={"kv": {"err": exc, "domain": message.rcpt_domain}}
            )
            return
        self._noted.pop(key, None)  # to the end of the order
        self._noted[key] = offers, now
        if len(self._noted) > MAX_KNOWN:
            del self._noted[next(iter(self._noted))]
