"""The facts of a connection that a session gets, and the guard that stops an unexpected exception (architecture §5)."""

import logging
from types import TracebackType
from typing import Final

import msgspec
import trio

from moxlite.net import metrics
from moxlite.net.admission import Seat
from moxlite.net.limits import IPAddress

LOST: Final = (trio.BrokenResourceError,)
"""Exceptions that mean that the peer closed the connection; not an error of the server."""


class TLSFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Result of a TLS handshake.

    ``version`` as OpenSSL names it (``TLSv1.3``); ``cipher`` likewise; ``server_name`` is the SNI (A-label form,
    lower case) or None; ``alpn`` the chosen protocol or None; ``peer_key`` the SHA-256 of the SubjectPublicKeyInfo of
    the peer's certificate, None without one: possession of that key is proven, nothing else about the certificate is
    checked. ``group`` is the group of the key exchange as OpenSSL names it (``X25519MLKEM768``, which is post-quantum),
    "" if a resumed session had no new key exchange.
    """

    version: str
    cipher: str
    server_name: str | None = None
    alpn: str | None = None
    peer_key: bytes | None = None
    resumed: bool = False
    group: str = ""

    @property
    def suite(self) -> str:
        """Cipher and group, for people."""
        return f"{self.cipher} {self.group}".strip()


class ConnectionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted connection.

    ``remote`` is the client (behind PROXY protocol: what the proxy said), ``local`` the address that it reached.
    ``local_port`` is ours, also behind a proxy, whose port may be another. ``listener`` is the configured name.
    ``shutdown`` is set when the server wants to stop: a session says good-bye at its next chance. ``tls`` is None
    without TLS. ``seat`` is its place among all connections; the session reports its activity there.
    ``trusted_local``: the server itself is the client, over a pipe in the process (QUEUE-36), so there are no network
    checks; ``transaction_key`` then identifies the message, so that no account stores it twice (STORE-189).
    """

    cid: int
    remote: IPAddress
    remote_port: int
    local: IPAddress
    local_port: int
    listener: str
    shutdown: trio.Event
    tls: TLSFacts | None = None
    seat: Seat = msgspec.field(default_factory=Seat)
    trusted_local: bool = False
    transaction_key: bytes = b""

    def with_tls(self, facts: TLSFacts) -> "ConnectionInfo":
        """The same connection after its TLS handshake."""
        return msgspec.structs.replace(self, tls=facts)

    def behind(self, remote: IPAddress, remote_port: int, local: IPAddress) -> "ConnectionInfo":
        """The same connection with the real addresses of client and server, as the proxy sent them (SMTP-18)."""
        return msgspec.structs.replace(self, remote=remote, remote_port=remote_port, local=local)


class guard:  # noqa: N801 reads as a statement: `with guard("smtpd"):`
    """Keeps an unexpected exception of one connection or task from ending the server.

    It is logged with its traceback, counted in ``moxlite_panic_total{pkg}``, and goes no further. A connection that the
    peer broke is no panic. A MemoryError, which its peer may have caused, ends the connection alone. Cancellation and
    exits pass through, also from within a group; the opener of the connection closes it.
    """

    def __init__(self, pkg: str) -> None:
        self._pkg = pkg

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if isinstance(exc, Exception):  # the one place where a connection's crash ends
            _report(self._pkg, exc)
            return True
        if isinstance(exc, BaseExceptionGroup):
            crashes, rest = exc.split(Exception)
            if crashes is not None:
                _report(self._pkg, crashes)
            if rest is not None:
                raise rest from None
            return True
        return False


def _report(pkg: str, exc: BaseException) -> None:
    log = logging.getLogger(f"moxlite.{pkg}")
    group = exc if isinstance(exc, BaseExceptionGroup) else BaseExceptionGroup("", [exc])
    if group.split(LOST)[1] is None:
        log.debug("connection lost", extra={"kv": {"err": exc}})
        return
    metrics.panics.labels(pkg=pkg).inc()
    log.error("unexpected error, connection or task ended", exc_info=exc)
