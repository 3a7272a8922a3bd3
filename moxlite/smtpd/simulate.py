"""Errors on demand, by the localpart of an address: only in localserve, for trying out programs (SMTP-132)."""

import re
from typing import Final, Literal

import trio

from moxlite.smtpd.replies import Goodbye, refuse

__all__ = ["Stage", "fail"]

Stage = Literal["mailfrom", "rcptto", "queue", ""]
"""Where the error comes: at MAIL, at RCPT, when the queue delivers, or after the message."""

SILENCE: Final = 3600.0
"""Seconds that ``timeout`` is silent for: longer than any client waits."""

_PATTERN: Final = re.compile(r"(mailfrom|rcptto|queue)?.*?(temperror|permerror|timeout|[45][0-9]{2})", re.DOTALL)
_CODES: Final = {"temperror": 451, "permerror": 550}


async def fail(localpart: str, stage: Stage) -> None:
    """Fail as the localpart says, if it names this stage: ``rcptto-temperror``, ``anything550``, ``mailfromtimeout``.

    Raises Refused, and Goodbye after a silence.
    """
    match = _PATTERN.fullmatch(localpart.lower())
    if not match or (match[1] or "") != stage:
        return
    if match[2] == "timeout":
        await trio.sleep(SILENCE)
        raise Goodbye
    code = _CODES.get(match[2]) or int(match[2])
    raise refuse(code, f"{code // 100}.3.0", "as the address asks for")
