"""The operations about the reasons why messages are where they are (ADMIN-77, SMTP-164)."""

import msgspec

from moxlite.operations import Operation, Role, change, query
from moxlite.store.delivery.reasons import Why


class Explained(msgspec.Struct, frozen=True):
    """Decision about a message at an account. `message`: its id, 0 in a dry run; `why`: None if no reasons are stored;
    `mailbox`: the mailbox that has it; `unjudged`: checks of port 25 that a dry run has left out, in words.
    """

    account: str
    message: int
    why: Why | None
    mailbox: str = ""
    unjudged: tuple[str, ...] = ()


@change("why message", Role.COMMAND_LINE)  # an owner may ask who has looked at the mail
class WhyMessage(Operation[list[Explained]], frozen=True):
    """Explain how an account's messages were delivered. `message`: an ID, a Message-ID or a sender."""

    account: str
    message: str


@change("why file", Role.COMMAND_LINE)
class WhyFile(Operation[list[Explained]], frozen=True):
    """Preview how a message, sent as a stream, would be delivered. `sender`: None for the author, or "" for the null
    path. `ip`: client address, or "" to skip DNS checks.
    """

    recipient: str
    sender: str | None = None
    ip: str = ""
    helo: str = ""


class ConnectionLog(msgspec.Struct, frozen=True):
    """Log lines of a connection, oldest first. `cid`: its id in the log; `file`: the log file, or "" for the newest
    lines in memory, which begin at `since` (seconds UTC, 0 without lines).
    """

    cid: str
    lines: tuple[str, ...]
    file: str = ""
    since: float = 0.0


@query("why reply", Role.COMMAND_LINE)
class WhyReply(Operation[ConnectionLog], frozen=True):
    """Show the log lines of a connection. `id`: the ID at the end of a reply or in a Received header."""

    id: str
