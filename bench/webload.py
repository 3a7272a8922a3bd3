"""A bare client of the web apps for measuring: calls, and streams of which only the raw octets are looked at."""

import base64
import http.client
import json
import os
import socket
from typing import Any
from urllib.parse import quote

__all__ = ["Stream", "Webmail"]

FIRST: dict[str, Any] = {
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
    def cookie(self) -> str:
        """The value of the header field."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def call(self, name: str, /, **parameters: object) -> Any:
        """The result of a call of the API."""
        connection = http.client.HTTPConnection("localhost", self.port, timeout=600)
        headers = {"content-type": "application/json", "cookie": self.cookie}
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
        fields = {"Host": f"localhost:{self.port}", "Cookie": self.cookie, **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        sock.sendall(f"GET {target} HTTP/1.1\r\n{head}\r\n".encode())
        return sock


class Stream:
    """A stream whose events are read, on which one view after the other is asked for.

    Attributes:
      start: its first event.
    """

    def __init__(self, webmail: Webmail) -> None:
        self._webmail = webmail
        self._view_id = FIRST["view_id"]
        self._connection = http.client.HTTPConnection("localhost", webmail.port, timeout=600)
        target = f"/webmail/events?token={webmail.call('token')}&request={quote(json.dumps(FIRST))}"
        self._connection.request("GET", target, headers={"cookie": webmail.cookie})
        self._response = self._connection.getresponse()
        self.start = json.loads(self._until(b"start"))
        self._read_view()

    def rows(self, query: dict[str, Any], **page: object) -> int:
        """Ask for a view; the number of its rows that came."""
        self._view_id += 1
        request = {"id": self._view_id, "stream_id": self.start["stream_id"], "view_id": self._view_id, "query": query}
        self._webmail.call("request", request={**request, "page": {"count": 50, **page}})
        return self._read_view()

    def close(self) -> None:
        """End it."""
        self._connection.close()

    def _read_view(self) -> int:
        rows = 0
        while True:
            event = json.loads(self._until(b"view_msgs"))
            if event["view_id"] != self._view_id:
                continue
            rows += len(event["items"])
            if not event["items"]:
                return rows

    def _until(self, kind: bytes) -> bytes:
        """The data of the next event of a kind."""
        name = b""
        while line := self._response.readline():
            field, _, value = line.rstrip(b"\n").partition(b": ")
            if field == b"event":
                name = value
            elif field == b"data" and name == kind:
                return value
        raise ConnectionError("the stream ended")


def _skip_view(sock: socket.socket) -> None:
    data = b""
    while LAST_OF_VIEW not in data:
        if not (more := sock.recv(65536)):
            raise ConnectionError(f"the stream ended: {data[:300]!r}")
        data += more
