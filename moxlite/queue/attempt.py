"""One attempt to deliver a batch: its route, and the outcome of each message (QUEUE-7, 17, 30, 73)."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import trio

from moxlite.config.transports import Transport
from moxlite.net.admission import guard
from moxlite.proto.smtp.errors import SMTPError
from moxlite.queue import metrics
from moxlite.queue.bounces import Cause
from moxlite.queue.context import Context
from moxlite.queue.data.rows import Message, Result
from moxlite.queue.data.status import meaning_of
from moxlite.queue.hosts.load import HostUnavailable, OpenConnection
from moxlite.queue.localdelivery import ReadRow, deliver_local, deliver_to_loopback, deliver_waiting
from moxlite.queue.record import AttemptOutcome, Verdict
from moxlite.queue.schedule import attempts_left, max_attempts_of
from moxlite.queue.sending.direct import deliver_by_link, deliver_by_relay, deliver_direct, relay_of
from moxlite.queue.sending.routing import course_of, direct_way, way_round
from moxlite.queue.sending.session import Batch, Outcomes, Postponed, Trace, cut_short, goes_well
from moxlite.queue.tls.results import PolicyResult
from moxlite.store.delivery.status import ReceiverKind
from moxlite.store.errors import StoreError
from moxlite.store.mail.links import LINKED

AFTER_DATA: Final = "interrupted after data"
"""The host may have accepted the message, so it may be delivered twice (QUEUE-15)."""

MAX_REPLY: Final = 2048
"""Characters kept of a reply (QUEUE-150)."""

MAX_TLS_FAILURES: Final = 10
"""Number of TLS failures kept with a result."""

MAX_ATTEMPT_LABEL: Final = 14
"""Highest attempt number with its own metric label; the default schedule has no more."""


class Attempt:
    """One attempt for a batch that `record.mark` has counted.

    ``record`` writes outcomes to queue.db; it is called for final outcomes as soon as they are known, and does not
    fail. The methods return the other outcomes.
    """

    def __init__(
        self,
        ctx: Context,
        batch: Batch,
        record: Callable[[list[AttemptOutcome]], Awaitable[None]],
        waiting: ReadRow | None = None,
        follow: Callable[["Attempt", str], Awaitable["Attempt | None"]] | None = None,
    ) -> None:
        """`waiting`: reads the delivery to one of our accounts, None for other messages; its batch has one message.
        `follow`: returns the next attempt for the same domain by the named transport, made by `follow_up`.
        """
        self._follow = follow
        self._ctx = ctx
        self._waiting = waiting
        self.batch = batch
        self._record = record
        self._trace = Trace(self._keep)
        self._started = ctx.clock()
        self._began = trio.current_time()
        self._transport = ""
        self._direct = False
        self._taker = ReceiverKind.HOST
        self._waits_for: HostUnavailable | None = None

    async def run(self) -> list[AttemptOutcome]:
        """Make the attempt; returns the outcomes that are not recorded yet. Failures of hosts are outcomes.
        Cancellation passes through; `interrupted` then returns the outcomes.
        """
        messages = self.batch.messages
        try:
            outcomes = await self._deliver()
        except SMTPError as exc:
            outcomes = {message.id: exc for message in messages}
        except StoreError as exc:  # the message cannot be read, now or for good
            error = SMTPError(False, 0, "4.3.0", "content", str(exc) or "message is damaged or missing")
            outcomes = {message.id: error for message in messages}
        ended = [self._ended(message, outcomes.get(message.id)) for message in self._unsettled()]
        self._observe(outcomes | self._trace.settled)
        return ended

    def interrupted(self) -> list[AttemptOutcome]:
        """Outcomes of an attempt interrupted by a shutdown (QUEUE-15)."""
        self._measure("canceled")
        return [self._interrupted(message) for message in self._unsettled()]

    def crashed(self) -> list[AttemptOutcome]:
        """Outcomes of an attempt that failed by an exception in our code: temporary errors."""
        self._measure("error")
        error = SMTPError(False, 0, "4.3.0", "deliver", "server error; see the log")
        return [self._ended(message, error) for message in self._unsettled()]

    def follow_up(self, batch: Batch) -> "Attempt":
        """Make an attempt for another batch, already marked, over the connection of this one."""
        follower = Attempt(self._ctx, batch, self._record)
        follower._transport, follower._direct = self._transport, self._direct
        return follower

    async def deliver(self, send: Callable[[Trace], Awaitable[Outcomes]]) -> bool:
        """Implement `Follower.deliver`. If the host ends the connection between messages, no attempt is counted: the
        messages go over a new connection.
        """
        ended: list[AttemptOutcome] = []
        messages = self.batch.messages
        well = False
        try:
            with guard("queue"):
                try:
                    outcomes = await send(self._trace)
                except SMTPError as exc:
                    outcomes = {message.id: exc for message in messages}
                except StoreError as exc:
                    error = SMTPError(False, 0, "4.3.0", "content", str(exc) or "message is damaged or missing")
                    outcomes = {message.id: error for message in messages}
                well = goes_well(outcomes | self._trace.settled)
                if not self._trace.sent_all:
                    outcomes = {one: Postponed() if cut_short(error) else error for one, error in outcomes.items()}
                ended = [self._ended(message, outcomes.get(message.id)) for message in self._unsettled()]
                self._observe(outcomes | self._trace.settled)
            if not ended and self._unsettled():
                ended = self.crashed()
        except BaseException:
            ended = self.interrupted()
            raise
        finally:
            # In any case: a marked attempt without an outcome would show "delivering..." until a restart. The write is
            # shielded from cancellation.
            await self._record(ended)
        return well

    def _unsettled(self) -> list[Message]:
        return [message for message in self.batch.messages if message.id not in self._trace.settled]

    async def _keep(self, final: Outcomes) -> None:
        messages = [message for message in self.batch.messages if message.id in final]
        await self._record([self._ended(message, final[message.id]) for message in messages])

    @property
    def offers(self) -> tuple[bool, bool] | None:
        """Whether the recipients' own host offers STARTTLS and REQUIRETLS; None without a reply to EHLO (QUEUE-57)."""
        return self._trace.at.offers if self._direct else None

    @property
    def tls_results(self) -> tuple[PolicyResult, ...]:
        """TLS sessions of the attempt, for TLS reports (QUEUE-120)."""
        return self._trace.tally.results()

    async def _deliver(self) -> Outcomes:
        ctx, batch, trace = self._ctx, self.batch, self._trace
        snapshot = ctx.config.current
        first = batch.first
        if self._waiting is not None:
            self._taker = ReceiverKind.ACCOUNT
            return await deliver_waiting(ctx, batch, self._waiting, trace)
        course = course_of(snapshot, first, first.attempts - 1, localserve=ctx.loopback is not None)
        self._transport = course.name
        if course.error is not None:
            raise course.error
        if ctx.loopback is not None:
            return await deliver_to_loopback(ctx, batch, trace, ctx.loopback)
        if course.transport is not None and (relay := relay_of(course.transport)) is not None:
            self._taker = ReceiverKind.RELAY
            return await deliver_by_relay(ctx, batch, trace, course.name, *relay)
        if course.kind == "link":
            self._taker = ReceiverKind.RELAY
            return await deliver_by_link(ctx, batch, trace, course.name)
        if course.kind == "local":
            self._taker = ReceiverKind.ACCOUNT
            return await deliver_local(ctx, batch, trace)
        return await self._directly(course.transport)

    async def _directly(self, transport: Transport | None) -> Outcomes:
        self._direct = True
        if self._follow is not None:
            self._trace.follow = partial(self._follow, self, self._transport)
        return await deliver_direct(self._ctx, self.batch, self._trace, direct_way(self._ctx, transport))

    def _result(self, *, error: SMTPError | None, text: str = "") -> Result:
        trace = self._trace
        success = error is None and not text
        code, ecode, reply = 0, "", ""
        if error is not None and error.code:
            code, ecode, reply = error.code, error.ecode, "\n".join((error.line, *error.more_lines))
        elif error is not None:
            ecode = error.ecode
        elif success and trace.taken is not None:
            code, ecode, reply = trace.taken.code, trace.taken.ecode, "\n".join(trace.taken.lines)[:MAX_REPLY]
        return Result(
            start=self._started,
            # By the monotonic clock: the wall clock may be set during an attempt.
            duration=int((trio.current_time() - self._began) * 1_000_000),
            success=success,
            command=error.command if error is not None else "",
            code=code,
            secode=ecode.partition(".")[2],
            error=text or (str(error) if error is not None else ""),
            reply=reply,
            transport=self._transport,
            host=trace.at.host,
            ip=trace.at.ip,
            tls=trace.at.tls,
            policy=trace.at.tls_words
            or ("clear" if trace.at.greeted and self._taker is not ReceiverKind.ACCOUNT else ""),
            tls_failures=tuple(dict.fromkeys(map(str, trace.tally.failures())))[:MAX_TLS_FAILURES],
            handed=self._taker if success else ReceiverKind.NOBODY,
        )

    def _ended(self, message: Message, error: SMTPError | None) -> AttemptOutcome:
        if error is None:
            verdict = Verdict.DELIVERED
        elif isinstance(error, Postponed):
            verdict = Verdict.UNCOUNTED
        elif isinstance(error, HostUnavailable) and not _too_old(self._ctx, message):
            self._waits_for = error
            return AttemptOutcome(message, Verdict.UNCOUNTED, self._result(error=error), until=error.until or 0)
        else:
            verdict = Verdict.PERMANENT if error.permanent else Verdict.TEMPORARY
        own = self._taker is ReceiverKind.ACCOUNT
        # Of deliveries to our own accounts the queue itself sends the DSN, though the server at the other end of the
        # pipe offers DSN as well (QUEUE-172).
        promised = self._trace.promises and not own
        result = self._result(error=error)
        blocked = self._direct and not result.success and meaning_of(result).cause is Cause.BLOCKED_IP
        detour = way_round(self._ctx.config.current, message) if blocked else ""
        # A block met on the way round counts like any other: a second detour could go on for ever.
        if detour == self._transport:
            detour = ""
        elif detour:
            verdict = Verdict.TEMPORARY
        dialed = tuple(self._trace.dialed)
        return AttemptOutcome(
            message, verdict, result, dialed, promised=promised, own=own, transport=detour, blocked=blocked
        )

    def hand_over(self) -> OpenConnection | None:
        """Return the open connection, if it is good for more messages; the caller then owns it."""
        connection, self._trace.left_open = self._trace.left_open, None
        return connection

    @property
    def greeted(self) -> bool:
        """Whether a host has replied to EHLO, after STARTTLS if TLS is used."""
        return self._trace.at.greeted

    @property
    def waits_for(self) -> HostUnavailable | None:
        """The error of an attempt without a connection (host busy or paused), else None."""
        return self._waits_for

    def _interrupted(self, message: Message) -> AttemptOutcome:
        if self._trace.sent_all:
            result = self._result(error=None, text=AFTER_DATA)
            return AttemptOutcome(message, Verdict.TEMPORARY, result, tuple(self._trace.dialed))
        return AttemptOutcome(message, Verdict.UNCOUNTED, self._result(error=None))

    def _observe(self, outcomes: Outcomes) -> None:
        errors = [error for error in outcomes.values() if error is not None]
        if not errors:
            result = "ok"
        elif len(errors) < len(outcomes):
            result = "okpartial"
        elif errors[0].permanent:
            result = "permerror"
        else:
            result = "timeout" if errors[0].ecode == "4.4.2" else "temperror"
        self._measure(result)

    def _measure(self, result: str) -> None:
        metrics.deliveries.labels(
            attempt=str(min(self.batch.first.attempts, MAX_ATTEMPT_LABEL)),
            transport="link" if self._transport.startswith(LINKED) else self._transport,
            tlsmode=self._trace.at.tls_mode,
            result=result,
        ).observe(trio.current_time() - self._began)


def _too_old(ctx: Context, message: Message) -> bool:
    """Whether the message has waited longer than the whole schedule. An attempt without a connection then counts too;
    else a host that is always paused would keep the message for ever.
    """
    queue = ctx.config.current.static.queue
    left = attempts_left(0, max_attempts_of(message.max_attempts, queue.max_attempts), 0, queue.retry_delays)
    return ctx.clock() - message.queued > left[-1]
