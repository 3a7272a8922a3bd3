"""Failures on demand, by the localpart of an address: only in localserve, for testing programs (SMTP-132)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

from moxlite.acceptance.cases import Case
from moxlite.acceptance.plan import Proposal, Reason
from moxlite.proto.smtp.replies import Response

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
