"""Acceptance of mail with a usable DMARC or TLS report (SMTP-86, SMTP-100)."""

from __future__ import annotations

from collections.abc import Sequence

from moxlite.acceptance.cases import Case
from moxlite.acceptance.evidence import REPORT
from moxlite.acceptance.plan import Proposal, Reason
from moxlite.store.delivery.actions import FileInto
from moxlite.store.types import Flag


def valid_report(case: Case) -> Sequence[Proposal]:
    """Accept a usable report and mark it as seen: the server reads it, and its pages show it."""
    if case.report is None:
        return ()
    files = FileInto(mailbox=case.recipient.destination.mailbox, flags=Flag.SEEN)
    because = Reason("reporting", "report", (REPORT,))
    return (Proposal(because=because, actions=(files,), keep=False, binding=True),)
