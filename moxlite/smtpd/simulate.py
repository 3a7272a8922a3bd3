"""Failures on demand at MAIL and RCPT: only in localserve, for trying out programs (SMTP-132)."""

from typing import Final

import trio

from moxlite.acceptance.producers.transaction import Stage, demanded, simulated_reply
from moxlite.config.snapshot import Snapshot
from moxlite.proto.address import Path
from moxlite.smtpd.replies import Goodbye, Refused

SILENCE: Final = 3600.0
"""Seconds of silence for the localpart ``timeout``: longer than any client waits."""


async def fail(snapshot: Snapshot, path: Path, stage: Stage) -> None:
    """Fail as the localpart says, if it names this stage and is no account's own. Raises Refused, and Goodbye after a
    silence.
    """
    await fall_silent(snapshot, path, stage)
    code = demanded(path.localpart, stage)
    if isinstance(code, int) and not snapshot.names(path):
        raise Refused(simulated_reply(code))


async def fall_silent(snapshot: Snapshot, path: Path, stage: Stage) -> None:
    """Wait for `SILENCE` seconds if the localpart asks for a timeout at this stage, then raise Goodbye."""
    if demanded(path.localpart, stage) == "timeout" and not snapshot.names(path):
        await trio.sleep(SILENCE)
        raise Goodbye
