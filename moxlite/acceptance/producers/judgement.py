"""Producers that judge the transaction, and then the sender and content of its message."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

from moxlite.acceptance.cases import (
    DKIM_DOMAIN,
    DMARC,
    DNSBL,
    FROM_VALIDATION,
    HISTORY,
    INDIRECT,
    IPREV,
    JUNK,
    MAILFROM_DOMAIN,
    ORIGIN,
    RATE,
    REPORT,
    SPF,
    STRAY,
    SUBJECT_PASS,
    Case,
)
from moxlite.acceptance.plan import Proposal, Reason
from moxlite.mailauth.dmarc import MAX_DOMAINS
from moxlite.mailauth.results import DMARCStatus, IPRevStatus, SPFStatus
from moxlite.proto.smtp.replies import Response
from moxlite.store.delivery.actions import FileInto, Mark
from moxlite.store.delivery.reasons import JUNK_REFUSALS, JUNK_UNSURE
from moxlite.store.mail.masked import fits_sender
from moxlite.store.types import Flag

# Producers that look at the transaction and the form of a message.


# Failures on demand, by the localpart of an address: only in localserve, for testing programs (SMTP-132).


Stage = Literal["mailfrom", "rcptto", "queue", ""]
"""Stage of the failure: at MAIL, at RCPT, when the queue delivers, or after the message ("")."""

_PATTERN: Final = re.compile(r"(mailfrom|rcptto|queue)?.*?(temperror|permerror|timeout|[45][0-9]{2})", re.DOTALL)
_CODES: Final = {"temperror": 451, "permerror": 550}


def demanded(localpart: str, stage: Stage) -> int | Literal["timeout"] | None:
    """The failure that a localpart demands at this stage, such as ``rcptto-temperror``, ``anything550``,
    ``mailfromtimeout``: a reply code, "timeout", or None.
    """
    match = _PATTERN.fullmatch(localpart.lower())
    if not match or (match[1] or "") != stage:
        return None
    return "timeout" if match[2] == "timeout" else _CODES.get(match[2]) or int(match[2])


def simulated_reply(code: int) -> Response:
    """The reply with that code."""
    return Response(code, f"{code // 100}.3.0", ("as set for the address",))


def simulated_failure(case: Case) -> Sequence[Proposal]:
    """Refuse a message to an address that demands it."""
    code = demanded(case.asked.localpart, "") if case.simulated and not case.accepted else None
    if not isinstance(code, int):
        return ()
    return (Proposal(because=Reason("simulated", "simulated"), reply=simulated_reply(code), binding=True),)


# Networks that send too much to one account (SMTP-81, SMTP-137).


HIGH_RATE: Final = "high-rate"

TOO_MUCH: Final = Response(452, "4.2.2", ("too much mail from your network for this recipient; try again later",))


def high_rate(case: Case) -> Sequence[Proposal]:
    """Refuse temporarily, without a copy: a copy would be one more message that fills the account."""
    if case.evidence.fact(RATE) is None:
        return ()
    return (Proposal(because=Reason(HIGH_RATE, "rates", (RATE,)), reply=TOO_MUCH),)


# Aliases that take mail of members only (SMTP-106).


MEMBERS_ONLY: Final = Response(550, "5.7.2", ("only members can send to this address",))


def members_only(case: Case) -> Sequence[Proposal]:
    """Refuse mail of an author who is not a member to an alias that is not public."""
    if case.may_post:
        return ()
    return (Proposal(because=Reason("alias-members-only", "alias"), reply=MEMBERS_ONLY, binding=True),)


# Addresses to give away that take mail of chosen senders only (MASK-5).


CHOSEN_ONLY: Final = Response(550, "5.7.1", ("this address only accepts mail from selected senders",))


def chosen_senders_only(case: Case) -> Sequence[Proposal]:
    """Refuse mail of another author; bounces of what was sent from the address still come."""
    chosen, author = case.recipient.only_from, case.evidence.msg_from
    if not chosen or case.evidence.envelope.sender.is_null or (author is not None and fits_sender(author, chosen)):
        return ()
    return (Proposal(because=Reason("chosen-senders-only", "alias"), reply=CHOSEN_ONLY, binding=True),)


# Mail of the own queue, which was judged when it was submitted (QUEUE-36).


def own_queue(case: Case) -> Sequence[Proposal]:
    """Accept mail of the own queue, whatever its content."""
    if not case.evidence.envelope.trusted:
        return ()
    return (Proposal(because=Reason("own-queue", "origin", (ORIGIN,)), binding=True),)


# Bounces of messages that were never sent from here (SMTP-110).


BOUNCE_REFUSED: Final = Response(550, "5.7.1", ("this bounce is for a message that this server didn't send",))
"""Final refusal: the sender is a host that would retry for days, and a refusal here causes no other notice."""


def stray_bounce(case: Case) -> Sequence[Proposal]:
    """Refuse a stray bounce with a copy in Rejects, or without such a mailbox file it into Junk."""
    if case.evidence.fact(STRAY) is None:
        return ()
    because = Reason("stray-bounce", "bounce", (STRAY,))
    if case.settings is not None and case.settings.rejects_mailbox:
        return (Proposal(because=because, reply=BOUNCE_REFUSED, junk=True),)
    return (Proposal(because=because, actions=(into_junk(case),), keep=False, binding=True),)


def into_junk(case: Case) -> FileInto:
    """Filing into the mailbox for junk: of what is neither learned nor counts for reputation, until the owner marks
    it.
    """
    return FileInto(
        mailbox=case.history.junk_mailbox if case.history is not None else "Junk",
        mark=Mark.REJECT,
        destined=case.destined,
    )


# Refusals by the header section alone (SMTP-76).


AMBIGUOUS_FROM: Final = Response(550, "5.7.1", ("message has multiple From fields",))


MANY_AUTHORS: Final = Response(550, "5.7.1", (f"From includes authors in too many domains (limit {MAX_DOMAINS})",))


def ambiguous_from(case: Case) -> Sequence[Proposal]:
    """Refuse a message with several From fields, since programs show different ones, and one with authors in more
    domains than are checked: the last ones would be unproven.
    """
    checks = case.evidence.checks
    if case.evidence.from_fields > 1:
        return (Proposal(because=Reason("ambiguous-from", "header"), reply=AMBIGUOUS_FROM),)
    if checks is not None and checks.authors > MAX_DOMAINS:
        return (Proposal(because=Reason("ambiguous-from", "header"), reply=MANY_AUTHORS),)
    return ()


# The DMARC policy of the From domain (SMTP-83..85, SMTP-87; RFC 9989 §5, §7.4).


REFUSED: Final = Response(550, "5.7.26", ("rejected by the From domain's DMARC policy",))
LATER: Final = Response(451, "4.7.26", ("can't check DMARC for the From domain right now; try again later",))


def is_listed(case: Case) -> bool:
    """Whether the message came by the mailing list that the matching ruleset names (SMTP-83)."""
    rule = case.rule
    if rule is None or rule.list_allow_domain is None:
        return False
    return rule.list_allow_domain.unicode in case.evidence.values(MAILFROM_DOMAIN, DKIM_DOMAIN)


def is_vouched(case: Case) -> bool:
    """Whether a trusted sealer has verified the author's domain (AUTH-113)."""
    checks = case.evidence.checks
    return checks is not None and checks.vouched is not None and checks.vouched.proven


def is_unproven(case: Case) -> bool:
    """Whether nothing proves that the message comes from the domain in From, nor has a trusted sealer verified that.
    What is known of the author whom it names is no reason to trust it then: forgers choose authors who are known.
    """
    checks = case.evidence.checks
    return checks is not None and checks.from_validation == "none" and not is_vouched(case)


def is_forward(case: Case) -> bool:
    """Whether the message came by a verified forwarder, as the matching ruleset says (SMTP-84)."""
    return case.rule is not None and case.rule.is_forward and case.rule.verified_domain is not None


def list_allow(case: Case) -> Sequence[Proposal]:
    """Accept all mail of a mailing list that the owner allows."""
    if not is_listed(case):
        return ()
    return (Proposal(because=Reason("list-allow", "list", (MAILFROM_DOMAIN, DKIM_DOMAIN)), binding=True),)


def _wanted(case: Case) -> str:
    """Action that DMARC demands: ``reject``, ``quarantine``, ``later``, or "" for none."""
    checks = case.evidence.checks
    if checks is None or is_listed(case) or is_forward(case) or is_vouched(case):
        return ""
    result = checks.dmarc
    if result.policy == "none":
        return ""
    if result.status is DMARCStatus.TEMPERROR:
        return "later"
    return result.policy if result.status is DMARCStatus.FAIL else ""


def _indirect(case: Case) -> bool:
    """Whether there is a sign that the message came by a mailing list or forwarder."""
    checks = case.evidence.checks
    if checks is not None and checks.vouched is not None:
        return True
    return case.evidence.fact(INDIRECT) is not None or (case.rule is not None and case.rule.verified_domain is not None)


def _known_good(case: Case) -> bool:
    """Whether history vouches for the way by which the message came. Wanted mail of an unproven author or domain, and
    mail that the owner has written to them, do not count.
    """
    history = case.history
    if history is None or (history.junk and history.conclusive):
        return False
    vouches = history.method in {"dkimspf", "ip1", "ip2", "ip3"}
    return history.wanted_list or (vouches and history.conclusive)


def quarantined(case: Case) -> bool:
    """Whether DMARC sends the message into the mailbox for junk."""
    wanted = _wanted(case)
    return wanted == "quarantine" or (wanted == "reject" and _indirect(case) and not _known_good(case))


def dmarc_policy(case: Case) -> Sequence[Proposal]:
    """Apply the policy of the domain in From.

    `reject` refuses, unless there is a sign of an indirect way; then it is treated as `quarantine`, or as history says.
    """
    wanted = _wanted(case)
    if wanted == "later":
        return (Proposal(because=Reason("dmarc-temperror", "dmarc", (DMARC,)), reply=LATER),)
    if quarantined(case):
        word = "dmarc-quarantine" if wanted == "quarantine" else "dmarc-indirect"
        because = Reason(word, "dmarc", (DMARC, INDIRECT) if wanted == "reject" else (DMARC,))
        return (Proposal(because=because, actions=(into_junk(case),), keep=False, binding=True),)
    if wanted == "reject" and not _indirect(case):
        return (Proposal(because=Reason("dmarc-policy", "dmarc", (DMARC,)), reply=REFUSED, junk=True),)
    return ()


def auth_required(case: Case) -> Sequence[Proposal]:
    """Refuse unproven authors, if the owner of the address requires proof."""
    text = case.recipient.destination.message_auth_required_smtp_error
    checks = case.evidence.checks
    if not text or checks is None or not is_unproven(case) or is_listed(case) or is_forward(case):
        return ()
    because = Reason("msg-auth-required", "dmarc", (FROM_VALIDATION,))
    if checks.dmarc.status is DMARCStatus.TEMPERROR:
        return (Proposal(because=because, reply=LATER),)
    return (Proposal(because=because, reply=Response.of(550, "5.7.26", text)),)


def dmarc_override(case: Case) -> str:
    """The reason for overriding the DMARC policy (RFC 9990; AUTH-56), or ""."""
    checks = case.evidence.checks
    if checks is None or checks.dmarc.status is not DMARCStatus.FAIL or checks.dmarc.policy == "none":
        return "" if checks is None else checks.dmarc.override
    if is_listed(case):
        return "mailing_list"
    if is_forward(case):
        return "trusted_forwarder"
    if is_vouched(case):
        return "local_policy"
    return "local_policy" if checks.dmarc.policy == "reject" and _indirect(case) else checks.dmarc.override


# Acceptance of mail with a usable DMARC or TLS report (SMTP-86, SMTP-100).


def valid_report(case: Case) -> Sequence[Proposal]:
    """Accept a usable report and mark it as seen: the server reads it, and its pages show it."""
    if case.report is None:
        return ()
    files = FileInto(mailbox=case.recipient.destination.mailbox, flags=Flag.SEEN)
    because = Reason("reporting", "report", (REPORT,))
    return (Proposal(because=because, actions=(files,), keep=False, binding=True),)


# Decisions by history, SPF and the reverse name of a sender (SMTP-88, SMTP-90, SMTP-91, SMTP-94).


STRANGERS: Final = frozenset({"dkimspf", "ip1", "ip2", "ip3", "none"})
"""Methods without knowledge of the author."""


def known_sender(case: Case) -> Sequence[Proposal]:
    """Accept or refuse if history is conclusive. Refuse temporarily if it cannot be read."""
    if HISTORY in case.evidence.missing:
        return (Proposal(because=Reason("reputation-error", "history", (HISTORY,)), reply=case.fault),)
    history = case.history
    if history is None or not history.conclusive or history.junk is None:
        return ()
    because = Reason(history.method, "history", (HISTORY,))
    if history.junk:
        return (Proposal(because=because, reply=JUNK_REFUSED, junk=True),)
    return (Proposal(because=because, binding=True),)


def spf_policy(case: Case) -> Sequence[Proposal]:
    """Refuse a message whose sender's domain forbids this client, unless something else proves the author: SPF never
    permits a forwarder's client (RFC 7208 §8.4, §8.5).
    """
    checks = case.evidence.checks
    if checks is None or checks.spf.status is not SPFStatus.FAIL:
        return ()
    if checks.dmarc.status is DMARCStatus.PASS or not is_unproven(case) or is_forward(case):
        return ()
    return (Proposal(because=Reason("spf-policy", "spf", (SPF,)), reply=JUNK_REFUSED, junk=True),)


def reverse_name(case: Case) -> Sequence[Proposal]:
    """Refuse a stranger, or an unproven author, without reverse name and with a suspicious history."""
    checks, history = case.evidence.checks, case.history
    if checks is None or history is None or not history.junk:
        return ()
    if not is_unproven(case) and history.method not in STRANGERS:
        return ()
    if checks.iprev.status not in {IPRevStatus.FAIL, IPRevStatus.PERMERROR}:
        return ()
    return (Proposal(because=Reason("iprev", "iprev", (IPREV, HISTORY)), reply=JUNK_REFUSED, junk=True),)


def block_list(case: Case) -> Sequence[Proposal]:
    """Refuse a client on a block list. The lists are asked only if nothing else is against the message."""
    if case.evidence.fact(DNSBL) is None:
        return ()
    return (Proposal(because=Reason("dns-blocklisted", "dnsbl", (DNSBL,)), reply=JUNK_REFUSED, junk=True),)


# Refusals of content by the account's junk filter (SMTP-93, SMTP-96, SMTP-98).
#
# `gathering` asks the filter when history is not sure of the sender, and for a ruleset with
# ``accept_rejects_to_mailbox``. As long as the filter has learnt too little, content refuses nothing. In an account
# that files what the filter is unsure of, only near certainty refuses.


JUNK_REFUSED: Final = Response(451, "4.3.0", ("can't accept this message right now",))
"""The reply for junk, without a cause for the sender (SMTP-95)."""


UNSURE: Final = " unsure"
"""Ending of the fact about content that is junk, but not with near certainty."""


def is_unsure_junk(case: Case) -> bool:
    """Whether content is filed into Junk, since the filter isn't certain. A ruleset that accepts junk comes first."""
    fact = case.evidence.fact(JUNK)
    if fact is None or not fact.value.endswith(UNSURE):
        return False
    return case.rule is None or case.rule.accept_rejects_to_mailbox is None


def junk_content(case: Case) -> Sequence[Proposal]:
    """Refuse content that the filter classifies as junk, or file it into Junk if the filter isn't certain. Refuse
    temporarily if the filter cannot be read.
    """
    if JUNK in case.evidence.missing:
        return (Proposal(because=Reason("junk-classify-error", "junk", (JUNK,)), reply=case.fault),)
    fact = case.evidence.fact(JUNK)
    if fact is None or fact.good is not False:
        return ()
    if is_unsure_junk(case):
        because = Reason(JUNK_UNSURE, "junk", (JUNK,))
        return (Proposal(because=because, actions=(into_junk(case),), keep=False, binding=True),)
    word = JUNK_REFUSALS[fact.value.endswith(" strict")]
    return (Proposal(because=Reason(word, "junk", (JUNK,)), reply=JUNK_REFUSED, junk=True),)


# A second chance for senders refused by content or by a block list: a token in the subject proves that they read the
# reply (SMTP-92, SMTP-95).


def subject_pass(case: Case) -> Sequence[Proposal]:
    """Accept a message with a token, and offer one to an author who could use it. Refuse temporarily if the key cannot
    be read.
    """
    if SUBJECT_PASS in case.evidence.missing:
        return (Proposal(because=Reason("subjectpass-error", "subjectpass", (SUBJECT_PASS,)), reply=case.fault),)
    if case.evidence.fact(SUBJECT_PASS) is not None:
        return (Proposal(because=Reason("subjectpass", "subjectpass", (SUBJECT_PASS,)), binding=True),)
    if case.token:
        text = f"this looks like junk; if it isn't, send it again with {case.token} in the subject"
        return (
            Proposal(
                because=Reason("give-subjectpass", "subjectpass"), reply=Response(550, "5.7.1", (text,)), junk=True
            ),
        )
    return ()
