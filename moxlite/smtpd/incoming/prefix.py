"""The trace fields that an account's copy of a message begins with (SMTP-78): case in, octets out."""

from collections.abc import Callable
from functools import partial

import msgspec

from moxlite.acceptance.cases import Case
from moxlite.acceptance.evidence import Evidence
from moxlite.acceptance.gathering import Decided
from moxlite.acceptance.producers.dmarc import dmarc_override
from moxlite.acceptance.reasonheader import steps
from moxlite.mailauth.headers import authentication_results, received_spf
from moxlite.net.limits import IPAddress, unmap
from moxlite.proto.address import Path
from moxlite.smtpd import trace
from moxlite.smtpd.session import Session
from moxlite.smtpd.transaction import Transaction
from moxlite.store.content.prepare import Prepared


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that the copies of a message share.

    `received` makes the Received field; it names the recipient if the message has only one (`single`). `hello` is the
    client's name as given, "" without one. `headerless`: the message has no header of its own, so an empty line follows
    the trace fields.
    """

    received: Callable[[Path | None], bytes]
    sender: Path
    hostname: str
    remote: IPAddress
    hello: str
    single: bool
    utf8: bool
    headerless: bool


def common_of(session: Session, transaction: Transaction, prepared: Prepared, evidence: Evidence) -> Common:
    """The shared facts of a message."""
    hello, checks, utf8 = session.hello, evidence.checks, transaction.mail.smtputf8

    received = partial(
        trace.received,
        client=hello.name if hello is not None else "unknown",
        client_ip=session.info.remote,
        client_name=checks.iprev.name if checks is not None else "",
        hostname=session.hostname,
        info=session.info,
        protocol=trace.protocol_name(
            extended=session.dialogue.codec.extended, utf8=utf8, tls=session.dialogue.codec.tls, authenticated=False
        ),
        requiretls=transaction.mail.requiretls,
        identifier=session.dialogue.received_id,
        utf8=utf8,
        moment=transaction.received,
    )
    return Common(
        received=lambda recipient: received(recipient=recipient),
        sender=transaction.sender,
        hostname=session.hostname.ascii,
        remote=unmap(session.info.remote),
        hello=hello.name if hello is not None else "",
        single=len(transaction.recipients) == 1,
        utf8=utf8,
        headerless=prepared.headerless,
    )


def decided_prefix(common: Common, decided: Decided) -> bytes:
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
            _results(common, case),
            common.received(case.asked if common.single else None),
        )
    )
    return fields + b"\r\n" if common.headerless else fields


def _results(common: Common, case: Case) -> bytes:
    """The fields Authentication-Results and Received-SPF (AUTH-85, AUTH-29)."""
    checks = case.evidence.checks
    if checks is None:
        return b""
    sender = common.sender.pack(False)
    return authentication_results(
        common.hostname,
        ip=common.remote,
        mail_from=sender,
        iprev=checks.iprev,
        dkim=checks.dkim,
        spf=[one for one in (checks.spf, checks.helo) if one is not None],
        dmarc=msgspec.structs.replace(checks.dmarc, override=dmarc_override(case)),
        arc=checks.arc,
    ) + received_spf(checks.spf, hostname=common.hostname, ip=common.remote, mail_from=sender, helo=common.hello)
