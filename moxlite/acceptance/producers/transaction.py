"""Producers that look at the transaction and the form of a message."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

from moxlite.acceptance.cases import Case
from moxlite.acceptance.evidence import ORIGIN, RATE, STRAY
from moxlite.acceptance.plan import Proposal, Reason
from moxlite.mailauth.dmarc import MAX_DOMAINS
from moxlite.proto.smtp.replies import Response
from moxlite.store.delivery.actions import FileInto, Mark
from moxlite.store.mail.masked import fits_sender

# Failures on demand, by the localpart of an address: only in localserve, for testing programs (SMTP-132).


Stage = Literal["mailfrom", "rcptto", "queue", ""]
"""Stage of the failure: at MAIL, at RCPT, when the queue delivers, or after the message ("")."""

_PATTERN: Final = re.compile(r"(mailfrom|rcptto|queue)?.*?(temperror|permerror|timeout|[45][0-9]{2})", re.DOTALL)
_CODES: Final = {"temperror": 451, "permerror": 550}


def demanded(localpart: str, stage: Stage) -> int | Literal["timeout"] | None:
    """The failure that a localpart demands at this stage, such as ``rcptto-temperror``, ``anything550``,
    ``mailfromtimeout``: a reply code, "timeout", or None.
    """
    match = _PATTERN.fullmatch(localpart.lower())
    if not match or (match[1] or "") != stage:
        return None
    return "timeout" if match[2] == "timeout" else _CODES.get(match[2]) or int(match[2])


def simulated_reply(code: int) -> Response:
    """The reply with that code."""
    return Response(code, f"{code // 100}.3.0", ("as the address asks for",))


def simulated_failure(case: Case) -> Sequence[Proposal]:
    """Refuse a message to an address that demands it."""
    code = demanded(case.asked.localpart, "") if case.simulated and not case.accepted else None
    if not isinstance(code, int):
        return ()
    return (Proposal(because=Reason("simulated", "simulated"), reply=simulated_reply(code), binding=True),)


# Networks that send too much to one account (SMTP-81, SMTP-137).


HIGH_RATE: Final = "high-rate"

TOO_MUCH: Final = Response(452, "4.2.2", ("too much mail from your network for this recipient, try again later",))


def high_rate(case: Case) -> Sequence[Proposal]:
    """Refuse temporarily, without a copy: a copy would be one more message that fills the account."""
    if case.evidence.fact(RATE) is None:
        return ()
    return (Proposal(because=Reason(HIGH_RATE, "rates", (RATE,)), reply=TOO_MUCH),)


# Aliases that take mail of members only (SMTP-106).


MEMBERS_ONLY: Final = Response(550, "5.7.2", ("only members may write to this address",))


def members_only(case: Case) -> Sequence[Proposal]:
    """Refuse mail of an author who is not a member to an alias that is not public."""
    if case.may_post:
        return ()
    return (Proposal(because=Reason("alias-members-only", "alias"), reply=MEMBERS_ONLY, binding=True),)


# Addresses to give away that take mail of chosen senders only (MASK-5).


CHOSEN_ONLY: Final = Response(550, "5.7.1", ("this address takes mail of chosen senders only",))


def chosen_senders_only(case: Case) -> Sequence[Proposal]:
    """Refuse mail of another author; bounces of what was sent from the address still come."""
    chosen, author = case.recipient.only_from, case.evidence.msg_from
    if not chosen or case.evidence.envelope.sender.is_null or (author is not None and fits_sender(author, chosen)):
        return ()
    return (Proposal(because=Reason("chosen-senders-only", "alias"), reply=CHOSEN_ONLY, binding=True),)


# Mail of the own queue, which was judged when it was submitted (QUEUE-36).


def own_queue(case: Case) -> Sequence[Proposal]:
    """Accept mail of the own queue, whatever its content."""
    if not case.evidence.envelope.trusted:
        return ()
    return (Proposal(because=Reason("own-queue", "origin", (ORIGIN,)), binding=True),)


# Bounces of messages that were never sent from here (SMTP-110).


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


# Refusals by the header section alone (SMTP-76).


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
