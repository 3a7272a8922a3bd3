"""Bounces of messages that were never sent from here (SMTP-110)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from moxlite.acceptance.cases import Case
from moxlite.acceptance.evidence import STRAY
from moxlite.acceptance.plan import Proposal, Reason
from moxlite.proto.smtp.replies import Response
from moxlite.store.delivery.actions import FileInto, Mark

REFUSED: Final = Response(550, "5.7.1", ("this bounce is about no message that was sent from here",))
"""Final refusal: the sender is a host that would retry for days, and a refusal here causes no other notice."""


def stray_bounce(case: Case) -> Sequence[Proposal]:
    """Refuse a stray bounce with a copy in Rejects, or without such a mailbox file it into Junk."""
    if case.evidence.fact(STRAY) is None:
        return ()
    because = Reason("stray-bounce", "bounce", (STRAY,))
    if case.settings is not None and case.settings.rejects_mailbox:
        return (Proposal(because=because, reply=REFUSED, junk=True),)
    files = FileInto(
        mailbox=case.history.junk_mailbox if case.history is not None else "Junk",
        mark=Mark.REJECT,
        destined=case.destined,
    )
    return (Proposal(because=because, actions=(files,), keep=False, binding=True),)
