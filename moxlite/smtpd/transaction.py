"""The state of one SMTP transaction, from MAIL to the reply to its message."""

import secrets
import time

from moxlite.config.snapshot import Recipient
from moxlite.mailauth.results import SPFResult
from moxlite.net.limits import MinimumRate
from moxlite.proto.address import Path
from moxlite.proto.mime.headers import HeaderWatch
from moxlite.proto.smtp.commands import MailFrom, RcptTo
from moxlite.proto.smtp.replies import Response
from moxlite.store.content.spool import Spool

__all__ = ["AcceptedRecipient", "Transaction"]


class AcceptedRecipient:
    """A recipient that RCPT took: the command, and who that is."""

    __slots__ = ("command", "found")

    def __init__(self, command: RcptTo, found: Recipient) -> None:
        self.command = command
        self.found = found

    @property
    def path(self) -> Path:
        """As the client wrote it, separators and case included."""
        return self.command.path


class Transaction:
    """What MAIL began.

    Attributes:
      mail: the command.
      hold_until: µs UTC of FUTURERELEASE, None for at once.
      recipients: those accepted, in order.
      spool: the octets so far, once DATA or BDAT began.
      rate: that of its octets.
      header: watches the header section of what comes.
      chunked: it comes by BDAT.
      refused: the reply when it is known before the end of the message, whose rest is read and dropped.
      spf: of the sender, once it was asked.
      identifier: by it an account gets the message once (STORE-60): random, or what the own queue gave its message.
      received: when MAIL came, µs UTC.
    """

    __slots__ = (
        "chunked",
        "header",
        "hold_until",
        "identifier",
        "mail",
        "rate",
        "received",
        "recipients",
        "refused",
        "spf",
        "spool",
    )

    def __init__(self, mail: MailFrom, hold_until: int | None = None, identifier: bytes = b"") -> None:
        self.mail = mail
        self.hold_until = hold_until
        self.recipients: list[AcceptedRecipient] = []
        self.spool: Spool | None = None
        self.rate: MinimumRate | None = None
        self.header = HeaderWatch()
        self.chunked = False
        self.refused: Response | None = None
        self.spf: SPFResult | None = None
        self.identifier = identifier or secrets.token_bytes(16)
        self.received = time.time_ns() // 1000

    @property
    def sender(self) -> Path:
        """The reverse path."""
        return self.mail.path

    @property
    def lax(self) -> bool:
        """Whether the client put a space before a path (SMTP-66)."""
        return self.mail.lax or any(recipient.command.lax for recipient in self.recipients)

    def refuse(self, response: Response) -> None:
        """Keep nothing of the message any more."""
        self.refused = response
        self.drop_spool()

    def drop_spool(self) -> None:
        """Give the octets back. Idempotent."""
        if self.spool is not None:
            self.spool.close()
            self.spool = None
