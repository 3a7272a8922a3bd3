"""Log-in state of one session: its user, its client certificate and its failures."""

from moxlite.config.domains import Account
from moxlite.imapd.session.seat import Seat
from moxlite.logins.identity import Identity


class LoginState:
    """The user of a session, as far as known.

    Attributes:
      identity: the logged-in user; None before.
      certificate: the owner of the client certificate, until it is used (IMAP-48).
      client: the client's name from ID, for the list of log-ins.
      failures: failed log-ins on this connection.
      disabled: capabilities that the account's owner has switched off (IMAP-37).
      seat: the seat at the user's own account, None before the log-in.
    """

    __slots__ = ("certificate", "client", "disabled", "failures", "identity", "seat")

    def __init__(self) -> None:
        self.identity: Identity | None = None
        self.certificate: Identity | None = None
        self.client = ""
        self.failures = 0
        self.disabled: frozenset[str] = frozenset()
        self.seat: Seat | None = None

    def succeeded(self, identity: Identity, account: Account | None) -> None:
        """Record the user, with the configuration of the account."""
        self.identity = identity
        self.failures = 0
        self.disabled = frozenset(account.imap_capabilities_disabled) if account is not None else frozenset()

    @property
    def read_only(self) -> bool:
        """Whether the user may change nothing: logged in by an app password for reading (IMAP-158)."""
        return self.identity is not None and self.identity.read_only
