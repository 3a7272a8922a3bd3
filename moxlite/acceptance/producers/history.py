"""Decisions by history, SPF and the reverse name of a sender (SMTP-88, SMTP-90, SMTP-91, SMTP-94)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from moxlite.acceptance.cases import Case
from moxlite.acceptance.evidence import DNSBL, HISTORY, IPREV, SPF
from moxlite.acceptance.plan import Proposal, Reason
from moxlite.acceptance.producers.dmarc import is_vouched
from moxlite.acceptance.producers.junk import REFUSED
from moxlite.mailauth.results import DMARCStatus, IPRevStatus, SPFStatus

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
        return (Proposal(because=because, reply=REFUSED, junk=True),)
    return (Proposal(because=because, binding=True),)


def _stranger(case: Case) -> bool:
    return case.history is not None and case.history.method in STRANGERS


def spf_policy(case: Case) -> Sequence[Proposal]:
    """Refuse a stranger whose domain forbids this client, unless something else proves the author: SPF never permits a
    forwarder's client (RFC 7208 §8.4, §8.5).
    """
    checks = case.evidence.checks
    if checks is None or not _stranger(case) or checks.spf.status is not SPFStatus.FAIL:
        return ()
    if checks.dmarc.status is DMARCStatus.PASS or checks.from_validation != "none" or is_vouched(case):
        return ()
    return (Proposal(because=Reason("spf-policy", "spf", (SPF,)), reply=REFUSED, junk=True),)


def reverse_name(case: Case) -> Sequence[Proposal]:
    """Refuse a stranger without reverse name and with a suspicious history."""
    checks = case.evidence.checks
    if checks is None or not _stranger(case) or case.history is None or not case.history.junk:
        return ()
    if checks.iprev.status not in {IPRevStatus.FAIL, IPRevStatus.PERMERROR}:
        return ()
    return (Proposal(because=Reason("iprev", "iprev", (IPREV, HISTORY)), reply=REFUSED, junk=True),)


def block_list(case: Case) -> Sequence[Proposal]:
    """Refuse a client on a block list. The lists are asked only if nothing else is against the message."""
    if case.evidence.fact(DNSBL) is None:
        return ()
    return (Proposal(because=Reason("dns-blocklisted", "dnsbl", (DNSBL,)), reply=REFUSED, junk=True),)
