"""The webmail on a slow line: `python -m bench.slowline [--rounds N]`.

Chromium and a server with 100 messages, by TLS and HTTP/2, with a line of 400 ms and 400 kbit/s between them: the first
visit until the form of the log-in, the log-in until the list, the first mail, and the second visit until the list. Each
round has a browser profile of its own. The bars are the times of 30 November 2026 and 5 percent.
"""

import argparse
import heapq
import itertools
import socket
import statistics
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from playwright.sync_api import Browser, Page, sync_playwright

from bench.imapload import IMAP, corpus
from tests.running import LocalServer
from tests.tools import need

__all__ = ["SlowLine"]

ROUND_TRIP: Final = 0.4
RATE: Final = 400_000 / 8
"""Octets in a second, each way, for all connections together."""

PIECE: Final = 2920
"""Octets that travel at once: two segments."""

AHEAD: Final = 64 * 1024
"""Octets of a connection that may be on their way, as in a window of TCP."""

MESSAGES: Final = 100
ROUNDS: Final = 3

FLAGS: Final = ["--no-sandbox", "--ignore-certificate-errors"]
"""Chromium connects a second time where it has only been told afterwards to take a certificate that it can't verify."""

BARS: Final = {"first visit, s": 3.57, "list, s": 2.52, "first mail, s": 0.11, "second visit, s": 2.94}


class Way:
    """One direction of the line: octets arrive as late as the rate and half of the round trip let them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._travelling: list[tuple[float, int, socket.socket, bytes]] = []
        self._number = itertools.count()
        self._free = 0.0
        self._under_way: dict[socket.socket, int] = {}
        threading.Thread(target=self._deliver, daemon=True).start()

    def carry(self, source: socket.socket, target: socket.socket) -> None:
        """Carry octets until the source ends, then the end."""
        with suppress(OSError):
            while octets := source.recv(PIECE):
                self._send(target, octets)
        self._send(target, b"")

    def _send(self, target: socket.socket, octets: bytes) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._under_way.get(target, 0) < AHEAD)
            self._free = max(time.monotonic(), self._free) + len(octets) / RATE
            self._under_way[target] = self._under_way.get(target, 0) + len(octets)
            heapq.heappush(self._travelling, (self._free + ROUND_TRIP / 2, next(self._number), target, octets))
            self._changed.notify_all()

    def _deliver(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._travelling)
                moment, _, target, octets = self._travelling[0]
                if (left := moment - time.monotonic()) > 0:
                    self._changed.wait(left)
                    continue
                heapq.heappop(self._travelling)
                self._under_way[target] -= len(octets)
                self._changed.notify_all()
            with suppress(OSError):
                if octets:
                    target.sendall(octets)
                else:
                    target.shutdown(socket.SHUT_WR)


class SlowLine:
    """A line to a port of this machine."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._there, self._back = Way(), Way()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
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
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        time.sleep(ROUND_TRIP)  # the handshake of TCP
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            there = threading.Thread(target=self._there.carry, args=(client, server), daemon=True)
            there.start()
            self._back.carry(server, client)
            there.join()


def wait_for(page: Page, selector: str) -> None:
    """Wait until an element is in the page: asked at each frame, where a locator would ask each half second at last."""
    page.wait_for_function(f"document.querySelector({selector!r}) !== null")


def visit(browser: Browser, server: LocalServer, port: int) -> dict[str, float]:
    """The figures of one person with a new browser."""
    context = browser.new_context(ignore_https_errors=True, bypass_csp=True, locale="en-GB")  # for `wait_for`
    context.set_default_timeout(120_000)
    page = context.new_page()
    figures: dict[str, float] = {}

    def note(figure: str, began: float) -> None:
        figures[figure] = time.monotonic() - began

    began = time.monotonic()
    page.goto(f"https://localhost:{port}/webmail/", wait_until="commit")
    wait_for(page, "input[type=password]")
    note("first visit, s", began)
    page.get_by_label("Email address").fill(server.user)
    page.get_by_label("Password").press_sequentially(server.password, delay=100)
    began = time.monotonic()
    page.get_by_role("button", name="Log in").click()
    wait_for(page, ".message:not(.missing)")
    note("list, s", began)
    page.wait_for_timeout(20_000)  # parts are fetched meanwhile, as while somebody looks at the list
    began = time.monotonic()
    page.locator(".message").first.click()
    wait_for(page, ".text-part, .reader iframe")
    note("first mail, s", began)
    page.goto("about:blank")
    began = time.monotonic()
    page.goto(f"https://localhost:{port}/webmail/", wait_until="commit")
    wait_for(page, ".message:not(.missing)")
    note("second visit, s", began)
    context.close()
    return figures


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="bench.slowline", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="moxlite-slowline-") as folder,
        sync_playwright() as playwright,
        LocalServer(Path(folder) / "l") as server,
        SlowLine(server.port(443)) as line,
    ):
        session = IMAP(server.port(143), server.user, server.password, tls=False)
        session.append(b"INBOX", [corpus(number) for number in range(MESSAGES)])
        session.close()
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=FLAGS)
        rounds = [visit(browser, server, line.port) for _ in range(options.rounds)]
        browser.close()
    print("| Figure | Median | Bar |\n|---|---|---|")
    for figure, bar in BARS.items():
        print(f"| {figure} | {statistics.median(one[figure] for one in rounds):.2f} | {bar:.2f} |")


if __name__ == "__main__":
    main()
