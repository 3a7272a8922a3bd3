"""Connecting to the first of several addresses that answers, in order, within a total time (QUEUE-48), unless it
belongs to an inner network (QUEUE-152).

All connections to other hosts begin here, but for questions to the configured name servers: a test of
`tests/unit/test_net_dial.py` finds others.
"""

import os
import socket
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec
import trio

from moxlite.net.addresses import is_internal
from moxlite.net.limits import IPAddress
from moxlite.net.sockets import QuickStream
from moxlite.wording import worded

TIMEOUT: Final = "timeout"
"""Text of a failure because nothing answered in time."""

INNER: Final = "is a private network address, so no connection was attempted"
"""Text of a failure because the address must not be connected to (QUEUE-152)."""

CONNECT_SECONDS: Final = 30.0
"""Seconds for all addresses of a host together (QUEUE-48)."""

MIN_TRY_SECONDS: Final = 3.0
"""Minimum seconds for each address: a TCP handshake that lost its first packet is sent again after one second, and
again after two more.
"""


class LocalAddresses(msgspec.Struct, frozen=True):
    """Local addresses to connect from, per family. None lets the system choose."""

    ipv4: IPAddress | None = None
    ipv6: IPAddress | None = None


class Dialed(msgspec.Struct, frozen=True):
    """A connection, and the address that answered."""

    stream: trio.abc.Stream
    ip: IPAddress


class DialError(Exception):
    """No address could be connected to. ``failures``: per address the reason, in the order of the attempts."""

    def __init__(self, failures: Sequence[tuple[IPAddress, str]]) -> None:
        shown = "; ".join(f"{ip}: {text}" for ip, text in failures) or "no addresses"
        super().__init__(worded("can't connect: {reason}", reason=shown))
        self.failures = tuple(failures)


class Dial(Protocol):
    """Function that connects: `dial`, or a replacement in tests."""

    async def __call__(
        self,
        addresses: Sequence[IPAddress],
        port: int,
        *,
        inside: bool,
        local: LocalAddresses | None = None,
        seconds: float = CONNECT_SECONDS,
    ) -> Dialed:
        """Connect to the first address that answers, within `seconds`. `inside`: addresses of the internal network are
        allowed.
        Raises DialError.
        """


async def dial(
    addresses: Sequence[IPAddress],
    port: int,
    *,
    inside: bool,
    local: LocalAddresses | None = None,
    seconds: float = CONNECT_SECONDS,
) -> Dialed:
    """Connect to the first address that answers, trying one after another.

    Mail is not interactive: racing addresses would only spoil the order that greylisting hosts and reputation want
    (QUEUE-47). The time left is shared equally by the addresses left. Raises DialError.

    Args:
      inside: whether addresses of the inner network may be connected to. True only if the administrator has named the
        host, or has allowed strangers to name such hosts. If false, each such address counts as a failure.
      local: from where. seconds: for all addresses together.
    """
    end = trio.current_time() + seconds
    failures: list[tuple[IPAddress, str]] = []
    for index, ip in enumerate(addresses):
        if not inside and is_internal(ip):
            failures.append((ip, INNER))
            continue
        share = (end - trio.current_time()) / (len(addresses) - index)
        try:
            with trio.fail_after(max(share, MIN_TRY_SECONDS)):
                return Dialed(await _connect(ip, port, local or LocalAddresses()), ip)
        except trio.TooSlowError:
            failures.append((ip, TIMEOUT))
        except OSError as exc:
            # trio has the address in strerror, as a tuple of Python
            failures.append((ip, os.strerror(exc.errno) if exc.errno else str(exc)))
        if trio.current_time() >= end:
            break
    raise DialError(failures)


async def dial_unix(path: str) -> QuickStream:
    """Connect to a program of this machine by its socket in the file system. Raises OSError."""
    sock = trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        await sock.connect(path)
        return QuickStream(trio.SocketStream(sock))
    except BaseException:
        sock.close()
        raise


async def _connect(ip: IPAddress, port: int, local: LocalAddresses) -> QuickStream:
    family, source = (socket.AF_INET, local.ipv4) if ip.version == 4 else (socket.AF_INET6, local.ipv6)
    sock = trio.socket.socket(family, socket.SOCK_STREAM)
    try:
        if source is not None:
            await sock.bind((str(source), 0))
        await sock.connect((str(ip), port))
        return QuickStream(trio.SocketStream(sock))
    except BaseException:
        sock.close()
        raise


# Connecting through a SOCKS5 proxy without authentication (RFC 1928; QUEUE-32).


VERSION: Final = 5
NO_AUTHENTICATION: Final = 0
CONNECT: Final = 1
ADDRESS_TYPES: Final = {4: 1, 6: 4}
ADDRESS_LENGTHS: Final = {1: 4, 4: 16}
"""Octets of the bound address in the reply, by address type. A name has its length as first octet."""
NAME: Final = 3
"""Address type of a host name. A proxy may name in its reply what it was never given by name (RFC 1928 §6)."""

REPLIES: Final = {
    1: "general failure",
    2: "connection not allowed by ruleset",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "address type not supported",
}


class SocksError(Exception):
    """The proxy refused, or the other end is not a SOCKS5 proxy. The text gives the reason."""


async def connect_through_socks(stream: trio.abc.Stream, ip: IPAddress, port: int) -> None:
    """Ask the proxy at the other end of `stream` for a connection to this address; afterwards the stream is that
    connection.

    Nothing beyond the proxy's reply is read, so the server's greeting stays in the stream. Raises SocksError, or what
    the stream raises; limit its time from outside.
    """
    await stream.send_all(bytes([VERSION, 1, NO_AUTHENTICATION]))
    version, method = await _exactly(stream, 2)
    if version != VERSION:
        raise SocksError("not a SOCKS5 proxy")
    if method != NO_AUTHENTICATION:
        raise SocksError("proxy requires authentication")
    request = bytes([VERSION, CONNECT, 0, ADDRESS_TYPES[ip.version]]) + ip.packed + port.to_bytes(2, "big")
    await stream.send_all(request)
    version, code, _, kind = await _exactly(stream, 4)
    if version != VERSION:
        raise SocksError("invalid response from proxy")
    if code != 0:
        raise SocksError(f"proxy: {REPLIES.get(code, f'failure {code}')}")
    if kind == NAME:
        [length] = await _exactly(stream, 1)
    elif (length := ADDRESS_LENGTHS.get(kind, 0)) == 0:
        raise SocksError("invalid response from proxy")
    await _exactly(stream, length + 2)


async def _exactly(stream: trio.abc.ReceiveStream, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = await stream.receive_some(count - len(data))
        if not more:
            raise SocksError("proxy closed the connection")
        data += more
    return data
