"""The services and settings of an SMTP session: one frozen struct, made by the composition root for each service."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal

import msgspec
import trio

from moxlite.acceptance.bounces import AskSent
from moxlite.admin.delivery.peers import Peers
from moxlite.admin.masked import MaskedAddresses
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import Snapshot
from moxlite.lazyimport import Lazy
from moxlite.logins.identity import Identity
from moxlite.logins.logins import Logins
from moxlite.net.admission import Gate
from moxlite.net.resolver import Resolver
from moxlite.net.tls.handshake import ServerTLS
from moxlite.process.keys import ReceivedID, SigningKeys
from moxlite.process.spools import Spools
from moxlite.proto.address import Address, Domain, Path
from moxlite.proto.srs import SRS, is_return_address
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.delivery.actions import Defer
from moxlite.store.delivery.submission import Submit
from moxlite.store.reports.reportsdb import ReportsDB

if TYPE_CHECKING:
    from moxlite.admin.delivery.forwarding import Forwarding


Service = Literal["smtp", "submission", "submissions"]
"""``smtp``: other servers, port 25; ``submission``: users, 587; ``submissions``: users with TLS from the start, 465."""


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Deadlines and delays in seconds (SMTP-14, SMTP-15, SMTP-46, SMTP-74)."""

    command: float = 300.0
    """Deadline for the next command: RFC 5321 §4.5.3.2.7."""
    command_short: float = 30.0
    """Deadline for the next command in slow mode, or when the client's network has used up 80 % of its connections."""
    block: float = 180.0
    """Deadline for the next octets of a message: RFC 5321 §4.5.3.2.5 from the server's side."""
    data: float = 30 * 60.0
    """Deadline for a whole message with its delivery; for one that may come slowly, from its last block on."""
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


class BounceLimit:
    """Counts bounces by address."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def allowed(self, localpart: str) -> bool:
        """Whether an address has not had all of today's."""
        return self._day(localpart)[1] < PER_DAY

    def count(self, localpart: str) -> None:
        """Count a bounce that was sent on to an address."""
        began, count = self._day(localpart)
        self._counts[localpart.lower()] = (began, count + 1)
        if len(self._counts) > MAX_COUNTED:
            self._counts.popitem(last=False)

    def _day(self, localpart: str) -> tuple[float, int]:
        """When the day of an address began, and its bounces since."""
        now = trio.current_time()
        began, count = self._counts.get(localpart.lower(), (now, 0))
        return (began, count) if now - began < DAY_SECONDS else (now, 0)


# The logged-in sessions for submission, so that they can be ended when a log-in is disabled or revoked (SMTP-62a).


class Senders:
    """The sessions of all accounts."""

    def __init__(self) -> None:
        self._accounts: dict[str, dict[Callable[[str], None], Identity]] = {}

    def join(self, identity: Identity, end: Callable[[str], None]) -> None:
        """Add a logged-in session; `end(text)` ends it."""
        self._accounts.setdefault(identity.account, {})[end] = identity

    def leave(self, account: str, end: Callable[[str], None]) -> None:
        """Remove a session that has ended."""
        sessions = self._accounts.get(account, {})
        sessions.pop(end, None)
        if not sessions:
            self._accounts.pop(account, None)

    def end_account(self, account: str, text: str, *, app_password: str = "", key: str = "") -> None:
        """End all sessions of an account, or those which began with the app password of this name, or with this TLS
        key; `text` is for their users.
        """
        for end, identity in list(self._accounts.get(account, {}).items()):
            if identity.used(app_password=app_password, key=key):
                end(text)

    def count(self, account: str) -> int:
        """Number of sessions of an account."""
        return len(self._accounts.get(account, {}))


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
      bounce_limit: counts bounces that are sent on to the first sender.
      received_id: makes the ids in Received fields and replies.
      spools: temporary files for long messages (``data/tmp``).
      peers: the servers from which domains move here; None in localserve.
      starttls: TLS settings for STARTTLS, None if not offered.
      reports: reports.db, None if senders are not checked (localserve).
      forwarding: holds the questions to the owners of addresses, for answers by mail; None where no question is asked.
      masked: the addresses to give away; None in localserve, where every address exists.
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
    bounce_limit: BounceLimit = msgspec.field(default_factory=BounceLimit)
    keys: SigningKeys = msgspec.field(default_factory=SigningKeys)
    defer: Defer | None = None
    sent: AskSent | None = None
    resolver: Resolver | None = None
    reports: ReportsDB | None = None
    forwarding: Lazy[Forwarding] | None = None
    masked: MaskedAddresses | None = None
    peers: Peers | None = None
    starttls: ServerTLS | None = None
    default_account: str = ""
    timeouts: Timeouts = Timeouts()

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


# Bounces of messages that were sent on: they go home to the first sender (SMTP-159, AUTH-114).
#
# Such an address exists for bounces alone. A recipient of a forwarded message could misuse it to reach its sender, so
# it takes a few a day.


PER_DAY: Final = 10
"""Bounces of one address in 24 hours."""

DAY_SECONDS: Final = 86_400.0
"""Seconds from the first counted bounce, not a calendar day, in which `PER_DAY` could come twice around midnight."""

MAX_COUNTED: Final = 10_000
"""Addresses that are counted; the one that was counted first is forgotten."""


def home_of(srs: SRS, snapshot: Snapshot, path: Path, now: float) -> Address | None:
    """The first sender behind the recipient of a bounce; None for other recipients.

    Raises BadReturnAddress: the address has the form of one, but was not made here, or is too old.
    """
    if not isinstance(path.host, Domain) or not is_return_address(path.localpart):
        return None
    if snapshot.domain(path.host) is None:
        return None
    return srs.back(path.localpart, now)
