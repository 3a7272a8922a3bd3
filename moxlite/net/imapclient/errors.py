"""Exceptions of the IMAP client."""

from moxlite.proto.imap.responses import State
from moxlite.wording import worded

MAX_TEXT = 300
"""Maximum characters of a server's text that are shown: they go into logs and to terminals."""


def printable(text: str) -> str:
    """Text of a server, cut and without control characters."""
    return "".join(c if c.isprintable() else "?" for c in text[:MAX_TEXT])


class IMAPClientError(Exception):
    """Base class of the client's exceptions. The text is for people."""


class ConnectionLost(IMAPClientError):
    """The connection failed, ended or timed out. Trying again may help."""


class TLSFailed(IMAPClientError):
    """The TLS handshake failed, or the server's certificate is not valid for its name. No credentials were sent."""


class BrokenServer(IMAPClientError):
    """The server broke the protocol or a limit of ours; the connection cannot be used any more."""


class Refused(IMAPClientError):
    """The server answered ``NO`` or ``BAD``; the connection goes on.

    Attributes:
      command: its first word.
      state: the answer.
    """

    def __init__(self, command: str, state: State) -> None:
        code = f" [{printable(state.code.name)}]" if state.code is not None else ""
        answer = f"{state.condition}{code} {printable(state.text)}".rstrip()
        super().__init__(worded("the server refuses {command}: {answer}", command=command, answer=answer))
        self.command = command
        self.state = state

    @property
    def code(self) -> str:
        """The response code in upper case, "" for none (RFC 9051 §7.1)."""
        return "" if self.state.code is None else self.state.code.name.upper()


class LoginFailed(IMAPClientError):
    """The server does not let us in, or only in ways that would show the password."""
