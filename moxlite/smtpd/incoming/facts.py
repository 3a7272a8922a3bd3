"""The facts of an incoming message that are stored with an account's copy, for reputation and the account's owner."""

from functools import lru_cache
from typing import Final

from moxlite.acceptance.cases import Case
from moxlite.acceptance.checks import Checks
from moxlite.acceptance.evidence import DKIM_DOMAIN, Evidence, unicode_domain
from moxlite.mailauth.results import SPFStatus
from moxlite.net.limits import unmap
from moxlite.proto.address import Domain
from moxlite.proto.publicsuffix import organizational_domain
from moxlite.smtpd.session import Session
from moxlite.smtpd.transaction import Transaction
from moxlite.store.mail.facts import Facts, SMTPFacts, Validation, ip_classes

_ip_classes: Final = lru_cache(4096)(ip_classes)
"""Cache for senders that send again; saves 40 µs per message."""


def facts_of(session: Session, transaction: Transaction, case: Case) -> Facts:
    """The facts of a delivery that are stored with the message."""
    evidence = case.evidence
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
            rcptto=address.localpart if case.alias is not None else case.asked.localpart,  # with its detail
            rcptto_domain=address.domain.unicode,
            msgfrom=author.localpart if author is not None else "",
            msgfrom_domain=author.domain.unicode if author is not None else "",
            msgfrom_orgdomain=organizational_domain(author.domain.unicode) if author is not None else "",
            ehlo_ok=helo is not None and helo.status is SPFStatus.PASS,
            ehlo_validation=helo.status.value if helo is not None else "unknown",
            mailfrom_ok=checks is not None and checks.mail_from_verified != "",
            mailfrom_validation=mail_from_validation(checks),
            msgfrom_ok=checks is not None and checks.from_validation != "none",
            msgfrom_validation="unknown" if checks is None else checks.from_validation,
        ),
        tls_version=tls.version if tls is not None else "",
        tls_cipher=tls.suite if tls is not None else "",
        requiretls=transaction.mail.requiretls,
        dkim_domains=_signers(evidence),
    )


def _signers(evidence: Evidence) -> tuple[str, ...]:
    """Domains of passing signatures, including signatures that passed at a trusted ARC sealer (SMTP-158)."""
    checks = evidence.checks
    passed_on = checks.vouched.signers if checks is not None and checks.vouched is not None else ()
    return tuple(dict.fromkeys((*evidence.values(DKIM_DOMAIN), *map(unicode_domain, passed_on))))


def mail_from_validation(checks: Checks | None) -> Validation:
    """The result of SPF for the address of MAIL FROM, "unknown" if only the EHLO name was checked."""
    if checks is None or checks.spf.identity != "mailfrom":
        return "unknown"
    return checks.spf.status.value
