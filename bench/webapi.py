"""The web API (WEB-173): ``python -m bench.webapi``, figures on standard output.

A `localserve` of its own in a folder that goes away, and its clients in four other processes, over plain HTTP with
connections kept.
"""

from __future__ import annotations

import base64
import http.client
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

import msgspec

from tests.running import LocalServer
from tests.tools import until

__all__ = ["main"]

ONE: Final = 300
"""Messages of a single sender."""

MANY: Final = 1_200
"""Messages of fifty senders."""

SENDERS: Final = 50
PROCESSES: Final = 4

UNLIMITED: Final = "no_sending_guard = true\nmax_outgoing_messages_per_day = 100_000\n"
"""For the account, which sends more in a minute than a person in a day."""

SETTLE: Final = 20.0
"""Seconds in which the queue delivers what was sent."""

TEXT: Final = "All work and no play makes a dull mailbox.\n" * 240
"""10 KiB."""


class Client:
    """One connection."""

    def __init__(self, port: int, user: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._login = "Basic " + base64.b64encode(user.encode()).decode()

    def call(self, method: str, **request: object) -> bytes:
        """The answer; raises RuntimeError for an error."""
        headers = {"Authorization": self._login, "Content-Type": "application/json"}
        self._connection.request("POST", f"/webapi/v0/{method}", msgspec.json.encode(request), headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method}: {answer.status} {body[:300]!r}")
        return body


def send(client: Client) -> None:
    """Send 10 KiB to the own account."""
    client.call("Send", To=[{"Address": "moxlite@localhost"}], Subject="bench", Text=TEXT)


def arrived(client: Client) -> bool:
    """Whether there is a first message."""
    try:
        client.call("MessageGet", MsgID=1)
    except RuntimeError:
        return False
    return True


def senders(port: int, user: str, number: int, each: int) -> None:
    """Some senders at once, as threads of this process."""

    def run() -> None:
        client = Client(port, user)
        for _ in range(each):
            send(client)

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def timed(client: Client, times: int, method: str, **request: object) -> list[float]:
    """Milliseconds of calls."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        client.call(method, **request)
        found.append(1000 * (time.perf_counter() - began))
    return found


def told(name: str, found: Sequence[float]) -> None:
    """Print median and 90th percentile."""
    print(f"{name}: p50 {statistics.median(found):.1f} ms, p90 {statistics.quantiles(found, n=10)[-1]:.1f} ms")


def main() -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as folder, LocalServer(Path(folder) / "server") as server:
        port, user = server.port(80), f"{server.user}:{server.password}"
        file = Path(folder) / "server/config/domains.toml"
        file.write_text(file.read_text().replace("[accounts.moxlite]\n", f"[accounts.moxlite]\n{UNLIMITED}"))
        time.sleep(2)  # the server reads it by itself
        client = Client(port, user)
        client.call("Send", To=[{"Address": "moxlite@localhost"}], Subject="long", Text=TEXT * 10)
        until(lambda: arrived(client), what="the first message has arrived")
        for _ in range(20):
            send(client)
        found = timed(client, ONE, "Send", To=[{"Address": "moxlite@localhost"}], Subject="bench", Text=TEXT)
        told("Send of 10 KiB, one sender", found)
        each, number = MANY // SENDERS, SENDERS // PROCESSES
        began = time.perf_counter()
        with ProcessPoolExecutor(PROCESSES) as pool:
            for done in [pool.submit(senders, port, user, number, each) for _ in range(PROCESSES)]:
                done.result()
        rate = PROCESSES * number * each / (time.perf_counter() - began)
        print(f"Send of 10 KiB, {PROCESSES * number} senders: {rate:.0f}/s")
        time.sleep(SETTLE)
        told("MessageGet of a text of 100 KiB", timed(client, 200, "MessageGet", MsgID=1))


if __name__ == "__main__":
    main()
