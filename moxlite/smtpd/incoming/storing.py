"""Storing of one message in accounts: each copy with its own trace fields, in one unit that returns after the commit.

Commits are shielded from cancellation, and wait for `Pace.store` seconds at most.
"""

import hashlib
import logging
from functools import cached_property

import msgspec
import trio

from moxlite.acceptance.cases import Case
from moxlite.acceptance.gathering import Decided
from moxlite.acceptance.plan import Outcome
from moxlite.acceptance.why import why_of
from moxlite.proto.address import Address, Domain
from moxlite.smtpd import metrics
from moxlite.smtpd.incoming.answering import with_messages
from moxlite.smtpd.incoming.prefix import Common, decided_prefix, facts_of
from moxlite.smtpd.notices import notify_later
from moxlite.smtpd.session import Session
from moxlite.smtpd.transaction import Transaction
from moxlite.store.content.prepare import Prepared
from moxlite.store.delivery.actions import AnyAction, Deferred, Delivery, FileInto, Redirect, Vacation
from moxlite.store.delivery.perform import Owed, Performed, owe, perform, suppress_retry
from moxlite.store.delivery.reasons import pack
from moxlite.store.errors import StorageBusy, StoreError

logger = logging.getLogger("moxlite.smtpd.incoming.deliver")


class Storing:
    """Writes the copies of one message."""

    def __init__(self, session: Session, transaction: Transaction, prepared: Prepared, common: Common) -> None:
        self._session = session
        self._transaction = transaction
        self._prepared = prepared
        self._common = common

    async def store(self, decided: Decided, owes: tuple[Owed, ...] = (), *, may_repeat: bool = False) -> Performed:
        """Perform an account's plan in one unit, with the rows that the account owes.

        `may_repeat`: other accounts are written to as well; if one of these fails, the client sends the message again.
        Raises StoreError.
        """
        trace_fields = decided_prefix(self._common, decided)
        whole = self._prepared.with_prefix(trace_fields)
        actions = await with_messages(self._session, self._transaction, self._prepared, decided, trace_fields)
        async with self._session.context.accounts.use(decided.case.account) as account:
            with trio.move_on_after(self._session.context.pace.store, shield=True):
                return await perform(
                    account,
                    whole,
                    self._delivery(decided, actions),
                    self._transaction.identifier,
                    retried=self._retry_key if may_repeat else b"",
                    owes=owes,
                )
        raise StorageBusy("the commit takes too long")

    async def keep_reject(self, decided: Decided, *, may_repeat: bool) -> None:
        """Keep the copy of a refused message, if the plan says so; a failure is logged. `may_repeat`: as `store`."""
        if decided.plan.actions:
            try:
                result = "skipped" if (await self.store(decided, may_repeat=may_repeat)).added is None else "kept"
            except StoreError as error:
                result = "error"
                logger.warning(
                    "refused message not kept", extra={"kv": {"account": decided.case.account, "err": error}}
                )
            metrics.rejects_total.labels(result=result).inc()

    async def owe(self, name: str, notice: Owed) -> bool:
        """Add a notice to an account, in a unit of its own. Returns False if that fails."""
        try:
            async with self._session.context.accounts.use(name) as account:
                with trio.move_on_after(self._session.context.pace.store, shield=True):
                    await owe(account, notice)
                    return True
        except StoreError as error:
            logger.error("notice of failure cannot be stored", extra={"kv": {"account": name, "err": error}})
        return False

    async def expect_again(self, name: str) -> None:
        """Mark the message in the account, so that the client's next try is not stored again."""
        try:
            async with self._session.context.accounts.use(name) as account:
                with trio.move_on_after(self._session.context.pace.store, shield=True):
                    await suppress_retry(account, self._retry_key)
        except StoreError as error:
            logger.warning("message may come twice", extra={"kv": {"account": name, "err": error}})

    async def defer(self, deferred: list[Deferred]) -> bool:
        """Queue the deliveries that accounts cannot take now; False if the queue cannot take them."""
        defer = self._session.context.defer
        if defer is None:
            return False
        try:
            with trio.move_on_after(self._session.context.pace.store, shield=True):
                await defer(deferred, self._prepared.spool)
                return True
        except StoreError as error:
            kv = {"number": len(deferred), "err": error}
            logger.error("deliveries to accounts cannot be queued", extra={"kv": kv})
        return False

    def deferred(self, decided: Decided, outcome: Outcome, *, known: bool, receipted: bool) -> Deferred:
        """The delivery to an account as the queue keeps it.

        `known`: SPF confirms the sender's address. `receipted`: the sender was told of the recipients already.
        """
        case, mail = decided.case, self._transaction.mail
        reply = outcome.reply
        assert reply is not None
        envelope = self._prepared.index.envelope
        command = self._transaction.recipients[case.indexes[0]].command
        return Deferred(
            key=self._transaction.identifier,
            account=case.account,
            delivery=msgspec.structs.replace(
                self._delivery(decided, _for_later(decided.plan.actions)), received=self._transaction.received
            ),
            prefix=decided_prefix(self._common, decided),
            sender=self._transaction.sender.address,
            recipient=Address(case.asked.localpart, case.asked.host)
            if isinstance(case.asked.host, Domain)
            else case.recipient.canonical,
            code=reply.code,
            ecode=reply.ecode,
            text=reply.text,
            dsn_notify=notify_later(
                (self._transaction.recipients[index].command for index in case.indexes), known=known, told=receipted
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

    def _delivery(self, decided: Decided, actions: tuple[AnyAction, ...]) -> Delivery:
        settings = decided.case.settings
        return Delivery(
            actions=actions,
            facts=facts_of(self._session, self._transaction, decided.case),
            why=pack(why_of(decided)),
            clear_rejects=(settings.rejects_mailbox or "") if settings is not None else "",
            tell=_told_address(decided.case),
        )

    @cached_property
    def _retry_key(self) -> bytes:
        """Key of the message for a second try: equal for the same octets, sender and recipients."""
        paths = sorted(recipient.path.pack(True) for recipient in self._transaction.recipients)
        parts = (self._transaction.sender.pack(True), self._prepared.digest.hex(), *paths)
        return b"again " + hashlib.sha256("\0".join(parts).encode()).digest()


def _for_later(actions: tuple[AnyAction, ...]) -> tuple[AnyAction, ...]:
    """The actions of a delivery that waits: without an answer, which would come too late, and with the message kept in
    place of being sent on.
    """
    kept = (FileInto(mailbox=action.otherwise) if isinstance(action, Redirect) else action for action in actions)
    return tuple(dict.fromkeys(one for one in kept if not isinstance(one, Vacation)))


def _told_address(case: Case) -> str:
    """The address as the client wrote it, if a webhook may be called for the message: the account has one, or the
    localpart is longer than the account's address and may hold the FROMID of a sent message (QUEUE-95). Else "".
    """
    told = case.settings is not None and case.settings.incoming_webhook is not None
    return str(case.asked) if told or case.asked.localpart != case.recipient.canonical.localpart else ""
