"""A browser as far as HTTP goes: cookies, tokens, calls and event streams, one connection for each request."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import quote

import h11
import trio

from moxlite.web.composing.uploads import Written

__all__ = [
    "ADDRESS",
    "PASSWORD",
    "Answer",
    "Browser",
    "Connecting",
    "Events",
    "first_request",
    "http_exchange",
    "typed_fields",
]

ADDRESS = "mia@example.org"
PASSWORD = "correct horse battery"
"""Of the account of most tests."""


class Answer:
    """A response that has been read to its end."""

    def __init__(self, head: h11.Response, body: bytes) -> None:
        self.status = head.status_code
        self.headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
        self.cookies = [value.decode("latin-1") for name, value in head.headers if name == b"set-cookie"]
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def typed_fields(begun: dict[str, Any]) -> dict[str, Any]:
    """What a message that `compose_prepare` has begun gives to a draft, but for its files."""
    return {name: begun[name] for name in Written.__struct_encode_fields__ if name in begun and name != "uploads"}


async def http_exchange(stream: trio.abc.Stream, octets: bytes) -> bytes:
    """Send octets, and read until the server closes."""
    await stream.send_all(octets)
    received = b""
    while data := await stream.receive_some():
        received += data
    return received


class Connecting(Protocol):
    """A server that a browser reaches."""

    @property
    def connect(self) -> Callable[..., trio.abc.Stream]:
        """A connection of a client to the server; what it may be told is the server's own."""
        ...


class Browser:
    """Keeps cookies and the CSRF token; one connection for each request."""

    def __init__(self, rig: Connecting, connection: dict[str, Any], app: str) -> None:
        self.rig = rig
        self.app = app
        self.connection = connection
        self.host = "mail.example.org"
        self.cookies: dict[str, str] = {}
        self.csrf = ""

    def request(
        self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> tuple[h11.Connection, bytes]:
        fields = {"host": self.host, **(headers or {})}
        if self.cookies and "cookie" not in fields:
            fields["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body or method == "POST":
            fields["content-length"] = str(len(body))
        codec = h11.Connection(h11.CLIENT)
        octets = codec.send(h11.Request(method=method, target=target, headers=list(fields.items()))) or b""
        if body:
            octets += codec.send(h11.Data(data=body)) or b""
        octets += codec.send(h11.EndOfMessage()) or b""
        return codec, octets

    async def fetch(
        self, target: str, *, method: str = "GET", headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        codec, octets = self.request(method, target, headers, body)
        stream = self.rig.connect(**self.connection)
        async with stream:
            with suppress(trio.BrokenResourceError):  # refused before all was sent: the answer tells
                await stream.send_all(octets)
            head: h11.Response | None = None
            content = b""
            while True:
                event = codec.next_event()
                if event is h11.NEED_DATA:
                    codec.receive_data(bytes(await stream.receive_some()))
                elif isinstance(event, h11.Response):
                    head = event
                elif isinstance(event, h11.Data):
                    content += event.data
                elif isinstance(event, h11.EndOfMessage):
                    break
                elif not isinstance(event, h11.InformationalResponse):
                    raise AssertionError(event)
        assert head is not None
        answer = Answer(head, content)
        for cookie in answer.cookies:
            pair, *attributes = cookie.split("; ")
            name, _, value = pair.partition("=")
            if "Max-Age=0" in attributes:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer

    async def post(self, name: str, parameters: Any, headers: dict[str, str] | None = None) -> Answer:
        """A call; the whole answer."""
        fields = {"content-type": "application/json", **(headers or {})}
        if self.csrf and "x-moxlite-csrf" not in fields:
            fields["x-moxlite-csrf"] = self.csrf
        body = parameters if isinstance(parameters, bytes) else json.dumps(parameters).encode()
        return await self.fetch(f"{self.app}api/{name}", method="POST", headers=fields, body=body)

    async def call(self, name: str, /, **parameters: Any) -> Any:
        """A call that succeeds; its result."""
        answer = await self.post(name, parameters)
        assert answer.status == 200, answer.body
        return answer.json["result"]

    async def error(self, name: str, /, **parameters: Any) -> tuple[int, str]:
        """A call that is refused; status and code."""
        answer = await self.post(name, parameters)
        return answer.status, answer.json["error"]["code"]

    async def log_in(self, username: str = ADDRESS, password: str = PASSWORD) -> None:
        token = await self.call("login_prep")
        result = await self.call("login", login_token=token, username=username, password=password)
        self.csrf = result["csrf_token"]

    async def events(
        self,
        request: dict[str, Any] | None = None,
        *,
        since: int | str = 0,
        gzip: bool = False,
        language: str = "",
        asked: dict[str, Any] | None = None,
        polled: bool = False,
    ) -> "Events":
        """An event stream, or one that is polled, with a request that is answered at once."""
        token = await self.call("token")
        wanted = first_request() if request is None else request
        target = f"{self.app}{'poll' if polled else 'events'}?token={token}&request={quote(json.dumps(wanted))}"
        if asked is not None:
            target += f"&asked={quote(json.dumps(asked))}"
        if since:
            target += f"&since={since}"
        headers = {"accept-encoding": "gzip"} if gzip else {}
        headers |= {"accept-language": language} if language else {}
        codec, octets = self.request("GET", target, headers)
        stream = self.rig.connect(**self.connection)
        await stream.send_all(octets)
        return Events(codec, stream)


def first_request(mailbox: str = "Inbox", *, view_id: int = 1, count: int = 50, **page: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "view_id": view_id,
        "query": {"filter": {"mailbox_id": 0, "mailbox_name": mailbox}},
        "page": {"count": count, **page},
    }


class Events:
    """Reads an event stream."""

    def __init__(self, codec: h11.Connection, stream: trio.abc.Stream) -> None:
        self.codec = codec
        self.stream = stream
        self.text = b""
        self.status = 0

    async def _more(self) -> bool:
        while True:
            event = self.codec.next_event()
            if event is h11.NEED_DATA:
                self.codec.receive_data(bytes(await self.stream.receive_some()))
            elif isinstance(event, h11.Response):
                self.status = event.status_code
            elif isinstance(event, h11.Data):
                self.text += event.data
                return True
            elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
                return False

    async def block(self) -> str:
        """The next event or comment as it stands; "" at the end."""
        with trio.fail_after(60):
            while b"\n\n" not in self.text:
                if not await self._more():
                    return ""
        block, self.text = self.text.split(b"\n\n", 1)
        return block.decode()

    async def next(self) -> Any:
        """The data of the next event, with the id as ``id``; None at the end. Comments are passed over."""
        while (block := await self.block()).startswith(":"):
            pass
        if not block:
            return None
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        data = json.loads(fields["data"])
        assert data["kind"] == fields["event"]
        return {**data, "id": int(fields["id"]) if "id" in fields else None}

    async def until(self, kind: str) -> Any:
        """The next event of a kind."""
        while (event := await self.next()) is not None:
            if event["kind"] == kind:
                return event
        raise AssertionError(f"the stream ended before {kind}")

    async def change(self, kind: str) -> Any:
        """The next change of a kind."""
        while True:
            event = await self.until("view_changes")
            for change in event["changes"]:
                if change["kind"] == kind:
                    return change

    async def aclose(self) -> None:
        await self.stream.aclose()
