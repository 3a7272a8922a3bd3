"""Connecting through a SOCKS5 proxy without authentication (RFC 1928; QUEUE-32)."""

from typing import Final

import trio

from moxlite.net.limits import IPAddress

VERSION: Final = 5
NO_AUTHENTICATION: Final = 0
CONNECT: Final = 1
ADDRESS_TYPES: Final = {4: 1, 6: 4}
ADDRESS_LENGTHS: Final = {1: 4, 4: 16}
"""Octets of the bound address in the reply, by address type. A name has its length as first octet."""
NAME: Final = 3

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
        raise SocksError("proxy demands authentication")
    request = bytes([VERSION, CONNECT, 0, ADDRESS_TYPES[ip.version]]) + ip.packed + port.to_bytes(2, "big")
    await stream.send_all(request)
    version, code, _, kind = await _exactly(stream, 4)
    if version != VERSION:
        raise SocksError("bad reply of the proxy")
    if code != 0:
        raise SocksError(f"proxy: {REPLIES.get(code, f'failure {code}')}")
    if kind == NAME:
        [length] = await _exactly(stream, 1)
    elif (length := ADDRESS_LENGTHS.get(kind, 0)) == 0:
        raise SocksError("bad reply of the proxy")
    await _exactly(stream, length + 2)


async def _exactly(stream: trio.abc.ReceiveStream, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = await stream.receive_some(count - len(data))
        if not more:
            raise SocksError("proxy closed the connection")
        data += more
    return data
