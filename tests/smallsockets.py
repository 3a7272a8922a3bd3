"""Connections whose sockets have little room, with TLS or compression over them."""

import socket

import trio

from moxlite.net.deflate import DeflateStream
from moxlite.net.sockets import QuickStream
from moxlite.net.tls.certificates import self_signed
from moxlite.net.tls.handshake import ClientTLS, ServerTLS

ROOM = 4096
"""Octets asked of the kernel for a socket's buffer; it takes the double at least."""


def sockets() -> tuple[QuickStream, trio.SocketStream]:
    """Both ends of a connection with little room."""
    near, far = socket.socketpair()
    for end in (near, far):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
    return (
        QuickStream(trio.SocketStream(trio.socket.from_stdlib_socket(near))),
        trio.SocketStream(trio.socket.from_stdlib_socket(far)),
    )


async def layered(kind: str) -> tuple[trio.abc.Stream, trio.abc.Stream]:
    """The server's and the client's end, over what `kind` names."""
    server: trio.abc.Stream
    client: trio.abc.Stream
    server, client = sockets()
    ends: dict[str, trio.abc.Stream] = {}
    if "tls" in kind:
        tls = ServerTLS([self_signed(["localhost"])])

        async def accept() -> None:
            ends["server"] = await tls.accept(server)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(accept)
            ends["client"] = await ClientTLS().connect(client, "localhost")
        server, client = ends["server"], ends["client"]
    if "deflate" in kind:
        server, client = DeflateStream(server), DeflateStream(client)
    return server, client
