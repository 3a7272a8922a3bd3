"""Storing of one message in accounts: each copy with its own trace fields, in one unit that returns after the commit.

Commits are shielded from cancellation, and wait for `Timeouts.store` seconds at most.
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections.abc import Sequence
from functools import cached_property
from typing import Final

import msgspec
import trio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from moxlite.acceptance.cases import Case
from moxlite.acceptance.checks import Checks
from moxlite.acceptance.gathering import Decision
from moxlite.acceptance.plan import Outcome
from moxlite.acceptance.why import why_of
from moxlite.config.snapshot import Snapshot
from moxlite.mailauth.arc.seal import Sealer, own_results, seal
from moxlite.mailauth.dkim.message import Message as SignedMessage
from moxlite.mailauth.dkim.sign import Signer, SigningError, sign
from moxlite.proto.address import Address, Domain, unicode_domain
from moxlite.proto.mime.compose import (
    TextPart,
    address_field,
    answer_fields,
    compose,
    needs_utf8,
    new_message_id,
    text_field,
)
from moxlite.proto.mime.dates import format_date
from moxlite.proto.mime.envelope import RawAddress, decode_address, parse_addresses
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.messageid import written_references
from moxlite.proto.mime.types import Envelope, MailAddress
from moxlite.proto.mime.words import decode_words
from moxlite.smtpd import metrics
from moxlite.smtpd.incoming.prefix import Common, decided_prefix, facts_of
from moxlite.smtpd.notices import notify_later
from moxlite.smtpd.session import Session, Transaction
from moxlite.store.content.prepare import PreparedMessage
from moxlite.store.content.spool import Spool
from moxlite.store.content.spoolheader import read_header
from moxlite.store.delivery.actions import AnyAction, Deferred, Delivery, FileInto, Redirect, Vacation
from moxlite.store.delivery.perform import DeliveryResult, OwedMessage, OwedRow, owe, perform, suppress_retry
from moxlite.store.delivery.reasons import pack
from moxlite.store.delivery.submission import KEPT, DSNNotify, Submission, SubmissionRecipient
from moxlite.store.errors import StorageBusy, StoreError

# Messages that a delivery sends on: answers of a script or form, and redirected messages (SMTP-160, SMTP-161).
#
# They are composed and signed before the unit of the delivery, which writes them as rows of its outbox (STORE-189a).


LIST_NAME: Final = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
"""Localpart of an alias that can be written in List-Id and a mailto URI as it is."""

_MAX_SUBJECT: Final = 900  # characters of the subject that is answered: with its field's name they fit into a line


async def with_messages(
    session: Session, transaction: Transaction, prepared: PreparedMessage, decided: Decision, prefix: bytes
) -> tuple[AnyAction, ...]:
    """Return a plan's actions, with the messages that they send.

    `prefix`: the trace fields of the account's copy.
    """
    account = decided.case.account
    actions: list[AnyAction] = []
    passed_on: dict[str, ForwardedMessage] = {}
    for action in decided.plan.actions:
        match action:
            case Vacation():
                try:
                    action = msgspec.structs.replace(action, owed=await _answer(session, prepared, decided, action))
                except ValueError as error:  # a text that no header can hold costs the reply, not the message
                    logger.error("failed to write reply", extra={"kv": {"account": account, "err": error}})
                    continue
            case Redirect():
                # Signed and sealed once for all addresses of an alias: only the recipient differs.
                if action.alias not in passed_on:
                    own = Address.parse(action.alias) if action.alias else decided.case.recipient.canonical
                    passed_on[action.alias] = await pass_on(session, transaction, prepared, decided, prefix, own)
                action = msgspec.structs.replace(action, owed=passed_on[action.alias].to(action.to))
            case _:
                pass
        actions.append(action)
    return tuple(actions)


async def _answer(session: Session, prepared: PreparedMessage, decided: Decision, action: Vacation) -> bytes:
    """The answer of the owner (RFC 3834 §3, RFC 5230 §5)."""
    now = time.time_ns() // 1000
    author = decided.case.answers_from
    to = Address.parse(action.to)
    envelope = prepared.index.envelope
    message_id = new_message_id(author.domain.ascii)
    subject = decode_words(action.subject.encode()) or f"Auto: {envelope.subject[:_MAX_SUBJECT]}"
    shown = _from(action.sender, author), MailAddress(_name_of(to, envelope), to.localpart, to.domain.ascii)
    utf8 = needs_utf8(*shown)
    fields = [
        address_field("From", shown[:1], utf8=utf8),
        address_field("To", shown[1:], utf8=utf8),
        text_field("Subject", subject),
        f"Date: {format_date(now)}\r\n".encode(),
        f"Message-ID: {message_id}\r\n".encode(),
        b"Auto-Submitted: auto-replied (vacation)\r\n",
        b"X-Auto-Response-Suppress: All\r\n",
    ]
    section = HeaderSection(prepared.header)
    named = written_references(section.texts(b"references"), section.text(b"in-reply-to"))
    fields += answer_fields(envelope.message_id, named)
    octets = b"".join(fields) + (_entity(action.text) if action.mime else b"".join(compose((), TextPart(action.text))))
    try:
        signatures = await session.context.keys.sign_own(session.snapshot, octets, author)
    except SigningError as error:
        logger.error("failed to sign reply", extra={"kv": {"err": error}})
        signatures = b""
    submission = Submission(
        account=decided.case.account,
        mail_from=None,  # RFC 3834 §3.3: nothing comes back
        recipients=(SubmissionRecipient(to, dsn_notify=DSNNotify.NEVER),),
        received=now,
        prefix=signatures,
        has8bit=not octets.isascii(),
        smtputf8=utf8,
        message_id=message_id,
        subject=subject,
    )
    return OwedMessage(submission, octets).pack()


def _name_of(to: Address, envelope: Envelope) -> str:
    """The name that the sender gives itself, "" where the message is from another address."""
    authors = (*envelope.reply_to, *envelope.from_, *envelope.sender)
    return next((one.name for one in authors if one.name and one.key == to.key), "")


def _entity(text: str) -> bytes:
    """A script's MIME entity below the fields of a message (RFC 5230 §4.6): of its header what describes the content.
    Scripts also write MIME-Version, which a message has once (RFC 5322 §3.6).
    """
    octets = _lines(text)
    section = HeaderSection(octets)
    names = [name for name in section.names if name.startswith(b"content-")]
    if not names:
        return b"".join(compose((), TextPart(text)))
    return b"MIME-Version: 1.0\r\n" + section.select(names) + octets[section.body or len(octets) :]


def _lines(text: str) -> bytes:
    """Text with CRLF at the end of each line."""
    return "".join(f"{line}\r\n" for line in text.splitlines()).encode()


def _from(text: str, author: Address) -> MailAddress:
    """The reply's author: the recipient, with the display name from the script."""
    found = parse_addresses(text.encode("utf-8", "replace"), 1)
    name = decode_address(found[0]).name if found and isinstance(found[0], RawAddress) else ""
    return MailAddress(name, author.localpart, author.domain.ascii)


# Messages that an account sends on: their sender, seal, and author (SMTP-159, SMTP-160a, SMTP-166, QUEUE-179).
#
# The body is never changed, so that signatures survive. Where no signature of the author's domain does, and that
# domain asks others to refuse unproven mail, From becomes the forwarding address and Reply-To the author.


passing_logger = logging.getLogger("moxlite.smtpd.incoming.deliver")

MAX_NAME: Final = 200
"""Characters of the author's name in a new From."""

STRICT: Final = frozenset({"quarantine", "reject"})
"""Policies that ask others not to take mail whose author is not proven."""


class ForwardedMessage(msgspec.Struct, frozen=True):
    """A message that is sent on, but for its recipient."""

    submission: Submission
    dropped: tuple[bytes, ...]

    def to(self, address: str) -> bytes:
        """The packed `OwedMessage` for an address."""
        [recipient] = self.submission.recipients
        recipients = (msgspec.structs.replace(recipient, address=Address.parse(address)),)
        submission = msgspec.structs.replace(self.submission, recipients=recipients)
        return OwedMessage(submission, forwarded=True, dropped=self.dropped).pack()


async def pass_on(
    session: Session,
    transaction: Transaction,
    prepared: PreparedMessage,
    decided: Decision,
    prefix: bytes,
    own: Address,
) -> ForwardedMessage:
    """The message as it is sent on, in the name of `own`: the account's address, or the alias. `prefix`: the trace
    fields of the account's copy, with our results.
    """
    case = decided.case
    checks, now = case.evidence.checks, time.time()
    message = _message(prepared.spool, await read_header(prepared.spool))
    dropped: tuple[bytes, ...] = ()
    fields = b""
    if own != case.recipient.canonical:
        fields = _list_fields(own, message.section)
        message = _with(message, fields)
    author = prepared.index.envelope.from_
    signers = session.context.keys.signers(session.snapshot.domain(own.domain))
    try:
        if checks is not None and len(author) == 1 and _loses_author(checks):
            written, dropped = _new_author(author[0], own, message.section), (b"from",)
            message = _with(message, written, dropped)
            signed = await sign(message, own, signers, now, domain=own.domain)
            message, fields = _with(message, signed), signed + written + fields
        sealer = _sealer(own, signers)
        if checks is not None and sealer is not None:
            host = session.hostname.ascii
            results = own_results(HeaderSection(prefix + b"\r\n"), host)
            fields = await seal(message, results, host, sealer, checks.arc.status, int(now)) + fields
    except ValueError as error:  # SigningError, or ComposeError: the author has no form in a new header
        # Whatever in the message can't be written or signed: the message has been accepted, so it goes on as it is.
        passing_logger.info("message forwarded without ARC seal", extra={"kv": {"account": case.account, "err": error}})
    sender = transaction.sender.address
    # The author has reached an owner who keeps a copy: what comes of the other one is the owner's business.
    kept = own == case.recipient.canonical and any(isinstance(action, FileInto) for action in decided.plan.actions)
    if sender is not None and not kept:
        sender = session.context.srs.sender_for(sender, own.domain, now)
    envelope = prepared.index.envelope
    submission = Submission(
        account=case.account,
        mail_from=own if kept else sender or own,
        recipients=(SubmissionRecipient(own, dsn_orcpt=_written_to(transaction, case)),),
        extra={KEPT: "yes"} if kept else {},
        received=transaction.received,
        prefix=fields,
        has8bit=transaction.mail.body == "8BITMIME",
        smtputf8=transaction.mail.smtputf8,
        requiretls=transaction.mail.requiretls,
        message_id=envelope.message_id,
        subject=envelope.subject,
    )
    return ForwardedMessage(submission, dropped)


def _list_fields(alias: Address, section: HeaderSection) -> bytes:
    """The fields by which programs tell mail to an alias from mail to its member (RFC 2919, RFC 2369); none for mail
    that came by a list, or if the alias' name can't be in them.
    """
    name, domain = str(alias.localpart), alias.domain.ascii
    if section.first(b"list-id") is not None or LIST_NAME.fullmatch(name) is None:
        return b""
    return f"List-Id: <{name}.{domain}>\r\nList-Post: <mailto:{name}@{domain}>\r\n".encode()


def _written_to(transaction: Transaction, case: Case) -> str:
    """The address that the sender wrote to, as type and address (RFC 3461 §4.2): the only one that it may be told."""
    asked = str(case.asked if isinstance(case.asked.host, Domain) else case.recipient.canonical)
    return (
        transaction.recipients[case.indexes[0]].command.orcpt or f"{'rfc822' if asked.isascii() else 'utf-8'};{asked}"
    )


def _loses_author(checks: Checks) -> bool:
    """Whether others would refuse the message for its author: no signature of the author's domain is left, and the
    domain has a strict policy.
    """
    return not checks.dmarc.aligned_dkim and checks.dmarc.policy in STRICT


def _new_author(author: MailAddress, own: Address, section: HeaderSection) -> bytes:
    """Build a new From, and Reply-To if missing.

    The old From is kept in a separate field, and another one gives the reason.
    """
    name = (author.name or f"{author.localpart}@{unicode_domain(author.domain)}")[:MAX_NAME]
    new = MailAddress(f"{name} via {own.domain.unicode}", own.localpart, own.domain.ascii)
    utf8 = needs_utf8(author, new)
    fields = address_field("From", (new,), utf8=utf8)
    if not section.count(b"reply-to"):
        fields += address_field("Reply-To", (author,), utf8=utf8)
    old = address_field("X-Original-From", (author,), utf8=utf8)
    return fields + old + b"X-Moxlite-Forwarded: From replaced, no signature of its domain survives\r\n"


def _message(spool: Spool, section: HeaderSection) -> SignedMessage:
    body = spool.size if section.body is None else section.body
    return SignedMessage(section, lambda: spool.chunks(start=body), spool.size, spool.in_memory)


def _with(message: SignedMessage, fields: bytes, dropped: tuple[bytes, ...] = ()) -> SignedMessage:
    """The message with fields before it, and without others."""
    section = message.section
    end = b"" if section.body is None else b"\r\n"
    changed = HeaderSection(fields + section.without(section.all(*dropped)) + end)
    return msgspec.structs.replace(message, section=changed)


def _sealer(own: Address, signers: Sequence[Signer]) -> Sealer | None:
    """The first RSA key that signs for the domain, which all verifiers know, else the first one (AUTH-111)."""
    keys = sorted(signers, key=lambda signer: isinstance(signer.key, Ed25519PrivateKey))
    return Sealer(domain=own.domain, selector=keys[0].selector, key=keys[0].key) if keys else None


logger = logging.getLogger("moxlite.smtpd.incoming.deliver")


class CopyWriter:
    """Writes the copies of one message.

    Attributes:
      stored: names of the accounts that have performed their plan.
    """

    def __init__(self, session: Session, transaction: Transaction, prepared: PreparedMessage, common: Common) -> None:
        self._session = session
        self._transaction = transaction
        self._prepared = prepared
        self._common = common
        self.stored: list[str] = []

    async def store(
        self, decided: Decision, owes: tuple[OwedRow, ...] = (), *, may_repeat: bool = False
    ) -> DeliveryResult:
        """Perform an account's plan in one unit, with the rows that the account owes.

        `may_repeat`: other accounts are written to as well; if one of these fails, the client sends the message again.
        Raises StoreError.
        """
        trace_fields = decided_prefix(self._common, decided)
        whole = self._prepared.with_prefix(trace_fields)
        actions = await with_messages(self._session, self._transaction, self._prepared, decided, trace_fields)
        async with self._session.context.accounts.use(decided.case.account) as account:
            with trio.move_on_after(self._session.context.timeouts.store, shield=True):
                performed = await perform(
                    account,
                    whole,
                    self._delivery(decided, actions),
                    self._transaction.identifier,
                    retried=self._retry_key if may_repeat else b"",
                    owes=owes,
                )
                self.stored.append(account.name)  # before the next checkpoint, at which this task may be cancelled
                return performed
        raise StorageBusy("commit timed out")

    async def keep_reject(self, decided: Decision, *, may_repeat: bool) -> None:
        """Keep the copy of a refused message, if the plan says so; a failure is logged. `may_repeat`: as `store`."""
        if decided.plan.actions:
            try:
                result = "skipped" if (await self.store(decided, may_repeat=may_repeat)).added is None else "kept"
            except StoreError as error:
                result = "error"
                logger.warning(
                    "failed to keep rejected message", extra={"kv": {"account": decided.case.account, "err": error}}
                )
            metrics.rejects_total.labels(result=result).inc()

    async def owe(self, name: str, notice: OwedRow) -> bool:
        """Add a notice to an account, in a unit of its own. Returns False if that fails."""
        try:
            async with self._session.context.accounts.use(name) as account:
                with trio.move_on_after(self._session.context.timeouts.store, shield=True):
                    await owe(account, notice)
                    return True
        except StoreError as error:
            logger.error("failed to store failure notice", extra={"kv": {"account": name, "err": error}})
        return False

    async def expect_again(self, name: str) -> None:
        """Mark the message in the account, so that the client's next try is not stored again."""
        try:
            with trio.move_on_after(self._session.context.timeouts.store, shield=True):
                async with self._session.context.accounts.use(name) as account:
                    await suppress_retry(account, self._retry_key)
        except StoreError as error:
            logger.warning(
                "failed to record delivery, message may be duplicated", extra={"kv": {"account": name, "err": error}}
            )

    async def defer(self, deferred: list[Deferred]) -> bool:
        """Queue the deliveries that accounts cannot take now; False if the queue cannot take them."""
        defer = self._session.context.defer
        if defer is None:
            return False
        try:
            with trio.move_on_after(self._session.context.timeouts.store, shield=True):
                await defer(deferred, self._prepared.spool)
                return True
        except StoreError as error:
            kv = {"number": len(deferred), "err": error}
            logger.error("failed to queue account deliveries", extra={"kv": kv})
        return False

    def deferred(self, decided: Decision, outcome: Outcome, *, known: bool, receipted: bool) -> Deferred:
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

    def _delivery(self, decided: Decision, actions: tuple[AnyAction, ...]) -> Delivery:
        settings = decided.case.settings
        return Delivery(
            actions=actions,
            facts=facts_of(self._session, self._transaction, decided.case),
            why=pack(why_of(decided)),
            clear_rejects=(settings.rejects_mailbox or "") if settings is not None else "",
            tell=_told_address(decided.case, self._session.snapshot),
        )

    @cached_property
    def _retry_key(self) -> bytes:
        """Key of the message for a second try: equal for the same octets, sender and recipients."""
        # Without the time or the trace fields: the second try comes later, and over another connection.
        paths = sorted(recipient.path.pack(True) for recipient in self._transaction.recipients)
        parts = (self._transaction.sender.pack(True), self._prepared.digest.hex(), *paths)
        return b"again " + hashlib.sha256("\0".join(parts).encode()).digest()


def _for_later(actions: tuple[AnyAction, ...]) -> tuple[AnyAction, ...]:
    """The actions of a delivery that waits: without an answer, which would come too late, and with the message kept in
    place of being sent on.
    """
    kept = (FileInto(mailbox=action.otherwise) if isinstance(action, Redirect) else action for action in actions)
    return tuple(dict.fromkeys(one for one in kept if not isinstance(one, Vacation)))


def _told_address(case: Case, snapshot: Snapshot) -> str:
    """The address as the client wrote it, if a webhook may be called for the message: the account has one, or the
    localpart has a separator more than the account's address, and may hold the FROMID of a sent message (QUEUE-95).
    Else "".
    """
    told = case.settings is not None and case.settings.incoming_webhook is not None
    domain = snapshot.domain(case.asked.host) if isinstance(case.asked.host, Domain) else None
    separators = () if domain is None else domain.localpart_separators[:1]
    longer = case.asked.localpart != case.recipient.canonical.localpart
    return str(case.asked) if told or (longer and any(one in str(case.asked.localpart) for one in separators)) else ""
