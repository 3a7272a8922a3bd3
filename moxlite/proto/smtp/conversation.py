"""Actions and results of an SMTP client's conversations, which are in `client` and `delivery`.

Theory of operation
-------------------
A conversation is a generator (`Exchange`). It yields an `Action` and is resumed with the action's outcome::

    Send(data, timeout)     write the octets                                              -> None
    Receive(timeout)        read into `receive_data` until `next_reply` gives a reply     -> Response
    StartTLS(leftover)      negotiate TLS; `leftover`: octets of TLS after the 220        -> TLSFacts
    Compute(call)           run `call` in a thread, it may take a second                  -> bytes
    NeedBody()              the next octets of the message, b"" at its end                -> bytes

until it returns its result. The driver throws `ConnectionLost` (or a subclass of SMTPError of its own) into it when an
action fails or takes too long, and lets every other exception pass through the generator. `run_exchange` in moxlite/net
is the driver on Trio; the tests have one that plays transcripts. One connection is used like this::

    client = ClientConnection("mail.example", tls_mode=TLSMode.OPPORTUNISTIC)
    await drive(client.hello())
    outcome = await drive(client.deliver(transaction))
    await drive(client.quit())

Commands of one transaction are pipelined if the server supports it (RFC 2920), at most `PIPELINE_BATCH` recipients at
once, so that the replies fit into the receive window and neither side blocks on the other.
"""

import enum
from collections.abc import Callable, Generator
from typing import Final, TypeAlias, TypeVar

import msgspec

from moxlite.proto import sasl
from moxlite.proto.address import Path
from moxlite.proto.smtp.errors import ProtocolError, SMTPError
from moxlite.proto.smtp.replies import Response

# Seconds, RFC 5321 §4.5.3.2 (QUEUE-60). Shorter ones cause duplicates: the server may complete a message after us.
COMMAND_TIMEOUT: Final = 300.0
DATA_TIMEOUT: Final = 120.0
BLOCK_TIMEOUT: Final = 180.0
FINAL_TIMEOUT: Final = 600.0
QUIT_TIMEOUT: Final = 5.0


class TLSMode(enum.Enum):
    """Start of TLS in a connection (SMTP-120)."""

    IMMEDIATE = "immediate"  # before the greeting, as on port 465
    REQUIRED_STARTTLS = "requiredstarttls"  # STARTTLS is sent even if it is not announced
    OPPORTUNISTIC = "opportunistic"  # STARTTLS is sent if it is announced
    SKIP = "skip"


class TLSFacts(msgspec.Struct, frozen=True):
    """Facts about the TLS connection of a conversation: channel bindings, and whether we presented a certificate."""

    bindings: sasl.ChannelBindings = sasl.NO_BINDINGS
    certificate: bool = False


class ClientAuth(msgspec.Struct, frozen=True):
    """Credentials. `mechanisms`: the allowed ones, all if empty. `allow_clear`: allow PLAIN and LOGIN without TLS."""

    username: str
    password: str
    mechanisms: tuple[str, ...] = ()
    allow_clear: bool = False

    def __repr__(self) -> str:
        """Without the password."""
        return f"ClientAuth(username={self.username!r})"


class Recipient(msgspec.Struct, frozen=True):
    """One RCPT. `notify` and `orcpt` (type;address, decoded) are sent if the server knows DSN (RFC 3461)."""

    path: Path
    notify: tuple[str, ...] = ()
    orcpt: str = ""


class Transaction(msgspec.Struct, frozen=True):
    """One message for some recipients. `size`: octets of the whole message. `eight_bit`: it holds octets over 127."""

    mail_from: Path
    recipients: tuple[Recipient, ...]
    size: int
    eight_bit: bool = False
    smtputf8: bool = False
    requiretls: bool = False
    ret: str = ""  # FULL or HDRS
    envid: str = ""
    priority: int | None = None  # RFC 6710
    deliver_by: str = ""  # RFC 2852 by-value


class RecipientResult(msgspec.Struct, frozen=True):
    """Result for one recipient: delivered (the server is now responsible) or an error.

    `again`: the server accepted other recipients and requires a new transaction for this one (QUEUE-67).
    """

    error: SMTPError | None
    again: bool = False


class Outcome(msgspec.Struct, frozen=True):
    """Result of a transaction: a result per recipient in order, the final reply, the error common to all."""

    recipients: tuple[RecipientResult, ...]
    reply: Response | None
    error: SMTPError | None


class SendKind(enum.Enum):
    """Kind of the sent octets, for the trace in the log: its lower levels do not show credentials and content."""

    COMMAND = "command"
    AUTH = "auth"
    DATA = "data"


class Send(msgspec.Struct, frozen=True):
    """Write all of `data` within `timeout` seconds."""

    data: bytes
    timeout: float = BLOCK_TIMEOUT
    kind: SendKind = SendKind.COMMAND


class Receive(msgspec.Struct, frozen=True):
    """Read one reply within `timeout` seconds. `command`: the command that it answers."""

    command: str
    timeout: float = COMMAND_TIMEOUT


class StartTLS(msgspec.Struct, frozen=True):
    """Negotiate TLS now. `leftover`: octets received after the reply, for the TLS engine."""

    leftover: bytes


class Compute(msgspec.Struct, frozen=True):
    """Run `call` in a thread: a SCRAM server may require half a second of hashing."""

    call: Callable[[], bytes]


class NeedBody(msgspec.Struct, frozen=True):
    """Return the next octets of the message, b"" at its end."""


Action: TypeAlias = Send | Receive | StartTLS | Compute | NeedBody
Outcomes: TypeAlias = Response | TLSFacts | bytes | None
T = TypeVar("T")
Exchange: TypeAlias = Generator[Action, Outcomes, T]


def receive(command: str, timeout: float = COMMAND_TIMEOUT) -> Exchange[Response]:
    """Read the reply to `command`. An error without a command, such as a malformed reply, gets this command."""
    try:
        reply = yield Receive(command, timeout)
    except SMTPError as error:
        error.command = error.command or command
        raise
    assert isinstance(reply, Response)
    return reply


def need_body() -> Exchange[bytes]:
    """Get the next octets of the message."""
    data = yield NeedBody()
    assert isinstance(data, bytes)
    return data


def expect(command: str, reply: Response, wanted: int = 2) -> Response:
    """Return the reply if its first digit is `wanted`; otherwise raise its SMTPError."""
    if reply.code // 100 != wanted:
        if reply.code < 400:
            raise ProtocolError(f"unexpected reply: {reply}", command)
        raise SMTPError.from_reply(command, reply)
    return reply
