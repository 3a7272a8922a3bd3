"""From the name of an IMAP server to a session: addresses, connection, TLS, greeting, log-in."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Final, Literal, TypeAlias

import msgspec
import trio

from moxlite.net.dial import DialError, dial
from moxlite.net.imapclient.client import Client
from moxlite.net.imapclient.transport import (
    CROWDED,
    SILENT_SECONDS,
    ConnectionLost,
    LoginFailed,
    Refused,
    TLSFailed,
    printable,
)
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import DNSError, Resolver, TempError, absolute
from moxlite.net.tls.certificates import KeyPair, ProblemKind, Trust
from moxlite.net.tls.handshake import ClientTLS
from moxlite.net.tls.stream import TLSStream
from moxlite.proto import sasl
from moxlite.proto.address import AddressError, Domain
from moxlite.proto.imap import commands as c
from moxlite.wording import Worded, as_worded, reason_of, worded

logger = logging.getLogger("moxlite.net.imapclient")

TLSMode: TypeAlias = Literal["implicit", "starttls", "none"]

PORTS: Final[dict[TLSMode, int]] = {"implicit": 993, "starttls": 143, "none": 143}

LOOKUP_SECONDS: Final = 30.0
"""Seconds for looking up the server's addresses."""

LOGIN_SECONDS: Final = 180.0
"""Seconds from the connection to the end of the log-in. Some servers delay log-ins by several seconds."""

LOOPBACK: Final = (ip_address("127.0.0.1"), ip_address("::1"))


class Server(msgspec.Struct, frozen=True):
    """An IMAP server; `port` 0 is the usual one of its TLS mode. `host` may be an address.

    With ``starttls`` and ``implicit`` its certificate must be valid for `host`; otherwise nothing is sent.
    """

    host: str
    tls: TLSMode = "implicit"
    port: int = 0

    @property
    def real_port(self) -> int:
        """The port to connect to."""
        return self.port or PORTS[self.tls]


class Credentials(msgspec.Struct, frozen=True):
    """User name with a password or an OAuth 2 token.

    Attributes:
      certificate: TLS showed a certificate of ours, so EXTERNAL may be used.
      mechanisms: only these, if any are named; ``LOGIN`` also stands for the command.
      allow_clear: the password or token may go over a connection without TLS.
    """

    username: str
    password: str = ""
    token: str = ""
    certificate: bool = False
    mechanisms: tuple[str, ...] = ()
    allow_clear: bool = False

    def __repr__(self) -> str:
        """Representation without secrets."""
        return f"Credentials(username={self.username!r})"


async def connect(
    server: Server,
    credentials: Credentials,
    *,
    resolver: Resolver,
    trust: Trust,
    certificate: KeyPair | None = None,
    compress: bool = True,
    strict: bool = False,
    seconds: float = SILENT_SECONDS,
    inside: bool = True,
) -> Client:
    """Connect, make TLS, log in, and begin compression where the server knows it.

    Args:
      trust: root certificates for the server's certificate.
      certificate: the client certificate.
      seconds: of silence after which the connection is given up.
      inside: whether addresses of the inner network may be connected to (`net.dial.dial`).

    Raises:
      ConnectionLost, TLSFailed, LoginFailed, BrokenServer: each says why.
    """
    host = _ascii(server.host)
    addresses = await addresses_of(host, resolver)
    if server.tls != "none":
        await trust.ready()
    try:
        dialed = await dial(addresses, server.real_port, inside=inside)
    except DialError as error:
        raise ConnectionLost(reason_of(error)) from None
    client = Client(dialed.stream, strict=strict, seconds=seconds)
    try:
        with trio.fail_after(LOGIN_SECONDS):
            await _open(client, server, host, trust, certificate)
            if certificate is not None and not credentials.certificate:
                credentials = msgspec.structs.replace(credentials, certificate=True)
            await log_in(client, credentials, host=host, port=server.real_port)
            await client.enable("UTF8=ACCEPT")
            if compress and client.has("COMPRESS=DEFLATE") and dialed.ip not in LOOPBACK:
                with suppress(Refused):
                    await client.compress()
    except trio.TooSlowError:
        await client.aclose()
        raise ConnectionLost(worded("couldn't log in within {seconds} s", seconds=int(LOGIN_SECONDS))) from None
    except BaseException:
        await client.aclose()
        raise
    return client


async def _open(client: Client, server: Server, host: str, trust: Trust, certificate: KeyPair | None) -> None:
    name = None if _literal(host) is not None else host
    check = checker(trust, host)
    match server.tls:
        case "implicit":
            await client.begin_tls(ClientTLS(certificate=certificate), name, check)
            await client.greet()
        case "starttls":
            await client.greet()
            await client.start_tls(ClientTLS(certificate=certificate), name, check)
        case "none":
            await client.greet()


def checker(trust: Trust, host: str) -> Callable[[TLSStream], None]:
    """A check of the server's certificate, which must be valid for `host`; it raises TLSFailed."""

    def check(stream: TLSStream) -> None:
        problem = trust.check(stream.peer_chain(), host)
        if problem is None:
            return
        told = worded("{host}'s certificate: {reason}", host=host, reason=problem.text)
        if problem.kind is ProblemKind.NOT_TRUSTED:
            told = worded("{reason}; to trust it, add its file to tls.ca.cert_files in moxlite.toml", reason=told)
        raise TLSFailed(told)

    return check


def _ascii(host: str) -> str:
    if _literal(host) is not None or host == "localhost":
        return host
    try:
        return Domain.parse(host).ascii
    except AddressError as error:
        raise ConnectionLost(worded("{host} isn't a server name: {reason}", host=repr(host), reason=error)) from None


def _literal(host: str) -> IPAddress | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


async def addresses_of(host: str, resolver: Resolver) -> Sequence[IPAddress]:
    """The addresses of a server that a user has named, by its name in A-labels. Raises ConnectionLost."""
    if host == "localhost":  # RFC 6761 §6.3
        return LOOPBACK
    if (known := _literal(host)) is not None:
        return (known,)
    try:
        with trio.fail_after(LOOKUP_SECONDS):
            return (await resolver.ips(absolute(host))).records
    except trio.TooSlowError:
        raise ConnectionLost(worded("no response from DNS for {host}", host=host)) from None
    except TempError as error:
        # The reason names this machine's DNS servers, and users see what a client says.
        logger.info("DNS lookup failed", extra={"kv": {"host": host, "err": str(error)}})
        raise ConnectionLost(worded("no response from DNS for {host}", host=host)) from None
    except DNSError as error:
        raise ConnectionLost(worded("can't find {host}'s address: {reason}", host=host, reason=error.outside)) from None


# Logging in at an IMAP server: the strongest mechanism that it offers comes first (IMAP-136, RFC 9051 §6.2).


FINAL_CODES: Final = frozenset(
    {"AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "PRIVACYREQUIRED", "CONTACTADMIN", "UNAVAILABLE"}
)
"""Response codes after which no other mechanism helps (RFC 5530 §3); each failure counts towards a lock."""

MAX_TRIES: Final = 3
"""Maximum log-in attempts on one connection: servers count failures, and lock accounts."""


async def log_in(client: Client, credentials: Credentials, *, host: str = "", port: int = 0) -> str:
    """Log in; returns the name of the mechanism, "PREAUTH" when nothing had to be done.

    After a refusal that does not say that the password is wrong, the next mechanism is tried, as some servers announce
    mechanisms that do not work. A mechanism is never tried with less protection than the connection has.

    Raises:
      LoginFailed: refused, or nothing is left that may be tried; the server's words are in the text.
      IMAPClientError: the connection is of no use any more.
    """
    if client.preauth:
        return "PREAUTH"
    refused: Exception | None = None
    tried: set[str] = set()
    for _ in range(MAX_TRIES):
        mechanism = _choose(client, credentials, tried, host, port)
        try:
            if mechanism is not None:
                tried.add(mechanism.name)
                name = mechanism.name
                await client.authenticate(name, mechanism.initial(), mechanism.step)
                mechanism.finish()
            elif _may_login(client, credentials, tried):
                tried.add("LOGIN")
                name = "LOGIN"
                await client.run(c.Login(credentials.username, credentials.password), hidden=True)
            else:
                break
        except Refused as error:
            refused = _explained(mechanism, error) if credentials.token else error
            if error.code in FINAL_CODES or CROWDED.search(error.state.text):
                break
        except sasl.SASLError as error:
            # A server that could not prove that it knows the password gets no second chance to get it.
            raise LoginFailed(worded("login failed: {reason}", reason=_said(error))) from None
        else:
            await client.run(c.Capability())  # the capabilities may be others than before (RFC 9051 §6.2)
            return name
    if refused is not None:
        raise LoginFailed(worded("login failed: {reason}", reason=_said(refused)))
    raise LoginFailed(_nothing_left(client, credentials))


def _explained(mechanism: sasl.ClientMechanism | None, error: Refused) -> Exception:
    """The error that the mechanism reported before the server refused, or else the refusal: an error for a token says
    more than the refusal does.
    """
    try:
        if mechanism is not None:
            mechanism.finish()
    except sasl.SASLError as explained:
        return explained
    return error


def _choose(
    client: Client, credentials: Credentials, tried: set[str], host: str, port: int
) -> sasl.ClientMechanism | None:
    offered = [name[5:] for name in client.capabilities if name.startswith("AUTH=")]
    stream = client.tls_stream
    try:
        if credentials.token:
            left = [name for name in offered if name not in tried]
            if stream is None and not credentials.allow_clear:
                return None
            return sasl.choose_oauth(left, credentials.username, credentials.token, host=host, port=port)
        # By `only`, not by what is offered: SCRAM tells the server which mechanisms the client saw (RFC 5802 §6).
        allowed = [name for name in credentials.mechanisms or sasl.CLIENT_ORDER if name.upper() not in tried]
        if not allowed:
            return None
        return sasl.choose_mechanism(
            offered,
            credentials.username,
            credentials.password,
            bindings=sasl.NO_BINDINGS
            if stream is None
            else {kind: stream.channel_binding(kind) for kind in stream.channel_bindings()},
            tls=stream is not None,
            certificate=credentials.certificate,
            allow_clear=credentials.allow_clear,
            only=allowed,
        )
    except ValueError as error:
        raise LoginFailed(str(error)) from None


def _may_login(client: Client, credentials: Credentials, tried: set[str]) -> bool:
    """Whether the LOGIN command may be tried: for servers that offer no mechanism (RFC 9051 §6.2.3)."""
    if credentials.token or "LOGIN" in tried or "LOGINDISABLED" in client.capabilities:
        return False
    if credentials.mechanisms and "LOGIN" not in credentials.mechanisms:
        return False
    return client.tls_stream is not None or credentials.allow_clear


def _said(error: Exception) -> Worded:
    """The reason of a failure; texts of the server in it are cut and printable."""
    reason = reason_of(error)
    values = {name: printable(one) if isinstance(one, str) else one for name, one in reason.values.items()}
    return Worded(reason.template, values) if values else as_worded(printable(reason))


def _nothing_left(client: Client, credentials: Credentials) -> str:
    offered = sorted(name[5:] for name in client.capabilities if name.startswith("AUTH="))
    shown = ", ".join(offered)[:200] or "none"
    if credentials.token:
        return f"the server doesn't accept tokens (it offers {shown})"
    if client.tls_stream is None and not credentials.allow_clear:
        return worded(
            "without TLS, the server doesn't offer a login method that protects your password (it offers {names})",
            names=shown,
        )
    return worded(
        "the server doesn't offer a supported login method (it offers {names})",
        names=shown,
    )
