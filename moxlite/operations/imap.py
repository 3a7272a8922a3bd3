"""The operations about IMAP sessions: their list, transcripts, and sessions for the operator's own programs (IMAP-22,
IMAP-159); and transcripts of JMAP (JMAP-8a).
"""

import msgspec

from moxlite.operations import Operation, Role, change, query


class ImapSession(msgspec.Struct, frozen=True):
    """A logged-in IMAP session. `client`: its ID response; `mailbox`: the selected one, or "". `received` and `sent`:
    octets. `app_password`: the name of the app password used, or "".
    """

    id: int
    account: str
    address: str
    remote: str
    client: str
    mailbox: str
    received: int
    sent: int
    command: str
    app_password: str = ""


@query("imap sessions", Role.COMMAND_LINE)
class ImapSessions(Operation[list[ImapSession]], frozen=True):
    """List sessions. `kill`: ID of a session to end first."""

    kill: int | None = None


class Traced(msgspec.Struct, frozen=True):
    """Number of lines in a transcript, and number of lines left out because the terminal was too slow."""

    lines: int
    lost: int


@change("imap trace", Role.COMMAND_LINE)
class ImapTrace(Operation[Traced], frozen=True):
    """Send a masked transcript of an account's sessions for `minutes` minutes."""

    account: str
    minutes: int


@change("jmap trace", Role.COMMAND_LINE)
class JmapTrace(Operation[Traced], frozen=True):
    """Send a masked transcript of an account's JMAP clients for `minutes` minutes (JMAP-8a)."""

    account: str
    minutes: int


@change("admin imapserve", Role.COMMAND_LINE)
class ImapServe(Operation[None], frozen=True):
    """Serve an IMAP session over a stream for the account with `address`."""

    address: str
