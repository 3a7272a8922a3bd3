"""The state of one SMTP transaction, from MAIL to the reply to its message."""

import secrets
import time

from moxlite.config.snapshot import Recipient
from moxlite.mailauth.results import SPFResult
from moxlite.net.limits import MinimumRate
from moxlite.proto.address import Address, Path
from moxlite.proto.mime.headers import HeaderWatch
from moxlite.proto.smtp.commands import MailFrom, RcptTo
from moxlite.proto.smtp.replies import Response
from moxlite.store.content.spool import Spool


class AcceptedRecipient:
    """A recipient accepted by RCPT: the command, and the account or alias it resolves to."""

    __slots__ = ("command", "found")

    def __init__(self, command: RcptTo, found: Recipient) -> None:
        self.command = command
        self.found = found

    @property
    def path(self) -> Path:
        """The address as the client wrote it, separators and case included."""
        return self.command.path


class Transaction:
    """A mail transaction, begun by MAIL.

    Attributes:
      mail: the command.
      hold_until: µs UTC of FUTURERELEASE, None for at once.
      recipients: the accepted ones, in order.
      spool: the octets so far, once DATA or BDAT began.
      rate: checks the minimum rate of the message's octets.
      header: checks the size of the header section as it arrives.
      chunked: the message comes by BDAT.
      refused: the reply, if known before the end of the message; the rest is then read and dropped.
      spf: SPF result of the sender, once checked.
      home: the first sender of a message that was sent on, if this is a bounce of it; the code of a question, if this
        is the answer to it.
      identifier: key by which an account stores the message only once (STORE-60): random, or the key given by our own
        queue.
      received: time of MAIL, µs UTC.
    """

    __slots__ = (
        "chunked",
        "header",
        "hold_until",
        "home",
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
        self.home: Address | str | None = None
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
        """Set the reply to the message, and drop its spool."""
        self.refused = response
        self.drop_spool()

    def drop_spool(self) -> None:
        """Close the spool, which frees its space. Idempotent."""
        if self.spool is not None:
            self.spool.close()
            self.spool = None
