"""A browser as far as its calls go, without a loop of its own: it outlives the server, and repeats a call until it is
answered.
"""

import http.client
import json
import time
from typing import Any
from urllib.parse import quote

from tests.campaigns.report import Finding
from tests.running import LocalServer

__all__ = ["Caller", "save_settings", "send_at_once"]


def send_at_once(server: LocalServer) -> None:
    """Have the pages of the webmail offer no Undo after Send: what is sent arrives at once (WEBMAIL-123)."""
    save_settings(server, undo_send_seconds=0)


def save_settings(server: LocalServer, **settings: object) -> None:
    """Change settings of the user's webmail, as another of its pages would."""
    caller = Caller(server.port(80), server.user, server.password)
    caller.log_in()
    caller.call("settings_save", settings=settings)


class Caller:
    """Cookies, token and calls of the webmail, or of the app at another path."""

    def __init__(self, port: int, user: str, password: str, app: str = "/webmail/") -> None:
        self.port = port
        self.app = app
        self.user = user
        self.password = password
        self.cookies: dict[str, str] = {}
        self.csrf = ""

    @property
    def _cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def ask(self, target: str, body: bytes, kind: str = "application/json") -> Any:
        """One request, repeated until the server answers."""
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                headers = {"content-type": kind, "x-moxlite-csrf": self.csrf}
                headers["cookie"] = self._cookie
                connection.request("POST", f"{self.app}{target}", body, headers)
                response = connection.getresponse()
                answer = json.loads(response.read())
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.05)
                continue
            finally:
                connection.close()
            for field in response.headers.get_all("set-cookie") or []:
                name, _, value = field.partition(";")[0].partition("=")
                self.cookies[name] = value
            if response.status == 503:  # it is stopping, or just starting
                time.sleep(0.05)
                continue
            if response.status != 200:
                raise Finding(f"{target} was answered {response.status}: {answer}")
            return answer["result"]

    def call(self, name: str, /, **parameters: Any) -> Any:
        """A call of the webmail."""
        return self.ask(f"api/{name}", json.dumps(parameters).encode())

    def log_in(self) -> None:
        token = self.call("login_prep")
        found = self.call("login", login_token=token, username=self.user, password=self.password)
        self.csrf = found["csrf_token"]

    def view(self, query: Any) -> list[list[Any]]:
        """What a view of this query shows, asked for anew: its entries, each a message or the messages of a thread."""
        request = {"id": 1, "view_id": 1, "query": query, "page": {"count": 10_000}}
        target = f"/webmail/events?token={self.call('token')}&request={quote(json.dumps(request))}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", target, headers={"cookie": self._cookie})
            response = connection.getresponse()
            if response.status != 200:
                raise Finding(f"a stream was answered {response.status}: {response.read()!r}")
            found: list[list[Any]] = []
            while line := response.readline():
                if not line.startswith(b"data: "):
                    continue
                event = json.loads(line.removeprefix(b"data: "))
                if event["kind"] == "view_err":
                    raise Finding(f"a view was refused: {event['message']}")
                if event["kind"] == "view_msgs":
                    if not event["items"]:
                        return found
                    found += event["items"]
            raise ConnectionError("the stream has ended")
        finally:
            connection.close()
