"""One account does the most expensive work there is, while another one's NOOP, mail and page are timed (STORE-198).

Each kind for itself, then all at once: fifty IMAP sessions each that fetch all bodies, search for texts which no index
finds, sort, thread, and change flags; views and searches of the webmail over all mail, dry runs of rules, exports,
imports for trial, retraining; calls of JMAP, queries of calendars, a secret link. The limits of STORE-199
hold at the 95th percentile on two processors without other work.
"""

import http.client
import json
import os
import smtplib
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.imapload import IMAP, corpus
from bench.webload import Webmail
from tests.campaigns._costly import KINDS, PASSWORD, USER
from tests.campaigns.report import Finding, Report
from tests.running import LocalServer
from tests.tools import top

__all__ = ["run"]

MESSAGES: Final = 5_000
FEWEST: Final = 300
"""Messages of the account that does the work."""

OWN: Final = 300
"""Messages of the other one."""

SECONDS: Final = 30.0
SHORTEST: Final = 3.0
"""Seconds of each kind."""

BEGIN: Final = 1.0
"""Seconds of a kind before others are timed: the account has used little until then, and may use all."""

LIMITS: Final = {"NOOP": 0.1, "delivery": 0.5, "page": 0.5}
"""Seconds at the 95th percentile."""

BUSY: Final = 5
"""How many times as long it may take in a small share of the campaign, which runs beside other tests."""

PAUSE: Final = {"NOOP": 0.05, "delivery": 0.2, "page": 0.2}
"""Seconds between two."""

OTHER: Final = "bob@localhost"

ACCOUNTS: Final = """
[accounts.moxlite.junk_filter]
threshold = 0.95
onegrams = true
[accounts.bob]
domain = "localhost"
[accounts.bob.destinations."bob@localhost"]
"""


class Others:
    """What the other user does, and how long it takes."""

    def __init__(self, server: LocalServer) -> None:
        self._server = server
        self._imap = IMAP(server.port(143), OTHER, PASSWORD)
        self._page = Webmail(server.port(80), OTHER, PASSWORD)
        self._sent = 0

    def noop(self) -> None:
        """NOOP in an open session with a mailbox."""
        self._imap.command(b"NOOP")

    def delivery(self) -> None:
        """A message from elsewhere, from the connection to the last reply."""
        self._sent += 1
        mail = corpus(self._sent).replace(b"<bench.", b"<%d.bench." % time.time_ns(), 1)
        with smtplib.SMTP("127.0.0.1", self._server.port(25), "far.example", timeout=60) as smtp:
            smtp.sendmail("a@far.example", [OTHER], mail)

    def page(self) -> None:
        """The webmail's document, and the first fifty messages of the Inbox."""
        connection = http.client.HTTPConnection("localhost", self._page.port, timeout=60)
        connection.request("GET", "/webmail/")
        if connection.getresponse().read()[:1] != b"<":
            raise Finding("the webmail has no document")
        connection.close()
        self._page.events().close()

    def timed(self, seconds: float) -> dict[str, list[float]]:
        """Do all three side by side for so long."""
        until = time.monotonic() + seconds
        found: dict[str, list[float]] = {name: [] for name in LIMITS}
        failures: list[Exception] = []

        def repeat(name: str, work: Callable[[], None]) -> None:
            while time.monotonic() < until and not failures:
                began = time.monotonic()
                try:
                    work()
                except Exception as error:
                    failures.append(error)
                    return
                found[name].append(time.monotonic() - began)
                time.sleep(PAUSE[name])

        work = {"NOOP": self.noop, "delivery": self.delivery, "page": self.page}
        running = [threading.Thread(target=repeat, args=one) for one in work.items()]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        if failures:
            raise Finding(f"the other user got no answer: {failures[0]!r}")
        return found


def percentile(seconds: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]


def fill(server: LocalServer, user: str, count: int) -> None:
    """Append mail to an Inbox."""
    session = IMAP(server.port(143), user, PASSWORD)
    for first in range(0, count, 100):
        session.append(b"INBOX", [corpus(n) for n in range(first, min(first + 100, count))])
    session.close()


def worst(server: LocalServer, kinds: tuple[str, ...], others: Others, seconds: float) -> tuple[dict[str, float], str]:
    """Time the other user beside these kinds of work: percentiles, and what was done."""
    command = [sys.executable, "-m", "tests.campaigns._costly", ",".join(kinds), str(server.base)]
    with (server.folder.parent / "costly.log").open("ab") as log:
        costly = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=os.environ | {"PYTHONPATH": str(top())}
        )
    assert costly.stdout is not None
    try:
        if costly.stdout.readline() != "under way\n":
            raise Finding(f"{kinds} could not begin")
        time.sleep(BEGIN)
        found = others.timed(seconds)
        if costly.poll() is not None:
            raise Finding(f"the sessions of {kinds} were ended")
    finally:
        costly.terminate()
        told = costly.stdout.read()
        costly.wait()
    done = json.loads(told)
    work = ", ".join(f"{count} {kind}" for kind, count in sorted(done.items())) or "nothing finished"
    return {name: percentile(took) for name, took in found.items()}, work


def campaign(server: LocalServer, messages: int, seconds: float, slack: float, report: Report) -> None:
    """The whole play."""
    fill(server, USER, messages)
    fill(server, OTHER, OWN)
    others = Others(server)
    others.timed(1.0)  # modules are loaded
    alone = {name: percentile(took) for name, took in others.timed(seconds).items()}
    report.tell(f"{messages} messages of the account that works, {OWN} of the other one; {seconds:.0f} s of each kind")
    report.tell(f"load of the machine at the beginning: {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors")
    report.table(("work of one account", *(f"{name} of another, p95" for name in LIMITS), "done meanwhile"))
    wrong = []

    def row(kind: str, took: dict[str, float], done: str) -> None:
        report.row(kind, *(f"{1000 * took[name]:.0f} ms" for name in LIMITS), done)
        print(kind, {name: f"{1000 * value:.0f} ms" for name, value in took.items()}, done, flush=True)

    row("none", alone, "")
    for kinds in (*((kind,) for kind in KINDS), KINDS):
        name = kinds[0] if len(kinds) == 1 else "all"
        took, done = worst(server, kinds, others, seconds)
        row(name, took, done)
        wrong += [
            f"{what} took {1000 * took[what]:.0f} ms beside {name}"
            for what in LIMITS
            if took[what] > slack * LIMITS[what]
        ]
    if wrong:
        raise Finding("; ".join(wrong))


def run(seed: int, share: float, report: Report) -> None:
    """MESSAGES × share messages, SECONDS × share of each kind; nothing is random."""
    with tempfile.TemporaryDirectory(prefix="moxlite-budget-") as folder:
        server = LocalServer(Path(folder) / "server")
        with (server.folder / "config/domains.toml").open("a") as file:
            file.write(ACCOUNTS)
        with server:
            server.cli("account", "set-password", "bob", stdin=PASSWORD + "\n")
            messages, seconds = max(FEWEST, round(MESSAGES * share)), max(SHORTEST, SECONDS * share)
            campaign(server, messages, seconds, 1 if share >= 1 else BUSY, report)
            if "panic" in server.log():
                raise Finding("the server's log tells of a panic")
