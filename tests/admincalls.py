"""The owner's browser as far as calls of the admin app go, without a loop of its own: it outlives the server."""

import http.client
import json
from typing import Any

from moxlite.process.localserve import ADMIN_PASSWORD

__all__ = ["AdminCaller", "Refusal"]


class Refusal(Exception):
    """A call was refused: its HTTP status, and the error of the answer."""

    def __init__(self, status: int, error: dict[str, Any]) -> None:
        super().__init__(f"{status} {error}")
        self.status = status
        self.code = str(error.get("code", ""))
        self.message = str(error.get("message", ""))


class AdminCaller:
    """Cookies, token and calls. `call` raises OSError or HTTPException while the server is down."""

    def __init__(self, port: int, password: str = ADMIN_PASSWORD) -> None:
        self.password = password
        self._port = port
        self._cookies: dict[str, str] = {}
        self._csrf = ""

    def log_in(self, code: str = "") -> None:
        """Begin a session; one of before is forgotten. `code` is a recovery code, for a log-in in two steps."""
        self._cookies.clear()
        token = self.call("login_prep")
        result = self.call("login", login_token=token, username="", password=self.password)
        if code:
            result = self.call("login_factor", token=result["second_step"]["token"], kind="recovery", code=code)
        self._csrf = result["csrf_token"]

    def call(self, name: str, /, **parameters: Any) -> Any:
        """The result of a call. Raises Refusal."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            cookie = "; ".join(f"{key}={value}" for key, value in self._cookies.items())
            headers = {"content-type": "application/json", "x-moxlite-csrf": self._csrf, "cookie": cookie}
            connection.request("POST", f"/admin/api/{name}", json.dumps(parameters).encode(), headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        for field in response.headers.get_all("set-cookie") or []:
            key, _, value = field.partition(";")[0].partition("=")
            self._cookies[key] = value
        if response.status != 200:
            raise Refusal(response.status, answer["error"])
        return answer["result"]
