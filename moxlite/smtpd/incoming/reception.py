"""Delivery of one message into accounts: plans, storing, notices and deferred deliveries, and the reply
(SMTP-104..108).

The order keeps each promise: plans first; then accounts that accept, each in one unit, the first of them with the
notice about those that refuse for good; then one unit of queue.db with the deliveries that wait. Only then the reply is
250. If that last unit fails, the client gets a temporary error, and its second try is not stored again where the
message is already.
"""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import cached_property, lru_cache, partial
from typing import Final

import msgspec
import trio

from moxlite.acceptance import why
from moxlite.acceptance.cases import Case, expand
from moxlite.acceptance.checks import Checks
from moxlite.acceptance.evidence import DKIM_DOMAIN, Evidence, unicode_domain
from moxlite.acceptance.gathering import Decided, Message, decide
from moxlite.acceptance.outcomes import Outcome, State, combined, of_plan, refused
from moxlite.acceptance.plan import ACCEPTED
from moxlite.acceptance.producers.dmarc import dmarc_override, is_forward
from moxlite.acceptance.producers.rates import HIGH_RATE
from moxlite.acceptance.reasonheader import steps
from moxlite.config.snapshot import AccountRecipient, AliasRecipient
from moxlite.mailauth.headers import authentication_results, received_spf
from moxlite.mailauth.results import SPFStatus
from moxlite.net.limits import unmap
from moxlite.proto import publicsuffix
from moxlite.proto.address import Address, Domain
from moxlite.proto.publicsuffix import organizational_domain
from moxlite.proto.smtp.replies import Response
from moxlite.smtpd import metrics, replies, trace
from moxlite.smtpd.incoming import blocklists
from moxlite.smtpd.incoming.accesslog import Noting
from moxlite.smtpd.incoming.reports import Reports
from moxlite.smtpd.notices import Failed, failure_notice, notify_later, receipt
from moxlite.smtpd.session import Session
from moxlite.smtpd.transaction import Transaction
from moxlite.store.content.prepare import Prepared
from moxlite.store.delivery.actions import Delivery
from moxlite.store.delivery.deferred import Deferred
from moxlite.store.delivery.perform import Owed, Performed, owe, perform, suppress_retry
from moxlite.store.errors import StorageBusy, StoreError
from moxlite.store.mail.facts import Facts, SMTPFacts, Validation, ip_classes

__all__ = ["Reception"]

logger = logging.getLogger("moxlite.smtpd.incoming.deliver")

AT_ONCE: Final = 8
"""Accounts written to at a time: each has a writer of its own, and 1000 recipients must not keep 1000 files open."""

UNJUDGED: Final = "unjudged"
"""Placeholder reason in the trace fields that the junk filter reads; the stored fields have the plan's reason."""

NOT_NOW: Final = Response(451, "4.3.0", ("some recipients cannot be served now, try again later",))

_ip_classes: Final = lru_cache(4096)(ip_classes)
"""Cache for senders that send again; saves 40 µs per message."""


class Reception:
    """Delivery of one message to each account."""

    def __init__(self, session: Session, transaction: Transaction, message: Message, evidence: Evidence) -> None:
        self._session = session
        self._transaction = transaction
        self._message = message
        self._prepared = message.prepared
        self._evidence = evidence
        self._limiter = trio.CapacityLimiter(AT_ONCE)
        self._single = len(transaction.recipients) == 1
        self._utf8 = transaction.mail.smtputf8
        self._cases: list[Case] = []
        self._numbers: dict[int, list[int]] = {}  # numbers of the cases by index of the recipient
        self._said: dict[int, Outcome] = {}  # outcome of each case's own plan, by its number
        self._decided: dict[str, Decided] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._listed: str | None = None  # the block list that has the client
        self._asking = trio.Lock()
        self._reports = Reports(session.context.reports, message.prepared, evidence.checks, session.snapshot)
        self._told: set[int] = set()  # recipients named in a notice of failure
        self._receipted: set[int] = set()  # indexes of recipients in a notice of delivery
        hello = session.hello
        self._received = partial(
            trace.received,
            client=hello.name if hello is not None else "unknown",
            client_ip=session.info.remote,
            client_name=_reverse_name(evidence.checks),
            hostname=session.hostname,
            info=session.info,
            protocol=trace.protocol_name(
                extended=session.codec.extended, utf8=self._utf8, tls=session.codec.tls, authenticated=False
            ),
            requiretls=transaction.mail.requiretls,
            identifier=session.received_id,
            utf8=self._utf8,
            moment=transaction.received,
        )

    async def run(self) -> Response:
        """Plan and perform; returns the one reply. A 250 means that everything is durable."""
        recipients = self._transaction.recipients
        self._cases = expand(
            self._session.snapshot,
            self._evidence,
            [(recipient.path, recipient.found) for recipient in recipients],
            simulated=self._session.context.localserve,
        )
        for number, case in enumerate(self._cases):
            for index in case.indexes:
                self._numbers.setdefault(index, []).append(number)
        await self._plan()
        await self._let_wait()
        await self._perform()
        response = await self._owe()
        await self._reports.keep(self._decided[name] for name in self._in_state(State.ACCEPTED))
        sender = self._transaction.sender.host
        self._reports.evaluated(self._decided.values(), sender.ascii if isinstance(sender, Domain) else "")
        noting = Noting(self._session, self._transaction, self._prepared.size, self._evidence)
        for name in self._decided:
            noting.account(self._decided[name], self._outcomes[name])
        if any(one.plan.junk or _is_too_much(one) for one in self._decided.values()):
            self._session.wire.slow = True  # SMTP-15
        for recipient in recipients:
            if not isinstance(recipient.found, AccountRecipient | AliasRecipient):
                noting.unknown(recipient)
        return response

    # Planning

    async def _plan(self) -> None:
        by_account: dict[str, list[int]] = {}
        for number, case in enumerate(self._cases):
            by_account.setdefault(case.account, []).append(number)
        await self._each(by_account, lambda name: self._plan_account(name, by_account[name]))

    async def _plan_account(self, name: str, numbers: list[int]) -> None:
        """Decide for an account by the first case whose plan accepts, else the first with a temporary refusal, else the
        first.
        """
        decisions: list[Decided] = []
        for number in numbers:
            case = self._cases[number]
            decisions.append(
                await decide(
                    case,
                    self._message,
                    self._session.context.accounts,
                    self._as_judged,
                    self._lists,
                    self._reports.read,
                    self._session.snapshot.static.rate_limits,
                    self._session.context.sent,
                )
            )
            self._said[number] = of_plan(decisions[-1].plan)
        best = min(decisions, key=lambda one: 0 if one.plan.reply is None else 1 if one.plan.temporary else 2)
        self._decided[name] = best
        self._outcomes[name] = of_plan(best.plan)

    def _outcome(self, number: int) -> Outcome:
        """Outcome of a case: the refusal of its own plan, else the outcome of its account."""
        said = self._said[number]
        if said.state in {State.REFUSED, State.JUNK}:
            return said
        return self._outcomes[self._cases[number].account]

    def _as_judged(self, case: Case) -> Prepared:
        return self._prepared.with_prefix(self._prefix(case, trace.reason_field(UNJUDGED)))

    async def _lists(self) -> str:
        """The block list that has the client, "" for none; looked up once for all recipients (SMTP-94)."""
        async with self._asking:
            if self._listed is None:
                session = self._session
                resolver = session.context.resolver
                assert resolver is not None  # else nothing is checked
                self._listed = await blocklists.listed(resolver, session.smtp, session.info.remote)
            return self._listed

    async def _let_wait(self) -> None:
        """Delay an unknown sender (SMTP-97). No account is open meanwhile; the delay ends if the client disconnects.

        Raises Goodbye.
        """
        delay = self._session.smtp.first_time_sender_delay
        unknown = self._evidence.checks is not None and any(map(_is_first_contact, self._decided.values()))
        if delay and unknown:
            await self._session.linger(delay)

    # Performing

    async def _perform(self) -> None:
        if self._decided and not publicsuffix.loaded():  # once, at the first delivery
            await trio.to_thread.run_sync(publicsuffix.load)
        accepting = self._in_state(State.ACCEPTED)
        notice = await self._notice() if accepting else None
        while accepting and notice is not None:
            name = accepting.pop(0)
            await self._perform_at(name, (notice,))
            if self._outcomes[name].state is State.ACCEPTED:
                break
        await self._each(accepting, self._perform_at)
        await self._each(self._in_state(State.JUNK), self._keep_reject)

    async def _each(self, names: Iterable[str], work: Callable[[str], Awaitable[None]]) -> None:
        found = list(names)
        if len(found) == 1:
            await work(found[0])
            return

        async def one(name: str) -> None:
            async with self._limiter:
                await work(name)

        async with trio.open_nursery() as nursery:
            for name in found:
                nursery.start_soon(one, name)

    async def _perform_at(self, name: str, owes: tuple[Owed, ...] = ()) -> None:
        """Perform the plan of an account, and set the account's outcome."""
        decided = self._decided[name]
        asking = self._asking_for_receipts(name)
        self._receipted.update(asking)
        try:
            told = [self._transaction.recipients[index] for index in asking]
            notice = await receipt(self._session, self._transaction, self._prepared, told)
            await self._store(decided, owes if notice is None else (*owes, notice))
        except StoreError as error:
            self._receipted.difference_update(asking)
            logger.warning("message not stored", extra={"kv": {"account": name, "err": error}})
            reply = replies.store_reply(error)
            self._outcomes[name] = Outcome(State.REFUSED if reply.code >= 500 else State.LATER, reply)

    def _asking_for_receipts(self, name: str) -> list[int]:
        """Indexes of the account's recipients whose NOTIFY asks for success, without those already notified. Empty
        unless SPF confirms the sender's address: a forged one would send notices to strangers (SMTP-156).
        """
        if not self._sender_is_known:
            return []
        return sorted(
            {
                index
                for number, case in enumerate(self._cases)
                if case.account == name and self._outcome(number).state is State.ACCEPTED
                for index in case.indexes
                if "SUCCESS" in self._transaction.recipients[index].command.notify and index not in self._receipted
            }
        )

    async def _keep_reject(self, name: str) -> None:
        """Keep the copy of a refused message, if the plan says so; a failure is only logged."""
        decided = self._decided[name]
        if decided.plan.actions:
            try:
                result = "skipped" if (await self._store(decided, ())).added is None else "kept"
            except StoreError as error:
                result = "error"
                logger.warning("refused message not kept", extra={"kv": {"account": name, "err": error}})
            metrics.rejects_total.labels(result=result).inc()

    async def _store(self, decided: Decided, owes: tuple[Owed, ...]) -> Performed:
        session, case = self._session, decided.case
        whole = self._prepared.with_prefix(self._decided_prefix(decided))
        async with session.context.accounts.use(case.account) as account:
            with trio.move_on_after(session.context.pace.store, shield=True):
                return await perform(
                    account,
                    whole,
                    self._delivery(decided),
                    self._transaction.identifier,
                    retried=self._retry_key if len(self._decided) > 1 else b"",
                    owes=owes,
                )
        raise StorageBusy("the commit takes too long")

    def _delivery(self, decided: Decided) -> Delivery:
        settings = decided.case.settings
        return Delivery(
            actions=decided.plan.actions,
            facts=self._facts(decided.case),
            why=why.pack(why.why_of(decided)),
            clear_rejects=(settings.rejects_mailbox or "") if settings is not None else "",
            tell=_told_address(decided.case),
        )

    # Notices and deferred deliveries

    def _in_state(self, *states: State) -> list[str]:
        return [name for name in self._names() if self._outcomes[name].state in states]

    def _names(self) -> list[str]:
        """Names of the accounts, in the order of the recipients."""
        return list(dict.fromkeys(case.account for case in self._cases))

    def _failed(self) -> list[Failed]:
        """Recipients that are refused for good while others are accepted; an alias counts if one of its members is
        refused.
        """
        failed: dict[int, Failed] = {}
        for number, case in enumerate(self._cases):
            outcome = self._outcome(number)
            if outcome.state is State.REFUSED and outcome.reply is not None:
                for index in case.indexes:
                    failed.setdefault(index, Failed(self._transaction.recipients[index], outcome.reply))
        for index, recipient in enumerate(self._transaction.recipients):
            if not isinstance(recipient.found, AccountRecipient | AliasRecipient):
                failed[index] = Failed(recipient, replies.UNKNOWN_USER)
        return [failed[index] for index in sorted(failed)]

    async def _notice(self) -> Owed | None:
        """Make the notice about failed recipients that no earlier notice named; None without any."""
        failed = [one for one in self._failed() if id(one.recipient) not in self._told]
        self._told.update(id(one.recipient) for one in failed)
        return await failure_notice(self._session, self._transaction, self._prepared, failed) if failed else None

    async def _tell_late(self, name: str) -> bool:
        """Add the notice about recipients that were refused for good during storing, in a unit of an account that
        accepts. Returns False if that fails.
        """
        notice = await self._notice()
        if notice is None:
            return True
        try:
            async with self._session.context.accounts.use(name) as account:
                with trio.move_on_after(self._session.context.pace.store, shield=True):
                    await owe(account, notice)
                    return True
        except StoreError as error:
            logger.error("notice of failure cannot be stored", extra={"kv": {"account": name, "err": error}})
        return False

    async def _owe(self) -> Response:
        """Make notices and deferred deliveries durable; returns the reply."""
        received_id = self._session.received_id
        accepted, later = self._in_state(State.ACCEPTED), self._in_state(State.LATER)
        if accepted:
            if not (await self._tell_late(accepted[0]) and (not later or await self._defer(later))):
                await self._each(accepted, self._expect_again)
                return NOT_NOW
            for name in later:
                self._outcomes[name] = Outcome(State.ACCEPTED, self._outcomes[name].reply)
        answers = [self._answer(index) for index in range(len(self._transaction.recipients))]
        failed = [answer for answer in answers if answer is not None]
        if not failed:
            return Response(250, "2.0.0", (f"message accepted, id {received_id}",))
        if len(failed) == len(answers):
            return combined(failed)
        return Response(250, "2.0.0", (f"message accepted for some recipients, id {received_id}",))

    def _answer(self, index: int) -> Response | None:
        """The refusal of one recipient, None if accepted."""
        if not isinstance(self._transaction.recipients[index].found, AccountRecipient | AliasRecipient):
            return replies.UNKNOWN_USER
        return refused([self._outcome(number) for number in self._numbers.get(index, ())])

    async def _defer(self, names: list[str]) -> bool:
        """Queue the deliveries that accounts cannot take now; False if the queue cannot take them."""
        defer = self._session.context.defer
        if defer is None:
            return False
        deferred = [self._deferred(self._decided[name], self._outcomes[name]) for name in names]
        try:
            with trio.move_on_after(self._session.context.pace.store, shield=True):
                await defer(deferred, self._prepared.spool)
                return True
        except StoreError as error:
            logger.error("deliveries to accounts cannot be queued", extra={"kv": {"number": len(names), "err": error}})
        return False

    def _deferred(self, decided: Decided, outcome: Outcome) -> Deferred:
        case, mail = decided.case, self._transaction.mail
        reply = outcome.reply
        assert reply is not None
        envelope = self._prepared.index.envelope
        command = self._transaction.recipients[case.indexes[0]].command
        return Deferred(
            key=self._transaction.identifier,
            account=case.account,
            delivery=msgspec.structs.replace(self._delivery(decided), received=self._transaction.received),
            prefix=self._decided_prefix(decided),
            sender=self._transaction.sender.address,
            recipient=Address(case.asked.localpart, case.asked.host)
            if isinstance(case.asked.host, Domain)
            else case.recipient.canonical,
            code=reply.code,
            ecode=reply.ecode,
            text=reply.text,
            dsn_notify=notify_later(
                (self._transaction.recipients[index].command for index in case.indexes),
                known=self._sender_is_known,
                told=self._receipted.issuperset(case.indexes),
            ),
            dsn_ret=mail.ret,
            dsn_envid=mail.envid,
            dsn_orcpt=command.orcpt,
            message_id=envelope.message_id,
            subject=envelope.subject,
            smtputf8=mail.smtputf8,
            has8bit=mail.body == "8BITMIME",
            requiretls=mail.requiretls,
        )

    @property
    def _sender_is_known(self) -> bool:
        """Whether SPF shows that the address of MAIL FROM is the sender's."""
        return _mail_from_validation(self._evidence.checks) == SPFStatus.PASS.value

    async def _expect_again(self, name: str) -> None:
        """Mark the message in the account, so that the client's next try is not stored again."""
        try:
            async with self._session.context.accounts.use(name) as account:
                with trio.move_on_after(self._session.context.pace.store, shield=True):
                    await suppress_retry(account, self._retry_key)
        except StoreError as error:
            logger.warning("message may come twice", extra={"kv": {"account": name, "err": error}})

    @cached_property
    def _retry_key(self) -> bytes:
        """Key of the message for a second try: equal for the same octets, sender and recipients."""
        paths = sorted(recipient.path.pack(True) for recipient in self._transaction.recipients)
        parts = (self._transaction.sender.pack(True), self._prepared.digest.hex(), *paths)
        return b"again " + hashlib.sha256("\0".join(parts).encode()).digest()

    # Stored octets

    def _decided_prefix(self, decided: Decided) -> bytes:
        return self._prefix(decided.case, trace.reason_field(decided.plan.word, steps(decided.case.evidence)))

    def _prefix(self, case: Case, reason: bytes) -> bytes:
        """The trace fields, in the order of SMTP-78."""
        prefix = b"".join(
            (
                reason,
                trace.report_problem(case.recipient.reports, case.report_problem),
                trace.delivered_to(case.asked, utf8=self._utf8),
                trace.return_path(self._transaction.sender, utf8=self._utf8),
                self._results(case),
                self._received(recipient=case.asked if self._single else None),
            )
        )
        return prefix + b"\r\n" if self._prepared.headerless else prefix

    def _results(self, case: Case) -> bytes:
        """The fields Authentication-Results and Received-SPF (AUTH-85, AUTH-29)."""
        checks, session = case.evidence.checks, self._session
        if checks is None:
            return b""
        hostname, sender = session.hostname.ascii, self._transaction.sender.pack(False)
        spf = [one for one in (checks.spf, checks.helo) if one is not None]
        return authentication_results(
            hostname,
            ip=unmap(session.info.remote),
            mail_from=sender,
            iprev=checks.iprev,
            dkim=checks.dkim,
            spf=spf,
            dmarc=msgspec.structs.replace(checks.dmarc, override=dmarc_override(case)),
            arc=checks.arc,
        ) + received_spf(
            checks.spf,
            hostname=hostname,
            ip=unmap(session.info.remote),
            mail_from=sender,
            helo=session.hello.name if session.hello is not None else "",
        )

    def _facts(self, case: Case) -> Facts:
        session, evidence = self._session, case.evidence
        envelope = evidence.envelope
        remote = str(unmap(envelope.remote))
        ip1, ip2, ip3 = _ip_classes(remote)
        sender, author, address = envelope.sender, evidence.msg_from, case.recipient.canonical
        sender_domain = sender.host.unicode if isinstance(sender.host, Domain) else ""
        tls = session.info.tls
        checks = evidence.checks
        helo = None if checks is None else checks.spf if checks.spf.identity == "helo" else checks.helo
        return Facts(
            smtp=SMTPFacts(
                remote_ip=remote,
                ip1=ip1,
                ip2=ip2,
                ip3=ip3,
                ehlo_domain=envelope.hello.unicode if envelope.hello is not None else "",
                mailfrom=sender.localpart,
                mailfrom_domain=sender_domain,
                rcptto=address.localpart,
                rcptto_domain=address.domain.unicode,
                msgfrom=author.localpart if author is not None else "",
                msgfrom_domain=author.domain.unicode if author is not None else "",
                msgfrom_orgdomain=organizational_domain(author.domain.unicode) if author is not None else "",
                ehlo_ok=helo is not None and helo.status is SPFStatus.PASS,
                ehlo_validation=helo.status.value if helo is not None else "unknown",
                mailfrom_ok=checks is not None and checks.mail_from_verified != "",
                mailfrom_validation=_mail_from_validation(checks),
                msgfrom_ok=checks is not None and checks.from_validation != "none",
                msgfrom_validation="unknown" if checks is None else checks.from_validation,
            ),
            tls_version=tls.version if tls is not None else "",
            tls_cipher=tls.suite if tls is not None else "",
            requiretls=self._transaction.mail.requiretls,
            dkim_domains=_signers(evidence),
        )


def _reverse_name(checks: Checks | None) -> str:
    return checks.iprev.name if checks is not None else ""


def _signers(evidence: Evidence) -> tuple[str, ...]:
    """Domains of passing signatures, including signatures that passed at a trusted ARC sealer (SMTP-158)."""
    checks = evidence.checks
    passed_on = checks.vouched.signers if checks is not None and checks.vouched is not None else ()
    return tuple(dict.fromkeys((*evidence.values(DKIM_DOMAIN), *map(unicode_domain, passed_on))))


def _mail_from_validation(checks: Checks | None) -> Validation:
    if checks is None or checks.spf.identity != "mailfrom":
        return "unknown"
    return checks.spf.status.value


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


def _told_address(case: Case) -> str:
    """The address as the client wrote it, if a webhook may be called for the message: the account has one, or the
    localpart is longer than the account's address and may hold the FROMID of a sent message (QUEUE-95). Else "".
    """
    told = case.settings is not None and case.settings.incoming_webhook is not None
    return str(case.asked) if told or case.asked.localpart != case.recipient.canonical.localpart else ""
