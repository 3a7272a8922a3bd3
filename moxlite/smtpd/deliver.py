"""An incoming message after its last octet: checks, the decision per recipient, storing, and the reply (SMTP-73..80,
104..108).

250 is said only after the commit in each account; a commit is shielded from cancellation, so a shutdown cannot leave a
message stored that the client was told is not (SMTP-44).
"""

import logging
from functools import lru_cache, partial
from typing import Final

import msgspec
import trio

from moxlite.config.snapshot import AccountRecipient, AliasRecipient, UnknownLocalpart
from moxlite.net.limits import unmap
from moxlite.proto import publicsuffix
from moxlite.proto.address import Domain
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.types import MIMEError
from moxlite.proto.publicsuffix import organizational_domain
from moxlite.proto.smtp.replies import Response
from moxlite.smtpd import metrics, replies, simulate, trace
from moxlite.smtpd.analyze import Evidence, Headers, Verdict, decide, find_rule, from_address, readable_headers
from moxlite.smtpd.header import look_at, read_header
from moxlite.smtpd.notices import send_failure_notice
from moxlite.smtpd.replies import Refused, refuse
from moxlite.smtpd.session import Session
from moxlite.smtpd.transaction import AcceptedRecipient, Transaction
from moxlite.store.content.prepare import Prepared, prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.actions import Delivery, FileInto, Mark
from moxlite.store.delivery.perform import perform
from moxlite.store.errors import StorageBroken, StoreError
from moxlite.store.junk.classify import classify
from moxlite.store.mail.facts import Facts, SMTPFacts, ip_classes, of_forward
from moxlite.store.types import Flag

__all__ = ["deliver"]

logger = logging.getLogger("moxlite.smtpd.deliver")

MAX_RECEIVED: Final = 100
"""Received fields from which on a message is taken for looping (SMTP-42, RFC 5321 §6.3)."""

PREFIX_ROOM: Final = 64 << 10
"""Octets that trace fields may add to a message of the maximum size."""

MAX_LINES: Final = 50
"""Lines of one reply: clients give up on endless ones, ours at 100 (QUEUE-62)."""

AT_ONCE: Final = 8
"""Accounts written to at one time: each has a writer of its own, and 1000 recipients must not hold 1000 files open."""

UNJUDGED: Final = Verdict(reason="unjudged", mailbox="")
"""Stands in the trace fields of a message while it is judged; no word of it counts."""

_ip_classes: Final = lru_cache(4096)(ip_classes)
"""Senders come back: the cache saves 40 µs a message."""


class Target(msgspec.Struct, frozen=True):
    """One delivery: to whom the client wrote, and the account's address that it goes to."""

    recipient: AcceptedRecipient
    account: AccountRecipient


async def deliver(session: Session, transaction: Transaction, spool: Spool) -> Response:
    """Deliver to all recipients; returns the one reply for them (SMTP-108). Raises Refused, StoreError."""
    if session.context.localserve:
        for recipient in transaction.recipients:
            await simulate.fail(recipient.path.localpart, "")
    section = await read_header(spool)
    if section.count(b"received") > MAX_RECEIVED:
        raise Refused(replies.LOOP)
    if all(isinstance(recipient.found, UnknownLocalpart) for recipient in transaction.recipients):
        await session.wire.pause(session.context.pace.unknown)
        raise Refused(replies.UNKNOWN_USER)
    if not session.info.trusted_local:
        cleaned = await look_at(section, partial(trace.without_forged, hostname=session.hostname))
        if cleaned is not None:
            with await spool.with_header(cleaned, len(section.octets)) as clean_spool:
                return await _deliver(session, transaction, clean_spool, await read_header(clean_spool))
    return await _deliver(session, transaction, spool, section)


async def _deliver(session: Session, transaction: Transaction, spool: Spool, section: HeaderSection) -> Response:
    limit = session.listener.max_message_size + PREFIX_ROOM
    try:
        prepared = await prepare(spool, max_size=limit, strict=session.context.localserve)
    except MIMEError as error:  # only localserve is strict (SMTP-133)
        raise refuse(554, "5.6.0", f"message is not well-formed: {error}") from None
    evidence = _evidence(session, transaction, prepared, section)
    delivery = _Delivery(session, transaction, prepared, evidence, section)
    results = await delivery.run()
    failed = [(recipient, response) for recipient, response in results if response is not None]
    if not failed:
        return Response(250, "2.0.0", (f"message accepted, id {session.received_id}",))
    if len(failed) == len(results):
        return _combined([response for _, response in failed])
    await send_failure_notice(session, transaction, prepared, failed)
    return Response(250, "2.0.0", (f"message accepted for some recipients, id {session.received_id}",))


def _evidence(session: Session, transaction: Transaction, prepared: Prepared, section: HeaderSection) -> Evidence:
    hello = session.hello.host if session.hello is not None else None
    return Evidence(
        remote=session.info.remote,
        hello=hello if isinstance(hello, Domain) else None,
        sender=transaction.sender,
        msg_from=from_address(prepared.index.envelope.from_),
        from_fields=section.count(b"from"),
        trusted=session.info.trusted_local,
    )


def _combined(responses: list[Response]) -> Response:
    """One reply for several that all refuse (SMTP-108)."""
    first = responses[0]
    lines = tuple(dict.fromkeys(line for response in responses for line in response.lines))[:MAX_LINES]
    if all((response.code, response.ecode) == (first.code, first.ecode) for response in responses):
        return Response(first.code, first.ecode, lines)
    each = tuple(dict.fromkeys(str(response) for response in responses))[:MAX_LINES]
    if any(response.code >= 500 for response in responses):
        return Response(554, "5.3.0", each)
    return Response(451, "4.3.0", each)


def _action(verdict: Verdict) -> FileInto:
    if verdict.destined is None:
        return FileInto(mailbox=verdict.mailbox)
    return FileInto(mailbox=verdict.mailbox, flags=int(Flag.SEEN), mark=Mark.REJECT, destined=verdict.destined)


class _Delivery:
    """One message on its way into accounts."""

    def __init__(
        self,
        session: Session,
        transaction: Transaction,
        prepared: Prepared,
        evidence: Evidence,
        section: HeaderSection,
    ) -> None:
        self._section = section
        self._session = session
        self._transaction = transaction
        self._prepared = prepared
        self._evidence = evidence
        self._limiter = trio.CapacityLimiter(AT_ONCE)
        self._single = len(transaction.recipients) == 1
        self._utf8 = transaction.mail.smtputf8
        hello = session.hello
        self._received = partial(
            trace.received,
            client=hello.name if hello is not None else "unknown",
            client_ip=session.info.remote,
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

    async def run(self) -> list[tuple[AcceptedRecipient, Response | None]]:
        """Deliver to all; the response that refuses it per recipient, None where it was accepted."""
        recipients = self._transaction.recipients
        if self._single:
            return [(recipients[0], await self._to_recipient(recipients[0]))]
        results: dict[int, Response | None] = {}

        async def one(index: int) -> None:
            async with self._limiter:
                results[index] = await self._to_recipient(recipients[index])

        # Own addresses before aliases: who has both gets the message as addressed (SMTP-73, SMTP-105).
        for kind in (AccountRecipient, AliasRecipient, UnknownLocalpart):
            async with trio.open_nursery() as nursery:
                for index, recipient in enumerate(recipients):
                    if isinstance(recipient.found, kind):
                        nursery.start_soon(one, index)
        return [(recipient, results[index]) for index, recipient in enumerate(recipients)]

    async def _to_recipient(self, recipient: AcceptedRecipient) -> Response | None:
        match recipient.found:
            case AccountRecipient() as account:
                return await self._to_account(Target(recipient, account))
            case AliasRecipient() as alias:
                return await self._to_alias(recipient, alias)
            case _:
                self._note(recipient, Verdict(reason="unknown-user", mailbox=""), replies.UNKNOWN_USER)
                return replies.UNKNOWN_USER

    async def _to_alias(self, recipient: AcceptedRecipient, alias: AliasRecipient) -> Response | None:
        """All members; accepted if one accepts, else the first one's answer (SMTP-104..106)."""
        author = self._evidence.msg_from
        if not alias.alias.post_public and not self._may_post(alias):
            refusal = Response(550, "5.7.2", ("only members may write to this address",))
            self._note(recipient, Verdict(reason="alias-members-only", mailbox=""), refusal)
            return refusal
        sender = self._session.snapshot.lookup(author) if author is not None else None
        sending = sender.account if isinstance(sender, AccountRecipient) and not alias.alias.deliver_to_sender else None
        first: Response | None = None
        accepted = False
        members = [member for member in alias.members if member.account != sending]
        for member in members:
            answer = await self._to_account(Target(recipient, member))
            accepted = accepted or answer is None
            first = first or answer
        return None if accepted or not members else first

    def _may_post(self, alias: AliasRecipient) -> bool:
        author = self._evidence.msg_from
        if author is None:
            return False
        canonical = self._session.snapshot.canonical(author)
        if alias.alias.allow_msg_from and canonical == alias.canonical:
            return True
        found = self._session.snapshot.lookup(author)
        return isinstance(found, AccountRecipient) and any(member.account == found.account for member in alias.members)

    async def _to_account(self, target: Target) -> Response | None:
        """Decide, and store; None once it is durable."""
        rule = await find_rule(self._evidence, target.account, self._readable)
        try:
            verdict = await decide(self._evidence, target.account, rule, partial(self._is_junk, target))
        except StoreError as error:
            logger.warning("message not judged", extra={"kv": {"account": target.account.account, "err": error}})
            verdict = Verdict(reason="junk-classify-error", mailbox="", refusal=replies.store_reply(error))
        response = verdict.refusal
        if response is None:
            try:
                await self._store(target, verdict)
            except StoreError as error:
                response = replies.store_reply(error)
                logger.warning("message not stored", extra={"kv": {"account": target.account.account, "err": error}})
        self._note(target.recipient, verdict, response)
        return response

    async def _readable(self) -> Headers:
        """The header fields as rules see them."""
        return await look_at(self._section, readable_headers)

    async def _is_junk(self, target: Target) -> bool:
        """What the account's junk filter says; no without one, or as long as it has learnt too little (SMTP-93)."""
        name = target.account.account
        settings = self._session.snapshot.account(name)
        if settings is None or settings.junk_filter is None:
            return False
        whole = self._prepared.with_prefix(self._prefix(target, UNJUDGED))
        async with self._session.context.accounts.use(name) as account:
            judgement = await classify(account, whole)
        if judgement is None:
            return False
        return judgement.significant and judgement.probability > settings.junk_filter.threshold

    async def _store(self, target: Target, verdict: Verdict) -> None:
        session, prepared = self._session, self._prepared
        name = target.account.account
        if not publicsuffix.loaded():  # once, at the first delivery
            await trio.to_thread.run_sync(publicsuffix.load)
        settings = session.snapshot.account(name)
        async with session.context.accounts.use(name) as account:
            with trio.move_on_after(session.context.pace.store, shield=True):
                await perform(
                    account,
                    prepared.with_prefix(self._prefix(target, verdict)),
                    Delivery(
                        actions=(_action(verdict),),
                        facts=self._facts(target, verdict),
                        clear_rejects=(settings.rejects_mailbox or "") if settings is not None else "",
                    ),
                    self._transaction.identifier,
                )
                return
        raise StorageBroken("the commit takes too long")

    def _prefix(self, target: Target, verdict: Verdict) -> bytes:
        """The trace fields, in the order of SMTP-78."""
        path = target.recipient.path
        prefix = b"".join(
            (
                trace.reason_field(verdict.reason),
                trace.delivered_to(path, utf8=self._utf8),
                trace.return_path(self._transaction.sender, utf8=self._utf8),
                self._received(recipient=path if self._single else None),
            )
        )
        return prefix + b"\r\n" if self._prepared.headerless else prefix

    def _facts(self, target: Target, verdict: Verdict) -> Facts:
        session, evidence = self._session, self._evidence
        remote = str(unmap(evidence.remote))
        ip1, ip2, ip3 = _ip_classes(remote)
        sender, author, address = evidence.sender, evidence.msg_from, target.account.canonical
        sender_domain = sender.host.unicode if isinstance(sender.host, Domain) else ""
        tls = session.info.tls
        facts = Facts(
            smtp=SMTPFacts(
                remote_ip=remote,
                ip1=ip1,
                ip2=ip2,
                ip3=ip3,
                ehlo_domain=evidence.hello.unicode if evidence.hello is not None else "",
                mailfrom=sender.localpart,
                mailfrom_domain=sender_domain,
                rcptto=address.localpart,
                rcptto_domain=address.domain.unicode,
                msgfrom=author.localpart if author is not None else "",
                msgfrom_domain=author.domain.unicode if author is not None else "",
                msgfrom_orgdomain=organizational_domain(author.domain.unicode) if author is not None else "",
            ),
            tls_version=tls.version if tls is not None else "",
            tls_cipher=tls.cipher if tls is not None else "",
            requiretls=self._transaction.mail.requiretls,
            dkim_domains=evidence.dkim_domains,
        )
        return facts if verdict.forwarder is None else of_forward(facts, verdict.forwarder)

    def _note(self, recipient: AcceptedRecipient, verdict: Verdict, response: Response | None) -> None:
        """One line in the log and one count per decision (SMTP-139, SMTP-140)."""
        result = "delivered" if response is None else "rejected" if verdict.refusal is not None else "error"
        metrics.delivery_total.labels(result=result, reason=verdict.reason).inc()
        facts = self._session.log_facts() | {
            "mailfrom": str(self._transaction.sender),
            "rcptto": str(recipient.path),
            "msgfrom": str(self._evidence.msg_from or ""),
            "size": self._prepared.size,
            "reason": verdict.reason,
        }
        if response is None and verdict.destined is not None:
            logger.info("junk accepted by a ruleset", extra={"kv": facts | {"mailbox": verdict.mailbox}})
        elif response is None:
            logger.info("message delivered", extra={"kv": facts})
        else:
            logger.info("message refused", extra={"kv": facts | {"reply": str(response)}})
