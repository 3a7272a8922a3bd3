"""Octets to and from an IMAP server, each wait with a deadline; responses and commands are in `line` and `client`."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio

from moxlite.ledger import NoRoom, ledger
from moxlite.net.log import TRACE, TRACEAUTH, TRACEDATA
from moxlite.normal import visible
from moxlite.proto.imap.responses import State
from moxlite.wording import worded

logger = logging.getLogger("moxlite.net.imapclient")

SILENT_SECONDS: Final = 120.0
"""Seconds without an octet from a server that owes a response: searches of large mailboxes on old servers take a
minute.
"""

COMMAND_SECONDS: Final = 3600.0
"""Seconds for all responses to one call, however steadily they come: 100 MB at 30 kB/s."""

WRITE_SECONDS: Final = 120.0
"""Seconds for the server to accept one piece of octets: 64 KiB of a message."""

MAX_DATA: Final = 64 << 20
"""Maximum octets of the responses to one command; what is held of them is in the ledger."""

PIECE: Final = 64 << 10
"""Octets written under one deadline."""

CROWDED: Final = re.compile(
    r"(?:too many|number of|simultaneous|concurrent)\b.{0,40}\bconnections|bandwidth limit", re.IGNORECASE
)
"""Words, without a response code, of a log-in that is refused whatever the password is: "[ALERT] Too many simultaneous
connections. (Failure)" at Google.
"""


class IMAPClientError(Exception):
    """Base class of the client's exceptions. The text is for people."""


class BrokenServer(IMAPClientError):
    """The server broke the protocol or a limit of ours; the connection cannot be used any more."""


class ConnectionLost(IMAPClientError):
    """The connection failed, ended or timed out. Trying again may help."""


class Transport:
    """The octets of one connection.

    Args:
      seconds: without an octet after which a server that owes a response is given up.

    Attributes:
      stream: the top stream: TLS and DEFLATE are put on it.
      broken: the reason why the connection cannot be used any more, "" while it can.
      left: octets that the server may still send for the running command.
    """

    def __init__(self, stream: trio.abc.Stream, seconds: float) -> None:
        self.stream = stream
        self.broken = ""
        self.left = MAX_DATA
        self._hold = ledger().hold()
        self._coming = 0  # octets that are held for the response that comes
        self._seconds = seconds
        self._until = float("inf")

    def begin(self) -> None:
        """A command begins: all of its responses come within an hour."""
        self._until = trio.current_time() + COMMAND_SECONDS

    async def receive(self, running: str, *, patient: bool) -> bytes:
        """Wait for octets; empty when the server has closed the connection.

        Args:
          running: the running command, "" before the greeting.
          patient: without a deadline and a limit.
        """
        seconds = self._until - trio.current_time()
        if seconds <= 0 and not patient:
            raise self.lost(
                worded(
                    "the server didn't respond to {command} within {seconds} s",
                    command=running,
                    seconds=int(COMMAND_SECONDS),
                )
            )
        with self.deadline(
            float("inf") if patient else min(self._seconds, seconds), "the server didn't respond for {seconds} s"
        ):
            try:
                octets = await self.stream.receive_some(65536)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise self.lost(worded("connection lost: {reason}", reason=_why(error))) from error
        self.left -= len(octets)
        if self.left < 0 and octets and not patient:
            raise self.fail(worded("the server's response to {command} is too long", command=running or "the greeting"))
        return bytes(octets)

    async def send(self, octets: bytes, shown: str | None) -> None:
        """Write octets.

        Args:
          shown: text for the log in place of the octets; None for the content of a message, "" for nothing.
        """
        if logger.isEnabledFor(TRACEAUTH if shown is not None else TRACEDATA):
            logger.log(TRACEAUTH, "imap client write", extra={"kv": {"data": octets}})
        elif shown and logger.isEnabledFor(TRACE):
            logger.log(TRACE, "imap client write", extra={"kv": {"data": shown}})
        for start in range(0, len(octets), PIECE):
            with self.deadline(WRITE_SECONDS, "the server didn't accept any data for {seconds} s"):
                try:
                    await self.stream.send_all(octets[start : start + PIECE])
                except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                    raise self.lost(worded("connection lost: {reason}", reason=_why(error))) from error

    @contextmanager
    def deadline(self, seconds: float, text: str) -> Iterator[None]:
        """Limit a wait to `seconds`. After a timeout the connection cannot be used. `text`: the error's, with
        ``{seconds}``.
        """
        with trio.move_on_after(seconds) as scope:
            yield
        if scope.cancelled_caught:
            raise self.lost(worded(text, seconds=int(seconds)))

    async def take(self, octets: int, running: str, *, whole: bool = False) -> None:
        """Wait for room for the response that comes, with what was taken for it before.

        Args:
          whole: it has come.

        Raises BrokenServer for more than one command may hold, ConnectionLost if no room comes in time.
        """
        more = max(0, octets - self._coming)
        self._coming = 0 if whole else self._coming + more
        if self._hold.octets + more > ledger().total // 2:
            raise self.fail(worded("the server's response to {command} is too long", command=running or "the greeting"))
        try:
            await self._hold.take("link", more)
        except NoRoom as error:
            raise self.lost(str(error)) from None

    async def take_list(self, octets: int) -> None:
        """Wait for room for so much more of a list, however long it may become. Raises ConnectionLost."""
        try:
            await self._hold.take("link", octets)
        except NoRoom as error:
            raise self.lost(str(error)) from None

    def release(self) -> None:
        """Hold the responses that came before no longer."""
        self._hold.close()
        self._coming = 0

    def lost(self, text: str) -> ConnectionLost:
        """Make the connection unusable; the error to raise."""
        self.broken = self.broken or text
        return ConnectionLost(text)

    def fail(self, text: str) -> BrokenServer:
        """Make the connection unusable as the server broke a rule; the error to raise."""
        self.broken = self.broken or text
        return BrokenServer(text)


def _why(error: Exception) -> str:
    return str(error.__cause__ or error) or type(error).__name__


# Exceptions of the IMAP client.


MAX_TEXT = 300
"""Maximum characters of a server's text that are shown: they go into logs and to terminals."""


def printable(text: str) -> str:
    """Text of a server, cut and without control characters."""
    return visible(text[:MAX_TEXT], "?")


class TLSFailed(IMAPClientError):
    """The TLS handshake failed, or the server's certificate is not valid for its name. No credentials were sent."""


class Refused(IMAPClientError):
    """The server answered ``NO`` or ``BAD``; the connection goes on.

    Attributes:
      command: its first word.
      state: the answer.
    """

    def __init__(self, command: str, state: State) -> None:
        code = f" [{printable(state.code.name)}]" if state.code is not None else ""
        answer = f"{state.condition}{code} {printable(state.text)}".rstrip()
        super().__init__(worded("the server rejected {command}: {answer}", command=command, answer=answer))
        self.command = command
        self.state = state

    @property
    def code(self) -> str:
        """The response code in upper case, "" for none (RFC 9051 §7.1)."""
        return "" if self.state.code is None else self.state.code.name.upper()


class LoginFailed(IMAPClientError):
    """The server does not let us in, or only in ways that would show the password."""
