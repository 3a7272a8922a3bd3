"""The replies of the SMTP server."""

import errno
import logging
from typing import Final

import trio

from moxlite.acceptance.producers.judgement import Stage, demanded, simulated_reply
from moxlite.acceptance.replies import (
    INTERNAL as INTERNAL,
    STORAGE_FULL as STORAGE_FULL,
    UNKNOWN_USER as UNKNOWN_USER,
    store_reply as store_reply,
)
from moxlite.config.snapshot import Snapshot
from moxlite.proto.address import Path
from moxlite.proto.smtp.replies import Response
from moxlite.store.content.spool import SpoolFull

logger = logging.getLogger("moxlite.smtpd")


class Refused(Exception):
    """A command or message is refused; carries the reply. The connection goes on."""

    def __init__(self, response: Response) -> None:
        super().__init__(str(response))
        self.response = response


class Goodbye(Exception):
    """The connection ends, after `response` if it is not None. `error`: the word for metrics, "" for no error."""

    def __init__(self, response: Response | None = None, error: str = "") -> None:
        super().__init__(str(response))
        self.response = response
        self.error = error


def refuse(code: int, ecode: str, text: str) -> Refused:
    """Make a `Refused` exception, for the caller to raise."""
    return Refused(Response.of(code, ecode, text))


OK: Final = Response(250, "2.0.0", ("ok",))
MAIL_OK: Final = Response(250, "2.1.0", ("sender ok",))
RCPT_OK: Final = Response(250, "2.1.5", ("recipient ok",))
START_DATA: Final = Response(354, "", ("continue, end with <CRLF>.<CRLF>",))
CHUNK_OK: Final = Response(250, "2.0.0", ("chunk received",))
BYE: Final = Response(221, "2.0.0", ("bye",))
HELP: Final = Response(214, "2.0.0", ("see RFC 5321",))
CANNOT_VRFY: Final = Response(252, "2.7.0", ("can't verify the user, but will accept mail",))
START_TLS: Final = Response(220, "2.0.0", ("go ahead",))

SHUTTING_DOWN: Final = Response(421, "4.3.2", ("shutting down",))
TIMEOUT: Final = Response(421, "4.4.2", ("timeout",))
TOO_SLOW: Final = Response(421, "4.4.2", ("message data is arriving too slowly",))
TOO_MANY_CONNECTIONS: Final = Response(421, "4.7.0", ("too many connections from your network",))
TOO_FAST: Final = Response(421, "4.7.0", ("too many new connections from your network; slow down",))
TOO_MANY_FAILURES: Final = Response(421, "4.7.0", ("too many failed logins from your network; try again later",))
REVOKED: Final = Response(421, "4.7.0", ("the app password was revoked or has expired",))
TOO_MANY_COMMANDS: Final = Response(421, "4.7.0", ("too many commands without a message",))
TOO_MANY_BAD: Final = Response(421, "4.7.0", ("too many failed transactions",))
EARLY: Final = Response(554, "5.5.0", ("wait for the greeting",))
BAD_LINE_ENDS: Final = Response(500, "5.5.2", ("message has lines that end with CR or LF alone, not with CR LF",))
BAD_CHUNK: Final = Response(554, "5.6.0", ("message has a CR that no LF follows",))
OVERSIZE: Final = Response(552, "5.3.4", ("message too large",))
HEADER_TOO_LARGE: Final = Response(552, "5.3.4", ("header section too large",))
NOT_OURS: Final = Response(550, "5.1.1", ("no such user, and relaying is denied",))
DISABLED: Final = Response(450, "4.2.1", ("domain is temporarily disabled",))
LOOP: Final = Response(550, "5.4.6", ("too many Received fields; possible mail loop",))


def spool_reply(error: OSError) -> Response:
    """The reply for octets that the spool doesn't take (SMTP-43); the error is logged."""
    if isinstance(error, SpoolFull):
        logger.info("not enough space to accept the message", extra={"kv": {"err": error.strerror}})
        return STORAGE_FULL
    logger.error("failed to spool message", extra={"kv": {"err": error}})
    return STORAGE_FULL if error.errno in {errno.ENOSPC, errno.EDQUOT} else INTERNAL


# Failures on demand at MAIL and RCPT: only in localserve, for trying out programs (SMTP-132).

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
