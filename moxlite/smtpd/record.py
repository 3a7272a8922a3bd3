"""The record of a client on one connection: its numbers of commands and failed transactions (SMTP-21, 143)."""

from typing import Final

from moxlite.smtpd import replies
from moxlite.smtpd.replies import Goodbye

MAX_COMMANDS: Final = 1000
"""Maximum number of commands without a message (SMTP-143): more is a probe, or a client in a loop."""

MAX_BAD: Final = 10
"""Maximum number of failed transactions on a connection without a successful one (SMTP-21)."""


class Record:
    """Counts for the limits that end a connection."""

    def __init__(self) -> None:
        self._commands = 0  # since the last message
        self._failed = 0
        self._succeeded = False

    def command(self) -> None:
        """Count a command. Raises Goodbye if there were too many without a message."""
        self._commands += 1
        if self._commands > MAX_COMMANDS:
            raise Goodbye(replies.TOO_MANY_COMMANDS, "toomanycommands")

    def recipient_accepted(self) -> None:
        """Do not count an accepted RCPT as a command without a message; recipients have their own limit (SMTP-143)."""
        self._commands -= 1

    def transaction_begun(self) -> None:
        """Count a transaction, whose message is received now, as failed until it succeeds (SMTP-21)."""
        self._failed += 1

    def transaction_succeeded(self) -> None:
        """Count the transaction as successful: the message was accepted."""
        self._succeeded = True
        self._commands = 0

    def check(self) -> None:
        """Refuse MAIL after too many failed transactions without a successful one. Raises Goodbye."""
        if self._failed > MAX_BAD and not self._succeeded:
            raise Goodbye(replies.TOO_MANY_BAD, "toomanybad")
