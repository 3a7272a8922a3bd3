"""One plan for each account: the reply, the actions, and the word of the decision. One table merges the proposals of
many producers.

A reply and the actions are apart: a refusal may keep a copy, and a temporary reply has the actions that are done later
when it cannot be given, since others of the same message accept it.

========================================= ======================================= ===================================
Proposed                                  Reply                                   Actions
========================================= ======================================= ===================================
a binding proposal                        the first one up to that proposal       by the lines below
a reply                                   the first one                           by the lines below
no reply                                  none: accepted                          the destination's mailbox, unless a
                                                                                  proposal says not to keep it, then
                                                                                  the actions of all proposals
refused as junk, a ruleset accepts junk   none: accepted                          the ruleset's actions
refused as junk, after it was accepted    none: it cannot be taken back           a copy in Rejects, or as accepted
refused as junk                           as proposed                             a copy in Rejects, if there is one
refused for good otherwise                as proposed                             none
refused for now otherwise                 as proposed                             as accepted: for later
a script proposes                         its refusal, though accepted before     its actions, in place of all others
strong bad evidence, or a null sender     as above                                no Vacation or Notify
accepted, and nothing is to be done       none                                    Discard
========================================= ======================================= ===================================
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final

import msgspec

from moxlite.acceptance.cases import Case
from moxlite.proto.smtp.replies import OwnFault, Response
from moxlite.store.delivery.actions import AnyAction, Discard, FileInto, KeepReject, Notify, Vacation

ACCEPTED: Final = "no-bad-signals"
"""The word for a message with nothing against it."""


class Reason(msgspec.Struct, frozen=True):
    """A reason: a stable word (SMTP-81..98), the producer that gives it, and the names of the facts that it used."""

    word: str
    producer: str
    facts: tuple[str, ...] = ()


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """Proposal of one producer.

    Attributes:
      actions: to be done when the message is accepted.
      keep: whether the destination's mailbox gets the message as well.
      reply: the reply that refuses the message; None proposes no refusal.
      junk: the message is refused as junk: no notice is sent, whatever the code of the reply is.
      if_junk: actions that replace a refusal as junk: the message is accepted with them.
      binding: no proposal after this one changes the reply.
      instead: of a script, which decides last: its reply counts, and its actions replace all others.
    """

    because: Reason
    actions: tuple[AnyAction, ...] = ()
    keep: bool = True
    reply: Response | None = None
    junk: bool = False
    if_junk: tuple[AnyAction, ...] = ()
    binding: bool = False
    instead: bool = False


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The decision about the message at one account.

    Attributes:
      word: the stable word of the deciding proposal; it goes into the header, the log and the metrics.
      reply: None when the account accepts.
      junk: refused as junk.
    """

    word: str
    actions: tuple[AnyAction, ...]
    reply: Response | None
    junk: bool = False

    @property
    def temporary(self) -> bool:
        """Whether the account may accept the message later."""
        return self.reply is not None and self.reply.code < 500 and not self.junk


def merge(case: Case, proposals: Sequence[Proposal]) -> Plan:
    """Merge proposals, given in the order in which they count, into a plan."""
    deciding = _deciding(proposals)
    actions = _actions(case, proposals)
    word = ACCEPTED if deciding is None else deciding.because.word
    reply = None if deciding is None else deciding.reply
    junk = reply is not None and deciding is not None and deciding.junk
    if junk:
        kept = next((proposal.if_junk for proposal in proposals if proposal.if_junk), None)
        if kept is not None:
            actions, reply, junk = kept, None, False
        else:
            actions = _rejected(case) or (actions if case.accepted else ())
            if case.accepted:
                reply, junk = None, False
    # Of a temporary refusal the actions stay: if other accounts accept the message, the queue performs them later.
    elif reply is not None and reply.code >= 500:
        actions = ()
    if reply is None and not actions:
        actions = (Discard(),)
    return Plan(word=word, actions=actions, reply=reply, junk=junk)


def _deciding(proposals: Sequence[Proposal]) -> Proposal | None:
    """The proposal whose reply counts."""
    replying: Proposal | None = None
    for proposal in proposals:
        if proposal.instead and proposal.reply is not None:
            return proposal
    for proposal in proposals:
        if proposal.reply is not None and replying is None:
            replying = proposal
        if proposal.binding:
            return replying or proposal
    return replying


def _actions(case: Case, proposals: Sequence[Proposal]) -> tuple[AnyAction, ...]:
    """The actions to perform when the message is accepted."""
    script = next((proposal for proposal in proposals if proposal.instead), None)
    if script is not None:
        wanted = list(script.actions)
    else:
        wanted = [action for proposal in proposals for action in proposal.actions]
        if all(proposal.keep for proposal in proposals):
            wanted.insert(0, FileInto(mailbox=case.recipient.destination.mailbox))
    if case.evidence.suspicious or case.evidence.envelope.sender.is_null:  # no backscatter
        wanted = [action for action in wanted if not isinstance(action, Vacation | Notify)]
    return tuple(dict.fromkeys(wanted))


def _rejected(case: Case) -> tuple[AnyAction, ...]:
    """The action that keeps a copy of a refused message for the owner (SMTP-102)."""
    settings = case.settings
    if settings is None or not settings.rejects_mailbox:
        return ()
    return (KeepReject(mailbox=settings.rejects_mailbox, destined=case.destined, unlimited=settings.keep_rejects),)


# One reply for a message with many recipients (SMTP-104, SMTP-108).
#
# SMTP has one reply for all recipients of a message. So the outcomes of all accounts are combined:
#
# ===================================== =========================== ===================================================
# Some accounts                         Others                      Reply, and what is owed before it
# ===================================== =========================== ===================================================
# accept                                accept                      250
# accept                                refuse for now              250; the queue tries these again (`Deferred`)
# accept                                refuse for good             250; a notice to the sender, but of junk
# none accepts                          all refuse for now          4xx
# none accepts                          some for now, some for good 451: final refusals follow when the others accept
# none accepts                          all refuse for good         5xx
# ===================================== =========================== ===================================================
#
# An alias is accepted if one member accepts; else its reply is the first temporary one of its members, or the first
# one.


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


ACCEPTED_OUTCOME: Final = Outcome(State.ACCEPTED)


def of_plan(plan: Plan) -> Outcome:
    """The outcome of a plan before any action is performed."""
    if plan.reply is None:
        return ACCEPTED_OUTCOME
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
    """One reply for several recipients that all refuse (SMTP-108); a fault of ours for one of them is one for all."""
    first = replies[0]
    temporary = OwnFault if any(isinstance(reply, OwnFault) for reply in replies) else Response
    lines = tuple(dict.fromkeys(line for reply in replies for line in reply.lines))[:MAX_LINES]
    if all((reply.code, reply.ecode) == (first.code, first.ecode) for reply in replies):
        return (temporary if first.code < 500 else Response)(first.code, first.ecode, lines)
    each = tuple(dict.fromkeys(str(reply) for reply in replies))[:MAX_LINES]
    if any(reply.code < 500 for reply in replies):
        return temporary(451, "4.3.0", each)
    return Response(554, "5.3.0", each)
