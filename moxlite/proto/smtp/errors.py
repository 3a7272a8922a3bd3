"""Errors of SMTP: with the reply to send for a server, and with whether a retry may help for a client."""

from typing import ClassVar, Final

from moxlite.proto.smtp.replies import Response

ERROR_TEXT_LIMIT: Final = 2048  # stored octets of a remote reply (SMTP-130)


class CommandError(Exception):
    """The server refuses a command. Holds the reply to send."""

    def __init__(self, response: Response) -> None:
        super().__init__(str(response))
        self.response = response


class SMTPError(Exception):
    """A command, transaction or connection has failed.

    `permanent`: a retry cannot succeed. `code`: code of the reply, 0 without one. `ecode`: the enhanced code or "".
    `command`: the command or step that failed, in lower case ("mail", "rcpt", "data", …). `line`: the first line of the
    reply, `more_lines`: the others.
    """

    usable: ClassVar[bool] = True  # the connection can be used for another transaction

    def __init__(
        self, permanent: bool, code: int, ecode: str, command: str, line: str, more_lines: tuple[str, ...] = ()
    ) -> None:
        self.permanent = permanent
        self.code = code
        self.ecode = ecode
        self.command = command
        self.line = line[:ERROR_TEXT_LIMIT]
        room = ERROR_TEXT_LIMIT - len(self.line)
        kept = []
        for more in more_lines:
            if room <= 0:
                break
            kept.append(more[:room])
            room -= len(more)
        self.more_lines = tuple(kept)
        super().__init__(self.line)

    @classmethod
    def from_reply(cls, command: str, reply: Response) -> "SMTPError":
        """Make the error for a negative reply; 552 to RCPT is treated as 452 (RFC 5321 §4.5.3.1.10)."""
        permanent = reply.code >= 500 and not (command == "rcpt" and reply.code == 552)
        return cls(permanent, reply.code, reply.ecode, command, reply.lines[0], reply.lines[1:])

    def __str__(self) -> str:
        """One line for people and logs."""
        code = " ".join(part for part in (str(self.code or ""), self.ecode) if part)
        command = f"{self.command}: " if self.command else ""
        return f"{command}{code + ' ' if code else ''}{' '.join((self.line, *self.more_lines))}"


class ProtocolError(SMTPError):
    """The peer violates SMTP. Temporary; the connection cannot be used any more."""

    usable = False

    def __init__(self, text: str, command: str = "") -> None:
        super().__init__(False, 0, "", command, text)


class ConnectionLost(SMTPError):
    """The connection broke or timed out, or its TLS failed. Temporary."""

    usable = False

    def __init__(self, text: str, command: str = "") -> None:
        super().__init__(False, 0, "", command, text)


class TLSRefused(SMTPError):
    """TLS is required, but the server does not offer it or refuses STARTTLS."""

    usable = False


class NoMechanism(SMTPError):
    """Log-in is required, but both sides share no mechanism that is safe on this connection."""

    usable = False

    def __init__(self, text: str) -> None:
        super().__init__(False, 0, "", "auth", text)


class SMTPUTF8Missing(SMTPError):
    """An address or header needs SMTPUTF8, which the server does not support; another host may (QUEUE-64)."""

    def __init__(self) -> None:
        super().__init__(False, 0, "5.6.7", "mail", "server doesn't support internationalized mail (SMTPUTF8)")


class EightBitMissing(SMTPError):
    """The message has 8-bit data, which the server does not accept (RFC 6152 §3); another host may (QUEUE-63a)."""

    def __init__(self, why: str = "") -> None:
        cannot = f", and the message can't be converted: {why}" if why else ""
        super().__init__(False, 0, "5.6.3", "mail", f"server doesn't accept 8-bit data (8BITMIME){cannot}")


class RequireTLSMissing(SMTPError):
    """The message requires REQUIRETLS (RFC 8689), which the server does not support."""

    def __init__(self) -> None:
        super().__init__(False, 0, "5.7.30", "mail", "server doesn't support REQUIRETLS")


class MessageTooLarge(SMTPError):
    """The message is larger than the server's announced limit (RFC 1870)."""

    def __init__(self, size: int, maximum: int) -> None:
        super().__init__(True, 0, "5.3.4", "mail", f"message too large for the server ({size} bytes, limit {maximum})")


class UnsendableMessage(SMTPError):
    """The message cannot be sent: bare CR or LF, or no final CRLF."""

    def __init__(self, text: str) -> None:
        super().__init__(True, 0, "5.6.0", "data", text)
