"""Aliases that take mail of members only (SMTP-106)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from moxlite.acceptance.cases import Case
from moxlite.acceptance.plan import Proposal, Reason
from moxlite.proto.smtp.replies import Response

MEMBERS_ONLY: Final = Response(550, "5.7.2", ("only members may write to this address",))


def members_only(case: Case) -> Sequence[Proposal]:
    """Refuse mail of an author who is not a member to an alias that is not public."""
    if case.may_post:
        return ()
    return (Proposal(because=Reason("alias-members-only", "alias"), reply=MEMBERS_ONLY, binding=True),)
