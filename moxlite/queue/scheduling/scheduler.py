"""Scheduling of due attempts: at most one per recipient domain, a bounded number at a time (QUEUE-13..16).

`Scheduler.serve`, a task of the server's supervisor, starts due attempts and sleeps until the next one is due. Each
attempt is a task in a nursery that outlives a failure of `serve`.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Final

import trio

from moxlite.net.connections import guard
from moxlite.net.log import bind_cid, new_cid
from moxlite.queue import record
from moxlite.queue.attempt import Attempt
from moxlite.queue.context import Context
from moxlite.queue.data.content import octets
from moxlite.queue.data.rows import Message
from moxlite.queue.guard.stops import Stop
from moxlite.queue.hosts.load import OpenConnection
from moxlite.queue.localdelivery.inbound import Waiting
from moxlite.queue.notices.serving import Notices
from moxlite.queue.record import Ended, Marked, Policy, policy_of
from moxlite.queue.reports.counting import SessionCounts
from moxlite.queue.schedule import SECOND
from moxlite.queue.scheduling.due import Candidate, following, together, usable
from moxlite.queue.scheduling.outcomes import RECORD_SECONDS, Outcomes
from moxlite.queue.scheduling.turns import Turns
from moxlite.queue.senderinfo import Offers
from moxlite.queue.sending.routing import choose_transport, sender_domain_disabled
from moxlite.queue.sending.session import Batch
from moxlite.queue.signing.resigning import renew_signatures
from moxlite.queue.signing.sevenbit import seven_bit
from moxlite.store.errors import StoreError
from moxlite.store.file.database import Database

logger = logging.getLogger("moxlite.queue.scheduler")

RECHECK_SECONDS: Final = 3600.0
"""Maximum seconds of sleep. `changed` ends it, also after a clock change or sleep of the machine (QUEUE-16): an idle
queue wakes no task.
"""

FAILED_SECONDS: Final = 60.0
"""Seconds until a recipient domain is tried again after an error of the database (QUEUE-14)."""


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
        also: Callable[[], None],
        moved: Callable[[set[str]], None],
        stopped: Callable[[list[Stop]], None],
    ) -> None:
        """`also` is called with each `changed`; `moved` with the accounts whose messages have another status; `stopped`
        with new stops of the guard.
        """
        self._moved = moved
        self._ctx = ctx
        self._database = database
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
            return "its host has as many connections of ours as it gets; one of them must be free first"
        return self.outcomes.put_off(domain, now)

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
                if await self.outcomes.write_unwritten():
                    self.changed()  # DSNs may be due
                seconds = await self._start_due(attempts)
                with trio.move_on_after(min(seconds, RECHECK_SECONDS)):
                    await self._wake.wait()
        finally:
            self._serving = False
            self._ctx.load.set_keeping(keeps=False)

    async def _start_due(self, attempts: trio.Nursery) -> float:
        """Start due attempts up to the limits; returns the seconds until more may be due."""
        while self.turns.room(retry=False):
            room_for_retries = self.turns.room(retry=True)
            now = self._ctx.clock()
            asked = partial(
                usable,
                busy={*self.turns.busy, *self.turns.blocked},
                retries=room_for_retries,
                unwritten=self.outcomes.unwritten,
                now=now,
            )
            found = await self._database.read(asked, op="queue due")
            due = [candidate for candidate in found if candidate.next_attempt <= now]
            if not due:
                seconds = (found[0].next_attempt - now) / SECOND if found else float("inf")
                return seconds if room_for_retries else min(seconds, self.turns.relief())
            for candidate in due:
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
            self.turns.end(candidate.domain)
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

        attempt = Attempt(self._ctx, batch, self.outcomes.record, waits, follow)
        self.turns.attempting(candidate.domain, attempt)
        try:
            await self._make(attempt)
            untried = attempt.waits_for
            if untried is not None and untried.until is None:
                self.turns.wait_for(candidate.domain, untried.key, retry=candidate.attempts > 0)
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
            await self.outcomes.record(ended or [])

    async def _group(self, message_id: int, policy: Policy) -> tuple[list[int], Waiting | None]:
        """Renew old signatures of a message (AUTH-46); return the ids of its batch, and its delivery to one of our
        accounts or None.
        """
        group = await self._database.read(partial(together, message_id=message_id, now=policy.now), op="queue batch")
        if group.first is not None and group.waiting is None:
            await renew_signatures(self._ctx, self._database, group.first)
        return [one for one in group.ids if one not in self.outcomes.unwritten], group.waiting

    async def _mark(self, ids: list[int], policy: Policy) -> tuple[Message, ...]:
        """Count an attempt, and record the failure of suppressed messages; returns the messages to attempt."""
        marked = Marked((), ())
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

        without = tried | self.outcomes.unwritten
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
