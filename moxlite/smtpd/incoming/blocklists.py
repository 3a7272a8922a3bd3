"""Checks that begin before the message is there: the client in the DNS block lists of a listener (SMTP-94), and SPF of
the sender (SMTP-69, SMTP-73).
"""

import logging
from typing import Final

import trio

from moxlite.acceptance.checks import Question, check_spf
from moxlite.admin.offer import public_first
from moxlite.config.listeners import SMTPService
from moxlite.config.snapshot import AccountRecipient, CurrentConfig
from moxlite.mailauth.dnsbl import DNSBLStatus, Health, check
from moxlite.mailauth.results import SPFStatus
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import Resolver
from moxlite.proto.address import Domain
from moxlite.smtpd import metrics
from moxlite.smtpd.session import Session, Transaction

logger = logging.getLogger("moxlite.smtpd.incoming.blocklists")

_health: Final = Health()
"""Health of all zones, shared by the listeners: the server has one view of DNS."""


class ClientLookup:
    """One look-up of a session's client, for all recipients of a message."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._found: str | None = None
        self._asking = trio.Lock()

    async def listed(self) -> str:
        """Return the block list that has the client, "" for none."""
        if not self._session.smtp.dnsbls:
            return ""
        # Accounts of one message ask at the same time: one look-up serves all of them.
        async with self._asking:
            if self._found is None:
                session = self._session
                resolver = session.context.resolver
                assert resolver is not None  # else nothing is checked
                self._found = await listed(resolver, session.smtp, session.info.remote)
            return self._found


async def listed_at(config: CurrentConfig, resolver: Resolver, ip: IPAddress) -> str:
    """Return the first list that has this address, by the settings of the listener `public`, or of the first one with
    SMTP; "" for none.
    """
    for _, listener in public_first(config.current):
        if listener.smtp.enabled:
            return await listed(resolver, listener.smtp, ip)
    return ""


async def listed(resolver: Resolver, settings: SMTPService, ip: IPAddress) -> str:
    """Return the first list that has the client, "" for none. A list that does not work is skipped and logged."""
    for zone in settings.dnsbls:
        problem = await _health.problem(resolver, zone.ascii)
        if problem:
            metrics.dnsbl_total.labels(zone=zone.ascii, result="unhealthy").inc()
            logger.warning("ignoring block list: test query failed", extra={"kv": {"zone": zone, "err": problem}})
            continue
        codes = settings.dnsbl_codes.get(zone.ascii, settings.dnsbl_codes.get(zone.unicode, ()))
        result = await check(resolver, zone.ascii, ip, codes)
        metrics.dnsbl_total.labels(zone=zone.ascii, result=result.status.value).inc()
        if result.status is DNSBLStatus.FAIL:
            logger.info(
                "client is on a block list", extra={"kv": {"remote": ip, "zone": zone, "text": result.explanation}}
            )
            return zone.unicode
        if result.status is DNSBLStatus.TEMPERROR:
            logger.info("block list query failed", extra={"kv": {"zone": zone, "err": result.problem}})
    return ""


# SPF and the input of all sender checks of a transaction (SMTP-69, SMTP-73).


def question_of(session: Session, transaction: Transaction, from_domains: tuple[str, ...] = ()) -> Question:
    """Return the input of the sender checks; `from_domains` is empty before the message was received."""
    hello, sender, static = session.hello, transaction.sender, session.snapshot.static
    return Question(
        remote=session.info.remote,
        mail_from=f"{sender.localpart}@{sender.host.ascii}" if isinstance(sender.host, Domain) else "",
        helo=hello.name if hello is not None else "",
        helo_domain=hello.host.ascii if hello is not None and isinstance(hello.host, Domain) else "",
        from_domains=from_domains,
        method=static.dmarc.method,
        allow_sha1=static.dkim.allow_sha1,
        trusted_sealers=session.snapshot.trusted_sealers,
        tlsrpt=any(
            isinstance(recipient.found, AccountRecipient) and recipient.found.reports in {"tlsrpt", "host_tlsrpt"}
            for recipient in transaction.recipients
        ),
    )


async def has_proof(session: Session, transaction: Transaction) -> bool:
    """Whether SPF passes for MAIL FROM, so that a notice of failure reaches the real sender. True if no DNS look-ups
    are made. The result is kept for the checks of the message.
    """
    resolver = session.context.resolver
    if resolver is None or not session.network_checks:
        return True
    if transaction.spf is None:
        transaction.spf = await check_spf(resolver, question_of(session, transaction))
    return transaction.spf.status is SPFStatus.PASS
