"""SPF and the input of all sender checks of a transaction (SMTP-69, SMTP-73)."""

from moxlite.acceptance.checks import Question, check_spf
from moxlite.config.snapshot import AccountRecipient
from moxlite.mailauth.results import SPFStatus
from moxlite.proto.address import Domain
from moxlite.smtpd.session import Session
from moxlite.smtpd.transaction import Transaction


def question_of(session: Session, transaction: Transaction, from_domains: tuple[str, ...] = ()) -> Question:
    """Return the input of the sender checks; `from_domains` is empty before the message was received."""
    hello, sender, static = session.hello, transaction.sender, session.snapshot.static
    return Question(
        remote=session.info.remote,
        mail_from=f"{sender.localpart}@{sender.host.ascii}" if isinstance(sender.host, Domain) else "",
        helo=hello.name if hello is not None else "",
        helo_domain=hello.host.ascii if hello is not None and isinstance(hello.host, Domain) else "",
        hostname=session.hostname.ascii,
        from_domains=from_domains,
        method=static.dmarc.method,
        allow_sha1=static.dkim.allow_sha1,
        trusted_sealers=session.snapshot.trusted_sealers,
        tlsrpt=any(
            isinstance(one.found, AccountRecipient) and one.found.reports in {"tlsrpt", "host_tlsrpt"}
            for one in transaction.recipients
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
