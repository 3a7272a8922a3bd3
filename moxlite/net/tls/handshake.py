"""TLS on Trio, server side and client side (SMTP-4, SMTP-34, IMAP-13): certificates, versions, and the handshake from
which a `stream.TLSStream` comes.

It drives pyOpenSSL over memory buffers. The standard library's `ssl` cannot accept a client certificate without a CA,
nor export keying material for channel bindings, nor show an unverified peer chain (design-facts §1 has the
measurements behind the sizes in `stream`).
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import trio
from OpenSSL import SSL

from moxlite.escapes import printable
from moxlite.net import metrics
from moxlite.net.tls.certificates import KeyPair, certificate_names
from moxlite.net.tls.errors import TLSError
from moxlite.net.tls.stream import HANDSHAKE_SECONDS, TLSStream, handshake

TLSVersion: TypeAlias = Literal["TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"]

TICKET_KEY_SECONDS: Final = 24 * 3600.0
"""Age in seconds at which a port gets fresh keys for session tickets (SMTP-34): a stolen key decrypts at most a day's
sessions.
"""

RELEASE_BUFFERS: Final = 0x10
"""SSL_MODE_RELEASE_BUFFERS, for which pyOpenSSL has no name: idle connections hold no record buffers."""
NO_RENEGOTIATION: Final = 0x40000000
"""SSL_OP_NO_RENEGOTIATION: TLS 1.2 clients could make us do handshakes without end."""

CIPHERS: Final = b"HIGH:!aNULL:!eNULL:!MD5:!3DES:!PSK:!SRP"
OLD_CIPHERS: Final = b"ALL:!aNULL:!eNULL:!MD5:!PSK:!SRP:@SECLEVEL=0"
"""TLS 1.0 and 1.1, where the configuration insists on them, need SHA-1 signatures."""

_VERSIONS: Final[Mapping[TLSVersion, int]] = MappingProxyType(
    {
        "TLSv1.0": SSL.TLS1_VERSION,
        "TLSv1.1": SSL.TLS1_1_VERSION,
        "TLSv1.2": SSL.TLS1_2_VERSION,
        "TLSv1.3": SSL.TLS1_3_VERSION,
    }
)


def _context(method: int, min_version: TLSVersion) -> SSL.Context:
    context = SSL.Context(method)
    context.set_min_proto_version(_VERSIONS[min_version])
    context.set_cipher_list(OLD_CIPHERS if min_version in ("TLSv1.0", "TLSv1.1") else CIPHERS)
    context.set_options(NO_RENEGOTIATION)
    context.set_mode(RELEASE_BUFFERS)
    return context


def _use(context: SSL.Context, pair: KeyPair) -> None:
    context.use_certificate(pair.leaf)
    for certificate in pair.chain[1:]:
        context.add_extra_chain_cert(certificate)
    context.use_privatekey(pair.key)


class _Contexts:
    """OpenSSL's contexts of a port, by certificate: of hundreds of certificates few are in use, so that one is made at
    the first handshake that needs it. `choose_protocol` is the callback of ALPN.
    """

    def __init__(
        self,
        *,
        client_auth: bool,
        session_tickets: bool,
        min_version: TLSVersion,
        choose_protocol: Callable[[SSL.Connection, list[bytes]], bytes | SSL._NoOverlappingProtocols],
    ) -> None:
        self.client_auth = client_auth
        self.session_tickets = session_tickets
        self._min_version: TLSVersion = min_version
        self._choose_protocol = choose_protocol
        self._made: dict[int, SSL.Context] = {}

    def new(self, pair: KeyPair | None) -> SSL.Context:
        """A context of its own, without a certificate for None."""
        context = _context(SSL.TLS_SERVER_METHOD, self._min_version)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_session_id(b"moxlite")  # required with VERIFY_PEER, else a resuming client fails
        if not self.session_tickets:
            context.set_options(SSL.OP_NO_TICKET)
        if self.client_auth:
            context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        # OpenSSL asks for the protocol after the certificate is chosen, in the context chosen: every one needs the
        # callback.
        context.set_alpn_select_callback(self._choose_protocol)
        if pair is not None:
            _use(context, pair)
        return context

    def of(self, pair: KeyPair) -> SSL.Context:
        """The context of a certificate, the same each time."""
        context = self._made.get(id(pair))
        if context is None:
            context = self._made[id(pair)] = self.new(pair)
        return context

    def keep(self, pairs: Iterable[KeyPair]) -> None:
        """Forget the contexts of all other certificates."""
        used = {id(pair) for pair in pairs}
        self._made = {key: context for key, context in self._made.items() if key in used}


class ServerTLS:
    """The server side of TLS for one port: its certificates by name, ALPN, client certificates, session tickets.

    ``certificates``: the first is for clients that name no server, or an unknown one unless ``refuse_unknown``
    (WEB-118). ``unnamed``: with that, the name that stands for an absent one. ``alpn``: protocols in order of
    preference; a client that offers none of them goes on without. ``client_auth``: ask for a certificate and accept
    any, or none; whose key it is, is the caller's question. ``plain_http``: the answer to a request of HTTP without
    TLS.
    """

    def __init__(
        self,
        certificates: Sequence[KeyPair],
        *,
        alpn: Sequence[str] = (),
        client_auth: bool = True,
        session_tickets: bool = True,
        min_version: TLSVersion = "TLSv1.2",
        refuse_unknown: bool = False,
        unnamed: str = "",
        plain_http: bytes = b"",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._alpn = tuple(name.encode("ascii") for name in alpn)
        self._contexts = _Contexts(
            client_auth=client_auth,
            session_tickets=session_tickets,
            min_version=min_version,
            choose_protocol=self._choose_protocol,
        )
        self._refuse_unknown = refuse_unknown
        self._unnamed = unnamed
        self._plain_http = plain_http
        self._clock = clock
        self._challenges: dict[str, SSL.Context] = {}
        self.replace(certificates)

    def replace(self, certificates: Sequence[KeyPair]) -> None:
        """Use other certificates from the next handshake on; running connections are untouched."""
        self._certificates = tuple(certificates)
        self._made = self._clock()
        self._by_name: dict[str, KeyPair] = {}
        self._contexts.keep(())
        for pair in self._certificates:
            for name in certificate_names(pair.leaf):
                self._by_name.setdefault(name, pair)
        self._set_default(self._certificates[0] if self._certificates and not self._refuse_unknown else None)

    def put(self, pair: KeyPair, *, default: bool = False) -> None:
        """Use a certificate for its names from the next handshake on, in place of the one that was first for them.

        Args:
          default: as well for clients that name no server, or an unknown one, unless those are refused.
        """
        names = certificate_names(pair.leaf)
        kept = tuple(certificate for certificate in self._certificates if certificate_names(certificate.leaf) != names)
        self._certificates = (pair, *kept) if default else (*kept, pair)
        self._by_name.update(dict.fromkeys(names, pair))
        self._contexts.keep((*self._certificates, *self._by_name.values()))
        if default and not self._refuse_unknown:
            self._set_default(pair)

    def _set_default(self, pair: KeyPair | None) -> None:
        self._default = self._contexts.new(None) if pair is None else self._contexts.of(pair)
        self._base = self._contexts.new(pair)
        self._base.set_tlsext_servername_callback(self._choose_certificate)

    def set_challenge(self, name: str, pair: KeyPair | None) -> None:
        """Answer ACME's tls-alpn-01 for `name` with this certificate (RFC 8737), or with None no longer."""
        if pair is None:
            self._challenges.pop(name.lower(), None)
        else:
            self._challenges[name.lower()] = self._contexts.new(pair)

    async def accept(
        self, transport: trio.abc.Stream, *, leftover: bytes = b"", seconds: float = HANDSHAKE_SECONDS
    ) -> TLSStream:
        """Shake hands as the server.

        Args:
          transport: the connection; the returned stream owns it. On failure it is closed.
          leftover: octets already received behind STARTTLS. They go to TLS, never to the session: a command smuggled
          in behind STARTTLS is
            thereby garbage in the handshake (RFC 3207 §6, CVE-2011-0411; SMTP-145).
          seconds: limit of the handshake.

        Raises TLSError.
        """
        if self._contexts.session_tickets and self._clock() - self._made > TICKET_KEY_SECONDS:
            self.replace(self._certificates)
        connection = SSL.Connection(self._base, None)
        connection.set_accept_state()
        try:
            fresh = TLSStream(transport, connection, server_side=True)
            stream = await handshake(fresh, leftover, seconds, self._plain_http)
        except TLSError as exc:
            metrics.tls_handshakes.labels(result="timeout" if exc.kind == "timeout" else "error").inc()
            if (refused := connection.get_app_data()) is not None:  # OpenSSL only tells what follows from it
                raise refused from exc
            raise
        metrics.tls_handshakes.labels(result="ok").inc()
        metrics.tls_groups.labels(side="server", group=stream.facts.group or "none").inc()
        return stream

    def _choose_certificate(self, connection: SSL.Connection) -> None:
        # An exception here would be printed, hence a context without certificate is the way to refuse.
        named = (connection.get_servername() or b"").decode("ascii", "replace").lower().rstrip(".")
        if self._refuse_unknown and not named:
            metrics.missing_servername.inc()
        name = named or self._unnamed
        pair = self._by_name.get(name)
        if pair is None and "." in name:
            pair = self._by_name.get("*." + name.partition(".")[2])
        if pair is not None:
            connection.set_context(self._contexts.of(pair))
            return
        if self._refuse_unknown:
            if named:
                metrics.unknown_servername.inc()
                connection.set_app_data(TLSError(f"no certificate for {printable(named)}", kind="unknownname"))
            else:
                connection.set_app_data(TLSError("the client didn't send a server name", kind="noname"))
            # A name's first certificate is proved by its challenge: with TLS 1.2 OpenSSL wants a certificate before it
            # asks for the protocol.
            connection.set_context(self._challenges.get(name, self._default))
            return
        connection.set_context(self._default)

    def _choose_protocol(self, connection: SSL.Connection, offered: list[bytes]) -> bytes | SSL._NoOverlappingProtocols:
        if b"acme-tls/1" in offered:
            name = (connection.get_servername() or b"").decode("ascii", "replace").lower()
            if (challenge := self._challenges.get(name)) is not None:
                connection.set_context(challenge)
                return b"acme-tls/1"
        return next((name for name in self._alpn if name in offered), SSL.NO_OVERLAPPING_PROTOCOLS)


class ClientTLS:
    """The client side of TLS. The handshake verifies nothing: callers check `TLSStream.peer_chain` before they send
    anything (QUEUE-54).
    """

    def __init__(
        self, *, certificate: KeyPair | None = None, alpn: Sequence[str] = (), min_version: TLSVersion = "TLSv1.2"
    ) -> None:
        self._context = _context(SSL.TLS_CLIENT_METHOD, min_version)
        self._context.set_verify(SSL.VERIFY_NONE, None)
        if alpn:
            self._context.set_alpn_protos([name.encode("ascii") for name in alpn])
        if certificate is not None:
            _use(self._context, certificate)

    async def connect(
        self,
        transport: trio.abc.Stream,
        server_name: str | None,
        *,
        leftover: bytes = b"",
        seconds: float = HANDSHAKE_SECONDS,
    ) -> TLSStream:
        """Shake hands as the client, with `server_name` (A-labels, no IP address) as SNI.

        ``leftover`` are octets received behind the server's go-ahead to STARTTLS: they go to TLS, never to the
        session (QUEUE-61). On failure `transport` is closed. Raises TLSError.
        """
        connection = SSL.Connection(self._context, None)
        connection.set_connect_state()
        if server_name:
            connection.set_tlsext_host_name(server_name.encode("ascii"))
        stream = await handshake(TLSStream(transport, connection, server_side=False), leftover, seconds)
        metrics.tls_groups.labels(side="client", group=stream.facts.group or "none").inc()
        return stream
