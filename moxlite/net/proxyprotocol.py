"""The PROXY protocol, versions 1 and 2: the address of the client behind a load balancer (SMTP-18).

https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt. The header is read to its last octet and no further, so
that all that follows (TLS, a command) is still in the stream.
"""

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

import msgspec
import trio

from moxlite.net.limits import IPAddress, unmap

SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
"""First octets of version 2. No protocol served here begins with them."""

MAX_V1: Final = 107
"""Octets of the longest version 1 line, with CRLF (§2.1)."""

MAX_V2: Final = 2048
"""Maximum octets of addresses and extensions in version 2. Senders use far fewer (§2.2 recommends 536 in all)."""


class ProxyError(Exception):
    """The proxy sent no valid header, so the client's address is unknown."""


class Proxied(msgspec.Struct, frozen=True):
    """Addresses of client and server of a proxied connection."""

    remote: IPAddress
    remote_port: int
    local: IPAddress
    local_port: int


async def read_proxy_header(stream: trio.abc.ReceiveStream) -> Proxied | None:
    """Read the header. Returns None if the proxy connects for itself (a health check), so that the socket's own
    addresses hold.

    Raises ProxyError; limit its time from outside.
    """
    start = await _exactly(stream, len(SIGNATURE))
    if start == SIGNATURE:
        return await _read_version_2(stream)
    if start.startswith(b"PROXY "):
        return await _read_version_1(stream, start)
    raise ProxyError("no PROXY protocol header")


async def _exactly(stream: trio.abc.ReceiveStream, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = await stream.receive_some(count - len(data))
        if not more:
            raise ProxyError("connection ended in the PROXY protocol header")
        data += more
    return data


async def _read_version_1(stream: trio.abc.ReceiveStream, line: bytes) -> Proxied | None:
    # One octet at a time: nothing behind the line may be taken from the stream.
    while not line.endswith(b"\r\n"):
        if len(line) >= MAX_V1:
            raise ProxyError("PROXY protocol line too long")
        line += await _exactly(stream, 1)
    words = line[:-2].decode("ascii", "replace").split(" ")
    if words[1] == "UNKNOWN":
        return None
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6"):
        raise ProxyError("bad PROXY protocol line")
    try:
        remote, local = ip_address(words[2]), ip_address(words[3])
    except ValueError as exc:
        raise ProxyError("bad address in PROXY protocol line") from exc
    version = 4 if words[1] == "TCP4" else 6
    if remote.version != version or local.version != version:
        raise ProxyError("address family does not match in PROXY protocol line")
    return Proxied(unmap(remote), _port(words[4]), unmap(local), _port(words[5]))


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 5 or int(text) > 65535:
        raise ProxyError("bad port in PROXY protocol line")
    return int(text)


async def _read_version_2(stream: trio.abc.ReceiveStream) -> Proxied | None:
    version_command, family, length = struct.unpack("!BBH", await _exactly(stream, 4))
    if version_command >> 4 != 2 or version_command & 0xF > 1:
        raise ProxyError("unknown version or command of the PROXY protocol")
    if length > MAX_V2:
        raise ProxyError("PROXY protocol header too long")
    body = await _exactly(stream, length)
    if version_command & 0xF == 0:  # LOCAL
        return None
    if family == 0x11 and length >= 12:  # TCP over IPv4
        return Proxied(IPv4Address(body[0:4]), _number(body, 8), IPv4Address(body[4:8]), _number(body, 10))
    if family == 0x21 and length >= 36:  # TCP over IPv6
        remote, local = IPv6Address(body[0:16]), IPv6Address(body[16:32])
        return Proxied(unmap(remote), _number(body, 32), unmap(local), _number(body, 34))
    raise ProxyError("PROXY protocol header is not for TCP over IP")


def _number(body: bytes, offset: int) -> int:
    return int.from_bytes(body[offset : offset + 2], "big")
