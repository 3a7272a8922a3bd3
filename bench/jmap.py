"""JMAP with 100,000 messages: `python -m bench.jmap [--messages N]`. Figures beside the bars of docs/performance.md.

Beside the time that the client waits, which grows where others use the machine, is the processor time of the server.
A `localserve` of its own, plain HTTP, one connection that is kept; event streams in other threads.
"""

import argparse
import base64
import http.client
import json
import statistics
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from bench.measures import filled
from tests.tools import until

__all__ = ["measure"]

ROUNDS: Final = 21
"""How often what is quick is measured; the median counts."""

SUBSCRIBERS: Final = 150
CHANGES: Final = 40
"""Changes that all subscribers are told of."""

USING: Final = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"]

#: Bars of issue 45.
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
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._connection.request("GET", "/jmap/session", headers={"Authorization": self.login})
        self.account = json.loads(self._connection.getresponse().read())["primaryAccounts"][USING[1]]

    def request(self, *calls: list[Any]) -> list[Any]:
        """The responses; raises RuntimeError for an error."""
        body = json.dumps({"using": USING, "methodCalls": calls})
        headers = {"Authorization": self.login, "Content-Type": "application/json"}
        self._connection.request("POST", "/jmap/api", body, headers)
        answer = self._connection.getresponse()
        octets = answer.read()
        found: list[Any] = json.loads(octets)["methodResponses"] if answer.status == 200 else []
        if not found or any(one[0] == "error" for one in found):
            raise RuntimeError(f"{answer.status} {octets[:300]!r}")
        return found

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


class Subscriber:
    """An event stream, and when it was told of what."""

    def __init__(self, client: Client) -> None:
        self.told: dict[str, float] = {}
        self.ready = threading.Event()
        self._client = client
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._client.port, timeout=120)
        connection.request("GET", "/jmap/events?types=Email", headers={"Authorization": self._client.login})
        answer = connection.getresponse()
        self.ready.set()
        while line := answer.readline():
            if line.startswith(b"data:") and b"StateChange" in line:
                now = time.perf_counter()
                self.told[json.loads(line[5:])["changed"][self._client.account]["Email"]] = now

    def since(self, state: str) -> float:
        """When it was told of this state or a later one, 0 if it was not yet."""
        return min((at for known, at in [*self.told.items()] if int(known) >= int(state)), default=0.0)


def told(client: Client, email: str) -> float:
    """ms from a change until a subscriber is told, at the 99th percentile of all subscribers and changes."""
    subscribers = [Subscriber(client) for _ in range(SUBSCRIBERS)]
    for one in subscribers:
        one.ready.wait(60)
    time.sleep(2)
    waits: list[float] = []
    for number in range(CHANGES):
        began = time.perf_counter()
        state = client.call("Email/set", update={email: {"keywords/$flagged": number % 2 == 0 or None}})["newState"]
        until(lambda: all(one.since(state) for one in subscribers), seconds=30)  # noqa: B023 - at once
        waits += [one.since(state) - began for one in subscribers]
        time.sleep(0.2)
    return statistics.quantiles(waits, n=100)[98] * 1000


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
    name = "change until told, 150 subscribers, p99, ms"
    return figures | {name: spent.of(name, lambda: told(client, ids[0]), CHANGES)}


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
