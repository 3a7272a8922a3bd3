"""JMAP with 100,000 messages: `python -m bench.jmap [--messages N]`. Figures beside the bars of docs/performance.md.

Beside the time that the client waits, which grows where others use the machine, is the processor time of the server.
A `localserve` of its own, plain HTTP, one connection that is kept; the mailbox is at rest, with its text index built.
"""

import argparse
import base64
import http.client
import json
import selectors
import socket
import statistics
import time
from collections.abc import Callable
from typing import Any, Final

from bench.measures import filled, rank, told

__all__ = ["measure"]

ROUNDS: Final = 21
"""How often what is quick is measured; the median counts."""

SUBSCRIBERS: Final = 150
CHANGES: Final = 40
"""Changes that all subscribers are told of."""

FLAGGED: Final = "keywords/$flagged"
USING: Final = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"]

BARS: Final[dict[str, float]] = {
    "first 50 conversations, ms": 10,
    "unchanged changes, ms": 1,
    "1,000 keywords, ms": 100,
    "change until told, 150 subscribers, p99, ms": 50,
}


class Client:
    """One connection."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self.port = port
        self.login = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        self._connection.request("GET", "/jmap/session", headers={"Authorization": self.login})
        self.account = json.loads(self._connection.getresponse().read())["primaryAccounts"][USING[1]]

    def sent(self, *calls: list[Any]) -> Callable[[], list[Any]]:
        """Send a request; returns what reads its responses, and raises RuntimeError for an error."""
        body = json.dumps({"using": USING, "methodCalls": calls})
        headers = {"Authorization": self.login, "Content-Type": "application/json"}
        self._connection.request("POST", "/jmap/api", body, headers)

        def read() -> list[Any]:
            answer = self._connection.getresponse()
            octets = answer.read()
            responses: list[Any] = json.loads(octets)["methodResponses"] if answer.status == 200 else []
            if not responses or any(response[0] == "error" for response in responses):
                raise RuntimeError(f"{answer.status} {octets[:300]!r}")
            return responses

        return read

    def request(self, *calls: list[Any]) -> list[Any]:
        """The responses; raises RuntimeError for an error."""
        return self.sent(*calls)()

    def call(self, name: str, **arguments: Any) -> Any:
        """The arguments of the response to one call."""
        return self.request([name, {"accountId": self.account, **arguments}, "0"])[0][1]

    def conversations(self) -> float:
        """Seconds of the first page of a mail program, in one request."""
        of = {"accountId": self.account}
        page = {"sort": [{"property": "receivedAt", "isAscending": False}], "collapseThreads": True, "limit": 50}
        shown = ["threadId", "mailboxIds", "keywords", "from", "subject", "receivedAt", "preview", "hasAttachment"]
        inbox = self.call("Mailbox/query", filter={"role": "inbox"})["ids"][0]
        began = time.perf_counter()
        found = self.request(
            ["Email/query", {**of, **page, "filter": {"inMailbox": inbox}}, "0"],
            ["Email/get", {**of, "#ids": _result("0", "Email/query", "/ids"), "properties": shown}, "1"],
            ["Thread/get", {**of, "#ids": _result("1", "Email/get", "/list/*/threadId")}, "2"],
            [
                "Email/get",
                {**of, "#ids": _result("2", "Thread/get", "/list/*/emailIds"), "properties": ["keywords", "from"]},
                "3",
            ],
        )
        assert len(found[1][1]["list"]) == 50
        return time.perf_counter() - began


def _result(call_id: str, name: str, path: str) -> dict[str, str]:
    return {"resultOf": call_id, "name": name, "path": path}


def _median(work: Callable[[int], object]) -> float:
    took = []
    for number in range(ROUNDS):
        began = time.perf_counter()
        work(number)
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


def subscribed(client: Client) -> socket.socket:
    """An event stream whose answer has begun."""
    sock = socket.create_connection(("127.0.0.1", client.port))
    head = f"GET /jmap/events?types=Email HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {client.login}\r\n\r\n"
    sock.sendall(head.encode())
    octets = b""
    while b"\r\n\r\n" not in octets:
        octets += sock.recv(4096)
    return sock


def push(client: Client, spent: "Spent", email: str) -> dict[str, float]:
    """ms from a change until a subscriber is told, at the 99th percentile of all subscribers and changes."""
    subscribers = dict.fromkeys((subscribed(client) for _ in range(SUBSCRIBERS)), b"StateChange")
    selector = selectors.DefaultSelector()
    for sock in subscribers:
        selector.register(sock, selectors.EVENT_READ)
    time.sleep(2)
    waits: list[float] = []

    def changes() -> float:
        for number in range(CHANGES):
            while ready := selector.select(0.2):
                for key, _ in ready:
                    key.fileobj.recv(8192)  # type: ignore[union-attr]
            value = True if number % 2 == 0 else None
            began = time.perf_counter()
            read = client.sent(["Email/set", {"accountId": client.account, "update": {email: {FLAGGED: value}}}, "0"])
            waits.extend(told(selector, subscribers, began).values())
            read()
        return rank(waits, 99)

    name = "change until told, 150 subscribers, p99, ms"
    figures = {name: spent.of(name, changes, CHANGES)}
    for sock in subscribers:
        sock.close()
    return figures


class Spent:
    """Processor time of a server for each figure, ms for one round."""

    def __init__(self, pids: Callable[[], list[int]]) -> None:
        self._pids = pids
        self.figures: dict[str, float] = {}

    def _milliseconds(self) -> float:
        clocks = ((~pid << 3) | 2 for pid in self._pids())  # clock_getcpuclockid(3): threads that have ended count, too
        return sum(map(time.clock_gettime_ns, clocks)) / 1e6

    def of(self, name: str, work: Callable[[], float], rounds: int = ROUNDS) -> float:
        """Do the work, which has so many rounds, and note the processor time of one; returns its result."""
        before = self._milliseconds()
        found = work()
        self.figures[name] = (self._milliseconds() - before) / rounds
        return found


def measure(client: Client, spent: Spent) -> dict[str, float]:
    """All figures."""
    state = client.call("Email/get", ids=[])["state"]
    ids = client.call("Email/query", limit=1000)["ids"]
    middle = client.call("Email/query", limit=1, calculateTotal=True)["total"] // 2
    inbox = client.call("Mailbox/query", filter={"role": "inbox"})["ids"][0]
    view = {"filter": {"inMailbox": inbox}, "limit": 50}
    anchor = client.call("Email/query", **{**view, "limit": 1}, position=middle)["ids"][0]
    conversation = client.call("Email/query", **{**view, "limit": 1}, collapseThreads=True, position=middle // 2)["ids"]

    def mark(number: int) -> None:
        value = True if number % 2 == 0 else None
        client.call("Email/set", update={one: {"keywords/bench": value} for one in ids})

    works: dict[str, Callable[[], float]] = {
        "first 50 conversations, ms": lambda: statistics.median(client.conversations() for _ in range(ROUNDS)) * 1000,
        "unchanged changes, ms": lambda: _median(lambda _: client.call("Email/changes", sinceState=state)),
        "1,000 keywords, ms": lambda: _median(mark),
        "page in the middle, ms": lambda: _median(lambda _: client.call("Email/query", position=middle, limit=50)),
        "anchor page in the middle of the Inbox, ms": lambda: _median(
            lambda _: client.call("Email/query", **view, anchor=anchor)
        ),
        "anchor page of its conversations, ms": lambda: _median(
            lambda _: client.call("Email/query", **view, anchor=conversation[0], collapseThreads=True)
        ),
    }
    figures = {name: spent.of(name, work) for name, work in works.items()}
    return figures | push(client, spent, ids[0])


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.jmap", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    options = parser.parse_args()
    with filled(options.messages) as server:
        spent = Spent(server.pids)
        figures = measure(Client(server.http_port, server.user, server.password), spent)
    print("| Figure | bar | moxlite | its processor time |\n|---|---|---|---|")
    for name, value in figures.items():
        used = f"{spent.figures[name]:,.1f}" if name in spent.figures else ""
        print(f"| {name} | {BARS.get(name, ''):} | {value:,.1f} | {used} |")


if __name__ == "__main__":
    main()
