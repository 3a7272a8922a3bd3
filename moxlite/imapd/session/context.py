"""Context of a session: one frozen struct, made by the composition root for each service of each listener."""

from typing import Final, Literal

import msgspec

from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import jmap_url
from moxlite.imapd.session.sessions import Sessions
from moxlite.logins.logins import Logins
from moxlite.net.admission import Gate
from moxlite.net.tls.handshake import ServerTLS
from moxlite.process.spools import Spools
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.authdb import AuthDB


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Deadlines and delays, in seconds (IMAP-19, IMAP-20); tests shorten them."""

    before_login: float = 60.0
    """Seconds for the next command of a client that has not logged in, for each pause within a literal, and for
    accepting our output.
    """
    after_login: float = 30 * 60.0
    """Seconds for the next command of a logged-in client. RFC 9051 §5.4: at least 30 minutes; IDLE counts as one
    command.
    """
    literal: float = 180.0
    """Maximum seconds between two octets of a literal."""
    write: float = 5 * 60.0
    """Seconds for a logged-in client to accept any of our output. A phone may be asleep that long."""
    farewell: float = 10.0
    """Seconds for the last ``* BYE``."""
    slow: float = 1.0
    """Seconds of delay before each read, and for each octet written, while a connection is slowed down after failed
    log-ins.
    """


SLOW_FAILURES: Final = 3
"""Failed log-ins on one connection after which it is slowed down (IMAP-20)."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Configuration and services of the server for a session.

    service: for metrics and for the TLS mode: ``imap`` may have STARTTLS, ``imapserve`` is the operator's own pipe
    (IMAP-22), the others begin with TLS. preauth: a known client certificate logs in without a command (``imaps`` only,
    IMAP-48). starttls: None if it is not offered. gate: the limits of connections. spools: folder for long messages
    while they are received (``data/tmp``).
    """

    accounts: Accounts
    auth: AuthDB
    logins: Logins
    config: ConfigHolder
    sessions: Sessions
    gate: Gate
    spools: Spools
    service: Literal["imap", "imaps", "imaphttps", "imapserve", "managesieve"] = "imaps"
    require_tls: bool = True
    starttls: ServerTLS | None = None
    timeouts: Timeouts = Timeouts()

    @property
    def preauth(self) -> bool:
        """Whether a client certificate may log in without a command."""
        return self.service == "imaps"

    @property
    def hostname(self) -> str:
        """Hostname of this server, for the challenge of CRAM-MD5."""
        return self.config.current.static.hostname.ascii

    @property
    def append_limit(self) -> int:
        """Maximum octets of a message that may be added (IMAP-86)."""
        return self.config.current.static.imap.append_limit

    @property
    def idle_keepalive(self) -> float:
        """Seconds between two keepalive responses while a client idles, 0 for none (IMAP-161)."""
        return self.config.current.static.imap.idle_keepalive

    @property
    def message_limit(self) -> int:
        """Maximum messages that one command may work on, 0 for any number (IMAP-163)."""
        return self.config.current.static.imap.message_limit

    @property
    def save_limit(self) -> int:
        """Maximum messages that one COPY or APPEND may save, 0 for the limit of `message_limit` (IMAP-163)."""
        return self.config.current.static.imap.save_limit

    @property
    def jmap_url(self) -> str:
        """URL of the session of JMAP (RFC 9698), "" if that is not served over TLS."""
        return jmap_url(self.config.current)

    @property
    def pedantic(self) -> bool:
        """Whether harmless violations are errors too."""
        return self.config.current.static.pedantic
