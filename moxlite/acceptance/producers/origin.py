"""Mail of the own queue, which was judged when it was submitted (QUEUE-36)."""

from __future__ import annotations

from collections.abc import Sequence

from moxlite.acceptance.cases import Case
from moxlite.acceptance.evidence import ORIGIN
from moxlite.acceptance.plan import Proposal, Reason


def own_queue(case: Case) -> Sequence[Proposal]:
    """Accept mail of the own queue, whatever its content."""
    if not case.evidence.envelope.trusted:
        return ()
    return (Proposal(because=Reason("own-queue", "origin", (ORIGIN,)), binding=True),)
