"""State of the running command of a session."""

from typing import Protocol

from moxlite.proto.imap.responses import Code
from moxlite.proto.imap.server import LiteralRequest


class Intake(Protocol):
    """Receiver of the messages of a running command (`fetch.incoming`)."""

    async def begin(self, request: LiteralRequest) -> None:
        """Handle the announcement of a literal. Raises Refused, with the answer to the command, if it is not
        accepted.
        """

    async def write(self, octets: bytes) -> None:
        """Add octets of the literal."""

    async def finish(self) -> None:
        """Finish the literal."""

    def close(self) -> None:
        """Free memory and files. Idempotent."""


class Running:
    """State of the running command.

    Attributes:
      tag: the command's tag.
      command: its name, for the list of log-ins.
      own_changes: transactions of this session, by modseq, whose flag changes are not sent back (`hush`).
      flags_sent: UIDs whose flags were sent in this command, None if that is not recorded.
      budget: number of changes that may still be sent; below 0 if the last transaction had more.
      limited: code for the response if the command works on fewer messages than it names (RFC 9738).
      incoming: the messages of an APPEND that is being received.
    """

    __slots__ = ("budget", "command", "flags_sent", "incoming", "limited", "own_changes", "tag")

    def __init__(self) -> None:
        self.tag = ""
        self.command = ""
        self.own_changes: dict[int, bool] = {}
        self.flags_sent: set[int] | None = None
        self.budget = 0
        self.limited: Code | None = None
        self.incoming: Intake | None = None

    def begin(self, tag: str, command: str) -> None:
        """A command begins."""
        self.tag = tag
        self.command = command

    def finish(self) -> None:
        """The command has ended; its tag stays for late responses."""
        self.own_changes.clear()
        self.flags_sent = None
        self.limited = None

    def hush(self, modseq: int, *, last: int) -> None:
        """Suppress the flag changes of our own transaction with that modseq; `last` is the modseq that was sent last.

        If no other change came between the two, they are recognised even when they are read back from the database. If
        an older change of another session is sent later, ours must be sent after it.
        """
        self.own_changes[modseq] = last == modseq - 1 or self.own_changes.get(modseq - 1, False)
        if self.flags_sent is None:
            self.flags_sent = set()

    def drop_incoming(self) -> None:
        """Drop the received messages, as they are stored or not needed."""
        if self.incoming is not None:
            self.incoming.close()
            self.incoming = None
