"""Failures on demand at MAIL and RCPT: only in localserve, for trying out programs (SMTP-132)."""

from typing import Final

import trio

from moxlite.acceptance.producers.simulated import Stage, demanded, simulated_reply
from moxlite.smtpd.replies import Goodbye, Refused

__all__ = ["fail", "fall_silent"]

SILENCE: Final = 3600.0
"""Seconds of silence for the localpart ``timeout``: longer than any client waits."""


async def fail(localpart: str, stage: Stage) -> None:
    """Fail as the localpart says, if it names this stage. Raises Refused, and Goodbye after a silence."""
    await fall_silent(localpart, stage)
    code = demanded(localpart, stage)
    if isinstance(code, int):
        raise Refused(simulated_reply(code))


async def fall_silent(localpart: str, stage: Stage) -> None:
    """Wait for `SILENCE` seconds if the localpart asks for a timeout at this stage, then raise Goodbye."""
    if demanded(localpart, stage) == "timeout":
        await trio.sleep(SILENCE)
        raise Goodbye
