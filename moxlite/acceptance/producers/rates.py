"""Networks that send too much to one account (SMTP-81, SMTP-137)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from moxlite.acceptance.cases import Case
from moxlite.acceptance.evidence import RATE
from moxlite.acceptance.plan import Proposal, Reason
from moxlite.proto.smtp.replies import Response

HIGH_RATE: Final = "high-rate"

TOO_MUCH: Final = Response(452, "4.2.2", ("too much mail from your network for this recipient, try again later",))


def high_rate(case: Case) -> Sequence[Proposal]:
    """Refuse temporarily, without a copy: a copy would be one more message that fills the account."""
    if case.evidence.fact(RATE) is None:
        return ()
    return (Proposal(because=Reason(HIGH_RATE, "rates", (RATE,)), reply=TOO_MUCH),)
