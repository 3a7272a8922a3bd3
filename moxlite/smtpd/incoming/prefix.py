"""The trace fields that an account's copy of a message begins with (SMTP-78): case in, octets out."""

from collections.abc import Callable
from functools import cache

import msgspec

from moxlite.acceptance.cases import DKIM_DOMAIN, Case, Evidence
from moxlite.acceptance.checks import Checks
from moxlite.acceptance.gathering import Decision
from moxlite.acceptance.producers.judgement import dmarc_override
from moxlite.acceptance.why import steps
from moxlite.mailauth.headers import authentication_results, received_spf
from moxlite.mailauth.results import SPFStatus
from moxlite.net.limits import unmap
from moxlite.proto.address import Address, Domain, Path, unicode_domain
from moxlite.proto.publicsuffix import organizational_domain
from moxlite.smtpd import trace
from moxlite.smtpd.session import Session, Transaction
from moxlite.store.content.prepare import PreparedMessage
from moxlite.store.mail.facts import MessageFacts, SMTPFacts, Validation, ip_classes


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that the copies of a message share.

    `received` makes the Received field; it names the recipient if the message has only one (`single`).
    `authenticated` makes the fields Authentication-Results and Received-SPF (AUTH-85, AUTH-29) from the `override` of
    `DMARCResult`, b"" without checks. `headerless`: the message has no header of its own, so an empty line follows the
    trace fields.
    """

    received: Callable[[Path | None], bytes]
    authenticated: Callable[[str], bytes]
    sender: Path
    single: bool
    utf8: bool
    headerless: bool


def common_of(session: Session, transaction: Transaction, prepared: PreparedMessage, evidence: Evidence) -> Common:
    """The shared facts of a message."""
    hello, checks, utf8 = session.hello, evidence.checks, transaction.mail.smtputf8

    # Kept: the junk filter, a script and the store read the same fields.
    @cache
    def received(recipient: Path | None) -> bytes:
        return trace.received(
            client=hello.name if hello is not None else "unknown",
            client_ip=session.info.remote,
            client_name=checks.iprev.name if checks is not None else "",
            hostname=session.hostname,
            info=session.info,
            protocol=trace.protocol_name(
                extended=session.dialogue.codec.extended,
                utf8=utf8,
                tls=session.dialogue.codec.tls,
                authenticated=False,
            ),
            requiretls=transaction.mail.requiretls,
            identifier=session.dialogue.received_id,
            recipient=recipient,
            utf8=utf8,
            moment=transaction.received,
        )

    @cache
    def authenticated(override: str) -> bytes:
        if checks is None:
            return b""
        hostname, ip, mail_from = session.hostname.ascii, unmap(session.info.remote), transaction.sender.pack(False)
        return authentication_results(
            hostname,
            ip=ip,
            mail_from=mail_from,
            iprev=checks.iprev,
            dkim=checks.dkim,
            spf=[spf_result for spf_result in (checks.spf, checks.helo) if spf_result is not None],
            dmarc=msgspec.structs.replace(checks.dmarc, override=override),
            arc=checks.arc,
            utf8=utf8,
        ) + received_spf(
            checks.spf,
            hostname=hostname,
            ip=ip,
            mail_from=mail_from,
            helo=hello.name if hello is not None else "",
            utf8=utf8,
        )

    return Common(
        received=received,
        authenticated=authenticated,
        sender=transaction.sender,
        single=len(transaction.recipients) == 1,
        utf8=utf8,
        headerless=prepared.headerless,
    )


def decided_prefix(common: Common, decided: Decision) -> bytes:
    """The trace fields of the copy that is stored."""
    return prefix(common, decided.case, trace.reason_field(decided.plan.word, steps(decided.case.evidence)))


def prefix(common: Common, case: Case, reason: bytes) -> bytes:
    """The trace fields, in the order of SMTP-78; `reason` is the field with the plan's reason."""
    fields = b"".join(
        (
            reason,
            trace.report_problem(case.recipient.reports, case.report_problem),
            trace.delivered_to(case.asked, utf8=common.utf8),
            trace.return_path(common.sender, utf8=common.utf8),
            common.authenticated(dmarc_override(case)),
            common.received(case.asked if common.single else None),
        )
    )
    return fields + b"\r\n" if common.headerless else fields


# The facts of an incoming message that are stored with an account's copy, for reputation and the account's owner.


def facts_of(session: Session, transaction: Transaction, case: Case) -> MessageFacts:
    """The facts of a delivery that are stored with the message."""
    evidence = case.evidence
    envelope = evidence.envelope
    remote = str(unmap(envelope.remote))
    ip1, ip2, ip3 = ip_classes(remote)
    sender, author, address = envelope.sender, evidence.msg_from, case.recipient.canonical
    sender_domain = sender.host.unicode if isinstance(sender.host, Domain) else ""
    tls = session.info.tls
    checks = evidence.checks
    validation = _from_validation(session, author) if checks is None else checks.from_validation
    helo = None if checks is None else checks.spf if checks.spf.identity == "helo" else checks.helo
    return MessageFacts(
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
            msgfrom_ok=validation not in ("none", "unknown"),
            msgfrom_validation=validation,
        ),
        tls_version=tls.version if tls is not None else "",
        tls_cipher=tls.suite if tls is not None else "",
        requiretls=transaction.mail.requiretls,
        dkim_domains=_signers(evidence),
    )


def _from_validation(session: Session, author: Address | None) -> Validation:
    """The proof of a From address without checks: what a user of this server submits is from an own address, which was
    checked then.
    """
    submitter, snapshot = session.info.submitter, session.context.config.current
    own = author is not None and submitter != "" and snapshot.may_send_as(submitter, author)
    return "strict" if own else "unknown"


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
