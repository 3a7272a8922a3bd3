"""Ports of a server that are in the test's own process: connections with any addresses, and nothing taken of the
machine's ports.

A connection is a pair of Unix sockets, so that all that the server does with a socket is done: seats by descriptor,
sends without a turn of the event loop, a client that reads nothing. Only the ends are as the test says.
"""

import socket
from contextlib import suppress
from types import MethodType
from typing import Final

import trio

from moxlite.net.limits import IPAddress
from moxlite.net.listeners import BindError

__all__ = ["CLIENT", "Ports"]

CLIENT: Final = "198.51.100.7"
"""From where clients come, unless told otherwise: no address of loopback, which is exempt from limits."""


class Ports:
    """Takes the place of `net.listeners.bind` and `listen`."""

    def __init__(self) -> None:
        self._bound: dict[int, tuple[str, int]] = {}
        self._arriving: dict[tuple[str, int], trio.MemorySendChannel[trio.SocketStream]] = {}

    def bind(self, ip: IPAddress, port: int) -> socket.socket:
        """A socket that stands for the port, and is bound to nothing. Raises BindError: another has the port."""
        if (str(ip), port) in self._bound.values():
            raise BindError(f"{ip} {port} is taken")
        sock = socket.socket(socket.AF_UNIX)
        self._bound[sock.fileno()] = (str(ip), port)
        return sock

    def listen(self, sock: socket.socket) -> "Listener":
        """The listener of a socket of `bind`."""
        send, receive = trio.open_memory_channel[trio.SocketStream](1024)
        self._arriving[self._bound[sock.fileno()]] = send
        return Listener(sock, receive)

    def connect(self, port: int, *, ip: str = "127.0.0.1", remote: str = CLIENT, window: int = 0) -> trio.SocketStream:
        """The client's end of a new connection. `window`: octets that the kernel holds of what the server sends, as
        well as the system can; 0: as usual.

        Raises OSError: nothing listens there.
        """
        try:
            arriving = self._arriving[ip, port]
            ours, theirs = socket.socketpair()
            if window:
                theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, window)
            arriving.send_nowait(_stream(theirs, remote=(remote, 1024 + theirs.fileno()), local=(ip, port)))
        except (KeyError, trio.BrokenResourceError):
            raise ConnectionRefusedError(f"nothing listens at {ip} {port}") from None
        return _stream(ours, remote=(ip, port), local=(remote, 1024 + theirs.fileno()))


class Listener(trio.abc.Listener[trio.SocketStream]):
    """Connections in the order in which they came."""

    def __init__(self, sock: socket.socket, arriving: trio.MemoryReceiveChannel[trio.SocketStream]) -> None:
        self._sock = sock
        self._arriving = arriving

    async def accept(self) -> trio.SocketStream:
        """The next connection."""
        return await self._arriving.receive()

    async def aclose(self) -> None:
        """Take no more connections; those that wait are closed."""
        with suppress(trio.WouldBlock):
            while True:
                await trio.aclose_forcefully(self._arriving.receive_nowait())
        await self._arriving.aclose()
        self._sock.close()


def _stream(sock: socket.socket, *, remote: tuple[str, int], local: tuple[str, int]) -> trio.SocketStream:
    """A stream over one end of a pair, which gives these addresses, and has the options of TCP."""
    sock.setblocking(False)
    end = trio.socket.from_stdlib_socket(sock)
    ends = {"getpeername": remote, "getsockname": local}
    for name, address in ends.items():
        setattr(end, name, MethodType(lambda _, address=address: address, end))
    set_option = end.setsockopt

    def setsockopt(level: int, *option: object) -> None:
        if level != socket.IPPROTO_TCP:
            set_option(level, *option)  # type: ignore[call-overload]  # as the caller gave them

    end.setsockopt = setsockopt  # type: ignore[method-assign, assignment]
    return trio.SocketStream(end)
