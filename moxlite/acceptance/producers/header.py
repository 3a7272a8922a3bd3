"""What the header section alone decides (SMTP-76)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from moxlite.acceptance.cases import Case
from moxlite.acceptance.plan import Proposal, Reason
from moxlite.proto.smtp.replies import Response

__all__ = ["ambiguous_from"]

AMBIGUOUS_FROM: Final = Response(550, "5.7.1", ("message has more than one From field",))


def ambiguous_from(case: Case) -> Sequence[Proposal]:
    """Refuse a message with several From fields: programs show different ones."""
    if case.evidence.from_fields <= 1:
        return ()
    return (Proposal(because=Reason("ambiguous-from", "header"), reply=AMBIGUOUS_FROM),)
