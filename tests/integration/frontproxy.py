"""A reverse proxy between a browser and a server, as many owners have one, which may refuse websockets or answer with
its own pages.
"""

import re
import socket
import threading
from contextlib import suppress
from types import TracebackType

__all__ = ["FrontProxy"]

BAD_GATEWAY = b"<html><h1>502 Bad Gateway</h1></html>"
STRANGE = b"<html><title>Free Wi-Fi</title><h1>Log in to the network</h1></html>"
"""What a network in which nobody has logged in answers to all requests. Browsers may keep it."""


class FrontProxy:
    """Passes octets on, connection by connection; 502 where the server is not there.

    `websockets`: whether it lets them through, or answers them with 502. `strange`: the paths that it answers with
    a page of its own, as the network of a hotel does.
    """

    def __init__(self, target: int, *, websockets: bool = True) -> None:
        self.target = target
        self.websockets = websockets
        self.strange: re.Pattern[bytes] | None = None
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
                back = threading.Thread(target=copy, args=(server, client), daemon=True)
                back.start()
                while head:
                    # browsers wait for an answer before they use the connection again
                    if self.strange is not None and self.strange.match(head):
                        answer(client, "200 OK\r\ncache-control: max-age=31536000", STRANGE)
                    else:
                        server.sendall(head)
                    head = client.recv(65_536)
                server.shutdown(socket.SHUT_RDWR)
                back.join()


def refuse(client: socket.socket) -> None:
    """Answer 502, and end the connection."""
    answer(client, "502 Bad Gateway\r\nconnection: close", BAD_GATEWAY)


def answer(client: socket.socket, head: str, body: bytes) -> None:
    """Answer with a page. `head`: its status, and header fields."""
    fields = f"HTTP/1.1 {head}\r\ncontent-type: text/html\r\ncontent-length: {len(body)}\r\n\r\n"
    client.sendall(fields.encode() + body)


def copy(source: socket.socket, target: socket.socket) -> None:
    """Pass octets on until one side ends; then neither goes on."""
    with suppress(OSError):
        while octets := source.recv(65_536):
            target.sendall(octets)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
