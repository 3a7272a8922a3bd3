"""Log-in state of one connection: its user, its client certificate and its failures."""

from typing import Final

from moxlite.logins.identity import CertificateLogin, Identity, LoginRequest, fingerprint
from moxlite.processor import act_for
from moxlite.proto.smtp.replies import Response
from moxlite.proto.smtp.server import ServerConnection
from moxlite.smtpd.context import Context
from moxlite.smtpd.wire import Wire

SLOW_FAILURES: Final = 3
"""Number of failed log-ins at which the connection goes into slow mode (SMTP-15)."""


class LoginState:
    """The user of a connection, as far as known.

    Attributes:
      identity: the logged-in user, None without a log-in.
      certificate: the account of the client certificate, None without a known one.
      failures: failed log-ins.
    """

    def __init__(self, context: Context, wire: Wire, codec: ServerConnection) -> None:
        self.identity: Identity | None = None
        self.certificate: CertificateLogin | None = None
        self.failures = 0
        self._context = context
        self._wire = wire
        self._codec = codec

    def request(self) -> LoginRequest:
        """The origin of an attempt to log in, for `Logins`."""
        info = self._wire.info
        tls = info.tls
        return LoginRequest(
            protocol=self._context.kind,
            remote=info.remote,
            local=info.local,
            tls=f"{tls.version} {tls.cipher}" if tls else "",
            fingerprint=fingerprint(tls.peer_key) if tls else "",
            failures=self.failures,
        )

    async def look_at_certificate(self) -> None:
        """Look up the account of the client certificate, after a TLS handshake (SMTP-59)."""
        tls = self._wire.info.tls
        if tls is not None and tls.peer_key is not None:
            self.certificate = await self._context.logins.certificate(self.request())
        if self.certificate is not None:
            self._codec.account_known()

    def failed(self) -> None:
        """Count a failed log-in on this connection."""
        self.failures += 1
        if self.failures >= SLOW_FAILURES:
            self._wire.slow = True

    def succeeded(self, identity: Identity) -> None:
        """Record the user of a successful log-in."""
        self.identity = identity
        act_for(identity.account)
        self._wire.info.seat.known = True
        self._context.senders.join(identity.account, identity.app_password, self._revoked)
        self._wire.slow = False

    def leave(self) -> None:
        """The connection ends."""
        if self.identity is not None:
            self._context.senders.leave(self.identity.account, self._revoked)

    def _revoked(self, text: str) -> None:
        """End the session, because its log-in was disabled or revoked (SMTP-62a). `text`: for the user."""
        self._wire.end(Response(421, "4.7.0", (text,)))
