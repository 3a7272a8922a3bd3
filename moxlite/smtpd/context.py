"""The services and settings of an SMTP session: one frozen struct, made by the composition root for each service."""

from typing import TYPE_CHECKING, Literal

import msgspec

from moxlite.acceptance.bounces import AskSent
from moxlite.config.holder import ConfigHolder
from moxlite.lazyimport import Late
from moxlite.logins.logins import Logins
from moxlite.net.admission import Gate
from moxlite.net.resolver import Resolver
from moxlite.net.tls.handshake import ServerTLS
from moxlite.process.keys.receivedid import ReceivedID
from moxlite.process.keys.signing import SigningKeys
from moxlite.process.spools import Spools
from moxlite.proto.srs import SRS
from moxlite.smtpd.homeward import Homes
from moxlite.smtpd.senders import Senders
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.delivery.actions import Defer
from moxlite.store.delivery.submission import Submit
from moxlite.store.reports.reportsdb import ReportsDB

if TYPE_CHECKING:
    from moxlite.admin.delivery.forwarding import Forwarding

Service = Literal["smtp", "submission", "submissions"]
"""``smtp``: other servers, port 25; ``submission``: users, 587; ``submissions``: users with TLS from the start, 465."""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Deadlines and delays in seconds (SMTP-14, SMTP-15, SMTP-46, SMTP-74)."""

    command: float = 300.0
    """Deadline for the next command: RFC 5321 §4.5.3.2.7."""
    command_short: float = 30.0
    """Deadline for the next command in slow mode, or when the client's network has used up 80 % of its connections."""
    block: float = 180.0
    """Deadline for the next octets of a message: RFC 5321 §4.5.3.2.5 from the server's side."""
    data: float = 30 * 60.0
    """Deadline for a whole message with its delivery."""
    discard: float = 60.0
    """Deadline for reading a message that is already refused because of its size."""
    write: float = 30.0
    """Deadline for the client to read a reply."""
    farewell: float = 1.0
    """Deadline for the last reply before the connection is closed."""
    slow: float = 1.0
    """Delay before each read, and for each octet written, in slow mode."""
    unknown: float = 5.0
    """Delay before the reply that no recipient exists, to slow down the guessing of addresses."""
    store: float = 120.0
    """Deadline for a commit that must not be cut off: a slow card needs that long for 100 MiB."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Services and settings of a session.

    Attributes:
      submit: `queue.submit`.
      keys: DKIM keys of the domains that sign what users submit.
      sent: `queue.was_sent`, called for bounces; None without a queue.
      defer: `queue.defer`; None without a queue; a message is then accepted by all accounts or none.
      resolver: None if no DNS look-ups are made; the resolver of localserve knows no foreign host.
      senders: the sessions of users.
      gate: the limits of connections.
      srs: makes and reads the sender addresses of messages that are sent on.
      homes: counts bounces that are sent on to the first sender.
      received_id: makes the ids in Received fields and replies.
      spools: temporary files for long messages (``data/tmp``).
      starttls: TLS settings for STARTTLS, None if not offered.
      reports: reports.db, None if senders are not checked (localserve).
      forwarding: holds the questions to the owners of addresses, for answers by mail; None where no question is asked.
      default_account: of localserve, which gets mail for all other addresses (SMTP-131); "" in a real server.
    """

    service: Service
    accounts: Accounts
    config: ConfigHolder
    logins: Logins
    submit: Submit
    senders: Senders
    gate: Gate
    received_id: ReceivedID
    spools: Spools
    srs: SRS
    homes: Homes = msgspec.field(default_factory=Homes)
    keys: SigningKeys = msgspec.field(default_factory=SigningKeys)
    defer: Defer | None = None
    sent: AskSent | None = None
    resolver: Resolver | None = None
    reports: ReportsDB | None = None
    forwarding: "Late[Forwarding] | None" = None
    starttls: ServerTLS | None = None
    default_account: str = ""
    pace: Pace = Pace()

    @property
    def submission(self) -> bool:
        """Whether this is a service for our own users."""
        return self.service != "smtp"

    @property
    def kind(self) -> Literal["smtp", "submission"]:
        """The label of the service in metrics and in auth.db."""
        return "smtp" if self.service == "smtp" else "submission"

    @property
    def localserve(self) -> bool:
        """Whether this is a localserve server, for trials (SMTP-131..133)."""
        return bool(self.default_account)
