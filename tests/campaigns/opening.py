"""Ten thousand hostile mails are opened, answered, exported and listed, while another account is served (WEBMAIL-119a).

The mails come by IMAP's APPEND and by SMTP, in lots. A browser opens each, looks at its text and HTML and begins an
answer; one in four it opens in every view and begins each kind of answer. A mail program lists, searches and sorts
them. IMAP, SMTP and the webmail of a second account are asked all the while, and the processes' memory is read. Nothing
may end the server, nothing may panic, and the other account must not notice. SIGINT and SIGTERM end the campaign after
the lot at hand, with the report of what was done.
"""

import contextlib
import imaplib
import re
import signal
import smtplib
import statistics
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tests.campaigns.report import Finding, Report
from tests.hostilemails import KINDS, hostile_mails
from tests.openings import FETCHED, Opener, append, read_by_imap, send
from tests.running import LocalServer
from tests.watchedserver import held

__all__ = ["run"]

MAILS: Final = 10_000
CROSSED: Final = 1000
"""Of so many mails one lot is searched, sorted and threaded by each key in each order."""

PART: Final = 0.4
"""Of a share below the whole: a twentieth is 200 mails, one of each kind and some."""

SENT: Final = 4
"""Of so many mails one comes by SMTP."""

WHOLE: Final = 4
"""Of so many mails one is opened and answered in every way."""

LOT: Final = 100
"""Mails that are in the mailbox at once."""

NOOP_SECONDS: Final = 0.1
"""For 99 of 100 NOOPs of the other account."""

MAY_GROW: Final = 250 << 20
"""Octets by which the server and its child processes may grow."""

ADDRESS_SPACE: Final = 3 << 30
"""Octets that the server may map."""

PAUSES: Final = {"NOOP": 0.1, "SMTP": 0.3, "web": 0.3}
"""Seconds between two questions of the other account."""

QUIET: Final = 5.0
"""Seconds in which the other account is alone: a busy machine is slow by itself."""

OTHER = "other@localhost"
PASSWORD = "correct horse battery"


class Watching:
    """The other account: how long its NOOPs, its greetings and its calls take."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.seconds: dict[str, list[float]] = {"NOOP": [], "SMTP": [], "web": []}
        self.problems: list[str] = []
        self.peak = 0
        self.ended = threading.Event()

    def imap(self) -> None:
        with imaplib.IMAP4("127.0.0.1", self.server.port(143)) as client:
            client.login(OTHER, PASSWORD)
            client.select("INBOX")
            self._ask("NOOP", client.noop)

    def smtp(self) -> None:
        def greet() -> None:
            with smtplib.SMTP("127.0.0.1", self.server.port(25), timeout=60) as client:
                client.ehlo("other.example")

        self._ask("SMTP", greet)

    def web(self) -> None:
        opener = Opener(self.server, OTHER, PASSWORD)
        opener.log_in()
        self._ask("web", lambda: opener.call("token"))

    def memory(self) -> None:
        while not self.ended.wait(0.2):
            self.peak = max(self.peak, resident(self.server))

    def _ask(self, name: str, question: Callable[[], object]) -> None:
        while not self.ended.wait(PAUSES[name]):
            began = time.perf_counter()
            question()
            self.seconds[name].append(time.perf_counter() - began)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        def kept(run: Callable[[], None]) -> None:
            try:
                run()
            except Exception as problem:  # told by the campaign, whatever it is
                self.problems.append(f"{run.__name__}: {problem!r}")

        threads = [threading.Thread(target=kept, args=(run,)) for run in (self.imap, self.smtp, self.web, self.memory)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.ended.set()
            for thread in threads:
                thread.join()


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set."""
    stop = threading.Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(one, lambda *_: stop.set()) for one in signals]
    try:
        yield stop
    finally:
        for one, handler in zip(signals, before, strict=True):
            signal.signal(one, handler)


def resident(server: LocalServer) -> int:
    """Octets of memory of the server and its children that no other process shares."""
    total = 0
    for pid in server.pids():
        with contextlib.suppress(OSError):  # a child that has just ended
            if found := re.search(r"(?m)^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text()):
                total += int(found[1]) * 1024
    return total


def run(seed: int, share: float, report: Report) -> None:
    """All lots, then what was counted."""
    with tempfile.TemporaryDirectory(prefix="moxlite-opening-") as folder:
        environment = {"MOXLITE_TEST_AS": str(ADDRESS_SPACE)}
        with LocalServer(Path(folder) / "server", environment, module="tests.watchedserver") as server:
            server.cli("config", "account", "add", "other", OTHER)
            server.cli("account", "set-password", "other", stdin=f"{PASSWORD}\n")
            _campaign(server, seed, MAILS if share >= 1 else max(10, round(MAILS * share * PART)), report)


def _campaign(server: LocalServer, seed: int, count: int, report: Report) -> None:
    opener = Opener(server, server.user, server.password)
    opener.log_in()
    mails = hostile_mails(count, seed)
    opened = octets = refused = done = 0
    watching = Watching(server)
    with watching.watching(), stopped_by_signals() as stop:
        time.sleep(QUIET)
        alone = {name: list(seconds) for name, seconds in watching.seconds.items()}
        for seconds in watching.seconds.values():
            seconds.clear()
        before = resident(server)
        watching.peak = before
        for at in range(0, count, LOT):
            lot = [
                message for _, message in zip(range(min(LOT, count - at)), (mail for _, mail in mails), strict=False)
            ]
            refused += _put(server, lot)
            octets += sum(map(len, lot))
            opened += _open(opener)
            _list(server, report, at)
            done = min(at + LOT, count)
            print(f"  {done} of {count} mails, {watching.peak >> 20} MiB at most", flush=True)
            if stop.is_set():
                break
            if server.process.poll() is not None:
                raise Finding(f"the server ended:\n{server.log()[-3000:]}")
    if done < count:
        report.tell(f"ended from outside after {done} of {count} mails")
    if watching.problems:
        raise Finding(f"the other account: {watching.problems}\n{server.log()[-3000:]}")
    report.tell(
        f"{opened} of {done} mails of {len(KINDS)} kinds ({octets >> 20} MiB) opened and answered, a fourth of them in "
        f"every way, {refused} refused on their way in; answers by status that are not 200: {opener.refused}"
    )
    grown = watching.peak - before
    report.tell(f"memory with child processes: {before >> 20} MiB before, {watching.peak >> 20} MiB at most")
    for name, seconds in watching.seconds.items():
        told = (
            f"{len(seconds)} times, median {1000 * statistics.median(seconds):.1f} ms, p99 {1000 * p99(seconds):.1f} ms"
        )
        longest = f"longest {1000 * max(seconds):.0f} ms; while it was alone p99 {1000 * p99(alone[name]):.1f} ms"
        report.tell(f"other account, {name}: {told}, {longest}")
    found = held(server.log())
    report.tell(f"steps of the event loop over 50 ms: {len(found)}")
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port(81)}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    deaths = sum(float(value) for value in re.findall(r"(?m)^moxlite_sandbox_deaths_total(?:\{.*\})? (\S+)", text))
    report.tell(f"processes of the sandbox that were ended: {deaths:.0f}")
    if crashed := [line for line in text.splitlines() if re.match(r"moxlite_panic_total\{.*\} [^0]", line)]:
        raise Finding(f"panics were counted: {crashed}\n{server.log()[-3000:]}")
    if found:
        raise Finding("the event loop was held:\n" + "\n".join(found[:10]))
    if grown > MAY_GROW:
        raise Finding(f"memory grew by {grown >> 20} MiB")
    if (slow := p99(watching.seconds["NOOP"])) > NOOP_SECONDS + p99(alone["NOOP"]):
        raise Finding(f"one of a hundred NOOPs took {1000 * slow:.0f} ms and more")
    report.tell("panic counters 0, the server was there to the end")


def p99(seconds: list[float]) -> float:
    """Seconds that 99 of 100 stay below."""
    return statistics.quantiles(seconds, n=100)[98]


def _put(server: LocalServer, lot: list[bytes]) -> int:
    """Messages into the Inbox; how many were refused."""
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as client:
        client.login(server.user, server.password)
        for number, message in enumerate(lot):
            if number % SENT:
                append(client, message)
    return sum(not send(server, "eve@evil.example", server.user, message) for message in lot[::SENT])


def _open(opener: Opener) -> int:
    """Open and answer what the list shows; how many."""
    with opener.page() as numbers:
        for number in numbers:
            if number % WHOLE:
                opener.glance(number)
            else:
                opener.open(number)
    return len(numbers)


def _list(server: LocalServer, report: Report, at: int) -> None:
    """List, search and export the lot, and empty the mailbox."""
    opener = Opener(server, server.user, server.password)
    opener.log_in()
    opener.search("zebra")
    sizes = [opener.export(form) for form in ("mbox", "maildir")]
    if at == 0:
        report.tell(
            f"a lot exported as mbox and as a zip of a maildir: {' and '.join(f'{size >> 10} KiB' for size in sizes)}"
        )
    if opener.refused:
        raise Finding(f"listing and export were refused: {opener.refused}")
    opener.call("logout")
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as client:
        client.login(server.user, server.password)
        read_by_imap(client, FETCHED, crossed=at % CROSSED == 0)
        client.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
        client.expunge()
