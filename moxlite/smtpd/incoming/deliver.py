"""An incoming message after its last octet: checks, one plan per account, storing, and the reply (SMTP-73..80,
104..108).

The reply is 250 only after the commit in each account that accepts; notices and deliveries that wait are durable before
it, too. A commit is shielded from cancellation, so a shutdown cannot leave a message stored that the client was told is
not (SMTP-44).
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Final

import trio

from moxlite.acceptance.cases import INDIRECT, Case, Envelope, Evidence, expand
from moxlite.acceptance.checks import Checks, check_sender, from_domains
from moxlite.acceptance.gathering import Decision, Message, decide, evidence_of
from moxlite.acceptance.plan import ACCEPTED, Outcome, State, combined
from moxlite.acceptance.producers.judgement import (
    HIGH_RATE,
    JUNK_REFUSED,
    LATER as DMARC_LATER,
    REFUSED as DMARC_REFUSED,
    is_forward,
)
from moxlite.admin.delivery.consent import read_answer
from moxlite.admin.delivery.peers import PeerFailed
from moxlite.config.snapshot import PeerRecipient, UnknownLocalpart
from moxlite.mailauth.dkim.message import Message as SignedMessage
from moxlite.mailauth.results import DMARCStatus, SPFStatus
from moxlite.proto import publicsuffix
from moxlite.proto.address import Address, AddressKey, Domain
from moxlite.proto.mime.automatic import automatic
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.types import MIMEError
from moxlite.proto.smtp.conversation import Recipient, Transaction as Passing
from moxlite.proto.smtp.replies import OwnFault, Response
from moxlite.smtpd import metrics, replies, trace
from moxlite.smtpd.incoming import blocklists
from moxlite.smtpd.incoming.blocklists import question_of
from moxlite.smtpd.incoming.prefix import common_of, mail_from_validation, prefix
from moxlite.smtpd.incoming.reports import Reports
from moxlite.smtpd.incoming.results import DeliveryLog, Results
from moxlite.smtpd.incoming.storing import CopyWriter
from moxlite.smtpd.notices import failure_notice, receipt, send_home
from moxlite.smtpd.replies import Refused, refuse
from moxlite.smtpd.session import Session, Transaction
from moxlite.smtpd.wire import Wire
from moxlite.store.content.prepare import PreparedMessage, prepare
from moxlite.store.content.spool import Spool
from moxlite.store.content.spoolheader import look_at, read_header
from moxlite.store.content.spoolmemory import WRITE_SIZE
from moxlite.store.delivery.perform import OwedRow
from moxlite.store.errors import StoreError

# Delivery of one message into accounts: plans, storing, notices and deferred deliveries, and the reply (SMTP-104..108).
#
# The order keeps each promise: plans first; then accounts that accept, each in one unit, the first of them with the
# notice about those that refuse for good; then one unit of queue.db with the deliveries that wait. Only then the reply
# is 250. If that last unit fails, the client gets a temporary error, and its second try is not stored again where the
# message is already.
#
# A message to so many accounts that they are not all open at a time, as a post to a list, is performed in each right
# after its plan: opening an account a second time costs more than both. The notice is a unit of its own then.


AT_ONCE: Final = 8
"""Accounts written to at a time: each has a writer of its own, and 1000 recipients must not keep 1000 files open."""

MANY: Final = 16
"""Accounts of one message above which each is opened once: so many are open for deliveries at a time (STORE-8)."""

UNJUDGED: Final = "unjudged"
"""Placeholder reason in the trace fields that the junk filter reads; the stored fields have the plan's reason."""

NOT_NOW: Final = OwnFault(451, "4.3.0", ("can't accept mail for some recipients right now; try again later",))


class Reception:
    """Delivery of one message to each account: `run` plans, stores, and answers."""

    def __init__(self, session: Session, transaction: Transaction, message: Message, evidence: Evidence) -> None:
        self._session = session
        self._transaction = transaction
        self._message = message
        self._evidence = evidence
        self._common = common_of(session, transaction, message.prepared, evidence)
        self._storing = CopyWriter(session, transaction, message.prepared, self._common)
        self._results = Results(
            transaction.recipients,
            expand(
                session.snapshot,
                evidence,
                [(recipient.path, recipient.found) for recipient in transaction.recipients],
                simulated=session.context.localserve,
            ),
        )
        self._lists = blocklists.ClientLookup(session)
        self._reports = Reports(session.context.reports, message.prepared, evidence.checks, session.snapshot)
        self._linger_first = False  # an unknown sender is delayed before another account stores
        self._told: set[int] = set()  # recipients named in a notice of failure
        self._receipted: set[int] = set()  # indexes of recipients in a notice of delivery

    async def run(self) -> Response:
        """Plan and perform; returns the one reply. A 250 means that everything is durable."""
        results = self._results
        by_account = results.by_account()
        if not publicsuffix.loaded():  # once, at the first delivery
            await trio.to_thread.run_sync(publicsuffix.load)
        work = self._plan_account if len(by_account) <= MANY else self._serve_account
        try:
            await _each(by_account, lambda name: work(name, by_account[name]))
            await self._let_wait()
            await self._perform()
            response = await self._owe()
        except BaseException:
            await self._expect_again()
            raise
        await self._reports.keep(results.decided[name] for name in results.in_state(State.ACCEPTED))
        sender = self._transaction.sender.host
        self._reports.evaluated(results.decided.values(), sender.ascii if isinstance(sender, Domain) else "")
        prepared = self._message.prepared
        messageid = prepared.index.envelope.message_id
        noting = DeliveryLog(self._session, self._transaction, prepared.size, self._evidence, messageid)
        for name, decided in results.decided.items():
            noting.account(decided, results.outcomes[name])
        if any(one.plan.junk or _is_too_much(one) for one in results.decided.values()):
            self._session.wire.slow = True  # SMTP-15
        for recipient in results.unknown():
            noting.unknown(recipient)
        return response

    # Planning

    async def _serve_account(self, name: str, numbers: list[int]) -> None:
        """Plan for an account, and perform if it accepts, while it is open; unless an unknown sender is to be delayed
        first.
        """
        results = self._results
        async with AsyncExitStack() as opened:
            with suppress(StoreError):  # planning and performing meet it again
                await opened.enter_async_context(self._session.context.accounts.use(name))
            await self._plan_account(name, numbers)
            self._linger_first = self._linger_first or self._is_delayed(results.decided[name])
            if not self._linger_first and results.outcomes[name].state is State.ACCEPTED:
                await self._perform_at(name)

    async def _plan_account(self, name: str, numbers: list[int]) -> None:
        decisions: dict[int, Decision] = {}
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

    def _as_judged(self, case: Case) -> PreparedMessage:
        return self._message.prepared.with_prefix(prefix(self._common, case, trace.reason_field(UNJUDGED)))

    async def _let_wait(self) -> None:
        """Delay an unknown sender (SMTP-97). No account is open meanwhile; the delay ends if the client disconnects.

        Raises Goodbye.
        """
        # After all plans and before any commit: a sender who is delayed holds no account open, and one that gives up in
        # the delay has stored nothing; but of many accounts those that know the sender.
        if any(map(self._is_delayed, self._results.decided.values())):
            await linger(self._session.wire, self._session.smtp.first_time_sender_delay)

    def _is_delayed(self, decided: Decision) -> bool:
        delay = self._session.smtp.first_time_sender_delay
        return bool(delay) and self._evidence.checks is not None and _is_first_contact(decided)

    # Performing

    async def _perform(self) -> None:
        results = self._results
        accepting = [name for name in results.in_state(State.ACCEPTED) if name not in self._storing.stored]
        notice = await self._notice() if accepting and not self._storing.stored else None
        # One account after the other until one has stored the message: the notice is a row of that unit, so the sender
        # is told of failures exactly if another recipient has the message.
        while accepting and notice is not None:
            name = accepting.pop(0)
            await self._perform_at(name, (notice,))
            if results.outcomes[name].state is State.ACCEPTED:
                break
        await _each(accepting, self._perform_at)
        await _each(results.in_state(State.JUNK), self._keep_reject)

    async def _keep_reject(self, name: str) -> None:
        await self._storing.keep_reject(self._results.decided[name], may_repeat=self._results.several)

    async def _perform_at(self, name: str, owes: tuple[OwedRow, ...] = ()) -> None:
        """Perform the plan of an account, and set the account's outcome."""
        results = self._results
        asking = self._asking_for_receipts(name)
        self._receipted.update(asking)
        try:
            accepted_recipients = [self._transaction.recipients[index] for index in asking]
            notice = await receipt(self._session, self._transaction, self._message.prepared, accepted_recipients)
            owes = owes if notice is None else (*owes, notice)
            await self._storing.store(results.decided[name], owes, may_repeat=results.several)
        except StoreError as error:
            self._receipted.difference_update(asking)
            logger.warning("failed to store message", extra={"kv": {"account": name, "err": error}})
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

    async def _notice(self) -> OwedRow | None:
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
                await self._expect_again()
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

    async def _expect_again(self) -> None:
        """The client sends it all again: have the accounts that have the message not store it twice."""
        # Not those that keep it as refused: by then it may be wanted.
        again = [name for name in self._storing.stored if self._results.outcomes[name].state is State.ACCEPTED]
        with trio.CancelScope(shield=True):  # bounded: each waits for `Timeouts.store` at most
            await _each(again, self._storing.expect_again)

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


def _is_too_much(decided: Decision) -> bool:
    """Whether the message is refused because the client's network sends too much (SMTP-81)."""
    return decided.plan.reply is not None and decided.plan.word == HIGH_RATE


def _is_first_contact(decided: Decision) -> bool:
    """Whether the account accepts, does not know the sender, and delays unknown senders."""
    case, plan = decided.case, decided.plan
    if plan.reply is not None or plan.word != ACCEPTED or is_forward(case) or case.accepted:
        return False
    if case.recipient.reports or (case.settings is not None and case.settings.no_first_time_sender_delay):
        return False
    return case.history is not None


# Delay of unknown senders before their first delivery (SMTP-97).


class _WaitingClients:
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

_waiting: Final = _WaitingClients(MAX_LINGERING)


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


logger = logging.getLogger("moxlite.smtpd.incoming.deliver")

MAX_RECEIVED: Final = 100
"""Number of Received fields above which a message counts as looping (SMTP-42, RFC 5321 §6.3)."""

PREFIX_ROOM: Final = 64 << 10
"""Octets that trace fields may add to a message of the maximum size."""


async def deliver(session: Session, transaction: Transaction, spool: Spool) -> Response:
    """Deliver to all recipients; returns the one reply to the client (SMTP-108). Raises Refused, StoreError."""
    if session.context.localserve:
        for recipient in transaction.recipients:
            await replies.fall_silent(session.snapshot, recipient.path, "")
    section = await read_header(spool)
    if section.count(b"received") > MAX_RECEIVED:
        raise Refused(replies.LOOP)
    if isinstance(transaction.home, str):
        return await _answer(session, transaction, transaction.home, spool, section)
    if transaction.home is not None:
        return await send_home(session, transaction, transaction.home, spool, PREFIX_ROOM)
    if all(isinstance(recipient.found, UnknownLocalpart) for recipient in transaction.recipients):
        await session.wire.pause(session.context.timeouts.unknown)
        noting = DeliveryLog(session, transaction, spool.size)
        for recipient in transaction.recipients:
            noting.unknown(recipient)
        raise Refused(replies.UNKNOWN_USER)
    checks = await _check(session, transaction, spool, section)
    if not session.info.trusted_local:
        cleaned = await look_at(section, partial(trace.without_forged, hostnames=session.snapshot.hostnames))
        if cleaned is not None:
            with await spool.with_header(cleaned, len(section.octets)) as clean_spool:
                return await _deliver(session, transaction, clean_spool, await read_header(clean_spool), checks)
    return await _deliver(session, transaction, spool, section, checks)


async def _answer(
    session: Session, transaction: Transaction, code: str, spool: Spool, section: HeaderSection
) -> Response:
    """Read the answer to a question."""
    if spool.size > MAX_ANSWER:
        raise Refused(replies.OVERSIZE)
    checks = await _check(session, transaction, spool, section)
    message = Message(await prepare(spool, max_size=MAX_ANSWER + PREFIX_ROOM), section)
    evidence = await evidence_of(_envelope(session, transaction), message, checks)
    return await take_answer(session, code, message, evidence)


async def _check(session: Session, transaction: Transaction, spool: Spool, section: HeaderSection) -> Checks | None:
    """Authenticate the sender, by the octets as received: signatures may cover fields that are removed afterwards."""
    resolver = session.context.resolver
    if resolver is None or not session.sender_checks:
        return None
    question = question_of(session, transaction, await look_at(section, from_domains))
    body = section.body if section.body is not None else spool.size
    signed = SignedMessage(section, lambda: spool.chunks(start=body), spool.size, spool.in_memory)
    return await check_sender(resolver, question, signed, transaction.spf)


async def _deliver(
    session: Session, transaction: Transaction, spool: Spool, section: HeaderSection, checks: Checks | None
) -> Response:
    limit = session.listener.max_message_size + PREFIX_ROOM
    strict = session.context.localserve and session.snapshot.static.pedantic  # else no mail is strict (SMTP-133)
    try:
        prepared = await prepare(spool, max_size=limit, strict=strict)
    except MIMEError as error:
        raise refuse(554, "5.6.0", f"malformed message: {error}") from None
    message = Message(prepared, section)
    evidence = await evidence_of(_envelope(session, transaction), message, checks)
    if isinstance(transaction.recipients[0].found, PeerRecipient):
        return await pass_on(session, transaction, message, evidence, spool)
    return await Reception(session, transaction, message, evidence).run()


def _envelope(session: Session, transaction: Transaction) -> Envelope:
    hello = session.hello.host if session.hello is not None else None
    return Envelope(
        remote=session.info.remote,
        hello=hello if isinstance(hello, Domain) else None,
        sender=transaction.sender,
        trusted=session.info.trusted_local,
        tls=session.info.tls is not None,
        lax=transaction.lax,
    )


# Answers by mail to the question whether mail may be sent on (SMTP-159b, QUEUE-179): read when they arrive, and kept
# by no account.
#
# The address of an answer has the question's secret. As copies of a mail get around, the author must also be the one
# who was asked, proven by an aligned signature or SPF; and answers of programs do not count.


MAX_ANSWER: Final = 4 << 20
"""Octets of an answer: a word, and a picture in a signature."""


async def take_answer(session: Session, code: str, message: Message, evidence: Evidence) -> Response:
    """Take the answer to the question behind a code; durable before the reply. Raises Refused, StoreError."""
    forwarding = await session.context.forwarding.get() if session.context.forwarding is not None else None
    question = await forwarding.question(code) if forwarding is not None else None
    if forwarding is None or question is None:
        await session.wire.pause(session.context.timeouts.unknown)
        raise Refused(replies.UNKNOWN_USER)
    if automatic(message.section):
        raise refuse(550, "5.7.1", "automatic replies aren't accepted; reply to the message yourself")
    if evidence.trusted_author is None or not _is_same(evidence.trusted_author, question.target):
        raise refuse(550, "5.7.1", "reply from the address that got the confirmation email, and only from it")
    _require_proof(evidence)
    agrees = read_answer(message.prepared.preview)
    if agrees is None:
        raise refuse(550, "5.6.0", 'start your reply with the word "yes" or "no"')
    if not await forwarding.answer(code, agree=agrees):
        raise Refused(replies.UNKNOWN_USER)
    return Response(
        250, "2.0.0", ("thank you, you'll now get this mail" if agrees else "thank you, you won't get this mail",)
    )


def _is_same(author: Address, asked: str) -> bool:
    return author.key == AddressKey.parse(asked)


def _require_proof(evidence: Evidence) -> None:
    """Refuse an author who is not proven. Mail of our own users is not checked: they log in to send it."""
    checks = evidence.checks
    if checks is None:
        return
    if checks.dmarc.status is DMARCStatus.TEMPERROR:
        raise refuse(451, "4.7.5", "can't verify the sender right now; try again later")
    if checks.dmarc.status is DMARCStatus.FAIL or checks.from_validation == "none":
        raise refuse(550, "5.7.26", "DKIM and SPF don't verify the sender; use the link in the confirmation email")


# A message for an address that is not here yet goes on to the server from which its domain moves, while the client
# waits: its reply is that server's, so nothing has to be bounced (SMTP-185, SMTP-186).


async def pass_on(
    session: Session, transaction: Transaction, message: Message, evidence: Evidence, spool: Spool
) -> Response:
    """Give a message to the peer of its recipient's domain; the reply to the client. Raises Refused.

    The peer sees this server as the client, so what the client's address and domain say against the message is judged
    here; the rest is the peer's.
    """
    [recipient] = transaction.recipients
    found, peers = recipient.found, session.context.peers
    assert isinstance(found, PeerRecipient)
    assert peers is not None  # else RCPT was refused
    noting = DeliveryLog(session, transaction, spool.size, evidence, message.prepared.index.envelope.message_id)
    try:
        await _judge(session, transaction, message.section, evidence)
        common = common_of(session, transaction, message.prepared, evidence)
        prefix = common.authenticated("") + common.received(recipient.path)
        prefix += b"\r\n" if common.headerless else b""
        passing = Passing(
            mail_from=transaction.sender,
            recipients=(Recipient(recipient.path, tuple(recipient.command.notify), recipient.command.orcpt),),
            size=len(prefix) + spool.size,
            eight_bit=spool.facts.eight_bit,
            smtputf8=transaction.mail.smtputf8,
            requiretls=transaction.mail.requiretls,
            ret=transaction.mail.ret,
            envid=transaction.mail.envid,
        )
        host = await peers.pass_on(found, passing, partial(_octets, prefix, spool))
    except (PeerFailed, Refused) as error:
        noting.passed(recipient, error.response)
        raise Refused(error.response) from None
    response = Response(250, "2.0.0", (f"message accepted, id {session.dialogue.received_id}",))
    noting.passed(recipient, response, host)
    return response


async def _judge(session: Session, transaction: Transaction, section: HeaderSection, evidence: Evidence) -> None:
    """Raises Refused."""
    if await look_at(section, partial(_passes, session, transaction)) > (1 if session.info.trusted_local else 0):
        raise Refused(replies.LOOP)
    checks = evidence.checks
    if checks is not None and checks.dmarc.policy != "none" and checks.dmarc.status is DMARCStatus.TEMPERROR:
        raise Refused(DMARC_LATER)
    if checks is not None and checks.dmarc.reject and checks.vouched is None and evidence.fact(INDIRECT) is None:
        raise Refused(DMARC_REFUSED)
    if session.network_checks and await blocklists.ClientLookup(session).listed():
        raise Refused(JUNK_REFUSED)


def _passes(session: Session, transaction: Transaction, section: HeaderSection) -> int:
    """How often the message has passed this server on its way to this very recipient. A user's mail has once, when it
    was submitted; a peer that sends mail for unknown addresses to the MX host brings it again.
    """
    [recipient] = transaction.recipients
    target = f"for <{recipient.path.pack(True)}>".lower()
    fields = (" ".join(text.decode("utf-8", "replace").lower().split()) for text in section.texts(b"received"))
    names = [f"by {name} " for name in session.snapshot.hostnames]
    return sum(target in field and any(name in field for name in names) for field in fields)


async def _octets(prefix: bytes, spool: Spool) -> AsyncIterator[bytes]:
    yield prefix
    for at in range(0, spool.size, WRITE_SIZE):
        read = partial(spool.read, at, WRITE_SIZE)
        yield read() if spool.in_memory else await trio.to_thread.run_sync(read)
