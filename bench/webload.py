"""A bare client of the web apps for measuring: calls, and streams of which only the raw octets are looked at."""

import base64
import http.client
import json
import os
import socket
from typing import Any
from urllib.parse import quote

__all__ = ["Webmail"]

FIRST = {
    "id": 1,
    "view_id": 1,
    "query": {"filter": {"mailbox_id": 0, "mailbox_name": "Inbox"}},
    "page": {"count": 50},
}
"""The request with which a stream begins: the Inbox."""

LAST_OF_VIEW = b'"items":[]'
"""What the event has that ends the answer to it."""


class Webmail:
    """A browser that has logged in."""

    def __init__(self, port: int, user: str, password: str, app: str = "/webmail/") -> None:
        """Log in to the app at a path."""
        self.port = port
        self.app = app
        self.cookies: dict[str, str] = {}
        self.csrf = ""
        token = self.call("login_prep")
        self.csrf = self.call("login", login_token=token, username=user, password=password)["csrf_token"]

    @property
    def _cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def call(self, name: str, /, **parameters: object) -> Any:
        """The result of a call of the API."""
        connection = http.client.HTTPConnection("localhost", self.port, timeout=60)
        headers = {"content-type": "application/json", "cookie": self._cookie}
        if self.csrf:
            headers["x-moxlite-csrf"] = self.csrf
        connection.request("POST", f"{self.app}api/{name}", json.dumps(parameters), headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{name}: {answer.status} {body!r}")
        for cookie in answer.headers.get_all("set-cookie", []):
            key, _, value = cookie.split(";")[0].partition("=")
            self.cookies[key] = value
        connection.close()
        return json.loads(body)["result"]

    def events(self) -> socket.socket:
        """A stream by SSE (WEBMAIL-30), whose first view has come."""
        request = quote(json.dumps(FIRST))
        sock = self._get(f"/webmail/events?token={self.call('token')}&request={request}", {})
        _skip_view(sock)
        return sock

    def websocket(self) -> socket.socket:
        """The same by websocket (RFC 6455)."""
        sock = self._get(
            f"/webmail/ws?token={self.call('token')}",
            {
                "Upgrade": "websocket",
                "Connection": "Upgrade",
                "Origin": f"http://localhost:{self.port}",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Protocol": "moxlite.webmail.v1",
                "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            },
        )
        answer = sock.recv(4096)
        if not answer.startswith(b"HTTP/1.1 101 "):
            raise ConnectionError(f"no websocket: {answer[:300]!r}")
        text = json.dumps({"request": FIRST}).encode()
        mask = os.urandom(4)
        sock.sendall(
            bytes((0x81, 0x80 | len(text)))  # a last fragment of text, masked; so short that this is its length
            + mask
            + bytes(octet ^ mask[n % 4] for n, octet in enumerate(text))
        )
        _skip_view(sock)
        return sock

    def _get(self, target: str, headers: dict[str, str]) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        fields = {"Host": f"localhost:{self.port}", "Cookie": self._cookie, **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        sock.sendall(f"GET {target} HTTP/1.1\r\n{head}\r\n".encode())
        return sock


def _skip_view(sock: socket.socket) -> None:
    data = b""
    while LAST_OF_VIEW not in data:
        if not (more := sock.recv(65536)):
            raise ConnectionError(f"the stream ended: {data[:300]!r}")
        data += more
