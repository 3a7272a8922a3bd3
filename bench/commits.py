"""This version of moxlite beside another one: `python -m bench.commits TREE`, TREE a checkout of the other.

What costs a server's processor when the webmail, JMAP, a browser of a website and the command line ask for what they
ask for most. Both servers run at the same time, with the same mail; each round does the same work on both, in turn.
The table has the medians of milliseconds of a processor, and the median of the rounds' ratios, which a busy machine
disturbs least. Needs Chromium.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

import msgspec
from playwright.sync_api import Browser, StorageState, sync_playwright

from bench.compare import STATIC
from bench.imap import Side
from bench.jmap import Client
from bench.measures import fill
from bench.servers import BYTECODE, Moxlite
from bench.webload import Webmail
from bench.webmail import LOG_IN, library
from tests.tools import need, top

__all__ = ["Figure", "main"]

REQUESTS: Final = 20
"""Requests of a round: one is shorter than what else a server does meanwhile."""

MAILBOXES: Final = 30

FILES: Final = 50
"""Static files asked for at a time, by one connection."""

QUIET: Final = 1.0
"""Seconds without a request after which a page has loaded all."""

COMMANDS: Final[dict[str, list[str]]] = {
    "version": ["version"],
    "help": ["help"],
    "help of a command": ["account", "list", "--help"],
    "config describe-domains": ["config", "describe-domains"],
    "config test": ["config", "test"],
    "account list": ["account", "list"],
    "queue list": ["queue", "list"],
}
"""Command lines by their names; the last two ask the server."""


class Figure(msgspec.Struct):
    """What it took on either side, round by round."""

    ours: list[float]
    theirs: list[float]

    @property
    def ratio(self) -> float:
        """The median of ours / theirs within a round."""
        return statistics.median(a / b for a, b in zip(self.ours, self.theirs, strict=False))


class Tree:
    """A running server of one version, and its clients."""

    def __init__(self, tree: Path, folder: Path, messages: int) -> None:
        self.environment = BYTECODE | {"PYTHONPATH": str(tree), "PYTHONSAFEPATH": "1"}
        folder.mkdir()
        self.state: StorageState | None = None
        """Of a browser that has logged in."""
        self.server = Moxlite(folder, environment=self.environment)
        (folder / "www/files").mkdir(parents=True)
        (folder / "www/files/one.bin").write_bytes(bytes(range(256)) * 40)
        domains = self.server.server.folder / "config/domains.toml"
        domains.write_text(domains.read_text() + STATIC.format(root=folder / "www"))
        self.server.start()
        fill(self.server, messages)
        side = Side(self.server, messages)
        session = side.login(select=None)
        for number in range(MAILBOXES):
            session.command(b"CREATE Projects/%d" % number, keep=False)
        session.close()
        side.settle()
        self.webmail = Webmail(self.server.http_port, self.server.user, self.server.password)
        self.connect()
        self.inbox = self.jmap.call("Mailbox/query", filter={"role": "inbox"})["ids"][0]
        print(f"# {tree} is filled, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)

    def connect(self) -> None:
        """Have a new connection for JMAP: one that is idle for long is closed."""
        self.jmap = Client(self.server.http_port, self.server.user, self.server.password)

    def spent(self) -> float:
        """Milliseconds of a processor that the server has taken."""
        clocks = ((~pid << 3) | 2 for pid in self.server.pids())  # clock_getcpuclockid(3)
        return sum(map(time.clock_gettime_ns, clocks)) / 1e6

    def of(self, work: Callable[[], object]) -> float:
        """Milliseconds of a processor that the server takes for one of the round's requests."""
        self.connect()
        before = self.spent()
        for _ in range(REQUESTS):
            work()
        return (self.spent() - before) / REQUESTS

    def files(self) -> None:
        """Get a static file of 10 KiB, `FILES` times."""
        connection = http.client.HTTPConnection("localhost", self.server.http_port, timeout=60)
        for _ in range(FILES):
            connection.request("GET", "/files/one.bin")
            answer = connection.getresponse()
            assert (answer.status, len(answer.read())) == (200, 10240), answer.status
        connection.close()

    def listed(self) -> None:
        """Open a stream, until the mailboxes and 50 rows of the Inbox are there."""
        self.webmail.events().close()

    def queried(self) -> None:
        """`Email/query` with `Email/get` of the newest 50."""
        of = {"accountId": self.jmap.account}
        order = [{"property": "receivedAt", "isAscending": False}]
        found = self.jmap.request(
            ["Email/query", {**of, "filter": {"inMailbox": self.inbox}, "sort": order, "limit": 50}, "0"],
            ["Email/get", {**of, "#ids": {"resultOf": "0", "name": "Email/query", "path": "/ids"}}, "1"],
        )
        assert len(found[1][1]["list"]) == 50

    def mailboxes(self) -> None:
        """`Mailbox/get` of all."""
        assert self.jmap.call("Mailbox/get", ids=None)["list"]

    def command(self, words: Sequence[str]) -> float:
        """Milliseconds of a processor of a command line's process."""
        conf = str(self.server.server.config_folder / "moxlite.toml")
        command = [sys.executable, "-m", "moxlite", *words]
        environment = os.environ | self.environment | {"MOXLITE_CONF": conf}
        for _ in range(5):  # where the machine is very busy, the server may answer too late
            process = subprocess.Popen(command, env=environment, stdout=-3, stderr=subprocess.PIPE)
            with process:
                errors = process.stderr.read() if process.stderr else b""
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode == 0:
                return 1e3 * (usage.ru_utime + usage.ru_stime)
        raise RuntimeError(f"{command}: {errors.decode()}")

    def first_load(self, browser: Browser) -> dict[str, float]:
        """Open the webmail in a new browser that is logged in, until nothing more is asked for."""
        url = f"http://localhost:{self.server.http_port}/webmail/"
        if self.state is None:
            context = browser.new_context()
            page = context.new_page()
            page.set_default_timeout(300_000)
            page.goto(url)
            page.evaluate(f"(given) => ({library(LOG_IN)})(...given)", [self.server.user, self.server.password])
            self.state = context.storage_state()
            context.close()
        context = browser.new_context(viewport={"width": 1280, "height": 800}, storage_state=self.state)
        page = context.new_page()
        page.set_default_timeout(300_000)
        octets: dict[str, int] = {}
        last = time.monotonic()

        def came(event: dict[str, Any]) -> None:
            nonlocal last
            last = time.monotonic()
            key, brought = event["requestId"], event.get("encodedDataLength", 0)
            octets[key] = octets.get(key, 0) + event.get("response", {}).get("encodedDataLength", brought)

        def ended(event: dict[str, Any]) -> None:
            octets[event["requestId"]] = event["encodedDataLength"]

        session = context.new_cdp_session(page)
        for name in ("requestWillBeSent", "responseReceived", "dataReceived"):
            session.on(f"Network.{name}", came)
        session.on("Network.loadingFinished", ended)
        session.send("Network.enable")
        before = self.spent()
        page.goto(url)
        page.locator(".message:not(.missing)").first.wait_for()
        while time.monotonic() < last + QUIET:
            page.wait_for_timeout(100)
        used = self.spent() - before
        context.close()
        return {"server": used, "requests": len(octets), "kB": sum(octets.values()) / 1e3}


def compared(found: dict[str, Figure], ours: Tree, theirs: Tree, rounds: int) -> None:
    """Add all figures of so many rounds."""

    def turn(number: int, work: Callable[[Tree], dict[str, float]]) -> None:
        """On both, the other one first in each second round."""
        turns = [(tree, work(tree)) for tree in ((ours, theirs) if number % 2 else (theirs, ours))]
        for tree, values in turns if number >= 0 else ():
            for name, value in values.items():
                one = found.setdefault(name, Figure([], []))
                (one.ours if tree is ours else one.theirs).append(value)

    requests: dict[str, Callable[[Tree], Callable[[], object]]] = {
        "webmail, mailboxes and 50 rows": lambda tree: tree.listed,
        "JMAP, Email/query and Email/get of 50": lambda tree: tree.queried,
        "JMAP, Mailbox/get": lambda tree: tree.mailboxes,
        f"{FILES} static files of 10 KiB": lambda tree: tree.files,
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=["--no-sandbox", "--disable-gpu"])
        for number in range(-1, rounds):  # what a server makes once isn't counted
            for name, work in requests.items():
                turn(number, lambda tree, name=name, work=work: {name: tree.of(work(tree))})  # type: ignore[misc]
            for name, words in COMMANDS.items():
                turn(number, lambda tree, name=name, words=words: {f"moxlite {name}": tree.command(words)})  # type: ignore[misc]
            turn(number, lambda tree: {f"webmail, first load: {k}": v for k, v in tree.first_load(browser).items()})
            print(f"# round {number + 1}, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
        browser.close()


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.commits", description=__doc__)
    parser.add_argument("tree", type=Path, help="a checkout of the other version; this one itself shows the noise")
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=60, help="Ctrl-C ends it earlier")
    parser.add_argument("--json", type=Path, help="write all rounds there, too")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="moxlite-commits-", ignore_cleanup_errors=True) as name,
        ExitStack() as stack,
    ):
        ours = Tree(top(), Path(name) / "ours", options.messages)
        stack.callback(ours.server.stop)
        theirs = Tree(options.tree.resolve(), Path(name) / "theirs", options.messages)
        stack.callback(theirs.server.stop)
        found: dict[str, Figure] = {}
        with suppress(KeyboardInterrupt):
            compared(found, ours, theirs, options.rounds)
    print("| Figure | this one | the other | ratio |\n|---|---|---|---|")
    for title, one in found.items():
        print(
            f"| {title} | {statistics.median(one.ours):.2f} | {statistics.median(one.theirs):.2f} | {one.ratio:.3f} |"
        )
    if options.json:
        options.json.write_text(json.dumps({title: msgspec.to_builtins(one) for title, one in found.items()}) + "\n")


if __name__ == "__main__":
    main()
