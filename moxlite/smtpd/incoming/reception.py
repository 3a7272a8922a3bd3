"""Delivery of one message into accounts: plans, storing, notices and deferred deliveries, and the reply
(SMTP-104..108).

The order keeps each promise: plans first; then accounts that accept, each in one unit, the first of them with the
notice about those that refuse for good; then one unit of queue.db with the deliveries that wait. Only then the reply is
250. If that last unit fails, the client gets a temporary error, and its second try is not stored again where the
message is already.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import trio

from moxlite.acceptance.cases import Case, expand
from moxlite.acceptance.evidence import Evidence
from moxlite.acceptance.gathering import Decided, Message, decide
from moxlite.acceptance.plan import ACCEPTED, Outcome, State, combined
from moxlite.acceptance.producers.judgement import is_forward
from moxlite.acceptance.producers.transaction import HIGH_RATE
from moxlite.mailauth.results import SPFStatus
from moxlite.proto import publicsuffix
from moxlite.proto.address import Domain
from moxlite.proto.smtp.replies import Response
from moxlite.smtpd import metrics, replies, trace
from moxlite.smtpd.incoming import blocklists
from moxlite.smtpd.incoming.prefix import common_of, mail_from_validation, prefix
from moxlite.smtpd.incoming.reports import Reports
from moxlite.smtpd.incoming.results import Noting, Results
from moxlite.smtpd.incoming.storing import Storing
from moxlite.smtpd.notices import failure_notice, receipt
from moxlite.smtpd.session import Session
from moxlite.smtpd.transaction import Transaction
from moxlite.smtpd.wire import Wire
from moxlite.store.content.prepare import Prepared
from moxlite.store.delivery.perform import Owed
from moxlite.store.errors import StoreError

logger = logging.getLogger("moxlite.smtpd.incoming.deliver")

AT_ONCE: Final = 8
"""Accounts written to at a time: each has a writer of its own, and 1000 recipients must not keep 1000 files open."""

UNJUDGED: Final = "unjudged"
"""Placeholder reason in the trace fields that the junk filter reads; the stored fields have the plan's reason."""

NOT_NOW: Final = Response(451, "4.3.0", ("some recipients cannot be served now, try again later",))


class Reception:
    """Delivery of one message to each account: `run` plans, stores, and answers."""

    def __init__(self, session: Session, transaction: Transaction, message: Message, evidence: Evidence) -> None:
        self._session = session
        self._transaction = transaction
        self._message = message
        self._evidence = evidence
        self._common = common_of(session, transaction, message.prepared, evidence)
        self._storing = Storing(session, transaction, message.prepared, self._common)
        self._results = Results(
            transaction.recipients,
            expand(
                session.snapshot,
                evidence,
                [(recipient.path, recipient.found) for recipient in transaction.recipients],
                simulated=session.context.localserve,
            ),
        )
        self._lists = blocklists.Once(session)
        self._reports = Reports(session.context.reports, message.prepared, evidence.checks, session.snapshot)
        self._told: set[int] = set()  # recipients named in a notice of failure
        self._receipted: set[int] = set()  # indexes of recipients in a notice of delivery

    async def run(self) -> Response:
        """Plan and perform; returns the one reply. A 250 means that everything is durable."""
        results = self._results
        by_account = results.by_account()
        await _each(by_account, lambda name: self._plan_account(name, by_account[name]))
        await self._let_wait()
        await self._perform()
        response = await self._owe()
        await self._reports.keep(results.decided[name] for name in results.in_state(State.ACCEPTED))
        sender = self._transaction.sender.host
        self._reports.evaluated(results.decided.values(), sender.ascii if isinstance(sender, Domain) else "")
        prepared = self._message.prepared
        messageid = prepared.index.envelope.message_id
        noting = Noting(self._session, self._transaction, prepared.size, self._evidence, messageid)
        for name, decided in results.decided.items():
            noting.account(decided, results.outcomes[name])
        if any(one.plan.junk or _is_too_much(one) for one in results.decided.values()):
            self._session.wire.slow = True  # SMTP-15
        for recipient in results.unknown():
            noting.unknown(recipient)
        return response

    # Planning

    async def _plan_account(self, name: str, numbers: list[int]) -> None:
        decisions: dict[int, Decided] = {}
        for number in numbers:
            decisions[number] = await decide(
                self._results.cases[number],
                self._message,
                self._session.context.accounts,
                self._session.snapshot,
                self._as_judged,
                self._lists.listed,
                self._reports.read,
                self._session.snapshot.static.rate_limits,
                self._session.context.sent,
            )
        self._results.decide(name, decisions)

    def _as_judged(self, case: Case) -> Prepared:
        return self._message.prepared.with_prefix(prefix(self._common, case, trace.reason_field(UNJUDGED)))

    async def _let_wait(self) -> None:
        """Delay an unknown sender (SMTP-97). No account is open meanwhile; the delay ends if the client disconnects.

        Raises Goodbye.
        """
        delay = self._session.smtp.first_time_sender_delay
        unknown = self._evidence.checks is not None and any(map(_is_first_contact, self._results.decided.values()))
        if delay and unknown:
            await linger(self._session.wire, delay)

    # Performing

    async def _perform(self) -> None:
        results = self._results
        if results.decided and not publicsuffix.loaded():  # once, at the first delivery
            await trio.to_thread.run_sync(publicsuffix.load)
        accepting = results.in_state(State.ACCEPTED)
        notice = await self._notice() if accepting else None
        while accepting and notice is not None:
            name = accepting.pop(0)
            await self._perform_at(name, (notice,))
            if results.outcomes[name].state is State.ACCEPTED:
                break
        await _each(accepting, self._perform_at)
        await _each(results.in_state(State.JUNK), self._keep_reject)

    async def _keep_reject(self, name: str) -> None:
        decided = self._results.decided
        await self._storing.keep_reject(decided[name], may_repeat=len(decided) > 1)

    async def _perform_at(self, name: str, owes: tuple[Owed, ...] = ()) -> None:
        """Perform the plan of an account, and set the account's outcome."""
        results = self._results
        asking = self._asking_for_receipts(name)
        self._receipted.update(asking)
        try:
            accepted_recipients = [self._transaction.recipients[index] for index in asking]
            notice = await receipt(self._session, self._transaction, self._message.prepared, accepted_recipients)
            owes = owes if notice is None else (*owes, notice)
            await self._storing.store(results.decided[name], owes, may_repeat=len(results.decided) > 1)
        except StoreError as error:
            self._receipted.difference_update(asking)
            logger.warning("message not stored", extra={"kv": {"account": name, "err": error}})
            reply = replies.store_reply(error)
            results.outcomes[name] = Outcome(State.REFUSED if reply.code >= 500 else State.LATER, reply)

    def _asking_for_receipts(self, name: str) -> list[int]:
        """Indexes of the account's recipients whose NOTIFY asks for success, without those already notified. Empty
        unless SPF confirms the sender's address: a forged one would send notices to strangers (SMTP-156).
        """
        if not self._sender_is_known:
            return []
        return [
            index
            for index in self._results.accepted_at(name)
            if "SUCCESS" in self._transaction.recipients[index].command.notify and index not in self._receipted
        ]

    # Notices and deferred deliveries

    async def _notice(self) -> Owed | None:
        """Make the notice about failed recipients that no earlier notice named; None without any."""
        failed = [one for one in self._results.failed() if id(one.recipient) not in self._told]
        self._told.update(id(one.recipient) for one in failed)
        if not failed:
            return None
        return await failure_notice(self._session, self._transaction, self._message.prepared, failed)

    async def _owe(self) -> Response:
        """Make notices and deferred deliveries durable; returns the reply."""
        received_id, results = self._session.dialogue.received_id, self._results
        accepted, later = results.in_state(State.ACCEPTED), results.in_state(State.LATER)
        if accepted:
            late = await self._notice()  # about recipients that were refused for good during storing
            told = late is None or await self._storing.owe(accepted[0], late)
            if not (told and (not later or await self._defer(later))):
                await _each(accepted, self._storing.expect_again)
                return NOT_NOW
            for name in later:
                results.outcomes[name] = Outcome(State.ACCEPTED, results.outcomes[name].reply)
        answers = results.answers()
        failed = [answer for answer in answers if answer is not None]
        if not failed:
            return Response(250, "2.0.0", (f"message accepted, id {received_id}",))
        if len(failed) == len(answers):
            return combined(failed)
        return Response(250, "2.0.0", (f"message accepted for some recipients, id {received_id}",))

    async def _defer(self, names: list[str]) -> bool:
        """Queue the deliveries that accounts cannot take now; False if the queue cannot take them."""
        results = self._results
        return await self._storing.defer(
            [
                self._storing.deferred(
                    results.decided[name],
                    results.outcomes[name],
                    known=self._sender_is_known,
                    receipted=self._receipted.issuperset(results.decided[name].case.indexes),
                )
                for name in names
            ]
        )

    @property
    def _sender_is_known(self) -> bool:
        """Whether SPF shows that the address of MAIL FROM is the sender's."""
        return mail_from_validation(self._evidence.checks) == SPFStatus.PASS.value


async def _each(names: Iterable[str], work: Callable[[str], Awaitable[None]]) -> None:
    """Do the work of each account, `AT_ONCE` at a time."""
    found = list(names)
    if len(found) == 1:
        await work(found[0])
        return
    limiter = trio.CapacityLimiter(AT_ONCE)

    async def one(name: str) -> None:
        async with limiter:
            await work(name)

    async with trio.open_nursery() as nursery:
        for name in found:
            nursery.start_soon(one, name)


def _is_too_much(decided: Decided) -> bool:
    """Whether the message is refused because the client's network sends too much (SMTP-81)."""
    return decided.plan.reply is not None and decided.plan.word == HIGH_RATE


def _is_first_contact(decided: Decided) -> bool:
    """Whether the account accepts, does not know the sender, and delays unknown senders."""
    case, plan = decided.case, decided.plan
    if plan.reply is not None or plan.word != ACCEPTED or is_forward(case) or case.accepted:
        return False
    if case.recipient.reports or (case.settings is not None and case.settings.no_first_time_sender_delay):
        return False
    return case.history is not None


# Delay of unknown senders before their first delivery (SMTP-97).


class _Waiting:
    """Number of clients that wait before their first delivery, over all listeners."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._number = 0

    def enter(self) -> bool:
        """Count one more client; False, and not counted, if the limit is reached."""
        if self._number >= self._limit:
            return False
        self._number += 1
        return True

    def leave(self) -> None:
        """Count one client less."""
        self._number -= 1


MAX_LINGERING: Final = 200
"""Maximum number of clients delayed at a time (SMTP-97): each uses a connection and a message."""

_waiting: Final = _Waiting(MAX_LINGERING)


async def linger(wire: Wire, seconds: float) -> None:
    """Delay an unknown sender; not if `MAX_LINGERING` clients wait already (SMTP-97).

    Raises Goodbye when the client disconnects, or the server stops.
    """
    if not _waiting.enter():
        metrics.delayed_total.labels(result="crowded").inc()
        return
    result = "gone"
    try:
        await wire.linger(seconds)
        result = "waited"
    finally:
        _waiting.leave()
        metrics.delayed_total.labels(result=result).inc()
