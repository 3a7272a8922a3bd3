"""Refusals by the header section alone (SMTP-76)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from moxlite.acceptance.cases import Case
from moxlite.acceptance.plan import Proposal, Reason
from moxlite.mailauth.dmarc.evaluate import MAX_DOMAINS
from moxlite.proto.smtp.replies import Response

AMBIGUOUS_FROM: Final = Response(550, "5.7.1", ("message has more than one From field",))


MANY_AUTHORS: Final = Response(550, "5.7.1", (f"authors are of more than {MAX_DOMAINS} domains",))


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
