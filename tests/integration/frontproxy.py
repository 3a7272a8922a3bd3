"""A reverse proxy between a browser and a server, as many owners have one, which may refuse websockets."""

import socket
import threading
from contextlib import suppress
from types import TracebackType

__all__ = ["FrontProxy"]

BAD_GATEWAY = b"<html><h1>502 Bad Gateway</h1></html>"


class FrontProxy:
    """Passes octets on, connection by connection; 502 where the server is not there.

    `websockets`: whether it lets them through, or answers them with 502.
    """

    def __init__(self, target: int, *, websockets: bool = True) -> None:
        self.target = target
        self.websockets = websockets
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> "FrontProxy":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # ends `accept`
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            head = client.recv(65_536)
            if not head:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target), timeout=10)
            except OSError:
                refuse(client)
                return
            server.settimeout(None)
            with server:
                if b"upgrade: websocket" in head.lower() and not self.websockets:
                    refuse(client)
                    return
                server.sendall(head)
                back = threading.Thread(target=copy, args=(server, client), daemon=True)
                back.start()
                copy(client, server)
                back.join()


def refuse(client: socket.socket) -> None:
    """Answer 502, and end the connection."""
    head = f"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: {len(BAD_GATEWAY)}\r\n"
    client.sendall(head.encode() + b"connection: close\r\n\r\n" + BAD_GATEWAY)


def copy(source: socket.socket, target: socket.socket) -> None:
    """Pass octets on until one side ends; then neither goes on."""
    with suppress(OSError):
        while octets := source.recv(65_536):
            target.sendall(octets)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
