"""From the name of an IMAP server to a session: addresses, connection, TLS, greeting, log-in."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Final, Literal, TypeAlias

import msgspec
import trio

from moxlite.net.dial import DialError, dial
from moxlite.net.imapclient.client import Client
from moxlite.net.imapclient.errors import ConnectionLost, Refused, TLSFailed
from moxlite.net.imapclient.login import Credentials, log_in
from moxlite.net.imapclient.transport import SILENT_SECONDS
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import DNSError, Resolver, absolute
from moxlite.net.tls.certificates import KeyPair, ProblemKind, Trust
from moxlite.net.tls.handshake import ClientTLS
from moxlite.net.tls.stream import TLSStream
from moxlite.proto.address import AddressError, Domain
from moxlite.wording import reason_of, worded

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
    addresses = await _addresses(host, resolver)
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
        raise ConnectionLost(worded("no log-in within {seconds} s", seconds=int(LOGIN_SECONDS))) from None
    except BaseException:
        await client.aclose()
        raise
    return client


async def _open(client: Client, server: Server, host: str, trust: Trust, certificate: KeyPair | None) -> None:
    name = None if _literal(host) is not None else host
    check = _checker(trust, host)
    match server.tls:
        case "implicit":
            await client.begin_tls(ClientTLS(certificate=certificate), name, check)
            await client.greet()
        case "starttls":
            await client.greet()
            await client.start_tls(ClientTLS(certificate=certificate), name, check)
        case "none":
            await client.greet()


def _checker(trust: Trust, host: str) -> Callable[[TLSStream], None]:
    def check(stream: TLSStream) -> None:
        problem = trust.check(stream.peer_chain(), host)
        if problem is None:
            return
        told = worded("certificate of {host}: {reason}", host=host, reason=problem.text)
        if problem.kind is ProblemKind.NOT_TRUSTED:
            told = worded("{reason}; to trust it, name its file in tls.ca.cert_files of moxlite.toml", reason=told)
        raise TLSFailed(told)

    return check


def _ascii(host: str) -> str:
    if _literal(host) is not None or host == "localhost":
        return host
    try:
        return Domain.parse(host).ascii
    except AddressError as error:
        raise ConnectionLost(
            worded("{host} is not the name of a server: {reason}", host=repr(host), reason=error)
        ) from None


def _literal(host: str) -> IPAddress | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


async def _addresses(host: str, resolver: Resolver) -> Sequence[IPAddress]:
    if host == "localhost":  # RFC 6761 §6.3
        return LOOPBACK
    if (known := _literal(host)) is not None:
        return (known,)
    try:
        with trio.fail_after(LOOKUP_SECONDS):
            return (await resolver.ips(absolute(host))).records
    except trio.TooSlowError:
        raise ConnectionLost(worded("no answer from DNS for {host}", host=host)) from None
    except DNSError as error:
        raise ConnectionLost(worded("no addresses of {host}: {reason}", host=host, reason=error)) from None
