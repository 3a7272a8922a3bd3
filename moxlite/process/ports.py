"""TLS of the listeners' ports, with certificates that can be read again, and their limits per network."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec
import trio
from cryptography.hazmat.primitives.serialization import Encoding

from moxlite.autotls.autotls import not_after, not_before
from moxlite.autotls.rehearsal import ChallengePort
from moxlite.config.listeners import Protocol
from moxlite.config.static import RateLimits, Static
from moxlite.logins.guessing import AccountWindow, FailedLogins
from moxlite.net.admission import Gate
from moxlite.net.httpclient import Roots
from moxlite.net.limits import OpenConnections, RateLimiter, Window
from moxlite.net.tls.certificates import KeyPair, PrivateKey, Trust, certificate_names, self_signed
from moxlite.net.tls.handshake import ServerTLS
from moxlite.process.keys import Certificates, Read, read_authorities, renewed
from moxlite.process.startup import HTTP_PORT, endpoints
from moxlite.safefile import read_file

logger = logging.getLogger("moxlite.admin.ports")

REREAD_SECONDS: Final = 6 * 3600.0
"""Seconds between two reads of certificates that another program renews (WEB-121)."""
AGAIN_SECONDS: Final = 600.0
"""Seconds to the next read after a certificate could not be used: the other program may have been between writing it
and its key.
"""

USE_HTTPS: Final = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 38\r\n"
    b"Connection: close\r\n\r\nThis port speaks TLS: use https://...\n"
)
"""Response to a browser that sent http to an https port (WEB-139)."""

MINUTE: Final = 60
"""Seconds of the first window of a limit: it stops a burst while it lasts."""

DAY: Final = 86400
"""Seconds of the second window: it stops guesses that are spread out below the first limit."""


def failure_limits(rates: RateLimits, *, clock: Callable[[], float] = time.time) -> FailedLogins:
    """Make the counter of failed log-ins, shared by all protocols (SMTP-136)."""
    per_minute, per_day = rates.auth_failures_per_account
    return FailedLogins(
        (Window(MINUTE, rates.auth_failures_per_minute), Window(DAY, rates.auth_failures_per_day)),
        (AccountWindow(MINUTE, per_minute), AccountWindow(DAY, per_day)),
        exempt=rates.exempt,
        clock=clock,
    )


def connection_gate(rates: RateLimits) -> Gate:
    """Make the limits of new and of open connections; each mail protocol has its own counts (SMTP-135, IMAP-15)."""
    new = RateLimiter((Window(MINUTE, rates.connections_per_minute),), exempt=rates.exempt)
    return Gate(new, OpenConnections(rates.open_connections, exempt=rates.exempt))


def _with_system(static: Static) -> bool:
    """Whether the system's authorities are trusted, too."""
    return static.tls is None or static.tls.ca is None or static.tls.ca.additional_to_system


def trust_of(static: Static) -> Trust:
    """The authorities that outgoing connections trust: the system's or the ones of ``[tls.ca]``, and
    ``acme.NAME.ca_cert_file``, as far as their files can be used (`keys.read_authorities`).
    """
    return Trust(read_authorities(static)[0], system=_with_system(static))


def roots_of(static: Static) -> Roots:
    """The same authorities for https."""
    extra, _ = read_authorities(static)
    return Roots((authority.public_bytes(Encoding.DER) for authority in extra), system=_with_system(static))


class InUse(msgspec.Struct, frozen=True):
    """A certificate that a listener shows. `automatic`: it comes by ACME."""

    listener: str
    pair: KeyPair
    automatic: bool


class TLSPorts:
    """TLS of every service of every listener that has certificates.

    If they come by ACME, mail ports show a self-signed certificate until there is one for their hostname. So STARTTLS
    works at once, and DANE with a host key. Web ports refuse names without a certificate (WEB-118).

    Args:
      certificates: certificates from files, by listener.
      host_keys: host keys of listeners with ACME, by listener.
      read: returns the octets of a file of a certificate or key, again; blocks.
    """

    def __init__(
        self,
        static: Static,
        certificates: Certificates,
        host_keys: Mapping[str, Sequence[PrivateKey]] = MappingProxyType({}),
        *,
        read: Read = read_file,
    ) -> None:
        self._static = static
        self._host_keys = host_keys
        self._read = read
        self._certificates = dict(certificates)
        self._issued: dict[str, dict[tuple[str, ...], KeyPair]] = {name: {} for name in static.acme}
        self._stand_ins: dict[str, KeyPair] = {}
        for name, listener in static.listeners.items():
            if listener.tls is not None and listener.tls.acme is not None:
                keys = host_keys.get(name, ())
                self._stand_ins[name] = self_signed([self._hostname(name)], key=keys[0] if keys else None)
        for name, pairs in self._certificates.items():
            for pair in pairs:
                _tell_lifetime(name, pair)
        self._made: dict[tuple[str, Protocol], ServerTLS] = {}

    def of(self, name: str, service: Protocol) -> ServerTLS | None:
        """The TLS of a service, implicit or by STARTTLS. None if the listener has no TLS, or the service does not use
        it.
        """
        listener = self._static.listeners[name]
        if listener.tls is None or (service == "smtp" and not listener.smtp.starttls):
            return None
        if (name, service) not in self._made:
            # Mail ports give no tickets: resumed TLS 1.2 sessions would have no channel binding (SMTP-55). Certificates
            # are asked for where users log in, but not of browsers, which would bother their users with the question.
            tickets = {"smtp": listener.smtp.tls_session_tickets, "https": listener.tls.session_tickets}
            self._made[name, service] = ServerTLS(
                self._of_service(name, service),
                alpn=self._alpn(name, service),
                client_auth=listener.tls.client_auth and service not in ("smtp", "https"),
                session_tickets=tickets.get(service, False),
                min_version=listener.tls.min_version,
                refuse_unknown=service == "https" and listener.tls.acme is not None,
                unnamed=self._hostname(name),
                plain_http=USE_HTTPS if service == "https" else b"",
            )
        return self._made[name, service]

    def certificate(self, name: str) -> KeyPair | None:
        """The listener's default certificate (no SNI match), or None."""
        return next(iter(self._of_service(name, "smtp")), None)

    def in_use(self) -> list[InUse]:
        """The certificates of all listeners; a listener without an issued one shows one that it made itself."""
        found = []
        for name, listener in self._static.listeners.items():
            if listener.tls is None:
                continue
            pairs = self._of_service(name, "https") or self._of_service(name, "smtp")
            found += [InUse(name, pair, listener.tls.acme is not None) for pair in pairs]
        return found

    def put(self, authority: str, pair: KeyPair) -> None:
        """Use a certificate by ACME at all listeners of this ``[acme.NAME]`` from the next handshake on."""
        names = certificate_names(pair.leaf)
        self._issued[authority][names] = pair
        for listener in self._with_acme(authority):
            _tell_lifetime(listener, pair)
        for (listener, _), tls in self._made.items():
            if listener in self._with_acme(authority):
                tls.put(pair, default=self._hostname(listener) in names)

    def for_challenges(self, authority: str) -> list[ServerTLS]:
        """The TLS of the ports at which a CA looks for tls-alpn-01."""
        found = [self.of(listener, "https") for listener in self._with_acme(authority)]
        return [tls for tls in found if tls is not None]

    def places(self, authority: str) -> tuple[ChallengePort, ...]:
        """The ports at which listeners of this ``[acme.NAME]`` answer challenges, the best kind first. A CA connects to
        port 80 for http; if no listener has it, a router must map it to the listed one.
        """
        served = [endpoint for endpoint in endpoints(self._static) if endpoint.listener in self._with_acme(authority)]
        https = self._static.acme[authority].port
        plain = {endpoint.port for endpoint in served if endpoint.service == "http"}
        found = [ChallengePort("http-01", port) for port in sorted(plain & {HTTP_PORT} or plain)]
        if any((endpoint.service, endpoint.port) == ("https", https) for endpoint in served):
            found.insert(0, ChallengePort("tls-alpn-01", https))
        return tuple(found)

    def host_keys(self, authority: str) -> dict[str, Sequence[PrivateKey]]:
        """Host keys of the listeners with this ``[acme.NAME]``, by hostname (A-labels)."""
        found: dict[str, Sequence[PrivateKey]] = {}
        for listener in self._with_acme(authority):
            if self._host_keys.get(listener):
                found.setdefault(self._hostname(listener), self._host_keys[listener])
        return found

    def _with_acme(self, authority: str) -> list[str]:
        return [
            name
            for name, listener in self._static.listeners.items()
            if listener.tls is not None and listener.tls.acme == authority
        ]

    def _hostname(self, listener: str) -> str:
        return (self._static.listeners[listener].hostname or self._static.hostname).ascii

    def _of_service(self, name: str, service: Protocol) -> list[KeyPair]:
        """The certificates of a port, with the one for its hostname first."""
        tls = self._static.listeners[name].tls
        if tls is None or tls.acme is None:
            return list(self._certificates.get(name, ()))
        own = self._hostname(name)
        issued = self._issued[tls.acme]
        key_pairs = sorted(issued.values(), key=lambda pair: own not in certificate_names(pair.leaf))
        # Not for https: browsers would show a warning that users learn to click away, and HSTS forbids even that.
        if service != "https" and not any(own in names for names in issued):
            key_pairs.insert(0, self._stand_ins[name])
        return key_pairs

    def _alpn(self, name: str, service: Protocol) -> tuple[str, ...]:
        """Protocol names for ALPN; mail may share the https port (admin.md, `alpn_on_https`)."""
        listener = self._static.listeners[name]
        match service:
            case "https":
                mail = (("smtp", listener.submissions), ("imap", listener.imaps))
                http = ("h2", "http/1.1") if listener.http2 else ("http/1.1",)
                return (*http, *(word for word, settings in mail if settings.enabled and settings.alpn_on_https))
            case "submissions":
                return ("smtp",)
            case "imaps":
                return ("imap",)
            case _:
                return ()

    async def watch(self) -> None:
        """Read the certificates and keys of files again every 6 h, for ever: another program may have renewed them.

        Errors: does not raise; faults are logged, and the old certificates stay.
        """
        pause = REREAD_SECONDS
        while True:
            await trio.sleep(pause)
            problems = await self.reload() if self._certificates else []
            pause = AGAIN_SECONDS if problems else REREAD_SECONDS

    async def reload(self) -> list[str]:
        """Read the certificates and keys of files again (WEB-121). Returns the faults, one line each; they are logged,
        and the old certificates stay.
        """
        # In a thread: the parent answers for each file, and may take seconds.
        found, problems = await trio.to_thread.run_sync(renewed, self._static, self._read, self._certificates)
        for problem in problems:
            logger.error("certificate reload failed, keeping the old certificate", extra={"kv": {"err": problem}})
        for (name, _), tls in self._made.items():
            if name in found:
                tls.replace(found[name])
        self._certificates = found
        for name, pairs in found.items():
            for pair in pairs:
                _tell_lifetime(name, pair)
        logger.info("certificates reloaded", extra={"kv": {"listeners": len(found), "problems": len(problems)}})
        return problems


def _tell_lifetime(listener: str, pair: KeyPair) -> None:
    """Set the metrics of a certificate's validity period."""
    for name in certificate_names(pair.leaf):
        not_before.labels(host=name, listener=listener).set(pair.leaf.not_valid_before_utc.timestamp())
        not_after.labels(host=name, listener=listener).set(pair.leaf.not_valid_after_utc.timestamp())
