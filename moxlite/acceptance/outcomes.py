"""One reply for a message with many recipients (SMTP-104, SMTP-108).

SMTP has one reply for all recipients of a message. So the outcomes of all accounts are combined:

===================================== =========================== =====================================================
Some accounts                         Others                      Reply, and what is owed before it
===================================== =========================== =====================================================
accept                                accept                      250
accept                                refuse for now              250; the queue tries these again (`Deferred`)
accept                                refuse for good             250; a notice to the sender, but of junk
none accepts                          all refuse for now          4xx
none accepts                          some for now, some for good 451: final refusals follow when the others accept
none accepts                          all refuse for good         5xx
===================================== =========================== =====================================================

An alias is accepted if one member accepts; else its reply is the first temporary one of its members, or the first one.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final

import msgspec

from moxlite.acceptance.plan import Plan
from moxlite.proto.smtp.replies import Response

MAX_LINES: Final = 50
"""Maximum lines of one reply: clients give up on endless ones, ours at 100 (QUEUE-62)."""


class State(Enum):
    """State of a message at one account."""

    ACCEPTED = "accepted"
    LATER = "later"
    """It may be accepted later."""
    REFUSED = "refused"
    JUNK = "junk"
    """Refused as junk: no notice is sent."""


class Outcome(msgspec.Struct, frozen=True):
    """State, and the reply unless the state is ACCEPTED."""

    state: State
    reply: Response | None = None


ACCEPTED: Final = Outcome(State.ACCEPTED)


def of_plan(plan: Plan) -> Outcome:
    """The outcome of a plan before any action is performed."""
    if plan.reply is None:
        return ACCEPTED
    if plan.junk:
        return Outcome(State.JUNK, plan.reply)
    return Outcome(State.LATER if plan.temporary else State.REFUSED, plan.reply)


def refused(outcomes: Sequence[Outcome]) -> Response | None:
    """The reply for one recipient by the outcomes of its accounts; None if an account accepts, or there are no
    accounts.
    """
    if not outcomes or any(outcome.state is State.ACCEPTED for outcome in outcomes):
        return None
    later = next((outcome for outcome in outcomes if outcome.state is State.LATER), outcomes[0])
    return later.reply


def combined(replies: Sequence[Response]) -> Response:
    """One reply for several recipients that all refuse (SMTP-108)."""
    first = replies[0]
    lines = tuple(dict.fromkeys(line for reply in replies for line in reply.lines))[:MAX_LINES]
    if all((reply.code, reply.ecode) == (first.code, first.ecode) for reply in replies):
        return Response(first.code, first.ecode, lines)
    each = tuple(dict.fromkeys(str(reply) for reply in replies))[:MAX_LINES]
    if any(reply.code < 500 for reply in replies):
        return Response(451, "4.3.0", each)
    return Response(554, "5.3.0", each)
