"""Subscribers that stop reading: they cost the others nothing, and end with the same view when they read again.

IMAP IDLE, SSE and websocket subscribers of one account, two of each kind: one reads all the time, the other stops. Then
one unit changes the flags of all messages, messages are added, flagged, moved and expunged, and another unit changes
thousands of flags. Whoever kept reading must be told of each step in time; then the others read again, and every view
must be what a fresh session sees (STORE-33..35, IMAP-61, WEBMAIL-45).
"""

import json
import random
import re
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import h11
import trio
import trio_websocket

from tests.campaigns.report import Finding, Report
from tests.running import LocalServer

__all__ = ["run"]

MESSAGES = 20_000
FEWEST = 2_000
IN_TIME = 15.0
"""Seconds within which a reading subscriber must know a step of thousands of changes, on a loaded machine."""

FETCHED = re.compile(rb"\* (\d+) FETCH \((?:UID (\d+) )?FLAGS \(([^)]*)\)(?: UID (\d+))?")
View = dict[int, frozenset[str]]
"""UID → flags, lower case, without `\\recent`."""


def flags_of(words: list[str]) -> frozenset[str]:
    """Flags as both protocols are compared."""
    return frozenset(word.lower().lstrip("\\") for word in words) - {"recent"}


class IMAP:
    """A session whose view is built from responses alone."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.buffer = b""
        self.messages: list[tuple[int, frozenset[str]]] = []
        self.number = 0

    @classmethod
    async def open(cls, server: LocalServer) -> "IMAP":
        """Log in and select the Inbox."""
        self = cls(await trio.open_tcp_stream("127.0.0.1", server.port(143)))
        await self.line()
        await self.command(f'LOGIN "{server.user}" "{server.password}"'.encode())
        await self.command(b"SELECT INBOX")
        await self.command(b"UID FETCH 1:* (FLAGS)")
        return self

    async def line(self) -> bytes:
        """The next line; untagged data is applied to the view."""
        while b"\r\n" not in self.buffer:
            data = await self.stream.receive_some(65536)
            if not data:
                raise Finding("the server closed an IMAP session")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        self.apply(line)
        return line

    def apply(self, line: bytes) -> None:
        """Follow EXISTS, EXPUNGE and FETCH."""
        if match := FETCHED.match(line):
            number, uid = int(match[1]), int(match[2] or match[4])
            if number > len(self.messages):
                raise Finding(f"told of message {number} of {len(self.messages)}: {line!r}")
            self.messages[number - 1] = (uid, flags_of(match[3].decode().split()))
        elif match := re.match(rb"\* (\d+) EXISTS", line):
            self.messages += [(0, frozenset())] * (int(match[1]) - len(self.messages))
        elif match := re.match(rb"\* (\d+) EXPUNGE", line):
            del self.messages[int(match[1]) - 1]

    async def command(self, text: bytes) -> bytes:
        """Run a command; its tagged line, which must be OK."""
        self.number += 1
        tag = b"t%d" % self.number
        await self.stream.send_all(tag + b" " + text + b"\r\n")
        while not (line := await self.line()).startswith(tag + b" "):
            pass
        if not line.startswith(tag + b" OK"):
            raise Finding(f"{text[:60]!r} was answered with {line!r}")
        return line

    async def append(self, count: int, first: int) -> None:
        """Append small messages, pipelined."""
        for start in range(first, first + count, 200):
            stop = min(start + 200, first + count)
            octets = b""
            for n in range(start, stop):
                body = b"Subject: %d\r\nMessage-ID: <%d@laggards.example>\r\n\r\n%d\r\n" % (n, n, n)
                octets += b"a%d APPEND INBOX {%d+}\r\n%b\r\n" % (n, len(body), body)
            await self.stream.send_all(octets)
            while not (await self.line()).startswith(b"a%d OK" % (stop - 1)):
                pass

    async def idle(self) -> None:
        """Begin IDLE."""
        await self.stream.send_all(b"idle IDLE\r\n")
        while not (await self.line()).startswith(b"+"):
            pass

    async def read(self) -> None:
        """Take the next piece of news."""
        await self.line()

    @property
    def view(self) -> View:
        """What the client believes."""
        return dict(self.messages)


class Web:
    """A stream of the webmail, by SSE or by websocket; its view begins with the newest messages."""

    def __init__(self) -> None:
        self.items: dict[int, tuple[int, frozenset[str]]] = {}
        self.mailbox_id = 0
        self.ended = False

    def apply(self, event: dict[str, Any]) -> None:
        """Follow the events of the first view."""
        if event["kind"] == "start":
            self.mailbox_id = next(m["id"] for m in event["mailboxes"] if m["name"] == "Inbox")
        elif event["kind"] == "view_msgs":
            self.ended = not event["items"] or event["view_end"] or self.ended
            for thread in event["items"]:
                for item in thread:
                    self.items[item["id"]] = (item["uid"], flags_of(item["flags"] + item["keywords"]))
        elif event["kind"] == "view_changes":
            for change in event["changes"]:
                self.change(change)
        elif event["kind"] in ("fatal", "view_err"):
            raise Finding(f"the webmail stream ended: {event}")

    def change(self, change: dict[str, Any]) -> None:
        """One change."""
        match change["kind"]:
            case "msg_add" if change["item"]["mailbox_id"] == self.mailbox_id:
                item = change["item"]
                self.items[item["id"]] = (item["uid"], flags_of(item["flags"] + item["keywords"]))
            case "msg_remove" if change["mailbox_id"] == self.mailbox_id:
                for message_id in change["message_ids"]:
                    self.items.pop(message_id, None)
            case "msg_flags" if change["message_id"] in self.items:
                uid, _ = self.items[change["message_id"]]
                self.items[change["message_id"]] = (uid, flags_of(change["flags"] + change["keywords"]))

    @property
    def view(self) -> View:
        """What the browser shows."""
        return dict(self.items.values())

    async def read(self) -> None:
        """Take the next piece of news."""
        raise NotImplementedError


class SSE(Web):
    """By server-sent events."""

    def __init__(self, stream: trio.SocketStream, codec: h11.Connection) -> None:
        super().__init__()
        self.stream, self.codec, self.text = stream, codec, b""

    async def read(self) -> None:
        while b"\n\n" not in self.text:
            event = self.codec.next_event()
            if event is h11.NEED_DATA:
                self.codec.receive_data(await self.stream.receive_some(65536))
            elif isinstance(event, h11.Data):
                self.text += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                raise Finding("the server ended an SSE stream")
        block, self.text = self.text.split(b"\n\n", 1)
        for line in block.split(b"\n"):
            if line.startswith(b"data: "):
                self.apply(json.loads(line[6:]))


class Websocket(Web):
    """By websocket."""

    def __init__(self, socket: trio_websocket.WebSocketConnection) -> None:
        super().__init__()
        self.socket = socket

    async def read(self) -> None:
        message = json.loads(await self.socket.get_message())
        self.apply({"kind": message["event"], **message["data"]})


class Browser:
    """Enough of HTTP to log in and to open streams."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.cookies: dict[str, str] = {}
        self.csrf = ""

    async def request(self, method: str, target: str, body: bytes = b"") -> tuple[trio.SocketStream, h11.Connection]:
        """Send a request on a connection of its own."""
        stream = await trio.open_tcp_stream("127.0.0.1", self.server.port(80))
        codec = h11.Connection(h11.CLIENT)
        headers = [("Host", "localhost"), ("Cookie", "; ".join(f"{k}={v}" for k, v in self.cookies.items()))]
        if body:
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        if self.csrf:
            headers.append(("x-moxlite-csrf", self.csrf))
        octets = codec.send(h11.Request(method=method, target=target, headers=headers)) or b""
        if body:
            octets += codec.send(h11.Data(data=body)) or b""
        octets += codec.send(h11.EndOfMessage()) or b""
        await stream.send_all(octets)
        return stream, codec

    async def call(self, name: str, **parameters: str) -> Any:
        """An API call; its result."""
        stream, codec = await self.request("POST", f"/webmail/api/{name}", json.dumps(parameters).encode())
        body = b""
        while not isinstance(event := codec.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                codec.receive_data(await stream.receive_some(65536))
            elif isinstance(event, h11.Response):
                for key, value in event.headers:
                    if key == b"set-cookie":
                        cookie, _, content = value.decode().split(";")[0].partition("=")
                        self.cookies[cookie] = content
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
        await stream.aclose()
        answer = json.loads(body)
        if "result" not in answer:
            raise Finding(f"{name}: {answer}")
        return answer["result"]

    async def log_in(self) -> None:
        """As the page does it."""
        token = await self.call("login_prep")
        result = await self.call("login", login_token=token, username=self.server.user, password=self.server.password)
        self.csrf = result["csrf_token"]

    async def sse(self) -> SSE:
        """An event stream, its first view taken."""
        token = await self.call("token")
        stream, codec = await self.request("GET", f"/webmail/events?token={token}&request={quote(json.dumps(FIRST))}")
        opened = SSE(stream, codec)
        while not opened.ended:
            await opened.read()
        return opened

    async def websocket(self, nursery: trio.Nursery) -> Websocket:
        """The same by websocket."""
        token = await self.call("token")
        port = self.server.port(80)
        cookie = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        socket = await trio_websocket.connect_websocket(
            nursery,
            "localhost",
            port,
            f"/webmail/ws?token={token}",
            use_ssl=False,
            subprotocols=["moxlite.webmail.v1"],
            extra_headers=[(b"Cookie", cookie.encode()), (b"Origin", f"http://localhost:{port}".encode())],
            message_queue_size=0,
            max_message_size=64 << 20,
        )
        await socket.send_message(json.dumps({"request": FIRST}))
        opened = Websocket(socket)
        while not opened.ended:
            await opened.read()
        return opened


FIRST = {
    "id": 1,
    "view_id": 1,
    "query": {"filter": {"mailbox_id": 0, "mailbox_name": "Inbox"}},
    "page": {"count": 10_000},
}


async def follow(subscriber: IMAP | Web) -> None:
    """Read for ever."""
    while True:
        await subscriber.read()


async def agrees(name: str, subscriber: IMAP | Web, truth: View, seconds: float) -> float:
    """Wait until a subscriber's view is the truth, as far as it reaches down; seconds it took."""
    began = time.monotonic()
    while True:
        view = subscriber.view
        lowest = min(view, default=0)
        if view == {uid: flags for uid, flags in truth.items() if uid >= lowest} and view:
            return time.monotonic() - began
        if time.monotonic() > began + seconds:
            wrong = [uid for uid in truth if uid >= lowest and view.get(uid) != truth[uid]]
            raise Finding(
                f"{name} does not reach the view of the others: {len(view)} messages, {len(wrong)} differ, such as "
                f"{[(uid, view.get(uid), truth[uid]) for uid in wrong[:3]]}; "
                f"too many: {sorted(set(view) - set(truth))[:5]}"
            )
        await trio.sleep(0.02)


async def campaign(server: LocalServer, messages: int, rng: random.Random, report: Report) -> None:
    """The whole play."""
    actor = await IMAP.open(server)
    await actor.append(messages, 1)
    browser = Browser(server)
    await browser.log_in()
    async with trio.open_nursery() as nursery:
        reading: dict[str, IMAP | Web] = {}
        lagging: dict[str, IMAP | Web] = {}
        for group in (reading, lagging):
            session = await IMAP.open(server)
            await session.idle()
            group["IMAP"] = session
            group["SSE"] = await browser.sse()
            group["websocket"] = await browser.websocket(nursery)
        for subscriber in reading.values():
            nursery.start_soon(follow, subscriber)
        slowest = 0.0

        async def step(*commands: bytes) -> None:
            nonlocal slowest
            for command in commands:
                await actor.command(command)
            await actor.command(b"NOOP")
            for name, subscriber in reading.items():
                slowest = max(slowest, await agrees(f"the reading {name} subscriber", subscriber, actor.view, IN_TIME))

        def some(count: int) -> bytes:
            return b",".join(b"%d" % uid for uid in sorted(rng.sample(sorted(actor.view), count)))

        await step(b"UID STORE 1:%d +FLAGS (\\Flagged)" % messages)
        await actor.append(50, messages + 1)
        await step(b"UID STORE " + some(40) + b" +FLAGS (\\Seen keyword)")
        await step(b"UID MOVE " + some(30) + b" Archive")
        gone = some(30)
        await step(b"UID STORE " + gone + b" +FLAGS (\\Deleted)", b"UID EXPUNGE " + gone)
        await step(b"UID STORE %d:%d -FLAGS (\\Flagged)" % (messages // 4, messages))
        await actor.append(5, messages + 51)
        await step(b"UID STORE " + some(10) + b" -FLAGS (\\Flagged)")
        fresh = await IMAP.open(server)
        if fresh.view != actor.view:
            raise Finding("the session that made the changes does not see what a fresh one sees")
        for subscriber in lagging.values():
            nursery.start_soon(follow, subscriber)
        late = {
            name: await agrees(f"the {name} subscriber that had stopped reading", subscriber, fresh.view, 60)
            for name, subscriber in lagging.items()
        }
        nursery.cancel_scope.cancel()
    report.tell(f"{messages} messages, one unit changed the flags of all of them; then adds, flags, moves, expunges")
    report.tell(f"subscribers that kept reading had the view of the actor within {slowest:.2f} s of each step")
    said = ", ".join(f"{name} after {seconds:.2f} s" for name, seconds in late.items())
    report.tell(f"those that had stopped had it too, once they read again: {said}")


def run(seed: int, share: float, report: Report) -> None:
    """MESSAGES × share messages."""
    messages = max(FEWEST, round(MESSAGES * share))
    with tempfile.TemporaryDirectory(prefix="moxlite-laggards-") as folder:
        with LocalServer(Path(folder) / "server") as server:
            try:
                trio.run(campaign, server, messages, random.Random(seed), report)
            except* Finding as group:
                raise group.exceptions[0] from None
        if server.process.returncode != 0:
            raise Finding(f"the server ended with {server.process.returncode}: {server.log()[-2000:]}")
