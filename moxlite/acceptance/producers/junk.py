"""Refusals of content by the account's junk filter (SMTP-93, SMTP-96, SMTP-98).

`gathering` asks the filter when history is not sure of the sender, and for a ruleset with
``accept_rejects_to_mailbox``. As long as the filter has learnt too little, content refuses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from moxlite.acceptance.cases import Case
from moxlite.acceptance.evidence import JUNK
from moxlite.acceptance.plan import Proposal, Reason
from moxlite.proto.smtp.replies import Response

REFUSED: Final = Response(451, "4.3.0", ("message is not taken now",))
"""The reply for junk, without a cause for the sender (SMTP-95)."""


def junk_content(case: Case) -> Sequence[Proposal]:
    """Refuse content that the filter classifies as junk. Refuse temporarily if the filter cannot be read."""
    if JUNK in case.evidence.missing:
        return (Proposal(because=Reason("junk-classify-error", "junk", (JUNK,)), reply=case.fault),)
    fact = case.evidence.fact(JUNK)
    if fact is None or fact.good is not False:
        return ()
    word = "junk-content-strict" if fact.value.endswith(" strict") else "junk-content"
    return (Proposal(because=Reason(word, "junk", (JUNK,)), reply=REFUSED, junk=True),)
